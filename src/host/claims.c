// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/claims.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/ids.h"
#include "host/switches.h"

#define MAX_CONF (1u << 20)

/* Modules that take devices by ids= for somebody else than the kernel. */
static const char *const takers[] = { "vfio_pci", "pci_stub" };

static bool is_taker(const char *module)
{
	for (size_t i = 0; i < ARRAY_SIZE(takers); i++) {
		const char *a = module, *b = takers[i];

		while (*a && (*a == *b || (*a == '-' && *b == '_')))
			a++, b++;
		if (!*a && !*b)
			return true;
	}
	return false;
}

/* driverctl(8) keeps a file a device: "pci-0000:01:00.0", and in older versions the address alone. */
static int driverctl_claim(struct host *h, const struct device *d, struct claim *ret)
{
	const char *const prefixes[] = { arena_printf(&h->arena, "%s-", d->bus), "" };
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		const char *path = arena_printf(&h->arena, "etc/driverctl.d/%s%s", prefixes[i], d->name);
		int r = source_read_attr_dup(h->src, path, &h->arena, &text);

		if (r == -ENOENT || r == -ENOTCAPTURED)
			continue;
		*ret = (struct claim){ arena_printf(&h->arena, "/%s", path), r == 0 ? text : err_text(r) };
		return 0;
	}
	return -ENOENT;
}

static int cmdline_claim(struct host *h, const struct device *d, struct claim *ret)
{
	const struct switches *sw = host_switches(h);

	for (size_t i = 0; i < sw->n_params; i++) {
		const struct boot_param *p = &sw->params[i];
		const char *dot = strchr(p->name, '.');
		char *module = dot ? arena_memdup(&h->arena, p->name, (size_t)(dot - p->name)) : NULL;

		if (!module || !p->value || !is_taker(module) || !streq(dot, ".ids") ||
		    !ids_match(arena_printf(&h->arena, "ids=%s", p->value), d))
			continue;
		*ret = (struct claim){ "/proc/cmdline", arena_printf(&h->arena, "%s=%s", p->name, p->value) };
		return 0;
	}
	return -ENOENT;
}

/* "options vfio-pci ids=10de:1b80,…"; a backslash at its end goes on with the next line (modprobe.d(5)). */
static const char *options_claim(struct host *h, const struct device *d, char *text)
{
	char *line;

	for (char *p = text; (p = strstr(p, "\\\n"));)
		p[0] = p[1] = ' ';
	while ((line = strsep(&text, "\n"))) {
		char *rest = arena_strdup(&h->arena, line), *word[2] = { NULL };

		for (size_t i = 0; i < ARRAY_SIZE(word); i++) {
			if (rest)
				rest += strspn(rest, " \t");
			word[i] = rest ? strsep(&rest, " \t") : NULL;
		}
		if (rest && streq(word[0], "options") && is_taker(word[1]) && ids_match(rest, d))
			return line;
	}
	return NULL;
}

static const char *const dirs[] = { "etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d" };

/* A file in an earlier folder hides those of its name in later ones. */
static bool is_hidden(struct host *h, size_t dir, const char *name)
{
	char path[SRC_PATH_MAX];

	for (size_t i = 0; i < dir; i++) {
		PATHF(path, "%s/%s", dirs[i], name);
		if (source_exists(h->src, path))
			return true;
	}
	return false;
}

/* The folders of modprobe.d(5). */
static int modprobe_claim(struct host *h, const struct device *d, struct claim *ret)
{

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct src_list list = { 0 };

		source_list(h->src, dirs[i], &h->arena, &list);
		for (size_t k = 0; k < list.n; k++) {
			char path[SRC_PATH_MAX], *text;
			const char *line;
			size_t len;

			PATHF(path, "%s/%s", dirs[i], list.v[k].name);
			if (!strends(path, ".conf") || is_hidden(h, i, list.v[k].name) ||
			    source_read_all(h->src, path, MAX_CONF, &h->arena, &text, &len) < 0)
				continue;
			line = options_claim(h, d, text);
			if (!line)
				continue;
			*ret = (struct claim){ arena_printf(&h->arena, "/%s", path), line };
			return 0;
		}
	}
	return -ENOENT;
}

int device_claim(struct host *h, const struct device *d, struct claim *ret)
{
	int r = driverctl_claim(h, d, ret);

	if (r < 0)
		r = cmdline_claim(h, d, ret);
	return r < 0 ? modprobe_claim(h, d, ret) : 0;
}
