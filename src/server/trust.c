/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trust.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "tls/handshake_trial.h"

/* Names, punctuation and a number of a row. */
#define ROW_BYTES_MAX 256
static_assert(TLS_EXPIRIES_MAX * (2 * PATH_MAX + 2 * sizeof(((struct tls_expiry *)NULL)->subject) +
				  sizeof(((struct tls_expiry *)NULL)->serial) + ROW_BYTES_MAX) +
			      8192 <
		      TRUST_TEXT_BYTES_MAX,
	      "room for all rows, each at its longest, and for trust_keeper's");

/* ---- Configurations -------------------------------------------------------------------------- */

struct trust_config {
	atomic_uint refs;
	struct config *config;
};

struct trust_config *trust_config_new(struct config *config)
{
	struct trust_config *shared = malloc(sizeof(*shared));

	if (shared != NULL) {
		atomic_init(&shared->refs, 1);
		shared->config = config;
		return shared;
	}
	config_fini(config);
	free(config);
	return NULL;
}

static struct trust_config *trust_config_ref(struct trust_config *shared)
{
	if (shared != NULL)
		atomic_fetch_add(&shared->refs, 1);
	return shared;
}

void trust_config_release(struct trust_config *shared)
{
	if (shared == NULL || atomic_fetch_sub(&shared->refs, 1) > 1)
		return;
	config_fini(shared->config);
	free(shared->config);
	free(shared);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Takes tls_ctx over. */
static struct trust *make(const struct config *config, struct trust_config *shared,
			  uint64_t generation, struct tls_ctx *tls_ctx)
{
	struct trust *trust = calloc(1, sizeof(*trust));

	if (trust == NULL) {
		tls_ctx_release(tls_ctx);
		return NULL;
	}
	trust->generation = generation;
	trust->config = config;
	trust->shared = trust_config_ref(shared);
	trust->tls_ctx = tls_ctx;
	atomic_init(&trust->refs, 1);
	return trust;
}

struct trust *trust_new(const struct config *config, char error[ERROR_TEXT_MAX])
{
	struct tls_ctx *tls_ctx = tls_ctx_new(&config->tls, 1, error);

	if (tls_ctx != NULL && handshake_trial(tls_ctx, error) < 0) {
		tls_ctx_release(tls_ctx);
		tls_ctx = NULL;
	}
	if (tls_ctx == NULL)
		return NULL;
	struct trust *trust = make(config, NULL, 1, tls_ctx);
	if (trust == NULL)
		snprintf(error, ERROR_TEXT_MAX, "no memory");
	return trust;
}

/* Adds the flaws that say, or do not say, that something was not taken up. */
static void tell(const struct tls_ctx *ctx, bool is_kept, char error[ERROR_TEXT_MAX])
{
	const struct tls_flaw *flaws;
	unsigned count = tls_ctx_flaws(ctx, &flaws);

	for (unsigned i = 0; i < count; i++) {
		size_t used = strlen(error);
		if (tls_flaw_row(flaws[i].kind)->is_kept == is_kept)
			snprintf(error + used, ERROR_TEXT_MAX - used, "%s%s", used > 0 ? "; " : "",
				 flaws[i].text);
	}
}

/* What was not taken up, and then what else is wrong, for it may be the cause; "" if all was taken
 * up. */
static void tell_kept(const struct tls_ctx *ctx, char error[ERROR_TEXT_MAX])
{
	unsigned kept = 0;

	error[0] = '\0';
	for (int kind = 0; kind < TLS_FLAW_KINDS; kind++)
		if (tls_flaw_row((enum tls_flaw_kind)kind)->is_kept)
			kept += tls_ctx_flaws_of(ctx, (enum tls_flaw_kind)kind);
	if (kept == 0)
		return;
	tell(ctx, true, error);
	tell(ctx, false, error);
	if (error[0] == '\0') /* there are more flaws than there is room for */
		snprintf(error, ERROR_TEXT_MAX, "%u certificates, CAs or CRLs were not taken up",
			 kept);
}

struct trust *trust_renew(struct trust_config *shared, const struct trust *before,
			  char error[ERROR_TEXT_MAX])
{
	const struct config *config = shared != NULL ? shared->config : before->config;
	uint64_t generation = before->generation + 1;
	struct tls_ctx *tls_ctx =
		tls_ctx_renew(&config->tls, before->tls_ctx, shared == NULL, generation, error);

	if (tls_ctx == NULL)
		return NULL;
	/* What no client could connect with must not take the place of what some do. */
	if (handshake_trial(tls_ctx, error) < 0)
		tls_ctx_keep_own(tls_ctx, before->tls_ctx, error);
	struct trust *trust =
		make(config, shared != NULL ? shared : before->shared, generation, tls_ctx);
	if (trust == NULL)
		snprintf(error, ERROR_TEXT_MAX, "no memory");
	else
		tell_kept(tls_ctx, error);
	return trust;
}

static bool has_same_protocol(const struct tls_settings *a, const struct tls_settings *b)
{
	return a->cipher_count == b->cipher_count && a->groups == b->groups &&
	       a->prefers_own_ciphers == b->prefers_own_ciphers &&
	       memcmp(a->ciphers, b->ciphers, a->cipher_count * sizeof(a->ciphers[0])) == 0;
}

bool trust_is_same(const struct trust *a, const struct trust *b)
{
	return tls_ctx_trusts_the_same(a->tls_ctx, b->tls_ctx) &&
	       tls_ctx_shows_the_same(a->tls_ctx, b->tls_ctx) &&
	       has_same_protocol(&a->config->tls, &b->config->tls) &&
	       policy_is_same(&a->config->policy, &b->config->policy);
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
	trust_config_release(trust->shared);
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

static int print_flaws(const struct tls_ctx *ctx, char *out, size_t size)
{
	int used = snprintf(
		out, size,
		"# HELP sluice_trust_flaws Certificates, CAs and CRLs that are not as they "
		"should be, by what is wrong.\n"
		"# TYPE sluice_trust_flaws gauge\n");

	for (int kind = 0; kind < TLS_FLAW_KINDS && used >= 0 && (size_t)used < size; kind++) {
		int n = snprintf(out + used, size - (size_t)used,
				 "sluice_trust_flaws{reason=\"%s\"} %u\n",
				 tls_flaw_row((enum tls_flaw_kind)kind)->label,
				 tls_ctx_flaws_of(ctx, (enum tls_flaw_kind)kind));
		used = n < 0 ? n : used + n;
	}
	return used >= 0 && (size_t)used < size ? used : -ENOSPC;
}

int trust_print_metrics(const struct trust *trust, char *out, size_t bytes_max)
{
	const struct tls_expiry *expiries;
	unsigned count = tls_ctx_expiries(trust->tls_ctx, &expiries);
	int used = print_family(expiries, count, false, out, bytes_max), n;

	if (used < 0)
		return used;
	if ((n = print_family(expiries, count, true, out + used, bytes_max - (size_t)used)) < 0)
		return n;
	used += n;
	n = print_flaws(trust->tls_ctx, out + used, bytes_max - (size_t)used);
	return n < 0 ? n : used + n;
}
