/* SPDX-License-Identifier: Apache-2.0 */
#include "server/scrubber.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/ioprio.h>

#include "base/clock.h"

#define NICEST 19

/* Of the thread that scrubs. */
static _Thread_local struct scrubber *self;

/* ---- What a scrub asks and tells ------------------------------------------------------------- */

/* A large folder takes long to list, and no server waits for that. */
static ssize_t getdents64_unless_ending(int fd, void *entries, size_t size)
{
	pthread_mutex_lock(&self->lock);
	bool is_ending = self->is_ending;
	pthread_mutex_unlock(&self->lock);
	if (!is_ending)
		return store_sys_kernel.getdents64(fd, entries, size);
	errno = ECANCELED;
	return -1;
}

/* False: it is to end. */
static bool wait_until(void *arg, uint64_t until_ns)
{
	struct scrubber *scrubber = arg;
	const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
				       .tv_nsec = (long)(until_ns % 1000000000)};

	pthread_mutex_lock(&scrubber->lock);
	while (!scrubber->is_ending && clock_now_ns() < until_ns)
		pthread_cond_timedwait(&scrubber->is_woken, &scrubber->lock, &until);
	bool goes_on = !scrubber->is_ending;
	pthread_mutex_unlock(&scrubber->lock);
	return goes_on;
}

static void log_damaged(struct scrubber *scrubber, const struct scrub_finding *finding)
{
	struct log_line line;

	log_begin(&line, &scrubber->log, LOG_LEVEL_ERROR, "scrub: damaged object");
	log_text(&line, "bucket", finding->bucket);
	log_text(&line, "key", finding->object_key);
	if (finding->error < 0) {
		log_text(&line, "error", strerrordesc_np(-finding->error));
	} else {
		log_text(&line, "checksum", finding->checksum);
		log_text(&line, "expected", finding->expected);
		log_text(&line, "read", finding->is);
	}
	log_text(&line, "quarantined", finding->is_quarantined ? "yes" : "no");
	if (finding->quarantine_error < 0)
		log_text(&line, "quarantine_error", strerrordesc_np(-finding->quarantine_error));
	log_end(&line);
}

static void log_other(struct scrubber *scrubber, const struct scrub_finding *finding)
{
	bool is_failed = finding->event == SCRUB_EVENT_FAILED;
	struct log_line line;

	log_begin(&line, &scrubber->log, is_failed ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		  is_failed ? "scrub: cannot check"
			    : "scrub: object is good again, quarantine lifted");
	log_text(&line, "bucket", finding->bucket);
	log_text(&line, "key", finding->object_key);
	if (is_failed)
		log_text(&line, "error", strerrordesc_np(-finding->error));
	log_end(&line);
}

static void tell(void *arg, const struct scrub_finding *finding)
{
	struct scrubber *scrubber = arg;

	if (finding->event != SCRUB_EVENT_DAMAGED) {
		log_other(scrubber, finding);
		return;
	}
	atomic_fetch_add(&scrubber->damaged_now, 1);
	log_damaged(scrubber, finding);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* Of this thread alone. */
static void yield_to_others(struct scrubber *scrubber)
{
	int idle = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0);

	if (setpriority(PRIO_PROCESS, 0, NICEST) < 0 ||
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, idle) < 0)
		log_msg(&scrubber->log, LOG_LEVEL_INFO,
			"scrub: runs with the priority of requests, for setpriority or ioprio_set "
			"is "
			"refused (%s); allow them in the filter around this process "
			"(SystemCallFilter=)",
			strerrordesc_np(errno));
}

static void log_pass(struct scrubber *scrubber, const unsigned long long before[])
{
	const struct scrub *scrub = &scrubber->scrub;
	struct log_line line;

	log_begin(&line, &scrubber->log, LOG_LEVEL_INFO, "scrub: pass complete");
	for (int i = 0; i < SCRUB_RESULT_COUNT; i++)
		log_u64(&line, scrub_result_label((enum scrub_result)i),
			atomic_load(&scrub->objects[i]) - before[i]);
	log_u64(&line, "bytes", atomic_load(&scrub->bytes) - before[SCRUB_RESULT_COUNT]);
	log_end(&line);
}

