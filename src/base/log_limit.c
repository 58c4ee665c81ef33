/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_limit.h"

#include <string.h>

#include "base/must.h"

static bool is_of(const struct log_limit_entry *entry, struct log_kind kind, const char *source,
		  size_t source_len)
{
	return entry->kind == kind.msg && entry->reason == kind.reason &&
	       strncmp(entry->source, source, source_len) == 0 && entry->source[source_len] == '\0';
}

static bool has_suppressed(const struct log_limit_entry *entry)
{
	return entry->lines > LOG_LIMIT_LINES;
}

/* Free, or of a window that has ended and about which there is nothing to tell. */
static bool is_free(const struct log_limit_entry *entry, uint64_t now_ms)
{
	return entry->kind == NULL || (entry->window_end_ms <= now_ms && !has_suppressed(entry));
}

static struct log_limit_entry *entry_of(struct log_limit *limit, struct log_kind kind,
					const char *source, size_t source_len, uint64_t now_ms)
{
	static const struct log_kind any = {"several kinds", NULL};
	struct log_limit_entry *last = &limit->entry[LOG_LIMIT_ENTRIES - 1], *found = NULL;

	for (struct log_limit_entry *entry = limit->entry; entry < last; entry++) {
		if (entry->kind != NULL && is_of(entry, kind, source, source_len))
			return entry;
		if (found == NULL && is_free(entry, now_ms))
			found = entry;
	}
	if (found == NULL) {
		found = last;
		kind = any;
		source_len = 0;
	}
	if (found == last && !is_free(last, now_ms))
		return last;
	*found = (struct log_limit_entry){.kind = kind.msg,
					  .reason = kind.reason,
					  .window_end_ms = now_ms + LOG_LIMIT_WINDOW_MS};
	memcpy(found->source, source, source_len);
	return found;
}

bool log_limit_allows(struct log_limit *limit, struct log_kind kind, const char *source,
		      size_t source_len, uint64_t now_ms, uint64_t *due_ms)
{
	if (source_len >= LOG_SOURCE_BYTES)
		source_len = LOG_SOURCE_BYTES - 1;
	struct log_limit_entry *entry = entry_of(limit, kind, source, source_len, now_ms);

	/* A window that has ended without a line suppressed: a new one. */
	if (entry->window_end_ms <= now_ms && !has_suppressed(entry)) {
		entry->lines = 0;
		entry->window_end_ms = now_ms + LOG_LIMIT_WINDOW_MS;
	}
	entry->lines++;
	*due_ms = has_suppressed(entry) ? entry->window_end_ms : 0;
	if (!has_suppressed(entry))
		return true;
	__atomic_store_n(&limit->suppressed, limit->suppressed + 1, __ATOMIC_RELAXED);
	return false;
}

static void tell(struct log_limit_entry *entry, struct log *log)
{
	struct log_line line;

	log_begin(&line, log, LOG_LEVEL_WARN, "log lines suppressed");
	log_text(&line, "kind", entry->kind);
	if (entry->reason != NULL)
		log_text(&line, "reason", entry->reason);
	log_text(&line, "source", entry->source[0] != '\0' ? entry->source : "several");
	log_u64(&line, "lines", entry->lines - LOG_LIMIT_LINES);
	log_end(&line);
	*entry = (struct log_limit_entry){0};
}

uint64_t log_limit_tell(struct log_limit *limit, struct log *log, uint64_t now_ms)
{
	uint64_t next_ms = 0;

	for (size_t i = 0; i < LOG_LIMIT_ENTRIES; i++) {
		struct log_limit_entry *entry = &limit->entry[i];
		if (entry->kind == NULL || !has_suppressed(entry))
			continue;
		if (entry->window_end_ms <= now_ms)
			tell(entry, log);
		else if (next_ms == 0 || entry->window_end_ms < next_ms)
			next_ms = entry->window_end_ms;
	}
	return next_ms;
}

void log_limit_tell_all(struct log_limit *limit, struct log *log)
{
	log_limit_tell(limit, log, UINT64_MAX);
}

uint64_t log_limit_suppressed(const struct log_limit *limit)
{
	return __atomic_load_n(&limit->suppressed, __ATOMIC_RELAXED);
}
