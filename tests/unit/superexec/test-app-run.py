#!/usr/bin/env python3
"""flwr-app-run, as systemd would start it: a connection for standard input, a request on it, an answer."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

TOP = pathlib.Path(os.environ.get("top_srcdir") or pathlib.Path(__file__).resolve().parents[3])
sys.path.insert(0, str(TOP / "tests/lib"))

from process import Skip, check, run_tests, wait_until  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("top_builddir") or ".").resolve() / "src/apps/flwr-app-run"
REQUEST_MAX = 64 * 1024
LINE_MAX = 48 * 1024
EX_USAGE, EX_DATAERR, EX_UNAVAILABLE = 64, 65, 69


def request(*argv, env=None, run="17", kind="clientapp", **more):
    return json.dumps({"argv": argv, "env": env or {}, "run": run, "kind": kind, **more}).encode() + b"\n"


def sh(script, **how):
    return request("/bin/sh", "-c", script, **how)


class Unit:
    """One instance of the service."""

    def __init__(self, folder, data=None):
        if not PROGRAM.exists():
            raise Skip(f"there is no {PROGRAM}")
        self.errors = folder / "app-run.log"
        self.connection, theirs = socket.socketpair()
        self.connection.settimeout(20)
        with theirs, self.errors.open("wb") as err:
            self.process = subprocess.Popen([PROGRAM], stdin=theirs, stdout=err, stderr=err)
        if data is not None:
            self.connection.sendall(data)

    def answer(self):
        """All that comes until the connection's end."""
        data = b""
        while chunk := self.connection.recv(4096):
            data += chunk
        check(data.endswith(b"\n") and data.count(b"\n") == 1, f"the answer is not one line: {data!r}")
        return json.loads(data)

    def end(self):
        return self.process.wait(20)

    def out(self):
        return self.errors.read_bytes()

    def wait_out(self, word):
        return wait_until(lambda: word in self.out() and self.out(), f"the output having {word!r}")


def expect(unit, answer, status):
    got = unit.answer()
    check(got == answer, f"answered {got}, not {answer}")
    check(unit.end() == status, f"ended with {unit.process.returncode}, not {status}")


def expect_refused(unit, words, status=EX_DATAERR):
    got = unit.answer()
    check(list(got) == ["error"] and words in got["error"], f"answered {got}, not an error with {words!r}")
    check(unit.end() == status, f"ended with {unit.process.returncode}, not {status}")


def gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def ends_well(folder):
    unit = Unit(folder, sh('echo "to stdout $X"; echo to stderr >&2; printf unended', env={"X": "y=z é"}))
    expect(unit, {"status": 0}, 0)
    check(unit.out() == "to stdout y=z é\nto stderr\nunended\n".encode(), f"the output is {unit.out()!r}")


def ends_with_a_status(folder):
    expect(Unit(folder, sh("exit 7")), {"status": 7}, 7)


def ends_by_a_signal(folder):
    expect(Unit(folder, sh("kill -SEGV $$")), {"signal": int(signal.SIGSEGV)}, 128 + signal.SIGSEGV)


def gives_the_app_nothing_of_its_own(folder):
    """Not the connection, neither as input nor as another descriptor, and no signal that is blocked."""
    unit = Unit(folder, sh("cat; ls -l /proc/self/fd | grep -c socket; grep SigBlk /proc/self/status"))
    expect(unit, {"status": 0}, 0)
    check(unit.out() == b"0\nSigBlk:\t0000000000000000\n", f"the output is {unit.out()!r}")


def request_in_pieces(folder):
    unit = Unit(folder)
    for piece in (b'{"argv": ["/bin/sh", "-c", ', b'"exit 3"], "run": "1", ', b'"kind": "serverapp"}', b"\n"):
        unit.connection.sendall(piece)
        time.sleep(0.05)
    expect(unit, {"status": 3}, 3)


def bytes_behind_the_request(folder):
    """Ignored, before the app has started and later."""
    unit = Unit(folder, sh("read x < /dev/null; sleep 0.3; exit 4") + b"more\nand more")
    unit.connection.sendall(b"x" * 10000)
    expect(unit, {"status": 4}, 4)


def _family(folder, trap):
    """An app with a child, both of which ignore or take SIGTERM; their pids."""
    unit = Unit(folder, sh(f"trap '{trap}' TERM; (trap '{trap}' TERM; while :; do sleep 0.1; done) & echo pids $$ $! .; "
                           "while :; do sleep 0.1; done"))
    words = unit.wait_out(b" .\n").split()
    return unit, [int(words[1]), int(words[2])]


def closed_connection_ends_the_group(folder):
    unit, pids = _family(folder, "exit 0")
    unit.connection.close()
    check(unit.end() == 0, f"ended with {unit.process.returncode}")
    wait_until(lambda: all(gone(p) for p in pids), "the app and its child ending", 5)


def closed_connection_kills_at_last(folder):
    unit, pids = _family(folder, "")
    started = time.monotonic()
    unit.connection.close()
    check(unit.end() == 0, f"ended with {unit.process.returncode}")
    check(4.5 < time.monotonic() - started < 10, "SIGKILL came at another time")
    wait_until(lambda: all(gone(p) for p in pids), "the app and its child ending", 5)


