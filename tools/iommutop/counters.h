/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates without event streams: tracepoints (and with --probes functions of the kernel, each alone) that perf_event_open(2) only counts, one group
 * of counters a processor, read by one call; and the interrupts of the units. Nothing is written anywhere.
 */
#ifndef IOMMUTOP_COUNTERS_H
#define IOMMUTOP_COUNTERS_H

#include "model.h"

struct unit_counts {
	struct num invals, requests, fault_irqs;
};

struct counts {
	struct num meters[METER_MAX];	    /* since counters_open(); unknown: why[] says the reason */
	const char *why[METER_MAX];	    /* NULL when known */
	const struct unit_counts *units;    /* in the order of the units given */
};

struct counters;

/*
 * Starts to count on the running machine. Never fails: what cannot be counted is unknown, with the reason. @h tells units;
 * it is not kept. @probes: kprobes too, which change the kernel's text while we run.
 */
struct counters *counters_open(struct host *h, bool probes);

/* Valid until the next call. */
const struct counts *counters_read(struct counters *c);

/*
 * Whether a processor has come or gone since counters_open(): on one that came nothing is counted, and what counted on one that went does
 * not count again when it is back. Then close and open.
 */
bool counters_stale(const struct counters *c);

void counters_close(struct counters *c);
DEFINE_CLEANUP(struct counters, counters_close);

/* Whether there is a unit of that kind; of UNIT_UNKNOWN: always. */
bool units_have_kind(const struct host *h, enum unit_kind kind);

/* Sum of the numbers of one line of /proc/interrupts, and its last word in @name: "  24:  5  7  DMAR-MSI 0-edge dmar0". False: no such line. */
bool interrupts_line(const char *line, size_t len, uint32_t *ret_irq, uint64_t *ret_sum, char name[static 64]);

#endif
