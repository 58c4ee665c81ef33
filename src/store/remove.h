/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing an object, and the folders that become empty with it: S3 has no empty
 * folders. Never what is below a folder. May wait for a disk.
 */
#ifndef SLUICE_STORE_REMOVE_H
#define SLUICE_STORE_REMOVE_H

#include <stdbool.h>

#include "store/sys.h"
#include "store/terms.h"

/*
 * Removes root/bucket/key; terms: never PUT_IF_ABSENT. is_durable: it does not come back after a
 * power cut.
 *
 * 0, also where there was nothing (PUT_REPLACES); -ENOENT: no such bucket; -ENOKEY: PUT_IF_PRESENT,
 * and there is no object; -EKEYREJECTED: another than the terms want; -EAGAIN: another held its
 * lock for too long; or another negative errno: it is there still, except that after one of the
 * last fsync it may not be.
 */
int object_remove(const struct store_sys *sys, int root_fd, const char *bucket, const char *key,
		  const struct put_terms *terms, bool is_durable);

#endif
