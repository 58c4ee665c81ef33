/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/inspect_private.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/date.h"
#include "tls/alert.h"
#include "tls/cert_identity.h"
#include "tls/cert_text.h"
#include "tls/tls_groups.h"

/* ---- The chain ------------------------------------------------------------------------------- */

int inspect_verify_callback(int preverified, X509_STORE_CTX *store_ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct inspect *inspect = SSL_get_ex_data(ssl, handshake_ex_index());
	int error = X509_STORE_CTX_get_error(store_ctx);

	if (preverified == 1)
		return 1;
	if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		inspect->is_other_name = true;
	} else if (inspect->verify_error == X509_V_OK) {
		inspect->verify_error = error;
		inspect->verify_depth = X509_STORE_CTX_get_error_depth(store_ctx);
	}
	return 1;
}

static void note_cert(struct inspected_cert *out, X509 *cert)
{
	tls_name_text(X509_get_subject_name(cert), out->subject);
	tls_name_text(X509_get_issuer_name(cert), out->issuer);
	cert_text_serial(cert, out->serial, sizeof(out->serial));
	cert_text_key(cert, out->key, sizeof(out->key));
	cert_text_signature(cert, out->signature, sizeof(out->signature));
	out->not_before = tls_seconds_of(X509_get0_notBefore(cert));
	out->not_after = tls_seconds_of(X509_get0_notAfter(cert));
	if (cert_identity(cert, &out->names) < 0)
		out->names = NULL;
}

void inspect_note_chain(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(inspect->ssl);
	STACK_OF(X509) *verified = SSL_get0_verified_chain(inspect->ssl);
	int count = sk_X509_num(chain);

	inspection->chain_count = count > 0 ? (unsigned)count : 0;
	for (int i = 0; i < count && i < INSPECT_CERTS_MAX; i++)
		note_cert(&inspection->cert[inspection->cert_count++], sk_X509_value(chain, i));
	inspection->is_trusted = count > 0 && inspect->verify_error == X509_V_OK;
	inspection->is_named = count > 0 && !inspect->is_other_name;
	if (inspection->is_trusted && sk_X509_num(verified) > 0) {
		X509 *anchor = sk_X509_value(verified, sk_X509_num(verified) - 1);
		tls_name_text(X509_get_subject_name(anchor), inspection->anchor);
	}
}

/* ---- What was agreed on ---------------------------------------------------------------------- */

static void note_group(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;
	enum tls_group group = tls_groups_agreed(inspect->ssl);
	const char *name = group != TLS_GROUP_OTHER
				   ? tls_group_label(group)
				   : SSL_group_to_name(inspect->ssl,
						       (int)SSL_get_negotiated_group(inspect->ssl));
	snprintf(inspection->group, sizeof(inspection->group), "%s", name != NULL ? name : "");
}

static void note_cipher(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;
	const SSL_CIPHER *suite = SSL_get_current_cipher(inspect->ssl);
	const char *name = SSL_CIPHER_standard_name(suite); /* not OpenSSL's */

	if (name == NULL)
		name = SSL_CIPHER_get_name(suite);

	snprintf(inspection->cipher, sizeof(inspection->cipher), "%s", name);
	for (int i = 0; i < TLS_CIPHER_COUNT; i++)
		if (strcmp(name, tls_cipher_label((enum tls_cipher)i)) == 0)
			inspection->tls_cipher = (enum tls_cipher)i;
}

static void note_client_cas(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(inspect->ssl);
	int count = sk_X509_NAME_num(names);

	inspection->ca_count = count > 0 ? (unsigned)count : 0;
	for (int i = 0; i < count && i < INSPECT_CAS_MAX; i++)
		tls_name_text(sk_X509_NAME_value(names, i), inspection->ca[i]);
}

void inspect_note(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;
	const unsigned char *alpn;
	unsigned alpn_bytes;

	snprintf(inspection->version, sizeof(inspection->version), "%s",
		 SSL_get_version(inspect->ssl));
	note_cipher(inspect);
	note_group(inspect);
	SSL_get0_alpn_selected(inspect->ssl, &alpn, &alpn_bytes);
	/* One of those that were offered, or the server does not go by the book: no text of its. */
	bool is_ours =
		alpn_bytes == strlen("http/1.1") && memcmp(alpn, "http/1.1", alpn_bytes) == 0;
	snprintf(inspection->alpn, sizeof(inspection->alpn), "%s",
		 alpn_bytes == 0 ? ""
		 : is_ours       ? "http/1.1"
				 : "(one that was not offered)");
	inspect_note_chain(inspect);
	note_client_cas(inspect);
	ERR_clear_error();
}

/* ---- What is wrong --------------------------------------------------------------------------- */

