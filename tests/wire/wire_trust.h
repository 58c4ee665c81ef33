/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server whose certificates, CAs, CRLs and rules are files of the test's own, to be replaced
 *while it runs.
 *
 *	struct wire_trust trust;
 *	wire_trust_start(&trust, &server);
 *	wire_trust_put(&trust, "clients.crl", "ca.crl", NULL);
 *	wire_trust_reloaded(&trust, 1);
 */
#ifndef SLUICE_TESTS_WIRE_TRUST_H
#define SLUICE_TESTS_WIRE_TRUST_H

#include "wire/wire_client.h"

struct wire_trust {
	struct wire_server *server;
	char dir[PATH_MAX / 2];   /* server.crt, server.key, clients.crt, clients.crl, sluice.yml */
	char option[5][PATH_MAX]; /* of the server's command line */
};

/* Makes the files: the usual certificate and CA, the list that revokes nobody, a configuration in
 * which everybody may do everything; and starts the server with them. */
void wire_trust_start(struct wire_trust *trust, struct wire_server *server);
/* The same in two steps, for a test that has other files. With server->has_client_cas the server is
 * not given clients.crt and clients.crl. */
void wire_trust_prepare(struct wire_trust *trust, struct wire_server *server);
void wire_trust_serve(struct wire_trust *trust);

/* Puts a file in its place by a rename: the parts, names of files of wire_certs.h, one behind the
 * other (up to NULL). */
void wire_trust_put(struct wire_trust *trust, const char *name, ...) __attribute__((sentinel));
/* The same for text. */
void wire_trust_write(struct wire_trust *trust, const char *name, const char *text);
/* The pair NAME.crt, NAME.key of wire_certs.h becomes the server's, the certificate first. */
void wire_trust_pair(struct wire_trust *trust, const char *name);

/* Waits until so many reloads since the start have been taken up, or refused. */
void wire_trust_reloaded(struct wire_trust *trust, uint64_t count);
/* Taken up in part: so often at least. */
void wire_trust_partial(struct wire_trust *trust, uint64_t count);
void wire_trust_refused(struct wire_trust *trust, uint64_t count);

/* The common name of the certificate that the server has shown. */
const char *wire_server_name(struct wire_client *client, char out[64]);

#endif
