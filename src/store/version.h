/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions: the ETag of a file, from what statx(2) says of it. Opaque to clients, equal
 * on every server that shares the files, and another one after every write.
 *
 *   ours     a file that the store has written and nobody has changed since. Its mark is
 *            in the nanoseconds of its mtime, which a write chooses: the time in units of
 *            VERSION_UNIT_NS, one bit, and a check over those, the inode's number and birth,
 *            and the size. The version is these: no two writes have them in common, and
 *            chmod, chown, links and a server's restart leave them alone.
 *
 *   kept     its ETag is an attribute (META_VERSION): an MD5, or any version where the file
 *            system keeps no nanoseconds. The sticky bit of all files with attributes
 *            (store/meta.h) says that there may be one; the bit of the mark, where there is
 *            a mark, whether there is.
 *
 *   others'  any other file: mtime, ctime, size and the inode's number. Whoever writes to
 *            one of ours makes it one of these, for the kernel sets another mtime.
 *
 * "-1" at the end of a version says that it is no MD5.
 */
#ifndef SLUICE_STORE_VERSION_H
#define SLUICE_STORE_VERSION_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "store/facts.h"
#include "store/meta.h"

#define ETAG_BYTES      48 /* with quotes and NUL */
#define VERSION_UNIT_NS 1024

/* The mtime for a file of ours with this inode and size, near now. is_kept: META_VERSION will be
 * there. */
struct timespec version_mark(const struct facts *facts, const struct timespec *now, bool is_kept);
/* Was its mtime made by version_mark, and is the file still that one? */
bool version_is_ours(const struct facts *facts);

/* The ETag, with quotes, as far as the facts tell it. False: the attribute may have another; then
 * version_read is to be asked, which may wait for a disk. */
bool version_tell(const struct facts *facts, char etag[ETAG_BYTES]);
/* The ETag of an open file. 0 or a negative errno. */
int version_read(const struct store_sys *sys, int fd, const struct facts *facts,
		 char etag[ETAG_BYTES]);
/* The same of a file by its name in a folder; *facts, which are not new, become those of the file
 * that was opened where that is needed. -ENOENT: it is gone. */
int version_read_name(const struct store_sys *sys, int dir_fd, const char *name,
		      struct facts *facts, char etag[ETAG_BYTES]);
/* A random one, to be kept where the time cannot carry the mark. 0 or a negative errno. */
int version_make(char etag[ETAG_BYTES]);
/* Keeps an ETag with the file, which has its final mtime and size. As meta_set. */
int version_keep(const struct store_sys *sys, int fd, const struct facts *facts, const char *etag);

/* The ETag that sluice 0.1 gave this file: clients hold it for parts of uploads that were begun
 * then. */
void version_of_0_1(const struct facts *facts, char etag[ETAG_BYTES]);

#endif
