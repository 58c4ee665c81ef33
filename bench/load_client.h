/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_client: the connections and requests of `load`. A failure of any kind ends the program.
 */
#ifndef SLUICE_BENCH_LOAD_CLIENT_H
#define SLUICE_BENCH_LOAD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <time.h>

#include <openssl/ssl.h>

#define READ_BYTES (64 * 1024)

struct options {
	char *host;
	char *port;
	const char *path;
	const char *cert;
	const char *key;
	const char *ca;
	const char *cipher;
	const char *verify;  /* the object's file: responses before the first batch are compared */
	const char *control; /* a FIFO: told "enable" and "disable" around the batches */
	uint64_t whole;
	uint64_t ranges;
	uint64_t handshakes;
	uint64_t hold;
	uint64_t puts;
	uint64_t range_bytes;
	uint64_t put_bytes;
	uint64_t names; /* a PUT is of one of so many objects, in turn; 0: of the one */
	uint64_t connections;
	uint64_t batches;
	uint64_t warm;
	uint64_t server_pid;
};

struct load {
	const struct options *options;
	SSL_CTX *ssl_ctx; /* NULL: plain */
	clockid_t server_clock;
	int verify_fd;         /* -1: do not compare */
	uint64_t object_bytes; /* 0: not known yet */
	uint64_t range_count;  /* requests so far: where the next range lies */
	uint64_t put_count;
	uint64_t received;
};

struct conn {
	SSL *ssl; /* NULL: plain */
	int sock_fd;
	size_t have; /* bytes of buf behind the last response */
	uint64_t from;
	uint64_t bytes;
	uint64_t name; /* of a PUT, where there are several */
	bool is_range;
	bool is_put;
	char buf[READ_BYTES];
};

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sleep_ms(unsigned ms);

SSL_CTX *ssl_ctx_new(const struct options *options);

/* With the handshake done. */
struct conn *conn_open(struct load *load);

/* In order: our close_notify, the server's, and nothing else. */
void conn_close(struct conn *conn);

/* What is asked for stands in conn: from, bytes, is_range, is_put. A PUT is sent with its body. */
void request_send(const struct load *load, struct conn *conn);

/* Reads one response whole, and checks that it is what was asked for. */
void response_read(struct load *load, struct conn *conn);

#endif
