#include "apps/line-relay.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define READ_SIZE ((size_t) 16 * 1024)
/* At the end: more than a pipe holds; somebody who has left the app's process group may write for ever. */
#define READS_AT_END 64

/* "\033[92mINFO \033[0m:" -> "INFO :", in place. */
static void strip_colours(char *s)
{
        char *to = s;

        while (*s) {
                if (s[0] == '\033' && s[1] == '[') {
                        size_t n = 2 + strspn(s + 2, "0123456789;");

                        if (s[n] == 'm') {
                                s += n + 1;
                                continue;
                        }
                }
                *to++ = *s++;
        }
        *to = 0;
}

static int guess_level(const char *text)
{
        size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), blanks = strspn(text + n, " ");
        char word[16];
        int level;

        if (n == 0 || n >= sizeof(word) || text[n + blanks] != ':')
                return LOG_INFO;
        memcpy(word, text, n);
        word[n] = 0;
        level = log_parse_level(word);
        return level < 0 ? LOG_INFO : level;
}

static void pass_on(const LineRelay *l, const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = utf8_sanitize((const char *) data, size);

        if (!text)
                return;
        strip_colours(text);
        if (!log_is_journal())
                fprintf(stderr, "%s\n", text);
        else if (*text)
                log_full(guess_level(text), 0, &(LogFields){.run = l->run}, "%s", text);
}

/* All but a last line that is neither whole nor too long. */
static void pass_on_lines(LineRelay *l)
{
        size_t start = 0;

        for (;;) {
                const uint8_t *from = l->rest.data + start;
                size_t left = l->rest.size - start, n = MIN(left, LINE_SIZE_MAX);
                const uint8_t *end = n > 0 ? memchr(from, '\n', n) : NULL;

                if (!end && left < LINE_SIZE_MAX)
                        break;
                if (end)
                        n = (size_t) (end - from);
                pass_on(l, from, n);
                start += n + (end ? 1 : 0);
        }
        buf_consume(&l->rest, start);
}

int line_relay_some(LineRelay *l)
{
        ssize_t n;
        int r = buf_reserve(&l->rest, READ_SIZE);

        if (r < 0)
                return r;
        n = read(l->fd, l->rest.data + l->rest.size, READ_SIZE);
        if (n < 0)
                return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
        if (n == 0)
                return -EPIPE;
        l->rest.size += (size_t) n;
        pass_on_lines(l);
        return 1;
}

void line_relay_finish(LineRelay *l)
{
        for (unsigned i = 0; i < READS_AT_END && line_relay_some(l) > 0; i++)
                ;
        if (l->rest.size > 0)
                pass_on(l, l->rest.data, l->rest.size);
        buf_consume(&l->rest, l->rest.size);
}

void line_relay_done(LineRelay *l)
{
        buf_done(&l->rest);
}
