/* SPDX-License-Identifier: Apache-2.0 */
/* What the filter of system calls says to each, without asking the kernel. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "io/sandbox_private.h"

TestSuite(sandbox_seccomp);

/* Runs it as the kernel does: the instructions that it is made of. */
static uint32_t run(const struct sock_filter *code, unsigned count, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (unsigned at = 0; at < count; at++) {
		const struct sock_filter *now = &code[at];
		bool is_met;
		switch (now->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			cr_assert_leq(now->k + 4, sizeof(*data));
			memcpy(&a, (const char *)data + now->k, 4);
			continue;
		case BPF_RET | BPF_K:
			return now->k;
		case BPF_JMP | BPF_JEQ | BPF_K:
			is_met = a == now->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			is_met = (a & now->k) != 0;
			break;
		default:
			cr_assert(false, "instruction %u: %#x", at, now->code);
			return 0;
		}
		at += is_met ? now->jt : now->jf;
	}
	cr_assert(false, "it ran off the end");
	return 0;
}

#define PID     4711
#define EPERMED (SECCOMP_RET_ERRNO | EPERM)

static uint32_t arch_of_this(void)
{
#if defined(__x86_64__)
	return AUDIT_ARCH_X86_64;
#else
	return AUDIT_ARCH_AARCH64;
#endif
}

static uint32_t verdict_of(const struct sandbox_plan *plan, const struct seccomp_data *data)
{
	struct sock_filter code[SANDBOX_FILTER_MAX];
	unsigned count = sandbox_filter_make(plan, PID, code);

	cr_assert_gt(count, 0);
	return run(code, count, data);
}

static uint32_t verdict(bool writable, const struct seccomp_data *data)
{
	return verdict_of(&(struct sandbox_plan){.writable = writable}, data);
}

/* What one kind of loop needs, the other may not do. */
Test(sandbox_seccomp, loops)
{
	static const struct {
		int number;
		bool of_ring, of_epoll;
	} rows[] = {
		{SYS_io_uring_enter, true, false},  {SYS_io_uring_register, true, false},
		{SYS_io_uring_setup, false, false}, {SYS_epoll_ctl, false, true},
		{SYS_epoll_pwait, false, true},     {SYS_epoll_create1, false, false},
#ifdef SYS_epoll_wait
		{SYS_epoll_wait, false, true},
#endif
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct seccomp_data data = {.nr = rows[i].number, .arch = arch_of_this()};
		for (int has_epoll = 0; has_epoll < 2; has_epoll++) {
			const struct sandbox_plan plan = {.has_epoll = has_epoll == 1};
			bool is_allowed = has_epoll ? rows[i].of_epoll : rows[i].of_ring;
			cr_expect_eq(verdict_of(&plan, &data),
				     is_allowed ? SECCOMP_RET_ALLOW : EPERMED, "call %d",
				     rows[i].number);
		}
	}
}

Test(sandbox_seccomp, every_number)
{
	unsigned allowed[2] = {0, 0}, killed = 0, unknown = 0;

	for (int writable = 0; writable < 2; writable++) {
		for (int number = 0; number < 600; number++) {
			/* Arguments with which conditions are not met. */
			const struct seccomp_data data = {
				.nr = number, .arch = arch_of_this(), .args = {77, 77, 0xffff}};
			uint32_t found = verdict(writable, &data);
			cr_assert(found == SECCOMP_RET_ALLOW || found == EPERMED ||
					  found == SECCOMP_RET_KILL_PROCESS ||
					  found == (SECCOMP_RET_ERRNO | ENOSYS),
				  "%d: %#x", number, found);
			allowed[writable] += found == SECCOMP_RET_ALLOW;
			killed += found == SECCOMP_RET_KILL_PROCESS;
			unknown += found == (SECCOMP_RET_ERRNO | ENOSYS);
		}
	}
	cr_expect_gt(allowed[1], allowed[0] + 10);
	cr_expect_gt(killed, 2 * 20);
	cr_expect_gt(unknown, 2 * 200);
}

Test(sandbox_seccomp, other_architectures)
{
	struct seccomp_data data = {.nr = SYS_read, .arch = AUDIT_ARCH_I386};

	cr_expect_eq(verdict(true, &data), SECCOMP_RET_KILL_PROCESS);
	data = (struct seccomp_data){.nr = 0x40000000 | SYS_read, .arch = arch_of_this()};
	cr_expect_eq(verdict(true, &data), SECCOMP_RET_ERRNO | ENOSYS, "x32");
	data = (struct seccomp_data){.nr = -1, .arch = arch_of_this()};
	cr_expect_eq(verdict(true, &data), SECCOMP_RET_ERRNO | ENOSYS);
}

Test(sandbox_seccomp, arguments)
{
	static const struct {
		int number;
		uint64_t args[3];
		uint32_t expected;
		bool in_sanitized; /* holds in builds with a sanitizer, too */
	} rows[] = {
		{SYS_mmap, {0, 4096, PROT_READ}, SECCOMP_RET_ALLOW, true},
		{SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}, EPERMED, true},
		{SYS_mprotect, {0, 4096, 0}, SECCOMP_RET_ALLOW, true},
		{SYS_mprotect, {0, 4096, PROT_EXEC}, EPERMED, true},
		{SYS_clone, {CLONE_VM | CLONE_THREAD}, SECCOMP_RET_ALLOW, true},
		{SYS_clone, {CLONE_VM | CLONE_VFORK | SIGCHLD}, EPERMED, false},
		{SYS_tgkill, {PID, 1, SIGABRT}, SECCOMP_RET_ALLOW, true},
		{SYS_tgkill, {PID + 1, 1, SIGABRT}, EPERMED, true},
		{SYS_ioctl, {3, FIONREAD}, SECCOMP_RET_ALLOW, true},
		{SYS_ioctl, {3, TIOCSTI}, EPERMED, true},
		{SYS_prctl, {PR_SET_NAME}, SECCOMP_RET_ALLOW, true},
		{SYS_prctl, {PR_SET_DUMPABLE, 1}, EPERMED, false},
		{SYS_prlimit64, {0, 7}, SECCOMP_RET_ALLOW, true},
		{SYS_prlimit64, {PID, 7}, SECCOMP_RET_ALLOW, true},
		{SYS_prlimit64, {1, 7}, EPERMED, true},
		{SYS_setpriority, {PRIO_PROCESS, 0}, SECCOMP_RET_ALLOW, true},
		{SYS_setpriority, {PRIO_PROCESS, PID}, EPERMED, true},
		{SYS_setpriority, {PRIO_PGRP, 0}, EPERMED, true},
		{SYS_setpriority, {PRIO_USER, 0}, EPERMED, true},
		{SYS_ioprio_set, {IOPRIO_WHO_PROCESS, 0}, SECCOMP_RET_ALLOW, true},
		{SYS_ioprio_set, {IOPRIO_WHO_PROCESS, PID}, EPERMED, true},
		{SYS_ioprio_set, {IOPRIO_WHO_PGRP, 0}, EPERMED, true},
		{SYS_ioprio_set, {IOPRIO_WHO_USER, 0}, EPERMED, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seccomp_data data = {.nr = rows[i].number, .arch = arch_of_this()};
		memcpy(data.args, rows[i].args, sizeof(rows[i].args));
		if (SANDBOX_SANITIZED && !rows[i].in_sanitized)
			continue;
		cr_expect_eq(verdict(false, &data), rows[i].expected, "row %zu", i);
	}
}
