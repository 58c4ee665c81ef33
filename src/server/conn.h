/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection, from accept to close.
 *
 *   HANDSHAKE -> HEAD -> OPEN -> [JOB ->] ANSWER -> SEND -> HEAD ...
 *                  \                                  (cut: freed at once)
 *                   +----> [JOB -> BODY ->] JOB -> ANSWER
 *                   `----> CLOSING -> LINGER -> free
 *
 * At most one operation is in flight, of the loop or of a thread. A connection is freed only when
 * none is. Idle it holds no buffer.
 */
#ifndef SLUICE_SERVER_CONN_H
#define SLUICE_SERVER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reasons.h"
#include "http/head.h"
#include "io/loop.h"
#include "s3/answer.h"
#include "s3/operation.h"
#include "s3/target.h"
#include "server/job.h"
#include "server/worker.h"
#include "store/object.h"
#include "tls/handshake.h"
#include "xfer/send.h"

enum conn_state {
	CONN_FREE,
	CONN_HANDSHAKE,
	CONN_HEAD,    /* waiting for a request head, or dropping a body that nobody wants */
	CONN_OPEN,    /* the loop opens the object */
	CONN_JOB,     /* a thread carries out what may block (server/job.h) */
	CONN_BODY,    /* the request body comes in */
	CONN_ANSWER,  /* the answer is known; a tx_buf is awaited to write it to */
	CONN_SEND,    /* the response is on its way */
	CONN_CLOSING, /* close_notify or an alert is on its way */
	CONN_LINGER   /* until the client has closed too */
};

/* What is in flight. */
enum conn_op {
	CONN_OP_NONE,
	CONN_OP_POLL,  /* the socket, or a turn */
	CONN_OP_FILE,  /* a read of the file that is sent */
	CONN_OP_OPEN,  /* of the object */
	CONN_OP_WRITE, /* of the body's file */
	CONN_OP_JOB    /* on a thread; not in conn->op */
};

/* A request head as it comes in; what follows it (pipelined) too. */
struct head_buf {
	size_t have;
	size_t scanned;                 /* http_head_parse has looked this far */
	char byte[HEAD_BYTES_MAX + 64]; /* 64: room for a control record behind a full head */
};

/* Lives while one request is answered. */
struct request {
	struct http_head head;
	struct s3_target target;
	struct s3_route route;
	size_t head_bytes;
	uint64_t started_ns;
	bool keep_alive;
	bool is_parsed;     /* head is valid; false: refused is */
	bool is_bucket;     /* path is the bucket's: what is opened is only to be there */
	bool is_interim;    /* the answer is "100 Continue" */
	bool is_continued;  /* that was said, or need not be */
	bool is_aged;       /* --max-connection-age: the response is the connection's last */
	bool is_denied;     /* by the access rules */
	int denied_about;   /* struct decision.about */
	bool is_overdue;    /* a tx_buf did not come in time: the answer is SlowDown */
	bool awaits_client; /* the answer waits until the socket has room; then for a tx_buf */
	enum http_head_error refused;
	enum s3_error error;    /* S3_ERROR_COUNT: none so far */
	const char *error_text; /* NULL: the table's */
	struct job *job;        /* NULL: it needs no thread */
	struct object object;
	struct open_how how;
	char path[OBJECT_PATH_BYTES];
	char request_id[REQUEST_ID_BYTES];
	struct answer answer;
	struct send send;
};

struct conn {
	struct worker *worker;
	uint32_t slot;
	int sock_fd;
	enum conn_state state;
	enum conn_op in_flight;
	struct op op;
	struct timer deadline;
	bool is_doomed;      /* to be freed as soon as nothing is in flight */
	bool is_waiting;     /* for a tx_buf */
	bool is_established; /* record is valid */
	bool is_closed_by_peer;
	bool is_counted;       /* among its client's, for --max-connections-per-identity */
	bool is_excused;       /* the deadline was put off once, the delay being ours */
	bool is_head_begun;    /* a byte of the next head (or a body to be dropped) is here */
	bool is_rx_over;       /* in state LINGER: what is still here cannot be received */
	enum close_reason why; /* first reason; CLOSE_REASON_COUNT: none yet */
	enum fallback_reason fallback_tx;
	enum fallback_reason fallback_rx;
	enum tls_group group; /* of the key exchange */
	struct conn *waiting_next;
	struct handshake *handshake;
	struct peer *peer;               /* whose certificate was verified; NULL: not yet */
	const struct identity *identity; /* its; NULL: not yet */
	struct head_buf *in;
	struct request *request;
	uint64_t started_ns;
	uint64_t window_ms; /* of the minimum rate: its start, and what the client had moved */
	int64_t window_moved;
	uint64_t read_since_ms; /* the loop reads a file since */
	uint64_t discard_left;  /* request body bytes still to be read and dropped */
	uint64_t requests;
	struct record record;
	uint32_t lingered; /* bytes dropped in state LINGER */
	char remote[SOCKET_TEXT_MAX];
};

/* An accepted socket, taken over. NULL: no slot or no memory; the socket is closed then. */
struct conn *conn_new(struct worker *worker, int sock_fd, const char *remote);
/* The job that was in flight has run. */
void conn_job_done(struct conn *conn);
/* A tx_buf may be free now. */
void conn_buffer_ready(struct conn *conn);
/* The server is stopping: an idle connection closes, a busy one after its response. */
void conn_drain(struct conn *conn);
/* The worker has a newer trust: a client that it would not let in has to leave. */
void conn_check_trust(struct conn *conn);
/* At once, whatever it does. */
void conn_abort(struct conn *conn, enum close_reason why);

/* ---- Between conn.c, conn_deadline.c, conn_request.c, conn_body.c and conn_trust.c ---- */

/*
 * What says that there is something to receive, if only the end. Kernel TLS reports POLLIN for
 * whole records only: a FIN behind half a record, or behind none, is POLLRDHUP alone
 * (net/tls/tls_main.c, tls_sk_poll).
 */
#define CONN_READABLE (POLLIN | POLLRDHUP)

/* A step either waits for an event (or has ended the connection: it may be gone), or the next step
 * can be taken at once. */
enum conn_next { CONN_WAITS, CONN_GOES_ON };

/* Serves what conn->in holds: a body to be dropped, a request head. */
enum conn_next conn_step_head(struct conn *conn);
/* The open that the loop did for state OPEN. */
enum conn_next conn_step_opened(struct conn *conn, int32_t result);
/* Writes the answer's head and text to a tx_buf. */
enum conn_next conn_step_answer(struct conn *conn);
/* Sends as much as the socket takes. */
enum conn_next conn_step_send(struct conn *conn);

/* Takes the request's body, or what a thread has to do before that. */
enum conn_next conn_body_plan(struct conn *conn);
enum conn_next conn_step_body(struct conn *conn);
/* A write to the body's file has ended. */
enum conn_next conn_step_written(struct conn *conn, int32_t result);
/* A thread has done its step. */
enum conn_next conn_step_job_done(struct conn *conn);
/* Hands the request's job to a thread. */
enum conn_next conn_run_job(struct conn *conn, enum job_step step);

/* The handshake is done: is there nothing against this client? False: the connection ends. */
bool conn_admit(struct conn *conn);
/* Is its next response to be its last? */
bool conn_is_aged(const struct conn *conn);

/* An operation on a file (CONN_OP_OPEN, _FILE, _WRITE) begins, with conn->op; then it is started
 * with conn_op_done. */
void conn_op_begins(struct conn *conn, enum conn_op kind);
void conn_op_done(struct op *op, int32_t result);
/* The deadline has passed. */
void conn_expired(struct timer *timer);
/* Back after the others. */
void conn_yield(struct conn *conn);
/* Until something can be received; what is due to be sent (a KeyUpdate) goes meanwhile. False: the
 * connection has ended. */
bool conn_wait_for_record(struct conn *conn);
/* Waits for what the client sends next. */
enum conn_next conn_wait_for_head(struct conn *conn);
void conn_wait(struct conn *conn, unsigned poll_events);
void conn_deadline(struct conn *conn, uint64_t in_ms);
/* The window of the minimum rate begins. moved: bytes that the client has moved so far, from any
 * start. */
void conn_window_begin(struct conn *conn, int64_t moved, uint64_t in_ms);
/* While we close: bytes that the client has taken of our last ones, and those it still sends. */
int64_t conn_moved_at_end(const struct conn *conn);
/* Bytes that wait in the socket: SIOCINQ, to be received; SIOCOUTQ, to be taken by the client. */
int conn_queued_bytes(const struct conn *conn, unsigned long which);
/* Frees now, or as soon as the operation in flight has ended. */
void conn_free_soon(struct conn *conn);
void conn_handshake_failed(struct conn *conn, enum handshake_failure failure);
/* Steps until one waits, or until the others must have their turn. */
void conn_run(struct conn *conn, enum conn_next next);
void conn_request_free(struct conn *conn);
/* Ends the connection in order: close_notify or an alert, linger, free. A response that is cut
 * short is never followed by a close_notify, which would make it look whole. */
void conn_close(struct conn *conn, enum close_reason why);

#endif
