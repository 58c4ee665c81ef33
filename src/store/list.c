/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk in depth, on a stack of its own: a key may have 512 levels, a thread a small stack and a
 * process few descriptors. At each folder the names are collected that come next, at most
 * a batch of them, by one pass over the folder; a batch that was full is followed
 * by another pass from its last name on. Only the deepest few folders are open; one further up is
 * opened again, by its path, when the walk comes back to it and needs it.
 *
 * Names of folders carry their '/' here, and the marker of the folder is "", so that names compare
 * as keys do.
 */
#include "store/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/must.h"
#include "base/utf8.h"
#include "store/folder.h"
#include "store/list_batch.h"
#include "store/names.h"

/* Names kept of one folder: a page of them near the top, where folders are wide; fewer further
 * down, so that a deep tree does not hold a page for each of 500 levels. */
#define WIDE_LEVELS    4
#define DEEP_BATCH_MAX 64
/* Folders on the way down to a key, the bucket's too: "a/a/..." has one for each two bytes. */
#define LEVELS_MAX     (OBJECT_KEY_BYTES_MAX / 2 + 2)
/* Open folders of a walk and of its probe; with the bucket's, eight descriptors a listing. Enough
 * for most trees to be read without opening any folder twice. */
#define WALK_OPEN_MAX  4
#define PROBE_OPEN_MAX 3
#define DENTS_BYTES    32768

/* A folder that the walk is in. */
struct level {
	int dir_fd;       /* -1: closed, to be opened again when it is needed */
	size_t path_len;  /* of its path, in walk->path */
	char *names;      /* of its batch, in order, a NUL behind each; malloced */
	const char *next; /* in names: to be visited */
	const char *last; /* in names: the greatest; NULL: none was read yet */
	unsigned left;    /* names from next on */
	bool is_more;     /* there may be names greater than last */
};

struct walk {
	const struct store_sys *sys;
	const struct list_query *query;
	struct list_page *page;
	int bucket_fd; /* borrowed */
	size_t prefix_len;
	char path[OBJECT_KEY_BYTES_MAX + LIST_NAME_BYTES +
		  1]; /* of the folder: "", or ends in '/' */
	size_t path_len;
	struct level level[LEVELS_MAX];
	unsigned depth;     /* levels; the last is the folder */
	unsigned open_from; /* levels before it are closed */
	unsigned open_max;  /* levels that may be open */
	unsigned wide;      /* levels with batches of a page */
	const char *told;   /* told_prefix, for one pass over a folder */
	size_t told_len;
	struct list_batch batch; /* of the folder that is read */
	bool is_probe;           /* looks for one object, anywhere below */
	struct walk *probe;      /* made when it is needed */
	struct list_query probe_query;
	char dents[DENTS_BYTES] __attribute__((aligned(8)));
};

/* One entry of a folder. */
enum kind { KIND_NEITHER, KIND_FILE, KIND_FOLDER };

#define WALK_ENDS 1 /* the page is full, and there is more */

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

static bool is_hidden(const char *name)
{
	if (name[0] != '.') /* as most */
		return false;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       strcasecmp(name, STORE_PRIVATE) == 0 ||
	       (strcasecmp(name, STORE_MARKER) == 0 && strcmp(name, STORE_MARKER) != 0);
}

/* Offers one entry of the folder to the batch, if it can matter. floor: only names greater, NULL:
 * all. True: it is an object of the query. */
static bool offer(struct walk *walk, int dir_fd, const struct dirent64 *entry, const char *floor)
{
	char *name = walk->path + walk->path_len; /* for the comparisons, behind the path */
	size_t len = strlen(entry->d_name);

	if (len > KEY_COMPONENT_BYTES_MAX || is_hidden(entry->d_name))
		return false;
	enum kind kind = kind_of(walk, dir_fd, entry->d_name, entry->d_type);
	if (entry->d_name[0] == '.' &&
	    strcmp(entry->d_name, STORE_MARKER) == 0) { /* its key is the folder's */
		if (kind != KIND_FILE || walk->path_len == 0)
			return false;
		len = 0;
	}
	memcpy(name, entry->d_name, len);
	name[len] = '\0';
	if (kind == KIND_FOLDER)
		memcpy(name + len++, "/", 2);
	bool is_wanted = kind == KIND_FOLDER ? is_folder_wanted(walk, walk->path)
			 : kind == KIND_FILE ? is_file_wanted(walk, walk->path)
					     : false;
	if (walk->told_len > 0 && strncmp(walk->path, walk->told, walk->told_len) == 0)
		is_wanted = false;
	is_wanted = is_wanted && utf8_is_valid(name, strlen(name)) &&
		    walk->path_len + len <= OBJECT_KEY_BYTES_MAX + (kind == KIND_FOLDER);
	if (is_wanted && (floor == NULL || strcmp(name, floor) > 0))
		list_batch_offer(&walk->batch, name);
	*name = '\0';
	return is_wanted && kind == KIND_FILE;
}

