/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that a verified client certificate carries: subject alternative
 * names, CN, OU and the pin of its public key.
 *
 * A value, made by tls/ from the leaf certificate that a client showed, never
 * changed. Names are bytes with a length; they never hold a NUL (such a
 * certificate is refused before it gets here).
 */
#ifndef SLUICE_ACCESS_IDENTITY_H
#define SLUICE_ACCESS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum identity_kind {
	IDENTITY_URI,
	IDENTITY_DNS,
	IDENTITY_EMAIL,
	IDENTITY_IP, /* text form, RFC 5952 */
	IDENTITY_CN,
	IDENTITY_OU,
	IDENTITY_SPKI, /* "sha256/" and base64 */
	IDENTITY_KIND_COUNT
};

struct identity_name {
	enum identity_kind kind;
	uint16_t at;  /* offset in identity.text */
	uint16_t len; /* bytes */
};

struct identity {
	uint16_t count;
	uint16_t text_bytes;
	uint16_t primary;     /* index of the name for logs: first URI, else DNS, EMAIL, IP, CN, OU,
				 SPKI */
	char ca[CA_NAME_MAX]; /* the entry of client_cas that vouches for it; "": none */
	struct identity_name name[]; /* count, then text */
};

/* Collects names; at most IDENTITY_NAMES_MAX names of IDENTITY_BYTES_MAX bytes together. */
struct identity_builder;
struct identity_builder *identity_builder_new(void);
void identity_builder_free(struct identity_builder *builder);
/* 0; -EINVAL: a NUL or control byte inside, or empty; -E2BIG: too many or too long. The caller
 * refuses the certificate on any error. */
int identity_builder_add(struct identity_builder *builder, enum identity_kind kind,
			 const char *text, size_t len);
/* One allocation, to be freed with identity_free; NULL when there is no memory or no name. */
struct identity *identity_builder_finish(const struct identity_builder *builder);
void identity_free(struct identity *identity);

const char *identity_name_text(const struct identity *identity, unsigned index);
/* The same names in the same order, by the same CA? */
bool identity_is_same(const struct identity *a, const struct identity *b);
/* "dns", "uri", "email", "ip", "cn", "ou", "spki". */
const char *identity_kind_label(enum identity_kind kind);
/* Writes "dns:thanos-store.monitoring" and a NUL, cut to size. Returns the length written. */
size_t identity_format(const struct identity *identity, char *out, size_t size);

#endif
