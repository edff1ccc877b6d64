// SPDX-License-Identifier: GPL-2.0-or-later
/* IVRS: AMD IOMMU specification, chapter 5. Offsets held against struct ivhd_header, ivhd_entry and ivmd_header of
 * drivers/iommu/amd/init.c. */
#include <string.h>

#include "base/str.h"
#include "host/acpi-cursor.h"

#define IVRS_FIXED (ACPI_HEADER + 12)

/* Blocks (5.2). */
enum {
	IVHD_10 = 0x10,
	IVHD_11 = 0x11,
	IVHD_40 = 0x40,
	IVMD_ALL = 0x20,
	IVMD_DEVICE = 0x21,
	IVMD_RANGE = 0x22,
};

/* Device entries of an IVHD (5.2.2). Below 128 the two top bits of the type give the size. */
enum {
	ENTRY_ALL = 0x01,
	ENTRY_SELECT = 0x02,
	ENTRY_START = 0x03,
	ENTRY_END = 0x04,
	ENTRY_ALIAS = 0x42,
	ENTRY_ALIAS_START = 0x43,
	ENTRY_EXT_SELECT = 0x46,
	ENTRY_EXT_START = 0x47,
	ENTRY_SPECIAL = 0x48,
	ENTRY_HID = 0xf0,
};

enum { SPECIAL_IOAPIC = 1, SPECIAL_HPET = 2 };
enum { UID_NONE = 0, UID_INTEGER = 1, UID_STRING = 2 };

static size_t entry_size(const struct cursor *c)
{
	uint8_t type = cur_u8(c, 0);

	if (type < 0x80)
		return 4u << (type >> 6);
	return type == ENTRY_HID ? 22u + cur_u8(c, 21) : 0;
}

/* Its name as the kernel's command line writes it (ivrs_acpihid=): HID:UID. */
static const char *hid_name(const struct cursor *e)
{
	struct arena *a = e->acpi->arena;
	const char *hid = cur_string(e, 4, 8);

	if (cur_u8(e, 20) == UID_INTEGER)
		return arena_printf(a, "%s:%llu", hid, (unsigned long long)cur_get(e, 22, MIN(cur_u8(e, 21), 8)));
	if (cur_u8(e, 20) == UID_STRING)
		return arena_printf(a, "%s:%s", hid, cur_string(e, 22, cur_u8(e, 21)));
	return hid;
}

static void read_special(const struct cursor *e, struct acpi_scope *s)
{
	uint8_t variety = cur_u8(e, 7);

	s->kind = variety == SPECIAL_IOAPIC ? SCOPE_IOAPIC : variety == SPECIAL_HPET ? SCOPE_HPET : SCOPE_OTHER;
	s->id = cur_u8(e, 4);
	s->first = s->last = cur_u16(e, 5);
}

/* One entry; @open is the range that was begun and not ended yet. */
static void read_entry(const struct cursor *e, struct acpi_unit *u, struct acpi_scope *open, bool *is_open)
{
	struct acpi_scope s = { .kind = SCOPE_RANGE, .segment = u->segment, .first = cur_u16(e, 1),
				.last = cur_u16(e, 1), .alias = ACPI_NO_ALIAS };

	switch (cur_u8(e, 0)) {
	case ENTRY_ALL:
		s.kind = SCOPE_ALL;
		break;
	case ENTRY_SELECT:
	case ENTRY_EXT_SELECT:
		break;
	case ENTRY_ALIAS:
		s.alias = cur_u16(e, 5);
		break;
	case ENTRY_ALIAS_START:
		s.alias = cur_u16(e, 5);
		/* fall through */
	case ENTRY_START:
	case ENTRY_EXT_START:
		if (*is_open)
			cur_issue(e, "a range begins within a range");
		*open = s;
		*is_open = true;
		return;
	case ENTRY_END:
		if (!*is_open || s.first < open->first)
			return cur_issue(e, "a range ends that did not begin");
		open->last = s.first;
		s = *open;
		*is_open = false;
		break;
	case ENTRY_SPECIAL:
		read_special(e, &s);
		break;
	case ENTRY_HID:
		s.kind = SCOPE_NAMESPACE;
		s.name = hid_name(e);
		break;
	case 0: /* padding of 4 and 8 bytes */
	case 0x40:
		return;
	default:
		return cur_issue(e, "unknown device entry of type 0x%02x", cur_u8(e, 0));
	}
	*vec_push(&u->scopes) = s;
}

