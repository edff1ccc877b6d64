// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/smmuv3.h"

static const char *ttf_words(struct arena *a, uint64_t v)
{
	static const char *const words[] = { "reserved", "AArch32", "AArch64", "AArch32 and AArch64" };

	(void)a;
	return words[v & 3];
}

static const char *httu_words(struct arena *a, uint64_t v)
{
	static const char *const words[] = { "no", "access flag", "access flag and dirty state",
					     "access flag of tables, access flag and dirty state" };

	(void)a;
	return words[v & 3];
}

static const char *endian_words(struct arena *a, uint64_t v)
{
	static const char *const words[] = { "mixed", "reserved", "little", "big" };

	(void)a;
	return words[v & 3];
}

static const char *stall_words(struct arena *a, uint64_t v)
{
	static const char *const words[] = { "stalls or terminates", "never stalls", "always stalls", "reserved" };

	(void)a;
	return words[v & 3];
}

static const char *level_words(struct arena *a, uint64_t v)
{
	return v == 0 ? "linear" : v == 1 ? "linear or two levels" : arena_printf(a, "reserved (%u)", (unsigned)v);
}

static const char *log2_words(struct arena *a, uint64_t v)
{
	return arena_printf(a, "2^%u", (unsigned)v);
}

static const char *bbml_words(struct arena *a, uint64_t v)
{
	return v < 3 ? arena_printf(a, "level %u", (unsigned)v) : "reserved";
}

static const char *oas_words(struct arena *a, uint64_t v)
{
	static const unsigned bits[] = { 32, 36, 40, 42, 44, 48, 52, 56 };

	return arena_printf(a, "%u bits", bits[v & 7]);
}

static const char *vax_words(struct arena *a, uint64_t v)
{
	static const char *const words[] = { "48 bits", "52 bits", "56 bits", "reserved" };

	(void)a;
	return words[v & 3];
}

static const char *hex_words(struct arena *a, uint64_t v)
{
	return arena_printf(a, "0x%x", (unsigned)v);
}

static const struct reg_field idr0_fields[] = {
	{ "S2P", 0, 1, "stage 2 is there", "IDR0", NULL, "stage-2" },
	{ "S1P", 1, 1, "stage 1 is there", "IDR0", NULL, "stage-1" },
	{ "TTF", 2, 2, "formats of page tables", "IDR0", ttf_words, NULL },
	{ "COHACC", 4, 1, "its table walks are coherent", "IDR0", NULL, "coherent" },
	{ "BTM", 5, 1, "takes part in the processors' TLB invalidations", "IDR0", NULL, NULL },
	{ "HTTU", 6, 2, "what it updates in page tables", "IDR0", httu_words, NULL },
	{ "DORMHINT", 8, 1, "dormant hint", "IDR0", NULL, NULL },
	{ "HYP", 9, 1, "hypervisor stage 1", "IDR0", NULL, NULL },
	{ "ATS", 10, 1, "PCIe ATS", "IDR0", NULL, "ats" },
	{ "NS1ATS", 11, 1, "no split-stage ATS", "IDR0", NULL, NULL },
	{ "ASID16", 12, 1, "ASIDs of 16 bits", "IDR0", NULL, NULL },
	{ "MSI", 13, 1, "its own interrupts can be MSIs", "IDR0", NULL, NULL },
	{ "SEV", 14, 1, "wakes processors that wait for it", "IDR0", NULL, NULL },
	{ "ATOS", 15, 1, "translates addresses for software", "IDR0", NULL, NULL },
	{ "PRI", 16, 1, "PCIe page requests", "IDR0", NULL, "pri" },
	{ "VMW", 17, 1, "VMID wildcards", "IDR0", NULL, NULL },
	{ "VMID16", 18, 1, "VMIDs of 16 bits", "IDR0", NULL, NULL },
	{ "CD2L", 19, 1, "tables of context descriptors of two levels", "IDR0", NULL, NULL },
	{ "VATOS", 20, 1, "translates addresses for virtual machines", "IDR0", NULL, NULL },
	{ "TTENDIAN", 21, 2, "byte order of page tables", "IDR0", endian_words, NULL },
	{ "ATSRECERR", 23, 1, "reports refused ATS requests", "IDR0", NULL, NULL },
	{ "STALL_MODEL", 24, 2, "what a fault does to its transaction", "IDR0", stall_words, NULL },
	{ "TERM_MODEL", 26, 1, "terminated transactions are always aborted", "IDR0", NULL, NULL },
	{ "ST_LEVEL", 27, 2, "form of the stream table", "IDR0", level_words, NULL },
	{ "RME_IMPL", 30, 1, "realm management extension", "IDR0", NULL, NULL },
};

