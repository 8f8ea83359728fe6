#!/usr/bin/env python3
"""With subprocess isolation AppIo answers processes of this machine only, whatever address it is bound to."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import Federation, check_run  # noqa: E402
from process import Skip, check, run_tests, wait_until  # noqa: E402

HERE, THERE = "198.18.77.1", "198.18.77.2"  # of the range for tests of networks


class Neighbour:
    """Another machine, as far as the network can tell: a network namespace behind a pair of interfaces."""

    def __init__(self):
        self.name = f"flwr-test-{os.getpid()}"
        self.link = f"fl{os.getpid() % 10 ** 8}"

    @staticmethod
    def _ip(*args):
        done = subprocess.run(["ip", *args], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skip(f"`ip {' '.join(args)}`: {done.stderr.strip()}")

    def __enter__(self):
        if os.geteuid() != 0 or not shutil.which("ip"):
            raise Skip("needs root and ip(8) for a network namespace")
        try:
            self._ip("netns", "add", self.name)
            self._ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            self._ip("addr", "add", f"{HERE}/30", "dev", self.link)
            self._ip("link", "set", self.link, "up")
            self._ip("-n", self.name, "addr", "add", f"{THERE}/30", "dev", "eth0")
            self._ip("-n", self.name, "link", "set", "eth0", "up")
            self._ip("-n", self.name, "link", "set", "lo", "up")
        except Skip:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "del", self.link], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)

    def prefix(self):
        return ["ip", "netns", "exec", self.name]


def everywhere(args):
    return [a.replace("127.0.0.1:", "0.0.0.0:") if isinstance(a, str) else a for a in args]


def _launch(f, name, plugin, address, prefix):
    return f.start(name, "flower-superexec", "--insecure", "--plugin-type", plugin, "--appio-api-address", address, prefix=prefix)


def hub_in_subprocess_isolation(folder):
    with Neighbour() as neighbour:
        f = Federation(folder, tls=False, keys=False)
        f.start("hub", "flower-superlink", *everywhere(f.hub_args())).wait_log("Starting Fleet API")
        far = _launch(f, "far", "serverapp", f"{HERE}:{f.port['serverappio']}", neighbour.prefix())
        far.wait_log(r"did not say which apps to start: .*own machine only")
        # The same program at the other end of the same wire is served.
        f.start("near", "flower-superexec", "--insecure", "--plugin-type", "serverapp", "--appio-api-address",
                f"{HERE}:{f.port['serverappio']}")
        f.node(1, 1)
        f.node(2, 3)
        check_run(f.run(f.native_app()), weights=[1, 3])
        check("did not say" not in (folder / "near.log").read_text(), "a local launcher was refused")


def node_in_subprocess_isolation(folder):
    with Neighbour() as neighbour:
        f = Federation(folder, tls=False, keys=False)
        f.hub()
        args = f.node_args(1, 1)
        f.start("node1", "flower-supernode", *everywhere(args[:1]), args[1], *everywhere(args[2:])).wait_log("SuperNode ID")
        far = _launch(f, "far", "clientapp", f"{HERE}:{f.node_ports[1]}", neighbour.prefix())
        far.wait_log(r"did not say which apps to start: .*own machine only")


def process_isolation_serves_others(folder):
    """The launcher of another machine runs the ServerApp; nodes of other machines are served in any case."""
    with Neighbour() as neighbour:
        f = Federation(folder, tls=False, keys=False)
        f.start("hub", "flower-superlink", *everywhere(f.hub_args()), "--isolation", "process").wait_log("Starting Fleet API")
        app = f.native_app()
        for number, weight in ((1, 1), (2, 3)):
            args = f.node_args(number, weight)
            args[1] = f"{HERE}:{f.port['fleet']}"
            f.start(f"node{number}", "flower-supernode", *args, "--isolation", "process", prefix=neighbour.prefix()).wait_log("SuperNode ID")
            _launch(f, f"launcher{number}", "clientapp", f"127.0.0.1:{f.node_ports[number]}", neighbour.prefix())
        run_id = f.start_run(app)
        check(f.status_of(app, run_id) == "pending", "a run has started without a launcher")
        _launch(f, "launcher", "serverapp", f"{HERE}:{f.port['serverappio']}", neighbour.prefix())
        wait_until(lambda: f.status_of(app, run_id) != "pending", "the run leaving pending")
        check_run(f.follow(app, run_id), weights=[1, 3])


if __name__ == "__main__":
    run_tests(hub_in_subprocess_isolation, node_in_subprocess_isolation, process_isolation_serves_others)
