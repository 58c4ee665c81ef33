/* SPDX-License-Identifier: Apache-2.0 */
/* The trial of a root: each call that fails is an error or a warning, and nothing is left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/names.h"
#include "store/put.h"
#include "store/trial.h"
#include "unit/store_fixture.h"

TestSuite(trial, .init = store_fixture_make, .fini = store_fixture_remove);

static unsigned warnings;
static char last_warning[1024];

static void count_warning(void *arg, const char *text)
{
	(void)arg;
	warnings++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static struct store_devices unnamed;

static int run(const struct store_sys *sys, bool writable, char error[ERROR_TEXT_MAX])
{
	unnamed.count = 0;
	const struct trial trial = {.sys = sys,
				    .root_fd = store_root_fd,
				    .writable = writable,
				    .is_durable = true,
				    .unnamed = &unnamed,
				    .warn = count_warning};
	warnings = 0;
	error[0] = '\0';
	return trial_run(&trial, error);
}

static void is_good(bool writable)
{
	char error[ERROR_TEXT_MAX];
	struct stat st;

	cr_assert_eq(run(&faulty_sys, writable, error), 0, "%s", error);
	cr_assert_eq(warnings, 0, "%s", last_warning);
	cr_assert_eq(store_entries("."), 1, "only the bucket is there");
	cr_assert_eq(store_entries("bucket"), 0);
	cr_assert_eq(fstat(store_root_fd, &st), 0);
	cr_assert_eq(store_devices_have(&unnamed, st.st_dev), writable && faults.has_tmpfile);
}

Test(trial, good_root)
{
	is_good(false);
	is_good(true);
	faults.has_tmpfile = false;
	is_good(true);
}

/* As some network file systems do: O_TMPFILE and linkat go well, and the file is gone with its
 * descriptor. A PUT in the way that the trial has found keeps it. */
Test(trial, files_without_a_name_are_lost)
{
	const struct put_terms terms = {.mode = PUT_REPLACES};
	struct store_sys sys = faulty_sys;
	char error[ERROR_TEXT_MAX];
	struct stat st;

	faults.loses_tmpfile = true;
	cr_assert_eq(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700), 0);
	cr_assert_eq(run(&sys, true, error), 0, "%s", error);
	cr_expect_eq(warnings, 1, "said once: %s", last_warning);
	cr_expect_not_null(strstr(last_warning, "O_TMPFILE"), "%s", last_warning);
	cr_assert(fstat(store_root_fd, &st) == 0);
	cr_expect_not(store_devices_have(&unnamed, st.st_dev));
	cr_expect_eq(store_entries("."), 1);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
	for (int round = 0; round < 4; round++) {
		struct put put;
		sys.unnamed = round / 2 == 0 ? NULL : &unnamed;
		cr_assert_eq(put_begin(&put, &sys, store_root_fd, "bucket", "a/b", true), 0);
		cr_assert_eq(write(put.file_fd, "text", 4), 4);
		cr_assert_eq(put_commit(&put, "a/b", &terms, NULL), 0);
		put_end(&put);
		int fd = folder_open_file(&sys, store_root_fd, "bucket/a/b", O_RDONLY, 0);
		cr_expect_eq(fd >= 0, sys.unnamed != NULL, "round %d", round);
		if (fd >= 0)
			close(fd);
		cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
	}
}

/* Nobody warns of a root that merely has none. */
Test(trial, no_files_without_a_name)
{
	char error[ERROR_TEXT_MAX];

	faults.has_tmpfile = false;
	cr_assert_eq(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700), 0);
	cr_assert_eq(run(&faulty_sys, true, error), 0, "%s", error);
	cr_expect_eq(warnings, 0, "%s", last_warning);
	cr_expect_eq(unnamed.count, 0);
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}

/* A private folder of a bucket is where files are made: it is tried, and left as it was. */
Test(trial, private_folder)
{
	char error[ERROR_TEXT_MAX];

	cr_assert_eq(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700), 0);
	cr_assert_eq(run(&faulty_sys, true, error), 0, "%s", error);
	cr_assert_eq(warnings, 0, "%s", last_warning);
	cr_assert_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}

