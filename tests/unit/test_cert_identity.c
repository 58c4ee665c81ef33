/* SPDX-License-Identifier: Apache-2.0 */
/* The names of certificates, made here byte by byte, as the rules of access see them. */
#include "tls/cert_identity.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/limits.h"
#include "base/must.h"

TestSuite(cert_identity, .timeout = 600);

/* ---- A certificate ------------------------------------------------------------------------- */

/* Context tags of GeneralName (RFC 5280 section 4.2.1.6). */
enum { SAN_OTHER = 0xa0, SAN_EMAIL = 0x81, SAN_DNS, SAN_DIRECTORY = 0xa4, SAN_URI = 0x86, SAN_IP };

#define DER_BYTES_MAX 20000

struct maker {
	X509 *cert;
	EVP_PKEY *pkey;
	unsigned char san[DER_BYTES_MAX]; /* GeneralNames without their head */
	size_t san_bytes;
};

static void maker_init(struct maker *maker)
{
	maker->cert = X509_new();
	maker->pkey = EVP_EC_gen("P-256");
	maker->san_bytes = 0;
	cr_assert_not_null(maker->pkey);
	cr_assert_eq(X509_set_version(maker->cert, X509_VERSION_3), 1);
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(maker->cert), 0));
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(maker->cert), 60));
	cr_assert_eq(X509_set_pubkey(maker->cert, maker->pkey), 1);
}

static void maker_fini(struct maker *maker)
{
	X509_free(maker->cert);
	EVP_PKEY_free(maker->pkey);
}

/* Tag, length in DER, value. */
static size_t put_tlv(unsigned char *out, int tag, const void *value, size_t len)
{
	size_t n = 0;

	cr_assert_lt(len, 65536);
	out[n++] = (unsigned char)tag;
	if (len >= 256)
		out[n++] = 0x82;
	else if (len >= 128)
		out[n++] = 0x81;
	if (len >= 256)
		out[n++] = (unsigned char)(len >> 8);
	out[n++] = (unsigned char)len;
	memcpy(out + n, value, len);
	return n + len;
}

static void add_san(struct maker *maker, int tag, const void *value, size_t len)
{
	cr_assert_lt(maker->san_bytes + len + 4, DER_BYTES_MAX);
	maker->san_bytes += put_tlv(maker->san + maker->san_bytes, tag, value, len);
}

static void add_san_text(struct maker *maker, int tag, const char *text)
{
	add_san(maker, tag, text, strlen(text));
}

