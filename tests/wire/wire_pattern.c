/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"

#define BLOCK_BYTES 4096

/* The finaliser of SplitMix64: every bit of the index changes half of the bits of the word. */
static uint64_t word(uint64_t seed, uint64_t index)
{
	uint64_t z = seed * 0x9e3779b97f4a7c15 + index + 1;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void block_fill(uint64_t seed, uint64_t block, uint64_t out[BLOCK_BYTES / 8])
{
	for (uint64_t i = 0; i < BLOCK_BYTES / 8; i++)
		out[i] = word(seed, block * (BLOCK_BYTES / 8) + i);
}

/* Bytes of data from offset that lie in one block; at most len. */
static size_t in_block(uint64_t offset, size_t len)
{
	size_t room = BLOCK_BYTES - (size_t)(offset % BLOCK_BYTES);
	return len < room ? len : room;
}

void wire_pattern_fill(uint64_t seed, uint64_t offset, void *out, size_t len)
{
	uint64_t block[BLOCK_BYTES / 8];
	size_t done = 0;

	while (done < len) {
		size_t n = in_block(offset + done, len - done);
		block_fill(seed, (offset + done) / BLOCK_BYTES, block);
		memcpy((char *)out + done, (char *)block + (offset + done) % BLOCK_BYTES, n);
		done += n;
	}
}

size_t wire_pattern_match(uint64_t seed, uint64_t offset, const void *data, size_t len)
{
	uint64_t block[BLOCK_BYTES / 8];
	size_t done = 0;

	while (done < len) {
		size_t n = in_block(offset + done, len - done);
		block_fill(seed, (offset + done) / BLOCK_BYTES, block);
		const char *wanted = (char *)block + (offset + done) % BLOCK_BYTES;
		const char *found = (const char *)data + done;
		if (memcmp(found, wanted, n) != 0) {
			for (size_t i = 0; i < n && found[i] == wanted[i]; i++)
				done++;
			return done;
		}
		done += n;
	}
	return done;
}

static void folders_make(char *path)
{
	for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		must(mkdir(path, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
}

void wire_pattern_write(const char *dir, const char *name, uint64_t seed, uint64_t bytes)
{
	char path[PATH_MAX], chunk[64 * 1024];

	must(snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path));
	folders_make(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(fd >= 0);
	for (uint64_t at = 0; at < bytes;) {
		size_t n = bytes - at < sizeof(chunk) ? (size_t)(bytes - at) : sizeof(chunk);
		wire_pattern_fill(seed, at, chunk, n);
		must(write(fd, chunk, n) == (ssize_t)n);
		at += n;
	}
	must(close(fd) == 0);
}
