// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/report.h"

#include <string.h>

#include "base/str.h"
#include "diag/doctor.h"
#include "diag/leak.h"
#include "diag/viability.h"
#include "host/devinfo.h"
#include "host/holders.h"
#include "host/units.h"
#include "kmem/iommufd.h"
#include "snapshot/info.h"
#include "source/kmsg.h"

#define PAGE_WIDTH   78
#define MAX_CHOSEN   6u
#define MAX_DEVICES  12u
#define MAX_UNITS    8u
#define MAX_CONTEXTS 8u
#define LOG_LINES    15u

/* -- which groups it is about -------------------------------------------------------------------------------------- */

static bool is_moved(struct host *h, const struct group *g)
{
	for (size_t i = 0; i < g->n_devices; i++)
		if (device_on_vfio(h, g->devices[i]) || device_info(h, g->devices[i])->override)
			return true;
	return false;
}

static bool is_odd(struct host *h, const struct group *g)
{
	struct leak l;
	int err;

	group_ownership(h, host_ownership(h, &err), g, true, &l);
	return streq(l.verdict, "surplus") || streq(l.verdict, "deficit");
}

void report_choose_groups(struct host *h, struct report *r)
{
	r->groups = arena_array(&h->arena, struct group *, MAX_CHOSEN);
	/* what was given away comes before what is odd: on a leaking kernel most groups are */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < h->n_groups && r->n < MAX_CHOSEN; i++) {
			struct group *g = &h->groups[i];
			bool moved = is_moved(h, g);

			if (pass ? !moved && is_odd(h, g) : moved)
				r->groups[r->n++] = g;
		}
}

/* -- sentences ------------------------------------------------------------------------------------------------------- */

/* A cause that many groups have in common is said once. */
struct said {
	const char *text;
	uint32_t group;
};

struct page {
	struct out *out;
	struct host *h;
	uint32_t group; /* that is spoken of now */
	VEC(struct said) said;
};

/* Where it was said already; NULL: it was not, and now counts as said. */
static const struct said *said_before(struct page *p, const char *text)
{
	const struct said *s;

	vec_for_each(s, &p->said)
		if (streq(s->text, text))
			return s;
	*vec_push(&p->said) = (struct said){ text, p->group };
	return NULL;
}

/* Problems and what is unknown; notes are in the archive. */
static void say_reasons(struct page *p, struct rows reasons)
{
	const struct said *before = NULL;

	for (size_t i = 0; i < reasons.n; i++) {
		const struct reason *r = (const struct reason *)reasons.v + i;
		const struct said *s;

		if (streq(r->severity, "note"))
			continue;
		s = said_before(p, r->text);
		before = s ? s : before;
		if (s)
			continue;
		out_text(p->out, "  %s: %s", r->severity, r->text);
		if (r->file && r->value)
			out_text(p->out, "      seen in %s: %s", r->file, r->value);
	}
	if (before)
		out_text(p->out, "  for %s as group %u", reasons.n == 1 ? "the reason" : "reasons", before->group);
}

/* -- the page -------------------------------------------------------------------------------------------------------- */

static void heading(struct out *o, const char *text)
{
	out_text(o, "\n");
	out_text(o, "%s", text);
}

static const char *attr(struct host *h, const char *path, const char *otherwise)
{
	char *text;

	return source_read_attr_dup(h->src, path, &h->arena, &text) == 0 ? text : otherwise;
}

static void say_machine(struct out *o, struct host *h)
{
	heading(o, "MACHINE");
	out_text(o, "  %s %s, BIOS %s", attr(h, "sys/devices/virtual/dmi/id/sys_vendor", "unknown vendor"),
		 attr(h, "sys/devices/virtual/dmi/id/product_name", "unknown machine"),
		 attr(h, "sys/devices/virtual/dmi/id/bios_version", "unknown"));
	out_text(o, "  kernel %s", attr(h, "proc/sys/kernel/osrelease", "unknown"));
	out_text(o, "  command line: %s", attr(h, "proc/cmdline", "unknown"));
	for (size_t i = 0; i < h->n_units && i < MAX_UNITS; i++) {
		struct unit *u = &h->units[i];
		const struct unit_info *info = unit_info(h, u);

		out_styled(o, STYLE_PLAIN, arena_printf(&h->arena, "  IOMMU %s: %s, %zu devices in %zu groups", u->name,
							unit_kind_name(u->kind), u->n_members, info->n_groups));
		if (info->cap.known && info->ecap.known)
			out_styled(o, STYLE_PLAIN, arena_printf(&h->arena, ", cap %llx ecap %llx", (unsigned long long)info->cap.v,
								(unsigned long long)info->ecap.v));
		out_text(o, "\n");
	}
	if (h->n_units > MAX_UNITS)
		out_text(o, "  and %zu more", h->n_units - MAX_UNITS);
	if (!h->n_units)
		out_text(o, "  no IOMMU%s", h->units_err ? " could be looked at" : "");
}

