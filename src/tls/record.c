/* SPDX-License-Identifier: Apache-2.0 */
/* What both record layers share: control records, key changes, the record limit. */
#include "tls/record.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/must.h"

/* RFC 8446 section 4 */
#define HANDSHAKE_NEW_SESSION_TICKET 4
#define HANDSHAKE_KEY_UPDATE         24

#define HANDSHAKE_HEADER             4
#define KEYUPDATE_BYTES              RECORD_RECV_BYTES_MIN

/* In a row, without a byte of application data between them. */
#define EMPTY_RECORDS_MAX            256

void record_fini(struct record *record)
{
	must(record->tx_buf == NULL);
	aead_free(record->tx_aead);
	aead_free(record->rx_aead);
	record->tx_aead = record->rx_aead = NULL;
	if (record->rx_buf != NULL) {
		pool_give(record->rx_bufs, record->rx_buf);
		record->rx_buf = NULL;
	}
	traffic_secret_wipe(&record->tx_secret);
	traffic_secret_wipe(&record->rx_secret);
}

static int fail(struct record *record, enum close_reason why, int error)
{
	record->why = why;
	return error;
}

/* ---- Receiving ----------------------------------------------------------------------------- */

static int take_empty(struct record *record)
{
	metric_add(&record->metrics->value[METRIC_EMPTY_RECORDS], 1);
	if (++record->empty_records <= EMPTY_RECORDS_MAX)
		return -EAGAIN;
	record_shutdown(record, ALERT_UNEXPECTED_MESSAGE);
	return fail(record, CLOSE_RECORD_FLOOD, -EPROTO);
}

static int take_alert(struct record *record, const uint8_t *data, ssize_t len)
{
	if (len != 2) { /* RFC 8446 sections 5.4 and 6 */
		record_shutdown(record, len < 2 ? ALERT_UNEXPECTED_MESSAGE : ALERT_DECODE_ERROR);
		return fail(record, CLOSE_UNEXPECTED_RECORD, -EPROTO);
	}
	record->alert_received = data[1];
	if (data[1] == ALERT_CLOSE_NOTIFY)
		return fail(record, CLOSE_CLIENT_DONE, 0);
	if (data[1] ==
	    ALERT_USER_CANCELED) /* close_notify follows (section 6.1); many are a flood */
		return take_empty(record);
	record->due = 0; /* section 6.2: nothing is sent in answer */
	record->is_closed_tx = true;
	return fail(record, CLOSE_CLIENT_ALERT, -ECONNABORTED);
}

static bool keyupdate_is_flood(struct record *record)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (record->keyupdate_second != (uint32_t)now.tv_sec) {
		record->keyupdate_second = (uint32_t)now.tv_sec;
		record->keyupdates_in_second = 0;
	}
	return ++record->keyupdates_in_second > KEYUPDATES_PER_SECOND_MAX;
}

static int refuse_message(struct record *record, enum tls_alert alert)
{
	record->message_have = 0;
	record_shutdown(record, (uint8_t)alert);
	return fail(record, CLOSE_UNEXPECTED_RECORD, -EPROTO);
}

/* RFC 8446 section 4.6.3 */
static int take_keyupdate(struct record *record, bool is_asked)
{
	metric_add(&record->metrics->value[METRIC_KEYUPDATES_RECEIVED], 1);
	if (keyupdate_is_flood(record)) {
		record_shutdown(record, ALERT_UNEXPECTED_MESSAGE);
		return fail(record, CLOSE_KEYUPDATE_FLOOD, -EPROTO);
	}

	int r = traffic_secret_update(record->cipher, &record->rx_secret);
	if (r == 0)
		r = record->rx->rekey(record);
	if (r < 0) {
		record_shutdown(record, ALERT_CLOSE_NOTIFY);
		return fail(record, r == -EBUSY ? CLOSE_KEYUPDATE_UNSUPPORTED : CLOSE_INTERNAL, r);
	}
	metric_add(&record->metrics->value[METRIC_REKEYS_RX], 1);
	if (is_asked && record_tx_rekey(record) < 0) {
		/* The peer would wait for our KeyUpdate for ever. */
		record_shutdown(record, ALERT_CLOSE_NOTIFY);
		return fail(record, CLOSE_KEYUPDATE_UNSUPPORTED, -EOPNOTSUPP);
	}
	return -EAGAIN;
}

/* A byte was added to message, the last of its record or not. 0: there may be more; else as
 * take_handshake. */
