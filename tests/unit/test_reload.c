/* SPDX-License-Identifier: Apache-2.0 */
/* When files are read again: the clock is the test's, the folder a real one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "server/reload.h"

struct fixture {
	struct reload *reload;
	char dir[64];
	struct config config;
	bool is_good;
	bool is_part;    /* it is not good, but some of it is */
	const char *why; /* it is not good */
	unsigned loads;
	unsigned adopted;
	unsigned refused;
	char error[ERROR_TEXT_MAX];
	uint64_t now_ms;
};

static struct fixture f;
static struct trust token; /* what load gives: reload hands it on and never looks inside but for the
			    * names of files */

static struct trust *load(void *arg, char error[ERROR_TEXT_MAX])
{
	struct fixture *fixture = arg;
	bool is_part = fixture->is_part;
	fixture->loads++;
	fixture->is_part = false; /* it is news once */
	token.config = &fixture->config;
	if (!fixture->is_good)
		snprintf(error, ERROR_TEXT_MAX, "%s", fixture->why);
	return fixture->is_good || is_part ? &token : NULL;
}

static void adopt(void *arg, struct trust *trust, bool is_whole)
{
	struct fixture *fixture = arg;
	cr_assert_eq(trust, &token);
	fixture->adopted++;
	cr_assert_eq(is_whole, fixture->is_good);
}

static void refused(void *arg, const char *error)
{
	struct fixture *fixture = arg;
	fixture->refused++;
	snprintf(fixture->error, sizeof(fixture->error), "%s", error);
}

static void file_write(const char *name, const char *text)
{
	char path[128], new[128];
	snprintf(path, sizeof(path), "%s/%s", f.dir, name);
	snprintf(new, sizeof(new), "%s/new", f.dir);
	FILE *file = fopen(new, "w");
	must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	must(rename(new, path) == 0);
}

static void setup(void)
{
	const struct reload_owner owner = {
		.load = load, .adopt = adopt, .refused = refused, .arg = &f};
	strcpy(f.dir, "/tmp/sluice-reload-XXXXXX");
	must(mkdtemp(f.dir) != NULL);
	file_write("crt", "1");
	file_write("key", "1");
	file_write("ca", "1");
	snprintf(f.config.tls.cert_file, PATH_MAX, "%s/crt", f.dir);
	snprintf(f.config.tls.key_file, PATH_MAX, "%s/key", f.dir);
	snprintf(f.config.tls.client_ca_file, PATH_MAX, "%s/ca", f.dir);
	f.now_ms = 1000;
	f.is_good = true;
	f.why = "bad";
	f.reload = reload_new(&owner, &f.config, f.now_ms);
	cr_assert_not_null(f.reload);
}

static void teardown(void)
{
	char command[128];
	reload_free(f.reload);
	snprintf(command, sizeof(command), "rm -rf %s", f.dir);
	must(system(command) == 0);
}

TestSuite(reload, .init = setup, .fini = teardown);

static void pass(uint64_t ms)
{
	f.now_ms += ms;
	reload_step(f.reload, f.now_ms);
}

/* Does inotify tell, before anything is looked at by the clock? */
static void is_told(void)
{
	struct pollfd wait = reload_poll(f.reload);
	cr_assert_geq(wait.fd, 0);
	cr_assert_eq(poll(&wait, 1, 60000), 1);
	pass(0);
}

Test(reload, nothing_changes)
{
	for (int i = 0; i < 10; i++)
		pass(RELOAD_LOOK_MS);
	cr_assert_eq(f.loads, 0);
}

Test(reload, a_change_is_read_once_when_it_has_settled)
{
	file_write("crt", "2");
	is_told();
	cr_assert_eq(f.loads, 0);
	cr_assert_leq(reload_timeout_ms(f.reload, f.now_ms), RELOAD_SETTLE_MS);
	file_write("key", "2");
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.loads, 1);
	cr_assert_eq(f.adopted, 1);
	for (int i = 0; i < 10; i++)
		pass(RELOAD_LOOK_MS);
	cr_assert_eq(f.loads, 1);
}

Test(reload, other_files_of_the_folder_do_not_count)
{
	file_write("other", "1");
	is_told();
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.loads, 0);
}

Test(reload, what_looks_broken_is_tried_again)
{
	f.is_good = false;
	file_write("crt", "2");
	is_told();
	pass(RELOAD_SETTLE_MS);
	pass(RELOAD_RETRY_MS);
	pass(RELOAD_RETRY_MS);
	cr_assert_eq(f.loads, 3);
	cr_assert_eq(f.refused, 0);
	f.is_good = true;
	pass(RELOAD_RETRY_MS);
	cr_assert_eq(f.adopted, 1);
	cr_assert_eq(f.refused, 0);
	pass(10 * RELOAD_LOOK_MS);
	cr_assert_eq(f.loads, 4);
}

Test(reload, what_stays_broken_is_refused_once)
{
	f.is_good = false;
	file_write("crt", "2");
	is_told();
	for (unsigned ms = 0; ms <= RELOAD_SETTLE_MS + RELOAD_GIVE_UP_MS; ms += RELOAD_RETRY_MS)
		pass(RELOAD_RETRY_MS);
	cr_assert_eq(f.refused, 1);
	cr_assert_str_eq(f.error, "bad");
	for (unsigned i = 0; i < 10; i++)
		pass(RELOAD_LOOK_MS);
	cr_assert_eq(f.refused, 1);
	file_write("crt", "3"); /* mended */
	f.is_good = true;
	is_told();
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.adopted, 1);
}

