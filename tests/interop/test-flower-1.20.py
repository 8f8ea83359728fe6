#!/usr/bin/env python3
"""Genuine Flower 1.20.0 on one side, ours on the other, with TLS and a key list: the numbers are those of the formula."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import Federation, check_run, python_dir  # noqa: E402
from process import check, run_tests, wait_until  # noqa: E402


def federation(folder):
    python_dir()
    return Federation(folder)


def all_weights(result, weights, rounds):
    """Each round had a result of each node."""
    found = re.findall(r"ROUND \d+ weights=\[(.*?)\]", result.out)
    check(found == [", ".join(str(w) for w in sorted(weights))] * rounds, f"rounds with the weights {found}, not {weights}")


def our_hub_and_genuine_rest(folder):
    """Nodes, ServerApp, ClientApps and command line of Python on our hub."""
    f = federation(folder)
    hub = f.hub(python=True)
    f.node(1, 1, genuine=True)
    f.node(2, 3, genuine=True)
    result = f.run(f.python_app(), "num-server-rounds=3", genuine=True)
    check_run(result, weights=[1, 3], rounds=3)
    all_weights(result, [1, 3], 3)
    hub.stop()


def our_nodes_and_cli_on_genuine_hub(folder):
    """Also: our node joins a genuine hub again after its own graceful restart."""
    f = federation(folder)
    f.hub(genuine=True)
    first = f.node(1, 1, python=True)
    f.node(2, 3, python=True)
    app = f.python_app()
    check_run(f.run(app), weights=[1, 3])
    first.stop()
    f.node(1, 1, python=True)
    result = f.run(app, "factor=0.25 elements=17")
    check_run(result, weights=[1, 3], factor="0.25", elements=17)
    all_weights(result, [1, 3], 2)


def one_node_of_each_on_our_hub(folder):
    f = federation(folder)
    f.hub(python=True)
    f.node(1, 3, genuine=True)
    f.node(2, 5, python=True)
    result = f.run(f.python_app())
    check_run(result, weights=[3, 5])
    all_weights(result, [3, 5], 2)


def large_model(folder):
    """Objects of several chunks and of several nodes: 40 MB each way a node and round."""
    f = federation(folder)
    f.hub(python=True)
    f.node(1, 1, genuine=True)
    f.node(2, 1, python=True)
    check_run(f.run(f.python_app(), "elements=5000000 num-server-rounds=1"), weights=[1, 1], rounds=1, elements=5000000)


def genuine_commands_on_our_hub(folder):
    """flwr ls, log and stop of the genuine command line; ours and theirs tell the same."""
    f = federation(folder)
    f.hub(python=True)
    f.node(1, 1, genuine=True)
    node = f.node(2, 3, python=True)
    app = f.python_app()
    run_id = f.start_run(app, genuine=True)
    wait_until(lambda: f.status_of(app, run_id, genuine=True) == "finished:completed", "the run's end in the genuine flwr ls", 60)
    check_run(f.flwr("log", run_id, app, "test", "--show", genuine=True), weights=[1, 3])
    check_run(f.flwr("log", run_id, app, "test", "--show"), weights=[1, 3])
    run_id = f.start_run(app, "seconds=20.0", genuine=True)
    node.wait_log(rf"RUN {run_id}.*Receiving: train message")
    check(f.status_of(app, run_id, genuine=True) == "running", "a run at work is not shown as running")
    stopped = f.flwr("stop", run_id, app, "test", genuine=True)
    check(stopped.status == 0, f"the genuine flwr stop failed: {stopped.out}")
    check(f.status_of(app, run_id, genuine=True) == "finished:stopped", "the stopped run is not shown as stopped")


def hub_restarts_under_genuine_nodes(folder):
    """Idle between two runs, then killed in the middle of a round."""
    f = federation(folder)
    hub = f.hub(python=True)
    nodes = [f.node(1, 1, genuine=True), f.node(2, 3, genuine=True)]
    app = f.python_app()
    check_run(f.run(app), weights=[1, 3])
    hub.stop()
    hub = f.hub(python=True)
    run_id = f.start_run(app, "seconds=2.0 num-server-rounds=3")
    nodes[0].wait_log(rf"RUN {run_id}, ROUND 2\].*\n.*Received: train message", timeout=60)
    hub.kill()
    f.hub(python=True)
    f.wait_status(app, run_id, "finished:completed", timeout=120)
    check_run(f.follow(app, run_id), weights=[1, 3], rounds=3)
    check(all(node.popen.poll() is None for node in nodes), "a genuine node has ended with the hub")


def fabs_install_both_ways(folder):
    f = federation(folder)
    app = f.python_app()
    for genuine in (False, True):
        place = folder / ("built-genuine" if genuine else "built-native")
        place.mkdir()
        done = f.command("flwr", "build", "--app", app, genuine=genuine, cwd=place)
        check(done.status == 0, f"flwr build: {done.out}")
        fab = next(place.glob("*.fab"))
        home = folder / "homes" / place.name
        done = f.command("flwr", "install", fab, "--flwr-dir", home, genuine=not genuine)
        check(done.status == 0, f"flwr install of a FAB of the other: {done.out}")
        installed = next((home / "apps").glob("flwrnative.interop.1.0.0.*"))
        for name in ("interop/server_app.py", "interop/client_app.py"):
            check((installed / name).read_bytes() == (app / name).read_bytes(), f"{name} was changed on the way")


def genuine_database_is_left_alone(folder):
    f = federation(folder)
    path = folder / "state.db"
    genuine = f.start("genuine", "flower-superlink", *f.hub_args(genuine=True), "--database", path, genuine=True)
    genuine.wait_log("Starting Fleet API")
    f.node(1, 1, genuine=True)
    f.start_run(f.python_app(), genuine=True)
    genuine.popen.terminate()
    genuine.wait_end()
    before = path.read_bytes()
    hub = f.hub("--database", path, wait=False)
    check(hub.wait_end() in range(64, 79), f"status {hub.popen.returncode}")
    hub.wait_log(r"state\.db.*(Flower|Python)")
    check(path.read_bytes() == before, "the database was changed")


if __name__ == "__main__":
    run_tests(our_hub_and_genuine_rest, our_nodes_and_cli_on_genuine_hub, one_node_of_each_on_our_hub, large_model,
              genuine_commands_on_our_hub, hub_restarts_under_genuine_nodes, fabs_install_both_ways, genuine_database_is_left_alone)
