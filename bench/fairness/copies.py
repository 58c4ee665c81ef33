# SPDX-License-Identifier: Apache-2.0
"""The system calls of CopyObject without sluice: what the disk alone does to a neighbour."""
import concurrent.futures
import os

PIECE = 64 << 20  # as src/store/copy.c


def copy_in(folder_fd, source_fd, size, name):
    """O_TMPFILE, copy_file_range, fsync, link, fsync of the folder."""
    fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o666, dir_fd=folder_fd)
    try:
        at = 0
        while at < size:
            at += os.copy_file_range(source_fd, fd, min(PIECE, size - at), at, at)
        os.fsync(fd)
        os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder_fd, follow_symlinks=True)
        os.fsync(folder_fd)
    finally:
        os.close(fd)


class Copies:
    def __init__(self, folder, source):
        self.folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self.source_fd = os.open(source, os.O_RDONLY)
        self.size = os.fstat(self.source_fd).st_size
        self.pool = None
        self.begun = []

    def begin(self, count, threads):
        """Returns while they run."""
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)
        self.begun = [self.pool.submit(copy_in, self.folder_fd, self.source_fd, self.size, f"outside-{number}") for number in range(count)]

    def done(self):
        return sum(future.done() for future in self.begun)
