#include "apps/launch-request.h"

#include "base/json.h"
#include "base/text.h"

static char **strings_free(char **l)
{
        for (size_t i = 0; l && l[i]; i++)
                free(l[i]);
        return mfree(l);
}
DEFINE_CLEANUP(char **, strings_free);

static int take_argv(Json *j, char ***ret)
{
        _cleanup_(strings_freep) char **argv = NULL;
        size_t n = json_length(j);
        const char *s;

        if (n == 0 || n > LAUNCH_REQUEST_ITEMS_MAX)
                return -EBADMSG;
        argv = new0(char *, n + 1);
        if (!argv)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (json_get_string(json_item(j, i), &s) < 0 || (i == 0 && s[0] != '/'))
                        return -EBADMSG;
                argv[i] = strdup(s);
                if (!argv[i])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(argv);
        return 0;
}

static bool is_variable_name(const char *s)
{
        static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

        return *s && strchr(first, *s) &&
               !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
                            "0123456789")];
}

static int take_env(Json *j, char ***ret)
{
        _cleanup_(strings_freep) char **env = NULL;
        size_t n = json_length(j), i = 0;
        const char *name, *s;
        void *pos = NULL;
        Json *value;

        /* An array has a length, too, and no members. */
        if (n > LAUNCH_REQUEST_ITEMS_MAX || json_item(j, 0))
                return -EBADMSG;
        env = new0(char *, n + 1);
        if (!env)
                return -ENOMEM;
        while (json_next(j, &pos, &name, &value)) {
                if (!is_variable_name(name) || json_get_string(value, &s) < 0)
                        return -EBADMSG;
                env[i] = xasprintf("%s=%s", name, s);
                if (!env[i++])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(env);
        return 0;
}

static int take_run(Json *j, char **ret)
{
        const char *s;
        uint64_t run;

        if (json_get_string(j, &s) < 0 || parse_u64(s, &run) < 0)
                return -EBADMSG;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int take_kind(Json *j, char **ret)
{
        const char *s;

        if (json_get_string(j, &s) < 0 || (!streq(s, "clientapp") && !streq(s, "serverapp")))
                return -EBADMSG;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

int launch_request_parse(const void *data, size_t size, LaunchRequest *ret, const char **reterr_text)
{
        _cleanup_launch_request_ LaunchRequest q = {};
        _cleanup_(json_unrefp) Json *j = NULL;
        const char *text = "it is not one JSON object";
        int r = json_parse(data, size, &j);

        if (r >= 0) {
                text = "argv is no list that begins with an absolute path";
                r = take_argv(json_member(j, "argv"), &q.argv);
        }
        if (r >= 0) {
                text = "env is no table of variables";
                r = take_env(json_member(j, "env"), &q.env);
        }
        if (r >= 0) {
                text = "run is no number in a string";
                r = take_run(json_member(j, "run"), &q.run);
        }
        if (r >= 0) {
                text = "kind is neither clientapp nor serverapp";
                r = take_kind(json_member(j, "kind"), &q.kind);
        }
        if (r < 0) {
                if (r == -EBADMSG)
                        *reterr_text = text;
                return r;
        }
        *ret = q;
        q = (LaunchRequest){};
        return 0;
}

void launch_request_done(LaunchRequest *r)
{
        strings_free(r->argv);
        strings_free(r->env);
        free(r->run);
        free(r->kind);
        *r = (LaunchRequest){};
}
