/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of a connection: what has passed, and who is to blame for it. */
#include <poll.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include "base/must.h"
#include "server/conn.h"

void conn_deadline(struct conn *conn, uint64_t in_ms)
{
	conn->is_excused = false;
	loop_arm(&conn->worker->loop, &conn->deadline, in_ms, conn_expired);
}

/* Bytes that wait in the socket, to be received or to be taken by the client. */
int conn_queued_bytes(const struct conn *conn, unsigned long which)
{
	int queued = 0;
	ioctl(conn->sock_fd, which, &queued);
	return queued;
}

/* ---- The minimum rate ----------------------------------------------------------------------- */

/* moved: bytes that the client has moved so far, from any start. */
void conn_window_begin(struct conn *conn, int64_t moved, uint64_t in_ms)
{
	conn->window_ms = conn->worker->loop.now_ms;
	conn->window_moved = moved;
	conn_deadline(conn, in_ms);
}

/* Has the client moved too little since the window began? */
static bool window_is_slow(const struct conn *conn, int64_t moved)
{
	uint64_t min_bytes = conn->worker->server->config->min_rate_bytes;
	uint64_t elapsed_ms = conn->worker->loop.now_ms - conn->window_ms;

	return min_bytes > 0 &&
	       (moved - conn->window_moved) * 1000 < (int64_t)min_bytes * (int64_t)elapsed_ms;
}

/* While we close: bytes that the client has taken of our last ones, and those it still sends. */
int64_t conn_moved_at_end(const struct conn *conn)
{
	return (int64_t)conn->lingered - conn_queued_bytes(conn, SIOCOUTQ);
}

/* ---- What has passed ------------------------------------------------------------------------ */

/* File bytes that the client has taken: not what waits in our buffer or in the socket's. Too few by
 * the head and by what TLS adds to what waits, so less than none may come out. */
static int64_t bytes_taken(const struct conn *conn)
{
	const struct tx_buf *buf = conn->record.tx_buf;
	const struct send *send = &conn->request->send;
	int64_t sealed = (int64_t)(send->sent + record_tx_unsent(&conn->record));

	return sealed - send->head_left - conn_queued_bytes(conn, SIOCOUTQ) -
	       (int64_t)(buf != NULL ? buf->end - buf->at : 0);
}

/* What the window of the minimum rate looks at: bytes that the client has taken, or given. */
static int64_t bytes_moved(const struct conn *conn)
{
	return conn->state == CONN_BODY ? (int64_t)conn->request->job->received : bytes_taken(conn);
}

/* Is it the disk's turn, not the client's? Since when? */
static bool waits_for_disk(const struct conn *conn, uint64_t *since_ms)
{
	*since_ms =
		conn->state == CONN_BODY ? conn->request->job->disk_since_ms : conn->read_since_ms;
	return conn->state == CONN_BODY ? conn->in_flight == CONN_OP_WRITE
					: conn->request->send.is_reading;
}

/*
 * Can the socket be read (or written) now? Then the client did its part, and the delay is ours: a
 * thread that did not run for a while (a busy or a paused machine) finds its deadlines passed
 * before it has handled the events that came in time, as one wake-up takes a limited number of
 * those.
 */
static bool is_our_turn(const struct conn *conn)
{
	bool sends = conn->state == CONN_SEND || conn->state == CONN_ANSWER;
	struct pollfd socket = {.fd = conn->sock_fd, .events = sends ? POLLOUT : CONN_READABLE};

	return poll(&socket, 1, 0) == 1;
}

/* The window of the minimum rate has ended. */
static void check_rate(struct conn *conn)
{
	uint64_t now_ms = conn->worker->loop.now_ms, since_ms;
	int64_t moved = bytes_moved(conn);
	bool is_slow = window_is_slow(conn, moved);

	conn_window_begin(conn, moved, conn->worker->server->config->rate_window_ms);
	if (waits_for_disk(conn, &since_ms)) {
		if (now_ms - since_ms >= DISK_TIMEOUT_MS)
			conn_abort(conn, CLOSE_DISK_TIMEOUT);
	} else if (!conn->is_waiting && is_slow && !is_our_turn(conn)) {
		conn_abort(conn, conn->state == CONN_BODY ? CLOSE_BODY_TIMEOUT : CLOSE_SLOW_READER);
	}
}

