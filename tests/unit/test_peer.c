/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that were verified, after real handshakes in memory. */
#include "tls/peer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "tls/cert_identity.h"
#include "tls/peer_private.h"
#include "tls/tls_ctx_private.h"

static struct peers *peers;
static struct tls_ctx ctx = {.generation = 1}, newer_ctx = {.generation = 2};

#define FROM  1000 /* the handshakes of these tests, in seconds since 1970 */
#define UNTIL 2000

static void setup(void)
{
	peers = peers_new();
	cr_assert_not_null(peers);
}

static void teardown(void)
{
	peers_free(peers); /* must: nobody is left */
}

TestSuite(peer, .timeout = 600, .init = setup, .fini = teardown);

static struct cert_pair pair_make(const char *common_name)
{
	return cert_pair_make(common_name, EVP_EC_gen("P-256"), false, NULL);
}

/* Of more than BIG_BYTES, and different with each call. */
#define BIG_BYTES 40000
static struct cert_pair big_pair_make(void)
{
	struct cert_pair pair = pair_make("client");
	char *comment = malloc(BIG_BYTES + 1);

	must(comment != NULL);
	memset(comment, 'x', BIG_BYTES);
	comment[BIG_BYTES] = '\0';
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, NID_netscape_comment, comment);
	must(extension != NULL && X509_add_ext(pair.cert, extension, -1) == 1);
	must(X509_sign(pair.cert, pair.key, EVP_sha256()) > 0);
	X509_EXTENSION_free(extension);
	free(comment);
	return pair;
}

static int let_in(int preverified, X509_STORE_CTX *store_ctx)
{
	(void)preverified;
	(void)store_ctx;
	return 1;
}

static SSL *side_make(const SSL_METHOD *method, const struct cert_pair *pair, BIO *bio)
{
	SSL_CTX *ssl_ctx = SSL_CTX_new(method);
	must(ssl_ctx != NULL && SSL_CTX_use_certificate(ssl_ctx, pair->cert) == 1);
	must(SSL_CTX_use_PrivateKey(ssl_ctx, pair->key) == 1);
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, let_in);
	SSL *ssl = SSL_new(ssl_ctx);
	SSL_CTX_free(ssl_ctx);
	must(ssl != NULL);
	SSL_set_bio(ssl, bio, bio);
	return ssl;
}

static void fingerprint(const struct cert_pair *pair, uint8_t out[PEER_FINGERPRINT_BYTES])
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	must(certs != NULL && sk_X509_push(certs, pair->cert) > 0);
	cr_assert_eq(peer_fingerprint(certs, out), 0);
	sk_X509_free(certs);
}

static bool is_trusted(const struct cert_pair *pair, const struct tls_ctx *by, int64_t now)
{
	uint8_t print[PEER_FINGERPRINT_BYTES];
	fingerprint(pair, print);
	struct peer *peer = peers_find_trusted(peers, print, by, now);
	peer_release(peer);
	return peer != NULL;
}

/* What a handshake of a client with this certificate gives. */
static struct peer *take(const struct cert_pair *pair)
{
	struct identity *identity;
	struct peer *peer = NULL;
	struct peer_finding finding = {.ctx = &ctx, .from = FROM, .until = UNTIL};
	BIO *client_bio, *server_bio;

	fingerprint(pair, finding.fingerprint);
	must(BIO_new_bio_pair(&client_bio, 131072, &server_bio, 131072) == 1);
	SSL *client = side_make(TLS_client_method(), pair, client_bio);
	SSL *server = side_make(TLS_server_method(), pair, server_bio);
	int r = 0;
	for (int i = 0; i < 8 && r != 1; i++) {
		SSL_connect(client);
		r = SSL_accept(server);
	}
	cr_assert_eq(r, 1);
	cr_assert_eq(cert_identity(pair->cert, &identity), 0);
	cr_assert_eq(peers_take(peers, server, &finding, identity, &peer), 0);
	SSL_free(client);
	SSL_free(server);
	return peer;
}

Test(peer, one_certificate_is_one_peer)
{
	struct cert_pair one = pair_make("client"), other = pair_make("client");
	struct peer *a = take(&one), *b = take(&one), *c = take(&other);

	cr_expect_eq(a, b);
	cr_expect_neq(a, c);
	peer_release(a);
	peer_release(b);
	peer_release(c);
	cert_pair_fini(&one);
	cert_pair_fini(&other);
}

