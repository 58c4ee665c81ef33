/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define LISTING_MAX (256 * 1024)
#define CONTENT_MAX 256
#define NOBODY      65534

/* ---- What lies there -------------------------------------------------------------------- */

/* Everything about each entry but when it was read, and all that it holds. */
static void entry_describe(struct text *out, const char *path, const struct stat *st)
{
	char content[CONTENT_MAX] = "";

	if (S_ISREG(st->st_mode)) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);
		cr_assert(fd >= 0 && read(fd, content, sizeof(content) - 1) >= 0, "%s", path);
		close(fd);
	}
	text_printf(out,
		    "%s ino=%lu mode=%o links=%lu size=%ld mtime=%ld.%09ld ctime=%ld.%09ld %s\n",
		    path, (unsigned long)st->st_ino, st->st_mode, (unsigned long)st->st_nlink,
		    (long)st->st_size, (long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		    (long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec, content);
}

static void folder_describe(const struct jail *jail, struct text *out, const char *dir)
{
	struct dirent **entries;
	char path[PATH_MAX];
	struct stat st;
	int count = scandir(dir, &entries, NULL, alphasort);

	cr_assert_geq(count, 0, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		must(snprintf(path, sizeof(path), "%s/%s", dir, name) < PATH_MAX);
		if (strcmp(name, "..") != 0 && strcmp(path, jail->root) != 0) {
			cr_assert_eq(lstat(path, &st), 0);
			entry_describe(out, path, &st);
			if (S_ISDIR(st.st_mode) && strcmp(name, ".") != 0)
				folder_describe(jail, out, path);
		}
		free(entries[i]);
	}
	free(entries);
}

static char *describe(const struct jail *jail)
{
	struct text out;

	text_init(&out, LISTING_MAX);
	folder_describe(jail, &out, jail->dir);
	text_add(&out, "", 1);
	must(out.error == 0);
	return out.at; /* the caller's */
}

/* ---- Making it -------------------------------------------------------------------------- */

static void file_make(const struct jail *jail, const char *name, const char *text)
{
	/* Older than whatever the test does, and long not read. */
	const struct timespec times[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
	char path[PATH_MAX];

	must(snprintf(path, sizeof(path), "%s/%s", jail->dir, name) < PATH_MAX);
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file, "%s: %s", path, strerror(errno));
	fprintf(file, "%s\n", text);
	must(fclose(file) == 0);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void folder_make(const struct jail *jail, const char *name)
{
	char path[PATH_MAX];

	must(snprintf(path, sizeof(path), "%s/%s", jail->dir, name) < PATH_MAX);
	cr_assert_eq(mkdir(path, 0755), 0, "%s: %s", path, strerror(errno));
}

/* target: '@' is the path of JAIL/1/2, anything else stands as it is. */
static void link_make(const struct jail *jail, const char *name, const char *target)
{
	char path[PATH_MAX], absolute[PATH_MAX];

	must(snprintf(path, sizeof(path), "%s/%s", jail->root, name) < PATH_MAX);
	const char *place = strstr(target, "@/");
	if (place != NULL) {
		must(snprintf(absolute, sizeof(absolute), "%.*s%s%s", (int)(place - target), target,
			      jail->place, place + 1) < PATH_MAX);
		target = absolute;
	}
	cr_assert_eq(symlink(target, path), 0, "%s: %s", path, strerror(errno));
}

static void links_make(const struct jail *jail)
{
	static const char *const links[][2] = {
		{"data/links/abs-folder", "@/outside"},
		{"data/links/rel-folder", "../../../outside"},
		{"data/links/abs-file", "@/secret"},
		{"data/links/rel-file", "../../../secret"},
		{"data/links/deep-file", "@/outside/secret"},
		{"data/links/chain", "abs-folder"},
		{"data/links/dangling", "@/outside/new"},
		{"data/links/up", "../../.."},
		{"data/links/proc-jail", "/proc/self/root@/outside"},
		{"data/links/self", "self"},
		{"link-abs", "@/outside"},
		{"link-rel", "../outside"},
		{"link-up", ".."},
		{"link-proc-jail", "/proc/self/root@/outside"},
		{"trap-abs/.sluice", "@/outside"},
		{"trap-rel/.sluice", "../../outside/.sluice"},
		/* Not the test's: jail_is_real. */
		{"data/links/real-slash", "/"},
		{"data/links/real-etc", "/etc"},
		{"data/links/real-root", "/proc/self/root"},
		{"data/links/real-cwd", "/proc/self/cwd"},
		{"data/links/real-fd", "/proc/self/fd"},
		{"real-slash", "/"},
		{"real-root", "/proc/self/root"},
	};

	folder_make(jail, "1/2/root/data/links");
	folder_make(jail, "1/2/root/trap-abs");
	folder_make(jail, "1/2/root/trap-rel");
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		link_make(jail, links[i][0], links[i][1]);
}

static void word_make(char word[JAIL_WORD_BYTES], const char *prefix)
{
	uint64_t random[2];

	must(getrandom(random, sizeof(random), 0) == sizeof(random));
	snprintf(word, JAIL_WORD_BYTES, "%s%016lx%016lx", prefix, random[0], random[1]);
}

static void watch(struct jail *jail)
{
	static const char *const folders[] = {
		"", "/1", "/1/2", "/1/2/outside", "/1/2/outside/.sluice", "/1/2/beside"};
	char path[PATH_MAX];

	jail->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cr_assert_geq(jail->watch_fd, 0, "inotify: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		must(snprintf(path, sizeof(path), "%s%s", jail->dir, folders[i]) < PATH_MAX);
		cr_assert_geq(inotify_add_watch(jail->watch_fd, path, IN_ALL_EVENTS), 0, "%s: %s",
			      path, strerror(errno));
	}
}

/* So that a server that runs as nobody may write in its store, and could write beside it. */
static int owner_set(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return lchown(path, NOBODY, NOBODY);
}

static void secrets_make(const struct jail *jail)
{
	char name[NAME_MAX];

	folder_make(jail, "1");
	folder_make(jail, "1/2");
	folder_make(jail, "1/2/outside");
	folder_make(jail, "1/2/outside/.sluice");
	folder_make(jail, "1/2/beside");
	file_make(jail, "secret", jail->secret);
	file_make(jail, "1/secret", jail->secret);
	file_make(jail, "1/2/secret", jail->secret);
	file_make(jail, "1/2/outside/secret", jail->secret);
	file_make(jail, "1/2/beside/object", jail->secret);
	/* As a writer leaves one that has crashed: what a sweep would remove. */
	snprintf(name, sizeof(name), "1/2/outside/tmp-%s", jail->secret + 7);
	file_make(jail, name, jail->secret);
	snprintf(name, sizeof(name), "1/2/outside/.sluice/tmp-%s", jail->secret + 7);
	file_make(jail, name, jail->secret);
	snprintf(name, sizeof(name), "1/2/outside/%s", jail->hidden);
	file_make(jail, name, jail->secret);
}

void jail_make(struct jail *jail, struct wire_server *server)
{
	*jail = (struct jail){.watch_fd = -1};
	must(snprintf(jail->dir, sizeof(jail->dir), "%s", wire_server_root(server)) <
	     (int)sizeof(jail->dir));
	must(snprintf(jail->place, sizeof(jail->place), "%s/1/2", jail->dir) <
	     (int)sizeof(jail->place));
	must(snprintf(jail->root, sizeof(jail->root), "%s/root", jail->place) < PATH_MAX);
	word_make(jail->secret, "SECRET-");
	word_make(jail->hidden, "HIDDEN-");
	secrets_make(jail);
	folder_make(jail, "1/2/root");
	wire_pattern_write(jail->root, "data/size-100", 100, 100);
	links_make(jail);
	if (geteuid() == 0)
		cr_assert_eq(nftw(jail->dir, owner_set, 16, FTW_PHYS), 0);
	server->root = jail->root;
	server->unprivileged = true;
	jail->before = describe(jail);
	watch(jail);
}

/* ---- Looking ---------------------------------------------------------------------------- */

bool jail_is_real(const char *name)
{
	/* By a link of links_make; or by an absolute path. */
	return strstr(name, "real-") != NULL || strstr(name, "etc/passwd") != NULL ||
	       strstr(name, "proc/") != NULL || strstr(name, "dev/") != NULL;
}

bool jail_is_in(const struct jail *jail, const char *text)
{
	return strstr(text, jail->secret + 7) != NULL || strstr(text, jail->hidden) != NULL ||
	       strstr(text, "root:x:0:0") != NULL;
}

/* What happened beside the store: whoever opens the store itself passes by. */
static const char *event_find(struct jail *jail)
{
	static char what[PATH_MAX];
	_Alignas(struct inotify_event) char bytes[64 * 1024];
	ssize_t n;

	while ((n = read(jail->watch_fd, bytes, sizeof(bytes))) > 0) {
		for (char *at = bytes; at < bytes + n;) {
			const struct inotify_event *event = (const struct inotify_event *)at;
			const char *name = event->len > 0 ? event->name : "";
			at += sizeof(*event) + event->len;
			if (strcmp(name, "root") == 0)
				continue;
			snprintf(what, sizeof(what), "event 0x%x of folder %d \"%s\"", event->mask,
				 event->wd, name);
			return what;
		}
	}
	cr_assert_eq(errno, EAGAIN);
	return NULL;
}

const char *jail_check(struct jail *jail)
{
	const char *event = event_find(jail);

	close(jail->watch_fd);
	char *after = describe(jail);
	bool is_same = strcmp(jail->before, after) == 0;
	free(jail->before);
	free(after);
	if (event != NULL)
		return event;
	return is_same ? NULL : "what lies beside the store is not as it was";
}
