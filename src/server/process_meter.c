/* SPDX-License-Identifier: Apache-2.0 */
#include "server/process_meter.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* /proc/PID/stat is one line of 52 numbers and a name of at most 64 bytes. */
#define STAT_BYTES_MAX 2048

/* The fields of /proc/PID/stat that are printed, by their numbers in proc_pid_stat(5). */
enum {
	STAT_THREADS = 20,
	STAT_START_TICKS = 22,
	STAT_VIRTUAL_BYTES,
	STAT_RESIDENT_PAGES,
	STAT_END
};

struct stat_fields {
	uint64_t of[STAT_END];
};

/* The name, field 2, is in parentheses and may hold any byte: fields are counted after it. */
static bool read_stat(int stat_fd, struct stat_fields *fields)
{
	char line[STAT_BYTES_MAX], *saved = NULL;
	ssize_t n = pread(stat_fd, line, sizeof(line) - 1, 0);
	if (n <= 0)
		return false;
	line[n] = '\0';
	char *rest = strrchr(line, ')');
	int number = 3;

	if (rest == NULL)
		return false;
	for (const char *word = strtok_r(rest + 1, " ", &saved); word != NULL && number < STAT_END;
	     word = strtok_r(NULL, " ", &saved))
		fields->of[number++] = strtoull(word, NULL, 10);
	return number == STAT_END;
}

static uint64_t ms_of(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

void process_meter_init(struct process_meter *meter)
{
	struct stat_fields fields;

	*meter = (struct process_meter){
		.stat_fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC),
		.fds_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	/* Once: a clock that is set later does not move the start. */
	if (meter->stat_fd >= 0 && read_stat(meter->stat_fd, &fields))
		meter->start_ms =
			ms_of(CLOCK_REALTIME) - ms_of(CLOCK_BOOTTIME) +
			fields.of[STAT_START_TICKS] * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

void process_meter_fini(struct process_meter *meter)
{
	if (meter->stat_fd >= 0)
		close(meter->stat_fd);
	if (meter->fds_fd >= 0)
		close(meter->fds_fd);
	meter->stat_fd = meter->fds_fd = -1;
}

/* Entries of /proc/self/fd but "." and "..". */
static uint64_t count_entries(int fds_fd)
{
	_Alignas(struct dirent64) char entries[32 * 1024];
	uint64_t count = 0;
	long n;

	if (lseek(fds_fd, 0, SEEK_SET) < 0)
		return 0;
	while ((n = syscall(SYS_getdents64, fds_fd, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
			count += entry->d_name[0] != '.';
			at += entry->d_reclen;
		}
	}
	return count;
}

/* 0: unknown. Linux 6.2 gives the number as the folder's size; before, the entries are counted. */
static uint64_t open_fds(int fds_fd)
{
	struct stat st;
	if (fstat(fds_fd, &st) == 0 && st.st_size > 0)
		return (uint64_t)st.st_size;
	return count_entries(fds_fd);
}

static void print_cpu(struct metrics_text *text)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return;
	uint64_t micros =
		((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000 +
		(uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
	metrics_text_family(text, "process_cpu_seconds_total", "counter",
			    "User and system CPU time, in seconds.");
	metrics_text_printf(text, "process_cpu_seconds_total %" PRIu64 ".%06" PRIu64 "\n",
			    micros / 1000000, micros % 1000000);
}

static void print_stat(const struct process_meter *meter, struct metrics_text *text)
{
	struct stat_fields fields;

	if (meter->stat_fd < 0 || !read_stat(meter->stat_fd, &fields))
		return;
	metrics_text_single(text, "process_resident_memory_bytes", "gauge",
			    "Resident memory, in bytes.",
			    fields.of[STAT_RESIDENT_PAGES] * (uint64_t)sysconf(_SC_PAGESIZE));
	metrics_text_single(text, "process_virtual_memory_bytes", "gauge",
			    "Virtual memory, in bytes.", fields.of[STAT_VIRTUAL_BYTES]);
	metrics_text_single(text, "process_threads", "gauge",
			    "Threads, those that io_uring has started for files included.",
			    fields.of[STAT_THREADS]);
	if (meter->start_ms == 0)
		return;
	metrics_text_family(text, "process_start_time_seconds", "gauge",
			    "When the process was started, seconds since 1970.");
	metrics_text_printf(text, "process_start_time_seconds %" PRIu64 ".%03" PRIu64 "\n",
			    meter->start_ms / 1000, meter->start_ms % 1000);
}

void process_meter_print(const struct process_meter *meter, struct metrics_text *text)
{
	struct rlimit limit;
	uint64_t fds = meter->fds_fd >= 0 ? open_fds(meter->fds_fd) : 0;

	print_cpu(text);
	print_stat(meter, text);
	if (fds > 0)
		metrics_text_single(text, "process_open_fds", "gauge", "Open file descriptors.",
				    fds);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		metrics_text_single(text, "process_max_fds", "gauge",
				    "Most file descriptors that may be open (ulimit -n).",
				    limit.rlim_cur);
}
