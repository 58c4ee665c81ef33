/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small file system in memory, over /dev/fuse, with a bad habit that network file systems have
 * been seen to have: a file that was made without a name (O_TMPFILE) is gone when it is closed,
 * under whatever names it was linked to since. Without extended attributes.
 */
#ifndef SLUICE_UNIT_FUSE_FIXTURE_H
#define SLUICE_UNIT_FUSE_FIXTURE_H

#include <stdbool.h>

/* Mounts it on path, in a mount namespace of this process' own, served by a child that ends with
 * it. False: this machine or this user cannot (no /dev/fuse, not root, Linux before 6.2). */
bool fuse_lossy_mount(const char *path);
void fuse_lossy_unmount(const char *path);

#endif
