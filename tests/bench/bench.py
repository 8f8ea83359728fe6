#!/usr/bin/env python3
"""Seconds a round, bytes a second, memory: ours beside genuine Flower, raw TLS and memcpy, all in the same minutes.

    make bench          all; FLWR_TEST_PYTHON names the bin directory of a Python environment with flwr 1.20.0
    bench.py BUILD [rounds] [memory] [models]

Ours and theirs take turns, so that a busy machine is busy for all; figures are medians and only compare within one run.
"""

import ctypes
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

from process import PR_SET_CHILD_SUBREAPER, Skip, check, descendants, kill_all_descendants, run_command  # noqa: E402

IN_MEMORY = ("--database", ":flwr-in-memory:")
BLOCKS, ROUNDS = 4, 5  # 20 rounds of each of ours
GENUINE_ROUNDS = 3
GENUINE = "genuine Flower 1.20.0"
CNN_BYTES = 248_000
MODELS = ((CNN_BYTES, 20), (100_000_000, 5), (1_000_000_000, 1))  # bytes, round trips
COPIES = 12  # of a model, at most, in all processes and files in memory together


def prepare(build):
    """The programs of a build tree, as an installation has them: executors beside flower-superexec."""
    bin_dir = build / "tests/bench/bin"
    shutil.rmtree(bin_dir, ignore_errors=True)
    bin_dir.mkdir(parents=True)
    for name in ("flower-superlink", "flower-supernode", "flower-superexec", "flwr", "flwr-provision"):
        shutil.copy(build / name, bin_dir / name)
    for name in ("flwr-serverapp", "flwr-clientapp"):
        script = bin_dir / name
        script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{build}/src/libflwr/.libs" exec "{build}/src/apps/.libs/{name}" "$@"\n',
                          encoding="utf-8")
        script.chmod(0o755)
    os.environ["FLWR_TEST_BIN"] = str(bin_dir)


def compile_app(build, target):
    target.mkdir(parents=True)
    done = run_command([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden",
                        "-shared", f"-I{HERE.parent.parent}/include", HERE / "noop-app/native/noop.c", "-o", target / "noop.so",
                        f"-L{build}/src/libflwr/.libs", "-lflwr"])
    check(done.status == 0, f"the app does not compile: {done.out}")


def median(values):
    return statistics.median(values) if values else None


