/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as it is written, member by member. */
#ifndef SLUICE_CLI_JSON_H
#define SLUICE_CLI_JSON_H

#include <stdbool.h>
#include <stdio.h>

/* An object or array under construction. */
struct json {
	FILE *out;
	bool is_first; /* no comma before the next member */
};

/* A member that is an object '{' or an array '[', up to json_close with '}' or ']'. name NULL: the
 * whole, or a member of an array; so in all of these. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
/* Text that is not UTF-8 is taken for Latin-1. */
void json_put_text(struct json *json, const char *name, const char *value);
void json_put_bool(struct json *json, const char *name, bool value);
void json_put_number(struct json *json, const char *name, long value);
/* Nanoseconds, as seconds. */
void json_put_seconds(struct json *json, const char *name, unsigned long long ns);

#endif
