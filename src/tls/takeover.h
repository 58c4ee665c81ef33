/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold before a record layer of ours takes over from the TLS library:
 * judged from facts alone, so that each condition can be seen to fail. None of
 * them is a client's to break as long as the library does what it promises; each
 * has a reason of its own, so that a log says which promise it was.
 */
#ifndef SLUICE_TLS_TAKEOVER_H
#define SLUICE_TLS_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ciphers.h"
#include "base/reasons.h"

struct takeover {
	bool is_tls13;
	bool is_finished;           /* both Finished have been exchanged */
	const char *suite;          /* as RFC 8446 names it; NULL: none */
	size_t client_secret_bytes; /* that came through the key log; 0: none */
	size_t server_secret_bytes;
	bool has_pending;  /* bytes of the peer's are inside the library, and would be lost with it
			    */
	bool is_verified;  /* the peer has shown a certificate, and its chain is good */
	bool has_identity; /* of that certificate, on a server */
	bool is_client;    /* which knows no identities */
};

/* HANDSHAKE_FAILURE_COUNT: all of it holds, and *ret_cipher is set; else the first that does not.
 */
enum handshake_failure takeover_judge(const struct takeover *facts, enum tls_cipher *ret_cipher);

#endif
