/* SPDX-License-Identifier: Apache-2.0 */
/* --min-rate over --rate-window: who takes too little is cut off, who is only slow is not. */
#include "wire/wire.h"

#include <poll.h>
#include <stdio.h>

TestSuite(slow, .timeout = WIRE_TIMEOUT);

#define WINDOW_MS     500
#define WINDOW_MS_MAX 16000
#define READS_A_WIN   5
#define READ_BYTES                                                                                 \
	6554 /* of a read at the minimum rate: 64 KiB/s, on a machine in no need of patience */
#define WINDOWS       4 /* that a reader above the minimum outlives */
#define BUFFER_BYTES  (32 * 1024)
#define CLOSED_SLOWLY "sluice_connections_closed_total{reason=\"slow_reader\"}"

struct slow {
	struct wire_server server;
	struct wire_client client;
	int window_ms;
	int pause_ms; /* between two reads */
	char option[2][64];
};

/* A longer window is for a slower machine: what is read in it stays the same, so that the rate
 * falls. */
static void begin(struct slow *slow, int window_ms)
{
	struct wire_response response;

	*slow = (struct slow){.client.receive_buffer_bytes = BUFFER_BYTES};
	slow->window_ms =
		wire_limit_option(&slow->server, "--rate-window", window_ms, slow->option[0]);
	slow->pause_ms = slow->window_ms / READS_A_WIN;
	snprintf(slow->option[1], 64, "--min-rate=%d", READ_BYTES * 1000 / slow->pause_ms);
	slow->server.option[0] = slow->option[0];
	slow->server.option[1] = slow->option[1];
	wire_server_start(&slow->server);
	wire_connect(&slow->client, &slow->server);
	wire_get(&slow->client, "/data/big", "", &response);
	cr_assert_eq(response.status, 200);
}

Test(slow, reader_that_has_stopped)
{
	struct slow slow;

	begin(&slow, WINDOW_MS);
	struct wire_server *server = &slow.server;
	uint64_t since_ms = wire_now_ms(), bytes = server->env.big_bytes;
	wire_metric_reaches(server, CLOSED_SLOWLY, 1);
	cr_assert_lt(wire_now_ms() - since_ms,
		     3 * (uint64_t)slow.window_ms + (uint64_t)wire_slack_ms(&server->env, 2000));
	wire_log_has(server, "msg=request ", "cut=slow_reader");
	cr_assert_lt(wire_read_some(&slow.client, WIRE_BIG_SEED, 0, bytes), bytes);
	cr_assert_neq(slow.client.end, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&slow.client);
	wire_serves_others(server);
	wire_server_stop(server);
}

/* A twentieth of the rate: what the client's own buffer takes at first does not save it. (What the
 * server's socket holds by then comes all the same.) */
Test(slow, reader_below_the_minimum)
{
	struct slow slow;
	uint64_t have = 0;

	begin(&slow, WINDOW_MS);
	struct wire_server *server = &slow.server;
	uint64_t end_ms = wire_patience_end(&server->env), bytes = READ_BYTES / 20;
	while (wire_metric(server, CLOSED_SLOWLY) == 0) {
		cr_assert_lt(wire_now_ms(), end_ms, "it may read as slowly as it likes");
		cr_assert_eq(wire_read_some(&slow.client, WIRE_BIG_SEED, have, bytes), bytes);
		have += bytes;
		poll(NULL, 0, slow.pause_ms);
	}
	cr_assert_eq(wire_metric(server, CLOSED_SLOWLY), 1);
	uint64_t rest = server->env.big_bytes - have;
	cr_assert_lt(wire_read_some(&slow.client, WIRE_BIG_SEED, have, rest), rest);
	cr_assert_neq(slow.client.end, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&slow.client);
	wire_server_stop(server);
}

/* Reads at four times the rate for some windows. False: between two reads so much time has passed,
 * by our own clock, that the server may have cut us off. */
static bool reads_in_time(struct slow *slow, uint64_t *have)
{
	const uint64_t bytes = 4 * READ_BYTES;
	uint64_t since_ms = wire_now_ms();

	for (*have = 0; *have < WINDOWS * READS_A_WIN * bytes; *have += bytes) {
		uint64_t n = wire_read_some(&slow->client, WIRE_BIG_SEED, *have, bytes);
		if (wire_now_ms() - since_ms > 2 * (uint64_t)slow->pause_ms)
			return false;
		cr_assert_eq(n, bytes, "the connection ended %s", wire_end_text(slow->client.end));
		since_ms = wire_now_ms();
		poll(NULL, 0, slow->pause_ms);
	}
	return true;
}

/* Left alone, and every byte comes. */
Test(slow, reader_above_the_minimum)
{
	struct slow slow;
	uint64_t have;
	int window_ms = WINDOW_MS;

	for (begin(&slow, window_ms); !reads_in_time(&slow, &have); begin(&slow, window_ms)) {
		wire_disconnect(&slow.client);
		wire_server_stop(&slow.server);
		window_ms *= 2;
		cr_assert_lt(window_ms, WINDOW_MS_MAX, "this machine is too slow to read in time");
	}
	uint64_t rest = slow.server.env.big_bytes - have;
	cr_assert_eq(wire_read_some(&slow.client, WIRE_BIG_SEED, have, rest), rest);
	wire_disconnect(&slow.client);
	cr_assert_eq(wire_metric(&slow.server, CLOSED_SLOWLY), 0);
	wire_server_stop(&slow.server);
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
