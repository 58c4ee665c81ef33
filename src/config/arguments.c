/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, by a table of options. */
#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"
#include "config/options.h"

#define REQUIRED_MAX 8 /* options of one command */

static int refuse_flag(const struct option_table *table, const char *text,
		       char error[ERROR_TEXT_MAX])
{
	char name[64];
	const char *nearest = NULL;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text + 2, "="), text + 2);
	unsigned best = text_near(name) + 1;
	for (; table != NULL; table = table->base) {
		for (size_t i = 0; i < table->count; i++) {
			const char *flag = table->row[i].flag;
			if (flag == NULL)
				continue;
			unsigned distance = text_distance(name, flag, best);
			if (distance < best) {
				best = distance;
				nearest = flag;
			}
		}
	}
	if (nearest != NULL)
		snprintf(error, ERROR_TEXT_MAX, "unknown option --%s; did you mean --%s?", name,
			 nearest);
	else
		snprintf(error, ERROR_TEXT_MAX, "unknown option --%s; see --help", name);
	return -EINVAL;
}

static bool is_bool_word(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}

/* No option: is it meant as the value of the option of true|false before it? */
static int refuse_word(const struct option_table *table, const char *text, const char *before,
		       char error[ERROR_TEXT_MAX])
{
	const struct option *option = NULL;

	if (strncmp(before, "--", 2) == 0)
		option = option_find(table, before + 2, strlen(before + 2));
	if (option != NULL && option->type == OPTION_BOOL && strncmp(text, "-", 1) != 0)
		snprintf(error, ERROR_TEXT_MAX,
			 "unexpected argument %.100s: --%s takes true or false", text,
			 option->flag);
	else
		snprintf(error, ERROR_TEXT_MAX, "unexpected argument %.100s; options begin with --",
			 text);
	return -EINVAL;
}

int argument_next(const struct option_table *table, int argc, char *const argv[], int *at,
		  struct argument *argument, char error[ERROR_TEXT_MAX])
{
	const char *text = argv[(*at)++];

	*argument = (struct argument){0};
	if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
		return 0;
	if (strncmp(text, "--", 2) != 0 || text[2] == '\0')
		return refuse_word(table, text, argv[*at - 2], error);
	const char *name = text + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	argument->option = option_find(table, name, len);
	argument->value = equals != NULL ? equals + 1 : NULL;
	if (argument->option == NULL && equals == NULL && strncmp(name, "no-", 3) == 0) {
		argument->option = option_find(table, name + 3, len - 3);
		argument->value = "false";
		if (argument->option != NULL && argument->option->type != OPTION_BOOL)
			argument->option = NULL;
	}
	if (argument->option == NULL)
		return refuse_flag(table, text, error);
	if (argument->value != NULL)
		return 0;
	if (argument->option->type == OPTION_BOOL) {
		bool is_next = *at < argc && is_bool_word(argv[*at]);
		argument->value = is_next ? argv[(*at)++] : "true";
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

int options_load(void *target, const struct option_table *table, int argc, char *const argv[],
		 char error[ERROR_TEXT_MAX])
{
	char why[ERROR_TEXT_MAX];
	struct argument argument;
	int r = 0;

	options_init(target, table);
	for (int at = 1; r == 0 && at < argc;) {
		r = argument_next(table, argc, argv, &at, &argument, error);
		if (r == 0 && argument.option == NULL)
			return OPTIONS_HELP;
		if (r == 0 &&
		    (r = option_set(target, argument.option, argument.value, true, why)) < 0)
			snprintf(error, ERROR_TEXT_MAX, "--%s: %.500s", argument.option->flag, why);
	}
	if (r < 0)
		config_clean_error(error);
	return r < 0 ? r : OPTIONS_READY;
}

/* "--root", "--root and --cert", "--root, --cert and --key". */
static void name_missing(const struct option_required *const *missing, size_t count, char *out,
			 size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const char *between = i == 0 ? "" : i + 1 == count ? " and " : ", ";
		int n = snprintf(out + used, size - used, "%s--%s", between, missing[i]->flag);
		must(n > 0 && (size_t)n < size - used);
		used += (size_t)n;
	}
}

int options_check_required(const struct option_table *table, const struct option_required *required,
			   size_t count, char error[ERROR_TEXT_MAX])
{
	const struct option_required *missing[REQUIRED_MAX];
	char flags[ERROR_TEXT_MAX / 3], keys[ERROR_TEXT_MAX / 3] = "";
	size_t missing_count = 0, used = 0;

	must(count <= ARRAY_LEN(missing));
	for (size_t i = 0; i < count; i++) {
		if (required[i].is_given)
			continue;
		const struct option *option =
			option_find(table, required[i].flag, strlen(required[i].flag));
		must(option != NULL);
		missing[missing_count++] = &required[i];
		if (option->key == NULL)
			continue;
		int n = snprintf(keys + used, sizeof(keys) - used, "%s%s", used > 0 ? ", " : "",
				 option->key);
		must(n > 0 && (size_t)n < sizeof(keys) - used);
		used += (size_t)n;
	}
	if (missing_count == 0)
		return 0;
	name_missing(missing, missing_count, flags, sizeof(flags));
	snprintf(error, ERROR_TEXT_MAX, "%s %s required%s%s%s; see --help", flags,
		 missing_count > 1 ? "are" : "is", used > 0 ? " (in the file: " : "", keys,
		 used > 0 ? ")" : "");
	return -EINVAL;
}
