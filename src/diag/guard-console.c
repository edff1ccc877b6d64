// SPDX-License-Identifier: GPL-2.0-or-later
/* What people look at and type on: the display of the console, serial consoles, the keyboard. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/guard-facts.h"

#define MAX_TABLE (1u << 20)

/* Whether the link @dir/@name leads to or below the device. */
static bool hangs_on(struct guarding *g, const char *dir, const char *name)
{
	char path[SRC_PATH_MAX], link[SRC_PATH_MAX], *at;
	size_t len = strlen(g->d->name);

	PATHF(path, "%s/%s", dir, name);
	if (source_readlink(g->h->src, path, link, sizeof(link)) < 0)
		return false;
	for (at = link; (at = strstr(at, g->d->name)); at += len)
		if (at > link && at[-1] == '/' && (at[len] == '/' || !at[len]))
			return true;
	return false;
}

static bool is_boot_framebuffer(const char *owner)
{
	static const char *const owners[] = { "BOOTFB", "efifb", "vesafb", "simplefb", "simpledrm", "simple-framebuffer",
					      "efidrmfb", "vesadrm", "efidrm" };

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
		if (strstarts(owner, owners[i]))
			return true;
	return false;
}

/*
 * /proc/iomem is a tree by indentation: a line "  ADDR-ADDR : 0000:01:00.0" for a BAR, and the framebuffer that firmware left in it
 * in a deeper one. Names are there for everybody, addresses for root.
 */
static const char *framebuffer_in_bar(struct guarding *g)
{
	struct arena *a = &g->h->arena;
	char *text, *line;
	size_t len, bar = 0;

	if (source_read_all(g->h->src, "proc/iomem", MAX_TABLE, a, &text, &len) < 0)
		return NULL;
	while ((line = strsep(&text, "\n"))) {
		size_t depth = strspn(line, " ") + 1;
		const char *owner = strstr(line, " : ");

		if (!owner)
			continue;
		owner += 3;
		if (bar && depth <= bar)
			bar = 0;
		if (!bar && streq(owner, g->d->name))
			bar = depth;
		else if (bar && is_boot_framebuffer(owner))
			return owner;
	}
	return NULL;
}

static void say_display(struct guarding *g, const char *file, const char *value, const char *text)
{
	struct reason *r = guard_loss(g, "console");

	r->text = text;
	r->file = file;
	r->value = value;
}

static bool framebuffer_on_it(struct guarding *g)
{
	struct src_list list = { 0 };
	bool found = false;

	source_list(g->h->src, "sys/class/graphics", &g->h->arena, &list);
	for (size_t i = 0; i < list.n && !found; i++) {
		found = strstarts(list.v[i].name, "fb") && !streq(list.v[i].name, "fbcon") &&
			hangs_on(g, "sys/class/graphics", list.v[i].name);
		if (found)
			say_display(g, arena_printf(&g->h->arena, "/sys/class/graphics/%s", list.v[i].name), NULL,
				    "the text console is shown on its screen");
	}
	return found;
}

static void guard_display(struct guarding *g)
{
	const char *owner;

	if (g->d->has_class && g->d->class >> 16 != 0x03)
		return;
	if (framebuffer_on_it(g))
		return;
	owner = framebuffer_in_bar(g);
	if (owner)
		say_display(g, "/proc/iomem", owner, "the screen that firmware set up for the console is in its memory");
	else if (device_info(g->h, g->d)->boot_vga == TRI_YES)
		say_display(g, arena_printf(&g->h->arena, "/%s/boot_vga", device_sysfs(g->h, g->d)), "1",
			    "it is the display that the machine booted on");
}

/* "tty0 ttyS4": what the kernel prints to. */
static void guard_serial(struct guarding *g)
{
	char active[256], *words = active, *tty;

	if (source_read_attr(g->h->src, "sys/class/tty/console/active", active, sizeof(active)) < 0)
		return;
	while ((tty = strsep(&words, " "))) {
		struct reason *r;

		if (!*tty || !hangs_on(g, "sys/class/tty", tty))
			continue;
		r = guard_loss(g, "console");
		r->text = arena_printf(&g->h->arena, "the console %s is on it", tty);
		r->file = "/sys/class/tty/console/active";
	}
}

void guard_console(struct guarding *g)
{
	guard_display(g);
	guard_serial(g);
}

/* -- keyboards ------------------------------------------------------------------------------------------------- */

struct keyboards {
	const char *here; /* the name of one on the device; NULL none */
	bool elsewhere;
};

static bool below_device(const struct guarding *g, const char *path)
{
	const char *at = strstr(path, g->d->name);

	return at && at > path && at[-1] == '/' && at[strlen(g->d->name)] == '/';
}

/*
 * Blocks of lines with an empty one between: N: Name="…", S: Sysfs=/devices/…, H: Handlers=sysrq kbd …. A power button is a
 * kbd too; sysrq and leds attach to keyboards only.
 */
static void count_keyboards(const struct guarding *g, char *text, struct keyboards *ret)
{
	const char *name = NULL, *path = "";
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (strstarts(line, "N: Name="))
			name = line + strlen("N: Name=");
		else if (strstarts(line, "S: Sysfs="))
			path = line + strlen("S: Sysfs=");
		if (!strstarts(line, "H: Handlers=") || !(strstr(line, "sysrq") || strstr(line, "leds")))
			continue;
		if (below_device(g, path))
			ret->here = name ? name : "a keyboard";
		else
			ret->elsewhere = true;
	}
}

void guard_keyboard(struct guarding *g)
{
	struct arena *a = &g->h->arena;
	struct keyboards k = { 0 };
	struct reason *r;
	char *text;
	size_t len;

	/* base class 0c03: a USB host, the last part says of what kind */
	if (g->d->has_class && g->d->class >> 8 != 0x0c03)
		return;
	if (source_read_all(g->h->src, "proc/bus/input/devices", MAX_TABLE, a, &text, &len) < 0)
		return; /* a machine without input devices has no such file */
	count_keyboards(g, text, &k);
	if (!k.here)
		return;
	if (k.elsewhere) {
		r = finding_add(&g->out, SEVERITY_WARNING, "keyboard");
		r->device = g->d->name;
		r->text = arena_printf(a, "the keyboard %s is on it; there is another one", k.here);
	} else {
		r = guard_loss(g, "keyboard");
		r->text = arena_printf(a, "the machine's only keyboard is on it: %s", k.here);
	}
	r->file = "/proc/bus/input/devices";
}
