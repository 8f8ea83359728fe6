"""A federation for one test: certificates, keys, hub, nodes, command line, apps; native programs and genuine ones.

FLWR_TEST_BIN     directory of the programs under test (default: what quickstart builds)
FLWR_TEST_PYTHON  bin directory of a Python environment with flwr 1.20.0; without it tests that need one are skipped
"""

import atexit
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from fractions import Fraction

from process import Process, Skip, check, free_port, run_command, wait_until

TOP = pathlib.Path(__file__).resolve().parents[2]
RUN_LIMIT = 120  # seconds for a run of few rounds on a slow machine
RUN_ID = r"\b(\d{10,20})\b"


def program_dir():
    path = pathlib.Path(os.environ.get("FLWR_TEST_BIN") or TOP / "build/root/bin")
    if not (path / "flower-superlink").exists():
        raise Skip(f"there is no flower-superlink in {path} (FLWR_TEST_BIN)")
    return path.resolve()


def python_dir():
    path = os.environ.get("FLWR_TEST_PYTHON")
    if not path or not (pathlib.Path(path) / "flower-supernode").exists():
        raise Skip("needs genuine Flower: make a Python environment with tests/interop/venv, name its bin directory in FLWR_TEST_PYTHON")
    return pathlib.Path(path)


def expected_lines(weights, rounds, factor, elements, missing=()):
    """What the ServerApps of the test apps print, from the formula alone.

    A ClientApp makes new = factor * old + round * weight, and weighs as much as its weight. missing: (round, weight) pairs of
    nodes that fail in a round's training.
    """
    factor, old = Fraction(factor), [Fraction(0), Fraction(1), Fraction(2)]
    sizes, lines = [elements, 12, 1], []
    for number in range(1, rounds + 1):
        there = [w for w in weights if (number, w) not in missing]
        pull = number * Fraction(sum(w * w for w in there), sum(there))
        old = [factor * value + pull for value in old]
        total = sum(value * size for value, size in zip(old, sizes))
        loss = sum(old) / 3 * Fraction(sum(w * w for w in weights), sum(weights))
        failures = len(weights) - len(there)
        lines.append(f"ROUND {number} failures={failures} first={float(old[0]):.6f} sum={float(total):.6f}")
        lines.append(f"EVALUATE {number} loss={float(loss):.6f}")
    return lines


def printed_lines(text):
    """Those lines in a ServerApp's log, without the list of weights that only the Python app knows."""
    found = re.findall(r"(?:ROUND \d+ .*?failures=\d+ first=\S+ sum=\S+|EVALUATE \d+ loss=\S+)", text)
    return [re.sub(r"weights=\[.*?\] ", "", line) for line in found]


