# What the daemons say is in the journal, with fields, and explained.
. "$(dirname "$0")/lib/common.sh"

install_services
trusted || fail "the SuperLink does not answer"
systemctl stop flower-superlink.service
journalctl --sync
n=$(journalctl --no-pager -o cat FLWR_COMPONENT=superlink | wc -l)
[ "$n" -gt 0 ] || fail "no line has FLWR_COMPONENT=superlink"
journalctl --no-pager -o cat -u flower-superlink.service >/dev/null

# Every id that is in the catalogue is found there by the journal.
journalctl --list-catalog --no-pager >"$work/catalog" 2>/dev/null
grep -c '^-- ' /usr/lib/systemd/catalog/flwr.catalog >"$work/n"
for id in $(sed -n 's/^-- //p' /usr/lib/systemd/catalog/flwr.catalog); do
	grep -q "^$id" "$work/catalog" || fail "the journal does not know $id"
done

# Every message with an id that was said so far is explained.
for id in $(journalctl --no-pager -o json FLWR_COMPONENT=superlink + FLWR_COMPONENT=provision + SYSLOG_IDENTIFIER=flwr-provision |
	sed -n 's/.*"MESSAGE_ID" *: *"\([0-9a-f]*\)".*/\1/p' | sort -u); do
	grep -q "^$id" "$work/catalog" || fail "a message has the id $id, which has no text"
done
