/* SPDX-License-Identifier: Apache-2.0 */
/* A file system that is mounted below a bucket: what is written there is written in it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/bucket.h"
#include "store/copy.h"
#include "store/list.h"
#include "store/private.h"
#include "store/put.h"
#include "store/remove.h"
#include "unit/store_fixture.h"
#include "unit/upload_fixture.h"

#define MOUNTED "bucket/in/m" /* the mount point */
#define THERE   MOUNTED "/" STORE_PRIVATE

static bool is_mounted;

static void mount_below_bucket(void)
{
	struct stat point, root;

	store_fixture_make();
	must(mkdirat(store_root_fd, "bucket/in", 0700) == 0);
	must(mkdirat(store_root_fd, MOUNTED, 0700) == 0);
	must(fchdir(store_root_fd) == 0);
	is_mounted = unshare(CLONE_NEWNS) == 0 &&
		     mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		     mount("none", MOUNTED, "tmpfs", 0, "size=64m") == 0;
	close(store_root_fd); /* it leads to what was mounted before */
	store_root_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fstat(store_root_fd, &root) == 0 && fstatat(store_root_fd, MOUNTED, &point, 0) == 0);
	must(!is_mounted || point.st_dev != root.st_dev);
}

static void unmount(void)
{
	must(fchdir(store_root_fd) == 0);
	if (is_mounted)
		must(umount2(MOUNTED, MNT_DETACH) == 0);
	is_mounted = false;
}

static void unmount_all(void)
{
	unmount();
	store_fixture_remove();
}

static const struct put_terms any = {.mode = PUT_REPLACES};

TestSuite(put_mounts, .init = mount_below_bucket, .fini = unmount_all);

#define NEEDS_MOUNTS()                                                                             \
	do {                                                                                       \
		if (!is_mounted)                                                                   \
			cr_skip_test("it takes root to mount a file system");                      \
	} while (0)

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

static void every_way(void)
{
	cr_assert_eq(put_text("in/m/a", "one", PUT_REPLACES), 0);
	expect(MOUNTED "/a", "one");
	cr_assert_eq(put_text("in/m/a", "two", PUT_REPLACES), 0);
	expect(MOUNTED "/a", "two");
	cr_assert_eq(put_text("in/m/a", "three", PUT_IF_PRESENT), 0);
	expect(MOUNTED "/a", "three");
	cr_assert_eq(put_text("in/m/a", "four", PUT_IF_ABSENT), -EEXIST);
	cr_assert_eq(put_text("in/m/x/y/z", "five", PUT_IF_ABSENT), 0);
	cr_assert_eq(put_text("in/m/x/y/z", "six", PUT_REPLACES), 0);
	expect(MOUNTED "/x/y/z", "six");
	cr_assert_eq(put_text("in/beside", "seven", PUT_REPLACES), 0);
	cr_assert_eq(put_text("in/beside", "eight", PUT_REPLACES), 0);
	expect("bucket/in/beside", "eight");
	cr_expect_eq(store_entries(THERE), 0);
	cr_expect_eq(object_remove(&faulty_sys, store_root_fd, "bucket", "in/m/x/y/z", &any, true),
		     0);
	cr_expect_null(store_contents(MOUNTED "/x"), "empty folders go");
	cr_expect_eq(object_remove(&faulty_sys, store_root_fd, "bucket", "in/m/a", &any, true), 0);
	cr_expect_null(store_contents(MOUNTED "/a"));
	cr_assert_eq(put_text("in/m/a", "again", PUT_REPLACES), 0, "the mount point has stayed");
	expect(MOUNTED "/a", "again");
}

Test(put_mounts, every_way_with_o_tmpfile)
{
	NEEDS_MOUNTS();
	every_way();
}

Test(put_mounts, every_way_without_o_tmpfile)
{
	NEEDS_MOUNTS();
	faults.has_tmpfile = false;
	every_way();
}

