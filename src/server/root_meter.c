/* SPDX-License-Identifier: Apache-2.0 */
#include "server/root_meter.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct root_meter {
	int root_fd;
	int (*statfs)(int fd, struct statfs *fs);
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t is_changed;
	bool has_thread;
	bool is_asking; /* the thread is in statfs, without the lock */
	bool is_ending;
	bool is_known; /* fs is valid */
	struct statfs fs;
	time_t read_at; /* when it came; 0: never */
};

static void meter_destroy(struct root_meter *meter)
{
	pthread_cond_destroy(&meter->is_changed);
	pthread_mutex_destroy(&meter->lock);
	free(meter);
}

/* With the lock, which is not held while the file system is asked. */
static void ask(struct root_meter *meter)
{
	struct statfs fs;

	meter->is_asking = true;
	pthread_mutex_unlock(&meter->lock);
	int r = meter->statfs(meter->root_fd, &fs);
	pthread_mutex_lock(&meter->lock);
	meter->is_asking = false;
	meter->is_known = r == 0;
	if (r < 0)
		return;
	meter->fs = fs;
	meter->read_at = time(NULL);
}

static void wait_for_turn(struct root_meter *meter)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ROOT_METER_MS / 1000;
	while (!meter->is_ending &&
	       pthread_cond_timedwait(&meter->is_changed, &meter->lock, &until) == 0)
		continue;
}

static void *thread_main(void *arg)
{
	struct root_meter *meter = arg;

	pthread_mutex_lock(&meter->lock);
	while (!meter->is_ending) {
		wait_for_turn(meter);
		if (!meter->is_ending)
			ask(meter);
	}
	bool is_alone = !meter->has_thread; /* root_meter_free did not wait */
	pthread_mutex_unlock(&meter->lock);
	if (is_alone)
		meter_destroy(meter);
	return NULL;
}

struct root_meter *root_meter_new(int root_fd, int (*statfs)(int fd, struct statfs *fs))
{
	struct root_meter *meter = calloc(1, sizeof(*meter));
	pthread_condattr_t monotonic;

	if (meter == NULL)
		return NULL;
	meter->root_fd = root_fd;
	meter->statfs = statfs;
	pthread_mutex_init(&meter->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&meter->is_changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_lock(&meter->lock);
	ask(meter);
	pthread_mutex_unlock(&meter->lock);
	return meter;
}

int root_meter_start(struct root_meter *meter)
{
	sigset_t all, before;

	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&meter->thread, NULL, thread_main, meter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	meter->has_thread = r == 0;
	return -r;
}

void root_meter_free(struct root_meter *meter)
{
	if (meter == NULL)
		return;
	pthread_mutex_lock(&meter->lock);
	bool has_thread = meter->has_thread, is_stuck = meter->is_asking;
	pthread_t thread = meter->thread;
	meter->is_ending = true;
	meter->has_thread = has_thread && !is_stuck;
	pthread_cond_signal(&meter->is_changed);
	if (is_stuck)
		pthread_detach(thread); /* frees the meter, should it ever get its answer */
	pthread_mutex_unlock(&meter->lock);
	if (is_stuck)
		return;
	if (has_thread)
		pthread_join(thread, NULL);
	meter_destroy(meter);
}

/* As statvfs(3): blocks are counted in fragments. */
static uint64_t bytes_of(const struct statfs *fs, uint64_t blocks)
{
	return blocks * (uint64_t)(fs->f_frsize > 0 ? fs->f_frsize : fs->f_bsize);
}

void root_meter_print(struct root_meter *meter, struct metrics_text *text)
{
	pthread_mutex_lock(&meter->lock);
	struct statfs fs = meter->fs;
	bool is_known = meter->is_known;
	time_t read_at = meter->read_at;
	pthread_mutex_unlock(&meter->lock);

	if (is_known && fs.f_blocks > 0) {
		metrics_text_single(text, "sluice_root_size_bytes", "gauge",
				    "Size of the file system of --root.",
				    bytes_of(&fs, fs.f_blocks));
		metrics_text_single(text, "sluice_root_free_bytes", "gauge",
				    "Free space of the file system of --root, for users other "
				    "than root.",
				    bytes_of(&fs, fs.f_bavail));
	}
	if (is_known && fs.f_files > 0) {
		metrics_text_single(text, "sluice_root_inodes", "gauge",
				    "Inodes of the file system of --root.", fs.f_files);
		metrics_text_single(text, "sluice_root_free_inodes", "gauge",
				    "Free inodes of the file system of --root.", fs.f_ffree);
	}
	metrics_text_single(text, "sluice_root_read_timestamp_seconds", "gauge",
			    "When the file system of --root last told its free space, seconds "
			    "since 1970.",
			    (uint64_t)read_at);
}
