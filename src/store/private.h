/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's own folders in a bucket, STORE_PRIVATE, and what crashes leave in them.
 *
 *   bucket/.sluice          uploads, and temporary files of objects
 *   bucket/dir/.sluice      temporary files of objects below dir, where another file system
 *                           is mounted on dir, or dir has a quota of its own: link and rename
 *                           do not lead from one to the other
 *   bucket/.sluice/places   where there are such, for a sweep: "dir", a NUL behind each
 *
 * May wait for a disk.
 */
#ifndef SLUICE_STORE_PRIVATE_H
#define SLUICE_STORE_PRIVATE_H

#include <stdbool.h>

#include "store/names.h"
#include "store/sys.h"

#define STORE_PLACES "places"

/* Whose private folder, from far to near: most objects do with the first. */
enum private_place {
	PRIVATE_OF_BUCKET,
	PRIVATE_OF_MOUNT,  /* of the topmost folder in the object's own file system */
	PRIVATE_OF_FOLDER, /* of the folder that the object is in: it may have a quota of its own,
			    * into which nothing is renamed from outside (CephFS, projects of XFS
			    * and ext4) */
	PRIVATE_PLACES
};
/* Makes, if it is not there, and opens the private folder for the object of this key (NULL: the
 * bucket's). A descriptor; -ENOENT: the bucket, or the folder, was removed; or another negative
 * errno. */
int private_open(const struct store_sys *sys, int bucket_fd, const char *key,
		 enum private_place place, bool is_durable);

/* Removes temporary files of writers that no longer live from a bucket's private folders; *count
 * grows by each file that is gone. 0; -ENOENT: no such bucket; or the last negative errno: the
 * others were removed all the same. */
int store_sweep(const struct store_sys *sys, int root_fd, const char *bucket, unsigned *count);

#endif
