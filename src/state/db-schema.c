#include "state/db-schema.h"

/* 64-bit ids and times are kept as two's complement. Objects, runs, nodes and messages carry the sequence
 * number of the image: their order, and for objects the name by which parents know their children (8 bytes
 * each, little-endian). */
const char *const db_migrations[] = {
        "CREATE TABLE node (node_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, public_key TEXT NOT NULL,"
        " fingerprint BLOB NOT NULL UNIQUE, status INTEGER NOT NULL, owner_aid TEXT, owner_name TEXT,"
        " registered_at INTEGER NOT NULL, last_activated_at INTEGER NOT NULL, last_deactivated_at INTEGER "
        "NOT NULL,"
        " unregistered_at INTEGER NOT NULL, online_until INTEGER NOT NULL, heartbeat_interval REAL NOT NULL,"
        " self_registered INTEGER NOT NULL) STRICT;"
        "CREATE TABLE run (run_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, fab_id TEXT, fab_version TEXT,"
        " fab_hash BLOB NOT NULL, pending_at INTEGER NOT NULL, starting_at INTEGER NOT NULL, running_at "
        "INTEGER NOT NULL,"
        " finished_at INTEGER NOT NULL, status INTEGER NOT NULL, sub_status INTEGER NOT NULL, details TEXT, "
        "flwr_aid TEXT,"
        " federation TEXT, bytes_sent INTEGER NOT NULL, bytes_recv INTEGER NOT NULL, clientapp_runtime REAL "
        "NOT NULL,"
        " run_type TEXT, token TEXT, token_until INTEGER NOT NULL) STRICT;"
        "CREATE TABLE run_config (run_id INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL,"
        " type INTEGER NOT NULL, value ANY, PRIMARY KEY (run_id, position)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE context (run_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, content BLOB) "
        "STRICT;"
        "CREATE TABLE log (run_id INTEGER NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL) STRICT;"
        "CREATE UNIQUE INDEX log_of_run ON log (run_id, at);"
        "CREATE TABLE object (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, children BLOB NOT NULL,"
        " place INTEGER NOT NULL, size INTEGER NOT NULL, content BLOB) STRICT;"
        "CREATE TABLE object_run (object INTEGER NOT NULL, run_id INTEGER NOT NULL, proven INTEGER NOT NULL,"
        " root INTEGER NOT NULL, PRIMARY KEY (object, run_id)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE message (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, run_id INTEGER NOT NULL,"
        " src_node_id INTEGER NOT NULL, dst_node_id INTEGER NOT NULL, reply_to BLOB NOT NULL, group_id "
        "TEXT, ttl REAL NOT NULL,"
        " type TEXT, created_at REAL NOT NULL, has_content INTEGER NOT NULL, has_error INTEGER NOT NULL,"
        " error_code INTEGER NOT NULL, error_reason TEXT, delivered_at INTEGER NOT NULL, confirmed INTEGER "
        "NOT NULL) STRICT;"
        "CREATE TABLE touched (one INTEGER PRIMARY KEY, times INTEGER NOT NULL) STRICT;"
        "INSERT INTO touched VALUES (1, 0);",
        NULL,
};

const char *const db_statements[_DB_STATEMENT_MAX] = {
        [DB_NODE_PUT] = "INSERT OR REPLACE INTO node VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [DB_NODE_DELETE] = "DELETE FROM node WHERE node_id = ?",
        [DB_RUN_PUT] = "INSERT OR REPLACE INTO run VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [DB_RUN_DELETE] = "DELETE FROM run WHERE run_id = ?",
        [DB_CONFIG_PUT] = "INSERT OR REPLACE INTO run_config VALUES (?,?,?,?,?)",
        [DB_CONFIG_DELETE] = "DELETE FROM run_config WHERE run_id = ?",
        [DB_CONTEXT_PUT] = "INSERT OR REPLACE INTO context VALUES (?,?,?)",
        [DB_CONTEXT_DELETE] = "DELETE FROM context WHERE run_id = ?",
        [DB_LOG_PUT] = "INSERT INTO log VALUES (?,?,?)",
        [DB_LOG_DELETE] = "DELETE FROM log WHERE run_id = ?",
        [DB_OBJECT_PUT] = "INSERT INTO object VALUES (?,?,?,0,0,NULL)",
        [DB_OBJECT_CONTENT] = "UPDATE object SET place = ?2, size = ?3, content = ?4 WHERE seq = ?1",
        [DB_OBJECT_DELETE] = "DELETE FROM object WHERE seq = ?",
        [DB_HOLD_PUT] = "INSERT OR REPLACE INTO object_run VALUES (?,?,?,?)",
        [DB_HOLD_DELETE] = "DELETE FROM object_run WHERE object = ?",
        [DB_HOLD_DROP] = "DELETE FROM object_run WHERE object = ? AND run_id = ?",
        [DB_MESSAGE_PUT] = "INSERT INTO message VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [DB_MESSAGE_STATE] = "UPDATE message SET delivered_at = ?1, confirmed = ?2 WHERE seq = ?3",
        [DB_MESSAGE_DELETE] = "DELETE FROM message WHERE seq = ?",
        [DB_TOUCH] = "UPDATE touched SET times = times + 1",
        [DB_CONTEXT_GET] = "SELECT generation, content FROM context WHERE run_id = ?",
        [DB_LOG_GET] = "SELECT at, text FROM log WHERE run_id = ? AND at > ? ORDER BY at",
        [DB_OBJECT_GET] = "SELECT content FROM object WHERE seq = ?",
        [DB_NODES] = "SELECT * FROM node ORDER BY seq",
        [DB_RUNS] =
                "SELECT *, (SELECT MAX(at) FROM log WHERE log.run_id = run.run_id) FROM run ORDER BY seq",
        [DB_CONFIGS] = "SELECT run_id, key, type, value FROM run_config ORDER BY run_id, position",
        [DB_CONTEXTS] = "SELECT run_id, generation FROM context",
        [DB_OBJECTS] = "SELECT seq, id, children, place, size FROM object ORDER BY seq",
        [DB_HOLDS] = ("SELECT object_run.object, object.id, object_run.run_id, proven, root"
                      " FROM object_run JOIN object ON object.seq = object_run.object ORDER BY "
                      "object_run.object"),
        [DB_MESSAGES] = "SELECT * FROM message ORDER BY seq",
};
