/* prepare_dataset [N] - deals CIFAR-10 out to N nodes, each with a training and a test part of its own. */
#include <getopt.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cifar.h"
#include "random.h"

/* Each node gets so many images at least; fewer teach nothing and make an empty test part possible. */
#define PARTITION_MIN 10

typedef struct Options {
        unsigned n_partitions;
        uint64_t seed;
        const char *cifar10, *out;
} Options;

static void help(FILE *f)
{
        fputs("Usage: prepare_dataset [N] [--cifar10 PATH] [--seed NUMBER] [--out FOLDER]\n"
              "\n"
              "Deals the training images of CIFAR-10 out to N nodes (default 2), at random and evenly, and\n"
              "each node's images into 80 % for training and 20 % for testing:\n"
              "FOLDER/cifar10_part_1/{train.bin,test.bin,info.txt}, FOLDER/cifar10_part_2/...\n"
              "\n"
              "  --cifar10 PATH  folder with data_batch_1.bin to data_batch_5.bin, or "
              "cifar-10-binary.tar.gz;\n"
              "                  without it the archive is fetched from " CIFAR_URL ",\n"
              "                  and if that fails, images are made up in the same format\n"
              "  --seed NUMBER   of the dealing (default 42)\n"
              "  --out FOLDER    default: datasets\n"
              "  -h, --help      this text\n",
                f);
}

static int parse_number(const char *text, uint64_t max, uint64_t *ret)
{
        unsigned long long v;
        char *end;

        errno = 0;
        v = strtoull(text, &end, 10);
        if (errno != 0 || *end || end == text || *text == '-' || v > max)
                return -EINVAL;
        *ret = v;
        return 0;
}

/* 0: go on; 1: help was printed. */
static int parse_options(int argc, char *argv[], Options *ret)
{
        static const struct option longs[] = {{"cifar10", required_argument, NULL, 'c'},
                {"seed", required_argument, NULL, 's'}, {"out", required_argument, NULL, 'o'},
                {"help", no_argument, NULL, 'h'}, {}};
        Options o = {.n_partitions = 2, .seed = 42, .out = "datasets"};
        uint64_t n;
        int c;

        while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1)
                switch (c) {
                case 'c':
                        o.cifar10 = optarg;
                        break;
                case 's':
                        if (parse_number(optarg, UINT64_MAX, &o.seed) < 0) {
                                fprintf(stderr, "prepare_dataset: --seed must be a number: %s\n", optarg);
                                return -EINVAL;
                        }
                        break;
                case 'o':
                        o.out = optarg;
                        break;
                case 'h':
                        help(stdout);
                        return 1;
                default:
                        return -EINVAL;
                }
        if (argc - optind > 1) {
                fprintf(stderr, "prepare_dataset: unexpected argument: %s\n", argv[optind + 1]);
                return -EINVAL;
        }
        if (optind < argc) {
                if (parse_number(argv[optind], DATASET_RECORDS_MAX, &n) < 0 || n == 0) {
                        fprintf(stderr, "prepare_dataset: number of nodes expected: %s\n", argv[optind]);
                        return -EINVAL;
                }
                o.n_partitions = (unsigned) n;
        }
        *ret = o;
        return 0;
}

/* *ret_source says in words what the images are (free()). */
static int obtain(const Options *o, Dataset *ret, char **ret_source)
{
        _cleanup_free_ char *archive = NULL, *why = NULL, *source = NULL;
        int r;

        if (asprintf(&archive, "%s/" CIFAR_ARCHIVE, o->out) < 0) {
                archive = NULL;
                return -ENOMEM;
        }
        if (o->cifar10 || access(archive, R_OK) == 0) {
                const char *path = o->cifar10 ?: archive;

                r = cifar_load(path, ret, &why);
                if (r < 0) {
                        fprintf(stderr, "prepare_dataset: %s\n", why ?: strerror(-r));
                        return r;
                }
                r = asprintf(&source, "CIFAR-10, from %s", path);
        } else {
                printf("Fetching " CIFAR_URL " ...\n");
                fflush(stdout);
                r = cifar_download(archive);
                if (r >= 0)
                        r = cifar_load(archive, ret, &why);
                if (r >= 0)
                        r = asprintf(&source, "CIFAR-10, from " CIFAR_URL);
                else {
                        printf("CIFAR-10 is not to be had (%s).\n", why
                                                                            ?: r == -ENOENT
                                                                               ? "no curl program"
                                                                               : "no download");
                        r = cifar_generate(o->seed, ret);
                        if (r < 0)
                                return r;
                        r = asprintf(&source, "made-up images, NOT CIFAR-10");
                }
        }
        if (r < 0) {
                source = NULL;
                return -ENOMEM;
        }
        *ret_source = TAKE_PTR(source);
        return 0;
}

