/* SPDX-License-Identifier: Apache-2.0 */
/* Removes what writers and clients have left, at the start and each hour, on a thread of its own:
 * the disk may be slow. For the main thread. */
#ifndef SLUICE_SERVER_SWEEPER_H
#define SLUICE_SERVER_SWEEPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "config/config.h"

/* Between two sweeps. */
#define SWEEP_MS (3600 * 1000)

struct sweeper {
	const struct config *config;
	int root_fd;
	struct log log; /* the sweep's thread writes it */
	pthread_t thread;
	bool has_thread;
	uint64_t swept_ms; /* when the last sweep was begun; 0: none was */
	atomic_bool is_sweeping;
	atomic_bool is_ending;
	/* What the last sweep without an error has seen. */
	atomic_uint uploads_open;
	atomic_llong counted_at; /* when it had, seconds since 1970; 0: none was */
};

/* Borrows all of them until sweeper_fini. */
void sweeper_init(struct sweeper *sweeper, const struct config *config,
		  const struct log_sink *log_sink, int root_fd);
/* Begins one, if it is time and none runs. */
void sweeper_step(struct sweeper *sweeper, uint64_t now_ms);
/* Ends the one that runs, at its next bucket. False: it is held by the disk; ask again. */
bool sweeper_end(struct sweeper *sweeper);
/* Waits for the one that runs. */
void sweeper_fini(struct sweeper *sweeper);

#endif
