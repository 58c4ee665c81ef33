/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/crc.h"
#include "base/must.h"

static const struct {
	const char *label;
	size_t bytes;
	enum crc_kind crc;          /* CRC_KIND_COUNT: none */
	const EVP_MD *(*evp)(void); /* NULL: a CRC */
} kinds[DIGEST_KIND_COUNT] = {
	[DIGEST_CRC32] = {"crc32", 4, CRC_32, NULL},
	[DIGEST_CRC32C] = {"crc32c", 4, CRC_32C, NULL},
	[DIGEST_CRC64NVME] = {"crc64nvme", 8, CRC_64_NVME, NULL},
	[DIGEST_SHA1] = {"sha1", 20, CRC_KIND_COUNT, EVP_sha1},
	[DIGEST_SHA256] = {"sha256", 32, CRC_KIND_COUNT, EVP_sha256},
	[DIGEST_SHA512] = {"sha512", 64, CRC_KIND_COUNT, EVP_sha512},
	[DIGEST_MD5] = {"md5", 16, CRC_KIND_COUNT, EVP_md5},
};

static bool is_wanted(const struct digest_set *set, unsigned kind)
{
	return (set->wanted & 1u << kind) != 0;
}

int digest_begin(struct digest_set *set, unsigned wanted)
{
	*set = (struct digest_set){.wanted = wanted};
	for (unsigned kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
		if (!is_wanted(set, kind) || kinds[kind].evp == NULL)
			continue;
		set->evp[kind] = EVP_MD_CTX_new();
		bool is_ready = set->evp[kind] != NULL &&
				EVP_DigestInit_ex(set->evp[kind], kinds[kind].evp(), NULL) == 1;
		if (!is_ready) {
			int r = set->evp[kind] != NULL ? -EOPNOTSUPP : -ENOMEM;
			ERR_clear_error();
			digest_fini(set);
			return r;
		}
	}
	return 0;
}

void digest_update(struct digest_set *set, const void *data, size_t len)
{
	for (unsigned kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
		if (!is_wanted(set, kind))
			continue;
		if (kinds[kind].evp == NULL)
			set->crc[kind] = crc_update(kinds[kind].crc, set->crc[kind], data, len);
		else
			must(EVP_DigestUpdate(set->evp[kind], data, len) == 1);
	}
}

size_t digest_end(struct digest_set *set, enum digest_kind kind, uint8_t out[DIGEST_BYTES_MAX])
{
	size_t bytes = digest_bytes(kind);
	unsigned written = 0;

	must(is_wanted(set, kind));
	if (kinds[kind].evp == NULL) {
		for (size_t i = 0; i < bytes; i++)
			out[i] = (uint8_t)(set->crc[kind] >> 8 * (bytes - 1 - i));
		return bytes;
	}
	must(EVP_DigestFinal_ex(set->evp[kind], out, &written) == 1 && written == bytes);
	return bytes;
}

void digest_fini(struct digest_set *set)
{
	for (unsigned kind = 0; kind < DIGEST_KIND_COUNT; kind++)
		EVP_MD_CTX_free(set->evp[kind]);
	*set = (struct digest_set){0};
}

int digest_of(enum digest_kind kind, const void *data, size_t len, uint8_t out[DIGEST_BYTES_MAX])
{
	struct digest_set set = {0};
	int r = digest_begin(&set, 1u << kind);

	if (r == 0) {
		digest_update(&set, data, len);
		digest_end(&set, kind, out);
	}
	digest_fini(&set);
	return r;
}

size_t digest_bytes(enum digest_kind kind)
{
	must(kind < DIGEST_KIND_COUNT);
	return kinds[kind].bytes;
}

const char *digest_label(enum digest_kind kind)
{
	must((unsigned)kind < DIGEST_KIND_COUNT);
	return kinds[kind].label;
}