static const struct reg_field idr1_fields[] = {
	{ "SIDSIZE", 0, 6, "bits of a stream id", "IDR1", NULL, NULL },
	{ "SSIDSIZE", 6, 5, "bits of a substream id (PASID)", "IDR1", NULL, NULL },
	{ "PRIQS", 11, 5, "largest page request queue", "IDR1", log2_words, NULL },
	{ "EVENTQS", 16, 5, "largest event queue", "IDR1", log2_words, NULL },
	{ "CMDQS", 21, 5, "largest command queue", "IDR1", log2_words, NULL },
	{ "ATTR_PERMS_OVR", 26, 1, "overrides permissions of incoming transactions", "IDR1", NULL, NULL },
	{ "ATTR_TYPES_OVR", 27, 1, "overrides memory types of incoming transactions", "IDR1", NULL, NULL },
	{ "REL", 28, 1, "fixed bases are relative", "IDR1", NULL, NULL },
	{ "QUEUES_PRESET", 29, 1, "bases of queues are fixed", "IDR1", NULL, NULL },
	{ "TABLES_PRESET", 30, 1, "base of the stream table is fixed", "IDR1", NULL, NULL },
	{ "ECMDQ", 31, 1, "enhanced command queues", "IDR1", NULL, NULL },
};

static const struct reg_field idr2_fields[] = {
	{ "BA_VATOS", 0, 10, "page of the VATOS registers", "IDR2", NULL, NULL },
};

static const struct reg_field idr3_fields[] = {
	{ "HAD", 2, 1, "hierarchical permissions can be off", "IDR3", NULL, NULL },
	{ "PBHA", 3, 1, "page-based hardware attributes", "IDR3", NULL, NULL },
	{ "XNX", 4, 1, "stage 2 has execute-never for each privilege", "IDR3", NULL, NULL },
	{ "PPS", 5, 1, "page requests may need a PASID in their response", "IDR3", NULL, NULL },
	{ "MPAM", 7, 1, "memory partitioning and monitoring", "IDR3", NULL, NULL },
	{ "FWB", 8, 1, "stage 2 can force write-back", "IDR3", NULL, "fwb" },
	{ "STT", 9, 1, "small translation tables", "IDR3", NULL, NULL },
	{ "RIL", 10, 1, "invalidation of ranges", "IDR3", NULL, "range-invalidation" },
	{ "BBML", 11, 2, "changes of block sizes without break-before-make", "IDR3", bbml_words, NULL },
	{ "E0PD", 13, 1, "EL0 can be kept out of half the address space", "IDR3", NULL, NULL },
	{ "PTWNNC", 14, 1, "table walks treat device memory as normal", "IDR3", NULL, NULL },
	{ "DPT", 15, 1, "device permission table", "IDR3", NULL, NULL },
};

static const struct reg_field idr4_fields[] = {
	{ "IMPL", 0, 32, "up to the implementation", "IDR4", hex_words, NULL },
};

static const struct reg_field idr5_fields[] = {
	{ "OAS", 0, 3, "width of output addresses", "IDR5", oas_words, NULL },
	{ "GRAN4K", 4, 1, "pages of 4 KiB", "IDR5", NULL, "4k" },
	{ "GRAN16K", 5, 1, "pages of 16 KiB", "IDR5", NULL, "16k" },
	{ "GRAN64K", 6, 1, "pages of 64 KiB", "IDR5", NULL, "64k" },
	{ "DS", 7, 1, "addresses of 52 bits with small pages", "IDR5", NULL, NULL },
	{ "D128", 8, 1, "descriptors of 128 bits", "IDR5", NULL, NULL },
	{ "VAX", 10, 2, "width of input addresses", "IDR5", vax_words, NULL },
	{ "STALL_MAX", 16, 16, "most transactions that can be stalled", "IDR5", NULL, NULL },
};

