// SPDX-License-Identifier: GPL-2.0-or-later
/* The judgement of viability.c in words: reasons with evidence and remedies, and the moves that are left. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/viability-facts.h"
#include "host/acpi.h"
#include "host/devinfo.h"
#include "host/topology.h"

/* A sentence names this many devices; the lists have all of them. */
#define NAMED_MAX 4

struct text {
	const struct assessment *a;
	struct arena *arena;
	struct finding f;
	bool one_goes; /* an offender that was asked about goes to a VFIO driver anyway */
};

static const char *sysfs_file(const struct text *t, const struct device *d, const char *file)
{
	return arena_printf(t->arena, "/%s/%s", device_sysfs(t->a->h, d), file);
}

static const char *group_file(const struct text *t, const char *file)
{
	return arena_printf(t->arena, "/sys/kernel/iommu_groups/%u/%s", t->a->q->group->id, file);
}

static bool asked_about(const struct text *t, const struct member *m)
{
	return !t->a->q->device || t->a->q->device == m->d;
}

/* -- commands ------------------------------------------------------------------------------------------- */

/* What was asked about and is on no VFIO driver has to go to one, unless another device of the group will do. */
static bool has_to_move(const struct text *t, const struct member *m)
{
	if (m->maker || t->a->made)
		return false;
	if (m->offends == TRI_YES)
		return true;
	return asked_about(t, m) && m->can_give && !t->a->on_vfio && !t->one_goes &&
	       (m->use == USE_NONE || m->use == USE_MANAGED || m->use == USE_NATIVE);
}

static const char *device_spec(const struct text *t, const struct device *d)
{
	return d->is_pci ? d->name : arena_printf(t->arena, "%s/%s", d->bus, d->name);
}

/* One device alone would be refused while others of its group are in the way; those that it makes leave their drivers before it. */
static const char *bind_option(const struct text *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->a->n; i++)
		n += has_to_move(t, &t->a->members[i]) || (t->a->members[i].maker && t->a->members[i].offends == TRI_YES);
	return n > 1 ? "--group " : "";
}

static const char *bind_command(const struct text *t, const struct device *d)
{
	const char *vfs = "";

	if (device_info(t->a->h, (struct device *)d)->sriov_num.v > 0)
		vfs = arena_printf(t->arena, "iommuctl device vfs %s 0 && ", device_spec(t, d));
	return arena_printf(t->arena, "%siommuctl device bind %s%s", vfs, bind_option(t), device_spec(t, d));
}

/* Bridges are taken off drivers that spoil their group along with what is given away. */
static const char *leave_command(const struct text *t, const struct device *d)
{
	for (size_t i = 0; i < t->a->n; i++) {
		const struct member *m = &t->a->members[i];

		if (device_is_bridge(d) && m->can_give && safe_in_command(m->d->name) && safe_in_command(m->d->bus))
			return arena_printf(t->arena, "iommuctl device bind --group %s", device_spec(t, m->d));
	}
	return arena_printf(t->arena, "iommuctl device unbind %s", device_spec(t, d));
}

/* The physical function of what was asked about: it only leaves its driver, since vfio-pci takes none whose virtual functions are on. */
static bool is_asked_ones_pf(const struct text *t, const struct device *d)
{
	struct device *asked = t->a->q->device;

	return asked && asked != d && d->is_pci && device_info(t->a->h, asked)->pf == d;
}

static struct step make_step(const struct text *t, const struct member *m)
{
	const struct device *d = m->d;
	struct step s = { .device = d->name, .driver = d->driver };

	s.to = m->can_give && !is_asked_ones_pf(t, d) ? bus_vfio_driver(d->bus) : NULL;
	if (safe_in_command(d->name) && safe_in_command(d->bus))
		s.command = s.to ? bind_command(t, d) : leave_command(t, d);
	return s;
}

