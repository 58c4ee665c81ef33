/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines and bounds: each with its close, its reason, and others that are served meanwhile. */
#include "wire/wire.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(limits, .timeout = WIRE_TIMEOUT);

#define LIMIT_MS     1000
#define LIMIT_MS_MAX 30000

/* --NAME=ms, stretched as this machine needs it; returns what it is then. */
static int limit_set(struct wire_server *server, const char *name, int ms, char option[64])
{
	int limit_ms = wire_limit_option(server, name, ms, option);
	server->option[0] = option;
	wire_server_start(server);
	return limit_ms;
}

/* The connection ends not before the limit and not long after it; since_ms: before what set it. */
static void expect_end_in_time(struct wire_client *client, uint64_t since_ms, enum wire_end end)
{
	const struct wire_env *env = &client->server->env;
	uint64_t limit_ms = (uint64_t)wire_ms(env, LIMIT_MS);

	wire_expect_end(client, end);
	uint64_t took_ms = wire_now_ms() - since_ms;
	cr_assert(took_ms >= limit_ms, "closed after %d ms", (int)took_ms);
	cr_assert_lt(took_ms, limit_ms + (uint64_t)wire_slack_ms(env, 2000), "closed after %d ms",
		     (int)took_ms);
}

Test(limits, idle_timeout)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[64];

	limit_set(&server, "--idle-timeout", LIMIT_MS, option);
	wire_connect(&client, &server);
	uint64_t since_ms = wire_now_ms();
	wire_fetch(&client, "/data/size-100", 100, 100);
	expect_end_in_time(&client, since_ms, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "idle_timeout", 1);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* From the handshake on, without any request. */
Test(limits, idle_timeout_of_a_new_connection)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[64];

	limit_set(&server, "--idle-timeout", LIMIT_MS, option);
	uint64_t since_ms = wire_now_ms();
	wire_connect(&client, &server);
	expect_end_in_time(&client, since_ms, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "idle_timeout", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Asks six times, with pauses of half the limit. False: between two requests more than the limit
 * has passed, by our own clock, so that the server may have closed. */
static bool asks_in_time(const struct wire_server *server, int limit_ms)
{
	struct wire_client client = {0};
	struct wire_response response;
	uint64_t since_ms = 0;
	bool is_in_time = true;

	wire_connect(&client, server);
	for (int i = 0; is_in_time && i < 6; i++) {
		uint64_t before_ms = wire_now_ms();
		wire_send(&client, "GET /data/size-100 HTTP/1.1\r\nHost: a\r\n\r\n");
		is_in_time = i == 0 || wire_now_ms() - since_ms < (uint64_t)limit_ms;
		since_ms = before_ms;
		if (!is_in_time)
			break;
		wire_read_head(&client, &response);
		wire_read_object(&client, &response, 100, 0, 100);
		poll(NULL, 0, limit_ms / 2);
	}
	wire_disconnect(&client);
	return is_in_time;
}

Test(limits, requests_keep_a_connection_from_being_idle)
{
	bool is_done = false;
	char option[64];

	for (int ms = LIMIT_MS; !is_done; ms *= 2) {
		struct wire_server server = {0};
		cr_assert_lt(ms, LIMIT_MS_MAX, "this machine is too slow to ask in time");
		int limit_ms = limit_set(&server, "--idle-timeout", ms, option);
		is_done = asks_in_time(&server, limit_ms);
		wire_server_stop(&server);
	}
}

Test(limits, half_a_head)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[64];

	limit_set(&server, "--head-timeout", LIMIT_MS, option);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	uint64_t since_ms = wire_now_ms();
	wire_send(&client, "GET /data/size-100 HTTP/1.1\r\nHost: loc");
	expect_end_in_time(&client, since_ms, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "head_timeout", 1);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* Each byte restarts nothing: the deadline is for the whole head. */
Test(limits, dribbled_head)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[64];

	limit_set(&server, "--head-timeout", LIMIT_MS, option);
	wire_connect(&client, &server);
	uint64_t since_ms = wire_now_ms();
	wire_send(&client, "GET /data/size-100 HTTP/1.1\r\nX: ");
	for (int i = 0; i < 100 && wire_is_silent(&client, 50); i++)
		wire_send(&client, "x");
	expect_end_in_time(&client, since_ms, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "head_timeout", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The rest of a head that began behind another request. */
Test(limits, half_a_pipelined_head)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char option[64];

	limit_set(&server, "--head-timeout", LIMIT_MS, option);
	wire_connect(&client, &server);
	uint64_t since_ms = wire_now_ms();
	wire_send(&client, "GET /data/size-1 HTTP/1.1\r\nHost: a\r\n\r\nGET /data");
	wire_read_head(&client, &response);
	wire_read_object(&client, &response, 1, 0, 1);
	expect_end_in_time(&client, since_ms, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "head_timeout", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(limits, half_a_body)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char option[64];

	limit_set(&server, "--head-timeout", LIMIT_MS, option);
	wire_connect(&client, &server);
	uint64_t since_ms = wire_now_ms();
	wire_send(&client, "PUT /data/new HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 405, "MethodNotAllowed");
	expect_end_in_time(&client, since_ms, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "body_timeout", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The connection over the limit is closed at once; when one goes, the next is served. */
Test(limits, max_connections)
{
	struct wire_server server = {.option = {"--max-connections=4"}};
	struct wire_client client[4] = {0}, over = {0};

	wire_server_start(&server);
	for (int i = 0; i < 4; i++) {
		wire_connect(&client[i], &server);
		wire_fetch(&client[i], "/data/size-100", 100, 100);
	}
	wire_prepare(&over, &server);
	cr_assert(!wire_handshake(&over));
	cr_assert(over.end == WIRE_END_FIN || over.end == WIRE_END_RESET, "ended %s",
		  wire_end_text(over.end));
	wire_metric_reaches(&server, "sluice_connections_refused_total", 1);
	wire_log_has(&server, "level=warn", "max-connections");
	cr_assert_eq(wire_metric(&server, "sluice_connections"), 4);
	wire_disconnect(&over);

	wire_disconnect(&client[0]);
	wire_closed(&server, "client_done", 1);
	wire_metric_falls(&server, "sluice_connections", 3);
	wire_serves_others(&server);
	for (int i = 1; i < 4; i++) {
		wire_fetch(&client[i], "/data/size-100", 100, 100);
		wire_disconnect(&client[i]);
	}
	wire_server_stop(&server);
}

/* Everything that a connection had is given back: the count returns to nothing. */
Test(limits, connections_return_to_zero)
{
	struct wire_server server = {0};
	struct wire_client tcp = {0}, early = {.cert = WIRE_CERT_NONE}, half = {0}, done = {0};

	wire_server_start(&server);
	wire_connect_tcp(&tcp, &server);
	wire_connect(&early, &server);
	wire_connect(&half, &server);
	wire_send(&half, "GET /data/big HTTP/1.1\r\nHost: a\r\n\r\n");
	wire_connect(&done, &server);
	wire_fetch(&done, "/data/size-131073", 131073, 131073);
	wire_metric_reaches(&server, "sluice_connections_accepted_total", 4);
	wire_disconnect(&tcp);
	wire_expect_alert(&early, 116);
	wire_disconnect(&early);
	wire_reset(&half);
	wire_disconnect(&done);
	wire_metric_falls(&server, "sluice_connections", 0);
	wire_metric_falls(&server, "sluice_http_inflight_requests", 0);
	wire_serves_others(&server);
	wire_server_stop(&server);
}
