/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/must.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Room that is kept for the end of a line: a closing quote, a brace, the line feed. */
#define TAIL_BYTES          8
/* A field begins only where a whole number fits: 20 digits, a point, 6 digits. */
#define NUMBER_BYTES_MAX    27
/* Separator, two quotes and a colon around a name. */
#define NAME_MARKS_BYTES    4
#define FORMATTED_BYTES_MAX 1024
#define MESSAGE_BYTES_MAX   2048

/* ---- A line's end ------------------------------------------------------------------------- */

static void line_end(struct log_line *line)
{
	if (line->log->format == LOG_FORMAT_JSON)
		line->text[line->used++] = '}';
	line->text[line->used++] = '\n';
	must(line->used <= sizeof(line->text));
}

/* After lines were lost: true when that could be told. */
static bool tell_lost(struct log *log)
{
	struct log_line line;

	log_begin(&line, log, LOG_LEVEL_WARN, "log lines were lost: nobody read them");
	log_u64(&line, "lines", log->lost);
	if (!line.wanted)
		return true;
	line_end(&line);
	return log_sink_write(log, line.text, line.used) == line.used;
}

static void count_lost(struct log *log, const char *text, size_t len)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	log->lost += lines;
	__atomic_store_n(&log->lost_total, log->lost_total + lines, __ATOMIC_RELAXED);
}

/* text ends in a line feed. */
static void deliver(struct log *log, const char *text, size_t len)
{
	size_t written = 0;

	if (log->lost == 0 || tell_lost(log)) {
		log->lost = 0;
		written = log_sink_write(log, text, len);
	}
	count_lost(log, text + written, len - written);
}

uint64_t log_lines_lost(const struct log *log)
{
	return __atomic_load_n(&log->lost_total, __ATOMIC_RELAXED);
}

void log_init(struct log *log, const struct log_sink *sink, enum log_level level,
	      enum log_format format)
{
	*log = (struct log){.sink = sink, .level = level, .format = format};
}

int log_buffer(struct log *log, size_t bytes_max)
{
	must(log->kept == NULL && bytes_max >= LOG_LINE_BYTES_MAX);
	log->kept = malloc(bytes_max);
	if (log->kept == NULL)
		return -ENOMEM;
	log->kept_bytes_max = bytes_max;
	return 0;
}

void log_flush(struct log *log)
{
	if (log->kept_bytes > 0)
		deliver(log, log->kept, log->kept_bytes);
	log->kept_bytes = 0;
}

void log_fini(struct log *log)
{
	log_flush(log);
	free(log->kept);
	log->kept = NULL;
}

/* ---- Bytes of a line ---------------------------------------------------------------------- */

/* How a byte may stand: bare in logfmt; as it is inside quotes. The others are escaped, or are
 * part of UTF-8. */
enum { BARE = 1, QUOTED = 2 };
static const unsigned char standing[256] = {
	[' '] = QUOTED, ['!'] = BARE | QUOTED,         ['#' ... '<'] = BARE | QUOTED,
	['='] = QUOTED, ['>' ... '['] = BARE | QUOTED, [']' ... '~'] = BARE | QUOTED,
};

static size_t room(const struct log_line *line)
{
	/* The closing quote of a value that was cut stands in the tail. */
	size_t end = sizeof(line->text) - TAIL_BYTES;
	return line->used < end ? end - line->used : 0;
}

/* Cuts what does not fit; for bytes that may be cut anywhere. */
static void put(struct log_line *line, const char *text, size_t len)
{
	if (len > room(line))
		len = room(line);
	memcpy(line->text + line->used, text, len);
	line->used += len;
}

/* All or nothing. */
static bool put_whole(struct log_line *line, const char *text, size_t len)
{
	if (len > room(line))
		return false;
	put(line, text, len);
	return true;
}

