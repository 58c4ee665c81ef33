/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sluice probe` in three steps: facts are gathered from the machine (probe_facts.c),
 * judged (probe_verdict.c, which asks the machine nothing) and printed (probe_text.c,
 * probe_json.c).
 */
#ifndef SLUICE_CLI_PROBE_H
#define SLUICE_CLI_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "io/caps.h"
#include "tls/ktls_probe.h"

#define PROBE_LINE_MAX     128
#define PROBE_WARNING_MAX  512
#define PROBE_WARNINGS_MAX 16 /* more than there are kinds of */
#define PROBE_COUNTERS_MAX 32 /* of /proc/net/tls_stat; Linux 7.3 has 16 */

/* ---- Facts ---------------------------------------------------------------------------------- */

struct kernel_version {
	int major;
	int minor;
	int patch; /* -1: the release does not tell (a vendor's number stands in its place) */
};

/* The stable release, from what uname says as release and as version: Debian's 6.1 has an ABI
 * number in the release ("6.1.0-56-cloud-amd64") and the release in the version ("#1 SMP
 * PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)"). All -1 if release is not a version. */
struct kernel_version kernel_version_of(const char *release, const char *version);

/* Where the kernel's module tls stands. */
enum tls_module {
	TLS_MODULE_THERE,        /* loaded or built in (whether or not we may use it) */
	TLS_MODULE_LOADED_BY_US, /* attaching the ULP loaded it (CAP_NET_ADMIN) */
	TLS_MODULE_LOADABLE,     /* not loaded, but /lib/modules has it */
	TLS_MODULE_MISSING,      /* /lib/modules is there and does not have it */
	TLS_MODULE_UNKNOWN       /* not loaded; /lib/modules is not to be seen */
};

/* Kernel options that matter here; PROBE_OPTION_COUNT rows. */
enum probe_option {
	PROBE_OPTION_TLS,
	PROBE_OPTION_TLS_DEVICE,
	PROBE_OPTION_GCM,
	PROBE_OPTION_AES_X86,
	PROBE_OPTION_GCM_ARM64,
	PROBE_OPTION_CHACHA,
	PROBE_OPTION_IO_URING,
	PROBE_OPTION_COUNT
};
const char *probe_option_name(enum probe_option option); /* "CONFIG_TLS" ... */

/* A line of /proc/net/tls_stat. */
struct probe_counter {
	char name[32];
	long value;
};

struct probe_facts {
	char release[PROBE_LINE_MAX]; /* uname -r */
	char version[PROBE_LINE_MAX]; /* uname -v */
	char machine[PROBE_LINE_MAX]; /* uname -m */
	struct kernel_version kernel;
	enum tls_module tls_module;
	bool has_tls_stat; /* /proc/net/tls_stat */
	/* Its lines before this probe's own connections; 0: there were none. */
	size_t counter_count;
	struct probe_counter counter[PROBE_COUNTERS_MAX];
	int loopback_errno; /* 0, or why nothing could be tried */
	struct ktls_caps ktls;
	struct io_caps io;
	/* Those words of /proc/cpuinfo that matter here, a blank between them. */
	char cpu_flags[PROBE_LINE_MAX];
	bool has_cpu_flags; /* it could be read */
	/* Which code would seal (/proc/crypto): the driver of the highest priority; "": none yet.
	 */
	char aes_gcm_driver[PROBE_LINE_MAX];
	char chacha_driver[PROBE_LINE_MAX];
	/* "y", "m", "n", or "?" where the configuration could not be read. */
	const char *option[PROBE_OPTION_COUNT];
	char config_file[PROBE_LINE_MAX]; /* "": none could be read */
	bool has_config_gz;               /* /proc/config.gz, which we do not unpack */
	long page_bytes;
};

/* Gathers them all; takes some milliseconds. What is not to be had is said in the fact itself. */
void probe_facts_gather(struct probe_facts *facts);

/* Parts of it, for tests. Reads a kernel configuration; options it does not name are "n". */
void probe_config_read(FILE *file, const char *option[PROBE_OPTION_COUNT]);
/* Reads /proc/crypto: the driver of the highest priority that offers algorithm. "" if none does. */
void probe_crypto_read(FILE *file, const char *algorithm, char driver[PROBE_LINE_MAX]);
/* Reads /proc/net/tls_stat; returns how many lines it had. */
size_t probe_counters_read(FILE *file, struct probe_counter counter[PROBE_COUNTERS_MAX]);
/* Reads /proc/cpuinfo up to the first processor's flags (x86) or Features (arm64). False: neither
 * is there. */
bool probe_cpu_read(FILE *file, char flags[PROBE_LINE_MAX]);
/* Is word one of the words of a file's first line? */
bool probe_has_word(FILE *file, const char *word);

/* ---- Verdict -------------------------------------------------------------------------------- */

enum probe_verdict { /* and the exit code */
		     PROBE_USABLE,
		     PROBE_USABLE_WITH_WARNINGS,
		     PROBE_NOT_USABLE
};

struct probe_warning {
	char text[PROBE_WARNING_MAX];
	const char *page; /* of kconfig-notes/, which tells the cure */
};

struct probe_report {
	enum probe_verdict verdict;
	size_t warning_count;
	struct probe_warning warning[PROBE_WARNINGS_MAX];
};

/* Not usable: no ULP, or no cipher works in both directions. Usable with warnings: anything else
 * that is lacking. The reasons stand in the report, the worst first. */
void probe_judge(const struct probe_facts *facts, struct probe_report *report);

/* Static texts: "usable", "usable_with_warnings", "not_usable"; "yes", "no", "untested"; ... */
const char *probe_verdict_label(enum probe_verdict verdict);
const char *ktls_verdict_label(enum ktls_verdict verdict);
const char *tls_module_label(enum tls_module module);

/* ---- Printing ------------------------------------------------------------------------------- */

void probe_print_text(const struct probe_facts *facts, const struct probe_report *report,
		      FILE *out);
/* One object; its keys are part of the interface: they are added to, never changed. */
void probe_print_json(const struct probe_facts *facts, const struct probe_report *report,
		      FILE *out);

#endif
