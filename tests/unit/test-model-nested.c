// SPDX-License-Identifier: GPL-2.0-or-later
/* Virtual IOMMUs, invalidations, events, page requests, dirty pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "model-lab.h"
#include "model/internal.h"

#define BASE 0x1000000u

/* A mock on IOAS 1 with a stage-2 parent. */
struct guest {
	struct lab l;
	int h, parent;
};

static void guest_open(struct guest *g)
{
	lab_open(&g->l, LAB_VTD, NULL, NULL);
	g->h = lab_mock(&g->l, OP_OPEN_MOCK_PASID, lab_ioas(&g->l), NULL);
	g->parent = lab_hwpt(&g->l, g->h, 1, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_true(g->h > 0 && g->parent > 0);
}

static int iotlb(struct guest *g, uint32_t hwpt, uint32_t index, uint32_t value)
{
	return backend_mock_iotlb(g->l.b, &(struct op_mock_iotlb){ .hwpt_id = hwpt, .index = index, .value = value }, NULL);
}

static int inval(struct guest *g, struct op_hwpt_invalidate *op, const void *v)
{
	struct op_data d = OP_DATA_NONE;

	d.in = v;
	d.in_len = (size_t)op->entry_len * op->n;
	return backend_hwpt_invalidate(g->l.b, op, &d);
}

static void invalidate_a_page_table(void **state)
{
	struct iommu_hwpt_invalidate_selftest v[3] = { { .iotlb_id = 1 }, { .iotlb_id = 2 }, { .iotlb_id = 4 } };
	struct op_hwpt_invalidate op = { .data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, .entry_len = sizeof(v[0]), .n = 3 };
	struct guest g;
	int nested;

	(void)state;
	guest_open(&g);
	nested = lab_nested(&g.l, g.h, g.parent, 0);
	assert_true(nested > 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(iotlb(&g, nested, i, IOMMU_TEST_IOTLB_DEFAULT), 0);
	assert_int_equal(iotlb(&g, nested, 4, IOMMU_TEST_IOTLB_DEFAULT), -EINVAL);
	assert_int_equal(iotlb(&g, g.parent, 0, 0), -ENOENT);
	op.id = 99;
	assert_int_equal(inval(&g, &op, v), -ENOENT);
	op.id = g.parent;
	assert_int_equal(inval(&g, &op, v), -EINVAL);
	op.id = nested;
	assert_int_equal(inval(&g, &op, v), -EINVAL); /* the third entry */
	assert_int_equal(op.ret_done, 2);
	assert_int_equal(iotlb(&g, nested, 0, IOMMU_TEST_IOTLB_DEFAULT), 0);
	assert_int_equal(iotlb(&g, nested, 1, 0), 0);
	assert_int_equal(iotlb(&g, nested, 2, 0), 0);
	op.data_type = 1;
	assert_int_equal(inval(&g, &op, v), -EINVAL);
	assert_int_equal(op.ret_done, 0);
	op.n = 0;
	assert_int_equal(inval(&g, &op, v), -EINVAL); /* none at all asks for the type */
	op.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	assert_int_equal(inval(&g, &op, v), 0);
	op.n = 1;
	op.entry_len = 4;
	assert_int_equal(inval(&g, &op, v), -EINVAL);
	op.entry_len = 0;
	assert_int_equal(inval(&g, &op, v), -EINVAL);
	op.entry_len = sizeof(v[0]);
	v[0].flags = IOMMU_TEST_INVALIDATE_FLAG_ALL;
	assert_int_equal(inval(&g, &op, v), 0);
	assert_int_equal(iotlb(&g, nested, 3, 0), 0);
	v[0].flags = 2;
	assert_int_equal(inval(&g, &op, v), -EOPNOTSUPP);
	lab_close(&g.l);
}

static void viommu_errnos(void **state)
{
	struct guest g;
	int v, dev2, plain;

	(void)state;
	guest_open(&g);
	dev2 = lab_mock(&g.l, 0, 1, NULL);
	plain = lab_hwpt(&g.l, g.h, 1, 0);
	assert_int_equal(lab_viommu(&g.l, g.h, g.parent, 0), -EOPNOTSUPP);
	assert_int_equal(lab_viommu(&g.l, g.h, g.parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3), -EOPNOTSUPP);
	assert_int_equal(lab_viommu(&g.l, g.h, 99, IOMMU_VIOMMU_TYPE_SELFTEST), -ENOENT);
	assert_int_equal(lab_viommu(&g.l, g.h, plain, IOMMU_VIOMMU_TYPE_SELFTEST), -EINVAL);
	v = lab_viommu(&g.l, g.h, g.parent, IOMMU_VIOMMU_TYPE_SELFTEST);
	assert_true(v > 0);
	assert_int_equal(lab_destroy(&g.l, g.parent), -EBUSY);
	assert_int_equal(lab_vdevice(&g.l, 99, g.h, 1), -ENOENT);
	assert_true(lab_vdevice(&g.l, v, g.h, 0x99) > 0);
	assert_int_equal(lab_vdevice(&g.l, v, g.h, 0x98), -EEXIST); /* the device has one */
	assert_int_equal(lab_vdevice(&g.l, v, dev2, 0x99), -EEXIST); /* the id is taken */
	assert_true(lab_vdevice(&g.l, v, dev2, 0x9a) > 0);
	assert_int_equal(lab_destroy(&g.l, v), -EBUSY);
	lab_close(&g.l);
}

/* A device that goes takes its vdevice along; the id stays taken. */
static void tombstones(void **state)
{
	struct guest g;
	int v, dev2, vdev;

	(void)state;
	guest_open(&g);
	dev2 = lab_mock(&g.l, 0, 1, NULL);
	v = lab_viommu(&g.l, g.h, g.parent, IOMMU_VIOMMU_TYPE_SELFTEST);
	vdev = lab_vdevice(&g.l, v, dev2, 7);
	assert_int_equal(lab_device_close(&g.l, dev2), 0);
	assert_int_equal(lab_destroy(&g.l, vdev), -ENOENT);
	for (int i = 0; i < 4; i++)
		assert_int_not_equal(lab_ioas(&g.l), vdev);
	assert_int_equal(lab_destroy(&g.l, v), 0);
	lab_close(&g.l);
}

static void nested_in_a_viommu(void **state)
{
	struct iommu_viommu_invalidate_selftest inv[2] = { { .vdev_id = 7, .cache_id = 1 }, { .vdev_id = 8 } };
	struct op_hwpt_invalidate op = { .data_type = IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, .entry_len = sizeof(inv[0]), .n = 2 };
	struct guest g;
	int v, nested;

	(void)state;
	guest_open(&g);
	v = lab_viommu(&g.l, g.h, g.parent, IOMMU_VIOMMU_TYPE_SELFTEST);
	nested = lab_nested(&g.l, g.h, v, 0);
	assert_true(nested > 0);
	assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), -ENOENT); /* no vdevice, no id in the guest */
	assert_true(lab_vdevice(&g.l, v, g.h, 7) > 0);
	assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), 0);
	op.id = v;
	assert_int_equal(inval(&g, &op, inv), -EINVAL); /* nobody has id 8 */
	assert_int_equal(op.ret_done, 1);
	assert_int_equal(backend_mock_cache(g.l.b, &(struct op_mock_cache){ .handle = g.h, .index = 1 }, NULL), 0);
	assert_int_equal(backend_mock_cache(g.l.b, &(struct op_mock_cache){ .handle = g.h, .index = 0, .value = IOMMU_TEST_DEV_CACHE_DEFAULT }, NULL), 0);
	inv[0].flags = IOMMU_TEST_INVALIDATE_FLAG_ALL;
	op.n = 1;
	assert_int_equal(inval(&g, &op, inv), 0);
	assert_int_equal(backend_mock_cache(g.l.b, &(struct op_mock_cache){ .handle = g.h, .index = 3 }, NULL), 0);
	assert_int_equal(backend_mock_cache(g.l.b, &(struct op_mock_cache){ .handle = g.h, .index = 4 }, NULL), -EINVAL);
	lab_close(&g.l);
}

