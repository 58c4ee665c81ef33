/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

/* "of: SECONDS.NANOSECONDS SIZE\r\n" */
#define BOND        "of: "
#define BOND_BYTES  64
#define BOUND_BYTES (BOND_BYTES + META_BYTES_MAX)
/* "damaged of: ...\r\n": before META_FIELDS. No name of a field has a space, so that a reader that
 * does not know it refuses them all. */
#define DAMAGED     "damaged "
#define NOTE_BYTES  (sizeof(DAMAGED) - 1 + BOND_BYTES)
#define NOTED_BYTES (NOTE_BYTES + META_BYTES_MAX)

static size_t bond_of(const struct facts *facts, char out[BOND_BYTES])
{
	return (size_t)snprintf(out, BOND_BYTES, BOND "%lld.%09ld %llu\r\n",
				(long long)facts->modified.tv_sec, facts->modified.tv_nsec,
				(unsigned long long)facts->size);
}

int meta_set(const struct store_sys *sys, int file_fd, const char *name, const char *text,
	     size_t len)
{
	if (len == 0)
		return 0;
	return sys->fsetxattr(file_fd, name, text, len, 0) < 0 ? -errno : 0;
}

int meta_set_bound(const struct store_sys *sys, int file_fd, const char *name,
		   const struct facts *facts, const char *text, size_t len)
{
	char bound[BOUND_BYTES];

	must(len <= META_BYTES_MAX);
	if (len == 0)
		return 0;
	size_t bond = bond_of(facts, bound);
	memcpy(bound + bond, text, len);
	return meta_set(sys, file_fd, name, bound, bond + len);
}

int meta_mark(const struct store_sys *sys, int file_fd, mode_t mode)
{
	struct stat st;

	if (meta_is_marked(mode))
		return 0;
	if (sys->fchmod(file_fd, (mode & 07777) | S_ISVTX) < 0 ||
	    sys->fstatat(file_fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	return meta_is_marked(st.st_mode) ? 0 : -EOPNOTSUPP;
}

/* As meta_get, with room of any size. */
static int get(const struct store_sys *sys, int file_fd, const char *name, char *out, size_t size)
{
	ssize_t n = sys->fgetxattr(file_fd, name, out, size);
	if (n >= 0)
		return (int)n;
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

int meta_get(const struct store_sys *sys, int file_fd, const char *name, char out[META_BYTES_MAX])
{
	return get(sys, file_fd, name, out, META_BYTES_MAX);
}

int meta_get_bound(const struct store_sys *sys, int file_fd, const char *name,
		   const struct facts *facts, char out[META_BYTES_MAX])
{
	char bound[BOUND_BYTES], bond[BOND_BYTES];
	size_t bond_len = bond_of(facts, bond), skip = 0;

	int n = get(sys, file_fd, name, bound, sizeof(bound));
	if (n <= 0)
		return n;
	if ((size_t)n >= strlen(BOND) && memcmp(bound, BOND, strlen(BOND)) == 0) {
		if ((size_t)n < bond_len || memcmp(bound, bond, bond_len) != 0)
			return 0;
		skip = bond_len;
	}
	if ((size_t)n - skip > META_BYTES_MAX)
		return -ERANGE;
	memcpy(out, bound + skip, (size_t)n - skip);
	return n - (int)skip;
}

int meta_is_bound(const struct store_sys *sys, int file_fd, const char *name)
{
	char bound[BOUND_BYTES];

	int n = get(sys, file_fd, name, bound, sizeof(bound));
	if (n < 0)
		return n;
	return (size_t)n >= strlen(BOND) && memcmp(bound, BOND, strlen(BOND)) == 0;
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static size_t note_of(const struct facts *facts, char out[NOTE_BYTES])
{
	char *end = stpcpy(out, DAMAGED);
	return (size_t)(end - out) + bond_of(facts, end);
}

/* The length of the note before the fields, of whatever bytes; 0: there is none. */
static size_t note_len(const char *text, size_t len)
{
	if (len < strlen(DAMAGED) || memcmp(text, DAMAGED, strlen(DAMAGED)) != 0)
		return 0;
	const char *end = memmem(text, len, "\r\n", 2);
	return end != NULL ? (size_t)(end - text) + 2 : 0;
}

int meta_get_fields(const struct store_sys *sys, int file_fd, const struct facts *facts,
		    char out[META_BYTES_MAX], bool *is_damaged)
{
	char text[NOTED_BYTES], note[NOTE_BYTES];

	*is_damaged = false;
	int n = get(sys, file_fd, META_FIELDS, text, sizeof(text));
	if (n <= 0)
		return n;
	size_t skip = note_len(text, (size_t)n);
	*is_damaged = skip > 0 && skip == note_of(facts, note) && memcmp(text, note, skip) == 0;
	if ((size_t)n - skip > META_BYTES_MAX)
		return -ERANGE;
	memcpy(out, text + skip, (size_t)n - skip);
	return n - (int)skip;
}

int meta_set_damaged(const struct store_sys *sys, int file_fd, const struct facts *facts,
		     bool is_damaged)
{
	char fields[META_BYTES_MAX], text[NOTED_BYTES];
	bool was_damaged;
	size_t len = is_damaged ? note_of(facts, text) : 0;

	int n = meta_get_fields(sys, file_fd, facts, fields, &was_damaged);
	if (n < 0 || was_damaged == is_damaged)
		return n < 0 ? n : 0;
	memcpy(text + len, fields, (size_t)n);
	return sys->fsetxattr(file_fd, META_FIELDS, text, len + (size_t)n, 0) < 0 ? -errno : 0;
}
