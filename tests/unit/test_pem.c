/* SPDX-License-Identifier: Apache-2.0 */
/* Files of certificates, keys and lists that cannot be used: each is told in words what it is, and
 * what to do, whichever option names it, in serve and in the client. */
#include "tls/pem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "config/config.h"
#include "tls/tls_ctx.h"

TestSuite(pem, .timeout = 120);

/* ---- What the files hold --------------------------------------------------------------------- */

struct bytes {
	char *at;
	size_t len;
};

static struct bytes bytes_of(const void *data, size_t len)
{
	struct bytes bytes = {malloc(len + 1), len};
	must(bytes.at != NULL);
	memcpy(bytes.at, data, len);
	bytes.at[len] = '\0';
	return bytes;
}

static struct bytes text_of(const char *text)
{
	return bytes_of(text, strlen(text));
}

static struct bytes bytes_of_bio(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	struct bytes bytes = bytes_of(data, (size_t)len);
	BIO_free(bio);
	return bytes;
}

/* The right contents, in PEM and DER. */
static struct {
	struct cert_pair ca, leaf, other;
	struct bytes pem[3], der[3]; /* by enum pem_kind */
} good;

static X509_CRL *crl_make(const struct cert_pair *ca)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = ASN1_TIME_set(NULL, time(NULL) - 60);
	ASN1_TIME *next = ASN1_TIME_set(NULL, time(NULL) + 3600);

	must(crl != NULL && X509_CRL_set_version(crl, 1) == 1);
	must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) == 1);
	must(X509_CRL_set1_lastUpdate(crl, last) == 1 && X509_CRL_set1_nextUpdate(crl, next) == 1);
	must(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	return crl;
}

static void good_make(void)
{
	BIO *bio[6];

	good.ca = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);
	good.leaf = cert_pair_make("leaf", EVP_EC_gen("P-256"), false, &good.ca);
	good.other = cert_pair_make("other", EVP_EC_gen("P-256"), false, &good.ca);
	X509_CRL *crl = crl_make(&good.ca);
	for (int i = 0; i < 6; i++)
		must((bio[i] = BIO_new(BIO_s_mem())) != NULL);
	must(PEM_write_bio_X509(bio[0], good.leaf.cert) == 1);
	must(PEM_write_bio_PKCS8PrivateKey(bio[1], good.leaf.key, NULL, NULL, 0, NULL, NULL) == 1);
	must(PEM_write_bio_X509_CRL(bio[2], crl) == 1);
	must(i2d_X509_bio(bio[3], good.leaf.cert) == 1);
	must(i2d_PrivateKey_bio(bio[4], good.leaf.key) == 1);
	must(i2d_X509_CRL_bio(bio[5], crl) == 1);
	for (int i = 0; i < 3; i++) {
		good.pem[i] = bytes_of_bio(bio[i]);
		good.der[i] = bytes_of_bio(bio[3 + i]);
	}
	X509_CRL_free(crl);
}

static struct bytes join(const char *before, const struct bytes *middle, const char *after)
{
	size_t before_len = strlen(before), after_len = strlen(after);
	struct bytes bytes = {malloc(before_len + middle->len + after_len + 1),
			      before_len + middle->len + after_len};
	must(bytes.at != NULL);
	memcpy(bytes.at, before, before_len);
	memcpy(bytes.at + before_len, middle->at, middle->len);
	memcpy(bytes.at + before_len + middle->len, after, after_len + 1);
	return bytes;
}

/* Every LF becomes this. */
static struct bytes with_lines_ended_by(const struct bytes *text, const char *end)
{
	size_t end_len = strlen(end), used = 0;
	struct bytes bytes = {malloc(text->len * (end_len + 1) + 1), 0};

	must(bytes.at != NULL);
	for (size_t i = 0; i < text->len; i++) {
		if (text->at[i] != '\n') {
			bytes.at[used++] = text->at[i];
			continue;
		}
		memcpy(bytes.at + used, end, end_len);
		used += end_len;
	}
	bytes.at[used] = '\0';
	bytes.len = used;
	return bytes;
}

static struct bytes utf16(const struct bytes *text)
{
	struct bytes bytes = {malloc(2 * text->len + 3), 2 * text->len + 2};