static void viommu_data(void **state)
{
	struct iommu_viommu_selftest data = { .in_data = 42 }, out = { 0 };
	struct op_viommu_alloc op;
	struct op_data d = OP_DATA_NONE;
	struct guest g;

	(void)state;
	guest_open(&g);
	d.in = &data;
	d.in_len = sizeof(data);
	d.out = &out;
	d.out_cap = sizeof(out);
	op = (struct op_viommu_alloc){ .handle = g.h, .hwpt_id = g.parent, .type = IOMMU_VIOMMU_TYPE_SELFTEST };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(backend_viommu_alloc(g.l.b, &op, &d), 0);
		assert_int_equal(out.out_data, 42);
		assert_int_equal(out.out_mmap_length, 8192);
		assert_int_equal(out.out_mmap_offset, 4096 + i * 8192);
	}
	d.in_len = 4;
	assert_int_equal(backend_viommu_alloc(g.l.b, &op, &d), -EINVAL);
	lab_close(&g.l);
}

static int event(struct guest *g)
{
	return backend_mock_event(g->l.b, &(struct op_mock_event){ .handle = g->h }, NULL);
}

static size_t events(struct guest *g, uint32_t q, uint8_t *buf, size_t cap)
{
	struct op_data d = OP_DATA_NONE;

	d.out = buf;
	d.out_cap = cap;
	assert_int_equal(backend_veventq_read(g->l.b, &(struct op_veventq_read){ .id = q }, &d), 0);
	return d.out_len;
}

