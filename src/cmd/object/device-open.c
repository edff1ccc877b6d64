// SPDX-License-Identifier: GPL-2.0-or-later
/* device open, close, attach and detach; map and unmap of a type1 container. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/device.h"
#include "cmd/object/objects.h"
#include "cmd/rows.h"
#include "diag/open-refused.h"
#include "host/holders.h"
#include "session/place.h"
#include "session/remote.h"

/* -- open ---------------------------------------------------------------------------------------------------------------- */

const struct record_type device_open_record = MADE_RECORD("device.open");

const char device_open_text[] =
	"Opens a device of VFIO and binds it to the iommufd of the batch or session, which claims its group. Opening resets the device. It "
	"must be on a driver of VFIO (device bind). Closing gives it back.\n\n"
	"--no-bind opens it and goes no further: for a program that binds it itself, and is handed the descriptor by session exec. --legacy goes "
	"by the group and a type1 container, which kernels without iommufd have too.\n\n"
	"mock:NAME is a new device of the kernel's selftest driver (CONFIG_IOMMUFD_TEST), for developers and tests: it needs no hardware, and is "
	"attached at once, to --to or to an address space of its own.";

const struct arg_row device_open_args[] = {
	{ .name = "DEV", .help = "a device, or mock:NAME", .complete = COMPLETE_DEVICE },
	{ 0 },
};

const struct option_row device_open_options[] = {
	{ .name = "no-bind", .help = "open it only" },
	{ .name = "legacy", .help = "by its group and a type1 container" },
	{ .name = "to", .arg = "PT", .help = "mock: attach it to this ioas or hwpt", .complete = COMPLETE_OBJECT },
	{ .name = "no-dirty", .help = "mock: a device without dirty tracking" },
	{ .name = "pasid", .help = "mock: a device with PASIDs" },
	{ .short_name = 'n', .name = "dry-run", .help = "say what it would do, and do nothing" },
	{ 0 },
};

static uint32_t open_flags(const struct invocation *inv)
{
	return (inv_opt(inv, "no-bind") ? OP_OPEN_NO_BIND : 0) | (inv_opt(inv, "legacy") ? OP_OPEN_LEGACY : 0) |
	       (inv_opt(inv, "no-dirty") ? OP_OPEN_MOCK_NO_DIRTY : 0) | (inv_opt(inv, "pasid") ? OP_OPEN_MOCK_PASID : 0);
}

static int check_open(struct invocation *inv, bool mock)
{
	if (inv_opt(inv, "no-bind") && inv_opt(inv, "legacy"))
		return bad_argument(inv, "--no-bind --legacy", "they exclude each other", NULL);
	if (mock && (inv_opt(inv, "no-bind") || inv_opt(inv, "legacy")))
		return bad_argument(inv, inv->argv[0], "a mock device has neither --no-bind nor --legacy", NULL);
	if (!mock && (inv_opt(inv, "to") || inv_opt(inv, "no-dirty") || inv_opt(inv, "pasid")))
		return bad_argument(inv, inv->argv[0], "--to, --no-dirty and --pasid are for mock devices", NULL);
	return EXIT_DONE;
}

/* "session NAME has it", when one of ours holds its group. */
static const char *holding_session(struct invocation *inv, struct host *h, struct device *d)
{
	struct holder_list list;
	const char **names;
	size_t n;

	if (!d->group || place_list(inv->ctx, &names, &n) < 0)
		return NULL;
	group_holders(h, d->group, &list);
	for (size_t i = 0; list.n && i < n; i++) {
		struct session_info info;

		if (session_ask(inv->ctx, names[i], false, &info) < 0)
			continue;
		for (size_t k = 0; k < list.n; k++)
			if (list.v[k].pid.known && list.v[k].pid.v == info.pid)
				return arena_printf(&inv->ctx->arena, "session %s has it", names[i]);
	}
	return NULL;
}

