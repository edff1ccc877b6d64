// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/rows.h"

#include <errno.h>

#include "host/devinfo.h"
#include "host/names.h"

const char *device_label(struct host *h, const struct device *d)
{
	const char *title = device_title(h, d);

	return title || !d->has_ids ? title : arena_printf(&h->arena, "%04x:%04x", d->vendor, d->device);
}

struct strs reset_set_names(struct host *h, struct device *d)
{
	struct device **set;
	const char **v;
	size_t n = 0;
	int r = device_reset_set(h, d, &set, &n);

	if (r == -ENOTTY || r == -EOPNOTSUPP)
		return STRS(NULL, 0);
	if (r < 0)
		return (struct strs){ 0 };
	v = arena_array(&h->arena, const char *, n);
	for (size_t i = 0; i < n; i++)
		v[i] = set[i]->name;
	return STRS(v, n);
}

static struct rows holder_rows(struct host *h, const char *of, const struct holder_list *list)
{
	if (list->err)
		ctx_warn(h->ctx, "holders-unseen", list->err, of,
			 "holders of %s: not all processes could be looked at", of);
	if (list->err && !list->n)
		return (struct rows){ 0 };
	return ROWS(list->v, list->n);
}

struct rows holder_rows_of_group(struct host *h, const struct group *g)
{
	struct holder_list list;

	group_holders(h, g, &list);
	return holder_rows(h, arena_printf(&h->arena, "group %u", g->id), &list);
}

struct rows holder_rows_of_device(struct host *h, const struct device *d)
{
	struct holder_list list;

	device_holders(h, d, &list);
	return holder_rows(h, d->name, &list);
}

enum exit_code exit_from_lookup(int err)
{
	switch (err) {
	case -EINVAL:
	case -ENOTUNIQ:
		return EXIT_USAGE;
	case -ENODEV: /* in no group: no IOMMU covers it */
		return EXIT_UNSUPPORTED;
	}
	return exit_from_errno(err);
}

enum exit_code worse_exit(enum exit_code a, enum exit_code b)
{
	static const enum exit_code order[] = { EXIT_NO, EXIT_PERMISSION, EXIT_UNSUPPORTED };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return EXIT_DONE;
}
