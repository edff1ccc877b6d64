// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun object: destroy, options, and raw ioctls. The tree is in object-tree.c. */
#include "cmd/object/object.h"

#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/object/objects.h"
#include "cmd/rows.h"

/* -- destroy ----------------------------------------------------------------------------------------------------------- */

struct destroyed_row {
	const char *name, *kind, *state;
	struct strs users;
};

static const struct field destroyed_fields[] = {
	FIELD(struct destroyed_row, name, F_STR, "NAME", "object", .flags = FIELD_DEFAULT),
	FIELD(struct destroyed_row, kind, F_STR, "KIND", "what it was; null: not known", .flags = FIELD_DEFAULT),
	FIELD(struct destroyed_row, state, F_STR, "STATE", "destroyed, closed (a device), or refused", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct destroyed_row, users, F_STRS, "USERS", "what still uses it", .flags = FIELD_DEFAULT),
};

static const struct record_type destroy_record = RECORD("object.destroy", 1, struct destroyed_row, destroyed_fields);

struct target {
	const char *word;
	struct op_object o;
	int err; /* 1: not tried yet */
};

/* Who keeps it: what was made from it, and who is attached to it. */
static struct strs users_of(struct invocation *inv, const struct op_object *o)
{
	struct op_object *v;
	struct op_link *l;
	size_t n, n_links, k = 0;
	const char **names;

	if (!o->id || object_list(inv, &v, &n) < 0 || link_list(inv, &l, &n_links) < 0)
		return (struct strs){ 0 };
	names = arena_array(&inv->ctx->arena, const char *, n + n_links);
	for (size_t i = 0; i < n; i++)
		if (v[i].parent == o->id || v[i].fault_id == o->id)
			names[k++] = v[i].name;
	for (size_t i = 0; i < n_links; i++)
		if (l[i].hwpt_id == o->id)
			names[k++] = l[i].flags & OP_LINK_PASID ?
					     arena_printf(&inv->ctx->arena, "%s (PASID %u)", device_word(inv, l[i].handle), l[i].pasid) :
					     device_word(inv, l[i].handle);
	return STRS(names, k);
}

static const char *joined(struct invocation *inv, const struct strs *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < s->n; i++)
		strbuf_printf(&b, "%s%s", i ? ", " : "", s->v[i]);
	return arena_strdup(&inv->ctx->arena, strbuf_str(&b));
}

static int refused(struct invocation *inv, const struct target *t, const struct strs *users)
{
	static const struct errno_text texts[] = {
		{ ENOENT, "there is no such object", NULL },
		{ EBUSY, "something uses it that no command has made", "object tree shows what was made" },
		{ 0 },
	};
	const char *names = joined(inv, users);

	if (t->err == -EBUSY && t->o.kind == OP_KIND_DEVICE)
		ctx_error(inv->ctx, NOTE(.code = "object", .err = EBUSY, .why = "a device that is open",
					 .hint = arena_printf(&inv->ctx->arena, "device close %s", t->word)), "%s", t->word);
	else if (t->err == -EBUSY && users->n)
		ctx_error(inv->ctx, NOTE(.code = "object", .err = EBUSY, .why = arena_printf(&inv->ctx->arena, "used by %s", names),
					 .hint = "object destroy and device detach take them away first"), "%s", t->word);
	else
		return op_failed(inv, t->err, texts, 0x80, "object destroy %s", t->word);
	return EXIT_FAILED;
}

static int destroy_one(struct backend *be, const struct target *t, bool close_devices)
{
	struct op_device_close close = { .handle = t->o.handle };
	struct op_destroy op = { .id = t->o.id };

	if (t->o.kind != OP_KIND_DEVICE)
		return backend_destroy(be, &op, NULL);
	return close_devices ? backend_device_close(be, &close, NULL) : -EBUSY;
}

/* In any order: what is in use is tried again when something else has gone. */
static void destroy_all(struct backend *be, struct target *v, size_t n, bool close_devices)
{
	bool progress = true;

	while (progress) {
		progress = false;
		for (size_t i = 0; i < n; i++) {
			if (v[i].err != 1 && v[i].err != -EBUSY)
				continue;
			v[i].err = destroy_one(be, &v[i], close_devices);
			progress |= v[i].err == 0;
		}
	}
}