/* EPERM is the group's state here, and no matter of who asks. */
static int say_refusal(struct invocation *inv, const struct refusal *why, struct host *h, struct device *d)
{
	ctx_error(inv->ctx, NOTE(.code = "object", .err = why->err, .why = why->text, .hint = holding_session(inv, h, d) ?: why->hint),
		  "device open %s", d->name);
	return why->err == -EPERM && !streq(why->cause, "permission") ? EXIT_FAILED : (int)exit_from_errno(why->err);
}

/* The name that it was opened by, here or in this session; NULL: it was not. */
static const char *open_here(struct invocation *inv, const struct device *d)
{
	struct op_object *v;
	size_t n;

	if (object_list(inv, &v, &n) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == OP_KIND_DEVICE && streq(v[i].bus, d->bus) && streq(v[i].dev, d->name))
			return v[i].name;
	return NULL;
}

/* The errno alone does not tell the causes apart, the facts do; they may also name the session that has the device. */
static int refused(struct invocation *inv, int err, struct host *h, struct device *d)
{
	struct refusal why;
	const char *name = open_here(inv, d);

	if (name) {
		ctx_error(inv->ctx, NOTE(.code = "object", .err = err, .why = arena_printf(&inv->ctx->arena, "it is open already, as %s", name),
					 .hint = arena_printf(&inv->ctx->arena, "device close %s", name)), "device open %s", d->name);
		return EXIT_FAILED;
	}
	open_refused(h, d, inv_opt(inv, "legacy") ? CLAIM_LEGACY : CLAIM_IOMMUFD, err, &why);
	why.err = err;
	return say_refusal(inv, &why, h, d);
}

static int opened(struct invocation *inv, const struct op_device_open *op)
{
	return object_made(inv, op->name, OP_KIND_DEVICE, op->ret_dev_id);
}

static int say_plan(struct invocation *inv, const char *device)
{
	if (wants_text(inv)) {
		out_text(inv->out, "%s: would be opened%s", device, inv_opt(inv, "no-bind") ? "" : ", which claims its group");
		out_text(inv->out, "opening resets the device: what it was doing is lost");
	}
	return EXIT_DONE;
}

static int open_mock(struct invocation *inv, struct backend *be, struct op_device_open *op)
{
	static const struct errno_text texts[] = {
		{ ENOTTY, "this kernel has no selftest devices (CONFIG_IOMMUFD_TEST)", NULL },
		{ EOPNOTSUPP, "this kernel has no such selftest device", NULL },
		{ ENOENT, "what it is to be attached to is not there", NULL },
		{ EEXIST, "there is an object of that name", "device close it first, or take another name" },
		{ 0 },
	};
	struct op_object to;
	int r = object_option(inv, "to", &to);

	if (r != EXIT_DONE)
		return r;
	op->pt_id = to.id;
	op->group = OP_NO_GROUP;
	strcpy(op->bus, "mock");
	if (strlen(inv->argv[0] + 5) >= sizeof(op->dev))
		return bad_argument(inv, inv->argv[0], "the name is too long", NULL);
	strcpy(op->dev, inv->argv[0] + 5);
	if (inv_opt(inv, "dry-run"))
		return say_plan(inv, inv->argv[0]);
	r = backend_device_open(be, op, NULL);
	return r < 0 ? op_failed(inv, r, texts, 0, "device open %s", inv->argv[0]) : opened(inv, op);
}

static int open_real(struct invocation *inv, struct backend *be, struct op_device_open *op)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct refusal why;
	struct device *d;
	int r = host_load(inv->ctx, inv->source, HOST_ALL, &h);

	if (r < 0)
		return r;
	r = host_find_device(h, inv->argv[0], &d);
	if (r < 0)
		return exit_from_lookup(r);
	if (!d->bus || strlen(d->bus) >= sizeof(op->bus) || strlen(d->name) >= sizeof(op->dev))
		return bad_argument(inv, inv->argv[0], "its name is too long", NULL);
	strcpy(op->bus, d->bus);
	strcpy(op->dev, d->name);
	op->group = d->group ? d->group->id : OP_NO_GROUP;
	if (inv_opt(inv, "dry-run"))
		return open_refused(h, d, inv_opt(inv, "legacy") ? CLAIM_LEGACY : CLAIM_IOMMUFD, 0, &why) ? say_refusal(inv, &why, h, d) :
													      say_plan(inv, d->name);
	r = backend_device_open(be, op, NULL);
	if (r == -EEXIST)
		return op_failed(inv, r, (struct errno_text[]){ { EEXIST, "there is an object of that name", NULL }, { 0 } }, 0,
				 "device open %s as %s", d->name, op->name);
	return r < 0 ? refused(inv, r, h, d) : opened(inv, op);
}