static void check_event(const uint8_t *at, uint32_t flags, uint32_t sequence)
{
	struct iommufd_vevent_header head;

	memcpy(&head, at, sizeof(head));
	assert_int_equal(head.flags, flags);
	assert_int_equal(head.sequence, sequence);
}

static void event_queues(void **state)
{
	struct op_veventq_alloc op;
	struct pollfd p = { .events = POLLIN };
	struct op_data d = OP_DATA_NONE;
	struct guest g;
	uint8_t buf[256];
	int v, nested;

	(void)state;
	guest_open(&g);
	v = lab_viommu(&g.l, g.h, g.parent, IOMMU_VIOMMU_TYPE_SELFTEST);
	op = (struct op_veventq_alloc){ .viommu_id = v, .type = 0, .depth = 1 };
	assert_int_equal(backend_veventq_alloc(g.l.b, &op, NULL), -EOPNOTSUPP);
	op.type = IOMMU_VEVENTQ_TYPE_SELFTEST;
	op.depth = 0;
	assert_int_equal(backend_veventq_alloc(g.l.b, &op, NULL), -EINVAL);
	op.depth = (1 << 19) + 1;
	assert_int_equal(backend_veventq_alloc(g.l.b, &op, NULL), -EINVAL);
	op.depth = 2;
	assert_int_equal(event(&g), -ENOENT); /* not attached through the viommu */
	assert_true(lab_vdevice(&g.l, v, g.h, 7) > 0);
	nested = lab_nested(&g.l, g.h, v, 0);
	assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), 0);
	assert_int_equal(event(&g), -EOPNOTSUPP); /* no queue */
	assert_int_equal(backend_veventq_alloc(g.l.b, &op, NULL), 0);
	assert_int_equal(backend_veventq_alloc(g.l.b, &op, NULL), -EEXIST);
	assert_int_equal(lab_destroy(&g.l, v), -EBUSY);
	assert_int_equal(backend_queue_fd(g.l.b, &(struct op_queue_fd){ .id = op.ret_id }, &d), 0);
	p.fd = d.fd_out;
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(events(&g, op.ret_id, buf, sizeof(buf)), 0);
	/* two fit; what is lost is said once, with the number of the last one lost */
	for (int i = 0; i < 5; i++)
		assert_int_equal(event(&g), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(events(&g, op.ret_id, buf, sizeof(buf)), 12 + 12 + 8);
	check_event(buf, 0, 0);
	check_event(buf + 12, 0, 1);
	check_event(buf + 24, IOMMU_VEVENTQ_FLAG_LOST_EVENTS, 4);
	assert_int_equal(poll(&p, 1, 0), 0);
	/* room for one of them again: the next event's number shows the gap, and the note makes way */
	for (int i = 0; i < 3; i++)
		assert_int_equal(event(&g), 0);
	assert_int_equal(events(&g, op.ret_id, buf, 12), 12);
	check_event(buf, 0, 5);
	assert_int_equal(event(&g), 0);
	assert_int_equal(events(&g, op.ret_id, buf, sizeof(buf)), 24);
	check_event(buf, 0, 6);
	check_event(buf + 12, 0, 8);
	close(p.fd);
	lab_close(&g.l);
}

