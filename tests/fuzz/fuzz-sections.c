// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any JSON as a section of a snapshot: the first byte chooses which. It is read as the program reads it, and what is private is taken out,
 * after which it must still read.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "kmem/iommufd.h"
#include "kmem/ownership.h"
#include "snapshot/scrub.h"
#include "source/holders.h"
#include "source/kmsg.h"
#include "source/network.h"
#include "source/probes.h"
#include "source/udev.h"

static struct json_object *section;

static int give_section(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret)
{
	(void)s;
	(void)ctx;
	(void)which;
	*ret = json_object_get(section);
	return 0;
}

static int no_file(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	(void)s;
	(void)path;
	(void)buf;
	(void)cap;
	(void)ret_len;
	return -ENOENT;
}

static const struct source_ops ops = { .kind = SOURCE_SNAPSHOT, .section = give_section, .read = no_file };

static void read_section(enum source_section which)
{
	struct source s = { .ops = &ops, .name = (char[]){ "fuzz" } };
	struct ctx ctx = { 0 };
	struct arena a = { 0 };
	union {
		struct network network;
		struct held_list holders;
		struct kmsg kmsg;
		struct probes probes;
		struct udev_facts udev;
		struct ownership *ownership;
		struct iommufds *iommufds;
	} ret;

	switch (which) {
	case SECTION_NETWORK:
		source_network(&s, &ctx, &a, &ret.network);
		break;
	case SECTION_HOLDERS:
		source_holders(&s, &ctx, &a, &ret.holders);
		break;
	case SECTION_KMSG:
		source_kmsg(&s, &ctx, &a, &ret.kmsg);
		break;
	case SECTION_PROBES:
		source_probes(&s, &ctx, &a, &ret.probes);
		break;
	case SECTION_UDEV:
		source_udev(&s, &ctx, &a, "sys/devices/pci0000:00/0000:00:02.0", &ret.udev);
		break;
	case SECTION_OWNERSHIP:
		if (ownership_load(&ctx, &s, &a, &ret.ownership) == 0)
			json_object_put(ownership_to_json(ret.ownership));
		break;
	case SECTION_IOMMUFD:
		if (iommufds_load(&ctx, &s, &a, &ret.iommufds) == 0)
			json_object_put(iommufds_to_json(ret.iommufds));
		break;
	case SECTION_MAX:
		break;
	}
	ctx_free(&ctx);
	arena_free(&a);
}

FUZZ_TARGET(sections)
{
	struct json_tokener *tok;
	enum source_section which;

	if (size < 2)
		return 0;
	which = data[0] % SECTION_MAX;
	tok = json_tokener_new_ex(16); /* as deep as sections.c lets one be */
	section = json_tokener_parse_ex(tok, (const char *)data + 1, (int)size - 1);
	json_tokener_free(tok);
	if (json_object_is_type(section, json_type_object)) {
		read_section(which);
		scrub_section(which, 1, section);
		read_section(which);
	}
	json_object_put(section);
	section = NULL;
	return 0;
}
