/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel record layer over a kernel of our own making, which takes down each call in its order
 * and answers as it was told to. What the two layers share is tested in test_record_user.c. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include <criterion/criterion.h>

#include "tls/record.h"

#define CIPHER        TLS_CIPHER_AES_128_GCM
#define SOCK_FD       42
#define CALLS_MAX     1024

/* include/linux/socket.h and include/uapi/linux/tls.h, by number */
#define ABI_SOL_TLS   282
#define ABI_TLS_TX    1
#define ABI_TLS_RX    2
#define ABI_SET_TYPE  1
#define ABI_GET_TYPE  2
#define ABI_GCM_BYTES 40 /* struct tls12_crypto_info_aes_gcm_128 */

/* What reached the kernel. */
struct call {
	enum { CALL_SET, CALL_GET, CALL_SEND, CALL_RECV } kind;
	int name;  /* TLS_TX or TLS_RX */
	int type;  /* of the record sent */
	int flags; /* of the call */
	size_t len;
	uint8_t byte[64]; /* the first of them */
};

/* What the kernel answers. */
struct incoming {
	int error; /* errno, or 0 and: */
	int type;  /* -1: no control message, a FIN */
	const char *data;
	size_t len;
};

static struct {
	struct call call[CALLS_MAX];
	unsigned calls;
	int set_error[8], sets;    /* errno of each setsockopt in turn */
	int send_result[8], sends; /* -errno, or bytes taken at most; 0: all */
	struct incoming incoming[8];
	int recvs, recvs_told;
	uint64_t seq; /* getsockopt */
	int get_error;
	int errors_cleared; /* SO_ERROR read */
	int sock_error;     /* what it said */
	int queued;         /* SIOCINQ */
	int low_water;      /* SO_RCVLOWAT as it was set last; 0: never */
	int pushes;         /* TCP_NODELAY set */
} kernel;

static struct record record;
static struct metrics metrics;
static struct tx_buf *tx_buf;

static struct call *take_down(int kind, int fd)
{
	cr_assert_eq(fd, SOCK_FD);
	cr_assert(kernel.calls < CALLS_MAX, "a loop without an end");
	struct call *call = &kernel.call[kernel.calls++];
	call->kind = kind;
	return call;
}

static void keep(struct call *call, const void *data, size_t len)
{
	call->len = len;
	memcpy(call->byte, data, len < sizeof(call->byte) ? len : sizeof(call->byte));
}

static int fake_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (level == SOL_SOCKET && name == SO_RCVLOWAT) {
		memcpy(&kernel.low_water, value, sizeof(kernel.low_water));
		return 0;
	}
	if (level == IPPROTO_TCP && name == TCP_NODELAY) {
		cr_expect(fd == SOCK_FD && len == sizeof(int) && *(const int *)value == 1);
		kernel.pushes++;
		return 0;
	}
	struct call *call = take_down(CALL_SET, fd);
	cr_assert_eq(level, ABI_SOL_TLS);
	call->name = name;
	keep(call, value, len);
	errno = kernel.sets < 8 ? kernel.set_error[kernel.sets] : 0;
	kernel.sets++;
	return errno != 0 ? -1 : 0;
}

static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct call *call = take_down(CALL_GET, fd);
	if (level == SOL_SOCKET && name == SO_ERROR) {
		memcpy(value, &kernel.sock_error, *len);
		kernel.errors_cleared++;
		return 0;
	}
	cr_assert(level == ABI_SOL_TLS && *len == ABI_GCM_BYTES);
	call->name = name;
	errno = kernel.get_error;
	if (errno != 0)
		return -1;
	memset(value, 0, *len);
	for (int i = 0; i < 8; i++)
		((uint8_t *)value)[ABI_GCM_BYTES - 1 - i] = (uint8_t)(kernel.seq >> (8 * i));
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, int *value)
{
	cr_assert(fd == SOCK_FD && request == SIOCINQ);
	*value = kernel.queued;
	return 0;
}

static ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct call *call = take_down(CALL_SEND, fd);
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	cr_assert_eq(message->msg_iovlen, 1);
	cr_expect_eq(flags & (MSG_DONTWAIT | MSG_NOSIGNAL), MSG_DONTWAIT | MSG_NOSIGNAL);
	call->flags = flags;
	call->type = RECORD_DATA;
	if (cmsg != NULL) {
		cr_expect(cmsg->cmsg_level == ABI_SOL_TLS && cmsg->cmsg_type == ABI_SET_TYPE);
		call->type = *CMSG_DATA(cmsg);
	}
	keep(call, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
	int result = kernel.sends < 8 ? kernel.send_result[kernel.sends] : 0;
	kernel.sends++;
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return result == 0 ? (ssize_t)call->len : result;
}

static ssize_t fake_recvmsg(int fd, struct msghdr *message, int flags)
{
	take_down(CALL_RECV, fd)->flags = flags;
	if (kernel.recvs == kernel.recvs_told) {
		errno = EAGAIN;
		return -1;
	}
	const struct incoming *in = &kernel.incoming[kernel.recvs++];
	errno = in->error;
	if (in->error != 0)
		return -1;
	message->msg_flags = 0;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	if (in->type < 0) {
		message->msg_controllen = 0;
	} else {
		cmsg->cmsg_level = ABI_SOL_TLS;
		cmsg->cmsg_type = ABI_GET_TYPE;
		cmsg->cmsg_len = CMSG_LEN(1);
		*CMSG_DATA(cmsg) = (uint8_t)in->type;
	}
	cr_assert(in->len <= message->msg_iov[0].iov_len);
	memcpy(message->msg_iov[0].iov_base, in->data, in->len);
	return (ssize_t)in->len;
}

static const struct ktls_sys sys = {.setsockopt = fake_setsockopt,
				    .getsockopt = fake_getsockopt,
				    .ioctl = fake_ioctl,
				    .sendmsg = fake_sendmsg,
				    .recvmsg = fake_recvmsg};

static void set_up(void)
{
	memset(&kernel, 0, sizeof(kernel));
	record = (struct record){.sock_fd = SOCK_FD,
				 .cipher = CIPHER,
				 .tx = &record_tx_kernel,
				 .rx = &record_rx_kernel,
				 .sys = &sys,
				 .metrics = &metrics,
				 .can_rekey_kernel = true,
				 .records_per_key = 1000,
				 .tx_secret = {.len = 32, .byte = {1}},
				 .rx_secret = {.len = 32, .byte = {2}}};
	tx_buf = malloc(sizeof(*tx_buf));
	tx_buf->at = tx_buf->end = 0;
	record.tx_buf = tx_buf;
}

static void tear_down(void)
{
	record.tx_buf = NULL;
	record_fini(&record);
	free(tx_buf);
}

TestSuite(record_ktls, .init = set_up, .fini = tear_down);

static void arrives(int type, const char *data, size_t len)
{
	kernel.incoming[kernel.recvs_told++] = (struct incoming){0, type, data, len};
}

static void fails(int error)
{
	kernel.incoming[kernel.recvs_told++] = (struct incoming){error, 0, NULL, 0};
}

static ssize_t receive(void)
{
	static char out[64];
	return record_recv(&record, out, sizeof(out));
}

/* Puts bytes into tx_buf as the server does. */
static void fill(const char *data, size_t len)
{
	struct iovec iov[TX_RECORDS_MAX];
	cr_assert_eq(record_tx_room(&record, 0, iov), 1);
	memcpy(iov[0].iov_base, data, len);
	cr_assert_eq(record_tx_seal(&record, len), 0);
}

