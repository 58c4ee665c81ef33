/* SPDX-License-Identifier: Apache-2.0 */
/* --help and the manual page, from the table of options. */
#include <string.h>

#include "config/options.h"

#define WIDTH 100

/* Words of text, from column indent to WIDTH. */
static void print_wrapped(FILE *out, const char *text, int indent)
{
	int column = indent;
	while (*text != '\0') {
		int len = (int)strcspn(text, " ");
		if (column > indent && column + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		text += *text == ' ';
	}
	fputc('\n', out);
}

/* "auto | kernel | user", or the name of the value. */
static void format_value(const struct option *option, char *out, size_t size)
{
	out[0] = '\0';
	if (option->choices == NULL) {
		snprintf(out, size, "%s",
			 option->type == OPTION_BOOL ? "true|false" : option->value_name);
		return;
	}
	for (int i = 0; option->choices[i] != NULL; i++) {
		size_t used = strlen(out);
		snprintf(out + used, size - used, "%s%s", i > 0 ? "|" : "", option->choices[i]);
	}
}

void config_print_help(FILE *out)
{
	char value[100], text[600];

	fprintf(out,
		"Usage: sluice serve --root DIR --listen ADDR:PORT --cert FILE --key FILE "
		"--client-ca FILE "
		"[options]\n\n"
		"Serves the files of a folder as objects over mutual TLS 1.3, sealed by the kernel "
		"where it "
		"can.\n"
		"Options are written --name=value or --name value; true|false ones also --name, "
		"--no-name.\n\n");
	for (size_t i = 0; i < options_count; i++) {
		const struct option *option = &options[i];
		if (option->flag == NULL)
			continue;
		format_value(option, value, sizeof(value));
		fprintf(out, "  --%s=%s\n", option->flag, value);
		snprintf(text, sizeof(text), "%s%s%s%s", option->help,
			 option->initial != NULL ? " Default: " : "",
			 option->initial != NULL ? option->initial : "",
			 option->initial != NULL ? "." : "");
		fprintf(out, "        ");
		print_wrapped(out, text, 8);
	}
	fprintf(out, "  --help\n        Print this.\n\n"
		     "The same options stand in a YAML file (--config); `man sluice-serve` has its "
		     "keys.\n"
		     "Exit codes: 0 stopped on a signal, 1 error, 2 usage or configuration, 3 root "
		     "folder missing,\n"
		     "5 certificate, key or kernel TLS, 6 address in use.\n");
}

/* roff: a line must not begin with '.' or '\'', and '-' and '\\' are escaped. */
static void print_roff(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '-' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

void config_print_man(FILE *out)
{
	char value[100];
	for (size_t i = 0; i < options_count; i++) {
		const struct option *option = &options[i];
		format_value(option, value, sizeof(value));
		fputs(".TP\n", out);
		if (option->flag != NULL) {
			fputs(".BI \\-\\-", out);
			print_roff(out, option->flag);
			fputs("= \"", out);
			print_roff(out, value);
			fputs("\"\n", out);
		} else {
			fputs(".B (file only)\n", out);
		}
		print_roff(out, option->help);
		if (option->initial != NULL) {
			fputs(" Default: ", out);
			print_roff(out, option->initial);
			fputc('.', out);
		}
		if (option->key != NULL) {
			fputs("\n.br\nIn the file: ", out);
			print_roff(out, option->key);
		}
		fputc('\n', out);
	}
}
