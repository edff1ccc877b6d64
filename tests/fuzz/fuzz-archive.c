// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * any bytes as a snapshot or tar. What opens is walked, read, and its sections parsed.
 * Seeds: src/snapshot/demo.snap, and uncompressed tars (a mutated zstd frame seldom gets far).
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#include "source/holders.h"
#include "source/kmsg.h"
#include "source/network.h"
#include "source/probes.h"

static void look(struct source *s, struct arena *a, const char *dir, int depth)
{
	struct src_list l;

	if (depth > 6 || source_list(s, dir, a, &l) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		char path[SRC_PATH_MAX], text[SRC_PATH_MAX], small[8];
		size_t len;

		PATHF(path, "%s/%s", dir, l.v[i].name);
		source_exists(s, path);
		if (!source_read_attr(s, path, small, sizeof(small)) && strlen(small) >= sizeof(small))
			abort();
		if (!source_read(s, path, small, sizeof(small), &len) && len > sizeof(small))
			abort();
		if (!source_readlink(s, path, text, sizeof(text)) && strlen(text) >= sizeof(text))
			abort();
		if (l.v[i].is_dir || l.v[i].is_link)
			look(s, a, path, depth + 1);
	}
}

FUZZ_TARGET(archive)
{
	struct source *s = NULL;
	struct arena a = { 0 };
	struct ctx ctx = { 0 };

	if (!source_open_memory(&ctx, "fuzz", data, size, &s)) {
		struct held_list held;
		struct network net;
		struct kmsg log;
		struct probes probes;

		look(s, &a, "sys", 0);
		look(s, &a, "iommuctl", 0);
		source_holders(s, &ctx, &a, &held);
		source_network(s, &ctx, &a, &net);
		source_kmsg(s, &ctx, &a, &log);
		source_probes(s, &ctx, &a, &probes);
	} else if (!ctx.notes.n) {
		abort(); /* an error that nobody is told of */
	}
	source_close(s);
	arena_free(&a);
	ctx_free(&ctx);
	return 0;
}
