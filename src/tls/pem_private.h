/* SPDX-License-Identifier: Apache-2.0 */
/* Between pem_explain.c and pem_scan.c. */
#ifndef SLUICE_TLS_PEM_PRIVATE_H
#define SLUICE_TLS_PEM_PRIVATE_H

#include "tls/pem.h"

#define PEM_BEGIN     "-----BEGIN "
#define PEM_END       "-----END "
#define PEM_LABEL_MAX 48 /* with its NUL; cut */

/* The first byte of the next line, or the end of the text. */
const char *pem_line_end(const struct pem_text *text, const char *at);
/* Something is read of such a block, or said of it. */
bool pem_label_is_known(const char *label);

#endif
