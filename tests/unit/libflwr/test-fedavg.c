/* flwr_fedavg_run() against a grid made of these few functions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <flwr/app.h>
#include <flwr/fedavg.h>

#include "libflwr/message-internal.h"

#define NODES_MAX 8
#define PUSHED_MAX 64

typedef struct Pushed {
        uint64_t node;
        char type[16];
        int64_t round;
        float model; /* first element of what was sent */
} Pushed;

struct flwr_grid {
        size_t online;
        unsigned waits;
        Pushed pushed[PUSHED_MAX];
        size_t n_pushed, n_answered;
        uint64_t refuse, silent, broken; /* node ids; 0: none */
        double bad_value;                /* what the broken node sends; 0: an error */
        bool backwards;                  /* replies come in the opposite order */
        char fail[256];
        unsigned forgotten;
};

int flwr_grid_nodes(flwr_grid *g, uint64_t **ret_ids, size_t *ret_n)
{
        uint64_t *ids = calloc(NODES_MAX, sizeof(*ids));

        for (size_t i = 0; i < g->online; i++)
                ids[i] = 100 + i;
        *ret_ids = ids;
        *ret_n = g->online;
        return 0;
}

int flwr_grid_wait_nodes(flwr_grid *g, size_t n, double seconds)
{
        g->waits++;
        g->online++;
        return 0;
}

int flwr_grid_push(flwr_grid *g, flwr_message *const *messages, size_t n, size_t *ret_refused)
{
        *ret_refused = 0;
        for (size_t i = 0; i < n; i++) {
                flwr_record_dict *d = flwr_message_content(messages[i]);
                Pushed *p = &g->pushed[g->n_pushed];
                flwr_array a;

                assert_ptr_equal(d, flwr_message_content(messages[0]));
                p->node = flwr_message_dst_node(messages[i]);
                if (p->node == g->refuse) {
                        (*ret_refused)++;
                        continue;
                }
                snprintf(p->type, sizeof(p->type), "%s", flwr_message_type(messages[i]));
                assert_int_equal(flwr_record_get_array(flwr_record_dict_get(d, "arrays"), "w", &a), 0);
                p->model = *(const float *) a.data;
                assert_int_equal(
                        flwr_record_get_int(flwr_record_dict_get(d, "config"), "server-round", &p->round),
                        0);
                g->n_pushed++;
        }
        return 0;
}

/* Node 100 + i adds i + 1 to the model and has i + 1 examples; its loss is the model. */
static void fill_reply(const flwr_grid *g, const Pushed *p, flwr_message *m)
{
        flwr_record_dict *d = flwr_message_content(m);
        float k = (float) (p->node - 99), w = p->model + k;
        flwr_record *r;

        if (p->node == g->broken && g->bad_value == 0) {
                flwr_message_fail(m, EIO, "no data");
                return;
        }
        if (p->node == g->broken)
                w = (float) g->bad_value;
        if (strcmp(p->type, "train") == 0) {
                assert_int_equal(flwr_record_dict_add(d, "anything", FLWR_ARRAY_RECORD, &r), 0);
                assert_int_equal(flwr_record_set_array(r, "w", FLWR_FLOAT32, NULL, 0, &w), 0);
        }
        assert_int_equal(flwr_record_dict_add(d, "numbers", FLWR_METRIC_RECORD, &r), 0);
        assert_int_equal(flwr_record_set_int(r, "num-examples", (int64_t) k), 0);
        assert_int_equal(flwr_record_set_double(r, "loss", w), 0);
        assert_int_equal(flwr_record_set_ints(r, "seen", (int64_t[]){(int64_t) k, 1}, 2), 0);
}

int flwr_grid_next_reply(flwr_grid *g, double seconds, flwr_message **ret_reply)
{
        const Pushed *p;
        flwr_message *m;

        assert_true(seconds >= 0);
        while (g->n_answered < g->n_pushed) {
                size_t i = g->n_answered++;

                if (g->backwards) { /* within the messages of this phase */
                        size_t first = i, last = i;

                        while (first > 0 && strcmp(g->pushed[first - 1].type, g->pushed[i].type) == 0)
                                first--;
                        while (last + 1 < g->n_pushed &&
                                strcmp(g->pushed[last + 1].type, g->pushed[i].type) == 0)
                                last++;
                        i = first + last - i;
                }
                p = &g->pushed[i];
                if (p->node == g->silent)
                        continue;
                m = flwr_message_new(p->type, 1, "");
                m->m.metadata.src_node_id = p->node;
                fill_reply(g, p, m);
                *ret_reply = m;
                return 0;
        }
        return -ETIMEDOUT;
}

void flwr_grid_forget(flwr_grid *g)
{
        g->forgotten++;
}

int flwr_grid_fail(flwr_grid *g, int error, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(g->fail, sizeof(g->fail), format, ap);
        va_end(ap);
        return -abs(error);
}

typedef struct Seen {
        flwr_round last;
        double train_loss, evaluate_loss, seen0;
        float model;
        unsigned progress;
} Seen;

static int on_round(void *userdata, const flwr_round *r)
{
        Seen *s = userdata;
        const double *ds;
        flwr_array a;
        size_t n;

        s->last = *r;
        assert_int_equal(flwr_record_get_array(r->arrays, "w", &a), 0);
        s->model = *(const float *) a.data;
        if (r->train_metrics) {
                assert_int_equal(flwr_record_get_double(r->train_metrics, "loss", &s->train_loss), 0);
                assert_int_equal(flwr_record_get_doubles(r->train_metrics, "seen", &ds, &n), 0);
                assert_int_equal(n, 2);
                s->seen0 = ds[0];
                assert_int_equal(
                        flwr_record_get_double(r->train_metrics, "num-examples", &s->seen0), -ENOENT);
        }
        if (r->evaluate_metrics)
                assert_int_equal(flwr_record_get_double(r->evaluate_metrics, "loss", &s->evaluate_loss), 0);
        return 0;
}

