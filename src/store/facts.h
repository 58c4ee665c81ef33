/* SPDX-License-Identifier: Apache-2.0 */
/* What a file system says of a file: what the store goes by. */
#ifndef SLUICE_STORE_FACTS_H
#define SLUICE_STORE_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "store/sys.h"

#define FACTS_MASK (STATX_BASIC_STATS | STATX_BTIME)

struct facts {
	mode_t mode;
	dev_t device;
	ino_t inode;
	uint64_t size;
	struct timespec modified; /* mtime */
	struct timespec changed;  /* ctime */
	/* btime, where a block device holds the file system: there an inode's number soon comes
	 * again, and each who looks is told the same. Elsewhere zero: of one file over NFS some
	 * kernels tell it and some do not. */
	struct timespec born;
};

void facts_from_statx(struct facts *facts, const struct statx *stx);
/* Of an open file. 0 or a negative errno. */
int facts_of_fd(const struct store_sys *sys, int fd, struct facts *facts);
/* Of a name in a folder; a symbolic link is not followed. 0 or a negative errno. */
int facts_of_name(const struct store_sys *sys, int dir_fd, const char *name, struct facts *facts);

#endif
