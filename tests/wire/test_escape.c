/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of names that would lead out of the store if anything took them literally, decoded them
 * twice, or followed a link: as key and as bucket, in GET, HEAD, PUT, DELETE, COPY, listings,
 * uploads and DeleteObjects. That none does is seen from outside: wire_jail.h.
 */
#include "wire/wire_jail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"

TestSuite(escape, .timeout = WIRE_TIMEOUT);

#define NAMES_MIN    10000 /* or the tables below have lost some */
#define NAMES_MAX    20000
#define STRIDE       2
#define GUEST_STRIDE 96
#define FLIGHT_MAX   16
#define DELETE_BATCH 40
#define MINE         "mine!"

/* ---- Names ------------------------------------------------------------------------------ */

/* "..", or what something might take for it. */
static const char *const dots[] = {
	"..",
	"%2e%2e",
	"%2E%2e",
	".%2e",
	"%2E.",
	"%252e%252e",               /* encoded twice */
	"%25%32%65%25%32%65",       /* ... and all of it */
	"%25252e%25252e",           /* three times */
	"%c0%ae%c0%ae",             /* overlong: two bytes */
	"%e0%80%ae%e0%80%ae",       /* three */
	"%f0%80%80%ae%f0%80%80%ae", /* four */
	"%u002e%u002e",             /* as IIS had it */
	"%ef%bc%8e%ef%bc%8e",       /* full-width dots */
	"%e2%80%a4%e2%80%a4",       /* one-dot leaders */
	"..%00",
	"%00..",
	"..%20",
	"..%09",
	"..;",
	"..%2e",
};

/* "/", or what something might take for it. */
static const char *const slashes[] = {
	"/",         "%2f",    "%2F",       "//",        "/./",   "/%2e/",  "%2f%2f",
	"\\",        "%5c",    "%5C",       "%252f",     "%255c", "%c0%af", "%c1%9c",
	"%e0%80%af", "%u2215", "%ef%bc%8f", "%e2%88%95", "%00/",  "/%00/",
};

static const char *const beginnings[] = {"", "a/", "/", "links/up/"};
static const char *const ends[] = {"secret", "outside/secret"};

/* What the links of wire_jail.c are asked for. */
static const char *const links[] = {
	"links/abs-folder", "links/rel-folder", "links/abs-file",   "links/rel-file",
	"links/deep-file",  "links/chain",      "links/dangling",   "links/up",
	"links/proc-jail",  "links/self",       "link-abs",         "link-rel",
	"link-up",          "link-proc-jail",   "trap-abs/.sluice", "trap-rel/.sluice",
	"links/real-slash", "links/real-etc",   "links/real-root",  "links/real-cwd",
	"links/real-fd",    "real-slash",       "real-root",
};
static const char *const behind_links[] = {
	"secret",     "new",    "new/deep",      "../secret", "%2e%2e%2fsecret", "outside/secret",
	"etc/passwd", "passwd", "data/size-100", "0",         "tmp-x",
};
static const char *const suffixes[] = {
	"",        "/",   "//", "/.", "/..", "%2f", "%2f.", "%00",
	"%00.txt", "%20", ".",  ";x", "%5c", "\\",  "?x",
};

struct names {
	char *name[NAMES_MAX];
	unsigned count;
};

static void name_add(struct names *names, struct text *name)
{
	text_add(name, "", 1);
	must(name->error == 0 && names->count < NAMES_MAX);
	names->name[names->count++] = name->at; /* for the life of the test */
}

static void climbing_add(struct names *names)
{
	static const unsigned depths[] = {1, 2, 3};

	for (size_t i = 0; i < ARRAY_LEN(dots) * ARRAY_LEN(slashes) * ARRAY_LEN(beginnings) *
				       ARRAY_LEN(depths) * ARRAY_LEN(ends);
	     i++) {
		size_t rest = i;
		const char *dot = dots[rest % ARRAY_LEN(dots)];
		rest /= ARRAY_LEN(dots);
		const char *slash = slashes[rest % ARRAY_LEN(slashes)];
		rest /= ARRAY_LEN(slashes);
		const char *begin = beginnings[rest % ARRAY_LEN(beginnings)];
		rest /= ARRAY_LEN(beginnings);
		struct text name;
		text_init(&name, OBJECT_KEY_BYTES_MAX * 3);
		text_put(&name, begin);
		for (unsigned deep = 0; deep < depths[rest % ARRAY_LEN(depths)]; deep++)
			text_printf(&name, "%s%s", dot, slash);
		text_put(&name, ends[rest / ARRAY_LEN(depths)]);
		name_add(names, &name);
	}
}

