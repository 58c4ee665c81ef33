/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms, one set per thread, added up when they are
 * read (Prometheus text format 0.0.4).
 *
 * Only the owning thread writes a set; the writer of /metrics reads them all
 * with relaxed atomic loads. One set belongs to all threads that may block, for
 * histogram_observe_shared. A row of METRICS is one family without labels; the
 * labelled families are built from the tables they count (base/reasons.h,
 * base/operations.h and the tables below).
 */
#ifndef SLUICE_BASE_METRICS_H
#define SLUICE_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/groups.h"
#include "base/limits.h"
#include "base/operations.h"
#include "base/reasons.h"

/* M(ID, name without the prefix "sluice_", type, help) */
#define METRICS(M)                                                                                 \
	M(CONNS_ACCEPTED, "connections_accepted_total", "counter", "TCP connections accepted.")    \
	M(CONNS_OPEN, "connections", "gauge", "Connections open now.")                             \
	M(CONNS_REFUSED, "connections_refused_total", "counter",                                   \
	  "Connections closed at once because --max-connections was reached.")                     \
	M(ACCEPT_ERRORS, "accept_errors_total", "counter",                                         \
	  "Failed accept calls (descriptors or memory exhausted).")                                \
	M(REQUESTS_INFLIGHT, "http_inflight_requests", "gauge", "Requests being answered now.")    \
	M(UPLOADS_INFLIGHT, "uploads_inflight", "gauge",                                           \
	  "Bodies of PutObject and UploadPart being received now.")                                \
	M(STORE_FULL, "store_full_total", "counter",                                               \
	  "Requests answered 507: no room in the root's file system, or its quota is used.")       \
	M(RING_FILE_OPS, "io_uring_file_operations", "gauge",                                      \
	  "Opens, reads and writes of files that io_uring, or threads in its place, carry out "    \
	  "now.")                                                                                  \
	M(SENT_BYTES, "http_response_body_bytes_total", "counter", "Body bytes sent.")             \
	M(RECEIVED_BYTES, "http_request_body_bytes_total", "counter", "Body bytes received.")      \
	M(KNOWN_CHAINS, "tls_known_chains_total", "counter",                                       \
	  "Clients' chains that this same trust had verified before, and that were not again.")    \
	M(KEYUPDATES_RECEIVED, "tls_keyupdates_received_total", "counter",                         \
	  "KeyUpdate messages received.")                                                          \
	M(REKEYS_TX, "tls_rekeys_tx_total", "counter", "Changes of the sending key.")              \
	M(REKEYS_RX, "tls_rekeys_rx_total", "counter", "Changes of the receiving key.")            \
	M(EMPTY_RECORDS, "tls_empty_records_total", "counter",                                     \
	  "Empty application data records received.")                                              \
	M(SLOW_TURNS, "sendfile_slow_turns_total", "counter",                                      \
	  "sendfile calls on a file believed cached that held the thread over 20 ms.")             \
	M(COLD_READS, "cold_reads_total", "counter",                                               \
	  "Reads handed to io_uring because the file was not in the page cache.")                  \
	M(TX_BUF_WAITS, "tx_buffer_waits_total", "counter",                                        \
	  "Responses that waited for a sending buffer.")                                           \
	M(PIPE_WAITS, "pipe_waits_total", "counter", "Responses for which no pipe was free.")

/* Body bytes by how they were sent: E(ID, label) */
#define SEND_PATHS(E)                                                                              \
	E(KERNEL_SENDFILE, "tx=\"kernel\",engine=\"sendfile\"")                                    \
	E(KERNEL_SPLICE, "tx=\"kernel\",engine=\"splice\"")                                        \
	E(KERNEL_COPY, "tx=\"kernel\",engine=\"copy\"")                                            \
	E(USER_COPY, "tx=\"user\",engine=\"copy\"")

/* Established connections by data path: sluice_tls_connections_total{tx,rx} */
#define CONN_PATHS(E)                                                                              \
	E(KERNEL_KERNEL, "tx=\"kernel\",rx=\"kernel\"")                                            \
	E(KERNEL_USER, "tx=\"kernel\",rx=\"user\"")                                                \
	E(USER_KERNEL, "tx=\"user\",rx=\"kernel\"")                                                \
	E(USER_USER, "tx=\"user\",rx=\"user\"")

/* Responses by method and class of status: sluice_http_requests_total{method,code} */
#define REQUEST_CODES(E)                                                                           \
	E(200)                                                                                     \
	E(204)                                                                                     \
	E(206)                                                                                     \
	E(304)                                                                                     \
	E(400)                                                                                     \
	E(403) E(404) E(405) E(409) E(411) E(412) E(416) E(431) E(500) E(501) E(503) E(505) E(507)

