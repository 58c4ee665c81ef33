/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request body: from the record layer through its codings to a buffer, and from
 * there to the call's file by the loop, or into the call's text.
 *
 *   plain (Content-Length)  record -> buf ---------------> file
 *   chunked, aws-chunked    record -> in -> body_take -> buf -> file
 *
 * A connection holds a buffer only while it has payload that is not in the file.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/must.h"
#include "server/conn.h"
#include "server/job.h"
#include "store/md5.h"

static void buf_give(struct job *job)
{
	if (job->buf != NULL)
		pool_give(&job->worker->tx_bufs, job->buf);
	job->buf = NULL;
	job->buf_used = job->buf_written = 0;
}

/* ---- Ending early ---------------------------------------------------------------------------- */

/* The call has failed before its body was read to the end, or in the file. Its buffer is free: the
 * answer needs one. Small and certain: the rest is dropped and the connection stays; else it ends
 * with the answer. */
static void abandon(struct conn *conn)
{
	struct request *request = conn->request;
	struct job *job = request->job;
	uint64_t left = body_framed_left(&job->body);
	bool is_coming = !request->head.expect_continue || request->is_continued;

	buf_give(job);
	job_body_ends(job);
	if (body_is_done(&job->body))
		return;
	if (left > 0 && left <= DISCARD_BODY_BYTES_MAX && is_coming) {
		conn->discard_left = left;
		return;
	}
	conn->discard_left = 0;
	request->keep_alive = false;
}

static enum conn_next fail(struct conn *conn, enum s3_error error, const char *text)
{
	s3_call_fail(&conn->request->job->call, error, text);
	abandon(conn);
	conn->state = CONN_ANSWER;
	return CONN_GOES_ON;
}

/* Where the body went wrong nobody knows how much of it was taken, and the rest of it is still
 * here: were the connection kept, it would be read as the next request. */
static enum conn_next fail_malformed(struct conn *conn)
{
	s3_call_fail(&conn->request->job->call, S3_ERROR_INCOMPLETE_BODY, NULL);
	buf_give(conn->request->job);
	job_body_ends(conn->request->job);
	conn->discard_left = 0;
	conn->request->keep_alive = false;
	conn->state = CONN_ANSWER;
	return CONN_GOES_ON;
}

/* ---- To the file ----------------------------------------------------------------------------- */

static size_t buf_room(const struct job *job)
{
	return job->buf == NULL ? 0 : sizeof(job->buf->byte) - job->buf_used;
}

/* Is there no room for a whole record with its type? It would be opened elsewhere, and copied. */
static bool is_full(const struct job *job)
{
	return buf_room(job) <= RECORD_PLAIN_MAX;
}

static enum conn_next write_out(struct conn *conn)
{
	struct job *job = conn->request->job;
	struct iovec data = {job->buf->byte + job->buf_written, job->buf_used - job->buf_written};

	conn_op_begins(conn, CONN_OP_WRITE);
	loop_write(&conn->worker->loop, &conn->op, job->call.put.file_fd, data, job->file_offset,
		   conn_op_done);
	job->disk_since_ms = conn->worker->loop.now_ms;
	return CONN_WAITS;
}

enum conn_next conn_step_written(struct conn *conn, int32_t result)
{
	struct job *job = conn->request->job;

	if (result == -EAGAIN || result == -EINTR)
		return write_out(conn);
	if (result <= 0) {
		s3_call_fail_errno(&job->call, result < 0 ? result : -EIO);
		abandon(conn);
		conn->state = CONN_ANSWER;
		return CONN_GOES_ON;
	}
	job->file_offset += (uint32_t)result;
	job->buf_written += (uint32_t)result;
	if (job->buf_written < job->buf_used)
		return write_out(conn);
	job->buf_used = job->buf_written = 0;
	return CONN_GOES_ON;
}

/* ---- From the client ------------------------------------------------------------------------- */

