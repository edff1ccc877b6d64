// SPDX-License-Identifier: GPL-2.0-or-later
/* Names, the graph and page requests of a workspace, over a backend that does what the test says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "abi/iommufd.h"
#include "backend/kernel.h"
#include "backend/workspace.h"
#include "base/str.h"

/* What the kernel below would hold: a queue's records, and the answers that it got. */
static struct fake {
	struct backend backend;
	uint32_t next_id;
	struct iommu_hwpt_pgfault queue[16];
	size_t n_queue;
	struct op_faultq_respond answers[16];
	size_t n_answers;
	int respond_err;
} fake;

static int fake_ioas_alloc(struct backend *b, struct op_ioas_alloc *op, struct op_data *d)
{
	(void)b;
	(void)d;
	op->ret_id = ++fake.next_id;
	return 0;
}

static int fake_ioas_map(struct backend *b, struct op_ioas_map *op, struct op_data *d)
{
	(void)b;
	(void)op;
	(void)d;
	return 0;
}

static int fake_ioas_unmap(struct backend *b, struct op_ioas_unmap *op, struct op_data *d)
{
	(void)b;
	(void)d;
	op->ret_length = op->length;
	return 0;
}

static int fake_hwpt_alloc(struct backend *b, struct op_hwpt_alloc *op, struct op_data *d)
{
	(void)b;
	(void)d;
	op->ret_id = ++fake.next_id;
	return 0;
}

static int fake_device_open(struct backend *b, struct op_device_open *op, struct op_data *d)
{
	(void)b;
	(void)d;
	op->ret_dev_id = op->ret_handle = ++fake.next_id;
	return 0;
}

static int fake_device_close(struct backend *b, struct op_device_close *op, struct op_data *d)
{
	(void)b;
	(void)op;
	(void)d;
	return 0;
}

/* An address space (id 1) becomes page table 100. */
static int fake_device_attach(struct backend *b, struct op_device_attach *op, struct op_data *d)
{
	(void)b;
	(void)d;
	if (op->pt_id == 1)
		op->pt_id = 100;
	return 0;
}

static int fake_device_detach(struct backend *b, struct op_device_detach *op, struct op_data *d)
{
	(void)b;
	(void)op;
	(void)d;
	return 0;
}

static int fake_faultq_alloc(struct backend *b, struct op_faultq_alloc *op, struct op_data *d)
{
	(void)b;
	(void)d;
	op->ret_id = ++fake.next_id;
	return 0;
}

static int fake_faultq_read(struct backend *b, struct op_faultq_read *op, struct op_data *d)
{
	(void)b;
	(void)op;
	d->out_len = fake.n_queue * sizeof(fake.queue[0]);
	assert_true(d->out_len <= d->out_cap);
	memcpy(d->out, fake.queue, d->out_len);
	fake.n_queue = 0;
	return 0;
}

static int fake_faultq_respond(struct backend *b, struct op_faultq_respond *op, struct op_data *d)
{
	(void)b;
	(void)d;
	fake.answers[fake.n_answers++] = *op;
	return fake.respond_err;
}

static int fake_destroy(struct backend *b, struct op_destroy *op, struct op_data *d)
{
	(void)b;
	(void)op;
	(void)d;
	return 0;
}

static void fake_close(struct backend *b)
{
	(void)b;
}

static const struct backend_ops fake_ops = {
	.ioas_alloc = fake_ioas_alloc,
	.ioas_map = fake_ioas_map,
	.ioas_unmap = fake_ioas_unmap,
	.hwpt_alloc = fake_hwpt_alloc,
	.device_open = fake_device_open,
	.device_close = fake_device_close,
	.device_attach = fake_device_attach,
	.device_detach = fake_device_detach,
	.faultq_alloc = fake_faultq_alloc,
	.faultq_read = fake_faultq_read,
	.faultq_respond = fake_faultq_respond,
	.destroy = fake_destroy,
	.close = fake_close,
};

