#include "base/fs-util.h"
#include "model/key.h"

/* Where we are in the file. A cell is unquoted into "cell", which is as long as the longest can be: the
 * file. */
typedef struct CsvReader {
        const char *p;
        char *cell;
        size_t size;
        unsigned line, column; /* of the cell, from 1 */
        unsigned next_line, next_column;
} CsvReader;

/* Python's csv.reader with its defaults: comma, double quotes, a doubled quote inside quotes is one, rows
 * end with CR, LF or both. False at the end of the file. */
static bool csv_next(CsvReader *c)
{
        bool quoted = false;

        if (!*c->p)
                return false;
        c->line = c->next_line;
        c->column = c->next_column++;
        c->size = 0;
        for (; *c->p; c->p++) {
                if (quoted && c->p[0] == '"' && c->p[1] == '"')
                        c->p++;
                else if (*c->p == '"' && (quoted || c->size == 0)) {
                        quoted = !quoted;
                        continue;
                } else if (!quoted && strchr(",\r\n", *c->p))
                        break;
                c->next_line += *c->p == '\n';
                c->cell[c->size++] = *c->p;
        }
        if (*c->p == '\r' || *c->p == '\n') {
                c->next_line++;
                c->next_column = 1;
                c->p += c->p[0] == '\r' && c->p[1] == '\n';
        }
        c->p += *c->p != 0;
        return true;
}

static bool is_blank(const char *s, size_t n)
{
        for (; n > 0; s++, n--)
                if (!strchr(" \t", *s))
                        return false;
        return true;
}

static int key_list_add(KeyList *l, const char *cell, size_t size, const char **reterr_reason)
{
        _cleanup_(public_key_freep) PublicKey *k = NULL;
        _cleanup_free_ char *pem = NULL;
        int r;

        r = public_key_parse_ssh(cell, size, &k, reterr_reason);
        if (r < 0)
                return r;
        pem = strdup(public_key_pem(k));
        if (!pem)
                return -ENOMEM;
        r = GROW_ARRAY(l->pems, l->n);
        if (r < 0)
                return r;
        l->pems[l->n++] = TAKE_PTR(pem);
        return 0;
}

static int key_list_parse(const char *text, const char *path, KeyList *l, char **reterr_text)
{
        _cleanup_free_ char *cell = new0(char, strlen(text));
        CsvReader c = {.p = text, .cell = cell, .next_line = 1, .next_column = 1};
        const char *reason;
        int r;

        if (!cell)
                return -ENOMEM;
        while (csv_next(&c)) {
                if (is_blank(c.cell, c.size))
                        continue;
                r = key_list_add(l, c.cell, c.size, &reason);
                if (r != -EINVAL && r < 0)
                        return r;
                if (r < 0) {
                        *reterr_text = xasprintf("Key list \"%s\", line %u, cell %u: it %s. "
                                                 "Every cell is one line of a .pub file: "
                                                 "\"ecdsa-sha2-nistp384 AAAA... [comment]\"",
                                path, c.line, c.column, reason);
                        return *reterr_text ? -EKEYREJECTED : -ENOMEM;
                }
        }
        return 0;
}

int key_list_load(const char *path, KeyList *ret, char **reterr_text)
{
        _cleanup_(key_list_done) KeyList l = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_text_file(path, KEY_LIST_SIZE_MAX, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                *reterr_text = xasprintf("The key list \"%s\" cannot be read: %s", path, strerror(-r));
                return *reterr_text ? r : -ENOMEM;
        }
        r = key_list_parse(text, path, &l, reterr_text);
        if (r < 0)
                return r;
        *ret = l;
        l = (KeyList){};
        return 0;
}

void key_list_done(KeyList *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->pems[i]);
        free(l->pems);
        *l = (KeyList){};
}
