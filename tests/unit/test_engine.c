/* SPDX-License-Identifier: Apache-2.0 */
/* Which loops a process gets: as it asks, as it may, and as memory allows. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "io/engine.h"

TestSuite(engine);

#define USER_FIRST 64000 /* each process another, as the memory is that of a user */
#define LOOPS      32

static char warned[ERROR_TEXT_MAX];

static void warn(void *arg, const char *text)
{
	(void)arg;
	snprintf(warned, sizeof(warned), "%s", text);
}

/* What a process that was prepared got: its exit code tells. */
enum got { GOT_RINGS = 1, GOT_SMALL_RINGS, GOT_FEW_RINGS, GOT_EPOLL, GOT_NOTHING };

static enum got get(enum io_engine wanted, unsigned loops)
{
	const struct engine_plan plan = {.wanted = wanted, .loops = loops, .warn = warn};
	struct engine engine;
	char error[ERROR_TEXT_MAX] = "";
	enum got got;

	warned[0] = '\0';
	if (engine_init(&engine, &plan, error) < 0)
		got = error[0] != '\0' ? GOT_NOTHING : 0;
	else if (engine_is_epoll(&engine))
		got = engine.loops == loops ? GOT_EPOLL : 0;
	else if (engine.loops < loops)
		got = strstr(warned, "workers") != NULL ? GOT_FEW_RINGS : 0;
	else
		got = strstr(warned, "entries") != NULL ? GOT_SMALL_RINGS : GOT_RINGS;
	if (got == GOT_EPOLL && wanted == IO_ENGINE_AUTO && strstr(warned, "epoll") == NULL)
		got = 0;
	engine_fini(&engine);
	return got;
}

static enum got get_in_child(void (*prepare)(long arg), long arg, enum io_engine wanted,
			     unsigned loops)
{
	int status;
	pid_t child = fork();

	must(child >= 0);
	if (child == 0) {
		prepare(arg);
		_exit((int)get(wanted, loops));
	}
	must(waitpid(child, &status, 0) == child);
	cr_assert(WIFEXITED(status), "%d", status);
	return (enum got)WEXITSTATUS(status);
}

/* ---- Refused --------------------------------------------------------------------------------- */

/* As in a container: this call answers EPERM. */
static void refuse_call(long number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* Whichever of the three calls it is: found out before anything depends on it. */
Test(engine, where_io_uring_is_refused)
{
	static const long calls[] = {SYS_io_uring_setup, SYS_io_uring_register, SYS_io_uring_enter};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		cr_expect_eq(get_in_child(refuse_call, calls[i], IO_ENGINE_AUTO, 3), GOT_EPOLL,
			     "call %zu", i);
		cr_expect_eq(get_in_child(refuse_call, calls[i], IO_ENGINE_EPOLL, 3), GOT_EPOLL,
			     "call %zu", i);
		cr_expect_eq(get_in_child(refuse_call, calls[i], IO_ENGINE_URING, 3), GOT_NOTHING,
			     "call %zu", i);
	}
}

static void nothing(long arg)
{
	(void)arg;
}

Test(engine, as_it_is_asked_for)
{
	enum got got = get_in_child(nothing, 0, IO_ENGINE_URING, 2);

	cr_expect_eq(get_in_child(nothing, 0, IO_ENGINE_EPOLL, 2), GOT_EPOLL);
	if (got == GOT_NOTHING)
		cr_skip_test("io_uring is not to be had here");
	cr_expect_eq(got, GOT_RINGS);
	cr_expect_eq(get_in_child(nothing, 0, IO_ENGINE_AUTO, 2), GOT_RINGS);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Of a user whose rings count. */
static void limit_memory(long kib)
{
	const struct rlimit limit = {(rlim_t)kib << 10, (rlim_t)kib << 10};

	must(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	uid_t user = USER_FIRST + (uid_t)getpid() % 1000;
	must(setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0);
}

/* With less and less of it: all as wanted, smaller ones, fewer, none; never fewer while smaller
 * ones are possible, and never epoll while there is a ring. */
Test(engine, less_memory_than_is_wanted, .timeout = 60)
{
	static const long limits_kib[] = {8192, 4096, 1024, 256, 0};
	enum got before = GOT_RINGS;
	unsigned seen = 0;

	if (geteuid() != 0)
		cr_skip_test("it takes root to become a user whose memory is counted");
	if (get_in_child(limit_memory, 0, IO_ENGINE_AUTO, LOOPS) == GOT_RINGS)
		cr_skip_test("this kernel does not count the memory of rings");
	for (size_t i = 0; i < ARRAY_LEN(limits_kib); i++) {
		enum got got = get_in_child(limit_memory, limits_kib[i], IO_ENGINE_AUTO, LOOPS);
		cr_assert(got >= before && got <= GOT_EPOLL, "%ld KiB: %u after %u", limits_kib[i],
			  got, before);
		before = got;
		seen |= 1u << got;
	}
	cr_expect_eq(seen & 1u << GOT_RINGS, 1u << GOT_RINGS);
	cr_expect(seen & 1u << GOT_SMALL_RINGS);
	cr_expect(seen & 1u << GOT_FEW_RINGS);
	cr_expect(seen & 1u << GOT_EPOLL);
	cr_expect_neq(get_in_child(limit_memory, 1024, IO_ENGINE_URING, LOOPS), GOT_NOTHING,
		      "fewer are no reason not to start");
	cr_expect_eq(get_in_child(limit_memory, 0, IO_ENGINE_URING, LOOPS), GOT_NOTHING);
}
