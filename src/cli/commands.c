/* SPDX-License-Identifier: Apache-2.0 */
/* The table of subcommands, and what is printed from it. */
#include <ctype.h>
#include <string.h>

#include "base/build_version.h"
#include "base/must.h"
#include "cli/cli.h"
#include "config/config.h"
#include "config/options.h"
#include "config/roff.h"

const struct command commands[] = {
	{"serve", cli_serve, "serve the files of a folder over mutual TLS",
	 "--root DIR --listen ADDR:PORT --cert FILE --key FILE --client-ca FILE [options]",
	 "Serves the files of a folder as S3 objects over HTTP/1.1 and mutual TLS 1.3: "
	 "root/BUCKET/KEY is the object. The only key that a client needs is its certificate. "
	 "Where the kernel has TLS, it seals and opens the records; every line of the access log "
	 "says who did.\n"
	 "SIGTERM and SIGINT stop it: responses in progress may finish within --drain-timeout; a "
	 "second signal cuts them. On the admin address are /metrics, /-/healthy and "
	 "/-/ready.\n",
	 config_print_man},
	{"check", cli_check, "tell whether serve would start, or a client be allowed",
	 "[options of serve] [--strict] | --identity-cert FILE --object BUCKET/KEY [--verb VERB]",
	 "Tries everything that a start of sluice serve with the same options would refuse or warn "
	 "of, and serves nothing: options and file, certificates by a handshake in memory, kernel "
	 "TLS, limits, addresses, io_uring, the sandbox, and in it the root folder by the system "
	 "calls that requests make. Run it as the user that is to serve. Nothing is changed; what "
	 "is tried in the root is removed again.\n"
	 "With --identity-cert it answers whether that client would be let in and may do --verb to "
	 "--object, and by which rule; of the options of serve only those about clients count.\n"
	 "Errors, warnings and notes go to standard error.\n",
	 config_print_check_man},
	{"probe", cli_probe,
	 "tell what this machine's kernel TLS can do, or what a TLS server shows",
	 "[--json] | --target HOST:PORT [--cert FILE --key FILE] [--ca FILE] [--server-name NAME]",
	 "Tries what kernel TLS can do here, on a loopback connection with made-up keys: each "
	 "cipher in each direction, a change of keys, a self-test for CVE-2026-74611; then "
	 "io_uring, pipes, limits and the kernel's configuration. For each thing that is missing "
	 "it prints a line that begins with \"warning:\" and names the page of kconfig-notes that "
	 "has the cure.\n"
	 "Run it as the user, and in the container or unit, that will serve: limits differ. As "
	 "root it loads the kernel's module tls if it can.\n"
	 "With --target it connects to a TLS server, of whatever make, and prints what a "
	 "connection "
	 "there sees: the chain with its dates and names, and whether it is trusted; version, "
	 "cipher, group and ALPN; whether a client certificate is asked for and accepted, and as "
	 "whom a sluice server would log it; and whether the kernel here could take the connection "
	 "over. What fails is the last line, the verdict. No request is sent.\n",
	 cli_probe_print_man},
	{"bench", cli_bench, "load a server over mutual TLS and report what it did",
	 "--target HOST:PORT/BUCKET[/PREFIX] --cert FILE --key FILE --ca FILE [options]",
	 "Requests a server's objects over HTTP/1.1 and mutual TLS 1.3, on several connections of "
	 "one thread, and reports requests and bytes a second, latencies, errors by kind, and the "
	 "CPU time of the client, and of a server on this machine (--server-pid).\n"
	 "Where the kernel has TLS, it encrypts and decrypts the client's records too; the report "
	 "says which did. The same objects and the same mix make the same requests in the same "
	 "order, so that servers can be compared. The measurement runs from the end of the warm-up "
	 "to the end of --duration, or to the last of --requests.\n"
	 "SIGINT (Ctrl-C), SIGTERM and SIGHUP end the run early: requests in progress finish, "
	 "uploads are deleted, and the report covers what was measured. A second signal ends it at "
	 "once and names the uploads that remain.\n"
	 "The report goes to standard output; a progress line to standard error, if that is a "
	 "terminal.\n",
	 cli_bench_print_man},
	{"scrub", cli_scrub, "compare the objects of a root with their checksums",
	 "--root DIR [--rate BYTES] [--quarantine] [--bucket NAME]... [--json]",
	 "Reads the objects of a root folder and compares them with the checksums that are kept "
	 "with "
	 "them: those that clients sent, and MD5s of --etag=md5. Objects without one are counted "
	 "as "
	 "unchecked, as are those that are written meanwhile; one that somebody has edited in "
	 "place "
	 "has none any more. One line for each damaged object goes to standard output, a summary "
	 "to "
	 "standard error.\n"
	 "The disk is read, not the page cache, which stays as it is; where the file system has no "
	 "direct reads, what is cached is believed. It may run beside servers on the same root, "
	 "also as a user that may only read; sluice serve --scrub-rate does the same all the "
	 "time.\n"
	 "A damaged object stays as it is, and is served: only --quarantine changes that. Write it "
	 "again from a copy; that ends its quarantine.\n",
	 cli_scrub_print_man},
	{"help", cli_help, "print help for a command", "[COMMAND]",
	 "Prints the list of commands, or the help of one.\n", NULL},
	{"version", cli_version, "print the version", "",
	 "Prints the version, as sluice --version does.\n", NULL},
};

