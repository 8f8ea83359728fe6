#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "cli/report.h"

#define JSON_STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

const char *const FORMAT_CHOICES[] = {"default", "json", NULL};

OutputFormat format_parse(const char *choice)
{
        return choice && streq(choice, "json") ? FORMAT_JSON : FORMAT_DEFAULT;
}

static void print_error_document(const char *text)
{
        Json *document = json_object_new_object();

        if (!document || json_object_object_add(document, "success", json_object_new_boolean(false)) < 0 ||
                json_object_object_add(document, "error-message", json_object_new_string(text)) < 0)
                fputs("{\n  \"success\": false,\n  \"error-message\": \"Out of memory\"\n}\n", stdout);
        else
                puts(json_object_to_json_string_ext(document, JSON_STYLE));
        json_object_put(document);
}

int report_error(OutputFormat f, int status, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);

        if (f == FORMAT_JSON)
                print_error_document(text ? text : "Out of memory");
        else
                fprintf(stderr, "❌ %s\n", text ? text : "Out of memory");
        return status;
}

int report_errno(OutputFormat f, int error, const char *text)
{
        int status;

        switch (abs(error)) {
        case EINVAL:
        case EBADMSG:
        case EFBIG:
                status = EX_DATAERR;
                break;
        case ENOENT:
        case ENOTDIR:
        case EISDIR:
                status = EX_NOINPUT;
                break;
        case EACCES:
        case EPERM:
                status = EX_NOPERM;
                break;
        case ENOMEM:
                status = EX_OSERR;
                break;
        default:
                status = EX_IOERR;
        }
        return report_error(f, status, "%s", text ? text : strerror(abs(error)));
}

void report_line(OutputFormat f, const char *fmt, ...)
{
        va_list ap;

        if (f != FORMAT_DEFAULT)
                return;
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        putchar('\n');
        fflush(stdout);
}

int report_json(Json *document)
{
        const char *text = document ? json_object_to_json_string_ext(document, JSON_STYLE) : NULL;
        int status = 0;

        if (text)
                puts(text);
        else
                status = report_errno(FORMAT_JSON, ENOMEM, NULL);
        fflush(stdout);
        json_object_put(document);
        return status;
}
