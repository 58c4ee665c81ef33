/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a client may come in, and stay: trust that changes, the limit of its connections, age. */
#include <sys/socket.h>

#include "server/conn.h"

/* Trust no longer holds. Who waits for a request is told by an alert; what is on its way to others
 * is worth nothing any more, and what the socket still holds of it is thrown away. */
static void turn_out(struct conn *conn, enum handshake_failure failure)
{
	bool is_revoked = failure == HANDSHAKE_CERT_REVOKED;
	enum close_reason why = is_revoked                      ? CLOSE_CERT_REVOKED
				: failure == HANDSHAKE_INTERNAL ? CLOSE_NO_MEMORY
								: CLOSE_CERT_DISTRUSTED;

	if (conn->state == CONN_HEAD || conn->state == CONN_HANDSHAKE) {
		record_shutdown(&conn->record,
				is_revoked ? ALERT_CERTIFICATE_REVOKED : ALERT_CERTIFICATE_UNKNOWN);
		conn_close(conn, why);
		return;
	}
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	setsockopt(conn->sock_fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	conn_abort(conn, why);
}

void conn_check_trust(struct conn *conn)
{
	bool is_leaving =
		conn->is_doomed || conn->state == CONN_CLOSING || conn->state == CONN_LINGER;
	if (conn->peer == NULL || is_leaving)
		return;
	bool is_kept = conn->worker->server->config->revoked_connections != REVOKED_CONNS_CLOSE;
	enum handshake_failure failure = peer_check(conn->peer, conn->worker->trust->tls_ctx);
	/* Who is kept goes by the new rules, so never under a name that is not its own any more. */
	if (failure != HANDSHAKE_FAILURE_COUNT &&
	    (!is_kept || failure == HANDSHAKE_NAME_NOT_VOUCHED))
		turn_out(conn, failure);
}

bool conn_admit(struct conn *conn)
{
	const struct worker *worker = conn->worker;
	unsigned conns_max = worker->server->config->identity_conns_max;
	/* Trust may have changed while the client shook hands. */
	enum handshake_failure failure = peer_check(conn->peer, worker->trust->tls_ctx);

	if (failure != HANDSHAKE_FAILURE_COUNT) {
		turn_out(conn, failure);
		return false;
	}
	if (conns_max == 0)
		return true;
	conn->is_counted = peer_admit(conn->peer, conns_max);
	if (conn->is_counted)
		return true;
	conn_close(conn, CLOSE_IDENTITY_LIMIT);
	return false;
}

bool conn_is_aged(const struct conn *conn)
{
	uint64_t limit_ms = conn->worker->server->config->conn_age_max_ms;
	uint64_t age_ms = (conn->worker->loop.now_ns - conn->started_ns) / 1000000;
	/* Those that came together do not come again together. */
	uint64_t percent = 90 + (conn->slot + conn->started_ns / 1000000) % 21;
	return limit_ms > 0 && age_ms >= limit_ms * percent / 100;
}
