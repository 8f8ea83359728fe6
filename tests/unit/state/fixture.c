#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fs-util.h"

static void on_ready(uint64_t queue, void *userdata)
{
        Fixture *f = userdata;

        f->n_ready++;
        f->last_queue = queue;
}

static void on_reply(uint64_t run_id, const ObjectId *instruction, void *userdata)
{
        Fixture *f = userdata;

        f->n_replies++;
        f->last_run = run_id;
        f->last_instruction = *instruction;
}

static void on_available(const ObjectId *id, void *userdata)
{
        Fixture *f = userdata;

        f->n_available++;
}

static void on_run(uint64_t run_id, void *userdata)
{
        Fixture *f = userdata;

        f->n_runs++;
        f->last_run = run_id;
}

static void on_log(uint64_t run_id, void *userdata)
{
        Fixture *f = userdata;

        f->n_logs++;
}

static void on_node(uint64_t node_id, void *userdata)
{
        Fixture *f = userdata;

        f->n_nodes++;
        f->last_node = node_id;
}

void fixture_open(Fixture *f)
{
        char *text = NULL;
        int r;

        r = store_open(&f->config, &f->store, &text);
        if (r < 0)
                fail_msg("store_open: %d %s", r, strempty(text));
}

static int setup(void **state, bool durable, StoreQueue queue)
{
        Fixture *f = new0(Fixture, 1);

        assert_non_null(f);
        assert_true(sd_event_new(&f->event) >= 0);
        if (durable) {
                f->directory = strdup("test-store.XXXXXX");
                assert_non_null(mkdtemp(f->directory));
        }
        f->config = (StoreConfig){
                .event = f->event,
                .directory = f->directory,
                .queue = queue,
                .events = {on_ready, on_reply, on_available, on_run, on_log, on_node, f},
        };
        fixture_open(f);
        *state = f;
        return 0;
}

int fixture_setup_memory(void **state)
{
        return setup(state, false, STORE_QUEUE_BY_DESTINATION);
}

int fixture_setup_durable(void **state)
{
        return setup(state, true, STORE_QUEUE_BY_DESTINATION);
}

int fixture_setup_node(void **state)
{
        return setup(state, true, STORE_QUEUE_BY_RUN);
}

int fixture_teardown(void **state)
{
        Fixture *f = *state;

        store_free(f->store);
        sd_event_unref(f->event);
        if (f->directory)
                assert_int_equal(rm_rf(f->directory), 0);
        free(f->directory);
        free(f);
        return 0;
}

void fixture_reopen(Fixture *f)
{
        if (!f->directory)
                return;
        f->store = store_free(f->store);
        fixture_open(f);
}

void fixture_done(int outcome, void *userdata)
{
        Fixture *f = userdata;

        f->n_done++;
        f->outcome = outcome;
}

void fixture_wait(Fixture *f, unsigned n)
{
        while (f->n_done < n)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
}

void fixture_settle(Fixture *f)
{
        unsigned n = f->n_done + 1;

        store_sync(f->store, fixture_done, f);
        fixture_wait(f, n);
        assert_int_equal(f->outcome, 0);
}

uint64_t make_run(Fixture *f, RunStatus status)
{
        Run run = {.fab_id = (char *) "flwr/app", .fab_version = (char *) "1.0.0"};

        assert_int_equal(store_run_create(f->store, &run, NULL, NULL, NULL, NULL), 0);
        for (RunStatus s = RUN_STARTING; s <= status; s++)
                assert_int_equal(store_run_transition(f->store, run.run_id, s,
                                         s == RUN_FINISHED ? RUN_COMPLETED : RUN_SUB_NONE, "", NULL, NULL),
                        0);
        return run.run_id;
}

uint64_t make_node(Fixture *f, const char *key)
{
        uint64_t id;

        assert_int_equal(store_node_register(f->store, key, "aid", "owner", false, NULL, NULL, &id), 0);
        return id;
}

ObjectId id_of(const char *content)
{
        ObjectId id;

        sha256(content, strlen(content), &id);
        return id;
}

Blob *big_content(const char *content, size_t size)
{
        uint8_t *p;
        Blob *b = blob_alloc(size, &p);

        assert_non_null(b);
        memset(p, '.', size);
        memcpy(p, content, strlen(content));
        return b;
}

ObjectTree make_tree(const char *root, ...)
{
        ObjectTree t = {.id = id_of(root)};
        const char *child;
        va_list ap;

        va_start(ap, root);
        while ((child = va_arg(ap, const char *))) {
                assert_int_equal(GROW_ARRAY(t.children, t.n_children), 0);
                t.children[t.n_children++] = (ObjectTree){.id = id_of(child)};
        }
        va_end(ap);
        return t;
}

size_t preregister(Fixture *f, uint64_t run_id, const char *root, const char *child)
{
        ObjectTree t = make_tree(root, child, NULL);
        ObjectId *needed;
        size_t n;

        assert_int_equal(store_object_preregister(f->store, run_id, &t, NULL, NULL, &needed, &n), 0);
        object_tree_done(&t);
        free(needed);
        return n;
}

int put(Fixture *f, uint64_t run_id, const char *content)
{
        _cleanup_blob_ Blob *b = blob_new_string(content);
        ObjectId id = id_of(content);

        assert_non_null(b);
        return store_object_put(f->store, run_id, &id, b, NULL, NULL);
}

Message make_instruction(uint64_t run_id, uint64_t node_id, const char *root)
{
        return (Message){
                .metadata =
                        {
                                .run_id = run_id,
                                .message_id = id_of(root),
                                .src_node_id = SUPERLINK_NODE_ID,
                                .dst_node_id = node_id,
                                .group_id = (char *) "1",
                                .ttl = 3600,
                                .message_type = (char *) "train",
                                .created_at = usec_to_seconds(now_realtime()),
                        },
                .has_content = true,
        };
}

Message make_reply(const Message *instruction, const char *root)
{
        Message m = *instruction;

        m.metadata.message_id = id_of(root);
        m.metadata.src_node_id = instruction->metadata.dst_node_id;
        m.metadata.dst_node_id = instruction->metadata.src_node_id;
        m.metadata.reply_to = instruction->metadata.message_id;
        m.metadata.ttl = 3000;
        return m;
}

void send_instruction(Fixture *f, uint64_t run_id, uint64_t node_id, const char *root, const char *child)
{
        Message m = make_instruction(run_id, node_id, root);

        preregister(f, run_id, root, child);
        assert_int_equal(store_message_put(f->store, &m, NULL, NULL), 0);
        assert_true(put(f, run_id, child) >= 0);
        assert_true(put(f, run_id, root) >= 0);
}
