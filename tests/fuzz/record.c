/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that sends any records in any order, to the record layer in userspace and to that over a
 * kernel of our own making, while our side sends, changes keys and ends: both give the data and the
 * end that a third reader expects, and the peer gets the same of both.
 *
 * Input: the cipher, a seed for how bytes and records are cut, then steps, each a byte for what is
 * done and one for how.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "base/must.h"
#include "base/text.h"
#include "tls/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SOCK_FD         42
#define STEPS_MAX       64
#define OUT_BYTES_MAX   ((size_t)64 * 1024 * 1024)
#define ANY             (-1)

/* include/linux/socket.h and include/uapi/linux/tls.h, by number */
#define ABI_SOL_TLS     282
#define ABI_TLS_TX      1
#define ABI_TLS_RX      2
#define ABI_RECORD_TYPE 1 /* TLS_SET_RECORD_TYPE; _GET_ is 2 */

enum step_kind {
	PEER_DATA, /* how: bytes, in 64s */
	PEER_SMALL,
	PEER_EMPTY,
	PEER_KEYUPDATE, /* how & 1: asks for ours */
	PEER_ALERT,
	PEER_HANDSHAKE, /* some other message */
	PEER_OTHER,     /* a type that has no place */
	PEER_BAD,       /* does not decrypt */
	PEER_FIN,
	OUR_DATA,
	OUR_SMALL,
	OUR_REKEY,
	OUR_END, /* how: the alert */
	STEP_KIND_COUNT
};

/* A record of the peer's. */
struct event {
	enum { EVENT_RECORD, EVENT_BAD, EVENT_FIN } kind;
	int type;
	const uint8_t *plain;
	size_t len;
};

/* How a connection ended, and what was seen of it. */
struct outcome {
	struct text in;     /* application data that our side received */
	struct text out;    /* what the peer received: types, lengths and bytes */
	size_t out_data_at; /* of the data record that ends out, so that the next one is joined */
	ssize_t end;        /* -EAGAIN: it has not */
	enum close_reason why;
	bool is_closed_tx;
	uint64_t rekeys_tx, rekeys_rx;
};

/* One of the two layers under test. */
static struct link {
	bool is_kernel;
	enum tls_cipher cipher;
	uint32_t seed;
	struct record record;
	struct metrics metrics;
	struct pool rx_bufs;
	struct tx_buf tx_buf;
	struct traffic_secret peer_tx_secret, peer_rx_secret;
	struct aead *peer_tx, *peer_rx;
	int peer_fd;
	struct event event; /* kernel: the one that has not been received */
	size_t event_at;
	bool has_event, awaits_key;
	bool is_tx_rekey_due;              /* kernel: a KeyUpdate was sent */
	uint8_t sealed[RECORD_SEALED_MAX]; /* user: what the peer has got of a record */
	size_t sealed_bytes;
	struct outcome outcome;
} * link_now;

static uint32_t next_random(void)
{
	link_now->seed = link_now->seed * 1664525 + 1013904223;
	return link_now->seed >> 16;
}

static struct traffic_key key_of(const struct traffic_secret *secret)
{
	struct traffic_key key;
	must(traffic_key_derive(link_now->cipher, secret, &key) == 0);
	return key;
}

static struct aead *aead_of(const struct traffic_secret *secret, bool sealing)
{
	struct traffic_key key = key_of(secret);
	struct aead *aead = aead_new(link_now->cipher, &key, sealing);
	must(aead != NULL);
	return aead;
}

static void next_key(struct traffic_secret *secret, struct aead *aead)
{
	must(traffic_secret_update(link_now->cipher, secret) == 0);
	struct traffic_key key = key_of(secret);
	must(aead_rekey(aead, &key) == 0);
}

/* ---- What the peer receives ------------------------------------------------------------------ */

