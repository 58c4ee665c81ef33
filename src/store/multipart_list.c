/* SPDX-License-Identifier: Apache-2.0 */
/* All uploads of a bucket: listing them, and removing those that are left over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/multipart_private.h"

int upload_remove_folder(const struct store_sys *sys, int private_fd, const char *name,
			 int upload_fd)
{
	struct folder_reader reader;
	const char *file;

	folder_reader_init(&reader, sys, upload_fd);
	int r = folder_read(&reader, &file);
	for (; r == 1; r = folder_read(&reader, &file)) {
		if (sys->unlinkat(upload_fd, file, 0) < 0 && errno != ENOENT) {
			r = -errno;
			break;
		}
	}
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

static bool is_wanted(const struct upload *upload, const char *prefix, const char *after_key,
		      const char *after_id)
{
	int order = strcmp(upload->key, after_key);
	if (strncmp(upload->key, prefix, strlen(prefix)) != 0)
		return false;
	return order > 0 || (order == 0 && *after_id != '\0' && strcmp(upload->id, after_id) > 0);
}

/* 1: *upload is one, its key malloced; 0: it is none (any more). */
static int look_at(const struct store_sys *sys, int private_fd, const char *name,
		   struct upload *upload)
{
	char info[UPLOAD_INFO_BYTES];
	struct stat st;
	size_t prefix = sizeof(UPLOAD_PREFIX) - 1;

	if (strncmp(name, UPLOAD_PREFIX, prefix) != 0 ||
	    strlen(name + prefix) != UPLOAD_ID_BYTES - 1)
		return 0;
	int upload_fd = folder_open(sys, private_fd, name);
	if (upload_fd < 0)
		return upload_fd == -ENOENT || upload_fd == -ENOTDIR ? 0 : upload_fd;
	ssize_t n = upload_read_info(sys, upload_fd, info);
	int r = n == -ENOENT ? 0 : n < 0 ? (int)n : 1;
	if (r == 1 && sys->fstatat(upload_fd, "info", &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = errno == ENOENT ? 0 : -errno;
	close(upload_fd);
	if (r != 1)
		return r;
	memcpy(upload->id, name + prefix, UPLOAD_ID_BYTES);
	upload->begun = st.st_mtim.tv_sec;
	upload->key = strdup(info);
	return upload->key != NULL ? 1 : -ENOMEM;
}

/* Keeps the max + 1 first, in order. */
static void keep(struct upload_page *page, const struct upload *upload, unsigned max)
{
	unsigned at = page->count;

	while (at > 0 && compare_uploads(upload, &page->upload[at - 1]) < 0)
		at--;
	if (at > max) {
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

int upload_list(const struct store_sys *sys, int root_fd, const char *bucket, const char *prefix,
		const char *after_key, const char *after_id, unsigned max, struct upload_page *page)
{
	struct folder_reader reader;
	const char *name;

	*page = (struct upload_page){.upload = calloc(max + 2, sizeof(*page->upload))};
	if (page->upload == NULL)
		return -ENOMEM;
	int private_fd = upload_open_private(sys, root_fd, bucket);
	if (private_fd < 0)
		return private_fd == -ENOENT ? 0 : private_fd;
	folder_reader_init(&reader, sys, private_fd);
	int r = folder_read(&reader, &name);
	for (; r == 1; r = folder_read(&reader, &name)) {
		struct upload upload;
		int n = look_at(sys, private_fd, name, &upload);
		if (n < 0) {
			r = n;
			break;
		}
		if (n == 1 && is_wanted(&upload, prefix, after_key, after_id))
			keep(page, &upload, max);
		else if (n == 1)
			free(upload.key);
	}
	close(private_fd);
	if (page->count > max) {
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
	int fd = folder_open_file(sys, private_fd, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd >= 0 && sys->flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* 1: removed; 0: not due; or a negative errno. A part that comes in touches the folder. */
static int sweep_one(const struct store_sys *sys, int private_fd, const char *name, time_t before)
{
	char gone[UPLOAD_NAME_BYTES];
	struct stat st;

	bool is_gone = begins_with(name, UPLOAD_GONE_PREFIX);
	bool is_young = begins_with(name, UPLOAD_YOUNG_PREFIX);
	if (strlen(name) >= sizeof(gone) ||
	    (!is_gone && !is_young && !begins_with(name, UPLOAD_PREFIX)))
		return 0;
	if (sys->fstatat(private_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode) || (!is_gone && !is_young && st.st_mtim.tv_sec >= before))
		return 0;
	snprintf(gone, sizeof(gone), UPLOAD_GONE_PREFIX "%s", strchr(name, '-') + 1);
	if (!is_gone) {
		int lock_fd = lock_idle(sys, private_fd, name, is_young);
		if (lock_fd == -EWOULDBLOCK || (lock_fd == -ENOENT && is_young))
			return 0; /* in use; or it has its right name by now */
		if (lock_fd < 0 && lock_fd != -ENOENT)
			return lock_fd;
		int r = sys->renameat(private_fd, name, private_fd, gone) < 0 ? -errno : 0;
		if (lock_fd >= 0)
			close(lock_fd);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
	}
	int upload_fd = folder_open(sys, private_fd, gone);
	int r = upload_fd < 0 ? upload_fd : upload_remove_folder(sys, private_fd, gone, upload_fd);
	if (upload_fd >= 0)
		close(upload_fd);
	return r == -ENOENT ? 0 : r < 0 ? r : 1; /* another was faster */
}

int upload_sweep(const struct store_sys *sys, int root_fd, const char *bucket, time_t before)
{
	struct folder_reader reader;
	const char *name;
	int r, error = 0, count = 0;
	int private_fd = upload_open_private(sys, root_fd, bucket);

	if (private_fd < 0)
		return private_fd == -ENOENT ? 0 : private_fd;
	folder_reader_init(&reader, sys, private_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		int n = sweep_one(sys, private_fd, name, before);
		if (n < 0)
			error = n; /* the others all the same */
		count += n > 0;
	}
	close(private_fd);
	return r < 0 ? r : error < 0 ? error : count;
}
