// SPDX-License-Identifier: GPL-2.0-or-later
/* Firmware tables: real ones from lab machines, made ones, and every way to cut or bend them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/acpi.h"

struct table {
	uint8_t p[4096];
	size_t n;
};

static void put(struct table *t, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		t->p[t->n++] = v >> 8 * i;
}

static void put_hex(struct table *t, const char *hex)
{
	for (; *hex; hex++) {
		unsigned v;

		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		put(t, v, 1);
		hex++;
	}
}

static struct table begin(const char *name)
{
	struct table t = { .n = 36 };

	memcpy(t.p, name, 4);
	t.p[8] = 1;
	memcpy(t.p + 10, "LAB   ", 6);
	memcpy(t.p + 16, "MADE    ", 8);
	return t;
}

static void finish(struct table *t)
{
	uint8_t sum = 0;

	t->p[4] = t->n;
	t->p[5] = t->n >> 8;
	t->p[9] = 0;
	for (size_t i = 0; i < t->n; i++)
		sum += t->p[i];
	t->p[9] = -sum;
}

static struct acpi *parse(enum acpi_table_id id, const struct table *t)
{
	static struct arena arena;
	static struct acpi a;

	arena_free(&arena);
	a = (struct acpi){ .arena = &arena };
	acpi_parse(&a, id, t->p, t->n);
	return &a;
}

static const char *text(struct acpi *a, const struct acpi_scope *s)
{
	return acpi_scope_text(a->arena, s);
}

/* DMAR of a QEMU q35 machine with two RMRRs put in: one for 00:03.0 -> 00.0, one for 00:04.0 -> 00.1. */
static const char dmar_rmrr[] =
	"444d4152dc00000001 54 424f43485320 4258504320202020 02000000 42585043 01000000 2601 00000000000000000000"
	"0000 6000 00 00 0000 0000d9fe00000000"
	"0308000000ff0000 0108000000000000 0208000000000300 0208000000000400 0208000000000500 0208000000000600"
	"0108000000001e00 0108000000001f00 0108000000001f02 0108000000001f03"
	"02000800 01000000"
	"01002200 0000 0000 0000006000000000 ffff016000000000 010a00000000 0300 0000"
	"01002200 0000 0000 0000026000000000 ffff026000000000 010a00000000 0400 0001";

static void dmar_of_a_machine(void **state _unused_)
{
	struct table t = { 0 };
	struct acpi *a;
	struct acpi_unit *u;
	struct acpi_reserved *r;

	put_hex(&t, dmar_rmrr);
	a = parse(ACPI_DMAR, &t);
	assert_int_equal(a->issues.n, 0);
	assert_true(a->tables[ACPI_DMAR].checksum_ok);
	assert_string_equal(a->tables[ACPI_DMAR].oem_id, "BOCHS");
	assert_int_equal(a->dmar_width, 39);
	assert_int_equal(a->dmar_flags, DMAR_INTR_REMAP);
	assert_int_equal(a->units.n, 1);
	u = a->units.v;
	assert_int_equal(u->base, 0xfed90000);
	assert_false(u->include_all);
	assert_int_equal(u->scopes.n, 10);
	assert_int_equal(u->scopes.v[0].kind, SCOPE_IOAPIC);
	assert_string_equal(text(a, &u->scopes.v[0]), "I/O APIC 0 as 0000:ff:00.0");
	assert_string_equal(text(a, &u->scopes.v[2]), "0000:00:03.0 and below");
	assert_string_equal(text(a, &u->scopes.v[9]), "0000:00:1f.3");
	assert_int_equal(a->reserved.n, 2);
	r = &a->reserved.v[1];
	assert_int_equal(r->start, 0x60020000);
	assert_int_equal(r->end, 0x6002ffff);
	assert_int_equal(r->scopes.n, 1);
	assert_string_equal(text(a, &r->scopes.v[0]), "0000:00:04.0/00.1");
	assert_int_equal(a->ats.n, 1);
	assert_true(a->ats.v[0].all_ports);
	acpi_free(a);
}

