/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines as their readers see them: bytes of a file, a pipe or a socket. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "base/must.h"
#include "support/guard.h"

TestSuite(log, .timeout = 600);

/* ts= and its value: 27 bytes, always the same. */
#define TS_BYTES 27

/* A log into memory, and what came out. */
struct sink {
	struct log log;
	struct log_sink to;
	char text[4 * LOG_LINE_BYTES_MAX];
};

static void sink_init(struct sink *sink, enum log_level level, enum log_format format)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	log_sink_init(&sink->to, fd);
	log_init(&sink->log, &sink->to, level, format);
}

static const char *sink_read(struct sink *sink)
{
	ssize_t n = pread(sink->to.fd, sink->text, sizeof(sink->text) - 1, 0);

	cr_assert_geq(n, 0);
	sink->text[n] = '\0';
	return sink->text;
}

static void sink_fini(struct sink *sink)
{
	int fd = sink->to.fd;

	log_fini(&sink->log);
	close(fd);
}

/* ---- Values ------------------------------------------------------------------------------- */

struct value_row {
	const char *value;
	size_t len;
	const char *logfmt, *json;
};

#define VALUE(text) (text), sizeof(text) - 1

static const struct value_row values[] = {
	{VALUE("GET"), "GET", "\"GET\""},
	{VALUE(""), "\"\"", "\"\""},
	{VALUE("/a/b?c:d;[e]{f}"), "/a/b?c:d;[e]{f}", "\"/a/b?c:d;[e]{f}\""},
	{VALUE("two words"), "\"two words\"", "\"two words\""},
	{VALUE("a=b"), "\"a=b\"", "\"a=b\""},
	{VALUE("~!#<>[]"), "~!#<>[]", "\"~!#<>[]\""},
	{VALUE("say \"no\""), "\"say \\\"no\\\"\"", "\"say \\\"no\\\"\""},
	{VALUE("back\\slash"), "\"back\\\\slash\"", "\"back\\\\slash\""},
	{VALUE("a\nlevel=error"), "\"a\\nlevel=error\"", "\"a\\nlevel=error\""},
	{VALUE("\r\t"), "\"\\r\\t\"", "\"\\r\\t\""},
	{VALUE("\0"), "\"\\x00\"", "\"\\u0000\""},
	{VALUE("a\0b"), "\"a\\x00b\"", "\"a\\u0000b\""},
	{VALUE("\033[2J"), "\"\\x1b[2J\"", "\"\\u001b[2J\""},
	{VALUE("\x7f"), "\"\\x7f\"", "\"\\u007f\""},
	{VALUE("M\xc3\xbcller"), "\"M\xc3\xbcller\"", "\"M\xc3\xbcller\""},
	{VALUE("\xe2\x82\xac"), "\"\xe2\x82\xac\"", "\"\xe2\x82\xac\""},
	{VALUE("\xf0\x9f\x94\x92"), "\"\xf0\x9f\x94\x92\"", "\"\xf0\x9f\x94\x92\""},
	/* CSI in one character of C1, which some terminals obey */
	{VALUE("\xc2\x9b"
	       "2J"),
	 "\"\\xc2\\x9b2J\"", "\"\\u009b2J\""},
	{VALUE("\xc2\xa0"), "\"\xc2\xa0\"", "\"\xc2\xa0\""},
	/* not UTF-8: alone, cut short, too long a form, a surrogate, past the last */
	{VALUE("\xff"), "\"\\xff\"", "\"\\u00ff\""},
	{VALUE("\x80"), "\"\\x80\"", "\"\\u0080\""},
	{VALUE("a\xc3"), "\"a\\xc3\"", "\"a\\u00c3\""},
	{VALUE("\xe2\x82"), "\"\\xe2\\x82\"", "\"\\u00e2\\u0082\""},
	{VALUE("\xc0\xaf"), "\"\\xc0\\xaf\"", "\"\\u00c0\\u00af\""},
	{VALUE("\xe0\x80\xaf"), "\"\\xe0\\x80\\xaf\"", "\"\\u00e0\\u0080\\u00af\""},
	{VALUE("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"", "\"\\u00ed\\u00a0\\u0080\""},
	{VALUE("\xf4\x90\x80\x80"), "\"\\xf4\\x90\\x80\\x80\"", "\"\\u00f4\\u0090\\u0080\\u0080\""},
	{VALUE("\xc3("), "\"\\xc3(\"", "\"\\u00c3(\""},
};

static void check_value(const struct value_row *row, enum log_format format)
{
	bool is_json = format == LOG_FORMAT_JSON;
	struct sink *sink = malloc(sizeof(*sink));
	struct guard guard;
	struct log_line line;
	char expected[256];

	/* No NUL behind it: a read past its end is a SIGSEGV. */
	guard_init(&guard, row->len);
	const char *value = guard_before(&guard, row->value, row->len);
	sink_init(sink, LOG_LEVEL_INFO, format);
	log_begin(&line, &sink->log, LOG_LEVEL_INFO, "m");
	log_str(&line, "k", value, row->len);
	log_end(&line);

	if (is_json)
		snprintf(expected, sizeof(expected),
			 ",\"level\":\"info\",\"msg\":\"m\",\"k\":%s}\n", row->json);
	else
		snprintf(expected, sizeof(expected), " level=info msg=m k=%s\n", row->logfmt);
	size_t ts_bytes = is_json ? strlen("{\"ts\":\"\"") + 24 : TS_BYTES;
	cr_assert_str_eq(sink_read(sink) + ts_bytes, expected);
	guard_fini(&guard);
	sink_fini(sink);
	free(sink);
}

Test(log, values)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		check_value(&values[i], LOG_FORMAT_LOGFMT);
		check_value(&values[i], LOG_FORMAT_JSON);
	}
}

