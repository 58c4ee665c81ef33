/* SPDX-License-Identifier: Apache-2.0 */
/* Names of a certificate, from builder to log line. */
#include "access/identity.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/must.h"

TestSuite(identity, .timeout = 600);

static int add(struct identity_builder *builder, enum identity_kind kind, const char *text)
{
	return identity_builder_add(builder, kind, text, strlen(text));
}

static bool name_is(const struct identity *identity, unsigned index, enum identity_kind kind,
		    const char *text)
{
	const struct identity_name *name = &identity->name[index];

	return name->kind == kind && name->len == strlen(text) &&
	       memcmp(identity_name_text(identity, index), text, name->len) == 0;
}

Test(identity, names_come_back_in_order)
{
	struct identity_builder *builder = identity_builder_new();

	cr_assert_eq(add(builder, IDENTITY_DNS, "a.example"), 0);
	cr_assert_eq(add(builder, IDENTITY_IP, "192.0.2.1"), 0);
	cr_assert_eq(add(builder, IDENTITY_DNS, "b.example"), 0);
	cr_assert_eq(add(builder, IDENTITY_CN, "Müller & Söhne"), 0);
	struct identity *identity = identity_builder_finish(builder);
	identity_builder_free(builder); /* the identity has its own copy */
	cr_assert_eq(identity->count, 4);
	cr_assert(name_is(identity, 0, IDENTITY_DNS, "a.example"));
	cr_assert(name_is(identity, 1, IDENTITY_IP, "192.0.2.1"));
	cr_assert(name_is(identity, 2, IDENTITY_DNS, "b.example"));
	cr_assert(name_is(identity, 3, IDENTITY_CN, "Müller & Söhne"));
	identity_free(identity);
	identity_free(NULL);
	identity_builder_free(NULL);
}

/* URI, DNS, EMAIL, IP, CN, OU, SPKI: the first of the best kind names the client in the log. */
Test(identity, primary)
{
	static const char *const texts[] = {"spiffe://x/y", "a.example", "a@example",  "192.0.2.1",
					    "name",         "unit",      "sha256/AAAA"};
	static const char *const expected[] = {
		"uri:spiffe://x/y", "dns:a.example", "email:a@example", "ip:192.0.2.1",
		"cn:name",          "ou:unit",       "spki:sha256/AAAA"};
	char text[100];

	for (int best = 0; best < IDENTITY_KIND_COUNT; best++) {
		struct identity_builder *builder = identity_builder_new();
		for (int kind = IDENTITY_KIND_COUNT - 1; kind >= best; kind--) {
			cr_assert_eq(add(builder, (enum identity_kind)kind, texts[kind]), 0);
			cr_assert_eq(add(builder, (enum identity_kind)kind, "second"), 0);
		}
		struct identity *identity = identity_builder_finish(builder);
		cr_assert_eq(identity_format(identity, text, sizeof(text)), strlen(expected[best]));
		cr_assert_str_eq(text, expected[best]);
		identity_free(identity);
		identity_builder_free(builder);
	}
}

Test(identity, format_is_cut)
{
	struct identity_builder *builder = identity_builder_new();
	char text[8] = "xxxxxxx";

	cr_assert_eq(add(builder, IDENTITY_DNS, "a.example"), 0);
	struct identity *identity = identity_builder_finish(builder);
	cr_assert_eq(identity_format(identity, text, 6), 5);
	cr_assert_str_eq(text, "dns:a");
	cr_assert_eq(text[6], 'x');
	cr_assert_eq(identity_format(identity, text, 1), 0);
	cr_assert_str_empty(text);
	identity_free(identity);
	identity_builder_free(builder);
}

/* Bytes that could end a name early, or forge a log line, refuse the certificate. */
Test(identity, bad_names)
{
	struct identity_builder *builder = identity_builder_new();

	cr_assert_eq(identity_builder_add(builder, IDENTITY_DNS, "good.example\0.evil", 18),
		     -EINVAL);
	cr_assert_eq(identity_builder_add(builder, IDENTITY_DNS, "\0", 1), -EINVAL);
	cr_assert_eq(identity_builder_add(builder, IDENTITY_CN, "", 0), -EINVAL);
	for (char c = 1; c < 0x20; c++) {
		char text[] = {'a', c};
		cr_assert_eq(identity_builder_add(builder, IDENTITY_CN, text, 2), -EINVAL, "%d", c);
	}
	cr_assert_eq(add(builder, IDENTITY_CN, "a\x7f"), -EINVAL);
	cr_assert_null(identity_builder_finish(builder), "nothing was added");
	cr_assert_eq(add(builder, IDENTITY_CN, " ~"), 0);
	identity_builder_free(builder);
}

Test(identity, too_many_names)
{
	struct identity_builder *builder = identity_builder_new();

	for (int i = 0; i < IDENTITY_NAMES_MAX; i++)
		cr_assert_eq(add(builder, IDENTITY_DNS, "a"), 0);
	cr_assert_eq(add(builder, IDENTITY_DNS, "a"), -E2BIG);
	identity_builder_free(builder);
}

Test(identity, too_many_bytes)
{
	static char name[IDENTITY_BYTES_MAX + 1];
	struct identity_builder *builder = identity_builder_new();

	memset(name, 'a', sizeof(name));
	cr_assert_eq(identity_builder_add(builder, IDENTITY_DNS, name, sizeof(name)), -E2BIG);
	cr_assert_eq(identity_builder_add(builder, IDENTITY_DNS, name, IDENTITY_BYTES_MAX - 1), 0);
	cr_assert_eq(identity_builder_add(builder, IDENTITY_DNS, name, 2), -E2BIG);
	cr_assert_eq(identity_builder_add(builder, IDENTITY_DNS, name, 1), 0);
	struct identity *identity = identity_builder_finish(builder);
	cr_assert_eq(identity->count, 2);
	cr_assert_eq(identity->text_bytes, IDENTITY_BYTES_MAX);
	cr_assert_eq(identity->name[0].len, IDENTITY_BYTES_MAX - 1);
	cr_assert(name_is(identity, 1, IDENTITY_DNS, "a"));
	identity_free(identity);
	identity_builder_free(builder);
}

Test(identity, labels)
{
	static const char *const labels[] = {"uri", "dns", "email", "ip", "cn", "ou", "spki"};

	cr_assert_eq(ARRAY_LEN(labels), IDENTITY_KIND_COUNT);
	for (int kind = 0; kind < IDENTITY_KIND_COUNT; kind++)
		cr_assert_str_eq(identity_kind_label((enum identity_kind)kind), labels[kind]);
}

Test(identity, index_out_of_range, .signal = SIGABRT)
{
	struct identity_builder *builder = identity_builder_new();

	cr_assert_eq(add(builder, IDENTITY_DNS, "a"), 0);
	identity_name_text(identity_builder_finish(builder), 1);
}
