/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_run.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/hooks.h>

#include "base/must.h"
#include "wire/wire_certs.h"
#include "wire/wire_pattern.h"
#include "wire/wire_speed.h"

#define BIG_BYTES       (64ull << 20)
#define BIG_BYTES_GUEST (8ull << 20)
#define LOG_TAIL_LINES  25
#define LOG_LINE_MAX    1024

const uint64_t wire_sizes[] = {WIRE_SIZES(WIRE_SIZE_VALUE)};
const unsigned wire_size_count = ARRAY_LEN(wire_sizes);
const struct wire_key wire_keys[] = {WIRE_KEYS(WIRE_KEY_ROW)};
const unsigned wire_key_count = ARRAY_LEN(wire_keys);

uint64_t wire_big_bytes(void)
{
	const char *guest = getenv("WIRE_GUEST");
	return guest != NULL && strcmp(guest, "1") == 0 ? BIG_BYTES_GUEST : BIG_BYTES;
}

static void folder_make(const char *dir, const char *name, char out[PATH_MAX])
{
	must(snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX);
	must(mkdir(out, 0755) == 0);
}

static void objects_make(const char *root)
{
	char name[PATH_MAX];

	for (unsigned i = 0; i < wire_size_count; i++) {
		snprintf(name, sizeof(name), "data/size-%llu", (unsigned long long)wire_sizes[i]);
		wire_pattern_write(root, name, wire_sizes[i], wire_sizes[i]);
	}
	for (unsigned i = 0; i < wire_key_count; i++) {
		snprintf(name, sizeof(name), "data/%s", wire_keys[i].object_key);
		wire_pattern_write(root, name, WIRE_KEY_SEED + i, WIRE_KEY_BYTES);
	}
	wire_pattern_write(root, "data/big", WIRE_BIG_SEED, wire_big_bytes());
	wire_pattern_write(root, "other-bucket/object", 1, 1);
}

/* For what is told beside Criterion's own output; a line begins with '#', as TAP wants. */
static int report_fd(void)
{
	const char *number = getenv("WIRE_REPORT_FD");
	return number != NULL ? atoi(number) : STDERR_FILENO;
}

/* The times of the whole run. A test that goes by a time limit measures again. */
static void speed_measure(const char *certs)
{
	const char *given = getenv("WIRE_TIME_SCALE");
	double least = given != NULL ? strtod(given, NULL) : 1, measured = wire_slowness(certs);
	char scale[32];

	snprintf(scale, sizeof(scale), "%.3f", measured > least ? measured : least);
	must(setenv("WIRE_TIME_SCALE", scale, 1) == 0);
}

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	char dir[PATH_MAX], path[PATH_MAX];
	const char *base = getenv("TMPDIR");

	(void)tests;
	must(snprintf(dir, sizeof(dir), "%s/sluice-wire-XXXXXX", base != NULL ? base : "/tmp") <
	     PATH_MAX / 4);
	must(mkdtemp(dir) != NULL);
	must(chmod(dir, 0755) == 0);
	must(setenv("WIRE_DIR", dir, 1) == 0);
	folder_make(dir, "logs", path);
	folder_make(dir, "certs", path);
	wire_certs_make(path);
	speed_measure(path);
	folder_make(dir, "root", path);
	objects_make(path);
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	const char *dir = getenv("WIRE_DIR");

	if (stats->tests_failed > 0 || stats->tests_crashed > 0)
		dprintf(report_fd(), "# kept: %s\n", dir);
	else
		nftw(dir, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void log_show(const char *path)
{
	char line[LOG_TAIL_LINES][LOG_LINE_MAX];
	unsigned count = 0;
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return;
	while (fgets(line[count % LOG_TAIL_LINES], LOG_LINE_MAX, file) != NULL)
		count++;
	fclose(file);
	dprintf(report_fd(), "# the end of %s:\n", path);
	unsigned first = count > LOG_TAIL_LINES ? count - LOG_TAIL_LINES : 0;
	for (unsigned i = first; i < count; i++) {
		char *text = line[i % LOG_TAIL_LINES];
		text[strcspn(text, "\n")] = '\0';
		dprintf(report_fd(), "#   %s\n", text);
	}
}

static void logs_show(const struct criterion_test_stats *stats)
{
	char wanted[NAME_MAX], path[PATH_MAX];
	const char *dir = getenv("WIRE_DIR");

	snprintf(path, sizeof(path), "%s/logs", dir);
	DIR *logs = opendir(path);
	if (logs == NULL)
		return;
	snprintf(wanted, sizeof(wanted), "%s.%s.", stats->test->category, stats->test->name);
	for (struct dirent *entry; (entry = readdir(logs)) != NULL;) {
		if (strncmp(entry->d_name, wanted, strlen(wanted)) != 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/logs/%s", dir, entry->d_name) < PATH_MAX)
			log_show(path);
	}
	closedir(logs);
}

/* The process of a test has no way to the run's output: what it has to say waits in a file. */
static void report_path(const struct criterion_test *test, char path[PATH_MAX])
{
	must(snprintf(path, PATH_MAX, "%s/report.%s.%s", getenv("WIRE_DIR"), test->category,
		      test->name) < PATH_MAX);
}

void wire_report(const char *format, ...)
{
	char path[PATH_MAX];
	va_list values;

	report_path(criterion_current_test, path);
	FILE *file = fopen(path, "ae");
	must(file != NULL);
	va_start(values, format);
	vfprintf(file, format, values);
	va_end(values);
	fputc('\n', file);
	must(fclose(file) == 0);
}

static void report_show(const struct criterion_test *test)
{
	char path[PATH_MAX], line[LOG_LINE_MAX];

	report_path(test, path);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		dprintf(report_fd(), "# %s/%s: %s", test->category, test->name, line);
	fclose(file);
}

ReportHook(POST_TEST)(struct criterion_test_stats *stats)
{
	report_show(stats->test);
	if (stats->test_status == CR_STATUS_FAILED || stats->timed_out)
		logs_show(stats);
}

ReportHook(TEST_CRASH)(struct criterion_test_stats *stats)
{
	logs_show(stats);
}
