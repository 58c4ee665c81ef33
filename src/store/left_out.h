/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the root and is no bucket. May wait for a disk. */
#ifndef SLUICE_STORE_LEFT_OUT_H
#define SLUICE_STORE_LEFT_OUT_H

#include "store/sys.h"

#define LEFT_OUT_BYTES 1024

/* 1: text is a sentence with the number of folders that can be no bucket for their names, of files,
 * symbolic links and others, and the first three names; 0: there are none; or a negative errno. */
int left_out_tell(const struct store_sys *sys, int root_fd, char text[LEFT_OUT_BYTES]);

#endif