static void hardware_queues(void **state)
{
	struct op_hwqueue_alloc op = { .type = IOMMU_HW_QUEUE_TYPE_SELFTEST, .base = BASE, .length = 4096 };
	struct guest g;
	uint32_t first;

	(void)state;
	guest_open(&g);
	op.viommu_id = 99;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -ENOENT);
	op.viommu_id = lab_viommu(&g.l, g.h, g.parent, IOMMU_VIOMMU_TYPE_SELFTEST);
	op.type = 1;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -EOPNOTSUPP);
	op.type = 0;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -EOPNOTSUPP);
	op.type = IOMMU_HW_QUEUE_TYPE_SELFTEST;
	op.length = 0;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -EINVAL);
	op.length = UINT64_MAX;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -EOVERFLOW);
	op.length = 4096;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -ENOENT); /* nothing mapped */
	assert_int_equal(lab_map(&g.l, 1, BASE, 0x10000), 0);
	op.index = 1;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -EIO); /* queue 0 first */
	op.index = 2;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -EINVAL);
	op.index = 0;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), 0);
	first = op.ret_id;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), -EEXIST);
	op.index = 1;
	assert_int_equal(backend_hwqueue_alloc(g.l.b, &op, NULL), 0);
	assert_int_equal(lab_unmap(&g.l, 1, BASE, 0x10000, NULL), -EBUSY);
	assert_int_equal(lab_destroy(&g.l, first), -EBUSY);
	assert_int_equal(lab_destroy(&g.l, op.ret_id), 0);
	assert_int_equal(lab_destroy(&g.l, first), 0);
	assert_int_equal(lab_unmap(&g.l, 1, BASE, 0x10000, NULL), 0);
	lab_close(&g.l);
}

/* -- page requests ---------------------------------------------------------------------------------------------------- */

#define ROOM (OP_FAULT_ROOM / sizeof(struct iommu_hwpt_pgfault))

static int request(struct guest *g, uint32_t pasid, uint32_t grpid, uint64_t addr)
{
	return backend_mock_fault(g->l.b, &(struct op_mock_fault){ .handle = g->h, .pasid = pasid, .grpid = grpid, .perm = 1, .addr = addr }, NULL);
}

static size_t requests(struct guest *g, uint32_t q, struct iommu_hwpt_pgfault v[ROOM])
{
	struct op_data d = OP_DATA_NONE;

	d.out = v;
	d.out_cap = OP_FAULT_ROOM;
	assert_int_equal(backend_faultq_read(g->l.b, &(struct op_faultq_read){ .id = q }, &d), 0);
	return d.out_len / sizeof(*v);
}

static int respond(struct guest *g, uint32_t q, uint32_t cookie, uint32_t code)
{
	return backend_faultq_respond(g->l.b, &(struct op_faultq_respond){ .id = q, .cookie = cookie, .code = code }, NULL);
}

static struct mdev *mock_of(struct guest *g)
{
	return ((struct model *)g->l.b)->handles.v[g->h - 1]->dev;
}