Test(log, numbers)
{
	static struct sink sink;
	struct log_line line;

	sink_init(&sink, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_begin(&line, &sink.log, LOG_LEVEL_INFO, "m");
	log_u64(&line, "zero", 0);
	log_u64(&line, "ten", 10);
	log_u64(&line, "most", UINT64_MAX);
	log_seconds(&line, "a", 183000);
	log_seconds(&line, "b", 999);
	log_seconds(&line, "c", 12034056789999);
	log_fmt(&line, "f", "%d of %s", 3, "four");
	log_text(&line, "null", NULL);
	log_end(&line);
	cr_assert_str_eq(sink_read(&sink) + TS_BYTES,
			 " level=info msg=m zero=0 ten=10 most=18446744073709551615 a=0.000183 "
			 "b=0.000000 c=12034.056789 f=\"3 of four\" null=\"\"\n");
	sink_fini(&sink);
}

Test(log, time_is_utc_with_milliseconds)
{
	static struct sink sink;
	struct timespec before, after;
	struct tm tm = {0};

	setenv("TZ", "Asia/Tokyo", 1); /* must not matter */
	tzset();
	sink_init(&sink, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	log_msg(&sink.log, LOG_LEVEL_INFO, "m");
	clock_gettime(CLOCK_REALTIME_COARSE, &after);

	const char *text = sink_read(&sink);
	int ms = -1, end = 0;
	const char *rest = strptime(text, "ts=%Y-%m-%dT%H:%M:%S", &tm);
	cr_assert_not_null(rest, "%s", text);
	cr_assert_eq(sscanf(rest, ".%3dZ%n", &ms, &end), 1, "%s", text);
	cr_assert_eq(end, 5, "%s", text);
	int64_t logged = (int64_t)timegm(&tm) * 1000 + ms;
	cr_assert_geq(logged, (int64_t)before.tv_sec * 1000 + before.tv_nsec / 1000000);
	cr_assert_leq(logged, (int64_t)after.tv_sec * 1000 + after.tv_nsec / 1000000);
	sink_fini(&sink);
}

/* The text of the second is kept between lines: it must follow the clock all the same. */
Test(log, time_moves_on)
{
	static struct sink sink;

	sink_init(&sink, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_msg(&sink.log, LOG_LEVEL_INFO, "m");
	sink.log.second -= 3600; /* as if the line before had been an hour ago */
	memcpy(sink.log.second_text, "1999-12-31T23:59:59", 19);
	log_msg(&sink.log, LOG_LEVEL_INFO, "m");
	sink_read(&sink);
	cr_assert_null(strstr(sink.text, "1999"), "%s", sink.text);
	sink_fini(&sink);
}

Test(log, levels)
{
	static const char *const words[] = {"level=debug", "level=info", "level=warn",
					    "level=error"};

	for (int least = LOG_LEVEL_DEBUG; least <= LOG_LEVEL_ERROR; least++) {
		struct sink *sink = malloc(sizeof(*sink));
		sink_init(sink, (enum log_level)least, LOG_FORMAT_LOGFMT);
		for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
			struct log_line line;
			log_begin(&line, &sink->log, (enum log_level)level, "m");
			log_str(&line, "k", "v", 1);
			log_u64(&line, "n", 1);
			log_seconds(&line, "s", 1);
			log_fmt(&line, "f", "%d", 1);
			log_end(&line);
			log_msg(&sink->log, (enum log_level)level, "%s", "m");
		}
		sink_read(sink);
		for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++)
			cr_assert_eq(strstr(sink->text, words[level]) != NULL, level >= least,
				     "least %d, level %d: %s", least, level, sink->text);
		sink_fini(sink);
		free(sink);
	}
}

/* ---- Lines that are full ------------------------------------------------------------------- */

/* One flat object of strings and numbers, to its end. */
static bool is_json_object(const char *at)
{
	char before = '{';

	while (*at == before) {
		before = ',';
		for (int part = 0; part < 2; part++) {
			at++;
			if (*at == '"') {
				for (at++; *at != '"'; at++) {
					if ((unsigned char)*at < 0x20)
						return false;
					if (*at != '\\')
						continue;
					at++;
					if (*at == 'u' && strspn(at + 1, "0123456789abcdef") >= 4)
						at += 4;
					else if (*at == '\0' || strchr("\"\\nrt", *at) == NULL)
						return false;
				}
				at++;
			} else {
				size_t n = strspn(at, "0123456789.");
				if (n == 0 || part == 0)
					return false;
				at += n;
			}
			if (part == 0 && *at != ':')
				return false;
		}
	}
	return strcmp(at, "}\n") == 0;
}

/* The names and values of a logfmt line, with quotes that close. */
static bool is_logfmt(const char *at)
{
	for (;;) {
		size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
		if (name == 0 || at[name] != '=')
			return false;
		at += name + 1;
		if (*at == '"') {
			for (at++; *at != '"'; at++)
				if ((unsigned char)*at < 0x20 || (*at == '\\' && *++at == '\0'))
					return false;
			at++;
		} else {
			at += strcspn(at, " \n\"=");
		}
		if (*at != ' ')
			return strcmp(at, "\n") == 0;
		at++;
	}
}

static bool is_whole_utf8(const char *text)
{
	size_t len = strlen(text);
	mbstate_t state = {0};
	const char *at = text;

	return mbsrtowcs(NULL, &at, len, &state) != (size_t)-1;
}

/*
 * Whatever a value holds and wherever it has to be cut, the line stays one well-formed line: for
 * each unit that must not be torn, with the end of the line at each of its bytes.
 */
static void check_full(enum log_format format, const char *unit)
{
	static char value[2 * LOG_LINE_BYTES_MAX];
	static struct sink sink;
	size_t unit_len = strlen(unit), len = 0;
	struct log_line line;

	while (len + unit_len <= sizeof(value)) {
		memcpy(value + len, unit, unit_len);
		len += unit_len;
	}
	for (int shift = 0; shift < 12; shift++) {
		sink_init(&sink, LOG_LEVEL_INFO, format);
		log_begin(&line, &sink.log, LOG_LEVEL_INFO, "m");
		log_str(&line, "pad", "xxxxxxxxxxxx", (size_t)shift);
		log_str(&line, "value", value, len);
		log_u64(&line, "behind", UINT64_MAX);
		log_str(&line, "last", "z", 1);
		log_end(&line);
		sink_read(&sink);
		cr_assert_leq(strlen(sink.text), LOG_LINE_BYTES_MAX);
		cr_assert_gt(strlen(sink.text), LOG_LINE_BYTES_MAX - 64);
		cr_assert(format == LOG_FORMAT_JSON ? is_json_object(sink.text)
						    : is_logfmt(sink.text),
			  "%s, %d: ...%s", unit, shift, sink.text + strlen(sink.text) - 80);
		cr_assert(is_whole_utf8(sink.text), "%s, %d", unit, shift);
		sink_fini(&sink);
	}
}

Test(log, full_lines_are_well_formed)
{
	static const char *const units[] = {"x", "\"", "\\", "\n",   "\x01",
					    "é", "€",  "🔒",  "\xff", "a\xc2\x9b"};

	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		check_full(LOG_FORMAT_LOGFMT, units[i]);
		check_full(LOG_FORMAT_JSON, units[i]);
	}
}

