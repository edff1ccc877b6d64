// SPDX-License-Identifier: GPL-2.0-or-later
/* The objects of iommufd in a kernel's memory; on a made-up kernel, whole and damaged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kimage.h"
#include "kmem/iommufd.h"
#include "kmem/walk.h"

struct fixture {
	struct kimage *k;
	void *image;
	struct kmem *kmem;
	struct arena arena;
};

static void done(struct fixture *f)
{
	kmem_free(f->kmem);
	free(f->image);
	arena_free(&f->arena);
	kimage_free(f->k);
}

/* A context with a file of its own, and its array's only node: ids are places in it, so 0 to 3; deeper ones get a node above. */
struct context {
	struct kimage *k;
	uint64_t ctx, top, low[4];
};

static struct context new_context(struct kimage *k)
{
	struct context c = { .k = k, .ctx = kimage_alloc(k, "iommufd_ctx"), .top = kimage_alloc(k, "xa_node") };

	kimage_set(k, kimage_at(k, c.ctx, KF_CTX_OBJECTS), KF_XARRAY_HEAD, c.top + 2);
	kimage_set(k, c.top, KF_XA_SHIFT, 2);
	return c;
}

/* The struct iommufd_object at @obj becomes number @id of the context. */
static void add_object(struct context *c, uint32_t id, uint64_t obj, uint32_t type, uint32_t users)
{
	uint32_t slot = id / 4;

	if (!c->low[slot]) {
		c->low[slot] = kimage_alloc(c->k, "xa_node");
		kimage_set(c->k, c->low[slot], KF_XA_PARENT, c->top);
		kimage_set(c->k, c->low[slot], KF_XA_OFFSET, slot);
		kimage_write64(c->k, kimage_at(c->k, c->top, KF_XA_SLOTS) + 8 * slot, c->low[slot] + 2);
	}
	kimage_set(c->k, obj, KF_OBJ_ID, id);
	kimage_set(c->k, obj, KF_OBJ_TYPE, type);
	kimage_set(c->k, obj, KF_OBJ_USERS, users);
	kimage_write64(c->k, kimage_at(c->k, c->low[slot], KF_XA_SLOTS) + 8 * (id % 4), obj);
}

static uint64_t add_ioas(struct context *c, uint32_t id)
{
	uint64_t ioas = kimage_alloc(c->k, "iommufd_ioas");

	add_object(c, id, kimage_at(c->k, ioas, KF_IOAS_OBJ), 3, 2);
	return ioas;
}

static uint64_t add_paging(struct context *c, uint32_t id, uint64_t ioas, uint64_t domain)
{
	uint64_t paging = kimage_alloc(c->k, "iommufd_hwpt_paging"), hwpt = kimage_at(c->k, paging, KF_PAGING_COMMON);

	add_object(c, id, kimage_at(c->k, hwpt, KF_HWPT_OBJ), 6, 2);
	kimage_set(c->k, hwpt, KF_HWPT_DOMAIN, domain);
	kimage_set(c->k, paging, KF_PAGING_IOAS, ioas);
	return paging;
}

static uint64_t add_idev(struct context *c, uint32_t id, uint64_t dev)
{
	uint64_t idev = kimage_alloc(c->k, "iommufd_device");

	add_object(c, id, kimage_at(c->k, idev, KF_IDEV_OBJ), 5, 3);
	kimage_set(c->k, idev, KF_IDEV_CTX, c->ctx);
	kimage_set(c->k, idev, KF_IDEV_DEV, dev);
	return idev;
}

/* What is attached at a PASID of a group: place 0 to 3 of its array. */
static void attach(struct kimage *k, uint64_t igroup, uint32_t pasid, uint64_t hwpt, uint64_t idev)
{
	uint64_t head = kimage_at(k, igroup, KF_IGROUP_ATTACH), at = kimage_alloc(k, "iommufd_attach"), node;

	kimage_set(k, at, KF_ATTACH_HWPT, hwpt);
	kimage_set(k, kimage_at(k, at, KF_ATTACH_DEVICES), KF_XARRAY_HEAD, idev);
	node = kimage_num(k, head, KF_XARRAY_HEAD);
	if (!node) {
		node = kimage_alloc(k, "xa_node") + 2;
		kimage_set(k, head, KF_XARRAY_HEAD, node);
	}
	kimage_write64(k, kimage_at(k, node - 2, KF_XA_SLOTS) + 8 * pasid, at);
}

