#include "provision/node-files.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "model/ssh-key.h"
#include "provision/machine.h"

#define NODE_MACHINE "machine"
#define MARK_FILE_MAX 4096

bool node_name_is_valid(const char *node)
{
        const char *p = startswith(node, "supernode");

        if (!p || (*p && *p != '@'))
                return false;
        if (!*p)
                return true;
        p++;
        if (!*p || *p == '.' || strlen(p) > NODE_INSTANCE_MAX)
                return false;
        for (; *p; p++)
                if (!isalnum((unsigned char) *p) && !strchr("-_.", *p))
                        return false;
        return true;
}

char *node_path(const char *node, const char *file)
{
        return xasprintf(PLACE_KEYS "/%s/%s", node, file);
}

char *node_join_path(const char *node)
{
        return xasprintf("/etc/flwr/%s.d/50-join.toml", node);
}

typedef struct NodeFiles {
        const Place *place;
        const char *node;
        gid_t group;
        char *dir, *key, *public, *ca, *mark; /* paths */
        char *mark_text;
        bool has_key;
} NodeFiles;

static void files_done(NodeFiles *f)
{
        free(f->dir);
        free(f->key);
        free(f->public);
        free(f->ca);
        free(f->mark);
        free(f->mark_text);
}

static int files_init(const Place *p, const char *node, NodeFiles *ret)
{
        *ret = (NodeFiles){
                .place = p,
                .node = node,
                .dir = xasprintf(PLACE_KEYS "/%s", node),
                .key = node_path(node, NODE_KEY),
                .public = node_path(node, NODE_PUBLIC_KEY),
                .ca = node_path(node, NODE_CA),
                .mark = node_path(node, NODE_MACHINE),
        };
        return ret->dir && ret->key && ret->public && ret->ca && ret->mark ? 0 : log_oom();
}

static int files_load(NodeFiles *f)
{
        int r;

        r = place_group(f->place, PLACE_SUPERNODE_USER, &f->group);
        if (r >= 0)
                r = place_make_dir(f->place, f->dir, 0750, f->group);
        if (r < 0)
                return r;
        place_remove_leftover(f->place, f->key);
        place_remove_leftover(f->place, f->public);
        place_remove_leftover(f->place, f->ca);
        place_remove_leftover(f->place, f->mark);
        f->has_key = place_has(f->place, f->key);
        return place_read(f->place, f->mark, MARK_FILE_MAX, &f->mark_text);
}

static int new_key(const NodeFiles *f)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        _cleanup_wipe_ char *text = NULL;
        char host[HOST_NAME_MAX + 1] = "";
        int r;

        (void) gethostname(host, sizeof(host) - 1);
        r = node_key_generate(&k);
        if (r >= 0)
                r = node_key_format(k, *f->place->root ? f->node : host, &text);
        if (r < 0)
                return log_error_errno(r, "The key of the SuperNode cannot be made");
        return place_write(f->place, f->key, text, 0640, f->group);
}

/* Public halves follow the private one, which is the one that counts. Compared by the key: comments do not
 * matter. */
static int write_public(const NodeFiles *f, const NodeKey *k)
{
        _cleanup_free_ char *line = NULL, *text = NULL, *there = NULL;
        char host[HOST_NAME_MAX + 1] = "";
        int r;

        r = node_key_public_line(k, &line);
        if (r < 0)
                return log_oom();
        r = place_read(f->place, f->public, KEY_FILE_SIZE_MAX, &there);
        if (r < 0 && r != -EBADMSG)
                return r;
        if (there && startswith(there, line))
                return 0;
        (void) gethostname(host, sizeof(host) - 1);
        text = xasprintf("%s %s\n", line, *f->place->root ? f->node : host);
        return text ? place_write(f->place, f->public, text, 0644, (gid_t) -1) : log_oom();
}

static int print_fingerprint(const NodeFiles *f, const NodeKey *k)
{
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId id;

        key_pem_fingerprint(node_key_pem(k), &id);
        log_with(LOG_INFO, &(LogFields){.message_id = FLWR_MESSAGE_NODE_KEY_MADE},
                "Made a key for this SuperNode: %s%s", f->place->root, f->key);
        printf("Fingerprint of the key of %s:\n  %s\n", f->node, object_id_format(&id, hex));
        return 0;
}

