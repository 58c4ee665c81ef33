/* SPDX-License-Identifier: Apache-2.0 */
/* What a log says of a certificate: text without control bytes, cut to its place. */
#ifndef SLUICE_TLS_CERT_NOTE_H
#define SLUICE_TLS_CERT_NOTE_H

#include "base/date.h"
#include "base/limits.h"

struct cert_note {
	char subject[TLS_NAME_MAX]; /* as RFC 2253 writes it */
	char issuer[TLS_NAME_MAX];
	char identity[IDENTITY_TEXT_MAX]; /* as access rules know it; "": its names make none */
	char serial[TLS_SERIAL_MAX];
	char not_after[DATE_BYTES]; /* RFC 3339, UTC */
};

struct x509_st; /* X509 of OpenSSL, which the log does not see */
void cert_note_take(struct cert_note *note, const struct x509_st *cert);

#endif
