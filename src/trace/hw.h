/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words that IOMMUs and their drivers exchange in memory, decoded into events: VT-d's invalidation
 * descriptors and page requests, SMMUv3's commands and events. Each function fills kind, vendor and what the
 * words carry; the caller has set the rest. @ev is zeroed or holds what else is known.
 */
#ifndef IOMMUCTL_TRACE_HW_H
#define IOMMUCTL_TRACE_HW_H

#include "trace/event.h"

/*
 * A VT-d queued-invalidation descriptor (VT-d spec 6.5.2, page group response 7.6.1), of 128 or 256 bits. false: a type
 * that the spec does not have.
 */
bool qi_decode(const uint64_t qw[4], struct event *ev);

/* A VT-d page request descriptor (VT-d spec 7.4.1.1). false: not a page request. */
bool prq_decode(const uint64_t dw[4], struct event *ev);

/* An SMMUv3 command (Arm IHI 0070, chapter 4). false: an opcode that we do not know; @ev is then INVAL_OTHER. */
bool smmuv3_cmd_decode(const uint64_t w[2], struct event *ev);

/* "CMD_TLBI_NH_VA"; NULL for an unknown one. */
const char *smmuv3_cmd_name(uint8_t opcode);

/* An SMMUv3 event record (Arm IHI 0070, chapter 7.3). Never fails: an unknown id is kept as the code. */
void smmuv3_event_decode(const uint64_t w[4], struct event *ev);

/* "F_TRANSLATION"; NULL for an unknown one. And back, -1. */
const char *smmuv3_event_name(uint32_t id);
int smmuv3_event_parse(struct slice name);

#endif
