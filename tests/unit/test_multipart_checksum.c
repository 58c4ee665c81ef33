/* SPDX-License-Identifier: Apache-2.0 */
/* What uploads keep of checksums, and what their objects do: under every fault of every call,
 * damaged, and where the file system has no room for all of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/meta.h"
#include "store/multipart.h"
#include "store/names.h"
#include "unit/store_fixture.h"
#include "unit/upload_fixture.h"

TestSuite(multipart_checksum, .init = store_fixture_make, .fini = store_fixture_remove);

/* By zlib, of 5 MiB of 'a', of "bbb", of both behind each other, and of these two sums. */
#define CRC_A     "x-amz-checksum-crc32: r/zBbw==\r\n"
#define CRC_B     "x-amz-checksum-crc32: QGXPDQ==\r\n"
#define CRC_ALL   "ZQQbhw=="
#define COMPOSITE "k5yxow==-2"

static const struct checksum_plan composite = {true, DIGEST_CRC32, true};
static const struct put_terms replaces = {.mode = PUT_REPLACES};

static int create(char id[UPLOAD_ID_BYTES])
{
	const struct put_text none = {0};
	struct upload_place place = uploads_place("key", NULL);
	return upload_create(&place, &none, &composite, id);
}

/* A part as a client sends it, with its checksum; "": without. */
static int send(const char *id, unsigned number, const char *field, struct upload_part *part)
{
	const struct put_meta meta = {.checksums = {field, strlen(field)}};
	struct upload_place place = uploads_place("key", id);
	struct put put;
	static char data[UPLOAD_PART_BYTES_MIN];
	size_t size = number == 1 ? sizeof(data) : 3;

	memset(data, number == 1 ? 'a' : 'b', size);
	int r = put_begin(&put, &faulty_sys, store_root_fd, "bucket", NULL, true);
	if (r == 0)
		must(pwrite(put.file_fd, data, size, 0) == (ssize_t)size);
	if (r == 0)
		r = upload_part_commit(&place, &put, number, &meta);
	*part = (struct upload_part){.number = number};
	memcpy(part->etag, put.stamp.etag, sizeof(part->etag));
	put_end(&put);
	return r;
}

static int complete(const char *id, const struct upload_part part[2], struct upload_made *made)
{
	const struct upload_whole whole = {.part = part, .part_count = 2, .terms = &replaces};
	struct upload_place place = uploads_place("key", id);
	return upload_complete(&place, &whole, made);
}

static void is_composite(const struct checksum *checksum)
{
	char text[CHECKSUM_TEXT_BYTES] = "";

	cr_assert(checksum->is_set);
	checksum_text(checksum, text);
	cr_expect_str_eq(text, COMPOSITE);
}

/* An attribute of the object; "": it has none. */
static const char *kept(const char *name)
{
	static char text[META_BYTES_MAX + 1];
	struct facts facts;
	int fd = openat(store_root_fd, "bucket/key", O_RDONLY | O_CLOEXEC);

	cr_assert(fd >= 0 && facts_of_fd(&faulty_sys, fd, &facts) == 0);
	int n = meta_get_bound(&faulty_sys, fd, name, &facts, text);
	close(fd);
	cr_assert_geq(n, 0);
	text[n] = '\0';
	return text;
}

/* What is told of all bytes without reading them; "": nothing. */
static void of_all_is(const char *wanted)
{
	char text[CHECKSUM_TEXT_BYTES] = "";
	struct checksum sum, all;
	struct facts facts;
	int fd = openat(store_root_fd, "bucket/key", O_RDONLY | O_CLOEXEC);

	cr_assert(fd >= 0 && facts_of_fd(&faulty_sys, fd, &facts) == 0);
	cr_assert_eq(checksum_kept(&faulty_sys, fd, &facts, &sum), 0);
	cr_assert_eq(checksum_of_all(&faulty_sys, fd, &facts, &sum, &all), 0);
	close(fd);
	if (all.is_set)
		checksum_text(&all, text);
	cr_expect_str_eq(text, wanted);
}

/* The parts' sums are kept, or computed from what they hold. */
Test(multipart_checksum, kept_or_computed)
{
	struct upload_part part[2];
	struct upload_made made;
	char id[UPLOAD_ID_BYTES];

	for (int with = 0; with < 4; with++) {
		cr_assert_eq(create(id), 0);
		cr_assert_eq(send(id, 1, with & 1 ? CRC_A : "", &part[0]), 0);
		cr_assert_eq(send(id, 2, with & 2 ? CRC_B : "", &part[1]), 0);
		cr_assert_eq(complete(id, part, &made), 0);
		is_composite(&made.checksum);
		cr_expect_str_eq(kept(META_CHECKSUMS), "x-amz-checksum-crc32: " COMPOSITE "\r\n");
		cr_expect_str_eq(kept(META_PARTS), "5242880 3");
		cr_expect_str_eq(kept(META_PART_SUMS), "r/zBb0Blzw0=");
		of_all_is(CRC_ALL);
	}
}