const size_t commands_count = ARRAY_LEN(commands);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < commands_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int command_refuse(const char *name)
{
	unsigned best = text_near(name) + 1;
	const char *nearest = NULL;

	fprintf(stderr, "sluice: unknown command %.40s", name);
	for (size_t i = 0; i < commands_count; i++) {
		unsigned distance = text_distance(name, commands[i].name, best);
		if (distance < best) {
			best = distance;
			nearest = commands[i].name;
		}
	}
	if (nearest != NULL)
		fprintf(stderr, "; did you mean %s?", nearest);
	fputs(" (known:", stderr);
	for (size_t i = 0; i < commands_count; i++)
		fprintf(stderr, "%s %s", i > 0 ? "," : "", commands[i].name);
	fputs(")\n", stderr);
	return EXIT_USAGE;
}

void command_print_description(FILE *out, const char *name)
{
	const char *at = command_find(name)->description;
	char paragraph[1024];

	for (; *at != '\0'; at += strcspn(at, "\n") + 1) {
		snprintf(paragraph, sizeof(paragraph), "%.*s", (int)strcspn(at, "\n"), at);
		help_print_wrapped(out, paragraph, 0);
	}
}

void commands_print_help(FILE *out)
{
	fputs("Usage: sluice COMMAND [options]\n\n", out);
	for (size_t i = 0; i < commands_count; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nSee `sluice COMMAND --help`, or `sluice help COMMAND`, for more.\n\n", out);
	exit_codes_print_help(out, NULL);
	fputs("`sluice probe` has exit codes of its own.\n", out);
}

/* ---- Manual pages --------------------------------------------------------------------------- */

/* ".TH" and NAME. page: "sluice-serve". */
static void print_head(FILE *out, const char *page, const char *summary)
{
	fputs(".TH ", out);
	for (const char *at = page; *at != '\0'; at++)
		fputc(toupper((unsigned char)*at), out);
	fprintf(out, " 1 \"\" \"sluice %s\" \"User Commands\"\n", build_version());
	fputs(".ad l\n.nh\n", out); /* long words would tear lines apart */
	roff_section(out, "NAME");
	roff_text(out, page);
	fputs(" \\- ", out);
	roff_text(out, summary);
	fputc('\n', out);
}

static void print_synopsis(FILE *out, const char *command, const char *arguments)
{
	roff_section(out, "SYNOPSIS");
	fputs(".B ", out);
	roff_text(out, command);
	fputc('\n', out);
	roff_text(out, arguments);
	fputc('\n', out);
}

/* Lines of text, each a paragraph. */
static void print_description(FILE *out, const char *text)
{
	char paragraph[1024];

	roff_section(out, "DESCRIPTION");
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		must(len < sizeof(paragraph) && text[len] == '\n');
		memcpy(paragraph, text, len);
		paragraph[len] = '\0';
		roff_paragraph(out, paragraph);
		text += len + 1;
	}
}

static void print_sluice(FILE *out)
{
	char text[200];

	print_head(out, "sluice", "object-storage blocks over mutual TLS, sealed by the kernel");
	print_synopsis(out, "sluice", "COMMAND [options]");
	print_description(
		out,
		"Moves object-storage blocks between components such as those of Thanos over "
		"mutual TLS 1.3. OpenSSL does the handshake; then the session keys go into the "
		"kernel, which encrypts file pages on their way to the socket. Where the kernel "
		"has no TLS, the same program encrypts in userspace, and says so.\n");
	roff_section(out, "COMMANDS");
	for (size_t i = 0; i < commands_count; i++) {
		snprintf(text, sizeof(text), "%s. See sluice-%s(1).", commands[i].summary,
			 commands[i].name);
		text[0] = (char)toupper((unsigned char)text[0]);
		roff_item(out, commands[i].name, text);
	}
	roff_section(out, "OPTIONS");
	roff_item(out, "--help", "Print the commands.");
	roff_item(out, "--version", "Print the version.");
	exit_codes_print_man(out, NULL);
	roff_paragraph(out, "sluice-probe(1) has codes of its own.");
}

void command_print_man(FILE *out, const struct command *command)
{
	char name[32];

	if (command == NULL) {
		print_sluice(out);
		return;
	}
	snprintf(name, sizeof(name), "sluice-%s", command->name);
	print_head(out, name, command->summary);
	snprintf(name, sizeof(name), "sluice %s", command->name);
	print_synopsis(out, name, command->synopsis);
	print_description(out, command->description);
	if (command->print_man != NULL)
		command->print_man(out);
	exit_codes_print_man(out, command->name);
	roff_section(out, "SEE ALSO");
	fputs(".BR sluice (1)\n", out);
	for (size_t i = 0; i < commands_count; i++)
		if (&commands[i] != command)
			fprintf(out, ".BR sluice\\-%s (1)\n", commands[i].name);
}