static void add_steps(const struct text *t, struct viability *ret)
{
	struct step *steps = arena_array(t->arena, struct step, t->a->n);
	const char **offenders = arena_array(t->arena, const char *, t->a->n);
	size_t n = 0, bad = 0;

	for (size_t i = 0; i < t->a->n; i++) {
		const struct member *m = &t->a->members[i];

		if (m->offends == TRI_YES)
			offenders[bad++] = m->d->name;
		if (has_to_move(t, m))
			steps[n++] = make_step(t, m);
	}
	ret->offenders = STRS(offenders, bad);
	ret->steps = ROWS(steps, n);
}

/* -- problems --------------------------------------------------------------------------------------------- */

static void say_odd(struct text *t)
{
	static const struct {
		const char *code, *text;
	} odd[] = {
		[ODD_NOIOMMU] = { "no-iommu", "VFIO made this group itself in its no-IOMMU mode: no IOMMU stands between "
					      "the device and memory, and nothing is counted" },
		[ODD_MDEV] = { "mdev", "this is the group of a mediated device: the driver of its parent shares it out, and "
				       "no IOMMU group of the hardware changes hands" },
		[ODD_MOCK] = { "mock", "these are mock devices of the iommufd selftest: no hardware is behind them" },
	};
	struct reason *r = finding_add(&t->f, SEVERITY_NOTE, odd[t->a->odd].code);

	r->text = odd[t->a->odd].text;
	if (t->a->odd == ODD_NOIOMMU) {
		r->file = group_file(t, "name");
		r->value = "vfio-noiommu";
	}
}

static void say_holder(struct text *t, const struct holder *holder)
{
	const char *what = holder->node ? holder->node : holder->device ? holder->device : "a device of the group";
	struct reason *r = finding_add(&t->f, SEVERITY_PROBLEM, "held");

	r->text = arena_printf(t->arena, "%s has %s open", holder->who, what);
	r->device = holder->device;
	r->file = holder->pid.known ? arena_printf(t->arena, "/proc/%" PRId64 "/fd", holder->pid.v) : NULL;
	r->value = holder->node;
	finding_remedy(&t->f, false, NULL, "stop it, or take the device out of it");
}

/* What the kernel's count shows beyond drivers and holders: its reasons as they are, without the drivers that we name. */
static void say_count(struct text *t)
{
	const struct assessment *a = t->a;
	const struct reason *v;
	struct leak full;

	group_ownership(a->h, a->counts, a->q->group, false, &full);
	v = full.reasons.v;
	for (size_t i = 0; i < full.reasons.n; i++) {
		if (streq(v[i].code, "dma-api-driver") || (streq(v[i].code, "claim") && a->holders.n))
			continue;
		*finding_add(&t->f, SEVERITY_NOTE, v[i].code) = v[i];
		if (streq(v[i].code, "claim"))
			t->f.reasons.v[t->f.reasons.n - 1].severity = "problem";
	}
}

static const char *region_owner(struct text *t, const struct region *region)
{
	struct strbuf b = { 0 };
	const char *text;

	for (size_t i = 0; i < t->a->n; i++) {
		struct device *d = t->a->members[i].d;
		const struct acpi_reserved **v;
		size_t n = acpi_reserved_of(t->a->h, d, &v);

		for (size_t k = 0; k < n; k++) {
			if (v[k]->start > region->end || v[k]->end < region->start)
				continue;
			strbuf_printf(&b, "%s%s (%s in the firmware's %s table)", b.len ? ", " : " for ", d->name,
				      v[k]->kind, acpi_table_name(v[k]->table));
			break;
		}
	}
	text = arena_strdup(t->arena, strbuf_str(&b));
	strbuf_free(&b);
	return text;
}

