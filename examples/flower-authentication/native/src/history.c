#include "history.h"

#include <math.h>
#include <unistd.h>

#include "util.h"

int history_add(History *h, const HistoryRow *row)
{
        if (h->n == h->allocated) {
                size_t more = h->allocated * 2 + 16;
                HistoryRow *p = reallocarray(h->rows, more, sizeof(*p));

                if (!p)
                        return -ENOMEM;
                h->rows = p;
                h->allocated = more;
        }
        h->rows[h->n++] = *row;
        return 0;
}

void history_done(History *h)
{
        free(h->rows);
        *h = (History){};
}

/* A number in a column of its own, "-" for what is not known. */
static void cell(double v, int width)
{
        if (isnan(v))
                printf("  %*s", width, "-");
        else
                printf("  %*.4f", width, v);
}

void history_print(const History *h)
{
        printf("\n%5s  %10s  %10s  %10s\n", "round", "train loss", "loss", "accuracy");
        for (size_t i = 0; i < h->n; i++) {
                printf("%5u", h->rows[i].round);
                cell(h->rows[i].train_loss, 10);
                cell(h->rows[i].loss, 10);
                cell(h->rows[i].accuracy, 10);
                printf("\n");
        }
        printf("\n");
        fflush(stdout);
}

/* The picture: the drawing area and the paper around it. */
enum { WIDTH = 720, HEIGHT = 420, LEFT = 60, RIGHT = 60, TOP = 50, BOTTOM = 50 };
#define INNER_WIDTH (WIDTH - LEFT - RIGHT)
#define INNER_HEIGHT (HEIGHT - TOP - BOTTOM)
#define N_TICKS 5
#define ACCURACY_COLOUR "#1f6fb2"
#define LOSS_COLOUR "#c2571a"

static double x_of(const History *h, size_t i)
{
        return LEFT + (h->n < 2 ? 0.5 : (double) i / (double) (h->n - 1)) * INNER_WIDTH;
}

static double y_of(double v, double max)
{
        return TOP + (1 - v / max) * INNER_HEIGHT;
}

/* Axes end at the next tenth above what they show. */
static double axis_end(const History *h, bool loss)
{
        double max = 0;

        for (size_t i = 0; i < h->n; i++)
                max = fmax(max, loss ? h->rows[i].loss : h->rows[i].accuracy);
        return max > 0 && isfinite(max) ? ceil(max * 10) / 10 : 1;
}

static void draw_axes(FILE *f, const History *h, double accuracy_max, double loss_max)
{
        size_t step = h->n / 12 + 1;

        for (int k = 0; k <= N_TICKS; k++) {
                double part = (double) k / N_TICKS, y = TOP + (1 - part) * INNER_HEIGHT;

                fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT,
                        WIDTH - RIGHT, y, y);
                fprintf(f,
                        "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"" ACCURACY_COLOUR
                        "\">%.2f</text>\n",
                        LEFT - 8, y + 4, part * accuracy_max);
                fprintf(f, "<text x=\"%d\" y=\"%.1f\" fill=\"" LOSS_COLOUR "\">%.2f</text>\n",
                        WIDTH - RIGHT + 8, y + 4, part * loss_max);
        }
        for (size_t i = 0; i < h->n; i += step)
                fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%u</text>\n", x_of(h, i),
                        HEIGHT - BOTTOM + 20, h->rows[i].round);
        fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">round</text>\n", LEFT + INNER_WIDTH / 2,
                HEIGHT - 10);
}

static void draw_curve(FILE *f, const History *h, bool loss, double max, const char *colour)
{
        fprintf(f, "<g fill=\"%s\" stroke=\"%s\">\n<polyline fill=\"none\" stroke-width=\"2\" points=\"",
                colour, colour);
        for (size_t i = 0; i < h->n; i++) {
                double v = loss ? h->rows[i].loss : h->rows[i].accuracy;

                if (isfinite(v))
                        fprintf(f, "%.1f,%.1f ", x_of(h, i), y_of(v, max));
        }
        fprintf(f, "\"/>\n");
        for (size_t i = 0; i < h->n; i++) {
                double v = loss ? h->rows[i].loss : h->rows[i].accuracy;

                if (isfinite(v))
                        fprintf(f,
                                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>round %u: %s "
                                "%.4f</title></circle>\n",
                                x_of(h, i), y_of(v, max), h->rows[i].round, loss ? "loss" : "accuracy", v);
        }
        fprintf(f, "</g>\n");
}

static void draw(FILE *f, const History *h)
{
        double accuracy_max = axis_end(h, false), loss_max = axis_end(h, true);

        fprintf(f,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                "font-family=\"sans-serif\" font-size=\"12\">\n"
                "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n"
                "<text x=\"%d\" y=\"24\" font-size=\"15\">Federated averaging: the global model on the "
                "nodes' test "
                "images</text>\n"
                "<text x=\"%d\" y=\"42\" fill=\"" ACCURACY_COLOUR "\">accuracy</text>\n"
                "<text x=\"%d\" y=\"42\" text-anchor=\"end\" fill=\"" LOSS_COLOUR "\">loss</text>\n",
                WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, LEFT, WIDTH - RIGHT);
        draw_axes(f, h, accuracy_max, loss_max);
        draw_curve(f, h, false, accuracy_max, ACCURACY_COLOUR);
        draw_curve(f, h, true, loss_max, LOSS_COLOUR);
        fprintf(f, "</svg>\n");
}

int history_plot(const History *h, const char *path)
{
        _cleanup_free_ char *temporary = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        int r = 0;

        if (asprintf(&temporary, "%s.part", path) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        f = fopen(temporary, "we");
        if (!f)
                return -errno;
        draw(f, h);
        if (fflush(f) != 0 || ferror(f))
                r = -EIO;
        else if (rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                unlink(temporary);
        return r;
}
