/* SPDX-License-Identifier: Apache-2.0 */
/* One lane: a connection, its requests, and what they count. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/build_version.h"
#include "base/clock.h"
#include "base/must.h"
#include "client/bench_private.h"

/* Requests and connections of one lane before the others get their turn. */
#define TURN_MAX 16

static void drive(struct lane *lane, unsigned ready);

struct lane *lane_new(struct bench *bench, uint32_t index)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (lane == NULL)
		return NULL;
	lane->bench = bench;
	lane->index = index;
	session_init(&lane->session, &bench->client);
	return lane;
}

void lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	must(!op_is_in_flight(&lane->op));
	loop_disarm(&lane->bench->loop, &lane->deadline);
	bench_check_end(&lane->check, false, "");
	session_close(&lane->session);
	free(lane);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void lane_event(struct op *op, int32_t result);
static void lane_expired(struct timer *timer);

static void wait_for(struct lane *lane, short events)
{
	struct bench *bench = lane->bench;

	if (lane->is_forgotten) {
		lane->events_next = events;
		return;
	}
	if (events == 0)
		loop_yield(&bench->loop, &lane->op, lane_event);
	else
		loop_poll(&bench->loop, &lane->op, lane->session.sock_fd, (unsigned)events,
			  lane_event);
}

void lane_forget(struct lane *lane)
{
	lane->events_next = -1;
	if (!op_is_in_flight(&lane->op) || lane->is_forgotten)
		return;
	lane->is_forgotten = true;
	loop_cancel(&lane->bench->loop, &lane->op);
}

static void arm_timeout(struct lane *lane)
{
	struct bench *bench = lane->bench;

	/* The wheel moves a deadline later for nothing, but not earlier than its slot. */
	loop_disarm(&bench->loop, &lane->deadline);
	loop_arm(&bench->loop, &lane->deadline, bench->config->timeout_ms, lane_expired);
}

/* ---- Requests -------------------------------------------------------------------------------- */

void lane_upload_path(const struct lane *lane, struct text *out)
{
	const struct target *target = &lane->bench->client.target;

	text_put(out, "/");
	target_put_encoded(out, target->bucket, false);
	text_put(out, "/");
	target_put_encoded(out, target->prefix, false);
	if (target->prefix[0] != '\0' && target->prefix[strlen(target->prefix) - 1] != '/')
		text_put(out, "/");
	text_printf(out, "%s-%u", lane->bench->upload_name, lane->index);
}

/* Its folder, and a name that is not there. */
static void put_mark_path(const char *path, struct text *out)
{
	const char *slash = strrchr(path, '/');
	text_add(out, path, (size_t)(slash - path));
	text_put(out, "/deletion-mark.json");
}

static void put_path(const struct lane *lane, struct text *out)
{
	const struct bench *bench = lane->bench;

	if (lane->request.verb == BENCH_UPLOAD)
		lane_upload_path(lane, out);
	else if (lane->request.verb == BENCH_GET_MARK)
		put_mark_path(bench->objects.path[lane->request.object], out);
	else
		text_put(out, bench->objects.path[lane->request.object]);
}

/* Writes the head. It fits: keys are of a listing, or as long as one. */
static void make_request(struct lane *lane)
{
	static const char *const methods[] = {[BENCH_GET] = "GET",
					      [BENCH_GET_RANGE] = "GET",
					      [BENCH_HEAD] = "HEAD",
					      [BENCH_GET_MARK] = "GET",
					      [BENCH_UPLOAD] = "PUT"};
	const struct bench *bench = lane->bench;
	const struct bench_request *request = &lane->request;
	/* Over the lane's own memory; it never grows. */
	struct text head = {
		.at = lane->head, .size = BENCH_HEAD_BYTES, .bytes_max = BENCH_HEAD_BYTES};

	text_put(&head, methods[request->verb]);
	text_put(&head, " ");
	put_path(lane, &head);
	text_printf(&head, " HTTP/1.1\r\nHost: %s\r\nUser-Agent: sluice-bench/%s\r\n",
		    bench->client.target.authority, build_version());
	if (request->verb == BENCH_GET_RANGE)
		text_printf(&head, "Range: bytes=%llu-%llu\r\n", (unsigned long long)request->first,
			    (unsigned long long)request->last);
	if (request->verb == BENCH_UPLOAD)
		text_printf(&head, "Content-Length: %llu\r\n",
			    (unsigned long long)bench->mix.bytes);
	if (request->verb == BENCH_UPLOAD && bench->upload_checksum[0] != '\0')
		text_printf(&head, "x-amz-checksum-sha256: %s\r\n", bench->upload_checksum);
	if (request->verb == BENCH_GET && bench->verify != NULL)
		text_put(&head, "x-amz-checksum-mode: ENABLED\r\n");
	if (bench->mix.kind == BENCH_HANDSHAKE)
		text_put(&head, "Connection: close\r\n");
	text_put(&head, "\r\n");
	must(head.error == 0 && head.at == lane->head);
	lane->ask.head_bytes = head.len;
}

