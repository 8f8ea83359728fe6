/* The memory image, and what the pieces of the store call of each other. Everything here lives in the core
 * thread.
 *
 * Object graph: an object's edges lead to children that were registered before it, so there are no cycles;
 * its height and size (as a tree) are kept within the limits of a legal tree, so that recursion over it is
 * bounded. A run holds an object through an ObjectHold; a run that holds an object holds everything below
 * it. */
#pragma once

#include "state/batch.h"
#include "state/seq-list.h"
#include "state/store.h"

typedef struct NodeEntry NodeEntry;
typedef struct RunEntry RunEntry;
typedef struct FabEntry FabEntry;
typedef struct ObjectEntry ObjectEntry;
typedef struct MessageEntry MessageEntry;
typedef struct Queue Queue;
typedef struct Writer Writer;

struct NodeEntry {
        StoreNode node;
        uint64_t seq;
        bool dirty;
        NodeEntry *prev, *next; /* dirty ones */
        UT_hash_handle by_id, by_key;
};

typedef struct LogEntry LogEntry;
struct LogEntry {
        LogEntry *prev, *next;
        usec_t at;
        size_t size;
        char text[];
};

struct RunEntry {
        Run run;
        uint64_t seq;
        FabEntry *fab;
        bool dirty;
        RunEntry *prev, *next; /* dirty ones */
        UT_hash_handle hh;

        char *token;
        ObjectId token_hash; /* looked up by its hash: the time that takes tells nothing of tokens that are
                                close */
        usec_t token_until;
        RunEntry *token_prev, *token_next;
        UT_hash_handle by_token;

        bool has_context;
        uint64_t context_generation; /* of the context's file, 0: in the row */
        Blob *context;               /* in memory only */
        usec_t log_latest;
        LogEntry *log; /* in memory only */
        size_t log_bytes;

        struct ObjectHold *holds;
        MessageEntry *messages;
};

struct FabEntry {
        ObjectId id;
        unsigned n_runs;
        Blob *content; /* NULL: in its file */
        UT_hash_handle hh;
};

typedef enum ObjectPlace {
        OBJECT_ABSENT,
        OBJECT_IN_ROW,
        OBJECT_IN_FILE,
        _OBJECT_PLACE_MAX,
} ObjectPlace;

typedef struct ObjectEdge ObjectEdge;
struct ObjectEdge {
        ObjectEntry *parent, *child;
        ObjectEdge *prev, *next; /* in the child's list of parents */
};

typedef struct ObjectHold ObjectHold;
struct ObjectHold {
        ObjectEntry *object;
        RunEntry *run;
        bool proven;      /* the run has pushed the content itself */
        bool root;        /* registered as the root of a tree */
        size_t n_missing; /* itself until proven, and edges to children that are not whole */
        ObjectHold *next; /* of the object */
        ObjectHold *run_prev, *run_next;
};

struct ObjectEntry {
        ObjectId id;
        uint64_t seq;
        UT_hash_handle hh;
        ObjectPlace place;
        unsigned height;
        size_t tree_size;
        size_t size;
        Blob *content;            /* NULL: in row or file */
        uint64_t batch;           /* that writes the content: until it is done the content must stay */
        ObjectEntry *prev, *next; /* those with content, most recently used first */
        ObjectEdge *parents;
        ObjectHold *holds;
        uint64_t visit; /* the walk that has seen it */
        ObjectEntry *next_dead;
        size_t n_children;
        ObjectEdge children[];
};

typedef enum MessageState {
        MESSAGE_PARKED, /* incomplete, confirmed, or a reply */
        MESSAGE_READY,
        MESSAGE_GIVEN,
} MessageState;

struct MessageEntry {
        StoreMessage m;
        uint64_t seq;
        RunEntry *run;
        MessageState state; /* which list of the queue it is in */
        Queue *queue;       /* a reply's: of its source */
        MessageEntry *prev, *next;
        MessageEntry *run_prev, *run_next;
        MessageEntry *partner; /* instruction of a reply, reply of an instruction */
        UT_hash_handle hh;
};

struct Queue {
        uint64_t id;
        MessageEntry *ready; /* oldest first */
        MessageEntry *given; /* instructions: delivered, not confirmed; replies of a source: not confirmed */
        size_t n_parked;     /* instructions that belong to it and are in neither list */
        UT_hash_handle hh;
};

struct Store {
        sd_event *event;
        StoreQueue queue_kind;
        uint64_t free_space_floor;
        StoreEvents events;
        uint64_t next_seq;

        NodeEntry *nodes, *nodes_by_key, *dirty_nodes;
        SeqList node_list;
        RunEntry *runs, *runs_by_token, *token_runs, *dirty_runs;
        SeqList run_list;
        FabEntry *fabs;
        ObjectEntry *objects, *recent;
        size_t recent_bytes;
        uint64_t visit;
        MessageEntry *messages;
        Queue *queues, *sources;

