# What users submit can do its work, and reaches nothing else.
. "$(dirname "$0")/lib/common.sh"

install_services
dir=$(dirname "$0")
mkdir -p "/etc/flwr/supernode.d"
echo 'superlink = "localhost:1"' >/etc/flwr/supernode.d/50-test.toml
systemctl start flower-supernode-clientappio.socket flower-supernode-clientappio-exec.socket
echo data >/srv/flwr/set
chmod 640 /srv/flwr/set
mkdir -p /var/lib/flwr/superlink
touch /var/lib/flwr/mine

# try KIND RUN PYTHON: the app prints what came of it.
try() {
	"$dir/lib/launch" "$1" "$2" /usr/bin/python3 -c "$3" >"$work/answer" 2>&1 || {
		cat "$work/answer"
		fail "the launch socket does not answer"
	}
	journalctl --sync
	journalctl --no-pager -o cat "FLWR_RUN=$2" | grep '^app: ' | sed 's/^app: //'
}

[ "$(try clientapp 101 'print("app: works")')" = works ] || {
	cat "$work/answer"
	journalctl --no-pager -n 30
	fail "an app that prints a line leaves none with FLWR_RUN"
}
times=
for n in 1 2 3 4 5 6 7 8 9; do
	times="$times $("$dir/lib/launch" --time clientapp 102 /bin/true)"
done
# shellcheck disable=SC2086 # words
bar 100 ms "$(printf '%s\n' $times | sort -n | sed -n 5p)" "launch of a sandboxed app, to its end, median"

a=$(try clientapp 103 'import os; print("app:", os.getuid())')
b=$(try clientapp 104 'import os, time; print("app:", os.getuid())')
[ "$a" -ge 61184 ] || fail "the user of an app is $a, not a dynamic one"
"$dir/lib/launch" clientapp 105 /bin/sleep 20 >/dev/null &
p1=$!
"$dir/lib/launch" clientapp 106 /bin/sleep 20 >/dev/null &
p2=$!
pids="$pids $p1 $p2"
within 10 "two apps" sh -c '[ "$(pgrep -c -x sleep -f "/bin/sleep 20")" -ge 2 ] || [ "$(pgrep -fc "^/bin/sleep 20")" -ge 2 ]'
[ "$(ps -o uid= -p "$(pgrep -f '^/bin/sleep 20' | paste -sd ,)" | sort -u | wc -l)" = 2 ] || fail "two apps at the same time have one user"
# The connection is the app's life.
kill $p1 $p2
within 15 "the apps end with their connections" sh -c '! pgrep -f "^/bin/sleep 20"'

probe='
import ctypes, os, socket
libc = ctypes.CDLL(None)
def attempt(what, f):
    try:
        f()
    except Exception:
        return
    print("app:", what)
def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(path)
for path in ("/etc/flwr/tls/superlink.key", "/etc/flwr/tls/private/ca.key", "/etc/flwr/keys/supernode/node.key", "/etc/shadow", "/root/.profile"):
    attempt("reads " + path, lambda: open(path).read())
for path in ("/var/lib/flwr", "/var/lib/flwr/superlink", "/run/flwr/app/superlink", "/run/flwr/app", "/home"):
    attempt("lists " + path, lambda: os.listdir(path) or 1 / 0)
for path in ("/usr/x", "/etc/x", "/srv/flwr/x", "/run/x", "/run/flwr/x", "/var/lib/x"):
    attempt("writes " + path, lambda: open(path, "w"))
for path in PATHS:
    attempt("connects to " + path, lambda: unix(path))
attempt("reaches the SuperLink", lambda: socket.create_connection(("127.0.0.1", 9092), 2))
attempt("sees other processes", lambda: 1 / (len([p for p in os.listdir("/proc") if p.isdigit() and os.stat("/proc/" + p).st_uid != os.getuid()]) > 0))
attempt("becomes root", lambda: os.setuid(0))
attempt("makes a namespace for mounts", lambda: 1 / (libc.unshare(0x20000) == 0))
print("app: done")
'
closed='("/run/flwr/superlink.sock", "/run/flwr/superlink-exec.sock", "/run/flwr/supernode-exec.sock", "/run/flwr/control.sock", "/run/flwr/launch-clientapp.sock", "/run/flwr/launch-serverapp.sock", "/run/dbus/system_bus_socket", "/run/systemd/private")'
found=$(try clientapp 107 "$(echo "$probe" | sed "s|PATHS|$closed|")")
[ "$found" = done ] || fail "a ClientApp: $(echo "$found" | tr '\n' ';')"
found=$(try serverapp 108 "$(echo "$probe" | sed "s|PATHS|$(echo "$closed" | sed 's,superlink\.sock,supernode.sock,')|")")
[ "$found" = done ] || fail "a ServerApp: $(echo "$found" | tr '\n' ';')"

able='
import mmap, os, socket
print("app:", open("/srv/flwr/set").read().strip())
socket.socket(socket.AF_UNIX).connect("/run/flwr/supernode.sock")
m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
open("/tmp/x", "w").write("x")
open(os.path.join(os.environ["HOME"], "y"), "w").write("y")
print("app: able")
'
[ "$(try clientapp 109 "$able" | tr '\n' ' ')" = "data able " ] || {
	journalctl --no-pager -n 30
	fail "a ClientApp cannot do its work"
}
[ ! -e /tmp/x ] || fail "an app has written into the host's /tmp"
[ -z "$(systemctl list-units --no-legend --state=failed 'flwr-*')" ] || fail "failed units are left of apps"
