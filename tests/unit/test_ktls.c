/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel TLS against a kernel of our own making: what reaches it, byte for byte, and what becomes
 * of its answers. test_ktls_kernel.c asks the real one. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/limits.h"
#include "base/must.h"
#include "tls/ktls_probe.h"

/* The ABI of Linux, by number (include/linux/socket.h, include/uapi/linux/tls.h): what our headers
 * are called or whether they have it must not matter. */
#define ABI_SOL_TLS         282
#define ABI_TLS_TX          1
#define ABI_TLS_RX          2
#define ABI_EXPECT_NO_PAD   4
#define ABI_SET_RECORD_TYPE 1
#define ABI_GET_RECORD_TYPE 2

#define SOCK_FD             42

/* What the next call is to answer, and what the last one brought. Each test is a process. */
static struct {
	int error; /* errno, or 0 */
	int calls;
	int fd, level, name, flags;
	socklen_t len;
	uint8_t bytes[256];
	size_t control_len;
	ssize_t result; /* of sendmsg and recvmsg */
	int cmsg_level, cmsg_type;
	uint8_t cmsg_byte;
	bool has_cmsg;
	int msg_flags;
} fake;

static int fake_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	fake.calls++;
	fake.fd = fd;
	fake.level = level;
	fake.name = name;
	fake.len = len;
	cr_assert(len <= sizeof(fake.bytes));
	memcpy(fake.bytes, value, len);
	errno = fake.error;
	return fake.error != 0 ? -1 : 0;
}

/* Answers with fake.bytes. */
static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	fake.calls++;
	fake.fd = fd;
	fake.level = level;
	fake.name = name;
	fake.len = *len;
	errno = fake.error;
	if (fake.error != 0)
		return -1;
	memcpy(value, fake.bytes, *len);
	return 0;
}

static ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags)
{
	fake.calls++;
	fake.fd = fd;
	fake.flags = flags;
	fake.len = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		cr_assert(fake.len + message->msg_iov[i].iov_len <= sizeof(fake.bytes));
		memcpy(fake.bytes + fake.len, message->msg_iov[i].iov_base,
		       message->msg_iov[i].iov_len);
		fake.len += (socklen_t)message->msg_iov[i].iov_len;
	}
	fake.control_len = message->msg_controllen;
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	fake.has_cmsg = cmsg != NULL;
	if (cmsg != NULL) {
		cr_expect_eq(cmsg->cmsg_len, CMSG_LEN(1));
		fake.cmsg_level = cmsg->cmsg_level;
		fake.cmsg_type = cmsg->cmsg_type;
		fake.cmsg_byte = *CMSG_DATA(cmsg);
	}
	errno = fake.error;
	return fake.error != 0 ? -1 : fake.result;
}

static ssize_t fake_recvmsg(int fd, struct msghdr *message, int flags)
{
	fake.calls++;
	fake.fd = fd;
	fake.flags = flags;
	errno = fake.error;
	if (fake.error != 0)
		return -1;
	message->msg_flags = fake.msg_flags;
	if (!fake.has_cmsg) {
		message->msg_controllen = 0;
	} else {
		cr_assert(message->msg_controllen >= CMSG_SPACE(1), "no room for the type");
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
		cmsg->cmsg_level = fake.cmsg_level;
		cmsg->cmsg_type = fake.cmsg_type;
		cmsg->cmsg_len = CMSG_LEN(1);
		*CMSG_DATA(cmsg) = fake.cmsg_byte;
		message->msg_controllen = CMSG_SPACE(1);
	}
	cr_assert((size_t)fake.result <= message->msg_iov[0].iov_len);
	memcpy(message->msg_iov[0].iov_base, fake.bytes, (size_t)fake.result);
	return fake.result;
}

static const struct ktls_sys sys = {.setsockopt = fake_setsockopt,
				    .getsockopt = fake_getsockopt,
				    .sendmsg = fake_sendmsg,
				    .recvmsg = fake_recvmsg};

/* key 40 41 42 ..., iv a0 a1 a2 ... ab */
static struct traffic_key numbered_key(void)
{
	struct traffic_key key;
	for (size_t i = 0; i < sizeof(key.key); i++)
		key.key[i] = (uint8_t)(0x40 + i);
	for (size_t i = 0; i < sizeof(key.iv); i++)
		key.iv[i] = (uint8_t)(0xa0 + i);
	return key;
}

