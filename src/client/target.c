/* SPDX-License-Identifier: Apache-2.0 */
#include "client/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(char error[ERROR_TEXT_MAX], const char *text, const char *why)
{
	snprintf(error, ERROR_TEXT_MAX, "\"%.200s\" is no target: %s", text, why);
	return -EINVAL;
}

/* Copies len bytes and a NUL; false: they do not fit, or are none. */
static bool copy(char *out, size_t size, const char *from, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

/* "HOST:PORT" or "[V6]:PORT", len bytes. */
static bool take_authority(struct target *target, const char *text, size_t len)
{
	const char *host = text, *host_end = memchr(text, ':', len);

	if (text[0] == '[') {
		host++;
		host_end = memchr(text, ']', len);
		if (host_end == NULL || host_end[1] != ':')
			return false;
	}
	if (host_end == NULL ||
	    !copy(target->host, sizeof(target->host), host, (size_t)(host_end - host)))
		return false;
	const char *port = host_end + (text[0] == '[' ? 2 : 1);
	if (!copy(target->port, sizeof(target->port), port, (size_t)(text + len - port)))
		return false;
	long number = strtol(target->port, NULL, 10);
	return strspn(target->port, "0123456789") == strlen(target->port) && number >= 1 &&
	       number <= 65535 && copy(target->authority, sizeof(target->authority), text, len);
}

int target_parse(struct target *target, const char *text, char error[ERROR_TEXT_MAX])
{
	static const char form[] = "use HOST:PORT/bucket or HOST:PORT/bucket/prefix";
	size_t len = strcspn(text, "/");

	*target = (struct target){0};
	if (strstr(text, "://") != NULL)
		return refuse(error, text, "without a scheme: use HOST:PORT/bucket[/prefix]");
	if (text[len] == '\0' || !take_authority(target, text, len))
		return refuse(error, text, form);
	const char *bucket = text + len + 1;
	len = strcspn(bucket, "/");
	if (!copy(target->bucket, sizeof(target->bucket), bucket, len))
		return refuse(error, text, form);
	if (bucket[len] == '\0' || bucket[len + 1] == '\0')
		return 0;
	const char *prefix = bucket + len + 1;
	if (!copy(target->prefix, sizeof(target->prefix), prefix, strlen(prefix)))
		return refuse(error, text, "the prefix is longer than a key can be");
	return 0;
}

int target_parse_authority(struct target *target, const char *text, char error[ERROR_TEXT_MAX])
{
	*target = (struct target){0};
	if (take_authority(target, text, strlen(text)))
		return 0;
	return refuse(error, text, "use HOST:PORT or [IPV6]:PORT");
}

void target_put_encoded(struct text *out, const char *value, bool is_query)
{
	for (; *value != '\0'; value++) {
		char c = *value;
		bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') || strchr("-_.~", c) != NULL ||
				(c == '/' && !is_query);
		if (is_plain)
			text_add(out, value, 1);
		else
			text_printf(out, "%%%02X", (unsigned char)c);
	}
}
