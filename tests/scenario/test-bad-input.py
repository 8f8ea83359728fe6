#!/usr/bin/env python3
"""Whatever is given wrongly: the program ends with a number of sysexits, and one line says what is wrong and where; what to try is said."""

import os
import pathlib
import re
import socket
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from flower import TOP, Federation, compile_shared  # noqa: E402
from process import Process, check, free_port, run_tests  # noqa: E402

USAGE = {2}
SYSEXITS = set(range(64, 79))
YEAR = 365 * 24 * 3600


def refused(what, line, hint, statuses=SYSEXITS):
    """line matches exactly one line of the output, hint the output; the status is one of statuses."""
    if isinstance(what, Process):
        status, text = what.wait_end(30), what.text()
    else:
        status, text = what.status, what.out
    check(status in statuses, f"status {status}: {text}")
    matching = [one for one in text.splitlines() if re.search(line, one)]
    check(len(matching) == 1, f"{len(matching)} lines match {line!r}: {text}")
    check(re.search(hint, text), f"nothing says {hint!r}: {text}")


def shifted(seconds):
    """Environment of a program whose clock is wrong."""
    return {"LD_PRELOAD": str(compile_shared(TOP / "tests/scenario/shift-clock.c")), "FLWR_TEST_SHIFT": str(seconds)}


# ---- who is who ----


def wrong_key_pair(folder):
    f = Federation(folder)
    args = f.node_args(1)
    args[-1] = f.key_dir / "client_credentials_2.pub"
    refused(f.start("node1", "flower-supernode", *args), r"client_credentials_2\.pub is not the public key of the private key",
            "leave --auth-supernode-public-key out")


def unknown_key(folder):
    f = Federation(folder)
    f.key_list.write_text((f.key_dir / "client_credentials_1.pub").read_text())
    f.hub()
    refused(f.node(2, 1, wait=False), rf"127\.0\.0\.1:{f.port['fleet']} does not know this node's key", "key list")


def clock_ahead(folder):
    f = Federation(folder)
    f.hub()
    refused(f.node(1, 1, wait=False, env=shifted(3600)), r"its time is not right: the clocks of the two machines differ", "timedatectl")


def clock_behind(folder):
    """Certificates hold an hour before they are made: it is the signature that is refused."""
    f = Federation(folder, keys=True)
    f.hub()
    refused(f.node(1, 1, wait=False, env=shifted(-1800)), r"its time is not right: the clocks of the two machines differ", "timedatectl")


# ---- certificates ----


def foreign_ca(folder):
    f = Federation(folder)
    f.hub()
    f.provision("ca", "--dir", f.folder / "other")
    args = [f.folder / "other/ca.crt" if a == f.certificates / "ca.crt" else a for a in f.node_args(1, 1)]
    refused(f.start("node1", "flower-supernode", *args), r"127\.0\.0\.1:\d+.*is not signed by the given CA \(.*/other/ca\.crt\)", r"use the CA certificate that belongs to this server")


def foreign_ca_of_cli(folder):
    f = Federation(folder)
    f.hub()
    app = f.native_app()
    f.provision("ca", "--dir", f.folder / "other")
    path = app / "pyproject.toml"
    path.write_text(path.read_text().replace(str(f.certificates), str(f.folder / "other")))
    refused(f.flwr("ls", app, "test"), r"is not signed by the given CA \(.*/other/ca\.crt\)", r"use the CA certificate that belongs to this server")


def expired(f):
    f.provision("server", "--dir", f.certificates, "--days", "30", "--force", env=shifted(-2 * YEAR))


def expired_certificate_of_hub(folder):
    f = Federation(folder)
    f.certificates.joinpath("old").mkdir()
    for name in ("ca.crt", "ca.key"):
        f.certificates.joinpath(name).unlink()
    f.provision("ca", "--dir", f.certificates, env=shifted(-2 * YEAR))
    expired(f)
    refused(f.hub(wait=False), r"server\.pem expired on", "Make a new one")


def expired_certificate_seen_by_node(folder):
    """A hub whose own clock is wrong too does not notice."""
    f = Federation(folder)
    for name in ("ca.crt", "ca.key"):
        f.certificates.joinpath(name).unlink()
    f.provision("ca", "--dir", f.certificates, env=shifted(-2 * YEAR))
    expired(f)
    f.hub(env=shifted(-2 * YEAR))
    refused(f.node(1, 1, wait=False), r"expired", "certificate")


def name_not_in_certificate(folder):
    f = Federation(folder)
    f.provision("server", "--dir", f.certificates, "--name", "hub.example.org", "--force")
    f.hub()
    refused(f.node(1, 1, wait=False), r"127\.0\.0\.1.*hub\.example\.org|hub\.example\.org.*127\.0\.0\.1", "name")


# ---- TLS here, none there ----


