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
#include "store/put.h"

static char root[] = "/tmp/sluice-put-XXXXXX";
static int root_fd;

static void remove_tree(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0)
			remove_tree(fd, entry->d_name);
	}
	closedir(dir);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(root));
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(root_fd >= 0 && mkdirat(root_fd, "bucket", 0700) == 0);
}

static void tear_down(void)
{
	close(root_fd);
	remove_tree(AT_FDCWD, root);
}

TestSuite(put, .init = set_up, .fini = tear_down);

/* ---- A kernel whose Nth call fails ----------------------------------------------------------- */

static _Thread_local int calls, fails_at, fails_with; /* fails_at 0: none */
static _Thread_local bool has_tmpfile = true;

static bool is_failing(void)
{
	if (++calls != fails_at)
		return false;
	errno = fails_with;
	return true;
}

static int faulty_openat2(int dir_fd, const char *path, const struct open_how *how)
{
	if (!has_tmpfile && (how->flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return is_failing() ? -1 : store_sys_kernel.openat2(dir_fd, path, how);
}

static int faulty_mkdirat(int dir_fd, const char *path, mode_t mode)
{
	return is_failing() ? -1 : mkdirat(dir_fd, path, mode);
}

static int faulty_linkat(int old_fd, const char *old_path, int new_fd, const char *new_path,
			 int flags)
{
	return is_failing() ? -1 : linkat(old_fd, old_path, new_fd, new_path, flags);
}

static int faulty_renameat(int old_fd, const char *old_path, int new_fd, const char *new_path)
{
	return is_failing() ? -1 : renameat(old_fd, old_path, new_fd, new_path);
}

static int faulty_unlinkat(int dir_fd, const char *path, int flags)
{
	return is_failing() ? -1 : unlinkat(dir_fd, path, flags);
}

static int faulty_flock(int fd, int operation)
{
	return is_failing() ? -1 : flock(fd, operation);
}

static int faulty_fsync(int fd)
{
	return is_failing() ? -1 : fsync(fd);
}

static const struct store_sys sys = {.openat2 = faulty_openat2,
				     .mkdirat = faulty_mkdirat,
				     .linkat = faulty_linkat,
				     .renameat = faulty_renameat,
				     .unlinkat = faulty_unlinkat,
				     .flock = faulty_flock,
				     .fsync = faulty_fsync};

/* ---- What is there --------------------------------------------------------------------------- */

/* Returns the contents, in a buffer of the thread; NULL: no such file. */
static const char *contents(const char *path)
{
	static _Thread_local char text[4096];
	int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int entries(const char *path)
{
	int count = 0, fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	DIR *dir = fdopendir(fd);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2;
}

static int descriptors(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static int put_text(const char *key, const char *text, enum put_mode mode)
{
	struct put put;
	int r = put_begin(&put, &sys, root_fd, "bucket", true);
	if (r == 0) {
		must(write(put.file_fd, text, strlen(text)) == (ssize_t)strlen(text));
		r = put_commit(&put, key, mode);
	}
	put_end(&put);
	return r;
}

static void expect(const char *path, const char *text)
{
	const char *is = contents(path);
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
	cr_expect_eq(entries("bucket/" STORE_PRIVATE), 0);
}

Test(put, every_way_with_o_tmpfile)
{
	every_way();
}

Test(put, every_way_without_o_tmpfile)
{
	has_tmpfile = false;
	every_way();
}

Test(put, no_bucket)
{
	cr_assert_eq(put_text("a", "x", PUT_REPLACES), 0);
	struct put put;
	cr_expect_eq(put_begin(&put, &sys, root_fd, "nowhere", true), -ENOENT);
	put_end(&put);
	cr_expect_eq(put_begin(&put, &sys, root_fd, "bucket/a", true), -ENOENT, "a file");
	put_end(&put);
	cr_assert_eq(symlinkat("bucket", root_fd, "link"), 0);
	cr_expect_eq(put_begin(&put, &sys, root_fd, "link", true), -ENOENT);
	put_end(&put);
}

/* A symbolic link in the bucket, wherever it leads, is no way in or out. */
Test(put, symbolic_links_are_not_followed)
{
	cr_assert_eq(mkdirat(root_fd, "outside", 0700), 0);
	cr_assert_eq(symlinkat("../outside", root_fd, "bucket/link"), 0);
	cr_expect_eq(put_text("link/x", "x", PUT_REPLACES), -ENOTDIR);
	cr_expect_eq(entries("outside"), 0);
	cr_expect_eq(put_text("link", "x", PUT_REPLACES), 0, "the link itself is replaced");
	cr_expect_eq(entries("outside"), 0);
	expect("bucket/link", "x");
}

Test(put, what_is_not_committed_is_not_there)
{
	for (int named = 0; named < 2; named++) {
		struct put put;
		has_tmpfile = named == 0;
		cr_assert_eq(put_begin(&put, &sys, root_fd, "bucket", true), 0);
		cr_assert_eq(write(put.file_fd, "half", 4), 4);
		put_end(&put);
		cr_expect_eq(entries("bucket"), 1, "the private folder alone");
		cr_expect_eq(entries("bucket/" STORE_PRIVATE), 0);
	}
}

Test(put, private_keys)
{
	cr_expect(store_key_is_private(STORE_PRIVATE));
	cr_expect(store_key_is_private(STORE_PRIVATE "/x"));
	cr_expect_not(store_key_is_private(STORE_PRIVATE "x"));
	cr_expect_not(store_key_is_private("x/" STORE_PRIVATE));
	cr_expect_not(store_key_is_private(".sluic"));
}

/* ---- Faults ---------------------------------------------------------------------------------- */

/* One PUT over "old" with each of its calls failing in turn. Returns how many calls there were. */
static int with_faults(int error, const char *key, const char *path, bool replaces)
{
	int open_before = descriptors(), n;

	for (n = 1;; n++) {
		fails_at = 0;
		if (replaces)
			cr_assert_eq(put_text(key, "old", PUT_REPLACES), 0);
		calls = 0;
		fails_at = n;
		fails_with = error;
		int r = put_text(key, "new", PUT_REPLACES);
		bool has_failed = calls >= n;
		fails_at = 0;
		const char *is = contents(path);
		if (r == 0) /* acknowledged: there, whole */
			cr_assert(is != NULL && strcmp(is, "new") == 0, "call %d", n);
		else if (replaces)
			cr_assert(is != NULL && (strcmp(is, "old") == 0 || strcmp(is, "new") == 0));
		else
			cr_assert(is == NULL || strcmp(is, "new") == 0, "call %d", n);
		cr_assert_eq(descriptors(), open_before, "call %d leaks a descriptor", n);
		cr_assert_geq(store_sweep(&sys, root_fd, "bucket"), 0);
		cr_assert_eq(entries("bucket/" STORE_PRIVATE), 0, "call %d leaves a file", n);
		remove_tree(root_fd, "bucket");
		cr_assert_eq(mkdirat(root_fd, "bucket", 0700), 0);
		if (!has_failed)
			return n - 1;
	}
}

Test(put, every_fault_of_every_call)
{
	static const int errors[] = {EIO,    ENOSPC, EDQUOT, EROFS, EMFILE,
				     ENFILE, ENOMEM, EACCES, EPERM, EINTR};
	int least = 100;

	for (int named = 0; named < 2; named++) {
		has_tmpfile = named == 0;
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
	has_tmpfile = *(int *)arg % 2 == 0;
	for (int round = 0; round < ROUNDS; round++)
		must(put_text("y/deep/down", text, PUT_REPLACES) == 0);
	return NULL;
}

/* As a delete does: a folder that has become empty goes. And a server that starts sweeps. */
static void *remover(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over)) {
		unlinkat(root_fd, "bucket/y/deep", AT_REMOVEDIR);
		unlinkat(root_fd, "bucket/y", AT_REMOVEDIR);
		must(store_sweep(&sys, root_fd, "bucket") >= 0);
		const char *is = contents("bucket/y/deep/down");
		if (is != NULL) {
			must(strlen(is) == 1000);
			for (int i = 1; i < 1000; i++)
				must(is[i] == is[0]);
		}
		if (is != NULL && is[0] % 2 == 0)
			unlinkat(root_fd, "bucket/y/deep/down", 0);
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

Test(put, one_of_many_exclusive_writers_wins, .timeout = 60)
{
	run_writers(exclusive_writer);
	cr_expect_eq(atomic_load(&winners), ROUNDS);
	cr_expect_eq(entries("bucket/x"), ROUNDS);
	cr_expect_eq(entries("bucket/" STORE_PRIVATE), 0);
}

Test(put, writers_among_readers_and_removers, .timeout = 60)
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, remover, NULL), 0);
	run_writers(replacing_writer);
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	cr_expect_eq(entries("bucket/" STORE_PRIVATE), 0);
}

/* ---- Sweeping -------------------------------------------------------------------------------- */

Test(put, a_sweep_removes_what_nobody_holds)
{
	struct put put;
	has_tmpfile = false;
	cr_assert_eq(put_begin(&put, &sys, root_fd, "bucket", true), 0);
	static const char *const left[] = {"tmp-0123", "tmp-4567"};
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		close(openat(put.private_fd, left[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(put.private_fd, "other", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));

	cr_expect_eq(store_sweep(&sys, root_fd, "bucket"), 2);
	cr_expect_eq(entries("bucket/" STORE_PRIVATE), 2,
		     "the one that is written, and no temporary");
	cr_assert_eq(put_commit(&put, "a", PUT_REPLACES), 0);
	put_end(&put);
	cr_expect_eq(entries("bucket/" STORE_PRIVATE), 1);
	cr_expect_eq(store_sweep(&sys, root_fd, "nowhere"), -ENOENT);
	cr_assert_eq(mkdirat(root_fd, "fresh", 0700), 0);
	cr_expect_eq(store_sweep(&sys, root_fd, "fresh"), 0);
}
