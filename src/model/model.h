/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's IOMMU core, iommufd and the driver core around them, in this process, on the devices of whichever source is
 * given: a backend, and a source that shows the facts as the backend's operations left them. Nothing outside the process changes.
 *
 * It keeps state and follows the kernel's rules; each rule names its place in the kernel (7.2). What it does not model: memory
 * and its accounting (RLIMIT_MEMLOCK), physical contiguity, DMA, and time.
 */
#ifndef IOMMUCTL_MODEL_MODEL_H
#define IOMMUCTL_MODEL_MODEL_H

#include "backend/backend.h"
#include "source/source.h"

/* Uses of a group that nobody will ever give back. */
struct model_leak {
	uint32_t group, count;
};

/* What is otherwise than the source says. All zero: nothing. */
struct model_options {
	bool nesting;			     /* SMMUv3, whose registers no file shows, can */
	bool no_nesting, no_dirty, no_pasid; /* hardware that the IOMMUs lack */
	bool non_coherent;		     /* no IOMMU snoops */
	bool no_isolated_msi;
	bool unsafe_interrupts;		     /* iommufd.allow_unsafe_interrupts */
	bool no_mock;			     /* a kernel without the selftest device */
	unsigned iommus;		     /* each unit is this many, and its groups are dealt out among them; 0 as 1 */
	const struct model_leak *leaks;	     /* the options' owner keeps the array */
	size_t n_leaks;
};

/*
 * Reads the words of --inject, "no-dirty,leak=7:2", into @o, on top of what is there. Arrays come from the arena of @ctx.
 * -EINVAL, noted.
 */
int model_inject(struct ctx *ctx, struct model_options *o, const char *words);

/* The words and what each does, for help: name (with what follows it) and text. NULL at the end. */
struct model_word {
	const char *name, *text;
};
extern const struct model_word model_words[];

/*
 * @ctx and @base stay the caller's and must outlive both results. *@ret_overlay is closed by source_close() before or after the
 * backend; it reads @base and never closes it. @opt NULL: no injections. -ENOENT, noted: an injected leak names a group that is not there.
 */
int model_open(struct ctx *ctx, struct source *base, const struct model_options *opt, struct backend **ret,
	       struct source **ret_overlay);

/*
 * A page request of a selftest device that need not be the last of its group, which the kernel's selftest driver always makes it. @b is
 * what model_open() gave. -EINVAL: nobody takes it, and it was answered invalid.
 */
int model_page_request(struct backend *b, const struct op_mock_fault *op, bool last);

#endif
