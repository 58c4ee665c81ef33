/* SPDX-License-Identifier: Apache-2.0 */
/* This process' own figures, beside what else tells them. */
#include "server/process_meter.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

TestSuite(process_meter, .timeout = 600);

static char text[16384];

static void print(const struct process_meter *meter)
{
	struct metrics_text out = {.at = text, .size = sizeof(text) - 1};

	process_meter_print(meter, &out);
	int n = metrics_text_end(&out);
	cr_assert_geq(n, 0);
	text[n] = '\0';
}

/* -1: the row is absent. */
static double value_of(const char *name)
{
	char row[128];

	snprintf(row, sizeof(row), "\n%s ", name);
	const char *at = strstr(text, row);
	return at != NULL ? strtod(at + strlen(row), NULL) : -1;
}

static double cpu_seconds(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

Test(process_meter, cpu_grows)
{
	struct process_meter meter;

	process_meter_init(&meter);
	double before = cpu_seconds();
	while (cpu_seconds() < before + 0.1)
		continue;
	print(&meter);
	cr_assert_geq(value_of("process_cpu_seconds_total"), before + 0.1);
	cr_assert_leq(value_of("process_cpu_seconds_total"), cpu_seconds());
	process_meter_fini(&meter);
}

Test(process_meter, descriptors)
{
	struct process_meter meter;
	struct rlimit limit;
	int fd[100];

	process_meter_init(&meter);
	print(&meter);
	double before = value_of("process_open_fds");
	cr_assert_gt(before, 2);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		must((fd[i] = dup(STDERR_FILENO)) >= 0);
	print(&meter);
	cr_assert_eq(value_of("process_open_fds"), before + 100);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
	print(&meter);
	cr_assert_eq(value_of("process_open_fds"), before);

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = 333;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	print(&meter);
	cr_assert_eq(value_of("process_max_fds"), 333);
	process_meter_fini(&meter);
}

Test(process_meter, memory)
{
	enum { BYTES = 64 << 20 };
	struct process_meter meter;

	process_meter_init(&meter);
	print(&meter);
	double resident = value_of("process_resident_memory_bytes");
	double virtual = value_of("process_virtual_memory_bytes");
	cr_assert(resident > 0 && virtual >= resident);
	char *memory = malloc(BYTES);
	must(memory != NULL);
	memset(memory, 1, BYTES);
	print(&meter);
	cr_assert_geq(value_of("process_resident_memory_bytes"), resident + BYTES * 0.9);
	cr_assert_geq(value_of("process_virtual_memory_bytes"), virtual + BYTES * 0.9);
	free(memory);
	process_meter_fini(&meter);
}

static void *wait_for(void *arg)
{
	pthread_barrier_t *barrier = arg;
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

Test(process_meter, threads)
{
	struct process_meter meter;
	pthread_barrier_t barrier;
	pthread_t thread;

	process_meter_init(&meter);
	print(&meter);
	double before = value_of("process_threads");
	must(pthread_barrier_init(&barrier, NULL, 2) == 0);
	must(pthread_create(&thread, NULL, wait_for, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	print(&meter);
	cr_assert_eq(value_of("process_threads"), before + 1);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	process_meter_fini(&meter);
}

/* A child begins now, and keeps that when its name is one that would mislead a careless reader. */
Test(process_meter, start)
{
	struct process_meter meter;
	double now = (double)time(NULL);

	must(prctl(PR_SET_NAME, "a) R 1 2 (b") == 0);
	process_meter_init(&meter);
	print(&meter);
	/* This test's process was forked for it; ticks are hundredths. */
	cr_assert_leq(value_of("process_start_time_seconds"), now + 2);
	cr_assert_geq(value_of("process_start_time_seconds"), now - 60);
	cr_assert_gt(value_of("process_threads"), 0);
	process_meter_fini(&meter);
}

/* In a container without /proc: what needs it is absent, the rest is there. */
Test(process_meter, without_proc)
{
	const struct process_meter meter = {.stat_fd = -1, .fds_fd = -1};

	print(&meter);
	cr_assert_geq(value_of("process_max_fds"), 1);
	cr_assert_eq(value_of("process_open_fds"), -1);
	cr_assert_eq(value_of("process_threads"), -1);
	cr_assert_eq(value_of("process_resident_memory_bytes"), -1);
	cr_assert_eq(value_of("process_virtual_memory_bytes"), -1);
	cr_assert_eq(value_of("process_start_time_seconds"), -1);
}
