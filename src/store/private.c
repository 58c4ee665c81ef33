/* SPDX-License-Identifier: Apache-2.0 */
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/must.h"
#include "store/folder.h"

/* Of the file of places, what a sweep reads: more mounts below a bucket than anyone has. */
#define PLACES_BYTES_MAX 65536

/* ---- Where ----------------------------------------------------------------------------------- */

/* What link(2) and rename(2) do not lead out of: a mount, and in it what has a device number of its
 * own (a subvolume of btrfs). */
struct realm {
	uint32_t major;
	uint32_t minor;
	uint64_t mount;
};

static int realm_of(int dir_fd, struct realm *realm)
{
	struct statx st;

	if (statx(dir_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) < 0)
		return -errno;
	*realm = (struct realm){.major = st.stx_dev_major, .minor = st.stx_dev_minor};
	if ((st.stx_mask & STATX_MNT_ID) != 0) /* Linux 5.8 */
		realm->mount = st.stx_mnt_id;
	return 0;
}

static bool is_same(const struct realm *a, const struct realm *b)
{
	return a->major == b->major && a->minor == b->minor && a->mount == b->mount;
}

/* The topmost folder of the realm that the deepest folder on the way to key is in: so many bytes of
 * key; 0: the bucket. Or a negative errno. */
