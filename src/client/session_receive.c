/* SPDX-License-Identifier: Apache-2.0 */
/* The response: head, then a body of known length, in chunks, or none. */
#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "client/session_private.h"

static int done(struct session *session, size_t behind)
{
	if (behind > 0)
		return session_fail(session, SESSION_MALFORMED,
				    "bytes behind the end of the response");
	session->responses++;
	session->state = SESSION_READY;
	session->request = NULL;
	return 0;
}

static void sink(struct session *session, const char *data, size_t len)
{
	session->body_bytes += len;
	if (session->request->sink != NULL && len > 0)
		session->request->sink(session->request->arg, (const uint8_t *)data, len);
}

static int take_chunks(struct session *session, const char *data, size_t len)
{
	struct slice payload;

	while (len > 0 && !chunked_is_done(&session->chunked)) {
		ssize_t n = chunked_take(&session->chunked, data, len, &payload);
		if (n < 0)
			return session_fail(session, SESSION_MALFORMED, "a malformed chunk");
		sink(session, payload.at, payload.len);
		data += n;
		len -= (size_t)n;
	}
	return chunked_is_done(&session->chunked) ? done(session, len) : -EAGAIN;
}

static int take_body(struct session *session, const char *data, size_t len)
{
	if (session->response.is_chunked)
		return take_chunks(session, data, len);
	size_t bytes = len < session->body_left ? len : (size_t)session->body_left;
	sink(session, data, bytes);
	session->body_left -= bytes;
	return session->body_left == 0 ? done(session, len - bytes) : -EAGAIN;
}

/* The head is whole: what follows it? (RFC 9112 section 6.3) */
static int begin_body(struct session *session, const char *data, size_t len)
{
	const struct http_response_head *response = &session->response;
	bool is_bodiless =
		session->request->is_head || response->status == 204 || response->status == 304;

	session->state = SESSION_BODY;
	session->chunked = (struct chunked){0};
	session->body_left = response->content_length;
	session->body_bytes = 0;
	if (!response->keep_alive)
		session->is_last = true;
	if (is_bodiless)
		return done(session, len);
	if (!response->has_content_length && !response->is_chunked)
		return session_fail(session, SESSION_MALFORMED,
				    "a response with neither Content-Length nor chunks");
	return take_body(session, data, len);
}

static void keep_checksum(struct session *session)
{
	struct slice value = session->response.checksum_sha256;
	size_t len = value.len < sizeof(session->checksum) ? value.len : 0;

	if (len > 0)
		memcpy(session->checksum, value.at, len);
	session->checksum[len] = '\0';
}

/*
 * What was received lies in the scratch buffer, and most heads are whole there. One that is not is
 * gathered in session->head.
 */
static int take_head(struct session *session, const char *data, size_t len)
{
	size_t before = session->head_have, copied = 0;
	const char *head = data;
	size_t have = len;

	if (before > 0) {
		copied = sizeof(session->head) - before;
		if (copied > len)
			copied = len;
		memcpy(session->head + before, data, copied);
		head = session->head;
		have = before + copied;
	}
	ssize_t n = http_response_head_parse(head, have, &session->response);
	if (n == -EAGAIN) { /* so it is shorter than session->head */
		must(have < sizeof(session->head));
		if (before == 0)
			memcpy(session->head, data, len);
		session->head_have = have;
		return -EAGAIN;
	}
	if (n < 0)
		return session_fail(session, SESSION_MALFORMED, "a malformed response head");
	keep_checksum(session);
	session->head_have = 0;
	/* What stands behind the head, in data: before bytes of the head were not in it. */
	size_t in_data = (size_t)n - before;
	if (session->response.status < 200) /* interim: the answer is still to come */
		return len > in_data ? take_head(session, data + in_data, len - in_data) : -EAGAIN;
	return begin_body(session, data + in_data, len - in_data);
}

int session_receive(struct session *session)
{
	struct record *record = &session->record;
	size_t turn_bytes = 0;

	for (;;) {
		ssize_t n = record_recv(record, session->client->scratch, SESSION_SCRATCH_BYTES);
		if (n == 0)
			return session_fail(session, SESSION_ENDED,
					    "the server closed the connection");
		if (n == -EAGAIN)
			break;
		if (n < 0)
			return session_record_failed(session, (int)n);
		session->is_answered = true;
		turn_bytes += (size_t)n;
		const char *data = (const char *)session->client->scratch;
		int r = session->state == SESSION_BODY ? take_body(session, data, (size_t)n)
						       : take_head(session, data, (size_t)n);
		if (r != -EAGAIN)
			return r;
		if (record_has_buffered(record) && turn_bytes < TURN_BYTES_MAX)
			continue;
		/* The kernel gives all that is there, one that seals for itself a record a time. */
		bool is_drained =
			record->rx == &record_rx_kernel && (size_t)n < SESSION_SCRATCH_BYTES;
		if (is_drained || turn_bytes >= TURN_BYTES_MAX)
			break;
	}
	session->wants = record_has_buffered(record) ? 0 : POLLIN;
	return -EAGAIN;
}