/* Application data is one stream, however it was cut into records. */
static void peer_takes(int type, const uint8_t *plain, size_t len)
{
	struct outcome *outcome = &link_now->outcome;
	static const uint8_t keyupdate[] = {24, 0, 0, 1, 0};

	must(!(outcome->out.len > 0 && outcome->is_closed_tx)); /* nothing follows an alert */
	if (type == RECORD_DATA) {
		must(len > 0);
		if (outcome->out_data_at == 0) {
			text_put(&outcome->out, "D");
			outcome->out_data_at = outcome->out.len;
		}
		text_add(&outcome->out, (const char *)plain, len);
	} else {
		must(type == RECORD_ALERT || type == RECORD_HANDSHAKE);
		must(len == (type == RECORD_ALERT ? 2 : sizeof(keyupdate)));
		must(type == RECORD_ALERT || memcmp(plain, keyupdate, len) == 0);
		outcome->out_data_at = 0;
		text_put(&outcome->out, type == RECORD_ALERT ? "A" : "K");
		text_add(&outcome->out, (const char *)plain, len);
		outcome->is_closed_tx = type == RECORD_ALERT;
	}
	must(outcome->out.error == 0);
}

/* Reads what the userspace layer has sent, record by record. */
static void peer_drain(void)
{
	struct link *link = link_now;
	size_t want;

	if (link->is_kernel)
		return;
	for (;;) {
		want = link->sealed_bytes < RECORD_HEADER
			       ? RECORD_HEADER
			       : RECORD_HEADER + (size_t)(link->sealed[3] << 8 | link->sealed[4]);
		must(want <= RECORD_SEALED_MAX);
		if (link->sealed_bytes < want) {
			ssize_t n = read(link->peer_fd, link->sealed + link->sealed_bytes,
					 want - link->sealed_bytes);
			if (n <= 0)
				return;
			link->sealed_bytes += (size_t)n;
			continue;
		}
		enum record_type type;
		int plain = aead_open(link->peer_rx, link->sealed, want, &type);
		must(plain >= 0); /* with the key that the peer is to expect */
		link->sealed_bytes = 0;
		peer_takes(type, link->sealed + RECORD_HEADER, (size_t)plain);
		if (type == RECORD_HANDSHAKE)
			next_key(&link->peer_rx_secret, link->peer_rx);
	}
}

/* ---- The kernel ------------------------------------------------------------------------------ */

/* struct tls12_crypto_info_*: version, type, iv, key, salt, sequence number. */
static void expect_key(const uint8_t *info, size_t len, const struct traffic_secret *secret)
{
	struct traffic_key key = key_of(secret);
	size_t key_bytes = tls_cipher_key_bytes(link_now->cipher);
	size_t salt = link_now->cipher == TLS_CIPHER_CHACHA20 ? 0 : 4;

	must(len == 4 + TRAFFIC_IV_BYTES + key_bytes + 8);
	must(info[0] == 4 && info[1] == 3);
	must(memcmp(info + 4, key.iv + salt, TRAFFIC_IV_BYTES - salt) == 0);
	must(memcmp(info + 4 + TRAFFIC_IV_BYTES - salt, key.key, key_bytes) == 0);
	must(memcmp(info + 4 + TRAFFIC_IV_BYTES - salt + key_bytes, key.iv, salt) == 0);
	for (size_t i = len - 8; i < len; i++)
		must(info[i] == 0);
}

static int fake_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct link *link = link_now;

	must(fd == SOCK_FD);
	if (level == SOL_SOCKET) {
		must(name == SO_RCVLOWAT);
		return 0;
	}
	if (level == IPPROTO_TCP) {
		must(name == TCP_NODELAY);
		return 0;
	}
	must(level == ABI_SOL_TLS && (name == ABI_TLS_TX || name == ABI_TLS_RX));
	if (name == ABI_TLS_TX) {
		must(link->is_tx_rekey_due);
		link->is_tx_rekey_due = false;
		must(traffic_secret_update(link->cipher, &link->peer_rx_secret) == 0);
		expect_key(value, len, &link->peer_rx_secret);
	} else {
		must(link->awaits_key);
		link->awaits_key = false;
		expect_key(value, len, &link->peer_tx_secret);
	}
	return 0;
}

static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	must(fd == SOCK_FD && level == SOL_SOCKET && name == SO_ERROR);
	memset(value, 0, *len);
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, int *value)
{
	must(fd == SOCK_FD && request == SIOCINQ);
	*value = next_random() % 4 == 0 ? 3 : 0;
	return 0;
}

static ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	size_t len = message->msg_iov[0].iov_len;
	int type = RECORD_DATA;

	must(fd == SOCK_FD && message->msg_iovlen == 1 && (flags & MSG_DONTWAIT) != 0);
	must(len > 0 && !link_now->is_tx_rekey_due); /* the new key seals what follows */
	if (cmsg != NULL) {
		must(cmsg->cmsg_level == ABI_SOL_TLS && cmsg->cmsg_type == ABI_RECORD_TYPE);
		type = *CMSG_DATA(cmsg);
	}
	errno = next_random() % 8 == 0 ? EINTR : EAGAIN;
	if (next_random() % 4 == 0)
		return -1;
	if (type == RECORD_DATA)
		len = 1 + next_random() % len;
	peer_takes(type, message->msg_iov[0].iov_base, len);
	link_now->is_tx_rekey_due = type == RECORD_HANDSHAKE;
	return (ssize_t)len;
}

/* As tls_sw_recvmsg since 6.14: after a KeyUpdate nothing until the next key is there. */
static ssize_t fake_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct link *link = link_now;
	const struct event *event = &link->event;
	struct iovec *iov = &message->msg_iov[0];
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);

	must(fd == SOCK_FD && (flags & MSG_DONTWAIT) != 0 && cmsg != NULL);
	message->msg_flags = 0;
	if (link->awaits_key) {
		errno = EKEYEXPIRED;
		return -1;
	}
	errno = EAGAIN;
	if (link->has_event && event->kind == EVENT_BAD)
		errno = EBADMSG;
	if (link->has_event && event->kind == EVENT_FIN) {
		message->msg_controllen = 0;
		return 0;
	}
	bool is_empty = event->type == RECORD_DATA && event->len == 0;
	if (!link->has_event || event->kind == EVENT_BAD || is_empty) {
		link->has_event = false;
		return -1;
	}
	size_t left = event->len - link->event_at, n = left < iov->iov_len ? left : iov->iov_len;
	memcpy(iov->iov_base, event->plain + link->event_at, n);
	link->event_at += n;
	link->has_event = link->event_at < event->len;
	cmsg->cmsg_level = ABI_SOL_TLS;
	cmsg->cmsg_type = ABI_RECORD_TYPE + 1;
	cmsg->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cmsg) = (uint8_t)event->type;
	if (event->type == RECORD_HANDSHAKE && event->len > 0 && event->plain[0] == 24)
		link->awaits_key = true;
	return (ssize_t)n;
}

static const struct ktls_sys fake_sys = {.setsockopt = fake_setsockopt,
					 .getsockopt = fake_getsockopt,
					 .ioctl = fake_ioctl,
					 .sendmsg = fake_sendmsg,
					 .recvmsg = fake_recvmsg};

/* ---- A link ---------------------------------------------------------------------------------- */

static void link_init(struct link *link, bool is_kernel, enum tls_cipher cipher, uint32_t seed)
{
	uint8_t secret_bytes = (uint8_t)tls_cipher_secret_bytes(cipher);
	int fd[2] = {SOCK_FD, -1};

	memset(link, 0, sizeof(*link));
	link_now = link;
	link->is_kernel = is_kernel;
	link->cipher = cipher;
	link->seed = seed;
	link->outcome.end = -EAGAIN;
	text_init(&link->outcome.in, OUT_BYTES_MAX);
	text_init(&link->outcome.out, OUT_BYTES_MAX);
	link->peer_rx_secret = (struct traffic_secret){.len = secret_bytes, .byte = {1}};
	link->peer_tx_secret = (struct traffic_secret){.len = secret_bytes, .byte = {2}};
	link->peer_tx = aead_of(&link->peer_tx_secret, true);
	link->peer_rx = aead_of(&link->peer_rx_secret, false);
	link->record = (struct record){.cipher = cipher,
				       .tx = is_kernel ? &record_tx_kernel : &record_tx_user,
				       .rx = is_kernel ? &record_rx_kernel : &record_rx_user,
				       .sys = &fake_sys,
				       .metrics = &link->metrics,
				       .rx_bufs = &link->rx_bufs,
				       .can_rekey_kernel = true,
				       .tx_secret = link->peer_rx_secret,
				       .rx_secret = link->peer_tx_secret,
				       .tx_buf = &link->tx_buf};
	if (!is_kernel) {
		int small = 1;
		must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
		if ((seed & 1) != 0) /* what is sent is taken in parts */
			must(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0);
		must(pool_init(&link->rx_bufs, sizeof(struct rx_buf), 1) == 0);
		link->record.tx_aead = aead_of(&link->peer_rx_secret, true);
		link->record.rx_aead = aead_of(&link->peer_tx_secret, false);
	}
	link->record.sock_fd = fd[0];
	link->peer_fd = fd[1];
}

