// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/leak-cure.h"

#include <string.h>

#include "base/str.h"
#include "host/drivers.h"
#include "diag/guard.h"
#include "host/devinfo.h"
#include "host/switches.h"
#include "host/topology.h"

/* -- cause -------------------------------------------------------------------------------------------------------------- */

/*
 * The pattern of CONFIG_DEBUG_TEST_DRIVER_REMOVE on a kernel that lacks "driver core: Call dma_cleanup() on the test_remove path" (f429378a9bf8):
 * every bind of a driver that uses the DMA API configures twice and cleans up once, so each group with such a driver has a
 * surplus of one at least for each of them. The option alone proves nothing: kernels that have the fix build with it, too.
 */
static void look_at_pattern(struct host *h, struct ownership *o)
{
	if (o->pattern_done_)
		return;
	o->pattern_done_ = true;
	for (size_t i = 0; i < h->n_groups; i++) {
		struct leak l;

		group_ownership(h, o, &h->groups[i], true, &l);
		if (!l.group || l.group->owned != TRI_NO || !l.owner_cnt.known || !l.expected.known || !l.expected.v)
			continue;
		if (l.owner_cnt.v >= 2 * l.expected.v)
			o->pattern_fits_++;
		else
			o->pattern_breaks_++;
	}
}

static void say_option(struct reason *r, const struct switches *sw)
{
	r->file = sw->test_driver_remove.file;
	r->value = sw->test_driver_remove.value;
}

static void ask_for_trace(struct finding *f, const struct group *g)
{
	finding_remedy(f, false, arena_printf(f->arena, "iommuctl owner trace %u -- sh -c 'COMMAND THAT BINDS THE DRIVER'", g->id),
		       "see who takes a use and does not give it back");
}

static void say_pattern(struct finding *f, struct host *h, struct ownership *o, const struct group *g)
{
	const struct switches *sw = host_switches(h);
	struct reason *r;

	look_at_pattern(h, o);
	if (sw->test_driver_remove.is == TRI_YES && o->pattern_fits_ && !o->pattern_breaks_) {
		r = finding_add(f, SEVERITY_PROBLEM, "test-driver-remove");
		r->text = arena_printf(f->arena,
				       "the cause: this kernel is built with CONFIG_DEBUG_TEST_DRIVER_REMOVE, which binds each driver "
				       "twice, and it does not give the first use back (fixed in Linux 6.6 by commit f429378a9bf8, \"driver "
				       "core: Call dma_cleanup() on the test_remove path\"). All %zu groups with a driver of the "
				       "DMA API show it",
				       o->pattern_fits_);
		say_option(r, sw);
		finding_remedy(f, false, NULL, "take a kernel without that option, or with that commit; each bind leaks again");
		return;
	}
	r = finding_add(f, SEVERITY_UNKNOWN, "cause-unknown");
	if (sw->test_driver_remove.is == TRI_YES) {
		r->text = "the cause is not certain: CONFIG_DEBUG_TEST_DRIVER_REMOVE is on, which leaked a use at each bind before "
			  "Linux 6.6, but the groups of this machine do not show that it does so here";
		say_option(r, sw);
	} else {
		r->text = sw->test_driver_remove.is == TRI_NO ?
				  "the cause is not known: CONFIG_DEBUG_TEST_DRIVER_REMOVE, the known one, is off" :
				  "the cause is not known: nothing tells whether the kernel is built with "
				  "CONFIG_DEBUG_TEST_DRIVER_REMOVE, the known one";
		r->file = sw->test_driver_remove.file;
	}
	ask_for_trace(f, g);
}

/* -- cure --------------------------------------------------------------------------------------------------------------- */

static bool in_group(const struct device *d, const struct group *g)
{
	return d->group == g;
}

/* Why removing the devices is not to be thought of; NULL: nothing that we know is against it. */
static const char *against_removal(struct host *h, const struct group *g, struct arena *a)
{
	for (size_t i = 0; i < g->n_devices; i++) {
		struct device *d = g->devices[i];
		const struct devinfo *info;

		if (!d->is_pci || !safe_in_command(d->name))
			return arena_printf(a, "%s is no PCI device that can be removed and found again", d->name);
		info = device_info(h, d);
		if (info->pf || info->n_vfs)
			return arena_printf(a, "%s is part of an SR-IOV device: its virtual functions have to go first", d->name);
		for (size_t j = 0; j < h->n_devices; j++)
			if (!in_group(&h->devices[j], g) && h->devices[j].is_pci && device_is_below(h, &h->devices[j], d))
				return arena_printf(a, "%s of another group is behind %s and would go with it", h->devices[j].name,
						    d->name);
	}
	return g->devices_err || !g->n_devices ? "its devices are not known" : NULL;
}

/* "network interface eth0, disk nvme0n1" that go away with the group; NULL: none that we know. */
static const char *carried(struct host *h, const struct group *g, struct arena *a)
{
	struct strbuf b = { 0 };
	const char *text;

	for (size_t i = 0; i < g->n_devices; i++) {
		const struct devinfo *info = device_info(h, g->devices[i]);

		for (size_t j = 0; j < info->netdevs.n; j++)
			strbuf_printf(&b, "%snetwork interface %s", b.len ? ", " : "", info->netdevs.v[j]);
		for (size_t j = 0; j < info->blocks.n; j++)
			strbuf_printf(&b, "%sdisk %s", b.len ? ", " : "", info->blocks.v[j]);
	}
	text = b.len ? arena_strdup(a, b.s) : NULL;
	strbuf_free(&b);
	return text;
}

