// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as the trace that `why` reads: failing functions put together into calls. */
#include "fuzz.h"

#include "diag/births.h"

FUZZ_TARGET(failures)
{
	struct failure_log log = { 0 };
	struct arena a = { 0 };
	struct failure *v;
	size_t n;

	log.functions = births_functions(&log.n);
	failure_log_text(&log, (const char *)data, size);
	failure_log_text(&log, "\n", 1);
	births_find(&a, &log, &v, &n);
	for (size_t i = 0; i < n; i++) {
		fuzz_check(v[i].n > 0 && v[i].steps[0].err < 0);
		fuzz_check(v[i].steps[v[i].n - 1].function);
	}
	failure_log_free(&log);
	arena_free(&a);
	return 0;
}
