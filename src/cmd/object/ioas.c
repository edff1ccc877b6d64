// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun ioas: address spaces, and what is mapped in them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/str.h"
#include "cmd/object/objects.h"

static const struct record_type alloc_record = MADE_RECORD("ioas.alloc");

/* What was mapped, copied or unmapped. */
struct map_row {
	const char *ioas;
	struct num iova, length;
};

static const struct field map_fields[] = {
	FIELD(struct map_row, ioas, F_STR, "IOAS", "address space", .flags = FIELD_DEFAULT),
	FIELD(struct map_row, iova, F_HEX, "IOVA", "address that the device uses; null: everything", .flags = FIELD_DEFAULT),
	FIELD(struct map_row, length, F_INT, "LENGTH", "how much", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type map_record = RECORD("ioas.map", 1, struct map_row, map_fields);
static const struct record_type unmap_record = RECORD("ioas.unmap", 1, struct map_row, map_fields);
static const struct record_type copy_record = RECORD("ioas.copy", 1, struct map_row, map_fields);

struct range_row {
	struct num start, last, size, alignment;
};

static const struct field range_fields[] = {
	FIELD(struct range_row, start, F_HEX, "START", "first address that may be mapped", .flags = FIELD_DEFAULT),
	FIELD(struct range_row, last, F_HEX, "LAST", "last one", .flags = FIELD_DEFAULT),
	FIELD(struct range_row, size, F_INT, "SIZE", "bytes; null: 2^64", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct range_row, alignment, F_INT, "ALIGNMENT", "what addresses and lengths are multiples of", .unit = "bytes",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type ranges_record = RECORD("ioas.ranges", 1, struct range_row, range_fields);

struct ioas_row {
	const char *ioas;
};

static const struct field ioas_fields[] = {
	FIELD(struct ioas_row, ioas, F_STR, "IOAS", "address space; null: none", .flags = FIELD_DEFAULT),
};

static const struct record_type allow_record = RECORD("ioas.allow", 1, struct ioas_row, ioas_fields);
static const struct record_type compat_record = RECORD("ioas.compat", 1, struct ioas_row, ioas_fields);
static const struct record_type process_record = RECORD("ioas.change-process", 1, struct ioas_row, ioas_fields);

/* -- alloc -------------------------------------------------------------------------------------------------------------- */

static int run_alloc(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EEXIST, "there is an object of that name", "destroy it first, or take another name" },
		ERRNO_NO_IOMMUFD,
		ERRNO_IOMMUFD_CLOSED,
		{ 0 },
	};
	struct op_ioas_alloc op = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	r = backend_ioas_alloc(be, &op, NULL);
	if (r < 0)
		return op_failed(inv, r, texts, 0x81, "ioas alloc%s%s", inv->as ? " as " : "", inv->as ? inv->as : "");
	return object_made(inv, op.name, OP_KIND_IOAS, op.ret_id);
}

/* -- map ---------------------------------------------------------------------------------------------------------------- */

static const struct errno_text file_texts[] = {
	{ EINVAL, "address, length or offset are not aligned, the file ends before that or is none that can be mapped, or it is not mappable there (reserved, or "
		  "beyond what the IOMMU reaches)",
	  "ioas ranges shows what may be mapped, and the alignment" },
	{ 0 },
};

static const struct errno_text map_texts[] = {
	{ EINVAL, "the address or the length is not aligned, or not mappable (reserved, or beyond what the IOMMU reaches)",
	  "ioas ranges shows what may be mapped, and the alignment" },
	{ EEXIST, "something is mapped there", "object tree --maps shows what" },
	{ EOVERFLOW, "the range goes beyond 2^64", NULL },
	{ ENOSPC, "no free range of that size is left", "ioas ranges shows what there is" },
	{ ENOMEM, "no memory, or more than this user may pin (RLIMIT_MEMLOCK)", "ulimit -l, or run it as root" },
	{ EADDRINUSE, "the range is reserved", "ioas ranges shows what may be mapped" },
	{ ENOENT, "not all of what was to be copied is mapped", "object tree --maps shows what is" },
	{ EPERM, "the memory is mapped for reading only", NULL },
	{ 0 },
};

static uint32_t access_flags(const struct invocation *inv)
{
	if (inv_opt(inv, "read-only"))
		return OP_MAP_READ;
	return inv_opt(inv, "write-only") ? OP_MAP_WRITE : OP_MAP_READ | OP_MAP_WRITE;
}

static int check_options(struct invocation *inv)
{
	if (inv_opt(inv, "offset") && !inv_opt(inv, "file"))
		return bad_argument(inv, "--offset", "it is a place in a file, and there is no --file", NULL);
	return EXIT_DONE;
}

static int check_access(struct invocation *inv)
{
	if (inv_opt(inv, "read-only") && inv_opt(inv, "write-only"))
		return bad_argument(inv, "--read-only --write-only", "they exclude each other", NULL);
	return EXIT_DONE;
}

/* The option --iova, if it is there, makes the map a fixed one. */
static int take_iova(struct invocation *inv, uint64_t *iova, uint32_t *flags)
{
	if (inv_opt(inv, "iova"))
		*flags |= OP_MAP_FIXED;
	return option_number(inv, "iova", iova);
}

static int open_file(struct invocation *inv, int *ret)
{
	const char *file = inv_opt(inv, "file");
	int fd;

	if (!file)
		return EXIT_DONE;
	fd = open(file, (inv_opt(inv, "read-only") ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0)
		return exit_from_errno(ctx_cannot_read(inv->ctx, errno, file));
	*ret = fd;
	return EXIT_DONE;
}

/* The address alone, for scripts; or the record. */
static int mapped(struct invocation *inv, const char *ioas, uint64_t iova, uint64_t length)
{
	struct map_row row = { ioas, NUM(iova), NUM(length) };

	object_changed(inv);
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	out_verbatim(inv->out, "0x%llx", (unsigned long long)iova);
	return EXIT_DONE;
}

static int run_map(struct invocation *inv)
{
	_cleanup_close_ int fd = -1;
	struct op_ioas_map op = { .flags = access_flags(inv) };
	struct op_data d = OP_DATA_NONE;
	struct op_object ioas = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = check_access(inv);
	if (r == EXIT_DONE)
		r = check_options(inv);
	if (r == EXIT_DONE)
		r = take_number(inv, "LENGTH", inv->argv[1], &op.length);
	if (r == EXIT_DONE)
		r = take_iova(inv, &op.iova, &op.flags);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_NUMBER("offset", &op.offset), TAKE_OBJECT(0, &ioas));
	if (r == EXIT_DONE)
		r = open_file(inv, &fd);
	if (r != EXIT_DONE)
		return r;
	op.ioas_id = ioas.id;
	d.fd_in = fd;
	r = backend_ioas_map(be, &op, &d);
	if (r < 0)
		return op_failed_on(inv, r, &ioas, OP_KIND_IOAS, r == -EINVAL && fd >= 0 ? file_texts : map_texts, 0x85, "ioas map %s", inv->argv[0]);
	return mapped(inv, object_word(inv, ioas.id), op.iova, op.length);
}

static int run_unmap(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ ENOENT, "nothing is mapped there, or only a part of a map would go", "maps are unmapped whole: object tree --maps shows them" },
		{ EINVAL, "the length is 0, or the range goes beyond 2^64", NULL },
		{ EOVERFLOW, "the range goes beyond 2^64", NULL },
		{ EBUSY, "it is in use just now", NULL },
		{ 0 },
	};
	struct op_ioas_unmap op = { .length = UINT64_MAX };
	bool all = inv_opt(inv, "all");
	struct op_object ioas;
	struct map_row row;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE && all != (inv->argc == 1))
		r = bad_argument(inv, "ioas unmap", "it takes IOVA and LENGTH, or --all", NULL);
	if (r == EXIT_DONE && !all && inv->argc < 3)
		r = bad_argument(inv, "ioas unmap", "LENGTH is missing", NULL);
	if (r == EXIT_DONE && !all)
		r = take_number(inv, "IOVA", inv->argv[1], &op.iova);
	if (r == EXIT_DONE && !all)
		r = take_number(inv, "LENGTH", inv->argv[2], &op.length);
	if (r == EXIT_DONE)
		r = object_find(inv, inv->argv[0], &ioas);
	if (r != EXIT_DONE)
		return r;
	op.ioas_id = ioas.id;
	r = backend_ioas_unmap(be, &op, NULL);
	if (r < 0)
		return op_failed_on(inv, r, &ioas, OP_KIND_IOAS, texts, 0x86, "ioas unmap %s", inv->argv[0]);
	object_changed(inv);
	row = (struct map_row){ object_word(inv, ioas.id), all ? NUM_UNKNOWN : NUM(op.iova), NUM(op.ret_length) };
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	out_text(inv->out, "%llu bytes unmapped", (unsigned long long)op.ret_length);
	return EXIT_DONE;
}

