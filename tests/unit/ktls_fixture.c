/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/ktls_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include <criterion/criterion.h>

struct fake_kernel kernel;
struct record record;
struct metrics metrics;
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

void fake_kernel_make(void)
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

void fake_kernel_remove(void)
{
	record.tx_buf = NULL;
	record_fini(&record);
	free(tx_buf);
}

void arrives(int type, const char *data, size_t len)
{
	kernel.incoming[kernel.recvs_told++] = (struct incoming){0, type, data, len};
}

void fails(int error)
{
	kernel.incoming[kernel.recvs_told++] = (struct incoming){error, 0, NULL, 0};
}

ssize_t receive(void)
{
	static char out[64];
	return record_recv(&record, out, sizeof(out));
}

void fill(const char *data, size_t len)
{
	struct iovec iov[TX_RECORDS_MAX];
	cr_assert_eq(record_tx_room(&record, 0, iov), 1);
	memcpy(iov[0].iov_base, data, len);
	cr_assert_eq(record_tx_seal(&record, len), 0);
}

void expect_key_at(const struct call *call, int name, const struct traffic_secret *secret,
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

void expect_key(const struct call *call, int name, const struct traffic_secret *secret)
{
	expect_key_at(call, name, secret, 0);
}

void expect_sent(const struct call *call, int type, const char *data, size_t len)
{
	cr_assert_eq(call->kind, CALL_SEND);
	cr_expect_eq(call->type, type);
	cr_assert_eq(call->len, len);
	cr_expect_arr_eq(call->byte, data, len);
}

struct traffic_secret next_of(struct traffic_secret secret)
{
	cr_assert_eq(traffic_secret_update(CIPHER, &secret), 0);
	return secret;
}
