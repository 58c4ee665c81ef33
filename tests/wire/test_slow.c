/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios that wait for half a minute and more: only with WIRE_SLOW=1 (wire_main.c). */
#include "wire/wire.h"

#include <poll.h>

TestSuite(slow, .timeout = WIRE_TIMEOUT);

/* RATE_WINDOW_MS of base/limits.h is in real time, whatever the machine. */
Test(slow, reader_that_has_stopped)
{
	struct wire_server server = {0};
	struct wire_client client = {.receive_buffer_bytes = 32 * 1024};
	struct wire_response response;
	const char *closed = "sluice_connections_closed_total{reason=\"slow_reader\"}";

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_get(&client, "/data/big", "", &response);
	uint64_t since_ms = wire_now_ms();
	while (wire_metric(&server, closed) == 0) {
		cr_assert_lt(wire_now_ms() - since_ms, 3 * RATE_WINDOW_MS + 5000);
		poll(NULL, 0, 200);
	}
	cr_assert_geq(wire_now_ms() - since_ms + 200, RATE_WINDOW_MS);
	wire_log_has(&server, "msg=request ", "cut=slow_reader");
	uint64_t bytes = server.env.big_bytes;
	cr_assert_lt(wire_read_some(&client, WIRE_BIG_SEED, 0, bytes), bytes);
	cr_assert_neq(client.end, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* Slow, and above the minimum: 64 KiB every two seconds over two windows. */
Test(slow, reader_that_is_slow)
{
	struct wire_server server = {0};
	struct wire_client client = {.receive_buffer_bytes = 32 * 1024};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_get(&client, "/data/big", "", &response);
	uint64_t since_ms = wire_now_ms(), have = 0;
	while (wire_now_ms() - since_ms < 2 * RATE_WINDOW_MS + 5000) {
		uint64_t n = wire_read_some(&client, WIRE_BIG_SEED, have, 64 * 1024);
		cr_assert_eq(n, 64 * 1024, "the connection ended %s", wire_end_text(client.end));
		have += n;
		poll(NULL, 0, 2000);
	}
	uint64_t rest = server.env.big_bytes - have;
	cr_assert_eq(wire_read_some(&client, WIRE_BIG_SEED, have, rest), rest);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
