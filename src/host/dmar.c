// SPDX-License-Identifier: GPL-2.0-or-later
/* DMAR: VT-d specification, chapter 8 (BIOS considerations). */
#include <string.h>

#include "base/str.h"
#include "host/acpi-cursor.h"

/* Remapping structures (8.2). */
enum {
	DMAR_DRHD = 0,
	DMAR_RMRR = 1,
	DMAR_ATSR = 2,
	DMAR_RHSA = 3,
	DMAR_ANDD = 4,
	DMAR_SATC = 5,
	DMAR_SIDP = 6,
};

#define DMAR_FIXED (ACPI_HEADER + 12)

/* A name that ANDD gives to a number: scopes of type 5 refer to it. */
struct andd {
	uint8_t number;
	const char *name;
};

typedef VEC(struct andd) andd_vec;

static enum acpi_scope_kind scope_kind(uint8_t type)
{
	static const enum acpi_scope_kind kinds[] = {
		[1] = SCOPE_ENDPOINT, [2] = SCOPE_HIERARCHY, [3] = SCOPE_IOAPIC,
		[4] = SCOPE_HPET,     [5] = SCOPE_NAMESPACE,
	};

	return type >= 1 && type < ARRAY_SIZE(kinds) ? kinds[type] : SCOPE_OTHER;
}

static void read_path(const struct cursor *c, struct acpi_scope *s)
{
	size_t hops = (c->end - c->off - 6) / 2;

	if (hops == 0)
		cur_issue(c, "a device scope without a path");
	if (hops > ACPI_PATH_MAX) {
		cur_issue(c, "a device scope with %zu hops: only %d are followed", hops, ACPI_PATH_MAX);
		hops = 0; /* half a path names another device */
		s->kind = SCOPE_OTHER;
	}
	s->n_path = hops;
	for (size_t i = 0; i < hops; i++) {
		s->path[i][0] = cur_u8(c, 6 + 2 * i) & 0x1f;
		s->path[i][1] = cur_u8(c, 7 + 2 * i) & 0x7;
	}
}

/* Device scope entries (8.3.1): type, length, flags, reserved, enumeration id, start bus, path. */
static void read_scopes(const struct cursor *c, size_t at, uint16_t segment, const andd_vec *names, acpi_scopes *ret)
{
	struct cursor rest = cur_sub(c, at, SIZE_MAX);

	while (rest.off < rest.end) {
		size_t len = cur_u8(&rest, 1);
		struct cursor e = cur_sub(&rest, 0, len);
		struct acpi_scope *s;

		if (len < 6 || !cur_has(&rest, len)) {
			cur_issue(&rest, "a device scope of %zu bytes where %zu are left", len, rest.end - rest.off);
			return;
		}
		s = vec_push(ret);
		*s = (struct acpi_scope){ .kind = scope_kind(cur_u8(&e, 0)), .segment = segment, .id = cur_u8(&e, 4),
					  .bus = cur_u8(&e, 5), .alias = ACPI_NO_ALIAS };
		read_path(&e, s);
		for (size_t i = 0; s->kind == SCOPE_NAMESPACE && i < names->n; i++)
			if (names->v[i].number == s->id)
				s->name = names->v[i].name;
		rest.off += len;
	}
}

static void read_drhd(const struct cursor *c, const andd_vec *names)
{
	struct acpi_unit *u;

	if (!cur_has(c, 16)) {
		cur_issue(c, "DRHD of %zu bytes is too short", c->end - c->off);
		return;
	}
	u = vec_push(&c->acpi->units);
	*u = (struct acpi_unit){
		.table = ACPI_DMAR, .offset = c->off, .kind = UNIT_VTD, .name = "DRHD", .base = cur_u64(c, 8),
		.segment = cur_u16(c, 6), .flags = cur_u8(c, 4), .include_all = cur_u8(c, 4) & 1, .coherent = TRI_UNKNOWN,
	};
	read_scopes(c, 16, u->segment, names, &u->scopes);
	if (u->include_all)
		*vec_push(&u->scopes) = (struct acpi_scope){ .kind = SCOPE_ALL, .segment = u->segment,
							     .alias = ACPI_NO_ALIAS };
}

