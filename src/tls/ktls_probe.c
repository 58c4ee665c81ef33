/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/ktls_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "tls/aead.h"

#define WAIT_MS      2000 /* for bytes that are on their way over loopback */
#define RECVS_MAX    8    /* calls to receive what was sent at once */
#define RECORD_BYTES 100  /* plaintext of a record */
#define RECORDS      3    /* of one batch */
#define BATCH_BYTES  (RECORDS * RECORD_BYTES)
#define PAD_BYTES    200 /* of zeros behind it, in the padding self-test */
/* Room for a receive call: a record with its padding must fit beside the batch, or the kernel does
 * not decrypt into the reader's buffer, which is what the self-test is about. */
#define ROOM_BYTES   4096

static const struct traffic_key first_key = {.key = {1, 2, 3, 4, 5}, .iv = {6, 7, 8, 9}};
static const struct traffic_key second_key = {.key = {9, 8, 7}, .iv = {1, 1, 2}};

/* A connected pair of TCP sockets on loopback. */
struct pair {
	int from_fd;
	int to_fd;
};

static int pair_open(struct pair *pair)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int r = 0;

	pair->from_fd = pair->to_fd = -1;
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listen_fd < 0)
		return -errno;
	if (bind(listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listen_fd, 1) < 0 ||
	    getsockname(listen_fd, (struct sockaddr *)&address, &len) < 0)
		r = -errno;
	if (r == 0 && ((pair->from_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
		       connect(pair->from_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		       (pair->to_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC)) < 0))
		r = -errno;
	close(listen_fd);
	return r;
}

static void pair_close(const struct pair *pair)
{
	if (pair->from_fd >= 0)
		close(pair->from_fd);
	if (pair->to_fd >= 0)
		close(pair->to_fd);
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	return poll(&pollfd, 1, WAIT_MS) == 1;
}

/* Receives exactly len bytes, plain or by kernel TLS; out has room for ROOM_BYTES. False: they did
 * not come. */
static bool recv_all(int fd, uint8_t *out, size_t len)
{
	size_t have = 0;

	must(fd >= 0);
	for (int i = 0; i < RECVS_MAX && have < len && is_readable(fd); i++) {
		ssize_t n = recv(fd, out + have, ROOM_BYTES - have, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		have += n > 0 ? (size_t)n : 0;
	}
	return have == len;
}

/* No two places of a batch look alike, so that bytes at the wrong place are seen. */
static void pattern(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 11 + i / 256 + 3);
}

static int kernel_key(int fd, enum ktls_direction direction, enum tls_cipher cipher,
		      const struct traffic_key *key)
{
	return ktls_install(&ktls_sys_kernel, fd, direction, cipher, key, 0);
}

/* Attaches the ULP and installs the first key. */
static bool kernel_takes(int fd, enum ktls_direction direction, enum tls_cipher cipher)
{
	return ktls_attach(&ktls_sys_kernel, fd) == 0 &&
	       kernel_key(fd, direction, cipher, &first_key) == 0;
}

/* ---- The kernel seals, we open -------------------------------------------------------------- */

static bool one_record_arrives(const struct pair *pair, struct aead *aead)
{
	uint8_t plain[RECORD_BYTES], record[ROOM_BYTES];
	enum record_type type = RECORD_ALERT;

	pattern(plain, sizeof(plain));
	return send(pair->from_fd, plain, sizeof(plain), MSG_NOSIGNAL) == (ssize_t)sizeof(plain) &&
	       recv_all(pair->to_fd, record, RECORD_BYTES + RECORD_OVERHEAD) &&
	       aead_open(aead, record, RECORD_BYTES + RECORD_OVERHEAD, &type) == RECORD_BYTES &&
	       type == RECORD_DATA && memcmp(record + RECORD_HEADER, plain, sizeof(plain)) == 0;
}

/* With a change of the key or without. */
static bool tx_works(enum tls_cipher cipher, bool is_rekeyed)
{
	struct pair pair;
	struct aead *aead = aead_new(cipher, &first_key, false);
	bool works = pair_open(&pair) == 0 && aead != NULL &&
		     kernel_takes(pair.from_fd, KTLS_TX, cipher) && one_record_arrives(&pair, aead);

	if (works && is_rekeyed)
		works = kernel_key(pair.from_fd, KTLS_TX, cipher, &second_key) == 0 &&
			aead_rekey(aead, &second_key) == 0 && one_record_arrives(&pair, aead);
	aead_free(aead);
	pair_close(&pair);
	return works;
}

/* ---- We seal, the kernel opens -------------------------------------------------------------- */

/* A batch of padded records is sent at once, so that one call of the reader finds them all: only
 * behind the first one the bytes of CVE-2026-74611 are wrong. */
