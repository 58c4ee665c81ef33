/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys a TLS 1.3 server can have: what the library loads is not yet what it can sign with. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "config/config.h"
#include "tls/handshake_trial.h"
#include "unit/cert_fixture.h"

static char dir[] = "/tmp/sluice-trial-XXXXXX";

static void files_make(void)
{
	must(mkdtemp(dir) != NULL);
}

static void files_remove(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	must(system(command) == 0);
}

TestSuite(handshake_trial, .init = files_make, .fini = files_remove);

static struct config config;

static FILE *file_open(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	must(file != NULL);
	return file;
}

static int try_key(EVP_PKEY *key, char error[ERROR_TEXT_MAX])
{
	struct cert_pair pair = cert_pair_make("server", key, true, NULL);

	config_init(&config);
	FILE *file = file_open(config.tls.cert_file, "server.crt");
	must(PEM_write_X509(file, pair.cert) == 1 && fclose(file) == 0);
	file = file_open(config.tls.key_file, "server.key");
	must(PEM_write_PrivateKey(file, pair.key, NULL, NULL, 0, NULL, NULL) == 1);
	must(fclose(file) == 0);
	memcpy(config.tls.client_ca_file, config.tls.cert_file, PATH_MAX);
	struct tls_ctx *ctx = tls_ctx_new(&config.tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	int r = handshake_trial(ctx, error);
	tls_ctx_release(ctx);
	cert_pair_fini(&pair);
	return r;
}

Test(handshake_trial, keys)
{
	const struct {
		const char *curve; /* NULL: of the type */
		const char *type;
		int expected;
	} rows[] = {{"P-256", NULL, 0},
		    {"P-384", NULL, 0},
		    {"P-521", NULL, 0},
		    {NULL, "ED25519", 0},
		    {NULL, "RSA", 0},
		    {"secp256k1", NULL, -EPROTO},
		    {"secp224r1", NULL, -EPROTO},
		    /* Of TLS 1.3 by RFC 8734, which OpenSSL knows from 3.2 on. */
		    {"brainpoolP256r1", NULL, OpenSSL_version_num() >= 0x30200000ul ? 0 : -EPROTO}};
	char error[ERROR_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		EVP_PKEY *key = rows[i].curve != NULL ? EVP_EC_gen(rows[i].curve)
				: strcmp(rows[i].type, "RSA") == 0
					? EVP_RSA_gen(2048)
					: EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type);
		const char *name = rows[i].curve != NULL ? rows[i].curve : rows[i].type;
		cr_assert_not_null(key, "%s", name);
		cr_assert_eq(try_key(key, error), rows[i].expected, "%s: %s", name, error);
		if (rows[i].expected < 0)
			cr_assert_not_null(strstr(error, config.tls.cert_file), "%s", error);
	}
}
