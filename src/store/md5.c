/* SPDX-License-Identifier: Apache-2.0 */
#include "store/md5.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "tls/digest.h"

#define BUFFER_BYTES (1u << 20)

void md5_etag(const uint8_t md5[MD5_BYTES], unsigned parts, char etag[ETAG_BYTES])
{
	char *out = etag;

	*out++ = '"';
	for (unsigned i = 0; i < MD5_BYTES; i++)
		out += sprintf(out, "%02x", md5[i]);
	if (parts > 0)
		out += sprintf(out, "-%u", parts);
	memcpy(out, "\"", 2);
}

bool md5_of_etag(const char *etag, uint8_t md5[MD5_BYTES])
{
	if (strlen(etag) != 2 * MD5_BYTES + 2 || etag[2 * MD5_BYTES + 1] != '"')
		return false;
	for (unsigned i = 0; i < MD5_BYTES; i++) {
		int high = hex_value(etag[1 + 2 * i]), low = hex_value(etag[2 + 2 * i]);
		if (high < 0 || low < 0)
			return false;
		md5[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void finish(struct digest_set *digests, uint8_t md5[MD5_BYTES])
{
	uint8_t digest[DIGEST_BYTES_MAX];

	digest_end(digests, DIGEST_MD5, digest);
	memcpy(md5, digest, MD5_BYTES);
}

int md5_of_bytes(const void *data, size_t len, uint8_t md5[MD5_BYTES])
{
	struct digest_set digests = {0};
	int r = digest_begin(&digests, 1u << DIGEST_MD5);

	if (r == 0) {
		digest_update(&digests, data, len);
		finish(&digests, md5);
	}
	digest_fini(&digests);
	return r;
}

static int update_from(const struct store_sys *sys, int fd, struct digest_set *digests,
		       char *buffer)
{
	for (off_t at = 0;;) {
		ssize_t n = sys->pread(fd, buffer, BUFFER_BYTES, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		digest_update(digests, buffer, (size_t)n);
		at += n;
	}
}

int md5_of_file(const struct store_sys *sys, int fd, uint8_t md5[MD5_BYTES])
{
	struct digest_set digests = {0};
	char *buffer = malloc(BUFFER_BYTES);

	int r = buffer != NULL ? digest_begin(&digests, 1u << DIGEST_MD5) : -ENOMEM;
	if (r == 0)
		r = update_from(sys, fd, &digests, buffer);
	if (r == 0)
		finish(&digests, md5);
	digest_fini(&digests);
	free(buffer);
	return r;
}
