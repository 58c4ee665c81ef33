/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, CAs, lists and rules that change under a server that runs. */
#include "wire/wire.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "io/sandbox.h"
#include "server/reload.h"
#include "wire/wire_trust.h"

TestSuite(trust, .timeout = WIRE_TIMEOUT);

/* A new connection is shown this certificate. */
static void shows(struct wire_server *server, const char *name)
{
	struct wire_client client = {0};
	char shown[64];
	wire_connect(&client, server);
	cr_assert_str_eq(wire_server_name(&client, shown), name);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
}

/* The handshake of a new connection with this certificate ends by this alert. */
static void is_refused(struct wire_server *server, enum wire_cert cert, int alert)
{
	struct wire_client client = {.cert = cert};
	wire_prepare(&client, server);
	wire_handshake_refused(&client, alert);
	wire_disconnect(&client);
}

static void is_served(struct wire_client *client)
{
	wire_fetch(client, "/data/size-100", 100, 100);
}

/* ---- The server's own certificate ------------------------------------------------------------ */

Test(trust, new_certificate)
{
	struct wire_server server = {0};
	struct wire_client before = {0};
	struct wire_trust trust;
	char name[64];

	wire_trust_start(&trust, &server);
	wire_connect(&before, &server);
	cr_assert_str_eq(wire_server_name(&before, name), "server");
	wire_trust_pair(&trust, "new-server");
	wire_trust_reloaded(&trust, 1);
	shows(&server, "new-server");
	is_served(&before); /* and lives on */
	wire_disconnect(&before);
	wire_log_has(&server, "msg=reloaded", "certificate=\"CN=new-server\"");
	wire_server_stop(&server);
}

#define RELOADED     "sluice_config_reloads_total{result=\"ok\"}"
#define NOT_RELOADED "sluice_config_reloads_total{result=\"failed\"}"
#define ATTEMPTS     "sluice_config_reload_attempts_total"
#define TRIES_MAX    20

/* The pair is replaced in two halves, with time between them: the old one is shown meanwhile.
 * False: more time than the server waits for the second, by our own clock; so it may have said
 * something. */
static bool replaced_in_halves(struct wire_trust *trust, const char *from, const char *to)
{
	struct wire_server *server = trust->server;
	uint64_t reloaded = wire_metric(server, RELOADED),
		 failed = wire_metric(server, NOT_RELOADED);
	uint64_t attempts = wire_metric(server, ATTEMPTS), since_ms = wire_now_ms();
	char file[64];

	snprintf(file, sizeof(file), "%s.crt", to);
	wire_trust_put(trust, "server.crt", file, NULL);
	wire_metric_reaches(server, ATTEMPTS, attempts + 2);
	shows(server, from);
	snprintf(file, sizeof(file), "%s.key", to);
	wire_trust_put(trust, "server.key", file, NULL);
	bool is_in_time = wire_now_ms() - since_ms < RELOAD_GIVE_UP_MS;
	wire_metric_reaches(server, RELOADED, reloaded + 1);
	shows(server, to);
	if (is_in_time)
		cr_assert_eq(wire_metric(server, NOT_RELOADED), failed);
	return is_in_time;
}

/* Not reported as broken, and never served so. */
Test(trust, half_of_a_pair)
{
	static const char *const names[] = {"server", "new-server"};
	struct wire_server server = {0};
	struct wire_trust trust;
	unsigned tries = 0;

	wire_trust_start(&trust, &server);
	while (!replaced_in_halves(&trust, names[tries % 2], names[(tries + 1) % 2]))
		cr_assert_lt(++tries, TRIES_MAX,
			     "this machine is too slow to replace both in time");
	wire_server_stop(&server);
	if (tries == 0)
		cr_assert_eq(wire_log_count(&server, "not reloaded"), 0);
}

static size_t file_read(const struct wire_server *server, const char *name, char text[4096])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/certs/%s.crt", server->env.dir, name);
	FILE *file = fopen(path, "r");
	must(file != NULL);
	size_t len = fread(text, 1, 4096, file);
	fclose(file);
	return len;
}

