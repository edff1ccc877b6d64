// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/udev.h"

#include <errno.h>
#include <libudev.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "source/doc.h"

#define ID_PATH "ID_PATH"
#define ID_VENDOR "ID_VENDOR_FROM_DATABASE"
#define ID_MODEL "ID_MODEL_FROM_DATABASE"

static int udev_live(struct arena *a, const char *dir, struct udev_facts *ret)
{
	struct udev *udev = udev_new();
	struct udev_device *d;
	char path[SRC_PATH_MAX];
	int r = -ENOENT;

	if (!udev)
		return -ENOMEM;
	PATHF(path, "/%s", dir);
	d = udev_device_new_from_syspath(udev, path);
	if (d && udev_device_get_is_initialized(d) > 0) {
		*ret = (struct udev_facts){
			.path = arena_strdup(a, udev_device_get_property_value(d, ID_PATH)),
			.vendor = arena_strdup(a, udev_device_get_property_value(d, ID_VENDOR)),
			.model = arena_strdup(a, udev_device_get_property_value(d, ID_MODEL)),
		};
		r = 0;
	}
	udev_device_unref(d);
	udev_unref(udev);
	return r;
}

int source_udev(struct source *src, struct ctx *ctx, struct arena *a, const char *dir, struct udev_facts *ret)
{
	struct json_object *doc, *o;
	int r;

	if (source_is_live(src))
		return udev_live(a, dir, ret);
	r = source_section(src, ctx, SECTION_UDEV, &doc);
	if (r < 0)
		return r;
	o = doc_get(doc_get(doc, "devices", json_type_object), dir, json_type_object);
	if (o)
		*ret = (struct udev_facts){ .path = doc_text(a, o, "path"), .vendor = doc_text(a, o, "vendor"),
					    .model = doc_text(a, o, "model") };
	json_object_put(doc);
	return o ? 0 : -ENOENT;
}

static void add_device(struct udev *udev, const char *syspath, struct json_object *devices)
{
	struct udev_device *d = udev_device_new_from_syspath(udev, syspath);
	struct json_object *o;

	if (d && udev_device_get_is_initialized(d) > 0 && strstarts(syspath, "/sys/")) {
		o = json_make_object();
		doc_put(o, "path", udev_device_get_property_value(d, ID_PATH));
		doc_put(o, "vendor", udev_device_get_property_value(d, ID_VENDOR));
		doc_put(o, "model", udev_device_get_property_value(d, ID_MODEL));
		json_set(devices, syspath + 1, o);
	}
	udev_device_unref(d);
}

int udev_gather(struct ctx *ctx _unused_, struct json_object **ret)
{
	struct udev *udev = udev_new();
	struct udev_enumerate *all = udev ? udev_enumerate_new(udev) : NULL;
	struct json_object *devices = json_make_object();
	struct udev_list_entry *e;

	if (all && udev_enumerate_add_match_subsystem(all, "pci") >= 0 && udev_enumerate_scan_devices(all) >= 0)
		udev_list_entry_foreach(e, udev_enumerate_get_list_entry(all))
			add_device(udev, udev_list_entry_get_name(e), devices);
	udev_enumerate_unref(all);
	udev_unref(udev);
	*ret = json_make_object();
	json_set(*ret, "devices", devices);
	return 0;
}
