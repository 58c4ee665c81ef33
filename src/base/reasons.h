/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reasons by which connections end, handshakes fail and kernel TLS is not
 * used. One row makes the enum, the label of the metric, the log text and its
 * level. R(ID, label, log level, sentence)
 */
#ifndef SLUICE_BASE_REASONS_H
#define SLUICE_BASE_REASONS_H

#define CLOSE_REASONS(R)                                                                           \
	R(CLIENT_DONE, "client_done", DEBUG, "the client closed the connection")                   \
	R(CLIENT_RESET, "client_reset", DEBUG, "the client reset the connection")                  \
	R(CLIENT_TRUNCATED, "client_truncated", INFO,                                              \
	  "the client closed the TCP connection without close_notify or inside a request")         \
	R(CLIENT_ALERT, "client_alert", INFO, "the client sent a fatal alert")                     \
	R(RESPONSE_SAID_CLOSE, "response_close", DEBUG,                                            \
	  "the response was the connection's last, as the client asked or the request required")   \
	R(BAD_REQUEST, "bad_request", INFO, "the framing of a request was not certain")            \
	R(HANDSHAKE_FAILED, "handshake_failed", INFO, "the handshake failed")                      \
	R(HANDSHAKE_TIMEOUT, "handshake_timeout", INFO,                                            \
	  "the handshake was not finished in --handshake-timeout")                                 \
	R(HEAD_TIMEOUT, "head_timeout", INFO, "a request head was not whole in --head-timeout")    \
	R(IDLE_TIMEOUT, "idle_timeout", DEBUG, "no request in --idle-timeout")                     \
	R(SLOW_READER, "slow_reader", INFO, "the client read slower than --min-rate")              \
	R(BODY_TIMEOUT, "body_timeout", INFO, "a request body did not arrive in time")             \
	R(DRAINED, "drained", DEBUG, "the server is stopping")                                     \
	R(DRAIN_TIMEOUT, "drain_timeout", WARN,                                                    \
	  "the server stopped before the response was done (--drain-timeout)")                     \
	R(FILE_TRUNCATED, "file_truncated", WARN, "the file became shorter while it was sent")     \
	R(FILE_ERROR, "file_error", ERROR, "the file could not be read")                           \
	R(DISK_TIMEOUT, "disk_timeout", ERROR, "the disk did not answer in time")                  \
	R(RECORD_BAD, "record_bad", INFO,                                                          \
	  "a record of the client could not be decrypted or parsed")                               \
	R(UNEXPECTED_RECORD, "unexpected_record", INFO,                                            \
	  "the client sent a record that has no place after the handshake")                        \
	R(KEYUPDATE_UNSUPPORTED, "keyupdate_unsupported", INFO,                                    \
	  "the client changed its traffic key, which this kernel cannot follow (needs Linux "      \
	  "6.14)")                                                                                 \
	R(KEYUPDATE_FLOOD, "keyupdate_flood", WARN, "the client sent too many KeyUpdates")         \
	R(RECORD_FLOOD, "record_flood", WARN, "the client sent too many empty records")            \
	R(RECORD_LIMIT, "record_limit", INFO,                                                      \
	  "the record limit of the AES-GCM key was reached and the key cannot be changed here")    \
	R(CERT_REVOKED, "certificate_revoked", INFO,                                               \
	  "the client's certificate was revoked while it was connected (--crl)")                   \
	R(CERT_DISTRUSTED, "certificate_distrusted", INFO,                                         \
	  "the client's certificate is not trusted any more (--client-ca, client_allowed_sans)")   \
	R(MAX_AGE, "max_age", DEBUG, "the connection was older than --max-connection-age")         \
	R(IDENTITY_LIMIT, "identity_limit", INFO,                                                  \
	  "the client has --max-connections-per-identity connections already")                     \
	R(KTLS_REQUIRED, "ktls_required", WARN,                                                    \
	  "kernel TLS could not be used and --tls-path=kernel allows nothing else")                \
	R(NO_MEMORY, "no_memory", ERROR, "no memory or no free buffer")                            \
	R(SEND_FAILED, "send_failed", INFO, "the socket failed while sending")                     \
	R(RECV_FAILED, "recv_failed", INFO, "the socket failed while receiving")                   \
	R(INTERNAL, "internal", ERROR, "an operation of the kernel failed unexpectedly")

