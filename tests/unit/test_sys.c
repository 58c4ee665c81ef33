/* SPDX-License-Identifier: Apache-2.0 */
/* Every fsync of the store is timed, by what it makes durable. */
#include "store/sys.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/bucket.h"
#include "store/multipart.h"
#include "store/put.h"
#include "store/remove.h"
#include "unit/store_fixture.h"

TestSuite(sys, .init = store_fixture_make, .fini = store_fixture_remove, .timeout = 600);

static struct histogram durations[FSYNC_TARGET_COUNT];
static struct store_sys timed;

static void timed_begin(void)
{
	timed = faulty_sys;
	timed.fsync_durations = durations;
}

static uint64_t count_of(enum fsync_target target)
{
	uint64_t count = 0;
	for (int i = 0; i <= HISTOGRAM_BUCKETS; i++)
		count += durations[target].bucket[i];
	return count;
}

/* All that were made were timed. */
static void expect(uint64_t files)
{
	cr_assert_eq(count_of(FSYNC_FILE), files, "%d", (int)count_of(FSYNC_FILE));
	cr_assert_eq(count_of(FSYNC_FILE) + count_of(FSYNC_FOLDER), (uint64_t)faults.fsyncs,
		     "%d of %d", (int)(count_of(FSYNC_FILE) + count_of(FSYNC_FOLDER)),
		     faults.fsyncs);
}

static void begin_and_write(struct put *put, bool is_durable)
{
	cr_assert_eq(put_begin(put, &timed, store_root_fd, "bucket", "a/b/c", is_durable), 0);
	must(write(put->file_fd, "one", 3) == 3);
}

Test(sys, objects_and_buckets)
{
	static const struct put_terms terms = {.mode = PUT_REPLACES};
	struct put put;

	timed_begin();
	cr_assert_eq(bucket_make(&timed, store_root_fd, "another", true), 0);
	expect(0);
	cr_assert_eq(count_of(FSYNC_FOLDER), 1);
	begin_and_write(&put, true);
	cr_assert_eq(put_commit(&put, "a/b/c", &terms, NULL), 0);
	put_end(&put);
	expect(1);
	cr_assert_gt(count_of(FSYNC_FOLDER), 1);
	cr_assert_gt(durations[FSYNC_FILE].sum_ns, 0);
	const struct put_terms any = {.mode = PUT_REPLACES};
	cr_assert_eq(object_remove(&timed, store_root_fd, "bucket", "a/b/c", &any, true), 0);
	cr_assert_eq(bucket_remove(&timed, store_root_fd, "another", true), 0);
	expect(1);
}

Test(sys, multipart)
{
	static const struct put_terms terms = {.mode = PUT_REPLACES};
	struct upload_place place = {.sys = &timed,
				     .root_fd = store_root_fd,
				     .bucket = "bucket",
				     .key = "key",
				     .is_durable = true};
	char id[UPLOAD_ID_BYTES];
	struct upload_made made;
	struct put put;

	timed_begin();
	cr_assert_eq(upload_create(&place, &(struct put_text){0}, NULL, id), 0);
	place.id = id;
	expect(1); /* what is kept of the request */
	begin_and_write(&put, true);
	cr_assert_eq(upload_part_commit(&place, &put, 1, NULL), 0);
	struct upload_part part = {.number = 1};
	memcpy(part.etag, put.stamp.etag, sizeof(part.etag));
	put_end(&put);
	expect(2);
	const struct upload_whole whole = {.part = &part, .part_count = 1, .terms = &terms};
	cr_assert_eq(upload_complete(&place, &whole, &made), 0);
	expect(3);
}

Test(sys, without_durability)
{
	static const struct put_terms terms = {.mode = PUT_REPLACES};
	struct put put;

	timed_begin();
	begin_and_write(&put, false);
	cr_assert_eq(put_commit(&put, "a/b/c", &terms, NULL), 0);
	put_end(&put);
	expect(0);
	cr_assert_eq(faults.fsyncs, 0);
}

/* One that fails took its time, too. */
Test(sys, failures)
{
	timed_begin();
	faults_begin(EIO, 1);
	cr_assert_eq(store_fsync(&timed, store_root_fd, FSYNC_FOLDER), -EIO);
	cr_assert(faults_end());
	cr_assert_eq(count_of(FSYNC_FOLDER), 1);
	/* Where nobody counts. */
	cr_assert_eq(store_fsync(&store_sys_kernel, -1, FSYNC_FILE), -EBADF);
}
