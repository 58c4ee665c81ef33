/* SPDX-License-Identifier: Apache-2.0 */
/* SIGTERM: what runs is finished, the rest is closed in order, and the program leaves in time. */
#include "wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(drain, .timeout = WIRE_TIMEOUT);

#define FIRST          (1u << 20)
/* cli.h; typed again so that a change of the documented code is seen. */
#define DRAIN_DEADLINE 9

static bool can_connect(const struct wire_server *server)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_connected = connect(fd, (const struct sockaddr *)&server->sock_addr,
				    sizeof(server->sock_addr)) == 0;

	cr_assert(is_connected || errno == ECONNREFUSED || errno == ECONNRESET, "connect: %s",
		  strerror(errno));
	close(fd);
	return is_connected;
}

static void download_begin(struct wire_server *server, struct wire_client *client)
{
	struct wire_response response;

	client->receive_buffer_bytes = 64 * 1024;
	wire_connect(client, server);
	wire_get(client, "/data/big", "", &response);
	cr_assert_eq(response.status, 200);
	cr_assert_eq(wire_read_some(client, WIRE_BIG_SEED, 0, FIRST), FIRST);
}

/* The listener is gone soon after the signal. */
static void refuses_soon(const struct wire_server *server)
{
	uint64_t end_ms = wire_patience_end(&server->env);

	while (can_connect(server)) {
		cr_assert_lt(wire_now_ms(), end_ms, "connections are still accepted");
		poll(NULL, 0, 5);
	}
}

static void not_ready_soon(const struct wire_server *server)
{
	uint64_t end_ms = wire_patience_end(&server->env);

	while (wire_admin_get(server, "/-/ready", NULL) != 503)
		cr_assert_lt(wire_now_ms(), end_ms, "/-/ready does not say 503");
	cr_assert_eq(wire_admin_get(server, "/-/healthy", NULL), 200);
}

Test(drain, download_is_finished)
{
	struct wire_server server = {0};
	struct wire_client busy = {0}, idle = {0}, fresh = {0};

	wire_server_start(&server);
	wire_connect(&idle, &server);
	wire_fetch(&idle, "/data/size-100", 100, 100);
	wire_connect(&fresh, &server);
	download_begin(&server, &busy);
	wire_server_terminate(&server);
	not_ready_soon(&server);
	wire_expect_end(&idle, WIRE_END_CLOSE_NOTIFY);
	wire_expect_end(&fresh, WIRE_END_CLOSE_NOTIFY);
	refuses_soon(&server);
	cr_assert(wire_server_is_running(&server));

	uint64_t rest = server.env.big_bytes - FIRST;
	cr_assert_eq(wire_read_some(&busy, WIRE_BIG_SEED, FIRST, rest), rest);
	wire_expect_end(&busy, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&busy);
	wire_disconnect(&idle);
	wire_disconnect(&fresh);
	int exit_code = wire_server_wait(&server);
	cr_assert_eq(exit_code, 0, "exit code %d", exit_code);
	wire_log_has(&server, "reason=drained ");
	cr_assert_eq(wire_log_count(&server, "reason=drain_timeout"), 0);
}

/* A request whose head is half here is still served, or refused in order; never left hanging. */
Test(drain, half_a_head)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "GET /data/size-100 HTTP/1.1\r\nHo");
	wire_await_delivery(&client);
	wire_server_terminate(&server);
	refuses_soon(&server);
	wire_send(&client, "st: localhost\r\n\r\n");
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, 200);
	cr_assert(response.says_close);
	wire_read_object(&client, &response, 100, 0, 100);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	cr_assert_eq(wire_server_wait(&server), 0);
}

/* Requests, whole ones and halves, that have come before the signal, of which a busy server has not
 * read a byte: more than it looks at in one turn. */
