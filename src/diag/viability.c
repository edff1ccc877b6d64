// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/viability-facts.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/coherency.h"
#include "host/devinfo.h"
#include "host/pci.h"
#include "host/topology.h"

static const struct field step_fields[] = {
	FIELD(struct step, device, F_STR, "DEVICE", "device that moves"),
	FIELD(struct step, driver, F_STR, "DRIVER", "driver that it has now"),
	FIELD(struct step, to, F_STR, "TO", "driver that it goes to; null: leaving is enough"),
	FIELD(struct step, command, F_STR, "COMMAND", "the command that moves it"),
};

const struct record_type step_record = RECORD("step", 1, struct step, step_fields);

/* -- the devices ------------------------------------------------------------------------------------- */

/*
 * Bridges are nothing to give away: vfio-pci refuses those with a bridge's header, and a host or ISA bridge is
 * no use to a guest. "Other bridge" (0680) is what switches of accelerator fabrics call themselves; those are given away.
 */
static enum tri is_bridge(struct host *h, struct device *d)
{
	const struct pci_info *pci;

	if (!d->is_pci)
		return TRI_NO;
	if (d->has_class)
		return device_is_bridge(d) && d->class >> 8 != 0x0680 ? TRI_YES : TRI_NO;
	pci = device_pci(h, d);
	return pci->err ? TRI_UNKNOWN : pci->header != 0 ? TRI_YES : TRI_NO;
}

/* Before 5.19 the header counted (vfio_dev_viable() and vfio_dev_driver_allowed() in drivers/vfio/vfio.c). */
static enum tri has_bridge_header(struct host *h, struct device *d)
{
	const struct pci_info *pci;

	if (!d->is_pci)
		return TRI_NO;
	if (d->has_class && (d->class >> 8 == 0x0604 || d->class >> 8 == 0x0607))
		return TRI_YES;
	pci = device_pci(h, d);
	if (!pci->err)
		return pci->header != 0 ? TRI_YES : TRI_NO;
	return d->has_class && !device_is_bridge(d) ? TRI_NO : TRI_UNKNOWN;
}

/* By the ownership count of 5.19: a bound driver that uses the DMA API, on a bus that counts. */
static enum tri offends_now(const struct member *m)
{
	if (m->use == USE_UNKNOWN)
		return bus_counts_drivers(m->d->bus) == TRI_NO ? TRI_NO : TRI_UNKNOWN;
	return m->use == USE_NATIVE ? bus_counts_drivers(m->d->bus) : TRI_NO;
}

/* By the rule before: anything bound, but VFIO's drivers, pci-stub and bridges. */
static enum tri offends_before(struct host *h, const struct member *m)
{
	if (m->use == USE_NONE || m->use == USE_VFIO || streq(m->d->driver, "pci-stub"))
		return TRI_NO;
	if (has_bridge_header(h, m->d) == TRI_YES)
		return TRI_NO;
	if (m->use == USE_UNKNOWN || has_bridge_header(h, m->d) == TRI_UNKNOWN)
		return TRI_UNKNOWN;
	return TRI_YES;
}

/*
 * Where both rules agree nobody has to know which one this kernel has. Only bridges, managed drivers and
 * other buses make them differ.
 */
static void find_offender(struct assessment *a, struct member *m)
{
	enum tri counts = bus_counts_drivers(m->d->bus);
	enum tri before;

	if (a->counts && a->leak.group) { /* the driver's own word */
		m->offends = device_takes_use(a->h, a->leak.group, m->d);
		return;
	}
	m->offends = offends_now(m);
	if (m->use == USE_NONE || m->use == USE_VFIO)
		return;
	if (m->use == USE_NATIVE && counts == TRI_YES && is_bridge(a->h, m->d) == TRI_NO)
		return;
	before = offends_before(a->h, m);
	if (before == m->offends)
		return;
	if (!a->asked_rules) {
		a->asked_rules = true;
		a->ownership = host_kernel_has_ownership(a->h, &a->ownership_why);
	}
	if (a->ownership == TRI_NO)
		m->offends = before;
	else if (a->ownership == TRI_UNKNOWN)
		m->offends = TRI_UNKNOWN;
}

