#include "model/key.h"

#include <fcntl.h>
#include <gnutls/abstract.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/text.h"
#include "model/ssh-key.h"

struct NodeKey {
        SshPrivate *secret; /* the only lasting copy: GnuTLS sees it for the time of one signature */
        char *pem;
};

struct PublicKey {
        gnutls_pubkey_t handle;
        char *pem;
        ObjectId fingerprint;
};

static void privkey_deinitp(gnutls_privkey_t *k)
{
        if (*k)
                gnutls_privkey_deinit(*k);
}
#define _cleanup_privkey_ _cleanup_(privkey_deinitp)

static void pubkey_deinitp(gnutls_pubkey_t *k)
{
        if (*k)
                gnutls_pubkey_deinit(*k);
}
#define _cleanup_pubkey_ _cleanup_(pubkey_deinitp)

static void datum_wipe(gnutls_datum_t *d)
{
        if (d->data)
                sodium_memzero(d->data, d->size);
        gnutls_free(d->data);
}
#define _cleanup_datum_ _cleanup_(datum_wipe)

static int gnutls_to_errno(int e)
{
        return e >= 0 ? 0 : e == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

static gnutls_datum_t point_x(const SshPublic *k)
{
        return (gnutls_datum_t){(uint8_t *) k->point + 1, (unsigned) k->curve->field_size};
}

static gnutls_datum_t point_y(const SshPublic *k)
{
        return (gnutls_datum_t){
                (uint8_t *) k->point + 1 + k->curve->field_size, (unsigned) k->curve->field_size};
}

static int export_pem(gnutls_pubkey_t handle, char **ret)
{
        _cleanup_datum_ gnutls_datum_t d = {};
        char *pem;
        int r;

        r = gnutls_to_errno(gnutls_pubkey_export2(handle, GNUTLS_X509_FMT_PEM, &d));
        if (r < 0)
                return r;
        pem = strndup((const char *) d.data, d.size);
        if (!pem)
                return -ENOMEM;
        *ret = pem;
        return 0;
}

static int import_point(const SshPublic *k, gnutls_pubkey_t *ret)
{
        gnutls_datum_t x = point_x(k), y = point_y(k);
        _cleanup_pubkey_ gnutls_pubkey_t p = NULL;
        int r;

        r = gnutls_pubkey_init(&p);
        if (r >= 0)
                r = gnutls_pubkey_import_ecc_raw(p, k->curve->id, &x, &y);
        if (r >= 0)
                r = gnutls_pubkey_verify_params(p);
        if (r < 0)
                return gnutls_to_errno(r);
        *ret = TAKE_PTR(p);
        return 0;
}

static int import_secret(const SshPrivate *k, gnutls_privkey_t *ret)
{
        gnutls_datum_t x = point_x(&k->public), y = point_y(&k->public);
        gnutls_datum_t d = {(uint8_t *) k->d, (unsigned) k->public.curve->field_size};
        _cleanup_privkey_ gnutls_privkey_t p = NULL;
        int r;

        r = gnutls_privkey_init(&p);
        if (r >= 0)
                r = gnutls_privkey_import_ecc_raw(p, k->public.curve->id, &x, &y, &d);
        if (r < 0)
                return gnutls_to_errno(r);
        *ret = TAKE_PTR(p);
        return 0;
}

static int node_key_new(NodeKey **ret)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;

        if (sodium_init() < 0)
                return -EIO;
        k = new0(NodeKey, 1);
        if (!k)
                return -ENOMEM;
        k->secret = sodium_malloc(sizeof(*k->secret));
        if (!k->secret)
                return -ENOMEM;
        memset(k->secret, 0, sizeof(*k->secret));
        *ret = TAKE_PTR(k);
        return 0;
}

/* Fills in what follows from the secret, and closes it against writing. */
static int node_key_complete(NodeKey *k)
{
        _cleanup_pubkey_ gnutls_pubkey_t public = NULL;
        int r;

        r = import_point(&k->secret->public, &public);
        if (r >= 0)
                r = export_pem(public, &k->pem);
        if (r < 0)
                return r;
        (void) sodium_mprotect_readonly(k->secret);
        return 0;
}

/* Big-endian numbers come with or without leading zeros. */
static int put_field(const gnutls_datum_t *d, size_t field_size, uint8_t *ret)
{
        const uint8_t *p = d->data;
        size_t n = d->size;

        for (; n > field_size && *p == 0; n--)
                p++;
        if (n > field_size)
                return -EINVAL;
        memset(ret, 0, field_size - n);
        memcpy(ret + field_size - n, p, n);
        return 0;
}

