// SPDX-License-Identifier: GPL-2.0-or-later
/* Modules, by libkmod. */
#include <errno.h>
#include <libkmod.h>
#include <string.h>

#include "backend/kernel.h"

static int open_modules(struct kernel_backend *k)
{
	if (!k->kmod)
		k->kmod = kmod_new(NULL, NULL);
	return k->kmod ? 0 : -ENOMEM;
}

/*
 * modprobe.d may name a shell command to run in place of loading. We run no commands, least of all as root with
 * somebody's environment: the module is refused, and the user told to load it himself.
 */
static int refuse_install(struct kmod_module *m, const char *command, void *data)
{
	struct kernel_backend *k = data;

	return ctx_error(k->ctx,
			 NOTE(.code = "install-command", .err = ENOEXEC,
			      .why = "modprobe.d has an install command for it, which iommuctl does not run",
			      .hint = arena_printf(&k->ctx->arena, "modprobe %s", kmod_module_get_name(m)),
			      .where = command),
			 "module %s", kmod_module_get_name(m));
}

static int insert(struct kernel_backend *k, struct kmod_module *m)
{
	int r = kmod_module_probe_insert_module(m, KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY, NULL, refuse_install, k,
						NULL);

	return r > 0 ? -EPERM : r; /* positive: blacklisted */
}

/* By its name or alias; the list is the caller's. -ENOENT: there is none. */
static int look_up(struct kernel_backend *k, const char *name, struct kmod_list **ret)
{
	struct kmod_list *list = NULL;
	int r = open_modules(k);

	if (r == 0)
		r = kmod_module_new_from_lookup(k->kmod, name, &list);
	if (r == 0 && !list)
		r = -ENOENT;
	if (r == 0)
		*ret = list;
	return r;
}

int kernel_load_module(struct backend *b, const char *name)
{
	struct kernel_backend *k = (struct kernel_backend *)b;
	struct kmod_list *list = NULL, *i;
	int r = look_up(k, name, &list);

	kmod_list_foreach(i, list) {
		struct kmod_module *m = kmod_module_get_module(i);

		if (r == 0)
			r = insert(k, m);
		kmod_module_unref(m);
	}
	kmod_module_unref_list(list);
	return r;
}

int kernel_module_options(struct backend *b, const char *name, struct arena *a, const char **ret)
{
	struct kmod_list *list = NULL;
	struct kmod_module *m;
	const char *options;
	int r = look_up((struct kernel_backend *)b, name, &list);

	if (r < 0)
		return r;
	m = kmod_module_get_module(list);
	options = kmod_module_get_options(m);
	*ret = arena_strdup(a, options ? options : "");
	kmod_module_unref(m);
	kmod_module_unref_list(list);
	return 0;
}

void kernel_close_modules(struct kernel_backend *k)
{
	if (k->kmod)
		kmod_unref(k->kmod);
}
