// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/acpi.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "host/acpi-cursor.h"

#define ISSUES_MAX 64
#define SCOPES_MAX 65536

static const struct {
	const char *name;
	void (*parse)(const struct cursor *c);
} tables[ACPI_TABLES] = {
	[ACPI_DMAR] = { "DMAR", dmar_parse },
	[ACPI_IVRS] = { "IVRS", ivrs_parse },
	[ACPI_IORT] = { "IORT", iort_parse },
	[ACPI_VIOT] = { "VIOT", viot_parse },
};

const char *acpi_table_name(enum acpi_table_id t)
{
	return tables[t].name;
}

uint64_t cur_get(const struct cursor *c, size_t at, unsigned bytes)
{
	size_t left = c->end - c->off;
	uint64_t v = 0;

	if (at > left || left - at < bytes)
		return 0;
	for (unsigned i = bytes; i-- > 0;)
		v = v << 8 | c->p[c->off + at + i];
	return v;
}

struct cursor cur_sub(const struct cursor *c, size_t at, size_t len)
{
	struct cursor s = *c;

	s.off = c->off + MIN(at, c->end - c->off);
	s.end = s.off + MIN(len, c->end - s.off);
	return s;
}

void cur_issue(const struct cursor *c, const char *fmt, ...)
{
	va_list ap;
	struct acpi_issue *i;

	if (c->acpi->issues.n >= ISSUES_MAX)
		return;
	i = vec_push(&c->acpi->issues);
	i->table = c->table;
	i->offset = c->off;
	va_start(ap, fmt);
	i->text = arena_vprintf(c->acpi->arena, fmt, ap);
	va_end(ap);
}

const char *cur_string(const struct cursor *c, size_t at, size_t max)
{
	struct cursor s = cur_sub(c, at, max);

	return arena_memdup(c->acpi->arena, s.p + s.off, strnlen((const char *)s.p + s.off, s.end - s.off));
}

bool acpi_add_scope(struct acpi *a, acpi_scopes *to, struct acpi_scope s)
{
	if (a->n_scopes >= SCOPES_MAX)
		return false;
	a->n_scopes++;
	*vec_push(to) = s;
	return true;
}

/* An id of the header: blanks at its end cut. */
static const char *header_id(const struct cursor *c, size_t at, size_t len)
{
	char *s = (char *)cur_string(c, at, len);

	for (size_t n = strlen(s); n && s[n - 1] == ' '; n--)
		s[n - 1] = '\0';
	return s;
}

/* All bytes of a table add up to 0 (ACPI specification, 5.2.6). */
static bool checksum_ok(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += p[i];
	return sum == 0;
}

int acpi_parse(struct acpi *a, enum acpi_table_id which, const void *data, size_t len)
{
	struct cursor c = { .acpi = a, .table = which, .p = data, .end = len };
	struct acpi_table *t = &a->tables[which];

	if (len < ACPI_HEADER || memcmp(data, tables[which].name, 4)) {
		cur_issue(&c, len < ACPI_HEADER ? "the table ends within its header" :
						  "the table's signature is another one");
		t->err = -EBADMSG;
		return -EBADMSG;
	}
	*t = (struct acpi_table){
		.length = cur_u32(&c, 4), .size = len, .revision = cur_u8(&c, 8),
		.oem_id = header_id(&c, 10, 6), .oem_table_id = header_id(&c, 16, 8),
	};
	if (t->length > len)
		cur_issue(&c, "the table says it has %u bytes, but there are %zu", t->length, len);
	if (t->length < len)
		c.end = MAX(t->length, (uint32_t)ACPI_HEADER);
	t->checksum_ok = t->length == c.end && checksum_ok(data, c.end);
	if (t->length == c.end && !t->checksum_ok)
		cur_issue(&c, "the checksum is wrong");
	tables[which].parse(&c);
	return 0;
}

void acpi_free(struct acpi *a)
{
	struct acpi_unit *u;
	struct acpi_reserved *r;
	struct acpi_ats *t;
	struct acpi_iort_node *n;

	vec_for_each(u, &a->units)
		vec_free(&u->scopes);
	vec_for_each(r, &a->reserved)
		vec_free(&r->scopes);
	vec_for_each(t, &a->ats)
		vec_free(&t->scopes);
	vec_for_each(n, &a->nodes)
		vec_free(&n->maps);
	vec_free(&a->units);
	vec_free(&a->reserved);
	vec_free(&a->ats);
	vec_free(&a->nodes);
	vec_free(&a->issues);
}

const struct acpi_unit *acpi_find_unit(const struct acpi *a, enum unit_kind kind, uint64_t base,
				       const struct pci_addr *addr)
{
	const struct acpi_unit *u;

	vec_for_each(u, &a->units) {
		if (u->kind != kind || u->superseded)
			continue;
		if (addr && u->has_addr ? !pci_addr_cmp(u->addr, *addr) : base && u->base == base)
			return u;
	}
	return NULL;
}

static void put_rid(struct strbuf *b, uint16_t segment, uint16_t rid)
{
	strbuf_printf(b, "%04x:%02x:%02x.%x", segment, rid >> 8, rid >> 3 & 0x1f, rid & 7);
}

/* "0000:00:1c.0", or when bridges on the way are unknown the path itself: "0000:00:1c.0/00.0". */
static void put_address(struct strbuf *b, const struct acpi_scope *s)
{
	if (s->resolved)
		return put_rid(b, s->addr.domain, pci_addr_rid(s->addr));
	if (!s->n_path && s->kind == SCOPE_ENDPOINT)
		return strbuf_puts(b, "a device without a path");
	if (!s->n_path)
		return put_rid(b, s->segment, s->first);
	strbuf_printf(b, "%04x:%02x:%02x.%x", s->segment, s->bus, s->path[0][0], s->path[0][1]);
	for (size_t i = 1; i < s->n_path; i++)
		strbuf_printf(b, "/%02x.%x", s->path[i][0], s->path[i][1]);
}

static void put_range(struct strbuf *b, const struct acpi_scope *s)
{
	put_rid(b, s->segment, s->first);
	if (s->last != s->first) {
		strbuf_puts(b, " to ");
		put_rid(b, s->segment, s->last);
	}
	if (s->alias != ACPI_NO_ALIAS) {
		strbuf_puts(b, " as ");
		put_rid(b, s->segment, s->alias);
	}
}

const char *acpi_scope_text(struct arena *arena, const struct acpi_scope *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	switch (s->kind) {
	case SCOPE_ALL:
		strbuf_printf(&b, "all others of segment %04x", s->segment);
		break;
	case SCOPE_ENDPOINT:
		put_address(&b, s);
		break;
	case SCOPE_HIERARCHY:
		put_address(&b, s);
		strbuf_puts(&b, " and below");
		break;
	case SCOPE_RANGE:
		put_range(&b, s);
		break;
	case SCOPE_IOAPIC:
	case SCOPE_HPET:
		strbuf_printf(&b, "%s %u as ", s->kind == SCOPE_HPET ? "HPET" : "I/O APIC", s->id);
		put_address(&b, s);
		break;
	case SCOPE_NAMESPACE:
		strbuf_puts(&b, s->name ? s->name : "a device that the table does not name");
		break;
	case SCOPE_ADDRESS:
		strbuf_printf(&b, "the device at 0x%llx", (unsigned long long)s->address);
		break;
	case SCOPE_OTHER:
		strbuf_puts(&b, "a scope of unknown kind");
		break;
	}
	return arena_strdup(arena, strbuf_str(&b));
}