static void link_fini(struct link *link)
{
	link->record.tx_buf = NULL;
	record_fini(&link->record);
	if (!link->is_kernel) {
		pool_fini(&link->rx_bufs); /* the rx_buf came back */
		close(link->record.sock_fd);
		if (link->peer_fd >= 0)
			close(link->peer_fd);
	}
	aead_free(link->peer_tx);
	aead_free(link->peer_rx);
	text_fini(&link->outcome.in);
	text_fini(&link->outcome.out);
}

static void flush(void)
{
	struct link *link = link_now;
	int r;

	for (int i = 0; (r = record_tx_flush(&link->record, false)) == -EAGAIN; i++) {
		must(i < 100000);
		peer_drain();
	}
	/* A peer that is gone is no reason: it reads to the end here. */
	must(r == 0);
	must(!record_tx_has_due(&link->record) && link->tx_buf.at == link->tx_buf.end);
	must(!link->is_tx_rekey_due);
	peer_drain();
}

/* Until there is no more. */
static void receive(void)
{
	struct link *link = link_now;
	uint8_t in[RECORD_PLAIN_MAX + 64];
	int waits = 0;

	while (link->outcome.end == -EAGAIN) {
		size_t size =
			RECORD_RECV_BYTES_MIN + next_random() % (next_random() % 2 ? 8 : 17000);
		if (size > sizeof(in))
			size = sizeof(in);
		ssize_t n = record_recv(&link->record, in, size);
		must(n <= (ssize_t)size);
		if (n > 0) {
			text_add(&link->outcome.in, (const char *)in, (size_t)n);
			waits = 0;
		} else if (n != -EAGAIN) {
			link->outcome.end = n;
			link->outcome.why = link->record.why;
		} else if (!record_has_buffered(&link->record) && !link->has_event && waits++ > 0) {
			return;
		}
	}
}

