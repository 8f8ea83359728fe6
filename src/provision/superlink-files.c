#include "provision/superlink-files.h"

#include <unistd.h>

#include "base/log.h"
#include "base/message-ids.h"
#include "base/options.h"
#include "model/ssh-key.h"
#include "provision/names.h"

#define SMALL_FILE_MAX 4096 /* mark */

static const char *const files[] = {PLACE_SERVER_CERTIFICATE, PLACE_SERVER_KEY, PLACE_NEXT_CA, PLACE_LINK,
        PLACE_CA_CERTIFICATE, PLACE_CA_KEY, PLACE_NAMES, PLACE_SAN, PLACE_MACHINE};

int superlink_files_load(const Place *p, SuperlinkFiles *ret)
{
        _cleanup_superlink_files_ SuperlinkFiles f = {.place = p, .now = now_realtime()};
        const struct {
                const char *path;
                size_t max;
                char **text;
        } rows[] = {
                {PLACE_CA_KEY, X509_FILE_SIZE_MAX, &f.ca_key},
                {PLACE_CA_CERTIFICATE, X509_FILE_SIZE_MAX, &f.bundle},
                {PLACE_SERVER_KEY, X509_FILE_SIZE_MAX, &f.server_key},
                {PLACE_SERVER_CERTIFICATE, X509_FILE_SIZE_MAX, &f.server_chain},
                {PLACE_NEXT_CA, X509_FILE_SIZE_MAX, &f.next},
                {PLACE_LINK, X509_FILE_SIZE_MAX, &f.link},
                {PLACE_MACHINE, SMALL_FILE_MAX, &f.mark},
                {PLACE_SAN, NAMES_FILE_SIZE_MAX, &f.san},
                {PLACE_NAMES, NAMES_FILE_SIZE_MAX, &f.names_text},
        };
        int r;

        r = place_group(p, PLACE_SUPERLINK_USER, &f.group);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(files); i++)
                place_remove_leftover(p, files[i]);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(rows); i++)
                r = place_read(p, rows[i].path, rows[i].max, rows[i].text);
        if (r < 0)
                return r;
        f.joined = place_is_joined(p, "superlink");
        *ret = f;
        f = (SuperlinkFiles){};
        return 0;
}

void superlink_files_done(SuperlinkFiles *f)
{
        x509_pair_done(&f->ca);
        f->ca_key = wipe_free(f->ca_key);
        f->server_key = wipe_free(f->server_key);
        f->next = wipe_free(f->next);
        f->bundle = mfree(f->bundle);
        f->link = mfree(f->link);
        f->server_chain = mfree(f->server_chain);
        f->mark = mfree(f->mark);
        f->san = mfree(f->san);
        f->names_text = mfree(f->names_text);
        options_free_strings(f->names);
        f->names = NULL;
}

static int refuse_half(const char *there, const char *missing)
{
        log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_REFUSED},
                "There is %s, but neither %s nor %s: nothing was changed. Put the missing one there, or "
                "move "
                "this one away and have everything made anew",
                there, missing, PLACE_CA_KEY);
        return -EEXIST;
}

int superlink_own_certificate(const SuperlinkFiles *f)
{
        X509Pair own = {f->server_key, f->server_chain};
        _cleanup_free_ char *error = NULL;
        int r;

        if (f->ca_key)
                return 0;
        if (!f->server_key && !f->server_chain)
                return f->bundle ? refuse_half(PLACE_CA_CERTIFICATE, PLACE_SERVER_CERTIFICATE) : 0;
        if (!f->server_key || !f->server_chain)
                return refuse_half(f->server_key ? PLACE_SERVER_KEY : PLACE_SERVER_CERTIFICATE,
                        f->server_key ? PLACE_SERVER_CERTIFICATE : PLACE_SERVER_KEY);
        r = x509_pair_check(&own, &error);
        if (r < 0) {
                log_with(LOG_ERR, &(LogFields){.message_id = FLWR_MESSAGE_CERTIFICATE_REFUSED}, "%s: %s, %s",
                        error ? error : strerror(-r), PLACE_SERVER_KEY, PLACE_SERVER_CERTIFICATE);
                return r;
        }
        if (!f->bundle)
                log_warning("There is no %s. It must hold the certificate of the CA that signed %s",
                        PLACE_CA_CERTIFICATE, PLACE_SERVER_CERTIFICATE);
        return 1;
}

int superlink_mend_access(const SuperlinkFiles *f)
{
        const struct {
                const char *path;
                mode_t mode;
                gid_t group;
        } rows[] = {
                {PLACE_CA_KEY, 0600, (gid_t) -1},
                {PLACE_CA_CERTIFICATE, 0644, (gid_t) -1},
                {PLACE_SERVER_KEY, 0640, f->group},
                {PLACE_SERVER_CERTIFICATE, 0644, (gid_t) -1},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(rows); i++)
                r = place_mend_access(f->place, rows[i].path, rows[i].mode, rows[i].group);
        return r;
}

void superlink_forget_joined(const Place *p)
{
        _cleanup_close_ int fd = place_open_state(p, "superlink", NULL);

        if (fd >= 0)
                (void) unlinkat(fd, PLACE_JOINED, 0);
}

int superlink_remove(SuperlinkFiles *f)
{
        /* The CA's key last: see above. */
        static const char *const keys[] = {PLACE_COPIED, PLACE_SERVER_CERTIFICATE, PLACE_SERVER_KEY,
                PLACE_CA_CERTIFICATE, PLACE_NEXT_CA, PLACE_LINK, PLACE_CA_KEY};
        bool names = f->names_text && f->san && streq(f->names_text, f->san);
        int r = 0;

        if (names) {
                r = place_remove(f->place, PLACE_NAMES);
                if (r >= 0)
                        r = place_remove(f->place, PLACE_SAN);
                f->names_text = mfree(f->names_text);
                f->san = mfree(f->san);
        }
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(keys); i++)
                r = place_remove(f->place, keys[i]);
        f->server_chain = mfree(f->server_chain);
        f->server_key = wipe_free(f->server_key);
        f->bundle = mfree(f->bundle);
        f->link = mfree(f->link);
        f->next = wipe_free(f->next);
        f->ca_key = wipe_free(f->ca_key);
        return r;
}
