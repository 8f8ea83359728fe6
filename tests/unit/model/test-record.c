#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/context.h"
#include "model/record.h"

static Record *add(RecordDict *d, const char *name, RecordType type)
{
        Record *r = NULL;

        assert_int_equal(record_dict_add(d, name, type, &r), 0);
        return r;
}

static Value string_list(const char *a, const char *b)
{
        Value v = {.type = VALUE_STRING_LIST, .n = 2, .ss = new0(char *, 2)};

        v.ss[0] = strdup(a);
        v.ss[1] = strdup(b);
        return v;
}

static void test_dict(void **state)
{
        _cleanup_(record_dict_freep) RecordDict *d = record_dict_new();
        Record *r, *same;

        for (int i = 0; i < 20; i++) {
                char name[16];

                snprintf(name, sizeof(name), "r%d", i);
                add(d, name, i % 3);
        }
        assert_int_equal(record_dict_add(d, "r3", RECORD_ARRAY, &r), -EEXIST);
        assert_string_equal(record_dict_first(d, RECORD_METRIC)->name, "r1");
        record_dict_remove(d, "r1");
        record_dict_remove(d, "missing");
        assert_int_equal(d->n_records, 19);
        assert_string_equal(record_dict_first(d, RECORD_METRIC)->name, "r4");
        assert_null(record_dict_find(d, "r1"));
        same = add(d, "r1", RECORD_METRIC);
        assert_ptr_equal(record_dict_find(d, "r1"), same);
        assert_ptr_equal(d->records[19], same);
}

static void test_values(void **state)
{
        _cleanup_(record_dict_freep) RecordDict *d = record_dict_new(), *copy = NULL;
        Record *metrics = add(d, "m", RECORD_METRIC), *config = add(d, "c", RECORD_CONFIG);
        Value v;

        v = (Value){.type = VALUE_DOUBLE, .d = 0.5};
        assert_int_equal(record_set_value(metrics, "loss", &v), 0);
        v = (Value){.type = VALUE_BOOL, .b = true};
        assert_int_equal(record_set_value(metrics, "flag", &v), -EINVAL);
        v = (Value){.type = VALUE_STRING, .s = strdup("x")};
        assert_int_equal(record_set_value(metrics, "s", &v), -EINVAL);
        assert_null(v.s);
        assert_int_equal(metrics->n_items, 1);

        v = (Value){.type = VALUE_STRING, .s = strdup("x")};
        assert_int_equal(record_set_value(config, "s", &v), 0);
        v = string_list("a", "b");
        assert_int_equal(record_set_value(config, "l", &v), 0);
        v = (Value){.type = VALUE_BYTES, .bytes = blob_new("b", 1)};
        assert_int_equal(record_set_value(config, "s", &v), 0);
        v = (Value){.type = VALUE_SINT64_LIST, .n = 2, .is = new0(int64_t, 2)};
        v.is[1] = -5;
        assert_int_equal(record_set_value(config, "n", &v), 0);
        assert_int_equal(config->n_items, 3);
        assert_string_equal(config->items[0].key, "s");

        assert_int_equal(record_dict_copy(d, &copy), 0);
        config = record_dict_find(copy, "c");
        assert_int_equal(record_find(config, "s")->value.type, VALUE_BYTES);
        assert_string_equal(record_find(config, "l")->value.ss[1], "b");
        assert_int_equal(record_find(config, "n")->value.is[1], -5);
        assert_null(record_find(config, "loss"));
}

static void test_arrays(void **state)
{
        _cleanup_(record_dict_freep) RecordDict *d = record_dict_new(), *copy = NULL;
        Record *arrays = add(d, "a", RECORD_ARRAY), *config = add(d, "c", RECORD_CONFIG);

        for (int i = 0; i < 2; i++) {
                Array a = {.dtype = strdup("float32"), .stype = strdup("numpy.ndarray"), .n_dims = 1};

                a.shape = new0(int32_t, 1);
                a.shape[0] = i;
                a.data = blob_new("data", 4);
                assert_int_equal(record_set_array(i == 0 ? config : arrays, "w", &a), i == 0 ? -EINVAL : 0);
                assert_null(a.data);
        }
        assert_int_equal(record_set_value(arrays, "w", &(Value){.type = VALUE_DOUBLE}), -EINVAL);

        assert_int_equal(record_dict_copy(d, &copy), 0);
        const Array *one = &record_find(arrays, "w")->array;
        const Array *two = &record_find(record_dict_find(copy, "a"), "w")->array;
        assert_ptr_equal(one->data, two->data);
        assert_ptr_not_equal(one->shape, two->shape);
        assert_int_equal(two->shape[0], 1);
}

static void test_context(void **state)
{
        _cleanup_context_ Context c = {};

        assert_int_equal(context_init(&c, 7, 42), 0);
        assert_non_null(c.state);
        assert_int_equal(c.node_id, 42);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dict),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_arrays),
                cmocka_unit_test(test_context),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