static int open_workspace(void **state)
{
	fake = (struct fake){ .backend.ops = &fake_ops };
	return workspace_new(&fake.backend, NULL, (struct backend **)state);
}

static int close_workspace(void **state)
{
	backend_close(*state);
	return 0;
}

/* -- names and the graph -------------------------------------------------------------------------------------------------------- */

static int alloc(struct backend *b, const char *name, struct op_ioas_alloc *op)
{
	*op = (struct op_ioas_alloc){ 0 };
	strcpy(op->name, name);
	return backend_ioas_alloc(b, op, NULL);
}

static void test_names(void **state)
{
	struct op_ioas_alloc op;
	struct op_destroy gone;

	assert_int_equal(alloc(*state, "", &op), 0);
	assert_string_equal(op.name, "ioas1");
	assert_int_equal(alloc(*state, "ioas2", &op), 0);
	assert_int_equal(alloc(*state, "", &op), 0);
	assert_string_equal(op.name, "ioas3");
	assert_int_equal(alloc(*state, "ioas2", &op), -EEXIST);
	assert_int_equal(alloc(*state, "2x", &op), -EINVAL);
	assert_int_equal(alloc(*state, "a.b", &op), -EINVAL);
	assert_int_equal(alloc(*state, "abcdefghijklmnopqrstuvwxyz0123456", &op), -EINVAL);
	assert_int_equal(alloc(*state, "abcdefghijklmnopqrstuvwxyz012345", &op), 0);
	memset(op.name, 'a', sizeof(op.name)); /* no NUL: from a socket */
	assert_int_equal(backend_ioas_alloc(*state, &op, NULL), -EINVAL);
	/* ioas3 has id 3; a made-up name is never used twice */
	gone = (struct op_destroy){ .id = 3 };
	assert_int_equal(backend_destroy(*state, &gone, NULL), 0);
	assert_int_equal(alloc(*state, "", &op), 0);
	assert_string_equal(op.name, "ioas4");
}

static uint32_t open_device(struct backend *b, const char *name, uint32_t group)
{
	struct op_device_open op = { .group = group };

	strcpy(op.name, name);
	assert_int_equal(backend_device_open(b, &op, NULL), 0);
	return op.ret_handle;
}

static void attach(struct backend *b, uint32_t handle, uint32_t pt)
{
	struct op_device_attach op = { .handle = handle, .pt_id = pt };

	assert_int_equal(backend_device_attach(b, &op, NULL), 0);
}

/* "NAME>ID ..." of every attachment. */
static const char *links(struct backend *b)
{
	static char text[256];
	struct op_link v[16];
	struct op_data d = { .out = v, .out_cap = sizeof(v), .fd_in = -1, .fd_out = -1 };
	struct op_link_list op = { 0 };
	char *p = text;

	assert_int_equal(backend_link_list(b, &op, &d), 0);
	*p = '\0';
	for (uint32_t i = 0; i < op.ret_n; i++) {
		struct op_object_find o = { .handle = v[i].handle };

		assert_int_equal(backend_object_find(b, &o, NULL), 0);
		p += sprintf(p, "%s%s>%u", i ? " " : "", o.ret.name, v[i].hwpt_id);
	}
	return text;
}

static bool is_there(struct backend *b, const char *name)
{
	struct op_object_find op = { 0 };

	strcpy(op.name, name);
	return backend_object_find(b, &op, NULL) == 0;
}

/* A replace by one device moves its group, and what an attach made goes with its last user. */
static void test_groups(void **state)
{
	struct op_device_close close = { 0 };
	struct op_ioas_alloc ioas;
	uint32_t a, b, c;

	assert_int_equal(alloc(*state, "mem", &ioas), 0);
	assert_int_equal(ioas.ret_id, 1);
	a = open_device(*state, "a", 7);
	b = open_device(*state, "b", 7);
	c = open_device(*state, "c", OP_NO_GROUP);
	attach(*state, a, 1);
	attach(*state, b, 1);
	attach(*state, c, 1);
	assert_string_equal(links(*state), "a>100 b>100 c>100");
	assert_true(is_there(*state, "auto1"));
	attach(*state, b, 50);
	assert_string_equal(links(*state), "a>50 b>50 c>100");
	assert_true(is_there(*state, "auto1"));
	close.handle = c;
	assert_int_equal(backend_device_close(*state, &close, NULL), 0);
	assert_false(is_there(*state, "auto1"));
	assert_false(is_there(*state, "c"));
	assert_string_equal(links(*state), "a>50 b>50");
}

