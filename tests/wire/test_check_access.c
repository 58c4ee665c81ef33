/* SPDX-License-Identifier: Apache-2.0 */
/* sluice check --identity-cert: what the rules would say, without a server. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"

TestSuite(check_access, .timeout = WIRE_TIMEOUT);

static const char rules[] = "access:\n"
			    "  - identity: \"dns:nobody.test\"\n"
			    "    allow: [write]\n"
			    "    on: [\"**\"]\n"
			    "  - identity: \"dns:*.clients.test\"\n"
			    "    allow: [read]\n"
			    "    on: [\"data/a/*\"]\n"
			    "  - identity: \"uri:spiffe://test/**\"\n"
			    "    allow: [read, list]\n"
			    "    on: [\"data/**\"]\n"
			    "  - identity: \"dns:both.clients.test\"\n"
			    "    allow: [read, write, delete]\n"
			    "    on: [\"data/**\"]\n";

static const struct row {
	const char *cert;
	const char *verb;
	const char *object;
	int exit_code;
	const char *says; /* on stdout; or stderr for exit code 2 */
	bool is_read_only;
} rows[] = {
	{"good", "read", "data/a/b", 0, "\nallow: rule 2 (", false},
	{"good", "read", "data/a/b/c", 4, "\ndeny: rule 2 (", false},
	{"good", "write", "data/a/b", 4, "\ndeny: rule 2 (", false},
	{"good", "list", "data/", 4, "\ndeny: rule 2 (", false},
	{"uri", "list", "data/", 0, "\nallow: rule 3 (", false},
	{"uri", "read", "data/x", 0, "\nallow: rule 3 (", false},
	{"uri", "delete", "data/x", 4, "\ndeny: rule 2 (", false},
	{"cn-only", "read", "data/a/b", 4, "\ndeny: no rule matches this identity", false},
	{"revoked", "read", "data/a/b", 5, "is revoked", false},
	{"expired", "read", "data/a/b", 5, "has expired", false},
	{"wrong-ca", "read", "data/a/b", 5, "was not issued by a CA of --client-ca", false},
	{"purpose", "read", "data/a/b", 5, "is not for client authentication", false},
	{"weak", "read", "data/a/b", 5, "could not be verified", false},
	{"good", "eat", "data/a/b", 2, "use read, list, write, delete", false},
	{"good", "read", "data", 2, "write BUCKET/KEY", false},
	{"good", "read", "/data/x", 2, "write BUCKET/KEY", false},
	/* What a rule allows and the server as a whole does not. */
	{"both", "write", "data/a/b", 0, "\nallow: rule 4 (", false},
	{"both", "write", "data/a/b", 4, "\ndeny: the server is read-only; --writable", true},
	{"both", "delete", "data/a/b", 4, "\ndeny: the server is read-only; --writable", true},
	{"both", "read", "data/a/b", 0, "\nallow: rule 2 (", true},
	/* ... and what no rule allows is denied by the rules, read-only or not. */
	{"good", "write", "data/a/b", 4, "\ndeny: rule 2 (", true},
};

static void run(const struct wire_env *env, const struct row *row, const char *file,
		struct wire_program *program)
{
	char config[PATH_MAX + 16], ca[PATH_MAX], crl[PATH_MAX], cert[PATH_MAX];
	char verb[64], object[128];
	char *const argv[] = {
		(char *)(uintptr_t)env->program,
		(char *)(uintptr_t) "check",
		config,
		ca,
		crl,
		cert,
		verb,
		object,
		(char *)(uintptr_t)(row->is_read_only ? "--no-writable" : "--writable"),
		NULL};

	snprintf(config, sizeof(config), "--config=%s", file);
	snprintf(ca, sizeof(ca), "--client-ca=%s/certs/ca.crt", env->dir);
	snprintf(crl, sizeof(crl), "--crl=%s/certs/ca.crl", env->dir);
	snprintf(cert, sizeof(cert), "--identity-cert=%s/certs/%s.crt", env->dir, row->cert);
	snprintf(verb, sizeof(verb), "--verb=%s", row->verb);
	snprintf(object, sizeof(object), "--object=%s", row->object);
	wire_program_run(env, argv, program);
}

Test(check_access, decisions)
{
	struct wire_program program;
	struct wire_env env;
	char file[PATH_MAX];

	wire_env_read(&env);
	snprintf(file, sizeof(file), "%s/check-access.%d.yml", env.dir, (int)getpid());
	FILE *out = fopen(file, "w");
	must(out != NULL && fputs(rules, out) >= 0 && fclose(out) == 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		run(&env, row, file, &program);
		cr_assert_eq(program.exit_code, row->exit_code, "%s %s %s: exit code %d\n%s%s",
			     row->cert, row->verb, row->object, program.exit_code, program.out,
			     program.err);
		const char *text = row->exit_code == 2 ? program.err : program.out;
		cr_assert_not_null(strstr(text, row->says), "%s %s %s: %s", row->cert, row->verb,
				   row->object, text);
	}
}
