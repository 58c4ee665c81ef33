/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the sum of several sets. */
#include "base/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/build_version.h"
#include "base/metrics_text.h"
#include "base/must.h"

#define PREFIX "sluice_"

struct out {
	const struct metrics *const *sets;
	size_t count;
	struct metrics_text text;
};

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
	metrics_text_family(&out->text, name, type, help);
}

static void row(struct out *out, const char *name, const char *labels, uint64_t value)
{
	metrics_text_row(&out->text, name, labels, value);
}

static void print_plain(struct out *out)
{
	static const struct {
		const char *name, *type, *help;
	} rows[] = {
#define ROW(id, name, type, help) {PREFIX name, type, help},
		METRICS(ROW)
#undef ROW
	};
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		family(out, rows[i].name, rows[i].type, rows[i].help);
		row(out, rows[i].name, NULL, sum(out, &out->sets[0]->value[i]));
	}
}

static void print_reasons(struct out *out)
{
	const struct metrics *first = out->sets[0];
	char labels[128];

	family(out, PREFIX "connections_closed_total", "counter", "Connections closed, by reason.");
	for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
			 close_reason_row((enum close_reason)i)->label);
		row(out, PREFIX "connections_closed_total", labels, sum(out, &first->close[i]));
	}
	family(out, PREFIX "tls_handshake_failures_total", "counter",
	       "Failed handshakes, by reason.");
	for (int i = 0; i < HANDSHAKE_FAILURE_COUNT; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
			 handshake_failure_row((enum handshake_failure)i)->label);
		row(out, PREFIX "tls_handshake_failures_total", labels,
		    sum(out, &first->handshake_failure[i]));
	}
	family(out, PREFIX "ktls_fallback_total", "counter",
	       "Connections of which a direction is not sealed or opened by the kernel, by "
	       "reason.");
	for (int i = 0; i < FALLBACK_REASON_COUNT; i++) {
		const char *label = fallback_reason_row((enum fallback_reason)i)->label;
		snprintf(labels, sizeof(labels), "direction=\"tx\",reason=\"%s\"", label);
		row(out, PREFIX "ktls_fallback_total", labels, sum(out, &first->fallback_tx[i]));
		snprintf(labels, sizeof(labels), "direction=\"rx\",reason=\"%s\"", label);
		row(out, PREFIX "ktls_fallback_total", labels, sum(out, &first->fallback_rx[i]));
	}
}

static void print_handshakes(struct out *out)
{
	const struct metrics *first = out->sets[0];
	uint64_t failed = 0;
	char labels[64];

	for (int i = 0; i < HANDSHAKE_FAILURE_COUNT; i++)
		failed += sum(out, &first->handshake_failure[i]);
	family(out, PREFIX "tls_handshakes_total", "counter", "Handshakes, by result.");
	row(out, PREFIX "tls_handshakes_total", "result=\"ok\"", sum(out, &first->handshake_ok));
	row(out, PREFIX "tls_handshakes_total", "result=\"failed\"", failed);

	family(out, PREFIX "tls_key_exchanges_total", "counter",
	       "Handshakes that succeeded, by group of their key exchange.");
	for (int i = 0; i <= TLS_GROUP_COUNT; i++) {
		snprintf(labels, sizeof(labels), "group=\"%s\"",
			 tls_group_label((enum tls_group)i));
		row(out, PREFIX "tls_key_exchanges_total", labels,
		    sum(out, &first->key_exchange[i]));
	}
}

static void print_denied(struct out *out)
{
	const struct metrics *first = out->sets[0];
	char labels[32];

	family(out, PREFIX "authorization_denied_total", "counter",
	       "Requests, and keys of DeleteObjects, that the access rules deny, by the first rule "
	       "that is about the client.");
	row(out, PREFIX "authorization_denied_total", "rule=\"none\"", sum(out, &first->denied[0]));
	for (int i = 1; i <= ACCESS_RULES_MAX; i++) {
		uint64_t count = sum(out, &first->denied[i]);
		snprintf(labels, sizeof(labels), "rule=\"%d\"", i);
		if (count > 0)
			row(out, PREFIX "authorization_denied_total", labels, count);
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

	family(out, PREFIX "sent_bytes_total", "counter",
	       "Body bytes of objects sent, by data path.");
	for (int i = 0; i < SEND_PATH_COUNT; i++)
		row(out, PREFIX "sent_bytes_total", send_labels[i],
		    sum(out, &first->send_path_bytes[i]));
	family(out, PREFIX "tls_connections_total", "counter",
	       "Connections established, by data path.");
	for (int i = 0; i < CONN_PATH_COUNT; i++)
		row(out, PREFIX "tls_connections_total", conn_labels[i],
		    sum(out, &first->conn_path[i]));
}

static void print_requests(struct out *out)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "other"};
	static const char *const codes[] = {
#define CODE(code) #code,
		REQUEST_CODES(CODE) "other"};
