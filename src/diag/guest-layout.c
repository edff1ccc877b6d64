// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which IOMMU the guest gets, if any. QEMU's x86 machines take one; its arm64 "virt" takes an SMMUv3 a root bus, and one that uses
 * the hardware's stages stands for one physical SMMU. virtio-iommu suits any hardware, since QEMU follows its maps by hand.
 */
#include "diag/guest-facts.h"

#include <errno.h>

#include "base/str.h"
#include "host/switches.h"

enum way { WAY_NONE, WAY_PER_IOMMU, WAY_SHARED, WAYS };

static const char *const way_words[] = { "none", "per-iommu", "shared" };

static bool all_of(const struct planning *p, enum unit_kind kind)
{
	for (size_t i = 0; i < p->n_units; i++)
		if (p->units[i].kind != kind)
			return false;
	return true;
}

static enum tri all_nest(const struct planning *p)
{
	enum tri r = TRI_YES;

	for (size_t i = 0; i < p->n_units; i++) {
		if (p->units[i].nests == TRI_NO)
			return TRI_NO;
		if (p->units[i].nests == TRI_UNKNOWN)
			r = TRI_UNKNOWN;
	}
	return r;
}

/* Whether QEMU has a model of these units that nests on this machine. */
static enum tri hardware_nests(const struct planning *p)
{
	bool modelled = (streq(p->machine, "q35") && all_of(p, UNIT_VTD)) || (streq(p->machine, "virt") && all_of(p, UNIT_SMMUV3));

	return modelled && !p->legacy ? all_nest(p) : TRI_NO;
}

static enum tri possible(const struct planning *p, enum way way)
{
	if (way == WAY_NONE)
		return TRI_YES;
	if (streq(p->machine, "pc"))
		return TRI_NO;
	if (way == WAY_SHARED)
		return TRI_YES;
	return streq(p->machine, "q35") && p->n_units > 1 ? TRI_NO : hardware_nests(p);
}

static const char *way_text(const struct planning *p, enum way way)
{
	size_t n = p->n_units;

	if (way == WAY_NONE)
		return "the guest's memory is mapped whole; it cannot keep its devices apart, or give them on";
	if (streq(p->machine, "pc"))
		return "QEMU's machine pc takes none";
	if (way == WAY_PER_IOMMU && streq(p->machine, "q35") && n > 1)
		return "QEMU's x86 machines take one IOMMU";
	if (way == WAY_PER_IOMMU && p->legacy)
		return "this kernel has no iommufd, and without it nothing nests";
	if (way == WAY_PER_IOMMU && hardware_nests(p) == TRI_NO)
		return "the hardware or its driver does not nest, or QEMU has no such IOMMU for this machine";
	if (way == WAY_PER_IOMMU)
		return "each invalidation goes to the one IOMMU that it concerns";
	if (n == 1)
		return "there is one physical IOMMU, and every invalidation concerns it";
	return arena_printf(p->a, "an invalidation that names no device goes to all %zu physical IOMMUs, and is wasted on %zu of them when it "
			    "concerns one", n, n - 1);
}

static enum way choose(struct planning *p)
{
	enum way best = possible(p, WAY_PER_IOMMU) != TRI_NO ? WAY_PER_IOMMU :
			hardware_nests(p) != TRI_NO	      ? WAY_SHARED :
							       WAY_NONE;
	struct reason *r;

	for (enum way w = 0; w < WAYS; w++) {
		if (!p->q->layout || !streq(p->q->layout, way_words[w]))
			continue;
		if (possible(p, w) != TRI_NO)
			return w;
		r = finding_add(&p->out, SEVERITY_WARNING, "layout");
		r->text = arena_printf(p->a, "the layout %s cannot be had: %s. %s is planned instead", way_words[w], way_text(p, w), way_words[best]);
	}
	return best;
}

static enum guest_iommu model_of(const struct planning *p, enum way way)
{
	if (way == WAY_NONE)
		return GUEST_IOMMU_NONE;
	/* an SMMU of the guest that uses the hardware's stages is one physical one */
	if (hardware_nests(p) == TRI_NO || (way == WAY_SHARED && p->n_units > 1 && streq(p->machine, "virt")))
		return GUEST_IOMMU_VIRTIO;
	return streq(p->machine, "q35") ? GUEST_IOMMU_INTEL : GUEST_IOMMU_SMMUV3;
}

static void choose_machine(struct planning *p)
{
	struct reason *r;

	p->machine = p->q->machine;
	if (p->machine)
		return;
	p->machine = all_of(p, UNIT_SMMUV3) || all_of(p, UNIT_SMMUV2) ? "virt" : "q35";
	if (all_of(p, UNIT_VTD) || all_of(p, UNIT_AMD) || streq(p->machine, "virt"))
		return;
	r = finding_add(&p->out, SEVERITY_NOTE, "machine");
	r->text = "the IOMMU does not tell which kind of processor this is: the arguments are for QEMU's q35, unless --machine says otherwise";
}

/* Debian's kernels, for one, are built without. */
static void look_for_iommufd(struct planning *p)
{
	const struct switches *sw = host_switches(p->h);
	struct reason *r;

	p->legacy = kconfig_is_off(sw, CONFIG_IOMMUFD) || kconfig_is_off(sw, CONFIG_VFIO_DEVICE_CDEV);
	if (!p->legacy)
		return;
	r = finding_add(&p->out, SEVERITY_WARNING, "no-iommufd");
	r->text = "this kernel is built without iommufd, or without VFIO's device nodes: the arguments use groups and a container, which share "
		  "page tables as they see fit and cannot nest";
	r->file = sw->config_file;
}

void guest_choose_layout(struct planning *p)
{
	static const char *const models[] = { NULL, "intel-iommu", "arm-smmuv3", "virtio-iommu-pci" };
	struct guest_layout *v = arena_array(p->a, struct guest_layout, WAYS);
	enum way way;

	look_for_iommufd(p);
	choose_machine(p);
	way = choose(p);
	p->iommu = model_of(p, way);
	p->nested = p->iommu == GUEST_IOMMU_INTEL || p->iommu == GUEST_IOMMU_SMMUV3;
	for (enum way w = 0; w < WAYS; w++)
		v[w] = (struct guest_layout){
			.layout = way_words[w],
			.chosen = w == way ? TRI_YES : TRI_NO,
			.possible = possible(p, w),
			.guest_iommus = NUM(w == WAY_NONE ? 0 : w == WAY_SHARED ? 1 : p->n_units),
			.viommus = w == WAY_NONE ? NUM(0) : p->plan->viommus,
			.broadcast = NUM(w == WAY_NONE ? 0 : w == WAY_SHARED ? p->n_units : 1),
			.text = way_text(p, w),
		};
	p->plan->layouts = ROWS(v, WAYS);
	p->plan->layout = way_words[way];
	p->plan->machine = p->machine;
	p->plan->guest_iommu = models[p->iommu];
	p->plan->interface = p->legacy ? "legacy" : "iommufd";
}