/* A part that somebody has written to is another: its sum is not believed, nor its ETag. */
Test(multipart_checksum, a_part_that_was_edited)
{
	struct upload_part part[2], now[2];
	struct upload_made made;
	char id[UPLOAD_ID_BYTES], path[128];
	bool is_truncated;

	cr_assert_eq(create(id), 0);
	cr_assert_eq(send(id, 1, CRC_A, &part[0]), 0);
	cr_assert_eq(send(id, 2, CRC_B, &part[1]), 0);
	snprintf(path, sizeof(path), "bucket/" STORE_PRIVATE "/up-%s/part-00002", id);
	int fd = openat(store_root_fd, path, O_WRONLY | O_CLOEXEC);
	cr_assert(fd >= 0 && pwrite(fd, "c", 1, 0) == 1);
	close(fd);
	cr_expect_eq(complete(id, part, &made), -EBADE);
	struct upload_place place = uploads_place("key", id);
	cr_assert_eq(uploads_parts(&place, 0, 2, now, &is_truncated), 2);
	cr_expect(now[0].checksum.is_set);
	cr_expect_not(now[1].checksum.is_set);
}

Test(multipart_checksum, under_every_fault)
{
	static const int errors[] = {EIO, EMFILE};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		bool has_failed = true;
		for (int n = 1; has_failed; n++) {
			struct upload_part part[2];
			struct upload_made made;
			char id[UPLOAD_ID_BYTES];
			int descriptors = store_descriptors();
			faults_begin(errors[i], n);
			int r = create(id);
			if (r == 0)
				r = send(id, 1, CRC_A, &part[0]);
			if (r == 0)
				r = send(id, 2, "", &part[1]);
			if (r == 0)
				r = complete(id, part, &made);
			has_failed = faults_end();
			cr_expect(r == 0 || has_failed, "call %d: %d", n, r);
			cr_expect_eq(store_descriptors(), descriptors, "call %d leaks", n);
			if (r == 0) {
				is_composite(&made.checksum);
				uploads_expect("bucket/key", "a5242880 b3");
			}
			cr_assert_geq(uploads_swept(time(NULL) + 10), 0);
			cr_assert_geq(store_swept("bucket"), 0);
			cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0, "call %d", n);
		}
	}
}

/* ---- Damage, and want of room ---------------------------------------------------------------- */

Test(multipart_checksum, a_plan_that_is_damaged)
{
	static const char *const texts[] = {"",
					    "CRC32",
					    "CRC32\n",
					    "CRC32 COMPOSITE",
					    "CRC33 COMPOSITE\n",
					    "CRC32  COMPOSITE\n",
					    "CRC32 COMPOSITE\nx",
					    "CRC64NVME FULL_OBJECT\nmore of it"};
	struct upload_place place;
	struct checksum_plan plan;
	char id[UPLOAD_ID_BYTES], path[128];

	cr_assert_eq(create(id), 0);
	place = uploads_place("key", id);
	cr_assert_eq(upload_check(&place, &plan), 0);
	cr_expect(plan.is_set && plan.kind == DIGEST_CRC32 && plan.is_composite);
	snprintf(path, sizeof(path), "bucket/" STORE_PRIVATE "/up-%s/checksum", id);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int fd = openat(store_root_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		ssize_t len = (ssize_t)strlen(texts[i]);
		cr_assert(fd >= 0 && write(fd, texts[i], (size_t)len) == len);
		close(fd);
		cr_expect_eq(upload_check(&place, &plan), -EIO, "%s", texts[i]);
	}
	/* As sluice 0.1 has begun it. */
	cr_assert_eq(unlinkat(store_root_fd, path, 0), 0);
	cr_expect_eq(upload_check(&place, &plan), 0);
	cr_expect_not(plan.is_set);
}

/* As ext4, which has 4 KiB for all attributes of a file. */
static int fsetxattr_but_parts(int fd, const char *name, const void *value, size_t size, int flags)
{
	if (strcmp(name, META_PARTS) == 0 || strcmp(name, META_PART_SUMS) == 0) {
		errno = ENOSPC;
		return -1;
	}
	return store_sys_kernel.fsetxattr(fd, name, value, size, flags);
}

/* The object is there, with all that is told of the whole; it has one part. */
Test(multipart_checksum, no_room_for_parts)
{
	struct store_sys small = faulty_sys;
	struct upload_part part[2];
	struct upload_made made;
	char id[UPLOAD_ID_BYTES];

	small.fsetxattr = fsetxattr_but_parts;
	cr_assert_eq(create(id), 0);
	cr_assert_eq(send(id, 1, CRC_A, &part[0]), 0);
	cr_assert_eq(send(id, 2, CRC_B, &part[1]), 0);
	struct upload_place place = uploads_place("key", id);
	const struct upload_whole whole = {.part = part, .part_count = 2, .terms = &replaces};
	place.sys = &small;
	cr_assert_eq(upload_complete(&place, &whole, &made), 0);
	cr_expect_str_eq(kept(META_CHECKSUMS), "x-amz-checksum-crc32: " COMPOSITE "\r\n");
	cr_expect_str_eq(kept(META_PARTS), "");
	of_all_is("");
}
