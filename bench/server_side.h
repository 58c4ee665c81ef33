/* SPDX-License-Identifier: Apache-2.0 */
/* The project's own handshake as a small program calls it: blocking, one at a time. */
#ifndef SLUICE_BENCH_SERVER_SIDE_H
#define SLUICE_BENCH_SERVER_SIDE_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/tls_settings.h"
#include "tls/handshake.h"
#include "tls/tls_ctx.h"

/* With TLS_AES_128_GCM_SHA256 alone. Ends the program if a file is not what it should be. */
static inline struct tls_ctx *server_context(const char *cert, const char *key,
					     const char *client_ca)
{
	char error[ERROR_TEXT_MAX];
	struct tls_settings *settings = calloc(1, sizeof(*settings));
	must(settings != NULL);
	snprintf(settings->cert_file, sizeof(settings->cert_file), "%s", cert);
	snprintf(settings->key_file, sizeof(settings->key_file), "%s", key);
	snprintf(settings->client_ca_file, sizeof(settings->client_ca_file), "%s", client_ca);
	settings->ciphers[0] = TLS_CIPHER_AES_128_GCM;
	settings->cipher_count = 1;
	struct tls_ctx *ctx = tls_ctx_new(settings, 1, error);
	if (ctx == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	free(settings);
	return ctx;
}

/* sock_fd: non-blocking. 0: record is ready; or it has said why not. */
static inline int server_handshake(struct tls_ctx *ctx, const struct handshake_plan *plan,
				   int sock_fd, struct record *record)
{
	struct handshake_outcome outcome;
	struct handshake *handshake = handshake_new(ctx, plan, sock_fd);
	must(handshake != NULL);

	int r;
	while ((r = handshake_step(handshake)) == -EAGAIN) {
		struct pollfd wait = {.fd = sock_fd, .events = handshake_wants(handshake)};
		poll(&wait, 1, -1);
	}
	if (r < 0)
		fprintf(stderr, "handshake: %s\n", handshake_failure_text(handshake));
	else if ((r = handshake_finish(handshake, record, &outcome)) < 0)
		fprintf(stderr, "keys: %s\n", strerror(-r));
	else
		peer_release(outcome.peer);
	handshake_free(handshake);
	return r;
}

#endif
