/* The subcommands of flwr-provision: each is a Program (flags, help) and a function that does it.
 *
 * A function returns 0, or -errno after it has logged what went wrong; main makes a sysexits number of it.
 */
#pragma once

#include "base/options.h"
#include "base/time-util.h"

/* Of all subcommands: one struct, so that the manual page can show all their flags. */
typedef struct Arguments {
        char *dir;
        char *ca_dir;
        char *common_name;
        char **names;
        uint64_t days;
        uint64_t count;
        char *prefix;
        char *list;
        bool force;
        char *root;
        bool rotate, adopt, rotate_ca, local;
        char *until, *ttl, *name, *address, *node;
        uint64_t uses;
} Arguments;

void arguments_done(Arguments *a);

typedef struct Command {
        const char *name;
        const Program *program;
        int (*run)(const Arguments *a, char **positionals);
        /* "NAME@INSTANCE" is this command, too; the instance is its first positional. */
        bool has_instances;
} Command;

extern const Program program_ca, program_server, program_node_keys, program_show, program_superlink,
        program_supernode, program_invite, program_join, program_reset, program_backup, program_restore;

int command_ca(const Arguments *a, char **positionals);
int command_server(const Arguments *a, char **positionals);
int command_node_keys(const Arguments *a, char **positionals);
int command_show(const Arguments *a, char **positionals);
int command_superlink(const Arguments *a, char **positionals);
int command_supernode(const Arguments *a, char **positionals);
int command_invite(const Arguments *a, char **positionals);
int command_join(const Arguments *a, char **positionals);
int command_reset(const Arguments *a, char **positionals);
int command_backup(const Arguments *a, char **positionals);
int command_restore(const Arguments *a, char **positionals);

/* Rows of the tables; put together by main for the manual page, where nothing is needed. */
#define ROW_DIR(text, needed)                                                                               \
        {                                                                                                   \
                OPTION_STRING, "dir", .metavar = "DIR", .help = text, .offset = offsetof(Arguments, dir),   \
                                      .flags = needed                                                       \
        }
#define ROW_DAYS(text)                                                                                      \
        {                                                                                                   \
                OPTION_UINT, "days", .metavar = "N", .fallback = text,                                      \
                                     .help = "How long the certificate is valid.",                          \
                                     .offset = offsetof(Arguments, days)                                    \
        }
#define ROW_FORCE                                                                                           \
        {                                                                                                   \
                OPTION_FLAG, "force",                                                                       \
                        .help = "Replace files that are there already. Without it they are kept.",          \
                        .offset = offsetof(Arguments, force)                                                \
        }

#define CA_DAYS "3650"
#define ROWS_CA(needed)                                                                                     \
        ROW_DIR("Where ca.key and ca.crt are put; made if needed.", needed), ROW_DAYS(CA_DAYS),             \
                {OPTION_STRING, "common-name", .metavar = "NAME",                                           \
                        .fallback = "\"Flower CA\" and a random suffix",                                    \
                        .help = "Name of the CA, for people.", .offset = offsetof(Arguments, common_name)}, \
                ROW_FORCE

#define SERVER_DAYS "397"
#define ROWS_SERVER(needed)                                                                                 \
        ROW_DIR("Where server.key and server.pem are put; made if needed.", needed),                        \
                {OPTION_STRING, "ca", .metavar = "DIR", .fallback = "the same as --dir",                    \
                        .help = "Where ca.key and ca.crt are.", .offset = offsetof(Arguments, ca_dir)},     \
                {OPTION_STRINGS, "name", .metavar = "NAME",                                                 \
                        .fallback = "localhost, this host's name, 127.0.0.1, ::1 and 0.0.0.0",              \
                        .help = "DNS name or IP address that nodes and users connect to. Can be given "     \
                                "more "                                                                     \
                                "than once; then only these names are in the certificate.",                 \
                        .offset = offsetof(Arguments, names)},                                              \
                ROW_DAYS(SERVER_DAYS), ROW_FORCE

#define NODE_KEYS_PREFIX "client_credentials_"
#define ROWS_NODE_KEYS(needed)                                                                              \
        ROW_DIR("Where the keys are put; made if needed.", needed),                                         \
                {OPTION_UINT, "count", .metavar = "N", .fallback = "1",                                     \
                        .help = "How many keys, numbered from 1.", .offset = offsetof(Arguments, count)},   \
                {OPTION_STRING, "prefix", .metavar = "NAME", .fallback = NODE_KEYS_PREFIX,                  \
                        .help = "Name of the files, before the number.",                                    \
                        .offset = offsetof(Arguments, prefix)},                                             \
                {OPTION_STRING, "list", .metavar = "FILE",                                                  \
                        .help = "Also keep a list of the public keys in this file (below --dir when "       \
                                "relative), "                                                               \
                                "as flower-superlink --auth-list-public-keys takes it. Keys are added to "  \
                                "a list "                                                                   \
                                "that is there already.",                                                   \
                        .offset = offsetof(Arguments, list)},                                               \
        {                                                                                                   \
                OPTION_FLAG, "force",                                                                       \
                        .help = "Make new keys also where there are some, and a new list. Without it, "     \
                                "keys "                                                                     \
                                "that are there are kept, and missing ones are made.",                      \
                        .offset = offsetof(Arguments, force)                                                \
        }

