/* The Grid of a ServerApp: what the executor adds to <flwr/grid.h>. */
#pragma once

#include <flwr/grid.h>

#include "libflwr/app-io.h"

/* io must outlive the grid. */
int grid_new(AppIo *io, uint64_t run_id, flwr_grid **ret);
flwr_grid *grid_free(flwr_grid *g);
DEFINE_CLEANUP(flwr_grid *, grid_free);
/* What flwr_grid_fail() said last, or NULL; borrowed. */
const char *grid_failure(const flwr_grid *g);
