/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server's TLS goes by: its certificates, the client CAs that it trusts, and ciphers. The
 * part of the configuration that tls/ sees (tls_server_config and client_cas of the file).
 */
#ifndef SLUICE_CONFIG_TLS_SETTINGS_H
#define SLUICE_CONFIG_TLS_SETTINGS_H

#include <limits.h>
#include <stdbool.h>

#include "access/client_ca.h"
#include "base/ciphers.h"
#include "base/groups.h"
#include "base/limits.h"

/* A certificate of the server with its chain, and its key. */
struct tls_certificate_files {
	char cert_file[PATH_MAX];
	char key_file[PATH_MAX];
};

struct tls_settings {
	char cert_file[PATH_MAX];
	char key_file[PATH_MAX];
	/* Instead of these two: several, of which the name that a client asks for chooses one; the
	 * first is for those that ask for none of their names. */
	struct tls_certificate_files *certificates;
	unsigned certificate_count;
	/* PEM text in the configuration itself, where the file of it is not named; NULL: none. */
	char *cert_text;
	char *key_text; /* wiped when it is freed */
	char *client_ca_text;
	char text_file[PATH_MAX]; /* where these stand, for messages */
	char client_ca_file[PATH_MAX];
	char crl_file[PATH_MAX];     /* "" = none */
	struct client_ca *client_ca; /* client_cas, in the place of client_ca_file; NULL: none */
	unsigned client_ca_count;
	enum tls_cipher ciphers[TLS_CIPHER_COUNT];
	unsigned cipher_count;
	bool ciphers_are_named;   /* false: they are the default */
	bool prefers_own_ciphers; /* their order counts, not that of the client */
	unsigned groups;          /* that are allowed, 1 << enum tls_group; 0: the default */
	char *allowed_sans[ALLOWED_SANS_MAX]; /* client_allowed_sans: exact match of one SAN; 0 =
						 any */
	unsigned allowed_san_count;
};

void tls_settings_fini(struct tls_settings *settings);
/* Wipes and frees a PEM text; *text is NULL then. */
void tls_settings_text_free(char **text);

/* The server's certificates: those of certificates, or the one of cert_file, or none. */
unsigned tls_settings_certificate_count(const struct tls_settings *settings);
/* The files of certificate i, 0 the default, "": it is in the configuration itself (cert_text,
 * key_text); they live as long as settings. */
const char *tls_settings_cert_file(const struct tls_settings *settings, unsigned i);
const char *tls_settings_key_file(const struct tls_settings *settings, unsigned i);
/* Where the configuration has a PEM text: "FILE: KEY"; for messages, metrics and log. */
void tls_settings_text_place(const struct tls_settings *settings, const char *key,
			     char out[PATH_MAX]);

#endif
