#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/fs-util.h"
#include "model/fab-index.h"
#include "model/zip-writer.h"

#define PYPROJECT_HEAD                                                                                      \
        "[project]\nname = \"demo-app\"\nversion = \"1.2.3\"\n[tool.flwr.app]\npublisher = \"acme\"\n"
#define PYPROJECT                                                                                           \
        PYPROJECT_HEAD "[tool.flwr.app.components]\nserverapp = \"demo.app:server\"\nclientapp = "          \
                       "\"demo.app:client\"\n"

typedef struct Dir {
        char path[64];
} Dir;

static int setup(void **state)
{
        Dir *d = new0(Dir, 1);

        strcpy(d->path, "test-fab.XXXXXX");
        if (!d || !mkdtemp(d->path))
                return -1;
        *state = d;
        return 0;
}

static int teardown(void **state)
{
        Dir *d = *state;

        rm_rf(d->path);
        free(d);
        return 0;
}

static void put(const Dir *d, const char *name, const char *text)
{
        _cleanup_free_ char *path = path_join(d->path, name), *parent = strdup(path);

        *strrchr(parent, '/') = 0;
        assert_int_equal(mkdir_parents(parent, 0755), 0);
        assert_int_equal(write_file_atomic(path, text, strlen(text), 0644, false), 0);
}

/* Members are given as name, text, ..., NULL. CONTENT is made of those that come before it. */
static Blob *zip(const char *name, ...)
{
        _cleanup_zip_writer_ ZipWriter w = {};
        Blob *b;
        va_list ap;

        zip_writer_init(&w, FAB_SIZE_MAX);
        va_start(ap, name);
        for (; name; name = va_arg(ap, const char *)) {
                const char *text = va_arg(ap, const char *);

                assert_int_equal(zip_writer_add(&w, name, text, strlen(text)), 0);
        }
        va_end(ap);
        assert_int_equal(zip_writer_finish(&w, &b), 0);
        return b;
}

static void assert_refused(const Dir *d, Blob *fab_taken, int error, const char *text)
{
        _cleanup_blob_ Blob *fab = fab_taken;
        _cleanup_free_ char *reterr = NULL, *dir = NULL, *apps = path_join(d->path, "apps");

        assert_int_equal(fab_install(fab, d->path, &dir, NULL, &reterr), error);
        assert_non_null(reterr);
        if (!strstr(reterr, text))
                fail_msg("\"%s\" is not in \"%s\"", text, reterr);
        assert_null(dir);
        assert_int_equal(access(apps, F_OK), -1);
}

static void vector_app(const Dir *d)
{
        put(d, "README.md", "# hi\n");
        put(d, "demo/__init__.py", "");
        put(d, "demo/app.py", "server = 1\nclient = 2\n");
        put(d, "pyproject.toml",
                "[project]\nname = \"demo-app\"\nversion = \"1.2.3\"\ndescription = \"d\"\nlicense = "
                "\"Apache-2.0\"\n"
                "dependencies = [\n    \"flwr>=1.20\",\n    \"numpy\",\n]\n\n[tool.flwr.app]\npublisher = "
                "\"acme\"\n\n"
                "[tool.flwr.app.components]\nserverapp = \"demo.app:server\"\nclientapp = "
                "\"demo.app:client\"\n\n"
                "[tool.flwr.app.config]\nnum-server-rounds = 3\nlr = 0.1\nflag = true\nname = \"x\"\n\n"
                "[tool.flwr.app.config.sub]\nk = 1\n"
                "[tool.flwr.federations]\ndefault = \"a\"\n[tool.flwr.federations.a]\naddress = "
                "\"127.0.0.1:9093\"\n");
}

/* The bytes of genuine Flower 1.20 for the same app. */
static void test_build_vector(void **state)
{
        const Dir *d = *state;
        _cleanup_blob_ Blob *fab = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        _cleanup_free_ char *text = NULL, *name = NULL;
        char hex[OBJECT_ID_HEX_MAX];

        vector_app(d);
        assert_int_equal(fab_build(d->path, &fab, &info, &text), 0);
        assert_int_equal(fab->size, 1171);
        assert_string_equal(object_id_format(&info.hash, hex),
                "df8d7c626837221c770ec87d5ba37abc0eabf2b71f36875acd178a2519f96798");
        assert_string_equal(info.manifest.fab_id, "acme/demo-app");
        assert_int_equal(info.manifest.config.n, 5);
        assert_string_equal(info.native_triplets, "");
        assert_int_equal(fab_file_name(&info, &name), 0);
        assert_string_equal(name, "acme.demo-app.1-2-3.df8d7c62.fab");
}

