/* SPDX-License-Identifier: Apache-2.0 */
#include "server/sweeper.h"

#include <string.h>
#include <time.h>

#include "store/sweep.h"

static void *sweep(void *arg)
{
	struct sweeper *sweeper = arg;
	const struct config *config = sweeper->config;
	time_t before = time(NULL) - (time_t)(config->upload_expiry_ms / 1000);
	struct sweep_result result =
		sweep_all(&store_sys_kernel, sweeper->root_fd, before, &sweeper->is_ending);

	if (result.error == 0) {
		atomic_store(&sweeper->uploads_open, result.uploads.open);
		atomic_store(&sweeper->counted_at, time(NULL));
	}
	if (result.files > 0 || result.uploads.gone > 0)
		log_msg(&sweeper->log, LOG_LEVEL_INFO,
			"removed what was left: %u unfinished files, %u multipart uploads",
			result.files, result.uploads.gone);
	if (result.error < 0)
		log_msg(&sweeper->log, LOG_LEVEL_WARN, "looking for unfinished files: %s",
			strerrordesc_np(-result.error));
	atomic_store(&sweeper->is_sweeping, false);
	return NULL;
}

void sweeper_init(struct sweeper *sweeper, const struct config *config,
		  const struct log_sink *log_sink, int root_fd)
{
	*sweeper = (struct sweeper){.config = config, .root_fd = root_fd};
	log_init(&sweeper->log, log_sink, config->log_level, config->log_format);
}

void sweeper_step(struct sweeper *sweeper, uint64_t now_ms)
{
	bool is_due = sweeper->swept_ms == 0 || now_ms - sweeper->swept_ms >= SWEEP_MS;
	if (!sweeper->config->writable || !is_due || atomic_load(&sweeper->is_sweeping))
		return;
	sweeper_fini(sweeper);
	sweeper->swept_ms = now_ms;
	atomic_store(&sweeper->is_sweeping, true);
	sweeper->has_thread = pthread_create(&sweeper->thread, NULL, sweep, sweeper) == 0;
	if (!sweeper->has_thread) {
		atomic_store(&sweeper->is_sweeping, false);
		sweeper->swept_ms = 0; /* at the next look */
	}
}

bool sweeper_end(struct sweeper *sweeper)
{
	atomic_store(&sweeper->is_ending, true);
	return !atomic_load(&sweeper->is_sweeping);
}

void sweeper_fini(struct sweeper *sweeper)
{
	if (sweeper->has_thread)
		pthread_join(sweeper->thread, NULL);
	sweeper->has_thread = false;
}