/* The peer's record comes in, in pieces. */
static void deliver(const struct event *event)
{
	struct link *link = link_now;
	static uint8_t sealed[RECORD_SEALED_MAX];
	size_t len, at = 0;

	if (link->is_kernel) {
		link->event = *event;
		link->event_at = 0;
		link->has_event = true;
		if (event->type == RECORD_HANDSHAKE && event->len == 5 && event->plain[0] == 24)
			must(traffic_secret_update(link->cipher, &link->peer_tx_secret) == 0);
		receive();
		return;
	}
	if (event->kind == EVENT_FIN) {
		peer_drain();
		must(shutdown(link->peer_fd, SHUT_WR) == 0);
		receive();
		return;
	}
	if (event->len > 0)
		memcpy(sealed + RECORD_HEADER, event->plain, event->len);
	size_t pad = event->len < 100 ? next_random() % 20 : 0;
	int n = aead_seal(link->peer_tx, sealed, event->len, (enum record_type)event->type, pad);
	must(n > 0);
	len = (size_t)n;
	if (event->kind == EVENT_BAD)
		sealed[len - 1] ^= 1;
	if (event->type == RECORD_HANDSHAKE && event->len == 5 && event->plain[0] == 24)
		next_key(&link->peer_tx_secret, link->peer_tx);
	while (at < len && link->outcome.end == -EAGAIN) {
		size_t some = 1 + next_random() % (next_random() % 2 ? 8 : len);
		if (some > len - at)
			some = len - at;
		ssize_t sent = write(link->peer_fd, sealed + at, some);
		must(sent > 0);
		at += (size_t)sent;
		receive();
	}
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static uint8_t pattern[TX_RECORDS_MAX * RECORD_PLAIN_MAX];

static void send_data(size_t bytes)
{
	struct link *link = link_now;
	struct iovec iov[TX_RECORDS_MAX];
	size_t used = 0;

	if (link->record.is_closed_tx || bytes == 0)
		return;
	while (used < bytes) {
		unsigned pieces = record_tx_room(&link->record, used, iov);
		must(pieces > 0);
		for (unsigned i = 0; i < pieces && used < bytes; i++) {
			size_t some = iov[i].iov_len < bytes - used ? iov[i].iov_len : bytes - used;
			memcpy(iov[i].iov_base, pattern + used, some);
			used += some;
		}
	}
	must(record_tx_seal(&link->record, bytes) == 0);
}

/* The record of a step; false: the step is our side's. */
static bool event_of(const uint8_t step[2], struct event *event, uint8_t control[5])
{
	uint8_t how = step[1];

	*event = (struct event){.kind = EVENT_RECORD, .type = RECORD_DATA, .plain = pattern + how};
	memcpy(control, "\x18\x00\x00\x01\x00", 5);
	switch ((enum step_kind)(step[0] % STEP_KIND_COUNT)) {
	case PEER_DATA:
		event->len = (size_t)(how + 1) * 64;
		return true;
	case PEER_SMALL:
		event->len = (size_t)how % 32 + 1;
		return true;
	case PEER_EMPTY:
		return true;
	case PEER_KEYUPDATE:
		control[4] = how & 1;
		event->type = RECORD_HANDSHAKE;
		break;
	case PEER_ALERT:
		control[0] = 1 + (how & 1);
		control[1] = how % 16 == 0 ? 0 : how % 16 == 1 ? 90 : how;
		event->type = RECORD_ALERT;
		event->plain = control;
		event->len = how % 16 == 2 ? 0 : how % 16 == 3 ? 1 : how % 16 == 4 ? 4 : 2;
		return true;
	case PEER_HANDSHAKE:
		control[how % 5] ^= (uint8_t)(how / 5 + 1);
		if (control[0] == 24 && how % 5 == 4 && control[4] <= 1)
			control[4] = 2;
		event->type = RECORD_HANDSHAKE;
		break;
	case PEER_OTHER:
		event->type = how % 2 ? 20 : 24;
		event->plain = control;
		event->len = 1 + how % 5;
		return true;
	case PEER_BAD:
		event->kind = EVENT_BAD;
		event->len = how % 64;
		return true;
	case PEER_FIN:
		event->kind = EVENT_FIN;
		return true;
	case OUR_DATA:
	case OUR_SMALL:
	case OUR_REKEY:
	case OUR_END:
	case STEP_KIND_COUNT:
		return false;
	}
	event->plain = control;
	event->len = 5;
	return true;
}

static void take_step(const uint8_t step[2])
{
	struct event event;
	uint8_t control[5];

	if (event_of(step, &event, control)) {
		deliver(&event);
	} else if (step[0] % STEP_KIND_COUNT == OUR_END) {
		record_shutdown(&link_now->record, step[1]);
	} else if (step[0] % STEP_KIND_COUNT == OUR_REKEY) {
		if (!link_now->record.is_closed_tx && link_now->record.due == 0)
			must(record_tx_rekey(&link_now->record) == 0);
	} else {
		bool is_small = step[0] % STEP_KIND_COUNT == OUR_SMALL;
		send_data(is_small ? step[1] : (size_t)step[1] * 512);
	}
	flush();
}

static void run(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2) {
		if (link_now->outcome.end != -EAGAIN)
			break;
		take_step(data + i);
	}
	link_now->outcome.rekeys_rx = link_now->metrics.value[METRIC_REKEYS_RX];
	link_now->outcome.rekeys_tx = link_now->metrics.value[METRIC_REKEYS_TX];
}

