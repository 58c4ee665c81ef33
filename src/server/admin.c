/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/metrics.h"
#include "http/head.h"
#include "http/response.h"

#define ADMIN_HEAD_BYTES 8192

struct admin_conn {
	int sock_fd; /* -1: free */
	uint64_t since_ms;
	size_t have;            /* of the head */
	size_t at;              /* of the answer */
	size_t end;             /* 0: no answer yet */
	uint64_t reload_ticket; /* of POST /-/reload, while its outcome is awaited; 0: none */
	bool is_reload;         /* the request's path is /-/reload */
	bool is_lingering;      /* the answer is out; until the client closes */
	char head[ADMIN_HEAD_BYTES];
	char answer[RESPONSE_HEAD_BYTES_MAX + METRICS_TEXT_BYTES_MAX];
};

struct admin {
	int sock_fd;
	uint64_t paused_until_ms; /* accept found no descriptors */
	struct admin_source source;
	struct admin_conn conn[ADMIN_CONNS_MAX];
};

struct admin *admin_new(int sock_fd, const struct admin_source *source)
{
	struct admin *admin = calloc(1, sizeof(*admin));
	if (admin == NULL) {
		close(sock_fd);
		return NULL;
	}
	admin->sock_fd = sock_fd;
	admin->source = *source;
	for (int i = 0; i < ADMIN_CONNS_MAX; i++)
		admin->conn[i].sock_fd = -1;
	return admin;
}

static void conn_end(struct admin_conn *conn)
{
	close(conn->sock_fd);
	conn->sock_fd = -1;
}

void admin_free(struct admin *admin)
{
	if (admin == NULL)
		return;
	for (int i = 0; i < ADMIN_CONNS_MAX; i++)
		if (admin->conn[i].sock_fd >= 0)
			conn_end(&admin->conn[i]);
	close(admin->sock_fd);
	free(admin);
}

/* Places the body first, then the head before it: its length is known then. */
static void answer(struct admin_conn *conn, int status, const char *type, const char *body,
		   size_t body_bytes, bool with_body)
{
	const char *allow = conn->is_reload ? "POST, PUT" : "GET, HEAD";
	struct http_response response;
	http_response_begin(&response, conn->answer, RESPONSE_HEAD_BYTES_MAX, status);
	http_response_field(&response, "Content-Type", type);
	http_response_field_u64(&response, "Content-Length", body_bytes);
	if (status == 405)
		http_response_field(&response, "Allow", allow);
	http_response_field(&response, "Connection", "close");
	int n = http_response_end(&response);
	conn->at = 0;
	conn->end = n > 0 ? (size_t)n : 0;
	if (with_body) {
		memmove(conn->answer + conn->end, body, body_bytes);
		conn->end += body_bytes;
	}
}

static void answer_text(struct admin_conn *conn, int status, const char *text, bool with_body)
{
	answer(conn, status, "text/plain; charset=utf-8", text, strlen(text), with_body);
}

/* The answer comes when the outcome is known. */
static void serve_reload(struct admin *admin, struct admin_conn *conn, const struct http_head *head)
{
	bool is_put = slice_is(head->method_text, "PUT");
	if (head->method == HTTP_POST || is_put)
		conn->reload_ticket = admin->source.request_reload(admin->source.arg);
	else
		answer_text(conn, 405, "POST or PUT only\n", head->method != HTTP_HEAD);
}

static void look_at_reload(struct admin *admin, struct admin_conn *conn)
{
	char text[ERROR_TEXT_MAX + 32];
	const char *error;
	switch (admin->source.ask_reload(admin->source.arg, conn->reload_ticket, &error)) {
	case RELOAD_PENDING:
		return;
	case RELOAD_DONE:
		answer_text(conn, 200, "OK\n", true);
		break;
	case RELOAD_REFUSED:
		snprintf(text, sizeof(text), "not reloaded: %s\n", error);
		answer_text(conn, 500, text, true);
		break;
	}
	conn->reload_ticket = 0;
}