static void assess_member(struct assessment *a, struct member *m, struct device *d)
{
	m->d = d;
	m->use = device_driver_use(a->h, d);
	m->bridge = is_bridge(a->h, d);
	m->maker = device_made_by(a->h, d);
	m->can_give = !m->maker && (m->use == USE_VFIO || (m->bridge != TRI_YES && bus_vfio_driver(d->bus)));
	find_offender(a, m);

	a->offenders += m->offends == TRI_YES;
	a->unsure += m->offends == TRI_UNKNOWN;
	if (a->q->device && a->q->device != d)
		return;
	if (a->q->device && m->maker && m->bridge != TRI_YES)
		a->made = m;
	a->can_give += m->can_give;
	a->on_vfio += m->use == USE_VFIO;
	a->no_bus += !d->bus && m->use != USE_VFIO;
	a->give_unsure += m->can_give && m->use == USE_UNKNOWN;
}

static void assess_members(struct assessment *a)
{
	const struct group *g = a->q->group;

	a->members = arena_array(&a->h->arena, struct member, g->n_devices);
	a->n = g->n_devices;
	for (size_t i = 0; i < a->n; i++)
		assess_member(a, &a->members[i], g->devices[i]);
}

/* -- the kernel's count -------------------------------------------------------------------------------------- */

/*
 * Drivers say what the count of owners should be; what it is, only the kernel's memory says. On a live machine that is
 * dear to read, so it is read where the two may differ: in kernels that may lose count (CONFIG_DEBUG_TEST_DRIVER_REMOVE),
 * and where somebody has the group open, or may have.
 */
static void assess_count(struct assessment *a)
{
	struct ownership *o;
	int err;

	if (source_is_live(a->h->src) && host_switches(a->h)->test_driver_remove.is == TRI_NO && !a->holders.n &&
	    !a->holders.err)
		return;
	o = host_ownership(a->h, &err);
	if (!o || !o->known)
		return;
	a->counts = o;
	group_ownership(a->h, o, a->q->group, true, &a->leak);
}

static bool leaked(const struct assessment *a)
{
	return a->counts && streq(a->leak.verdict, "surplus");
}

/* By user space, whoever that is. */
static bool claimed(const struct assessment *a)
{
	return a->counts && a->leak.group && a->leak.group->owned == TRI_YES;
}

/* -- what binding will not mend --------------------------------------------------------------------------- */

static enum tri worst(enum tri a, enum tri b)
{
	if (a == TRI_YES || b == TRI_YES)
		return TRI_YES;
	return a == TRI_UNKNOWN || b == TRI_UNKNOWN ? TRI_UNKNOWN : TRI_NO;
}

static enum tri has_direct_region(const struct group *g)
{
	for (size_t i = 0; i < g->n_regions; i++)
		if (g->regions[i].type == REGION_DIRECT)
			return TRI_YES;
	return g->regions_err ? TRI_UNKNOWN : TRI_NO;
}

/*
 * Both ways to claim ask the group for isolated interrupts (iommufd_device_bind(), vfio_iommu_type1_attach_group()),
 * and each has a parameter of its own that waives it.
 */
static enum tri lacks_isolated_msi(struct assessment *a)
{
	const struct switches *sw = a->sw = host_switches(a->h);

	if (sw->isolated_msi.is != TRI_NO)
		return sw->isolated_msi.is == TRI_YES ? TRI_NO : TRI_UNKNOWN;
	a->waived = worst(sw->iommufd_unsafe_interrupts.is, sw->type1_unsafe_interrupts.is);
	return a->waived == TRI_YES ? TRI_NO : a->waived == TRI_NO ? TRI_YES : TRI_UNKNOWN;
}

static enum tri lacks_coherency(struct assessment *a, const struct device *d)
{
	enum tri coherent = d->unit ? unit_coherent(a->h, d->unit, &a->coherency_file) : TRI_YES;

	return coherent == TRI_UNKNOWN ? TRI_UNKNOWN : coherent == TRI_YES ? TRI_NO : TRI_YES;
}

/* vfio-pci takes no physical function whose virtual ones are on (vfio_pci_core_register_device()). Dear to ask. */
static bool only_with_vfs(const struct assessment *a)
{
	if (!a->can_give || a->on_vfio)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct member *m = &a->members[i];

		if (m->can_give && (!a->q->device || a->q->device == m->d) &&
		    device_info(a->h, m->d)->sriov_num.v <= 0)
			return false;
	}
	return true;
}

static void assess_blockers(struct assessment *a)
{
	a->vfs = a->q->after_bind && only_with_vfs(a);
	a->direct = has_direct_region(a->q->group);
	a->no_msi = lacks_isolated_msi(a);
	for (size_t i = 0; i < a->n && a->not_coherent != TRI_YES; i++) {
		struct device *d = a->members[i].d;

		if (!a->members[i].can_give || (a->q->device && a->q->device != d))
			continue;
		a->not_coherent = worst(a->not_coherent, lacks_coherency(a, d));
		if (a->not_coherent != TRI_NO)
			a->incoherent = d;
	}
}