	must(bytes.at != NULL);
	memcpy(bytes.at, "\xff\xfe", 2);
	for (size_t i = 0; i < text->len; i++) {
		bytes.at[2 + 2 * i] = text->at[i];
		bytes.at[3 + 2 * i] = '\0';
	}
	return bytes;
}

static struct bytes pkcs12(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	PKCS12 *store =
		PKCS12_create("secret", "x", good.leaf.key, good.leaf.cert, NULL, 0, 0, 0, 0, 0);

	must(bio != NULL && store != NULL && i2d_PKCS12_bio(bio, store) == 1);
	PKCS12_free(store);
	return bytes_of_bio(bio);
}

static struct bytes encrypted_key(bool is_legacy)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char secret[] = "secret";
	int r = is_legacy ? PEM_write_bio_PrivateKey_traditional(
				    bio, good.leaf.key, EVP_aes_128_cbc(), (unsigned char *)secret,
				    6, NULL, NULL)
			  : PEM_write_bio_PKCS8PrivateKey(bio, good.leaf.key, EVP_aes_128_cbc(),
							  secret, 6, NULL, NULL);
	must(r == 1);
	return bytes_of_bio(bio);
}

static struct bytes request(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509_REQ *made = X509_to_X509_REQ(good.leaf.cert, good.leaf.key, EVP_sha256());

	must(bio != NULL && made != NULL && PEM_write_bio_X509_REQ(bio, made) == 1);
	X509_REQ_free(made);
	return bytes_of_bio(bio);
}

static struct bytes public_key(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	must(bio != NULL && PEM_write_bio_PUBKEY(bio, good.leaf.key) == 1);
	return bytes_of_bio(bio);
}

/* Armour around other bytes. */
static struct bytes armoured(enum pem_kind kind, const void *data, size_t len)
{
	static const char *const labels[] = {"CERTIFICATE", "PRIVATE KEY", "X509 CRL"};
	BIO *bio = BIO_new(BIO_s_mem());
	must(bio != NULL && PEM_write_bio(bio, labels[kind], "", data, (long)len) > 0);
	return bytes_of_bio(bio);
}

/* ---- The table ------------------------------------------------------------------------------- */

enum made {
	MADE_EMPTY,
	MADE_BLANK,
	MADE_TEXT,
	MADE_DER,
	MADE_PKCS12,
	MADE_JKS,
	MADE_CERT,
	MADE_KEY,
	MADE_CRL,
	MADE_REQUEST,
	MADE_PUBLIC_KEY,
	MADE_OPENSSH_KEY,
	MADE_OPENSSH_PUBLIC,
	MADE_PUTTY,
	MADE_PKCS7,
	MADE_PARAMETERS,
	MADE_ENCRYPTED,
	MADE_ENCRYPTED_LEGACY,
	MADE_BOM,
	MADE_BOM_SECOND,
	MADE_INDENTED,
	MADE_ONE_LINE,
	MADE_UTF16,
	MADE_CR_ONLY,
	MADE_NO_ARMOUR,
	MADE_CUT,
	MADE_CUT_SECOND,
	MADE_NOT_BASE64,
	MADE_NOT_DER,
	MADE_NOT_DER_SECOND,
	MADE_COUNT
};

static struct bytes make(enum made made, enum pem_kind kind)
{
	const struct bytes *pem = &good.pem[kind];
	struct bytes bytes, half;

