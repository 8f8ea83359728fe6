/* Builds documents for report_json(). After the first failure every call does nothing and the container is
 * NULL, so callers write straight lines; report_json() says what happened. Values are taken, also on
 * failure.
 */
#pragma once

#include "base/json.h"

void json_add(Json **object, const char *key, Json *value);
void json_add_string(Json **object, const char *key, const char *value);
void json_add_bool(Json **object, const char *key, bool value);
/* As a string: 64 bits do not survive every reader as numbers. */
void json_add_id(Json **object, const char *key, uint64_t id);
void json_append(Json **array, Json *value);
