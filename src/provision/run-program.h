/* Other programs of the host, as an administrator would call them. */
#pragma once

#include "provision/place.h"

/* argv[0] is looked for on PATH. output: its standard output, or -1: ours, or where ours is the backup's,
 * nothing else may go. 0 when it ended with status 0; else logged, -EIO. */
int run_program(const char *const argv[], int output);
/* In a child that has become the account, if we are root; for work in a directory that a daemon controls.
 * The function logs its errors. 0, or -EIO. */
int run_as(const Account *account, int (*function)(void *userdata), void *userdata);