static void say_direct(struct text *t)
{
	const struct group *g = t->a->q->group;

	for (size_t i = 0; i < g->n_regions; i++) {
		const struct region *region = &g->regions[i];
		struct reason *r;

		if (region->type != REGION_DIRECT)
			continue;
		r = finding_add(&t->f, SEVERITY_PROBLEM, "direct-region");
		r->text = arena_printf(t->arena,
				       "memory 0x%" PRIx64 "-0x%" PRIx64 " must stay mapped 1:1%s; the kernel hands over no "
				       "group with such a region, whatever its drivers",
				       region->start, region->end, region_owner(t, region));
		r->file = group_file(t, "reserved_regions");
		r->value = arena_printf(t->arena, "0x%016" PRIx64 " 0x%016" PRIx64 " %s", region->start, region->end,
					region->word);
		finding_remedy(&t->f, false, NULL,
			       "turn off in the firmware setup what uses that memory (a management agent, legacy USB "
			       "support, shared graphics memory), or ask the vendor for firmware without it");
		finding_remedy(&t->f, true, NULL,
			       "a kernel patched to ignore such regions lets firmware and guest write over each other");
	}
}

/* One of the two parameters that waive isolation. */
static void remedy_waive(struct text *t, const struct fact *fact, const char *module, const char *path)
{
	const char *command;

	if (strends(fact->file, "/allow_unsafe_interrupts"))
		command = arena_printf(t->arena, "echo Y > %s", fact->file);
	else
		command = arena_printf(t->arena, "modprobe %s allow_unsafe_interrupts=1", module);
	finding_remedy(&t->f, true, command, "for %s: accept that a device given away can raise any interrupt of the host",
		       path);
}

static void say_msi(struct text *t)
{
	const struct switches *sw = t->a->sw;
	const char *intremap = boot_param(sw, "intremap");
	struct reason *r = finding_add(&t->f, SEVERITY_PROBLEM, "no-isolated-msi");

	r->text = "interrupts of devices are not isolated (no interrupt remapping): a device given away could raise any "
		  "interrupt of the host, so the kernel refuses the claim";
	r->file = sw->isolated_msi.file;
	r->value = sw->isolated_msi.value;
	if (streq(intremap, "off") || boot_param(sw, "nointremap"))
		finding_remedy(&t->f, false, NULL, "take %s off the kernel's command line and boot again",
			       intremap ? "intremap=off" : "nointremap");
	else
		finding_remedy(&t->f, false, NULL,
			       "turn on interrupt remapping in the firmware setup (near VT-d or AMD-Vi, or as x2APIC); in a "
			       "virtual machine, give it a virtual IOMMU with interrupt remapping");
	if (sw->config_err || sw->config[CONFIG_IOMMUFD] != 'n')
		remedy_waive(t, &sw->iommufd_unsafe_interrupts, "iommufd", "claims through iommufd");
	remedy_waive(t, &sw->type1_unsafe_interrupts, "vfio_iommu_type1", "claims through a VFIO container");
}

static void say_waived(struct text *t)
{
	const struct switches *sw = t->a->sw;
	bool fd = sw->iommufd_unsafe_interrupts.is == TRI_YES, type1 = sw->type1_unsafe_interrupts.is == TRI_YES;
	const struct fact *fact = fd ? &sw->iommufd_unsafe_interrupts : &sw->type1_unsafe_interrupts;
	struct reason *r = finding_add(&t->f, SEVERITY_WARNING, "unsafe-interrupts");

	r->text = arena_printf(t->arena,
			       "interrupts of devices are not isolated, and allow_unsafe_interrupts lets claims through %s "
			       "happen all the same: a device given away can raise any interrupt of the host",
			       fd && type1 ? "iommufd and through VFIO containers" : fd ? "iommufd alone" :
										       "VFIO containers alone");
	r->file = fact->file;
	r->value = fact->value;
}

static void say_incoherent(struct text *t)
{
	const struct device *d = t->a->incoherent;
	bool sure = t->a->not_coherent == TRI_YES;
	struct reason *r = finding_add(&t->f, sure ? SEVERITY_PROBLEM : SEVERITY_UNKNOWN,
				       sure ? "not-coherent" : "coherency-unknown");

	r->device = d->name;
	r->text = sure ? arena_printf(t->arena, "IOMMU unit %s is not cache-coherent by its firmware's word, and VFIO takes no "
				      "device behind such a unit", d->unit->name) :
			 arena_printf(t->arena, "nothing tells whether IOMMU unit %s is cache-coherent, as VFIO demands",
				      d->unit->name);
	r->file = t->a->coherency_file;
	if (sure)
		finding_remedy(&t->f, false, NULL, "only other firmware can change that; ask the vendor");
}

