#!/usr/bin/env python3
"""Nothing that was acknowledged is lost: hub and nodes go away in the middle of a round, and the run still ends with its numbers."""

import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import Federation, check_run  # noqa: E402
from process import check, find_child, run_tests, wait_until  # noqa: E402

ROUNDS = 3
RESTARTS = 10
RECEIVED = r"Receiving: train message"  # once a round
SLOW = f"num-server-rounds={ROUNDS} seconds=1.0"  # a round takes long enough to be interrupted


def started(folder, isolation=()):
    f = Federation(folder)
    hub = f.hub(*isolation)
    nodes = [f.node(1, 1), f.node(2, 3)]
    app = f.native_app()
    run_id = f.start_run(app, SLOW)
    for node in nodes:
        node.wait_log(RECEIVED, count=2)
    return f, hub, nodes, app, run_id


def finished(f, app, run_id):
    f.wait_status(app, run_id, "finished:completed")
    check_run(f.follow(app, run_id), weights=[1, 3], rounds=ROUNDS)


def hub_killed(folder):
    f, hub, nodes, app, run_id = started(folder)
    hub.kill()
    f.hub()
    finished(f, app, run_id)
    for node in nodes:
        check(len(set(node.text().split("SuperNode ID: ")[1:])) == 1, "a node changed its id")
        node.stop()


def hub_killed_in_every_round(folder):
    f, hub, nodes, app, run_id = started(folder)
    for number in range(2, ROUNDS + 1):
        nodes[0].wait_log(RECEIVED, count=number)
        hub.kill()
        hub = f.hub()
    finished(f, app, run_id)


def hub_restarted_gracefully(folder):
    f, hub, _, app, run_id = started(folder)
    hub.stop()
    f.hub()
    finished(f, app, run_id)


def node_killed(folder):
    f, _, nodes, app, run_id = started(folder)
    nodes[0].kill()
    f.node(1, 1)
    finished(f, app, run_id)


def node_restarted_gracefully(folder):
    f, _, nodes, app, run_id = started(folder)
    nodes[0].stop()
    f.node(1, 1)
    finished(f, app, run_id)


def idle_node_restarted(folder):
    """In fast rounds, so that it says goodbye at any moment, also while the hub sends it the next message."""
    rounds = 150
    f = Federation(folder)
    f.hub()
    node = f.node(1, 1)
    f.node(2, 3)
    app = f.native_app()
    run_id = f.start_run(app, f"num-server-rounds={rounds} factor=1.0")
    for number in range(1, RESTARTS + 1):
        wait_until(lambda: node.text().count("Receiving: train message") > 3, f"rounds before restart {number}")
        node.stop()
        node = f.node(1, 1)
    f.wait_status(app, run_id, "finished:completed")
    check_run(f.follow(app, run_id), weights=[1, 3], rounds=rounds, factor="1.0")


def all_killed(folder):
    f, hub, nodes, app, run_id = started(folder)
    for process in [hub, *nodes]:
        process.kill()
    f.hub()
    f.node(1, 1)
    f.node(2, 3)
    finished(f, app, run_id)


def launcher_killed(folder):
    """Daemons start a new one, which serves the next run."""
    f = Federation(folder)
    daemons = [f.hub(), f.node(1, 1), f.node(2, 3)]
    for daemon in daemons:
        launcher = wait_until(lambda: find_child(daemon.pid, "flower-superexec"), f"the launcher of {daemon.name}")
        os.kill(launcher, signal.SIGKILL)
    check_run(f.run(f.native_app()), weights=[1, 3])


def state_survives(folder):
    """Runs and logs of before a restart are there after it."""
    f = Federation(folder)
    hub = f.hub()
    f.node(1, 1)
    f.node(2, 3)
    app = f.native_app()
    check_run(f.run(app), weights=[1, 3])
    run_id = f.flwr("ls", app, "test", "--format", "json").out.split('"run-id": "')[1].split('"')[0]
    hub.kill()
    f.hub()
    check(f.status_of(app, run_id) == "finished:completed", "the run's status was lost")
    check_run(f.flwr("log", run_id, app, "test", "--show"), weights=[1, 3])
    check_run(f.run(app), weights=[1, 3])


if __name__ == "__main__":
    run_tests(hub_killed, hub_killed_in_every_round, hub_restarted_gracefully, node_killed, node_restarted_gracefully,
              idle_node_restarted, all_killed, launcher_killed, state_survives)
