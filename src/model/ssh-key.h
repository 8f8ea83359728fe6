/* The two text forms that OpenSSH gives ECDSA keys: the private key file and the one-line public key.
 *
 * Only bytes and numbers here; what a key can do is model/key.h. Private numbers live in memory of the
 * caller, which must be secret memory; everything that these functions need in between is wiped. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/buf.h"

#define SSH_FIELD_SIZE_MAX 66 /* a coordinate of P-521 */
#define SSH_POINT_SIZE_MAX (1 + 2 * SSH_FIELD_SIZE_MAX)
#define SSH_COMMENT_MAX                                                                                     \
        255 /* what ssh-keygen shows in one line; keeps the file far below KEY_FILE_SIZE_MAX */

typedef struct SshCurve {
        const char *name; /* "nistp384" */
        const char *type; /* "ecdsa-sha2-nistp384" */
        size_t field_size;
        gnutls_ecc_curve_t id;
} SshCurve;

/* The three that an OpenSSH file can carry, hence all that genuine nodes have. NULL when it is another. */
const SshCurve *ssh_curve_by_id(gnutls_ecc_curve_t id);

typedef struct SshPublic {
        const SshCurve *curve;
        uint8_t point[SSH_POINT_SIZE_MAX]; /* 4, X, Y: 1 + 2 * field_size bytes */
} SshPublic;

typedef struct SshPrivate {
        SshPublic public;
        uint8_t d[SSH_FIELD_SIZE_MAX]; /* field_size bytes, big-endian */
} SshPrivate;

/* "ecdsa-sha2-nistp384 AAAA... [comment]" of size bytes. -EINVAL with *reterr_reason (static), which goes on
 * after "it ". */
int ssh_public_parse(const char *line, size_t size, SshPublic *ret, const char **reterr_reason);
/* Without comment and newline. */
int ssh_public_format(const SshPublic *k, char **ret);

/* text: a whole file with its final NUL. -EKEYREJECTED with *reterr_text (owned by the caller), in which the
 * file is called name. Whether the private number belongs to the point is left to the caller. */
int ssh_private_parse(const char *text, const char *name, SshPrivate *ret, char **reterr_text);
/* The file as ssh-keygen writes it; the caller wipes *ret. A comment beyond SSH_COMMENT_MAX is cut. */
int ssh_private_format(const SshPrivate *k, const char *comment, char **ret);

/* strlen() bytes set to zero, then free(). */
char *wipe_free(char *s);
DEFINE_CLEANUP(char *, wipe_free);
#define _cleanup_wipe_ _cleanup_(wipe_freep)
