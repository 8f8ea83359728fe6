/* A copy of a store as it is at one moment, taken while its daemon goes on. */
#pragma once

/* Makes the directory target, on the file system of directory, with all that is in directory: the database
 * as of now, checked, and a link to every other file, none of which is ever changed in place. No more is
 * written into the store for as long as the linking takes, about a second for a hundred thousand files; its
 * daemon waits. Call it as the owner of the store: SQLite makes files beside the database.
 *
 * Errors have a text: -ENOENT no state.db, -EMEDIUMTYPE not one of ours, -EBUSY the daemon does not let go
 * of the database, -EBADMSG the database is damaged, -EXDEV files lie on another file system, and others;
 * target may be left behind, incomplete. */
int state_snapshot(const char *directory, const char *target, char **reterr_text);
