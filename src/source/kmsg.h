/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel log: SECTION_KMSG.
 *
 *	{ "complete": bool,	nothing was overwritten before the first line was read
 *	  "lines": [ { "seq": 42, "usec": 1234567 | null, "level": 6 | null, "text": "pci 0000:00:03.0: …" } ] }
 *
 * seq is the kernel's number of the record, from 0 at boot and without gaps; only a log from /dev/kmsg has it.
 *
 * Live from /dev/kmsg: -EPERM when dmesg_restrict forbids it. In a tree or tar that somebody made, from
 * dmesg.txt, dmesg, var/log/dmesg or var/log/kern.log. Private: in a snapshot that is not full only lines about
 * PCI, IOMMUs and VFIO are kept, addresses and serial numbers masked.
 */
#ifndef IOMMUCTL_SOURCE_KMSG_H
#define IOMMUCTL_SOURCE_KMSG_H

#include "out/record.h"
#include "source/source.h"

struct kmsg_line {
	struct num seq;
	struct num usec;  /* since boot */
	struct num level; /* syslog's: 3 error, 4 warning, 6 information */
	const char *text; /* without time and newline */
};

struct kmsg {
	bool complete;
	struct kmsg_line *v;
	size_t n;
};

/* The log of the machine that @src is of. -ENOTCAPTURED; errors of the section. */
int source_kmsg(struct source *src, struct ctx *ctx, struct arena *a, struct kmsg *ret);

/* The live log from now on, not blocking: each read gives one record. A descriptor, or negative errno (-EPERM: dmesg_restrict). */
int kmsg_follow(void);

/*
 * A record's text as the kernel printed it, in place: /dev/kmsg writes tabs, backslashes and what is not ASCII as "\x09" (kernel/printk/printk.c,
 * msg_add_ext_text()). Line feeds and other control characters stay as they are written. The new length.
 */
size_t kmsg_plain(char *text, size_t len);

/* The provider of the live section. */
int kmsg_gather(struct ctx *ctx, struct json_object **ret);

/* The section from a text as dmesg(1) or a log file has it: "[    1.234567] text", with or without "<6>" or a
 * syslog head before it. Never fails. */
struct json_object *kmsg_from_text(const char *text, size_t len);

/* The same from the files of a hand-made tree. -ENOTCAPTURED when there is none. */
int kmsg_from_files(struct source *s, struct json_object **ret);

/* Whether a line is about PCI, IOMMUs or VFIO, and so kept in every snapshot. */
bool kmsg_concerns_us(const char *text);

#endif