static int look_at_machine(NodeFiles *f, NodeAction action)
{
        bool joined = place_is_joined(f->place, f->node);
        char current[MACHINE_SIZE];
        MachineState state;
        int r;

        r = machine_current(f->place, current);
        if (r < 0)
                return r;
        state = machine_state(f->mark_text, current, f->has_key, joined);
        if (state == MACHINE_COPY && action == NODE_KEEP) {
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_MACHINE_COPY_REFUSED},
                        "This machine is a copy of one whose %s has joined: two nodes with one key are "
                        "refused. "
                        "If this is to be a new node: flwr-provision %s --rotate, and join again; if the "
                        "original is "
                        "gone: flwr-provision %s --adopt",
                        f->node, f->node, f->node);
                return -ESTALE;
        }
        if (joined && !f->has_key && action != NODE_ROTATE) {
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_KEY_REFUSED},
                        "%s%s is missing, and %s has joined with it. Put it back (from a backup), or make "
                        "another one with \"flwr-provision %s --rotate\", which must join again",
                        f->place->root, f->key, f->node, f->node);
                return -ENOENT;
        }
        if (state == MACHINE_COPY && action == NODE_ADOPT)
                log_with(LOG_NOTICE, &(LogFields){.message_id = FLWR_MESSAGE_MACHINE_COPY_ADOPTED},
                        "This machine goes on as the %s that it is a copy of", f->node);
        if (state == MACHINE_FRESH && action == NODE_KEEP)
                log_with(LOG_NOTICE, &(LogFields){.message_id = FLWR_MESSAGE_MACHINE_COPY_RENEWED},
                        "This machine is a copy of another one: its %s gets a key of its own", f->node);
        if (action == NODE_ROTATE || (state == MACHINE_FRESH && action == NODE_KEEP)) {
                r = place_remove(f->place, f->key);
                if (r >= 0)
                        r = place_remove(f->place, f->public);
                if (r < 0)
                        return r;
                f->has_key = false;
                if (joined)
                        node_forget_joined(f->place, f->node);
        }
        return state == MACHINE_SAME ? 0 : place_write(f->place, f->mark, current, 0644, (gid_t) -1);
}

static int ensure_key(const NodeFiles *f, NodeKey **ret)
{
        _cleanup_free_ char *error = NULL, *path = place_path(f->place, f->key);
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        int r;

        if (!path)
                return log_oom();
        r = f->has_key ? place_mend_access(f->place, f->key, 0640, f->group) : new_key(f);
        if (r >= 0 && (r = node_key_load(path, &k, &error)) < 0)
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_KEY_REFUSED},
                        "%s. Put the right one there (from a backup), or make another one with "
                        "\"flwr-provision %s --rotate\", which must join again",
                        error ? error : strerror(-r), f->node);
        if (r >= 0)
                r = write_public(f, k);
        if (r >= 0 && !f->has_key)
                r = print_fingerprint(f, k);
        if (r >= 0 && ret)
                *ret = TAKE_PTR(k);
        return r;
}

int node_provision(const Place *p, const char *node, NodeAction action, NodeKey **ret)
{
        _cleanup_(files_done) NodeFiles f = {};
        int r;

        r = files_init(p, node, &f);
        if (r >= 0)
                r = files_load(&f);
        if (r >= 0)
                r = look_at_machine(&f, action);
        return r < 0 ? r : ensure_key(&f, ret);
}

int node_set_joined(const Place *p, const char *node)
{
        _cleanup_close_ int fd = -EBADF;
        Account owner;
        int r;

        r = place_account(p, PLACE_SUPERNODE_USER, &owner);
        if (r >= 0)
                r = fd = place_open_state(p, node, &owner);
        return r < 0 ? r : state_write(fd, PLACE_JOINED, "", 0644, &owner);
}

void node_forget_joined(const Place *p, const char *node)
{
        _cleanup_close_ int fd = place_open_state(p, node, NULL);

        if (fd >= 0)
                (void) unlinkat(fd, PLACE_JOINED, 0);
}

int node_remove(const Place *p, const char *node)
{
        _cleanup_free_ char *toml = node_join_path(node), *full = NULL;
        _cleanup_(files_done) NodeFiles f = {};
        int r;

        r = files_init(p, node, &f);
        if (r >= 0 && !toml)
                r = log_oom();
        if (r >= 0)
                r = place_remove(p, f.key);
        if (r >= 0)
                r = place_remove(p, f.public);
        if (r >= 0)
                r = place_remove(p, toml);
        if (r >= 0)
                r = place_remove(p, f.ca);
        if (r >= 0)
                r = place_remove(p, f.mark);
        full = place_path(p, f.dir);
        if (r >= 0 && full)
                (void) rmdir(full);
        return r;
}
