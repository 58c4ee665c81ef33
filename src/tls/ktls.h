/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel TLS on one socket: installing traffic keys, and the control records that
 * carry a type. The only folder that sees <linux/tls.h> is this one.
 *
 * No policy and no state: tls/record_ktls moves records, tls/handshake decides.
 * System calls go through struct ktls_sys, so that tests can refuse any of them.
 * Facts: Documentation/networking/tls.rst, net/tls/tls_main.c (Linux 6.1 - 7.3).
 */
#ifndef SLUICE_TLS_KTLS_H
#define SLUICE_TLS_KTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/ciphers.h"
#include "tls/traffic_key.h"

enum ktls_direction { KTLS_TX, KTLS_RX };

/* RFC 8446 section 5.1 and B.1 */
enum record_type { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

struct ktls_sys {
	int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t len);
	int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *len);
	int (*ioctl)(int fd, unsigned long request, int *value);
	ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
	ssize_t (*recvmsg)(int fd, struct msghdr *message, int flags);
};
extern const struct ktls_sys ktls_sys_kernel;

/*
 * setsockopt(TCP_ULP, "tls") on an established connection. Until keys are installed the socket
 * goes on as plain TCP. 0; -EEXIST: already attached; -ENOENT: no such ULP (module not loaded
 * and not loadable, or not built); -ENOTCONN; other negative errno.
 */
int ktls_attach(const struct ktls_sys *sys, int sock_fd);

/*
 * Installs one direction's traffic key; the first record has sequence number seq. Called again it
 * changes the key (RFC 8446 section 4.6.3), which Linux can from 6.14: -EBUSY before.
 * -EINVAL, -ENOENT, -EOPNOTSUPP: the kernel lacks this cipher for TLS 1.3.
 */
int ktls_install(const struct ktls_sys *sys, int sock_fd, enum ktls_direction direction,
		 enum tls_cipher cipher, const struct traffic_key *key, uint64_t seq);

/* Sequence number of the next record, from the kernel: how many records the key has sealed or
 * opened. 0 or a negative errno. */
int ktls_record_seq(const struct ktls_sys *sys, int sock_fd, enum ktls_direction direction,
		    enum tls_cipher cipher, uint64_t *seq);

/*
 * Sends one record of a type other than application data (an alert, a KeyUpdate), not blocking.
 * What an earlier MSG_MORE left open is sealed and sent before it. Returns len, -EAGAIN or
 * another negative errno; never a part (len <= RECORD_PLAIN_MAX).
 */
ssize_t ktls_send_control(const struct ktls_sys *sys, int sock_fd, enum record_type type,
			  const void *data, size_t len);

/*
 * Receives plaintext, not blocking: application data of one or more records, or one control
 * record (or the first len bytes of it). *type says which. Returns the bytes; 0: end of file if
 * *type is RECORD_DATA and no record was there (TCP FIN, with or without close_notify before it);
 * -EAGAIN: nothing now, or an empty application data record was taken (poll() has said readable);
 * -EBADMSG: a record does not decrypt; -EIO: the record's type was cut off; -EKEYEXPIRED: a
 * KeyUpdate was received and the new key is awaited (>= 6.14).
 */
ssize_t ktls_recv(const struct ktls_sys *sys, int sock_fd, void *data, size_t len,
		  enum record_type *type);

/* TLS_RX_EXPECT_NO_PAD: decrypt straight into the reader's buffer. Never on a kernel that fails
 * the padding self-test (CVE-2026-74611). 0 or a negative errno. */
int ktls_expect_no_pad(const struct ktls_sys *sys, int sock_fd);

#endif
