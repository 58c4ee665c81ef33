/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a server that may refuse it: objects, multipart uploads, and what is left of those
 * that failed. The bucket is "data", of a server with a root of its own (wire_server_root).
 */
#ifndef SLUICE_TESTS_WIRE_PUT_H
#define SLUICE_TESTS_WIRE_PUT_H

#include "wire/wire_http.h"

#define WIRE_MIB        (1024ull * 1024)

/* How often to look for what a server does after its answer. */
#define WIRE_POLL_MS    5
#define WIRE_PATH_BYTES (PATH_MAX + 64)

/* A server that may be written to, and a connection to it. Its end: wire_disconnect,
 * wire_server_stop. */
void wire_put_start(struct wire_server *server, struct wire_client *client);

/* ---- Objects -------------------------------------------------------------------------------- */

/* A PUT whose body is the object of this seed; is_chunked: without saying its length. */
void wire_put_send(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes,
		   bool is_chunked);
/* The same, and the head of the answer. */
void wire_put(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes,
	      struct wire_response *response);
/* It must be answered 200. */
void wire_put_well(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes);
/* It must be answered so, over a connection of its own, which the server then ends: the body is
 * longer than what it drops. */
void wire_put_refused(const struct wire_server *server, const char *target, bool is_chunked,
		      int status, const char *code);

/* A request without a body, which must be answered so; the connection stays. */
void wire_ask_fails(struct wire_client *client, const char *method, const char *target,
		    const char *fields, int status, const char *code);
void wire_is_absent(struct wire_client *client, const char *target);
/* A request and its answer as text, which is response->text. */
const char *wire_ask_text(struct wire_client *client, const char *method, const char *target,
			  const char *fields, struct wire_response *response);
/* How often word is in text. */
unsigned wire_count(const char *text, const char *word);
/* The bucket's listing has so many keys. */
void wire_lists(struct wire_client *client, unsigned keys);

/* ---- Multipart ------------------------------------------------------------------------------ */

struct wire_upload {
	char query[64]; /* uploadId=... */
	char target[128];
	char part[2][192]; /* targets */
	char xml[512];     /* of the completion */
};

/* CreateMultipartUpload for the object of this target. */
void wire_upload_begin(struct wire_client *client, struct wire_upload *upload, const char *target);
/* Two parts of these sizes; the first has seed 1, the second 2. */
void wire_upload_fill(struct wire_client *client, struct wire_upload *upload,
		      const uint64_t bytes[2]);
/* ListParts has so many. */
void wire_upload_has(struct wire_client *client, const struct wire_upload *upload, unsigned parts);
/* CompleteMultipartUpload of what wire_upload_fill has sent, and the head of the answer. */
void wire_upload_complete(struct wire_client *client, const struct wire_upload *upload,
			  struct wire_response *response);
/* The object is those two parts. */
void wire_upload_is_object(struct wire_client *client, const char *target, const uint64_t bytes[2]);

/* ---- What is left --------------------------------------------------------------------------- */

/* Entries of the bucket's private folder; not those of uploads that can be gone on with. */
unsigned wire_leftovers(const struct wire_server *server);

#endif