/* Where payload goes next; *room bytes at most, wanted at least one. NULL: none (error set). */
static char *place(struct conn *conn, size_t wanted, size_t *room)
{
	struct job *job = conn->request->job;

	if (job->call.route.body == S3_BODY_TEXT) {
		*room = wanted < RECORD_PLAIN_MAX ? wanted : RECORD_PLAIN_MAX;
		return text_room(&job->call.body, *room);
	}
	*room = wanted < buf_room(job) ? wanted : buf_room(job);
	return (char *)job->buf->byte + job->buf_used;
}

static void placed(struct conn *conn, const char *at, size_t bytes)
{
	struct job *job = conn->request->job;

	digest_update(&job->checksums.digests, at, bytes);
	if (job->call.route.body == S3_BODY_TEXT)
		job->call.body.len += bytes;
	else
		job->buf_used += bytes;
}

/* Bytes that came behind the head, or are here in a coding. 0, or -EBADMSG. */
static int take_coded(struct conn *conn)
{
	struct request *request = conn->request;
	struct head_buf *in = conn->in;
	char *raw = in->byte + request->head_bytes;
	size_t have = in->have - request->head_bytes, room, bytes;
	char *at = place(conn, have, &room);

	if (at == NULL)
		return -E2BIG;
	ssize_t n = body_take(&request->job->body, raw, have, at, room, &bytes);
	if (n < 0)
		return (int)n;
	placed(conn, at, bytes);
	in->have -= (size_t)n;
	memmove(raw, raw + n, in->have - request->head_bytes);
	return 0;
}

/* Raw bytes from the record layer; as record_recv. */
static ssize_t receive(struct conn *conn)
{
	struct job *job = conn->request->job;
	uint64_t plain = body_plain_left(&job->body);
	struct head_buf *in = conn->in;
	ssize_t n;

	/* The last few bytes go by way of in: what they need is more room than they fill. */
	if (plain >= RECORD_RECV_BYTES_MIN) {
		size_t room;
		char *at = place(conn, plain < SIZE_MAX ? (size_t)plain : SIZE_MAX, &room);
		if (at == NULL)
			return -E2BIG;
		n = record_recv(&conn->record, at, room);
		if (n > 0) {
			body_plain_account(&job->body, (size_t)n);
			placed(conn, at, (size_t)n);
		}
	} else {
		n = record_recv(&conn->record, in->byte + in->have, sizeof(in->byte) - in->have);
		if (n > 0)
			in->have += (size_t)n;
	}
	if (n > 0)
		job->received += (size_t)n;
	return n;
}

/* Nothing is here. A buffer with something in it is kept for more, unless others lack one. */
static enum conn_next wait_for_more(struct conn *conn)
{
	struct job *job = conn->request->job;
	struct worker *worker = conn->worker;
	bool are_scarce = worker->waiting_first != NULL || send_bufs_are_scarce(&worker->means);

	if (job->buf_used > 0 && are_scarce)
		return write_out(conn);
	if (job->buf_used == 0)
		buf_give(job);
	conn_wait_for_record(conn);
	return CONN_WAITS;
}

static enum conn_next body_done(struct conn *conn)
{
	struct request *request = conn->request;
	struct job *job = request->job;
	enum s3_error error;
	const char *text = NULL;

	if (job->buf_used > 0)
		return write_out(conn);
	buf_give(job);
	job_body_ends(job);
	request->keep_alive =
		request->head.keep_alive && !conn->worker->is_draining && !request->is_aged;
	if (checksums_end(&job->checksums, &job->body, job->call.checksum, &error, &text) < 0)
		return fail(conn, error, text);
	if (job->checksums.wants_md5)
		md5_etag(job->checksums.md5, 0, job->call.md5_etag);
	return conn_run_job(conn, JOB_RUN);
}

enum conn_next conn_step_body(struct conn *conn)
{
	struct request *request = conn->request;
	struct job *job = request->job;
	bool is_file = job->call.route.body == S3_BODY_FILE;

