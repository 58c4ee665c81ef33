// SPDX-License-Identifier: Apache-2.0
/*
 * selftest: what tests/vm/selftest runs inside a guest to know what the guest is good for.
 *
 * `selftest ktls`: for each cipher, a loopback connection with TLS 1.3 keys in the kernel for both
 * directions of both ends. Bytes sent each way arrive whole, /proc/net/tls_stat counts every
 * direction, and the wire carries a TLS record. Prints one line a cipher.
 *
 * `selftest spin COUNT`: a fixed loop. Prints the CPU time it took, in nanoseconds, by
 * CLOCK_PROCESS_CPUTIME_ID and by times(2).
 *
 * Exit code 0 if all is as it should be, 1 and a line on stderr if not.
 * Never: speaks a handshake. Keys are constants: this is about the kernel, not about secrecy.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* Less than a default socket buffer holds, so that one thread may write all and then read all. */
enum { MESSAGE_BYTES = 48 * 1024 };

struct cipher {
	const char *name;
	socklen_t info_bytes;
	union {
		struct tls_crypto_info head;
		struct tls12_crypto_info_aes_gcm_128 aes_128;
		struct tls12_crypto_info_aes_gcm_256 aes_256;
		struct tls12_crypto_info_chacha20_poly1305 chacha;
	} info;
};

struct tls_stat {
	unsigned long tx, rx, decrypt_errors;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "selftest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void stat_read(struct tls_stat *stat)
{
	FILE *file = fopen("/proc/net/tls_stat", "re");
	char name[64];
	unsigned long value;

	memset(stat, 0, sizeof(*stat));
	if (!file)
		fail("/proc/net/tls_stat (is the module tls loaded?)");
	while (fscanf(file, "%63s %lu", name, &value) == 2) {
		if (!strcmp(name, "TlsTxSw"))
			stat->tx = value;
		else if (!strcmp(name, "TlsRxSw"))
			stat->rx = value;
		else if (!strcmp(name, "TlsDecryptError"))
			stat->decrypt_errors = value;
	}
	fclose(file);
}

/* A connected pair of TCP sockets on loopback. */
static void pair_open(int fds[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		fail("listen");
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fds[0] < 0 || connect(fds[0], (struct sockaddr *)&address, length) < 0)
		fail("connect");
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fds[1] < 0)
		fail("accept");
	close(listener);
}

/* What lies behind the two numbers at the head of each crypto_info is key material: SEED sets it.
 */
static void key_install(int fd, int direction, const struct cipher *cipher, int seed)
{
	struct cipher keyed = *cipher;
	size_t head_bytes = sizeof(keyed.info.head);

	memset((char *)&keyed.info + head_bytes, seed, cipher->info_bytes - head_bytes);
	if (setsockopt(fd, SOL_TLS, direction, &keyed.info, cipher->info_bytes) < 0)
		fail(cipher->name);
}

static void message_pass(int from, int to)
{
	static unsigned char sent[MESSAGE_BYTES], received[MESSAGE_BYTES];
	size_t done = 0;
	ssize_t count;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (unsigned char)(i * 7 + i / 251);
	memset(received, 0, sizeof(received));
	if (send(from, sent, sizeof(sent), 0) != (ssize_t)sizeof(sent))
		fail("send");
	for (; done < sizeof(received); done += (size_t)count) {
		count = recv(to, received + done, sizeof(received) - done, 0);
		if (count <= 0)
			fail("recv");
	}
	if (memcmp(sent, received, sizeof(sent)) != 0) {
		errno = EBADMSG;
		fail("what arrived is not what was sent");
	}
}

/*
 * The bytes on the wire: one end writes with its key in the kernel, the other has none and reads
 * the record as it is. Application data of TLS 1.3 looks like TLS 1.2's (RFC 8446 section 5.2).
 */
static void wire_check(const struct cipher *cipher)
{
	unsigned char record[64];
	int fds[2];

	pair_open(fds);
	if (setsockopt(fds[0], IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) < 0)
		fail("TCP_ULP");
	key_install(fds[0], TLS_TX, cipher, 1);
	if (send(fds[0], "plain", 5, 0) != 5)
		fail("send");
	/* 5 of header, 5 of data, 1 of type, 16 of tag. */
	if (recv(fds[1], record, sizeof(record), 0) != 27 ||
	    memcmp(record, "\x17\x03\x03\0\x16", 5) != 0) {
		errno = EPROTO;
		fail("the wire does not carry a TLS record");
	}
	close(fds[0]);
	close(fds[1]);
}

static void ktls_check(const struct cipher *cipher)
{
	struct tls_stat before, after;
	int fds[2];

	stat_read(&before);
	pair_open(fds);
	for (int end = 0; end < 2; end++) {
		if (setsockopt(fds[end], IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) < 0)
			fail("TCP_ULP");
		key_install(fds[end], TLS_TX, cipher, 1 + end);
		key_install(fds[end], TLS_RX, cipher, 2 - end);
	}
	message_pass(fds[0], fds[1]);
	message_pass(fds[1], fds[0]);
	close(fds[0]);
	close(fds[1]);
	stat_read(&after);
	printf("%-17s TlsTxSw %lu -> %lu, TlsRxSw %lu -> %lu\n", cipher->name, before.tx, after.tx,
	       before.rx, after.rx);
	if (after.tx - before.tx != 2 || after.rx - before.rx != 2 ||
	    after.decrypt_errors != before.decrypt_errors) {
		errno = ERANGE;
		fail("the kernel counted otherwise");
	}
	wire_check(cipher);
}

static int ktls_run(void)
{
	static const struct cipher ciphers[] = {
		{"AES-128-GCM",
		 sizeof(struct tls12_crypto_info_aes_gcm_128),
		 {.head = {TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128}}},
		{"AES-256-GCM",
		 sizeof(struct tls12_crypto_info_aes_gcm_256),
		 {.head = {TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_256}}},
		{"CHACHA20-POLY1305",
		 sizeof(struct tls12_crypto_info_chacha20_poly1305),
		 {.head = {TLS_1_3_VERSION, TLS_CIPHER_CHACHA20_POLY1305}}},
	};

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		ktls_check(&ciphers[i]);
	return 0;
}

static int spin_run(uint64_t count)
{
	volatile uint64_t sink;
	uint64_t value = 1;
	struct timespec cpu;
	struct tms tms;

	for (uint64_t i = 0; i < count; i++)
		value = value * 6364136223846793005u + 1442695040888963407u;
	sink = value;
	(void)sink;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) < 0)
		fail("clock_gettime");
	times(&tms);
	printf("%" PRIu64 " %" PRIu64 "\n",
	       (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec,
	       (uint64_t)(tms.tms_utime + tms.tms_stime) *
		       (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK)));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "ktls"))
		return ktls_run();
	if (argc == 3 && !strcmp(argv[1], "spin"))
		return spin_run(strtoull(argv[2], NULL, 10));
	fprintf(stderr, "usage: selftest ktls | spin COUNT\n");
	return 2;
}
