/* SPDX-License-Identifier: Apache-2.0 */
#include "server/access_log.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tls/cert_note.h"
#include "tls/peer.h"

/* What a client can make long is cut, or the line's end would be, where status, error and id stand:
 * bytes of a method; of a path, which has a bucket and a key of 1,024 bytes, all percent-encoded.
 * Escaped they are twice as many at most, as '"' and '\\' are. */
#define METHOD_TEXT_MAX 32
#define PATH_TEXT_MAX   3200
static_assert(2 * (METHOD_TEXT_MAX + PATH_TEXT_MAX) + 2 * IDENTITY_TEXT_MAX + CA_NAME_MAX +
			      TLS_SERIAL_MAX + 512 <
		      LOG_LINE_BYTES_MAX,
	      "the fields behind a path have room");

static void log_identity(struct log_line *line, const struct conn *conn)
{
	char text[IDENTITY_TEXT_MAX];
	if (conn->identity == NULL)
		return;
	size_t len = identity_format(conn->identity, text, sizeof(text));
	log_str(line, "identity", text, len);
	if (conn->identity->ca[0] != '\0')
		log_text(line, "ca", conn->identity->ca);
	log_text(line, "serial", peer_serial(conn->peer));
}

/* Whose handshake it was, as far as that is known; nothing of it was proven. */
static void log_shown_cert(struct log_line *line, const struct conn *conn)
{
	struct cert_note note;

	if (conn->handshake == NULL || !handshake_shown_cert(conn->handshake, &note))
		return;
	log_text(line, "subject", note.subject);
	if (note.identity[0] != '\0')
		log_text(line, "identity", note.identity);
	log_text(line, "serial", note.serial);
	log_text(line, "issuer", note.issuer);
	log_text(line, "not_after", note.not_after);
}

/* The first rule that is about this client, and does not allow this; numbered as in the file. */
static void log_rule(struct log_line *line, int about)
{
	if (about >= 0)
		log_u64(line, "rule", (uint64_t)about + 1);
	else
		log_text(line, "rule", "none");
}

static void log_slice(struct log_line *line, const char *name, struct slice text, size_t max)
{
	log_str(line, name, text.at, text.len < max ? text.len : max);
}

static enum request_method method_of(const struct request *request)
{
	if (!request->is_parsed)
		return REQUEST_METHOD_OTHER;
	switch (request->head.method) {
	case HTTP_GET:
		return REQUEST_METHOD_GET;
	case HTTP_HEAD:
		return REQUEST_METHOD_HEAD;
	case HTTP_PUT:
		return REQUEST_METHOD_PUT;
	case HTTP_POST:
		return REQUEST_METHOD_POST;
	case HTTP_DELETE:
		return REQUEST_METHOD_DELETE;
	case HTTP_OTHER:
		break;
	}
	return REQUEST_METHOD_OTHER;
}

/* Requests are an access log, each of them. What is no request that could be read, or is logged
 * only because it was denied, is an event like others. */
static bool is_logged(struct conn *conn)
{
	static const struct log_kind denied = {"request", "denied"};
	const struct request *request = conn->request;
	struct worker *worker = conn->worker;

	if (worker->server->config->access_log && request->is_parsed)
		return true;
	if (request->is_denied)
		return worker_may_log(worker, denied, conn->remote);
	if (request->is_parsed || !worker->server->config->access_log)
		return false; /* refused is valid only for what could not be parsed */
	const struct log_kind unreadable = {"request", http_head_error_text(request->refused)};
	return worker_may_log(worker, unreadable, conn->remote);
}

/* Bytes of the body that the socket has taken. The text of an error follows its head. */
static uint64_t body_bytes_sent(const struct request *request)
{
	size_t text = request->answer.body_bytes, unsent = request->send.head_left;

	return request->send.sent + (unsent < text ? text - unsent : 0);
}

