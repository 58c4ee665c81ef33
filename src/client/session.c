/* SPDX-License-Identifier: Apache-2.0 */
#include "client/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "client/session_private.h"

void session_init(struct session *session, struct client *client)
{
	session->client = client;
	session->sock_fd = -1;
	session->state = SESSION_CLOSED;
	session->handshake = NULL;
}

int session_fail(struct session *session, enum session_failure failure, const char *format, ...)
{
	va_list args;

	session->failure = failure;
	va_start(args, format);
	vsnprintf(session->failure_text, sizeof(session->failure_text), format, args);
	va_end(args);
	return -EIO;
}

int session_record_failed(struct session *session, int error)
{
	char alert[ALERT_NAME_MAX];

	switch ((int)session->record.why) { /* few of them concern a client */
	case CLOSE_CLIENT_ALERT:
		/* In TLS 1.3 the client is done before the server has seen its certificate. */
		return session_fail(
			session, SESSION_TLS, "the server ended the connection with the alert %s%s",
			tls_alert_name(session->record.alert_received, alert),
			session->responses == 0 ? ": the certificate of --cert, most likely" : "");
	case CLOSE_RECORD_BAD:
	case CLOSE_UNEXPECTED_RECORD:
	case CLOSE_RECORD_FLOOD:
	case CLOSE_KEYUPDATE_FLOOD:
		return session_fail(session, SESSION_TLS, "a record of the server cannot be used");
	case CLOSE_NO_MEMORY:
	case CLOSE_INTERNAL:
		return session_fail(session, SESSION_LOCAL, "%s", strerrordesc_np(-error));
	default:
		return session_fail(session, SESSION_ENDED, "the connection ended: %s",
				    strerrordesc_np(-error));
	}
}

/* ---- Connecting ------------------------------------------------------------------------------ */

