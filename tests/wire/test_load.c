/* SPDX-License-Identifier: Apache-2.0 */
/* Many at once, and among them some that behave badly. */
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(load, .timeout = WIRE_TIMEOUT);

/* For clients that wait until this program comes to them, which on a slow machine takes longer than
 * --rate-window. Clients that hang are found by the clients' own deadline. */
#define ANY_RATE "--min-rate=0"

static void target_of(unsigned i, char target[64], uint64_t *size)
{
	*size = wire_sizes[i % wire_size_count];
	snprintf(target, 64, "/data/size-%llu", (unsigned long long)*size);
}

/* All connected, all asking before any reads: every answer waits for its reader. */
static void round_of_requests(struct wire_client *clients, unsigned count, unsigned round)
{
	struct wire_response response;
	char target[64];
	uint64_t size;

	for (unsigned i = 0; i < count; i++) {
		target_of(i + round, target, &size);
		cr_assert(wire_send(&clients[i], "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target));
	}
	for (unsigned i = 0; i < count; i++) {
		target_of(i + round, target, &size);
		wire_read_head(&clients[i], &response);
		cr_assert_eq(response.status, 200);
		wire_read_object(&clients[i], &response, size, 0, size);
	}
}

Test(load, two_hundred_clients)
{
	struct wire_server server = {.option = {ANY_RATE}};

	wire_server_start(&server);
	unsigned count = server.env.is_guest ? 50 : 200;
	struct wire_client *clients = calloc(count, sizeof(*clients));
	must(clients != NULL);
	for (unsigned i = 0; i < count; i++) {
		clients[i].ciphers = tls_cipher_label((enum tls_cipher)(i % TLS_CIPHER_COUNT));
		wire_connect(&clients[i], &server);
	}
	for (unsigned round = 0; round < 3; round++)
		round_of_requests(clients, count, round);
	cr_assert_eq(wire_metric(&server, "sluice_connections"), count);
	for (unsigned i = 0; i < count; i++)
		wire_disconnect(&clients[i]);
	wire_closed(&server, "client_done", count);
	free(clients);
	wire_server_stop(&server);
}

/* Clients that take nothing hold every sending buffer. Who asks then waits, is told that the server
 * is busy, and is served as soon as one of them is gone. */
Test(load, no_sending_buffer)
{
	char window[64];
	struct wire_server server = {
		.engine = "copy", .option = {"--workers=1", "--send-buffers=32", ANY_RATE, window}};
	struct wire_client holder[32 - SEND_BUFFERS_SPARED] = {0}, client = {0};
	struct wire_response response;

	uint64_t window_ms = (uint64_t)wire_limit_option(&server, "--rate-window", 500, window);
	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(holder); i++) {
		holder[i].receive_buffer_bytes = 32 * 1024;
		wire_connect(&holder[i], &server);
		wire_get(&holder[i], "/data/big", "", &response);
	}
	wire_connect(&client, &server);
	wire_get(&client, "/data/size-100", "", &response);
	wire_read_error(&client, &response, 503, "SlowDown");
	cr_assert_geq(wire_metric(&server, "sluice_tx_buffer_waits_total"), 1);
	wire_log_has(&server, "msg=request ", "path=/data/size-100 ", "status=503 ");

	uint64_t since_ms = wire_now_ms();
	cr_assert(wire_send(&client, "GET /data/size-100 HTTP/1.1\r\nHost: a\r\n\r\n"));
	wire_reset(&holder[0]);
	bool is_in_time = wire_now_ms() - since_ms < window_ms;
	wire_read_head(&client, &response);
	if (response.status == 503 && !is_in_time) { /* we were too slow; now there is one */
		wire_read_error(&client, &response, 503, "SlowDown");
		wire_get(&client, "/data/size-100", "", &response);
	}
	cr_assert_eq(response.status, 200);
	wire_read_object(&client, &response, 100, 0, 100);
	for (size_t i = 0; i < ARRAY_LEN(holder); i++)
		wire_disconnect(&holder[i]);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

#define STOPPED 32

/* STOPPED clients, with so small a window (receive_buffer_bytes), have sent text and read nothing.
 * Half of 40 buffers stay for others: nobody waits for one. Small segments: a server's socket then
 * holds some 100 KiB for each, not megabytes, of which a guest has too few. */
static void leave_buffers(const char *text, int receive_buffer_bytes)
{
	struct wire_server server = {
		.engine = "copy",
		.option = {"--workers=1", "--send-buffers=40", ANY_RATE, "--rate-window=1h"}};
	struct wire_client stopped[STOPPED] = {0};

	wire_server_start(&server);
	for (int i = 0; i < STOPPED; i++) {
		stopped[i].receive_buffer_bytes = receive_buffer_bytes;
		stopped[i].segment_bytes = 1400;
		wire_connect(&stopped[i], &server);
		cr_assert(wire_send(&stopped[i], "%s", text));
	}
	wire_metric_reaches(&server, "sluice_http_inflight_requests", STOPPED);
	for (int i = 0; i < 10; i++)
		wire_serves_others(&server);
	cr_assert_eq(wire_metric(&server, "sluice_tx_buffer_waits_total"), 0);
	for (int i = 0; i < STOPPED; i++)
		wire_disconnect(&stopped[i]);
	wire_server_stop(&server);
}

Test(load, stopped_readers_leave_buffers)
{
	leave_buffers("GET /data/big HTTP/1.1\r\nHost: a\r\n\r\n", 32 * 1024);
	leave_buffers("GET /data/big HTTP/1.1\r\nHost: a\r\n\r\n", 1);
}

/* So do those whose answers are small, but many. */
Test(load, stopped_pipelines_leave_buffers)
{
	static const char one[] = "GET /data/never-seen HTTP/1.1\r\nHost: a\r\n\r\n";
	enum { REQUESTS = 2000 };
	char *text = malloc(REQUESTS * (sizeof(one) - 1) + 1);

	must(text != NULL);
	text[0] = '\0';
	for (int i = 0; i < REQUESTS; i++)
		memcpy(text + (size_t)i * (sizeof(one) - 1), one, sizeof(one));
	leave_buffers(text, 1);
	free(text);
}

/* One buffer that comes back serves all who wait, one after the other and at once, though they are
 * more than there are buffers. */
Test(load, many_wait_for_a_sending_buffer)
{
	char window[32];
	struct wire_server server = {
		.engine = "copy", .option = {"--workers=1", "--send-buffers=32", ANY_RATE, window}};
	struct wire_client holder[32 - SEND_BUFFERS_SPARED] = {0};
	struct wire_client *clients = calloc(2 * 32, sizeof(*clients));
	struct wire_response response;

	must(clients != NULL);
	wire_env_need(&server.env);
	/* Longer than this test waits for anything. */
	snprintf(window, sizeof(window), "--rate-window=%dms", 2 * wire_patience_ms(&server.env));
	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(holder); i++) {
		holder[i].receive_buffer_bytes = 32 * 1024;
		wire_connect(&holder[i], &server);
		wire_get(&holder[i], "/data/big", "", &response);
	}
	for (int i = 0; i < 2 * 32; i++) {
		wire_connect(&clients[i], &server);
		cr_assert(wire_send(&clients[i], "GET /data/size-100 HTTP/1.1\r\nHost: a\r\n\r\n"));
	}
	wire_metric_reaches(&server, "sluice_tx_buffer_waits_total", 2 * 32);
	wire_reset(&holder[0]);
	for (int i = 0; i < 2 * 32; i++) { /* within a deadline that is shorter than the window */
		wire_read_head(&clients[i], &response);
		cr_assert_eq(response.status, 200);
		wire_read_object(&clients[i], &response, 100, 0, 100);
		wire_disconnect(&clients[i]);
	}
	for (size_t i = 1; i < ARRAY_LEN(holder); i++)
		wire_disconnect(&holder[i]);
	free(clients);
	wire_server_stop(&server);
}

/* A client that pipelines more than a turn's requests, and takes nothing: cut as a slow reader, by
 * its rate, and nobody else notices. The first request goes to the disk for its answer. */
Test(load, pipelining_without_reading)
{
	static const char first[] = "GET /data/never-seen HTTP/1.1\r\nHost: a\r\n\r\n",
			  next[] = "GET /data/big HTTP/1.1\r\nHost: a\r\n"
				   "Range: bytes=0-143359\r\n\r\n";
	char text[sizeof(first) + 3 * REQUESTS_PER_WAKE * sizeof(next)], head[64], window[64];
	struct wire_server server = {.option = {"--workers=1", head, window, "--min-rate=1MiB"}};
	struct wire_client client = {.receive_buffer_bytes = 32 * 1024};
	size_t len = sizeof(first) - 1;

	wire_limit_option(&server, "--head-timeout", 300, head);
	wire_limit_option(&server, "--rate-window", 1000, window);
	wire_server_start(&server);
	wire_connect(&client, &server);
	memcpy(text, first, len);
	for (int i = 0; i < 3 * REQUESTS_PER_WAKE; i++, len += sizeof(next) - 1)
		memcpy(text + len, next, sizeof(next) - 1);
	cr_assert(wire_write(&client, text, len)); /* one record */
	wire_closed(&server, "slow_reader", 1);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* Resets in the middle of large bodies; whoever shares the thread gets all of his own. */
Test(load, resets_beside_downloads)
{
	struct wire_server server = {.option = {"--workers=1", ANY_RATE}};
	struct wire_client good[4] = {0}, *bad = calloc(20, sizeof(*bad));
	struct wire_response response;

	must(bad != NULL);
	wire_server_start(&server);
	for (int i = 0; i < 4; i++)
		wire_connect(&good[i], &server);
	for (int i = 0; i < 20; i++) {
		bad[i].receive_buffer_bytes = 32 * 1024;
		wire_connect(&bad[i], &server);
		wire_get(&bad[i], "/data/big", "", &response);
		cr_assert_eq(response.status, 200);
	}
	for (int i = 0; i < 20; i++) {
		wire_reset(&bad[i]);
		wire_fetch(&good[i % 4], "/data/size-1048577", 1048577, 1048577);
	}
	wire_closed(&server, "client_reset", 20);
	wire_log_has(&server, "msg=request ", "path=/data/big ", "cut=client_reset");
	for (int i = 0; i < 4; i++)
		wire_disconnect(&good[i]);
	free(bad);
	wire_server_stop(&server);
}

/* Clients that have asked for much and read nothing hold no one up: not the thread, and not the
 * buffers that others need. */
Test(load, stopped_readers)
{
	struct wire_server server = {.option = {"--workers=1", ANY_RATE}};
	struct wire_response response;

	wire_server_start(&server);
	unsigned count = server.env.is_guest ? 16 : 64;
	struct wire_client *stopped = calloc(count, sizeof(*stopped));
	must(stopped != NULL);
	for (unsigned i = 0; i < count; i++) {
		stopped[i].receive_buffer_bytes = 32 * 1024;
		wire_connect(&stopped[i], &server);
		wire_send(&stopped[i], "GET /data/big HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	wire_metric_reaches(&server, "sluice_http_inflight_requests", count);
	for (int i = 0; i < 10; i++)
		wire_serves_others(&server);
	/* And they are served as soon as they read. */
	wire_read_head(&stopped[0], &response);
	wire_read_object(&stopped[0], &response, WIRE_BIG_SEED, 0, server.env.big_bytes);
	for (unsigned i = 0; i < count; i++)
		wire_reset(&stopped[i]);
	wire_serves_others(&server);
	free(stopped);
	wire_server_stop(&server);
}

/* Connections that come and go as fast as they can. */
Test(load, many_short_connections)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	int count = server.env.is_guest ? 30 : 200;
	for (int i = 0; i < count; i++) {
		struct wire_client client = {0};
		wire_connect(&client, &server);
		if (i % 4 != 0)
			wire_fetch(&client, "/data/size-100", 100, 100);
		if (i % 3 == 0)
			wire_reset(&client);
		else
			wire_disconnect(&client);
	}
	wire_metric_reaches(&server, "sluice_connections_accepted_total", (uint64_t)count);
	wire_serves_others(&server);
	wire_server_stop(&server);
}
