/* SPDX-License-Identifier: Apache-2.0 */
#include "access/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/must.h"

struct identity_builder {
	struct identity_name name[IDENTITY_NAMES_MAX];
	char text[IDENTITY_BYTES_MAX];
	uint16_t count;
	uint16_t text_bytes;
};

struct identity_builder *identity_builder_new(void)
{
	return calloc(1, sizeof(struct identity_builder));
}

void identity_builder_free(struct identity_builder *builder)
{
	free(builder);
}

int identity_builder_add(struct identity_builder *builder, enum identity_kind kind,
			 const char *text, size_t len)
{
	must((unsigned)kind < IDENTITY_KIND_COUNT);
	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return -EINVAL;
	if (builder->count == IDENTITY_NAMES_MAX ||
	    len > sizeof(builder->text) - builder->text_bytes)
		return -E2BIG;
	builder->name[builder->count++] = (struct identity_name){
		.kind = kind, .at = builder->text_bytes, .len = (uint16_t)len};
	memcpy(builder->text + builder->text_bytes, text, len);
	builder->text_bytes = (uint16_t)(builder->text_bytes + len);
	return 0;
}

struct identity *identity_builder_finish(const struct identity_builder *builder)
{
	if (builder->count == 0)
		return NULL;
	size_t names_bytes = builder->count * sizeof(builder->name[0]);
	struct identity *identity = malloc(sizeof(*identity) + names_bytes + builder->text_bytes);
	if (identity == NULL)
		return NULL;
	memset(identity->ca, 0, sizeof(identity->ca));
	identity->count = builder->count;
	identity->text_bytes = builder->text_bytes;
	memcpy(identity->name, builder->name, names_bytes);
	memcpy(&identity->name[builder->count], builder->text, builder->text_bytes);
	identity->primary = 0;
	for (uint16_t i = 1; i < identity->count; i++)
		if (identity->name[i].kind < identity->name[identity->primary].kind)
			identity->primary = i; /* the kinds stand in order of preference */
	return identity;
}

void identity_free(struct identity *identity)
{
	free(identity);
}

const char *identity_name_text(const struct identity *identity, unsigned index)
{
	must(index < identity->count);
	return (const char *)&identity->name[identity->count] + identity->name[index].at;
}

bool identity_is_same(const struct identity *a, const struct identity *b)
{
	return a->count == b->count && a->text_bytes == b->text_bytes &&
	       strcmp(a->ca, b->ca) == 0 &&
	       memcmp(a->name, b->name, a->count * sizeof(a->name[0])) == 0 &&
	       memcmp(&a->name[a->count], &b->name[b->count], a->text_bytes) == 0;
}

const char *identity_kind_label(enum identity_kind kind)
{
	static const char *const labels[] = {"uri", "dns", "email", "ip", "cn", "ou", "spki"};
	must((unsigned)kind < ARRAY_LEN(labels));
	return labels[kind];
}

size_t identity_format(const struct identity *identity, char *out, size_t size)
{
	const struct identity_name *name = &identity->name[identity->primary];
	must(size > 0);
	int n = snprintf(out, size, "%s:%.*s", identity_kind_label(name->kind), name->len,
			 identity_name_text(identity, identity->primary));
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}