/* The call installed the traffic key of this secret, from this sequence number (< 256) on. */
static void expect_key_at(const struct call *call, int name, const struct traffic_secret *secret,
			  uint8_t number)
{
	static const uint8_t head[] = {4, 3, 51, 0}; /* TLS 1.3, AES-128-GCM; little endian */
	const uint8_t seq[8] = {[7] = number};
	struct traffic_key key;
	cr_assert_eq(traffic_key_derive(CIPHER, secret, &key), 0);
	cr_assert(call->kind == CALL_SET && call->len == ABI_GCM_BYTES);
	cr_expect_eq(call->name, name);
	cr_expect_arr_eq(call->byte, head, 4);
	cr_expect_arr_eq(call->byte + 4, key.iv + 4, 8);
	cr_expect_arr_eq(call->byte + 12, key.key, 16);
	cr_expect_arr_eq(call->byte + 28, key.iv, 4);
	cr_expect_arr_eq(call->byte + 32, seq, 8);
}

static void expect_key(const struct call *call, int name, const struct traffic_secret *secret)
{
	expect_key_at(call, name, secret, 0);
}

static void expect_sent(const struct call *call, int type, const char *data, size_t len)
{
	cr_assert_eq(call->kind, CALL_SEND);
	cr_expect_eq(call->type, type);
	cr_assert_eq(call->len, len);
	cr_expect_arr_eq(call->byte, data, len);
}

static struct traffic_secret next_of(struct traffic_secret secret)
{
	cr_assert_eq(traffic_secret_update(CIPHER, &secret), 0);
	return secret;
}

#define KEYUPDATE         "\x18\x00\x00\x01\x00"
#define KEYUPDATE_REQUEST "\x18\x00\x00\x01\x01"

/* ---- KeyUpdates ----------------------------------------------------------------------------- */

Test(record_ktls, a_keyupdate_installs_the_next_receiving_key_and_reading_goes_on)
{
	const struct traffic_secret next = next_of(record.rx_secret);
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	arrives(RECORD_DATA, "data", 4);
	cr_expect_eq(receive(), 4);
	cr_assert_eq(kernel.calls, 3);
	cr_expect_eq(kernel.call[0].kind, CALL_RECV);
	expect_key(&kernel.call[1], ABI_TLS_RX, &next);
	cr_expect_eq(record.due, 0, "it was not asked for an answer");
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 1);
	cr_expect_eq(metrics.value[METRIC_KEYUPDATES_RECEIVED], 1);
}

/* Linux from 6.14 on stops at a first byte of 24, whatever follows. */
Test(record_ktls, behind_a_part_of_a_keyupdate_the_same_key_goes_on)
{
	const struct traffic_secret now = record.rx_secret, next = next_of(now);
	kernel.seq = 7;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 3);
	arrives(RECORD_HANDSHAKE, KEYUPDATE + 3, 2);
	arrives(RECORD_DATA, "data", 4);
	cr_expect_eq(receive(), 4);
	cr_assert_eq(kernel.calls, 6);
	cr_expect(kernel.call[1].kind == CALL_GET && kernel.call[1].name == ABI_TLS_RX);
	expect_key_at(&kernel.call[2], ABI_TLS_RX, &now, 7);
	cr_expect_eq(kernel.call[3].kind, CALL_RECV);
	expect_key(&kernel.call[4], ABI_TLS_RX, &next);
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 1);
}

Test(record_ktls, a_part_of_a_keyupdate_stops_no_earlier_kernel)
{
	record.can_rekey_kernel = false;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 1);
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.sets, 0);
}

Test(record_ktls, a_kernel_that_does_not_go_on_ends_the_connection)
{
	kernel.set_error[0] = EBUSY;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 3);
	cr_expect_eq(receive(), -EBUSY);
	cr_expect_eq(record.why, CLOSE_KEYUPDATE_UNSUPPORTED);
	cr_expect_eq(record.due, RECORD_DUE_CLOSE_NOTIFY);
}

/* The rest of a ticket may begin with any byte. */
Test(record_ktls, a_ticket_whose_rest_looks_like_a_keyupdate_changes_no_key)
{
	const struct traffic_secret now = record.rx_secret;
	record.is_client = true;
	kernel.seq = 2;
	arrives(RECORD_HANDSHAKE, "\x04\x00\x00\x08\x05\x05\x05\x05", 8);
	arrives(RECORD_HANDSHAKE, "\x18\x05\x05\x05", 4);
	arrives(RECORD_DATA, "data", 4);
	static char out[RECORD_PLAIN_MAX];
	cr_expect_eq(record_recv(&record, out, sizeof(out)), 4);
	cr_assert_eq(kernel.sets, 1);
	expect_key_at(&kernel.call[3], ABI_TLS_RX, &now, 2);
	cr_expect_eq(metrics.value[METRIC_KEYUPDATES_RECEIVED], 0);
}

