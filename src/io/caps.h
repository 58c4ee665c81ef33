/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine offers to the loop: io_uring and its limits. */
#ifndef SLUICE_IO_CAPS_H
#define SLUICE_IO_CAPS_H

#include <stdbool.h>
#include <stddef.h>

struct io_caps {
	int ring_errno; /* 0: io_uring works; else the negative errno of setting a ring up */
	int disabled; /* /proc/sys/kernel/io_uring_disabled: 0, 1, 2; -1: no such file (before 6.6)
		       */
	bool has_seccomp; /* a seccomp filter is on this process */
	bool has_nodrop;
	bool has_ext_arg;
	bool has_single_issuer; /* flags of setup: Linux 6.0 */
	bool has_defer_taskrun; /* Linux 6.1 */
	bool op_poll_add;
	bool op_readv;
	bool op_splice;
	bool op_openat2;
	bool op_async_cancel;
	long pipe_max_bytes;       /* fs.pipe-max-size; -1: not readable, as below */
	long pipe_user_pages_soft; /* fs.pipe-user-pages-soft */
	long pipe_user_pages_hard;
	long files_soft; /* RLIMIT_NOFILE */
	long files_hard;
};

void io_caps_probe(struct io_caps *caps);

/* One line for a failed ring_init: the cause, as far as it can be known, and the cure. error: what
 * ring_init returned. */
void io_caps_explain_ring_error(int error, char *out, size_t size);

#endif
