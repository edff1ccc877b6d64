// SPDX-License-Identifier: GPL-2.0-or-later
/* device bind, unbind and restore. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/bind-plan.h"
#include "cmd/device.h"
#include "cmd/device-vfs.h"
#include "cmd/machine.h"
#include "cmd/persist.h"
#include "cmd/rows.h"
#include "cmd/take.h"

const struct record_type device_bind_record = MOVE_RECORD("device.bind");
const struct record_type device_unbind_record = MOVE_RECORD("device.unbind");
const struct record_type device_restore_record = MOVE_RECORD("device.restore");

const char device_bind_text[] =
	"Moves devices to the driver that gives them to user space (vfio-pci for PCI), or to --driver: all of them, or none. First it is "
	"checked that the machine can spare them (device guard), that their groups can be given away afterwards (group check), and that the "
	"driver can be loaded; what stands in the way is refused (exit 5) unless --force is given. Then what each device was is written "
	"down in /run/iommuctl/bindings.json, its driver_override is set, it leaves its driver, is bound, and its driver is read back. When anything "
	"fails, or the command is interrupted, every device is put back in reverse order.\n\n"
	"A device that is open in some process is refused with --force too: its unbind would hang in the kernel until that process lets go, and cannot be "
	"called back. --wait does it all the same. An unbind that has not come back within --timeout is left to the kernel (exit 4, "
	"state pending).\n\n"
	"device restore puts devices back as they were, after whatever happened in between.\n\n"
	"Devices of buses that no IOMMU sees are named by bus and name (virtio/virtio1, usb/1-1:1.0), and go to a driver of that bus by --driver, or off theirs by "
	"device unbind. Where a bus has no driver_override nothing but unbind and bind is written: then a driver takes only what is in its own table of ids, "
	"and another one's probe in between is noticed, not prevented.\n\n"
	"With --persist each device that moves gets a file in /etc/iommuctl/bindings.d too: a udev rule and iommuctl-bind@.service do the same to it, "
	"checked in the same way, at every boot. The file names the place by the way to it from the host bridge, since bus numbers move, and the ids "
	"of the card: a card that was moved, or another one in its place, is not bound, which the journal of the service says. What driverctl, modprobe.d or "
	"the kernel command line (vfio-pci.ids=) binds already is refused (exit 5). device unbind --persist and device restore take the file away.";

const char device_unbind_text[] =
	"Takes devices off their drivers, and binds them to none. Checked, written down and taken back as with device bind. With --persist they are no "
	"longer bound at boot.";

const char device_restore_text[] =
	"Puts devices back as they were before iommuctl moved them: the driver, and the driver_override, empty where it was empty. What it knows is in "
	"/run/iommuctl/bindings.json, also when a bind was killed half-way. A device that has been moved on by somebody else since is left "
	"alone unless --force is given; one that is open in some process is left alone always, unless --wait is given. Each device is restored on its own: "
	"one that cannot be does not keep the others from it (exit 4 when one is neither as before nor as it was). What device bind --persist wrote for it "
	"is taken away.";

const struct arg_row device_bind_args[] = {
	{ .name = "DEV", .help = "a device", .complete = COMPLETE_DEVICE, .repeat = true },
	{ 0 },
};

const struct arg_row device_unbind_args[] = {
	{ .name = "DEV", .help = "a device", .complete = COMPLETE_DEVICE, .repeat = true },
	{ 0 },
};

const struct arg_row device_restore_args[] = {
	{ .name = "DEV", .help = "a device", .complete = COMPLETE_DEVICE, .optional = true, .repeat = true },
	{ 0 },
};

#define WAIT_OPTION { .name = "wait", .help = "unbind devices that are open in a process too, and wait for it to let go" }

const struct option_row device_bind_options[] = {
	{ .name = "driver", .arg = "DRIVER", .help = "bind to this driver", .complete = COMPLETE_DRIVER },
	{ .name = "group", .help = "take the whole group: its other endpoints, and bridges off drivers that spoil it" },
	{ .name = "persist", .help = "do it at every boot too, by a file in /etc/iommuctl/bindings.d" },
	WAIT_OPTION,
	ACTING_OPTIONS,
	{ 0 },
};

const struct option_row device_unbind_options[] = {
	{ .name = "persist", .help = "bind them at no boot any more: take their files in /etc/iommuctl/bindings.d away" },
	WAIT_OPTION,
	ACTING_OPTIONS,
	{ 0 },
};

const struct option_row device_restore_options[] = {
	{ .name = "all", .help = "every device that iommuctl has moved" },
	WAIT_OPTION,
	ACTING_OPTIONS,
	{ 0 },
};

/* -- bind and unbind ------------------------------------------------------------------------------------------ */

static int make_plan(struct bind_plan *p, bool group)
{
	struct device **v;
	int r = device_find_all(p->inv, p->h, &v);

	for (int i = 0; r == EXIT_DONE && i < p->inv->argc; i++)
		r = bind_plan_add(p, v[i], group);
	if (r == EXIT_DONE)
		r = bind_plan_check(p);
	if (r == EXIT_DONE)
		r = bind_plan_drivers(p);
	return r;
}

