/* Archives as a hub gets them from anybody who may start runs. */
#include "fuzz.h"
#include "model/fab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_fab_info_ FabInfo info = {0};
        _cleanup_free_ char *error = NULL, *name = NULL;
        _cleanup_blob_ Blob *fab = blob_new(data, size);

        fuzz_check(fab);
        if (fab_inspect(fab, &info, &error) < 0) {
                fuzz_check(error);
                return 0;
        }
        fuzz_check(info.manifest.publisher && info.manifest.name && info.manifest.version);
        fuzz_check(fab_file_name(&info, &name) == 0);
        return 0;
}
