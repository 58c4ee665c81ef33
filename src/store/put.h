/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object on its way into the store: a file without a name is filled, and then
 * appears under its key at once, whole and on the disk, or not at all.
 *
 *   put_begin -> writes to put.file_fd -> put_commit -> put_end
 *                                    (cut: ----------> put_end)
 *
 * Exclusion is by what the file system does in one step: link(2) for a key that
 * must not exist, rename(2) for one that may, under a lock (flock) of the object
 * that it replaces, so that "only if it is still that one" holds; so any number of
 * servers can share a root. A crash leaves nothing where the file system has O_TMPFILE; elsewhere,
 * and for an instant before a rename, the file has a name in a private folder of the same file
 * system (store/private.h), locked (flock) until it has its key or its writer has died: store_sweep
 * removes those that nobody holds.
 *
 * Everything here may wait for a disk: for threads (io/offload), never for a loop.
 * Keys are as s3_target_parse made them, and not private (store/names.h).
 */
#ifndef SLUICE_STORE_PUT_H
#define SLUICE_STORE_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "store/meta.h"
#include "store/names.h"
#include "store/object.h"
#include "store/sys.h"
#include "store/terms.h"

struct put {
	const struct store_sys *sys;
	bool is_durable;                  /* fsync before the answer */
	int bucket_fd;                    /* folder */
	int private_fd;                   /* folder of temp_name; -1: not needed so far */
	int file_fd;                      /* write here, from the start */
	char temp_name[STORE_TEMP_BYTES]; /* in private_fd; "": the file has no name */
	struct object_stamp stamp;        /* after put_commit: of the object */
};

/* What is kept with an object besides its bytes; borrowed. */
struct put_text {
	const char *at;
	size_t len; /* 0: none */
};
struct put_meta {
	struct put_text fields;    /* META_FIELDS */
	struct put_text checksums; /* META_CHECKSUMS */
	struct put_text upload;    /* META_UPLOAD */
	struct put_text parts;     /* META_PARTS; this and the next: left out if the file system has
				    * no room for them beside the others */
	struct put_text part_sums; /* META_PART_SUMS */
	const char *etag;          /* what its ETag is to be, with quotes; NULL: a version */
};

/*
 * Makes the file, in the file system that the object will be in. key: the one to commit; NULL: a
 * part, for put_commit_in. 0; -ENOENT: no such bucket; another negative errno (ENOSPC, EDQUOT,
 * EROFS, EIO, EMFILE, EACCES ...). put_end is to be called in any case.
 */
int put_begin(struct put *put, const struct store_sys *sys, int root_fd, const char *bucket,
	      const char *key, bool is_durable);
/*
 * The object is there under its key: data, extended attributes and all folders on the way, on the
 * disk if is_durable. 0; -EEXIST: PUT_IF_ABSENT, and something is there; -ENOKEY: PUT_IF_PRESENT,
 * and there is no object; -EKEYREJECTED: another than the terms want; -EAGAIN: a lock was not to be
 * had; -EISDIR: the key is a folder of other keys; -ENOTDIR: a part of the key is an object;
 * another negative errno: nothing of this object is visible, except that after an error of the last
 * fsync (-EIO ...) it may be, whole.
 */
int put_commit(struct put *put, const char *key, const struct put_terms *terms,
	       const struct put_meta *meta);
/* Instead of put_commit: under name in a folder of the server's own, in the place of what may be
 * there. 0 or a negative errno (-ENOENT: the folder was removed). */
int put_commit_in(struct put *put, int dir_fd, const char *name, const struct put_meta *meta);
/* For an object that another has made and may not have come to fsync: its name and all folders on
 * the way on the disk. 0, also when it is there no more; or a negative errno. */
int put_sync_way(const struct store_sys *sys, int root_fd, const char *bucket, const char *key);
/* Frees everything; what was not committed is gone. */
void put_end(struct put *put);

#endif
