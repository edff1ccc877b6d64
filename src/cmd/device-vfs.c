// SPDX-License-Identifier: GPL-2.0-or-later
/* device vfs: how many virtual functions a physical one has. */
#include "cmd/device-vfs.h"

#include <errno.h>
#include <string.h>

#include "act/vfs.h"
#include "base/str.h"
#include "cmd/bind-plan.h"
#include "cmd/filter.h"
#include "cmd/machine.h"
#include "cmd/rows.h"
#include "cmd/take.h"
#include "host/devinfo.h"

struct vf_row {
	const char *device, *pf;
	struct num number, group;
	const char *driver, *state;
	int changed;
	const char *node, *cdev;
};

#define V(member, type, head, text, ...) FIELD(struct vf_row, member, type, head, text, ##__VA_ARGS__)

static const struct field vf_fields[] = {
	V(device, F_STR, "DEVICE", "virtual function", .flags = FIELD_DEFAULT),
	V(number, F_INT, "VF", "its number, from 0", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	V(pf, F_STR, "PF", "its physical function"),
	V(group, F_INT, "GROUP", "number of its IOMMU group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	V(driver, F_STR, "DRIVER", "driver that it has now; null: none, or not known yet", .flags = FIELD_DEFAULT),
	V(state, F_STR, "STATE", "planned, created, removed, moved (to another driver), unchanged, rolled-back (as before), differs (neither as "
	  "before nor as asked), refused", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	V(changed, F_BOOL, "CHANGED", "whether it is no longer as before"),
	V(node, F_STR, "NODE", "its group's node for VFIO; null: none", .flags = FIELD_DEFAULT),
	V(cdev, F_STR, "CDEV", "its own node for VFIO; null: none", .flags = FIELD_DEFAULT),
};

const struct record_type device_vfs_record = RECORD("device.vfs", 1, struct vf_row, vf_fields);

const char device_vfs_text[] =
	"Sets the number of virtual functions (SR-IOV) of a physical function; 0 takes them away. The kernel changes the number only from or to none, so "
	"when some are there, they all go first: one of them that the machine uses, or a container (device guard), is refused (exit 5) unless --force is "
	"given, and one that is open in some process always.\n\n"
	"With --driver they are made without the drivers that the kernel would give them, and all go to that one (vfio-pci), or to none; with "
	"none, drivers that are loaded later do not take them either. It is waited for until they are there, with their groups. When anything "
	"fails, or the command is interrupted, number and drivers are put back as they were. device restore PF does so later.";

const struct arg_row device_vfs_args[] = {
	{ .name = "PF", .help = "a physical function", .complete = COMPLETE_DEVICE },
	{ .name = "N", .help = "how many virtual functions it shall have" },
	{ 0 },
};

const struct option_row device_vfs_options[] = {
	{ .name = "driver", .arg = "DRIVER", .help = "the driver that they go to; none: no driver", .complete = COMPLETE_DRIVER,
	  .words = no_driver_words },
	{ .name = "wait", .help = "take them away though one is open in a process, and wait for it to let go" },
	ACTING_OPTIONS,
	{ 0 },
};

struct vfs {
	struct invocation *inv;
	struct acting a;
	struct host *h;
	struct device *pf;
	const struct devinfo *info;
	unsigned n;
	const char *driver; /* NULL none was asked for, "none" none is wanted */
};

static int refuse(struct vfs *s, const char *code, int err, const char *why, const char *hint, int exit_code)
{
	ctx_error(s->inv->ctx, NOTE(.code = code, .err = err, .why = why, .hint = hint), "%s", s->pf->name);
	return exit_code;
}

static bool wants_driver(const struct vfs *s)
{
	return s->n && s->driver && !streq(s->driver, "none");
}

static unsigned now(const struct vfs *s)
{
	return s->info->sriov_num.known ? (unsigned)s->info->sriov_num.v : 0;
}

/* -- before ------------------------------------------------------------------------------------------------------ */

static int check_pf(struct vfs *s)
{
	struct arena *a = &s->inv->ctx->arena;
	const struct devinfo *info = s->info;

	if (info->pf)
		return refuse(s, "is-vf", EOPNOTSUPP, "it is a virtual function itself",
			      arena_printf(a, "its physical function is %s", info->pf->name), EXIT_UNSUPPORTED);
	if (!info->sriov_total.known || !info->sriov_total.v)
		return refuse(s, "no-sriov", EOPNOTSUPP, "it has no virtual functions (SR-IOV)", "iommuctl device list -o +sriov_total shows what has",
			      EXIT_UNSUPPORTED);
	if (s->n > info->sriov_total.v)
		return refuse(s, "too-many", ERANGE,
			      arena_printf(a, "%u virtual functions are asked for, and its driver allows %lld", s->n,
					   (long long)info->sriov_total.v), NULL, EXIT_UNSUPPORTED);
	if (!s->pf->driver && s->n != now(s))
		return refuse(s, "no-driver", ENODEV, "it has no driver that could make or take away virtual functions",
			      arena_printf(a, "bind its own driver first: iommuctl device bind --force --driver DRIVER %s", s->pf->name), EXIT_FAILED);
	return EXIT_DONE;
}

int vfs_check_removal(struct invocation *inv, struct acting *a, const char *pf, unsigned n)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct bind_plan p = { .inv = inv, .a = a, .leave = true };
	const struct devinfo *info;
	struct device *d;
	int r = host_load(inv->ctx, inv->source, HOST_ALL, &h);

	if (r < 0)
		return exit_from_errno(r);
	d = host_device(h, "pci", pf);
	info = d ? device_info(h, d) : NULL;
	if (!info || !info->sriov_num.known || info->sriov_num.v == n)
		return EXIT_DONE;
	p.h = h;
	r = EXIT_DONE;
	for (size_t i = 0; r == EXIT_DONE && i < info->n_vfs; i++)
		r = bind_plan_add(&p, info->vfs[i], false);
	return r == EXIT_DONE ? bind_plan_check(&p) : r;
}

/* -- rows ---------------------------------------------------------------------------------------------------------- */

static int put_row(struct vfs *s, const struct move *v, unsigned number, const char *state, bool changed)
{
	struct vf_row row = {
		.device = v->device,
		.pf = s->pf->name,
		.number = NUM(number),
		.group = v->group,
		.driver = v->driver,
		.state = state,
		.changed = changed ? TRI_YES : TRI_NO,
		.node = v->node,
		.cdev = v->cdev,
	};

	s->inv->changed |= changed;
	return out_row(s->inv->out, &row);
}

/* Those of one group can only be given away together: seldom what somebody who makes them wants. */
static void warn_shared(struct vfs *s, const struct move *v)
{
	struct src_list list = { 0 };
	char path[SRC_PATH_MAX];
	bool with_pf = false;

	if (!v->group.known)
		return;
	PATHF(path, "sys/kernel/iommu_groups/%lld/devices", (long long)v->group.v);
	if (source_list(s->inv->source, path, &s->inv->ctx->arena, &list) < 0 || list.n < 2)
		return;
	for (size_t i = 0; i < list.n; i++)
		with_pf |= streq(list.v[i].name, s->pf->name);
	ctx_note(s->inv->ctx, (struct note){ .level = NOTE_WARNING, .code = "shared-group",
					     .why = with_pf ? "its physical function is one of them, and has to leave its driver first" :
							      "they can be given away together only",
					     .hint = arena_printf(&s->inv->ctx->arena, "iommuctl group explain %lld", (long long)v->group.v) },
		 "%s is in group %lld with %zu other%s", v->device, (long long)v->group.v, list.n - 1, list.n == 2 ? "" : "s");
}

static int old_rows(struct vfs *s, const struct vf_change *old, const char *state, bool changed)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < old->n_v; i++)
		r = put_row(s, &old->v[i], i, state, changed);
	return r;
}

