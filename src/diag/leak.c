// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/leak.h"

#include <errno.h>
#include <inttypes.h>

#include "base/str.h"
#include "host/drivers.h"
#include "diag/leak-cure.h"
#include "host/holders.h"
#include "host/switches.h"

struct ownership *host_ownership(struct host *h, int *ret_err)
{
	if (!h->ownership_done_) {
		h->ownership_done_ = true;
		h->ownership_err_ = ownership_load(h->ctx, h->src, &h->arena, &h->ownership_);
	}
	*ret_err = h->ownership_err_;
	return h->ownership_;
}

static bool is_permission(int err)
{
	return err == EACCES || err == EPERM;
}

int ownership_missing(const struct ownership *o)
{
	if (!o)
		return -ENOTCAPTURED;
	if (o->known)
		return 0;
	for (size_t i = 0; i < o->n_obstacles; i++)
		if (!is_permission(o->obstacles[i].err))
			return -EOPNOTSUPP;
	return o->n_obstacles ? -EACCES : -EOPNOTSUPP;
}

/* -- what memory says of the group, if it agrees with sysfs ----------------------------------------------------------- */

static const struct owned_device *find_owned(const struct owned_group *og, const struct device *d)
{
	for (size_t i = 0; i < og->n; i++)
		if (streq(og->devices[i].name, d->name) && (!d->bus || streq(og->devices[i].bus, d->bus)))
			return &og->devices[i];
	return NULL;
}

static bool agrees(const struct owned_group *og, const struct group *g)
{
	if (g->devices_err || og->n != g->n_devices)
		return false;
	for (size_t i = 0; i < g->n_devices; i++) {
		const struct owned_device *d = find_owned(og, g->devices[i]);

		if (!d || (!g->devices[i]->driver_err && !streq(d->driver, g->devices[i]->driver)))
			return false;
	}
	return true;
}

/* -- what is expected --------------------------------------------------------------------------------------------------- */

enum tri device_takes_use(struct host *h, const struct owned_group *og, const struct device *d)
{
	const struct owned_device *od = og ? find_owned(og, d) : NULL;
	enum driver_use use = device_driver_use(h, d);
	enum tri counts = bus_counts_drivers(d->bus);

	if (od && od->counted != TRI_UNKNOWN)
		counts = (enum tri)od->counted;
	if (use == USE_NONE || counts == TRI_NO)
		return TRI_NO;
	if (use == USE_UNKNOWN || counts == TRI_UNKNOWN)
		return TRI_UNKNOWN;
	if (od && od->managed != TRI_UNKNOWN)
		return od->managed == TRI_YES ? TRI_NO : TRI_YES;
	return use == USE_NATIVE ? TRI_YES : TRI_NO;
}

static struct num uses(struct host *h, const struct owned_group *og, const struct group *g)
{
	int64_t n = 0;

	if (g->devices_err)
		return NUM_UNKNOWN;
	for (size_t i = 0; i < g->n_devices; i++) {
		enum tri takes = device_takes_use(h, og, g->devices[i]);

		if (takes == TRI_UNKNOWN)
			return NUM_UNKNOWN;
		n += takes == TRI_YES;
	}
	return NUM(n);
}

/* Without the kernel's word a claim can only be ruled out: nobody can claim a group that nobody holds open. */
static bool claim_ruled_out(struct host *h, const struct group *g)
{
	struct holder_list holders;

	group_holders(h, g, &holders);
	return !holders.n && !holders.err;
}

static struct num expected(struct host *h, const struct owned_group *og, const struct group *g)
{
	if (og && og->owned == TRI_YES)
		return og->claims;
	if (og && og->owned == TRI_NO)
		return uses(h, og, g);
	return claim_ruled_out(h, g) ? uses(h, NULL, g) : NUM_UNKNOWN;
}

/* -- verdict -------------------------------------------------------------------------------------------------------------- */

static const char *owner_word(const struct owned_group *og)
{
	if (!og || og->owned == TRI_UNKNOWN)
		return NULL;
	if (og->owned == TRI_YES)
		return og->owner ? owner_kind_word(og->owner->kind) : NULL;
	return !og->owner_cnt.known ? NULL : og->owner_cnt.v ? "dma-api" : "none";
}

static const char *verdict(const struct leak *l)
{
	if (!l->owner_cnt.known || !l->expected.known)
		return "unknown";
	if (l->owner_cnt.v == l->expected.v)
		return "as-expected";
	return l->owner_cnt.v > l->expected.v ? "surplus" : "deficit";
}

/* "qemu-system-x86 (pid 4711)" of those who stand behind the owner, or what kind it is. */
static const char *owner_people(struct arena *a, const struct owner *o)
{
	const char *kind = o->kind == OWNER_VFIO_GROUP ? "a VFIO container" : o->kind == OWNER_IOMMUFD ? "an iommufd" : "somebody";

	if (!o->n)
		return arena_printf(a, "%s that no process has open", kind);
	return arena_printf(a, "%s of %s (pid %" PRId64 ")", kind, o->processes[0].command ? o->processes[0].command : "?",
			    o->processes[0].pid);
}

static const char *account(struct host *h, const struct leak *l)
{
	const char *people;

	if (!l->group || l->group->owned == TRI_NO)
		return l->expected.v == 0 ? "no device is on a driver that uses the DMA API" :
		       l->expected.v == 1 ? "one device is on a driver that uses the DMA API" :
					    arena_printf(&h->arena, "%" PRId64 " devices are on drivers that use the DMA API",
							 l->expected.v);
	people = owner_people(&h->arena, l->group->owner);
	return arena_printf(&h->arena, "%s has claimed it", people);
}

