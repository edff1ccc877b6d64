// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/amd.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static const char *words_levels(struct arena *a, uint64_t v)
{
	return v > 2 ? "reserved" : arena_printf(a, "%u levels", 4 + (unsigned)v);
}

static const char *words_gcr3_levels(struct arena *a, uint64_t v)
{
	return v > 2 ? "reserved" : arena_printf(a, "%u level%s", 1 + (unsigned)v, v ? "s" : "");
}

static const char *words_pasid_bits(struct arena *a, uint64_t v)
{
	return arena_printf(a, "%u bit%s", (unsigned)v + 1, v ? "s" : "");
}

static const char *words_segments(struct arena *a, uint64_t v)
{
	return v > 3 ? "reserved" : arena_printf(a, "up to %u segments", 1u << v);
}

static const char *words_gam(struct arena *a _unused_, uint64_t v)
{
	return v == 0 ? "none" : v == 1 ? "virtual APIC" : "reserved";
}

static const char *words_dual_log(struct arena *a _unused_, uint64_t v)
{
	static const char *const modes[] = { "none", "dual", "dual and automatic swap", "reserved" };

	return modes[v & 3];
}

static const char *words_irtes(struct arena *a _unused_, uint64_t v)
{
	/* kernel: FEATURE_NUM_INT_REMAP_SUP_2K(); other values are not defined by what we know */
	return v == 0 ? "512 interrupts a device" : v == 1 ? "2048 interrupts a device" : "reserved";
}

static const char *words_cap_type(struct arena *a, uint64_t v)
{
	return v == 3 ? "IOMMU" : arena_printf(a, "%u", (unsigned)v);
}

#define SPEC "AMD I/O Virtualization Technology (IOMMU) Specification, 48882, rev. 3"
#define CAP "capability block, offset 00h"
#define EFR "Extended Feature Register, MMIO 0030h"
#define EFR2 "Extended Feature 2 Register, MMIO 01A0h"

static const struct reg_field cap_fields[] = {
	{ "CapId", 0, 8, "PCI capability id (0fh: secure device)", CAP },
	{ "CapPtr", 8, 8, "next capability", CAP },
	{ "CapType", 16, 3, "type of the capability block", CAP, words_cap_type },
	{ "CapRev", 19, 5, "revision of the capability block", CAP },
	{ "IotlbSup", 24, 1, "device TLBs (ATS)", CAP, NULL, "ats" },
	{ "HtTunnel", 25, 1, "HyperTransport tunnel translation", CAP },
	{ "NpCache", 26, 1, "non-present entries may be cached (set by virtual units)", CAP, NULL, "caching-mode" },
	{ "EFRSup", 27, 1, "extended feature register", CAP },
	{ "CapExt", 28, 1, "extended capability block", CAP },
};

