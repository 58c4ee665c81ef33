/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "server/conn.h"
#include "server/job.h"
#include "server/listener.h"

#define LOG_KEPT_BYTES    (64 * 1024)
/* "--max-connections reached" is said once in this time. */
#define CONNS_FULL_LOG_MS 1000

const char *worker_date(struct worker *worker)
{
	struct timespec wall;

	if (worker->date_ns == worker->loop.now_ns)
		return worker->date;
	worker->date_ns = worker->loop.now_ns;
	clock_gettime(CLOCK_REALTIME_COARSE, &wall);
	if (worker->date_seconds != wall.tv_sec || worker->date[0] == '\0') {
		worker->date_seconds = wall.tv_sec;
		http_date_format(wall.tv_sec, worker->date);
	}
	return worker->date;
}

/* ---- What was kept out of the log ------------------------------------------------------------ */

static void tell_suppressed(struct timer *timer);

static void tell_at(struct worker *worker, uint64_t due_ms)
{
	uint64_t now_ms = worker->loop.now_ms;
	loop_arm(&worker->loop, &worker->log_limit_due, due_ms > now_ms ? due_ms - now_ms : 0,
		 tell_suppressed);
}

static void tell_suppressed(struct timer *timer)
{
	struct worker *worker = CONTAINER_OF(timer, struct worker, log_limit_due);
	uint64_t due_ms = log_limit_tell(&worker->log_limit, &worker->log, worker->loop.now_ms);
	if (due_ms != 0)
		tell_at(worker, due_ms);
}

bool worker_may_log(struct worker *worker, struct log_kind kind, const char *remote)
{
	const char *port = strrchr(remote, ':');
	uint64_t due_ms;

	bool may = log_limit_allows(&worker->log_limit, kind, remote,
				    port != NULL ? (size_t)(port - remote) : strlen(remote),
				    worker->loop.now_ms, &due_ms);
	if (due_ms != 0 && !timer_is_armed(&worker->log_limit_due))
		tell_at(worker, due_ms);
	return may;
}

static void tell_main(struct worker *worker)
{
	uint64_t one = 1;
	ssize_t n = write(worker->server->event_fd, &one, sizeof(one));
	(void)n;
}

/* ---- Slots of connections -------------------------------------------------------------------- */

static struct conn *conn_at(const struct worker *worker, uint32_t slot)
{
	return &worker->chunk[slot / CONN_CHUNK][slot % CONN_CHUNK];
}

static int chunk_add(struct worker *worker)
{
	if (worker->chunk_count == CONN_CHUNKS_MAX)
		return -ENOSPC;
	size_t slots = (size_t)(worker->chunk_count + 1) * CONN_CHUNK;
	uint32_t *free_slot = realloc(worker->free_slot, slots * sizeof(*free_slot));
	if (free_slot == NULL)
		return -ENOMEM;
	worker->free_slot = free_slot;
	struct conn *chunk = calloc(CONN_CHUNK, sizeof(*chunk));
	if (chunk == NULL)
		return -ENOMEM;
	for (unsigned i = CONN_CHUNK; i > 0; i--) {
		uint32_t slot = worker->chunk_count * CONN_CHUNK + i - 1;
		chunk[i - 1].slot = slot;
		chunk[i - 1].worker = worker;
		worker->free_slot[worker->free_slot_count++] = slot;
	}
	worker->chunk[worker->chunk_count++] = chunk;
	return 0;
}

struct conn *worker_conn_take(struct worker *worker)
{
	struct server *server = worker->server;
	bool is_full = atomic_fetch_add(&server->conns_open, 1) >= server->config->conns_max;
	if (is_full || (worker->free_slot_count == 0 && chunk_add(worker) < 0)) {
		atomic_fetch_sub(&server->conns_open, 1);
		metric_add(&worker->metrics.value[METRIC_CONNS_REFUSED], 1);
		if (worker->loop.now_ms - worker->conns_full_logged_ms > CONNS_FULL_LOG_MS) {
			worker->conns_full_logged_ms = worker->loop.now_ms;
			log_msg(&worker->log, LOG_LEVEL_WARN,
				"connection refused: %s (%u are open)",
				is_full ? "--max-connections is reached" : "no memory",
				atomic_load(&server->conns_open));
		}
		return NULL;
	}
	worker->conn_count++;
	metric_add(&worker->metrics.value[METRIC_CONNS_OPEN], 1);
	return conn_at(worker, worker->free_slot[--worker->free_slot_count]);
}

