// SPDX-License-Identifier: GPL-2.0-or-later
/* group set-type: the type of a group's default domain. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/acting.h"
#include "cmd/group.h"
#include "cmd/machine.h"
#include "cmd/rows.h"
#include "host/drivers.h"
#include "host/holders.h"

struct type_row {
	struct num group;
	const char *type_before, *type;
	const char *state;
	int changed;
};

static const struct field type_fields[] = {
	FIELD(struct type_row, group, F_INT, "GROUP", "number of the group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct type_row, type_before, F_STR, "BEFORE", "type that it had", .flags = FIELD_DEFAULT),
	FIELD(struct type_row, type, F_STR, "TYPE", "type that it has now", .flags = FIELD_DEFAULT),
	FIELD(struct type_row, state, F_STR, "STATE", "planned, unchanged, changed, refused, differs (the kernel took another "
	      "type than the one asked for)", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct type_row, changed, F_BOOL, "CHANGED", "whether it is no longer as before"),
};

const struct record_type group_set_type_record = RECORD("group.set-type", 1, struct type_row, type_fields);

const char group_set_type_text[] =
	"Changes the type of the default domain of a group: DMA (translated, invalidated at once), DMA-FQ (translated, invalidated "
	"later in batches: faster, and a device can reach a page for a moment after it was freed), identity (not translated: its devices reach "
	"all of memory, which wants --force), auto (what the IOMMU's driver prefers). The kernel changes the type only while no device of the "
	"group is on a driver that uses the DMA API, and nobody holds the group; DMA to DMA-FQ alone is done with drivers bound. What "
	"stands in the way is named. The type is read back. It is not kept over a reboot.";

static const char *const types[] = { "DMA", "DMA-FQ", "identity", "auto", NULL };

const struct arg_row group_set_type_args[] = {
	{ .name = "G|DEV", .help = "number of a group, or a device of it", .complete = COMPLETE_GROUP_OR_DEVICE },
	{ .name = "TYPE", .help = "DMA, DMA-FQ, identity or auto", .words = types },
	{ 0 },
};

const struct option_row group_set_type_options[] = {
	ACTING_OPTIONS,
	{ 0 },
};

struct setting {
	struct invocation *inv;
	struct acting a;
	struct host *h;
	struct group *g;
	const char *type;
	const char *what; /* "group 7" */
};

static int refuse(struct setting *s, struct note n, int code)
{
	ctx_note(s->inv->ctx, n, "%s", s->what);
	return code;
}

/* -- before ------------------------------------------------------------------------------------------------------- */

/* Only this change is made with drivers bound (iommu_group_store_type(), iommu_dma_init_fq()). */
static bool is_live_change(const struct setting *s)
{
	return streq(s->g->type, "DMA") && streq(s->type, "DMA-FQ");
}

static int check_drivers(struct setting *s)
{
	struct arena *a = &s->inv->ctx->arena;
	int code = EXIT_DONE;

	for (size_t i = 0; i < s->g->n_devices && !is_live_change(s); i++) {
		const struct device *d = s->g->devices[i];

		if (device_driver_use(s->h, d) != USE_NATIVE)
			continue;
		code = refuse(s, NOTE(.code = "type-driver", .err = EPERM,
				      .why = arena_printf(a, "%s is on %s, which uses the DMA API", d->name, d->driver),
				      .hint = arena_printf(a, "iommuctl device unbind %s, and restore it afterwards", d->name)),
			      EXIT_FAILED);
	}
	return code;
}

static int check_holders(struct setting *s)
{
	struct holder_list list;

	group_holders(s->h, s->g, &list);
	if (!list.n)
		return EXIT_DONE;
	return refuse(s, NOTE(.code = "type-held", .err = EPERM,
			      .why = arena_printf(&s->inv->ctx->arena, "%s holds it", list.v[0].who), .hint = "end it first"),
		      EXIT_FAILED);
}

static int check(struct setting *s)
{
	int r;

	if (!s->g->type)
		return refuse(s, NOTE(.code = "no-type", .err = s->g->type_err,
				      .hint = "kernels before 5.11 have no types of groups"),
			      s->g->type_err == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED);
	if (streq(s->type, "identity") && !s->inv->force)
		return refuse(s, NOTE(.code = "type-identity", .err = ECANCELED,
				      .why = "without translation its devices reach all of memory",
				      .hint = "--force does it all the same"), EXIT_REFUSED);
	r = check_drivers(s);
	return r == EXIT_DONE ? check_holders(s) : r;
}

/* -- the write ------------------------------------------------------------------------------------------------------ */

