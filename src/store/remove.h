/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing an object, and the folders that become empty with it: S3 has no empty
 * folders. Never what is below a folder. May wait for a disk.
 */
#ifndef SLUICE_STORE_REMOVE_H
#define SLUICE_STORE_REMOVE_H

#include <stdbool.h>

#include "store/sys.h"

/*
 * Removes root/bucket/key. etag: only if it is
 * that of the object, NULL: whatever it is. is_durable: it does not come back after a power cut.
 *
 * 0, also where there was nothing (etag NULL); -ENOENT: no such bucket; -ENOKEY: etag is given and
 * there is no object; -EKEYREJECTED: it has another; -EAGAIN: another held its lock for too long;
 * or another negative errno: it is there still, except that after one of the last fsync it may not
 * be.
 */
int object_remove(const struct store_sys *sys, int root_fd, const char *bucket, const char *key,
		  const char *etag, bool is_durable);

#endif