static void test_build_selects(void **state)
{
        const Dir *d = *state;
        _cleanup_blob_ Blob *fab = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        _cleanup_fab_index_ FabIndex index = {};
        _cleanup_free_ char *text = NULL;
        static const char *const left_out[] = {"demo/test_x.py", "demo/__pycache__/a.py", ".flwr/a.py",
                "secret/a.py", "demo/data.bin", "demo/pyproject.toml", "demo/link.py", "sub/LICENSE",
                "native/t-two/other.so"};
        static const char *const taken[] = {"LICENSE", "demo/a.py", "demo/a.md", "secret/keep.py",
                "native/" FLWR_TRIPLET "/obj.so", "native/t-two/obj.so", "pyproject.toml", ".info/CONTENT"};

        for (size_t i = 0; i < ELEMENTSOF(left_out); i++)
                if (!endswith(left_out[i], "link.py"))
                        put(d, left_out[i], "x");
        for (size_t i = 0; i < ELEMENTSOF(taken) - 2; i++)
                put(d, taken[i], "x");
        put(d, ".gitignore", "*.so\nsecret/\n!secret/keep.py\n");
        put(d, "pyproject.toml",
                PYPROJECT_HEAD "[tool.flwr.app.native]\nserverapp = \"obj:s\"\nclientapp = \"obj:c\"\n");
        {
                _cleanup_free_ char *link = path_join(d->path, "demo/link.py");

                assert_int_equal(symlink("a.py", link), 0);
        }

        assert_int_equal(fab_build(d->path, &fab, &info, &text), 0);
        assert_true(info.has_native_serverapp);
        assert_true(info.has_native_clientapp);
        assert_null(info.manifest.serverapp);
        assert_string_equal(info.native_triplets, "t-two, " FLWR_TRIPLET);
        assert_int_equal(fab_index_read(fab, true, &index, &text), 0);
        assert_int_equal(fab_index_verify(&index, &text), 0);
        for (size_t i = 0; i < ELEMENTSOF(left_out); i++)
                assert_null(fab_index_find(&index, left_out[i]));
        for (size_t i = 0; i < ELEMENTSOF(taken); i++)
                assert_non_null(fab_index_find(&index, taken[i]));
        assert_int_equal(index.n, ELEMENTSOF(taken));
}

static void assert_build_fails(const Dir *d, int error, const char *expected)
{
        _cleanup_blob_ Blob *fab = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        _cleanup_free_ char *text = NULL;

        assert_int_equal(fab_build(d->path, &fab, &info, &text), error);
        if (!strstr(strempty(text), expected))
                fail_msg("\"%s\" is not in \"%s\"", expected, strempty(text));
}

static void test_build_refuses(void **state)
{
        const Dir *d = *state;

        assert_build_fails(d, -ENOENT, "There is no pyproject.toml");
        put(d, "pyproject.toml", "[project]\nname = 1\n");
        assert_build_fails(d, -EINVAL, "pyproject.toml:2: \"name\" in [project] must be a string\n");
        assert_build_fails(d, -EINVAL, "Property \"version\" missing in [project]\n");
        assert_build_fails(d, -EINVAL, "Missing [tool.flwr.app] section");
        put(d, "pyproject.toml", PYPROJECT);
        assert_build_fails(d, -EINVAL, "no file of an app");
        put(d, "a,b.py", "");
        assert_build_fails(d, -EINVAL, "\"a,b.py\" cannot be put into a FAB");
        put(d, ".gitignore", "a,b.py");
        put(d, "e\xcc\x81.py", "");
        assert_build_fails(d, -EINVAL, "composed Unicode form");
        put(d, ".gitignore", "a,b.py\ne*.py");
        put(d, "x.py", "");
        put(d, "pyproject.toml",
                PYPROJECT_HEAD "[tool.flwr.app.native]\nserverapp = \"obj:s\"\nclientapp = \"obj:c\"\n");
        assert_build_fails(d, -EINVAL, "compile the app first");
        put(d, "pyproject.toml",
                "tool = { flwr = { federations = { default = \"a\" }, app = { publisher = \"p\", "
                "components = { serverapp = \"a:b\", clientapp = \"a:b\" } } } }\nproject = { name = "
                "\"n\", version = \"1\" }\n");
        assert_build_fails(d, -EINVAL, "inline table");
}

