/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates with their keys, for tests that need no files. */
#ifndef SLUICE_TESTS_CERT_FIXTURE_H
#define SLUICE_TESTS_CERT_FIXTURE_H

#include <stdbool.h>

#include <openssl/x509.h>

struct cert_pair {
	X509 *cert;
	EVP_PKEY *key;
};

/* From a minute ago, for an hour. key is handed over, and may be of any kind that signs; issuer
 * NULL: signed by itself. Ends the test if it cannot. */
struct cert_pair cert_pair_make(const char *common_name, EVP_PKEY *key, bool is_ca,
				const struct cert_pair *issuer);
void cert_pair_fini(struct cert_pair *pair);

#endif
