/* The few settings that the generator needs, from a program's configuration file and its drop-ins.
 *
 * The rules are those of base/config-file.h; the program itself checks everything else. */
#pragma once

#include "base/macro.h"

/* The limits of base/config-file.h: what is beyond them, the program refuses. */
#define SETTINGS_FILE_SIZE_MAX 1048576
#define SETTINGS_DROPINS_MAX 256

typedef struct Setting {
        const char *key;
        char *value; /* NULL: nothing was said, or the default was asked for */
} Setting;

/* Reads FILE and FILE's directory. The file may be missing (-ENOENT only when there are no drop-ins either).
 * What is wrong with a file is -EBADMSG with *reterr_text; then no value may be used, since the program will
 * not start with that file. -ENOMEM. */
int settings_read(const char *file, Setting *settings, size_t n, char **reterr_text);
void settings_done(Setting *settings, size_t n);
