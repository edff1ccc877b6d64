/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fault's code means, in our words, with the place in the vendor's specification. */
#ifndef IOMMUCTL_TRACE_REASON_H
#define IOMMUCTL_TRACE_REASON_H

#include "trace/event.h"

/* Why such a fault comes about, as far as the code alone can tell. */
enum fault_cause {
	CAUSE_UNKNOWN,
	CAUSE_UNMAPPED,	    /* no translation for the address */
	CAUSE_NO_WRITE,	    /* a translation that does not allow writing, or none (VT-d does not tell) */
	CAUSE_NO_READ,
	CAUSE_NO_EXEC,
	CAUSE_PRIVILEGE,
	CAUSE_NO_DEVICE,    /* nothing is set up for this requester */
	CAUSE_BLOCKED,	    /* this requester is told to do no DMA, or not of this sort */
	CAUSE_TABLES,	    /* the unit's own tables are not valid */
	CAUSE_TABLE_ACCESS, /* the unit could not read its tables */
	CAUSE_BEYOND,	    /* an address that no table can translate */
	CAUSE_PASID,	    /* the PASID is not set up */
	CAUSE_IRQ_ENTRY,    /* no valid entry for the interrupt */
	CAUSE_IRQ_SOURCE,   /* an interrupt from somebody else than its owner */
	CAUSE_IRQ_FORMAT,
	CAUSE_COMMAND,
	CAUSE_TIMEOUT,	    /* an invalidation was not answered in time */
	CAUSE_PAGE_REQUEST,
	CAUSE_LOST,	    /* more happened than was recorded */
	CAUSE_STREAM,	    /* a stream id that the unit does not know */
	CAUSE_RMP,	    /* memory that belongs to a confidential guest */
	CAUSE_MAX
};

struct fault_words {
	char text[160];	   /* the reason, one clause */
	const char *spec;  /* "VT-d spec 7.1.3"; NULL none */
	enum fault_cause cause;
};

/* @ev is an EVENT_FAULT. Always gives a text; an unknown code says so with its number. */
void fault_explain(const struct event *ev, struct fault_words *ret);

/* What it usually means: one or two sentences, static. NULL for CAUSE_UNKNOWN. */
const char *fault_cause_text(enum fault_cause c);

/* Whether the text that a kernel printed fits this VT-d reason: tells old decimal numbers from hex. */
bool vtd_reason_matches(uint32_t code, struct slice text);

#endif
