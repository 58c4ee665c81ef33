/* SPDX-License-Identifier: Apache-2.0 */
/* How an upload ends: once, whoever ends it, how often, after whatever crash. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/multipart.h"
#include "store/names.h"
#include "unit/store_fixture.h"
#include "unit/upload_fixture.h"

TestSuite(multipart_ends, .init = store_fixture_make, .fini = store_fixture_remove);

#define PRIVATE "bucket/" STORE_PRIVATE

static const struct put_terms if_absent = {.mode = PUT_IF_ABSENT};

static bool is_there(const char *path)
{
	return faccessat(store_root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int complete_if_absent(const char *key, const char *id, const struct upload_part *part,
			      unsigned count, struct object_stamp *stamp)
{
	struct upload_place place = uploads_place(key, id);
	return uploads_complete_as(&place, part, count, &if_absent, stamp);
}

static void empty_bucket(void)
{
	store_remove_tree(store_root_fd, "bucket");
	cr_assert_eq(mkdirat(store_root_fd, "bucket", 0700), 0);
}

/* ---- Asked again ------------------------------------------------------------------------------
 */

/* As a server that dies when the object is there and the upload not yet gone. */
static int renameat_but_retire(int old_fd, const char *old_path, int new_fd, const char *new_path)
{
	if (strncmp(new_path, "del-", 4) == 0) {
		errno = EIO;
		return -1;
	}
	return faulty_sys.renameat(old_fd, old_path, new_fd, new_path);
}

static void complete_and_die(const char *key, const char *id, const struct upload_part *part,
			     unsigned count, struct object_stamp *stamp)
{
	struct store_sys dying = faulty_sys;
	struct upload_place place = uploads_place(key, id);

	dying.renameat = renameat_but_retire;
	place.sys = &dying;
	cr_assert_eq(uploads_complete_as(&place, part, count, &if_absent, stamp), 0);
	place.sys = &faulty_sys;
	cr_assert_eq(upload_check(&place, NULL), 0, "it died too late");
}

Test(multipart_ends, completed_again_after_a_crash)
{
	struct upload_part part[2];
	struct object_stamp stamp, again;
	char id[UPLOAD_ID_BYTES];

	cr_assert_eq(uploads_create("a/b/key", id), 0);
	cr_assert_eq(uploads_send_part("a/b/key", id, 1, 'a', UPLOAD_PART_BYTES_MIN, &part[0]), 0);
	cr_assert_eq(uploads_send_part("a/b/key", id, 2, 'b', 7, &part[1]), 0);
	complete_and_die("a/b/key", id, part, 2, &stamp);

	cr_expect_eq(complete_if_absent("a/b/key", id, part, 2, &again), 0, "our own is no other");
	cr_expect_str_eq(again.etag, stamp.etag);
	cr_expect_eq(again.modified, stamp.modified);
	cr_expect_eq(store_entries(PRIVATE), 0, "and the upload is gone");
	cr_expect_eq(complete_if_absent("a/b/key", id, part, 2, &again), 0, "a third time");
	cr_expect_str_eq(again.etag, stamp.etag);
	uploads_expect("bucket/a/b/key", "a5242880 b7");
}

/* The one that died may not have come to the fsync of the folders; who answers must. */
Test(multipart_ends, the_second_answer_is_as_durable_as_the_first)
{
	struct upload_part part;
	struct object_stamp stamp;
	char id[UPLOAD_ID_BYTES];

	cr_assert_eq(uploads_create("a/b/key", id), 0);
	cr_assert_eq(uploads_send_part("a/b/key", id, 1, 'a', 7, &part), 0);
	complete_and_die("a/b/key", id, &part, 1, &stamp);

	faults.fsyncs = 0;
	cr_expect_eq(uploads_complete("a/b/key", id, &part, 1, &stamp), 0);
	cr_expect_geq(faults.fsyncs, 3, "of b, a and the bucket");

	struct upload_place place = uploads_place("a/b/key", id);
	place.is_durable = false;
	faults.fsyncs = 0;
	cr_expect_eq(uploads_complete_as(&place, &part, 1, &if_absent, &stamp), 0);
	cr_expect_eq(faults.fsyncs, 0, "relaxed");
}

static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM, EACCES};

/* An upload that has made its object must not be said to be unknown because the disk fails. */
static void again_under_every_fault(bool has_died)
{
	struct upload_part part;
	struct object_stamp stamp, again;
	char id[UPLOAD_ID_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		int n = 0;
		if (errors[i] == EACCES) /* what we may not read, we have not made */
			continue;
		for (bool has_failed = true; has_failed;) {
			cr_assert_eq(uploads_create("a/key", id), 0);
			cr_assert_eq(uploads_send_part("a/key", id, 1, 'a', 7, &part), 0);
			if (has_died)
				complete_and_die("a/key", id, &part, 1, &stamp);
			else
				cr_assert_eq(uploads_complete("a/key", id, &part, 1, &stamp), 0);
			int descriptors = store_descriptors();
			faults_begin(errors[i], ++n);
			int r = complete_if_absent("a/key", id, &part, 1, &again);
			has_failed = faults_end();
			cr_expect(r == 0 || (has_failed && r == -errors[i]), "call %d: %d", n, r);
			cr_expect(r < 0 || strcmp(again.etag, stamp.etag) == 0, "call %d", n);
			cr_expect_eq(store_descriptors(), descriptors, "call %d leaks", n);
			uploads_expect("bucket/a/key", "a7");
			empty_bucket();
		}
		cr_expect_gt(n, 5, "%d calls", n);
	}
}

