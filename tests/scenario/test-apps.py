#!/usr/bin/env python3
"""Apps that crash, that fail, that are not there: what the run and its user get to know."""

import os
import pathlib
import re
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import Federation, check_run  # noqa: E402
from process import check, find_child, run_tests, wait_until  # noqa: E402


def started(folder):
    f = Federation(folder)
    hub = f.hub()
    nodes = [f.node(1, 1), f.node(2, 3)]
    return f, hub, nodes, f.native_app()


def last_run(f, app):
    return re.search(r'"run-id":\s*"(\d+)"', f.flwr("ls", app, "test", "--format", "json").out)[1]


def failed_run(f, app, result, reason):
    """finished:failed, and both the stream and the listing say why."""
    check(result.status == 1, f"flwr run --stream ended with status {result.status}: {result.out}")
    run_id = last_run(f, app)
    check(f.status_of(app, run_id) == "finished:failed", f"the run is {f.status_of(app, run_id)}")
    check(re.search(reason, result.out), f"flwr run says nothing of {reason!r}: {result.out}")
    listed = f.flwr("ls", app, "test", "--run-id", run_id, "--format", "json").out
    check(re.search(reason, listed), f"flwr ls says nothing of {reason!r}: {listed}")


def client_app_crashes(folder):
    """Its message is answered with an error, the run goes on without it, and the next message finds it alive."""
    f, _, _, app = started(folder)
    result = f.run(app, "crash='client' crash-weight=3 crash-round=2 num-server-rounds=3")
    check_run(result, weights=[1, 3], rounds=3, missing={(2, 3)})
    check(re.search(r"killed by signal 9", result.out), f"nothing says how the ClientApp ended: {result.out}")


def client_app_is_killed(folder):
    """From outside, in the middle of its work."""
    f, _, nodes, app = started(folder)
    run_id = f.start_run(app, "seconds=5.0")
    nodes[0].wait_log("working for")
    pid = wait_until(lambda: find_child(nodes[0].pid, r"flwr-clientapp"), "the ClientApp's process")
    os.kill(pid, signal.SIGKILL)
    result = f.follow(app, run_id)
    check_run(result, weights=[1, 3], missing={(1, 1)})


def server_app_crashes(folder):
    f, _, _, app = started(folder)
    failed_run(f, app, f.run(app, "crash='server' crash-round=1"), r"killed by signal 9")
    check_run(f.run(app), weights=[1, 3])


def server_app_fails(folder):
    f, _, _, app = started(folder)
    failed_run(f, app, f.run(app, "fail='no more flour'"), r"no more flour")


def all_client_apps_crash(folder):
    """No result in a round: the run fails instead of going on with nothing."""
    f = Federation(folder)
    f.hub()
    f.node(1, 1)
    f.node(2, 1)
    app = f.native_app()
    failed_run(f, app, f.run(app, "crash='client' crash-weight=1 crash-round=1"), r"(?i)round 1|no .*(result|node)")


def no_side_for_this_machine(folder):
    """An app for other machines only, and no Python: the error names both ways out."""
    f, _, _, app = started(folder)
    target = next((app / "native").glob("*-linux-*"))
    shutil.move(target, target.parent / "sparc64-linux-gnu")
    failed_run(f, app, f.run(app), r"(?s)(native|sparc64).*[Pp]ython|[Pp]ython.*native")


def object_of_another_abi(folder):
    """What is no app object is refused with its name."""
    f, _, _, app = started(folder)
    next((app / "native").glob("*-linux-*/scenario.so")).write_bytes(b"\x7fELF" + b"\0" * 100)
    result = f.run(app)
    check(result.status != 0, "a run of a broken object succeeded")
    check("scenario.so" in result.out, f"nothing names the object: {result.out}")


def stopped_by_user(folder):
    f, _, nodes, app = started(folder)
    run_id = f.start_run(app, "seconds=30.0")
    nodes[0].wait_log("Receiving: train message")
    check(f.flwr("stop", run_id, app, "test").status == 0, "flwr stop failed")
    check(f.status_of(app, run_id) == "finished:stopped", f"the run is {f.status_of(app, run_id)}")
    check(f.follow(app, run_id).status in (0, 1), "flwr log --stream of a stopped run does not end")
    check_run(f.run(app), weights=[1, 3])


if __name__ == "__main__":
    run_tests(client_app_crashes, client_app_is_killed, server_app_crashes, server_app_fails, all_client_apps_crash,
              no_side_for_this_machine, object_of_another_abi, stopped_by_user)