	switch (made) {
	case MADE_EMPTY:
		return text_of("");
	case MADE_BLANK:
		return text_of("\n \r\n\t\n");
	case MADE_TEXT:
		return text_of("this is no PEM\n");
	case MADE_DER:
		return bytes_of(good.der[kind].at, good.der[kind].len);
	case MADE_PKCS12:
		return pkcs12();
	case MADE_JKS:
		return bytes_of("\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1", 12);
	case MADE_CERT:
		return bytes_of(good.pem[PEM_CERT].at, good.pem[PEM_CERT].len);
	case MADE_KEY:
		return bytes_of(good.pem[PEM_KEY].at, good.pem[PEM_KEY].len);
	case MADE_CRL:
		return bytes_of(good.pem[PEM_CRL].at, good.pem[PEM_CRL].len);
	case MADE_REQUEST:
		return request();
	case MADE_PUBLIC_KEY:
		return public_key();
	case MADE_OPENSSH_KEY:
		return text_of(
			"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END "
			"OPENSSH PRIVATE KEY-----\n");
	case MADE_OPENSSH_PUBLIC:
		return text_of("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me@example\n");
	case MADE_PUTTY:
		return text_of("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n");
	case MADE_PKCS7:
		return text_of("-----BEGIN PKCS7-----\nMAsG\n-----END PKCS7-----\n");
	case MADE_PARAMETERS:
		return text_of("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC "
			       "PARAMETERS-----\n");
	case MADE_ENCRYPTED:
		return encrypted_key(false);
	case MADE_ENCRYPTED_LEGACY:
		return encrypted_key(true);
	case MADE_BOM:
		return join("\xef\xbb\xbf", pem, "");
	case MADE_BOM_SECOND:
		half = join("\xef\xbb\xbf", pem, "");
		bytes = join(pem->at, &half, "");
		free(half.at);
		return bytes;
	case MADE_INDENTED:
		return join("  ", pem, "");
	case MADE_ONE_LINE: /* cat of files without a last LF */
		half = bytes_of(pem->at, pem->len - 1);
		bytes = join(half.at, pem, "");
		free(half.at);
		return bytes;
	case MADE_UTF16:
		return utf16(pem);
	case MADE_CR_ONLY:
		return with_lines_ended_by(pem, "\r");
	case MADE_NO_ARMOUR:
		half = bytes_of(strchr(pem->at, '\n') + 1,
				(size_t)(strstr(pem->at, "-----END") - strchr(pem->at, '\n') - 1));
		return half;
	case MADE_CUT:
		return bytes_of(pem->at, pem->len * 2 / 3);
	case MADE_CUT_SECOND:
		half = bytes_of(pem->at, pem->len * 2 / 3);
		bytes = join(pem->at, &half, "");
		free(half.at);
		return bytes;
	case MADE_NOT_BASE64:
		bytes = bytes_of(pem->at, pem->len);
		strchr(bytes.at, '\n')[5] = '!';
		return bytes;
	case MADE_NOT_DER:
		return armoured(kind, good.der[kind].at, good.der[kind].len / 2);
	case MADE_NOT_DER_SECOND:
		half = armoured(kind, "\x30\x03\x02\x01\x05", 5);
		bytes = join(pem->at, &half, "");
		free(half.at);
		return bytes;
	case MADE_COUNT:
		break;
	}
	must(!"a row of the table");
	return text_of("");
}

