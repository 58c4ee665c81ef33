/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time and memory of this process and of another. */
#ifndef SLUICE_CLIENT_BENCH_USAGE_H
#define SLUICE_CLIENT_BENCH_USAGE_H

#include <stdbool.h>
#include <stdint.h>

struct bench_usage {
	uint64_t own_cpu_ns; /* all threads, user and system */
	bool has_server;     /* the rest is known */
	uint64_t server_cpu_ns;
	uint64_t server_rss_bytes;
	uint64_t server_peak_bytes;
};

/* server_pid 0: of this process alone. */
void bench_usage_read(struct bench_usage *usage, unsigned server_pid);

#endif
