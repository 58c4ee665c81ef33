/* SPDX-License-Identifier: Apache-2.0 */
/* A request: head -> target -> operation -> authorised -> opened -> answered -> sent. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"
#include "s3/op.h"
#include "server/access_log.h"
#include "server/conn.h"
#include "s3/field_values.h"
#include "server/root_watch.h"
#include "store/root.h"

/* ---- From head to answer --------------------------------------------------------------------- */

static enum conn_next answer_with(struct conn *conn, enum s3_error error)
{
	conn->request->error = error;
	conn->state = CONN_ANSWER;
	return CONN_GOES_ON;
}

static enum s3_error error_of_target(enum s3_target_error error)
{
	switch (error) {
	case S3_TARGET_BAD_ENCODING:
		return S3_ERROR_INVALID_URI;
	case S3_TARGET_BAD_BUCKET:
		return S3_ERROR_INVALID_BUCKET_NAME;
	case S3_TARGET_KEY_TOO_LONG:
		return S3_ERROR_KEY_TOO_LONG;
	case S3_TARGET_NUL:
	case S3_TARGET_NOT_UTF8:
	case S3_TARGET_BAD_COMPONENT:
	case S3_TARGET_ERROR_COUNT:
		break;
	}
	return S3_ERROR_INVALID_ARGUMENT;
}

static enum conn_next open_bucket(struct conn *conn);

enum conn_next conn_run_job(struct conn *conn, enum job_step step)
{
	must(conn->in_flight == CONN_OP_NONE);
	conn->in_flight = CONN_OP_JOB;
	conn->state = CONN_JOB;
	loop_disarm(&conn->worker->loop, &conn->deadline);
	job_submit(conn->request->job, step);
	return CONN_WAITS;
}

/* What may block: a thread's. */
static enum conn_next begin_job(struct conn *conn)
{
	struct request *request = conn->request;

	request->job = job_new(conn);
	if (request->job == NULL)
		return answer_with(conn, S3_ERROR_SLOW_DOWN);
	if (request->route.body != S3_BODY_NONE)
		return conn_body_plan(conn);
	return conn_run_job(conn, JOB_RUN);
}

/* Content type, metadata: not on this thread, they may be on the disk alone. */
static enum conn_next read_attributes(struct conn *conn)
{
	struct request *request = conn->request;

	request->job = job_new(conn);
	if (request->job == NULL)
		return answer_with(conn, S3_ERROR_SLOW_DOWN);
	request->job->call.object = &request->object;
	return conn_run_job(conn, JOB_RUN);
}

/* The descriptor, or the error, of what request->path is. */
static enum conn_next opened(struct conn *conn, int file_fd)
{
	struct request *request = conn->request;
	int r = file_fd < 0 ? file_fd : 0;

	if (file_fd >= 0 && request->is_bucket)
		close(file_fd); /* it is there, and that was the question */
	else if (file_fd >= 0)
		r = object_from_fd(&request->object, file_fd);
	if (r == 0 && request->is_bucket && request->route.operation != S3_HEAD_BUCKET)
		return answer_with(conn, S3_ERROR_NO_SUCH_KEY);
	if (r < 0) {
		const struct s3_store *store = &conn->worker->server->store;
		enum s3_error error =
			s3_errno_meaning(request->is_bucket ? S3_ABOUT_BUCKET : S3_ABOUT_OBJECT, r)
				.error;
		if (error == S3_ERROR_NO_SUCH_BUCKET &&
		    root_is_removed(store->root_fd, store->root_counts_links))
			error = S3_ERROR_SERVICE_UNAVAILABLE;
		if ((error == S3_ERROR_INTERNAL_ERROR || error == S3_ERROR_SLOW_DOWN) &&
		    worker_may_log(conn->worker,
				   (struct log_kind){"cannot open", strerrorname_np(-r)},
				   conn->remote))
			log_msg(&conn->worker->log, LOG_LEVEL_ERROR, "cannot open %s: %s",
				request->path, strerrordesc_np(-r));
		if (error == S3_ERROR_ACCESS_DENIED)
			request->error_text =
				"The server may not read this file; see its owner and mode.";
		if (error == S3_ERROR_NO_SUCH_KEY)
			return open_bucket(conn); /* or is there no such bucket? */
		return answer_with(conn, error);
	}
	if (request->object.has_meta || op_object_has_overrides(&request->target))
		return read_attributes(conn);
	return answer_with(conn, S3_ERROR_COUNT);
}