static void dmar_all_kinds(void **state _unused_)
{
	struct table t = begin("DMAR");
	struct acpi *a;

	put_hex(&t, "2d 07 00000000000000000000");
	put_hex(&t, "0000 1000 01 00 0100 00c0aa0000000000");		   /* include-all, segment 1 */
	put_hex(&t, "0000 1800 00 00 0000 00c0ee0000000000 05 08 0000 07 00 1500"); /* names ANDD 7 */
	put_hex(&t, "0300 1400 00000000 00c0aa0000000000 02000000");
	put_hex(&t, "0400 1400 000000 07 5c5f53422e5541303000 0000");
	put_hex(&t, "0500 1000 01 00 0000 01 08 0000 00 3a 0000");
	put_hex(&t, "0600 0800 00000000");
	put_hex(&t, "6300 0800 00000000");
	finish(&t);
	a = parse(ACPI_DMAR, &t);
	assert_int_equal(a->dmar_width, 46);
	assert_int_equal(a->dmar_flags, DMAR_INTR_REMAP | DMAR_X2APIC_OPT_OUT | DMAR_DMA_CTRL_OPT_IN);
	assert_int_equal(a->units.n, 2);
	assert_true(a->units.v[0].include_all);
	assert_int_equal(a->units.v[0].node.v, 2);
	assert_true(a->units.v[0].node.known);
	assert_string_equal(text(a, &a->units.v[0].scopes.v[0]), "all others of segment 0001");
	assert_string_equal(text(a, &a->units.v[1].scopes.v[0]), "\\_SB.UA00");
	assert_false(a->units.v[1].node.known);
	assert_int_equal(a->ats.n, 1);
	assert_true(a->ats.v[0].satc && a->ats.v[0].atc_required);
	assert_int_equal(a->issues.n, 1); /* the structure of type 99 */
	assert_ptr_equal(acpi_find_unit(a, UNIT_VTD, 0xaac000, NULL), &a->units.v[0]);
	assert_null(acpi_find_unit(a, UNIT_VTD, 0xaac001, NULL));
	assert_null(acpi_find_unit(a, UNIT_SMMUV3, 0xaac000, NULL));
	acpi_free(a);
}

/* IVRS of a QEMU q35 machine with amd-iommu. */
static const char ivrs_lab[] =
	"49565253b80000000197424f4348532042585043202020200100000042585043 01000000 0028000000000000 00000000"
	"10d18800 08004000 0000d8fe00000000 0000 0000 44000000"
	"02000000 02080000 02180000 03000100 04ff0100 02200000 03000200 04ff0200 02280000 02300000"
	"03000300 04ff0300 02380000 03000400 04ff0400 02400000 02000500 4300060000000600 04ff0600"
	"02480000 02490000 02f00000 02f80000 02fa0000 02fb0000 4800000000a00001";

static void ivrs_of_a_machine(void **state _unused_)
{
	struct table t = { 0 };
	struct acpi *a;
	struct acpi_unit *u;

	put_hex(&t, ivrs_lab);
	assert_int_equal(t.n, 0xb8);
	a = parse(ACPI_IVRS, &t);
	assert_int_equal(a->issues.n, 0);
	assert_true(a->tables[ACPI_IVRS].checksum_ok);
	assert_int_equal(a->units.n, 1);
	u = a->units.v;
	assert_int_equal(u->base, 0xfed80000);
	assert_int_equal(pci_addr_rid(u->addr), 0x08); /* 00:01.0 */
	assert_int_equal(u->type, 0x10);
	assert_false(u->efr.known);
	assert_string_equal(text(a, &u->scopes.v[3]), "0000:01:00.0 to 0000:01:1f.7");
	assert_string_equal(text(a, &u->scopes.v[13]), "0000:06:00.0 to 0000:06:1f.7 as 0000:06:00.0");
	assert_string_equal(text(a, &u->scopes.v[u->scopes.n - 1]), "I/O APIC 0 as 0000:00:14.0");
	acpi_free(a);
}

