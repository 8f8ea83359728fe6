/* Invitations to a hub: what of them is kept, in files of one directory, one each, named by the invitation's
 * id.
 *
 * Files and not the database: flwr-provision makes invitations, also while the hub does not run, and the
 * database belongs to the hub alone (its lock, its schema, its memory image). The hub reads a file when a
 * node comes with that id. Only a hash of the secret is in there.
 *
 * Who has used an invitation is written down before its key is registered, by replacing the file: a hub that
 * dies in between counts one use, and the same key may come again. Pure text here; the directory is the
 * caller's. */
#pragma once

#include "base/time-util.h"
#include "model/hash.h"

#define INVITE_ID_SIZE 17     /* 8 random bytes in hex, NUL */
#define INVITE_SECRET_SIZE 33 /* 16 random bytes in hex, NUL: not to be guessed in this world */
#define INVITE_USES_MAX                                                                                     \
        1000 /* more nodes than anybody starts from one image at a time; keeps files below 70 KiB */
#define INVITE_NAME_MAX 64 /* a note, one line of the log */
#define INVITE_FILE_SIZE_MAX (128 * 1024)
#define INVITE_LIFE_MAX (366 * 86400 * USEC_PER_SEC)

typedef struct Invite {
        ObjectId secret_hash;
        usec_t until; /* wall clock */
        uint64_t uses;
        char *name;     /* or NULL */
        ObjectId *keys; /* fingerprints of those who used it */
        size_t n_keys;
} Invite;

void invite_done(Invite *i);
#define _cleanup_invite_ _cleanup_(invite_done)

bool invite_id_is_valid(const char *id);
bool invite_secret_is_valid(const char *secret);
bool invite_name_is_valid(const char *name); /* printable ASCII */
void invite_hash_secret(const char *secret, ObjectId *ret);

int invite_parse(const char *text, Invite *ret); /* -EBADMSG, -ENOMEM */
int invite_format(const Invite *i, char **ret);  /* -ENOMEM */

typedef enum InviteVerdict {
        INVITE_GOOD,
        INVITE_AGAIN,   /* this key has used it before: nothing to count */
        INVITE_UNKNOWN, /* the secret is another one */
        INVITE_EXPIRED,
        INVITE_USED_UP,
} InviteVerdict;

/* Time does not depend on how much of the secret is right. */
InviteVerdict invite_judge(const Invite *i, const char *secret, const ObjectId *key, usec_t now);
int invite_add_key(Invite *i, const ObjectId *key); /* -ENOMEM */
