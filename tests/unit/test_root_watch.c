/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the root can be served, the room in it, and what becomes of both when its file system
 * does not answer. */
#include "server/root_watch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "unit/store_fixture.h"

TestSuite(root_watch, .init = store_fixture_make, .fini = store_fixture_remove, .timeout = 600);

static char text[16384];

static void print(struct root_watch *watch)
{
	struct metrics_text out = {.at = text, .size = sizeof(text) - 1};

	root_watch_print(watch, &out);
	int n = metrics_text_end(&out);
	cr_assert_geq(n, 0);
	text[n] = '\0';
}

/* -1: the row is absent. */
static double value_of(const char *name)
{
	char row[128];

	snprintf(row, sizeof(row), "\n%s ", name);
	const char *at = strstr(text, row);
	return at != NULL ? strtod(at + strlen(row), NULL) : -1;
}

/* The file system of the test: its answer, and whether it gives one. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t is_changed;
	struct statfs fs;
	int error;
	unsigned asked;
	bool hangs;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_changed = PTHREAD_COND_INITIALIZER};

static int disk_statfs(int fd, struct statfs *fs)
{
	(void)fd;
	pthread_mutex_lock(&disk.lock);
	disk.asked++;
	pthread_cond_broadcast(&disk.is_changed);
	while (disk.hangs)
		pthread_cond_wait(&disk.is_changed, &disk.lock);
	*fs = disk.fs;
	errno = disk.error;
	pthread_mutex_unlock(&disk.lock);
	return errno == 0 ? 0 : -1;
}

static void wait_until_asked(unsigned times)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.asked < times)
		pthread_cond_wait(&disk.is_changed, &disk.lock);
	pthread_mutex_unlock(&disk.lock);
}

static void answer(bool hangs)
{
	pthread_mutex_lock(&disk.lock);
	disk.hangs = hangs;
	pthread_cond_broadcast(&disk.is_changed);
	pthread_mutex_unlock(&disk.lock);
}

/* ---- The watch ------------------------------------------------------------------------------ */

static char name[PATH_MAX];
static int event_fd;

/* Of the fixture's root, by a file system that answers as disk says, or as it is. */
static struct root_watch *watch_of(int (*statfs)(int fd, struct statfs *fs), bool writable)
{
	static struct log_sink sink;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", store_root_fd);
	ssize_t n = readlink(path, name, sizeof(name) - 1);
	must(n > 0);
	name[n] = '\0';
	event_fd = eventfd(0, EFD_CLOEXEC);
	log_sink_init(&sink, STDERR_FILENO);
	const struct root_watch_plan plan = {.sys = &store_sys_kernel,
					     .statfs = statfs,
					     .root_fd = store_root_fd,
					     .name = name,
					     .writable = writable,
					     .log_sink = &sink,
					     .log_level = LOG_LEVEL_ERROR,
					     .event_fd = event_fd};
	struct root_watch *watch = root_watch_new(&plan);
	must(watch != NULL);
	return watch;
}

/* ---- Is it there? --------------------------------------------------------------------------- */

/* Asks, waits for the answer as the main thread does, and returns it; but the clock stands still:
 * it is never late, however slow the machine. */
static enum root_state ask(struct root_watch *watch, char why[ERROR_TEXT_MAX])
{
	uint64_t now_ms = clock_now_ms(), ticket = root_watch_ask(watch, now_ms), sink;
	enum root_state state;

	while ((state = root_watch_state(watch, ticket, now_ms, why)) == ROOT_PENDING)
		must(read(event_fd, &sink, sizeof(sink)) == sizeof(sink));
	return state;
}

static void is_bad(struct root_watch *watch, const char *word)
{
	char why[ERROR_TEXT_MAX] = "";

	cr_assert_eq(ask(watch, why), ROOT_BAD, "%s", word);
	cr_assert_not_null(strstr(why, word), "no \"%s\" in: %s", word, why);
}

static void is_good(struct root_watch *watch)
{
	char why[ERROR_TEXT_MAX] = "";
	cr_assert_eq(ask(watch, why), ROOT_GOOD, "%s", why);
}

/* Every way in which a root goes, and that it comes back. */
Test(root_watch, goes_and_comes)
{
	char moved[PATH_MAX + 8];

	for (int writable = 0; writable < 2; writable++) {
		struct root_watch *watch = watch_of(fstatfs, writable != 0);
		cr_assert_eq(root_watch_start(watch), 0);
		is_good(watch);
		snprintf(moved, sizeof(moved), "%s.moved", name);
		cr_assert_eq(rename(name, moved), 0);
		is_bad(watch, "moved or removed");
		cr_assert_eq(mkdir(name, 0700), 0);
		is_bad(watch, "not the folder that was opened");
		cr_assert_eq(rmdir(name), 0);
		cr_assert_eq(symlink(moved, name), 0);
		is_good(watch); /* another way to the same folder */
		cr_assert_eq(unlink(name), 0);
		cr_assert_eq(rename(moved, name), 0);
		is_good(watch);
		cr_assert_eq(store_entries("."), 1, "nothing is left");
		root_watch_free(watch);
		close(event_fd);
	}
}

Test(root_watch, removed)
{
	struct root_watch *watch = watch_of(fstatfs, false);

	cr_assert_eq(root_watch_start(watch), 0);
	store_remove_tree(AT_FDCWD, name);
	is_bad(watch, "it was removed");
	cr_assert_eq(mkdir(name, 0700), 0);
	is_bad(watch, "it was removed");
	root_watch_free(watch);
}