/* The common prefix that was told last, here or at the end of the page before: whatever is in it
 * has been told, and must not fill batches. "": none. */
static const char *told_prefix(const struct walk *walk)
{
	const struct list_page *page = walk->page;

	if (page == NULL)
		return "";
	if (page->count > 0) {
		const struct list_entry *last = &page->entry[page->count - 1];
		return last->is_prefix ? last->text : "";
	}
	const char *after = walk->query->is_after_told ? walk->query->after : "";
	return common_prefix_len(walk, after) == strlen(after) ? after : "";
}

/* Fills the batch with the smallest names greater than floor, NULL: with the smallest. WALK_ENDS: a
 * probe has met an object. */
static int read_folder(struct walk *walk, int dir_fd, const char *floor)
{
	struct list_batch *batch = &walk->batch;

	batch->count = 0;
	walk->told = told_prefix(walk);
	walk->told_len = strlen(walk->told);
	if (floor != NULL && lseek(dir_fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		ssize_t n = walk->sys->getdents64(dir_fd, walk->dents, sizeof(walk->dents));
		if (n < 0)
			return errno == ENOENT ? 0 : -errno; /* it was removed */
		if (n == 0)
			break;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(walk->dents + at);
			if (offer(walk, dir_fd, entry, floor) && walk->is_probe)
				return WALK_ENDS;
			at += entry->d_reclen;
		}
	}
	list_batch_sort(batch);
	return 0;
}

/* ---- Levels ---------------------------------------------------------------------------------- */

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -EXDEV;
}

static struct level *level_of(struct walk *walk)
{
	return &walk->level[walk->depth - 1];
}

/* Takes dir_fd over: the folder whose path walk->path is. */
static void level_enter(struct walk *walk, int dir_fd)
{
	must(walk->depth < LEVELS_MAX);
	walk->path_len = strlen(walk->path);
	walk->level[walk->depth++] =
		(struct level){.dir_fd = dir_fd, .path_len = walk->path_len, .is_more = true};
	if (walk->depth - walk->open_from <= walk->open_max)
		return;
	struct level *first = &walk->level[walk->open_from++];
	close(first->dir_fd);
	first->dir_fd = -1;
}

static void level_leave(struct walk *walk)
{
	struct level *level = level_of(walk);

	if (level->dir_fd >= 0)
		close(level->dir_fd);
	free(level->names);
	walk->depth--;
	if (walk->open_from > walk->depth)
		walk->open_from = walk->depth;
}

/* The folder's descriptor, which stays the level's; -ENOENT: it was removed, and the level has
 * nothing more; or another negative errno. */
static int level_fd(struct walk *walk)
{
	struct level *level = level_of(walk);
	char path[sizeof(walk->path)];

	if (level->dir_fd >= 0)
		return level->dir_fd;
	memcpy(path, walk->path, level->path_len);
	path[level->path_len] = '\0';
	int fd = folder_open(walk->sys, walk->bucket_fd, *path != '\0' ? path : ".");
	if (fd < 0) {
		level->left = 0;
		level->is_more = false;
		return is_gone(fd) ? -ENOENT : fd;
	}
	level->dir_fd = fd;
	walk->open_from = walk->depth - 1;
	return fd;
}

/* The batch becomes the level's names. */
static int level_take_batch(struct walk *walk, struct level *level)
{
	const struct list_batch *batch = &walk->batch;
	size_t bytes = 0;

	for (unsigned i = 0; i < batch->count; i++)
		bytes += strlen(batch->heap[i]) + 1;
	char *at = malloc(bytes + 1);
	if (at == NULL)
		return -ENOMEM;
	free(level->names);
	level->next = level->names = at;
	for (unsigned i = 0; i < batch->count; i++) {
		level->last = at;
		at = stpcpy(at, batch->heap[i]) + 1;
	}
	level->left = batch->count;
	level->is_more = batch->count == batch->max;
	return 0;
}

/* The next names of the folder. WALK_ENDS: as read_folder. */
static int level_read(struct walk *walk)
{
	struct level *level = level_of(walk);

	int dir_fd = level_fd(walk);
	if (dir_fd < 0)
		return dir_fd == -ENOENT ? 0 : dir_fd;
	walk->batch.max = DEEP_BATCH_MAX;
	unsigned left = walk->depth <= walk->wide ? walk->query->max - walk->page->count + 1 : 0;
	if (left > DEEP_BATCH_MAX)
		walk->batch.max = left;
	int r = read_folder(walk, dir_fd, level->last);
	return r == 0 ? level_take_batch(walk, level) : r;
}

/* ---- Visits ---------------------------------------------------------------------------------- */

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

