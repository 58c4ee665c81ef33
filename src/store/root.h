/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the root folder still there? Its descriptor stays good whatever becomes of
 * its name: a root that was removed looks like an empty store, and "there is no such
 * bucket" is what a compactor takes for "delete my blocks".
 */
#ifndef SLUICE_STORE_ROOT_H
#define SLUICE_STORE_ROOT_H

#include <stdbool.h>

#include "base/limits.h"
#include "store/sys.h"

/* Does its file system say of a folder that is there that it has a link? There are some that count
 * none. To be asked of a root that has just been found by its name. */
bool root_counts_links(int root_fd);
/* Has the folder itself been removed? Before an answer says that something is not in it. False,
 * too, when it cannot be told. Asks no disk and no server: for a loop, too. */
bool root_is_removed(int root_fd, bool counts_links);

/* Buckets that are other file systems than the root: mount points. */
struct root_mount {
	char bucket[BUCKET_BYTES_MAX + 1];
	dev_t device;
};

struct root_mounts {
	dev_t root_device;
	unsigned count;
	bool is_cut; /* there are more */
	struct root_mount mount[ROOT_MOUNTS_MAX];
};

/* What is mounted now; those past ROOT_MOUNTS_MAX are left out. 0 or a negative errno. */
int root_mounts_read(struct root_mounts *mounts, const struct store_sys *sys, int root_fd);
/* Is the bucket's folder there, but nothing mounted on it any more? */
bool root_mount_is_gone(const struct root_mounts *mounts, unsigned at, const struct store_sys *sys,
			int root_fd);

/*
 * Is root_fd the folder that the name leads to? 0; -ENOENT: the name leads nowhere; -ESTALE: to
 * another folder (replaced, mounted over, or unmounted); 0, too, when it cannot be told.
 */
int root_check_name(const struct store_sys *sys, int root_fd, const char *name);

#endif
