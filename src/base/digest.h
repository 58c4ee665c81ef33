/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of bytes as they pass, as many as are asked for. digest.c is the only user of OpenSSL
 * outside tls/. */
#ifndef SLUICE_BASE_DIGEST_H
#define SLUICE_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum digest_kind {
	DIGEST_CRC32,
	DIGEST_CRC32C,
	DIGEST_CRC64NVME,
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA512,
	DIGEST_MD5,
	DIGEST_KIND_COUNT
};

#define DIGEST_BYTES_MAX 64

/* All zero: none. */
struct digest_set {
	void *evp[DIGEST_KIND_COUNT]; /* EVP_MD_CTX; NULL: not asked for, or a CRC */
	uint64_t crc[DIGEST_KIND_COUNT];
	unsigned wanted; /* 1 << enum digest_kind, or-ed */
};

/* 0; -ENOMEM; -EOPNOTSUPP: OpenSSL does not do one of them here (MD5 under FIPS). */
int digest_begin(struct digest_set *set, unsigned wanted);
void digest_update(struct digest_set *set, const void *data, size_t len);
/* The digest in out, as S3's checksums have it: CRCs big-endian. Once for each that was asked for.
 * Returns its length. */
size_t digest_end(struct digest_set *set, enum digest_kind kind, uint8_t out[DIGEST_BYTES_MAX]);
void digest_fini(struct digest_set *set);
/* One of bytes that are all here. As digest_begin. */
int digest_of(enum digest_kind kind, const void *data, size_t len, uint8_t out[DIGEST_BYTES_MAX]);

size_t digest_bytes(enum digest_kind kind);
/* "crc32", as in the name of S3's field. */
const char *digest_label(enum digest_kind kind);

#endif
