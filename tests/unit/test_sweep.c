/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/bucket.h"
#include "store/names.h"
#include "store/sweep.h"
#include "unit/store_fixture.h"

TestSuite(sweep, .init = store_fixture_make, .fini = store_fixture_remove);

static atomic_bool is_ending;

static void make_file(const char *path)
{
	int fd = openat(store_root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	must(fd >= 0);
	close(fd);
}

/* One file or upload that cannot be removed keeps no other from it, and the others are counted. */
Test(sweep, of_the_others)
{
	static const char *const files[] = {"tmp-1", "tmp-2", "tmp-3"};
	static const char *const uploads[] = {"del-1", "del-2", "del-3"};
	struct sweep_result result;
	char path[128];
	int n = 0;

	must(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700) == 0);
	faults.fails_with = EIO;
	for (bool has_failed = true; has_failed;) {
		for (size_t i = 0; i < ARRAY_LEN(files); i++) {
			snprintf(path, sizeof(path), "bucket/" STORE_PRIVATE "/%s", files[i]);
			make_file(path);
			snprintf(path, sizeof(path), "bucket/" STORE_PRIVATE "/%s", uploads[i]);
			must(mkdirat(store_root_fd, path, 0700) == 0 || errno == EEXIST);
		}
		faults.calls = 0;
		faults.fails_at = ++n;
		result = sweep_all(&faulty_sys, store_root_fd, 0, &is_ending);
		has_failed = faults.calls >= n;
		faults.fails_at = 0;
		cr_expect_eq(result.error, has_failed ? -EIO : 0, "call %d", n);
		int left = store_entries("bucket/" STORE_PRIVATE);
		cr_expect_eq(result.files + result.uploads.gone + (unsigned)left, 6, "call %d", n);
		/* Reading a folder is all or nothing; what is in it is each by itself. */
		if (left > 1)
			cr_expect(left == 3 || left == 6, "call %d: %d are left", n, left);
	}
	cr_expect_eq(result.files, 3);
	cr_expect_eq(result.uploads.gone, 3);
	cr_expect_gt(n, 20, "%d calls", n);
}

/* One bucket that cannot be swept keeps no other from it. */
Test(sweep, of_all)
{
	must(bucket_make(&faulty_sys, store_root_fd, "another", true) == 0);
	static const char *const buckets[] = {"bucket", "another"};
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/" STORE_PRIVATE, buckets[i]);
		must(mkdirat(store_root_fd, path, 0700) == 0);
		strcat(path, "/" STORE_TEMP_PREFIX "left");
		make_file(path);
	}
	struct bucket *list;
	faults.calls = 0;
	must(bucket_list(&faulty_sys, store_root_fd, &list) == 2);
	free(list);
	faults.fails_at = faults.calls + 1; /* the first call for the first bucket */
	faults.calls = 0;
	faults.fails_with = EIO;
	struct sweep_result result = sweep_all(&faulty_sys, store_root_fd, 0, &is_ending);
	faults.fails_at = 0;
	cr_expect_eq(result.error, -EIO);
	cr_expect_eq(result.files, 1);
	result = sweep_all(&faulty_sys, store_root_fd, 0, &is_ending);
	cr_expect_eq(result.error, 0);
	cr_expect_eq(result.files, 1);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
	cr_expect_eq(store_entries("another/" STORE_PRIVATE), 0);
}

/* A server that stops does not wait for the rest. */
Test(sweep, ends_when_it_is_told)
{
	atomic_store(&is_ending, true);
	faults_begin(0, 0);
	struct sweep_result result = sweep_all(&faulty_sys, store_root_fd, 0, &is_ending);
	int calls = faults.calls;
	atomic_store(&is_ending, false);
	faults_begin(0, 0);
	sweep_all(&faulty_sys, store_root_fd, 0, &is_ending);
	cr_assert_eq(result.error, 0);
	cr_assert_lt(calls, faults.calls, "no bucket was begun");
}
