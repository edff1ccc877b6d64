/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed records: one description, many faces. A command fills plain C structs; a static field table
 * says what is where, and table, detail view, tree, JSON and metrics are rendered from it.
 *
 *	struct unit_row { const char *name; struct num devices; };
 *	static const struct field unit_fields[] = {
 *		FIELD(struct unit_row, name, F_STR, "NAME", "name in /sys/class/iommu", .flags = FIELD_DEFAULT),
 *		FIELD(struct unit_row, devices, F_INT, "DEVICES", "devices behind it"),
 *	};
 *	const struct record_type unit_list_record = RECORD("iommu.list", 1, struct unit_row, unit_fields);
 *
 * Columns are leaf paths: "name", "devices", and for nested lists "devices.driver".
 */
#ifndef IOMMUCTL_OUT_RECORD_H
#define IOMMUCTL_OUT_RECORD_H

#include "base/util.h"

/* How a field is stored in the struct, and so how it is written. */
enum field_type {
	F_STR,	/* const char *, NULL is null. Bytes that are not UTF-8 get a NAME_raw beside it */
	F_INT,	/* struct num: an integer in JSON */
	F_HEX,	/* struct num: a hex string "0x…": addresses, masks, registers, ids */
	F_BOOL, /* enum tri: -1 is null. The struct member is an int */
	F_STRS, /* struct strs: a list of strings */
	F_LIST, /* struct rows of @sub */
	F_OBJ,	/* pointer to one struct of @sub, NULL is null */
};

struct strs {
	const char *const *v;
	size_t n;
	bool known; /* false: null, true with n == 0: an empty list */
};

struct rows {
	const void *v; /* an array of the sub record's struct */
	size_t n;
	bool known;
};

#define STRS(vec, count) ((struct strs){ .v = (vec), .n = (count), .known = true })
#define ROWS(vec, count) ((struct rows){ .v = (vec), .n = (count), .known = true })

enum field_flags {
	FIELD_DEFAULT = 1 << 0, /* a column of the table when nobody says -o */
	FIELD_EXTRA = 1 << 1,	/* costs more to gather: only when asked for by name (-o), in JSON too */
	FIELD_RIGHT = 1 << 2,	/* right-aligned */
	FIELD_TRUNC = 1 << 3,	/* the first to be cut when the terminal is narrow */
	FIELD_WRAP = 1 << 4,	/* wraps instead of being cut */
	FIELD_VERDICT = 1 << 5, /* coloured by its word: ready green, needs-bind yellow, blocked red … */
};

struct record_type;

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	unsigned flags;
	const char *head; /* column heading; upper case */
	const char *unit; /* "bytes", "bits", NULL none */
	const char *help; /* one line for -o help, man pages and schema files */
	const struct record_type *sub;
};

#define FIELD(strct, member, ftype, heading, text, ...)                        \
	{ .name = #member, .type = (ftype), .offset = offsetof(strct, member), \
	  .head = (heading), .help = (text), ##__VA_ARGS__ }

struct record_type {
	const char *name; /* "group.list": the schema is iommuctl.group.list/VERSION */
	unsigned version;
	size_t size;
	const struct field *fields;
	size_t n;
};

#define RECORD(rname, ver, strct, table)                                       \
	{ .name = (rname), .version = (ver), .size = sizeof(strct), .fields = (table), \
	  .n = ARRAY_SIZE(table) }

#endif
