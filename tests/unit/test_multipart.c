/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart uploads: in any order, twice, by many at once, and under every fault of every call. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/meta.h"
#include "store/multipart.h"
#include "store/names.h"
#include "unit/store_fixture.h"
#include "unit/upload_fixture.h"

TestSuite(multipart, .init = store_fixture_make, .fini = store_fixture_remove);

/* ---- Without faults ---------------------------------------------------------------------------
 */

static void whole_way(void)
{
	struct upload_part part[3];
	struct object_stamp stamp, again;
	char id[UPLOAD_ID_BYTES];

	cr_assert_eq(uploads_create("dir/key", id), 0);
	cr_assert_eq(uploads_send_part("dir/key", id, 7, 'x', 10, &part[1]), 0);
	cr_assert_eq(uploads_send_part("dir/key", id, 2, 'a', UPLOAD_PART_BYTES_MIN, &part[0]), 0);
	cr_assert_eq(uploads_send_part("dir/key", id, 7, 'b', 3, &part[1]), 0,
		     "again, in its place");
	cr_assert_eq(uploads_complete("dir/key", id, part, 2, &stamp), 0);
	uploads_expect("bucket/dir/key", "a5242880 b3");
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0, "the upload is gone");

	int fd = openat(store_root_fd, "bucket/dir/key", O_RDONLY | O_CLOEXEC);
	char lines[META_BYTES_MAX];
	cr_expect_eq(meta_get(&faulty_sys, fd, META_FIELDS, lines), 22);
	cr_expect_eq(memcmp(lines, "Content-Type: text/x\r\n", 22), 0);
	close(fd);

	cr_expect_eq(uploads_complete("dir/key", id, part, 2, &again), 0,
		     "the answer was lost: asked again");
	cr_expect_str_eq(again.etag, stamp.etag);
	cr_expect_eq(uploads_complete("other", id, part, 2, &again), -ENOENT);
}

Test(multipart, whole_way)
{
	whole_way();
}

Test(multipart, whole_way_without_clone_or_tmpfile)
{
	faults.has_clone = faults.has_tmpfile = false;
	whole_way();
}

Test(multipart, what_is_refused)
{
	struct upload_part part[3];
	struct object_stamp stamp;
	char id[UPLOAD_ID_BYTES];

	cr_assert_eq(uploads_create("key", id), 0);
	cr_assert_eq(uploads_send_part("key", id, 1, 'a', 100, &part[0]), 0);
	cr_assert_eq(uploads_send_part("key", id, 2, 'b', 100, &part[1]), 0);
	cr_expect_eq(uploads_complete("key", id, part, 2, &stamp), -EMSGSIZE,
		     "a part but the last");
	part[2] = (struct upload_part){.number = 3, .etag = "\"x\""};
	cr_expect_eq(uploads_complete("key", id, &part[2], 1, &stamp), -EBADE, "no such part");
	part[2].number = 2;
	cr_expect_eq(uploads_complete("key", id, &part[2], 1, &stamp), -EBADE, "another ETag");
	cr_expect_null(store_contents("bucket/key"));

	static const char *const ids[] = {"",
					  "../../x",
					  "0123456789abcdef0123456789abcde",
					  "0123456789abcdef0123456789ABCDEF",
					  "0123456789abcdef0123456789abcdef",
					  "0123456789abcdef0123456789abcdef0"};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct upload_place place = uploads_place("key", ids[i]);
		cr_expect_eq(upload_check(&place, NULL), -ENOENT, "%s", ids[i]);
		cr_expect_eq(upload_abort(&place), -ENOENT, "%s", ids[i]);
		cr_expect_eq(uploads_complete("key", ids[i], part, 1, &stamp), -ENOENT, "%s",
			     ids[i]);
	}
	struct upload_place other = uploads_place("other", id), mine = uploads_place("key", id);
	cr_expect_eq(upload_check(&other, NULL), -ENOENT, "the upload of another key");
	cr_expect_eq(upload_abort(&other), -ENOENT);
	cr_expect_eq(upload_check(&mine, NULL), 0);
	cr_expect_eq(upload_abort(&mine), 0);
	cr_expect_eq(upload_check(&mine, NULL), -ENOENT);
	cr_expect_eq(uploads_send_part("key", id, 1, 'a', 1, &part[0]), -ENOENT);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}

