#include "state/store-private.h"

#include <endian.h>

#include "base/log.h"

/* Rows that do not fit together are damage: -EBADMSG. */
typedef int (*RowFunction)(Store *s, sqlite3_stmt *st);

static int for_rows(Store *s, Db *db, DbStatement statement, RowFunction f)
{
        sqlite3_stmt *st;
        int r;

        r = db_query(db, statement, NULL, 0, &st);
        while (r > 0) {
                r = f(s, st);
                if (r >= 0)
                        r = db_step(st);
        }
        db_end(st);
        return r;
}

static void seen_seq(Store *s, uint64_t seq)
{
        s->next_seq = MAX(s->next_seq, seq + 1);
}

static uint64_t column_u64(sqlite3_stmt *st, int column)
{
        return (uint64_t) sqlite3_column_int64(st, column);
}

/* ---- nodes ---- */

static int load_node(Store *s, sqlite3_stmt *st)
{
        NodeEntry *n = new0(NodeEntry, 1);
        StoreNode *d;
        int r, k;

        if (!n)
                return -ENOMEM;
        d = &n->node;
        d->node_id = column_u64(st, 0);
        n->seq = column_u64(st, 1);
        r = db_column_text(st, 2, &d->public_key);
        k = db_column_hash(st, 3, &d->fingerprint);
        r = r < 0 ? r : k;
        d->status = sqlite3_column_int(st, 4);
        k = db_column_text(st, 5, &d->owner_aid);
        r = r < 0 ? r : k;
        k = db_column_text(st, 6, &d->owner_name);
        r = r < 0 ? r : k;
        d->registered_at = column_u64(st, 7);
        d->last_activated_at = column_u64(st, 8);
        d->last_deactivated_at = column_u64(st, 9);
        d->unregistered_at = column_u64(st, 10);
        d->online_until = column_u64(st, 11);
        d->heartbeat_interval = sqlite3_column_double(st, 12);
        d->self_registered = sqlite3_column_int(st, 13);
        /* While we were away nobody could send a heartbeat. */
        if (d->status == NODE_ONLINE)
                d->online_until =
                        now_realtime() + seconds_to_usec(d->heartbeat_interval * NODE_HEARTBEAT_PATIENCE);
        seen_seq(s, n->seq);
        k = node_insert(s, n);
        return r < 0 ? r : k;
}

/* ---- runs ---- */

static int load_run_texts(RunEntry *e, sqlite3_stmt *st)
{
        const struct {
                int column;
                char **text;
        } texts[] = {
                {2, &e->run.fab_id},
                {3, &e->run.fab_version},
                {11, &e->run.details},
                {12, &e->run.flwr_aid},
                {13, &e->run.federation},
                {17, &e->run.run_type},
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                int r = db_column_text(st, texts[i].column, texts[i].text);

                if (r < 0)
                        return r;
        }
        return db_column_hash(st, 4, &e->run.fab_hash);
}

static int load_run(Store *s, sqlite3_stmt *st)
{
        _cleanup_(run_entry_freep) RunEntry *e = new0(RunEntry, 1);
        const char *token = (const char *) sqlite3_column_text(st, 18);
        RunEntry *added = e;
        Run *d;
        int r;

        if (!e)
                return -ENOMEM;
        d = &e->run;
        d->run_id = column_u64(st, 0);
        e->seq = column_u64(st, 1);
        d->pending_at = column_u64(st, 5);
        d->starting_at = column_u64(st, 6);
        d->running_at = column_u64(st, 7);
        d->finished_at = column_u64(st, 8);
        d->status = sqlite3_column_int(st, 9);
        d->sub_status = sqlite3_column_int(st, 10);
        d->bytes_sent = column_u64(st, 14);
        d->bytes_recv = column_u64(st, 15);
        d->clientapp_runtime = sqlite3_column_double(st, 16);
        e->log_latest = column_u64(st, 20);
        r = load_run_texts(e, st);
        if (r < 0)
                return r;
        seen_seq(s, e->seq);
        r = run_insert(s, TAKE_PTR(e));
        if (r < 0)
                return r;
        r = run_set_fab(s, added, NULL);
        if (r >= 0 && token)
                r = token_attach(s, added, token, column_u64(st, 19));
        return r;
}

