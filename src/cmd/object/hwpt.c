// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun hwpt: page tables of the hardware. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "cmd/device.h"
#include "cmd/object/hwpt-data.h"
#include "cmd/object/objects.h"

/* -- alloc ---------------------------------------------------------------------------------------------------------------- */

static const struct record_type alloc_record = MADE_RECORD("hwpt.alloc");

static const struct errno_text alloc_texts[] = {
	{ EOPNOTSUPP, "this IOMMU or its driver cannot make such a page table: no nesting, no dirty tracking, no page requests, or not that kind of data",
	  "device hwinfo shows what it can" },
	{ EINVAL, "that cannot be a parent, or the data is wrong: a nested table wants a parent made with --nest-parent for a device of the same "
		  "IOMMU driver, and data of the kind that this hardware takes",
	  "object tree shows what there is" },
	{ ENOENT, "the device, the parent or the fault queue is not there", "object tree" },
	{ EEXIST, "there is an object of that name", "destroy it first, or take another name" },
	{ EADDRINUSE, "something is mapped where this device has reserved regions", "ioas unmap what is there" },
	{ EBUSY, "the device is just being opened or closed", NULL },
	{ EIO, "the stream table entry has what a guest may not set: config is abort, bypass or s1, eats abort or full, and there is nothing beside the fields "
	       "that --data names", NULL },
	{ 0 },
};

static uint32_t alloc_flags(const struct invocation *inv)
{
	return (inv_opt(inv, "nest-parent") ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0) |
	       (inv_opt(inv, "dirty") ? IOMMU_HWPT_ALLOC_DIRTY_TRACKING : 0) | (inv_opt(inv, "pasid") ? IOMMU_HWPT_ALLOC_PASID : 0) |
	       (inv_opt(inv, "fault") ? IOMMU_HWPT_FAULT_ID_VALID : 0);
}

static int need_device(struct invocation *inv, struct op_object *ret)
{
	const char *word = inv_opt(inv, "device");

	if (!word)
		return bad_argument(inv, command_name(inv), "--device is missing", "it is made for the IOMMU of one device: --device NAME");
	return object_find_device(inv, word, ret);
}

#define PARENTS (1U << OP_KIND_IOAS | 1U << OP_KIND_HWPT | 1U << OP_KIND_VIOMMU)

/* A unit says in its registers what it lacks. */
static int alloc_failed(struct invocation *inv, struct backend *be, const struct op_hwpt_alloc *op, const struct op_object *pt, int err)
{
	struct errno_text lacks[] = { { EOPNOTSUPP, NULL, "device hwinfo shows its registers" }, { 0 } };

	if (err == -EOPNOTSUPP)
		lacks[0].why = unit_refusal(inv, be, op->handle, 0, op->flags & IOMMU_HWPT_ALLOC_NEST_PARENT,
					    op->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	if (err == -EINVAL)
		lacks[0] = (struct errno_text){ EINVAL, object_misfit(inv, pt, PARENTS, "an ioas, an hwpt or a viommu"), "object tree lists what there is" };
	return op_failed(inv, err, lacks[0].why ? lacks : alloc_texts, 0x89, "hwpt alloc %s", inv->argv[0]);
}

static int run_alloc(struct invocation *inv)
{
	struct op_hwpt_alloc op = { .flags = alloc_flags(inv) };
	struct op_object pt = { 0 }, device = { 0 }, fault = { 0 };
	struct op_data d = OP_DATA_NONE;
	struct driver_data data = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE && inv_opt(inv, "data"))
		r = hwpt_data_parse(inv, inv_opt(inv, "data"), &data);
	if (r == EXIT_DONE)
		r = option_u32(inv, "flags", &op.flags);
	if (r == EXIT_DONE)
		r = need_device(inv, &device);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OBJECT(0, &pt), TAKE_OPT_OBJECT("fault", &fault));
	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	op.handle = device.handle;
	op.pt_id = pt.id;
	op.fault_id = fault.id;
	op.data_type = data.type;
	d.in = data.bytes;
	d.in_len = data.len;
	r = backend_hwpt_alloc(be, &op, &d);
	if (r < 0)
		return alloc_failed(inv, be, &op, &pt, r);
	return object_made(inv, op.name, OP_KIND_HWPT, op.ret_id);
}

/* -- invalidate --------------------------------------------------------------------------------------------------------------- */

struct invalidate_row {
	const char *name;
	struct num entries, done;
};

