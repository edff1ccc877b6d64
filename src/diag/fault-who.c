// SPDX-License-Identifier: GPL-2.0-or-later
/* Which device a fault is about: by name, by requester id through bridges and aliases, by stream or endpoint id. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/faults.h"
#include "host/acpi.h"
#include "host/pci.h"
#include "host/streams.h"
#include "host/topology.h"

void fault_note(struct fault_notes *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*vec_push(&n->v) = arena_vprintf(n->arena, fmt, ap);
	va_end(ap);
}

/* Names of some devices, for a sentence: "A, B and 3 more". */
struct names {
	struct strbuf b;
	unsigned n;
};

#define NAMES_MAX 6

static void add_name(struct names *l, const struct device *d)
{
	if (l->n++ < NAMES_MAX)
		strbuf_printf(&l->b, "%s%s", l->b.len ? ", " : "", d->name);
}

static const char *names_text(struct names *l)
{
	if (l->n > NAMES_MAX) {
		strbuf_printf(&l->b, " and %u more", l->n - NAMES_MAX);
		l->n = NAMES_MAX;
	}
	return strbuf_str(&l->b);
}

/* A bridge whose own id, or whose secondary bus's, stands for what is behind it (pci_for_each_dma_alias()). */
static bool takes_over_ids(struct host *h, struct device *d)
{
	const struct pci_info *pci = device_is_pci_bridge(d) ? device_pci(h, d) : NULL;

	return pci && pci->header == 1 && pci->caps_known && (pci->pcie == PCIE_TO_PCI || pci->pcie == PCIE_NONE);
}

/* Returns the one device behind it; NULL none, or several. */
static struct device *note_behind(struct host *h, const struct device *bridge, struct fault_notes *notes)
{
	struct device *only = NULL;
	struct names l = { 0 };
	unsigned n;

	for (size_t i = 0; i < h->n_devices; i++) {
		if (!h->devices[i].is_pci || !device_is_below(h, &h->devices[i], bridge))
			continue;
		only = &h->devices[i];
		add_name(&l, only);
	}
	n = l.n;
	if (n)
		fault_note(notes, "%s is a bridge that puts its own requester id on what is behind it: it may have been %s",
			   bridge->name, names_text(&l));
	strbuf_free(&l.b);
	return n == 1 ? only : NULL;
}

/* The bridge on whose secondary bus the id would be: it answers for bus:00.0 (pcie to pci) itself. */
static struct device *bridge_of_id(struct host *h, uint32_t domain, uint16_t rid)
{
	if (rid & 0xff)
		return NULL;
	for (size_t i = 0; i < h->n_devices; i++) {
		struct device *d = &h->devices[i];

		if (d->is_pci && d->addr.domain == domain && takes_over_ids(h, d) && device_pci(h, d)->secondary == rid >> 8)
			return d;
	}
	return NULL;
}

/* IVRS names devices whose requests carry another id. */
static void note_firmware_aliases(struct host *h, uint16_t rid, struct fault_notes *notes)
{
	const struct acpi *a = host_acpi(h);
	struct names l = { 0 };

	for (size_t i = 0; i < a->units.n; i++) {
		const struct acpi_scope *s;

		vec_for_each(s, &a->units.v[i].scopes)
			if (a->units.v[i].table == ACPI_IVRS && s->alias == rid && s->device)
				add_name(&l, s->device);
	}
	if (l.n)
		fault_note(notes, "by the firmware's table, requests of %s carry this id", names_text(&l));
	strbuf_free(&l.b);
}

/* No function has the id. Others of its slot may use it: phantom functions, and quirks with fixed aliases. */
static struct device *slot_of_id(struct host *h, struct pci_addr addr, struct fault_notes *notes)
{
	struct device *found = NULL;
	struct names l = { 0 };

	for (size_t i = 0; i < h->n_devices; i++) {
		struct device *d = &h->devices[i];

		if (!d->is_pci || d->addr.domain != addr.domain || d->addr.bus != addr.bus || d->addr.dev != addr.dev)
			continue;
		found = d;
		add_name(&l, d);
	}
	if (l.n)
		fault_note(notes, "there is no function %x in the slot: another one sent requests with its id (%s)", addr.fn,
			   names_text(&l));
	strbuf_free(&l.b);
	return l.n == 1 ? found : NULL;
}

static struct device *find_alias(struct host *h, struct pci_addr addr, struct fault_notes *notes)
{
	struct device *d = bridge_of_id(h, addr.domain, pci_addr_rid(addr));

	if (d) {
		fault_note(notes, "no function has this id: it is that of the bus behind %s", d->name);
		return note_behind(h, d, notes) ?: d;
	}
	note_firmware_aliases(h, pci_addr_rid(addr), notes);
	return slot_of_id(h, addr, notes);
}

static struct device *by_address(struct host *h, struct pci_addr addr, struct fault_notes *notes)
{
	struct device *d = host_pci(h, addr);
	size_t before = notes->v.n;

	if (d) {
		if (takes_over_ids(h, d))
			note_behind(h, d, notes);
		return d;
	}
	d = find_alias(h, addr, notes);
	if (!d && notes->v.n == before)
		fault_note(notes, "the machine looked at has no such device");
	return d;
}

/* An address without its segment: the one machine-wide, or nobody. */
static struct device *by_bdf(struct host *h, struct pci_addr addr, struct fault_notes *notes)
{
	struct names l = { 0 };
	struct device *d = NULL;
	uint32_t segment = 0;
	bool several = false;

