#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs-util.h"
#include "base/log.h"
#include "base/text.h"
#include "model/key.h"
#include "provision/output.h"
#include "provision/provision.h"

#define NODE_KEYS_COUNT_MAX                                                                                 \
        10000 /* nobody carries more files to nodes by hand: beyond it is a typing error */

static const Option options[] = {ROWS_NODE_KEYS(OPTION_REQUIRED), {OPTION_END}};

const Program program_node_keys = {
        .name = "flwr-provision node-keys",
        .summary = "Make keys for SuperNodes, ECDSA P-384 in OpenSSH format: NAME<i> (mode 0600) and "
                   "NAME<i>.pub.",
        .options = options,
        .examples = "  flwr-provision node-keys --dir keys --count 5 --list client_public_keys.csv\n",
};

/* node_key_save() never overwrites: the new pair gets its place by renaming. The private half goes first;
 * whoever reads in between finds a pair that does not match, never half a file. */
static int replace_pair(const NodeKey *k, const char *path, const char *public_path, const char *comment)
{
        _cleanup_free_ char *fresh = xasprintf("%s.new-%08x", path, (unsigned) random_u64());
        _cleanup_free_ char *fresh_public = fresh ? xasprintf("%s.pub", fresh) : NULL;
        int r;

        if (!fresh_public)
                return -ENOMEM;
        r = node_key_save(k, fresh, comment);
        if (r < 0)
                return r;
        if (rename(fresh, path) >= 0 && rename(fresh_public, public_path) >= 0)
                return 0;
        r = -errno;
        (void) unlink(fresh);
        (void) unlink(fresh_public);
        return r;
}

static int make_key(const Output *o, const char *path, const char *public_path, const char *comment)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        int r;

        r = node_key_generate(&k);
        if (r >= 0)
                r = o->force ? replace_pair(k, path, public_path, comment) : node_key_save(k, path, comment);
        if (r < 0)
                return log_error_errno(r, "The key \"%s\" cannot be made", path);
        log_info("Wrote %s and %s", path, public_path);
        return 0;
}

/* The public line of a key that is kept comes from the private file, which is the one that counts. */
static int keep_key(const char *path, const char *public_path)
{
        _cleanup_(public_key_freep) PublicKey *public = NULL;
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = node_key_load(path, &k, &error);
        if (r >= 0)
                r = public_key_from_ssh_file(public_path, &public, &error);
        if (r < 0) {
                log_error("%s", error ? error : strerror(-r));
                return r;
        }
        if (!streq(node_key_pem(k), public_key_pem(public))) {
                log_error("\"%s\" and \"%s\" do not belong together", path, public_path);
                return -EKEYREJECTED;
        }
        log_info("Kept %s and %s", path, public_path);
        return 0;
}

static int one_key(const Output *o, const char *name, char **ret_line)
{
        _cleanup_free_ char *path = output_path(o, name),
                            *public_path = path ? xasprintf("%s.pub", path) : NULL;
        int r;

        if (!public_path)
                return log_oom();
        if (o->force || (!output_exists(path) && !output_exists(public_path)))
                r = make_key(o, path, public_path, name);
        else
                r = keep_key(path, public_path);
        if (r < 0)
                return r;
        r = read_text_file(public_path, KEY_FILE_SIZE_MAX, ret_line);
        if (r < 0)
                return log_error_errno(r, "\"%s\" cannot be read", public_path);
        (*ret_line)[strcspn(*ret_line, "\r\n")] = 0;
        return 0;
}

/* Adds a line unless its key is in the first "old" bytes, which were there before us. The base64 part tells
 * keys apart. */
static int list_add(Buf *list, size_t old, const char *line)
{
        const char *base64 = line + strcspn(line, " ");
        size_t n = 1 + strcspn(base64 + 1, " ");
        int r = 0;

        if (old > 0 && memmem(list->data, old, base64, n))
                return 0;
        if (list->size > 0)
                r = buf_append(list, ",", 1);
        if (r < 0)
                return r;
        /* A comma or quote in the comment would make two cells of it. */
        return buf_append(list, line, strcspn(line, ",\""));
}

static int list_open(const Output *o, const char *path, Buf *ret)
{
        _cleanup_(key_list_done) KeyList l = {};
        _cleanup_free_ char *text = NULL, *error = NULL;
        size_t n;
        int r;

        if (o->force || !output_exists(path))
                return 0;
        r = key_list_load(path, &l, &error);
        if (r < 0) {
                log_error("%s. Replace it with --force", error ? error : strerror(-r));
                return r;
        }
        r = read_text_file(path, KEY_LIST_SIZE_MAX, &text);
        if (r < 0)
                return log_error_errno(r, "\"%s\" cannot be read", path);
        for (n = strlen(text); n > 0 && strchr(" \t\r\n,", text[n - 1]); n--)
                ;
        r = buf_append(ret, text, n);
        return r < 0 ? log_error_errno(r, "The list is too long") : 0;
}

static int list_close(const char *path, Buf *list)
{
        _cleanup_free_ char *text = NULL;
        int r;

        r = buf_append(list, "\n", 1);
        if (r < 0)
                return log_error_errno(r, "The list is too long");
        text = buf_steal_str(list);
        return text ? output_write(path, text, 0644) : log_oom();
}

static int check(const Arguments *a, const char *prefix)
{
        if (a->count == 0 || a->count > NODE_KEYS_COUNT_MAX) {
                log_error("--count must be 1 to %d", NODE_KEYS_COUNT_MAX);
                return -EINVAL;
        }
        if (streq(prefix, "") || strchr(prefix, '/')) {
                log_error("--prefix is the start of a file name: not empty, no \"/\" in it");
                return -EINVAL;
        }
        return 0;
}

int command_node_keys(const Arguments *a, char **positionals)
{
        const char *prefix = a->prefix ? a->prefix : NODE_KEYS_PREFIX;
        _cleanup_free_ char *list_path = NULL;
        _cleanup_output_ Output o = {};
        _cleanup_buf_ Buf list = {.max = KEY_LIST_SIZE_MAX};
        size_t old;
        int r;

        r = check(a, prefix);
        if (r >= 0)
                r = output_open(a->dir, a->force, &o);
        if (r < 0)
                return r;
        if (a->list) {
                list_path = output_path(&o, a->list);
                if (!list_path)
                        return log_oom();
                r = list_open(&o, list_path, &list);
        }
        old = list.size;
        for (uint64_t i = 1; r >= 0 && i <= a->count; i++) {
                _cleanup_free_ char *name = xasprintf("%s%llu", prefix, (unsigned long long) i),
                                    *line = NULL;

                if (!name)
                        return log_oom();
                r = one_key(&o, name, &line);
                if (r >= 0 && a->list && list_add(&list, old, line) < 0)
                        r = log_error_errno(ENOBUFS, "The list \"%s\" cannot be made", list_path);
        }
        return r < 0 || !a->list ? r : list_close(list_path, &list);
}
