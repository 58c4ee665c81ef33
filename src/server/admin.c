/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "http/head.h"
#include "http/response.h"
#include "server/admin_guard.h"

#define ADMIN_HEAD_BYTES       8192
/* Accepted per wake-up: as much as fills all places twice. */
#define ADMIN_ACCEPTS_PER_WAKE (2 * ADMIN_CONNS_MAX)
/* Descriptors kept for the admin port. One would do, but other threads want it, too. */
#define SPARES_MAX             4
/* The first byte of a TLS client (RFC 8446 section 5.1). */
#define TLS_HANDSHAKE          22

struct admin_conn {
	int sock_fd; /* -1: free */
	uint64_t since_ms;
	uint64_t number;     /* order of acceptance */
	size_t have;         /* of the head */
	char *answer;        /* NULL: no answer yet */
	size_t at;           /* of the answer */
	size_t end;          /* 0: no answer yet */
	uint64_t ticket;     /* while an outcome is awaited; 0: none */
	bool is_reload;      /* the request's path is /-/reload */
	bool is_to_head;     /* the answer has no body */
	bool is_lingering;   /* the answer is out; until the client closes */
	bool is_half_closed; /* nothing more comes, and an answer is awaited */
	char head[ADMIN_HEAD_BYTES];
};

struct admin {
	int sock_fd;
	int spare_fd[SPARES_MAX]; /* descriptors for when there are none */
	unsigned spare_count;
	uint64_t paused_until_ms; /* accept found no descriptors */
	uint64_t accepted;
	uint64_t evicted;
	struct admin_source source;
	struct admin_guard guard;
	struct admin_conn conn[ADMIN_CONNS_MAX];
};

/* As many as can be had. */
static void spares_make(struct admin *admin)
{
	int fd;
	while (admin->spare_count < SPARES_MAX &&
	       (fd = fcntl(admin->sock_fd, F_DUPFD_CLOEXEC, 0)) >= 0)
		admin->spare_fd[admin->spare_count++] = fd;
}

struct admin *admin_new(int sock_fd, const char *address, const struct admin_source *source)
{
	struct admin *admin = calloc(1, sizeof(*admin));
	if (admin == NULL) {
		close(sock_fd);
		return NULL;
	}
	admin->sock_fd = sock_fd;
	admin->source = *source;
	admin_guard_init(&admin->guard, address);
	for (int i = 0; i < ADMIN_CONNS_MAX; i++)
		admin->conn[i].sock_fd = -1;
	spares_make(admin);
	return admin;
}

/* Spare descriptors are replenished first, in one step: no other thread gets it in between. */
static void conn_end(struct admin *admin, struct admin_conn *conn)
{
	if (admin->spare_count < SPARES_MAX && dup3(admin->sock_fd, conn->sock_fd, O_CLOEXEC) >= 0)
		admin->spare_fd[admin->spare_count++] = conn->sock_fd;
	else
		close(conn->sock_fd);
	conn->sock_fd = -1;
	free(conn->answer);
	conn->answer = NULL;
}

void admin_free(struct admin *admin)
{
	if (admin == NULL)
		return;
	for (int i = 0; i < ADMIN_CONNS_MAX; i++)
		if (admin->conn[i].sock_fd >= 0)
			conn_end(admin, &admin->conn[i]);
	while (admin->spare_count > 0)
		close(admin->spare_fd[--admin->spare_count]);
	close(admin->sock_fd);
	free(admin);
}

struct admin_usage admin_usage(const struct admin *admin)
{
	struct admin_usage usage = {.evicted = admin->evicted};

	for (int i = 0; i < ADMIN_CONNS_MAX; i++)
		usage.conns += admin->conn[i].sock_fd >= 0;
	return usage;
}

/* ---- Answers -------------------------------------------------------------------------------- */

