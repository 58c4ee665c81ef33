/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trial of the root folder: what every request needs of it, done once, by the
 * same system calls, before the server says that it is ready.
 *
 *   read    open a folder as objects are opened (openat2 with object_open_how's
 *           restrictions), list it; enter each bucket
 *   write   a file with data, mode, attribute and time; synced; under a name; under
 *           another name; opened again by that name and compared; removed; its
 *           folder synced
 *
 * A file is made without a name (O_TMPFILE). Some file systems drop one when it is closed, whatever
 * name it was linked to since, and a PUT would be acknowledged and lost: where that comes out, a
 * file that is made with a name is tried, too. Where a file without one has stayed they may be made
 * so (store/sys.h, unnamed); elsewhere, and where nothing was tried, they are made with a name.
 *
 * The write is tried in the root and in each bucket that is another file system.
 * Where the root refuses it, one bucket that takes it is enough: an operator who
 * makes the buckets himself need not let the server make any.
 *
 * Names in the root that are left out because no bucket can have them, or what has them is no
 * folder, are a warning together. What is below a bucket and is no object (a symbolic link ...) is
 * not looked for.
 *
 * Leaves nothing behind but after a crash: a file TRIAL_PREFIX* in the root, where it
 * is no bucket, or one in a private folder that the next sweep removes. May wait for a disk. Safe
 * beside servers that use the root.
 */
#ifndef SLUICE_STORE_TRIAL_H
#define SLUICE_STORE_TRIAL_H

#include <stdbool.h>

#include "base/limits.h"
#include "store/sys.h"

/* No bucket's name. */
#define TRIAL_PREFIX ".sluice-trial-"

struct trial {
	const struct store_sys *sys;
	int root_fd;
	bool writable;
	bool is_durable;               /* writes will be synced: try that, too */
	bool needs_attributes;         /* --etag=md5 */
	struct store_devices *unnamed; /* grows by the file systems where files need no name */
	/* A sentence for what some requests need and will not have. */
	void (*warn)(void *arg, const char *text);
	void *arg;
};

/*
 * 0; or a negative errno with one sentence in error: the call, what came of it, and the cure.
 * -EACCES: reading or writing is not permitted; -EROFS; -ENOSYS, -EPERM: a call is blocked;
 * -EIO: what was read is not what was written.
 */
int trial_run(const struct trial *trial, char error[ERROR_TEXT_MAX]);

/* The read part alone, without a look at the buckets: some 20 us where the root is cached. */
int trial_read(const struct store_sys *sys, int root_fd, char error[ERROR_TEXT_MAX]);
/* Could an object be written now? A file without a name, never synced. 0 or a negative errno. */
int trial_write(const struct store_sys *sys, int root_fd, char error[ERROR_TEXT_MAX]);

#endif
