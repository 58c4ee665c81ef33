/* SPDX-License-Identifier: Apache-2.0 */
/* What the log and the request metrics say of a connection. */
#ifndef SLUICE_SERVER_ACCESS_LOG_H
#define SLUICE_SERVER_ACCESS_LOG_H

#include "server/conn.h"

/* One line a request, and its metrics. cut: why the response did not end, NULL: it did. */
void access_log_request(struct conn *conn, const char *cut);
/* The end of a connection; its level is the reason's. */
void access_log_close(struct conn *conn, enum close_reason why);
void access_log_handshake_failure(struct conn *conn, enum handshake_failure failure);
/* Why a direction is not served by the kernel; nothing when both are. */
void access_log_fallback(struct conn *conn, const struct handshake_outcome *outcome);

#endif
