/* What a command says to people and scripts, and the process status it ends with.
 *
 * Default format: results on stdout, errors on stderr. JSON: exactly one document on stdout, also for errors
 * ({"success": false, "error-message": "..."}). A failed command never ends with 0: it returns what
 * report_error() gives. */
#pragma once

#include "base/json.h"
#include "base/macro.h"

typedef enum OutputFormat {
        FORMAT_DEFAULT,
        FORMAT_JSON,
} OutputFormat;

extern const char *const FORMAT_CHOICES[]; /* for the option table */
OutputFormat format_parse(const char *choice);

/* Returns status, a number of sysexits(3), or 1. */
int report_error(OutputFormat f, int status, const char *fmt, ...) _printf_(3, 4);
/* The same for an errno with its text ready; text NULL: of the errno. Status by errno. */
int report_errno(OutputFormat f, int error, const char *text);
/* A line on stdout, in default format only. */
void report_line(OutputFormat f, const char *fmt, ...) _printf_(2, 3);
/* A whole document, indented. Takes the reference. Returns 0 or the status of a reported error. */
int report_json(Json *document);
