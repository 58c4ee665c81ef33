/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel record layer over a kernel that answers anything: records of any type and length,
 * parts, cut types, any errno of any call, at any time. What must hold: every end has its reason,
 * calls are bounded, data is given as it came and sent in its order, a key changes right behind a
 * KeyUpdate and nowhere else, and nothing follows an alert.
 *
 * The input is read byte by byte, by what our side does and by what the kernel answers.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "base/must.h"
#include "tls/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SOCK_FD         42
#define RECEIVE_BYTES   40

/* include/linux/socket.h and include/uapi/linux/tls.h, by number */
#define ABI_SOL_TLS     282
#define ABI_TLS_TX      1
#define ABI_TLS_RX      2
#define ABI_GCM_BYTES   40
#define ABI_RECORD_TYPE 1 /* TLS_SET_RECORD_TYPE; _GET_ is 2 */

static struct record record;
static struct tx_buf tx_buf;
static struct metrics metrics;
static uint8_t pattern[256]; /* what is sent, over and over: byte i is i */

static struct {
	const uint8_t *at, *end;      /* of the input */
	unsigned recvs, sends;        /* calls since our side began a call */
	uint8_t given[RECEIVE_BYTES]; /* by the last receive */
	size_t given_bytes;
	int given_type;
	bool was_cut;         /* its type was */
	bool has_sent_update; /* the last that was sent is a KeyUpdate */
	bool has_sent_alert;
	bool is_tx_broken; /* a sending key was refused */
	int send_error;    /* errno of the last send; 0 */
	int low_water;
	uint8_t next_sent; /* of the pattern */
	uint64_t rx_keys, tx_keys;
} kernel;

/* 0 at the end of the input: what every call takes for "all is well". */
static uint8_t next(void)
{
	return kernel.at < kernel.end ? *kernel.at++ : 0;
}

/* An errno, mostly 0. */
static int next_error(void)
{
	static const int errors[] = {EAGAIN, EINTR,      EBADMSG,    EMSGSIZE,   EINVAL,
				     EPIPE,  ECONNRESET, EBUSY,      ENOMEM,     EIO,
				     ENOENT, ETIMEDOUT,  EOPNOTSUPP, EKEYEXPIRED};
	uint8_t choice = next();
	return choice >= 2 * ARRAY_LEN(errors) || choice % 2 == 0 ? 0 : errors[choice / 2];
}

/* ---- The kernel ------------------------------------------------------------------------------ */

static int any_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	must(fd == SOCK_FD);
	if (level == SOL_SOCKET) {
		must(name == SO_RCVLOWAT && len == sizeof(kernel.low_water));
		memcpy(&kernel.low_water, value, sizeof(kernel.low_water));
		must(kernel.low_water >= 1);
		return 0;
	}
	if (level == IPPROTO_TCP) {
		must(name == TCP_NODELAY);
		return 0;
	}
	must(level == ABI_SOL_TLS && len == ABI_GCM_BYTES);
	must(name == ABI_TLS_TX || name == ABI_TLS_RX);
	bool is_tx = name == ABI_TLS_TX;
	if (is_tx)
		must(kernel.has_sent_update);
	else
		must(kernel.given_type == RECORD_HANDSHAKE && kernel.given_bytes == 5);
	kernel.has_sent_update = false;
	errno = next_error();
	if (errno != 0) {
		kernel.is_tx_broken |= is_tx;
		return -1;
	}
	kernel.tx_keys += is_tx;
	kernel.rx_keys += !is_tx;
	return 0;
}

static int any_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	must(fd == SOCK_FD);
	errno = next_error();
	if (errno != 0)
		return -1;
	must(level == SOL_SOCKET ? name == SO_ERROR && *len == sizeof(int)
				 : name == ABI_TLS_TX && *len == ABI_GCM_BYTES);
	memset(value, next(), *len);
	return 0;
}

static int any_ioctl(int fd, unsigned long request, int *value)
{
	must(fd == SOCK_FD && request == SIOCINQ);
	*value = next();
	return 0;
}

