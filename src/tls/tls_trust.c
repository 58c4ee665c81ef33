/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of certificates: names, times, flaws; and whether our own chain can be trusted. */
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "base/utf8.h"
#include "tls/cert_text.h"
#include "tls/tls_ctx_private.h"

/* ---- Times and names ------------------------------------------------------------------------- */

int64_t tls_seconds_of(const ASN1_TIME *time)
{
	struct tm tm;
	return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

void tls_name_text(const X509_NAME *name, char out[TLS_NAME_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;
	if (bio != NULL &&
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_read(bio, out, TLS_NAME_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
	/* What a terminal would take for a command: C0, C1 (in UTF-8 \xc2 and \x80 to \x9f), and
	 * what is no UTF-8, the rest of a character that was cut off, too. */
	size_t len = strlen(out);
	for (size_t i = 0, bytes; i < len; i += bytes) {
		bytes = utf8_char_bytes(out + i, len - i);
		bool is_c1 = bytes == 2 && (unsigned char)out[i] == 0xc2 &&
			     (unsigned char)out[i + 1] < 0xa0;
		if (bytes == 0 || is_c1 || (unsigned char)out[i] < 0x20 || out[i] == 0x7f) {
			memset(out + i, '?', bytes > 0 ? bytes : 1);
			bytes = bytes > 0 ? bytes : 1;
		}
	}
}

void tls_note_expiry(struct tls_ctx *ctx, enum tls_expiry_of of, const char *path,
		     const X509_NAME *name, const ASN1_TIME *at)
{
	if (ctx->expiry_count == TLS_EXPIRIES_MAX)
		return;
	struct tls_expiry *expiry = &ctx->expiry[ctx->expiry_count++];
	*expiry = (struct tls_expiry){.of = of, .at = tls_seconds_of(at), .path = path};
	tls_name_text(name, expiry->subject);
}

void tls_note_cert(struct tls_ctx *ctx, enum tls_expiry_of of, const char *path, const X509 *cert)
{
	unsigned before = ctx->expiry_count;
	tls_note_expiry(ctx, of, path, X509_get_subject_name(cert), X509_get0_notAfter(cert));
	if (ctx->expiry_count == before)
		return;
	cert_text_serial(cert, ctx->expiry[before].serial, sizeof(ctx->expiry[before].serial));
}

bool tls_is_past(const ASN1_TIME *time)
{
	return X509_cmp_current_time(time) < 0;
}

/* ---- Flaws ----------------------------------------------------------------------------------- */

const struct tls_flaw_row *tls_flaw_row(enum tls_flaw_kind kind)
{
	static const struct tls_flaw_row rows[] = {TLS_FLAWS(TLS_FLAW_ROW)};

	must((unsigned)kind < ARRAY_LEN(rows));
	return &rows[kind];
}

void tls_flaw(struct tls_ctx *ctx, enum tls_flaw_kind kind, const char *format, ...)
{
	va_list args;

	ctx->flaws_of[kind]++;
	if (ctx->flaw_count == TLS_FLAWS_MAX)
		return;
	struct tls_flaw *flaw = &ctx->flaw[ctx->flaw_count++];
	flaw->kind = kind;
	va_start(args, format);
	vsnprintf(flaw->text, sizeof(flaw->text), format, args);
	va_end(args);
}

unsigned tls_ctx_flaws(const struct tls_ctx *ctx, const struct tls_flaw **flaws)
{
	*flaws = ctx->flaw;
	return ctx->flaw_count;
}

unsigned tls_ctx_flaws_of(const struct tls_ctx *ctx, enum tls_flaw_kind kind)
{
	return ctx->flaws_of[kind];
}

/* ---- Our own chain --------------------------------------------------------------------------- */

static bool issued(X509 *issuer, X509 *cert)
{
	return X509_check_issued(issuer, cert) == X509_V_OK &&
	       X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

const char *tls_trust_flaw_of_own(SSL_CTX *ssl_ctx)
{
	STACK_OF(X509) *chain = NULL;
	X509 *cert = SSL_CTX_get0_certificate(ssl_ctx);
	const char *what = NULL;

	SSL_CTX_get0_chain_certs(ssl_ctx, (void *)&chain);
	if (tls_is_past(X509_get0_notAfter(cert)))
		what = "the server certificate has expired; renew it";
	else if (!tls_is_past(X509_get0_notBefore(cert)))
		what = "the server certificate is not valid yet; see the clock of this machine";
	for (int i = 0; what == NULL && i < sk_X509_num(chain); i++) {
		X509 *issuer = sk_X509_value(chain, i);
		if (!issued(issuer, cert))
			what = "a certificate of the chain did not issue the one before it; the "
			       "server's own comes first, then that of its issuer, and so on";
		else if (tls_is_past(X509_get0_notAfter(issuer)))
			what = "a certificate of the chain has expired; renew it";
		cert = issuer;
	}
	ERR_clear_error();
	return what;
}

/* It comes from an intermediate CA that is known here, but not sent: clients that have only the
 * root would refuse it. */
static bool is_chain_lacking(const struct tls_ctx *ctx, const struct tls_certificate *own)
{
	STACK_OF(X509) *chain = NULL;
	X509 *cert = SSL_CTX_get0_certificate(own->holder);
	bool is_lacking = false;

	SSL_CTX_get0_chain_certs(own->holder, (void *)&chain);
	for (unsigned g = 0; sk_X509_num(chain) <= 0 && g < ctx->group_count; g++) {
		for (int i = 0; i < sk_X509_num(ctx->group[g].cas); i++) {
			X509 *ca = sk_X509_value(ctx->group[g].cas, i);
			is_lacking |=
				(X509_get_extension_flags(ca) & EXFLAG_SS) == 0 && issued(ca, cert);
		}
	}
	ERR_clear_error();
	return is_lacking;
}

void tls_trust_note_lacking_chain(struct tls_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->certificate_count; i++)
		if (is_chain_lacking(ctx, ctx->certificate[i]))
			tls_flaw(ctx, TLS_FLAW_CHAIN_LACKING,
				 "%.200s: the intermediate CA that issued this certificate is not "
				 "in the file, and is not sent; clients that do not have it refuse "
				 "the server: add it below the certificate",
				 ctx->certificate[i]->cert_file);
}
