/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/upload_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "unit/store_fixture.h"

struct upload_place uploads_place(const char *key, const char *id)
{
	return (struct upload_place){.sys = &faulty_sys,
				     .root_fd = store_root_fd,
				     .bucket = "bucket",
				     .key = key,
				     .id = id,
				     .is_durable = true};
}

static const struct put_terms replaces = {.mode = PUT_REPLACES};

int uploads_create(const char *key, char id[UPLOAD_ID_BYTES])
{
	static const char fields[] = "Content-Type: text/x\r\n";
	struct upload_place place = uploads_place(key, NULL);
	const struct put_text text = {fields, sizeof(fields) - 1};
	return upload_create(&place, &text, NULL, id);
}

int uploads_send_part(const char *key, const char *id, unsigned number, char fill, size_t size,
		      struct upload_part *part)
{
	char data[65536];
	struct upload_place place = uploads_place(key, id);
	struct put put;
	int r = put_begin(&put, &faulty_sys, store_root_fd, "bucket", NULL, true);

	memset(data, fill, sizeof(data));
	for (size_t at = 0; r == 0 && at < size;) {
		size_t some = size - at < sizeof(data) ? size - at : sizeof(data);
		must(pwrite(put.file_fd, data, some, (off_t)at) == (ssize_t)some);
		at += some;
	}
	if (r == 0)
		r = upload_part_commit(&place, &put, number, NULL);
	*part = (struct upload_part){.number = number};
	memcpy(part->etag, put.stamp.etag, sizeof(part->etag));
	put_end(&put);
	return r;
}

int uploads_complete(const char *key, const char *id, const struct upload_part *part,
		     unsigned count, struct object_stamp *stamp)
{
	struct upload_place place = uploads_place(key, id);
	return uploads_complete_as(&place, part, count, &replaces, stamp);
}

int uploads_complete_as(const struct upload_place *place, const struct upload_part *part,
			unsigned count, const struct put_terms *terms, struct object_stamp *stamp)
{
	const struct upload_whole whole = {.part = part, .part_count = count, .terms = terms};
	struct upload_made made;
	int r = upload_complete(place, &whole, &made);

	*stamp = made.stamp;
	return r;
}

int uploads_parts(const struct upload_place *place, unsigned after, unsigned max,
		  struct upload_part *part, bool *is_truncated)
{
	struct upload_parts_page page = {.part = part, .max = max};
	int count = upload_parts(place, after, &page);

	*is_truncated = page.is_truncated;
	return count;
}

int uploads_swept(time_t before)
{
	struct upload_swept swept = {0};
	int r = upload_sweep(&faulty_sys, store_root_fd, "bucket", before, &swept);
	return r < 0 ? r : (int)swept.gone;
}

void uploads_expect(const char *path, const char *runs)
{
	char is[256] = "", run[32], buffer[65536];
	int fd = openat(store_root_fd, path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s is not there", path);
	size_t count = 0;
	char of = 0;
	for (ssize_t n = 1; n > 0;) {
		n = read(fd, buffer, sizeof(buffer));
		for (ssize_t i = 0; i <= n && strlen(is) < sizeof(is) - sizeof(run); i++) {
			if (i < n && (count == 0 || buffer[i] == of)) {
				of = buffer[i];
				count++;
			} else if (i < n || (n == 0 && count > 0)) {
				snprintf(run, sizeof(run), "%s%c%zu", is[0] ? " " : "", of, count);
				strcat(is, run);
				count = i < n;
				of = i < n ? buffer[i] : 0;
			}
		}
	}
	close(fd);
	cr_expect_str_eq(is, runs);
}

int uploads_list(const char *prefix, const char *after_key, const char *after_id, unsigned max,
		 struct upload_page *page)
{
	const struct upload_query query = {.prefix = prefix,
					   .delimiter = "",
					   .after_key = after_key,
					   .after_id = after_id,
					   .max = max};
	return upload_list(&faulty_sys, store_root_fd, "bucket", &query, page);
}