static enum conn_next open_through_loop(struct conn *conn)
{
	struct request *request = conn->request;
	struct worker *worker = conn->worker;
	conn_op_begins(conn, CONN_OP_OPEN);
	loop_openat2(&worker->loop, &conn->op, worker->server->root_fd, request->path,
		     &request->how, conn_op_done);
	conn->state = CONN_OPEN;
	conn_deadline(conn, DISK_TIMEOUT_MS);
	return CONN_WAITS;
}

static enum conn_next open_bucket(struct conn *conn)
{
	struct request *request = conn->request;

	request->is_bucket = true;
	snprintf(request->path, sizeof(request->path), "%s", request->target.bucket);
	request->how = object_bucket_how();
	int fd = object_open_cached(conn->worker->server->root_fd, request->path, &request->how);
	return fd != -EAGAIN ? opened(conn, fd) : open_through_loop(conn);
}

static enum conn_next open_object(struct conn *conn)
{
	struct request *request = conn->request;
	struct worker *worker = conn->worker;

	if (s3_query_part_number(&request->head, request->target.query,
				 &request->object.part.number, &request->error,
				 &request->error_text) < 0)
		return answer_with(conn, request->error);
	object_path(request->path, request->target.bucket, request->target.object_key);
	request->how = worker->open_how;
	int fd = object_open_cached(worker->server->root_fd, request->path, &request->how);
	worker->open_how = request->how; /* not the owner of one file: most likely of none */
	if (fd != -EAGAIN)
		return opened(conn, fd);
	return open_through_loop(conn);
}

enum conn_next conn_step_opened(struct conn *conn, int32_t result)
{
	if (result == -EPERM && object_open_without_noatime(&conn->request->how))
		return open_through_loop(conn);
	return opened(conn, result);
}

/* The one place where a request is allowed. */
static bool is_authorised(struct conn *conn)
{
	struct request *request = conn->request;
	const struct policy *policy = &conn->worker->trust->config->policy;
	const struct s3_route *route = &request->route;

	if (route->is_by_key && policy_allows_somewhere(policy, conn->identity, route->verb))
		return true;
	struct decision decision =
		policy_decide(policy, conn->identity, route->verb, request->target.bucket,
			      request->target.object_key);
	if (decision.allow)
		return true;
	request->is_denied = true;
	request->denied_about = decision.about;
	metrics_denied(&conn->worker->metrics, decision.about, 1);
	return false;
}

static enum conn_next route_request(struct conn *conn)
{
	struct request *request = conn->request;
	enum s3_target_error target_error;
	enum s3_error error;

	if (s3_target_parse(request->head.target, &request->target, &target_error) < 0)
		return answer_with(conn, error_of_target(target_error));
	if (s3_operation_find(&request->head, &request->target,
			      conn->worker->server->config->writable, &request->route, &error,
			      &request->error_text) < 0)
		return answer_with(conn, error);
	if (!is_authorised(conn))
		return answer_with(conn, S3_ERROR_ACCESS_DENIED);
	if (root_watch_has_lost(conn->worker->server->root_watch, request->target.bucket))
		return answer_with(conn, S3_ERROR_SERVICE_UNAVAILABLE);

	if (request->route.operation == S3_GET_OBJECT || request->route.operation == S3_HEAD_OBJECT)
		return open_object(conn);
	return request->route.operation == S3_HEAD_BUCKET ? open_bucket(conn) : begin_job(conn);
}