static int report(struct invocation *inv, const struct target *v, size_t n)
{
	int code = EXIT_DONE, r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct strs users = v[i].err ? users_of(inv, &v[i].o) : STRS(NULL, 0);
		struct destroyed_row row = {
			.name = v[i].o.name[0] ? v[i].o.name : v[i].word,
			.kind = v[i].o.kind ? op_kind_name(v[i].o.kind) : NULL,
			.state = v[i].err ? "refused" : v[i].o.kind == OP_KIND_DEVICE ? "closed" : "destroyed",
			.users = users,
		};

		if (!v[i].err)
			object_changed(inv);
		if (v[i].err) {
			int one = refused(inv, &v[i], &users);

			code = code == EXIT_DONE ? one : code;
		}
		if (!wants_text(inv))
			r = out_row(inv->out, &row);
	}
	return r < 0 ? r : code;
}

/* An auto hwpt goes with its last user: nothing to destroy. */
static int take_all(struct invocation *inv, struct target **ret, size_t *ret_n)
{
	struct op_object *v;
	size_t n, k = 0;
	int r = object_list(inv, &v, &n);

	if (r < 0)
		return exit_from_errno(ctx_error(inv->ctx, NOTE(.code = "object", .err = r), "object destroy --all"));
	*ret = arena_array(&inv->ctx->arena, struct target, n);
	for (size_t i = n; i-- > 0;)
		if (!(v[i].flags & OP_OBJECT_AUTO))
			(*ret)[k++] = (struct target){ .word = v[i].name, .o = v[i], .err = 1 };
	*ret_n = k;
	return EXIT_DONE;
}

static int take_named(struct invocation *inv, struct target **ret, size_t *ret_n)
{
	struct target *v = arena_array(&inv->ctx->arena, struct target, (size_t)inv->argc);
	int r = EXIT_DONE;

	for (int i = 0; r == EXIT_DONE && i < inv->argc; i++) {
		v[i] = (struct target){ .word = inv->argv[i], .err = 1 };
		r = object_find(inv, inv->argv[i], &v[i].o);
	}
	*ret = v;
	*ret_n = (size_t)inv->argc;
	return r;
}

static int run_destroy(struct invocation *inv)
{
	bool all = inv_opt(inv, "all");
	struct target *v = NULL;
	struct backend *be;
	size_t n = 0;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE && all == (inv->argc > 0))
		r = bad_argument(inv, "object destroy", all ? "objects are named, and --all is given too" : "name objects, or give --all", NULL);
	if (r == EXIT_DONE)
		r = all ? take_all(inv, &v, &n) : take_named(inv, &v, &n);
	if (r != EXIT_DONE)
		return r;
	destroy_all(be, v, n, all);
	return report(inv, v, n);
}

/* -- option ------------------------------------------------------------------------------------------------------------ */

struct option_value_row {
	const char *option, *object, *value;
};

static const struct field option_fields[] = {
	FIELD(struct option_value_row, option, F_STR, "OPTION", "rlimit-mode or huge-pages", .flags = FIELD_DEFAULT),
	FIELD(struct option_value_row, object, F_STR, "OBJECT", "address space; null: all of them", .flags = FIELD_DEFAULT),
	FIELD(struct option_value_row, value, F_STR, "VALUE", "its value", .flags = FIELD_DEFAULT),
};

static const struct record_type option_record = RECORD("object.option", 1, struct option_value_row, option_fields);

static const char *const values[][2] = {
	[IOMMU_OPTION_RLIMIT_MODE] = { "user", "process" },
	[IOMMU_OPTION_HUGE_PAGES] = { "off", "on" },
};

/* "user", "on", or the number itself: the kernel refuses what it does not know. */
static int take_value(struct invocation *inv, uint32_t option, const char *word, uint64_t *ret)
{
	for (uint64_t i = 0; i < 2; i++) {
		if (!streq(values[option][i], word))
			continue;
		*ret = i;
		return EXIT_DONE;
	}
	if (parse_u64(word, ret) == 0)
		return EXIT_DONE; /* for tests: the kernel says what it thinks of others */
	return bad_argument(inv, arena_printf(&inv->ctx->arena, "%s %s", inv->argv[0], word), "no value of this option",
			    arena_printf(&inv->ctx->arena, "%s or %s", values[option][0], values[option][1]));
}

