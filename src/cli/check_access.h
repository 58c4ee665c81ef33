/* SPDX-License-Identifier: Apache-2.0 */
/* sluice serve --check-access. */
#ifndef SLUICE_CLI_CHECK_ACCESS_H
#define SLUICE_CLI_CHECK_ACCESS_H

#include "config/config.h"

/* Prints to stdout who the certificate is, and "allow: ..." or "deny: ..." with the rule. Returns
 * the exit code: EXIT_OK, EXIT_DENIED, or EXIT_TLS for a certificate that would not be let in. */
int cli_check_access(const struct config *config);

#endif
