/* SPDX-License-Identifier: Apache-2.0 */
/* sluice scrub: are the objects of a root what was written? */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "config/options.h"
#include "config/roff.h"
#include "store/names.h"
#include "store/scrub.h"

#define PROGRESS_NS 1000000000ull

struct scrub_config {
	char root[PATH_MAX];
	uint64_t rate_bytes; /* 0: as fast as the disk */
	bool quarantine;
	char bucket[PATH_MAX]; /* the last that was given */
	bool json;
	/* Borrowed from argv; none: all. */
	const char **buckets;
	unsigned bucket_count;
};

#define AT(field) offsetof(struct scrub_config, field)

static const struct option rows[] = {
	{"root", NULL, OPTION_PATH, AT(root), NULL, 0, 0, NULL, "DIR",
	 "Folder whose subfolders are the buckets, as of sluice serve. Required."},
	{"rate", NULL, OPTION_BYTES, AT(rate_bytes), "0", 0, SCRUB_RATE_BYTES_MAX, NULL, "BYTES",
	 "Read at most so many bytes per second; 0: as fast as the disk does."},
	{"quarantine", NULL, OPTION_BOOL, AT(quarantine), "false", 0, 0, NULL, "BOOL",
	 "Mark damaged objects, so that every server on the root answers with 500 rather than with "
	 "wrong bytes, until they are written again; and take the mark from those that are good "
	 "again. This user must be able to write the root and its objects."},
	{"bucket", NULL, OPTION_TEXT, AT(bucket), NULL, 0, 0, NULL, "NAME",
	 "Only this bucket; may be given several times."},
	{"json", NULL, OPTION_BOOL, AT(json), "false", 0, 0, NULL, "BOOL",
	 "Print one JSON object instead of lines."},
};
static const struct option_table table = {rows, ARRAY_LEN(rows), NULL};

static void print_help(FILE *out)
{
	fprintf(out, "Usage: sluice scrub %s\n\n", command_find("scrub")->synopsis);
	command_print_description(out, "scrub");
	fputc('\n', out);
	options_print_help(out, &table);
	exit_codes_print_help(out, "scrub");
}

void cli_scrub_print_man(FILE *out)
{
	roff_section(out, "OPTIONS");
	roff_text(out, OPTIONS_FORM "\n");
	options_print_man(out, &table);
}

/* ---- The command line ------------------------------------------------------------------------ */

/* OPTIONS_READY, OPTIONS_HELP, or -EINVAL with one line in error. */
static int load(struct scrub_config *config, int argc, char *const argv[],
		char error[ERROR_TEXT_MAX])
{
	struct argument argument;

	int r = options_load(config, &table, argc, argv, error);
	if (r != OPTIONS_READY)
		return r;
	for (int at = 1; at < argc;) {
		must(argument_next(&table, argc, argv, &at, &argument, error) == 0);
		if (argument.option->offset == AT(bucket))
			config->buckets[config->bucket_count++] = argument.value;
	}
	const struct option_required required[] = {{"root", config->root[0] != '\0'}};
	return options_check_required(&table, required, ARRAY_LEN(required), error) < 0
		       ? -EINVAL
		       : OPTIONS_READY;
}

/* ---- The report ------------------------------------------------------------------------------ */

struct report {
	const struct scrub_config *config;
	const struct scrub *scrub;
	struct json json;
	uint64_t begun_ns;
	uint64_t shown_ns; /* progress, the last time; 0: it is no terminal */
};

static unsigned long long count_of(const struct report *report, enum scrub_result result)
{
	return atomic_load(&report->scrub->objects[result]);
}

static void show_progress(struct report *report, uint64_t now_ns)
{
	if (report->shown_ns == 0 || now_ns - report->shown_ns < PROGRESS_NS)
		return;
	report->shown_ns = now_ns;
	fprintf(stderr, "\r%llu good, %llu damaged, %llu unchecked, %llu MiB\033[K",
		count_of(report, SCRUB_GOOD), count_of(report, SCRUB_DAMAGED),
		count_of(report, SCRUB_UNCHECKED),
		(unsigned long long)atomic_load(&report->scrub->bytes) >> 20);
}