/* What iommu_group_store_type() means, beyond what was checked. 6.1 says EBUSY where later ones say EPERM. */
static int explain(struct setting *s, int err)
{
	const char *why = err_text(err), *hint = NULL;
	int code = exit_from_errno(err);

	switch (-err) {
	case EACCES:
		why = "this wants the capabilities CAP_SYS_ADMIN and CAP_SYS_RAWIO";
		break;
	case EPERM:
	case EBUSY:
		why = "the kernel counts somebody who uses it, though no driver or process that does can be seen";
		hint = "iommuctl owner check says whether a count was left behind";
		code = EXIT_FAILED;
		break;
	case EINVAL:
		why = "the IOMMU's driver does not allow it for these devices";
		hint = s->g->n_devices > 1 ? "older kernels, as 6.1, change only groups of one device" : NULL;
		break;
	}
	return refuse(s, NOTE(.code = "type", .err = err, .why = why, .hint = hint), code);
}

static int read_back(struct setting *s, const char **ret)
{
	char path[SRC_PATH_MAX], *type;
	int r;

	PATHF(path, "sys/kernel/iommu_groups/%u/type", s->g->id);
	r = source_read_attr_dup(s->inv->source, path, &s->inv->ctx->arena, &type);
	if (r == 0)
		*ret = type;
	return r;
}

static int write_type(struct setting *s, struct type_row *row)
{
	int r = backend_set_group_type(s->a.be, s->g->id, s->type);

	if (r < 0) {
		row->state = "refused";
		return explain(s, r);
	}
	r = read_back(s, &row->type);
	if (r < 0) {
		row->type = NULL;
		row->state = "differs";
		return refuse(s, NOTE(.code = "type", .err = r, .why = "the type cannot be read back"), EXIT_CHANGED);
	}
	row->changed = streq(row->type, row->type_before) ? TRI_NO : TRI_YES;
	row->state = row->changed == TRI_YES ? "changed" : "unchanged";
	if (streq(s->type, "auto") || streq(row->type, s->type))
		return EXIT_DONE;
	row->state = row->changed == TRI_YES ? "differs" : "refused";
	return refuse(s, NOTE(.code = "type", .err = EIO,
			      .why = arena_printf(&s->inv->ctx->arena, "the kernel made it %s", row->type)),
		      row->changed == TRI_YES ? EXIT_CHANGED : EXIT_FAILED);
}

static const char *of_type(struct setting *s, const char *type)
{
	return type ? arena_printf(&s->inv->ctx->arena, "of type %s", type) : "of another type";
}

static int set_type(struct setting *s)
{
	struct type_row row = { .group = NUM(s->g->id), .type_before = s->g->type, .type = s->g->type, .changed = TRI_NO };
	int r, written;

	if (streq(s->g->type, s->type)) {
		row.state = "unchanged";
		return out_row(s->inv->out, &row);
	}
	r = check(s);
	if (r != EXIT_DONE) {
		row.state = "refused";
	} else if (s->inv->dry_run) {
		row.state = "planned";
		row.type = streq(s->type, "auto") ? NULL : s->type;
	} else {
		r = write_type(s, &row);
		s->inv->changed = row.changed == TRI_YES;
		if (s->inv->changed)
			machine_changed(s->inv->machine, s->what, of_type(s, s->g->type), of_type(s, row.type));
	}
	written = out_row(s->inv->out, &row);
	return written < 0 && r == EXIT_DONE ? written : r;
}

static const char *find_type(struct invocation *inv, const char *word)
{
	for (size_t i = 0; types[i]; i++)
		if (streq(types[i], word))
			return types[i];
	ctx_error(inv->ctx, NOTE(.code = "bad-value", .err = EINVAL, .why = "not a type of groups",
				 .hint = "one of: DMA, DMA-FQ, identity, auto"), "%s", word);
	return NULL;
}

static void setting_close(struct setting *s)
{
	acting_close(&s->a);
	host_free(s->h);
}

int group_set_type_run(struct invocation *inv)
{
	_cleanup_(setting_close) struct setting s = { .inv = inv };
	int r;

	if (out_begin(inv->out, &group_set_type_record) < 0)
		return EXIT_USAGE;
	s.type = find_type(inv, inv->argv[1]);
	if (!s.type)
		return EXIT_USAGE;
	r = inv->dry_run ? acting_look(inv, &s.a) : acting_open(inv, &s.a);
	if (r != EXIT_DONE)
		return r;
	r = host_load(inv->ctx, inv->source, HOST_ALL, &s.h);
	if (r < 0)
		return r;
	r = host_find_group(s.h, inv->argv[0], &s.g);
	if (r < 0)
		return exit_from_lookup(r);
	s.what = arena_printf(&inv->ctx->arena, "group %u", s.g->id);
	return set_type(&s);
}
