/* SPDX-License-Identifier: Apache-2.0 */
/* What one client can make the log say is bounded, and nothing is suppressed without being told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/log_limit.h"
#include "base/must.h"

TestSuite(log_limit, .timeout = 600);

static const char failed[] = "handshake failed";
static const char closed[] = "connection closed";
static struct log_limit limit;

/* Asks count times; returns how many may be written. */
static unsigned ask(const char *msg, const char *reason, const char *source, uint64_t now_ms,
		    unsigned count)
{
	unsigned allowed = 0;
	uint64_t due_ms;

	for (unsigned i = 0; i < count; i++)
		allowed += log_limit_allows(&limit, (struct log_kind){msg, reason}, source,
					    strlen(source), now_ms, &due_ms);
	return allowed;
}

/* What is told at now_ms. Static. */
static const char *told(uint64_t now_ms, uint64_t *next_ms)
{
	static char text[LOG_LIMIT_ENTRIES * 512];
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct log_sink sink;
	struct log log;

	must(fd >= 0);
	log_sink_init(&sink, fd);
	log_init(&log, &sink, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	*next_ms = log_limit_tell(&limit, &log, now_ms);
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	must(n >= 0);
	text[n] = '\0';
	log_fini(&log);
	close(fd);
	return text;
}

Test(log_limit, kind_and_source)
{
	cr_assert_eq(ask(failed, "a", "1.1.1.1", 1000, LOG_LIMIT_LINES), LOG_LIMIT_LINES);
	cr_assert_eq(ask(failed, "a", "1.1.1.1", 1000, 5), 0);
	cr_assert_eq(ask(failed, "b", "1.1.1.1", 1000, 5), 5, "another reason");
	cr_assert_eq(ask(closed, "a", "1.1.1.1", 1000, 5), 5, "another message");
	cr_assert_eq(ask(failed, "a", "1.1.1.11", 1000, 5), 5, "another source");
	cr_assert_eq(ask(failed, "a", "1.1.1", 1000, 5), 5, "a source that is the start of it");
	cr_assert_eq(log_limit_suppressed(&limit), 5);
}

Test(log_limit, told_when_the_window_ends)
{
	uint64_t next_ms, due_ms;

	ask(failed, "a", "1.1.1.1", 1000, LOG_LIMIT_LINES);
	cr_assert(!log_limit_allows(&limit, (struct log_kind){failed, "a"}, "1.1.1.1", 7, 1500,
				    &due_ms));
	cr_assert_eq(due_ms, 1000 + LOG_LIMIT_WINDOW_MS);
	cr_assert_str_empty(told(due_ms - 1, &next_ms));
	cr_assert_eq(next_ms, due_ms);
	const char *text = told(due_ms, &next_ms);
	cr_assert_not_null(strstr(text,
				  " level=warn msg=\"log lines suppressed\" "
				  "kind=\"handshake failed\" reason=a source=1.1.1.1 lines=1\n"),
			   "%s", text);
	cr_assert_eq(next_ms, 0);
	cr_assert_str_empty(told(due_ms, &next_ms), "once");
	cr_assert_eq(ask(failed, "a", "1.1.1.1", due_ms, 3), 3, "a new window");
}

/* A slow trickle is never suppressed, however long it lasts. */
Test(log_limit, trickle)
{
	uint64_t step_ms = LOG_LIMIT_WINDOW_MS / LOG_LIMIT_LINES + 1;

	for (uint64_t now_ms = 0; now_ms < 100 * LOG_LIMIT_WINDOW_MS; now_ms += step_ms)
		cr_assert_eq(ask(failed, "a", "1.1.1.1", now_ms, 1), 1);
}

/* More sources than there is room for: the log is bounded, and all of them are counted. */
Test(log_limit, many_sources)
{
	char source[32];
	unsigned allowed = 0, asked = 0, lines = 0;
	uint64_t next_ms;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(source, sizeof(source), "10.0.%u.%u", i / 250, i % 250);
		allowed += ask(failed, "a", source, 1000, 50);
		asked += 50;
	}
	cr_assert_leq(allowed, LOG_LIMIT_ENTRIES * LOG_LIMIT_LINES);
	cr_assert_eq(log_limit_suppressed(&limit), asked - allowed);
	const char *text = told(1000 + LOG_LIMIT_WINDOW_MS, &next_ms);
	cr_assert_not_null(strstr(text, "kind=\"several kinds\" source=several"), "%s", text);
	for (const char *at = text; (at = strstr(at, " lines=")) != NULL; at++)
		lines += (unsigned)strtoul(at + 7, NULL, 10);
	cr_assert_eq(lines, asked - allowed, "all of it is told");
	/* And there is room again. */
	cr_assert_eq(ask(failed, "a", "10.9.9.9", 1000 + LOG_LIMIT_WINDOW_MS, 5), 5);
}
