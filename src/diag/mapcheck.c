// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/mapcheck.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/mapcheck-facts.h"
#include "host/msi.h"
#include "host/units.h"
#include "host/vtd.h"

/* The smallest page of any IOMMU that Linux drives, and the largest smallest one (arm64 with pages of 64 KiB). */
#define PAGE_LEAST 4096
#define PAGE_MOST  65536

static struct reason *say(struct mapping *m, enum severity severity, const char *code, const char *fmt, va_list ap)
{
	struct reason *r = finding_add(&m->out, severity, code);

	r->text = arena_vprintf(&m->h->arena, fmt, ap);
	r->device = m->q->device->name;
	return r;
}

struct reason *mapping_refuse(struct mapping *m, const char *code, const char *fmt, ...)
{
	struct reason *r;
	va_list ap;

	va_start(ap, fmt);
	r = say(m, SEVERITY_PROBLEM, code, fmt, ap);
	va_end(ap);
	return r;
}

struct reason *mapping_unknown(struct mapping *m, const char *code, int err, const char *fmt, ...)
{
	struct reason *r;
	va_list ap;

	if (m->missing != -EACCES)
		m->missing = err == -EPERM ? -EACCES : err;
	va_start(ap, fmt);
	r = say(m, SEVERITY_UNKNOWN, code, fmt, ap);
	va_end(ap);
	return r;
}

struct reason *mapping_note(struct mapping *m, const char *code, const char *fmt, ...)
{
	struct reason *r;
	va_list ap;

	va_start(ap, fmt);
	r = say(m, SEVERITY_NOTE, code, fmt, ap);
	va_end(ap);
	return r;
}

const char *mapping_range(struct mapping *m, uint64_t start, uint64_t end)
{
	return arena_printf(&m->h->arena, "0x%llx to 0x%llx", (unsigned long long)start, (unsigned long long)end);
}

/* -- facts about the unit ------------------------------------------------------------------------------------------ */

/*
 * VT-d and AMD-Vi have pages of 4 KiB; an SMMU what its registers say and the kernel's pages allow, virtio-iommu what its
 * hypervisor says: neither is in a file.
 */
static void read_page(struct mapping *m, const struct unit *u)
{
	m->page_known = u && (u->kind == UNIT_VTD || u->kind == UNIT_AMD);
	m->page = PAGE_LEAST;
}

static void read_aperture(struct mapping *m, struct unit *u)
{
	const struct unit_info *info = u ? unit_info(m->h, u) : NULL;
	uint64_t most;

	if (!u || u->kind != UNIT_VTD || !info->cap.known || !info->ecap.known)
		return;
	if (vtd_aperture((uint64_t)info->cap.v, (uint64_t)info->ecap.v, &m->fits_to, &most) < 0)
		return;
	m->aperture_known = true;
	m->never_from = most == UINT64_MAX ? 0 : most + 1;
}

/* -- the rules, one by one ----------------------------------------------------------------------------------------- */

static bool check_length(struct mapping *m)
{
	const struct map_question *q = m->q;

	if (!q->length) {
		mapping_refuse(m, "length-zero", "a length of 0 is refused (EINVAL)");
		return false;
	}
	if (q->iova + (q->length - 1) < q->iova) {
		mapping_refuse(m, "wraps", "0x%llx and 0x%llx bytes from there go beyond 64 bits (EOVERFLOW from iommufd, EINVAL from VFIO)",
			       (unsigned long long)q->iova, (unsigned long long)q->length);
		return false;
	}
	m->last = q->iova + (q->length - 1);
	return true;
}

static void check_page(struct mapping *m)
{
	uint64_t low = m->q->iova | m->q->length;

	if (low & (PAGE_LEAST - 1))
		mapping_refuse(m, "alignment", "address and length must be multiples of the IOMMU's page, which is %s4 KiB (EINVAL)",
			       m->page_known ? "" : "at least ");
	else if (!m->page_known && low & (PAGE_MOST - 1))
		mapping_unknown(m, "page-size", -EOPNOTSUPP, "whether address and length are multiples of the IOMMU's page is not seen before an "
				"attach; multiples of 64 KiB always are");
}