/* -- the answers ------------------------------------------------------------------------------------------ */

/*
 * The name that vfio gives to the groups that it makes itself, for mediated devices as well. Groups behind a unit are
 * none of those; for the few others the file is read where host_load() was not asked to.
 */
static bool made_by_vfio(struct host *h, const struct group *g)
{
	char path[SRC_PATH_MAX], name[64];

	if (g->name)
		return streq(g->name, "vfio-noiommu");
	for (size_t i = 0; i < g->n_devices; i++)
		if (g->devices[i]->unit)
			return false;
	PATHF(path, "sys/kernel/iommu_groups/%u/name", g->id);
	return source_read_attr(h->src, path, name, sizeof(name)) == 0 && streq(name, "vfio-noiommu");
}

static enum odd_group odd_group(struct host *h, const struct group *g)
{
	for (size_t i = 0; i < g->n_devices; i++) {
		const struct device *d = g->devices[i];

		if (streq(d->bus, "mdev"))
			return ODD_MDEV;
		if (streq(d->bus, "iommufd_mock") || (d->unit && d->unit->kind == UNIT_MOCK))
			return ODD_MOCK;
	}
	return made_by_vfio(h, g) ? ODD_NOIOMMU : ODD_NONE;
}

static bool held_or_not_seen(const struct assessment *a)
{
	return a->holders.n || a->holders.err;
}

static enum tri viable(struct assessment *a)
{
	if (a->odd || a->q->group->devices_err || !a->n)
		return TRI_UNKNOWN;
	if (a->counts && a->leak.owner_cnt.known)
		return a->leak.owner_cnt.v ? TRI_NO : TRI_YES;
	if (a->offenders)
		return TRI_NO;
	if (a->unsure)
		return TRI_UNKNOWN;
	if (!held_or_not_seen(a))
		return TRI_YES;
	/* an owner counts too, in kernels that count */
	if (!a->asked_rules)
		a->ownership = host_kernel_has_ownership(a->h, &a->ownership_why);
	return a->ownership == TRI_NO ? TRI_YES : TRI_UNKNOWN;
}

static bool something_unknown(const struct assessment *a)
{
	return a->unsure || a->give_unsure || a->direct == TRI_UNKNOWN || a->no_msi == TRI_UNKNOWN ||
	       a->not_coherent == TRI_UNKNOWN || a->holders.err;
}

static const char *verdict(const struct assessment *a)
{
	bool binds = a->offenders || a->on_vfio + a->give_unsure == 0;

	if (a->odd)
		return NULL;
	if (a->q->group->devices_err)
		return "unknown";
	if (a->made)
		return "blocked";
	if (!a->can_give)
		return a->no_bus ? "unknown" : "nothing-to-give";
	if (a->holders.n || claimed(a))
		return "in-use";
	if (leaked(a) || a->vfs || a->direct == TRI_YES || a->no_msi == TRI_YES || a->not_coherent == TRI_YES)
		return "blocked";
	if (binds && !(a->q->after_bind && something_unknown(a)))
		return "needs-bind";
	return something_unknown(a) ? "unknown" : "ready";
}

/* Permission comes before everything else: it is what the user can do something about. */
static int worse_errno(int a, int b)
{
	if (a == -EACCES || b == -EACCES || a == -EPERM || b == -EPERM)
		return -EACCES;
	return a ? a : b;
}

static int missing(const struct assessment *a)
{
	const struct group *g = a->q->group;
	int err = worse_errno(g->devices_err, a->holders.err);

	if (a->direct == TRI_UNKNOWN)
		err = worse_errno(err, g->regions_err);
	for (size_t i = 0; i < a->n; i++)
		err = worse_errno(err, a->members[i].d->driver_err);
	return err ? err : something_unknown(a) ? -ENODATA : 0;
}

void group_check(struct host *h, const struct question *q, struct viability *ret)
{
	struct assessment a = {
		.h = h,
		.q = q,
		.odd = odd_group(h, q->group),
		.direct = TRI_NO,
		.no_msi = TRI_NO,
		.not_coherent = TRI_NO,
		.waived = TRI_NO,
	};

	if (!a.odd) {
		group_holders(h, q->group, &a.holders);
		assess_count(&a);
		assess_members(&a);
		assess_blockers(&a);
	}
	*ret = (struct viability){
		.viable = viable(&a),
		.verdict = verdict(&a),
		.missing = a.odd ? 0 : missing(&a),
	};
	if (!q->brief)
		viability_describe(&a, ret);
}
