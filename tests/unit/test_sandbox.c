/* SPDX-License-Identifier: Apache-2.0 */
/* What a process in the sandbox can still do and what not. Each attempt is made by a process of its
 * own that has entered it, as the server does: with an open root folder and a ring. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "io/ring.h"
#include "io/sandbox.h"
#include "io/sandbox_private.h"

TestSuite(sandbox, .timeout = 1200);

/* Results that are no errno. */
#define KILLED  (-10000) /* by SIGSYS */
#define DIED    (-10001)
#define NO_RING (-10002)

/*
 *   DIR/store/bucket/object   DIR/store/other/
 *   DIR/certs/server.crt      DIR/live/server.crt -> ../certs/server.crt
 *   DIR/secret
 */
struct place {
	char dir[64];
	char store[96], object[128], cert[96], link[96], secret[96];
	int root_fd;
	int sock_fd; /* open, of TCP, not connected */
	struct ring ring;
	bool has_ring;
};

static void file_make(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, "12345", 5), 5);
	close(fd);
}

static void folder_make(const struct place *place, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", place->dir, name);
	cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
}

static void place_make(struct place *place)
{
	memset(place, 0, sizeof(*place));
	snprintf(place->dir, sizeof(place->dir), "/tmp/sluice-sandbox-XXXXXX");
	cr_assert_not_null(mkdtemp(place->dir));
	folder_make(place, "store");
	folder_make(place, "store/bucket");
	folder_make(place, "store/other");
	folder_make(place, "certs");
	folder_make(place, "live");
	snprintf(place->store, sizeof(place->store), "%s/store", place->dir);
	snprintf(place->object, sizeof(place->object), "%s/bucket/object", place->store);
	snprintf(place->cert, sizeof(place->cert), "%s/certs/server.crt", place->dir);
	snprintf(place->link, sizeof(place->link), "%s/live/server.crt", place->dir);
	snprintf(place->secret, sizeof(place->secret), "%s/secret", place->dir);
	file_make(place->object, 0644);
	file_make(place->cert, 0644);
	file_make(place->secret, 0644);
	cr_assert_eq(symlink("../certs/server.crt", place->link), 0);
	place->root_fd = open(place->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(place->root_fd, 0);
	place->sock_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(place->sock_fd, 0);
}

static void place_remove(const struct place *place)
{
	char command[128];

	close(place->root_fd);
	close(place->sock_fd);
	snprintf(command, sizeof(command), "rm -rf %s", place->dir);
	cr_assert_eq(system(command), 0);
}

static struct sandbox_plan plan_of(const struct place *place, bool writable)
{
	return (struct sandbox_plan){
		.root_fd = place->root_fd, .writable = writable, .file = {place->link, "", NULL}};
}

/* ---- Attempts ------------------------------------------------------------------------- */

struct attempt {
	const char *name;
	int (*act)(struct place *place);
	int read_only; /* what comes of it: 0, -errno, KILLED */
	int writable;
	int abi; /* of Landlock that it takes to refuse it; 0: seccomp alone does */
};

static int of(long result)
{
	return result < 0 ? -errno : 0;
}

static int read_object(struct place *place)
{
	return of(open(place->object, O_RDONLY));
}

static int read_beneath(struct place *place)
{
	return of(openat(place->root_fd, "bucket/object", O_RDONLY));
}

static int list_store(struct place *place)
{
	char entries[1024];
	int fd = openat(place->root_fd, ".", O_RDONLY | O_DIRECTORY);
	return of(fd < 0 ? fd : syscall(SYS_getdents64, fd, entries, sizeof(entries)));
}

static int write_object(struct place *place)
{
	return of(open(place->object, O_WRONLY));
}

static int truncate_object(struct place *place)
{
	return of(open(place->object, O_RDWR | O_TRUNC));
}

static int create_object(struct place *place)
{
	return of(openat(place->root_fd, "bucket/new", O_WRONLY | O_CREAT, 0644));
}

/* As store/put.c does it: a file without a name gets one in another folder. */
static int put_object(struct place *place)
{
	char path[64];
	int fd = openat(place->root_fd, "bucket", O_TMPFILE | O_WRONLY, 0644);

	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return of(linkat(AT_FDCWD, path, place->root_fd, "other/put", AT_SYMLINK_FOLLOW));
}

static int move_object(struct place *place)
{
	return of(renameat(place->root_fd, "bucket/object", place->root_fd, "other/moved"));
}

static int remove_object(struct place *place)
{
	return of(unlinkat(place->root_fd, "bucket/object", 0));
}

static int make_folder(struct place *place)
{
	return of(mkdirat(place->root_fd, "bucket/folder", 0755));
}

static int make_link(struct place *place)
{
	return of(symlinkat("/", place->root_fd, "bucket/link"));
}

static int change_mode(struct place *place)
{
	return of(fchmod(place->root_fd, 0755));
}

static int change_owner(struct place *place)
{
	return of(fchown(place->root_fd, 0, 0));
}

static int read_certificate(struct place *place)
{
	return of(open(place->link, O_RDONLY));
}

/* Beside it, by where the link led. */
static int read_real_folder(struct place *place)
{
	return of(open(place->cert, O_RDONLY));
}

static int write_certificate(struct place *place)
{
	return of(open(place->link, O_WRONLY));
}

static int truncate_certificate(struct place *place)
{
	return of(open(place->cert, O_RDONLY | O_TRUNC));
}

static int read_secret(struct place *place)
{
	return of(open(place->secret, O_RDONLY));
}

static int read_secret_from_root(struct place *place)
{
	return of(openat(place->root_fd, "../secret", O_RDONLY));
}

static int read_passwords(struct place *place)
{
	(void)place;
	return of(open("/etc/passwd", O_RDONLY));
}

static int move_out(struct place *place)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/out", place->dir);
	int r = of(renameat(place->root_fd, "bucket/object", AT_FDCWD, path));
	return r == -EXDEV ? -EACCES : r; /* either is a refusal of Landlock's */
}

