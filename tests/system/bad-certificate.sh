# A certificate that has ended, or ends soon: told by the hub and by the node, with the day, until there is a new one.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
within 5 "the status names the day" status_says flower-superlink.service ", certificate until 20"
said $CERTIFICATE_LOADED /etc/flwr/tls/superlink.crt "valid until 20"
flwr-provision join --local >"$work/join" 2>&1 || { cat "$work/join"; fail "join --local failed"; }
systemctl start flower-supernode.service
within 10 "the node is online" status_says flower-supernode.service "Online as SuperNode"

# The administrator's own CA, and a certificate from FROM to UNTIL.
own=/etc/flwr/own
mkdir $own
certtool --generate-privkey --key-type ecdsa --outfile $own/ca.key >/dev/null 2>&1
printf 'cn = "own CA"\nca\ncert_signing_key\nactivation_date = "2020-01-01 00:00:00 UTC"\nexpiration_date = "2045-01-01 00:00:00 UTC"\n' >"$work/ca.cfg"
certtool --generate-self-signed --load-privkey $own/ca.key --template "$work/ca.cfg" --outfile $own/ca.crt >/dev/null 2>&1
certtool --generate-privkey --key-type ecdsa --outfile $own/hub.key >/dev/null 2>&1
chgrp _flwr-superlink $own/hub.key
chmod 640 $own/hub.key
certificate() {
	printf 'cn = "hub"\ndns_name = "localhost"\ntls_www_server\nsigning_key\nactivation_date = "%s"\nexpiration_date = "%s"\n' \
		"$(date -u -d "$1" '+%F %T UTC')" "$(date -u -d "$2" '+%F %T UTC')" >"$work/hub.cfg"
	certtool --generate-certificate --load-privkey $own/hub.key --load-ca-certificate $own/ca.crt --load-ca-privkey $own/ca.key \
		--template "$work/hub.cfg" --outfile "$work/hub.crt" >"$work/certtool" 2>&1 || { cat "$work/certtool"; fail "certtool failed"; }
	cat "$work/hub.crt" >$own/hub.crt
}

# ---- has ended: the hub does not start with it ----
certificate '-100 days' '-2 days'
day=$(date -u -d '-2 days' +%F)
printf 'ssl-ca-certfile = "%s/ca.crt"\nssl-certfile = "%s/hub.crt"\nssl-keyfile = "%s/hub.key"\n' $own $own $own >/etc/flwr/superlink.d/10-own.toml
systemctl restart flower-superlink.service 2>/dev/null && fail "the SuperLink starts with a certificate that has ended"
said $CERTIFICATE_REFUSED $own/hub.crt "expired on $day"
no_socket_failed

# ---- ends soon: told at the start and in the status ----
certificate '-100 days' '5 days'
comes_back flower-superlink.service
day=$(date -u -d '5 days' +%F)
said $CERTIFICATE_ENDS_SOON $own/hub.crt "ends on $day"
within 5 "the status says so" status_says flower-superlink.service "certificate ENDS on $day, renew it"

# ---- ends while the hub runs: what nodes say then ----
printf 'root-certificates = "%s/ca.crt"\n' $own >/etc/flwr/supernode.d/60-own.toml
certificate '-100 days' '6 seconds'
day=$(date -u -d '6 seconds' +%F)
systemctl reload flower-superlink.service
sleep 7
systemctl restart flower-supernode.service 2>/dev/null || true
said $SUPERLINK_UNTRUSTED localhost:9092 "expired on $day"
within 15 "the status of the hub says that it has ended" status_says flower-superlink.service "certificate HAS ENDED on $day"
is_active flower-superlink.service || fail "the SuperLink has ended with its certificate"
told() {
	has_said $SUPERLINK_UNTRUSTED localhost:9092 && wc -l <"$work/said"
}
n=$(told)
sleep 5
[ "$(told)" -le $((n + 1)) ] || fail "the node says it again and again"

# ---- a new one: a reload, and all is well without another hand ----
certificate '-1 days' '300 days'
systemctl reload flower-superlink.service
within 5 "the status is good" status_says flower-superlink.service "certificate until $(date -u -d '300 days' +%F)"
within 20 "the node is online again" status_says flower-supernode.service "Online as SuperNode"
no_socket_failed
