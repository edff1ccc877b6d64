// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/sections.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "source/capture.h"
#include "source/holders.h"
#include "source/kmsg.h"
#include "source/network.h"
#include "source/probes.h"
#include "source/udev.h"

/* A section of a machine with ten thousand interfaces has a few MiB; JSON in memory is many times
 * its text. */
#define SECTION_MAX_BYTES (16u << 20)
#define SECTION_MAX_DEPTH 16

static const char *const section_files[SECTION_MAX] = {
	[SECTION_NETWORK] = "network.json",
	[SECTION_HOLDERS] = "holders.json",
	[SECTION_KMSG] = "kmsg.json",
	[SECTION_PROBES] = "probes.json",
	[SECTION_UDEV] = "udev.json",
	[SECTION_OWNERSHIP] = "ownership.json",
	[SECTION_IOMMUFD] = "iommufd.json",
};

static section_provider providers[SECTION_MAX] = {
	[SECTION_NETWORK] = network_gather,
	[SECTION_HOLDERS] = holders_gather,
	[SECTION_KMSG] = kmsg_gather,
	[SECTION_PROBES] = probes_gather,
	[SECTION_UDEV] = udev_gather,
};

const char *source_section_file(enum source_section s)
{
	return section_files[s];
}

void source_set_provider(enum source_section s, section_provider provider)
{
	providers[s] = provider;
}

int section_gather(struct source *s _unused_, struct ctx *ctx, enum source_section which,
		   struct json_object **ret)
{
	return providers[which] ? providers[which](ctx, ret) : -EOPNOTSUPP;
}

int section_stored(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret)
{
	struct arena a = { 0 };
	struct json_object *doc;
	char path[SRC_PATH_MAX], *text;
	size_t len;
	int r;

	if (s->no_section[which])
		return -ENOTCAPTURED;
	PATHF(path, SNAPSHOT_DIR "/%s", section_files[which]);
	r = source_read_all(s, path, SECTION_MAX_BYTES, &a, &text, &len);
	if (r < 0) {
		arena_free(&a);
		if (r != -ENOENT && r != -ENOTCAPTURED)
			return r;
		r = which == SECTION_KMSG ? kmsg_from_files(s, ret) : -ENOTCAPTURED;
		s->no_section[which] = r == -ENOTCAPTURED;
		return r;
	}
	doc = json_read(text, len, SECTION_MAX_DEPTH);
	if (json_object_is_type(doc, json_type_object)) {
		*ret = doc;
	} else {
		json_object_put(doc);
		r = ctx_warn(ctx, "bad-section", EBADMSG, path, "%s: section %s", s->name, path);
	}
	arena_free(&a);
	return r;
}
