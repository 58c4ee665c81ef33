/* SPDX-License-Identifier: Apache-2.0 */
#include "store/left_out.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/names.h"

#define NAMES_SHOWN 3

struct left_out {
	unsigned folders;
	unsigned files;
	unsigned links;
	unsigned others;
	char names[NAMES_SHOWN * (KEY_COMPONENT_BYTES_MAX + sizeof(", \"\""))]; /* the first */
};

/* A server's own, of a trial, and what mkfs makes: nobody misses them. */
static bool is_expected(const char *name)
{
	return strncmp(name, STORE_PRIVATE, sizeof(STORE_PRIVATE) - 1) == 0 ||
	       strcmp(name, "lost+found") == 0;
}

static void leave_out(struct left_out *left_out, const char *name, int type)
{
	unsigned *of_kind = type == DT_DIR   ? &left_out->folders
			    : type == DT_REG ? &left_out->files
			    : type == DT_LNK ? &left_out->links
					     : &left_out->others;
	unsigned count = left_out->folders + left_out->files + left_out->links + left_out->others;
	size_t used = strlen(left_out->names);

	if (count < NAMES_SHOWN)
		snprintf(left_out->names + used, sizeof(left_out->names) - used, "%s\"%s\"",
			 count > 0 ? ", " : "", name);
	(*of_kind)++;
}

int left_out_tell(const struct store_sys *sys, int root_fd, char text[LEFT_OUT_BYTES])
{
	struct left_out left_out = {0};
	struct folder_reader reader;
	const char *name;
	int r;

	int dir_fd = folder_open(sys, root_fd, ".");
	if (dir_fd < 0)
		return dir_fd;
	folder_reader_init(&reader, sys, dir_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		int type = folder_read_type(&reader, name);
		bool is_bucket = type == DT_DIR && store_bucket_name_is_valid(name, strlen(name));
		if (type > DT_UNKNOWN && !is_bucket && !is_expected(name))
			leave_out(&left_out, name, type);
	}
	close(dir_fd);
	if (r < 0 || left_out.names[0] == '\0')
		return r;
	snprintf(text, LEFT_OUT_BYTES,
		 "not served: %u folders whose names no bucket can have, %u files, %u symbolic "
		 "links, %u others; the first: %s",
		 left_out.folders, left_out.files, left_out.links, left_out.others, left_out.names);
	return 1;
}
