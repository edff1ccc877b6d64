/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the guard share. Nobody else's. */
#ifndef IOMMUCTL_DIAG_GUARD_FACTS_H
#define IOMMUCTL_DIAG_GUARD_FACTS_H

#include "diag/guard.h"
#include "host/devinfo.h"

/* A line of mountinfo (proc(5)); octal escapes taken out. */
struct mounted {
	unsigned major, minor;
	const char *point, *fstype, *source, *options; /* options: of the superblock */
};

/* A loop device and the file behind it. */
struct loop_file {
	const char *block, *file;
};

struct guard_facts {
	struct host *h;
	struct mounted *mounts;
	size_t n_mounts;
	int mounts_err;
	const char *mounts_file; /* with its leading slash, for evidence */
	const char **swaps;	 /* what each swap area is on: "/dev/dm-1", "/swapfile" */
	size_t n_swaps;
	int swaps_err;
	struct loop_file *loops;
	size_t n_loops;
	const char *btrfs; /* " sda2 sdb " : members of mounted btrfs file systems */
	/* whether the view is that of the machine itself and not a container's: no, unknown: @ns_why says which namespace differs */
	enum tri whole;
	const char *ns_file, *ns_why;
	int ns_err; /* -ENOTCAPTURED with @whole yes: taken for it, since a capture does not say */
	const char *ssh_local; /* our address of the ssh connection; NULL none */
	struct guard_net *net; /* guard-net.c; NULL until asked */
};

/* One judgement while it is made. */
struct guarding {
	struct guard_facts *f;
	struct host *h;
	struct device *d;
	struct device *const *with;
	size_t n_with;
	struct finding out;
	int missing;
	bool loss, unknown;
};

/* Adds a reason that decides (problem or unknown, see finding_add()) about the device; the text is to be filled in. */
struct reason *guard_loss(struct guarding *g, const char *code);
struct reason *guard_unknown(struct guarding *g, const char *code, int err);

/* Whether @d is the device that is asked about, or one of those that go with it. */
bool guard_moves_along(const struct guarding *g, const struct device *d);

/* "a, b and 3 more" in the arena. */
const char *guard_join(struct arena *a, const char *const *v, size_t n);

/* The parts, each of which adds its reasons. */
void guard_disks(struct guarding *g);
void guard_network(struct guarding *g);
void guard_console(struct guarding *g);
void guard_keyboard(struct guarding *g);

#endif
