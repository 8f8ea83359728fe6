/* TOML 1.0 behind a C face; toml.cc is the only C++ file (toml++).
 *
 * A parsed document is a tree; nodes are borrowed from the root. Every error text names file, line and
 * column. */
#pragma once

#include "base/macro.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Toml Toml;         /* a document: owns everything */
typedef struct TomlNode TomlNode; /* a value inside it */

typedef enum TomlType {
        TOML_TABLE,
        TOML_ARRAY,
        TOML_STRING,
        TOML_INTEGER,
        TOML_FLOAT,
        TOML_BOOLEAN,
        TOML_OTHER, /* dates and times */
} TomlType;

/* name is only for error texts. -EBADMSG with *reterr_text (owned by the caller) on a syntax error. */
int toml_parse(const char *text, size_t size, const char *name, Toml **ret, char **reterr_text);
Toml *toml_free(Toml *t);

const TomlNode *toml_root(const Toml *t);
TomlType toml_type(const TomlNode *n);
unsigned toml_line(const TomlNode *n); /* where it stands in the source, from 1 */
/* Dotted path from a table ("tool.flwr.app"); NULL when missing. Keys with dots in them: use toml_at(). */
const TomlNode *toml_find(const TomlNode *table, const char *path);
size_t toml_size(const TomlNode *n); /* of a table or array */
/* i-th member in document order; ret_key may be NULL. */
const TomlNode *toml_at(const TomlNode *n, size_t i, const char **ret_key);
/* 0, -ENOENT (n is NULL), -EINVAL (other type) */
int toml_get_string(const TomlNode *n, const char **ret);
int toml_get_integer(const TomlNode *n, int64_t *ret);
int toml_get_float(const TomlNode *n, double *ret);
int toml_get_boolean(const TomlNode *n, bool *ret);

#ifdef __cplusplus
}
#else
DEFINE_CLEANUP(Toml *, toml_free);
#endif