Test(drain, requests_that_nobody_has_read)
{
	static const char *const begin[] = {"GET /data/size-100 HTTP/1.1\r\nHo",
					    "GET /data/size-100 HTTP/1.1\r\nHost: a\r\n\r\n"};
	struct wire_server server = {.option = {"--workers=1"}};
	struct wire_response response;

	wire_server_start(&server);
	unsigned count = server.env.is_guest ? 40 : 280;
	struct wire_client *client = calloc(count, sizeof(*client));
	must(client != NULL);
	for (unsigned i = 0; i < count; i++) {
		wire_connect(&client[i], &server);
		wire_fetch(&client[i], "/data/size-1", 1, 1);
	}
	wire_server_pause(&server);
	for (unsigned i = 0; i < count; i++)
		wire_send(&client[i], "%s", begin[i % 2]);
	for (unsigned i = 0; i < count; i++)
		wire_await_delivery(&client[i]);
	wire_server_terminate(&server);
	wire_server_resume(&server);
	not_ready_soon(&server);
	for (unsigned i = 0; i < count; i++) {
		if (i % 2 == 0)
			wire_send(&client[i], "st: a\r\n\r\n");
		wire_read_head(&client[i], &response);
		cr_assert_eq(response.status, 200);
		wire_read_object(&client[i], &response, 100, 0, 100);
		wire_expect_end(&client[i], WIRE_END_CLOSE_NOTIFY);
		wire_disconnect(&client[i]);
	}
	free(client);
	cr_assert_eq(wire_server_wait(&server), 0);
}

/* Nothing runs, so nothing is cut, however little time there is. */
Test(drain, no_time_and_nothing_to_do)
{
	struct wire_server server = {.option = {"--drain-timeout=0s"}};
	struct wire_client idle = {0}, half = {0}, greeting = {0};

	wire_server_start(&server);
	wire_connect(&idle, &server);
	wire_fetch(&idle, "/data/size-100", 100, 100);
	wire_connect(&half, &server);
	wire_send(&half, "GET /data/size-100 HT");
	wire_connect_tcp(&greeting, &server);
	wire_server_terminate(&server);
	int exit_code = wire_server_wait(&server);
	cr_assert_eq(exit_code, 0, "exit code %d", exit_code);
	cr_assert_eq(wire_log_count(&server, "reason=drain_timeout"), 0);
	wire_disconnect(&idle);
	wire_disconnect(&half);
	wire_disconnect(&greeting);
}

/* A client that does not read is not waited for longer than --drain-timeout. */
Test(drain, timeout_is_exceeded)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char option[64];

	uint64_t limit_ms = (uint64_t)wire_limit_option(&server, "--drain-timeout", 1000, option);
	server.option[0] = option;
	wire_server_start(&server);
	download_begin(&server, &client);
	uint64_t since_ms = wire_now_ms();
	wire_server_terminate(&server);
	int exit_code = wire_server_wait(&server);
	uint64_t took_ms = wire_now_ms() - since_ms;
	cr_assert_eq(exit_code, DRAIN_DEADLINE, "exit code %d after %d ms", exit_code,
		     (int)took_ms);
	cr_assert_geq(took_ms, limit_ms, "left after %d ms", (int)took_ms);
	cr_assert_lt(took_ms, limit_ms + (uint64_t)wire_slack_ms(&server.env, 2000),
		     "left after %d ms", (int)took_ms);
	wire_log_has(&server, "reason=drain_timeout ");
	wire_log_has(&server, "msg=request ", "cut=drain_timeout");

	/* What was cut does not look whole. */
	uint64_t rest = server.env.big_bytes - FIRST;
	cr_assert_lt(wire_read_some(&client, WIRE_BIG_SEED, FIRST, rest), rest);
	cr_assert_neq(client.end, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
}

/* A second signal means at once. */
Test(drain, second_signal)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	download_begin(&server, &client);
	wire_server_terminate(&server);
	not_ready_soon(&server);
	uint64_t since_ms = wire_now_ms();
	kill(server.pid, SIGTERM);
	int exit_code = wire_server_wait(&server);
	cr_assert_eq(exit_code, DRAIN_DEADLINE, "exit code %d", exit_code);
	cr_assert_lt(wire_now_ms() - since_ms, (uint64_t)wire_slack_ms(&server.env, 5000));
	wire_log_has(&server, "msg=\"stopped; 1 responses were cut\"");
	wire_disconnect(&client);
}

Test(drain, sigint_too)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	kill(server.pid, SIGINT);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	cr_assert_eq(wire_server_wait(&server), 0);
}

/* Nobody is there: it leaves at once. */
Test(drain, nothing_to_wait_for)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	uint64_t since_ms = wire_now_ms();
	wire_server_terminate(&server);
	cr_assert_eq(wire_server_wait(&server), 0);
	cr_assert_lt(wire_now_ms() - since_ms, (uint64_t)wire_slack_ms(&server.env, 2000));
}
