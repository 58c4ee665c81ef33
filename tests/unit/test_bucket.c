/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets are made, listed, and removed only when nothing of anybody is in them. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/bucket.h"
#include "store/multipart.h"
#include "store/names.h"
#include "store/put.h"
#include "unit/store_fixture.h"

TestSuite(bucket, .init = store_fixture_make, .fini = store_fixture_remove);

#define PRIVATE "bucket/" STORE_PRIVATE

static int make(const char *name)
{
	return bucket_make(&faulty_sys, store_root_fd, name, true);
}

static int remove_bucket(const char *name)
{
	return bucket_remove(&faulty_sys, store_root_fd, name, true);
}

static void make_folder(const char *path)
{
	cr_assert_eq(mkdirat(store_root_fd, path, 0700), 0, "%s", path);
}

static void make_file(const char *path)
{
	int fd = openat(store_root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, "text", 4) == 4);
	close(fd);
}

static bool is_there(const char *path)
{
	return faccessat(store_root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- Made ------------------------------------------------------------------------------------ */

Test(bucket, made_once)
{
	cr_expect_eq(make("one"), 0);
	cr_expect_eq(make("one"), -EEXIST);
	make_file("file");
	cr_expect_eq(make("file"), -EEXIST);
	cr_expect_eq(store_entries("."), 3, "bucket, one, file");
}

/* Whoever is told that it is there relies on it after the power was cut. */
Test(bucket, on_the_disk_before_anyone_hears_of_it)
{
	faults.fsyncs = 0;
	cr_expect_eq(make("one"), 0);
	cr_expect_eq(faults.fsyncs, 1);
	cr_expect_eq(make("one"), -EEXIST);
	cr_expect_eq(faults.fsyncs, 2, "another server may have made it in this moment");
	cr_expect_eq(bucket_make(&faulty_sys, store_root_fd, "two", false), 0);
	cr_expect_eq(bucket_make(&faulty_sys, store_root_fd, "two", false), -EEXIST);
	cr_expect_eq(faults.fsyncs, 2, "relaxed");
}

/* ---- Removed --------------------------------------------------------------------------------- */

Test(bucket, an_empty_one_is_removed)
{
	cr_expect_eq(remove_bucket("bucket"), 0);
	cr_expect(!is_there("bucket"));
	cr_expect_eq(remove_bucket("bucket"), -ENOENT);
	make_file("file");
	cr_expect_eq(remove_bucket("file"), -ENOENT);
	cr_assert_eq(symlinkat("/", store_root_fd, "link"), 0);
	cr_expect_eq(remove_bucket("link"), -ENOENT);
	cr_expect(is_there("link"));
}

/* What crashes have left in the private folder is in nobody's way. */
Test(bucket, leftovers_go_with_it)
{
	make_folder(PRIVATE);
	make_file(PRIVATE "/tmp-0123456789abcdef0123456789abcdef");
	make_folder(PRIVATE "/del-0123456789abcdef0123456789abcdef");
	make_file(PRIVATE "/del-0123456789abcdef0123456789abcdef/part-00001");
	make_folder(PRIVATE "/new-0123456789abcdef0123456789abcde0");
	int r = remove_bucket("bucket");
	cr_expect_eq(r, 0, "%d", r);
	cr_expect(!is_there("bucket"));
}

Test(bucket, what_is_in_use_stays)
{
	char id[UPLOAD_ID_BYTES];
	struct upload_place place = {
		.sys = &faulty_sys, .root_fd = store_root_fd, .bucket = "bucket", .key = "key"};
	struct put put;

	make_file("bucket/object");
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY);
	cr_expect_str_eq(store_contents("bucket/object"), "text");
	unlinkat(store_root_fd, "bucket/object", 0);

	make_folder(PRIVATE);
	make_file(PRIVATE "/a stranger's");
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY);
	cr_expect(is_there(PRIVATE "/a stranger's"));
	unlinkat(store_root_fd, PRIVATE "/a stranger's", 0);

	cr_assert_eq(upload_create(&place, &(struct put_text){0}, NULL, id), 0);
	place.id = id;
	make_file("bucket/object");
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY);
	cr_expect_eq(upload_check(&place, NULL), 0, "the upload of a bucket that stays");
	unlinkat(store_root_fd, "bucket/object", 0);
	char path[128];
	snprintf(path, sizeof(path), PRIVATE "/up-%s/info", id);
	int info_fd = openat(store_root_fd, path, O_RDONLY | O_CLOEXEC);
	cr_assert(info_fd >= 0 && flock(info_fd, LOCK_EX) == 0);
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY, "one is completing it");
	close(info_fd);
	cr_expect_eq(upload_check(&place, NULL), 0);

	faults.has_tmpfile = false;
	cr_assert_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket", "key", true), 0);
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY, "one is writing");
	cr_expect_eq(upload_check(&place, NULL), 0, "and so the upload stays");
	cr_expect_eq(put_commit(&put, "key", &(struct put_terms){.mode = PUT_REPLACES}, NULL), 0);
	put_end(&put);
	cr_expect(is_there("bucket/key"));
}

