// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of a batch: any bytes are words, or a mistake with its place. */
#include <string.h>

#include "fuzz.h"

#include "cmd/words.h"

static const char *value(void *arg, const char *name)
{
	(void)arg;
	return strlen(name) % 2 ? "a b" : NULL;
}

FUZZ_TARGET(words)
{
	struct arena a = { 0 };
	struct words w;

	if (words_split(&a, (const char *)data, size, value, NULL, &w) < 0) {
		if (!w.why || !w.at || w.at > size)
			abort();
	} else if (w.v[w.n]) {
		abort();
	}
	arena_free(&a);
	return 0;
}