static int make_folder(const char *path)
{
        return mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

/* Writes through a temporary name: a part that is there is whole. */
static int write_records(
        const char *folder, const char *name, const Dataset *d, const uint32_t *order, size_t n)
{
        char path[PATH_MAX], temporary[PATH_MAX];
        _cleanup_fclose_ FILE *f = NULL;
        int r = 0;

        if ((size_t) snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path) ||
                (size_t) snprintf(temporary, sizeof(temporary), "%s/.%s.part", folder, name) >=
                        sizeof(temporary))
                return -ENAMETOOLONG;
        f = fopen(temporary, "we");
        if (!f)
                return -errno;
        for (size_t i = 0; i < n; i++)
                if (fwrite(d->records + order[i] * (size_t) DATASET_RECORD, DATASET_RECORD, 1, f) != 1)
                        r = -EIO;
        if (fflush(f) != 0 && r == 0)
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                unlink(temporary);
        return r;
}

static int write_info(
        const char *folder, const Options *o, const char *source, unsigned i, size_t train, size_t test)
{
        _cleanup_fclose_ FILE *f = NULL;
        char path[PATH_MAX];

        if ((size_t) snprintf(path, sizeof(path), "%s/info.txt", folder) >= sizeof(path))
                return -ENAMETOOLONG;
        f = fopen(path, "we");
        if (!f)
                return -errno;
        fprintf(f, "source: %s\npartition: %u of %u\nseed: %ju\ntrain: %zu\ntest: %zu\n", source, i,
                o->n_partitions, (uintmax_t) o->seed, train, test);
        return fflush(f) != 0 ? -errno : 0;
}

static int deal(const Options *o, const Dataset *d, const char *source)
{
        Random random = random_seeded(o->seed, 0);
        _cleanup_free_ uint32_t *order = NULL;
        size_t first = 0;

        order = calloc(d->n, sizeof(*order));
        if (!order)
                return -ENOMEM;
        for (size_t i = 0; i < d->n; i++)
                order[i] = (uint32_t) i;
        random_shuffle(&random, order, d->n);

        for (unsigned i = 1; i <= o->n_partitions; i++) {
                size_t n = d->n / o->n_partitions + (i <= d->n % o->n_partitions), test = (n + 4) / 5;
                char folder[PATH_MAX];
                int r;

                if ((size_t) snprintf(folder, sizeof(folder), "%s/cifar10_part_%u", o->out, i) >=
                        sizeof(folder))
                        return -ENAMETOOLONG;
                if ((r = make_folder(folder)) < 0 ||
                        (r = write_records(folder, "train.bin", d, order + first, n - test)) < 0 ||
                        (r = write_records(folder, "test.bin", d, order + first + n - test, test)) < 0 ||
                        (r = write_info(folder, o, source, i, n - test, test)) < 0) {
                        fprintf(stderr, "prepare_dataset: cannot write %s: %s\n", folder, strerror(-r));
                        return r;
                }
                printf("%s: %zu images to train, %zu to test\n", folder, n - test, test);
                first += n;
        }
        return 0;
}

static int run(int argc, char *argv[])
{
        _cleanup_dataset_ Dataset d = {};
        _cleanup_free_ char *source = NULL;
        Options o;
        int r;

        r = parse_options(argc, argv, &o);
        if (r != 0)
                return r;
        r = make_folder(o.out);
        if (r < 0) {
                fprintf(stderr, "prepare_dataset: cannot make %s: %s\n", o.out, strerror(-r));
                return r;
        }
        r = obtain(&o, &d, &source);
        if (r < 0)
                return r;
        if (d.n / o.n_partitions < PARTITION_MIN) {
                fprintf(stderr, "prepare_dataset: %zu images are too few for %u nodes\n", d.n,
                        o.n_partitions);
                return -EINVAL;
        }
        printf("Images: %s (%zu)\n", source, d.n);
        return deal(&o, &d, source);
}

int main(int argc, char *argv[])
{
        return run(argc, argv) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
