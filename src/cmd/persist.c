// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/persist.h"

#include <errno.h>
#include <string.h>

#include "act/persist.h"
#include "base/str.h"
#include "cmd/device.h"
#include "cmd/machine.h"
#include "cmd/rows.h"
#include "host/bindings.h"
#include "host/claims.h"

static bool wanted(const struct bind_plan *p)
{
	return inv_opt(p->inv, "persist");
}

/* -- before ------------------------------------------------------------------------------------------------------ */

/* A name that a file of bindings.d cannot hold would be found out at the next boot. */
static int check_names(struct bind_plan *p, const struct move *v, const char *chain)
{
	struct binding b = { .chain = chain, .driver = v->to, .was = v->driver };
	const char *text = binding_text(&p->h->arena, &b), *why;

	if (binding_parse(&p->h->arena, text, strlen(text), &b, &why) == 0)
		return EXIT_DONE;
	ctx_error(p->inv->ctx, NOTE(.code = "no-place", .err = EOPNOTSUPP,
				    .why = arena_printf(&p->h->arena, "the name of its driver cannot be written down for the next boot: %s, now %s",
							v->to ? v->to : "none", v->driver ? v->driver : "none")), "%s", v->device);
	return EXIT_UNSUPPORTED;
}

static int check_place(struct bind_plan *p, struct device *d, const struct move *v)
{
	const char *chain;
	int r = device_chain(p->h, d, &chain);

	if (r == 0 && d->has_ids)
		return check_names(p, v, chain);
	ctx_error(p->inv->ctx, NOTE(.code = "no-place", .err = r ? r : -ENODATA,
				    .why = r == -EOPNOTSUPP ? "only PCI devices can be bound at boot" : "its place or its ids are not known"),
		  "%s", d->name);
	return EXIT_UNSUPPORTED;
}

static int check_claim(struct bind_plan *p, const struct device *d)
{
	struct note n = { .level = NOTE_ERROR, .code = "claimed", .err = ECANCELED };
	struct claim c;

	if (device_claim(p->h, d, &c) < 0)
		return EXIT_DONE;
	n.why = arena_printf(&p->inv->ctx->arena, "it is bound at boot already, by %s: %s", c.where, c.what);
	n.hint = "take that away, so that one place alone decides";
	n.where = c.where;
	if (p->inv->force) {
		n.level = NOTE_WARNING;
		n.hint = NULL;
	}
	ctx_note(p->inv->ctx, n, "%s", d->name);
	return p->inv->force ? EXIT_DONE : EXIT_REFUSED;
}

int persist_check(struct bind_plan *p)
{
	int code = EXIT_DONE;

	for (size_t i = 0; wanted(p) && !p->leave && i < p->n; i++) {
		int r = check_place(p, p->devices[i], &p->v[i]);

		if (r == EXIT_DONE)
			r = check_claim(p, p->devices[i]);
		code = code == EXIT_DONE ? r : code;
	}
	return code;
}

/* -- files --------------------------------------------------------------------------------------------------------- */

/* What it was in the first place, however often it was moved since: by the journal, and by an earlier file. */
static const char *was_before(struct bind_plan *p, const struct bindings *old, const struct move *v, const char *chain)
{
	const struct journal_entry *e = journal_find(p->a->j, v->bus, v->device);

	for (size_t i = 0; i < old->n; i++)
		if (streq(old->v[i].chain, chain))
			return old->v[i].was;
	return e ? e->driver : v->driver;
}

static struct binding *make_bindings(struct bind_plan *p)
{
	struct binding *v = arena_array(&p->h->arena, struct binding, p->n);
	struct bindings old = { 0 };

	host_bindings(p->h, &old);
	for (size_t i = 0; i < p->n; i++) {
		struct device *d = p->devices[i];

		v[i] = (struct binding){ .vendor = d->vendor, .device = d->device, .driver = p->v[i].to };
		device_chain(p->h, d, &v[i].chain);
		v[i].was = was_before(p, &old, &p->v[i], v[i].chain);
	}
	return v;
}

/*
 * An initramfs that was made before does not have the files, and may bind the devices first. It gets them from a hook, which its maker
 * looks for in folders of its own: below /usr, where an install below /usr/local does not put it.
 */