static void ivrs_all_kinds(void **state _unused_)
{
	struct table t = begin("IVRS");
	struct acpi *a;

	put_hex(&t, "03000000 0000000000000000");
	put_hex(&t, "10 00 1800 0200 4000 0000b0fe00000000 0000 0000 00000000");
	put_hex(&t, "11 00 2800 0200 4000 0000b0fe00000000 0000 0000 00000000 ce4a09227e1f8401 0000000000000000");
	put_hex(&t, "40 00 5b00 0200 4000 0000b0fe00000000 0000 0000 00000000 ce4a0922e0771f84 1000000000000000");
	put_hex(&t, "01 0000 00");			       /* all */
	put_hex(&t, "48 0000 00 05 a000 01");		       /* I/O APIC 5 */
	put_hex(&t, "48 0000 00 00 a000 02");		       /* HPET */
	put_hex(&t, "f0 a500 00 414d4449 30303230 0000000000000000 02 09 5c5f53422e46555230"); /* AMDI0020, string */
	put_hex(&t, "20 08 2000 0000 0000 0000000000000000 0000000200000000 0000010000000000");
	put_hex(&t, "22 07 2000 0001 ff01 0100000000000000 0000000300000000 0010000000000000");
	put_hex(&t, "21 07 2000 0001 0000 0000000000000000 0000000000000000 0000000000000000"); /* length 0 */
	finish(&t);
	a = parse(ACPI_IVRS, &t);
	assert_int_equal(a->ivinfo, IVINFO_EFR_SUP | IVINFO_DMA_REMAP);
	assert_int_equal(a->units.n, 3);
	assert_true(a->units.v[0].superseded && a->units.v[1].superseded && !a->units.v[2].superseded);
	assert_true((uint64_t)a->units.v[2].efr.v == 0x841f77e022094ace);
	assert_int_equal(a->units.v[2].efr2.v, 0x10);
	assert_int_equal(a->units.v[2].scopes.n, 4);
	assert_int_equal(a->units.v[2].scopes.v[0].kind, SCOPE_ALL);
	assert_string_equal(text(a, &a->units.v[2].scopes.v[2]), "HPET 0 as 0000:00:14.0");
	assert_string_equal(text(a, &a->units.v[2].scopes.v[3]), "AMDI0020:\\_SB.FUR0");
	assert_ptr_equal(acpi_find_unit(a, UNIT_AMD, 0, &(struct pci_addr){ 0, 0, 0, 2 }), &a->units.v[2]);
	assert_int_equal(a->reserved.n, 2);
	assert_string_equal(a->reserved.v[0].kind, "exclusion range");
	assert_int_equal(a->reserved.v[0].scopes.v[0].kind, SCOPE_ALL);
	assert_int_equal(a->reserved.v[0].end, 0x200ffff);
	assert_string_equal(a->reserved.v[1].kind, "unity map");
	assert_true(a->reserved.v[1].read && a->reserved.v[1].write);
	assert_string_equal(text(a, &a->reserved.v[1].scopes.v[0]), "0001:01:00.0 to 0001:01:1f.7");
	assert_int_equal(a->issues.n, 1);
	acpi_free(a);
}

static void viot_of_a_machine(void **state _unused_)
{
	struct table t = { 0 };
	struct acpi *a;

	put_hex(&t, "56494f5458000000 0061 424f43485320 4258504320202020 01000000 42585043 01000000"
		    "0200 3000 0000000000000000"
		    "0300 1000 0000 0800 0000000000000000"
		    "0100 1800 00000000 0000 0000 0000 ff05 3000 000000000000");
	a = parse(ACPI_VIOT, &t);
	assert_int_equal(a->issues.n, 0);
	assert_true(a->tables[ACPI_VIOT].checksum_ok);
	assert_int_equal(a->units.n, 1);
	assert_int_equal(a->units.v[0].scopes.n, 1);
	assert_string_equal(text(a, &a->units.v[0].scopes.v[0]), "0000:00:00.0 to 0000:05:1f.7");
	assert_ptr_equal(acpi_find_unit(a, UNIT_VIRTIO, 0, &(struct pci_addr){ 0, 0, 1, 0 }), a->units.v);
	acpi_free(a);
}

static void put_iort(struct table *t)
{
	put_hex(t, "06000000 30000000 00000000");
	/* 0x30: ITS group */
	put_hex(t, "00 1800 01 00000000 00000000 00000000 01000000 00000000");
	/* 0x48: SMMUv3 at 0x9050000, COHACC override, proximity domain 3; maps all ids to the ITS */
	put_hex(t, "04 5800 04 01000000 01000000 44000000"
		   "0000050900000000 09000000 00000000 0000000000000000 00000000 00000000 00000000 00000000 00000000"
		   "03000000 00000000"
		   "00000000 ffff0000 00000000 30000000 00000000");
	/* 0xa0: root complex of segment 2, coherent, ATS and PASID; ids 0 to ffff to the SMMU from 0x10000 */
	put_hex(t, "02 3800 03 02000000 01000000 24000000"
		   "01000000 00 0000 03 05000000 02000000 40 000000"
		   "00000000 ffff0000 00000100 48000000 00000000");
	/* 0xd8: named component, behind the same SMMU with id 7 */
	put_hex(t, "01 3e00 04 03000000 01000000 2a000000"
		   "00000000 01000000 00 0000 01 28 5c5f53422e44455630 00 000000"
		   "00000000 00000000 07000000 48000000 01000000");
	/* 0x116: RMR for stream ids 0x10100 to 0x10101 of the SMMU */
	put_hex(t, "06 4400 03 04000000 01000000 1c000000"
		   "01000000 01000000 30000000"
		   "00000000 01000000 00010100 48000000 00000000"
		   "0000008000000000 0000100000000000 00000000");
	/* 0x15a: SMMUv2 with coherent walks */
	put_hex(t, "03 3c00 03 05000000 00000000 00000000"
		   "0000000a00000000 0000010000000000 01000000 02000000 00000000 00000000 00000000 00000000 00000000");
}

