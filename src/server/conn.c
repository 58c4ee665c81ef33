/* SPDX-License-Identifier: Apache-2.0 */
#include "server/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "base/must.h"
#include "http/response.h"
#include "server/access_log.h"

/* ---- Waiting ------------------------------------------------------------------------------- */

void conn_wait(struct conn *conn, unsigned poll_events)
{
	must(conn->in_flight == CONN_OP_NONE);
	conn->in_flight = CONN_OP_POLL;
	loop_poll(&conn->worker->loop, &conn->op, conn->sock_fd, poll_events, conn_op_done);
}

void conn_op_begins(struct conn *conn, enum conn_op kind)
{
	must(conn->in_flight == CONN_OP_NONE);
	conn->in_flight = kind;
	metric_add(&conn->worker->metrics.value[METRIC_RING_FILE_OPS], 1);
}

static bool is_for_file(enum conn_op kind)
{
	return kind == CONN_OP_FILE || kind == CONN_OP_OPEN || kind == CONN_OP_WRITE;
}

void conn_yield(struct conn *conn)
{
	must(conn->in_flight == CONN_OP_NONE);
	conn->in_flight = CONN_OP_POLL;
	loop_yield(&conn->worker->loop, &conn->op, conn_op_done);
}

/* ---- Birth and death ------------------------------------------------------------------------ */

struct conn *conn_new(struct worker *worker, int sock_fd, const char *remote)
{
	struct conn *conn = worker_conn_take(worker);
	if (conn == NULL) {
		close(sock_fd);
		return NULL;
	}
	conn->sock_fd = sock_fd;
	conn->why = CLOSE_REASON_COUNT;
	conn->started_ns = worker->loop.now_ns;
	snprintf(conn->remote, sizeof(conn->remote), "%s", remote);
	conn->handshake = handshake_new(worker->trust->tls_ctx, &worker->plan, sock_fd);
	if (conn->handshake == NULL) {
		conn_abort(conn, CLOSE_NO_MEMORY);
		return NULL;
	}
	conn->state = CONN_HANDSHAKE;
	conn_deadline(conn, worker->server->config->handshake_timeout_ms);
	conn_wait(conn, POLLIN);
	return conn;
}

void conn_request_free(struct conn *conn)
{
	struct request *request = conn->request;
	if (request == NULL)
		return;
	if (conn->record.tx_buf != NULL || request->send.pipe != NULL)
		send_fini(&request->send);
	object_close(&request->object);
	if (request->job != NULL)
		job_release(request->job);
	pool_give(&conn->worker->requests, request);
	conn->request = NULL;
	metric_sub(&conn->worker->metrics.value[METRIC_REQUESTS_INFLIGHT], 1);
}

static void buffers_give(struct conn *conn)
{
	if (conn->in != NULL) {
		pool_give(&conn->worker->head_bufs, conn->in);
		conn->in = NULL;
	}
}

static void peer_give(struct conn *conn)
{
	if (conn->is_counted)
		peer_leave(conn->peer);
	peer_release(conn->peer);
	conn->is_counted = false;
	conn->peer = NULL;
	conn->identity = NULL;
}

static void conn_free(struct conn *conn)
{
	must(conn->in_flight == CONN_OP_NONE);
	struct worker *worker = conn->worker;

	if (conn->is_waiting)
		worker_stop_waiting(worker, conn);
	loop_disarm(&worker->loop, &conn->deadline);
	handshake_free(conn->handshake);
	conn_request_free(conn);
	buffers_give(conn);
	if (conn->is_established)
		record_fini(&conn->record);
	peer_give(conn);
	close(conn->sock_fd);
	worker_conn_give(worker, conn);
}

/* Asks that the operation in flight end soon. One of a thread takes its time. */
static void cancel(struct conn *conn)
{
	if (conn->in_flight != CONN_OP_JOB)
		loop_cancel(&conn->worker->loop, &conn->op);
}