/* Whatever its certificates are, a client is its first name. */
Test(peer, connections_of_a_client_are_counted)
{
	struct cert_pair one = pair_make("client"), renewed = pair_make("client");
	struct cert_pair stranger = pair_make("stranger");
	struct peer *a = take(&one), *b = take(&renewed), *c = take(&stranger);

	cr_expect(peer_admit(a, 2));
	cr_expect(peer_admit(b, 2));
	cr_expect_not(peer_admit(a, 2));
	cr_expect_not(peer_admit(b, 2));
	cr_expect(peer_admit(c, 2));
	peer_leave(a);
	cr_expect(peer_admit(b, 2));
	cr_expect_not(peer_admit(a, 2));
	peer_leave(b);
	peer_leave(b);
	peer_leave(c);
	peer_release(a);
	peer_release(b);
	peer_release(c);
	cert_pair_fini(&one);
	cert_pair_fini(&renewed);
	cert_pair_fini(&stranger);
}

/* Others who shake hands at this moment, and who looks at the peer because trust has changed, hold
 * references: they take nobody's place. */
Test(peer, a_reference_is_no_connection)
{
	struct cert_pair pair = pair_make("client");
	struct peer *peer[3];

	for (size_t i = 0; i < ARRAY_LEN(peer); i++)
		peer[i] = take(&pair);
	cr_expect(peer_admit(peer[0], 2));
	cr_expect(peer_admit(peer[1], 2));
	cr_expect_not(peer_admit(peer[2], 2));
	peer_leave(peer[0]);
	peer_leave(peer[1]);
	for (size_t i = 0; i < ARRAY_LEN(peer); i++)
		peer_release(peer[i]);
	cert_pair_fini(&pair);
}

/* ---- Trusted before -------------------------------------------------------------------------- */

Test(peer, who_comes_again_is_known)
{
	struct cert_pair pair = pair_make("client"), namesake = pair_make("client");
	struct peer *peer = take(&pair);

	cr_expect(is_trusted(&pair, &ctx, FROM), "while it has a connection");
	peer_release(peer);
	cr_expect(is_trusted(&pair, &ctx, FROM), "and after it");
	cr_expect(is_trusted(&pair, &ctx, UNTIL - 1));
	cr_expect_not(is_trusted(&namesake, &ctx, FROM), "a certificate, not a name");
	cert_pair_fini(&pair);
	cert_pair_fini(&namesake);
}

Test(peer, trust_ends_with_its_time)
{
	struct cert_pair pair = pair_make("client");
	struct peer *peer = take(&pair);

	cr_expect_not(is_trusted(&pair, &ctx, UNTIL), "a certificate or a list has ended");
	cr_expect_not(is_trusted(&pair, &ctx, FROM - 1), "the clock was put back");
	peer_release(peer);
	cr_expect_not(is_trusted(&pair, &ctx, UNTIL));
	cert_pair_fini(&pair);
}

/* Other CAs, lists or names: the certificate is looked at again. */
Test(peer, trust_ends_with_its_context)
{
	struct cert_pair pair = pair_make("client");
	struct peer *peer = take(&pair);

	cr_expect_not(is_trusted(&pair, &newer_ctx, FROM));
	peer_release(peer);
	cr_expect_not(is_trusted(&pair, &newer_ctx, FROM));
	peers_check(peers, &newer_ctx);
	cr_expect_not(is_trusted(&pair, &newer_ctx, FROM));
	cr_expect_not(is_trusted(&pair, &ctx, FROM), "who has no connection was forgotten");
	cert_pair_fini(&pair);
}

/* To a connection that is there the time does not matter, so its verdict is none for the next. */
static struct tls_ctx trust_make(uint64_t generation)
{
	struct tls_ctx trust = {.generation = generation,
				.ssl_ctx = SSL_CTX_new(TLS_server_method()),
				.clients = X509_STORE_new(),
				.group_count = 1};
	trust.group[0].cas = sk_X509_new_null();
	must(trust.ssl_ctx != NULL && trust.clients != NULL && trust.group[0].cas != NULL);
	return trust;
}