Test(multipart_ends, again_under_every_fault)
{
	again_under_every_fault(false);
}

Test(multipart_ends, again_after_a_crash_under_every_fault)
{
	again_under_every_fault(true);
}

/* Two parts, so that there is something to put together; the second answer is durable. */
Test(multipart_ends, completed_under_every_fault_then_again)
{
	static const int few[] = {EIO, ENOSPC};
	struct upload_part part[2];
	struct object_stamp stamp;
	char id[UPLOAD_ID_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(few); i++) {
		int n = 0;
		faults.has_tmpfile = faults.has_clone = i == 0;
		for (bool has_failed = true; has_failed;) {
			cr_assert_eq(uploads_create("a/key", id), 0);
			cr_assert_eq(uploads_send_part("a/key", id, 1, 'a', UPLOAD_PART_BYTES_MIN,
						       &part[0]),
				     0);
			cr_assert_eq(uploads_send_part("a/key", id, 2, 'b', 3, &part[1]), 0);
			int descriptors = store_descriptors();
			faults_begin(few[i], ++n);
			int r = complete_if_absent("a/key", id, part, 2, &stamp);
			has_failed = faults_end();
			cr_expect(r == 0 || has_failed, "%d", r);
			cr_expect_eq(store_descriptors(), descriptors, "call %d leaks", n);
			if (r < 0) {
				faults.fsyncs = 0;
				r = complete_if_absent("a/key", id, part, 2, &stamp);
				cr_expect_eq(r, 0, "call %d, again: %d", n, r);
				cr_expect_geq(faults.fsyncs, 2, "call %d: of a and the bucket", n);
			}
			uploads_expect("bucket/a/key", "a5242880 b3");
			cr_expect_geq(store_swept("bucket"), 0);
			cr_expect_geq(uploads_swept(time(NULL) + 10), 0);
			cr_expect_eq(store_entries(PRIVATE), 0, "call %d leaves something", n);
			empty_bucket();
		}
		cr_expect_gt(n, 20, "%d calls", n);
	}
}

Test(multipart_ends, another_object_is_there)
{
	struct upload_part part;
	struct object_stamp stamp;
	char id[2][UPLOAD_ID_BYTES];

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(uploads_create("key", id[i]), 0);
		cr_assert_eq(uploads_send_part("key", id[i], 1, (char)('a' + i), 7, &part), 0);
		cr_expect_eq(complete_if_absent("key", id[i], &part, 1, &stamp),
			     i == 0 ? 0 : -EEXIST);
	}
	uploads_expect("bucket/key", "a7");
	cr_expect_eq(uploads_complete("key", id[1], &part, 1, &stamp), 0, "it has lost nothing");
	uploads_expect("bucket/key", "b7");
	cr_expect_eq(uploads_complete("key", id[0], &part, 1, &stamp), -ENOENT,
		     "its object is no more");
}

/* ---- Parts ------------------------------------------------------------------------------------
 */

/* A part that was acknowledged stays whole until another has taken its place. */
Test(multipart_ends, sent_again_under_every_fault)
{
	struct upload_part part, page[2];
	struct object_stamp stamp;
	char id[UPLOAD_ID_BYTES];
	bool is_truncated;

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		int n = 0;
		faults.has_tmpfile = i % 2 == 0;
		for (bool has_failed = true; has_failed;) {
			cr_assert_eq(uploads_create("key", id), 0);
			cr_assert_eq(uploads_send_part("key", id, 1, 'a', 100, &part), 0);
			faults_begin(errors[i], ++n);
			int r = uploads_send_part("key", id, 1, 'b', 50, &part);
			has_failed = faults_end();
			cr_expect(r == 0 || has_failed);
			struct upload_place place = uploads_place("key", id);
			cr_assert_eq(uploads_parts(&place, 0, 2, page, &is_truncated), 1);
			cr_expect(r < 0 || strcmp(page[0].etag, part.etag) == 0, "call %d", n);
			cr_expect_eq(uploads_complete("key", id, page, 1, &stamp), 0);
			/* After an error of the last fsync it may be the new one. */
			uploads_expect("bucket/key", r == 0 || page[0].size == 50 ? "b50" : "a100");
			cr_assert_geq(store_swept("bucket"), 0);
			cr_expect_eq(store_entries(PRIVATE), 0, "call %d", n);
			empty_bucket();
		}
		cr_expect_gt(n, 8, "%d calls", n);
	}
}

/* ---- Among others -----------------------------------------------------------------------------
 */

