/* SPDX-License-Identifier: Apache-2.0 */
/* sluice probe --target against servers of every kind: what it says, in one line, and its exit
 * code. */
#include "wire/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <yaml.h>

#include <openssl/err.h>

#include "base/must.h"

TestSuite(probe_target, .timeout = WIRE_TIMEOUT);

#define TLS     5
#define NETWORK 6

static struct wire_env env;
static struct wire_program program;

/* cert, ca, name: NULL: not given. */
struct question {
	const char *cert, *ca, *name;
	int timeout_ms; /* 0: patience */
	bool json;
};

static void probe(const char *target, const struct question *question)
{
	char text[6][PATH_MAX + 64];
	char *argv[12] = {env.program, (char *)(uintptr_t) "probe"};
	unsigned count = 0;

	snprintf(text[count++], sizeof(text[0]), "--target=%s", target);
	if (question->cert != NULL) {
		snprintf(text[count++], sizeof(text[0]), "--cert=%s/certs/%s.crt", env.dir,
			 question->cert);
		snprintf(text[count++], sizeof(text[0]), "--key=%s/certs/%s.key", env.dir,
			 question->cert);
	}
	if (question->ca != NULL)
		snprintf(text[count++], sizeof(text[0]), "--ca=%s/certs/%s.crt", env.dir,
			 question->ca);
	if (question->name != NULL)
		snprintf(text[count++], sizeof(text[0]), "--server-name=%s", question->name);
	snprintf(text[count++], sizeof(text[0]), "--timeout=%dms",
		 question->timeout_ms > 0 ? question->timeout_ms : wire_patience_ms(&env));
	for (unsigned i = 0; i < count; i++)
		argv[2 + i] = text[i];
	if (question->json)
		argv[2 + count] = (char *)(uintptr_t) "--json";
	wire_program_run(&env, argv, &program);
	cr_assert_str_empty(program.err, "%s", program.err);
}

/* All of the words (up to NULL) are in the report. */
static void says(int exit_code, const char *const *words)
{
	cr_assert_eq(program.exit_code, exit_code, "exit code %d: %s", program.exit_code,
		     program.out);
	for (; *words != NULL; words++)
		cr_assert_not_null(strstr(program.out, *words), "no \"%s\" in:\n%s", *words,
				   program.out);
}

#define SAYS(exit_code, ...) says(exit_code, (const char *const[]){__VA_ARGS__, NULL})

/* ---- A sluice server ------------------------------------------------------------------------- */

/* One screen, and the verdict at its end. */
Test(probe_target, connection_that_works)
{
	struct wire_server server = {0};
	unsigned lines = 0;

	wire_env_read(&env);
	wire_server_start(&server);
	probe(server.addr, &(struct question){.cert = "good", .ca = "ca", .name = "localhost"});
	SAYS(0, "target: ", "TLS: TLSv1.3, TLS_AES_128_GCM_SHA256, group X25519",
	     "ALPN: http/1.1 offered, http/1.1 chosen\n", "chain: 1 certificate sent\n",
	     " 0 CN=server, issued by CN=", "names: dns:localhost, ip:127.0.0.1\n",
	     "   valid from 20", " days left)\n", "key EC P-256, signed with ecdsa-with-SHA256",
	     "trusted: yes, by CN=", "name: yes, the certificate is for localhost\n",
	     "client certificate: asked for, shown, accepted\n", "the server names the CA CN=",
	     "identity of --cert, as sluice serve logs it: dns:good.clients.test\n",
	     "kernel TLS here: ", "\nverdict: a connection works\n");
	for (const char *at = program.out; *at != '\0'; at = strchr(at, '\n') + 1)
		lines++;
	cr_assert_leq(lines, 24, "more than a screen:\n%s", program.out);
	/* the server saw a whole handshake, and no request */
	wire_metric_is(&server, "sluice_tls_handshakes_total{result=\"ok\"}", 1);
	wire_server_stop(&server);
}

