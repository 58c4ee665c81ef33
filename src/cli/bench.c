/* SPDX-License-Identifier: Apache-2.0 */
/* sluice bench: options, and what the outcome is to the shell. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "cli/cli.h"
#include "client/bench.h"
#include "client/bench_plan.h"
#include "config/options.h"
#include "config/roff.h"

#define AT(field) offsetof(struct bench_config, field)
#define HOURS(n)  ((n)*3600000ull)

static const struct option rows[] = {
	{"target", NULL, OPTION_TEXT, AT(target), NULL, 0, 0, NULL, "HOST:PORT/BUCKET[/PREFIX]",
	 "Where the objects are; if the server has no listings, the one object of that name. "
	 "Required."},
	{"cert", NULL, OPTION_PATH, AT(cert_file), NULL, 0, 0, NULL, "FILE",
	 "Certificate of the client and its chain, PEM. Required."},
	{"key", NULL, OPTION_PATH, AT(key_file), NULL, 0, 0, NULL, "FILE",
	 "Private key of the certificate, PEM. Required."},
	{"ca", NULL, OPTION_PATH, AT(ca_file), NULL, 0, 0, NULL, "FILE",
	 "CA certificates that may have issued the server's, PEM. Required."},
	{"server-name", NULL, OPTION_TEXT, AT(server_name), NULL, 0, 0, NULL, "NAME",
	 "DNS name or address that the server's certificate must have, if it is not the host of "
	 "--target."},
	{"connections", NULL, OPTION_UNSIGNED, AT(connections), "8", 1, 10000, NULL, "N",
	 "Number of connections, each with one request at a time."},
	{"duration", NULL, OPTION_DURATION, AT(duration_ms), "10s", 10, HOURS(24), NULL, "TIME",
	 "How long to measure; requests in progress may then finish."},
	{"requests", NULL, OPTION_U64, AT(requests), "0", 0, 1ull << 40, NULL, "N",
	 "Stop after this many requests past the warm-up, instead of --duration; 0: no limit."},
	{"mix", NULL, OPTION_TEXT, AT(mix), "whole", 0, 0, NULL, "MIX",
	 "whole: every object, in turn; range:SIZE: ranges such as range:16KiB; thanos: what a "
	 "store gateway asks for; put:SIZE: uploads, deleted at the end; handshake: a connection "
	 "for each request, of one byte."},
	{"rate", NULL, OPTION_UNSIGNED, AT(rate), "0", 0, 10000000, NULL, "N",
	 "Requests a second, evenly spaced; latency is then counted from when a request was due, "
	 "so "
	 "that a slow server shows. 0: each connection sends the next when it has its answer."},
	{"warmup", NULL, OPTION_DURATION, AT(warmup_ms), "1s", 0, HOURS(1), NULL, "TIME",
	 "Apply the same load this long before measuring."},
	{"timeout", NULL, OPTION_DURATION, AT(timeout_ms), "30s", 100, HOURS(1), NULL, "TIME",
	 "Maximum time of one request, including its connection if it needs one."},
	{"verify", NULL, OPTION_BOOL, AT(verify), "false", 0, 0, NULL, "BOOL",
	 "Compare the SHA-256 of each response with that of the first response for the same bytes, "
	 "and of whole objects with the server's x-amz-checksum-sha256; uploads carry theirs."},
	{"json", NULL, OPTION_BOOL, AT(json), "false", 0, 0, NULL, "BOOL",
	 "Print the report as one JSON object on one line."},
	{"server-pid", NULL, OPTION_UNSIGNED, AT(server_pid), "0", 0, 1u << 22, NULL, "PID",
	 "Also report CPU time and memory of this process, a server on this machine; 0: none."},
	{"tls-path", NULL, OPTION_CHOICE, AT(tls_path), "auto", 0, 0, tls_path_words, "PATH",
	 "Where the client's records are encrypted and decrypted: auto uses the kernel where "
	 "possible; kernel fails where it cannot; user does not use it."},
};

static const struct option_table table = {rows, ARRAY_LEN(rows), NULL};

/* ---- The command line ------------------------------------------------------------------------ */