class Federation:
    """One hub's worth of addresses and files below folder."""

    def __init__(self, folder, tls=True, keys=True, nodes=2):
        self.folder, self.tls, self.keys = pathlib.Path(folder), tls, keys
        self.bin = program_dir()
        self.port = {name: free_port() for name in ("fleet", "control", "serverappio")}
        self.certificates, self.key_dir = self.folder / "certificates", self.folder / "keys"
        self.key_list = self.key_dir / "client_public_keys.csv"
        self.node_ports = {}
        if tls:
            self.provision("ca", "--dir", self.certificates)
            self.provision("server", "--dir", self.certificates)
        if keys:
            self.provision("node-keys", "--dir", self.key_dir, "--count", nodes, "--list", self.key_list)

    def env(self, home, genuine=False, **more):
        """A clean environment with a Flower home of its own."""
        path = [str(python_dir())] if genuine else []
        return {"PATH": ":".join(path + [str(self.bin), "/usr/local/bin:/usr/bin:/bin"]), "HOME": str(self.folder),
                "FLWR_HOME": str(self.folder / "homes" / home), "LC_ALL": "C.UTF-8", "FLWR_TELEMETRY_ENABLED": "0",
                "COLUMNS": "200", **more}

    def program(self, name, genuine=False):
        return (python_dir() if genuine else self.bin) / name

    def provision(self, *args, env=None):
        done = self.command("flwr-provision", *args, env=env)
        check(done.status == 0, f"flwr-provision: {done.out}")
        return done

    def command(self, name, *args, home="user", genuine=False, env=None, cwd=None, timeout=60):
        """Any program in the foreground."""
        return run_command([self.program(name, genuine), *args], env=self.env(home, genuine, **(env or {})), cwd=cwd or self.folder,
                           timeout=timeout, log=self.folder / "commands.log")

    def start(self, name, program, *args, genuine=False, env=None, prefix=()):
        """Any program in the background; its log is NAME.log."""
        (self.folder / "homes").mkdir(exist_ok=True)
        return Process([*prefix, self.program(program, genuine), *args], self.folder / f"{name}.log",
                       self.env(name, genuine, **(env or {})), self.folder)

    # ---- daemons ----

    def hub_args(self, tls=None, keys=None, genuine=False):
        tls, keys = self.tls if tls is None else tls, self.keys if keys is None else keys
        c = self.certificates
        args = ["--ssl-ca-certfile", c / "ca.crt", "--ssl-certfile", c / "server.pem", "--ssl-keyfile", c / "server.key"] if tls \
            else ["--insecure"]
        if keys:
            args += ["--auth-list-public-keys", self.key_list]
        control = "--exec-api-address" if genuine else "--control-api-address"
        return args + ["--fleet-api-address", f"127.0.0.1:{self.port['fleet']}", control, f"127.0.0.1:{self.port['control']}",
                       "--serverappio-api-address", f"127.0.0.1:{self.port['serverappio']}"]

    def hub(self, *extra, name="hub", genuine=False, python=False, wait=True, **how):
        """A SuperLink that listens. python: with the genuine flwr-serverapp."""
        env = how.pop("env", None)
        args = [*self.hub_args(genuine=genuine, **how), *extra]
        if python:
            args += ["--python-apps", python_dir()]
        hub = self.start(name, "flower-superlink", *args, genuine=genuine, env=env)
        if wait:
            hub.wait_log(r"Starting Fleet API|Fleet API \(gRPC-rere\)")
        return hub

    def node_args(self, number, weight=None, tls=None, keys=None):
        tls, keys = self.tls if tls is None else tls, self.keys if keys is None else keys
        port = self.node_ports.setdefault(number, free_port())
        args = ["--superlink", f"127.0.0.1:{self.port['fleet']}", "--clientappio-api-address", f"127.0.0.1:{port}"]
        args += ["--root-certificates", self.certificates / "ca.crt"] if tls else ["--insecure"]
        if keys:
            key = self.key_dir / f"client_credentials_{number}"
            args += ["--auth-supernode-private-key", key, "--auth-supernode-public-key", f"{key}.pub"]
        return args + ([] if weight is None else ["--node-config", f"weight={weight}"])

    def node(self, number, weight, *extra, genuine=False, python=False, wait=True, **how):
        """A SuperNode that is a member of the federation."""
        env, prefix = how.pop("env", None), how.pop("prefix", ())
        args = [*self.node_args(number, weight, **how), *extra]
        if python:
            args += ["--python-apps", python_dir()]
        node = self.start(f"node{number}", "flower-supernode", *args, genuine=genuine, env=env, prefix=prefix)
        if wait and not genuine:
            node.wait_log(r"SuperNode ID:")
        return node

    # ---- apps and runs ----

    def python_app(self):
        """A copy of the Python test app that knows this federation."""
        python_dir()
        return self._place_app(TOP / "tests/interop/app")

    def native_app(self):
        """A copy of the native test app with its object, that knows this federation."""
        app = self._place_app(TOP / "tests/scenario/app-native")
        target = app / "native" / triplet()
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(build_native(str(self.bin)), target / "scenario.so")
        return app

    def _place_app(self, source):
        app = self.folder / source.name
        if not app.exists():
            shutil.copytree(source, app, ignore=shutil.ignore_patterns("__pycache__", "build"))
            self.point_app(app)
        return app

    def point_app(self, app, tls=None):
        """Writes where this federation's hub is into the app's pyproject.toml."""
        tls = self.tls if tls is None else tls
        path = app / "pyproject.toml"
        text = path.read_text(encoding="utf-8").split("[tool.flwr.federations]")[0]
        path.write_text(f'{text}[tool.flwr.federations]\ndefault = "test"\n\n[tool.flwr.federations.test]\n'
                        f'address = "127.0.0.1:{self.port["control"]}"\n' +
                        (f'root-certificates = "{self.certificates}/ca.crt"\n' if tls else "insecure = true\n"), encoding="utf-8")

    def flwr(self, *args, timeout=RUN_LIMIT, **how):
        return self.command("flwr", *args, timeout=timeout, **how)

    def run(self, app, *config, genuine=False, **how):
        """`flwr run --stream` to its end. config: KEY=VALUE texts."""
        return self.flwr("run", app, "test", *(["--run-config", " ".join(config)] if config else []), "--stream", genuine=genuine, **how)

    def start_run(self, app, *config, genuine=False):
        """`flwr run` without waiting for the end: the run's id."""
        done = self.flwr("run", app, "test", *(["--run-config", " ".join(config)] if config else []), genuine=genuine)
        check(done.status == 0, f"flwr run ended with status {done.status}: {done.out}")
        found = re.search(r"run " + RUN_ID, done.out)
        check(found, f"flwr run named no run: {done.out}")
        return found[1]

    def follow(self, app, run_id, **how):
        return self.flwr("log", run_id, app, "test", "--stream", **how)

    def status_of(self, app, run_id, genuine=False):
        """As `flwr ls` has it, e.g. finished:completed."""
        done = self.flwr("ls", app, "test", "--run-id", run_id, "--format", "json", genuine=genuine)
        found = re.search(r'"status":\s*"([^"]+)"', done.out)
        check(found, f"flwr ls does not show run {run_id}: {done.out}")
        return found[1]

    def wait_status(self, app, run_id, wanted, timeout=60):
        return wait_until(lambda: re.fullmatch(wanted, self.status_of(app, run_id)), f"run {run_id} becoming {wanted}", timeout)