Test(probe_target, as_json)
{
	struct wire_server server = {0};
	yaml_parser_t parser;
	yaml_document_t document;

	wire_env_read(&env);
	wire_server_start(&server);
	probe(server.addr,
	      &(struct question){.cert = "uri", .ca = "ca", .name = "localhost", .json = true});
	SAYS(0, "\"server_name\":\"localhost\"", "\"version\":\"TLSv1.3\"", "\"group\":\"X25519",
	     "\"alpn\":\"http/1.1\"", "\"subject\":\"CN=server\"",
	     "\"names\":[\"dns:localhost\",\"ip:127.0.0.1\"]", "\"not_after\":", "\"trusted\":true",
	     "\"name_matches\":true", "\"asked_for\":true", "\"shown\":true", "\"accepted\":true",
	     "\"identity\":\"uri:spiffe://test/ns/a/sa/store\"",
	     "\"ktls\":{\"ulp\":", "\"error\":\"\",\"exit_code\":0}\n");
	/* JSON is YAML: libyaml finds a comma or bracket that is wrong. */
	must(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)program.out,
				     strlen(program.out));
	cr_assert(yaml_parser_load(&parser, &document), "%s: %s", parser.problem, program.out);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	probe(server.addr, &(struct question){.ca = "other-ca", .name = "localhost", .json = true});
	SAYS(TLS, "\"trusted\":false", "\"trust_error\":\"", "\"shown\":false",
	     "\"error\":\"certificate not trusted: ", "\"exit_code\":5}\n");
	wire_server_stop(&server);
}

/* What the server makes of our certificate comes after the handshake; and who is not trusted is
 * shown none. */
Test(probe_target, certificates)
{
	static const struct {
		struct question question;
		const char *verdict;
	} rows[] = {
		{{.ca = "ca", .name = "localhost"},
		 "verdict: the server requires a client certificate (alert certificate_required)"},
		{{.ca = "ca", .name = "localhost", .cert = "revoked"},
		 "refuses the certificate of --cert by the alert certificate_revoked (44)"},
		{{.ca = "ca", .name = "localhost", .cert = "expired"},
		 "refuses the certificate of --cert by the alert certificate_expired (45)"},
		{{.ca = "ca", .name = "localhost", .cert = "wrong-ca"},
		 "refuses the certificate of --cert by the alert unknown_ca (48)"},
		{{.ca = "other-ca", .name = "localhost", .cert = "good"},
		 "verdict: certificate not trusted: CN=server was issued by CN="},
		{{.ca = "ca", .name = "other.example", .cert = "good"},
		 "verdict: name mismatch: the certificate is for localhost, 127.0.0.1, not for "
		 "other.example"},
		{{.ca = "ca", .name = "127.0.0.2", .cert = "good"},
		 "verdict: name mismatch: the certificate is for localhost, 127.0.0.1, not for "
		 "127.0.0.2"},
		{{.ca = "ca", .name = "localhost", .cert = "purpose"},
		 "purpose.crt: this certificate is not for a client"},
		{{.ca = "nothing", .name = "localhost"},
		 "nothing.crt: cannot read CA certificates"},
	};
	struct wire_server server = {.wants_crl = true};

	wire_env_read(&env);
	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		probe(server.addr, &rows[i].question);
		SAYS(TLS, rows[i].verdict);
		bool is_trusted =
			rows[i].question.ca != NULL && strcmp(rows[i].question.ca, "ca") == 0;
		if (rows[i].question.cert != NULL && !is_trusted)
			SAYS(TLS, "asked for; not shown to a server that is not trusted");
	}
	wire_server_stop(&server);
}

/* ---- Others ---------------------------------------------------------------------------------- */

/* What answers at an address that is the test's own. */
struct other {
	int listen_fd;
	char addr[WIRE_ADDR_MAX];
	pid_t pid;
	/* how */
	const char *says; /* bytes at once; NULL: none */
	bool is_silent;   /* and keeps the connection */
	bool is_tls;      /* by OpenSSL, with the certificate below */
	int version_max;  /* 0: TLS 1.3 */
	const char *cert;
	const char *groups;
	bool asks;         /* for a certificate, and takes none, too */
	bool refuses_name; /* by the alert unrecognized_name */
};

