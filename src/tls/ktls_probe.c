/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/ktls_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tls/aead.h"

/* What the loopback may take for one record; far more than it needs. */
#define WAIT_MS     2000
#define PROBE_BYTES 100

static const struct traffic_key made_up_key = {.key = {1, 2, 3, 4, 5}, .iv = {6, 7, 8, 9}};
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

/* Receives exactly len bytes, plain or by kernel TLS. False: they did not come. */
static bool recv_all(int fd, uint8_t *out, size_t len)
{
	size_t have = 0;
	while (have < len) {
		struct pollfd pollfd = {.fd = fd, .events = POLLIN};
		if (poll(&pollfd, 1, WAIT_MS) != 1)
			return false;
		ssize_t n = recv(fd, out + have, len - have, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static void pattern(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 11 + 3);
}

/* The kernel seals, we open. */
static bool tx_works(enum tls_cipher cipher)
{
	uint8_t plain[PROBE_BYTES], record[PROBE_BYTES + RECORD_OVERHEAD];
	enum record_type type = RECORD_ALERT;
	struct pair pair;
	bool works = false;
	struct aead *aead = aead_new(cipher, &made_up_key, false);

	pattern(plain, sizeof(plain));
	if (pair_open(&pair) == 0 && aead != NULL &&
	    ktls_attach(&ktls_sys_kernel, pair.from_fd) == 0 &&
	    ktls_install(&ktls_sys_kernel, pair.from_fd, KTLS_TX, cipher, &made_up_key, 0) == 0 &&
	    send(pair.from_fd, plain, sizeof(plain), MSG_NOSIGNAL) == (ssize_t)sizeof(plain) &&
	    recv_all(pair.to_fd, record, sizeof(record)))
		works = aead_open(aead, record, sizeof(record), &type) == PROBE_BYTES &&
			type == RECORD_DATA &&
			memcmp(record + RECORD_HEADER, plain, sizeof(plain)) == 0;
	aead_free(aead);
	pair_close(&pair);
	return works;
}

/* We seal count records, each padded, and the kernel opens them. */
static bool rx_gives(enum tls_cipher cipher, size_t pad_bytes, bool expect_no_pad)
{
	static const int count = 3;
	uint8_t plain[PROBE_BYTES], got[PROBE_BYTES];
	uint8_t record[PROBE_BYTES + RECORD_OVERHEAD + 256];
	struct pair pair;
	struct aead *aead = aead_new(cipher, &made_up_key, true);
	bool works =
		pair_open(&pair) == 0 && aead != NULL &&
		ktls_attach(&ktls_sys_kernel, pair.to_fd) == 0 &&
		ktls_install(&ktls_sys_kernel, pair.to_fd, KTLS_RX, cipher, &made_up_key, 0) == 0 &&
		(!expect_no_pad || ktls_expect_no_pad(&ktls_sys_kernel, pair.to_fd) == 0);

	for (int i = 0; i < count && works; i++) {
		pattern(plain, sizeof(plain));
		plain[0] = (uint8_t)i;
		memcpy(record + RECORD_HEADER, plain, sizeof(plain));
		int n = aead_seal(aead, record, sizeof(plain), RECORD_DATA, pad_bytes);
		memset(got, 0xee, sizeof(got));
		works = n > 0 && send(pair.from_fd, record, (size_t)n, MSG_NOSIGNAL) == n &&
			recv_all(pair.to_fd, got, sizeof(got)) &&
			memcmp(got, plain, sizeof(plain)) == 0;
	}
	aead_free(aead);
	pair_close(&pair);
	return works;
}

static enum ktls_verdict verdict(bool yes)
{
	return yes ? KTLS_YES : KTLS_NO;
}

static bool rekey_works(enum tls_cipher cipher)
{
	struct pair pair;
	bool works =
		pair_open(&pair) == 0 && ktls_attach(&ktls_sys_kernel, pair.from_fd) == 0 &&
		ktls_install(&ktls_sys_kernel, pair.from_fd, KTLS_TX, cipher, &made_up_key, 0) ==
			0 &&
		ktls_install(&ktls_sys_kernel, pair.from_fd, KTLS_TX, cipher, &second_key, 0) == 0;
	pair_close(&pair);
	return works;
}

static bool no_pad_is_there(enum tls_cipher cipher)
{
	struct pair pair;
	bool works =
		pair_open(&pair) == 0 && ktls_attach(&ktls_sys_kernel, pair.to_fd) == 0 &&
		ktls_install(&ktls_sys_kernel, pair.to_fd, KTLS_RX, cipher, &made_up_key, 0) == 0 &&
		ktls_expect_no_pad(&ktls_sys_kernel, pair.to_fd) == 0;
	pair_close(&pair);
	return works;
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
		caps->tx[i] = tx_works((enum tls_cipher)i);
		caps->rx[i] = rx_gives((enum tls_cipher)i, 0, false);
		if (caps->tx[i] && caps->rx[i])
			first = i;
	}
	if (first < 0)
		return 0;
	caps->rekey = verdict(rekey_works((enum tls_cipher)first));
	caps->no_pad = verdict(no_pad_is_there((enum tls_cipher)first));
	if (full && caps->no_pad == KTLS_YES)
		caps->pad_safe = verdict(rx_gives((enum tls_cipher)first, 200, true));
	return 0;
}
