/* SPDX-License-Identifier: Apache-2.0 */
#include "io/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/openat2.h>

#include <liburing.h>

#include "base/must.h"
#include "io/sandbox.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* Linux 6.5; the same number everywhere */
#endif

/* ---- Files of /proc ------------------------------------------------------------------------- */

/* The first number of a file of /proc; -1: there is none. */
static long number_of_file(const char *name)
{
	char line[64];
	long number = -1;
	FILE *file = fopen(name, "re");
	if (file == NULL)
		return -1;
	if (fgets(line, sizeof(line), file) != NULL) {
		char *end;
		number = strtol(line, &end, 10);
		if (end == line)
			number = -1;
	}
	fclose(file);
	return number;
}

/* What decides whether a ring may be made: "Seccomp:\t2" of /proc/self/status is a filter,
 * "CapEff:\t000001ffffffffff" the capabilities (proc_pid_status(5)), and the sysctl. */
static void read_status(struct io_caps *caps)
{
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");

	caps->disabled = (int)number_of_file("/proc/sys/kernel/io_uring_disabled");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "Seccomp:", 8) == 0)
			caps->has_seccomp = strtol(line + 8, NULL, 10) == 2;
		else if (strncmp(line, "CapEff:", 7) == 0)
			caps->capabilities = strtoull(line + 7, NULL, 16);
	}
	fclose(file);
}

bool io_caps_is_capable(const struct io_caps *caps, unsigned capability)
{
	must(capability < 64);
	return caps->capabilities >> capability & 1;
}

bool io_caps_is_pipe_privileged(const struct io_caps *caps)
{
	return io_caps_is_capable(caps, CAP_SYS_RESOURCE) ||
	       io_caps_is_capable(caps, CAP_SYS_ADMIN);
}

/* ---- io_uring ------------------------------------------------------------------------------- */

static bool setup_takes(unsigned flags)
{
	struct io_uring ring;
	if (io_uring_queue_init(4, &ring, flags) < 0)
		return false;
	io_uring_queue_exit(&ring);
	return true;
}

