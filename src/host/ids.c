// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/ids.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ANY 0xffffffffu

static bool id_matches(const char *id, const struct device *d)
{
	unsigned vendor, device, subvendor = ANY, subdevice = ANY, class = 0, mask = 0;

	if (sscanf(id, "%x:%x:%x:%x:%x:%x", &vendor, &device, &subvendor, &subdevice, &class, &mask) < 2)
		return false;
	return (vendor == ANY || vendor == d->vendor) && (device == ANY || device == d->device) &&
	       (subvendor == ANY || subvendor == d->subvendor) && (subdevice == ANY || subdevice == d->subdevice) &&
	       !((class ^ d->class) & mask);
}

static bool list_matches(char *list, const struct device *d)
{
	char *id;

	while ((id = strsep(&list, ",")))
		if (id_matches(id, d))
			return true;
	return false;
}

bool ids_match(const char *options, const struct device *d)
{
	_cleanup_free_ char *copy = must_strdup(options);
	char *rest = copy, *word, *w = copy;

	/* quotes may stand around the value or the whole (next_arg() in lib/cmdline.c), and no id has a blank in it */
	for (const char *p = copy; *p; p++)
		if (*p != '"')
			*w++ = *p;
	*w = '\0';
	while (d->has_ids && rest && (word = strsep(&rest, " \t")))
		if (strstarts(word, "ids=") && list_matches(word + strlen("ids="), d))
			return true;
	return false;
}
