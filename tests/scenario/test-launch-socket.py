#!/usr/bin/env python3
"""Launchers that leave the apps' processes to a service manager. Its part is played here: it listens on the launch sockets, and
keeps the descriptors of a launcher for the next one."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import Federation, check_run, python_dir  # noqa: E402
from process import Process, Skip, check, command_of, descendants, run_tests, wait_until  # noqa: E402

ROUNDS = 3
SLOW = f"num-server-rounds={ROUNDS} seconds=1.0"  # a round takes long enough to be interrupted
END_LIMIT = 8  # a launcher's SIGTERM, 5 s, SIGKILL
HIGH = 900  # where a shell puts descriptors aside


class DescriptorStore:
    """What systemd does with FDSTORE=1 and FDSTOREREMOVE=1 of one service, READY=1 and STATUS=."""

    def __init__(self, path):
        self.path, self.kept, self.status, self.ready = path, [], "", 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 4096, 16)
            rows = dict(line.partition("=")[::2] for line in data.decode().splitlines())
            self.status = rows.get("STATUS", self.status)
            self.ready += rows.get("READY") == "1"
            if rows.get("FDSTORE") == "1":
                self.kept = [(rows["FDNAME"], fd) for fd in fds] + self.kept
            elif rows.get("FDSTOREREMOVE") == "1":
                gone = [row for row in self.kept if row[0] == rows["FDNAME"]]
                self.kept = [row for row in self.kept if row not in gone]
                for _, fd in gone:
                    os.close(fd)

    def drop(self):
        """As when the service is stopped."""
        gone, self.kept = self.kept, []
        for _, fd in gone:
            os.close(fd)


class Service:
    """A launcher's unit."""

    def __init__(self, f, name, kind, port, launch_socket, extra=(), store=True):
        self.f, self.log = f, f.folder / f"launcher-{name}.log"
        self.store = DescriptorStore(f.folder / f"notify-{name}") if store else None
        self.argv = [f.program("flower-superexec"), "--insecure", "--plugin-type", kind, "--appio-api-address",
                     f"127.0.0.1:{port}", "--launch-socket", launch_socket, *extra]
        self.env = f.env(f"launcher-{name}", **({"NOTIFY_SOCKET": str(self.store.path)} if store else {}))
        self.start()

    def start(self):
        """Descriptors are passed as 3, 4, ...: a shell puts them there, and its process becomes the launcher."""
        kept = list(self.store.kept) if self.store else []
        ready = self.store.ready if self.store else 0
        moves = [f"exec {HIGH + i}<&{fd} {fd}<&-" for i, (_, fd) in enumerate(kept)]
        moves += [f"exec {3 + i}<&{HIGH + i} {HIGH + i}<&-" for i in range(len(kept))]
        env = dict(self.env)
        if kept:
            env |= {"LISTEN_FDS": str(len(kept)), "LISTEN_FDNAMES": ":".join(name for name, _ in kept)}
        script = "\n".join([*moves, "export LISTEN_PID=$$", 'exec "$@"'])
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(["bash", "-c", script, "launcher", *map(str, self.argv)], stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=out, env=env, cwd=self.f.folder, pass_fds=[fd for _, fd in kept])
        if self.store:
            wait_until(lambda: self.store.ready > ready, "the launcher's READY=1")

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def stop(self):
        """Ends it as a restart would; its descriptors stay stored."""
        self.popen.terminate()
        check(self.popen.wait(END_LIMIT) == 0, f"the launcher ended with status {self.popen.returncode}")


class Rig:
    """A federation whose apps are all behind launch sockets."""

    def __init__(self, folder, python=False, store=True):
        f = self.f = Federation(folder)
        extra = ["--python-apps", python_dir()] if python else []
        self.sockets = {kind: self._listen(kind) for kind in ("serverapp", "clientapp")}
        self.hub = f.hub("--isolation", "process")
        self.nodes = [f.node(1, 1, "--isolation", "process"), f.node(2, 3, "--isolation", "process")]
        self.services = [Service(f, "server", "serverapp", f.port["serverappio"], self.sockets["serverapp"], extra, store)]
        self.services += [Service(f, f"client{i}", "clientapp", f.node_ports[i], self.sockets["clientapp"], extra, store)
                          for i in (1, 2)]
        self.app = f.python_app() if python else f.native_app()

    def _listen(self, kind):
        f, activate = self.f, shutil.which("systemd-socket-activate")
        program = next((p for p in f.bin.parent.glob("libexec/*/flwr-app-run")), None)
        if not activate or not program:
            raise Skip("needs systemd-socket-activate and flwr-app-run")
        path, env = f.folder / f"launch-{kind}.sock", f.env(f"app-{kind}")
        Process([activate, "--listen", path, "--accept", "--inetd", *[f"--setenv={k}={v}" for k, v in env.items()], program],
                f.folder / f"apps-{kind}.log", env, f.folder)
        wait_until(path.exists, f"the launch socket for {kind}s")
        return path

    def start_slow_run(self):
        run_id = self.f.start_run(self.app, SLOW)
        for node in self.nodes:
            node.wait_log("Receiving: train message", count=2)
        return run_id

    def finished(self, run_id):
        self.f.wait_status(self.app, run_id, "finished:completed")
        check_run(self.f.follow(self.app, run_id), weights=[1, 3], rounds=ROUNDS)
        wait_until(lambda: not self.services[0].store.kept, "the ServerApp leaving the store")