static void say_doctor(struct page *p)
{
	struct out *o = p->out;
	struct diagnosis d;

	doctor_examine(p->h, &d);
	heading(o, "IS THIS MACHINE FIT TO GIVE DEVICES AWAY");
	out_text(o, "  %s: %s", d.verdict, d.headline);
	say_reasons(p, d.reasons);
}

static void say_device(struct out *o, struct host *h, struct device *d)
{
	const struct devinfo *info = device_info(h, d);

	out_styled(o, STYLE_PLAIN, arena_printf(&h->arena, "  %s", d->name));
	if (d->has_ids)
		out_styled(o, STYLE_PLAIN, arena_printf(&h->arena, " %04x:%04x", d->vendor, d->device));
	out_styled(o, STYLE_PLAIN, arena_printf(&h->arena, " (%s), driver %s", device_class_word(d) ? device_class_word(d) : "unknown class",
						d->driver ? d->driver : d->driver_err ? "unknown" : "none"));
	if (info->override)
		out_styled(o, STYLE_PLAIN, arena_printf(&h->arena, ", driver_override %s", info->override));
	out_text(o, "\n");
}

static void say_ownership(struct out *o, struct host *h, const struct group *g)
{
	struct leak l;
	int err;

	group_ownership(h, host_ownership(h, &err), g, false, &l);
	out_text(o, "  owner: %s: %s", l.verdict, l.summary);
}

static void say_holders(struct out *o, struct host *h, const struct group *g)
{
	struct holder_list l;

	group_holders(h, g, &l);
	for (size_t i = 0; i < l.n; i++)
		out_text(o, "  open in %s: %s", l.v[i].who, l.v[i].node ? l.v[i].node : "a device's descriptor");
	if (l.err)
		out_text(o, "  who has it open: not all processes could be looked at: %s", err_text(-l.err));
}

static void say_group(struct page *p, struct group *g)
{
	struct out *o = p->out;
	struct host *h = p->h;
	struct question q = { .group = g };
	struct viability v;

	p->group = g->id;
	group_check(h, &q, &v);
	heading(o, arena_printf(&h->arena, "GROUP %u", g->id));
	out_text(o, "  %s: %s", v.verdict ? v.verdict : "not judged", v.summary ? v.summary : "no group of a real IOMMU");
	say_reasons(p, v.reasons);
	say_ownership(o, h, g);
	say_holders(o, h, g);
	for (size_t i = 0; i < g->n_devices && i < MAX_DEVICES; i++)
		say_device(o, h, g->devices[i]);
	if (g->n_devices > MAX_DEVICES)
		out_text(o, "  and %zu more devices", g->n_devices - MAX_DEVICES);
}

static void say_groups(struct page *p, const struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		say_group(p, r->groups[i]);
	if (r->n)
		return;
	heading(p->out, "GROUPS");
	out_text(p->out, "  none of the %zu groups is given away or oddly owned; report --group G names one", p->h->n_groups);
}

static void say_context(struct out *o, struct host *h, const struct iommufd_context *c)
{
	const char *who = c->n_holders ? arena_printf(&h->arena, "%s (pid %lld)", c->holders[0].command ? c->holders[0].command : "?",
						      (long long)c->holders[0].pid) :
					 "nobody seen";

	if (c->problem)
		out_text(o, "  of %s: %s", who, c->problem);
	else
		out_text(o, "  of %s: %zu objects", who, c->n);
	for (size_t i = 0; i < c->n; i++)
		if (c->objects[i].device)
			out_text(o, "    device %u is %s, %s", c->objects[i].id, c->objects[i].device,
				 c->objects[i].hwpt.known	       ? arena_printf(&h->arena, "attached to page table %lld",
										      (long long)c->objects[i].hwpt.v) :
				 c->objects[i].attached == TRI_NO      ? "not attached" :
									 "attached to what is not known");
}