#define METRIC_ENUM(id, ...)    METRIC_##id,
#define SEND_PATH_ENUM(id, ...) SEND_PATH_##id,
#define CONN_PATH_ENUM(id, ...) CONN_PATH_##id,
#define REQUEST_CODE_ENUM(code) REQUEST_CODE_##code,

enum metric { METRICS(METRIC_ENUM) METRIC_COUNT };
enum send_path { SEND_PATHS(SEND_PATH_ENUM) SEND_PATH_COUNT };
enum conn_path { CONN_PATHS(CONN_PATH_ENUM) CONN_PATH_COUNT };
enum request_code { REQUEST_CODES(REQUEST_CODE_ENUM) REQUEST_CODE_OTHER, REQUEST_CODE_COUNT };
enum request_method {
	REQUEST_METHOD_GET,
	REQUEST_METHOD_HEAD,
	REQUEST_METHOD_PUT,
	REQUEST_METHOD_POST,
	REQUEST_METHOD_DELETE,
	REQUEST_METHOD_OTHER,
	REQUEST_METHOD_COUNT
};

/* Upper bounds of the duration buckets, each included: B(nanoseconds, seconds as le prints them) */
#define HISTOGRAM_BOUNDS(B)                                                                        \
	B(100000, "0.0001")                                                                        \
	B(300000, "0.0003")                                                                        \
	B(1000000, "0.001")                                                                        \
	B(3000000, "0.003")                                                                        \
	B(10000000, "0.01")                                                                        \
	B(30000000, "0.03")                                                                        \
	B(100000000, "0.1")                                                                        \
	B(300000000, "0.3")                                                                        \
	B(1000000000, "1")                                                                         \
	B(3000000000, "3")                                                                         \
	B(10000000000, "10")                                                                       \
	B(30000000000, "30")                                                                       \
	B(100000000000, "100")
#define HISTOGRAM_COUNT(nanoseconds, seconds) +1
#define HISTOGRAM_BUCKETS                     (0 HISTOGRAM_BOUNDS(HISTOGRAM_COUNT))

struct histogram {
	uint64_t bucket[HISTOGRAM_BUCKETS + 1]; /* the last is +Inf; not cumulative */
	uint64_t sum_ns;
};

/* What fsync makes durable: F(ID, label) */
#define FSYNC_TARGETS(F)                                                                           \
	F(FILE, "file")                                                                            \
	F(FOLDER, "folder")
#define FSYNC_TARGET_ENUM(id, label) FSYNC_##id,
enum fsync_target { FSYNC_TARGETS(FSYNC_TARGET_ENUM) FSYNC_TARGET_COUNT };

struct metrics {
	uint64_t value[METRIC_COUNT];
	uint64_t close[CLOSE_REASON_COUNT];
	uint64_t handshake_failure[HANDSHAKE_FAILURE_COUNT];
	uint64_t handshake_ok;
	uint64_t key_exchange[TLS_GROUP_COUNT + 1]; /* of those, by group */
	uint64_t fallback_tx[FALLBACK_REASON_COUNT];
	uint64_t fallback_rx[FALLBACK_REASON_COUNT];
	uint64_t send_path_bytes[SEND_PATH_COUNT];
	uint64_t conn_path[CONN_PATH_COUNT];
	uint64_t denied[1 + ACCESS_RULES_MAX]; /* 0: by no rule; then by rule, as they stand */
	uint64_t request[REQUEST_METHOD_COUNT][REQUEST_CODE_COUNT];
	struct histogram request_duration[S3_OPERATION_COUNT];
	struct histogram first_byte[S3_OPERATION_COUNT];
	struct histogram handshake_duration;
	struct histogram fsync_duration[FSYNC_TARGET_COUNT];
};

/* Owner thread only. */
static inline void metric_add(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell, *cell + n, __ATOMIC_RELAXED);
}
static inline void metric_sub(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell, *cell - n, __ATOMIC_RELAXED);
}
/* Counts requests, or keys of one, that the access rules deny. rule: the first that is about this
 * client, from 0; -1: none is. */
void metrics_denied(struct metrics *metrics, int rule, uint64_t n);
void histogram_observe(struct histogram *histogram, uint64_t nanoseconds);
/* The same by any thread, of a histogram that no thread owns. */
void histogram_observe_shared(struct histogram *histogram, uint64_t nanoseconds);
/* The column of an HTTP status in struct metrics.request. */
enum request_code request_code_of(int status);

/*
 * Writes all families of the sum of count sets, # HELP and # TYPE included, to
 * out. A family always prints all its rows, zero or not, but for rules that denied nothing. Returns
 * the length, or -ENOSPC when bytes_max is too small (METRICS_TEXT_BYTES_MAX is enough).
 */
#define METRICS_TEXT_BYTES_MAX (256 * 1024)
int metrics_print(const struct metrics *const *sets, size_t count, char *out, size_t bytes_max);

#endif
