#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cifar.h"
#include "cnn.h"
#include "dataset.h"
#include "random.h"
#include "training.h"

static int make_folder(void **state)
{
        char *folder = strdup("test-dataset.XXXXXX");

        *state = folder;
        return folder && mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
        _cleanup_free_ char *command = NULL;
        int r = asprintf(&command, "rm -r %s", (char *) *state);

        r = r < 0 || system(command) != 0 ? -1 : 0;
        free(*state);
        return r;
}

/* n records, all of label, followed by stray bytes. */
static void write_file(const char *folder, const char *name, size_t n, uint8_t label, size_t stray)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "we");
        assert_non_null(f);
        for (size_t i = 0; i < n * DATASET_RECORD + stray; i++)
                fputc(i % DATASET_RECORD == 0 ? label : (int) (i % 251), f);
        assert_int_equal(fclose(f), 0);
}

static void test_load(void **state)
{
        _cleanup_dataset_ Dataset d = {};

        write_file(*state, "good", 3, 7, 0);
        assert_int_equal(dataset_load(*state, "good", &d), 0);
        assert_int_equal(d.n, 3);
        assert_int_equal(d.records[2 * DATASET_RECORD], 7);
}

static void test_load_refuses(void **state)
{
        Dataset d = {};

        assert_int_equal(dataset_load(*state, "none", &d), -ENOENT);
        write_file(*state, "empty", 0, 0, 0);
        assert_int_equal(dataset_load(*state, "empty", &d), -ENODATA);
        write_file(*state, "cut", 2, 0, 100);
        assert_int_equal(dataset_load(*state, "cut", &d), -EBADMSG);
        write_file(*state, "label", 2, CNN_CLASSES, 0);
        assert_int_equal(dataset_load(*state, "label", &d), -EBADMSG);
        assert_null(d.records);
}

static void test_batch(void **state)
{
        uint8_t records[2 * DATASET_RECORD] = {3}, labels[2];
        Dataset d = {.n = 2, .records = records};
        static float images[2 * CNN_PIXELS];
        const uint32_t swapped[] = {1, 0};

        (void) state;
        records[1] = 255;
        records[DATASET_RECORD] = 8;
        records[2 * DATASET_RECORD - 1] = 51;
        dataset_batch(&d, swapped, 0, 2, images, labels);
        assert_int_equal(labels[0], 8);
        assert_int_equal(labels[1], 3);
        assert_true(images[0] == -1.0f && images[CNN_PIXELS] == 1.0f);
        assert_true(fabsf(images[CNN_PIXELS - 1] - -0.6f) < 1e-6f);
        dataset_batch(&d, NULL, 1, 1, images, labels);
        assert_int_equal(labels[0], 8);
}

static void test_cifar_folder(void **state)
{
        _cleanup_free_ char *why = NULL, *why_again = NULL;
        _cleanup_dataset_ Dataset d = {};
        char name[64];

        for (unsigned i = CIFAR_N_BATCHES; i >= 1; i--) {
                snprintf(name, sizeof(name), "data_batch_%u.bin", i);
                write_file(*state, name, i, (uint8_t) i, 0);
        }
        assert_int_equal(cifar_load(*state, &d, &why), 0);
        assert_int_equal(d.n, 1 + 2 + 3 + 4 + 5);
        assert_int_equal(d.records[0], 1);
        assert_int_equal(d.records[14 * DATASET_RECORD], 5);

        snprintf(name, sizeof(name), "%s/data_batch_3.bin", (char *) *state);
        unlink(name);
        assert_int_equal(cifar_load(*state, &d, &why_again), -ENOENT);
        assert_non_null(strstr(why_again, "data_batch_3.bin"));
}

/* The archive's order must not show: the same images in the same places. */
static void test_cifar_archive(void **state)
{
        _cleanup_dataset_ Dataset folder = {}, archive = {};
        _cleanup_free_ char *why = NULL, *command = NULL;
        char name[64];

        snprintf(name, sizeof(name), "%s/cifar-10-batches-bin", (char *) *state);
        assert_int_equal(mkdir(name, 0777), 0);
        for (unsigned i = 1; i <= CIFAR_N_BATCHES; i++) {
                snprintf(name, sizeof(name), "cifar-10-batches-bin/data_batch_%u.bin", i);
                write_file(*state, name, i, (uint8_t) i, 0);
        }
        assert_true(asprintf(&command,
                            "cd %s && tar -czf a.tar.gz cifar-10-batches-bin/data_batch_[54].bin "
                            "cifar-10-batches-bin/data_batch_[231].bin",
                            (char *) *state) > 0);
        assert_int_equal(system(command), 0);
        assert_int_equal(cifar_load(*state, &folder, &why), 0);
        snprintf(name, sizeof(name), "%s/a.tar.gz", (char *) *state);
        assert_int_equal(cifar_load(name, &archive, &why), 0);
        assert_int_equal(archive.n, folder.n);
        assert_memory_equal(archive.records, folder.records, folder.n * DATASET_RECORD);
}

static void test_shuffle(void **state)
{
        Random a = random_seeded(42, 1), b = random_seeded(42, 1), c = random_seeded(42, 2);
        uint32_t first[100], same[100], other[100];
        unsigned seen[100] = {};

        (void) state;
        for (uint32_t i = 0; i < 100; i++)
                first[i] = same[i] = other[i] = i;
        random_shuffle(&a, first, 100);
        random_shuffle(&b, same, 100);
        random_shuffle(&c, other, 100);
        assert_memory_equal(first, same, sizeof(first));
        assert_memory_not_equal(first, other, sizeof(first));
        for (size_t i = 0; i < 100; i++)
                seen[first[i]]++;
        for (size_t i = 0; i < 100; i++)
                assert_int_equal(seen[i], 1);
}

/* Learns: what the network cannot do before training it does after; and equal configurations give equal
 * models. */
static void test_training(void **state)
{
        const TrainingConfig config = {
                .seed = 42, .round = 1, .partition = 1, .epochs = 4, .learning_rate = 0.01f};
        _cleanup_dataset_ Dataset d = {};
        static float once[CNN_PARAMETERS];
        double loss, accuracy;

        (void) state;
        assert_int_equal(cifar_generate(42, &d), 0);
        d.n = 2000;
        for (int time = 0; time < 2; time++) {
                _cleanup_trainer_ Trainer t = {};

                assert_int_equal(trainer_init(&t, 32), 0);
                cnn_init(cnn_parameters(t.cnn), 42);
                assert_int_equal(trainer_fit(&t, &d, &config, &loss), 0);
                trainer_evaluate(&t, &d, &loss, &accuracy);
                assert_true(accuracy > 0.5);
                if (time == 0)
                        memcpy(once, cnn_parameters(t.cnn), sizeof(once));
                else
                        assert_memory_equal(once, cnn_parameters(t.cnn), sizeof(once));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_load, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_load_refuses, make_folder, remove_folder),
                cmocka_unit_test(test_batch),
                cmocka_unit_test_setup_teardown(test_cifar_folder, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_cifar_archive, make_folder, remove_folder),
                cmocka_unit_test(test_shuffle),
                cmocka_unit_test(test_training),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
