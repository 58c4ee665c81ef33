/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any certificate -> identity. Of any bytes as DER: bounds, no control byte in any name, the pin of
 * the key that a second reader finds in the certificate. Of a certificate that is put together
 * here: exactly the names that were put in, or a refusal where one of them may not be.
 *
 * Input: R and names, each a byte for its kind, one for its length, and its bytes; else DER.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/limits.h"
#include "base/must.h"
#include "base/utf8.h"
#include "tls/cert_identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DER_BYTES_MAX   65000
#define NAMES_MAX       256
/* Of a name as UTF-8, of at most 255 bytes. */
#define NAME_BYTES_MAX  512
#define TAG_SEQUENCE    0x30
#define TAG_CONSTRUCTED 0xa0 /* [0], EXPLICIT */

/* ---- Reading DER ----------------------------------------------------------------------------- */

struct der {
	const uint8_t *at;
	size_t len;
};

/* Takes the next element off: its tag, its contents, and all of it. False: there is none. */
static bool der_take(struct der *der, int *tag, struct der *contents, struct der *all)
{
	size_t head = 2, len;

	if (der->len < head)
		return false;
	len = der->at[1];
	if (len > 0x80) {
		size_t bytes = len - 0x80;
		if (bytes > 3 || der->len < head + bytes)
			return false;
		len = 0;
		for (size_t i = 0; i < bytes; i++)
			len = len << 8 | der->at[head + i];
		head += bytes;
	}
	if (len > der->len - head)
		return false;
	*tag = der->at[0];
	*contents = (struct der){der->at + head, len};
	*all = (struct der){der->at, head + len};
	der->at += head + len;
	der->len -= head + len;
	return true;
}

/* RFC 5280 section 4.1: SubjectPublicKeyInfo is the sixth of a TBSCertificate, or the seventh if
 * that begins with a version. */
static struct der spki_of(struct der tbs)
{
	struct der contents, all = {0};
	int tag = 0;

	must(der_take(&tbs, &tag, &contents, &all) && tag == TAG_SEQUENCE);
	tbs = contents;
	must(der_take(&tbs, &tag, &contents, &all));
	for (int skip = tag == TAG_CONSTRUCTED ? 6 : 5; skip > 0; skip--)
		must(der_take(&tbs, &tag, &contents, &all));
	must(tag == TAG_SEQUENCE);
	return all;
}

/* ---- Any certificate ------------------------------------------------------------------------- */

/* As the certificate is encoded in DER, whatever encoding it came in. */
static void check_pin(X509 *cert, const char *text, size_t len)
{
	unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
	char expected[64] = "sha256/";
	int bytes = i2d_re_X509_tbs(cert, &der);

	must(bytes > 0);
	struct der spki = spki_of((struct der){der, (size_t)bytes});
	SHA256(spki.at, spki.len, digest);
	EVP_EncodeBlock((unsigned char *)expected + 7, digest, sizeof(digest));
	must(len == strlen(expected) && memcmp(text, expected, len) == 0);
	OPENSSL_free(der);
}

static void check_identity(X509 *cert, const struct identity *identity)
{
	unsigned pins = 0;
	size_t bytes = 0;
	char text[64];

	must(identity->count >= 1 && identity->count <= IDENTITY_NAMES_MAX);
	must(identity->text_bytes <= IDENTITY_BYTES_MAX);
	must(identity->primary < identity->count);
	for (unsigned i = 0; i < identity->count; i++) {
		const struct identity_name *name = &identity->name[i];
		const char *at = identity_name_text(identity, i);
		must((unsigned)name->kind < IDENTITY_KIND_COUNT);
		must(name->kind >= identity->name[identity->primary].kind);
		must(name->len > 0 && name->at == bytes); /* one behind the other */
		bytes += name->len;
		must(bytes <= identity->text_bytes);
		for (unsigned j = 0; j < name->len; j++)
			must((unsigned char)at[j] >= 0x20 && at[j] != 0x7f);
		if (name->kind == IDENTITY_SPKI) {
			pins++;
			check_pin(cert, at, name->len);
		}
		if (name->kind == IDENTITY_CN || name->kind == IDENTITY_OU)
			must(utf8_is_valid(at, name->len));
	}
	must(bytes == identity->text_bytes && pins == 1);
	must(identity_format(identity, text, sizeof(text)) == strlen(text));
}

/* NULL: refused. */
static struct identity *identity_of(const uint8_t *der, size_t len)
{
	struct identity *identity = NULL;
	const unsigned char *at = der;
	X509 *cert = d2i_X509(NULL, &at, (long)len);