/* A number is whole or is not there: half a number is a wrong one. */
Test(log, numbers_are_never_cut)
{
	static char value[LOG_LINE_BYTES_MAX];
	static struct sink sink;
	struct log_line line;
	bool seen = false, missed = false;

	memset(value, 'x', sizeof(value));
	for (size_t len = LOG_LINE_BYTES_MAX - 160; len < LOG_LINE_BYTES_MAX; len++) {
		sink_init(&sink, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
		log_begin(&line, &sink.log, LOG_LEVEL_INFO, "m");
		log_str(&line, "value", value, len);
		log_u64(&line, "number", UINT64_MAX);
		log_seconds(&line, "time", UINT64_MAX);
		log_end(&line);
		sink_read(&sink);
		const char *number = strstr(sink.text, "number="),
			   *time = strstr(sink.text, "time=");
		if (number != NULL)
			cr_assert_eq(strncmp(number, "number=18446744073709551615", 27), 0);
		if (time != NULL)
			cr_assert_str_eq(time, "time=18446744073.709551\n");
		seen |= time != NULL;
		missed |= number == NULL;
		sink_fini(&sink);
	}
	cr_assert(seen && missed);
}

Test(log, formatted_text_is_cut)
{
	static char value[2 * LOG_LINE_BYTES_MAX];
	static struct sink sink;

	memset(value, 'x', sizeof(value) - 1);
	sink_init(&sink, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_msg(&sink.log, LOG_LEVEL_INFO, "%s", value);
	cr_assert_eq(strspn(strstr(sink_read(&sink), "msg=") + 4, "x"), 2047);
	sink_fini(&sink);
}

/* ---- Buffer -------------------------------------------------------------------------------- */

static unsigned lines_in(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

Test(log, buffer_keeps_until_flush)
{
	static struct sink sink;

	sink_init(&sink, LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	cr_assert_eq(log_buffer(&sink.log, 2 * LOG_LINE_BYTES_MAX), 0);
	log_msg(&sink.log, LOG_LEVEL_INFO, "one");
	log_msg(&sink.log, LOG_LEVEL_DEBUG, "two");
	cr_assert_str_empty(sink_read(&sink));
	log_flush(&sink.log);
	cr_assert_eq(lines_in(sink_read(&sink)), 2);
	log_flush(&sink.log);
	cr_assert_eq(lines_in(sink_read(&sink)), 2, "written twice");
	sink_fini(&sink);
}

Test(log, warnings_are_written_at_once_and_in_order)
{
	static struct sink sink;

	sink_init(&sink, LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	cr_assert_eq(log_buffer(&sink.log, LOG_LINE_BYTES_MAX), 0);
	log_msg(&sink.log, LOG_LEVEL_INFO, "one");
	log_msg(&sink.log, LOG_LEVEL_WARN, "two");
	sink_read(&sink);
	const char *one = strstr(sink.text, "msg=one"), *two = strstr(sink.text, "msg=two");
	cr_assert(one != NULL && two != NULL && one < two, "%s", sink.text);
	sink_fini(&sink);
}

Test(log, full_buffer_loses_nothing)
{
	static struct sink sink;
	static char value[3000];
	enum { LINES = 9 };

	memset(value, 'x', sizeof(value) - 1);
	sink_init(&sink, LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	cr_assert_eq(log_buffer(&sink.log, LOG_LINE_BYTES_MAX), 0);
	for (int i = 0; i < LINES; i++) {
		struct log_line line;
		log_begin(&line, &sink.log, LOG_LEVEL_INFO, "m");
		log_text(&line, "value", value);
		log_u64(&line, "i", (uint64_t)i);
		log_end(&line);
	}
	log_fini(&sink.log);
	sink_read(&sink);
	const char *at = sink.text;
	for (int i = 0; i < LINES; i++) {
		char last[16];
		snprintf(last, sizeof(last), " i=%d\n", i);
		at = strstr(at, last);
		cr_assert_not_null(at, "line %d is missing", i);
	}
	cr_assert_eq(lines_in(sink.text), LINES);
	close(sink.to.fd);
}

/* ---- Readers that stop ---------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* How often this thread has slept, however long it took. */
static long sleeps(void)
{
	struct rusage usage;

	cr_assert_eq(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nvcsw;
}

/* All that can be read without waiting; the caller frees it. */
static char *drain(int fd)
{
	size_t used = 0, size = 1 << 22;
	char *text = malloc(size);

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (ssize_t n; (n = read(fd, text + used, size - used - 1)) > 0;)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

/* Lines that came, and those that are told to be lost. Each must be whole. */
static unsigned count_lines(const char *text, unsigned *told)
{
	unsigned count = 0;

	for (const char *at = text, *end; *at != '\0'; at = end + 1) {
		end = strchr(at, '\n');
		cr_assert_not_null(end, "the last line is torn: %s", at);
		cr_assert_eq(strncmp(at, "ts=", 3), 0, "a line begins with %.20s", at);
		const char *lost = strstr(at, " lines=");
		if (lost != NULL && lost < end)
			*told += (unsigned)strtoul(lost + 7, NULL, 10);
		else
			count++;
	}
	return count;
}

/* Nobody reads: lines are lost, not waited for; then they are counted, and none is torn. */
static void check_stalled(int read_fd, int write_fd, size_t kept_bytes)
{
	static char value[100];
	struct log_sink to;
	struct log log;
	enum { LINES = 20000 };

	memset(value, 'x', sizeof(value) - 1);
	log_sink_init(&to, write_fd);
	log_init(&log, &to, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	if (kept_bytes > 0)
		cr_assert_eq(log_buffer(&log, kept_bytes), 0);
	long before_sleeps = sleeps();
	for (int i = 0; i < LINES; i++)
		log_msg(&log, LOG_LEVEL_INFO, "%s", value);
	log_flush(&log);
	/* Once, and whatever the machine itself made it sleep for: not at every line, nor at every
	 * buffer of them. */
	cr_assert_lt(sleeps() - before_sleeps, 20, "the log was waited for");
	cr_assert_gt(log.lost, 0);

	char *before = drain(read_fd);
	log_msg(&log, LOG_LEVEL_INFO, "again");
	log_flush(&log);
	char *after = drain(read_fd);
	unsigned told = 0, got = count_lines(before, &told) + count_lines(after, &told) - 1;
	free(before);
	log_fini(&log);
	cr_assert_gt(got, 0);
	cr_assert_gt(told, 0);
	cr_assert_eq(got + told, LINES, "%u lines and %u lost", got, told);
	cr_assert_eq(log_lines_lost(&log), told);
	cr_assert_not_null(strstr(after, " msg=again\n"));
	free(after);
}

Test(log, full_pipe_loses_lines)
{
	for (size_t kept_bytes = 0; kept_bytes <= 65536; kept_bytes += 32768) {
		int fds[2];
		cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
		check_stalled(fds[0], fds[1], kept_bytes);
		close(fds[0]);
		close(fds[1]);
	}
}

Test(log, full_socket_loses_lines)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	check_stalled(fds[0], fds[1], 0);
	close(fds[0]);
	close(fds[1]);
}

enum { SLOW_LINES = 5000 };

/* Reads to the end, with pauses: did every line come? */
static bool read_slowly(int fd)
{
	char text[16384];
	unsigned lines = 0;

	for (ssize_t n; (n = read(fd, text, sizeof(text))) > 0; usleep(1000))
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	return lines == SLOW_LINES;
}

/* 0: every line came; 1: not; 2: not, and the writer has waited for so long that it may have taken
 * the reader for one that has stopped. */
static int log_to_slow_reader(void)
{
	int fds[2], status;
	uint64_t longest_ms = 0;
	struct log_sink to;
	struct log log;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		close(fds[1]);
		_exit(read_slowly(fds[0]) ? 0 : 1);
	}
	close(fds[0]);
	log_sink_init(&to, fds[1]);
	log_init(&log, &to, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	cr_assert_eq(log_buffer(&log, 64 * 1024), 0);
	for (int i = 0; i <= SLOW_LINES; i++) {
		uint64_t began_ms = now_ms();
		if (i < SLOW_LINES)
			log_msg(&log, LOG_LEVEL_INFO,
				"a line of about one hundred bytes, as they are: %d", i);
		else
			log_fini(&log);
		uint64_t took_ms = now_ms() - began_ms;
		longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
	}
	close(fds[1]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status) != 0, log.lost > 0);
	return log.lost == 0 ? 0 : longest_ms < LOG_STALL_MS / 2 ? 1 : 2;
}

/* A reader that is only slow gets every line. */
Test(log, slow_reader_loses_nothing)
{
	int result = 2;

	for (int tries = 0; result == 2 && tries < 50; tries++)
		result = log_to_slow_reader();
	cr_assert_neq(result, 2, "this machine is too slow to read in time");
	cr_assert_eq(result, 0, "lines were lost");
}

Test(log, broken_pipe_is_ignored)
{
	int fds[2];
	struct log_sink to;
	struct log log;

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	log_sink_init(&to, fds[1]);
	log_init(&log, &to, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	for (int i = 0; i < 3; i++)
		log_msg(&log, LOG_LEVEL_ERROR, "m");
	cr_assert_eq(log_lines_lost(&log), 3);
	close(fds[1]);
	log_msg(&log, LOG_LEVEL_ERROR, "not even a descriptor");
	log_fini(&log);
}