/* What QEMU 7.2 gives to firmware for one root complex: its numbers of ids are too large by one, so id 0x800 is in two mappings. */
static const char iort_qemu[] =
	"494f5254ec0000000347424f4348532042585043202020200100000042585043010000000300000030000000"
		  "0000000000180001000000000000000000000000010000000000000004580004010000000100000044000000"
		  "000005090000000001000000000000000000000000000000000000006a0000006b0000006d0000006c000000"
		  "000000000000000000000000ffff0000000000003000000000000000024c0003020000000200000024000000"
		  "0100000000000003000000000000000040000000000000000008000000000000480000000000000000080000"
		  "fff70000000800003000000000000000";

/* The same with three root complexes, of which the last bypasses the SMMU: buses 0 to 2 and 40 to 43 have it. */
static const char iort_qemu_roots[] =
	"494f525414010000037e424f4348532042585043202020200100000042585043010000000300000030000000"
		  "0000000000180001000000000000000000000000010000000000000004580004010000000100000044000000"
		  "000005090000000001000000000000000000000000000000000000006a0000006b0000006d0000006c000000"
		  "000000000000000000000000ffff000000000000300000000000000002740003020000000400000024000000"
		  "0100000000000003000000000000000040000000000000000003000000000000480000000000000000400000"
		  "0004000000400000480000000000000000030000003d000000030000300000000000000000440000ffbb0000"
		  "004400003000000000000000";

static void iort_of_machines(void **state _unused_)
{
	struct table t = { .n = 0 };
	struct acpi *a;

	put_hex(&t, iort_qemu);
	a = parse(ACPI_IORT, &t);
	assert_true(a->tables[ACPI_IORT].checksum_ok);
	assert_int_equal(a->issues.n, 0);
	assert_int_equal(a->nodes.n, 3);
	assert_int_equal(a->units.n, 1);
	assert_int_equal(a->units.v[0].base, 0x9050000);
	assert_int_equal(a->units.v[0].coherent, TRI_YES);
	assert_int_equal(a->units.v[0].scopes.n, 1);
	assert_string_equal(text(a, &a->units.v[0].scopes.v[0]), "0000:00:00.0 to 0000:07:1f.7");
	acpi_free(a);

	t.n = 0;
	put_hex(&t, iort_qemu_roots);
	a = parse(ACPI_IORT, &t);
	assert_true(a->tables[ACPI_IORT].checksum_ok);
	assert_int_equal(a->issues.n, 0);
	assert_int_equal(a->units.v[0].scopes.n, 2);
	assert_string_equal(text(a, &a->units.v[0].scopes.v[0]), "0000:00:00.0 to 0000:02:1f.7");
	assert_string_equal(text(a, &a->units.v[0].scopes.v[1]), "0000:40:00.0 to 0000:43:1f.7");
	acpi_free(a);
}

/* Mappings that touch nothing, that lie inside of each other, and that are as long as numbers go. */
static void iort_ends(void **state _unused_)
{
	struct table t = begin("IORT");
	struct acpi *a;

	put_hex(&t, "01000000 30000000 00000000");
	put_hex(&t, "02 8800 03 00000000 05000000 24000000 01000000 00 0000 03 00000000 00000000 40 000000");
	put_hex(&t, "00000000 ff000000 00000000 48000000 00000000"  /* 0 to ff */
		    "00010000 00010000 00000000 48000000 00000000"  /* 100 to 200, and the next begins there */
		    "00020000 00000000 00000000 48000000 00000000"  /* 200 alone */
		    "00010000 40000000 00000000 48000000 00000000"  /* 100 to 140 */
		    "10000000 ffffffff 00000000 48000000 00000000");
	finish(&t);
	a = parse(ACPI_IORT, &t);
	assert_int_equal(a->nodes.v[0].maps.n, 5);
	assert_int_equal(a->nodes.v[0].maps.v[0].count, 0x100);
	assert_int_equal(a->nodes.v[0].maps.v[1].count, 0x100);
	assert_int_equal(a->nodes.v[0].maps.v[2].count, 1);
	assert_int_equal(a->nodes.v[0].maps.v[3].count, 0x41);
	assert_int_equal(a->nodes.v[0].maps.v[4].count, UINT32_MAX);
	acpi_free(a);
}

