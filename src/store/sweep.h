/* SPDX-License-Identifier: Apache-2.0 */
/* What crashes, and clients that gave up, have left in all buckets. For threads that may block. */
#ifndef SLUICE_STORE_SWEEP_H
#define SLUICE_STORE_SWEEP_H

#include <stdatomic.h>
#include <time.h>

#include "store/multipart.h"
#include "store/sys.h"

struct sweep_result {
	unsigned files; /* of writers that no longer live */
	/* gone: nobody has touched them for long, or they were ended already. */
	struct upload_swept uploads;
	int error; /* the last: 0, or a negative errno; the others were removed all the same */
};

/* uploads_before: multipart uploads that were not touched since then go. *is_ending: another thread
 * may set it, and no further bucket is begun. */
struct sweep_result sweep_all(const struct store_sys *sys, int root_fd, time_t uploads_before,
			      const atomic_bool *is_ending);

#endif