int session_open(struct session *session)
{
	struct client *client = session->client;
	int one = 1;

	must(session->state == SESSION_CLOSED);
	session->responses = 0;
	session->is_last = session->is_answered = false;
	session->head_have = 0;
	session->sock_fd =
		socket(client->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (session->sock_fd < 0)
		return session_fail(session, SESSION_LOCAL, "socket: %s", strerrordesc_np(errno));
	setsockopt(session->sock_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	session->state = SESSION_CONNECTING;
	session->wants = POLLOUT;
	if (connect(session->sock_fd, (const struct sockaddr *)&client->addr, client->addr_len) <
		    0 &&
	    errno != EINPROGRESS)
		return session_fail(session, SESSION_UNREACHABLE, "%s", strerrordesc_np(errno));
	return 0;
}

static int step_connecting(struct session *session, unsigned ready)
{
	struct client *client = session->client;
	int error = 0;
	socklen_t len = sizeof(error);

	if (ready == 0)
		return -EAGAIN;
	getsockopt(session->sock_fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0)
		return session_fail(session, SESSION_UNREACHABLE, "%s", strerrordesc_np(error));
	session->handshake = handshake_new(client->ctx, &client->plan, session->sock_fd);
	if (session->handshake == NULL)
		return session_fail(session, SESSION_LOCAL, "no memory");
	session->state = SESSION_HANDSHAKE;
	return 0;
}

/* base/reasons.h has the sentences of a server. NULL: the library's own words are all there is. */
static const char *sentence_of(enum handshake_failure failure)
{
	switch ((int)failure) { /* the others are a server's */
	case HANDSHAKE_CERT_EXPIRED:
		return "the server's certificate, or one of its chain, has expired";
	case HANDSHAKE_CERT_NOT_YET_VALID:
		return "the server's certificate is not valid yet; see the clocks of both machines";
	case HANDSHAKE_CERT_UNKNOWN_CA:
		return "the server's certificate was not issued by a CA of --ca";
	case HANDSHAKE_CERT_WRONG_PURPOSE:
		return "the server's certificate is not for a server";
	case HANDSHAKE_CERT_BAD:
		return "the server's certificate could not be verified";
	case HANDSHAKE_PLAIN_HTTP:
		return "the server speaks plain HTTP on this port, not TLS";
	case HANDSHAKE_NOT_TLS:
		return "the server does not speak TLS on this port";
	case HANDSHAKE_VERSION:
		return "the server does not offer TLS 1.3";
	case HANDSHAKE_NO_SHARED_CIPHER:
		return "the server offers no cipher that this client has";
	case HANDSHAKE_NO_SHARED_GROUP:
		return "the server has no key exchange group that this client has";
	case HANDSHAKE_NO_SHARED_SIGNATURE:
		return "the server has no signature algorithm that this client has";
	case HANDSHAKE_CLIENT_ALERT:
		return "the server ended the handshake with an alert";
	case HANDSHAKE_CLIENT_CLOSED:
		return "the server closed the connection during the handshake";
	case HANDSHAKE_PROTOCOL:
		return "the server broke the handshake protocol";
	default:
		return NULL;
	}
}

static int handshake_failed(struct session *session)
{
	enum handshake_failure failure = handshake_failure(session->handshake);
	const char *text = handshake_failure_text(session->handshake);
	const char *sentence = sentence_of(failure);
	bool is_name = handshake_is_name_mismatch(session->handshake);
	bool says_all =
		text[0] == '\0' || failure == HANDSHAKE_PLAIN_HTTP || failure == HANDSHAKE_NOT_TLS;

	if (sentence == NULL)
		return session_fail(session, SESSION_LOCAL, "the handshake: %s",
				    text[0] != '\0' ? text : "internal error");
	if (is_name)
		return session_fail(session, SESSION_TLS,
				    "the server's certificate is not for this name (%s); "
				    "--server-name gives another",
				    text);
	return session_fail(session, SESSION_TLS, "%s%s%s%s", sentence, says_all ? "" : " (",
			    says_all ? "" : text, says_all ? "" : ")");
}

static int step_handshake(struct session *session)
{
	int r = handshake_step(session->handshake);

	if (r == -EAGAIN) {
		session->wants = handshake_wants(session->handshake);
		return r;
	}
	if (r < 0)
		return handshake_failed(session);
	r = handshake_finish(session->handshake, &session->record, &session->outcome);
	if (r == -EPROTO)
		return handshake_failed(session);
	if (r == -EOPNOTSUPP)
		return session_fail(session, SESSION_LOCAL,
				    "this kernel cannot do this connection's TLS "
				    "(--tls-path=kernel)");
	if (r < 0)
		return session_fail(session, SESSION_LOCAL, "after the handshake: %s",
				    strerrordesc_np(-r));
	handshake_free(session->handshake);
	session->handshake = NULL;
	/* Decrypts straight into the reader's buffer. */
	if (session->record.rx == &record_rx_kernel)
		ktls_expect_no_pad_where_safe(&ktls_sys_kernel, &session->client->caps,
					      session->sock_fd);
	session->state = SESSION_READY;
	return 0;
}

/* ---- Sending --------------------------------------------------------------------------------- */

void session_ask(struct session *session, const struct session_request *request)
{
	must(session->state == SESSION_READY && !session->is_last);
	session->request = request;
	session->sent = 0;
	session->is_answered = false;
	session->checksum[0] = '\0';
	session->state = SESSION_SENDING;
	session->wants = POLLOUT;
}

/* Bytes of the request from session->sent on into out, at most len. */
static size_t fill(struct session *session, uint8_t *out, size_t len)
{
	const struct session_request *request = session->request;
	uint64_t total = request->head_bytes + request->body_bytes;
	size_t filled = 0;

	while (filled < len && session->sent < total) {
		const void *from;
		size_t bytes;
		if (session->sent < request->head_bytes) {
			from = request->head + session->sent;
			bytes = request->head_bytes - (size_t)session->sent;
		} else {
			uint64_t at = session->sent - request->head_bytes;
			size_t in_pattern = (size_t)(at % request->pattern_bytes);
			from = request->pattern + in_pattern;
			bytes = request->pattern_bytes - in_pattern;
			if (bytes > request->body_bytes - at)
				bytes = (size_t)(request->body_bytes - at);
		}
		if (bytes > len - filled)
			bytes = len - filled;
		memcpy(out + filled, from, bytes);
		filled += bytes;
		session->sent += bytes;
	}
	return filled;
}

static int seal_next(struct session *session)
{
	struct iovec iov[TX_RECORDS_MAX];
	unsigned count = record_tx_room(&session->record, 0, iov);
	size_t bytes = 0;

	for (unsigned i = 0; i < count; i++)
		bytes += fill(session, iov[i].iov_base, iov[i].iov_len);
	return record_tx_seal(&session->record, bytes);
}

static void give_tx_buf(struct session *session)
{
	if (session->record.tx_buf != NULL)
		pool_give(&session->client->tx_bufs, session->record.tx_buf);
	session->record.tx_buf = NULL;
}

/* 0: all is sent; -EAGAIN; -EIO. */
static int send_request(struct session *session)
{
	struct record *record = &session->record;
	uint64_t total = session->request->head_bytes + session->request->body_bytes;
	size_t turn_bytes = 0;
	int r = 0;

	if (record->tx_buf == NULL) {
		record->tx_buf = pool_take(&session->client->tx_bufs);
		if (record->tx_buf == NULL)
			return session_fail(session, SESSION_LOCAL, "no memory");
		record->tx_buf->at = record->tx_buf->end = 0;
	}
	for (;;) {
		r = record_tx_flush(record, session->sent < total);
		if (r < 0 || session->sent == total)
			break;
		if (turn_bytes >= TURN_BYTES_MAX) {
			r = -EAGAIN;
			break;
		}
		turn_bytes += record_tx_room_bytes(record);
		r = seal_next(session);
		if (r < 0)
			break;
	}
	if (r == 0)
		give_tx_buf(session);
	return r < 0 && r != -EAGAIN ? session_record_failed(session, r) : r;
}

/* The answer has come before the end of the request: no more of it is sent. */
static int answered_early(struct session *session)
{
	if (session->record.tx_buf != NULL) {
		give_tx_buf(session);
		session->is_last = true; /* half a body is on its way */
	}
	return 0;
}

static int step_sending(struct session *session, unsigned ready)
{
	int r = ready & POLLIN ? session_receive(session) : -EAGAIN;

	if (r == 0)
		return answered_early(session);
	if (r != -EAGAIN || session->state == SESSION_BODY)
		return r;
	r = send_request(session);
	if (r == 0) {
		session->state = SESSION_HEAD;
		/* The send may have met the error of a bad record, of which no poll tells. */
		session->wants = record_has_buffered(&session->record) ? 0 : POLLIN;
		return -EAGAIN;
	}
	/* A server that refuses a body says so, and may not read on: look for that; of what is
	 * there already, and of an error that the send has met, no poll tells. */
	session->wants = session->request->body_bytes > 0 ? POLLIN | POLLOUT : POLLOUT;
	if (r == -EAGAIN && record_has_buffered(&session->record)) {
		r = session_receive(session);
		return r == 0 ? answered_early(session) : r;
	}
	if (r == -EIO && session->failure == SESSION_ENDED && session_receive(session) == 0)
		return answered_early(session);
	return r;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* KeyUpdates are answered, and alerts told, when the socket takes them. */
static void flush_due(struct session *session)
{
	if (session->record.tx_buf == NULL && record_tx_has_due(&session->record))
		record_tx_flush(&session->record, false);
}

int session_step(struct session *session, unsigned ready)
{
	int r = 0;

	switch (session->state) {
	case SESSION_CONNECTING:
		r = step_connecting(session, ready);
		return r == 0 ? step_handshake(session) : r;
	case SESSION_HANDSHAKE:
		return step_handshake(session);
	case SESSION_SENDING:
		r = step_sending(session, ready);
		break;
	case SESSION_HEAD:
	case SESSION_BODY:
		r = session_receive(session);
		break;
	case SESSION_CLOSED:
	case SESSION_READY:
		return 0;
	}
	flush_due(session);
	return r;
}

short session_wants(const struct session *session)
{
	return session->wants;
}

void session_close(struct session *session)
{
	if (session->sock_fd < 0)
		return;
	handshake_free(session->handshake);
	session->handshake = NULL;
	if (session->state >= SESSION_READY) {
		bool is_whole = session->record.tx_buf == NULL;
		give_tx_buf(session);
		if (is_whole) { /* else half a record may be on its way */
			record_shutdown(&session->record, ALERT_CLOSE_NOTIFY);
			record_tx_flush(&session->record, false);
		}
		record_fini(&session->record);
	}
	close(session->sock_fd);
	session->sock_fd = -1;
	session->state = SESSION_CLOSED;
}

int session_wait(struct session *session, unsigned timeout_ms)
{
	uint64_t end_ms = clock_now_ms() + timeout_ms;
	struct pollfd wait[2] = {{.fd = session->sock_fd},
				 {.fd = session->client->stop_fd, .events = POLLIN}};
	int r;

	while ((r = session_step(session, (unsigned)wait[0].revents)) == -EAGAIN) {
		uint64_t at_ms = clock_now_ms();
		if (at_ms >= end_ms)
			return -ETIMEDOUT;
		wait[0].events = session_wants(session);
		wait[0].revents = wait[1].revents = 0;
		int wait_ms = wait[0].events != 0 ? (int)(end_ms - at_ms) : 0;
		if (poll(wait, 2, wait_ms) < 0 && errno != EINTR)
			return session_fail(session, SESSION_LOCAL, "poll: %s",
					    strerrordesc_np(errno));
		if (wait[1].revents != 0)
			return -ECANCELED;
	}
	return r;
}

enum client_outcome session_outcome(enum session_failure failure)
{
	switch (failure) {
	case SESSION_UNREACHABLE:
	case SESSION_ENDED:
		return CLIENT_NETWORK;
	case SESSION_TLS:
		return CLIENT_TLS;
	case SESSION_MALFORMED:
	case SESSION_LOCAL:
		return CLIENT_ERROR;
	}
	must(!"a failure of the table");
	return CLIENT_ERROR;
}
