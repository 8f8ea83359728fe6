"""Programs under test as child processes, and the report of a test file.

Everything that a test starts is a descendant of this process (it adopts orphans, PR_SET_CHILD_SUBREAPER) and is ended by its pid
when the test ends, whatever happened. Nothing waits for a fixed time: waits look for a line, a file or an end, up to a deadline.

A test file calls run_tests() with its functions. Each gets a fresh directory; the file prints one line a test

    ok NAME | not ok NAME: reason | skip NAME: reason

and ends with 0, with 1 when a test failed, with 77 when nothing but skipped tests is left.
"""

import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PR_SET_CHILD_SUBREAPER = 36
POLL = 0.02  # seconds between two looks at a log or a process
TAIL = 40  # lines of each log that a failed test prints
END_LIMIT = 15  # seconds for a daemon to end gracefully


class Skip(Exception):
    """The test cannot be run here; says why."""


class Failed(Exception):
    """What was expected did not happen; says what did."""


def check(condition, reason):
    if not condition:
        raise Failed(reason)


def wait_until(condition, what, timeout=20):
    """The first true value of condition()."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {timeout} s")
        time.sleep(POLL)


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("0.0.0.0", port))
            return True
        except OSError:
            return False


_given_ports = set()


def free_port():
    """Below the range from which the kernel takes ports for outgoing connections."""
    while True:
        port = random.randrange(15000, 32000)
        if port not in _given_ports and is_free(port):
            _given_ports.add(port)
            return port


def _parents():
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents[int(entry.name)] = int(parent)
    return parents


def descendants(root=None):
    """Pids of all processes below root, without zombies."""
    parents, found = _parents(), {root or os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found - {root or os.getpid()}
        found |= more


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def find_child(root, pattern):
    """Pid of a descendant of root whose command line matches, or None."""
    return next((pid for pid in sorted(descendants(root)) if re.search(pattern, command_of(pid))), None)


def kill_all_descendants():
    while True:
        left = descendants()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if not left:
            return
        time.sleep(POLL)


class Process:
    """A program in the background, its output in a log file that grows over restarts of the same name."""

    def __init__(self, argv, log, env, cwd):
        self.argv, self.log = [str(a) for a in argv], pathlib.Path(log)
        self.name = self.log.stem
        self.start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd,
                                          start_new_session=True)
        self.pid = self.popen.pid

    def text(self, since=None):
        """What this process (not an earlier one of its name) has said."""
        data = self.log.read_bytes()[self.start if since is None else since:]
        return re.sub(r"\x1b\[[0-9;]*m", "", data.decode(errors="replace"))

    def wait_log(self, pattern, timeout=30, count=1):
        """Until a line matches; the last needed match."""

        def look():
            found = list(re.finditer(pattern, self.text(), re.MULTILINE))
            if len(found) < count and self.popen.poll() is not None:
                found = list(re.finditer(pattern, self.text(), re.MULTILINE))
                if len(found) < count:
                    raise Failed(f"{self.name} ended with status {self.popen.returncode} without saying {pattern!r}")
            return found[count - 1] if len(found) >= count else None

        return wait_until(look, f"{self.name} saying {pattern!r}", timeout)

    def wait_end(self, timeout=END_LIMIT):
        """Exit status; negative: the signal."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} has not ended within {timeout} s") from None

    def stop(self, signo=signal.SIGTERM, timeout=END_LIMIT):
        """Asks it to end; its status must be 0."""
        self.popen.send_signal(signo)
        status = self.wait_end(timeout)
        check(status == 0, f"{self.name} ended with status {status} after signal {signo}")

    def kill(self):
        """Ends it without warning, and only it: its children stay."""
        self.popen.kill()
        self.popen.wait()

    def rss(self):
        """Resident memory in bytes."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


class Result:
    """What a command did."""

    def __init__(self, status, out):
        self.status, self.out = status, re.sub(r"\x1b\[[0-9;]*m", "", out)

    def lines(self):
        return [line for line in self.out.splitlines() if line.strip()]


def run_command(argv, env=None, cwd=None, timeout=60, log=None):
    """Runs a command to its end; both of its outputs as one text."""
    argv = [str(a) for a in argv]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=cwd,
                              timeout=timeout, check=False)
        status, out = done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        status, out = None, e.stdout or b""
    out = out.decode(errors="replace")
    if log:
        with open(log, "a", encoding="utf-8") as f:
            f.write(f"$ {' '.join(argv)}\n{out}-> {status}\n")
    if status is None:
        raise Failed(f"`{' '.join(argv)}` has not ended within {timeout} s")
    return Result(status, out)


def _print_logs(folder):
    for log in sorted(folder.rglob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        print(f"  ---- the end of {log.name}")
        for line in lines[-TAIL:]:
            print(f"  | {line}")


def _run_one(function):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flwr-test-"))
    name = function.__name__
    started = time.monotonic()
    notes = []
    try:
        result = function(folder)
        notes = [result] if isinstance(result, str) else []
        line, outcome = f"ok {name}", "ok"
    except Skip as e:
        line, outcome = f"skip {name}: {e}", "skip"
    except Failed as e:
        line, outcome = f"not ok {name}: {e}", "failed"
    except Exception as e:  # a fault of the test itself is a failure like any other
        traceback.print_exc(file=sys.stdout)
        line, outcome = f"not ok {name}: {type(e).__name__}: {e}", "failed"
    finally:
        kill_all_descendants()
    print(line + (f" # {time.monotonic() - started:.1f} s {' '.join(notes)}".rstrip() if outcome == "ok" else ""), flush=True)
    if outcome == "failed":
        _print_logs(folder)
    if outcome == "failed" and os.environ.get("FLWR_TEST_KEEP"):
        print(f"  kept: {folder}", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def run_tests(*functions):
    """Runs those whose names contain one of the command line's words, all without words."""
    words = sys.argv[1:]
    # So that cleaning up is not left out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    outcomes = [_run_one(f) for f in functions if not words or any(word in f.__name__ for word in words)]
    sys.exit(1 if "failed" in outcomes else 77 if outcomes and set(outcomes) == {"skip"} else 0)