static void sink(void *arg, const uint8_t *data, size_t len)
{
	struct lane *lane = arg;
	struct bench *bench = lane->bench;

	if (bench->phase == BENCH_MEASURING)
		bench->report->window_received += len;
	bench_check_data(&lane->check, data, len);
}

static void ask(struct lane *lane)
{
	struct bench *bench = lane->bench;

	make_request(lane);
	lane->ask.head = lane->head;
	lane->ask.is_head = lane->request.verb == BENCH_HEAD;
	lane->ask.sink = sink;
	lane->ask.arg = lane;
	lane->ask.pattern = bench->pattern;
	lane->ask.pattern_bytes = BENCH_PATTERN;
	lane->ask.body_bytes = lane->request.verb == BENCH_UPLOAD ? bench->mix.bytes : 0;
	lane->sent_counted = 0;
	bool is_body = lane->request.verb == BENCH_GET || lane->request.verb == BENCH_GET_RANGE;
	bench_check_begin(&lane->check, is_body ? bench->verify : NULL, lane->request.object,
			  lane->request.first);
	if (lane->request.verb == BENCH_UPLOAD && lane->upload == LANE_UPLOAD_NONE)
		lane->upload = LANE_UPLOAD_UNSURE;
	session_ask(&lane->session, &lane->ask);
	lane->state = LANE_BUSY;
}

static void count_sent(struct lane *lane)
{
	uint64_t sent = lane->session.sent;

	if (lane->ask.body_bytes == 0 || sent <= lane->ask.head_bytes)
		return;
	sent -= lane->ask.head_bytes;
	if (lane->bench->phase == BENCH_MEASURING)
		lane->bench->report->window_sent += sent - lane->sent_counted;
	lane->sent_counted = sent;
}

/* ---- What came of it ------------------------------------------------------------------------- */

/* A request, or a connection without one, has failed. */
static void count_failure(struct lane *lane, enum bench_error error, enum client_outcome outcome,
			  const char *text)
{
	struct bench_report *report = lane->bench->report;

	if (lane->has_request)
		report->failed++;
	report->error[error]++;
	if (report->first_error[0] != '\0')
		return;
	report->first_outcome = outcome;
	snprintf(report->first_error, sizeof(report->first_error), "%s", text);
}

static void count_success(struct lane *lane)
{
	struct bench *bench = lane->bench;
	struct bench_report *report = bench->report;

	report->succeeded++;
	if (lane->due_ns >= bench->measure_ns)
		quantiles_observe(&report->latency, bench->now_ns - lane->due_ns);
	if (bench->phase == BENCH_MEASURING)
		report->window_requests++;
}

static bool is_expected(const struct lane *lane, int status)
{
	switch (lane->request.verb) {
	case BENCH_GET:
	case BENCH_HEAD:
		return status == 200;
	case BENCH_GET_RANGE:
		return status == 206;
	case BENCH_GET_MARK:
		return status == 404 || status == 200;
	case BENCH_UPLOAD:
		return status == 200 || status == 201 || status == 204;
	}
	must(!"a verb of the table");
	return false;
}

