/* SPDX-License-Identifier: Apache-2.0 */
/* Objects appear whole or not at all: under every fault of every system call, and among others that
 * write, remove and sweep at the same time. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/private.h"
#include "store/put.h"
#include "unit/store_fixture.h"

TestSuite(put, .init = store_fixture_make, .fini = store_fixture_remove);

static struct object_stamp stamp; /* of the last put_text */
static const struct store_sys *put_sys = &faulty_sys;

static int put_text_if(const char *key, const char *text, const struct put_terms *terms)
{
	struct put put;
	int r = put_begin(&put, put_sys, store_root_fd, "bucket", key, true);
	if (r == 0) {
		must(write(put.file_fd, text, strlen(text)) == (ssize_t)strlen(text));
		r = put_commit(&put, key, terms, NULL);
	}
	stamp = put.stamp;
	put_end(&put);
	return r;
}

static int put_text(const char *key, const char *text, enum put_mode mode)
{
	return put_text_if(key, text, &(struct put_terms){.mode = mode});
}

static void expect(const char *path, const char *text)
{
	const char *is = store_contents(path);
	cr_assert_not_null(is, "%s is not there", path);
	cr_assert_str_eq(is, text);
}

/* ---- Without faults -------------------------------------------------------------------------- */

static void every_way(void)
{
	cr_assert_eq(put_text("a/b/c", "one", PUT_REPLACES), 0);
	expect("bucket/a/b/c", "one");
	cr_assert_eq(put_text("a/b/c", "two", PUT_REPLACES), 0);
	expect("bucket/a/b/c", "two");
	cr_assert_eq(put_text("a/b/c", "three", PUT_IF_ABSENT), -EEXIST);
	expect("bucket/a/b/c", "two");
	cr_assert_eq(put_text("a/b/d", "four", PUT_IF_ABSENT), 0);
	cr_assert_eq(put_text("a/b", "a folder", PUT_REPLACES), -EISDIR);
	cr_assert_eq(put_text("a/b/c/d", "below an object", PUT_REPLACES), -ENOTDIR);
	cr_assert_eq(put_text("top", "", PUT_REPLACES), 0);
	expect("bucket/top", "");
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}

Test(put, every_way_with_o_tmpfile)
{
	every_way();
}

Test(put, every_way_without_o_tmpfile)
{
	faults.has_tmpfile = false;
	every_way();
}

Test(put, no_bucket)
{
	cr_assert_eq(put_text("a", "x", PUT_REPLACES), 0);
	struct put put;
	cr_expect_eq(put_begin(&put, &faulty_sys, store_root_fd, "nowhere", "key", true), -ENOENT);
	put_end(&put);
	cr_expect_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket/a", "key", true), -ENOENT,
		     "a file");
	put_end(&put);
	cr_assert_eq(symlinkat("bucket", store_root_fd, "link"), 0);
	cr_expect_eq(put_begin(&put, &faulty_sys, store_root_fd, "link", "key", true), -ENOENT);
	put_end(&put);
}

/* A symbolic link in the bucket, wherever it leads, is no way in or out. */
Test(put, symbolic_links_are_not_followed)
{
	cr_assert_eq(mkdirat(store_root_fd, "outside", 0700), 0);
	cr_assert_eq(symlinkat("../outside", store_root_fd, "bucket/link"), 0);
	cr_expect_eq(put_text("link/x", "x", PUT_REPLACES), -ENOTDIR);
	cr_expect_eq(store_entries("outside"), 0);
	cr_expect_eq(put_text("link", "x", PUT_REPLACES), 0, "the link itself is replaced");
	cr_expect_eq(store_entries("outside"), 0);
	expect("bucket/link", "x");
}

Test(put, what_is_not_committed_is_not_there)
{
	for (int named = 0; named < 2; named++) {
		struct put put;
		faults.has_tmpfile = named == 0;
		cr_assert_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket", "a/b", true), 0);
		cr_assert_eq(write(put.file_fd, "half", 4), 4);
		put_end(&put);
		cr_expect_eq(store_entries("bucket"), named, "the private folder at most");
		cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
	}
}