Test(multipart, lists)
{
	struct upload_part part, page[10];
	struct upload_page uploads;
	char id[3][UPLOAD_ID_BYTES];
	bool is_truncated;

	cr_assert_eq(uploads_create("b", id[0]), 0);
	cr_assert_eq(uploads_create("a/x", id[1]), 0);
	cr_assert_eq(uploads_create("a/y", id[2]), 0);
	for (unsigned number = 10000; number >= 2000; number -= 2000)
		cr_assert_eq(uploads_send_part("b", id[0], number, 'p', number, &part), 0);
	struct upload_place place = uploads_place("b", id[0]);
	cr_expect_eq(uploads_parts(&place, 0, 3, page, &is_truncated), 3);
	cr_expect(is_truncated && page[0].number == 2000 && page[2].size == 6000);
	cr_expect_eq(uploads_parts(&place, 6000, 3, page, &is_truncated), 2);
	cr_expect(!is_truncated && page[1].number == 10000);
	cr_expect_eq(uploads_parts(&place, 10000, 3, page, &is_truncated), 0);

	cr_assert_eq(uploads_list("", "", "", 2, &uploads), 0);
	cr_assert_eq(uploads.count, 2);
	cr_expect(uploads.is_truncated);
	cr_expect_str_eq(uploads.upload[0].key, "a/x");
	cr_expect_str_eq(uploads.upload[1].id, id[2]);
	upload_page_fini(&uploads);
	cr_assert_eq(uploads_list("", "a/y", id[2], 2, &uploads), 0);
	cr_assert_eq(uploads.count, 1);
	cr_expect_str_eq(uploads.upload[0].key, "b");
	upload_page_fini(&uploads);
	cr_assert_eq(uploads_list("a/", "", "", 9, &uploads), 0);
	cr_expect_eq(uploads.count, 2);
	upload_page_fini(&uploads);
}

/* By age, and what crashes leave; what is being made is not touched. */
Test(multipart, sweep)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char id[2][UPLOAD_ID_BYTES], path[128];

	cr_assert_eq(uploads_create("old", id[0]), 0);
	cr_assert_eq(uploads_create("young", id[1]), 0);
	snprintf(path, sizeof(path), "bucket/" STORE_PRIVATE "/up-%s", id[0]);
	cr_assert_eq(utimensat(store_root_fd, path, old, 0), 0);
	static const char *const left[] = {
		"bucket/" STORE_PRIVATE "/del-0123456789abcdef0123456789abcdef",
		"bucket/" STORE_PRIVATE "/new-0123456789abcdef0123456789abcde0"};
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		cr_assert_eq(mkdirat(store_root_fd, left[i], 0700), 0);
		snprintf(path, sizeof(path), "%s/info", left[i]);
		close(openat(store_root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	int swept = uploads_swept(2000);
	cr_expect_eq(swept, 3, "%d", swept);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 1);
	struct upload_place young = uploads_place("young", id[1]);
	cr_expect_eq(upload_check(&young, NULL), 0);
	struct upload_swept again = {0}, none = {0};
	cr_expect_eq(upload_sweep(&faulty_sys, store_root_fd, "bucket", 2000, &again), 0);
	cr_expect_eq(again.gone, 0);
	cr_expect_eq(again.open, 1, "%u", again.open);
	cr_expect_eq(upload_sweep(&faulty_sys, store_root_fd, "nowhere", 2000, &none), 0);
}

/* ---- Faults -----------------------------------------------------------------------------------
 */

static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM, EACCES};

/* The steps of one upload, with call number n of the chosen step failing. */
enum step { STEP_CREATE, STEP_PART, STEP_COMPLETE, STEP_ABORT, STEPS };