/* What is said of it where a certificate, a key or a list is wanted; NULL: it is one. */
static const char *const says[MADE_COUNT][3] = {
	[MADE_EMPTY] = {"the file is empty", "the file is empty", "the file is empty"},
	[MADE_BLANK] = {"the file is empty", "the file is empty", "the file is empty"},
	[MADE_TEXT] = {"it is no PEM", "it is no PEM", "it is no PEM"},
	[MADE_DER] = {"openssl x509 -inform DER", "openssl pkey -inform DER",
		      "openssl crl -inform DER"},
	[MADE_PKCS12] = {"PKCS #12", "openssl pkcs12 -in FILE -nocerts", "PKCS #12"},
	[MADE_JKS] = {"Java keystore", "Java keystore", "Java keystore"},
	[MADE_CERT] = {NULL, "a certificate, not a private key; are certificate and key swapped?",
		       "a certificate, not a revocation list"},
	[MADE_KEY] = {"a private key, not a certificate; are certificate and key swapped?", NULL,
		      "a private key, not a revocation list"},
	[MADE_CRL] = {"a revocation list, not a certificate",
		      "a revocation list, not a private key", NULL},
	[MADE_REQUEST] = {"certificate signing request", "certificate signing request",
			  "certificate signing request"},
	[MADE_PUBLIC_KEY] = {"it is a public key", "it is a public key", "it is a public key"},
	[MADE_OPENSSH_KEY] = {"key of OpenSSH", "ssh-keygen -p", "key of OpenSSH"},
	[MADE_OPENSSH_PUBLIC] = {"public key of OpenSSH", "public key of OpenSSH",
				 "public key of OpenSSH"},
	[MADE_PUTTY] = {"key of PuTTY", "key of PuTTY", "key of PuTTY"},
	[MADE_PKCS7] = {"openssl pkcs7 -print_certs", "PKCS #7", "PKCS #7"},
	[MADE_PARAMETERS] = {"not the key", "the parameters of an EC key, but not the key",
			     "not the key"},
	[MADE_ENCRYPTED] = {"a private key, not a certificate",
			    "encrypted, and sluice asks for no passphrase",
			    "a private key, not a revocation list"},
	[MADE_ENCRYPTED_LEGACY] = {"a private key, not a certificate",
				   "decrypt it with `openssl pkey",
				   "a private key, not a revocation list"},
	[MADE_BOM] = {"line 1 begins with a byte order mark",
		      "line 1 begins with a byte order mark",
		      "line 1 begins with a byte order mark"},
	[MADE_BOM_SECOND] = {"byte order mark", "byte order mark", "byte order mark"},
	[MADE_INDENTED] = {"line 1 is indented", "line 1 is indented", "line 1 is indented"},
	[MADE_ONE_LINE] = {"an END and the next BEGIN", "an END and the next BEGIN",
			   "an END and the next BEGIN"},
	[MADE_UTF16] = {"UTF-16", "UTF-16", "UTF-16"},
	[MADE_CR_ONLY] = {"line", "line", "line"},
	[MADE_NO_ARMOUR] = {"base64 without the lines", "base64 without the lines",
			    "base64 without the lines"},
	[MADE_CUT] = {"the certificate of line 1 has no end: the file is truncated",
		      "the private key of line 1 has no end", "the revocation list of line 1 has"},
	[MADE_CUT_SECOND] = {"has no end", NULL, "has no end"},
	[MADE_NOT_BASE64] = {"not valid base64", "not valid base64", "not valid base64"},
	[MADE_NOT_DER] = {"the certificate of line 1 is damaged",
			  "the private key of line 1 is damaged, or of a kind",
			  "the revocation list of line 1 is damaged"},
	[MADE_NOT_DER_SECOND] = {"is damaged: its contents cannot be parsed", NULL, "is damaged"},
};

/* Words of OpenSSL that tell an operator nothing. */
static const char *const jargon[] = {
	"PEM lib",
	"no start line",
	"bad end line",
	"bad base64 decode",
	"wrong tag",
	"nested asn1",
	"asn1 encoding",
	"unsupported",
	"bad decrypt",
	"bad password",
	"key values mismatch",
	"header too long",
	"too long",
	"DECODER",
	"routines",
	"not enough data",
	"OpenSSL refuses",
};

/* ---- Where they are given -------------------------------------------------------------------- */

#define FILES 4

struct files {
	char dir[32];
	char path[FILES][PATH_MAX]; /* cert, key, ca, crl */
};

enum file { FILE_CERT, FILE_KEY, FILE_CA, FILE_CRL };

static void file_put(const char *path, const struct bytes *bytes)
{
	FILE *file = fopen(path, "w");
	must(file != NULL && fwrite(bytes->at, 1, bytes->len, file) == bytes->len);
	must(fclose(file) == 0);
}

static void files_make(struct files *files)
{
	static const char *const names[] = {"cert", "key", "ca", "crl"};
	BIO *bio = BIO_new(BIO_s_mem());

	strcpy(files->dir, "/tmp/sluice-pem-XXXXXX");
	must(mkdtemp(files->dir) != NULL);
	for (int i = 0; i < FILES; i++)
		snprintf(files->path[i], PATH_MAX, "%s/%s", files->dir, names[i]);
	must(PEM_write_bio_X509(bio, good.ca.cert) == 1);
	struct bytes ca = bytes_of_bio(bio);
	file_put(files->path[FILE_CERT], &good.pem[PEM_CERT]);
	file_put(files->path[FILE_KEY], &good.pem[PEM_KEY]);
	file_put(files->path[FILE_CA], &ca);
	file_put(files->path[FILE_CRL], &good.pem[PEM_CRL]);
	free(ca.at);
}

static void files_remove(const struct files *files)
{
	for (int i = 0; i < FILES; i++)
		remove(files->path[i]);
	rmdir(files->dir);
}

