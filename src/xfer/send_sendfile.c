/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sendfile engine: the kernel seals page-cache pages straight into the socket.
 *
 * sendfile(2) would wait for the disk where a page is missing, and with it every
 * connection of this thread. So a stretch is looked at first: one byte is read
 * without waiting (RWF_NOWAIT) at each LOOK_BYTES of it. What is missing
 * goes through the ring and a buffer. A page lost between its neighbours is not
 * seen; such a wait is one page long and counted (METRIC_SLOW_TURNS).
 */
#include <errno.h>
#include <sys/sendfile.h>
#include <time.h>

#include "base/must.h"
#include "xfer/send_private.h"

/* A look costs about 1,300 instructions, so one for each 512 KiB costs under 0.1 % of the sealing.
 */
#define LOOK_BYTES   (512u * 1024)
#define SLOW_TURN_MS 20

static bool is_cached(const struct send *send, uint64_t offset)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	/* 0: past the end of a truncated file, which sendfile will tell. */
	return preadv2(send->file_fd, &iov, 1, (off_t)offset, RWF_NOWAIT) >= 0;
}

/*
 * How far from send->offset, at most until end, the page cache holds.
 *
 * A window counts only if the byte behind it is there as well: what is being read ahead, and what
 * is being evicted, ends in the middle of a window.
 *
 *      offset    |  window  |  window  |  window  |  end
 *        yes    yes        yes         no
 *         `------ counted ---'
 */
static uint64_t cached_until(const struct send *send, uint64_t end)
{
	uint64_t sure = send->offset, next;

	if (send->is_in_memory)
		return end;
	if (!is_cached(send, send->offset))
		return sure;
	for (; sure < end; sure = next) {
		next = (sure / LOOK_BYTES + 1) * LOOK_BYTES;
		if (next > end)
			next = end;
		if (!is_cached(send, next < end ? next : end - 1))
			break;
	}
	return sure;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Sends what is cached. SEND_DONE: the stretch is sent. */
static enum send_state send_cached(struct send *send, uint64_t bytes)
{
	off_t offset = (off_t)send->offset;
	uint64_t before_ms = now_ms();
	ssize_t n = sendfile(send->record->sock_fd, send->file_fd, &offset, bytes);
	if (now_ms() - before_ms > SLOW_TURN_MS)
		metric_add(&send->means->metrics->value[METRIC_SLOW_TURNS], 1);

	if (n > 0) {
		send->offset += (uint64_t)n;
		send->left -= (uint64_t)n;
		record_tx_account(send->record, (size_t)n);
		send_count(send, (uint64_t)n, SEND_PATH_KERNEL_SENDFILE);
		return (uint64_t)n == bytes ? SEND_DONE : SEND_WAIT_SOCKET;
	}
	if (n == 0)
		return send_fail(send, CLOSE_FILE_TRUNCATED);
	switch (errno) {
	case EAGAIN:
	case EINTR:
		return SEND_WAIT_SOCKET;
	case EPIPE:
	case ECONNRESET:
	case ETIMEDOUT:
		return send_fail(send, CLOSE_CLIENT_RESET);
	case EIO:
		return send_fail(send, CLOSE_FILE_ERROR);
	default:
		return send_fail(send, CLOSE_SEND_FAILED);
	}
}

enum send_state send_step_sendfile(struct send *send, uint64_t turn_bytes, uint64_t token)
{
	/* A head, or what a cold stretch left in the buffer. */
	if (send->record->tx_buf != NULL || send->record->due != 0) {
		enum send_state state = send_head(send);
		if (state != SEND_DONE || send->left == 0)
			return state;
	}
	/* Turns end at a multiple of the record's size, which pages divide: four whole pages a
	 * record. */
	uint64_t bytes = turn_bytes - send->offset % RECORD_PLAIN_MAX;
	if (bytes > send->left)
		bytes = send->left;
	if (send->cached_until <= send->offset)
		send->cached_until = cached_until(send, send->offset + bytes);
	if (send->cached_until <= send->offset)
		return send_step_copy(send, 1, token); /* cold: one buffer through the ring */

	if (bytes > send->cached_until - send->offset)
		bytes = send->cached_until - send->offset;
	enum send_state state = send_cached(send, bytes);
	return state == SEND_DONE && send->left > 0 ? SEND_TURN_OVER : state;
}
