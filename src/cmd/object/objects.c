// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/object/objects.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "abi/iommufd.h"
#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/args.h"
#include "cmd/suggest.h"

#define M(member, type, head, text, ...) FIELD(struct made_row, member, type, head, text, ##__VA_ARGS__)

const struct field made_fields[] = {
	M(name, F_STR, "NAME", "name of the new object", .flags = FIELD_DEFAULT),
	M(kind, F_STR, "KIND", "device, ioas, hwpt, viommu, vdevice, veventq, hwqueue or faultq", .flags = FIELD_DEFAULT),
	M(id, F_INT, "ID", "the kernel's id of it; null: it has none", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

_Static_assert(ARRAY_SIZE(made_fields) == N_MADE_FIELDS, "one count for all records");

/* -- words and places -------------------------------------------------------------------------------------------------- */

int option_type(struct invocation *inv, const char *option, const struct type_word *words, const char *fallback, uint32_t *ret)
{
	const char *word = inv_opt(inv, option) ?: fallback;

	for (; words->word; words++) {
		if (!streq(words->word, word))
			continue;
		*ret = words->type;
		return EXIT_DONE;
	}
	return take_u32(inv, arena_printf(&inv->ctx->arena, "--%s", option), word, ret);
}

static int take_argument(struct invocation *inv, const struct take *t)
{
	const char *word = inv->argv[t->arg], *name = inv->command->args[t->arg].name;

	switch (t->kind) {
	case TAKE_IS_NUMBER:
		return take_number(inv, name, word, t->ret);
	case TAKE_IS_U32:
		return take_u32(inv, name, word, t->ret);
	case TAKE_IS_DEVICE:
		return object_find_device(inv, word, t->ret);
	default:
		return object_find(inv, word, t->ret);
	}
}

static int take_option(struct invocation *inv, const struct take *t)
{
	switch (t->kind) {
	case TAKE_IS_NUMBER:
		return option_number(inv, t->option, t->ret);
	case TAKE_IS_U32:
		return option_u32(inv, t->option, t->ret);
	case TAKE_IS_MS:
		return option_ms(inv, t->option, t->ret);
	default:
		return object_option(inv, t->option, t->ret);
	}
}

int take_list(struct invocation *inv, const struct take *v)
{
	int r = EXIT_DONE;

	for (; r == EXIT_DONE && v->kind != TAKE_END; v++)
		r = v->option ? take_option(inv, v) : take_argument(inv, v);
	return r;
}

/* -- names --------------------------------------------------------------------------------------------------------------- */

static const char *nearest(struct invocation *inv, const char *word)
{
	struct suggestion s = { .word = word };
	struct op_object *v = NULL;
	const char *best;
	size_t n = 0;

	if (object_list(inv, &v, &n) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		suggest(&s, v[i].name);
	best = suggestion_best(&s);
	return best ? arena_printf(&inv->ctx->arena, "did you mean \"%s\"?", best) : n ? "object tree lists what there is" :
		      "nothing was made yet";
}

static int find(struct invocation *inv, const char *name, uint32_t id, struct op_object *ret)
{
	struct op_object_find op = { .id = id };
	struct backend *be;
	int r = machine_backend(inv->machine, &be);

	if (r != EXIT_DONE)
		return -EIO;
	if (name && strlen(name) >= sizeof(op.name))
		return -ENOENT;
	if (name)
		strcpy(op.name, name);
	r = backend_object_find(be, &op, NULL);
	if (r == 0)
		*ret = op.ret;
	return r;
}

int object_find(struct invocation *inv, const char *word, struct op_object *ret)
{
	bool is_id = strstarts(word, "id:");
	uint32_t id = 0;
	int r;

	if (is_id && parse_u32(word + 3, &id) < 0)
		return bad_argument(inv, word, "behind id: stands no number of 32 bits", "object tree lists the ids");
	r = find(inv, is_id ? NULL : word, id, ret);
	if (r < 0 && is_id && r == -ENOENT) {
		*ret = (struct op_object){ .id = id };
		return EXIT_DONE;
	}
	if (r == -ENOENT)
		ctx_error(inv->ctx, NOTE(.code = "no-object", .err = ENOENT, .why = "there is no such object",
					 .hint = nearest(inv, word)), "%s", word);
	else if (r < 0)
		ctx_error(inv->ctx, NOTE(.code = "object", .err = r), "%s", word);
	return r < 0 ? (int)exit_from_errno(r) : EXIT_DONE;
}

/* "an ioas", "a device" */
static const char *a_kind(struct invocation *inv, uint32_t kind)
{
	const char *name = op_kind_name(kind);

	return arena_printf(&inv->ctx->arena, "%s %s", strchr("ih", name[0]) ? "an" : "a", name);
}

int object_find_device(struct invocation *inv, const char *word, struct op_object *ret)
{
	struct op_object o;
	int r = object_find(inv, word, &o);

	if (r != EXIT_DONE)
		return r;
	if (o.kind != OP_KIND_DEVICE) {
		ctx_error(inv->ctx, NOTE(.code = "no-object", .err = ENOENT,
					 .why = o.kind ? arena_printf(&inv->ctx->arena, "it is no device, but %s", a_kind(inv, o.kind)) :
							 "no device was opened that has this id",
					 .hint = "device open DEV as NAME"), "%s", word);
		return EXIT_FAILED;
	}
	*ret = o;
	return EXIT_DONE;
}

int object_option(struct invocation *inv, const char *option, struct op_object *ret)
{
	const char *word = inv_opt(inv, option);

	*ret = (struct op_object){ 0 };
	return word ? object_find(inv, word, ret) : EXIT_DONE;
}

const char *object_word(struct invocation *inv, uint32_t id)
{
	struct op_object o;

	if (find(inv, NULL, id, &o) < 0)
		return arena_printf(&inv->ctx->arena, "id:%u", id);
	return arena_strdup(&inv->ctx->arena, o.name);
}

const char *device_word(struct invocation *inv, uint32_t handle)
{
	struct op_object_find op = { .handle = handle };
	struct backend *be;

	if (machine_backend(inv->machine, &be) != EXIT_DONE || backend_object_find(be, &op, NULL) < 0)
		return "a device";
	return arena_strdup(&inv->ctx->arena, op.ret.name);
}

/* -- errors ---------------------------------------------------------------------------------------------------------------- */

static const char *since_of(uint32_t nr)
{
	static const struct {
		uint32_t nr;
		const char *since;
	} ioctls[] = {
#define X(name, number, type, last, since) { number, since },
		IOMMUFD_IOCTLS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++)
		if (ioctls[i].nr == nr)
			return ioctls[i].since;
	return NULL;
}

static const struct errno_text *find_text(const struct errno_text *texts, int err)
{
	for (; texts && texts->err; texts++)
		if (texts->err == -err)
			return texts;
	return NULL;
}

static void explain(struct invocation *inv, int err, const struct errno_text *text, uint32_t nr, struct note *n)
{
	if (text) {
		n->why = text->why;
		n->hint = text->hint;
		return;
	}
	if (err == -ENOTTY && since_of(nr))
		n->why = arena_printf(&inv->ctx->arena, "this kernel does not have it: Linux %s is the first that does", since_of(nr));
	else if (err == -ENOTTY && nr)
		n->why = "the iommufd of this kernel has no ioctl of that number";
	if (err == -ECONNRESET || err == -EPIPE) {
		n->why = "the session is gone, and its objects with it";
		n->hint = "iommuctl session list";
	}
}

static int failed(struct invocation *inv, int err, const struct errno_text *known, uint32_t nr, const char *text)
{
	struct note n = NOTE(.code = "object", .err = err);

	explain(inv, err, known, nr, &n);
	ctx_note(inv->ctx, n, "%s", text);
	if (known && known->cannot)
		return EXIT_UNSUPPORTED;
	return err == -EINTR ? EXIT_INTERRUPTED : (int)exit_from_errno(err);
}

int op_failed(struct invocation *inv, int err, const struct errno_text *texts, uint32_t nr, const char *what, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, what);
	text = arena_vprintf(&inv->ctx->arena, what, ap);
	va_end(ap);
	return failed(inv, err, find_text(texts, err), nr, text);
}

/* The kernel says ENOENT of an object of another kind as well as of one that is not there. */
static const char *no_such(struct invocation *inv, const struct op_object *o, uint32_t kind)
{
	struct arena *a = &inv->ctx->arena;

	if (o->kind == kind)
		return NULL;
	if (o->kind)
		return arena_printf(a, "%s is %s, and no %s", o->name, a_kind(inv, o->kind), op_kind_name(kind));
	return arena_printf(a, "there is no %s that has the id %u", op_kind_name(kind), o->id);
}

const char *object_misfit(struct invocation *inv, const struct op_object *o, uint32_t kinds, const char *wanted)
{
	if (!o->kind || kinds & 1U << o->kind)
		return NULL;
	return arena_printf(&inv->ctx->arena, "%s is %s, and it takes %s", o->name, a_kind(inv, o->kind), wanted);
}

int op_failed_on(struct invocation *inv, int err, const struct op_object *o, uint32_t kind, const struct errno_text *texts, uint32_t nr,
		 const char *what, ...)
{
	struct errno_text other = { ENOENT, err == -ENOENT ? no_such(inv, o, kind) : NULL, "object tree lists what there is" };
	const char *text;
	va_list ap;

	va_start(ap, what);
	text = arena_vprintf(&inv->ctx->arena, what, ap);
	va_end(ap);
	return failed(inv, err, other.why ? &other : find_text(texts, err), nr, text);
}

/* -- results ---------------------------------------------------------------------------------------------------------------- */

bool wants_text(const struct invocation *inv)
{
	const struct out_options *opt = out_options(inv->out);

	return !opt->json && !opt->raw && !opt->cols;
}

void object_changed(struct invocation *inv)
{
	inv->changed |= inv->machine->session != NULL;
}

int object_made(struct invocation *inv, const char *name, uint32_t kind, uint32_t id)
{
	struct made_row row = { .name = name, .kind = op_kind_name(kind), .id = id ? NUM(id) : NUM_UNKNOWN };

	object_changed(inv);
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	out_verbatim(inv->out, "%s", name);
	return EXIT_DONE;
}

/* -- the way to the backend ----------------------------------------------------------------------------------------------- */

int object_begin(struct invocation *inv, struct backend **ret)
{
	if (inv->command->record && out_begin(inv->out, inv->command->record) < 0)
		return EXIT_USAGE;
	return machine_backend(inv->machine, ret);
}

void take_as(const struct invocation *inv, char *name)
{
	if (inv->as)
		strncpy(name, inv->as, sizeof(op_name) - 1);
}

int object_list(struct invocation *inv, struct op_object **ret, size_t *ret_n)
{
	struct op_object_list op = { 0 };
	struct op_data d = OP_DATA_NONE;
	struct backend *be;
	int r = machine_backend(inv->machine, &be) == EXIT_DONE ? backend_object_list(be, &op, NULL) : -EIO;

	if (r < 0)
		return r;
	d.out_cap = op.ret_n * sizeof(**ret);
	d.out = arena_alloc(&inv->ctx->arena, d.out_cap + 1);
	r = backend_object_list(be, &op, &d);
	if (r < 0)
		return r;
	*ret = d.out;
	*ret_n = d.out_len / sizeof(**ret);
	return 0;
}

int link_list(struct invocation *inv, struct op_link **ret, size_t *ret_n)
{
	struct op_link_list op = { 0 };
	struct op_data d = OP_DATA_NONE;
	struct backend *be;
	int r = machine_backend(inv->machine, &be) == EXIT_DONE ? backend_link_list(be, &op, NULL) : -EIO;

	if (r < 0)
		return r;
	d.out_cap = op.ret_n * sizeof(**ret);
	d.out = arena_alloc(&inv->ctx->arena, d.out_cap + 1);
	r = backend_link_list(be, &op, &d);
	if (r < 0)
		return r;
	*ret = d.out;
	*ret_n = d.out_len / sizeof(**ret);
	return 0;
}