void access_log_request(struct conn *conn, const char *cut)
{
	struct worker *worker = conn->worker;
	const struct request *request = conn->request;
	const struct answer *answer = &request->answer;
	enum s3_operation operation = request->route.operation;
	uint64_t duration_ns = clock_now_ns() - request->started_ns;

	metric_add(&worker->metrics.request[method_of(request)][request_code_of(answer->status)],
		   1);
	histogram_observe(&worker->metrics.request_duration[operation], duration_ns);
	if (request->send.first_byte_ns != 0 && !request->is_interim)
		histogram_observe(&worker->metrics.first_byte[operation],
				  request->send.first_byte_ns - request->started_ns);
	if (request->job != NULL)
		metric_add(&worker->metrics.value[METRIC_RECEIVED_BYTES],
			   request->job->body.payload);
	if (!is_logged(conn))
		return;

	struct log_line line;
	log_begin(&line, &worker->log, LOG_LEVEL_INFO, "request");
	log_text(&line, "remote", conn->remote);
	log_identity(&line, conn);
	if (request->is_parsed) {
		log_slice(&line, "method", request->head.method_text, METHOD_TEXT_MAX);
		log_slice(&line, "path", request->head.target, PATH_TEXT_MAX);
	}
	log_u64(&line, "status", (uint64_t)answer->status);
	log_u64(&line, "bytes", body_bytes_sent(request));
	if (request->job != NULL && request->job->body.payload > 0)
		log_u64(&line, "received", request->job->body.payload);
	log_seconds(&line, "duration", duration_ns);
	log_text(&line, "tx", conn->record.tx->label);
	log_text(&line, "rx", conn->record.rx->label);
	log_text(&line, "group", tls_group_label(conn->group));
	log_text(&line, "engine", send_engine_label(request->send.engine));
	if (answer->error != S3_ERROR_COUNT)
		log_text(&line, "error", s3_error_code(answer->error));
	if (request->is_denied)
		log_rule(&line, request->denied_about);
	if (!request->is_parsed)
		log_text(&line, "detail", http_head_error_text(request->refused));
	if (cut != NULL)
		log_text(&line, "cut", cut);
	log_text(&line, "id", request->request_id);
	log_end(&line);
}

/* A line about a connection, with its remote. False: not wanted, or one of too many. */
static bool begin_event(struct log_line *line, struct conn *conn, const struct reason *reason,
			const char *msg)
{
	const struct log_kind kind = {msg, reason->label};
	enum log_level level = (enum log_level)reason->level;

	if (level < conn->worker->log.level)
		return false;
	if (level > LOG_LEVEL_DEBUG && !worker_may_log(conn->worker, kind, conn->remote))
		return false;
	log_begin(line, &conn->worker->log, level, msg);
	log_text(line, "remote", conn->remote);
	return true;
}

static void log_alert(struct log_line *line, const char *field, unsigned alert)
{
	char name[ALERT_NAME_MAX];

	if (alert != ALERT_NONE)
		log_text(line, field, tls_alert_name(alert, name));
}

void access_log_close(struct conn *conn, enum close_reason why)
{
	const struct reason *reason = close_reason_row(why);
	struct log_line line;

	if (!begin_event(&line, conn, reason, "connection closed"))
		return;
	log_identity(&line, conn);
	log_text(&line, "reason", reason->label);
	log_text(&line, "detail", reason->sentence);
	if (conn->is_established) {
		log_alert(&line, "alert_received", conn->record.alert_received);
		log_alert(&line, "alert_sent", conn->record.alert_sent);
	}
	log_u64(&line, "requests", conn->requests);
	log_end(&line);
}

void access_log_handshake_failure(struct conn *conn, enum handshake_failure failure)
{
	const struct reason *reason = handshake_failure_row(failure);
	struct log_line line;

	if (!begin_event(&line, conn, reason, "handshake failed"))
		return;
	log_text(&line, "reason", reason->label);
	log_text(&line, "detail", reason->sentence);
	if (conn->handshake != NULL) {
		log_text(&line, "tls_error", handshake_failure_text(conn->handshake));
		log_alert(&line, "alert_received", handshake_alert_received(conn->handshake));
		log_alert(&line, "alert_sent", handshake_alert_sent(conn->handshake));
	}
	log_shown_cert(&line, conn);
	log_end(&line);
}

void access_log_fallback(struct conn *conn, const struct handshake_outcome *outcome)
{
	enum fallback_reason why =
		outcome->fallback_tx != FALLBACK_NONE ? outcome->fallback_tx : outcome->fallback_rx;
	if (why == FALLBACK_NONE)
		return;
	const struct reason *reason = fallback_reason_row(why);
	struct log_line line;

	if (!begin_event(&line, conn, reason, "userspace TLS"))
		return;
	log_text(&line, "tx", outcome->fallback_tx == FALLBACK_NONE ? "kernel" : "user");
	log_text(&line, "rx", outcome->fallback_rx == FALLBACK_NONE ? "kernel" : "user");
	log_text(&line, "reason", reason->label);
	log_text(&line, "detail", reason->sentence);
	if (outcome->install_errno != 0)
		log_text(&line, "errno", strerrorname_np(-outcome->install_errno));
	log_end(&line);
}
