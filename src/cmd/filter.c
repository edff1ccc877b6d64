// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/filter.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* The words of device_class_word(). */
const char *const class_words[] = {
	"network",  "display",	  "storage",	"usb",	     "audio",	"bridge",   "memory",	   "multimedia",
	"communication", "system", "input",	"dock",	     "processor", "serial", "wireless",	   "controller",
	"satellite", "crypto",	  "signal",	"accelerator", "other",	NULL,
};

const char *const no_driver_words[] = { "none", NULL };

static int check_units(struct ctx *ctx, const struct host *h, const char *names)
{
	char *words = arena_strdup(&ctx->arena, names), *word;

	while ((word = strsep(&words, ",")))
		if (!host_unit(h, word))
			return ctx_error(ctx,
					 NOTE(.code = "no-unit", .err = ENOENT, .why = "no such IOMMU unit on this machine",
					      .hint = "iommuctl iommu list shows them"),
					 "unit %s", word);
	return 0;
}

int filter_read(const struct invocation *inv, const struct host *h, struct filter *ret)
{
	struct filter f = {
		.class = inv_opt(inv, "class"),
		.driver = inv_opt(inv, "driver"),
		.unit = inv_opt(inv, "unit"),
		.viable = inv_opt(inv, "viable"),
		.not_viable = inv_opt(inv, "not-viable"),
	};
	int r;

	if (f.viable && f.not_viable)
		return ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL, .why = "they exclude each other"),
				 "--viable and --not-viable");
	r = f.unit ? check_units(inv->ctx, h, f.unit) : 0;
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}

/* Whether @word, which may be NULL, is one of those in @list. */
static bool is_among(const char *list, const char *word)
{
	size_t len = word ? strlen(word) : 0;

	for (const char *p = list; len; p++) {
		if (strcspn(p, ",") == len && !memcmp(p, word, len))
			return true;
		p += strcspn(p, ",");
		if (!*p)
			break;
	}
	return false;
}

bool filter_device(const struct filter *f, const struct device *d)
{
	if (f->class && !is_among(f->class, device_class_word(d)))
		return false;
	if (f->driver && !is_among(f->driver, d->driver || d->driver_err ? d->driver : "none"))
		return false;
	return !f->unit || is_among(f->unit, d->unit ? d->unit->name : NULL);
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