	for (size_t i = 0; i < h->n_devices; i++) {
		if (!h->devices[i].is_pci)
			continue;
		several |= h->devices[i].addr.domain != segment && h->devices[i].addr.domain < 0x10000;
		if (pci_addr_rid(h->devices[i].addr) != pci_addr_rid(addr) || h->devices[i].addr.domain >= 0x10000)
			continue;
		d = &h->devices[i];
		add_name(&l, d);
	}
	if (l.n > 1) {
		fault_note(notes, "the log gives no PCI segment, and it can be any of %s", names_text(&l));
		d = NULL;
	} else if (l.n == 1) {
		if (several)
			fault_note(notes, "the log gives no PCI segment; only one has such a device");
		if (takes_over_ids(h, d))
			note_behind(h, d, notes);
	} else {
		d = by_address(h, addr, notes);
	}
	strbuf_free(&l.b);
	return d;
}

static struct device *by_name(struct host *h, const char *name)
{
	struct device *found = NULL;

	for (size_t i = 0; i < h->n_devices; i++) {
		if (!streq(h->devices[i].name, name))
			continue;
		if (found)
			return NULL;
		found = &h->devices[i];
	}
	return found;
}

/* A driver calls its unit by the device's name, sysfs by the address of its registers. */
static struct unit *find_unit(struct host *h, struct slice name, enum unit_kind kind)
{
	struct unit *only = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < h->n_units; i++) {
		struct unit *u = &h->units[i];

		if (u->parent && slice_eq_bytes(name, u->parent, strlen(u->parent)))
			return u;
		if (slice_eq_bytes(name, u->name, strlen(u->name)))
			return u;
		if (u->kind == kind) {
			only = u;
			n++;
		}
	}
	return n == 1 ? only : NULL;
}

/* By the firmware's maps; a requester id that no function has is a bridge's, or of another function of its slot. */
static int by_stream(struct host *h, const struct unit *u, uint32_t sid, struct fault_notes *notes, struct device **ret)
{
	struct stream_sender s;
	int r = stream_find(h, u, sid, &s);

	if (r < 0)
		return r;
	if (s.has_addr)
		*ret = by_address(h, s.addr, notes);
	else if (s.device)
		*ret = s.device;
	else
		fault_note(notes, "by %s, stream id 0x%x is one of %s, which the machine looked at does not have", s.map->file, sid, s.map->owner);
	return 0;
}

/* The VIOT gives ranges of requester ids their endpoint ids. */
static struct device *by_viot(struct host *h, uint32_t ep)
{
	const struct acpi *a = host_acpi(h);

	for (size_t i = 0; i < a->units.n; i++) {
		const struct acpi_scope *s;

		vec_for_each(s, &a->units.v[i].scopes) {
			uint32_t rid;

			if (a->units.v[i].table != ACPI_VIOT || (s->kind != SCOPE_RANGE && s->kind != SCOPE_ENDPOINT) || ep < s->id ||
			    ep - s->id > (uint32_t)(s->last - s->first))
				continue;
			rid = s->first + (ep - s->id);
			return host_pci(h, (struct pci_addr){ s->segment, (uint8_t)(rid >> 8), rid >> 3 & 31, rid & 7 });
		}
	}
	return NULL;
}

/* No table tells: an id is most often the requester id itself. @why: what stands in the way of the tables. */
static struct device *by_member(struct host *h, const struct unit *u, uint32_t id, const char *why, struct fault_notes *notes)
{
	struct device *found = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < h->n_devices; i++) {
		struct device *d = &h->devices[i];

		if (!d->is_pci || (u && d->unit != u) || pci_addr_rid(d->addr) != (id & 0xffff))
			continue;
		found = d;
		n++;
	}
	if (n > 1)
		return NULL;
	if (!found && bridge_of_id(h, 0, (uint16_t)id))
		found = find_alias(h, (struct pci_addr){ 0, (uint8_t)(id >> 8), id >> 3 & 31, id & 7 }, notes);
	if (found)
		fault_note(notes, "%s is guessed from id 0x%x: %s", found->name, id, why);
	return found;
}

static const char *why_no_map(struct host *h, struct arena *arena)
{
	const struct streams *s = host_streams(h);
	int err = streams_err(s);

	if (err == -ENOENT || !err)
		return "no firmware table says how ids map";
	return arena_printf(arena, "how ids map could not be read (%s: %s)", s->tree_err == err ? "devicetree" : "ACPI table IORT", err_text(err));
}

static struct device *by_source(struct host *h, const struct event *ev, struct fault_notes *notes)
{
	struct device *d = NULL;
	struct unit *u;

	if (ev->vendor == VENDOR_VIRTIO) {
		d = by_viot(h, ev->source_id);
		return d ?: by_member(h, find_unit(h, ev->unit, UNIT_VIRTIO), ev->source_id, "no firmware table says how ids map", notes);
	}
	if (ev->vendor != VENDOR_SMMUV3 && ev->vendor != VENDOR_SMMUV2)
		return NULL;
	u = find_unit(h, ev->unit, ev->vendor == VENDOR_SMMUV3 ? UNIT_SMMUV3 : UNIT_SMMUV2);
	if (by_stream(h, u, ev->source_id, notes, &d) == 0)
		return d;
	return by_member(h, u, ev->source_id, why_no_map(h, notes->arena), notes);
}

struct device *fault_device(struct host *h, const struct event *ev, struct fault_notes *notes)
{
	_cleanup_free_ char *name = strndup(ev->device.p ?: "", ev->device.n);
	struct pci_addr addr;
	struct device *d;

	if (!name || !*name)
		return ev->has & HAS_SOURCE ? by_source(h, ev, notes) : NULL;
	if (!pci_addr_parse(name, &addr))
		return ev->has & HAS_SEGMENT ? by_address(h, addr, notes) : by_bdf(h, addr, notes);
	d = by_name(h, name);
	if (!d)
		fault_note(notes, "the machine looked at has no such device");
	return d;
}
