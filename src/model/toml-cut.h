/* Removes a table from the text of a TOML document and leaves every other byte as it is. */
#pragma once

#include "base/buf.h"

#define TOML_CUT_DEPTH_MAX 8

/* Appends text to ret without the tables, keys and sub-tables of path (NULL-terminated names, at most
 * TOML_CUT_DEPTH_MAX). The text must have been parsed before: what is said of malformed text is undefined,
 * but harmless. Not found: a table written as a value of a shorter key, "a = { b = { } }"; the caller parses
 * the result again. 0 or -ENOMEM. */
int toml_cut(const char *text, size_t size, const char *const *path, Buf *ret);