/* Parts are in the bucket's file system, the object is not. */
Test(put_mounts, multipart)
{
	char id[UPLOAD_ID_BYTES];
	struct upload_made made;

	NEEDS_MOUNTS();
	for (int named = 0; named < 2; named++) {
		faults.has_tmpfile = named == 0;
		struct upload_place place = uploads_place("in/m/whole", id);
		struct upload_part part = {.number = 1};
		cr_assert_eq(upload_create(&place, &(struct put_text){0}, NULL, id), 0);
		cr_assert_eq(uploads_send_part("in/m/whole", id, 1, 'a', 5000, &part), 0);
		const struct upload_whole whole = {.part = &part, .part_count = 1, .terms = &any};
		int r = upload_complete(&place, &whole, &made);
		cr_assert_eq(r, 0, "%d", r);
		cr_expect_eq(strlen(store_contents(MOUNTED "/whole")), 4095);
	}
}

Test(put_mounts, bytes_of_another_file_system)
{
	NEEDS_MOUNTS();
	cr_assert_eq(put_text("here", "some text", PUT_REPLACES), 0);
	int source_fd = openat(store_root_fd, "bucket/here", O_RDONLY | O_CLOEXEC);
	struct put put;
	cr_assert_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket", "in/m/copy", true), 0);
	cr_assert_eq(copy_range(&faulty_sys, source_fd, 0, 9, put.file_fd, 0), 0);
	cr_assert_eq(put_commit(&put, "in/m/copy", &(struct put_terms){.mode = PUT_REPLACES}, NULL),
		     0);
	put_end(&put);
	close(source_fd);
	expect(MOUNTED "/copy", "some text");
}

/* What a crash leaves there is found, and nobody but the sweep sees the folder that it is in. */
Test(put_mounts, a_private_folder_below_the_bucket)
{
	struct list_page page;
	const struct list_query query = {"", "", "", true, 1000};

	NEEDS_MOUNTS();
	cr_assert_eq(put_text("in/m/a", "one", PUT_REPLACES), 0);
	cr_assert_eq(put_text("in/m/a", "two", PUT_REPLACES), 0);
	int fd = openat(store_root_fd, THERE "/tmp-0123", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0, "there is no private folder");
	close(fd);
	cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
	cr_assert_eq(page.count, 1);
	cr_expect_str_eq(page.entry[0].text, "in/m/a");
	list_fini(&page);
	cr_expect_eq(store_swept("bucket"), 1);
	cr_expect_eq(store_entries(THERE), 0);
	unmount();
	cr_expect_eq(store_swept("bucket"), 0, "what was mounted there is gone");
}

Test(put_mounts, a_bucket_with_a_mount_stays)
{
	NEEDS_MOUNTS();
	cr_assert_eq(put_text("in/m/a", "one", PUT_REPLACES), 0);
	cr_assert_eq(put_text("in/m/a", "two", PUT_REPLACES), 0);
	cr_expect_eq(bucket_remove(&faulty_sys, store_root_fd, "bucket", true), -EBUSY);
	cr_expect_eq(object_remove(&faulty_sys, store_root_fd, "bucket", "in/m/a", &any, true), 0);
	cr_expect_eq(bucket_remove(&faulty_sys, store_root_fd, "bucket", true), -EBUSY);
	unmount();
	int r = bucket_remove(&faulty_sys, store_root_fd, "bucket", true);
	cr_expect_eq(r, 0, "%d", r);
	cr_expect_eq(store_entries("."), 0);
}

/* One PUT over "old" with each of its calls failing in turn. */
Test(put_mounts, every_fault_of_every_call)
{
	static const int errors[] = {EIO, ENOSPC, EMFILE, EACCES};

	NEEDS_MOUNTS();
	for (size_t i = 0; i < 2 * ARRAY_LEN(errors); i++) {
		bool has_failed = true;
		faults.has_tmpfile = i % 2 == 0;
		for (int n = 1; has_failed; n++) {
			cr_assert_eq(put_text("in/m/a", "old", PUT_REPLACES), 0);
			int open_before = store_descriptors();
			faults_begin(errors[i / 2], n);
			int r = put_text("in/m/a", "new", PUT_REPLACES);
			has_failed = faults_end();
			const char *is = store_contents(MOUNTED "/a");
			cr_assert(is != NULL &&
				  (strcmp(is, "new") == 0 || (r < 0 && strcmp(is, "old") == 0)));
			cr_assert_eq(store_descriptors(), open_before, "call %d", n);
			cr_assert_geq(store_swept("bucket"), 0);
			cr_assert_eq(store_entries(THERE), 0, "call %d leaves a file", n);
		}
	}
}
