/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads of two parts with checksums, by the bytes that clients send; the values are those of zlib
 * and hashlib. */
#ifndef SLUICE_TESTS_WIRE_SUMS_H
#define SLUICE_TESTS_WIRE_SUMS_H

#include "wire/wire_put.h"
#include "wire/wire_server.h"

#define WIRE_SUMS_FIRST 5242880 /* of 'a'; the second part is "bcd" */
#define WIRE_SUMS_WHOLE (WIRE_SUMS_FIRST + 3)

/* Algorithm; of the first, of the second part; of both together; of their checksums. */
#define WIRE_SUM_CRC32                                                                             \
	{                                                                                          \
		"CRC32", {"r/zBbw==", "sB1beQ=="}, "lXyP8w==", "DV1k1w=="                          \
	}
#define WIRE_SUM_CRC32C                                                                            \
	{                                                                                          \
		"CRC32C", {"WpuOeg==", "Gw0DWA=="}, "PolW0g==", "zz7ZmQ=="                         \
	}
#define WIRE_SUM_CRC64NVME                                                                         \
	{                                                                                          \
		"CRC64NVME", {"PbvLEkWUSgg=", "/yljnw400i8="}, "u96pAcaTOVw=", NULL                \
	}
#define WIRE_SUM_SHA256                                                                            \
	{                                                                                          \
		"SHA256",                                                                          \
			{"oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=",                           \
			 "prD5DSrCuNHyUMaHMBrvEyBJ6QFt+TZoDoH6e8fYHXA="},                          \
			"CylVUtKWnkb3uhcFkHldIwAEIc6O9P3FAVNsKu6KkNA=",                            \
			"aBxg5xUCq8oONRfEJkE3D1OJh8ixBWQys/aqZP3HB9M="                             \
	}

struct wire_sum {
	const char *name, *part[2], *full, *composite;
};

/* One upload, and the texts that its requests are made of. */
struct wire_sums {
	struct wire_client *client;
	const char *target;
	char id[40];
	char etag[2][WIRE_VALUE_MAX];
	struct wire_response response; /* the last */
};

/* A server with the right to write, and its client. */
void wire_sums_start(struct wire_server *server, struct wire_client *client);
/* A request and the text of its answer. */
void wire_sums_ask(struct wire_sums *upload, const char *method, const char *target,
		   const char *fields, const char *body, size_t len);
/* The answer has this text; or has it not; has this status and (unless NULL) text. */
void wire_sums_says(const struct wire_sums *upload, const char *text);
void wire_sums_lacks(const struct wire_sums *upload, const char *text);
void wire_sums_answered(const struct wire_sums *upload, int status, const char *text);
void wire_sums_lacks_field(const struct wire_response *response, const char *name);
/* "x-amz-checksum-crc32" ... */
const char *wire_sums_field(const char *algorithm, char out[64]);
/* Creates it; sends part 1 or 2, or both with their checksums. */
void wire_sums_begin(struct wire_sums *upload, const char *fields);
void wire_sums_part(struct wire_sums *upload, int number, const char *fields);
void wire_sums_parts(struct wire_sums *upload, const struct wire_sum *algorithm);
/* Completes it, with these elements for each part, or "". */
void wire_sums_complete(struct wire_sums *upload, const char *fields, const char *sums0,
			const char *sums1);
void wire_sums_element(char out[256], const struct wire_sum *algorithm, const char *value);
/* HEAD with x-amz-checksum-mode; value NULL: no checksum is told. */
void wire_sums_head(struct wire_sums *upload, const char *query, int status,
		    const struct wire_sum *algorithm, const char *value, const char *type);

#endif
