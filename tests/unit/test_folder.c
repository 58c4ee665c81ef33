/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a folder: each once, however many, and no short answer when the disk fails. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/folder.h"
#include "unit/store_fixture.h"

TestSuite(folder, .init = store_fixture_make, .fini = store_fixture_remove);

/* Names of the longest kind: so that one batch holds some 29 of them. */
#define NAMES 100

static int make_names(void)
{
	int dir_fd = openat(store_root_fd, "bucket", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[KEY_COMPONENT_BYTES_MAX + 1];

	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "%0*d", KEY_COMPONENT_BYTES_MAX, i);
		close(openat(dir_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	close(openat(dir_fd, ".x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(dir_fd, "...", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	return dir_fd;
}

Test(folder, each_name_once)
{
	static struct folder_reader reader;
	int dir_fd = make_names(), seen[NAMES] = {0}, dots = 0, r;
	const char *name;

	folder_reader_init(&reader, &faulty_sys, dir_fd);
	faults.calls = 0;
	while ((r = folder_read(&reader, &name)) == 1) {
		if (name[0] == '.') {
			cr_expect(strcmp(name, ".x") == 0 || strcmp(name, "...") == 0, "%s", name);
			dots++;
			continue;
		}
		int i = atoi(name);
		cr_assert(i >= 0 && i < NAMES);
		seen[i]++;
	}
	cr_expect_eq(r, 0);
	cr_expect_gt(faults.calls, 3, "this took more than one batch");
	cr_expect_eq(dots, 2);
	for (int i = 0; i < NAMES; i++)
		cr_expect_eq(seen[i], 1, "%d", i);
	cr_expect_eq(folder_read(&reader, &name), 0, "the end stays the end");
	close(dir_fd);
}

Test(folder, an_error_is_no_end)
{
	static struct folder_reader reader;
	int dir_fd = make_names(), r;
	const char *name;

	for (int n = 1; n <= 3; n++) {
		lseek(dir_fd, 0, SEEK_SET);
		folder_reader_init(&reader, &faulty_sys, dir_fd);
		faults.calls = 0;
		faults.fails_at = n;
		faults.fails_with = EIO;
		while ((r = folder_read(&reader, &name)) == 1)
			;
		cr_expect_eq(r, -EIO, "batch %d", n);
	}
	faults.fails_at = 0;
	close(dir_fd);
}

/* As NFS has it (flock(2)): a lock for itself alone is for descriptors that can write. */
static int flock_as_nfs(int fd, int operation)
{
	if ((operation & LOCK_EX) != 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return -1;
	}
	return store_sys_kernel.flock(fd, operation);
}

Test(folder, locked_as_nfs_can)
{
	struct store_sys sys = faulty_sys;
	struct facts facts;
	int descriptors = store_descriptors();

	sys.flock = flock_as_nfs;
	close(openat(store_root_fd, "bucket/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	int bucket_fd = openat(store_root_fd, "bucket", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = folder_lock_file(&sys, bucket_fd, "file", &facts);
	cr_expect_geq(fd, 0, "%d", fd);
	cr_expect_eq(folder_try_lock(&sys, bucket_fd, "file"), -EWOULDBLOCK);
	close(fd);
	fd = folder_try_lock(&sys, bucket_fd, "file");
	cr_expect_geq(fd, 0, "%d", fd);
	close(fd);
	cr_expect_eq(folder_lock_file(&sys, bucket_fd, "none", &facts), -ENOENT);
	cr_expect_eq(folder_try_lock(&sys, bucket_fd, "none"), -ENOENT);
	close(bucket_fd);
	cr_expect_eq(store_descriptors(), descriptors);
}

Test(folder, a_removed_folder_is_empty)
{
	static struct folder_reader reader;
	const char *name;

	cr_assert_eq(mkdirat(store_root_fd, "gone", 0700), 0);
	int dir_fd = openat(store_root_fd, "gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(unlinkat(store_root_fd, "gone", AT_REMOVEDIR), 0);
	folder_reader_init(&reader, &faulty_sys, dir_fd);
	cr_expect_eq(folder_read(&reader, &name), 0);
	close(dir_fd);
}
