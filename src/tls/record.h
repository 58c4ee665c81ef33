/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record layer of one established TLS 1.3 connection, the same to its user
 * whether the kernel (record_ktls.c) or this program (record_user.c) seals and
 * opens the records. The two directions are independent.
 *
 *            plaintext                  sealed                     socket
 *   sending  record_tx_room/_tx_seal -> [ due | tx_buf ] -> record_tx_flush ->
 *   receiving  <- record_recv <- [ rx_buf ] <-
 *
 * Control records never reach the user: close_notify is end of file, other
 * alerts are errors, KeyUpdates change the key and are answered, session tickets
 * are dropped: nothing is ever resumed.
 *
 * Owns: the traffic secrets, the AEAD contexts, rx_buf (from its pool, only while
 * it holds part of a record). Borrows: the socket, tx_buf. Never blocks.
 */
#ifndef SLUICE_TLS_RECORD_H
#define SLUICE_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/limits.h"
#include "base/metrics.h"
#include "base/reasons.h"
#include "io/pool.h"
#include "tls/aead.h"
#include "tls/alert.h"
#include "tls/ktls.h"
#include "tls/traffic_key.h"

#define TX_SLOT_BYTES (RECORD_PLAIN_MAX + RECORD_OVERHEAD)

/*
 * Where plaintext is gathered and, in userspace TLS, sealed in place. One slot a
 * record; kernel TLS uses the same memory without the gaps.
 */
struct tx_buf {
	size_t at;  /* first byte not yet taken by the socket */
	size_t end; /* bytes that are ready for the socket */
	uint8_t byte[TX_RECORDS_MAX * TX_SLOT_BYTES];
};

struct rx_buf {
	size_t have;     /* ciphertext bytes from the start */
	size_t plain_at; /* plaintext of the record at the start, not yet taken */
	size_t plain_left;
	size_t record_bytes; /* of that record; the next begins there */
	uint8_t byte[RECORD_SEALED_MAX];
};

/* Control records that wait to be sent; bits of record.due. */
enum record_due {
	RECORD_DUE_KEYUPDATE = 1, /* our sending key changes */
	RECORD_DUE_CLOSE_NOTIFY = 2,
	RECORD_DUE_ALERT = 4 /* record.alert, fatal */
};

#define RECORD_CONTROL_BYTES_MAX 64

struct record {
	int sock_fd;
	enum tls_cipher cipher;
	const struct record_tx_ops *tx;
	const struct record_rx_ops *rx;
	const struct ktls_sys *sys;
	struct metrics *metrics;
	struct pool *rx_bufs; /* of struct rx_buf */
	struct aead *tx_aead; /* userspace only */
	struct aead *rx_aead;
	struct rx_buf *rx_buf;
	struct tx_buf *tx_buf; /* lent by the user while it sends */
	bool is_client;        /* the peer may send session tickets, which are dropped */
	bool can_rekey_kernel; /* the probe says that the kernel takes a second key */
	bool is_rx_unsure;     /* kernel: a KeyUpdate may lie where no poll tells of it */
	bool is_rx_part;       /* kernel: part of a record was there, SO_RCVLOWAT is raised */
	bool is_closed_tx;     /* close_notify or a fatal alert was sent */
	uint8_t rx_errors;     /* that sends have met, see record_tx_may_retry */
	int rx_error;          /* kernel: the receiving side has failed with it; 0: not yet */
	uint8_t due;           /* enum record_due, or-ed */
	uint8_t alert;
	uint16_t alert_received; /* enum tls_alert: the last one; ALERT_NONE: none */
	uint16_t alert_sent;     /* that ended our side; ALERT_NONE: not yet */
	uint8_t control_at;      /* sealed control record on its way (userspace) */
	uint8_t control_end;
	uint8_t keyupdates_in_second;
	uint16_t empty_records; /* in a row; tickets too */
	uint32_t ticket_left;   /* bytes of a ticket that its next record, or call, brings */
	uint8_t message[5];     /* of a handshake message that is not whole: its start */
	uint8_t message_have;
	uint32_t keyupdate_second;
	enum close_reason why;    /* set with every error but -EAGAIN */
	uint64_t tx_records;      /* sealed with the current key; at least */
	uint64_t records_per_key; /* 0: no limit (ChaCha20) */
	struct traffic_secret tx_secret;
	struct traffic_secret rx_secret;
	uint8_t control[RECORD_CONTROL_BYTES_MAX];
};

