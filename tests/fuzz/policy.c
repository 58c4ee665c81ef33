/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any pattern against any text, and any rule about any request, beside a second matcher that
 * follows the definition of access/policy.h word for word.
 *
 * The input is lines: the kind of identity (a letter), its pattern, the client's name, the bucket,
 * the key, the verbs of the rule (a digit), then the rule's places.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/pattern.h"
#include "access/policy.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_KIND, LINE_PATTERN, LINE_NAME, LINE_BUCKET, LINE_KEY, LINE_VERBS, LINE_PLACES };

#define LINES_MAX       (LINE_PLACES + ACCESS_PATTERNS_MAX)
/* Above, the second matcher takes too long. */
#define MODEL_BYTES_MAX 96

/* Each in memory of exactly its length and a NUL. */
struct input {
	char *line[LINES_MAX];
	size_t len[LINES_MAX];
	unsigned count;
};

static char *copy(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	must(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

static void input_init(struct input *input, const uint8_t *data, size_t size)
{
	memset(input, 0, sizeof(*input));
	while (input->count < LINES_MAX) {
		const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
		size_t len = end != NULL ? (size_t)(end - data) : size;
		input->line[input->count] = copy(data, len);
		input->len[input->count++] = len;
		if (end == NULL)
			break;
		data = end + 1;
		size -= len + 1;
	}
	while (input->count < LINE_PLACES)
		input->line[input->count++] = copy(data, 0);
}

static void input_fini(struct input *input)
{
	for (unsigned i = 0; i < input->count; i++)
		free(input->line[i]);
}

/* ---- The definition ------------------------------------------------------------------------- */

struct model {
	const char *pattern, *text;
	size_t text_len;
	char separator;
	bool fold_case;
	/* [pattern][text]: nothing is looked at twice. 0: not known yet. */
	unsigned char known[MODEL_BYTES_MAX + 1][MODEL_BYTES_MAX + 1];
};

static int folded(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool defined(struct model *model, size_t p, size_t t)
{
	char c = model->pattern[p];
	bool is_end = t == model->text_len;
	bool result;

	if (model->known[p][t] != 0)
		return model->known[p][t] == 2;
	if (c == '\0') {
		result = is_end;
	} else if (c == '*') {
		bool is_any = model->pattern[p + 1] == '*';
		result = defined(model, p + (is_any ? 2 : 1), t);
		if (!result && !is_end &&
		    (is_any || model->separator == '\0' || model->text[t] != model->separator))
			result = defined(model, p, t + 1);
	} else {
		result = !is_end &&
			 (model->fold_case ? folded(c) == folded(model->text[t])
					   : c == model->text[t]) &&
			 defined(model, p + 1, t + 1);
	}
	model->known[p][t] = result ? 2 : 1;
	return result;
}

/* -1: too long to say. */
static int model_matches(const char *pattern, const char *text, size_t text_len, char separator,
			 bool fold_case)
{
	static struct model model;

	if (strlen(pattern) > MODEL_BYTES_MAX || text_len > MODEL_BYTES_MAX)
		return -1;
	memset(&model, 0, sizeof(model));
	model.pattern = pattern;
	model.text = text;
	model.text_len = text_len;
	model.separator = separator;
	model.fold_case = fold_case;
	return defined(&model, 0, 0);
}

/* ---- Patterns ------------------------------------------------------------------------------- */

static void reverse(char *text, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		char c = text[i];
		text[i] = text[len - 1 - i];
		text[len - 1 - i] = c;
	}
}

static bool check_pattern(const char *pattern, const char *text, size_t text_len, char separator,
			  bool fold_case)
{
	bool result = pattern_matches(pattern, text, text_len, separator, fold_case);
	int expected = model_matches(pattern, text, text_len, separator, fold_case);

	must(expected < 0 || result == (expected > 0));
	/* A case that does not matter matches more, so does no separator, and never less. */
	if (result && !fold_case)
		must(pattern_matches(pattern, text, text_len, separator, true));
	if (result && separator != '\0')
		must(pattern_matches(pattern, text, text_len, '\0', fold_case));

	/* Read from its end it is the same pattern. */
	size_t len = strlen(pattern);
	char *back = copy((const uint8_t *)pattern, len);
	char *back_text = copy((const uint8_t *)text, text_len);
	reverse(back, len);
	reverse(back_text, text_len);
	must(pattern_matches(back, back_text, text_len, separator, fold_case) == result);
	free(back);
	free(back_text);
	return result;
}

/* ---- Rules ---------------------------------------------------------------------------------- */

static char separator_of(enum identity_kind kind)
{
	return kind == IDENTITY_DNS ? '.' : kind == IDENTITY_URI ? '/' : '\0';
}

/* NULL: no certificate may have this name. */
static struct identity *client(enum identity_kind kind, const char *name, size_t len)
{
	struct identity_builder *builder = identity_builder_new();
	struct identity *identity = NULL;

	must(builder != NULL);
	if (identity_builder_add(builder, kind, name, len) == 0)
		identity = identity_builder_finish(builder);
	identity_builder_free(builder);
	return identity;
}

static bool model_place(const struct access_rule *rule, const char *bucket, const char *key)
{
	static char place[BUCKET_BYTES_MAX + 1 + OBJECT_KEY_BYTES_MAX + 1];
	size_t bucket_len = strlen(bucket), len = bucket_len + 1 + strlen(key);

	if (len >= sizeof(place))
		return false;
	memcpy(place, bucket, bucket_len);
	place[bucket_len] = '/';
	memcpy(place + bucket_len + 1, key, strlen(key) + 1);
	for (unsigned i = 0; i < rule->on_count; i++) {
		if (check_pattern(rule->on[i], place, len, '/', false))
			return true;
		if (key[0] == '\0' && check_pattern(rule->on[i], bucket, bucket_len, '/', false))
			return true;
	}
	return false;
}

static void check_rule(const struct input *input, struct access_rule *rule, bool names_client)
{
	const char *bucket = input->line[LINE_BUCKET], *key = input->line[LINE_KEY];
	size_t name_len = input->len[LINE_NAME];
	struct identity *identity = client(rule->who.kind, input->line[LINE_NAME], name_len);
	/* The first is somebody else's. */
	char nobody[] = "nobody at all";
	struct access_rule rules[] = {*rule, *rule};
	struct policy policy = {.rule = rules, .rule_count = 2, .has_section = true};
	bool is_there = model_place(rule, bucket, key);

	rules[0].who.text = nobody;
	if (strcasecmp(input->line[LINE_NAME], nobody) ==
	    0) /* the case of a dns name does not matter */
		rules[0].verbs = 0;
	for (unsigned verb = ACCESS_READ; verb <= ACCESS_DELETE; verb *= 2) {
		struct decision decision =
			policy_decide(&policy, identity, (enum access_verb)verb, bucket, key);
		must(decision.allow ==
		     (identity != NULL && names_client && is_there && (rule->verbs & verb) != 0));
		must(decision.rule == (decision.allow ? 1 : -1));
	}
	identity_free(identity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	struct access_rule rule = {0};

	input_init(&input, data, size);
	for (unsigned i = 0; i < input.count; i++) /* as the configuration has it */
		if ((i == LINE_PATTERN || i >= LINE_PLACES) && input.len[i] > PATTERN_BYTES_MAX)
			input.line[i][PATTERN_BYTES_MAX] = '\0';
	rule.who.kind =
		(enum identity_kind)((unsigned char)input.line[LINE_KIND][0] % IDENTITY_KIND_COUNT);
	rule.who.text = input.line[LINE_PATTERN];
	rule.verbs = (unsigned char)input.line[LINE_VERBS][0] & 15;
	for (unsigned i = LINE_PLACES; i < input.count; i++)
		rule.on[rule.on_count++] = input.line[i];

	const char *name = input.line[LINE_NAME];
	size_t name_len = input.len[LINE_NAME];
	bool names_client =
		check_pattern(rule.who.text, name, name_len, separator_of(rule.who.kind),
			      rule.who.kind == IDENTITY_DNS);
	if (rule.who.kind == IDENTITY_SPKI) /* a pin has no wildcards */
		names_client = strlen(rule.who.text) == name_len &&
			       memcmp(rule.who.text, name, name_len) == 0;
	check_rule(&input, &rule, names_client);
	input_fini(&input);
	return 0;
}
