/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records sealed and opened by this program, in place, many for each call of the
 * socket.
 *
 * tx_buf, one slot a record, so that the plaintext is read from the file to where
 * it is sealed, and the sealed records lie end to end:
 *
 *   | 5 | plaintext 16384 | 1 | 16 | 5 | plaintext 16384 | 1 | 16 | 5 | rest ...
 *   `------ TX_SLOT_BYTES --------'
 */
#include "tls/record.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/must.h"

/* ---- Sending ------------------------------------------------------------------------------- */

static unsigned user_room(struct record *record, size_t used, struct iovec iov[TX_RECORDS_MAX])
{
	unsigned count = 0;
	for (size_t slot = used / RECORD_PLAIN_MAX; slot < TX_RECORDS_MAX; slot++) {
		size_t skip = count == 0 ? used % RECORD_PLAIN_MAX : 0;
		iov[count].iov_base =
			record->tx_buf->byte + slot * TX_SLOT_BYTES + RECORD_HEADER + skip;
		iov[count].iov_len = RECORD_PLAIN_MAX - skip;
		count++;
	}
	return count;
}

static int user_seal(struct record *record, size_t plain_bytes)
{
	struct tx_buf *buf = record->tx_buf;

	buf->at = buf->end = 0;
	while (plain_bytes > 0) {
		size_t bytes = plain_bytes < RECORD_PLAIN_MAX ? plain_bytes : RECORD_PLAIN_MAX;
		int n = aead_seal(record->tx_aead, buf->byte + buf->end, bytes, RECORD_DATA, 0);
		if (n < 0)
			return n;
		buf->end += (size_t)n;
		plain_bytes -= bytes;
		record->tx_records++;
	}
	return 0;
}

/* Sends [*at, end) of bytes. 0: all; -EAGAIN; other error. */
static int send_bytes(int sock_fd, const uint8_t *bytes, size_t *at, size_t end, bool more)
{
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	while (*at < end) {
		ssize_t n = send(sock_fd, bytes + *at, end - *at, flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*at += (size_t)n;
	}
	return 0;
}

static int user_flush(struct record *record, bool more)
{
	size_t control_at = record->control_at;
	int r = send_bytes(record->sock_fd, record->control, &control_at, record->control_end,
			   false);
	record->control_at = (uint8_t)control_at;
	if (r < 0 || record->tx_buf == NULL)
		return r;
	return send_bytes(record->sock_fd, record->tx_buf->byte, &record->tx_buf->at,
			  record->tx_buf->end, more);
}

static int user_send_control(struct record *record, enum record_type type, const uint8_t *data,
			     size_t len)
{
	must(len + RECORD_OVERHEAD <= RECORD_CONTROL_BYTES_MAX);
	if (record->control_at < record->control_end) { /* the one before is on its way */
		int r = user_flush(record, false);
		if (r < 0)
			return r;
	}
	memcpy(record->control + RECORD_HEADER, data, len);
	int n = aead_seal(record->tx_aead, record->control, len, type, 0);
	if (n < 0)
		return n;
	record->control_at = 0;
	record->control_end = (uint8_t)n;
	record->tx_records++;
	return 0;
}

static int rekey(struct record *record, struct aead *aead, const struct traffic_secret *secret)
{
	struct traffic_key key;
	int r = traffic_key_derive(record->cipher, secret, &key);
	if (r == 0)
		r = aead_rekey(aead, &key);
	traffic_key_wipe(&key);
	return r;
}

static int user_tx_rekey(struct record *record)
{
	return rekey(record, record->tx_aead, &record->tx_secret);
}

static int user_tx_count(struct record *record, uint64_t *records)
{
	*records = aead_seq(record->tx_aead);
	return 0;
}

static size_t user_tx_unsent(const struct tx_buf *buf)
{
	size_t taken = buf->at / TX_SLOT_BYTES, records = buf->end / TX_SLOT_BYTES;
	size_t rest = buf->end % TX_SLOT_BYTES;

	if (buf->at == buf->end)
		return 0;
	return (records - taken) * RECORD_PLAIN_MAX + (rest > 0 ? rest - RECORD_OVERHEAD : 0);
}

const struct record_tx_ops record_tx_user = {
	.label = "user",
	.room = user_room,
	.seal = user_seal,
	.flush = user_flush,
	.send_control = user_send_control,
	.rekey = user_tx_rekey,
	.count = user_tx_count,
	.unsent = user_tx_unsent,
};

/* ---- Receiving ----------------------------------------------------------------------------- */

/* The whole length of the record at the start of buf; 0: its header is not whole; or an error. */
static int record_length(const struct rx_buf *buf)
{
	if (buf->have < RECORD_HEADER)
		return 0;
	/* RFC 8446 section 5.2: after the handshake every record says application_data, 3.3. */
	if (buf->byte[0] != RECORD_DATA)
		return -EPROTO;
	if (buf->byte[1] != 3 || buf->byte[2] != 3)
		return -EINVAL;
	int len = RECORD_HEADER + (buf->byte[3] << 8 | buf->byte[4]);
	return len > RECORD_SEALED_MAX ? -EMSGSIZE : len;
}

/* Makes the next record's first byte the first of buf. */
static void record_drop(struct rx_buf *buf)
{
	buf->have -= buf->record_bytes;
	memmove(buf->byte, buf->byte + buf->record_bytes, buf->have);
	buf->record_bytes = 0;
	buf->plain_left = 0;
}

/* A whole record at the start of buf: its length, or -EAGAIN, 0 (FIN), another error. */
static int record_fill(const struct record *record, struct rx_buf *buf)
{
	int len;
	while ((len = record_length(buf)) == 0 || (len > 0 && buf->have < (size_t)len)) {
		ssize_t n = recv(record->sock_fd, buf->byte + buf->have,
				 sizeof(buf->byte) - buf->have, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : -errno;
		buf->have += (size_t)n;
	}
	return len;
}

static ssize_t plain_take(struct rx_buf *buf, void *data, size_t len)
{
	size_t n = buf->plain_left < len ? buf->plain_left : len;
	memcpy(data, buf->byte + buf->plain_at, n);
	buf->plain_at += n;
	buf->plain_left -= n;
	if (buf->plain_left == 0)
		record_drop(buf);
	return (ssize_t)n;
}

/* The record at the start of buf, opened: straight to data where there is room for all of it, as a
 * request body has. Bytes, 0 for an empty one, or an error. */
static ssize_t record_open(struct record *record, struct rx_buf *buf, size_t record_bytes,
			   void *data, size_t len, enum record_type *type)
{
	bool is_direct = aead_inner_bytes(record_bytes) <= len;
	int plain = aead_open_to(record->rx_aead, buf->byte, record_bytes,
				 is_direct ? data : buf->byte + RECORD_HEADER, type);
	if (plain < 0)
		return plain;
	buf->record_bytes = record_bytes;
	if (is_direct) {
		record_drop(buf);
		return plain;
	}
	if (*type != RECORD_DATA && (size_t)plain > len)
		return -EPROTO; /* none that has a place after the handshake is that long */
	buf->plain_at = RECORD_HEADER;
	buf->plain_left = (size_t)plain;
	return plain_take(buf, data, len);
}

static ssize_t user_recv(struct record *record, void *data, size_t len, enum record_type *type)
{
	if (record->rx_buf == NULL) {
		record->rx_buf = pool_take(record->rx_bufs);
		if (record->rx_buf == NULL)
			return -ENOBUFS;
		record->rx_buf->have = record->rx_buf->record_bytes = record->rx_buf->plain_left =
			0;
	}
	struct rx_buf *buf = record->rx_buf;
	ssize_t n;

	*type = RECORD_DATA;
	if (buf->plain_left > 0) { /* of application data: control records are taken whole */
		n = plain_take(buf, data, len);
	} else {
		n = record_fill(record, buf);
		if (n > 0) {
			n = record_open(record, buf, (size_t)n, data, len, type);
			if (n == 0 && *type == RECORD_DATA) /* others are refused for it */
				n = -ENOMSG;
		}
	}
	if (buf->have == 0) {
		pool_give(record->rx_bufs, buf);
		record->rx_buf = NULL;
	}
	return n;
}

static int user_rx_rekey(struct record *record)
{
	return rekey(record, record->rx_aead, &record->rx_secret);
}

static int user_rx_resume(struct record *record)
{
	(void)record;
	return 0;
}

static bool user_has_buffered(const struct record *record)
{
	const struct rx_buf *buf = record->rx_buf;
	if (buf == NULL)
		return false;
	if (buf->plain_left > 0)
		return true;
	int len = record_length(buf);
	return len < 0 || (len > 0 && buf->have >= (size_t)len);
}

static bool user_holds_part(const struct record *record)
{
	return record->rx_buf != NULL && record->rx_buf->have > 0;
}

/* What is received is opened here: no send meets an error of it. */
static bool user_keep_error(struct record *record, int error)
{
	(void)record;
	(void)error;
	return false;
}

const struct record_rx_ops record_rx_user = {
	.label = "user",
	.recv = user_recv,
	.rekey = user_rx_rekey,
	.resume = user_rx_resume,
	.has_buffered = user_has_buffered,
	.holds_part = user_holds_part,
	.keep_error = user_keep_error,
};