static int export_secret(gnutls_privkey_t handle, SshPrivate *ret)
{
        _cleanup_datum_ gnutls_datum_t x = {}, y = {}, d = {};
        gnutls_ecc_curve_t id;
        size_t n;
        int r;

        r = gnutls_to_errno(gnutls_privkey_export_ecc_raw2(handle, &id, &x, &y, &d, 0));
        if (r < 0)
                return r;
        ret->public.curve = ssh_curve_by_id(id);
        if (!ret->public.curve)
                return -EINVAL;
        n = ret->public.curve->field_size;
        ret->public.point[0] = 4;
        r = put_field(&x, n, ret->public.point + 1);
        if (r >= 0)
                r = put_field(&y, n, ret->public.point + 1 + n);
        return r < 0 ? r : put_field(&d, n, ret->d);
}

int node_key_generate(NodeKey **ret)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        _cleanup_privkey_ gnutls_privkey_t handle = NULL;
        int r;

        r = node_key_new(&k);
        if (r < 0)
                return r;
        r = gnutls_privkey_init(&handle);
        if (r >= 0)
                r = gnutls_privkey_generate(
                        handle, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), 0);
        if (r < 0)
                return gnutls_to_errno(r);
        r = export_secret(handle, k->secret);
        if (r >= 0)
                r = node_key_complete(k);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}

static int explain_unreadable(const char *path, int error, char **reterr_text)
{
        char *t;

        if (error == -EFBIG || error == -EBADMSG)
                t = xasprintf("\"%s\" is not a key file", path);
        else
                t = xasprintf("The key file \"%s\" cannot be read: %s", path, strerror(-error));
        if (!t)
                return -ENOMEM;
        *reterr_text = t;
        return error == -EFBIG || error == -EBADMSG ? -EKEYREJECTED : error;
}

int node_key_load(const char *path, NodeKey **ret, char **reterr_text)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        _cleanup_privkey_ gnutls_privkey_t handle = NULL;
        _cleanup_wipe_ char *text = NULL;
        int r;

        r = node_key_new(&k);
        if (r < 0)
                return r;
        r = read_text_file(path, KEY_FILE_SIZE_MAX, &text);
        if (r < 0)
                return explain_unreadable(path, r, reterr_text);
        r = ssh_private_parse(text, path, k->secret, reterr_text);
        if (r < 0)
                return r;
        r = import_secret(k->secret, &handle);
        if (r >= 0)
                r = gnutls_to_errno(gnutls_privkey_verify_params(handle));
        if (r >= 0)
                r = node_key_complete(k);
        if (r == -EINVAL) {
                *reterr_text = xasprintf(
                        "The private key \"%s\" is damaged: its halves do not belong together", path);
                return *reterr_text ? -EKEYREJECTED : -ENOMEM;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}

/* Complete under a name of its own before it gets the final one, which link() never takes from another file.
 */
static int write_new_file(const char *path, const char *text, mode_t mode)
{
        _cleanup_free_ char *temporary = NULL;
        int r;

        temporary = xasprintf("%s.new-%016llx", path, (unsigned long long) random_u64());
        if (!temporary)
                return -ENOMEM;
        r = write_file_atomic(temporary, text, strlen(text), mode, true);
        if (r < 0)
                return r;
        r = link(temporary, path) < 0 ? -errno : 0;
        (void) unlink(temporary);
        return r;
}

int node_key_format(const NodeKey *k, const char *comment, char **ret)
{
        return ssh_private_format(k->secret, comment, ret);
}