def app_processes():
    """Pids of executors, by their command line."""
    return {pid: c for pid in descendants() if re.search(r"flwr-(client|server)app ", c := command_of(pid))}


def run_native(folder):
    rig = Rig(folder)
    check_run(rig.f.run(rig.app), weights=[1, 3])
    for s in rig.services:
        wait_until(lambda: re.fullmatch(r"0 (client|server)apps", s.store.status), "the status having no app", 30)
        wait_until(lambda: not s.store.kept, "an ended app leaving the store")  # once its daemon knows how it ended


def run_python(folder):
    rig = Rig(folder, python=True)
    check_run(rig.f.run(rig.app), weights=[1, 3])


def no_token_on_command_lines(folder):
    rig = Rig(folder)
    run_id = rig.start_slow_run()
    seen = app_processes()
    check(len(seen) == 3, f"there are not three apps: {seen}")
    check(not any("--token" in c for c in seen.values()), f"a token is shown: {seen}")
    rig.finished(run_id)


def launchers_killed(folder):
    """Apps live on and are adopted, and the launchers go on with the next run."""
    rig = Rig(folder)
    run_id = rig.start_slow_run()
    apps = set(app_processes())
    for s in rig.services:
        s.kill()
    check(apps <= set(app_processes()), "an app has ended with its launcher")
    for s in rig.services:
        s.start()
        check("1 app of an earlier launcher goes on" in s.log.read_text(), "the launcher has not adopted the app")
    rig.finished(run_id)
    check_run(rig.f.run(rig.app), weights=[1, 3])


def launchers_restarted(folder):
    """The same with SIGTERM, and the daemons restarted, too."""
    rig = Rig(folder)
    run_id = rig.start_slow_run()
    apps = set(app_processes())
    for s in rig.services:
        s.stop()
    rig.hub.kill()
    rig.f.hub("--isolation", "process")
    check(apps <= set(app_processes()), "an app has ended with its launcher")
    for s in rig.services:
        s.start()
    rig.finished(run_id)


def ended_while_there_was_no_launcher(folder):
    """The answer waits in the kept connection; the next launcher tells the daemon."""
    rig = Rig(folder)
    run_id = rig.start_slow_run()
    server = rig.services[0]
    server.kill()
    pid = next(pid for pid, c in app_processes().items() if "serverapp" in c)
    os.kill(pid, signal.SIGSEGV)
    wait_until(lambda: pid not in app_processes(), "the ServerApp ending")
    server.start()
    rig.f.wait_status(rig.app, run_id, "finished:failed", 20)
    check("killed by signal 11" in server.log.read_text(), "the launcher does not know how the app has ended")


def stopped_service_ends_its_apps(folder):
    rig = Rig(folder)
    rig.start_slow_run()
    for s in rig.services:
        s.stop()
        s.store.drop()
    wait_until(lambda: not app_processes(), "the apps ending", 10)


def stopped_launcher_without_a_store(folder):
    """Nobody would keep the apps: they are ended first."""
    rig = Rig(folder, store=False)
    run_id = rig.start_slow_run()
    rig.services[0].stop()
    wait_until(lambda: not any("serverapp" in c for c in app_processes().values()), "the ServerApp ending", 10)
    rig.f.wait_status(rig.app, run_id, "finished:.*", 30)


def killed_unit_is_a_crash(folder):
    rig = Rig(folder)
    run_id = rig.start_slow_run()
    unit = next(pid for pid in descendants() if re.match(r"\S*/flwr-app-run ", command_of(pid))
                and any("serverapp" in command_of(child) for child in descendants(pid)))
    os.kill(unit, signal.SIGKILL)
    wait_until(lambda: "ended early" in rig.services[0].log.read_text(), "the launcher noticing it")
    for pid, c in app_processes().items():  # a unit's other processes end with the first
        if "serverapp" in c:
            os.kill(pid, signal.SIGKILL)
    rig.f.wait_status(rig.app, run_id, "finished:failed", 30)


def idle_launcher_waits_for_its_daemon(folder):
    """It is a service of its own: its daemon's absence does not end it, SIGTERM does at once."""
    rig = Rig(folder)
    rig.hub.kill()
    wait_until(lambda: "No daemon at" in rig.services[0].store.status, "the launcher's status")
    rig.f.hub("--isolation", "process")
    check_run(rig.f.run(rig.app), weights=[1, 3])
    for s in rig.services:
        s.popen.terminate()
        s.popen.wait(1)


if __name__ == "__main__":
    run_tests(run_native, run_python, no_token_on_command_lines, launchers_killed, launchers_restarted,
              ended_while_there_was_no_launcher, stopped_service_ends_its_apps, stopped_launcher_without_a_store,
              killed_unit_is_a_crash, idle_launcher_waits_for_its_daemon)
