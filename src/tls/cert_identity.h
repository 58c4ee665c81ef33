/* SPDX-License-Identifier: Apache-2.0 */
/* A verified leaf certificate -> identity. Visible inside tls/ only (it names OpenSSL types). */
#ifndef SLUICE_TLS_CERT_IDENTITY_H
#define SLUICE_TLS_CERT_IDENTITY_H

#include <openssl/x509.h>

#include "access/identity.h"

/*
 * 0 and *identity (the caller's, identity_free); -EINVAL: a name with a NUL or control byte, or an
 * extension that does not parse; -E2BIG: too many names; -ENOMEM. On any error the certificate is
 * to be refused.
 */
int cert_identity(X509 *cert, struct identity **identity);

#endif