static int refuse_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)arg;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void speak_tls(const struct other *other, int sock_fd)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char path[PATH_MAX], byte;

	must(ctx != NULL);
	snprintf(path, sizeof(path), "%s/certs/%s.crt", env.dir, other->cert);
	must(SSL_CTX_use_certificate_chain_file(ctx, path) == 1);
	snprintf(path, sizeof(path), "%s/certs/%s.key", env.dir, other->cert);
	must(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1);
	if (other->version_max != 0)
		SSL_CTX_set_max_proto_version(ctx, other->version_max);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_security_level(ctx, 0);
	if (other->groups != NULL)
		must(SSL_CTX_set1_groups_list(ctx, other->groups) == 1);
	if (other->asks)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (other->refuses_name)
		SSL_CTX_set_tlsext_servername_callback(ctx, refuse_name);
	SSL *ssl = SSL_new(ctx);
	must(ssl != NULL && SSL_set_fd(ssl, sock_fd) == 1);
	if (SSL_accept(ssl) == 1) {
		while (SSL_read(ssl, &byte, 1) > 0)
			;
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void answer(const struct other *other, int sock_fd)
{
	char dropped[4096];

	if (other->says != NULL)
		must(write(sock_fd, other->says, strlen(other->says)) > 0);
	if (other->is_tls)
		speak_tls(other, sock_fd);
	else if (other->is_silent)
		pause();
	else if (other->says != NULL) /* until the client has closed: no reset loses it */
		while (read(sock_fd, dropped, sizeof(dropped)) > 0)
			;
}

static void other_start(struct other *other)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(addr);

	wire_env_read(&env);
	other->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(other->listen_fd >= 0);
	must(bind(other->listen_fd, (struct sockaddr *)&addr, len) == 0);
	must(listen(other->listen_fd, 8) == 0);
	must(getsockname(other->listen_fd, (struct sockaddr *)&addr, &len) == 0);
	snprintf(other->addr, sizeof(other->addr), "127.0.0.1:%d", ntohs(addr.sin_port));
	other->pid = fork();
	must(other->pid >= 0);
	if (other->pid > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int sock_fd = accept(other->listen_fd, NULL, NULL);
		if (sock_fd < 0)
			_exit(1);
		answer(other, sock_fd);
		close(sock_fd);
	}
}

static void other_stop(struct other *other)
{
	kill(other->pid, SIGKILL);
	close(other->listen_fd);
}

static const struct question usual = {.ca = "ca", .name = "localhost"};

Test(probe_target, not_tls)
{
	struct other ssh = {.says = "SSH-2.0-OpenSSH_9.2p1\r\n"},
		     http = {.says = "HTTP/1.1 400 Bad Request\r\n\r\n"},
		     binary = {.says = "\x01\x02\x03\x04"}, gone = {.says = NULL};

	other_start(&ssh);
	probe(ssh.addr, &usual);
	SAYS(TLS, "verdict: not TLS: ", "another protocol", "(\"SSH-2.0-OpenSSH_9.2p1\")\n");
	other_stop(&ssh);
	other_start(&http);
	probe(http.addr, &usual);
	SAYS(TLS, "verdict: not TLS: the server speaks plain HTTP", "400 Bad Request");
	other_stop(&http);
	other_start(&binary);
	probe(binary.addr, &usual);
	SAYS(TLS, "verdict: not TLS: the server's first byte is 0x01\n");
	other_stop(&binary);
	other_start(&gone);
	probe(gone.addr, &usual);
	SAYS(TLS, "verdict: the server closed the connection during the handshake");
	other_stop(&gone);
}

/* The admin port of a server, which many take for the other. */
Test(probe_target, admin_port)
{
	struct wire_server server = {0};

	wire_env_read(&env);
	wire_server_start(&server);
	probe(server.admin_addr, &usual);
	SAYS(TLS, "verdict: not TLS: the server speaks plain HTTP on this port");
	wire_server_stop(&server);
}

Test(probe_target, network)
{
	struct other silent = {.is_silent = true};
	struct question soon = usual;

	wire_env_read(&env);
	other_start(&silent);
	/* On a machine that is too slow for the handshake's first half, again with more time. */
	soon.timeout_ms = wire_slack_ms(&env, 300);
	do {
		probe(silent.addr, &soon);
		soon.timeout_ms *= 2;
	} while (strstr(program.out, "verdict: timeout: no connection") != NULL &&
		 soon.timeout_ms < wire_patience_ms(&env));
	SAYS(NETWORK, "verdict: timeout: connected, but the server does not answer");
	other_stop(&silent);
	probe("127.0.0.1:1", &usual);
	SAYS(NETWORK, "verdict: connection refused: nothing listens on 127.0.0.1:1");
	probe("nowhere.invalid:1", &usual);
	SAYS(NETWORK, "verdict: the name nowhere.invalid cannot be resolved");
	probe("127.0.0.1:1", &(struct question){.json = true});
	SAYS(NETWORK, "\"connected\":false", "\"error\":\"connection refused",
	     "\"exit_code\":6}\n");
}

