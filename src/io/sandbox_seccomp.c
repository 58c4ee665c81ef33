/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of system calls: a table, and the few lines that make BPF of it.
 *
 * What happens to a call that is not to be made:
 *
 *   ENOSYS   every call that the table does not name. A new C library tries calls that
 *            did not exist when this was written, and goes on with the old one when the
 *            kernel does not have it: ENOSYS is how a kernel says so, and the only answer
 *            that glibc falls back on (a lesson of Docker's, whose EPERM for clone3 and
 *            faccessat2 broke every new distribution). So an update must not be able to
 *            kill or stop a server.
 *   EPERM    named calls that a library may make in good faith: sockets, signals, limits,
 *            and what only a writable store needs. They get the error of a missing right,
 *            which is what it is.
 *   killed   calls that are made by nobody in this process in good faith, and that turn a
 *            bug into a way out of it: starting programs, tracing, loading modules,
 *            mounting, namespaces. Whoever gets here is not us, and goes on trying if he
 *            is answered; the keys in this memory are worth more than the connections. The
 *            kernel logs it (audit, or dmesg), and a supervisor sees SIGSYS.
 *
 * Calls that are allowed whatever their arguments cost little: the kernel keeps a bitmap of them
 * (kernel/seccomp.c, seccomp_cache_prepare, 5.11) and does not run the filter.
 */
#include "io/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#include "base/must.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0
#endif

/* Newer than the headers of Linux 6.1; the same numbers everywhere. */
#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif

enum deed {
	ALLOW,
	WRITER, /* allowed where the store is writable, otherwise EPERM */
	RING,   /* allowed where loops are over io_uring, otherwise EPERM */
	EPOLL,  /* allowed where they are over epoll, otherwise EPERM */
	REFUSE, /* EPERM */
	KILL
};

/* On the low 32 bits of an argument: all that the calls below look at. Of a row whose condition
 * does not hold nothing follows, the next is looked at. */
enum condition {
	ALWAYS,
	ARG_IS,     /* arg == value */
	ARG_HAS,    /* arg & value */
	ARG_LACKS,  /* !(arg & value) */
	ARG_IS_SELF /* arg == pid of this process */
};

struct row {
	int number;
	enum deed deed;
	enum condition condition;
	unsigned char arg;
	uint32_t value;
};

#define CALL(name, deed)                                                                           \
	{                                                                                          \
		__NR_##name, deed, ALWAYS, 0, 0                                                    \
	}
#define WHEN(name, deed, condition, number, value)                                                 \
	{                                                                                          \
		__NR_##name, deed, condition, number, value                                        \
	}