static void requests_and_answers(void **state)
{
	struct iommu_hwpt_pgfault v[ROOM];
	struct op_data d = OP_DATA_NONE;
	struct guest g;
	int q, nested;

	(void)state;
	guest_open(&g);
	q = lab_faultq(&g.l);
	nested = lab_nested(&g.l, g.h, g.parent, q);
	assert_int_equal(request(&g, 0, 1, 0x1000), 0); /* nobody there: answered, and no error */
	assert_int_equal(mock_of(&g)->answered[FAULT_INVALID], 1);
	assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), 0);
	d.out = v;
	d.out_cap = 40;
	assert_int_equal(backend_faultq_read(g.l.b, &(struct op_faultq_read){ .id = q }, &d), -EMSGSIZE);
	assert_int_equal(requests(&g, q, v), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(request(&g, 0, 10 + i, 0x1000 * i), 0);
	assert_int_equal(requests(&g, q, v), 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(v[i].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
		assert_int_equal(v[i].dev_id, 3);
		assert_int_equal(v[i].grpid, 10 + i);
		assert_int_equal(v[i].addr, 0x1000 * i);
		assert_int_equal(v[i].cookie, 1 + i);
	}
	assert_int_equal(requests(&g, q, v), 0); /* read is gone */
	assert_int_equal(respond(&g, q, 9, 0), -EINVAL);
	assert_int_equal(respond(&g, q, 2, 2), -EINVAL);
	assert_int_equal(respond(&g, q, 2, IOMMUFD_PAGE_RESP_SUCCESS), 0);
	assert_int_equal(respond(&g, q, 2, IOMMUFD_PAGE_RESP_SUCCESS), -EINVAL);
	assert_int_equal(respond(&g, q, 1, IOMMUFD_PAGE_RESP_INVALID), 0);
	assert_int_equal(mock_of(&g)->answered[FAULT_SUCCESS], 1);
	assert_int_equal(mock_of(&g)->answered[FAULT_INVALID], 2);
	assert_int_equal(respond(&g, q, 0, 0), -EINVAL);
	assert_int_equal(respond(&g, q, UINT32_MAX, 0), -EINVAL);
	/* the lowest free cookie: 3 waits still */
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(request(&g, 0, 1, 0), 0);
		assert_int_equal(requests(&g, q, v), 1);
		assert_int_equal(v[0].cookie, i < 2 ? 1 + i : 4);
	}
	assert_int_equal(respond(&g, q + 50, 1, 0), -ENOENT);
	lab_close(&g.l);
}

/* Moving away answers what was delivered and what was not, and waits for nobody. */
static void a_detach_answers(void **state)
{
	struct iommu_hwpt_pgfault v[ROOM];
	struct guest g;
	int q, nested, plain;

	(void)state;
	guest_open(&g);
	q = lab_faultq(&g.l);
	nested = lab_nested(&g.l, g.h, g.parent, q);
	plain = lab_hwpt(&g.l, g.h, 1, 0);
	for (int round = 0; round < 3; round++) {
		unsigned before;

		assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), 0);
		before = mock_of(&g)->answered[FAULT_INVALID];
		assert_int_equal(request(&g, 0, 1, 0), 0);
		assert_int_equal(requests(&g, q, v), 1);
		assert_int_equal(request(&g, 0, 2, 0), 0);
		assert_int_equal(lab_attach(&g.l, g.h, plain, NULL), 0);
		assert_int_equal(mock_of(&g)->answered[FAULT_INVALID], before + 2);
		assert_int_equal(requests(&g, q, v), 0);
		assert_int_equal(respond(&g, q, 1, 0), -EINVAL);
	}
	assert_int_equal(lab_destroy(&g.l, nested), 0);
	assert_int_equal(lab_destroy(&g.l, q), 0);
	lab_close(&g.l);
}

/* By {group, PASID}; the driver keeps user PASID tables, so what is attached nowhere goes to the nested domain. */
static void routes(void **state)
{
	struct iommu_hwpt_pgfault v[ROOM];
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	struct guest g;
	int q1, q2, nested, five, plain;

	(void)state;
	guest_open(&g);
	q1 = lab_faultq(&g.l);
	q2 = lab_faultq(&g.l);
	nested = lab_hwpt_data(&g.l, g.h, g.parent, IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID, q1, IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data));
	five = lab_hwpt_fault(&g.l, g.h, 1, IOMMU_HWPT_ALLOC_PASID, q2);
	plain = lab_hwpt(&g.l, g.h, 1, IOMMU_HWPT_ALLOC_PASID);
	assert_true(nested > 0 && five > 0 && plain > 0);
	assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), 0);
	assert_int_equal(lab_attach_pasid(&g.l, g.h, 5, five), 0);
	assert_int_equal(lab_attach_pasid(&g.l, g.h, 6, plain), 0);
	assert_int_equal(request(&g, 0, 1, 0), 0);
	assert_int_equal(request(&g, 5, 2, 0), 0);
	assert_int_equal(request(&g, 77, 3, 0), 0);
	assert_int_equal(request(&g, 6, 4, 0), 0); /* a domain without a queue */
	assert_int_equal(requests(&g, q1, v), 2);
	assert_int_equal(v[0].grpid, 1);
	assert_int_equal(v[1].grpid, 3);
	assert_int_equal(v[1].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE | IOMMU_PGFAULT_FLAGS_PASID_VALID);
	assert_int_equal(requests(&g, q2, v), 1);
	assert_int_equal(v[0].pasid, 5);
	assert_int_equal(mock_of(&g)->answered[FAULT_INVALID], 1);
	/* not through a page table that is not nested */
	assert_int_equal(lab_attach(&g.l, g.h, five, NULL), 0);
	assert_int_equal(request(&g, 77, 5, 0), 0);
	assert_int_equal(requests(&g, q2, v), 0);
	lab_close(&g.l);
}

