/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from file to file by each of the three ways, at odd offsets, and under every fault. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/copy.h"
#include "unit/store_fixture.h"

TestSuite(copy, .init = store_fixture_make, .fini = store_fixture_remove);

#define BYTES 3000001

static char source[BYTES], target[BYTES + 8192];

static ssize_t no_copy_file_range(int source_fd, off_t *source_at, int target_fd, off_t *target_at,
				  size_t bytes, unsigned flags)
{
	(void)source_fd, (void)source_at, (void)target_fd, (void)target_at, (void)bytes,
		(void)flags;
	errno = EXDEV;
	return -1;
}

static int open_files(int *source_fd, int *target_fd)
{
	for (size_t i = 0; i < BYTES; i++)
		source[i] = (char)(i * 31 + i / 4096);
	*source_fd = openat(store_root_fd, "source", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	*target_fd = openat(store_root_fd, "target", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	must(*source_fd >= 0 && *target_fd >= 0);
	return pwrite(*source_fd, source, BYTES, 0) == BYTES ? 0 : -1;
}

static void every_range(const struct store_sys *sys)
{
	static const struct {
		uint64_t from, bytes, to;
	} rows[] = {{0, BYTES, 0},          {0, 0, 0},          {1, 4096, 3},
		    {4096, 8192, 4096},     {BYTES - 1, 1, 77}, {5, 2000000, 10},
		    {0, BYTES - 4096, 8192}};
	int source_fd, target_fd;

	cr_assert_eq(open_files(&source_fd, &target_fd), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		must(ftruncate(target_fd, 0) == 0);
		cr_assert_eq(copy_range(sys, source_fd, rows[i].from, rows[i].bytes, target_fd,
					rows[i].to),
			     0);
		ssize_t n = pread(target_fd, target, sizeof(target), 0);
		cr_assert_eq((uint64_t)n, rows[i].bytes > 0 ? rows[i].to + rows[i].bytes : 0);
		cr_expect_eq(memcmp(target + rows[i].to, source + rows[i].from, rows[i].bytes), 0,
			     "row %zu", i);
	}
	cr_expect_eq(copy_range(sys, source_fd, 10, BYTES, target_fd, 0), -ENODATA,
		     "it is shorter");
	close(source_fd);
	close(target_fd);
}

Test(copy, every_range_by_clone_where_it_can_be)
{
	every_range(&store_sys_kernel);
}

Test(copy, every_range_in_the_kernel)
{
	faults.has_clone = false;
	every_range(&faulty_sys);
}

Test(copy, every_range_through_a_buffer)
{
	struct store_sys sys = faulty_sys;
	faults.has_clone = false;
	sys.copy_file_range = no_copy_file_range;
	every_range(&sys);
}

Test(copy, every_fault_of_every_call)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, ENOMEM};
	struct store_sys sys = faulty_sys;
	int source_fd, target_fd;

	faults.has_clone = false;
	cr_assert_eq(open_files(&source_fd, &target_fd), 0);
	for (size_t i = 0; i < 2 * ARRAY_LEN(errors); i++) {
		int n = 0;
		sys.copy_file_range = i % 2 ? no_copy_file_range : faulty_sys.copy_file_range;
		for (bool has_failed = true; has_failed;) {
			faults.calls = 0;
			faults.fails_with = errors[i / 2];
			faults.fails_at = ++n;
			int r = copy_range(&sys, source_fd, 0, BYTES, target_fd, 0);
			has_failed = faults.calls >= n;
			faults.fails_at = 0;
			cr_expect_eq(r, has_failed ? -errors[i / 2] : 0, "call %d", n);
		}
		cr_expect_gt(n, 1);
	}
	close(source_fd);
	close(target_fd);
}
