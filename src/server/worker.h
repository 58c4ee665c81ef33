/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread of the server: its loop, its listeners, its connections, its pools.
 * Workers share nothing that is written while they serve, but the count of
 * connections and the wish to stop.
 */
#ifndef SLUICE_SERVER_WORKER_H
#define SLUICE_SERVER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/log_limit.h"
#include "base/metrics.h"
#include "config/config.h"
#include "http/date.h"
#include "io/engine.h"
#include "io/loop.h"
#include "io/pool.h"
#include "s3/call.h"
#include "server/trust.h"
#include "store/object.h"
#include "tls/handshake.h"
#include "xfer/send.h"

struct conn;
struct root_watch;

/* What all workers see; made before they start, outlives them. */
struct server {
	const struct config *config; /* of the start: but for trust, what counts until the end */
	struct log_sink log_sink;
	struct trust_now trust;
	struct peers *peers;
	struct ktls_caps caps;
	int root_fd;
	struct store_sys store_sys;
	struct store_devices unnamed; /* of store_sys; as the start has found them */
	struct root_watch *root_watch;
	struct s3_store store;
	struct metrics shared_metrics; /* of threads that have none of their own (store_sys) */
	struct offload looking; /* threads for calls that change nothing: they never wait behind */
	struct offload writing; /* ... those that sync */
	struct offload files;   /* of loops over epoll: opens and reads */
	dev_t root_device;
	bool root_is_in_memory; /* a file system without a disk: its files never block */
	atomic_uint conns_open;
	atomic_bool is_draining;  /* finish what runs, take nothing new */
	atomic_bool is_aborting;  /* the drain timeout has passed: close everything */
	atomic_uint requests_cut; /* by is_aborting */
	atomic_uint workers_running;
	int event_fd; /* eventfd, blocking: a worker has started or left */
};

struct listener {
	struct worker *worker;
	int sock_fd;
	bool is_paused;      /* after accept failed for want of descriptors */
	struct op op;        /* a connection is waited for */
	struct timer resume; /* of a pause */
};

/* Slots of connections, in chunks that never move and are kept. */
#define CONN_CHUNK      256
#define CONN_CHUNKS_MAX (CONNS_MAX_MAX / CONN_CHUNK + 1)

struct worker {
	struct server *server;
	unsigned index;
	pthread_t thread;
	atomic_int start_result; /* 1: not yet; 0: runs (or ran); negative errno: could not */
	struct loop loop;
	struct log log;
	struct log_limit log_limit;
	struct timer log_limit_due; /* armed while something is suppressed */
	struct metrics metrics;
	uint64_t date_ns;           /* the turn of the loop that date was looked at in */
	time_t date_seconds;        /* the wall clock that it is of */
	char date[HTTP_DATE_BYTES]; /* worker_date */
	uint64_t request_count;     /* for request ids */
	uint64_t request_salt;
	struct open_how open_how; /* how objects are opened; see object_open_without_noatime */
	struct listener listener[LISTENERS_MAX];
	unsigned listener_count;
	bool is_draining;
	struct trust *trust;          /* what this worker goes by */
	atomic_uint_fast64_t adopted; /* its generation, for others to look at */
	uint64_t conns_full_logged_ms;

	struct conn **chunk; /* CONN_CHUNKS_MAX pointers */
	unsigned chunk_count;
	uint32_t *free_slot; /* stack */
	unsigned free_slot_count;
	unsigned conn_count;
	struct conn *waiting_first; /* for a tx_buf, in order */
	struct conn *waiting_last;
	struct conn *served; /* whose turn it is, while serve_waiting runs */

	struct pool head_bufs;
	struct pool requests;
	struct pool tx_bufs;
	struct pool rx_bufs;
	struct pipe_pool pipes;
	struct warm warm;
	struct send_means means;
	struct handshake_plan plan;
};

/* Prepares everything, with the next loop of engine; sock_fds are taken over. 0 or a negative
 * errno, after which there is nothing to be ended. */
int worker_init(struct worker *worker, struct server *server, struct engine *engine,
		const int *sock_fds, unsigned sock_count);
/* Starts the thread and waits until its loop is up. 0 or a negative errno. */
int worker_start(struct worker *worker);
/* After is_draining or is_aborting was set: makes the worker look at it. */
void worker_wake(struct worker *worker);
void worker_join(struct worker *worker);
/* Started and joined, or not started. */
void worker_fini(struct worker *worker);

/* May a line of this kind about the client at remote ("ADDRESS:PORT") be written? False: it is
 * counted, and told later. Of level debug: ask nobody. */
bool worker_may_log(struct worker *worker, struct log_kind kind, const char *remote);

/* Now, as a Date field has it; until the next call. */
const char *worker_date(struct worker *worker);

/* For conn.c: a slot; NULL at the limit, or without memory. And its end. */
struct conn *worker_conn_take(struct worker *worker);
void worker_conn_give(struct worker *worker, struct conn *conn);
/* A tx_buf for the connection. NULL: none is free for this one, it waits for its turn; then
 * conn_buffer_ready is called. */
struct tx_buf *worker_take_buffer(struct worker *worker, struct conn *conn);
/* conn waits for a tx_buf. */
void worker_wait_for_buffer(struct worker *worker, struct conn *conn);
void worker_stop_waiting(struct worker *worker, struct conn *conn);

#endif