static int load_scalar(sqlite3_stmt *st, Scalar *ret)
{
        Scalar v = {.type = sqlite3_column_int(st, 2)};
        int r = 0;

        switch (v.type) {
        case SCALAR_DOUBLE:
                v.d = sqlite3_column_double(st, 3);
                break;
        case SCALAR_UINT64:
                v.u = column_u64(st, 3);
                break;
        case SCALAR_SINT64:
                v.i = sqlite3_column_int64(st, 3);
                break;
        case SCALAR_BOOL:
                v.b = sqlite3_column_int(st, 3);
                break;
        case SCALAR_STRING:
                r = db_column_text(st, 3, &v.s);
                r = r < 0 || v.s ? r : -EBADMSG;
                break;
        case SCALAR_BYTES:
                r = db_column_blob(st, 3, &v.bytes);
                r = r < 0 || v.bytes ? r : -EBADMSG;
                break;
        case _SCALAR_TYPE_MAX:
        default:
                return -EBADMSG;
        }
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

static int load_config(Store *s, sqlite3_stmt *st)
{
        RunEntry *e = run_find(s, column_u64(st, 0));
        const char *key = (const char *) sqlite3_column_text(st, 1);
        Scalar v;
        int r;

        if (!e || !key)
                return -EBADMSG;
        r = load_scalar(st, &v);
        if (r < 0)
                return r;
        return config_set(&e->run.override_config, key, &v);
}

static int load_context(Store *s, sqlite3_stmt *st)
{
        RunEntry *e = run_find(s, column_u64(st, 0));

        if (!e)
                return -EBADMSG;
        e->has_context = true;
        e->context_generation = column_u64(st, 1);
        seen_seq(s, e->context_generation);
        return 0;
}

/* ---- objects ---- */

typedef struct SeqObject {
        uint64_t seq;
        ObjectEntry *object;
} SeqObject;

/* Children are named by sequence number; this finds them, since rows come in that order. */
typedef struct ObjectLoader {
        Store *s;
        SeqList by_seq;
} ObjectLoader;

static ObjectEntry *loaded_object(const ObjectLoader *l, uint64_t seq)
{
        size_t pos = seq;
        ObjectEntry *o = seq_list_next(&l->by_seq, &pos);

        return o && o->seq == seq ? o : NULL;
}

static int load_children(const ObjectLoader *l, sqlite3_stmt *st, ObjectEntry ***ret, size_t *ret_n)
{
        _cleanup_free_ ObjectEntry **children = NULL;
        const uint8_t *data = sqlite3_column_blob(st, 2);
        size_t size = (size_t) sqlite3_column_bytes(st, 2), n = size / sizeof(uint64_t);

        if (size % sizeof(uint64_t) != 0)
                return -EBADMSG;
        children = new0(ObjectEntry *, n);
        if (!children)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                uint64_t le;

                memcpy(&le, data + i * sizeof(le), sizeof(le));
                children[i] = loaded_object(l, le64toh(le));
                if (!children[i])
                        return -EBADMSG;
        }
        *ret = TAKE_PTR(children);
        *ret_n = n;
        return 0;
}

static int load_object(ObjectLoader *l, sqlite3_stmt *st)
{
        _cleanup_free_ ObjectEntry **children = NULL;
        uint64_t seq = column_u64(st, 0);
        size_t n_children;
        ObjectEntry *o;
        ObjectId id;
        int place, r;

        r = db_column_hash(st, 1, &id);
        if (r < 0)
                return r;
        r = load_children(l, st, &children, &n_children);
        if (r < 0)
                return r;
        place = sqlite3_column_int(st, 3);
        if (place < 0 || place >= _OBJECT_PLACE_MAX || object_find(l->s, &id))
                return -EBADMSG;
        r = object_insert(l->s, &id, seq, children, n_children, &o);
        if (r < 0)
                return r;
        o->place = place;
        o->size = (size_t) sqlite3_column_int64(st, 4);
        seen_seq(l->s, seq);
        return seq_list_append(&l->by_seq, seq, o);
}

static int load_objects(Store *s, Db *db)
{
        ObjectLoader l = {.s = s};
        sqlite3_stmt *st;
        int r;

        r = db_query(db, DB_OBJECTS, NULL, 0, &st);
        while (r > 0) {
                r = load_object(&l, st);
                if (r >= 0)
                        r = db_step(st);
        }
        db_end(st);
        seq_list_done(&l.by_seq);
        return r;
}