int device_open_run(struct invocation *inv)
{
	bool mock = strstarts(inv->argv[0], "mock:");
	struct op_device_open op = { .flags = open_flags(inv) };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = check_open(inv, mock);
	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	return mock ? open_mock(inv, be, &op) : open_real(inv, be, &op);
}

/* -- attach and detach ----------------------------------------------------------------------------------------------------- */

struct attach_row {
	const char *device, *page_table;
	struct num pasid;
	struct strs moved;
};

#define A(member, type, head, text, ...) FIELD(struct attach_row, member, type, head, text, ##__VA_ARGS__)

static const struct field attach_fields[] = {
	A(device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	A(page_table, F_STR, "PAGE-TABLE", "hwpt that it is attached to now; null: none", .flags = FIELD_DEFAULT),
	A(pasid, F_INT, "PASID", "process address space; null: the device itself", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	A(moved, F_STRS, "MOVED", "other devices of its group that were moved along", .flags = FIELD_DEFAULT),
};

const struct record_type device_attach_record = RECORD("device.attach", 1, struct attach_row, attach_fields);
const struct record_type device_detach_record = RECORD("device.detach", 1, struct attach_row, attach_fields);
const struct record_type device_close_record = RECORD("device.close", 1, struct attach_row, attach_fields);

const char device_attach_text[] =
	"Attaches an open device to a page table (hwpt), or to an address space (ioas): then a fitting page table is found or made. A device that is "
	"attached already is moved, in one step: the new table is in force before the old one is left. All attached devices of a group "
	"move together; those that were moved along are named.";

const char device_detach_text[] =
	"A device that is attached nowhere can do no DMA; its interrupts arrive where they are remapped (VT-d, AMD-Vi), and not where they are translated (SMMU). "
	"Detaching one that is not attached is no error.";

const struct arg_row device_attach_args[] = {
	{ .name = "NAME", .help = "an open device", .complete = COMPLETE_OBJECT },
	{ .name = "PT", .help = "an hwpt, or an ioas", .complete = COMPLETE_OBJECT },
	{ 0 },
};

const struct arg_row device_object_args[] = {
	{ .name = "NAME", .help = "an open device", .complete = COMPLETE_OBJECT },
	{ 0 },
};

const struct option_row device_pasid_options[] = {
	{ .name = "pasid", .arg = "N", .help = "a process address space of the device, not the device itself" },
	{ 0 },
};

static const struct errno_text attach_texts[] = {
	{ EINVAL, "this device cannot use that page table: its IOMMU is another one, a device of its group is attached elsewhere, or the table is not "
		  "made for what it is to do",
	  "object tree shows who is attached to what; hwpt alloc makes a table for this device" },
	{ EADDRINUSE, "something is mapped where this device has reserved regions", "group list -o +regions; ioas unmap what is there" },
	{ EBUSY, "its group is in use otherwise", "group check" },
	{ ENOENT, "there is no such page table or address space", "object tree" },
	{ EOPNOTSUPP, "this device or its driver cannot do that", NULL },
	{ ENODEV, "the page table asks for faults to be handled, and the device has no ATS and PRI", NULL },
	{ 0 },
};

/* Devices that are now elsewhere than in @before, without this one. */
static struct strs moved_along(struct invocation *inv, const struct op_link *before, size_t n, uint32_t handle)
{
	const char **names;
	struct op_link *after;
	size_t n_after, k = 0;

	if (link_list(inv, &after, &n_after) < 0)
		return (struct strs){ 0 };
	names = arena_array(&inv->ctx->arena, const char *, n_after + 1);
	for (size_t i = 0; i < n_after; i++)
		for (size_t j = 0; j < n && after[i].handle != handle; j++)
			if (before[j].handle == after[i].handle && before[j].flags == after[i].flags &&
			    before[j].pasid == after[i].pasid && before[j].hwpt_id != after[i].hwpt_id)
				names[k++] = device_word(inv, after[i].handle);
	return STRS(names, k);
}

static int say_attached(struct invocation *inv, const struct attach_row *row)
{
	if (!wants_text(inv))
		return out_row(inv->out, row);
	out_text(inv->out, "%s: attached to %s", row->device, row->page_table);
	for (size_t i = 0; i < row->moved.n; i++)
		out_text(inv->out, "%s: moved along to %s", row->moved.v[i], row->page_table);
	return EXIT_DONE;
}

static int attach_failed(struct invocation *inv, int err, const struct op_object *pt)
{
	struct errno_text other[] = { { -err, object_misfit(inv, pt, 1 << OP_KIND_HWPT | 1 << OP_KIND_IOAS, "an hwpt or an ioas"),
					"object tree lists what there is" }, { 0 } };

	return op_failed(inv, err, other->why ? other : attach_texts, 0, "device attach %s %s", inv->argv[0], inv->argv[1]);
}

int device_attach_run(struct invocation *inv)
{
	struct op_device_attach op = { .flags = inv_opt(inv, "pasid") ? OP_ATTACH_PASID : 0 };
	struct op_object device = { 0 }, pt = { 0 };
	struct attach_row row;
	struct op_link *before;
	struct backend *be;
	size_t n;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_U32("pasid", &op.pasid), TAKE_DEVICE(0, &device), TAKE_OBJECT(1, &pt));
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	op.pt_id = pt.id;
	r = link_list(inv, &before, &n);
	if (r == 0)
		r = backend_device_attach(be, &op, NULL);
	if (r < 0)
		return attach_failed(inv, r, &pt);
	object_changed(inv);
	row = (struct attach_row){
		.device = device_word(inv, device.handle),
		.page_table = object_word(inv, op.pt_id),
		.pasid = op.flags ? NUM(op.pasid) : NUM_UNKNOWN,
		.moved = moved_along(inv, before, n, device.handle),
	};
	return say_attached(inv, &row);
}

int device_detach_run(struct invocation *inv)
{
	struct op_device_detach op = { .flags = inv_opt(inv, "pasid") ? OP_ATTACH_PASID : 0 };
	struct op_object device = { 0 };
	struct attach_row row;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_U32("pasid", &op.pasid), TAKE_DEVICE(0, &device));
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	r = backend_device_detach(be, &op, NULL);
	if (r < 0)
		return op_failed(inv, r, attach_texts, 0, "device detach %s", inv->argv[0]);
	object_changed(inv);
	row = (struct attach_row){ .device = device_word(inv, device.handle), .pasid = op.flags ? NUM(op.pasid) : NUM_UNKNOWN,
				   .moved = STRS(NULL, 0) };
	return wants_text(inv) ? EXIT_DONE : out_row(inv->out, &row);
}

