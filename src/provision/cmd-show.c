#include <stdio.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/text.h"
#include "model/key.h"
#include "model/ssh-key.h"
#include "provision/provision.h"
#include "provision/x509-describe.h"
#include "provision/x509-util.h"

#define SHOW_FILES_MAX 1000 /* what a shell pattern may give */

static const Option options[] = {{OPTION_END}};

const Program program_show = {
        .name = "flwr-provision show",
        .summary = "Say in words what key, key list or certificate files are.",
        .positionals = "FILE...",
        .min_positionals = 1,
        .max_positionals = SHOW_FILES_MAX,
        .options = options,
        .examples = "  flwr-provision show certificates/* keys/*\n",
};

static void print_fingerprint(const char *pem)
{
        char hex[OBJECT_ID_HEX_MAX];
        ObjectId id;

        key_pem_fingerprint(pem, &id);
        printf("  fingerprint:  %s\n", object_id_format(&id, hex));
}

/* What ssh-keygen -l and an SSH agent call this key: the hash of the binary inside its public line. */
static int print_ssh_key(const NodeKey *k)
{
        _cleanup_free_ char *line = NULL, *text = NULL;
        _cleanup_free_ uint8_t *blob = NULL;
        const char *base64;
        ObjectId hash;
        size_t size;
        int r;

        r = node_key_public_line(k, &line);
        if (r < 0)
                return r;
        base64 = line + strcspn(line, " ") + 1;
        r = base64_decode(base64, strlen(base64), &blob, &size);
        if (r < 0)
                return r;
        sha256(blob, size, &hash);
        text = base64_encode(hash.bytes, sizeof(hash.bytes), false);
        if (!text)
                return -ENOMEM;
        printf("  key:          %.*s\n  ssh-keygen:   SHA256:%s\n", (int) (base64 - line - 1), line, text);
        return 0;
}

static int show_node_key(const char *path, char **reterr_text)
{
        _cleanup_(node_key_freep) NodeKey *k = NULL;
        int r;

        r = node_key_load(path, &k, reterr_text);
        if (r < 0)
                return r;
        printf("%s: private key of a SuperNode\n", path);
        r = print_ssh_key(k);
        if (r >= 0)
                print_fingerprint(node_key_pem(k));
        return r;
}

static int show_public_pem(const char *path, const char *text, char **reterr_text)
{
        _cleanup_(public_key_freep) PublicKey *k = NULL;
        int r;

        r = public_key_from_pem(text, strlen(text), &k);
        if (r == -EINVAL)
                return x509_fail(-EKEYREJECTED, reterr_text,
                        "It is not a public key that SuperNodes use, ECDSA on P-256, P-384 or P-521");
        if (r < 0)
                return r;
        printf("%s: public key of a SuperNode\n", path);
        print_fingerprint(public_key_pem(k));
        return 0;
}

static int show_list(const char *path, char **reterr_text)
{
        _cleanup_(key_list_done) KeyList l = {};
        int r;

        r = key_list_load(path, &l, reterr_text);
        if (r < 0)
                return r;
        if (l.n == 1)
                printf("%s: public key of a SuperNode\n", path);
        else
                printf("%s: list of %zu public keys of SuperNodes\n", path, l.n);
        for (size_t i = 0; i < l.n; i++)
                print_fingerprint(l.pems[i]);
        return 0;
}

static int show_x509(const char *path, const char *text, char **reterr_text)
{
        _cleanup_free_ char *key = NULL, *certificates = NULL;
        int r;

        if (strstr(text, "PRIVATE KEY-----")) {
                r = x509_describe_key(text, path, &key, reterr_text);
                if (r < 0)
                        return r;
                fputs(key, stdout);
        }
        if (strstr(text, "-----BEGIN CERTIFICATE-----")) {
                r = x509_describe(text, path, now_realtime(), &certificates, reterr_text);
                if (r < 0)
                        return r;
                fputs(certificates, stdout);
        }
        return 0;
}

static int show(const char *path)
{
        _cleanup_free_ char *error = NULL;
        _cleanup_wipe_ char *text = NULL;
        int r;

        r = read_text_file(path, KEY_LIST_SIZE_MAX, &text);
        if (r < 0)
                return log_error_errno(r, "\"%s\" cannot be read", path);
        if (strstr(text, "BEGIN OPENSSH PRIVATE KEY"))
                r = show_node_key(path, &error);
        else if (strstr(text, "PRIVATE KEY-----") || strstr(text, "-----BEGIN CERTIFICATE-----"))
                r = show_x509(path, text, &error);
        else if (strstr(text, "-----BEGIN PUBLIC KEY-----"))
                r = show_public_pem(path, text, &error);
        else
                r = show_list(path, &error);
        if (r < 0 && error)
                log_error("%s%s%s", strstr(error, path) ? "" : path, strstr(error, path) ? "" : ": ", error);
        else if (r < 0)
                log_error_errno(r, "\"%s\" cannot be shown", path);
        return r;
}

/* All files are shown; the first error is the result. */
int command_show(const Arguments *a, char **positionals)
{
        int result = 0;

        for (; *positionals; positionals++) {
                int r = show(*positionals);

                if (result == 0 && r < 0)
                        result = r;
        }
        return result;
}
