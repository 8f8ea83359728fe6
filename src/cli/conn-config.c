#include "cli/conn-config.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/fs-util.h"
#include "base/text.h"
#include "base/toml.h"

#define fail(error, reterr_text, ...)                                                                       \
        ({                                                                                                  \
                *(reterr_text) = xasprintf(__VA_ARGS__);                                                    \
                *(reterr_text) ? (error) : -ENOMEM;                                                         \
        })

/* One of the files. */
typedef struct Place {
        const char *table;     /* where its connections are */
        char *path;            /* of the file */
        char *certificate_dir; /* what relative certificate paths are relative to; NULL: they must be
                                  absolute */
        Toml *doc;             /* NULL: there is no file */
} Place;

typedef enum PlaceId {
        PLACE_APP,
        PLACE_HOME,
        PLACE_SYSTEM,
        _PLACE_MAX,
} PlaceId;

typedef struct Places {
        Place at[_PLACE_MAX];
} Places;

/* The name of the connection that no file has. */
#define SOCKET_NAME "local"

static void places_done(Places *p)
{
        for (size_t i = 0; i < _PLACE_MAX; i++) {
                free(p->at[i].path);
                free(p->at[i].certificate_dir);
                toml_free(p->at[i].doc);
        }
}

void conn_config_done(ConnConfig *c)
{
        c->name = mfree(c->name);
        c->source = mfree(c->source);
        c->address = mfree(c->address);
        c->root_certificates = mfree(c->root_certificates);
        c->federation = mfree(c->federation);
        config_done(&c->options);
}

static int load_place(Place *p, char **reterr_text)
{
        _cleanup_blob_ Blob *b = NULL;
        int r;

        r = read_file(p->path, CONN_FILE_SIZE_MAX, &b);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return fail(r, reterr_text, "Cannot read %s: %s", p->path, strerror(-r));
        r = toml_parse((const char *) b->data, b->size, p->path, &p->doc, reterr_text);
        return r == -EBADMSG ? -EINVAL : r;
}

static int load_app_place(const char *app_dir, Place *ret, char **reterr_text)
{
        ret->table = "tool.flwr.federations";
        ret->path = path_join(app_dir, "pyproject.toml");
        ret->certificate_dir = strdup(app_dir);
        return ret->path && ret->certificate_dir ? load_place(ret, reterr_text) : -ENOMEM;
}

static int load_home_place(Place *ret, char **reterr_text)
{
        _cleanup_free_ char *home = NULL;
        int r = flwr_home(&home);

        if (r < 0)
                return r;
        ret->table = "superlink";
        ret->path = path_join(home, "config.toml");
        return ret->path ? load_place(ret, reterr_text) : -ENOMEM;
}

static int load_system_place(const char *file, Place *ret, char **reterr_text)
{
        ret->table = "superlink";
        ret->path = strdup(file);
        return ret->path ? load_place(ret, reterr_text) : -ENOMEM;
}

static int load_places(const ConnPlaces *where, Places *ret, char **reterr_text)
{
        int r;

        r = load_app_place(where->app_dir, &ret->at[PLACE_APP], reterr_text);
        if (r < 0)
                return r;
        r = load_home_place(&ret->at[PLACE_HOME], reterr_text);
        if (r < 0)
                return r;
        return load_system_place(where->system_file, &ret->at[PLACE_SYSTEM], reterr_text);
}

static int take_unix_address(ConnConfig *c, const char *address, char **reterr_text)
{
        const char *path = startswith(address, "unix:");

        /* As gRPC has it: "unix:///path" is the same path. */
        if (startswith(path, "//"))
                path += 2;
        if (*path != '/')
                return fail(-EINVAL, reterr_text, "%s: \"%s\" is not an address. Write \"unix:/path\".",
                        c->source, address);
        free(c->address);
        c->address = xasprintf("unix:%s", path);
        return c->address ? 0 : -ENOMEM;
}

static int take_address(ConnConfig *c, const char *address, char **reterr_text)
{
        _cleanup_free_ char *host = NULL;
        uint16_t port;
        const char *colon = strrchr(address, ':');
        bool has_port = colon && !strchr(colon, ']') && (*address == '[' || strchr(address, ':') == colon);

        if (startswith(address, "unix:"))
                return take_unix_address(c, address, reterr_text);
        if (*address == ':')
                return fail(-EINVAL, reterr_text,
                        "%s: \"%s\" starts a SuperLink of the Python package, which this program does not "
                        "do. Start "
                        "flower-superlink and give its address, for example \"127.0.0.1:9093\".",
                        c->source, address);
        free(c->address);
        c->address = has_port ? strdup(address) : xasprintf("%s:%d", address, CONN_PORT_DEFAULT);
        if (!c->address)
                return -ENOMEM;
        if (parse_address(c->address, &host, &port) < 0)
                return fail(-EINVAL, reterr_text, "%s: \"%s\" is not an address. Write \"host:port\".",
                        c->source, address);
        return 0;
}

