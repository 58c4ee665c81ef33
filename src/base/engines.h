/* SPDX-License-Identifier: Apache-2.0 */
/* What carries the loop's operations out: chosen in config/, made in io/. */
#ifndef SLUICE_BASE_ENGINES_H
#define SLUICE_BASE_ENGINES_H

enum io_engine {
	IO_ENGINE_AUTO, /* io_uring, or epoll where it is refused */
	IO_ENGINE_URING,
	IO_ENGINE_EPOLL
};

#endif