Test(put, private_keys)
{
	cr_expect(store_key_is_private(STORE_PRIVATE));
	cr_expect(store_key_is_private(STORE_PRIVATE "/x"));
	cr_expect_not(store_key_is_private(STORE_PRIVATE "x"));
	cr_expect(store_key_is_private("x/" STORE_PRIVATE));
	cr_expect(store_key_is_private("x/" STORE_PRIVATE "/y"));
	cr_expect(store_key_is_private("x/" STORE_PRIVATE "/"));
	cr_expect_not(store_key_is_private("x/y" STORE_PRIVATE "/" STORE_PRIVATE "y"));
	cr_expect_not(store_key_is_private("x/"));
	cr_expect_not(store_key_is_private(""));
	cr_expect(store_key_is_private(STORE_MARKER));
	cr_expect(store_key_is_private("x/" STORE_MARKER));
	cr_expect_not(store_key_is_private("x/" STORE_MARKER "s"));
	cr_expect_not(store_key_is_private(".sluic"));
}

Test(put, only_if_it_is_still_that_one)
{
	static const struct put_terms any = {.mode = PUT_IF_PRESENT};

	cr_expect_eq(put_text_if("k/a", "x", &any), -ENOKEY);
	cr_expect_eq(store_entries("bucket"), 0, "no folder was made for it");
	cr_assert_eq(put_text("k/a", "one", PUT_REPLACES), 0);
	struct object_stamp first = stamp;
	const struct put_terms terms = {.mode = PUT_IF_PRESENT, .etag = first.etag};
	cr_expect_eq(put_text_if("k/a", "two", &terms), 0);
	expect("bucket/k/a", "two");
	cr_expect_str_neq(stamp.etag, first.etag, "of the same length, and soon after");
	cr_expect_eq(put_text_if("k/a", "3rd", &terms), -EKEYREJECTED);
	expect("bucket/k/a", "two");
	cr_expect_eq(put_text_if("k/a", "any", &any), 0);
	expect("bucket/k/a", "any");
	cr_expect_eq(put_text_if("k", "x", &any), -EISDIR);
	cr_assert_eq(symlinkat("a", store_root_fd, "bucket/k/link"), 0);
	cr_expect_eq(put_text_if("k/link", "x", &any), -ENOKEY);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

/* One PUT over "old" with each of its faults.calls failing in turn. Returns how many faults.calls
 * there were. */
static int with_faults(int error, const char *key, const char *path, bool replaces)
{
	int open_before = store_descriptors(), n;

	for (n = 1;; n++) {
		faults.fails_at = 0;
		if (replaces)
			cr_assert_eq(put_text(key, "old", PUT_REPLACES), 0);
		faults.calls = 0;
		faults.fails_at = n;
		faults.fails_with = error;
		int r = put_text(key, "new", PUT_REPLACES);
		bool has_failed = faults.calls >= n;
		faults.fails_at = 0;
		const char *is = store_contents(path);
		if (r == 0) /* acknowledged: there, whole */
			cr_assert(is != NULL && strcmp(is, "new") == 0, "call %d", n);
		else if (replaces)
			cr_assert(is != NULL && (strcmp(is, "old") == 0 || strcmp(is, "new") == 0));
		else
			cr_assert(is == NULL || strcmp(is, "new") == 0, "call %d", n);
		if (is == NULL)
			cr_assert_leq(store_entries("bucket"), 1,
				      "call %d leaves a folder beside the private one", n);
		cr_assert_eq(store_descriptors(), open_before, "call %d leaks a descriptor", n);
		cr_assert_geq(store_swept("bucket"), 0);
		cr_assert_eq(store_entries("bucket/" STORE_PRIVATE), 0, "call %d leaves a file", n);
		store_remove_tree(store_root_fd, "bucket");
		cr_assert_eq(mkdirat(store_root_fd, "bucket", 0700), 0);
		if (!has_failed)
			return n - 1;
	}
}

Test(put, every_fault_of_every_call)
{
	static const int errors[] = {EIO,    ENOSPC, EDQUOT, EROFS, EMFILE,
				     ENFILE, ENOMEM, EACCES, EPERM, EINTR};
	static const struct store_devices none;
	struct store_sys untried = faulty_sys;
	int least = 100;

	untried.unnamed = &none;
	for (int named = 0; named < 3; named++) { /* 2: where a file without a name may be lost */
		faults.has_tmpfile = named != 1;
		put_sys = named == 2 ? &untried : &faulty_sys;
		for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
			int created = with_faults(errors[i], "a/b", "bucket/a/b", false);
			int replaced = with_faults(errors[i], "a/b", "bucket/a/b", true);
			least = created < least ? created : least;
			least = replaced < least ? replaced : least;
		}
	}
	cr_expect_gt(least, 8, "the faults have met every call there is, %d", least);
}

