/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from file to file by the cheapest way that both file systems know. May block for long. */
#ifndef SLUICE_STORE_COPY_H
#define SLUICE_STORE_COPY_H

#include <stdint.h>

#include "store/sys.h"

/*
 * Copies bytes of source_fd from source_at to target_at in target_fd: shared extents
 * (FICLONERANGE), where both are aligned to blocks; else copy_file_range(2), in the kernel; else
 * through a buffer. 0; -ENODATA: the source is shorter; or another negative errno.
 */
int copy_range(const struct store_sys *sys, int source_fd, uint64_t source_at, uint64_t bytes,
	       int target_fd, uint64_t target_at);

#endif