/* ---- The third reader ------------------------------------------------------------------------ */

/* How a record ends a connection; 0 with *why CLOSE_REASON_COUNT: it does not. alert: ANY: none. */
static ssize_t third_end(const struct event *event, enum close_reason *why, int *alert)
{
	const uint8_t *plain = event->plain;

	*alert = ANY;
	if (event->kind == EVENT_FIN) {
		*why = CLOSE_CLIENT_TRUNCATED;
		return -EPIPE;
	}
	if (event->kind == EVENT_BAD) {
		*why = CLOSE_RECORD_BAD;
		*alert = ALERT_BAD_RECORD_MAC;
		return -EBADMSG;
	}
	*why = CLOSE_UNEXPECTED_RECORD;
	*alert = ALERT_UNEXPECTED_MESSAGE;
	if (event->type == RECORD_ALERT && event->len == 2) {
		*alert = ANY;
		*why = plain[1] == 0 ? CLOSE_CLIENT_DONE : CLOSE_CLIENT_ALERT;
		return plain[1] == 90 ? -EAGAIN : plain[1] == 0 ? 0 : -ECONNABORTED;
	}
	if (event->type == RECORD_ALERT && event->len > 2)
		*alert = ALERT_DECODE_ERROR;
	if (event->type == RECORD_HANDSHAKE && memcmp(plain, "\x18\x00\x00\x01", 4) == 0) {
		*alert = ALERT_ILLEGAL_PARAMETER;
		return plain[4] > 1 ? -EPROTO : -EAGAIN;
	}
	return event->type == RECORD_DATA ? -EAGAIN : -EPROTO;
}

static void check_outcome(const struct outcome *outcome, const uint8_t *data, size_t size)
{
	struct event event = {0};
	enum close_reason why = CLOSE_CLIENT_DONE;
	uint64_t rekeys = 0;
	size_t at = 0;
	ssize_t end = -EAGAIN;
	int alert = ANY;
	uint8_t control[5];

	for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX && end == -EAGAIN; i += 2) {
		if (!event_of(data + i, &event, control))
			continue;
		end = third_end(&event, &why, &alert);
		if (end != -EAGAIN)
			break;
		rekeys += event.type == RECORD_HANDSHAKE;
		if (event.type != RECORD_DATA || event.len == 0)
			continue;
		must(outcome->in.len - at >= event.len);
		must(memcmp(outcome->in.at + at, event.plain, event.len) == 0);
		at += event.len;
	}
	must(outcome->in.len == at && outcome->end == end && outcome->rekeys_rx == rekeys);
	if (end == -EAGAIN)
		return;
	/* An empty control record is refused by the one layer before it has a type. */
	must(outcome->why == why || (event.len == 0 && outcome->why == CLOSE_RECORD_BAD));
	if (alert != ANY) { /* the peer was told, unless our side had ended already */
		must(outcome->is_closed_tx && outcome->out.len >= 3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct link links[2];

	if (size < 3)
		return 0;
	for (size_t i = 0; i < sizeof(pattern) && pattern[1] == 0; i++)
		pattern[sizeof(pattern) - 1 - i] =
			(uint8_t)((sizeof(pattern) - 1 - i) * 2654435761U >> 13);
	for (int i = 0; i < 2; i++) {
		link_init(&links[i], i == 1, (enum tls_cipher)(data[0] % TLS_CIPHER_COUNT),
			  data[1]);
		run(data + 2, size - 2);
		check_outcome(&links[i].outcome, data + 2, size - 2);
	}
	const struct outcome *one = &links[0].outcome, *two = &links[1].outcome;
	must(one->end == two->end && one->is_closed_tx == two->is_closed_tx);
	must(one->rekeys_tx == two->rekeys_tx && one->rekeys_rx == two->rekeys_rx);
	must(one->out.len == two->out.len);
	must(one->out.len == 0 || memcmp(one->out.at, two->out.at, one->out.len) == 0);
	for (int i = 0; i < 2; i++) {
		link_now = &links[i];
		link_fini(&links[i]);
	}
	return 0;
}
