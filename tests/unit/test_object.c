/* SPDX-License-Identifier: Apache-2.0 */
/* Opening files as objects: what is refused, what is learnt, and with which flags. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "store/object.h"

static char root[] = "/tmp/sluice-object-XXXXXX";
static int root_fd;

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(root));
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(root_fd >= 0 && mkdirat(root_fd, "bucket", 0700) == 0);
	int fd = openat(root_fd, "bucket/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && write(fd, "12345", 5) == 5);
	close(fd);
	cr_assert_eq(mkfifoat(root_fd, "bucket/fifo", 0600), 0);
	cr_assert_eq(symlinkat("file", root_fd, "bucket/link"), 0);
}

static void tear_down(void)
{
	static const char *const names[] = {"bucket/file", "bucket/fifo", "bucket/link"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(root_fd, names[i], 0);
	unlinkat(root_fd, "bucket", AT_REMOVEDIR);
	close(root_fd);
	rmdir(root);
}

TestSuite(object, .init = set_up, .fini = tear_down);

/* As the ring opens it: also what the name cache lacks. */
static int open_as(const char *path, const struct open_how *how)
{
	long fd = syscall(SYS_openat2, root_fd, path, how, sizeof(*how));
	return fd < 0 ? -errno : (int)fd;
}

Test(object, a_file_is_learnt_and_read_without_noting_the_time)
{
	struct open_how how = object_open_how();
	struct object object;
	struct stat st;

	int fd = open_as("bucket/file", &how);
	cr_assert(fd >= 0, "%s", strerror(-fd));
	cr_assert_eq(object_from_fd(&object, fd), 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(object.facts.size, 5);
	cr_expect_eq(object.facts.modified.tv_sec, st.st_mtim.tv_sec);
	cr_expect_eq(object.facts.device, st.st_dev);
	cr_expect_eq(object.facts.inode, st.st_ino);
	cr_expect(object.etag[0] == '"' && object.etag[strlen(object.etag) - 1] == '"');
	cr_expect_neq(fcntl(object.file_fd, F_GETFL) & O_NOATIME, 0);
	object_close(&object);
	cr_expect_eq(object.file_fd, -1);
}

Test(object, another_users_file_is_opened_without_noatime)
{
	struct open_how how = object_open_how();
	struct object object;

	cr_expect(object_open_without_noatime(&how));
	cr_expect_not(object_open_without_noatime(&how), "once");
	int fd = open_as("bucket/file", &how);
	cr_assert(fd >= 0);
	cr_assert_eq(object_from_fd(&object, fd), 0);
	cr_expect_eq(fcntl(fd, F_GETFL) & O_NOATIME, 0);
	object_close(&object);
}

Test(object, what_is_no_file_is_not_there)
{
	struct open_how how = object_open_how();
	struct object object;

	int fd = open_as("bucket/fifo", &how);
	cr_assert(fd >= 0, "a FIFO does not hold us: %s", strerror(-fd));
	cr_expect_eq(object_from_fd(&object, fd), -ENOENT);
	cr_expect_eq(object.file_fd, -1);
	cr_expect_eq(fcntl(fd, F_GETFD), -1, "closed");

	fd = open_as("bucket", &how);
	cr_assert(fd >= 0);
	cr_expect_eq(object_from_fd(&object, fd), -ENOENT);
	cr_expect_eq(open_as("bucket/link", &how), -ELOOP);
	cr_expect_eq(open_as("../etc/passwd", &how), -EXDEV);
	cr_expect_eq(open_as("/etc/passwd", &how), -EXDEV);
}

Test(object, a_bucket_is_a_folder)
{
	struct open_how how = object_bucket_how();

	int fd = open_as("bucket", &how);
	cr_assert(fd >= 0);
	close(fd);
	cr_expect_eq(open_as("bucket/file", &how), -ENOTDIR);
	cr_expect_eq(open_as("bucket/link", &how), -ELOOP);
	cr_expect_eq(open_as("other", &how), -ENOENT);
}
