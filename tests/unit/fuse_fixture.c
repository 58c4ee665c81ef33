/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/fuse_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

#define OP_TMPFILE   51 /* Linux 6.2 (include/uapi/linux/fuse.h, 7.37) */
#define NODES_MAX    256
#define ENTRIES_MAX  256
#define FILE_BYTES   4096
#define BUFFER_BYTES (FUSE_MIN_READ_BUFFER + 65536)

struct node {
	uint32_t mode;
	uint32_t links;
	bool is_lost_when_closed;
	unsigned opens;
	uint64_t size;
	struct timespec modified;
	char data[FILE_BYTES];
};

struct entry {
	uint64_t parent; /* 0: free */
	uint64_t node;
	char name[256];
};

static struct node nodes[NODES_MAX]; /* by number; never used again */
static uint64_t node_count = FUSE_ROOT_ID;
static struct entry entries[ENTRIES_MAX];
static int device_fd = -1;
static pid_t server = -1;

/* ---- Nodes ----------------------------------------------------------------------------------- */

static uint64_t node_make(uint32_t mode)
{
	uint64_t number = node_count++;
	must(number < NODES_MAX);
	nodes[number] = (struct node){.mode = mode, .links = 1};
	clock_gettime(CLOCK_REALTIME, &nodes[number].modified);
	return number;
}

static struct entry *entry_find(uint64_t parent, const char *name)
{
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		if (entries[i].parent == parent && strcmp(entries[i].name, name) == 0)
			return &entries[i];
	return NULL;
}

static void entry_make(uint64_t parent, const char *name, uint64_t node)
{
	for (size_t i = 0; i < ENTRIES_MAX; i++) {
		if (entries[i].parent != 0)
			continue;
		entries[i] = (struct entry){.parent = parent, .node = node};
		snprintf(entries[i].name, sizeof(entries[i].name), "%s", name);
		return;
	}
	must(false);
}

static bool is_empty(uint64_t node)
{
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		if (entries[i].parent == node)
			return false;
	return true;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void answer(const struct fuse_in_header *in, int error, const void *data, size_t bytes)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + bytes), .error = error, .unique = in->unique};
	const struct iovec parts[] = {{&out, sizeof(out)}, {(void *)data, bytes}};
	/* ENOENT: whoever asked was interrupted. */
	must(writev(device_fd, parts, bytes > 0 ? 2 : 1) > 0 || errno == ENOENT);
}

static struct fuse_attr attr_of(uint64_t number)
{
	const struct node *node = &nodes[number];
	return (struct fuse_attr){.ino = number,
				  .size = node->size,
				  .blocks = 8,
				  .mtime = (uint64_t)node->modified.tv_sec,
				  .mtimensec = (uint32_t)node->modified.tv_nsec,
				  .mode = node->mode,
				  .nlink = node->links,
				  .blksize = 4096};
}

static void answer_attr(const struct fuse_in_header *in, uint64_t number)
{
	const struct fuse_attr_out out = {.attr = attr_of(number)};
	answer(in, 0, &out, sizeof(out));
}

/* is_open: with a handle, as after a creation. */
static void answer_entry(const struct fuse_in_header *in, uint64_t number, bool is_open)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = {.entry = {.nodeid = number, .attr = attr_of(number)}};
	answer(in, 0, &out, is_open ? sizeof(out) : sizeof(out.entry));
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void set_attributes(const struct fuse_in_header *in, const struct fuse_setattr_in *wanted)
{
	struct node *node = &nodes[in->nodeid];

	if (wanted->valid & FATTR_MODE)
		node->mode = wanted->mode;
	if (wanted->valid & FATTR_SIZE)
		node->size = wanted->size;
	if (wanted->valid & FATTR_MTIME)
		node->modified = (struct timespec){.tv_sec = (time_t)wanted->mtime,
						   .tv_nsec = wanted->mtimensec};
	answer_attr(in, in->nodeid);
}

