/* SPDX-License-Identifier: Apache-2.0 */
/* Objects go, and the folders that were there for them; nothing else does, whatever fails. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/bucket.h"
#include "store/object.h"
#include "store/put.h"
#include "store/remove.h"
#include "unit/store_fixture.h"

TestSuite(remove, .init = store_fixture_make, .fini = store_fixture_remove);

static void make_file(const char *path)
{
	int fd = openat(store_root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, "text", 4) == 4);
	close(fd);
}

static const struct put_terms any;

static int remove_if(const char *key, const struct put_terms *terms)
{
	return object_remove(&faulty_sys, store_root_fd, "bucket", key, terms, true);
}

/* etag NULL: whatever it is. */
static int remove_key(const char *key, const char *etag)
{
	const struct put_terms terms = {.mode = PUT_IF_PRESENT, .etag = etag};
	return remove_if(key, etag != NULL ? &terms : &any);
}

Test(remove, empty_folders_disappear)
{
	cr_assert_eq(mkdirat(store_root_fd, "bucket/a", 0700), 0);
	cr_assert_eq(mkdirat(store_root_fd, "bucket/a/b", 0700), 0);
	cr_assert_eq(mkdirat(store_root_fd, "bucket/a/b/c", 0700), 0);
	make_file("bucket/a/b/c/one");
	make_file("bucket/a/b/two");

	cr_expect_eq(remove_key("a/b/c/one", NULL), 0);
	cr_expect_eq(store_entries("bucket/a/b"), 1, "c is gone, two is there");
	cr_expect_eq(remove_key("a/b/two", NULL), 0);
	cr_expect_eq(store_entries("bucket"), 0);
}

/* Another may have removed it, and not have come to its sync: who is told that it is gone must not
 * see it again. */
