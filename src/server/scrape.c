/* SPDX-License-Identifier: Apache-2.0 */
#include "server/scrape.h"

#include <assert.h>
#include <stdio.h>

#include "base/metrics_text.h"
#include "base/must.h"
#include "server/admin.h"
#include "server/process_meter.h"
#include "server/root_watch.h"
#include "server/scrubber.h"
#include "server/sweeper.h"
#include "server/trust_keeper.h"
#include "server/worker.h"

static_assert(METRICS_TEXT_BYTES_MAX + TRUST_TEXT_BYTES_MAX + 32 * 1024 <= ADMIN_TEXT_BYTES_MAX,
	      "every part fits at its longest");

static uint64_t send_buffers_used(const struct worker *worker)
{
	return pool_lent(&worker->tx_bufs);
}

static uint64_t head_buffers_used(const struct worker *worker)
{
	return pool_lent(&worker->head_bufs);
}

static uint64_t receive_buffers_used(const struct worker *worker)
{
	return pool_lent(&worker->rx_bufs);
}

static uint64_t pipes_used(const struct worker *worker)
{
	return pipe_pool_lent(&worker->pipes);
}

/* Each worker has its own: one of them may be at its limit before the sum is. */
static void print_pools(const struct scrape *scrape, struct metrics_text *text)
{
	const struct {
		const char *labels;
		uint64_t (*used)(const struct worker *worker);
		uint64_t limit; /* of a worker */
	} pools[] = {
		{"pool=\"send_buffers\"", send_buffers_used, scrape->server->config->send_buffers},
		{"pool=\"head_buffers\"", head_buffers_used, HEAD_BUFS_MAX},
		{"pool=\"receive_buffers\"", receive_buffers_used, RX_BUFS_MAX},
		{"pool=\"pipes\"", pipes_used, PIPES_MAX},
	};

	metrics_text_family(text, "sluice_pool_used", "gauge",
			    "Buffers and pipes in use, of all workers.");
	for (size_t i = 0; i < ARRAY_LEN(pools); i++) {
		uint64_t used = 0;
		for (unsigned w = 0; w < scrape->worker_count; w++)
			used += pools[i].used(&scrape->worker[w]);
		metrics_text_row(text, "sluice_pool_used", pools[i].labels, used);
	}
	metrics_text_family(text, "sluice_pool_limit", "gauge",
			    "Most buffers and pipes that may be in use, of all workers.");
	for (size_t i = 0; i < ARRAY_LEN(pools); i++)
		metrics_text_row(text, "sluice_pool_limit", pools[i].labels,
				 pools[i].limit * scrape->worker_count);
}

static void print_threads(const struct scrape *scrape, struct metrics_text *text)
{
	static const char *const labels[] = {"group=\"read\"", "group=\"write\"", "group=\"loop\""};
	bool has_epoll = engine_is_epoll(scrape->engine);
	const struct offload_usage usage[] = {
		offload_usage(&scrape->server->looking), offload_usage(&scrape->server->writing),
		has_epoll ? offload_usage(&scrape->server->files) : (struct offload_usage){0}};
	size_t groups = has_epoll ? 3 : 2;

	metrics_text_family(text, "sluice_file_threads_busy", "gauge",
			    "Threads that carry out file-system calls now: those that only read "
			    "(listings, attributes), those that write (fsync, rename), and with "
			    "--io-engine=epoll those that open, read and write for the workers.");
	for (size_t i = 0; i < groups; i++)
		metrics_text_row(text, "sluice_file_threads_busy", labels[i], usage[i].busy);
	metrics_text_family(text, "sluice_file_threads_limit", "gauge",
			    "Threads for file-system calls.");
	for (size_t i = 0; i < groups; i++)
		metrics_text_row(text, "sluice_file_threads_limit", labels[i], usage[i].threads);
	metrics_text_family(text, "sluice_file_calls_queued", "gauge",
			    "Requests that wait for a thread for file-system calls.");
	for (size_t i = 0; i < groups; i++)
		metrics_text_row(text, "sluice_file_calls_queued", labels[i], usage[i].queued);
}