        Batch *pending;
        uint64_t batches_done;
        bool in_flight;
        bool closing;
        int failure; /* of a write; 0: none */
        sd_event_source *turn, *lazy, *expiry;
        usec_t space_checked_at;
        bool space_is_low;

        /* Of a store with directory; else NULL. */
        int lock_fd, database_lock_fd;
        Files *files;
        Db *reader;
        Writer *writer;
};

/* store.c */
int store_wait_new(StoreDone done, void *userdata, Waiting **ret);
void store_wait(Store *s, Waiting *w); /* takes w, which may be NULL */
/* The change has happened in the image: running out of memory here makes the store unhealthy. */
void store_write_values(Store *s, DbStatement statement, const DbValue *v, size_t n);
#define store_write(s, statement, ...)                                                                      \
        store_write_values((s), (statement), (DbValue[]){__VA_ARGS__},                                      \
                sizeof((DbValue[]){__VA_ARGS__}) / sizeof(DbValue))
void store_write_file(Store *s, const FileKey *key, Blob *content);
void store_unlink_file(Store *s, const FileKey *key);
void store_lazy(Store *s); /* something is dirty */
static inline bool store_is_durable(const Store *s)
{
        return !!s->writer;
}

/* store-node.c */
int node_insert(Store *s, NodeEntry *n); /* takes n, also on failure */
void node_write(Store *s, NodeEntry *n);
void nodes_free(Store *s);

/* store-run.c, store-token.c, store-log.c */
RunEntry *run_find(Store *s, uint64_t run_id);
int run_insert(Store *s, RunEntry *r);                 /* takes r, also on failure */
int run_set_fab(Store *s, RunEntry *r, Blob *content); /* content NULL: in its file or nowhere */
RunEntry *run_entry_free(RunEntry *r);                 /* the memory only */
DEFINE_CLEANUP(RunEntry *, run_entry_free);
void run_write(Store *s, RunEntry *r);
void run_mark_dirty(Store *s, RunEntry *r); /* to be written lazily */
void runs_free(Store *s);
int token_attach(Store *s, RunEntry *r, const char *token, usec_t until);
void token_detach(Store *s, RunEntry *r);
void context_write(Store *s, RunEntry *r, Blob *context);
void context_drop(Store *s, RunEntry *r);
void log_drop(Store *s, RunEntry *r);

/* store-object.c, store-tree.c */
#define STORE_CACHE_MAX                                                                                     \
        ((size_t) 268435456) /* contents kept in memory beyond need; files come back by the page cache */
ObjectEntry *object_find(Store *s, const ObjectId *id);
/* children: already in the store. */
int object_insert(Store *s, const ObjectId *id, uint64_t seq, ObjectEntry *const *children,
        size_t n_children, ObjectEntry **ret);
void object_keep_content(Store *s, ObjectEntry *o, Blob *content);
void object_trim_contents(Store *s);
ObjectHold *hold_find(const ObjectEntry *o, const RunEntry *r);
/* All children are held by the run. */
int hold_insert(Store *s, ObjectEntry *o, RunEntry *r, bool proven, bool root, ObjectHold **ret);
void hold_write(Store *s, const ObjectHold *h);
void hold_prove(Store *s, ObjectHold *h);
void object_drop_root(Store *s, RunEntry *r, const ObjectId *id);
void object_delete_unneeded(Store *s, ObjectEntry *o);
void run_drop_objects(Store *s, RunEntry *r);
bool object_is_below(Store *s, ObjectEntry *root, const ObjectEntry *o);
void objects_free(Store *s);

/* store-message.c, store-queue.c */
MessageEntry *message_find(Store *s, const ObjectId *id);
int message_insert(Store *s, MessageEntry *e); /* takes e, also on failure */
MessageEntry *message_entry_free(MessageEntry *e);
DEFINE_CLEANUP(MessageEntry *, message_entry_free);
bool message_has_expired(const MessageEntry *e, usec_t now);
void message_became_whole(Store *s, RunEntry *r, const ObjectId *id);
void message_write_state(Store *s, const MessageEntry *e);
void message_drop(Store *s, MessageEntry *e); /* an instruction goes with its reply */
void run_drop_messages(Store *s, RunEntry *r);
void messages_drop_expired(Store *s, usec_t now);
void messages_free(Store *s);
int queue_get(Queue **queues, uint64_t id, Queue **ret); /* makes it */
Queue *queue_find(Queue *queues, uint64_t id);
void queue_trim(Queue **queues, Queue *q); /* frees it when it is empty */
void queue_set_state(Store *s, MessageEntry *e, MessageState state);
void queue_mark_given(Store *s, MessageEntry *e, usec_t now);
bool message_make_ready(Store *s, MessageEntry *e); /* when it may be given (again) */
void queue_release(Store *s, uint64_t id);

/* load.c */
int store_load(Store *s, Db *db);
