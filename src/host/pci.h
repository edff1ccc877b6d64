/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a PCI function's configuration space says. */
#ifndef IOMMUCTL_HOST_PCI_H
#define IOMMUCTL_HOST_PCI_H

#include "host/host.h"

/* The device/port type field of the PCI Express capability (PCIe base spec, 7.5.3.2). */
enum pcie_type {
	PCIE_NONE = -1, /* no PCI Express capability: conventional PCI */
	PCIE_ENDPOINT = 0,
	PCIE_LEGACY_ENDPOINT = 1,
	PCIE_ROOT_PORT = 4,
	PCIE_UPSTREAM = 5,
	PCIE_DOWNSTREAM = 6,
	PCIE_TO_PCI = 7,
	PCI_TO_PCIE = 8,
	PCIE_RC_ENDPOINT = 9,
	PCIE_RC_EVENT_COLLECTOR = 0xa,
};

/* ACS control and capability bits (PCIe base spec 7.7.11). */
enum acs_bits {
	ACS_SV = 0x01,
	ACS_TB = 0x02,
	ACS_RR = 0x04,
	ACS_CR = 0x08,
	ACS_UF = 0x10,
	ACS_EC = 0x20,
	ACS_DT = 0x40,
	ACS_ISOLATION = ACS_SV | ACS_RR | ACS_CR | ACS_UF, /* what the kernel wants: 0x1d */
};

struct pci_info {
	int err;	/* 0, or why config space cannot be read; -ENODATA: cut before the header's end;
			   -EIO: reads as all ones, so nothing answers there */
	size_t len;	/* bytes that could be read: 64 without privilege, 256, 4096 */
	bool sleeping;	/* not read because it is runtime-suspended (reading would wake it) */
	uint8_t header; /* 0 normal, 1 bridge, 2 CardBus; without the multifunction bit */
	/* As the kernel has it (pci_setup_device(), pci_scan_slot(), pci_iov_add_virtfn()): header bit 7,
	 * always yes for functions above 0, never for VFs. pci_parse() knows the header bit only. */
	enum tri multifunction;
	uint16_t command;
	uint8_t secondary, subordinate; /* if header is 1 */
	/* known only when the capability list could be walked (caps_known), the extended one (ext_known) */
	bool caps_known, ext_known;
	enum pcie_type pcie;
	bool has_acs, has_ats, has_pri, has_pasid, has_sriov,
		has_flr; /* PRI and PASID of VFs are in their PF */
	uint16_t acs_cap, acs_ctrl;
	uint16_t ats_cap, ats_ctrl;
	uint16_t pri_ctrl, pri_status;
	uint32_t pri_max;
	uint16_t pasid_cap, pasid_ctrl;
	uint16_t sriov_ctrl, sriov_total, sriov_num, sriov_vf_device;
	const uint8_t *raw; /* @len bytes */
};

/* Never NULL; read once. See err and the *_known fields. */
const struct pci_info *device_pci(struct host *h, struct device *d);

/* Parses config space that is in memory already (fuzzers, unit tests). Never fails: hostile capability
 * chains end where they loop or leave the data. */
void pci_parse(const uint8_t *raw, size_t len, struct pci_info *ret);

/* What the kernel makes of a function's ACS when it forms groups (pci_acs_enabled() in drivers/pci/pci.c). */
enum acs_state {
	ACS_STATE_UNKNOWN,    /* config space does not tell: see err, sleeping, *_known */
	ACS_STATE_ISOLATES,   /* every bit of ACS_ISOLATION that the capability has is on */
	ACS_STATE_BITS_OFF,   /* some are off */
	ACS_STATE_NO_CAP,     /* a port or one function of several, and no ACS capability */
	ACS_STATE_NEVER,      /* conventional PCI, bridges from or to it, event collectors: never isolated */
	ACS_STATE_NOT_NEEDED, /* one function alone in its slot: nobody to be isolated from */
};

/*
 * The state, and in *@ret_missing (may be NULL) the bits that would have to be on and are not: those of
 * ACS_ISOLATION that the capability has and control does not; all of them without a capability. Bits that the
 * capability lacks count as hard-wired on. What a quirk in the kernel says otherwise is not visible here.
 */
enum acs_state pci_acs_state(const struct pci_info *pci, uint16_t *ret_missing);

/* Whether that state keeps devices apart: yes, no, unknown. */
enum tri acs_state_isolates(enum acs_state s);

const char *pcie_type_name(enum pcie_type t); /* "root port", "endpoint", … */

/* "SV RR CR UF" for the bits set, in @buf; "-" for none. */
const char *acs_bits_name(uint16_t bits, char *buf, size_t size);

#endif
