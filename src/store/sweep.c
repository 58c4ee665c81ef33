/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sweep.h"

#include <stdlib.h>

#include "store/bucket.h"
#include "store/private.h"

struct sweep_result sweep_all(const struct store_sys *sys, int root_fd, time_t uploads_before,
			      const atomic_bool *is_ending)
{
	struct sweep_result result = {0};
	struct bucket *buckets;
	int count = bucket_list(sys, root_fd, &buckets);

	if (count < 0)
		result.error = count;
	for (int i = 0; i < count && !atomic_load(is_ending); i++) {
		const char *bucket = buckets[i].name;
		int files = store_sweep(sys, root_fd, bucket, &result.files);
		int uploads = upload_sweep(sys, root_fd, bucket, uploads_before, &result.uploads);
		if (files < 0 || uploads < 0)
			result.error = files < 0 ? files : uploads;
	}
	free(buckets);
	return result;
}