/* Returns whether there was such a call. */
static bool with_fault(enum step step, int error, int n)
{
	struct upload_part part[2];
	struct object_stamp stamp;
	char id[UPLOAD_ID_BYTES] = "";
	int r, open_before = store_descriptors();
	bool has_failed;

	if (step != STEP_CREATE)
		cr_assert_eq(uploads_create("k/key", id), 0);
	if (step > STEP_PART)
		cr_assert_eq(uploads_send_part("k/key", id, 1, 'a', 100, &part[0]), 0);
	faults.calls = 0;
	faults.fails_at = n;
	faults.fails_with = error;
	struct upload_place place = uploads_place("k/key", id);
	if (step == STEP_CREATE)
		r = uploads_create("k/key", id);
	else if (step == STEP_PART)
		r = uploads_send_part("k/key", id, 1, 'a', 100, &part[0]);
	else if (step == STEP_COMPLETE)
		r = uploads_complete("k/key", id, part, 1, &stamp);
	else
		r = upload_abort(&place);
	has_failed = faults.calls >= n;
	faults.fails_at = 0;
	cr_expect_eq(store_descriptors(), open_before, "step %d, call %d leaks", step, n);
	if (!has_failed)
		cr_expect_eq(r, 0);
	if (step == STEP_COMPLETE && r == 0)
		uploads_expect("bucket/k/key", "a100");
	/* What was acknowledged can be gone on with, whatever failed behind it. */
	if (step <= STEP_PART && r == 0 && step == STEP_CREATE)
		cr_expect_eq(uploads_send_part("k/key", id, 1, 'a', 100, &part[0]), 0);
	if (step <= STEP_COMPLETE && id[0] != '\0' && r == 0)
		cr_expect_eq(uploads_complete("k/key", id, part, 1, &stamp), 0);
	if (step == STEP_COMPLETE && r < 0) {
		cr_expect_eq(uploads_complete("k/key", id, part, 1, &stamp), 0, "call %d: again",
			     n);
		uploads_expect("bucket/k/key", "a100");
	}
	if (step == STEP_ABORT && r < 0)
		upload_abort(&place);
	cr_assert_geq(store_swept("bucket"), 0);
	cr_assert_geq(uploads_swept(time(NULL) + 10), 0);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0, "step %d, call %d", step, n);
	store_remove_tree(store_root_fd, "bucket");
	cr_assert_eq(mkdirat(store_root_fd, "bucket", 0700), 0);
	return has_failed;
}

Test(multipart, every_fault_of_every_call)
{
	for (int way = 0; way < 2; way++) {
		faults.has_tmpfile = faults.has_clone = way == 0;
		for (int step = 0; step < STEPS; step++) {
			for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
				int n = 1;
				while (with_fault((enum step)step, errors[i], n))
					n++;
				cr_expect_gt(n, 6, "step %d: %d calls", step, n);
			}
		}
	}
}

/* ---- Among others -----------------------------------------------------------------------------
 */

#define SENDERS 8

static char shared_id[UPLOAD_ID_BYTES];
static atomic_bool is_over;

static void *sender(void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg;
	struct upload_part part;
	while (!atomic_load(&is_over)) {
		int r = uploads_send_part("key", shared_id, number, (char)('a' + number), 1000,
					  &part);
		must(r == 0 || r == -ENOENT);
	}
	return NULL;
}

/* Some send the parts anew all the time; one completes with what it was told. The object is of the
 * parts it named, or it is refused; never a mixture. */
Test(multipart, completed_among_senders)
{
	for (int round = 0; round < 10; round++) {
		pthread_t thread[SENDERS];
		struct upload_part mine;
		struct object_stamp stamp;

		atomic_store(&is_over, false);
		cr_assert_eq(uploads_create("key", shared_id), 0);
		cr_assert_eq(uploads_send_part("key", shared_id, 9999, 'z', 5, &mine), 0);
		for (unsigned i = 0; i < SENDERS; i++)
			must(pthread_create(&thread[i], NULL, sender, (void *)(uintptr_t)(i + 1)) ==
			     0);
		cr_expect_eq(uploads_complete("key", shared_id, &mine, 1, &stamp), 0);
		atomic_store(&is_over, true);
		for (unsigned i = 0; i < SENDERS; i++)
			pthread_join(thread[i], NULL);
		uploads_expect("bucket/key", "z5");
		cr_assert_geq(uploads_swept(0), 0);
		cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
	}
}
