/* SPDX-License-Identifier: Apache-2.0 */
/* The private folder where it is not to be had as it is: removed beside a writer, or in another
 * quota than the object. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/bucket.h"
#include "store/private.h"
#include "store/put.h"
#include "unit/store_fixture.h"
#include "unit/upload_fixture.h"

TestSuite(private, .init = store_fixture_make, .fini = store_fixture_remove);

static int put_text(const char *key, const char *text, enum put_mode mode)
{
	struct put put;
	int r = put_begin(&put, &faulty_sys, store_root_fd, "bucket", key, true);
	if (r == 0) {
		must(write(put.file_fd, text, strlen(text)) == (ssize_t)strlen(text));
		r = put_commit(&put, key, &(struct put_terms){.mode = mode}, NULL);
	}
	put_end(&put);
	return r;
}

static void expect(const char *path, const char *text)
{
	const char *is = store_contents(path);
	cr_assert_not_null(is, "%s is not there", path);
	cr_assert_str_eq(is, text);
}

/* ---- Removed --------------------------------------------------------------------------------- */

static int replace(void)
{
	return put_text("dir/a", "new", PUT_REPLACES);
}

static int replace_if_present(void)
{
	return put_text("dir/a", "new", PUT_IF_PRESENT);
}

static int upload(void)
{
	char id[UPLOAD_ID_BYTES];
	struct upload_part part;
	struct object_stamp stamp;

	int r = uploads_create("dir/a", id);
	if (r == 0)
		r = uploads_send_part("dir/a", id, 1, 'a', 100, &part);
	return r == 0 ? uploads_complete("dir/a", id, &part, 1, &stamp) : r;
}

/* As DeleteBucket does, which then meets the object and leaves the bucket. */
static void remove_before_each_call(const char *what, int (*write_object)(void))
{
	for (int n = 1;; n++) {
		cr_assert_eq(put_text("dir/a", "old", PUT_REPLACES), 0);
		int open_before = store_descriptors();
		faults.calls = 0;
		faults.removes_private_at = n;
		int r = write_object();
		bool is_over = faults.calls < n;
		faults.removes_private_at = 0;
		cr_assert_eq(r, 0, "%s, call %d: %s", what, n, strerror(-r));
		cr_assert_str_neq(store_contents("bucket/dir/a"), "old");
		cr_assert_eq(store_descriptors(), open_before, "%s, call %d", what, n);
		cr_assert_eq(store_entries("bucket/" STORE_PRIVATE), 0, "%s, call %d", what, n);
		if (is_over)
			break;
	}
}

Test(private, removed_before_each_call)
{
	for (int named = 0; named < 2; named++) {
		faults.has_tmpfile = named == 0;
		remove_before_each_call("put", replace);
		remove_before_each_call("put if present", replace_if_present);
		remove_before_each_call("upload", upload);
	}
}

/* ---- Another quota --------------------------------------------------------------------------- */

static void every_way(void)
{
	cr_assert_eq(mkdirat(store_root_fd, "bucket/quota", 0700), 0);
	cr_assert_eq(put_text("quota/a", "one", PUT_REPLACES), 0);
	cr_assert_eq(put_text("quota/a", "two", PUT_REPLACES), 0);
	expect("bucket/quota/a", "two");
	cr_assert_eq(put_text("quota/a", "three", PUT_IF_PRESENT), 0);
	expect("bucket/quota/a", "three");
	cr_assert_eq(put_text("quota/x/y", "four", PUT_REPLACES), 0);
	cr_assert_eq(put_text("quota/x/y", "five", PUT_REPLACES), 0);
	expect("bucket/quota/x/y", "five");
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 1, "only where the others are");
	cr_expect_eq(store_entries("bucket/quota/" STORE_PRIVATE), 0);
	cr_expect_eq(store_swept("bucket"), 0);
}

Test(private, quotas_that_renames_do_not_enter)
{
	faults.has_quotas = true;
	every_way();
}

Test(private, quotas_that_renames_do_not_enter_without_o_tmpfile)
{
	faults.has_quotas = true;
	faults.has_tmpfile = false;
	every_way();
}

Test(private, quotas_that_links_do_not_enter)
{
	faults.has_quotas = faults.has_link_quotas = true;
	every_way();
}

/* What a crash leaves there is swept; the bucket can go when its objects are gone. */
Test(private, quotas_and_sweeps)
{
	faults.has_quotas = true;
	every_way();
	int dir_fd = openat(store_root_fd, "bucket/quota/" STORE_PRIVATE "/tmp-01",
			    O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_geq(dir_fd, 0);
	close(dir_fd);
	cr_expect_eq(store_swept("bucket"), 1);
	cr_expect_eq(bucket_remove(&faulty_sys, store_root_fd, "bucket", true), -ENOTEMPTY);
	cr_assert_eq(unlinkat(store_root_fd, "bucket/quota/a", 0), 0);
	cr_assert_eq(unlinkat(store_root_fd, "bucket/quota/x/y", 0), 0);
	int r = bucket_remove(&faulty_sys, store_root_fd, "bucket", true);
	cr_expect_eq(r, 0, "%d", r);
}
