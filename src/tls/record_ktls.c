/* SPDX-License-Identifier: Apache-2.0 */
/* Records sealed and opened by the kernel; keys were installed by tls/handshake. */
#include "tls/record.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "base/must.h"

/* ---- Sending ------------------------------------------------------------------------------- */

static unsigned kernel_room(struct record *record, size_t used, struct iovec iov[TX_RECORDS_MAX])
{
	size_t room_bytes = record_tx_room_bytes(record);
	must(used <= room_bytes);
	if (used == room_bytes)
		return 0;
	iov[0].iov_base = record->tx_buf->byte + used;
	iov[0].iov_len = room_bytes - used;
	return 1;
}

static int kernel_seal(struct record *record, size_t plain_bytes)
{
	record->tx_buf->at = 0;
	record->tx_buf->end = plain_bytes;
	return 0;
}

/*
 * Whole records first, then what is left of them, so that the two leave in one TCP segment: within
 * one call the kernel pushes each record by itself, and a response of 16 KiB and a head is always
 * one record and a bit. MSG_MORE behind a whole record keeps nothing back in the TLS layer.
 */
static size_t next_piece(size_t left, bool *more)
{
	size_t rest = left % RECORD_PLAIN_MAX;
	if (left < RECORD_PLAIN_MAX || rest == 0)
		return left;
	*more = true;
	return left - rest;
}

/*
 * Kernel TLS stops where the socket is full without a word to TCP (tls_sw.c, wait_for_sndbuf), and
 * what TCP has then need not be on its way:
 *
 *   sendfile, splice   Before Linux 6.5 every page but a call's last comes with
 *                      MSG_SENDPAGE_NOTLAST. TCP sends such pages when they fill a segment and the
 *                      client's window has room for it, and arms no timer where it has not. With
 *                      nothing to be acknowledged that wait never ends. Seen with 1 MB queued, on
 *                      loopback while TCP was short of memory; and always where tcp_notsent_lowat
 *                      or tcp_wmem is less than a segment, which has 64 KiB before it is cut up.
 *   sendmsg, MSG_MORE  Any kernel: less than a segment of the path (loopback: 64 KiB) waits 200 ms.
 *
 * TCP_NODELAY is set already; setting it sends what is there (tcp.c, __tcp_sock_set_nodelay).
 */