static int set_option(struct invocation *inv, struct backend *be, struct op_option *op, const char *object)
{
	static const struct errno_text texts[] = {
		{ EPERM, "it wants the capability CAP_SYS_RESOURCE", NULL },
		{ EBUSY, "objects exist already", "set it before anything is made" },
		{ EINVAL, "not a value of this option, or huge pages are mapped already", NULL },
		{ ENOENT, "it is no address space", NULL },
		{ 0 },
	};
	struct option_value_row row = { .option = inv->argv[0], .object = object };
	int r = backend_option(be, op, NULL);

	if (r < 0)
		return op_failed(inv, r, texts, 0x87, "object option %s", inv->argv[0]);
	row.value = op->value < 2 ? values[op->option][op->value] :
				    arena_printf(&inv->ctx->arena, "%llu", (unsigned long long)op->value);
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	if (!op->set)
		out_verbatim(inv->out, "%s", row.value);
	return EXIT_DONE;
}

static int run_option(struct invocation *inv)
{
	bool of_ioas = streq(inv->argv[0], "huge-pages");
	struct op_option op = { .option = of_ioas ? IOMMU_OPTION_HUGE_PAGES : IOMMU_OPTION_RLIMIT_MODE };
	struct op_object o = { 0 };
	struct backend *be;
	int next = of_ioas ? 2 : 1;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE && !of_ioas && !streq(inv->argv[0], "rlimit-mode"))
		r = bad_argument(inv, inv->argv[0], "not an option of iommufd", "rlimit-mode, or huge-pages IOAS");
	if (r == EXIT_DONE && of_ioas && inv->argc < 2)
		r = bad_argument(inv, "huge-pages", "names no address space", "object option huge-pages IOAS [on|off]");
	if (r == EXIT_DONE && inv->argc > next + 1)
		r = bad_argument(inv, inv->argv[next + 1], "one argument too many", NULL);
	if (r == EXIT_DONE && of_ioas)
		r = object_find(inv, inv->argv[1], &o);
	if (r == EXIT_DONE && inv->argc > next)
		r = take_value(inv, op.option, inv->argv[next], &op.value);
	if (r != EXIT_DONE)
		return r;
	op.set = inv->argc > next;
	op.object_id = o.id;
	return set_option(inv, be, &op, of_ioas ? inv->argv[1] : NULL);
}

/* -- raw ---------------------------------------------------------------------------------------------------------------- */

struct raw_row {
	struct num nr;
	const char *bytes;
};

static const struct field raw_fields[] = {
	FIELD(struct raw_row, nr, F_HEX, "NR", "number of the ioctl", .flags = FIELD_DEFAULT),
	FIELD(struct raw_row, bytes, F_STR, "BYTES", "what came back, in hex", .flags = FIELD_DEFAULT),
};

static const struct record_type raw_record = RECORD("object.raw", 1, struct raw_row, raw_fields);

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of all arguments, in the order of memory; "u32:5" and "u64:5" are numbers of the machine's order. */
static int add_bytes(struct invocation *inv, struct strbuf *b, const char *word)
{
	uint64_t v;
	int r;

	if (strstarts(word, "u32:") || strstarts(word, "u64:")) {
		r = parse_size(word + 4, &v);
		if (r < 0 || (word[1] == '3' && v > UINT32_MAX))
			return bad_argument(inv, word, r == -EINVAL ? "not a number behind the colon" : "it does not fit into that many bits", NULL);
		if (r == 0)
			strbuf_add(b, &v, word[1] == '3' ? 4 : 8);
		return r;
	}
	for (; *word; word += 2) {
		if (hex_digit(word[0]) < 0 || hex_digit(word[1]) < 0)
			return bad_argument(inv, word, "not bytes in hex", "two digits a byte, or u32:N, u64:N");
		strbuf_putc(b, (char)(hex_digit(word[0]) << 4 | hex_digit(word[1])));
	}
	return EXIT_DONE;
}