static int check(const struct bench_config *config, char error[ERROR_TEXT_MAX])
{
	const struct option_required required[] = {{"target", config->target[0] != '\0'},
						   {"cert", config->cert_file[0] != '\0'},
						   {"key", config->key_file[0] != '\0'},
						   {"ca", config->ca_file[0] != '\0'}};
	char why[ERROR_TEXT_MAX];
	struct bench_mix mix;
	struct target target;

	if (options_check_required(&table, required, ARRAY_LEN(required), error) < 0)
		return -EINVAL;
	if (bench_mix_parse(&mix, config->mix, why) < 0) {
		snprintf(error, ERROR_TEXT_MAX, "--mix: %.500s", why);
		return -EINVAL;
	}
	if (target_parse(&target, config->target, why) < 0) {
		snprintf(error, ERROR_TEXT_MAX, "--target: %.500s", why);
		return -EINVAL;
	}
	return 0;
}

static void print_help(FILE *out)
{
	fputs("Usage: sluice bench --target HOST:PORT/BUCKET[/PREFIX] --cert FILE --key FILE --ca "
	      "FILE\n"
	      "                    [options]\n\n"
	      "Loads an S3 or HTTPS server over mutual TLS 1.3 and reports what it did.\n",
	      out);
	help_print_wrapped(out, OPTIONS_FORM, 0);
	fputc('\n', out);
	options_print_help(out, &table);
	exit_codes_print_help(out, "bench");
}

void cli_bench_print_man(FILE *out)
{
	roff_section(out, "OPTIONS");
	roff_text(out, OPTIONS_FORM "\n");
	options_print_man(out, &table);
}

/* ---- The run --------------------------------------------------------------------------------- */

enum exit_code exit_code_of_client(enum client_outcome outcome)
{
	switch (outcome) {
	case CLIENT_OK:
		return EXIT_OK;
	case CLIENT_ERROR:
		return EXIT_ERROR;
	case CLIENT_NOT_FOUND:
		return EXIT_NOT_FOUND;
	case CLIENT_DENIED:
		return EXIT_DENIED;
	case CLIENT_TLS:
		return EXIT_TLS;
	case CLIENT_NETWORK:
		return EXIT_NETWORK;
	case CLIENT_INTEGRITY:
		return EXIT_INTEGRITY;
	case CLIENT_PARTIAL:
		return EXIT_PARTIAL;
	}
	must(!"an outcome of the table");
	return EXIT_ERROR;
}

static int run(const struct bench_config *config, struct bench_report *report)
{
	char error[ERROR_TEXT_MAX] = "";
	bool has_report;

	signal(SIGPIPE, SIG_IGN); /* a server that closes is a failure that is counted */
	enum client_outcome outcome = bench_run(config, report, &has_report, error);
	if (has_report && config->json)
		bench_report_json(stdout, config, report);
	else if (has_report)
		bench_report_text(stdout, config, report);
	if (outcome != CLIENT_OK)
		fprintf(stderr, "sluice bench: %s\n", error);
	return exit_code_of_client(outcome);
}

static int load_and_run(struct bench_config *config, struct bench_report *report, int argc,
			char *const argv[])
{
	char error[ERROR_TEXT_MAX];

	*config = (struct bench_config){0};
	int r = options_load(config, &table, argc, argv, error);
	if (r == OPTIONS_HELP) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (r == OPTIONS_READY)
		r = check(config, error);
	if (r == 0)
		return run(config, report);
	fprintf(stderr, "sluice bench: %s\n", error);
	return EXIT_USAGE;
}

int cli_bench(int argc, char *const argv[])
{
	struct bench_config *config = malloc(sizeof(*config));
	struct bench_report *report = malloc(sizeof(*report));
	int code = EXIT_ERROR;

	if (config == NULL || report == NULL) {
		fprintf(stderr, "sluice bench: no memory\n");
	} else {
		code = load_and_run(config, report, argc, argv);
	}
	free(report);
	free(config);
	return code;
}