static int ring_open(struct place *place, const char *path, uint64_t flags)
{
	struct open_how how = {.flags = flags, .mode = flags & O_CREAT ? 0644 : 0};
	struct ring_event event;

	if (!place->has_ring)
		return NO_RING;
	ring_openat2(&place->ring, place->root_fd, path, &how, 1);
	while (ring_wait(&place->ring, 0, 1000, &event, 1) == 0)
		;
	return event.result < 0 ? event.result : 0;
}

static int ring_read_object(struct place *place)
{
	return ring_open(place, "bucket/object", O_RDONLY);
}

static int ring_read_secret(struct place *place)
{
	return ring_open(place, "../secret", O_RDONLY);
}

static int ring_read_passwords(struct place *place)
{
	return ring_open(place, "/etc/passwd", O_RDONLY);
}

/* O_CREAT never ends at once: a thread of the kernel's does it. */
static int ring_create_outside(struct place *place)
{
	return ring_open(place, "../new", O_WRONLY | O_CREAT);
}

static int ring_create_object(struct place *place)
{
	return ring_open(place, "bucket/by-ring", O_WRONLY | O_CREAT);
}

static int another_ring(struct place *place)
{
	struct ring ring;
	(void)place;
	return ring_init(&ring, 4);
}

static int make_socket(struct place *place)
{
	(void)place;
	return of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int connect_socket(struct place *place)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(9)};
	return of(connect(place->sock_fd, (struct sockaddr *)&addr, sizeof(addr)));
}

static int bind_socket(struct place *place)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	return of(bind(place->sock_fd, (struct sockaddr *)&addr, sizeof(addr)));
}

static int listen_socket(struct place *place)
{
	return of(listen(place->sock_fd, 1));
}

static int start_program(struct place *place)
{
	char name[] = "true", *argv[] = {name, NULL};
	(void)place;
	execv("/bin/true", argv);
	return -errno;
}

