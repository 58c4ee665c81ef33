/* SPDX-License-Identifier: Apache-2.0 */
/* Who may change something through the admin port: programs, not pages of other sites. */
#include "server/admin_guard.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

TestSuite(admin_guard, .timeout = 600);

static const struct admin_guard guard = {.listen_host = "sluice.monitoring",
					 .host_name = "blocks-0"};

static bool is_allowed_head(const struct admin_guard *by, const char *text, char *why)
{
	struct http_head head;
	enum http_head_error error;
	int n = http_head_parse(text, strlen(text), 0, &head, &error);

	cr_assert_eq(n, (int)strlen(text), "%s: %d", text, n);
	return admin_guard_allows(by, &head, why);
}

static bool is_allowed(const char *fields)
{
	char text[1024], why[ADMIN_GUARD_TEXT_BYTES] = "";

	snprintf(text, sizeof(text), "POST /-/reload HTTP/1.1\r\n%s\r\n", fields);
	bool is = is_allowed_head(&guard, text, why);
	cr_assert(is || (strncmp(why, "refused: ", 9) == 0 && why[strlen(why) - 1] == '\n'), "%s",
		  why);
	return is;
}

static bool is_allowed_host(const char *host)
{
	char fields[512];

	snprintf(fields, sizeof(fields), "Host: %s\r\n", host);
	return is_allowed(fields);
}

Test(admin_guard, hosts)
{
	static const char *const ours[] = {
		"127.0.0.1",
		"127.0.0.1:10943",
		"192.0.2.7:10943",
		"10.0.0.1:1",
		"[::1]",
		"[::1]:10943",
		"[2001:db8::7]:10943",
		"localhost",
		"LocalHost:10943",
		"localhost:",
		"sluice.monitoring",
		"Sluice.Monitoring:10943",
		"blocks-0:10943",
	};
	static const char *const foreign[] = {
		"evil.example",
		"evil.example:10943",
		"x",
		"localhost.evil.example",
		"evil.localhost",
		"localhost.",
		"127.0.0.1.evil.example",
		"127.1",
		"2130706433",
		"0x7f000001",
		"blocks-0.evil.example",
		"sluice.monitoring.evil.example",
		"monitoring",
		"sluice.monitorin",
	};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		cr_assert(is_allowed_host(ours[i]), "%s", ours[i]);
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		cr_assert_not(is_allowed_host(foreign[i]), "%s", foreign[i]);
}

/* Browsers always send Host; a program of HTTP/1.0 may leave it out. */
Test(admin_guard, no_host)
{
	char why[ADMIN_GUARD_TEXT_BYTES];

	cr_assert(is_allowed_head(&guard, "POST /-/reload HTTP/1.0\r\n\r\n", why));
	cr_assert_not(is_allowed_head(
		&guard, "POST /-/reload HTTP/1.0\r\nOrigin: http://evil.example\r\n\r\n", why));
	cr_assert_not(is_allowed_head(
		&guard, "POST /-/reload HTTP/1.0\r\nHost: evil.example\r\n\r\n", why));
}

/* A target in absolute form names a host of its own: both have to be ours. */
Test(admin_guard, absolute_form)
{
	static const char *const foreign[] = {
		"POST http://evil.example/-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST http://localhost/-/reload HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"POST https://evil.example:1/-/reload HTTP/1.1\r\nHost: evil.example:1\r\n\r\n",
	};
	char why[ADMIN_GUARD_TEXT_BYTES];

	cr_assert(is_allowed_head(
		&guard, "POST http://localhost:1/-/reload HTTP/1.1\r\nHost: localhost:1\r\n\r\n",
		why));
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		cr_assert_not(is_allowed_head(&guard, foreign[i], why), "%s", foreign[i]);
}

Test(admin_guard, origins)
{
#define WITH(field) "Host: localhost:10943\r\n" field "\r\n"
	cr_assert(is_allowed(WITH("Origin: http://localhost:10943")));
	cr_assert(is_allowed(WITH("origin: HTTP://LOCALHOST:10943")));
	cr_assert(is_allowed(WITH("Sec-Fetch-Site: same-origin")));
	cr_assert(is_allowed(WITH("Sec-Fetch-Site: none")));
	cr_assert(is_allowed(WITH("Referer: http://localhost/")));
	static const char *const foreign[] = {
		WITH("Origin: http://evil.example"),
		WITH("Origin: http://localhost"), /* another port is another origin */
		WITH("Origin: http://localhost:109430"),
		WITH("Origin: http://127.0.0.1:10943"),
		WITH("Origin: https://localhost:10943"),
		WITH("Origin: null"),
		WITH("Origin:"),
		WITH("Origin: http://localhost:10943 http://evil.example"),
		WITH("Origin: http://localhost:10943\r\nOrigin: http://evil.example"),
		WITH("ORIGIN: http://evil.example\r\nOrigin: http://localhost:10943"),
		WITH("Sec-Fetch-Site: cross-site"),
		WITH("Sec-Fetch-Site: same-site"),
		WITH("Sec-Fetch-Site: something-new"),
		WITH("Origin: http://localhost:10943\r\nSec-Fetch-Site: cross-site"),
	};
#undef WITH
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		cr_assert_not(is_allowed(foreign[i]), "%s", foreign[i]);
}

Test(admin_guard, names_of_a_guard)
{
	struct admin_guard made;
	char why[ADMIN_GUARD_TEXT_BYTES];

	admin_guard_init(&made, "sluice.example:10943");
	cr_assert_str_eq(made.listen_host, "sluice.example");
	admin_guard_init(&made, "[::1]:10943");
	cr_assert_str_eq(made.listen_host, "[::1]");
	/* All addresses: no name, and "" is nobody's Host. */
	admin_guard_init(&made, ":10943");
	cr_assert_str_eq(made.listen_host, "");
	made.host_name[0] = '\0';
	cr_assert_not(
		is_allowed_head(&made, "POST /-/reload HTTP/1.1\r\nHost: blocks-0\r\n\r\n", why));
	cr_assert(
		is_allowed_head(&made, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n", why));
}

/* A long name is cut, and the cure still told. */
Test(admin_guard, long_host)
{
	char text[4096], host[2049], why[ADMIN_GUARD_TEXT_BYTES];

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	snprintf(text, sizeof(text), "POST /-/reload HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	cr_assert_not(is_allowed_head(&guard, text, why));
	cr_assert_not_null(strstr(why, "--admin-listen\n"), "%s", why);
}
