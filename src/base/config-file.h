/* Configuration files of a program, read by the table of its flags.
 *
 * FILE is TOML, and so is every *.toml in the directory beside it ("superlink.toml" -> "superlink.d"), read
 * in the order of their names (by bytes); a missing directory is fine, and so is a missing FILE beside which
 * there are such files. Every key is the name of a flag without its dashes. A later file replaces what an
 * earlier one said, lists and tables as a whole. An empty string stands for the default. Tables are refused
 * but for rows with OPTION_TABLE, whose table is turned into the text that the flag takes: "a=1 b.c='x'" for
 * {a = 1, b = {c = "x"}}. */
#pragma once

#include "base/options-internal.h"

/* Settings of one program; the largest thing in them is a configuration of a node. */
#define CONFIG_FILE_SIZE_MAX 1048576
/* Drop-ins are written by hand or by a few packages. */
#define CONFIG_DROPINS_MAX 256
/* More than anybody reads at once. */
#define CONFIG_PROBLEMS_MAX 100
/* Items of a list in a file: key files, addresses. */
#define CONFIG_LIST_MAX 1024

/* args gets what the files say, except in rows whose origin is a flag; those are checked only. origins has
 * an item for each row of the table. All files are read, whatever is wrong with them: -EBADMSG
 * *reterr_problems has a line for each problem with file, line, key and what is allowed; nothing was changed
 *   -ENOMEM */
int config_files_load(
        const Program *p, const char *file, void *args, OptionOrigin *origins, char **reterr_problems);
/* "/etc/flwr/superlink.toml" -> "/etc/flwr/superlink.d"; NULL when out of memory or without that suffix,
 * which means that there is no directory. */
char *config_dropin_directory(const char *file);