struct record_tx_ops {
	const char *label; /* "kernel" or "user": the log's tx= */
	unsigned (*room)(struct record *record, size_t used, struct iovec iov[TX_RECORDS_MAX]);
	int (*seal)(struct record *record, size_t plain_bytes);
	int (*flush)(struct record *record, bool more);
	/* One control record, whole or not at all. 0, -EAGAIN, or an error. */
	int (*send_control)(struct record *record, enum record_type type, const uint8_t *data,
			    size_t len);
	/* The sending key becomes tx_secret's. */
	int (*rekey)(struct record *record);
	int (*count)(struct record *record, uint64_t *records);
	/* Plaintext in tx_buf whose record the socket has not taken whole. */
	size_t (*unsent)(const struct tx_buf *buf);
};

struct record_rx_ops {
	const char *label;
	/* One record of any type, or several of application data; as ktls_recv, and -ENOMSG: an
	 * empty record of application data was taken (or, kernel: nothing was there). */
	ssize_t (*recv)(struct record *record, void *data, size_t len, enum record_type *type);
	int (*rekey)(struct record *record);
	/* A record that begins as a KeyUpdate does has changed no key: reading goes on. 0 or an
	 * error. */
	int (*resume)(struct record *record);
	/* Are there bytes here that no poll of the socket will report? */
	bool (*has_buffered)(const struct record *record);
	/* Is a part of a record here whose rest has not come? */
	bool (*holds_part)(const struct record *record);
	/* A send failed with this error. True: it was the receiving side's, and recv will say it.
	 */
	bool (*keep_error)(struct record *record, int error);
};

extern const struct record_tx_ops record_tx_kernel, record_tx_user;
extern const struct record_rx_ops record_rx_kernel, record_rx_user;

/* Wipes the secrets, gives rx_buf back. tx_buf must have been taken back. Does not close. */
void record_fini(struct record *record);

static inline bool record_is_kernel_tx(const struct record *record)
{
	return record->tx == &record_tx_kernel;
}

/* ---- Receiving ----------------------------------------------------------------------------- */

/* A control record may come in the place of data: so much room a KeyUpdate needs. */
#define RECORD_RECV_BYTES_MIN 5

/*
 * Plaintext of application data, len >= RECORD_RECV_BYTES_MIN; on a client >= RECORD_PLAIN_MAX, as
 * tickets take the same place. > 0: bytes; 0: the peer's
 * close_notify; -EAGAIN: wait until the socket is readable; other: the connection is over, .why
 * says the reason (-EPIPE: FIN without close_notify).
 */
ssize_t record_recv(struct record *record, void *data, size_t len);
/* True: record_recv has more without the socket becoming readable. */
bool record_has_buffered(const struct record *record);
/* True: bytes were received that record_recv has not given out, be it for want of their rest. */
bool record_holds_part(const struct record *record);

/* ---- Sending ------------------------------------------------------------------------------- */

/*
 * Room for plaintext in tx_buf (which must be empty: flushed), after the first used bytes of it,
 * as at most TX_RECORDS_MAX pieces. Returns their number; 0: full.
 */
unsigned record_tx_room(struct record *record, size_t used, struct iovec iov[TX_RECORDS_MAX]);
/* Bytes of plaintext that an empty tx_buf takes. */
size_t record_tx_room_bytes(const struct record *record);
/* The first plain_bytes of the room are filled: seal them. 0, or an error (.why). */
int record_tx_seal(struct record *record, size_t plain_bytes);
/*
 * Gives the socket what is due and what tx_buf holds. more: application data follows at once (the
 * kernel may keep a record open for it). 0: all gone; -EAGAIN: wait until the socket is writable;
 * other: an error (.why).
 */
int record_tx_flush(struct record *record, bool more);
/*
 * sendfile or splice to this socket failed with this negative errno. True: it is the error of a
 * record that could not be opened, which record_recv will give in its turn; the send goes on.
 * record_tx_flush does this by itself.
 */
bool record_tx_may_retry(struct record *record, int error);
/* Bytes of plaintext in tx_buf, sealed, that have not left: the socket has not taken them, or not
 * all of their record. */
size_t record_tx_unsent(const struct record *record);
/* True: a control record waits for record_tx_flush. */
bool record_tx_has_due(const struct record *record);
/* Kernel TLS: bytes were sent by sendfile or splice in this call. Keeps the record count. */
void record_tx_account(struct record *record, size_t bytes);
/* Kernel TLS: sendfile or splice has filled the socket. TCP sends what it has of it; without that
 * the socket may never become writable. */
void record_tx_push(const struct record *record);
/* A key of ours has sealed as many records as it may. Asks the kernel only when it is near. */
bool record_tx_limit_reached(struct record *record);
/* Makes a change of the sending key due, unless sending has ended. 0; -EOPNOTSUPP: this kernel
 * cannot. */
int record_tx_rekey(struct record *record);

/* Makes close_notify (alert 0) or a fatal alert due; record_tx_flush sends it. */
void record_shutdown(struct record *record, uint8_t alert);

#endif
