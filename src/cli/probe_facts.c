/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/must.h"

static const char *const option_name[PROBE_OPTION_COUNT] = {
	[PROBE_OPTION_TLS] = "CONFIG_TLS",
	[PROBE_OPTION_TLS_DEVICE] = "CONFIG_TLS_DEVICE",
	[PROBE_OPTION_GCM] = "CONFIG_CRYPTO_GCM",
	[PROBE_OPTION_AES_X86] = "CONFIG_CRYPTO_AES_NI_INTEL",
	[PROBE_OPTION_GCM_ARM64] = "CONFIG_CRYPTO_GHASH_ARM64_CE",
	[PROBE_OPTION_CHACHA] = "CONFIG_CRYPTO_CHACHA20POLY1305",
	[PROBE_OPTION_IO_URING] = "CONFIG_IO_URING",
};

const char *probe_option_name(enum probe_option option)
{
	must(option < PROBE_OPTION_COUNT);
	return option_name[option];
}

static void copy_text(char to[PROBE_LINE_MAX], const char *from)
{
	size_t len = strlen(from);
	if (len >= PROBE_LINE_MAX)
		len = PROBE_LINE_MAX - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

/* ---- Version -------------------------------------------------------------------------------- */

/* Numbers divided by dots; what is not there is -1. Returns what stands behind. */
static const char *parse_version(const char *text, struct kernel_version *version)
{
	int *const part[] = {&version->major, &version->minor, &version->patch};

	*version = (struct kernel_version){-1, -1, -1};
	for (size_t i = 0; i < ARRAY_LEN(part) && *text >= '0' && *text <= '9'; i++) {
		char *end;
		long number = strtol(text, &end, 10);
		*part[i] = number > 99999 ? 99999 : (int)number;
		text = end;
		if (*text == '.' && i + 1 < ARRAY_LEN(part))
			text++;
	}
	return text;
}

struct kernel_version kernel_version_of(const char *release, const char *version)
{
	struct kernel_version found, debian;
	const char *behind = parse_version(release, &found);
	const char *at = strstr(version, "Debian ");

	if (found.minor < 0)
		return (struct kernel_version){-1, -1, -1};
	if (at != NULL) {
		parse_version(at + strlen("Debian "), &debian);
		if (debian.major == found.major && debian.minor == found.minor)
			return debian;
	}
	if (found.patch == 0 && *behind == '-')
		found.patch = -1; /* "6.8.0-45-generic": the .0 says nothing */
	return found;
}

/* ---- Files ---------------------------------------------------------------------------------- */

bool probe_has_word(FILE *file, const char *word)
{
	char line[256], *rest = line, *found;

	if (fgets(line, sizeof(line), file) == NULL)
		return false;
	while ((found = strsep(&rest, " \t\n")) != NULL)
		if (strcmp(found, word) == 0)
			return true;
	return false;
}

void probe_config_read(FILE *file, const char *option[PROBE_OPTION_COUNT])
{
	char line[256];

	for (int i = 0; i < PROBE_OPTION_COUNT; i++)
		option[i] = "n";
	while (fgets(line, sizeof(line), file) != NULL) {
		char *value = strchr(line, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		for (int i = 0; i < PROBE_OPTION_COUNT; i++)
			if (strcmp(line, option_name[i]) == 0)
				option[i] = *value == 'y' ? "y" : *value == 'm' ? "m" : "n";
	}
}

/* Blocks of "name         : gcm(aes)", "driver : ...", "priority : 400", in this order. */
void probe_crypto_read(FILE *file, const char *algorithm, char driver[PROBE_LINE_MAX])
{
	char line[256], last_driver[PROBE_LINE_MAX] = "";
	bool is_wanted = false;
	long best = -1;

	driver[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		char *value = strstr(line, ": ");
		if (value == NULL)
			continue;
		value += 2;
		value[strcspn(value, "\n")] = '\0';
		if (strncmp(line, "name ", 5) == 0) {
			is_wanted = strcmp(value, algorithm) == 0;
		} else if (strncmp(line, "driver ", 7) == 0) {
			copy_text(last_driver, value);
		} else if (strncmp(line, "priority ", 9) == 0 && is_wanted) {
			long priority = strtol(value, NULL, 10);
			if (priority > best) {
				best = priority;
				memcpy(driver, last_driver, PROBE_LINE_MAX);
			}
		}
	}
}

size_t probe_counters_read(FILE *file, struct probe_counter counter[PROBE_COUNTERS_MAX])
{
	char line[128];
	size_t count = 0;

	/* "TlsTxSw                         \t12" */
	while (count < PROBE_COUNTERS_MAX && fgets(line, sizeof(line), file) != NULL) {
		struct probe_counter *found = &counter[count];
		size_t len = strcspn(line, " \t\n");
		char *end;

		found->value = strtol(line + len, &end, 10);
		if (len == 0 || len >= sizeof(found->name) || end == line + len)
			continue;
		memcpy(found->name, line, len);
		found->name[len] = '\0';
		count++;
	}
	return count;
}

bool probe_cpu_read(FILE *file, char flags[PROBE_LINE_MAX])
{
	/* arch/x86/crypto, arch/arm64/crypto: what the drivers of AES-GCM and ChaCha20 ask for. */
	static const char *const wanted[] = {"aes",  "pclmulqdq",  "ssse3",   "avx",   "avx2",
					     "vaes", "vpclmulqdq", "avx512f", "pmull", "asimd"};
	char line[8192], *rest = NULL, *word;

	flags[0] = '\0';
	while (rest == NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0)
			rest = strchr(line, ':');
	if (rest == NULL)
		return false;
	while ((word = strsep(&rest, ": \t\n")) != NULL)
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
			if (strcmp(word, wanted[i]) == 0)
				snprintf(flags + strlen(flags), PROBE_LINE_MAX - strlen(flags),
					 "%s%s", flags[0] != '\0' ? " " : "", wanted[i]);
	return true;
}

static bool ulp_is_listed(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");
	bool is_listed = file != NULL && probe_has_word(file, "tls");
	if (file != NULL)
		fclose(file);
	return is_listed;
}

/* Lines of modules.dep: "kernel/net/tls/tls.ko.xz: kernel/net/..." */
static enum tls_module module_on_disk(const char *release)
{
	char name[PROBE_LINE_MAX + 32], line[4096];
	bool has_it = false;

	snprintf(name, sizeof(name), "/lib/modules/%s/modules.dep", release);
	FILE *file = fopen(name, "re");
	if (file == NULL)
		return TLS_MODULE_UNKNOWN;
	while (!has_it && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, ":")] = '\0';
		has_it = strstr(line, "/net/tls/tls.ko") != NULL;
	}
	fclose(file);
	return has_it ? TLS_MODULE_LOADABLE : TLS_MODULE_MISSING;
}