static void read_rmrr(const struct cursor *c, const andd_vec *names)
{
	struct acpi_reserved *r;

	if (!cur_has(c, 24)) {
		cur_issue(c, "RMRR of %zu bytes is too short", c->end - c->off);
		return;
	}
	if (cur_u64(c, 16) < cur_u64(c, 8))
		cur_issue(c, "RMRR ends before it begins");
	r = vec_push(&c->acpi->reserved);
	*r = (struct acpi_reserved){
		.table = ACPI_DMAR, .offset = c->off, .kind = "RMRR", .segment = cur_u16(c, 6),
		.start = cur_u64(c, 8), .end = cur_u64(c, 16), .read = true, .write = true,
	};
	read_scopes(c, 24, r->segment, names, &r->scopes);
}

static void read_ats(const struct cursor *c, const andd_vec *names, bool satc)
{
	struct acpi_ats *t;

	if (!cur_has(c, 8)) {
		cur_issue(c, "%s of %zu bytes is too short", satc ? "SATC" : "ATSR", c->end - c->off);
		return;
	}
	t = vec_push(&c->acpi->ats);
	*t = (struct acpi_ats){
		.offset = c->off, .segment = cur_u16(c, 6), .satc = satc,
		.all_ports = !satc && (cur_u8(c, 4) & 1), .atc_required = satc && (cur_u8(c, 4) & 1),
	};
	read_scopes(c, 8, t->segment, names, &t->scopes);
}

/* RHSA: register base at 8, proximity domain at 16. It follows the units that it speaks of. */
static void read_rhsa(const struct cursor *c)
{
	struct acpi_unit *u;

	if (!cur_has(c, 20)) {
		cur_issue(c, "RHSA of %zu bytes is too short", c->end - c->off);
		return;
	}
	vec_for_each(u, &c->acpi->units)
		if (u->table == ACPI_DMAR && u->base == cur_u64(c, 8))
			u->node = NUM(cur_u32(c, 16));
}

static void read_andd(const struct cursor *c, andd_vec *names)
{
	if (!cur_has(c, 9)) {
		cur_issue(c, "ANDD of %zu bytes is too short", c->end - c->off);
		return;
	}
	*vec_push(names) = (struct andd){ cur_u8(c, 7), cur_string(c, 8, SIZE_MAX) };
}

/* Calls @fn for each structure whose length can be believed; stops at the first that cannot. */
static void for_each_structure(const struct cursor *c, void (*fn)(const struct cursor *, uint16_t, andd_vec *),
			       andd_vec *names, bool complain)
{
	struct cursor rest = cur_sub(c, DMAR_FIXED, SIZE_MAX);

	while (rest.off < rest.end) {
		size_t len = cur_u16(&rest, 2);
		struct cursor s = cur_sub(&rest, 0, len);

		if (len < 4 || !cur_has(&rest, len)) {
			if (complain)
				cur_issue(&rest, "a structure of %zu bytes where %zu are left", len,
					  rest.end - rest.off);
			if (len < 4)
				return;
		}
		fn(&s, cur_u16(&s, 0), names);
		rest.off = MIN(rest.off + len, rest.end);
	}
}

static void names_first(const struct cursor *c, uint16_t type, andd_vec *names)
{
	if (type == DMAR_ANDD)
		read_andd(c, names);
}

static void read_structure(const struct cursor *c, uint16_t type, andd_vec *names)
{
	switch (type) {
	case DMAR_DRHD:
		return read_drhd(c, names);
	case DMAR_RMRR:
		return read_rmrr(c, names);
	case DMAR_ATSR:
		return read_ats(c, names, false);
	case DMAR_SATC:
		return read_ats(c, names, true);
	case DMAR_RHSA:
		return read_rhsa(c);
	case DMAR_ANDD: /* done before: scopes refer to it */
	case DMAR_SIDP: /* device properties; nothing that concerns us */
		return;
	default:
		cur_issue(c, "unknown structure of type %u", type);
	}
}

void dmar_parse(const struct cursor *c)
{
	andd_vec names = { 0 };

	if (!cur_has(c, DMAR_FIXED)) {
		cur_issue(c, "the table ends within its fixed part");
		return;
	}
	/* HAW is stored as the width less one (8.1) */
	c->acpi->dmar_width = cur_u8(c, ACPI_HEADER) + 1;
	c->acpi->dmar_flags = cur_u8(c, ACPI_HEADER + 1);
	for_each_structure(c, names_first, &names, false);
	for_each_structure(c, read_structure, &names, true);
	vec_free(&names);
}
