/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request head of HTTP/1.1 (RFC 9112), strict.
 *
 * No I/O, no allocation: the result points into the caller's buffer and lives as
 * long as it does. What makes the framing of a message uncertain is an error,
 * never repaired.
 */
#ifndef SLUICE_HTTP_HEAD_H
#define SLUICE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "http/slice.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

/* Fields that the program looks at: F(ID, lower-case name, may stand more than once) */
#define HTTP_FIELDS(F)                                                                             \
	F(HOST, "host", false)                                                                     \
	F(CONNECTION, "connection", true)                                                          \
	F(CONTENT_LENGTH, "content-length", false)                                                 \
	F(TRANSFER_ENCODING, "transfer-encoding", false)                                           \
	F(EXPECT, "expect", false)                                                                 \
	F(RANGE, "range", false)                                                                   \
	F(IF_MATCH, "if-match", false)                                                             \
	F(IF_NONE_MATCH, "if-none-match", false)                                                   \
	F(IF_MODIFIED_SINCE, "if-modified-since", false)                                           \
	F(IF_UNMODIFIED_SINCE, "if-unmodified-since", false)                                       \
	F(IF_RANGE, "if-range", false)                                                             \
	F(USER_AGENT, "user-agent", false)

#define HTTP_FIELD_ENUM(id, ...) HTTP_FIELD_##id,
enum http_field_id { HTTP_FIELDS(HTTP_FIELD_ENUM) HTTP_FIELD_COUNT };

struct http_field {
	struct slice name;
	struct slice value; /* without the white space around it */
};

struct http_head {
	enum http_method method;
	struct slice method_text;
	struct slice
		target; /* origin form, or absolute form's path: starts with '/'; still encoded */
	unsigned minor; /* HTTP/1.minor: 0 or 1, what is higher is 1 */
	/* at NULL: absent. Of a field that may repeat, the first. HOST: the authority if the target
	 * was in absolute form (RFC 9112 section 3.2.2). */
	struct slice known[HTTP_FIELD_COUNT];
	struct http_field field[HEAD_FIELDS_MAX]; /* all, in order */
	unsigned field_count;
	bool keep_alive; /* by version and Connection */
	bool expect_continue;
	bool chunked; /* Transfer-Encoding: chunked, and nothing else */
	bool has_content_length;
	uint64_t content_length;
};

/* Why a head was refused: E(ID, status, text for the error's Message) */
#define HTTP_HEAD_ERRORS(E)                                                                        \
	E(REQUEST_LINE, 400, "the request line is malformed")                                      \
	E(METHOD, 400, "the method is not a token")                                                \
	E(TARGET, 400, "the request target has bytes that may not stand there")                    \
	E(METHOD_TOO_LONG, 501, "no method is as long as that")                                    \
	E(TARGET_TOO_LONG, 414, "the request target is too long")                                  \
	E(VERSION, 505, "only HTTP/1.0 and HTTP/1.1 are served")                                   \
	E(BARE_LF, 400, "a line ends in LF without CR, or has a CR inside")                        \
	E(NUL, 400, "the head holds a NUL or another control byte")                                \
	E(FIELD_NAME, 400, "a field name is empty or not a token")                                 \
	E(FIELD_SPACE, 400, "white space between field name and colon")                            \
	E(OBS_FOLD, 400, "folded field lines are not accepted")                                    \
	E(DUPLICATE, 400, "a field that may stand once stands twice")                              \
	E(CONTENT_LENGTH, 400, "Content-Length is not a decimal number below 2^63")                \
	E(LENGTH_AND_ENCODING, 400, "Content-Length together with Transfer-Encoding")              \
	E(ENCODING_LENGTH, 400, "the last transfer encoding is not chunked")                       \
	E(TRANSFER_ENCODING, 501, "the only transfer encoding served is chunked")                  \
	E(ENCODING_1_0, 400, "Transfer-Encoding in an HTTP/1.0 request")                           \
	E(HOST, 400, "an HTTP/1.1 request needs exactly one valid Host")                           \
	E(EXPECT, 417, "the only expectation served is 100-continue")                              \
	E(TOO_MANY_FIELDS, 431, "too many fields")                                                 \
	E(TOO_LARGE, 431, "the request head is too large")

#define HTTP_HEAD_ERROR_ENUM(id, ...) HTTP_HEAD_ERROR_##id,
enum http_head_error { HTTP_HEAD_ERRORS(HTTP_HEAD_ERROR_ENUM) HTTP_HEAD_ERROR_COUNT };

/*
 * Parses the head at the start of buf.
 *
 * scanned: bytes of buf already seen in an earlier call that returned -EAGAIN (0 at first), so
 * that a head that dribbles in is not searched again from its start.
 * Returns the head's length in bytes (> 0, the empty line included); -EAGAIN: not whole yet (but
 * what is there may already be refused); -EBADMSG: refused, *error says why. Empty lines (CRLF)
 * before the request line are skipped, at most two (RFC 9112 section 2.2), and counted in the
 * length.
 * After -EBADMSG, method_text, target and field[] hold what stood before the error (for the log);
 * after -EAGAIN, *head says nothing. No HTTP/1.x request can be read behind a refused one.
 */
int http_head_parse(const char *buf, size_t len, size_t scanned, struct http_head *head,
		    enum http_head_error *error);
int http_head_error_status(enum http_head_error error);
const char *http_head_error_text(enum http_head_error error);

/* The first field of this name (lower case); at NULL: there is none. */
struct slice http_head_find(const struct http_head *head, const char *name);
/* The next member of all fields of this name, which are one list (RFC 9110 section 5.3); *at, at
 * first all zero, is where. False: there is none (left). */
struct http_list {
	unsigned next; /* in head->field */
	struct slice rest;
};
bool http_head_list_next(const struct http_head *head, const char *name, struct http_list *at,
			 struct slice *member);
/* Is token a member of it? */
bool http_head_list_has(const struct http_head *head, const char *name, const char *token);

#endif
