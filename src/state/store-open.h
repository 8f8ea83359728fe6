/* Opening a store that is kept in a directory. */
#pragma once

#include "state/store-private.h"

/* Locks the directory, opens files and database, loads the image, starts the writer. What it has got when it
 * fails is freed with the store. */
int store_open_directory(Store *s, const StoreConfig *config, char **reterr_text);