static int step_message(struct record *record, bool is_last)
{
	const uint8_t *message = record->message;
	bool is_ticket = record->is_client && message[0] == HANDSHAKE_NEW_SESSION_TICKET;

	if (!is_ticket && message[0] != HANDSHAKE_KEY_UPDATE)
		return refuse_message(record, ALERT_UNEXPECTED_MESSAGE);
	if (record->message_have < HANDSHAKE_HEADER)
		return 0;
	uint32_t bytes = (uint32_t)message[1] << 16 | (uint32_t)message[2] << 8 | message[3];
	if (is_ticket) {
		record->ticket_left = bytes;
		record->message_have = 0;
		return 0;
	}
	if (bytes != KEYUPDATE_BYTES - HANDSHAKE_HEADER)
		return refuse_message(record, ALERT_DECODE_ERROR);
	if (record->message_have < KEYUPDATE_BYTES)
		return 0;
	record->message_have = 0;
	if (message[4] > 1)
		return refuse_message(record, ALERT_ILLEGAL_PARAMETER);
	if (!is_last) /* section 5.1: the key changes at the end of a record */
		return refuse_message(record, ALERT_UNEXPECTED_MESSAGE);
	return take_keyupdate(record, message[4] == 1);
}

/*
 * Messages of the handshake protocol behind the handshake (section 4.6): several to a record, or
 * one over several records (section 5.1). A server's tickets Nginx, HAProxy and Go send at once, so
 * every client meets them.
 */
static int take_handshake(struct record *record, const uint8_t *data, ssize_t len)
{
	int r = 0;

	if (len == 0)
		return refuse_message(record, ALERT_UNEXPECTED_MESSAGE);
	for (ssize_t at = 0; at < len;) {
		if (record->ticket_left > 0) {
			size_t left = (size_t)(len - at);
			size_t bytes = record->ticket_left < left ? record->ticket_left : left;
			record->ticket_left -= (uint32_t)bytes;
			at += (ssize_t)bytes;
			continue;
		}
		record->message[record->message_have++] = data[at++];
		r = step_message(record, at == len);
		if (r != 0)
			return r;
	}
	if (data[0] == HANDSHAKE_KEY_UPDATE)
		r = record->rx->resume(record);
	if (r < 0) {
		record_shutdown(record, ALERT_CLOSE_NOTIFY);
		return fail(record, CLOSE_KEYUPDATE_UNSUPPORTED, r);
	}
	return take_empty(record);
}

static int recv_failed(struct record *record, ssize_t error)
{
	switch (error) {
	case -EBADMSG:
		record_shutdown(record, ALERT_BAD_RECORD_MAC);
		return fail(record, CLOSE_RECORD_BAD, -EBADMSG);
	case -EMSGSIZE:
		record_shutdown(record, ALERT_RECORD_OVERFLOW);
		return fail(record, CLOSE_RECORD_BAD, -EMSGSIZE);
	case -EPROTO: /* a record in the clear, or one without content type or content */
		record_shutdown(record, ALERT_UNEXPECTED_MESSAGE);
		return fail(record, CLOSE_RECORD_BAD, -EPROTO);
	case -EINVAL: /* a record header that is not TLS 1.2's on the wire */
		record_shutdown(record, ALERT_DECODE_ERROR);
		return fail(record, CLOSE_RECORD_BAD, -EINVAL);
	case -ECONNRESET:
	case -EPIPE:
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return fail(record, CLOSE_CLIENT_RESET, (int)error);
	case -ENOMEM:
	case -ENOBUFS:
		return fail(record, CLOSE_NO_MEMORY, (int)error);
	default:
		return fail(record, CLOSE_RECV_FAILED, (int)error);
	}
}

ssize_t record_recv(struct record *record, void *data, size_t len)
{
	must(len >= RECORD_RECV_BYTES_MIN); /* control records are read into the same buffer */

	for (int i = 0; i < CONTROL_RECORDS_PER_CALL; i++) {
		enum record_type type = RECORD_DATA;
		ssize_t n = record->rx->recv(record, data, len, &type);
		int r;

		if (n == -ENOMSG) {
			r = take_empty(record);
			if (r != -EAGAIN || !record_has_buffered(record))
				return r;
			continue;
		}
		if (n == -EAGAIN)
			return -EAGAIN;
		if (n < 0)
			return recv_failed(record, n);
		switch ((int)type) {
		case RECORD_DATA:
			if (n == 0)
				return fail(record, CLOSE_CLIENT_TRUNCATED, -EPIPE);
			if (record->message_have > 0 || record->ticket_left > 0)
				return refuse_message(record, ALERT_UNEXPECTED_MESSAGE);
			record->empty_records = 0;
			return n;
		case RECORD_ALERT:
			r = take_alert(record, data, n);
			break;
		case RECORD_HANDSHAKE:
			r = take_handshake(record, data, n);
			break;
		default:
			record_shutdown(record, ALERT_UNEXPECTED_MESSAGE);
			r = fail(record, CLOSE_UNEXPECTED_RECORD, -EPROTO);
			break;
		}
		if (r != -EAGAIN)
			return r;
	}
	return -EAGAIN;
}

bool record_has_buffered(const struct record *record)
{
	return record->rx->has_buffered(record);
}

bool record_holds_part(const struct record *record)
{
	return record->rx->holds_part(record);
}

/* ---- Sending ------------------------------------------------------------------------------- */

