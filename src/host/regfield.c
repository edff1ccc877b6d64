// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/regfield.h"

#include <assert.h>

#include "base/str.h"

static uint64_t field_mask(const struct reg_field *f)
{
	return f->width >= 64 ? UINT64_MAX : (UINT64_C(1) << f->width) - 1;
}

uint64_t reg_get(const struct reg_field *f, uint64_t reg)
{
	return (reg >> f->shift) & field_mask(f);
}

uint64_t reg_get_named(const struct reg_table *t, const char *name, uint64_t reg)
{
	for (size_t i = 0; i < t->n; i++)
		if (streq(t->fields[i].name, name))
			return reg_get(&t->fields[i], reg);
	assert(!"no such field");
	return 0;
}

const char *reg_words(const struct reg_field *f, struct arena *a, uint64_t reg)
{
	uint64_t v = reg_get(f, reg);

	if (f->words)
		return f->words(a, v);
	if (f->width == 1)
		return v ? "yes" : "no";
	return arena_printf(a, "%llu", (unsigned long long)v);
}

uint64_t reg_unknown_bits(const struct reg_table *t, uint64_t reg)
{
	for (size_t i = 0; i < t->n; i++)
		reg &= ~(field_mask(&t->fields[i]) << t->fields[i].shift);
	return reg;
}