static int run_copy(struct invocation *inv)
{
	struct op_ioas_copy op = { .flags = access_flags(inv) };
	struct op_object dst = { 0 }, src = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = check_access(inv);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_NUMBER(2, &op.src_iova), TAKE_NUMBER(3, &op.length));
	if (r == EXIT_DONE)
		r = take_iova(inv, &op.dst_iova, &op.flags);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OBJECT(0, &dst), TAKE_OBJECT(1, &src));
	if (r != EXIT_DONE)
		return r;
	op.dst_ioas_id = dst.id;
	op.src_ioas_id = src.id;
	r = backend_ioas_copy(be, &op, NULL);
	if (r < 0)
		return op_failed_on(inv, r, dst.kind == OP_KIND_IOAS ? &src : &dst, OP_KIND_IOAS, map_texts, 0x83, "ioas copy %s %s", inv->argv[0],
				    inv->argv[1]);
	return mapped(inv, object_word(inv, dst.id), op.dst_iova, op.length);
}

/* -- ranges and allow -------------------------------------------------------------------------------------------------- */

static int read_ranges(struct invocation *inv, struct backend *be, struct op_ioas_ranges *op, struct op_data *d)
{
	size_t n = 64;
	int r;

	do {
		*d = OP_DATA_NONE;
		d->out_cap = n * sizeof(struct op_range);
		d->out = arena_alloc(&inv->ctx->arena, d->out_cap);
		r = backend_ioas_ranges(be, op, d);
		if (r < 0 || op->ret_n <= n)
			return r;
		n = op->ret_n;
	} while (true);
}