def check_run(result, weights, rounds=2, factor="1.5", elements=1000, missing=(), status=0):
    """A run's output holds exactly the numbers that follow from the formula."""
    check(result.status == status, f"flwr ended with status {result.status}, not {status}: {result.out}")
    wanted, got = expected_lines(weights, rounds, factor, elements, missing), printed_lines(result.out)
    check(got == wanted, f"expected {wanted}, the run printed {got}")


def triplet():
    done = subprocess.run([os.environ.get("CC", "cc"), "-print-multiarch"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or f"{os.uname().machine}-linux-gnu"


def _compile(source, output, flags=()):
    done = run_command([os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC",
                        "-fvisibility=hidden", "-shared", "-Wl,-z,defs", "-o", output, source, *flags])
    check(done.status == 0, f"{source} does not compile: {done.out}")
    return output


@functools.lru_cache(maxsize=None)
def _output_dir():
    """Of what tests compile; gone with this process."""
    folder = tempfile.mkdtemp(prefix="flwr-test-objects-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


@functools.lru_cache(maxsize=None)
def compile_shared(source):
    return _compile(source, _output_dir() / f"{source.stem}.so")


@functools.lru_cache(maxsize=None)
def build_native(bin_dir):
    """The native test app's object, made against the SDK that was installed beside the programs."""
    pkgconfig = pathlib.Path(bin_dir).parent / "lib/pkgconfig"
    if not (pkgconfig / "libflwr.pc").exists():
        raise Skip(f"there is no libflwr.pc in {pkgconfig}")
    env = {**os.environ, "PKG_CONFIG_PATH": str(pkgconfig)}
    flags = run_command(["pkg-config", "--cflags", "--libs", "libflwr"], env=env).out.split()
    return _compile(TOP / "tests/scenario/app-native/native/scenario.c", _output_dir() / "scenario.so", flags)
