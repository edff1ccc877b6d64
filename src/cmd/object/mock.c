// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun mock: what the kernel's selftest devices do when they are told to. For developers and tests. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/object/objects.h"

static const struct errno_text mock_texts[] = {
	{ ENOTTY, "this kernel has no selftest devices (CONFIG_IOMMUFD_TEST)", NULL },
	{ EOPNOTSUPP, "this kernel's selftest driver has no such operation", NULL },
	{ ENOENT, "it is no mock device, or not of the kind that is wanted", NULL },
	{ EINVAL, "the arguments are not what the selftest driver takes, or a check found another value", NULL },
	{ EADDRINUSE, "something is mapped there", NULL },
	{ 0 },
};

struct count_row {
	const char *name;
	struct num count;
};

static const struct field count_fields[] = {
	FIELD(struct count_row, name, F_STR, "NAME", "object", .flags = FIELD_DEFAULT),
	FIELD(struct count_row, count, F_INT, "COUNT", "pages that were marked; null: nothing is counted", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type fault_record = RECORD("mock.fault", 1, struct count_row, count_fields);
static const struct record_type dirty_record = RECORD("mock.dirty", 1, struct count_row, count_fields);
static const struct record_type reserve_record = RECORD("mock.reserve", 1, struct count_row, count_fields);
static const struct record_type iotlb_record = RECORD("mock.iotlb", 1, struct count_row, count_fields);
static const struct record_type cache_record = RECORD("mock.cache", 1, struct count_row, count_fields);
static const struct record_type event_record = RECORD("mock.event", 1, struct count_row, count_fields);

static int done(struct invocation *inv, int err, const char *name, struct num count)
{
	struct count_row row = { name, count };

	if (err < 0)
		return op_failed(inv, err, mock_texts, 0, "mock %s %s", inv->command->verb, inv->argv[0]);
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	if (count.known)
		out_verbatim(inv->out, "%lld", (long long)count.v);
	return EXIT_DONE;
}

/* "rwxp": read, write, execute, privileged. */
static int take_access(struct invocation *inv, uint32_t *ret)
{
	static const char letters[] = "rwxp";
	const char *word = inv_opt(inv, "access") ?: "r", *at;

	*ret = 0;
	for (; *word; word++) {
		at = strchr(letters, *word);
		if (!at)
			return bad_argument(inv, inv_opt(inv, "access"), "not a way of access", "letters of rwxp: read, write, execute, privileged");
		*ret |= 1U << (at - letters);
	}
	return EXIT_DONE;
}

static int run_fault(struct invocation *inv)
{
	struct op_mock_fault op = { 0 };
	struct op_object device;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_NUMBER(1, &op.addr), TAKE_OPT_U32("pasid", &op.pasid), TAKE_OPT_U32("grpid", &op.grpid));
	if (r == EXIT_DONE)
		r = take_access(inv, &op.perm);
	if (r == EXIT_DONE)
		r = object_find_device(inv, inv->argv[0], &device);
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	return done(inv, backend_mock_fault(be, &op, NULL), device.name, NUM_UNKNOWN);
}

/* All pages of the range. */
static int run_dirty(struct invocation *inv)
{
	struct op_mock_dirty op = { .page_size = 4096 };
	struct op_data d = OP_DATA_NONE;
	struct op_object o;
	struct backend *be;
	uint64_t pages;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_NUMBER(1, &op.iova), TAKE_NUMBER(2, &op.length), TAKE_OPT_NUMBER("page-size", &op.page_size));
	if (r != EXIT_DONE)
		return r;
	if (!op.page_size || op.length / op.page_size > 1U << 26)
		return bad_argument(inv, inv->argv[2], "more pages than a bitmap of 8 MiB has", NULL);
	r = object_find(inv, inv->argv[0], &o);
	if (r != EXIT_DONE)
		return r;
	pages = op.length / op.page_size;
	op.hwpt_id = o.id;
	d.in_len = (pages + 63) / 64 * 8;
	d.in = memset(arena_alloc(&inv->ctx->arena, d.in_len + 8), 0xff, d.in_len);
	if (pages % 8)
		((unsigned char *)d.in)[pages / 8] = (unsigned char)((1U << pages % 8) - 1);
	if (d.in_len > (pages + 7) / 8)
		memset((unsigned char *)d.in + (pages + 7) / 8, 0, d.in_len - (pages + 7) / 8);
	r = backend_mock_dirty(be, &op, &d);
	return done(inv, r, object_word(inv, o.id), NUM(op.ret_n));
}