def half_closed_connection_ends_and_answers(folder):
    unit, pids = _family(folder, "exit 9")
    unit.connection.shutdown(socket.SHUT_WR)
    expect(unit, {"status": 9}, 0)
    wait_until(lambda: all(gone(p) for p in pids), "the app and its child ending", 5)


def stopped_unit_ends_and_answers(folder):
    unit, pids = _family(folder, "exit 9")
    unit.process.terminate()
    expect(unit, {"status": 9}, 0)
    wait_until(lambda: all(gone(p) for p in pids), "the app and its child ending", 5)


def left_behind_children_end(folder):
    """Also where they hold the output open."""
    unit = Unit(folder, sh("(trap '' TERM; while :; do sleep 0.1; done) & echo pid $! ."))
    pid = int(unit.wait_out(b" .\n").split()[1])
    expect(unit, {"status": 0}, 0)
    wait_until(lambda: gone(pid), "the child ending", 5)


def closed_before_a_request(folder):
    unit = Unit(folder)
    unit.connection.close()
    check(unit.end() == 0, f"ended with {unit.process.returncode}")
    check(unit.out() == b"", f"said {unit.out()!r}")


def no_request(folder):
    expect_refused(Unit(folder, b'{"argv": '), "no request has come")


def long_lines(folder):
    """In pieces, and nothing is lost."""
    unit = Unit(folder, sh("head -c 200000 /dev/zero | tr '\\0' x; echo; echo after"))
    expect(unit, {"status": 0}, 0)
    lines = unit.out().split(b"\n")
    check([len(line) for line in lines] == [LINE_MAX] * 4 + [200000 - 4 * LINE_MAX, 5, 0], f"lines of {[len(x) for x in lines]}")


def much_output(folder):
    unit = Unit(folder, sh("seq 300000"))
    expect(unit, {"status": 0}, 0)
    check(unit.out() == b"".join(b"%d\n" % i for i in range(1, 300001)), "lines were lost or changed")


def binary_output(folder):
    unit = Unit(folder, sh(r"printf 'a\000b\377c\n\033[92mINFO\033[0m : d\n'; head -c 300000 /dev/urandom"))
    expect(unit, {"status": 0}, 0)
    text = unit.out().decode()  # valid, or this fails
    check(text.startswith("a\ufffdb\ufffdc\nINFO : d\n"), f"begins with {text[:40]!r}")


def bad_requests(folder):
    for data, words in (
            (b"\n", "JSON"), (b"[]\n", "argv"), (b"\xff\x00\n", "JSON"), (b"{" * 5000 + b"\n", "JSON"),
            (request(), "argv"), (request("sh", "-c", "true"), "argv"), (request("/bin/sh", 1), "argv"),
            (request("/bin/sh", "a\0b"), "argv"), (request(*["/bin/true"] * 65), "argv"),
            (sh("true", env={"A=B": "x"}), "env"), (sh("true", env={"": "x"}), "env"), (sh("true", env={"A": 1}), "env"),
            (sh("true", env=["A"]), "env"), (sh("true", run="-1"), "run"), (sh("true", run=17), "run"),
            (sh("true", kind="simulation"), "kind")):
        expect_refused(Unit(folder, data), words)


def oversized_request(folder):
    expect_refused(Unit(folder, b"x" * (REQUEST_MAX + 1)), "larger")
    expect_refused(Unit(folder, request("/bin/true", "x" * REQUEST_MAX)), "larger")


def largest_request(folder):
    frame = len(request("/bin/true", ""))
    expect(Unit(folder, request("/bin/true", "x" * (REQUEST_MAX - frame))), {"status": 0}, 0)


def missing_program(folder):
    expect_refused(Unit(folder, request("/nonexistent/program")), "/nonexistent/program: No such file", EX_UNAVAILABLE)


def no_connection(folder):
    if not PROGRAM.exists():
        raise Skip(f"there is no {PROGRAM}")
    done = subprocess.run([PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    check(done.returncode == EX_USAGE and b"systemd" in done.stderr, f"{done.returncode}: {done.stderr!r}")


def behind_a_real_listener(folder):
    """systemd's own activation: it passes the connection twice, with the variables that announce it."""
    activate = shutil.which("systemd-socket-activate")
    if not activate or not PROGRAM.exists():
        raise Skip("there is no systemd-socket-activate")
    path = folder / "launch.sock"
    with (folder / "activate.log").open("wb") as log:
        subprocess.Popen([activate, "--listen", path, "--accept", "--inetd", PROGRAM], stdout=log, stderr=log)
    wait_until(path.exists, "the socket")
    for status in (0, 5):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(str(path))
            s.sendall(sh(f"env | grep -c ^LISTEN_; exit {status}"))
            got = json.loads(s.makefile().readline())
            check(got == {"status": status}, f"answered {got}")


if __name__ == "__main__":
    run_tests(ends_well, ends_with_a_status, ends_by_a_signal, gives_the_app_nothing_of_its_own, request_in_pieces,
              bytes_behind_the_request, closed_connection_ends_the_group, closed_connection_kills_at_last,
              half_closed_connection_ends_and_answers, stopped_unit_ends_and_answers, left_behind_children_end,
              closed_before_a_request, no_request, long_lines, much_output, binary_output, bad_requests, oversized_request,
              largest_request, missing_program, no_connection, behind_a_real_listener)