/* A client that still takes our last bytes, or still sends, gets LINGER_MS again: it must not lose
 * our last answer for being slow. Without a certificate it gets it once. */
static void check_end(struct conn *conn)
{
	int64_t moved = conn_moved_at_end(conn);
	bool is_unread =
		conn->state == CONN_LINGER && conn->in_flight == CONN_OP_NONE; /* linger_unread */

	if (is_unread && conn_queued_bytes(conn, SIOCOUTQ) == 0) {
		conn_free_soon(conn);
		return;
	}
	if (is_unread && conn->worker->loop.now_ms - conn->window_ms < LINGER_MS) {
		conn_deadline(conn, TICK_MS);
		return;
	}
	if (!conn->is_established || moved <= conn->window_moved || window_is_slow(conn, moved))
		conn_free_soon(conn);
	else
		conn_window_begin(conn, moved, LINGER_MS);
}

/* The client has not read enough for the next answer in the whole of a window. */
static void client_waited_long(struct conn *conn)
{
	const struct config *config = conn->worker->server->config;

	if (config->min_rate_bytes > 0 && !is_our_turn(conn))
		conn_abort(conn, CLOSE_SLOW_READER);
	else
		conn_deadline(conn, config->rate_window_ms);
}

/* The answer has waited for a tx_buf as long as a client may keep one without taking anything: it
 * becomes "503 SlowDown", for which some are spared; with all of them gone, too, the end. */
static void buffer_waited_long(struct conn *conn)
{
	struct request *request = conn->request;

	if (conn->is_waiting)
		worker_stop_waiting(conn->worker, conn);
	if (request->is_overdue) {
		conn_abort(conn, CLOSE_NO_MEMORY);
		return;
	}
	request->is_overdue = true;
	request->is_interim = false; /* the body that it would ask for is not wanted now */
	request->error = S3_ERROR_SLOW_DOWN;
	request->error_text = NULL;
	object_close(&request->object);
	conn_run(conn, CONN_GOES_ON);
}

/* The client was in time, and its event is still to be handled. Granted once per deadline: a client
 * that sends without end must not put it off. */
static bool is_to_be_heard(struct conn *conn)
{
	if (conn->is_excused || conn->in_flight == CONN_OP_NONE || !is_our_turn(conn))
		return false;
	conn_deadline(conn, TICK_MS);
	conn->is_excused = true;
	return true;
}

void conn_expired(struct timer *timer)
{
	struct conn *conn = CONTAINER_OF(timer, struct conn, deadline);

	switch (conn->state) {
	case CONN_HANDSHAKE:
		if (!is_to_be_heard(conn))
			conn_handshake_failed(conn, HANDSHAKE_TIMEOUT);
		break;
	case CONN_HEAD:
		if (is_to_be_heard(conn))
			break;
		conn_close(conn, conn->discard_left > 0      ? CLOSE_BODY_TIMEOUT
				 : conn->is_head_begun       ? CLOSE_HEAD_TIMEOUT
				 : conn->worker->is_draining ? CLOSE_DRAINED
							     : CLOSE_IDLE_TIMEOUT);
		break;
	case CONN_OPEN:
		conn_abort(conn, CLOSE_DISK_TIMEOUT);
		break;
	case CONN_ANSWER:
		if (conn->request->awaits_client)
			client_waited_long(conn);
		else
			buffer_waited_long(conn);
		break;
	case CONN_BODY:
	case CONN_SEND:
		check_rate(conn);
		break;
	case CONN_JOB:
		must(!"a thread has no deadline");
		break;
	case CONN_CLOSING:
	case CONN_LINGER:
		check_end(conn);
		break;
	case CONN_FREE:
		must(!"a deadline of a free connection");
	}
}
