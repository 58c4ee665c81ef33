/* SPDX-License-Identifier: Apache-2.0 */
/* Room in the root's file system, and what becomes of /metrics when that does not answer. */
#include "server/root_meter.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

TestSuite(root_meter, .timeout = 60);

static char text[16384];

static void print(struct root_meter *meter)
{
	struct metrics_text out = {.at = text, .size = sizeof(text) - 1};

	root_meter_print(meter, &out);
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

/* As statvfs(3) has it, of a folder whose file system nobody else fills by a quarter meanwhile. */
Test(root_meter, agrees_with_statvfs)
{
	struct statvfs vfs;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	must(fd >= 0);
	struct root_meter *meter = root_meter_new(fd, fstatfs);
	must(meter != NULL && fstatvfs(fd, &vfs) == 0);
	time_t now = time(NULL);
	print(meter);
	double free_bytes = (double)vfs.f_bavail * (double)vfs.f_frsize;
	cr_assert_eq(value_of("sluice_root_size_bytes"),
		     (double)vfs.f_blocks * (double)vfs.f_frsize);
	cr_assert(value_of("sluice_root_free_bytes") > 0.75 * free_bytes &&
		  value_of("sluice_root_free_bytes") < 1.25 * free_bytes);
	if (vfs.f_files > 0)
		cr_assert_eq(value_of("sluice_root_inodes"), (double)vfs.f_files);
	cr_assert_leq(value_of("sluice_root_read_timestamp_seconds"), (double)now);
	cr_assert_geq(value_of("sluice_root_read_timestamp_seconds"), (double)now - 60);
	root_meter_free(meter);
	close(fd);
}

/* Blocks are of f_frsize bytes; a file system that does not tell it has f_bsize (statvfs(3)). */
Test(root_meter, fragments)
{
	disk.fs = (struct statfs){.f_bsize = 1 << 20, .f_frsize = 4096, .f_blocks = 10};
	struct root_meter *meter = root_meter_new(-1, disk_statfs);
	print(meter);
	cr_assert_eq(value_of("sluice_root_size_bytes"), 40960);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 0, "full is a value");
	root_meter_free(meter);
	disk.fs.f_frsize = 0;
	meter = root_meter_new(-1, disk_statfs);
	print(meter);
	cr_assert_eq(value_of("sluice_root_size_bytes"), 10 << 20);
	root_meter_free(meter);
}

/* What is not known is not printed as nothing: btrfs has no inodes to count, and a file system that
 * is gone has no size. */
Test(root_meter, absent_rows)
{
	disk.fs = (struct statfs){.f_bsize = 512, .f_blocks = 10, .f_bavail = 5};
	struct root_meter *meter = root_meter_new(-1, disk_statfs);
	print(meter);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 2560);
	cr_assert_eq(value_of("sluice_root_inodes"), -1);
	cr_assert_eq(value_of("sluice_root_free_inodes"), -1);
	root_meter_free(meter);

	disk.error = ESTALE;
	meter = root_meter_new(-1, disk_statfs);
	print(meter);
	cr_assert_eq(value_of("sluice_root_size_bytes"), -1);
	cr_assert_eq(value_of("sluice_root_free_bytes"), -1);
	cr_assert_eq(value_of("sluice_root_read_timestamp_seconds"), 0);
	root_meter_free(meter);
}

/* A scrape has the last answer, and when that was; nobody waits, not at the end either. */
Test(root_meter, a_disk_that_hangs)
{
	disk.fs = (struct statfs){.f_bsize = 512, .f_blocks = 10, .f_bavail = 5};
	struct root_meter *meter = root_meter_new(-1, disk_statfs);
	print(meter);
	double read_at = value_of("sluice_root_read_timestamp_seconds");

	answer(true);
	disk.fs.f_bavail = 1;
	cr_assert_eq(root_meter_start(meter), 0);
	wait_until_asked(2);
	print(meter);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 2560);
	cr_assert_eq(value_of("sluice_root_read_timestamp_seconds"), read_at);
	root_meter_free(meter);
	answer(false); /* its thread frees what is left: seen by the leak check of a sanitized run
			*/
}

/* Asked again and again: what was hidden for a while is there again. */
Test(root_meter, asks_again)
{
	disk.fs = (struct statfs){.f_bsize = 512, .f_blocks = 10, .f_bavail = 5};
	disk.error = EIO;
	struct root_meter *meter = root_meter_new(-1, disk_statfs);
	disk.error = 0;
	cr_assert_eq(root_meter_start(meter), 0);
	do {
		print(meter);
		poll(NULL, 0, 20);
	} while (value_of("sluice_root_free_bytes") < 0);
	cr_assert_eq(value_of("sluice_root_free_bytes"), 2560);
	cr_assert_gt(value_of("sluice_root_read_timestamp_seconds"), 0);
	root_meter_free(meter);
}