/* False: it was to end before. */
static bool pass(struct scrubber *scrubber)
{
	struct scrub *scrub = &scrubber->scrub;
	unsigned long long before[SCRUB_RESULT_COUNT + 1];

	for (int i = 0; i < SCRUB_RESULT_COUNT; i++)
		before[i] = atomic_load(&scrub->objects[i]);
	before[SCRUB_RESULT_COUNT] = atomic_load(&scrub->bytes);
	atomic_store(&scrubber->damaged_now, 0);
	if (scrub_root(scrub) == -ECANCELED)
		return false;
	atomic_store(&scrubber->damaged_last, atomic_load(&scrubber->damaged_now));
	atomic_store(&scrubber->passed_at, time(NULL));
	log_pass(scrubber, before);
	return true;
}

static void *thread_main(void *arg)
{
	struct scrubber *scrubber = arg;
	uint64_t begun_ns;

	self = scrubber;
	yield_to_others(scrubber);
	do {
		begun_ns = clock_now_ns();
	} while (pass(scrubber) && wait_until(scrubber, begun_ns + SCRUB_PASS_MS * 1000000ull));
	atomic_store(&scrubber->is_done, true);
	return NULL;
}

void scrubber_init(struct scrubber *scrubber, const struct config *config,
		   const struct log_sink *log_sink, int root_fd)
{
	pthread_condattr_t monotonic;

	*scrubber = (struct scrubber){.config = config,
				      .sys = store_sys_kernel,
				      .scrub = {.sys = &scrubber->sys,
						.root_fd = root_fd,
						.quarantines = config->scrub_quarantine,
						.pace = {.rate_bytes = config->scrub_rate_bytes},
						.wait = wait_until,
						.tell = tell,
						.arg = scrubber}};
	scrubber->sys.getdents64 = getdents64_unless_ending;
	log_init(&scrubber->log, log_sink, config->log_level, config->log_format);
	pthread_mutex_init(&scrubber->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&scrubber->is_woken, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int scrubber_start(struct scrubber *scrubber)
{
	if (scrubber->config->scrub_rate_bytes == 0)
		return 0;
	int r = scrub_init(&scrubber->scrub);
	if (r == 0)
		r = -pthread_create(&scrubber->thread, NULL, thread_main, scrubber);
	scrubber->has_thread = r == 0;
	return r;
}

bool scrubber_end(struct scrubber *scrubber)
{
	pthread_mutex_lock(&scrubber->lock);
	scrubber->is_ending = true;
	pthread_cond_signal(&scrubber->is_woken);
	pthread_mutex_unlock(&scrubber->lock);
	return !scrubber->has_thread || atomic_load(&scrubber->is_done);
}

void scrubber_fini(struct scrubber *scrubber)
{
	if (scrubber->has_thread)
		pthread_join(scrubber->thread, NULL);
	scrubber->has_thread = false;
	scrub_fini(&scrubber->scrub);
	log_fini(&scrubber->log);
	pthread_cond_destroy(&scrubber->is_woken);
	pthread_mutex_destroy(&scrubber->lock);
}

/* ---- Metrics --------------------------------------------------------------------------------- */

void scrubber_print(const struct scrubber *scrubber, struct metrics_text *text)
{
	const struct scrub *scrub = &scrubber->scrub;
	unsigned long long now = atomic_load(&scrubber->damaged_now);
	unsigned long long last = atomic_load(&scrubber->damaged_last);
	char labels[32];

	metrics_text_family(text, "sluice_scrub_objects_total", "counter",
			    "Objects that the scrub (--scrub-rate) has looked at, by result; "
			    "unchecked: they have no checksum, or were written meanwhile.");
	for (int i = 0; i < SCRUB_RESULT_COUNT; i++) {
		snprintf(labels, sizeof(labels), "result=\"%s\"",
			 scrub_result_label((enum scrub_result)i));
		metrics_text_row(text, "sluice_scrub_objects_total", labels,
				 atomic_load(&scrub->objects[i]));
	}
	metrics_text_single(text, "sluice_scrub_bytes_total", "counter",
			    "Bytes of objects that the scrub has read.",
			    atomic_load(&scrub->bytes));
	metrics_text_single(text, "sluice_scrub_damaged_objects", "gauge",
			    "Objects whose bytes have not the checksum that is kept with them: of "
			    "the last whole pass of the scrub, or of the one that runs if it has "
			    "found more.",
			    now > last ? now : last);
	metrics_text_single(text, "sluice_scrub_last_pass_timestamp_seconds", "gauge",
			    "When the scrub last came through all objects, seconds since 1970; 0: "
			    "not since the start.",
			    (uint64_t)atomic_load(&scrubber->passed_at));
}
