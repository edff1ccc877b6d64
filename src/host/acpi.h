/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the firmware says about IOMMUs, in the ACPI tables DMAR (Intel), IVRS (AMD), IORT (Arm) and VIOT
 * (virtual machines): units with the devices behind them, and memory that must stay mapped for a device.
 *
 * All four are brought into one form. Firmware is foreign input: a structure that lies about its length or
 * ends too early is noted as an issue with its offset, and everything before it (and after it, where the
 * next one can be found) is still used.
 */
#ifndef IOMMUCTL_HOST_ACPI_H
#define IOMMUCTL_HOST_ACPI_H

#include "base/vec.h"
#include "host/host.h"

enum acpi_table_id { ACPI_DMAR, ACPI_IVRS, ACPI_IORT, ACPI_VIOT, ACPI_TABLES };

struct acpi_issue {
	enum acpi_table_id table;
	uint32_t offset; /* of the structure, from the table's start */
	const char *text;
};

struct acpi_table {
	int err;	 /* 0: read and at least its header is sound */
	uint32_t length; /* as the header says */
	size_t size;	 /* bytes that we have */
	uint8_t revision;
	bool checksum_ok;
	const char *oem_id, *oem_table_id; /* blanks at the end cut */
};

enum acpi_scope_kind {
	SCOPE_ALL,	 /* every device of the segment that nobody else names */
	SCOPE_ENDPOINT,	 /* one function */
	SCOPE_HIERARCHY, /* a bridge and everything below it */
	SCOPE_RANGE,	 /* requester ids first to last */
	SCOPE_IOAPIC,
	SCOPE_HPET,
	SCOPE_NAMESPACE, /* a device that only ACPI knows, by name */
	SCOPE_ADDRESS,	 /* a device known by its MMIO address (VIOT) */
	SCOPE_OTHER,
};

#define ACPI_PATH_MAX 16

/* One entry of a list of devices. */
struct acpi_scope {
	enum acpi_scope_kind kind;
	uint16_t segment;
	/* endpoint, hierarchy, I/O APIC, HPET in DMAR: a start bus and {device, function} of each hop from there */
	uint8_t bus, n_path;
	uint8_t path[ACPI_PATH_MAX][2];
	uint16_t first, last; /* range: requester ids, inclusive. IVRS, IORT and VIOT endpoints: first == last */
	uint32_t id;	      /* I/O APIC or HPET number, ITS id, endpoint id of VIOT */
	uint64_t address;     /* SCOPE_ADDRESS */
	const char *name;     /* SCOPE_NAMESPACE: "\_SB.PCI0.I2C1", "AMDI0020:0" */
	uint32_t alias;	      /* IVRS: requester id that it uses instead; ACPI_NO_ALIAS none */
	/* filled by acpi_resolve(): the requester, when the bridges on its path are known */
	bool resolved;
	struct pci_addr addr;
	struct device *device; /* NULL: the machine has no such device now */
};

#define ACPI_NO_ALIAS UINT32_MAX

typedef VEC(struct acpi_scope) acpi_scopes;

struct acpi_unit {
	enum acpi_table_id table;
	uint32_t offset;
	enum unit_kind kind;
	uint64_t base; /* MMIO base; 0 when it has none (virtio-iommu on PCI) */
	uint16_t segment;
	bool has_addr; /* it is a PCI function: AMD-Vi, virtio-iommu */
	struct pci_addr addr;
	bool superseded;	/* IVHD: a newer type describes the same unit, and the kernel takes that one */
	bool include_all;	/* DMAR: everything in the segment that no other unit names */
	enum tri coherent;	/* IORT: page walks are coherent by firmware's word (COHACC override, coherent walk) */
	struct num node;	/* proximity domain */
	uint8_t type;		/* IVHD type 10h, 11h, 40h; IORT model; DRHD 0 */
	uint8_t flags;		/* as in the table */
	struct num efr, efr2;	/* IVHD 11h and 40h: copy of the feature registers */
	const char *name;	/* what it is in the table: "DRHD", "IVHD 40h", "SMMUv3", "virtio-iommu" */
	acpi_scopes scopes;
};

/* Memory that firmware asks to keep mapped (or kept out) for some devices. */
struct acpi_reserved {
	enum acpi_table_id table;
	uint32_t offset;
	uint16_t segment;
	uint64_t start, end; /* inclusive */
	const char *kind;    /* "RMRR", "unity map", "exclusion range", "RMR" */
	bool read, write;    /* IVMD; both true elsewhere */
	bool relaxable;	     /* RMR that may be remapped */
	acpi_scopes scopes;
};

