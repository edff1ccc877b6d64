/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an IOMMU did, whoever said so: one event type for kernel logs of all vendors, ftrace, trace.dat and our
 * own JSON Lines. An event is valid only while the sink that got it runs: its slices point into the
 * reader's buffer. Who wants to keep one copies it.
 */
#ifndef IOMMUCTL_TRACE_EVENT_H
#define IOMMUCTL_TRACE_EVENT_H

#include "trace/scan.h"

enum event_kind {
	EVENT_NONE,
	EVENT_ATTACH,
	EVENT_ATTACHED, /* was attached when the recording began */
	EVENT_DETACH,
	EVENT_GROUP_ADD,
	EVENT_GROUP_REMOVE,
	EVENT_MAP,
	EVENT_UNMAP,
	EVENT_FAULT,	     /* unrecoverable, or an error of the unit itself: see struct fault_info */
	EVENT_PAGE_REQUEST,  /* recoverable: the device waits for an answer */
	EVENT_PAGE_RESPONSE,
	EVENT_INVALIDATE,    /* a command that the hardware got */
	EVENT_FLUSH,	     /* what a driver asked for (cache_tag_flush_*): becomes one or more EVENT_INVALIDATE */
	EVENT_TAG_ASSIGN,    /* from here on, flushes of the domain go to this device's cache */
	EVENT_TAG_UNASSIGN,
	EVENT_VEVENT,	     /* an event that a virtual IOMMU handed to its owner */
	EVENT_LOST,	     /* the recorder lost events here */
	EVENT_MAX
};

/* Who reported it. The words are those of the contract: vt-d, amd-vi, smmuv2, smmuv3, virtio; and those of event.c for systems on chips. */
enum vendor {
	VENDOR_UNKNOWN,
	VENDOR_VTD,
	VENDOR_AMD,
	VENDOR_SMMUV2,
	VENDOR_SMMUV3,
	VENDOR_VIRTIO,
	VENDOR_RISCV,
	/* from here on: no public specification, the drivers' words tell the reason */
	VENDOR_DART, /* Apple */
	VENDOR_EXYNOS,
	VENDOR_IPMMU, /* Renesas */
	VENDOR_MEDIATEK,
	VENDOR_OMAP,
	VENDOR_ROCKCHIP,
	VENDOR_SUN50I, /* Allwinner */
	VENDOR_TEGRA,
	VENDOR_MAX
};

/* Which members of an event are known. */
enum event_has {
	HAS_TIME = 1 << 0, /* time_ns, since boot */
	HAS_CPU = 1 << 1,
	HAS_PID = 1 << 2,
	HAS_ADDR = 1 << 3,
	HAS_SIZE = 1 << 4,
	HAS_PADDR = 1 << 5,
	HAS_DONE = 1 << 6, /* done: how much an unmap really unmapped */
	HAS_DOMAIN = 1 << 7,
	HAS_PASID = 1 << 8,
	HAS_GROUP = 1 << 9,
	HAS_SOURCE = 1 << 10,  /* source_id */
	HAS_SEGMENT = 1 << 11, /* device carries its PCI segment, or is no PCI address at all */
	HAS_DOMAIN_OBJECT = 1 << 12,
};

/* What a transaction wanted. */
enum access {
	ACCESS_READ = 1 << 0,
	ACCESS_WRITE = 1 << 1,
	ACCESS_EXEC = 1 << 2,
	ACCESS_PRIVILEGED = 1 << 3,
};

enum fault_kind {
	FAULT_DMA,		/* a memory access was refused */
	FAULT_INTERRUPT,	/* an interrupt was refused by interrupt remapping */
	FAULT_CONFIG,		/* the unit could not use its own tables for this device */
	FAULT_COMMAND,		/* a command to the unit was wrong or failed */
	FAULT_INVALIDATION,	/* a device or unit did not finish an invalidation */
	FAULT_PAGE_REQUEST,	/* a page request that was refused, or lost */
	FAULT_GLOBAL,		/* an error that the unit cannot give to one context */
	FAULT_MAX
};