/*
 * All but direct-relaxable ones are taken out of what user space may map (iopt_table_enforce_dev_resv_regions() in drivers/iommu/iommufd,
 * vfio_iommu_resv_exclude() in drivers/vfio), the window for message interrupts of an Arm SMMU and virtio-iommu too.
 */
static bool is_kept(const struct region *r)
{
	return r->type != REGION_DIRECT_RELAXABLE;
}

/* What a window of interrupts is, for sysfs calls both kinds msi; and what follows for the one that asks. */
static void explain_window(struct mapping *m, const struct region *r)
{
	struct msi_facts msi = group_msi(m->g);

	if (!msi_window_is_software(msi.unit, r))
		return;
	mapping_note(m, "software-msi-window", "%s is no memory and no hardware: interrupts of devices behind %s are translated like all else, and the kernel maps "
		     "their doorbell there itself, once the device is attached", mapping_range(m, r->start, r->end), msi.unit->name);
	if (msi_follows(m->h) == TRI_NO)
		mapping_note(m, "msi-stays-behind", "on this kernel each page table has doorbells of its own, made when an interrupt is set up: armed interrupts can be "
			     "lost when the device is moved to another page table; turn them off and arm them again");
}

static void check_regions(struct mapping *m)
{
	const char *file = arena_printf(&m->h->arena, "/sys/kernel/iommu_groups/%u/reserved_regions", m->g->id);

	if (m->g->regions_err)
		mapping_unknown(m, "regions", m->g->regions_err, "the reserved regions of group %u cannot be read: %s", m->g->id,
				err_text(m->g->regions_err))->file = file;
	for (size_t i = 0; i < m->g->n_regions; i++) {
		const struct region *r = &m->g->regions[i];
		struct reason *said;

		if (!is_kept(r) || r->start > m->last || r->end < m->q->iova)
			continue;
		said = mapping_refuse(m, "reserved-region", "%s is reserved (%s) for group %u, and the range reaches into it "
				      "(EINVAL)", mapping_range(m, r->start, r->end), r->word, m->g->id);
		said->file = file;
		said->value = arena_printf(&m->h->arena, "0x%016llx 0x%016llx %s", (unsigned long long)r->start,
					   (unsigned long long)r->end, r->word);
		explain_window(m, r);
	}
}

static void check_aperture(struct mapping *m, struct unit *u)
{
	const char *file;

	if (!m->aperture_known) {
		mapping_unknown(m, "aperture", -EOPNOTSUPP, "where the addresses of %s end is not seen before an attach",
				u ? u->name : "its IOMMU");
		return;
	}
	file = arena_printf(&m->h->arena, "/sys/class/iommu/%s/intel-iommu/cap", u->name);
	if (m->never_from && m->last >= m->never_from)
		mapping_refuse(m, "aperture", "%s translates addresses up to 0x%llx, and the range ends at 0x%llx (EINVAL)", u->name,
			       (unsigned long long)m->never_from - 1, (unsigned long long)m->last)->file = file;
	else if (m->last > m->fits_to)
		mapping_unknown(m, "aperture", -EOPNOTSUPP, "%s translates addresses up to 0x%llx for certain, and beyond only if the kernel "
				"chooses second-stage tables, which is not seen before an attach", u->name,
				(unsigned long long)m->fits_to)->file = file;
}

/* The group cannot be claimed at all then, wherever the range is. */
static void mention_direct(struct mapping *m)
{
	for (size_t i = 0; i < m->g->n_regions; i++) {
		if (m->g->regions[i].type != REGION_DIRECT)
			continue;
		mapping_note(m, "direct-region", "group %u has a region that must stay mapped for its device: it cannot be claimed in the first place",
			     m->g->id);
		finding_remedy(&m->out, false, arena_printf(&m->h->arena, "iommuctl group check %u", m->g->id), "see why");
		return;
	}
}

/* -- where it would fit ----------------------------------------------------------------------------------------------- */

