/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict of `sluice probe` on machines that are made up, and what it prints. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "cli/probe.h"

TestSuite(probe);

/* A machine that lacks nothing: Linux 7.3.4, root. */
static struct probe_facts perfect(void)
{
	struct probe_facts facts = {
		.release = "7.3.4+deb13-cloud-amd64",
		.version = "#1 SMP PREEMPT_DYNAMIC Debian 7.3.4-1 (2026-11-15)",
		.machine = "x86_64",
		.kernel = {7, 3, 4},
		.tls_module = TLS_MODULE_THERE,
		.has_tls_stat = true,
		.ktls = {.tx = {true, true, true},
			 .rx = {true, true, true},
			 .rekey = KTLS_YES,
			 .no_pad = KTLS_YES,
			 .pad_safe = KTLS_YES},
		.io = {.capabilities = ~0ull,
		       .has_nodrop = true,
		       .has_fast_poll = true,
		       .has_ext_arg = true,
		       .has_single_issuer = true,
		       .has_defer_taskrun = true,
		       .op_poll_add = true,
		       .op_read = true,
		       .op_readv = true,
		       .op_splice = true,
		       .op_openat2 = true,
		       .op_async_cancel = true,
		       .landlock_abi = 7,
		       .has_openat2 = true,
		       .pipe_max_bytes = 1048576,
		       .pipe_user_pages_soft = 16384},
		.cpu_flags = "pclmulqdq aes avx vaes",
		.has_cpu_flags = true,
		.aes_gcm_driver = "generic-gcm-aesni-avx",
		.chacha_driver = "rfc7539(chacha20-lib,poly1305-generic)",
		.config_file = "/boot/config-7.3.4+deb13-cloud-amd64",
		.page_bytes = 4096,
	};
	for (int i = 0; i < PROBE_OPTION_COUNT; i++)
		facts.option[i] = "y";
	return facts;
}

static struct probe_report judge(const struct probe_facts *facts)
{
	struct probe_report report;
	memset(&report, 0xff, sizeof(report));
	probe_judge(facts, &report);
	for (size_t i = 0; i < report.warning_count; i++) {
		char page[256];
		snprintf(page, sizeof(page), SLUICE_SOURCE_DIR "/kconfig-notes/%s",
			 report.warning[i].page);
		cr_expect_eq(access(page, R_OK), 0, "no page %s", page);
		cr_expect(strlen(report.warning[i].text) < PROBE_WARNING_MAX - 1, "cut off: %s",
			  report.warning[i].text);
	}
	return report;
}

/* One lack: one warning, on that page, with those words. */
static void expect_one(const struct probe_facts *facts, enum probe_verdict verdict,
		       const char *page, const char *words)
{
	const struct probe_report report = judge(facts);
	cr_expect_eq(report.verdict, verdict, "%s", words);
	cr_assert_eq(report.warning_count, 1, "%zu warnings for: %s", report.warning_count, words);
	cr_expect_str_eq(report.warning[0].page, page);
	cr_expect_not_null(strstr(report.warning[0].text, words), "\"%s\" is not in: %s", words,
			   report.warning[0].text);
}

/* ---- Verdicts ------------------------------------------------------------------------------- */

Test(probe, a_machine_that_lacks_nothing_is_usable)
{
	const struct probe_facts facts = perfect();
	const struct probe_report report = judge(&facts);
	cr_expect_eq(report.verdict, PROBE_USABLE);
	cr_expect_eq((int)report.verdict, 0, "the exit code");
	cr_expect_eq(report.warning_count, 0);
}