static void iort_all_kinds(void **state _unused_)
{
	struct table t = begin("IORT");
	const struct acpi_unit *u;
	struct acpi *a;

	put_iort(&t);
	finish(&t);
	a = parse(ACPI_IORT, &t);
	assert_int_equal(a->issues.n, 0);
	assert_int_equal(a->nodes.n, 6);
	assert_int_equal(a->units.n, 2);
	u = acpi_find_unit(a, UNIT_SMMUV3, 0x9050000, NULL);
	assert_non_null(u);
	assert_int_equal(u->coherent, TRI_YES);
	assert_int_equal(u->node.v, 3);
	assert_int_equal(u->scopes.n, 2);
	assert_string_equal(text(a, &u->scopes.v[0]), "0002:00:00.0 to 0002:ff:1f.7");
	assert_string_equal(text(a, &u->scopes.v[1]), "\\_SB.DEV0");
	assert_true(a->nodes.v[2].ats && a->nodes.v[2].pasid_forward && !a->nodes.v[2].pri);
	assert_int_equal(acpi_find_unit(a, UNIT_SMMUV2, 0xa000000, NULL)->coherent, TRI_YES);
	assert_int_equal(a->reserved.n, 1);
	assert_int_equal(a->reserved.v[0].end, 0x800fffff);
	assert_true(a->reserved.v[0].relaxable);
	assert_int_equal(a->reserved.v[0].scopes.n, 1);
	assert_string_equal(text(a, &a->reserved.v[0].scopes.v[0]), "0002:01:00.0 to 0002:01:00.1");
	acpi_free(a);
}

/* A table cut anywhere keeps what came before and says that it is cut. */
static void cut_anywhere(void **state _unused_)
{
	struct table dmar = { 0 }, ivrs = { 0 }, iort = begin("IORT"), *const all[] = { &dmar, &ivrs, &iort };
	static const enum acpi_table_id ids[] = { ACPI_DMAR, ACPI_IVRS, ACPI_IORT };

	put_hex(&dmar, dmar_rmrr);
	put_hex(&ivrs, ivrs_lab);
	put_iort(&iort);
	finish(&iort);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (size_t n = 0; n < all[i]->n; n++) {
			/* of exactly this size, so that a sanitizer sees each byte too many */
			uint8_t *p = malloc(n ? n : 1);
			struct arena arena = { 0 };
			struct acpi a = { .arena = &arena };

			memcpy(p, all[i]->p, n);
			assert_int_equal(acpi_parse(&a, ids[i], p, n), n < 36 ? -EBADMSG : 0);
			assert_true(a.issues.n > 0);
			acpi_free(&a);
			arena_free(&arena);
			free(p);
		}
}

/* Every byte set to every extreme: the parsers end, and stay inside. */
static void bent_anywhere(void **state _unused_)
{
	struct table dmar = { 0 }, ivrs = { 0 }, iort = begin("IORT"), *const all[] = { &dmar, &ivrs, &iort };
	static const enum acpi_table_id ids[] = { ACPI_DMAR, ACPI_IVRS, ACPI_IORT };
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };

	put_hex(&dmar, dmar_rmrr);
	put_hex(&ivrs, ivrs_lab);
	put_iort(&iort);
	finish(&iort);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (size_t n = 36; n < all[i]->n; n++)
			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				struct table t = *all[i];
				struct acpi *a;

				t.p[n] = values[v];
				a = parse(ids[i], &t);
				if (t.p[n] != all[i]->p[n])
					assert_false(a->tables[ids[i]].checksum_ok);
				acpi_free(a);
			}
}

static void wrong_signature(void **state _unused_)
{
	struct table t = { 0 };
	struct acpi *a;

	put_hex(&t, dmar_rmrr);
	a = parse(ACPI_IVRS, &t);
	assert_int_equal(a->tables[ACPI_IVRS].err, -EBADMSG);
	assert_int_equal(a->issues.n, 1);
	assert_int_equal(a->units.n, 0);
	acpi_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dmar_of_a_machine), cmocka_unit_test(dmar_all_kinds),
		cmocka_unit_test(ivrs_of_a_machine), cmocka_unit_test(ivrs_all_kinds),
		cmocka_unit_test(viot_of_a_machine), cmocka_unit_test(iort_all_kinds), cmocka_unit_test(iort_of_machines), cmocka_unit_test(iort_ends),
		cmocka_unit_test(cut_anywhere),	     cmocka_unit_test(bent_anywhere),
		cmocka_unit_test(wrong_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
