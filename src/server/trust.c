/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trust.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "tls/handshake_trial.h"

/* Names, punctuation and a number of a row. */
#define ROW_BYTES_MAX 256
static_assert(TLS_EXPIRIES_MAX * (2 * PATH_MAX + 2 * sizeof(((struct tls_expiry *)NULL)->subject) +
				  sizeof(((struct tls_expiry *)NULL)->serial) + ROW_BYTES_MAX) +
			      8192 <
		      TRUST_TEXT_BYTES_MAX,
	      "room for all rows, each at its longest, and for trust_keeper's");

void trust_config_free(struct config *config)
{
	if (config == NULL)
		return;
	config_fini(config);
	free(config);
}

struct trust *trust_new(struct config *config, bool take_config, uint64_t generation,
			char error[ERROR_TEXT_MAX])
{
	struct trust *trust = calloc(1, sizeof(*trust));
	struct tls_ctx *tls_ctx = NULL;

	if (trust == NULL)
		snprintf(error, ERROR_TEXT_MAX, "no memory");
	else
		tls_ctx = tls_ctx_new(config, generation, error);
	/* What no client could connect with must not take the place of what some do. */
	if (tls_ctx != NULL && handshake_trial(tls_ctx, error) < 0) {
		tls_ctx_release(tls_ctx);
		tls_ctx = NULL;
	}
	if (tls_ctx == NULL) {
		free(trust);
		return NULL;
	}
	trust->generation = generation;
	trust->config = config;
	trust->own_config = take_config ? config : NULL;
	trust->tls_ctx = tls_ctx;
	atomic_init(&trust->refs, 1);
	return trust;
}

struct trust *trust_ref(struct trust *trust)
{
	atomic_fetch_add(&trust->refs, 1);
	return trust;
}

void trust_release(struct trust *trust)
{
	if (trust == NULL || atomic_fetch_sub(&trust->refs, 1) > 1)
		return;
	tls_ctx_release(trust->tls_ctx);
	trust_config_free(trust->own_config);
	free(trust);
}

void trust_now_init(struct trust_now *now, struct trust *trust)
{
	pthread_mutex_init(&now->lock, NULL);
	now->trust = trust;
	atomic_init(&now->generation, trust->generation);
}

void trust_now_fini(struct trust_now *now)
{
	trust_release(now->trust);
	pthread_mutex_destroy(&now->lock);
}

void trust_now_swap(struct trust_now *now, struct trust *trust)
{
	pthread_mutex_lock(&now->lock);
	struct trust *before = now->trust;
	now->trust = trust;
	atomic_store(&now->generation, trust->generation);
	pthread_mutex_unlock(&now->lock);
	trust_release(before);
}

struct trust *trust_now_take(struct trust_now *now)
{
	pthread_mutex_lock(&now->lock);
	struct trust *trust = trust_ref(now->trust);
	pthread_mutex_unlock(&now->lock);
	return trust;
}

/* ---- Metrics --------------------------------------------------------------------------------- */

/* A label's value: backslash, quote and line end are escaped. */
static const char *escaped(const char *text, char *out, size_t size)
{
	size_t used = 0;
	for (; *text != '\0' && used + 3 < size; text++) {
		if (*text == '\\' || *text == '"')
			out[used++] = '\\';
		out[used++] = *text == '\n' ? ' ' : *text;
	}
	out[used] = '\0';
	return out;
}

static int print_family(const struct tls_expiry *expiries, unsigned count, bool of_crls, char *out,
			size_t size)
{
	char path[2 * PATH_MAX], subject[2 * sizeof(expiries->subject)];
	int used =
		snprintf(out, size,
			 of_crls ? "# HELP sluice_crl_next_update_timestamp_seconds When a CRL "
				   "of clients' CAs ends, seconds since 1970.\n"
				   "# TYPE sluice_crl_next_update_timestamp_seconds gauge\n"
				 : "# HELP sluice_certificate_not_after_timestamp_seconds When a "
				   "certificate ends, seconds since 1970.\n"
				   "# TYPE sluice_certificate_not_after_timestamp_seconds gauge\n");

	for (unsigned i = 0; i < count && used >= 0 && (size_t)used < size; i++) {
		const struct tls_expiry *expiry = &expiries[i];
		if ((expiry->of == TLS_EXPIRY_CRL) != of_crls)
			continue;
		escaped(expiry->path, path, sizeof(path));
		escaped(expiry->subject, subject, sizeof(subject));
		int n = of_crls ? snprintf(out + used, size - (size_t)used,
					   "sluice_crl_next_update_timestamp_seconds{path=\"%s\","
					   "issuer=\"%s\"} %lld\n",
					   path, subject, (long long)expiry->at)
				: snprintf(
					  out + used, size - (size_t)used,
					  "sluice_certificate_not_after_timestamp_seconds{usage="
					  "\"%s\",path=\"%s\",subject=\"%s\",serial=\"%s\"} %lld\n",
					  expiry->of == TLS_EXPIRY_SERVER ? "server" : "client_ca",
					  path, subject, expiry->serial, (long long)expiry->at);
		used = n < 0 ? n : used + n;
	}
	return used >= 0 && (size_t)used < size ? used : -ENOSPC;
}

int trust_print_metrics(const struct trust *trust, char *out, size_t bytes_max)
{
	const struct tls_expiry *expiries;
	unsigned count = tls_ctx_expiries(trust->tls_ctx, &expiries);
	int n = print_family(expiries, count, false, out, bytes_max);
	if (n < 0)
		return n;
	int m = print_family(expiries, count, true, out + n, bytes_max - (size_t)n);
	return m < 0 ? m : n + m;
}
