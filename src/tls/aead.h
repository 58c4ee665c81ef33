/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening single TLS 1.3 records in memory (RFC 8446 section 5.2).
 * Used by the userspace record layer and by the padding self-test.
 *
 *   sealed record:  | 17 03 03 len len | plaintext ... | type | zeros ... | tag (16) |
 *                     RECORD_HEADER      plain_bytes      1      pad_bytes   RECORD_TAG
 */
#ifndef SLUICE_TLS_AEAD_H
#define SLUICE_TLS_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "tls/ktls.h"

#define RECORD_HEADER     5
#define RECORD_TAG        16
#define RECORD_OVERHEAD   (RECORD_HEADER + 1 + RECORD_TAG)
#define RECORD_SEALED_MAX (RECORD_HEADER + RECORD_PLAIN_MAX + 256)

/* One direction of one connection: cipher, key, IV and the next sequence number. */
struct aead;

/* NULL: no memory, or the TLS library lacks the cipher. The key is copied. */
struct aead *aead_new(enum tls_cipher cipher, const struct traffic_key *key, bool sealing);
/* Wipes and frees. NULL is fine. */
void aead_free(struct aead *aead);
/* The next key of the same direction (KeyUpdate); the sequence number starts at 0 again. 0 or -EIO.
 */
int aead_rekey(struct aead *aead, const struct traffic_key *key);
uint64_t aead_seq(const struct aead *aead);

/*
 * Seals in place: record points at the header's place, the plaintext stands at record +
 * RECORD_HEADER already; there is room for plain_bytes + pad_bytes + RECORD_OVERHEAD. plain_bytes +
 * pad_bytes <= RECORD_PLAIN_MAX. Returns the length of the sealed record, or -EIO.
 */
int aead_seal(struct aead *aead, uint8_t *record, size_t plain_bytes, enum record_type type,
	      size_t pad_bytes);

/*
 * Opens in place a whole sealed record (header included, record_bytes as the header says). Returns
 * the plaintext's length; it stands at record + RECORD_HEADER; *type is the inner content type.
 * -EBADMSG: does not decrypt; -EMSGSIZE: more than a record may hold; -EPROTO: no content type.
 */
int aead_open(struct aead *aead, uint8_t *record, size_t record_bytes, enum record_type *type);
/* The same with the plaintext in out, which has room for aead_inner_bytes(record_bytes) and is not
 * to be looked at after an error. */
int aead_open_to(struct aead *aead, uint8_t *record, size_t record_bytes, uint8_t *out,
		 enum record_type *type);
/* What a record of so many bytes holds: plaintext, type and padding. */
static inline size_t aead_inner_bytes(size_t record_bytes)
{
	return record_bytes > RECORD_HEADER + RECORD_TAG ? record_bytes - RECORD_HEADER - RECORD_TAG
							 : 0;
}

#endif
