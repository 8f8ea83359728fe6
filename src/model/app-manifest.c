#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/toml.h"
#include "model/fab.h"

/* Publisher, name and version become parts of file names beside a few fixed characters; NAME_MAX is 255. */
#define MANIFEST_PART_MAX 64

typedef struct Check {
        const char *name; /* of the file, for messages */
        const TomlNode *root;
        Buf errors;
        int error; /* the first failure that is not the document's fault */
} Check;

static void complain(Check *c, const TomlNode *where, const char *fmt, ...) _printf_(3, 4);

static void complain(Check *c, const TomlNode *where, const char *fmt, ...)
{
        char text[512];
        va_list ap;
        int r;

        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);

        if (where)
                r = buf_printf(&c->errors, "%s:%u: %s\n", c->name, toml_line(where), text);
        else
                r = buf_printf(&c->errors, "%s: %s\n", c->name, text);
        if (r < 0 && c->error >= 0)
                c->error = r;
}

static const TomlNode *find_table(Check *c, const char *path)
{
        const TomlNode *n = toml_find(c->root, path);

        if (n && toml_type(n) != TOML_TABLE) {
                complain(c, n, "%s must be a table", path);
                return NULL;
        }
        return n;
}

/* A string member; where it is missing *ret stays NULL, and that is an error only with required. */
static void take_string(
        Check *c, const TomlNode *table, const char *section, const char *key, bool required, char **ret)
{
        const TomlNode *n = table ? toml_find(table, key) : NULL;
        const char *s;

        if (!n) {
                if (required && table)
                        complain(c, NULL, "Property \"%s\" missing in [%s]", key, section);
                return;
        }
        if (toml_get_string(n, &s) < 0) {
                complain(c, n, "\"%s\" in [%s] must be a string", key, section);
                return;
        }

        *ret = strdup(s);
        if (!*ret && c->error >= 0)
                c->error = -ENOMEM;
}

static bool is_safe_part(const char *s)
{
        size_t n = strlen(s);

        if (n == 0 || n > MANIFEST_PART_MAX || *s == '.' || *s == '-')
                return false;
        for (; *s; s++)
                if ((unsigned char) *s <= ' ' || *s == '/' || *s == '\\' || *s == 0x7f)
                        return false;
        return true;
}

static void take_part(Check *c, const TomlNode *table, const char *section, const char *key, char **ret)
{
        take_string(c, table, section, key, true, ret);
        if (*ret && !is_safe_part(*ret))
                complain(c, toml_find(table, key),
                        "\"%s\" in [%s] becomes part of file names: up to %d characters, no blanks, no "
                        "slashes, "
                        "no leading dot or hyphen",
                        key, section, MANIFEST_PART_MAX);
}

static void take_reference(Check *c, const TomlNode *table, const char *section, const char *key, char **ret)
{
        const char *colon;

        take_string(c, table, section, key, false, ret);
        if (!*ret)
                return;

        colon = strchr(*ret, ':');
        if (!colon || colon == *ret)
                complain(c, toml_find(table, key),
                        "Missing module in \"%s\" (expected \"module:attribute\")", *ret);
        else if (!colon[1])
                complain(c, toml_find(table, key),
                        "Missing attribute in \"%s\" (expected \"module:attribute\")", *ret);
}

/* "object:symbol", where native/<triplet>/<object>.so must be a plain file name. */
static void take_native(Check *c, const TomlNode *table, const char *key, char **ret)
{
        const char *section = "tool.flwr.app.native";
        size_t n;

        take_string(c, table, section, key, false, ret);
        if (!*ret)
                return;

        n = strspn(*ret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+.");
        if (n == 0 || n > MANIFEST_PART_MAX || **ret == '.' || (*ret)[n] != ':' || !(*ret)[n + 1])
                complain(c, toml_find(table, key),
                        "\"%s\" in [%s] must be \"object:symbol\": the object is "
                        "native/<triplet>/<object>.so",
                        key, section);
}

static void check_sides(Check *c, const AppManifest *m, const TomlNode *components)
{
        const char *section = "tool.flwr.app.components";

        if (!components && !m->native_serverapp && !m->native_clientapp) {
                complain(c, NULL, "Missing [%s] section", section);
                return;
        }
        if (!m->serverapp && !m->native_serverapp)
                complain(c, NULL, "Property \"serverapp\" missing in [%s]", section);
        if (!m->clientapp && !m->native_clientapp)
                complain(c, NULL, "Property \"clientapp\" missing in [%s]", section);
}

static void take_config(Check *c, Config *ret)
{
        _cleanup_free_ char *text = NULL;
        const TomlNode *n = find_table(c, "tool.flwr.app.config");
        int r;

        r = config_from_toml(n, ret, &text);
        if (r == -EINVAL)
                complain(c, n, "[tool.flwr.app.config]: %s", strempty(text));
        else if (r < 0 && c->error >= 0)
                c->error = r;
}

static void take_all(Check *c, AppManifest *m)
{
        const TomlNode *project = find_table(c, "project"), *app = find_table(c, "tool.flwr.app"),
                       *components = find_table(c, "tool.flwr.app.components"),
                       *native = find_table(c, "tool.flwr.app.native");

        if (!project)
                complain(c, NULL, "Missing [project] section");
        take_part(c, project, "project", "name", &m->name);
        take_part(c, project, "project", "version", &m->version);

        if (!app)
                complain(c, NULL, "Missing [tool.flwr.app] section");
        take_part(c, app, "tool.flwr.app", "publisher", &m->publisher);

        take_reference(c, components, "tool.flwr.app.components", "serverapp", &m->serverapp);
        take_reference(c, components, "tool.flwr.app.components", "clientapp", &m->clientapp);
        take_native(c, native, "serverapp", &m->native_serverapp);
        take_native(c, native, "clientapp", &m->native_clientapp);
        if (app)
                check_sides(c, m, components);

        take_config(c, &m->config);
}

int app_manifest_parse(const char *text, size_t size, const char *name, AppManifest *ret, char **reterr_text)
{
        _cleanup_(toml_freep) Toml *doc = NULL;
        _cleanup_manifest_ AppManifest m = {};
        _cleanup_buf_ Buf errors = {};
        Check c = {.name = name};
        int r;

        r = toml_parse(text, size, name, &doc, reterr_text);
        if (r < 0)
                return r == -EBADMSG ? -EINVAL : r;

        c.root = toml_root(doc);
        take_all(&c, &m);
        errors = c.errors;
        if (c.error < 0)
                return c.error;
        if (errors.size > 0) {
                errors.size--; /* the last newline */
                *reterr_text = buf_steal_str(&errors);
                return *reterr_text ? -EINVAL : -ENOMEM;
        }

        m.fab_id = xasprintf("%s/%s", m.publisher, m.name);
        if (!m.fab_id)
                return -ENOMEM;

        *ret = m;
        m = (AppManifest){};
        return 0;
}

void app_manifest_done(AppManifest *m)
{
        m->publisher = mfree(m->publisher);
        m->name = mfree(m->name);
        m->version = mfree(m->version);
        m->fab_id = mfree(m->fab_id);
        m->serverapp = mfree(m->serverapp);
        m->clientapp = mfree(m->clientapp);
        m->native_serverapp = mfree(m->native_serverapp);
        m->native_clientapp = mfree(m->native_clientapp);
        config_done(&m->config);
}
