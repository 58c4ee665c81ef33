/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk in depth. At each folder the names are collected that come next, at most
 * a batch of them, by one pass over the folder; a batch that was full is followed
 * by another pass from its last name on.
 *
 * Names of folders carry their '/' here, so that names compare as keys do.
 */
#include "store/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "base/utf8.h"
#include "store/folder.h"
#include "store/names.h"

/* Names kept of one folder: a page of them near the top, where folders are wide; fewer further
 * down, so that a deep tree does not hold a page for each of 500 levels. */
#define WIDE_LEVELS    4
#define DEEP_BATCH_MAX 64
#define DENTS_BYTES    32768
#define NAME_BYTES     (KEY_COMPONENT_BYTES_MAX + 2) /* with '/' and NUL */

struct batch {
	char (*slot)[NAME_BYTES];
	char **heap; /* of slots; greatest first while it is filled, then sorted */
	unsigned count;
	unsigned max;
};

struct walk {
	const struct store_sys *sys;
	const struct list_query *query;
	struct list_page *page;
	size_t prefix_len;
	char path[OBJECT_KEY_BYTES_MAX + NAME_BYTES + 1]; /* of the folder: "", or ends in '/' */
	size_t path_len;
	unsigned level;
	bool is_probe;      /* looks for one object, anywhere below */
	struct walk *probe; /* made when it is needed */
	struct list_query probe_query;
	char dents[DENTS_BYTES] __attribute__((aligned(8)));
};

/* One entry of a folder. */
enum kind { KIND_NEITHER, KIND_FILE, KIND_FOLDER };

#define WALK_ENDS 1 /* the page is full, and there is more */

/* ---- Batches --------------------------------------------------------------------------------- */

static int batch_init(struct batch *batch, unsigned max)
{
	*batch = (struct batch){.max = max};
	batch->slot = calloc(max, sizeof(*batch->slot));
	batch->heap = calloc(max, sizeof(*batch->heap));
	return batch->slot != NULL && batch->heap != NULL ? 0 : -ENOMEM;
}

static void batch_fini(struct batch *batch)
{
	free(batch->slot);
	free(batch->heap);
}

static void sift_down(struct batch *batch)
{
	for (unsigned at = 0, child; (child = 2 * at + 1) < batch->count; at = child) {
		char **heap = batch->heap, *swap = heap[at];
		if (child + 1 < batch->count && strcmp(heap[child + 1], heap[child]) > 0)
			child++;
		if (strcmp(swap, heap[child]) >= 0)
			return;
		heap[at] = heap[child];
		heap[child] = swap;
	}
}

static void sift_up(struct batch *batch)
{
	for (unsigned at = batch->count - 1; at > 0;) {
		unsigned parent = (at - 1) / 2;
		char **heap = batch->heap, *swap = heap[at];
		if (strcmp(swap, heap[parent]) <= 0)
			return;
		heap[at] = heap[parent];
		heap[parent] = swap;
		at = parent;
	}
}

static void copy_text(char *out, const char *text)
{
	memcpy(out, text, strlen(text) + 1);
}

