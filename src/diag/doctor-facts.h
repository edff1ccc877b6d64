/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of doctor share. */
#ifndef IOMMUCTL_DIAG_DOCTOR_FACTS_H
#define IOMMUCTL_DIAG_DOCTOR_FACTS_H

#include "diag/doctor.h"
#include "host/acpi.h"
#include "host/switches.h"

enum cpu_vendor { CPU_OTHER, CPU_INTEL, CPU_AMD };

struct exam {
	struct host *h;
	const struct switches *sw;
	const struct acpi *acpi;
	struct finding f;
	size_t n_units;	 /* that are hardware, or a hypervisor's */
	size_t n_groups; /* that are no no-IOMMU groups */
	size_t n_noiommu;
	enum cpu_vendor vendor;
	bool is_guest; /* runs on a hypervisor */
	int missing;   /* as in struct diagnosis */
};

/* Adds a reason with a sentence and its evidence; both may be NULL in @fact. Returned to be filled in. */
struct reason *exam_say(struct exam *e, enum severity severity, const char *code, const struct fact *fact,
			const char *fmt, ...) _printf_(5, 6);

/* Remembers why something could not be looked up. */
void exam_missing(struct exam *e, int err);

void examine_iommu(struct exam *e);	 /* doctor-iommu.c: is there one, is it on, and if not why */
void examine_interfaces(struct exam *e); /* doctor-vfio.c: iommufd, VFIO, interrupts, no-IOMMU mode */
void examine_bindings(struct exam *e);	 /* doctor-bindings.c: what is to be bound at every boot */
void examine_devices(struct exam *e);	 /* doctor-devices.c: framebuffer, memory that must stay mapped */
void examine_owners(struct exam *e);	 /* doctor-owners.c: counts of owners that nothing accounts for */

#endif
