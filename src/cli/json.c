/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json.h"

#include <string.h>

#include "base/utf8.h"

static void put_string(const struct json *json, const char *text)
{
	bool is_utf8 = utf8_is_valid(text, strlen(text));

	fputc('"', json->out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(json->out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c > 0x7f && !is_utf8))
			fprintf(json->out, "\\u%04x", c);
		else
			fputc(c, json->out);
	}
	fputc('"', json->out);
}

static void begin_member(struct json *json, const char *name)
{
	if (!json->is_first)
		fputc(',', json->out);
	json->is_first = false;
	if (name != NULL) {
		put_string(json, name);
		fputc(':', json->out);
	}
}

void json_open(struct json *json, const char *name, char bracket)
{
	begin_member(json, name);
	fputc(bracket, json->out);
	json->is_first = true;
}

void json_close(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->is_first = false;
}

void json_put_text(struct json *json, const char *name, const char *value)
{
	begin_member(json, name);
	put_string(json, value);
}

void json_put_bool(struct json *json, const char *name, bool value)
{
	begin_member(json, name);
	fputs(value ? "true" : "false", json->out);
}

void json_put_number(struct json *json, const char *name, long value)
{
	begin_member(json, name);
	fprintf(json->out, "%ld", value);
}

void json_put_seconds(struct json *json, const char *name, unsigned long long ns)
{
	begin_member(json, name);
	fprintf(json->out, "%llu.%09llu", ns / 1000000000, ns % 1000000000);
}