static int trace(struct place *place)
{
	(void)place;
	return of(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static int new_namespace(struct place *place)
{
	(void)place;
	return of(unshare(CLONE_NEWUSER));
}

static int load_filter(struct place *place)
{
	(void)place;
	return of(syscall(SYS_bpf, -1, NULL, 0));
}

static int new_process(struct place *place)
{
	(void)place;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return of(pid);
}

static void *nothing(void *arg)
{
	return arg;
}

static int new_thread(struct place *place)
{
	pthread_t thread;
	(void)place;
	int r = pthread_create(&thread, NULL, nothing, NULL);
	return r != 0 ? -r : -pthread_join(thread, NULL);
}

static int new_clone(struct place *place)
{
	(void)place;
	return of(syscall(SYS_clone3, NULL, 0));
}

/* A call that every kernel has and the table does not name. */
static int unnamed(struct place *place)
{
	(void)place;
	return of(syscall(SYS_personality, 0xffffffff));
}

static int signal_parent(struct place *place)
{
	(void)place;
	return of(kill(getppid(), 0));
}

static int signal_self(struct place *place)
{
	(void)place;
	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1) == 0 ? 0 : -errno;
}

static int memory(struct place *place, int protection)
{
	(void)place;
	void *data = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return data == MAP_FAILED ? -errno : 0;
}

static int map_memory(struct place *place)
{
	return memory(place, PROT_READ | PROT_WRITE);
}

static int map_code(struct place *place)
{
	return memory(place, PROT_READ | PROT_EXEC);
}

static int make_executable(struct place *place)
{
	(void)place;
	void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return of(mprotect(data, 4096, PROT_READ | PROT_EXEC));
}

static int terminal_ioctl(struct place *place)
{
	int bytes;
	return of(ioctl(place->root_fd, TIOCSTI, &bytes));
}

static int socket_ioctl(struct place *place)
{
	int bytes;
	return of(ioctl(place->sock_fd, FIONREAD, &bytes)) == -EPERM ? -EPERM : 0;
}

static int become_dumpable(struct place *place)
{
	(void)place;
	return of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int raise_limit(struct place *place)
{
	(void)place;
	return of(syscall(SYS_prlimit64, getppid(), 7, NULL, NULL));
}

#define BOTH(result) result, result
static const struct attempt attempts[] = {
	{"read an object", read_object, BOTH(0), 0},
	{"read an object beneath the root", read_beneath, BOTH(0), 0},
	{"list the store", list_store, BOTH(0), 0},
	{"open an object to write", write_object, -EACCES, 0, 2},
	{"truncate an object", truncate_object, -EACCES, 0, 2},
	{"create an object", create_object, -EACCES, 0, 2},
	{"put an object", put_object, -EACCES, 0, 2},
	{"move an object", move_object, -EPERM, 0, 0},
	{"remove an object", remove_object, -EPERM, 0, 0},
	{"make a folder", make_folder, -EPERM, 0, 0},
	{"make a symbolic link", make_link, BOTH(-EPERM), 0},
	{"change a mode", change_mode, -EPERM, 0, 0},
	{"change an owner", change_owner, BOTH(-EPERM), 0},
	{"read the certificate", read_certificate, BOTH(0), 0},
	{"read it where it is", read_real_folder, BOTH(0), 0},
	{"write the certificate", write_certificate, BOTH(-EACCES), 2},
	{"truncate the certificate", truncate_certificate, BOTH(-EACCES), 3},
	{"read beside the folders", read_secret, BOTH(-EACCES), 2},
	{"read above the root", read_secret_from_root, BOTH(-EACCES), 2},
	{"read /etc/passwd", read_passwords, BOTH(-EACCES), 2},
	{"move an object out", move_out, -EPERM, -EACCES, 2},
	{"ring: read an object", ring_read_object, BOTH(0), 0},
	{"ring: read above the root", ring_read_secret, BOTH(-EACCES), 2},
	{"ring: read /etc/passwd", ring_read_passwords, BOTH(-EACCES), 2},
	{"ring: create above the root", ring_create_outside, BOTH(-EACCES), 2},
	{"ring: create an object", ring_create_object, -EACCES, 0, 2},
	{"another ring", another_ring, BOTH(-EPERM), 0},
	{"make a socket", make_socket, BOTH(-EPERM), 0},
	{"connect a socket", connect_socket, BOTH(-EPERM), 0},
	{"bind a socket", bind_socket, BOTH(-EPERM), 0},
	{"listen", listen_socket, BOTH(-EPERM), 0},
	{"start a program", start_program, BOTH(KILLED), 0},
	{"trace", trace, BOTH(SANDBOX_SANITIZED ? 0 : KILLED), 0},
	{"a new namespace", new_namespace, BOTH(KILLED), 0},
	{"load BPF", load_filter, BOTH(KILLED), 0},
	{"a new process", new_process, BOTH(SANDBOX_SANITIZED ? 0 : -EPERM), 0},
	{"a new thread", new_thread, BOTH(0), 0},
	{"clone3", new_clone, BOTH(-ENOSYS), 0},
	{"a call without a row", unnamed, BOTH(-ENOSYS), 0},
	{"a signal to another", signal_parent, BOTH(-EPERM), SANDBOX_SANITIZED ? 6 : 0},
	{"a signal to itself", signal_self, BOTH(0), 0},
	{"map memory", map_memory, BOTH(0), 0},
	{"map executable memory", map_code, BOTH(-EPERM), 0},
	{"make memory executable", make_executable, BOTH(-EPERM), 0},
	{"an ioctl of a terminal", terminal_ioctl, BOTH(-EPERM), 0},
	{"an ioctl of a socket", socket_ioctl, BOTH(0), 0},
	{"become dumpable", become_dumpable, BOTH(SANDBOX_SANITIZED ? 0 : -EPERM), 0},
	{"another's limits", raise_limit, BOTH(-EPERM), 0},
};

/* A process of its own makes the attempt after enter. */
static int result_of(const struct attempt *attempt, struct place *place,
		     void (*enter)(const struct sandbox_plan *plan), bool writable)
{
	int *result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct sandbox_plan plan = plan_of(place, writable);
	int status;

	cr_assert_neq(result, MAP_FAILED);
	*result = DIED;
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		place->has_ring = ring_init(&place->ring, 4) == 0 && ring_begin(&place->ring) == 0;
		enter(&plan);
		*result = attempt->act(place);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	int found = *result;
	munmap(result, 4096);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? KILLED : found;
}

static void enter_all(const struct sandbox_plan *plan)
{
	struct sandbox_report report;
	sandbox_enter(plan, &report);
}

static void try_all(bool writable)
{
	struct place place;
	int abi = sandbox_landlock_abi();

	if (sandbox_seccomp_error() < 0)
		cr_skip_test("this kernel has no seccomp filters");
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		const struct attempt *attempt = &attempts[i];
		if (attempt->abi > 0 && attempt->abi > abi)
			continue;
		place_make(&place);
		int expected = writable ? attempt->writable : attempt->read_only;
		int found = result_of(attempt, &place, enter_all, writable);
		if (found != NO_RING)
			cr_expect_eq(found, expected, "%s: %d, not %d", attempt->name, found,
				     expected);
		place_remove(&place);
	}
	if (abi < SANDBOX_LANDLOCK_MIN)
		cr_skip_test("the rest passed, but files could not be tried: Landlock is %s",
			     sandbox_landlock_cure(abi, sandbox_is_filtered()));
}

Test(sandbox, what_a_server_can_do_that_reads)
{
	try_all(false);
}

Test(sandbox, what_a_server_can_do_that_writes)
{
	try_all(true);
}

/* The attempts themselves: outside of the sandbox each works, or fails by an error of its own. */
static void enter_nothing(const struct sandbox_plan *plan)
{
	(void)plan;
}

Test(sandbox, outside_of_it_nothing_is_refused)
{
	struct place place;

	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		place_make(&place);
		int found = result_of(&attempts[i], &place, enter_nothing, true);
		cr_expect(found != KILLED && found != -EACCES, "%s: %d", attempts[i].name, found);
		place_remove(&place);
	}
}

