/* SPDX-License-Identifier: Apache-2.0 */
/* --help and the manual page, from the table of options. */
#include <string.h>

#include "base/must.h"
#include "config/config.h"
#include "config/options.h"
#include "config/roff.h"

#define WIDTH          100
#define TEXT_BYTES_MAX 600

/* ---- Words of an option --------------------------------------------------------------------- */

/* "auto|kernel|user", or the name of the value. */
static void format_value(const struct option *option, char *out, size_t size)
{
	size_t used = 0;

	if (option->choices == NULL) {
		snprintf(out, size, "%s",
			 option->type == OPTION_BOOL ? "true|false" : option->value_name);
		return;
	}
	for (int i = 0; option->choices[i] != NULL; i++) {
		int n = snprintf(out + used, size - used, "%s%s", i > 0 ? "|" : "",
				 option->choices[i]);
		must(n > 0 && (size_t)n < size - used);
		used += (size_t)n;
	}
}

/* The sentence, and the default. */
static void format_text(const struct option *option, char *out, size_t size)
{
	int n = option->initial != NULL
			? snprintf(out, size, "%s Default: %s.", option->help, option->initial)
			: snprintf(out, size, "%s", option->help);
	must(n > 0 && (size_t)n < size);
}

/* ---- --help --------------------------------------------------------------------------------- */

void help_print_wrapped(FILE *out, const char *text, int indent)
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

void options_print_help(FILE *out, const struct option_table *table)
{
	char value[100], text[TEXT_BYTES_MAX];

	for (; table != NULL; table = table->base) {
		for (size_t i = 0; i < table->count; i++) {
			const struct option *option = &table->row[i];
			if (option->flag == NULL)
				continue;
			format_value(option, value, sizeof(value));
			format_text(option, text, sizeof(text));
			fprintf(out, "  --%s=%s\n        ", option->flag, value);
			help_print_wrapped(out, text, 8);
		}
	}
	fputs("  --help\n        Print this.\n\n", out);
}

void config_print_help(FILE *out)
{
	fputs("Usage: sluice serve --root DIR --listen ADDR:PORT --cert FILE --key FILE "
	      "--client-ca FILE\n"
	      "                    [options]\n\n"
	      "Serves the files of a folder as objects over mutual TLS 1.3, encrypted by the "
	      "kernel "
	      "where it can.\n",
	      out);
	help_print_wrapped(out, OPTIONS_FORM, 0);
	fputc('\n', out);
	options_print_help(out, &serve_options);
	fputs("Options and access rules can also be set in a YAML file (--config): see `man "
	      "sluice-serve`.\n\n",
	      out);
}

#define CHECK_IS                                                                                   \
	"Tries everything that a start of `sluice serve` with the same options would refuse or "   \
	"warn of, and serves nothing."

void config_print_check_help(FILE *out)
{
	fputs("Usage: sluice check [options of serve] [--strict]\n"
	      "       sluice check [options of serve] --identity-cert FILE --object BUCKET/KEY\n"
	      "                    [--verb VERB]\n\n",
	      out);
	help_print_wrapped(out, CHECK_IS, 0);
	help_print_wrapped(out, OPTIONS_FORM, 0);
	fputc('\n', out);
	options_print_help(out, &check_options);
}

/* ---- The manual page ------------------------------------------------------------------------ */

static const char example[] = "listen: [\"0.0.0.0:8443\", \"[::]:8443\"]\n"
			      "root: /var/lib/sluice\n"
			      "tls_server_config:\n"
			      "  cert_file: server.crt\n"
			      "  key_file: server.key\n"
			      "  client_ca_file: client-ca.crt\n"
			      "access:\n"
			      "  - identity: \"dns:thanos-*.monitoring\"\n"
			      "    allow: [read, list]\n"
			      "    on: [\"blocks/**\"]\n"
			      "  - identity: \"spki:sha256/"
			      "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"\n"
			      "    allow: [read, list, write, delete]\n"
			      "    on: [\"**\"]\n";

const char *config_example(void)
{
	return example;
}

void options_print_man(FILE *out, const struct option_table *table)
{
	char value[100], tag[200], text[TEXT_BYTES_MAX];

	for (; table != NULL; table = table->base) {
		for (size_t i = 0; i < table->count; i++) {
			const struct option *option = &table->row[i];
			if (option->flag == NULL)
				continue;
			format_value(option, value, sizeof(value));
			format_text(option, text, sizeof(text));
			snprintf(tag, sizeof(tag), "--%s=%s", option->flag, value);
			roff_item(out, tag, text);
		}
	}
	roff_item(out, "--help", "Print a summary of the options.");
}

