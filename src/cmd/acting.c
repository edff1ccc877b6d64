// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/acting.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/device.h"
#include "cmd/machine.h"
#include "cmd/object/objects.h"

const char *acting_own_object(void *arg, const char *bus, const char *device, bool *ret_stays)
{
	struct invocation *inv = arg;
	struct op_object *v;
	size_t n;

	*ret_stays = !inv->machine->session;
	if (!inv->machine->lasting || object_list(inv, &v, &n) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == OP_KIND_DEVICE && streq(v[i].bus, bus) && streq(v[i].dev, device))
			return v[i].name;
	return NULL;
}

static int open_backend(struct invocation *inv, struct acting *a)
{
	int r = machine_backend(inv->machine, &a->be);

	if (r != EXIT_DONE)
		return r;
	a->mover = (struct mover){
		.ctx = inv->ctx,
		.src = inv->source,
		.be = a->be,
		.timeout_ms = (int)(inv->timeout * 1000),
		.force = inv->force,
		.own = acting_own_object,
		.own_arg = inv,
	};
	return EXIT_DONE;
}

int acting_look(struct invocation *inv, struct acting *ret)
{
	return open_backend(inv, ret);
}

int acting_open(struct invocation *inv, struct acting *ret)
{
	const volatile sig_atomic_t *interrupted;
	const char *boot_id = inv->source->boot_id, *dir = NULL;
	int r = open_backend(inv, ret);

	if (r == EXIT_DONE)
		r = machine_journal(inv->machine, &dir);
	if (!boot_id && inv->machine->model)
		boot_id = "model"; /* its journal does not outlive it */
	if (r != EXIT_DONE)
		return r;
	if (!boot_id) {
		ctx_error(inv->ctx, NOTE(.code = "no-boot-id", .err = ENODATA, .why = "this boot cannot be told from another one",
					  .hint = "mount /proc: what devices were before is written down for this boot"),
			  "/proc/sys/kernel/random/boot_id");
		return EXIT_UNSUPPORTED;
	}
	interrupted = interrupt_catch();
	ret->be->interrupted = interrupted;
	r = journal_open(inv->ctx, dir, boot_id, ret->mover.timeout_ms, interrupted, &ret->j);
	if (r < 0)
		return r == -EINTR ? EXIT_INTERRUPTED : exit_from_errno(r);
	ret->mover.j = ret->j;
	return EXIT_DONE;
}

void acting_close(struct acting *a)
{
	journal_close(a->j);
}

enum exit_code exit_from_moves(enum move_result r)
{
	static const enum exit_code codes[] = {
		[MOVES_DONE] = EXIT_DONE,
		[MOVES_FAILED] = EXIT_FAILED,
		[MOVES_DENIED] = EXIT_PERMISSION,
		[MOVES_DIFFER] = EXIT_CHANGED,
		[MOVES_INTERRUPTED] = EXIT_INTERRUPTED,
	};

	return codes[r];
}

/* -- rows -------------------------------------------------------------------------------------------------- */

#define M(member, type, head, text, ...) FIELD(struct move_row, member, type, head, text, ##__VA_ARGS__)

const struct field move_fields[] = {
	M(device, F_STR, "DEVICE", "device that was to be moved", .flags = FIELD_DEFAULT),
	M(driver_before, F_STR, "BEFORE", "driver that it had; null: none", .flags = FIELD_DEFAULT),
	M(driver, F_STR, "DRIVER", "driver that it has now, or would have with --dry-run; null: none", .flags = FIELD_DEFAULT),
	M(override_before, F_STR, "OVERRIDE-BEFORE", "driver_override that it had; null: none"),
	M(state, F_STR, "STATE", "planned, unchanged, moved, rolled-back (as before), pending (its unbind hangs in the kernel), "
	  "differs (neither as before nor as asked), gone, refused", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	M(changed, F_BOOL, "CHANGED", "whether it is no longer as before"),
	M(group, F_INT, "GROUP", "number of its IOMMU group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	M(node, F_STR, "NODE", "its group's node for VFIO; null: none", .flags = FIELD_DEFAULT),
	M(cdev, F_STR, "CDEV", "its own node for VFIO; null: none", .flags = FIELD_DEFAULT),
	M(bus, F_STR, "BUS", "bus that it is on"),
};

_Static_assert(ARRAY_SIZE(move_fields) == N_MOVE_FIELDS, "one count for all records");

static const char *const state_words[] = {
	[MOVE_PLANNED] = "planned",   [MOVE_UNCHANGED] = "unchanged", [MOVE_DONE] = "moved",
	[MOVE_UNDONE] = "rolled-back", [MOVE_PENDING] = "pending",     [MOVE_DIFFERS] = "differs",
	[MOVE_GONE] = "gone",	      [MOVE_REFUSED] = "refused",
};

static const char *driver_now(const struct move *v)
{
	switch (v->state) {
	case MOVE_PLANNED:
	case MOVE_DONE:
		return v->to;
	case MOVE_UNCHANGED:
	case MOVE_UNDONE:
		return v->driver;
	default:
		return v->left;
	}
}

/* For a batch's last line. What was put back is as before; a device that was left alone is as it was left before. */
static void note_stay(struct invocation *inv, const struct move *v, const struct move_row *row)
{
	bool back = v->state == MOVE_DONE && inv->command->run == device_restore_run;

	if (inv->dry_run || row->changed == TRI_NO)
		return;
	if (row->changed == TRI_UNKNOWN)
		machine_stays(inv->machine, row->device, "gone");
	else
		machine_stays(inv->machine, row->device, back ? NULL : row->driver ?
			      arena_printf(&inv->ctx->arena, "on %s", row->driver) : "on no driver");
}

static enum tri is_changed(const struct move *v)
{
	switch (v->state) {
	case MOVE_DONE:
	case MOVE_DIFFERS:
	case MOVE_PENDING:
		return TRI_YES;
	case MOVE_GONE:
		return TRI_UNKNOWN;
	default:
		return TRI_NO;
	}
}

int acting_rows(struct invocation *inv, const struct move *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		inv->changed |= is_changed(&v[i]) != TRI_NO;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		bool bound = v[i].state == MOVE_DONE || v[i].state == MOVE_UNCHANGED;
		struct move_row row = {
			.device = v[i].device,
			.bus = v[i].bus,
			.driver_before = v[i].driver,
			.driver = driver_now(&v[i]),
			.override_before = v[i].override,
			.state = state_words[v[i].state],
			.changed = is_changed(&v[i]),
			.group = v[i].group,
			.node = bound ? v[i].node : NULL,
			.cdev = bound ? v[i].cdev : NULL,
		};

		note_stay(inv, &v[i], &row);
		r = out_row(inv->out, &row);
	}
	return r;
}
