/* SPDX-License-Identifier: Apache-2.0 */
#include "server/root_watch.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/root.h"
#include "store/trial.h"

struct root_watch {
	struct root_watch_plan plan;
	char name[PATH_MAX];
	struct log log;            /* the thread's */
	struct root_mounts mounts; /* constant, as of the start */
	bool counts_links;         /* the same */
	bool has_taken_writes;     /* constant; false: only the buckets do, or nobody asked */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t is_changed;
	/* Under the lock: */
	bool has_thread;
	bool is_looking; /* the thread is at the file system, without the lock */
	bool is_logging; /* it writes a line, without the lock */
	bool is_ending;
	bool is_writing_asked; /* a look of /-/ready tries to write, too */
	uint64_t asked;        /* tickets given */
	uint64_t asked_ms;     /* when the last was */
	uint64_t answered;     /* tickets that the last look answers */
	bool is_bad;
	char why[ERROR_TEXT_MAX]; /* of is_bad */
	bool is_lost[ROOT_MOUNTS_MAX];
	bool is_room_known;
	struct statfs room;
	time_t room_read_at; /* 0: never */
	atomic_uint lost_count;
};

/* ---- A look --------------------------------------------------------------------------------- */

struct look {
	bool is_bad;
	char why[ERROR_TEXT_MAX];
	bool is_lost[ROOT_MOUNTS_MAX];
	unsigned lost_count;
	bool is_room_known;
	struct statfs room;
};

