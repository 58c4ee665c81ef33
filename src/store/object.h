/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as files beneath a root: root/<bucket>/<key>.
 *
 * Opening never follows a symbolic link, never leaves the root and never waits
 * for a disk on the calling thread: what the name cache has is opened at once,
 * the rest is the ring's work (openat2 with object_open_how).
 */
#ifndef SLUICE_STORE_OBJECT_H
#define SLUICE_STORE_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <linux/openat2.h>

#include "base/limits.h"
#include "store/names.h"
#include "store/parts.h"
#include "store/version.h"

#define OBJECT_PATH_BYTES (BUCKET_BYTES_MAX + 1 + OBJECT_KEY_BYTES_MAX + sizeof(STORE_MARKER))

/* What a write answers with. */
struct object_stamp {
	time_t modified; /* seconds */
	char etag[ETAG_BYTES];
};

struct object {
	int file_fd; /* -1: none; whoever holds the object closes it (object_close) */
	struct facts facts;
	bool has_meta;           /* it may have extended attributes (store/meta.h) */
	char etag[ETAG_BYTES];   /* has_meta: until version_read was asked, perhaps another */
	struct object_part part; /* has_meta: until parts_find was asked, its number alone */
};

/* Where the object's file is, beneath the root. Both arguments as s3_target_parse made them. */
void object_path(char out[OBJECT_PATH_BYTES], const char *bucket, const char *object_key);
struct open_how object_open_how(void);

/*
 * Opens from the name cache only. A descriptor, -EAGAIN (the disk must be asked: open it through
 * the ring), or another negative errno as openat2's. *how loses O_NOATIME where the file is another
 * user's.
 */
int object_open_cached(int root_fd, const char *path, struct open_how *how);
/* After -EPERM: makes how one that can open another user's file. False: it was one already. */
bool object_open_without_noatime(struct open_how *how);

/* Takes file_fd over, also on failure. 0; -ENOENT: not a regular file; another negative errno. */
int object_from_fd(struct object *object, int file_fd);
void object_close(struct object *object);

/* As a client says it, with quotes or without, with them. One that is longer than ours becomes one
 * that no object has. */
void object_etag_quote(char out[ETAG_BYTES], const char *text, size_t len);

/* How a bucket's folder is opened, only to see that it is there. */
struct open_how object_bucket_how(void);

#endif