Test(probe, no_ulp_is_not_usable_and_says_why)
{
	struct probe_facts facts = perfect();
	memset(&facts.ktls, 0, sizeof(facts.ktls));
	facts.ktls.ulp_errno = -ENOENT;

	facts.tls_module = TLS_MODULE_LOADABLE;
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "modprobe tls");
	cr_expect_null(strstr(judge(&facts).warning[0].text, "CAP_NET_ADMIN"));
	facts.io.capabilities = 0;
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "CAP_NET_ADMIN");
	facts.io.capabilities = ~0ull;

	facts.tls_module = TLS_MODULE_UNKNOWN;
	facts.option[PROBE_OPTION_TLS] = "n";
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "built without CONFIG_TLS;");
	facts.option[PROBE_OPTION_TLS] = "m";
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "/lib/modules is not to be seen");
	facts.tls_module = TLS_MODULE_MISSING;
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "has no tls.ko");
	facts.tls_module = TLS_MODULE_UNKNOWN;
	facts.option[PROBE_OPTION_TLS] = "?";
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "or its module is not loaded");
	facts.has_config_gz = true;
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "/proc/config.gz");
	facts.tls_module = TLS_MODULE_THERE;
	facts.ktls.ulp_errno = -EACCES;
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "may not attach it (EACCES)");

	facts.loopback_errno = facts.ktls.ulp_errno = -EMFILE;
	expect_one(&facts, PROBE_NOT_USABLE, "tls.md", "no TCP connection on loopback (EMFILE)");
}

Test(probe, a_cipher_that_does_not_work_is_a_warning_on_its_page)
{
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		const enum probe_verdict verdict = PROBE_USABLE_WITH_WARNINGS;
		const char *page = i == TLS_CIPHER_CHACHA20 ? "crypto-chacha20poly1305.md"
							    : "crypto-aes-gcm.md";
		struct probe_facts facts = perfect();
		facts.ktls.tx[i] = false;
		expect_one(&facts, verdict, page, "for receiving only");
		facts = perfect();
		facts.ktls.rx[i] = false;
		expect_one(&facts, verdict, page, "for sending only");
		facts.ktls.tx[i] = false;
		expect_one(&facts, verdict, page, "in no direction");
		expect_one(&facts, verdict, page, tls_cipher_label((enum tls_cipher)i));
	}
}

Test(probe, no_cipher_in_both_directions_is_not_usable)
{
	struct probe_facts facts = perfect();
	for (int i = 0; i < TLS_CIPHER_COUNT; i++)
		facts.ktls.rx[i] = false;
	expect_one(&facts, PROBE_NOT_USABLE, "crypto-aes-gcm.md", "no cipher works in both");
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		facts.ktls.rx[i] = true;
		cr_expect_eq(judge(&facts).verdict, PROBE_USABLE_WITH_WARNINGS, "%d is enough", i);
		facts.ktls.rx[i] = false;
	}
}

Test(probe, slow_aes_is_the_processors_lack_or_the_modules)
{
	struct probe_facts facts = perfect();
	strcpy(facts.aes_gcm_driver, "gcm_base(ctr(aes-generic),ghash-generic)");
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "crypto-aes-gcm.md", "modprobe aesni_intel");
	strcpy(facts.cpu_flags, "ssse3 vaes"); /* no processor is so; "aes" is no part of a word */
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "crypto-aes-gcm.md", "-cpu host");
	facts = perfect();
	strcpy(facts.aes_gcm_driver, "gcm-aes-lib"); /* 7.3 without the module */
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "crypto-aes-gcm.md", "by gcm-aes-lib");
	strcpy(facts.machine, "aarch64");
	cr_expect_eq(judge(&facts).warning_count, 0, "not measured there");
	facts = perfect();
	facts.cpu_flags[0] = '\0';
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "crypto-aes-gcm.md", "-cpu host");
	facts.has_cpu_flags = false;
	cr_expect_eq(judge(&facts).warning_count, 0, "not readable is not a lack");
}