struct fault_info {
	enum fault_kind kind;
	bool has_code, has_flags, has_index, overflowed, stalled;
	bool code_doubtful;   /* printed without 0x, and nothing else tells decimal from hex */
	bool reason_doubtful; /* faults of two units were logged at once: the reason may be the other's */
	uint32_t code;	/* VT-d fault reason, AMD event code, SMMUv3 event id, SMMUv2 FSR or GFSR, virtio reason; else the unit's own */
	uint64_t flags; /* the vendor's own: AMD event flags, SMMUv3 event word 1, SMMUv2 FSYNR0 */
	uint64_t index; /* of the interrupt remapping entry */
	struct slice text;   /* the log's own words for the reason */
	struct slice detail; /* where the walk of the tables ended, what the event's attributes were */
};

enum inval_kind {
	INVAL_CONTEXT,	  /* device table, context cache, stream table */
	INVAL_IOTLB,
	INVAL_DEVTLB,	  /* ATC */
	INVAL_PASID,	  /* PASID cache, context descriptors */
	INVAL_INTERRUPT,  /* interrupt entry cache */
	INVAL_WAIT,	  /* waits for all before it */
	INVAL_PREFETCH,
	INVAL_OTHER,
	INVAL_MAX
};

enum inval_scope { EXTENT_UNKNOWN, EXTENT_GLOBAL, EXTENT_DOMAIN, EXTENT_DEVICE, EXTENT_PASID, EXTENT_RANGE, EXTENT_MAX };

struct inval_info {
	enum inval_kind kind;
	enum inval_scope scope;
	bool leaf; /* only last-level entries: the tables above did not change */
	bool nested, not_present; /* of a flush: for a nested domain; after a map, for non-present entries */
};

struct page_info {
	uint32_t group; /* page request group index (PRGI), stall tag */
	bool last;
	bool privileged_exec;
	bool core; /* seen in the kernel's core, not in the unit's queue: a trace may have both of one request */
	uint32_t code;	/* of a response: 0 success, 1 invalid, 0xf failure (PCIe base spec 10.4.2.1) */
	bool has_seq;
	uint64_t seq;
};

struct event {
	enum event_kind kind;
	enum vendor vendor;
	unsigned has;	 /* enum event_has */
	unsigned access; /* enum access, 0 unknown */
	int32_t cpu, pid;
	uint64_t time_ns;
	struct slice stamp;  /* a log's own date, as written */
	struct slice task;
	struct slice unit;   /* "dmar0", "ivhd0", "arm-smmu-v3.2.auto", "virtio1" */
	struct slice device; /* "0000:02:00.0", "02:00.0" when the log gave no segment, "1d84000.ufshc" */
	struct slice driver;
	uint64_t addr, size, paddr, done;
	uint32_t domain, pasid, group; /* domain: the hardware's id of it */
	uint32_t domain_object;	       /* number of the kernel's domain, from 1, in the order of the trace */
	uint32_t source_id;  /* requester id, stream id, endpoint id */
	uint64_t lost;	     /* EVENT_LOST: how many, 0 unknown */
	union {
		struct fault_info fault;
		struct inval_info inval;
		struct page_info page;
	};
	uint64_t line; /* where it was read, from 1 */
};

/* The words of JSON and of text. Never NULL; static. */
const char *event_kind_name(enum event_kind k);
const char *vendor_name(enum vendor v); /* NULL for VENDOR_UNKNOWN */
const char *fault_kind_name(enum fault_kind k);
const char *inval_kind_name(enum inval_kind k);
const char *inval_scope_name(enum inval_scope s);

/* And back; the first value (NONE, UNKNOWN) when there is no such word. */
enum event_kind event_kind_parse(struct slice s);
enum vendor vendor_parse(struct slice s);
bool fault_kind_parse(struct slice s, enum fault_kind *ret);
bool inval_kind_parse(struct slice s, enum inval_kind *ret);
enum inval_scope inval_scope_parse(struct slice s);

/* "read", "write", "read+write", "execute", …; NULL when 0. Static. */
const char *access_name(unsigned access);
unsigned access_parse(struct slice s);

/* "success", "invalid", "failure", "reserved". */
const char *response_name(uint32_t code);

#endif
