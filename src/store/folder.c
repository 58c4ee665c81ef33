/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"
#include "store/names.h"

/* A folder that a delete removes (it was empty) between our making it and our using it is made
 * again, at most so often. */
#define TRIES_MAX      1000

#define LOCK_PAUSE_MS  2
#define LOCK_TRIES_MAX 2500 /* five seconds */

int folder_open_file(const struct store_sys *sys, int dir_fd, const char *path, int flags,
		     mode_t mode)
{
	const struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys->openat2(dir_fd, path, &how);
	return fd < 0 ? -errno : fd;
}

int folder_open(const struct store_sys *sys, int dir_fd, const char *path)
{
	int fd = folder_open_file(sys, dir_fd, path, O_RDONLY | O_DIRECTORY, 0);
	return fd == -ELOOP ? -ENOTDIR : fd;
}

int folder_open_or_make(const struct store_sys *sys, int dir_fd, const char *name, bool *is_made)
{
	*is_made = false;
	for (int i = 0; i < TRIES_MAX; i++) {
		int fd = folder_open(sys, dir_fd, name);
		if (fd != -ENOENT)
			return fd;
		bool is_new = sys->mkdirat(dir_fd, name, STORE_FOLDER_MODE) == 0;
		if (!is_new && errno != EEXIST)
			return -errno;
		*is_made = *is_made || is_new;
	}
	return -EAGAIN;
}

bool folder_next(const char **rest, char name[KEY_COMPONENT_BYTES_MAX + 1])
{
	const char *slash = strchr(*rest, '/');
	if (slash == NULL)
		return false;
	size_t len = (size_t)(slash - *rest);
	must(len > 0 && len <= KEY_COMPONENT_BYTES_MAX);
	memcpy(name, *rest, len);
	name[len] = '\0';
	*rest = slash + 1;
	return true;
}

int folder_open_parent(const struct store_sys *sys, int bucket_fd, const char *key,
		       const char **leaf)
{
	const char *slash = strrchr(key, '/');
	char path[OBJECT_KEY_BYTES_MAX + 1];

	*leaf = store_leaf(slash != NULL ? slash + 1 : key);
	size_t len = slash != NULL ? (size_t)(slash - key) : 0;
	must(len <= OBJECT_KEY_BYTES_MAX);
	memcpy(path, key, len);
	path[len] = '\0';
	return folder_open(sys, bucket_fd, len > 0 ? path : ".");
}

static unsigned depth_of(const char *path)
{
	unsigned depth = 1;
	for (; (path = strchr(path, '/')) != NULL; path++)
		depth++;
	return depth;
}

int folder_prune(const struct store_sys *sys, int bucket_fd, const char *key, unsigned least)
{
	char path[OBJECT_KEY_BYTES_MAX + 1];
	const char *name;
	size_t len = strlen(key);

	must(len <= OBJECT_KEY_BYTES_MAX);
	memcpy(path, key, len + 1);
	for (char *slash; (slash = strrchr(path, '/')) != NULL;) {
		*slash = '\0';
		if (depth_of(path) < least)
			return folder_open(sys, bucket_fd, path);
		int dir_fd = folder_open_parent(sys, bucket_fd, path, &name);
		if (dir_fd == -ENOENT || dir_fd == -ENOTDIR)
			continue; /* another was faster */
		if (dir_fd < 0)
			return dir_fd;
		int r = sys->unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
		close(dir_fd);
		/* A folder that must stay (not empty, a mount point, not ours) is no failure. */
		int left_fd = r < 0 && r != -ENOENT ? folder_open(sys, bucket_fd, path) : -ENOENT;
		if (left_fd != -ENOENT && left_fd != -ENOTDIR)
			return left_fd;
	}
	int fd = fcntl(bucket_fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

void folder_reader_init(struct folder_reader *reader, const struct store_sys *sys, int dir_fd)
{
	reader->sys = sys;
	reader->dir_fd = dir_fd;
	reader->used = reader->filled = 0;
}

int folder_read(struct folder_reader *reader, const char **name)
{
	for (;;) {
		if (reader->used == reader->filled) {
			ssize_t n = reader->sys->getdents64(reader->dir_fd, reader->entries,
							    sizeof(reader->entries));
			if (n <= 0)
				return n == 0 || errno == ENOENT ? 0 : -errno;
			reader->used = 0;
			reader->filled = (size_t)n;
		}
		const struct dirent64 *entry = (const void *)(reader->entries + reader->used);
		reader->used += entry->d_reclen;
		reader->type = entry->d_type;
		*name = entry->d_name;
		if (strcmp(*name, ".") != 0 && strcmp(*name, "..") != 0)
			return 1;
	}
}

int folder_read_type(const struct folder_reader *reader, const char *name)
{
	struct stat st;

	if (reader->type != DT_UNKNOWN)
		return reader->type;
	if (reader->sys->fstatat(reader->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? DT_UNKNOWN : -errno;
	return IFTODT(st.st_mode);
}

/* Waits a while for whoever holds the lock; a writer does for a few system calls, a backup program
 * for as long as it reads. */
static int lock(const struct store_sys *sys, int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000l};

	for (int i = 0; i < LOCK_TRIES_MAX; i++) {
		if (sys->flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EAGAIN;
}

/* 1: name is the file fd; 0: it is another one by now. */
static int is_still(const struct store_sys *sys, int dir_fd, const char *name, int fd,
		    struct facts *facts)
{
	struct stat named;

	int r = facts_of_fd(sys, fd, facts);
	if (r < 0)
		return r;
	if (sys->fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return named.st_dev == facts->device && named.st_ino == facts->inode;
}

int folder_try_lock(const struct store_sys *sys, int dir_fd, const char *path)
{
	static const int modes[] = {O_RDONLY, O_RDWR}; /* see folder_lock_file */
	int r = -EBADF;

	for (size_t i = 0; r == -EBADF && i < ARRAY_LEN(modes); i++) {
		int fd = folder_open_file(sys, dir_fd, path, modes[i] | O_NONBLOCK, 0);
		if (fd < 0 || sys->flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		r = -errno;
		close(fd);
	}
	return r;
}

int folder_lock_file(const struct store_sys *sys, int dir_fd, const char *name, struct facts *facts)
{
	/* A file that we may only read can be locked, too; but not on NFS (-EBADF), where flock is
	 * a lock of the server's (flock(2)). */
	int mode = O_RDONLY;

	for (int i = 0; i < TRIES_MAX; i++) {
		int fd = folder_open_file(sys, dir_fd, name, mode | O_NONBLOCK | O_NOCTTY, 0);
		if (fd == -EXDEV) /* renamed while it was opened */
			continue;
		if (fd < 0)
			return fd;
		int r = facts_of_fd(sys, fd, facts);
		if (r == 0 && S_ISDIR(facts->mode))
			r = -EISDIR;
		if (r == 0)
			r = lock(sys, fd);
		if (r == 0)
			r = is_still(sys, dir_fd, name, fd, facts);
		if (r == 1)
			return fd;
		close(fd);
		if (r < 0 && (r != -EBADF || mode == O_RDWR))
			return r;
		if (r == -EBADF)
			mode = O_RDWR;
	}
	return -EAGAIN;
}