static uint64_t align_up(uint64_t v, uint64_t page)
{
	uint64_t up = (v + page - 1) & ~(page - 1);

	return up < v ? UINT64_MAX & ~(page - 1) : up;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

/* The start in the gap [@from, @to] that is nearest to what was asked for. */
static bool nearest_in_gap(const struct mapping *m, uint64_t page, uint64_t from, uint64_t to, uint64_t size, uint64_t *ret)
{
	uint64_t start = align_up(from, page), wanted = m->q->iova & ~(page - 1), last_start;

	if (start < from || start > to || to - start < size - 1)
		return false;
	last_start = (to - (size - 1)) & ~(page - 1);
	*ret = wanted < start ? start : wanted > last_start ? last_start : wanted;
	return true;
}

static void consider(const struct mapping *m, struct map_check *ret, uint64_t from, uint64_t to, uint64_t size)
{
	uint64_t page = m->page_known ? m->page : PAGE_MOST, start;

	if (!nearest_in_gap(m, page, from, to, size, &start))
		return;
	if (ret->nearest_start.known &&
	    distance(m->q->iova, (uint64_t)ret->nearest_start.v) <= distance(m->q->iova, start))
		return;
	ret->nearest_start = NUM(start);
	ret->nearest_end = NUM(start + (size - 1));
}

/* Regions may overlap and come in any order: each gap begins behind a region, or at 0, and ends before the next one above. */
static void find_nearest(const struct mapping *m, struct map_check *ret)
{
	uint64_t page = m->page_known ? m->page : PAGE_MOST, size = align_up(m->q->length, page);
	uint64_t end = m->aperture_known ? m->fits_to : UINT64_MAX;

	if (!m->q->length || m->g->regions_err || size < m->q->length)
		return;
	for (size_t i = 0; i <= m->g->n_regions; i++) {
		uint64_t from = 0, to = end;
		bool inside = false;

		if (i && (!is_kept(&m->g->regions[i - 1]) || m->g->regions[i - 1].end == UINT64_MAX))
			continue;
		if (i)
			from = m->g->regions[i - 1].end + 1;
		for (size_t k = 0; k < m->g->n_regions; k++) {
			const struct region *r = &m->g->regions[k];

			if (!is_kept(r) || r->end < from)
				continue;
			inside |= r->start <= from;
			if (r->start > from && r->start - 1 < to)
				to = r->start - 1;
		}
		if (!inside && from <= to)
			consider(m, ret, from, to, size);
	}
}

/* -- the answer ------------------------------------------------------------------------------------------------------- */

static const struct reason *first_of(struct mapping *m, const char *severity)
{
	const struct reason *r;

	vec_for_each(r, &m->out.reasons)
		if (streq(r->severity, severity))
			return r;
	return NULL;
}

static void conclude(struct mapping *m, struct map_check *ret)
{
	const struct reason *against = first_of(m, "problem"), *missing = first_of(m, "unknown");
	const struct reason *decides = against ? against : missing;

	ret->verdict = against ? "refused" : missing ? "unknown" : "fits";
	ret->rule = decides ? decides->code : NULL;
	ret->summary = decides ? decides->text :
		m->q->pid.known || m->q->memlock.known ? "no rule of the IOMMU, of the group or of locked memory is against it" :
							 "no rule of the IOMMU or of the group is against it";
	ret->missing = m->missing;
	ret->page_size = m->page_known ? NUM(m->page) : NUM_UNKNOWN;
	ret->aperture_end = m->aperture_known ? NUM(m->fits_to) : NUM_UNKNOWN;
	ret->reasons = finding_rows(&m->out);
}

void map_check(struct host *h, const struct map_question *q, struct map_check *ret)
{
	struct mapping m = { .h = h, .g = q->device->group, .q = q, .out.arena = &h->arena };

	*ret = (struct map_check){ 0 };
	read_page(&m, q->device->unit);
	read_aperture(&m, q->device->unit);
	if (check_length(&m)) {
		check_page(&m);
		check_regions(&m);
		check_aperture(&m, q->device->unit);
		mapping_limit(&m);
	}
	mention_direct(&m);
	find_nearest(&m, ret);
	conclude(&m, ret);
}
