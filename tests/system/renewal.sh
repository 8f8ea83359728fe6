# What provisioning does as a service, in its sandbox: keys at boot, and by the timer's service a new certificate that the
# running SuperLink takes.
. "$(dirname "$0")/lib/common.sh"

install_services

owners() {
	find /etc/flwr -printf '%M %u:%g %p\n' | sort -k 3
}

# As on an image from which the keys were taken: the next boot makes them.
before=$(owners)
keys=$(fingerprints)
flwr-provision reset >"$work/reset" 2>&1 || { cat "$work/reset"; fail "reset failed"; }
[ ! -e /etc/flwr/tls/superlink.key ] || fail "reset left a key"
show="$work/journal"
for role in superlink supernode; do
	systemctl restart "flwr-provision@$role.service" || {
		journalctl -u "flwr-provision@$role.service" --no-pager >"$work/journal"
		fail "the provisioning of the $role failed in its sandbox"
	}
done
[ "$keys" != "$(fingerprints)" ] || fail "the services made no new keys"
[ "$before" = "$(owners)" ] || {
	printf '%s\n-- not as the installation made it:\n%s\n' "$before" "$(owners)" >"$work/journal"
	fail "the services gave files other owners or modes than the installation"
}

# One process from here on, whatever its certificate.
trusted || fail "the chain of the SuperLink does not verify"
pid=$(systemctl show --value -p MainPID flower-superlink.service)
[ "$pid" -gt 0 ] || fail "the SuperLink does not run"

echo renewed.example.org >>/etc/flwr/tls/names
systemctl start flower-superlink-renew.service || {
	journalctl -u flower-superlink-renew.service --no-pager >"$work/journal"
	fail "the renewal failed in its sandbox"
}
served() {
	trusted && gnutls-cli --x509cafile /etc/flwr/tls/ca.crt --alpn=h2 --sni-hostname=renewed.example.org \
		--verify-hostname=renewed.example.org -p 9092 localhost </dev/null >"$work/tls" 2>&1 &&
		grep -q 'Status: The certificate is trusted' "$work/tls"
}
show="$work/tls"
within 30 "the new certificate is served" served
[ "$pid" = "$(systemctl show --value -p MainPID flower-superlink.service)" ] || fail "the SuperLink was restarted by the renewal"
[ "$(stat -c '%a %U:%G' /etc/flwr/tls/superlink.key)" = "640 root:_flwr-superlink" ] || fail "the renewed key has another owner or mode"

# Nothing to do: nothing is touched.
keys=$(fingerprints)
systemctl start flower-superlink-renew.service || fail "a second renewal failed"
[ "$keys" = "$(fingerprints)" ] || fail "a second renewal changed something"
