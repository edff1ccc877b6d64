/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recording what IOMMUs do: the tracepoints that this kernel has, and probes where it has none, in a tracing instance of our own.
 * What comes out is the kernel's text; src/trace/probe.c reads what the probes wrote.
 */
#ifndef IOMMUCTL_KMEM_RECORDER_H
#define IOMMUCTL_KMEM_RECORDER_H

#include "base/vec.h"
#include "kmem/tracefs.h"
#include "out/record.h"

struct recorder_options {
	/* Maps, unmaps, invalidations, attaches; without it only what tells of faults and page requests. */
	bool everything;
	bool maps;    /* map and unmap, also without everything */
	bool domains; /* probes that carry the domain on map, unmap and attach: each of these costs more */
	/*
	 * Leave iommu:io_page_fault off. Needed where an SMMUv2 is: its driver reports faults without a device, and the event
	 * reads the device's name (arm_smmu_context_fault() in drivers/iommu/arm/arm-smmu/arm-smmu.c).
	 */
	bool no_io_page_fault;
	uint64_t buffer_bytes; /* for each processor */
};

/* A device that was attached to a domain when the recording began. */
struct recorder_attached {
	uint64_t domain; /* the kernel's address of it: what the probes print */
	const char *device;
};

struct recorder {
	struct tracefs fs;
	struct arena *arena;
	VEC(const char *) events;  /* "iommu/map" … that are on */
	VEC(const char *) probes;  /* functions that are probed */
	VEC(struct recorder_attached) attached; /* with domains, as far as the kernel's memory could be read */
};

/*
 * Starts recording. @arena keeps what is told about it. What cannot be had and was not asked for by name is a warning; errors are noted: -EOPNOTSUPP,
 * -EACCES, -EPERM and others. recorder_stop() is needed in any case.
 */
int recorder_start(struct ctx *ctx, const struct recorder_options *opt, struct arena *arena, struct recorder *ret);

/* Readable when there is something; not on every kernel for the first event. */
int recorder_fd(const struct recorder *r);

/* What is there, without waiting: bytes, 0 when there is nothing now, negative errno. Whole lines, if @size is 4096 or more. */
ssize_t recorder_read(struct recorder *r, char *buf, size_t size);

/* No more events; what was recorded can still be read. */
void recorder_pause(struct recorder *r);

/* Events lost so far because they were not read in time. */
uint64_t recorder_lost(const struct recorder *r);

/* Takes everything away again. */
void recorder_stop(struct recorder *r);

#endif
