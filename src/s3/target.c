/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path is decoded once, as a whole, and only then cut: the bucket ends at the first '/' that
 * was sent as '/', and within the key "%2F" and '/' are the same byte, as they are in S3. A "%2F"
 * inside the bucket's part is no separator: it decodes to a byte that no bucket name holds. What
 * was encoded twice ("%252e") comes out once encoded, as three ordinary bytes of a name.
 */
#include "s3/target.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/hex.h"
#include "base/must.h"
#include "base/utf8.h"
#include "store/names.h"

static bool is_visible(char c)
{
	return c > 0x20 && c < 0x7f && c != '#';
}

static int refuse(enum s3_target_error *error, enum s3_target_error reason)
{
	*error = reason;
	return -EINVAL;
}

/*
 * Decodes encoded into out, NUL behind it. *len becomes the decoded length also where that is
 * more than size - 1; then out holds its first size - 1 bytes.
 */
static int decode(struct slice encoded, char *out, size_t size, size_t *len,
		  enum s3_target_error *error)
{
	size_t used = 0;

	for (size_t i = 0; i < encoded.len; i++) {
		char c = encoded.at[i];

		if (c == '%') {
			int high = i + 2 < encoded.len ? hex_value(encoded.at[i + 1]) : -1;
			int low = high >= 0 ? hex_value(encoded.at[i + 2]) : -1;

			if (low < 0)
				return refuse(error, S3_TARGET_BAD_ENCODING);
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			return refuse(error, S3_TARGET_NUL);
		if (used < size - 1)
			out[used] = c;
		used++;
	}
	out[used < size ? used : size - 1] = '\0';
	*len = used;
	return 0;
}

/* Each component is a name that a directory can hold. One '/' at the end is let through. */
static bool has_good_components(const char *object_key, size_t len)
{
	const char *at = object_key, *end = object_key + len;

	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t bytes = (size_t)((slash ? slash : end) - at);

		if (bytes == 0 || bytes > KEY_COMPONENT_BYTES_MAX)
			return false;
		if (at[0] == '.' && (bytes == 1 || (bytes == 2 && at[1] == '.')))
			return false;
		at = slash ? slash + 1 : end;
	}
	return true;
}

int s3_key_check(const char *object_key, size_t len, enum s3_target_error *error)
{
	if (len > OBJECT_KEY_BYTES_MAX)
		return refuse(error, S3_TARGET_KEY_TOO_LONG);
	if (!utf8_is_valid(object_key, len))
		return refuse(error, S3_TARGET_NOT_UTF8);
	if (store_key_is_private(object_key) || !has_good_components(object_key, len))
		return refuse(error, S3_TARGET_BAD_COMPONENT);
	return 0;
}

/* The path's two parts, decoded. Sets out but for the query, also where it refuses. */
static int parse_path(struct slice path, struct s3_target *out, enum s3_target_error *error)
{
	struct slice bucket = {path.at + 1, path.len - 1}, object_key = {0};
	const char *slash = memchr(bucket.at, '/', bucket.len);
	size_t bucket_len;

	if (slash) {
		bucket.len = (size_t)(slash - bucket.at);
		object_key = (struct slice){slash + 1, path.len - bucket.len - 2};
	}
	if (decode(bucket, out->bucket, sizeof(out->bucket), &bucket_len, error) < 0)
		return -EINVAL;
	if (decode(object_key, out->object_key, sizeof(out->object_key), &out->object_key_len,
		   error) < 0)
		return -EINVAL;
	if (path.len > 1 && !store_bucket_name_is_valid(out->bucket, bucket_len))
		return refuse(error, S3_TARGET_BAD_BUCKET);
	return s3_key_check(out->object_key, out->object_key_len, error);
}

int s3_target_parse(struct slice target, struct s3_target *out, enum s3_target_error *error)
{
	struct slice path = target;
	const char *mark;

	must(target.at && out && error);
	*out = (struct s3_target){0};

	if (target.len == 0 || target.at[0] != '/')
		return refuse(error, S3_TARGET_BAD_ENCODING);
	for (size_t i = 0; i < target.len; i++) {
		if (!is_visible(target.at[i]))
			return refuse(error, S3_TARGET_BAD_ENCODING);
	}

	mark = memchr(target.at, '?', target.len);
	if (mark)
		path.len = (size_t)(mark - target.at);
	if (parse_path(path, out, error) < 0) {
		*out = (struct s3_target){0}; /* no caller can use what was refused */
		return -EINVAL;
	}
	if (mark)
		out->query = (struct slice){mark + 1, target.len - path.len - 1};
	return 0;
}