def plain_node_tls_hub(folder):
    f = Federation(folder)
    f.hub()
    refused(f.node(1, 1, wait=False, tls=False), rf"127\.0\.0\.1:{f.port['fleet']}.*expects TLS", r"instead of --insecure")


def tls_node_plain_hub(folder):
    f = Federation(folder)
    f.hub(tls=False)
    refused(f.node(1, 1, wait=False), rf"127\.0\.0\.1:{f.port['fleet']}.*does not speak TLS", r"connect with --insecure")


def plain_cli_tls_hub(folder):
    f = Federation(folder)
    f.hub()
    app = f.native_app()
    f.point_app(app, tls=False)
    refused(f.flwr("ls", app, "test"), r"127\.0\.0\.1:\d+", r"insecure|root-certificates")


def tls_cli_plain_hub(folder):
    f = Federation(folder)
    f.hub(tls=False)
    refused(f.flwr("ls", f.native_app(), "test"), r"127\.0\.0\.1:\d+", r"insecure")


def no_hub_for_cli(folder):
    f = Federation(folder)
    refused(f.flwr("ls", f.native_app(), "test"), rf"127\.0\.0\.1:{f.port['control']}", r"Cannot reach the SuperLink")


# ---- addresses ----


def _occupied(port):
    s = socket.socket()
    s.bind(("127.0.0.1", port))
    s.listen()
    return s


def address_in_use(folder):
    f = Federation(folder)
    for name, port in f.port.items():
        with _occupied(port):
            refused(f.hub(wait=False, name=f"hub-{name}"), rf"127\.0\.0\.1:{port} is already in use", "choose")
    f.hub()
    f.node_ports[1] = free_port()
    with _occupied(f.node_ports[1]):
        refused(f.node(1, 1, wait=False), rf"127\.0\.0\.1:{f.node_ports[1]} is already in use", "choose")


def not_an_address(folder):
    f = Federation(folder)
    for flag in ("--fleet-api-address", "--control-api-address", "--serverappio-api-address"):
        args = f.hub_args()
        args[args.index(flag) + 1] = "nonsense"
        refused(f.start("hub", "flower-superlink", *args), r"'nonsense' .* is not an address", "HOST:PORT")
    for flag in ("--superlink", "--clientappio-api-address"):
        args = f.node_args(1, 1)
        args[args.index(flag) + 1] = "nonsense"
        refused(f.start("node1", "flower-supernode", *args), rf"'nonsense' \({flag}\) is not an address", "HOST:PORT")


def two_hubs_one_state(folder):
    f = Federation(folder)
    f.hub()
    f.port = {name: free_port() for name in f.port}
    refused(f.hub(wait=False, name="hub"), r"homes/hub/superlink", "(running|in use|another)")


# ---- files ----


def malformed_pyproject(folder):
    f = Federation(folder)
    app = f.native_app()
    path = app / "pyproject.toml"
    path.write_text(path.read_text().replace("factor = 1.5", "factor = = 1.5"))
    line = path.read_text().split("factor = = 1.5")[0].count("\n") + 1
    for args in (["run", app, "test"], ["build", "--app", app], ["ls", app, "test"]):
        refused(f.flwr(*args), rf"{path}.*\b{line}\b", r"pyproject\.toml")


def unknown_federation(folder):
    f = Federation(folder)
    refused(f.flwr("run", f.native_app(), "elsewhere"), r"elsewhere", r"pyproject\.toml|config\.toml")


def malformed_node_config(folder):
    f = Federation(folder)
    for text in ("weight=", "weight==1", "=1", "weight='a", "weight = 1", "weight=one"):
        refused(f.start("node1", "flower-supernode", *f.node_args(1), "--node-config", text), r"node-config: ", r"'='", USAGE | SYSEXITS)


def malformed_run_config(folder):
    f = Federation(folder)
    app = f.native_app()
    for text, line in (("factor=", "factor="), ("faktor=1.0", "faktor"), ("nothing", "nothing"), ("factor = 1.0", "factor = 1.0")):
        refused(f.flwr("run", app, "test", "--run-config", text), re.escape(line), r"run-config|overridden")


def malformed_key_list(folder):
    f = Federation(folder)
    good = f.key_list.read_text()
    for bad in ("ecdsa-sha2-nistp384 AAAA broken", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ",
                "-----BEGIN PUBLIC KEY-----"):
        f.key_list.write_text(good.rstrip("\n") + "\n" + bad + "\n")
        number = len(f.key_list.read_text().splitlines())
        refused(f.hub(wait=False), rf"client_public_keys\.csv\", line {number}\b", r"[Kk]ey")