Test(record_ktls, a_kernel_that_takes_no_second_receiving_key_ends_the_connection)
{
	kernel.set_error[0] = EBUSY; /* Linux before 6.14 */
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	arrives(RECORD_DATA, "under the next key", 18);
	cr_expect_eq(receive(), -EBUSY);
	cr_expect_eq(record.why, CLOSE_KEYUPDATE_UNSUPPORTED);
	cr_expect_eq(kernel.recvs, 1, "nothing more is read");
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 0);

	/* Sending works still: the peer is told that it is over. */
	unsigned before = kernel.calls;
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, before + 1);
	expect_sent(&kernel.call[before], RECORD_ALERT, "\x01\x00", 2);
}

Test(record_ktls, another_refusal_of_the_key_is_ours)
{
	kernel.set_error[0] = EINVAL;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	cr_expect_eq(receive(), -EINVAL);
	cr_expect_eq(record.why, CLOSE_INTERNAL);
}

Test(record_ktls, a_keyupdate_that_asks_is_answered_before_the_sending_key_changes)
{
	const struct traffic_secret next = next_of(record.tx_secret);
	arrives(RECORD_HANDSHAKE, KEYUPDATE_REQUEST, 5);
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(record.due, RECORD_DUE_KEYUPDATE);
	kernel.calls = 0;
	record.tx_records = 17;
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, 2);
	expect_sent(&kernel.call[0], RECORD_HANDSHAKE, KEYUPDATE, 5); /* asks for nothing */
	expect_key(&kernel.call[1], ABI_TLS_TX, &next);
	cr_expect_eq(record.due, 0);
	cr_expect_eq(record.tx_records, 0, "a new key has sealed nothing");
	cr_expect_eq(metrics.value[METRIC_REKEYS_TX], 1);

	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.calls, 2, "once");
}

/* RFC 8446 section 6.1: close_notify is the last of what is sent. The peer may still send. */
Test(record_ktls, a_keyupdate_that_asks_after_our_close_notify_gets_no_answer)
{
	for (int can_rekey = 0; can_rekey < 2; can_rekey++) {
		record.can_rekey_kernel = can_rekey;
		record_shutdown(&record, ALERT_CLOSE_NOTIFY);
		cr_assert_eq(record_tx_flush(&record, false), 0);
		cr_assert(record.is_closed_tx);
		int sends = kernel.sends;
		arrives(RECORD_HANDSHAKE, KEYUPDATE_REQUEST, 5);
		cr_expect_eq(receive(), -EAGAIN, "reading goes on");
		cr_expect_not(record_tx_has_due(&record));
		cr_assert_eq(record_tx_flush(&record, false), 0);
		cr_expect_eq(kernel.sends, sends);
	}
}

Test(record_ktls, a_keyupdate_that_asks_what_the_kernel_cannot_ends_the_connection)
{
	record.can_rekey_kernel = false;
	arrives(RECORD_HANDSHAKE, KEYUPDATE_REQUEST, 5);
	cr_expect_eq(receive(), -EOPNOTSUPP);
	cr_expect_eq(record.why, CLOSE_KEYUPDATE_UNSUPPORTED);
	cr_expect_eq(record.due, RECORD_DUE_CLOSE_NOTIFY);
	cr_expect_eq(record_tx_rekey(&record), -EOPNOTSUPP);
}

