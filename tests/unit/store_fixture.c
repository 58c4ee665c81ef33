/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/store_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "store/private.h"

static char root[] = "/tmp/sluice-store-XXXXXX";
int store_root_fd = -1;

void store_remove_tree(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0)
			store_remove_tree(fd, entry->d_name);
	}
	closedir(dir);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

void store_fixture_make(void)
{
	cr_assert_not_null(mkdtemp(root));
	store_root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(store_root_fd >= 0 && mkdirat(store_root_fd, "bucket", 0700) == 0);
}

void store_fixture_remove(void)
{
	close(store_root_fd);
	store_remove_tree(AT_FDCWD, root);
}

/* ---- A kernel whose Nth call fails ----------------------------------------------------------- */

_Thread_local struct store_faults faults = {.has_tmpfile = true, .has_clone = true};

static bool is_failing(void)
{
	if (faults.calls + 1 == faults.removes_private_at)
		unlinkat(store_root_fd, "bucket/" STORE_PRIVATE, AT_REMOVEDIR);
	if (++faults.calls != faults.fails_at)
		return false;
	errno = faults.fails_with;
	return true;
}

void faults_begin(int error, int n)
{
	faults.calls = 0;
	faults.fails_at = n;
	faults.fails_with = error;
}

bool faults_end(void)
{
	bool has_failed = faults.calls >= faults.fails_at;
	faults.fails_at = 0;
	return has_failed;
}

