// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/recorder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kmem/kmem.h"
#include "kmem/walk.h"

/* -- tracepoints --------------------------------------------------------------------------------------------------------- */

struct tracepoint {
	const char *name;
	bool fault; /* tells of faults or page requests */
	bool map;
};

static const struct tracepoint named[] = {
	{ "iommu/io_page_fault", .fault = true },
	{ "intel_iommu/prq_report", .fault = true },
	{ "iommu/map", .map = true },
	{ "iommu/unmap", .map = true },
	/* the log has what the units complain about; its lines in the trace are in order with all else */
	{ "printk/console", .fault = true },
};

static bool is_wanted(const struct recorder_options *opt, const char *event)
{
	if (opt->no_io_page_fault && streq(event, "iommu/io_page_fault"))
		return false;
	if (opt->everything)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (streq(event, named[i].name))
			return named[i].map ? opt->maps : named[i].fault && !strstarts(event, "printk/");
	return false;
}

static void enable_event(struct recorder *r, const struct recorder_options *opt, const char *system, const char *name)
{
	char event[256];

	snprintf(event, sizeof(event), "%s/%s", system, name);
	if (is_wanted(opt, event) && tracefs_write_own(&r->fs, "1", "events/%s/enable", event) == 0)
		*vec_push(&r->events) = arena_strdup(r->arena, event);
}

/* What there is in this kernel, whatever it is called: the decoders count what they do not know. */
static void enable_system(struct recorder *r, const struct recorder_options *opt, const char *system)
{
	char path[SRC_PATH_MAX];
	struct dirent *e;
	DIR *d;

	pathf(path, sizeof(path), "%s/events/%s", r->fs.root, system);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && e->d_type == DT_DIR)
			enable_event(r, opt, system, e->d_name);
	if (d)
		closedir(d);
}

static int enable_events(struct ctx *ctx, struct recorder *r, const struct recorder_options *opt)
{
	enable_system(r, opt, "iommu");
	enable_system(r, opt, "intel_iommu");
	if (tracefs_has(&r->fs, "events/printk/console"))
		enable_event(r, opt, "printk", "console");
	if (!opt->everything || r->events.n)
		return 0;
	return tracefs_cannot(ctx, "no-events", &r->fs, EOPNOTSUPP,
			      "this kernel has no trace events of IOMMUs (CONFIG_IOMMU_API, CONFIG_TRACEPOINTS)", NULL);
}

/* -- probes -------------------------------------------------------------------------------------------------------------- */

#define AT(t, f) ((t)->field[KF_##f].offset)

static bool has(const struct ktypes *t, enum kfield f)
{
	return t->field[f].size != 0;
}

/* The fault inside of what iommu_report_device_fault() gets: struct iopf_fault, before 6.9 struct iommu_fault_event. */
static uint32_t fault_offset(const struct ktypes *t)
{
	return has(t, KF_FAULT_EVENT_FAULT) ? AT(t, FAULT_EVENT_FAULT) : AT(t, IOPF_FAULT);
}

static bool can_probe_faults(const struct ktypes *t)
{
	return (has(t, KF_IOPF_FAULT) || has(t, KF_FAULT_EVENT_FAULT)) && has(t, KF_FAULT_FLAGS) && has(t, KF_FAULT_PASID) &&
	       has(t, KF_FAULT_GRPID) && has(t, KF_FAULT_PERM) && has(t, KF_FAULT_ADDR) && has(t, KF_DEVICE_KOBJ) &&
	       has(t, KF_KOBJ_NAME);
}

static bool can_probe_responses(const struct ktypes *t)
{
	return has(t, KF_IOPF_GROUP_LAST) && has(t, KF_IOPF_GROUP_PARAM) && has(t, KF_IOPF_PARAM_DEV) && has(t, KF_IOPF_FAULT);
}