Test(record_ktls, data_that_waits_goes_under_the_old_key)
{
	fill("old", 3);
	cr_assert_eq(record_tx_rekey(&record), 0);
	cr_assert_eq(record_tx_flush(&record, true), 0);
	cr_assert_eq(kernel.calls, 3);
	expect_sent(&kernel.call[0], RECORD_DATA, "old", 3);
	cr_expect_eq(kernel.call[0].flags & MSG_MORE, 0,
		     "its record must not be left open: a control record follows");
	cr_expect_eq(kernel.call[1].type, RECORD_HANDSHAKE);
	cr_expect_eq(kernel.call[2].name, ABI_TLS_TX);
}

Test(record_ktls, a_full_socket_keeps_the_keyupdate_due_and_the_key)
{
	const struct traffic_secret before = record.tx_secret;
	kernel.send_result[0] = kernel.send_result[1] = -EAGAIN;
	cr_assert_eq(record_tx_rekey(&record), 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(record_tx_flush(&record, false), -EAGAIN);
		cr_expect_eq(record.due, RECORD_DUE_KEYUPDATE);
		cr_expect_arr_eq(&record.tx_secret, &before, sizeof(before));
	}
	cr_expect_eq(kernel.sets, 0);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.sets, 1);
	cr_expect_eq(record.due, 0);
}

Test(record_ktls, a_sending_key_that_is_refused_after_the_keyupdate_is_the_end)
{
	/* The peer awaits the next key: whatever is sent now, it cannot open. */
	kernel.set_error[0] = EAGAIN;
	cr_assert_eq(record_tx_rekey(&record), 0);
	cr_expect_eq(record_tx_flush(&record, false), -EIO, "and not EAGAIN, which is tried again");
	cr_expect_eq(record.why, CLOSE_SEND_FAILED);
	cr_expect_eq(metrics.value[METRIC_REKEYS_TX], 0);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_not(record_tx_has_due(&record), "nor a close_notify");
}

Test(record_ktls, half_a_keyupdate_is_the_end)
{
	kernel.send_result[0] = 3;
	cr_assert_eq(record_tx_rekey(&record), 0);
	cr_expect_eq(record_tx_flush(&record, false), -EIO);
	cr_expect_eq(record.why, CLOSE_SEND_FAILED);
	cr_expect_eq(kernel.sets, 0);
}

/* ---- The record limit ----------------------------------------------------------------------- */

Test(record_ktls, the_kernel_is_asked_for_its_count_only_near_the_limit)
{
	record_tx_account(&record, (size_t)997 * RECORD_PLAIN_MAX); /* at most 999 records */
	cr_expect_not(record_tx_limit_reached(&record));
	cr_expect_eq(kernel.calls, 0, "no system call far from the limit");

	kernel.seq = 600; /* the estimate was high */
	record_tx_account(&record, 1);
	cr_expect_not(record_tx_limit_reached(&record));
	cr_assert_eq(kernel.calls, 1);
	cr_expect(kernel.call[0].kind == CALL_GET && kernel.call[0].name == ABI_TLS_TX);
	cr_expect_eq(record.tx_records, 600, "the kernel's count takes the estimate's place");
	cr_expect_not(record_tx_limit_reached(&record));
	cr_expect_eq(kernel.calls, 1, "and is not asked for again");

	kernel.seq = 1000;
	record_tx_account(&record, (size_t)400 * RECORD_PLAIN_MAX);
	cr_expect(record_tx_limit_reached(&record));
}

Test(record_ktls, a_kernel_that_does_not_tell_leaves_the_estimate)
{
	kernel.get_error = EINVAL;
	record.tx_records = 1000;
	cr_expect(record_tx_limit_reached(&record));
}

Test(record_ktls, without_a_limit_nobody_is_asked)
{
	record.records_per_key = 0; /* ChaCha20 */
	record.tx_records = UINT64_MAX;
	cr_expect_not(record_tx_limit_reached(&record));
	cr_expect_eq(kernel.calls, 0);
}

Test(record_ktls, the_estimate_is_never_low)
{
	/* Each call may end one record and begin another. */
	record_tx_account(&record, 1);
	cr_expect(record.tx_records >= 2);
	uint64_t before = record.tx_records;
	record_tx_account(&record, RECORD_PLAIN_MAX + 1);
	cr_expect(record.tx_records - before >= 3);
	before = record.tx_records;
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(record.tx_records - before, 1, "control records count");
}

