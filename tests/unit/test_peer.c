/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that were verified, after real handshakes in memory. */
#include "tls/peer.h"

#include <criterion/criterion.h>
#include <errno.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "tls/cert_identity.h"
#include "tls/peer_private.h"
#include "tls/tls_ctx_private.h"

static struct peers *peers;
static struct tls_ctx ctx = {.generation = 1};

static void setup(void)
{
	peers = peers_new();
	cr_assert_not_null(peers);
}

static void teardown(void)
{
	peers_free(peers); /* must: nobody is left */
}

TestSuite(peer, .timeout = 60, .init = setup, .fini = teardown);

static struct cert_pair pair_make(const char *common_name)
{
	return cert_pair_make(common_name, EVP_EC_gen("P-256"), false, NULL);
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

/* What a handshake of a client with this certificate gives. */
static struct peer *take(const struct cert_pair *pair)
{
	struct identity *identity;
	struct peer *peer = NULL;
	BIO *client_bio, *server_bio;

	must(BIO_new_bio_pair(&client_bio, 0, &server_bio, 0) == 1);
	SSL *client = side_make(TLS_client_method(), pair, client_bio);
	SSL *server = side_make(TLS_server_method(), pair, server_bio);
	int r = 0;
	for (int i = 0; i < 8 && r != 1; i++) {
		SSL_connect(client);
		r = SSL_accept(server);
	}
	cr_assert_eq(r, 1);
	cr_assert_eq(cert_identity(pair->cert, &identity), 0);
	cr_assert_eq(peers_take(peers, server, &ctx, identity, &peer), 0);
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
