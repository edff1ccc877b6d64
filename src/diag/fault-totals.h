/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults counted by device and kind, over many looks at a kernel log that forgets: each look goes on where the last one ended, by the
 * sequence numbers of the log's records, and what was counted is kept when the log overwrites it, and over reboots. So no total ever
 * goes back. What was overwritten before anybody looked is counted as lost; what the kernel itself left out (its rate limit) as suppressed.
 *
 * A fault can take several records, and a look can come between them. So the last FAULT_TOTALS_BACK records are looked at
 * again by the next look, and what was counted of them is remembered.
 *
 * As text, one line of JSON:
 *
 *	{ "version": 1, "boot_id": "…" | null, "next": 1234, "lost": 0, "suppressed": 0, "counted": [1200, 1233],
 *	  "faults": [ { "device": "0000:01:00.0", "kind": "dma", "count": 3 } ] }
 */
#ifndef IOMMUCTL_DIAG_FAULT_TOTALS_H
#define IOMMUCTL_DIAG_FAULT_TOTALS_H

#include "base/str.h"
#include "base/vec.h"
#include "host/host.h"
#include "source/kmsg.h"
#include "trace/event.h"

#define FAULT_TOTALS_BACK 64

/* Pairs of device and kind that are told apart; further ones are counted as those of FAULT_TOTALS_OTHER. */
#define FAULT_TOTALS_MAX 1024
#define FAULT_TOTALS_OTHER "other"

struct fault_total {
	const char *device; /* its name, as strbuf_add_escaped() makes it; a unit's, where the log names no device; else "unknown" */
	enum fault_kind kind;
	uint64_t count;
};

struct fault_totals {
	struct arena *arena; /* of the strings */
	const char *boot_id; /* of the log that was looked at last; NULL: none, or it has none */
	uint64_t next;	     /* number of the first record that was not looked at */
	uint64_t lost;	     /* records that were overwritten before they were looked at */
	uint64_t suppressed; /* messages that the kernel says it left out */
	VEC(uint64_t) counted; /* numbers of records that were counted, from next - FAULT_TOTALS_BACK */
	VEC(struct fault_total) v;
};

void fault_totals_free(struct fault_totals *t);

/*
 * Goes on counting in @log, of the boot @boot_id, which may be NULL. @h, which may be NULL, tells names of devices; @same says that @log and @h
 * are certainly of one machine and boot. Records without numbers are counted from 0: then @t should be a new one.
 */
void fault_totals_look(struct fault_totals *t, const struct kmsg *log, const char *boot_id, struct host *h, bool same);

/* Appends the line, without a newline. */
void fault_totals_write(const struct fault_totals *t, struct strbuf *b);

/* Reads such a line into the empty @t. -EBADMSG: it is none, and @t stays empty. */
int fault_totals_read(const char *text, size_t len, struct fault_totals *t);

#endif
