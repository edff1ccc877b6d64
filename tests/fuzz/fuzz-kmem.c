// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * a kernel's memory with anything in it. The first byte chooses: a whole image as it comes; or the image of a
 * sound made-up kernel with patches: 3 bytes where, 1 how many (up to 8), and what; or the text of a trace.
 */
#include <string.h>

#include "fuzz.h"

#include "../unit/kimage.h"
#include "base/str.h"
#include "diag/ledger.h"
#include "kmem/iommufd.h"
#include "kmem/walk.h"

static void add_object(struct kimage *k, uint64_t node, uint32_t id, uint64_t obj, uint32_t type)
{
	kimage_set(k, obj, KF_OBJ_ID, id);
	kimage_set(k, obj, KF_OBJ_TYPE, type);
	kimage_set(k, obj, KF_OBJ_USERS, 2);
	kimage_write64(k, kimage_at(k, node, KF_XA_SLOTS) + 8 * id, obj);
}

/* Behind the device, which is number 0: an address space, a page table on it, and a nested one that the device is attached to. */
static void more_objects(struct kimage *k, uint64_t node, uint64_t idev)
{
	uint64_t ioas = kimage_alloc(k, "iommufd_ioas"), paging = kimage_alloc(k, "iommufd_hwpt_paging");
	uint64_t nested = kimage_alloc(k, "iommufd_hwpt_nested"), igroup = kimage_alloc(k, "iommufd_group");
	uint64_t attach = kimage_alloc(k, "iommufd_attach"), hwpt = kimage_at(k, nested, KF_NESTED_COMMON);

	add_object(k, node, 1, kimage_at(k, ioas, KF_IOAS_OBJ), 3);
	add_object(k, node, 2, kimage_at(k, kimage_at(k, paging, KF_PAGING_COMMON), KF_HWPT_OBJ), 6);
	add_object(k, node, 3, kimage_at(k, hwpt, KF_HWPT_OBJ), 7);
	kimage_set(k, paging, KF_PAGING_IOAS, ioas);
	kimage_set(k, kimage_at(k, paging, KF_PAGING_COMMON), KF_HWPT_DOMAIN, kimage_domain(k, 1));
	kimage_set(k, nested, KF_NESTED_PARENT, paging);
	kimage_set(k, idev, KF_IDEV_GROUP, igroup);
	kimage_set(k, attach, KF_ATTACH_HWPT, hwpt);
	kimage_set(k, kimage_at(k, attach, KF_ATTACH_DEVICES), KF_XARRAY_HEAD, idev);
	kimage_set(k, kimage_at(k, igroup, KF_IGROUP_ATTACH), KF_XARRAY_HEAD, attach);
}

/* Two groups, one claimed by a container, one by an iommufd with a device, and the processes behind them. */
static char *sound_image(size_t *ret_len)
{
	struct kimage *k = kimage_new(0);
	uint64_t g1 = kimage_group(k, 1), g2 = kimage_group(k, 2), vg = kimage_alloc(k, "vfio_group");
	uint64_t ctx = kimage_alloc(k, "iommufd_ctx"), node = kimage_alloc(k, "xa_node"), idev = kimage_alloc(k, "iommufd_device");
	uint64_t task = kimage_task(k, 42, "qemu", 8), dev;
	char *image;

	kimage_device(k, kimage_group(k, 3), "0000:03:00.0", "e1000e", false);
	kimage_device(k, g1, "0000:01:00.0", "vfio-pci", true);
	dev = kimage_device(k, g2, "0000:02:00.0", "vfio-pci", true);
	kimage_set(k, vg, KF_VFIO_GROUP_GROUP, g1);
	kimage_set(k, g1, KF_GROUP_OWNER, vg);
	kimage_set(k, g1, KF_GROUP_OWNER_CNT, 1);
	kimage_set(k, kimage_at(k, idev, KF_IDEV_OBJ), KF_OBJ_TYPE, 5);
	kimage_set(k, idev, KF_IDEV_CTX, ctx);
	kimage_set(k, idev, KF_IDEV_DEV, dev);
	kimage_write64(k, kimage_at(k, node, KF_XA_SLOTS), kimage_at(k, idev, KF_IDEV_OBJ));
	more_objects(k, node, idev);
	kimage_set(k, kimage_at(k, ctx, KF_CTX_OBJECTS), KF_XARRAY_HEAD, node + 2);
	kimage_set(k, g2, KF_GROUP_OWNER, ctx);
	kimage_set(k, g2, KF_GROUP_OWNER_CNT, 1);
	kimage_file(k, task, 3, k->iommufd_fops, ctx);
	kimage_file(k, task, 4, k->group_fops, vg);
	image = kimage_image(k, ret_len);
	kimage_free(k);
	return image;
}

