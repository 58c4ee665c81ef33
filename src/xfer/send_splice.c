/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The splice engine: file -> pipe on a thread of the kernel (IORING_OP_SPLICE
 * always runs there), pipe -> kernel TLS by splice(2) when the socket is
 * writable. IORING_OP_SPLICE to a full socket gives EAGAIN and is not poll-armed,
 * so the loop would add nothing to that half.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/must.h"
#include "xfer/send_private.h"

static enum send_state fill_pipe(struct send *send)
{
	unsigned bytes = send->pipe->bytes_max;
	if (send->left < bytes)
		bytes = (unsigned)send->left;
	send_let_reads_wait(send);
	loop_splice_to_pipe(send->means->loop, send->op, send->file_fd, send->offset,
			    send->pipe->write_fd, bytes, send->read_done);
	send->is_reading = true;
	return SEND_WAIT_FILE;
}

static enum send_state drain_pipe(struct send *send)
{
	/* The last bytes go without MORE: the kernel must not keep their record open. */
	unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
	if (send->left > send->in_pipe)
		flags |= SPLICE_F_MORE;
	uint32_t offered = send->in_pipe;
	ssize_t n = splice(send->pipe->read_fd, NULL, send->record->sock_fd, NULL, offered, flags);
	if (n > 0) {
		send->in_pipe -= (uint32_t)n;
		send->left -= (uint64_t)n;
		record_tx_account(send->record, (size_t)n);
		send_count(send, (uint64_t)n, SEND_PATH_KERNEL_SPLICE);
		return (uint32_t)n == offered ? SEND_DONE : send_socket_full(send);
	}
	if (n == 0) /* a page in the pipe was cut off its file before its contents came */
		return send_fail(send, CLOSE_FILE_TRUNCATED);
	return send_refused(send, errno);
}

enum send_state send_step_splice(struct send *send, uint64_t turn_bytes)
{
	uint64_t sent_before = send->sent;

	if (send->record->tx_buf != NULL || record_tx_has_due(send->record)) {
		enum send_state state = send_head(send);
		if (state != SEND_DONE)
			return state;
	}
	while (send->left > 0) {
		if (send->sent - sent_before >= turn_bytes)
			return SEND_TURN_OVER;
		if (send->in_pipe == 0)
			return fill_pipe(send);
		enum send_state state = drain_pipe(send);
		if (state != SEND_DONE)
			return state;
	}
	return SEND_DONE;
}