Test(probe, each_other_lack_is_one_warning)
{
	struct probe_facts facts = perfect();
	facts.ktls.rekey = KTLS_NO;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "tls-rekey.md", "6.14");
	facts = perfect();
	facts.ktls.pad_safe = KTLS_NO;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "tls-rx-padding.md", "CVE-2026-74611");
	facts = perfect();
	strcpy(facts.aes_gcm_driver, "gcm_base(ctr(aes-generic),ghash-clmulni)");
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "crypto-aes-gcm.md", "aesni_intel");
	facts = perfect();
	facts.io.ring_errno = -EPERM;
	facts.io.disabled = 2;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "io_uring.md",
		   "sysctl kernel.io_uring_disabled=0");
	facts.io.has_nodrop = facts.io.has_ext_arg = facts.io.op_poll_add = false;
	facts.io.op_splice = facts.io.op_openat2 = false; /* as it is without a ring */
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "io_uring.md", "uses epoll");
	facts = perfect();
	facts.io.op_splice = false;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "io_uring.md", "SPLICE");
	facts = perfect();
	facts.io.has_openat2 = false;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "openat2.md", "seccomp");
	facts = perfect();
	facts.io.op_openat2 = false;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "openat2.md", "OPENAT2");
	facts = perfect();
	facts.io.landlock_abi = -ENOSYS;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "sandbox.md", "CONFIG_SECURITY_LANDLOCK");
	facts.io.landlock_abi = -EOPNOTSUPP;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "sandbox.md", "lsm=");
	facts.io.landlock_abi = 1;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "sandbox.md", "5.19");
	facts.io.landlock_abi = 2;
	facts.io.seccomp_error = -EINVAL;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "sandbox.md", "seccomp");
}

Test(probe, each_operation_that_serve_needs_is_missed)
{
	struct probe_facts facts = perfect();
	bool *const needed[] = {&facts.io.has_nodrop,  &facts.io.has_ext_arg,
				&facts.io.op_poll_add, &facts.io.op_read,
				&facts.io.op_readv,    &facts.io.op_async_cancel};
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		*needed[i] = false;
		expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "io_uring.md", "serve");
		*needed[i] = true;
	}
}

Test(probe, pipes_matter_to_those_whom_the_limits_bind)
{
	struct probe_facts facts = perfect();
	facts.io.pipe_max_bytes = 65536;
	facts.io.pipe_user_pages_soft = 16 * 256 - 1;
	cr_expect_eq(judge(&facts).warning_count, 0, "root is not bound");
	facts.io.capabilities = 0;
	cr_expect_eq(judge(&facts).warning_count, 2);
	facts.io.pipe_user_pages_soft++;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "pipes.md", "fs.pipe-max-size");
	facts.io.pipe_max_bytes = 1048576;
	cr_expect_eq(judge(&facts).warning_count, 0);
	facts.io.pipe_user_pages_soft = 16 * 256 - 1;
	expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "pipes.md", "fs.pipe-user-pages-soft");
	facts.io.pipe_user_pages_soft = 0;
	cr_expect_eq(judge(&facts).warning_count, 0, "0 is no limit");
	facts.io.pipe_user_pages_soft = facts.io.pipe_max_bytes = -1;
	cr_expect_eq(judge(&facts).warning_count, 0, "not readable is not a lack");
}