/* der: the value of the extension. */
static void add_extension(struct maker *maker, unsigned char *der, size_t len)
{
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

	cr_assert_eq(ASN1_OCTET_STRING_set(octets, der, (int)len), 1);
	X509_EXTENSION *extension =
		X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, octets);
	cr_assert_eq(X509_add_ext(maker->cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(octets);
}

static void add_sans_extension(struct maker *maker)
{
	static unsigned char der[DER_BYTES_MAX + 4];

	add_extension(maker, der, put_tlv(der, 0x30, maker->san, maker->san_bytes));
}

/* type: V_ASN1_UTF8STRING and the like; the bytes are not looked at. */
static void add_subject(struct maker *maker, int nid, int type, const void *value, size_t len)
{
	X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_NID(NULL, nid, type, value, (int)len);

	cr_assert_not_null(entry);
	cr_assert_eq(X509_NAME_add_entry(X509_get_subject_name(maker->cert), entry, -1, 0), 1);
	X509_NAME_ENTRY_free(entry);
}

static size_t encode(struct maker *maker, unsigned char **der)
{
	if (maker->san_bytes > 0)
		add_sans_extension(maker);
	cr_assert_gt(X509_sign(maker->cert, maker->pkey, EVP_sha256()), 0);
	int len = i2d_X509(maker->cert, der);
	cr_assert_gt(len, 0);
	return (size_t)len;
}

/* As the server gets it: not as it was made, but as it is parsed. */
static int read_names(struct maker *maker, struct identity **identity)
{
	unsigned char *der = NULL;
	size_t len = encode(maker, &der);
	const unsigned char *at = der;
	X509 *parsed = d2i_X509(NULL, &at, (long)len);

	cr_assert_not_null(parsed);
	OPENSSL_free(der);
	ERR_clear_error();
	int r = cert_identity(parsed, identity);
	cr_assert_eq(ERR_peek_error(), 0, "an error is left for whoever looks next");
	X509_free(parsed);
	return r;
}

/* The certificate is refused; nothing comes out. */
static void refused(struct maker *maker, int expected, const char *what)
{
	struct identity *identity = NULL;
	int r = read_names(maker, &identity);

	cr_assert_eq(r, expected, "%s: %d, not %d", what, r, expected);
	cr_assert_null(identity, "%s", what);
	maker_fini(maker);
}

static struct identity *accepted(struct maker *maker)
{
	struct identity *identity = NULL;
	int r = read_names(maker, &identity);

	cr_assert_eq(r, 0, "%d", r);
	cr_assert_not_null(identity);
	return identity;
}

/* Name number index is this one. */
static void named(const struct identity *identity, unsigned index, enum identity_kind kind,
		  const char *text)
{
	cr_assert_lt(index, identity->count);
	const struct identity_name *name = &identity->name[index];
	cr_assert_eq(name->kind, kind, "name %u is of kind %d", index, name->kind);
	cr_assert_eq(name->len, strlen(text), "name %u is of %u bytes", index, name->len);
	cr_assert_eq(memcmp(identity_name_text(identity, index), text, name->len), 0, "%.*s",
		     name->len, identity_name_text(identity, index));
}

/* ---- Names --------------------------------------------------------------------------------- */

/* The pin of a key, made from the key and not from the certificate. */
static void pin_of(EVP_PKEY *pkey, char text[64])
{
	unsigned char *der = NULL, digest[32];
	int len = i2d_PUBKEY(pkey, &der);

	cr_assert_gt(len, 0);
	cr_assert_eq(EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)len, digest, NULL), 1);
	OPENSSL_free(der);
	strcpy(text, "sha256/");
	EVP_EncodeBlock((unsigned char *)text + 7, digest, sizeof(digest));
	cr_assert_eq(strlen(text), 7 + 44);
}

Test(cert_identity, every_kind_in_order)
{
	struct maker maker;
	char pin[64], text[64];

	maker_init(&maker);
	add_subject(&maker, NID_organizationName, V_ASN1_UTF8STRING, "Example", 7);
	add_subject(&maker, NID_organizationalUnitName, V_ASN1_UTF8STRING, "monitoring", 10);
	add_subject(&maker, NID_commonName, V_ASN1_PRINTABLESTRING, "store", 5);
	add_subject(&maker, NID_organizationalUnitName, V_ASN1_IA5STRING, "storage", 7);
	add_subject(&maker, NID_commonName, V_ASN1_UTF8STRING, "store 2", 7);
	add_san_text(&maker, SAN_DNS, "Store.Example");
	add_san(&maker, SAN_IP, "\xc0\x00\x02\x07", 4);
	add_san_text(&maker, SAN_EMAIL, "store@example.com");
	add_san_text(&maker, SAN_URI, "spiffe://prod/store");
	add_san_text(&maker, SAN_DNS, "*.example");
	pin_of(maker.pkey, pin);

	struct identity *identity = accepted(&maker);
	cr_assert_eq(identity->count, 10);
	named(identity, 0, IDENTITY_DNS, "Store.Example");
	named(identity, 1, IDENTITY_IP, "192.0.2.7");
	named(identity, 2, IDENTITY_EMAIL, "store@example.com");
	named(identity, 3, IDENTITY_URI, "spiffe://prod/store");
	named(identity, 4, IDENTITY_DNS, "*.example");
	named(identity, 5, IDENTITY_CN, "store");
	named(identity, 6, IDENTITY_CN, "store 2");
	named(identity, 7, IDENTITY_OU, "monitoring");
	named(identity, 8, IDENTITY_OU, "storage");
	named(identity, 9, IDENTITY_SPKI, pin);
	identity_format(identity, text, sizeof(text));
	cr_assert_str_eq(text, "uri:spiffe://prod/store", "what the log calls it");
	identity_free(identity);
	maker_fini(&maker);
}

