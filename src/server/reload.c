/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"

#define WATCH_EVENTS (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)
/* Events are read and forgotten: that there were some is all that counts. */
#define EVENT_BYTES  (16 * 1024)

/* What a file was when it was read. ctime: no write is missed, whatever mtime is set to. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec modified;
	struct timespec changed;
};

struct stamps {
	struct stamp of[CONFIG_TRUST_FILES];
};

struct reload {
	struct reload_owner owner;
	char file[CONFIG_TRUST_FILES][PATH_MAX]; /* "": none */
	int inotify_fd;                          /* -1: nothing tells, we look */
	struct stamps seen;                      /* of the last attempt that was decided */
	struct stamps tried;                     /* of the last attempt */
	uint64_t look_ms;                        /* when the files are looked at without an event */
	uint64_t due_ms;                         /* 0: nothing is due */
	uint64_t give_up_ms;
	uint64_t requested; /* tickets */
	uint64_t decided;
	bool is_refused;
	char error[ERROR_TEXT_MAX]; /* of the last refusal */
};

/* ---- The files ------------------------------------------------------------------------------- */

/* True: they are not the same as before. */
static bool name_files(struct reload *reload, const struct config *config)
{
	const char *files[CONFIG_TRUST_FILES];
	bool is_new = false;

	config_trust_files(config, files);
	for (int i = 0; i < CONFIG_TRUST_FILES; i++) {
		is_new |= strcmp(reload->file[i], files[i]) != 0;
		memcpy(reload->file[i], files[i], strlen(files[i]) + 1);
	}
	return is_new;
}

/* A file that is not there has a stamp of zeros. */
static struct stamps stamps_take(const struct reload *reload)
{
	struct stamps stamps;
	struct stat st;

	memset(&stamps, 0, sizeof(stamps)); /* compared whole */
	for (int i = 0; i < CONFIG_TRUST_FILES; i++) {
		if (reload->file[i][0] == '\0' || stat(reload->file[i], &st) < 0)
			continue;
		stamps.of[i].device = st.st_dev;
		stamps.of[i].inode = st.st_ino;
		stamps.of[i].bytes = st.st_size;
		stamps.of[i].modified = st.st_mtim;
		stamps.of[i].changed = st.st_ctim;
	}
	return stamps;
}

static bool is_same(const struct stamps *a, const struct stamps *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void watch_folder_of(int inotify_fd, const char *file)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(file, '/');

	if (slash == NULL)
		strcpy(folder, ".");
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file) + 1, file);
	(void)inotify_add_watch(inotify_fd, folder, WATCH_EVENTS); /* or the looks see it */
}

/* Anew at every attempt, before the files are read: a folder may be another one by now. */
static void watch(struct reload *reload)
{
	char real[PATH_MAX];

	if (reload->inotify_fd >= 0)
		close(reload->inotify_fd);
	reload->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (reload->inotify_fd < 0)
		return;
	for (int i = 0; i < CONFIG_TRUST_FILES; i++) {
		if (reload->file[i][0] == '\0')
			continue;
		watch_folder_of(reload->inotify_fd, reload->file[i]);
		if (realpath(reload->file[i], real) != NULL)
			watch_folder_of(reload->inotify_fd, real);
	}
}

struct reload *reload_new(const struct reload_owner *owner, const struct config *config,
			  uint64_t now_ms)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	if (reload == NULL)
		return NULL;
	reload->owner = *owner;
	reload->inotify_fd = -1;
	name_files(reload, config);
	watch(reload);
	reload->seen = reload->tried = stamps_take(reload);
	reload->look_ms = now_ms + RELOAD_LOOK_MS;
	return reload;
}

void reload_free(struct reload *reload)
{
	if (reload == NULL)
		return;
	if (reload->inotify_fd >= 0)
		close(reload->inotify_fd);
	free(reload);
}

/* ---- Deciding -------------------------------------------------------------------------------- */

static void plan(struct reload *reload, uint64_t now_ms)
{
	if (reload->due_ms != 0)
		return;
	reload->due_ms = now_ms + RELOAD_SETTLE_MS;
	reload->give_up_ms = now_ms + RELOAD_GIVE_UP_MS;
}

