// SPDX-License-Identifier: GPL-2.0-or-later
/* The nouns viommu, vdevice and hwqueue: what a guest's IOMMU is made of. */
#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "base/str.h"
#include "cmd/device.h"
#include "cmd/object/objects.h"

/* -- viommu ------------------------------------------------------------------------------------------------------------- */

static const struct record_type viommu_record = MADE_RECORD("viommu.alloc");

static const struct type_word viommu_types[] = {
	{ "smmuv3", IOMMU_VIOMMU_TYPE_ARM_SMMUV3 },
	{ "tegra241-cmdqv", IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV },
	{ "selftest", IOMMU_VIOMMU_TYPE_SELFTEST },
	{ 0 },
};

static const struct errno_text viommu_texts[] = {
	{ EOPNOTSUPP, "the driver of this device's IOMMU has no virtual IOMMU of that type", "VT-d nests on the hwpt itself: hwpt alloc HWPT --data vtd-s1:..." },
	{ EINVAL, "that cannot be its stage 2: it wants an hwpt made with --nest-parent, of the same physical IOMMU", "object tree" },
	{ ENOENT, "the device or the hwpt is not there", "object tree" },
	{ EEXIST, "there is an object of that name", "destroy it first, or take another name" },
	{ 0 },
};

static int need_device(struct invocation *inv, struct op_object *ret)
{
	if (!inv_opt(inv, "device"))
		return bad_argument(inv, command_name(inv), "--device is missing", "it is a slice of the IOMMU of one device: --device NAME");
	return object_find_device(inv, inv_opt(inv, "device"), ret);
}

static int run_viommu(struct invocation *inv)
{
	struct errno_text lacks[] = { { EOPNOTSUPP, NULL, "device hwinfo shows its registers" }, { 0 } };
	struct op_viommu_alloc op = { 0 };
	/* CMDQV answers with what to map, the mock takes and answers a few bytes */
	struct iommu_viommu_selftest data = { 0 };
	struct op_data d = { .in = &data, .in_len = sizeof(data), .out = &data, .out_cap = sizeof(data), .fd_in = -1, .fd_out = -1 };
	struct op_object device, pt;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = option_type(inv, "type", viommu_types, "smmuv3", &op.type);
	if (r == EXIT_DONE)
		r = need_device(inv, &device);
	if (r == EXIT_DONE)
		r = object_find(inv, inv->argv[0], &pt);
	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	op.handle = device.handle;
	op.hwpt_id = pt.id;
	if (op.type == IOMMU_VIOMMU_TYPE_ARM_SMMUV3)
		d = OP_DATA_NONE;
	else if (op.type == IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV)
		d.in_len = d.out_cap = sizeof(struct iommu_viommu_tegra241_cmdqv);
	r = backend_viommu_alloc(be, &op, &d);
	if (r == -EOPNOTSUPP && op.type == IOMMU_VIOMMU_TYPE_ARM_SMMUV3)
		lacks[0].why = unit_refusal(inv, be, op.handle, IOMMU_HW_INFO_TYPE_ARM_SMMUV3, true, false);
	if (r < 0)
		return op_failed_on(inv, r, &pt, OP_KIND_HWPT, lacks[0].why ? lacks : viommu_texts, 0x90, "viommu alloc %s", inv->argv[0]);
	return object_made(inv, op.name, OP_KIND_VIOMMU, op.ret_id);
}

/* -- vdevice ------------------------------------------------------------------------------------------------------------ */

static const struct record_type vdevice_record = MADE_RECORD("vdevice.alloc");

static int run_vdevice(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EEXIST, "the device has one already, the id is taken, or there is an object of that name", "object tree" },
		{ EINVAL, "the device is behind another physical IOMMU than the viommu is a slice of", NULL },
		{ ENOENT, "the device is not bound to this iommufd", "object tree" },
		{ 0 },
	};
	struct op_vdevice_alloc op = { 0 };
	struct op_object viommu = { 0 }, device = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_NUMBER(2, &op.virt_id), TAKE_OBJECT(0, &viommu), TAKE_DEVICE(1, &device));
	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	op.viommu_id = viommu.id;
	op.handle = device.handle;
	r = backend_vdevice_alloc(be, &op, NULL);
	if (r < 0)
		return op_failed_on(inv, r, &viommu, OP_KIND_VIOMMU, texts, 0x91, "vdevice alloc %s %s", inv->argv[0], inv->argv[1]);
	return object_made(inv, op.name, OP_KIND_VDEVICE, op.ret_id);
}

/* -- hwqueue ------------------------------------------------------------------------------------------------------------- */

static const struct record_type hwqueue_record = MADE_RECORD("hwqueue.alloc");

static const struct type_word hwqueue_types[] = {
	{ "tegra241-cmdqv", IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV },
	{ "selftest", IOMMU_HW_QUEUE_TYPE_SELFTEST },
	{ 0 },
};

