/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel of our own making beneath the kernel record layer: it takes down each call in its order
 * and answers as it was told to. */
#ifndef SLUICE_UNIT_KTLS_FIXTURE_H
#define SLUICE_UNIT_KTLS_FIXTURE_H

#include "tls/record.h"

#define CIPHER            TLS_CIPHER_AES_128_GCM
#define SOCK_FD           42
#define CALLS_MAX         1024

/* include/linux/socket.h and include/uapi/linux/tls.h, by number */
#define ABI_SOL_TLS       282
#define ABI_TLS_TX        1
#define ABI_TLS_RX        2
#define ABI_SET_TYPE      1
#define ABI_GET_TYPE      2
#define ABI_GCM_BYTES     40 /* struct tls12_crypto_info_aes_gcm_128 */

#define KEYUPDATE         "\x18\x00\x00\x01\x00"
#define KEYUPDATE_REQUEST "\x18\x00\x00\x01\x01"

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

extern struct fake_kernel {
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

extern struct record record;
extern struct metrics metrics;

/* .init and .fini of a suite. */
void fake_kernel_make(void);
void fake_kernel_remove(void);

/* What the next receives give: a record, or an errno. */
void arrives(int type, const char *data, size_t len);
void fails(int error);
/* record_recv, of 64 bytes. */
ssize_t receive(void);
/* Puts bytes into tx_buf as the server does. */
void fill(const char *data, size_t len);

/* The call installed the traffic key of this secret, from this sequence number (< 256) on, or from
 * 0. */
void expect_key_at(const struct call *call, int name, const struct traffic_secret *secret,
		   uint8_t number);
void expect_key(const struct call *call, int name, const struct traffic_secret *secret);
void expect_sent(const struct call *call, int type, const char *data, size_t len);
struct traffic_secret next_of(struct traffic_secret secret);

#endif
