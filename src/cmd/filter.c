// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/filter.h"

#include <errno.h>

#include "base/str.h"

/* The words of device_class_word(). */
const char *const class_words[] = {
	"network",  "display",	  "storage",	"usb",	     "audio",	"bridge",   "memory",	   "multimedia",
	"communication", "system", "input",	"dock",	     "processor", "serial", "wireless",	   "controller",
	"satellite", "crypto",	  "signal",	"accelerator", "other",	NULL,
};

int filter_read(const struct invocation *inv, const struct host *h, struct filter *ret)
{
	const char *unit = inv_opt(inv, "unit");
	struct filter f = {
		.class = inv_opt(inv, "class"),
		.driver = inv_opt(inv, "driver"),
		.viable = inv_opt(inv, "viable"),
		.not_viable = inv_opt(inv, "not-viable"),
	};

	if (f.viable && f.not_viable)
		return ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL, .why = "they exclude each other"),
				 "--viable and --not-viable");
	if (unit) {
		f.unit = host_unit(h, unit);
		if (!f.unit)
			return ctx_error(inv->ctx,
					 NOTE(.code = "no-unit", .err = ENOENT, .why = "no such IOMMU unit on this machine",
					      .hint = "iommuctl iommu list shows them"),
					 "unit %s", unit);
	}
	*ret = f;
	return 0;
}

bool filter_device(const struct filter *f, const struct device *d)
{
	if (f->class && !streq(f->class, device_class_word(d)))
		return false;
	if (f->driver && streq(f->driver, "none") ? d->driver || d->driver_err :
						    f->driver && !streq(f->driver, d->driver))
		return false;
	return !f->unit || f->unit == d->unit;
}

bool filter_viable(const struct filter *f, int viable)
{
	if (f->viable)
		return viable == TRI_YES;
	return !f->not_viable || viable == TRI_NO;
}

void warn_no_groups(struct host *h)
{
	if (h->n_groups || (h->groups_err && h->groups_err != -ENOENT))
		return;
	ctx_note(h->ctx,
		 (struct note){ .level = NOTE_WARNING, .code = "no-groups",
				.why = "the IOMMU is off, or there is none", .hint = "iommuctl doctor says why" },
		 "no IOMMU groups");
}
