/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <linux/capability.h>

#include "base/limits.h"
#include "base/must.h"
#include "io/sandbox.h"

/* The first releases of their series without the known errors of kernel TLS (kconfig-notes/tls.md
 * lists them). Of other series nothing is known but what the self-tests show. */
static const struct kernel_version recommended[] = {{6, 1, 192}, {6, 12, 115}, {7, 3, 0}};

static const char *const page_tls = "tls.md";
static const char *const page_gcm = "crypto-aes-gcm.md";
static const char *const page_chacha = "crypto-chacha20poly1305.md";
static const char *const page_rekey = "tls-rekey.md";
static const char *const page_padding = "tls-rx-padding.md";
static const char *const page_io_uring = "io_uring.md";
static const char *const page_openat2 = "openat2.md";
static const char *const page_pipes = "pipes.md";
static const char *const page_sandbox = "sandbox.md";

const char *probe_verdict_label(enum probe_verdict verdict)
{
	static const char *const label[] = {
		[PROBE_USABLE] = "usable",
		[PROBE_USABLE_WITH_WARNINGS] = "usable_with_warnings",
		[PROBE_NOT_USABLE] = "not_usable",
	};
	must(verdict < ARRAY_LEN(label));
	return label[verdict];
}

const char *ktls_verdict_label(enum ktls_verdict verdict)
{
	static const char *const label[] = {
		[KTLS_UNTESTED] = "untested", [KTLS_YES] = "yes", [KTLS_NO] = "no"};
	must(verdict < ARRAY_LEN(label));
	return label[verdict];
}

const char *tls_module_label(enum tls_module module)
{
	static const char *const label[] = {
		[TLS_MODULE_THERE] = "loaded",
		[TLS_MODULE_LOADED_BY_US] = "loaded by this probe",
		[TLS_MODULE_LOADABLE] = "not loaded",
		[TLS_MODULE_MISSING] = "not installed",
		[TLS_MODULE_UNKNOWN] = "not loaded, not to be found",
	};
	must(module < ARRAY_LEN(label));
	return label[module];
}

static void __attribute__((format(printf, 4, 5)))
warn(struct probe_report *report, enum probe_verdict worst, const char *page, const char *format,
     ...)
{
	va_list args;

	if (report->verdict < worst)
		report->verdict = worst;
	must(report->warning_count < PROBE_WARNINGS_MAX);
	struct probe_warning *warning = &report->warning[report->warning_count++];
	warning->page = page;
	va_start(args, format);
	vsnprintf(warning->text, sizeof(warning->text), format, args);
	va_end(args);
}

/* ---- Kernel TLS ----------------------------------------------------------------------------- */

static void judge_missing_ulp(const struct probe_facts *facts, struct probe_report *report)
{
	const char *error = strerrorname_np(-facts->ktls.ulp_errno);
	const char *option = facts->option[PROBE_OPTION_TLS];

	if (facts->loopback_errno < 0) {
		warn(report, PROBE_NOT_USABLE, page_tls,
		     "nothing could be tried: no TCP connection on loopback (%s)",
		     strerrorname_np(-facts->loopback_errno));
		return;
	}
	if (facts->tls_module == TLS_MODULE_THERE)
		warn(report, PROBE_NOT_USABLE, page_tls,
		     "the TLS ULP is loaded, but this process may not attach it (%s): look at the "
		     "security module or the sandbox around it",
		     error);
	else if (facts->tls_module == TLS_MODULE_LOADABLE)
		warn(report, PROBE_NOT_USABLE, page_tls,
		     "this kernel has no TLS ULP (%s): its module is not loaded%s; `modprobe tls` "
		     "as "
		     "root, and modules-load.d/sluice.conf for every boot",
		     error,
		     io_caps_is_capable(&facts->io, CAP_NET_ADMIN)
			     ? ""
			     : " and this process may not load it (CAP_NET_ADMIN)");
	else if (strcmp(option, "n") == 0)
		warn(report, PROBE_NOT_USABLE, page_tls,
		     "this kernel has no TLS ULP (%s): it was built without CONFIG_TLS; boot one "
		     "that has it, as Debian's do",
		     error);
	else if (facts->tls_module == TLS_MODULE_MISSING)
		warn(report, PROBE_NOT_USABLE, page_tls,
		     "this kernel has no TLS ULP (%s): /lib/modules/%s has no tls.ko; install the "
		     "kernel's modules, or in a container `modprobe tls` on its host",
		     error, facts->release);
	else if (strcmp(option, "m") == 0)
		warn(report, PROBE_NOT_USABLE, page_tls,
		     "this kernel has no TLS ULP (%s): its module is not loaded, and /lib/modules "
		     "is not to be seen; `modprobe tls` as root (in a container: on its host)",
		     error);
	else
		warn(report, PROBE_NOT_USABLE, page_tls,
		     "this kernel has no TLS ULP (%s): built without CONFIG_TLS, or its module is "
		     "not loaded; try `modprobe tls` (in a container: on its host)%s",
		     error,
		     facts->has_config_gz ? "; `zgrep CONFIG_TLS /proc/config.gz` tells which"
					  : "");
}