/* Frees now, or as soon as the operation in flight has ended. */
void conn_free_soon(struct conn *conn)
{
	if (conn->in_flight == CONN_OP_NONE) {
		conn_free(conn);
		return;
	}
	if (conn->is_doomed)
		return;
	conn->is_doomed = true;
	shutdown(conn->sock_fd,
		 SHUT_RDWR); /* a read of a file may go on: the client need not wait */
	loop_disarm(&conn->worker->loop, &conn->deadline);
	cancel(conn);
}

/* The first reason is the one that is counted and logged. */
static void note_reason(struct conn *conn, enum close_reason why)
{
	if (conn->why != CLOSE_REASON_COUNT)
		return;
	conn->why = why;
	metric_add(&conn->worker->metrics.close[why], 1);
	if (conn->request != NULL)
		access_log_request(conn, close_reason_row(why)->label);
	access_log_close(conn, why);
}

void conn_abort(struct conn *conn, enum close_reason why)
{
	note_reason(conn, why);
	conn_free_soon(conn);
}

static ssize_t drop_some(struct conn *conn)
{
	uint8_t scratch[RECORD_PLAIN_MAX];
	enum record_type type;

	ssize_t n;

	if (conn->is_established && conn->record.rx == &record_rx_kernel) {
		n = conn->record.rx->recv(&conn->record, scratch, sizeof(scratch), &type);
		return n == -ENOMSG ? -EAGAIN : n;
	}
	n = recv(conn->sock_fd, scratch, sizeof(scratch), MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* Is it the kernel that will not open what is still here? */
static bool is_of_a_record(const struct conn *conn, ssize_t error)
{
	return conn->is_established && conn->record.rx == &record_rx_kernel &&
	       error != -ECONNRESET && error != -EPIPE && error != -ETIMEDOUT;
}

/*
 * The kernel opens nothing more, so a close finds bytes that nobody has read, sends RST and drops
 * what the client has not taken. First the client's FIN, then our last byte taken: of that no event
 * tells, and conn_deadline.c looks.
 */
static void linger_unread(struct conn *conn)
{
	if (!conn->is_rx_over) {
		conn->is_rx_over = true;
		conn_wait(conn, POLLRDHUP);
	} else if (conn_queued_bytes(conn, SIOCOUTQ) > 0) {
		conn_deadline(conn, TICK_MS);
	} else {
		conn_free_soon(conn);
	}
}

/* Reads and drops what the client still sends, so that no RST overtakes our last bytes. */
static void linger(struct conn *conn)
{
	uint32_t turn_end = conn->lingered + TURN_BYTES_MAX;
	ssize_t n = 0;

	while (conn->lingered < LINGER_BYTES_MAX && conn->lingered < turn_end &&
	       (n = drop_some(conn)) > 0)
		conn->lingered += (uint32_t)n;
	if (n > 0 && conn->lingered < LINGER_BYTES_MAX) {
		conn_yield(conn);
	} else if (n == -EAGAIN) {
		conn_wait(conn, CONN_READABLE);
	} else if (n < 0 && is_of_a_record(conn, n)) {
		linger_unread(conn);
	} else {
		conn_free_soon(conn);
	}
}

/* Our side is done: everything we had to say is in the socket. */
static void half_close(struct conn *conn)
{
	conn_request_free(conn);
	peer_give(conn); /* who lingers is no connection of the client's any more */
	buffers_give(conn);
	if (conn->is_closed_by_peer || shutdown(conn->sock_fd, SHUT_WR) < 0) {
		conn_free_soon(conn);
		return;
	}
	conn->state = CONN_LINGER;
	conn_window_begin(conn, conn_moved_at_end(conn), LINGER_MS);
	linger(conn);
}

static void closing(struct conn *conn)
{
	int r = conn->is_established ? record_tx_flush(&conn->record, false) : 0;
	if (r == -EAGAIN)
		conn_wait(conn, POLLOUT);
	else if (r < 0)
		conn_free_soon(conn);
	else
		half_close(conn);
}

/* The alert that ends our side goes to the socket before the log tells of it. What does not fit is
 * sent while we close. */
static void say_last_word(struct conn *conn)
{
	struct record *record = &conn->record;

	if (!conn->is_established || record->tx_buf != NULL)
		return;
	record_shutdown(record, ALERT_CLOSE_NOTIFY); /* if no other alert is due */
	record_tx_flush(record, false);
}

void conn_close(struct conn *conn, enum close_reason why)
{
	bool is_cut = conn->state == CONN_SEND;
	if (conn->why == CLOSE_REASON_COUNT && !is_cut && why != CLOSE_CLIENT_RESET &&
	    why != CLOSE_SEND_FAILED)
		say_last_word(conn);
	note_reason(conn, why);
	if (is_cut || conn->why == CLOSE_CLIENT_RESET || conn->why == CLOSE_SEND_FAILED) {
		conn_free_soon(conn);
		return;
	}
	if (conn->state != CONN_CLOSING)
		conn_window_begin(conn, conn_moved_at_end(conn), LINGER_MS);
	conn->state = CONN_CLOSING;
	if (conn->in_flight != CONN_OP_NONE) { /* its event brings us back here */
		cancel(conn);
		return;
	}
	conn_request_free(conn);
	if (conn->is_established)
		record_shutdown(&conn->record, ALERT_CLOSE_NOTIFY);
	closing(conn);
}

/* ---- Handshake ------------------------------------------------------------------------------ */

static void established(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct handshake_outcome outcome;
	int r = handshake_finish(conn->handshake, &conn->record, &outcome);

	conn->fallback_tx = outcome.fallback_tx;
	conn->fallback_rx = outcome.fallback_rx;
	if (outcome.fallback_tx < FALLBACK_REASON_COUNT)
		metric_add(&worker->metrics.fallback_tx[outcome.fallback_tx], 1);
	if (outcome.fallback_rx < FALLBACK_REASON_COUNT)
		metric_add(&worker->metrics.fallback_rx[outcome.fallback_rx], 1);
	if (r < 0) {
		access_log_fallback(conn, &outcome);
		if (r == -EPROTO) {
			conn_handshake_failed(conn, handshake_failure(conn->handshake));
			return;
		}
		conn_abort(conn, r == -EOPNOTSUPP ? CLOSE_KTLS_REQUIRED
				 : r == -ENOMEM   ? CLOSE_NO_MEMORY
						  : CLOSE_INTERNAL);
		return;
	}
	handshake_free(conn->handshake);
	conn->handshake = NULL;
	conn->peer = outcome.peer;
	conn->identity = peer_identity(conn->peer);
	conn->group = outcome.group;
	conn->is_established = true;
	metric_add(&worker->metrics.handshake_ok, 1);
	metric_add(&worker->metrics.key_exchange[outcome.group], 1);
	histogram_observe(&worker->metrics.handshake_duration,
			  worker->loop.now_ns - conn->started_ns);
	bool is_tx_kernel = record_is_kernel_tx(&conn->record);
	bool is_rx_kernel = conn->record.rx == &record_rx_kernel;
	metric_add(&worker->metrics.conn_path[is_tx_kernel ? (is_rx_kernel ? CONN_PATH_KERNEL_KERNEL
									   : CONN_PATH_KERNEL_USER)
							   : (is_rx_kernel ? CONN_PATH_USER_KERNEL
									   : CONN_PATH_USER_USER)],
		   1);
	access_log_fallback(conn, &outcome);
	if (!conn_admit(conn))
		return;
	conn->state = CONN_HEAD;
	conn_deadline(conn,
		      worker->is_draining ? LINGER_MS : worker->server->config->idle_timeout_ms);
	conn_wait(conn, CONN_READABLE);
}

/* A client of the wrong port, or without https://, is told so in its own protocol. Nothing was sent
 * before, so it fits the socket; if not, the client sees the connection close. */
static void answer_plain_http(struct conn *conn)
{
	static const char text[] =
		"This port speaks HTTPS with mutual TLS 1.3, not plain HTTP: use "
		"https:// and a client certificate.\n";
	bool is_head = strncmp(handshake_greeting(conn->handshake), "HEAD ", 5) == 0;
	struct http_response response;
	char answer[512];

	http_response_begin(&response, answer, sizeof(answer), 400);
	http_response_field(&response, "Content-Type", "text/plain; charset=utf-8");
	http_response_field_u64(&response, "Content-Length", sizeof(text) - 1);
	http_response_field(&response, "Connection", "close");
	int n = http_response_end(&response);
	must(n > 0 && (size_t)n + sizeof(text) <= sizeof(answer));
	if (!is_head) {
		memcpy(answer + n, text, sizeof(text) - 1);
		n += (int)sizeof(text) - 1;
	}
	send(conn->sock_fd, answer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void conn_handshake_failed(struct conn *conn, enum handshake_failure failure)
{
	if (failure == HANDSHAKE_PLAIN_HTTP)
		answer_plain_http(conn);
	metric_add(&conn->worker->metrics.handshake_failure[failure], 1);
	access_log_handshake_failure(conn, failure);
	conn_close(conn,
		   failure == HANDSHAKE_TIMEOUT ? CLOSE_HANDSHAKE_TIMEOUT : CLOSE_HANDSHAKE_FAILED);
}

static void handshake_go_on(struct conn *conn)
{
	int r = handshake_step(conn->handshake);
	if (r == -EAGAIN)
		conn_wait(conn, (unsigned)handshake_wants(conn->handshake));
	else if (r < 0)
		conn_handshake_failed(conn, handshake_failure(conn->handshake));
	else
		established(conn);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

static enum conn_next receive(struct conn *conn);

/* A head, a body to be dropped or a record has begun, or none has any more: the deadline is another
 * one. False: it would be that of an idle connection, and the server is stopping. */
static bool deadline_follows(struct conn *conn)
{
	const struct config *config = conn->worker->server->config;
	bool has_begun =
		conn->in != NULL || conn->discard_left > 0 || record_holds_part(&conn->record);

	if (has_begun == conn->is_head_begun)
		return true;
	conn->is_head_begun = has_begun;
	conn_deadline(conn, has_begun ? config->head_timeout_ms : config->idle_timeout_ms);
	return has_begun || !conn->worker->is_draining;
}

enum conn_next conn_wait_for_head(struct conn *conn)
{
	if (conn->in != NULL && conn->in->have == 0)
		buffers_give(conn);
	if (!deadline_follows(conn)) {
		conn_close(conn, CLOSE_DRAINED);
		return CONN_WAITS;
	}
	conn_wait_for_record(conn);
	return CONN_WAITS;
}

bool conn_wait_for_record(struct conn *conn)
{
	struct record *record = &conn->record;
	unsigned events = CONN_READABLE;

	if (record_tx_has_due(record)) { /* our KeyUpdate, not later than the next response */
		int r = record_tx_flush(record, false);
		if (r < 0 && r != -EAGAIN) {
			conn_close(conn, record->why);
			return false;
		}
		if (r < 0)
			events |= POLLOUT;
	}
	if (record_has_buffered(record))
		conn_yield(conn); /* no poll would tell of it */
	else
		conn_wait(conn, events);
	return true;
}

static enum conn_next receive(struct conn *conn)
{
	if (conn->in == NULL) {
		conn->in = pool_take(&conn->worker->head_bufs);
		if (conn->in == NULL) {
			conn_close(conn, CLOSE_NO_MEMORY);
			return CONN_WAITS;
		}
		conn->in->have = conn->in->scanned = 0;
	}
	struct head_buf *in = conn->in;
	if (in->have >= HEAD_BYTES_MAX)
		return CONN_GOES_ON; /* pipelined: first what is here */

	ssize_t n = record_recv(&conn->record, in->byte + in->have, sizeof(in->byte) - in->have);
	if (n > 0) {
		in->have += (size_t)n;
		return CONN_GOES_ON;
	}
	if (n == -EAGAIN) /* nothing new; but pipelined heads may wait here for their turn */
		return in->have > in->scanned ? CONN_GOES_ON : conn_wait_for_head(conn);
	bool is_idle = in->have == 0 && conn->discard_left == 0;
	conn->is_closed_by_peer = n == 0 || n == -EPIPE || n == -ECONNRESET;
	conn_close(conn, n == 0 && !is_idle ? CLOSE_CLIENT_TRUNCATED : conn->record.why);
	return CONN_WAITS;
}

/* ---- Events --------------------------------------------------------------------------------- */

/* Steps until one waits, or until the others must have their turn. */
void conn_run(struct conn *conn, enum conn_next next)
{
	int heads = 0;

	while (next == CONN_GOES_ON) {
		if (conn->state == CONN_HEAD && heads++ == REQUESTS_PER_WAKE) {
			conn_yield(conn);
			return;
		}
		if (conn->state == CONN_HEAD)
			next = conn_step_head(conn);
		else if (conn->state == CONN_BODY)
			next = conn_step_body(conn);
		else if (conn->state == CONN_ANSWER)
			next = conn_step_answer(conn);
		else
			next = conn_step_send(conn);
	}
}

static enum conn_next head_event(struct conn *conn, int32_t events)
{
	bool is_readable = events < 0 || (events & ~POLLOUT) != 0;
	/* Pipelined requests that waited for their turn come before what is behind them, which may
	 * be the connection's end. */
	if (conn->in != NULL && conn->in->have > conn->in->scanned)
		return CONN_GOES_ON;
	if (is_readable || record_has_buffered(&conn->record))
		return receive(conn);
	return conn->in != NULL ? CONN_GOES_ON : conn_wait_for_head(conn);
}

static void event(struct conn *conn, int32_t result)
{
	enum conn_op kind = conn->in_flight;

	must(kind != CONN_OP_NONE);
	conn->in_flight = CONN_OP_NONE;
	if (is_for_file(kind))
		metric_sub(&conn->worker->metrics.value[METRIC_RING_FILE_OPS], 1);

	/* What the operation left behind is put in order first, whatever follows. */
	if (kind == CONN_OP_FILE)
		send_file_done(&conn->request->send, result);
	if (kind == CONN_OP_OPEN && (conn->is_doomed || conn->state != CONN_OPEN) && result >= 0)
		close(result);
	if (conn->is_doomed) {
		conn_free(conn);
		return;
	}
	switch (conn->state) {
	case CONN_HANDSHAKE:
		handshake_go_on(conn);
		break;
	case CONN_HEAD:
		conn_run(conn, head_event(conn, result));
		break;
	case CONN_OPEN:
		conn_run(conn, conn_step_opened(conn, result));
		break;
	case CONN_JOB:
		conn_run(conn, conn_step_job_done(conn));
		break;
	case CONN_BODY:
		conn_run(conn,
			 kind == CONN_OP_WRITE ? conn_step_written(conn, result) : CONN_GOES_ON);
		break;
	case CONN_ANSWER:
	case CONN_SEND:
		conn_run(conn, CONN_GOES_ON);
		break;
	case CONN_CLOSING:
		conn_close(conn, conn->why);
		break;
	case CONN_LINGER:
		linger(conn);
		break;
	case CONN_FREE:
		must(!"an event for a free connection");
	}
}

void conn_op_done(struct op *op, int32_t result)
{
	event(CONTAINER_OF(op, struct conn, op), result);
}

void conn_job_done(struct conn *conn)
{
	must(conn->in_flight == CONN_OP_JOB);
	event(conn, 0);
}

void conn_buffer_ready(struct conn *conn)
{
	conn_run(conn, CONN_GOES_ON);
}

/* A request that has arrived is served, even if no byte of it was read yet. */
void conn_drain(struct conn *conn)
{
	if (conn->state != CONN_HEAD || conn->is_head_begun)
		return;
	if (conn_queued_bytes(conn, SIOCINQ) > 0)
		conn_deadline(conn,
			      LINGER_MS); /* its event comes; it may be no request after all */
	else
		conn_close(conn, CLOSE_DRAINED);
}
