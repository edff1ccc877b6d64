// SPDX-License-Identifier: GPL-2.0-or-later
/* A fault for people, in pieces: who, what, where, and what to do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/faults.h"

static void time_text(struct strbuf *b, const struct fault_row *r)
{
	if (r->stamp)
		strbuf_printf(b, ", %s", r->stamp);
	else if (r->time.known)
		strbuf_printf(b, ", %" PRIu64 ".%06" PRIu64 " s after boot", (uint64_t)r->time.v / 1000000000,
			      (uint64_t)r->time.v / 1000 % 1000000);
}

/* "nvme 0000:01:00.0 (Samsung …), group 9, behind dmar0" */
void fault_print_who(struct out *o, const struct fault_row *r)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	out_styled(o, STYLE_BOLD, r->device ?: r->unit ?: "device not named");
	if (!r->device && r->source_id.known)
		strbuf_printf(&b, ", id 0x%" PRIx64, (uint64_t)r->source_id.v);
	if (r->name)
		strbuf_printf(&b, ", %s", r->name);
	if (r->driver)
		strbuf_printf(&b, ", driver %s", r->driver);
	if (r->group.known)
		strbuf_printf(&b, ", group %" PRId64, r->group.v);
	if (r->unit && r->device)
		strbuf_printf(&b, ", behind %s", r->unit);
	out_text(o, "%s", strbuf_str(&b));
}

void fault_print_what(struct out *o, const struct fault_row *r, uint64_t count)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_puts(&b, r->vendor ?: "IOMMU");
	strbuf_printf(&b, " %s fault", r->kind);
	if (count > 1)
		strbuf_printf(&b, ", %" PRIu64 " times", count);
	strbuf_printf(&b, ": %s", r->reason->text);
	if (r->reason->code.known || r->reason->spec) {
		strbuf_puts(&b, " (");
		if (r->reason->code.known)
			strbuf_printf(&b, "reason 0x%02" PRIx64 "%s", (uint64_t)r->reason->code.v, r->reason->spec ? ", " : "");
		strbuf_printf(&b, "%s)", r->reason->spec ?: "");
	}
	out_text(o, "  %s", strbuf_str(&b));
}

void fault_print_place(struct out *o, const struct fault_row *r, bool lines)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (r->access || r->address.known)
		strbuf_puts(&b, r->access ?: "access");
	if (r->address.known)
		strbuf_printf(&b, " at 0x%" PRIx64, (uint64_t)r->address.v);
	if (r->pasid.known)
		strbuf_printf(&b, ", PASID %" PRId64, r->pasid.v);
	if (r->domain.known)
		strbuf_printf(&b, ", domain %" PRId64, r->domain.v);
	if (r->count.v > 1)
		strbuf_printf(&b, "%s%" PRId64 " times", b.len ? ", " : "", r->count.v);
	if (lines)
		strbuf_printf(&b, "%sline %" PRId64, b.len ? ", " : "", r->at->line.v);
	if (lines && r->count.v > 1)
		strbuf_printf(&b, " to %" PRId64, r->last_at->line.v);
	time_text(&b, r);
	out_text(o, "    %s", strbuf_str(&b));
	if (r->where)
		out_text(o, "      %s", r->where);
}

void fault_print_advice(struct out *o, const struct fault_row *r)
{
	for (size_t i = 0; i < r->notes.n; i++)
		out_text(o, "  note: %s", r->notes.v[i]);
	if (r->meaning)
		out_text(o, "  %s", r->meaning);
	if (r->next)
		out_verbatim(o, "  next: %s", r->next);
	out_text(o, "\n");
}

static int order_of_numbers(struct num a, struct num b)
{
	return a.known != b.known ? a.known - b.known : (a.v > b.v) - (a.v < b.v);
}

int fault_order_of_stories(const struct fault_row *a, const struct fault_row *b)
{
	return strorder(a->device, b->device) ?: strorder(a->unit, b->unit) ?: strorder(a->kind, b->kind) ?:
	       strorder(a->reason->text, b->reason->text) ?: strorder(a->access, b->access) ?:
	       order_of_numbers(a->source_id, b->source_id) ?: order_of_numbers(a->pasid, b->pasid);
}