/* ---- Sending data --------------------------------------------------------------------------- */

Test(record_ktls, the_room_is_one_piece_and_ends)
{
	struct iovec iov[TX_RECORDS_MAX];
	size_t all = record_tx_room_bytes(&record);
	cr_assert_eq(record_tx_room(&record, 0, iov), 1);
	cr_expect_eq(iov[0].iov_len, all);
	cr_assert_eq(record_tx_room(&record, 10, iov), 1);
	cr_expect_eq(iov[0].iov_base, tx_buf->byte + 10);
	cr_expect_eq(iov[0].iov_len, all - 10);
	cr_expect_eq(record_tx_room(&record, all, iov), 0);
}

Test(record_ktls, a_short_send_goes_on_where_it_ended)
{
	kernel.send_result[0] = 4;
	kernel.send_result[1] = -EINTR;
	kernel.send_result[2] = -EAGAIN;
	fill("0123456789", 10);
	cr_assert_eq(record_tx_flush(&record, true), -EAGAIN);
	cr_expect_eq(kernel.call[0].flags & MSG_MORE, MSG_MORE);
	cr_expect_eq(kernel.pushes, 1, "TCP may hold the first four back");
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.pushes, 1, "what is all gone needs no more");
	cr_assert_eq(kernel.calls, 4);
	for (int i = 1; i < 4; i++)
		expect_sent(&kernel.call[i], RECORD_DATA, "456789", 6);
	cr_expect_eq(kernel.call[3].flags & MSG_MORE, 0);
	cr_expect(record.tx_records >= 2, "each of the two sends is a record");
}

Test(record_ktls, nothing_to_send_is_no_call)
{
	cr_expect_eq(record_tx_flush(&record, false), 0);
	record.tx_buf = NULL;
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.calls, 0);
}

Test(record_ktls, a_failed_send_has_its_reason)
{
	static const struct {
		int error;
		enum close_reason why;
	} rows[] = {{EPIPE, CLOSE_CLIENT_RESET},     {ECONNRESET, CLOSE_CLIENT_RESET},
		    {ETIMEDOUT, CLOSE_CLIENT_RESET}, {ENOMEM, CLOSE_NO_MEMORY},
		    {EBADMSG, CLOSE_SEND_FAILED},    {EMSGSIZE, CLOSE_SEND_FAILED}};
	fill("x", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kernel.sends = 0;
		kernel.send_result[0] = -rows[i].error;
		cr_expect_eq(record_tx_flush(&record, false), -rows[i].error);
		cr_expect_eq(record.why, rows[i].why, "%s", strerrorname_np(rows[i].error));
	}
}

/* tls_err_abort: a bad record that arrived makes the next send fail, which has taken nothing. */
Test(record_ktls, an_error_of_the_receiving_side_holds_no_send_up)
{
	static const struct {
		int error;
		int alert;
	} rows[] = {{EBADMSG, ALERT_BAD_RECORD_MAC},
		    {EMSGSIZE, ALERT_RECORD_OVERFLOW},
		    {EINVAL, ALERT_DECODE_ERROR}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kernel.sends = 0;
		kernel.calls = 0;
		kernel.send_result[0] = -rows[i].error;
		kernel.sock_error = rows[i].error;
		record.rx_error = record.due = 0;
		record.is_closed_tx = false;
		fill("answer", 6);
		cr_assert_eq(record_tx_flush(&record, false), 0);
		cr_assert_eq(kernel.calls, 3);
		cr_expect_eq(kernel.call[1].kind, CALL_GET, "SO_ERROR");
		expect_sent(&kernel.call[2], RECORD_DATA, "answer", 6);
		cr_expect(record_has_buffered(&record), "no poll will tell of it");

		/* What came before it is given first; the kernel itself may be silent by then. */
		arrives(RECORD_DATA, "abc", 3);
		cr_expect_eq(receive(), 3);
		cr_expect_eq(receive(), -rows[i].error);
		cr_expect_eq(record.why, CLOSE_RECORD_BAD);
		cr_assert_eq(record_tx_flush(&record, false), 0);
		const char alert[] = {2, (char)rows[i].alert};
		expect_sent(&kernel.call[kernel.calls - 1], RECORD_ALERT, alert, 2);
	}
}