static int take_certificates(ConnConfig *c, const Place *p, const char *path, char **reterr_text)
{
        if (*path != '/' && *path != '~' && !p->certificate_dir)
                return fail(-EINVAL, reterr_text,
                        "%s: root-certificates of \"%s\" must be an absolute path, not \"%s\".", c->source,
                        c->name, path);

        free(c->root_certificates);
        c->root_certificates = *path == '~' || !p->certificate_dir ? path_expand_home(path)
                                                                   : path_join(p->certificate_dir, path);
        return c->root_certificates ? 0 : -ENOMEM;
}

static int wrong_type(const ConnConfig *c, const char *key, const char *wanted, char **reterr_text)
{
        return fail(
                -EINVAL, reterr_text, "%s: \"%s\" of \"%s\" must be %s.", c->source, key, c->name, wanted);
}

/* One key, wherever it was written. Keys that do not concern us are left alone. */
static int take_key(ConnConfig *c, const Place *p, const char *key, Scalar *value, char **reterr_text)
{
        const char *option = startswith(key, "options.");
        bool is_string = value->type == SCALAR_STRING;

        if (option) {
                Scalar copy;
                int r = scalar_copy(value, &copy);

                return r < 0 ? r : config_set(&c->options, option, &copy);
        }
        if (streq(key, "address"))
                return is_string ? take_address(c, value->s, reterr_text)
                                 : wrong_type(c, key, "a string, \"host:port\"", reterr_text);
        if (streq(key, "root-certificates"))
                return is_string ? take_certificates(c, p, value->s, reterr_text)
                                 : wrong_type(c, key, "a string, the path of a PEM file", reterr_text);
        if (streq(key, "federation"))
                return is_string ? free_and_strdup(&c->federation, value->s)
                                 : wrong_type(c, key, "a string", reterr_text);
        if (streq(key, "insecure")) {
                if (value->type != SCALAR_BOOL)
                        return wrong_type(c, key, "true or false", reterr_text);
                c->insecure = value->b;
        }
        return 0;
}

