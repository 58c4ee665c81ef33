/* SPDX-License-Identifier: Apache-2.0 */
/* All uploads of a bucket: listed, also beside damaged ones, and swept, but not under their users.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/multipart_private.h"
#include "store/names.h"
#include "unit/store_fixture.h"
#include "unit/upload_fixture.h"

TestSuite(multipart_list, .init = store_fixture_make, .fini = store_fixture_remove);

#define PRIVATE "bucket/" STORE_PRIVATE

static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM, EACCES};

static void empty_bucket(void)
{
	store_remove_tree(store_root_fd, "bucket");
	cr_assert_eq(mkdirat(store_root_fd, "bucket", 0700), 0);
}

/* What a page holds: keys, with a "+" before a common prefix, each with a space behind it. */
static const char *page_of(const struct upload_query *query, bool *is_truncated)
{
	static char text[256];
	struct upload_page page;
	int n = 0;

	cr_assert_eq(upload_list(&faulty_sys, store_root_fd, "bucket", query, &page), 0);
	text[0] = '\0';
	for (unsigned i = 0; i < page.count; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s ",
			      page.upload[i].is_prefix ? "+" : "", page.upload[i].key);
	*is_truncated = page.is_truncated;
	upload_page_fini(&page);
	return text;
}

Test(multipart_list, with_a_delimiter)
{
	static const char *const keys[] = {"b/2", "a", "b/1", "c//x", "b/1/3", "c", "b", "b/1"};
	char id[UPLOAD_ID_BYTES];
	static const struct {
		const char *prefix, *delimiter, *after, *page;
	} rows[] = {
		{"", "/", "", "a b +b/ c +c/ "},
		{"", "/", "b", "+b/ c +c/ "},
		{"", "/", "b/", "c +c/ "},
		{"", "/", "b/1", "+b/ c +c/ "},
		{"", "/", "b/2", "c +c/ "},
		{"b", "/", "", "b +b/ "},
		{"b/", "/", "", "b/1 b/1 +b/1/ b/2 "},
		{"b/1", "/", "", "b/1 b/1 +b/1/ "},
		{"c/", "/", "", "+c// "},
		{"", "b/1", "", "a b +b/1 b/2 c c//x "},
		{"", "x", "", "a b b/1 b/1 b/1/3 b/2 c +c//x "},
		{"", "", "", "a b b/1 b/1 b/1/3 b/2 c c//x "},
	};
	bool is_truncated;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		cr_assert_eq(uploads_create(keys[i], id), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct upload_query query = {.prefix = rows[i].prefix,
					     .delimiter = rows[i].delimiter,
					     .after_key = rows[i].after,
					     .after_id = "",
					     .max = 100};
		cr_expect_str_eq(page_of(&query, &is_truncated), rows[i].page, "row %zu", i);
		cr_expect_not(is_truncated);
	}
	/* In pages of one, each begins where the one before has ended. */
	static const char *const pages[] = {"a ", "b ", "+b/ ", "c ", "+c/ "};
	static const char *const markers[] = {"", "a", "b", "b/", "c"};
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct upload_query query = {.prefix = "",
					     .delimiter = "/",
					     .after_key = markers[i],
					     .after_id = "",
					     .max = 1};
		cr_expect_str_eq(page_of(&query, &is_truncated), pages[i]);
		cr_expect_eq(is_truncated, i + 1 < ARRAY_LEN(pages), "page %zu", i);
	}
}

/* ---- Listed ---------------------------------------------------------------------------------- */

/* An info that is not ours, or that nobody can read, is one upload less, and not the end of all. */
Test(multipart_list, listed_beside_damaged_ones)
{
	static const char *const damaged[] = {
		PRIVATE "/up-00000000000000000000000000000000",
		PRIVATE "/up-77777777777777777777777777777777",
		PRIVATE "/up-ffffffffffffffffffffffffffffffff",
		PRIVATE "/up-ffffffffffffffffffffffffffffff..",
		PRIVATE "/up-fffffffffffffffffffffffffffffffe",
	};
	struct upload_page uploads;
	char id[UPLOAD_ID_BYTES], info[128];

	cr_assert_eq(uploads_create("one", id), 0);
	cr_assert_eq(uploads_create("two", id), 0);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++)
		cr_assert_eq(mkdirat(store_root_fd, damaged[i], 0700), 0);
	snprintf(info, sizeof(info), "%s/info",
		 damaged[0]); /* empty: a crash, --durability=relaxed */
	close(openat(store_root_fd, info, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	snprintf(info, sizeof(info), "%s/info", damaged[1]);
	cr_assert_eq(mkdirat(store_root_fd, info, 0700), 0);
	snprintf(info, sizeof(info), "%s/info", damaged[2]);
	cr_assert_eq(symlinkat("/etc/passwd", store_root_fd, info), 0);
	snprintf(info, sizeof(info), "%s/info", damaged[3]); /* a key, but no id */
	int fd = openat(store_root_fd, info, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, "zzz", 4), 4);
	close(fd);

	int r = uploads_list("", "", "", 9, &uploads);
	cr_expect_eq(r, 0, "%d", r);
	cr_assert_eq(uploads.count, 2);
	cr_expect_str_eq(uploads.upload[0].key, "one");
	cr_expect_str_eq(uploads.upload[1].key, "two");
	upload_page_fini(&uploads);
	cr_expect_eq(uploads_swept(time(NULL) + 10), -EISDIR, "one of them cannot be taken apart");
	cr_expect_eq(store_entries(PRIVATE), 1);
}