static bool keep_file(const FileKey *key, void *userdata)
{
        uint64_t run_id, generation;
        Store *s = userdata;
        RunEntry *r;

        if (key->kind == FILE_OBJECT) {
                ObjectEntry *o = object_find(s, &key->id);

                if (!o || o->place != OBJECT_IN_FILE)
                        return false;
                o->visit = s->visit;
                return true;
        }
        if (key->kind == FILE_FAB) {
                FabEntry *fab;

                HASH_FIND(hh, s->fabs, &key->id, sizeof(key->id), fab);
                return !!fab;
        }
        file_key_parse_context(key, &run_id, &generation);
        r = run_find(s, run_id);
        return r && r->context_generation == generation;
}

/* An object whose file somebody has taken away is asked for again. */
static int match_files(Store *s)
{
        ObjectEntry *o, *next;
        int r;

        s->visit++;
        r = files_sweep(s->files, keep_file, s);
        if (r < 0)
                return r;
        HASH_ITER (hh, s->objects, o, next)
                if (o->place == OBJECT_IN_FILE && o->visit != s->visit) {
                        char hex[OBJECT_ID_HEX_MAX];

                        log_debug("The file of object %s is missing", object_id_format(&o->id, hex));
                        o->place = OBJECT_ABSENT;
                }
        return 0;
}

static int load_hold(Store *s, sqlite3_stmt *st)
{
        RunEntry *e = run_find(s, column_u64(st, 2));
        ObjectEntry *o;
        ObjectId id;
        int r;

        r = db_column_hash(st, 1, &id);
        if (r < 0)
                return r;
        o = object_find(s, &id);
        if (!o || !e)
                return -EBADMSG;
        return hold_insert(s, o, e, sqlite3_column_int(st, 3) && o->place != OBJECT_ABSENT,
                sqlite3_column_int(st, 4), NULL);
}

/* ---- messages ---- */

static int load_metadata(Metadata *d, sqlite3_stmt *st)
{
        int r;

        d->run_id = column_u64(st, 2);
        d->src_node_id = column_u64(st, 3);
        d->dst_node_id = column_u64(st, 4);
        d->ttl = sqlite3_column_double(st, 7);
        d->created_at = sqlite3_column_double(st, 9);
        r = db_column_hash(st, 1, &d->message_id);
        if (r >= 0)
                r = db_column_hash(st, 5, &d->reply_to);
        if (r >= 0)
                r = db_column_text(st, 6, &d->group_id);
        if (r >= 0)
                r = db_column_text(st, 8, &d->message_type);
        return r;
}

static int load_message(Store *s, sqlite3_stmt *st)
{
        _cleanup_(message_entry_freep) MessageEntry *e = new0(MessageEntry, 1);
        Message *m;
        int r;

        if (!e)
                return -ENOMEM;
        m = &e->m.message;
        r = load_metadata(&m->metadata, st);
        if (r < 0)
                return r;
        m->has_content = sqlite3_column_int(st, 10);
        m->has_error = sqlite3_column_int(st, 11);
        m->error_code = sqlite3_column_int64(st, 12);
        r = db_column_text(st, 13, &m->error_reason);
        if (r < 0)
                return r;
        e->m.delivered_at = column_u64(st, 14);
        e->m.confirmed = sqlite3_column_int(st, 15);
        e->seq = column_u64(st, 0);
        e->run = run_find(s, m->metadata.run_id);
        if (!e->run || !m->metadata.group_id || !m->metadata.message_type)
                return -EBADMSG;
        seen_seq(s, e->seq);
        return message_insert(s, TAKE_PTR(e));
}

/* Only now it is known which have a reply. */
static void make_messages_ready(Store *s)
{
        MessageEntry *e, *next;

        HASH_ITER (hh, s->messages, e, next)
                if (e->state == MESSAGE_PARKED && object_id_is_none(&e->m.message.metadata.reply_to))
                        message_make_ready(s, e);
}

int store_load(Store *s, Db *db)
{
        static const struct {
                DbStatement statement;
                RowFunction f;
        } first[] = {{DB_NODES, load_node}, {DB_RUNS, load_run}, {DB_CONFIGS, load_config},
                {DB_CONTEXTS, load_context}},
          second[] = {{DB_HOLDS, load_hold}, {DB_MESSAGES, load_message}};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(first); i++)
                r = for_rows(s, db, first[i].statement, first[i].f);
        if (r >= 0)
                r = load_objects(s, db);
        if (r >= 0)
                r = match_files(s);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(second); i++)
                r = for_rows(s, db, second[i].statement, second[i].f);
        if (r < 0)
                return r;
        make_messages_ready(s);
        return 0;
}
