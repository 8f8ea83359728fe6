/* Stubs against a server of wire/ in the same loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "stubs/stub.h"
#include "wire/server.h"

typedef struct Fixture {
        sd_event *event;
        Server *server;
        Channel *channel;
        Stub *stub;
        /* How GetRun behaves. */
        unsigned n_unavailable; /* fails so often first */
        bool garbage;
        bool hold;
        Call *held;
        unsigned n_calls, n_cancelled;
        char *timestamp;
        /* What was seen. */
        unsigned n_retries, n_recoveries;
        unsigned n_messages;
        bool done;
        RpcClass status;
} Fixture;

static int encode_garbage(const void *reply, BlobVec *ret)
{
        return blobvec_append(ret, blob_new_string("\x0a\x05"));
}

static int prepare_get_run(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        int r = rpc_decode(RPC_GET_RUN_REQUEST, message, ret_request, ret_detail);
        if (r == -EBADMSG)
                *ret_error = RPCERR_BAD_REQUEST;
        return r;
}

static void free_get_run(void *request)
{
        rpc_free(RPC_GET_RUN_REQUEST, request);
}

static void act_get_run(Call *c, void *request)
{
        Fixture *f = call_userdata(c);
        const char *timestamp = call_metadata(c, AUTH_HEADER_TIMESTAMP, NULL);
        uint64_t run_id = ((RunRequest *) request)->run_id;

        free_get_run(request);
        f->n_calls++;
        if (timestamp)
                assert_int_equal(free_and_strdup(&f->timestamp, timestamp), 0);
        if (f->n_unavailable > 0) {
                f->n_unavailable--;
                call_fail(c, RPCERR_BUSY, "busy");
        } else if (f->garbage)
                call_reply(c, NULL, encode_garbage, NULL);
        else if (f->hold)
                f->held = c;
        else {
                Run *run = new0(Run, 1);
                assert_non_null(run);
                run->run_id = run_id;
                call_reply(c, rpc_reply_new(RPC_GET_RUN_RESPONSE, run), rpc_reply_encode, rpc_reply_free);
        }
}

static void cancelled(Call *c)
{
        Fixture *f = call_userdata(c);

        f->held = NULL;
        f->n_cancelled++;
}

static void act_logs(Call *c, void *request)
{
        blob_unref(request);
        for (int i = 0; i < 3; i++) {
                LogsReply *m = rpc_new(RPC_STREAM_LOGS_RESPONSE);
                assert_non_null(m);
                m->latest_timestamp = i;
                call_send(c, rpc_reply_new(RPC_STREAM_LOGS_RESPONSE, m), rpc_reply_encode, rpc_reply_free);
        }
        call_finish(c);
}

static void free_blob(void *request)
{
        blob_unref(request);
}

static const Method methods[] = {
        {.path = "/flwr.proto.Fleet/GetRun",
                .max_request = RPC_REQUEST_MAX,
                .prepare = prepare_get_run,
                .act = act_get_run,
                .cancelled = cancelled,
                .free_request = free_get_run},
        {.path = "/flwr.proto.Control/StreamLogs",
                .flags = METHOD_STREAM,
                .max_request = RPC_REQUEST_MAX,
                .act = act_logs,
                .free_request = free_blob},
        {.path = NULL},
};

static void on_retry(const char *path, const char *failure, usec_t delay, unsigned attempt, void *userdata)
{
        Fixture *f = userdata;

        assert_string_equal(path, "/flwr.proto.Fleet/GetRun");
        if (failure)
                f->n_retries++;
        else
                f->n_recoveries++;
}

static void new_stub(Fixture *f, int64_t max_retries, AuthSigner *signer)
{
        const StubConfig config = {
                .channel = f->channel,
                .signer = signer,
                .max_retries = max_retries,
                .max_wait = USEC_INFINITY,
                .on_retry = on_retry,
                .userdata = f,
        };

        stub_free(f->stub);
        assert_int_equal(stub_new(f->event, &config, &f->stub), 0);
}

static int setup(void **state)
{
        static const Method *const services[] = {methods, NULL};
        Fixture *f = new0(Fixture, 1);
        Listener *l;
        char address[32], *text = NULL;

        assert_non_null(f);
        assert_int_equal(sd_event_new(&f->event), 0);
        const ServerConfig config = {.event = f->event};
        assert_int_equal(server_new(&config, &f->server), 0);
        const ListenerConfig listener = {.name = "fleet",
                .address = "127.0.0.1:0",
                .fd = -EBADF,
                .services = services,
                .userdata = f};
        assert_int_equal(server_listen(f->server, &listener, &l, &text), 0);
        assert_int_equal(server_start(f->server), 0);
        snprintf(address, sizeof(address), "127.0.0.1:%u", listener_port(l));
        assert_int_equal(channel_new(f->event, address, NULL, &f->channel), 0);
        new_stub(f, -1, NULL);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        stub_free(f->stub);
        channel_free(f->channel);
        server_free(f->server);
        sd_event_unref(f->event);
        free(f->timestamp);
        free(f);
        return 0;
}

static RpcClass get_run(Fixture *f, const StubOptions *options, char **ret_detail, Run **ret)
{
        const RunRequest request = {.node_id = 1, .run_id = 42};
        RpcClass status;
        void *reply;

        assert_int_equal(stub_call_wait(f->stub, f->event, RPC_FLEET_GET_RUN, &request, options, NULL,
                                 &status, ret_detail, &reply),
                0);
        *ret = reply;
        return status;
}

static void test_reply(void **state)
{
        _cleanup_free_ char *detail = NULL;
        _cleanup_(run_freep) Run *run = NULL;

        assert_int_equal(get_run(*state, NULL, &detail, &run), RPC_OK);
        assert_non_null(run);
        assert_int_equal(run->run_id, 42);
        assert_string_equal(detail, "");
}