	for (uint64_t turn = job->received; job->received - turn < TURN_BYTES_MAX;) {
		if (body_is_done(&job->body))
			return body_done(conn);
		if (is_file && job->buf == NULL) {
			job->buf = worker_take_buffer(conn->worker, conn);
			if (job->buf == NULL)
				return CONN_WAITS;
		}
		if (is_file && is_full(job))
			return write_out(conn);
		if (conn->in->have > request->head_bytes) {
			int r = take_coded(conn);
			if (r == -E2BIG)
				return fail(conn, S3_ERROR_ENTITY_TOO_LARGE, NULL);
			if (r < 0)
				return fail_malformed(conn);
			if (body_is_done(&job->body) || conn->in->have == request->head_bytes ||
			    (is_file && is_full(job)))
				continue;
		}
		ssize_t n = receive(conn);
		if (n == -EAGAIN)
			return wait_for_more(conn);
		if (n == -E2BIG)
			return fail(conn, S3_ERROR_ENTITY_TOO_LARGE, NULL);
		if (n <= 0) {
			conn->is_closed_by_peer = n == 0 || n == -EPIPE || n == -ECONNRESET;
			conn_close(conn, n == 0 ? CLOSE_CLIENT_TRUNCATED : conn->record.why);
			return CONN_WAITS;
		}
	}
	conn_yield(conn);
	return CONN_WAITS;
}

/* ---- Beginning ------------------------------------------------------------------------------- */

/* Everything is ready to take the body. */
static enum conn_next body_begin_now(struct conn *conn)
{
	struct request *request = conn->request;

	job_body_begins(request->job);
	conn->state = CONN_BODY;
	conn->window_ms = conn->worker->loop.now_ms;
	conn->window_moved = 0;
	conn_deadline(conn, conn->worker->server->config->rate_window_ms);
	/* For an empty body, too: botocore takes a final answer in its place for the status of
	 * every later answer on the connection. */
	if (request->head.expect_continue && conn->in->have == request->head_bytes) {
		request->is_interim = true;
		conn->state = CONN_ANSWER;
	}
	request->is_continued = true;
	return CONN_GOES_ON;
}

enum conn_next conn_body_plan(struct conn *conn)
{
	struct request *request = conn->request;
	const struct http_head *head = &request->head;
	struct job *job = request->job;
	enum s3_error error;
	const char *text = NULL;

	conn->discard_left = 0;
	if (body_begin(&job->body, head) < 0)
		return fail(conn, S3_ERROR_INVALID_REQUEST,
			    "x-amz-decoded-content-length is no number, or more than the body.");
	if (request->route.body == S3_BODY_FILE && !head->chunked && !head->has_content_length)
		return fail(conn, S3_ERROR_MISSING_CONTENT_LENGTH, NULL);
	if (request->route.body == S3_BODY_TEXT && job->body.left > REQUEST_TEXT_BYTES_MAX)
		return fail(conn, S3_ERROR_ENTITY_TOO_LARGE, NULL);
	unsigned how = 0;
	if (request->route.body == S3_BODY_FILE && conn->worker->server->store.has_md5_etags)
		how |= CHECKSUMS_WANT_MD5;
	if (request->route.operation == S3_COMPLETE_MULTIPART_UPLOAD)
		how |= CHECKSUMS_ARE_OF_OBJECT;
	if (checksums_begin(&job->checksums, head, how, &error, &text) < 0)
		return fail(conn, error, text);
	if (request->route.begin != NULL)
		return conn_run_job(conn, JOB_BEGIN);
	return body_begin_now(conn);
}

enum conn_next conn_step_job_done(struct conn *conn)
{
	struct job *job = conn->request->job;

	if (s3_call_has_failed(&job->call)) {
		if (job->step == JOB_BEGIN)
			abandon(conn);
		conn->state = CONN_ANSWER;
		return CONN_GOES_ON;
	}
	if (job->step == JOB_BEGIN)
		return body_begin_now(conn);
	conn->state = CONN_ANSWER;
	return CONN_GOES_ON;
}