TestSuite(ktls);

/* ---- The ULP and the keys ---------------------------------------------------------------------
 */

Test(ktls, attaches_the_ulp_by_its_name)
{
	cr_expect_eq(ktls_attach(&sys, SOCK_FD), 0);
	cr_expect_eq(fake.fd, SOCK_FD);
	cr_expect_eq(fake.level, IPPROTO_TCP);
	cr_expect_eq(fake.name, 31, "TCP_ULP");
	cr_assert(fake.len == 3 || fake.len == 4);
	cr_expect_arr_eq(fake.bytes, "tls", fake.len);
}

Test(ktls, attach_gives_the_errno)
{
	static const int errors[] = {EEXIST, ENOENT, ENOTCONN, EPERM};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake.error = errors[i];
		cr_expect_eq(ktls_attach(&sys, SOCK_FD), -errors[i]);
	}
	cr_expect_eq(fake.calls, 4, "no second try");
}

/* version 0x0304 and cipher in the machine's order; iv; key; salt; rec_seq big-endian. */
static void expect_install(enum tls_cipher cipher, uint16_t number, const uint8_t *rest, size_t len)
{
	const struct traffic_key key = numbered_key();
	const uint16_t head[2] = {0x0304, number};

	cr_expect_eq(ktls_install(&sys, SOCK_FD, KTLS_TX, cipher, &key, 0x0102030405060708), 0);
	cr_expect_eq(fake.fd, SOCK_FD);
	cr_expect_eq(fake.level, ABI_SOL_TLS);
	cr_expect_eq(fake.name, ABI_TLS_TX);
	cr_assert_eq(fake.len, sizeof(head) + len);
	cr_expect_arr_eq(fake.bytes, head, sizeof(head));
	cr_expect_arr_eq(fake.bytes + sizeof(head), rest, len);

	cr_expect_eq(ktls_install(&sys, SOCK_FD, KTLS_RX, cipher, &key, 0), 0);
	cr_expect_eq(fake.name, ABI_TLS_RX);
	cr_expect_arr_eq(fake.bytes + fake.len - 8, "\0\0\0\0\0\0\0\0", 8);
}

Test(ktls, installs_aes_128_gcm_with_the_iv_split)
{
	static const uint8_t rest[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, /* iv */
				       0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, /* key */
				       0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
				       0xa0, 0xa1, 0xa2, 0xa3, /* salt */
				       1,    2,    3,    4,    5,    6,    7,    8};
	expect_install(TLS_CIPHER_AES_128_GCM, 51, rest, sizeof(rest));
}

Test(ktls, installs_aes_256_gcm_with_the_iv_split)
{
	static const uint8_t rest[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, /* iv */
				       0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, /* key */
				       0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51,
				       0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b,
				       0x5c, 0x5d, 0x5e, 0x5f, 0xa0, 0xa1, 0xa2, 0xa3, /* salt */
				       1,    2,    3,    4,    5,    6,    7,    8};
	expect_install(TLS_CIPHER_AES_256_GCM, 52, rest, sizeof(rest));
}

Test(ktls, installs_chacha20_with_the_iv_whole)
{
	static const uint8_t rest[] = {
		0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, /* iv */
		0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,                         /* key */
		0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52, 0x53,
		0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f,
		1,    2,    3,    4,    5,    6,    7,    8};
	expect_install(TLS_CIPHER_CHACHA20, 54, rest, sizeof(rest));
}

Test(ktls, install_gives_the_errno)
{
	static const int errors[] = {EBUSY, EINVAL, ENOENT, EOPNOTSUPP, ENOMEM};
	const struct traffic_key key = numbered_key();
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake.error = errors[i];
		cr_expect_eq(ktls_install(&sys, SOCK_FD, KTLS_RX, TLS_CIPHER_AES_128_GCM, &key, 0),
			     -errors[i]);
	}
}

Test(ktls, a_cipher_beyond_the_table_is_our_bug, .signal = SIGABRT)
{
	const struct traffic_key key = numbered_key();
	ktls_install(&sys, SOCK_FD, KTLS_TX, TLS_CIPHER_COUNT, &key, 0);
}

