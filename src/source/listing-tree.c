// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree that a listing's facts would be in. */
#include "source/listed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define GROUPS "sys/kernel/iommu_groups"
#define DEVICES "sys/bus/pci/devices"

static void plant(struct memtree *t, enum mem_kind kind, const char *path, const char *text)
{
	memtree_set(t, memtree_make(t, t->root, path), kind, text, strlen(text));
}

static void plant_ids(struct memtree *t, const struct listed *d)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char path[256];

	if (!d->has_class)
		return;
	if (!d->has_id) {
		strbuf_printf(&b, "0x%06x\n", d->class);
		snprintf(path, sizeof(path), DEVICES "/%s/class", d->name);
	} else {
		strbuf_printf(&b, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\n", d->class, d->vendor, d->device);
		if (d->has_subsystem)
			strbuf_printf(&b, "PCI_SUBSYS_ID=%04X:%04X\n", d->subvendor, d->subdevice);
		strbuf_printf(&b, "PCI_SLOT_NAME=%s\n", d->name);
		snprintf(path, sizeof(path), DEVICES "/%s/uevent", d->name);
	}
	plant(t, MEM_FILE, path, strbuf_str(&b));
}

static void plant_pci(struct memtree *t, const struct listed *d, bool has_drivers)
{
	char path[256], link[128];
	struct mem_node *n;

	snprintf(path, sizeof(path), DEVICES "/%s", d->name);
	memtree_make(t, t->root, path);
	plant_ids(t, d);
	if (!d->has_driver && !(d->told && has_drivers))
		return;
	snprintf(path, sizeof(path), DEVICES "/%s/driver", d->name);
	snprintf(link, sizeof(link), "../../drivers/%s", d->driver);
	if (d->has_driver) {
		plant(t, MEM_LINK, path, link);
	} else {
		n = memtree_make(t, t->root, path);
		n->kind = MEM_FILE;
		n->err = -ENOENT;
	}
}

/* The bus, where a name is like no other bus's: objects of DPAA2, and devicetree's ADDRESS.NAME. */
static const char *bus_by_name(const char *name)
{
	const char *p = name;

	p += strspn(p, "0123456789abcdefABCDEF");
	if (p - name >= 4 && *p == '.' && p[1])
		return "platform";
	if (strstarts(name, "dp") && (p = strchr(name, '.')) && p - name <= 6 && p[1] && !p[1 + strspn(p + 1, "0123456789")])
		return "fsl-mc";
	return NULL;
}

static void plant_other(struct memtree *t, const struct listed *d)
{
	const char *bus = bus_by_name(d->name);
	char path[256], link[64];

	snprintf(path, sizeof(path), "sys/devices/%s", d->name);
	memtree_make(t, t->root, path);
	snprintf(path, sizeof(path), "sys/devices/%s/subsystem", d->name);
	snprintf(link, sizeof(link), "../../bus/%s", bus ?: "");
	if (bus)
		plant(t, MEM_LINK, path, link);
}

static void plant_member(struct memtree *t, const struct listed *d)
{
	char path[256], link[256];

	if (d->group == NO_GROUP)
		return;
	snprintf(path, sizeof(path), GROUPS "/%u/devices/%s", d->group, d->name);
	snprintf(link, sizeof(link), d->is_pci ? "../../../../bus/pci/devices/%s" : "../../../../devices/%s", d->name);
	plant(t, MEM_LINK, path, link);
}

void listed_plant(struct memtree *t, const struct listed *d, bool has_drivers)
{
	if (d->is_pci)
		plant_pci(t, d, has_drivers);
	else
		plant_other(t, d);
	plant_member(t, d);
}
