/* SPDX-License-Identifier: Apache-2.0 */
/* Several certificates of a server, chosen by the name that a client asks for, and replaced while
 * it runs. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "wire/wire_trust.h"

TestSuite(certificates, .timeout = WIRE_TIMEOUT);

static const char two[] = "tls_server_config:\n"
			  "  certificates:\n"
			  "    - {cert_file: server.crt, key_file: server.key}\n"
			  "    - {cert_file: named.crt, key_file: named.key}\n";

/* server.crt and named.crt in a folder of the test's own, and a server that has both. */
static void start(struct wire_trust *trust, struct wire_server *server, const char *file)
{
	wire_env_need(&server->env);
	*trust = (struct wire_trust){.server = server};
	snprintf(trust->dir, sizeof(trust->dir), "%s/certificates.%d", server->env.dir,
		 (int)getpid());
	must(mkdir(trust->dir, 0755) == 0);
	wire_trust_pair(trust, "server");
	wire_trust_put(trust, "named.crt", "named.crt", NULL);
	wire_trust_put(trust, "named.key", "named.key", NULL);
	wire_trust_write(trust, "sluice.yml", file);
	snprintf(trust->option[0], PATH_MAX, "--config=%s/sluice.yml", trust->dir);
	server->option[0] = trust->option[0];
	server->lists_certificates = true;
	wire_server_start(server);
}

/* The common name of what a new connection is shown that asks for this name (NULL: for none). */
static void ask(struct wire_server *server, const char *name, char shown[64])
{
	struct wire_client client = {0};

	wire_prepare(&client, server);
	SSL_set1_host(client.ssl, NULL); /* whatever it is for */
	if (name != NULL)
		cr_assert_eq(SSL_set_tlsext_host_name(client.ssl, name), 1);
	cr_assert(wire_handshake(&client), "%s", name != NULL ? name : "no name");
	wire_server_name(&client, shown);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
}

static void shows(struct wire_server *server, const char *name, const char *certificate)
{
	char shown[64];

	ask(server, name, shown);
	cr_assert_str_eq(shown, certificate, "%s: %s", name != NULL ? name : "no name", shown);
}

/* The same, now or soon: files that are others by now are read twice, so reloads do not tell. */
static void will_show(struct wire_server *server, const char *name, const char *certificate)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	char shown[64];

	do {
		ask(server, name, shown);
	} while (strcmp(shown, certificate) != 0 && wire_now_ms() < end_ms);
	cr_assert_str_eq(shown, certificate, "%s: %s", name != NULL ? name : "no name", shown);
}

Test(certificates, chosen_by_name)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	char row[PATH_MAX + 128];

	start(&trust, &server, two);
	shows(&server, NULL, "server");
	shows(&server, "localhost", "server");
	shows(&server, "nowhere.example", "server");
	shows(&server, "a.example", "named");
	shows(&server, "A.Example", "named");
	shows(&server, "b.wild.example", "named");
	shows(&server, "c.b.wild.example", "server");
	wire_log_has(&server, "msg=\"trust read\"", "certificate=\"CN=server\"", "certificates=2");
	static char text[WIRE_ADMIN_MAX];
	cr_assert_eq(wire_admin_get(&server, "/metrics", text), 200);
	for (int i = 0; i < 2; i++) {
		snprintf(row, sizeof(row),
			 "sluice_certificate_not_after_timestamp_seconds{usage=\"server\","
			 "path=\"%s/%s.crt\"",
			 trust.dir, i == 0 ? "server" : "named");
		cr_assert_not_null(strstr(text, row), "no %s", row);
	}
	wire_server_stop(&server);
}

/* A check, and a start, look at each. */
Test(certificates, each_is_checked)
{
	struct wire_env env;
	struct wire_program program;
	char root[PATH_MAX], ca[PATH_MAX], config[PATH_MAX], path[PATH_MAX];

	wire_env_need(&env);
	snprintf(path, sizeof(path), "%s/second-%d.yml", env.dir, (int)getpid());
	FILE *file = fopen(path, "w");
	must(file != NULL);
	fputs("tls_server_config:\n"
	      "  certificates:\n"
	      "    - {cert_file: certs/server.crt, key_file: certs/server.key}\n"
	      "    - {cert_file: certs/old-server.crt, key_file: certs/old-server.key}\n",
	      file);
	fclose(file);
	snprintf(root, sizeof(root), "--root=%s/root", env.dir);
	snprintf(ca, sizeof(ca), "--client-ca=%s/certs/ca.crt", env.dir);
	must(snprintf(config, sizeof(config), "--config=%s", path) < (int)sizeof(config));
	char *argv[] = {env.program, (char *)(uintptr_t) "check",
			root,        (char *)(uintptr_t) "--listen=127.0.0.1:0",
			ca,          config,
			NULL};
	wire_program_run(&env, argv, &program);
	cr_assert_eq(program.exit_code, 5, "%d: %s", program.exit_code, program.err);
	cr_assert_not_null(
		strstr(program.err, "old-server.crt: the server certificate has expired"), "%s",
		program.err);
}