/* What no listing shows keeps no bucket: unfinished uploads, parts in them, and empty folders. */
Test(bucket, what_is_not_listed_goes_with_it)
{
	char id[UPLOAD_ID_BYTES], path[OBJECT_KEY_BYTES_MAX + 64] = "bucket";
	struct upload_place place = {
		.sys = &faulty_sys, .root_fd = store_root_fd, .bucket = "bucket", .key = "key"};

	cr_assert_eq(upload_create(&place, &(struct put_text){0}, NULL, id), 0);
	snprintf(path, sizeof(path), PRIVATE "/up-%s/part-00001", id);
	make_file(path);
	strcpy(path, "bucket");
	for (int i = 0; i < 512; i++) {
		strcat(path, i % 2 == 0 ? "/a" : "/b");
		make_folder(path);
		if (i % 100 == 0) {
			strcat(path, "/c");
			make_folder(path);
			path[strlen(path) - 2] = '\0';
		}
	}
	int descriptors = store_descriptors(), r = remove_bucket("bucket");
	cr_expect_eq(r, 0, "%d", r);
	cr_expect(!is_there("bucket"));
	cr_expect_eq(store_descriptors(), descriptors);
}

/* Deeper than any key: nobody but a stranger made it. */
Test(bucket, folders_below_any_key_stay)
{
	char path[2 * OBJECT_KEY_BYTES_MAX] = "bucket";

	for (int i = 0; i < 520; i++) {
		strcat(path, "/a");
		make_folder(path);
	}
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY);
	cr_expect(is_there(path));
}

/* What is no folder is not ours to remove, though it is no object either. */
Test(bucket, strangers_stay)
{
	static const char *const names[] = {"link", "deep/link", "deep/fifo", "deep/\xff"};

	make_folder("bucket/deep");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[64];
		snprintf(path, sizeof(path), "bucket/%s", names[i]);
		if (!is_there("bucket/deep"))
			make_folder("bucket/deep");
		if (strstr(path, "link") != NULL)
			cr_assert_eq(symlinkat("/", store_root_fd, path), 0);
		else if (strstr(path, "fifo") != NULL)
			cr_assert_eq(mkfifoat(store_root_fd, path, 0600), 0);
		else
			make_file(path);
		cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY, "%s", path);
		cr_expect(is_there(path), "%s", path);
		unlinkat(store_root_fd, path, 0);
	}
	cr_expect_eq(remove_bucket("bucket"), 0);
}

/* A bucket that stays does so with its private folder: who writes in it holds on to that. */
Test(bucket, a_refusal_disturbs_no_writer)
{
	struct put put;

	make_file("bucket/key");
	cr_assert_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket", "key", true), 0);
	cr_expect_eq(remove_bucket("bucket"), -ENOTEMPTY);
	int r = put_commit(&put, "key", &(struct put_terms){.mode = PUT_REPLACES}, NULL);
	cr_expect_eq(r, 0, "%d", r);
	put_end(&put);
	cr_expect_str_eq(store_contents("bucket/key"), "", "what it has written");
}

/* ---- Listed ---------------------------------------------------------------------------------- */