static int add_probe(struct ctx *ctx, struct recorder *r, char kind, const char *event, const char *function, const char *args)
{
	int err = tracefs_add_probe(&r->fs, kind, event, function, args);

	if (err == -EPERM)
		return tracefs_cannot(ctx, "lockdown", &r->fs, EPERM,
				      "the kernel refuses probes: it is locked down (confidentiality)", NULL);
	if (err == 0 && kind == 'p')
		*vec_push(&r->probes) = function;
	return err;
}

/* Page requests and their answers: no IOMMU but VT-d has trace events for them. */
static int probe_faults(struct ctx *ctx, struct recorder *r, const struct ktypes *t)
{
	uint32_t f = fault_offset(t), g = AT(t, IOPF_GROUP_LAST) + AT(t, IOPF_FAULT), name = AT(t, DEVICE_KOBJ) + AT(t, KOBJ_NAME);
	char args[512];
	int err;

	if (!can_probe_faults(t))
		return -EOPNOTSUPP;
	snprintf(args, sizeof(args), "dev=+0(+%u($arg1)):string flags=+%u($arg2):x32 pasid=+%u($arg2):u32 grpid=+%u($arg2):u32 "
		 "perm=+%u($arg2):x32 addr=+%u($arg2):x64", name, f + AT(t, FAULT_FLAGS), f + AT(t, FAULT_PASID), f + AT(t, FAULT_GRPID),
		 f + AT(t, FAULT_PERM), f + AT(t, FAULT_ADDR));
	err = add_probe(ctx, r, 'p', "iommuctl_request", "iommu_report_device_fault", args);
	if (err < 0)
		return err;
	/* negative: nobody takes page requests of this device, and the core has answered by itself */
	if (t->report_returns)
		add_probe(ctx, r, 'r', "iommuctl_request_ret", "iommu_report_device_fault", "ret=$retval:s32");
	if (!can_probe_responses(t))
		return -EOPNOTSUPP;
	snprintf(args, sizeof(args), "dev=+0(+%u(+%u(+%u($arg1)))):string flags=+%u($arg1):x32 pasid=+%u($arg1):u32 grpid=+%u($arg1):u32 code=$arg2:u32",
		 name, AT(t, IOPF_PARAM_DEV), AT(t, IOPF_GROUP_PARAM), g + AT(t, FAULT_FLAGS), g + AT(t, FAULT_PASID),
		 g + AT(t, FAULT_GRPID));
	return add_probe(ctx, r, 'p', "iommuctl_response", "iopf_group_response", args);
}

/*
 * Where domains are named. A tracepoint's map or unmap follows the call by the same task, so the domain and the address
 * are enough to bring them together. Kernels differ in which functions there are, and inline others: all are probed.
 */
static const struct {
	const char *event, *function, *args;
} with_domain[] = {
	{ "iommuctl_map", "iommu_map", "domain=$arg1:x64 iova=$arg2:x64" },
	{ "iommuctl_map_nosync", "iommu_map_nosync", "domain=$arg1:x64 iova=$arg2:x64" },
	{ "iommuctl_map_sg", "iommu_map_sg", "domain=$arg1:x64 iova=$arg2:x64" },
	{ "iommuctl_unmap", "iommu_unmap", "domain=$arg1:x64 iova=$arg2:x64" },
	{ "iommuctl_unmap_fast", "iommu_unmap_fast", "domain=$arg1:x64 iova=$arg2:x64" },
};

static int probe_domains(struct ctx *ctx, struct recorder *r, const struct ktypes *t)
{
	bool maps = false, unmaps = false;
	char args[128];
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(with_domain); i++) {
		err = add_probe(ctx, r, 'p', with_domain[i].event, with_domain[i].function, with_domain[i].args);
		if (err == -EPERM)
			return err;
		maps |= err == 0 && strstarts(with_domain[i].event, "iommuctl_map");
		unmaps |= err == 0 && strstarts(with_domain[i].event, "iommuctl_unmap");
	}
	if (!maps || !unmaps)
		return tracefs_cannot(ctx, "no-probe", &r->fs, EOPNOTSUPP, "no probe can be set on iommu_map and iommu_unmap", NULL);
	if (has(t, KF_DEVICE_KOBJ) && has(t, KF_KOBJ_NAME)) {
		snprintf(args, sizeof(args), "domain=$arg1:x64 dev=+0(+%u($arg2)):string", AT(t, DEVICE_KOBJ) + AT(t, KOBJ_NAME));
		add_probe(ctx, r, 'p', "iommuctl_attach", "__iommu_attach_device", args);
	}
	return 0;
}