/* Its driver counts, and goes with it. */
static void say_made(struct text *t, const struct member *m)
{
	struct reason *r = finding_add(&t->f, SEVERITY_NOTE, "goes-with-maker");

	r->device = m->d->name;
	r->driver = m->d->driver;
	r->file = sysfs_file(t, m->maker, "driver");
	r->value = m->maker->driver;
	r->text = arena_printf(t->arena, "%s is there only while %s drives %s: it goes when that one moves", m->d->name, m->maker->driver,
			       m->maker->name);
}

static void remedy_vmd(struct text *t, const struct device *maker)
{
	finding_remedy(&t->f, false, NULL, "turn VMD off in the firmware's setup: its devices then are ordinary ones");
	finding_remedy(&t->f, false,
		       safe_in_command(maker->name) ? arena_printf(t->arena, "iommuctl device bind --group %s", maker->name) : NULL,
		       "give %s away, with all that is behind it", maker->name);
}

static void remedy_vf(struct text *t, const struct device *d, const struct device *pf)
{
	bool safe = safe_in_command(pf->name) && safe_in_command(d->name);

	finding_remedy(&t->f, false, safe ? arena_printf(t->arena, "iommuctl group explain %s", d->name) : NULL,
		       "put the card into a slot where each function gets a group of its own; this says what joins them here");
	finding_remedy(&t->f, false, safe ? bind_command(t, pf) : NULL, "give %s away, without virtual functions", pf->name);
}

/* The same of the one that was asked about. */
static void say_not_alone(struct text *t, const struct member *m)
{
	struct reason *r = finding_add(&t->f, SEVERITY_PROBLEM, "made-by-driver");
	const struct device *maker = m->maker;

	r->device = m->d->name;
	r->driver = m->d->driver;
	r->file = sysfs_file(t, maker, "driver");
	r->value = maker->driver;
	if (device_is_vf_of(m->d, maker)) {
		r->text = arena_printf(t->arena, "%s is a virtual function of %s, which shares its group and is on %s: as long as that driver stays "
				       "the group is not viable, and when it leaves the function is gone", m->d->name, maker->name, maker->driver);
		return remedy_vf(t, m->d, maker);
	}
	r->text = arena_printf(t->arena, "%s is there only while %s drives %s, which uses the kernel's DMA API for all that is behind it: one "
			       "without the other cannot be given away", m->d->name, maker->driver, maker->name);
	remedy_vmd(t, maker);
}

static void say_offender(struct text *t, const struct member *m)
{
	struct reason *r = finding_add(&t->f, SEVERITY_PROBLEM, "native-driver");
	struct step s = make_step(t, m);

	r->device = m->d->name;
	r->driver = m->d->driver;
	r->file = sysfs_file(t, m->d, "driver");
	r->value = m->d->driver;
	if (t->a->asked_rules && t->a->ownership == TRI_NO)
		r->text = arena_printf(t->arena, "%s is on %s; this kernel wants every device of the group on a VFIO "
				       "driver, on pci-stub or on none", m->d->name, m->d->driver);
	else if (m->bridge == TRI_YES)
		r->text = arena_printf(t->arena, "bridge %s is on %s, which uses the kernel's DMA API (a bridge on "
				       "pcieport would be in nobody's way)", m->d->name, m->d->driver);
	else
		r->text = arena_printf(t->arena, "%s is on %s, which uses the kernel's DMA API", m->d->name,
				       m->d->driver);
	if (s.to)
		finding_remedy(&t->f, false, s.command, "move %s to %s", s.device, s.to);
	else
		finding_remedy(&t->f, false, s.command, "take %s off its driver", s.device);
}

