/* SPDX-License-Identifier: Apache-2.0 */
/* Files of certificates and lists, and a configuration that names them. */
#ifndef SLUICE_TESTS_TRUST_FIXTURE_H
#define SLUICE_TESTS_TRUST_FIXTURE_H

#include <stdint.h>
#include <stdio.h>

#include "cert_fixture.h"
#include "config/config.h"

/* other NULL: one alone. */
void trust_write_certs(const char *path, X509 *one, X509 *other);
void trust_write_key(const char *path, EVP_PKEY *key);
/* A list that is in force from then until then, seconds since 1970; revoked NULL: it revokes
 * nobody. */
void trust_write_crl(FILE *file, const struct cert_pair *ca, int64_t from, int64_t until,
		     const X509 *revoked);
/* Names of files in a new folder, dir with its XXXXXX, which trust_files_remove removes with what
 * of them is there. */
struct config *trust_files_begin(char dir[]);
void trust_files_remove(const char *dir, struct config *config);

#endif
