/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /metrics as Prometheus reads it. */
#include "base/metrics.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/build_version.h"
#include "base/must.h"
#include "support/guard.h"

TestSuite(metrics, .timeout = 600);

static char text[METRICS_TEXT_BYTES_MAX + 1];

static void print(const struct metrics *const *sets, size_t count)
{
	int n = metrics_print(sets, count, text, METRICS_TEXT_BYTES_MAX);

	cr_assert_gt(n, 0, "%d", n);
	text[n] = '\0';
	cr_assert_eq(strlen(text), (size_t)n, "a NUL is in the text");
}

/* The text of the value in the one line that begins with row and a space. */
static const char *value_of(const char *row)
{
	static char value[64];
	const char *found = NULL;
	size_t len = strlen(row);

	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
		if (strncmp(at, row, len) != 0 || at[len] != ' ')
			continue;
		cr_assert_null(found, "%s stands twice", row);
		found = at + len + 1;
	}
	cr_assert_not_null(found, "no %s in:\n%s", row, text);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, "\n"), found);
	return value;
}

/* ---- Values -------------------------------------------------------------------------------- */

/* Every cell of a set has a number of its own: a row that reads another's cell shows it. */
static void fill(struct metrics *set, uint64_t first)
{
	uint64_t *cell = (uint64_t *)set;

	for (size_t i = 0; i < sizeof(*set) / sizeof(*cell); i++)
		cell[i] = first + i * 1000;
}

/* What a row must say: the sum over the sets of this cell. */
static void check_row(const char *row, const struct metrics *sets, size_t count,
		      const uint64_t *cell)
{
	size_t index = (size_t)(cell - (const uint64_t *)&sets[0]);
	uint64_t sum = 0;
	char expected[32];

	for (size_t i = 0; i < count; i++)
		sum += ((const uint64_t *)&sets[i])[index];
	snprintf(expected, sizeof(expected), "%llu", (unsigned long long)sum);
	cr_assert_str_eq(value_of(row), expected, "%s: %s, not %s", row, value_of(row), expected);
}

static void check_reasons(const struct metrics *sets, size_t count)
{
	char row[160];

	for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
		snprintf(row, sizeof(row), "sluice_connections_closed_total{reason=\"%s\"}",
			 close_reason_row((enum close_reason)i)->label);
		check_row(row, sets, count, &sets[0].close[i]);
	}
	for (int i = 0; i < HANDSHAKE_FAILURE_COUNT; i++) {
		snprintf(row, sizeof(row), "sluice_tls_handshake_failures_total{reason=\"%s\"}",
			 handshake_failure_row((enum handshake_failure)i)->label);
		check_row(row, sets, count, &sets[0].handshake_failure[i]);
	}
	for (int i = 0; i < FALLBACK_REASON_COUNT; i++) {
		const char *label = fallback_reason_row((enum fallback_reason)i)->label;
		snprintf(row, sizeof(row),
			 "sluice_ktls_fallback_total{direction=\"tx\",reason=\"%s\"}", label);
		check_row(row, sets, count, &sets[0].fallback_tx[i]);
		snprintf(row, sizeof(row),
			 "sluice_ktls_fallback_total{direction=\"rx\",reason=\"%s\"}", label);
		check_row(row, sets, count, &sets[0].fallback_rx[i]);
	}
}

