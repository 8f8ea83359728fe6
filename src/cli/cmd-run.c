#include <inttypes.h>
#include <json-c/json.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/log-stream.h"
#include "codec/record-codec.h"
#include "model/fab.h"

/* Genuine 1.24 and 1.25 insist on it, later releases refuse it. */
#define FEDERATION_FALLBACK "default"

typedef struct RunArgs {
        char **run_config, **federation_config;
        char *format;
        bool stream;
} RunArgs;

static void run_args_done(RunArgs *a)
{
        options_free_strings(a->run_config);
        options_free_strings(a->federation_config);
        free(a->format);
}

static const Option OPTIONS[] = {
        {OPTION_STRINGS, "run-config", 'c', .metavar = "KEY=VALUE", .offset = offsetof(RunArgs, run_config),
                .help = "Override values of [tool.flwr.app.config], as TOML: 'lr=0.1 name=\"x\"', or name a "
                        ".toml file. May be repeated."},
        {OPTION_STRINGS, "federation-config", .metavar = "KEY=VALUE",
                .offset = offsetof(RunArgs, federation_config),
                .help = "Replace connection settings. May be repeated."},
        {OPTION_FLAG, "stream", .offset = offsetof(RunArgs, stream),
                .help = "Follow the run's logs until it ends."},
        OPTION_FORMAT(RunArgs),
        {OPTION_END},
};

static const Program PROGRAM = {
        .name = "flwr run",
        .summary = "Run a Flower app on a SuperLink.",
        .description = "Bundles the app directory and starts a run of it. FEDERATION names a table of "
                       "[tool.flwr.federations] in "
                       "the app's pyproject.toml, or of [superlink] in ~/.flwr/config.toml; without it "
                       "their default is taken.",
        .positionals = "[APP] [FEDERATION]",
        .max_positionals = 2,
        .options = OPTIONS,
        .exit_status = "0 when the run was started, with --stream when it completed or the stream was "
                       "interrupted; 1 when, with "
                       "--stream, it failed or was stopped; otherwise a number of sysexits(3).",
        .examples = "  flwr run . local --stream\n  flwr run . -c 'num-server-rounds=5' --format json\n",
};

/* What is sent, and what is shown of it. */
typedef struct Start {
        StartRunRequest request;
        FabInfo info;
        char *fab_name;
        uint64_t run_id;
} Start;

static void start_done(Start *s)
{
        blob_unref(s->request.fab.content);
        blob_unref(s->request.federation_options);
        config_done(&s->request.override_config);
        free(s->request.federation);
        fab_info_done(&s->info);
        free(s->fab_name);
}

static int value_of(const Scalar *s, Value *ret)
{
        Value v = {};

        switch (s->type) {
        case SCALAR_DOUBLE:
                v = (Value){.type = VALUE_DOUBLE, .d = s->d};
                break;
        case SCALAR_SINT64:
                v = (Value){.type = VALUE_SINT64, .i = s->i};
                break;
        case SCALAR_BOOL:
                v = (Value){.type = VALUE_BOOL, .b = s->b};
                break;
        case SCALAR_STRING:
                v = (Value){.type = VALUE_STRING, .s = strdup(s->s)};
                if (!v.s)
                        return -ENOMEM;
                break;
        default:
                return -EINVAL; /* not in TOML */
        }
        *ret = v;
        return 0;
}

