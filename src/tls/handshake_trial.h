/* SPDX-License-Identifier: Apache-2.0 */
/* A handshake in memory with a client that shows no certificate, up to the point where the server
 * asks for one: can any client get that far with each certificate, its key and these ciphers? */
#ifndef SLUICE_TLS_HANDSHAKE_TRIAL_H
#define SLUICE_TLS_HANDSHAKE_TRIAL_H

#include "tls/tls_ctx.h"

/* ctx: of a server. 0; -EPROTO: no handshake is possible, with one line in error (file, what, what
 * to do); or another negative errno: it could not be tried. About a millisecond for each. */
int handshake_trial(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX]);

#endif