/* The same for a certificate that grows under its name. */
static bool grown_in_halves(struct wire_trust *trust, const char *from, const char *to)
{
	struct wire_server *server = trust->server;
	uint64_t reloaded = wire_metric(server, RELOADED),
		 failed = wire_metric(server, NOT_RELOADED);
	uint64_t attempts = wire_metric(server, ATTEMPTS), since_ms = wire_now_ms();
	char text[4096], path[PATH_MAX], key[64];
	size_t len = file_read(server, to, text);

	snprintf(key, sizeof(key), "%s.key", to);
	wire_trust_put(trust, "server.key", key, NULL);
	snprintf(path, sizeof(path), "%s/server.crt", trust->dir);
	FILE *file = fopen(path, "w");
	must(file != NULL && fwrite(text, 1, len / 2, file) == len / 2 && fflush(file) == 0);
	wire_metric_reaches(server, ATTEMPTS, attempts + 2);
	shows(server, from);
	must(fwrite(text + len / 2, 1, len - len / 2, file) == len - len / 2);
	must(fclose(file) == 0);
	bool is_in_time = wire_now_ms() - since_ms < RELOAD_GIVE_UP_MS;
	wire_metric_reaches(server, RELOADED, reloaded + 1);
	shows(server, to);
	if (is_in_time)
		cr_assert_eq(wire_metric(server, NOT_RELOADED), failed);
	return is_in_time;
}

/* As an editor or a shell writes it. */
Test(trust, half_written_file)
{
	static const char *const names[] = {"server", "new-server"};
	struct wire_server server = {0};
	struct wire_trust trust;
	unsigned tries = 0;

	wire_trust_start(&trust, &server);
	while (!grown_in_halves(&trust, names[tries % 2], names[(tries + 1) % 2]))
		cr_assert_lt(++tries, TRIES_MAX, "this machine is too slow to write both in time");
	wire_server_stop(&server);
}

/* What stays broken is refused, with its reason, and the old stays. Then it is mended. */
static void broken(const char *name, const char *part, const char *word)
{
	struct wire_server server = {0};
	struct wire_client before = {0};
	struct wire_trust trust;
	char old[64];

	wire_trust_start(&trust, &server);
	wire_connect(&before, &server);
	snprintf(old, sizeof(old), "%s",
		 strcmp(name, "clients.crt") == 0   ? "ca.crt"
		 : strcmp(name, "clients.crl") == 0 ? "none.crl"
						    : name);
	if (part[0] == '\n')
		wire_trust_write(&trust, name, part);
	else
		wire_trust_put(&trust, name, part, NULL);
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "what was in force stays in force", name, word);
	shows(&server, "server");
	is_served(&before);
	wire_trust_put(&trust, name, old, NULL);
	wire_trust_reloaded(&trust, 1);
	shows(&server, "server");
	wire_disconnect(&before);
	wire_server_stop(&server);
}

Test(trust, key_of_another)
{
	broken("server.key", "new-server.key", "does not belong to the certificate");
}

Test(trust, certificate_that_has_expired)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_pair(&trust, "old-server");
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "server.crt", "has expired");
	shows(&server, "server");
	wire_server_stop(&server);
}

Test(trust, chain_that_is_none)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_put(&trust, "server.crt", "server.crt", "other-ca.crt", NULL);
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "did not issue the one before it");
	wire_trust_put(&trust, "server.crt", "server.crt", "ca.crt", NULL);
	wire_trust_reloaded(&trust, 1);
	shows(&server, "server");
	wire_server_stop(&server);
}

Test(trust, certificate_for_clients)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_pair(&trust, "good");
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "server.crt", "not for a server");
	shows(&server, "server");
	wire_server_stop(&server);
}

Test(trust, no_ca_at_all)
{
	broken("clients.crt", "\n", "cannot read CA certificates");
}