static bool is_right_length(const struct lane *lane)
{
	const struct session *session = &lane->session;

	switch (lane->request.verb) {
	case BENCH_GET:
	case BENCH_GET_RANGE:
		return session->body_bytes ==
		       bench_request_bytes(&lane->bench->plan, &lane->request);
	case BENCH_HEAD:
		return session->response.content_length ==
		       lane->bench->objects.object[lane->request.object].bytes;
	case BENCH_GET_MARK:
	case BENCH_UPLOAD:
		break;
	}
	return true;
}

/* A refusal says that nothing was written; an earlier upload of the lane, or one whose answer never
 * came, may have been. */
static void note_upload(struct lane *lane, bool is_right)
{
	if (is_right)
		lane->upload = LANE_UPLOAD_DONE;
	else if (lane->upload == LANE_UPLOAD_UNSURE && !lane->is_unanswered)
		lane->upload = LANE_UPLOAD_NONE;
}

/* The answer is whole: is it right? */
static void judge(struct lane *lane)
{
	const struct session *session = &lane->session;
	int status = session->response.status;
	char text[300];

	bool is_right = is_expected(lane, status);
	bool is_whole = is_right && is_right_length(lane);
	int check = bench_check_end(&lane->check, is_whole,
				    lane->request.verb == BENCH_GET ? session->checksum : "");
	if (!is_right) {
		lane->bench->report->status[status]++;
		snprintf(text, sizeof(text), "the server answers %d", status);
		count_failure(lane, BENCH_ERROR_STATUS, client_outcome_of_status(status), text);
	} else if (!is_whole) {
		snprintf(text, sizeof(text), "a response of another length than the object's: %llu",
			 (unsigned long long)session->body_bytes);
		count_failure(lane, BENCH_ERROR_LENGTH, CLIENT_INTEGRITY, text);
	} else if (check < 0) {
		snprintf(text, sizeof(text), "%.200s: bytes are not what they were",
			 lane->bench->objects.path[lane->request.object]);
		count_failure(lane, BENCH_ERROR_INTEGRITY, CLIENT_INTEGRITY, text);
	} else {
		count_success(lane);
	}
	if (lane->request.verb == BENCH_UPLOAD)
		note_upload(lane, is_right);
	lane->has_request = false;
}

static enum bench_error error_of(enum session_failure failure)
{
	switch (failure) {
	case SESSION_UNREACHABLE:
		return BENCH_ERROR_CONNECT;
	case SESSION_TLS:
		return BENCH_ERROR_TLS;
	case SESSION_ENDED:
		return BENCH_ERROR_CLOSED;
	case SESSION_MALFORMED:
		return BENCH_ERROR_MALFORMED;
	case SESSION_LOCAL:
		return BENCH_ERROR_LOCAL;
	}
	must(!"a failure of the table");
	return BENCH_ERROR_LOCAL;
}

/* ---- The life of a lane ---------------------------------------------------------------------- */

static void leave_opening(struct lane *lane)
{
	if (lane->state == LANE_OPENING && !lane->has_request)
		bench_opened(lane->bench);
}

static void take_pause(struct lane *lane)
{
	struct bench *bench = lane->bench;

	lane->state = LANE_PAUSED;
	loop_disarm(&bench->loop, &lane->deadline);
	loop_arm(&bench->loop, &lane->deadline, BENCH_PAUSE_MS, lane_expired);
}

/*
 * The session is over. A server may close a kept connection at any time, also while the next
 * request is on its way to it: that one is repeated on another, once, as every HTTP client does
 * (RFC 9112 section 9.3.1); all requests here can be.
 */
static void session_over(struct lane *lane)
{
	struct session *session = &lane->session;
	bool can_repeat = lane->state == LANE_BUSY && session->failure == SESSION_ENDED &&
			  session->responses > 0 && !session->is_answered && !lane->is_repeated;

	bench_check_end(&lane->check, false, "");
	leave_opening(lane);
	lane->is_unanswered |= lane->state == LANE_BUSY;
	if (can_repeat) {
		session_close(session);
		lane->is_repeated = true;
		lane->bench->report->repeated++;
		lane_open(lane);
		return;
	}
	count_failure(lane, error_of(session->failure), session_outcome(session->failure),
		      session->failure_text);
	session_close(session);
	lane->has_request = false;
	take_pause(lane);
}

