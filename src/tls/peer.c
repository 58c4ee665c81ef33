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
#include "tls/cert_text.h"
#include "tls/peer_private.h"
#include "tls/tls_ctx_private.h"

#define BUCKETS 1024 /* a power of two */

struct peer {
	struct peers *peers;
	struct peer *next_named;    /* in its bucket by name */
	struct peer *next_alike;    /* in its bucket by fingerprint */
	struct peer *older, *newer; /* idle: refs is 0 */
	unsigned refs;
	unsigned conns;      /* of refs: those that peer_admit has let in */
	uint64_t generation; /* of the context that verdict is by */
	enum handshake_failure verdict;
	int64_t from, until; /* a verdict with a look at the time: when it holds; else until is 0 */
	struct identity *identity;
	char serial[TLS_SERIAL_MAX];
	uint8_t fingerprint[PEER_FINGERPRINT_BYTES];
	size_t der_bytes;
	uint8_t der[]; /* the certificates, leaf first, one behind the other */
};

struct peers {
	pthread_mutex_t lock; /* of everything in the peers but what never changes */
	/* Every peer is in one of each: by the first name, so that all certificates of one client
	 * stand together, and by the fingerprint. */
	struct peer *by_name[BUCKETS];
	struct peer *by_fingerprint[BUCKETS];
	struct peer *oldest, *newest; /* of the idle ones */
	size_t idle_bytes;
};

/* ---- The table ------------------------------------------------------------------------------- */

static const char *first_name(const struct identity *identity, size_t *len)
{
	*len = identity->name[identity->primary].len;
	return identity_name_text(identity, identity->primary);
}

static struct peer **bucket_of_name(struct peers *peers, const struct identity *identity)
{
	size_t len;
	const char *name = first_name(identity, &len);
	uint32_t hash = 2166136261u; /* FNV-1a; who fills a bucket needs as many certificates */
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return &peers->by_name[hash & (BUCKETS - 1)];
}