static void test_manifest_names_are_file_names(void **state)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_manifest_ AppManifest m = {};
        const char *bad = "[project]\nname = \"../x\"\nversion = \"1\"\n[tool.flwr.app]\npublisher = \"a\"\n"
                          "[tool.flwr.app.components]\nserverapp = \":b\"\nclientapp = \"a:\"\n";

        (void) state;
        assert_int_equal(app_manifest_parse(bad, strlen(bad), "p", &m, &text), -EINVAL);
        assert_non_null(strstr(text, "p:2: \"name\" in [project] becomes part of file names"));
        assert_non_null(strstr(text, "p:7: Missing module"));
        assert_non_null(strstr(text, "p:8: Missing attribute"));
}

static void test_install(void **state)
{
        const Dir *d = *state;
        _cleanup_blob_ Blob *fab = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        _cleanup_free_ char *text = NULL, *dir = NULL, *again = NULL, *file = NULL, *contents = NULL,
                            *info_dir = NULL;

        put(d, "src/pyproject.toml", PYPROJECT);
        put(d, "src/demo/\xc3\xa9.py", "x = 1\n");
        file = path_join(d->path, "src");
        assert_int_equal(fab_build(file, &fab, &info, &text), 0);
        assert_int_equal(fab_install(fab, d->path, &dir, NULL, &text), 0);
        assert_non_null(strstr(dir, "/apps/acme.demo-app.1.2.3."));

        free(file);
        file = path_join(dir, "demo/\xc3\xa9.py");
        assert_int_equal(read_text_file(file, 100, &contents), 0);
        assert_string_equal(contents, "x = 1\n");
        info_dir = path_join(dir, ".info");
        assert_int_equal(access(info_dir, F_OK), -1);

        /* Used as it is the second time. */
        assert_int_equal(unlink(file), 0);
        assert_int_equal(fab_install(fab, d->path, &again, NULL, &text), 0);
        assert_string_equal(again, dir);
        assert_int_equal(access(file, F_OK), -1);
}

#define X_LINE(name) name ",2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881,8\n" /* "x" */

static void test_install_refuses(void **state)
{
        const Dir *d = *state;

        assert_refused(d, zip("pyproject.toml", PYPROJECT, "../x", "x", FAB_CONTENT, X_LINE("../x"), NULL),
                -EBADMSG, "not a plain path");
        assert_refused(d,
                zip("pyproject.toml", PYPROJECT, "a/../x", "x", FAB_CONTENT, X_LINE("a/../x"), NULL),
                -EBADMSG, "not a plain path");
        assert_refused(d, zip("pyproject.toml", PYPROJECT, "/x", "x", FAB_CONTENT, X_LINE("/x"), NULL),
                -EBADMSG, "not a plain path");
        assert_refused(d, zip("pyproject.toml", PYPROJECT, "a//x", "x", FAB_CONTENT, "", NULL), -EBADMSG,
                "not a plain path");
        assert_refused(
                d, zip("pyproject.toml", PYPROJECT, "dir/", "", FAB_CONTENT, "", NULL), -EBADMSG, "dir");
        assert_refused(d,
                zip("pyproject.toml", PYPROJECT, "x", "x", "x", "y", FAB_CONTENT, X_LINE("x"), NULL),
                -EBADMSG, "\"x\" is twice");
        assert_refused(d, zip("pyproject.toml", PYPROJECT, "x", "y", FAB_CONTENT, X_LINE("x"), NULL),
                -EBADMSG, "\"x\" is not the file");
        assert_refused(d, zip("pyproject.toml", PYPROJECT, FAB_CONTENT, X_LINE("x"), NULL), -EBADMSG,
                "\"x\" is listed");
        assert_refused(
                d, zip("pyproject.toml", PYPROJECT, FAB_CONTENT, "x,y\n", NULL), -EBADMSG, "A line of");
        assert_refused(d, zip("pyproject.toml", PYPROJECT, "x", "x", NULL), -EBADMSG, "no .info/CONTENT");
        assert_refused(d, zip("x", "x", FAB_CONTENT, X_LINE("x"), NULL), -EBADMSG, "no pyproject.toml");
        assert_refused(
                d, zip("pyproject.toml", "[project]", FAB_CONTENT, "", NULL), -EINVAL, "Property \"name\"");
        assert_refused(d, blob_new("PK", 2), -EBADMSG, "not a sound ZIP");
}

