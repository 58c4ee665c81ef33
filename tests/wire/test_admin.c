/* SPDX-License-Identifier: Apache-2.0 */
/* The admin port: metrics in the text format, health, and nothing else. */
#include "wire/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(admin, .timeout = WIRE_TIMEOUT);

#define METRIC_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"

static const char *body_of(const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n");
	cr_assert_not_null(body, "no body in %.200s", answer);
	return body + 4;
}

/* NAME[{LABELS}] VALUE; the family has been announced by # TYPE. */
static void sample_check(const char *line, const char *family)
{
	size_t name_len = strspn(line, METRIC_NAME_CHARS), family_len = strlen(family);
	const char *at = line + name_len;
	char *end;

	cr_assert(name_len > 0 && !isdigit((unsigned char)line[0]), "%s", line);
	cr_assert(strncmp(line, family, family_len) == 0, "%s after # TYPE %s", line, family);
	const char *suffix = line + family_len;
	cr_assert(name_len == family_len || strncmp(suffix, "_bucket", 7) == 0 ||
			  strncmp(suffix, "_sum", 4) == 0 || strncmp(suffix, "_count", 6) == 0,
		  "%s after # TYPE %s", line, family);
	if (*at == '{') {
		at = strchr(at, '}');
		cr_assert_not_null(at, "%s", line);
		at++;
	}
	cr_assert_eq(*at, ' ', "%s", line);
	double value = strtod(at + 1, &end);
	cr_assert(*end == '\0' && value >= 0, "%s", line);
}

/* Every family has HELP and TYPE before its samples and stands once. */
static void text_check(char *text)
{
	char family[128] = "", seen[16384] = "", mark[160];
	char *line = text, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (strncmp(line, "# HELP ", 7) == 0) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				 line + 7);
			snprintf(mark, sizeof(mark), "[%s]", family);
			cr_assert_null(strstr(seen, mark), "%s stands twice", family);
			must(strlen(seen) + strlen(mark) < sizeof(seen));
			strcat(seen, mark);
			cr_assert(strlen(line) > 7 + strlen(family) + 10, "no help: %s", line);
			cr_assert(strncmp(family, "sluice_", 7) == 0 ||
					  strncmp(family, "process_", 8) == 0,
				  "%s", family);
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			cr_assert_eq(strncmp(line + 7, family, strlen(family)), 0, "%s", line);
		} else {
			sample_check(line, family);
		}
	}
	cr_assert_eq(*line, '\0', "the last line has no LF");
	static const char *const families[] = {
		"connections_accepted_total",
		"connections",
		"connections_closed_total",
		"tls_handshake_failures_total",
		"tls_connections_total",
		"ktls_fallback_total",
		"sent_bytes_total",
		"http_requests_total",
		"http_response_body_bytes_total",
	};
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		snprintf(mark, sizeof(mark), "[sluice_%s]", families[i]);
		cr_assert_not_null(strstr(seen, mark), "no family %s", mark);
	}
}

/* With Prometheus' own checker where it is installed. */
static void promtool_check(const struct wire_server *server, const char *text)
{
	char path[PATH_MAX / 2], command[PATH_MAX], shell[] = "sh", flag[] = "-c";
	struct wire_program program;

	snprintf(path, sizeof(path), "%.1000s/metrics-%d.txt", server->env.dir, getpid());
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	snprintf(command, sizeof(command),
		 "command -v promtool >/dev/null || exit 0; promtool check metrics <'%s'", path);
	char *const argv[] = {shell, flag, command, NULL};
	wire_program_run(&server->env, argv, &program);
	cr_assert_eq(program.exit_code, 0, "promtool check metrics: %s%s", program.out,
		     program.err);
	cr_assert_eq(strlen(program.err), 0, "promtool check metrics: %s", program.err);
}

Test(admin, metrics)
{
	struct wire_server server = {0};
	struct wire_client client = {0}, refused = {.cert = WIRE_CERT_NONE};
	char *answer = malloc(WIRE_ADMIN_MAX);

	must(answer != NULL);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-131073", 131073, 131073);
	wire_connect(&refused, &server);
	wire_expect_alert(&refused, 116);
	cr_assert_eq(wire_admin_get(&server, "/metrics", answer), 200);
	cr_assert_not_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4"));
	char *text = strdup(body_of(answer));
	promtool_check(&server, text);
	text_check(text);
	free(text);
	free(answer);
	wire_disconnect(&client);
	wire_disconnect(&refused);
	wire_server_stop(&server);
}