static struct iommufds *walk_objects(struct fixture *f)
{
	struct iommufds *d = arena_new(&f->arena, struct iommufds);
	size_t len;

	f->image = kimage_image(f->k, &len);
	assert_int_equal(kmem_open_image(f->image, len, &f->kmem), 0);
	walk_iommufds(f->kmem, &f->arena, d);
	return d;
}

static void test_objects(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	struct kimage *k = f.k;
	uint64_t g = kimage_group(k, 5), dev = kimage_device(k, g, "0000:01:00.0", "vfio-pci", true), domain = kimage_domain(k, 1);
	uint64_t ioas, paging, nested, idev, fault, viommu, vdev, task, igroup = kimage_alloc(k, "iommufd_group");
	struct context c = new_context(k);
	const struct iommufd_context *got;
	struct iommufds *d;

	ioas = add_ioas(&c, 1);
	paging = add_paging(&c, 3, ioas, domain);
	idev = add_idev(&c, 2, dev);
	fault = kimage_alloc(k, "iommufd_fault");
	add_object(&c, 5, kimage_at(k, kimage_at(k, fault, KF_FAULT_COMMON), KF_EVENTQ_OBJ), 8, 2);
	kimage_set(k, kimage_at(k, fault, KF_FAULT_COMMON), KF_EVENTQ_CTX, c.ctx);
	viommu = kimage_alloc(k, "iommufd_viommu");
	add_object(&c, 6, kimage_at(k, viommu, KF_VIOMMU_OBJ), 9, 1);
	kimage_set(k, viommu, KF_VIOMMU_HWPT, paging);
	nested = kimage_alloc(k, "iommufd_hwpt_nested");
	add_object(&c, 7, kimage_at(k, kimage_at(k, nested, KF_NESTED_COMMON), KF_HWPT_OBJ), 7, 2);
	kimage_set(k, nested, KF_NESTED_PARENT, paging);
	kimage_set(k, nested, KF_NESTED_VIOMMU, viommu);
	kimage_set(k, kimage_at(k, nested, KF_NESTED_COMMON), KF_HWPT_FAULT, fault);
	vdev = kimage_alloc(k, "iommufd_vdevice");
	add_object(&c, 9, kimage_at(k, vdev, KF_VDEVICE_OBJ), 10, 1);
	kimage_set(k, vdev, KF_VDEVICE_VIOMMU, viommu);
	kimage_set(k, vdev, KF_VDEVICE_IDEV, idev);
	kimage_set(k, vdev, KF_VDEVICE_ID, 0x99);
	kimage_set_bit(k, paging, KF_PAGING_NEST);
	kimage_set(k, g, KF_GROUP_DOMAIN, domain);
	kimage_set(k, idev, KF_IDEV_GROUP, igroup);
	attach(k, igroup, 0, kimage_at(k, nested, KF_NESTED_COMMON), idev);
	attach(k, igroup, 3, kimage_at(k, paging, KF_PAGING_COMMON), idev);
	task = kimage_task(k, 42, "qemu", 8);
	kimage_file(k, task, 3, k->iommufd_fops, c.ctx);
	kimage_file(k, task, 5, k->fault_fops, kimage_at(k, fault, KF_FAULT_COMMON));
	kimage_task(k, 43, "innocent", 4);
	d = walk_objects(&f);
	assert_true(d->known);
	assert_int_equal(d->n, 1);
	got = &d->v[0];
	assert_null(got->problem);
	assert_true(got->complete);
	assert_int_equal(got->n_holders, 2);
	assert_string_equal(got->holders[1].what, "fault-queue");
	assert_int_equal(got->n, 7);
	assert_string_equal(got->objects[0].type, "ioas");
	assert_int_equal(got->objects[1].id, 2);
	assert_string_equal(got->objects[1].device, "0000:01:00.0");
	assert_int_equal(got->objects[1].group.v, 5);
	assert_int_equal(got->objects[1].attached, TRI_YES);
	assert_int_equal(got->objects[1].hwpt.v, 7);
	assert_int_equal(got->objects[1].n_pasids, 1);
	assert_int_equal(got->objects[1].pasids[0].pasid, 3);
	assert_int_equal(got->objects[1].pasids[0].hwpt.v, 3);
	assert_int_equal(got->objects[2].ioas.v, 1);
	assert_int_equal(got->objects[2].users.v, 2);
	assert_int_equal(got->objects[2].nest_parent, TRI_YES);
	assert_int_equal(got->objects[2].automatic, TRI_NO);
	assert_string_equal(got->objects[2].domain->type, "unmanaged");
	assert_int_equal(got->objects[2].n_groups, 1);
	assert_int_equal(got->objects[2].groups[0], 5);
	assert_string_equal(got->objects[3].type, "fault");
	assert_int_equal(got->objects[4].hwpt.v, 3);
	assert_int_equal(got->objects[5].hwpt.v, 3);
	assert_int_equal(got->objects[5].viommu.v, 6);
	assert_int_equal(got->objects[5].fault.v, 5);
	assert_int_equal(got->objects[6].idev.v, 2);
	assert_int_equal(got->objects[6].virt_id.v, 0x99);
	done(&f);
}