/* ---- Landlock alone ------------------------------------------------------------------- */

static void enter_landlock(const struct sandbox_plan *plan)
{
	struct sandbox_report report = {0};

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(sandbox_landlock_enter(plan, &report) == 0);
}

/* What seccomp would refuse before it. */
Test(sandbox, landlock_refuses_by_itself)
{
	static const struct attempt rows[] = {
		{"remove an object", remove_object, -EACCES, 0, 2},
		{"move an object", move_object, -EACCES, 0, 2},
		{"make a folder", make_folder, -EACCES, 0, 2},
		{"make a symbolic link", make_link, BOTH(-EACCES), 2},
		{"start a program", start_program, BOTH(-EACCES), 2},
		{"bind a socket", bind_socket, BOTH(-EACCES), 4},
		{"connect a socket", connect_socket, BOTH(-EACCES), 4},
		{"a signal to another", signal_parent, BOTH(-EPERM), 6},
		{"a signal to itself", signal_self, BOTH(0), 2},
	};
	struct place place;
	int abi = sandbox_landlock_abi();

	if (abi < SANDBOX_LANDLOCK_MIN)
		cr_skip_test("Landlock is %s", sandbox_landlock_cure(abi, sandbox_is_filtered()));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int writable = 0; writable < 2 && rows[i].abi <= abi; writable++) {
			place_make(&place);
			int found = result_of(&rows[i], &place, enter_landlock, writable);
			cr_expect_eq(found, writable ? rows[i].writable : rows[i].read_only,
				     "%s: %d", rows[i].name, found);
			place_remove(&place);
		}
	}
}

/* ---- The report ----------------------------------------------------------------------- */

/* In this process, which ends with the test. */
Test(sandbox, reports_what_is_in_force)
{
	static struct sandbox_report report;
	struct place place;
	int abi = sandbox_landlock_abi();

	place_make(&place);
	pid_t pid = fork();
	if (pid == 0) {
		struct sandbox_plan plan = plan_of(&place, false);
		plan.file[1] = "/nonexistent/folder/ca.crt";
		sandbox_enter(&plan, &report);
		bool is_told = report.warning_count > 0 &&
			       strstr(report.warning[0], "/nonexistent/folder/ca.crt") != NULL;
		bool is_right = abi >= SANDBOX_LANDLOCK_MIN
					? report.landlock_abi == abi &&
						  report.landlock_error == 0 && is_told &&
						  report.warning_count == (abi < 6 ? 2u : 1u)
					: report.landlock_abi == 0 && report.landlock_error < 0;
		_exit(is_right && report.seccomp_error == 0 ? 0 : 1);
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	place_remove(&place);
}
