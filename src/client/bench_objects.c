/* SPDX-License-Identifier: Apache-2.0 */
/* What the target has: a listing, or the object that it names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/build_version.h"
#include "client/bench_private.h"
#include "s3/xml_list_in.h"

static void gather(void *arg, const uint8_t *data, size_t len)
{
	text_add(arg, (const char *)data, len);
}

static enum client_outcome call_failed(struct session *session, int r, char error[ERROR_TEXT_MAX])
{
	const char *authority = session->client->target.authority;
	enum client_outcome outcome = CLIENT_NETWORK;

	if (r == -ETIMEDOUT) {
		snprintf(error, ERROR_TEXT_MAX, "%s: no answer within --timeout", authority);
	} else if (r == -ECANCELED) {
		snprintf(error, ERROR_TEXT_MAX, "%s: interrupted", authority);
		outcome = CLIENT_ERROR;
	} else {
		snprintf(error, ERROR_TEXT_MAX, "%s: %s", authority, session->failure_text);
		outcome = session_outcome(session->failure);
	}
	session_close(session);
	return outcome;
}

enum client_outcome bench_call(struct session *session, const char *method, const char *path,
			       struct text *body, unsigned timeout_ms, char error[ERROR_TEXT_MAX])
{
	char head[BENCH_HEAD_BYTES + 4 * OBJECT_KEY_BYTES_MAX];
	struct session_request request = {.head = head,
					  .is_head = strcmp(method, "HEAD") == 0,
					  .sink = body != NULL ? gather : NULL,
					  .arg = body};
	int r = 0;

	int n = snprintf(head, sizeof(head),
			 "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sluice/%s\r\n\r\n", method,
			 path, session->client->target.authority, build_version());
	if (n < 0 || (size_t)n >= sizeof(head)) {
		snprintf(error, ERROR_TEXT_MAX, "the path is too long");
		return CLIENT_ERROR;
	}
	request.head_bytes = (size_t)n;
	if (session->state == SESSION_CLOSED) {
		r = session_open(session);
		if (r == 0)
			r = session_wait(session, timeout_ms);
	}
	if (r == 0) {
		session_ask(session, &request);
		r = session_wait(session, timeout_ms);
	}
	if (r < 0)
		return call_failed(session, r, error);
	if (session->is_last)
		session_close(session);
	return CLIENT_OK;
}

static int add(struct bench_objects *objects, const struct target *target, char *key,
	       uint64_t bytes)
{
	struct text path;

	text_init(&path, BENCH_HEAD_BYTES);
	text_put(&path, "/");
	target_put_encoded(&path, target->bucket, false);
	text_put(&path, "/");
	target_put_encoded(&path, key, false);
	text_add(&path, "", 1);
	if (path.error != 0) {
		text_fini(&path);
		free(key);
		return path.error;
	}
	objects->object[objects->count] = (struct bench_object){.key = key, .bytes = bytes};
	objects->path[objects->count++] = path.at;
	objects->bytes += bytes;
	return 0;
}

static int make_room(struct bench_objects *objects, unsigned count)
{
	objects->object = calloc(count, sizeof(*objects->object));
	objects->path = (char **)calloc(count, sizeof(*objects->path));
	return objects->object != NULL && objects->path != NULL ? 0 : -ENOMEM;
}

/* Keys change hands. */
static int take_list(struct bench_objects *objects, const struct target *target,
		     struct xml_list *list)
{
	int r = make_room(objects, list->count);

	for (unsigned i = 0; r == 0 && i < list->count; i++) {
		r = add(objects, target, list->object[i].key, list->object[i].bytes);
		list->object[i].key = NULL;
	}
	return r;
}

static void put_list_path(struct text *path, const struct target *target, const char *token)
{
	text_put(path, "/");
	target_put_encoded(path, target->bucket, false);
	text_put(path, "/?list-type=2&encoding-type=url&prefix=");
	target_put_encoded(path, target->prefix, true);
	if (token[0] != '\0') {
		text_put(path, "&continuation-token=");
		target_put_encoded(path, token, true);
	}
	text_add(path, "", 1);
}