def cpu_seconds():
    """Of all programs under test, and of those that they have waited for: what a busy machine does not stretch."""
    ticks = 0
    for pid in descendants():
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        ticks += sum(int(t) for t in stat.rpartition(")")[2].split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


class Setup:
    """One hub with its two nodes, and what was measured on it."""

    def __init__(self, folder, build, name, hub_args=(), genuine=False):
        import flower

        self.name, self.genuine = name, genuine
        folder.mkdir(parents=True)
        self.f = flower.Federation(folder)
        self.rounds, self.first_rounds, self.begins, self.cpu = [], [], [], 0
        kind = "noop-python" if genuine else "noop-app"
        self.app = folder / kind
        shutil.copytree(HERE / kind, self.app)
        self.f.point_app(self.app)
        if not genuine:
            compile_app(build, self.app / "native" / flower.triplet())
        self.hub = self.f.hub(*hub_args, genuine=genuine)
        self.nodes = [self.f.node(i, 1, genuine=genuine) for i in (1, 2)]

    def run(self, **config):
        """What the ServerApp said, line by line, and when the command began."""
        begin = time.time()
        pairs = [f'{key.replace("_", "-")}={value!r}'.replace("'", '"') for key, value in config.items()]
        result = self.f.run(self.app, *pairs, genuine=self.genuine, timeout=600)
        check(result.status == 0, f"{self.name}: flwr run ended with status {result.status}: {result.out}")
        return result.out, begin

    def measure_rounds(self, n):
        cpu = cpu_seconds()
        out, begin = self.run(num_server_rounds=n)
        self.cpu += cpu_seconds() - cpu
        rounds = re.findall(r"ROUND (\d+) ([\d.]+) ([\d.]+)", out)
        check(len(rounds) == n, f"{self.name}: {len(rounds)} of {n} rounds: {out}")
        self.rounds += [float(r[1]) for r in rounds]
        self.first_rounds.append(float(rounds[0][2]) - begin)
        self.begins.append(float(re.search(r"BEGIN ([\d.]+)", out)[1]) - begin)

    def measure_transfers(self, size, n):
        """Medians in seconds: down, up; CPU seconds of one round trip."""
        cpu = cpu_seconds()
        out, _ = self.run(mode="transfer", num_server_rounds=n, bytes=size)
        both = re.findall(r"TRANSFER \d+ ([\d.]+) ([\d.]+)", out)
        check(len(both) == n, f"{self.name}: {len(both)} of {n} transfers: {out}")
        cpu = cpu_seconds() - cpu
        return [median([float(pair[i]) for pair in both]) for i in (0, 1)] + [max(cpu, 0) / n]

    def stop(self):
        for process in [*self.nodes, self.hub]:
            process.popen.terminate()
        for process in [*self.nodes, self.hub]:
            process.wait_end(30)


def show(title, rows, *heads):
    table = [("", *heads)] + [(name, *cells) for name, cells in rows]
    widths = [max(len(str(row[i])) for row in table) for i in range(len(heads) + 1)]
    print(f"\n{title}\n")
    for row in table:
        print("  " + "  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip(),
              flush=True)


def ms(values):
    return f"{median(values) * 1000:.1f} ms" if values else "-"


def genuine_setup(folder, build):
    try:
        return Setup(folder, build, GENUINE, genuine=True), None
    except Skip as e:
        return None, str(e)


def bench_rounds(folder, build):
    ours = [Setup(folder / "m", build, "ours, hub in memory", IN_MEMORY), Setup(folder / "d", build, "ours, durable hub")]
    theirs = why = None
    for block in range(BLOCKS):
        for setup in ours:
            setup.measure_rounds(ROUNDS)
        if block == BLOCKS // 2 - 1:
            theirs, why = genuine_setup(folder / "g", build)
            if theirs:
                theirs.measure_rounds(GENUINE_ROUNDS)
                theirs.stop()
    rows = [(s.name, (ms(s.rounds), f"{min(s.rounds) * 1000:.1f}..{max(s.rounds) * 1000:.1f}", len(s.rounds),
                      f"{s.cpu / len(s.rounds) * 1000:.0f} ms", ms(s.begins), ms(s.first_rounds)))
            for s in ours + ([theirs] if theirs else [])]
    if not theirs:
        rows.append((f"{GENUINE}: SKIPPED", ("-",) * 6))
        print(f"\nSKIPPED: {GENUINE}: {why}")
    show("A round of training and evaluation: two nodes, TLS and keys, an app that does nothing", rows,
         "median", "least..most, ms", "rounds", "CPU, all processes", "flwr run to ServerApp", "flwr run to end of round 1")
    fsync = median(ours[1].rounds) - median(ours[0].rounds)
    print(f"\n  durable less in memory: {fsync * 1000:.1f} ms a round, beside which one small file on disk takes "
          f"{fsync_seconds(folder) * 1000:.2f} ms here")
    for setup in ours:
        setup.stop()


def fsync_seconds(folder):
    """A new small file and fsync: what the store does for a context."""
    took = []
    for i in range(50):
        begin = time.monotonic()
        with open(folder / f"fsync-{i}", "wb", buffering=0) as f:
            f.write(b"x" * 4096)
            os.fsync(f.fileno())
        took.append(time.monotonic() - begin)
    return median(took)


def resident(process, what):
    """MB"""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024 / 1e6


def bench_memory(folder, build):
    import flower

    rows = []
    for genuine in (False, True):
        (folder / ("g" if genuine else "o")).mkdir()
        f = flower.Federation(folder / ("g" if genuine else "o"), nodes=1)
        try:
            hub = f.hub("--isolation", "process", genuine=genuine)
            node = f.node(1, 1, "--isolation", "process", genuine=genuine)
        except Skip as e:
            rows.append((f"{GENUINE}: SKIPPED", ("-", "-")))
            print(f"\nSKIPPED: {GENUINE}: {e}")
            continue
        time.sleep(8 if genuine else 1)
        rows.append((GENUINE if genuine else "ours, durable",
                     [f"{resident(p, 'VmRSS'):.1f} MB ({resident(p, 'RssAnon'):.1f})" for p in (hub, node)]))
        for process in (node, hub):
            process.stop()
    show("Resident memory, idle, without launcher (of it not files, i.e. shared with nobody)", rows, "hub", "node")


def memory_available():
    return int(re.search(r"MemAvailable:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text())[1]) * 1024


def raw(build, f, size):
    c = f.certificates
    done = run_command([build / "tests/bench/raw-tls", c / "server.pem", c / "server.key", size], timeout=300)
    check(done.status == 0, f"raw-tls: {done.out}")
    return [float(x) for x in done.out.split()[1:3]]


def bench_models(folder, build):
    setups = [Setup(folder / "m", build, "ours, hub in memory", IN_MEMORY), Setup(folder / "d", build, "ours, durable hub")]
    rows = []
    for size, n in MODELS:
        if memory_available() < COPIES * size:
            rows.append((f"{size / 1e6:g} MB: SKIPPED, needs {COPIES * size / 1e9:.0f} GB of memory", ("-",) * 7))
            continue
        tls, copy = raw(build, setups[0].f, size)
        for setup in setups:
            down, up, cpu = setup.measure_transfers(size, n)
            rows.append((f"{size / 1e6:g} MB, {setup.name}", (f"{down * 1000:.0f} ms", f"{up * 1000:.0f} ms",
                         f"{size / down / 1e6:.0f}", f"{size / up / 1e6:.0f}", f"{tls:.0f}", f"{copy:.0f}",
                         f"{cpu:.2f} s")))
    show("A model from ServerApp to ClientApp (over hub and node, through TLS) and back; MB/s", rows,
         "down", "up", "MB/s down", "MB/s up", "raw TLS", "memcpy", "CPU, both ways")
    for setup in setups:
        setup.stop()


def main():
    build, words = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    benches = {"rounds": bench_rounds, "memory": bench_memory, "models": bench_models}
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fb-"))
    prepare(build)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {memory_available() / 1e9:.0f} GB of memory free, {time.ctime()}",
          flush=True)
    try:
        for name, bench in benches.items():
            if not words or name in words:
                # Short: the sockets of apps lie deep below it.
                (folder / name[:2]).mkdir()
                bench(folder / name[:2], build)
    finally:
        kill_all_descendants()
        if os.environ.get("FLWR_TEST_KEEP"):
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
