/* SPDX-License-Identifier: Apache-2.0 */
/* Which TLS library this process runs with. */
#ifndef SLUICE_TLS_VERSION_H
#define SLUICE_TLS_VERSION_H

/* E.g. "OpenSSL 3.0.22 26 May 2026": of the library that is loaded, not of the headers. Static. */
const char *tls_library_version(void);

#endif
