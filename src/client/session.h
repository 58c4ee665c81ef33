/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of a client: TCP, the mutual handshake, then one request after the other.
 *
 *   session_open -> session_step ... -> READY -> session_ask -> session_step ... -> READY ...
 *
 * Never blocks: session_step goes on as far as the socket allows, and the caller waits, by a loop
 * or by poll(2), for what session_wants. Response bodies are given to the request's sink from one
 * buffer that all sessions of a thread share, and are copied nowhere else.
 */
#ifndef SLUICE_CLIENT_SESSION_H
#define SLUICE_CLIENT_SESSION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/data_path.h"
#include "base/metrics.h"
#include "client/target.h"
#include "http/chunked.h"
#include "http/response_head.h"
#include "io/pool.h"
#include "tls/handshake.h"

/* How a command of the client ends, whatever the reason within. */
enum client_outcome {
	CLIENT_OK,
	CLIENT_ERROR,
	CLIENT_NOT_FOUND,
	CLIENT_DENIED,
	CLIENT_TLS,
	CLIENT_NETWORK,
	CLIENT_INTEGRITY,
	CLIENT_PARTIAL
};

/* What the sessions of one thread share. */
struct client {
	struct target target;
	struct tls_ctx *ctx;
	struct ktls_caps caps;
	struct metrics metrics; /* the record layer counts there */
	struct handshake_plan plan;
	struct pool tx_bufs;
	struct pool rx_bufs;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	uint8_t *scratch; /* SESSION_SCRATCH_BYTES: what was received last */
	int stop_fd;      /* session_wait ends when it is readable; -1: none */
};

struct client_options {
	const char *target;
	struct tls_client_files files; /* server_name "": the target's host */
	enum tls_path tls_path;
	unsigned sessions_max;
};

/* Reads the certificates, finds the address (this waits for the resolver), probes the kernel.
 * CLIENT_OK, or another outcome with one line in error and nothing to be ended. */
enum client_outcome client_init(struct client *client, const struct client_options *options,
				char error[ERROR_TEXT_MAX]);
/* Every session must be closed. */
void client_fini(struct client *client);

/* Borrowed until the response is whole. */
struct session_request {
	const char *head;
	size_t head_bytes;
	const uint8_t *pattern; /* the body: these bytes again and again */
	size_t pattern_bytes;
	uint64_t body_bytes;
	bool is_head; /* HEAD: the response has no body */
	/* Of the response's body, as it comes; NULL: dropped. */
	void (*sink)(void *arg, const uint8_t *data, size_t len);
	void *arg;
};

enum session_state {
	SESSION_CLOSED,
	SESSION_CONNECTING,
	SESSION_HANDSHAKE,
	SESSION_READY,
	SESSION_SENDING,
	SESSION_HEAD,
	SESSION_BODY
};

enum session_failure {
	SESSION_UNREACHABLE, /* TCP: refused, no route ... */
	SESSION_TLS,         /* the handshake, or a fatal alert: certificates mostly */
	SESSION_ENDED,       /* the server ended the connection inside a response */
	SESSION_MALFORMED,   /* what came is no HTTP/1.1 response, or its framing is not clear */
	SESSION_LOCAL        /* no memory, no descriptors, no kernel TLS where it must be */
};

struct session {
	struct client *client;
	int sock_fd;
	enum session_state state;
	short wants;
	struct handshake *handshake;
	struct handshake_outcome outcome; /* of the last handshake */
	struct record record;             /* from READY on */
	const struct session_request *request;
	uint64_t sent;                      /* bytes of its head and body that are sealed */
	struct http_response_head response; /* slices: not to be followed */
	char checksum[64];                  /* x-amz-checksum-sha256, "": absent or too long */
	uint64_t body_left;
	uint64_t body_bytes; /* received of this response */
	struct chunked chunked;
	uint64_t responses; /* that were whole, on this connection */
	bool is_answered;   /* a byte of this response has come */
	bool is_last;       /* the connection ends behind this response */
	enum session_failure failure;
	char failure_text[200];
	size_t head_have; /* of a head that came in pieces */
	char head[HEAD_BYTES_MAX];
};

/* Once; allocates nothing. */
void session_init(struct session *session, struct client *client);
/* Begins to connect; the session is closed. 0, or -EIO: .failure. */
int session_open(struct session *session);
/* Begins a request; the session is ready, and the response before was not its last. */
void session_ask(struct session *session, const struct session_request *request);
/*
 * Goes on; ready: the events of poll(2) that were waited for and came. 0: connected, or the
 * response is whole (READY); -EAGAIN: wait for session_wants; -EIO: it is over, .failure and
 * .failure_text say why, and the session is to be closed.
 */
int session_step(struct session *session, unsigned ready);
/* Events of poll(2); 0: call session_step again soon, others may have their turn. */
short session_wants(const struct session *session);
/* With close_notify, where the socket takes it. In any state. */
void session_close(struct session *session);

/* For requests one at a time: steps, and waits by poll(2), until it is done. As session_step;
 * -ETIMEDOUT: not in timeout_ms; -ECANCELED: the client's stop_fd is readable. */
int session_wait(struct session *session, unsigned timeout_ms);
enum client_outcome session_outcome(enum session_failure failure);
/* Of a status that is none of success. */
enum client_outcome client_outcome_of_status(int status);

#endif