/* Fine for the kernel, but nothing that user space could open. */
static void say_not_on_vfio(struct text *t, const struct member *m)
{
	struct reason *r = finding_add(&t->f, SEVERITY_PROBLEM, "no-vfio-driver");
	struct step s = make_step(t, m);

	r->device = m->d->name;
	r->driver = m->d->driver;
	r->file = sysfs_file(t, m->d, "driver");
	r->value = m->d->driver ? m->d->driver : "not there";
	r->text = m->d->driver ? arena_printf(t->arena, "%s is on %s, which is no VFIO driver", m->d->name, m->d->driver) :
				 arena_printf(t->arena, "%s has no driver; user space gets it through a VFIO driver",
					      m->d->name);
	finding_remedy(&t->f, false, s.command, "bind %s to %s", s.device, s.to);
}

static void say_vfs(struct text *t, const struct member *m)
{
	const struct devinfo *info = device_info(t->a->h, m->d);
	struct reason *r;

	if (!has_to_move(t, m) || !m->can_give || info->sriov_num.v <= 0 || is_asked_ones_pf(t, m->d))
		return;
	r = finding_add(&t->f, t->a->vfs ? SEVERITY_PROBLEM : SEVERITY_WARNING, "vfs-enabled");
	r->device = m->d->name;
	r->driver = m->d->driver;
	r->file = sysfs_file(t, m->d, "sriov_numvfs");
	r->value = arena_printf(t->arena, "%" PRId64, info->sriov_num.v);
	r->text = arena_printf(t->arena, "%s has %" PRId64 " virtual functions, and vfio-pci takes no physical function that "
			       "has any: they go away first", m->d->name, info->sriov_num.v);
}

static void add_names(struct strbuf *b, const char *what, const struct strs *names)
{
	for (size_t i = 0; i < names->n; i++)
		strbuf_printf(b, "%s%s %s", b->len ? ", " : "", what, names->v[i]);
}

/* What the machine itself loses with a device that moves. Whether it can do without is another question. */
static void say_carries(struct text *t, const struct member *m)
{
	const struct devinfo *info;
	struct strbuf b = { 0 };
	struct reason *r;

	if (!has_to_move(t, m) || !m->d->driver)
		return;
	info = device_info(t->a->h, m->d);
	add_names(&b, "disk", &info->blocks);
	add_names(&b, "network interface", &info->netdevs);
	if (info->boot_vga == TRI_YES)
		strbuf_printf(&b, "%sthe screen that the firmware started on", b.len ? ", " : "");
	if (b.len) {
		r = finding_add(&t->f, SEVERITY_WARNING, "carries");
		r->device = m->d->name;
		r->driver = m->d->driver;
		r->file = arena_printf(t->arena, "/%s", device_sysfs(t->a->h, m->d));
		r->text = arena_printf(t->arena, "with %s this machine loses %s: be sure that nothing needs it", m->d->name,
				       strbuf_str(&b));
	}
	strbuf_free(&b);
}

/* -- what is not known -------------------------------------------------------------------------------------- */

static struct reason *add_unknown(struct text *t, const char *code, const char *file, const char *value)
{
	struct reason *r = finding_add(&t->f, SEVERITY_UNKNOWN, code);

	r->file = file;
	r->value = value;
	return r;
}

static void remedy_privilege(struct text *t, int err)
{
	if (err == -EACCES || err == -EPERM)
		finding_remedy(&t->f, false, NULL, "ask again as root");
	else if (err == -ENOTCAPTURED)
		finding_remedy(&t->f, false, "iommuctl snapshot save machine.tar.zst",
			       "a snapshot of that machine, taken there as root, holds that too");
}

