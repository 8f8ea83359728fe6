#include "cli/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <unistd.h>

Table *table_new(const char *const *columns, size_t n)
{
        Table *t = scols_new_table();

        for (size_t i = 0; t && i < n; i++)
                if (!scols_table_new_column(t, columns[i], 0, 0))
                        return table_unref(t);
        if (t)
                scols_table_enable_colors(t, isatty(STDOUT_FILENO));
        return t;
}

Table *table_unref(Table *t)
{
        scols_unref_table(t);
        return NULL;
}

void table_hide_head(Table *t)
{
        scols_table_enable_noheadings(t, 1);
}

int table_add(Table *t, const char *const *cells, size_t n)
{
        struct libscols_line *line = scols_table_new_line(t, NULL);

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (!cells[i] || scols_line_set_data(line, i, cells[i]) < 0)
                        return -ENOMEM;
        return 0;
}

void table_color(Table *t, size_t column, const char *color)
{
        struct libscols_line *line = scols_table_get_line(t, scols_table_get_nlines(t) - 1);

        if (line)
                (void) scols_cell_set_color(scols_line_get_cell(line, column), color);
}

int table_print(Table *t)
{
        int r = scols_print_table(t);

        fflush(stdout);
        return r < 0 ? report_errno(FORMAT_DEFAULT, r, NULL) : 0;
}