static int carry_out(struct bind_plan *p, bool group)
{
	struct invocation *inv = p->inv;
	int r = make_plan(p, group), written;

	if (r == EXIT_DONE)
		r = persist_check(p);
	/* a refused plan is shown too */
	if (r == EXIT_DONE && !inv->dry_run)
		r = persist_moves(p);
	else if (r != EXIT_DONE && !inv->dry_run)
		for (size_t i = 0; i < p->n; i++)
			p->v[i].state = p->v[i].state == MOVE_UNCHANGED ? MOVE_UNCHANGED : MOVE_REFUSED;
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].state == MOVE_REFUSED)
			p->v[i].left = p->v[i].driver;
	written = acting_rows(inv, p->v, p->n);
	return written < 0 && r == EXIT_DONE ? written : r;
}

static int run_moves(struct invocation *inv, const struct record_type *type, bool leave)
{
	_cleanup_(acting_close) struct acting a = { 0 };
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct bind_plan p = { .inv = inv, .a = &a, .leave = leave };
	int r;

	if (out_begin(inv->out, type) < 0)
		return EXIT_USAGE;
	r = leave ? EXIT_DONE : option_driver(inv, &p.driver);
	if (r == EXIT_DONE)
		r = inv->dry_run ? acting_look(inv, &a) : acting_open(inv, &a);
	if (r != EXIT_DONE)
		return r;
	a.mover.wait = inv_opt(inv, "wait");
	r = host_load(inv->ctx, inv->source, HOST_ALL, &h);
	if (r < 0)
		return r;
	p.h = h;
	return carry_out(&p, !leave && inv_opt(inv, "group"));
}

int device_bind_run(struct invocation *inv)
{
	return run_moves(inv, &device_bind_record, false);
}

int device_unbind_run(struct invocation *inv)
{
	return run_moves(inv, &device_unbind_record, true);
}

/* -- restore ------------------------------------------------------------------------------------------------------ */

/* @dropped: what became of a file of bindings.d that is about it. */
static int not_moved(struct invocation *inv, const char *name, int dropped)
{
	if (dropped < 0)
		return exit_from_errno(dropped);
	if (!dropped)
		ctx_warn(inv->ctx, "not-moved", 0, NULL, "%s: iommuctl has not moved it: nothing to put back", name);
	else
		ctx_warn(inv->ctx, "not-moved", 0, NULL, "%s: it %s bound at boot no longer; in this boot there is nothing to put back", name,
			 inv->dry_run || inv->machine->model ? "would be" : "is");
	return EXIT_DONE;
}

static bool names_entry(const char *spec, const struct journal_entry *e)
{
	size_t n = strlen(e->bus);
	struct pci_addr a, b;

	if (streq(e->device, spec) || (!strncmp(spec, e->bus, n) && spec[n] == '/' && streq(spec + n + 1, e->device)))
		return true;
	return streq(e->bus, "pci") && pci_addr_parse(spec, &a) == 0 && pci_addr_parse(e->device, &b) == 0 && !pci_addr_cmp(a, b);
}

/* A device that is gone cannot be found any more, and may still be named by its address. */
static struct journal_entry *find_entry(struct invocation *inv, struct acting *a, struct host *h, const char *spec, int *ret_code)
{
	struct journal_entry *e;
	struct device *d;
	int r;

	vec_for_each(e, &a->j->v)
		if (names_entry(spec, e))
			return e;
	r = host_find_device(h, spec, &d);
	if (r < 0) {
		*ret_code = exit_from_lookup(r);
		return NULL;
	}
	e = journal_find(a->j, d->bus, d->name);
	if (!e)
		*ret_code = not_moved(inv, d->name, persist_drop(inv, h, d->bus, d->name));
	return e;
}

static bool has_entry(const struct journal_entry *v, size_t n, const struct journal_entry *e)
{
	for (size_t i = 0; i < n; i++)
		if (streq(v[i].bus, e->bus) && streq(v[i].device, e->device))
			return true;
	return false;
}

/* Virtual functions that were there come back with their physical one, and go where they were. */
static void pick_vfs(struct acting *a, bool *picked)
{
	struct journal_entry *e, *pf;

	vec_for_each(e, &a->j->v) {
		pf = e->pf ? journal_find(a->j, e->bus, e->pf) : NULL;
		if (pf && picked[pf - a->j->v.v])
			picked[e - a->j->v.v] = true;
	}
}