static struct peer **bucket_of_fingerprint(struct peers *peers,
					   const uint8_t fingerprint[PEER_FINGERPRINT_BYTES])
{
	return &peers->by_fingerprint[(fingerprint[0] | fingerprint[1] << 8) & (BUCKETS - 1)];
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
	for (const struct peer *other = *bucket_of_name(peer->peers, peer->identity); other != NULL;
	     other = other->next_named)
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

/* Under the lock, as all up to trim_idle. */
static void enter(struct peers *peers, struct peer *peer)
{
	struct peer **named = bucket_of_name(peers, peer->identity);
	struct peer **alike = bucket_of_fingerprint(peers, peer->fingerprint);

	peer->next_named = *named;
	*named = peer;
	peer->next_alike = *alike;
	*alike = peer;
}

static void leave(struct peers *peers, struct peer *peer)
{
	struct peer **named = bucket_of_name(peers, peer->identity);
	struct peer **alike = bucket_of_fingerprint(peers, peer->fingerprint);

	while (*named != peer)
		named = &(*named)->next_named;
	*named = peer->next_named;
	while (*alike != peer)
		alike = &(*alike)->next_alike;
	*alike = peer->next_alike;
}

static struct peer *find(struct peers *peers, const uint8_t fingerprint[PEER_FINGERPRINT_BYTES])
{
	struct peer *peer = *bucket_of_fingerprint(peers, fingerprint);
	while (peer != NULL && memcmp(peer->fingerprint, fingerprint, PEER_FINGERPRINT_BYTES) != 0)
		peer = peer->next_alike;
	return peer;
}

/* The same chain, and the same names: of them other contexts may let others count. */
static struct peer *find_same(struct peers *peers, const struct peer *fresh)
{
	struct peer *peer = find(peers, fresh->fingerprint);
	while (peer != NULL &&
	       (memcmp(peer->fingerprint, fresh->fingerprint, PEER_FINGERPRINT_BYTES) != 0 ||
		!identity_is_same(peer->identity, fresh->identity)))
		peer = peer->next_alike;
	return peer;
}

static size_t bytes_of(const struct peer *peer)
{
	const struct identity *identity = peer->identity;
	return sizeof(*peer) + peer->der_bytes + sizeof(*identity) +
	       identity->count * sizeof(identity->name[0]) + identity->text_bytes;
}

/* By its context, and not at one instant only. */
static bool is_trusted(const struct peer *peer)
{
	return peer->verdict == HANDSHAKE_FAILURE_COUNT && peer->until > peer->from;
}

static void begin_idle(struct peers *peers, struct peer *peer)
{
	peer->newer = NULL;
	peer->older = peers->newest;
	*(peer->older != NULL ? &peer->older->newer : &peers->oldest) = peer;
	peers->newest = peer;
	peers->idle_bytes += bytes_of(peer);
}

static void end_idle(struct peers *peers, struct peer *peer)
{
	*(peer->newer != NULL ? &peer->newer->older : &peers->newest) = peer->older;
	*(peer->older != NULL ? &peer->older->newer : &peers->oldest) = peer->newer;
	peers->idle_bytes -= bytes_of(peer);
}

static struct peer *hold(struct peers *peers, struct peer *peer)
{
	if (peer->refs++ == 0)
		end_idle(peers, peer);
	return peer;
}

/* Takes the oldest of the idle out, until no more than bytes of them are left: a list by
 * next_named, for drop. */
static struct peer *trim_idle(struct peers *peers, size_t bytes)
{
	struct peer *dropped = NULL;
	while (peers->idle_bytes > bytes) {
		struct peer *peer = peers->oldest;
		must(peer != NULL); /* their bytes are theirs */
		end_idle(peers, peer);
		leave(peers, peer);
		peer->next_named = dropped;
		dropped = peer;
	}
	return dropped;
}

static void drop(struct peer *list)
{
	while (list != NULL) {
		struct peer *next = list->next_named;
		identity_free(list->identity);
		free(list);
		list = next;
	}
}

static void forget_idle(struct peers *peers)
{
	pthread_mutex_lock(&peers->lock);
	struct peer *dropped = trim_idle(peers, 0);
	pthread_mutex_unlock(&peers->lock);
	drop(dropped);
}

void peer_release(struct peer *peer)
{
	if (peer == NULL)
		return;
	struct peers *peers = peer->peers;
	struct peer *dropped = NULL;

	pthread_mutex_lock(&peers->lock);
	must(peer->refs > 1 || peer->conns == 0);
	if (--peer->refs == 0 && is_trusted(peer)) {
		begin_idle(peers, peer);
		dropped = trim_idle(peers, PEER_IDLE_BYTES_MAX);
	} else if (peer->refs == 0) {
		leave(peers, peer);
		peer->next_named = NULL;
		dropped = peer;
	}
	pthread_mutex_unlock(&peers->lock);
	drop(dropped);
}

/* fresh, with a reference, is what to add if its like is not there; else it is freed. */
static struct peer *find_or_add(struct peers *peers, struct peer *fresh)
{
	pthread_mutex_lock(&peers->lock);
	struct peer *peer = find_same(peers, fresh);
	if (peer == NULL) {
		peer = fresh;
		enter(peers, peer);
		fresh = NULL;
	} else {
		hold(peers, peer);
		/* One context that has looked twice, and refused once, refuses. */
		if (fresh->generation > peer->generation ||
		    (fresh->generation == peer->generation && fresh->verdict == peer->verdict)) {
			peer->generation = fresh->generation;
			peer->verdict = fresh->verdict;
			peer->from = fresh->from;
			peer->until = fresh->until;
		}
	}
	pthread_mutex_unlock(&peers->lock);
	drop(fresh);
	return peer;
}

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
	forget_idle(peers);
	for (size_t i = 0; i < BUCKETS; i++)
		must(peers->by_name[i] == NULL && peers->by_fingerprint[i] == NULL);
	pthread_mutex_destroy(&peers->lock);
	free(peers);
}

const struct identity *peer_identity(const struct peer *peer)
{
	return peer->identity;
}

const char *peer_serial(const struct peer *peer)
{
	return peer->serial;
}

/* ---- From a handshake ------------------------------------------------------------------------ */

/* Certificate i of the client's chain, 0 the leaf; NULL: there is none. Borrowed. */
static X509 *cert_at(const SSL *ssl, int i)
{
	/* On a server's side the chain has no leaf. */
	return i == 0 ? SSL_get0_peer_certificate(ssl)
		      : sk_X509_value(SSL_get_peer_cert_chain(ssl), i - 1);
}

static_assert(PEER_CERTS_MAX == 8 && PEER_DER_BYTES_MAX == 65536, "as base/reasons.h says");

