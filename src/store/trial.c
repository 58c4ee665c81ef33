/* SPDX-License-Identifier: Apache-2.0 */
#include "store/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/left_out.h"
#include "store/names.h"
#include "store/object.h"

/* Buckets that are looked at: the start must not take long where there are many. */
#define BUCKETS_MAX      256
/* Buckets that cannot be used and are named in a warning each. */
#define WARNINGS_MAX     8
/* Far more than a FUSE server takes to be told that a file was closed. */
#define RELEASE_PAUSE_MS 100
#define TRIAL_TEXT       "sluice"
#define NAME_BYTES       (sizeof(TRIAL_PREFIX) + 32)
#define SENTENCE_BYTES   1024

/* ---- Words ---------------------------------------------------------------------------------- */

static const char *cure_of(int r)
{
	switch (r) {
	case -ENOSYS:
	case -EPERM:
		return "a seccomp filter around this process refuses the call (a unit's "
		       "RestrictSUIDSGID= or SystemCallFilter=, a container's profile), or the "
		       "file system does";
	case -EACCES:
		return "the user that serves lacks the permission, or a security module refuses it";
	case -EROFS:
		return "the file system is mounted read-only: remount it, or serve without "
		       "--writable";
	case -EMFILE:
	case -ENFILE:
		return "raise the limit of open files (ulimit -n, LimitNOFILE=)";
	case -EIO:
		return "look at the kernel's log (dmesg)";
	default:
		return "this file system cannot be a root";
	}
}

static int refuse(char error[ERROR_TEXT_MAX], const char *call, int r)
{
	snprintf(error, ERROR_TEXT_MAX, "%s: %s (%s): %s", call, strerrordesc_np(-r),
		 strerrorname_np(-r), cure_of(r));
	return r;
}