static int find_top(const struct store_sys *sys, int bucket_fd, const char *key)
{
	char name[KEY_COMPONENT_BYTES_MAX + 1];
	struct realm realm = {0}, next = {0};
	const char *rest = key;
	int top = 0;

	int dir_fd = fcntl(bucket_fd, F_DUPFD_CLOEXEC, 0);
	int r = dir_fd < 0 ? -errno : realm_of(dir_fd, &realm);
	while (r == 0 && folder_next(&rest, name)) {
		int next_fd = folder_open(sys, dir_fd, name);
		if (next_fd == -ENOENT || next_fd == -ENOTDIR)
			break;
		close(dir_fd);
		dir_fd = next_fd;
		r = next_fd < 0 ? next_fd : realm_of(next_fd, &next);
		if (r == 0 && !is_same(&realm, &next))
			top = (int)(rest - key) - 1;
		realm = next;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	return r < 0 ? r : top;
}

/* ---- Opened ---------------------------------------------------------------------------------- */

static int open_in(const struct store_sys *sys, int dir_fd)
{
	bool is_made;
	return folder_open_or_make(sys, dir_fd, STORE_PRIVATE, &is_made);
}

/* For sweeps, before there is anything to sweep. */
static int note_place(const struct store_sys *sys, int bucket_fd, const char *path, bool is_durable)
{
	char line[OBJECT_KEY_BYTES_MAX + 2] =
		""; /* NUL before it, too: the one before may be cut short */
	size_t bytes = strlen(path) + 2;
	must(bytes <= sizeof(line));
	memcpy(line + 1, path, bytes - 1);
	int private_fd = open_in(sys, bucket_fd);
	if (private_fd < 0)
		return private_fd;
	int fd = folder_open_file(sys, private_fd, STORE_PLACES, O_WRONLY | O_CREAT | O_APPEND,
				  STORE_FILE_MODE);
	close(private_fd);
	if (fd < 0)
		return fd;
	ssize_t n = sys->pwrite(fd, line, bytes, 0); /* at its end (pwrite(2), Bugs) */
	int r = n == (ssize_t)bytes ? 0 : n < 0 ? -errno : -EIO;
	if (r == 0 && is_durable)
		r = store_fsync(sys, fd, FSYNC_FILE);
	close(fd);
	return r;
}

/* So many bytes of key are the folder whose private one it is; 0: the bucket. */
static int place_of(const struct store_sys *sys, int bucket_fd, const char *key,
		    enum private_place place)
{
	if (key == NULL || place == PRIVATE_OF_BUCKET)
		return 0;
	if (place == PRIVATE_OF_MOUNT)
		return find_top(sys, bucket_fd, key);
	const char *slash = strrchr(key, '/');
	return slash != NULL ? (int)(slash - key) : 0;
}

int private_open(const struct store_sys *sys, int bucket_fd, const char *key,
		 enum private_place place, bool is_durable)
{
	char path[OBJECT_KEY_BYTES_MAX + 1];
	int top = place_of(sys, bucket_fd, key, place);

	if (top <= 0)
		return top < 0 ? top : open_in(sys, bucket_fd);
	memcpy(path, key, (size_t)top);
	path[top] = '\0';
	int top_fd = folder_open(sys, bucket_fd, path);
	if (top_fd < 0)
		return top_fd;
	int fd = folder_open(sys, top_fd, STORE_PRIVATE);
	if (fd == -ENOENT) {
		int r = note_place(sys, bucket_fd, path, is_durable);
		fd = r < 0 ? r : open_in(sys, top_fd);
	}
	close(top_fd);
	return fd;
}

/* ---- Swept ----------------------------------------------------------------------------------- */

/* 1: removed; 0: its writer lives, or it is gone; or a negative errno. */
static int sweep_one(const struct store_sys *sys, int private_fd, const char *name)
{
	int fd = folder_try_lock(sys, private_fd, name);
	if (fd < 0) /* EXDEV: renamed while it was opened; it is an object now */
		return fd == -ENOENT || fd == -EXDEV || fd == -EWOULDBLOCK ? 0 : fd;
	int r = sys->unlinkat(private_fd, name, 0) == 0 ? 1 : -errno;
	close(fd);
	return r == -ENOENT ? 0 : r;
}

static int sweep_folder(const struct store_sys *sys, int private_fd, unsigned *count)
{
	struct folder_reader reader;
	const char *name;
	int r, error = 0;

	folder_reader_init(&reader, sys, private_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		if (strncmp(name, STORE_TEMP_PREFIX, sizeof(STORE_TEMP_PREFIX) - 1) != 0)
			continue;
		int n = sweep_one(sys, private_fd, name);
		if (n < 0)
			error = n;
		*count += n > 0;
	}
	return r < 0 ? r : error;
}

/* One path after the other, from *at on. 1: in path; 0: there are no more; or a negative errno. */
static int next_place(const struct store_sys *sys, int places_fd, off_t *at,
		      char path[OBJECT_KEY_BYTES_MAX + 1])
{
	if (*at >= PLACES_BYTES_MAX)
		return 0;
	ssize_t n = sys->pread(places_fd, path, OBJECT_KEY_BYTES_MAX + 1, *at);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	const char *end = memchr(path, '\0', (size_t)n);
	if (end == NULL) /* a crash has cut it short */
		return 0;
	*at += end - path + 1;
	return 1;
}

static int sweep_places(const struct store_sys *sys, int bucket_fd, int private_fd, unsigned *count)
{
	char path[OBJECT_KEY_BYTES_MAX + 1];
	off_t at = 0;
	int r, error = 0;

	int fd = folder_open_file(sys, private_fd, STORE_PLACES, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	while ((r = next_place(sys, fd, &at, path)) == 1) {
		if (path[0] == '\0')
			continue;
		int top_fd = folder_open(sys, bucket_fd, path);
		int there_fd = top_fd < 0 ? top_fd : folder_open(sys, top_fd, STORE_PRIVATE);
		int n = there_fd < 0 ? there_fd : sweep_folder(sys, there_fd, count);
		if (n < 0 && n != -ENOENT && n != -ENOTDIR)
			error = n;
		if (there_fd >= 0)
			close(there_fd);
		if (top_fd >= 0)
			close(top_fd);
	}
	close(fd);
	return r < 0 ? r : error;
}

int store_sweep(const struct store_sys *sys, int root_fd, const char *bucket, unsigned *count)
{
	int bucket_fd = folder_open(sys, root_fd, bucket);

	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	int private_fd = folder_open(sys, bucket_fd, STORE_PRIVATE);
	int r = private_fd == -ENOENT ? 0 : private_fd;
	if (private_fd >= 0) {
		r = sweep_folder(sys, private_fd, count);
		int places = sweep_places(sys, bucket_fd, private_fd, count);
		if (places < 0)
			r = places;
		close(private_fd);
	}
	close(bucket_fd);
	return r;
}
