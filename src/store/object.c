/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/meta.h"

void object_path(char out[OBJECT_PATH_BYTES], const char *bucket, const char *object_key)
{
	size_t bucket_len = strlen(bucket), key_len = strlen(object_key);
	memcpy(out, bucket, bucket_len);
	out[bucket_len] = '/';
	memcpy(out + bucket_len + 1, object_key, key_len);
	out[bucket_len + 1 + key_len] = '\0';
	if (store_key_is_marker(object_key))
		memcpy(out + bucket_len + 1 + key_len, STORE_MARKER, sizeof(STORE_MARKER));
}

struct open_how object_open_how(void)
{
	return (struct open_how){
		/* O_NONBLOCK: a FIFO must not hold us; object_from_fd then refuses it. O_NOATIME:
		 * the first read after a write would bring the inode's block from the disk to note
		 * its time, on the thread that reads, whatever RWF_NOWAIT says. */
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOATIME,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
}

bool object_open_without_noatime(struct open_how *how)
{
	if ((how->flags & O_NOATIME) == 0)
		return false;
	how->flags &= ~(uint64_t)O_NOATIME;
	return true;
}

int object_open_cached(int root_fd, const char *path, struct open_how *how)
{
	struct open_how cached;
	long fd;
	do {
		cached = *how;
		cached.resolve |= RESOLVE_CACHED; /* Linux 5.12 */
		fd = syscall(SYS_openat2, root_fd, path, &cached, sizeof(cached));
	} while (fd < 0 && errno == EPERM && object_open_without_noatime(how));
	return fd < 0 ? -errno : (int)fd;
}

void object_etag_quote(char out[ETAG_BYTES], const char *text, size_t len)
{
	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	if (len + 3 > ETAG_BYTES)
		len = 0;
	out[0] = '"';
	memcpy(out + 1, text, len);
	memcpy(out + 1 + len, "\"", 2);
}

int object_from_fd(struct object *object, int file_fd)
{
	struct statx stx;

	object->file_fd = -1;
	/* What the open has just learnt: a network file system need not be asked again. */
	if (statx(file_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, FACTS_MASK, &stx) < 0) {
		int r = -errno;
		close(file_fd);
		return r;
	}
	if (!S_ISREG(stx.stx_mode)) {
		close(file_fd);
		return -ENOENT;
	}
	object->file_fd = file_fd;
	facts_from_statx(&object->facts, &stx);
	bool is_told = version_tell(&object->facts, object->etag);
	object->has_meta = !is_told || meta_is_marked(stx.stx_mode);
	return 0;
}

void object_close(struct object *object)
{
	if (object->file_fd >= 0)
		close(object->file_fd);
	object->file_fd = -1;
}

struct open_how object_bucket_how(void)
{
	return (struct open_how){
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
}