static void probe_ring(struct io_caps *caps)
{
	struct io_uring ring;
	caps->ring_errno = io_uring_queue_init(4, &ring, 0);
	if (caps->ring_errno < 0)
		return;
	caps->has_nodrop = ring.features & IORING_FEAT_NODROP;
	caps->has_fast_poll = ring.features & IORING_FEAT_FAST_POLL;
	caps->has_ext_arg = ring.features & IORING_FEAT_EXT_ARG;
	struct io_uring_probe *probe = io_uring_get_probe_ring(&ring);
	if (probe != NULL) {
		caps->op_poll_add = io_uring_opcode_supported(probe, IORING_OP_POLL_ADD);
		caps->op_read = io_uring_opcode_supported(probe, IORING_OP_READ);
		caps->op_readv = io_uring_opcode_supported(probe, IORING_OP_READV);
		caps->op_splice = io_uring_opcode_supported(probe, IORING_OP_SPLICE);
		caps->op_openat2 = io_uring_opcode_supported(probe, IORING_OP_OPENAT2);
		caps->op_async_cancel = io_uring_opcode_supported(probe, IORING_OP_ASYNC_CANCEL);
		io_uring_free_probe(probe);
	}
	io_uring_queue_exit(&ring);
	caps->has_single_issuer = setup_takes(IORING_SETUP_SINGLE_ISSUER);
	caps->has_defer_taskrun =
		setup_takes(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

/* ---- Files ---------------------------------------------------------------------------------- */

static bool openat2_works(void)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

/* ---- Limits --------------------------------------------------------------------------------- */

static long limit_of(rlim_t limit)
{
	return limit == RLIM_INFINITY ? -1 : (long)limit;
}

void io_caps_probe(struct io_caps *caps)
{
	struct rlimit limit;

	memset(caps, 0, sizeof(*caps));
	caps->disabled = -1;
	read_status(caps);
	probe_ring(caps);
	caps->landlock_abi = sandbox_landlock_abi();
	caps->seccomp_error = sandbox_seccomp_error();
	caps->has_openat2 = openat2_works();
	/* Of no file: a kernel that has the call complains about the file. */
	caps->has_cachestat = syscall(SYS_cachestat, -1, NULL, NULL, 0) < 0 && errno == EBADF;
	caps->pipe_max_bytes = number_of_file("/proc/sys/fs/pipe-max-size");
	caps->pipe_user_pages_soft = number_of_file("/proc/sys/fs/pipe-user-pages-soft");
	caps->pipe_user_pages_hard = number_of_file("/proc/sys/fs/pipe-user-pages-hard");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		caps->files_soft = limit_of(limit.rlim_cur);
		caps->files_hard = limit_of(limit.rlim_max);
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		caps->memlock_bytes = limit_of(limit.rlim_cur);
}

/* ---- Why there is no ring ------------------------------------------------------------------- */

/* io_uring/io_uring.c, io_uring_allowed(): 2 is for all, 1 for those without CAP_SYS_ADMIN that are
 * not in the group. (We cannot tell whether we are in the group; then no error came of it.) */
static bool sysctl_refuses(const struct io_caps *caps)
{
	return caps->disabled == 2 ||
	       (caps->disabled == 1 && !io_caps_is_capable(caps, CAP_SYS_ADMIN));
}

static void explain_refusal(const struct io_caps *caps, char *out, size_t size)
{
	const char *error = strerrorname_np(-caps->ring_errno);

	if (caps->ring_errno == -EPERM && sysctl_refuses(caps))
		snprintf(out, size,
			 "io_uring is turned off (kernel.io_uring_disabled = %d): allow it with "
			 "`sysctl kernel.io_uring_disabled=0`%s",
			 caps->disabled,
			 caps->disabled == 1
				 ? ", or put this user into the group of kernel.io_uring_group"
				 : "");
	else if (caps->has_seccomp)
		snprintf(out, size,
			 "io_uring is blocked by a seccomp filter (%s): the default profiles of "
			 "Docker and containerd do that; allow io_uring_setup, io_uring_enter and "
			 "io_uring_register in the container's profile (a systemd unit: "
			 "SystemCallFilter=@aio)",
			 error);
	else if (caps->ring_errno == -ENOSYS)
		snprintf(out, size,
			 "this kernel has no io_uring (ENOSYS): it needs CONFIG_IO_URING=y, and "
			 "Linux 6.1 or later");
	else
		snprintf(out, size,
			 "io_uring is refused (%s), and neither kernel.io_uring_disabled nor a "
			 "seccomp filter does it: look at the security module (SELinux io_uring, "
			 "AppArmor) or the sandbox around this process",
			 error);
}

void io_caps_explain(const struct io_caps *caps, char *out, size_t size)
{
	switch (caps->ring_errno) {
	case -EPERM:
	case -EACCES:
	case -ENOSYS:
		explain_refusal(caps, out, size);
		break;
	case -ENOMEM:
		snprintf(out, size,
			 "io_uring has no memory for its rings (ENOMEM): fewer --workers, or a "
			 "higher limit for this container or unit (memory.max, LimitMEMLOCK=)");
		break;
	case -EMFILE:
	case -ENFILE:
		snprintf(out, size,
			 "io_uring has no file descriptor left (%s): raise the limit (ulimit -n, "
			 "LimitNOFILE=)",
			 strerrorname_np(-caps->ring_errno));
		break;
	default:
		snprintf(out, size, "io_uring cannot be set up: %s; `sluice probe` tells more",
			 strerrordesc_np(-caps->ring_errno));
	}
}

void io_caps_explain_ring_error(int error, char *out, size_t size)
{
	struct io_caps caps = {.ring_errno = error, .disabled = -1};

	must(error < 0);
	read_status(&caps);
	io_caps_explain(&caps, out, size);
}
