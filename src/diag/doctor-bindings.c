// SPDX-License-Identifier: GPL-2.0-or-later
/* What is to be bound at every boot (device bind --persist), and is not, or only late. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/doctor-facts.h"
#include "host/bindings.h"
#include "source/kmsg.h"

static struct reason *say(struct exam *e, enum severity severity, const char *code, const struct binding *b, const char *text)
{
	struct fact f = { .file = arena_printf(&e->h->arena, "/" BINDINGS_DIR "/%s", b->file), .value = b->chain };

	return exam_say(e, severity, code, &f, "%s", text);
}

/* The device that the file may mean all the same: with its ids, in another place. */
static const struct device *moved_card(struct exam *e, const struct binding *b)
{
	for (size_t i = 0; i < e->h->n_devices; i++)
		if (binding_is(b, &e->h->devices[i]))
			return &e->h->devices[i];
	return NULL;
}

static void say_not_there(struct exam *e, const struct binding *b, const struct device *there)
{
	const struct device *d = moved_card(e, b);
	struct arena *a = &e->h->arena;
	const char *now = there ? arena_printf(a, "%s, %04x:%04x, sits there", there->name, there->vendor, there->device) :
				  "nothing sits there";

	say(e, SEVERITY_WARNING, "binding-moved", b,
	    arena_printf(a, "A device %04x:%04x is to be bound at every boot, and is not in its place any more: %s%s%s.", b->vendor, b->device, now,
			 d ? ", and one of its ids is " : "", d ? d->name : ""));
	if (d && safe_in_command(d->name) && (!b->driver || safe_in_command(b->driver)))
		finding_remedy(&e->f, false,
			       b->driver ? arena_printf(a, "iommuctl device bind --persist --driver %s %s", b->driver, d->name) : NULL,
			       "If that is the card that was meant, bind it there");
	finding_remedy(&e->f, false, arena_printf(a, "rm /" BINDINGS_DIR "/%s", b->file), "Forget the old place");
}

static void say_not_bound(struct exam *e, const struct binding *b, const struct device *d)
{
	struct arena *a = &e->h->arena;
	struct reason *r;

	r = say(e, SEVERITY_WARNING, "binding-not-done", b,
		arena_printf(a, "%s is to be on %s at every boot, and is on %s.", d->name, b->driver ? b->driver : "no driver",
			     d->driver ? d->driver : "none"));
	r->device = d->name;
	r->driver = d->driver;
	finding_remedy(&e->f, false, arena_printf(a, "journalctl -b -u iommuctl-bind@%s", d->name), "See why it was not bound");
}

/*
 * Whether the native driver had the device before the system itself began, by the kernel's log: the last time that systemd says so is on the real
 * root; whatever was before that was the initramfs, or the kernel alone.
 */
static const char *early_line(const struct kmsg *log, const struct binding *b, const struct device *d, struct arena *a)
{
	const char *head = arena_printf(a, "%s %s", b->was, d->name);
	size_t start = 0;

	for (size_t i = 0; i < log->n; i++)
		if (strstarts(log->v[i].text, "systemd[1]: ") && strstr(log->v[i].text, "running in system mode"))
			start = i;
	for (size_t i = 0; i < start; i++)
		if (strstarts(log->v[i].text, head) && strchr(": ", log->v[i].text[strlen(head)]))
			return log->v[i].text;
	return NULL;
}

static void examine_initramfs(struct exam *e, const struct kmsg *log, const struct binding *b, const struct device *d)
{
	struct arena *a = &e->h->arena;
	const char *line = b->was ? early_line(log, b, d, a) : NULL;
	bool debian = source_exists(e->h->src, "etc/initramfs-tools"), dracut = source_exists(e->h->src, "etc/dracut.conf.d");
	struct reason *r;

	if (!line)
		return;
	r = exam_say(e, SEVERITY_WARNING, "initramfs-first", &(struct fact){ .file = "the kernel log", .value = line },
		     "%s had %s before the system began: the initramfs binds it, and it is taken off again later, which not every driver and card "
		     "survives.", b->was, d->name);
	r->device = d->name;
	r->driver = d->driver;
	if (b->driver && safe_in_command(b->was) && safe_in_command(b->driver))
		finding_remedy(&e->f, false,
			       arena_printf(a, "echo softdep %s pre: %s >>/etc/modprobe.d/iommuctl.conf", b->was, b->driver),
			       "Have the right driver loaded first");
	finding_remedy(&e->f, false, debian ? "update-initramfs -u" : dracut ? "dracut -f" : NULL, "Make the initramfs anew%s; it then holds %s",
		       debian || dracut ? "" : " (update-initramfs -u, or dracut -f)", "what is to be bound");
}

void examine_bindings(struct exam *e)
{
	struct bindings all = { 0 };
	struct kmsg log = { 0 };

	if (host_bindings(e->h, &all) < 0 || !all.n)
		return;
	if (source_kmsg(e->h->src, e->h->ctx, &e->h->arena, &log) < 0)
		log.n = 0;
	for (size_t i = 0; i < all.n; i++) {
		const struct binding *b = &all.v[i];
		const struct device *d = binding_place(e->h, b);

		if (!d || !binding_is(b, d))
			say_not_there(e, b, d);
		else if (!streq(d->driver, b->driver))
			say_not_bound(e, b, d);
		if (d && binding_is(b, d))
			examine_initramfs(e, &log, b, d);
	}
}
