/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy engine: file -> tx_buf -> seal -> socket. In userspace TLS the file is
 * read to where its bytes are sealed, so a byte is touched by one read, one
 * sealing and one send.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/sock_diag.h>

#include "base/must.h"
#include "xfer/send_private.h"

/* Cuts iov to bytes_max in all; returns the pieces left. */
static unsigned iov_clip(struct iovec *iov, unsigned count, uint64_t bytes_max)
{
	for (unsigned i = 0; i < count; i++) {
		if (iov[i].iov_len >= bytes_max) {
			iov[i].iov_len = bytes_max;
			return i + 1;
		}
		bytes_max -= iov[i].iov_len;
	}
	return count;
}

/* What can be had without waiting; as preadv2. */
static ssize_t read_some(struct send *send, unsigned iov_count)
{
	size_t copied = 0;

	if (send->text == NULL)
		return preadv2(send->file_fd, send->iov, (int)iov_count, (off_t)send->offset,
			       send->is_in_memory ? 0 : RWF_NOWAIT);
	for (unsigned i = 0; i < iov_count; i++) {
		memcpy(send->iov[i].iov_base, send->text + send->offset + copied,
		       send->iov[i].iov_len);
		copied += send->iov[i].iov_len;
	}
	return (ssize_t)copied;
}

static enum send_state read_through_loop(struct send *send, unsigned iov_count)
{
	metric_add(&send->means->metrics->value[METRIC_COLD_READS], 1);
	send_let_reads_wait(send);
	loop_readv(send->means->loop, send->op, send->file_fd, send->iov, iov_count, send->offset,
		   send->read_done);
	send->is_reading = true;
	return SEND_WAIT_FILE;
}

enum send_state send_fill(struct send *send, uint64_t bytes_max)
{
	/* Twice at the most: all, or a part and then what the page cache lacks through the loop. */
	while (bytes_max > 0 && send->left > 0) {
		unsigned count = record_tx_room(send->record, send->used, send->iov);
		if (count == 0)
			return SEND_DONE;
		count = iov_clip(send->iov, count, bytes_max < send->left ? bytes_max : send->left);

		ssize_t n = read_some(send, count);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EOPNOTSUPP))
			return read_through_loop(send, count);
		if (n <= 0)
			return send_fail(send, n == 0 ? CLOSE_FILE_TRUNCATED : CLOSE_FILE_ERROR);
		send->used += (uint32_t)n;
		send->offset += (uint64_t)n;
		send->left -= (uint64_t)n;
		bytes_max -= (uint64_t)n < bytes_max ? (uint64_t)n : bytes_max;
	}
	return SEND_DONE;
}

/* A buffer to fill, empty or holding only plaintext. */
static enum send_state buf_ready(struct send *send)
{
	if (send->record->tx_buf == NULL) {
		struct tx_buf *buf = pool_take(send->means->tx_bufs);
		if (buf == NULL) {
			metric_add(&send->means->metrics->value[METRIC_TX_BUF_WAITS], 1);
			return SEND_WAIT_BUFFER;
		}
		buf->at = buf->end = 0;
		send->record->tx_buf = buf;
	}
	return send->used > 0 ? SEND_DONE : send_drain(send, true);
}

/* Bytes that TCP takes of a socket that polls as writable; at least 1 (sk_stream_memory_free,
 * include/net/sock.h). */
static uint64_t socket_room(int sock_fd)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (getsockopt(sock_fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
		return UINT32_MAX; /* the send will say */
	uint32_t queued = info[SK_MEMINFO_WMEM_QUEUED], max = info[SK_MEMINFO_SNDBUF];
	return queued < max ? max - queued : 1;
}

/*
 * How much to fill tx_buf with. What the socket does not take keeps the buffer until the client
 * has read; sealed it cannot be given back and made anew. While buffers are scarce it is filled
 * with what the socket takes at once, so that those who wait for their clients hold none, and
 * clients that read slowly do not keep it from others. That is a quarter of its room: TCP counts
 * what a packet takes in memory, up to three times what a small one carries.
 */
static uint64_t fill_max(const struct send *send)
{
	uint64_t max = record_tx_room_bytes(send->record);

	if (!send_bufs_are_scarce(send->means))
		return max;
	if (!send_socket_has_room(send->record->sock_fd))
		return 0;
	uint64_t room = (socket_room(send->record->sock_fd) + 3) / 4;
	if (room <= send->used)
		return 0; /* what is in it goes first */
	return room - send->used < max ? room - send->used : max;
}

/* Nothing was filled in: the client's turn, without a buffer. */
static enum send_state wait_without_buffer(struct send *send)
{
	send_give_buffer(send);
	return send_socket_full(send);
}

enum send_state send_step_copy(struct send *send, uint64_t turn_bytes)
{
	uint64_t sent_before = send->sent;

	while (send->sent - sent_before < turn_bytes) {
		enum send_state state = buf_ready(send);
		if (state == SEND_DONE)
			state = send_fill(send, fill_max(send));
		if (state == SEND_DONE && send->used == 0)
			return wait_without_buffer(send);
		if (state == SEND_DONE)
			state = send_drain(send, send->left > 0);
		if (state != SEND_DONE || send->left == 0)
			return state;
	}
	if (send_bufs_are_scarce(send->means)) /* drained; the socket may be full by now */
		send_give_buffer(send);
	return SEND_TURN_OVER;
}