static void read_entries(const struct cursor *c, size_t at, struct acpi_unit *u)
{
	struct cursor rest = cur_sub(c, at, SIZE_MAX);
	struct acpi_scope open = { 0 };
	bool is_open = false;

	while (rest.off < rest.end) {
		size_t len = entry_size(&rest);
		struct cursor e = cur_sub(&rest, 0, len);

		if (!len || !cur_has(&rest, len))
			return cur_issue(&rest, "a device entry of type 0x%02x does not fit", cur_u8(&rest, 0));
		read_entry(&e, u, &open, &is_open);
		rest.off += len;
	}
	if (is_open)
		cur_issue(c, "a range begins and does not end");
}

static void read_ivhd(const struct cursor *c, uint8_t type)
{
	size_t header = type == IVHD_10 ? 24 : 40;
	struct acpi_unit *u;
	uint16_t id = cur_u16(c, 4);

	if (!cur_has(c, header))
		return cur_issue(c, "IVHD of %zu bytes is too short", c->end - c->off);
	u = vec_push(&c->acpi->units);
	*u = (struct acpi_unit){
		.table = ACPI_IVRS, .offset = c->off, .kind = UNIT_AMD, .type = type, .flags = cur_u8(c, 1),
		.name = type == IVHD_10 ? "IVHD 10h" : type == IVHD_11 ? "IVHD 11h" : "IVHD 40h",
		.base = cur_u64(c, 8), .segment = cur_u16(c, 16), .has_addr = true, .coherent = TRI_UNKNOWN,
	};
	u->addr = (struct pci_addr){ u->segment, id >> 8, id >> 3 & 0x1f, id & 7 };
	if (type != IVHD_10) {
		u->efr = NUM(cur_u64(c, 24));
		u->efr2 = NUM(cur_u64(c, 32));
	}
	read_entries(c, header, u);
}

static void read_ivmd(const struct cursor *c, uint8_t type)
{
	struct acpi_scope s = { .kind = SCOPE_RANGE, .alias = ACPI_NO_ALIAS };
	uint64_t start = cur_u64(c, 16), length = cur_u64(c, 24);
	uint8_t flags = cur_u8(c, 1);
	struct acpi_reserved *r;

	if (!cur_has(c, 32))
		return cur_issue(c, "IVMD of %zu bytes is too short", c->end - c->off);
	if (!length || start + (length - 1) < start)
		return cur_issue(c, "IVMD with an impossible range");
	s.segment = cur_u16(c, 8);
	s.first = cur_u16(c, 4);
	s.last = type == IVMD_RANGE ? cur_u16(c, 6) : s.first;
	if (type == IVMD_ALL)
		s.kind = SCOPE_ALL;
	r = vec_push(&c->acpi->reserved);
	*r = (struct acpi_reserved){
		.table = ACPI_IVRS, .offset = c->off, .segment = s.segment, .start = start, .end = start + length - 1,
		.kind = flags & 8 ? "exclusion range" : flags & 1 ? "unity map" : "memory definition",
		.read = flags & 2, .write = flags & 4,
	};
	*vec_push(&r->scopes) = s;
}

/* A unit is described once for each generation of software; the newest that is known counts
 * (init.c, get_highest_supported_ivhd_type()). */
static void mark_superseded(struct acpi *a)
{
	struct acpi_unit *u, *v;

	vec_for_each(u, &a->units)
		vec_for_each(v, &a->units)
			if (u->table == ACPI_IVRS && v->table == ACPI_IVRS && v->type > u->type &&
			    !pci_addr_cmp(u->addr, v->addr))
				u->superseded = true;
}

void ivrs_parse(const struct cursor *c)
{
	struct cursor rest = cur_sub(c, IVRS_FIXED, SIZE_MAX);

	if (!cur_has(c, IVRS_FIXED))
		return cur_issue(c, "the table ends within its fixed part");
	c->acpi->ivinfo = cur_u32(c, ACPI_HEADER);
	while (rest.off < rest.end) {
		uint8_t type = cur_u8(&rest, 0);
		size_t len = cur_u16(&rest, 2);
		struct cursor b = cur_sub(&rest, 0, len);

		if (len < 4 || !cur_has(&rest, len)) {
			cur_issue(&rest, "a block of %zu bytes where %zu are left", len, rest.end - rest.off);
			if (len < 4)
				break;
		}
		if (type == IVHD_10 || type == IVHD_11 || type == IVHD_40)
			read_ivhd(&b, type);
		else if (type >= IVMD_ALL && type <= IVMD_RANGE)
			read_ivmd(&b, type);
		else
			cur_issue(&b, "unknown block of type 0x%02x", type);
		rest.off = MIN(rest.off + len, rest.end);
	}
	mark_superseded(c->acpi);
}
