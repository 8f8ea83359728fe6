/* Runs as tables and as JSON. Functions return 0 or the status of a reported error. */
#pragma once

#include "cli/report.h"
#include "codec/rpc.h"

#define RUN_TIME_MAX 24
#define RUN_DURATION_MAX 48

/* "2026-03-30 05:13:14Z", "N/A" for 0. */
char *run_time_format(usec_t t, char buf[static RUN_TIME_MAX]);
void run_json_add_time(Json **object, const char *key, usec_t t);
/* "12s", "3m 4s", "5h 6m", "7d 8h" */
char *run_duration_format(double seconds, char buf[static RUN_DURATION_MAX]);
/* "17 B", "1.5 KB", ... */
char *run_bytes_format(uint64_t n, char buf[static RUN_DURATION_MAX]);
/* Seconds since it runs, to its end or to now (the server's); 0 if it has never run. */
double run_elapsed(const Run *r, usec_t now);

/* Owned by the caller; NULL when out of memory. */
char *run_status_text(const Run *r); /* "finished:completed" */
char *run_app_text(const Run *r);    /* "@publisher/name==version" */
const char *run_status_color(const Run *r);

void runs_sort_newest_first(Run **runs, size_t n);
int runs_print_table(Run *const *runs, size_t n, usec_t now);
int run_print_details(const Run *r, usec_t now);
int runs_print_json(Run *const *runs, size_t n, usec_t now);