static ssize_t any_sendmsg(int fd, const struct msghdr *message, int flags)
{
	static const uint8_t update[] = {24, 0, 0, 1, 0};
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	const uint8_t *bytes = message->msg_iov[0].iov_base;
	size_t len = message->msg_iov[0].iov_len;

	must(fd == SOCK_FD && message->msg_iovlen == 1 && len > 0);
	must((flags & (MSG_DONTWAIT | MSG_NOSIGNAL)) == (MSG_DONTWAIT | MSG_NOSIGNAL));
	must(!kernel.has_sent_alert && !kernel.has_sent_update && !kernel.is_tx_broken);
	kernel.sends++;
	errno = kernel.send_error = next_error();
	if (errno != 0)
		return -1;
	if (cmsg == NULL) {
		uint8_t some = next();
		len = some > 0 && some < len ? some : len;
		for (size_t i = 0; i < len; i++)
			must(bytes[i] == kernel.next_sent++);
		return (ssize_t)len;
	}
	must(cmsg->cmsg_level == ABI_SOL_TLS && cmsg->cmsg_type == ABI_RECORD_TYPE);
	must(record.tx_buf->at == record.tx_buf->end); /* between the contents of two */
	if (*CMSG_DATA(cmsg) == RECORD_ALERT) {
		must(len == 2 && (bytes[0] == 2 || (bytes[0] == 1 && bytes[1] == 0)));
		kernel.has_sent_alert = true;
	} else {
		must(*CMSG_DATA(cmsg) == RECORD_HANDSHAKE && len == sizeof(update));
		must(memcmp(bytes, update, len) == 0);
		kernel.has_sent_update = true;
	}
	return (ssize_t)len;
}

static ssize_t any_recvmsg(int fd, struct msghdr *message, int flags)
{
	static const uint8_t update[] = {24, 0, 0, 1, 0};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);

	must(fd == SOCK_FD && (flags & MSG_DONTWAIT) != 0 && cmsg != NULL);
	must(message->msg_iov[0].iov_len <= RECEIVE_BYTES);
	kernel.recvs++;
	kernel.given_bytes = 0;
	kernel.given_type = -1;
	kernel.was_cut = false;
	errno = next_error();
	if (kernel.at == kernel.end)
		errno = EAGAIN;
	if (errno != 0)
		return -1;
	uint8_t how = next();
	kernel.given_type = how % 8 < 3 ? RECORD_DATA : how % 8 < 6 ? 18 + how % 8 : next();
	kernel.given_bytes = next() % (message->msg_iov[0].iov_len + 1);
	for (size_t i = 0; i < kernel.given_bytes; i++)
		kernel.given[i] = (uint8_t)(how + i);
	if (kernel.given_type == RECORD_HANDSHAKE && how >= 64) {
		kernel.given_bytes = sizeof(update);
		memcpy(kernel.given, update, sizeof(update));
		kernel.given[4] = how & 1;
	} else if (kernel.given_type == RECORD_ALERT && how >= 64 && kernel.given_bytes >= 2) {
		kernel.given_bytes = 2;
	}
	memcpy(message->msg_iov[0].iov_base, kernel.given, kernel.given_bytes);
	kernel.was_cut = how == 7;
	message->msg_flags = kernel.was_cut ? MSG_CTRUNC : 0;
	cmsg->cmsg_level = ABI_SOL_TLS;
	cmsg->cmsg_type = ABI_RECORD_TYPE + 1;
	cmsg->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cmsg) = (uint8_t)kernel.given_type;
	if (how == 15) { /* a FIN has no type */
		message->msg_controllen = 0;
		kernel.given_type = RECORD_DATA;
	}
	return (ssize_t)kernel.given_bytes;
}

static const struct ktls_sys any_sys = {.setsockopt = any_setsockopt,
					.getsockopt = any_getsockopt,
					.ioctl = any_ioctl,
					.sendmsg = any_sendmsg,
					.recvmsg = any_recvmsg};

/* ---- Our side -------------------------------------------------------------------------------- */

static void check_state(void)
{
	must(record.due < 2 * RECORD_DUE_ALERT);
	must(!record.is_closed_tx || record.due == 0 || kernel.is_tx_broken);
	must(!kernel.has_sent_alert || record.is_closed_tx);
	must(!kernel.is_tx_broken || record.is_closed_tx);
	must(!kernel.has_sent_update); /* its key followed, or was refused */
	must(metrics.value[METRIC_REKEYS_RX] == kernel.rx_keys);
	must(metrics.value[METRIC_REKEYS_TX] == kernel.tx_keys);
	must(!record_holds_part(&record) || kernel.low_water > 1);
	must(record.can_rekey_kernel ||
	     (kernel.tx_keys == 0 && record_has_buffered(&record) == (record.rx_error < 0)));
}