static bool batch_arrives(const struct pair *pair, struct aead *aead, size_t pad_bytes)
{
	uint8_t plain[BATCH_BYTES], got[ROOM_BYTES];
	uint8_t batch[RECORDS * (RECORD_BYTES + PAD_BYTES + RECORD_OVERHEAD)];
	size_t batch_bytes = 0;

	pattern(plain, sizeof(plain));
	for (size_t i = 0; i < RECORDS; i++) {
		uint8_t *record = batch + batch_bytes;
		memcpy(record + RECORD_HEADER, plain + i * RECORD_BYTES, RECORD_BYTES);
		int n = aead_seal(aead, record, RECORD_BYTES, RECORD_DATA, pad_bytes);
		if (n < 0)
			return false;
		batch_bytes += (size_t)n;
	}
	memset(got, 0xee, sizeof(got));
	return send(pair->from_fd, batch, batch_bytes, MSG_NOSIGNAL) == (ssize_t)batch_bytes &&
	       recv_all(pair->to_fd, got, BATCH_BYTES) && memcmp(got, plain, sizeof(plain)) == 0;
}

static bool rx_works(enum tls_cipher cipher)
{
	struct pair pair;
	struct aead *aead = aead_new(cipher, &first_key, true);
	bool works = pair_open(&pair) == 0 && aead != NULL &&
		     kernel_takes(pair.to_fd, KTLS_RX, cipher) && batch_arrives(&pair, aead, 0);
	aead_free(aead);
	pair_close(&pair);
	return works;
}

/* A KeyUpdate (RFC 8446 section 4.6.3) arrives, the kernel waits for the next key, gets it and goes
 * on with it. Before 6.14 the second key is refused (EBUSY). */
static bool rx_rekey_works(enum tls_cipher cipher)
{
	static const uint8_t keyupdate[] = {24, 0, 0, 1, 0};
	uint8_t record[sizeof(keyupdate) + RECORD_OVERHEAD], got[ROOM_BYTES];
	enum record_type type = RECORD_DATA;
	struct pair pair;
	struct aead *aead = aead_new(cipher, &first_key, true);
	bool works =
		pair_open(&pair) == 0 && aead != NULL && kernel_takes(pair.to_fd, KTLS_RX, cipher);

	if (works) {
		memcpy(record + RECORD_HEADER, keyupdate, sizeof(keyupdate));
		works = aead_seal(aead, record, sizeof(keyupdate), RECORD_HANDSHAKE, 0) ==
				(int)sizeof(record) &&
			send(pair.from_fd, record, sizeof(record), MSG_NOSIGNAL) ==
				(ssize_t)sizeof(record) &&
			is_readable(pair.to_fd) &&
			ktls_recv(&ktls_sys_kernel, pair.to_fd, got, sizeof(got), &type) ==
				(ssize_t)sizeof(keyupdate) &&
			type == RECORD_HANDSHAKE &&
			kernel_key(pair.to_fd, KTLS_RX, cipher, &second_key) == 0 &&
			aead_rekey(aead, &second_key) == 0 && batch_arrives(&pair, aead, 0);
	}
	aead_free(aead);
	pair_close(&pair);
	return works;
}

/* TLS_RX_EXPECT_NO_PAD is taken; with pad_bytes also: and padded records still arrive right. */
static bool no_pad_works(enum tls_cipher cipher, size_t pad_bytes)
{
	struct pair pair;
	struct aead *aead = aead_new(cipher, &first_key, true);
	bool works = pair_open(&pair) == 0 && aead != NULL &&
		     kernel_takes(pair.to_fd, KTLS_RX, cipher) &&
		     ktls_expect_no_pad(&ktls_sys_kernel, pair.to_fd) == 0 &&
		     (pad_bytes == 0 || batch_arrives(&pair, aead, pad_bytes));
	aead_free(aead);
	pair_close(&pair);
	return works;
}

static enum ktls_verdict verdict(bool yes)
{
	return yes ? KTLS_YES : KTLS_NO;
}

int ktls_probe(struct ktls_caps *caps, bool full)
{
	struct pair pair;

	memset(caps, 0, sizeof(*caps));
	int r = pair_open(&pair);
	caps->ulp_errno = r == 0 ? ktls_attach(&ktls_sys_kernel, pair.from_fd) : r;
	pair_close(&pair);
	if (r < 0 || caps->ulp_errno < 0)
		return r;

	int first = -1; /* a cipher that works both ways, for the rest */
	for (int i = TLS_CIPHER_COUNT - 1; i >= 0; i--) {
		caps->tx[i] = tx_works((enum tls_cipher)i, false);
		caps->rx[i] = rx_works((enum tls_cipher)i);
		if (caps->tx[i] && caps->rx[i])
			first = i;
	}
	if (first < 0)
		return 0;
	enum tls_cipher cipher = (enum tls_cipher)first;
	caps->rekey = verdict(tx_works(cipher, true) && rx_rekey_works(cipher));
	caps->no_pad = verdict(no_pad_works(cipher, 0));
	if (full && caps->no_pad == KTLS_YES)
		caps->pad_safe = verdict(no_pad_works(cipher, PAD_BYTES));
	return 0;
}

bool ktls_expect_no_pad_where_safe(const struct ktls_sys *sys, const struct ktls_caps *caps,
				   int sock_fd)
{
	return caps->pad_safe == KTLS_YES && ktls_expect_no_pad(sys, sock_fd) == 0;
}
