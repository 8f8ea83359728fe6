#pragma once

#include <sys/types.h>

#include "base/macro.h"

/* Starts a program in which no signal is blocked or ignored. With output >= 0 that becomes its standard
 * output and error, and it leads a session of its own. */
int spawn_program(const char *program, char *const argv[], char *const env[], int output, pid_t *ret);
