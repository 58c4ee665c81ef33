/* SPDX-License-Identifier: Apache-2.0 */
/* A client that comes again and again must not fill the log; nothing else is suppressed with it. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

TestSuite(log_flood, .timeout = WIRE_TIMEOUT);

#define CONNECTIONS 300
#define WORKERS     2 /* as wire_server_start has it */
#define KINDS       2 /* of lines that a visit leaves, at most */
#define SUPPRESSED  "sluice_log_lines_suppressed_total"

/* Each makes the server log at least one line of level info and ends the connection. */
static void no_tls(struct wire_server *server)
{
	struct wire_client client = {0};

	wire_connect_tcp(&client, server);
	wire_write_tcp(&client, "EHLO there\r\n", 12);
	char byte;
	while (wire_read_tcp(&client, &byte, 1)) /* an alert */
		continue;
	wire_disconnect(&client);
}

static void no_certificate(struct wire_server *server)
{
	struct wire_client client = {.cert = WIRE_CERT_NONE};

	wire_prepare(&client, server);
	wire_handshake_refused(&client, SSL_AD_CERTIFICATE_REQUIRED);
	wire_disconnect(&client);
}

static void nothing(struct wire_server *server)
{
	struct wire_client client = {0};

	wire_connect_tcp(&client, server);
	wire_reset(&client);
}

static void no_request(struct wire_server *server)
{
	struct wire_client client = {0};
	struct wire_response response;

	wire_connect(&client, server);
	wire_write(&client, "no request\r\n\r\n", 14);
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, 400);
	wire_disconnect(&client);
}

/* Lines of level info and above that are about clients, but requests that could be read. */
static unsigned event_lines(const struct wire_server *server)
{
	return wire_log_count(server, "msg=\"handshake failed\"") +
	       wire_log_count(server, "msg=\"connection closed\"") +
	       wire_log_count(server, "status=400");
}

static uint64_t told(struct wire_server *server)
{
	char line[WIRE_LINE_MAX];
	uint64_t lines = 0;
	FILE *file = fopen(server->log_path, "re");

	must(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, "log lines suppressed");
		if (at != NULL && (at = strstr(at, " lines=")) != NULL)
			lines += strtoull(at + 7, NULL, 10);
	}
	fclose(file);
	return lines;
}

static void flood(void (*visit)(struct wire_server *server))
{
	struct wire_server server = {.option = {"--log.level=info"}};
	struct wire_client client = {0};

	wire_server_start(&server);
	uint64_t since_ms = wire_now_ms();
	for (int i = 0; i < CONNECTIONS; i++)
		visit(&server);
	/* Each worker has a table of its own, and may be in its second window. */
	wire_metric_reaches(&server, SUPPRESSED, 1);
	wire_connect(&client, &server);
	for (int i = 0; i < CONNECTIONS; i++)
		wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_metric_falls(&server, "sluice_connections", 0);
	uint64_t suppressed = wire_metric(&server, SUPPRESSED);
	uint64_t windows = (wire_now_ms() - since_ms) / LOG_LIMIT_WINDOW_MS + 2;
	wire_server_stop(&server);
	unsigned written = event_lines(&server);
	cr_assert_eq(wire_log_count(&server, "status=200"), CONNECTIONS,
		     "requests are not events: each has its line");
	cr_assert_eq(told(&server), suppressed,
		     "what was suppressed is told, at the latest at the end");
	/* The slower we are, the more windows there are to write in. */
	cr_assert(suppressed > written || windows > 4, "%u written, %u suppressed", written,
		  (unsigned)suppressed);
	cr_assert_leq(written, windows * WORKERS * KINDS * LOG_LIMIT_LINES,
		      "%u written in %u windows", written, (unsigned)windows);
}

Test(log_flood, no_tls)
{
	flood(no_tls);
}

Test(log_flood, no_certificate)
{
	flood(no_certificate);
}

Test(log_flood, nothing)
{
	flood(nothing);
}

Test(log_flood, no_request)
{
	flood(no_request);
}
