/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any x-amz-copy-source: what the access rules are asked for is what a second reader decodes, and
 * where he finds no object named they are not asked. Nothing is opened: the rules refuse.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "base/must.h"
#include "base/utf8.h"
#include "s3/call.h"
#include "s3/op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VALUE_BYTES_MAX 8192

/* What the rules were asked for. */
struct asked {
	unsigned times;
	char bucket[BUCKET_BYTES_MAX + 1];
	char key[OBJECT_KEY_BYTES_MAX + 1];
};

static bool refuse(void *client, enum access_verb verb, const char *bucket, const char *key)
{
	struct asked *asked = (struct asked *)client;

	must(verb == ACCESS_READ);
	must(strlen(bucket) < sizeof(asked->bucket) && strlen(key) < sizeof(asked->key));
	strcpy(asked->bucket, bucket);
	strcpy(asked->key, key);
	asked->times++;
	return false;
}

/* ---- The second reader ----------------------------------------------------------------------- */

/* In place. False: a percent sign without two digits, or one that makes a NUL. */
static bool second_decode(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		*out = *text;
		if (*text == '%') {
			int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);
			if (low < 0 || (high == 0 && low == 0))
				return false;
			*out = (char)(high << 4 | low);
			text += 2;
		}
		out++;
	}
	*out = '\0';
	return true;
}

static bool second_bucket_is_valid(const char *bucket)
{
	static const char ends[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char middle[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(bucket);

	return len >= 3 && len <= 63 && strspn(bucket, middle) == len &&
	       strchr(ends, bucket[0]) != NULL && strchr(ends, bucket[len - 1]) != NULL &&
	       strstr(bucket, "..") == NULL;
}

static bool second_key_is_valid(const char *key)
{
	char slashed[VALUE_BYTES_MAX + 3] = "/";
	size_t len = strlen(key);

	strcat(slashed, key);
	if (len == 0 || len > 1024 || !utf8_is_valid(key, len))
		return false;
	if (slashed[len] != '/') /* one at the end is the key's own */
		strcat(slashed, "/");
	for (const char *at = slashed; (at = strchr(at, '/')) != NULL && at[1] != '\0'; at++)
		if (strcspn(at + 1, "/") > 255)
			return false;
	return strstr(slashed, "//") == NULL && strstr(slashed, "/./") == NULL &&
	       strstr(slashed, "/../") == NULL && strstr(slashed, "/.sluice/") == NULL &&
	       strstr(slashed, "/.sluice-marker/") == NULL;
}

enum second { SECOND_BAD, SECOND_VERSION, SECOND_NAMED };

/* [/]BUCKET/KEY[?QUERY], decoded as a whole; its versionId may be null. */
static enum second second_read(const char *value, char *bucket, char *key)
{
	char text[VALUE_BYTES_MAX + 1];

	if (strchr(value, '\t') != NULL)
		return SECOND_BAD;
	strcpy(text, value);
	char *query = strchr(text, '?');
	if (query != NULL)
		*query++ = '\0';
	if (!second_decode(text))
		return SECOND_BAD;
	char *path = text + (text[0] == '/');
	char *slash = strchr(path, '/');
	if (slash == NULL)
		return SECOND_BAD;
	*slash = '\0';
	strcpy(bucket, path);
	strcpy(key, slash + 1);
	if (!second_bucket_is_valid(bucket) || !second_key_is_valid(key))
		return SECOND_BAD;
	for (char *name = query; name != NULL; name = query) {
		query = strchr(name, '&');
		if (query != NULL)
			*query++ = '\0';
		char *equals = strchr(name, '=');
		if (equals != NULL)
			*equals = '\0';
		if (!second_decode(name) || strcmp(name, "versionId") != 0)
			continue;
		return equals == NULL || equals[1] == '\0' || strcasecmp(equals + 1, "null") == 0
			       ? SECOND_NAMED
			       : SECOND_VERSION;
	}
	return SECOND_NAMED;
}

/* ---------------------------------------------------------------------------------------------- */

static void check(const char *value, const struct s3_call *call, const struct asked *asked)
{
	static char bucket[VALUE_BYTES_MAX + 1], key[VALUE_BYTES_MAX + 1];
	enum second second = second_read(value, bucket, key);

	must(s3_call_has_failed(call));
	must(asked->times == (second == SECOND_NAMED));
	switch (second) {
	case SECOND_BAD:
		must(call->error == S3_ERROR_INVALID_ARGUMENT);
		break;
	case SECOND_VERSION:
		must(call->error == S3_ERROR_NO_SUCH_VERSION);
		break;
	case SECOND_NAMED:
		must(call->error == S3_ERROR_ACCESS_DENIED);
		must(strcmp(asked->bucket, bucket) == 0 && strcmp(asked->key, key) == 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "x-amz-copy-source";
	static const char line[] = "/bucket/key";
	static struct http_head head;
	static struct s3_target target;
	const struct s3_store store = {.sys = &store_sys_kernel, .root_fd = -1};
	const struct s3_route route = {.operation = S3_COPY_OBJECT};
	enum s3_target_error error;
	struct asked asked = {0};
	struct s3_call call;

	/* A field's value holds no NUL; more than a head has no field. */
	if (size >= VALUE_BYTES_MAX || (size > 0 && memchr(data, '\0', size) != NULL))
		return 0;
	char *value = malloc(size + 1), *copy = malloc(size + 1);
	must(value != NULL && copy != NULL);
	memcpy(value, data, size);
	value[size] = '\0';
	memcpy(copy + 1, data, size); /* of its size, for who reads too far */
	head = (struct http_head){.method = HTTP_PUT, .field_count = 1};
	head.field[0] = (struct http_field){{name, strlen(name)}, {copy + 1, size}};
	must(s3_target_parse((struct slice){line, strlen(line)}, &target, &error) == 0);
	s3_call_init(&call, &store, &head, &target, &route);
	call.permission = (struct s3_permission){.is_allowed = refuse, .client = &asked};
	op_copy_object(&call);
	check(value, &call, &asked);
	s3_call_fini(&call);
	free(copy);
	free(value);
	return 0;
}
