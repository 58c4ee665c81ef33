/* SPDX-License-Identifier: Apache-2.0 */
#include "store/md5.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "store/checksum.h"

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
	return hex_decode(etag + 1, MD5_BYTES, md5);
}

int md5_of_bytes(const void *data, size_t len, uint8_t md5[MD5_BYTES])
{
	uint8_t digest[DIGEST_BYTES_MAX];
	int r = digest_of(DIGEST_MD5, data, len, digest);

	if (r == 0)
		memcpy(md5, digest, MD5_BYTES);
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