static void answer(struct admin_conn *conn, int status, const char *type, const char *body,
		   size_t body_bytes, bool with_body)
{
	const char *allow = conn->is_reload ? "POST, PUT" : "GET, HEAD";
	struct http_response response;

	must(conn->answer == NULL);
	conn->at = conn->end = 0;
	conn->answer = malloc(RESPONSE_HEAD_BYTES_MAX + body_bytes);
	if (conn->answer == NULL)
		return; /* ends with its timeout, or for another */
	http_response_begin(&response, conn->answer, RESPONSE_HEAD_BYTES_MAX, status);
	http_response_field(&response, "Content-Type", type);
	http_response_field_u64(&response, "Content-Length", body_bytes);
	if (status == 405)
		http_response_field(&response, "Allow", allow);
	http_response_field(&response, "Connection", "close");
	int n = http_response_end(&response);
	conn->end = n > 0 ? (size_t)n : 0;
	if (with_body) {
		memcpy(conn->answer + conn->end, body, body_bytes);
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
	char why[ADMIN_GUARD_TEXT_BYTES];

	if (head->method != HTTP_POST && head->method != HTTP_PUT)
		answer_text(conn, 405, "POST or PUT only\n", head->method != HTTP_HEAD);
	else if (!admin_guard_allows(&admin->guard, head, why))
		answer_text(conn, 403, why, true);
	else
		conn->ticket = admin->source.request_reload(admin->source.arg);
}

static void look_at_outcome(struct admin *admin, struct admin_conn *conn)
{
	const struct admin_source *source = &admin->source;
	char text[ERROR_TEXT_MAX + 32], why[ERROR_TEXT_MAX] = "";
	enum admin_outcome outcome = (conn->is_reload ? source->ask_reload : source->ask_ready)(
		source->arg, conn->ticket, why);

	switch (outcome) {
	case ADMIN_PENDING:
		return;
	case ADMIN_DONE:
		answer_text(conn, 200, "OK\n", !conn->is_to_head);
		break;
	case ADMIN_REFUSED:
		snprintf(text, sizeof(text), "%s: %s\n",
			 conn->is_reload ? "not reloaded" : "NOT OK", why);
		answer_text(conn, conn->is_reload ? 500 : 503, text, !conn->is_to_head);
		break;
	}
	conn->ticket = 0;
}

static void serve_metrics(struct admin *admin, struct admin_conn *conn, bool with_body)
{
	char *text = malloc(ADMIN_TEXT_BYTES_MAX);
	int n = -ENOMEM;

	if (text != NULL)
		n = admin->source.print_metrics(admin->source.arg, text, ADMIN_TEXT_BYTES_MAX);
	if (n < 0)
		answer_text(conn, 500, n == -ENOMEM ? "no memory\n" : "metrics do not fit\n",
			    with_body);
	else
		answer(conn, 200, "text/plain; version=0.0.4; charset=utf-8", text, (size_t)n,
		       with_body);
	free(text);
}

static void serve(struct admin *admin, struct admin_conn *conn, const struct http_head *head)
{
	const struct admin_source *source = &admin->source;
	bool with_body = head->method == HTTP_GET;
	struct slice path = head->target;
	const char *query = memchr(path.at, '?', path.len);

	if (query != NULL)
		path.len = (size_t)(query - path.at);
	conn->is_to_head = head->method == HTTP_HEAD;
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
		conn->ticket = source->request_ready(source->arg);
	} else if (slice_is(path, "/metrics")) {
		serve_metrics(admin, conn, with_body);
	} else {
		answer_text(conn, 404, "/metrics, /-/healthy, /-/ready and /-/reload are here\n",
			    with_body);
	}
}

/* ---- Connections ---------------------------------------------------------------------------- */

static void conn_read(struct admin *admin, struct admin_conn *conn)
{
	struct http_head head;
	enum http_head_error error;
	ssize_t n = recv(conn->sock_fd, conn->head + conn->have, sizeof(conn->head) - conn->have,
			 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 && conn->ticket != 0) { /* it has asked, and waits for the answer */
		conn->is_half_closed = true;
		return;
	}
	if (n <= 0) {
		conn_end(admin, conn);
		return;
	}
	if (conn->is_lingering || conn->ticket != 0)
		return; /* dropped */
	size_t scanned = conn->have;
	conn->have += (size_t)n;
	if (conn->head[0] == TLS_HANDSHAKE) {
		answer_text(conn, 400, "This port speaks plain HTTP, not TLS: use http://\n", true);
		return;
	}
	int r = http_head_parse(conn->head, conn->have, scanned, &head, &error);
	if (r > 0)
		serve(admin, conn, &head);
	else if (r == -EBADMSG)
		answer_text(conn, http_head_error_status(error), "bad request\n", true);
	else if (conn->have == sizeof(conn->head))
		answer_text(conn, 431, "request head too large\n", true);
	if (r != -EAGAIN || conn->have == sizeof(conn->head))
		conn->have = 0; /* what follows is dropped */
}

static void conn_write(struct admin *admin, struct admin_conn *conn)
{
	ssize_t n = send(conn->sock_fd, conn->answer + conn->at, conn->end - conn->at,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_end(admin, conn);
		return;
	}
	conn->at += (size_t)n;
	if (conn->at == conn->end && conn->is_half_closed) {
		conn_end(admin, conn);
	} else if (conn->at == conn->end) {
		shutdown(conn->sock_fd, SHUT_WR);
		conn->is_lingering = true;
		conn->have = 0;
	}
}

static bool is_writing(const struct admin_conn *conn)
{
	return conn->at < conn->end;
}

/* Reads what is here and answers what is asked. */
static void conn_step(struct admin *admin, struct admin_conn *conn)
{
	if (!is_writing(conn))
		conn_read(admin, conn);
	if (conn->sock_fd >= 0 && is_writing(conn))
		conn_write(admin, conn);
}

/* ---- Accepting ------------------------------------------------------------------------------ */

/* Nothing has been asked on it yet, or everything was answered. */
static bool is_idle(const struct admin_conn *conn)
{
	return conn->is_lingering || (!is_writing(conn) && conn->ticket == 0);
}

/* Is conn the better one to be closed in favour of a new connection? The oldest idle one is; with
 * an answer under way on all, the oldest that is being written; then one that awaits a reload. */
