// SPDX-License-Identifier: GPL-2.0-or-later
/* IORT: Arm DEN 0049 (IO Remapping Table). Offsets held against include/acpi/actbl2.h. */
#include "host/acpi-cursor.h"

#include <stdlib.h>

#define IORT_FIXED (ACPI_HEADER + 12)
#define NODE_FIXED 16 /* type, length, revision, identifier, mapping count and offset */

/* A mapping is input base, number of ids less one, output base, target, flags: 20 bytes. */
#define MAPPING 20

static void read_maps(const struct cursor *c, struct acpi_iort_node *n)
{
	uint32_t count = cur_u32(c, 8), at = cur_u32(c, 12);

	for (uint32_t i = 0; i < count; i++) {
		struct cursor m = cur_sub(c, at + (size_t)i * MAPPING, MAPPING);

		if (!cur_has(&m, MAPPING))
			return cur_issue(c, "%u id mappings, but only %u fit", count, i);
		*vec_push(&n->maps) = (struct acpi_iort_map){
			.input = cur_u32(&m, 0), .count = MIN(cur_u32(&m, 4), UINT32_MAX - 1) + 1, .output = cur_u32(&m, 8),
			.target = cur_u32(&m, 12), .single = cur_u32(&m, 16) & 1,
		};
	}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * A mapping says how many ids it has, less one; firmware that writes how many (QEMU's up to 7.2 at least) makes each reach into the next.
 * An id that is the last of one and the first of another is the other's, as it is to Linux (iort_id_map() in drivers/acpi/arm64/iort.c).
 */
static void trim_maps(struct acpi_iort_node *n)
{
	VEC(uint32_t) first = { 0 };
	struct acpi_iort_map *m;

	vec_for_each(m, &n->maps)
		*vec_push(&first) = m->input;
	if (n->maps.n > 1)
		qsort(first.v, first.n, sizeof(*first.v), by_number);
	vec_for_each(m, &n->maps) {
		uint32_t last = m->input + (m->count - 1);

		if (last > m->input && bsearch(&last, first.v, first.n, sizeof(*first.v), by_number))
			m->count--;
	}
	vec_free(&first);
}

static void read_smmu(const struct cursor *c, struct acpi_iort_node *n)
{
	bool v3 = n->type == IORT_SMMU_V3;
	uint32_t flags = cur_u32(c, v3 ? NODE_FIXED + 8 : NODE_FIXED + 20);
	struct acpi_unit *u;

	if (!cur_has(c, NODE_FIXED + 44))
		return cur_issue(c, "an SMMU node of %zu bytes is too short", c->end - c->off);
	n->unit = c->acpi->units.n;
	u = vec_push(&c->acpi->units);
	/* SMMUv3 flags: bit 0 COHACC override, bit 3 the proximity domain is valid. SMMUv2: bit 1 coherent walks. */
	*u = (struct acpi_unit){
		.table = ACPI_IORT, .offset = c->off, .kind = v3 ? UNIT_SMMUV3 : UNIT_SMMUV2,
		.name = v3 ? "SMMUv3" : "SMMUv2", .base = cur_u64(c, NODE_FIXED), .flags = flags,
		.type = cur_u32(c, v3 ? NODE_FIXED + 24 : NODE_FIXED + 16),
		/* what its register says counts for nothing (arm_smmu_device_acpi_probe(), arm_smmu_device_hw_probe()) */
		.coherent = (flags & (v3 ? 1 : 2)) ? TRI_YES : TRI_NO,
	};
	if (v3 && flags & 8 && cur_has(c, NODE_FIXED + 48))
		u->node = NUM(cur_u32(c, NODE_FIXED + 44));
}

/* Memory access properties: CCA in 4 bytes, hints, 2 reserved, flags. */
static enum tri cca(const struct cursor *c, size_t at)
{
	uint32_t v = cur_u32(c, at);

	return v == 1 ? TRI_YES : v == 0 ? TRI_NO : TRI_UNKNOWN;
}

static void read_component(const struct cursor *c, struct acpi_iort_node *n)
{
	n->coherent = cca(c, NODE_FIXED + 4);
	n->name = cur_string(c, NODE_FIXED + 13, 256);
}

static void read_root_complex(const struct cursor *c, struct acpi_iort_node *n)
{
	uint32_t ats = cur_u32(c, NODE_FIXED + 8);

	n->coherent = cca(c, NODE_FIXED);
	n->ats = ats & 1;
	n->pri = ats & 2;
	n->pasid_forward = ats & 4;
	n->segment = cur_u32(c, NODE_FIXED + 12);
}

static void read_node(const struct cursor *c)
{
	struct acpi_iort_node *n = vec_push(&c->acpi->nodes);

	*n = (struct acpi_iort_node){ .offset = c->off, .type = cur_u8(c, 0), .revision = cur_u8(c, 3), .unit = -1,
				      .coherent = TRI_UNKNOWN };
	switch (n->type) {
	case IORT_ITS_GROUP:
	case IORT_RMR: /* read when all nodes are known */
		break;
	case IORT_COMPONENT:
		read_component(c, n);
		break;
	case IORT_ROOT_COMPLEX:
		read_root_complex(c, n);
		break;
	case IORT_SMMU:
	case IORT_SMMU_V3:
		read_smmu(c, n);
		break;
	case IORT_PMCG:
		n->reference = cur_u32(c, NODE_FIXED + 12);
		break;
	default:
		cur_issue(c, "unknown node of type %u", n->type);
	}
	read_maps(c, n);
	trim_maps(n);
}

static struct acpi_iort_node *node_at(struct acpi *a, uint32_t offset)
{
	struct acpi_iort_node *n;

	vec_for_each(n, &a->nodes)
		if (n->offset == offset)
			return n;
	return NULL;
}

/* The ids of @n that mapping @m sends away, as a scope; false when the node kind has none. */
static bool scope_of(const struct acpi_iort_node *n, const struct acpi_iort_map *m, struct acpi_scope *ret)
{
	*ret = (struct acpi_scope){ .alias = ACPI_NO_ALIAS };
	if (n->type == IORT_COMPONENT) {
		ret->kind = SCOPE_NAMESPACE;
		ret->name = n->name;
		return true;
	}
	if (n->type != IORT_ROOT_COMPLEX)
		return false;
	ret->kind = SCOPE_RANGE;
	ret->segment = n->segment;
	ret->first = m->input;
	ret->last = MIN(m->input + (uint64_t)m->count - 1, (uint64_t)UINT16_MAX);
	return m->input <= UINT16_MAX;
}

/* Devices behind SMMUs: where the mappings of components and root complexes lead. */
static void fill_units(struct acpi *a)
{
	struct acpi_iort_node *n, *target;
	struct acpi_iort_map *m;
	struct acpi_scope s;

	vec_for_each(n, &a->nodes)
		vec_for_each(m, &n->maps) {
			target = node_at(a, m->target);
			if (target && target->unit >= 0 && scope_of(n, m, &s))
				acpi_add_scope(a, &a->units.v[target->unit].scopes, s);
		}
}

/*
 * An RMR's mappings give the stream ids of the SMMU that they lead to; the devices are those whose own mapping
 * gives the same ids there.
 */
static void rmr_scopes(struct acpi *a, const struct acpi_iort_node *rmr, acpi_scopes *ret)
{
	struct acpi_iort_map *want, *m;
	struct acpi_iort_node *n;
	struct acpi_scope s;

	vec_for_each(want, &rmr->maps)
		vec_for_each(n, &a->nodes)
			vec_for_each(m, &n->maps) {
				uint64_t lo = MAX(want->output, m->output);
				uint64_t hi = MIN((uint64_t)want->output + want->count, (uint64_t)m->output + m->count);

				if (m->target != want->target || lo >= hi || !scope_of(n, m, &s))
					continue;
				if (s.kind == SCOPE_RANGE) {
					s.last = s.first + (hi - 1 - m->output);
					s.first += lo - m->output;
				}
				if (!acpi_add_scope(a, ret, s))
					return;
			}
}

static void read_rmr_range(const struct cursor *d, uint32_t flags, const acpi_scopes *scopes)
{
	uint64_t base = cur_u64(d, 0), length = cur_u64(d, 8);
	struct acpi_reserved *r;

	if (!length || base + (length - 1) < base)
		return cur_issue(d, "an impossible memory range");
	r = vec_push(&d->acpi->reserved);
	*r = (struct acpi_reserved){ .table = ACPI_IORT, .offset = d->off, .kind = "RMR", .start = base,
				     .end = base + length - 1, .read = true, .write = true, .relaxable = flags & 1 };
	for (size_t i = 0; i < scopes->n; i++)
		if (!acpi_add_scope(d->acpi, &r->scopes, scopes->v[i]))
			return;
}

static void read_rmr(const struct cursor *table, const struct acpi_iort_node *n)
{
	struct cursor c = cur_sub(table, n->offset, cur_u16(table, n->offset + 1));
	uint32_t flags = cur_u32(&c, NODE_FIXED), count = cur_u32(&c, NODE_FIXED + 4), at = cur_u32(&c, NODE_FIXED + 8);
	acpi_scopes scopes = { 0 };

	rmr_scopes(c.acpi, n, &scopes);
	for (uint32_t i = 0; i < count; i++) {
		struct cursor d = cur_sub(&c, at + (size_t)i * 20, 20);

		if (!cur_has(&d, 20)) {
			cur_issue(&c, "%u memory ranges, but only %u fit", count, i);
			break;
		}
		read_rmr_range(&d, flags, &scopes);
	}
	vec_free(&scopes);
}

void iort_parse(const struct cursor *c)
{
	size_t start = MAX((size_t)cur_u32(c, ACPI_HEADER + 4), (size_t)IORT_FIXED);
	uint32_t count = cur_u32(c, ACPI_HEADER);
	struct cursor rest = cur_sub(c, start, SIZE_MAX);

	if (!cur_has(c, IORT_FIXED))
		return cur_issue(c, "the table ends within its fixed part");
	for (; count && rest.off < rest.end; count--) {
		size_t len = cur_u16(&rest, 1);
		struct cursor n = cur_sub(&rest, 0, len);

		if (len < NODE_FIXED || !cur_has(&rest, len)) {
			cur_issue(&rest, "a node of %zu bytes where %zu are left", len, rest.end - rest.off);
			break;
		}
		read_node(&n);
		rest.off += len;
	}
	if (count && rest.off >= rest.end)
		cur_issue(c, "the table ends with %u nodes missing", count);
	fill_units(c->acpi);
	for (size_t i = 0; i < c->acpi->nodes.n; i++)
		if (c->acpi->nodes.v[i].type == IORT_RMR)
			read_rmr(c, &c->acpi->nodes.v[i]);
}
