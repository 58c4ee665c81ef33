/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor: the least that serving a file over mutual kernel TLS can cost.
 *
 * One process, one connection at a time, blocking calls, no log, no timer, no loop of events:
 * handshake, keys into the kernel, then for each request one read, one head sent with MSG_MORE and
 * sendfile(2) until the range is out; close_notify at the end. The handshake and the keys are the
 * project's own (tls/), so what sluice spends beyond this program is what its server adds.
 *
 * One file, open from the start; every GET gets it, or the range that a Range field asks for.
 * Never to be exposed: it trusts whoever may connect to send whole, small, correct heads.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "server_side.h"

#define HEAD_BYTES 4096

struct floor {
	struct tls_ctx *tls_ctx;
	struct handshake_plan plan;
	int file_fd;
	uint64_t file_bytes;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set_blocking(int fd, bool is_blocking)
{
	int flags = fcntl(fd, F_GETFL);
	must(fcntl(fd, F_SETFL, is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0);
}

/* A request head into head, as a string. False: the client has closed. */
static bool head_read(int sock_fd, char head[HEAD_BYTES + 1])
{
	enum record_type type;
	size_t have = 0;

	do {
		struct pollfd wait = {.fd = sock_fd, .events = POLLIN};
		ssize_t n =
			ktls_recv(&ktls_sys_kernel, sock_fd, head + have, HEAD_BYTES - have, &type);
		if (n == -EAGAIN) {
			poll(&wait, 1, -1);
			continue;
		}
		if (n <= 0 || type != RECORD_DATA)
			return false;
		have += (size_t)n;
		head[have] = '\0';
	} while (have < 4 || memcmp(head + have - 4, "\r\n\r\n", 4) != 0);
	return true;
}

static int head_send(const struct floor *floor, int sock_fd, bool is_range, uint64_t from,
		     uint64_t bytes)
{
	char text[256], range[96] = "";

	if (is_range)
		snprintf(range, sizeof(range),
			 "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", from,
			 from + bytes - 1, floor->file_bytes);
	int n = snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %" PRIu64 "\r\n%s\r\n",
			 is_range ? "206 Partial Content" : "200 OK", bytes, range);
	return send(sock_fd, text, (size_t)n, MSG_MORE | MSG_NOSIGNAL) == n ? 0 : -EIO;
}

/* Answers requests until the client closes or something fails. */
static void serve(const struct floor *floor, int sock_fd)
{
	char head[HEAD_BYTES + 1];

	while (head_read(sock_fd, head)) {
		uint64_t from = 0, to = floor->file_bytes - 1;
		const char *range = strstr(head, "\r\nRange: bytes=");
		if (range != NULL &&
		    sscanf(range, "\r\nRange: bytes=%" SCNu64 "-%" SCNu64, &from, &to) != 2)
			return;
		if (from > to || to >= floor->file_bytes ||
		    head_send(floor, sock_fd, range != NULL, from, to - from + 1) < 0)
			return;
		off_t offset = (off_t)from;
		while (offset <= (off_t)to)
			if (sendfile(sock_fd, floor->file_fd, &offset, to + 1 - (uint64_t)offset) <=
			    0)
				return;
	}
}

static void connection_run(const struct floor *floor, int sock_fd)
{
	static const uint8_t close_notify[2] = {1, ALERT_CLOSE_NOTIFY};
	struct record record;
	int one = 1;

	setsockopt(sock_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	set_blocking(sock_fd, false);
	if (server_handshake(floor->tls_ctx, &floor->plan, sock_fd, &record) == 0) {
		set_blocking(sock_fd, true);
		serve(floor, sock_fd);
		ktls_send_control(&ktls_sys_kernel, sock_fd, RECORD_ALERT, close_notify,
				  sizeof(close_notify));
		record_fini(&record);
	}
	close(sock_fd);
}

static int listen_on(const char *target)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *colon = strrchr(target, ':');

	if (fd < 0)
		fail("socket");
	snprintf(host, sizeof(host), "%.*s", colon != NULL ? (int)(colon - target) : 0, target);
	if (colon == NULL || inet_pton(AF_INET, host, &address.sin_addr) != 1) {
		errno = EINVAL;
		fail(target);
	}
	address.sin_port = htons((uint16_t)atoi(colon + 1));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0)
		fail(target);
	return fd;
}

int main(int argc, char **argv)
{
	/* Not probed: where the kernel cannot, the install fails, and so does the connection. */
	static const struct ktls_caps caps = {.tx = {[TLS_CIPHER_AES_128_GCM] = true},
					      .rx = {[TLS_CIPHER_AES_128_GCM] = true}};
	static struct metrics metrics;
	struct floor floor = {.plan = {.tls_path = TLS_PATH_KERNEL,
				       .caps = &caps,
				       .sys = &ktls_sys_kernel,
				       .metrics = &metrics}};
	struct stat stat;

	if (argc != 6) {
		fprintf(stderr, "usage: floor ADDRESS:PORT FILE CERT KEY CLIENT_CA\n");
		return 2;
	}
	floor.file_fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (floor.file_fd < 0 || fstat(floor.file_fd, &stat) < 0 || stat.st_size == 0)
		fail(argv[2]);
	floor.file_bytes = (uint64_t)stat.st_size;
	floor.tls_ctx = server_context(argv[3], argv[4], argv[5]);
	floor.plan.peers = peers_new();
	must(floor.plan.peers != NULL);
	int listen_fd = listen_on(argv[1]);
	for (;;) {
		int sock_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (sock_fd < 0)
			fail("accept");
		connection_run(&floor, sock_fd);
	}
}