/*
 * The value is decoded as a whole and then cut, so that it does not matter whether a client has
 * encoded the slash behind the bucket, too, or nothing at all. What asks for a version stands
 * behind a '?' that was sent as one.
 */
int s3_source_parse(struct slice value, struct s3_target *out, enum s3_target_error *error)
{
	char text[1 + BUCKET_BYTES_MAX + 1 + OBJECT_KEY_BYTES_MAX + 1];
	struct slice path = value;
	const char *mark = memchr(value.at, '?', value.len);
	size_t len;

	*out = (struct s3_target){0};
	if (memchr(value.at, '\t', value.len) != NULL) /* the only control byte of a field */
		return refuse(error, S3_TARGET_BAD_ENCODING);
	if (mark != NULL)
		path.len = (size_t)(mark - value.at);
	if (decode(path, text, sizeof(text), &len, error) < 0)
		return -EINVAL;
	if (len >= sizeof(text))
		return refuse(error, S3_TARGET_KEY_TOO_LONG);
	const char *bucket = text + (text[0] == '/');
	const char *slash = strchr(bucket, '/');
	size_t bucket_len = slash != NULL ? (size_t)(slash - bucket) : strlen(bucket);
	if (!store_bucket_name_is_valid(bucket, bucket_len))
		return refuse(error, S3_TARGET_BAD_BUCKET);
	const char *key = slash != NULL ? slash + 1 : "";
	size_t key_len = strlen(key);
	if (key_len == 0)
		return refuse(error, S3_TARGET_BAD_COMPONENT);
	if (s3_key_check(key, key_len, error) < 0)
		return -EINVAL;
	memcpy(out->bucket, bucket, bucket_len);
	memcpy(out->object_key, key, key_len);
	out->object_key_len = key_len;
	if (mark != NULL)
		out->query = (struct slice){mark + 1, value.len - path.len - 1};
	return 0;
}

/* Is this, still encoded, the name? One that cannot be decoded is none. */
static bool is_param_name(const char *at, const char *end, const char *name)
{
	for (; at < end && *name != '\0'; name++) {
		char c = *at++;
		if (c == '%') {
			int high = end - at >= 2 ? hex_value(at[0]) : -1;
			int low = high >= 0 ? hex_value(at[1]) : -1;
			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			at += 2;
		}
		if (c != *name)
			return false;
	}
	return at == end && *name == '\0';
}

/* The parameter at *at of the query, both halves encoded. False: there is none. */
static bool next_param(struct slice query, size_t *at, struct slice *name, struct slice *value)
{
	if (*at >= query.len)
		return false;
	const char *begin = query.at + *at;
	const char *mark = memchr(begin, '&', query.len - *at);
	size_t bytes = mark != NULL ? (size_t)(mark - begin) : query.len - *at;
	const char *equals = memchr(begin, '=', bytes);

	*name = (struct slice){begin, equals != NULL ? (size_t)(equals - begin) : bytes};
	*value = (struct slice){begin + bytes, 0};
	if (equals != NULL)
		*value = (struct slice){equals + 1, bytes - name->len - 1};
	*at += bytes + 1;
	return true;
}

struct slice s3_query_param(struct slice query, const char *name)
{
	struct slice is, value;

	for (size_t at = 0; next_param(query, &at, &is, &value);)
		if (is_param_name(is.at, is.at + is.len, name))
			return value;
	return (struct slice){0};
}

bool s3_query_next(struct slice query, size_t *at, struct s3_param *param)
{
	enum s3_target_error error;
	struct slice name;
	size_t len;

	while (next_param(query, at, &name, &param->value))
		if (decode(name, param->name, sizeof(param->name), &len, &error) == 0)
			return true;
	return false;
}

int s3_query_text(struct slice query, const char *name, char *out, size_t size)
{
	struct slice encoded = s3_query_param(query, name);
	enum s3_target_error error;
	size_t len = 0, used = 0;
	char plain[3 * OBJECT_KEY_BYTES_MAX + 1];

	/* '+' first: "%2B" is a plus and stays one. */
	if (encoded.len >= sizeof(plain))
		return -EINVAL;
	for (; used < encoded.len; used++)
		plain[used] = encoded.at[used] == '+' ? ' ' : encoded.at[used];
	if (decode((struct slice){plain, used}, out, size, &len, &error) < 0 || len >= size)
		return -EINVAL;
	return (int)len;
}