static void gather_config(struct probe_facts *facts)
{
	char place[2][PROBE_LINE_MAX + 32];

	snprintf(place[0], sizeof(place[0]), "/boot/config-%s", facts->release);
	snprintf(place[1], sizeof(place[1]), "/lib/modules/%s/config", facts->release);
	for (int i = 0; i < PROBE_OPTION_COUNT; i++)
		facts->option[i] = "?";
	for (size_t i = 0; i < ARRAY_LEN(place) && facts->config_file[0] == '\0'; i++) {
		FILE *file = fopen(place[i], "re");
		if (file == NULL)
			continue;
		probe_config_read(file, facts->option);
		fclose(file);
		copy_text(facts->config_file, place[i]);
	}
	facts->has_config_gz = access("/proc/config.gz", R_OK) == 0;
}

static void gather_counters(struct probe_facts *facts)
{
	FILE *file = fopen("/proc/net/tls_stat", "re");
	if (file == NULL)
		return;
	facts->counter_count = probe_counters_read(file, facts->counter);
	fclose(file);
}

static void gather_cpu(struct probe_facts *facts)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	if (file == NULL)
		return;
	facts->has_cpu_flags = probe_cpu_read(file, facts->cpu_flags);
	fclose(file);
}

/* After the ciphers have been used: before, the kernel has not looked for their drivers. */
static void gather_drivers(struct probe_facts *facts)
{
	FILE *file = fopen("/proc/crypto", "re");
	if (file == NULL)
		return;
	probe_crypto_read(file, "gcm(aes)", facts->aes_gcm_driver);
	if (fseek(file, 0, SEEK_SET) == 0)
		probe_crypto_read(file, "rfc7539(chacha20,poly1305)", facts->chacha_driver);
	fclose(file);
}

void probe_facts_gather(struct probe_facts *facts)
{
	struct utsname name;

	memset(facts, 0, sizeof(*facts));
	if (uname(&name) == 0) {
		copy_text(facts->release, name.release);
		copy_text(facts->version, name.version);
		copy_text(facts->machine, name.machine);
	}
	facts->kernel = kernel_version_of(facts->release, facts->version);
	facts->page_bytes = sysconf(_SC_PAGESIZE);

	gather_cpu(facts);
	gather_counters(facts);
	bool was_there = ulp_is_listed();
	facts->loopback_errno = ktls_probe(&facts->ktls, true);
	if (facts->ktls.ulp_errno == 0)
		facts->tls_module = was_there ? TLS_MODULE_THERE : TLS_MODULE_LOADED_BY_US;
	else if (access("/sys/module/tls", F_OK) == 0)
		facts->tls_module = TLS_MODULE_THERE;
	else
		facts->tls_module = module_on_disk(facts->release);
	facts->has_tls_stat = access("/proc/net/tls_stat", R_OK) == 0;
	gather_drivers(facts);
	gather_config(facts);
	io_caps_probe(&facts->io);
}
