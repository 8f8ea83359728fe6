#!/usr/bin/env python3
"""Native programs alone: a run gives the numbers that follow from its formula, whatever the number of threads."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import Federation, check_run  # noqa: E402
from process import check, run_tests  # noqa: E402

HUB_RSS_MAX = 16 * 1000 * 1000
NODE_RSS_MAX = 10 * 1000 * 1000


def run_both_nodes(folder, *hub_args):
    f = Federation(folder)
    hub = f.hub(*hub_args)
    nodes = [f.node(1, 1), f.node(2, 3)]
    app = f.native_app()
    check_run(f.run(app, "num-server-rounds=3"), weights=[1, 3], rounds=3)
    for process in [*nodes, hub]:
        process.stop()


def one_worker(folder):
    run_both_nodes(folder, "--workers", "1")


def two_workers(folder):
    run_both_nodes(folder, "--workers", "2")


def state_in_memory(folder):
    run_both_nodes(folder, "--database", ":flwr-in-memory:")


def no_tls(folder):
    f = Federation(folder, tls=False, keys=False)
    hub = f.hub()
    nodes = [f.node(1, 1), f.node(2, 3)]
    check_run(f.run(f.native_app()), weights=[1, 3])
    for process in [*nodes, hub]:
        process.stop()


def idle_memory(folder):
    f = Federation(folder)
    hub = f.hub()
    node = f.node(1, 1)
    hub_rss, node_rss = hub.rss(), node.rss()
    text = f"hub {hub_rss / 1e6:.1f} MB, node {node_rss / 1e6:.1f} MB"
    check(hub_rss < HUB_RSS_MAX and node_rss < NODE_RSS_MAX, f"resident memory: {text}; allowed 16 and 10")
    return text


def override_is_seen(folder):
    """--run-config reaches both apps."""
    f = Federation(folder)
    f.hub()
    f.node(1, 2)
    f.node(2, 2)
    result = f.run(f.native_app(), "factor=0.5 elements=10", "num-server-rounds=1")
    check_run(result, weights=[2, 2], rounds=1, factor="0.5", elements=10)


if __name__ == "__main__":
    run_tests(one_worker, two_workers, state_in_memory, no_tls, override_is_seen, idle_memory)