Test(metrics, every_cell_of_every_set)
{
	static struct metrics sets[3];
	const struct metrics *pointers[] = {&sets[0], &sets[1], &sets[2]};
	const struct metrics *first = &sets[0];

	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		fill(&sets[i], 1 + i * 100000000);
	print(pointers, ARRAY_LEN(sets));

#define CHECK(id, name, ...) check_row("sluice_" name, sets, 3, &first->value[METRIC_##id]);
	METRICS(CHECK)
#undef CHECK
#define CHECK(id, labels)                                                                          \
	check_row("sluice_sent_bytes_total{" labels "}", sets, 3,                                  \
		  &first->send_path_bytes[SEND_PATH_##id]);
	SEND_PATHS(CHECK)
#undef CHECK
#define CHECK(id, labels)                                                                          \
	check_row("sluice_tls_connections_total{" labels "}", sets, 3,                             \
		  &first->conn_path[CONN_PATH_##id]);
	CONN_PATHS(CHECK)
#undef CHECK
#define CHECK(code)                                                                                \
	check_row("sluice_http_requests_total{method=\"HEAD\",code=\"" #code "\"}", sets, 3,       \
		  &first->request[REQUEST_METHOD_HEAD][REQUEST_CODE_##code]);
	REQUEST_CODES(CHECK)
#undef CHECK
	check_row("sluice_http_requests_total{method=\"GET\",code=\"200\"}", sets, 3,
		  &first->request[REQUEST_METHOD_GET][REQUEST_CODE_200]);
	check_row("sluice_http_requests_total{method=\"other\",code=\"other\"}", sets, 3,
		  &first->request[REQUEST_METHOD_OTHER][REQUEST_CODE_OTHER]);
	check_row("sluice_tls_handshakes_total{result=\"ok\"}", sets, 3, &first->handshake_ok);
	check_row("sluice_tls_key_exchanges_total{group=\"X25519MLKEM768\"}", sets, 3,
		  &first->key_exchange[TLS_GROUP_X25519MLKEM768]);
	check_row("sluice_tls_key_exchanges_total{group=\"P-521\"}", sets, 3,
		  &first->key_exchange[TLS_GROUP_P521]);
	check_row("sluice_tls_key_exchanges_total{group=\"other\"}", sets, 3,
		  &first->key_exchange[TLS_GROUP_OTHER]);
#define CHECK(id, name)                                                                            \
	check_row("sluice_http_request_duration_seconds_bucket{operation=\"" name                  \
		  "\",le=\"0.0001\"}",                                                             \
		  sets, 3, &first->request_duration[S3_##id].bucket[0]);                           \
	check_row("sluice_http_time_to_first_byte_seconds_bucket{operation=\"" name                \
		  "\",le=\"0.0001\"}",                                                             \
		  sets, 3, &first->first_byte[S3_##id].bucket[0]);
	OPERATIONS(CHECK)
#undef CHECK
	check_row("sluice_http_request_duration_seconds_bucket{operation=\"other\",le=\"0.0001\"}",
		  sets, 3, &first->request_duration[S3_OPERATION_NONE].bucket[0]);
#define CHECK(id, name)                                                                            \
	check_row("sluice_fsync_duration_seconds_bucket{target=\"" name "\",le=\"0.0001\"}", sets, \
		  3, &first->fsync_duration[FSYNC_##id].bucket[0]);
	FSYNC_TARGETS(CHECK)
#undef CHECK
	check_reasons(sets, ARRAY_LEN(sets));
}

Test(metrics, build_info_has_the_version)
{
	static struct metrics set;
	const struct metrics *pointer = &set;
	char name[128];

	snprintf(name, sizeof(name), "sluice_build_info{version=\"%s\"}", build_version());
	print(&pointer, 1);
	cr_assert_str_eq(value_of(name), "1");
}

/* A handshake that failed is counted once by reason; the sum is made here. */
Test(metrics, failed_handshakes_are_summed)
{
	static struct metrics set;
	const struct metrics *pointer = &set;

	metric_add(&set.handshake_failure[HANDSHAKE_CERT_EXPIRED], 2);
	metric_add(&set.handshake_failure[HANDSHAKE_INTERNAL], 3);
	metric_add(&set.handshake_failure[HANDSHAKE_NO_CLIENT_CERT], 5);
	print(&pointer, 1);
	cr_assert_str_eq(value_of("sluice_tls_handshakes_total{result=\"failed\"}"), "10");
	cr_assert_str_eq(value_of("sluice_tls_handshakes_total{result=\"ok\"}"), "0");
}

Test(metrics, gauges_go_down)
{
	static struct metrics set;
	const struct metrics *pointer = &set;

	metric_add(&set.value[METRIC_CONNS_OPEN], 3);
	metric_sub(&set.value[METRIC_CONNS_OPEN], 2);
	print(&pointer, 1);
	cr_assert_str_eq(value_of("sluice_connections"), "1");
}

Test(metrics, codes)
{
	cr_assert_eq(request_code_of(200), REQUEST_CODE_200);
	cr_assert_eq(request_code_of(416), REQUEST_CODE_416);
	cr_assert_eq(request_code_of(505), REQUEST_CODE_505);
	cr_assert_eq(request_code_of(299), REQUEST_CODE_OTHER);
	cr_assert_eq(request_code_of(0), REQUEST_CODE_OTHER);
	cr_assert_eq(request_code_of(-1), REQUEST_CODE_OTHER);
}

/* ---- Form ---------------------------------------------------------------------------------- */

/* The family that a row belongs to. */
static bool belongs(const char *row, const char *family)
{
	size_t len = strlen(family);

	if (strncmp(row, family, len) != 0)
		return false;
	row += len;
	return *row == ' ' || *row == '{' || strncmp(row, "_bucket{", 8) == 0 ||
	       strncmp(row, "_sum ", 5) == 0 || strncmp(row, "_sum{", 5) == 0 ||
	       strncmp(row, "_count ", 7) == 0 || strncmp(row, "_count{", 7) == 0;
}

/* # HELP, # TYPE, rows, family after family; a family that came does not come again. */
Test(metrics, families_are_whole)
{
	static struct metrics set;
	const struct metrics *pointer = &set;
	char families[100][80];
	unsigned count = 0, rows = 0;

	print(&pointer, 1);
	for (char *at = text, *end; *at != '\0'; at = end + 1) {
		char help[80], type[80], kind[20];
		end = strchr(at, '\n');
		cr_assert_not_null(end);
		if (*at != '#') {
			cr_assert_gt(count, 0);
			cr_assert(belongs(at, families[count - 1]), "%.60s after %s", at,
				  families[count - 1]);
			rows++;
			continue;
		}
		cr_assert(count == 0 || rows > 0, "%s has no rows", families[count - 1]);
		cr_assert_eq(sscanf(at, "# HELP %79s ", help), 1, "%.60s", at);
		at = end + 1;
		end = strchr(at, '\n');
		cr_assert_eq(sscanf(at, "# TYPE %79s %19s", type, kind), 2, "%.60s", at);
		cr_assert_str_eq(help, type);
		for (unsigned i = 0; i < count; i++)
			cr_assert_str_neq(families[i], help);
		snprintf(families[count++], sizeof(families[0]), "%s", help);
		bool is_total = strcmp(help + strlen(help) - 6, "_total") == 0;
		cr_assert_eq(is_total, strcmp(kind, "counter") == 0, "%s is a %s", help, kind);
		rows = 0;
	}
	cr_assert_gt(rows, 0);
}

Test(metrics, promtool_is_content)
{
	static struct metrics set;
	const struct metrics *pointer = &set;

	if (system("command -v promtool >/dev/null") != 0)
		cr_skip("promtool is not installed");
	fill(&set, 7);
	print(&pointer, 1);
	FILE *promtool = popen("promtool check metrics 2>&1", "w");
	cr_assert_not_null(promtool);
	cr_assert_eq(fwrite(text, 1, strlen(text), promtool), strlen(text));
	cr_assert_eq(pclose(promtool), 0);
}

/* ---- Room ---------------------------------------------------------------------------------- */

/* The longest text there can be fits into what the callers give. */
Test(metrics, largest_values_fit)
{
	static struct metrics set;
	const struct metrics *pointer = &set;

	memset(&set, 0xff, sizeof(set));
	print(&pointer, 1);
	cr_assert_lt(strlen(text), METRICS_TEXT_BYTES_MAX * 3 / 4, "%zu: grow it", strlen(text));
}

Test(metrics, too_little_room)
{
	static struct metrics set;
	const struct metrics *pointer = &set;
	struct guard guard;

	print(&pointer, 1);
	size_t len = strlen(text);
	guard_init(&guard, METRICS_TEXT_BYTES_MAX);
	for (size_t size = 0; size <= len; size += size < 200 || len - size < 200 ? 1 : 97) {
		char *out = guard_before(&guard, text, size);
		cr_assert_eq(metrics_print(&pointer, 1, out, size), -ENOSPC, "%zu", size);
	}
	char *out = guard_before(&guard, text, len + 1);
	cr_assert_eq(metrics_print(&pointer, 1, out, len + 1), (int)len);
	guard_fini(&guard);
}