static void connected(struct lane *lane)
{
	struct bench_report *report = lane->bench->report;
	const struct session *session = &lane->session;

	quantiles_observe(&report->handshake, lane->bench->now_ns - lane->opened_ns);
	report->connections++;
	report->rx_kernel += session->record.rx == &record_rx_kernel;
	report->tx_kernel += session->record.tx == &record_tx_kernel;
	report->cipher = session->outcome.cipher;
	report->group = session->outcome.group;
}

static void become_idle(struct lane *lane)
{
	struct bench *bench = lane->bench;

	loop_disarm(&bench->loop, &lane->deadline);
	lane->state = bench_is_exhausted(bench) ? LANE_DONE : LANE_IDLE;
	if (lane->state == LANE_DONE)
		return;
	lane->idle_next = NULL;
	if (bench->idle_last != NULL)
		bench->idle_last->idle_next = lane;
	else
		bench->idle_first = lane;
	bench->idle_last = lane;
}

/* False: there is none; the lane is idle then, or done. */
static bool take(struct lane *lane)
{
	struct bench *bench = lane->bench;

	if (!bench_take(bench, &lane->due_ns)) {
		become_idle(lane);
		return false;
	}
	bench_plan_next(&bench->plan, &lane->request);
	lane->has_request = true;
	lane->is_repeated = false;
	arm_timeout(lane);
	return true;
}

/* Opens without driving. False: it failed at once, and all is done about it. */
static bool begin_open(struct lane *lane)
{
	lane->state = LANE_OPENING;
	lane->opened_ns = lane->bench->now_ns;
	arm_timeout(lane);
	if (session_open(&lane->session) == 0)
		return true;
	session_over(lane);
	return false;
}

void lane_open(struct lane *lane)
{
	if (begin_open(lane))
		wait_for(lane, session_wants(&lane->session));
}

void lane_next(struct lane *lane)
{
	if (!take(lane))
		return;
	if (lane->session.state == SESSION_CLOSED) {
		lane_open(lane);
		return;
	}
	ask(lane);
	drive(lane, 0);
}

/* What was begun is done. True: something else was begun, to be driven on. */
static bool stepped(struct lane *lane)
{
	if (lane->state == LANE_OPENING) {
		connected(lane);
		leave_opening(lane);
		if (!lane->has_request && !take(lane))
			return false;
		ask(lane);
		return true;
	}
	judge(lane);
	struct session *session = &lane->session;
	if (session->is_last || lane->bench->mix.kind == BENCH_HANDSHAKE ||
	    record_tx_limit_reached(&session->record))
		session_close(session);
	if (!take(lane))
		return false;
	if (session->state == SESSION_CLOSED)
		return begin_open(lane);
	ask(lane);
	return true;
}

static void drive(struct lane *lane, unsigned ready)
{
	for (unsigned turn = 0; turn < TURN_MAX; turn++) {
		int r = session_step(&lane->session, ready);
		ready = 0;
		count_sent(lane);
		if (r == -EAGAIN) {
			wait_for(lane, session_wants(&lane->session));
			return;
		}
		if (r < 0) {
			session_over(lane);
			return;
		}
		if (!stepped(lane))
			return;
	}
	wait_for(lane, 0);
}

static void lane_event(struct op *op, int32_t result)
{
	struct lane *lane = CONTAINER_OF(op, struct lane, op);

	lane->bench->now_ns = clock_now_ns();
	if (!lane->is_forgotten) {
		drive(lane, result > 0 ? (unsigned)result : 0);
		return;
	}
	lane->is_forgotten = false;
	if (lane->events_next >= 0)
		wait_for(lane, lane->events_next);
}

static void lane_expired(struct timer *timer)
{
	struct lane *lane = CONTAINER_OF(timer, struct lane, deadline);

	if (lane->state == LANE_PAUSED) {
		lane_next(lane);
		return;
	}
	lane_forget(lane);
	bench_check_end(&lane->check, false, "");
	leave_opening(lane);
	count_failure(lane, BENCH_ERROR_TIMEOUT, CLIENT_NETWORK, "no answer within --timeout");
	lane->is_unanswered |= lane->state == LANE_BUSY;
	session_close(&lane->session);
	lane->has_request = false;
	lane_next(lane);
}