static int new_rows(struct vfs *s, const struct vf_change *c, const struct vf_change *old)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < c->n_v; i++) {
		struct move v = c->v[i];

		if (v.state == MOVE_DONE)
			v.driver = v.to;
		warn_shared(s, &v);
		r = put_row(s, &v, i, "created", true);
	}
	for (size_t i = c->n_v; r >= 0 && i < old->n_v; i++) {
		struct move v = old->v[i];

		v.driver = NULL;
		v.group = NUM_UNKNOWN;
		r = put_row(s, &v, i, "removed", true);
	}
	return r;
}

/* Their addresses are in the PF's capability: First VF Offset and VF Stride (PCIe base specification, SR-IOV extended capability). */
static int planned_rows(struct vfs *s, const struct vf_change *old)
{
	char *offset, *stride;
	uint64_t o = 0, st = 0;
	int r = 0;

	if (device_attr(s->h, s->pf, "sriov_offset", &offset) < 0 || parse_u64(offset, &o) < 0 ||
	    device_attr(s->h, s->pf, "sriov_stride", &stride) < 0 || parse_u64(stride, &st) < 0)
		o = 0;
	for (unsigned i = 0; r >= 0 && i < s->n; i++) {
		unsigned rid = pci_addr_rid(s->pf->addr) + (unsigned)o + (unsigned)st * i;
		struct move v = { .driver = wants_driver(s) ? s->driver : NULL };

		if (o && rid <= UINT16_MAX)
			v.device = arena_printf(&s->inv->ctx->arena, "%04x:%02x:%02x.%x", s->pf->addr.domain, rid >> 8, rid >> 3 & 31, rid & 7);
		r = put_row(s, &v, i, "planned", false);
	}
	for (unsigned i = s->n; r >= 0 && i < old->n_v; i++)
		r = put_row(s, &old->v[i], i, "planned", false);
	return r;
}

