#!/usr/bin/env python3
"""A ClientApp's process that has nothing to do ends at once when its node or its launcher says so, and as a success."""

import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import Federation, check_run  # noqa: E402
from process import check, command_of, find_child, run_tests, wait_until  # noqa: E402

AT_ONCE = 3  # seconds; the retries of a call go on for a minute


def idle_executor(folder):
    """A node whose launcher is another process, and the executor that waits below that launcher."""
    f = Federation(folder)
    f.hub()
    node = f.node(1, 1, "--isolation", "process")
    launcher = f.start("launcher", "flower-superexec", "--insecure", "--plugin-type", "clientapp", "--appio-api-address",
                       f"127.0.0.1:{f.node_ports[1]}")
    return f, node, launcher


def run_once(f):
    other = f.node(2, 3)
    check_run(f.run(f.native_app()), weights=[1, 3])
    other.stop()


def ended(pid):
    wait_until(lambda: "flwr-clientapp" not in command_of(pid), "the idle executor's end", AT_ONCE)


def check_success(launcher):
    check("ended with status" not in launcher.text() and "killed by" not in launcher.text(), f"the launcher says: {launcher.text()}")


def node_goes_away(folder):
    f, node, launcher = idle_executor(folder)
    run_once(f)
    pid = wait_until(lambda: find_child(launcher.pid, r"flwr-clientapp"), "an idle executor")
    node.stop()
    ended(pid)
    check_success(launcher)


def node_is_killed(folder):
    f, node, launcher = idle_executor(folder)
    run_once(f)
    pid = wait_until(lambda: find_child(launcher.pid, r"flwr-clientapp"), "an idle executor")
    node.kill()
    ended(pid)
    check_success(launcher)


def executor_is_asked_to_end(folder):
    f, _, launcher = idle_executor(folder)
    run_once(f)
    pid = wait_until(lambda: find_child(launcher.pid, r"flwr-clientapp"), "an idle executor")
    os.kill(pid, signal.SIGTERM)
    ended(pid)
    check_success(launcher)


if __name__ == "__main__":
    run_tests(node_goes_away, node_is_killed, executor_is_asked_to_end)
