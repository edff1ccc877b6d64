// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/open-refused.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/drivers.h"
#include "host/switches.h"

struct look {
	struct host *h;
	struct device *d;
	enum claim way;
	struct viability v;
};

/* The reasons of viability that refuse a claim, in the kernel's order of asking where it has one (iommufd_device_bind()). */
static const struct {
	const char *cause, *reason;
	int err, legacy_err;
} causes[] = {
	{ "no-vfio-driver", "no-vfio-driver", ENOENT, ENOENT },
	{ "not-coherent", "not-coherent", EINVAL, EINVAL },
	{ "no-isolated-msi", "no-isolated-msi", EPERM, EPERM },
	{ "native-driver", "native-driver", EPERM, EPERM },
	{ "other-owner", "held", EPERM, EPERM },
	{ "other-owner", "claim", EPERM, EPERM },
	{ "already-open", "held", EINVAL, EBUSY },
	{ "held", "held", EBUSY, EBUSY },
	{ "held", "claim", EBUSY, EBUSY },
	{ "leaked-count", "surplus", EPERM, EPERM },
	{ "direct-region", "direct-region", EINVAL, EINVAL },
};

/* The first remedy that does not weaken the machine, else none: a sentence of ours is no reason to be less safe. */
static const char *hint_of(const struct reason *r)
{
	const struct remedy *m = r->remedies.v;

	for (size_t i = 0; i < r->remedies.n; i++)
		if (m[i].unsafe != TRI_YES)
			return m[i].command ? m[i].command : m[i].text;
	return NULL;
}

/* A way in that has its own waiver is not refused for want of isolation, and one whose waiver is off is, whatever the other's is. */
static bool lacks_isolation(const struct look *l)
{
	const struct switches *sw = host_switches(l->h);
	const struct fact *waiver = l->way == CLAIM_LEGACY ? &sw->type1_unsafe_interrupts : &sw->iommufd_unsafe_interrupts;

	return sw->isolated_msi.is == TRI_NO && waiver->is != TRI_YES;
}

/*
 * Whose node is open tells what the kernel answers: the device's own, EINVAL; a sibling's is a claim in another iommufd, EPERM; the
 * group's, EBUSY. The other way round, by the group, any of them is EBUSY.
 */
static bool applies(const struct look *l, const char *cause, const struct reason *r)
{
	bool itself = r->device && streq(r->device, l->d->name);

	if (!streq(r->code, "held"))
		return true;
	if (streq(cause, "already-open"))
		return itself;
	if (streq(cause, "other-owner"))
		return r->device && !itself && l->way == CLAIM_IOMMUFD;
	return true;
}

static const struct reason *find_reason(const struct look *l, const char *code, const char *cause)
{
	const struct reason *r = l->v.reasons.v;

	for (size_t i = 0; i < l->v.reasons.n; i++)
		if (streq(r[i].code, code) && applies(l, cause, &r[i]))
			return &r[i];
	return NULL;
}

static void take(const struct look *l, size_t i, const struct reason *r, struct refusal *ret)
{
	*ret = (struct refusal){
		.err = -(l->way == CLAIM_LEGACY ? causes[i].legacy_err : causes[i].err),
		.cause = causes[i].cause,
		.text = r->text,
		.hint = hint_of(r),
	};
}

static void not_isolated(const struct reason *r, struct refusal *ret)
{
	*ret = (struct refusal){
		.err = -EPERM,
		.cause = "no-isolated-msi",
		.text = "interrupts of devices are not isolated (no interrupt remapping), and allow_unsafe_interrupts of this way in is off",
		.hint = r ? hint_of(r) : "iommuctl doctor",
	};
}

/* @err 0: any. */
static bool look_for(const struct look *l, int err, struct refusal *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		const struct reason *r = find_reason(l, causes[i].reason, causes[i].cause);
		int brings = l->way == CLAIM_LEGACY ? causes[i].legacy_err : causes[i].err;
		bool msi = streq(causes[i].cause, "no-isolated-msi");

		if ((err && brings != -err) || (msi ? !lacks_isolation(l) : !r))
			continue;
		if (msi)
			not_isolated(r, ret);
		else
			take(l, i, r, ret);
		return true;
	}
	return false;
}

