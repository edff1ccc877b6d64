// SPDX-License-Identifier: GPL-2.0-or-later
/* VIOT: ACPI specification 6.4, 5.2.35. */
#include "host/acpi-cursor.h"

#define VIOT_FIXED (ACPI_HEADER + 12)

enum {
	VIOT_PCI_RANGE = 1,
	VIOT_MMIO = 2,
	VIOT_IOMMU_PCI = 3,
	VIOT_IOMMU_MMIO = 4,
};

static void read_unit(const struct cursor *c, uint8_t type)
{
	uint16_t id = cur_u16(c, 6);
	struct acpi_unit *u;

	if (!cur_has(c, 16))
		return cur_issue(c, "a unit of %zu bytes is too short", c->end - c->off);
	u = vec_push(&c->acpi->units);
	*u = (struct acpi_unit){ .table = ACPI_VIOT, .offset = c->off, .kind = UNIT_VIRTIO, .name = "virtio-iommu",
				 .type = type, .coherent = TRI_UNKNOWN };
	if (type == VIOT_IOMMU_MMIO) {
		u->base = cur_u64(c, 8);
		return;
	}
	u->segment = cur_u16(c, 4);
	u->has_addr = true;
	u->addr = (struct pci_addr){ u->segment, id >> 8, id >> 3 & 0x1f, id & 7 };
}

static struct acpi_unit *unit_at(struct acpi *a, uint16_t offset)
{
	struct acpi_unit *u;

	vec_for_each(u, &a->units)
		if (u->table == ACPI_VIOT && u->offset == offset)
			return u;
	return NULL;
}

static void read_range(const struct cursor *c)
{
	struct acpi_unit *u = unit_at(c->acpi, cur_u16(c, 16));
	uint32_t last = cur_u16(c, 10);

	if (!cur_has(c, 18))
		return cur_issue(c, "a PCI range of %zu bytes is too short", c->end - c->off);
	if (!u)
		return cur_issue(c, "a PCI range belongs to no unit (node 0x%x)", cur_u16(c, 16));
	if (last < cur_u16(c, 8) || cur_u16(c, 14) < cur_u16(c, 12))
		return cur_issue(c, "a PCI range ends before it begins");
	for (uint32_t seg = cur_u16(c, 8); seg <= MIN(last, cur_u16(c, 8) + 255u); seg++)
		if (!acpi_add_scope(c->acpi, &u->scopes,
				    (struct acpi_scope){ .kind = SCOPE_RANGE, .segment = seg, .first = cur_u16(c, 12),
							 .last = cur_u16(c, 14), .id = cur_u32(c, 4),
							 .alias = ACPI_NO_ALIAS }))
			return;
}

static void read_mmio(const struct cursor *c)
{
	struct acpi_unit *u = unit_at(c->acpi, cur_u16(c, 16));

	if (!cur_has(c, 18))
		return cur_issue(c, "an MMIO endpoint of %zu bytes is too short", c->end - c->off);
	if (!u)
		return cur_issue(c, "an MMIO endpoint belongs to no unit (node 0x%x)", cur_u16(c, 16));
	acpi_add_scope(c->acpi, &u->scopes,
		       (struct acpi_scope){ .kind = SCOPE_ADDRESS, .id = cur_u32(c, 4), .address = cur_u64(c, 8),
					    .alias = ACPI_NO_ALIAS });
}

/* Nodes may be in any order, so the units are read first. */
static void each_node(const struct cursor *c, bool units)
{
	size_t start = MAX((size_t)cur_u16(c, ACPI_HEADER + 2), (size_t)VIOT_FIXED);
	struct cursor rest = cur_sub(c, start, SIZE_MAX);
	unsigned count = cur_u16(c, ACPI_HEADER);

	for (; count && rest.off < rest.end; count--) {
		uint8_t type = cur_u8(&rest, 0);
		size_t len = cur_u16(&rest, 2);
		struct cursor n = cur_sub(&rest, 0, len);

		if (len < 4 || !cur_has(&rest, len)) {
			if (units)
				cur_issue(&rest, "a node of %zu bytes where %zu are left", len, rest.end - rest.off);
			return;
		}
		if (type == VIOT_IOMMU_PCI || type == VIOT_IOMMU_MMIO) {
			if (units)
				read_unit(&n, type);
		} else if (!units) {
			if (type == VIOT_PCI_RANGE)
				read_range(&n);
			else if (type == VIOT_MMIO)
				read_mmio(&n);
			else
				cur_issue(&n, "unknown node of type %u", type);
		}
		rest.off += len;
	}
	if (count && units)
		cur_issue(c, "the table ends with %u nodes missing", count);
}

void viot_parse(const struct cursor *c)
{
	if (!cur_has(c, VIOT_FIXED))
		return cur_issue(c, "the table ends within its fixed part");
	each_node(c, true);
	each_node(c, false);
}
