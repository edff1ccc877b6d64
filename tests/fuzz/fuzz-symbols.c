// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as /proc/kallsyms: to both of its readers, the second in pieces whose size is the first byte. */
#include "fuzz.h"

#include <string.h>

#include "kmem/symbols.h"
#include "source/probes.h"

static void scan(const char *text, size_t size, size_t step)
{
	struct kallsyms_state whole = { 0 }, parts = { 0 };
	bool found[SYM_MAX] = { 0 }, again[SYM_MAX] = { 0 };

	kallsyms_scan(&whole, text, size, found);
	for (size_t at = 0; at < size; at += step)
		kallsyms_scan(&parts, text + at, MIN(step, size - at), again);
	fuzz_check(!memcmp(found, again, sizeof(found)));
}

FUZZ_TARGET(symbols)
{
	struct symbols s = { 0 };
	int fd;

	if (!size)
		return 0;
	scan((const char *)data + 1, size - 1, data[0] + 1u);
	fd = fuzz_file(data + 1, size - 1);
	fuzz_check(symbols_read(&s, fd) == 0);
	for (enum ksym k = 0; k < KSYM_MAX; k++)
		symbols_addr(&s, k);
	for (size_t i = 0; i < s.ops.n; i++)
		fuzz_check(symbols_name(&s, s.ops.v[i].addr));
	symbols_free(&s);
	close(fd);
	return 0;
}
