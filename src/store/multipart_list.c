/* SPDX-License-Identifier: Apache-2.0 */
/* All uploads of a bucket: listing them, and removing those that are left over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/multipart_private.h"

int upload_remove_folder(const struct store_sys *sys, int private_fd, const char *name,
			 int upload_fd)
{
	struct folder_reader reader;
	const char *file;
	int r, error = 0;

	folder_reader_init(&reader, sys, upload_fd);
	while ((r = folder_read(&reader, &file)) == 1)
		if (sys->unlinkat(upload_fd, file, 0) < 0 && errno != ENOENT)
			error = -errno; /* the others all the same: parts are large */
	if (r == 0)
		r = error;
	if (r == 0 && sys->unlinkat(private_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

/* ---- Listing --------------------------------------------------------------------------------- */

static int compare_uploads(const void *a, const void *b)
{
	const struct upload *left = a, *right = b;
	int order = strcmp(left->key, right->key);
	return order != 0 ? order : strcmp(left->id, right->id);
}

static bool is_wanted(const struct upload *upload, const struct upload_query *query)
{
	int order = strcmp(upload->key, query->after_key);
	if (strncmp(upload->key, query->prefix, strlen(query->prefix)) != 0)
		return false;
	return order > 0 ||
	       (order == 0 && *query->after_id != '\0' && strcmp(upload->id, query->after_id) > 0);
}

/* An upload whose key goes on behind the delimiter becomes its common prefix. */
static void collapse(struct upload *upload, const struct upload_query *query)
{
	const char *rest = upload->key + strlen(query->prefix);
	const char *found = *query->delimiter != '\0' ? strstr(rest, query->delimiter) : NULL;

	if (found == NULL)
		return;
	upload->key[(size_t)(found - upload->key) + strlen(query->delimiter)] = '\0';
	upload->id[0] = '\0';
	upload->is_prefix = true;
}

/* Is it the upload that is bad, and not what this server lacks at the moment? Then the others are
 * listed all the same; this one goes when it is old. */
static bool is_damage(int error)
{
	return error == -EIO || error == -EBADMSG || error == -EUCLEAN || error == -EISDIR ||
	       error == -ELOOP || error == -EACCES || error == -ENXIO;
}

/* 1: *upload is one, its key malloced; 0: it is none (any more). */
static int look_at(const struct store_sys *sys, int private_fd, const char *name,
		   struct upload *upload)
{
	char info[UPLOAD_INFO_BYTES];
	struct stat st;
	size_t prefix = sizeof(UPLOAD_PREFIX) - 1;

	if (strncmp(name, UPLOAD_PREFIX, prefix) != 0 || !upload_is_id(name + prefix))
		return 0;
	int upload_fd = folder_open(sys, private_fd, name);
	int r = upload_fd < 0 ? upload_fd : 0;
	if (r == 0)
		r = (int)upload_read_info(sys, upload_fd, info);
	if (r >= 0 && sys->fstatat(upload_fd, "info", &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r >= 0)
		r = upload_read_plan(sys, upload_fd, &upload->plan);
	if (upload_fd >= 0)
		close(upload_fd);
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR || is_damage(r) ? 0 : r;
	memcpy(upload->id, name + prefix, UPLOAD_ID_BYTES);
	upload->begun = st.st_mtim.tv_sec;
	upload->is_prefix = false;
	upload->key = strdup(info);
	return upload->key != NULL ? 1 : -ENOMEM;
}

/* Keeps the max + 1 first, in order; a common prefix once. */
static void keep(struct upload_page *page, const struct upload *upload, unsigned max)
{
	unsigned at = page->count;

	while (at > 0 && compare_uploads(upload, &page->upload[at - 1]) < 0)
		at--;
	bool is_told =
		upload->is_prefix && at > 0 && compare_uploads(upload, &page->upload[at - 1]) == 0;
	if (at > max || is_told) {
		free(upload->key);
		return;
	}
	if (page->count > max)
		free(page->upload[--page->count].key);
	memmove(&page->upload[at + 1], &page->upload[at],
		(page->count - at) * sizeof(*page->upload));
	page->upload[at] = *upload;
	page->count++;
}

/* 0 or a negative errno. */
static int take(const struct store_sys *sys, int private_fd, const char *name,
		const struct upload_query *query, struct upload_page *page)
{
	struct upload upload;
	int r = look_at(sys, private_fd, name, &upload);

	if (r <= 0)
		return r;
	bool is_in = is_wanted(&upload, query);
	if (is_in)
		collapse(&upload, query);
	if (is_in && (!upload.is_prefix || strcmp(upload.key, query->after_key) != 0))
		keep(page, &upload, query->max);
	else
		free(upload.key);
	return 0;
}

int upload_list(const struct store_sys *sys, int root_fd, const char *bucket,
		const struct upload_query *query, struct upload_page *page)
{
	struct folder_reader reader;
	const char *name;

	*page = (struct upload_page){.upload = calloc(query->max + 2, sizeof(*page->upload))};
	if (page->upload == NULL)
		return -ENOMEM;
	int private_fd = upload_open_private(sys, root_fd, bucket);
	if (private_fd < 0)
		return private_fd == -ENOENT ? 0 : private_fd;
	folder_reader_init(&reader, sys, private_fd);
	int r = folder_read(&reader, &name);
	while (r == 1) {
		r = take(sys, private_fd, name, query, page);
		if (r == 0)
			r = folder_read(&reader, &name);
	}
	close(private_fd);
	if (page->count > query->max) {
		page->is_truncated = true;
		free(page->upload[--page->count].key);
	}
	return r;
}

void upload_page_fini(struct upload_page *page)
{
	for (unsigned i = 0; i < page->count; i++)
		free(page->upload[i].key);
	free(page->upload);
	*page = (struct upload_page){0};
}

/* ---- What is left over ----------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

/* Locks it against whoever makes it (the folder) or ends it (info, in it). A descriptor; -ENOENT:
 * there is nothing to lock; -EWOULDBLOCK: it is in use; or another negative errno. */
static int lock_idle(const struct store_sys *sys, int private_fd, const char *name, bool is_young)
{
	char path[UPLOAD_NAME_BYTES + sizeof("/info")];

	snprintf(path, sizeof(path), is_young ? "%s" : "%s/info", name);
	return folder_try_lock(sys, private_fd, path);
}

int upload_is_in_use(const struct store_sys *sys, int private_fd, const char *name)
{
	if (!begins_with(name, UPLOAD_PREFIX) || strlen(name) >= UPLOAD_NAME_BYTES)
		return 0;
	int fd = lock_idle(sys, private_fd, name, false);
	if (fd >= 0)
		close(fd);
	return fd == -EWOULDBLOCK ? 1 : fd >= 0 || fd == -ENOENT || fd == -ELOOP ? 0 : fd;
}

static int rename_in(const struct store_sys *sys, int private_fd, const char *from, const char *to)
{
	return sys->renameat(private_fd, from, private_fd, to) < 0 ? -errno : 0;
}

/* Was the folder touched since before, as each part does that comes? 1, 0 or a negative errno. */
static int is_touched(const struct store_sys *sys, int private_fd, const char *name, time_t before)
{
	struct stat st;
	if (sys->fstatat(private_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return st.st_mtim.tv_sec >= before;
}

/* An upload of this name, which is locked, is put out of sight; and when no part can find it any
 * more, but one that came before has touched it, back. 0: it has the name gone; -EBUSY: it is in
 * use; or another negative errno. A sweep that dies here leaves it hidden, to the next. */
static int retire_old(const struct store_sys *sys, int private_fd, const char *name,
		      const char *gone, time_t before)
{
	const char *id = strchr(name, '-') + 1;
	char hidden[UPLOAD_NAME_BYTES], back[UPLOAD_NAME_BYTES];

	snprintf(hidden, sizeof(hidden), UPLOAD_HIDDEN_PREFIX "%s", id);
	snprintf(back, sizeof(back), UPLOAD_PREFIX "%s", id);
	if (strcmp(name, hidden) != 0) {
		int r = is_touched(sys, private_fd, name, before);
		if (r == 0)
			r = rename_in(sys, private_fd, name, hidden);
		if (r != 0)
			return r < 0 ? r : -EBUSY;
	}
	int touched = is_touched(sys, private_fd, hidden, before);
	int r = rename_in(sys, private_fd, hidden, touched == 0 ? gone : back);
	return r < 0 ? r : touched < 0 ? touched : touched == 0 ? 0 : -EBUSY;
}

/* 1: removed; 0: not due; or a negative errno. */
static int sweep_one(const struct store_sys *sys, int private_fd, const char *name, time_t before)
{
	char gone[UPLOAD_NAME_BYTES];
	struct stat st;

	bool is_gone = begins_with(name, UPLOAD_GONE_PREFIX);
	bool is_young = begins_with(name, UPLOAD_YOUNG_PREFIX);
	bool is_hidden = begins_with(name, UPLOAD_HIDDEN_PREFIX);
	if (strlen(name) >= sizeof(gone) ||
	    (!is_gone && !is_young && !is_hidden && !begins_with(name, UPLOAD_PREFIX)))
		return 0;
	if (sys->fstatat(private_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	bool is_due = is_gone || is_young || is_hidden || st.st_mtim.tv_sec < before;
	if (!S_ISDIR(st.st_mode) || !is_due)
		return 0;
	snprintf(gone, sizeof(gone), UPLOAD_GONE_PREFIX "%s", strchr(name, '-') + 1);
	if (!is_gone) {
		int lock_fd = lock_idle(sys, private_fd, name, is_young);
		if (lock_fd == -EWOULDBLOCK || (lock_fd == -ENOENT && is_young))
			return 0; /* in use; or it has its right name by now */
		if (lock_fd < 0 && lock_fd != -ENOENT && lock_fd != -ELOOP)
			return lock_fd;
		int r = is_young ? rename_in(sys, private_fd, name, gone)
				 : retire_old(sys, private_fd, name, gone, before);
		if (lock_fd >= 0)
			close(lock_fd);
		if (r < 0)
			return r == -ENOENT || r == -EBUSY ? 0 : r;
	}
	int upload_fd = folder_open(sys, private_fd, gone);
	int r = upload_fd < 0 ? upload_fd : upload_remove_folder(sys, private_fd, gone, upload_fd);
	if (upload_fd >= 0)
		close(upload_fd);
	return r == -ENOENT ? 0 : r < 0 ? r : 1; /* another was faster */
}

int upload_sweep(const struct store_sys *sys, int root_fd, const char *bucket, time_t before,
		 struct upload_swept *swept)
{
	struct folder_reader reader;
	const char *name;
	int r, error = 0;
	int private_fd = upload_open_private(sys, root_fd, bucket);

	if (private_fd < 0)
		return private_fd == -ENOENT ? 0 : private_fd;
	folder_reader_init(&reader, sys, private_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		int n = sweep_one(sys, private_fd, name, before);
		if (n < 0)
			error = n;
		swept->gone += n > 0;
		swept->open += n == 0 && begins_with(name, UPLOAD_PREFIX);
	}
	close(private_fd);
	return r < 0 ? r : error;
}