/* Copies: the journal's own move when entries leave it. In its order, whatever the order of the arguments. */
static int pick_entries(struct invocation *inv, struct acting *a, struct host *h, struct journal_entry **ret, size_t *ret_n)
{
	struct journal_entry *v = arena_array(&inv->ctx->arena, struct journal_entry, a->j->v.n), *e;
	bool *picked = arena_array(&inv->ctx->arena, bool, a->j->v.n);
	size_t n = 0;

	for (int i = 0; i < inv->argc; i++) {
		int code = EXIT_DONE;

		e = find_entry(inv, a, h, inv->argv[i], &code);
		if (code != EXIT_DONE)
			return code;
		if (e)
			picked[e - a->j->v.v] = true;
	}
	pick_vfs(a, picked);
	vec_for_each(e, &a->j->v)
		if ((inv_opt(inv, "all") || picked[e - a->j->v.v]) && !has_entry(v, n, e))
			v[n++] = *e;
	*ret = v;
	*ret_n = n;
	return EXIT_DONE;
}

/* For the rows: from where restore found it, to what it was. */
static void turn_round(struct acting *a, const struct journal_entry *entries, struct move *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct journal_entry *e = &entries[i];

		if (move_look(&a->mover, e->bus, e->device, &v[i]) < 0)
			v[i] = (struct move){ .bus = e->bus, .device = e->device };
		v[i].to = e->driver;
		v[i].state = MOVE_PLANNED;
	}
}

/* The entry of the physical function that a guard keeps, with whose others it goes: @e's own, or that of its own. */
static bool is_kept(const struct journal_entry *e, const struct journal_entry *entries, const int *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (codes[i] != EXIT_DONE && streq(entries[i].bus, e->bus) && (streq(entries[i].device, e->device) || streq(entries[i].device, e->pf)))
			return true;
	return false;
}

/*
 * Virtual functions that would go, and that the machine can not spare, keep their physical one from being restored, and no other device. Puts
 * these behind the others; how many others there are.
 */
static size_t guard_entries(struct invocation *inv, struct acting *a, struct journal_entry *v, size_t n, int *ret_code)
{
	struct journal_entry *sorted = arena_array(&inv->ctx->arena, struct journal_entry, n);
	int *codes = arena_array(&inv->ctx->arena, int, n);
	size_t k = 0, free = 0;

	for (size_t i = 0; i < n; i++) {
		codes[i] = v[i].vfs.known ? vfs_check_removal(inv, a, v[i].device, (unsigned)v[i].vfs.v) : EXIT_DONE;
		*ret_code = *ret_code == EXIT_DONE ? codes[i] : *ret_code;
	}
	for (int kept = 0; kept < 2; kept++) {
		for (size_t i = 0; i < n; i++)
			if (is_kept(&v[i], v, codes, n) == kept)
				sorted[k++] = v[i];
		free = kept ? free : k;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = sorted[i];
	return free;
}

/* The worst of what was refused before, and of what was done. */
static int carry_back(struct invocation *inv, struct acting *a, const struct journal_entry *entries, size_t n, struct move *done, int refused)
{
	int r;

	if (!n)
		return refused;
	r = exit_from_moves(inv->dry_run ? move_restore_check(&a->mover, entries, n, done) : move_restore(&a->mover, entries, n, done));
	return r == EXIT_CHANGED || r == EXIT_INTERRUPTED || refused == EXIT_DONE ? r : refused;
}

static int restore(struct invocation *inv, struct acting *a, struct host *h)
{
	struct journal_entry *entries;
	struct move *rows, *done;
	size_t n, n_free;
	int r = pick_entries(inv, a, h, &entries, &n), refused = EXIT_DONE, written;

	if (r != EXIT_DONE)
		return r;
	rows = arena_array(&inv->ctx->arena, struct move, n);
	done = arena_array(&inv->ctx->arena, struct move, n);
	n_free = guard_entries(inv, a, entries, n, &refused);
	turn_round(a, entries, rows, n);
	r = carry_back(inv, a, entries, n_free, done, refused);
	for (size_t i = 0; i < n; i++) {
		rows[i].left = i < n_free ? done[i].left : rows[i].driver;
		rows[i].state = i < n_free ? done[i].state : MOVE_REFUSED;
		if (rows[i].state == MOVE_DONE && persist_drop(inv, h, entries[i].bus, entries[i].device) < 0)
			r = EXIT_CHANGED;
	}
	written = acting_rows(inv, rows, n);
	return written < 0 && r == EXIT_DONE ? written : r;
}

int device_restore_run(struct invocation *inv)
{
	_cleanup_(acting_close) struct acting a = { 0 };
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	int r;

	if (out_begin(inv->out, &device_restore_record) < 0)
		return EXIT_USAGE;
	if (!inv->argc == !inv_opt(inv, "all")) {
		ctx_error(inv->ctx, NOTE(.code = "no-argument", .err = EINVAL, .why = inv->argc ? "devices are named, and --all is given too" : "name devices, or give --all"),
			  "device restore");
		return EXIT_USAGE;
	}
	r = acting_open(inv, &a);
	if (r != EXIT_DONE)
		return r;
	a.mover.wait = inv_opt(inv, "wait");
	r = host_load(inv->ctx, inv->source, HOST_IDS, &h);
	return r < 0 ? r : restore(inv, &a, h);
}