/* Root ports and endpoints whose ATS firmware vouches for (DMAR: ATSR, SATC). */
struct acpi_ats {
	uint32_t offset;
	uint16_t segment;
	bool satc;	   /* integrated endpoints with a translation cache */
	bool all_ports;	   /* ATSR */
	bool atc_required; /* SATC: the device must use ATS to work */
	acpi_scopes scopes;
};

enum iort_type {
	IORT_ITS_GROUP = 0,
	IORT_COMPONENT = 1,
	IORT_ROOT_COMPLEX = 2,
	IORT_SMMU = 3,
	IORT_SMMU_V3 = 4,
	IORT_PMCG = 5,
	IORT_RMR = 6,
};

/* IORT: a device or root complex, what it can do, and where its ids go. */
struct acpi_iort_map {
	uint32_t input, count, output; /* count: number of ids */
	uint32_t target;	       /* offset of the node it leads to */
	bool single;
};

struct acpi_iort_node {
	uint32_t offset;
	uint8_t type; /* enum iort_type */
	uint8_t revision;
	const char *name; /* of a named component */
	uint32_t segment; /* of a root complex */
	enum tri coherent; /* CCA of components and root complexes */
	bool ats, pri, pasid_forward;
	int unit;	  /* index in units of SMMU nodes, else -1 */
	uint32_t reference; /* PMCG: node that it counts for */
	VEC(struct acpi_iort_map) maps;
};

struct acpi {
	struct arena *arena;
	struct acpi_table tables[ACPI_TABLES];
	VEC(struct acpi_issue) issues;
	VEC(struct acpi_unit) units;
	VEC(struct acpi_reserved) reserved;
	VEC(struct acpi_ats) ats;
	VEC(struct acpi_iort_node) nodes;
	uint8_t dmar_width; /* host address width in bits; 0 unknown */
	uint8_t dmar_flags; /* DMAR_* below */
	uint32_t ivinfo;    /* IVRS */
	size_t n_scopes;    /* made by ids and ranges, which a small table can multiply; bounded */
};

/* DMAR flags (VT-d specification 8.1; ACPI_DMAR_* in include/acpi/actbl1.h). */
enum dmar_flags {
	DMAR_INTR_REMAP = 1 << 0,
	DMAR_X2APIC_OPT_OUT = 1 << 1,
	DMAR_DMA_CTRL_OPT_IN = 1 << 2, /* firmware wants DMA kept in check from the start */
};

/* IVRS IVinfo (IOMMU_IVINFO_* in amd_iommu_types.h). */
enum ivinfo_flags {
	IVINFO_EFR_SUP = 1 << 0,
	IVINFO_DMA_REMAP = 1 << 1, /* firmware had remapping on before boot */
};

/* The tables of the machine, read once; never NULL. A table that could not be read has its err set; issues and
 * wrong checksums are noted in the context as warnings. */
const struct acpi *host_acpi(struct host *h);

/* Parses one table that is in memory (unit tests, fuzzing). Adds to @a, whose arena is set. 0, or -EBADMSG when not
 * even the header is sound; everything smaller is an issue. */
int acpi_parse(struct acpi *a, enum acpi_table_id which, const void *data, size_t len);
void acpi_free(struct acpi *a);

/* Finds the devices that scopes mean, through the bridges of the host. */
void acpi_resolve(struct acpi *a, struct host *h);

/* The unit of the tables that is this one: by register base (VT-d, SMMU) or PCI address (AMD-Vi, virtio). NULL none. */
const struct acpi_unit *acpi_find_unit(const struct acpi *a, enum unit_kind kind, uint64_t base,
				       const struct pci_addr *addr);

/* Whether the scope means this device (resolved scopes; a hierarchy takes in what is below its bridge). */
bool acpi_scope_has(struct host *h, const struct acpi_scope *s, struct device *d);

/* The reserved ranges that firmware asks for on behalf of @d; array in the host's arena. */
size_t acpi_reserved_of(struct host *h, struct device *d, const struct acpi_reserved ***ret);

/* "DMAR". The file is sys/firmware/acpi/tables/DMAR. */
const char *acpi_table_name(enum acpi_table_id t);

/* The scope in words: "0000:00:02.0", "0000:00:1c.0 and below", "I/O APIC 2 as 0000:f0:1f.0"; in @arena. */
const char *acpi_scope_text(struct arena *arena, const struct acpi_scope *s);

#endif