static int visit_file(struct walk *walk, const char *name)
{
	struct list_entry *entry;
	struct facts facts;
	char etag[ETAG_BYTES];

	size_t prefix_len = common_prefix_len(walk, walk->path);
	if (prefix_len > 0)
		return is_new_prefix(walk, walk->path, prefix_len) ? emit_prefix(walk, prefix_len)
								   : 0;
	int dir_fd = level_fd(walk);
	if (dir_fd < 0)
		return dir_fd == -ENOENT ? 0 : dir_fd;
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

static int walk_levels(struct walk *walk);

/* Into the folder of this name, whose key walk->path is; into is the walk or its probe. */
static int descend(struct walk *walk, const char *name, struct walk *into)
{
	int dir_fd = level_fd(walk);
	int folder_fd = dir_fd < 0 ? dir_fd : folder_open(walk->sys, dir_fd, name);

	if (folder_fd < 0)
		return is_gone(folder_fd) ? 0 : folder_fd;
	level_enter(into, folder_fd);
	return 0;
}

static struct walk *walk_new(const struct store_sys *sys, int bucket_fd, unsigned batch_max)
{
	struct walk *walk = calloc(1, sizeof(*walk));

	if (walk == NULL)
		return NULL;
	walk->sys = sys;
	walk->bucket_fd = bucket_fd;
	if (list_batch_init(&walk->batch, batch_max) == 0)
		return walk;
	list_batch_fini(&walk->batch);
	free(walk);
	return NULL;
}

static void walk_free(struct walk *walk)
{
	if (walk == NULL)
		return;
	walk_free(walk->probe); /* which has none */
	list_batch_fini(&walk->batch);
	free(walk);
}

/* Is there an object in this folder, at any depth, behind the position? 1, 0 or a negative errno.
 */
static int has_object(struct walk *walk, const char *name)
{
	if (walk->probe == NULL)
		walk->probe = walk_new(walk->sys, walk->bucket_fd, DEEP_BATCH_MAX);
	struct walk *probe = walk->probe;
	if (probe == NULL)
		return -ENOMEM;
	probe->probe_query =
		(struct list_query){.prefix = "", .delimiter = "", .after = walk->query->after};
	probe->query = &probe->probe_query;
	probe->is_probe = true;
	probe->open_max = PROBE_OPEN_MAX;
	memcpy(probe->path, walk->path, strlen(walk->path) + 1);
	int r = descend(walk, name, probe);
	return r == 0 ? walk_levels(probe) : r;
}

static int visit_folder(struct walk *walk, const char *name)
{
	size_t prefix_len = common_prefix_len(walk, walk->path);

	if (prefix_len == 0)
		return descend(walk, name, walk);
	if (!is_new_prefix(walk, walk->path, prefix_len))
		return 0;
	int r = has_object(walk, name); /* S3 has no empty folders */
	return r == 1 ? emit_prefix(walk, prefix_len) : r;
}

static int visit_next(struct walk *walk, struct level *level)
{
	const char *name = level->next;
	size_t len = strlen(name);

	level->next += len + 1;
	level->left--;
	memcpy(walk->path + walk->path_len, name, len + 1);
	return len > 0 && name[len - 1] == '/' ? visit_folder(walk, name)
					       : visit_file(walk, store_leaf(name));
}

/* Until there are no levels left, an error, or WALK_ENDS. */
static int walk_levels(struct walk *walk)
{
	int r = 0;

	while (r == 0 && walk->depth > 0) {
		struct level *level = level_of(walk);
		walk->path_len = level->path_len;
		walk->path[walk->path_len] = '\0';
		if (level->left > 0)
			r = visit_next(walk, level);
		else if (level->is_more)
			r = level_read(walk);
		else
			level_leave(walk);
	}
	while (walk->depth > 0)
		level_leave(walk);
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

static int walk_bucket(struct walk *walk)
{
	if (walk->query->max == 0 || !take_prefix(walk))
		return 0;
	int dir_fd = folder_open(walk->sys, walk->bucket_fd, walk->path_len > 0 ? walk->path : ".");
	if (dir_fd < 0)
		return is_gone(dir_fd) ? 0 : dir_fd;
	level_enter(walk, dir_fd);
	int r = walk_levels(walk);
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
	unsigned wide = query->max + 1;
	struct walk *walk = walk_new(sys, bucket_fd, wide > DEEP_BATCH_MAX ? wide : DEEP_BATCH_MAX);
	int r = -ENOMEM;
	page->entry = calloc(query->max + 1, sizeof(*page->entry));
	if (walk != NULL && page->entry != NULL) {
		walk->query = query;
		walk->page = page;
		walk->prefix_len = strlen(query->prefix);
		walk->open_max = WALK_OPEN_MAX;
		walk->wide = WIDE_LEVELS;
		r = walk_bucket(walk);
	}
	walk_free(walk);
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
