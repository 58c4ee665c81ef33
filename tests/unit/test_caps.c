/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine offers to the loop, and why a ring is refused. Refusals are real ones where a
 * process can refuse itself (a seccomp filter, a limit), and told otherwise (a sysctl). */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <criterion/criterion.h>

#include "io/caps.h"
#include "io/ring.h"

#define TEXT_MAX 512

TestSuite(caps);

/* From here on io_uring_setup fails with error, as in a container. */
static void refuse_rings(int error)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]),
					   .filter = (struct sock_filter *)code};
	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void expect_says(const char *text, const char *wanted)
{
	cr_expect_not_null(strstr(text, wanted), "\"%s\" is not in: %s", wanted, text);
}

/* ---- The real machine ------------------------------------------------------------------------ */

Test(caps, says_of_a_ring_what_ring_init_finds)
{
	struct io_caps caps;
	struct ring ring;
	memset(&caps, 0xff, sizeof(caps));
	io_caps_probe(&caps);
	int r = ring_init(&ring, 8);
	cr_expect_eq(caps.ring_errno, r);
	if (r < 0)
		cr_skip_test("io_uring is not to be had here (%s)", strerrorname_np(-r));
	ring_fini(&ring);
	/* What every kernel since 6.1 has. */
	cr_expect(caps.has_nodrop);
	cr_expect(caps.has_fast_poll);
	cr_expect(caps.has_ext_arg);
	cr_expect(caps.has_single_issuer);
	cr_expect(caps.has_defer_taskrun);
	cr_expect(caps.op_poll_add);
	cr_expect(caps.op_read);
	cr_expect(caps.op_readv);
	cr_expect(caps.op_splice);
	cr_expect(caps.op_openat2);
	cr_expect(caps.op_async_cancel);
}

Test(caps, leaves_no_descriptor_behind)
{
	struct io_caps caps;
	int before = dup(STDERR_FILENO);
	close(before);
	io_caps_probe(&caps);
	int after = dup(STDERR_FILENO);
	close(after);
	cr_expect_eq(after, before);
}

Test(caps, tells_the_limits_of_this_process)
{
	struct io_caps caps;
	struct rlimit limit;
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 99;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	io_caps_probe(&caps);
	cr_expect_eq(caps.files_soft, 99);
	if (limit.rlim_max != RLIM_INFINITY)
		cr_expect_eq(caps.files_hard, (long)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max = 12288;
	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	io_caps_probe(&caps);
	cr_expect_eq(caps.memlock_bytes, 12288);
	cr_expect(caps.pipe_max_bytes == -1 || caps.pipe_max_bytes >= 4096);
	cr_expect(caps.disabled >= -1 && caps.disabled <= 2);
}

Test(caps, tells_capabilities_by_their_number)
{
	struct io_caps caps = {.capabilities = 1ull << CAP_SYS_RESOURCE};
	cr_expect(io_caps_is_capable(&caps, CAP_SYS_RESOURCE));
	cr_expect_not(io_caps_is_capable(&caps, CAP_SYS_ADMIN));
	cr_expect(io_caps_is_pipe_privileged(&caps));
	caps.capabilities = 1ull << CAP_SYS_ADMIN;
	cr_expect(io_caps_is_pipe_privileged(&caps));
	caps.capabilities = ~(1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_RESOURCE);
	cr_expect_not(io_caps_is_pipe_privileged(&caps));
	io_caps_probe(&caps);
	if (geteuid() != 0)
		cr_expect_eq(caps.capabilities, 0);
}

Test(caps, a_seccomp_filter_is_named_with_its_cure)
{
	static const int errors[] = {EPERM, ENOSYS};
	struct io_caps caps;
	struct ring ring;
	char text[TEXT_MAX];

	for (size_t i = 0; i < 2; i++) {
		/* Of two filters that refuse, either may decide. */
		refuse_rings(errors[1 - i]);
		int r = ring_init(&ring, 8);
		cr_assert(r == -EPERM || r == -ENOSYS);
		io_caps_probe(&caps);
		cr_expect_eq(caps.ring_errno, r);
		cr_expect(caps.has_seccomp);
		cr_expect_not(caps.op_poll_add);
		cr_expect_not(caps.has_defer_taskrun);
		io_caps_explain_ring_error(r, text, sizeof(text));
		expect_says(text, "seccomp");
		expect_says(text, strerrorname_np(-r));
		expect_says(text, "io_uring_setup");
		cr_expect_null(strchr(text, '\n'), "one line");
	}
}

/* ---- Told -------------------------------------------------------------------------------------
 */

static const char *explain(struct io_caps caps)
{
	static char text[TEXT_MAX];
	io_caps_explain(&caps, text, sizeof(text));
	cr_expect_null(strchr(text, '\n'), "one line");
	cr_expect(strlen(text) < sizeof(text) - 1, "not cut off");
	return text;
}

Test(caps, the_sysctl_is_named_with_its_cure)
{
	const char *text = explain((struct io_caps){.ring_errno = -EPERM, .disabled = 2});
	expect_says(text, "kernel.io_uring_disabled = 2");
	expect_says(text, "sysctl kernel.io_uring_disabled=0");
	cr_expect_null(strstr(text, "group"), "with 2 no group helps");

	text = explain((struct io_caps){.ring_errno = -EPERM, .disabled = 1});
	expect_says(text, "kernel.io_uring_disabled = 1");
	expect_says(text, "io_uring_group");

	/* 2 is for root as well, 1 is not: then it was somebody else. */
	text = explain(
		(struct io_caps){.ring_errno = -EPERM, .disabled = 2, .capabilities = ~0ull});
	expect_says(text, "kernel.io_uring_disabled = 2");
	text = explain((struct io_caps){
		.ring_errno = -EPERM, .disabled = 1, .capabilities = ~0ull, .has_seccomp = true});
	expect_says(text, "seccomp");
}

Test(caps, the_sysctl_comes_before_the_filter)
{
	expect_says(
		explain((struct io_caps){.ring_errno = -EPERM, .disabled = 2, .has_seccomp = true}),
		"kernel.io_uring_disabled = 2");
}

Test(caps, a_kernel_without_io_uring_is_named)
{
	expect_says(explain((struct io_caps){.ring_errno = -ENOSYS, .disabled = -1}),
		    "CONFIG_IO_URING");
}

Test(caps, neither_sysctl_nor_filter_is_a_security_module)
{
	expect_says(explain((struct io_caps){.ring_errno = -EPERM, .disabled = 0}),
		    "security module");
	expect_says(explain((struct io_caps){.ring_errno = -EACCES, .disabled = -1}),
		    "security module");
}

Test(caps, shortages_are_named_with_their_limit)
{
	expect_says(explain((struct io_caps){.ring_errno = -ENOMEM}), "LimitMEMLOCK");
	expect_says(explain((struct io_caps){.ring_errno = -EMFILE}), "ulimit -n");
	expect_says(explain((struct io_caps){.ring_errno = -EINVAL}), strerrordesc_np(EINVAL));
}

Test(caps, a_short_buffer_is_kept)
{
	char text[16];
	memset(text, 'x', sizeof(text));
	const struct io_caps caps = {.ring_errno = -ENOSYS};
	io_caps_explain(&caps, text, 8);
	cr_expect_eq(strlen(text), 7);
	cr_expect_eq(text[8], 'x');
}
