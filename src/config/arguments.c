/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, by a table of options. */
#include <errno.h>
#include <string.h>

#include "config/options.h"

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

int argument_next(const struct option_table *table, int argc, char *const argv[], int *at,
		  struct argument *argument, char error[ERROR_TEXT_MAX])
{
	const char *text = argv[(*at)++];

	*argument = (struct argument){0};
	if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
		return 0;
	if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
		snprintf(error, ERROR_TEXT_MAX, "unexpected argument %.100s; options begin with --",
			 text);
		return -EINVAL;
	}
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
