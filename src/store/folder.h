/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders and files beneath a folder: never through a symbolic link, never out of
 * it. What the parts of the store share. May wait for a disk.
 */
#ifndef SLUICE_STORE_FOLDER_H
#define SLUICE_STORE_FOLDER_H

#include <dirent.h>
#include <stdbool.h>

#include "base/limits.h"
#include "store/facts.h"
#include "store/sys.h"

/* A descriptor (O_CLOEXEC is added), or a negative errno; -ELOOP: a symbolic link. */
int folder_open_file(const struct store_sys *sys, int dir_fd, const char *path, int flags,
		     mode_t mode);
/* A folder, for reading. -ENOTDIR: something else, a symbolic link too. */
int folder_open(const struct store_sys *sys, int dir_fd, const char *path);
/* One component, made if it is not there; *is_made: by this call, also where it fails then.
 * -ENOENT: dir_fd itself was removed. */
int folder_open_or_make(const struct store_sys *sys, int dir_fd, const char *name, bool *is_made);

/* The next component of *rest, which moves behind it and its '/'. False: what is left of *rest is
 * the last. Of keys as s3_target_parse made them. */
bool folder_next(const char **rest, char name[KEY_COMPONENT_BYTES_MAX + 1]);
/* The folder that key is in, and the name that it has there. A descriptor; -ENOENT, -ENOTDIR: no
 * such folder. */
int folder_open_parent(const struct store_sys *sys, int bucket_fd, const char *key,
		       const char **leaf);
/* Removes the folders above key, deepest first, as long as they are empty and at least so many
 * folders down (1: all). Returns the deepest one that is left, open; or a negative errno. */
int folder_prune(const struct store_sys *sys, int bucket_fd, const char *key, unsigned least);

/* The names in a folder, once each, from where dir_fd stands; for the reader's life. */
struct folder_reader {
	const struct store_sys *sys;
	int dir_fd; /* borrowed */
	size_t used;
	size_t filled;
	unsigned char
		type; /* DT_... of the last name; DT_UNKNOWN where the file system tells none */
	_Alignas(struct dirent64) char entries[FOLDER_READ_BYTES];
};
void folder_reader_init(struct folder_reader *reader, const struct store_sys *sys, int dir_fd);
/* 1: *name is the next, until the next call; never "." or "..". 0: there are no more, or the folder
 * was removed. Or a negative errno. */
int folder_read(struct folder_reader *reader, const char **name);
/* The type (DT_...) of the last name, asked for where reader->type is unknown; DT_UNKNOWN: it is
 * gone. Or a negative errno. */
int folder_read_type(const struct folder_reader *reader, const char *name);

/*
 * Opens and locks (flock) the file that has this name now, so that no other writer replaces or
 * removes it until the descriptor is closed: what makes "only if it is still this one" one step,
 * for every server on the root. *facts: under the lock.
 * A descriptor; -ENOENT: none; -EISDIR; -ELOOP and others: it cannot be opened; -EAGAIN: another
 * has held the lock for too long.
 */
int folder_lock_file(const struct store_sys *sys, int dir_fd, const char *name,
		     struct facts *facts);
/* Opens and locks a file, or folder, at once. A descriptor; -EWOULDBLOCK: it is in use; or another
 * negative errno. */
int folder_try_lock(const struct store_sys *sys, int dir_fd, const char *path);

#endif