static void map(struct backend *b, uint64_t iova, uint64_t length)
{
	struct op_ioas_map op = { .ioas_id = 1, .flags = OP_MAP_READ, .iova = iova, .length = length };

	assert_int_equal(backend_ioas_map(b, &op, NULL), 0);
}

static void unmap(struct backend *b, uint64_t iova, uint64_t length)
{
	struct op_ioas_unmap op = { .ioas_id = 1, .iova = iova, .length = length };

	assert_int_equal(backend_ioas_unmap(b, &op, NULL), 0);
}

static uint64_t count_maps(struct backend *b, uint64_t *ret_first)
{
	struct op_map v[8];
	struct op_data d = { .out = v, .out_cap = sizeof(v), .fd_in = -1, .fd_out = -1 };
	struct op_map_list op = { .ioas_id = 1 };

	assert_int_equal(backend_map_list(b, &op, &d), 0);
	*ret_first = d.out_len ? v[0].iova : 0;
	return op.ret_n;
}

static void test_maps(void **state)
{
	struct op_ioas_alloc ioas;
	uint64_t first;

	assert_int_equal(alloc(*state, "mem", &ioas), 0);
	for (uint64_t i = 100; i-- > 0;)
		map(*state, i * 0x10000, 0x1000);
	map(*state, UINT64_MAX - 0xfff, 0x1000);
	assert_int_equal(count_maps(*state, &first), 101);
	assert_int_equal(first, 0);
	unmap(*state, 0, 0x50000);
	assert_int_equal(count_maps(*state, &first), 96);
	assert_int_equal(first, 0x50000);
	unmap(*state, UINT64_MAX - 0xfff, 0x1000);
	unmap(*state, 0x50000, UINT64_MAX);
	assert_int_equal(count_maps(*state, &first), 0);
	map(*state, 0x1000, 0x1000);
	unmap(*state, 0, UINT64_MAX);
	assert_int_equal(count_maps(*state, &first), 0);
}

/* -- page requests --------------------------------------------------------------------------------------------------------------- */

static uint32_t make_queue(struct backend *b, uint32_t hold_ms)
{
	struct op_faultq_alloc op = { .hold_ms = hold_ms };

	assert_int_equal(backend_faultq_alloc(b, &op, NULL), 0);
	return op.ret_id;
}

static void request(uint32_t cookie, uint64_t addr)
{
	fake.queue[fake.n_queue++] = (struct iommu_hwpt_pgfault){ .dev_id = 9, .addr = addr, .cookie = cookie };
}

/* The cookie that was taken, and how many requests it had; a negative errno. */
static int take(struct backend *b, uint32_t queue, uint32_t hold_ms, uint32_t *ret_n)
{
	struct iommu_hwpt_pgfault v[8];
	struct op_data d = { .out = v, .out_cap = sizeof(v), .fd_in = -1, .fd_out = -1 };
	struct op_fault_take op = { .id = queue, .hold_ms = hold_ms };
	int r = backend_fault_take(b, &op, &d);

	if (r < 0)
		return r;
	*ret_n = op.ret_n;
	return (int)v[0].cookie;
}

static void counts(struct backend *b, uint32_t pending, uint32_t expired)
{
	struct op_object_find op = { .name = "faultq1" };

	assert_int_equal(backend_object_find(b, &op, NULL), 0);
	assert_int_equal(op.ret.pending, pending);
	assert_int_equal(op.ret.expired, expired);
}