static struct request *request_new(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct request *request = pool_take(&worker->requests);
	if (request == NULL)
		return NULL;
	request->object.file_fd = -1;
	request->object.has_meta = false;
	request->object.part = (struct object_part){0};
	request->job = NULL;
	request->is_interim = request->is_continued = false;
	request->send.pipe = NULL;
	request->send.sent = request->send.head_left = 0;
	request->awaits_client = false;
	request->send.first_byte_ns = 0;
	request->route.operation = S3_OPERATION_NONE;
	request->send.engine = SEND_ENGINE_COPY;
	request->send.is_limit_hit = false;
	request->error = S3_ERROR_COUNT;
	request->error_text = NULL;
	request->started_ns = worker->loop.now_ns;
	request->is_parsed = request->is_bucket = request->is_overdue = false;
	request->is_aged = request->is_denied = false;
	request->keep_alive = false;
	request->head_bytes = 0;
	request->answer = (struct answer){.error = S3_ERROR_COUNT};
	/* Unlike any other's: a random start, and each count gives another number. */
	static const char digits[] = "0123456789ABCDEF";
	uint64_t id = worker->request_salt ^ (++worker->request_count * 0x9e3779b97f4a7c15ull);
	for (int i = 0; i < REQUEST_ID_BYTES - 1; i++)
		request->request_id[i] = digits[id >> (60 - 4 * i) & 15];
	request->request_id[REQUEST_ID_BYTES - 1] = '\0';
	conn->request = request;
	metric_add(&worker->metrics.value[METRIC_REQUESTS_INFLIGHT], 1);
	return request;
}

/* Is what follows the head certain, and worth reading? */
static void plan_body(struct conn *conn)
{
	struct request *request = conn->request;
	const struct http_head *head = &request->head;

	request->is_aged = conn_is_aged(conn);
	request->keep_alive = head->keep_alive && !conn->worker->is_draining && !request->is_aged;
	conn->discard_left = 0;
	if (head->chunked || head->expect_continue ||
	    (head->has_content_length && head->content_length > DISCARD_BODY_BYTES_MAX))
		request->keep_alive = false; /* the body may or may not come: not certain */
	else if (head->has_content_length)
		conn->discard_left = head->content_length;
}

/* Drops body bytes that are here. False: more are to come. */
static bool discard(struct conn *conn)
{
	struct head_buf *in = conn->in;
	uint64_t n = in->have < conn->discard_left ? in->have : conn->discard_left;
	in->have -= (size_t)n;
	memmove(in->byte, in->byte + n, in->have);
	conn->discard_left -= n;
	return conn->discard_left == 0;
}

enum conn_next conn_step_head(struct conn *conn)
{
	struct head_buf *in = conn->in;
	const struct config *config = conn->worker->server->config;

	if (in == NULL)
		return conn_wait_for_head(conn);
	if (conn->discard_left > 0) {
		if (!discard(conn))
			return conn_wait_for_head(conn);
		conn_deadline(conn, config->head_timeout_ms); /* what is behind it is a head */
	}
	if (in->have == 0)
		return conn_wait_for_head(conn);
	if (conn->request == NULL && request_new(conn) == NULL) {
		conn_close(conn, CLOSE_NO_MEMORY);
		return CONN_WAITS;
	}
	struct request *request = conn->request;
	int n = http_head_parse(in->byte, in->have, in->scanned, &request->head, &request->refused);
	if (n == -EAGAIN) {
		in->scanned = in->have;
		conn_request_free(conn);
		return conn_wait_for_head(conn);
	}
	if (n < 0) {
		int status = http_head_error_status(request->refused);
		request->error_text = http_head_error_text(request->refused);
		return answer_with(conn, status == 431   ? S3_ERROR_HEAD_TOO_LARGE
					 : status == 414 ? S3_ERROR_URI_TOO_LONG
					 : status == 505 ? S3_ERROR_VERSION_NOT_SUPPORTED
					 : status == 501 ? S3_ERROR_NOT_IMPLEMENTED
					 : status == 417 ? S3_ERROR_EXPECTATION_FAILED
							 : S3_ERROR_BAD_REQUEST);
	}
	request->is_parsed = true;
	request->head_bytes = (size_t)n;
	plan_body(conn);
	return route_request(conn);
}