/* Requests collect until the last of their group comes, whatever came in between. */
static void partial_groups(void **state)
{
	struct iommu_hwpt_pgfault v[ROOM];
	struct page_request req = { .perm = 1 };
	struct guest g;
	int q, nested;

	(void)state;
	guest_open(&g);
	q = lab_faultq(&g.l);
	nested = lab_nested(&g.l, g.h, g.parent, q);
	assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), 0);
	for (uint32_t i = 0; i < 6; i++) {
		req.grpid = 1 + i % 2;
		req.addr = i;
		assert_int_equal(faults_report(mock_of(&g), &req), 0);
	}
	assert_int_equal(requests(&g, q, v), 0);
	req = (struct page_request){ .grpid = 2, .addr = 100, .last = true };
	assert_int_equal(faults_report(mock_of(&g), &req), 0);
	assert_int_equal(requests(&g, q, v), 4);
	assert_int_equal(v[0].addr, 1);
	assert_int_equal(v[1].addr, 3);
	assert_int_equal(v[2].addr, 5);
	assert_int_equal(v[3].addr, 100);
	for (int i = 0; i < 4; i++)
		assert_int_equal(v[i].cookie, v[0].cookie);
	assert_int_equal(respond(&g, q, v[0].cookie, 0), 0); /* one answer for all */
	assert_int_equal(mock_of(&g)->answered[FAULT_SUCCESS], 1);
	/* the other group's go with the attachment */
	assert_int_equal(lab_attach(&g.l, g.h, 1, NULL), 0);
	assert_null(mock_of(&g)->partial);
	lab_close(&g.l);
}

static void closing_answers(void **state)
{
	struct guest g;
	int q, nested;

	(void)state;
	guest_open(&g);
	q = lab_faultq(&g.l);
	nested = lab_nested(&g.l, g.h, g.parent, q);
	assert_int_equal(lab_attach(&g.l, g.h, nested, NULL), 0);
	assert_int_equal(request(&g, 0, 1, 0), 0);
	assert_int_equal(lab_destroy(&g.l, q), -EBUSY);
	assert_int_equal(lab_device_close(&g.l, g.h), 0);
	assert_int_equal(lab_destroy(&g.l, nested), 0);
	assert_int_equal(lab_destroy(&g.l, q), 0);
	lab_close(&g.l);
}

/* -- dirty pages ------------------------------------------------------------------------------------------------------ */

static int dirty(struct guest *g, uint32_t hwpt, uint64_t iova, uint64_t length, uint64_t page, const void *bits, size_t n, uint64_t *ret)
{
	struct op_mock_dirty op = { .hwpt_id = hwpt, .iova = iova, .length = length, .page_size = page };
	struct op_data d = OP_DATA_NONE;
	int r;

	d.in = bits;
	d.in_len = n;
	r = backend_mock_dirty(g->l.b, &op, &d);
	if (r == 0)
		*ret = op.ret_n;
	return r;
}

