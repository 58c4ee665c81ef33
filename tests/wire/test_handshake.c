/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets in, who does not, and what each of them is told. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/must.h"

TestSuite(handshake, .timeout = WIRE_TIMEOUT);

/* The client is told alert, the log and the metric say reason, and others are served. */
static void refused(struct wire_server *server, struct wire_client *client, int alert,
		    const char *reason)
{
	wire_server_start(server);
	wire_prepare(client, server);
	wire_handshake_refused(client, alert);
	wire_handshake_failed(server, reason, 1);
	wire_closed(server, "handshake_failed", 1);
	wire_disconnect(client);
	wire_serves_others(server);
	wire_server_stop(server);
}

static void certificate_refused(enum wire_cert cert, int alert, const char *reason)
{
	struct wire_server server = {0};
	struct wire_client client = {.cert = cert};

	refused(&server, &client, alert, reason);
}

Test(handshake, no_certificate)
{
	certificate_refused(WIRE_CERT_NONE, 116, "no_client_certificate");
}

Test(handshake, expired_certificate)
{
	certificate_refused(WIRE_CERT_EXPIRED, 45, "certificate_expired");
}

Test(handshake, certificate_not_yet_valid)
{
	certificate_refused(WIRE_CERT_NOT_YET_VALID, 42, "certificate_not_yet_valid");
}

Test(handshake, certificate_of_another_ca)
{
	certificate_refused(WIRE_CERT_WRONG_CA, 48, "unknown_ca");
}

Test(handshake, self_signed_certificate)
{
	certificate_refused(WIRE_CERT_SELF_SIGNED, 48, "unknown_ca");
}

Test(handshake, certificate_for_servers)
{
	certificate_refused(WIRE_CERT_WRONG_PURPOSE, 43, "wrong_purpose");
}

/* Certificates that nobody needs, behind the client's own. */
static void send_along(struct wire_client *client, const char *name, int count)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/certs/%s.crt", client->server->env.dir, name);
	FILE *file = fopen(path, "r");
	must(file != NULL);
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	must(cert != NULL);
	for (int i = 0; i < count; i++)
		must(SSL_add1_chain_cert(client->ssl, cert) == 1);
	X509_free(cert);
}

