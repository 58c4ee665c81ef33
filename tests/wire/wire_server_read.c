/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says of itself: metrics, log, admin port. */
#include "wire/wire_server.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"

#define POLL_MS   5
#define WORDS_MAX 12

/* ---- The admin port ------------------------------------------------------------------------- */

static void deadline_set(int fd, int ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int wire_admin(const struct wire_server *server, const char *text, char *out)
{
	char *answer = out != NULL ? out : malloc(WIRE_ADMIN_MAX);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t have = 0;
	int status = 0;
	ssize_t n;

	must(answer != NULL && fd >= 0);
	answer[0] = '\0';
	if (connect(fd, (const struct sockaddr *)&server->admin_sock_addr,
		    sizeof(server->admin_sock_addr)) < 0) {
		status = -1;
		goto done;
	}
	deadline_set(fd, wire_patience_ms(&server->env)); /* as in wire_connect_tcp */
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		goto done;
	do {
		n = recv(fd, answer + have, WIRE_ADMIN_MAX - 1 - have, 0);
		have += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && have < WIRE_ADMIN_MAX - 1) || (n < 0 && errno == EINTR));
	cr_assert(n >= 0 || errno != EAGAIN, "the admin port does not end its answer to %.40s",
		  text);
	answer[have] = '\0';
	if (sscanf(answer, "HTTP/1.%*1[01] %3d", &status) != 1)
		status = 0;
done:
	close(fd);
	if (out == NULL)
		free(answer);
	return status;
}

int wire_admin_get(const struct wire_server *server, const char *path, char *out)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	return wire_admin(server, text, out);
}

int wire_ready(const struct wire_server *server, char *out)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	char *answer = out != NULL ? out : malloc(WIRE_ADMIN_MAX);
	int status;

	must(answer != NULL);
	while ((status = wire_admin_get(server, "/-/ready", answer)) == 503 &&
	       strstr(answer, "does not respond") != NULL)
		cr_assert_lt(wire_now_ms(), end_ms, "%s", answer);
	if (out == NULL)
		free(answer);
	return status;
}

/* ---- Metrics -------------------------------------------------------------------------------- */

/* The text behind name and a space at the start of a line; NULL: there is none. */
static const char *sample_find(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = text; (at = strstr(at, name)) != NULL; at += len)
		if (at[len] == ' ' && (at == text || at[-1] == '\n'))
			return at + len + 1;
	return NULL;
}

uint64_t wire_metric(struct wire_server *server, const char *name)
{
	char *text = malloc(WIRE_ADMIN_MAX);

	must(text != NULL);
	cr_assert_eq(wire_admin_get(server, "/metrics", text), 200);
	const char *value = sample_find(text, name);
	cr_assert_not_null(value, "no sample %s in /metrics", name);
	uint64_t number = (uint64_t)strtod(value, NULL);
	free(text);
	return number;
}

void wire_metric_reaches(struct wire_server *server, const char *name, uint64_t value)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	uint64_t now;

	while ((now = wire_metric(server, name)) < value) {
		cr_assert_lt(wire_now_ms(), end_ms, "%s is %" PRIu64 ", not %" PRIu64, name, now,
			     value);
		poll(NULL, 0, POLL_MS);
	}
}

void wire_metric_is(struct wire_server *server, const char *name, uint64_t value)
{
	wire_metric_reaches(server, name, value);
	cr_assert_eq(wire_metric(server, name), value, "%s is more than %" PRIu64, name, value);
}

void wire_metric_falls(struct wire_server *server, const char *name, uint64_t value)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	uint64_t now;

	while ((now = wire_metric(server, name)) > value) {
		cr_assert_lt(wire_now_ms(), end_ms, "%s is still %" PRIu64, name, now);
		poll(NULL, 0, POLL_MS);
	}
}

void wire_closed(struct wire_server *server, const char *reason, uint64_t count)
{
	char name[128];

	snprintf(name, sizeof(name), "sluice_connections_closed_total{reason=\"%s\"}", reason);
	wire_metric_is(server, name, count);
}

void wire_handshake_failed(struct wire_server *server, const char *reason, uint64_t count)
{
	char name[128], field[96];

	snprintf(name, sizeof(name), "sluice_tls_handshake_failures_total{reason=\"%s\"}", reason);
	wire_metric_is(server, name, count);
	snprintf(field, sizeof(field), "reason=%s ", reason);
	wire_log_has(server, "msg=\"handshake failed\"", "remote=127.", field, "detail=");
}

/* ---- Log ------------------------------------------------------------------------------------ */

/* The first line that holds all words. False: none does. */
static bool line_find(const struct wire_server *server, const char *const *words,
		      char line[WIRE_LINE_MAX])
{
	bool is_found = false;

	wire_log_sync(server->log);
	FILE *file = fopen(server->log_path, "re");

	must(file != NULL);
	while (!is_found && fgets(line, WIRE_LINE_MAX, file) != NULL) {
		is_found = strchr(line, '\n') != NULL; /* half a line is still being written */
		for (unsigned i = 0; is_found && words[i] != NULL; i++)
			is_found = strstr(line, words[i]) != NULL;
	}
	fclose(file);
	return is_found;
}

void wire_log_line(struct wire_server *server, char line[WIRE_LINE_MAX], ...)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	const char *words[WORDS_MAX + 1] = {NULL};
	char wanted[1024] = "";
	va_list list;

	va_start(list, line);
	for (unsigned i = 0; (words[i] = va_arg(list, const char *)) != NULL; i++) {
		must(i < WORDS_MAX);
		size_t used = strlen(wanted);
		snprintf(wanted + used, sizeof(wanted) - used, "%s[%s]", i > 0 ? " " : "",
			 words[i]);
	}
	va_end(list);
	while (!line_find(server, words, line)) {
		cr_assert_lt(wire_now_ms(), end_ms, "no line of the log has %s", wanted);
		poll(NULL, 0, POLL_MS);
	}
	line[strcspn(line, "\n")] = '\0';
}

void wire_log_counts(const struct wire_server *server, const char *word, unsigned count)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	unsigned now;

	while ((now = wire_log_count(server, word)) < count) {
		cr_assert_lt(wire_now_ms(), end_ms, "%u lines have %s, not %u", now, word, count);
		poll(NULL, 0, POLL_MS);
	}
	cr_assert_eq(now, count, "%u lines have %s, not %u", now, word, count);
}

unsigned wire_log_count(const struct wire_server *server, const char *word)
{
	char line[WIRE_LINE_MAX];
	unsigned count = 0;

	wire_log_sync(server->log);
	FILE *file = fopen(server->log_path, "re");

	must(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strstr(line, word) != NULL)
			count++;
	fclose(file);
	return count;
}
