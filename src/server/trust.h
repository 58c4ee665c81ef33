/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is let in and what they may do: certificate, key, CAs, CRLs and access rules
 * of one moment, as one value that never changes. A reload makes the next one;
 * every user holds a reference to the one it began with.
 */
#ifndef SLUICE_SERVER_TRUST_H
#define SLUICE_SERVER_TRUST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "tls/tls_ctx.h"

struct trust {
	atomic_uint refs;
	uint64_t generation;
	const struct config *config; /* its rules count, and its names of files */
	struct trust_config
		*shared; /* of config, if it is freed with the last trust that goes by it */
	struct tls_ctx *tls_ctx;
};

/* A configuration that several trusts may go by, one after the other. */
struct trust_config;
/* Takes over a configuration that was allocated. NULL: no memory, it is freed. */
struct trust_config *trust_config_new(struct config *config);
/* NULL is fine. */
void trust_config_release(struct trust_config *shared);

/* A start: reads the files that config names, which is borrowed. NULL: one line in error. */
struct trust *trust_new(const struct config *config, char error[ERROR_TEXT_MAX]);
/*
 * A reload: reads the files that shared names, or, with NULL, those of before's configuration once
 * more. What would be worse than its like in before stays as it is there: error says so then, else
 * it is "". NULL: no memory, or shared names what cannot be used, as error says.
 */
struct trust *trust_renew(struct trust_config *shared, const struct trust *before,
			  char error[ERROR_TEXT_MAX]);
/* Do both let the same clients in, show them the same certificates, and do the same? */
bool trust_is_same(const struct trust *a, const struct trust *b);
struct trust *trust_ref(struct trust *trust);
/* NULL is fine. */
void trust_release(struct trust *trust);

/* The trust that is in force, for all threads. */
struct trust_now {
	pthread_mutex_t lock;
	struct trust *trust;
	atomic_uint_fast64_t generation; /* of trust: to look whether there is a newer one */
};

/* trust is taken over. */
void trust_now_init(struct trust_now *now, struct trust *trust);
void trust_now_fini(struct trust_now *now);
void trust_now_swap(struct trust_now *now, struct trust *trust);
/* With a reference. */
struct trust *trust_now_take(struct trust_now *now);

/* The longest text there can be: of each expiry a path and a subject, escaped. */
#define TRUST_TEXT_BYTES_MAX (700 * 1024)
/* When its certificates and lists end, as Prometheus text (metrics_print's form). Returns the
 * length, or -ENOSPC. */
int trust_print_metrics(const struct trust *trust, char *out, size_t bytes_max);

#endif