Test(record_ktls, a_bad_record_before_a_fin_is_told_of)
{
	kernel.send_result[0] = -EINVAL;
	kernel.sock_error = EINVAL;
	fill("x", 1);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	arrives(-1, "", 0);
	cr_expect_eq(receive(), -EINVAL, "and not EPIPE");
}

Test(record_ktls, a_control_record_meets_the_error_too)
{
	kernel.send_result[0] = -EBADMSG;
	kernel.sock_error = EBADMSG;
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	expect_sent(&kernel.call[kernel.calls - 1], RECORD_ALERT, "\x01\x00", 2);
	cr_expect(record.is_closed_tx);
}

Test(record_ktls, an_error_that_does_not_go_is_the_sends_own)
{
	kernel.sock_error = EBADMSG;
	for (int i = 0; i < 8; i++)
		kernel.send_result[i] = -EBADMSG;
	for (int i = 0; i < 20; i++)
		if (record_tx_may_retry(&record, -EBADMSG))
			cr_expect_lt(i, 8);
	fill("x", 1);
	cr_expect_eq(record_tx_flush(&record, false), -EBADMSG);
	cr_expect_eq(record.why, CLOSE_SEND_FAILED);
	cr_expect_not(record_tx_may_retry(&record, -ECONNRESET));
}

Test(record_ktls, a_fatal_alert_that_is_due_stays_what_it_is)
{
	record_shutdown(&record, ALERT_BAD_RECORD_MAC);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	expect_sent(&kernel.call[0], RECORD_ALERT, "\x02\x14", 2);
}

Test(record_ktls, close_notify_follows_the_data_and_is_sent_once)
{
	kernel.send_result[1] = -EAGAIN;
	fill("last", 4);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_eq(record_tx_flush(&record, false), -EAGAIN);
	cr_expect_eq(record.due, RECORD_DUE_CLOSE_NOTIFY);
	cr_expect_not(record.is_closed_tx);
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, 3);
	expect_sent(&kernel.call[0], RECORD_DATA, "last", 4);
	expect_sent(&kernel.call[2], RECORD_ALERT, "\x01\x00", 2);
	cr_expect(record.is_closed_tx);

	record_shutdown(&record, ALERT_INTERNAL_ERROR);
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.calls, 3, "nothing follows close_notify");
}

Test(record_ktls, a_fatal_alert_takes_the_place_of_a_keyupdate)
{
	cr_assert_eq(record_tx_rekey(&record), 0);
	record_shutdown(&record, ALERT_UNEXPECTED_MESSAGE);
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, 1);
	expect_sent(&kernel.call[0], RECORD_ALERT, "\x02\x0a", 2);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

Test(record_ktls, data_alerts_and_fin)
{
	arrives(RECORD_DATA, "abc", 3);
	arrives(RECORD_ALERT, "\x01\x00", 2);
	cr_expect_eq(receive(), 3);
	cr_expect_eq(receive(), 0, "close_notify is the end of file");
	cr_expect_eq(record.why, CLOSE_CLIENT_DONE);
	arrives(RECORD_ALERT, "\x02\x28", 2);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_eq(receive(), -ECONNABORTED);
	cr_expect_eq(record.why, CLOSE_CLIENT_ALERT);
	cr_expect_eq(record.alert_received, ALERT_HANDSHAKE_FAILURE);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_not(record_tx_has_due(&record), "RFC 8446 section 6.2: no answer");
	arrives(-1, "", 0);
	cr_expect_eq(receive(), -EPIPE, "a FIN without it is not");
	cr_expect_eq(record.why, CLOSE_CLIENT_TRUNCATED);
	cr_expect_eq(kernel.call[0].flags, MSG_DONTWAIT);
}