Test(bucket, listed_in_order)
{
	char name[BUCKET_BYTES_MAX + 1];
	struct bucket *buckets;
	time_t now = time(NULL);

	cr_assert_eq(unlinkat(store_root_fd, "bucket", AT_REMOVEDIR), 0);
	int empty = bucket_list(&faulty_sys, store_root_fd, &buckets);
	cr_expect(empty == 0 && buckets == NULL);

	for (int i = 39; i >= 0; i--) {
		snprintf(name, sizeof(name), "b%02d", i);
		make_folder(name);
	}
	make_folder("Upper");
	make_folder("a.b");
	make_folder("ab");      /* too short */
	make_folder(".sluice"); /* no bucket's name */
	make_folder("with blank");
	make_file("file");
	cr_assert_eq(symlinkat("b00", store_root_fd, "link"), 0);
	int count = bucket_list(&faulty_sys, store_root_fd, &buckets);
	cr_assert_eq(count, 42);
	cr_expect_str_eq(buckets[0].name, "Upper");
	cr_expect_str_eq(buckets[1].name, "a.b");
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "b%02d", i);
		cr_expect_str_eq(buckets[2 + i].name, name);
		cr_expect(buckets[2 + i].made >= now - 1 && buckets[2 + i].made <= now + 60);
	}
	free(buckets);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM, EACCES};

static int begin_fault(int error, int n)
{
	faults.calls = 0;
	faults.fails_at = n;
	faults.fails_with = error;
	return store_descriptors();
}

/* Was there such a call? */
static bool end_fault(int descriptors)
{
	bool has_failed = faults.calls >= faults.fails_at;
	cr_expect_eq(store_descriptors(), descriptors, "call %d leaks", faults.fails_at);
	faults.fails_at = 0;
	return has_failed;
}

Test(bucket, make_under_every_fault)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		int n = 0;
		for (bool has_failed = true; has_failed;) {
			int descriptors = begin_fault(errors[i], ++n);
			int r = make("one");
			has_failed = end_fault(descriptors);
			cr_expect_eq(r, has_failed ? -errors[i] : 0, "call %d", n);
			cr_expect_eq(is_there("one"), r == 0, "call %d: half made", n);
		}
		cr_expect_geq(n, 3, "%d calls", n);
		unlinkat(store_root_fd, "one", AT_REMOVEDIR);
	}
}

Test(bucket, remove_under_every_fault)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		int n = 0;
		for (bool has_failed = true; has_failed;) {
			if (!is_there(PRIVATE))
				make_folder(PRIVATE);
			make_file(PRIVATE "/tmp-0123456789abcdef0123456789abcdef");
			if (!is_there(PRIVATE "/del-x"))
				make_folder(PRIVATE "/del-x");
			make_file(PRIVATE "/del-x/part-00001");
			if (!is_there("bucket/empty"))
				make_folder("bucket/empty");
			int descriptors = begin_fault(errors[i], ++n);
			int r = remove_bucket("bucket");
			has_failed = end_fault(descriptors);
			cr_expect_eq(r, has_failed ? -errors[i] : 0, "call %d: %d", n, r);
			if (r < 0 && is_there("bucket"))
				cr_expect_eq(remove_bucket("bucket"), 0, "call %d: again", n);
			make_folder("bucket");
		}
		cr_expect_gt(n, 10, "%d calls", n);
	}
}

/* All of them or an error: never some. */
Test(bucket, list_under_every_fault)
{
	make_folder("one");
	make_folder("two");
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		int n = 0;
		for (bool has_failed = true; has_failed;) {
			struct bucket *buckets;
			int descriptors = begin_fault(errors[i], ++n);
			int count = bucket_list(&faulty_sys, store_root_fd, &buckets);
			has_failed = end_fault(descriptors);
			cr_expect_eq(count, has_failed ? -errors[i] : 3, "call %d: %d", n, count);
			cr_expect_eq(buckets != NULL, count > 0);
			free(buckets);
		}
		cr_expect_gt(n, 5, "%d calls", n);
	}
}

/* ---- Among others ---------------------------------------------------------------------------- */

#define ROUNDS 200

static void *remover(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		int r = remove_bucket("contested");
		must(r == 0 || r == -ENOENT || r == -ENOTEMPTY);
	}
	return NULL;
}

/* What was acknowledged is there, however often another tries to remove the bucket around it. */
Test(bucket, a_written_object_outlives_removals)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, remover, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct put put;
		make("contested");
		int r = put_begin(&put, &faulty_sys, store_root_fd, "contested", "a/key", true);
		if (r == 0)
			r = put_commit(&put, "a/key", &(struct put_terms){.mode = PUT_REPLACES},
				       NULL);
		put_end(&put);
		cr_expect(r == 0 || r == -ENOENT, "%d", r);
		cr_expect_eq(is_there("contested/a/key"), r == 0, "round %d: %d", i, r);
		unlinkat(store_root_fd, "contested/a/key", 0);
		unlinkat(store_root_fd, "contested/a", AT_REMOVEDIR);
	}
	pthread_join(thread, NULL);
}
