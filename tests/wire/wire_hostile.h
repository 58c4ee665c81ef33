/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many hostile requests to one server: each with the answers that it must get, and what becomes of
 * the connection. One connection carries on as long as the rows say that it does, so thousands of
 * rows take seconds; what a row gets wrong is told with its place, and the next row goes on.
 *
 *	struct hostile hostile = {0};
 *	hostile_begin(&hostile);
 *	hostile_file(&hostile, "length");
 *	hostile_end(&hostile);
 *
 * An outcome is a list of answers, and at its end what follows them:
 *
 *	400 BadRequest close    one answer with this status and this Code in its XML; it says
 *	                        "Connection: close", and nothing but close_notify comes behind it
 *	404 NoSuchKey keep      ... and the next request on the connection is served as ever
 *	200, 404 NoSuchKey keep two answers: the bytes were two requests, no more and no fewer
 *	404 - keep              an answer without its body (to HEAD)
 *	100, 200 keep           "100 Continue", then the answer
 *	gone                    no answer: the client ends the connection, and so does the server
 */
#ifndef SLUICE_TESTS_WIRE_HOSTILE_H
#define SLUICE_TESTS_WIRE_HOSTILE_H

#include "base/text.h"
#include "wire/wire.h"

#define HOSTILE_UPLOAD_BYTES 64

struct hostile {
	struct wire_server server;
	struct wire_client client;
	bool is_connected;
	unsigned rows;   /* seen */
	unsigned asked;  /* ... and asked: in the guest one in many */
	unsigned wrong;  /* ... and not answered as they should be */
	unsigned stride; /* 1: every row is asked */
	/* An upload of the key data/upload with the part 1, for rows that need a true one. */
	char upload_id[HOSTILE_UPLOAD_BYTES];
	char part_etag[WIRE_VALUE_MAX];
};

/* A writable server whose bucket "data" holds size-1, size-100, a/b and the upload. */
void hostile_begin(struct hostile *hostile);
/* All rows of tests/wire/hostile/NAME.txt, whose form hostile/README.md tells. */
void hostile_file(struct hostile *hostile, const char *name);
/*
 * One row. where: for messages, where it stands. The request is sent in as many pieces as split
 * says: 0 whole, n: its first n bytes and then the rest, SPLIT_EVERY_BYTE.
 */
#define SPLIT_EVERY_BYTE SIZE_MAX
void hostile_ask(struct hostile *hostile, const char *where, const struct text *request,
		 size_t split, const char *outcome);
/* A row that is there, and not asked. */
void hostile_pass(struct hostile *hostile);
/* Fails the test if a row was wrong; says how many there were; stops the server. */
void hostile_end(struct hostile *hostile);

/* Appends text with its escapes replaced: \r \n \t \0 \s (space) \e (nothing) \\ \~ \# \| \= \xHH,
 * ${x*N}: N times x, ${length}: of the body, and others that hostile/README.md lists. */
void hostile_expand(const struct hostile *hostile, struct text *out, const char *text, size_t len,
		    size_t body_bytes);

#endif