static void on_progress(void *userdata, uint32_t round, const char *phase, uint32_t done, uint32_t total)
{
        ((Seen *) userdata)->progress++;
        assert_true(done <= total);
}

static int run(flwr_grid *g, void (*change)(flwr_fedavg *f), Seen *seen)
{
        flwr_record_dict *d = flwr_record_dict_new();
        flwr_record *arrays;
        flwr_fedavg f;
        int r;

        flwr_fedavg_init(&f);
        f.num_rounds = 2;
        f.round_done = on_round;
        f.progress = on_progress;
        f.userdata = seen;
        if (change)
                change(&f);
        assert_int_equal(flwr_record_dict_add(d, "m", FLWR_ARRAY_RECORD, &arrays), 0);
        assert_int_equal(flwr_record_set_array(arrays, "w", FLWR_FLOAT32, NULL, 0, (float[]){0}), 0);
        r = flwr_fedavg_run(&f, g, arrays);
        flwr_record_dict_free(d);
        return r;
}

static void test_rounds(void **state)
{
        flwr_grid g = {.online = 1};
        Seen s = {};

        assert_int_equal(run(&g, NULL, &s), 0);
        assert_int_equal(g.waits, 1);
        assert_int_equal(g.n_pushed, 8);
        assert_int_equal(s.progress, 8);
        assert_int_equal(s.last.round, 2);
        assert_int_equal(s.last.train_nodes, 2);
        assert_int_equal(s.last.train_failures, 0);
        /* (1 * (x + 1) + 2 * (x + 2)) / 3 = x + 5/3, twice */
        assert_float_equal(s.model, 10.0 / 3, 1e-6);
        assert_float_equal(s.train_loss, 10.0 / 3, 1e-6);
        assert_float_equal(s.evaluate_loss, 5, 1e-6);
        assert_float_equal(s.seen0, 5.0 / 3, 1e-12);
        assert_int_equal(g.pushed[7].round, 2);
        assert_true(g.pushed[7].model == s.model);
}

static void test_order_does_not_matter(void **state)
{
        flwr_grid g = {.online = 7}, h = {.online = 7, .backwards = true};
        Seen s = {}, t = {};

        assert_int_equal(run(&g, NULL, &s), 0);
        assert_int_equal(run(&h, NULL, &t), 0);
        assert_memory_equal(&s.model, &t.model, sizeof(s.model));
        assert_memory_equal(&s.train_loss, &t.train_loss, sizeof(s.train_loss));
        assert_memory_equal(&s.evaluate_loss, &t.evaluate_loss, sizeof(s.evaluate_loss));
}

static void half_of_them(flwr_fedavg *f)
{
        f->fraction_train = 0.5;
        f->fraction_evaluate = 0;
        f->num_rounds = 1;
        f->seed = 7;
}

static void another_seed(flwr_fedavg *f)
{
        half_of_them(f);
        f->seed = 8;
}

static void test_sampling(void **state)
{
        flwr_grid g = {.online = 8}, h = {.online = 8}, k = {.online = 8};
        Seen s = {};
        bool differs = false;

        assert_int_equal(run(&g, half_of_them, &s), 0);
        assert_int_equal(g.n_pushed, 4);
        assert_int_equal(s.last.evaluate_nodes, 0);
        assert_null(s.last.evaluate_metrics);
        assert_int_equal(run(&h, half_of_them, &s), 0);
        assert_int_equal(run(&k, another_seed, &s), 0);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(g.pushed[i].node, h.pushed[i].node);
                differs |= g.pushed[i].node != k.pushed[i].node;
                for (size_t j = 0; j < i; j++)
                        assert_int_not_equal(g.pushed[i].node, g.pushed[j].node);
        }
        assert_true(differs);
}

static void test_failures(void **state)
{
        flwr_grid g = {.online = 5, .refuse = 100, .silent = 101, .broken = 102};
        Seen s = {};

        assert_int_equal(run(&g, NULL, &s), 0);
        assert_int_equal(s.last.train_nodes, 5);
        assert_int_equal(s.last.train_failures, 3);
        assert_int_equal(g.forgotten, 4);
        /* nodes 103 and 104: 4 and 5 */
        assert_float_equal(s.model, 2 * (4 * 4 + 5 * 5) / 9.0, 1e-6);

        g = (flwr_grid){.online = 2, .broken = 101, .bad_value = NAN};
        assert_int_equal(run(&g, NULL, &s), 0);
        assert_int_equal(s.last.train_failures, 1);
        assert_int_equal(s.last.evaluate_failures, 0); /* its metrics are left out */
        assert_float_equal(s.model, 2, 1e-6);
}

static void test_nobody(void **state)
{
        flwr_grid g = {.online = 2, .refuse = 100, .broken = 101};
        Seen s = {};

        assert_int_equal(run(&g, NULL, &s), -ENODATA);
        assert_non_null(strstr(g.fail, "train"));
        assert_int_equal(s.last.round, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rounds),
                cmocka_unit_test(test_order_does_not_matter),
                cmocka_unit_test(test_sampling),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_nobody),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