static void serve(struct admin *admin, struct admin_conn *conn, const struct http_head *head)
{
	const struct admin_source *source = &admin->source;
	bool with_body = head->method == HTTP_GET;
	struct slice path = head->target;
	const char *query = memchr(path.at, '?', path.len);

	if (query != NULL)
		path.len = (size_t)(query - path.at);
	conn->is_reload = slice_is(path, "/-/reload");
	if (conn->is_reload) {
		serve_reload(admin, conn, head);
		return;
	}
	if (head->method != HTTP_GET && head->method != HTTP_HEAD) {
		answer_text(conn, 405, "GET and HEAD only\n", true);
	} else if (slice_is(path, "/-/healthy")) {
		answer_text(conn, 200, "OK\n", with_body);
	} else if (slice_is(path, "/-/ready")) {
		bool is_ready = source->is_ready(source->arg);
		answer_text(conn, is_ready ? 200 : 503, is_ready ? "OK\n" : "NOT OK\n", with_body);
	} else if (slice_is(path, "/metrics")) {
		char *body = conn->answer + RESPONSE_HEAD_BYTES_MAX;
		int n = source->print_metrics(source->arg, body, METRICS_TEXT_BYTES_MAX);
		if (n < 0)
			answer_text(conn, 500, "metrics do not fit\n", with_body);
		else
			answer(conn, 200, "text/plain; version=0.0.4; charset=utf-8", body,
			       (size_t)n, with_body);
	} else {
		answer_text(conn, 404, "/metrics, /-/healthy, /-/ready and /-/reload are here\n",
			    with_body);
	}
}

static void conn_read(struct admin *admin, struct admin_conn *conn)
{
	struct http_head head;
	enum http_head_error error;
	ssize_t n = recv(conn->sock_fd, conn->head + conn->have, sizeof(conn->head) - conn->have,
			 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_end(conn);
		return;
	}
	if (conn->is_lingering || conn->reload_ticket != 0)
		return; /* dropped */
	size_t scanned = conn->have;
	conn->have += (size_t)n;
	int r = http_head_parse(conn->head, conn->have, scanned, &head, &error);
	if (r > 0)
		serve(admin, conn, &head);
	else if (r == -EBADMSG)
		answer_text(conn, http_head_error_status(error), "bad request\n", true);
	else if (conn->have == sizeof(conn->head))
		answer_text(conn, 431, "request head too large\n", true);
}

static void conn_write(struct admin_conn *conn)
{
	ssize_t n = send(conn->sock_fd, conn->answer + conn->at, conn->end - conn->at,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_end(conn);
		return;
	}
	conn->at += (size_t)n;
	if (conn->at == conn->end) {
		shutdown(conn->sock_fd, SHUT_WR);
		conn->is_lingering = true;
		conn->have = 0;
	}
}

static void accept_one(struct admin *admin, uint64_t now_ms)
{
	int sock_fd = accept4(admin->sock_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (sock_fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			admin->paused_until_ms = now_ms + ACCEPT_PAUSE_MS;
		return;
	}
	for (int i = 0; i < ADMIN_CONNS_MAX; i++) {
		struct admin_conn *conn = &admin->conn[i];
		if (conn->sock_fd >= 0)
			continue;
		conn->sock_fd = sock_fd;
		conn->since_ms = now_ms;
		conn->have = conn->at = conn->end = 0;
		conn->is_lingering = conn->is_reload = false;
		conn->reload_ticket = 0;
		return;
	}
	close(sock_fd);
}

static bool is_writing(const struct admin_conn *conn)
{
	return conn->at < conn->end;
}

unsigned admin_poll_fill(struct admin *admin, struct pollfd *pollfds, uint64_t now_ms)
{
	unsigned count = 0;
	bool is_paused = now_ms < admin->paused_until_ms;
	pollfds[count++] = (struct pollfd){.fd = is_paused ? -1 : admin->sock_fd, .events = POLLIN};
	for (int i = 0; i < ADMIN_CONNS_MAX; i++) {
		const struct admin_conn *conn = &admin->conn[i];
		if (conn->sock_fd >= 0)
			pollfds[count++] = (struct pollfd){
				.fd = conn->sock_fd, .events = is_writing(conn) ? POLLOUT : POLLIN};
	}
	return count;
}

void admin_poll_done(struct admin *admin, const struct pollfd *pollfds, unsigned count,
		     uint64_t now_ms)
{
	for (int i = 0; i < ADMIN_CONNS_MAX; i++) {
		struct admin_conn *conn = &admin->conn[i];
		if (conn->sock_fd < 0)
			continue;
		for (unsigned p = 1; p < count; p++) {
			if (pollfds[p].fd != conn->sock_fd || pollfds[p].revents == 0)
				continue;
			if (!is_writing(conn))
				conn_read(admin, conn);
			if (conn->sock_fd >= 0 && is_writing(conn))
				conn_write(conn);
			break;
		}
		if (conn->sock_fd >= 0 && conn->reload_ticket != 0)
			look_at_reload(admin, conn);
		if (conn->sock_fd >= 0 && now_ms - conn->since_ms > ADMIN_TIMEOUT_MS)
			conn_end(conn);
	}
	if (count > 0 && pollfds[0].fd >= 0 && pollfds[0].revents != 0)
		accept_one(admin, now_ms);
}
