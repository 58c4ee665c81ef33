/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sandbox.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/seccomp.h>

#include "base/must.h"
#include "io/sandbox_private.h"

void sandbox_warn(struct sandbox_report *report, const char *format, ...)
{
	va_list args;

	must(report->warning_count < SANDBOX_WARNINGS_MAX);
	va_start(args, format);
	vsnprintf(report->warning[report->warning_count++], SANDBOX_WARNING_BYTES, format, args);
	va_end(args);
}

bool sandbox_is_filtered(void)
{
	/* EINVAL: a kernel without seccomp. Any other error is a filter's. */
	int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	return mode < 0 ? errno != EINVAL : mode == SECCOMP_MODE_FILTER;
}

/* Root serves files of others, so it keeps what lets it read and (CAP_FOWNER: O_NOATIME, fchmod,
 * futimens, removing from folders with the sticky bit) change them. Nothing else is needed once the
 * ports are bound, the limits raised and the module tls loaded; and whoever is not root has no
 * reason to keep what it was given for that (CAP_NET_BIND_SERVICE). */
static int drop_capabilities(void)
{
	const uint64_t kept =
		1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	uint32_t dropped = 0;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t mask = (uint32_t)(kept >> (32 * i));
		dropped |= (data[i].permitted & ~mask) | data[i].inheritable;
		data[i].permitted &= mask;
		data[i].effective &= mask;
		data[i].inheritable = 0;
	}
	/* A service manager has dropped them already, and may refuse the call as well. */
	if (dropped == 0)
		return 0;
	/* No ambient ones are left either: each must be inheritable. */
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* What the system says, and who says it where that is a filter of system calls. */
static const char *of_filter(int error, bool is_filtered)
{
	return is_filtered && (error == -EPERM || error == -EACCES || error == -ENOSYS)
		       ? ", by the seccomp filter around this process"
		       : "";
}

void sandbox_enter(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	/* Asked before there is a filter of our own. */
	bool is_filtered = sandbox_is_filtered();

	memset(report, 0, sizeof(*report));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		sandbox_warn(report, "sandbox: core dumps could not be turned off: %s%s",
			     strerrordesc_np(errno), of_filter(-errno, is_filtered));
	/* Before Landlock and seccomp, which ask for it: a program that is started gets no more
	 * rights than this one, whatever its set-user-ID bit says. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		report->landlock_error = report->seccomp_error = -errno;
		sandbox_warn(report, "sandbox: not entered, no_new_privs is refused: %s%s",
			     strerrordesc_np(-report->seccomp_error),
			     of_filter(report->seccomp_error, is_filtered));
		return;
	}
	report->landlock_error = sandbox_landlock_enter(plan, report);
	if (report->landlock_error < 0)
		sandbox_warn(report, "sandbox: files are not confined, Landlock is %s",
			     sandbox_landlock_cure(report->landlock_error, is_filtered));
	int r = drop_capabilities();
	if (r < 0)
		sandbox_warn(report, "sandbox: capabilities could not be dropped: %s%s",
			     strerrordesc_np(-r), of_filter(r, is_filtered));
	report->seccomp_error = sandbox_seccomp_enter(plan); /* last: it ends all this */
	if (report->seccomp_error < 0)
		sandbox_warn(report, "sandbox: system calls are not filtered, seccomp is %s (%s)",
			     sandbox_seccomp_cure(report->seccomp_error, is_filtered),
			     strerrorname_np(-report->seccomp_error));
}