Test(ktls, reads_the_sequence_number_where_the_cipher_has_it)
{
	static const socklen_t len[] = {[TLS_CIPHER_AES_128_GCM] = 40,
					[TLS_CIPHER_AES_256_GCM] = 56,
					[TLS_CIPHER_CHACHA20] = 56};
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		uint64_t seq = 0;
		memset(fake.bytes, 0xee, sizeof(fake.bytes));
		memcpy(fake.bytes + len[i] - 8, "\x80\x00\x00\x00\x01\x02\x03\x04", 8);
		cr_expect_eq(ktls_record_seq(&sys, SOCK_FD, KTLS_TX, (enum tls_cipher)i, &seq), 0);
		cr_expect_eq(seq, 0x8000000001020304);
		cr_expect_eq(fake.len, len[i], "the kernel takes no other length");
		cr_expect_eq(fake.level, ABI_SOL_TLS);
		cr_expect_eq(fake.name, ABI_TLS_TX);
	}
	uint64_t seq;
	ktls_record_seq(&sys, SOCK_FD, KTLS_RX, TLS_CIPHER_AES_128_GCM, &seq);
	cr_expect_eq(fake.name, ABI_TLS_RX);
	fake.error = EBUSY;
	cr_expect_eq(ktls_record_seq(&sys, SOCK_FD, KTLS_TX, TLS_CIPHER_CHACHA20, &seq), -EBUSY);
}

Test(ktls, expect_no_pad_is_an_int_of_one)
{
	const int one = 1;
	cr_expect_eq(ktls_expect_no_pad(&sys, SOCK_FD), 0);
	cr_expect_eq(fake.level, ABI_SOL_TLS);
	cr_expect_eq(fake.name, ABI_EXPECT_NO_PAD);
	cr_assert_eq(fake.len, sizeof(one));
	cr_expect_arr_eq(fake.bytes, &one, sizeof(one));
	fake.error = ENOPROTOOPT;
	cr_expect_eq(ktls_expect_no_pad(&sys, SOCK_FD), -ENOPROTOOPT);
}

/* kconfig-notes/tls-rx-padding.md: only where the self-test has passed. */
Test(ktls, expect_no_pad_only_where_the_self_test_passed)
{
	static const struct {
		enum ktls_verdict pad_safe;
		bool is_set;
	} rows[] = {{KTLS_UNTESTED, false}, {KTLS_NO, false}, {KTLS_YES, true}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ktls_caps caps = {.no_pad = KTLS_YES, .pad_safe = rows[i].pad_safe};
		fake.calls = 0;
		cr_expect_eq(ktls_expect_no_pad_where_safe(&sys, &caps, SOCK_FD), rows[i].is_set);
		cr_expect_eq(fake.calls, rows[i].is_set, "%zu", i);
	}
}

/* ---- Control records ------------------------------------------------------------------------ */

Test(ktls, sends_a_control_record_with_its_type)
{
	static const uint8_t close_notify[] = {1, 0};
	fake.result = sizeof(close_notify);
	cr_expect_eq(ktls_send_control(&sys, SOCK_FD, RECORD_ALERT, close_notify, 2), 2);
	cr_expect_eq(fake.fd, SOCK_FD);
	cr_assert_eq(fake.len, 2);
	cr_expect_arr_eq(fake.bytes, close_notify, 2);
	cr_assert(fake.has_cmsg);
	cr_expect_eq(fake.cmsg_level, ABI_SOL_TLS);
	cr_expect_eq(fake.cmsg_type, ABI_SET_RECORD_TYPE);
	cr_expect_eq(fake.cmsg_byte, 21);
	cr_expect(fake.flags & MSG_DONTWAIT);
	cr_expect(fake.flags & MSG_NOSIGNAL);
	cr_expect_not(fake.flags & MSG_MORE, "the kernel refuses it for a control record");

	fake.result = 5;
	cr_expect_eq(ktls_send_control(&sys, SOCK_FD, RECORD_HANDSHAKE, "\x18\0\0\1\0", 5), 5);
	cr_expect_eq(fake.cmsg_byte, 22);
}

Test(ktls, a_control_record_is_sent_whole_or_not)
{
	fake.error = EAGAIN;
	cr_expect_eq(ktls_send_control(&sys, SOCK_FD, RECORD_ALERT, "\1\0", 2), -EAGAIN);
	fake.error = EPIPE;
	cr_expect_eq(ktls_send_control(&sys, SOCK_FD, RECORD_ALERT, "\1\0", 2), -EPIPE);
	fake.error = EBADMSG;
	cr_expect_eq(ktls_send_control(&sys, SOCK_FD, RECORD_ALERT, "\1\0", 2), -EBADMSG);
	fake.error = 0;
	fake.result = 1;
	cr_expect_eq(ktls_send_control(&sys, SOCK_FD, RECORD_ALERT, "\1\0", 2), -EIO);
}