int node_key_save(const NodeKey *k, const char *path, const char *comment)
{
        _cleanup_free_ char *line = NULL, *public = NULL, *public_path = NULL;
        _cleanup_wipe_ char *private = NULL;
        int r;

        r = ssh_private_format(k->secret, comment, &private);
        if (r >= 0)
                r = node_key_public_line(k, &line);
        if (r < 0)
                return r;
        public = xasprintf("%s%s%.*s\n", line, isempty(comment) ? "" : " ", SSH_COMMENT_MAX, comment);
        public_path = xasprintf("%s.pub", path);
        if (!public || !public_path)
                return -ENOMEM;
        if (faccessat(AT_FDCWD, public_path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return -EEXIST;
        r = write_new_file(path, private, 0600);
        if (r < 0)
                return r;
        r = write_new_file(public_path, public, 0644);
        if (r < 0)
                (void) unlink(path); /* half a pair would stop the next try with -EEXIST */
        return r;
}

NodeKey *node_key_free(NodeKey *k)
{
        if (!k)
                return NULL;
        sodium_free(k->secret);
        free(k->pem);
        return mfree(k);
}

const char *node_key_pem(const NodeKey *k)
{
        return k->pem;
}

int node_key_public_line(const NodeKey *k, char **ret)
{
        return ssh_public_format(&k->secret->public, ret);
}

int node_key_sign(const NodeKey *k, const void *data, size_t size, Blob **ret)
{
        _cleanup_privkey_ gnutls_privkey_t handle = NULL;
        _cleanup_datum_ gnutls_datum_t sig = {};
        gnutls_datum_t d = {(void *) data, (unsigned) size};
        Blob *b;
        int r;

        if (size > UINT_MAX)
                return -EINVAL;
        r = import_secret(k->secret, &handle);
        if (r >= 0)
                r = gnutls_to_errno(
                        gnutls_privkey_sign_data2(handle, GNUTLS_SIGN_ECDSA_SHA256, 0, &d, &sig));
        if (r < 0)
                return r;
        b = blob_new(sig.data, sig.size);
        if (!b)
                return -ENOMEM;
        *ret = b;
        return 0;
}

static int public_key_new(gnutls_pubkey_t *handle, PublicKey **ret)
{
        _cleanup_(public_key_freep) PublicKey *k = new0(PublicKey, 1);
        int r;

        if (!k)
                return -ENOMEM;
        r = export_pem(*handle, &k->pem);
        if (r < 0)
                return r;
        key_pem_fingerprint(k->pem, &k->fingerprint);
        k->handle = TAKE_PTR(*handle);
        *ret = TAKE_PTR(k);
        return 0;
}

int public_key_from_pem(const void *pem, size_t size, PublicKey **ret)
{
        _cleanup_(public_key_freep) PublicKey *k = NULL;
        _cleanup_pubkey_ gnutls_pubkey_t handle = NULL;
        gnutls_ecc_curve_t id;
        int r;

        if (size > KEY_PEM_SIZE_MAX)
                return -EINVAL;
        r = gnutls_pubkey_init(&handle);
        if (r >= 0)
                r = gnutls_pubkey_import(
                        handle, &(gnutls_datum_t){(void *) pem, (unsigned) size}, GNUTLS_X509_FMT_PEM);
        if (r >= 0)
                r = gnutls_pubkey_export_ecc_raw(handle, &id, NULL, NULL);
        if (r < 0)
                return gnutls_to_errno(r);
        if (!ssh_curve_by_id(id))
                return -EINVAL;
        r = gnutls_to_errno(gnutls_pubkey_verify_params(handle));
        if (r >= 0)
                r = public_key_new(&handle, &k);
        if (r < 0)
                return r;
        if (strlen(k->pem) != size || memcmp(k->pem, pem, size) != 0)
                return -EINVAL;
        *ret = TAKE_PTR(k);
        return 0;
}

int public_key_parse_ssh(const char *line, size_t size, PublicKey **ret, const char **reterr_reason)
{
        _cleanup_pubkey_ gnutls_pubkey_t handle = NULL;
        SshPublic public;
        int r;

        r = ssh_public_parse(line, size, &public, reterr_reason);
        if (r < 0)
                return r;
        r = import_point(&public, &handle);
        if (r < 0) {
                *reterr_reason = "is damaged";
                return r;
        }
        return public_key_new(&handle, ret);
}

int public_key_from_ssh_line(const char *line, PublicKey **ret)
{
        const char *reason;

        return public_key_parse_ssh(line, strlen(line), ret, &reason);
}

int public_key_from_ssh_file(const char *path, PublicKey **ret, char **reterr_text)
{
        _cleanup_wipe_ char *text = NULL; /* people pass the private key by mistake */
        const char *reason;
        int r;

        r = read_text_file(path, KEY_FILE_SIZE_MAX, &text);
        if (r < 0)
                return explain_unreadable(path, r, reterr_text);
        r = public_key_parse_ssh(text, strlen(text), ret, &reason);
        if (r != -EINVAL)
                return r;
        *reterr_text = xasprintf(
                "The file \"%s\" should hold a line \"ecdsa-sha2-nistp384 AAAA... [comment]\", but it %s",
                path,
                strstr(text, "PRIVATE KEY-----") ? "is a private key; use the file that ends in \".pub\""
                                                 : reason);
        return *reterr_text ? -EKEYREJECTED : -ENOMEM;
}

PublicKey *public_key_free(PublicKey *k)
{
        if (!k)
                return NULL;
        if (k->handle)
                gnutls_pubkey_deinit(k->handle);
        free(k->pem);
        return mfree(k);
}

const char *public_key_pem(const PublicKey *k)
{
        return k->pem;
}

void public_key_fingerprint(const PublicKey *k, ObjectId *ret)
{
        *ret = k->fingerprint;
}

void key_pem_fingerprint(const char *pem, ObjectId *ret)
{
        sha256(pem, strlen(pem), ret);
}

int public_key_verify(const PublicKey *k, const void *data, size_t size, const void *sig, size_t sig_size)
{
        gnutls_datum_t d = {(void *) data, (unsigned) size}, s = {(void *) sig, (unsigned) sig_size};

        if (size > UINT_MAX || sig_size > UINT_MAX)
                return -EBADMSG;
        return gnutls_pubkey_verify_data2(k->handle, GNUTLS_SIGN_ECDSA_SHA256, 0, &d, &s) >= 0 ? 0
                                                                                               : -EBADMSG;
}