void worker_conn_give(struct worker *worker, struct conn *conn)
{
	must(!op_is_in_flight(&conn->op));
	*conn = (struct conn){.worker = worker, .slot = conn->slot};
	worker->free_slot[worker->free_slot_count++] = conn->slot;
	worker->conn_count--;
	atomic_fetch_sub(&worker->server->conns_open, 1);
	metric_sub(&worker->metrics.value[METRIC_CONNS_OPEN], 1);
}

static void for_each_conn(struct worker *worker, void (*visit)(struct conn *conn))
{
	for (uint32_t slot = 0; slot < worker->chunk_count * CONN_CHUNK; slot++)
		if (conn_at(worker, slot)->state != CONN_FREE)
			visit(conn_at(worker, slot));
}

/* ---- Waiting for a sending buffer ------------------------------------------------------------ */

void worker_wait_for_buffer(struct worker *worker, struct conn *conn)
{
	must(!conn->is_waiting);
	conn->is_waiting = true;
	conn->waiting_next = NULL;
	if (worker->waiting_last != NULL)
		worker->waiting_last->waiting_next = conn;
	else
		worker->waiting_first = conn;
	worker->waiting_last = conn;
}

void worker_stop_waiting(struct worker *worker, struct conn *conn)
{
	struct conn **link = &worker->waiting_first, *before = NULL;
	must(conn->is_waiting);
	while (*link != conn) {
		before = *link;
		link = &before->waiting_next;
	}
	*link = conn->waiting_next;
	if (worker->waiting_last == conn)
		worker->waiting_last = before;
	conn->is_waiting = false;
	conn->waiting_next = NULL;
}

/* May it take a tx_buf now? Some are spared for responses that have begun. */
static bool has_buffer_for(const struct worker *worker, const struct conn *conn)
{
	bool has_begun = conn->state == CONN_SEND || conn->request->is_overdue;
	unsigned spared = has_begun ? 0 : SEND_BUFFERS_SPARED;
	return worker->tx_bufs.lent + spared < worker->tx_bufs.made_max;
}

struct tx_buf *worker_take_buffer(struct worker *worker, struct conn *conn)
{
	bool is_its_turn = worker->waiting_first == NULL || worker->served == conn;
	struct tx_buf *buf = NULL;

	if (conn->request->is_overdue || (is_its_turn && has_buffer_for(worker, conn)))
		buf = pool_take(&worker->tx_bufs);
	if (buf == NULL) {
		metric_add(&worker->metrics.value[METRIC_TX_BUF_WAITS], 1);
		worker_wait_for_buffer(worker, conn);
		return NULL;
	}
	buf->at = buf->end = 0;
	return buf;
}

/* Each of those who wait now has his turn, in order, if there is a buffer for him. */
static void serve_waiting(struct worker *worker)
{
	const struct conn *last = worker->waiting_last;
	struct conn *conn = worker->waiting_first, *next;

	for (bool is_last = conn == NULL; !is_last; conn = next) {
		is_last = conn == last;
		next = conn->waiting_next;
		if (!has_buffer_for(worker, conn))
			continue;
		worker_stop_waiting(worker, conn);
		worker->served = conn;
		conn_buffer_ready(conn);
		worker->served = NULL;
	}
}

/* ---- Listening --------------------------------------------------------------------------------
 */

static void listener_event(struct op *op, int32_t events);

static void listener_poll(struct listener *listener)
{
	loop_poll(&listener->worker->loop, &listener->op, listener->sock_fd, POLLIN,
		  listener_event);
}

static void listener_resume(struct timer *timer)
{
	struct listener *listener = CONTAINER_OF(timer, struct listener, resume);
	listener->is_paused = false;
	listener_poll(listener);
}

/* accept(2) failed: wait a little where only time can help. True: go on accepting. */
static bool accept_failed(struct worker *worker, struct listener *listener, int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED: /* accept(2): errors of the connection, not of ours */
	case EPROTO:
	case ENETDOWN:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	case EAGAIN:
		return false;
	default:
		metric_add(&worker->metrics.value[METRIC_ACCEPT_ERRORS], 1);
		if (worker->is_draining)
			return false;
		if (!listener->is_paused)
			log_msg(&worker->log, LOG_LEVEL_WARN,
				"accept: %s; trying again in %d ms (raise the limit of open files)",
				strerrordesc_np(error), ACCEPT_PAUSE_MS);
		listener->is_paused = true;
		loop_arm(&worker->loop, &listener->resume, ACCEPT_PAUSE_MS, listener_resume);
		return false;
	}
}