static const char *directions(const struct ktls_caps *ktls, int cipher)
{
	if (!ktls->tx[cipher] && !ktls->rx[cipher])
		return "in no direction";
	return ktls->tx[cipher] ? "for sending only" : "for receiving only";
}

static void judge_ciphers(const struct probe_facts *facts, struct probe_report *report)
{
	const struct ktls_caps *ktls = &facts->ktls;
	bool has_any = false;

	for (int i = 0; i < TLS_CIPHER_COUNT; i++)
		has_any = has_any || (ktls->tx[i] && ktls->rx[i]);
	if (!has_any)
		warn(report, PROBE_NOT_USABLE, page_gcm,
		     "the TLS ULP is there, but no cipher works in both directions: the kernel's "
		     "gcm module is missing (CONFIG_CRYPTO_GCM)");
	for (int i = 0; has_any && i < TLS_CIPHER_COUNT; i++) {
		if (ktls->tx[i] && ktls->rx[i])
			continue;
		warn(report, PROBE_USABLE_WITH_WARNINGS,
		     i == TLS_CIPHER_CHACHA20 ? page_chacha : page_gcm,
		     "%s works %s in the kernel; userspace TLS takes its place where it does not",
		     tls_cipher_label((enum tls_cipher)i), directions(ktls, i));
	}
}

static bool has_aes_instructions(const struct probe_facts *facts)
{
	/* Not a part of another word: "aes" is the first of them or stands behind a blank. */
	const char *at = strstr(facts->cpu_flags, "aes");
	return at != NULL && (at == facts->cpu_flags || at[-1] == ' ');
}

/* 5 and 15 times the instructions of aesni_intel's driver: kconfig-notes/crypto-aes-gcm.md. */
static bool is_slow_aes(const struct probe_facts *facts)
{
	return strstr(facts->aes_gcm_driver, "aes-generic") != NULL ||
	       (strcmp(facts->machine, "x86_64") == 0 &&
		strcmp(facts->aes_gcm_driver, "gcm-aes-lib") == 0);
}

static void judge_aes(const struct probe_facts *facts, struct probe_report *report)
{
	if (facts->has_cpu_flags && !has_aes_instructions(facts))
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_gcm,
		     "this processor shows no AES instructions, so AES-GCM is slow: in a virtual "
		     "machine pass the processor through (QEMU: -cpu host), else put "
		     "TLS_CHACHA20_POLY1305_SHA256 first in cipher_suites");
	else if (is_slow_aes(facts))
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_gcm,
		     "the kernel seals AES-GCM by %s, which takes many times the instructions of "
		     "the driver for this processor; load that (`modprobe aesni_intel`, on arm64 "
		     "`modprobe ghash_ce`)",
		     facts->aes_gcm_driver);
}

static void judge_records(const struct ktls_caps *ktls, struct probe_report *report)
{
	if (ktls->rekey == KTLS_NO)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_rekey,
		     "no KeyUpdate on kernel TLS: a client that changes its key is disconnected "
		     "(and "
		     "counted), and so is a connection at the record limit of its AES-GCM key; "
		     "Linux 6.14 and later can");
	if (ktls->pad_safe == KTLS_NO)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_padding,
		     "the padding self-test failed: with TLS_RX_EXPECT_NO_PAD this kernel gives "
		     "wrong bytes for padded records (CVE-2026-74611); sluice does not use it "
		     "here, "
		     "other programs may");
}