static void test_groups_of_requests(void **state)
{
	struct op_faultq_respond answer = { 0 };
	uint32_t q = make_queue(*state, 0), n = 0;

	assert_int_equal(take(*state, q, 0, &n), -EAGAIN);
	assert_int_equal(take(*state, q + 1, 0, &n), -ENOENT);
	request(5, 0x1000);
	request(5, 0x2000);
	request(5, 0x3000);
	request(6, 0x4000);
	assert_int_equal(take(*state, q, 0, &n), 5);
	assert_int_equal(n, 3);
	assert_int_equal(take(*state, q, 0, &n), 6);
	assert_int_equal(n, 1);
	assert_int_equal(take(*state, q, 0, &n), -EAGAIN);
	counts(*state, 2, 0);
	answer = (struct op_faultq_respond){ .id = q, .cookie = 5, .code = 0 };
	assert_int_equal(backend_faultq_respond(*state, &answer, NULL), 0);
	counts(*state, 1, 0);
	/* the kernel has answered by itself: nobody waits for it any more */
	fake.respond_err = -EINVAL;
	answer.cookie = 6;
	assert_int_equal(backend_faultq_respond(*state, &answer, NULL), -EINVAL);
	counts(*state, 0, 0);
}

static void test_small_buffer(void **state)
{
	struct op_fault_take op = { 0 };
	struct op_data d = { .out = &op, .out_cap = 8, .fd_in = -1, .fd_out = -1 };
	uint32_t n;

	op.id = make_queue(*state, 0);
	request(5, 0);
	assert_int_equal(backend_fault_take(*state, &op, &d), -EMSGSIZE);
	assert_int_equal(take(*state, op.id, 0, &n), 5); /* it is still there */
}

static void test_death(void **state)
{
	uint32_t q = make_queue(*state, 0), n;

	request(1, 0);
	request(2, 0);
	request(3, 0);
	workspace_set_client(*state, 11);
	assert_int_equal(take(*state, q, 0, &n), 1);
	workspace_set_client(*state, 12);
	assert_int_equal(take(*state, q, 0, &n), 2);
	workspace_client_gone(*state, 11, false);
	assert_int_equal(fake.n_answers, 1);
	assert_int_equal(fake.answers[0].cookie, 1);
	assert_int_equal(fake.answers[0].code, IOMMUFD_PAGE_RESP_INVALID);
	counts(*state, 2, 1);
	workspace_client_gone(*state, 12, true);
	assert_int_equal(fake.n_answers, 1);
	counts(*state, 2, 1);
}

static void test_deadline(void **state)
{
	uint32_t q = make_queue(*state, 1), n;
	int64_t until;

	request(1, 0);
	request(2, 0);
	assert_true(workspace_tick(*state) >= 0);
	assert_int_equal(take(*state, q, 1000000, &n), 1);
	for (until = kernel_now_ms() + 5; kernel_now_ms() < until;)
		;
	workspace_tick(*state);
	/* the one that was taken has a deadline of its own */
	assert_int_equal(fake.n_answers, 1);
	assert_int_equal(fake.answers[0].cookie, 2);
	counts(*state, 1, 1);
	assert_int_equal(take(*state, q, 0, &n), -EAGAIN);
}

static void test_one_reader(void **state)
{
	struct op_faultq_read op = { .id = make_queue(*state, 0) };

	assert_int_equal(backend_faultq_read(*state, &op, NULL), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, open_workspace, close_workspace),
		cmocka_unit_test_setup_teardown(test_groups, open_workspace, close_workspace),
		cmocka_unit_test_setup_teardown(test_maps, open_workspace, close_workspace),
		cmocka_unit_test_setup_teardown(test_groups_of_requests, open_workspace, close_workspace),
		cmocka_unit_test_setup_teardown(test_small_buffer, open_workspace, close_workspace),
		cmocka_unit_test_setup_teardown(test_death, open_workspace, close_workspace),
		cmocka_unit_test_setup_teardown(test_deadline, open_workspace, close_workspace),
		cmocka_unit_test_setup_teardown(test_one_reader, open_workspace, close_workspace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