static int run_ranges(struct invocation *inv)
{
	struct op_ioas_ranges op = { 0 };
	const struct op_range *v;
	struct op_object ioas;
	struct op_data d;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = object_find(inv, inv->argv[0], &ioas);
	if (r != EXIT_DONE)
		return r;
	op.ioas_id = ioas.id;
	r = read_ranges(inv, be, &op, &d);
	if (r < 0)
		return op_failed_on(inv, r, &ioas, OP_KIND_IOAS, NULL, 0x84, "ioas ranges %s", inv->argv[0]);
	v = d.out;
	for (size_t i = 0; r >= 0 && i < d.out_len / sizeof(*v); i++) {
		uint64_t size = v[i].last - v[i].start + 1;
		struct range_row row = { NUM(v[i].start), NUM(v[i].last), size && size <= INT64_MAX ? NUM(size) : NUM_UNKNOWN,
					 NUM(op.ret_alignment) };

		r = out_row(inv->out, &row);
	}
	return r;
}

/* "START-LAST" or "START+LENGTH". */
static int take_range(struct invocation *inv, const char *text, struct op_range *ret)
{
	size_t len = strcspn(text, "-+");
	char *start = arena_memdup(&inv->ctx->arena, text, len);
	uint64_t second;
	int r;

	if (!text[len])
		return bad_argument(inv, text, "not a range", "START-LAST, or START+LENGTH");
	r = take_number(inv, "START", start, &ret->start);
	if (r == EXIT_DONE)
		r = take_number(inv, text[len] == '-' ? "LAST" : "LENGTH", text + len + 1, &second);
	if (r != EXIT_DONE)
		return r;
	if (text[len] == '+' && (!second || second - 1 > UINT64_MAX - ret->start))
		return bad_argument(inv, text, second ? "the range goes beyond 2^64" : "the range is empty", NULL);
	ret->last = text[len] == '-' ? second : ret->start + (second - 1);
	return EXIT_DONE;
}