/* What is told must be sound: no number of a group that something is wrong with, and a document that reads back. */
static void check(struct ownership *o, struct arena *a)
{
	struct json_object *doc = ownership_to_json(o), *again;
	struct ownership *back;

	for (size_t i = 0; i < o->n_groups; i++) {
		const struct owned_group *g = &o->groups[i];

		if (g->problem && (g->owner_cnt.known || g->owned != TRI_UNKNOWN || g->claims.known))
			abort();
		if (g->owned == TRI_YES && !g->owner)
			abort();
	}
	if (ownership_from_json(doc, a, &back) < 0)
		abort();
	again = ownership_to_json(back);
	json_object_put(again);
	json_object_put(doc);
}

/* Objects are by id, each with a type, none where something is wrong; and the document reads back. */
static void check_objects(const struct iommufds *d, struct arena *a)
{
	struct json_object *doc = iommufds_to_json(d);
	struct iommufds *back;

	for (size_t i = 0; i < d->n; i++) {
		const struct iommufd_context *c = &d->v[i];

		if (c->problem && c->n)
			abort();
		for (size_t j = 0; j < c->n; j++)
			if (!c->objects[j].type || (j && c->objects[j].id <= c->objects[j - 1].id))
				abort();
	}
	if (iommufds_from_json(doc, a, &back) < 0)
		abort();
	json_object_put(doc);
}

static void walk_image(const void *image, size_t len)
{
	struct arena a = { 0 };
	struct ownership *o = arena_new(&a, struct ownership);
	struct iommufds *d = arena_new(&a, struct iommufds);
	struct kmem *k;

	o->arena = &a;
	if (kmem_open_image(image, len, &k) == 0) {
		walk_kernel(k, o);
		check(o, &a);
		walk_iommufds(k, &a, d);
		check_objects(d, &a);
		kmem_free(k);
	}
	arena_free(&a);
}

static void walk_patched(const uint8_t *p, size_t size)
{
	static char *sound;
	static size_t len;
	char *image;

	if (!sound)
		sound = sound_image(&len);
	image = malloc(len);
	if (!image)
		abort();
	memcpy(image, sound, len);
	while (size >= 5) {
		size_t at = (p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16) % len, n = MIN(MIN(p[3] % 8u + 1, size - 4), len - at);

		memcpy(image + at, p + 4, n);
		p += 4 + n;
		size -= 4 + n;
	}
	walk_image(image, len);
	free(image);
}

static void read_trace(const uint8_t *p, size_t size)
{
	struct probe_log log = { 0 };
	struct arena a = { 0 };
	struct ledger l;

	probe_log_text(&log, (const char *)p, size);
	probe_log_text(&log, "\n", 1);
	ledger_make(&a, &log, &l);
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].surplus > l.v[i].remains || l.v[i].remains > l.v[i].taken)
			abort();
	probe_log_free(&log);
	arena_free(&a);
}

FUZZ_TARGET(kmem)
{
	if (!size)
		return 0;
	switch (data[0] % 3) {
	case 0:
		walk_patched(data + 1, size - 1);
		break;
	case 1:
		walk_image(data + 1, size - 1);
		break;
	default:
		read_trace(data + 1, size - 1);
		break;
	}
	return 0;
}