/* Whoever put it there looks for it in vain: said once, with how many there are. */
Test(trial, what_is_left_out_is_said)
{
	static const char *const folders[] = {"ab", "with blank", ".hidden", "lost+found", "good"};
	char error[ERROR_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		cr_assert_eq(mkdirat(store_root_fd, folders[i], 0700), 0);
	cr_assert_eq(run(&faulty_sys, false, error), 0, "%s", error);
	cr_expect_eq(warnings, 1);
	cr_expect_not_null(strstr(last_warning,
				  "3 folders whose names no bucket can have, 0 files, "
				  "0 symbolic links, 0 others"),
			   "%s", last_warning);
	for (int i = 0; i < 5; i++) {
		char name[32];
		snprintf(name, sizeof(name), "file-%d", i);
		close(openat(store_root_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	cr_assert_eq(symlinkat("bucket", store_root_fd, "linked-bucket"), 0);
	cr_assert_eq(mkfifoat(store_root_fd, "fifo", 0600), 0);
	cr_assert_eq(run(&faulty_sys, true, error), 0, "%s", error);
	cr_expect_eq(warnings, 1);
	cr_expect_not_null(strstr(last_warning,
				  "3 folders whose names no bucket can have, 5 files, "
				  "1 symbolic links, 1 others; the first: \""),
			   "%s", last_warning);
	unsigned quotes = 0;
	for (const char *at = last_warning; (at = strchr(at, '"')) != NULL; at++)
		quotes++;
	cr_expect_eq(quotes, 6, "three names: %s", last_warning);
}

/* An unlink that failed leaves its file. */
static void remove_leftovers(void)
{
	static const char *const folders[] = {".", "bucket/" STORE_PRIVATE};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		int fd = openat(store_root_fd, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) /* this test has no private folder */
			continue;
		DIR *dir = fdopendir(fd);
		must(dir != NULL);
		for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
			if (strncmp(entry->d_name, TRIAL_PREFIX, sizeof(TRIAL_PREFIX) - 1) == 0)
				unlinkat(dirfd(dir), entry->d_name, 0);
		closedir(dir);
	}
}

/* A bucket that is written alone, on a file system without O_TMPFILE: an upload will make a named
 * file in the private folder that is to come. */
Test(trial, bucket_without_tmpfile)
{
	char error[ERROR_TEXT_MAX];
	bool is_served = false;

	faults.has_tmpfile = false;
	for (int n = 1;; n++) { /* the root refuses the trial's file, whichever call that is */
		warnings = 0;
		last_warning[0] = '\0';
		faults_begin(EROFS, n);
		int r = run(&faulty_sys, true, error);
		bool has_failed = faults_end();
		remove_leftovers();
		if (!has_failed)
			break;
		is_served =
			is_served || (r == 0 && strstr(last_warning, "none can be made") != NULL);
	}
	cr_assert(is_served);
}

/* Every call fails once, with an errno that no call may take for something else. */
static void each_call_fails(int error_number, bool has_tmpfile)
{
	char error[ERROR_TEXT_MAX];
	int before = store_descriptors();

	for (int n = 1;; n++) {
		faults.has_tmpfile = has_tmpfile;
		faults_begin(error_number, n);
		int r = run(&faulty_sys, true, error);
		if (!faults_end()) {
			cr_assert_gt(n, 10, "the trial makes calls");
			break;
		}
		cr_assert(r < 0 || warnings > 0, "call %d failed with %s and nothing was said", n,
			  strerrorname_np(error_number));
		if (r < 0)
			cr_assert_not_null(strstr(error, strerrorname_np(error_number)),
					   "call %d: %s", n, error);
		cr_assert_eq(store_descriptors(), before, "call %d: a descriptor is lost", n);
		remove_leftovers();
	}
}

Test(trial, each_call_fails)
{
	cr_assert_eq(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700), 0);
	each_call_fails(EIO, true);
	each_call_fails(EIO, false);
	each_call_fails(ENOSYS, true);
}

/* A full disk keeps nobody from reading and deleting. */
Test(trial, full_disk_is_a_warning)
{
	char error[ERROR_TEXT_MAX];
	bool is_warned = false;

	for (int n = 1;; n++) {
		faults_begin(ENOSPC, n);
		int r = run(&faulty_sys, true, error);
		if (!faults_end())
			break;
		is_warned =
			is_warned || (r == 0 && strstr(last_warning, "uploads will fail") != NULL);
		remove_leftovers();
	}
	cr_assert(is_warned);
}

/* ---- Rights --------------------------------------------------------------------------------- */

/* Runs as nobody, which has no rights of root's; the result of trial_run. */
static int run_as_nobody(bool writable, const char *says)
{
	int status;
	pid_t child = fork();

	must(child >= 0);
	if (child == 0) {
		char error[ERROR_TEXT_MAX];
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(255);
		int r = run(&store_sys_kernel, writable, error);
		_exit(says == NULL || strstr(r < 0 ? error : last_warning, says) != NULL ? -r
											 : 254);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

Test(trial, rights)
{
	if (geteuid() != 0)
		cr_skip_test("it takes root to become another user");
	fchmod(store_root_fd, 0700);
	cr_assert_eq(run_as_nobody(false, "EACCES"), -EACCES, "may not enter");
	fchmod(store_root_fd, 0711);
	cr_assert_eq(run_as_nobody(false, "EACCES"), -EACCES, "may not list");
	fchmod(store_root_fd, 0755);
	cr_assert_eq(run_as_nobody(false, "bucket bucket"), 0, "warns of the bucket");
	cr_assert_eq(fchmodat(store_root_fd, "bucket", 0755, 0), 0);
	cr_assert_eq(run_as_nobody(false, NULL), 0, "reads");
	cr_assert_eq(run_as_nobody(true, "EACCES"), -EACCES, "may not write");
	cr_assert_eq(fchmodat(store_root_fd, "bucket", 0777, 0), 0);
	cr_assert_eq(run_as_nobody(true, "none can be made"), 0, "writes in the bucket");
	cr_assert_eq(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0755), 0);
	cr_assert_eq(run_as_nobody(true, "EACCES"), -EACCES,
		     "the private folder is another user's");
	fchmod(store_root_fd, 0777);
	cr_assert_eq(run_as_nobody(true, "bucket bucket"), 0, "... of one bucket");
}

/* Versions need nanoseconds, or attributes. */
static int no_attributes(int fd, const char *name, const void *value, size_t size, int flags)
{
	(void)fd, (void)name, (void)value, (void)size, (void)flags;
	errno = EOPNOTSUPP;
	return -1;
}

Test(trial, versions)
{
	struct store_sys sys = faulty_sys;
	char error[ERROR_TEXT_MAX];

	faults.has_coarse_times = true;
	cr_expect_eq(run(&sys, true, error), 0, "%s", error);
	cr_expect_eq(warnings, 1);
	cr_expect_not_null(strstr(last_warning, "nanoseconds"), "%s", last_warning);
	sys.fsetxattr = no_attributes;
	cr_expect_eq(run(&sys, true, error), -EOPNOTSUPP);
	cr_expect_not_null(strstr(error, "no version"), "%s", error);
	cr_expect_eq(run(&sys, false, error), 0, "%s", error);
	faults.has_coarse_times = false;
	cr_expect_eq(run(&sys, true, error), 0, "%s", error);
	cr_expect_not_null(strstr(last_warning, "metadata"), "%s", last_warning);
	const struct trial with_md5 = {.sys = &sys,
				       .root_fd = store_root_fd,
				       .writable = true,
				       .needs_attributes = true,
				       .warn = count_warning};
	cr_expect_eq(trial_run(&with_md5, error), -EOPNOTSUPP);
	cr_expect_not_null(strstr(error, "--etag=md5"), "%s", error);
}
