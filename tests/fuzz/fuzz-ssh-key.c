/* OpenSSH's two forms of a key: what parses, formats; and what we format, parses to the same key. The first
 * byte chooses the form. */
#include "fuzz.h"
#include "model/ssh-key.h"

static void check_public(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *line = NULL;
        const char *reason;
        SshPublic first = {0}, again = {0};

        if (ssh_public_parse((const char *) data, size, &first, &reason) < 0)
                return;
        fuzz_check(ssh_public_format(&first, &line) == 0);
        fuzz_check(ssh_public_parse(line, strlen(line), &again, &reason) == 0);
        fuzz_check(first.curve == again.curve && memcmp(first.point, again.point, sizeof(first.point)) == 0);
}

static void check_private(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = strndup((const char *) data, size), *error = NULL, *error2 = NULL;
        _cleanup_wipe_ char *file = NULL;
        SshPrivate first = {0}, again = {0};

        fuzz_check(text);
        if (ssh_private_parse(text, "file", &first, &error) < 0)
                return;
        fuzz_check(ssh_private_format(&first, "comment", &file) == 0);
        fuzz_check(ssh_private_parse(file, "file", &again, &error2) == 0);
        fuzz_check(first.public.curve == again.public.curve);
        fuzz_check(memcmp(first.public.point, again.public.point, sizeof(first.public.point)) == 0);
        fuzz_check(memcmp(first.d, again.d, sizeof(first.d)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size == 0)
                return 0;
        if (data[0] == 'u')
                check_public(data + 1, size - 1);
        else if (data[0] == 'r')
                check_private(data + 1, size - 1);
        return 0;
}
