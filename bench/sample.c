/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample: where a process is, at random instants of its own CPU time.
 *
 * In:   a process, a FIFO that says "enable" and "disable" (load --control), a file.
 * Out:  a line for each sample: the address, and the functions of the kernel that led to it, the
 *       innermost first. In a guest that executes an instruction a nanosecond, and has one
 *       processor, the samples of a function are in proportion to its instructions.
 * Why not perf record: its period is fixed, and a server that does the same again and again falls
 *       into step with it (a function of 700 instructions in 100,000 was 5 % of all samples). And
 * its period goes on while a sample is taken, which takes longer deep in the kernel: so there it
 *       takes more. Here an event fires once; this program, whose priority is real-time, sets it
 * anew as soon as the kernel can be preempted, and draws the time from a range that is as wide as
 *       what a server does between two requests: so it does not matter where it begins.
 * Where interrupts are off, a sample is taken when they are on again: then the caller tells where.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS_MAX 64
#define RING_BYTES  (1024 * 1024) /* a power of two */
#define CALLERS_MAX 12
#define PERIOD_MIN  10007 /* the kernel's own least is 10,000 */

struct sampler {
	struct pollfd wait[1 + THREADS_MAX]; /* the FIFO, then an event for each thread */
	struct perf_event_mmap_page *ring[1 + THREADS_MAX];
	nfds_t count;
	uint64_t period; /* at most, and PERIOD_MIN at least */
	uint64_t random;
	uint64_t lost;
	FILE *out;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "sample: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Marsaglia's xorshift; the seed is fixed, so that a run can be repeated. */
static uint64_t period_draw(struct sampler *sampler)
{
	sampler->random ^= sampler->random << 13;
	sampler->random ^= sampler->random >> 7;
	sampler->random ^= sampler->random << 17;
	return PERIOD_MIN + sampler->random % (sampler->period - PERIOD_MIN + 1);
}

static void thread_add(struct sampler *sampler, pid_t thread)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_SW_CPU_CLOCK,
				       .sample_period = PERIOD_MIN,
				       .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN,
				       .disabled = 1,
				       .exclude_callchain_user = 1,
				       .sample_max_stack = CALLERS_MAX,
				       .wakeup_events = 1};
	if (sampler->count > THREADS_MAX)
		return;
	/* On processor 0, the only one: an event of all processors cannot be inherited and mapped.
	 */
	int fd = (int)syscall(SYS_perf_event_open, &attr, thread, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		fail("perf_event_open");
	void *ring = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE) + RING_BYTES, PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		fail("the ring of an event");
	sampler->wait[sampler->count] = (struct pollfd){.fd = fd, .events = POLLIN};
	sampler->ring[sampler->count++] = ring;
}

static void threads_add(struct sampler *sampler, const char *pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	DIR *folder = opendir(path);
	if (folder == NULL)
		fail(path);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.')
			thread_add(sampler, (pid_t)atoi(entry->d_name));
	closedir(folder);
}

/* The event fires once, and then is off. */
static void event_set(struct sampler *sampler, int fd)
{
	uint64_t period = period_draw(sampler);
	if (ioctl(fd, PERF_EVENT_IOC_PERIOD, &period) < 0 ||
	    ioctl(fd, PERF_EVENT_IOC_REFRESH, 1) < 0)
		fail("an event");
}

/* len bytes at offset of the ring, which may lie around its end. */
static void ring_copy(const struct perf_event_mmap_page *ring, uint64_t offset, void *to,
		      size_t len)
{
	const uint8_t *data = (const uint8_t *)ring + ring->data_offset;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = data[(offset + i) % RING_BYTES];
}

static void sample_print(struct sampler *sampler, const uint64_t *word, size_t words)
{
	uint64_t callers = words > 1 ? word[1] : 0;
	fprintf(sampler->out, "%" PRIx64, word[0]);
	for (size_t i = 2; i < words && i - 2 < callers; i++)
		if (word[i] < PERF_CONTEXT_MAX && word[i] != word[0])
			fprintf(sampler->out, " %" PRIx64, word[i]);
	fputc('\n', sampler->out);
}

static bool ring_drain(struct sampler *sampler, struct perf_event_mmap_page *ring)
{
	uint64_t head = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->data_tail;
	bool is_any = tail != head;

	while (tail != head) {
		struct perf_event_header header;
		uint64_t word[CALLERS_MAX + 8];
		ring_copy(ring, tail, &header, sizeof(header));
		size_t bytes = header.size - sizeof(header);
		if (bytes > sizeof(word))
			bytes = sizeof(word);
		ring_copy(ring, tail + sizeof(header), word, bytes);
		if (header.type == PERF_RECORD_SAMPLE)
			sample_print(sampler, word, bytes / sizeof(word[0]));
		else if (header.type == PERF_RECORD_LOST || header.type == PERF_RECORD_THROTTLE)
			sampler->lost++;
		tail += header.size;
	}
	__atomic_store_n(&ring->data_tail, tail, __ATOMIC_RELEASE);
	return is_any;
}

/* False: it is over. A server's threads are those that it has when it begins. */
static bool control_read(struct sampler *sampler, const char *pid)
{
	char text[64] = "";
	if (read(sampler->wait[0].fd, text, sizeof(text) - 1) <= 0)
		fail("the FIFO");
	if (strcmp(text, "enable\n") != 0)
		return false;
	threads_add(sampler, pid);
	for (nfds_t i = 1; i < sampler->count; i++)
		event_set(sampler, sampler->wait[i].fd);
	return true;
}

int main(int argc, char **argv)
{
	static struct sampler sampler = {.random = 88172645463325252u, .count = 1};
	struct sched_param priority = {.sched_priority = 1};

	if (argc != 5 || (sampler.period = strtoull(argv[4], NULL, 10)) <= PERIOD_MIN) {
		fprintf(stderr, "usage: sample PID FIFO FILE LONGEST_PERIOD_NS\n");
		return 2;
	}
	/* Open for writing as well, so that it does not end with its first writer. */
	sampler.wait[0] =
		(struct pollfd){.fd = open(argv[2], O_RDWR | O_CLOEXEC), .events = POLLIN};
	sampler.out = fopen(argv[3], "we");
	if (sampler.wait[0].fd < 0 || sampler.out == NULL)
		fail(argv[2]);
	if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
		fail("a real-time priority");
	for (bool is_running = true; is_running;) {
		if (poll(sampler.wait, sampler.count, -1) < 0)
			fail("poll");
		if (sampler.wait[0].revents != 0)
			is_running = control_read(&sampler, argv[1]);
		for (nfds_t i = 1; i < sampler.count && is_running; i++)
			if (ring_drain(&sampler, sampler.ring[i]))
				event_set(&sampler, sampler.wait[i].fd);
	}
	if (sampler.lost > 0)
		fprintf(stderr, "sample: samples were lost\n");
	return fclose(sampler.out) == 0 && sampler.lost == 0 ? 0 : 1;
}