static void judge_kernel(const struct probe_facts *facts, struct probe_report *report)
{
	const struct kernel_version *kernel = &facts->kernel;

	if (kernel->major < 0)
		return;
	if (kernel->major < 6 || (kernel->major == 6 && kernel->minor < 1)) {
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_tls,
		     "Linux %d.%d is older than 6.1, the oldest that sluice is tested with",
		     kernel->major, kernel->minor);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(recommended); i++) {
		const struct kernel_version *good = &recommended[i];
		if (kernel->major != good->major || kernel->minor != good->minor ||
		    kernel->patch < 0 || kernel->patch >= good->patch)
			continue;
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_tls,
		     "Linux %d.%d.%d has known errors in kernel TLS; %d.%d.%d or later is "
		     "recommended",
		     kernel->major, kernel->minor, kernel->patch, good->major, good->minor,
		     good->patch);
	}
}

/* ---- io_uring, pipes, sandbox -------------------------------------------------------------------
 */

static void judge_io_uring(const struct io_caps *io, struct probe_report *report)
{
	if (io->ring_errno < 0) {
		char text[PROBE_WARNING_MAX - 64];
		io_caps_explain(io, text, sizeof(text));
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_io_uring,
		     "%s (until then `sluice serve` uses epoll, which costs more)", text);
		return;
	}
	if (!io->has_nodrop || !io->has_ext_arg || !io->op_poll_add || !io->op_read ||
	    !io->op_readv || !io->op_async_cancel)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_io_uring,
		     "io_uring lacks what `sluice serve` needs (the lines above): a kernel of 6.1 "
		     "or "
		     "later has it");
	if (!io->op_splice)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_io_uring,
		     "io_uring lacks SPLICE: --send-engine=splice fails");
}

static void judge_openat2(const struct io_caps *io, struct probe_report *report)
{
	if (!io->has_openat2)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_openat2,
		     "openat2(2) is refused, so no object can be opened: allow it in the "
		     "container's seccomp profile");
	else if (io->ring_errno == 0 && !io->op_openat2)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_openat2,
		     "io_uring lacks OPENAT2: only objects whose names are in memory can be "
		     "opened");
}

static void judge_pipes(const struct probe_facts *facts, struct probe_report *report)
{
	const struct io_caps *io = &facts->io;

	if (io->pipe_max_bytes >= 0 && io->pipe_max_bytes < PIPE_BYTES &&
	    !io_caps_is_capable(io, CAP_SYS_RESOURCE))
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_pipes,
		     "fs.pipe-max-size = %ld: pipes of %d bytes are refused, --send-engine=splice "
		     "is "
		     "slow",
		     io->pipe_max_bytes, PIPE_BYTES);
	if (!io_caps_is_pipe_privileged(io) && io->pipe_user_pages_soft > 0 &&
	    io->pipe_user_pages_soft * facts->page_bytes < (long)PIPES_MAX * PIPE_BYTES)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_pipes,
		     "fs.pipe-user-pages-soft = %ld is less than the %d pipes of %d bytes of one "
		     "worker: --send-engine=splice is slow",
		     io->pipe_user_pages_soft, PIPES_MAX, PIPE_BYTES);
}

/* What an older Landlock lacks is no warning: there is nothing to be done about it but another
 * kernel, and seccomp refuses most of it. */
static void judge_sandbox(const struct io_caps *io, struct probe_report *report)
{
	if (io->landlock_abi < SANDBOX_LANDLOCK_MIN)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_sandbox,
		     "`sluice serve` cannot confine itself to its files: Landlock is %s",
		     sandbox_landlock_cure(io->landlock_abi < 0 ? io->landlock_abi : -ERANGE,
					   io->has_seccomp));
	if (io->seccomp_error < 0)
		warn(report, PROBE_USABLE_WITH_WARNINGS, page_sandbox,
		     "`sluice serve` cannot filter its system calls: seccomp is %s (%s)",
		     sandbox_seccomp_cure(io->seccomp_error, io->has_seccomp),
		     strerrorname_np(-io->seccomp_error));
}

void probe_judge(const struct probe_facts *facts, struct probe_report *report)
{
	report->verdict = PROBE_USABLE;
	report->warning_count = 0;
	if (facts->ktls.ulp_errno != 0)
		judge_missing_ulp(facts, report);
	else
		judge_ciphers(facts, report);
	judge_aes(facts, report);
	judge_records(&facts->ktls, report);
	judge_kernel(facts, report);
	judge_io_uring(&facts->io, report);
	judge_openat2(&facts->io, report);
	judge_pipes(facts, report);
	judge_sandbox(&facts->io, report);
}