def missing_files(folder):
    f = Federation(folder)
    for flag in ("--ssl-ca-certfile", "--ssl-certfile", "--ssl-keyfile", "--auth-list-public-keys"):
        args = f.hub_args()
        args[args.index(flag) + 1] = f.folder / "nowhere"
        refused(f.start("hub", "flower-superlink", *args), r"/nowhere.*(No such file|cannot be read)", r"No such file")
    for flag in ("--root-certificates", "--auth-supernode-private-key", "--auth-supernode-public-key"):
        args = f.node_args(1, 1)
        args[args.index(flag) + 1] = f.folder / "nowhere"
        refused(f.start("node1", "flower-supernode", *args), r"/nowhere.*(No such file|cannot be read)", r"No such file")
    refused(f.flwr("run", f.folder / "nowhere", "test"), r"nowhere", r"No such file|pyproject\.toml|config\.toml")
    refused(f.flwr("build", "--app", f.folder / "nowhere"), r"nowhere", r"No such file|pyproject\.toml")
    refused(f.flwr("install", f.folder / "nowhere.fab"), r"nowhere\.fab", r"No such file")


def certificates_left_out(folder):
    f = Federation(folder)
    refused(f.command("flower-superlink"), r"Certificates are required", r"--insecure")
    refused(f.command("flower-superlink", "--ssl-certfile", f.certificates / "server.pem"), r"All three certificate files are required",
            r"--ssl-keyfile")


def key_of_another_certificate(folder):
    f = Federation(folder)
    f.provision("server", "--dir", f.folder / "other", "--ca", f.certificates)
    args = f.hub_args()
    args[args.index("--ssl-keyfile") + 1] = f.folder / "other/server.key"
    refused(f.start("hub", "flower-superlink", *args), r"other/server\.key", r"server\.pem")


def database_of_genuine_flower(folder):
    """As genuine Flower 1.20 makes it, as far as it can be told from outside: its tables, no mark of ours."""
    f = Federation(folder)
    path = f.folder / "genuine.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE node(node_id INTEGER UNIQUE, online_until REAL, heartbeat_interval REAL, public_key BLOB)")
        db.execute("CREATE TABLE run(run_id INTEGER UNIQUE, fab_id TEXT, fab_version TEXT, fab_hash TEXT)")
    db.close()
    before = path.read_bytes()
    refused(f.hub("--database", path, wait=False), r"genuine\.db.*(Flower|Python)", r"--database|another")
    check(path.read_bytes() == before, "the database was changed")


def database_that_is_none(folder):
    f = Federation(folder)
    path = f.folder / "letter.db"
    path.write_text("Dear database,\n" * 100)
    refused(f.hub("--database", path, wait=False), r"letter\.db", r"another file")


def unusable_home(folder):
    """A file where the home should be; a file system that takes none."""
    f = Federation(folder)
    (f.folder / "file").write_text("")
    for home in (f.folder / "file", pathlib.Path("/proc/flwr")):
        env = {"FLWR_HOME": str(home)}
        refused(f.hub(wait=False, env=env), re.escape(str(home)), r"FLWR_HOME|Cannot make the state directory")
        refused(f.node(1, 1, wait=False, env=env), re.escape(str(home)), r"FLWR_HOME|Cannot make the state directory")


def home_not_writable(folder):
    f = Federation(folder)
    home = f.folder / "locked"
    home.mkdir(mode=0o500)
    if os.geteuid() == 0:
        from process import Skip
        raise Skip("root may write everywhere")
    refused(f.hub(wait=False, env={"FLWR_HOME": str(home)}), re.escape(str(home)), r"Permission denied")


def unknown_flag(folder):
    f = Federation(folder)
    for program in ("flower-superlink", "flower-supernode", "flower-superexec"):
        refused(f.command(program, "--frobnicate"), rf"{program}: error: .*--frobnicate", "usage:", USAGE)
    for args in (["run"], ["ls"], ["log"], ["stop"], ["build"], ["install"]):
        refused(f.flwr(*args, "--frobnicate"), r"error: .*--frobnicate", "usage:", USAGE)
    refused(f.command("flwr-provision", "ca", "--frobnicate"), r"error: .*--frobnicate", "usage:", USAGE)
    refused(f.flwr("frobnicate"), r"frobnicate", "run", USAGE | SYSEXITS)
    refused(f.flwr("log", "not-a-number", f.native_app(), "test"), r"not-a-number", "run", USAGE | SYSEXITS)


if __name__ == "__main__":
    run_tests(wrong_key_pair, unknown_key, clock_ahead, clock_behind, foreign_ca, foreign_ca_of_cli, expired_certificate_of_hub,
              expired_certificate_seen_by_node, name_not_in_certificate, plain_node_tls_hub, tls_node_plain_hub, plain_cli_tls_hub,
              tls_cli_plain_hub, no_hub_for_cli, address_in_use, not_an_address, two_hubs_one_state, malformed_pyproject,
              unknown_federation, malformed_node_config, malformed_run_config, malformed_key_list, missing_files,
              certificates_left_out, key_of_another_certificate, database_of_genuine_flower, database_that_is_none, unusable_home,
              home_not_writable, unknown_flag)