static int take_keys(ConnConfig *c, const Place *p, const Config *keys, char **reterr_text)
{
        for (size_t i = 0; i < keys->n; i++) {
                int r = take_key(c, p, keys->entries[i].key, &keys->entries[i].value, reterr_text);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int check(ConnConfig *c, char **reterr_text)
{
        if (!c->address)
                return fail(-EINVAL, reterr_text,
                        "%s: \"%s\" has no address. Add one, for example address = \"127.0.0.1:9093\"; "
                        "simulations without "
                        "a SuperLink are run by `flower-simulation` of the Python package.",
                        c->source, c->name);
        if (startswith(c->address, "unix:")) {
                if (c->root_certificates)
                        return fail(-EINVAL, reterr_text,
                                "%s: \"%s\" has root-certificates, but nothing is encrypted on a Unix "
                                "socket. "
                                "Remove them.",
                                c->source, c->name);
                c->insecure = true;
        }
        if (c->insecure && c->root_certificates)
                return fail(-EINVAL, reterr_text,
                        "%s: \"%s\" has root-certificates and insecure = true. Remove one of them: insecure "
                        "means no TLS.",
                        c->source, c->name);
        return 0;
}

static int make_connection(const char *name, const char *source, ConnConfig *ret)
{
        _cleanup_conn_config_ ConnConfig c = {
                .name = strdup(name), .source = strdup(source), .federation = strdup("")};

        if (!c.name || !c.source || !c.federation)
                return -ENOMEM;
        *ret = c;
        c = (ConnConfig){};
        return 0;
}

/* c is taken on success only. */
static int finish_connection(
        ConnConfig *c, const Place *p, char *const *overrides, ConnConfig *ret, char **reterr_text)
{
        _cleanup_config_ Config extra = {};
        int r;

        if (overrides) {
                r = config_parse_args(overrides, &extra, reterr_text);
                if (r < 0)
                        return r;
                r = take_keys(c, p, &extra, reterr_text);
                if (r < 0)
                        return r;
        }
        r = check(c, reterr_text);
        if (r < 0)
                return r;
        *ret = *c;
        *c = (ConnConfig){};
        return 0;
}

static int read_connection(const Place *p, const char *name, const TomlNode *table, char *const *overrides,
        ConnConfig *ret, char **reterr_text)
{
        _cleanup_conn_config_ ConnConfig c = {};
        _cleanup_config_ Config keys = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = make_connection(name, p->path, &c);
        if (r < 0)
                return r;
        r = config_from_toml(table, &keys, &text);
        if (r == -EINVAL)
                return fail(r, reterr_text, "%s: \"%s\": %s", p->path, name, strempty(text));
        if (r < 0)
                return r;
        r = take_keys(&c, p, &keys, reterr_text);
        if (r < 0)
                return r;
        return finish_connection(&c, p, overrides, ret, reterr_text);
}

/* One that may not be looked at counts: who uses it then hears what is missing. */
static bool is_socket(const char *path)
{
        struct stat st;

        return stat(path, &st) < 0 ? errno == EACCES : S_ISSOCK(st.st_mode);
}

static int use_socket(
        const char *path, const Place *app, char *const *overrides, ConnConfig *ret, char **reterr_text)
{
        _cleanup_conn_config_ ConnConfig c = {};
        int r;

        r = make_connection(SOCKET_NAME, path, &c);
        if (r < 0)
                return r;
        c.address = xasprintf("unix:%s", path);
        if (!c.address)
                return -ENOMEM;
        return finish_connection(&c, app, overrides, ret, reterr_text);
}

static const TomlNode *place_table(const Place *p)
{
        const TomlNode *n = p->doc ? toml_find(toml_root(p->doc), p->table) : NULL;

        return n && toml_type(n) == TOML_TABLE ? n : NULL;
}

/* Names may have dots in them. */
static const TomlNode *place_find(const Place *p, const char *name)
{
        const TomlNode *table = place_table(p);
        const char *key;

        for (size_t i = 0; table && i < toml_size(table); i++) {
                const TomlNode *n = toml_at(table, i, &key);

                if (streq(key, name) && toml_type(n) == TOML_TABLE)
                        return n;
        }
        return NULL;
}

static int place_default(const Place *p, const char **ret, char **reterr_text)
{
        const TomlNode *table = place_table(p), *n = table ? toml_find(table, "default") : NULL;

        *ret = NULL;
        if (!n || toml_type(n) == TOML_TABLE)
                return 0;
        if (toml_get_string(n, ret) < 0)
                return fail(-EINVAL, reterr_text, "%s:%u: default must be a name in quotes.", p->path,
                        toml_line(n));
        return 0;
}

static int list_names(const Places *p, char **ret)
{
        _cleanup_buf_ Buf b = {};
        const char *key;
        int r;

        for (size_t k = 0; k < _PLACE_MAX; k++) {
                const TomlNode *table = place_table(&p->at[k]);

                for (size_t i = 0; table && i < toml_size(table); i++) {
                        if (toml_type(toml_at(table, i, &key)) != TOML_TABLE)
                                continue;
                        r = buf_printf(&b, "%s\"%s\"", b.size > 0 ? ", " : "", key);
                        if (r < 0)
                                return r;
                }
        }
        *ret = buf_steal_str(&b);
        return *ret ? 0 : -ENOMEM;
}

static int nothing_found(const Places *p, const char *name, char **reterr_text)
{
        const char *app = p->at[PLACE_APP].path, *home = p->at[PLACE_HOME].path,
                   *system = p->at[PLACE_SYSTEM].path;
        _cleanup_free_ char *names = NULL;
        int r = list_names(p, &names);

        if (r < 0)
                return r;
        if (!*names)
                return fail(-ENOENT, reterr_text,
                        "No SuperLink is configured, and none runs on this machine. Add one to "
                        "%s:\n\n[tool.flwr.federations]\ndefault = "
                        "\"local\"\n\n"
                        "[tool.flwr.federations.local]\naddress = \"127.0.0.1:9093\"\nroot-certificates = "
                        "\"certificates/ca.crt\"\n\nor, for all apps, to %s (for all users: %s) as "
                        "[superlink] and "
                        "[superlink.local], with the whole path of the certificate.",
                        app, home, system);
        if (name)
                return fail(-ENOENT, reterr_text,
                        "There is no federation \"%s\" in %s, %s or %s. There are: %s.", name, app, home,
                        system, names);
        return fail(-ENOENT, reterr_text,
                "No federation was named and none is the default. Name one of %s, or set default in %s, %s "
                "or %s.",
                names, app, home, system);
}

int conn_config_load(const ConnPlaces *where, const char *name, char *const *overrides, ConnConfig *ret,
        char **reterr_text)
{
        _cleanup_(places_done) Places places = {};
        int r;

        r = load_places(where, &places, reterr_text);
        if (r < 0)
                return r;

        for (size_t i = 0; i < _PLACE_MAX && !name; i++) {
                r = place_default(&places.at[i], &name, reterr_text);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < _PLACE_MAX && name; i++) {
                const TomlNode *table = place_find(&places.at[i], name);

                if (table)
                        return read_connection(&places.at[i], name, table, overrides, ret, reterr_text);
        }
        if (!name && is_socket(where->socket))
                return use_socket(where->socket, &places.at[PLACE_APP], overrides, ret, reterr_text);
        return nothing_found(&places, name, reterr_text);
}
