/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of the key exchange: what is agreed on, in how many round trips, and what the log and the
 * metrics say of it. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"

TestSuite(groups, .timeout = WIRE_TIMEOUT);

static unsigned hellos; /* ClientHellos of the connection */

static void count_hellos(int is_sent, int version, int type, const void *data, size_t len, SSL *ssl,
			 void *arg)
{
	(void)version;
	(void)ssl;
	(void)arg;
	if (is_sent != 0 && type == SSL3_RT_HANDSHAKE && len > 0 &&
	    *(const unsigned char *)data == SSL3_MT_CLIENT_HELLO)
		hellos++;
}

static void prepare(struct wire_client *client, const struct wire_server *server, const char *list)
{
	hellos = 0;
	wire_prepare(client, server);
	cr_assert_eq(SSL_set1_groups_list(client->ssl, list), 1, "%s", list);
	SSL_set_msg_callback(client->ssl, count_hellos);
}

/* A client with this list, whose first is the one that it sends a key share for, is served by this
 * group. */
static void agrees(struct wire_server *server, const char *list, const char *group, unsigned trips)
{
	struct wire_client client = {0};
	char metric[96], words[64];

	snprintf(metric, sizeof(metric), "sluice_tls_key_exchanges_total{group=\"%s\"}", group);
	snprintf(words, sizeof(words), " group=%s ", group);
	uint64_t before = wire_metric(server, metric);
	prepare(&client, server, list);
	cr_assert(wire_handshake(&client), "%s", list);
	cr_assert_eq(hellos, trips, "%s: %u ClientHellos", list, hellos);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_metric_is(server, metric, before + 1);
	wire_log_has(server, "msg=request ", words);
}

static void has_nothing_in_common(struct wire_server *server, const char *list)
{
	struct wire_client client = {0};

	prepare(&client, server, list);
	cr_assert(!wire_handshake(&client), "%s", list);
	cr_assert_eq(client.end, WIRE_END_ALERT);
	cr_assert_eq(client.alert, 40, "alert %d", client.alert);
	wire_disconnect(&client);
}

/* A key share that can be used costs no second round trip, whatever the server likes better. */
Test(groups, default)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	agrees(&server, "X25519:P-256:P-384", "X25519", 1);
	agrees(&server, "P-256:X25519", "P-256", 1);
	agrees(&server, "P-384:P-256:X25519", "P-384", 1);
	agrees(&server, "P-521:P-384:X25519", "X25519", 2);
	has_nothing_in_common(&server, "P-521");
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* With a library that has it on both sides. */
Test(groups, mlkem)
{
	struct wire_server server = {0};

	if (OpenSSL_version_num() < 0x30500000ul)
		cr_skip_test("OpenSSL before 3.5 has no X25519MLKEM768");
	wire_server_start(&server);
	agrees(&server, "*X25519MLKEM768:*X25519:P-256", "X25519MLKEM768", 1);
	agrees(&server, "*X25519:X25519MLKEM768", "X25519", 1);
	wire_server_stop(&server);
}

/* The list says what is allowed; its order does not matter. */
Test(groups, curve_preferences)
{
	struct wire_server server = {.option = {"--curve-preferences=CurveP521,CurveP256"}};

	wire_server_start(&server);
	agrees(&server, "X25519:P-521:P-256", "P-256", 2);
	agrees(&server, "P-521:P-256", "P-521", 1);
	has_nothing_in_common(&server, "X25519:P-384");
	wire_server_stop(&server);
}

static const char *file_of_prometheus(struct wire_server *server, const char *more)
{
	static char option[PATH_MAX + 16];
	char file[PATH_MAX];

	wire_env_need(&server->env);
	snprintf(file, sizeof(file), "%s/prometheus-%d.yml", server->env.dir, getpid());
	FILE *out = fopen(file, "w");
	must(out != NULL);
	fprintf(out,
		"tls_server_config:\n"
		"  min_version: TLS12\n"
		"  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n"
		"  curve_preferences: [CurveP384, CurveP256]\n%s",
		more);
	fclose(out);
	snprintf(option, sizeof(option), "--config=%s", file);
	return option;
}

/* As it stands in front of Prometheus: with names of TLS 1.2, which say nothing here. */
Test(groups, file_of_prometheus)
{
	struct wire_server server = {0};

	server.option[0] = file_of_prometheus(&server, "");
	wire_server_start(&server);
	agrees(&server, "P-384:P-256", "P-384", 1);
	has_nothing_in_common(&server, "X25519");
	for (unsigned i = 0; i < TLS_CIPHER_COUNT; i++) {
		struct wire_client client = {.ciphers = tls_cipher_label((enum tls_cipher)i)};
		prepare(&client, &server, "P-256");
		cr_assert(wire_handshake(&client));
		cr_assert_eq(client.cipher, i);
		wire_disconnect(&client);
	}
	wire_server_stop(&server);
}

/* The suite that a client gets that has all of them, in this order. */
static enum tls_cipher cipher_of(struct wire_server *server)
{
	struct wire_client client = {.ciphers = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"};

	wire_connect(&client, server);
	enum tls_cipher cipher = client.cipher;
	wire_fetch(&client, "/data/size-1", 1, 1);
	wire_disconnect(&client);
	return cipher;
}

Test(groups, whose_cipher_order_counts)
{
	struct wire_server ours = {0}, theirs = {0};

	wire_server_start(&ours);
	cr_assert_eq(cipher_of(&ours), TLS_CIPHER_AES_128_GCM);
	wire_server_stop(&ours);
	theirs.option[0] = file_of_prometheus(&theirs, "  prefer_server_cipher_suites: false\n");
	wire_server_start(&theirs);
	cr_assert_eq(cipher_of(&theirs), TLS_CIPHER_AES_256_GCM);
	wire_server_stop(&theirs);
}
