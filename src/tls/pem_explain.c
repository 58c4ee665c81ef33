/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is not what it should be: what it is, where it is damaged, what to do. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/must.h"
#include "tls/pem_private.h"

#define WHY_MAX   (ERROR_TEXT_MAX / 2)
#define LABEL_MAX PEM_LABEL_MAX

static const char begin_mark[] = PEM_BEGIN;
static const char end_mark[] = PEM_END;

/* ---- Kinds ----------------------------------------------------------------------------------- */

/* What is read, as its blocks are labelled, and the openssl command for it. */
static const struct {
	const char *noun;
	const char *command;
	const char *labels[7];
} kinds[] = {
	[PEM_CERT] = {"certificate",
		      "x509",
		      {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", NULL}},
	[PEM_KEY] = {"private key",
		     "pkey",
		     {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY",
		      "ENCRYPTED PRIVATE KEY", NULL}},
	[PEM_CRL] = {"revocation list", "crl", {"X509 CRL", NULL}},
};

static bool is_label_of(enum pem_kind kind, const char *label)
{
	for (int i = 0; kinds[kind].labels[i] != NULL; i++)
		if (strcmp(kinds[kind].labels[i], label) == 0)
			return true;
	return false;
}

/* Blocks of another kind. */
static const struct {
	const char *label;
	const char *is;
} strangers[] = {
	{"CERTIFICATE REQUEST",
	 "it is a certificate signing request; use the certificate that the CA makes of it"},
	{"NEW CERTIFICATE REQUEST",
	 "it is a certificate signing request; use the certificate that the CA makes of it"},
	{"PUBLIC KEY", "it is a public key"},
	{"RSA PUBLIC KEY", "it is a public key"},
	{"OPENSSH PRIVATE KEY",
	 "it is a key of OpenSSH; convert a copy with `ssh-keygen -p -N '' -m PKCS8 -f COPY`"},
	{"SSH2 PUBLIC KEY", "it is a public key of SSH"},
	{"PKCS7", "it is PKCS #7; convert it with `openssl pkcs7 -print_certs -in FILE -out NEW`"},
	{"PKCS #7 SIGNED DATA",
	 "it is PKCS #7; convert it with `openssl pkcs7 -print_certs -in FILE -out NEW`"},
	{"CMS", "it is a CMS message"},
	{"EC PARAMETERS", "it has the parameters of an EC key, but not the key"},
	{"DH PARAMETERS", "it has parameters of Diffie-Hellman, which TLS 1.3 does not need"},
	{"PGP PRIVATE KEY BLOCK", "it is a key of PGP"},
	{"PGP PUBLIC KEY BLOCK", "it is a key of PGP"},
};

/* label: of the first block; none of the file is of the kind that is wanted. */
static void explain_stranger(enum pem_kind kind, const char *label, char why[WHY_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		if (strcmp(strangers[i].label, label) == 0) {
			snprintf(why, WHY_MAX, "%s", strangers[i].is);
			return;
		}
	}
	for (int other = PEM_CERT; other <= PEM_CRL; other++) {
		bool is_swapped = kind != PEM_CRL && other != PEM_CRL;
		if (!is_label_of((enum pem_kind)other, label))
			continue;
		snprintf(why, WHY_MAX, "it holds a %s, not a %s%s", kinds[other].noun,
			 kinds[kind].noun, is_swapped ? "; are certificate and key swapped?" : "");
		return;
	}
	snprintf(why, WHY_MAX, "it holds \"%s\", not a %s", label, kinds[kind].noun);
}

/* ---- What is no PEM -------------------------------------------------------------------------- */

static bool begins_with(const struct pem_text *text, const void *prefix, size_t len)
{
	return text->len >= len && memcmp(text->at, prefix, len) == 0;
}

#define BEGINS_WITH(text, literal) begins_with(text, literal, sizeof(literal) - 1)

static bool is_pkcs12(const struct pem_text *text)
{
	const unsigned char *at = (const unsigned char *)text->at;
	PKCS12 *store = d2i_PKCS12(NULL, &at, (long)text->len);

	PKCS12_free(store);
	return store != NULL;
}

/* Of the kind that is wanted, or else which. */
static bool is_der_of(const struct pem_text *text, enum pem_kind kind)
{
	const unsigned char *at = (const unsigned char *)text->at;
	X509 *cert = NULL;
	X509_CRL *crl = NULL;
	EVP_PKEY *key = NULL;

	switch (kind) {
	case PEM_CERT:
		cert = d2i_X509(NULL, &at, (long)text->len);
		break;
	case PEM_KEY:
		key = d2i_AutoPrivateKey(NULL, &at, (long)text->len);
		break;
	case PEM_CRL:
		crl = d2i_X509_CRL(NULL, &at, (long)text->len);
		break;
	}
	bool is_it = cert != NULL || key != NULL || crl != NULL;
	X509_free(cert);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
	return is_it;
}

static void explain_der(const struct pem_text *text, enum pem_kind kind, char why[WHY_MAX])
{
	if (is_pkcs12(text)) {
		snprintf(why, WHY_MAX,
			 "it is PKCS #12 (.p12, .pfx), not PEM; take the %s out with `openssl "
			 "pkcs12 -in FILE %s -out NEW`",
			 kinds[kind].noun, kind == PEM_KEY ? "-nocerts -nodes" : "-nokeys");
		return;
	}
	for (int other = PEM_CERT; other <= PEM_CRL; other++) {
		if ((enum pem_kind)other == kind || !is_der_of(text, (enum pem_kind)other) ||
		    is_der_of(text, kind))
			continue;
		snprintf(why, WHY_MAX, "it is a %s in DER, not a %s in PEM", kinds[other].noun,
			 kinds[kind].noun);
		return;
	}
	snprintf(why, WHY_MAX,
		 "it is DER (binary), not PEM; convert it with `openssl %s -inform DER -in FILE "
		 "-out NEW`",
		 kinds[kind].command);
}

static bool is_base64_only(const struct pem_text *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (!isalnum((unsigned char)text->at[i]) && strchr("+/=\r\n", text->at[i]) == NULL)
			return false;
	return text->len >= 64;
}

/* Something that no text has near its start. */
static bool has_control(const struct pem_text *text)
{
	for (size_t i = 0; i < text->len && i < 64; i++)
		if (text->at[i] >= 0 && text->at[i] < '\t')
			return true;
	return false;
}

/* No BEGIN in it. */
static void explain_other(const struct pem_text *text, enum pem_kind kind, char why[WHY_MAX])
{
	size_t blanks = 0;

	while (blanks < text->len && isspace((unsigned char)text->at[blanks]))
		blanks++;
	if (blanks == text->len)
		snprintf(why, WHY_MAX, "the file is empty");
	else if (text->at[0] == 0x30 && has_control(text)) /* SEQUENCE */
		explain_der(text, kind, why);
	else if (BEGINS_WITH(text, "\xff\xfe") || BEGINS_WITH(text, "\xfe\xff"))
		snprintf(why, WHY_MAX, "it is UTF-16; save it as ASCII or UTF-8");
	else if (BEGINS_WITH(text, "\xfe\xed\xfe\xed") || BEGINS_WITH(text, "\xce\xce\xce\xce"))
		snprintf(why, WHY_MAX,
			 "it is a Java keystore; export it with `keytool -importkeystore "
			 "-deststoretype PKCS12`, then use `openssl pkcs12`");
	else if (BEGINS_WITH(text, "ssh-") || BEGINS_WITH(text, "ecdsa-sha2-"))
		snprintf(why, WHY_MAX, "it is a public key of OpenSSH");
	else if (BEGINS_WITH(text, "PuTTY-User-Key-File"))
		snprintf(
			why, WHY_MAX,
			"it is a key of PuTTY; convert it with `puttygen FILE -O private-openssh`, "
			"then as a key of OpenSSH");
	else if (is_base64_only(text))
		snprintf(why, WHY_MAX,
			 "it is base64 without the lines \"-----BEGIN ...-----\" and "
			 "\"-----END ...-----\" around it");
	else
		snprintf(why, WHY_MAX, "it is no PEM: no line begins with \"-----BEGIN \"");
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

struct block {
	const char *begin; /* its first line */
	size_t len;        /* up to the next block, or the end of the text */
	unsigned line;
	char label[LABEL_MAX];
};

const char *pem_line_end(const struct pem_text *text, const char *at)
{
	const char *lf = memchr(at, '\n', (size_t)(text->at + text->len - at));
	return lf != NULL ? lf + 1 : text->at + text->len;
}

static bool is_begin(const char *at, const char *end)
{
	return (size_t)(end - at) >= sizeof(begin_mark) - 1 &&
	       memcmp(at, begin_mark, sizeof(begin_mark) - 1) == 0;
}

static void take_label(struct block *block, const char *at, const char *end)
{
	size_t len = 0;

	for (at += sizeof(begin_mark) - 1; at < end && len + 1 < LABEL_MAX; at++) {
		if (end - at >= 5 && memcmp(at, "-----", 5) == 0)
			break;
		if (*at != '\r' && *at != '\n')
			block->label[len++] = isprint((unsigned char)*at) ? *at : '?';
	}
	block->label[len] = '\0';
}

/* The block that begins at *at or behind; *at and *line move behind it. False: there is none. */
static bool next_block(const struct pem_text *text, const char **at, unsigned *line,
		       struct block *block)
{
	const char *text_end = text->at + text->len;

	block->begin = NULL;
	while (*at < text_end) {
		const char *end = pem_line_end(text, *at);
		if (is_begin(*at, end)) {
			if (block->begin != NULL)
				break;
			block->begin = *at;
			block->line = *line;
			take_label(block, *at, end);
		}
		*at = end;
		++*line;
	}
	if (block->begin == NULL)
		return false;
	block->len = (size_t)(*at - block->begin);
	return true;
}

static bool has_end(const struct block *block)
{
	char mark[LABEL_MAX + sizeof(end_mark) + 6];
	int len = snprintf(mark, sizeof(mark), "\n%s%s-----", end_mark, block->label);
	return memmem(block->begin, block->len, mark, (size_t)len) != NULL;
}

static bool is_encrypted(const struct block *block)
{
	static const char legacy[] = "Proc-Type: 4,ENCRYPTED";

	return strcmp(block->label, "ENCRYPTED PRIVATE KEY") == 0 ||
	       memmem(block->begin, block->len, legacy, sizeof(legacy) - 1) != NULL;
}

/* What is in the armour: 0, or -1: nothing that could be read as base64. */
static int open_armour(const struct block *block, struct pem_text *der, unsigned char **bytes)
{
	BIO *bio = BIO_new_mem_buf(block->begin, (int)block->len);
	char *name = NULL, *header = NULL;
	long len = 0;

	int r = bio != NULL ? PEM_read_bio(bio, &name, &header, bytes, &len) : 0;
	OPENSSL_free(name);
	OPENSSL_free(header);
	BIO_free(bio);
	*der = (struct pem_text){(const char *)*bytes, (size_t)len};
	return r == 1 ? 0 : -1;
}

/* A block of the wanted kind. True: this one cannot be read, why says so. */
static bool explain_block(const struct block *block, enum pem_kind kind, char why[WHY_MAX])
{
	const char *noun = kinds[kind].noun;
	unsigned char *bytes = NULL;
	struct pem_text der;
	bool is_bad = true;

	if (!has_end(block)) {
		snprintf(why, WHY_MAX,
			 "the %s of line %u has no end: the file is truncated, or the line "
			 "\"-----END %s-----\" is damaged",
			 noun, block->line, block->label);
	} else if (kind == PEM_KEY && is_encrypted(block)) {
		snprintf(why, WHY_MAX,
			 "the private key is encrypted, and sluice asks for no passphrase; "
			 "decrypt it with `openssl pkey -in FILE -out NEW`, mode 0600");
	} else if (open_armour(block, &der, &bytes) < 0) {
		snprintf(why, WHY_MAX, "the %s of line %u is damaged: it is not valid base64", noun,
			 block->line);
	} else if (!is_der_of(&der, kind)) {
		snprintf(why, WHY_MAX, "the %s of line %u is damaged%s", noun, block->line,
			 kind == PEM_KEY ? ", or of a kind that this OpenSSL does not support"
					 : ": its contents cannot be parsed");
	} else {
		is_bad = false;
	}
	if (bytes != NULL)
		OPENSSL_clear_free(bytes, der.len);
	return is_bad;
}

bool pem_next_block(struct pem_text *rest, enum pem_kind kind, struct pem_text *block)
{
	struct block found;
	unsigned line = 1;

	for (;;) {
		const char *at = rest->at;
		if (!next_block(rest, &at, &line, &found))
			return false;
		rest->len -= (size_t)(at - rest->at);
		rest->at = at;
		*block = (struct pem_text){found.begin, found.len};
		if (is_label_of(kind, found.label))
			return true;
	}
}

bool pem_explain(const struct pem_text *text, enum pem_kind kind, char why[WHY_MAX])
{
	const char *at = text->at;
	struct block block, stranger = {0};
	unsigned line = 1, count = 0;
	bool is_explained = false;

	while (!is_explained && next_block(text, &at, &line, &block)) {
		if (is_label_of(kind, block.label)) {
			is_explained = explain_block(&block, kind, why);
			count++;
		} else if (stranger.begin == NULL || strstr(stranger.label, "PARAMETERS") != NULL) {
			stranger = block;
		}
	}
	if (!is_explained && count == 0) {
		if (stranger.begin != NULL)
			explain_stranger(kind, stranger.label, why);
		else
			explain_other(text, kind, why);
		is_explained = true;
	}
	ERR_clear_error();
	return is_explained;
}

bool pem_find_ignored(const struct pem_text *text, enum pem_kind kind, char why[WHY_MAX])
{
	static const char *const telling[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST",
					      "PKCS7", "PKCS #7 SIGNED DATA", "CMS"};
	const char *at = text->at;
	struct block block;
	unsigned line = 1;

	while (next_block(text, &at, &line, &block)) {
		bool is_telling = kind != PEM_CRL && is_label_of(PEM_CRL, block.label);
		for (size_t i = 0; i < ARRAY_LEN(telling); i++)
			is_telling |= strcmp(telling[i], block.label) == 0;
		if (!is_telling)
			continue;
		snprintf(why, WHY_MAX,
			 "the \"%s\" of line %u is not read: the file is one of %ss%s", block.label,
			 block.line, kinds[kind].noun,
			 is_label_of(PEM_CRL, block.label) ? "; name it in --crl" : "");
		return true;
	}
	return false;
}

bool pem_label_is_known(const char *label)
{
	for (int kind = PEM_CERT; kind <= PEM_CRL; kind++)
		if (is_label_of((enum pem_kind)kind, label))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
		if (strcmp(strangers[i].label, label) == 0)
			return true;
	return false;
}
