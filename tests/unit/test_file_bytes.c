/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_bytes: files as operators name them, whole or not at all. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file_bytes.h"
#include "base/limits.h"
#include "base/must.h"

TestSuite(file_bytes, .timeout = 120);

#define BYTES 100000

static char byte_at(size_t i)
{
	return (char)('a' + i % 23);
}

static void write_all(int fd, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		char c = byte_at(i);
		must(write(fd, &c, 1) == 1);
	}
}

static bool is_whole(const struct file_bytes *bytes, size_t len)
{
	bool is_right = bytes->len == len;
	for (size_t i = 0; is_right && i < len; i++)
		is_right = bytes->at[i] == byte_at(i);
	return is_right;
}

Test(file_bytes, a_regular_file)
{
	static const size_t sizes[] = {0, 1, 16383, 16384, 16385, BYTES};
	char path[] = "/tmp/sluice-file-bytes-XXXXXX";
	struct file_bytes bytes;
	int fd = mkstemp(path);

	must(fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		must(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
		write_all(fd, sizes[i]);
		cr_expect_eq(file_bytes_read(&bytes, path, BYTES), 0);
		cr_expect(is_whole(&bytes, sizes[i]), "%zu bytes", sizes[i]);
		file_bytes_fini(&bytes);
		cr_expect_null(bytes.at);
	}
	cr_expect_eq(file_bytes_read(&bytes, path, 50), 0);
	cr_expect(is_whole(&bytes, 50));
	file_bytes_fini(&bytes);
	close(fd);
	unlink(path);
}

Test(file_bytes, what_cannot_be_read)
{
	struct file_bytes bytes;

	cr_expect_eq(file_bytes_read(&bytes, "/nonexistent/file", 1), -ENOENT);
	cr_expect_null(bytes.at);
	cr_expect_eq(file_bytes_read(&bytes, "/tmp", 1), -EISDIR);
	cr_expect_null(bytes.at);
}

Test(file_bytes, a_pipe_that_nobody_writes_to)
{
	char folder[] = "/tmp/sluice-file-bytes-XXXXXX", path[64];
	struct file_bytes bytes;

	must(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/fifo", folder);
	must(mkfifo(path, 0600) == 0);
	cr_expect_eq(file_bytes_read(&bytes, path, 1), 0);
	cr_expect_eq(bytes.len, 0);
	file_bytes_fini(&bytes);
	unlink(path);
	rmdir(folder);
}

/* As a shell names it. */
static void pipe_name(const int fds[2], char path[64])
{
	snprintf(path, 64, "/dev/fd/%d", fds[0]);
}

Test(file_bytes, a_pipe_whose_writer_takes_its_time)
{
	struct file_bytes bytes;
	char path[64];
	int fds[2];

	must(pipe(fds) == 0);
	pid_t child = fork();
	must(child >= 0);
	if (child == 0) {
		close(fds[0]);
		usleep(50000); /* the reader is there first, most of the time: either is right */
		write_all(fds[1], BYTES);
		_exit(0);
	}
	close(fds[1]);
	pipe_name(fds, path);
	cr_expect_eq(file_bytes_read(&bytes, path, BYTES + 1), 0);
	cr_expect(is_whole(&bytes, BYTES));
	file_bytes_fini(&bytes);
	must(waitpid(child, NULL, 0) == child);
	close(fds[0]);
}

Test(file_bytes, a_pipe_whose_writer_does_not_end)
{
	struct file_bytes bytes;
	char path[64];
	int fds[2];

	must(pipe(fds) == 0);
	write_all(fds[1], 100);
	pipe_name(fds, path);
	uint64_t began_ms = clock_now_ms();
	cr_expect_eq(file_bytes_read(&bytes, path, BYTES), -ETIMEDOUT);
	cr_expect_geq(clock_now_ms() - began_ms, FILE_PIPE_WAIT_MS);
	cr_expect_null(bytes.at);
	close(fds[0]);
	close(fds[1]);
}
