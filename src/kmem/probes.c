// SPDX-License-Identifier: GPL-2.0-or-later
/* The kprobes: made, read and taken away. */
#include "kmem/probes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kmem/kmem.h"
#include "kmem/tracefs.h"

struct probes {
	struct tracefs fs;
};

/* What is watched. Arguments: D of a struct device, G of a struct iommu_group, R the return value. */
static const struct {
	const char *event, *function;
	char arguments;
	bool needed;
} wanted[] = {
	{ "use", "iommu_device_use_default_domain", 'D', true },
	{ "use_ret", "iommu_device_use_default_domain", 'R', true },
	{ "unuse", "iommu_device_unuse_default_domain", 'D', true },
	{ "claim", "iommu_device_claim_dma_owner", 'D', false }, /* after 6.1 */
	{ "claim_ret", "iommu_device_claim_dma_owner", 'R', false },
	{ "release", "iommu_device_release_dma_owner", 'D', false },
	{ "group_claim", "iommu_group_claim_dma_owner", 'G', true },
	{ "group_claim_ret", "iommu_group_claim_dma_owner", 'R', true },
	{ "group_release", "iommu_group_release_dma_owner", 'G', true },
};

/* -- starting ----------------------------------------------------------------------------------------------------------- */

/* Where the members are, as an expression of the probe language. */
static void arguments(const struct ktypes *t, char kind, char *buf, size_t len)
{
#define AT(f) t->field[KF_##f].offset
	if (kind == 'R')
		snprintf(buf, len, "ret=$retval:s32");
	else if (kind == 'G')
		snprintf(buf, len, "grp=$arg1:x64 group=+%u($arg1):s32 count=+%u($arg1):u32 task=$comm", AT(GROUP_ID), AT(GROUP_OWNER_CNT));
	else
		snprintf(buf, len,
			 "grp=+%u($arg1):x64 group=+%u(+%u($arg1)):s32 count=+%u(+%u($arg1)):u32 dev=+0(+%u($arg1)):string "
			 "drv=+0(+%u(+%u($arg1))):string task=$comm",
			 AT(DEVICE_GROUP), AT(GROUP_ID), AT(DEVICE_GROUP), AT(GROUP_OWNER_CNT), AT(DEVICE_GROUP),
			 AT(DEVICE_KOBJ) + AT(KOBJ_NAME), AT(DRIVER_NAME), AT(DEVICE_DRIVER));
#undef AT
}

static int make_events(struct ctx *ctx, struct probes *p, const struct ktypes *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char args[384];
		int r;

		arguments(t, wanted[i].arguments, args, sizeof(args));
		r = tracefs_add_probe(&p->fs, wanted[i].arguments == 'R' ? 'r' : 'p', wanted[i].event, wanted[i].function, args);
		if (r == -EPERM)
			return tracefs_cannot(ctx, "lockdown", &p->fs, EPERM,
					      "the kernel refuses probes: it is locked down (confidentiality)", NULL);
		if (r < 0 && wanted[i].needed)
			return tracefs_cannot(ctx, "no-probe", &p->fs, -r == EACCES ? EACCES : EOPNOTSUPP,
					      arena_printf(&ctx->arena, "no probe can be set on %s: %s", wanted[i].function,
							   err_text(-r)),
					      NULL);
	}
	return 0;
}

/* Who called: on the calls, not on their returns; without it the ledger is as true, only less telling. */
static void want_stacks(const struct probes *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i].arguments != 'R')
			tracefs_write_own(&p->fs, "stacktrace", "events/%s/%s/trigger", p->fs.name, wanted[i].event);
}

static int needed_types(struct ctx *ctx, const struct probes *p, struct ktypes *t)
{
	static const enum kfield needed[] = { KF_DEVICE_GROUP, KF_DEVICE_KOBJ, KF_KOBJ_NAME, KF_DEVICE_DRIVER,
					      KF_DRIVER_NAME,  KF_GROUP_ID,    KF_GROUP_OWNER_CNT };
	int r = kmem_types("", t);

	if (r < 0)
		return tracefs_cannot(ctx, "no-btf", &p->fs, EOPNOTSUPP,
				      "the kernel's type information, /sys/kernel/btf/vmlinux, is not there (CONFIG_DEBUG_INFO_BTF) or cannot be read",
			      NULL);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!t->field[needed[i]].size)
			return tracefs_cannot(ctx, "no-member", &p->fs, EOPNOTSUPP,
					      arena_printf(&ctx->arena, "this kernel has no %s of the kind we know", kfield_name(needed[i])), NULL);
	return 0;
}

int probes_start(struct ctx *ctx, struct probes **ret)
{
	_cleanup_(cleanup_probes_stop) struct probes *p = must_calloc(1, sizeof(*p));
	struct ktypes types = { 0 };
	int r;

	r = tracefs_open(ctx, "owner", "watching the groups' owners", &p->fs);
	if (r < 0)
		return r;
	r = needed_types(ctx, p, &types);
	if (r == 0)
		r = make_events(ctx, p, &types);
	ktypes_free(&types);
	if (r == 0)
		r = tracefs_make_instance(ctx, &p->fs);
	if (r < 0)
		return r;
	want_stacks(p);
	r = tracefs_enable_probes(&p->fs, true);
	if (r < 0)
		return tracefs_cannot(ctx, "no-probe", &p->fs, -r, "the probes cannot be switched on", NULL);
	*ret = p;
	p = NULL;
	return 0;
}

/* -- reading and ending --------------------------------------------------------------------------------------------------- */

int probes_fd(const struct probes *p)
{
	return p->fs.pipe;
}

int probes_read(struct probes *p, struct probe_log *log, int save_fd)
{
	char buf[8192];

	for (;;) {
		ssize_t n = read(p->fs.pipe, buf, sizeof(buf)), saved;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 || errno == EAGAIN ? 0 : -errno;
		probe_log_text(log, buf, (size_t)n);
		saved = save_fd >= 0 ? write(save_fd, buf, (size_t)n) : n;
		if (saved != n)
			return saved < 0 ? -errno : -ENOSPC;
	}
}

void probes_pause(struct probes *p)
{
	tracefs_enable_probes(&p->fs, false);
}

void probes_stop(struct probes *p)
{
	if (!p)
		return;
	tracefs_close(&p->fs);
	free(p);
}
