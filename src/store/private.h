/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's own folders in a bucket, STORE_PRIVATE, and what crashes leave in them.
 *
 *   bucket/.sluice          uploads, and temporary files of objects
 *   bucket/dir/.sluice      temporary files of objects below dir, where another file system
 *                           is mounted on dir: link and rename do not lead from one to the other
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

/* Makes, if it is not there, and opens the private folder of the file system in which an object of
 * this key will be; key NULL: the bucket's. A descriptor; -ENOENT: the bucket was removed; or
 * another negative errno. */
int private_open(const struct store_sys *sys, int bucket_fd, const char *key, bool is_durable);

/* Removes temporary files of writers that no longer live from a bucket's private folders; *count
 * grows by each file that is gone. 0; -ENOENT: no such bucket; or the last negative errno: the
 * others were removed all the same. */
int store_sweep(const struct store_sys *sys, int root_fd, const char *bucket, unsigned *count);

#endif