const char device_close_text[] =
	"Gives the device back: it is detached, and when no other process has its descriptor the kernel unbinds it from iommufd. The group is free when "
	"its last device is closed.";

int device_close_run(struct invocation *inv)
{
	struct op_device_close op = { 0 };
	struct op_object device;
	struct attach_row row;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = object_find_device(inv, inv->argv[0], &device);
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	row = (struct attach_row){ .device = device_word(inv, device.handle), .moved = STRS(NULL, 0) };
	r = backend_device_close(be, &op, NULL);
	if (r < 0)
		return op_failed(inv, r, NULL, 0, "device close %s", inv->argv[0]);
	object_changed(inv);
	return wants_text(inv) ? EXIT_DONE : out_row(inv->out, &row);
}

/* -- map and unmap ----------------------------------------------------------------------------------------------------------- */

struct legacy_row {
	const char *device;
	struct num iova, length;
};

static const struct field legacy_fields[] = {
	FIELD(struct legacy_row, device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	FIELD(struct legacy_row, iova, F_HEX, "IOVA", "address that the device uses", .flags = FIELD_DEFAULT),
	FIELD(struct legacy_row, length, F_INT, "LENGTH", "how much", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

const struct record_type device_map_record = RECORD("device.map", 1, struct legacy_row, legacy_fields);
const struct record_type device_unmap_record = RECORD("device.unmap", 1, struct legacy_row, legacy_fields);

const char device_map_text[] =
	"Maps LENGTH bytes of fresh memory into the type1 container of a device that was opened with --legacy. On a device of iommufd it is the "
	"address space that maps: ioas map.";

const struct arg_row device_map_args[] = {
	{ .name = "NAME", .help = "a device that was opened with --legacy", .complete = COMPLETE_OBJECT },
	{ .name = "IOVA", .help = "first address" },
	{ .name = "LENGTH", .help = "bytes; K, M, G and T may stand behind the number" },
	{ 0 },
};

static const struct errno_text legacy_texts[] = {
	{ EOPNOTSUPP, "it was not opened with --legacy", "ioas map maps for devices of iommufd" },
	{ EINVAL, "not aligned, reserved, beyond what the IOMMU reaches, or a part of a map only", NULL },
	{ EEXIST, "something is mapped there", "object tree --maps shows what" },
	{ ENOMEM, "no memory, or more than this user may pin (RLIMIT_MEMLOCK)", "ulimit -l, or run it as root" },
	{ ENOSPC, "the container has no room for more maps (vfio_iommu_type1.dma_entry_limit)", NULL },
	{ 0 },
};

/* @row: device, address and length as they were given. */
static int take_legacy(struct invocation *inv, struct backend **be, uint32_t *handle, struct legacy_row *row)
{
	struct op_object device;
	uint64_t iova, length;
	int r = object_begin(inv, be);

	if (r == EXIT_DONE)
		r = take_number(inv, "IOVA", inv->argv[1], &iova);
	if (r == EXIT_DONE)
		r = take_number(inv, "LENGTH", inv->argv[2], &length);
	if (r == EXIT_DONE)
		r = object_find_device(inv, inv->argv[0], &device);
	if (r != EXIT_DONE)
		return r;
	*handle = device.handle;
	*row = (struct legacy_row){ arena_strdup(&inv->ctx->arena, device.name), NUM(iova), NUM(length) };
	return EXIT_DONE;
}

/* But for what people read. */
static int answer_legacy(struct invocation *inv, int err, const struct legacy_row *row)
{
	if (err < 0)
		return op_failed(inv, err, legacy_texts, 0, "device %s %s", inv->command->verb, inv->argv[0]);
	object_changed(inv);
	return wants_text(inv) ? EXIT_DONE : out_row(inv->out, row);
}

int device_map_run(struct invocation *inv)
{
	struct op_legacy_map op = { .flags = OP_MAP_READ | OP_MAP_WRITE };
	struct legacy_row row;
	struct backend *be;
	int r = take_legacy(inv, &be, &op.handle, &row);

	if (r != EXIT_DONE)
		return r;
	op.iova = (uint64_t)row.iova.v;
	op.length = (uint64_t)row.length.v;
	r = answer_legacy(inv, backend_legacy_map(be, &op, NULL), &row);
	if (r == EXIT_DONE && wants_text(inv))
		out_verbatim(inv->out, "0x%llx", (unsigned long long)op.iova);
	return r;
}

int device_unmap_run(struct invocation *inv)
{
	struct op_legacy_unmap op = { 0 };
	struct legacy_row row;
	struct backend *be;
	int r = take_legacy(inv, &be, &op.handle, &row);

	if (r != EXIT_DONE)
		return r;
	op.iova = (uint64_t)row.iova.v;
	op.length = (uint64_t)row.length.v;
	r = backend_legacy_unmap(be, &op, NULL);
	row.length = NUM(op.ret_length);
	r = answer_legacy(inv, r, &row);
	if (r == EXIT_DONE && wants_text(inv))
		out_text(inv->out, "%llu bytes unmapped", (unsigned long long)op.ret_length);
	return r;
}