void record_tx_push(const struct record *record)
{
	int one = 1;
	record->sys->setsockopt(record->sock_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int kernel_flush(struct record *record, bool more)
{
	struct tx_buf *buf = record->tx_buf;
	if (buf == NULL)
		return 0;
	while (buf->at < buf->end) {
		bool piece_more = more;
		struct iovec iov = {.iov_base = buf->byte + buf->at};
		iov.iov_len = next_piece(buf->end - buf->at, &piece_more);
		struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
		int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (piece_more ? MSG_MORE : 0);
		ssize_t n = record->sys->sendmsg(record->sock_fd, &message, flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			record_tx_push(record);
			return -EAGAIN;
		}
		if (n < 0)
			return -errno;
		record_tx_account(record, (size_t)n);
		buf->at += (size_t)n;
	}
	return 0;
}

static int kernel_send_control(struct record *record, enum record_type type, const uint8_t *data,
			       size_t len)
{
	ssize_t n = ktls_send_control(record->sys, record->sock_fd, type, data, len);
	if (n < 0)
		return (int)n;
	record->tx_records++;
	return 0;
}

static int rekey(struct record *record, enum ktls_direction direction,
		 const struct traffic_secret *secret, uint64_t seq)
{
	struct traffic_key key;
	int r = traffic_key_derive(record->cipher, secret, &key);
	if (r == 0)
		r = ktls_install(record->sys, record->sock_fd, direction, record->cipher, &key,
				 seq);
	traffic_key_wipe(&key);
	return r;
}

static int kernel_tx_rekey(struct record *record)
{
	return rekey(record, KTLS_TX, &record->tx_secret, 0);
}

static int kernel_tx_count(struct record *record, uint64_t *records)
{
	return ktls_record_seq(record->sys, record->sock_fd, KTLS_TX, record->cipher, records);
}

static size_t kernel_tx_unsent(const struct tx_buf *buf)
{
	return buf->end - buf->at;
}

const struct record_tx_ops record_tx_kernel = {
	.label = "kernel",
	.room = kernel_room,
	.seal = kernel_seal,
	.flush = kernel_flush,
	.send_control = kernel_send_control,
	.rekey = kernel_tx_rekey,
	.count = kernel_tx_count,
	.unsent = kernel_tx_unsent,
};

/* ---- Receiving ----------------------------------------------------------------------------- */

/* Errors of sends that were the receiving side's, on one connection: a header that is none stops
 * the kernel's parser for good, and a record that does not decrypt is met once for each receive. */
#define RX_ERRORS_MAX 8

static bool is_of_a_record(ssize_t error)
{
	return error == -EBADMSG || error == -EMSGSIZE || error == -EINVAL;
}

/*
 * A record that cannot be opened stays as the socket's error (tls_err_abort): what was asked before
 * it could not be answered, nor could the alert be sent that tells the peer of it. Reading the
 * error clears it. Returns it as an errno; 0: there was none.
 */
static int clear_error(const struct record *record)
{
	int error = 0;
	socklen_t len = sizeof(error);
	record->sys->getsockopt(record->sock_fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

/*
 * A receive that gives data may have met the bad record behind it, and a bad header is seen as soon
 * as it arrives, in the middle of a response: the error comes out of whatever is sent next. Kernel
 * TLS looks for it before it seals (tls_sw.c, tls_sw_sendmsg), so nothing was taken and the same
 * bytes may be sent again.
 */
static bool kernel_keep_error(struct record *record, int error)
{
	if (!is_of_a_record(error) || record->rx_errors == RX_ERRORS_MAX)
		return false;
	/* TCP itself, which sends for userspace TLS, has cleared the error that it gives. */
	if (clear_error(record) == 0 && record_is_kernel_tx(record))
		return false;
	record->rx_errors++;
	record->rx_error = error;
	return true;
}

static void low_water_set(const struct record *record, int bytes)
{
	record->sys->setsockopt(record->sock_fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

/*
 * Linux 6.1 leaves a record in TCP's queue until it is whole, and lets poll() tell of its parts,
 * again and again (6.12 hides them). So where there is a part, the socket counts as readable only
 * with more than that; the kernel still wakes us when the record is whole.
 */
static void note_part(struct record *record)
{
	int queued = 0;
	record->sys->ioctl(record->sock_fd, SIOCINQ, &queued);
	if (queued > 0)
		low_water_set(record, queued + 1);
	record->is_rx_part = queued > 0;
}

/*
 * Two more things of the kernel are hidden here. An empty record is taken without a word, so what
 * is not there although the socket was readable was most likely one: counted, for floods. And a
 * receive that gives data may have opened the KeyUpdate behind it already; it then lies in the
 * kernel's list, and poll is silent until the next key is installed (Linux 6.14 and later,
 * tls_sw.c). So after data there is one more receive before the next poll.
 */
static ssize_t kernel_recv(struct record *record, void *data, size_t len, enum record_type *type)
{
	bool was_unsure = record->is_rx_unsure;

	if (record->is_rx_part) /* else a receive would go on for so much, and past an error */
		low_water_set(record, 1);
	record->is_rx_part = false;
	ssize_t n = ktls_recv(record->sys, record->sock_fd, data, len, type);

	if (is_of_a_record(n)) {
		clear_error(record);
		record->rx_error = (int)n;
	}
	/* Behind a bad header the kernel opens nothing more and says nothing, but for a FIN. */
	if (record->rx_error < 0 && (n == -EAGAIN || (n == 0 && *type == RECORD_DATA)))
		return record->rx_error;
	record->is_rx_unsure = n > 0 && *type == RECORD_DATA && record->can_rekey_kernel;
	if (n == -EAGAIN && !was_unsure) {
		note_part(record);
		return record->is_rx_part ? -EAGAIN : -ENOMSG;
	}
	return n;
}

static int kernel_rx_rekey(struct record *record)
{
	return rekey(record, KTLS_RX, &record->rx_secret, 0);
}

/*
 * From Linux 6.14 on nothing is opened behind a handshake record whose first byte is a KeyUpdate's
 * until a key is installed (tls_sw.c, tls_check_pending_rekey), whether the message is whole or
 * not. The same key goes on at the number of the next record.
 */
static int kernel_rx_resume(struct record *record)
{
	uint64_t seq;

	if (!record->can_rekey_kernel)
		return 0;
	int r = ktls_record_seq(record->sys, record->sock_fd, KTLS_RX, record->cipher, &seq);
	return r < 0 ? r : rekey(record, KTLS_RX, &record->rx_secret, seq);
}

static bool kernel_has_buffered(const struct record *record)
{
	/* poll() sees all but what kernel_recv tells of */
	return record->is_rx_unsure || record->rx_error < 0;
}

static bool kernel_holds_part(const struct record *record)
{
	return record->is_rx_part; /* those that poll() hides bind no memory of ours */
}

const struct record_rx_ops record_rx_kernel = {
	.label = "kernel",
	.recv = kernel_recv,
	.rekey = kernel_rx_rekey,
	.resume = kernel_rx_resume,
	.has_buffered = kernel_has_buffered,
	.holds_part = kernel_holds_part,
	.keep_error = kernel_keep_error,
};
