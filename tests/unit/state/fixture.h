/* A store with its loop, in memory or in a directory of its own, and small makers of what goes in. An
 * object's content in these tests is any text, its id the hash of it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/store.h"

typedef struct Fixture {
        sd_event *event;
        Store *store;
        StoreConfig config;
        char *directory; /* NULL: in memory */
        /* events so far, and the last one's subject */
        unsigned n_ready, n_replies, n_available, n_runs, n_logs, n_nodes;
        uint64_t last_queue, last_run, last_node;
        ObjectId last_instruction;
        unsigned n_done;
        int outcome;
} Fixture;

int fixture_setup_memory(void **state);
int fixture_setup_durable(void **state);
int fixture_setup_node(void **state); /* durable, queues by run */
int fixture_teardown(void **state);
void fixture_open(Fixture *f);
void fixture_reopen(Fixture *f); /* in memory: nothing happens */
/* Runs the loop until everything so far is durable. */
void fixture_settle(Fixture *f);
/* Until n_done has come to n. */
void fixture_wait(Fixture *f, unsigned n);
void fixture_done(int outcome, void *userdata); /* a StoreDone */

uint64_t make_run(Fixture *f, RunStatus status);
uint64_t make_node(Fixture *f, const char *key);
ObjectId id_of(const char *content);
Blob *big_content(const char *content, size_t size); /* the text, padded */
/* A tree of depth 2; ends with NULL. Free with object_tree_done(). */
ObjectTree make_tree(const char *root, ...) _sentinel_;
size_t preregister(Fixture *f, uint64_t run_id, const char *root, const char *child);
int put(Fixture *f, uint64_t run_id, const char *content);
/* Borrowed texts; no message_done(). */
Message make_instruction(uint64_t run_id, uint64_t node_id, const char *root);
Message make_reply(const Message *instruction, const char *root);
/* Registers, stores and pushes an instruction with one child. */
void send_instruction(Fixture *f, uint64_t run_id, uint64_t node_id, const char *root, const char *child);