static void test_bad_reply(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *detail = NULL;
        _cleanup_(run_freep) Run *run = NULL;

        f->garbage = true;
        assert_int_equal(get_run(f, NULL, &detail, &run), RPC_INTERNAL);
        assert_non_null(strstr(detail, "GetRunResponse"));
        assert_null(run);
}

static void test_retry(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *detail = NULL;
        _cleanup_(run_freep) Run *run = NULL;

        f->n_unavailable = 1;
        assert_int_equal(get_run(f, NULL, &detail, &run), RPC_OK);
        assert_int_equal(f->n_calls, 2);
        assert_int_equal(f->n_retries, 1);
        assert_int_equal(f->n_recoveries, 1);
        assert_int_equal(run->run_id, 42);
}

static void test_no_retry(void **state)
{
        Fixture *f = *state;
        const StubOptions options = {.flags = STUB_NO_RETRY};
        _cleanup_free_ char *detail = NULL, *detail2 = NULL;
        _cleanup_(run_freep) Run *run = NULL, *run2 = NULL;

        f->n_unavailable = 2;
        assert_int_equal(get_run(f, &options, &detail, &run), RPC_UNAVAILABLE);
        assert_string_equal(detail, "busy");
        new_stub(f, 0, NULL);
        assert_int_equal(get_run(f, NULL, &detail2, &run2), RPC_UNAVAILABLE);
        assert_int_equal(f->n_calls, 2);
        assert_int_equal(f->n_retries, 0);
}

static void on_done(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Fixture *f = userdata;

        f->done = true;
        f->status = status;
}

static void test_deadline(void **state)
{
        Fixture *f = *state;
        const StubOptions options = {.timeout = 50 * USEC_PER_MSEC};
        _cleanup_free_ char *detail = NULL;
        _cleanup_(run_freep) Run *run = NULL;

        f->hold = true;
        assert_int_equal(get_run(f, &options, &detail, &run), RPC_DEADLINE_EXCEEDED);
}

static void test_cancel(void **state)
{
        Fixture *f = *state;
        const RunRequest request = {.run_id = 42};
        StubCall *call;

        f->hold = true;
        assert_int_equal(stub_call(f->stub, RPC_FLEET_GET_RUN, &request, NULL, on_done, f, &call), 0);
        while (!f->held)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
        assert_null(stub_call_cancel(call));
        while (f->n_cancelled == 0)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
        assert_false(f->done);
        assert_null(stub_call_cancel(NULL));
}

/* Also while it waits to be repeated. */
static void test_free_with_calls(void **state)
{
        Fixture *f = *state;
        const RunRequest request = {.run_id = 42};

        f->n_unavailable = 1;
        assert_int_equal(stub_call(f->stub, RPC_FLEET_GET_RUN, &request, NULL, on_done, f, NULL), 0);
        while (f->n_retries == 0)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
        assert_int_equal(stub_call(f->stub, RPC_FLEET_GET_RUN, &request, NULL, on_done, f, NULL), 0);
        f->stub = stub_free(f->stub);
        assert_true(sd_event_run(f->event, 10 * USEC_PER_MSEC) >= 0);
        assert_false(f->done);
}

/* A call that waits follows at once when another one succeeds. */
static void test_wake(void **state)
{
        Fixture *f = *state;
        const RunRequest request = {.run_id = 42};
        _cleanup_free_ char *detail = NULL;
        _cleanup_(run_freep) Run *run = NULL;

        f->n_unavailable = 1;
        assert_int_equal(stub_call(f->stub, RPC_FLEET_GET_RUN, &request, NULL, on_done, f, NULL), 0);
        while (f->n_retries == 0)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
        assert_int_equal(get_run(f, NULL, &detail, &run), RPC_OK);
        usec_t begin = now_monotonic();
        while (!f->done)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_SEC) > 0);
        assert_int_equal(f->status, RPC_OK);
        assert_true(now_monotonic() - begin < 500 * USEC_PER_MSEC);
}

static void on_log(void *message, void *userdata)
{
        Fixture *f = userdata;
        LogsReply *m = message;

        assert_true(m->latest_timestamp == f->n_messages);
        f->n_messages++;
}

static void test_stream(void **state)
{
        Fixture *f = *state;
        const RunRequest request = {.run_id = 42};
        const StubOptions options = {.on_message = on_log};
        _cleanup_free_ char *detail = NULL;
        RpcClass status;
        void *reply;

        assert_int_equal(stub_call_wait(f->stub, f->event, RPC_CONTROL_STREAM_LOGS, &request, &options, f,
                                 &status, &detail, &reply),
                0);
        assert_int_equal(status, RPC_OK);
        assert_int_equal(f->n_messages, 3);
        assert_null(reply);
}

static void test_signature(void **state)
{
        Fixture *f = *state;
        _cleanup_(node_key_freep) NodeKey *key = NULL;
        AuthSigner *signer;
        _cleanup_free_ char *detail = NULL;
        _cleanup_(run_freep) Run *run = NULL;

        assert_int_equal(node_key_generate(&key), 0);
        assert_int_equal(auth_signer_new(key, &signer), 0);
        new_stub(f, 0, signer);
        assert_int_equal(get_run(f, NULL, &detail, &run), RPC_OK);
        assert_non_null(f->timestamp);
        f->stub = stub_free(f->stub);
        auth_signer_free(signer);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_reply, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_reply, setup, teardown),
                cmocka_unit_test_setup_teardown(test_retry, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_retry, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
                cmocka_unit_test_setup_teardown(test_free_with_calls, setup, teardown),
                cmocka_unit_test_setup_teardown(test_wake, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signature, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