static bool server_takes(const struct files *files, char error[ERROR_TEXT_MAX])
{
	struct config *config = calloc(1, sizeof(*config));

	must(config != NULL);
	config_init(config);
	memcpy(config->tls.cert_file, files->path[FILE_CERT], PATH_MAX);
	memcpy(config->tls.key_file, files->path[FILE_KEY], PATH_MAX);
	memcpy(config->tls.client_ca_file, files->path[FILE_CA], PATH_MAX);
	memcpy(config->tls.crl_file, files->path[FILE_CRL], PATH_MAX);
	struct tls_ctx *ctx = tls_ctx_new(&config->tls, 1, error);
	tls_ctx_release(ctx);
	config_fini(config);
	free(config);
	return ctx != NULL;
}

static bool client_takes(const struct files *files, char error[ERROR_TEXT_MAX])
{
	const struct tls_client_files given = {.cert_file = files->path[FILE_CERT],
					       .key_file = files->path[FILE_KEY],
					       .ca_file = files->path[FILE_CA],
					       .server_name = "localhost"};
	struct tls_ctx *ctx = tls_ctx_new_client(&given, error);
	tls_ctx_release(ctx);
	return ctx != NULL;
}

static const struct {
	enum file file;
	enum pem_kind kind;
	const char *option, *what;
	bool (*takes)(const struct files *files, char error[ERROR_TEXT_MAX]);
} places[] = {
	{FILE_CERT, PEM_CERT, "(--cert)", "the server certificate", server_takes},
	{FILE_KEY, PEM_KEY, "(--key)", "the private key", server_takes},
	{FILE_CA, PEM_CERT, "(--client-ca)", "CA certificates of clients", server_takes},
	{FILE_CRL, PEM_CRL, "(--crl)", "a CRL", server_takes},
	{FILE_CERT, PEM_CERT, "(--cert)", "the client certificate", client_takes},
	{FILE_KEY, PEM_KEY, "(--key)", "the private key", client_takes},
	{FILE_CA, PEM_CERT, "(--ca)", "CA certificates", client_takes},
};

static void expect_words(const char *error, const char *word, int made, size_t place)
{
	cr_expect(strstr(error, word) != NULL, "made %d, %s: no \"%s\" in: %s", made,
		  places[place].option, word, error);
	cr_expect(strchr(error, '\n') == NULL, "%s", error);
	for (size_t j = 0; j < ARRAY_LEN(jargon); j++)
		cr_expect(strstr(error, jargon[j]) == NULL, "made %d, %s: %s", made,
			  places[place].option, error);
}

Test(pem, each_file_that_is_wrong_in_each_place)
{
	char error[ERROR_TEXT_MAX];
	struct files files;

	good_make();
	for (size_t place = 0; place < ARRAY_LEN(places); place++) {
		for (int made = 0; made < MADE_COUNT; made++) {
			const char *word = says[made][places[place].kind];
			if (word == NULL)
				continue;
			files_make(&files);
			struct bytes bytes = make((enum made)made, places[place].kind);
			file_put(files.path[places[place].file], &bytes);
			error[0] = '\0';
			cr_expect_not(places[place].takes(&files, error), "made %d, %s", made,
				      places[place].option);
			expect_words(error, word, made, place);
			expect_words(error, files.path[places[place].file], made, place);
			expect_words(error, places[place].option, made, place);
			expect_words(error, places[place].what, made, place);
			free(bytes.at);
			files_remove(&files);
		}
	}
}

Test(pem, files_that_cannot_be_opened)
{
	char error[ERROR_TEXT_MAX];
	struct files files;

	good_make();
	for (size_t place = 0; place < ARRAY_LEN(places); place++) {
		const char *path;
		files_make(&files);
		path = files.path[places[place].file];
		must(unlink(path) == 0);
		cr_expect_not(places[place].takes(&files, error));
		expect_words(error, "No such file or directory", -1, place);
		expect_words(error, places[place].option, -1, place);
		must(mkdir(path, 0755) == 0);
		cr_expect_not(places[place].takes(&files, error));
		expect_words(error, "Is a directory; name a file in it", -2, place);
		must(rmdir(path) == 0 && mkfifo(path, 0644) == 0); /* nobody writes to it */
		cr_expect_not(places[place].takes(&files, error));
		expect_words(error, "empty", -3, place);
		files_remove(&files);
	}
}