static int run_allow(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EINVAL, "ranges overlap, or one ends before it starts", NULL },
		{ EADDRINUSE, "a range is reserved for a device that is attached", "ioas ranges shows what may be mapped" },
		{ 0 },
	};
	struct op_ioas_allow op = { 0 };
	struct op_data d = OP_DATA_NONE;
	struct op_object ioas;
	struct op_range *v;
	struct ioas_row row;
	struct backend *be;
	int r = object_begin(inv, &be);

	v = arena_array(&inv->ctx->arena, struct op_range, (size_t)inv->argc);
	for (int i = 1; r == EXIT_DONE && i < inv->argc; i++)
		r = take_range(inv, inv->argv[i], &v[i - 1]);
	if (r == EXIT_DONE)
		r = object_find(inv, inv->argv[0], &ioas);
	if (r != EXIT_DONE)
		return r;
	op.ioas_id = ioas.id;
	d.in = v;
	d.in_len = (size_t)(inv->argc - 1) * sizeof(*v);
	r = backend_ioas_allow(be, &op, &d);
	if (r < 0)
		return op_failed_on(inv, r, &ioas, OP_KIND_IOAS, texts, 0x82, "ioas allow %s", inv->argv[0]);
	row.ioas = object_word(inv, ioas.id);
	return wants_text(inv) ? EXIT_DONE : out_row(inv->out, &row);
}

/* -- compat and change-process ---------------------------------------------------------------------------------------- */

static int run_compat(struct invocation *inv)
{
	static const struct errno_text texts[] = { { ENODEV, "none is set", NULL }, { 0 } };
	struct op_vfio_ioas op = { .what = inv_opt(inv, "clear") ? OP_VFIO_IOAS_CLEAR : OP_VFIO_IOAS_GET };
	struct ioas_row row = { 0 };
	struct op_object ioas = { .kind = OP_KIND_IOAS };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE && inv->argc && inv_opt(inv, "clear"))
		r = bad_argument(inv, "--clear", "takes none, and one was named", NULL);
	if (r == EXIT_DONE && inv->argc) {
		op.what = OP_VFIO_IOAS_SET;
		r = object_find(inv, inv->argv[0], &ioas);
		op.ioas_id = ioas.id;
	}
	if (r != EXIT_DONE)
		return r;
	r = backend_vfio_ioas(be, &op, NULL);
	if (r < 0)
		return op_failed_on(inv, r, &ioas, OP_KIND_IOAS, texts, 0x88, "ioas compat");
	if (op.what != OP_VFIO_IOAS_CLEAR)
		row.ioas = object_word(inv, op.ioas_id);
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	if (op.what == OP_VFIO_IOAS_GET)
		out_verbatim(inv->out, "%s", row.ioas);
	return EXIT_DONE;
}

static int run_change_process(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EINVAL, "there are maps of memory that is no file", "only maps made with --file can change their process" },
		{ 0 },
	};
	struct op_change_process op = { 0 };
	struct ioas_row row = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r != EXIT_DONE)
		return r;
	r = backend_change_process(be, &op, NULL);
	if (r < 0)
		return op_failed(inv, r, texts, 0x92, "ioas change-process");
	return wants_text(inv) ? EXIT_DONE : out_row(inv->out, &row);
}

/* -- rows ----------------------------------------------------------------------------------------------------------------- */

#define IOAS_ARG { .name = "IOAS", .help = "an address space", .complete = COMPLETE_OBJECT }
#define IOVA_OPTION { .name = "iova", .arg = "ADDRESS", .help = "at this address; without it the kernel chooses one" }
#define ACCESS_OPTIONS                                                                     \
	{ .name = "read-only", .help = "the device may read it only" },                    \
	{ .name = "write-only", .help = "the device may write it only" }

static const struct arg_row ioas_args[] = { IOAS_ARG, { 0 } };

static const struct arg_row map_args[] = {
	IOAS_ARG,
	{ .name = "LENGTH", .help = "bytes; K, M, G and T may stand behind the number" },
	{ 0 },
};