static const struct reg_field iidr_fields[] = {
	{ "IMPLEMENTER", 0, 12, "JEP106 code of who made it (0x43b: Arm)", "IIDR", hex_words, NULL },
	{ "REVISION", 12, 4, "minor revision", "IIDR", NULL, NULL },
	{ "VARIANT", 16, 4, "major revision", "IIDR", NULL, NULL },
	{ "PRODUCTID", 20, 12, "product", "IIDR", hex_words, NULL },
};

static const struct reg_field aidr_fields[] = {
	{ "ARCHMINORREV", 0, 4, "minor number of the architecture", "AIDR", NULL, NULL },
	{ "ARCHMAJORREV", 4, 4, "major number, 0 is SMMUv3", "AIDR", NULL, NULL },
};

#define TABLE(reg_name, f)                                                                            \
	static const struct reg_table f##_table = { .reg = (reg_name), .spec = "Arm IHI 0070 6.3", \
						    .fields = f##_fields, .n = ARRAY_SIZE(f##_fields) }

TABLE("IDR0", idr0);
TABLE("IDR1", idr1);
TABLE("IDR2", idr2);
TABLE("IDR3", idr3);
TABLE("IDR4", idr4);
TABLE("IDR5", idr5);
TABLE("IIDR", iidr);
TABLE("AIDR", aidr);

const struct reg_table *const smmuv3_tables[SMMUV3_REGS] = {
	&idr0_table, &idr1_table, &idr2_table, &idr3_table, &idr4_table, &idr5_table, &iidr_table, &aidr_table,
};

#define ARM	 0x43b
#define MMU_600	 0x483
#define MMU_700	 0x487
#define S2P	 (1u << 0)
#define S1P	 (1u << 1)
#define HTTU(v)	 ((v) >> 6 & 3)
#define FWB	 (1u << 8)

/* Implementations on which nesting goes wrong (arm_smmu_device_iidr_probe()). */
static const char *erratum(uint32_t iidr)
{
	unsigned product = iidr >> 20, variant = iidr >> 16 & 15, revision = iidr >> 12 & 15;

	if ((iidr & 0xfff) != ARM)
		return NULL;
	if (product == MMU_600 && variant < 2)
		return "it is an MMU-600 of before r2, on which the driver does not nest (erratum 1209401)";
	if (product == MMU_700 && (variant < 1 || revision < 1))
		return "it is an MMU-700 of before r1p1, on which the driver does not nest (errata 2268618, 2812531)";
	return NULL;
}

enum tri smmuv3_nests(const uint32_t idr[6], uint32_t iidr, const char **ret_why)
{
	if (!(idr[0] & S1P) || !(idr[0] & S2P)) {
		*ret_why = idr[0] & S1P ? "it translates by stage 1 alone (IDR0.S2P is 0), and nesting takes both stages" :
			   idr[0] & S2P ? "it translates by stage 2 alone (IDR0.S1P is 0), and nesting takes both stages" :
					  "it has neither stage (IDR0.S1P and S2P are 0)";
		return TRI_NO;
	}
	*ret_why = erratum(iidr);
	if (*ret_why)
		return TRI_NO;
	if (!(idr[3] & FWB)) {
		*ret_why = "it has both stages but cannot force writes to be cached (IDR3.FWB is 0): a virtual IOMMU is made only for a device that firmware calls "
			   "coherent whatever its guest does (CANWBS of the IORT)";
		return TRI_UNKNOWN;
	}
	*ret_why = "it has both stages, and can force writes to be cached (IDR3.FWB)";
	return TRI_YES;
}

const char *smmuv3_no_dirty(const uint32_t idr[6])
{
	if (!(idr[0] & S1P))
		return "dirty tracking is of stage 1, which it has not (IDR0.S1P is 0)";
	return HTTU(idr[0]) < 2 ? "it does not mark pages as written by itself (IDR0.HTTU), or not coherently" : NULL;
}