/* The file fd, which path leads to: was it made without a name? Then it is lost, path and all. */
static int lose(int dir_fd, const char *path, const struct open_how *how, int fd)
{
	static _Thread_local ino_t made[1024];
	static _Thread_local unsigned count;
	struct stat st;

	if (fd < 0 || !faults.loses_tmpfile || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fd;
	if ((how->flags & O_TMPFILE) == O_TMPFILE) {
		made[count++ % 1024] = st.st_ino;
		return fd;
	}
	for (unsigned i = 0; i < 1024; i++) {
		if (made[i] != st.st_ino)
			continue;
		made[i] = 0;
		if ((how->flags & O_CREAT) != 0) /* the number of one that is gone */
			continue;
		close(fd);
		unlinkat(dir_fd, path, 0);
		errno = ENOENT;
		return -1;
	}
	return fd;
}

static int faulty_openat2(int dir_fd, const char *path, const struct open_how *how)
{
	if (!faults.has_tmpfile && (how->flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (is_failing())
		return -1;
	return lose(dir_fd, path, how, store_sys_kernel.openat2(dir_fd, path, how));
}

static int faulty_mkdirat(int dir_fd, const char *path, mode_t mode)
{
	return is_failing() ? -1 : store_sys_kernel.mkdirat(dir_fd, path, mode);
}

/* Is this folder, or the folder of this file, below one that has a quota? */
static bool has_quota(int fd, const char *path)
{
	char link[32], real[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(fd == AT_FDCWD ? path : link, real, sizeof(real) - 2);
	cr_assert_gt(n, 0);
	memcpy(real + n, "/", 2);
	return strstr(real, "/quota/") != NULL;
}

static bool leads_out(bool is_on, int old_fd, const char *old_path, int new_fd)
{
	if (!is_on || has_quota(old_fd, old_path) == has_quota(new_fd, ""))
		return false;
	errno = EXDEV;
	return true;
}

static int faulty_linkat(int old_fd, const char *old_path, int new_fd, const char *new_path,
			 int flags)
{
	if (is_failing() || leads_out(faults.has_link_quotas, old_fd, old_path, new_fd))
		return -1;
	return store_sys_kernel.linkat(old_fd, old_path, new_fd, new_path, flags);
}

static int faulty_renameat(int old_fd, const char *old_path, int new_fd, const char *new_path)
{
	if (is_failing() || leads_out(faults.has_quotas, old_fd, old_path, new_fd))
		return -1;
	return store_sys_kernel.renameat(old_fd, old_path, new_fd, new_path);
}

static int faulty_unlinkat(int dir_fd, const char *path, int flags)
{
	return is_failing() ? -1 : store_sys_kernel.unlinkat(dir_fd, path, flags);
}

static int faulty_flock(int fd, int operation)
{
	return is_failing() ? -1 : store_sys_kernel.flock(fd, operation);
}

static int faulty_fsync(int fd)
{
	if (is_failing())
		return -1;
	faults.fsyncs++;
	return store_sys_kernel.fsync(fd);
}

static int faulty_fstatat(int dir_fd, const char *path, struct stat *st, int flags)
{
	return is_failing() ? -1 : store_sys_kernel.fstatat(dir_fd, path, st, flags);
}

static int faulty_statx(int dir_fd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	if (is_failing() || store_sys_kernel.statx(dir_fd, path, flags, mask, stx) < 0)
		return -1;
	if (faults.has_coarse_times) {
		stx->stx_mtime.tv_nsec = stx->stx_ctime.tv_nsec = 0;
		stx->stx_mask &= ~STATX_BTIME;
	}
	return 0;
}

static int faulty_fchmod(int fd, mode_t mode)
{
	return is_failing() ? -1 : store_sys_kernel.fchmod(fd, mode);
}

static int faulty_futimens(int fd, const struct timespec times[2])
{
	return is_failing() ? -1 : store_sys_kernel.futimens(fd, times);
}

static int faulty_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	return is_failing() ? -1 : store_sys_kernel.fsetxattr(fd, name, value, size, flags);
}

static ssize_t faulty_fgetxattr(int fd, const char *name, void *value, size_t size)
{
	return is_failing() ? -1 : store_sys_kernel.fgetxattr(fd, name, value, size);
}

static ssize_t faulty_getdents64(int fd, void *entries, size_t size)
{
	return is_failing() ? -1 : store_sys_kernel.getdents64(fd, entries, size);
}

static int faulty_clone_range(int source_fd, off_t source_at, off_t bytes, int target_fd,
			      off_t target_at)
{
	if (!faults.has_clone) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return is_failing() ? -1
			    : store_sys_kernel.clone_range(source_fd, source_at, bytes, target_fd,
							   target_at);
}

static ssize_t faulty_copy_file_range(int source_fd, off_t *source_at, int target_fd,
				      off_t *target_at, size_t bytes, unsigned flags)
{
	return is_failing() ? -1
			    : store_sys_kernel.copy_file_range(source_fd, source_at, target_fd,
							       target_at, bytes, flags);
}

static ssize_t faulty_pread(int fd, void *data, size_t bytes, off_t at)
{
	return is_failing() ? -1 : store_sys_kernel.pread(fd, data, bytes, at);
}

static ssize_t faulty_pwrite(int fd, const void *data, size_t bytes, off_t at)
{
	return is_failing() ? -1 : store_sys_kernel.pwrite(fd, data, bytes, at);
}

const struct store_sys faulty_sys = {
	.openat2 = faulty_openat2,
	.mkdirat = faulty_mkdirat,
	.linkat = faulty_linkat,
	.renameat = faulty_renameat,
	.unlinkat = faulty_unlinkat,
	.flock = faulty_flock,
	.fsync = faulty_fsync,
	.fstatat = faulty_fstatat,
	.statx = faulty_statx,
	.fchmod = faulty_fchmod,
	.futimens = faulty_futimens,
	.fsetxattr = faulty_fsetxattr,
	.fgetxattr = faulty_fgetxattr,
	.getdents64 = faulty_getdents64,
	.clone_range = faulty_clone_range,
	.copy_file_range = faulty_copy_file_range,
	.pread = faulty_pread,
	.pwrite = faulty_pwrite,
};

/* ---- What is there --------------------------------------------------------------------------- */

const char *store_contents(const char *path)
{
	static _Thread_local char text[4096];
	int fd = openat(store_root_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

void store_etag(const char *path, char etag[ETAG_BYTES])
{
	struct facts facts;
	int fd = openat(store_root_fd, path, O_RDONLY | O_CLOEXEC);

	cr_assert(fd >= 0, "%s", path);
	cr_assert_eq(facts_of_fd(&store_sys_kernel, fd, &facts), 0);
	if (faults.has_coarse_times) {
		facts.modified.tv_nsec = facts.changed.tv_nsec = 0;
		facts.born = (struct timespec){0};
	}
	cr_assert_eq(version_read(&store_sys_kernel, fd, &facts, etag), 0);
	close(fd);
}

int store_entries(const char *path)
{
	int count = 0, fd = openat(store_root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	DIR *dir = fdopendir(fd);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2;
}

int store_swept(const char *bucket)
{
	unsigned count = 0;
	int r = store_sweep(&faulty_sys, store_root_fd, bucket, &count);
	return r < 0 ? r : (int)count;
}

int store_descriptors(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}