#define ROW_ROOT                                                                                            \
        {                                                                                                   \
                OPTION_STRING, "root", .metavar = "DIR", .fallback = "the running system",                  \
                                       .help = "Work below this directory, for building images.",           \
                                       .offset = offsetof(Arguments, root)                                  \
        }
#define ROW_ROTATE(text)                                                                                    \
        {                                                                                                   \
                OPTION_FLAG, "rotate", .help = text, .offset = offsetof(Arguments, rotate)                  \
        }
#define ROW_ADOPT                                                                                           \
        {                                                                                                   \
                OPTION_FLAG, "adopt",                                                                       \
                        .help = "This machine goes on with the keys of the one that it is a copy of, "      \
                                "which is gone.",                                                           \
                        .offset = offsetof(Arguments, adopt)                                                \
        }

#define ROWS_SUPERLINK                                                                                      \
        ROW_ROOT, ROW_ROTATE("Make everything anew, the CA too: all nodes must join again."), ROW_ADOPT,    \
                {OPTION_FLAG, "rotate-ca",                                                                  \
                        .help = "Prepare a change of the CA. From now on ca.crt holds the old one and the " \
                                "new one; on the day of --until the new one takes over. The old one signs " \
                                "it: nodes and users that trust the old one trust it, too, and SuperNodes " \
                                "of this kind keep it for when the old one has ended. Others need ca.crt "  \
                                "by then.",                                                                 \
                        .offset = offsetof(Arguments, rotate_ca)},                                          \
        {                                                                                                   \
                OPTION_STRING, "until", .metavar = "YYYY-MM-DD",                                            \
                                        .help = "The day (UTC) on which the new CA takes over. A day that " \
                                                "has begun: at once. Again with another day: moves it.",    \
                                        .offset = offsetof(Arguments, until)                                \
        }

#define ROWS_SUPERNODE ROW_ROOT, ROW_ROTATE("Make a new key: a new node, which must join again."), ROW_ADOPT

#define INVITE_TTL "24h"
#define INVITE_USES "1"
#define ROWS_INVITE                                                                                         \
        {OPTION_STRING, "ttl", .metavar = "TIME", .fallback = INVITE_TTL,                                   \
                .help = "How long it is good: a number and m, h or d (minutes, hours, days).",              \
                .offset = offsetof(Arguments, ttl)},                                                        \
                {OPTION_UINT, "uses", .metavar = "N", .fallback = INVITE_USES,                              \
                        .help = "How many nodes may use it.", .offset = offsetof(Arguments, uses)},         \
                {OPTION_STRING, "name", .metavar = "NAME", .help = "For whom it is: a note for the log.",   \
                        .offset = offsetof(Arguments, name)},                                               \
                {OPTION_STRING, "address", .metavar = "HOST:PORT",                                          \
                        .fallback = "the first public name in /etc/flwr/tls/names, port 9092",              \
                        .help = "Where nodes reach this SuperLink.",                                        \
                        .offset = offsetof(Arguments, address)},                                            \
                ROW_ROOT

#define ROWS_JOIN                                                                                           \
        {OPTION_STRING, "node", .metavar = "supernode[@NAME]", .fallback = "supernode",                     \
                .help = "Which SuperNode of this host joins.", .offset = offsetof(Arguments, node)},        \
                {OPTION_FLAG, "local",                                                                      \
                        .help = "Join the SuperLink of this host: makes an invitation and uses it.",        \
                        .offset = offsetof(Arguments, local)},                                              \
                {OPTION_STRING, "address", .metavar = "HOST:PORT", .fallback = "localhost:9092",            \
                        .help = "With --local: the SuperLink's address.",                                   \
                        .offset = offsetof(Arguments, address)},                                            \
                ROW_ROOT

#define ROWS_RESET                                                                                          \
        ROW_ROOT,                                                                                           \
        {                                                                                                   \
                OPTION_FLAG, "force",                                                                       \
                        .help = "Also where somebody has joined with these keys, which are lost then.",     \
                        .offset = offsetof(Arguments, force)                                                \
        }

#define ROWS_BACKUP ROW_ROOT

#define ROWS_RESTORE                                                                                        \
        ROW_ROOT,                                                                                           \
        {                                                                                                   \
                OPTION_FLAG, "force",                                                                       \
                        .help = "Also where nodes have joined the SuperLink of this host, which is lost "   \
                                "then.",                                                                    \
                        .offset = offsetof(Arguments, force)                                                \
        }
