/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an object has besides its bytes: extended attributes of its file, as text
 * that getfattr(1) shows.
 *
 * A file that has any carries the sticky bit, which Linux ignores on files: so a
 * GET learns from the statx that it makes anyway that there is nothing to ask for.
 * Most objects have none: only what differs from the default is kept.
 */
#ifndef SLUICE_STORE_META_H
#define SLUICE_STORE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "store/sys.h"

/* Fields of the response, "Name: value\r\n" each: Content-Type, x-amz-meta-... */
#define META_FIELDS    "user.sluice.fields"
/* x-amz-checksum-... fields in the same form. */
#define META_CHECKSUMS "user.sluice.checksums"
/* The id of the multipart upload that made the object. */
#define META_UPLOAD    "user.sluice.upload"

static inline bool meta_is_marked(mode_t mode)
{
	return (mode & S_ISVTX) != 0;
}

/* Sets one and marks the file; of a file that is not yet an object. len 0: does nothing. 0;
 * -EOPNOTSUPP: this file system keeps no such attributes; another negative errno. */
int meta_set(const struct store_sys *sys, int file_fd, const char *name, const char *text,
	     size_t len);
/* Its bytes in out; returns how many, 0: there is none, or a negative errno (-ERANGE: over
 * META_BYTES_MAX, not ours). */
int meta_get(const struct store_sys *sys, int file_fd, const char *name, char out[META_BYTES_MAX]);

#endif