/* -- the act --------------------------------------------------------------------------------------------------------- */

/* For a batch's last line: those that there were have gone, whatever had become of them. */
static void note_number(struct vfs *s, const struct vf_change *old, const struct vf_change *c, enum move_result result)
{
	struct machine *m = s->inv->machine;

	if (result != MOVES_DONE && result != MOVES_DIFFER)
		return;
	for (size_t i = 0; i < old->n_v; i++)
		machine_stays(m, old->v[i].device, NULL);
	machine_stays(m, s->pf->name, result == MOVES_DIFFER ? "with virtual functions neither as before nor as asked" :
		      arena_printf(&s->inv->ctx->arena, "with %u virtual function%s", c->n, c->n == 1 ? "" : "s"));
}

/* And of one that only moved. */
static void note_move(struct vfs *s, const struct move *v)
{
	const char *driver = v->state == MOVE_DONE ? v->to : v->left;

	if (v->state == MOVE_DONE || v->state == MOVE_DIFFERS || v->state == MOVE_PENDING)
		machine_stays(s->inv->machine, v->device, driver ? arena_printf(&s->inv->ctx->arena, "on %s", driver) : "on no driver");
}

/* Their number is right, and only their driver is not. */
static int move_them(struct vfs *s, struct vf_change *old)
{
	struct bind_plan p = { .inv = s->inv, .a = &s->a, .h = s->h, .leave = !wants_driver(s), .driver = wants_driver(s) ? s->driver : NULL };
	static const char *const words[] = { [MOVE_PLANNED] = "planned", [MOVE_UNCHANGED] = "unchanged", [MOVE_DONE] = "moved",
					     [MOVE_UNDONE] = "rolled-back", [MOVE_PENDING] = "differs", [MOVE_DIFFERS] = "differs",
					     [MOVE_GONE] = "differs", [MOVE_REFUSED] = "refused" };
	int r = EXIT_DONE, written = 0;

	if (!s->driver)
		return old_rows(s, old, "unchanged", false);
	for (size_t i = 0; r == EXIT_DONE && i < s->info->n_vfs; i++)
		r = bind_plan_add(&p, s->info->vfs[i], false);
	if (r == EXIT_DONE)
		r = bind_plan_check(&p);
	if (r == EXIT_DONE)
		r = bind_plan_drivers(&p);
	for (size_t i = 0; r != EXIT_DONE && i < p.n; i++)
		p.v[i].state = p.v[i].state == MOVE_UNCHANGED ? MOVE_UNCHANGED : MOVE_REFUSED;
	if (r == EXIT_DONE && !s->inv->dry_run)
		r = exit_from_moves(move_all(&s->a.mover, p.v, p.n));
	for (size_t i = 0; written >= 0 && i < p.n; i++) {
		struct move v = p.v[i];

		note_move(s, &v);
		v.driver = v.state == MOVE_DONE || v.state == MOVE_PLANNED ? v.to : v.driver;
		written = put_row(s, &v, i, words[v.state], v.state == MOVE_DONE || v.state == MOVE_DIFFERS);
	}
	return written < 0 ? written : r;
}

