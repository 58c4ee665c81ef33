/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sees of a TLS server, whoever wrote it: one handshake on a connected socket, with
 * everything noted and nothing sent but what TLS says. It goes on where a client would give up (a
 * chain that is not trusted, another name, TLS 1.2), so that all of it is seen, but shows its own
 * certificate to a server that is trusted alone.
 *
 * In TLS 1.3 a client is done before the server has looked at its certificate: what the server
 * makes of it comes after the handshake. So we say close_notify, and read until the server ends.
 */
#ifndef SLUICE_TLS_INSPECT_H
#define SLUICE_TLS_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "access/identity.h"
#include "base/ciphers.h"
#include "base/groups.h"
#include "base/limits.h"

#define INSPECT_CERTS_MAX 8 /* of a chain; more are counted only */
#define INSPECT_CAS_MAX   8 /* that the server names for clients */

struct inspect_plan {
	int sock_fd;             /* connected, non-blocking; the caller's */
	const char *server_name; /* DNS name or address that the certificate must be for */
	const char *ca_file;     /* "": the CAs of this machine */
	const char *cert_file;   /* "": none is shown */
	const char *key_file;
	uint64_t until_ms; /* of clock_now_ms: all of it */
};

enum inspect_end {
	INSPECT_DONE,       /* the handshake, and nothing against it on either side */
	INSPECT_FILES,      /* a file of ours cannot be used */
	INSPECT_TIMEOUT,    /* no answer */
	INSPECT_NOT_TLS,    /* something else speaks there */
	INSPECT_CLOSED,     /* in the middle of the handshake */
	INSPECT_ALERT,      /* the server's, in .alert */
	INSPECT_UNTRUSTED,  /* its chain */
	INSPECT_OTHER_NAME, /* the certificate is trusted, and for another server */
	INSPECT_VERSION,    /* TLS 1.2 only */
	INSPECT_PROTOCOL,   /* what came breaks the protocol */
	INSPECT_LOCAL       /* no memory */
};

struct inspected_cert {
	char subject[TLS_NAME_MAX];
	char issuer[TLS_NAME_MAX];
	char serial[41];
	char key[48];       /* "EC P-256", "RSA 2048" */
	char signature[48]; /* "ecdsa-with-SHA256" */
	int64_t not_before; /* seconds since 1970 */
	int64_t not_after;
	struct identity *names; /* NULL: they cannot be read */
};

struct inspection {
	enum inspect_end end;
	char error[ERROR_TEXT_MAX]; /* one line: what fails; "": nothing */
	int alert;                  /* of the server, or -1 */

	bool is_established; /* the handshake: what follows is known */
	uint64_t handshake_ns;
	char version[16]; /* "TLSv1.3" */
	char cipher[64];
	enum tls_cipher tls_cipher; /* TLS_CIPHER_COUNT: none of ours */
	char group[48];             /* by our label, or the library's; "": none */
	char alpn[32];              /* "": none was chosen */

	unsigned chain_count; /* certificates that came */
	unsigned cert_count;  /* of them, in cert[], the server's own first */
	struct inspected_cert cert[INSPECT_CERTS_MAX];
	bool is_trusted;
	char anchor[TLS_NAME_MAX];        /* then, the CA at the end of the chain */
	char trust_error[ERROR_TEXT_MAX]; /* else why not */
	bool is_named;                    /* the certificate is for server_name */
	char name_error[ERROR_TEXT_MAX];  /* else whom it is for */

	bool is_cert_asked_for;
	unsigned ca_count; /* CAs that the server names for clients */
	char ca[INSPECT_CAS_MAX][TLS_NAME_MAX];
	bool is_cert_shown;
	bool is_answered; /* the server has ended the connection after it, or sent something: it has
			     seen the certificate */
	struct identity *identity; /* of cert_file, as a sluice server has it; NULL: none, or none
				      that it would take */
};

/* Waits up to plan->until_ms. What was seen is in *inspection, whatever end is. */
void inspect_run(const struct inspect_plan *plan, struct inspection *inspection);
void inspect_fini(struct inspection *inspection);

#endif