static int read_dirty(struct guest *g, uint32_t hwpt, uint64_t iova, uint64_t length, uint64_t page, uint32_t flags, void *bits, size_t n)
{
	struct op_dirty_get op = { .hwpt_id = hwpt, .iova = iova, .length = length, .page_size = page, .flags = flags };
	struct op_data d = OP_DATA_NONE;

	d.out = bits;
	d.out_cap = n;
	return backend_dirty_get(g->l.b, &op, &d);
}

static void dirty_pages(void **state)
{
	uint8_t set[2] = { 0x05, 0x80 }, got[4];
	struct guest g;
	uint64_t n;
	int hwpt, plain;

	(void)state;
	guest_open(&g);
	plain = lab_hwpt(&g.l, g.h, 1, 0);
	hwpt = lab_hwpt(&g.l, g.h, 1, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	assert_int_equal(lab_map(&g.l, 1, BASE, 0x10000), 0);
	assert_int_equal(backend_dirty_set(g.l.b, &(struct op_dirty_set){ .hwpt_id = plain, .enable = 1 }, NULL), -EOPNOTSUPP);
	assert_int_equal(backend_dirty_set(g.l.b, &(struct op_dirty_set){ .hwpt_id = 1, .enable = 1 }, NULL), -ENOENT);
	assert_int_equal(dirty(&g, hwpt, BASE, 0x10000, 4096, set, 2, &n), -EINVAL); /* off */
	assert_int_equal(backend_dirty_set(g.l.b, &(struct op_dirty_set){ .hwpt_id = hwpt, .enable = 1 }, NULL), 0);
	assert_int_equal(dirty(&g, hwpt, BASE, 0x10000, 4096, set, 2, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(dirty(&g, hwpt, BASE + 1, 0x10000, 4096, set, 2, &n), -EINVAL);
	assert_int_equal(dirty(&g, hwpt, BASE, 0, 4096, set, 2, &n), -EINVAL);
	assert_int_equal(read_dirty(&g, plain, BASE, 0x10000, 4096, 0, got, 2), -EOPNOTSUPP);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 4096, 2, got, 2), -EOPNOTSUPP);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 0, 0, got, 2), -EINVAL);
	assert_int_equal(read_dirty(&g, hwpt, BASE + 4096, 0x10000, 8192, 0, got, 2), -EINVAL);
	assert_int_equal(read_dirty(&g, hwpt, UINT64_MAX - 2047, 4096, 2048, 0, got, 2), -EOVERFLOW);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 4096, 0, got, 1), -EMSGSIZE);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 4096, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, got, 2), 0);
	assert_memory_equal(got, set, 2);
	/* pages of another size: both halves of what is one page of memory, and pairs */
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 2048, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, got, 4), 0);
	assert_int_equal(got[0], 0x33);
	assert_int_equal(got[3], 0xc0);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 8192, 0, got, 1), 0);
	assert_int_equal(got[0], 0x83);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 4096, 0, got, 2), 0);
	assert_int_equal(got[0] | got[1], 0); /* cleared by the read before */
	/* what is unmapped is clean when it is mapped again, and turning it on begins anew */
	assert_int_equal(dirty(&g, hwpt, BASE, 0x10000, 4096, set, 2, &n), 0);
	assert_int_equal(lab_unmap(&g.l, 1, BASE, 0x10000, NULL), 0);
	assert_int_equal(lab_map(&g.l, 1, BASE, 0x8000), 0);
	assert_int_equal(lab_map(&g.l, 1, BASE + 0xc000, 0x4000), 0);
	assert_int_equal(dirty(&g, hwpt, BASE, 0x10000, 4096, set, 2, &n), 0);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x10000, 4096, 0, got, 2), 0);
	assert_int_equal(got[0], 5);
	assert_int_equal(got[1], 0); /* behind the gap nothing is said */
	assert_int_equal(read_dirty(&g, hwpt, BASE + 0xc000, 0x4000, 4096, 0, got, 1), 0);
	assert_int_equal(got[0], 8);
	assert_int_equal(dirty(&g, hwpt, BASE, 0x10000, 4096, set, 2, &n), 0);
	assert_int_equal(backend_dirty_set(g.l.b, &(struct op_dirty_set){ .hwpt_id = hwpt, .enable = 1 }, NULL), 0);
	assert_int_equal(read_dirty(&g, hwpt, BASE, 0x8000, 4096, 0, got, 1), 0);
	assert_int_equal(got[0], 0);
	lab_close(&g.l);
}

