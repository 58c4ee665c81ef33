/* SPDX-License-Identifier: Apache-2.0 */
/* --min-rate over --rate-window: who takes too little is cut off, who is only slow is not. */
#include "wire/wire.h"

#include <poll.h>
#include <stdio.h>

TestSuite(slow, .timeout = WIRE_TIMEOUT);

#define WINDOW_MS     500
#define MIN_RATE_KIB  64 /* in a second */
#define READS_A_WIN   5
#define SLOW_BYTES    (MIN_RATE_KIB * 1024 / 1000 * WINDOW_MS / READS_A_WIN)
#define BUFFER_BYTES  (32 * 1024)
#define CLOSED_SLOWLY "sluice_connections_closed_total{reason=\"slow_reader\"}"

/* Returns the window in milliseconds: stretched as the run is. */
static int begin(struct wire_server *server, struct wire_client *client, char option[2][64])
{
	struct wire_response response;

	wire_env_need(&server->env);
	int window_ms = wire_limit_ms(&server->env, WINDOW_MS);
	snprintf(option[0], 64, "--rate-window=%dms", window_ms);
	snprintf(option[1], 64, "--min-rate=%dKiB", MIN_RATE_KIB);
	server->option[0] = option[0];
	server->option[1] = option[1];
	client->receive_buffer_bytes = BUFFER_BYTES;
	wire_server_start(server);
	wire_connect(client, server);
	wire_get(client, "/data/big", "", &response);
	cr_assert_eq(response.status, 200);
	return window_ms;
}

/* bytes, again and again within a window, until the server cuts or windows have passed. */
static uint64_t read_slowly(struct wire_client *client, uint64_t bytes, int window_ms, int windows)
{
	uint64_t have = 0;

	for (int i = 0; i < windows * READS_A_WIN; i++) {
		uint64_t n = wire_read_some(client, WIRE_BIG_SEED, have, bytes);
		have += n;
		if (n < bytes)
			break;
		poll(NULL, 0, window_ms / READS_A_WIN);
	}
	return have;
}

Test(slow, reader_that_has_stopped)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[2][64];

	int window_ms = begin(&server, &client, option);
	uint64_t since_ms = wire_now_ms(), bytes = server.env.big_bytes;
	wire_metric_reaches(&server, CLOSED_SLOWLY, 1);
	cr_assert_lt(wire_now_ms() - since_ms,
		     3 * (uint64_t)window_ms + (uint64_t)wire_ms(&server.env, 2000));
	wire_log_has(&server, "msg=request ", "cut=slow_reader");
	cr_assert_lt(wire_read_some(&client, WIRE_BIG_SEED, 0, bytes), bytes);
	cr_assert_neq(client.end, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* A twentieth of the rate: what the client's own buffer takes at first does not save it. (What the
 * server's socket holds by then comes all the same.) */
Test(slow, reader_below_the_minimum)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[2][64];

	int window_ms = begin(&server, &client, option);
	uint64_t have = read_slowly(&client, SLOW_BYTES / 20, window_ms, 4);
	cr_assert_eq(wire_metric(&server, CLOSED_SLOWLY), 1, "while it was still reading");
	uint64_t rest = server.env.big_bytes - have;
	cr_assert_lt(wire_read_some(&client, WIRE_BIG_SEED, have, rest), rest);
	cr_assert_neq(client.end, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Four times the rate, for ten windows: left alone, and every byte comes. */
Test(slow, reader_above_the_minimum)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[2][64];

	int window_ms = begin(&server, &client, option);
	uint64_t have = read_slowly(&client, 4 * SLOW_BYTES, window_ms, 10);
	cr_assert_eq(have, 10 * READS_A_WIN * 4 * SLOW_BYTES, "the connection ended %s",
		     wire_end_text(client.end));
	uint64_t rest = server.env.big_bytes - have;
	cr_assert_eq(wire_read_some(&client, WIRE_BIG_SEED, have, rest), rest);
	wire_disconnect(&client);
	cr_assert_eq(wire_metric(&server, CLOSED_SLOWLY), 0);
	wire_server_stop(&server);
}

/* --min-rate=0: nobody is too slow, be it a client that has taken less than what TLS adds to the
 * bytes that wait for it. */
Test(slow, reader_of_nothing_where_any_rate_will_do)
{
	struct wire_server server = {.option = {"--min-rate=0", "--rate-window=500ms"}};
	struct wire_client client = {.receive_buffer_bytes = 1}; /* the kernel's least */

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "GET /data/big HTTP/1.1\r\nHost: a\r\n\r\n");
	wire_metric_reaches(&server, "sluice_http_inflight_requests", 1);
	poll(NULL, 0, 4 * 500);
	cr_assert_eq(wire_metric(&server, CLOSED_SLOWLY), 0);
	wire_reset(&client);
	wire_closed(&server, "client_reset", 1);
	wire_server_stop(&server);
}