static void say_unsure(struct text *t, const struct member *m)
{
	struct reason *r;

	if (m->use == USE_UNKNOWN) {
		r = add_unknown(t, "driver-unknown", sysfs_file(t, m->d, "driver"), NULL);
		r->text = arena_printf(t->arena, "the driver of %s cannot be told: %s", m->d->name,
				       err_text(m->d->driver_err));
		r->device = m->d->name;
		remedy_privilege(t, m->d->driver_err);
		return;
	}
	r = add_unknown(t, "rules-unknown", sysfs_file(t, m->d, "driver"), m->d->driver);
	r->device = m->d->name;
	r->driver = m->d->driver;
	if (!m->d->bus)
		r->text = arena_printf(t->arena, "the bus of %s is not known, and so not whether its driver %s counts",
				       m->d->name, m->d->driver);
	else
		r->text = arena_printf(t->arena, "whether %s on %s is in the way depends on the kernel's rules (they changed in "
				       "5.19), and these cannot be told here%s%s", m->d->name, m->d->driver,
				       t->a->ownership_why ? ": " : "", t->a->ownership_why ? t->a->ownership_why : "");
}

static void say_msi_unknown(struct text *t)
{
	const struct switches *sw = t->a->sw;
	bool waived = sw->isolated_msi.is == TRI_NO;
	const struct fact *fact = !waived ? &sw->isolated_msi :
				  sw->iommufd_unsafe_interrupts.is == TRI_UNKNOWN ? &sw->iommufd_unsafe_interrupts :
										    &sw->type1_unsafe_interrupts;
	struct reason *r = add_unknown(t, "msi-unknown", fact->file, fact->value);

	r->text = arena_printf(t->arena,
			       waived ? "interrupts are not isolated, and whether allow_unsafe_interrupts waives that cannot be "
					"told%s%s" :
					"whether interrupts are isolated cannot be told%s%s",
			       fact->why ? ": " : "", fact->why ? fact->why : "");
}

static void say_unknown(struct text *t)
{
	const struct assessment *a = t->a;
	const struct group *g = a->q->group;
	struct reason *r;

	for (size_t i = 0; i < a->n; i++)
		if (a->members[i].offends == TRI_UNKNOWN ||
		    (asked_about(t, &a->members[i]) && a->members[i].can_give && a->members[i].use == USE_UNKNOWN))
			say_unsure(t, &a->members[i]);
	if (g->devices_err) {
		r = add_unknown(t, "devices-unknown", group_file(t, "devices"), NULL);
		r->text = arena_printf(t->arena, "the devices of the group cannot be listed: %s", err_text(g->devices_err));
		remedy_privilege(t, g->devices_err);
	}
	if (a->direct == TRI_UNKNOWN) {
		r = add_unknown(t, "regions-unknown", group_file(t, "reserved_regions"), NULL);
		r->text = arena_printf(t->arena, "the reserved regions cannot be read: %s", err_text(g->regions_err));
		remedy_privilege(t, g->regions_err);
	}
	if (a->no_msi == TRI_UNKNOWN)
		say_msi_unknown(t);
	if (a->holders.err) {
		r = add_unknown(t, "holders-unknown", NULL, NULL);
		r->text = arena_printf(t->arena, "not all processes could be looked at, so somebody may have the group open: %s",
				       a->holders.err == -EOPNOTSUPP ? "some are in another PID namespace" :
								       err_text(a->holders.err));
		remedy_privilege(t, a->holders.err);
	}
}

/* -- what is in nobody's way ----------------------------------------------------------------------------------- */

static const char *harmless_why(const struct text *t, const struct member *m)
{
	switch (m->use) {
	case USE_NONE:
		return "no driver";
	case USE_VFIO:
		return m->d->driver;
	case USE_MANAGED:
		return arena_printf(t->arena, "%s, which leaves DMA alone", m->d->driver);
	default:
		return arena_printf(t->arena, "%s; bus %s is not counted", m->d->driver ? m->d->driver : "driver unknown",
				    m->d->bus ? m->d->bus : "unknown");
	}
}

