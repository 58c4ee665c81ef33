/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock by its system calls: glibc has no wrappers, and <linux/landlock.h> may be older than the
 * kernel that this runs on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "base/must.h"
#include "io/sandbox_private.h"

/* include/uapi/linux/landlock.h of Linux 6.12. */
#define FS_TRUNCATE         (1ull << 14)
#define FS_IOCTL_DEV        (1ull << 15)
#define NET_BIND_TCP        (1ull << 0)
#define NET_CONNECT_TCP     (1ull << 1)
#define SCOPE_ABSTRACT_UNIX (1ull << 0)
#define SCOPE_SIGNAL        (1ull << 1)

#define FS_READ             (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* Of files and folders; no devices, sockets, pipes and links are ever made. */
#define FS_WRITE                                                                                   \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                           \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                            \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)

/* struct landlock_ruleset_attr; members that a kernel does not know must be 0 and are then taken.
 */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* What each version can refuse, and with what words a lower one is reported. */
static const struct {
	int abi;
	struct ruleset handled;
	const char *lacks; /* NULL: nothing is served without */
} versions[] = {
	/* The lowest 13 bits: EXECUTE to MAKE_SYM. */
	{1, {.handled_access_fs = (1ull << 13) - 1}, NULL},
	{2, {.handled_access_fs = LANDLOCK_ACCESS_FS_REFER}, NULL},
	{3, {.handled_access_fs = FS_TRUNCATE}, "truncating files that may be read (Linux 6.2)"},
	{4, {.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP}, "TCP (6.7)"},
	{5, {.handled_access_fs = FS_IOCTL_DEV}, "ioctls of devices (6.10)"},
	{6,
	 {.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL},
	 "abstract unix sockets and signals (6.12)"},
};

int sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return abi < 0 ? -errno : (int)abi;
}

#define LANDLOCK_CALLS                                                                             \
	"allow landlock_create_ruleset, landlock_add_rule and landlock_restrict_self in it (a "    \
	"systemd unit: SystemCallFilter=; a container: its seccomp profile)"

const char *sandbox_landlock_cure(int error, bool is_filtered)
{
	switch (error) {
	case -ENOSYS:
		/* Filters answer so, too: for calls that are newer than they are. */
		return is_filtered ? "not in this kernel (it needs CONFIG_SECURITY_LANDLOCK=y, and "
				     "Linux 5.19 or later), or hidden by the seccomp filter around "
				     "this process (ENOSYS): " LANDLOCK_CALLS
				   : "not in this kernel (ENOSYS): it needs "
				     "CONFIG_SECURITY_LANDLOCK=y, and Linux 5.19 or later";
	case -EOPNOTSUPP:
		return "built in but not turned on: boot with landlock first in lsm= "
		       "(/sys/kernel/security/lsm shows the others)";
	case -EPERM:
	case -EACCES:
		return is_filtered
			       ? "refused by the seccomp filter around this "
				 "process: " LANDLOCK_CALLS
			       : "refused, and not by a seccomp filter: look at the security "
				 "module (SELinux, AppArmor) or the sandbox around this process";
	case -ERANGE:
		return "older than Linux 5.19 and could only refuse every write";
	default:
		return "refused by this kernel";
	}
}

/* ---- Rules ---------------------------------------------------------------------------------- */

static int allow_beneath(int ruleset_fd, int fd, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};

	return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
		       ? -errno
		       : 0;
}

/* The folder that the name's last part is in. */
static int allow_reading_folder_of(int ruleset_fd, const char *name)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(name, '/');

	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - name), name);
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = allow_beneath(ruleset_fd, fd, FS_READ);
	close(fd);
	return r;
}

/* Its folder by its name, and by where links lead from there now: certbot's live/ to archive/,
 * Kubernetes' ..data (which stays within the folder, wherever it will point). */
static int allow_file(int ruleset_fd, const char *name)
{
	char real[PATH_MAX];

	int r = allow_reading_folder_of(ruleset_fd, name);
	if (r == 0 && realpath(name, real) != NULL)
		r = allow_reading_folder_of(ruleset_fd, real);
	return r;
}

#if SANDBOX_SANITIZED
static int allow_sanitizers(int ruleset_fd)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : allow_beneath(ruleset_fd, fd, FS_READ);
	if (fd >= 0)
		close(fd);
	return r < 0 ? r : allow_file(ruleset_fd, "/proc/self/exe");
}
#else
static int allow_sanitizers(int ruleset_fd)
{
	(void)ruleset_fd;
	return 0;
}
#endif

static int add_rules(int ruleset_fd, const struct sandbox_plan *plan, uint64_t handled,
		     struct sandbox_report *report)
{
	uint64_t access = plan->writable ? FS_READ | FS_WRITE : FS_READ;

	int r = allow_beneath(ruleset_fd, plan->root_fd, access & handled);
	if (r == 0)
		r = allow_sanitizers(ruleset_fd);
	for (unsigned i = 0; r == 0 && i < SANDBOX_FILES_MAX; i++) {
		const char *name = plan->file[i];
		if (name == NULL || name[0] == '\0')
			continue;
		int file_r = allow_file(ruleset_fd, name);
		if (file_r < 0)
			sandbox_warn(report,
				     "sandbox: the folder of %.200s cannot be opened (%s), so the "
				     "file cannot be read again",
				     name, strerrordesc_np(-file_r));
	}
	return r;
}

static void warn_of_version(int abi, struct sandbox_report *report)
{
	char lacking[256] = "";

	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		size_t used = strlen(lacking);
		if (versions[i].abi > abi && versions[i].lacks != NULL)
			snprintf(lacking + used, sizeof(lacking) - used, "%s%s",
				 used > 0 ? ", " : "", versions[i].lacks);
	}
	if (lacking[0] != '\0')
		sandbox_warn(report, "sandbox: Landlock of this kernel (ABI %d) does not refuse %s",
			     abi, lacking);
}

int sandbox_landlock_enter(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	struct ruleset ruleset = {0};
	int abi = sandbox_landlock_abi();

	if (abi < SANDBOX_LANDLOCK_MIN)
		return abi < 0 ? abi : -ERANGE;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		if (versions[i].abi > abi)
			continue;
		ruleset.handled_access_fs |= versions[i].handled.handled_access_fs;
		ruleset.handled_access_net |= versions[i].handled.handled_access_net;
		ruleset.scoped |= versions[i].handled.scoped;
	}
	int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
	if (fd < 0)
		return -errno;
	int r = add_rules(fd, plan, ruleset.handled_access_fs, report);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	if (r < 0)
		return r;
	report->landlock_abi = abi;
	warn_of_version(abi, report);
	return 0;
}
