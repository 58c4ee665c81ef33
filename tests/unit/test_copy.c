/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes arrive where they belong by each of the three ways of copying, also when the kernel takes a
 * few at a time, is interrupted, knows a way no more, or fails at any call. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/copy.h"
#include "unit/store_fixture.h"

/* ---- Kernels --------------------------------------------------------------------------------- */

#define FS_BLOCK_BYTES 4096

/* What the calls of a test do, and what they saw. */
static struct script {
	int clone_errno;   /* 0: it clones, as a file system with blocks of FS_BLOCK_BYTES */
	int copy_errno;    /* copy_file_range: 0: it copies */
	int copies_before; /* calls that go well before copy_errno */
	size_t most;       /* bytes that one call moves at most; 0: all */
	int eintr_each;    /* each Nth call is interrupted; 0: none */
	int clones, copies, reads, writes;
	size_t largest; /* bytes that one call was asked for */
} script;

static size_t some_of(size_t bytes)
{
	if (bytes > script.largest)
		script.largest = bytes;
	return script.most > 0 && bytes > script.most ? script.most : bytes;
}

static bool is_interrupted(int calls)
{
	if (script.eintr_each == 0 || calls % script.eintr_each != 0)
		return false;
	errno = EINTR;
	return true;
}

/* As ioctl_ficlonerange(2) on XFS: blocks, but for the source's end. */
static int clone_range(int source_fd, off_t source_at, off_t bytes, int target_fd, off_t target_at)
{
	struct stat st;

	script.clones++;
	errno = script.clone_errno;
	if (errno != 0)
		return -1;
	must(fstat(source_fd, &st) == 0);
	bool is_to_end = source_at + bytes == st.st_size;
	if (source_at % FS_BLOCK_BYTES != 0 || target_at % FS_BLOCK_BYTES != 0 ||
	    (bytes % FS_BLOCK_BYTES != 0 && !is_to_end) || source_at + bytes > st.st_size) {
		errno = EINVAL;
		return -1;
	}
	char *data = malloc((size_t)bytes);
	must(pread(source_fd, data, (size_t)bytes, source_at) == bytes);
	must(pwrite(target_fd, data, (size_t)bytes, target_at) == bytes);
	free(data);
	return 0;
}

static ssize_t copy_range_of(int source_fd, off_t *source_at, int target_fd, off_t *target_at,
			     size_t bytes, unsigned flags)
{
	script.copies++;
	if (is_interrupted(script.copies))
		return -1;
	if (script.copy_errno != 0 && script.copies > script.copies_before) {
		errno = script.copy_errno;
		return -1;
	}
	return store_sys_kernel.copy_file_range(source_fd, source_at, target_fd, target_at,
						some_of(bytes), flags);
}

static ssize_t read_some(int fd, void *data, size_t bytes, off_t at)
{
	script.reads++;
	return is_interrupted(script.reads) ? -1 : pread(fd, data, some_of(bytes), at);
}

static ssize_t write_some(int fd, const void *data, size_t bytes, off_t at)
{
	script.writes++;
	return is_interrupted(script.writes) ? -1 : pwrite(fd, data, some_of(bytes), at);
}

static const struct store_sys scripted_sys = {
	.clone_range = clone_range,
	.copy_file_range = copy_range_of,
	.pread = read_some,
	.pwrite = write_some,
};

/* ---- Files ----------------------------------------------------------------------------------- */

#define SOURCE_BYTES ((3 << 20) + 17)
#define TARGET_BYTES (4 << 20)
#define BACKGROUND   '.'

static char *source_data;
static int source_fd, target_fd;

