// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of a machine, and the devices of that machine that they mean. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/acpi.h"
#include "host/pci.h"
#include "host/topology.h"

/* No firmware has larger tables; it bounds what a hostile one can make us do. */
#define TABLE_MAX (256 * 1024)

/* The bus below the bridge at @addr; -1 when that is no bridge of this machine. */
static int bus_below(struct host *h, struct pci_addr addr)
{
	struct device *d = host_pci(h, addr);
	const struct pci_info *pci = d ? device_pci(h, d) : NULL;

	return pci && !pci->err && pci->header == 1 && pci->secondary ? pci->secondary : -1;
}

/* Follows a DMAR path from its start bus through the bridges (VT-d specification, 8.3.1). */
static bool walk_path(struct host *h, struct acpi_scope *s)
{
	struct pci_addr at = { s->segment, s->bus, 0, 0 };

	for (size_t i = 0; i < s->n_path; i++) {
		int bus = i ? bus_below(h, at) : s->bus;

		if (bus < 0)
			return false;
		at = (struct pci_addr){ s->segment, bus, s->path[i][0], s->path[i][1] };
	}
	s->addr = at;
	return s->n_path > 0;
}

static void resolve_scopes(struct host *h, acpi_scopes *scopes)
{
	struct acpi_scope *s;

	vec_for_each(s, scopes) {
		if (s->n_path)
			s->resolved = walk_path(h, s);
		else if ((s->kind == SCOPE_RANGE || s->kind == SCOPE_IOAPIC || s->kind == SCOPE_HPET) &&
			 s->first == s->last)
			s->resolved = true;
		if (s->resolved && !s->n_path)
			s->addr = (struct pci_addr){ s->segment, s->first >> 8, s->first >> 3 & 0x1f, s->first & 7 };
		if (s->resolved)
			s->device = host_pci(h, s->addr);
	}
}

void acpi_resolve(struct acpi *a, struct host *h)
{
	struct acpi_unit *u;
	struct acpi_reserved *r;
	struct acpi_ats *t;

	vec_for_each(u, &a->units)
		resolve_scopes(h, &u->scopes);
	vec_for_each(r, &a->reserved)
		resolve_scopes(h, &r->scopes);
	vec_for_each(t, &a->ats)
		resolve_scopes(h, &t->scopes);
}

static void load_table(struct host *h, struct acpi *a, enum acpi_table_id t)
{
	char path[SRC_PATH_MAX], *data;
	size_t len;
	int r;

	PATHF(path, "sys/firmware/acpi/tables/%s", acpi_table_name(t));
	r = source_read_all(h->src, path, TABLE_MAX, &h->arena, &data, &len);
	if (r < 0) {
		a->tables[t].err = r;
		if (r == -EFBIG)
			ctx_warn(h->ctx, "acpi-table", r, path, "ACPI table %s", acpi_table_name(t));
		return;
	}
	acpi_parse(a, t, data, len);
}

/* From here on it lives as long as the host, like everything else about it. */
#define MOVE(a, vec)                                                                                           \
	do {                                                                                                   \
		void *moved_ = arena_memdup((a)->arena, (vec)->v, (vec)->n * sizeof(*(vec)->v));               \
		free((vec)->v);                                                                                \
		(vec)->v = moved_;                                                                             \
	} while (0)

static void move_to_arena(struct acpi *a)
{
	struct acpi_unit *u;
	struct acpi_reserved *r;
	struct acpi_ats *t;
	struct acpi_iort_node *n;

	vec_for_each(u, &a->units)
		MOVE(a, &u->scopes);
	vec_for_each(r, &a->reserved)
		MOVE(a, &r->scopes);
	vec_for_each(t, &a->ats)
		MOVE(a, &t->scopes);
	vec_for_each(n, &a->nodes)
		MOVE(a, &n->maps);
	MOVE(a, &a->units);
	MOVE(a, &a->reserved);
	MOVE(a, &a->ats);
	MOVE(a, &a->nodes);
	MOVE(a, &a->issues);
}

const struct acpi *host_acpi(struct host *h)
{
	struct acpi_issue *i;
	struct acpi *a;

	if (h->acpi_)
		return h->acpi_;
	a = h->acpi_ = arena_new(&h->arena, struct acpi);
	a->arena = &h->arena;
	for (enum acpi_table_id t = 0; t < ACPI_TABLES; t++)
		load_table(h, a, t);
	vec_for_each(i, &a->issues) {
		_cleanup_strbuf_ struct strbuf where = { 0 };

		strbuf_printf(&where, "/sys/firmware/acpi/tables/%s", acpi_table_name(i->table));
		ctx_note(h->ctx, (struct note){ .level = NOTE_WARNING, .code = "acpi-table", .why = i->text,
						.where = strbuf_str(&where) },
			 "ACPI table %s, offset 0x%x", acpi_table_name(i->table), i->offset);
	}
	acpi_resolve(a, h);
	move_to_arena(a);
	return a;
}

/* A device that ACPI names: its firmware_node tells its path in the namespace. */
static bool is_named(struct host *h, struct device *d, const char *name)
{
	char *path;

	if (!name || d->is_pci || device_attr(h, d, "firmware_node/path", &path) < 0)
		return false;
	return streq(path, name);
}

bool acpi_scope_has(struct host *h, const struct acpi_scope *s, struct device *d)
{
	if (s->kind == SCOPE_NAMESPACE)
		return is_named(h, d, s->name);
	if (!d->is_pci || d->addr.domain != s->segment)
		return false;
	switch (s->kind) {
	case SCOPE_ALL:
		return true;
	case SCOPE_RANGE:
		return pci_addr_rid(d->addr) >= s->first && pci_addr_rid(d->addr) <= s->last;
	case SCOPE_ENDPOINT:
		return s->resolved && !pci_addr_cmp(s->addr, d->addr);
	case SCOPE_HIERARCHY:
		return s->device && (s->device == d || device_is_below(h, d, s->device));
	default:
		return false;
	}
}

size_t acpi_reserved_of(struct host *h, struct device *d, const struct acpi_reserved ***ret)
{
	const struct acpi *a = host_acpi(h);
	const struct acpi_reserved **v = arena_array(&h->arena, const struct acpi_reserved *, a->reserved.n + 1);
	const struct acpi_reserved *r;
	const struct acpi_scope *s;
	size_t n = 0;

	vec_for_each(r, &a->reserved)
		vec_for_each(s, &r->scopes)
			if (acpi_scope_has(h, s, d)) {
				v[n++] = r;
				break;
			}
	*ret = v;
	return n;
}