Test(trust, leaf_in_the_place_of_a_ca)
{
	broken("clients.crt", "good.crt", "is not one of a CA");
}

Test(trust, crl_of_another_ca)
{
	broken("clients.crl", "other-ca.crl", "is not signed by a CA");
}

/* It may name somebody that the better one does not: so it counts, beside that. */
Test(trust, crl_that_is_out_of_date)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_put(&trust, "clients.crl", "stale.crl", NULL);
	wire_trust_partial(&trust, 1);
	wire_log_has(&server, "level=error", "what was in force stays in force", "clients.crl",
		     "past its next update; the one that is in force stays");
	shows(&server, "server");
	wire_trust_put(&trust, "clients.crl", "none.crl", NULL);
	wire_trust_reloaded(&trust, 1);
	wire_server_stop(&server);
}

Test(trust, crl_that_is_none)
{
	broken("clients.crl", "\n-----BEGIN X509 CRL-----\nAAAA\n", "cannot read a CRL");
}

/* Lists that the verifier would pass over: nobody is to believe that they are in force. */
Test(trust, crl_that_is_a_delta)
{
	broken("clients.crl", "delta.crl", "is not a complete one");
}

Test(trust, crl_for_some_reasons)
{
	broken("clients.crl", "some-reasons.crl", "is not a complete one");
}

Test(trust, crl_of_other_issuers)
{
	broken("clients.crl", "indirect.crl", "is not a complete one");
}

Test(trust, crl_of_another_key)
{
	broken("clients.crl", "of-another-key.crl", "is not signed by a CA");
}

/* The old list beside the new one: the new one counts. */
Test(trust, crl_beside_the_one_before)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_put(&trust, "clients.crl", "ca.crl", "stale.crl", NULL);
	wire_trust_reloaded(&trust, 1);
	shows(&server, "server");
	is_refused(&server, WIRE_CERT_REVOKED, 44);
	wire_server_stop(&server);
}

/* A list of leaves only says nothing of the CA that signed it. */
Test(trust, crl_of_users_only)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_put(&trust, "clients.crl", "of-users.crl", NULL);
	wire_trust_reloaded(&trust, 1);
	is_refused(&server, WIRE_CERT_REVOKED, 44);
	shows(&server, "server");
	wire_server_stop(&server);
}

Test(trust, file_that_goes_and_comes)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	char path[PATH_MAX];

	wire_trust_start(&trust, &server);
	snprintf(path, sizeof(path), "%s/server.key", trust.dir);
	cr_assert_eq(unlink(path), 0);
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "server.key", "No such file");
	shows(&server, "server");
	wire_trust_pair(&trust, "new-server");
	wire_trust_reloaded(&trust, 1);
	shows(&server, "new-server");
	wire_server_stop(&server);
}

/* A link that leads where the sandbox does not let the server read: said, for "permission denied"
 * of a file that root may read explains nothing. */
Test(trust, file_outside_of_the_sandbox)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	char from[PATH_MAX], to[PATH_MAX];

	if (sandbox_landlock_abi() < SANDBOX_LANDLOCK_MIN)
		cr_skip_test("needs Landlock");
	wire_trust_start(&trust, &server);
	snprintf(to, sizeof(to), "%s/certs/server.crt", server.env.dir);
	snprintf(from, sizeof(from), "%s/link", trust.dir);
	must(symlink(to, from) == 0);
	snprintf(to, sizeof(to), "%s/server.crt", trust.dir);
	must(rename(from, to) == 0);
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "server.crt", "the sandbox", "restart");
	shows(&server, "server");
	wire_trust_pair(&trust, "new-server");
	wire_trust_reloaded(&trust, 1);
	shows(&server, "new-server");
	wire_server_stop(&server);
}