Test(record_ktls, a_failed_receive_has_its_reason_and_alert)
{
	static const struct {
		int error;
		enum close_reason why;
		int alert; /* 0: none is due */
	} rows[] = {{EBADMSG, CLOSE_RECORD_BAD, ALERT_BAD_RECORD_MAC},
		    {EMSGSIZE, CLOSE_RECORD_BAD, ALERT_RECORD_OVERFLOW},
		    {EINVAL, CLOSE_RECORD_BAD, ALERT_DECODE_ERROR},
		    {EKEYEXPIRED, CLOSE_RECV_FAILED, 0},
		    {EIO, CLOSE_RECV_FAILED, 0},
		    {ECONNRESET, CLOSE_CLIENT_RESET, 0},
		    {ENOMEM, CLOSE_NO_MEMORY, 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = strerrorname_np(rows[i].error);
		record.due = record.alert = 0;
		kernel.errors_cleared = 0;
		fails(rows[i].error);
		cr_expect_eq(receive(), -rows[i].error, "%s", name);
		cr_expect_eq(record.why, rows[i].why, "%s", name);
		cr_expect_eq(record.due, rows[i].alert != 0 ? RECORD_DUE_ALERT : 0, "%s", name);
		cr_expect_eq(record.alert, rows[i].alert, "%s", name);
		cr_expect_eq(kernel.errors_cleared, rows[i].alert != 0, "%s: else the alert fails",
			     name);
	}
}

/* Linux 6.1 says "readable" for every part of a record. */
Test(record_ktls, part_of_a_record_is_waited_for_and_is_no_empty_record)
{
	kernel.queued = 9;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect(record_holds_part(&record));
	cr_expect_eq(kernel.low_water, 10, "readable with more than that");
	kernel.queued = 700;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.low_water, 701);
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 0);

	arrives(RECORD_DATA, "abc", 3);
	cr_expect_eq(receive(), 3);
	cr_expect_eq(kernel.low_water, 1, "the next record may be smaller");
	cr_expect_not(record_holds_part(&record));
}

Test(record_ktls, an_empty_record_after_a_part_lowers_the_mark_again)
{
	record.can_rekey_kernel = false;
	kernel.queued = 9;
	cr_expect_eq(receive(), -EAGAIN);
	kernel.queued = 0;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.low_water, 1);
	cr_expect_not(record_holds_part(&record));
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 1);
}

Test(record_ktls, eagain_after_poll_is_an_empty_record_and_many_in_a_row_are_a_flood)
{
	ssize_t r;
	int empty = 0;

	record.can_rekey_kernel = false;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.calls, 1, "poll tells when there is more: no second call");
	arrives(RECORD_DATA, "x", 1);
	cr_expect_eq(receive(), 1);
	cr_expect_not(record.is_rx_unsure);
	while ((r = receive()) == -EAGAIN && empty < 2000)
		empty++;
	cr_expect_eq(r, -EPROTO);
	cr_expect_eq(record.why, CLOSE_RECORD_FLOOD);
	cr_expect_eq(empty, 256, "data between them starts the count again");
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 1 + 257);
}

Test(record_ktls, the_second_look_behind_data_is_no_empty_record)
{
	/* A kernel that can rekey hides a KeyUpdate behind data from poll: it is looked for. */
	arrives(RECORD_DATA, "x", 1);
	cr_expect_eq(receive(), 1);
	cr_expect(record.is_rx_unsure, "to be received again before the next poll");
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_not(record.is_rx_unsure, "once");
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 0, "poll had said nothing");
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 1, "this time it had");

	arrives(RECORD_DATA, "y", 1);
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	cr_expect_eq(receive(), 1);
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 1);
	cr_expect_not(record.is_rx_unsure);
}

Test(record_ktls, nothing_is_kept_that_poll_does_not_see)
{
	cr_expect_not(record_has_buffered(&record));
	cr_expect_str_eq(record.tx->label, "kernel");
	cr_expect_str_eq(record.rx->label, "kernel");
	cr_expect(record_is_kernel_tx(&record));
}