/* A file that is still being written has its time again. */
Test(reload, a_change_in_between_begins_anew)
{
	f.is_good = false;
	file_write("crt", "2");
	is_told();
	pass(RELOAD_SETTLE_MS);
	for (unsigned i = 0; i < 4; i++) {
		file_write("crt", "3");
		pass(RELOAD_GIVE_UP_MS - RELOAD_RETRY_MS);
	}
	cr_assert_eq(f.refused, 0);
}

Test(reload, asked_for_it_reads_what_has_not_changed)
{
	const char *error;
	uint64_t ticket = reload_request(f.reload, f.now_ms);

	cr_assert_eq(reload_state(f.reload, ticket, &error), RELOAD_PENDING);
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.loads, 1);
	cr_assert_eq(reload_state(f.reload, ticket, &error), RELOAD_DONE);
}

/* What is good of it is in force at once; of the rest the owner hears when it stays broken. */
Test(reload, what_is_good_in_part)
{
	f.is_good = false;
	f.is_part = true;
	file_write("crt", "2");
	is_told();
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.adopted, 1);
	cr_assert_eq(f.refused, 0);
	for (unsigned ms = 0; ms <= RELOAD_GIVE_UP_MS; ms += RELOAD_RETRY_MS)
		pass(RELOAD_RETRY_MS);
	cr_assert_eq(f.adopted, 1);
	cr_assert_eq(f.refused, 1);
	const char *error;
	uint64_t ticket = reload_request(f.reload, f.now_ms);
	for (unsigned ms = 0; ms <= RELOAD_SETTLE_MS + RELOAD_GIVE_UP_MS; ms += RELOAD_RETRY_MS)
		pass(RELOAD_RETRY_MS);
	cr_assert_eq(reload_state(f.reload, ticket, &error), RELOAD_REFUSED);
	f.is_good = true;
	pass(RELOAD_LOOK_MS);
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.adopted, 2, "it is looked at again without an event");
}

Test(reload, a_request_is_refused_with_its_reason)
{
	const char *error;
	uint64_t ticket;

	f.is_good = false;
	ticket = reload_request(f.reload, f.now_ms);
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(reload_state(f.reload, ticket, &error), RELOAD_PENDING);
	pass(RELOAD_GIVE_UP_MS);
	cr_assert_eq(reload_state(f.reload, ticket, &error), RELOAD_REFUSED);
	cr_assert_str_eq(error, "bad");
}

static void be_refused(void)
{
	f.is_good = false;
	file_write("crt", "2");
	is_told();
	pass(RELOAD_SETTLE_MS);
	pass(RELOAD_GIVE_UP_MS);
	cr_assert_eq(f.refused, 1);
}

/* A list that was not valid yet by this machine's clock, want of descriptors: nothing of the files
 * changes, but they are good now. */
Test(reload, what_was_refused_is_looked_at_again)
{
	be_refused();
	f.is_good = true;
	pass(RELOAD_LOOK_MS);
	cr_assert_eq(f.adopted, 1);
	unsigned loads = f.loads;
	for (unsigned i = 0; i < 10; i++)
		pass(RELOAD_LOOK_MS);
	cr_assert_eq(f.loads, loads);
}

Test(reload, another_reason_is_told)
{
	be_refused();
	f.why = "worse";
	pass(RELOAD_LOOK_MS);
	pass(RELOAD_LOOK_MS);
	cr_assert_eq(f.refused, 2);
	cr_assert_str_eq(f.error, "worse");
}

/* Who asks is told, whatever was told before. */
Test(reload, a_request_after_a_refusal)
{
	const char *error;

	be_refused();
	uint64_t ticket = reload_request(f.reload, f.now_ms);
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(reload_state(f.reload, ticket, &error), RELOAD_PENDING);
	pass(RELOAD_GIVE_UP_MS);
	cr_assert_eq(reload_state(f.reload, ticket, &error), RELOAD_REFUSED);
	cr_assert_eq(f.refused, 2);
}

/* The configuration names other files now: those are watched from here on. */
Test(reload, files_elsewhere)
{
	file_write("crt", "2");
	file_write("crt2", "1");
	is_told();
	snprintf(f.config.tls.cert_file, PATH_MAX, "%s/crt2", f.dir);
	pass(RELOAD_SETTLE_MS);
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.adopted, 2); /* once more: it was not watched while it was read */
	file_write("crt2", "2");
	is_told();
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.adopted, 3);
}

/* Nobody tells of a link's target elsewhere that is replaced by a folder's rename: the look does.
 */
Test(reload, what_inotify_does_not_see)
{
	char first[128], second[128], link_path[128], away[128];

	snprintf(first, sizeof(first), "%s/a", f.dir);
	snprintf(second, sizeof(second), "%s/b", f.dir);
	snprintf(away, sizeof(away), "%s/c", f.dir);
	must(mkdir(first, 0755) == 0 && mkdir(second, 0755) == 0);
	file_write("a/crt", "1");
	file_write("b/crt", "2");
	snprintf(link_path, sizeof(link_path), "%s/link", f.dir);
	must(symlink("a/crt", link_path) == 0);
	snprintf(f.config.tls.cert_file, PATH_MAX, "%s", link_path);
	reload_request(f.reload, f.now_ms);
	pass(RELOAD_SETTLE_MS);
	pass(RELOAD_SETTLE_MS);
	unsigned adopted = f.adopted;
	must(rename(first, away) == 0 && rename(second, first) == 0);
	pass(RELOAD_LOOK_MS);
	pass(RELOAD_SETTLE_MS);
	cr_assert_eq(f.adopted, adopted + 1);
}
