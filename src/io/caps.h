/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine offers to the loop: io_uring, pipes, limits. Found out by
 * asking and trying, never from the kernel's version.
 */
#ifndef SLUICE_IO_CAPS_H
#define SLUICE_IO_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_caps {
	int ring_errno;   /* 0: io_uring works; else the negative errno of setting a ring up */
	int disabled;     /* kernel.io_uring_disabled: 0, 1, 2; -1: no such file (before 6.6) */
	bool has_seccomp; /* a seccomp filter is on this process */
	uint64_t capabilities; /* effective, bit n is capability n (capabilities(7)) */

	bool has_nodrop;        /* completions are not lost when the CQ is full: 5.5 */
	bool has_fast_poll;     /* 5.7 */
	bool has_ext_arg;       /* waiting with a timeout: 5.11 */
	bool has_single_issuer; /* flags of setup: 6.0 */
	bool has_defer_taskrun; /* 6.1 */
	bool op_poll_add;
	bool op_read;
	bool op_readv;
	bool op_splice;
	bool op_openat2;
	bool op_async_cancel;

	int landlock_abi;          /* its version, or a negative errno (io/sandbox.h) */
	int seccomp_error;         /* 0: seccomp filters can be set; else a negative errno */
	bool has_openat2;          /* openat2(2) itself, which old seccomp filters refuse: 5.6 */
	bool has_cachestat;        /* cachestat(2): 6.5 */
	long pipe_max_bytes;       /* fs.pipe-max-size; -1: not readable, as below */
	long pipe_user_pages_soft; /* fs.pipe-user-pages-soft; 0: no limit */
	long pipe_user_pages_hard; /* fs.pipe-user-pages-hard; 0: no limit */
	long files_soft;           /* RLIMIT_NOFILE; -1: no limit */
	long files_hard;
	long memlock_bytes; /* RLIMIT_MEMLOCK; -1: no limit */
};

/* Sets rings up and takes them down again (about 1 ms). Never fails: what cannot be found out is
 * false or -1. */
void io_caps_probe(struct io_caps *caps);

/* capability is a number of capabilities(7), e.g. CAP_SYS_ADMIN (21). */
bool io_caps_is_capable(const struct io_caps *caps, unsigned capability);
/* The limits of fs.pipe-user-pages-* do not hold for us (fs/pipe.c, pipe_is_unprivileged_user). */
bool io_caps_is_pipe_privileged(const struct io_caps *caps);

/* One line for a failed ring_init: the cause, as far as it can be known, and the cure. error: what
 * ring_init returned. */
void io_caps_explain_ring_error(int error, char *out, size_t size);
/* The same from what is known already: disabled, has_seccomp, capabilities and ring_errno of caps
 * (reads nothing else). */
void io_caps_explain(const struct io_caps *caps, char *out, size_t size);

#endif
