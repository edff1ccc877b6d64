// SPDX-License-Identifier: GPL-2.0-or-later
/* any bytes as a file of bindings.d: what is taken from it names no other place, and is written as it was read. */
#include <string.h>

#include "fuzz.h"

#include "base/str.h"
#include "host/bindings.h"

static void check(struct arena *a, const struct binding *b)
{
	const char *text = binding_text(a, b), *why;
	struct binding again;

	if (strstr(b->chain, "..") || strchr(binding_file(a, b->chain), '/') || (b->driver && strchr(b->driver, '/')))
		abort();
	if (binding_parse(a, text, strlen(text), &again, &why) < 0)
		abort();
	if (!streq(again.chain, b->chain) || !streq(again.driver, b->driver) || !streq(again.was, b->was) || again.vendor != b->vendor ||
	    again.device != b->device)
		abort();
}

FUZZ_TARGET(bindings)
{
	struct arena a = { 0 };
	const char *why = NULL;
	struct binding b;

	if (binding_parse(&a, (const char *)data, size, &b, &why) == 0)
		check(&a, &b);
	else if (!why)
		abort();
	arena_free(&a);
	return 0;
}
