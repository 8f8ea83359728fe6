#include "wire/metadata.h"

#include "base/text.h"

/* HPACK's own accounting of a field. */
#define FIELD_OVERHEAD 32

static int metadata_store(
        HeaderFields *m, const char *name, size_t name_size, const void *value, size_t value_size)
{
        char *p;
        int r;

        r = GROW_ARRAY(m->fields, m->n_fields);
        if (r < 0)
                return r;
        p = malloc(name_size + value_size + 2);
        if (!p)
                return -ENOMEM;
        memcpy(p, name, name_size);
        p[name_size] = '\0';
        if (value_size > 0)
                memcpy(p + name_size + 1, value, value_size);
        p[name_size + 1 + value_size] = '\0';
        m->fields[m->n_fields++] = (HeaderField){.name = p, .value = p + name_size + 1, .size = value_size};
        return 0;
}

int header_fields_add(
        HeaderFields *m, const char *name, size_t name_size, const char *value, size_t value_size)
{
        _cleanup_free_ uint8_t *decoded = NULL;
        size_t decoded_size;
        int r;

        if (m->n_fields >= METADATA_FIELDS_MAX ||
                name_size + value_size + FIELD_OVERHEAD > METADATA_BYTES_MAX - m->n_bytes)
                return -E2BIG;
        m->n_bytes += name_size + value_size + FIELD_OVERHEAD;

        if (name_size < 4 || memcmp(name + name_size - 4, "-bin", 4) != 0)
                return metadata_store(m, name, name_size, value, value_size);
        r = base64_decode(value, value_size, &decoded, &decoded_size);
        if (r == -EINVAL)
                return 0;
        if (r < 0)
                return r;
        return metadata_store(m, name, name_size, decoded, decoded_size);
}

const char *header_fields_get(const HeaderFields *m, const char *name, size_t *ret_size)
{
        for (size_t i = m->n_fields; i > 0; i--)
                if (streq(m->fields[i - 1].name, name)) {
                        if (ret_size)
                                *ret_size = m->fields[i - 1].size;
                        return m->fields[i - 1].value;
                }
        return NULL;
}

void header_fields_done(HeaderFields *m)
{
        for (size_t i = 0; i < m->n_fields; i++)
                free(m->fields[i].name);
        free(m->fields);
        *m = (HeaderFields){};
}
