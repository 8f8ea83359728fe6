#include "model/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/buf.h"

void scalar_done(Scalar *s)
{
        if (s->type == SCALAR_STRING)
                free(s->s);
        else if (s->type == SCALAR_BYTES)
                blob_unref(s->bytes);
        *s = (Scalar){};
}

int scalar_copy(const Scalar *s, Scalar *ret)
{
        Scalar copy = *s;

        if (s->type == SCALAR_STRING) {
                copy.s = strdup(s->s);
                if (!copy.s)
                        return -ENOMEM;
        } else if (s->type == SCALAR_BYTES)
                copy.bytes = blob_ref(s->bytes);
        *ret = copy;
        return 0;
}

bool scalar_equal(const Scalar *a, const Scalar *b)
{
        if (a->type != b->type)
                return false;

        switch (a->type) {
        case SCALAR_DOUBLE:
                return a->d == b->d || (isnan(a->d) && isnan(b->d));
        case SCALAR_UINT64:
                return a->u == b->u;
        case SCALAR_SINT64:
                return a->i == b->i;
        case SCALAR_BOOL:
                return a->b == b->b;
        case SCALAR_STRING:
                return streq(a->s, b->s);
        case SCALAR_BYTES:
                return blob_equal(a->bytes, b->bytes);
        default:
                return false;
        }
}

static int format_string(Buf *b, const char *s)
{
        int r = buf_append_str(b, "\"");

        for (; r >= 0 && *s; s++) {
                unsigned char c = *s;
                static const char names[] = "btn fr";

                if (c == '"' || c == '\\')
                        r = buf_append(b, (char[]){'\\', c}, 2);
                else if (c >= '\b' && c <= '\r' && c != '\v')
                        r = buf_append(b, (char[]){'\\', names[c - '\b']}, 2);
                else if (c < 0x20 || c == 0x7f)
                        r = buf_printf(b, "\\u%04X", c);
                else
                        r = buf_append(b, s, 1);
        }
        return r < 0 ? r : buf_append_str(b, "\"");
}

/* The fewest digits that read back as the same number, laid out as Python does. */
static int format_double(Buf *b, double d)
{
        char text[40];
        int precision, exponent;

        if (isnan(d))
                return buf_append_str(b, "nan");
        if (isinf(d))
                return buf_append_str(b, d < 0 ? "-inf" : "inf");

        for (precision = 0; precision < 17; precision++) {
                snprintf(text, sizeof(text), "%.*e", precision, d);
                if (strtod(text, NULL) == d)
                        break;
        }
        exponent = atoi(strchr(text, 'e') + 1);
        if (exponent < -4 || exponent >= 16)
                return buf_append_str(b, text);
        return buf_printf(b, "%.*f", MAX(precision - exponent, 1), d);
}

int scalar_format(const Scalar *s, char **ret)
{
        _cleanup_buf_ Buf b = {};
        char *text;
        int r;

        switch (s->type) {
        case SCALAR_DOUBLE:
                r = format_double(&b, s->d);
                break;
        case SCALAR_UINT64:
                r = buf_printf(&b, "%" PRIu64, s->u);
                break;
        case SCALAR_SINT64:
                r = buf_printf(&b, "%" PRId64, s->i);
                break;
        case SCALAR_BOOL:
                r = buf_append_str(&b, s->b ? "true" : "false");
                break;
        case SCALAR_STRING:
                r = format_string(&b, s->s);
                break;
        default:
                return -EINVAL;
        }
        if (r < 0)
                return r;

        text = buf_steal_str(&b);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static ConfigEntry *config_find(const Config *c, const char *key)
{
        for (size_t i = 0; i < c->n; i++)
                if (streq(c->entries[i].key, key))
                        return &c->entries[i];
        return NULL;
}

int config_set(Config *c, const char *key, Scalar *value)
{
        ConfigEntry *e = config_find(c, key);
        Scalar v = *value;
        char *copy;

        *value = (Scalar){};
        if (e) {
                scalar_done(&e->value);
                e->value = v;
                return 0;
        }

        copy = strdup(key);
        if (!copy || GROW_ARRAY(c->entries, c->n) < 0) {
                free(copy);
                scalar_done(&v);
                return -ENOMEM;
        }
        c->entries[c->n++] = (ConfigEntry){.key = copy, .value = v};
        return 0;
}

const Scalar *config_get(const Config *c, const char *key)
{
        ConfigEntry *e = config_find(c, key);

        return e ? &e->value : NULL;
}

int config_copy(const Config *c, Config *ret)
{
        _cleanup_config_ Config copy = {};
        int r;

        for (size_t i = 0; i < c->n; i++) {
                ConfigEntry *e;

                if (GROW_ARRAY(copy.entries, copy.n) < 0)
                        return -ENOMEM;
                e = &copy.entries[copy.n++];
                *e = (ConfigEntry){.key = strdup(c->entries[i].key)};
                if (!e->key)
                        return -ENOMEM;
                r = scalar_copy(&c->entries[i].value, &e->value);
                if (r < 0)
                        return r;
        }
        *ret = copy;
        copy = (Config){};
        return 0;
}

void config_done(Config *c)
{
        for (size_t i = 0; i < c->n; i++) {
                free(c->entries[i].key);
                scalar_done(&c->entries[i].value);
        }
        free(c->entries);
        *c = (Config){};
}

int config_fuse(const Config *base, const Config *override, Config *ret, char **reterr_text)
{
        _cleanup_config_ Config fused = {};
        int r;

        r = config_copy(base, &fused);
        if (r < 0)
                return r;
        for (size_t i = 0; i < override->n; i++) {
                const ConfigEntry *e = &override->entries[i];
                Scalar value;

                if (!config_find(base, e->key)) {
                        *reterr_text = xasprintf("Key '%s' is not present in the main dictionary", e->key);
                        return *reterr_text ? -ENOENT : -ENOMEM;
                }
                r = scalar_copy(&e->value, &value);
                if (r < 0)
                        return r;
                r = config_set(&fused, e->key, &value);
                if (r < 0)
                        return r;
        }
        *ret = fused;
        fused = (Config){};
        return 0;
}
