#include "model/zip-writer.h"

#define ZIP_VERSION 20
#define ZIP_HOST_UNIX 3
#define ZIP_FLAG_UTF8 0x0800
#define ZIP_DATE 0x5941 /* 2024-10-01, genuine Flower's fixed date; the time is zero */
#define ZIP_EXTERNAL_ATTRIBUTES (0600u << 16)

void zip_writer_init(ZipWriter *w, size_t max)
{
        *w = (ZipWriter){.archive.max = max, .directory.max = max};

        for (uint32_t i = 0; i < ELEMENTSOF(w->crc_table); i++) {
                uint32_t crc = i;

                for (unsigned bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
                w->crc_table[i] = crc;
        }
}

void zip_writer_done(ZipWriter *w)
{
        buf_done(&w->archive);
        buf_done(&w->directory);
}

static uint32_t crc32_of(const ZipWriter *w, const uint8_t *data, size_t size)
{
        uint32_t crc = UINT32_MAX;

        for (size_t i = 0; i < size; i++)
                crc = w->crc_table[(crc ^ data[i]) & 0xff] ^ (crc >> 8);
        return ~crc;
}

static bool is_ascii(const char *s)
{
        for (; *s; s++)
                if ((unsigned char) *s >= 0x80)
                        return false;
        return true;
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
        *p++ = (uint8_t) v;
        *p++ = (uint8_t) (v >> 8);
        return p;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
        return put16(put16(p, v & 0xffff), v >> 16);
}

static int append(Buf *b, const void *data, size_t size)
{
        int r = buf_append(b, data, size);

        return r == -ENOBUFS ? -EFBIG : r;
}

/* The 26 bytes that local header and directory entry share: version to extra length. */
static uint8_t *put_common(uint8_t *p, const char *name, uint32_t crc, size_t size)
{
        p = put16(p, ZIP_VERSION);
        p = put16(p, is_ascii(name) ? 0 : ZIP_FLAG_UTF8);
        p = put16(p, 0); /* stored */
        p = put16(p, 0); /* time */
        p = put16(p, ZIP_DATE);
        p = put32(p, crc);
        p = put32(p, (uint32_t) size);
        p = put32(p, (uint32_t) size);
        p = put16(p, (unsigned) strlen(name));
        return put16(p, 0); /* no extra field */
}

int zip_writer_add(ZipWriter *w, const char *name, const void *data, size_t size)
{
        uint8_t local[30], entry[46], *p;
        size_t offset = w->archive.size, name_size = strlen(name);
        uint32_t crc;
        int r;

        if (size > UINT32_MAX || offset > UINT32_MAX || name_size > UINT16_MAX || w->n_members >= UINT16_MAX)
                return -EFBIG;

        crc = crc32_of(w, data, size);
        put_common(put32(local, 0x04034b50), name, crc, size);

        p = put32(entry, 0x02014b50);
        p = put16(p, ZIP_HOST_UNIX << 8 | ZIP_VERSION);
        p = put_common(p, name, crc, size);
        p = put16(p, 0); /* comment length */
        p = put16(p, 0); /* disk */
        p = put16(p, 0); /* internal attributes */
        p = put32(p, ZIP_EXTERNAL_ATTRIBUTES);
        put32(p, (uint32_t) offset);

        if ((r = append(&w->archive, local, sizeof(local))) < 0 ||
                (r = append(&w->archive, name, name_size)) < 0 ||
                (r = append(&w->archive, data, size)) < 0 ||
                (r = append(&w->directory, entry, sizeof(entry))) < 0 ||
                (r = append(&w->directory, name, name_size)) < 0)
                return r;

        w->n_members++;
        return 0;
}

int zip_writer_finish(ZipWriter *w, Blob **ret)
{
        size_t offset = w->archive.size;
        uint8_t end[22], *p;
        Blob *b;
        int r;

        p = put32(end, 0x06054b50);
        p = put16(p, 0); /* this disk */
        p = put16(p, 0); /* disk of the directory */
        p = put16(p, w->n_members);
        p = put16(p, w->n_members);
        p = put32(p, (uint32_t) w->directory.size);
        p = put32(p, (uint32_t) offset);
        put16(p, 0); /* comment length */

        r = append(&w->archive, w->directory.data, w->directory.size);
        if (r < 0)
                return r;
        r = append(&w->archive, end, sizeof(end));
        if (r < 0)
                return r;

        b = buf_steal_blob(&w->archive);
        if (!b)
                return -ENOMEM;
        buf_done(&w->directory);
        w->n_members = 0;
        *ret = b;
        return 0;
}
