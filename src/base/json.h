/* JSON, only base and cli see json-c.
 *
 * Reading: a parsed document is a tree of borrowed pointers into the root. Writing: Python's json.dumps()
 * form, since object ids are hashes of these bytes. */
#pragma once

#include "base/buf.h"

typedef struct json_object Json;

/* Depth is limited to 32; trailing bytes and duplicate keys are -EBADMSG. */
int json_parse(const void *data, size_t size, Json **ret);
Json *json_unref(Json *j);
DEFINE_CLEANUP(Json *, json_unref);

int json_get_string(Json *j, const char **ret); /* -ENOENT when NULL, -EINVAL when of another type */
int json_get_i64(Json *j, int64_t *ret);
int json_get_double(Json *j, double *ret);        /* also from integers */
Json *json_member(Json *object, const char *key); /* NULL when missing or not an object */
size_t json_length(Json *j);                      /* items of an array, members of an object, else 0 */
Json *json_item(Json *array, size_t i);
/* Members in document order; returns false at the end. Start with *pos = NULL. */
bool json_next(Json *object, void **pos, const char **ret_key, Json **ret_value);

/* Appends "\"...\"" with non-ASCII as \uXXXX and surrogate pairs, as json.dumps() does. -EINVAL for bad
 * UTF-8. */
int json_append_quoted(Buf *b, const char *utf8);
