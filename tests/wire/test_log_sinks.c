/* SPDX-License-Identifier: Apache-2.0 */
/* Every line arrives, whatever standard error is, in every mode; what is lost is counted. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "wire/wire_put.h"

TestSuite(log_sinks, .timeout = WIRE_TIMEOUT);

#define REQUESTS 50

static const char *const kinds[WIRE_LOG_KIND_COUNT] = {
	[WIRE_LOG_PIPE] = "pipe",
	[WIRE_LOG_FILE] = "file",
	[WIRE_LOG_STREAM] = "stream socket",
	[WIRE_LOG_DATAGRAM] = "datagram socket",
	[WIRE_LOG_TERMINAL] = "terminal",
	[WIRE_LOG_FOREIGN_PIPE] = "pipe of another user",
};

/* A server of this kind of log, as another user where the tests run as root. */
static struct wire_server server_of(enum wire_log_kind kind, bool writable)
{
	return (struct wire_server){
		.log_kind = kind, .writable = writable, .unprivileged = !writable};
}

static void check_every_line(enum wire_log_kind kind, bool writable)
{
	struct wire_server server = server_of(kind, writable);
	struct wire_client client = {0};
	struct wire_response response;
	char target[64];

	if (writable)
		wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < REQUESTS; i++) {
		snprintf(target, sizeof(target), "/data/missing-%d-", i);
		wire_get(&client, target, "", &response);
		wire_read_error(&client, &response, 404, "NoSuchKey");
		wire_log_has(&server, "msg=request ", target);
	}
	if (writable) {
		wire_put_well(&client, "/data/key", 1, 100);
		wire_log_has(&server, "msg=request ", "method=PUT ", "path=/data/key ");
	}
	wire_disconnect(&client);
	/* The main thread writes as well. */
	cr_assert_eq(wire_admin(&server, "POST /-/reload HTTP/1.0\r\n\r\n", NULL), 200);
	wire_log_has(&server, "msg=reloaded ");
	wire_server_stop(&server);
	cr_assert_eq(wire_log_count(&server, " msg=stopped"), 1, "%s, %s: the last line",
		     kinds[kind], writable ? "writable" : "read-only");
	cr_assert_eq(wire_log_count(&server, "msg=request "), REQUESTS + writable, "%s",
		     kinds[kind]);
}

Test(log_sinks, every_line_arrives)
{
	for (int kind = 0; kind < WIRE_LOG_KIND_COUNT; kind++) {
		check_every_line((enum wire_log_kind)kind, false);
		check_every_line((enum wire_log_kind)kind, true);
	}
}

/* Requests whose line is whole: a terminal takes half of the last one that fits. */
static unsigned whole_lines(const struct wire_server *server)
{
	char line[WIRE_LINE_MAX];
	unsigned count = 0;
	FILE *file = fopen(server->log_path, "re");

	must(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *id = strstr(line, " id=");
		cr_assert(strncmp(line, "ts=", 3) == 0, "half a line runs into another: %s", line);
		count += strstr(line, "msg=request ") != NULL && id != NULL &&
			 strspn(id + 4, "0123456789ABCDEF") == 16 && strcmp(id + 20, "\n") == 0;
	}
	fclose(file);
	return count;
}

/* Lines that the log says were lost. */
static uint64_t told_lost(const struct wire_server *server)
{
	char line[WIRE_LINE_MAX];
	uint64_t lines = 0;
	FILE *file = fopen(server->log_path, "re");

	must(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, "log lines were lost");
		if (at != NULL && (at = strstr(at, "lines=")) != NULL)
			lines += strtoull(at + 6, NULL, 10);
	}
	fclose(file);
	return lines;
}

/*
 * A reader that stops holds nobody up: requests are answered, lines that do not fit are lost and
 * counted, and when it reads again the next lines arrive, the first of which tells how many.
 */
static void check_stopped_reader(enum wire_log_kind kind, bool writable)
{
	struct wire_server server = server_of(kind, writable);
	struct wire_client client = {0};
	struct wire_response response;
	unsigned requests = 0;

	server.may_lose_lines = server.may_differ = true; /* half a line has no data path */
	if (writable)
		wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_log_stop(server.log);
	do {
		for (int i = 0; i < 200; i++, requests++) {
			wire_get(&client,
				 "/data/a-long-name-that-is-missing-so-that-the-line-is-long-too",
				 "", &response);
			wire_read_error(&client, &response, 404, "NoSuchKey");
		}
	} while (wire_metric(&server, "sluice_log_lines_lost_total") == 0);
	wire_log_resume(server.log);
	wire_log_sync(server.log);
	wire_get(&client, "/data/again", "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	wire_log_has(&server, "log lines were lost", "lines=");
	wire_log_has(&server, "path=/data/again ");
	wire_disconnect(&client);
	/* All but the lines of a connection that ends. */
	uint64_t lost = wire_metric(&server, "sluice_log_lines_lost_total");
	wire_server_stop(&server);
	cr_assert_eq(told_lost(&server), lost, "%s: what was lost is told", kinds[kind]);
	unsigned whole = whole_lines(&server);
	cr_assert_eq(whole + lost, requests + 1, "%s: %u requests, %u lines, %u lost", kinds[kind],
		     requests + 1, whole, (unsigned)lost);
}

Test(log_sinks, reader_that_stops)
{
	for (int kind = 0; kind < WIRE_LOG_KIND_COUNT; kind++) {
		if (kind == WIRE_LOG_FILE)
			continue;
		check_stopped_reader((enum wire_log_kind)kind, false);
		check_stopped_reader((enum wire_log_kind)kind, true);
	}
}

/* A reader that has gone: the server goes on, and says in the metrics what nobody could read. */
Test(log_sinks, reader_that_leaves)
{
	for (int writable = 0; writable < 2; writable++) {
		struct wire_server server = server_of(WIRE_LOG_PIPE, writable != 0);
		struct wire_client client = {0};

		server.may_lose_lines = server.may_differ = true;
		if (writable)
			wire_server_root(&server);
		wire_server_start(&server);
		wire_log_stop(server.log);
		wire_log_leave(server.log);
		wire_connect(&client, &server);
		for (int i = 0; i < REQUESTS; i++) {
			struct wire_response response;
			wire_get(&client, "/data/missing", "", &response);
			wire_read_error(&client, &response, 404, "NoSuchKey");
		}
		wire_metric_reaches(&server, "sluice_log_lines_lost_total", REQUESTS);
		wire_disconnect(&client);
		wire_server_stop(&server);
	}
}
