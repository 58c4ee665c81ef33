/* SPDX-License-Identifier: Apache-2.0 */
/* sluice serve --check-access: what the rules would say, without a server. */
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
			    "    on: [\"data/**\"]\n";

static const struct row {
	const char *cert;
	const char *verb;
	const char *key;
	int exit_code;
	const char *says; /* on stdout; or stderr for exit code 2 */
} rows[] = {
	{"good", "read", "data/a/b", 0, "\nallow: rule 2 ("},
	{"good", "read", "data/a/b/c", 4, "\ndeny: rule 2 ("},
	{"good", "write", "data/a/b", 4, "\ndeny: rule 2 ("},
	{"good", "list", "data/", 4, "\ndeny: rule 2 ("},
	{"uri", "list", "data/", 0, "\nallow: rule 3 ("},
	{"uri", "read", "data/x", 0, "\nallow: rule 3 ("},
	{"uri", "delete", "data/x", 4, "\ndeny: rule 2 ("},
	{"cn-only", "read", "data/a/b", 4, "\ndeny: no rule is about this identity"},
	{"revoked", "read", "data/a/b", 5, "is revoked"},
	{"expired", "read", "data/a/b", 5, "has expired"},
	{"wrong-ca", "read", "data/a/b", 5, "was not issued by a CA of --client-ca"},
	{"purpose", "read", "data/a/b", 5, "is not for client authentication"},
	{"weak", "read", "data/a/b", 5, "could not be verified"},
	{"good", "eat", "data/a/b", 2, "use read, list, write, delete"},
	{"good", "read", "data", 2, "write BUCKET/KEY"},
	{"good", "read", "/data/x", 2, "write BUCKET/KEY"},
};

static void run(const struct wire_env *env, const struct row *row, const char *file,
		struct wire_program *program)
{
	char config[PATH_MAX + 16], ca[PATH_MAX], crl[PATH_MAX], cert[PATH_MAX];
	char verb[64], key[128];
	char *const argv[] = {(char *)(uintptr_t)env->program,
			      (char *)(uintptr_t) "serve",
			      config,
			      ca,
			      crl,
			      (char *)(uintptr_t) "--check-access",
			      cert,
			      verb,
			      key,
			      NULL};

	snprintf(config, sizeof(config), "--config=%s", file);
	snprintf(ca, sizeof(ca), "--client-ca=%s/certs/ca.crt", env->dir);
	snprintf(crl, sizeof(crl), "--crl=%s/certs/ca.crl", env->dir);
	snprintf(cert, sizeof(cert), "--identity-cert=%s/certs/%s.crt", env->dir, row->cert);
	snprintf(verb, sizeof(verb), "--verb=%s", row->verb);
	snprintf(key, sizeof(key), "--key=%s", row->key);
	wire_program_run(env, argv, wire_ms(env, 10000), program);
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
			     row->cert, row->verb, row->key, program.exit_code, program.out,
			     program.err);
		const char *text = row->exit_code == 2 ? program.err : program.out;
		cr_assert_not_null(strstr(text, row->says), "%s %s %s: %s", row->cert, row->verb,
				   row->key, text);
	}
}
