/* Federations as tables and as JSON. Functions return 0 or the status of a reported error. */
#pragma once

#include "cli/report.h"
#include "codec/rpc.h"

/* all: archived ones, too. */
int federations_print_table(const Federation *federations, size_t n, bool all);
int federations_print_json(const Federation *federations, size_t n);
/* Members, nodes and runs of one. */
int federation_print_details(const Federation *f, usec_t now);
int federation_print_json(const Federation *f, usec_t now);
