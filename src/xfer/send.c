/* SPDX-License-Identifier: Apache-2.0 */
#include "xfer/send.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "base/must.h"
#include "xfer/send_private.h"

/* Reads through the loop that end with EAGAIN or EINTR, in a row, before the file is given up. */
#define READ_RETRIES_MAX 100

const char *send_engine_label(enum send_engine engine)
{
	switch (engine) {
	case SEND_ENGINE_AUTO:
		return "auto";
	case SEND_ENGINE_SENDFILE:
		return "sendfile";
	case SEND_ENGINE_SPLICE:
		return "splice";
	case SEND_ENGINE_COPY:
		return "copy";
	}
	must(!"an engine of the table");
	return NULL;
}

bool send_file_is_in_memory(int file_fd)
{
	struct statfs fs;
	return fstatfs(file_fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/*
 * sendfile and splice hand page-cache pages to the kernel's own sealing, so they need kernel TLS.
 * A small body is cheaper in one buffer, and one call, with its head.
 */
static enum send_engine choose(const struct record *record, uint64_t bytes, enum send_engine wanted)
{
	if (!record_is_kernel_tx(record) || bytes == 0)
		return SEND_ENGINE_COPY;
	if (wanted != SEND_ENGINE_AUTO)
		return wanted;
	return bytes < SENDFILE_BYTES_MIN ? SEND_ENGINE_COPY : SEND_ENGINE_SENDFILE;
}

/* On a file it would make Linux 6.1 give -EAGAIN, for ever, to reads through io_uring from a device
 * without NOWAIT (dm-crypt). Most files are never read so. */
void send_let_reads_wait(struct send *send)
{
	if (!send->may_wait)
		fcntl(send->file_fd, F_SETFL, fcntl(send->file_fd, F_GETFL) & ~O_NONBLOCK);
	send->may_wait = true;
}

void send_begin(struct send *send, const struct send_means *means, struct record *record,
		size_t head_bytes, const struct send_body *body, enum send_engine wanted)
{
	must(record->tx_buf != NULL && head_bytes > 0);

	send->means = means;
	send->record = record;
	send->text = body != NULL ? body->text : NULL;
	send->file_fd = body != NULL ? body->file_fd : -1;
	send->offset = body != NULL ? body->offset : 0;
	send->left = body != NULL ? body->bytes : 0;
	send->sent = 0;
	send->cached_until = 0;
	send->used = (uint32_t)head_bytes;
	send->head_left = (uint32_t)head_bytes;
	send->first_byte_ns = 0;
	send->in_pipe = 0;
	send->is_reading = false;
	send->read_error = 0;
	send->read_retries = 0;
	send->looked_from = 0;
	send->looked_ms = 0;
	send->device = body != NULL ? body->device : 0;
	send->inode = body != NULL ? body->inode : 0;
	send->is_limit_hit = false;
	send->may_wait = false;
	send->is_in_memory = body != NULL && body->is_in_memory;
	send->pipe = NULL;
	send->engine = send->text != NULL ? SEND_ENGINE_COPY : choose(record, send->left, wanted);
	if (send->engine == SEND_ENGINE_SPLICE) {
		send->pipe = pipe_pool_take(means->pipes);
		if (send->pipe == NULL) {
			metric_add(&means->metrics->value[METRIC_PIPE_WAITS], 1);
			send->engine = SEND_ENGINE_SENDFILE;
		}
	}
}

enum send_state send_fail(struct send *send, enum close_reason why)
{
	send->why = why;
	return SEND_FAILED;
}

enum send_state send_socket_full(struct send *send)
{
	record_tx_push(send->record);
	return SEND_WAIT_SOCKET;
}

enum send_state send_refused(struct send *send, int error)
{
	if (record_tx_may_retry(send->record, -error))
		return SEND_TURN_OVER;
	switch (error) {
	case EAGAIN:
	case EINTR:
		return send_socket_full(send);
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

void send_count(struct send *send, uint64_t bytes, enum send_path path)
{
	send->sent += bytes;
	metric_add(&send->means->metrics->send_path_bytes[path], bytes);
	metric_add(&send->means->metrics->value[METRIC_SENT_BYTES], bytes);
}

void send_give_buffer(struct send *send)
{
	if (send->record->tx_buf == NULL)
		return;
	pool_give(send->means->tx_bufs, send->record->tx_buf);
	send->record->tx_buf = NULL;
}

bool send_bufs_are_scarce(const struct send_means *means)
{
	return means->tx_bufs->lent > means->tx_bufs->made_max / 2;
}

/* As the loop's poll has it: who is told "no" waits, and is not told at once that he may go on. An
 * error of the socket is room, too, for the send that will say it. */
bool send_socket_has_room(int sock_fd)
{
	struct pollfd socket = {.fd = sock_fd, .events = POLLOUT};
	return poll(&socket, 1, 0) != 0;
}

/*
 * What kernel TLS has not taken is plaintext, and comes from the file again when the client has
 * made room: while buffers are scarce it is not kept. Not so a head, nor what this program has
 * sealed.
 */
static void take_back(struct send *send)
{
	const struct tx_buf *buf = send->record->tx_buf;

	if (buf == NULL || !record_is_kernel_tx(send->record) || !send_bufs_are_scarce(send->means))
		return;
	if (send->head_left > 0)
		return;
	send->offset -= buf->end - buf->at;
	send->left += buf->end - buf->at;
	send_give_buffer(send);
}

/* As record_tx_flush; counts what leaves. */
static int flush(struct send *send, bool more)
{
	struct record *record = send->record;
	size_t unsent = record_tx_unsent(record);
	int r = record_tx_flush(record, more);
	size_t left = unsent - record_tx_unsent(record);
	uint32_t head = left < send->head_left ? (uint32_t)left : send->head_left;

	send->head_left -= head;
	send_count(send, left - head,
		   record_is_kernel_tx(record) ? SEND_PATH_KERNEL_COPY : SEND_PATH_USER_COPY);
	return r;
}

enum send_state send_drain(struct send *send, bool more)
{
	struct record *record = send->record;
	int r = 0;

	if (send->used > 0) {
		/* RFC 8446 section 4.6.3: our KeyUpdate goes before the next application data. */
		if (record->due != 0)
			r = record_tx_flush(record, true);
		if (r == 0)
			r = record_tx_seal(record, send->used);
		if (r == -EAGAIN)
			return SEND_WAIT_SOCKET;
		if (r < 0)
			return send_fail(send, record->why);
		send->used = 0;
	}
	r = flush(send, more);
	if (send->first_byte_ns == 0 && (r == 0 || (r == -EAGAIN && record->tx_buf->at > 0)))
		send->first_byte_ns = clock_now_ns();
	if (r == -EAGAIN) {
		take_back(send);
		return SEND_WAIT_SOCKET;
	}
	return r < 0 ? send_fail(send, record->why) : SEND_DONE;
}

enum send_state send_head(struct send *send)
{
	/* A record of its own: behind an open one every record would hold parts of five pages, not
	 * four whole ones, which costs 4 % (bench/cost, 64 MiB, Linux 6.12, 2026-11-23). */
	enum send_state state = send_drain(send, false);
	if (state == SEND_DONE)
		send_give_buffer(send);
	return state;
}

/* At the record limit: a new key, before anything else is sealed with the old one. */
static enum send_state keep_key_fresh(struct send *send)
{
	struct record *record = send->record;
	if (send->used > 0 || send->is_limit_hit || !record_tx_limit_reached(record))
		return SEND_DONE;
	if (record_tx_rekey(record) < 0) {
		send->is_limit_hit = true; /* the response goes on: RFC 8446's bound is further */
		return SEND_DONE;
	}
	int r = flush(send, send->left > 0);
	if (r == -EAGAIN)
		return SEND_WAIT_SOCKET;
	return r < 0 ? send_fail(send, record->why) : SEND_DONE;
}

enum send_state send_step(struct send *send)
{
	must(!send->is_reading);
	if (send->read_error != 0)
		return send_fail(send, send->read_error == -ENODATA ? CLOSE_FILE_TRUNCATED
								    : CLOSE_FILE_ERROR);
	if (send->left == 0)
		return send_head(send); /* what is left is in tx_buf */
	enum send_state state = keep_key_fresh(send);
	if (state != SEND_DONE)
		return state;

	switch (send->engine) {
	case SEND_ENGINE_SENDFILE:
		return send_step_sendfile(send, TURN_BYTES_MAX);
	case SEND_ENGINE_SPLICE:
		return send_step_splice(send, TURN_BYTES_MAX);
	case SEND_ENGINE_COPY:
	case SEND_ENGINE_AUTO:
		return send_step_copy(send, TURN_BYTES_MAX);
	}
	must(!"an engine of the table");
	return SEND_FAILED;
}

void send_fini(struct send *send)
{
	must(!send->is_reading);
	send_give_buffer(send);
	if (send->pipe != NULL) {
		pipe_pool_give(send->means->pipes, send->pipe, send->in_pipe > 0);
		send->pipe = NULL;
	}
}

void send_file_done(struct send *send, int32_t result)
{
	must(send->is_reading);
	send->is_reading = false;
	if (result <= 0) {
		bool again = result == -EINTR || result == -EAGAIN;
		if (!again || ++send->read_retries > READ_RETRIES_MAX) /* else the next step */
			send->read_error = result == 0 ? -ENODATA : result;
		return;
	}
	send->read_retries = 0;
	if (send->pipe != NULL) { /* splice reads into nothing else */
		send->in_pipe += (uint32_t)result;
	} else {
		send->used += (uint32_t)result;
		send->left -= (uint32_t)result;
	}
	send->offset += (uint32_t)result;
}