/* The sums of what happened, exactly. */
Test(admin, counters_are_exact)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < 10; i++)
		wire_fetch(&client, "/data/size-131073", 131073, 131073);
	wire_ask_refused(&client, "GET", "/data/missing", "", 404, "NoSuchKey");
	wire_disconnect(&client);
	wire_closed(&server, "client_done", 1);
	cr_assert_eq(wire_metric(&server, "sluice_connections_accepted_total"), 1);
	cr_assert_eq(
		wire_metric(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}"),
		11);
	cr_assert_eq(
		wire_metric(&server, "sluice_http_requests_total{method=\"GET\",code=\"404\"}"), 1);
	cr_assert_eq(wire_metric(&server, "sluice_http_inflight_requests"), 0);
	wire_server_stop(&server);
}

Test(admin, health)
{
	struct wire_server server = {0};
	char *answer = malloc(WIRE_ADMIN_MAX);

	must(answer != NULL);
	wire_server_start(&server);
	cr_assert_eq(wire_admin_get(&server, "/-/healthy", answer), 200);
	cr_assert_gt(strlen(body_of(answer)), 0);
	cr_assert_eq(wire_ready(&server, answer), 200);
	cr_assert_eq(wire_admin_get(&server, "/", NULL), 404);
	cr_assert_eq(wire_admin_get(&server, "/metricsx", NULL), 404);
	cr_assert_eq(wire_admin_get(&server, "/-/readyx", NULL), 404);
	cr_assert_eq(wire_admin_get(&server, "/data/size-100", NULL), 404);
	cr_assert_eq(wire_admin_get(&server, "/metrics?x=1", NULL), 200);
	cr_assert_eq(wire_admin(&server,
				"HEAD /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close"
				"\r\n\r\n",
				answer),
		     200);
	cr_assert_eq(strlen(body_of(answer)), 0);
	free(answer);
	wire_server_stop(&server);
}

/* Plain HTTP, and still strict: nothing here stops the server. */
Test(admin, bad_requests)
{
	struct wire_server server = {0};
	char *large = malloc(40000);

	must(large != NULL);
	wire_server_start(&server);
	cr_assert_eq(wire_admin(&server,
				"POST /metrics HTTP/1.1\r\nHost: a\r\n"
				"Content-Length: 0\r\nConnection: close\r\n\r\n",
				NULL),
		     405);
	cr_assert_eq(wire_admin(&server,
				"DELETE /-/ready HTTP/1.1\r\nHost: a\r\n"
				"Connection: close\r\n\r\n",
				NULL),
		     405);
	int status = wire_admin(&server, "garbage\r\n\r\n", NULL);
	cr_assert(status == 400 || status == 0, "status %d", status);
	status = wire_admin(&server, "\x16\x03\x01\x02 not TLS either \n\n", NULL);
	cr_assert(status == 400 || status == 0, "status %d", status);
	memset(large, 'x', 39999);
	large[39999] = '\0';
	memcpy(large, "GET /", 5);
	status = wire_admin(&server, large, NULL);
	cr_assert(status == 400 || status == 431 || status == 0, "status %d", status);
	free(large);
	cr_assert_eq(wire_admin_get(&server, "/-/healthy", NULL), 200);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* A client that says nothing does not keep others from the port. */
Test(admin, silent_client)
{
	struct wire_server server = {0};
	int fd[8];

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		cr_assert_eq(connect(fd[i], (struct sockaddr *)&server.admin_sock_addr,
				     sizeof(server.admin_sock_addr)),
			     0);
		cr_assert_eq(send(fd[i], "GET ", 4, MSG_NOSIGNAL), 4);
	}
	cr_assert_eq(wire_admin_get(&server, "/-/healthy", NULL), 200);
	cr_assert_eq(wire_admin_get(&server, "/metrics", NULL), 200);
	wire_serves_others(&server);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
	wire_server_stop(&server);
}

/* What changes something is for programs, not for pages of other sites in an operator's browser.
 * What only tells is for everybody who reaches the port. */
