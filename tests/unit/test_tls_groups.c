/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of the key exchange: which are allowed, which is agreed on, and in how many round trips.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "tls/tls_groups.h"
#include "tls/tls_library.h"

TestSuite(tls_groups);

#define ONLY(id) (1u << TLS_GROUP_##id)

/* What of ML-KEM this library has. */
static bool has_mlkem(void)
{
	return OpenSSL_version_num() >= 0x30500000ul;
}

static unsigned allowed_of(unsigned wanted, int expected, unsigned *lacking)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(tls_library(), NULL, TLS_server_method());

	must(ctx != NULL);
	cr_assert_eq(tls_groups_allow(ctx, wanted, false, lacking), expected);
	cr_assert_eq(ERR_peek_error(), 0);
	SSL_CTX_free(ctx);
	return wanted & ~*lacking;
}

/* Each is there wherever the library has it at all: also in the lean context. */
Test(tls_groups, what_the_library_has)
{
	unsigned lacking, without_mlkem = has_mlkem() ? 0 : ONLY(X25519MLKEM768);
	char text[128];

	cr_assert_eq(allowed_of(TLS_GROUPS_ALL, 0, &lacking), TLS_GROUPS_ALL & ~without_mlkem);
	cr_assert_eq(lacking, without_mlkem);
	cr_assert_eq(allowed_of(ONLY(P521), 0, &lacking), ONLY(P521));
	if (!has_mlkem())
		allowed_of(ONLY(X25519MLKEM768), -ENOENT, &lacking);
	tls_groups_format(ONLY(P384) | ONLY(X25519MLKEM768), text, sizeof(text));
	cr_assert_str_eq(text, "X25519MLKEM768, P-384");
}

/* ---- Two sides ------------------------------------------------------------------------------- */

struct pair {
	SSL *client, *server;
	unsigned hellos; /* ClientHellos: two, if the server has asked for another key share */
};

static void count_hellos(int is_sent, int version, int type, const void *data, size_t len, SSL *ssl,
			 void *arg)
{
	struct pair *pair = arg;

	(void)version;
	(void)ssl;
	if (is_sent != 0 && type == SSL3_RT_HANDSHAKE && len > 0 &&
	    *(const unsigned char *)data == SSL3_MT_CLIENT_HELLO)
		pair->hellos++;
}

static SSL *side_new(const SSL_METHOD *method, OSSL_LIB_CTX *library)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, method);

	must(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL *ssl = SSL_new(ctx);
	must(ssl != NULL);
	SSL_CTX_free(ctx);
	return ssl;
}

/* The server as ours, with the groups that are allowed; the client as others have it: its list, the
 * first of which is the one that it sends a key share for. True: it is done. */
static bool agree(struct pair *pair, unsigned allowed, const char *of_client)
{
	struct cert_pair cert = cert_pair_make("server", EVP_EC_gen("P-256"), false, NULL);
	unsigned lacking;
	BIO *one, *other;

	pair->hellos = 0;
	pair->server = side_new(TLS_server_method(), tls_library());
	pair->client = side_new(TLS_client_method(), NULL);
	SSL_CTX *ctx = SSL_get_SSL_CTX(pair->server);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	must(tls_groups_allow(ctx, allowed, false, &lacking) == 0);
	SSL *server = SSL_new(ctx); /* which has them */
	must(server != NULL);
	SSL_free(pair->server);
	pair->server = server;
	must(SSL_use_certificate(server, cert.cert) == 1 &&
	     SSL_use_PrivateKey(server, cert.key) == 1);
	must(SSL_set1_groups_list(pair->client, of_client) == 1);
	SSL_set_msg_callback(pair->client, count_hellos);
	SSL_set_msg_callback_arg(pair->client, pair);
	must(BIO_new_bio_pair(&one, 65536, &other, 65536) == 1);
	SSL_set_bio(pair->client, one, one);
	SSL_set_bio(server, other, other);
	SSL_set_connect_state(pair->client);
	SSL_set_accept_state(server);
	for (int turn = 0; turn < 8; turn++) {
		SSL_do_handshake(pair->client);
		SSL_do_handshake(server);
	}
	ERR_clear_error();
	cert_pair_fini(&cert);
	return SSL_is_init_finished(pair->client) && SSL_is_init_finished(server);
}

