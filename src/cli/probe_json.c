/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include "cli/json.h"
#include "tls/version.h"

static void put_kernel(struct json *json, const struct probe_facts *facts)
{
	const struct kernel_version *kernel = &facts->kernel;
	char text[64] = "";

	if (kernel->patch >= 0)
		snprintf(text, sizeof(text), "%d.%d.%d", kernel->major, kernel->minor,
			 kernel->patch);
	json_open(json, "kernel", '{');
	json_put_text(json, "release", facts->release);
	json_put_text(json, "build", facts->version);
	json_put_text(json, "machine", facts->machine);
	json_put_text(json, "version", text);
	json_close(json, '}');
	json_put_text(json, "cpu_flags", facts->cpu_flags);
	json_put_text(json, "openssl", tls_library_version());
}

static void put_tls(struct json *json, const struct probe_facts *facts)
{
	const struct ktls_caps *ktls = &facts->ktls;

	json_open(json, "ktls", '{');
	json_put_bool(json, "ulp", ktls->ulp_errno == 0);
	json_put_number(json, "ulp_errno", -ktls->ulp_errno);
	json_put_text(json, "module", tls_module_label(facts->tls_module));
	json_put_bool(json, "has_tls_stat", facts->has_tls_stat);
	json_open(json, "tls_stat", '{');
	for (size_t i = 0; i < facts->counter_count; i++)
		json_put_number(json, facts->counter[i].name, facts->counter[i].value);
	json_close(json, '}');
	json_open(json, "ciphers", '{');
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		json_open(json, tls_cipher_label((enum tls_cipher)i), '{');
		json_put_bool(json, "tx", ktls->tx[i]);
		json_put_bool(json, "rx", ktls->rx[i]);
		json_close(json, '}');
	}
	json_close(json, '}');
	json_put_text(json, "rekey", ktls_verdict_label(ktls->rekey));
	json_put_text(json, "expect_no_pad", ktls_verdict_label(ktls->no_pad));
	json_put_text(json, "padding_self_test", ktls_verdict_label(ktls->pad_safe));
	json_put_text(json, "aes_gcm_driver", facts->aes_gcm_driver);
	json_put_text(json, "chacha20_poly1305_driver", facts->chacha_driver);
	json_close(json, '}');
}

static void put_io_uring(struct json *json, const struct io_caps *io)
{
	json_open(json, "io_uring", '{');
	json_put_bool(json, "usable", io->ring_errno == 0);
	json_put_number(json, "errno", -io->ring_errno);
	json_put_number(json, "disabled", io->disabled);
	json_put_bool(json, "seccomp_filter", io->has_seccomp);
	json_open(json, "operations", '{');
	json_put_bool(json, "poll_add", io->op_poll_add);
	json_put_bool(json, "read", io->op_read);
	json_put_bool(json, "readv", io->op_readv);
	json_put_bool(json, "splice", io->op_splice);
	json_put_bool(json, "openat2", io->op_openat2);
	json_put_bool(json, "async_cancel", io->op_async_cancel);
	json_close(json, '}');
	json_open(json, "features", '{');
	json_put_bool(json, "nodrop", io->has_nodrop);
	json_put_bool(json, "fast_poll", io->has_fast_poll);
	json_put_bool(json, "ext_arg", io->has_ext_arg);
	json_put_bool(json, "single_issuer", io->has_single_issuer);
	json_put_bool(json, "defer_taskrun", io->has_defer_taskrun);
	json_close(json, '}');
	json_close(json, '}');
}

static void put_sandbox(struct json *json, const struct io_caps *io)
{
	json_open(json, "sandbox", '{');
	json_put_number(json, "landlock_abi", io->landlock_abi > 0 ? io->landlock_abi : 0);
	json_put_number(json, "landlock_errno", io->landlock_abi < 0 ? -io->landlock_abi : 0);
	json_put_bool(json, "seccomp", io->seccomp_error == 0);
	json_close(json, '}');
}

static void put_limits(struct json *json, const struct io_caps *io)
{
	json_put_bool(json, "openat2", io->has_openat2);
	json_put_bool(json, "cachestat", io->has_cachestat);
	json_open(json, "pipes", '{');
	json_put_number(json, "max_bytes", io->pipe_max_bytes);
	json_put_number(json, "user_pages_soft", io->pipe_user_pages_soft);
	json_put_number(json, "user_pages_hard", io->pipe_user_pages_hard);
	json_put_bool(json, "privileged", io_caps_is_pipe_privileged(io));
	json_close(json, '}');
	json_open(json, "limits", '{');
	json_put_number(json, "open_files_soft", io->files_soft);
	json_put_number(json, "open_files_hard", io->files_hard);
	json_put_number(json, "locked_memory_bytes", io->memlock_bytes);
	json_close(json, '}');
}

static void put_config(struct json *json, const struct probe_facts *facts)
{
	json_open(json, "kernel_config", '{');
	json_put_text(json, "file", facts->config_file);
	json_open(json, "options", '{');
	for (int i = 0; i < PROBE_OPTION_COUNT; i++)
		json_put_text(json, probe_option_name((enum probe_option)i), facts->option[i]);
	json_close(json, '}');
	json_close(json, '}');
}

void probe_print_json(const struct probe_facts *facts, const struct probe_report *report, FILE *out)
{
	struct json json = {.out = out, .is_first = true};
	char page[PROBE_LINE_MAX];

	json_open(&json, NULL, '{');
	put_kernel(&json, facts);
	put_tls(&json, facts);
	put_io_uring(&json, &facts->io);
	put_sandbox(&json, &facts->io);
	put_limits(&json, &facts->io);
	put_config(&json, facts);
	json_open(&json, "warnings", '[');
	for (size_t i = 0; i < report->warning_count; i++) {
		snprintf(page, sizeof(page), "kconfig-notes/%s", report->warning[i].page);
		json_open(&json, NULL, '{');
		json_put_text(&json, "text", report->warning[i].text);
		json_put_text(&json, "page", page);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_put_text(&json, "verdict", probe_verdict_label(report->verdict));
	json_put_number(&json, "exit_code", (long)report->verdict);
	json_close(&json, '}');
	fputc('\n', out);
}