uint64_t reload_request(struct reload *reload, uint64_t now_ms)
{
	plan(reload, now_ms);
	return ++reload->requested;
}

enum reload_state reload_state(const struct reload *reload, uint64_t ticket, const char **error)
{
	*error = reload->error;
	if (ticket > reload->decided)
		return RELOAD_PENDING;
	return reload->is_refused ? RELOAD_REFUSED : RELOAD_DONE;
}

/* What was refused may be good later though no file of it changes: a list or certificate that by
 * this machine's clock was not valid yet, want of descriptors or memory. */
static void plan_again(struct reload *reload, uint64_t now_ms)
{
	if (!reload->is_refused || reload->due_ms != 0)
		return;
	reload->due_ms = reload->give_up_ms = now_ms;
}

static void decide(struct reload *reload, bool is_refused)
{
	reload->due_ms = 0;
	reload->seen = reload->tried;
	reload->decided = reload->requested;
	reload->is_refused = is_refused;
}

/* Said once, until there is something else to say, or somebody has asked. */
static void refuse(struct reload *reload, const char *error)
{
	bool is_known = reload->is_refused && reload->decided == reload->requested &&
			is_same(&reload->tried, &reload->seen) && strcmp(error, reload->error) == 0;

	decide(reload, true);
	snprintf(reload->error, sizeof(reload->error), "%s", error);
	if (!is_known)
		reload->owner.refused(reload->owner.arg, error);
}

static void take_up(struct reload *reload, struct trust *trust, bool is_whole, uint64_t now_ms)
{
	struct stamps after = stamps_take(reload);
	bool is_as_read = is_same(&reload->tried, &after);
	bool is_elsewhere = name_files(reload, trust->config);

	if (is_whole)
		decide(reload, false);
	if (is_elsewhere) {
		watch(reload);
		reload->seen = reload->tried = stamps_take(reload);
	}
	reload->owner.adopt(reload->owner.arg, trust, is_whole);
	/* Changed while it was read, or before it was watched: once more. */
	if (is_elsewhere || !is_as_read)
		plan(reload, now_ms);
}

static void attempt(struct reload *reload, uint64_t now_ms)
{
	char error[ERROR_TEXT_MAX] = "";

	watch(reload);
	struct stamps before = stamps_take(reload);
	if (!is_same(&before, &reload->tried)) /* still being written: it has time again */
		reload->give_up_ms = now_ms + RELOAD_GIVE_UP_MS;
	reload->tried = before;
	struct trust *trust = reload->owner.load(reload->owner.arg, error);
	bool is_whole = trust != NULL && error[0] == '\0';
	if (trust != NULL)
		take_up(reload, trust, is_whole, now_ms);
	if (is_whole)
		return;
	if (now_ms < reload->give_up_ms)
		reload->due_ms = now_ms + RELOAD_RETRY_MS;
	else
		refuse(reload, error);
}

struct pollfd reload_poll(const struct reload *reload)
{
	return (struct pollfd){.fd = reload->inotify_fd, .events = POLLIN};
}

int reload_timeout_ms(const struct reload *reload, uint64_t now_ms)
{
	uint64_t next_ms = reload->due_ms != 0 ? reload->due_ms : reload->look_ms;
	return next_ms <= now_ms ? 0 : (int)(next_ms - now_ms);
}

/* Takes what inotify has to say. True: anything. */
static bool take_events(struct reload *reload)
{
	char events[EVENT_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool is_any = false;
	while (reload->inotify_fd >= 0 && read(reload->inotify_fd, events, sizeof(events)) > 0)
		is_any = true;
	return is_any;
}

void reload_step(struct reload *reload, uint64_t now_ms)
{
	bool is_time = now_ms >= reload->look_ms;
	if (is_time)
		reload->look_ms = now_ms + RELOAD_LOOK_MS;
	if (take_events(reload) || is_time) {
		struct stamps now = stamps_take(reload);
		if (!is_same(&now, &reload->seen))
			plan(reload, now_ms);
		else if (is_time)
			plan_again(reload, now_ms);
	}
	if (reload->due_ms != 0 && now_ms >= reload->due_ms)
		attempt(reload, now_ms);
}
