/* SPDX-License-Identifier: Apache-2.0 */
#include "access/identity_pattern.h"

#include <string.h>

#include "access/pattern.h"

bool identity_pattern_matches(const struct identity_pattern *pattern,
			      const struct identity *identity, unsigned index)
{
	static const char separators[] = {
		[IDENTITY_URI] = '/', [IDENTITY_DNS] = '.', [IDENTITY_KIND_COUNT] = '\0'};
	const struct identity_name *name = &identity->name[index];
	const char *text = identity_name_text(identity, index);

	if (pattern->kind == IDENTITY_KIND_COUNT)
		return true;
	if (name->kind != pattern->kind)
		return false;
	if (pattern->kind == IDENTITY_SPKI) /* base64 has no wildcards */
		return strlen(pattern->text) == name->len &&
		       memcmp(pattern->text, text, name->len) == 0;
	return pattern_matches(pattern->text, text, name->len, separators[pattern->kind],
			       pattern->kind == IDENTITY_DNS);
}

bool identity_pattern_is_same(const struct identity_pattern *a, const struct identity_pattern *b)
{
	return a->kind == b->kind && strcmp(a->text, b->text) == 0;
}