/* -- SMMUv3's own ------------------------------------------------------------------------------------------------------- */

static void smmu_nests_through_a_viommu(void **state)
{
	struct iommu_hwpt_arm_smmuv3 s1 = { .ste = { htole64(1 | 5 << 1) } }, bypass = { .ste = { htole64(1 | 4 << 1) } },
				     bad = { .ste = { htole64(1 | 7 << 1) } };
	struct iommu_viommu_arm_smmuv3_invalidate inv[2] = { { { htole64(0x30) } }, { { htole64(0x40 | (uint64_t)5 << 32) } } };
	struct op_hwpt_invalidate op = { .data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, .entry_len = 16, .n = 2 };
	struct op_data d = OP_DATA_NONE;
	struct lab l;
	int h, ioas, parent, v, nested, other;

	(void)state;
	lab_open(&l, LAB_SMMU, NULL, NULL);
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	h = lab_device(&l, CARD);
	assert_int_equal(lab_hwpt(&l, h, lab_ioas(&l), IOMMU_HWPT_ALLOC_NEST_PARENT), -EOPNOTSUPP); /* not known to be able */
	lab_close(&l);

	lab_open(&l, LAB_SMMU, NULL, "nesting,iommus=3");
	assert_int_equal(lab_to_vfio(&l, CARD), 0);
	assert_int_equal(lab_to_vfio(&l, NIC), 0);
	assert_int_equal(lab_to_vfio(&l, NIC2), 0);
	h = lab_device(&l, CARD);
	other = lab_device(&l, NIC);
	ioas = lab_ioas(&l);
	parent = lab_hwpt(&l, h, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_true(parent > 0);
	assert_int_equal(lab_hwpt_data(&l, h, parent, 0, 0, IOMMU_HWPT_DATA_ARM_SMMUV3, &s1, sizeof(s1)), -EOPNOTSUPP);
	assert_int_equal(lab_viommu(&l, other, parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3), -EINVAL); /* another instance's */
	v = lab_viommu(&l, h, parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3);
	assert_true(v > 0);
	assert_int_equal(lab_vdevice(&l, v, other, 5), -EINVAL);
	assert_int_equal(lab_hwpt_data(&l, h, v, 0, 0, IOMMU_HWPT_DATA_ARM_SMMUV3, &bad, sizeof(bad)), -EIO);
	nested = lab_hwpt_data(&l, h, v, 0, 0, IOMMU_HWPT_DATA_ARM_SMMUV3, &bypass, sizeof(bypass));
	assert_int_equal(lab_attach(&l, h, nested, NULL), 0); /* bypass needs no id in the guest */
	nested = lab_hwpt_data(&l, h, v, 0, 0, IOMMU_HWPT_DATA_ARM_SMMUV3, &s1, sizeof(s1));
	assert_int_equal(lab_attach(&l, h, nested, NULL), -ENOENT);
	op.id = v;
	d.in = inv;
	d.in_len = sizeof(inv);
	assert_int_equal(backend_hwpt_invalidate(l.b, &op, &d), -EIO);
	assert_int_equal(op.ret_done, 1);
	assert_true(lab_vdevice(&l, v, h, 5) > 0);
	assert_int_equal(backend_hwpt_invalidate(l.b, &op, &d), 0);
	assert_int_equal(lab_attach(&l, h, nested, NULL), 0);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invalidate_a_page_table),
		cmocka_unit_test(viommu_errnos),
		cmocka_unit_test(tombstones),
		cmocka_unit_test(nested_in_a_viommu),
		cmocka_unit_test(viommu_data),
		cmocka_unit_test(event_queues),
		cmocka_unit_test(hardware_queues),
		cmocka_unit_test(requests_and_answers),
		cmocka_unit_test(a_detach_answers),
		cmocka_unit_test(routes),
		cmocka_unit_test(partial_groups),
		cmocka_unit_test(closing_answers),
		cmocka_unit_test(dirty_pages),
		cmocka_unit_test(smmu_nests_through_a_viommu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
