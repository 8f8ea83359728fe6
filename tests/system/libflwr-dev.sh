# An app is built with the packages and pkg-config alone, and runs.
. "$(dirname "$0")/lib/common.sh"

install_services
install_packages libflwr-dev
command -v cc >/dev/null || skip "there is no compiler"
useradd --create-home --groups flwr alice
app=/home/alice/app
object=$app/native/$(cc -print-multiarch)/app.so
mkdir -p "$(dirname "$object")"
cat >"$app/pyproject.toml" <<-'TOML'
	[project]
	name = "app"
	version = "1.0.0"
	license = "Apache-2.0"

	[tool.flwr.app]
	publisher = "alice"

	[tool.flwr.app.native]
	serverapp = "app:server_app"
	clientapp = "app:client_app"

	[tool.flwr.federations]
	default = "hub"

	[tool.flwr.federations.hub]
	address = "unix:/run/flwr/control.sock"
	insecure = true
TOML
cat >"$app/app.c" <<-'C'
	#include <flwr/flwr.h>
	#include <stdlib.h>

	static int query(void *data, flwr_context *context, const flwr_message *message, flwr_message *reply)
	{
	        flwr_record *answer;
	        int r;

	        (void) data, (void) context, (void) message;
	        r = flwr_record_dict_add(flwr_message_content(reply), "answer", FLWR_CONFIG_RECORD, &answer);
	        return r < 0 ? r : flwr_record_set_int(answer, "value", 42);
	}

	static const flwr_client_handler handlers[] = {{FLWR_QUERY, query}, {NULL, NULL}};
	FLWR_EXPORT const flwr_client_app client_app = {FLWR_CLIENT_APP_INIT, .handlers = handlers};

	static int run(flwr_grid *grid, flwr_context *context)
	{
	        flwr_message *message, *reply = NULL;
	        uint64_t *nodes = NULL;
	        int64_t value = 0;
	        size_t n = 0;
	        int r;

	        (void) context;
	        r = flwr_grid_wait_nodes(grid, 1, 60);
	        if (r >= 0)
	                r = flwr_grid_nodes(grid, &nodes, &n);
	        if (r < 0)
	                return r;
	        message = flwr_message_new(FLWR_QUERY, nodes[0], "");
	        free(nodes);
	        r = flwr_grid_push(grid, &message, 1, NULL);
	        if (r >= 0)
	                r = flwr_grid_next_reply(grid, 60, &reply);
	        if (r >= 0 && flwr_message_content(reply))
	                r = flwr_record_get_int(flwr_record_dict_first(flwr_message_content(reply), FLWR_CONFIG_RECORD), "value", &value);
	        flwr_log(1, "the answer is %d", (int) value);
	        flwr_message_free(message);
	        flwr_message_free(reply);
	        return r;
	}
	FLWR_EXPORT const flwr_server_app server_app = {FLWR_SERVER_APP_INIT, .main = run};
C
# shellcheck disable=SC2046 # words
cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fPIC -shared -Wl,-z,defs $(pkg-config --cflags libflwr) -o "$object" "$app/app.c" \
	$(pkg-config --libs libflwr) >"$work/cc" 2>&1 || { cat "$work/cc"; fail "the app cannot be built with pkg-config alone"; }
objdump -p "$object" | grep -q 'NEEDED *libflwr\.so\.0' || fail "the app does not need libflwr.so.0"
[ "$(pkg-config --modversion libflwr)" = "$(dpkg-query -W -f '${Version}' libflwr-dev | cut -d - -f 1)" ] || fail "the version of pkg-config is not that of the package"
for h in /usr/include/flwr/*.h; do
	echo "#include <flwr/$(basename "$h")>" >"$work/one.c"
	cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$work/one.c" >"$work/cc" 2>&1 || { cat "$work/cc"; fail "$h cannot be included alone"; }
done

chown -R alice: /home/alice
flwr-provision join --local >/dev/null 2>&1 || fail "the node cannot join"
systemctl start flower-supernode.service
su -l alice -c 'cd app && timeout 120 flwr run . hub --stream' >"$work/run" 2>&1 || { cat "$work/run"; fail "flwr run failed"; }
grep -q 'the answer is 42' "$work/run" || { cat "$work/run"; fail "the app did not get its answer"; }
