/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/ktls.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/tls.h>

#include <openssl/crypto.h>

#include "base/limits.h"
#include "base/must.h"

#ifndef SOL_TLS
#define SOL_TLS 282 /* linux/socket.h */
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4 /* Linux 6.0 */
#endif

static int ioctl_int(int fd, unsigned long request, int *value)
{
	return ioctl(fd, request, value);
}

const struct ktls_sys ktls_sys_kernel = {
	.setsockopt = setsockopt,
	.getsockopt = getsockopt,
	.ioctl = ioctl_int,
	.sendmsg = sendmsg,
	.recvmsg = recvmsg,
};

union crypto_info {
	struct tls_crypto_info info;
	struct tls12_crypto_info_aes_gcm_128 aes_128_gcm;
	struct tls12_crypto_info_aes_gcm_256 aes_256_gcm;
	struct tls12_crypto_info_chacha20_poly1305 chacha20;
};

/* RFC 8446's 12-byte IV is, for the kernel, a salt of 4 and an "explicit" IV of 8 with GCM. */
static_assert(TLS_CIPHER_AES_GCM_128_SALT_SIZE + TLS_CIPHER_AES_GCM_128_IV_SIZE == TRAFFIC_IV_BYTES,
	      "iv of AES-128-GCM");
static_assert(TLS_CIPHER_AES_GCM_256_SALT_SIZE + TLS_CIPHER_AES_GCM_256_IV_SIZE == TRAFFIC_IV_BYTES,
	      "iv of AES-256-GCM");
static_assert(TLS_CIPHER_CHACHA20_POLY1305_IV_SIZE == TRAFFIC_IV_BYTES, "iv of ChaCha20");
static_assert(TLS_CIPHER_AES_GCM_128_KEY_SIZE == 16, "key of AES-128-GCM");
static_assert(TLS_CIPHER_AES_GCM_256_KEY_SIZE == TRAFFIC_KEY_BYTES_MAX, "key of AES-256-GCM");
static_assert(TLS_CIPHER_CHACHA20_POLY1305_KEY_SIZE == TRAFFIC_KEY_BYTES_MAX, "key of ChaCha20");
static_assert(TLS_CIPHER_AES_GCM_128_REC_SEQ_SIZE == 8 &&
		      TLS_CIPHER_AES_GCM_256_REC_SEQ_SIZE == 8 &&
		      TLS_CIPHER_CHACHA20_POLY1305_REC_SEQ_SIZE == 8,
	      "sequence numbers");

static int option_of(enum ktls_direction direction)
{
	return direction == KTLS_TX ? TLS_TX : TLS_RX;
}

/* Where the sequence number stands, and how long the struct is that the kernel wants. */
static unsigned char *seq_of(union crypto_info *crypto, enum tls_cipher cipher, socklen_t *len)
{
	switch (cipher) {
	case TLS_CIPHER_AES_128_GCM:
		*len = sizeof(crypto->aes_128_gcm);
		return crypto->aes_128_gcm.rec_seq;
	case TLS_CIPHER_AES_256_GCM:
		*len = sizeof(crypto->aes_256_gcm);
		return crypto->aes_256_gcm.rec_seq;
	case TLS_CIPHER_CHACHA20:
		*len = sizeof(crypto->chacha20);
		return crypto->chacha20.rec_seq;
	case TLS_CIPHER_COUNT:
		break;
	}
	must(!"a cipher of the table");
	return NULL;
}

static void fill(union crypto_info *crypto, enum tls_cipher cipher, const struct traffic_key *key)
{
	crypto->info.version = TLS_1_3_VERSION;
	switch (cipher) {
	case TLS_CIPHER_AES_128_GCM:
		crypto->info.cipher_type = TLS_CIPHER_AES_GCM_128;
		memcpy(crypto->aes_128_gcm.salt, key->iv, TLS_CIPHER_AES_GCM_128_SALT_SIZE);
		memcpy(crypto->aes_128_gcm.iv, key->iv + TLS_CIPHER_AES_GCM_128_SALT_SIZE,
		       TLS_CIPHER_AES_GCM_128_IV_SIZE);
		memcpy(crypto->aes_128_gcm.key, key->key, TLS_CIPHER_AES_GCM_128_KEY_SIZE);
		break;
	case TLS_CIPHER_AES_256_GCM:
		crypto->info.cipher_type = TLS_CIPHER_AES_GCM_256;
		memcpy(crypto->aes_256_gcm.salt, key->iv, TLS_CIPHER_AES_GCM_256_SALT_SIZE);
		memcpy(crypto->aes_256_gcm.iv, key->iv + TLS_CIPHER_AES_GCM_256_SALT_SIZE,
		       TLS_CIPHER_AES_GCM_256_IV_SIZE);
		memcpy(crypto->aes_256_gcm.key, key->key, TLS_CIPHER_AES_GCM_256_KEY_SIZE);
		break;
	case TLS_CIPHER_CHACHA20:
		crypto->info.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
		memcpy(crypto->chacha20.iv, key->iv, TLS_CIPHER_CHACHA20_POLY1305_IV_SIZE);
		memcpy(crypto->chacha20.key, key->key, TLS_CIPHER_CHACHA20_POLY1305_KEY_SIZE);
		break;
	case TLS_CIPHER_COUNT:
		must(!"a cipher of the table");
	}
}