/* One that could never be written but in its buckets is not bad for that. */
Test(root_watch, rights)
{
	struct root_watch *watch;
	char why[ERROR_TEXT_MAX] = "";
	int status;

	if (geteuid() != 0)
		cr_skip_test("it takes root to become another user");
	must(fchmod(store_root_fd, 0755) == 0);
	pid_t child = fork();
	must(child >= 0);
	if (child == 0) {
		must(setgid(65534) == 0 && setuid(65534) == 0);
		watch = watch_of(fstatfs, true);
		must(root_watch_start(watch) == 0);
		_exit(ask(watch, why) == ROOT_GOOD ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A file system that does not answer: the question is answered all the same, and nobody waits for
 * the thread at the end. */
Test(root_watch, a_disk_that_hangs)
{
	disk.fs = (struct statfs){.f_bsize = 512, .f_blocks = 10, .f_bavail = 5};
	struct root_watch *watch = watch_of(disk_statfs, false);
	char why[ERROR_TEXT_MAX] = "";

	print(watch);
	double read_at = value_of("sluice_root_read_timestamp_seconds");
	answer(true);
	disk.fs.f_bavail = 1;
	cr_assert_eq(root_watch_start(watch), 0);
	uint64_t now_ms = clock_now_ms(), ticket = root_watch_ask(watch, now_ms);
	wait_until_asked(2);
	cr_assert_eq(root_watch_state(watch, ticket, now_ms + ROOT_ANSWER_MS - 1, why),
		     ROOT_PENDING);
	cr_assert_eq(root_watch_state(watch, ticket, now_ms + ROOT_ANSWER_MS, why), ROOT_BAD);
	cr_assert_not_null(strstr(why, "does not respond"), "%s", why);
	print(watch);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 2560);
	cr_assert_eq(value_of("sluice_root_read_timestamp_seconds"), read_at);
	root_watch_free(watch);
	answer(false); /* its thread frees what is left: seen by the leak check of a sanitized run
			*/
}

/* ---- Room ----------------------------------------------------------------------------------- */

/* As statvfs(3) has it, of a folder whose file system nobody else fills by a quarter meanwhile. */
Test(root_watch, agrees_with_statvfs)
{
	struct statvfs vfs;
	struct root_watch *watch = watch_of(fstatfs, false);

	must(fstatvfs(store_root_fd, &vfs) == 0);
	time_t now = time(NULL);
	print(watch);
	double free_bytes = (double)vfs.f_bavail * (double)vfs.f_frsize;
	cr_assert_eq(value_of("sluice_root_size_bytes"),
		     (double)vfs.f_blocks * (double)vfs.f_frsize);
	cr_assert(value_of("sluice_root_free_bytes") > 0.75 * free_bytes &&
		  value_of("sluice_root_free_bytes") < 1.25 * free_bytes);
	if (vfs.f_files > 0)
		cr_assert_eq(value_of("sluice_root_inodes"), (double)vfs.f_files);
	cr_assert_leq(value_of("sluice_root_read_timestamp_seconds"), (double)now);
	cr_assert_geq(value_of("sluice_root_read_timestamp_seconds"), (double)now - 60);
	root_watch_free(watch);
}

/* Blocks are of f_frsize bytes; a file system that does not tell it has f_bsize (statvfs(3)). */
Test(root_watch, fragments)
{
	disk.fs = (struct statfs){.f_bsize = 1 << 20, .f_frsize = 4096, .f_blocks = 10};
	struct root_watch *watch = watch_of(disk_statfs, false);
	print(watch);
	cr_assert_eq(value_of("sluice_root_size_bytes"), 40960);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 0, "full is a value");
	root_watch_free(watch);
	disk.fs.f_frsize = 0;
	watch = watch_of(disk_statfs, false);
	print(watch);
	cr_assert_eq(value_of("sluice_root_size_bytes"), 10 << 20);
	root_watch_free(watch);
}

/* What is not known is not printed as nothing: btrfs has no inodes to count, and a file system that
 * is gone has no size. */
Test(root_watch, absent_rows)
{
	disk.fs = (struct statfs){.f_bsize = 512, .f_blocks = 10, .f_bavail = 5};
	struct root_watch *watch = watch_of(disk_statfs, false);
	print(watch);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 2560);
	cr_assert_eq(value_of("sluice_root_inodes"), -1);
	cr_assert_eq(value_of("sluice_root_free_inodes"), -1);
	root_watch_free(watch);

	disk.error = ESTALE;
	watch = watch_of(disk_statfs, false);
	print(watch);
	cr_assert_eq(value_of("sluice_root_size_bytes"), -1);
	cr_assert_eq(value_of("sluice_root_free_bytes"), -1);
	cr_assert_eq(value_of("sluice_root_read_timestamp_seconds"), 0);
	root_watch_free(watch);
}

/* Asked again and again: what was hidden for a while is there again. */
Test(root_watch, asks_again)
{
	disk.fs = (struct statfs){.f_bsize = 512, .f_blocks = 10, .f_bavail = 5};
	disk.error = EIO;
	struct root_watch *watch = watch_of(disk_statfs, false);
	disk.error = 0;
	cr_assert_eq(root_watch_start(watch), 0);
	do {
		print(watch);
		poll(NULL, 0, 20);
	} while (value_of("sluice_root_free_bytes") < 0);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 2560);
	cr_assert_gt(value_of("sluice_root_read_timestamp_seconds"), 0);
	root_watch_free(watch);
}
