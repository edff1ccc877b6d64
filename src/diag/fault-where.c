// SPDX-License-Identifier: GPL-2.0-or-later
/* What lies at a fault's address: what the address itself gives away, reserved regions, other devices' memory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/faults.h"
#include "host/units.h"

/* Interrupts are writes to this window on x86 (Intel SDM vol. 3, 11.11.1). */
#define MSI_START 0xfee00000ULL
#define MSI_END 0xfeefffffULL

static const char *in_region(const struct group *g, uint64_t addr, struct arena *arena)
{
	for (size_t i = 0; i < g->n_regions; i++) {
		const struct region *r = &g->regions[i];

		if (addr >= r->start && addr <= r->end)
			return arena_printf(arena, "in the group's reserved region 0x%" PRIx64 "-0x%" PRIx64 " (%s)", r->start, r->end,
					    r->word);
	}
	return NULL;
}

#define IORESOURCE_MEM 0x200ULL /* include/linux/ioport.h */

/* Lines of sysfs resource are "0xSTART 0xEND 0xFLAGS": BAR 0 to 5, the ROM, then windows of bridges. */
#define RESOURCE_ROM 6

static void add_bars(struct bar_index *bars, const char *device, char *text)
{
	uint64_t start, end, flags;
	char *save = NULL, *line;
	int row = 0;

	for (line = strtok_r(text, "\n", &save); line && row <= RESOURCE_ROM; line = strtok_r(NULL, "\n", &save), row++) {
		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3 || end <= start ||
		    !(flags & IORESOURCE_MEM))
			continue;
		*vec_push(&bars->v) = (struct bar){ start, end, device, row };
	}
}

/* The memory of all PCI devices, read once. */
static void load_bars(struct host *h, struct bar_index *bars)
{
	const char **names = arena_array(&h->arena, const char *, h->n_devices + 1);
	struct src_blob *blobs = arena_array(&h->arena, struct src_blob, h->n_devices + 1);
	size_t n = 0;

	for (size_t i = 0; i < h->n_devices; i++)
		if (h->devices[i].is_pci)
			names[n++] = h->devices[i].name;
	source_read_each(h->src, "sys/bus/pci/devices", names, n, "resource", 4096, &h->arena, blobs);
	for (size_t i = 0; i < n; i++)
		if (!blobs[i].err)
			add_bars(bars, names[i], arena_memdup(&h->arena, blobs[i].data, blobs[i].len));
	bars->loaded = true;
}

/* A physical address of a device's memory: DMA between devices that nobody mapped. */
static const char *in_bar(struct host *h, struct bar_index *bars, uint64_t addr, struct arena *arena)
{
	const struct bar *b;

	if (addr < 0x100000)
		return NULL;
	if (!bars->loaded)
		load_bars(h, bars);
	vec_for_each(b, &bars->v) {
		if (addr < b->start || addr > b->end)
			continue;
		if (b->row == RESOURCE_ROM)
			return arena_printf(arena, "a physical address in the ROM of %s", b->device);
		return arena_printf(arena, "a physical address in BAR %d of %s", b->row, b->device);
	}
	return NULL;
}

/* Four or more equal bytes in a row: poison, or memory never written. */
static bool is_pattern(uint64_t addr)
{
	unsigned run = 1;

	for (unsigned i = 1; i < 8; i++) {
		uint8_t a = (uint8_t)(addr >> (8 * i)), b = (uint8_t)(addr >> (8 * (i - 1)));

		run = a == b && a && a != 0xff ? run + 1 : 1;
		if (run >= 4)
			return true;
	}
	return false;
}

static const char *by_value(const struct event *ev)
{
	uint64_t a = ev->addr;

	if (a < 0x1000)
		return "page 0: a descriptor that was never filled in, or cleared";
	if ((ev->vendor == VENDOR_VTD || ev->vendor == VENDOR_AMD) && a >= MSI_START && a <= MSI_END)
		return "the window of interrupts: a write there is an MSI";
	if (a >> 32 == 0xffffffff)
		return "a 32-bit address that was sign-extended";
	if (is_pattern(a))
		return "a repeating pattern: poisoned or uninitialised memory, not an address";
	return NULL;
}

static const char *beyond_width(struct host *h, struct device *d, uint64_t addr, struct arena *arena)
{
	struct num bits = d->unit ? unit_info(h, d->unit)->address_bits : NUM_UNKNOWN;

	if (!bits.known || bits.v <= 0 || bits.v >= 64 || !(addr >> bits.v))
		return NULL;
	return arena_printf(arena, "beyond the %d bits that %s translates", (int)bits.v, d->unit->name);
}

const char *fault_where(struct host *h, struct bar_index *bars, const struct event *ev, struct device *d, struct arena *arena)
{
	const char *s = by_value(ev);

	if (!h || s)
		return s;
	if (d && d->group)
		s = in_region(d->group, ev->addr, arena);
	if (!s && d)
		s = beyond_width(h, d, ev->addr, arena);
	return s ?: in_bar(h, bars, ev->addr, arena);
}