static bool is_rather_closed(const struct admin_conn *conn, const struct admin_conn *than)
{
	if (is_idle(conn) != is_idle(than))
		return is_idle(conn);
	if (is_writing(conn) != is_writing(than))
		return is_writing(conn);
	return conn->number < than->number;
}

/* NULL: there are no connections. */
static struct admin_conn *conn_to_close(struct admin *admin)
{
	struct admin_conn *found = NULL;

	for (int i = 0; i < ADMIN_CONNS_MAX; i++) {
		struct admin_conn *conn = &admin->conn[i];
		if (conn->sock_fd >= 0 && (found == NULL || is_rather_closed(conn, found)))
			found = conn;
	}
	return found;
}

static void evict(struct admin *admin, struct admin_conn *conn)
{
	conn_end(admin, conn);
	admin->evicted++;
}

static struct admin_conn *free_place(struct admin *admin)
{
	for (int i = 0; i < ADMIN_CONNS_MAX; i++)
		if (admin->conn[i].sock_fd < 0)
			return &admin->conn[i];
	return NULL;
}

/* A free place; if need be, that of another. */
static struct admin_conn *conn_place(struct admin *admin)
{
	struct admin_conn *conn = free_place(admin);

	/* Clients may have closed since the last look. */
	for (int i = 0; i < ADMIN_CONNS_MAX && conn == NULL; i++)
		if (admin->conn[i].is_lingering)
			conn_read(admin, &admin->conn[i]);
	if (conn == NULL)
		conn = free_place(admin);
	if (conn == NULL) {
		conn = conn_to_close(admin);
		must(conn != NULL);
		evict(admin, conn);
	}
	return conn;
}

static int accept_one(struct admin *admin)
{
	return accept4(admin->sock_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* accept(2) has its descriptor before it looks whether anybody waits. */
static bool is_awaited(const struct admin *admin)
{
	struct pollfd queue = {.fd = admin->sock_fd, .events = POLLIN};
	return poll(&queue, 1, 0) > 0;
}

/* As accept4. Clients of the object port may have taken every descriptor: then a spare one is used,
 * or that of an idle connection. Another thread may get it first: the next try has another. */
static int accept_next(struct admin *admin)
{
	int sock_fd = accept_one(admin);
	if (sock_fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return sock_fd;
	int error = errno;
	if (!is_awaited(admin)) {
		errno = EAGAIN;
		return -1;
	}
	struct admin_conn *conn = admin->spare_count == 0 ? conn_to_close(admin) : NULL;
	if (conn != NULL && is_idle(conn))
		evict(admin, conn);
	if (admin->spare_count == 0) {
		errno = error;
		return -1;
	}
	close(admin->spare_fd[--admin->spare_count]);
	return accept_one(admin);
}

/* What a client has asked already is answered before the next one could take its place. */
static void accept_some(struct admin *admin, uint64_t now_ms)
{
	spares_make(admin);
	for (int i = 0; i < ADMIN_ACCEPTS_PER_WAKE; i++) {
		int sock_fd = accept_next(admin);
		if (sock_fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (sock_fd < 0 && errno != EAGAIN)
			admin->paused_until_ms = now_ms + ACCEPT_PAUSE_MS;
		if (sock_fd < 0)
			return;
		struct admin_conn *conn = conn_place(admin);
		conn->sock_fd = sock_fd;
		conn->since_ms = now_ms;
		conn->number = admin->accepted++;
		conn->have = conn->at = conn->end = 0;
		conn->is_lingering = conn->is_reload = conn->is_half_closed = false;
		conn->ticket = 0;
		conn_step(admin, conn);
	}
}

/* ---- The main thread's loop ----------------------------------------------------------------- */

unsigned admin_poll_fill(struct admin *admin, struct pollfd *pollfds, uint64_t now_ms)
{
	unsigned count = 0;
	bool is_paused = now_ms < admin->paused_until_ms;
	pollfds[count++] = (struct pollfd){.fd = is_paused ? -1 : admin->sock_fd, .events = POLLIN};
	for (int i = 0; i < ADMIN_CONNS_MAX; i++) {
		const struct admin_conn *conn = &admin->conn[i];
		short events = is_writing(conn) ? POLLOUT : conn->is_half_closed ? 0 : POLLIN;
		if (conn->sock_fd >= 0)
			pollfds[count++] = (struct pollfd){.fd = conn->sock_fd, .events = events};
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
			conn_step(admin, conn);
			break;
		}
		if (conn->sock_fd >= 0 && conn->ticket != 0)
			look_at_outcome(admin, conn);
		if (conn->sock_fd >= 0 && conn->ticket != 0)
			conn->since_ms = now_ms; /* it waits for us */
		if (conn->sock_fd >= 0 && now_ms - conn->since_ms > ADMIN_TIMEOUT_MS)
			conn_end(admin, conn);
	}
	if (count > 0 && pollfds[0].fd >= 0 && pollfds[0].revents != 0)
		accept_some(admin, now_ms);
}
