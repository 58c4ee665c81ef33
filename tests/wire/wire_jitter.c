/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_jitter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"

#define RUN_MS 20 /* at most, between two stops */

/* How long a stop lasts: most are short. */
static const struct {
	unsigned percent;
	unsigned ms_min;
	unsigned ms_max;
} stops[] = {{70, 1, 30}, {25, 30, 150}, {5, 200, 500}};

struct jitter {
	uint64_t state;
	int server_fd; /* by its descriptor: a number may be another's by now */
	int test_fd;
};

/* Marsaglia's xorshift. */
static unsigned below(struct jitter *jitter, unsigned limit)
{
	jitter->state ^= jitter->state << 13;
	jitter->state ^= jitter->state >> 7;
	jitter->state ^= jitter->state << 17;
	return (unsigned)(jitter->state >> 33) % limit;
}

static unsigned stop_ms(struct jitter *jitter)
{
	unsigned percent = below(jitter, 100), row = 0;

	while (percent >= stops[row].percent)
		percent -= stops[row++].percent;
	return stops[row].ms_min + below(jitter, stops[row].ms_max - stops[row].ms_min + 1);
}

static bool tell(int pidfd, bool is_told, int number)
{
	return !is_told || pidfd_send_signal(pidfd, number, NULL, 0) == 0;
}

static void shake(struct jitter *jitter)
{
	for (;;) {
		unsigned who = below(jitter, 10);
		bool server = who < 7, test = who >= 5;
		poll(NULL, 0, (int)below(jitter, RUN_MS));
		if (!tell(jitter->server_fd, server, SIGSTOP) ||
		    !tell(jitter->test_fd, test, SIGSTOP))
			break;
		poll(NULL, 0, (int)stop_ms(jitter));
		tell(jitter->server_fd, server, SIGCONT);
		tell(jitter->test_fd, test, SIGCONT);
	}
	tell(jitter->test_fd, true, SIGCONT);
}

/* Of the test's own none stays open here: a pipe or a connection that it closes has to end. */
static void descriptors_close(struct jitter *jitter)
{
	enum { SERVER_FD = STDERR_FILENO + 1, TEST_FD, FIRST_TO_CLOSE, APART = 64 };

	int server_fd = fcntl(jitter->server_fd, F_DUPFD_CLOEXEC, APART);
	int test_fd = fcntl(jitter->test_fd, F_DUPFD_CLOEXEC, APART);
	must(dup2(server_fd, SERVER_FD) == SERVER_FD && dup2(test_fd, TEST_FD) == TEST_FD);
	must(close_range(FIRST_TO_CLOSE, ~0u, 0) == 0);
	jitter->server_fd = SERVER_FD;
	jitter->test_fd = TEST_FD;
}

pid_t wire_jitter_begin(unsigned long seed, pid_t server)
{
	struct jitter jitter = {.state = seed};
	pid_t test = getpid();

	for (const char *at = criterion_current_test->name; *at != '\0'; at++)
		jitter.state = jitter.state * 131 + (unsigned char)*at;
	jitter.server_fd = pidfd_open(server, 0);
	jitter.test_fd = pidfd_open(test, 0);
	must(jitter.server_fd >= 0 && jitter.test_fd >= 0);
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		descriptors_close(&jitter);
		if (getppid() == test)
			shake(&jitter);
		_exit(0);
	}
	close(jitter.server_fd);
	close(jitter.test_fd);
	return pid;
}

void wire_jitter_end(pid_t jitter, pid_t server)
{
	if (jitter <= 0)
		return;
	kill(jitter, SIGKILL);
	must(waitpid(jitter, NULL, 0) == jitter);
	kill(server, SIGCONT);
}