static int need(struct invocation *inv, const char *option)
{
	if (inv_opt(inv, option))
		return EXIT_DONE;
	return bad_argument(inv, command_name(inv), arena_printf(&inv->ctx->arena, "--%s is missing", option), NULL);
}

static int run_hwqueue(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EOPNOTSUPP, "the viommu's driver has no hardware queues of that type", NULL },
		{ EINVAL, "the address, the length or the index is not one that it takes", NULL },
		{ EFAULT, "the queue's memory is not mapped as one piece", NULL },
		{ EOVERFLOW, "the range goes beyond 2^64", NULL },
		{ EEXIST, "there is one of that index, or an object of that name", NULL },
		{ ENOENT, "the queue's memory is not mapped", "object tree --maps shows what is" },
		{ 0 },
	};
	struct op_hwqueue_alloc op = { 0 };
	struct op_object viommu = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = option_type(inv, "type", hwqueue_types, "tegra241-cmdqv", &op.type);
	if (r == EXIT_DONE)
		r = need(inv, "base");
	if (r == EXIT_DONE)
		r = need(inv, "length");
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_NUMBER("base", &op.base), TAKE_OPT_NUMBER("length", &op.length), TAKE_OPT_U32("index", &op.index),
			 TAKE_OBJECT(0, &viommu));
	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	op.viommu_id = viommu.id;
	r = backend_hwqueue_alloc(be, &op, NULL);
	if (r < 0)
		return op_failed_on(inv, r, &viommu, OP_KIND_VIOMMU, texts, 0x94, "hwqueue alloc %s", inv->argv[0]);
	return object_made(inv, op.name, OP_KIND_HWQUEUE, op.ret_id);
}

/* -- rows ------------------------------------------------------------------------------------------------------------------ */

static const struct arg_row viommu_args[] = {
	{ .name = "HWPT", .help = "its stage 2, made with --nest-parent", .complete = COMPLETE_OBJECT },
	{ 0 },
};

static const struct option_row viommu_options[] = {
	{ .name = "device", .arg = "NAME", .help = "an open device behind the physical IOMMU", .complete = COMPLETE_OBJECT },
	{ .name = "type", .arg = "TYPE", .help = "smmuv3 (the default), tegra241-cmdqv, selftest, or a number" },
	{ 0 },
};

static const struct arg_row vdevice_args[] = {
	{ .name = "VIOMMU", .help = "a virtual IOMMU", .complete = COMPLETE_OBJECT },
	{ .name = "NAME", .help = "an open device", .complete = COMPLETE_OBJECT },
	{ .name = "ID", .help = "its id inside the guest: a stream id, or a requester id" },
	{ 0 },
};

static const struct arg_row hwqueue_args[] = {
	{ .name = "VIOMMU", .help = "a virtual IOMMU", .complete = COMPLETE_OBJECT },
	{ 0 },
};

static const struct option_row hwqueue_options[] = {
	{ .name = "type", .arg = "TYPE", .help = "tegra241-cmdqv (the default), selftest, or a number" },
	{ .name = "index", .arg = "N", .help = "which of the guest's queues" },
	{ .name = "base", .arg = "ADDRESS", .help = "where the guest has its queue" },
	{ .name = "length", .arg = "BYTES", .help = "how long it is" },
	{ 0 },
};

static const struct command viommu_commands[] = {
	{
		.verb = "alloc",
		.summary = "make a slice of a physical IOMMU for a guest",
		.text = "It wraps one stage 2 and never spans two physical IOMMUs. Nested page tables are made on it (hwpt alloc), devices get their ids inside the "
			"guest by it (vdevice alloc), and a guest's invalidations go to it (hwpt invalidate). Of today's drivers SMMUv3 has them.",
		.args = viommu_args,
		.options = viommu_options,
		.record = &viommu_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = run_viommu,
	},
};

static const struct command vdevice_commands[] = {
	{
		.verb = "alloc",
		.summary = "say which id a device has inside the guest",
		.args = vdevice_args,
		.record = &vdevice_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = run_vdevice,
	},
};

static const struct command hwqueue_commands[] = {
	{
		.verb = "alloc",
		.summary = "let the hardware read a guest's command queue itself",
		.args = hwqueue_args,
		.options = hwqueue_options,
		.record = &hwqueue_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = run_hwqueue,
	},
};

const struct noun noun_viommu = {
	.name = "viommu",
	.summary = "slices of physical IOMMUs for guests",
	.commands = viommu_commands,
	.n = ARRAY_SIZE(viommu_commands),
};

const struct noun noun_vdevice = {
	.name = "vdevice",
	.summary = "ids of devices inside guests",
	.commands = vdevice_commands,
	.n = ARRAY_SIZE(vdevice_commands),
};

const struct noun noun_hwqueue = {
	.name = "hwqueue",
	.summary = "guests' command queues that the hardware reads itself",
	.commands = hwqueue_commands,
	.n = ARRAY_SIZE(hwqueue_commands),
};
