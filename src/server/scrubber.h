/* SPDX-License-Identifier: Apache-2.0 */
/* The scrub of a server (--scrub-rate): through all buckets again and again, on a thread of its own
 * that disk and processor serve last. For the main thread. */
#ifndef SLUICE_SERVER_SCRUBBER_H
#define SLUICE_SERVER_SCRUBBER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/log.h"
#include "base/metrics_text.h"
#include "config/config.h"
#include "store/scrub.h"

/* From the begin of a pass to that of the next, at least: a small root is not read without end. */
#define SCRUB_PASS_MS (3600 * 1000)

struct scrubber {
	const struct config *config;
	struct log log; /* the thread writes it */
	struct store_sys sys;
	struct scrub scrub;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t is_woken;
	bool is_ending;      /* under the lock */
	atomic_bool is_done; /* the thread is at its end */
	/* Damaged objects of the pass that runs, and of the last that was whole. */
	atomic_ullong damaged_now;
	atomic_ullong damaged_last;
	atomic_llong passed_at; /* when that ended, seconds since 1970; 0: none has */
};

/* Borrows all of them until scrubber_fini. */
void scrubber_init(struct scrubber *scrubber, const struct config *config,
		   const struct log_sink *log_sink, int root_fd);
/* Begins, if the configuration wants it. 0 or a negative errno. */
int scrubber_start(struct scrubber *scrubber);
/* Ends it, at its next call for the disk. False: it is held by the disk; ask again. */
bool scrubber_end(struct scrubber *scrubber);
/* Waits for its thread. */
void scrubber_fini(struct scrubber *scrubber);

void scrubber_print(const struct scrubber *scrubber, struct metrics_text *text);

#endif