static void print_options(FILE *out)
{
	roff_section(out, "OPTIONS");
	roff_text(out, OPTIONS_FORM " They override the configuration file.\n");
	options_print_man(out, &serve_options);
}

static void print_keys(FILE *out)
{
	char value[100], text[TEXT_BYTES_MAX];

	roff_section(out, "CONFIGURATION FILE");
	roff_text(out,
		  "One YAML document. Unknown keys, wrong values and duplicate keys are refused "
		  "with file and line. Relative paths are relative to the folder of the file. "
		  "Keys of tls_server_config go in that section, as in the web configuration of "
		  "Prometheus.\n");
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].key == NULL)
			continue;
		if (options[i].flag != NULL)
			snprintf(text, sizeof(text), "As --%s.%s", options[i].flag,
				 options[i].type == OPTION_ADDRESSES ||
						 options[i].type == OPTION_CIPHERS ||
						 options[i].type == OPTION_GROUPS
					 ? " A list."
					 : "");
		else if (options[i].choices != NULL) {
			format_value(&options[i], value, sizeof(value));
			snprintf(text, sizeof(text), "%s Accepted: %s.", options[i].help, value);
		} else {
			format_text(&options[i], text, sizeof(text));
		}
		roff_item(out, options[i].key, text);
	}
}

static void print_client_cas(FILE *out)
{
	roff_item(out, "client_cas",
		  "In the place of client_ca_file and crl_file, when several organisations are "
		  "trusted: a list of entries, each with a name, CAs, and the names that these may "
		  "vouch for. Other names in their certificates count for nothing, and a "
		  "certificate of which no name counts is refused in the handshake. One CA may "
		  "stand in one entry only.");
	roff_item(out, "client_cas: name", "Letters, digits, -, _ and .; for logs and rules.");
	roff_item(out, "client_cas: ca_file",
		  "CA certificates, roots or intermediates: each is an anchor.");
	roff_item(out, "client_cas: crl_file",
		  "Their revocation lists; without it they need none. May be left out.");
	roff_item(out, "client_cas: vouches_for",
		  "A list of patterns as in access: identity, or ** for any name. Keys (spki) need "
		  "nobody who vouches for them.");
}

static void print_certificates(FILE *out)
{
	roff_item(
		out, "tls_server_config.cert, key, client_ca",
		"PEM text in place of cert_file, key_file and client_ca_file, which count if both "
		"are given. A configuration with a key in it is to be read by its server alone.");
	roff_item(out, "tls_server_config.certificates",
		  "Instead of cert_file and key_file: a list of several certificates, each with "
		  "cert_file and key_file. A client is shown the first that has the name it asks "
		  "for (SNI) among its DNS names, else the first with a wildcard for it, which "
		  "stands for one label, the leftmost. The first of the list is for clients that "
		  "ask for no name, or for another.");
}

static void print_access(FILE *out)
{
	roff_item(out, "access",
		  "Who may do what where: a list of rules, each with identity, allow and on. The "
		  "first rule that matches allows; no match is a refusal. Without this key every "
		  "client with a verified certificate may read and list; an empty list allows "
		  "nothing.");
	roff_item(
		out, "access: identity",
		"KIND:PATTERN, matched against the names of the client's certificate. Kinds: dns, "
		"uri, email, ip (subject alternative names), cn, ou (subject), spki (sha256/ and "
		"the base64 of the SHA-256 of the public key, without wildcards). In a pattern * "
		"is any run of characters inside one label of a dns name or one segment of a "
		"uri, ** any run at all.");
	roff_item(out, "access: allow", "A list of read, list, write, delete.");
	roff_item(
		out, "access: on",
		"A list of patterns of BUCKET/KEY, * inside one segment, ** any run: blocks/** is "
		"the bucket and every object in it, blocks the bucket alone (it may be listed), "
		"** everything.");
	roff_item(out, "access: ca",
		  "A list of names of entries of client_cas: the rule is for clients of these CAs "
		  "only. May be left out.");
	roff_example(out, example);
}

void config_print_man(FILE *out)
{
	print_options(out);
	print_keys(out);
	print_certificates(out);
	print_client_cas(out);
	print_access(out);
}

void config_print_check_man(FILE *out)
{
	roff_section(out, "OPTIONS");
	roff_text(out, OPTIONS_FORM " They override the configuration file.\n");
	options_print_man(out, &check_options);
}
