/* SPDX-License-Identifier: Apache-2.0 */
#include "io/caps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <liburing.h>

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

/* "Seccomp:\t2" of /proc/self/status: 2 is a filter (proc(5)). */
static bool seccomp_filter_is_on(void)
{
	char line[128];
	bool on = false;
	FILE *file = fopen("/proc/self/status", "re");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "Seccomp:", 8) == 0)
			on = strtol(line + 8, NULL, 10) == 2;
	fclose(file);
	return on;
}

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
	caps->has_ext_arg = ring.features & IORING_FEAT_EXT_ARG;
	struct io_uring_probe *probe = io_uring_get_probe_ring(&ring);
	if (probe != NULL) {
		caps->op_poll_add = io_uring_opcode_supported(probe, IORING_OP_POLL_ADD);
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

void io_caps_probe(struct io_caps *caps)
{
	struct rlimit files;

	memset(caps, 0, sizeof(*caps));
	caps->disabled = (int)number_of_file("/proc/sys/kernel/io_uring_disabled");
	caps->has_seccomp = seccomp_filter_is_on();
	probe_ring(caps);
	caps->pipe_max_bytes = number_of_file("/proc/sys/fs/pipe-max-size");
	caps->pipe_user_pages_soft = number_of_file("/proc/sys/fs/pipe-user-pages-soft");
	caps->pipe_user_pages_hard = number_of_file("/proc/sys/fs/pipe-user-pages-hard");
	caps->files_soft = caps->files_hard = -1;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		caps->files_soft = (long)files.rlim_cur;
		caps->files_hard = (long)files.rlim_max;
	}
}

void io_caps_explain_ring_error(int error, char *out, size_t size)
{
	long disabled = number_of_file("/proc/sys/kernel/io_uring_disabled");

	if (error == -EPERM && disabled > 0)
		snprintf(out, size,
			 "io_uring is turned off (kernel.io_uring_disabled = %ld); allow it with "
			 "`sysctl "
			 "kernel.io_uring_disabled=0`%s",
			 disabled,
			 disabled == 1
				 ? ", or 1 with this user in the group of kernel.io_uring_group"
				 : "");
	else if ((error == -EPERM || error == -ENOSYS || error == -EACCES) &&
		 seccomp_filter_is_on())
		snprintf(out, size,
			 "io_uring is blocked by a seccomp filter (%s): the default profile of "
			 "Docker and "
			 "containerd does that; allow io_uring_setup, io_uring_enter and "
			 "io_uring_register in the container's profile",
			 strerrorname_np(-error));
	else if (error == -ENOSYS)
		snprintf(out, size,
			 "this kernel has no io_uring; it needs CONFIG_IO_URING (Linux 6.1 or "
			 "later is "
			 "supported)");
	else if (error == -ENOMEM)
		snprintf(out, size,
			 "io_uring: no memory; before Linux 5.12 rings count against "
			 "RLIMIT_MEMLOCK: raise "
			 "it (ulimit -l)");
	else if (error == -EMFILE || error == -ENFILE)
		snprintf(out, size,
			 "io_uring: no file descriptors left; raise the limit (ulimit -n)");
	else
		snprintf(out, size, "io_uring cannot be set up: %s; `sluice probe` tells more",
			 strerrordesc_np(-error));
}
