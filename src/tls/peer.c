/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/peer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "tls/peer_private.h"
#include "tls/tls_ctx_private.h"

/* By the first name, so that all certificates of one client stand together. A power of two. */
#define BUCKETS           1024
#define FINGERPRINT_BYTES 32 /* SHA-256 over the whole chain */

struct peer {
	struct peers *peers;
	struct peer *next; /* in its bucket */
	unsigned refs;
	unsigned conns;      /* of refs: those that peer_admit has let in */
	uint64_t generation; /* of the context that verdict is by */
	enum handshake_failure verdict;
	struct identity *identity;
	uint8_t fingerprint[FINGERPRINT_BYTES];
	size_t der_bytes;
	uint8_t der[]; /* the certificates, leaf first, one behind the other */
};

struct peers {
	pthread_mutex_t lock; /* of everything in the peers but what never changes */
	struct peer *bucket[BUCKETS];
};

struct peers *peers_new(void)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	if (peers != NULL)
		pthread_mutex_init(&peers->lock, NULL);
	return peers;
}

void peers_free(struct peers *peers)
{
	if (peers == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		must(peers->bucket[i] == NULL);
	pthread_mutex_destroy(&peers->lock);
	free(peers);
}

const struct identity *peer_identity(const struct peer *peer)
{
	return peer->identity;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const char *first_name(const struct identity *identity, size_t *len)
{
	*len = identity->name[identity->primary].len;
	return identity_name_text(identity, identity->primary);
}

static struct peer **bucket_of(struct peers *peers, const struct identity *identity)
{
	size_t len;
	const char *name = first_name(identity, &len);
	uint32_t hash = 2166136261u; /* FNV-1a; who fills a bucket needs as many certificates */
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return &peers->bucket[hash & (BUCKETS - 1)];
}

static bool is_same_client(const struct identity *a, const struct identity *b)
{
	size_t a_len, b_len;
	const char *a_name = first_name(a, &a_len), *b_name = first_name(b, &b_len);
	return a->name[a->primary].kind == b->name[b->primary].kind && a_len == b_len &&
	       memcmp(a_name, b_name, a_len) == 0;
}

/* Counted and taken under one lock: of two that come at once to the last place one has it. */
bool peer_admit(struct peer *peer, unsigned conns_max)
{
	unsigned count = 0;
	pthread_mutex_lock(&peer->peers->lock);
	for (const struct peer *other = *bucket_of(peer->peers, peer->identity); other != NULL;
	     other = other->next)
		if (is_same_client(peer->identity, other->identity))
			count += other->conns;
	bool has_place = count < conns_max;
	if (has_place)
		peer->conns++;
	pthread_mutex_unlock(&peer->peers->lock);
	return has_place;
}

void peer_leave(struct peer *peer)
{
	pthread_mutex_lock(&peer->peers->lock);
	must(peer->conns > 0);
	peer->conns--;
	pthread_mutex_unlock(&peer->peers->lock);
}

static void peer_free(struct peer *peer)
{
	identity_free(peer->identity);
	free(peer);
}

void peer_release(struct peer *peer)
{
	if (peer == NULL)
		return;
	struct peers *peers = peer->peers;
	bool is_last;

	pthread_mutex_lock(&peers->lock);
	is_last = --peer->refs == 0;
	must(!is_last || peer->conns == 0);
	if (is_last) {
		struct peer **link = bucket_of(peers, peer->identity);
		while (*link != peer)
			link = &(*link)->next;
		*link = peer->next;
	}
	pthread_mutex_unlock(&peers->lock);
	if (is_last)
		peer_free(peer);
}

/* fresh is what to add if its like is not there; else it is freed. */
static struct peer *find_or_add(struct peers *peers, struct peer *fresh)
{
	struct peer **first = bucket_of(peers, fresh->identity), *peer;

	pthread_mutex_lock(&peers->lock);
	for (peer = *first; peer != NULL; peer = peer->next)
		if (memcmp(peer->fingerprint, fresh->fingerprint, FINGERPRINT_BYTES) == 0)
			break;
	if (peer == NULL) {
		peer = fresh;
		peer->next = *first;
		*first = peer;
		fresh = NULL;
	} else if (fresh->generation > peer->generation) {
		peer->generation = fresh->generation;
		peer->verdict = fresh->verdict;
	}
	peer->refs++;
	pthread_mutex_unlock(&peers->lock);
	if (fresh != NULL)
		peer_free(fresh);
	return peer;
}

/* ---- From a handshake ------------------------------------------------------------------------ */

/* Certificate i of the client's chain, 0 the leaf; NULL: there is none. Borrowed. */
static X509 *cert_at(const SSL *ssl, int i)
{
	/* On a server's side the chain has no leaf. */
	return i == 0 ? SSL_get0_peer_certificate(ssl)
		      : sk_X509_value(SSL_get_peer_cert_chain(ssl), i - 1);
}

static_assert(PEER_CERTS_MAX == 8, "as base/reasons.h says");
static_assert(PEER_DER_BYTES_MAX == 65536, "as base/reasons.h says");

bool peer_chain_fits(const STACK_OF(X509) * certs)
{
	size_t bytes = 0;
	if (sk_X509_num(certs) > PEER_CERTS_MAX)
		return false;
	for (int i = 0; i < sk_X509_num(certs); i++) {
		int n = i2d_X509(sk_X509_value(certs, i), NULL);
		if (n <= 0)
			return false;
		bytes += (size_t)n;
	}
	return bytes <= PEER_DER_BYTES_MAX;
}

/* Bytes of the whole chain. */
static size_t chain_bytes(const SSL *ssl)
{
	size_t bytes = 0;
	X509 *cert;
	for (int i = 0; (cert = cert_at(ssl, i)) != NULL; i++) {
		int n = i2d_X509(cert, NULL);
		bytes += n > 0 ? (size_t)n : 0;
	}
	return bytes;
}

int peers_take(struct peers *peers, const SSL *ssl, const struct tls_ctx *ctx,
	       struct identity *identity, struct peer **peer)
{
	size_t bytes = chain_bytes(ssl);
	struct peer *fresh = malloc(sizeof(*fresh) + bytes);
	if (fresh == NULL) {
		identity_free(identity);
		return -ENOMEM;
	}
	*fresh = (struct peer){.peers = peers,
			       .identity = identity,
			       .generation = ctx->generation,
			       .verdict = HANDSHAKE_FAILURE_COUNT,
			       .der_bytes = bytes};
	uint8_t *at = fresh->der;
	X509 *cert;
	for (int i = 0; (cert = cert_at(ssl, i)) != NULL; i++)
		i2d_X509(cert, &at); /* moves at */
	if (EVP_Digest(fresh->der, fresh->der_bytes, fresh->fingerprint, NULL, EVP_sha256(),
		       NULL) != 1) {
		ERR_clear_error();
		peer_free(fresh);
		return -ENOMEM;
	}
	*peer = find_or_add(peers, fresh);
	return 0;
}

/* ---- Verifying again ------------------------------------------------------------------------- */

/* The leaf, and what came with it in *rest. NULL: no memory. */
static X509 *parse_chain(const struct peer *peer, STACK_OF(X509) * *rest)
{
	const uint8_t *at = peer->der, *end = peer->der + peer->der_bytes;
	X509 *leaf = d2i_X509(NULL, &at, end - at), *cert = NULL;

	*rest = sk_X509_new_null();
	bool is_whole = leaf != NULL && *rest != NULL;
	while (is_whole && at < end) {
		cert = d2i_X509(NULL, &at, end - at);
		is_whole = cert != NULL && sk_X509_push(*rest, cert) > 0;
	}
	if (is_whole)
		return leaf;
	X509_free(leaf);
	sk_X509_pop_free(*rest, X509_free);
	*rest = NULL;
	return NULL;
}

static enum handshake_failure verify(const struct peer *peer, struct tls_ctx *ctx)
{
	STACK_OF(X509) * rest;
	X509 *leaf = parse_chain(peer, &rest);
	if (leaf == NULL)
		return HANDSHAKE_INTERNAL;
	enum handshake_failure failure =
		tls_trust_verify(ctx, leaf, rest, peer->identity, X509_V_FLAG_NO_CHECK_TIME);
	sk_X509_pop_free(rest, X509_free);
	X509_free(leaf);
	return failure;
}

enum handshake_failure peer_check(struct peer *peer, struct tls_ctx *ctx)
{
	struct peers *peers = peer->peers;

	pthread_mutex_lock(&peers->lock);
	bool is_known = peer->generation >= ctx->generation;
	enum handshake_failure verdict = peer->verdict;
	pthread_mutex_unlock(&peers->lock);
	if (is_known)
		return verdict;

	verdict = verify(peer, ctx);
	if (verdict == HANDSHAKE_INTERNAL)
		return verdict; /* says nothing of the certificate */
	pthread_mutex_lock(&peers->lock);
	if (peer->generation < ctx->generation) {
		peer->generation = ctx->generation;
		peer->verdict = verdict;
	}
	verdict = peer->verdict;
	pthread_mutex_unlock(&peers->lock);
	return verdict;
}

/* One peer of the bucket that ctx has not judged, with a reference. */
static struct peer *take_unjudged(struct peers *peers, size_t bucket, const struct tls_ctx *ctx)
{
	pthread_mutex_lock(&peers->lock);
	struct peer *peer = peers->bucket[bucket];
	while (peer != NULL && peer->generation >= ctx->generation)
		peer = peer->next;
	if (peer != NULL)
		peer->refs++;
	pthread_mutex_unlock(&peers->lock);
	return peer;
}

void peers_check(struct peers *peers, struct tls_ctx *ctx)
{
	struct peer *peer;
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((peer = take_unjudged(peers, i, ctx)) != NULL) {
			enum handshake_failure verdict = peer_check(peer, ctx);
			peer_release(peer);
			if (verdict == HANDSHAKE_INTERNAL)
				return; /* no memory: the workers ask, and deny */
		}
	}
}