static void pair_fini(struct pair *pair)
{
	SSL_free(pair->client);
	SSL_free(pair->server);
}

/* A client whose key share is for a group that is allowed is not asked for another one, however
 * much better the server likes that. */
Test(tls_groups, key_share_that_is_allowed_is_taken)
{
	static const struct {
		unsigned allowed;
		const char *of_client;
		enum tls_group agreed; /* TLS_GROUP_OTHER: none */
		unsigned hellos;
	} rows[] = {
		{TLS_GROUPS_DEFAULT, "X25519:P-256:P-384", TLS_GROUP_X25519, 1},
		{TLS_GROUPS_DEFAULT, "P-384:P-256:X25519", TLS_GROUP_P384, 1},
		{TLS_GROUPS_DEFAULT, "P-256:X25519", TLS_GROUP_P256, 1},
		{TLS_GROUPS_ALL, "P-521:X25519", TLS_GROUP_P521, 1},
		/* not among those that are allowed: the best of ours that the client has */
		{TLS_GROUPS_DEFAULT, "P-521:P-384:P-256", TLS_GROUP_P256, 2},
		{TLS_GROUPS_DEFAULT, "X448:P-384:X25519", TLS_GROUP_X25519, 2},
		{ONLY(P384) | ONLY(P521), "X25519:P-521:P-384", TLS_GROUP_P384, 2},
		{ONLY(P384), "P-384", TLS_GROUP_P384, 1},
		{ONLY(P384), "X25519:P-256", TLS_GROUP_OTHER, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pair pair;
		bool is_done = agree(&pair, rows[i].allowed, rows[i].of_client);
		cr_expect_eq(is_done, rows[i].agreed != TLS_GROUP_OTHER, "%s", rows[i].of_client);
		cr_expect_eq(pair.hellos, rows[i].hellos, "%s: %u hellos", rows[i].of_client,
			     pair.hellos);
		if (is_done) {
			cr_expect_eq(tls_groups_agreed(pair.server), rows[i].agreed, "%s: %s",
				     rows[i].of_client,
				     tls_group_label(tls_groups_agreed(pair.server)));
			cr_expect_eq(tls_groups_agreed(pair.client), rows[i].agreed);
		}
		pair_fini(&pair);
	}
}

/* As clients of Go and of OpenSSL 3.5 begin: with a share for both. */
Test(tls_groups, mlkem_is_taken_first)
{
	struct pair pair;

	if (!has_mlkem())
		cr_skip_test("OpenSSL before 3.5 has no X25519MLKEM768");
	cr_assert(agree(&pair, TLS_GROUPS_DEFAULT, "*X25519MLKEM768:*X25519:P-256"));
	cr_assert_eq(tls_groups_agreed(pair.server), TLS_GROUP_X25519MLKEM768);
	cr_assert_eq(pair.hellos, 1);
	pair_fini(&pair);
	cr_assert(agree(&pair, TLS_GROUPS_DEFAULT, "*X25519:*X25519MLKEM768:P-256"));
	cr_assert_eq(tls_groups_agreed(pair.server), TLS_GROUP_X25519MLKEM768);
	pair_fini(&pair);
	/* only the older one has a share: no other is asked for */
	cr_assert(agree(&pair, TLS_GROUPS_DEFAULT, "*X25519:X25519MLKEM768"));
	cr_assert_eq(tls_groups_agreed(pair.server), TLS_GROUP_X25519);
	cr_assert_eq(pair.hellos, 1);
	pair_fini(&pair);
	cr_assert(agree(&pair, ONLY(X25519) | ONLY(P256), "*X25519MLKEM768:*X25519:P-256"));
	cr_assert_eq(tls_groups_agreed(pair.server), TLS_GROUP_X25519);
	cr_assert_eq(pair.hellos, 1);
	pair_fini(&pair);
}
