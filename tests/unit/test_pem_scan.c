/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a PEM file that the library would pass over in silence. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/pem.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "tls/pem.h"

TestSuite(pem_scan);

/* A second block behind a good one, of which the library would read nothing, and say nothing. */
static const struct {
	const char *begin, *end; /* in the place of "-----BEGIN " and the label's "-----" */
	const char *says;
} unread[] = {
	{" -----BEGIN ", "-----", "is indented"},
	{"\t-----BEGIN ", "-----", "is indented"},
	{"----BEGIN ", "-----", "is damaged"},
	{"------BEGIN ", "-----", "something before"},
	{"-----BEGIN ", "----", "is damaged"},
	{"-----BEGIN ", "", "is damaged"},
	{"BEGIN ", "", "looks like a part of a block"},
	{"-----Begin ", "-----", "is damaged"},
	{"-----BEGIN", "-----", "is damaged"},
	{"-----BEGIN  ", "-----", "a block that is not known"},
	{"----- BEGIN ", " -----", "is damaged"},
	{"-----BEGIN AN ", "-----", "a block that is not known"},
	{"\xe2\x80\x94"
	 "BEGIN ",
	 "\xe2\x80\x94", "is damaged"},
	{"\xe2\x80\x93\xe2\x80\x93"
	 "-BEGIN ",
	 "-----", "is damaged"},
	{"> -----BEGIN ", "-----", "something before"},
	{"\v-----BEGIN ", "-----", "something before"},
	{"\xc2\xa0-----BEGIN ", "-----", "something before"},
	{"1. -----BEGIN ", "-----", "something before"},
	{"\xef\xbb\xbf-----BEGIN ", "-----", "byte order mark"},
};

/* A certificate as PEM. */
static void pem_make(char *text, size_t size)
{
	struct cert_pair pair = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);
	BIO *bio = BIO_new(BIO_s_mem());

	must(bio != NULL && PEM_write_bio_X509(bio, pair.cert) == 1);
	int n = BIO_read(bio, text, (int)size - 1);
	must(n > 0 && (size_t)n < size - 1);
	text[n] = '\0';
	BIO_free(bio);
	cert_pair_fini(&pair);
}

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;
	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* The number of certificates read, or -1: refused. */
static int read_text(const char *text, char error[ERROR_TEXT_MAX])
{
	static const struct pem_wanted wanted = {PEM_CERT, "certificates", "--ca", NULL, NULL};
	char path[] = "/tmp/sluice-pem-scan-XXXXXX";
	int fd = mkstemp(path);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
	STACK_OF(X509) *certs = pem_read_certs(path, &wanted, error);
	int count = certs != NULL ? sk_X509_num(certs) : -1;
	sk_X509_pop_free(certs, X509_free);
	unlink(path);
	return count;
}

Test(pem_scan, parts_that_nothing_would_read)
{
	char error[ERROR_TEXT_MAX], good[4096], text[8192], line[32];

	pem_make(good, sizeof(good));
	const char *label = good + strlen("-----BEGIN "), *body = strchr(good, '\n');
	for (size_t i = 0; i < ARRAY_LEN(unread); i++) {
		snprintf(text, sizeof(text), "%s%s%.*s%s%s", good, unread[i].begin,
			 (int)(strstr(label, "-----") - label), label, unread[i].end, body);
		cr_expect_eq(read_text(text, error), -1, "row %zu", i);
		cr_expect(strstr(error, unread[i].says) != NULL, "row %zu: %s", i, error);
		/* Where the BEGIN is missing it is the line behind it. */
		snprintf(line, sizeof(line), "line %u ",
			 lines_of(good) + (strstr(error, "looks like") != NULL ? 2 : 1));
		cr_expect(strstr(error, line) != NULL, "row %zu: %s, not %s", i, error, line);
	}
}

/* The end of the first block is what is wrong: its second one is not taken for a part of it. */
Test(pem_scan, ends_that_are_none)
{
	static const char *const ends[] = {"-----END CERTIFICATE----",
					   "----END CERTIFICATE-----",
					   " -----END CERTIFICATE-----",
					   "-----END CERTIFICAT-----",
					   "",
					   "-----END CERTIFICATE----- x"};
	char error[ERROR_TEXT_MAX], good[4096], text[8192];

	pem_make(good, sizeof(good));
	const char *end = strstr(good, "-----END");
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(text, sizeof(text), "%.*s%s\n%s", (int)(end - good), good, ends[i], good);
		cr_expect_eq(read_text(text, error), -1, "row %zu", i);
		cr_expect(strstr(error, "line ") != NULL, "row %zu: %s", i, error);
	}
}