int ktls_attach(const struct ktls_sys *sys, int sock_fd)
{
	static const char name[] = "tls";
	return sys->setsockopt(sock_fd, IPPROTO_TCP, TCP_ULP, name, sizeof(name)) < 0 ? -errno : 0;
}

int ktls_install(const struct ktls_sys *sys, int sock_fd, enum ktls_direction direction,
		 enum tls_cipher cipher, const struct traffic_key *key, uint64_t seq)
{
	union crypto_info crypto;
	socklen_t len;

	memset(&crypto, 0, sizeof(crypto));
	fill(&crypto, cipher, key);
	unsigned char *rec_seq = seq_of(&crypto, cipher, &len);
	for (int i = 0; i < 8; i++)
		rec_seq[i] = (unsigned char)(seq >> (56 - 8 * i));
	int r = sys->setsockopt(sock_fd, SOL_TLS, option_of(direction), &crypto, len) < 0 ? -errno
											  : 0;
	OPENSSL_cleanse(&crypto, sizeof(crypto));
	return r;
}

int ktls_record_seq(const struct ktls_sys *sys, int sock_fd, enum ktls_direction direction,
		    enum tls_cipher cipher, uint64_t *seq)
{
	union crypto_info crypto;
	socklen_t len;

	memset(&crypto, 0, sizeof(crypto));
	const unsigned char *rec_seq = seq_of(&crypto, cipher, &len);
	int r = sys->getsockopt(sock_fd, SOL_TLS, option_of(direction), &crypto, &len) < 0 ? -errno
											   : 0;
	*seq = 0;
	for (int i = 0; i < 8; i++)
		*seq = *seq << 8 | rec_seq[i];
	OPENSSL_cleanse(&crypto, sizeof(crypto)); /* the kernel gives the key too */
	return r;
}

/* A call that does not wait is not interrupted (sock_intr_errno is behind the test of the timeout
 * in net/tls/tls_sw.c). Should it be after all, the loop comes again when the socket is ready. */
static int error_of_errno(void)
{
	return errno == EINTR ? -EAGAIN : -errno;
}

/* The control message that says a record's type: one byte. */
union type_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(unsigned char))];
};

ssize_t ktls_send_control(const struct ktls_sys *sys, int sock_fd, enum record_type type,
			  const void *data, size_t len)
{
	union type_message control;
	struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	must(len > 0 && len <= RECORD_PLAIN_MAX);
	memset(&control, 0, sizeof(control));
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(sizeof(unsigned char));
	*CMSG_DATA(cmsg) = (unsigned char)type;

	ssize_t n = sys->sendmsg(sock_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return error_of_errno();
	/* Half an alert or KeyUpdate cannot be taken back, nor its rest be sent as the same message
	 * later: for the caller the connection is broken. Never seen; a record of some bytes fits
	 * or it does not (tls_sw_sendmsg). */
	return (size_t)n == len ? n : -EIO;
}

ssize_t ktls_recv(const struct ktls_sys *sys, int sock_fd, void *data, size_t len,
		  enum record_type *type)
{
	union type_message control;
	struct iovec iov = {.iov_base = data, .iov_len = len};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = sys->recvmsg(sock_fd, &message, MSG_DONTWAIT);
	if (n < 0)
		return error_of_errno();
	if (message.msg_flags & MSG_CTRUNC)
		return -EIO; /* bytes of a type that nobody can tell: not to be taken for data */
	/* FIN comes without a type: 0 bytes of data. */
	*type = RECORD_DATA;
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
	if (cmsg != NULL && cmsg->cmsg_level == SOL_TLS && cmsg->cmsg_type == TLS_GET_RECORD_TYPE)
		*type = (enum record_type) * CMSG_DATA(cmsg);
	return n;
}

int ktls_expect_no_pad(const struct ktls_sys *sys, int sock_fd)
{
	int one = 1;
	return sys->setsockopt(sock_fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one)) < 0
		       ? -errno
		       : 0;
}