/* ---- From answer to the last byte ------------------------------------------------------------ */

/* The head, and the text behind it, of what the request came to. */
static void write_answer(struct conn *conn, char *out)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct request *request = conn->request;
	struct job *job = request->job;
	struct answer *answer = &request->answer;
	const struct answer_request about = {
		.head = request->is_parsed ? &request->head : NULL,
		.resource = request->is_parsed ? request->head.target : (struct slice){"", 0},
		.request_id = request->request_id,
		.date = worker_date(conn->worker),
		.keep_alive = request->keep_alive,
		.is_writable = conn->worker->server->config->writable,
		.object_key = request->target.object_key,
		.fields = job != NULL ? &job->call.fields : NULL,
	};

	if (request->is_interim) {
		memcpy(out, interim, sizeof(interim) - 1);
		*answer = (struct answer){
			.error = S3_ERROR_COUNT, .status = 100, .text_bytes = sizeof(interim) - 1};
	} else if (request->error != S3_ERROR_COUNT) {
		answer_error(&about, request->error, request->error_text, out, answer);
	} else if (request->route.operation == S3_HEAD_BUCKET) {
		answer_bucket(&about, out, answer);
	} else if (request->object.file_fd >= 0) {
		answer_object(&about, &request->object, out, answer);
	} else {
		must(job != NULL);
		answer_call(&about, &job->call.stamp, &job->call.text, job->call.status, out,
			    answer);
	}
}

/* What a thread's failure is for the answer, and for the log. */
static void take_failure(struct conn *conn)
{
	struct request *request = conn->request;
	struct s3_call *call = request->job != NULL ? &request->job->call : NULL;

	if (call == NULL || request->error != S3_ERROR_COUNT || request->is_interim)
		return;
	job_count_denied(request->job);
	if (!s3_call_has_failed(call) && (call->text.error != 0 || call->fields.error != 0))
		s3_call_fail_errno(call, -ENOMEM);
	if (!s3_call_has_failed(call))
		return;
	request->error = call->error;
	request->error_text = call->error_text;
	object_close(&request->object);
	if (call->error == S3_ERROR_INSUFFICIENT_STORAGE)
		metric_add(&conn->worker->metrics.value[METRIC_STORE_FULL], 1);
	if (call->error_errno != 0 &&
	    worker_may_log(conn->worker,
			   (struct log_kind){"request failed", strerrorname_np(call->error_errno)},
			   conn->remote))
		log_msg(&conn->worker->log, LOG_LEVEL_ERROR, "%.*s %s/%s: %s",
			(int)request->head.method_text.len, request->head.method_text.at,
			request->target.bucket, request->target.object_key,
			strerrordesc_np(call->error_errno));
}

/* The client has not read what came before this answer: no buffer for it until then. */
static enum conn_next wait_for_client(struct conn *conn)
{
	if (!conn->request->awaits_client)
		conn_deadline(conn, conn->worker->server->config->rate_window_ms);
	conn->request->awaits_client = true;
	conn_wait(conn, POLLOUT);
	return CONN_WAITS;
}

enum conn_next conn_step_answer(struct conn *conn)
{
	struct request *request = conn->request;
	struct worker *worker = conn->worker;
	struct answer *answer = &request->answer;

	take_failure(conn);
	if (send_bufs_are_scarce(&worker->means) && !send_socket_has_room(conn->sock_fd))
		return wait_for_client(conn);
	request->awaits_client = false;
	struct tx_buf *buf = worker_take_buffer(worker, conn);
	if (buf != NULL || worker->served != conn) /* waiting on does not begin anew */
		conn_deadline(conn, worker->server->config->rate_window_ms);
	if (buf == NULL)
		return CONN_WAITS;
	conn->record.tx_buf = buf;