/* ---- Among others ---------------------------------------------------------------------------- */

#define WRITERS 6
#define ROUNDS  60

static atomic_int winners;
static atomic_bool is_over;
static atomic_bool is_coarse;

static void *exclusive_writer(void *arg)
{
	char text[32], key[32];
	for (int round = 0; round < ROUNDS; round++) {
		snprintf(key, sizeof(key), "x/%d", round);
		snprintf(text, sizeof(text), "of %d", *(int *)arg);
		int r = put_text(key, text, PUT_IF_ABSENT);
		must(r == 0 || r == -EEXIST);
		if (r == 0)
			atomic_fetch_add(&winners, 1);
	}
	return NULL;
}

static void *replacing_writer(void *arg)
{
	char text[1001];
	memset(text, 'a' + *(int *)arg, 1000);
	text[1000] = '\0';
	faults.has_tmpfile = *(int *)arg % 2 == 0;
	for (int round = 0; round < ROUNDS; round++)
		must(put_text("y/deep/down", text, PUT_REPLACES) == 0);
	return NULL;
}

/* Each adds one to a number in an object, by reading it and writing it if nobody else has: none is
 * lost. */
static void *counting_writer(void *arg)
{
	char text[32], etag[ETAG_BYTES];
	(void)arg;
	faults.has_coarse_times = atomic_load(&is_coarse);
	for (int done = 0; done < ROUNDS;) {
		struct facts facts;
		int fd = openat(store_root_fd, "bucket/count", O_RDONLY | O_CLOEXEC);
		must(fd >= 0);
		ssize_t n = read(fd, text, sizeof(text) - 1);
		must(n > 0 && facts_of_fd(&faulty_sys, fd, &facts) == 0);
		must(version_read(&faulty_sys, fd, &facts, etag) == 0);
		close(fd);
		text[n] = '\0';
		snprintf(text, sizeof(text), "%d", atoi(text) + 1);

		struct put put;
		must(put_begin(&put, &faulty_sys, store_root_fd, "bucket", "count", false) == 0);
		must(write(put.file_fd, text, strlen(text)) == (ssize_t)strlen(text));
		int r = put_commit(&put, "count",
				   &(struct put_terms){.mode = PUT_IF_PRESENT, .etag = etag}, NULL);
		put_end(&put);
		must(r == 0 || r == -EKEYREJECTED);
		done += r == 0;
	}
	return NULL;
}

/* As a delete does: a folder that has become empty goes. And a server that starts sweeps. */
static void *remover(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over)) {
		unlinkat(store_root_fd, "bucket/y/deep", AT_REMOVEDIR);
		unlinkat(store_root_fd, "bucket/y", AT_REMOVEDIR);
		must(store_swept("bucket") >= 0);
		const char *is = store_contents("bucket/y/deep/down");
		if (is != NULL) {
			must(strlen(is) == 1000);
			for (int i = 1; i < 1000; i++)
				must(is[i] == is[0]);
		}
		if (is != NULL && is[0] % 2 == 0)
			unlinkat(store_root_fd, "bucket/y/deep/down", 0);
	}
	return NULL;
}

