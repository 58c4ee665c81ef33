/* SPDX-License-Identifier: Apache-2.0 */
#include "http/conditions.h"

#include <string.h>

#include "base/must.h"
#include "http/date.h"

static void skip(struct slice *text, size_t bytes)
{
	text->at += bytes;
	text->len -= bytes;
}

static void skip_blanks(struct slice *text)
{
	while (text->len > 0 && is_blank(*text->at))
		skip(text, 1);
}

/* The number at the start of text, which it passes; UINT64_MAX if it is larger than that, which
 * is past the end of every object all the same. False: no digit. */
static bool take_number(struct slice *text, uint64_t *number)
{
	size_t digits = 0;

	*number = 0;
	for (; text->len > 0 && is_digit(*text->at); digits++) {
		unsigned digit = (unsigned)(*text->at - '0');

		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, digit, number))
			*number = UINT64_MAX;
		skip(text, 1);
	}
	return digits > 0;
}

/* The only member of a list that may hold empty ones (RFC 9110 section 5.6.1): white space only
 * beside a comma. A second member makes it malformed to us. */
static struct slice only_member(struct slice list)
{
	struct slice member = list;
	const char *comma;

	while ((comma = memchr(list.at, ',', list.len))) {
		struct slice head = {list.at, (size_t)(comma - list.at)};

		while (head.len > 0 && is_blank(head.at[head.len - 1]))
			head.len--;
		if (head.len > 0) {
			skip(&list, (size_t)(comma - list.at));
			while (list.len > 0 && (is_blank(*list.at) || *list.at == ','))
				skip(&list, 1);
			return list.len == 0 ? head : member;
		}
		skip(&list, (size_t)(comma - list.at) + 1);
		skip_blanks(&list);
		member = list;
	}
	return member;
}

enum http_range_outcome http_range_parse(struct slice value, uint64_t size,
					 struct http_range *range)
{
	static const char unit[] = "bytes=";
	uint64_t first, last = UINT64_MAX, suffix;

	if (!value.at || value.len < strlen(unit) ||
	    !slice_is((struct slice){value.at, strlen(unit)}, unit))
		return HTTP_RANGE_NONE;
	skip(&value, strlen(unit));
	value = only_member(value);

	if (value.len > 0 && *value.at == '-') {
		skip(&value, 1);
		if (!take_number(&value, &suffix) || value.len > 0)
			return HTTP_RANGE_NONE;
		if (suffix == 0 || size == 0)
			return HTTP_RANGE_UNSATISFIABLE;
		range->bytes = suffix < size ? suffix : size;
		range->first = size - range->bytes;
		return HTTP_RANGE_OK;
	}
	if (!take_number(&value, &first) || value.len == 0 || *value.at != '-')
		return HTTP_RANGE_NONE;
	skip(&value, 1);
	if (value.len > 0 && (!take_number(&value, &last) || value.len > 0))
		return HTTP_RANGE_NONE;
	if (first > last)
		return HTTP_RANGE_NONE;
	if (first >= size)
		return HTTP_RANGE_UNSATISFIABLE;
	range->first = first;
	range->bytes = last < size ? last - first + 1 : size - first;
	return HTTP_RANGE_OK;
}

/* Passes W/, as which of the two is said in *is_weak. */
static void take_weakness(struct slice *text, bool *is_weak)
{
	*is_weak = text->len >= 2 && text->at[0] == 'W' && text->at[1] == '/';
	if (*is_weak)
		skip(text, 2);
}

/*
 * Passes the entity-tag at the start of text, without its quotes. It may hold commas. One without
 * quotes (S3's own tools send such) ends at a comma or white space. False: neither.
 */
static bool take_etag(struct slice *text, struct slice *tag)
{
	const char *quote;

	*tag = *text;
	if (text->len > 0 && *text->at == '"') {
		skip(tag, 1);
		quote = memchr(tag->at, '"', tag->len);
		if (!quote)
			return false;
		tag->len = (size_t)(quote - tag->at);
		skip(text, tag->len + 2);
		return true;
	}
	while (text->len > 0 && *text->at != ',' && *text->at != '"' && !is_blank(*text->at))
		skip(text, 1);
	tag->len -= text->len;
	return tag->len > 0;
}

/* RFC 9110 section 8.8.3.2: the strong comparison wants neither to be weak. */
static bool is_same_etag(struct slice tag, bool is_weak, const char *etag, bool strong)
{
	struct slice own = {etag, strlen(etag)}, own_tag;
	bool own_is_weak, own_is_etag;

	take_weakness(&own, &own_is_weak);
	own_is_etag = take_etag(&own, &own_tag);
	must(own_is_etag && own.len == 0);
	if (strong && (is_weak || own_is_weak))
		return false;
	return tag.len == own_tag.len && memcmp(tag.at, own_tag.at, tag.len) == 0;
}

/* "*" or a list of entity-tags. What stands behind a malformed member does not count. */
static bool matches(struct slice list, const char *etag, bool strong)
{
	if (slice_is(list, "*"))
		return true;
	for (;;) {
		struct slice tag;
		bool is_weak;

		while (list.len > 0 && (is_blank(*list.at) || *list.at == ','))
			skip(&list, 1);
		take_weakness(&list, &is_weak);
		if (!take_etag(&list, &tag))
			return false;
		skip_blanks(&list);
		if (list.len > 0 && *list.at != ',')
			return false;
		if (is_same_etag(tag, is_weak, etag, strong))
			return true;
	}
}

/* RFC 9110 section 13.1.5: an entity-tag, compared strongly, or exactly the date we gave. */
static bool if_range_holds(struct slice value, const struct http_validators *validators)
{
	struct slice rest = value, tag;
	time_t date;
	bool is_weak;

	if (http_date_parse(value, &date) == 0)
		return date == validators->modified;
	take_weakness(&rest, &is_weak);
	return take_etag(&rest, &tag) && rest.len == 0 &&
	       is_same_etag(tag, is_weak, validators->etag, true);
}

int http_conditions_check(const struct http_head *head, const struct http_validators *validators,
			  bool *range_applies)
{
	const struct slice *known = head->known;
	bool is_read = head->method == HTTP_GET || head->method == HTTP_HEAD;
	time_t date;

	must(validators->etag);
	*range_applies = true;

	/* Steps 1 and 2: a date counts only where no list stands; a malformed one never. */
	if (known[HTTP_FIELD_IF_MATCH].at) {
		if (!matches(known[HTTP_FIELD_IF_MATCH], validators->etag, true))
			return 412;
	} else if (http_date_parse(known[HTTP_FIELD_IF_UNMODIFIED_SINCE], &date) == 0) {
		if (validators->modified > date)
			return 412;
	}
	/* Steps 3 and 4. */
	if (known[HTTP_FIELD_IF_NONE_MATCH].at) {
		if (matches(known[HTTP_FIELD_IF_NONE_MATCH], validators->etag, false))
			return is_read ? 304 : 412;
	} else if (is_read && http_date_parse(known[HTTP_FIELD_IF_MODIFIED_SINCE], &date) == 0) {
		if (validators->modified <= date)
			return 304;
	}
	/* Step 5. */
	if (known[HTTP_FIELD_IF_RANGE].at)
		*range_applies = if_range_holds(known[HTTP_FIELD_IF_RANGE], validators);
	return 0;
}