Test(handshake, chain_of_many_certificates)
{
	struct wire_server server = {0};
	struct wire_client client = {0}, other = {0};

	wire_server_start(&server);
	wire_prepare(&client, &server);
	send_along(&client, "other-ca", 8);
	wire_handshake_refused(&client, 48);
	wire_handshake_failed(&server, "chain_too_long", 1);
	wire_prepare(&other, &server);
	send_along(&other, "other-ca", 7);
	cr_assert(wire_handshake(&other));
	wire_fetch(&other, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_disconnect(&other);
	wire_server_stop(&server);
}

Test(handshake, revoked_certificate)
{
	struct wire_server server = {.wants_crl = true};
	struct wire_client client = {.cert = WIRE_CERT_REVOKED};

	refused(&server, &client, 44, "certificate_revoked");
}

Test(handshake, revoked_certificate_without_crl_is_served)
{
	struct wire_server server = {0};
	struct wire_client client = {.cert = WIRE_CERT_REVOKED};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A list that is out of date says nothing about anyone: unknown means deny. */
Test(handshake, crl_out_of_date)
{
	char option[PATH_MAX];
	struct wire_server server = {.option = {option}};
	struct wire_client client = {0};

	wire_env_need(&server.env);
	snprintf(option, sizeof(option), "--crl=%s/certs/stale.crl", server.env.dir);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_expect_alert(&client, 45); /* what OpenSSL makes of an expired CRL */
	wire_handshake_failed(&server, "crl_unusable", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(handshake, tls_1_2_client)
{
	struct wire_server server = {0};
	struct wire_client client = {.version_max = TLS1_2_VERSION};

	refused(&server, &client, 70, "protocol_version");
}

Test(handshake, no_shared_cipher)
{
	struct wire_server server = {.option = {"--cipher-suites=TLS_AES_256_GCM_SHA384"}};
	struct wire_client client = {.ciphers = "TLS_CHACHA20_POLY1305_SHA256"};
	struct wire_client other = {.ciphers = "TLS_AES_256_GCM_SHA384"};

	wire_server_start(&server);
	wire_prepare(&client, &server);
	cr_assert(!wire_handshake(&client));
	cr_assert_eq(client.end, WIRE_END_ALERT);
	cr_assert_eq(client.alert, 40, "alert %d", client.alert);
	wire_handshake_failed(&server, "no_shared_cipher", 1);
	wire_disconnect(&client);
	wire_connect(&other, &server);
	wire_fetch(&other, "/data/size-100", 100, 100);
	wire_disconnect(&other);
	wire_server_stop(&server);
}

/* "Nothing in common", by what it is that they have not: each has a reason of its own. */
Test(handshake, nothing_in_common)
{
	static const struct {
		const char *groups, *algorithms;
		int version_max;
		int alert;
		const char *reason, *sent;
	} rows[] = {
		{"P-521", NULL, 0, 40, "no_shared_group", "alert_sent=handshake_failure"},
		{NULL, "rsa_pss_rsae_sha256:ed25519", 0, 40, "no_shared_signature_algorithm",
		 "alert_sent=handshake_failure"},
		{NULL, NULL, TLS1_2_VERSION, 70, "protocol_version", "alert_sent=protocol_version"},
	};
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {.version_max = rows[i].version_max};
		char reason[64];
		wire_prepare(&client, &server);
		if (rows[i].groups != NULL)
			cr_assert_eq(SSL_set1_groups_list(client.ssl, rows[i].groups), 1);
		if (rows[i].algorithms != NULL)
			cr_assert_eq(SSL_set1_sigalgs_list(client.ssl, rows[i].algorithms), 1);
		wire_handshake_refused(&client, rows[i].alert);
		wire_handshake_failed(&server, rows[i].reason, 1);
		snprintf(reason, sizeof(reason), "reason=%s ", rows[i].reason);
		wire_log_has(&server, "msg=\"handshake failed\"", reason, rows[i].sent);
		wire_disconnect(&client);
	}
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* An alert of the client's ends it: which one is told, and none is sent in answer. */
Test(handshake, an_alert_of_the_client)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char line[WIRE_LINE_MAX];

	wire_server_start(&server);
	wire_prepare(&client, &server);
	SSL_set1_host(client.ssl, "another.example"); /* not the server's name */
	cr_assert(!wire_handshake(&client));
	wire_handshake_failed(&server, "client_alert", 1);
	wire_log_line(&server, line, "msg=\"handshake failed\"", "alert_received=bad_certificate",
		      NULL);
	cr_assert_null(strstr(line, "alert_sent="), "%s", line);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(handshake, every_cipher)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	for (unsigned i = 0; i < TLS_CIPHER_COUNT; i++) {
		struct wire_client client = {.ciphers = tls_cipher_label((enum tls_cipher)i)};
		wire_connect(&client, &server);
		cr_assert_eq(client.cipher, i);
		wire_fetch(&client, "/data/size-16385", 16385, 16385);
		wire_disconnect(&client);
	}
	wire_server_stop(&server);
}

static int verify_refuse(int preverified, X509_STORE_CTX *store_ctx)
{
	(void)preverified;
	X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_CERT_REVOKED);
	return 0;
}

Test(handshake, client_does_not_trust_the_server)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_prepare(&client, &server);
	SSL_set_verify(client.ssl, SSL_VERIFY_PEER, verify_refuse);
	cr_assert(!wire_handshake(&client));
	wire_handshake_failed(&server, "client_alert", 1);
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(handshake, protocol_is_chosen_if_offered)
{
	struct wire_server server = {0};
	struct wire_client both = {.alpn = "\x02h2\x08http/1.1"}, h2 = {.alpn = "\x02h2"};
	const unsigned char *chosen;
	unsigned len;

	wire_server_start(&server);
	wire_connect(&both, &server);
	SSL_get0_alpn_selected(both.ssl, &chosen, &len);
	cr_assert(len == 8 && memcmp(chosen, "http/1.1", 8) == 0);
	wire_fetch(&both, "/data/size-1", 1, 1);
	wire_connect(&h2, &server);
	SSL_get0_alpn_selected(h2.ssl, &chosen, &len);
	cr_assert_eq(len, 0);
	wire_fetch(&h2, "/data/size-1", 1, 1);
	wire_disconnect(&both);
	wire_disconnect(&h2);
	wire_server_stop(&server);
}

/* --cert holds a leaf: that is what the client gets, not also the root from --client-ca, which
 * signed it. */
Test(handshake, chain_is_that_of_the_file)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	cr_assert_eq(sk_X509_num(SSL_get_peer_cert_chain(client.ssl)), 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A ticket would outlive the revocation of its certificate. */
Test(handshake, no_session_to_resume)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-1", 1, 1);
	cr_assert(!SSL_SESSION_is_resumable(SSL_get_session(client.ssl)));
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The name of the log: the first URI, else DNS name, ... else the common name. */
Test(handshake, identity_in_the_log)
{
	static const struct {
		enum wire_cert cert;
		const char *identity;
	} rows[] = {
		{WIRE_CERT_GOOD, " identity=dns:good.clients.test "},
		{WIRE_CERT_URI, " identity=uri:spiffe://test/ns/a/sa/store "},
		{WIRE_CERT_CN_ONLY, " identity=cn:cn-only "},
		{WIRE_CERT_BOTH_PURPOSES, " identity=dns:both.clients.test "},
	};
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {.cert = rows[i].cert};
		wire_connect(&client, &server);
		wire_fetch(&client, "/data/size-1", 1, 1);
		wire_log_has(&server, "msg=request ", rows[i].identity);
		wire_disconnect(&client);
	}
	wire_server_stop(&server);
}

Test(handshake, allowed_names)
{
	struct wire_server server = {0};
	struct wire_client good = {0}, other = {.cert = WIRE_CERT_URI};
	char file[PATH_MAX], option[PATH_MAX + 16];

	wire_env_need(&server.env);
	snprintf(file, sizeof(file), "%s/allowed.yml", server.env.dir);
	FILE *out = fopen(file, "w");
	cr_assert_not_null(out);
	fputs("tls_server_config:\n  client_allowed_sans: [\"second.clients.test\"]\n", out);
	fclose(out);
	snprintf(option, sizeof(option), "--config=%s", file);
	server.option[0] = option;
	wire_server_start(&server);
	wire_connect(&good, &server);
	wire_fetch(&good, "/data/size-1", 1, 1);
	wire_disconnect(&good);
	wire_connect(&other, &server);
	wire_expect_alert(&other, 40);
	wire_handshake_failed(&server, "san_not_allowed", 1);
	wire_disconnect(&other);
	wire_server_stop(&server);
}
