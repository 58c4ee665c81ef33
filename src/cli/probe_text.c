/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include <string.h>

#include "base/limits.h"
#include "tls/version.h"

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void print_kernel(const struct probe_facts *facts, FILE *out)
{
	const struct kernel_version *kernel = &facts->kernel;

	char stable[64] = "";

	if (kernel->patch >= 0)
		snprintf(stable, sizeof(stable), "%d.%d.%d", kernel->major, kernel->minor,
			 kernel->patch);
	fprintf(out, "kernel: Linux %s %s", facts->release, facts->machine);
	if (strncmp(facts->release, stable, strlen(stable)) != 0)
		fprintf(out, ", which is %s", stable);
	fprintf(out, " (%s)\n", facts->version);
	fprintf(out, "processor: %s\n",
		!facts->has_cpu_flags         ? "flags not readable"
		: facts->cpu_flags[0] != '\0' ? facts->cpu_flags
					      : "none of the instructions for AES or wide vectors");
	fprintf(out, "OpenSSL: %s\n", tls_library_version());
}

static void print_tls(const struct probe_facts *facts, FILE *out)
{
	const struct ktls_caps *ktls = &facts->ktls;
	bool is_there = ktls->ulp_errno == 0;

	if (is_there)
		fprintf(out, "kernel TLS: yes\n");
	else
		fprintf(out, "kernel TLS: no (TCP ULP \"tls\": %s)\n",
			strerrorname_np(-ktls->ulp_errno));
	fprintf(out, "module tls: %s%s\n", tls_module_label(facts->tls_module),
		facts->tls_module == TLS_MODULE_LOADED_BY_US
			? " (after a boot it is not: modules-load.d/sluice.conf)"
			: "");
	fprintf(out, "/proc/net/tls_stat: %s", yes_no(facts->has_tls_stat));
	for (size_t i = 0; i < facts->counter_count; i++)
		fprintf(out, ", %s %ld", facts->counter[i].name, facts->counter[i].value);
	fprintf(out, "\n");
	for (int i = 0; i < TLS_CIPHER_COUNT; i++)
		fprintf(out, "%s: TX %s, RX %s\n", tls_cipher_label((enum tls_cipher)i),
			is_there ? yes_no(ktls->tx[i]) : "untested",
			is_there ? yes_no(ktls->rx[i]) : "untested");
	fprintf(out, "rekey (KeyUpdate), TX and RX: %s\n", ktls_verdict_label(ktls->rekey));
	fprintf(out, "TLS_RX_EXPECT_NO_PAD: %s\n", ktls_verdict_label(ktls->no_pad));
	fprintf(out, "padding self-test (CVE-2026-74611) passed: %s\n",
		ktls_verdict_label(ktls->pad_safe));
	fprintf(out, "AES-GCM by: %s\n",
		facts->aes_gcm_driver[0] != '\0' ? facts->aes_gcm_driver : "nothing yet");
	fprintf(out, "ChaCha20-Poly1305 by: %s\n",
		facts->chacha_driver[0] != '\0' ? facts->chacha_driver : "nothing yet");
}

static void print_io_uring(const struct io_caps *io, FILE *out)
{
	if (io->ring_errno < 0) {
		fprintf(out, "io_uring: no (%s)\n", strerrorname_np(-io->ring_errno));
		return;
	}
	fprintf(out, "io_uring: yes\n");
	fprintf(out,
		"io_uring operations: POLL_ADD %s, READ %s, READV %s, SPLICE %s, OPENAT2 %s, "
		"ASYNC_CANCEL %s\n",
		yes_no(io->op_poll_add), yes_no(io->op_read), yes_no(io->op_readv),
		yes_no(io->op_splice), yes_no(io->op_openat2), yes_no(io->op_async_cancel));
	fprintf(out, "io_uring features: NODROP %s, FAST_POLL %s, EXT_ARG %s\n",
		yes_no(io->has_nodrop), yes_no(io->has_fast_poll), yes_no(io->has_ext_arg));
	fprintf(out, "io_uring setup: SINGLE_ISSUER %s, DEFER_TASKRUN %s\n",
		yes_no(io->has_single_issuer), yes_no(io->has_defer_taskrun));
}

