/* SPDX-License-Identifier: Apache-2.0 */
#include "store/parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of a size: an object has less than 2^63 bytes. */
#define DIGITS_MAX 19
/* " 9223372036854775807x10000", NUL */
#define RUN_BYTES  32

static void end_run(struct parts_text *text)
{
	char run[RUN_BYTES];

	if (text->run == 0 || text->is_full)
		return;
	int n = snprintf(run, sizeof(run), text->run > 1 ? "%s%llux%u" : "%s%llu",
			 text->len > 0 ? " " : "", (unsigned long long)text->size, text->run);
	text->run = 0;
	text->is_full = (size_t)n > sizeof(text->at) - text->len;
	if (text->is_full)
		return;
	memcpy(text->at + text->len, run, (size_t)n);
	text->len += (size_t)n;
}

void parts_add(struct parts_text *text, uint64_t size)
{
	if (text->run > 0 && text->size != size)
		end_run(text);
	text->size = size;
	text->run++;
}

size_t parts_end(struct parts_text *text)
{
	end_run(text);
	return text->is_full ? 0 : text->len;
}

void parts_read(struct parts_reader *reader, const char *text, size_t len)
{
	*reader = (struct parts_reader){.at = text, .left = len, .is_first = true};
}

static bool take_char(struct parts_reader *reader, char c)
{
	if (reader->left == 0 || *reader->at != c)
		return false;
	reader->at++;
	reader->left--;
	return true;
}

static bool take_number(struct parts_reader *reader, uint64_t *number)
{
	unsigned digits = 0;

	for (*number = 0; reader->left > 0 && *reader->at >= '0' && *reader->at <= '9'; digits++) {
		if (digits == DIGITS_MAX)
			return false;
		*number = *number * 10 + (uint64_t)(*reader->at++ - '0');
		reader->left--;
	}
	return digits > 0;
}

int parts_next(struct parts_reader *reader, uint64_t *size)
{
	uint64_t run = 1;

	if (reader->run == 0) {
		if (reader->left == 0)
			return 0;
		if ((!reader->is_first && !take_char(reader, ' ')) ||
		    !take_number(reader, &reader->size) ||
		    (take_char(reader, 'x') && !take_number(reader, &run)) || run == 0 ||
		    run > UPLOAD_PARTS_MAX)
			return -EBADMSG;
		reader->is_first = false;
		reader->run = (unsigned)run;
	}
	reader->run--;
	*size = reader->size;
	return 1;
}

void parts_find(struct object_part *part, const char *text, size_t len, uint64_t object_bytes)
{
	struct parts_reader reader;
	uint64_t at = 0, size;
	unsigned count = 0;
	int r;

	part->count = 0;
	part->first = part->bytes = 0;
	parts_read(&reader, text, len);
	while ((r = parts_next(&reader, &size)) == 1) {
		if (size > object_bytes - at || ++count > UPLOAD_PARTS_MAX)
			return;
		if (count == part->number) {
			part->first = at;
			part->bytes = size;
		}
		at += size;
	}
	if (r == 0 && at == object_bytes)
		part->count = count;
}
