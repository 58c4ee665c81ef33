/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Room that is kept for the end of a line: a closing quote, a brace, the line feed. */
#define TAIL_BYTES 8

void log_init(struct log *log, int fd, enum log_level level, enum log_format format)
{
	*log = (struct log){.fd = fd, .level = level, .format = format};
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

static void write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* lost: a log that cannot be written must not stop the server */
		text += n;
		len -= (size_t)n;
	}
}

void log_flush(struct log *log)
{
	if (log->kept_bytes > 0)
		write_all(log->fd, log->kept, log->kept_bytes);
	log->kept_bytes = 0;
}

void log_fini(struct log *log)
{
	log_flush(log);
	free(log->kept);
	log->kept = NULL;
}

/* ---- Bytes of a line ------------------------------------------------------------------------- */

static void put(struct log_line *line, const char *text, size_t len)
{
	size_t room = sizeof(line->text) - TAIL_BYTES - line->used;
	if (len > room)
		len = room;
	memcpy(line->text + line->used, text, len);
	line->used += len;
}

static void put_char(struct log_line *line, char c)
{
	put(line, &c, 1);
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

/* One byte that may not stand as it is. JSON: \u00NN; logfmt: \xNN. */
static void put_escaped(struct log_line *line, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	switch (c) {
	case '"':
		put(line, "\\\"", 2);
		return;
	case '\\':
		put(line, "\\\\", 2);
		return;
	case '\n':
		put(line, "\\n", 2);
		return;
	case '\r':
		put(line, "\\r", 2);
		return;
	case '\t':
		put(line, "\\t", 2);
		return;
	default:
		break;
	}
	bool is_json = line->log->format == LOG_FORMAT_JSON;
	put(line, is_json ? "\\u00" : "\\x", is_json ? 4 : 2);
	put_char(line, digits[c >> 4]);
	put_char(line, digits[c & 15]);
}

static void put_quoted(struct log_line *line, const char *value, size_t len)
{
	const unsigned char *text = (const unsigned char *)value;

	put_char(line, '"');
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(text + i, len - i);
		if (n == 0 || (n == 1 && (text[i] < 0x20 || text[i] == 0x7f || text[i] == '"' ||
					  text[i] == '\\'))) {
			put_escaped(line, text[i]);
			n = 1;
		} else {
			put(line, value + i, n);
		}
		i += n;
	}
	/* The quote stands even where the line was cut: TAIL_BYTES keeps room for it. */
	line->text[line->used++] = '"';
}

/* logfmt: a value of plain ASCII without spaces, quotes and '=' stands unquoted. */
static bool is_bare(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] == '"' || value[i] == '=' || value[i] == '\\' ||
		    value[i] == 0x7f)
			return false; /* char is signed or not: bytes over 127 are caught either way
				       */
	return len > 0;
}

static bool has_high_bytes(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] >= 0x80)
			return true;
	return false;
}

/* Separator and name; false: no field fits any more. */
static bool begin_field(struct log_line *line, const char *name)
{
	size_t name_len = strlen(name);
	if (!line->wanted || line->used + name_len + 16 > sizeof(line->text) - TAIL_BYTES)
		return false;
	if (line->log->format == LOG_FORMAT_JSON) {
		put(line, ",\"", line->used > 1 ? 2 : 0);
		if (line->used <= 1)
			put_char(line, '"');
		put(line, name, name_len);
		put(line, "\":", 2);
	} else {
		if (line->used > 0)
			put_char(line, ' ');
		put(line, name, name_len);
		put_char(line, '=');
	}
	return true;
}

/* ---- Fields ------------------------------------------------------------------------------------
 */

/* 2026-11-23T14:00:00.123Z; the second's text is made anew once a second only. */
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

void log_begin(struct log_line *line, struct log *log, enum log_level level, const char *msg)
{
	line->log = log;
	line->level = level;
	line->wanted = level >= log->level;
	line->used = 0;
	if (!line->wanted)
		return;
	if (log->format == LOG_FORMAT_JSON)
		put_char(line, '{');
	put_time(line);
	log_text(line, "level", level_names[level]);
	log_text(line, "msg", msg);
}

void log_str(struct log_line *line, const char *name, const char *value, size_t len)
{
	if (!begin_field(line, name))
		return;
	bool is_plain = line->log->format == LOG_FORMAT_LOGFMT && is_bare(value, len) &&
			!has_high_bytes(value, len);
	if (is_plain)
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
	put_char(line, '.');
	uint64_t micros = nanoseconds / 1000 % 1000000;
	size_t n = decimal(text, micros);
	put(line, "000000", 6 - n);
	put(line, text, n);
}

void log_fmt(struct log_line *line, const char *name, const char *format, ...)
{
	char text[1024];
	va_list args;
	if (!line->wanted)
		return;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_str(line, name, text,
		n < 0                      ? 0
		: (size_t)n < sizeof(text) ? (size_t)n
					   : sizeof(text) - 1);
}

void log_end(struct log_line *line)
{
	struct log *log = line->log;
	if (!line->wanted)
		return;
	if (log->format == LOG_FORMAT_JSON)
		line->text[line->used++] = '}';
	line->text[line->used++] = '\n';
	must(line->used <= sizeof(line->text));

	if (log->kept == NULL) {
		write_all(log->fd, line->text, line->used);
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
	char msg[2048];
	va_list args;
	if (level < log->level)
		return;
	va_start(args, format);
	vsnprintf(msg, sizeof(msg), format, args);
	va_end(args);
	struct log_line line;
	log_begin(&line, log, level, msg);
	log_end(&line);
}