static void look_bad(struct look *look, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void look_bad(struct look *look, const char *format, ...)
{
	va_list args;

	if (look->is_bad) /* the first is the cause of the others */
		return;
	look->is_bad = true;
	va_start(args, format);
	vsnprintf(look->why, sizeof(look->why), format, args);
	va_end(args);
}

static void look_at_name(const struct root_watch *watch, struct look *look)
{
	const struct root_watch_plan *plan = &watch->plan;

	if (root_is_removed(plan->root_fd, watch->counts_links))
		look_bad(look,
			 "root folder %.200s: it was removed; requests are answered with "
			 "503: put it back and restart",
			 watch->name);
	switch (root_check_name(plan->sys, plan->root_fd, watch->name)) {
	case 0:
		break;
	case -ENOENT:
		look_bad(look,
			 "root folder %.200s: it was moved or removed; the server still "
			 "serves the folder that it opened: put it back, or restart",
			 watch->name);
		break;
	default:
		look_bad(look,
			 "root folder %.200s: this is not the folder that was opened at the start; "
			 "it was replaced, mounted over or unmounted: restart to serve it",
			 watch->name);
	}
}

static void look_at_mounts(const struct root_watch *watch, struct look *look)
{
	const struct root_watch_plan *plan = &watch->plan;

	for (unsigned i = 0; i < watch->mounts.count; i++) {
		look->is_lost[i] = root_mount_is_gone(&watch->mounts, i, plan->sys, plan->root_fd);
		look->lost_count += look->is_lost[i];
		if (look->is_lost[i])
			look_bad(look,
				 "bucket %s: its file system is no longer mounted; requests for it "
				 "are answered with 503: mount it again",
				 watch->mounts.mount[i].bucket);
	}
}

/* Want of this process', which says nothing about the root. */
static bool is_own_want(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

static int try_read(const struct root_watch_plan *plan, char error[ERROR_TEXT_MAX])
{
	int r = trial_read(plan->sys, plan->root_fd, error);
	return is_own_want(r) ? 0 : r;
}

/* A full disk serves on: what is there can be read and deleted. */
static int try_write(const struct root_watch_plan *plan, char error[ERROR_TEXT_MAX])
{
	int r = trial_write(plan->sys, plan->root_fd, error);
	return r == -ENOSPC || r == -EDQUOT || is_own_want(r) ? 0 : r;
}

/* Without the lock. */
static void look_at_root(const struct root_watch *watch, bool with_write, struct look *look)
{
	const struct root_watch_plan *plan = &watch->plan;
	char error[ERROR_TEXT_MAX];

	memset(look, 0, sizeof(*look));
	look->is_room_known = plan->statfs(plan->root_fd, &look->room) == 0;
	look_at_name(watch, look);
	look_at_mounts(watch, look);
	if (try_read(plan, error) < 0)
		look_bad(look, "root folder %.200s: %.300s", watch->name, error);
	if (watch->has_taken_writes && with_write && try_write(plan, error) < 0)
		look_bad(look, "root folder %.200s: %.300s", watch->name, error);
}

/* ---- The thread ----------------------------------------------------------------------------- */

static void log_change(struct root_watch *watch, const struct look *look)
{
	if (look->is_bad)
		log_msg(&watch->log, LOG_LEVEL_ERROR, "%s", look->why);
	else
		log_msg(&watch->log, LOG_LEVEL_INFO, "root folder %s: served again", watch->name);
}

/* With the lock. */
static void take_look(struct root_watch *watch, const struct look *look)
{
	watch->is_bad = look->is_bad;
	memcpy(watch->why, look->why, sizeof(look->why));
	memcpy(watch->is_lost, look->is_lost, sizeof(look->is_lost));
	atomic_store(&watch->lost_count, look->lost_count);
	watch->is_room_known = look->is_room_known;
	if (!look->is_room_known)
		return;
	watch->room = look->room;
	watch->room_read_at = time(NULL);
}

/* With the lock, which is not held meanwhile, nor while a change is logged: somebody may be slow to
 * read it. */
static void look_once(struct root_watch *watch)
{
	uint64_t answers = watch->asked, one = 1;
	bool with_write = watch->is_writing_asked;
	struct look look;

	watch->is_looking = true;
	watch->is_writing_asked = false;
	pthread_mutex_unlock(&watch->lock);
	look_at_root(watch, with_write, &look);
	pthread_mutex_lock(&watch->lock);
	watch->is_looking = false;
	pthread_cond_broadcast(&watch->is_changed);
	if (watch->is_ending) /* descriptors and sink may be gone */
		return;
	bool is_changed = look.is_bad != watch->is_bad || strcmp(look.why, watch->why) != 0;
	bool is_awaited = watch->answered != answers;
	take_look(watch, &look);
	watch->answered = answers;
	watch->asked_ms = clock_now_ms(); /* of those that wait for the next */
	if (is_awaited) { /* if it cannot be written, the main thread looks by itself in a moment */
		ssize_t n = write(watch->plan.event_fd, &one, sizeof(one));
		(void)n;
	}
	if (!is_changed)
		return;
	watch->is_logging = true;
	pthread_mutex_unlock(&watch->lock);
	log_change(watch, &look);
	pthread_mutex_lock(&watch->lock);
	watch->is_logging = false;
	pthread_cond_broadcast(&watch->is_changed);
}

/* With the lock. */
static void wait_for_turn(struct root_watch *watch)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ROOT_WATCH_MS / 1000;
	while (!watch->is_ending && watch->answered == watch->asked &&
	       pthread_cond_timedwait(&watch->is_changed, &watch->lock, &until) == 0)
		continue;
}

static void watch_destroy(struct root_watch *watch)
{
	log_fini(&watch->log);
	pthread_cond_destroy(&watch->is_changed);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

static void *thread_main(void *arg)
{
	struct root_watch *watch = arg;

	pthread_mutex_lock(&watch->lock);
	while (!watch->is_ending) {
		wait_for_turn(watch);
		/* Once bad by a write, until a write goes well. */
		watch->is_writing_asked = watch->is_writing_asked || watch->is_bad;
		if (!watch->is_ending)
			look_once(watch);
	}
	bool is_alone = !watch->has_thread; /* root_watch_free did not wait */
	pthread_mutex_unlock(&watch->lock);
	if (is_alone)
		watch_destroy(watch);
	return NULL;
}

struct root_watch *root_watch_new(const struct root_watch_plan *plan)
{
	struct root_watch *watch = calloc(1, sizeof(*watch));
	pthread_condattr_t monotonic;
	char error[ERROR_TEXT_MAX];
	struct look look;

	if (watch == NULL)
		return NULL;
	watch->plan = *plan;
	snprintf(watch->name, sizeof(watch->name), "%s", plan->name);
	log_init(&watch->log, plan->log_sink, plan->log_level, plan->log_format);
	watch->counts_links = root_counts_links(plan->root_fd);
	root_mounts_read(&watch->mounts, plan->sys, plan->root_fd);
	if (watch->mounts.is_cut)
		log_msg(&watch->log, LOG_LEVEL_WARN,
			"root folder %.200s: more than %d buckets are file systems of their own; "
			"of the others "
			"it is not seen when one is unmounted, and they would look empty",
			watch->name, ROOT_MOUNTS_MAX);
	watch->has_taken_writes = plan->writable && try_write(plan, error) == 0;
	look_at_root(watch, false, &look);
	take_look(watch, &look);
	pthread_mutex_init(&watch->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->is_changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return watch;
}

int root_watch_start(struct root_watch *watch)
{
	sigset_t all, before;

	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&watch->thread, NULL, thread_main, watch);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	watch->has_thread = r == 0;
	return -r;
}

void root_watch_free(struct root_watch *watch)
{
	struct timespec until;

	if (watch == NULL)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1; /* a look takes some microseconds, or for ever */
	pthread_mutex_lock(&watch->lock);
	watch->is_ending = true;
	while ((watch->is_looking || watch->is_logging) &&
	       pthread_cond_timedwait(&watch->is_changed, &watch->lock, &until) == 0)
		continue;
	bool has_thread = watch->has_thread, is_stuck = watch->is_looking;
	pthread_t thread = watch->thread;
	watch->has_thread = has_thread && !is_stuck;
	pthread_cond_broadcast(&watch->is_changed);
	if (is_stuck)
		pthread_detach(thread); /* frees the watch, should it ever get its answer */
	pthread_mutex_unlock(&watch->lock);
	if (is_stuck)
		return;
	if (has_thread)
		pthread_join(thread, NULL);
	watch_destroy(watch);
}

/* ---- Questions ------------------------------------------------------------------------------ */

uint64_t root_watch_ask(struct root_watch *watch, uint64_t now_ms)
{
	pthread_mutex_lock(&watch->lock);
	/* One that is being looked at counts for those that came before it began. */
	uint64_t ticket = ++watch->asked;
	if (watch->answered == ticket - 1)
		watch->asked_ms = now_ms;
	watch->is_writing_asked = true;
	pthread_cond_broadcast(&watch->is_changed);
	pthread_mutex_unlock(&watch->lock);
	return ticket;
}

enum root_state root_watch_state(struct root_watch *watch, uint64_t ticket, uint64_t now_ms,
				 char why[ERROR_TEXT_MAX])
{
	enum root_state state = ROOT_PENDING;

	pthread_mutex_lock(&watch->lock);
	if (watch->answered >= ticket) {
		state = watch->is_bad ? ROOT_BAD : ROOT_GOOD;
		memcpy(why, watch->why, sizeof(watch->why));
	} else if (now_ms >= watch->asked_ms + ROOT_ANSWER_MS) {
		state = ROOT_BAD;
		snprintf(why, ERROR_TEXT_MAX,
			 "root folder %.200s: the file system does not respond", watch->name);
	}
	pthread_mutex_unlock(&watch->lock);
	return state;
}

bool root_watch_has_lost(struct root_watch *watch, const char *bucket)
{
	bool has_lost = false;

	if (atomic_load_explicit(&watch->lost_count, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&watch->lock);
	for (unsigned i = 0; i < watch->mounts.count && !has_lost; i++)
		has_lost = watch->is_lost[i] && strcmp(watch->mounts.mount[i].bucket, bucket) == 0;
	pthread_mutex_unlock(&watch->lock);
	return has_lost;
}

/* As statvfs(3): blocks are counted in fragments. */
static uint64_t bytes_of(const struct statfs *fs, uint64_t blocks)
{
	return blocks * (uint64_t)(fs->f_frsize > 0 ? fs->f_frsize : fs->f_bsize);
}

void root_watch_print(struct root_watch *watch, struct metrics_text *text)
{
	pthread_mutex_lock(&watch->lock);
	struct statfs fs = watch->room;
	bool is_known = watch->is_room_known;
	time_t read_at = watch->room_read_at;
	pthread_mutex_unlock(&watch->lock);

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

uint64_t root_watch_lines_lost(const struct root_watch *watch)
{
	return log_lines_lost(&watch->log);
}