int peer_fingerprint(const STACK_OF(X509) * certs, uint8_t fingerprint[PEER_FINGERPRINT_BYTES])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool is_whole = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
	size_t bytes = 0;
	int r = sk_X509_num(certs) <= PEER_CERTS_MAX ? 0 : -E2BIG;

	for (int i = 0; r == 0 && is_whole && i < sk_X509_num(certs); i++) {
		uint8_t *der = NULL;
		int n = i2d_X509(sk_X509_value(certs, i), &der);
		if (n > 0 && (bytes += (size_t)n) > PEER_DER_BYTES_MAX)
			r = -E2BIG;
		is_whole = n > 0 && EVP_DigestUpdate(digest, der, (size_t)n) == 1;
		OPENSSL_free(der);
	}
	if (r == 0 && !(is_whole && EVP_DigestFinal_ex(digest, fingerprint, NULL) == 1))
		r = -ENOMEM;
	EVP_MD_CTX_free(digest);
	ERR_clear_error();
	return r;
}

struct peer *peers_find_trusted(struct peers *peers,
				const uint8_t fingerprint[PEER_FINGERPRINT_BYTES],
				const struct tls_ctx *ctx, int64_t now)
{
	pthread_mutex_lock(&peers->lock);
	struct peer *peer = find(peers, fingerprint);
	if (peer != NULL && peer->generation == ctx->generation && is_trusted(peer) &&
	    now >= peer->from && now < peer->until)
		hold(peers, peer);
	else
		peer = NULL;
	pthread_mutex_unlock(&peers->lock);
	return peer;
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

int peers_take(struct peers *peers, const SSL *ssl, const struct peer_finding *finding,
	       struct identity *identity, struct peer **peer)
{
	size_t bytes = chain_bytes(ssl);
	struct peer *fresh = malloc(sizeof(*fresh) + bytes);
	if (fresh == NULL) {
		identity_free(identity);
		return -ENOMEM;
	}
	*fresh = (struct peer){.peers = peers,
			       .refs = 1,
			       .identity = identity,
			       .generation = finding->ctx->generation,
			       .verdict = HANDSHAKE_FAILURE_COUNT,
			       .from = finding->from,
			       .until = finding->until,
			       .der_bytes = bytes};
	memcpy(fresh->fingerprint, finding->fingerprint, PEER_FINGERPRINT_BYTES);
	cert_text_serial(cert_at(ssl, 0), fresh->serial, sizeof(fresh->serial));
	uint8_t *at = fresh->der;
	X509 *cert;
	for (int i = 0; (cert = cert_at(ssl, i)) != NULL; i++)
		i2d_X509(cert, &at); /* moves at */
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

/* Whoever has other names by ctx is another client: it is to come again as that. */
static enum handshake_failure judge_names(const struct peer *peer, const struct tls_ctx *ctx,
					  X509 *leaf, const struct tls_ca_group *group)
{
	struct identity *identity;
	enum handshake_failure failure;

	if (tls_trust_identify(ctx, leaf, group, &identity, &failure) < 0)
		return failure;
	bool is_same = identity_is_same(identity, peer->identity);
	identity_free(identity);
	return is_same ? HANDSHAKE_FAILURE_COUNT : HANDSHAKE_NAME_NOT_VOUCHED;
}

static enum handshake_failure verify(const struct peer *peer, struct tls_ctx *ctx)
{
	STACK_OF(X509) * rest;
	X509 *leaf = parse_chain(peer, &rest);
	if (leaf == NULL)
		return HANDSHAKE_INTERNAL;
	const struct tls_chain chain = {.leaf = leaf, .rest = rest, .at = 0};
	struct tls_verdict verdict;
	tls_trust_verify(ctx, &chain, &verdict);
	enum handshake_failure failure = verdict.error != X509_V_OK
						 ? tls_trust_failure_of(verdict.error)
						 : judge_names(peer, ctx, leaf, verdict.group);
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
		peer->until = 0; /* the time was not looked at */
	}
	verdict = peer->verdict;
	pthread_mutex_unlock(&peers->lock);
	return verdict;
}

/* One peer of the bucket that ctx has not judged, with a reference. */
static struct peer *take_unjudged(struct peers *peers, size_t bucket, const struct tls_ctx *ctx)
{
	pthread_mutex_lock(&peers->lock);
	struct peer *peer = peers->by_name[bucket];
	while (peer != NULL && peer->generation >= ctx->generation)
		peer = peer->next_named;
	if (peer != NULL)
		hold(peers, peer);
	pthread_mutex_unlock(&peers->lock);
	return peer;
}

void peers_check(struct peers *peers, struct tls_ctx *ctx)
{
	struct peer *peer;

	forget_idle(peers);
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((peer = take_unjudged(peers, i, ctx)) != NULL) {
			enum handshake_failure verdict = peer_check(peer, ctx);
			peer_release(peer);
			if (verdict == HANDSHAKE_INTERNAL)
				return; /* no memory: the workers ask, and deny */
		}
	}
}