#define HANDSHAKE_FAILURES(R)                                                                      \
	R(NO_CLIENT_CERT, "no_client_certificate", INFO, "the client sent no certificate")         \
	R(CERT_EXPIRED, "certificate_expired", INFO, "the client's certificate has expired")       \
	R(CERT_NOT_YET_VALID, "certificate_not_yet_valid", INFO,                                   \
	  "the client's certificate is not valid yet")                                             \
	R(CERT_UNKNOWN_CA, "unknown_ca", INFO,                                                     \
	  "the client's certificate was not issued by a CA of --client-ca")                        \
	R(CERT_WRONG_PURPOSE, "wrong_purpose", INFO,                                               \
	  "the client's certificate is not for client authentication")                             \
	R(CERT_REVOKED, "certificate_revoked", INFO,                                               \
	  "the client's certificate is revoked (--crl)")                                           \
	R(CRL_UNUSABLE, "crl_unusable", ERROR,                                                     \
	  "no current CRL covers the client's certificate (--crl)")                                \
	R(CERT_BAD, "bad_certificate", INFO, "the client's certificate could not be verified")     \
	R(CHAIN_TOO_LONG, "chain_too_long", INFO,                                                  \
	  "the client sent more than 8 certificates, or more than 64 KiB of them")                 \
	R(SAN_NOT_ALLOWED, "san_not_allowed", INFO,                                                \
	  "no name of the client's certificate is in client_allowed_sans")                         \
	R(NAME_NOT_VOUCHED, "name_not_vouched", INFO,                                              \
	  "the client's CA may not vouch for any name of its certificate (client_cas)")            \
	R(IDENTITY_BAD, "identity_bad", INFO,                                                      \
	  "the client's certificate names cannot be used as an identity")                          \
	R(NOT_TLS, "not_tls", INFO, "the client did not speak TLS")                                \
	R(PLAIN_HTTP, "plain_http", INFO, "the client spoke plain HTTP on a TLS port")             \
	R(VERSION, "protocol_version", INFO, "the client does not offer TLS 1.3")                  \
	R(NO_SHARED_CIPHER, "no_shared_cipher", INFO,                                              \
	  "the client offers no cipher that is allowed")                                           \
	R(NO_SHARED_GROUP, "no_shared_group", INFO,                                                \
	  "the client offers no key exchange group that is allowed")                               \
	R(NO_SHARED_SIGNATURE, "no_shared_signature_algorithm", INFO,                              \
	  "the client takes no signature algorithm of the server's certificate")                   \
	R(CLIENT_ALERT, "client_alert", INFO, "the client ended the handshake with an alert")      \
	R(CLIENT_CLOSED, "client_closed", INFO, "the client closed inside the handshake")          \
	R(TIMEOUT, "timeout", INFO, "the handshake was not finished in --handshake-timeout")       \
	R(PROTOCOL, "protocol_error", INFO, "the client broke the handshake protocol")             \
	R(NOT_FINISHED, "not_finished", ERROR,                                                     \
	  "the TLS library ended a handshake that is not finished, or not TLS 1.3")                \
	R(CIPHER_UNKNOWN, "cipher_unknown", ERROR,                                                 \
	  "the TLS library chose a cipher suite that was not allowed")                             \
	R(NO_SECRETS, "no_secrets", ERROR,                                                         \
	  "the TLS library did not tell the traffic secrets, or not whole")                        \
	R(BYTES_PENDING, "bytes_pending", ERROR,                                                   \
	  "the TLS library holds bytes of the peer that came after the handshake")                 \
	R(NOT_VERIFIED, "not_verified", ERROR,                                                     \
	  "the TLS library ended a handshake without a verified certificate")                      \
	R(NO_IDENTITY, "no_identity", ERROR,                                                       \
	  "the TLS library ended a handshake without the client's identity")                       \
	R(INTERNAL, "internal", ERROR, "the handshake failed inside the TLS library")

/* Why a direction of a connection is served by userspace TLS. */
#define FALLBACK_REASONS(R)                                                                        \
	R(CONFIGURED, "configured", DEBUG, "--tls-path=user")                                      \
	R(NO_ULP, "no_ulp", DEBUG,                                                                 \
	  "the kernel has no TLS ULP (module tls not loaded, or not built)")                       \
	R(CIPHER, "cipher", INFO, "the kernel cannot do this cipher in this direction")            \
	R(INSTALL_FAILED, "install_failed", WARN, "the kernel refused the keys")

#define REASON_ENUM_CLOSE(id, ...)     CLOSE_##id,
#define REASON_ENUM_HANDSHAKE(id, ...) HANDSHAKE_##id,
#define REASON_ENUM_FALLBACK(id, ...)  FALLBACK_##id,

enum close_reason { CLOSE_REASONS(REASON_ENUM_CLOSE) CLOSE_REASON_COUNT };
enum handshake_failure { HANDSHAKE_FAILURES(REASON_ENUM_HANDSHAKE) HANDSHAKE_FAILURE_COUNT };
enum fallback_reason {
	FALLBACK_REASONS(REASON_ENUM_FALLBACK) FALLBACK_REASON_COUNT,
	FALLBACK_NONE = FALLBACK_REASON_COUNT /* kernel TLS is used */
};

/* One row of a table above. level is an enum log_level. */
struct reason {
	const char *label;
	int level;
	const char *sentence;
};

/* The rows; the argument must be in range (FALLBACK_NONE is not a row). Never NULL. */
const struct reason *close_reason_row(enum close_reason reason);
const struct reason *handshake_failure_row(enum handshake_failure failure);
const struct reason *fallback_reason_row(enum fallback_reason reason);

#endif
