#include "cifar.h"

#include <archive.h>
#include <archive_entry.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cnn.h"

/* What an archive's member may have at most, by the same reason as DATASET_RECORDS_MAX. */
#define BATCH_RECORDS_MAX (DATASET_RECORDS_MAX / CIFAR_N_BATCHES)

extern char **environ;

static _printf_(3, 4) int fail(char **reterr_text, int error, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        if (vasprintf(reterr_text, format, ap) < 0)
                *reterr_text = NULL;
        va_end(ap);
        return error;
}

static void batches_done(Dataset (*batches)[CIFAR_N_BATCHES])
{
        for (size_t i = 0; i < CIFAR_N_BATCHES; i++)
                dataset_done(*batches + i);
}

static int join(const Dataset *batches, Dataset *ret)
{
        Dataset all = {};
        uint8_t *p;

        for (size_t i = 0; i < CIFAR_N_BATCHES; i++)
                all.n += batches[i].n;
        p = all.records = malloc(all.n * DATASET_RECORD);
        if (!p)
                return -ENOMEM;
        for (size_t i = 0; i < CIFAR_N_BATCHES; i++)
                p = mempcpy(p, batches[i].records, batches[i].n * DATASET_RECORD);
        *ret = all;
        return 0;
}

static int load_folder(const char *path, Dataset *batches, char **reterr_text)
{
        for (unsigned i = 0; i < CIFAR_N_BATCHES; i++) {
                char name[32];
                int r;

                snprintf(name, sizeof(name), "data_batch_%u.bin", i + 1);
                r = dataset_load(path, name, batches + i);
                if (r == -EBADMSG || r == -ENODATA)
                        return fail(reterr_text, -EBADMSG,
                                "%s/%s is not a file of CIFAR-10's binary version", path, name);
                if (r < 0)
                        return fail(reterr_text, r, "cannot read %s/%s: %s", path, name, strerror(-r));
        }
        return 0;
}

static int read_member(struct archive *a, struct archive_entry *entry, Dataset *ret)
{
        int64_t size = archive_entry_size(entry);
        _cleanup_free_ uint8_t *records = NULL;
        size_t n;

        if (size <= 0 || size % DATASET_RECORD != 0 || size / DATASET_RECORD > BATCH_RECORDS_MAX)
                return -EBADMSG;
        n = (size_t) size / DATASET_RECORD;
        records = malloc((size_t) size);
        if (!records)
                return -ENOMEM;
        if (archive_read_data(a, records, (size_t) size) != size)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++)
                if (records[i * DATASET_RECORD] >= CNN_CLASSES)
                        return -EBADMSG;
        *ret = (Dataset){.n = n, .records = TAKE_PTR(records)};
        return 0;
}

static inline void archive_read_freep(struct archive **a)
{
        archive_read_free(*a);
}

static int load_archive(const char *path, Dataset *batches, char **reterr_text)
{
        _cleanup_(archive_read_freep) struct archive *a = archive_read_new();
        struct archive_entry *entry;
        int r;

        if (!a)
                return -ENOMEM;
        archive_read_support_filter_gzip(a);
        archive_read_support_format_tar(a);
        if (archive_read_open_filename(a, path, 1 << 16) != ARCHIVE_OK)
                return fail(reterr_text, -EBADMSG, "cannot read %s: %s", path, archive_error_string(a));

        while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
                const char *name = archive_entry_pathname(entry), *slash = name ? strrchr(name, '/') : NULL;
                int end = 0;
                unsigned i;

                name = slash ? slash + 1 : name;
                if (!name || sscanf(name, "data_batch_%1u.bin%n", &i, &end) != 1 || end == 0 || name[end] ||
                        i < 1 || i > CIFAR_N_BATCHES || batches[i - 1].records)
                        continue;
                r = read_member(a, entry, batches + i - 1);
                if (r < 0)
                        return fail(reterr_text, r, "%s: %s is not a file of CIFAR-10's binary version",
                                path, name);
        }
        if (r != ARCHIVE_EOF)
                return fail(reterr_text, -EBADMSG, "cannot read %s: %s", path, archive_error_string(a));
        for (size_t i = 0; i < CIFAR_N_BATCHES; i++)
                if (!batches[i].records)
                        return fail(reterr_text, -ENOENT, "%s has no data_batch_%zu.bin", path, i + 1);
        return 0;
}

int cifar_load(const char *path, Dataset *ret, char **reterr_text)
{
        _cleanup_(batches_done) Dataset batches[CIFAR_N_BATCHES] = {};
        _cleanup_free_ char *below = NULL;
        struct stat st;
        int r;

        *reterr_text = NULL;
        if (stat(path, &st) < 0)
                return fail(reterr_text, -errno, "cannot read %s: %s", path, strerror(errno));
        if (asprintf(&below, "%s/cifar-10-batches-bin", path) < 0) {
                below = NULL;
                return -ENOMEM;
        }
        if (!S_ISDIR(st.st_mode))
                r = load_archive(path, batches, reterr_text);
        else
                r = load_folder(access(below, F_OK) == 0 ? below : path, batches, reterr_text);
        return r < 0 ? r : join(batches, ret);
}

int cifar_download(const char *path)
{
        /* No limit to the whole, which may take minutes on a slow line, but to a line on which nothing
         * moves. */
        const char *argv[] = {"curl", "--fail", "--location", "--silent", "--show-error",
                "--connect-timeout", "10", "--speed-limit", "1000", "--speed-time", "10", "--output", path,
                CIFAR_URL, NULL};
        int r, status = -1;
        pid_t pid;

        r = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *) argv, environ);
        if (r != 0)
                return -r;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (status == 0)
                return 0;
        unlink(path);
        return -EHOSTUNREACH;
}
