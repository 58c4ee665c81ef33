/* SPDX-License-Identifier: Apache-2.0 */
/* Between inspect.c, which talks, and inspect_note.c, which notes what was said. */
#ifndef SLUICE_TLS_INSPECT_PRIVATE_H
#define SLUICE_TLS_INSPECT_PRIVATE_H

#include <openssl/ssl.h>

#include "tls/inspect.h"
#include "tls/tls_ctx_private.h"

struct inspect {
	const struct inspect_plan *plan;
	struct inspection *inspection;
	SSL_CTX *ssl_ctx;
	SSL *ssl;
	SSL_CTX *own;     /* holds our certificate; NULL: none */
	int verify_error; /* the first but for the name; X509_V_OK */
	int verify_depth;
	bool is_other_name;
};

/* ---- inspect.c ---- */

void inspect_fail(struct inspection *inspection, enum inspect_end end, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- inspect_note.c ---- */

/* Notes what is wrong with the chain, and lets the handshake go on. */
int inspect_verify_callback(int preverified, X509_STORE_CTX *store_ctx);
/* The server has ended it by this alert. */
void inspect_alert(struct inspect *inspect, int alert);
/* Of a handshake that is done: everything; of one that is not: the chain, if it came. */
void inspect_note(struct inspect *inspect);
void inspect_note_chain(struct inspect *inspect);
/* What of the server a client of ours would not take. */
void inspect_judge(struct inspect *inspect);

#endif