/*
 * What the guard has against it: what it does not know counts, too. The devices of the group go together, so they
 * are no loss to each other. A bridge is asked about by what is behind it, and all of that is in the group (see above).
 */
static const char *guard_says(struct host *h, struct ownership *o, const struct group *g, const char **ret_device)
{
	if (!o->guard_)
		o->guard_ = guard_facts_read(h, source_is_live(h->src) ? getenv("SSH_CONNECTION") : NULL);
	for (size_t i = 0; i < g->n_devices; i++) {
		struct guard guard;

		if (device_is_pci_bridge(g->devices[i]))
			continue;
		device_guard(o->guard_, g->devices[i], g->devices, g->n_devices, &guard);
		if (streq(guard.verdict, "safe"))
			continue;
		*ret_device = g->devices[i]->name;
		return guard.summary;
	}
	return NULL;
}

/* Devices behind a bridge go before it. */
static struct device **removal_order(struct host *h, const struct group *g, struct arena *a)
{
	struct device **v = arena_array(a, struct device *, g->n_devices);
	struct device **out = arena_array(a, struct device *, g->n_devices);
	int *parent = arena_array(a, int, g->n_devices);

	memcpy(v, g->devices, g->n_devices * sizeof(*v));
	topology_sort(h, v, g->n_devices, parent);
	for (size_t i = 0; i < g->n_devices; i++)
		out[i] = v[g->n_devices - 1 - i];
	return out;
}

/*
 * The group goes when its last device does, and comes back with a count of 0. Nothing may probe by itself meanwhile: a driver that uses the
 * DMA API would leak again. Bridges get their drivers back, since those manage their own DMA; the others go to VFIO.
 */
static const char *cure_command(struct host *h, const struct group *g, struct arena *a)
{
	struct device **v = removal_order(h, g, a);
	struct strbuf b = { 0 };
	const char *command;

	strbuf_puts(&b, "echo 0 > /sys/bus/pci/drivers_autoprobe");
	for (size_t i = 0; i < g->n_devices; i++)
		strbuf_printf(&b, " && echo 1 > /sys/bus/pci/devices/%s/remove", v[i]->name);
	strbuf_puts(&b, " && echo 1 > /sys/bus/pci/rescan");
	for (size_t i = g->n_devices; i-- > 0;) {
		if (device_is_bridge(v[i]) && device_driver_use(h, v[i]) == USE_MANAGED)
			strbuf_printf(&b, " && echo %s > /sys/bus/pci/drivers_probe", v[i]->name);
		if (device_is_bridge(v[i]))
			continue;
		strbuf_printf(&b, " && echo vfio-pci > /sys/bus/pci/devices/%s/driver_override", v[i]->name);
		strbuf_printf(&b, " && echo %s > /sys/bus/pci/drivers/vfio-pci/bind", v[i]->name);
	}
	strbuf_puts(&b, " && echo 1 > /sys/bus/pci/drivers_autoprobe");
	command = arena_strdup(a, b.s);
	strbuf_free(&b);
	return command;
}

static void say_no_cure(struct finding *f, const char *why, const struct fact *fact)
{
	struct reason *r = finding_add(f, SEVERITY_NOTE, "no-cure");

	r->text = arena_printf(f->arena, "a reboot helps; the way without one, removing the group's devices and finding them again, "
			       "is closed: %s", why);
	if (fact) {
		r->file = fact->file;
		r->value = fact->value;
	}
}

/* Removing the last device of a group with a count makes the kernel warn: deadly where a warning panics. */
static void say_cure(struct finding *f, struct host *h, struct ownership *o, const struct group *g)
{
	const struct fact *panic = &host_switches(h)->panic_on_warn;
	const char *against = against_removal(h, g, f->arena);
	const char *guarded, *lost, *device;
	struct reason *r;

	if (against || panic->is != TRI_NO) {
		say_no_cure(f, against			    ? against :
			       panic->is == TRI_YES ? "the kernel warns when they go, and panic_on_warn is on" :
						      "the kernel warns when they go, and whether panic_on_warn is on cannot be told",
			    against ? NULL : panic);
		return;
	}
	guarded = guard_says(h, o, g, &device);
	if (guarded) {
		say_no_cure(f, arena_printf(f->arena, "the guard is against taking %s away: %s", device, guarded), NULL);
		finding_remedy(f, false, arena_printf(f->arena, "iommuctl device guard %s", device), "see what would be lost");
		return;
	}
	r = finding_add(f, SEVERITY_NOTE, "cure");
	r->text = "there is a way without a reboot: a group whose last device is removed goes, and comes back without the surplus "
		  "(perhaps with another number, or as several groups). The kernel log will have one warning about it; "
		  "panic_on_warn is off";
	r->file = panic->file;
	r->value = panic->value;
	lost = carried(h, g, f->arena);
	finding_remedy(f, false, cure_command(h, g, f->arena),
		       "remove %s and give what comes back to VFIO%s%s. The last line has to be run whatever happens before it",
		       g->n_devices == 1 ? "the device" : "the devices", lost ? "; the machine loses " : "", lost ? lost : "");
}

void leak_say_cause(struct finding *f, struct host *h, struct ownership *o, const struct group *g, const struct leak *l)
{
	say_pattern(f, h, o, g);
	if (l->group && l->group->owned == TRI_NO)
		say_cure(f, h, o, g);
}