static int set_number(struct vfs *s, struct vf_change *old)
{
	struct vf_change c = { .pf = s->pf->name, .n = s->n, .bare = s->driver, .driver = wants_driver(s) ? s->driver : NULL };
	struct bind_plan p = { .inv = s->inv, .a = &s->a, .h = s->h };
	enum move_result result;
	int r = vfs_check_removal(s->inv, &s->a, s->pf->name, s->n), written;

	if (r == EXIT_DONE && wants_driver(s))
		r = bind_plan_driver(&p, "pci", s->driver);
	if (r != EXIT_DONE || s->inv->dry_run) {
		written = r != EXIT_DONE ? old_rows(s, old, "refused", false) : planned_rows(s, old);
		return written < 0 ? written : r;
	}
	result = vfs_set(&s->a.mover, &c);
	note_number(s, old, &c, result);
	written = result == MOVES_DONE ? new_rows(s, &c, old) :
					 old_rows(s, old, result == MOVES_DIFFER ? "differs" : "rolled-back", result == MOVES_DIFFER);
	return written < 0 ? written : (int)exit_from_moves(result);
}

static int run(struct vfs *s)
{
	struct vf_change old;
	int r = check_pf(s);

	if (r != EXIT_DONE)
		return r;
	old = (struct vf_change){ .pf = s->pf->name };
	r = vfs_look(&s->a.mover, &old);
	if (r < 0)
		return refuse(s, "vfs", r, NULL, NULL, exit_from_errno(r));
	return now(s) == s->n ? move_them(s, &old) : set_number(s, &old);
}

static void vfs_close(struct vfs *s)
{
	acting_close(&s->a);
	host_free(s->h);
}

int device_vfs_run(struct invocation *inv)
{
	_cleanup_(vfs_close) struct vfs s = { .inv = inv };
	int r;

	if (out_begin(inv->out, &device_vfs_record) < 0)
		return EXIT_USAGE;
	if (parse_u32(inv->argv[1], &s.n) < 0 || s.n > UINT16_MAX)
		return bad_argument(inv, inv->argv[1], "not a number of virtual functions", NULL);
	r = option_driver(inv, &s.driver);
	if (r == EXIT_DONE)
		r = inv->dry_run ? acting_look(inv, &s.a) : acting_open(inv, &s.a);
	if (r != EXIT_DONE)
		return r;
	s.a.mover.wait = inv_opt(inv, "wait");
	r = host_load(inv->ctx, inv->source, HOST_ALL, &s.h);
	if (r < 0)
		return r;
	r = host_find_device(s.h, inv->argv[0], &s.pf);
	if (r < 0)
		return exit_from_lookup(r);
	s.info = device_info(s.h, s.pf);
	return run(&s);
}
