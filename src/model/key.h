/* Node keys: ECDSA on NIST curves, in OpenSSH files, PEM on the wire, SHA-256 signatures in DER. */
#pragma once

#include "base/blob.h"
#include "model/hash.h"

typedef struct NodeKey NodeKey;     /* a private key with its public half; memory is locked and wiped */
typedef struct PublicKey PublicKey; /* a parsed public key */

#define KEY_FILE_SIZE_MAX (64 * 1024)
#define KEY_PEM_SIZE_MAX 1024
#define KEY_LIST_SIZE_MAX (64 * 1024 * 1024) /* 200 bytes a key: a third of a million nodes */

int node_key_generate(NodeKey **ret); /* P-384 */
/* OpenSSH private key file, unencrypted ECDSA. *reterr_text for people: not OpenSSH format (and the
 * ssh-keygen call that converts it), encrypted, Ed25519 or RSA, unreadable. Here and below: -errno for
 * files, -EKEYREJECTED for contents; no text with -ENOMEM. */
int node_key_load(const char *path, NodeKey **ret, char **reterr_text);
/* PATH (mode 0600) and PATH.pub, as ssh-keygen writes them; both atomic. -EEXIST: never overwrites. */
int node_key_save(const NodeKey *k, const char *path, const char *comment);
/* The text of such a private key file, for who has other ideas about place, owner and mode. The caller wipes
 * it. */
int node_key_format(const NodeKey *k, const char *comment, char **ret);
NodeKey *node_key_free(NodeKey *k);
DEFINE_CLEANUP(NodeKey *, node_key_free);
/* SubjectPublicKeyInfo in PEM with final newline: what genuine peers compare byte by byte. */
const char *node_key_pem(const NodeKey *k);
/* One line "ecdsa-sha2-nistp384 AAAA..." without comment and newline. */
int node_key_public_line(const NodeKey *k, char **ret);
/* ECDSA with SHA-256 over data, DER. */
int node_key_sign(const NodeKey *k, const void *data, size_t size, Blob **ret);

/* From the PEM of a peer. -EINVAL: not PEM, not an EC key, not a NIST curve, not canonical (would not
 * compare equal). */
int public_key_from_pem(const void *pem, size_t size, PublicKey **ret);
/* From one OpenSSH line "ecdsa-sha2-nistp384 AAAA... [comment]". */
int public_key_from_ssh_line(const char *line, PublicKey **ret);
/* The same from size bytes; on -EINVAL *reterr_reason (static) goes on after "it ". */
int public_key_parse_ssh(const char *line, size_t size, PublicKey **ret, const char **reterr_reason);
int public_key_from_ssh_file(const char *path, PublicKey **ret, char **reterr_text);
PublicKey *public_key_free(PublicKey *k);
DEFINE_CLEANUP(PublicKey *, public_key_free);
const char *public_key_pem(const PublicKey *k);
/* SHA-256 of the PEM: how we name a key in indexes, logs and directories. */
void public_key_fingerprint(const PublicKey *k, ObjectId *ret);
void key_pem_fingerprint(const char *pem, ObjectId *ret);
/* 0, -EBADMSG when the signature is wrong. */
int public_key_verify(const PublicKey *k, const void *data, size_t size, const void *sig, size_t sig_size);

/* Key list: UTF-8 CSV, every cell of every row one OpenSSH public key line. */
typedef struct KeyList {
        char **pems; /* in file order */
        size_t n;
} KeyList;
/* *reterr_text names file, line and cell, and what a line should look like. An empty file is a list of none.
 */
int key_list_load(const char *path, KeyList *ret, char **reterr_text);
void key_list_done(KeyList *l);
