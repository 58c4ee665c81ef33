/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines in logfmt or JSON, in Go kit's order: ts, level, msg, then fields.
 *
 * A struct log belongs to one thread. With a buffer (log_buffer) lines of level
 * info and debug are kept until log_flush() or until the buffer is full, so that
 * an access log costs one write per turn of the loop; warnings and errors are
 * written at once, after what was kept. Every line is one write(2), so lines of
 * several threads never mix. A full or broken stderr loses lines, never blocks
 * a decision: write errors are ignored.
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

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log {
	int fd;
	enum log_level level;
	enum log_format format;
	char *kept; /* NULL: unbuffered */
	size_t kept_bytes;
	size_t kept_bytes_max;
	time_t second; /* of second_text */
	char second_text[24];
};

/* A line under construction; lives on the stack of its maker. */
struct log_line {
	struct log *log;
	enum log_level level;
	bool wanted; /* false: below the level; every call is then a no-op */
	size_t used;
	char text[LOG_LINE_BYTES_MAX];
};

/* fd is borrowed. */
void log_init(struct log *log, int fd, enum log_level level, enum log_format format);
/* Keep up to bytes_max of info lines between flushes. 0 or -ENOMEM. */
int log_buffer(struct log *log, size_t bytes_max);
void log_flush(struct log *log);
/* Flushes and frees the buffer. */
void log_fini(struct log *log);

/* msg is a short constant; variable parts are fields. */
void log_begin(struct log_line *line, struct log *log, enum log_level level, const char *msg);
/* value need not end in NUL; quotes, control bytes, invalid UTF-8 are escaped. NULL prints "". */
void log_str(struct log_line *line, const char *name, const char *value, size_t len);
void log_text(struct log_line *line, const char *name, const char *value);
void log_u64(struct log_line *line, const char *name, uint64_t value);
void log_fmt(struct log_line *line, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Seconds with microseconds, e.g. duration=0.000183 */
void log_seconds(struct log_line *line, const char *name, uint64_t nanoseconds);
void log_end(struct log_line *line);

/* One line whose only field is msg, formatted. */
void log_msg(struct log *log, enum log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
