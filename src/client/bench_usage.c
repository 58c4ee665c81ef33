/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bench_usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

static uint64_t clock_of(clockid_t clock)
{
	struct timespec spent;
	if (clock_gettime(clock, &spent) < 0)
		return 0;
	return (uint64_t)spent.tv_sec * 1000000000ull + (uint64_t)spent.tv_nsec;
}

/* "VmRSS:      1234 kB" of proc(5). */
static bool take_line(const char *line, const char *name, uint64_t *bytes)
{
	unsigned long long kib;
	char *end;

	if (strncmp(line, name, strlen(name)) != 0)
		return false;
	kib = strtoull(line + strlen(name), &end, 10);
	if (end == line + strlen(name))
		return false;
	*bytes = kib * 1024;
	return true;
}

static bool read_memory(struct bench_usage *usage, unsigned pid)
{
	char path[64], line[256];
	unsigned found = 0;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL) {
		found += take_line(line, "VmRSS:", &usage->server_rss_bytes);
		found += take_line(line, "VmHWM:", &usage->server_peak_bytes);
	}
	fclose(file);
	return found == 2;
}

void bench_usage_read(struct bench_usage *usage, unsigned server_pid)
{
	clockid_t clock;

	*usage = (struct bench_usage){.own_cpu_ns = clock_of(CLOCK_PROCESS_CPUTIME_ID)};
	if (server_pid == 0 || clock_getcpuclockid((pid_t)server_pid, &clock) != 0)
		return;
	usage->server_cpu_ns = clock_of(clock);
	usage->has_server = read_memory(usage, server_pid);
}
