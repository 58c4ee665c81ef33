/* SPDX-License-Identifier: Apache-2.0 */
/* A root on a file system that loses what was made without a name: found by the trial, and then
 * nothing that was acknowledged is lost. By the kernel, over FUSE. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/put.h"
#include "store/trial.h"
#include "unit/fuse_fixture.h"
#include "unit/store_fixture.h"

static bool is_mounted;
static struct store_devices unnamed;
static struct store_sys sys;
static char warning[1024];

static void mount_root(void)
{
	store_fixture_make();
	must(mkdirat(store_root_fd, "m", 0700) == 0 && fchdir(store_root_fd) == 0);
	is_mounted = fuse_lossy_mount("m");
	close(store_root_fd);
	store_root_fd = open(is_mounted ? "m" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (is_mounted)
		must(mkdirat(store_root_fd, "bucket", 0700) == 0);
	sys = store_sys_kernel;
}

static void unmount_root(void)
{
	if (is_mounted) {
		close(store_root_fd);
		fuse_lossy_unmount("m");
		store_root_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	store_fixture_remove();
}

TestSuite(put_lossy, .init = mount_root, .fini = unmount_root, .timeout = 120);

static void take_warning(void *arg, const char *text)
{
	(void)arg;
	if (strstr(text, "O_TMPFILE") != NULL)
		strcpy(warning, text);
}

static void put_text(const char *key, const char *text)
{
	struct put put;

	cr_assert_eq(put_begin(&put, &sys, store_root_fd, "bucket", key, true), 0);
	cr_assert_eq(write(put.file_fd, text, strlen(text)), strlen(text));
	int r = put_commit(&put, key, &(struct put_terms){.mode = PUT_REPLACES}, NULL);
	cr_assert_eq(r, 0, "%d", r);
	put_end(&put);
}

Test(put_lossy, what_is_acknowledged_stays)
{
	const struct trial trial = {.sys = &sys,
				    .root_fd = store_root_fd,
				    .writable = true,
				    .is_durable = true,
				    .unnamed = &unnamed,
				    .warn = take_warning};
	char error[ERROR_TEXT_MAX];

	if (!is_mounted)
		cr_skip_test("it takes root, /dev/fuse and Linux 6.2");
	put_text("a/untried", "lost");
	cr_assert_null(store_contents("bucket/a/untried"), "this file system loses nothing");
	cr_assert_eq(trial_run(&trial, error), 0, "%s", error);
	cr_expect_eq(unnamed.count, 0);
	sys.unnamed = &unnamed;
	cr_expect_not_null(strstr(warning, "files are made with a name"), "%s", warning);
	put_text("a/b", "one");
	cr_expect_str_eq(store_contents("bucket/a/b"), "one");
	put_text("a/b", "two");
	cr_expect_str_eq(store_contents("bucket/a/b"), "two");
	cr_expect_eq(store_entries("bucket/" STORE_PRIVATE), 0);
}
