/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake: full mutual TLS 1.3 handshakes of the server's side, one after the other, and nothing
 * else: no event loop, no request. For profilers and for counting instructions:
 *
 *   valgrind --tool=callgrind build/release/bench/handshake ours 200 ca/server.crt ca/server.key \
 *            ca/ca.crt ca/client.crt ca/client.key
 *
 * "ours" goes through tls/ up to the record layer, in userspace; "library" is SSL_accept with the
 * same settings and no more, which is what other servers that use OpenSSL pay at least. The client
 * is a child process, so neither profilers nor the CPU time printed count it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/must.h"
#include "server_side.h"

struct run {
	bool is_library;
	unsigned count;
	const char *cert, *key, *ca, *client_cert, *client_key;
	struct sockaddr_in address;
	int listen_fd;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "handshake: %s: %s\n", what,
		ERR_peek_error() != 0 ? ERR_reason_error_string(ERR_peek_error())
				      : strerror(errno));
	exit(1);
}

static void listen_anywhere(struct run *run)
{
	socklen_t len = sizeof(run->address);

	run->address =
		(struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	run->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (run->listen_fd < 0 || bind(run->listen_fd, (struct sockaddr *)&run->address, len) < 0 ||
	    listen(run->listen_fd, 16) < 0 ||
	    getsockname(run->listen_fd, (struct sockaddr *)&run->address, &len) < 0)
		fail("listen");
}

/* ---- The client ------------------------------------------------------------------------------ */

static SSL_CTX *context_of(const SSL_METHOD *method, const char *cert, const char *key,
			   const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1 ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1)
		fail(cert);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN); /* as other servers and clients do */
	return ctx;
}

/* Each connection stays until the server has closed it. */
static _Noreturn void be_client(const struct run *run)
{
	SSL_CTX *ctx = context_of(TLS_client_method(), run->client_cert, run->client_key, run->ca);
	char byte;

	for (unsigned i = 0; i < run->count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
		SSL *ssl = SSL_new(ctx);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (fd < 0 || ssl == NULL ||
		    connect(fd, (const struct sockaddr *)&run->address, sizeof(run->address)) < 0)
			fail("connect");
		if (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
			fail("the client's side");
		SSL_read(ssl, &byte, 1);
		SSL_free(ssl);
		close(fd);
	}
	exit(0);
}

/* ---- The server ------------------------------------------------------------------------------ */

static void accept_library(SSL_CTX *ctx, int sock_fd)
{
	SSL *ssl = SSL_new(ctx);
	if (ssl == NULL || SSL_set_fd(ssl, sock_fd) != 1 || SSL_accept(ssl) != 1)
		fail("the library's side");
	SSL_free(ssl);
}

static void accept_ours(struct tls_ctx *ctx, const struct handshake_plan *plan, int sock_fd)
{
	struct record record;

	if (server_handshake(ctx, plan, sock_fd, &record) < 0)
		exit(1);
	record_fini(&record);
}

static SSL_CTX *library_context(const struct run *run)
{
	SSL_CTX *ctx = context_of(TLS_server_method(), run->cert, run->key, run->ca);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	if (SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1)
		fail("groups");
	return ctx;
}

static double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void serve(const struct run *run)
{
	static const struct ktls_caps caps = {.ulp_errno = -ENOENT};
	static struct metrics metrics;
	struct handshake_plan plan = {.tls_path = TLS_PATH_USER,
				      .caps = &caps,
				      .sys = &ktls_sys_kernel,
				      .metrics = &metrics,
				      .peers = peers_new()};
	struct tls_ctx *ours =
		run->is_library ? NULL : server_context(run->cert, run->key, run->ca);
	SSL_CTX *library = run->is_library ? library_context(run) : NULL;

	must(plan.peers != NULL);
	double before = cpu_seconds();
	for (unsigned i = 0; i < run->count; i++) {
		int fd = accept4(run->listen_fd, NULL, NULL,
				 SOCK_CLOEXEC | (run->is_library ? 0 : SOCK_NONBLOCK));
		int one = 1;
		if (fd < 0)
			fail("accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (run->is_library)
			accept_library(library, fd);
		else
			accept_ours(ours, &plan, fd);
		close(fd);
	}
	printf("%s: %u handshakes, %.1f us of CPU each\n", run->is_library ? "library" : "ours",
	       run->count, (cpu_seconds() - before) * 1e6 / run->count);
	SSL_CTX_free(library);
	tls_ctx_release(ours);
}

static void child_ended(int signal_number)
{
	(void)signal_number;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc != 8 || (strcmp(argv[1], "ours") != 0 && strcmp(argv[1], "library") != 0)) {
		fprintf(stderr, "usage: handshake ours|library N CERT KEY CA CLIENT_CERT "
				"CLIENT_KEY\n");
		return 2;
	}
	struct run run = {.is_library = strcmp(argv[1], "library") == 0,
			  .count = (unsigned)strtoul(argv[2], NULL, 10),
			  .cert = argv[3],
			  .key = argv[4],
			  .ca = argv[5],
			  .client_cert = argv[6],
			  .client_key = argv[7]};
	/* A client that ends early ends accept4, too. */
	const struct sigaction ended = {.sa_handler = child_ended};
	sigaction(SIGCHLD, &ended, NULL);
	signal(SIGPIPE, SIG_IGN);
	listen_anywhere(&run);
	pid_t client = fork();
	if (client < 0)
		fail("fork");
	if (client == 0)
		be_client(&run);
	serve(&run);
	return waitpid(client, &status, 0) == client && status == 0 ? 0 : 1;
}
