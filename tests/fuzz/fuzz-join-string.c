/* Join strings come in mails: what parses, formats to the same. */
#include "base/text.h"
#include "fuzz.h"
#include "provision/join-string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_join_string_ JoinString first = {0}, again = {0};
        _cleanup_free_ char *text = strndup((const char *) data, size), *error = NULL, *error2 = NULL;
        _cleanup_free_ char *formatted = NULL;

        fuzz_check(text);
        if (join_string_parse(text, &first, &error) < 0) {
                fuzz_check(error);
                return 0;
        }
        fuzz_check(first.address && first.host && !first.id == !first.secret);
        if (!first.pin)
                return 0;
        formatted = join_string_format(&first);
        fuzz_check(formatted && join_string_parse(formatted, &again, &error2) == 0);
        fuzz_check(streq_ptr(first.address, again.address) && streq_ptr(first.host, again.host));
        fuzz_check(streq_ptr(first.pin, again.pin) && streq_ptr(first.id, again.id));
        fuzz_check(streq_ptr(first.secret, again.secret));
        return 0;
}
