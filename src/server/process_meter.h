/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This process as the kernel sees it, by the names that every Prometheus client library has:
 * process_cpu_seconds_total, process_open_fds and so on. What it needs of /proc is opened before
 * the sandbox, which would refuse it, and read again for each scrape. Without /proc those rows are
 * absent.
 */
#ifndef SLUICE_SERVER_PROCESS_METER_H
#define SLUICE_SERVER_PROCESS_METER_H

#include <stdint.h>

#include "base/metrics_text.h"

struct process_meter {
	int stat_fd;       /* /proc/self/stat; -1: none */
	int fds_fd;        /* /proc/self/fd; -1: none */
	uint64_t start_ms; /* since 1970; 0: unknown */
};

/* Never fails: what cannot be opened is not printed. */
void process_meter_init(struct process_meter *meter);
void process_meter_fini(struct process_meter *meter);
void process_meter_print(const struct process_meter *meter, struct metrics_text *text);

#endif
