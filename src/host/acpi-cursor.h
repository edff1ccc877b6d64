/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading firmware tables without trusting a single length in them. Shared by the table parsers only. */
#ifndef IOMMUCTL_HOST_ACPI_CURSOR_H
#define IOMMUCTL_HOST_ACPI_CURSOR_H

#include "host/acpi.h"

/* A window of the table: bytes [off, end) of p. */
struct cursor {
	struct acpi *acpi;
	enum acpi_table_id table;
	const uint8_t *p;
	size_t off, end;
};

/* Little-endian numbers at @at bytes from the window's start; 0 beyond its end, so callers check cur_has() for what
 * must be there and read the rest as it comes. */
uint64_t cur_get(const struct cursor *c, size_t at, unsigned bytes);

static inline bool cur_has(const struct cursor *c, size_t n)
{
	return c->end - c->off >= n;
}

static inline uint8_t cur_u8(const struct cursor *c, size_t at)
{
	return cur_get(c, at, 1);
}

static inline uint16_t cur_u16(const struct cursor *c, size_t at)
{
	return cur_get(c, at, 2);
}

static inline uint32_t cur_u32(const struct cursor *c, size_t at)
{
	return cur_get(c, at, 4);
}

static inline uint64_t cur_u64(const struct cursor *c, size_t at)
{
	return cur_get(c, at, 8);
}

/* The window of @len bytes at @at; cut to what there is. */
struct cursor cur_sub(const struct cursor *c, size_t at, size_t len);

/* Notes an issue at the window's start. */
void cur_issue(const struct cursor *c, const char *fmt, ...) _printf_(2, 3);

/* A string of at most @max bytes at @at, ended by NUL or the window's end; in the arena. */
const char *cur_string(const struct cursor *c, size_t at, size_t max);

/* Adds a scope; false, with an issue, when a table has more of them than any firmware would write. */
bool acpi_add_scope(struct acpi *a, acpi_scopes *to, struct acpi_scope s);

/* The parsers: the window is the whole table. */
void dmar_parse(const struct cursor *c);
void ivrs_parse(const struct cursor *c);
void iort_parse(const struct cursor *c);
void viot_parse(const struct cursor *c);

/* Bytes of the fixed header that every table starts with. */
#define ACPI_HEADER 36

#endif
