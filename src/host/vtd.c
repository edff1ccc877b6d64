// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/vtd.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static const char *words_domains(struct arena *a, uint64_t v)
{
	/* 7 is reserved; 6 is 16 bits */
	return v > 6 ? "reserved" : arena_printf(a, "%u domains", 1u << (4 + 2 * v));
}

static const char *words_sagaw(struct arena *a, uint64_t v)
{
	/* bit n set: a table of n + 2 levels; 0 and 4 are of no VT-d that was built */
	static const char *const levels[] = { "30-bit (2 levels)", "39-bit (3 levels)", "48-bit (4 levels)",
					      "57-bit (5 levels)", "64-bit (6 levels)" };
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (v & (1u << i))
			strbuf_printf(&b, "%s%s", b.len ? ", " : "", levels[i]);
	return b.len ? arena_strdup(a, b.s) : "none";
}

static const char *words_mgaw(struct arena *a, uint64_t v)
{
	return arena_printf(a, "%u bit%s", (unsigned)v + 1, v ? "s" : "");
}

static const char *words_large_pages(struct arena *a _unused_, uint64_t v)
{
	static const char *const sizes[] = { "none", "2 MiB", "1 GiB", "2 MiB, 1 GiB" };

	return v > 3 ? "reserved" : sizes[v];
}

static const char *words_fault_offset(struct arena *a, uint64_t v)
{
	return arena_printf(a, "0x%x", (unsigned)v * 16);
}

static const char *words_plus_one(struct arena *a, uint64_t v)
{
	return arena_printf(a, "%u", (unsigned)v + 1);
}

static const char *words_pages_log2(struct arena *a, uint64_t v)
{
	return arena_printf(a, "2^%u pages", (unsigned)v);
}

static const char *words_pasid_bits(struct arena *a, uint64_t v)
{
	return arena_printf(a, "%u bit%s", (unsigned)v + 1, v ? "s" : "");
}

static const char *words_entries_log2(struct arena *a, uint64_t v)
{
	return arena_printf(a, "2^%u entries", (unsigned)v);
}

#define SPEC "Intel Virtualization Technology for Directed I/O, rev. 4"
#define CAP "Capability Register, offset 08h"
#define ECAP "Extended Capability Register, offset 10h"

/* Kernel macro held against, where its name does not tell: ND cap_ndoms, SLLPS cap_super_page_val, NFR
 * cap_num_fault_regs, PSI cap_pgsel_inv, MAMV cap_max_amask_val, DWD/DRD cap_write/read_drain. */
static const struct reg_field cap_fields[] = {
	{ "ND", 0, 3, "domain ids that can be told apart", CAP, words_domains },
	{ "AFL", 3, 1, "fault log in memory", CAP },
	{ "RWBF", 4, 1, "write buffer must be flushed by software", CAP },
	{ "PLMR", 5, 1, "protected low-memory region", CAP },
	{ "PHMR", 6, 1, "protected high-memory region", CAP },
	{ "CM", 7, 1, "caching mode: non-present entries may be cached (set by virtual units)", CAP, NULL, "caching-mode" },
	{ "SAGAW", 8, 5, "widths of second-stage page tables", CAP, words_sagaw },
	{ "MGAW", 16, 6, "widest guest address that is translated", CAP, words_mgaw },
	{ "ZLR", 22, 1, "zero-length reads of write-only pages", CAP },
	{ "FRO", 24, 10, "offset of the fault recording registers", CAP, words_fault_offset },
	{ "SLLPS", 34, 4, "second-stage large pages", CAP, words_large_pages },
	{ "PSI", 39, 1, "page-selective invalidation", CAP },
	{ "NFR", 40, 8, "fault recording registers", CAP, words_plus_one },
	{ "MAMV", 48, 6, "largest page-selective invalidation", CAP, words_pages_log2 },
	{ "DWD", 54, 1, "invalidation can drain writes", CAP },
	{ "DRD", 55, 1, "invalidation can drain reads", CAP },
	{ "FL1GP", 56, 1, "first-stage 1 GiB pages", CAP },
	{ "PI", 59, 1, "posted interrupts", CAP, NULL, "posted-interrupts" },
	{ "FL5LP", 60, 1, "first-stage 5-level paging", CAP, NULL, "5-level" },
	{ "ECMDS", 61, 1, "enhanced commands", CAP },
	{ "ESIRTPS", 62, 1, "setting the interrupt table invalidates caches", CAP },
	{ "ESRTPS", 63, 1, "setting the root table invalidates caches", CAP },
};

/* Kernel macro where its name does not tell: C ecap_coherent, DT ecap_dev_iotlb_support, PSS ecap_pss,
 * SSADS ecap_slads, SSTS ecap_slts, FSTS ecap_flts, SMPWCS ecap_smpwc, NWFS ecap_nwfs. VCS: as it was until 6.8. */