/* clang-format off */
static const struct row rows[] = {
	/* Those with conditions first: the others are found in the kernel's bitmap. Memory may be
	 * made executable by nobody: no code but the program's. */
	WHEN(mmap, ALLOW, ARG_LACKS, 2, PROT_EXEC),
	CALL(mmap, REFUSE),
	WHEN(mprotect, ALLOW, ARG_LACKS, 2, PROT_EXEC),
	CALL(mprotect, REFUSE),
	/* Threads, no processes. clone3 has its flags in memory, where no filter can look: it is not
	 * in the table, so the C library takes clone. */
	WHEN(clone, ALLOW, ARG_HAS, 0, CLONE_THREAD),
	CALL(clone, REFUSE),
	/* Signals to ourselves: abort, raise. */
	WHEN(tgkill, ALLOW, ARG_IS_SELF, 0, 0),
	CALL(tgkill, REFUSE),
	/* What is in a socket's buffers. */
	WHEN(ioctl, ALLOW, ARG_IS, 1, SIOCINQ),
	WHEN(ioctl, ALLOW, ARG_IS, 1, SIOCOUTQ),
	WHEN(ioctl, WRITER, ARG_IS, 1, FICLONERANGE),
	CALL(ioctl, REFUSE), /* stdio asks whether it writes to a terminal: no */
	WHEN(prctl, ALLOW, ARG_IS, 0, PR_SET_NAME),
	WHEN(prctl, ALLOW, ARG_IS, 0, PR_GET_NAME),
	WHEN(prctl, ALLOW, ARG_IS, 0, PR_SET_VMA), /* malloc names its mappings */
	CALL(prctl, REFUSE),
	WHEN(prlimit64, ALLOW, ARG_IS, 0, 0),
	WHEN(prlimit64, ALLOW, ARG_IS_SELF, 0, 0),
	CALL(prlimit64, REFUSE),
	/* A thread may take less weight, no other and no group: PRIO_PROCESS is 0. */
	WHEN(setpriority, REFUSE, ARG_HAS, 0, PRIO_PGRP | PRIO_USER),
	WHEN(setpriority, ALLOW, ARG_IS, 1, 0),
	CALL(setpriority, REFUSE),
	WHEN(ioprio_set, REFUSE, ARG_HAS, 0, IOPRIO_WHO_PGRP),
	WHEN(ioprio_set, ALLOW, ARG_IS, 1, 0),
	CALL(ioprio_set, REFUSE),

	/* Descriptors. */
	CALL(read, ALLOW),
	CALL(write, ALLOW),
	CALL(readv, ALLOW),
	CALL(writev, ALLOW),
	CALL(pwritev2, ALLOW), /* the log, to a pipe */
	CALL(pread64, ALLOW),
	CALL(preadv, ALLOW),
	CALL(preadv2, ALLOW),
	CALL(lseek, ALLOW),
	CALL(close, ALLOW),
	CALL(close_range, ALLOW),
	CALL(dup, ALLOW),
	CALL(dup3, ALLOW),
	CALL(fcntl, ALLOW),
	CALL(pipe2, ALLOW),
	CALL(splice, ALLOW),
	CALL(tee, ALLOW),
	CALL(sendfile, ALLOW),

	/* Sockets that are there. */
	CALL(accept, ALLOW),
	CALL(accept4, ALLOW),
	CALL(recvfrom, ALLOW),
	CALL(recvmsg, ALLOW),
	CALL(sendto, ALLOW),
	CALL(sendmsg, ALLOW),
	CALL(shutdown, ALLOW),
	CALL(getsockopt, ALLOW),
	CALL(setsockopt, ALLOW),
	CALL(getsockname, ALLOW),
	CALL(getpeername, ALLOW),
	CALL(socket, REFUSE),
	CALL(socketpair, REFUSE),
	CALL(bind, REFUSE),
	CALL(listen, REFUSE),
	CALL(connect, REFUSE),

	/* Files: which ones is Landlock's to say. */
	CALL(openat, ALLOW),
	CALL(openat2, ALLOW),
	CALL(fstat, ALLOW),
	CALL(newfstatat, ALLOW),
	CALL(statx, ALLOW),
	CALL(fstatfs, ALLOW),
	CALL(faccessat, ALLOW),
	CALL(faccessat2, ALLOW),
	CALL(readlinkat, ALLOW),
	CALL(getcwd, ALLOW),
	CALL(getdents64, ALLOW),
	CALL(fgetxattr, ALLOW),
	CALL(flistxattr, ALLOW),
	CALL(fadvise64, ALLOW),
	CALL(readahead, ALLOW),
	CALL(cachestat, ALLOW),
	CALL(mincore, ALLOW),
	CALL(flock, ALLOW),
	CALL(inotify_init1, ALLOW),
	CALL(inotify_add_watch, ALLOW),
	CALL(inotify_rm_watch, ALLOW),

	/* Files that change. Owners never do, and nothing is ever linked to by name. */
	CALL(pwrite64, WRITER),
	CALL(pwritev, WRITER),
	CALL(copy_file_range, WRITER),
	CALL(ftruncate, WRITER),
	CALL(fallocate, WRITER),
	CALL(fsync, WRITER),
	CALL(fdatasync, WRITER),
	CALL(sync_file_range, WRITER),
	CALL(mkdirat, WRITER),
	CALL(linkat, WRITER),
	CALL(renameat, WRITER),
	CALL(renameat2, WRITER),
	CALL(unlinkat, WRITER),
	CALL(fchmod, WRITER),
	CALL(utimensat, WRITER),
	CALL(fsetxattr, WRITER),
	CALL(fremovexattr, WRITER),
	CALL(truncate, REFUSE),
	CALL(symlinkat, REFUSE),
	CALL(mknodat, REFUSE),
	CALL(fchmodat, REFUSE),
	CALL(fchown, REFUSE),
	CALL(fchownat, REFUSE),
	CALL(setxattr, REFUSE),
	CALL(lsetxattr, REFUSE),

	/* Waiting and events. No ring can be set up: those that are there are bounded (io/ring.c). */
	CALL(io_uring_enter, RING),
	CALL(io_uring_register, RING),
	CALL(io_uring_setup, REFUSE),
	CALL(ppoll, ALLOW),
	CALL(pselect6, ALLOW),
	CALL(epoll_create1, REFUSE),
	CALL(epoll_ctl, EPOLL),
	CALL(epoll_pwait, EPOLL),
	CALL(epoll_pwait2, EPOLL),
	CALL(eventfd2, ALLOW),
	CALL(signalfd4, ALLOW),
	CALL(timerfd_create, ALLOW),
	CALL(timerfd_settime, ALLOW),
	CALL(timerfd_gettime, ALLOW),

	/* Memory, threads, time: the C library's. */
	CALL(brk, ALLOW),
	CALL(munmap, ALLOW),
	CALL(mremap, ALLOW),
	CALL(madvise, ALLOW),
	CALL(mlock, ALLOW),
	CALL(munlock, ALLOW),
	CALL(membarrier, ALLOW),
	CALL(futex, ALLOW),
	CALL(set_robust_list, ALLOW),
	CALL(rseq, ALLOW),
	CALL(set_tid_address, ALLOW),
	CALL(exit, ALLOW),
	CALL(exit_group, ALLOW),
	CALL(sched_yield, ALLOW),
	CALL(sched_getaffinity, ALLOW),
	CALL(sched_getparam, ALLOW),
	CALL(sched_getscheduler, ALLOW),
	CALL(getcpu, ALLOW),
	CALL(rt_sigaction, ALLOW),
	CALL(rt_sigprocmask, ALLOW),
	CALL(rt_sigreturn, ALLOW),
	CALL(rt_sigtimedwait, ALLOW),
	CALL(sigaltstack, ALLOW),
	CALL(restart_syscall, ALLOW),
	CALL(clock_gettime, ALLOW),
	CALL(clock_getres, ALLOW),
	CALL(clock_nanosleep, ALLOW),
	CALL(nanosleep, ALLOW),
	CALL(gettimeofday, ALLOW),
	CALL(getrusage, ALLOW),
	CALL(sysinfo, ALLOW),
	CALL(uname, ALLOW),
	CALL(getrandom, ALLOW),
	CALL(getpid, ALLOW),
	CALL(getppid, ALLOW),
	CALL(gettid, ALLOW),
	CALL(getuid, ALLOW),
	CALL(geteuid, ALLOW),
	CALL(getgid, ALLOW),
	CALL(getegid, ALLOW),

	CALL(kill, REFUSE),
	CALL(tkill, REFUSE),
	CALL(rt_sigqueueinfo, REFUSE),
	CALL(rt_tgsigqueueinfo, REFUSE),
	CALL(setuid, REFUSE),
	CALL(setgid, REFUSE),
	CALL(setresuid, REFUSE),
	CALL(setresgid, REFUSE),
	CALL(setgroups, REFUSE),
	CALL(capset, REFUSE),
	CALL(setrlimit, REFUSE),
	CALL(memfd_create, REFUSE), /* an executable without a file */
	CALL(add_key, REFUSE),
	CALL(request_key, REFUSE),
	CALL(keyctl, REFUSE),

	CALL(execve, KILL),
	CALL(execveat, KILL),
#if !SANDBOX_SANITIZED
	CALL(ptrace, KILL),
#endif
	CALL(process_vm_readv, KILL),
	CALL(process_vm_writev, KILL),
	CALL(init_module, KILL),
	CALL(finit_module, KILL),
	CALL(delete_module, KILL),
	CALL(kexec_load, KILL),
	CALL(kexec_file_load, KILL),
	CALL(reboot, KILL),
	CALL(swapon, KILL),
	CALL(swapoff, KILL),
	CALL(mount, KILL),
	CALL(umount2, KILL),
	CALL(pivot_root, KILL),
	CALL(chroot, KILL),
	CALL(open_tree, KILL),
	CALL(move_mount, KILL),
	CALL(fsopen, KILL),
	CALL(fsmount, KILL),
	CALL(mount_setattr, KILL),
	CALL(unshare, KILL),
	CALL(setns, KILL),
	CALL(bpf, KILL),
	CALL(perf_event_open, KILL),
	CALL(userfaultfd, KILL),
	CALL(open_by_handle_at, KILL), /* the way around folders */

/* What arm64 never had, for its newer forms were there first. */
#if defined(__x86_64__)
	CALL(open, ALLOW),
	CALL(stat, ALLOW),
	CALL(lstat, ALLOW),
	CALL(access, ALLOW),
	CALL(readlink, ALLOW),
	CALL(poll, ALLOW),
	CALL(select, ALLOW),
	CALL(epoll_wait, EPOLL),
	CALL(pipe, ALLOW),
	CALL(dup2, ALLOW),
	CALL(getrlimit, ALLOW),
	CALL(time, ALLOW),
	CALL(mkdir, WRITER),
	CALL(rename, WRITER),
	CALL(unlink, WRITER),
	CALL(rmdir, WRITER),
	CALL(fork, REFUSE),
	CALL(vfork, REFUSE),
	CALL(chmod, REFUSE),
	CALL(symlink, REFUSE),
	CALL(iopl, KILL),
	CALL(ioperm, KILL),
	CALL(modify_ldt, KILL),
#endif
};