/* Length of a whole, shortest-form UTF-8 sequence at the start of text; 0: there is none. */
static size_t utf8_len(const unsigned char *text, size_t len)
{
	unsigned char c = text[0];
	size_t need = c < 0x80                ? 1
		      : c >= 0xc2 && c < 0xe0 ? 2
		      : c >= 0xe0 && c < 0xf0 ? 3
		      : c >= 0xf0 && c < 0xf5 ? 4
					      : 0;
	if (need == 0 || need > len)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] >= 0xa0) ||
	    (c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] >= 0x90))
		return 0;
	return need;
}

/* One byte that may not stand as it is. false: it does not fit. */
static bool put_escaped(struct log_line *line, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = "\\";
	size_t n = 2;

	switch (c) {
	case '"':
	case '\\':
		text[1] = (char)c;
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\t':
		text[1] = 't';
		break;
	default:
		n = line->log->format == LOG_FORMAT_JSON ? 4 : 2;
		memcpy(text + 1, n == 4 ? "u00" : "x", n - 1);
		text[n++] = digits[c >> 4];
		text[n++] = digits[c & 15];
	}
	return put_whole(line, text, n);
}

/* The character at text[i], escaped where needed; returns its length, 0 when it does not fit. */
static size_t put_character(struct log_line *line, const unsigned char *text, size_t len)
{
	size_t n = utf8_len(text, len);
	/* C1 control characters, U+0080 to U+009F: some terminals obey them. */
	bool is_c1 = n == 2 && text[0] == 0xc2 && text[1] < 0xa0;

	if (n >= 2 && !is_c1)
		return put_whole(line, (const char *)text, n) ? n : 0;
	if (is_c1 && line->log->format == LOG_FORMAT_JSON)
		return put_escaped(line, text[1]) ? 2 : 0;
	return put_escaped(line, text[0]) ? 1 : 0;
}

/* As many as fit, escaped where they must be. */
static void put_characters(struct log_line *line, const char *value, size_t len)
{
	const unsigned char *text = (const unsigned char *)value;

	for (size_t i = 0; i < len;) {
		size_t run = 0;
		while (i + run < len && (standing[text[i + run]] & QUOTED) != 0)
			run++;
		put(line, value + i, run);
		i += run;
		if (i == len)
			break;
		size_t n = put_character(line, text + i, len - i);
		if (n == 0)
			break;
		i += n;
	}
}

static void put_quoted(struct log_line *line, const char *value, size_t len)
{
	put(line, "\"", 1);
	put_characters(line, value, len);
	/* The quote stands even where the value was cut: TAIL_BYTES keeps room for it. */
	line->text[line->used++] = '"';
}

/* Does it stand in logfmt without quotes? */
static bool is_bare(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((standing[(unsigned char)value[i]] & BARE) == 0)
			return false;
	return len > 0;
}

/* Separator and name; false: no field fits any more. */
static bool begin_field(struct log_line *line, const char *name)
{
	if (!line->wanted)
		return false;
	size_t name_len = strlen(name);
	bool is_json = line->log->format == LOG_FORMAT_JSON;
	if (room(line) < name_len + NAME_MARKS_BYTES + NUMBER_BYTES_MAX)
		return false;
	if (is_json)
		put(line, line->used == 0 ? "{\"" : ",\"", 2);
	else if (line->used > 0)
		put(line, " ", 1);
	put(line, name, name_len);
	put(line, is_json ? "\":" : "=", is_json ? 2 : 1);
	return true;
}

/* ---- Fields ------------------------------------------------------------------------------- */

/* 2026-11-23T14:00:00.123Z. The text of the second is made once a second only, and the coarse
 * clock is read: a tick (1 to 10 ms) is near enough and it is no system call anywhere. */
