/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_bytes.h"
#include "base/must.h"
#include "config/config_private.h"
#include "config/options.h"

void config_clean_error(char error[ERROR_TEXT_MAX])
{
	for (; *error != '\0'; error++)
		if ((unsigned char)*error < 0x20 || *error == 0x7f)
			*error = '?';
}

void config_init(struct config *config)
{
	memset(config, 0, sizeof(*config));
	options_init(config, &check_options);
}

void config_fini(struct config *config)
{
	tls_settings_fini(&config->tls);
	policy_fini(&config->policy);
}

/* ---- The file ------------------------------------------------------------------------------- */

/* Paths of the file are seen from the file's folder. */
static int resolve_paths(struct config *config, char error[ERROR_TEXT_MAX])
{
	char joined[PATH_MAX];
	for (size_t i = 0; i < options_count; i++) {
		char *path = (char *)config + options[i].offset;
		if (options[i].type != OPTION_PATH || options[i].key == NULL || path[0] == '\0' ||
		    path[0] == '/')
			continue;
		if (path_beside(config->config_file, path, joined) < 0) {
			snprintf(error, ERROR_TEXT_MAX, "%.200s: %s: the path is too long",
				 config->config_file, options[i].key);
			return -EINVAL;
		}
		memcpy(path, joined, strlen(joined) + 1);
	}
	return config_resolve_certificates(config, error);
}

static int load_file(struct config *config, char error[ERROR_TEXT_MAX])
{
	struct file_bytes text;
	int r = file_bytes_read(&text, config->config_file, CONFIG_BYTES_MAX + 1);

	if (r < 0) {
		snprintf(error, ERROR_TEXT_MAX, "%.200s: cannot read the configuration: %s",
			 config->config_file, strerrordesc_np(-r));
		return -EINVAL;
	}
	r = config_parse_yaml(config, text.at != NULL ? text.at : "", text.len, config->config_file,
			      error);
	file_bytes_fini(&text);
	return r < 0 ? r : resolve_paths(config, error);
}

/* ---- The command line ----------------------------------------------------------------------- */

/* A command line, and the options that it may have. */
struct arguments {
	const struct option_table *table;
	int argc;
	char *const *argv;
};

/* These were options of serve. */
static bool is_moved_to_check(const char *argument)
{
	static const char *const moved[] = {"--check-config", "--check-access"};

	for (size_t i = 0; i < ARRAY_LEN(moved); i++)
		if (strncmp(argument, moved[i], strlen(moved[i])) == 0)
			return true;
	return false;
}

