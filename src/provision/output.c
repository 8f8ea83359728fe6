#include "provision/output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs-util.h"
#include "base/log.h"

int output_open(const char *dir, bool force, Output *ret)
{
        _cleanup_close_ int fd = -EBADF;
        char *copy;
        int r;

        r = mkdir_parents(dir, 0755);
        if (r < 0)
                return log_error_errno(r, "The directory \"%s\" cannot be made", dir);
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return log_error_errno(errno, "The directory \"%s\" cannot be opened", dir);
        do
                r = flock(fd, LOCK_EX) < 0 ? -errno : 0;
        while (r == -EINTR);
        if (r < 0)
                return log_error_errno(r, "The directory \"%s\" cannot be locked", dir);
        copy = strdup(dir);
        if (!copy)
                return log_oom();
        *ret = (Output){.dir = copy, .lock_fd = TAKE_FD(fd), .force = force};
        return 0;
}

void output_close(Output *o)
{
        if (!o->dir)
                return;
        safe_close(o->lock_fd);
        free(o->dir);
}

char *output_path(const Output *o, const char *name)
{
        return path_join(o->dir, name);
}

bool output_exists(const char *path)
{
        return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

int output_write(const char *path, const char *text, mode_t mode)
{
        int r;

        r = write_file_atomic(path, text, strlen(text), mode, true);
        if (r < 0)
                return log_error_errno(r, "\"%s\" cannot be written", path);
        log_info("Wrote %s", path);
        return 0;
}

int output_pair_wanted(const Output *o, const char *key_name, const char *certificate_name, OutputPair *ret)
{
        _cleanup_output_pair_ OutputPair p = {output_path(o, key_name), output_path(o, certificate_name)};
        bool key, certificate;

        if (!p.key_path || !p.certificate_path)
                return log_oom();
        key = output_exists(p.key_path);
        certificate = output_exists(p.certificate_path);
        if (key != certificate && !o->force) {
                log_error("\"%s\" is there without \"%s\"; nothing was changed. "
                          "Put the other one back, move this one away, or replace both with --force",
                        key ? p.key_path : p.certificate_path, key ? p.certificate_path : p.key_path);
                return -EEXIST;
        }
        *ret = p;
        p = (OutputPair){};
        return !key || o->force;
}

int output_pair_write(const Output *o, const OutputPair *p, const X509Pair *text)
{
        int r;

        r = output_write(p->key_path, text->key, 0600);
        if (r < 0)
                return r;
        r = output_write(p->certificate_path, text->certificate, 0644);
        if (r < 0 && !o->force)
                (void) unlink(p->key_path);
        return r;
}

static int read_pem(const char *path, char **ret)
{
        int r;

        r = read_text_file(path, X509_FILE_SIZE_MAX, ret);
        if (r == -EBADMSG || r == -EFBIG) {
                log_error("\"%s\" is not a PEM file", path);
                return -EKEYREJECTED;
        }
        return r < 0 ? log_error_errno(r, "\"%s\" cannot be read", path) : 0;
}

int output_pair_read(const OutputPair *p, X509Pair *ret)
{
        _cleanup_x509_pair_ X509Pair text = {};
        _cleanup_free_ char *error = NULL;
        int r;

        r = read_pem(p->certificate_path, &text.certificate);
        if (r >= 0)
                r = read_pem(p->key_path, &text.key);
        if (r < 0)
                return r;
        r = x509_pair_check(&text, &error);
        if (r < 0) {
                log_error("%s: %s, %s", error ? error : strerror(-r), p->certificate_path, p->key_path);
                return r;
        }
        *ret = text;
        text = (X509Pair){};
        return 0;
}

void output_pair_done(OutputPair *p)
{
        p->key_path = mfree(p->key_path);
        p->certificate_path = mfree(p->certificate_path);
}