/* As Kubernetes mounts a Secret: files are links through ..data, which is replaced by a rename. */
Test(trust, kubernetes_data_link)
{
	static const char *const files[] = {"server.crt", "server.key", "clients.crt",
					    "clients.crl", "sluice.yml"};
	struct wire_server server = {0};
	struct wire_trust trust;
	char from[PATH_MAX], to[PATH_MAX];

	wire_trust_start(&trust, &server);
	snprintf(to, sizeof(to), "%s/..first", trust.dir);
	must(mkdir(to, 0755) == 0);
	snprintf(to, sizeof(to), "%s/..second", trust.dir);
	must(mkdir(to, 0755) == 0);
	snprintf(to, sizeof(to), "%s/..data", trust.dir);
	must(symlink("..first", to) == 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(from, sizeof(from), "%s/%s", trust.dir, files[i]);
		snprintf(to, sizeof(to), "%s/..second/%s", trust.dir, files[i]);
		must(link(from, to) == 0);
		snprintf(to, sizeof(to), "%s/..first/%s", trust.dir, files[i]);
		must(rename(from, to) == 0);
		snprintf(to, sizeof(to), "..data/%s", files[i]);
		must(symlink(to, from) == 0);
	}
	cr_assert_eq(
		wire_admin(&server, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n", NULL),
		200);

	wire_trust_put(&trust, "..second/server.crt", "new-server.crt", NULL);
	wire_trust_put(&trust, "..second/server.key", "new-server.key", NULL);
	shows(&server, "server");
	snprintf(from, sizeof(from), "%s/..tmp", trust.dir);
	snprintf(to, sizeof(to), "%s/..data", trust.dir);
	must(symlink("..second", from) == 0 && rename(from, to) == 0);
	wire_log_has(&server, "msg=reloaded", "certificate=\"CN=new-server\"");
	shows(&server, "new-server");
	wire_server_stop(&server);
}

/* ---- Asking for it --------------------------------------------------------------------------- */

Test(trust, sighup)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	must(kill(server.pid, SIGHUP) == 0);
	wire_trust_reloaded(&trust, 1);
	wire_server_stop(&server);
}

/* The answer says what came of it, and from then on it counts. */
Test(trust, post_reload)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	char answer[WIRE_ADMIN_MAX];

	wire_trust_start(&trust, &server);
	wire_trust_pair(&trust, "new-server");
	cr_assert_eq(
		wire_admin(&server, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n", NULL),
		200);
	shows(&server, "new-server");
	wire_trust_put(&trust, "server.key", "server.key", NULL);
	cr_assert_eq(
		wire_admin(&server, "PUT /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n", answer),
		500);
	cr_assert_not_null(strstr(answer, "does not belong to the certificate"), "%s", answer);
	shows(&server, "new-server");
	cr_assert_eq(wire_admin_get(&server, "/-/reload", answer), 405);
	cr_assert_not_null(strstr(answer, "Allow: POST, PUT\r\n"), "%s", answer);
	wire_server_stop(&server);
}

/* Many at once: each is answered, and none is lost in another's. */
Test(trust, reloads_beside_each_other)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	pid_t child[8];

	wire_trust_start(&trust, &server);
	for (size_t i = 0; i < ARRAY_LEN(child); i++) {
		child[i] = fork();
		cr_assert_geq(child[i], 0);
		if (child[i] == 0) {
			int status = wire_admin(
				&server, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n",
				NULL);
			_exit(status == 200 ? 0 : 1);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(child); i++) {
		int status;
		must(waitpid(child[i], &status, 0) == child[i]);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "reload %zu", i);
	}
	shows(&server, "server");
	wire_server_stop(&server);
}

/* ---- Clients that are connected -------------------------------------------------------------- */

Test(trust, revoked_while_idle)
{
	struct wire_server server = {0};
	struct wire_client revoked = {.cert = WIRE_CERT_REVOKED}, good = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_connect(&revoked, &server);
	wire_connect(&good, &server);
	is_served(&revoked);
	is_served(&good);
	wire_trust_put(&trust, "clients.crl", "ca.crl", NULL);
	wire_expect_alert(&revoked, 44);
	wire_closed(&server, "certificate_revoked", 1);
	is_refused(&server, WIRE_CERT_REVOKED, 44);
	is_served(&good);
	wire_disconnect(&revoked);
	wire_disconnect(&good);
	wire_server_stop(&server);
}