	struct iovec room[TX_RECORDS_MAX];
	record_tx_room(&conn->record, 0, room);
	static_assert(ANSWER_BYTES_MAX <= RECORD_PLAIN_MAX, "an answer fits one record");
	write_answer(conn, room[0].iov_base);
	struct send_body body = {
		.file_fd = request->object.file_fd,
		.device = request->object.facts.device,
		.inode = request->object.facts.inode,
		.offset = answer->file_offset,
		.bytes = answer->file_bytes,
	};
	if (answer->is_text_body) {
		body.text = request->job->call.text.at;
		body.bytes = request->job->call.text.len;
	}
	if (answer->file_bytes > 0)
		body.is_in_memory = worker->server->root_is_in_memory &&
				    request->object.facts.device == worker->server->root_device;
	request->send.op = &conn->op;
	request->send.read_done = conn_op_done;
	send_begin(&request->send, &worker->means, &conn->record, answer->text_bytes,
		   body.bytes > 0 ? &body : NULL, worker->server->config->send_engine);
	conn->state = CONN_SEND;
	conn->window_ms = worker->loop.now_ms;
	conn->window_moved = 0;
	return CONN_GOES_ON;
}

/* Every byte was given to the socket: the next request, or close. */
static enum conn_next response_done(struct conn *conn)
{
	struct request *request = conn->request;
	struct worker *worker = conn->worker;
	struct head_buf *in = conn->in;

	if (request->is_interim) {
		request->is_interim = false;
		request->send.first_byte_ns = 0; /* of the answer, not of this */
		conn->state = CONN_BODY;
		return CONN_GOES_ON;
	}
	access_log_request(conn, NULL);
	conn->requests++;
	size_t head_bytes = request->head_bytes;
	bool keep_alive = request->keep_alive;
	bool is_limit_hit = request->send.is_limit_hit || record_tx_limit_reached(&conn->record);
	bool was_refused = !request->is_parsed, is_aged = request->is_aged;
	conn->state = CONN_HEAD; /* the response is whole: what follows is no cut */
	conn_request_free(conn);

	if (is_limit_hit && record_tx_rekey(&conn->record) < 0) {
		conn_close(conn, CLOSE_RECORD_LIMIT);
		return CONN_WAITS;
	}
	if (!keep_alive || worker->is_draining) {
		conn_close(conn, worker->is_draining ? CLOSE_DRAINED
				 : was_refused       ? CLOSE_BAD_REQUEST
				 : is_aged           ? CLOSE_MAX_AGE
						     : CLOSE_RESPONSE_SAID_CLOSE);
		return CONN_WAITS;
	}
	in->have -= head_bytes;
	in->scanned = 0;
	memmove(in->byte, in->byte + head_bytes, in->have);
	conn->is_head_begun = in->have > 0 || conn->discard_left > 0;
	conn_deadline(conn, conn->is_head_begun ? worker->server->config->head_timeout_ms
						: worker->server->config->idle_timeout_ms);
	return CONN_GOES_ON;
}

enum conn_next conn_step_send(struct conn *conn)
{
	struct send *send = &conn->request->send;

	switch (send_step(send)) {
	case SEND_DONE:
		return response_done(conn);
	case SEND_WAIT_SOCKET:
	case SEND_TURN_OVER: /* writable at once, but after the others */
		conn_wait(conn, POLLOUT);
		return CONN_WAITS;
	case SEND_WAIT_FILE:
		conn->read_since_ms = conn->worker->loop.now_ms;
		conn_op_begins(conn, CONN_OP_FILE);
		return CONN_WAITS;
	case SEND_WAIT_BUFFER:
		worker_wait_for_buffer(conn->worker, conn);
		return CONN_WAITS;
	case SEND_FAILED:
		conn_close(conn, send->why);
		return CONN_WAITS;
	}
	must(!"a state of the table");
	return CONN_WAITS;
}
