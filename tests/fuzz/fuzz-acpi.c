// SPDX-License-Identifier: GPL-2.0-or-later
/* any bytes as DMAR, IVRS, IORT or VIOT. The first byte chooses which; the signature is put right. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#include "host/acpi.h"

FUZZ_TARGET(acpi)
{
	struct arena arena = { 0 };
	struct acpi a = { .arena = &arena };
	enum acpi_table_id which;
	const struct acpi_unit *u;
	const struct acpi_reserved *r;
	uint8_t *p;

	if (!size)
		return 0;
	which = *data++ % ACPI_TABLES;
	size--;
	p = malloc(size ? size : 1);
	if (!p)
		return 0;
	memcpy(p, data, size);
	if (size >= 4)
		memcpy(p, acpi_table_name(which), 4);
	acpi_parse(&a, which, p, size);
	vec_for_each(u, &a.units)
		for (size_t i = 0; i < u->scopes.n; i++)
			acpi_scope_text(&arena, &u->scopes.v[i]);
	vec_for_each(r, &a.reserved)
		if (which == ACPI_IVRS && r->end < r->start)
			abort();
	acpi_free(&a);
	arena_free(&arena);
	free(p);
	return 0;
}
