/* SPDX-License-Identifier: Apache-2.0 */
/* A report, for people and for programs. */
#include <inttypes.h>

#include "base/must.h"
#include "client/bench.h"

#define MIB (1024.0 * 1024.0)
#define GIB (1024.0 * MIB)

static const struct {
	const char *label, *json;
	unsigned per_million;
} quantile_rows[] = {{"p50", "p50", 500000},
		     {"p90", "p90", 900000},
		     {"p99", "p99", 990000},
		     {"p99.9", "p99_9", 999000}};

#define BENCH_ERROR_LABEL(id, label) label,
static const char *const error_labels[] = {BENCH_ERRORS(BENCH_ERROR_LABEL)};

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

/* a / b, or 0 where there is no b. */
static double per(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static uint64_t window_bytes(const struct bench_report *report)
{
	return report->window_received + report->window_sent;
}

/* ---- For people ------------------------------------------------------------------------------ */

static void print_bytes(FILE *out, uint64_t bytes)
{
	if (bytes >= 1024 * 1024 * 1024ull)
		fprintf(out, "%.2f GiB", (double)bytes / GIB);
	else if (bytes >= 1024 * 1024)
		fprintf(out, "%.2f MiB", (double)bytes / MIB);
	else
		fprintf(out, "%" PRIu64 " bytes", bytes);
}

static void print_time(FILE *out, uint64_t ns)
{
	if (ns >= 10 * 1000000000ull)
		fprintf(out, "%.1f s", seconds(ns));
	else if (ns >= 10 * 1000000ull)
		fprintf(out, "%.1f ms", (double)ns / 1e6);
	else
		fprintf(out, "%.3f ms", (double)ns / 1e6);
}

static void print_quantiles(FILE *out, const char *name, const struct quantiles *quantiles)
{
	if (quantiles->count == 0)
		return;
	fprintf(out, "%-11s", name);
	for (size_t i = 0; i < ARRAY_LEN(quantile_rows); i++) {
		fprintf(out, "%s ", quantile_rows[i].label);
		print_time(out, quantiles_at(quantiles, quantile_rows[i].per_million));
		fputs("  ", out);
	}
	fputs("max ", out);
	print_time(out, quantiles->max);
	fputc('\n', out);
}

static void print_cpu(FILE *out, const char *name, const struct bench_report *report,
		      uint64_t cpu_ns)
{
	double bytes = (double)window_bytes(report);

	fprintf(out, "%-11s%.2f s of CPU (%.2f cores)", name, seconds(cpu_ns),
		per((double)cpu_ns, (double)report->window_ns));
	fprintf(out, "  %.1f us/request",
		per((double)cpu_ns / 1e3, (double)report->window_requests));
	if (bytes >= MIB)
		fprintf(out, "  %.3f s/GiB", seconds(cpu_ns) / (bytes / GIB));
}

static void print_errors(FILE *out, const struct bench_report *report)
{
	fputs("errors     ", out);
	const char *between = "";
	for (size_t i = 0; i < BENCH_ERROR_COUNT; i++) {
		if (report->error[i] == 0)
			continue;
		fprintf(out, "%s%s %" PRIu64, between, error_labels[i], report->error[i]);
		between = "  ";
	}
	for (int status = 0; status < BENCH_STATUS_MAX; status++)
		if (report->status[status] > 0)
			fprintf(out, "%sstatus %d: %" PRIu64, between, status,
				report->status[status]);
	if (report->unsent > 0)
		fprintf(out, "%s%" PRIu64 " requests were due and never begun", between,
			report->unsent);
	fputc('\n', out);
	if (report->first_error[0] != '\0')
		fprintf(out, "           the first: %s\n", report->first_error);
}

static uint64_t failures(const struct bench_report *report)
{
	uint64_t count = report->unsent;
	for (size_t i = 0; i < BENCH_ERROR_COUNT; i++)
		count += report->error[i];
	return count;
}

static void print_load(FILE *out, const struct bench_config *config,
		       const struct bench_report *report)
{
	fprintf(out, "target     %s", config->target);
	if (report->objects > 0) {
		fprintf(out, " (%u object%s, ", report->objects, report->objects > 1 ? "s" : "");
		print_bytes(out, report->object_bytes);
		fputc(')', out);
	}
	fprintf(out, "\nload       %s on %u connection%s", config->mix, config->connections,
		config->connections > 1 ? "s" : "");
	if (config->rate > 0)
		fprintf(out, ", %u requests/s", config->rate);
	fprintf(out, ", measured for %.1f s after %.1f s of warm-up%s\n",
		seconds(report->window_ns), config->warmup_ms / 1000.0,
		report->is_interrupted ? ", interrupted" : "");
	fprintf(out,
		"data path  received by the kernel %" PRIu64 ", by this program %" PRIu64
		"; sent by the kernel %" PRIu64 ", by this program %" PRIu64 "; %s, %s\n",
		report->rx_kernel, report->connections - report->rx_kernel, report->tx_kernel,
		report->connections - report->tx_kernel, tls_cipher_label(report->cipher),
		tls_group_label(report->group));
}

static void print_bytes_line(FILE *out, const char *name, uint64_t bytes,
			     const struct bench_report *report)
{
	if (bytes == 0)
		return;
	fprintf(out, "%-11s", name);
	print_bytes(out, bytes);
	fprintf(out, "  %.1f MiB/s\n", per((double)bytes / MIB, seconds(report->window_ns)));
}

void bench_report_text(FILE *out, const struct bench_config *config,
		       const struct bench_report *report)
{
	print_load(out, config, report);
	fprintf(out,
		"requests   %" PRIu64 "  %.1f/s  (of the whole run: %" PRIu64 ", %" PRIu64
		" failed, %" PRIu64 " repeated)\n",
		report->window_requests,
		per((double)report->window_requests, seconds(report->window_ns)), report->begun,
		report->failed, report->repeated);
	print_bytes_line(out, "received", report->window_received, report);
	print_bytes_line(out, "sent", report->window_sent, report);
	print_quantiles(out, "latency", &report->latency);
	print_quantiles(out, "handshake", &report->handshake);
	print_cpu(out, "client", report, report->client_cpu_ns);
	fputc('\n', out);
	if (report->has_server) {
		print_cpu(out, "server", report, report->server_cpu_ns);
		fputs("  memory ", out);
		print_bytes(out, report->server_rss_bytes);
		fputs(", at most ", out);
		print_bytes(out, report->server_peak_bytes);
		fputc('\n', out);
	} else if (config->server_pid != 0) {
		fprintf(out, "server     of process %u nothing can be known\n", config->server_pid);
	}
	if (config->verify && config->mix[0] != 'p')
		fprintf(out,
			"verified   %" PRIu64 " pieces, %" PRIu64
			" more were seen for the first time, %" PRIu64 " not looked at\n",
			report->verified, report->first_seen, report->unverified);
	if (failures(report) > 0)
		print_errors(out, report);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void json_number(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, ",\"%s\":%" PRIu64, name, value);
}

static void json_quantiles(FILE *out, const char *name, const struct quantiles *quantiles)
{
	fprintf(out, ",\"%s\":{\"count\":%" PRIu64, name, quantiles->count);
	for (size_t i = 0; i < ARRAY_LEN(quantile_rows); i++)
		fprintf(out, ",\"%s\":%.9f", quantile_rows[i].json,
			seconds(quantiles_at(quantiles, quantile_rows[i].per_million)));
	fprintf(out, ",\"max\":%.9f}", seconds(quantiles->max));
}

static void json_requests(FILE *out, const struct bench_report *report)
{
	fprintf(out, ",\"requests\":{\"begun\":%" PRIu64, report->begun);
	json_number(out, "succeeded", report->succeeded);
	json_number(out, "failed", report->failed);
	json_number(out, "repeated", report->repeated);
	json_number(out, "unsent", report->unsent);
	json_number(out, "measured", report->window_requests);
	fprintf(out, ",\"per_second\":%.3f}",
		per((double)report->window_requests, seconds(report->window_ns)));
}

static void json_errors(FILE *out, const struct bench_report *report)
{
	const char *between = "";

	fputs(",\"errors\":{", out);
	for (size_t i = 0; i < BENCH_ERROR_COUNT; i++) {
		fprintf(out, "%s\"%s\":%" PRIu64, between, error_labels[i], report->error[i]);
		between = ",";
	}
	fputs("},\"statuses\":{", out);
	between = "";
	for (int status = 0; status < BENCH_STATUS_MAX; status++) {
		if (report->status[status] == 0)
			continue;
		fprintf(out, "%s\"%d\":%" PRIu64, between, status, report->status[status]);
		between = ",";
	}
	fputs("},\"first_error\":", out);
	json_text(out, report->first_error);
}

void bench_report_json(FILE *out, const struct bench_config *config,
		       const struct bench_report *report)
{
	fputs("{\"target\":", out);
	json_text(out, config->target);
	fputs(",\"mix\":", out);
	json_text(out, config->mix);
	json_number(out, "objects", report->objects);
	json_number(out, "object_bytes", report->object_bytes);
	json_number(out, "connections", config->connections);
	json_number(out, "rate", config->rate);
	fprintf(out, ",\"seconds\":%.6f,\"warmup_seconds\":%.3f", seconds(report->window_ns),
		config->warmup_ms / 1000.0);
	fprintf(out, ",\"interrupted\":%s", report->is_interrupted ? "true" : "false");
	json_requests(out, report);
	json_number(out, "received_bytes", report->window_received);
	json_number(out, "sent_bytes", report->window_sent);
	fprintf(out, ",\"bytes_per_second\":%.1f",
		per((double)window_bytes(report), seconds(report->window_ns)));
	json_quantiles(out, "latency_seconds", &report->latency);
	json_quantiles(out, "handshake_seconds", &report->handshake);
	fprintf(out, ",\"tls\":{\"cipher\":\"%s\",\"group\":\"%s\"",
		tls_cipher_label(report->cipher), tls_group_label(report->group));
	json_number(out, "connections", report->connections);
	json_number(out, "rx_kernel", report->rx_kernel);
	json_number(out, "tx_kernel", report->tx_kernel);
	fprintf(out, "},\"client_cpu_seconds\":%.6f", seconds(report->client_cpu_ns));
	if (report->has_server) {
		fprintf(out, ",\"server\":{\"cpu_seconds\":%.6f", seconds(report->server_cpu_ns));
		json_number(out, "rss_bytes", report->server_rss_bytes);
		json_number(out, "peak_bytes", report->server_peak_bytes);
		fputc('}', out);
	}
	if (config->verify) {
		fprintf(out, ",\"verify\":{\"verified\":%" PRIu64, report->verified);
		json_number(out, "first_seen", report->first_seen);
		json_number(out, "unverified", report->unverified);
		fputc('}', out);
	}
	json_errors(out, report);
	fputs("}\n", out);
}
