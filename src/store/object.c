/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
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

/* The last digits hex digits of value. */
static char *put_hex(char *out, uint64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
		*out++ = "0123456789abcdef"[value >> (4 * i) & 15];
	return out;
}

/* By hand: snprintf was 1 % of a small request (bench/cost). */
void object_etag(char out[ETAG_BYTES], const struct timespec *modified, uint64_t size)
{
	*out++ = '"';
	out = put_hex(out, (uint64_t)modified->tv_sec, 10);
	out = put_hex(out, (uint64_t)modified->tv_nsec, 8);
	out = put_hex(out, size, 14);
	memcpy(out, "-1\"", 4);
}

void object_stamp_of(const struct stat *st, struct object_stamp *stamp)
{
	stamp->modified = st->st_mtim.tv_sec;
	object_etag(stamp->etag, &st->st_mtim, (uint64_t)st->st_size);
}

bool object_has_etag(const struct stat *st, const char *etag)
{
	char is[ETAG_BYTES];
	object_etag(is, &st->st_mtim, (uint64_t)st->st_size);
	return strcmp(is, etag) == 0;
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
	struct statx st;

	object->file_fd = -1;
	/* What the open has just learnt: a network file system need not be asked again. */
	if (statx(file_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st) < 0) {
		int r = -errno;
		close(file_fd);
		return r;
	}
	if (!S_ISREG(st.stx_mode)) {
		close(file_fd);
		return -ENOENT;
	}
	object->file_fd = file_fd;
	object->size = st.stx_size;
	object->modified = st.stx_mtime.tv_sec;
	object->device = makedev(st.stx_dev_major, st.stx_dev_minor);
	object->inode = st.stx_ino;
	const struct timespec modified = {.tv_sec = st.stx_mtime.tv_sec,
					  .tv_nsec = st.stx_mtime.tv_nsec};
	object_etag(object->etag, &modified, object->size);
	object->has_meta = meta_is_marked(st.stx_mode);
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