#if SANDBOX_SANITIZED
/* Looked at before the others. The search for leaks: a process of its own that traces this one. */
static const struct row sanitizer_rows[] = {
	CALL(clone, ALLOW),
	CALL(prctl, ALLOW),
	CALL(ptrace, ALLOW),
	CALL(wait4, ALLOW),
	CALL(kill, ALLOW),
#if defined(__x86_64__)
	CALL(getdents, ALLOW),
#endif
};
#else
static const struct row sanitizer_rows[] = {{-1, ALLOW, ALWAYS, 0, 0}};
#endif
/* clang-format on */

/* ---- The filter ----------------------------------------------------------------------------- */

struct filter {
	struct sock_filter *code;
	unsigned count;
};

static void put(struct filter *filter, struct sock_filter instruction)
{
	must(filter->count < SANDBOX_FILTER_MAX);
	filter->code[filter->count++] = instruction;
}

static void put_load(struct filter *filter, size_t offset)
{
	put(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static uint32_t allow_if(bool is_allowed)
{
	return is_allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;
}

static uint32_t action_of(enum deed deed, const struct sandbox_plan *plan)
{
	switch (deed) {
	case ALLOW:
		return SECCOMP_RET_ALLOW;
	case WRITER:
		return allow_if(plan->writable);
	case RING:
		return allow_if(!plan->has_epoll);
	case EPOLL:
		return allow_if(plan->has_epoll);
	case REFUSE:
		return SECCOMP_RET_ERRNO | EPERM;
	case KILL:
		return SECCOMP_RET_KILL_PROCESS;
	}
	must(!"a deed of the table");
	return SECCOMP_RET_KILL_PROCESS;
}

/* The number is in the accumulator, before and after. */
static void put_row(struct filter *filter, const struct row *row, uint32_t action, int pid)
{
	/* Little-endian, both processors: the low half stands first. */
	size_t arg = offsetof(struct seccomp_data, args) + row->arg * sizeof(uint64_t);
	uint32_t value = row->condition == ARG_IS_SELF ? (uint32_t)pid : row->value;
	bool is_bits = row->condition == ARG_HAS || row->condition == ARG_LACKS;
	bool is_met_by_zero = row->condition == ARG_LACKS;

	if (row->condition == ALWAYS) {
		put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)row->number, 0, 1));
		put(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
		return;
	}
	put(filter,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)row->number, 0, 4));
	put_load(filter, arg);
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | (is_bits ? BPF_JSET : BPF_JEQ) | BPF_K,
						 value, is_met_by_zero, !is_met_by_zero));
	put(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
	put_load(filter, offsetof(struct seccomp_data, nr));
}