static const struct reg_field efr_fields[] = {
	{ "PreFSup", 0, 1, "prefetch command", EFR, NULL, "prefetch" },
	{ "PPRSup", 1, 1, "page requests (PPR log)", EFR, NULL, "ppr" },
	{ "XTSup", 2, 1, "x2APIC ids in interrupt remapping", EFR, NULL, "x2apic" },
	{ "NXSup", 3, 1, "no-execute protection", EFR, NULL, "nx" },
	{ "GTSup", 4, 1, "guest translation (second set of page tables, PASID)", EFR, NULL, "guest-translation" },
	{ "GAppiSup", 5, 1, "guest APIC physical interrupts", EFR },
	{ "IASup", 6, 1, "invalidate-all command", EFR },
	{ "GASup", 7, 1, "guest virtual APIC", EFR, NULL, "guest-apic" },
	{ "HESup", 8, 1, "hardware error registers", EFR },
	{ "PCSup", 9, 1, "performance counters", EFR, NULL, "perfmon" },
	{ "HATS", 10, 2, "host page-table levels", EFR, words_levels },
	{ "GATS", 12, 2, "guest page-table levels", EFR, words_levels },
	{ "GLXSup", 14, 2, "levels of the guest CR3 table", EFR, words_gcr3_levels },
	{ "SmiFSup", 16, 2, "SMI filter", EFR },
	{ "SmiFRC", 18, 3, "SMI filter registers, as a power of two", EFR },
	{ "GAMSup", 21, 3, "guest APIC modes", EFR, words_gam },
	{ "DualPprLogSup", 24, 2, "second PPR log", EFR, words_dual_log },
	{ "DualEventLogSup", 28, 2, "second event log", EFR, words_dual_log },
	{ "SATSSup", 31, 1, "secure ATS", EFR, NULL, "secure-ats" },
	{ "PASmax", 32, 5, "PASID width", EFR, words_pasid_bits },
	{ "USSup", 37, 1, "user and supervisor protection", EFR },
	{ "DevTblSegSup", 38, 2, "device-table segments", EFR, words_segments },
	{ "PprOvrflwEarlySup", 40, 1, "early warning of PPR log overflow", EFR },
	{ "PprAutoRspSup", 41, 1, "automatic answers to page requests on overflow", EFR },
	{ "MarcSup", 42, 2, "memory-access routing and control", EFR },
	{ "BlkStopMrkSup", 44, 1, "block-stop mark messages", EFR },
	{ "PerfOptSup", 45, 1, "performance optimisation", EFR },
	{ "MsiCapMmioSup", 46, 1, "MSI capability through MMIO", EFR },
	{ "GIoSup", 48, 1, "guest I/O protection", EFR },
	{ "HASup", 49, 1, "host accessed bits", EFR },
	{ "EPHSup", 50, 1, "enhanced handling of page requests", EFR },
	{ "AttrFWSup", 51, 1, "attribute forwarding", EFR },
	{ "HDSup", 52, 1, "host dirty bits", EFR, NULL, "dirty" },
	{ "InvIotlbTypeSup", 54, 1, "invalidation type for device TLBs", EFR },
	{ "VIommuSup", 55, 1, "virtual IOMMU in hardware", EFR, NULL, "viommu" },
	{ "GAUpdateDisSup", 61, 1, "updates of guest APIC state can be turned off", EFR },
	{ "ForcePhyDestSup", 62, 1, "interrupts with physical destination can be forced", EFR },
	{ "SNPSup", 63, 1, "secure nested paging", EFR, NULL, "snp" },
};

static const struct reg_field efr2_fields[] = {
	{ "SevSnpIoSup", 1, 1, "trusted I/O with SEV-SNP", EFR2 },
	{ "GCR3TRPMode", 3, 1, "guest CR3 table by guest physical address", EFR2 },
	{ "SNPAVICSup", 5, 3, "guest APIC modes with SNP", EFR2, words_gam },
	{ "NumIntRemapSup", 8, 2, "size of interrupt tables", EFR2, words_irtes },
	{ "HtRangeIgnore", 11, 1, "HyperTransport address range can be mapped", EFR2 },
};

const struct reg_table amd_cap_table = { "CAP", SPEC, cap_fields, ARRAY_SIZE(cap_fields) };
const struct reg_table amd_efr_table = { "EFR", SPEC, efr_fields, ARRAY_SIZE(efr_fields) };
const struct reg_table amd_efr2_table = { "EFR2", SPEC, efr2_fields, ARRAY_SIZE(efr2_fields) };

int amd_features_parse(const char *s, uint64_t *ret_efr, uint64_t *ret_efr2, bool *ret_has_efr2)
{
	char first[20];
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : strlen(s);
	uint64_t efr, efr2 = 0;

	if (n >= sizeof(first))
		return -EINVAL;
	memcpy(first, s, n);
	first[n] = '\0';
	if (parse_hex(first, &efr) < 0 || (colon && parse_hex(colon + 1, &efr2) < 0))
		return -EINVAL;
	*ret_efr = efr;
	*ret_efr2 = efr2;
	*ret_has_efr2 = colon;
	return 0;
}

unsigned amd_pasid_bits(uint64_t efr)
{
	if (!reg_get_named(&amd_efr_table, "GTSup", efr))
		return 0;
	return reg_get_named(&amd_efr_table, "PASmax", efr) + 1;
}
