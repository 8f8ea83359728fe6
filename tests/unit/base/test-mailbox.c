#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/mailbox.h"

enum { N_THREADS = 2, N_LETTERS = 10000 };

typedef struct Counter {
        sd_event *event;
        Mailbox *mailbox;
        unsigned n_run;
        unsigned next[N_THREADS];
        bool disorder;
} Counter;

typedef struct Item {
        Letter letter;
        Counter *counter;
        unsigned thread, number;
} Item;

typedef struct Sender {
        pthread_t id;
        Counter *counter;
        unsigned number;
} Sender;

static void run_item(Letter *l)
{
        Item *i = CONTAINER_OF(l, Item, letter);
        Counter *c = i->counter;

        if (c->next[i->thread]++ != i->number)
                c->disorder = true;
        if (++c->n_run == N_THREADS * N_LETTERS)
                sd_event_exit(c->event, 0);
        free(i);
}

static void *send_all(void *userdata)
{
        Sender *s = userdata;

        for (unsigned n = 0; n < N_LETTERS; n++) {
                Item *i = new0(Item, 1);

                *i = (Item){{.run = run_item}, s->counter, s->number, n};
                mailbox_post(s->counter->mailbox, &i->letter);
        }
        return NULL;
}

static void test_two_threads(void **state)
{
        Counter c = {};
        Sender senders[N_THREADS];

        assert_true(sd_event_new(&c.event) >= 0);
        assert_int_equal(mailbox_new(c.event, 0, &c.mailbox), 0);
        for (unsigned i = 0; i < N_THREADS; i++) {
                senders[i] = (Sender){.counter = &c, .number = i};
                assert_int_equal(pthread_create(&senders[i].id, NULL, send_all, &senders[i]), 0);
        }
        assert_int_equal(sd_event_loop(c.event), 0);
        for (unsigned i = 0; i < N_THREADS; i++)
                assert_int_equal(pthread_join(senders[i].id, NULL), 0);
        assert_int_equal(c.n_run, N_THREADS * N_LETTERS);
        assert_false(c.disorder);
        mailbox_free(c.mailbox);
        sd_event_unref(c.event);
}

typedef struct Again {
        Letter letter;
        Mailbox *mailbox;
        unsigned n;
} Again;

static void run_again(Letter *l)
{
        Again *a = CONTAINER_OF(l, Again, letter);

        if (++a->n < 3)
                mailbox_post(a->mailbox, l);
}

static void test_letter_posts_itself(void **state)
{
        sd_event *event = NULL;
        Again a = {.letter = {.run = run_again}};

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(mailbox_new(event, 0, &a.mailbox), 0);
        mailbox_post(a.mailbox, &a.letter);
        mailbox_drain(a.mailbox);
        assert_int_equal(a.n, 1);
        for (unsigned i = 0; i < 5; i++)
                assert_true(sd_event_run(event, 0) >= 0);
        assert_int_equal(a.n, 3);
        assert_int_equal(sd_event_run(event, 0), 0);
        mailbox_free(a.mailbox);
        sd_event_unref(event);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_two_threads),
                cmocka_unit_test(test_letter_posts_itself),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
