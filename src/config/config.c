/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "config/config_private.h"
#include "config/options.h"

const char *tls_cipher_label(enum tls_cipher cipher)
{
	static const char *const labels[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					     "TLS_CHACHA20_POLY1305_SHA256"};
	must((unsigned)cipher < ARRAY_LEN(labels));
	return labels[cipher];
}

void config_clean_error(char error[ERROR_TEXT_MAX])
{
	for (; *error != '\0'; error++)
		if ((unsigned char)*error < 0x20 || *error == 0x7f)
			*error = '?';
}

void config_init(struct config *config)
{
	char error[ERROR_TEXT_MAX];
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < options_count; i++)
		if (options[i].initial != NULL)
			must(option_set(config, &options[i], options[i].initial, true, error) == 0);
}

void config_fini(struct config *config)
{
	for (unsigned i = 0; i < config->allowed_san_count; i++)
		free(config->allowed_sans[i]);
	config->allowed_san_count = 0;
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
	return 0;
}

static int read_file(const char *name, char **text, size_t *len, char error[ERROR_TEXT_MAX])
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t size = CONFIG_BYTES_MAX + 1;
	ssize_t n = -1;

	*text = NULL;
	*len = 0;
	if (fd >= 0 && (*text = malloc(size)) != NULL) {
		while (*len < size && (n = read(fd, *text + *len, size - *len)) > 0)
			*len += (size_t)n;
	}
	if (fd < 0 || *text == NULL || n < 0) {
		snprintf(error, ERROR_TEXT_MAX, "%.200s: cannot read the configuration: %s", name,
			 strerrordesc_np(errno));
		free(*text);
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}
	close(fd);
	return 0;
}

static int load_file(struct config *config, char error[ERROR_TEXT_MAX])
{
	char *text;
	size_t len;
	int r = read_file(config->config_file, &text, &len, error);
	if (r < 0)
		return r;
	r = config_parse_yaml(config, text, len, config->config_file, error);
	free(text);
	return r < 0 ? r : resolve_paths(config, error);
}

/* ---- The command line ----------------------------------------------------------------------- */

struct argument {
	const struct option *option;
	const char *value;
	bool is_help;
};

static int refuse_flag(const char *text, char error[ERROR_TEXT_MAX])
{
	char name[64];
	const char *nearest = NULL;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text + 2, "="), text + 2);
	unsigned best = text_near(name) + 1;
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].flag == NULL)
			continue;
		unsigned distance = text_distance(name, options[i].flag, best);
		if (distance < best) {
			best = distance;
			nearest = options[i].flag;
		}
	}
	if (nearest != NULL)
		snprintf(error, ERROR_TEXT_MAX, "unknown option --%s; did you mean --%s?", name,
			 nearest);
	else
		snprintf(error, ERROR_TEXT_MAX, "unknown option --%s; see --help", name);
	return -EINVAL;
}

/* One argument at argv[*at], and its value; *at moves behind it. */
static int next_argument(int argc, char *const argv[], int *at, struct argument *argument,
			 char error[ERROR_TEXT_MAX])
{
	const char *text = argv[(*at)++];

	*argument = (struct argument){0};
	if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
		argument->is_help = true;
		return 0;
	}
	if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
		snprintf(error, ERROR_TEXT_MAX, "unexpected argument %.100s; options begin with --",
			 text);
		return -EINVAL;
	}
	const char *name = text + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	argument->option = option_by_flag(name, len);
	argument->value = equals != NULL ? equals + 1 : NULL;
	if (argument->option == NULL && equals == NULL && strncmp(name, "no-", 3) == 0) {
		argument->option = option_by_flag(name + 3, len - 3);
		argument->value = "false";
		if (argument->option != NULL && argument->option->type != OPTION_BOOL)
			argument->option = NULL;
	}
	if (argument->option == NULL)
		return refuse_flag(text, error);
	if (argument->value != NULL)
		return 0;
	if (argument->option->type == OPTION_BOOL) {
		argument->value = "true";
	} else if (*at < argc && strncmp(argv[*at], "--", 2) != 0) {
		argument->value = argv[(*at)++];
	} else { /* a value that begins so must be written with =, or a forgotten one hides */
		snprintf(error, ERROR_TEXT_MAX, "--%s needs a value: --%s=%s",
			 argument->option->flag, argument->option->flag,
			 argument->option->value_name);
		return -EINVAL;
	}
	return 0;
}

/* only_config: looks for --config and --help alone, before the file is read. */
static int read_arguments(struct config *config, int argc, char *const argv[], bool only_config,
			  char error[ERROR_TEXT_MAX])
{
	bool seen[64] = {false};
	char why[ERROR_TEXT_MAX];
	struct argument argument;

	must(options_count <= ARRAY_LEN(seen));
	for (int at = 1; at < argc;) {
		int r = next_argument(argc, argv, &at, &argument, error);
		if (r < 0)
			return r;
		if (argument.is_help)
			return CONFIG_HELP_SHOWN;
		const struct option *option = argument.option;
		if (only_config && option->offset != offsetof(struct config, config_file))
			continue;
		/* A list on the command line replaces the file's. */
		bool is_first = !seen[option - options] || option->type != OPTION_ADDRESSES;
		seen[option - options] = true;
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

static int check_whole(const struct config *config, char error[ERROR_TEXT_MAX])
{
	const struct {
		bool is_there;
		const char *flag, *key;
	} required[] = {
		{config->root[0] != '\0', "root", "root"},
		{config->listen_count > 0, "listen", "listen"},
		{config->cert_file[0] != '\0', "cert", "tls_server_config.cert_file"},
		{config->key_file[0] != '\0', "key", "tls_server_config.key_file"},
		{config->client_ca_file[0] != '\0', "client-ca",
		 "tls_server_config.client_ca_file"},
	};
	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		if (!required[i].is_there) {
			snprintf(error, ERROR_TEXT_MAX, "--%s is required (in the file: %s)",
				 required[i].flag, required[i].key);
			return -EINVAL;
		}
	}
	if (config->tls_path == TLS_PATH_USER && (config->send_engine == SEND_ENGINE_SENDFILE ||
						  config->send_engine == SEND_ENGINE_SPLICE)) {
		snprintf(error, ERROR_TEXT_MAX,
			 "--send-engine=%s needs kernel TLS, which --tls-path=user turns off; use "
			 "--send-engine=copy or auto",
			 config->send_engine == SEND_ENGINE_SPLICE ? "splice" : "sendfile");
		return -EINVAL;
	}
	return check_addresses(config, error);
}

int config_load(struct config *config, int argc, char *const argv[], char error[ERROR_TEXT_MAX])
{
	config_init(config);
	int r = read_arguments(config, argc, argv, true, error);
	if (r == CONFIG_HELP_SHOWN) {
		config_print_help(stdout);
		return CONFIG_HELP_SHOWN;
	}
	if (r == CONFIG_READY && config->config_file[0] != '\0')
		r = load_file(config, error);
	if (r == CONFIG_READY)
		r = read_arguments(config, argc, argv, false, error);
	if (r == CONFIG_READY)
		r = check_whole(config, error);
	if (r < 0)
		config_clean_error(error);
	return r;
}