static void put_time(struct log_line *line)
{
	struct log *log = line->log;
	struct timespec now;
	char text[32];

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec != log->second || log->second_text[0] == '\0') {
		struct tm tm;
		gmtime_r(&now.tv_sec, &tm);
		strftime(log->second_text, sizeof(log->second_text), "%Y-%m-%dT%H:%M:%S", &tm);
		log->second = now.tv_sec;
	}
	unsigned ms = (unsigned)(now.tv_nsec / 1000000);
	size_t n = strlen(log->second_text);
	memcpy(text, log->second_text, n);
	text[n++] = '.';
	text[n++] = (char)('0' + ms / 100);
	text[n++] = (char)('0' + ms / 10 % 10);
	text[n++] = (char)('0' + ms % 10);
	text[n++] = 'Z';
	log_str(line, "ts", text, n);
}

/* "warning: MESSAGE": for a person, who knows the time. */
static void begin_plain(struct log_line *line, const char *msg)
{
	static const char *const prefixes[] = {"", "", "warning: ", "error: "};
	const char *prefix = prefixes[line->level];

	put(line, prefix, strlen(prefix));
	put_characters(line, msg, strlen(msg));
}

void log_begin(struct log_line *line, struct log *log, enum log_level level, const char *msg)
{
	line->log = log;
	line->level = level;
	line->wanted = level >= log->level;
	line->used = 0;
	if (!line->wanted)
		return;
	if (log->format == LOG_FORMAT_PLAIN) {
		begin_plain(line, msg);
		return;
	}
	put_time(line);
	log_text(line, "level", level_names[level]);
	log_text(line, "msg", msg);
}

void log_str(struct log_line *line, const char *name, const char *value, size_t len)
{
	if (!begin_field(line, name))
		return;
	if (line->log->format != LOG_FORMAT_JSON && is_bare(value, len))
		put(line, value, len);
	else
		put_quoted(line, value, len);
}

void log_text(struct log_line *line, const char *name, const char *value)
{
	log_str(line, name, value != NULL ? value : "", value != NULL ? strlen(value) : 0);
}

static size_t decimal(char out[20], uint64_t value)
{
	char reversed[20];
	size_t n = 0;
	do {
		reversed[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (size_t i = 0; i < n; i++)
		out[i] = reversed[n - 1 - i];
	return n;
}

void log_u64(struct log_line *line, const char *name, uint64_t value)
{
	char text[20];
	if (begin_field(line, name))
		put(line, text, decimal(text, value));
}

void log_seconds(struct log_line *line, const char *name, uint64_t nanoseconds)
{
	char text[20];
	if (!begin_field(line, name))
		return;
	put(line, text, decimal(text, nanoseconds / 1000000000));
	put(line, ".", 1);
	size_t n = decimal(text, nanoseconds / 1000 % 1000000);
	put(line, "000000", 6 - n);
	put(line, text, n);
}

void log_fmt(struct log_line *line, const char *name, const char *format, ...)
{
	char text[FORMATTED_BYTES_MAX];
	va_list args;
	if (!line->wanted)
		return;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_text(line, name, n < 0 ? "" : text);
}

void log_end(struct log_line *line)
{
	struct log *log = line->log;
	if (!line->wanted)
		return;
	line_end(line);
	log->warnings += line->level >= LOG_LEVEL_WARN;
	if (log->kept == NULL) {
		deliver(log, line->text, line->used);
		return;
	}
	if (line->used > log->kept_bytes_max - log->kept_bytes)
		log_flush(log);
	memcpy(log->kept + log->kept_bytes, line->text, line->used);
	log->kept_bytes += line->used;
	if (line->level >= LOG_LEVEL_WARN)
		log_flush(log);
}

void log_msg(struct log *log, enum log_level level, const char *format, ...)
{
	char msg[MESSAGE_BYTES_MAX];
	struct log_line line;
	va_list args;

	if (level < log->level)
		return;
	va_start(args, format);
	int n = vsnprintf(msg, sizeof(msg), format, args);
	va_end(args);
	log_begin(&line, log, level, n < 0 ? format : msg);
	log_end(&line);
}