Test(probe, kernels_older_than_recommended)
{
	static const struct {
		struct kernel_version kernel;
		const char *words; /* NULL: no warning */
	} rows[] = {
		{{6, 1, 191}, "6.1.192 or later"},
		{{6, 1, 192}, NULL},
		{{6, 1, -1}, NULL},
		{{6, 12, 114}, "6.12.115 or later"},
		{{6, 12, 0}, "6.12.115 or later"},
		{{6, 12, 115}, NULL},
		{{7, 3, 0}, NULL},
		{{6, 18, 1}, NULL},
		{{7, 4, 0}, NULL},
		{{6, 0, 19}, "older than 6.1"},
		{{5, 15, 200}, "older than 6.1"},
		{{-1, -1, -1}, NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe_facts facts = perfect();
		facts.kernel = rows[i].kernel;
		if (rows[i].words != NULL)
			expect_one(&facts, PROBE_USABLE_WITH_WARNINGS, "tls.md", rows[i].words);
		else
			cr_expect_eq(judge(&facts).warning_count, 0, "row %zu", i);
	}
}

Test(probe, everything_lacking_fits_and_the_worst_comes_first)
{
	struct probe_facts facts = perfect();
	memset(&facts.ktls, 0, sizeof(facts.ktls));
	memset(&facts.io, 0, sizeof(facts.io));
	facts.ktls.rekey = facts.ktls.pad_safe = KTLS_NO;
	facts.io.seccomp_error = -EINVAL;
	facts.io.pipe_max_bytes = facts.io.pipe_user_pages_soft = 1;
	strcpy(facts.aes_gcm_driver, "aes-generic");
	facts.kernel = (struct kernel_version){6, 1, 1};
	const struct probe_report report = judge(&facts);
	cr_expect_eq(report.verdict, PROBE_NOT_USABLE);
	cr_expect_eq(report.warning_count, 12);
	cr_expect_str_eq(report.warning[0].page, "crypto-aes-gcm.md");
}

/* ---- Reading -------------------------------------------------------------------------------- */

static void expect_version(const char *release, const char *version, int major, int minor,
			   int patch)
{
	const struct kernel_version found = kernel_version_of(release, version);
	cr_expect(found.major == major && found.minor == minor && found.patch == patch,
		  "%s, %s: %d.%d.%d", release, version, found.major, found.minor, found.patch);
}

Test(probe, the_stable_release_of_a_kernel)
{
	expect_version("6.1.0-56-cloud-amd64",
		       "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)", 6, 1, 192);
	expect_version("6.12.117+deb12-cloud-amd64",
		       "#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1~deb12u1 (2026-11-14)", 6, 12, 117);
	expect_version("6.18.44", "#1 SMP", 6, 18, 44);
	expect_version("6.8.0-45-generic", "#45-Ubuntu SMP", 6, 8, -1);
	expect_version("7.3.0", "#1 SMP", 7, 3, 0);
	expect_version("7.3-rc4", "#1 SMP", 7, 3, -1);
	expect_version("6.6.20", "built on Debian 6.1.192", 6, 6, 20);
	expect_version("6.6.20", "Debian ", 6, 6, 20);
	expect_version("99999999999999999999.1.1", "", 99999, 1, 1);
	expect_version("linux", "", -1, -1, -1);
	expect_version("", "", -1, -1, -1);
	expect_version("6", "", -1, -1, -1);
}

static FILE *text_file(const char *text)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	cr_assert_not_null(file);
	return file;
}

Test(probe, reads_a_kernel_configuration)
{
	const char *option[PROBE_OPTION_COUNT];
	FILE *file =
		text_file("#\n# Linux/x86 6.12.117\nCONFIG_TLS=m\n# CONFIG_TLS_DEVICE is not set\n"
			  "CONFIG_IO_URING=y\nCONFIG_TLS_TOE=y\nXCONFIG_CRYPTO_GCM=y\n");
	probe_config_read(file, option);
	fclose(file);
	cr_expect_str_eq(option[PROBE_OPTION_TLS], "m");
	cr_expect_str_eq(option[PROBE_OPTION_TLS_DEVICE], "n");
	cr_expect_str_eq(option[PROBE_OPTION_IO_URING], "y");
	cr_expect_str_eq(option[PROBE_OPTION_GCM], "n");
}