static void accept_some(struct worker *worker, struct listener *listener, int count_max)
{
	for (int i = 0; i < count_max; i++) {
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);
		int sock_fd = accept4(listener->sock_fd, (struct sockaddr *)&address, &len,
				      SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (sock_fd < 0) {
			if (!accept_failed(worker, listener, errno))
				break;
			continue;
		}
		listener->is_paused = false;
		metric_add(&worker->metrics.value[METRIC_CONNS_ACCEPTED], 1);
		int one = 1;
		setsockopt(sock_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		char remote[SOCKET_TEXT_MAX];
		address_format(&address, remote);
		conn_new(worker, sock_fd, remote);
	}
}

static void listener_look(struct listener *listener)
{
	struct worker *worker = listener->worker;

	if (worker->is_draining) { /* who is in the queue was told that we listen */
		accept_some(worker, listener, LISTEN_BACKLOG);
		loop_disarm(&worker->loop, &listener->resume);
		close(listener->sock_fd);
		listener->sock_fd = -1;
		return;
	}
	accept_some(worker, listener, ACCEPTS_PER_WAKE);
	if (!listener->is_paused)
		listener_poll(listener);
}

static void listener_event(struct op *op, int32_t events)
{
	(void)events;
	listener_look(CONTAINER_OF(op, struct listener, op));
}

static bool is_listening(const struct worker *worker)
{
	for (unsigned i = 0; i < worker->listener_count; i++)
		if (worker->listener[i].sock_fd >= 0)
			return true;
	return false;
}

static void stop_listening(struct worker *worker)
{
	for (unsigned i = 0; i < worker->listener_count; i++) {
		struct listener *listener = &worker->listener[i];
		if (op_is_in_flight(&listener->op)) /* closed when it has completed */
			loop_cancel(&worker->loop, &listener->op);
		else
			listener_look(listener);
	}
}

/* ---- The loop ----------------------------------------------------------------------------------
 */

static void abort_one(struct conn *conn)
{
	bool is_cut = conn->request != NULL && !conn->is_doomed;
	if (is_cut)
		atomic_fetch_add(&conn->worker->server->requests_cut, 1);
	conn_abort(conn, is_cut ? CLOSE_DRAIN_TIMEOUT : CLOSE_DRAINED);
}

/* There is a newer trust: from here on it is what counts, for those who are connected as well. */
static void adopt_trust(struct worker *worker)
{
	struct trust *before = worker->trust;

	worker->trust = trust_now_take(&worker->server->trust);
	trust_release(before);
	for_each_conn(worker, conn_check_trust);
	atomic_store(&worker->adopted, worker->trust->generation);
	tell_main(worker);
}

/* What the main thread wants. */
static void look_at_wishes(struct worker *worker)
{
	struct server *server = worker->server;
	if (atomic_load(&server->trust.generation) != worker->trust->generation)
		adopt_trust(worker);
	if (atomic_load(&server->is_draining) && !worker->is_draining) {
		worker->is_draining = true;
		stop_listening(worker);
		for_each_conn(worker, conn_drain);
	}
	if (atomic_load(&server->is_aborting))
		for_each_conn(worker, abort_one);
}

static bool is_busy(const struct worker *worker)
{
	return !worker->is_draining || worker->conn_count > 0 || worker->loop.jobs.out > 0 ||
	       is_listening(worker);
}

static int serve(struct worker *worker)
{
	while (is_busy(worker)) {
		int r = loop_wait(&worker->loop, -1);
		if (r < 0)
			return r;
		look_at_wishes(worker);
		serve_waiting(worker); /* before their deadlines: a buffer may be free by now */
		loop_expire(&worker->loop);
		serve_waiting(worker);
		log_flush(&worker->log);
	}
	return 0;
}

/* ---- Birth and death ----------------------------------------------------------------------------
 */

/* Tells the main thread that this worker has started (r 0) or could not, or has left. */
static void report(struct worker *worker, int r)
{
	atomic_store(&worker->start_result, r);
	tell_main(worker);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	int r = loop_begin(&worker->loop);
	if (r < 0) {
		report(worker, r);
		return NULL;
	}
	for (unsigned i = 0; i < worker->listener_count; i++)
		listener_poll(&worker->listener[i]);
	atomic_fetch_add(&worker->server->workers_running, 1);
	report(worker, 0);

	r = serve(worker);
	if (r < 0) {
		log_msg(&worker->log, LOG_LEVEL_ERROR, "%s: %s; stopping", worker->loop.kind->name,
			strerrordesc_np(-r));
		log_flush(&worker->log);
		abort(); /* connections cannot be served, nor told */
	}
	atomic_fetch_sub(&worker->server->workers_running, 1);
	report(worker, 0);
	return NULL;
}

static void release_memory(struct worker *worker)
{
	pipe_pool_fini(&worker->pipes);
	pool_fini(&worker->head_bufs);
	pool_fini(&worker->requests);
	pool_fini(&worker->tx_bufs);
	pool_fini(&worker->rx_bufs);
	for (unsigned i = 0; i < worker->chunk_count; i++)
		free(worker->chunk[i]);
	free((void *)worker->chunk);
	free(worker->free_slot);
	trust_release(worker->trust);
	log_limit_tell_all(&worker->log_limit, &worker->log);
	log_fini(&worker->log);
}

int worker_init(struct worker *worker, struct server *server, struct engine *engine,
		const int *sock_fds, unsigned sock_count)
{
	const struct config *config = server->config;
	int r = -ENOMEM;

	must(sock_count <= LISTENERS_MAX);
	memset(worker, 0, sizeof(*worker));
	worker->server = server;
	worker->index = engine->taken;
	worker->trust = trust_now_take(&server->trust);
	atomic_store(&worker->adopted, worker->trust->generation);
	worker->open_how = object_open_how();
	atomic_store(&worker->start_result, 1); /* not yet */
	log_init(&worker->log, &server->log_sink, config->log_level, config->log_format);
	for (unsigned i = 0; i < sock_count; i++)
		worker->listener[i] = (struct listener){.worker = worker, .sock_fd = sock_fds[i]};
	worker->listener_count = sock_count;
	pipe_pool_init(&worker->pipes);
	worker->means = (struct send_means){.loop = &worker->loop,
					    .tx_bufs = &worker->tx_bufs,
					    .pipes = &worker->pipes,
					    .metrics = &worker->metrics,
					    .warm = &worker->warm};
	worker->plan = (struct handshake_plan){.tls_path = config->tls_path,
					       .caps = &server->caps,
					       .sys = &ktls_sys_kernel,
					       .metrics = &worker->metrics,
					       .rx_bufs = &worker->rx_bufs,
					       .peers = server->peers,
					       .records_per_key = config->records_per_key};
	if (getrandom(&worker->request_salt, sizeof(worker->request_salt), 0) < 0) {
		r = -errno;
		goto fail;
	}
	worker->chunk = (struct conn **)calloc(CONN_CHUNKS_MAX, sizeof(struct conn *));
	if (worker->chunk == NULL || log_buffer(&worker->log, LOG_KEPT_BYTES) < 0 ||
	    pool_init(&worker->head_bufs, sizeof(struct head_buf), HEAD_BUFS_MAX) < 0 ||
	    pool_init(&worker->requests, sizeof(struct request), config->conns_max) < 0 ||
	    pool_init(&worker->tx_bufs, sizeof(struct tx_buf), config->send_buffers) < 0 ||
	    pool_init(&worker->rx_bufs, sizeof(struct rx_buf), RX_BUFS_MAX) < 0)
		goto fail;
	r = engine_take(engine, &worker->loop);
	if (r < 0)
		goto fail;
	return 0;
fail:
	release_memory(worker);
	return r;
}

int worker_start(struct worker *worker)
{
	int r = pthread_create(&worker->thread, NULL, worker_main, worker);
	if (r != 0)
		return -r;
	while (atomic_load(&worker->start_result) > 0) {
		uint64_t sink;
		ssize_t n = read(worker->server->event_fd, &sink, sizeof(sink));
		(void)n;
	}
	r = atomic_load(&worker->start_result);
	if (r < 0)
		pthread_join(worker->thread, NULL);
	return r;
}

void worker_wake(struct worker *worker)
{
	loop_wake(&worker->loop);
}

void worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
}

void worker_fini(struct worker *worker)
{
	loop_fini(&worker->loop); /* not before: worker_wake writes to its descriptor */
	release_memory(worker);
}
