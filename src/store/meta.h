/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an object has besides its bytes: extended attributes of its file, as text
 * that getfattr(1) shows.
 *
 * A file that has any carries the sticky bit, which Linux ignores on files: so a
 * GET learns from the statx that it makes anyway that there is nothing to ask for.
 * Most objects have none: only what differs from the default is kept.
 *
 * What is true of these bytes alone (checksums, an ETag) is bound to them: its
 * first line says of which mtime and size it is. Whoever edits the file in place
 * changes the one or the other, and then it counts no more.
 */
#ifndef SLUICE_STORE_META_H
#define SLUICE_STORE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "store/facts.h"
#include "store/sys.h"

/* Fields of the response, "Name: value\r\n" each: Content-Type, x-amz-meta-... Of a damaged object
 * a line stands before them, bound, that says so and is no field: who answers reads this attribute
 * anyway. */
#define META_FIELDS    "user.sluice.fields"
/* Bound: an x-amz-checksum-... field in the same form (store/checksum.h). */
#define META_CHECKSUMS "user.sluice.checksums"
/* Bound: the ETag, with quotes (store/version.h). */
#define META_VERSION   "user.sluice.version"
/* The id of the multipart upload that made the object. */
#define META_UPLOAD    "user.sluice.upload"
/* Bound: the sizes of its parts (store/parts.h), and, of an object with a composite checksum, the
 * base64 of the checksums of all parts, one after another. Without them it has one part. */
#define META_PARTS     "user.sluice.parts"
#define META_PART_SUMS "user.sluice.part-checksums"

static inline bool meta_is_marked(mode_t mode)
{
	return (mode & S_ISVTX) != 0;
}

/* Sets one, of a file that is not yet an object. len 0: does nothing. 0; -EOPNOTSUPP: this file
 * system keeps no such attributes; another negative errno. */
int meta_set(const struct store_sys *sys, int file_fd, const char *name, const char *text,
	     size_t len);
/* The same, bound to the bytes of a file with these facts: its final mtime and size. */
int meta_set_bound(const struct store_sys *sys, int file_fd, const char *name,
		   const struct facts *facts, const char *text, size_t len);
/* Sets the sticky bit of a file with this mode. 0; -EOPNOTSUPP: the file system does not keep it;
 * another negative errno. */
int meta_mark(const struct store_sys *sys, int file_fd, mode_t mode);

/* Its bytes in out; returns how many, 0: there is none, or a negative errno (-ERANGE: over
 * META_BYTES_MAX, not ours). */
int meta_get(const struct store_sys *sys, int file_fd, const char *name, char out[META_BYTES_MAX]);
/* The same, without the line that binds it; 0 as well: it is of other bytes. What sluice 0.1 has
 * written is not bound, and is believed. */
int meta_get_bound(const struct store_sys *sys, int file_fd, const char *name,
		   const struct facts *facts, char out[META_BYTES_MAX]);
/* 1: it is bound, to whatever bytes; 0: it is not, or there is none; or a negative errno. */
int meta_is_bound(const struct store_sys *sys, int file_fd, const char *name);

/* META_FIELDS as meta_get has it. *is_damaged: these bytes are known to be wrong, and are not to be
 * given to anybody. */
int meta_get_fields(const struct store_sys *sys, int file_fd, const struct facts *facts,
		    char out[META_BYTES_MAX], bool *is_damaged);
/* Keeps with a file that its bytes, of these facts, are damaged, or that they are not. Under the
 * lock of folder_lock_file. 0 or a negative errno. */
int meta_set_damaged(const struct store_sys *sys, int file_fd, const struct facts *facts,
		     bool is_damaged);

#endif