/* A listing is all of it or an error: also of an upload that only could not be looked at now. */
Test(multipart_list, listed_under_every_fault)
{
	struct upload_part part, page[4];
	struct upload_page uploads;
	char id[UPLOAD_ID_BYTES];
	bool is_truncated;

	cr_assert_eq(uploads_create("one", id), 0);
	cr_assert_eq(uploads_create("two", id), 0);
	cr_assert_eq(uploads_send_part("two", id, 1, 'a', 7, &part), 0);
	cr_assert_eq(uploads_send_part("two", id, 10000, 'a', 7, &part), 0);
	struct upload_place place = uploads_place("two", id);
	int descriptors = store_descriptors(), n = 0;
	for (bool has_failed = true; has_failed;) {
		faults_begin(EMFILE, ++n);
		int r = uploads_list("", "", "", 9, &uploads);
		has_failed = faults_end();
		cr_expect_eq(r, has_failed ? -EMFILE : 0, "call %d", n);
		cr_expect(has_failed || uploads.count == 2);
		upload_page_fini(&uploads);
		cr_expect_eq(store_descriptors(), descriptors, "call %d leaks", n);
	}
	cr_expect_gt(n, 8, "%d calls", n);
	for (n = 1; n < 8; n++) {
		faults_begin(EIO, n);
		cr_expect_eq(uploads_parts(&place, 0, 4, page, &is_truncated), -EIO);
		faults_end();
		cr_expect_eq(store_descriptors(), descriptors, "call %d leaks", n);
	}
}

/* ---- Swept ------------------------------------------------------------------------------------
 */

static void make_old(const char *id)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char path[128];

	snprintf(path, sizeof(path), PRIVATE "/up-%s", id);
	cr_assert_eq(utimensat(store_root_fd, path, old, 0), 0);
}

/* Putting it together may take long, and its folder is not touched meanwhile. */
Test(multipart_list, one_that_is_being_completed_is_not_swept)
{
	struct upload_part part;
	char id[UPLOAD_ID_BYTES], path[128];

	cr_assert_eq(uploads_create("key", id), 0);
	cr_assert_eq(uploads_send_part("key", id, 1, 'a', 7, &part), 0);
	make_old(id);
	snprintf(path, sizeof(path), PRIVATE "/up-%s/info", id);
	int fd = openat(store_root_fd, path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	cr_expect_eq(uploads_swept(2000), 0);
	struct upload_place place = uploads_place("key", id);
	cr_expect_eq(upload_check(&place, NULL), 0);
	close(fd);
	make_old(id);
	cr_expect_eq(uploads_swept(2000), 1);
	cr_expect_eq(upload_check(&place, NULL), -ENOENT);
}

/* A crash of long ago may have left it in any state. */
Test(multipart_list, one_without_info_is_swept)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	cr_assert_eq(mkdirat(store_root_fd, PRIVATE, 0700), 0);
	cr_assert_eq(mkdirat(store_root_fd, PRIVATE "/up-0123456789abcdef0123456789abcdef", 0700),
		     0);
	make_old(id);
	cr_expect_eq(uploads_swept(2000), 1);
	cr_expect_eq(store_entries(PRIVATE), 0);
}

Test(multipart_list, a_part_makes_it_young)
{
	struct upload_part part;
	char id[UPLOAD_ID_BYTES];

	for (int i = 0; i < 2; i++) {
		faults.has_tmpfile = i == 0;
		cr_assert_eq(uploads_create("key", id), 0);
		for (int again = 0; again < 2; again++) {
			make_old(id);
			cr_assert_eq(uploads_send_part("key", id, 1, 'a', 7, &part), 0);
			cr_expect_eq(uploads_swept(2000), 0);
		}
		make_old(id);
		cr_expect_eq(uploads_swept(2000), 1);
	}
}

/* ---- A part that comes while it is swept ---- */

static struct latecomer {
	char id[UPLOAD_ID_BYTES];
	bool has_come;
	int r;
} late;

static void send_late(void)
{
	struct upload_part part;
	late.r = uploads_send_part("key", late.id, 1, 'a', 7, &part);
}

/* The sweep has looked at the upload's age, and locks it now. */
static int flock_after_a_part(int fd, int operation)
{
	late.has_come = true;
	send_late();
	return store_sys_kernel.flock(fd, operation);
}

/* It has locked it, and puts it out of sight. */
static int renameat_after_a_part(int old_fd, const char *old_path, int new_fd, const char *new_path)
{
	if (!late.has_come)
		send_late();
	late.has_come = true;
	return store_sys_kernel.renameat(old_fd, old_path, new_fd, new_path);
}

