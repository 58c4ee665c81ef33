/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A built-in provider that answers for the default one, with its own functions and its own context:
 * only the lists of algorithms are shorter. Its functions do not know that they were asked for by
 * another context.
 */
#include "tls/tls_library.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/must.h"

#define ALGORITHMS_MAX 32

/*
 * What TLS 1.3 and the signatures of certificates need, by the first name that each has; decoders
 * only those of public keys. Kinds of keys: those of certificates that TLS 1.3 knows, and X25519;
 * P-256, P-384 and P-521 of the key exchange are EC. ML-DSA and X25519MLKEM768 are there from
 * OpenSSL 3.5 on. What these use inside (AES for random numbers, digests of signatures, ML-KEM)
 * they take from the context that they come from.
 */
#define CERTIFICATE_KINDS                                                                          \
	"RSA", "RSA-PSS", "EC", "ED25519", "ED448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"
static const struct {
	int operation;
	bool is_optional;
	const char *names[12];
} wanted[] = {
	{OSSL_OP_DIGEST, false, {"SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512"}},
	{OSSL_OP_CIPHER, false, {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"}},
	{OSSL_OP_MAC, false, {"HMAC"}},
	{OSSL_OP_KDF, false, {"HKDF", "TLS13-KDF"}},
	{OSSL_OP_RAND, false, {"CTR-DRBG", "SEED-SRC"}},
	{OSSL_OP_KEYMGMT, false, {CERTIFICATE_KINDS, "X25519", "X25519MLKEM768"}},
	{OSSL_OP_KEYEXCH, false, {"ECDH", "X25519"}},
	{OSSL_OP_KEM, true, {"X25519MLKEM768"}},
	{OSSL_OP_SIGNATURE, false, {CERTIFICATE_KINDS, "ECDSA"}},
	{OSSL_OP_DECODER, false, {CERTIFICATE_KINDS}},
};

static OSSL_PROVIDER *full;
static OSSL_ALGORITHM selected[ARRAY_LEN(wanted)][ALGORITHMS_MAX + 1]; /* ended by a row of zeros */

/* ---- What is left ---------------------------------------------------------------------------- */

/* algorithm's names are "NAME:NAME:...". */
static bool is_wanted(const OSSL_ALGORITHM *algorithm, size_t row)
{
	size_t len = strcspn(algorithm->algorithm_names, ":");
	const char *properties = algorithm->property_definition;

	if (wanted[row].operation == OSSL_OP_DECODER &&
	    (strstr(properties, "input=der") == NULL ||
	     strstr(properties, "structure=SubjectPublicKeyInfo") == NULL))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(wanted[row].names) && wanted[row].names[i] != NULL; i++)
		if (strlen(wanted[row].names[i]) == len &&
		    strncmp(algorithm->algorithm_names, wanted[row].names[i], len) == 0)
			return true;
	return false;
}

/* False: this is not the provider that it was taken for. */
static bool select_row(size_t row)
{
	int no_cache;
	unsigned count = 0;
	const OSSL_ALGORITHM *all =
		OSSL_PROVIDER_query_operation(full, wanted[row].operation, &no_cache);

	for (; all != NULL && all->algorithm_names != NULL; all++) {
		if (!is_wanted(all, row))
			continue;
		if (count == ALGORITHMS_MAX)
			return false;
		selected[row][count++] = *all;
	}
	return count > 0 || wanted[row].is_optional;
}

static bool select_all(void)
{
	for (size_t row = 0; row < ARRAY_LEN(wanted); row++)
		if (!select_row(row))
			return false;
	return true;
}

/* ---- The provider ---------------------------------------------------------------------------- */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM none[1];

	(void)provider;
	*no_cache = 0;
	for (size_t row = 0; row < ARRAY_LEN(wanted); row++)
		if (wanted[row].operation == operation)
			return selected[row];
	return none;
}

static int capabilities(void *provider, const char *capability, OSSL_CALLBACK *callback, void *arg)
{
	(void)provider;
	return OSSL_PROVIDER_get_capabilities(full, capability, callback, arg);
}

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		 const OSSL_DISPATCH **functions, void **provider)
{
	static const OSSL_DISPATCH ours[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
		{OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
		{0, NULL}};
	(void)handle;
	(void)core;
	*functions = ours;
	*provider = OSSL_PROVIDER_get0_provider_ctx(full);
	return 1;
}

/* ---- The context ----------------------------------------------------------------------------- */

static OSSL_LIB_CTX *lean;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int note_other(OSSL_PROVIDER *provider, void *has_other)
{
	if (strcmp(OSSL_PROVIDER_get0_name(provider), "default") != 0)
		*(bool *)has_other = true;
	return 1;
}

/* Can it do the first that a handshake asks of it? */
static bool works(OSSL_LIB_CTX *ctx)
{
	unsigned char byte;
	SSL_CTX *ssl_ctx = SSL_CTX_new_ex(ctx, NULL, TLS_method());
	bool is_whole = ssl_ctx != NULL && RAND_bytes_ex(ctx, &byte, 1, 0) == 1;

	SSL_CTX_free(ssl_ctx);
	return is_whole;
}

static void make(void)
{
	bool has_other = false;
	OSSL_LIB_CTX *ctx = NULL;

	if (OSSL_PROVIDER_available(NULL, "default") != 1)
		goto out;
	OSSL_PROVIDER_do_all(NULL, note_other, &has_other);
	if (has_other || (full = OSSL_PROVIDER_load(NULL, "default")) == NULL || !select_all())
		goto out;
	ctx = OSSL_LIB_CTX_new();
	if (ctx == NULL || OSSL_PROVIDER_add_builtin(ctx, "sluice", begin) != 1 ||
	    OSSL_PROVIDER_load(ctx, "sluice") == NULL || !works(ctx)) {
		OSSL_LIB_CTX_free(ctx);
		ctx = NULL;
	}
out:
	ERR_clear_error();
	lean = ctx;
}

OSSL_LIB_CTX *tls_library(void)
{
	pthread_once(&once, make);
	return lean;
}
