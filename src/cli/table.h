/* Tables on stdout, as wide as the terminal allows, in colour if it is one. */
#pragma once

#include "cli/report.h"

typedef struct libscols_table Table;

Table *table_new(const char *const *columns, size_t n); /* NULL when out of memory */
Table *table_unref(Table *t);
DEFINE_CLEANUP(Table *, table_unref);
#define _cleanup_table_ _cleanup_(table_unrefp)
void table_hide_head(Table *t);
/* One line of n cells, copied. -ENOMEM, also when a cell is NULL. */
int table_add(Table *t, const char *const *cells, size_t n);
/* The cell of the last line in that column; NULL: no colour. */
void table_color(Table *t, size_t column, const char *color);
/* 0 or the status of a reported error. */
int table_print(Table *t);
