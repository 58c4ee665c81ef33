/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines in logfmt or JSON, in Go kit's order: ts, level, msg, then fields.
 *
 * A struct log belongs to one thread. With a buffer (log_buffer) lines of level
 * info and debug are kept until log_flush() or until the buffer is full, so that
 * an access log costs one write per turn of the loop; warnings and errors are
 * written at once, after what was kept.
 *
 * What is written ends in a whole line, and into a pipe at most PIPE_BUF bytes go
 * at once unless a single line is longer, so lines of several threads do not mix.
 * A reader that has stopped is waited for once, LOG_STALL_MS; after that lines are
 * lost, not waited for, until it reads again, and then one line tells how many.
 * Lines that a full disk or a broken pipe refuses are lost as well; all that are lost
 * are counted (log_lines_lost). Nothing here fails.
 *
 * Whatever stands in a value, a line is one line, well-formed: quotes, control
 * bytes (C1 too) and invalid UTF-8 are escaped, as \xNN in logfmt and \u00NN in
 * JSON. A value that does not fit into LOG_LINE_BYTES_MAX is cut, between
 * characters, and the fields behind it may be missing.
 *
 * Never give it a secret.
 */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/limits.h"
#include "base/log_sink.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
/* PLAIN: "warning: MESSAGE name=value", for commands whose lines a person reads. */
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON, LOG_FORMAT_PLAIN };

struct log {
	const struct log_sink *sink;
	enum log_level level;
	enum log_format format;
	char *kept; /* NULL: unbuffered */
	size_t kept_bytes;
	size_t kept_bytes_max;
	time_t second; /* of second_text */
	char second_text[24];
	bool is_stalled;     /* the reader was waited for and did not read */
	bool is_torn;        /* the last write ended inside a line */
	uint64_t lost;       /* lines, since the last that was written */
	uint64_t lost_total; /* lines, ever */
	unsigned warnings;   /* lines of level warn and error */
};

/* A line under construction; lives on the stack of its maker. */
struct log_line {
	struct log *log;
	enum log_level level;
	bool wanted; /* false: below the level; every call is then a no-op */
	size_t used;
	char text[LOG_LINE_BYTES_MAX];
};

/* sink is borrowed. */
void log_init(struct log *log, const struct log_sink *sink, enum log_level level,
	      enum log_format format);
/* Lines that did not reach the sink, since log_init. From any thread. */
uint64_t log_lines_lost(const struct log *log);
/* Keep up to bytes_max of info lines between flushes. 0 or -ENOMEM. */
int log_buffer(struct log *log, size_t bytes_max);
void log_flush(struct log *log);
/* Flushes and frees the buffer. */
void log_fini(struct log *log);

/* msg is a short constant; variable parts are fields. */
void log_begin(struct log_line *line, struct log *log, enum log_level level, const char *msg);
/* value need not end in NUL. */
void log_str(struct log_line *line, const char *name, const char *value, size_t len);
/* NULL prints "". */
void log_text(struct log_line *line, const char *name, const char *value);
void log_u64(struct log_line *line, const char *name, uint64_t value);
/* The value is cut to 1,023 bytes. */
void log_fmt(struct log_line *line, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Seconds with microseconds, e.g. duration=0.000183 */
void log_seconds(struct log_line *line, const char *name, uint64_t nanoseconds);
void log_end(struct log_line *line);

/* One line whose only field is msg, formatted, cut to 2,047 bytes. */
void log_msg(struct log *log, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
