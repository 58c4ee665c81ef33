/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that end a run: SIGINT, SIGTERM, SIGHUP. The first asks for an orderly end, the second
 * for one at once. They are read where the run looks for them, and interrupt nothing.
 */
#ifndef SLUICE_CLIENT_BENCH_STOP_H
#define SLUICE_CLIENT_BENCH_STOP_H

#include <signal.h>

struct bench_stop {
	int fd; /* a signalfd, readable when one has come; -1: not begun */
	unsigned count;
	const char *name; /* of the last, "SIGINT" */
	sigset_t before;  /* the mask outside of the run */
};

/* From here on they do not end the process. What the caller ignores stays ignored. 0 or a negative
 * errno. */
int bench_stop_begin(struct bench_stop *stop);
/* Takes what has come; returns .count. */
unsigned bench_stop_take(struct bench_stop *stop);
/* They end the process again; one that has come and was not taken does so at once. */
void bench_stop_end(struct bench_stop *stop);

#endif
