/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request target: what is accepted stays inside its root however it is opened, and
 * encodes back to the same bucket and key. The error body takes the same bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "s3/error.h"
#include "s3/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bucket(const char *bucket)
{
	size_t len = strlen(bucket);

	must(len >= BUCKET_BYTES_MIN && len <= BUCKET_BYTES_MAX);
	must(bucket[0] != '.' && !strstr(bucket, "..") && !strpbrk(bucket, "/\\%:"));
}

/* As the kernel would walk it: no empty, "." or ".." name, none too long, nothing behind a NUL. */
static void check_object_key(const struct s3_target *target)
{
	const char *at = target->object_key;

	must(target->object_key_len <= OBJECT_KEY_BYTES_MAX);
	must(strlen(at) == target->object_key_len);
	while (*at) {
		size_t bytes = strcspn(at, "/");

		must(bytes > 0 && bytes <= KEY_COMPONENT_BYTES_MAX);
		must(!(bytes == 1 && at[0] == '.'));
		must(!(bytes == 2 && at[0] == '.' && at[1] == '.'));
		at += bytes + (at[bytes] == '/');
	}
}

/* Encodes every byte of the key: it must come back as it was. */
static void check_round_trip(const struct s3_target *target)
{
	static const char hex[] = "0123456789abcdef";
	char encoded[BUCKET_BYTES_MAX + 3 * OBJECT_KEY_BYTES_MAX + 2];
	size_t used = 0, len = strlen(target->bucket);
	static struct s3_target again;
	enum s3_target_error error;

	encoded[used++] = '/';
	memcpy(encoded + used, target->bucket, len);
	used += len;
	if (len > 0)
		encoded[used++] = '/';
	for (size_t i = 0; i < target->object_key_len; i++) {
		uint8_t byte = (uint8_t)target->object_key[i];

		encoded[used++] = '%';
		encoded[used++] = hex[byte >> 4];
		encoded[used++] = hex[byte & 15];
	}
	must(s3_target_parse((struct slice){encoded, used}, &again, &error) == 0);
	must(strcmp(again.bucket, target->bucket) == 0 && !again.query.at);
	must(again.object_key_len == target->object_key_len);
	must(memcmp(again.object_key, target->object_key, again.object_key_len) == 0);
}

static void check_query(struct slice query, const char *copy, size_t size)
{
	static const char *const names[] = {"location", "uploads", "list-type", "a", ""};

	if (!query.at)
		return;
	must(query.at > copy && query.at + query.len == copy + size);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct slice value = s3_query_param(query, names[i]);

		must(!value.at ||
		     (value.at >= query.at && value.at + value.len <= query.at + query.len));
		must(value.at || value.len == 0);
		must(!value.at || !memchr(value.at, '&', value.len));
	}
}

static void check_error_body(const char *copy, size_t size)
{
	static char out[ERROR_BODY_BYTES_MAX];
	static const char end[] = "</Error>";
	size_t len =
		s3_error_xml(S3_ERROR_NO_SUCH_KEY, NULL, NULL, copy, size, "7", out, sizeof(out));

	must(len > strlen(end) && len <= sizeof(out));
	must(memcmp(out + len - strlen(end), end, strlen(end)) == 0);
	for (size_t i = 0; i < len; i++)
		must((uint8_t)out[i] >= 0x20 || out[i] == '\t' || out[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct s3_target target;
	enum s3_target_error error = S3_TARGET_ERROR_COUNT;
	char *copy = malloc(size + 1); /* one more, so that it is never NULL */
	int r;

	must(copy);
	if (size > 0)
		memcpy(copy + 1, data, size);
	r = s3_target_parse((struct slice){copy + 1, size}, &target, &error);
	if (r == 0) {
		if (target.bucket[0])
			check_bucket(target.bucket);
		else
			must(target.object_key_len == 0);
		check_object_key(&target);
		check_round_trip(&target);
		check_query(target.query, copy + 1, size);
	} else {
		must(r == -EINVAL && error < S3_TARGET_ERROR_COUNT);
		must(!target.bucket[0] && !target.object_key[0] && !target.query.at);
	}
	check_error_body(copy + 1, size);
	free(copy);
	return 0;
}