static int send_failed(struct record *record, int error)
{
	switch (error) {
	case -EAGAIN:
		return error;
	case -EPIPE:
	case -ECONNRESET:
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return fail(record, CLOSE_CLIENT_RESET, error);
	case -ENOMEM:
	case -ENOBUFS:
		return fail(record, CLOSE_NO_MEMORY, error);
	default:
		return fail(record, CLOSE_SEND_FAILED, error);
	}
}

unsigned record_tx_room(struct record *record, size_t used, struct iovec iov[TX_RECORDS_MAX])
{
	must(record->tx_buf != NULL && record->tx_buf->at == record->tx_buf->end);
	return record->tx->room(record, used, iov);
}

size_t record_tx_room_bytes(const struct record *record)
{
	(void)record; /* the same for both layers */
	return (size_t)TX_RECORDS_MAX * RECORD_PLAIN_MAX;
}

int record_tx_seal(struct record *record, size_t plain_bytes)
{
	must(record->tx_buf->at == record->tx_buf->end);
	must(plain_bytes > 0 && plain_bytes <= record_tx_room_bytes(record));
	int r = record->tx->seal(record, plain_bytes);
	if (r < 0)
		return fail(record, CLOSE_INTERNAL, r);
	return 0;
}

static int send_keyupdate(struct record *record)
{
	static const uint8_t message[KEYUPDATE_BYTES] = {HANDSHAKE_KEY_UPDATE, 0, 0, 1, 0};
	int r = record->tx->send_control(record, RECORD_HANDSHAKE, message, sizeof(message));
	if (r < 0)
		return r;
	record->due &= (uint8_t)~RECORD_DUE_KEYUPDATE;
	r = traffic_secret_update(record->cipher, &record->tx_secret);
	if (r == 0)
		r = record->tx->rekey(record);
	if (r < 0) { /* the peer has changed its key, we have not: nothing more can be sent */
		record->is_closed_tx = true;
		return -EIO; /* none that is tried again */
	}
	record->tx_records = 0;
	metric_add(&record->metrics->value[METRIC_REKEYS_TX], 1);
	return 0;
}

/* Sends what is due; only between the contents of two tx_bufs. */
static int due_flush(struct record *record)
{
	int r = 0;

	if (record->due & RECORD_DUE_KEYUPDATE)
		r = send_keyupdate(record);
	if (r == 0 && record->due & (RECORD_DUE_ALERT | RECORD_DUE_CLOSE_NOTIFY)) {
		/* RFC 8446 section 6: level (1 warning, 2 fatal) and description. */
		bool is_fatal = record->due & RECORD_DUE_ALERT;
		const uint8_t alert[2] = {is_fatal ? 2 : 1,
					  is_fatal ? record->alert : ALERT_CLOSE_NOTIFY};
		r = record->tx->send_control(record, RECORD_ALERT, alert, sizeof(alert));
		if (r == 0) {
			record->due = 0;
			record->is_closed_tx = true;
			record->alert_sent = alert[1];
		}
	}
	return r;
}

static int flush_once(struct record *record, bool more)
{
	int r = record->tx->flush(record, more && record->due == 0);
	if (r < 0 || record->due == 0)
		return r;
	r = due_flush(record);
	return r < 0 ? r : record->tx->flush(record, more);
}

int record_tx_flush(struct record *record, bool more)
{
	int r;

	do
		r = flush_once(record, more);
	while (r < 0 && record_tx_may_retry(record, r));
	return r == 0 ? 0 : send_failed(record, r);
}

bool record_tx_may_retry(struct record *record, int error)
{
	return record->rx->keep_error(record, error);
}

size_t record_tx_unsent(const struct record *record)
{
	return record->tx_buf != NULL ? record->tx->unsent(record->tx_buf) : 0;
}

bool record_tx_has_due(const struct record *record)
{
	return record->due != 0 || record->control_at < record->control_end;
}

void record_tx_account(struct record *record, size_t bytes)
{
	/* A call may end a record that the one before began: one more at most. */
	record->tx_records += bytes / RECORD_PLAIN_MAX + 2;
}

bool record_tx_limit_reached(struct record *record)
{
	if (record->records_per_key == 0 || record->tx_records < record->records_per_key)
		return false;
	uint64_t records;
	if (record->tx->count(record, &records) == 0)
		record->tx_records = records;
	return record->tx_records >= record->records_per_key;
}

int record_tx_rekey(struct record *record)
{
	if (record->is_closed_tx)
		return 0; /* the key seals nothing any more, and nothing may follow the alert */
	if (record_is_kernel_tx(record) && !record->can_rekey_kernel)
		return -EOPNOTSUPP;
	record->due |= RECORD_DUE_KEYUPDATE;
	return 0;
}

void record_shutdown(struct record *record, uint8_t alert)
{
	if (record->is_closed_tx || record->due & RECORD_DUE_ALERT)
		return;
	record->due &= (uint8_t)~RECORD_DUE_KEYUPDATE;
	record->due |= alert == ALERT_CLOSE_NOTIFY ? RECORD_DUE_CLOSE_NOTIFY : RECORD_DUE_ALERT;
	record->alert = alert;
}
