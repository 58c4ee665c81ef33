/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds what one client can make the log say. Of lines of one kind and source
 * LOG_LIMIT_LINES are written in LOG_LIMIT_WINDOW_MS; the rest are counted, and when
 * the window has ended one line tells how many there were:
 *
 *   level=warn msg="log lines suppressed" kind="handshake failed" reason=not_tls source=192.0.2.7
 * lines=9980
 *
 * Sources that do not fit into the table share its last entry, so the log is
 * bounded whoever connects. One for each log, of its thread.
 *
 * Not for lines of level debug, which somebody has asked for, nor for the requests
 * of an access log.
 */
#ifndef SLUICE_BASE_LOG_LIMIT_H
#define SLUICE_BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/log.h"

#define LOG_SOURCE_BYTES ADDR_TEXT_MAX

struct log_limit_entry {
	const char *kind;              /* NULL: free */
	const char *reason;            /* may be NULL */
	char source[LOG_SOURCE_BYTES]; /* "": more sources than there is room for */
	uint64_t window_end_ms;
	uint64_t lines; /* in this window */
};

struct log_limit {
	struct log_limit_entry entry[LOG_LIMIT_ENTRIES];
	uint64_t suppressed; /* lines, ever */
};

/* A kind is its message and its reason: static texts, compared by address; reason may be NULL. */
struct log_kind {
	const char *msg;
	const char *reason;
};

/*
 * May this line be written? False: it is counted. source: source_len bytes, an address without its
 * port. *due_ms: when log_limit_tell has something to tell about it, 0: nothing is suppressed yet.
 */
bool log_limit_allows(struct log_limit *limit, struct log_kind kind, const char *source,
		      size_t source_len, uint64_t now_ms, uint64_t *due_ms);
/* Tells what was suppressed in windows that have ended. Returns when to call it again; 0: never. */
uint64_t log_limit_tell(struct log_limit *limit, struct log *log, uint64_t now_ms);
/* The same of all windows, ended or not: before the log ends. */
void log_limit_tell_all(struct log_limit *limit, struct log *log);
/* Lines suppressed, ever. From any thread. */
uint64_t log_limit_suppressed(const struct log_limit *limit);

#endif