static void say_harmless(struct text *t)
{
	struct strbuf b = { 0 };
	struct reason *r;

	for (size_t i = 0; i < t->a->n; i++) {
		const struct member *m = &t->a->members[i];

		if (m->offends == TRI_NO && !has_to_move(t, m) && (!m->maker || m->bridge == TRI_YES) && m != t->a->made)
			strbuf_printf(&b, "%s%s (%s)", b.len ? ", " : "", m->d->name, harmless_why(t, m));
	}
	if (b.len) {
		r = finding_add(&t->f, SEVERITY_NOTE, "not-in-the-way");
		r->text = arena_printf(t->arena, "not in the way: %s", strbuf_str(&b));
	}
	strbuf_free(&b);
}

/* -- the sentence on top ------------------------------------------------------------------------------------------ */

static bool is_moving(const struct text *t, const struct member *m, bool offenders)
{
	return has_to_move(t, m) && (!offenders || m->offends == TRI_YES);
}

/* "0000:01:00.0 (nouveau), 0000:01:00.1 (snd_hda_intel) and 3 more" */
static const char *moving(const struct text *t, bool offenders)
{
	struct strbuf b = { 0 };
	size_t n = 0, all = 0;
	const char *text;

	for (size_t i = 0; i < t->a->n; i++)
		all += is_moving(t, &t->a->members[i], offenders);
	for (size_t i = 0; i < t->a->n; i++) {
		const struct member *m = &t->a->members[i];

		if (!is_moving(t, m, offenders) || n++ >= NAMED_MAX)
			continue;
		strbuf_printf(&b, n == 1 ? "%s" : n == all ? " and %s" : ", %s", m->d->name);
		if (m->d->driver)
			strbuf_printf(&b, " (%s)", m->d->driver);
	}
	if (n > NAMED_MAX)
		strbuf_printf(&b, " and %zu more", n - NAMED_MAX);
	text = arena_strdup(t->arena, strbuf_str(&b));
	strbuf_free(&b);
	return text;
}

static const char *on_vfio_names(const struct text *t)
{
	struct strbuf b = { 0 };
	size_t n = 0;
	const char *text;

	for (size_t i = 0; i < t->a->n; i++) {
		const struct member *m = &t->a->members[i];

		if (m->use == USE_VFIO && asked_about(t, m) && n++ < NAMED_MAX)
			strbuf_printf(&b, "%s%s", n > 1 ? ", " : "", m->d->name);
	}
	if (n > NAMED_MAX)
		strbuf_printf(&b, " and %zu more", n - NAMED_MAX);
	text = arena_printf(t->arena, "%s %s on a VFIO driver", strbuf_str(&b), n > 1 ? "are" : "is");
	strbuf_free(&b);
	return text;
}

static const char *summary_nothing(const struct text *t)
{
	const struct device *d = t->a->q->device;

	if (!t->a->n)
		return "the group has no devices";
	if (d && t->a->n)
		return arena_printf(t->arena, device_is_bridge(d) ? "%s is a bridge; the devices behind it are what can be "
								   "given away" :
								   "VFIO has no driver for the bus of %s", d->name);
	for (size_t i = 0; i < t->a->n; i++)
		if (t->a->members[i].bridge != TRI_YES)
			return "VFIO has no driver for the bus of any device here";
	return t->a->n > 1 ? "only bridges are in it" : "a bridge is all that is in it";
}

static const char *summary_binds(const struct text *t)
{
	const struct assessment *a = t->a;
	size_t others = 0, moves = 0;

	for (size_t i = 0; i < a->n; i++) {
		moves += is_moving(t, &a->members[i], false);
		others += has_to_move(t, &a->members[i]) && a->members[i].offends != TRI_YES;
	}
	if (!a->offenders)
		return arena_printf(t->arena, moves > 1 ? "nothing is in the way; one of %s has to go to a VFIO driver first" :
							  "nothing is in the way; %s has to go to a VFIO driver first",
				    moving(t, false));
	return arena_printf(t->arena, "%s must leave %s first%s", moving(t, true),
			    moves - others > 1 ? "their drivers" : "its driver",
			    others ? ", and what is to be given away has to go to a VFIO driver" : "");
}