/* The second is watched as the first is; a half of it changes nothing. */
Test(certificates, each_is_replaced)
{
	struct wire_server server = {0};
	struct wire_client before = {0};
	struct wire_trust trust;

	start(&trust, &server, two);
	wire_connect(&before, &server);
	wire_trust_put(&trust, "named.key", "new-named.key", NULL);
	wire_trust_put(&trust, "named.crt", "new-named.crt", NULL);
	wire_trust_reloaded(&trust, 1);
	shows(&server, "a.example", "new-named");
	shows(&server, NULL, "server");
	wire_trust_pair(&trust, "new-server");
	wire_trust_reloaded(&trust, 2);
	shows(&server, "a.example", "new-named");
	shows(&server, NULL, "new-server");
	wire_trust_put(&trust, "named.key", "named.key", NULL);
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "named.key", "does not belong", "named.crt",
		     "the certificate and key that are in force stay");
	shows(&server, "a.example", "new-named");
	/* which holds up no other */
	wire_trust_pair(&trust, "server");
	wire_trust_partial(&trust, 1);
	will_show(&server, NULL, "server");
	shows(&server, "a.example", "new-named");
	wire_fetch(&before, "/data/size-100", 100, 100);
	wire_disconnect(&before);
	wire_server_stop(&server);
}

/* The list is read anew, too: one more, another order. */
Test(certificates, the_list_is_replaced)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	start(&trust, &server, two);
	wire_trust_write(&trust, "sluice.yml",
			 "tls_server_config:\n"
			 "  certificates:\n"
			 "    - {cert_file: named.crt, key_file: named.key}\n"
			 "    - {cert_file: server.crt, key_file: server.key}\n");
	will_show(&server, NULL, "named");
	shows(&server, "localhost", "server");
	wire_trust_write(&trust, "sluice.yml",
			 "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n");
	will_show(&server, "a.example", "server");
	wire_trust_write(&trust, "sluice.yml", two);
	will_show(&server, "a.example", "named");
	wire_server_stop(&server);
}

/* What else cannot be taken up is no reason to go on with a certificate that is to be replaced. */
Test(certificates, replaced_beside_a_list_that_is_none)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_write(&trust, "clients.crl", "nothing\n");
	wire_trust_refused(&trust, 1);
	wire_trust_pair(&trust, "new-server");
	will_show(&server, NULL, "new-server");
	wire_server_stop(&server);
}

/* ---- PEM text in the configuration ----------------------------------------------------------- */

/* A file of wire_certs.h as a double-quoted value of YAML. */
static void value_append(const struct wire_env *env, const char *key, const char *file, char *out)
{
	char path[PATH_MAX], line[256];

	snprintf(path, sizeof(path), "%s/certs/%s", env->dir, file);
	FILE *in = fopen(path, "r");
	must(in != NULL);
	out += strlen(out);
	out += sprintf(out, "  %s: \"", key);
	while (fgets(line, sizeof(line), in) != NULL)
		out += sprintf(out, "%.*s\\n", (int)strcspn(line, "\n"), line);
	sprintf(out, "\"\n");
	fclose(in);
}

static void pair_in(const struct wire_env *env, const char *cert, const char *key, char *out)
{
	strcpy(out, "tls_server_config:\n");
	value_append(env, "cert", cert, out);
	value_append(env, "key", key, out);
	value_append(env, "client_ca", "other-ca.crt", out); /* --client-ca counts before it */
}

Test(certificates, in_the_configuration)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	char text[16384];

	wire_env_need(&server.env);
	pair_in(&server.env, "server.crt", "server.key", text);
	start(&trust, &server, text);
	shows(&server, NULL, "server");
	pair_in(&server.env, "new-server.crt", "new-server.key", text);
	wire_trust_write(&trust, "sluice.yml", text);
	will_show(&server, NULL, "new-server");
	pair_in(&server.env, "server.crt", "new-server.key", text);
	wire_trust_write(&trust, "sluice.yml", text);
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error",
		     "sluice.yml: tls_server_config.key: ", "does not belong to the certificate");
	shows(&server, NULL, "new-server");
	wire_server_stop(&server);
}