static const char *why_unknown(struct ownership *o, const struct group *g, const struct leak *l)
{
	const struct owned_group *og = o && o->known ? ownership_group(o, g->id) : NULL;

	if (!o)
		return "the count was not captured";
	if (!o->known)
		return "the kernel's memory cannot be read";
	if (!og)
		return "the kernel's memory has no such group: it changed while it was read";
	if (og->problem)
		return og->problem;
	if (!l->group)
		return "the kernel's memory and sysfs do not agree on its devices and drivers: it changes, or its devices are not known";
	return l->owner_cnt.known ? "what it should be cannot be told" : "the kernel does not count owners";
}

static const char *summary(struct host *h, struct ownership *o, const struct group *g, const struct leak *l)
{
	struct arena *a = &h->arena;

	if (streq(l->verdict, "as-expected"))
		return arena_printf(a, "owner_cnt is %" PRId64 ", as expected: %s", l->owner_cnt.v, account(h, l));
	if (!streq(l->verdict, "unknown"))
		return arena_printf(a, "owner_cnt is %" PRId64 " where %" PRId64 " is expected: %s", l->owner_cnt.v, l->expected.v,
				    account(h, l));
	if (l->owner_cnt.known)
		return arena_printf(a, "owner_cnt is %" PRId64 ", and %s", l->owner_cnt.v, why_unknown(o, g, l));
	if (l->expected.known)
		return arena_printf(a, "owner_cnt is not known, %" PRId64 " is expected: %s", l->expected.v, why_unknown(o, g, l));
	return arena_printf(a, "owner_cnt is not known: %s", why_unknown(o, g, l));
}

/* -- reasons ---------------------------------------------------------------------------------------------------------------- */

static void say_device(struct finding *f, struct host *h, const struct device *d, enum tri takes)
{
	struct reason *r = finding_add(f, SEVERITY_NOTE, "dma-api-driver");

	r->device = d->name;
	r->driver = d->driver;
	r->file = arena_printf(f->arena, "/%s/driver", device_sysfs(h, d));
	r->value = d->driver;
	r->text = arena_printf(f->arena, takes == TRI_YES ? "%s is on %s, which uses the DMA API: that counts one" :
							    "%s is on %s, and nothing tells whether that driver uses the DMA API",
			       d->name, d->driver ? d->driver : "a driver that cannot be read");
}

static void say_claim(struct finding *f, const struct leak *l)
{
	struct reason *r = finding_add(f, SEVERITY_NOTE, "claim");
	const struct owner *o = l->group->owner;

	r->text = l->group->claims.known ?
			  arena_printf(f->arena, "%s has claimed the group; that counts %" PRId64, owner_people(f->arena, o),
				       l->group->claims.v) :
			  arena_printf(f->arena, "%s has claimed the group; how much that counts cannot be told",
				       owner_people(f->arena, o));
}

static void say_difference(struct finding *f, const struct leak *l)
{
	int64_t n = l->owner_cnt.v - l->expected.v;
	struct reason *r = finding_add(f, SEVERITY_PROBLEM, n > 0 ? "surplus" : "deficit");

	r->file = "/proc/kcore";
	r->value = arena_printf(f->arena, "iommu_group.owner_cnt = %" PRId64, l->owner_cnt.v);
	if (n > 0)
		r->text = arena_printf(f->arena,
				       "%" PRId64 " of the count is nobody's: as long as it is there, every claim from user space and every "
				       "change of the group's type gets EPERM, even with all devices off their drivers",
				       n);
	else
		r->text = arena_printf(f->arena,
				       "the count is %" PRId64 " short: user space could claim the group under a driver that uses it",
				       -n);
}

static void say_obstacles(struct finding *f, struct ownership *o)
{
	for (size_t i = 0; o && i < o->n_obstacles; i++) {
		const struct obstacle *b = &o->obstacles[i];
		struct reason *r = finding_add(f, SEVERITY_UNKNOWN, b->code);

		r->file = b->what;
		r->text = arena_printf(f->arena, "%s: %s", b->what, b->why ? b->why : err_text(b->err));
		if (b->hint)
			finding_remedy(f, false, NULL, "%s", b->hint);
	}
}

static void say(struct host *h, struct ownership *o, const struct group *g, struct leak *l)
{
	struct finding f = { .arena = &h->arena };

	if (streq(l->verdict, "surplus") || streq(l->verdict, "deficit"))
		say_difference(&f, l);
	if (l->group && l->group->owned == TRI_YES)
		say_claim(&f, l);
	for (size_t i = 0; i < g->n_devices; i++) {
		enum tri takes = device_takes_use(h, l->group, g->devices[i]);

		if (takes != TRI_NO)
			say_device(&f, h, g->devices[i], takes);
	}
	if (streq(l->verdict, "surplus"))
		leak_say_cause(&f, h, o, g, l);
	if (!l->owner_cnt.known)
		say_obstacles(&f, o);
	l->reasons = finding_rows(&f);
}

void group_ownership(struct host *h, struct ownership *o, const struct group *g, bool brief, struct leak *ret)
{
	const struct owned_group *og = o && o->known ? ownership_group(o, g->id) : NULL;

	if (og && (og->problem || !agrees(og, g)))
		og = NULL;
	*ret = (struct leak){
		.owner_cnt = og ? og->owner_cnt : NUM_UNKNOWN,
		.expected = expected(h, og, g),
		.owner = owner_word(og),
		.group = og,
		.reasons.known = true,
	};
	ret->verdict = verdict(ret);
	if (streq(ret->verdict, "unknown"))
		ret->missing = ownership_missing(o) ? ownership_missing(o) : -ENODATA;
	if (brief)
		return;
	ret->summary = summary(h, o, g, ret);
	say(h, o, g, ret);
}
