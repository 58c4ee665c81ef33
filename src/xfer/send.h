/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending a response: a head (and small text) that its maker put into the
 * record's tx_buf, then a range of a file, by one of three engines.
 *
 *   copy      file -> tx_buf -> seal -> socket     any record layer, any size
 *   sendfile  page cache -> kernel TLS             what is cached; the rest as copy
 *   splice    file -> pipe (the loop) -> kernel TLS
 *
 * No step blocks on the disk: what is not in the page cache is read through the
 * loop. Work per step is bounded by TURN_BYTES_MAX.
 *
 * Owns: the record's tx_buf and a pipe, while it needs them. Borrows: file,
 * record, loop, pools. At most one operation of the loop is in flight, the owner's
 * op; until it is done, neither send nor file may go away.
 */
#ifndef SLUICE_XFER_SEND_H
#define SLUICE_XFER_SEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/data_path.h"
#include "base/metrics.h"
#include "io/loop.h"
#include "io/pool.h"
#include "tls/record.h"
#include "xfer/pipe_pool.h"
#include "xfer/warm.h"

/* What a worker lends to all its sends. */
struct send_means {
	struct loop *loop;
	struct pool *tx_bufs; /* of struct tx_buf */
	struct pipe_pool *pipes;
	struct metrics *metrics;
	struct warm *warm;
};

struct send {
	struct op *op; /* of reads from the file, and what is called then: the owner's, set before
			* send_begin */
	void (*read_done)(struct op *op, int32_t result);
	const struct send_means *means;
	struct record *record;
	enum send_engine engine; /* the one chosen; never AUTO */
	const char *text;        /* the body, in memory; NULL: a file */
	int file_fd;             /* -1: no file part */
	uint64_t offset;         /* of the next byte to be read or sent */
	uint64_t left;           /* file bytes not yet given to the record layer */
	uint64_t sent;           /* file bytes that the socket has taken, in whole records */
	uint64_t cached_until;   /* file offset up to which the page cache was seen to hold */
	uint64_t looked_from;    /* from where on */
	uint64_t looked_ms;      /* when that was */
	dev_t device;            /* of the file */
	ino_t inode;
	uint32_t used;          /* plaintext in tx_buf that is not sealed */
	uint32_t head_left;     /* bytes of the head, and the text behind it, that have not left */
	uint64_t first_byte_ns; /* CLOCK_MONOTONIC when the socket had its first byte; 0: not yet */
	uint32_t in_pipe;
	bool is_reading;       /* the loop owns tx_buf or the pipe */
	bool is_limit_hit;     /* the key's record limit is reached and cannot be lifted */
	bool is_in_memory;     /* file system without a disk: never blocks */
	bool may_wait;         /* the file has lost its O_NONBLOCK */
	int32_t read_error;    /* of the last read through the loop: 0, or a negative errno */
	uint32_t read_retries; /* in a row */
	struct pipe *pipe;
	enum close_reason why; /* with SEND_FAILED */
	struct iovec iov[TX_RECORDS_MAX];
};

enum send_state {
	SEND_DONE,        /* every byte was given to the socket */
	SEND_WAIT_SOCKET, /* step again when it is writable */
	SEND_WAIT_FILE,   /* a read is in flight; give its result to send_file_done */
	SEND_WAIT_BUFFER, /* step again when a tx_buf may be free */
	SEND_TURN_OVER,   /* step again after the others had their turn */
	SEND_FAILED       /* the connection must be closed; .why */
};

struct send_body {
	const char *text; /* memory that stays until the end, instead of a file; NULL: a file */
	int file_fd;
	dev_t device;
	ino_t inode;
	uint64_t offset;
	uint64_t bytes;
	bool is_in_memory;
};

/*
 * Begins: the first head_bytes of the record's tx_buf (which is taken, empty, and filled in through
 * record_tx_room) go first. body NULL: nothing follows. wanted: the configured engine.
 */
void send_begin(struct send *send, const struct send_means *means, struct record *record,
		size_t head_bytes, const struct send_body *body, enum send_engine wanted);
enum send_state send_step(struct send *send);
/* The result of the read that SEND_WAIT_FILE told of; then step again. */
void send_file_done(struct send *send, int32_t result);
/* Gives buffers and pipe back; at any time when nothing is in flight. */
void send_fini(struct send *send);

/* More than half of the buffers are lent: who waits for his client holds none, if he can. */
bool send_bufs_are_scarce(const struct send_means *means);
/* Would a send to this socket not have to wait? Never blocks. */
bool send_socket_has_room(int sock_fd);

/* "copy", "sendfile", "splice" */
const char *send_engine_label(enum send_engine engine);
/* Is this file's file system one that lives in memory (tmpfs, ramfs)? */
bool send_file_is_in_memory(int file_fd);

#endif