/* A certificate without any name still has its key. */
Test(cert_identity, pin_alone)
{
	struct maker maker;
	char pin[64];

	maker_init(&maker);
	pin_of(maker.pkey, pin);
	struct identity *identity = accepted(&maker);
	cr_assert_eq(identity->count, 1);
	named(identity, 0, IDENTITY_SPKI, pin);
	identity_free(identity);
	maker_fini(&maker);
}

Test(cert_identity, addresses)
{
	static const struct {
		size_t len;
		const char *bytes, *text;
	} rows[] = {
		{4, "\0\0\0\0", "0.0.0.0"},
		{4, "\xff\xff\xff\xff", "255.255.255.255"},
		{16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "::"},
		{16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", "2001:db8::1"},
		/* RFC 5952: the longest run, the first of equals, and none of a single field */
		{16, "\x20\x01\x0d\xb8\0\0\0\x01\0\0\0\0\0\0\0\x01", "2001:db8:0:1::1"},
		{16, "\x20\x01\x0d\xb8\0\0\0\x01\0\x01\0\x01\0\x01\0\x01", "2001:db8:0:1:1:1:1:1"},
		{16, "\xFD\x00\0\0\0\0\0\0\0\0\0\0\xAB\xCD\0\x0f", "fd00::abcd:f"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker;
		maker_init(&maker);
		add_san(&maker, SAN_IP, rows[i].bytes, rows[i].len);
		struct identity *identity = accepted(&maker);
		named(identity, 0, IDENTITY_IP, rows[i].text);
		identity_free(identity);
		maker_fini(&maker);
	}
}

/* An address with a mask belongs into name constraints, not here. */
Test(cert_identity, addresses_of_no_family)
{
	static const size_t lengths[] = {0, 1, 3, 5, 8, 15, 17, 32};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct maker maker;
		static const char bytes[32];
		maker_init(&maker);
		add_san(&maker, SAN_IP, bytes, lengths[i]);
		refused(&maker, -EINVAL, "an address of other than 4 or 16 bytes");
	}
}

/* Names that no rule can name are left out, and do not cost the certificate. */
Test(cert_identity, other_names_are_left_out)
{
	/* 1.3.6.1.4.1.311.20.2.3, [0] UTF8String "a@b"; an empty directory name; a registered ID */
	static const unsigned char upn[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01,
					    0x82, 0x37, 0x14, 0x02, 0x03, 0xa0, 0x05,
					    0x0c, 0x03, 'a',  '@',  'b'};
	static const unsigned char directory[] = {0x30, 0x00};
	struct maker maker;

	maker_init(&maker);
	add_san(&maker, SAN_OTHER, upn, sizeof(upn));
	add_san(&maker, SAN_DIRECTORY, directory, sizeof(directory));
	add_san(&maker, 0x88, "\x2a\x03", 2);
	add_san_text(&maker, SAN_DNS, "a.example");
	struct identity *identity = accepted(&maker);
	cr_assert_eq(identity->count, 2);
	named(identity, 0, IDENTITY_DNS, "a.example");
	cr_assert_eq(identity->name[1].kind, IDENTITY_SPKI);
	identity_free(identity);
	maker_fini(&maker);
}

/* Whatever the string's type, rules and log see UTF-8. */
Test(cert_identity, types_of_strings)
{
	static const struct {
		int type;
		size_t len;
		const char *bytes, *text;
	} rows[] = {
		{V_ASN1_UTF8STRING, 3, "\xc3\xa9!", "\xc3\xa9!"},
		{V_ASN1_T61STRING, 2, "\xe9!", "\xc3\xa9!"}, /* read as Latin-1, as all do */
		{V_ASN1_BMPSTRING, 4, "\x00\xe9\x00!", "\xc3\xa9!"},
		{V_ASN1_UNIVERSALSTRING, 8, "\0\0\0\xe9\0\0\0!", "\xc3\xa9!"},
		{V_ASN1_IA5STRING, 1, "a", "a"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker;
		maker_init(&maker);
		add_subject(&maker, NID_commonName, rows[i].type, rows[i].bytes, rows[i].len);
		struct identity *identity = accepted(&maker);
		named(identity, 0, IDENTITY_CN, rows[i].text);
		identity_free(identity);
		maker_fini(&maker);
	}
}

/* ---- Refused ------------------------------------------------------------------------------- */

/* "good.example\0.evil.example": whoever stops at the NUL reads another name. */
Test(cert_identity, bad_alternative_names)
{
	static const int tags[] = {SAN_DNS, SAN_EMAIL, SAN_URI};
	static const struct {
		size_t len;
		const char *bytes, *what;
	} rows[] = {
		{18, "good.example\0.evil", "NUL inside"},
		{5, "good\0", "NUL at the end"},
		{5, "\0evil", "NUL at the start"},
		{0, "", "empty"},
		{3, "a\nb", "line feed"},
		{3, "a\x1b[", "escape"},
		{2, "a\x7f", "DEL"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t j = 0; j < ARRAY_LEN(tags); j++) {
			struct maker maker;
			maker_init(&maker);
			add_san_text(&maker, SAN_DNS, "good.example");
			add_san(&maker, tags[j], rows[i].bytes, rows[i].len);
			add_san_text(&maker, SAN_DNS, "good.example");
			refused(&maker, -EINVAL, rows[i].what);
		}
	}
}

Test(cert_identity, bad_subjects)
{
	static const int nids[] = {NID_commonName, NID_organizationalUnitName};
	static const struct {
		int type;
		size_t len;
		const char *bytes, *what;
	} rows[] = {
		{V_ASN1_UTF8STRING, 6, "good\0x", "NUL inside"},
		{V_ASN1_UTF8STRING, 0, "", "empty"},
		{V_ASN1_UTF8STRING, 3, "a\r\n", "line end"},
		{V_ASN1_BMPSTRING, 4, "\0a\0\0", "NUL of two bytes"},
		{V_ASN1_UNIVERSALSTRING, 4, "\0\0\0\n", "line end of four bytes"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t j = 0; j < ARRAY_LEN(nids); j++) {
			struct maker maker;
			maker_init(&maker);
			add_subject(&maker, NID_commonName, V_ASN1_UTF8STRING, "good", 4);
			add_subject(&maker, nids[j], rows[i].type, rows[i].bytes, rows[i].len);
			refused(&maker, -EINVAL, rows[i].what);
		}
	}
}

/* Strings that are none of their type, which the library does not even make: put into the bytes of
 * a certificate. It refuses them when it parses; if one came through, no name may come of it. */
Test(cert_identity, subjects_of_no_type)
{
	static const struct {
		unsigned char tag;
		size_t len;
		const char *bytes, *what;
	} rows[] = {
		{V_ASN1_UTF8STRING, 2, "a\xff", "not UTF-8"},
		{V_ASN1_UTF8STRING, 3, "a\xc0\x80", "a NUL in two bytes"},
		{V_ASN1_UTF8STRING, 3, "\xed\xa0\x80", "a surrogate"},
		{V_ASN1_BMPSTRING, 3, "\0ab", "half a character"},
		{V_ASN1_UNIVERSALSTRING, 3, "\0\0a", "three quarters of a character"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker;
		struct identity *identity = NULL;
		unsigned char *der = NULL,
			      wanted[8] = {V_ASN1_UTF8STRING, (unsigned char)rows[i].len};
		memset(wanted + 2, '@', rows[i].len);
		maker_init(&maker);
		add_subject(&maker, NID_commonName, V_ASN1_UTF8STRING, "@@@", rows[i].len);
		size_t len = encode(&maker, &der);
		unsigned char *found = memmem(der, len, wanted, 2 + rows[i].len);
		cr_assert_not_null(found);
		found[0] = rows[i].tag;
		memcpy(found + 2, rows[i].bytes, rows[i].len);
		const unsigned char *at = der;
		X509 *parsed = d2i_X509(NULL, &at, (long)len);
		if (parsed != NULL)
			cr_assert_eq(cert_identity(parsed, &identity), -EINVAL, "%s", rows[i].what);
		cr_assert_null(identity, "%s", rows[i].what);
		X509_free(parsed);
		OPENSSL_free(der);
		maker_fini(&maker);
	}
}

Test(cert_identity, bad_extensions)
{
	static const struct {
		size_t len;
		const char *bytes, *what;
	} rows[] = {
		{0, "", "nothing"},
		{4, "\x30\x05\x82\x03", "too short"},
		{3, "\x04\x01\x61", "no sequence"},
		{5, "\x30\x03\x89\x01\x61", "a name of no known form"},
		{2, "\x30\x80", "no end"},
	};
	struct maker maker;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char der[8];
		maker_init(&maker);
		memcpy(der, rows[i].bytes, rows[i].len);
		add_extension(&maker, der, rows[i].len);
		refused(&maker, -EINVAL, rows[i].what);
	}
	/* Two lists of names: which one counts would be anybody's guess (RFC 5280 section 4.2). */
	maker_init(&maker);
	add_san_text(&maker, SAN_DNS, "a.example");
	add_sans_extension(&maker);
	refused(&maker, -EINVAL, "two extensions"); /* the second is added there */
}

/* ---- Bounds -------------------------------------------------------------------------------- */

Test(cert_identity, number_of_names)
{
	struct maker maker;

	maker_init(&maker);
	for (int i = 0; i < IDENTITY_NAMES_MAX - 1; i++)
		add_san_text(&maker, SAN_DNS, "a");
	struct identity *identity = accepted(&maker);
	cr_assert_eq(identity->count, IDENTITY_NAMES_MAX, "and the pin");
	cr_assert_eq(identity->name[IDENTITY_NAMES_MAX - 1].kind, IDENTITY_SPKI);
	identity_free(identity);
	maker_fini(&maker);

	/* A pin that has no room is not left out in silence: a rule may name it. */
	maker_init(&maker);
	for (int i = 0; i < IDENTITY_NAMES_MAX; i++)
		add_san_text(&maker, SAN_DNS, "a");
	refused(&maker, -E2BIG, "too many names");
}

Test(cert_identity, length_of_names)
{
	static char name[IDENTITY_BYTES_MAX + 1];
	struct maker maker;

	memset(name, 'a', sizeof(name));
	maker_init(&maker);
	add_san(&maker, SAN_URI, name, IDENTITY_BYTES_MAX - 51); /* the pin's */
	struct identity *identity = accepted(&maker);
	cr_assert_eq(identity->count, 2);
	cr_assert_eq(identity->name[0].len, IDENTITY_BYTES_MAX - 51);
	identity_free(identity);
	maker_fini(&maker);

	maker_init(&maker);
	add_san(&maker, SAN_URI, name, IDENTITY_BYTES_MAX - 50);
	refused(&maker, -E2BIG, "no room for the pin");

	maker_init(&maker);
	add_san(&maker, SAN_URI, name, IDENTITY_BYTES_MAX + 1);
	refused(&maker, -E2BIG, "too long");
}
