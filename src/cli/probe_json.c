/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include "tls/version.h"

/* An object or array under construction. */
struct json {
	FILE *out;
	bool is_first; /* no comma before the next member */
};

static void put_string(const struct json *json, const char *text)
{
	fputc('"', json->out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(json->out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f) /* nobody promises UTF-8 */
			fprintf(json->out, "\\u%04x", c);
		else
			fputc(c, json->out);
	}
	fputc('"', json->out);
}

/* name NULL: a member of an array. */
static void begin_member(struct json *json, const char *name)
{
	if (!json->is_first)
		fputc(',', json->out);
	json->is_first = false;
	if (name != NULL) {
		put_string(json, name);
		fputc(':', json->out);
	}
}

static void open_member(struct json *json, const char *name, char bracket)
{
	begin_member(json, name);
	fputc(bracket, json->out);
	json->is_first = true;
}

static void close_member(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->is_first = false;
}

static void put_text(struct json *json, const char *name, const char *value)
{
	begin_member(json, name);
	put_string(json, value);
}

static void put_bool(struct json *json, const char *name, bool value)
{
	begin_member(json, name);
	fputs(value ? "true" : "false", json->out);
}

static void put_number(struct json *json, const char *name, long value)
{
	begin_member(json, name);
	fprintf(json->out, "%ld", value);
}

static void put_kernel(struct json *json, const struct probe_facts *facts)
{
	const struct kernel_version *kernel = &facts->kernel;
	char text[64] = "";

	if (kernel->patch >= 0)
		snprintf(text, sizeof(text), "%d.%d.%d", kernel->major, kernel->minor,
			 kernel->patch);
	open_member(json, "kernel", '{');
	put_text(json, "release", facts->release);
	put_text(json, "build", facts->version);
	put_text(json, "machine", facts->machine);
	put_text(json, "version", text);
	close_member(json, '}');
	put_text(json, "cpu_flags", facts->cpu_flags);
	put_text(json, "openssl", tls_library_version());
}

static void put_tls(struct json *json, const struct probe_facts *facts)
{
	const struct ktls_caps *ktls = &facts->ktls;

	open_member(json, "ktls", '{');
	put_bool(json, "ulp", ktls->ulp_errno == 0);
	put_number(json, "ulp_errno", -ktls->ulp_errno);
	put_text(json, "module", tls_module_label(facts->tls_module));
	put_bool(json, "has_tls_stat", facts->has_tls_stat);
	open_member(json, "tls_stat", '{');
	for (size_t i = 0; i < facts->counter_count; i++)
		put_number(json, facts->counter[i].name, facts->counter[i].value);
	close_member(json, '}');
	open_member(json, "ciphers", '{');
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		open_member(json, tls_cipher_label((enum tls_cipher)i), '{');
		put_bool(json, "tx", ktls->tx[i]);
		put_bool(json, "rx", ktls->rx[i]);
		close_member(json, '}');
	}
	close_member(json, '}');
	put_text(json, "rekey", ktls_verdict_label(ktls->rekey));
	put_text(json, "expect_no_pad", ktls_verdict_label(ktls->no_pad));
	put_text(json, "padding_self_test", ktls_verdict_label(ktls->pad_safe));
	put_text(json, "aes_gcm_driver", facts->aes_gcm_driver);
	put_text(json, "chacha20_poly1305_driver", facts->chacha_driver);
	close_member(json, '}');
}

static void put_io_uring(struct json *json, const struct io_caps *io)
{
	open_member(json, "io_uring", '{');
	put_bool(json, "usable", io->ring_errno == 0);
	put_number(json, "errno", -io->ring_errno);
	put_number(json, "disabled", io->disabled);
	put_bool(json, "seccomp_filter", io->has_seccomp);
	open_member(json, "operations", '{');
	put_bool(json, "poll_add", io->op_poll_add);
	put_bool(json, "read", io->op_read);
	put_bool(json, "readv", io->op_readv);
	put_bool(json, "splice", io->op_splice);
	put_bool(json, "openat2", io->op_openat2);
	put_bool(json, "async_cancel", io->op_async_cancel);
	close_member(json, '}');
	open_member(json, "features", '{');
	put_bool(json, "nodrop", io->has_nodrop);
	put_bool(json, "fast_poll", io->has_fast_poll);
	put_bool(json, "ext_arg", io->has_ext_arg);
	put_bool(json, "single_issuer", io->has_single_issuer);
	put_bool(json, "defer_taskrun", io->has_defer_taskrun);
	close_member(json, '}');
	close_member(json, '}');
}

static void put_sandbox(struct json *json, const struct io_caps *io)
{
	open_member(json, "sandbox", '{');
	put_number(json, "landlock_abi", io->landlock_abi > 0 ? io->landlock_abi : 0);
	put_number(json, "landlock_errno", io->landlock_abi < 0 ? -io->landlock_abi : 0);
	put_bool(json, "seccomp", io->seccomp_error == 0);
	close_member(json, '}');
}

static void put_limits(struct json *json, const struct io_caps *io)
{
	put_bool(json, "openat2", io->has_openat2);
	put_bool(json, "cachestat", io->has_cachestat);
	open_member(json, "pipes", '{');
	put_number(json, "max_bytes", io->pipe_max_bytes);
	put_number(json, "user_pages_soft", io->pipe_user_pages_soft);
	put_number(json, "user_pages_hard", io->pipe_user_pages_hard);
	put_bool(json, "privileged", io_caps_is_pipe_privileged(io));
	close_member(json, '}');
	open_member(json, "limits", '{');
	put_number(json, "open_files_soft", io->files_soft);
	put_number(json, "open_files_hard", io->files_hard);
	put_number(json, "locked_memory_bytes", io->memlock_bytes);
	close_member(json, '}');
}

static void put_config(struct json *json, const struct probe_facts *facts)
{
	open_member(json, "kernel_config", '{');
	put_text(json, "file", facts->config_file);
	open_member(json, "options", '{');
	for (int i = 0; i < PROBE_OPTION_COUNT; i++)
		put_text(json, probe_option_name((enum probe_option)i), facts->option[i]);
	close_member(json, '}');
	close_member(json, '}');
}

void probe_print_json(const struct probe_facts *facts, const struct probe_report *report, FILE *out)
{
	struct json json = {.out = out, .is_first = true};
	char page[PROBE_LINE_MAX];

	open_member(&json, NULL, '{');
	put_kernel(&json, facts);
	put_tls(&json, facts);
	put_io_uring(&json, &facts->io);
	put_sandbox(&json, &facts->io);
	put_limits(&json, &facts->io);
	put_config(&json, facts);
	open_member(&json, "warnings", '[');
	for (size_t i = 0; i < report->warning_count; i++) {
		snprintf(page, sizeof(page), "kconfig-notes/%s", report->warning[i].page);
		open_member(&json, NULL, '{');
		put_text(&json, "text", report->warning[i].text);
		put_text(&json, "page", page);
		close_member(&json, '}');
	}
	close_member(&json, ']');
	put_text(&json, "verdict", probe_verdict_label(report->verdict));
	put_number(&json, "exit_code", (long)report->verdict);
	close_member(&json, '}');
	fputc('\n', out);
}
