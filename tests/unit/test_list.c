/* SPDX-License-Identifier: Apache-2.0 */
/* Listing against a reference that collects every key, sorts by bytes and groups naively; among
 * writers and removers; under every fault; and what a page costs. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "store/list.h"
#include "store/names.h"
#include "unit/store_fixture.h"

TestSuite(list, .init = store_fixture_make, .fini = store_fixture_remove);

#define KEYS_MAX 100000

static char *keys[KEYS_MAX]; /* sorted by make_order */
static unsigned key_count;

static size_t size_of(const char *key)
{
	return store_key_is_marker(key) ? 0 : strlen(key) % 10;
}

/* One that ends in '/' is a marker. */
static void make_key(const char *key)
{
	char path[2048];
	bool is_marker = store_key_is_marker(key);
	snprintf(path, sizeof(path), "bucket/%s%s", key, is_marker ? STORE_MARKER : "");
	for (char *at = path + 7; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		if (mkdirat(store_root_fd, path, 0700) < 0 && errno != EEXIST)
			return; /* below an object */
		*at = '/';
	}
	int fd = openat(store_root_fd, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return; /* there already, or a folder of another */
	must(write(fd, "0123456789", size_of(key)) >= 0);
	close(fd);
	must(key_count < KEYS_MAX);
	keys[key_count++] = strdup(key);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void make_order(void)
{
	qsort(keys, key_count, sizeof(*keys), compare);
}

/* What the whole listing is, naively: entries of text, each "key" or "prefix". */
static unsigned reference(const struct list_query *query, char **out)
{
	const char *prefix = query->prefix, *delimiter = query->delimiter;
	unsigned count = 0;
	for (unsigned i = 0; i < key_count; i++) {
		const char *key = keys[i], *at = NULL;
		if (strncmp(key, prefix, strlen(prefix)) != 0 || strcmp(key, query->after) <= 0)
			continue;
		if (*delimiter != '\0')
			at = strstr(key + strlen(prefix), delimiter);
		size_t len = at != NULL ? (size_t)(at - key) + strlen(delimiter) : strlen(key);
		char *text = strndup(key, len);
		if ((count > 0 && strcmp(out[count - 1], text) == 0) ||
		    (query->is_after_told && strcmp(query->after, text) == 0))
			free(text);
		else
			out[count++] = text;
	}
	return count;
}

/* Follows the pages to their end and compares. Returns how many pages there were. */
static unsigned expect_listing_from(struct list_query query)
{
	static char *wanted[KEYS_MAX];
	unsigned count = reference(&query, wanted), at = 0, pages = 0;
	char after[2048];
	struct list_page page;

	strcpy(after, query.after);
	query.after = after;
	do {
		int r = list_run(&faulty_sys, store_root_fd, "bucket", &query, &page);
		cr_assert_eq(r, 0, "%s", strerror(-r));
		cr_assert_leq(page.count, query.max);
		for (unsigned i = 0; i < page.count; i++, at++) {
			cr_assert_lt(at, count, "\"%s\" is too much", page.entry[i].text);
			cr_assert_str_eq(page.entry[i].text, wanted[at],
					 "prefix \"%s\" delimiter \"%s\" after \"%s\" max %u",
					 query.prefix, query.delimiter, after, query.max);
			if (!page.entry[i].is_prefix)
				cr_assert_eq(page.entry[i].size, size_of(wanted[at]));
		}
		cr_assert_eq(page.is_truncated, at < count, "\"%s\" \"%s\": exact", query.prefix,
			     query.delimiter);
		if (page.count > 0)
			strcpy(after, page.entry[page.count - 1].text);
		query.is_after_told = true;
		pages++;
		list_fini(&page);
	} while (at < count);
	for (unsigned i = 0; i < count; i++)
		free(wanted[i]);
	return pages;
}

static unsigned expect_listing(const char *prefix, const char *delimiter, unsigned max)
{
	return expect_listing_from((struct list_query){
		.prefix = prefix, .delimiter = delimiter, .after = "", .max = max});
}

/* ---- Against the reference ------------------------------------------------------------------- */

static void make_random_tree(unsigned seed, unsigned count)
{
	static const char *const parts[] = {"a", "b", "ab", "a-",       "a+1", "a0",
					    "-", "+", "aa", "\xc3\xa9", "b.",  "A"};
	srand(seed);
	for (unsigned i = 0; i < count; i++) {
		char key[256] = "";
		for (int depth = rand() % 4; depth >= 0; depth--) {
			strcat(key, parts[(unsigned)rand() % ARRAY_LEN(parts)]);
			if (depth > 0 || rand() % 8 == 0)
				strcat(key, "/");
		}
		make_key(key);
	}
	make_order();
}

Test(list, random_trees)
{
	static const char *const prefixes[] = {
		"",          "a",  "a/",   "a/a", "a/b/", "b",      "a-",  "a+", "aa/",   "\xc3",
		"\xc3\xa9/", "zz", "a//b", "/",   "..",   "a/../a", "./a", "A",  "ab/a/", "a/b/a"};
	static const char *const delimiters[] = {"", "/", "-", "a", "ab", "//", "/a", "+1/"};
	static const unsigned pages[] = {1, 2, 3, 7, 1000};

	for (unsigned seed = 1; seed <= 3; seed++) {
		make_random_tree(seed, 120);
		must(mkdirat(store_root_fd, "bucket/empty", 0700) == 0 || errno == EEXIST);
		must(mkdirat(store_root_fd, "bucket/empty/too", 0700) == 0 || errno == EEXIST);
		must(mkdirat(store_root_fd, "bucket/a/nothing", 0700) == 0 || errno == EEXIST);
		must(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700) == 0 || errno == EEXIST);
		close(openat(store_root_fd, "bucket/" STORE_PRIVATE "/tmp-x",
			     O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		must(symlinkat("a", store_root_fd, "bucket/link") == 0 || errno == EEXIST);
		must(mkfifoat(store_root_fd, "bucket/empty/fifo", 0600) == 0 || errno == EEXIST);
		close(openat(store_root_fd, "bucket/empty/not\xff utf8",
			     O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		for (size_t p = 0; p < ARRAY_LEN(prefixes); p++)
			for (size_t d = 0; d < ARRAY_LEN(delimiters); d++)
				for (size_t m = 0; m < ARRAY_LEN(pages); m++)
					expect_listing(prefixes[p], delimiters[d], pages[m]);
	}
}

/* In the middle of a common prefix, at its end, and where nothing is. */
Test(list, from_anywhere)
{
	static const char *const prefixes[] = {"", "a", "a/", "ab/a"};
	static const char *const delimiters[] = {"", "/", "a", "/a", "+1/"};
	static const char *const ends[] = {"", "/", "!", "a", "\x7f", "/\xef\xbf\xbf"};

	make_random_tree(4, 60);
	for (unsigned i = 0; i < key_count; i++) {
		for (size_t cut = 1; cut <= strlen(keys[i]); cut++) {
			char after[300];
			snprintf(after, sizeof(after), "%.*s%s", (int)cut, keys[i],
				 ends[(i + cut) % ARRAY_LEN(ends)]);
			for (unsigned p = 0; p < ARRAY_LEN(prefixes) * ARRAY_LEN(delimiters); p++)
				expect_listing_from((struct list_query){
					.prefix = prefixes[p % ARRAY_LEN(prefixes)],
					.delimiter = delimiters[p / ARRAY_LEN(prefixes)],
					.after = after,
					.is_after_told = (i + p) % 2,
					.max = 1 + p * 7});
		}
	}
}

Test(list, a_folder_stands_where_its_slash_does)
{
	static const char *const some[] = {"foo/x", "foo+1/x", "foo", "foo0", "foo-", "fo"};
	struct list_page page;

	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		make_key(some[i]); /* "foo" is a folder already: not made */
	make_order();
	expect_listing("", "", 1);
	const struct list_query query = {"", "/", "", true, 10};
	cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
	static const char *const wanted[] = {"fo", "foo+1/", "foo-", "foo/", "foo0"};
	cr_assert_eq(page.count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		cr_expect_str_eq(page.entry[i].text, wanted[i]);
	cr_expect_not(page.is_truncated);
	list_fini(&page);
}

Test(list, private_and_absent_places)
{
	struct list_page page;
	make_key("a");
	must(mkdirat(store_root_fd, "bucket/" STORE_PRIVATE, 0700) == 0);
	close(openat(store_root_fd, "bucket/" STORE_PRIVATE "/x", O_CREAT | O_WRONLY | O_CLOEXEC,
		     0600));
	static const char *const prefixes[] = {STORE_PRIVATE, STORE_PRIVATE "/", STORE_PRIVATE "/x",
					       "a/", "b/c/"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		const struct list_query query = {prefixes[i], "", "", true, 10};
		cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
		cr_expect_eq(page.count, 0, "%s", prefixes[i]);
		list_fini(&page);
	}
	const struct list_query query = {"", "", "", true, 10};
	cr_expect_eq(list_run(&faulty_sys, store_root_fd, "nowhere", &query, &page), -ENOENT);
	cr_expect_eq(list_run(&faulty_sys, store_root_fd, "bucket/a", &query, &page), -ENOENT);
	const struct list_query none = {"", "", "", true, 0};
	cr_expect_eq(list_run(&faulty_sys, store_root_fd, "bucket", &none, &page), 0);
	cr_expect_not(page.is_truncated);
	list_fini(&page);
}

/* ---- While others write and remove ----------------------------------------------------------- */

/* Between two pages: half of what may go goes (or comes back), and something new comes. */
static void disturb(unsigned round)
{
	char key[64];

	for (int i = 1; i < 300; i += 3) {
		snprintf(key, sizeof(key), "bucket/%03d/goes", i);
		if (round % 2 == 0)
			unlinkat(store_root_fd, key, 0);
		else
			make_key(key + 7);
		snprintf(key, sizeof(key), "%03d/new%u", i, round);
		if (round < 10)
			make_key(key);
	}
}

/* Keys that are there all the time come once each, whatever comes and goes around them. */
static void pages_among_others(const char *delimiter)
{
	char after[64] = "", wanted[64];
	unsigned seen = 0;
	bool is_over = false;
	struct list_page page;

	for (unsigned round = 0; !is_over; round++) {
		const struct list_query query = {"", delimiter, after, true, 7};
		cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
		for (unsigned i = 0; i < page.count; i++) {
			const char *text = page.entry[i].text;
			cr_assert_gt(strcmp(text, after), 0, "%s behind %s", text, after);
			strcpy(after, text);
			if (atoi(text) % 3 != 0)
				continue;
			snprintf(wanted, sizeof(wanted), "%03u/%s", seen++ * 3,
				 *delimiter == '\0' ? "stays" : "");
			cr_assert_str_eq(text, wanted);
		}
		is_over = !page.is_truncated;
		list_fini(&page);
		disturb(round);
	}
	cr_expect_eq(seen, 100);
}

Test(list, pages_among_writers_and_removers)
{
	char key[64];

	for (int i = 0; i < 300; i += 3) {
		snprintf(key, sizeof(key), "%03d/stays", i);
		make_key(key);
		snprintf(key, sizeof(key), "%03d/goes", i + 1);
		make_key(key);
	}
	pages_among_others("");
	pages_among_others("/");
}

/* ---- What a page costs ----------------------------------------------------------------------- */

#define WIDE 100000

static int page_calls(const char *after, unsigned *count)
{
	struct list_page page;
	const struct list_query query = {"wide/", "/", after, true, 1000};
	faults.calls = 0;
	cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
	*count = page.count;
	list_fini(&page);
	return faults.calls;
}

Test(list, a_page_costs_the_same_at_the_end)
{
	char key[64];
	unsigned first_count, last_count;

	must(mkdirat(store_root_fd, "bucket/wide", 0700) == 0);
	int dir_fd = openat(store_root_fd, "bucket/wide", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < WIDE; i++) {
		snprintf(key, sizeof(key), "%06u", i * 7919 % WIDE);
		close(openat(dir_fd, key, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	close(dir_fd);
	int first = page_calls("", &first_count);
	int last = page_calls("wide/098998", &last_count);
	cr_expect_eq(first_count, 1000);
	cr_expect_eq(last_count, 1000);
	cr_expect_leq(abs(first - last), 2, "%d calls at the start, %d at the end", first, last);
	/* 1,000 stats, and one pass over the folder: about 30 bytes an entry. */
	cr_expect_lt(last, 1000 + WIDE * 40 / 32768 + 20, "%d calls", last);
}

/* What is in the prefix that was told last fills no batches. */
Test(list, many_keys_of_one_prefix_are_few_passes)
{
	char key[64];
	struct list_page page;
	const struct list_query query = {"", "-", "", true, 1};
	const struct list_query behind = {"", "-", "k-", true, 1};

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "bucket/k-%06u", i * 7919 % 5000);
		close(openat(store_root_fd, key, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	for (int i = 0; i < 2; i++) {
		faults.calls = 0;
		cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket",
				      i == 0 ? &query : &behind, &page),
			     0);
		cr_expect_eq(page.count, i == 0);
		cr_expect_not(page.is_truncated);
		cr_expect_lt(faults.calls, 5 * (5000 * 40 / 32768 + 2), "%d calls", faults.calls);
		list_fini(&page);
	}
}

/* A parent is not read again for each of its folders. */
Test(list, many_folders_are_one_pass_of_their_parent)
{
	char key[64];
	struct list_page page;
	for (unsigned i = 0; i < 900; i++) {
		snprintf(key, sizeof(key), "%04u/index", i);
		make_key(key);
	}
	const struct list_query query = {"", "", "", true, 1000};
	faults.calls = 0;
	cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
	cr_expect_eq(page.count, 900);
	list_fini(&page);
	/* Of each folder: open, two reads, one stat. */
	cr_expect_lt(faults.calls, 900 * 4 + 50, "%d calls", faults.calls);
}

/* ---- Depth ----------------------------------------------------------------------------------- */

#define STACK_BYTES   (64u << 10)
#define DESCRIPTORS   8 /* of a listing, at most */
#define DEEP_KEY(end) deep_key((char[OBJECT_KEY_BYTES_MAX + 1]){""}, end)

/* "d/d/.../end": 511 folders. */
static const char *deep_key(char *out, const char *end)
{
	char *at = out;
	for (int i = 0; i < 511; i++)
		at = stpcpy(at, "d/");
	strcpy(at, end);
	return out;
}

/* A file of another name in each of its folders, too: the walk comes back to all of them. */
static void make_deep_tree(void)
{
	char path[OBJECT_KEY_BYTES_MAX + 1] = "";

	for (int i = 0; i < 511; i++) {
		if (i % 2 == 0) {
			strcat(path, "e");
			make_key(path);
			path[strlen(path) - 1] = '\0';
		}
		strcat(path, "d/");
	}
	make_key(DEEP_KEY("ab"));
	make_key(DEEP_KEY(""));
	make_order();
}

static void *list_deep(void *arg)
{
	static const char *const delimiters[] = {"", "/", "e"};
	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(delimiters); i++) {
		expect_listing("", delimiters[i], 1000);
		expect_listing("", delimiters[i], 7);
		expect_listing(DEEP_KEY("a"), delimiters[i], 7);
	}
	return NULL;
}

/* As the pool's threads are where stacks are small, with a hand's breadth of descriptors. */
Test(list, deep_keys_on_a_small_stack_with_few_descriptors)
{
	struct rlimit limit, was;
	pthread_attr_t attr;
	pthread_t thread;

	make_deep_tree();
	must(getrlimit(RLIMIT_NOFILE, &was) == 0);
	limit = was;
	int lowest = dup(store_root_fd); /* all below it are taken */
	must(lowest >= 0 && close(lowest) == 0);
	limit.rlim_cur = (rlim_t)lowest + DESCRIPTORS;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	must(pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	cr_assert_eq(pthread_create(&thread, &attr, list_deep, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attr);
	must(setrlimit(RLIMIT_NOFILE, &was) == 0); /* who removes the tree opens all of it */
}

/* The folder's key comes before those in it; a folder is not listed for its keys alone. */
Test(list, markers)
{
	static const char *const some[] = {"a/", "a/b", "a/c/", "a!", "a0", "d/e/", "f/g"};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		make_key(some[i]);
	make_order();
	snprintf(path, sizeof(path), "bucket/%s", STORE_MARKER);
	close(openat(store_root_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* of no key */
	for (unsigned max = 1; max < 9; max++) {
		expect_listing("", "", max);
		expect_listing("", "/", max);
		expect_listing("a", "/", max);
		expect_listing("a/", "/", max);
		expect_listing("a/", "", max);
		expect_listing("d/e/", "/", max);
		expect_listing("d/", "/", max);
		expect_listing("f/", "/", max);
	}
}

/* A common prefix without an object behind it: the probe goes down, and comes back up. */
Test(list, empty_folders_are_looked_through_at_any_depth)
{
	struct list_page page;
	char path[2048] = "bucket/empty";

	for (int i = 0; i < 500; i++) {
		must(mkdirat(store_root_fd, path, 0700) == 0);
		if (i % 10 == 0) {
			strcat(path, "/z");
			must(mkdirat(store_root_fd, path, 0700) == 0);
			path[strlen(path) - 2] = '\0';
		}
		strcat(path, "/a");
	}
	make_key("full/a");
	make_order();
	const struct list_query query = {"", "/", "", true, 1000};
	int open_before = store_descriptors();
	cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
	cr_assert_eq(page.count, 1);
	cr_expect_str_eq(page.entry[0].text, "full/");
	cr_expect_eq(store_descriptors(), open_before);
	list_fini(&page);
}

/* A tree of seven levels costs what its folders do: each is opened once, but for the few above the
 * deepest that are opened again when the walk comes back to them. */
Test(list, a_tree_of_some_levels_opens_its_folders_once)
{
	char key[128];
	struct list_page page;

	for (unsigned i = 0; i < 256; i++) {
		snprintf(key, sizeof(key), "t/y=%u/m=%u/d=%u/h=%u/part", i >> 6, i >> 4 & 3,
			 i >> 2 & 3, i & 3);
		make_key(key);
	}
	const struct list_query query = {"", "", "", true, 1000};
	faults.calls = 0;
	cr_assert_eq(list_run(&faulty_sys, store_root_fd, "bucket", &query, &page), 0);
	cr_expect_eq(page.count, 256);
	list_fini(&page);
	int folders = 1 + 1 + 4 + 16 + 64 + 256;
	/* Open and two reads of each, a stat of each file; the bucket; 3 times t, 12 times a year
	 * again. */
	cr_expect_leq(faults.calls, 3 * folders + 256 + 1 + 3 + 12, "%d calls", faults.calls);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

Test(list, every_fault_of_every_call)
{
	static const int errors[] = {EIO, EMFILE, ENFILE, ENOMEM, EACCES};
	static const char *const some[] = {"a/b/c", "a/d", "e", "f/g/h/i"};
	struct list_page page;

	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		make_key(some[i]);
	make_order();
	for (size_t i = 0; i < 2 * ARRAY_LEN(errors); i++) {
		int open_before = store_descriptors(), n = 0;
		for (bool has_failed = true; has_failed;) {
			const struct list_query query = {"", i % 2 ? "/" : "", "", true, 10};
			faults.calls = 0;
			faults.fails_with = errors[i / 2];
			faults.fails_at = ++n;
			int r = list_run(&faulty_sys, store_root_fd, "bucket", &query, &page);
			has_failed = faults.calls >= n;
			faults.fails_at = 0;
			cr_expect_eq(r, has_failed ? -errors[i / 2] : 0, "call %d: %d", n, r);
			cr_expect_eq(page.count, has_failed ? 0 : i % 2 ? 3 : 4);
			cr_expect_eq(store_descriptors(), open_before);
			list_fini(&page);
		}
		cr_expect_gt(n, 8);
	}
}
