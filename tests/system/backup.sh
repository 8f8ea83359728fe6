# A hub is saved while a run goes on, and another host becomes it: nodes come back, runs and logs are there.
. "$(dirname "$0")/lib/common.sh"

federation
submit() {
	as_alice "flwr run . hub --run-config '$1 learning-rate=0.01'" >"$work/run" 2>&1 || { cat "$work/run"; fail "flwr run failed"; }
	grep -oE '[0-9]{15,}' "$work/run" | head -n 1
}
status_of() {
	as_alice "flwr ls . hub --format json" >"$work/ls"
	python3 -c 'import json, sys; print(next(r["status"] for r in json.load(sys.stdin)["runs"] if str(r["run-id"]) == sys.argv[1]))' "$1" <"$work/ls"
}
# is RUN STATUS
is() {
	[ "$(status_of "$1")" = "$2" ]
}
hub_keys() {
	find /etc/flwr/tls -type f ! -name machine -exec sha256sum {} + | sort -k 2
}

finished=$(submit num-server-rounds=2)
within 100 "the first run is finished" is "$finished" finished:completed
as_alice "flwr log $finished . hub --show" >"$work/log-before" 2>&1
[ "$(wc -l <"$work/log-before")" -ge 5 ] || { cat "$work/log-before"; fail "the first run has no log"; }

# ---- saving, again and again while a run goes on ----

going=$(submit num-server-rounds=300)
within 30 "the second run is at work" is "$going" running
systemctl show -p ExecMainPID -p NRestarts flower-superlink.service >"$work/before"
n=0
while [ $n -lt 5 ]; do
	begin=$(milliseconds)
	flwr-provision backup /root/hub.tar.gz >"$work/backup" 2>&1 || { cat "$work/backup"; fail "the hub cannot be saved"; }
	times="${times:-} $(($(milliseconds) - begin))"
	n=$((n + 1))
done
# shellcheck disable=SC2086 # words
figure "flwr-provision backup while a run goes on: median $(printf '%s\n' $times | sort -n | sed -n 3p) ms, $(stat -c %s /root/hub.tar.gz) bytes"
systemctl show -p ExecMainPID -p NRestarts flower-superlink.service | cmp -s - "$work/before" || fail "the hub was restarted"
[ "$(stat -c '%a %U' /root/hub.tar.gz)" = "600 root" ] || fail "others can read the backup"
no_files /var/lib/flwr/superlink/.backup /root/hub.tar.gz.part
tar -tzf /root/hub.tar.gz >"$work/list"
! grep -E '^etc/flwr/(keys|supernode)|state\.db-|/lock$|\.backup' "$work/list" || fail "the backup has what does not belong into it"
for f in etc/flwr/tls/private/ca.key etc/flwr/superlink.toml etc/flwr/config.toml var/lib/flwr/superlink/state.db var/lib/flwr/superlink/joined; do
	grep -qxF "$f" "$work/list" || { cat "$work/list"; fail "the backup lacks $f"; }
done
flwr-provision backup - 2>"$work/backup" | tar -tz >"$work/list-2" || { cat "$work/backup"; fail "the hub cannot be saved on standard output"; }
is "$going" running || { cat "$work/ls"; fail "a backup disturbs a run"; }

# What nobody would find in it is refused; so is what would overwrite a hub with nodes, and what is no backup.
echo 'database = "/var/lib/flwr/superlink/other.db"' >/etc/flwr/superlink.d/70-other.toml
s=0
flwr-provision backup /root/other.tar.gz >"$work/backup" 2>&1 || s=$?
[ "$s" = 64 ] && grep -q '70-other.toml:1' "$work/backup" || { cat "$work/backup"; fail "another database is not refused with file and line, but with $s"; }
rm /etc/flwr/superlink.d/70-other.toml
! flwr-provision restore /root/hub.tar.gz >"$work/restore" 2>&1 || fail "a hub with nodes is replaced without --force"
head -c 5000 /root/hub.tar.gz >/root/half.tar.gz
hub_keys >"$work/keys"
! flwr-provision restore --force /root/half.tar.gz >"$work/restore" 2>&1 || fail "half a backup is restored"
hub_keys | cmp -s - "$work/keys" || fail "half a backup changed keys"
is "$going" running || fail "a refused restore disturbs a run"

# A run that waits: there are fewer nodes than it needs, or its ServerApp is not started yet.
systemctl mask --runtime --now flower-superlink-apps.service >/dev/null 2>&1
waiting=$(submit num-server-rounds=1)
is "$waiting" pending || fail "the third run does not wait but is $(status_of "$waiting")"
flwr-provision backup /root/hub.tar.gz >"$work/backup" 2>&1 || { cat "$work/backup"; fail "the hub cannot be saved the last time"; }
systemctl unmask --runtime flower-superlink-apps.service >/dev/null 2>&1

# ---- another host: its own machine-id, packages installed anew, keys of its own ----

if [ -n "$debs" ]; then
	systemctl stop flower-superlink-fleet.socket 'flower-superlink*'
	dpkg -P flower-superlink >/dev/null 2>&1 || fail "the hub cannot be purged"
	no_files /var/lib/flwr/superlink /etc/flwr/tls
	echo 00112233445566778899aabbccddeeff >"$work/machine-id"
	mount --bind "$work/machine-id" /etc/machine-id
	# The nodes are not on that host: for them nothing has changed.
	rm -f /etc/flwr/config.toml
	install_packages flower-superlink
	! cmp -s /etc/flwr/tls/ca.crt /etc/flwr/keys/supernode/superlink-ca.crt || fail "the new host has the old CA already"
	begin=$(milliseconds)
	flwr-provision restore /root/hub.tar.gz >"$work/restore" 2>&1 || { cat "$work/restore"; fail "the hub cannot be restored"; }
	figure "flwr-provision restore: $(($(milliseconds) - begin)) ms"
	hub_keys | cmp -s - "$work/keys" || fail "the restored hub has other keys"
	no_files /var/lib/flwr/.restore /var/lib/flwr/superlink/.backup
	[ "$(stat -c '%a %U' /var/lib/flwr/superlink)" = "700 _flwr-superlink" ] || fail "the restored state is not the daemon's"
	for u in flower-superlink.service flower-superlink-fleet.socket flower-superlink-control.socket; do
		expect_state active $u
	done
	! journalctl --no-pager -o cat MESSAGE_ID=5e72df40bcc0a00881c4e3ca7505095f | grep -q . || fail "the hub takes itself for a copy"
	within 60 "the nodes have come back by themselves" nodes_online 2
	is "$finished" finished:completed || { cat "$work/ls"; fail "the finished run is lost"; }
	as_alice "flwr log $finished . hub --show" >"$work/log-after" 2>&1
	cmp -s "$work/log-before" "$work/log-after" || { diff "$work/log-before" "$work/log-after"; fail "the log of the finished run has changed"; }
	within 100 "the run that waited is finished" is "$waiting" finished:completed
	within 200 "the run that was at work has failed" is "$going" finished:failed
fi
