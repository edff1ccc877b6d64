// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults that a trace tells twice. AMD's driver raises iommu:io_page_fault and then writes to the log, as long as that is not limited
 * (drivers/iommu/amd/iommu.c, amd_iommu_report_page_fault()); a trace may hold both, as the log's own event.
 */
#include "trace/stat-internal.h"

/* The log is written by the same thread, a moment later. */
#define TOLD_NS 300000000ULL

static void remember(struct stat_state *st, const struct event *ev)
{
	struct traced_fault *t = &st->traced[st->n_traced++ % TRACED_FAULTS];

	*t = (struct traced_fault){ .addr = ev->addr, .time_ns = ev->time_ns, .known = true, .has_time = ev->has & HAS_TIME,
				    .n = MIN(ev->device.n, sizeof(t->device)) };
	memcpy(t->device, ev->device.p, t->n);
}

static bool is_log_of(const struct traced_fault *t, const struct event *ev)
{
	if (!t->known || t->addr != ev->addr || t->n != MIN(ev->device.n, sizeof(t->device)) || memcmp(t->device, ev->device.p, t->n))
		return false;
	if (!t->has_time || !(ev->has & HAS_TIME))
		return true;
	return ev->time_ns >= t->time_ns && ev->time_ns - t->time_ns <= TOLD_NS;
}

bool stat_told_twice(struct trace_stat *s, const struct event *ev)
{
	struct stat_state *st = s->state;

	if (ev->fault.kind != FAULT_DMA || !(ev->has & HAS_ADDR) || !ev->device.n)
		return false;
	if (ev->vendor == VENDOR_UNKNOWN && !ev->fault.has_code) { /* the trace's own event says neither vendor nor reason */
		remember(st, ev);
		return false;
	}
	for (size_t i = 0; i < TRACED_FAULTS; i++) {
		if (!is_log_of(&st->traced[i], ev))
			continue;
		st->traced[i].known = false;
		return true;
	}
	return false;
}