static const struct field invalidate_fields[] = {
	FIELD(struct invalidate_row, name, F_STR, "NAME", "nested hwpt or viommu", .flags = FIELD_DEFAULT),
	FIELD(struct invalidate_row, entries, F_INT, "ENTRIES", "entries that were given", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct invalidate_row, done, F_INT, "DONE", "those that were carried out, on failure too", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type invalidate_record = RECORD("hwpt.invalidate", 1, struct invalidate_row, invalidate_fields);

#define BLANKS " \t\r\n"

struct entries {
	struct driver_data kind; /* the last one: all are of its type and length */
	struct strbuf bytes;
	uint32_t n;
};

static int add_entry(struct invocation *inv, struct entries *e, const char *text)
{
	int r = invalidate_data_parse(inv, text, &e->kind);

	if (r != EXIT_DONE)
		return r;
	strbuf_add(&e->bytes, e->kind.bytes, e->kind.len);
	e->n++;
	return EXIT_DONE;
}

/* Blanks may stand around it; # begins a comment. */
static int add_line(struct invocation *inv, struct entries *e, char *line)
{
	char *word = line + strspn(line, BLANKS), *end;

	line[strcspn(line, "#")] = '\0';
	end = word + strcspn(word, BLANKS);
	if (end[strspn(end, BLANKS)])
		return bad_argument(inv, arena_strdup(&inv->ctx->arena, line), "more than one entry", "one entry a line");
	*end = '\0';
	return *word ? add_entry(inv, e, word) : EXIT_DONE;
}

static int add_file(struct invocation *inv, struct entries *e, const char *name)
{
	FILE *f = streq(name, "-") ? stdin : fopen(name, "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	int r = EXIT_DONE;

	if (!f)
		return exit_from_errno(ctx_cannot_read(inv->ctx, errno, name));
	while (r == EXIT_DONE && getline(&line, &cap, f) >= 0)
		r = add_line(inv, e, line);
	if (r == EXIT_DONE && ferror(f))
		r = exit_from_errno(ctx_cannot_read(inv->ctx, errno ?: EIO, name));
	if (f != stdin)
		fclose(f);
	return r;
}

static int take_entries(struct invocation *inv, struct entries *e)
{
	const char *file = inv_opt(inv, "file");
	int r = file ? add_file(inv, e, file) : EXIT_DONE;

	for (int i = 1; r == EXIT_DONE && i < inv->argc; i++)
		r = add_entry(inv, e, inv->argv[i]);
	if (r == EXIT_DONE && !e->n)
		r = bad_argument(inv, "hwpt invalidate", "no entry was given", invalidate_data_kinds);
	return r;
}

/* ": entry 3 (op=…)": the first that was not done, where it can be told in words. */
static const char *stuck_at(struct invocation *inv, const struct entries *e, uint32_t done)
{
	const char *text = done < e->n ? invalidate_entry_text(inv, e->kind.type, e->bytes.s + done * e->kind.len, e->kind.len) : NULL;

	return text ? arena_printf(&inv->ctx->arena, ": entry %u (%s)", done + 1, text) : "";
}

static int invalidate(struct invocation *inv, struct backend *be, const struct entries *e)
{
	static const struct errno_text texts[] = {
		{ EINVAL, "an entry, or its kind, is not one that this takes", "vtd-s1 is for a nested hwpt, smmuv3 for a viommu" },
		{ ENOENT, "it is neither a nested page table nor a virtual IOMMU", NULL },
		{ EOPNOTSUPP, "its driver has no invalidation", NULL },
		{ EIO, "the hardware did not carry it out; or, of an SMMUv3, it is no command that a guest may give, or its sid is that of no vdevice",
		  "object tree shows the vdevices and their ids" },
		{ 0 },
	};
	struct op_hwpt_invalidate op = { .data_type = e->kind.type, .entry_len = (uint32_t)e->kind.len, .n = e->n };
	struct op_data d = { .in = e->bytes.s, .in_len = e->bytes.len, .fd_in = -1, .fd_out = -1 };
	struct invalidate_row row;
	struct op_object o;
	int r = object_find(inv, inv->argv[0], &o), written = 0;

	if (r != EXIT_DONE)
		return r;
	if (inv_opt(inv, "test"))
		op.n = 0;
	op.id = o.id;
	r = backend_hwpt_invalidate(be, &op, &d);
	row = (struct invalidate_row){ object_word(inv, o.id), NUM(e->n), NUM(op.ret_done) };
	if (!wants_text(inv))
		written = out_row(inv->out, &row);
	else
		out_text(inv->out, "%u of %u entries done", op.ret_done, e->n);
	if (r < 0)
		return op_failed(inv, r, texts, 0x8d, "hwpt invalidate %s%s", inv->argv[0], stuck_at(inv, e, op.ret_done));
	return written;
}

static int run_invalidate(struct invocation *inv)
{
	struct entries e = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = take_entries(inv, &e);
	if (r == EXIT_DONE)
		r = invalidate(inv, be, &e);
	strbuf_free(&e.bytes);
	return r;
}

/* -- dirty ------------------------------------------------------------------------------------------------------------------------ */

struct dirty_row {
	struct num iova, length, pages;
};

static const struct field dirty_fields[] = {
	FIELD(struct dirty_row, iova, F_HEX, "IOVA", "first address that was written to", .flags = FIELD_DEFAULT),
	FIELD(struct dirty_row, length, F_INT, "LENGTH", "how much", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct dirty_row, pages, F_INT, "PAGES", "pages of the size asked for", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type dirty_record = RECORD("hwpt.dirty", 1, struct dirty_row, dirty_fields);

static const struct errno_text dirty_texts[] = {
	{ EOPNOTSUPP, "it was made without --dirty, or its IOMMU cannot track it", "device hwinfo shows dirty-tracking where it can" },
	{ ENOENT, "it is no page table of an address space", NULL },
	{ EINVAL, "address, length or page size are not aligned, or not mapped as such", NULL },
	{ EOVERFLOW, "the range goes beyond 2^64", NULL },
	{ 0 },
};

/* A bitmap of 1 MiB at a time: 32 GiB of 4 KiB pages. */
#define DIRTY_WINDOW_BITS (8U << 20)

struct dirty_run {
	struct invocation *inv;
	uint64_t page_size;
	uint64_t start, pages; /* a range that may go on */
};

static int flush_range(struct dirty_run *run)
{
	struct dirty_row row = { NUM(run->start), NUM(run->pages * run->page_size), NUM(run->pages) };

	if (!run->pages)
		return 0;
	run->pages = 0;
	return out_row(run->inv->out, &row);
}

static int add_bits(struct dirty_run *run, const unsigned char *bits, uint64_t iova, uint64_t n)
{
	int r = 0;

	for (uint64_t i = 0; r >= 0 && i < n; i++) {
		uint64_t at = iova + i * run->page_size;

		if (!(bits[i / 8] & 1U << i % 8))
			continue;
		if (run->pages && run->start + run->pages * run->page_size != at)
			r = flush_range(run);
		if (!run->pages)
			run->start = at;
		run->pages++;
	}
	return r;
}

/* What the kernel wants aligned it says itself; the windows are a matter of memory only. */
static int read_dirty(struct invocation *inv, struct backend *be, struct op_dirty_get *op, uint64_t length)
{
	struct dirty_run run = { .inv = inv, .page_size = op->page_size };
	uint64_t window = op->page_size <= UINT64_MAX / DIRTY_WINDOW_BITS ? op->page_size * DIRTY_WINDOW_BITS : length;
	uint64_t done = 0;
	int r = 0;

	if (window > length || !window)
		window = length;
	while (r >= 0 && (done < length || !done)) {
		uint64_t n = (MIN(window, length - done) + op->page_size - 1) / op->page_size;
		struct op_data d = { .out_cap = (n + 63) / 64 * 8, .fd_in = -1, .fd_out = -1 };
		_cleanup_free_ unsigned char *bits = calloc(1, d.out_cap + 8);

		if (!bits)
			return -ENOMEM;
		d.out = bits;
		op->length = MIN(window, length - done);
		r = backend_dirty_get(be, op, &d);
		if (r >= 0)
			r = add_bits(&run, bits, op->iova, n);
		op->iova += op->length;
		done += MAX(op->length, 1U);
	}
	return r < 0 ? r : flush_range(&run);
}

static int dirty_range(struct invocation *inv, struct backend *be, const struct op_object *o)
{
	struct op_dirty_get op = { .hwpt_id = o->id, .page_size = 4096,
				   .flags = inv_opt(inv, "no-clear") ? IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR : 0 };
	uint64_t length = 0;
	int r;

	if (inv->argc < 4)
		return bad_argument(inv, "hwpt dirty", "read wants IOVA and LENGTH", NULL);
	r = take_number(inv, "IOVA", inv->argv[2], &op.iova);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_NUMBER(3, &length), TAKE_OPT_NUMBER("page-size", &op.page_size));
	if (r == EXIT_DONE && (op.page_size < 512 || (op.page_size & (op.page_size - 1))))
		r = bad_argument(inv, "--page-size", "not a power of 2 from 512 on", NULL);
	if (r == EXIT_DONE && length / op.page_size > 1ULL << 40)
		r = bad_argument(inv, inv->argv[3], "more than 2^40 pages: take a part, or a larger page size", NULL);
	if (r != EXIT_DONE)
		return r;
	r = read_dirty(inv, be, &op, length);
	return r < 0 ? op_failed(inv, r, dirty_texts, 0x8c, "hwpt dirty %s", inv->argv[0]) : r;
}

static int run_dirty(struct invocation *inv)
{
	const char *what = inv->argv[1];
	struct op_dirty_set op = { .enable = streq(what, "on") };
	struct op_object o;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE && !streq(what, "on") && !streq(what, "off") && !streq(what, "read"))
		r = bad_argument(inv, what, "neither on, off nor read", NULL);
	if (r == EXIT_DONE)
		r = object_find(inv, inv->argv[0], &o);
	if (r != EXIT_DONE)
		return r;
	if (streq(what, "read"))
		return dirty_range(inv, be, &o);
	if (inv->argc > 2)
		return bad_argument(inv, inv->argv[2], "one argument too many", NULL);
	op.hwpt_id = o.id;
	r = backend_dirty_set(be, &op, NULL);
	return r < 0 ? op_failed(inv, r, dirty_texts, 0x8b, "hwpt dirty %s %s", inv->argv[0], what) : EXIT_DONE;
}

/* -- rows --------------------------------------------------------------------------------------------------------------------------- */

static const struct arg_row alloc_args[] = {
	{ .name = "PT", .help = "an ioas; or what a nested table is made on: an hwpt made with --nest-parent, or a viommu", .complete = COMPLETE_OBJECT },
	{ 0 },
};

static const struct option_row alloc_options[] = {
	{ .name = "device", .arg = "NAME", .help = "the open device that it is made for", .complete = COMPLETE_OBJECT },
	{ .name = "nest-parent", .help = "nested tables can be made on it" },
	{ .name = "dirty", .help = "the hardware can note which pages were written to" },
	{ .name = "pasid", .help = "it can be attached to devices that use PASIDs" },
	{ .name = "fault", .arg = "FAULTQ", .help = "page requests go to this queue", .complete = COMPLETE_OBJECT },
	{ .name = "data", .arg = "KIND:K=V,...", .help = "data of the driver, for a nested table" },
	{ .name = "flags", .arg = "N", .help = "these flags, whatever the other options say; for tests" },
	{ 0 },
};

static const struct arg_row invalidate_args[] = {
	{ .name = "NAME", .help = "a nested hwpt, or a viommu", .complete = COMPLETE_OBJECT },
	{ .name = "ENTRY", .help = "KIND:K=V,...; several make an array", .optional = true, .repeat = true },
	{ 0 },
};

static const struct option_row invalidate_options[] = {
	{ .name = "file", .arg = "FILE|-", .help = "entries from a file, one a line", .complete = COMPLETE_FILE },
	{ .name = "test", .help = "ask only whether this kind of entry is taken" },
	{ 0 },
};

static const char *const dirty_words[] = { "on", "off", "read", NULL };

static const struct arg_row dirty_args[] = {
	{ .name = "NAME", .help = "an hwpt made with --dirty", .complete = COMPLETE_OBJECT },
	{ .name = "on|off|read", .help = "what to do", .words = dirty_words },
	{ .name = "IOVA", .help = "read: first address", .optional = true },
	{ .name = "LENGTH", .help = "read: bytes", .optional = true },
	{ 0 },
};

static const struct option_row dirty_options[] = {
	{ .name = "page-size", .arg = "BYTES", .help = "size of the pages that are told apart (default 4096)" },
	{ .name = "no-clear", .help = "leave the notes as they are" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "alloc",
		.summary = "make a page table",
		.text = "From an address space: a page table that devices of one IOMMU can be attached to, in which all maps of the address space are. On one made with "
			"--nest-parent, or on a viommu: a nested one, whose first stage is the guest's own table, which --data describes: "
			"vtd-s1:pgtbl=ADDRESS,width=BITS[,sre][,eafe][,wpe]; smmuv3:ste0=N,ste1=N, the first two double words of a stream table entry; "
			"amd-guest:dte0=N,...,dte3=N; selftest:iotlb=N; or raw:TYPE=HEX.",
		.args = alloc_args,
		.options = alloc_options,
		.record = &alloc_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = run_alloc,
	},
	{
		.verb = "invalidate",
		.summary = "drop what the hardware has cached of a nested page table",
		.text = "Entries are vtd-s1:addr=ADDRESS,npages=N[,leaf] (npages=all with addr=0: everything) for a nested hwpt of VT-d; smmuv3:cmd0=N,cmd1=N, a command as "
			"the guest wrote it, for a viommu; selftest:[all,]iotlb=N; selftest-viommu:[all,]vdev=N,cache=N; or raw:TYPE=HEX. All are of one kind. How many were "
			"carried out is printed, on failure too.",
		.args = invalidate_args,
		.options = invalidate_options,
		.record = &invalidate_record,
		.flags = COMMAND_OBJECT,
		.run = run_invalidate,
	},
	{
		.verb = "dirty",
		.summary = "which pages devices have written to",
		.text = "on and off begin and end it; read prints the ranges that were written to since the last time, and forgets them unless --no-clear is given.",
		.args = dirty_args,
		.options = dirty_options,
		.record = &dirty_record,
		.flags = COMMAND_OBJECT,
		.run = run_dirty,
	},
};

const struct noun noun_hwpt = {
	.name = "hwpt",
	.summary = "page tables of the hardware",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