static void clear_progress(const struct report *report)
{
	if (report->shown_ns != 0)
		fputs("\r\033[K", stderr);
}

static bool wait_until(void *arg, uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();

	show_progress(arg, now_ns);
	if (until_ns <= now_ns)
		return true;
	const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
				       .tv_nsec = (long)(until_ns % 1000000000)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
	return true;
}

static void put_json(struct json *json, const struct scrub_finding *finding)
{
	json_open(json, NULL, '{');
	json_put_text(json, "bucket", finding->bucket);
	json_put_text(json, "key", finding->object_key);
	if (finding->error < 0) {
		json_put_text(json, "error", strerrordesc_np(-finding->error));
	} else {
		json_put_text(json, "checksum", finding->checksum);
		json_put_text(json, "expected", finding->expected);
		json_put_text(json, "read", finding->is);
	}
	json_put_bool(json, "quarantined", finding->is_quarantined);
	json_close(json, '}');
}

/* A key may hold anything, a line is one line. */
static void print_name(FILE *out, const struct scrub_finding *finding)
{
	fprintf(out, "%s/", finding->bucket);
	for (const char *at = finding->object_key; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == '\\')
			fprintf(out, "\\x%02x", (unsigned char)*at);
		else
			fputc(*at, out);
	}
}

static void print_damaged(const struct scrub_finding *finding)
{
	fputs("damaged: ", stdout);
	print_name(stdout, finding);
	if (finding->error < 0)
		printf(": reading: %s", strerrordesc_np(-finding->error));
	else
		printf(": %s: expected %s, read %s", finding->checksum, finding->expected,
		       finding->is);
	puts(finding->is_quarantined ? ", quarantined" : "");
	fflush(stdout);
}

static void tell(void *arg, const struct scrub_finding *finding)
{
	struct report *report = arg;

	clear_progress(report);
	if (finding->event == SCRUB_EVENT_DAMAGED) {
		if (report->config->json)
			put_json(&report->json, finding);
		else
			print_damaged(finding);
		if (finding->quarantine_error == 0)
			return;
	}
	fputs("sluice scrub: ", stderr);
	print_name(stderr, finding);
	if (finding->event == SCRUB_EVENT_GOOD_AGAIN)
		fputs(": good again, quarantine lifted\n", stderr);
	else if (finding->event == SCRUB_EVENT_DAMAGED)
		fprintf(stderr, ": cannot be quarantined: %s\n",
			strerrordesc_np(-finding->quarantine_error));
	else
		fprintf(stderr, ": cannot be checked: %s\n", strerrordesc_np(-finding->error));
}

static void print_summary(struct report *report)
{
	unsigned long long bytes = atomic_load(&report->scrub->bytes);

	clear_progress(report);
	if (report->config->json) {
		json_close(&report->json, ']');
		for (int i = 0; i < SCRUB_RESULT_COUNT; i++)
			json_put_number(&report->json, scrub_result_label((enum scrub_result)i),
					(long)count_of(report, (enum scrub_result)i));
		json_put_number(&report->json, "bytes", (long)bytes);
		json_put_seconds(&report->json, "seconds", clock_now_ns() - report->begun_ns);
		json_close(&report->json, '}');
		putchar('\n');
	}
	fprintf(stderr,
		"sluice scrub: %llu good, %llu damaged, %llu unchecked (without a checksum, or "
		"written meanwhile); %llu bytes read\n",
		count_of(report, SCRUB_GOOD), count_of(report, SCRUB_DAMAGED),
		count_of(report, SCRUB_UNCHECKED), bytes);
}

/* ---- The scrub ------------------------------------------------------------------------------- */

static enum exit_code exit_code_of_errno(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP:
		return EXIT_NOT_FOUND;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return EXIT_DENIED;
	default:
		return EXIT_ERROR;
	}
}