Test(ktls, nothing_loops)
{
	enum record_type type;
	uint8_t data[4];
	fake.error = EINTR;
	cr_expect_eq(ktls_send_control(&sys, SOCK_FD, RECORD_ALERT, "\1\0", 2), -EAGAIN);
	cr_expect_eq(fake.calls, 1);
	cr_expect_eq(ktls_recv(&sys, SOCK_FD, data, sizeof(data), &type), -EAGAIN);
	cr_expect_eq(fake.calls, 2);
}

Test(ktls, an_empty_control_record_is_our_bug, .signal = SIGABRT)
{
	ktls_send_control(&sys, SOCK_FD, RECORD_ALERT, "", 0);
}

Test(ktls, a_control_record_longer_than_a_record_is_our_bug, .signal = SIGABRT)
{
	static const uint8_t data[RECORD_PLAIN_MAX + 1];
	ktls_send_control(&sys, SOCK_FD, RECORD_HANDSHAKE, data, sizeof(data));
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* type_byte -1: no control message. */
static ssize_t receive(int type_byte, const char *bytes, ssize_t len, enum record_type *type)
{
	static uint8_t data[64];
	fake.has_cmsg = type_byte >= 0;
	fake.cmsg_level = ABI_SOL_TLS;
	fake.cmsg_type = ABI_GET_RECORD_TYPE;
	fake.cmsg_byte = (uint8_t)type_byte;
	fake.result = len;
	memcpy(fake.bytes, bytes, (size_t)len);
	memset(data, 0xee, sizeof(data));
	ssize_t n = ktls_recv(&sys, SOCK_FD, data, sizeof(data), type);
	if (n > 0)
		cr_expect_arr_eq(data, bytes, (size_t)n);
	return n;
}

Test(ktls, receives_data_and_control_records_with_their_type)
{
	enum record_type type = RECORD_ALERT;
	cr_expect_eq(receive(23, "data", 4, &type), 4);
	cr_expect_eq(type, RECORD_DATA);
	cr_expect_eq(fake.fd, SOCK_FD);
	cr_expect(fake.flags & MSG_DONTWAIT);
	cr_expect_eq(receive(21, "\2\50", 2, &type), 2);
	cr_expect_eq(type, RECORD_ALERT);
	cr_expect_eq(receive(22, "\x18\0\0\1\1", 5, &type), 5);
	cr_expect_eq(type, RECORD_HANDSHAKE);
}

Test(ktls, fin_is_no_data_of_no_record)
{
	enum record_type type = RECORD_ALERT;
	cr_expect_eq(receive(-1, "", 0, &type), 0);
	cr_expect_eq(type, RECORD_DATA);
	/* An empty alert is an error of the peer, and not the end. */
	cr_expect_eq(receive(21, "", 0, &type), 0);
	cr_expect_eq(type, RECORD_ALERT);
}

Test(ktls, a_control_message_of_another_kind_is_no_type)
{
	enum record_type type = RECORD_ALERT;
	static uint8_t data[8];
	fake.has_cmsg = true;
	fake.cmsg_level = SOL_SOCKET;
	fake.cmsg_type = ABI_GET_RECORD_TYPE;
	fake.cmsg_byte = 21;
	fake.result = 1;
	cr_expect_eq(ktls_recv(&sys, SOCK_FD, data, sizeof(data), &type), 1);
	cr_expect_eq(type, RECORD_DATA);
}

Test(ktls, a_type_cut_off_is_an_error_and_not_data)
{
	enum record_type type = RECORD_DATA;
	fake.msg_flags = MSG_CTRUNC;
	cr_expect_eq(receive(-1, "\1\0", 2, &type), -EIO);
}

Test(ktls, receive_gives_the_errno)
{
	static const int errors[] = {EAGAIN, EBADMSG, EKEYEXPIRED, EIO, EMSGSIZE, ECONNRESET};
	enum record_type type;
	uint8_t data[4];
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake.error = errors[i];
		cr_expect_eq(ktls_recv(&sys, SOCK_FD, data, sizeof(data), &type), -errors[i]);
	}
}