static int options_record(const Config *options, Record *ret)
{
        for (size_t i = 0; i < options->n; i++) {
                Value v;
                int r = value_of(&options->entries[i].value, &v);

                if (r >= 0)
                        r = record_set_value(ret, options->entries[i].key, &v);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* As Flower reads them to 1.27; later releases have another message there, so nothing is sent that was not
 * asked for. */
static int encode_options(const Config *options, Blob **ret)
{
        _cleanup_(record_dict_freep) RecordDict *dict = NULL;
        _cleanup_buf_ Buf b = {};
        Record *record;
        int r;

        if (options->n == 0)
                return 0;
        dict = record_dict_new();
        if (!dict)
                return -ENOMEM;
        if ((r = record_dict_add(dict, "options", RECORD_CONFIG, &record)) < 0 ||
                (r = options_record(options, record)) < 0 || (r = record_items_encode(record, &b)) < 0)
                return r;
        *ret = buf_steal_blob(&b);
        return *ret ? 0 : -ENOMEM;
}

/* A pair that was not recognised as one is silently nothing to Flower's grammar, and a key that the app does
 * not have fails the run after minutes, in a log. */
static int parse_run_config(char *const *strings, const Config *app, Config *ret, char **reterr_text)
{
        _cleanup_config_ Config parsed = {}, fused = {};
        _cleanup_free_ char *text = NULL;
        int r;

        for (size_t i = 0; strings[i]; i++) {
                char *const one[] = {strings[i], NULL};
                _cleanup_config_ Config pairs = {};

                r = config_parse_args(one, &pairs, reterr_text);
                if (r < 0)
                        return r;
                if (pairs.n > 0)
                        continue;
                *reterr_text = xasprintf(
                        "There is no key=value in --run-config '%s'. Write no blanks around the '='.",
                        strings[i]);
                return *reterr_text ? -EINVAL : -ENOMEM;
        }

        r = config_parse_args(strings, &parsed, reterr_text);
        if (r < 0)
                return r;
        r = config_fuse(app, &parsed, &fused, &text);
        if (r == -ENOENT) {
                *reterr_text = xasprintf(
                        "%s. Only values of [tool.flwr.app.config] in pyproject.toml can be overridden.",
                        text);
                return *reterr_text ? -EINVAL : -ENOMEM;
        }
        if (r < 0)
                return r;
        *ret = parsed;
        parsed = (Config){};
        return 0;
}

static int prepare(
        Start *s, const char *app, const RunArgs *args, const ConnConfig *conn, char **reterr_text)
{
        int r;

        r = fab_build(app, &s->request.fab.content, &s->info, reterr_text);
        if (r < 0)
                return r;
        s->request.fab.hash = s->info.hash;
        r = fab_file_name(&s->info, &s->fab_name);
        if (r < 0)
                return r;

        if (args->run_config) {
                r = parse_run_config(args->run_config, &s->info.manifest.config, &s->request.override_config,
                        reterr_text);
                if (r < 0)
                        return r;
        }
        s->request.federation = strdup(conn->federation);
        if (!s->request.federation)
                return -ENOMEM;
        return encode_options(&conn->options, &s->request.federation_options);
}

static bool wants_fallback(const Start *s, RpcClass status, const char *detail)
{
        return status == RPC_FAILED_PRECONDITION && isempty(s->request.federation) &&
               startswith(detail, "Federation '") && strstr(detail, "does not exist");
}

static int start(Remote *remote, Start *s)
{
        _cleanup_free_ char *detail = NULL;
        StartRunReply *reply = NULL;
        bool started = false;
        RpcClass status;
        int r;

        r = remote_try(remote, RPC_CONTROL_START_RUN, &s->request, &status, &detail, (void **) &reply);
        if (r >= 0 && wants_fallback(s, status, strempty(detail))) {
                detail = mfree(detail);
                r = free_and_strdup(&s->request.federation, FEDERATION_FALLBACK);
                if (r >= 0)
                        r = remote_try(remote, RPC_CONTROL_START_RUN, &s->request, &status, &detail,
                                (void **) &reply);
        }
        if (r < 0)
                return report_errno(remote->format, r, NULL);
        if (status != RPC_OK)
                return remote_report(remote, status, detail);

        if (reply) {
                started = reply->has_run_id;
                s->run_id = reply->run_id;
                rpc_free(RPC_START_RUN_RESPONSE, reply);
        }
        if (!started)
                return report_error(remote->format, EX_SOFTWARE,
                        "Failed to start run: the SuperLink at %s gave no reason. Its log has it.",
                        remote->conn.address);
        return 0;
}

static int print_json(const Start *s)
{
        const char *fab_id = s->info.manifest.fab_id;
        char id[24], hash[OBJECT_ID_HEX_MAX];
        const char *members[][2] = {
                {"run-id", id},
                {"fab-id", fab_id},
                {"fab-name", s->info.manifest.name},
                {"fab-version", s->info.manifest.version},
                {"fab-hash", object_id_format(&s->info.hash, hash)},
                {"fab-filename", s->fab_name},
        };
        Json *document = json_object_new_object();

        (void) snprintf(id, sizeof(id), "%" PRIu64, s->run_id);
        hash[FAB_HASH_PREFIX] = 0;
        if (document && json_object_object_add(document, "success", json_object_new_boolean(true)) < 0) {
                json_object_put(document);
                document = NULL;
        }
        for (size_t i = 0; document && i < ELEMENTSOF(members); i++)
                if (json_object_object_add(document, members[i][0], json_object_new_string(members[i][1])) <
                        0) {
                        json_object_put(document);
                        document = NULL;
                }
        return report_json(document);
}

static int run(int argc, char *argv[])
{
        _cleanup_(run_args_done) RunArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        _cleanup_(start_done) Start s = {};
        _cleanup_free_ char *text = NULL;
        const char *app;
        OutputFormat f;
        int r;

        r = options_parse(&PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        f = format_parse(args.format);
        app = positionals[0] ? positionals[0] : ".";

        report_line(f, "Loading project configuration... ");
        r = remote_open(&remote, f, app, positionals[0] ? positionals[1] : NULL, args.federation_config);
        if (r != 0)
                return r;
        r = prepare(&s, app, &args, &remote.conn, &text);
        if (r < 0)
                return report_errno(f, r, text);
        report_line(f, "Success");

        r = start(&remote, &s);
        if (r != 0)
                return r;
        report_line(f, "🎊 Successfully started run %" PRIu64, s.run_id);
        if (f == FORMAT_JSON) {
                r = print_json(&s);
                if (r != 0)
                        return r;
        }
        return args.stream ? log_stream(&remote, s.run_id) : 0;
}

const Command CMD_RUN = {"run", NULL, &PROGRAM, run};
