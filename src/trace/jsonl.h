/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our own JSON Lines: one event a line, what is not known is not there. docs/schema/trace.md describes the members.
 *
 *	{"kind":"map","time_ns":2127901000,"cpu":1,"task":"dd","pid":59,"address":"0xfffb4000","size":16384,…}
 */
#ifndef IOMMUCTL_TRACE_JSONL_H
#define IOMMUCTL_TRACE_JSONL_H

#include "base/str.h"
#include "trace/event.h"

/* Appends the event's object, without a newline. */
void event_json(struct strbuf *b, const struct event *ev);

#endif