static void make_files(void)
{
	uint32_t x = 1;

	store_fixture_make();
	source_fd = openat(store_root_fd, "source", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	target_fd = openat(store_root_fd, "target", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	source_data = malloc(SOURCE_BYTES);
	for (size_t i = 0; i < SOURCE_BYTES; i++) {
		x = x * 1664525 + 1013904223; /* no two blocks alike */
		source_data[i] = (char)(x >> 24);
	}
	must(pwrite(source_fd, source_data, SOURCE_BYTES, 0) == SOURCE_BYTES);
	script = (struct script){0};
}

static void remove_files(void)
{
	close(source_fd);
	close(target_fd);
	free(source_data);
	store_fixture_remove();
}

TestSuite(copy, .init = make_files, .fini = remove_files);

static void blank_target(void)
{
	static char background[TARGET_BYTES];
	memset(background, BACKGROUND, sizeof(background));
	must(pwrite(target_fd, background, sizeof(background), 0) == sizeof(background));
}

/* These bytes are in the target, there, and nothing else is. */
static void expect_range(size_t source_at, size_t bytes, size_t target_at)
{
	char *is = malloc(TARGET_BYTES);
	struct stat st;
	size_t strangers = 0;

	must(fstat(target_fd, &st) == 0 && pread(target_fd, is, TARGET_BYTES, 0) == TARGET_BYTES);
	cr_expect_eq(st.st_size, TARGET_BYTES);
	cr_expect_eq(memcmp(is + target_at, source_data + source_at, bytes), 0,
		     "%zu bytes from %zu to %zu", bytes, source_at, target_at);
	for (size_t i = 0; i < TARGET_BYTES; i++)
		strangers += (i < target_at || i >= target_at + bytes) && is[i] != BACKGROUND;
	cr_expect_eq(strangers, 0);
	free(is);
}

static const struct range {
	size_t source_at, bytes, target_at;
} ranges[] = {
	{0, SOURCE_BYTES, 0},
	{0, FS_BLOCK_BYTES, FS_BLOCK_BYTES},
	{FS_BLOCK_BYTES, 1 << 20, 2 * FS_BLOCK_BYTES},
	{0, (1 << 20) + 1, 0},
	{1, 1, 1},
	{1, (1 << 20) - 1, 3},
	{12345, 2 << 20, 54321},
	{SOURCE_BYTES - 1, 1, 0},
	{3 << 20, 17, 1 << 20},
	{17, 0, 5},
};

static void expect_every_range(const struct store_sys *sys)
{
	const struct script wanted = script;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		const struct range *range = &ranges[i];
		script = wanted;
		blank_target();
		int r = copy_range(sys, source_fd, range->source_at, range->bytes, target_fd,
				   range->target_at);
		cr_expect_eq(r, 0, "range %zu: %d", i, r);
		expect_range(range->source_at, range->bytes, range->target_at);
	}
}

/* ---- Ways ------------------------------------------------------------------------------------ */

/* By whatever way this machine's file system has. */
Test(copy, by_the_kernel_that_is_here)
{
	expect_every_range(&store_sys_kernel);
}

Test(copy, by_clone)
{
	expect_every_range(&scripted_sys);
	blank_target();
	script = (struct script){0};
	cr_expect_eq(copy_range(&scripted_sys, source_fd, 0, 1 << 20, target_fd, 0), 0);
	cr_expect(script.clones == 1 && script.copies == 0 && script.reads == 0);
	cr_expect_eq(copy_range(&scripted_sys, source_fd, 1, 1 << 20, target_fd, 0), 0);
	cr_expect(script.clones == 2 && script.copies == 1 && script.reads == 0,
		  "no whole blocks: the next way");
}

static const int unsupported[] = {EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, ENOTTY};

Test(copy, in_the_kernel)
{
	for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
		script = (struct script){.clone_errno = unsupported[i]};
		expect_every_range(&scripted_sys);
		cr_expect_eq(script.reads, 0);
	}
	script = (struct script){.clone_errno = EOPNOTSUPP, .most = 100003, .eintr_each = 3};
	expect_every_range(&scripted_sys);
}

Test(copy, through_a_buffer)
{
	for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
		script = (struct script){.clone_errno = EOPNOTSUPP, .copy_errno = unsupported[i]};
		expect_every_range(&scripted_sys);
	}
	script = (struct script){
		.clone_errno = EXDEV, .copy_errno = EXDEV, .most = 100003, .eintr_each = 3};
	expect_every_range(&scripted_sys);
}

/* The file system loses heart when some has been copied already. */
Test(copy, one_way_after_another)
{
	script = (struct script){.clone_errno = EOPNOTSUPP,
				 .copy_errno = EINVAL,
				 .copies_before = 3,
				 .most = 100003};
	expect_every_range(&scripted_sys);
	blank_target();
	script.copies = script.reads = 0;
	cr_expect_eq(copy_range(&scripted_sys, source_fd, 5, 1 << 20, target_fd, 6), 0);
	expect_range(5, 1 << 20, 6);
	cr_expect(script.copies == 4 && script.reads > 0);
}

/* ---- What fails ------------------------------------------------------------------------------ */