/* Keeps name if it is among the smallest. */
static void batch_offer(struct batch *batch, const char *name)
{
	if (batch->count < batch->max) {
		char *slot = batch->slot[batch->count];
		copy_text(slot, name);
		batch->heap[batch->count++] = slot;
		sift_up(batch);
	} else if (strcmp(name, batch->heap[0]) < 0) {
		copy_text(batch->heap[0], name);
		sift_down(batch);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- What is wanted -------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

/* The length of the common prefix that key (or every key that begins with it) is in; 0: none. */
static size_t common_prefix_len(const struct walk *walk, const char *key)
{
	const char *delimiter = walk->query->delimiter;
	if (*delimiter == '\0' || strlen(key) < walk->prefix_len)
		return 0;
	const char *at = strstr(key + walk->prefix_len, delimiter);
	return at != NULL ? (size_t)(at - key) + strlen(delimiter) : 0;
}

/* Can something that begins with this folder's key be wanted? */
static bool is_folder_wanted(const struct walk *walk, const char *key)
{
	const struct list_query *query = walk->query;
	if (!begins_with(key, query->prefix) && !begins_with(query->prefix, key))
		return false;
	return strcmp(key, query->after) > 0 || begins_with(query->after, key);
}

static bool is_file_wanted(const struct walk *walk, const char *key)
{
	return begins_with(key, walk->query->prefix) && strcmp(key, walk->query->after) > 0;
}

/* ---- Folders --------------------------------------------------------------------------------- */

static enum kind kind_of(const struct walk *walk, int dir_fd, const char *name, unsigned char type)
{
	struct stat st;
	if (type == DT_REG || type == DT_DIR)
		return type == DT_REG ? KIND_FILE : KIND_FOLDER;
	if (type != DT_UNKNOWN || walk->sys->fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return KIND_NEITHER;
	return S_ISREG(st.st_mode) ? KIND_FILE : S_ISDIR(st.st_mode) ? KIND_FOLDER : KIND_NEITHER;
}

static bool is_hidden(const struct walk *walk, const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       (walk->path_len == 0 && strcmp(name, STORE_PRIVATE) == 0);
}

/* Offers one entry of the folder to the batch, if it can matter. floor: only names greater. True:
 * it is an object of the query. */
static bool offer(struct walk *walk, int dir_fd, const struct dirent64 *entry, const char *floor,
		  struct batch *batch)
{
	char *name = walk->path + walk->path_len; /* for the comparisons, behind the path */
	size_t len = strlen(entry->d_name);

	if (len > KEY_COMPONENT_BYTES_MAX || is_hidden(walk, entry->d_name))
		return false;
	memcpy(name, entry->d_name, len + 1);
	enum kind kind = kind_of(walk, dir_fd, entry->d_name, entry->d_type);
	if (kind == KIND_FOLDER)
		memcpy(name + len++, "/", 2);
	bool is_wanted = kind == KIND_FOLDER ? is_folder_wanted(walk, walk->path)
			 : kind == KIND_FILE ? is_file_wanted(walk, walk->path)
					     : false;
	is_wanted = is_wanted && utf8_is_valid(name, strlen(name)) &&
		    walk->path_len + len <= OBJECT_KEY_BYTES_MAX + (kind == KIND_FOLDER);
	if (is_wanted && strcmp(name, floor) > 0)
		batch_offer(batch, name);
	*name = '\0';
	return is_wanted && kind == KIND_FILE;
}

/* Fills the batch with the smallest names greater than floor. WALK_ENDS: a probe has met an object.
 */
static int read_folder(struct walk *walk, int dir_fd, const char *floor, struct batch *batch)
{
	batch->count = 0;
	if (lseek(dir_fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		ssize_t n = walk->sys->getdents64(dir_fd, walk->dents, sizeof(walk->dents));
		if (n < 0)
			return errno == ENOENT ? 0 : -errno; /* it was removed */
		if (n == 0)
			break;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(walk->dents + at);
			if (offer(walk, dir_fd, entry, floor, batch) && walk->is_probe)
				return WALK_ENDS;
			at += entry->d_reclen;
		}
	}
	if (batch->count > 0)
		qsort(batch->heap, batch->count, sizeof(*batch->heap), compare_names);
	return 0;
}

/* ---- Visits ---------------------------------------------------------------------------------- */

static int walk_folder(struct walk *walk, int dir_fd);

/* One more for the page. WALK_ENDS: it is full, so this is what makes it truncated. */
static int emit(struct walk *walk, const char *text, size_t len, struct list_entry **entry)
{
	struct list_page *page = walk->page;

	if (page->count == walk->query->max) {
		page->is_truncated = true;
		return WALK_ENDS;
	}
	*entry = &page->entry[page->count];
	**entry = (struct list_entry){.text = strndup(text, len)};
	if ((*entry)->text == NULL)
		return -ENOMEM;
	page->count++;
	return 0;
}

static int emit_prefix(struct walk *walk, size_t len)
{
	struct list_entry *entry;
	int r = emit(walk, walk->path, len, &entry);

	if (r == 0)
		entry->is_prefix = true;
	return r;
}

/* Is it not the one that the last entry was, here or on the page before? What is visited is behind
 * the position, so no other can have been told. */
static bool is_new_prefix(const struct walk *walk, const char *key, size_t len)
{
	const struct list_page *page = walk->page;
	const char *last = page->count > 0              ? page->entry[page->count - 1].text
			   : walk->query->is_after_told ? walk->query->after
							: "";
	return strncmp(key, last, len) != 0 || last[len] != '\0';
}

static int visit_file(struct walk *walk, int dir_fd, const char *name)
{
	struct list_entry *entry;
	struct facts facts;
	char etag[ETAG_BYTES];

	size_t prefix_len = common_prefix_len(walk, walk->path);
	if (prefix_len > 0)
		return is_new_prefix(walk, walk->path, prefix_len) ? emit_prefix(walk, prefix_len)
								   : 0;
	int r = facts_of_name(walk->sys, dir_fd, name, &facts);
	if (r == 0 && S_ISREG(facts.mode))
		r = version_read_name(walk->sys, dir_fd, name, &facts, etag);
	if (r == -ENOENT || (r == 0 && !S_ISREG(facts.mode)))
		return 0;
	if (r == 0)
		r = emit(walk, walk->path, strlen(walk->path), &entry);
	if (r != 0)
		return r;
	entry->size = facts.size;
	entry->modified = facts.modified.tv_sec;
	memcpy(entry->etag, etag, sizeof(etag));
	return 0;
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -EXDEV;
}

/* Into the folder of this name, whose key walk->path is. */
static int descend(struct walk *walk, int dir_fd, const char *name)
{
	size_t path_len = walk->path_len;
	int folder_fd = folder_open(walk->sys, dir_fd, name);

	if (folder_fd < 0)
		return is_gone(folder_fd) ? 0 : folder_fd;
	walk->path_len = strlen(walk->path);
	walk->level++;
	int r = walk_folder(walk, folder_fd);
	walk->level--;
	walk->path_len = path_len;
	close(folder_fd);
	return r;
}

/* Is there an object in this folder, at any depth, behind the position? 1, 0 or a negative errno.
 */
static int has_object(struct walk *walk, int dir_fd, const char *name)
{
	if (walk->probe == NULL)
		walk->probe = calloc(1, sizeof(*walk->probe));
	if (walk->probe == NULL)
		return -ENOMEM;
	walk->probe->sys = walk->sys;
	walk->probe_query =
		(struct list_query){.prefix = "", .delimiter = "", .after = walk->query->after};
	walk->probe->query = &walk->probe_query;
	walk->probe->is_probe = true;
	walk->probe->level = WIDE_LEVELS;
	copy_text(walk->probe->path, walk->path);
	return descend(walk->probe, dir_fd, name);
}

static int visit_folder(struct walk *walk, int dir_fd, const char *name)
{
	size_t prefix_len = common_prefix_len(walk, walk->path);

	if (prefix_len == 0)
		return descend(walk, dir_fd, name);
	if (!is_new_prefix(walk, walk->path, prefix_len))
		return 0;
	int r = has_object(walk, dir_fd, name); /* S3 has no empty folders */
	return r == 1 ? emit_prefix(walk, prefix_len) : r;
}

static int walk_folder(struct walk *walk, int dir_fd)
{
	char floor[NAME_BYTES] = "", name[NAME_BYTES];
	unsigned wanted = DEEP_BATCH_MAX;
	struct batch batch;

	if (walk->level < WIDE_LEVELS)
		wanted = walk->query->max - walk->page->count + 1;
	int r = batch_init(&batch, wanted);
	bool is_more = true;
	while (r == 0 && is_more) {
		r = read_folder(walk, dir_fd, floor, &batch);
		is_more = batch.count == batch.max;
		for (unsigned i = 0; r == 0 && i < batch.count; i++) {
			size_t len = strlen(batch.heap[i]);
			memcpy(name, batch.heap[i], len + 1);
			memcpy(walk->path + walk->path_len, name, len + 1);
			r = name[len - 1] == '/' ? visit_folder(walk, dir_fd, name)
						 : visit_file(walk, dir_fd, name);
		}
		if (is_more)
			copy_text(floor, batch.heap[batch.count - 1]);
	}
	walk->path[walk->path_len] = '\0';
	batch_fini(&batch);
	return r;
}

/* ---- The walk -------------------------------------------------------------------------------- */

/* The deepest folder that the prefix names becomes the walk's path: "a/b/c" -> "a/b/". False: no
 * key can begin so. */
static bool take_prefix(struct walk *walk)
{
	const char *prefix = walk->query->prefix, *slash = strrchr(prefix, '/');
	size_t len = slash != NULL ? (size_t)(slash - prefix) + 1 : 0;
	char name[KEY_COMPONENT_BYTES_MAX + 1];

	if (strlen(prefix) > OBJECT_KEY_BYTES_MAX || store_key_is_private(prefix))
		return false;
	memcpy(walk->path, prefix, len);
	walk->path[len] = '\0';
	walk->path_len = len;
	for (const char *at = walk->path; *at != '\0';) {
		size_t bytes = strcspn(at, "/");
		if (bytes == 0 || bytes > KEY_COMPONENT_BYTES_MAX)
			return false;
		memcpy(name, at, bytes);
		name[bytes] = '\0';
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return false;
		at += bytes + 1;
	}
	return true;
}

static int walk_bucket(struct walk *walk, int bucket_fd)
{
	if (walk->query->max == 0 || !take_prefix(walk))
		return 0;
	int dir_fd = folder_open(walk->sys, bucket_fd, walk->path_len > 0 ? walk->path : ".");
	if (dir_fd < 0)
		return is_gone(dir_fd) ? 0 : dir_fd;
	int r = walk_folder(walk, dir_fd);
	close(dir_fd);
	return r == WALK_ENDS ? 0 : r;
}

int list_run(const struct store_sys *sys, int root_fd, const char *bucket,
	     const struct list_query *query, struct list_page *page)
{
	must(query->max <= LIST_PAGE_MAX);
	*page = (struct list_page){0};
	int bucket_fd = folder_open(sys, root_fd, bucket);
	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	struct walk *walk = calloc(1, sizeof(*walk));
	int r = -ENOMEM;
	page->entry = calloc(query->max + 1, sizeof(*page->entry));
	if (walk != NULL && page->entry != NULL) {
		walk->sys = sys;
		walk->query = query;
		walk->page = page;
		walk->prefix_len = strlen(query->prefix);
		r = walk_bucket(walk, bucket_fd);
		free(walk->probe);
	}
	free(walk);
	close(bucket_fd);
	if (r < 0)
		list_fini(page);
	return r;
}

void list_fini(struct list_page *page)
{
	for (unsigned i = 0; page->entry != NULL && i < page->count; i++)
		free(page->entry[i].text);
	free(page->entry);
	*page = (struct list_page){0};
}