/* Whatever a TLS server is: all of it is seen that there is to see. */
Test(probe_target, other_tls_servers)
{
	struct other plain = {.is_tls = true, .cert = "server"},
		     asks = {.is_tls = true, .cert = "server", .asks = true},
		     p384 = {.is_tls = true, .cert = "server", .groups = "P-384"},
		     tls12 = {.is_tls = true, .cert = "server", .version_max = TLS1_2_VERSION},
		     tls11 = {.is_tls = true, .cert = "server", .version_max = TLS1_1_VERSION},
		     old = {.is_tls = true, .cert = "old-server"},
		     self = {.is_tls = true, .cert = "self"},
		     client = {.is_tls = true, .cert = "good"},
		     named = {.is_tls = true, .cert = "server", .refuses_name = true};

	other_start(&plain);
	probe(plain.addr, &(struct question){.ca = "ca", .name = "localhost", .cert = "good"});
	SAYS(0, "ALPN: http/1.1 offered, nothing chosen", "client certificate: not asked for",
	     "verdict: a connection works\n");
	other_stop(&plain);
	other_start(&asks);
	probe(asks.addr, &usual);
	SAYS(0, "client certificate: asked for; none shown",
	     "verdict: a connection works, without the client certificate that the server asks "
	     "for");
	other_stop(&asks);
	other_start(&p384);
	probe(p384.addr, &usual);
	SAYS(0, "group P-384, ");
	other_stop(&p384);
	other_start(&tls12);
	probe(tls12.addr, &usual);
	SAYS(TLS, "TLS: TLSv1.2, TLS_ECDHE_ECDSA_WITH_", "trusted: yes",
	     "verdict: the server does not offer TLS 1.3, which sluice needs, but TLSv1.2\n");
	other_stop(&tls12);
	other_start(&tls11);
	probe(tls11.addr, &usual);
	SAYS(TLS,
	     "verdict: the server speaks neither TLS 1.3 nor TLS 1.2 (alert protocol_version)");
	other_stop(&tls11);
	other_start(&old);
	probe(old.addr, &usual);
	SAYS(TLS, " ago)", "trusted: no: CN=old-server has expired, on 20",
	     "verdict: certificate not trusted: CN=old-server has expired, on 20");
	other_stop(&old);
	other_start(&self);
	probe(self.addr, &usual);
	SAYS(TLS, "verdict: certificate not trusted: CN=self is signed by itself");
	other_stop(&self);
	other_start(&client);
	probe(client.addr, &(struct question){.ca = "ca", .name = "good.clients.test"});
	SAYS(TLS, "verdict: certificate not trusted: CN=good is not for a server");
	other_stop(&client);
	other_start(&named);
	probe(named.addr, &usual);
	SAYS(TLS, "verdict: the server does not know the name localhost (alert unrecognized_name)");
	other_stop(&named);
}

/* ---- The command line ------------------------------------------------------------------------ */

Test(probe_target, wrong_arguments)
{
	static const struct {
		const char *first, *second, *word;
	} rows[] = {{"--target=x", NULL, "use HOST:PORT or [IPV6]:PORT"},
		    {"--target=x:1/bucket", NULL, "use HOST:PORT"},
		    {"--target=x:0", NULL, "use HOST:PORT"},
		    {"--target=x:65536", NULL, "use HOST:PORT"},
		    {"--ca=x", NULL, "--ca needs --target"},
		    {"--timeout=1s", NULL, "--timeout needs --target"},
		    {"--target=x:1", "--cert=x", "--cert needs --key"},
		    {"--target=x:1", "--key=x", "--key needs --cert"},
		    {"--target=x:1", "--timeout=1", "--timeout: \"1\""}};

	wire_env_read(&env);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *argv[] = {env.program, (char *)(uintptr_t) "probe",
				(char *)(uintptr_t)rows[i].first, (char *)(uintptr_t)rows[i].second,
				NULL};
		wire_program_run(&env, argv, &program);
		cr_assert_eq(program.exit_code, 2, "%s", rows[i].first);
		cr_assert_str_empty(program.out);
		cr_assert_not_null(strstr(program.err, rows[i].word), "%s", program.err);
	}
}
