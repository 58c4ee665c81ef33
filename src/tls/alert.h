/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts by their names (RFC 8446 section 6). */
#ifndef SLUICE_TLS_ALERT_H
#define SLUICE_TLS_ALERT_H

/* A(ID, number, name) */
#define TLS_ALERTS(A)                                                                              \
	A(CLOSE_NOTIFY, 0, "close_notify")                                                         \
	A(UNEXPECTED_MESSAGE, 10, "unexpected_message")                                            \
	A(BAD_RECORD_MAC, 20, "bad_record_mac")                                                    \
	A(RECORD_OVERFLOW, 22, "record_overflow")                                                  \
	A(HANDSHAKE_FAILURE, 40, "handshake_failure")                                              \
	A(BAD_CERTIFICATE, 42, "bad_certificate")                                                  \
	A(UNSUPPORTED_CERTIFICATE, 43, "unsupported_certificate")                                  \
	A(CERTIFICATE_REVOKED, 44, "certificate_revoked")                                          \
	A(CERTIFICATE_EXPIRED, 45, "certificate_expired")                                          \
	A(CERTIFICATE_UNKNOWN, 46, "certificate_unknown")                                          \
	A(ILLEGAL_PARAMETER, 47, "illegal_parameter")                                              \
	A(UNKNOWN_CA, 48, "unknown_ca")                                                            \
	A(ACCESS_DENIED, 49, "access_denied")                                                      \
	A(DECODE_ERROR, 50, "decode_error")                                                        \
	A(DECRYPT_ERROR, 51, "decrypt_error")                                                      \
	A(PROTOCOL_VERSION, 70, "protocol_version")                                                \
	A(INSUFFICIENT_SECURITY, 71, "insufficient_security")                                      \
	A(INTERNAL_ERROR, 80, "internal_error")                                                    \
	A(INAPPROPRIATE_FALLBACK, 86, "inappropriate_fallback")                                    \
	A(USER_CANCELED, 90, "user_canceled")                                                      \
	A(MISSING_EXTENSION, 109, "missing_extension")                                             \
	A(UNSUPPORTED_EXTENSION, 110, "unsupported_extension")                                     \
	A(UNRECOGNIZED_NAME, 112, "unrecognized_name")                                             \
	A(BAD_CERTIFICATE_STATUS_RESPONSE, 113, "bad_certificate_status_response")                 \
	A(UNKNOWN_PSK_IDENTITY, 115, "unknown_psk_identity")                                       \
	A(CERTIFICATE_REQUIRED, 116, "certificate_required")                                       \
	A(NO_APPLICATION_PROTOCOL, 120, "no_application_protocol")

#define TLS_ALERT_ENUM(id, number, name) ALERT_##id = (number),

/* ALERT_NONE is no alert: the wire has eight bits for one. */
enum tls_alert { TLS_ALERTS(TLS_ALERT_ENUM) ALERT_NONE = 256 };

#define ALERT_NAME_MAX 48

/* The name, or "alert_" and the number; in out where it must be made. Never NULL. */
const char *tls_alert_name(unsigned alert, char out[ALERT_NAME_MAX]);

#endif
