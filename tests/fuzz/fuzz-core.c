// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as /proc/kcore, an ELF core file: it is refused, or can be read from anywhere. */
#include "fuzz.h"

#include <string.h>

#include "kmem/memory.h"

FUZZ_TARGET(core)
{
	struct fuzz_input in = { data, data + size };
	uint64_t addr = fuzz_number(&in, 8);
	size_t len = fuzz_number(&in, 2);
	_cleanup_free_ char *buf = malloc(len + 1);
	struct memory *m;
	int fd = fuzz_file(in.p, fuzz_left(&in));

	if (memory_open_core(fd, &m) < 0) {
		close(fd);
		return 0;
	}
	memory_read(m, addr, buf, len);
	memory_read(m, 0xffff888000000000u, buf, MIN(len, (size_t)64));
	memory_forget(m);
	memory_read(m, addr & ~0xfffu, buf, MIN(len, (size_t)8));
	memory_free(m);
	return 0;
}
