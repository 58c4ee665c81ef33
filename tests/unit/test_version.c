/* SPDX-License-Identifier: Apache-2.0 */
/* Versions: no two writes have one in common, nothing but a write changes one, whoever wrote. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/list.h"
#include "store/object.h"
#include "store/put.h"
#include "store/version.h"
#include "unit/store_fixture.h"

#define KEY  "bucket/key"
#define SUMS "x-amz-checksum-crc32: AAAAAA==\r\n"

TestSuite(version, .init = store_fixture_make, .fini = store_fixture_remove);

/* The ETag that a write of this text answers. */
static void put_text(const char *text, const char *kept_etag, char etag[ETAG_BYTES])
{
	const struct put_terms terms = {.mode = PUT_REPLACES};
	const struct put_meta meta = {.checksums = {SUMS, strlen(SUMS)}, .etag = kept_etag};
	struct put put;

	cr_assert_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket", "key", false), 0);
	cr_assert_eq(write(put.file_fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(put_commit(&put, "key", &terms, &meta), 0);
	memcpy(etag, put.stamp.etag, ETAG_BYTES);
	put_end(&put);
}

/* Are the checksums that were kept with the object still of its bytes? */
static bool has_checksums(void)
{
	char lines[META_BYTES_MAX];
	struct facts facts;
	int fd = openat(store_root_fd, KEY, O_RDONLY | O_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(facts_of_fd(&faulty_sys, fd, &facts), 0);
	int n = meta_get_bound(&faulty_sys, fd, META_CHECKSUMS, &facts, lines);
	close(fd);
	cr_assert(n == 0 || (n == (int)strlen(SUMS) && memcmp(lines, SUMS, (size_t)n) == 0));
	return n > 0;
}

static int open_key(int flags)
{
	int fd = openat(store_root_fd, KEY, flags | O_CLOEXEC, 0600);
	cr_assert(fd >= 0);
	return fd;
}

/* ---- The mark -------------------------------------------------------------------------------- */

static struct facts facts_of_number(unsigned n)
{
	return (struct facts){.mode = S_IFREG | 0600,
			      .inode = 12 + n % 3,
			      .size = n % 5,
			      .changed = {.tv_sec = 1700000000, .tv_nsec = n},
			      .born = {.tv_sec = 1700000000, .tv_nsec = (n % 7) * 4000000}};
}

/* Each changes one thing that a version goes by. */
static void change(struct facts *facts, unsigned what)
{
	switch (what) {
	case 0:
		facts->inode++;
		break;
	case 1:
		facts->size++;
		break;
	case 2:
		facts->born.tv_nsec += 4000000;
		break;
	case 3:
		facts->modified.tv_nsec ^= VERSION_UNIT_NS;
		break;
	default:
		facts->modified.tv_sec++;
		break;
	}
}

Test(version, a_mark_is_known_and_of_one_file)
{
	unsigned mistaken = 0, asked = 0;

	for (unsigned n = 0; n < 20000; n++) {
		const struct timespec now = {.tv_sec = 1700000000, .tv_nsec = n * 49999l};
		char etag[ETAG_BYTES], other[ETAG_BYTES];
		struct facts facts = facts_of_number(n);
		facts.modified = version_mark(&facts, &now, n % 2 == 0);
		cr_assert(version_is_ours(&facts));
		cr_assert(facts.modified.tv_nsec >= 0 && facts.modified.tv_nsec < 1000000000);
		cr_assert(version_tell(&facts, etag));
		facts.mode |= S_ISVTX; /* chmod, a link, another owner: as it was */
		cr_assert_eq(version_tell(&facts, other), n % 2 == 1);
		facts.changed.tv_sec++;
		version_tell(&facts, other);
		cr_assert_str_eq(etag, other);
		for (unsigned what = 0; what < 5; what++) {
			struct facts changed = facts;
			change(&changed, what);
			version_tell(&changed, other);
			cr_assert_str_neq(etag, other, "%u", what);
			mistaken += version_is_ours(&changed);
			asked++;
		}
	}
	cr_expect_lt(mistaken, asked / 256, "%u of %u", mistaken, asked);
}

/* Also at the end of a second, where the unit has to be an earlier one. */
Test(version, every_nanosecond_has_a_mark)
{
	for (long ns = 999990000; ns < 1000000000; ns++) {
		struct facts facts = facts_of_number((unsigned)ns);
		facts.modified =
			version_mark(&facts, &(struct timespec){.tv_sec = 1, .tv_nsec = ns}, false);
		cr_assert(version_is_ours(&facts) && facts.modified.tv_nsec < 1000000000);
		cr_assert_neq(facts.modified.tv_nsec % 100, 0);
	}
}

Test(version, of_others_every_change_counts)
{
	struct facts facts = facts_of_number(1);
	char etag[ETAG_BYTES], other[ETAG_BYTES];

	facts.modified = (struct timespec){.tv_sec = 1700000000};
	cr_assert(version_tell(&facts, etag));
	for (unsigned what = 0; what < 3; what++) {
		struct facts changed = facts;
		changed.inode += what == 0;
		changed.changed.tv_nsec += what == 1;
		changed.modified.tv_sec += what == 2;
		version_tell(&changed, other);
		cr_expect_str_neq(etag, other, "%u", what);
	}
}

/* ---- Writes ---------------------------------------------------------------------------------- */

static void every_write_has_its_own(void)
{
	static char etags[50][ETAG_BYTES];
	char is[ETAG_BYTES];

	for (unsigned n = 0; n < ARRAY_LEN(etags); n++) {
		put_text(n % 2 == 0 ? "one" : "two", NULL, etags[n]);
		store_etag(KEY, is);
		cr_assert_str_eq(is, etags[n]);
		cr_assert_str_eq(etags[n] + strlen(etags[n]) - 3, "-1\"");
		for (unsigned before = 0; before < n; before++)
			cr_assert_str_neq(etags[n], etags[before]);
	}
	cr_expect(has_checksums());
}

Test(version, every_write_has_its_own)
{
	every_write_has_its_own();
}

Test(version, every_write_has_its_own_where_times_are_seconds)
{
	faults.has_coarse_times = true;
	every_write_has_its_own();
}

/* What a listing says is what a GET says. */
static void listed_as_read(const char *kept)
{
	const struct list_query query = {.prefix = "", .delimiter = "", .after = "", .max = 10};
	struct list_page page;
	char etag[ETAG_BYTES];

	put_text("text", kept, etag);
	cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
	cr_assert_eq(page.count, 1);
	cr_expect_str_eq(page.entry[0].etag, etag);
	list_fini(&page);
}

Test(version, listed_as_read)
{
	listed_as_read(NULL);
	listed_as_read("\"d41d8cd98f00b204e9800998ecf8427e\"");
	faults.has_coarse_times = true;
	listed_as_read(NULL);
	listed_as_read("\"d41d8cd98f00b204e9800998ecf8427e\"");
}

Test(version, asks_for_nothing_where_times_have_nanoseconds)
{
	char etag[ETAG_BYTES], is[ETAG_BYTES];
	struct facts facts;

	put_text("text", NULL, etag);
	int fd = open_key(O_RDONLY);
	faults.calls = 0;
	cr_assert_eq(facts_of_fd(&faulty_sys, fd, &facts), 0);
	cr_assert_eq(version_read(&faulty_sys, fd, &facts, is), 0);
	cr_expect_eq(faults.calls, 1);
	cr_expect_str_eq(is, etag);
	close(fd);
}

/* ---- Others ---------------------------------------------------------------------------------- */

enum hand { EDITED, EDITED_TO_THE_TIME, LONGER, REPLACED, MADE_AGAIN, HAND_COUNT };

/* The kernel's clock for files goes in ticks. */
static void await_tick(void)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &begin);
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (now.tv_sec == begin.tv_sec && now.tv_nsec == begin.tv_nsec);
}

/* What somebody without sluice does to the file, each with its old mtime if he can. */
static void meddle(enum hand hand, const struct stat *was, bool was_ours)
{
	await_tick();
	struct timespec times[2] = {was->st_atim, was->st_mtim};
	int fd;

	if (hand == REPLACED || hand == MADE_AGAIN) {
		if (hand == MADE_AGAIN)
			cr_assert_eq(unlinkat(store_root_fd, KEY, 0), 0);
		fd = openat(store_root_fd, "bucket/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		cr_assert(fd >= 0 && write(fd, "new!", 4) == 4 && futimens(fd, times) == 0);
		cr_assert_eq(renameat(store_root_fd, "bucket/new", store_root_fd, KEY), 0);
		close(fd);
		return;
	}
	fd = open_key(O_WRONLY);
	cr_assert_eq(pwrite(fd, "edit it", hand == LONGER ? 7 : 4, 0), hand == LONGER ? 7 : 4);
	/* To set it back to the nanosecond is to say that nothing was written: of ours, that is
	 * believed. */
	times[1].tv_nsec += was_ours ? 1000 : 0;
	if (hand != EDITED)
		cr_assert_eq(futimens(fd, times), 0);
	close(fd);
}

Test(version, what_others_do_is_seen)
{
	for (int kept = 0; kept < 2; kept++) {
		for (enum hand hand = 0; hand < HAND_COUNT; hand++) {
			char etag[ETAG_BYTES], is[ETAG_BYTES];
			struct stat st;
			put_text("text", kept ? "\"d41d8cd98f00b204e9800998ecf8427e\"" : NULL,
				 etag);
			cr_assert_eq(fstatat(store_root_fd, KEY, &st, 0), 0);
			cr_expect(has_checksums());
			meddle(hand, &st, true);
			store_etag(KEY, is);
			cr_expect_str_neq(is, etag, "hand %d", hand);
			cr_expect_not(has_checksums(), "hand %d", hand);
		}
	}
}

/* A file that sluice has never written: replaced, or edited and its time set back. */
Test(version, of_files_of_others)
{
	for (enum hand hand = 0; hand < HAND_COUNT; hand++) {
		char etag[ETAG_BYTES], is[ETAG_BYTES];
		const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
		struct stat st;
		int fd = open_key(O_CREAT | O_TRUNC | O_WRONLY);
		cr_assert(write(fd, "text", 4) == 4 && futimens(fd, times) == 0);
		close(fd);
		cr_assert_eq(fstatat(store_root_fd, KEY, &st, 0), 0);
		store_etag(KEY, etag);
		meddle(hand, &st, false);
		store_etag(KEY, is);
		cr_expect_str_neq(is, etag, "hand %d", hand);
		cr_assert_eq(unlinkat(store_root_fd, KEY, 0), 0);
	}
}

/* Where times are seconds, an edit may come within the second of the write. */
Test(version, an_edit_within_the_second)
{
	char etag[ETAG_BYTES], is[ETAG_BYTES];

	faults.has_coarse_times = true;
	put_text("text", NULL, etag);
	int fd = open_key(O_WRONLY);
	cr_assert_eq(pwrite(fd, "TEXT", 4, 0), 4);
	close(fd);
	store_etag(KEY, is);
	cr_expect_str_neq(is, etag);
	cr_expect_not(has_checksums());
}

/* An owner, a mode, another name: the bytes are the same, and so is the version. */
Test(version, is_kept_over_what_is_no_write)
{
	char etag[ETAG_BYTES], is[ETAG_BYTES];

	put_text("text", NULL, etag);
	cr_assert_eq(fchmodat(store_root_fd, KEY, 01640, 0), 0);
	store_etag(KEY, is);
	cr_expect_str_eq(is, etag);
	cr_assert_eq(linkat(store_root_fd, KEY, store_root_fd, "bucket/link", 0), 0);
	store_etag(KEY, is);
	cr_expect_str_eq(is, etag);
	store_etag("bucket/link", is);
	cr_expect_str_eq(is, etag);
	cr_expect(has_checksums());
}

/* ---- Of 0.1 ---------------------------------------------------------------------------------- */

Test(version, of_0_1)
{
	const struct facts facts = {.size = 5,
				    .modified = {.tv_sec = 0x6543210f, .tv_nsec = 0x1234567}};
	char etag[ETAG_BYTES];

	version_of_0_1(&facts, etag);
	cr_expect_str_eq(etag, "\"006543210f0123456700000000000005-1\"");
}

/* Checksums that 0.1 has kept are not bound, and are believed. */
Test(version, checksums_of_0_1)
{
	int fd = open_key(O_CREAT | O_WRONLY);

	cr_assert_eq(write(fd, "text", 4), 4);
	cr_assert_eq(faulty_sys.fsetxattr(fd, META_CHECKSUMS, SUMS, strlen(SUMS), 0), 0);
	close(fd);
	cr_expect(has_checksums());
}
