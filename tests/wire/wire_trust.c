/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"

static const char everything[] = "access:\n"
				 "  - identity: \"dns:**\"\n"
				 "    allow: [read, list, write, delete]\n"
				 "    on: [\"**\"]\n";

static void path_of(const struct wire_trust *trust, const char *name, char out[PATH_MAX])
{
	must(snprintf(out, PATH_MAX, "%s/%s", trust->dir, name) < PATH_MAX);
}

static FILE *begin(const struct wire_trust *trust)
{
	char path[PATH_MAX];
	path_of(trust, ".new", path);
	FILE *file = fopen(path, "w");
	must(file != NULL);
	return file;
}

static void finish(const struct wire_trust *trust, FILE *file, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	must(fclose(file) == 0);
	path_of(trust, ".new", from);
	path_of(trust, name, to);
	cr_assert_eq(rename(from, to), 0, "%s: %s", to, strerror(errno));
}

static void append(const struct wire_trust *trust, FILE *out, const char *part)
{
	char path[PATH_MAX], bytes[16384];
	must(snprintf(path, sizeof(path), "%s/certs/%s", trust->server->env.dir, part) < PATH_MAX);
	FILE *in = fopen(path, "r");
	cr_assert_not_null(in, "%s: %s", path, strerror(errno));
	size_t n = fread(bytes, 1, sizeof(bytes), in);
	must(n < sizeof(bytes) && fwrite(bytes, 1, n, out) == n);
	fclose(in);
}

void wire_trust_put(struct wire_trust *trust, const char *name, ...)
{
	va_list parts;
	FILE *out = begin(trust);
	va_start(parts, name);
	for (const char *part; (part = va_arg(parts, const char *)) != NULL;)
		append(trust, out, part);
	va_end(parts);
	finish(trust, out, name);
}

void wire_trust_write(struct wire_trust *trust, const char *name, const char *text)
{
	FILE *out = begin(trust);
	must(fputs(text, out) >= 0);
	finish(trust, out, name);
}

void wire_trust_pair(struct wire_trust *trust, const char *name)
{
	char cert[64], key[64];
	snprintf(cert, sizeof(cert), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	wire_trust_put(trust, "server.crt", cert, NULL);
	wire_trust_put(trust, "server.key", key, NULL);
}

void wire_trust_prepare(struct wire_trust *trust, struct wire_server *server)
{
	wire_env_need(&server->env);
	trust->server = server;
	must(snprintf(trust->dir, sizeof(trust->dir), "%s/trust.%d", server->env.dir,
		      (int)getpid()) < (int)sizeof(trust->dir));
	cr_assert(mkdir(trust->dir, 0755) == 0, "%s: %s", trust->dir, strerror(errno));
	wire_trust_pair(trust, "server");
	wire_trust_put(trust, "clients.crt", "ca.crt", NULL);
	wire_trust_put(trust, "clients.crl", "none.crl", NULL);
	wire_trust_write(trust, "sluice.yml", everything);
}

void wire_trust_serve(struct wire_trust *trust)
{
	static const char *const options[] = {"--cert=%s/server.crt", "--key=%s/server.key",
					      "--config=%s/sluice.yml",
					      "--client-ca=%s/clients.crt", "--crl=%s/clients.crl"};
	struct wire_server *server = trust->server;
	size_t count = server->has_client_cas ? 3 : ARRAY_LEN(options);
	unsigned free_option = 0;

	while (server->option[free_option] != NULL)
		free_option++;
	must(free_option + count < WIRE_OPTIONS_MAX);
	for (size_t i = 0; i < count; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(trust->option[i], PATH_MAX, options[i], trust->dir);
#pragma GCC diagnostic pop
		server->option[free_option + i] = trust->option[i];
	}
	wire_server_start(server);
}

void wire_trust_start(struct wire_trust *trust, struct wire_server *server)
{
	wire_trust_prepare(trust, server);
	wire_trust_serve(trust);
}

void wire_trust_reloaded(struct wire_trust *trust, uint64_t count)
{
	wire_metric_reaches(trust->server, "sluice_config_reloads_total{result=\"ok\"}", count);
	cr_assert_eq(wire_metric(trust->server, "sluice_config_last_reload_successful"), 1);
}

void wire_trust_partial(struct wire_trust *trust, uint64_t count)
{
	wire_metric_reaches(trust->server, "sluice_config_reloads_total{result=\"partial\"}",
			    count);
	cr_assert_eq(wire_metric(trust->server, "sluice_config_last_reload_successful"), 0);
}

void wire_trust_refused(struct wire_trust *trust, uint64_t count)
{
	wire_metric_reaches(trust->server, "sluice_config_reloads_total{result=\"failed\"}", count);
	cr_assert_eq(wire_metric(trust->server, "sluice_config_last_reload_successful"), 0);
}

const char *wire_server_name(struct wire_client *client, char out[64])
{
	X509 *cert = SSL_get0_peer_certificate(client->ssl);
	cr_assert_not_null(cert);
	must(X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, 64) > 0);
	return out;
}
