/* The texts of the database: its migrations and its statements. */
#pragma once

#include "state/db.h"

/* Item i brings a database of version i to version i + 1; ends with NULL. Never changed once released. */
extern const char *const db_migrations[];
#define DB_VERSION 1 /* number of migrations */
extern const char *const db_statements[_DB_STATEMENT_MAX];
