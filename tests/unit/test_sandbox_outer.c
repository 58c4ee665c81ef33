/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox inside another one: what a container or a service manager refuses, and whose fault
 * the report says it is. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/must.h"
#include "io/sandbox.h"
#include "io/sandbox_private.h"

TestSuite(sandbox_outer);

#define NOBODY 65534

static const int sandbox_calls[] = {SYS_landlock_create_ruleset, SYS_landlock_add_rule,
				    SYS_landlock_restrict_self, SYS_seccomp, SYS_capset};

/* A filter that answers the calls of a sandbox with error, for this process and for good. */
static void refuse_sandbox_calls(int error)
{
	struct sock_filter code[2 * ARRAY_LEN(sandbox_calls) + 2];
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_LEN(sandbox_calls); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)sandbox_calls[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							 SECCOMP_RET_ERRNO | (uint32_t)error);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = n, .filter = code};
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* The report of a process that enters the sandbox there; with the rights of root, if this is. */
static const struct sandbox_report *report_within(int error, bool as_nobody)
{
	struct sandbox_report *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(report, MAP_FAILED);
	pid_t pid = fork();
	if (pid == 0) {
		struct sandbox_plan plan = {.root_fd = open("/tmp", O_PATH | O_DIRECTORY)};
		if (as_nobody && geteuid() == 0)
			must(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
			     setresuid(NOBODY, NOBODY, NOBODY) == 0);
		refuse_sandbox_calls(error);
		sandbox_enter(&plan, report);
		_exit(0);
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	return report;
}

static bool says(const struct sandbox_report *report, const char *first, const char *second)
{
	for (unsigned i = 0; i < report->warning_count; i++)
		if (strstr(report->warning[i], first) != NULL &&
		    strstr(report->warning[i], second) != NULL)
			return true;
	return false;
}

Test(sandbox_outer, a_filter_that_refuses_is_named)
{
	static const int errors[] = {EPERM, ENOSYS};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		const struct sandbox_report *report = report_within(errors[i], false);
		cr_expect_eq(report->landlock_abi, 0);
		cr_expect_eq(report->landlock_error, -errors[i]);
		cr_expect_eq(report->seccomp_error, -errors[i]);
		cr_expect(says(report, "Landlock is", "the seccomp filter around this process"));
		cr_expect(says(report, "Landlock is", "landlock_restrict_self"));
		cr_expect(says(report, "seccomp is", "the seccomp filter around this process"));
		cr_expect(says(report, "seccomp is", "SystemCallFilter=seccomp"));
		cr_expect(says(report, "seccomp is", strerrorname_np(errors[i])));
		cr_expect_not(says(report, "seccomp is", "CONFIG_SECCOMP_FILTER"));
		if (geteuid() == 0)
			cr_expect(says(report, "capabilities",
				       "the seccomp filter around this process"));
		cr_expect_eq(report->warning_count, geteuid() == 0 ? 3 : 2);
	}
}

/* A service manager has taken every capability, and refuses capset. */
Test(sandbox_outer, who_has_no_capabilities_drops_none)
{
	const struct sandbox_report *report = report_within(EPERM, true);

	cr_expect_not(says(report, "capabilities", ""));
	cr_expect_eq(report->warning_count, 2);
}

Test(sandbox_outer, tells_whether_it_is_in_a_filter)
{
	int is_filtered = sandbox_is_filtered();
	pid_t pid = fork();

	if (pid == 0) {
		refuse_sandbox_calls(EPERM);
		_exit(sandbox_is_filtered() && sandbox_seccomp_error() == -EPERM ? 0 : 1);
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(sandbox_is_filtered(), is_filtered, "the child's filter is the child's");
}

Test(sandbox_outer, every_cause_has_a_cure)
{
	static const struct {
		int error;
		bool is_filtered;
		const char *landlock, *seccomp; /* words of the cause */
	} rows[] = {
		{-ENOSYS, false, "CONFIG_SECURITY_LANDLOCK", "CONFIG_SECCOMP_FILTER"},
		{-ENOSYS, true, "seccomp filter around", "seccomp filter around"},
		{-EPERM, false, "security module", "security module"},
		{-EPERM, true, "seccomp filter around", "seccomp filter around"},
		{-EACCES, false, "security module", "security module"},
		{-EACCES, true, "seccomp filter around", "seccomp filter around"},
		{-ERANGE, true, "5.19", "kernel"},
		{-EINVAL, true, "kernel", "CONFIG_SECCOMP_FILTER"},
		/* The same number as ENOTSUP. */
		{-EOPNOTSUPP, false, "lsm=", "x86-64"},
		{-ESRCH, true, "kernel", "thread"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *landlock = sandbox_landlock_cure(rows[i].error, rows[i].is_filtered);
		const char *seccomp = sandbox_seccomp_cure(rows[i].error, rows[i].is_filtered);
		cr_expect(strstr(landlock, rows[i].landlock) != NULL, "row %zu: %s", i, landlock);
		cr_expect(strstr(seccomp, rows[i].seccomp) != NULL, "row %zu: %s", i, seccomp);
	}
}
