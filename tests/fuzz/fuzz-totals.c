// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as the fault totals that `metrics` keeps in its file: refused, or written and read again as the same, and counted on from. */
#include "fuzz.h"

#include <string.h>

#include "diag/fault-totals.h"

FUZZ_TARGET(totals)
{
	struct arena a = { 0 };
	struct fault_totals t = { .arena = &a }, again = { .arena = &a };
	_cleanup_strbuf_ struct strbuf first = { 0 }, second = { 0 };
	struct kmsg_line line = { .text = "DMAR: [DMA Read NO_PASID] Request device [02:00.0] fault addr 0x3ff000 [fault reason 0x06] PTE Read access is not set" };
	struct kmsg log = { .complete = true, .v = &line, .n = 1 };

	if (fault_totals_read((const char *)data, size, &t) == 0) {
		fault_totals_write(&t, &first);
		fuzz_check(fault_totals_read(first.s, first.len, &again) == 0);
		fault_totals_write(&again, &second);
		fuzz_check(streq(first.s, second.s));
		fault_totals_look(&t, &log, "8f3a6d6e-0000-4000-8000-0123456789ab", NULL, false);
		fuzz_check(t.v.n <= FAULT_TOTALS_MAX + 8);
	} else {
		fuzz_check(!t.v.n && !t.next);
	}
	fault_totals_free(&again);
	fault_totals_free(&t);
	arena_free(&a);
	return 0;
}