/* A descriptor, or what it is to the shell, told. */
static int open_root(const struct scrub_config *config, enum exit_code *code)
{
	int fd = open(config->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 ? -errno : 0;

	if (fd >= 0 && config->quarantine && faccessat(fd, ".", W_OK, AT_EACCESS) < 0)
		error = -errno;
	if (error == 0)
		return fd;
	*code = exit_code_of_errno(error);
	fprintf(stderr, "sluice scrub: root folder %s: %s%s\n", config->root,
		strerrordesc_np(-error),
		fd >= 0 ? "; --quarantine needs a root that can be written" : "");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Before anything is read: a bucket that is not there is a slip of the pen. */
static enum exit_code look_for_buckets(const struct scrub_config *config, int root_fd)
{
	struct stat st;

	for (unsigned i = 0; i < config->bucket_count; i++) {
		const char *bucket = config->buckets[i];
		bool is_name = store_bucket_name_is_valid(bucket, strlen(bucket));
		if (is_name && fstatat(root_fd, bucket, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			continue;
		fprintf(stderr, "sluice scrub: %s: there is no bucket %.100s\n", config->root,
			bucket);
		return EXIT_NOT_FOUND;
	}
	return EXIT_OK;
}

/* The first error, 0: none. */
static int scrub_all(const struct scrub_config *config, struct scrub *scrub)
{
	int error = 0;

	if (config->bucket_count == 0)
		return scrub_root(scrub);
	for (unsigned i = 0; i < config->bucket_count; i++) {
		int r = scrub_bucket(scrub, config->buckets[i]);
		error = error == 0 && r != -ENOENT ? r : error;
	}
	return error;
}

static enum exit_code run(const struct scrub_config *config, int root_fd)
{
	struct report report = {.config = config, .json = {.out = stdout, .is_first = true}};
	struct scrub scrub = {.sys = &store_sys_kernel,
			      .root_fd = root_fd,
			      .quarantines = config->quarantine,
			      .pace = {.rate_bytes = config->rate_bytes},
			      .wait = wait_until,
			      .tell = tell,
			      .arg = &report};

	if (scrub_init(&scrub) < 0) {
		fprintf(stderr, "sluice scrub: no memory\n");
		return EXIT_ERROR;
	}
	report.scrub = &scrub;
	report.begun_ns = clock_now_ns();
	report.shown_ns = isatty(STDERR_FILENO) ? report.begun_ns : 0;
	if (config->json) {
		json_open(&report.json, NULL, '{');
		json_open(&report.json, "damaged_objects", '[');
	}
	int r = scrub_all(config, &scrub);
	print_summary(&report);
	enum exit_code code = count_of(&report, SCRUB_DAMAGED) > 0 ? EXIT_INTEGRITY
			      : r < 0                              ? EXIT_ERROR
								   : EXIT_OK;
	scrub_fini(&scrub);
	return code;
}

static enum exit_code scrub_with(const struct scrub_config *config)
{
	enum exit_code code = EXIT_ERROR;
	int root_fd = open_root(config, &code);

	if (root_fd < 0)
		return code;
	code = look_for_buckets(config, root_fd);
	if (code == EXIT_OK)
		code = run(config, root_fd);
	close(root_fd);
	return code;
}

int cli_scrub(int argc, char *const argv[])
{
	char error[ERROR_TEXT_MAX];
	struct scrub_config config = {
		.buckets = (const char **)calloc((size_t)argc, sizeof(*config.buckets))};
	int code = EXIT_OK;

	if (config.buckets == NULL) {
		fprintf(stderr, "sluice scrub: no memory\n");
		return EXIT_ERROR;
	}
	int r = load(&config, argc, argv, error);
	if (r == OPTIONS_HELP) {
		print_help(stdout);
	} else if (r < 0) {
		fprintf(stderr, "sluice scrub: %s\n", error);
		code = EXIT_USAGE;
	} else {
		code = (int)scrub_with(&config);
	}
	free((void *)config.buckets);
	return code;
}