#define GIB (1ull << 30)

static void hole_make(const char *root, const char *name, uint64_t bytes)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/data/%s", root, name);
	FILE *file = fopen(path, "w");
	must(file != NULL && ftruncate(fileno(file), (off_t)bytes) == 0 && fclose(file) == 0);
}

/* Reads zeros until the end, or until bytes have come. */
static uint64_t read_zeros(struct wire_client *client, uint64_t bytes)
{
	static const char zeros[WIRE_IN_BYTES];
	char in[WIRE_IN_BYTES];
	uint64_t have = 0;
	size_t n = 1;
	while (have < bytes && n > 0) {
		n = wire_read(client, in, bytes - have < sizeof(in) ? bytes - have : sizeof(in));
		cr_assert_eq(memcmp(in, zeros, n), 0);
		have += n;
	}
	return have;
}

/* Within a second of the list being there, whatever the client has not read yet; and nobody else
 * loses anything. */
Test(trust, revoked_while_downloading)
{
	struct wire_server server = {0};
	struct wire_client revoked = {.cert = WIRE_CERT_REVOKED}, good = {0};
	struct wire_response response;
	struct wire_trust trust;

	wire_env_need(&server.env);
	const char *root = wire_server_root(&server);
	hole_make(root, "gib", GIB);
	hole_make(root, "other", 4 << 20);
	wire_trust_start(&trust, &server);
	wire_connect(&revoked, &server);
	wire_connect(&good, &server);
	wire_get(&revoked, "/data/gib", "", &response);
	cr_assert_eq(response.content_length, GIB);
	wire_get(&good, "/data/other", "", &response);
	cr_assert_eq(read_zeros(&revoked, 1 << 20), 1 << 20);
	cr_assert_eq(read_zeros(&good, 1 << 20), 1 << 20);
	wire_trust_put(&trust, "clients.crl", "ca.crl", NULL);
	uint64_t start_ms = wire_now_ms();
	wire_closed(&server, "certificate_revoked", 1);
	uint64_t took_ms = wire_now_ms() - start_ms;
	cr_assert_leq(took_ms, (uint64_t)wire_slack_ms(&server.env, 1000), "%llu ms",
		      (unsigned long long)took_ms);
	/* A reset throws away what was on its way: of the sockets, a few MiB at most. */
	cr_assert_lt(read_zeros(&revoked, GIB), GIB / 2);
	cr_assert_neq(revoked.end, WIRE_END_CLOSE_NOTIFY);
	cr_assert_eq(read_zeros(&good, 3 << 20), 3 << 20);
	wire_get(&good, "/data/other", "", &response);
	cr_assert_eq(read_zeros(&good, 4 << 20), 4 << 20);
	wire_disconnect(&revoked);
	wire_disconnect(&good);
	wire_server_stop(&server);
}

Test(trust, revoked_and_kept)
{
	struct wire_server server = {.option = {"--revoked-connections=keep"}};
	struct wire_client revoked = {.cert = WIRE_CERT_REVOKED};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_connect(&revoked, &server);
	wire_trust_put(&trust, "clients.crl", "ca.crl", NULL);
	wire_trust_reloaded(&trust, 1);
	is_served(&revoked);
	is_refused(&server, WIRE_CERT_REVOKED, 44);
	wire_disconnect(&revoked);
	wire_server_stop(&server);
}