#undef CODE
	char labels[64];

	family(out, PREFIX "http_requests_total", "counter", "Responses, by method and status.");
	for (int m = 0; m < REQUEST_METHOD_COUNT; m++) {
		for (int c = 0; c < REQUEST_CODE_COUNT; c++) {
			snprintf(labels, sizeof(labels), "method=\"%s\",code=\"%s\"", methods[m],
				 codes[c]);
			row(out, PREFIX "http_requests_total", labels,
			    sum(out, &out->sets[0]->request[m][c]));
		}
	}
}

/* labels: in front of le, with a comma; "": none. */
static void print_histogram_rows(struct out *out, const char *name, const char *labels,
				 const struct histogram *histogram)
{
	static const char *const bounds[] = {
#define BOUND(nanoseconds, seconds) seconds,
		HISTOGRAM_BOUNDS(BOUND)
#undef BOUND
			"+Inf"};
	uint64_t below = 0, sum_ns = sum(out, &histogram->sum_ns);
	size_t len = strlen(labels);
	char set[128] = "";

	for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		below += sum(out, &histogram->bucket[i]);
		metrics_text_printf(&out->text, "%s_bucket{%sle=\"%s\"} %llu\n", name, labels,
				    bounds[i], (unsigned long long)below);
	}
	if (len > 0) /* without the comma */
		snprintf(set, sizeof(set), "{%.*s}", (int)len - 1, labels);
	metrics_text_printf(&out->text, "%s_sum%s %llu.%09llu\n%s_count%s %llu\n", name, set,
			    (unsigned long long)(sum_ns / 1000000000),
			    (unsigned long long)(sum_ns % 1000000000), name, set,
			    (unsigned long long)below);
}

static void print_histogram(struct out *out, const char *name, const char *help,
			    const struct histogram *histogram)
{
	family(out, name, "histogram", help);
	print_histogram_rows(out, name, "", histogram);
}

/* One of S3_OPERATION_COUNT. */
static void print_by_operation(struct out *out, const char *name, const char *help,
			       const struct histogram histograms[S3_OPERATION_COUNT])
{
	static const char *const labels[] = {
#define LABEL(id, name) "operation=\"" name "\",",
		OPERATIONS(LABEL)
#undef LABEL
			"operation=\"other\","};
	static_assert(ARRAY_LEN(labels) == S3_OPERATION_COUNT, "a label for each");

	family(out, name, "histogram", help);
	for (int i = 0; i < S3_OPERATION_COUNT; i++)
		print_histogram_rows(out, name, labels[i], &histograms[i]);
}

static void print_fsyncs(struct out *out)
{
	static const char *const labels[] = {
#define LABEL(id, name) "target=\"" name "\",",
		FSYNC_TARGETS(LABEL)
#undef LABEL
	};
	const char *name = PREFIX "fsync_duration_seconds";

	family(out, name, "histogram", "Calls of fsync, by what is made durable.");
	for (int i = 0; i < FSYNC_TARGET_COUNT; i++)
		print_histogram_rows(out, name, labels[i], &out->sets[0]->fsync_duration[i]);
}

static void print_build(struct out *out)
{
	char labels[128];

	int n = snprintf(labels, sizeof(labels), "version=\"%s\"", build_version());
	must(n > 0 && (size_t)n < sizeof(labels));
	family(out, PREFIX "build_info", "gauge", "Always 1; the version is the label.");
	row(out, PREFIX "build_info", labels, 1);
}

int metrics_print(const struct metrics *const *sets, size_t count, char *text, size_t bytes_max)
{
	must(count > 0);
	struct out out = {.sets = sets, .count = count, .text = {.at = text, .size = bytes_max}};

	print_build(&out);
	print_plain(&out);
	print_reasons(&out);
	print_handshakes(&out);
	print_denied(&out);
	print_paths(&out);
	print_requests(&out);
	print_by_operation(&out, PREFIX "http_request_duration_seconds",
			   "From the whole request head to the last byte given to the socket, or "
			   "to where the response was cut; by operation of S3.",
			   sets[0]->request_duration);
	print_by_operation(&out, PREFIX "http_time_to_first_byte_seconds",
			   "From the whole request head to the first byte of the response given "
			   "to the socket; by operation of S3.",
			   sets[0]->first_byte);
	print_histogram(&out, PREFIX "tls_handshake_duration_seconds", "From accept to Finished.",
			&sets[0]->handshake_duration);
	print_fsyncs(&out);
	return metrics_text_end(&out.text);
}