static void say_iommufds(struct out *o, struct host *h)
{
	struct iommufds *f;
	int r = iommufds_load(h->ctx, h->src, &h->arena, &f);

	if (r < 0 || (f->known && !f->n))
		return;
	heading(o, "IOMMUFD");
	if (!f->known)
		out_text(o, "  not known: %s", f->n_obstacles && f->obstacles[0].why ? f->obstacles[0].why : "memory could not be read");
	for (size_t i = 0; i < f->n && i < MAX_CONTEXTS; i++)
		say_context(o, h, &f->v[i]);
	if (f->n > MAX_CONTEXTS)
		out_text(o, "  and %zu more", f->n - MAX_CONTEXTS);
}

/* Of the lines about IOMMUs and VFIO the last: a boot has hundreds about PCI. */
static bool is_wanted(const char *text)
{
	return strcasestr(text, "iommu") || strcasestr(text, "vfio") || strcasestr(text, "dmar") || strcasestr(text, "AMD-Vi") ||
	       strcasestr(text, "smmu");
}

static void say_log(struct out *o, struct host *h)
{
	const char *last[LOG_LINES] = { 0 };
	size_t n = 0;
	struct kmsg log;
	int r = source_kmsg(h->src, h->ctx, &h->arena, &log);

	for (size_t i = 0; r == 0 && i < log.n; i++)
		if (is_wanted(log.v[i].text) && !strstr(log.v[i].text, "Adding to iommu group"))
			last[n++ % LOG_LINES] = log.v[i].usec.known ? arena_printf(&h->arena, "[%5lld.%06lld] %s",
										    (long long)log.v[i].usec.v / 1000000,
										    (long long)log.v[i].usec.v % 1000000, log.v[i].text) :
								      log.v[i].text;
	heading(o, "KERNEL LOG, THE LAST LINES ABOUT IOMMUS AND VFIO");
	if (r < 0)
		out_text(o, "  not known: %s", err_text(-r));
	else if (!n)
		out_text(o, "  none%s", log.complete ? "" : " in what is left of it");
	for (size_t i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++)
		out_verbatim(o, "  %s", last[i % LOG_LINES]);
}

static void say_head(struct out *o, const struct report *r, const struct snapshot_info *info)
{
	out_text(o, "iommuctl report of %s, %s", info->host ? info->host : "a machine without a name", info->time ? info->time : "no date");
	out_text(o, "written by %s%s; the whole is in %s", info->tool ? info->tool : "iommuctl",
		 info->root == TRI_NO ? ", not as root" : "", r->file);
	if (r->note)
		out_text(o, "\nNOTE\n  %s", r->note);
}

static void say_missing(struct out *o, const struct snapshot_info *info)
{
	const struct snapshot_left_out *v = info->unreadable.v;
	size_t n = 0;

	/* left out on purpose is not missing */
	for (size_t i = 0; i < info->unreadable.n; i++)
		n += !streq(v[i].errnum, "ENOTCAPTURED");
	if (!n)
		return;
	heading(o, "NOT READ");
	out_text(o, "  %zu files, which iommuctl snapshot info lists%s", n, info->root == TRI_NO ? "; run as root, most are readable" : "");
}

void report_page(struct host *h, const struct report *r, FILE *f)
{
	const struct out_options plain = { .width = PAGE_WIDTH };
	_cleanup_(cleanup_out_free) struct out *o = out_new(h->ctx, f, &plain);
	struct page p = { .out = o, .h = h };
	struct snapshot_info info;

	snapshot_info(h->src, &h->arena, &info);
	say_head(o, r, &info);
	say_machine(o, h);
	say_doctor(&p);
	say_groups(&p, r);
	say_iommufds(o, h);
	say_log(o, h);
	say_missing(o, &info);
	(void)out_end(o, NULL);
	vec_free(&p.said);
}