/* False: reading has ended. */
static bool receive(uint8_t how)
{
	uint8_t in[RECEIVE_BYTES];
	size_t size = RECORD_RECV_BYTES_MIN + how % (sizeof(in) - RECORD_RECV_BYTES_MIN + 1);

	kernel.recvs = kernel.sends = 0;
	record.why = CLOSE_REASON_COUNT;
	ssize_t n = record_recv(&record, in, size);
	must(kernel.recvs >= 1 && kernel.recvs <= CONTROL_RECORDS_PER_CALL && kernel.sends == 0);
	if (n > 0) {
		must((size_t)n == kernel.given_bytes && memcmp(in, kernel.given, (size_t)n) == 0);
		must(kernel.given_type == RECORD_DATA && !kernel.was_cut);
		must(!record_holds_part(&record));
	} else if (n == 0) { /* the end is said, never guessed */
		must(kernel.given_type == RECORD_ALERT && kernel.given_bytes == 2);
		must(kernel.given[1] == 0 && record.why == CLOSE_CLIENT_DONE);
	} else if (n != -EAGAIN) {
		must(record.why < CLOSE_REASON_COUNT);
	}
	check_state();
	return n > 0 || n == -EAGAIN;
}

/* False: sending has ended. */
static bool flush(bool more)
{
	record.why = CLOSE_REASON_COUNT;
	int r = record_tx_flush(&record, more);
	if (r == 0)
		must(!record_tx_has_due(&record) && tx_buf.at == tx_buf.end);
	else if (r == -EAGAIN)
		must(kernel.send_error == EAGAIN || kernel.send_error == EINTR);
	else
		must(record.why < CLOSE_REASON_COUNT);
	check_state();
	return r == 0 || r == -EAGAIN;
}

static void send_data(uint8_t bytes)
{
	static uint8_t next_filled;
	struct iovec iov[TX_RECORDS_MAX];

	if (tx_buf.at < tx_buf.end || record.is_closed_tx || bytes == 0)
		return;
	next_filled = kernel.next_sent; /* all before is sent */
	must(record_tx_room(&record, 0, iov) == 1 && iov[0].iov_len >= bytes);
	for (unsigned i = 0; i < bytes; i++)
		((uint8_t *)iov[0].iov_base)[i] = pattern[(uint8_t)(next_filled + i)];
	must(record_tx_seal(&record, bytes) == 0);
}

static void run(void)
{
	bool is_reading = true, is_writing = true;

	while (kernel.at < kernel.end && (is_reading || is_writing)) {
		uint8_t what = next(), how = next();
		if (what % 8 < 4)
			is_reading = is_reading && receive(how);
		else if (what % 8 == 4 && is_writing)
			send_data(how);
		else if (what % 8 == 5)
			must(record_tx_rekey(&record) ==
			     (record.can_rekey_kernel || record.is_closed_tx ? 0 : -EOPNOTSUPP));
		else if (what % 64 == 6)
			record_shutdown(&record, how);
		else if (what % 8 == 6)
			record_tx_limit_reached(&record);
		is_writing = is_writing && flush((how & 1) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)i;
	memset(&kernel, 0, sizeof(kernel));
	memset(&metrics, 0, sizeof(metrics));
	kernel.at = data + 1;
	kernel.end = data + size;
	tx_buf.at = tx_buf.end = 0;
	record = (struct record){.sock_fd = SOCK_FD,
				 .cipher = TLS_CIPHER_AES_128_GCM,
				 .tx = &record_tx_kernel,
				 .rx = &record_rx_kernel,
				 .sys = &any_sys,
				 .metrics = &metrics,
				 .can_rekey_kernel = (data[0] & 1) != 0,
				 .records_per_key = 3,
				 .tx_secret = {.len = 32, .byte = {1}},
				 .rx_secret = {.len = 32, .byte = {2}},
				 .tx_buf = &tx_buf};
	run();
	record.tx_buf = NULL;
	record_fini(&record);
	return 0;
}
