/* SPDX-License-Identifier: Apache-2.0 */
/* Which checksum an upload's object is to have, and whether its parts and their whole have theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/meta.h"
#include "store/multipart_private.h"

#define PLAN_NAME  "checksum"
/* "CRC64NVME FULL_OBJECT\n", with NUL, and room to see that there is more. */
#define PLAN_BYTES 32
/* Of the checksums of all parts, so that their base64 fits META_BYTES_MAX. */
#define SUMS_BYTES (META_BYTES_MAX / 4 * 3)

int upload_write_plan(const struct upload_place *place, int upload_fd,
		      const struct checksum_plan *plan)
{
	char text[PLAN_BYTES];

	if (plan == NULL || !plan->is_set)
		return 0;
	int n = snprintf(text, sizeof(text), "%s %s\n", checksum_algorithm(plan->kind),
			 checksum_type(plan->is_composite));
	return upload_write_file(place, upload_fd, PLAN_NAME, text, (size_t)n);
}

static int parse_plan(const char *text, struct checksum_plan *plan)
{
	size_t len = strcspn(text, " ");

	plan->kind = checksum_find(text, len);
	if (plan->kind == CHECKSUM_KINDS)
		return -EIO;
	for (int is_composite = 0; is_composite < 2; is_composite++) {
		char wanted[PLAN_BYTES];
		snprintf(wanted, sizeof(wanted), " %s\n", checksum_type(is_composite));
		if (strcmp(text + len, wanted) != 0)
			continue;
		plan->is_set = true;
		plan->is_composite = is_composite;
	}
	return plan->is_set ? 0 : -EIO;
}

int upload_read_plan(const struct store_sys *sys, int upload_fd, struct checksum_plan *plan)
{
	char text[PLAN_BYTES];

	*plan = (struct checksum_plan){0};
	int fd = folder_open_file(sys, upload_fd, PLAN_NAME, O_RDONLY, 0);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ssize_t n = sys->pread(fd, text, sizeof(text) - 1, 0);
	int error = errno;
	close(fd);
	if (n < 0)
		return -error;
	text[n] = '\0';
	return parse_plan(text, plan);
}

/* ---- Parts, and their whole ------------------------------------------------------------------ */

struct check {
	const struct upload_place *place;
	const struct upload_whole *wanted;
	struct checksum_plan plan;
	bool is_guess; /* nobody has asked for it: it is what the parts happen to have */
	struct checksum_whole whole;
	uint64_t size;
	uint8_t sums[SUMS_BYTES];
	size_t sums_len;
	bool are_sums_many; /* for sums */
};

/* What the object is to have, as far as it was said. */
static int choose_plan(struct check *check)
{
	const struct upload_whole *wanted = check->wanted;
	struct checksum_plan *plan = &check->plan;
	const struct checksum *sum = &wanted->checksum;

	if (plan->is_set) {
		bool is_other = (wanted->has_type && wanted->is_composite != plan->is_composite) ||
				(sum->is_set && sum->kind != plan->kind);
		return is_other ? -EBADR : 0;
	}
	check->is_guess = !sum->is_set;
	if (!sum->is_set) /* S3's own default is of all bytes */
		return wanted->has_type && wanted->is_composite ? -EBADR : 0;
	*plan = (struct checksum_plan){.is_set = true, .kind = sum->kind};
	plan->is_composite = wanted->has_type ? wanted->is_composite
					      : checksum_is_composite_by_default(sum->kind);
	return checksum_can_be(plan->kind, plan->is_composite) ? 0 : -EBADR;
}

/* The part's checksum of this kind: the one that is kept with it, or computed. */
static int sum_of_part(const struct upload_place *place, int fd, enum digest_kind kind,
		       const struct checksum *kept, struct checksum *sum)
{
	*sum = *kept;
	return kept->is_set && kept->kind == kind ? 0 : checksum_compute(place->sys, fd, kind, sum);
}