Test(remove, what_is_not_there_is_synced)
{
	static const char *const keys[] = {"none", "d/none", "no/such/folder"};

	cr_assert_eq(mkdirat(store_root_fd, "bucket/d", 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		faults.fsyncs = 0;
		cr_expect_eq(remove_key(keys[i], NULL), 0);
		cr_expect_eq(faults.fsyncs, 1, "%s", keys[i]);
	}
}

Test(remove, what_is_not_there_is_removed)
{
	make_file("bucket/a");
	cr_assert_eq(mkdirat(store_root_fd, "bucket/d", 0700), 0);
	make_file("bucket/d/x");
	cr_expect_eq(remove_key("nothing", NULL), 0);
	cr_expect_eq(remove_key("no/such/folder", NULL), 0);
	cr_expect_eq(remove_key("a/below/an/object", NULL), 0);
	cr_expect_eq(remove_key("d", NULL), 0, "a folder is no object");
	cr_expect_eq(remove_key("d/", NULL), 0);
	cr_expect_eq(remove_key("a/", NULL), 0, "an object of another key");
	cr_expect_str_eq(store_contents("bucket/a"), "text");
	cr_expect_str_eq(store_contents("bucket/d/x"), "text");
	cr_expect_eq(object_remove(&faulty_sys, store_root_fd, "nowhere", "a", &any, true),
		     -ENOENT);
}

/* Each condition alone and all together, of the object that is there. */
Test(remove, conditions)
{
	struct stat st;
	char etag[ETAG_BYTES];

	make_file("bucket/a");
	cr_assert_eq(fstatat(store_root_fd, "bucket/a", &st, 0), 0);
	store_etag("bucket/a", etag);
	const struct {
		struct put_terms terms;
		int result;
	} rows[] = {
		{{.etag = "\"x\""}, -EKEYREJECTED},
		{{.has_size = true, .size = 5}, -EKEYREJECTED},
		{{.has_size = true, .size = 0}, -EKEYREJECTED},
		{{.has_modified = true, .modified = st.st_mtim.tv_sec + 1}, -EKEYREJECTED},
		{{.has_modified = true, .modified = st.st_mtim.tv_sec - 1}, -EKEYREJECTED},
		{{.etag = etag, .has_size = true, .size = 3}, -EKEYREJECTED},
		{{.etag = "\"x\"", .has_size = true, .size = 4}, -EKEYREJECTED},
		{{.etag = NULL}, 0},
		{{.etag = etag}, 0},
		{{.has_size = true, .size = 4}, 0},
		{{.has_modified = true, .modified = st.st_mtim.tv_sec}, 0},
		{{.etag = etag,
		  .has_size = true,
		  .size = 4,
		  .has_modified = true,
		  .modified = st.st_mtim.tv_sec},
		 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct put_terms terms = rows[i].terms;
		terms.mode = PUT_IF_PRESENT;
		const struct timespec times[] = {st.st_atim, st.st_mtim};
		cr_expect_eq(remove_if("a", &terms), rows[i].result, "row %zu", i);
		if (rows[i].result == 0) {
			cr_expect_eq(remove_if("a", &terms), -ENOKEY, "row %zu", i);
			make_file("bucket/a");
			cr_assert_eq(utimensat(store_root_fd, "bucket/a", times, 0), 0);
			store_etag("bucket/a", etag); /* of another file */
		}
		cr_expect_str_eq(store_contents("bucket/a"), "text");
	}
}

Test(remove, links_lead_nowhere_and_stay)
{
	make_file("outside");
	cr_assert_eq(symlinkat("../outside", store_root_fd, "bucket/link"), 0);
	cr_expect_eq(remove_key("link", NULL), 0);
	cr_expect_str_eq(store_contents("outside"), "text");
	cr_expect_eq(store_entries("bucket"), 1);
}

Test(remove, only_if_it_is_still_that_one)
{
	char etag[ETAG_BYTES];
	make_file("bucket/a");
	store_etag("bucket/a", etag);
	cr_expect_eq(remove_key("a", "\"other\""), -EKEYREJECTED);
	cr_expect_eq(remove_key("b", etag), -ENOKEY);
	cr_expect_eq(remove_key("x/", etag), -ENOKEY);
	cr_expect_str_eq(store_contents("bucket/a"), "text");
	cr_expect_eq(remove_key("a", etag), 0);
	cr_expect_null(store_contents("bucket/a"));
}

Test(remove, every_fault_of_every_call)
{
	static const int errors[] = {EIO, EROFS, EMFILE, ENFILE, ENOMEM, EACCES, EPERM};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		int open_before = store_descriptors(), n = 0;
		for (bool has_failed = true; has_failed;) {
			cr_assert(mkdirat(store_root_fd, "bucket/a", 0700) == 0 || errno == EEXIST);
			make_file("bucket/a/one");
			make_file("bucket/two");
			faults.calls = 0;
			faults.fails_with = errors[i];
			faults.fails_at = ++n;
			int r = remove_key("a/one", NULL);
			has_failed = faults.calls >= n;
			faults.fails_at = 0;
			if (r == 0)
				cr_expect_null(store_contents("bucket/a/one"), "call %d", n);
			if (!has_failed)
				cr_expect_eq(store_entries("bucket"), 1);
			cr_expect_str_eq(store_contents("bucket/two"), "text");
			cr_expect_eq(store_descriptors(), open_before, "call %d", n);
		}
		cr_expect_gt(n, 8, "%d calls", n);
	}
}

/* ---- Markers --------------------------------------------------------------------------------- */

static void put(const char *key)
{
	struct put put;
	cr_assert_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket", key, true), 0);
	cr_assert_eq(put_commit(&put, key, &(struct put_terms){.mode = PUT_IF_ABSENT}, NULL), 0,
		     "%s", key);
	put_end(&put);
}

static int take_away(const char *key)
{
	return object_remove(&faulty_sys, store_root_fd, "bucket", key, &any, true);
}

/* A folder with a marker stays when what is in it goes, and with what is in it when the marker
 * goes. */
Test(remove, a_marker_keeps_its_folder)
{
	struct put again;

	for (int named = 0; named < 2; named++) {
		faults.has_tmpfile = named == 0;
		put("a/b/");
		cr_expect_str_eq(store_contents("bucket/a/b/" STORE_MARKER), "");
		cr_assert_eq(put_begin(&again, &faulty_sys, store_root_fd, "bucket", "a/b/", true),
			     0);
		cr_expect_eq(put_commit(&again, "a/b/", &(struct put_terms){.mode = PUT_IF_ABSENT},
					NULL),
			     -EEXIST);
		put_end(&again);
		put("a/b/c/d");
		cr_expect_eq(take_away("a/b/c/d"), 0);
		cr_expect_eq(store_entries("bucket/a/b"), 1, "the marker");
		cr_expect_eq(bucket_remove(&faulty_sys, store_root_fd, "bucket", true), -ENOTEMPTY);
		put("a/b/e");
		cr_expect_eq(take_away("a/b"), 0, "a folder is no object");
		cr_expect_eq(take_away("a/b/"), 0);
		cr_expect_eq(take_away("a/b/"), 0, "again");
		cr_expect_str_eq(store_contents("bucket/a/b/e"), "");
		cr_expect_eq(take_away("a/b/e"), 0);
		cr_expect_eq(store_entries("bucket/a"), 0);
		put("a/b/");
		cr_expect_eq(take_away("a/b/"), 0);
		cr_expect_null(store_contents("bucket/a"));
	}
	cr_expect_eq(bucket_remove(&faulty_sys, store_root_fd, "bucket", true), 0);
}