static const struct reg_field ecap_fields[] = {
	{ "C", 0, 1, "page walks are cache-coherent", ECAP, NULL, "coherent" },
	{ "QI", 1, 1, "queued invalidation", ECAP },
	{ "DT", 2, 1, "device TLBs (ATS)", ECAP, NULL, "ats" },
	{ "IR", 3, 1, "interrupt remapping", ECAP, NULL, "interrupt-remapping" },
	{ "EIM", 4, 1, "x2APIC ids in interrupt remapping", ECAP, NULL, "x2apic" },
	{ "PT", 6, 1, "pass-through of untranslated requests", ECAP, NULL, "pass-through" },
	{ "SC", 7, 1, "snoop control: coherency can be enforced", ECAP, NULL, "snoop-control" },
	{ "IRO", 8, 10, "offset of the IOTLB registers", ECAP, words_fault_offset },
	{ "MHMV", 20, 4, "largest interrupt-entry invalidation", ECAP, words_entries_log2 },
	{ "MTS", 25, 1, "memory types", ECAP },
	{ "NEST", 26, 1, "nested translation", ECAP, NULL, "nesting" },
	{ "PRS", 29, 1, "page requests (PRI)", ECAP, NULL, "prs" },
	{ "ERS", 30, 1, "execute requests", ECAP },
	{ "SRS", 31, 1, "supervisor requests", ECAP },
	{ "NWFS", 33, 1, "no-write flag", ECAP },
	{ "EAFS", 34, 1, "extended accessed flag", ECAP },
	{ "PSS", 35, 5, "PASID width", ECAP, words_pasid_bits },
	{ "PASID", 40, 1, "process address space ids", ECAP, NULL, "pasid" },
	{ "DIT", 41, 1, "device-TLB invalidation throttle", ECAP },
	{ "PDS", 42, 1, "page-request drain", ECAP },
	{ "SMTS", 43, 1, "scalable-mode translation", ECAP, NULL, "scalable-mode" },
	{ "VCS", 44, 1, "virtual commands", ECAP },
	{ "SSADS", 45, 1, "second-stage accessed and dirty bits", ECAP, NULL, "dirty" },
	{ "SSTS", 46, 1, "second-stage translation in scalable mode", ECAP, NULL, "second-stage" },
	{ "FSTS", 47, 1, "first-stage translation in scalable mode", ECAP, NULL, "first-stage" },
	{ "SMPWCS", 48, 1, "scalable-mode page walks are cache-coherent", ECAP, NULL, "scalable-coherent" },
	{ "RPS", 49, 1, "requests without PASID can be given one (RID_PASID)", ECAP },
	{ "PMS", 51, 1, "performance counters", ECAP, NULL, "perfmon" },
};

const struct reg_table vtd_cap_table = { "CAP", SPEC, cap_fields, ARRAY_SIZE(cap_fields) };
const struct reg_table vtd_ecap_table = { "ECAP", SPEC, ecap_fields, ARRAY_SIZE(ecap_fields) };

int vtd_version_parse(const char *s, unsigned *ret_major, unsigned *ret_minor)
{
	char buf[16];
	const char *colon = strchr(s, ':');
	uint32_t major, minor;

	if (!colon || (size_t)(colon - s) >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, s, colon - s);
	buf[colon - s] = '\0';
	if (parse_u32(buf, &major) < 0 || parse_u32(colon + 1, &minor) < 0)
		return -EINVAL;
	*ret_major = major;
	*ret_minor = minor;
	return 0;
}

unsigned vtd_address_width(uint64_t cap)
{
	return reg_get_named(&vtd_cap_table, "MGAW", cap) + 1;
}

unsigned vtd_pasid_bits(uint64_t ecap)
{
	if (!reg_get_named(&vtd_ecap_table, "PASID", ecap))
		return 0;
	return reg_get_named(&vtd_ecap_table, "PSS", ecap) + 1;
}

bool vtd_dirty_tracking(uint64_t ecap)
{
	return reg_get_named(&vtd_ecap_table, "SSADS", ecap) && reg_get_named(&vtd_ecap_table, "SMPWCS", ecap);
}

static uint64_t last_of_bits(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

int vtd_aperture(uint64_t cap, uint64_t ecap, uint64_t *ret_sure, uint64_t *ret_most)
{
	unsigned sagaw = (unsigned)reg_get_named(&vtd_cap_table, "SAGAW", cap), mgaw = vtd_address_width(cap), width = 0;
	bool first_stage = reg_get_named(&vtd_ecap_table, "SMTS", ecap) && reg_get_named(&vtd_ecap_table, "FSTS", ecap);
	unsigned most = reg_get_named(&vtd_cap_table, "FL5LP", cap) ? 57 : 48;

	for (unsigned i = 0; i < 5; i++)
		if (sagaw & (1u << i))
			width = 30 + 9 * i;
	if (!width)
		return -EINVAL;
	width = MIN(width, mgaw);
	*ret_sure = *ret_most = last_of_bits(width);
	if (!first_stage)
		return 0;
	*ret_sure = MIN(*ret_sure, last_of_bits(MIN(48, mgaw) - 1));
	*ret_most = MAX(*ret_most, last_of_bits(MIN(most, mgaw) - 1));
	return 0;
}