Test(admin, foreign_pages_change_nothing)
{
	static const struct {
		int status;
		const char *fields;
	} rows[] = {
		{200, "Host: localhost\r\n"},
		{200, "Host: 127.0.0.1:10943\r\n"},
		{200, "Host: [::1]:10943\r\n"},
		{200, "Host: localhost:1\r\nOrigin: http://localhost:1\r\n"},
		{403, "Host: blocks.evil.example\r\n"},
		{403, "Host: localhost\r\nOrigin: http://evil.example\r\n"},
		{403, "Host: localhost\r\nOrigin: null\r\n"},
		{403, "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"},
		{400, "Host: localhost\r\nHost: evil.example\r\n"},
		{400, ""},
	};
	struct wire_server server = {0};
	char text[512], *answer = malloc(WIRE_ADMIN_MAX);

	must(answer != NULL);
	wire_server_start(&server);
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const char *method = i % 2 == 0 ? "POST" : "PUT";
		uint64_t before =
			wire_metric(&server, "sluice_config_reloads_total{result=\"ok\"}");
		snprintf(text, sizeof(text), "%s /-/reload HTTP/1.1\r\n%s\r\n", method,
			 rows[i / 2].fields);
		cr_assert_eq(wire_admin(&server, text, answer), rows[i / 2].status, "%s: %s", text,
			     answer);
		uint64_t done =
			wire_metric(&server, "sluice_config_reloads_total{result=\"ok\"}") - before;
		cr_assert_eq(done, rows[i / 2].status == 200, "%s: %d reloads", text, (int)done);
	}
	cr_assert_eq(wire_admin(&server, "POST /-/reload HTTP/1.0\r\n\r\n", NULL), 200);
	cr_assert_eq(
		wire_admin(&server, "GET /metrics HTTP/1.1\r\nHost: a.evil.example\r\n\r\n", NULL),
		200);
	cr_assert_eq(
		wire_admin(&server, "GET /-/reload HTTP/1.1\r\nHost: a.evil.example\r\n\r\n", NULL),
		405);
	free(answer);
	wire_server_stop(&server);
}

/* The name of the one option that decides it. */
Test(admin, taken_address)
{
	struct wire_server server = {0};
	struct wire_program program;
	char root[PATH_MAX], cert[PATH_MAX], key[PATH_MAX], ca[PATH_MAX], admin[64];

	wire_server_start(&server);
	must(snprintf(root, PATH_MAX, "--root=%.3000s/root", server.env.dir) < PATH_MAX);
	must(snprintf(cert, PATH_MAX, "--cert=%.3000s/certs/server.crt", server.env.dir) <
	     PATH_MAX);
	must(snprintf(key, PATH_MAX, "--key=%.3000s/certs/server.key", server.env.dir) < PATH_MAX);
	must(snprintf(ca, PATH_MAX, "--client-ca=%.3000s/certs/ca.crt", server.env.dir) < PATH_MAX);
	snprintf(admin, sizeof(admin), "--admin-listen=%s", server.admin_addr);
	char serve[] = "serve", listen[] = "--listen=127.0.0.1:0", path[] = "--tls-path=user";
	char *const argv[] = {
		server.env.program, serve, root, cert, key, ca, listen, path, admin, NULL};
	wire_program_run(&server.env, argv, &program);
	cr_assert_eq(program.exit_code, 6, "%s", program.err);
	cr_assert_not_null(strstr(program.err, "--admin-listen"), "%s", program.err);
	cr_assert_not_null(strstr(program.err, server.admin_addr), "%s", program.err);
	wire_server_stop(&server);
}

/* A client that speaks TLS to it is told what is wrong, as far as plain text can. */
Test(admin, tls_on_the_plain_port)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	struct wire_server server = {0};
	char *answer = malloc(WIRE_ADMIN_MAX);

	must(answer != NULL);
	wire_server_start(&server);
	for (int bytes = 1; bytes < (int)sizeof(hello) - 1; bytes += 9) {
		/* wire_admin sends text up to its NUL: the type and version of the record. */
		cr_assert_eq(wire_admin(&server, bytes == 1 ? "\x16" : hello, answer), 400);
		cr_assert_str_eq(body_of(answer),
				 "This port speaks plain HTTP, not TLS: use http://\n");
	}
	cr_assert_eq(wire_admin_get(&server, "/-/healthy", NULL), 200);
	free(answer);
	wire_server_stop(&server);
}

/* A client that has sent its request and closed its side (nc -N) gets its answer, also one that
 * takes time. */
Test(admin, client_that_half_closes)
{
	static const char *const requests[] = {"GET /-/ready HTTP/1.0\r\n\r\n",
					       "POST /-/reload HTTP/1.0\r\n\r\n",
					       "GET /metrics HTTP/1.0\r\n\r\n"};
	struct wire_server server = {0};
	char answer[32];

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		must(fd >= 0);
		cr_assert_eq(connect(fd, (const struct sockaddr *)&server.admin_sock_addr,
				     sizeof(server.admin_sock_addr)),
			     0);
		cr_assert_eq(send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL),
			     (ssize_t)strlen(requests[i]));
		cr_assert_eq(shutdown(fd, SHUT_WR), 0);
		ssize_t n = recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL);
		cr_assert_gt(n, 12, "%s", requests[i]);
		cr_assert_eq(memcmp(answer + 8, " 200 ", 5), 0, "%s: %.20s", requests[i], answer);
		close(fd);
	}
	wire_server_stop(&server);
}
