/* Where packages keep keys and certificates on a host, below a root directory (--root): paths, accounts, one
 * lock, files that appear whole or not at all.
 *
 * Everything below /etc/flwr belongs to root; directories below /var/lib/flwr belong to daemons, which may
 * have put anything in there, so nothing in them is reached through a link. All functions log their errors
 * and return -errno, unless it says otherwise. */
#pragma once

#include "base/macro.h"

#define PLACE_TLS "/etc/flwr/tls"
#define PLACE_TLS_PRIVATE "/etc/flwr/tls/private"
#define PLACE_CA_CERTIFICATE "/etc/flwr/tls/ca.crt"
#define PLACE_CA_KEY "/etc/flwr/tls/private/ca.key"
#define PLACE_NAMES "/etc/flwr/tls/names"
#define PLACE_SERVER_CERTIFICATE "/etc/flwr/tls/superlink.crt"
#define PLACE_SERVER_KEY "/etc/flwr/tls/superlink.key"
#define PLACE_KEYS "/etc/flwr/keys"
#define PLACE_STATE "/var/lib/flwr"
#define PLACE_SUPERLINK_STATE "/var/lib/flwr/superlink"

#define PLACE_SUPERLINK_USER "_flwr-superlink"
#define PLACE_SUPERNODE_USER "_flwr-supernode"

typedef struct Account {
        uid_t uid;
        gid_t gid;
} Account;

typedef struct Place {
        char *root; /* "" or a directory without final slash */
        int lock_fd;
} Place;

/* root NULL: the running system. */
int place_open(const char *root, Place *ret);
void place_done(Place *p);
#define _cleanup_place_ _cleanup_(place_done)

/* root + path; NULL when out of memory. */
char *place_path(const Place *p, const char *path);
/* Exists, as anything? */
bool place_has(const Place *p, const char *path);

/* A group or user that the package's sysusers made: of the running system, or of root's own /etc/group and
 * /etc/passwd. */
int place_group(const Place *p, const char *name, gid_t *ret);
int place_account(const Place *p, const char *name, Account *ret);

/* Takes the one lock of flwr-provision (makes /etc/flwr). Waits for another one at most PLACE_LOCK_WAIT;
 * then -EBUSY, and the log says who has it. Released by place_done(), which leaves no file. */
#define PLACE_LOCK_WAIT_SECONDS 30 /* far beyond what eight at once need: the holder is stuck */
int place_lock(Place *p);

/* Makes the directory (its parents 0755) with exactly this mode and group. group -1: unchanged. */
int place_make_dir(const Place *p, const char *path, mode_t mode, gid_t group);
/* Whole or not at all, also when power fails: temporary name, sync, rename. A temporary file that a killed
 * run left is overwritten. */
int place_write(const Place *p, const char *path, const char *text, mode_t mode, gid_t group);
/* Owner (us), group and mode of a file that is ours, as place_write() gave them; -1 leaves the group. Says
 * so when it had to mend them. A file that is not there is fine. */
int place_mend_access(const Place *p, const char *path, mode_t mode, gid_t group);
/* 0 with *ret NULL: there is none. -EBADMSG: not a text, or longer than max. */
int place_read(const Place *p, const char *path, size_t max, char **ret);
/* A file that is not there is fine; so is what a killed run left of it. */
int place_remove(const Place *p, const char *path);
/* Removes what a killed run left of the files of that name. */
void place_remove_leftover(const Place *p, const char *path);

/* The state directory of a daemon, below /var/lib/flwr: "superlink", "supernode", "supernode@NAME". owner
 * NULL: only if it is there, else -ENOENT without a word; else it is made (0700). Gives a descriptor. */
int place_open_state(const Place *p, const char *name, const Account *owner);
/* In such a directory: atomically, owned by its daemon. Logs. */
int state_write(int dir_fd, const char *name, const char *text, mode_t mode, const Account *owner);

/* Has anybody joined with the keys of this daemon? */
#define PLACE_JOINED "joined"
bool place_is_joined(const Place *p, const char *name);