static void trust_fini(struct tls_ctx *trust)
{
	tls_clients_fini(trust);
	SSL_CTX_free(trust->ssl_ctx);
}

Test(peer, a_verdict_on_a_connection_is_none_on_a_handshake)
{
	struct cert_pair pair = pair_make("client");
	struct tls_ctx with_ca = trust_make(2), without = trust_make(3);
	struct peer *peer = take(&pair);

	must(X509_STORE_add_cert(with_ca.clients, pair.cert) == 1);
	must(X509_up_ref(pair.cert) == 1 && sk_X509_push(with_ca.group[0].cas, pair.cert) > 0);
	cr_expect_eq(peer_check(peer, &with_ca), HANDSHAKE_FAILURE_COUNT, "trusted");
	cr_expect_not(is_trusted(&pair, &with_ca, FROM));
	cr_expect_not(is_trusted(&pair, &ctx, FROM));
	cr_expect_eq(peer_check(peer, &without), HANDSHAKE_CERT_UNKNOWN_CA);
	peer_release(peer);
	cr_expect_not(is_trusted(&pair, &without, FROM));
	trust_fini(&with_ca);
	trust_fini(&without);
	cert_pair_fini(&pair);
}

Test(peer, a_chain_is_all_of_its_certificates)
{
	struct cert_pair leaf = pair_make("client"), other = pair_make("ca");
	struct cert_pair big = big_pair_make();
	STACK_OF(X509) *certs = sk_X509_new_null();
	uint8_t alone[PEER_FINGERPRINT_BYTES], both[PEER_FINGERPRINT_BYTES];
	uint8_t turned[PEER_FINGERPRINT_BYTES];

	must(certs != NULL && sk_X509_push(certs, leaf.cert) > 0);
	cr_assert_eq(peer_fingerprint(certs, alone), 0);
	must(sk_X509_push(certs, other.cert) > 0);
	cr_assert_eq(peer_fingerprint(certs, both), 0);
	cr_expect_arr_neq(alone, both, sizeof(alone));
	must(sk_X509_push(certs, sk_X509_shift(certs)) > 0);
	cr_assert_eq(peer_fingerprint(certs, turned), 0);
	cr_expect_arr_neq(turned, both, sizeof(both));
	while (sk_X509_num(certs) <= PEER_CERTS_MAX)
		must(sk_X509_push(certs, other.cert) > 0);
	cr_expect_eq(peer_fingerprint(certs, both), -E2BIG);
	sk_X509_zero(certs);
	must(sk_X509_push(certs, big.cert) > 0);
	cr_expect_eq(peer_fingerprint(certs, alone), 0);
	must(sk_X509_push(certs, big.cert) > 0);
	cr_expect_eq(peer_fingerprint(certs, both), -E2BIG, "more than PEER_DER_BYTES_MAX");
	sk_X509_free(certs);
	cert_pair_fini(&big);
	cert_pair_fini(&leaf);
	cert_pair_fini(&other);
}

/* As many as PEER_IDLE_BYTES_MAX holds; the latest stay, and who is connected always. */
Test(peer, the_idle_are_bounded)
{
	struct cert_pair connected = pair_make("connected"), first = big_pair_make();
	struct cert_pair last = big_pair_make();
	struct peer *held = take(&connected);

	peer_release(take(&first));
	for (size_t bytes = BIG_BYTES; bytes <= PEER_IDLE_BYTES_MAX; bytes += BIG_BYTES) {
		cr_expect(is_trusted(&first, &ctx, FROM)); /* which makes it the latest */
		cert_pair_fini(&last);
		last = big_pair_make();
		peer_release(take(&last));
	}
	cr_expect(is_trusted(&first, &ctx, FROM));
	for (size_t bytes = 0; bytes <= PEER_IDLE_BYTES_MAX; bytes += BIG_BYTES) {
		cert_pair_fini(&last);
		last = big_pair_make();
		peer_release(take(&last));
	}
	cr_expect(is_trusted(&last, &ctx, FROM));
	cr_expect_not(is_trusted(&first, &ctx, FROM));
	cr_expect(is_trusted(&connected, &ctx, FROM));
	peer_release(held);
	cert_pair_fini(&connected);
	cert_pair_fini(&first);
	cert_pair_fini(&last);
}
