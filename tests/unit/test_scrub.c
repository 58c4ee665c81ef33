/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/must.h"
#include "store/meta.h"
#include "store/md5.h"
#include "store/put.h"
#include "store/scrub.h"
#include "unit/store_fixture.h"

TestSuite(scrub, .init = store_fixture_make, .fini = store_fixture_remove);

/* Of "abc", as crc32(1), sha256sum(1), md5sum(1) and base64(1) have them. */
#define CRC32_ABC  "NSRBwg=="
#define SHA256_ABC "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define MD5_ABC    "\"900150983cd24fb0d6963f7d28e17f72\""
/* Of "abb". */
#define CRC32_ABB  "QiNxVA=="

static const char crc32_of_abc[] = "x-amz-checksum-crc32: " CRC32_ABC "\r\n";

/* ---- Objects --------------------------------------------------------------------------------- */

static void put_object(const char *key, const char *text, const char *checksums, const char *etag)
{
	static const struct put_terms terms = {.mode = PUT_REPLACES};
	const struct put_meta meta = {.fields = {"x-amz-meta-a: b\r\n", 17},
				      .checksums = {checksums, strlen(checksums)},
				      .etag = etag};
	struct put put;

	cr_assert_eq(put_begin(&put, &store_sys_kernel, store_root_fd, "bucket", key, false), 0);
	cr_assert_eq(write(put.file_fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(put_commit(&put, key, &terms, &meta), 0);
	put_end(&put);
}

static void put_abc(const char *key)
{
	put_object(key, "abc", crc32_of_abc, NULL);
}

static int open_object(const char *key, int flags)
{
	char path[300];

	snprintf(path, sizeof(path), "bucket/%s", key);
	int fd = openat(store_root_fd, path, flags | O_CLOEXEC);
	cr_assert(fd >= 0, "%s", path);
	return fd;
}

/* As a disk loses a bit: nothing else tells of it. */
static void overwrite_in_silence(const char *key, char byte, off_t at)
{
	struct stat st;
	int fd = open_object(key, O_RDWR);

	cr_assert(fstat(fd, &st) == 0 && pwrite(fd, &byte, 1, at) == 1);
	const struct timespec times[] = {st.st_atim, st.st_mtim};
	cr_assert_eq(futimens(fd, times), 0);
	close(fd);
}

static bool is_marked(const char *key)
{
	char fields[META_BYTES_MAX];
	struct facts facts;
	bool is_damaged;
	int fd = open_object(key, O_RDONLY);

	cr_assert_eq(facts_of_fd(&store_sys_kernel, fd, &facts), 0);
	int n = meta_get_fields(&store_sys_kernel, fd, &facts, fields, &is_damaged);
	close(fd);
	cr_assert_eq(n, 17, "%d", n);
	cr_assert_eq(memcmp(fields, "x-amz-meta-a: b\r\n", 17), 0, "the fields stay");
	return is_damaged;
}

/* ---- A scrub, and what it told --------------------------------------------------------------- */

static struct scrub_finding last;
static char last_key[300], last_checksum[32];
static unsigned told[3], waits, waits_max;

static bool note_wait(void *arg, uint64_t until_ns)
{
	(void)arg;
	(void)until_ns;
	return waits++ < waits_max;
}

static void note_finding(void *arg, const struct scrub_finding *finding)
{
	(void)arg;
	last = *finding;
	snprintf(last_key, sizeof(last_key), "%s/%s", finding->bucket, finding->object_key);
	snprintf(last_checksum, sizeof(last_checksum), "%s",
		 finding->checksum != NULL ? finding->checksum : "");
	told[finding->event]++;
}

static unsigned long long counts[SCRUB_RESULT_COUNT], bytes_read;

static int scrub_with(const struct store_sys *sys, bool quarantines)
{
	struct scrub scrub = {.sys = sys,
			      .root_fd = store_root_fd,
			      .quarantines = quarantines,
			      .wait = note_wait,
			      .tell = note_finding};

	memset(told, 0, sizeof(told));
	memset(&last, 0, sizeof(last));
	waits = 0;
	waits_max = waits_max > 0 ? waits_max : 1000000;
	cr_assert_eq(scrub_init(&scrub), 0);
	int r = scrub_root(&scrub);
	for (int i = 0; i < SCRUB_RESULT_COUNT; i++)
		counts[i] = scrub.objects[i];
	bytes_read = scrub.bytes;
	scrub_fini(&scrub);
	return r;
}

static void counts_are(unsigned good, unsigned damaged, unsigned unchecked)
{
	cr_assert(counts[SCRUB_GOOD] == good && counts[SCRUB_DAMAGED] == damaged &&
			  counts[SCRUB_UNCHECKED] == unchecked,
		  "%llu good, %llu damaged, %llu unchecked", counts[SCRUB_GOOD],
		  counts[SCRUB_DAMAGED], counts[SCRUB_UNCHECKED]);
	cr_assert_eq(told[SCRUB_EVENT_DAMAGED], damaged);
}

/* ---- What is found --------------------------------------------------------------------------- */

Test(scrub, good_and_unchecked)
{
	put_abc("crc");
	put_object("a/b/sha", "abc", "x-amz-checksum-sha256: " SHA256_ABC "\r\n", NULL);
	put_object("md5", "abc", "", MD5_ABC);
	put_object("empty", "", "x-amz-checksum-crc32: AAAAAA==\r\n", NULL);
	put_object("none", "abc", "", NULL);
	put_object("composite", "abc",
		   "x-amz-checksum-crc32: AAAAAA==-2\r\nx-amz-checksum-type: COMPOSITE\r\n", NULL);
	put_object("of_parts", "abc", "", "\"900150983cd24fb0d6963f7d28e17f72-2\"");
	cr_assert_eq(mkdirat(store_root_fd, "bucket/folder", 0700), 0);
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	counts_are(4, 0, 3);
	cr_assert_eq(bytes_read, 9, "what is not compared is not read");
	cr_assert_eq(told[SCRUB_EVENT_FAILED] + told[SCRUB_EVENT_GOOD_AGAIN], 0);
}

Test(scrub, damaged)
{
	put_abc("a/crc");
	overwrite_in_silence("a/crc", 'b', 2);
	cr_assert_eq(scrub_with(&store_sys_kernel, false), 0);
	counts_are(0, 1, 0);
	cr_assert_eq(bytes_read, 6, "it was read twice");
	cr_assert_str_eq(last_key, "bucket/a/crc");
	cr_assert_str_eq(last_checksum, "crc32");
	cr_assert_str_eq(last.expected, CRC32_ABC);
	cr_assert_str_eq(last.is, CRC32_ABB);
	cr_assert_not(last.is_quarantined);
	cr_assert_not(is_marked("a/crc"));
}

Test(scrub, each_checksum)
{
	static const struct {
		const char *checksums, *etag, *label;
	} rows[] = {
		{"x-amz-checksum-sha256: " SHA256_ABC "\r\n", NULL, "sha256"},
		{"x-amz-checksum-type: FULL_OBJECT\r\nx-amz-checksum-crc32: " CRC32_ABC "\r\n",
		 NULL, "crc32"},
		{"", MD5_ABC, "md5"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_object("x", "abc", rows[i].checksums, rows[i].etag);
		cr_assert_eq(scrub_with(&store_sys_kernel, false), 0);
		counts_are(1, 0, 0);
		overwrite_in_silence("x", 'A', 0);
		cr_assert_eq(scrub_with(&store_sys_kernel, false), 0);
		counts_are(0, 1, 0);
		cr_assert_str_eq(last_checksum, rows[i].label);
	}
}

/* Its new mtime says that its checksum is of other bytes. */
Test(scrub, edit_in_place)
{
	put_abc("x");
	int fd = open_object("x", O_RDWR);
	cr_assert_eq(pwrite(fd, "b", 1, 2), 1);
	close(fd);
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	counts_are(0, 0, 1);
}

Test(scrub, quarantine)
{
	put_abc("x");
	overwrite_in_silence("x", 'b', 2);
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	counts_are(0, 1, 0);
	cr_assert(last.is_quarantined && last.quarantine_error == 0);
	cr_assert(is_marked("x"));

	cr_assert_eq(scrub_with(&store_sys_kernel, false), 0);
	counts_are(0, 1, 0);
	cr_assert(last.is_quarantined, "it stays, whoever looks");

	overwrite_in_silence("x", 'c', 2); /* the disk was repaired */
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	counts_are(1, 0, 0);
	cr_assert_eq(told[SCRUB_EVENT_GOOD_AGAIN], 1);
	cr_assert_not(is_marked("x"));
}

Test(scrub, ends_of_quarantine)
{
	put_abc("put");
	put_abc("edited");
	overwrite_in_silence("put", 'b', 2);
	overwrite_in_silence("edited", 'b', 2);
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	cr_assert(is_marked("put") && is_marked("edited"));
	put_abc("put");
	int fd = open_object("edited", O_RDWR);
	cr_assert_eq(pwrite(fd, "d", 1, 3), 1);
	close(fd);
	cr_assert(!is_marked("put") && !is_marked("edited"));
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	counts_are(1, 0, 1);
}

/* sluice 0.1 has bound nothing: an edit is not told from damage, so it is told, but served on. */
Test(scrub, unbound)
{
	put_object("x", "abc", "", NULL);
	int fd = open_object("x", O_RDWR);
	cr_assert_eq(
		meta_set(&store_sys_kernel, fd, META_CHECKSUMS, crc32_of_abc, strlen(crc32_of_abc)),
		0);
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	counts_are(1, 0, 0);
	cr_assert_eq(pwrite(fd, "b", 1, 2), 1);
	close(fd);
	cr_assert_eq(scrub_with(&store_sys_kernel, true), 0);
	counts_are(0, 1, 0);
	cr_assert_not(is_marked("x"));
}

/* ---- What happens meanwhile ------------------------------------------------------------------ */

static void (*meanwhile)(void);
static unsigned preads;

static ssize_t pread_and_more(int fd, void *data, size_t size, off_t at)
{
	ssize_t n = pread(fd, data, size, at);
	if (preads++ == 0)
		meanwhile();
	return n;
}

static void scrub_while(void (*does)(void))
{
	struct store_sys sys = store_sys_kernel;

	sys.pread = pread_and_more;
	meanwhile = does;
	preads = 0;
	cr_assert_eq(scrub_with(&sys, true), 0);
}

static void replace(void)
{
	put_abc("x");
}

static void edit(void)
{
	int fd = open_object("x", O_RDWR);
	cr_assert_eq(pwrite(fd, "d", 1, 1), 1);
	close(fd);
}

static void remove_object(void)
{
	cr_assert_eq(unlinkat(store_root_fd, "bucket/x", 0), 0);
}

Test(scrub, replaced_while_it_is_read)
{
	put_abc("x");
	overwrite_in_silence("x", 'b', 2);
	scrub_while(replace);
	counts_are(0, 0, 1);
	cr_assert_not(is_marked("x"));
}

Test(scrub, edited_while_it_is_read)
{
	put_abc("x");
	overwrite_in_silence("x", 'b', 2);
	scrub_while(edit);
	counts_are(0, 0, 1);
	cr_assert_not(is_marked("x"));
}

Test(scrub, removed_while_it_is_read)
{
	put_abc("x");
	overwrite_in_silence("x", 'b', 2);
	scrub_while(remove_object);
	counts_are(0, 0, 1);
}

static bool is_direct;

static ssize_t pread_notes(int fd, void *data, size_t size, off_t at)
{
	is_direct = (fcntl(fd, F_GETFL) & O_DIRECT) != 0;
	preads++;
	return pread(fd, data, size, at);
}

/* Between the last reading and what is said of it. */
static int opens_replaced(int dir_fd, const char *path, const struct open_how *how)
{
	if (strcmp(path, ".") == 0 && preads == 2) { /* the key's folder, not the listing's */
		preads++;
		replace();
	}
	return store_sys_kernel.openat2(dir_fd, path, how);
}

Test(scrub, replaced_before_it_is_told)
{
	struct store_sys sys = store_sys_kernel;

	sys.openat2 = opens_replaced;
	sys.pread = pread_notes;
	put_abc("x");
	overwrite_in_silence("x", 'b', 2);
	preads = 0;
	cr_assert_eq(scrub_with(&sys, false), 0);
	counts_are(0, 0, 1);
}

/* Between the last reading and the lock. */
static int locks_replaced(int fd, int operation)
{
	if (preads++ == 0)
		put_abc("x");
	return flock(fd, operation);
}

Test(scrub, replaced_before_it_is_marked)
{
	struct store_sys sys = store_sys_kernel;

	sys.flock = locks_replaced;
	put_abc("x");
	overwrite_in_silence("x", 'b', 2);
	cr_assert_eq(scrub_with(&sys, true), 0);
	counts_are(0, 0, 1);
	cr_assert_not(is_marked("x"));
}

/* The memory was at fault, or the bus: not the disk. */
static ssize_t pread_wrong_once(int fd, void *data, size_t size, off_t at)
{
	ssize_t n = pread(fd, data, size, at);
	if (preads++ == 0 && n > 0)
		((char *)data)[0] ^= 1;
	return n;
}

Test(scrub, once_is_not_enough)
{
	struct store_sys sys = store_sys_kernel;

	sys.pread = pread_wrong_once;
	put_abc("x");
	cr_assert_eq(scrub_with(&sys, true), 0);
	counts_are(1, 0, 0);
	cr_assert_eq(preads, 2);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static int pread_errno;

static ssize_t pread_fails(int fd, void *data, size_t size, off_t at)
{
	(void)fd;
	(void)data;
	(void)size;
	(void)at;
	errno = pread_errno;
	return -1;
}

/* What the disk or a file system with checksums of its own says is damage; no wrong bytes come of
 * it, so nothing is marked. */
Test(scrub, read_errors)
{
	static const int damage[] = {EIO, EBADMSG, EUCLEAN, ENODATA};
	struct store_sys sys = store_sys_kernel;

	sys.pread = pread_fails;
	put_abc("x");
	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		pread_errno = damage[i];
		cr_assert_eq(scrub_with(&sys, true), 0);
		counts_are(0, 1, 0);
		cr_assert_eq(last.error, -damage[i]);
		cr_assert(!last.is_quarantined && !is_marked("x"));
	}
	pread_errno = ENOMEM;
	cr_assert_eq(scrub_with(&sys, true), -ENOMEM);
	counts_are(0, 0, 1);
	cr_assert_eq(told[SCRUB_EVENT_FAILED], 1);
	cr_assert_eq(last.error, -ENOMEM);
}

/* Whatever call fails: nothing that is good is called damaged, what is damaged is not called good,
 * and no descriptor is left. */
Test(scrub, every_call)
{
	int descriptors = store_descriptors(), n = 0;

	put_abc("bad");
	put_abc("good");
	overwrite_in_silence("bad", 'b', 2);
	for (bool has_failed = true; has_failed;) {
		faults_begin(EMFILE, ++n);
		int r = scrub_with(&faulty_sys, n % 2 == 0);
		has_failed = faults_end();
		cr_expect_eq(r, told[SCRUB_EVENT_FAILED] > 0 ? -EMFILE : 0, "call %d: %d", n, r);
		cr_expect_leq(counts[SCRUB_DAMAGED], 1, "call %d", n);
		cr_expect_leq(counts[SCRUB_GOOD], 1, "call %d", n);
		cr_expect_eq(store_descriptors(), descriptors, "call %d", n);
		cr_expect_not(is_marked("good"), "call %d", n);
	}
	cr_expect_gt(n, 20);
	counts_are(1, 1, 0);
}

static ssize_t getdents_ends(int fd, void *entries, size_t size)
{
	(void)fd;
	(void)entries;
	(void)size;
	errno = ECANCELED;
	return -1;
}

/* A listing that is cut, too: nothing is wrong with it. */
Test(scrub, ends_in_a_listing)
{
	struct store_sys sys = store_sys_kernel;

	sys.getdents64 = getdents_ends;
	put_abc("x");
	cr_assert_eq(scrub_with(&sys, false), -ECANCELED);
	counts_are(0, 0, 0);
	cr_assert_eq(told[SCRUB_EVENT_FAILED], 0);
}

Test(scrub, absent)
{
	struct scrub scrub = {.sys = &store_sys_kernel,
			      .root_fd = store_root_fd,
			      .wait = note_wait,
			      .tell = note_finding};

	cr_assert_eq(scrub_init(&scrub), 0);
	cr_assert_eq(scrub_bucket(&scrub, "absent"), -ENOENT);
	scrub_fini(&scrub);
}

/* ---- The walk and the rate ------------------------------------------------------------------- */

Test(scrub, many)
{
	char key[64];

	for (int i = 0; i < 2500; i++) {
		snprintf(key, sizeof(key), "%d/%d", i % 7, i);
		put_object(key, "abc", i % 5 == 0 ? "" : crc32_of_abc, NULL);
	}
	overwrite_in_silence("6/2498", 'b', 2);
	cr_assert_eq(scrub_with(&store_sys_kernel, false), 0);
	counts_are(1999, 1, 500);
	cr_assert_str_eq(last_key, "bucket/6/2498");
	waits_max = 100;
	cr_assert_eq(scrub_with(&store_sys_kernel, false), -ECANCELED);
	cr_assert_lt(counts[SCRUB_GOOD] + counts[SCRUB_UNCHECKED], 101);
}

/* How much too early, at most, something would have been read by a thread that waits as it is told.
 */
static uint64_t begun_ns, most_early_ns;
static const struct scrub *paced;

static bool note_early(void *arg, uint64_t until_ns)
{
	(void)arg;
	uint64_t paid_ns = begun_ns + paced->bytes * 1000000000 / paced->pace.rate_bytes;
	if (paced->bytes > 0 && until_ns < paid_ns && paid_ns - until_ns > most_early_ns)
		most_early_ns = paid_ns - until_ns;
	return true;
}

Test(scrub, rate)
{
	struct scrub_pace pace = {.rate_bytes = 1000};

	scrub_pace_take(&pace, 5000000000, 500);
	cr_assert_eq(pace.due_ns, 5500000000);
	scrub_pace_take(&pace, 5100000000, 1000); /* too early: it comes on top */
	cr_assert_eq(pace.due_ns, 6500000000);
	scrub_pace_take(&pace, 99000000000, 100); /* late: the time between is not made up for */
	cr_assert_eq(pace.due_ns, 99100000000);
	pace.rate_bytes = 1;
	scrub_pace_take(&pace, 99100000000, SCRUB_PIECE_BYTES);
	cr_assert_eq(pace.due_ns, 99100000000 + SCRUB_PIECE_BYTES * 1000000000ull);
	pace = (struct scrub_pace){0};
	scrub_pace_take(&pace, 7, 1 << 20);
	cr_assert_eq(pace.due_ns, 0, "no bound");

	cr_assert_eq(scrub_piece_bytes(0), SCRUB_PIECE_BYTES);
	cr_assert_eq(scrub_piece_bytes(1), 4096);
	cr_assert_eq(scrub_piece_bytes(100 * 1024), 12288);
	cr_assert_eq(scrub_piece_bytes(1ull << 40), SCRUB_PIECE_BYTES);
}

/* All that was read is paid for before more is. */
Test(scrub, rate_of_a_pass)
{
	struct scrub scrub = {.sys = &store_sys_kernel,
			      .root_fd = store_root_fd,
			      .pace = {.rate_bytes = 64 * 1024},
			      .wait = note_early,
			      .tell = note_finding};
	char *text = malloc(300001);

	memset(text, 'x', 300000);
	text[300000] = '\0';
	put_object("large", text, crc32_of_abc, NULL);
	free(text);
	paced = &scrub;
	cr_assert_eq(scrub_init(&scrub), 0);
	begun_ns = clock_now_ns();
	cr_assert_eq(scrub_root(&scrub), 0);
	cr_assert_eq(scrub.bytes, 600000);
	cr_assert_eq(most_early_ns, 0, "%llu ns early", (unsigned long long)most_early_ns);
	scrub_fini(&scrub);
}

/* ---- The page cache -------------------------------------------------------------------------- */

#define PAGES 300

static void residency(const char *key, unsigned char page[PAGES])
{
	long bytes = sysconf(_SC_PAGESIZE);
	int fd = open_object(key, O_RDONLY);
	void *map = mmap(NULL, (size_t)bytes * PAGES, PROT_READ, MAP_SHARED, fd, 0);

	cr_assert(map != MAP_FAILED);
	cr_assert_eq(mincore(map, (size_t)bytes * PAGES, page), 0);
	for (int i = 0; i < PAGES; i++)
		page[i] &= 1;
	munmap(map, (size_t)bytes * PAGES);
	close(fd);
}

/* A file of which two pages are cached, nothing else. False: it cannot be made so here. */
static bool make_partly_cached(const char *key, unsigned char page[PAGES])
{
	long bytes = sysconf(_SC_PAGESIZE);
	char *text = malloc((size_t)bytes * PAGES + 1), byte;
	unsigned cached = 0;

	memset(text, 'x', (size_t)bytes * PAGES);
	text[bytes * PAGES] = '\0';
	put_object(key, text, crc32_of_abc, NULL);
	free(text);
	int fd = open_object(key, O_RDONLY);
	cr_assert_eq(fsync(fd), 0);
	cr_assert_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	cr_assert_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	cr_assert(pread(fd, &byte, 1, 7 * bytes) == 1 && pread(fd, &byte, 1, 270 * bytes) == 1);
	close(fd);
	residency(key, page);
	for (int i = 0; i < PAGES; i++)
		cached += page[i];
	return page[7] == 1 && page[270] == 1 && cached < PAGES / 2;
}

static void leaves_the_page_cache(const struct store_sys *sys)
{
	unsigned char before[PAGES], after[PAGES];

	if (!make_partly_cached("x", before))
		cr_skip_test("the file system of /tmp keeps all of a file in memory");
	cr_assert_eq(scrub_with(sys, false), 0);
	counts_are(0, 1, 0);
	residency("x", after);
	for (int i = 0; i < PAGES; i++)
		cr_expect_eq(after[i], before[i], "page %d: %d, was %d", i, after[i], before[i]);
}

Test(scrub, page_cache)
{
	leaves_the_page_cache(&store_sys_kernel);
}

/* The disk is what is read, where the file system lets it: a cached page would hide it for ever. */
Test(scrub, reads_the_disk)
{
	struct store_sys sys = store_sys_kernel;

	put_abc("x");
	int fd = open_object("x", O_RDONLY);
	if (fcntl(fd, F_SETFL, O_DIRECT) < 0)
		cr_skip_test("the file system of /tmp has no direct reads");
	close(fd);
	sys.pread = pread_notes;
	cr_assert_eq(scrub_with(&sys, false), 0);
	counts_are(1, 0, 0);
	cr_assert(is_direct);
}

/* As where the file system has no direct reads. */
static ssize_t pread_not_direct(int fd, void *data, size_t size, off_t at)
{
	if ((fcntl(fd, F_GETFL) & O_DIRECT) == 0)
		return pread(fd, data, size, at);
	errno = EINVAL;
	return -1;
}

Test(scrub, page_cache_without_direct_reads)
{
	struct store_sys sys = store_sys_kernel;

	sys.pread = pread_not_direct;
	leaves_the_page_cache(&sys);
}