static void rename_entry(const struct fuse_in_header *in, const struct fuse_rename_in *to)
{
	const char *from = (const char *)(to + 1), *name = from + strlen(from) + 1;
	struct entry *entry = entry_find(in->nodeid, from), *old = entry_find(to->newdir, name);

	if (old != NULL && old != entry) {
		nodes[old->node].links--;
		old->parent = 0;
	}
	entry->parent = to->newdir;
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	answer(in, 0, NULL, 0);
}

static void remove_entry(const struct fuse_in_header *in, const char *name)
{
	struct entry *entry = entry_find(in->nodeid, name);

	if (in->opcode == FUSE_RMDIR && !is_empty(entry->node)) {
		answer(in, -ENOTEMPTY, NULL, 0);
		return;
	}
	nodes[entry->node].links--;
	entry->parent = 0;
	answer(in, 0, NULL, 0);
}

static void read_folder(const struct fuse_in_header *in, const struct fuse_read_in *wanted)
{
	static char out[65536];
	size_t used = 0;

	for (uint64_t i = wanted->offset; i < ENTRIES_MAX + 2; i++) {
		const struct entry dots = {in->nodeid, in->nodeid, {'.', i == 0 ? 0 : '.'}};
		const struct entry *is = i < 2 ? &dots : &entries[i - 2];
		size_t len = strlen(is->name);
		if (is->parent != in->nodeid)
			continue;
		struct fuse_dirent *entry = (void *)(out + used);
		if (used + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len) > wanted->size)
			break;
		*entry = (struct fuse_dirent){.ino = is->node,
					      .off = i + 1,
					      .namelen = (uint32_t)len,
					      .type = nodes[is->node].mode >> 12};
		memcpy(entry->name, is->name, len);
		used += FUSE_DIRENT_SIZE(entry);
	}
	answer(in, 0, out, used);
}

static void read_file(const struct fuse_in_header *in, const struct fuse_read_in *wanted)
{
	const struct node *node = &nodes[in->nodeid];
	uint64_t at = wanted->offset < node->size ? wanted->offset : node->size;
	uint64_t bytes = node->size - at < wanted->size ? node->size - at : wanted->size;
	answer(in, 0, node->data + at, bytes);
}

static void write_file(const struct fuse_in_header *in, const struct fuse_write_in *wanted)
{
	struct node *node = &nodes[in->nodeid];
	const struct fuse_write_out out = {.size = wanted->size};

	must(wanted->offset + wanted->size <= FILE_BYTES);
	memcpy(node->data + wanted->offset, wanted + 1, wanted->size);
	if (wanted->offset + wanted->size > node->size)
		node->size = wanted->offset + wanted->size;
	answer(in, 0, &out, sizeof(out));
}

static void close_file(const struct fuse_in_header *in)
{
	struct node *node = &nodes[in->nodeid];
	bool is_lost = --node->opens == 0 && node->is_lost_when_closed;

	for (size_t i = 0; is_lost && i < ENTRIES_MAX; i++)
		if (entries[i].parent != 0 && entries[i].node == in->nodeid)
			entries[i].parent = 0;
	answer(in, 0, NULL, 0);
}

static void make_node(const struct fuse_in_header *in, const void *arg)
{
	const struct fuse_create_in *create = arg;
	const struct fuse_mkdir_in *mkdir = arg;
	uint64_t node;

	switch (in->opcode) {
	case FUSE_MKDIR:
		node = node_make(S_IFDIR | mkdir->mode);
		entry_make(in->nodeid, (const char *)(mkdir + 1), node);
		break;
	case FUSE_CREATE:
		node = node_make(create->mode);
		entry_make(in->nodeid, (const char *)(create + 1), node);
		break;
	default:
		node = node_make(create->mode);
		nodes[node].links = 0;
		nodes[node].is_lost_when_closed = true;
		break;
	}
	nodes[node].opens = in->opcode != FUSE_MKDIR;
	answer_entry(in, node, in->opcode != FUSE_MKDIR);
}

