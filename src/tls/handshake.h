/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mutual TLS 1.3 handshake of one connection, by OpenSSL on a plain socket,
 * and its end: traffic keys go into the kernel or into a userspace record layer,
 * and everything of OpenSSL is freed.
 *
 *   accept  \
 *            -> handshake_new -> handshake_step ... -> handshake_finish -> struct record
 *   connect /
 *
 * The context says which side this is. A server takes the client's identity; a
 * client verifies the server's chain and name, and knows no identities.
 *
 * Owns the SSL object and the traffic secrets until then. Borrows the socket.
 */
#ifndef SLUICE_TLS_HANDSHAKE_H
#define SLUICE_TLS_HANDSHAKE_H

#include "base/ciphers.h"
#include "base/data_path.h"
#include "base/reasons.h"
#include "tls/ktls_probe.h"
#include "tls/peer.h"
#include "tls/record.h"
#include "tls/tls_ctx.h"

struct cert_note;
struct handshake;

/* How connections are to go on after their handshake; outlives them. */
struct handshake_plan {
	enum tls_path tls_path;
	const struct ktls_caps *caps;
	const struct ktls_sys *sys;
	struct metrics *metrics;
	struct pool *rx_bufs;
	struct peers *peers; /* of a server */
	uint64_t records_per_key;
};

/*
 * sock_fd: connected, non-blocking. NULL: no memory.
 *
 * Where the plan wants the kernel, the TLS ULP is attached here already: Linux attaches it in the
 * state ESTABLISHED only, and a client may close its side right behind its first request, before
 * its Finished has been looked at. Until a key is installed the socket goes on as plain TCP.
 */
struct handshake *handshake_new(struct tls_ctx *ctx, const struct handshake_plan *plan,
				int sock_fd);
/* Wipes and frees; NULL is fine. */
void handshake_free(struct handshake *handshake);

/*
 * Goes on as far as the socket allows. 0: done; -EAGAIN: wait for handshake_wants(); -EPROTO: it
 * failed, handshake_failure says why and the alert has been given to the socket.
 */
int handshake_step(struct handshake *handshake);
/* POLLIN or POLLOUT, after -EAGAIN. */
short handshake_wants(const struct handshake *handshake);
enum handshake_failure handshake_failure(const struct handshake *handshake);
/* The library's or the verifier's own words, for the log; never NULL. */
const char *handshake_failure_text(const struct handshake *handshake);
/* After a failure: the client's certificate, whatever became of it. False: it has shown none. */
bool handshake_shown_cert(const struct handshake *handshake, struct cert_note *note);
/* The alert of the peer, and ours: enum tls_alert, ALERT_NONE: there was none. */
unsigned handshake_alert_received(const struct handshake *handshake);
unsigned handshake_alert_sent(const struct handshake *handshake);
/* On a client: the server's certificate is good, but has another name or address. */
bool handshake_is_name_mismatch(const struct handshake *handshake);
/* With HANDSHAKE_PLAIN_HTTP: the first bytes of the request, "GET /" or "DELET". */
const char *handshake_greeting(const struct handshake *handshake);

struct handshake_outcome {
	struct peer *peer; /* the caller's, peer_release; NULL on a client, or after a failure */
	enum tls_cipher cipher;
	enum tls_group group;             /* TLS_GROUP_OTHER: none of ours */
	enum fallback_reason fallback_tx; /* FALLBACK_NONE: kernel TLS */
	enum fallback_reason fallback_rx;
	int install_errno; /* with FALLBACK_INSTALL_FAILED */
};

/*
 * After handshake_step returned 0: fills record and outcome. The handshake may then be freed.
 * 0; -EOPNOTSUPP: --tls-path=kernel and one direction cannot (outcome's fallbacks say why);
 * -EPROTO: a condition of tls/takeover.h does not hold, handshake_failure says which; -ENOMEM,
 * -EIO. On failure record needs no record_fini.
 */
int handshake_finish(struct handshake *handshake, struct record *record,
		     struct handshake_outcome *outcome);

#endif