/* All parts have one of these: then the whole has one, for nothing. */
static void guess(struct check *check, const struct checksum *kept)
{
	bool is_first = check->whole.parts == 0;

	if (is_first && kept->is_set && checksum_can_be(kept->kind, false))
		check->plan = (struct checksum_plan){.is_set = true, .kind = kept->kind};
	else if (!kept->is_set || kept->kind != check->plan.kind)
		check->plan.is_set = false;
	check->is_guess = check->plan.is_set;
	check->whole.plan = check->plan;
}

static void add_to_sums(struct check *check, const struct checksum *sum)
{
	size_t bytes = digest_bytes(sum->kind);

	check->are_sums_many = check->are_sums_many || bytes > SUMS_BYTES - check->sums_len;
	if (check->are_sums_many)
		return;
	memcpy(check->sums + check->sums_len, sum->value, bytes);
	check->sums_len += bytes;
}

static int check_part(struct check *check, const struct upload_part *part, int fd,
		      const struct facts *facts)
{
	const struct upload_place *place = check->place;
	struct checksum kept = {0}, sum;
	int r = 0;

	if (check->plan.is_set || check->is_guess || part->checksum.is_set)
		r = checksum_kept(place->sys, fd, facts, &kept);
	if (r == -EBADMSG) /* damaged: as none */
		r = 0;
	if (r == 0 && part->checksum.is_set) {
		r = sum_of_part(place, fd, part->checksum.kind, &kept, &sum);
		if (r == 0 && !checksum_is_equal(&sum, &part->checksum))
			r = -EBADE;
		if (r == 0)
			kept = sum;
	}
	if (r == 0 && check->is_guess)
		guess(check, &kept);
	if (r < 0 || !check->plan.is_set)
		return r;
	r = sum_of_part(place, fd, check->plan.kind, &kept, &sum);
	if (r < 0)
		return r;
	checksum_whole_add(&check->whole, &sum, facts->size);
	if (check->plan.is_composite)
		add_to_sums(check, &sum);
	return 0;
}

static int check_each(struct check *check, int upload_fd, struct parts_text *sizes)
{
	const struct upload_whole *wanted = check->wanted;

	for (unsigned i = 0; i < wanted->part_count; i++) {
		struct facts facts;
		int fd = upload_open_part(check->place, upload_fd, &wanted->part[i], &facts);
		if (fd < 0)
			return fd;
		int r = i + 1 < wanted->part_count && facts.size < UPLOAD_PART_BYTES_MIN
				? -EMSGSIZE
				: check_part(check, &wanted->part[i], fd, &facts);
		close(fd);
		if (r < 0)
			return r;
		parts_add(sizes, facts.size);
		check->size += facts.size;
	}
	return 0;
}

/* Is the whole what was said? */
static int check_whole(struct check *check, struct upload_found *found)
{
	const struct upload_whole *wanted = check->wanted;
	struct checksum said = wanted->checksum;

	checksum_whole_end(&check->whole, &found->checksum);
	if (wanted->has_size && wanted->size != check->size)
		return -EBADRQC;
	if (said.parts == 0) /* minio-go does not say how many they were */
		said.parts = found->checksum.parts;
	if (said.is_set && !checksum_is_equal(&said, &found->checksum))
		return -EBADR;
	if (!check->are_sums_many)
		base64_encode(check->sums, check->sums_len, found->sums);
	return 0;
}

int upload_check_parts(const struct upload_place *place, int upload_fd,
		       const struct upload_whole *whole, struct upload_found *found)
{
	struct check check = {.place = place, .wanted = whole};

	*found = (struct upload_found){0};
	int r = upload_read_plan(place->sys, upload_fd, &check.plan);
	if (r == 0)
		r = choose_plan(&check);
	if (r < 0)
		return r;
	r = checksum_whole_begin(&check.whole, &check.plan);
	if (r == 0)
		r = check_each(&check, upload_fd, &found->sizes);
	if (r == 0)
		r = check_whole(&check, found);
	checksum_whole_fini(&check.whole);
	return r;
}