static void mention_initramfs(struct bind_plan *p)
{
	static const struct {
		const char *dir, *command, *hook[2], *missing, *option;
	} makers[] = {
		{ "etc/initramfs-tools", "update-initramfs -u",
		  { "usr/share/initramfs-tools/hooks/iommuctl", "etc/initramfs-tools/hooks/iommuctl" },
		  "its maker has no hook of iommuctl: there is no /usr/share/initramfs-tools/hooks/iommuctl",
		  "configure --with-initramfsdir=/usr/share/initramfs-tools, make install, and then update-initramfs -u" },
		{ "etc/dracut.conf.d", "dracut -f",
		  { "usr/lib/dracut/modules.d/90iommuctl/module-setup.sh", "lib/dracut/modules.d/90iommuctl/module-setup.sh" },
		  "its maker has no module of iommuctl: there is no /usr/lib/dracut/modules.d/90iommuctl",
		  "configure --with-dracutdir=/usr/lib/dracut, make install, and then dracut -f" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		struct source *src = p->inv->source;
		bool hooked = source_exists(src, makers[i].hook[0]) || source_exists(src, makers[i].hook[1]);

		if (!source_exists(src, makers[i].dir))
			continue;
		ctx_note(p->inv->ctx,
			 (struct note){ .level = NOTE_WARNING, .code = "initramfs", .hint = hooked ? makers[i].command : makers[i].option,
					.why = hooked ? "it does not know of this yet, and may bind the native driver first" : makers[i].missing },
			 "the initramfs");
		return;
	}
}

/* A model has no next boot: its files would be those of the machine that it runs on. */
static bool writes_files(const struct invocation *inv)
{
	return !inv->dry_run && !inv->machine->model;
}

int persist_drop(struct invocation *inv, struct host *h, const char *bus, const char *device)
{
	struct device *d = host_device(h, bus, device);
	char path[SRC_PATH_MAX];
	const char *chain;

	if (!d || device_chain(h, d, &chain) < 0)
		return 0;
	PATHF(path, BINDINGS_DIR "/%s", binding_file(&h->arena, chain));
	if (!writes_files(inv))
		return source_exists(inv->source, path);
	return persist_remove(inv->ctx, PERSIST_DIR, binding_file(&h->arena, chain));
}

static int bind_and_keep(struct bind_plan *p)
{
	struct binding *v = make_bindings(p);
	size_t n = writes_files(p->inv) ? p->n : 0;
	int r = n ? persist_prepare(p->inv->ctx, PERSIST_DIR, v, n) : 0, code;

	if (r < 0)
		return exit_from_errno(r);
	code = exit_from_moves(move_all(&p->a->mover, p->v, p->n));
	if (code != EXIT_DONE && n)
		persist_forget(p->inv->ctx, PERSIST_DIR, v, n);
	if (code != EXIT_DONE)
		return code;
	if (n && persist_commit(p->inv->ctx, PERSIST_DIR, v, n) < 0)
		return EXIT_CHANGED;
	mention_initramfs(p);
	return EXIT_DONE;
}

int persist_moves(struct bind_plan *p)
{
	bool kept = false;
	int code;

	if (wanted(p) && !p->leave)
		return bind_and_keep(p);
	code = exit_from_moves(move_all(&p->a->mover, p->v, p->n));
	for (size_t i = 0; wanted(p) && code == EXIT_DONE && i < p->n; i++)
		kept |= persist_drop(p->inv, p->h, p->v[i].bus, p->v[i].device) < 0;
	return kept ? EXIT_CHANGED : code;
}

/* -- at boot --------------------------------------------------------------------------------------------------------- */

static int not_bound(struct invocation *inv, const struct binding *b, const char *device, const char *why)
{
	ctx_error(inv->ctx, NOTE(.code = "not-the-one", .err = ESTALE, .why = why, .where = arena_printf(&inv->ctx->arena, PERSIST_DIR "/%s", b->file),
				 .hint = "iommuctl device bind --persist for the card as it is now; the file can be taken away"),
		  "%s is not bound", device);
	return EXIT_FAILED;
}

/* The card of @b has left its place, and sits where @d is, for all that its ids tell. */
static bool moved_to(struct host *h, const struct binding *b, const struct device *d)
{
	const struct device *there = binding_place(h, b);

	return binding_is(b, d) && (!there || !binding_is(b, there));
}

static const struct binding *find_binding(struct host *h, const struct bindings *all, struct device *d)
{
	const char *chain;

	for (size_t i = 0; device_chain(h, d, &chain) == 0 && i < all->n; i++)
		if (streq(all->v[i].chain, chain))
			return &all->v[i];
	return NULL;
}

/* Its group is judged as a whole, so the others of it that have files come along. */
static int plan_bindings(struct bind_plan *p, const struct bindings *all, struct device *d)
{
	struct device *const *v = d->group ? d->group->devices : &d;
	size_t n = d->group ? d->group->n_devices : 1;
	int r = EXIT_DONE;

	for (size_t i = 0; r == EXIT_DONE && i < n; i++) {
		const struct binding *b = find_binding(p->h, all, v[i]);

		if (!b || !binding_is(b, v[i]))
			continue;
		if (source_is_live(p->inv->source) && persist_trusted(p->inv->ctx, PERSIST_DIR, b->file) < 0)
			return EXIT_FAILED;
		p->driver = b->driver;
		p->leave = !b->driver;
		r = bind_plan_add(p, v[i], false);
	}
	p->leave = false;
	return r;
}

/*
 * One that the initramfs put where it belongs has no entry in the journal yet, and one whose native driver had not come yet was on none: the file
 * says what it would be on without it. An exit code: the moves stand, whatever becomes of this.
 */
static int write_down_what_was(struct bind_plan *p, const struct bindings *all)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct binding *b = find_binding(p->h, all, p->devices[i]);
		const struct journal_entry *now = journal_find(p->a->j, p->v[i].bus, p->v[i].device);
		struct journal_entry e = { .bus = p->v[i].bus, .device = p->v[i].device, .has_override = p->v[i].has_override, .state = JOURNAL_MOVED };

		if (!b)
			continue;
		e.driver = e.module = b->was;
		e.to = b->driver;
		if (!now || !now->driver)
			journal_put(p->a->j, &e);
	}
	return journal_save(p->a->j) < 0 ? EXIT_CHANGED : EXIT_DONE;
}

