/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One IOMMU unit in full: its registers decoded, where it sits, what is behind it, and what cannot be seen. */
#ifndef IOMMUCTL_HOST_UNITS_H
#define IOMMUCTL_HOST_UNITS_H

#include "host/acpi.h"
#include "host/host.h"
#include "out/record.h"

/* A register field, decoded. Rendered as it is: unit_field_record. */
struct unit_field {
	const char *reg;   /* "CAP" */
	const char *field; /* "SAGAW" */
	struct num bit, width, value;
	const char *words; /* "48-bit (4 levels)" */
	const char *text;  /* what the field is about */
	const char *ref;   /* register in the specification */
};

/* Something that this unit does not show, and why. Rendered as it is: unit_hidden_record. */
struct unit_hidden {
	const char *what, *why;
};

/* Memory that firmware wants mapped for a device behind this unit. Rendered as it is: unit_reserved_record. */
struct unit_reserved {
	struct num start, end;
	const char *kind;   /* "RMRR", "unity map", "exclusion range", "RMR" */
	const char *device; /* as the table names it, or the device's address */
	struct num group;   /* of that device; unknown: it has none, or is not there */
	const char *type;   /* the kernel's word for that range in the group (direct, direct-relaxable); NULL: not listed there */
};

struct unit_info {
	struct num address;	  /* of its registers */
	const char *address_from; /* where that came from: a path, "its name", "ACPI table IVRS"; NULL */
	struct num domains_used;  /* VT-d; includes those that the driver keeps for itself */
	struct num domains_supported;
	struct num address_bits;  /* widest guest address; VT-d */
	struct num pasid_bits;	  /* 0: no PASIDs */
	struct num cap, ecap;	  /* VT-d; cap alone AMD-Vi */
	struct num efr, efr2;	  /* AMD-Vi */
	struct unit_field *fields;
	size_t n_fields;
	struct strs features; /* words for what it can do; unknown where nothing tells */
	const struct acpi_unit *acpi; /* NULL: no table describes it, or none could be read */
	struct num node;	      /* NUMA: proximity domain by firmware */
	struct device **devices;
	size_t n_devices;
	struct group **groups;
	size_t n_groups;
	struct unit_hidden *hidden;
	size_t n_hidden;
};

extern const struct record_type unit_field_record, unit_hidden_record, unit_reserved_record;

/* Never NULL; read once. A register that could not be read is unknown, with the reason in hidden. */
const struct unit_info *unit_info(struct host *h, struct unit *u);

/* The register version "MAJOR:MINOR"; the kernel reads it from the hardware on every look. 0 or negative errno. */
int unit_version(struct host *h, const struct unit *u, char **ret);

/* The reserved memory of devices behind the unit, from the firmware's tables; array in the host's arena. */
size_t unit_reserved(struct host *h, struct unit *u, struct unit_reserved **ret);

/*
 * Whether the kernel takes DMA through this unit for cache-coherent (IOMMU_CAP_CACHE_COHERENCY): without it VFIO
 * and iommufd refuse the device (EINVAL). By what each driver answers: VT-d, AMD-Vi, virtio, s390 and the mock always yes
 * (their *_capable()); SMMUs by a register or the firmware's word; of the others nothing tells. @ret_why, if not NULL: what tells.
 */
enum tri unit_cache_coherent(struct host *h, struct unit *u, const char **ret_why);

/* "smmu3.0x000000002b400000" holds an address: 0, or -EINVAL. */
int unit_name_address(const char *name, uint64_t *ret);

#endif