unsigned sandbox_filter_make(const struct sandbox_plan *plan, int pid,
			     struct sock_filter code[SANDBOX_FILTER_MAX])
{
	struct filter filter = {.code = code};

	if (ARCH == 0)
		return 0;
	/* Calls by the numbers of another architecture (int 0x80) would mean others. (Those of x32
	 * have a bit of their own, and so no row.) */
	put_load(&filter, offsetof(struct seccomp_data, arch));
	put(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	put(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	put_load(&filter, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_LEN(sanitizer_rows) && SANDBOX_SANITIZED; i++)
		put_row(&filter, &sanitizer_rows[i], action_of(sanitizer_rows[i].deed, plan), pid);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put_row(&filter, &rows[i], action_of(rows[i].deed, plan), pid);
	put(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
	return filter.count;
}

int sandbox_seccomp_error(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (ARCH == 0)
		return -ENOTSUP;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

#define SECCOMP_CALL                                                                               \
	"allow seccomp in it (a systemd unit: SystemCallFilter=seccomp; a container: its seccomp " \
	"profile)"

const char *sandbox_seccomp_cure(int error, bool is_filtered)
{
	switch (error) {
	case -ENOTSUP:
		return "not to be had: the filter is written for x86-64 and arm64";
	case -ESRCH:
		return "refused: a thread that a library has started cannot take the filter";
	case -ENOSYS:
	case -EINVAL:
		return is_filtered && error == -ENOSYS
			       ? "hidden by the seccomp filter around this process: " SECCOMP_CALL
			       : "not in this kernel: it needs CONFIG_SECCOMP_FILTER=y";
	case -EPERM:
	case -EACCES:
		return is_filtered
			       ? "refused by the seccomp filter around this process: " SECCOMP_CALL
			       : "refused, and not by another filter: look at the security "
				 "module (SELinux, AppArmor) or the sandbox around this process";
	default:
		return "refused by this kernel";
	}
}

int sandbox_seccomp_enter(const struct sandbox_plan *plan)
{
	struct sock_filter code[SANDBOX_FILTER_MAX];
	struct sock_fprog program = {.filter = code};

	program.len = (unsigned short)sandbox_filter_make(plan, (int)getpid(), code);
	if (program.len == 0)
		return -ENOTSUP;
	/* All threads, should a library have made one. A positive result is one that could not. */
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	if (r > 0)
		return -ESRCH;
	return r < 0 ? -errno : 0;
}
