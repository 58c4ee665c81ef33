/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics says: the counts of all threads, what is in use of what is bounded, this process,
 * the root's file system, certificates. Main thread; waits for nothing. */
#ifndef SLUICE_SERVER_SCRAPE_H
#define SLUICE_SERVER_SCRAPE_H

#include <stddef.h>
#include <stdint.h>

#include "io/engine.h"

struct admin;
struct process_meter;
struct root_watch;
struct scrubber;
struct server;
struct sweeper;
struct trust_keeper;
struct worker;

/* Lines of all threads, since the start. */
struct log_totals {
	uint64_t lost;
	uint64_t suppressed;
};

struct scrape {
	struct server *server;
	const struct engine *engine;
	const struct worker *worker; /* worker_count of them */
	unsigned worker_count;
	struct log_totals log;
	const struct admin *admin;
	const struct process_meter *process;
	struct root_watch *root;
	const struct sweeper *sweeper;
	const struct scrubber *scrubber;
	const struct trust_keeper *keeper;
};

/* As metrics_print; ADMIN_TEXT_BYTES_MAX is enough. */
int scrape_print(const struct scrape *scrape, char *out, size_t bytes_max);

#endif