static const struct arg_row unmap_args[] = {
	IOAS_ARG,
	{ .name = "IOVA", .help = "first address", .optional = true },
	{ .name = "LENGTH", .help = "bytes", .optional = true },
	{ 0 },
};

static const struct arg_row copy_args[] = {
	{ .name = "TO", .help = "address space that gets the map", .complete = COMPLETE_OBJECT },
	{ .name = "FROM", .help = "address space that has it", .complete = COMPLETE_OBJECT },
	{ .name = "IOVA", .help = "first address in FROM" },
	{ .name = "LENGTH", .help = "bytes" },
	{ 0 },
};

static const struct arg_row allow_args[] = {
	IOAS_ARG,
	{ .name = "RANGE", .help = "START-LAST or START+LENGTH; none lifts the limit", .optional = true, .repeat = true },
	{ 0 },
};

static const struct arg_row compat_args[] = {
	{ .name = "IOAS", .help = "address space for VFIO's container interface", .complete = COMPLETE_OBJECT, .optional = true },
	{ 0 },
};

static const struct option_row map_options[] = {
	IOVA_OPTION,
	{ .name = "file", .arg = "FILE", .help = "map this file's memory, not memory of our own", .complete = COMPLETE_FILE },
	{ .name = "offset", .arg = "BYTES", .help = "from this place in the file" },
	ACCESS_OPTIONS,
	{ 0 },
};

static const struct option_row unmap_options[] = {
	{ .name = "all", .help = "everything that is mapped" },
	{ 0 },
};

static const struct option_row copy_options[] = { IOVA_OPTION, ACCESS_OPTIONS, { 0 } };

static const struct option_row compat_options[] = {
	{ .name = "clear", .help = "set none" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "alloc",
		.summary = "make an address space",
		.text = "An IOAS of iommufd: a map from the addresses that devices use (IOVAs) to memory. Its name is printed. Page tables are made "
			"from it (hwpt alloc), or by attaching a device to it.",
		.record = &alloc_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = run_alloc,
	},
	{
		.verb = "map",
		.summary = "map memory for devices",
		.text = "Maps LENGTH bytes of fresh memory, which the batch or session owns until the last map of it is gone; or a file's, with "
			"--file. The address is printed.",
		.args = map_args,
		.options = map_options,
		.record = &map_record,
		.flags = COMMAND_OBJECT,
		.run = run_map,
	},
	{
		.verb = "unmap",
		.summary = "take maps away",
		.text = "All maps that lie whole in the range; one that the range would split is an error, and nothing goes.",
		.args = unmap_args,
		.options = unmap_options,
		.record = &unmap_record,
		.flags = COMMAND_OBJECT,
		.run = run_unmap,
	},
	{
		.verb = "copy",
		.summary = "map what another address space has, pinning nothing twice",
		.args = copy_args,
		.options = copy_options,
		.record = &copy_record,
		.flags = COMMAND_OBJECT,
		.run = run_copy,
	},
	{
		.verb = "ranges",
		.summary = "which addresses may be mapped",
		.text = "Reserved regions of attached devices, and what their IOMMUs cannot reach, are left out. Behind an SMMU one of them is the software window of "
			"interrupts, 0x8000000 to 0x80fffff: from the first attach on the kernel maps their doorbell there. It comes back when the last device "
			"has left the address space.",
		.args = ioas_args,
		.record = &ranges_record,
		.flags = COMMAND_OBJECT,
		.run = run_ranges,
	},
	{
		.verb = "allow",
		.summary = "keep the kernel's own choice of addresses to these ranges",
		.args = allow_args,
		.record = &allow_record,
		.flags = COMMAND_OBJECT,
		.run = run_allow,
	},
	{
		.verb = "compat",
		.summary = "which address space VFIO's container interface maps into",
		.args = compat_args,
		.options = compat_options,
		.record = &compat_record,
		.flags = COMMAND_OBJECT,
		.run = run_compat,
	},
	{
		.verb = "change-process",
		.summary = "account for pinned memory of files in the process that asks",
		.record = &process_record,
		.flags = COMMAND_OBJECT,
		.run = run_change_process,
	},
};

const struct noun noun_ioas = {
	.name = "ioas",
	.summary = "address spaces of iommufd, and what is mapped in them",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
