/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/cert_note.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls/cert_identity.h"
#include "tls/cert_text.h"
#include "tls/tls_ctx_private.h"

void cert_note_take(struct cert_note *note, const X509 *cert)
{
	struct identity *identity = NULL;
	struct tm tm;

	*note = (struct cert_note){0};
	tls_name_text(X509_get_subject_name(cert), note->subject);
	tls_name_text(X509_get_issuer_name(cert), note->issuer);
	cert_text_serial(cert, note->serial, sizeof(note->serial));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1)
		date_format(timegm(&tm), note->not_after);
	if (cert_identity((X509 *)cert, &identity) == 0)
		identity_format(identity, note->identity, sizeof(note->identity));
	identity_free(identity);
	ERR_clear_error();
}
