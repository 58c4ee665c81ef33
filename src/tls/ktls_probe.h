/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel's TLS can do, found out on a loopback connection with
 * made-up keys. Used at start-up of the server and by `sluice probe`.
 */
#ifndef SLUICE_TLS_KTLS_PROBE_H
#define SLUICE_TLS_KTLS_PROBE_H

#include <stdbool.h>

#include "base/ciphers.h"
#include "tls/ktls.h"

enum ktls_verdict { KTLS_UNTESTED, KTLS_YES, KTLS_NO };

struct ktls_caps {
	int ulp_errno; /* 0: the TLS ULP is there; else the negative errno of attaching it */
	bool tx[TLS_CIPHER_COUNT]; /* installed, and a record arrived right */
	bool rx[TLS_CIPHER_COUNT];
	enum ktls_verdict rekey;    /* keys can be changed both ways (>= 6.14) */
	enum ktls_verdict no_pad;   /* TLS_RX_EXPECT_NO_PAD is accepted (>= 6.0) */
	enum ktls_verdict pad_safe; /* with it, a padded record arrives right (CVE-2026-74611) */
};

/* Quick: ULP, ciphers, rekey (about 1 ms); full: the padding self-test too. 0, or a negative errno
 * when not even a loopback connection could be made (caps then says no to everything). */
int ktls_probe(struct ktls_caps *caps, bool full);

/* On a connection whose receiving keys are in the kernel: sets TLS_RX_EXPECT_NO_PAD where the
 * padding self-test has passed, and nowhere else. True: it is set. */
bool ktls_expect_no_pad_where_safe(const struct ktls_sys *sys, const struct ktls_caps *caps,
				   int sock_fd);

#endif
