/* What the end of a call means to the person at the terminal. */
#pragma once

#include "base/rpc-error.h"
#include "cli/conn-config.h"

/* Gives the process status; *ret_text (NULL when out of memory) says what happened and what to do. */
int rpc_explain(RpcClass status, const char *detail, const ConnConfig *conn, char **ret_text);