Test(copy, the_source_is_shorter)
{
	static const struct script ways[] = {
		{0},
		{.clone_errno = EXDEV},
		{.clone_errno = EXDEV, .copy_errno = EXDEV},
		{.clone_errno = EXDEV, .copy_errno = EXDEV, .most = 100003},
	};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		script = ways[i];
		cr_expect_eq(
			copy_range(&scripted_sys, source_fd, 0, SOURCE_BYTES + 1, target_fd, 0),
			-ENODATA, "way %zu", i);
		cr_expect_eq(copy_range(&scripted_sys, source_fd, SOURCE_BYTES, 1, target_fd, 0),
			     -ENODATA, "way %zu", i);
	}
}

/* No other way is better where the disk fails. */
Test(copy, a_failing_disk_ends_it)
{
	script = (struct script){.clone_errno = EIO};
	cr_expect_eq(copy_range(&scripted_sys, source_fd, 0, 1, target_fd, 0), -EIO);
	cr_expect_eq(script.copies, 0);
	script = (struct script){.clone_errno = EXDEV, .copy_errno = EIO};
	cr_expect_eq(copy_range(&scripted_sys, source_fd, 0, 1, target_fd, 0), -EIO);
	cr_expect_eq(script.reads, 0);
}

static ssize_t no_copy_file_range(int from_fd, off_t *source_at, int to_fd, off_t *target_at,
				  size_t bytes, unsigned flags)
{
	(void)from_fd, (void)source_at, (void)to_fd, (void)target_at, (void)bytes, (void)flags;
	errno = EXDEV;
	return -1;
}

Test(copy, every_fault_of_every_call)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, ENOMEM};
	struct store_sys sys = faulty_sys;

	faults.has_clone = false;
	for (size_t i = 0; i < 2 * ARRAY_LEN(errors); i++) {
		int n = 0;
		sys.copy_file_range = i % 2 ? no_copy_file_range : faulty_sys.copy_file_range;
		for (bool has_failed = true; has_failed;) {
			faults.calls = 0;
			faults.fails_with = errors[i / 2];
			faults.fails_at = ++n;
			int r = copy_range(&sys, source_fd, 0, SOURCE_BYTES, target_fd, 0);
			has_failed = faults.calls >= n;
			faults.fails_at = 0;
			cr_expect_eq(r, has_failed ? -errors[i / 2] : 0, "call %d", n);
		}
		cr_expect_gt(n, 1);
	}
}

/* A write that takes nothing, for ever. */
static ssize_t write_nothing(int fd, const void *data, size_t bytes, off_t at)
{
	(void)fd, (void)data, (void)bytes, (void)at;
	return 0;
}

Test(copy, a_write_of_nothing_is_an_error)
{
	struct store_sys sys = scripted_sys;
	sys.pwrite = write_nothing;
	script = (struct script){.clone_errno = EXDEV, .copy_errno = EXDEV};
	cr_expect_eq(copy_range(&sys, source_fd, 0, 1, target_fd, 0), -EIO);
}

/* ---- Large ----------------------------------------------------------------------------------- */

#define GIB (1ull << 30)

static uint64_t asked_from, asked_to; /* the last call's end */

static ssize_t pretend_to_copy(int from_fd, off_t *source_at, int to_fd, off_t *target_at,
			       size_t bytes, unsigned flags)
{
	(void)from_fd, (void)to_fd;
	must(flags == 0);
	script.copies++;
	some_of(bytes);
	*source_at += (off_t)bytes;
	*target_at += (off_t)bytes;
	asked_from = (uint64_t)*source_at;
	asked_to = (uint64_t)*target_at;
	return (ssize_t)bytes;
}

/* In pieces, and without a carry lost. */
Test(copy, more_than_32_bits)
{
	struct store_sys sys = scripted_sys;
	sys.copy_file_range = pretend_to_copy;
	script = (struct script){.clone_errno = EXDEV};
	cr_expect_eq(copy_range(&sys, source_fd, 5 * GIB + 1, 5 * GIB + 3, target_fd, 9 * GIB), 0);
	cr_expect_eq(asked_from, 10 * GIB + 4);
	cr_expect_eq(asked_to, 14 * GIB + 3);
	cr_expect_gt(script.copies, 16);
	cr_expect_leq(script.largest, GIB, "%zu at once", script.largest);
}