/* A file where another member needs a directory: found only while unpacking. */
static void test_install_leaves_nothing(void **state)
{
        const Dir *d = *state;
        _cleanup_blob_ Blob *fab = zip("pyproject.toml", PYPROJECT, "x", "x", "x/y", "x", FAB_CONTENT,
                X_LINE("x") X_LINE("x/y"), NULL);
        _cleanup_free_ char *dir = NULL, *text = NULL, *apps = path_join(d->path, "apps");

        assert_int_equal(fab_install(fab, d->path, &dir, NULL, &text), -ENOTDIR);
        assert_non_null(strstr(text, "\"x/y\""));
        assert_int_equal(rmdir(apps), 0);
}

static void test_install_refuses_links(void **state)
{
        const Dir *d = *state;
        Blob *fab = zip("pyproject.toml", PYPROJECT, "x", "x", FAB_CONTENT, X_LINE("x"), NULL);
        uint8_t *data;
        Blob *changed = blob_alloc(fab->size, &data);
        static const uint8_t regular[] = {0, 0, 0x80, 0x01};

        memcpy(data, fab->data, fab->size);
        for (uint8_t *p = data; (p = memmem(p, (size_t) (data + fab->size - p), regular, sizeof(regular)));
                p += 4)
                p[3] = 0xa1; /* S_IFLNK | 0600 */
        assert_refused(d, changed, -EBADMSG, "is not a regular file");
        blob_unref(fab);
}

static void add_zeros(struct archive *a, const char *name, size_t size)
{
        struct archive_entry *e = archive_entry_new();
        _cleanup_free_ char *zeros = calloc(1, 1 << 20);

        archive_entry_set_pathname(e, name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_size(e, (int64_t) size);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        for (size_t i = 0; i < size; i += 1 << 20)
                assert_true(archive_write_data(a, zeros, MIN(size - i, (size_t) 1 << 20)) > 0);
        archive_entry_free(e);
}

static Blob *zip_of_zeros(const char *name, size_t size)
{
        const size_t max = 2 << 20;
        struct archive *a = archive_write_new();
        char *buf = malloc(max);
        size_t used;

        assert_int_equal(archive_write_set_format_zip(a), ARCHIVE_OK);
        assert_int_equal(archive_write_set_options(a, "zip:compression-level=1"), ARCHIVE_OK);
        assert_int_equal(archive_write_open_memory(a, buf, max, &used), ARCHIVE_OK);
        if (!streq(name, "pyproject.toml")) {
                struct archive_entry *e = archive_entry_new();

                archive_entry_set_pathname(e, "pyproject.toml");
                archive_entry_set_filetype(e, AE_IFREG);
                archive_entry_set_size(e, strlen(PYPROJECT));
                archive_write_header(a, e);
                archive_write_data(a, PYPROJECT, strlen(PYPROJECT));
                archive_entry_free(e);
                add_zeros(a, FAB_CONTENT, 0);
        }
        add_zeros(a, name, size);
        assert_int_equal(archive_write_free(a), ARCHIVE_OK);
        return blob_take(buf, used);
}

static void test_bombs(void **state)
{
        const Dir *d = *state;

        assert_refused(d, zip_of_zeros("pyproject.toml", FAB_PYPROJECT_SIZE_MAX + 1), -EBADMSG,
                "\"pyproject.toml\" in");
        assert_refused(
                d, zip_of_zeros("x", FAB_UNPACKED_SIZE_MAX + 1), -EBADMSG, "The FAB unpacks to more than");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_build_vector, setup, teardown),
                cmocka_unit_test_setup_teardown(test_build_selects, setup, teardown),
                cmocka_unit_test_setup_teardown(test_build_refuses, setup, teardown),
                cmocka_unit_test(test_manifest_names_are_file_names),
                cmocka_unit_test_setup_teardown(test_install, setup, teardown),
                cmocka_unit_test_setup_teardown(test_install_refuses, setup, teardown),
                cmocka_unit_test_setup_teardown(test_install_leaves_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_install_refuses_links, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bombs, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