#define ENDERS  8
#define ROUNDS  30
#define ABORTER 3 /* each third aborts, the others complete */

struct race {
	char id[UPLOAD_ID_BYTES];
	struct upload_part part[2];
	atomic_int ready;
};

struct ender {
	struct race *race;
	bool is_aborter;
	int result;
	struct object_stamp stamp;
};

static void *end_upload(void *arg)
{
	struct ender *ender = arg;
	struct race *race = ender->race;
	struct upload_place place = uploads_place("a/key", race->id);

	atomic_fetch_add(&race->ready, 1);
	while (atomic_load(&race->ready) < ENDERS)
		;
	ender->result = ender->is_aborter ? upload_abort(&place)
					  : complete_if_absent("a/key", race->id, race->part, 2,
							       &ender->stamp);
	return NULL;
}

static void judge(const struct ender *ender)
{
	bool is_made = is_there("bucket/a/key");
	const char *etag = NULL;
	int aborted = 0;

	for (int i = 0; i < ENDERS; i++) {
		if (ender[i].is_aborter) {
			cr_expect(ender[i].result == 0 || ender[i].result == -ENOENT);
			aborted += ender[i].result == 0;
			continue;
		}
		cr_expect_eq(ender[i].result, is_made ? 0 : -ENOENT, "%d", ender[i].result);
		if (is_made && etag != NULL)
			cr_expect_str_eq(ender[i].stamp.etag, etag);
		etag = ender[i].stamp.etag;
	}
	cr_expect_eq(aborted, is_made ? 0 : 1, "one end only: %d aborted", aborted);
	if (is_made)
		uploads_expect("bucket/a/key", "a5242880 b3");
}

Test(multipart_ends, one_outcome_among_many)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct race race = {0};
		struct ender ender[ENDERS] = {0};
		pthread_t thread[ENDERS];

		cr_assert_eq(uploads_create("a/key", race.id), 0);
		cr_assert_eq(uploads_send_part("a/key", race.id, 1, 'a', UPLOAD_PART_BYTES_MIN,
					       &race.part[0]),
			     0);
		cr_assert_eq(uploads_send_part("a/key", race.id, 2, 'b', 3, &race.part[1]), 0);
		for (int i = 0; i < ENDERS; i++) {
			ender[i].race = &race;
			ender[i].is_aborter = i % ABORTER == round % ABORTER;
			must(pthread_create(&thread[i], NULL, end_upload, &ender[i]) == 0);
		}
		for (int i = 0; i < ENDERS; i++)
			pthread_join(thread[i], NULL);
		judge(ender);
		cr_expect_geq(uploads_swept(2000), 0);
		cr_expect_eq(store_entries(PRIVATE), 0);
		empty_bucket();
	}
}

struct sender {
	const char *id;
	unsigned number;
	int result;
};

/* Anew, until the upload is gone. */
static void *send_parts(void *arg)
{
	struct sender *sender = arg;
	struct upload_part part;
	do {
		sender->result = uploads_send_part("a/key", sender->id, sender->number,
						   (char)('a' + sender->number), 1000, &part);
	} while (sender->result == 0);
	return NULL;
}

/* The same parts are sent again while one completes with what it has seen: the object is of whole
 * parts that had those ETags, or nothing is made. */
Test(multipart_ends, completed_while_its_parts_change)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct sender sender[ENDERS];
		pthread_t thread[ENDERS];
		struct upload_part seen[ENDERS];
		struct object_stamp stamp;
		char id[UPLOAD_ID_BYTES];
		bool is_truncated;
		int r = -EBADE, count = 0;

		cr_assert_eq(uploads_create("a/key", id), 0);
		for (unsigned i = 0; i < ENDERS; i++) {
			sender[i] = (struct sender){.id = id, .number = i / 2 + 1};
			must(pthread_create(&thread[i], NULL, send_parts, &sender[i]) == 0);
		}
		struct upload_place place = uploads_place("a/key", id);
		while (count >= 0 && count < ENDERS / 2)
			count = uploads_parts(&place, 0, ENDERS, seen, &is_truncated);
		cr_assert_eq(count, ENDERS / 2);
		/* Only the last, for the others are too small to be any but the last. */
		for (int i = 0; i < 2 && r == -EBADE; i++)
			r = uploads_complete("a/key", id, &seen[count - 1], 1, &stamp);
		cr_expect(r == 0 || r == -EBADE, "%d", r);
		cr_expect_eq(is_there("bucket/a/key"), r == 0);
		if (r == 0)
			uploads_expect("bucket/a/key", "e1000");
		else
			cr_expect_eq(upload_abort(&place), 0);
		for (unsigned i = 0; i < ENDERS; i++) {
			pthread_join(thread[i], NULL);
			cr_expect_eq(sender[i].result, -ENOENT, "%d", sender[i].result);
		}
		cr_expect_geq(uploads_swept(2000), 0);
		cr_expect_eq(store_entries(PRIVATE), 0);
		empty_bucket();
	}
}