/* CLIENT_OK and *status: 200 with the pages in list, or another, or 0: it is no listing. */
static enum client_outcome list_all(struct session *session, struct xml_list *list,
				    unsigned timeout_ms, int *status, char error[ERROR_TEXT_MAX])
{
	struct text path, body;
	enum client_outcome outcome;

	text_init(&path, 8 * OBJECT_KEY_BYTES_MAX);
	text_init(&body, ANSWER_TEXT_BYTES_MAX);
	do {
		path.len = body.len = 0;
		put_list_path(&path, &session->client->target, list->token);
		outcome = path.error == 0
				  ? bench_call(session, "GET", path.at, &body, timeout_ms, error)
				  : CLIENT_ERROR;
		*status = session->response.status;
		if (outcome != CLIENT_OK || *status != 200)
			break;
		if (body.error != 0 ||
		    xml_list_parse(list, body.at != NULL ? body.at : "", body.len) < 0)
			*status = 0;
	} while (*status == 200 && list->is_truncated && list->token[0] != '\0' &&
		 list->count < BENCH_OBJECTS_MAX);
	text_fini(&path);
	text_fini(&body);
	return outcome;
}

static enum client_outcome status_outcome(int status, const struct target *target,
					  char error[ERROR_TEXT_MAX])
{
	snprintf(error, ERROR_TEXT_MAX, "%.200s/%s%s%.200s: the server answers %d",
		 target->authority, target->bucket, target->prefix[0] != '\0' ? "/" : "",
		 target->prefix, status);
	return client_outcome_of_status(status);
}

/* The target as one object: what a server without listings has. */
static enum client_outcome take_one(struct bench_objects *objects, struct session *session,
				    unsigned timeout_ms, char error[ERROR_TEXT_MAX])
{
	const struct target *target = &session->client->target;
	char *key = make_room(objects, 1) == 0 ? strdup(target->prefix) : NULL;

	if (key == NULL || add(objects, target, key, 0) < 0) {
		snprintf(error, ERROR_TEXT_MAX, "no memory");
		return CLIENT_ERROR;
	}
	enum client_outcome outcome =
		bench_call(session, "HEAD", objects->path[0], NULL, timeout_ms, error);
	if (outcome != CLIENT_OK)
		return outcome;
	if (session->response.status != 200)
		return status_outcome(session->response.status, target, error);
	objects->bytes = objects->object[0].bytes = session->response.content_length;
	return CLIENT_OK;
}

enum client_outcome bench_objects_find(struct bench_objects *objects, struct client *client,
				       unsigned timeout_ms, char error[ERROR_TEXT_MAX])
{
	struct session *session = malloc(sizeof(*session));
	struct xml_list list = {0};
	int status = 0;

	*objects = (struct bench_objects){0};
	if (session == NULL) {
		snprintf(error, ERROR_TEXT_MAX, "no memory");
		return CLIENT_ERROR;
	}
	session_init(session, client);
	enum client_outcome outcome = list_all(session, &list, timeout_ms, &status, error);
	if (outcome == CLIENT_OK && status == 200 && list.count > 0) {
		if (take_list(objects, &client->target, &list) < 0) {
			snprintf(error, ERROR_TEXT_MAX, "no memory");
			outcome = CLIENT_ERROR;
		}
	} else if (outcome == CLIENT_OK && client->target.prefix[0] != '\0') {
		outcome = take_one(objects, session, timeout_ms, error);
	} else if (outcome == CLIENT_OK && status == 200) {
		snprintf(error, ERROR_TEXT_MAX, "%s/%s has no objects", client->target.authority,
			 client->target.bucket);
		outcome = CLIENT_NOT_FOUND;
	} else if (outcome == CLIENT_OK && status == 0) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%.200s does not list its objects as S3 does; name one: %.200s/%s/KEY",
			 client->target.authority, client->target.authority, client->target.bucket);
		outcome = CLIENT_ERROR;
	} else if (outcome == CLIENT_OK) {
		outcome = status_outcome(status, &client->target, error);
	}
	xml_list_fini(&list);
	session_close(session);
	free(session);
	return outcome;
}

void bench_objects_fini(struct bench_objects *objects)
{
	for (unsigned i = 0; i < objects->count; i++) {
		free(objects->object[i].key);
		free(objects->path[i]);
	}
	free(objects->object);
	free((void *)objects->path);
	*objects = (struct bench_objects){0};
}
