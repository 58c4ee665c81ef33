/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all tests of a run share, made before the first one, in WIRE_DIR:
 *
 *   certs/   wire_certs.h
 *   root/    a store that no test writes to; its bucket "data" holds the objects below
 *   logs/    what each server wrote to stderr: SUITE.TEST.NUMBER.log
 *
 * When a test fails, the end of its servers' logs is shown and the folder is kept.
 */
#ifndef SLUICE_TESTS_WIRE_RUN_H
#define SLUICE_TESTS_WIRE_RUN_H

#include <stdint.h>

/* The object "data/size-N" has N bytes, seed N. Around every limit of a record, of a sending
 * buffer (8 records) and of the choice of engine. */
#define WIRE_SIZES(S)                                                                              \
	S(0)                                                                                       \
	S(1)                                                                                       \
	S(100)                                                                                     \
	S(16000)                                                                                   \
	S(16383)                                                                                   \
	S(16384)                                                                                   \
	S(16385) S(32768) S(65535) S(65536) S(65537) S(131071) S(131072) S(131073) S(1048577)

/* The object "data/big": WIRE_BIG_SEED, struct wire_env.big_bytes bytes. */
#define WIRE_BIG_SEED 4242

/* Objects with unusual keys: K(ID, bytes of the key, how a request may spell it). The object has
 * 100 bytes and the seed WIRE_KEY_SEED + its place in the table. */
#define WIRE_KEYS(K)                                                                               \
	K(NESTED, "a/b/c/d", "a/b/c/d")                                                            \
	K(NESTED_ENCODED, "a/b/c/d2", "a%2Fb%2fc/d2")                                              \
	K(SPACE, "with space", "with%20space")                                                     \
	K(PLUS, "plus+plus", "plus+plus")                                                          \
	K(PLUS_ENCODED, "plus+too", "plus%2Btoo")                                                  \
	K(UTF8, "\xc3\xbcn\xc3\xaf/\xe6\x97\xa5\xe6\x9c\xac", "%C3%BCn%c3%af/%E6%97%A5%E6%9C%AC")  \
	K(PERCENT, "100%25", "100%2525")                                                           \
	K(NEEDLESS, "needless", "n%65edle%73s")                                                    \
	K(DOTS, "..a/b../...c/.d", "..a/b../...c/.d")                                              \
	K(XML, "<&>\"'", "%3C&%3E%22'")                                                            \
	K(SAFE, "-_.~!$'()*,;:@=", "-_.~!$'()*,;:@=")                                              \
	K(BACKSLASH, "back\\slash", "back%5Cslash")                                                \
	K(CONTROL, "tab\tlf\ncr\resc\x1b", "tab%09lf%0Acr%0Desc%1B")                               \
	K(QUESTION, "what?is#this", "what%3Fis%23this")                                            \
	K(ULID, "01ARZ3NDEKTSV4RRFFQ69G5FAV/chunks/000001",                                        \
	  "01ARZ3NDEKTSV4RRFFQ69G5FAV/chunks/000001")

#define WIRE_KEY_SEED  9000
#define WIRE_KEY_BYTES 100

struct wire_key {
	const char *object_key;
	const char *spelling;
};

#define WIRE_SIZE_VALUE(n)                     n,
#define WIRE_KEY_ROW(id, object_key, spelling) {object_key, spelling},
extern const uint64_t wire_sizes[];
extern const unsigned wire_size_count;
extern const struct wire_key wire_keys[];
extern const unsigned wire_key_count;

/* A line for whoever reads the run's output: what the running test has counted. Shown as
 * "# SUITE/TEST: LINE" when it has ended. */
void wire_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Of the object "big" of this run. */
uint64_t wire_big_bytes(void);

#endif
