/* Flat configuration maps: dotted key -> scalar, in document order. Node configuration, run configuration,
 * overrides. */
#pragma once

#include "base/blob.h"

typedef enum ScalarType {
        SCALAR_DOUBLE,
        SCALAR_UINT64,
        SCALAR_SINT64,
        SCALAR_BOOL,
        SCALAR_STRING, /* UTF-8 without NUL */
        SCALAR_BYTES,
        _SCALAR_TYPE_MAX,
} ScalarType;

typedef struct Scalar {
        ScalarType type;
        union {
                double d;
                uint64_t u;
                int64_t i;
                bool b;
                char *s;     /* owned */
                Blob *bytes; /* owned */
        };
} Scalar;

typedef struct ConfigEntry {
        char *key;
        Scalar value;
} ConfigEntry;

typedef struct Config {
        ConfigEntry *entries;
        size_t n;
} Config;

void scalar_done(Scalar *s);
int scalar_copy(const Scalar *s, Scalar *ret);
bool scalar_equal(const Scalar *a, const Scalar *b);
int scalar_format(
        const Scalar *s, char **ret); /* as TOML writes it; bytes, which it has none of, are -EINVAL */

/* Replaces the value in place if the key exists, else appends. Takes value, also on failure. */
int config_set(Config *c, const char *key, Scalar *value);
const Scalar *config_get(const Config *c, const char *key);
int config_copy(const Config *c, Config *ret);
void config_done(Config *c);
#define _cleanup_config_ _cleanup_(config_done)

/* Flower's grammar for --node-config, --run-config and --federation-config (supernode-cli-wire 1.4): a list
 * of strings of "key=value" pairs in TOML, or exactly one name of a .toml file. strings is NULL-terminated.
 * -EINVAL with *reterr_text: which string, which key, what is allowed. */
int config_parse_args(char *const *strings, Config *ret, char **reterr_text);
struct TomlNode;
/* Flattens a table with dots; other types than bool, int, float, string and tables of those are -EINVAL.
 * table NULL: empty. */
int config_from_toml(const struct TomlNode *table, Config *ret, char **reterr_text);
/* base with the values of override in place. Every key of override must be in base: -ENOENT with
 * *reterr_text "Key '<k>' is not present in the main dictionary". */
int config_fuse(const Config *base, const Config *override, Config *ret, char **reterr_text);