/* "name N", "name no limit" (when value is none), "name ?" (not readable). */
static void print_limit(FILE *out, const char *name, long value, long none)
{
	if (value == none)
		fprintf(out, "%s no limit", name);
	else if (value < 0)
		fprintf(out, "%s ?", name);
	else
		fprintf(out, "%s %ld", name, value);
}

static void print_sandbox(const struct io_caps *io, FILE *out)
{
	if (io->landlock_abi < 0)
		fprintf(out, "sandbox: Landlock no (%s)", strerrorname_np(-io->landlock_abi));
	else
		fprintf(out, "sandbox: Landlock ABI %d", io->landlock_abi);
	fprintf(out, ", seccomp filters %s\n", yes_no(io->seccomp_error == 0));
}

static void print_limits(const struct probe_facts *facts, FILE *out)
{
	const struct io_caps *io = &facts->io;

	fprintf(out, "openat2: %s; cachestat: %s\n", yes_no(io->has_openat2),
		yes_no(io->has_cachestat));
	print_limit(out, "pipes: bytes of one at most", io->pipe_max_bytes, -2);
	print_limit(out, "; pages of a user, soft", io->pipe_user_pages_soft, 0);
	print_limit(out, ", hard", io->pipe_user_pages_hard, 0);
	if (io->pipe_user_pages_soft > 0)
		fprintf(out, ", which is %ld pipes of %d bytes for an unprivileged user",
			io->pipe_user_pages_soft * facts->page_bytes / PIPE_BYTES, PIPE_BYTES);
	fprintf(out, "%s\n", io_caps_is_pipe_privileged(io) ? "; this process has no limit" : "");
	print_limit(out, "open files:", io->files_soft, -1);
	print_limit(out, ", can be raised to", io->files_hard, -1);
	print_limit(out, "\nlocked memory, bytes:", io->memlock_bytes, -1);
	fprintf(out, "\n");
}

static void print_config(const struct probe_facts *facts, FILE *out)
{
	if (facts->config_file[0] == '\0') {
		fprintf(out, "kernel configuration: not readable%s\n",
			facts->has_config_gz ? " here; `zcat /proc/config.gz` shows it" : "");
		return;
	}
	fprintf(out, "kernel configuration (%s):", facts->config_file);
	bool is_arm64 = strcmp(facts->machine, "aarch64") == 0;
	for (int i = 0; i < PROBE_OPTION_COUNT; i++)
		if (i != (is_arm64 ? PROBE_OPTION_AES_X86 : PROBE_OPTION_GCM_ARM64))
			fprintf(out, " %s=%s", probe_option_name((enum probe_option)i),
				facts->option[i]);
	fprintf(out, "\n");
}

void probe_print_text(const struct probe_facts *facts, const struct probe_report *report, FILE *out)
{
	static const char *const verdict[] = {
		[PROBE_USABLE] = "kernel TLS is usable",
		[PROBE_USABLE_WITH_WARNINGS] = "kernel TLS is usable, with warnings",
		[PROBE_NOT_USABLE] = "kernel TLS is not usable; userspace TLS is used in its place",
	};

	print_kernel(facts, out);
	print_tls(facts, out);
	print_io_uring(&facts->io, out);
	print_sandbox(&facts->io, out);
	print_limits(facts, out);
	print_config(facts, out);
	for (size_t i = 0; i < report->warning_count; i++)
		fprintf(out, "warning: %s; see kconfig-notes/%s\n", report->warning[i].text,
			report->warning[i].page);
	fprintf(out, "verdict: %s\n", verdict[report->verdict]);
}