/* What the first reason that decides comes down to; the reason itself has the whole of it. */
static const char *summary_of_reason(const struct text *t, const char *severity)
{
	static const struct {
		const char *code, *text;
	} shorter[] = {
		{ "direct-region", "firmware wants memory kept mapped for it, whoever drives it" },
		{ "no-isolated-msi", "interrupts of devices are not isolated on this machine" },
		{ "not-coherent", "its IOMMU is not cache-coherent" },
		{ "made-by-driver", "it is there only while a driver is that is in the way" },
		{ "vfs-enabled", "its virtual functions have to go before it can be bound" },
		{ "holders-unknown", "nothing else is in the way, but somebody unseen may have it open" },
	};
	const struct reason *r;

	vec_for_each(r, &t->f.reasons) {
		if (!streq(r->severity, severity))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(shorter); i++)
			if (streq(r->code, shorter[i].code))
				return shorter[i].text;
		return r->text;
	}
	return "";
}

/* A count that nothing accounts for: the group that is not viable with no offender in sight. */
static const char *summary_leak(const struct text *t)
{
	const struct leak *l = &t->a->leak;

	return arena_printf(t->arena, "not viable: %s owner_cnt is %" PRId64 " where %" PRId64 " is expected, and binding will not mend that",
			    t->a->offenders ? "whatever is bound," : "no device is in the way, but", l->owner_cnt.v, l->expected.v);
}

static const char *summary(const struct text *t, const char *verdict)
{
	if (t->a->odd)
		return t->f.reasons.v[0].text;
	if (streq(verdict, "nothing-to-give"))
		return summary_nothing(t);
	if (streq(verdict, "needs-bind"))
		return summary_binds(t);
	if (streq(verdict, "ready"))
		return arena_printf(t->arena, "%s, and nothing is in the way", on_vfio_names(t));
	if (streq(verdict, "blocked") && t->a->counts && streq(t->a->leak.verdict, "surplus"))
		return summary_leak(t);
	return summary_of_reason(t, streq(verdict, "unknown") ? "unknown" : "problem");
}

static void say_problems(struct text *t)
{
	const struct assessment *a = t->a;

	for (size_t i = 0; i < a->holders.n; i++)
		say_holder(t, &a->holders.v[i]);
	if (a->counts)
		say_count(t);
	if (a->direct == TRI_YES)
		say_direct(t);
	if (a->no_msi == TRI_YES)
		say_msi(t);
	if (a->not_coherent != TRI_NO)
		say_incoherent(t);
	for (size_t i = 0; a->vfs && i < a->n; i++)
		say_vfs(t, &a->members[i]);
	if (a->made)
		return say_not_alone(t, a->made);
	for (size_t i = 0; i < a->n; i++) {
		if (a->members[i].maker && a->members[i].bridge != TRI_YES)
			say_made(t, &a->members[i]);
		else if (a->members[i].offends == TRI_YES)
			say_offender(t, &a->members[i]);
		else if (has_to_move(t, &a->members[i]))
			say_not_on_vfio(t, &a->members[i]);
	}
}

void viability_describe(const struct assessment *a, struct viability *ret)
{
	struct text t = { .a = a, .arena = &a->h->arena, .f.arena = &a->h->arena };

	for (size_t i = 0; i < a->n; i++)
		t.one_goes |= a->members[i].offends == TRI_YES && a->members[i].can_give &&
			      asked_about(&t, &a->members[i]);
	if (a->odd) {
		say_odd(&t);
	} else {
		say_problems(&t);
		say_unknown(&t);
		for (size_t i = 0; i < a->n; i++) {
			say_carries(&t, &a->members[i]);
			if (!a->vfs)
				say_vfs(&t, &a->members[i]);
		}
		if (a->waived == TRI_YES && a->no_msi == TRI_NO)
			say_waived(&t);
		say_harmless(&t);
	}
	add_steps(&t, ret);
	ret->summary = summary(&t, ret->verdict);
	ret->reasons = finding_rows(&t.f);
}
