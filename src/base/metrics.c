/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/must.h"

#define PREFIX            "sluice_"

/* The first bucket ends at 2^4 microseconds. */
#define BUCKET_FIRST_LOG2 4

void histogram_observe(struct histogram *histogram, uint64_t nanoseconds)
{
	uint64_t micros = nanoseconds / 1000 + (nanoseconds % 1000 != 0);
	unsigned bucket = 0;
	/* The smallest n with micros <= 2^n. */
	if (micros > 1u << BUCKET_FIRST_LOG2)
		bucket = 64 - (unsigned)__builtin_clzll(micros - 1) - BUCKET_FIRST_LOG2;
	if (bucket > HISTOGRAM_BUCKETS)
		bucket = HISTOGRAM_BUCKETS;
	metric_add(&histogram->bucket[bucket], 1);
	metric_add(&histogram->sum_ns, nanoseconds);
}

void metrics_denied(struct metrics *metrics, int rule, uint64_t n)
{
	must(rule >= -1 && rule < ACCESS_RULES_MAX);
	metric_add(&metrics->denied[rule + 1], n);
}

enum request_code request_code_of(int status)
{
	switch (status) {
#define CASE(code)                                                                                 \
	case code:                                                                                 \
		return REQUEST_CODE_##code;
		REQUEST_CODES(CASE)
#undef CASE
	default:
		return REQUEST_CODE_OTHER;
	}
}

/* ---- Printing ----------------------------------------------------------------------------- */

struct out {
	const struct metrics *const *sets;
	size_t count;
	char *at;
	size_t used;
	size_t size;
	bool overflow;
};

static void print(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct out *out, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(out->at + out->used, out->size - out->used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= out->size - out->used)
		out->overflow = true;
	else
		out->used += (size_t)n;
}

/* The sum over all sets of the cell that stands where cell stands in the first. */
static uint64_t sum(const struct out *out, const uint64_t *cell)
{
	size_t offset = (size_t)((const char *)cell - (const char *)out->sets[0]);
	uint64_t total = 0;
	for (size_t i = 0; i < out->count; i++)
		total += __atomic_load_n((const uint64_t *)((const char *)out->sets[i] + offset),
					 __ATOMIC_RELAXED);
	return total;
}

static void family(struct out *out, const char *name, const char *type, const char *help)
{
	print(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void row(struct out *out, const char *name, const char *labels, uint64_t value)
{
	print(out, PREFIX "%s{%s} %llu\n", name, labels, (unsigned long long)value);
}

static void print_plain(struct out *out)
{
	static const struct {
		const char *name, *type, *help;
	} rows[] = {
#define ROW(id, name, type, help) {name, type, help},
		METRICS(ROW)
#undef ROW
	};
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		family(out, rows[i].name, rows[i].type, rows[i].help);
		print(out, PREFIX "%s %llu\n", rows[i].name,
		      (unsigned long long)sum(out, &out->sets[0]->value[i]));
	}
}

static void print_reasons(struct out *out)
{
	const struct metrics *first = out->sets[0];
	char labels[128];

	family(out, "connections_closed_total", "counter", "Connections closed, by reason.");
	for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
			 close_reason_row((enum close_reason)i)->label);
		row(out, "connections_closed_total", labels, sum(out, &first->close[i]));
	}
	family(out, "tls_handshake_failures_total", "counter", "Failed handshakes, by reason.");
	for (int i = 0; i < HANDSHAKE_FAILURE_COUNT; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
			 handshake_failure_row((enum handshake_failure)i)->label);
		row(out, "tls_handshake_failures_total", labels,
		    sum(out, &first->handshake_failure[i]));
	}
	family(out, "ktls_fallback_total", "counter",
	       "Connections of which a direction is not sealed or opened by the kernel, by "
	       "reason.");
	for (int i = 0; i < FALLBACK_REASON_COUNT; i++) {
		const char *label = fallback_reason_row((enum fallback_reason)i)->label;
		snprintf(labels, sizeof(labels), "direction=\"tx\",reason=\"%s\"", label);
		row(out, "ktls_fallback_total", labels, sum(out, &first->fallback_tx[i]));
		snprintf(labels, sizeof(labels), "direction=\"rx\",reason=\"%s\"", label);
		row(out, "ktls_fallback_total", labels, sum(out, &first->fallback_rx[i]));
	}
}

