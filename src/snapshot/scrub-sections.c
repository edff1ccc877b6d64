// SPDX-License-Identifier: GPL-2.0-or-later
/* What of a typed section is private; the sections' headers say the same in words. */
#include <string.h>

#include "snapshot/scrub.h"
#include "base/json.h"
#include "source/doc.h"
#include "source/kmsg.h"

static void forget(struct json_object *o, const char *key)
{
	if (json_object_object_get_ex(o, key, NULL))
		json_set(o, key, NULL);
}

static void forget_in_all(struct json_object *doc, const char *list, const char *key)
{
	size_t n = doc_len(doc, list);

	for (size_t i = 0; i < n; i++)
		forget(doc_at(doc, list, i), key);
}

static void scrub_network(struct json_object *doc)
{
	forget_in_all(doc, "links", "address");
	forget_in_all(doc, "addresses", "address");
	forget_in_all(doc, "routes", "destination");
	forget_in_all(doc, "routes", "gateway");
}

static void scrub_holders(struct json_object *doc)
{
	size_t n = doc_len(doc, "held");

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = doc_at(doc, "held", i), *args = doc_get(o, "args", json_type_array);
		size_t n_args = doc_len(o, "args");

		if (n_args > 1)
			json_object_array_del_idx(args, 1, n_args - 1);
		forget(o, "guest_uuid");
	}
}

/* No reader looks at lines that do not concern us: without them the log is as complete as it was. */
static void scrub_kmsg(uint64_t salt, struct json_object *doc)
{
	struct json_object *kept = json_make_array();
	size_t n = doc_len(doc, "lines");

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = doc_at(doc, "lines", i);
		struct json_object *text = doc_get(o, "text", json_type_string);
		struct arena a = { 0 };
		size_t len;
		char *s;

		if (!text || !kmsg_concerns_us(json_object_get_string(text)))
			continue;
		len = json_object_get_string_len(text);
		s = scrub_text(&a, salt, json_object_get_string(text), &len);
		json_set(o, "text", json_make_string_len(s, len));
		json_append(kept, json_object_get(o));
		arena_free(&a);
	}
	json_set(doc, "lines", kept);
}

void scrub_section(enum source_section which, uint64_t salt, struct json_object *doc)
{
	switch (which) {
	case SECTION_NETWORK:
		scrub_network(doc);
		break;
	case SECTION_HOLDERS:
		scrub_holders(doc);
		break;
	case SECTION_KMSG:
		scrub_kmsg(salt, doc);
		break;
	case SECTION_PROBES:
	case SECTION_UDEV:
	case SECTION_OWNERSHIP: /* pid and name of a process at most, and so the next */
	case SECTION_IOMMUFD:
	case SECTION_MAX:
		break;
	}
}
