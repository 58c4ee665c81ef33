/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/version.h"

#include <openssl/crypto.h>

const char *tls_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
