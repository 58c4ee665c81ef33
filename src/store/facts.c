/* SPDX-License-Identifier: Apache-2.0 */
#include "store/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

static struct timespec time_of(const struct statx_timestamp *stamp)
{
	return (struct timespec){.tv_sec = stamp->tv_sec, .tv_nsec = stamp->tv_nsec};
}

void facts_from_statx(struct facts *facts, const struct statx *stx)
{
	*facts = (struct facts){
		.mode = stx->stx_mode,
		.device = makedev(stx->stx_dev_major, stx->stx_dev_minor),
		.inode = stx->stx_ino,
		.size = stx->stx_size,
		.modified = time_of(&stx->stx_mtime),
		.changed = time_of(&stx->stx_ctime),
	};
	if ((stx->stx_mask & STATX_BTIME) != 0 && stx->stx_dev_major != 0)
		facts->born = time_of(&stx->stx_btime);
}

static int ask(const struct store_sys *sys, int dir_fd, const char *name, int flags,
	       struct facts *facts)
{
	struct statx stx;

	if (sys->statx(dir_fd, name, flags, FACTS_MASK, &stx) < 0)
		return -errno;
	facts_from_statx(facts, &stx);
	return 0;
}

int facts_of_fd(const struct store_sys *sys, int fd, struct facts *facts)
{
	return ask(sys, fd, "", AT_EMPTY_PATH, facts);
}

int facts_of_name(const struct store_sys *sys, int dir_fd, const char *name, struct facts *facts)
{
	return ask(sys, dir_fd, name, AT_SYMLINK_NOFOLLOW, facts);
}