Test(probe, finds_the_driver_of_the_highest_priority)
{
	static const char crypto[] =
		"name         : __gcm(aes)\ndriver       : cryptd(x)\n"
		"module       : cryptd\npriority     : 550\n\n"
		"name         : gcm(aes)\ndriver       : generic-gcm-aesni\n"
		"module       : aesni_intel\npriority     : 400\n\n"
		"name         : gcm(aes)\ndriver       : generic-gcm-aesni-avx\n"
		"module       : aesni_intel\npriority     : 500\n\n"
		"name         : gcm(aes)\ndriver       : gcm-aes-lib\n"
		"module       : kernel\npriority     : 110\n";
	char driver[PROBE_LINE_MAX];
	FILE *file = text_file(crypto);
	probe_crypto_read(file, "gcm(aes)", driver);
	cr_expect_str_eq(driver, "generic-gcm-aesni-avx");
	rewind(file);
	probe_crypto_read(file, "rfc7539(chacha20,poly1305)", driver);
	cr_expect_str_eq(driver, "");
	fclose(file);
}

Test(probe, reads_the_kernels_tls_counters)
{
	struct probe_counter counter[PROBE_COUNTERS_MAX];
	FILE *file =
		text_file("TlsCurrTxSw                     \t2\nTlsTxSw   \t4294967296\nodd\n");
	cr_assert_eq(probe_counters_read(file, counter), 2);
	cr_expect_str_eq(counter[0].name, "TlsCurrTxSw");
	cr_expect_eq(counter[0].value, 2);
	cr_expect_str_eq(counter[1].name, "TlsTxSw");
	cr_expect_eq(counter[1].value, 4294967296);
	fclose(file);
}

Test(probe, reads_more_counters_than_there_is_room_for)
{
	struct probe_counter counter[PROBE_COUNTERS_MAX];
	char text[64 * 32] = "";
	for (int i = 0; i < 2 * PROBE_COUNTERS_MAX; i++)
		strcat(text, "TlsNew 1\n");
	FILE *file = text_file(text);
	cr_expect_eq(probe_counters_read(file, counter), PROBE_COUNTERS_MAX);
	fclose(file);
}

Test(probe, reads_the_first_processors_flags)
{
	char flags[PROBE_LINE_MAX];
	FILE *file = text_file("processor\t: 0\nmodel name\t: aes avx\n"
			       "flags\t\t: fpu sse4_2 aes avx2 avx512vl vaes\nbugs\t\t: x\n"
			       "flags\t\t: avx512f\n");
	cr_expect(probe_cpu_read(file, flags));
	cr_expect_str_eq(flags, "aes avx2 vaes");
	fclose(file);
	file = text_file("processor\t: 0\nFeatures\t: fp asimd aes pmull sha1\n");
	cr_expect(probe_cpu_read(file, flags));
	cr_expect_str_eq(flags, "asimd aes pmull");
	fclose(file);
	file = text_file("processor\t: 0\nhart\t: 1\n");
	cr_expect_not(probe_cpu_read(file, flags));
	cr_expect_str_eq(flags, "");
	fclose(file);
}

Test(probe, finds_a_word_and_no_part_of_one)
{
	FILE *file = text_file("espintcp mptcp tls \n");
	cr_expect(probe_has_word(file, "tls"));
	rewind(file);
	cr_expect_not(probe_has_word(file, "tcp"));
	fclose(file);
}

Test(probe, gathers_without_a_gap)
{
	struct probe_facts facts;
	memset(&facts, 0xff, sizeof(facts));
	probe_facts_gather(&facts);
	cr_expect(facts.kernel.major >= 5);
	cr_expect_eq(facts.loopback_errno, 0);
	cr_expect_eq(facts.ktls.ulp_errno == 0, facts.tls_module <= TLS_MODULE_LOADED_BY_US);
	for (int i = 0; i < PROBE_OPTION_COUNT; i++)
		cr_expect_not_null(strchr("ymn?", facts.option[i][0]));
	const struct probe_report report = judge(&facts);
	if (facts.ktls.ulp_errno != 0)
		cr_expect_eq(report.verdict, PROBE_NOT_USABLE);
}

/* ---- Printing ------------------------------------------------------------------------------- */

