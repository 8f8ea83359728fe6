/* Patterns of a .gitignore file, matched against paths of files relative to its directory.
 *
 * As Flower's builder reads them: every file is matched by itself, the last pattern that matches it or one
 * of its directories decides, so that "!" can bring back a file of an excluded directory (Git itself would
 * not look inside). Blank lines and
 * "#" lines are skipped. Supported: *, ?, [...], \x, leading and inner slash (anchored), trailing slash
 * (directories), **. */
#pragma once

#include "base/macro.h"

typedef struct GitIgnore GitIgnore;

/* A text that is not UTF-8 counts as empty. */
int gitignore_new(const char *text, size_t size, GitIgnore **ret);
GitIgnore *gitignore_free(GitIgnore *g);
DEFINE_CLEANUP(GitIgnore *, gitignore_free);

bool gitignore_match(const GitIgnore *g, const char *path, bool is_directory);
/* Whether something below a matched directory may still be wanted. */
bool gitignore_has_negation(const GitIgnore *g);
