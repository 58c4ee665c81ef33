/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM files of an operator: certificates, keys, revocation lists. What cannot be used is refused in
 * one line that says what the file is instead, where it is damaged, and what to do: the library's
 * "no start line" says none of that.
 *
 * A file is read once and as a whole, so a pipe will do, and what is explained is what was read. A
 * block that the library would pass over in silence, because its BEGIN does not start the line, is
 * refused as well: it may be a CA, or the first certificate of a chain.
 */
#ifndef SLUICE_TLS_PEM_H
#define SLUICE_TLS_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "base/limits.h"

enum pem_kind { PEM_CERT, PEM_KEY, PEM_CRL };

/* What the file is for, in the words of the command that names it. */
struct pem_wanted {
	enum pem_kind kind;
	const char *what;   /* "the server certificate" */
	const char *option; /* "--cert" */
	/* ERROR_TEXT_MAX bytes, or NULL: of what was read one line on the first block of another
	 * kind that is not, and that somebody may believe to be in force; "": there is none. */
	char *ignored;
	/* NULL, or what is read in place of the file, whose name is then where the text is. */
	const char *text;
};

/* Every certificate of the file, at least one; their keys belong to the context of all handshakes
 * (tls_library). NULL: one line in error. */
STACK_OF(X509) * pem_read_certs(const char *file, const struct pem_wanted *wanted,
				char error[ERROR_TEXT_MAX]);
/* Every list of the file, at least one. NULL: one line in error. */
STACK_OF(X509_CRL) * pem_read_crls(const char *file, const struct pem_wanted *wanted,
				   char error[ERROR_TEXT_MAX]);
/* Those of the file's lists that can be read, of a file that cannot be read as a whole. NULL: none.
 */
STACK_OF(X509_CRL) * pem_salvage_crls(const char *file);
/* The first key of the file, without a passphrase. The bytes that were read are wiped. NULL: one
 * line in error. */
EVP_PKEY *pem_read_key(const char *file, const struct pem_wanted *wanted,
		       char error[ERROR_TEXT_MAX]);

/* ---- pem_explain.c --------------------------------------------------------------------------- */

struct pem_text {
	const char *at;
	size_t len;
};

/* The next block that is labelled as one of this kind, up to the next BEGIN; *rest moves behind it.
 * False: there is none. */
bool pem_next_block(struct pem_text *rest, enum pem_kind kind, struct pem_text *block);

/* Why the library cannot make the kind of it, or nothing that it would use all of it. True: why (no
 * longer than ERROR_TEXT_MAX / 2) says it. Empties the library's error queue. */
bool pem_explain(const struct pem_text *text, enum pem_kind kind, char why[ERROR_TEXT_MAX / 2]);
/* A block that says something, and is not of the kind: a list among CAs, a request, PKCS #7. Keys
 * beside certificates, parameters and the like are as usual. True: why says which. */
bool pem_find_ignored(const struct pem_text *text, enum pem_kind kind,
		      char why[ERROR_TEXT_MAX / 2]);
/* pem_scan.c: only what the library passes over without a word, parts that nothing would read. */
bool pem_explain_misplaced(const struct pem_text *text, char why[ERROR_TEXT_MAX / 2]);

#endif