/* One page table a group, a list of what is attached, queues of another shape. */
static void test_objects_older(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(KIMAGE_WITHOUT_NEW) };
	struct kimage *k = f.k;
	uint64_t g = kimage_group(k, 5), igroup = kimage_alloc(k, "iommufd_group"), paging, in, out, fault = kimage_alloc(k, "iommufd_fault");
	struct context c = new_context(k);
	struct iommufds *d;

	paging = add_paging(&c, 3, add_ioas(&c, 1), kimage_domain(k, 1));
	kimage_set_bit(k, paging, KF_PAGING_AUTO);
	add_object(&c, 4, kimage_at(k, fault, KF_FAULT_OBJ), 8, 1);
	kimage_set(k, kimage_at(k, paging, KF_PAGING_COMMON), KF_HWPT_FAULT, fault);
	in = add_idev(&c, 2, kimage_device(k, g, "0000:01:00.0", "vfio-pci", true));
	out = add_idev(&c, 5, kimage_device(k, g, "0000:01:00.1", "vfio-pci", true));
	kimage_set(k, in, KF_IDEV_GROUP, igroup);
	kimage_set(k, out, KF_IDEV_GROUP, igroup);
	kimage_set(k, igroup, KF_IGROUP_HWPT, kimage_at(k, paging, KF_PAGING_COMMON));
	kimage_list(k, kimage_at(k, igroup, KF_IGROUP_DEVICES));
	kimage_list_add(k, kimage_at(k, igroup, KF_IGROUP_DEVICES), kimage_at(k, in, KF_IDEV_ITEM));
	kimage_file(k, kimage_task(k, 42, "qemu", 8), 3, k->iommufd_fops, c.ctx);
	d = walk_objects(&f);
	assert_int_equal(d->n, 1);
	assert_int_equal(d->v[0].n, 5);
	assert_int_equal(d->v[0].objects[1].attached, TRI_YES);
	assert_int_equal(d->v[0].objects[1].hwpt.v, 3);
	assert_int_equal(d->v[0].objects[2].automatic, TRI_YES);
	assert_int_equal(d->v[0].objects[2].fault.v, 4);
	assert_int_equal(d->v[0].objects[4].attached, TRI_NO);
	assert_false(d->v[0].objects[4].hwpt.known);
	done(&f);
}

/* A leader that has gone leaves its files to its threads. */
static void test_objects_of_a_thread(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	struct context c = new_context(f.k);
	uint64_t task = kimage_task(f.k, 42, "qemu", 8), files = kimage_num(f.k, task, KF_TASK_FILES);
	struct iommufds *d;

	kimage_file(f.k, task, 3, f.k->iommufd_fops, c.ctx);
	kimage_thread(f.k, task, files);
	kimage_thread(f.k, task, files);
	kimage_set(f.k, task, KF_TASK_FILES, 0);
	d = walk_objects(&f);
	assert_int_equal(d->n, 1);
	assert_int_equal(d->v[0].n_holders, 1);
	assert_int_equal(d->v[0].holders[0].pid, 42);
	done(&f);
}