static void print_limits(const struct scrape *scrape, struct metrics_text *text)
{
	metrics_text_single(text, "sluice_connections_limit", "gauge", "--max-connections.",
			    scrape->server->config->conns_max);
	bool has_epoll = engine_is_epoll(scrape->engine);
	char label[64];

	snprintf(label, sizeof(label), "engine=\"%s\"", scrape->engine->kind->name);
	metrics_text_family(text, "sluice_io_engine_info", "gauge",
			    "Always 1; the label is what waits for sockets and files.");
	metrics_text_row(text, "sluice_io_engine_info", label, 1);
	metrics_text_single(text, "sluice_io_uring_file_operations_limit", "gauge",
			    "Operations on files that io_uring, or the threads in its place, "
			    "carry out at once, of all workers; more wait.",
			    has_epoll ? OFFLOAD_THREADS_MAX
				      : (uint64_t)RING_IOWQ_WORKERS_MAX * scrape->worker_count);
	if (scrape->admin == NULL)
		return;
	struct admin_usage usage = admin_usage(scrape->admin);
	metrics_text_single(text, "sluice_admin_connections", "gauge",
			    "Connections to the admin port open now.", usage.conns);
	metrics_text_single(text, "sluice_admin_connections_limit", "gauge",
			    "Connections to the admin port that may be open.", ADMIN_CONNS_MAX);
	metrics_text_single(text, "sluice_admin_connections_evicted_total", "counter",
			    "Connections to the admin port closed in favour of a new one.",
			    usage.evicted);
}

static void print_log(const struct scrape *scrape, struct metrics_text *text)
{
	metrics_text_single(text, "sluice_log_lines_lost_total", "counter",
			    "Log lines that standard error did not take: its reader has stopped or "
			    "is gone, or its disk is full.",
			    scrape->log.lost);
	metrics_text_single(text, "sluice_log_lines_suppressed_total", "counter",
			    "Log lines that were not written because there were too many of their "
			    "kind from one source.",
			    scrape->log.suppressed);
}

static void print_sweep(const struct sweeper *sweeper, struct metrics_text *text)
{
	long long counted_at = atomic_load(&sweeper->counted_at);
	if (counted_at == 0)
		return;
	metrics_text_single(text, "sluice_multipart_uploads", "gauge",
			    "Multipart uploads begun and neither completed nor aborted, at "
			    "sluice_sweep_timestamp_seconds.",
			    atomic_load(&sweeper->uploads_open));
	metrics_text_single(text, "sluice_sweep_timestamp_seconds", "gauge",
			    "When unfinished uploads were last looked through, seconds since "
			    "1970; hourly.",
			    (uint64_t)counted_at);
}

int scrape_print(const struct scrape *scrape, char *out, size_t bytes_max)
{
	const struct metrics *sets[WORKERS_MAX + 1];

	must(scrape->worker_count <= WORKERS_MAX);
	for (unsigned i = 0; i < scrape->worker_count; i++)
		sets[i] = &scrape->worker[i].metrics;
	sets[scrape->worker_count] = &scrape->server->shared_metrics;
	int n = metrics_print(sets, scrape->worker_count + 1, out, bytes_max);
	if (n < 0)
		return n;
	struct metrics_text text = {.at = out, .used = (size_t)n, .size = bytes_max};
	print_limits(scrape, &text);
	print_pools(scrape, &text);
	print_threads(scrape, &text);
	print_log(scrape, &text);
	print_sweep(scrape->sweeper, &text);
	scrubber_print(scrape->scrubber, &text);
	root_watch_print(scrape->root, &text);
	process_meter_print(scrape->process, &text);
	n = metrics_text_end(&text);
	if (n < 0)
		return n;
	int m = trust_keeper_print_metrics(scrape->keeper, out + n, bytes_max - (size_t)n);
	return m < 0 ? m : n + m;
}
