#include "provision/machine.h"

#include "model/hash.h"

#define MACHINE_ID_FILE_MAX 4096
/* Sets the hash apart from others that other programs make of the same id. */
#define SALT "flwr-provision machine "

void machine_hash(const char *id, char ret[static MACHINE_SIZE])
{
        size_t n = strcspn(id, " \t\r\n");
        _cleanup_free_ char *text = NULL;
        ObjectId hash;

        if (n == strlen("uninitialized") && startswith(id, "uninitialized"))
                n = 0;
        text = xasprintf(SALT "%.*s", (int) n, id);
        sha256(strempty(text), strlen(strempty(text)), &hash);
        object_id_format(&hash, ret);
}

int machine_current(const Place *p, char ret[static MACHINE_SIZE])
{
        _cleanup_free_ char *id = NULL;
        int r;

        r = place_read(p, "/etc/machine-id", MACHINE_ID_FILE_MAX, &id);
        if (r >= 0)
                machine_hash(strempty(id), ret);
        return r;
}

MachineState machine_state(const char *mark, const char *current, bool has_keys, bool joined)
{
        if (!mark || !has_keys)
                return MACHINE_UNMARKED;
        if (strcspn(mark, "\r\n") == strlen(current) && startswith(mark, current))
                return MACHINE_SAME;
        return joined ? MACHINE_COPY : MACHINE_FRESH;
}