void inspect_alert(struct inspect *inspect, int alert)
{
	struct inspection *inspection = inspect->inspection;
	char text[ALERT_NAME_MAX];
	const char *name = tls_alert_name((unsigned)alert, text);

	inspection->alert = alert;
	inspection->is_answered = true;
	switch (alert) {
	case ALERT_CERTIFICATE_REQUIRED:
		inspect_fail(inspection, INSPECT_ALERT,
			     "the server requires a client certificate (alert %s)%s", name,
			     inspect->own == NULL ? ": give --cert and --key" : "");
		return;
	case ALERT_UNRECOGNIZED_NAME:
		inspect_fail(inspection, INSPECT_ALERT,
			     "the server does not know the name %.100s (alert %s); --server-name "
			     "gives another",
			     inspect->plan->server_name, name);
		return;
	case ALERT_PROTOCOL_VERSION:
		inspect_fail(inspection, INSPECT_VERSION,
			     "the server speaks neither TLS 1.3 nor TLS 1.2 (alert %s)", name);
		return;
	default:
		break;
	}
	bool lacks_cert = inspection->is_cert_asked_for && inspect->own == NULL;
	inspect_fail(inspection, INSPECT_ALERT, "the server %s alert %s (%d)%s",
		     inspection->is_cert_shown ? "refuses the certificate of --cert by the"
					       : "ended the handshake by the",
		     name, alert,
		     lacks_cert ? "; it asks for a client certificate: give --cert and --key" : "");
}

/* The certificate that verifying stopped at, or the last that came. */
static const struct inspected_cert *cert_at(const struct inspection *inspection, int depth)
{
	unsigned at = depth >= 0 ? (unsigned)depth : 0;

	return &inspection->cert[at < inspection->cert_count ? at : inspection->cert_count - 1];
}

static void explain_trust(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;
	const struct inspected_cert *cert = cert_at(inspection, inspect->verify_depth);
	bool has_ca = inspect->plan->ca_file[0] != '\0';
	const char *cas = has_ca ? "--ca" : "this machine's CAs (--ca names others)";
	char *out = inspection->trust_error, date[DATE_BYTES];
	const size_t size = sizeof(inspection->trust_error);

	switch (inspect->verify_error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(out, size, "%s has expired, on %s", cert->subject,
			 date_format(cert->not_after, date));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(out, size, "%s is not valid before %s; see the clocks of both machines",
			 cert->subject, date_format(cert->not_before, date));
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(out, size, "%s is signed by itself, and is not among %s", cert->subject,
			 cas);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		snprintf(out, size, "the CA at the end of its chain, %s, is not among %s",
			 cert->subject, cas);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		snprintf(out, size,
			 "%s was issued by %s, which is neither among %s nor sent by the server",
			 cert->subject, cert->issuer, cas);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		snprintf(out, size, "%s is not for a server", cert->subject);
		break;
	default:
		snprintf(out, size, "%s: %s", cert->subject,
			 X509_verify_cert_error_string(inspect->verify_error));
	}
}

static void explain_name(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;
	const struct identity *names = inspection->cert[0].names;
	char list[256] = "";
	size_t used = 0;

	for (unsigned i = 0; names != NULL && i < names->count && used < sizeof(list); i++)
		if (names->name[i].kind == IDENTITY_DNS || names->name[i].kind == IDENTITY_IP)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%.*s",
						 used > 0 ? ", " : "", names->name[i].len,
						 identity_name_text(names, i));
	snprintf(inspection->name_error, sizeof(inspection->name_error),
		 "the certificate is for %s, not for %.100s; --server-name gives another name",
		 used > 0 ? list : "no name of a server", inspect->plan->server_name);
}

void inspect_judge(struct inspect *inspect)
{
	struct inspection *inspection = inspect->inspection;

	if (inspection->cert_count > 0 && !inspection->is_trusted)
		explain_trust(inspect);
	if (inspection->cert_count > 0 && !inspection->is_named)
		explain_name(inspect);
	/* A client of ours ends there, whatever the server thinks of it. */
	if (inspection->trust_error[0] != '\0')
		inspect_fail(inspection, INSPECT_UNTRUSTED, "certificate not trusted: %.500s",
			     inspection->trust_error);
	else if (inspection->name_error[0] != '\0')
		inspect_fail(inspection, INSPECT_OTHER_NAME, "name mismatch: %.500s",
			     inspection->name_error);
	else if (inspection->end == INSPECT_DONE && SSL_version(inspect->ssl) != TLS1_3_VERSION)
		inspect_fail(inspection, INSPECT_VERSION,
			     "the server does not offer TLS 1.3, which sluice needs, but %s",
			     inspection->version);
}