static char *printed(const struct probe_facts *facts,
		     void (*print)(const struct probe_facts *facts,
				   const struct probe_report *report, FILE *out))
{
	static char text[16384];
	const struct probe_report report = judge(facts);
	FILE *file = fmemopen(text, sizeof(text), "w");
	print(facts, &report, file);
	fclose(file);
	return text;
}

static void expect_has(const char *text, const char *wanted)
{
	cr_expect_not_null(strstr(text, wanted), "\"%s\" is not in: %s", wanted, text);
}

Test(probe, the_text_has_a_line_for_each_fact)
{
	struct probe_facts facts = perfect();
	const char *text = printed(&facts, probe_print_text);
	expect_has(text, "\nkernel TLS: yes\n");
	expect_has(text, "\nTLS_AES_256_GCM_SHA384: TX yes, RX yes\n");
	expect_has(text, "\nio_uring: yes\n");
	expect_has(text, "\nsandbox: Landlock ABI 7, seccomp filters yes\n");
	expect_has(text, "\nverdict: kernel TLS is usable\n");
	cr_expect_null(strstr(text, "warning:"));

	facts.ktls.rekey = KTLS_NO;
	text = printed(&facts, probe_print_text);
	expect_has(text, "\nwarning: no KeyUpdate");
	expect_has(text, "; see kconfig-notes/tls-rekey.md\n");

	facts.ktls = (struct ktls_caps){.ulp_errno = -ENOENT};
	text = printed(&facts, probe_print_text);
	expect_has(text, "\nkernel TLS: no (TCP ULP \"tls\": ENOENT)\n");
	expect_has(text, "\nTLS_AES_128_GCM_SHA256: TX untested, RX untested\n");
	expect_has(text, "\nverdict: kernel TLS is not usable;");
}

Test(probe, the_json_has_the_keys_that_were_promised)
{
	struct probe_facts facts = perfect();
	facts.ktls.rekey = KTLS_NO;
	facts.ktls.rx[TLS_CIPHER_CHACHA20] = false;
	facts.counter_count = 2;
	facts.counter[0] = (struct probe_counter){"TlsTxSw", 12};
	facts.counter[1] = (struct probe_counter){"TlsRxSw", 7};
	strcpy(facts.version, "a \"b\" \\ \t \xff");
	const char *json = printed(&facts, probe_print_json);
	expect_has(json, "{\"kernel\":{\"release\":\"7.3.4+deb13-cloud-amd64\",");
	expect_has(json, "\"build\":\"a \\\"b\\\" \\\\ \\u0009 \\u00ff\",");
	expect_has(json, "\"version\":\"7.3.4\"}");
	expect_has(json, "\"ktls\":{\"ulp\":true,\"ulp_errno\":0,\"module\":\"loaded\",");
	expect_has(json, "\"TLS_CHACHA20_POLY1305_SHA256\":{\"tx\":true,\"rx\":false}}");
	expect_has(json,
		   "\"rekey\":\"no\",\"expect_no_pad\":\"yes\",\"padding_self_test\":\"yes\",");
	expect_has(json, "\"has_tls_stat\":true,\"tls_stat\":{\"TlsTxSw\":12,\"TlsRxSw\":7},");
	expect_has(json, "\"cpu_flags\":\"pclmulqdq aes avx vaes\",");
	expect_has(json, "\"openat2\":true,");
	expect_has(json, "\"io_uring\":{\"usable\":true,\"errno\":0,");
	expect_has(json, "\"sandbox\":{\"landlock_abi\":7,\"landlock_errno\":0,\"seccomp\":true}");
	expect_has(json, "\"CONFIG_TLS\":\"y\"");
	expect_has(json, "\"page\":\"kconfig-notes/tls-rekey.md\"}]");
	expect_has(json, "\"verdict\":\"usable_with_warnings\",\"exit_code\":1}\n");
	cr_expect_eq(strchr(json, '\n'), json + strlen(json) - 1, "one line");
}
