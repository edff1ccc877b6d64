/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkrmrr: append reserved memory regions to an ACPI DMAR table
 *
 *	mkrmrr DMAR OUT.cpio {SCOPE START END}...
 *
 * DMAR is the table of a machine (/sys/firmware/acpi/tables/DMAR). Each region START-END (hex, END
 * inclusive, both at a page's edge) belongs to the device SCOPE, written as the table does:
 * BUS:DEV.FN of the first hop on the root bus, then /DEV.FN for each bus further down, so that
 * 00:03.0/00.0 is the device behind port 00:03.0. OUT.cpio is what goes before an initramfs for the
 * kernel to take the table from; with another ending it is the table alone.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TABLE	65536
#define MAX_HOPS	16

/* offsets of the ACPI table header, and sizes */
enum { LENGTH = 4, CHECKSUM = 9, OEM_REVISION = 24, HEADER = 48, RMRR = 24, SCOPE = 6 };

static uint8_t table[MAX_TABLE];
static size_t size;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "mkrmrr: %s: %s\n", what, why);
	exit(1);
}

static void put(size_t at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		table[at + i] = value >> (8 * i);
}

static uint64_t get(size_t at, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)table[at + i] << (8 * i);
	return v;
}

static void read_table(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		die(path, "cannot be read");
	size = fread(table, 1, sizeof(table), f);
	fclose(f);
	if (size < HEADER || memcmp(table, "DMAR", 4) || get(LENGTH, 4) != size)
		die(path, "is no DMAR table");
}

/* hops of BUS:DEV.FN/DEV.FN..., two bytes each, in @path; returns their number */
static int parse_scope(const char *s, uint8_t *bus, uint8_t path[])
{
	unsigned int b, dev, fn;
	int n, hops = 0;

	if (sscanf(s, "%2x:%n", &b, &n) != 1)
		die(s, "want BUS:DEV.FN[/DEV.FN...]");
	*bus = b;
	for (const char *p = s + n; hops < MAX_HOPS; p += n) {
		if (sscanf(p, "%2x.%1u%n", &dev, &fn, &n) != 2 || dev > 31 || fn > 7)
			break;
		path[2 * hops] = dev;
		path[2 * hops + 1] = fn;
		hops++;
		if (!p[n])
			return hops;
		n++;
	}
	die(s, "want BUS:DEV.FN[/DEV.FN...]");
	return 0;
}

static void append(const char *scope, const char *start, const char *end)
{
	uint64_t first = strtoull(start, NULL, 16), last = strtoull(end, NULL, 16);
	uint8_t bus, path[2 * MAX_HOPS];
	int hops = parse_scope(scope, &bus, path);
	size_t len = RMRR + SCOPE + 2 * hops, at = size;

	if (first & 0xfff || (last & 0xfff) != 0xfff || first > last)
		die(start, "a region starts and ends at a page's edge");
	if (size + len > sizeof(table))
		die(scope, "the table is full");
	memset(table + at, 0, len);
	put(at, 1, 2);				/* type: reserved memory */
	put(at + 2, len, 2);
	put(at + 8, first, 8);
	put(at + 16, last, 8);
	put(at + RMRR, 1, 1);			/* scope: PCI endpoint */
	put(at + RMRR + 1, SCOPE + 2 * hops, 1);
	put(at + RMRR + 5, bus, 1);
	memcpy(table + at + RMRR + SCOPE, path, 2 * hops);
	size += len;
}

static void seal(void)
{
	uint8_t sum = 0;

	put(LENGTH, size, 4);
	put(OEM_REVISION, get(OEM_REVISION, 4) + 1, 4);
	table[CHECKSUM] = 0;
	for (size_t i = 0; i < size; i++)
		sum += table[i];
	table[CHECKSUM] = -sum;
}

/* one entry of a cpio archive in the "newc" format */
static void cpio_entry(FILE *f, const char *name, unsigned int mode, const void *data, size_t len)
{
	static const char zero[4];
	static unsigned int ino;
	size_t n = strlen(name) + 1;

	fprintf(f, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", ++ino, mode, 0, 0, 1,
		0, len, 0, 0, 0, 0, n, 0);
	fwrite(name, 1, n, f);
	fwrite(zero, 1, -(110 + n) & 3, f);
	fwrite(data, 1, len, f);
	fwrite(zero, 1, -len & 3, f);
}

static void write_out(const char *path)
{
	size_t n = strlen(path);
	FILE *f = fopen(path, "wb");

	if (!f)
		die(path, "cannot be written");
	if (n > 5 && !strcmp(path + n - 5, ".cpio")) {
		cpio_entry(f, "kernel", 040755, "", 0);
		cpio_entry(f, "kernel/firmware", 040755, "", 0);
		cpio_entry(f, "kernel/firmware/acpi", 040755, "", 0);
		cpio_entry(f, "kernel/firmware/acpi/DMAR.aml", 0100644, table, size);
		cpio_entry(f, "TRAILER!!!", 0, "", 0);
	} else {
		fwrite(table, 1, size, f);
	}
	if (ferror(f) | fclose(f))
		die(path, "cannot be written");
}

int main(int argc, char **argv)
{
	if (argc < 6 || argc % 3 != 0) {
		fprintf(stderr, "usage: mkrmrr DMAR OUT[.cpio] {BUS:DEV.FN[/DEV.FN...] START END}...\n");
		return 2;
	}
	read_table(argv[1]);
	for (int i = 3; i < argc; i += 3)
		append(argv[i], argv[i + 1], argv[i + 2]);
	seal();
	write_out(argv[2]);
	return 0;
}