static void print_handshakes(struct out *out)
{
	const struct metrics *first = out->sets[0];
	uint64_t failed = 0;
	for (int i = 0; i < HANDSHAKE_FAILURE_COUNT; i++)
		failed += sum(out, &first->handshake_failure[i]);
	family(out, "tls_handshakes_total", "counter", "Handshakes, by result.");
	row(out, "tls_handshakes_total", "result=\"ok\"", sum(out, &first->handshake_ok));
	row(out, "tls_handshakes_total", "result=\"failed\"", failed);
}

static void print_denied(struct out *out)
{
	const struct metrics *first = out->sets[0];
	char labels[32];

	family(out, "authorization_denied_total", "counter",
	       "Requests, and keys of DeleteObjects, that the access rules deny, by the first rule "
	       "that is about the client.");
	row(out, "authorization_denied_total", "rule=\"none\"", sum(out, &first->denied[0]));
	for (int i = 1; i <= ACCESS_RULES_MAX; i++) {
		uint64_t count = sum(out, &first->denied[i]);
		snprintf(labels, sizeof(labels), "rule=\"%d\"", i);
		if (count > 0)
			row(out, "authorization_denied_total", labels, count);
	}
}

static void print_paths(struct out *out)
{
	static const char *const send_labels[] = {
#define LABEL(id, label) label,
		SEND_PATHS(LABEL)};
	static const char *const conn_labels[] = {CONN_PATHS(LABEL)};
#undef LABEL
	const struct metrics *first = out->sets[0];

	family(out, "sent_bytes_total", "counter", "Body bytes of objects sent, by data path.");
	for (int i = 0; i < SEND_PATH_COUNT; i++)
		row(out, "sent_bytes_total", send_labels[i], sum(out, &first->send_path_bytes[i]));
	family(out, "tls_connections_total", "counter", "Connections established, by data path.");
	for (int i = 0; i < CONN_PATH_COUNT; i++)
		row(out, "tls_connections_total", conn_labels[i], sum(out, &first->conn_path[i]));
}

static void print_requests(struct out *out)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "other"};
	static const char *const codes[] = {
#define CODE(code) #code,
		REQUEST_CODES(CODE) "other"};
#undef CODE
	char labels[64];

	family(out, "http_requests_total", "counter", "Responses, by method and status.");
	for (int m = 0; m < REQUEST_METHOD_COUNT; m++) {
		for (int c = 0; c < REQUEST_CODE_COUNT; c++) {
			snprintf(labels, sizeof(labels), "method=\"%s\",code=\"%s\"", methods[m],
				 codes[c]);
			row(out, "http_requests_total", labels,
			    sum(out, &out->sets[0]->request[m][c]));
		}
	}
}

static void print_histogram(struct out *out, const char *name, const char *help,
			    const struct histogram *histogram)
{
	uint64_t below = 0;
	family(out, name, "histogram", help);
	for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		below += sum(out, &histogram->bucket[i]);
		if (i < HISTOGRAM_BUCKETS)
			print(out, PREFIX "%s_bucket{le=\"%.6f\"} %llu\n", name,
			      (double)(1ull << (BUCKET_FIRST_LOG2 + i)) / 1e6,
			      (unsigned long long)below);
		else
			print(out, PREFIX "%s_bucket{le=\"+Inf\"} %llu\n", name,
			      (unsigned long long)below);
	}
	uint64_t sum_ns = sum(out, &histogram->sum_ns);
	print(out, PREFIX "%s_sum %llu.%09llu\n" PREFIX "%s_count %llu\n", name,
	      (unsigned long long)(sum_ns / 1000000000), (unsigned long long)(sum_ns % 1000000000),
	      name, (unsigned long long)below);
}

int metrics_print(const struct metrics *const *sets, size_t count, char *text, size_t bytes_max)
{
	must(count > 0);
	struct out out = {.sets = sets, .count = count, .at = text, .size = bytes_max};

	family(&out, "build_info", "gauge", "Always 1; the version is the label.");
	row(&out, "build_info", "version=\"" SLUICE_VERSION "\"", 1);
	print_plain(&out);
	print_reasons(&out);
	print_handshakes(&out);
	print_denied(&out);
	print_paths(&out);
	print_requests(&out);
	print_histogram(&out, "http_request_duration_seconds",
			"From the whole request head to the last byte given to the socket.",
			&sets[0]->request_duration);
	print_histogram(&out, "tls_handshake_duration_seconds", "From accept to Finished.",
			&sets[0]->handshake_duration);
	return out.overflow ? -ENOSPC : (int)out.used;
}