static void run_writers(void *(*writer)(void *arg))
{
	pthread_t threads[WRITERS];
	int number[WRITERS];
	for (int i = 0; i < WRITERS; i++) {
		number[i] = i;
		must(pthread_create(&threads[i], NULL, writer, &number[i]) == 0);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

Test(put, one_of_many_exclusive_writers_wins, .timeout = 600)
{
	run_writers(exclusive_writer);
	cr_expect_eq(atomic_load(&winners), ROUNDS);
	cr_expect_eq(store_entries("bucket/x"), ROUNDS);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}

Test(put, no_conditional_write_is_lost, .timeout = 600)
{
	cr_assert_eq(put_text("count", "0", PUT_REPLACES), 0);
	run_writers(counting_writer);
	cr_expect_eq(atoi(store_contents("bucket/count")), WRITERS * ROUNDS);
}

Test(put, no_conditional_write_is_lost_where_times_are_seconds, .timeout = 600)
{
	faults.has_coarse_times = true;
	atomic_store(&is_coarse, true);
	cr_assert_eq(put_text("count", "0", PUT_REPLACES), 0);
	run_writers(counting_writer);
	cr_expect_eq(atoi(store_contents("bucket/count")), WRITERS * ROUNDS);
}

Test(put, writers_among_readers_and_removers, .timeout = 600)
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, remover, NULL), 0);
	run_writers(replacing_writer);
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}

static unsigned refused_locks;

static int counting_flock(int fd, int operation)
{
	int r = faulty_sys.flock(fd, operation);

	refused_locks += r < 0;
	return r;
}

/* Its writer's lock ends with the temporary name, not with the answer, which may wait for a thread:
 * who replaces it next would wait for that, too, and hold a thread meanwhile. */
Test(put, an_object_can_be_replaced_at_once)
{
	const struct put_terms terms = {.mode = PUT_REPLACES};
	struct store_sys sys = faulty_sys;
	struct put put[3];

	sys.flock = counting_flock;

	for (int i = 0; i < 2; i++) {
		faults.has_tmpfile = i == 0;
		for (size_t n = 0; n < ARRAY_LEN(put); n++) {
			cr_assert_eq(put_begin(&put[n], &sys, store_root_fd, "bucket", "a", true),
				     0);
			cr_expect_eq(put_commit(&put[n], "a", &terms, NULL), 0);
		}
		cr_expect_eq(refused_locks, 0, "waited for %u times", refused_locks);
		cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
		for (size_t n = 0; n < ARRAY_LEN(put); n++)
			put_end(&put[n]);
	}
}

/* ---- Sweeping -------------------------------------------------------------------------------- */

Test(put, a_sweep_removes_what_nobody_holds)
{
	struct put put;
	faults.has_tmpfile = false;
	cr_assert_eq(put_begin(&put, &faulty_sys, store_root_fd, "bucket", "key", true), 0);
	static const char *const left[] = {"tmp-0123", "tmp-4567"};
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		close(openat(put.private_fd, left[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(put.private_fd, "other", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));

	cr_expect_eq(store_swept("bucket"), 2);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 2,
		     "the one that is written, and no temporary");
	cr_assert_eq(put_commit(&put, "a", &(struct put_terms){.mode = PUT_REPLACES}, NULL), 0);
	put_end(&put);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 1);
	cr_expect_eq(store_swept("nowhere"), -ENOENT);
	cr_assert_eq(mkdirat(store_root_fd, "fresh", 0700), 0);
	cr_expect_eq(store_swept("fresh"), 0);
}

/* The list of private folders below a bucket is a file, where others may write: no way out. */
Test(put, a_sweep_does_not_leave_the_bucket)
{
	static const char places[] = "../outside\0/\0\0link\0nowhere\0in\0cut sho";
	static const char *const left[] = {"outside/" STORE_PRIVATE, "bucket/in/" STORE_PRIVATE};
	char path[64];

	cr_assert(mkdirat(store_root_fd, "outside", 0700) == 0 &&
		  mkdirat(store_root_fd, "bucket/in", 0700) == 0 &&
		  mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700) == 0 &&
		  symlinkat("../outside", store_root_fd, "bucket/link") == 0);
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		cr_assert_eq(mkdirat(store_root_fd, left[i], 0700), 0);
		snprintf(path, sizeof(path), "%s/tmp-0123", left[i]);
		close(openat(store_root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	int fd = openat(store_root_fd, "bucket/" STORE_PRIVATE "/" STORE_PLACES,
			O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, places, sizeof(places) - 1), sizeof(places) - 1);
	close(fd);
	store_swept("bucket");
	cr_expect_eq(store_entries(left[0]), 1, "outside");
	cr_expect_eq(store_entries(left[1]), 0);
}
