/* SPDX-License-Identifier: Apache-2.0 */
/* Between session.c, session_receive.c and client.c. */
#ifndef SLUICE_CLIENT_SESSION_PRIVATE_H
#define SLUICE_CLIENT_SESSION_PRIVATE_H

#include "client/session.h"

/* What one receive may bring; a whole record, and with kernel TLS sixteen of them for one call. The
 * half of an L2 cache. */
#define SESSION_SCRATCH_BYTES ((size_t)256 * 1024)

/* -EIO with .failure and .failure_text. */
int session_fail(struct session *session, enum session_failure failure, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The record layer failed with this error, and record.why. */
int session_record_failed(struct session *session, int error);
/* The response, as far as it has come. 0: whole; -EAGAIN; -EIO. */
int session_receive(struct session *session);

#endif