static int add_probes(struct ctx *ctx, struct recorder *r, const struct recorder_options *opt)
{
	struct ktypes types = { 0 };
	int err = kmem_types("", &types);

	if (err == 0)
		err = probe_faults(ctx, r, &types);
	if (err < 0 && err != -EPERM)
		ctx_warn(ctx, "no-page-requests", 0, NULL, "page requests and their answers are recorded only as far as trace events "
			 "tell: this kernel has no type information (CONFIG_DEBUG_INFO_BTF) for what they need, or not those functions");
	if (err != -EPERM)
		err = opt->domains ? probe_domains(ctx, r, &types) : 0;
	ktypes_free(&types);
	return err;
}

/* -- what is attached already ----------------------------------------------------------------------------------------------- */

static void add_attached(void *arg, uint64_t domain, const char *device)
{
	struct recorder *r = arg;

	*vec_push(&r->attached) = (struct recorder_attached){ domain, device };
}

/* The probes see devices that are attached from now on; those before are in the kernel's memory only. */
static void look_at_attached(struct ctx *ctx, struct recorder *r)
{
	_cleanup_(cleanup_kmem_free) struct kmem *k = NULL;
	obstacle_vec obstacles = { 0 };
	int err = kmem_open("", r->arena, &obstacles, &k);

	if (err == 0)
		err = walk_attached(k, r->arena, add_attached, r);
	if (err < 0)
		ctx_note(ctx, (struct note){ .level = NOTE_WARNING, .code = "attached-unknown",
					     .why = obstacles.n ? obstacles.v[0].why : NULL, .err = -err },
			 "which devices are attached to which domains already");
	vec_free(&obstacles);
}

/* -- together ------------------------------------------------------------------------------------------------------------ */

static void set_buffer(struct recorder *r, uint64_t bytes)
{
	char kib[32];

	snprintf(kib, sizeof(kib), "%llu", (unsigned long long)MAX(bytes >> 10, (uint64_t)64));
	tracefs_write_own(&r->fs, kib, "buffer_size_kb");
}

int recorder_start(struct ctx *ctx, const struct recorder_options *opt, struct arena *arena, struct recorder *ret)
{
	int err;

	*ret = (struct recorder){ .arena = arena };
	err = tracefs_open(ctx, "trace", "recording", &ret->fs);
	if (err == 0)
		err = add_probes(ctx, ret, opt);
	if (err == 0)
		err = tracefs_make_instance(ctx, &ret->fs);
	if (err < 0)
		return err;
	if (opt->buffer_bytes)
		set_buffer(ret, opt->buffer_bytes);
	err = enable_events(ctx, ret, opt);
	if (err == 0 && ret->probes.n)
		err = tracefs_enable_probes(&ret->fs, true);
	if (err == 0 && opt->domains)
		look_at_attached(ctx, ret);
	return err;
}

int recorder_fd(const struct recorder *r)
{
	return r->fs.pipe;
}

ssize_t recorder_read(struct recorder *r, char *buf, size_t size)
{
	for (;;) {
		ssize_t n = read(r->fs.pipe, buf, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		return n;
	}
}

void recorder_pause(struct recorder *r)
{
	tracefs_write_own(&r->fs, "0", "tracing_on");
}

uint64_t recorder_lost(const struct recorder *r)
{
	return tracefs_lost(&r->fs);
}

void recorder_stop(struct recorder *r)
{
	tracefs_close(&r->fs);
	vec_free(&r->events);
	vec_free(&r->probes);
	vec_free(&r->attached);
}
