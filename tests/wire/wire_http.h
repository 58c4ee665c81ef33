/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and responses over a wire_client. Every response head that is read here is checked
 * strictly: status line, CRLF, one of each field, Date, request id, and what its status demands.
 */
#ifndef SLUICE_TESTS_WIRE_HTTP_H
#define SLUICE_TESTS_WIRE_HTTP_H

#include "wire/wire_client.h"

#define WIRE_HEAD_MAX  4096
#define WIRE_VALUE_MAX 1100
#define WIRE_TEXT_MAX  16384

struct wire_response {
	int status;
	bool is_to_head; /* the answer to a HEAD request: no body follows */
	bool says_close;
	char head[WIRE_HEAD_MAX]; /* ends in NUL behind the empty line */
	uint64_t content_length;  /* what the field says; 0 when there is none (304) */
	char etag[WIRE_VALUE_MAX];
	char text[WIRE_TEXT_MAX]; /* wire_read_text */
};

/* Sends it; false: the server has closed. */
bool wire_send(struct wire_client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Reads a response head. */
void wire_read_head(struct wire_client *client, struct wire_response *response);
/* The value of the field, in out; NULL: it is not there. */
const char *wire_field(const struct wire_response *response, const char *name,
		       char out[WIRE_VALUE_MAX]);
/* The response must have it with this value. */
void wire_field_is(const struct wire_response *response, const char *name, const char *value);

/* A request of METHOD for target with more fields (each with its CRLF, may be ""), and the head of
 * the answer to it. */
void wire_ask(struct wire_client *client, const char *method, const char *target,
	      const char *fields, struct wire_response *response);
void wire_get(struct wire_client *client, const char *target, const char *fields,
	      struct wire_response *response);

/* The body, which must be bytes offset to offset + bytes of the object with this seed. */
void wire_read_object(struct wire_client *client, const struct wire_response *response,
		      uint64_t seed, uint64_t offset, uint64_t bytes);
/* As much of the body as comes, at most bytes, all of it checked; returns how much came. */
uint64_t wire_read_some(struct wire_client *client, uint64_t seed, uint64_t offset, uint64_t bytes);
/* A short body as text. */
void wire_read_text(struct wire_client *client, struct wire_response *response);
/* The S3 error of this status and code, head and XML. */
void wire_read_error(struct wire_client *client, struct wire_response *response, int status,
		     const char *code);

/* GET of a whole object; all of the above in one. */
void wire_fetch(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes);
/* A request for target (or, with a space in it, a whole request line) that must be answered so; the
 * connection is still good afterwards, which is proved by a request for another object. */
void wire_ask_refused(struct wire_client *client, const char *method, const char *target,
		      const char *fields, int status, const char *code);

/* A new client of its own is served: the server has survived what came before. */
void wire_serves_others(const struct wire_server *server);

#endif