	ERR_clear_error();
	if (cert == NULL)
		return NULL;
	int r = cert_identity(cert, &identity);
	must(ERR_peek_error() == 0);
	must(r == 0 || r == -EINVAL || r == -E2BIG);
	must((r == 0) == (identity != NULL));
	if (r == 0)
		check_identity(cert, identity);
	X509_free(cert);
	return identity;
}

/* ---- One that is put together ---------------------------------------------------------------- */

/* Kinds of names in the input. */
static const struct part {
	int tag;
	int kind; /* enum identity_kind; -1: no rule can name it */
} parts[] = {
	{0x86, IDENTITY_URI},
	{0x82, IDENTITY_DNS},
	{0x81, IDENTITY_EMAIL},
	{0x87, IDENTITY_IP},
	{0x88, -1} /* registeredID, may not parse */,
	{12, IDENTITY_CN} /* UTF8String */,
	{19, IDENTITY_CN} /* PrintableString */,
	{20, IDENTITY_CN} /* T61String */,
	{12, IDENTITY_OU},
	{22, IDENTITY_OU} /* IA5String */,
};

struct name {
	const struct part *part;
	const uint8_t *at;
	size_t len;
};

struct recipe {
	struct name name[NAMES_MAX];
	size_t count;
};

static bool is_subject(const struct name *name)
{
	return name->part->kind == IDENTITY_CN || name->part->kind == IDENTITY_OU;
}

static void recipe_init(struct recipe *recipe, const uint8_t *data, size_t size)
{
	recipe->count = 0;
	while (size >= 2 && recipe->count < NAMES_MAX) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		recipe->name[recipe->count++] =
			(struct name){&parts[data[0] % ARRAY_LEN(parts)], data + 2, len};
		data += 2 + len;
		size -= 2 + len;
	}
}

/* Written from the end to the start, so that each length is known before its head is written. */
struct writer {
	uint8_t byte[DER_BYTES_MAX];
	size_t at;
};

static void put(struct writer *out, const void *bytes, size_t len)
{
	must(len <= out->at);
	out->at -= len;
	memcpy(out->byte + out->at, bytes, len);
}

/* The head of what was written since end. */
static void put_head(struct writer *out, int tag, size_t end)
{
	size_t len = end - out->at;
	uint8_t head[4] = {(uint8_t)tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};

	if (len < 128)
		put(out, (uint8_t[]){(uint8_t)tag, (uint8_t)len}, 2);
	else if (len < 256)
		put(out, (uint8_t[]){(uint8_t)tag, 0x81, (uint8_t)len}, 3);
	else
		put(out, head, sizeof(head));
}

static void put_extensions(struct writer *out, const struct recipe *recipe)
{
	static const uint8_t oid[] = {6, 3, 0x55, 29, 17}; /* subjectAltName */
	size_t end = out->at;

	for (size_t i = recipe->count; i-- > 0;) {
		const struct name *name = &recipe->name[i];
		size_t name_end = out->at;
		if (is_subject(name))
			continue;
		put(out, name->at, name->len);
		put_head(out, name->part->tag, name_end);
	}
	if (out->at == end)
		return;
	put_head(out, TAG_SEQUENCE, end);
	put_head(out, 4, end);
	put(out, oid, sizeof(oid));
	put_head(out, TAG_SEQUENCE, end);
	put_head(out, TAG_SEQUENCE, end);
	put_head(out, 0xa3, end);
}

static void put_subject(struct writer *out, const struct recipe *recipe)
{
	size_t end = out->at;

	for (size_t i = recipe->count; i-- > 0;) {
		const struct name *name = &recipe->name[i];
		size_t name_end = out->at;
		if (!is_subject(name))
			continue;
		put(out, name->at, name->len);
		put_head(out, name->part->tag, name_end);
		put(out, (uint8_t[]){6, 3, 0x55, 4, name->part->kind == IDENTITY_CN ? 3 : 11}, 5);
		put_head(out, TAG_SEQUENCE, name_end);
		put_head(out, 0x31, name_end);
	}
	put_head(out, TAG_SEQUENCE, end);
}

