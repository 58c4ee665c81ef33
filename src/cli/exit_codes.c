/* SPDX-License-Identifier: Apache-2.0 */
/* The exit codes of every command: --help and the manual pages print this table and no other. */
#include <string.h>

#include "base/must.h"
#include "cli/cli.h"
#include "cli/probe.h"
#include "config/options.h"
#include "config/roff.h"

static const struct {
	int code;
	const char *command; /* NULL: what the code means whatever the command */
	const char *text;
} rows[] = {
	{EXIT_OK, NULL, "Success."},
	{EXIT_OK, "serve", "Stopped by SIGTERM or SIGINT with every response complete."},
	{EXIT_OK, "check",
	 "A start would succeed, also if with warnings; or the client may do it."},
	{EXIT_OK, "bench", "Every request succeeded."},
	{EXIT_OK, "scrub", "No object is damaged."},
	{EXIT_OK, "help", "Success."},
	{EXIT_OK, "version", "Success."},
	{PROBE_USABLE, "probe", "Kernel TLS is usable; with --target: a connection works."},

	{EXIT_ERROR, NULL, "An error that has no code of its own."},
	{EXIT_ERROR, "serve",
	 "An error at run time; also when a disk does not respond while the server stops."},
	{EXIT_ERROR, "check",
	 "With --strict: there are warnings; or an error without its own code."},
	{EXIT_ERROR, "bench", "An error that has no code of its own."},
	{EXIT_ERROR, "scrub",
	 "Something could not be read, so that it is not known whether it is damaged; all else is "
	 "good."},
	{EXIT_ERROR, "help", "The output cannot be written."},
	{EXIT_ERROR, "version", "The output cannot be written."},
	{PROBE_USABLE_WITH_WARNINGS, "probe",
	 "Kernel TLS is usable, with warnings; with --target: an error that has no code of its "
	 "own."},

	{EXIT_USAGE, NULL, "The command line or the configuration file is wrong."},
	{EXIT_USAGE, "serve", "An option or the configuration file is wrong."},
	{EXIT_USAGE, "check", "An option or the configuration file is wrong."},
	{EXIT_USAGE, "bench", "An option is wrong."},
	{EXIT_USAGE, "scrub", "An option is wrong."},
	{EXIT_USAGE, "help", "Unknown command."},
	{EXIT_USAGE, "version", "Unexpected argument."},
	{PROBE_NOT_USABLE, "probe", "Kernel TLS is not usable, or the arguments are wrong."},

	{EXIT_NOT_FOUND, NULL, "A file, folder, bucket or object does not exist."},
	{EXIT_NOT_FOUND, "serve", "The root folder does not exist."},
	{EXIT_NOT_FOUND, "check", "The root folder does not exist."},
	{EXIT_NOT_FOUND, "bench", "The bucket or the objects do not exist."},
	{EXIT_NOT_FOUND, "scrub", "The root folder or a bucket does not exist."},

	{EXIT_DENIED, NULL, "Access denied."},
	{EXIT_DENIED, "serve",
	 "The root folder cannot be read, or with --writable not be written."},
	{EXIT_DENIED, "check",
	 "The client may not do it; or the root folder cannot be read, or with --writable not be "
	 "written."},
	{EXIT_DENIED, "bench", "The server denies access."},
	{EXIT_DENIED, "scrub",
	 "The root folder cannot be read, or with --quarantine not be written."},

	{EXIT_TLS, NULL, "TLS, a certificate or an identity."},
	{EXIT_TLS, "serve",
	 "A certificate, key, CA or CRL cannot be used, or this kernel cannot do "
	 "--tls-path=kernel."},
	{EXIT_TLS, "check",
	 "A certificate, key, CA or CRL cannot be used, this kernel cannot do --tls-path=kernel, "
	 "or "
	 "the client's certificate would be refused."},
	{EXIT_TLS, "bench",
	 "The handshake failed: certificates, names, or the server refuses the certificate."},
	{EXIT_TLS, "probe",
	 "With --target: not TLS 1.3, a certificate that is not trusted or has another name, an "
	 "alert, or a file that cannot be used."},

	{EXIT_NETWORK, NULL, "The network, or a timeout."},
	{EXIT_NETWORK, "serve", "Cannot listen on an address."},
	{EXIT_NETWORK, "check",
	 "Cannot listen on an address. An address in use is a note, not an error: the server may "
	 "be "
	 "running."},
	{EXIT_NETWORK, "bench", "The server cannot be reached or does not answer in time."},
	{EXIT_NETWORK, "probe",
	 "With --target: the server cannot be reached or does not answer in time."},

	{EXIT_INTEGRITY, NULL, "Data is not what it should be."},
	{EXIT_INTEGRITY, "bench", "Responses had wrong bytes or lengths."},
	{EXIT_INTEGRITY, "scrub", "Objects are damaged."},

	{EXIT_PARTIAL, NULL, "Done in part."},
	{EXIT_PARTIAL, "bench",
	 "Some requests failed, as the report says; uploads could not be deleted; or a signal "
	 "ended the run."},

	{EXIT_DRAIN_DEADLINE, NULL, "The drain deadline cut responses."},
	{EXIT_DRAIN_DEADLINE, "serve",
	 "Stopped, and responses were cut: --drain-timeout passed, or a second signal came."},
};

static bool is_of(size_t row, const char *command)
{
	if (command == NULL || rows[row].command == NULL)
		return command == rows[row].command;
	return strcmp(command, rows[row].command) == 0;
}

bool exit_code_is_listed(const char *command, int code)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].code == code && is_of(i, command))
			return true;
	return false;
}

void exit_codes_print_help(FILE *out, const char *command)
{
	fputs("Exit codes:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!is_of(i, command))
			continue;
		fprintf(out, "  %d     ", rows[i].code);
		help_print_wrapped(out, rows[i].text, 8);
	}
}

void exit_codes_print_man(FILE *out, const char *command)
{
	char code[8];

	roff_section(out, "EXIT STATUS");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!is_of(i, command))
			continue;
		snprintf(code, sizeof(code), "%d", rows[i].code);
		roff_item(out, code, rows[i].text);
	}
}
