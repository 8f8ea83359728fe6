# The sockets of systemd are where the configuration says.
. "$(dirname "$0")/lib/common.sh"

install_services
listens() {
	ss -Hltn "sport = :$1" | grep -q .
}

printf 'fleet-api-address = "0.0.0.0:9192"\ncontrol-api-address = "localhost:9193"\n' >/etc/flwr/superlink.d/10-test.toml
begin=$(milliseconds)
systemctl daemon-reload
figure "daemon-reload with the generator: $(($(milliseconds) - begin)) ms"
systemctl restart flower-superlink-fleet.socket
systemctl start flower-superlink-control-tcp.socket
listens 9192 || fail "the new port is not open"
! listens 9092 || fail "the old port is still open"
listens 9193 || fail "the Control API is not open"
trusted 9192 || fail "the SuperLink does not answer at the new address"
trusted 9193 || fail "the Control API does not answer"

# Opened by the configuration, it is also wanted at boot.
[ -L /run/systemd/generator/sockets.target.wants/flower-superlink-control-tcp.socket ] || fail "the TCP socket is not enabled"

# The administrator's drop-in wins.
mkdir -p /etc/systemd/system/flower-superlink-fleet.socket.d
printf '[Socket]\nListenStream=\nListenStream=9292\n' >/etc/systemd/system/flower-superlink-fleet.socket.d/override.conf
systemctl daemon-reload
systemctl restart flower-superlink-fleet.socket
listens 9292 || fail "the administrator's drop-in does not win"

# What cannot be used changes nothing and is told.
rm -r /etc/systemd/system/flower-superlink-fleet.socket.d
printf 'fleet-api-address = "hub.example.org:9092"\n' >/etc/flwr/superlink.d/10-test.toml
systemctl daemon-reload
systemctl restart flower-superlink-fleet.socket
listens 9092 || fail "a bad address closed the socket"