static void put_certificate(struct writer *out, const struct recipe *recipe)
{
	static const uint8_t algorithm[] = {0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
	static const uint8_t signature[] = {3, 9, 0, 0x30, 6, 2, 1, 1, 2, 1, 1};
	/* Of an algorithm that OpenSSL does not know: looking for one takes it a millisecond. */
	static const uint8_t spki[] = {0x30, 14, 0x30, 7, 6, 3, 0x2a, 3,
				       4,    5,  0,    3, 3, 0, 0xab, 0xcd};
	static const char validity[] = "\x30\x1e\x17\x0d"
				       "261125000000Z"
				       "\x17\x0d"
				       "361125000000Z";
	static const uint8_t head[] = {0xa0, 3, 2, 1, 2, 2, 1, 1}; /* version 3, serial 1 */

	out->at = sizeof(out->byte);
	put(out, signature, sizeof(signature));
	put(out, algorithm, sizeof(algorithm));
	size_t end = out->at;
	put_extensions(out, recipe);
	put(out, spki, sizeof(spki));
	put_subject(out, recipe);
	put(out, validity, sizeof(validity) - 1);
	put(out, (uint8_t[]){TAG_SEQUENCE, 0}, 2); /* issuer */
	put(out, algorithm, sizeof(algorithm));
	put(out, head, sizeof(head));
	put_head(out, TAG_SEQUENCE, end);
	put_head(out, TAG_SEQUENCE, sizeof(out->byte));
}

/* What the rules are to see of a name: its bytes, as UTF-8 in the subject. 0: it may not be. */
static size_t expected_text(const struct name *name, char text[NAME_BYTES_MAX])
{
	size_t len = 0;

	if (name->part->kind == IDENTITY_IP) {
		if (name->len != 4 && name->len != 16)
			return 0;
		must(inet_ntop(name->len == 4 ? AF_INET : AF_INET6, name->at, text,
			       NAME_BYTES_MAX) != NULL);
		return strlen(text);
	}
	for (size_t i = 0; i < name->len; i++) {
		uint8_t byte = name->at[i];
		bool is_latin = is_subject(name) && name->part->tag != 12 && byte >= 0x80;
		if (byte < 0x20 || byte == 0x7f)
			return 0;
		if (is_latin)
			text[len++] = (char)(0xc0 | byte >> 6);
		text[len++] = (char)(is_latin ? 0x80 | (byte & 0x3f) : byte);
	}
	return is_subject(name) && !utf8_is_valid(text, len) ? 0 : len;
}

/* Subject alternative names in their order, then CNs, then OUs, then the pin. */
static void check_recipe(const struct recipe *recipe, const struct identity *identity)
{
	static const int order[][4] = {{IDENTITY_URI, IDENTITY_DNS, IDENTITY_EMAIL, IDENTITY_IP},
				       {IDENTITY_CN, IDENTITY_CN, IDENTITY_CN, IDENTITY_CN},
				       {IDENTITY_OU, IDENTITY_OU, IDENTITY_OU, IDENTITY_OU}};
	size_t bytes = 51; /* the pin */
	unsigned count = 0;
	bool is_wrong = false; /* perhaps */

	for (size_t i = 0; i < recipe->count; i++)
		is_wrong = is_wrong || recipe->name[i].part->kind == -1;
	for (size_t turn = 0; turn < ARRAY_LEN(order); turn++) {
		for (size_t i = 0; i < recipe->count; i++) {
			const struct name *name = &recipe->name[i];
			char text[NAME_BYTES_MAX];
			int kind = name->part->kind;
			if (kind != order[turn][0] && kind != order[turn][1] &&
			    kind != order[turn][2] && kind != order[turn][3])
				continue;
			size_t len = expected_text(name, text);
			is_wrong = is_wrong || len == 0;
			bytes += len;
			count++;
			if (identity == NULL)
				continue;
			must(len > 0 && count < identity->count);
			must(identity->name[count - 1].kind == (enum identity_kind)kind);
			must(identity->name[count - 1].len == len);
			must(memcmp(identity_name_text(identity, count - 1), text, len) == 0);
		}
	}
	if (identity != NULL)
		must(identity->count == count + 1);
	else
		must(is_wrong || count + 1 > IDENTITY_NAMES_MAX || bytes > IDENTITY_BYTES_MAX);
}

/* ---------------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct recipe recipe;
	static struct writer writer;
	struct identity *identity;

	if (size == 0)
		return 0;
	if (data[0] != 'R') {
		identity_free(identity_of(data, size));
		return 0;
	}
	recipe_init(&recipe, data + 1, size - 1);
	put_certificate(&writer, &recipe);
	identity = identity_of(writer.byte + writer.at, sizeof(writer.byte) - writer.at);
	check_recipe(&recipe, identity);
	identity_free(identity);
	return 0;
}
