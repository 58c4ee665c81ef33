/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MD5 as ETags, for --etag=md5: of an object's bytes, or, as S3 has it for multipart
 * uploads, of the MD5s of its parts, with "-" and their number behind it.
 */
#ifndef SLUICE_STORE_MD5_H
#define SLUICE_STORE_MD5_H

#include <stdbool.h>
#include <stdint.h>

#include "store/sys.h"
#include "store/version.h"

#define MD5_BYTES 16

/* With quotes. parts 0: of the bytes themselves. */
void md5_etag(const uint8_t md5[MD5_BYTES], unsigned parts, char etag[ETAG_BYTES]);
/* Is this ETag the MD5 of the object's bytes? Then md5 is it. */
bool md5_of_etag(const char *etag, uint8_t md5[MD5_BYTES]);
/* 0, -ENOMEM or -EOPNOTSUPP: OpenSSL has no MD5 here (FIPS). */
int md5_of_bytes(const void *data, size_t len, uint8_t md5[MD5_BYTES]);
/* Of a whole file, from its begin. 0 or a negative errno, as above too. */
int md5_of_file(const struct store_sys *sys, int fd, uint8_t md5[MD5_BYTES]);

#endif
