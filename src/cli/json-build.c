#include "cli/json-build.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

void json_add(Json **object, const char *key, Json *value)
{
        if (*object && value && json_object_object_add(*object, key, value) == 0)
                return;
        json_object_put(value);
        json_object_put(*object);
        *object = NULL;
}

void json_add_string(Json **object, const char *key, const char *value)
{
        json_add(object, key, value ? json_object_new_string(value) : NULL);
}

void json_add_bool(Json **object, const char *key, bool value)
{
        json_add(object, key, json_object_new_boolean(value));
}

void json_add_id(Json **object, const char *key, uint64_t id)
{
        char text[24];

        (void) snprintf(text, sizeof(text), "%" PRIu64, id);
        json_add_string(object, key, text);
}

void json_append(Json **array, Json *value)
{
        if (*array && value && json_object_array_add(*array, value) == 0)
                return;
        json_object_put(value);
        json_object_put(*array);
        *array = NULL;
}
