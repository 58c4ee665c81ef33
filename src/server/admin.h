/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin listener: plain HTTP on the main thread, away from the workers.
 * GET /metrics, /-/healthy, /-/ready; POST /-/reload. Loopback unless the operator says otherwise.
 *
 * A client cannot keep others out: when all places are taken, a new connection gets that of the
 * oldest idle one (no whole request yet, or answered already); when every descriptor of the process
 * is in use, it gets one that is kept for that.
 *
 * What changes something is refused to pages in a browser (server/admin_guard.h). GET changes
 * nothing: whoever reaches the port may read.
 */
#ifndef SLUICE_SERVER_ADMIN_H
#define SLUICE_SERVER_ADMIN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define ADMIN_CONNS_MAX      16
/* From accept to the last byte of the answer. */
#define ADMIN_TIMEOUT_MS     5000
/* Of the text of /metrics: its parts, each at its longest (server/scrape.c). */
#define ADMIN_TEXT_BYTES_MAX (1024 * 1024)

struct admin;

enum admin_outcome { ADMIN_PENDING, ADMIN_DONE, ADMIN_REFUSED };

/* Where answers come from. print_metrics writes Prometheus text, returns its length or an error.
 * What takes time is requested, which gives a ticket, and then asked about until it is no longer
 * pending; why: one sentence, of ADMIN_REFUSED. */
struct admin_source {
	int (*print_metrics)(void *arg, char *out, size_t bytes_max);
	uint64_t (*request_ready)(void *arg);
	enum admin_outcome (*ask_ready)(void *arg, uint64_t ticket, char why[ERROR_TEXT_MAX]);
	uint64_t (*request_reload)(void *arg);
	enum admin_outcome (*ask_reload)(void *arg, uint64_t ticket, char why[ERROR_TEXT_MAX]);
	void *arg;
};

struct admin_usage {
	unsigned conns;   /* of ADMIN_CONNS_MAX */
	uint64_t evicted; /* closed for a new one, since the start */
};

/* sock_fd: listening, taken over; address: --admin-listen, for the guard. NULL: no memory (the
 * socket is closed). */
struct admin *admin_new(int sock_fd, const char *address, const struct admin_source *source);
void admin_free(struct admin *admin);
struct admin_usage admin_usage(const struct admin *admin);

/* Adds what admin waits for to pollfds (at most 1 + ADMIN_CONNS_MAX); returns how many. */
unsigned admin_poll_fill(struct admin *admin, struct pollfd *pollfds, uint64_t now_ms);
/* After poll(): the same array, filled. now_ms: monotonic; ends connections that take too long. */
void admin_poll_done(struct admin *admin, const struct pollfd *pollfds, unsigned count,
		     uint64_t now_ms);

#endif
