/* SPDX-License-Identifier: Apache-2.0 */
/* sluice probe */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "io/caps.h"
#include "tls/ktls_probe.h"

int cli_probe(int argc, char *const argv[])
{
	struct ktls_caps ktls;
	struct io_caps io;
	(void)argc;
	(void)argv;

	ktls_probe(&ktls, true);
	io_caps_probe(&io);
	printf("kernel TLS: %s\n", ktls.ulp_errno == 0 ? "yes" : strerrorname_np(-ktls.ulp_errno));
	printf("io_uring: %s\n", io.ring_errno == 0 ? "yes" : strerrorname_np(-io.ring_errno));
	for (int i = 0; i < TLS_CIPHER_COUNT; i++)
		printf("%s: tx %d rx %d\n", tls_cipher_label((enum tls_cipher)i), ktls.tx[i],
		       ktls.rx[i]);
	if (ktls.ulp_errno != 0)
		return 2;
	return ktls.rekey == KTLS_YES && ktls.pad_safe == KTLS_YES ? 0 : 1;
}
