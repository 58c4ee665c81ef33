/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets and sweeps of all of them; and every fault of every call. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/bucket.h"
#include "store/names.h"
#include "store/sweep.h"
#include "unit/store_fixture.h"

TestSuite(bucket, .init = store_fixture_make, .fini = store_fixture_remove);

static int make(const char *name)
{
	return bucket_make(&faulty_sys, store_root_fd, name, true);
}

static int remove_bucket(const char *name)
{
	return bucket_remove(&faulty_sys, store_root_fd, name, true);
}

static void make_file(const char *path)
{
	int fd = openat(store_root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	must(fd >= 0);
	close(fd);
}

Test(bucket, made_listed_removed)
{
	struct bucket *list;

	cr_expect_eq(make("bucket"), -EEXIST);
	cr_expect_eq(make("another"), 0);
	make_file("a-file");
	must(mkdirat(store_root_fd, "No", 0700) == 0); /* too short for a bucket */
	must(mkdirat(store_root_fd, ".hidden", 0700) == 0);
	must(symlinkat("bucket", store_root_fd, "a-link") == 0);
	cr_assert_eq(bucket_list(&faulty_sys, store_root_fd, &list), 2);
	cr_expect_str_eq(list[0].name, "another");
	cr_expect_str_eq(list[1].name, "bucket");
	cr_expect(list[0].made > 1600000000);
	free(list);
	cr_expect_eq(remove_bucket("another"), 0);
	cr_expect_eq(remove_bucket("another"), -ENOENT);
	cr_expect_eq(remove_bucket("a-link"), -ENOENT);
	cr_expect_eq(remove_bucket("a-file"), -ENOENT);
}

Test(bucket, what_holds_something_stays)
{
	make_file("bucket/object");
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY);
	must(unlinkat(store_root_fd, "bucket/object", 0) == 0);
	must(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700) == 0);
	make_file("bucket/" STORE_PRIVATE "/stranger");
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY);
	must(unlinkat(store_root_fd, "bucket/" STORE_PRIVATE "/stranger", 0) == 0);
	make_file("bucket/" STORE_PRIVATE "/" STORE_TEMP_PREFIX
		  "left"); /* of a writer that is gone */
	cr_expect_eq(remove_bucket("bucket"), 0);
	cr_expect_eq(store_entries("."), 0);
}

Test(bucket, every_fault_of_every_call)
{
	static const int errors[] = {EIO, ENOSPC, EROFS, EMFILE, ENFILE, ENOMEM, EACCES};

	for (size_t i = 0; i < 2 * ARRAY_LEN(errors); i++) {
		int open_before = store_descriptors(), n = 0;
		for (bool has_failed = true; has_failed;) {
			must(mkdirat(store_root_fd, "other", 0700) == 0 || errno == EEXIST);
			must(mkdirat(store_root_fd, "other/" STORE_PRIVATE, 0700) == 0 ||
			     errno == EEXIST);
			faults.calls = 0;
			faults.fails_with = errors[i / 2];
			faults.fails_at = ++n;
			int r = i % 2 ? remove_bucket("other") : make("new");
			has_failed = faults.calls >= n;
			faults.fails_at = 0;
			cr_expect_eq(r, has_failed ? -errors[i / 2] : 0, "call %d: %d", n, r);
			cr_expect_eq(store_descriptors(), open_before);
			unlinkat(store_root_fd, "new", AT_REMOVEDIR);
		}
		cr_expect_gt(n, 2);
	}
}

/* One bucket that cannot be swept keeps no other from it. */
Test(bucket, sweep_of_all)
{
	must(make("another") == 0);
	static const char *const buckets[] = {"bucket", "another"};
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/" STORE_PRIVATE, buckets[i]);
		must(mkdirat(store_root_fd, path, 0700) == 0);
		strcat(path, "/" STORE_TEMP_PREFIX "left");
		make_file(path);
	}
	faults.calls = 0;
	faults.fails_with = EIO;
	faults.fails_at = 2; /* of the first bucket */
	struct sweep_result result = sweep_all(&faulty_sys, store_root_fd, 0);
	faults.fails_at = 0;
	cr_expect_eq(result.error, -EIO);
	cr_expect_eq(result.files, 1);
	result = sweep_all(&faulty_sys, store_root_fd, 0);
	cr_expect_eq(result.error, 0);
	cr_expect_eq(result.files, 1);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
	cr_expect_eq(store_entries("another/" STORE_PRIVATE), 0);
}
