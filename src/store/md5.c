/* SPDX-License-Identifier: Apache-2.0 */
#include "store/md5.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "store/checksum.h"
#include "tls/digest.h"

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

int md5_of_bytes(const void *data, size_t len, uint8_t md5[MD5_BYTES])
{
	struct digest_set digests = {0};
	uint8_t digest[DIGEST_BYTES_MAX];
	int r = digest_begin(&digests, 1u << DIGEST_MD5);

	if (r == 0) {
		digest_update(&digests, data, len);
		digest_end(&digests, DIGEST_MD5, digest);
		memcpy(md5, digest, MD5_BYTES);
	}
	digest_fini(&digests);
	return r;
}

int md5_of_file(const struct store_sys *sys, int fd, uint8_t md5[MD5_BYTES])
{
	uint8_t digest[DIGEST_BYTES_MAX];
	int r = checksum_digest_file(sys, fd, DIGEST_MD5, digest);

	if (r == 0)
		memcpy(md5, digest, MD5_BYTES);
	return r;
}