/* What PEM allows goes on being taken. */
Test(pem, files_that_are_unusual_and_right)
{
	static const struct {
		const char *before, *line_end, *after;
	} rows[] = {
		{"", "\n", ""},
		{"", "\r\n", ""},
		{"Bag Attributes\n    friendlyName: x\nsubject=CN = x\n\n", "\n", ""},
		{"# -----BEGIN CERTIFICATE----- was another\n", "\n", ""},
		{"# -----BEGIN CERTIFICATE-----\n# MIIB\n# -----END CERTIFICATE-----\n", "\n", ""},
		{"made between -----BEGIN and -----END by hand\n", "\n", ""},
		{"-----\n----------\n", "\n", "\n-- \nthe signature of a mail\n"},
		{"SHA256 Fingerprint=AA:BB\n", "\n",
		 "\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"},
		{"", "\n", "\ntrailing text\n"},
		{"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
		 "\n", ""},
	};
	char error[ERROR_TEXT_MAX];
	struct files files;

	good_make();
	for (size_t place = 0; place < ARRAY_LEN(places); place++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			files_make(&files);
			const char *path = files.path[places[place].file];
			char text[8192] = "";
			FILE *file = fopen(path, "r");
			must(file != NULL && fread(text, 1, sizeof(text) - 1, file) > 0);
			fclose(file);
			struct bytes right = text_of(text);
			struct bytes lines = with_lines_ended_by(&right, rows[i].line_end);
			struct bytes bytes = join(rows[i].before, &lines, rows[i].after);
			file_put(path, &bytes);
			cr_expect(places[place].takes(&files, error), "row %zu, %s: %s", i,
				  places[place].option, error);
			free(right.at);
			free(lines.at);
			free(bytes.at);
			files_remove(&files);
		}
	}
}

/* What can be read, and does not fit. */
Test(pem, a_key_of_another_certificate)
{
	char error[ERROR_TEXT_MAX];
	struct files files;

	good_make();
	for (size_t place = 0; place < ARRAY_LEN(places); place++) {
		if (places[place].kind != PEM_KEY)
			continue;
		for (int i = 0; i < 2; i++) { /* of the same kind, and of another */
			EVP_PKEY *rsa = i == 1 ? EVP_RSA_gen(2048) : NULL;
			BIO *bio = BIO_new(BIO_s_mem());
			must(PEM_write_bio_PKCS8PrivateKey(bio, i == 1 ? rsa : good.other.key, NULL,
							   NULL, 0, NULL, NULL) == 1);
			struct bytes key = bytes_of_bio(bio);
			files_make(&files);
			file_put(files.path[FILE_KEY], &key);
			cr_expect_not(places[place].takes(&files, error));
			cr_expect(strstr(error,
					 "this private key does not belong to the certificate "
					 "of --cert") != NULL,
				  "%s", error);
			cr_expect(strstr(error, files.path[FILE_KEY]) != NULL, "%s", error);
			cr_expect(strstr(error, "mismatch") == NULL, "%s", error);
			EVP_PKEY_free(rsa);
			free(key.at);
			files_remove(&files);
		}
	}
}

Test(pem, a_certificate_with_a_key_that_is_too_small)
{
	char error[ERROR_TEXT_MAX];
	struct files files;

	good_make();
	struct cert_pair small = cert_pair_make("small", EVP_RSA_gen(1024), false, &good.ca);
	BIO *bio = BIO_new(BIO_s_mem());
	must(PEM_write_bio_X509(bio, small.cert) == 1);
	struct bytes cert = bytes_of_bio(bio);
	files_make(&files);
	file_put(files.path[FILE_CERT], &cert);
	cr_expect_not(server_takes(&files, error));
	cr_expect(strstr(error, "its key is too small") != NULL, "%s", error);
	cr_expect_not(client_takes(&files, error));
	cr_expect(strstr(error, "its key is too small") != NULL, "%s", error);
	free(cert.at);
	files_remove(&files);
	cert_pair_fini(&small);
}
