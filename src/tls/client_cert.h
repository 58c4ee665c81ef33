/* SPDX-License-Identifier: Apache-2.0 */
/* A client's certificate in a file, judged as a handshake would judge it. */
#ifndef SLUICE_TLS_CLIENT_CERT_H
#define SLUICE_TLS_CLIENT_CERT_H

#include "access/identity.h"
#include "config/tls_settings.h"

/*
 * The identity of the leaf, the first certificate of a PEM file; what follows it is its chain.
 * Where settings name client CAs, CRLs and client_allowed_sans, they must let it in. 0 and
 * *identity (the caller's, identity_free); or, with one line in error: -EINVAL: a file cannot be
 * read, or the names are none; -EACCES: it would be refused.
 */
int client_cert_identity(const struct tls_settings *settings, const char *file,
			 struct identity **identity, char error[ERROR_TEXT_MAX]);

#endif
