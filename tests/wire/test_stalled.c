/* SPDX-License-Identifier: Apache-2.0 */
/* A server that stood still for longer than its time limits (a busy or paused machine) does not
 * blame clients that were in time; and a client that is slow hears the end of what it is told. */
#include "wire/wire.h"
#include "wire/wire_put.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(stalled, .timeout = WIRE_TIMEOUT);

#define LIMIT_MS     1500
#define LIMIT_MS_MAX 60000
#define WHOLE        "GET /data/size-100 HTTP/1.1\r\nHost: a\r\n\r\n"

/* A server with one worker, and more clients than it handles in one wake-up. */
struct stalled {
	struct wire_server server;
	struct wire_client *client;
	unsigned count;
	int limit_ms;
	uint64_t since_ms; /* nothing of the limit has passed before */
	char option[64];
};

static void begin(struct stalled *stalled, const char *limit, int ms)
{
	*stalled = (struct stalled){0};
	stalled->limit_ms = wire_limit_option(&stalled->server, limit, ms, stalled->option);
	stalled->server.option[0] = "--workers=1";
	stalled->server.option[1] = stalled->option;
	stalled->count = stalled->server.env.is_guest ? 40 : 280;
	stalled->client = calloc(stalled->count, sizeof(*stalled->client));
	must(stalled->client != NULL);
	wire_server_start(&stalled->server);
	stalled->since_ms = wire_now_ms();
	for (unsigned i = 0; i < stalled->count; i++)
		wire_connect(&stalled->client[i], &stalled->server);
}

static void end(struct stalled *stalled)
{
	for (unsigned i = 0; i < stalled->count; i++)
		wire_disconnect(&stalled->client[i]);
	free(stalled->client);
	wire_server_stop(&stalled->server);
}

static void send_all(struct stalled *stalled, const char *text)
{
	for (unsigned i = 0; i < stalled->count; i++)
		wire_send(&stalled->client[i], "%s", text);
	for (unsigned i = 0; i < stalled->count; i++)
		wire_await_delivery(&stalled->client[i]);
}

/*
 * The limit passes while the server stands still and text from every client waits for it. False: by
 * our own clock it may have passed before; the caller starts again with more time.
 */
static bool stall(struct stalled *stalled, const char *text)
{
	wire_server_pause(&stalled->server);
	bool is_in_time = wire_now_ms() - stalled->since_ms < (uint64_t)stalled->limit_ms;
	if (is_in_time) {
		send_all(stalled, text);
		poll(NULL, 0, stalled->limit_ms + 2 * TICK_MS);
	}
	wire_server_resume(&stalled->server);
	return is_in_time;
}

static void all_are_served(struct stalled *stalled)
{
	struct wire_response response;

	for (unsigned i = 0; i < stalled->count; i++) {
		wire_read_head(&stalled->client[i], &response);
		cr_assert_eq(response.status, 200, "client %u: %s", i, response.head);
		wire_read_object(&stalled->client[i], &response, 100, 0, 100);
	}
	end(stalled);
}

Test(stalled, idle_clients_that_have_asked)
{
	struct stalled stalled;
	int ms = LIMIT_MS;

	for (begin(&stalled, "--idle-timeout", ms); !stall(&stalled, WHOLE);
	     begin(&stalled, "--idle-timeout", ms)) {
		cr_assert_lt(ms *= 2, LIMIT_MS_MAX, "this machine is too slow");
		end(&stalled);
	}
	all_are_served(&stalled);
}

Test(stalled, heads_that_were_ended)
{
	static const char first[] = "GET /data/size-100 HTTP/1.1\r\nHo";
	struct stalled stalled;

	for (int ms = LIMIT_MS;; ms *= 2) {
		cr_assert_lt(ms, LIMIT_MS_MAX, "this machine is too slow");
		begin(&stalled, "--head-timeout", ms);
		stalled.since_ms = wire_now_ms();
		send_all(&stalled, first);
		wire_serves_others(&stalled.server); /* after it has handled the halves */
		if (stall(&stalled, "st: a\r\n\r\n"))
			break;
		end(&stalled);
	}
	all_are_served(&stalled);
}

/* ---- Uploads and downloads: a window of the minimum rate passes while the server stands still ---
 */

static void begin_with_window(struct stalled *stalled)
{
	*stalled = (struct stalled){.server.writable = true};
	stalled->limit_ms =
		wire_limit_option(&stalled->server, "--rate-window", LIMIT_MS, stalled->option);
	stalled->server.option[0] = "--workers=1";
	stalled->server.option[1] = stalled->option;
	stalled->server.option[2] = "--min-rate=1KiB";
	stalled->count = stalled->server.env.is_guest ? 40 : 280;
	stalled->client = calloc(stalled->count, sizeof(*stalled->client));
	must(stalled->client != NULL);
	wire_pattern_write(wire_server_root(&stalled->server), "data/size-100", 100, 100);
	wire_server_start(&stalled->server);
	for (unsigned i = 0; i < stalled->count; i++)
		wire_connect(&stalled->client[i], &stalled->server);
}

/* For a whole window, and the rest of the one in which it stopped. */
static void stall_for_windows(struct stalled *stalled)
{
	poll(NULL, 0, 2 * stalled->limit_ms + 2 * TICK_MS);
	wire_server_resume(&stalled->server);
}

Test(stalled, bodies_that_were_sent)
{
	struct stalled stalled;
	struct wire_response response;

	begin_with_window(&stalled);
	for (unsigned i = 0; i < stalled.count; i++)
		cr_assert(wire_send(&stalled.client[i],
				    "PUT /data/body-%u HTTP/1.1\r\nHost: a\r\n"
				    "Content-Length: 100\r\n\r\n",
				    i));
	wire_metric_reaches(&stalled.server, "sluice_http_inflight_requests", stalled.count);
	wire_server_pause(&stalled.server);
	char body[101] = "";
	wire_pattern_fill(100, 0, body, 100);
	for (unsigned i = 0; i < stalled.count; i++)
		cr_assert(wire_write(&stalled.client[i], body, 100));
	for (unsigned i = 0; i < stalled.count; i++)
		wire_await_delivery(&stalled.client[i]);
	stall_for_windows(&stalled);
	for (unsigned i = 0; i < stalled.count; i++) {
		wire_read_head(&stalled.client[i], &response);
		cr_assert_eq(response.status, 200, "client %u: %s", i, response.head);
	}
	end(&stalled);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* A refused upload whose client keeps sending for longer than LINGER_MS: no reset cuts it off from
 * its answer. */
Test(stalled, client_that_sends_on_slowly)
{
	static const char part[16 * 1024];
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "PUT /data/new HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
		  1 << 30);
	uint64_t since_ms = wire_now_ms();
	while (wire_now_ms() - since_ms < LINGER_MS + LINGER_MS / 2) {
		cr_assert(wire_write(&client, part, sizeof(part)), "not heard out");
		poll(NULL, 0, LINGER_MS / 50);
	}
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 405, "MethodNotAllowed");
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