/* The part has opened its upload, and gets its name when that is out of sight already. */
static int linkat_behind_a_sweep(int old_fd, const char *old_path, int new_fd, const char *new_path,
				 int flags)
{
	char from[UPLOAD_NAME_BYTES], to[UPLOAD_NAME_BYTES];
	int private_fd = openat(store_root_fd, PRIVATE, O_PATH | O_CLOEXEC);
	snprintf(from, sizeof(from), UPLOAD_PREFIX "%s", late.id);
	snprintf(to, sizeof(to), UPLOAD_GONE_PREFIX "%s", late.id);
	must(renameat(private_fd, from, private_fd, to) == 0);
	close(private_fd);
	late.has_come = true;
	return store_sys_kernel.linkat(old_fd, old_path, new_fd, new_path, flags);
}

/* The sweep of an old upload to which a part comes meanwhile, where sys says. */
static void keeps_the_late_part(const struct store_sys *sys)
{
	struct upload_swept swept = {0};

	cr_assert_eq(uploads_create("key", late.id), 0);
	make_old(late.id);
	cr_expect_eq(upload_sweep(sys, store_root_fd, "bucket", 2000, &swept), 0);
	cr_assert(late.has_come && late.r == 0);
	struct upload_place place = uploads_place("key", late.id);
	cr_expect_eq(swept.gone, 0);
	cr_expect_eq(upload_check(&place, NULL), 0, "what was acknowledged is there");
}

Test(multipart_list, a_part_before_the_lock_keeps_it)
{
	struct store_sys sys = faulty_sys;

	sys.flock = flock_after_a_part;
	keeps_the_late_part(&sys);
}

Test(multipart_list, a_part_behind_the_lock_keeps_it)
{
	struct store_sys sys = faulty_sys;

	sys.renameat = renameat_after_a_part;
	keeps_the_late_part(&sys);
}

Test(multipart_list, a_part_of_what_is_gone_is_refused)
{
	struct store_sys sys = faulty_sys;
	struct put put;

	sys.linkat = linkat_behind_a_sweep;
	cr_assert_eq(uploads_create("key", late.id), 0);
	struct upload_place place = uploads_place("key", late.id);
	place.sys = &sys;
	cr_assert_eq(put_begin(&put, &sys, store_root_fd, "bucket", NULL, true), 0);
	int r = upload_part_commit(&place, &put, 1, NULL);
	put_end(&put);
	cr_assert(late.has_come);
	cr_expect_eq(r, -ENOENT, "not acknowledged: %d", r);
	cr_expect_eq(uploads_swept(2000), 1);
	cr_expect_eq(store_entries(PRIVATE), 0);
}

/* A sweep has died in the moment between its two looks. */
Test(multipart_list, a_hidden_one_comes_back_if_it_is_in_use)
{
	char id[UPLOAD_ID_BYTES], from[128], to[128];

	for (int is_old = 0; is_old < 2; is_old++) {
		cr_assert_eq(uploads_create("key", id), 0);
		if (is_old)
			make_old(id);
		snprintf(from, sizeof(from), PRIVATE "/" UPLOAD_PREFIX "%s", id);
		snprintf(to, sizeof(to), PRIVATE "/" UPLOAD_HIDDEN_PREFIX "%s", id);
		cr_assert_eq(renameat(store_root_fd, from, store_root_fd, to), 0);
		cr_expect_eq(uploads_swept(2000), is_old);
		struct upload_place place = uploads_place("key", id);
		cr_expect_eq(upload_check(&place, NULL), is_old ? -ENOENT : 0);
	}
}

/* One that is on its way keeps it, too: it may take long. */
Test(multipart_list, a_part_that_begins_makes_it_young)
{
	char id[UPLOAD_ID_BYTES];

	cr_assert_eq(uploads_create("key", id), 0);
	make_old(id);
	struct upload_place place = uploads_place("key", id);
	cr_expect_eq(upload_check(&place, NULL), 0);
	cr_expect_eq(uploads_swept(2000), 0);
}

Test(multipart_list, swept_under_every_fault)
{
	struct upload_part part;
	char id[2][UPLOAD_ID_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		int n = 0;
		for (bool has_failed = true; has_failed;) {
			cr_assert_eq(uploads_create("old", id[0]), 0);
			cr_assert_eq(uploads_send_part("old", id[0], 1, 'a', 7, &part), 0);
			cr_assert_eq(uploads_create("young", id[1]), 0);
			make_old(id[0]);
			int descriptors = store_descriptors();
			faults_begin(errors[i], ++n);
			int r = uploads_swept(2000);
			has_failed = faults_end();
			cr_expect_eq(r, has_failed ? -errors[i] : 1, "call %d: %d", n, r);
			cr_expect_eq(store_descriptors(), descriptors, "call %d leaks", n);
			cr_expect_geq(uploads_swept(2000), 0);
			cr_expect_eq(store_entries(PRIVATE), 1, "call %d: the young one", n);
			empty_bucket();
		}
		cr_expect_gt(n, 10, "%d calls", n);
	}
}