static void no_node(const struct look *l, struct refusal *ret)
{
	bool legacy = l->way == CLAIM_LEGACY;

	*ret = (struct refusal){
		.err = -ENOENT,
		.cause = "no-node",
		.text = legacy ? "this kernel offers no groups and containers of VFIO (CONFIG_VFIO_GROUP, CONFIG_VFIO_CONTAINER)" :
				 "VFIO gives no node to devices here (CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV)",
		.hint = legacy ? "open it without --legacy" : "device open --legacy goes by group and container",
	};
}

static bool lacks_node(const struct look *l)
{
	const struct switches *sw = host_switches(l->h);

	if (l->way == CLAIM_LEGACY)
		return sw->has_legacy_group.is == TRI_NO || sw->has_legacy_container.is == TRI_NO;
	return sw->has_iommufd.is == TRI_NO || sw->has_cdev.is == TRI_NO;
}

/* What the device is on decides before anything of the kernel's: without a VFIO driver there is nothing to open. */
static bool without_driver(const struct look *l, struct refusal *ret)
{
	const char *vfio = bus_vfio_driver(l->d->bus);
	enum driver_use use = device_driver_use(l->h, l->d);

	if (use == USE_VFIO || use == USE_UNKNOWN)
		return false;
	*ret = (struct refusal){
		.err = -ENOENT,
		.cause = "no-vfio-driver",
		.text = l->d->driver ? arena_printf(&l->h->arena, "%s is on %s, which is no VFIO driver", l->d->name, l->d->driver) :
				       arena_printf(&l->h->arena, "%s has no driver", l->d->name),
		.hint = vfio && safe_in_command(l->d->name) ?
				arena_printf(&l->h->arena, "iommuctl device bind %s%s%s", l->d->is_pci ? "" : l->d->bus,
					     l->d->is_pci ? "" : "/", l->d->name) :
				NULL,
	};
	return true;
}

static bool without_group(const struct look *l, struct refusal *ret)
{
	if (l->d->group)
		return false;
	*ret = (struct refusal){
		.err = -ENODEV,
		.cause = "no-group",
		.text = arena_printf(&l->h->arena, "%s is in no IOMMU group: no IOMMU translates for it", l->d->name),
		.hint = "iommuctl doctor",
	};
	return true;
}

static bool foresee(const struct look *l, struct refusal *ret)
{
	if (without_group(l, ret) || without_driver(l, ret))
		return true;
	if (lacks_node(l)) {
		no_node(l, ret);
		return true;
	}
	return look_for(l, 0, ret);
}

static const char *bare_text(int err)
{
	switch (err) {
	case -EPERM:
		return "the kernel refuses the claim, and none of its four causes is in sight: no driver of the group in the way, no other "
		       "owner, interrupts isolated, no count left behind";
	case -EINVAL:
		return "the kernel refuses the claim, and none of the causes is in sight: not bound already, no direct region, cache-coherent";
	case -EBUSY:
		return "the group or the device is in use, by whom cannot be seen";
	}
	return err_text(err);
}

static void explain(const struct look *l, int err, struct refusal *ret)
{
	if (err == -EACCES) {
		*ret = (struct refusal){ .err = err, .cause = "permission", .text = "its node may not be opened",
					 .hint = "run it as root, or have the node given to you" };
		return;
	}
	if ((err == -ENODEV || err == -ENOENT) && (without_group(l, ret) || without_driver(l, ret))) {
		ret->err = err;
		return;
	}
	if (err == -ENOENT && lacks_node(l))
		return no_node(l, ret);
	if (l->d->group && look_for(l, err, ret))
		return;
	*ret = (struct refusal){ .err = err, .text = bare_text(err), .hint = err == -EPERM ? "iommuctl owner check" : NULL };
}

bool open_refused(struct host *h, struct device *d, enum claim way, int err, struct refusal *ret)
{
	struct look l = { .h = h, .d = d, .way = way };

	if (d->group)
		group_check(h, &(struct question){ .group = d->group, .device = d }, &l.v);
	if (!err)
		return foresee(&l, ret);
	explain(&l, err, ret);
	return true;
}