static void warn(const struct trial *trial, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void warn(const struct trial *trial, const char *format, ...)
{
	char text[SENTENCE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	trial->warn(trial->arg, text);
}

/* ---- Reading -------------------------------------------------------------------------------- */

int trial_read(const struct store_sys *sys, int root_fd, char error[ERROR_TEXT_MAX])
{
	struct open_how how = object_open_how();
	_Alignas(struct dirent64) char entries[1024];
	int fd;

	do /* O_NOATIME is for the owner: objects are opened without it, too */
		fd = sys->openat2(root_fd, ".", &how);
	while (fd < 0 && errno == EPERM && object_open_without_noatime(&how));
	if (fd < 0)
		return refuse(error, "openat2", -errno);
	int r = sys->getdents64(fd, entries, sizeof(entries)) < 0 ? -errno : 0;
	close(fd);
	return r < 0 ? refuse(error, "getdents64", r) : 0;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* A file on trial. */
struct attempt {
	const struct trial *trial;
	int dir_fd;
	const char *prefix; /* of names in dir_fd */
	int file_fd;
	char name[NAME_BYTES];        /* in dir_fd; "": it has none */
	struct store_devices *losing; /* that were warned of */
	bool must_have_name;          /* from the start */
	bool was_unnamed;             /* when it was made */
	dev_t device;                 /* as its file says it */
	bool is_lost;     /* it was made without a name, and is not under the one it got */
	const char *call; /* what failed */
};

/* prefix: of a private folder STORE_TEMP_PREFIX, for which a sweep looks after a crash. */
static int name_make(const char *prefix, char name[NAME_BYTES])
{
	size_t len = strlen(prefix);

	must(len + STORE_RANDOM_BYTES <= NAME_BYTES);
	memcpy(name, prefix, len + 1);
	return store_random(name + len);
}

static int named_file_make(const struct store_sys *sys, int dir_fd, const char *prefix,
			   char name[NAME_BYTES])
{
	int r = name_make(prefix, name);
	if (r == 0)
		r = folder_open_file(sys, dir_fd, name, O_RDWR | O_CREAT | O_EXCL, STORE_FILE_MODE);
	if (r < 0)
		name[0] = '\0';
	return r;
}

/* The descriptor of a file without a name, or of one with a name where there are none without. */
static int file_make(const struct store_sys *sys, int dir_fd, const char *prefix,
		     char name[NAME_BYTES])
{
	int fd = folder_open_file(sys, dir_fd, ".", O_RDWR | O_TMPFILE, STORE_FILE_MODE);

	name[0] = '\0';
	if (fd != -EOPNOTSUPP && fd != -EISDIR)
		return fd;
	return named_file_make(sys, dir_fd, prefix, name);
}

/* What versions need: the nanoseconds of a time that is set, or else an attribute. */
static int try_times(struct attempt *attempt, bool has_attributes)
{
	const struct store_sys *sys = attempt->trial->sys;
	struct timespec times[2];
	struct facts facts;

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[1] = (struct timespec){.tv_sec = times[0].tv_sec, .tv_nsec = 123456789};
	attempt->call = "utimensat";
	if (sys->futimens(attempt->file_fd, times) < 0)
		return -errno;
	attempt->call = "statx";
	int r = facts_of_fd(sys, attempt->file_fd, &facts);
	if (r < 0 || facts.modified.tv_nsec == times[1].tv_nsec)
		return r;
	if (!has_attributes) {
		attempt->call = "times are kept without their nanoseconds, and extended attributes "
				"not at all, so that no version could be told from another";
		return -EOPNOTSUPP;
	}
	if (attempt->dir_fd == attempt->trial->root_fd) /* once */
		warn(attempt->trial,
		     "times are kept without their nanoseconds: the version of an object is kept "
		     "in an extended attribute, which is read with it");
	return 0;
}

/* What an object has besides its name. What is kept only for some objects is a warning. */
static int fill(struct attempt *attempt)
{
	const struct store_sys *sys = attempt->trial->sys;
	const int fd = attempt->file_fd;
	struct stat st;

	attempt->call = "flock";
	if (sys->flock(fd, LOCK_SH | LOCK_NB) < 0)
		return -errno;
	attempt->call = "fstat";
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	attempt->device = st.st_dev;
	attempt->call = "pwrite";
	ssize_t n = sys->pwrite(fd, TRIAL_TEXT, sizeof(TRIAL_TEXT), 0);
	if (n != (ssize_t)sizeof(TRIAL_TEXT))
		return n < 0 ? -errno : -EIO;
	bool has_attributes = sys->fsetxattr(fd, "user.sluice.trial", "1", 1, 0) == 0 &&
			      sys->fchmod(fd, 01600) == 0;
	int error = errno;
	if (!has_attributes && attempt->trial->needs_attributes) {
		attempt->call = "setting an extended attribute and the sticky bit, which "
				"--etag=md5 needs";
		return -error;
	}
	if (!has_attributes)
		warn(attempt->trial,
		     "extended attributes and the sticky bit cannot be set (%s): uploads with "
		     "metadata, a content type or checksums will be refused",
		     strerrorname_np(error));
	int r = try_times(attempt, has_attributes);
	if (r < 0)
		return r;
	attempt->call = "fsync of a file";
	return attempt->trial->is_durable ? store_fsync(sys, fd, FSYNC_FILE) : 0;
}

/* The first name, and another one in its place, as an object that replaces one gets it. */
static int give_names(struct attempt *attempt)
{
	const struct store_sys *sys = attempt->trial->sys;
	char path[32], name[NAME_BYTES];
	int r = 0;

	attempt->is_lost = attempt->was_unnamed; /* until it is found */
	if (attempt->was_unnamed) {
		attempt->call = "linkat of a file without a name (/proc must be mounted)";
		snprintf(path, sizeof(path), "/proc/self/fd/%d", attempt->file_fd);
		r = name_make(attempt->prefix, name);
		if (r == 0 &&
		    sys->linkat(AT_FDCWD, path, attempt->dir_fd, name, AT_SYMLINK_FOLLOW) < 0)
			r = -errno;
		if (r < 0)
			return r;
		memcpy(attempt->name, name, sizeof(name));
	}
	attempt->call = "renameat";
	r = name_make(attempt->prefix, name);
	if (r == 0 && sys->renameat(attempt->dir_fd, attempt->name, attempt->dir_fd, name) < 0)
		r = -errno;
	if (r == 0)
		memcpy(attempt->name, name, sizeof(name));
	return r;
}

/* FUSE tells its server of a last close in the background (fs/fuse/file.c, fuse_file_put): what
 * comes of it may come after the next call. */
static void wait_for_release(const struct attempt *attempt)
{
	const struct timespec pause = {.tv_nsec = RELEASE_PAUSE_MS * 1000000l};
	struct statfs fs;

	bool is_known = store_devices_have(attempt->trial->unnamed, attempt->device) ||
			store_devices_have(attempt->losing, attempt->device);
	if (attempt->was_unnamed && !is_known && fstatfs(attempt->dir_fd, &fs) == 0 &&
	    fs.f_type == FUSE_SUPER_MAGIC)
		nanosleep(&pause, NULL);
}

/* Is it what was written, after it was closed and opened by its name? */
static int compare(struct attempt *attempt)
{
	const struct store_sys *sys = attempt->trial->sys;
	char text[sizeof(TRIAL_TEXT) + 1];

	close(attempt->file_fd);
	wait_for_release(attempt);
	attempt->call = "openat2 of a file that was just written";
	attempt->file_fd = folder_open_file(sys, attempt->dir_fd, attempt->name, O_RDONLY, 0);
	if (attempt->file_fd < 0)
		return attempt->file_fd == -ENOENT ? -EIO : attempt->file_fd;
	attempt->call = "reading what was just written";
	ssize_t n = sys->pread(attempt->file_fd, text, sizeof(text), 0);
	if (n < 0)
		return -errno;
	if (n != (ssize_t)sizeof(TRIAL_TEXT) || memcmp(text, TRIAL_TEXT, (size_t)n) != 0)
		return -EIO;
	attempt->is_lost = false;
	return 0;
}

/* Errors that a server can start with: reads and deletes go on. */
static bool is_full(int r)
{
	return r == -ENOSPC || r == -EDQUOT;
}

static int try_once(struct attempt *attempt)
{
	const struct store_sys *sys = attempt->trial->sys;

	attempt->call = "making a file";
	attempt->is_lost = false;
	attempt->file_fd =
		attempt->must_have_name
			? named_file_make(sys, attempt->dir_fd, attempt->prefix, attempt->name)
			: file_make(sys, attempt->dir_fd, attempt->prefix, attempt->name);
	if (attempt->file_fd < 0)
		return attempt->file_fd;
	attempt->was_unnamed = attempt->name[0] == '\0';
	int r = fill(attempt);
	if (r == 0)
		r = give_names(attempt);
	if (r == 0)
		r = compare(attempt);
	if (attempt->file_fd >= 0)
		close(attempt->file_fd);
	if (attempt->name[0] != '\0' && sys->unlinkat(attempt->dir_fd, attempt->name, 0) < 0 &&
	    r == 0) {
		attempt->call = "unlinkat";
		r = -errno;
	}
	if (r < 0 || !attempt->trial->is_durable)
		return r;
	attempt->call = "fsync of a folder";
	return store_fsync(sys, attempt->dir_fd, FSYNC_FOLDER);
}

static int try_file(struct attempt *attempt)
{
	int r = try_once(attempt);

	if (r == 0 && attempt->was_unnamed && !store_devices_have(attempt->losing, attempt->device))
		store_devices_add(attempt->trial->unnamed, attempt->device);
	if (r != -EIO || !attempt->is_lost)
		return r;
	attempt->must_have_name = true;
	r = try_once(attempt);
	if (r == 0 && !store_devices_have(attempt->losing, attempt->device))
		warn(attempt->trial,
		     "the file system loses a file that is made without a name (O_TMPFILE) when it "
		     "is closed, whatever name it was given: files are made with a name");
	if (r == 0)
		store_devices_add(attempt->losing, attempt->device);
	return r;
}

int trial_write(const struct store_sys *sys, int root_fd, char error[ERROR_TEXT_MAX])
{
	char name[NAME_BYTES];
	int fd = file_make(sys, root_fd, TRIAL_PREFIX, name);

	if (fd < 0)
		return refuse(error, "making a file", fd);
	int r = sys->pwrite(fd, TRIAL_TEXT, sizeof(TRIAL_TEXT), 0) < 0 ? -errno : 0;
	close(fd);
	if (name[0] != '\0' && sys->unlinkat(root_fd, name, 0) < 0 && r == 0)
		r = -errno;
	return r < 0 ? refuse(error, "writing a file", r) : 0;
}

/* ---- Buckets -------------------------------------------------------------------------------- */

struct bucket_trial {
	const struct trial *trial;
	struct store_devices losing;
	dev_t root_device;
	bool root_takes_writes;
	unsigned writable;
	unsigned unusable;
};

static void warn_of_bucket(struct bucket_trial *buckets, const char *name, const char *call, int r)
{
	if (buckets->unusable++ < WARNINGS_MAX)
		warn(buckets->trial, "bucket %s: %s: %s (%s)", name, call, strerrordesc_np(-r),
		     cure_of(r));
}

/* In the private folder, where a file may have a name. What the root takes its buckets take, but
 * for those that are other file systems, and private folders that another user has made. */
static int try_writing(struct bucket_trial *buckets, int bucket_fd, int private_fd,
		       const char **call)
{
	const struct trial *trial = buckets->trial;
	struct attempt attempt = {.trial = trial,
				  .dir_fd = private_fd,
				  .prefix = STORE_TEMP_PREFIX,
				  .losing = &buckets->losing,
				  .file_fd = -1};
	bool is_made = false;
	struct stat st;

	*call = "fstat";
	if (trial->sys->fstatat(bucket_fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	if (private_fd < 0 && st.st_dev == buckets->root_device && buckets->root_takes_writes)
		return 0;
	*call = "mkdirat";
	if (private_fd < 0)
		attempt.dir_fd =
			folder_open_or_make(trial->sys, bucket_fd, STORE_PRIVATE, &is_made);
	if (attempt.dir_fd < 0)
		return attempt.dir_fd;
	int r = try_file(&attempt);
	*call = attempt.call;
	if (private_fd < 0)
		close(attempt.dir_fd);
	if (is_made) /* it is made again when it is needed */
		trial->sys->unlinkat(bucket_fd, STORE_PRIVATE, AT_REMOVEDIR);
	if (r == 0 || is_full(r))
		buckets->writable++;
	return r;
}

static void try_bucket(struct bucket_trial *buckets, const char *name)
{
	const struct trial *trial = buckets->trial;
	const char *call = "openat2";
	int private_fd = -ENOENT, r = 0;

	int bucket_fd = folder_open(trial->sys, trial->root_fd, name);
	if (bucket_fd == -ENOTDIR || bucket_fd == -ENOENT)
		return;
	if (bucket_fd < 0)
		r = bucket_fd;
	else if (trial->writable)
		private_fd = folder_open(trial->sys, bucket_fd, STORE_PRIVATE);
	if (private_fd < 0 && private_fd != -ENOENT)
		r = private_fd;
	if (r == 0 && trial->writable)
		r = try_writing(buckets, bucket_fd, private_fd, &call);
	if (r < 0)
		warn_of_bucket(buckets, name, call, r);
	if (private_fd >= 0)
		close(private_fd);
	if (bucket_fd >= 0)
		close(bucket_fd);
}

static int try_buckets(struct bucket_trial *buckets, char error[ERROR_TEXT_MAX])
{
	const struct trial *trial = buckets->trial;
	struct folder_reader reader;
	const char *name;
	unsigned count = 0;
	int r;

	int dir_fd = folder_open(trial->sys, trial->root_fd, ".");
	if (dir_fd < 0)
		return refuse(error, "openat2", dir_fd);
	folder_reader_init(&reader, trial->sys, dir_fd);
	while (count < BUCKETS_MAX && (r = folder_read(&reader, &name)) == 1) {
		if (!store_bucket_name_is_valid(name, strlen(name)))
			continue;
		try_bucket(buckets, name);
		count++;
	}
	close(dir_fd);
	if (buckets->unusable > WARNINGS_MAX)
		warn(trial, "%u more buckets have such faults", buckets->unusable - WARNINGS_MAX);
	return r < 0 ? refuse(error, "getdents64", r) : 0;
}

/* ---- The whole ------------------------------------------------------------------------------ */

int trial_run(const struct trial *trial, char error[ERROR_TEXT_MAX])
{
	struct bucket_trial buckets = {.trial = trial};
	struct attempt attempt = {.trial = trial,
				  .dir_fd = trial->root_fd,
				  .prefix = TRIAL_PREFIX,
				  .losing = &buckets.losing,
				  .file_fd = -1};
	char why[ERROR_TEXT_MAX] = "";
	struct stat st;

	int r = trial_read(trial->sys, trial->root_fd, error);
	if (r < 0)
		return r;
	if (trial->sys->fstatat(trial->root_fd, "", &st, AT_EMPTY_PATH) < 0)
		return refuse(error, "fstat", -errno);
	buckets.root_device = st.st_dev;
	int write_r = trial->writable ? try_file(&attempt) : 0;
	if (is_full(write_r)) {
		warn(trial, "%s: uploads will fail until there is room", strerrordesc_np(-write_r));
		write_r = 0;
	}
	buckets.root_takes_writes = trial->writable && write_r == 0;
	if (write_r < 0)
		refuse(why, attempt.call, write_r);
	char left_out[LEFT_OUT_BYTES];
	r = left_out_tell(trial->sys, trial->root_fd, left_out);
	if (r < 0)
		return refuse(error, "getdents64", r);
	if (r > 0)
		trial->warn(trial->arg, left_out);
	r = try_buckets(&buckets, error);
	if (r < 0 || write_r == 0)
		return r;
	if ((write_r == -EACCES || write_r == -EROFS) && buckets.writable > 0) {
		warn(trial,
		     "%s; buckets that are there can be written, but none can be made or "
		     "removed",
		     why);
		return 0;
	}
	memcpy(error, why, sizeof(why));
	return write_r;
}