static void answer_init(const struct fuse_in_header *in, const struct fuse_init_in *asked)
{
	const struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
					  .minor = asked->minor < FUSE_KERNEL_MINOR_VERSION
							   ? asked->minor
							   : FUSE_KERNEL_MINOR_VERSION,
					  .max_readahead = asked->max_readahead,
					  .max_write = FILE_BYTES,
					  .time_gran = 1};
	answer(in, 0, &out, sizeof(out));
}

static void serve(const struct fuse_in_header *in)
{
	const void *arg = in + 1;
	const struct fuse_open_out open = {0};
	const struct fuse_statfs_out statfs = {.st = {.bsize = 4096, .namelen = 255}};
	const struct fuse_link_in *link = arg;
	const struct entry *entry;

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(in, arg);
		break;
	case FUSE_LOOKUP:
		entry = entry_find(in->nodeid, arg);
		if (entry != NULL)
			answer_entry(in, entry->node, false);
		else
			answer(in, -ENOENT, NULL, 0);
		break;
	case FUSE_STATFS:
		answer(in, 0, &statfs, sizeof(statfs));
		break;
	case FUSE_GETATTR:
		answer_attr(in, in->nodeid);
		break;
	case FUSE_SETATTR:
		set_attributes(in, arg);
		break;
	case FUSE_MKDIR:
	case FUSE_CREATE:
	case OP_TMPFILE:
		make_node(in, arg);
		break;
	case FUSE_LINK:
		entry_make(in->nodeid, (const char *)(link + 1), link->oldnodeid);
		nodes[link->oldnodeid].links++;
		answer_entry(in, link->oldnodeid, false);
		break;
	case FUSE_RENAME:
		rename_entry(in, arg);
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		remove_entry(in, arg);
		break;
	case FUSE_OPEN:
		nodes[in->nodeid].opens++;
		answer(in, 0, &open, sizeof(open));
		break;
	case FUSE_OPENDIR:
		answer(in, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		read_file(in, arg);
		break;
	case FUSE_WRITE:
		write_file(in, arg);
		break;
	case FUSE_READDIR:
		read_folder(in, arg);
		break;
	case FUSE_RELEASE:
		close_file(in);
		break;
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_FLUSH:
	case FUSE_RELEASEDIR:
		answer(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* nobody waits */
	default:
		answer(in, -ENOSYS, NULL, 0);
		break;
	}
}

static _Noreturn void serve_all(void)
{
	static _Alignas(struct fuse_in_header) char buffer[BUFFER_BYTES];

	nodes[node_make(S_IFDIR | 0755)].links = 2;
	for (;;) {
		ssize_t n = read(device_fd, buffer, sizeof(buffer));
		if (n < 0 && errno == ENODEV)
			_exit(0);
		if (n > 0)
			serve((const void *)buffer);
		else
			must(errno == EINTR || errno == ENOENT || errno == EAGAIN);
	}
}

/* ---- Mounted --------------------------------------------------------------------------------- */

static bool can_make_without_name(const char *path)
{
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool fuse_lossy_mount(const char *path)
{
	char options[64];

	device_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device_fd < 0)
		return false;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device_fd);
	bool is_mounted = unshare(CLONE_NEWNS) == 0 &&
			  mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			  mount("lossy", path, "fuse.lossy", 0, options) == 0;
	if (is_mounted) {
		pid_t parent = getpid();
		server = fork();
		must(server >= 0);
		if (server == 0) {
			must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
			if (getppid() != parent)
				_exit(0);
			serve_all();
		}
	}
	close(device_fd);
	device_fd = -1;
	if (is_mounted && can_make_without_name(path))
		return true;
	if (is_mounted)
		fuse_lossy_unmount(path);
	return false;
}

void fuse_lossy_unmount(const char *path)
{
	must(umount2(path, MNT_DETACH) == 0);
	must(kill(server, SIGKILL) == 0 && waitpid(server, NULL, 0) == server);
}
