/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load generator: N connections of one thread, each with one request at a time, and what came of
 * it. One run a process.
 *
 *   objects (bench_objects.c) -> plan (bench_plan.c) -> lanes (bench_lane.c) on a loop
 * (bench_loop.c)
 *   -> report (bench_report.c)
 */
#ifndef SLUICE_CLIENT_BENCH_H
#define SLUICE_CLIENT_BENCH_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/quantiles.h"
#include "client/session.h"

struct bench_config {
	char target[PATH_MAX];
	char cert_file[PATH_MAX];
	char key_file[PATH_MAX];
	char ca_file[PATH_MAX];
	char server_name[PATH_MAX]; /* "": the target's host */
	unsigned connections;
	unsigned duration_ms;
	uint64_t requests; /* 0: duration_ms counts */
	char mix[PATH_MAX];
	unsigned rate; /* requests a second; 0: as fast as answers come */
	unsigned warmup_ms;
	unsigned timeout_ms; /* of one request, its connection included */
	bool verify;
	bool json;
	unsigned server_pid; /* 0: none */
	enum tls_path tls_path;
};

/* Why a request failed: E(ID, label) */
#define BENCH_ERRORS(E)                                                                            \
	E(CONNECT, "connect")                                                                      \
	E(TLS, "tls")                                                                              \
	E(CLOSED, "closed")                                                                        \
	E(TIMEOUT, "timeout")                                                                      \
	E(STATUS, "status")                                                                        \
	E(LENGTH, "length")                                                                        \
	E(INTEGRITY, "integrity")                                                                  \
	E(MALFORMED, "malformed")                                                                  \
	E(LOCAL, "local")

#define BENCH_ERROR_ENUM(id, label) BENCH_ERROR_##id,
enum bench_error { BENCH_ERRORS(BENCH_ERROR_ENUM) BENCH_ERROR_COUNT };

#define BENCH_STATUS_MAX 600

struct bench_report {
	unsigned objects;
	uint64_t object_bytes;
	bool is_interrupted; /* by a signal, before its end */

	/* Of the whole run, warm-up included. */
	uint64_t begun;
	uint64_t succeeded;
	uint64_t failed;
	uint64_t repeated; /* on a new connection, as the server had closed the kept one */
	uint64_t unsent;   /* due by --rate, and never begun: the server did not keep up */
	uint64_t error[BENCH_ERROR_COUNT];
	uint64_t status[BENCH_STATUS_MAX]; /* of answers that were not as expected */
	char first_error[300];
	enum client_outcome first_outcome;

	/* Of requests that were due behind the warm-up and succeeded; with a rate from when they
	 * were due, else from when they were begun. Nanoseconds. */
	struct quantiles latency;
	struct quantiles handshake; /* from connect to keys; of the whole run */

	/* What passed in the time that was measured. */
	uint64_t window_ns;
	uint64_t window_requests;
	uint64_t window_received; /* body bytes */
	uint64_t window_sent;
	uint64_t client_cpu_ns;
	bool has_server;
	uint64_t server_cpu_ns;
	uint64_t server_rss_bytes; /* at the end */
	uint64_t server_peak_bytes;

	uint64_t connections; /* that were established; by who opens and seals */
	uint64_t rx_kernel;
	uint64_t tx_kernel;
	enum tls_cipher cipher; /* of the last */
	enum tls_group group;

	uint64_t verified;   /* pieces that were compared with an earlier answer or a checksum */
	uint64_t first_seen; /* ... that others were compared with */
	uint64_t unverified; /* ... for which there was no room */
};

/*
 * Runs it. A live line to stderr if that is a terminal. The outcome, with one line in error unless
 * it is CLIENT_OK; *report is filled where has_report. report: on the heap, it is large.
 */
enum client_outcome bench_run(const struct bench_config *config, struct bench_report *report,
			      bool *has_report, char error[ERROR_TEXT_MAX]);

void bench_report_text(FILE *out, const struct bench_config *config,
		       const struct bench_report *report);
/* One object on one line. */
void bench_report_json(FILE *out, const struct bench_config *config,
		       const struct bench_report *report);

#endif