/* An id that is not its place, a type that is none, a node whose parent is another: no object is told, and why is. */
static void test_objects_damaged(void **state _unused_)
{
	for (int damage = 0; damage < 4; damage++) {
		struct fixture f = { .k = kimage_new(0) };
		struct context c = new_context(f.k);
		uint64_t obj = kimage_at(f.k, add_ioas(&c, 1), KF_IOAS_OBJ);
		struct iommufds *d;

		kimage_file(f.k, kimage_task(f.k, 42, "qemu", 8), 3, f.k->iommufd_fops, c.ctx);
		if (damage == 0)
			kimage_set(f.k, obj, KF_OBJ_ID, 2);
		else if (damage == 1)
			kimage_set(f.k, obj, KF_OBJ_TYPE, 77);
		else if (damage == 2)
			kimage_set(f.k, c.low[0], KF_XA_PARENT, c.low[0]);
		else
			kimage_write64(f.k, kimage_at(f.k, c.top, KF_XA_SLOTS) + 8, c.low[0] + 2); /* twice, the second time elsewhere */
		d = walk_objects(&f);
		assert_int_equal(d->n, 1);
		assert_int_equal(d->v[0].n, 0);
		assert_non_null(d->v[0].problem);
		assert_int_equal(d->v[0].n_holders, 1);
		done(&f);
	}
}

/* What leads to no context - a file that another one's context points to - is none. */
static void test_objects_no_context(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t task = kimage_task(f.k, 42, "qemu", 8);
	struct iommufds *d;

	kimage_file(f.k, task, 3, f.k->iommufd_fops, 0xdead000000000000);
	kimage_file(f.k, task, 4, f.k->fault_fops, kimage_alloc(f.k, "iommufd_eventq"));
	d = walk_objects(&f);
	assert_true(d->known);
	assert_int_equal(d->n, 0);
	done(&f);
}

static void test_objects_json(void **state _unused_)
{
	static const char *const bad[] = {
		"[]", "{\"version\":2}", "{\"version\":1,\"contexts\":[{\"objects\":[{}]}]}",
		"{\"version\":1,\"contexts\":[{\"objects\":[{\"id\":-1,\"type\":\"ioas\"}]}]}",
		"{\"version\":1,\"contexts\":[{\"objects\":[{\"id\":2,\"type\":\"ioas\"},{\"id\":2,\"type\":\"ioas\"}]}]}",
		"{\"version\":1,\"obstacles\":[{}]}",
	};
	struct fixture f = { .k = kimage_new(0) };
	struct context c = new_context(f.k);
	struct json_object *doc, *again;
	struct iommufds *back;

	add_paging(&c, 3, add_ioas(&c, 1), kimage_domain(f.k, 1));
	kimage_file(f.k, kimage_task(f.k, 42, "qemu", 8), 3, f.k->iommufd_fops, c.ctx);
	doc = iommufds_to_json(walk_objects(&f));
	assert_null(strstr(json_object_to_json_string(doc), "ff11")); /* no address gets out */
	assert_int_equal(iommufds_from_json(doc, &f.arena, &back), 0);
	again = iommufds_to_json(back);
	assert_string_equal(json_object_to_json_string(doc), json_object_to_json_string(again));
	assert_ptr_equal(iommufd_object(&back->v[0], NUM(3)), &back->v[0].objects[1]);
	assert_null(iommufd_object(&back->v[0], NUM(2)));
	json_object_put(doc);
	json_object_put(again);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		doc = json_tokener_parse(bad[i]);
		assert_int_equal(iommufds_from_json(doc, &f.arena, &back), -EBADMSG);
		json_object_put(doc);
	}
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_objects_older),
		cmocka_unit_test(test_objects_of_a_thread),
		cmocka_unit_test(test_objects_damaged),
		cmocka_unit_test(test_objects_no_context),
		cmocka_unit_test(test_objects_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
