/* What came out of each round, as a table and as a picture. */
#ifndef AUTHEXAMPLE_HISTORY_H
#define AUTHEXAMPLE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

/* NAN: not known, e.g. a round without evaluation. */
typedef struct HistoryRow {
        uint32_t round;
        double train_loss, loss, accuracy;
} HistoryRow;

typedef struct History {
        HistoryRow *rows;
        size_t n, allocated;
} History;

/* -ENOMEM */
int history_add(History *h, const HistoryRow *row);
void history_done(History *h);
/* Prints the table to standard output, from where it goes into the run's log. */
void history_print(const History *h);
/* Draws accuracy and loss over the rounds as SVG. */
int history_plot(const History *h, const char *path);

#endif