static int run_reserve(struct invocation *inv)
{
	struct op_mock_reserved op = { 0 };
	struct op_object o = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_NUMBER(1, &op.start), TAKE_NUMBER(2, &op.length), TAKE_OBJECT(0, &o));
	if (r != EXIT_DONE)
		return r;
	op.ioas_id = o.id;
	return done(inv, backend_mock_reserved(be, &op, NULL), object_word(inv, o.id), NUM_UNKNOWN);
}

static int run_iotlb(struct invocation *inv)
{
	struct op_mock_iotlb op = { 0 };
	struct op_object o = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_U32(1, &op.index), TAKE_U32(2, &op.value), TAKE_OBJECT(0, &o));
	if (r != EXIT_DONE)
		return r;
	op.hwpt_id = o.id;
	return done(inv, backend_mock_iotlb(be, &op, NULL), object_word(inv, o.id), NUM_UNKNOWN);
}

static int run_cache(struct invocation *inv)
{
	struct op_mock_cache op = { 0 };
	struct op_object device = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_U32(1, &op.index), TAKE_U32(2, &op.value), TAKE_DEVICE(0, &device));
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	return done(inv, backend_mock_cache(be, &op, NULL), device.name, NUM_UNKNOWN);
}

static int run_event(struct invocation *inv)
{
	struct op_mock_event op = { 0 };
	struct op_object device;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = object_find_device(inv, inv->argv[0], &device);
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	return done(inv, backend_mock_event(be, &op, NULL), device.name, NUM_UNKNOWN);
}

/* -- rows ------------------------------------------------------------------------------------------------------------------ */

#define DEVICE_ARG { .name = "NAME", .help = "an open mock device", .complete = COMPLETE_OBJECT }
#define SLOT_ARGS                                                                 \
	{ .name = "SLOT", .help = "number of the slot" },                         \
	{ .name = "VALUE", .help = "what it should hold" }

static const struct arg_row fault_args[] = { DEVICE_ARG, { .name = "ADDRESS", .help = "address that it wants to reach" }, { 0 } };

static const struct option_row fault_options[] = {
	{ .name = "pasid", .arg = "N", .help = "process address space" },
	{ .name = "grpid", .arg = "N", .help = "number of the page request group" },
	{ .name = "access", .arg = "RWXP", .help = "letters: read, write, execute, privileged (default r)" },
	{ 0 },
};

static const struct arg_row dirty_args[] = {
	{ .name = "HWPT", .help = "a page table", .complete = COMPLETE_OBJECT },
	{ .name = "IOVA", .help = "first address" },
	{ .name = "LENGTH", .help = "bytes" },
	{ 0 },
};

static const struct option_row dirty_options[] = {
	{ .name = "page-size", .arg = "BYTES", .help = "size of a page (default 4096)" },
	{ 0 },
};

static const struct arg_row reserve_args[] = {
	{ .name = "IOAS", .help = "an address space", .complete = COMPLETE_OBJECT },
	{ .name = "START", .help = "first address" },
	{ .name = "LENGTH", .help = "bytes" },
	{ 0 },
};

static const struct arg_row iotlb_args[] = {
	{ .name = "HWPT", .help = "a nested page table of a mock device", .complete = COMPLETE_OBJECT },
	SLOT_ARGS,
	{ 0 },
};

static const struct arg_row cache_args[] = { DEVICE_ARG, SLOT_ARGS, { 0 } };
static const struct arg_row event_args[] = { DEVICE_ARG, { 0 } };

#define MOCK(verb_name, line, what, ...)                                                                       \
	{ .verb = (verb_name), .summary = (line), .args = what##_args, .record = &what##_record,                \
	  .flags = COMMAND_OBJECT, .run = run_##what, ##__VA_ARGS__ }

static const struct command commands[] = {
	MOCK("fault", "let a mock device ask for a page", fault, .options = fault_options,
	     .text = "The request is the last of its group: the selftest driver makes no others."),
	MOCK("dirty", "let a mock device write to pages", dirty, .options = dirty_options),
	MOCK("reserve", "reserve a range of an address space", reserve),
	MOCK("iotlb", "check a slot of a nested page table's cache", iotlb),
	MOCK("cache", "check a slot of a mock device's cache", cache),
	MOCK("event", "let a mock device report an event to its virtual IOMMU", event),
};

const struct noun noun_mock = {
	.name = "mock",
	.summary = "selftest devices of the kernel, for developers and tests",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