/* Both CAs are trusted for a while, then the old one is not; each with its list. */
Test(trust, ca_is_changed)
{
	struct wire_server server = {0};
	struct wire_client old = {0}, new = {.cert = WIRE_CERT_WRONG_CA};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_connect(&old, &server);
	is_refused(&server, WIRE_CERT_WRONG_CA, 48);
	wire_trust_put(&trust, "clients.crt", "ca.crt", "other-ca.crt", NULL);
	wire_trust_put(&trust, "clients.crl", "none.crl", "other-ca.crl", NULL);
	wire_log_has(&server, "msg=reloaded", "client_cas=2", "crls=2");
	wire_connect(&new, &server);
	is_served(&new);
	is_served(&old);
	wire_trust_put(&trust, "clients.crt", "other-ca.crt", NULL);
	wire_trust_put(&trust, "clients.crl", "other-ca.crl", NULL);
	wire_expect_alert(&old, 46);
	wire_closed(&server, "certificate_distrusted", 1);
	is_served(&new);
	is_refused(&server, WIRE_CERT_GOOD, 48);
	wire_disconnect(&old);
	wire_disconnect(&new);
	wire_server_stop(&server);
}

/* A CA that issues clients' certificates has no list: said, and its clients are refused. */
Test(trust, ca_without_its_list)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_put(&trust, "clients.crt", "ca.crt", "other-ca.crt", NULL);
	wire_trust_reloaded(&trust, 1);
	wire_log_has(&server, "level=warn", "there is no CRL of the CA CN=other-ca");
	is_refused(&server, WIRE_CERT_WRONG_CA, 48);
	shows(&server, "server");
	wire_server_stop(&server);
}

/* ---- Rules ----------------------------------------------------------------------------------- */

/* Rules that change count from the next request on, for those who are connected as well. */
Test(trust, rules_are_changed)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_connect(&client, &server);
	is_served(&client);
	wire_trust_write(&trust, "sluice.yml",
			 "access:\n"
			 "  - identity: \"dns:nobody.test\"\n"
			 "    allow: [read]\n"
			 "    on: [\"**\"]\n"
			 "  - identity: \"dns:good.*.test\"\n"
			 "    allow: [read]\n"
			 "    on: [\"data/size-1\"]\n");
	wire_trust_reloaded(&trust, 1);
	wire_get(&client, "/data/size-100", "", &response);
	wire_read_error(&client, &response, 403, "AccessDenied");
	wire_log_has(&server, "msg=request", "identity=dns:good.clients.test", "status=403",
		     "rule=2");
	cr_assert_eq(wire_metric(&server, "sluice_authorization_denied_total{rule=\"2\"}"), 1);
	wire_fetch(&client, "/data/size-1", 1, 1);
	wire_trust_write(&trust, "sluice.yml", "access: []\n");
	wire_trust_reloaded(&trust, 2);
	wire_get(&client, "/data/size-1", "", &response);
	wire_read_error(&client, &response, 403, "AccessDenied");
	cr_assert_eq(wire_metric(&server, "sluice_authorization_denied_total{rule=\"none\"}"), 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A mistake in the file, and an option that a reload cannot change. */
Test(trust, configuration_is_changed)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_write(&trust, "sluice.yml", "acess: []\n");
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "sluice.yml:1", "acess");
	shows(&server, "server");
	wire_trust_write(&trust, "sluice.yml", "max_connections: 17\nidle_timeout: 17s\n");
	wire_trust_reloaded(&trust, 1);
	wire_log_has(&server, "level=warn", "max_connections, idle_timeout", "restart");
	shows(&server, "server");
	wire_server_stop(&server);
}

Test(trust, allowed_sans_are_changed)
{
	struct wire_server server = {0};
	struct wire_client good = {0}, uri = {.cert = WIRE_CERT_URI};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_connect(&good, &server);
	wire_connect(&uri, &server);
	wire_trust_write(&trust, "sluice.yml",
			 "tls_server_config:\n  client_allowed_sans: [second.clients.test]\n");
	wire_expect_alert(&uri, 46);
	wire_closed(&server, "certificate_distrusted", 1);
	is_served(&good);
	wire_disconnect(&good);
	wire_disconnect(&uri);
	wire_server_stop(&server);
}