/* early: looks for --config and --help alone. */
static int read_arguments(struct config *config, const struct arguments *arguments, bool early,
			  char error[ERROR_TEXT_MAX])
{
	char why[ERROR_TEXT_MAX];
	struct argument argument;
	bool has_address = false;

	for (int at = 1; at < arguments->argc;) {
		const char *text = arguments->argv[at];
		int r = argument_next(arguments->table, arguments->argc, arguments->argv, &at,
				      &argument, error);
		if (r < 0 && is_moved_to_check(text))
			snprintf(error, ERROR_TEXT_MAX, "%.40s is gone; use `sluice check`", text);
		if (r < 0)
			return r;
		if (argument.option == NULL)
			return CONFIG_HELP_SHOWN;
		const struct option *option = argument.option;
		if (early && option->offset != offsetof(struct config, config_file))
			continue;
		/* A list on the command line replaces the file's. */
		bool is_address = option->type == OPTION_ADDRESSES;
		bool is_first = !is_address || !has_address;
		has_address = has_address || is_address;
		if (option_set(config, option, argument.value, is_first, why) < 0) {
			snprintf(error, ERROR_TEXT_MAX, "--%s: %.400s", option->flag, why);
			return -EINVAL;
		}
	}
	return CONFIG_READY;
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* Twice the same address: the second would find it in use, by us. */
static int check_addresses(const struct config *config, char error[ERROR_TEXT_MAX])
{
	for (unsigned i = 0; i < config->listen_count; i++) {
		const char *addr = config->listen[i];
		const char *port = strrchr(addr, ':');
		bool is_twice = strcmp(addr, config->admin_listen) == 0;
		for (unsigned other = 0; other < i; other++)
			is_twice = is_twice || strcmp(addr, config->listen[other]) == 0;
		if (is_twice && (port == NULL || strcmp(port, ":0") != 0)) {
			snprintf(error, ERROR_TEXT_MAX,
				 "the address %.200s is given twice; each --listen and "
				 "--admin-listen needs its own",
				 addr);
			return -EINVAL;
		}
	}
	return 0;
}

/* Of `sluice check`: the question about one client, if it is asked. */
static int check_question(const struct config *config, char error[ERROR_TEXT_MAX])
{
	bool has_object = config->check_object[0] != '\0';

	if (config->check_identity_cert[0] == '\0') {
		if (!has_object)
			return 0;
		snprintf(error, ERROR_TEXT_MAX, "--object needs --identity-cert");
		return -EINVAL;
	}
	if (!has_object) {
		snprintf(error, ERROR_TEXT_MAX, "--identity-cert needs --object");
		return -EINVAL;
	}
	if (config->check_object[0] == '/' || strchr(config->check_object, '/') == NULL) {
		snprintf(error, ERROR_TEXT_MAX,
			 "--object: write BUCKET/KEY, or BUCKET/ for the bucket itself");
		return -EINVAL;
	}
	return 0;
}

static int check_whole(const struct config *config, char error[ERROR_TEXT_MAX])
{
	const struct option_required required[] = {
		{"root", config->root[0] != '\0'},
		{"listen", config->listen_count > 0},
		{"cert", tls_settings_certificate_count(&config->tls) > 0},
		{"key", config->tls.key_file[0] != '\0' || config->tls.key_text != NULL ||
				config->tls.certificate_count > 0},
		{"client-ca", config->tls.client_ca_file[0] != '\0' ||
				      config->tls.client_ca_text != NULL ||
				      config->tls.client_ca_count > 0},
	};
	if (check_question(config, error) < 0 || config_check_client_cas(config, error) < 0)
		return -EINVAL;
	if (config->check_identity_cert[0] != '\0')
		return 0;
	if (options_check_required(&serve_options, required, ARRAY_LEN(required), error) < 0)
		return -EINVAL;
	if (config_check_certificates(config, error) < 0)
		return -EINVAL;
	if (config->tls_path == TLS_PATH_USER && (config->send_engine == SEND_ENGINE_SENDFILE ||
						  config->send_engine == SEND_ENGINE_SPLICE)) {
		snprintf(error, ERROR_TEXT_MAX,
			 "--send-engine=%s needs kernel TLS, which --tls-path=user turns off; use "
			 "--send-engine=copy or auto",
			 config->send_engine == SEND_ENGINE_SPLICE ? "splice" : "sendfile");
		return -EINVAL;
	}
	if (config->scrub_quarantine && (config->scrub_rate_bytes == 0 || !config->writable)) {
		snprintf(error, ERROR_TEXT_MAX, "--scrub-quarantine needs --%s: %s",
			 config->scrub_rate_bytes == 0 ? "scrub-rate" : "writable",
			 config->scrub_rate_bytes == 0
				 ? "without a scrub nothing is found"
				 : "a read-only server cannot mark a damaged object");
		return -EINVAL;
	}
	return check_addresses(config, error);
}

int config_load(struct config *config, enum config_command command, int argc, char *const argv[],
		char error[ERROR_TEXT_MAX])
{
	const struct arguments arguments = {.table = command == CONFIG_CHECK ? &check_options
									     : &serve_options,
					    .argc = argc,
					    .argv = argv};

	config_init(config);
	int r = read_arguments(config, &arguments, true, error);
	if (r == CONFIG_HELP_SHOWN) {
		(command == CONFIG_CHECK ? config_print_check_help : config_print_help)(stdout);
		return CONFIG_HELP_SHOWN;
	}
	if (r == CONFIG_READY && config->config_file[0] != '\0')
		r = load_file(config, error);
	if (r == CONFIG_READY)
		r = read_arguments(config, &arguments, false, error);
	if (r == CONFIG_READY)
		r = check_whole(config, error);
	if (r < 0)
		config_clean_error(error);
	return r;
}

void config_trust_files(const struct config *config, const char *files[CONFIG_TRUST_FILES])
{
	unsigned count = 0;

	files[count++] = config->config_file;
	files[count++] = config->tls.client_ca_file;
	files[count++] = config->tls.crl_file;
	for (unsigned i = 0; i < tls_settings_certificate_count(&config->tls); i++) {
		files[count++] = tls_settings_cert_file(&config->tls, i);
		files[count++] = tls_settings_key_file(&config->tls, i);
	}
	for (unsigned i = 0; i < config->tls.client_ca_count; i++) {
		files[count++] = config->tls.client_ca[i].ca_file;
		files[count++] = config->tls.client_ca[i].crl_file;
	}
	while (count < CONFIG_TRUST_FILES)
		files[count++] = "";
}

/* ---- Reload ---------------------------------------------------------------------------------- */

static size_t size_of(const struct option *option)
{
	switch (option->type) {
	case OPTION_PATH:
	case OPTION_TEXT:
		return PATH_MAX;
	case OPTION_ADDRESS:
		return ADDR_TEXT_MAX;
	case OPTION_ADDRESSES:
		return sizeof(((struct config *)NULL)->listen);
	case OPTION_CHOICE:
		return sizeof(int);
	case OPTION_BOOL:
		return sizeof(bool);
	case OPTION_UNSIGNED:
	case OPTION_DURATION:
		return sizeof(unsigned);
	case OPTION_U64:
	case OPTION_BYTES:
		return sizeof(uint64_t);
	case OPTION_CIPHERS:
	case OPTION_GROUPS:
	case OPTION_SANS:
	case OPTION_ONLY:
		break; /* reloaded, or nothing */
	}
	return 0;
}

/* Everything about certificates is taken up by a reload. */
static bool is_reloaded(const struct option *option)
{
	static const char section[] = "tls_server_config.";
	return option->key != NULL && strncmp(option->key, section, sizeof(section) - 1) == 0;
}

static bool is_text(const struct option *option)
{
	return option->type == OPTION_PATH || option->type == OPTION_TEXT ||
	       option->type == OPTION_ADDRESS;
}

unsigned config_restart_needed(const struct config *running, const struct config *loaded,
			       char *names, size_t size)
{
	unsigned count = 0;
	size_t used = 0;

	must(size > 0);
	names[0] = '\0';
	for (size_t i = 0; i < options_count; i++) {
		const struct option *option = &options[i];
		const char *before = (const char *)running + option->offset;
		const char *after = (const char *)loaded + option->offset;
		bool is_same = is_text(option) ? strcmp(before, after) == 0
					       : memcmp(before, after, size_of(option)) == 0;
		if (is_reloaded(option) || is_same)
			continue;
		const char *name = option->key != NULL ? option->key : option->flag;
		int n = snprintf(names + used, size - used, "%s%s", count++ > 0 ? ", " : "", name);
		used = n > 0 && (size_t)n < size - used ? used + (size_t)n : size - 1;
	}
	return count;
}
