/* SPDX-License-Identifier: Apache-2.0 */
/* The admin port with more clients than it has places: the health check is answered, whatever the
 * others do or leave undone. Connections are accepted in order, so a check that comes after a crowd
 * finds it there. */
#include "wire/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/admin.h"

TestSuite(admin_crowd, .timeout = WIRE_TIMEOUT);

#define CROWD_MAX 64
#define ROUNDS    20

#define EVICTED   "sluice_admin_connections_evicted_total"

struct crowd {
	const struct wire_server *server;
	unsigned count;
	int fd[CROWD_MAX];
};

static int connect_admin(const struct wire_server *server)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&server->admin_sock_addr,
			     sizeof(server->admin_sock_addr)),
		     0, "connect: %s", strerror(errno));
	return fd;
}

static void say(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void crowd_gather(struct crowd *crowd, const struct wire_server *server, unsigned count)
{
	must(count <= CROWD_MAX);
	crowd->server = server;
	for (crowd->count = 0; crowd->count < count; crowd->count++)
		crowd->fd[crowd->count] = connect_admin(server);
}

static void crowd_leave(struct crowd *crowd)
{
	while (crowd->count > 0)
		close(crowd->fd[--crowd->count]);
}

/* Until ADMIN_TIMEOUT_MS has passed, whatever others do. */
static bool is_open(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void is_healthy(const struct wire_server *server)
{
	cr_assert_eq(wire_admin_get(server, "/-/healthy", NULL), 200);
	cr_assert_eq(wire_ready(server, NULL), 200);
}

static void idle_clients(unsigned count, unsigned evicted_min)
{
	struct wire_server server = {0};
	struct crowd crowd;

	wire_server_start(&server);
	crowd_gather(&crowd, &server, count);
	for (int i = 0; i < ROUNDS; i++)
		is_healthy(&server);
	cr_assert_geq(wire_metric(&server, EVICTED), evicted_min);
	cr_assert_leq(wire_metric(&server, "sluice_admin_connections"), ADMIN_CONNS_MAX);
	cr_assert_eq(wire_metric(&server, "sluice_admin_connections_limit"), ADMIN_CONNS_MAX);
	crowd_leave(&crowd);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(admin_crowd, as_many_as_places)
{
	idle_clients(ADMIN_CONNS_MAX, 1);
}

Test(admin_crowd, many)
{
	idle_clients(CROWD_MAX, CROWD_MAX - ADMIN_CONNS_MAX);
}

/* Who is not idle stays: one place less, and nobody has to go. */
Test(admin_crowd, nobody_goes_without_need)
{
	struct wire_server server = {0};
	struct crowd crowd;

	wire_server_start(&server);
	uint64_t since_ms = wire_now_ms();
	crowd_gather(&crowd, &server, ADMIN_CONNS_MAX - 1);
	is_healthy(&server);
	cr_assert_eq(wire_metric(&server, EVICTED), 0);
	for (unsigned i = 0; i < crowd.count; i++)
		cr_assert(is_open(crowd.fd[i]) || wire_now_ms() - since_ms >= ADMIN_TIMEOUT_MS);
	crowd_leave(&crowd);
	wire_server_stop(&server);
}

/* The oldest goes, the others are left. */
Test(admin_crowd, the_oldest_goes)
{
	struct wire_server server = {0};
	struct crowd crowd;
	char byte;

	wire_server_start(&server);
	uint64_t since_ms = wire_now_ms();
	crowd_gather(&crowd, &server, ADMIN_CONNS_MAX);
	is_healthy(&server); /* two connections, one after the other has ended or lingers */
	cr_assert_eq(recv(crowd.fd[0], &byte, 1, 0), 0, "the oldest is still open");
	cr_assert(is_open(crowd.fd[ADMIN_CONNS_MAX - 1]) ||
			  wire_now_ms() - since_ms >= ADMIN_TIMEOUT_MS,
		  "the youngest was closed");
	crowd_leave(&crowd);
	wire_server_stop(&server);
}

/* Each says another byte of its head before each check, and comes back when it was closed. */
Test(admin_crowd, dripping_heads)
{
	static const char head[] = "GET /-/healthy HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct wire_server server = {0};
	struct crowd crowd;
	size_t said[CROWD_MAX] = {0};

	wire_server_start(&server);
	crowd_gather(&crowd, &server, 2 * ADMIN_CONNS_MAX);
	for (int round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < crowd.count; i++) {
			if (send(crowd.fd[i], head + said[i], 1, MSG_NOSIGNAL) == 1) {
				said[i]++;
				continue;
			}
			close(crowd.fd[i]);
			crowd.fd[i] = connect_admin(&server);
			said[i] = 0;
		}
		is_healthy(&server);
	}
	cr_assert_gt(wire_metric(&server, EVICTED), 0);
	crowd_leave(&crowd);
	wire_server_stop(&server);
}

/* They have their answer and do not close. */
Test(admin_crowd, lingering_clients)
{
	struct wire_server server = {0};
	struct crowd crowd;
	char answer[4096];

	wire_server_start(&server);
	crowd_gather(&crowd, &server, 2 * ADMIN_CONNS_MAX);
	for (unsigned i = 0; i < crowd.count; i++) {
		size_t have = 0;
		ssize_t n;
		/* Those that are closed for others ask again. */
		if (send(crowd.fd[i], "GET /-/healthy HTTP/1.0\r\n\r\n", 27, MSG_NOSIGNAL) < 0) {
			close(crowd.fd[i]);
			crowd.fd[i] = connect_admin(&server);
			say(crowd.fd[i], "GET /-/healthy HTTP/1.0\r\n\r\n");
		}
		while ((n = recv(crowd.fd[i], answer + have, sizeof(answer) - have, 0)) > 0)
			have += (size_t)n;
	}
	for (int i = 0; i < ROUNDS; i++)
		is_healthy(&server);
	crowd_leave(&crowd);
	wire_server_stop(&server);
}

/* They ask for much and read none of it. */
Test(admin_crowd, clients_that_do_not_read)
{
	struct wire_server server = {0};
	struct crowd crowd;

	wire_server_start(&server);
	crowd.server = &server;
	for (crowd.count = 0; crowd.count < CROWD_MAX; crowd.count++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), bytes = 1;
		must(fd >= 0);
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		cr_assert_eq(connect(fd, (const struct sockaddr *)&server.admin_sock_addr,
				     sizeof(server.admin_sock_addr)),
			     0);
		say(fd, "GET /metrics HTTP/1.0\r\n\r\n");
		crowd.fd[crowd.count] = fd;
	}
	for (int i = 0; i < ROUNDS; i++)
		is_healthy(&server);
	cr_assert_eq(wire_admin_get(&server, "/metrics", NULL), 200);
	crowd_leave(&crowd);
	wire_server_stop(&server);
}

/* A reload that is awaited keeps its connection, however many come. */
Test(admin_crowd, an_awaited_reload_stays)
{
	struct wire_server server = {0};
	struct crowd crowd;
	char answer[256] = "";

	wire_server_start(&server);
	int fd = connect_admin(&server);
	say(fd, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
	crowd_gather(&crowd, &server, CROWD_MAX);
	is_healthy(&server);
	cr_assert_gt(recv(fd, answer, sizeof(answer) - 1, 0), 0, "no answer: %s", strerror(errno));
	cr_assert_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0, "%s", answer);
	cr_assert_geq(wire_metric(&server, EVICTED), CROWD_MAX - ADMIN_CONNS_MAX);
	close(fd);
	crowd_leave(&crowd);
	wire_server_stop(&server);
}

/* Clients of the object port have taken the last descriptor. */
Test(admin_crowd, no_descriptors)
{
	struct wire_server server = {.option = {"--handshake-timeout=10m"}};
	struct wire_client object[128] = {0};
	struct crowd crowd;
	struct rlimit limit;

	wire_server_start(&server);
	cr_assert_eq(prlimit(server.pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = ARRAY_LEN(object); /* some are in use already */
	cr_assert_eq(prlimit(server.pid, RLIMIT_NOFILE, &limit, NULL), 0, "prlimit: %s",
		     strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(object); i++)
		wire_connect_tcp(&object[i], &server);
	wire_metric_reaches(&server, "sluice_accept_errors_total", 1);
	for (int i = 0; i < ROUNDS; i++)
		is_healthy(&server);
	/* And the admin's own port is crowded, too. */
	crowd_gather(&crowd, &server, CROWD_MAX);
	for (int i = 0; i < ROUNDS; i++)
		is_healthy(&server);
	crowd_leave(&crowd);
	for (size_t i = 0; i < ARRAY_LEN(object); i++)
		wire_disconnect(&object[i]);
	server.may_differ = true;
	wire_serves_others(&server);
	wire_server_stop(&server);
}
