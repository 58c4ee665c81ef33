/* SPDX-License-Identifier: Apache-2.0 */
/* A root folder of its own for each test of the store, and a kernel whose Nth call fails. */
#ifndef SLUICE_UNIT_STORE_FIXTURE_H
#define SLUICE_UNIT_STORE_FIXTURE_H

#include <stdbool.h>

#include "store/sys.h"
#include "store/version.h"

/* .init and .fini of a suite: the root, with the empty bucket "bucket" in it. */
void store_fixture_make(void);
void store_fixture_remove(void);

extern int store_root_fd;

/* Of this thread. */
struct store_faults {
	int calls;          /* made so far */
	int fails_at;       /* the call that fails; 0: none */
	int fails_with;     /* errno */
	int fsyncs;         /* that were made, without those that failed */
	bool has_tmpfile;   /* at first true; false: as a file system without O_TMPFILE */
	bool loses_tmpfile; /* a file made without a name is gone when it is opened by its name */
	bool has_clone;     /* at first true: as the file system can; false: never */
	bool has_coarse_times; /* as a file system with whole seconds */
	bool has_quotas; /* nothing is renamed into, or out of, a folder whose name is "quota" */
	bool has_link_quotas;   /* nor linked */
	int removes_private_at; /* before this call the bucket's private folder is removed, if it is
				 * empty; 0: never */
};
extern _Thread_local struct store_faults faults;
extern const struct store_sys faulty_sys;
/* From now on the Nth call fails with this errno. */
void faults_begin(int error, int n);
/* Calls go well again. Has that call been made? */
bool faults_end(void);

/* The contents of a file beneath the root, its first 4095 bytes as a string of this thread; NULL:
 * no such file. */
const char *store_contents(const char *path);
/* The ETag of a file beneath the root. */
void store_etag(const char *path, char etag[ETAG_BYTES]);
/* Entries of a folder beneath the root; 0 as well where there is none. */
int store_entries(const char *path);
/* store_sweep of a bucket, on the faulty kernel: how many files are gone, or its error. */
int store_swept(const char *bucket);
/* Open descriptors of this process. */
int store_descriptors(void);
void store_remove_tree(int dir_fd, const char *name);

#endif