static const struct errno_text raw_texts[] = {
	{ EINVAL, "the struct is shorter than the kernel wants, or a member of it is wrong", NULL },
	{ E2BIG, "the struct is longer than the kernel knows, and what is behind is not 0", NULL },
	{ 0 },
};

static int run_raw(struct invocation *inv)
{
	_cleanup_strbuf_ struct strbuf in = { 0 }, text = { 0 };
	struct op_data d = OP_DATA_NONE;
	struct op_raw op = { 0 };
	struct raw_row row;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = take_u32(inv, "NR", inv->argv[0], &op.nr);
	for (int i = 1; r == EXIT_DONE && i < inv->argc; i++)
		r = add_bytes(inv, &in, inv->argv[i]);
	if (r != EXIT_DONE)
		return r;
	d.in = strbuf_str(&in);
	d.in_len = d.out_cap = in.len;
	d.out = arena_alloc(&inv->ctx->arena, in.len + 1);
	r = backend_raw(be, &op, &d);
	if (r < 0)
		return op_failed(inv, r, raw_texts, op.nr, "object raw 0x%x", op.nr);
	for (size_t i = 0; i < d.out_len; i++)
		strbuf_printf(&text, "%02x", ((unsigned char *)d.out)[i]);
	row = (struct raw_row){ NUM(op.nr), strbuf_str(&text) };
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	out_verbatim(inv->out, "%s", row.bytes);
	return EXIT_DONE;
}

/* -- rows ------------------------------------------------------------------------------------------------------------------ */

static const struct arg_row destroy_args[] = {
	{ .name = "NAME", .help = "an object, or id:N", .complete = COMPLETE_OBJECT, .optional = true, .repeat = true },
	{ 0 },
};

static const struct option_row destroy_options[] = {
	{ .name = "all", .help = "everything, devices too: they are closed" },
	{ 0 },
};

static const char *const option_words[] = { "rlimit-mode", "huge-pages", NULL };
static const char *const mode_words[] = { "user", "process", NULL };
static const char *const switch_words[] = { "on", "off", NULL };

static const struct arg_row option_args[] = {
	{ .name = "OPTION", .help = "rlimit-mode, or huge-pages", .words = option_words },
	{ .name = "IOAS|VALUE", .help = "for huge-pages the address space; for rlimit-mode user or process", .complete = COMPLETE_OBJECT,
	  .words = mode_words, .optional = true },
	{ .name = "VALUE", .help = "for huge-pages on or off", .words = switch_words, .optional = true },
	{ 0 },
};

static const struct arg_row raw_args[] = {
	{ .name = "NR", .help = "number of the ioctl, as 0x81" },
	{ .name = "BYTES", .help = "in hex, in the order of memory; or u32:N, u64:N", .optional = true, .repeat = true },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "tree",
		.summary = "all objects, what they were made from, and who is attached to what",
		.text = object_tree_text,
		.options = object_tree_options,
		.record = &object_tree_record,
		.flags = COMMAND_OBJECT,
		.run = object_tree_run,
	},
	{
		.verb = "destroy",
		.summary = "destroy objects, in any order",
		.text = "What is in use cannot be destroyed: its users are named. Of several objects those that use others go first, whatever their "
			"order. Devices are closed by device close, or with --all.",
		.args = destroy_args,
		.options = destroy_options,
		.record = &destroy_record,
		.flags = COMMAND_OBJECT,
		.run = run_destroy,
	},
	{
		.verb = "option",
		.summary = "options of iommufd: how pinned memory is counted, and huge pages",
		.text = "rlimit-mode: whether pinned memory is counted for the user or for the process; it is set before anything is made. huge-pages: "
			"whether an address space is mapped with huge pages. Without a value it is printed.",
		.args = option_args,
		.record = &option_record,
		.flags = COMMAND_OBJECT,
		.run = run_option,
	},
	{
		.verb = "raw",
		.summary = "any ioctl of iommufd with any bytes",
		.text = "For tests of the kernel's edges: the bytes are passed as they are, and those that come back are printed. Objects that it makes "
			"have no names: id:N.",
		.args = raw_args,
		.record = &raw_record,
		.flags = COMMAND_OBJECT,
		.run = run_raw,
	},
};

const struct noun noun_object = {
	.name = "object",
	.summary = "objects of iommufd: the whole graph, and their end",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
