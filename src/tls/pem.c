/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/pem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file_bytes.h"
#include "tls/tls_library.h"

/* ---- The file -------------------------------------------------------------------------------- */

static void refuse(const char *file, const struct pem_wanted *wanted, const char *why,
		   char error[ERROR_TEXT_MAX])
{
	snprintf(error, ERROR_TEXT_MAX, "%.200s: cannot read %s (%s): %s", file, wanted->what,
		 wanted->option, why);
	ERR_clear_error();
}

static const char *advice_of(int error)
{
	switch (error) {
	case EACCES:
		return "; the user that runs sluice must be able to read it, and to enter its "
		       "folders";
	case EISDIR:
		return "; name a file in it";
	case ETIMEDOUT:
		return "; it is a pipe, and who writes to it does not come to an end";
	default:
		return "";
	}
}

static void note_ignored(const struct pem_text *text, const char *file,
			 const struct pem_wanted *wanted)
{
	char why[ERROR_TEXT_MAX / 2];

	if (wanted->ignored == NULL)
		return;
	wanted->ignored[0] = '\0';
	if (pem_find_ignored(text, wanted->kind, why))
		snprintf(wanted->ignored, ERROR_TEXT_MAX, "%.200s: %s", file, why);
}

/* 0, or -EINVAL with one line in error. */
static int file_read(struct file_bytes *bytes, const char *file, const struct pem_wanted *wanted,
		     char error[ERROR_TEXT_MAX])
{
	char why[ERROR_TEXT_MAX / 2];
	int r = wanted->text != NULL ? file_bytes_copy(bytes, wanted->text)
				     : file_bytes_read(bytes, file, PEM_BYTES_MAX + 1);

	if (r == 0 && bytes->len > PEM_BYTES_MAX)
		r = -EFBIG;
	if (r < 0) {
		snprintf(why, sizeof(why), "%s%s", strerrordesc_np(-r), advice_of(-r));
		refuse(file, wanted, why, error);
	} else {
		const struct pem_text text = {bytes->at, bytes->len};
		if (!pem_explain_misplaced(&text, why)) {
			note_ignored(&text, file, wanted);
			return 0;
		}
		refuse(file, wanted, why, error);
	}
	file_bytes_fini(bytes);
	return -EINVAL;
}

/* The library has refused it. */
static void explain(const struct file_bytes *bytes, const char *file,
		    const struct pem_wanted *wanted, char error[ERROR_TEXT_MAX])
{
	const struct pem_text text = {bytes->at, bytes->len};
	char why[ERROR_TEXT_MAX / 2];
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	/* Not to be seen but for lack of memory, or something that nobody has thought of. */
	if (!pem_explain(&text, wanted->kind, why))
		snprintf(why, sizeof(why), "OpenSSL refuses it%s%s", reason != NULL ? ": " : "",
			 reason != NULL ? reason : "");
	refuse(file, wanted, why, error);
}

/* ---- What is in it --------------------------------------------------------------------------- */

/* Was the end of the file all that the library found at last? */
static bool is_at_end(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static STACK_OF(X509) * certs_of(BIO *bio)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *cert = NULL;
	bool is_whole = certs != NULL;

	while (is_whole && (cert = X509_new_ex(tls_library(), NULL)) != NULL) {
		if (PEM_read_bio_X509_AUX(bio, &cert, NULL, NULL) == NULL) {
			X509_free(cert);
			break;
		}
		/* What a TRUSTED CERTIFICATE says of its use is not ours: it would end a chain. */
		X509_trust_clear(cert);
		X509_reject_clear(cert);
		is_whole = sk_X509_push(certs, cert) > 0;
	}
	if (is_whole && cert != NULL && is_at_end() && sk_X509_num(certs) > 0)
		return certs;
	sk_X509_pop_free(certs, X509_free);
	return NULL;
}

static STACK_OF(X509_CRL) * crls_of(BIO *bio)
{
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	X509_CRL *crl = NULL;
	bool is_whole = crls != NULL;

	while (is_whole && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL)
		is_whole = sk_X509_CRL_push(crls, crl) > 0;
	if (is_whole && is_at_end() && sk_X509_CRL_num(crls) > 0)
		return crls;
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return NULL;
}

/* Keys with a passphrase are refused: nobody is there to be asked. */
static int no_passphrase(char *out, int size, int for_writing, void *arg)
{
	(void)out;
	(void)size;
	(void)for_writing;
	(void)arg;
	return -1;
}

STACK_OF(X509) * pem_read_certs(const char *file, const struct pem_wanted *wanted,
				char error[ERROR_TEXT_MAX])
{
	struct file_bytes bytes = {0};

	if (file_read(&bytes, file, wanted, error) < 0)
		return NULL;
	ERR_clear_error();
	BIO *bio = BIO_new_mem_buf(bytes.at, (int)bytes.len);
	STACK_OF(X509) *certs = bio != NULL ? certs_of(bio) : NULL;
	if (certs == NULL)
		explain(&bytes, file, wanted, error);
	BIO_free(bio);
	file_bytes_fini(&bytes);
	ERR_clear_error();
	return certs;
}

STACK_OF(X509_CRL) *
	pem_read_crls(const char *file, const struct pem_wanted *wanted, char error[ERROR_TEXT_MAX])
{
	struct file_bytes bytes = {0};

	if (file_read(&bytes, file, wanted, error) < 0)
		return NULL;
	ERR_clear_error();
	BIO *bio = BIO_new_mem_buf(bytes.at, (int)bytes.len);
	STACK_OF(X509_CRL) *crls = bio != NULL ? crls_of(bio) : NULL;
	if (crls == NULL)
		explain(&bytes, file, wanted, error);
	BIO_free(bio);
	file_bytes_fini(&bytes);
	ERR_clear_error();
	return crls;
}

STACK_OF(X509_CRL) * pem_salvage_crls(const char *file)
{
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	struct file_bytes bytes = {0};
	struct pem_text rest = {NULL, 0}, block;

	if (crls != NULL && file_bytes_read(&bytes, file, PEM_BYTES_MAX) == 0)
		rest = (struct pem_text){bytes.at, bytes.len};
	while (rest.at != NULL && pem_next_block(&rest, PEM_CRL, &block)) {
		BIO *bio = BIO_new_mem_buf(block.at, (int)block.len);
		X509_CRL *crl = bio != NULL ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
		if (crl != NULL && sk_X509_CRL_push(crls, crl) <= 0)
			X509_CRL_free(crl);
		BIO_free(bio);
	}
	file_bytes_fini(&bytes);
	ERR_clear_error();
	if (sk_X509_CRL_num(crls) > 0)
		return crls;
	sk_X509_CRL_free(crls);
	return NULL;
}

EVP_PKEY *pem_read_key(const char *file, const struct pem_wanted *wanted,
		       char error[ERROR_TEXT_MAX])
{
	struct file_bytes bytes = {0};

	if (file_read(&bytes, file, wanted, error) < 0)
		return NULL;
	ERR_clear_error();
	BIO *bio = BIO_new_mem_buf(bytes.at, (int)bytes.len);
	/* With all decoders there are, which the context of the handshakes need not have. */
	EVP_PKEY *key =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	if (key == NULL)
		explain(&bytes, file, wanted, error);
	BIO_free(bio);
	file_bytes_fini(&bytes);
	ERR_clear_error();
	return key;
}