static void linked_add(struct names *names)
{
	for (size_t l = 0; l < ARRAY_LEN(links); l++) {
		for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
			struct text name = {.bytes_max = 1024};
			text_printf(&name, "%s%s", links[l], suffixes[i]);
			name_add(names, &name);
		}
		for (size_t i = 0; i < ARRAY_LEN(behind_links) * ARRAY_LEN(slashes); i++) {
			struct text name = {.bytes_max = 1024};
			text_printf(&name, "%s%s%s", links[l], slashes[i % ARRAY_LEN(slashes)],
				    behind_links[i / ARRAY_LEN(slashes)]);
			name_add(names, &name);
		}
	}
}

/* The secret by its own path, and what else an absolute one may be. */
static void absolute_add(struct names *names, const struct jail *jail)
{
	static const char *const roots[] = {
		"",     "/",  "//",  "%2f", "%2F", "%5c", "\\", "file:///", "file://localhost/",
		"%00/", "./", "%2e/"};
	const char *paths[] = {
		jail->place,          "/etc/passwd",           "/proc/self/root/etc/passwd",
		"/proc/self/environ", "/proc/self/cwd/secret", "/dev/stdin"};

	for (size_t r = 0; r < ARRAY_LEN(roots); r++) {
		for (size_t p = 0; p < ARRAY_LEN(paths) * 2; p++) {
			struct text name = {.bytes_max = PATH_MAX * 2};
			const char *path = paths[p / 2] + (p % 2);
			text_printf(&name, "%s%s%s", roots[r], path, p < 2 ? "/secret" : "");
			name_add(names, &name);
		}
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct names *names_make(const struct jail *jail)
{
	struct names *names = calloc(1, sizeof(*names));
	unsigned distinct = 0;

	must(names != NULL);
	climbing_add(names);
	linked_add(names);
	absolute_add(names, jail);
	qsort(names->name, names->count, sizeof(names->name[0]), compare);
	for (unsigned i = 0; i < names->count; i++)
		if (i == 0 || strcmp(names->name[i], names->name[distinct - 1]) != 0)
			names->name[distinct++] = names->name[i];
	names->count = distinct;
	cr_assert_geq(distinct, NAMES_MIN);
	return names;
}

/* ---- Asking ----------------------------------------------------------------------------- */

struct escape {
	struct jail jail;
	struct wire_server server;
	struct wire_client client;
	const char *name;
	unsigned asked;
	unsigned written; /* ... and not only read */
	unsigned requests;
	unsigned escapes;
	char upload_id[64];
	char part_etag[WIRE_VALUE_MAX];
};

/* What may be in the answer. */
enum expectation { EXPECT_ANY, EXPECT_MINE, EXPECT_NO_BODY };

struct flight {
	struct text text;
	enum expectation expect[FLIGHT_MAX];
	unsigned count;
};

static void flight_add(struct flight *flight, enum expectation expect, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void flight_add(struct flight *flight, enum expectation expect, const char *format, ...)
{
	char *request;
	va_list values;

	va_start(values, format);
	int len = vasprintf(&request, format, values);
	va_end(values);
	must(len > 0 && flight->count < FLIGHT_MAX);
	text_add(&flight->text, request, (size_t)len);
	free(request);
	flight->expect[flight->count++] = expect;
}

static void check_answer(struct escape *escape, const struct wire_response *response,
			 enum expectation expect)
{
	/* Of what is asked for by its name only that is served which was put there by it. */
	bool is_another = expect == EXPECT_MINE && response->status == 200 &&
			  strcmp(response->text, MINE) != 0;

	escape->requests++;
	if (is_another || jail_is_in(&escape->jail, response->text) ||
	    jail_is_in(&escape->jail, response->head)) {
		escape->escapes++;
		cr_expect(false, "%s: %s%.300s", escape->name, response->head, response->text);
	}
	cr_expect(response->status < 500 || response->status == 501, "%s: %s%.300s", escape->name,
		  response->head, response->text);
}

static void element_of(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);

	out[0] = '\0';
	if (at != NULL)
		snprintf(out, size, "%.*s", (int)strcspn(at + strlen(name), "<"),
			 at + strlen(name));
}

/* Sends all in one piece, and reads all answers. */
static void flight_fly(struct escape *escape, struct flight *flight)
{
	struct wire_response response;

	must(flight->text.error == 0);
	cr_assert(wire_write(&escape->client, flight->text.at, flight->text.len));
	for (unsigned i = 0; i < flight->count; i++) {
		wire_read_head(&escape->client, &response);
		response.is_to_head = flight->expect[i] == EXPECT_NO_BODY;
		wire_read_text(&escape->client, &response);
		cr_assert(!response.says_close, "%s: %s", escape->name, response.head);
		check_answer(escape, &response, flight->expect[i]);
		if (strstr(response.text, "<UploadId>") != NULL &&
		    strstr(response.text, "<InitiateMultipartUploadResult") != NULL)
			element_of(response.text, "<UploadId>", escape->upload_id,
				   sizeof(escape->upload_id));
		if (response.etag[0] != '\0')
			strcpy(escape->part_etag, response.etag);
	}
	text_fini(&flight->text);
	flight->count = 0;
}

#define REST " HTTP/1.1\r\nHost: h\r\n"

/* An upload of this key, begun, filled and completed; then the object is read. */
static void upload_ask(struct escape *escape, const char *name)
{
	struct flight flight = {.text.bytes_max = 65536};
	char body[2 * WIRE_VALUE_MAX];

	flight_add(&flight, EXPECT_ANY,
		   "PUT /data/%s?partNumber=1&uploadId=%s" REST "Content-Length: 5\r\n\r\n" MINE,
		   name, escape->upload_id);
	flight_fly(escape, &flight);
	snprintf(body, sizeof(body),
		 "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>"
		 "</CompleteMultipartUpload>",
		 escape->part_etag);
	flight_add(&flight, EXPECT_ANY,
		   "POST /data/%s?uploadId=%s" REST "Content-Length: %zu\r\n\r\n%s", name,
		   escape->upload_id, strlen(body), body);
	flight_add(&flight, EXPECT_MINE, "GET /data/%s" REST "\r\n", name);
	flight_add(&flight, EXPECT_ANY, "DELETE /data/%s?uploadId=%s" REST "\r\n", name,
		   escape->upload_id);
	flight_fly(escape, &flight);
}

/* As a bucket, and as a key. */
static void writes_add(struct flight *flight, const char *name)
{
	flight_add(flight, EXPECT_ANY, "PUT /%s" REST "Content-Length: 0\r\n\r\n", name);
	flight_add(flight, EXPECT_ANY, "DELETE /%s" REST "\r\n", name);
	flight_add(flight, EXPECT_ANY, "PUT /data/%s" REST "Content-Length: 5\r\n\r\n" MINE, name);
}

static void name_ask(struct escape *escape, const char *name)
{
	struct flight flight = {.text.bytes_max = 1024 * 1024};
	const char *query = strchr(name, '?');
	bool is_real = jail_is_real(name);

	escape->name = name;
	escape->asked++;
	escape->written += !is_real;
	escape->upload_id[0] = '\0';
	if (!is_real)
		writes_add(&flight, name);
	flight_add(&flight, is_real ? EXPECT_ANY : EXPECT_MINE, "GET /data/%s" REST "\r\n", name);
	flight_add(&flight, EXPECT_NO_BODY, "HEAD /data/%s" REST "\r\n", name);
	flight_add(&flight, EXPECT_ANY, "GET /%s" REST "\r\n", name);
	flight_add(&flight, EXPECT_NO_BODY, "HEAD /%s" REST "\r\n", name);

	flight_add(&flight, EXPECT_ANY,
		   "PUT /data/copied" REST
		   "x-amz-copy-source: /data/%s\r\nContent-Length: 0\r\n\r\n",
		   name);
	flight_add(&flight, EXPECT_ANY,
		   "PUT /data/copied" REST "x-amz-copy-source: /%s\r\nContent-Length: 0\r\n\r\n",
		   name);
	flight_add(&flight, EXPECT_ANY, "GET /data/copied" REST "\r\n");
	flight_add(&flight, EXPECT_ANY, "GET /data?list-type=2&max-keys=3&prefix=%s" REST "\r\n",
		   name);
	flight_add(&flight, EXPECT_ANY, "GET /data?max-keys=3&delimiter=/&marker=%s" REST "\r\n",
		   name);
	flight_add(&flight, EXPECT_ANY,
		   "GET /data?uploads&max-uploads=1&key-marker=%s&prefix=%s" REST "\r\n", name,
		   name);
	if (query == NULL && !is_real)
		flight_add(&flight, EXPECT_ANY, "POST /data/%s?uploads" REST "\r\n", name);
	flight_add(&flight, EXPECT_ANY, "DELETE /data/copied" REST "\r\n");
	flight_fly(escape, &flight);
	if (escape->upload_id[0] != '\0')
		upload_ask(escape, name);
	if (!is_real) {
		flight_add(&flight, EXPECT_ANY, "DELETE /data/%s" REST "\r\n", name);
		flight_fly(escape, &flight);
	}
}

/* ---- DeleteObjects: keys in XML, as they are and decoded once --------------------------- */

static void key_put(struct text *body, const char *name, bool is_decoded)
{
	text_put(body, "<Object><Key>");
	for (const char *at = name; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;
		if (is_decoded && c == '%' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
			c = (unsigned char)(hex_value(at[1]) << 4 | hex_value(at[2]));
			at += 2;
		}
		/* As a reference: what is no character of XML stays as it was sent. */
		if (c < ' ' && c != '\t')
			text_printf(body, "%%%02x", c);
		else
			text_printf(body, "&#%d;", c);
	}
	text_put(body, "</Key></Object>");
}

static void batch_ask(struct escape *escape, char *const *name, unsigned count, bool are_decoded)
{
	struct flight flight = {.text.bytes_max = 1024 * 1024};
	struct text body = {.bytes_max = 1024 * 1024};

	escape->name = name[0];
	text_put(&body, "<Delete><Quiet>true</Quiet>");
	for (unsigned i = 0; i < count; i++) {
		if (jail_is_real(name[i]))
			continue;
		key_put(&body, name[i], are_decoded);
		escape->asked += !are_decoded;
		escape->written += !are_decoded;
	}
	text_put(&body, "<Object><Key>none</Key></Object>"); /* one at least */
	text_put(&body, "</Delete>");
	must(body.error == 0);
	flight_add(&flight, EXPECT_ANY, "POST /data?delete" REST "Content-Length: %zu\r\n\r\n%.*s",
		   body.len, (int)body.len, body.at);
	flight_fly(escape, &flight);
	text_fini(&body);
}

/* ---- All of them ------------------------------------------------------------------------ */

/* Of the names that lie beside each other every second is asked; all of them with WIRE_SLOW=1. */
static unsigned stride(const struct escape *escape)
{
	const struct wire_env *env = &escape->server.env;
	return env->is_guest ? GUEST_STRIDE : env->is_slow ? 1 : STRIDE;
}

static void begin(struct escape *escape)
{
	escape->server.writable = true;
	escape->server.option[0] = "--durability=relaxed";
	escape->server.option[1] = "--log.level=warn";
	jail_make(&escape->jail, &escape->server);
	wire_server_start(&escape->server);
	wire_connect(&escape->client, &escape->server);
}

static void end(struct escape *escape, const char *what)
{
	wire_disconnect(&escape->client);
	wire_serves_others(&escape->server);
	wire_server_stop(&escape->server);
	const char *event = jail_check(&escape->jail);
	escape->escapes += event != NULL;
	wire_report("%s, %u asked (%u of them to be written and removed), %u requests, %u escapes",
		    what, escape->asked, escape->written, escape->requests, escape->escapes);
	cr_assert_null(event, "beside the store: %s", event);
	cr_assert_eq(escape->escapes, 0);
}

Test(escape, every_name_by_every_call)
{
	static struct escape escape;
	char what[64];

	begin(&escape);
	struct names *names = names_make(&escape.jail);
	for (unsigned i = 0; i < names->count; i += stride(&escape))
		name_ask(&escape, names->name[i]);
	snprintf(what, sizeof(what), "%u names", names->count);
	end(&escape, what);
}

Test(escape, every_name_in_xml)
{
	static struct escape escape;
	char what[64];

	begin(&escape);
	struct names *names = names_make(&escape.jail);
	for (unsigned i = 0; i < names->count; i += DELETE_BATCH * stride(&escape)) {
		unsigned left = names->count - i;
		unsigned count = left < DELETE_BATCH ? left : DELETE_BATCH;
		batch_ask(&escape, names->name + i, count, false);
		batch_ask(&escape, names->name + i, count, true);
	}
	snprintf(what, sizeof(what), "%u names in XML, twice", names->count);
	end(&escape, what);
}

/* A bucket whose private folder is a link: nothing of a write, an upload or a delete lands there.
 */
Test(escape, private_folder_that_leads_out)
{
	static const char *const buckets[] = {"trap-abs", "trap-rel"};
	static struct escape escape;

	begin(&escape);
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
		const char *bucket = buckets[i];
		struct flight flight = {.text.bytes_max = 65536};
		escape.name = bucket;
		escape.asked++;
		flight_add(&flight, EXPECT_ANY, "PUT /%s/x" REST "Content-Length: 5\r\n\r\n" MINE,
			   bucket);
		flight_add(&flight, EXPECT_ANY,
			   "PUT /%s/x" REST "x-amz-copy-source: /data/size-100\r\n\r\n", bucket);
		flight_add(&flight, EXPECT_ANY, "POST /%s/x?uploads" REST "\r\n", bucket);
		flight_add(&flight, EXPECT_ANY, "GET /%s?uploads" REST "\r\n", bucket);
		flight_add(&flight, EXPECT_ANY, "GET /%s" REST "\r\n", bucket);
		flight_add(&flight, EXPECT_ANY, "GET /%s?versions" REST "\r\n", bucket);
		flight_add(&flight, EXPECT_ANY, "DELETE /%s/x" REST "\r\n", bucket);
		flight_add(&flight, EXPECT_ANY, "DELETE /%s" REST "\r\n", bucket);
		flight_fly(&escape, &flight);
	}
	end(&escape, "2 buckets");
}
