/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers as tables of fields. A decoder is a table; what a field says in words is made by one small
 * function a kind of field. Pure: no files, no context.
 */
#ifndef IOMMUCTL_HOST_REGFIELD_H
#define IOMMUCTL_HOST_REGFIELD_H

#include "base/arena.h"
#include "base/util.h"

struct reg_field {
	const char *name; /* as the specification abbreviates it */
	uint8_t shift, width;
	const char *text; /* what a set bit, or the number, means */
	const char *ref;  /* section or register of the specification */
	/* The value in words; NULL: "yes" and "no" for one bit, the number else. Strings are static or in @a. */
	const char *(*words)(struct arena *a, uint64_t v);
	/* The word for summaries when the field is set; NULL: not in summaries. */
	const char *feature;
};

struct reg_table {
	const char *reg;  /* "CAP", "ECAP", "EFR" */
	const char *spec; /* the document that ref means */
	const struct reg_field *fields;
	size_t n;
};

/* The field's value, shifted down. */
uint64_t reg_get(const struct reg_field *f, uint64_t reg);

/* The same by name; the name must be in the table. */
uint64_t reg_get_named(const struct reg_table *t, const char *name, uint64_t reg);

/* The value in words, never NULL. */
const char *reg_words(const struct reg_field *f, struct arena *a, uint64_t reg);

/* Bits of @reg that no field of the table covers: a newer hardware says more than we know. */
uint64_t reg_unknown_bits(const struct reg_table *t, uint64_t reg);

#endif