static int bind_persisted(struct invocation *inv, struct acting *a, struct host *h, const struct bindings *all, struct device *d)
{
	struct bind_plan p = { .inv = inv, .a = a, .h = h };
	const struct binding *b = find_binding(h, all, d);
	int r;

	for (size_t i = 0; !b && i < all->n; i++)
		if (moved_to(h, &all->v[i], d))
			return not_bound(inv, &all->v[i], d->name,
					 arena_printf(&h->arena, "a card of its ids was to be bound at %s, and is not there any more", all->v[i].chain));
	if (!b)
		return EXIT_DONE;
	if (!binding_is(b, d))
		return not_bound(inv, b, d->name, arena_printf(&h->arena, "it is %04x:%04x, and %04x:%04x was to be bound in that place", d->vendor,
							       d->device, b->vendor, b->device));
	r = plan_bindings(&p, all, d);
	if (r == EXIT_DONE)
		r = bind_plan_check(&p);
	if (r == EXIT_DONE)
		r = bind_plan_drivers(&p);
	if (r == EXIT_DONE)
		r = exit_from_moves(move_all(&a->mover, p.v, p.n));
	if (r == EXIT_DONE)
		r = write_down_what_was(&p, all);
	return r;
}

/* Each on its own; facts are read anew, since the one before changed them. */
static int bind_all(struct invocation *inv, struct acting *a, const struct bindings *all)
{
	enum exit_code code = EXIT_DONE;

	for (size_t i = 0; i < all->n; i++) {
		_cleanup_(cleanup_host_free) struct host *h = NULL;
		struct device *d;
		int r = host_load(inv->ctx, inv->source, HOST_ALL, &h);

		if (r < 0)
			return exit_from_errno(r);
		d = binding_place(h, &all->v[i]);
		r = d ? bind_persisted(inv, a, h, all, d) : not_bound(inv, &all->v[i], all->v[i].chain, "nothing sits in that place");
		code = code == EXIT_DONE ? (enum exit_code)r : code;
	}
	return code;
}

/* Cheap, for every device of the machine at every boot: whether any file may be about it. */
static int ask(struct host *h, const struct bindings *all, struct device *d)
{
	for (size_t i = 0; i < all->n; i++)
		if (binding_is(&all->v[i], d))
			return EXIT_DONE;
	return find_binding(h, all, d) ? EXIT_DONE : EXIT_NO;
}

static int run_persisted(struct invocation *inv)
{
	_cleanup_(acting_close) struct acting a = { 0 };
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	bool asked = inv_opt(inv, "ask");
	struct bindings all = { 0 };
	struct device *d;
	int r = asked ? EXIT_DONE : acting_open(inv, &a);

	if (r != EXIT_DONE)
		return r;
	r = host_load(inv->ctx, inv->source, asked ? HOST_IDS : HOST_ALL, &h);
	if (r < 0)
		return r;
	r = host_bindings(h, &all);
	if (r < 0)
		return r;
	if (!inv->argc && asked)
		return all.n ? EXIT_DONE : EXIT_NO;
	if (!inv->argc)
		return bind_all(inv, &a, &all);
	r = host_find_device(h, inv->argv[0], &d);
	if (r < 0)
		return exit_from_lookup(r);
	return asked ? ask(h, &all, d) : bind_persisted(inv, &a, h, &all, d);
}

static const struct arg_row persisted_args[] = {
	{ .name = "DEV", .help = "a PCI device that has come; without: all that are there", .complete = COMPLETE_DEVICE, .optional = true },
	{ 0 },
};

static const struct option_row persisted_options[] = {
	{ .name = "ask", .help = "only answer whether a file of bindings.d may be about it (exit 0 or 3)" },
	ACTING_OPTIONS,
	{ 0 },
};

static const struct command commands[] = {
	{
		.summary = "bind a device as its file in bindings.d says",
		.args = persisted_args,
		.options = persisted_options,
		.flags = COMMAND_ACTS,
		.run = run_persisted,
	},
};

const struct noun noun_persisted = {
	.name = "__persisted",
	.summary = "serve iommuctl-bind@.service",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
