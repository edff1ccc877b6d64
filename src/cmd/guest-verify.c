// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/guest-verify.h"

#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "cmd/objects.h"

#define T(member, type, head, text, ...) FIELD(struct guest_try, member, type, head, text, ##__VA_ARGS__)

static const struct field try_fields[] = {
	T(device, F_STR, "DEVICE", "device that was attached", .flags = FIELD_DEFAULT),
	T(table, F_STR, "TABLE", "second-stage page table", .flags = FIELD_DEFAULT),
	T(result, F_STR, "RESULT", "0, or the errno", .flags = FIELD_DEFAULT),
	T(made, F_BOOL, "MADE", "whether the table was made for this device", .flags = FIELD_DEFAULT),
};

const struct record_type guest_try_record = RECORD("guest.try", 1, struct guest_try, try_fields);

struct verifying {
	struct invocation *inv;
	struct backend *be;
	uint32_t ioas;
	VEC(uint32_t) handles, tables;
	VEC(struct guest_try) tries;
};

static const char *result_word(int r)
{
	return r ? strerrorname_np(-r) : "0";
}

static void note_try(struct verifying *x, const char *device, size_t table, int r, bool made)
{
	*vec_push(&x->tries) = (struct guest_try){ arena_strdup(&x->inv->ctx->arena, device),
						   arena_printf(&x->inv->ctx->arena, "s2-%zu", table), result_word(r), made };
}

static int attach(struct verifying *x, uint32_t handle, uint32_t table)
{
	struct op_device_attach op = { .handle = handle, .pt_id = table };

	return backend_device_attach(x->be, &op, NULL);
}

/* A parent for nested tables where the unit can, else a plain one. */
static int make_table(struct verifying *x, uint32_t handle, uint32_t *ret)
{
	struct op_hwpt_alloc op = { .handle = handle, .pt_id = x->ioas, .flags = IOMMU_HWPT_ALLOC_NEST_PARENT };
	int r = backend_hwpt_alloc(x->be, &op, NULL);

	if (r == -EOPNOTSUPP) {
		op.flags = 0;
		r = backend_hwpt_alloc(x->be, &op, NULL);
	}
	if (r == 0)
		*ret = op.ret_id;
	return r;
}

static int try_device(struct verifying *x, const struct device *d, uint32_t handle)
{
	uint32_t table;
	int r;

	for (size_t i = 0; i < x->tables.n; i++) {
		r = attach(x, handle, x->tables.v[i]);
		note_try(x, d->name, i, r, false);
		if (r == 0)
			return EXIT_DONE;
	}
	r = make_table(x, handle, &table);
	if (r == 0) {
		*vec_push(&x->tables) = table;
		r = attach(x, handle, table);
	}
	note_try(x, d->name, r == 0 ? x->tables.n - 1 : x->tables.n, r, true);
	return r < 0 ? op_failed(x->inv, r, NULL, 0, "plan --verify: %s", d->name) : EXIT_DONE;
}

static int open_device(struct verifying *x, const struct device *d, uint32_t *ret)
{
	struct op_device_open op = { .group = d->group ? d->group->id : OP_NO_GROUP };
	int r = -ENAMETOOLONG;

	if (d->bus && strlen(d->bus) < sizeof(op.bus) && strlen(d->name) < sizeof(op.dev)) {
		strcpy(op.bus, d->bus);
		strcpy(op.dev, d->name);
		r = backend_device_open(x->be, &op, NULL);
	}
	if (r < 0)
		return op_failed(x->inv, r, NULL, 0, "plan --verify: %s cannot be opened", d->name);
	*ret = *vec_push(&x->handles) = op.ret_handle;
	return EXIT_DONE;
}

/* Last to first: devices let go of tables, and tables of the address space. */
static void give_back(struct verifying *x)
{
	for (size_t i = x->handles.n; i-- > 0;) {
		struct op_device_close op = { .handle = x->handles.v[i] };

		backend_device_close(x->be, &op, NULL);
	}
	for (size_t i = x->tables.n; i-- > 0;) {
		struct op_destroy op = { .id = x->tables.v[i] };

		backend_destroy(x->be, &op, NULL);
	}
	if (x->ioas) {
		struct op_destroy op = { .id = x->ioas };

		backend_destroy(x->be, &op, NULL);
	}
}

static int run(struct verifying *x, struct device *const *v, size_t n)
{
	struct op_ioas_alloc ioas = { 0 };
	uint32_t handle = 0;
	int r = backend_ioas_alloc(x->be, &ioas, NULL);

	if (r < 0)
		return op_failed(x->inv, r, NULL, 0x81, "plan --verify");
	x->ioas = ioas.ret_id;
	r = EXIT_DONE;
	for (size_t i = 0; r == EXIT_DONE && i < n; i++) {
		r = open_device(x, v[i], &handle);
		if (r == EXIT_DONE)
			r = try_device(x, v[i], handle);
	}
	return r;
}

int guest_verify(struct invocation *inv, struct device *const *v, size_t n, struct rows *ret)
{
	struct verifying x = { .inv = inv };
	struct guest_try *copy;
	int r = machine_backend(inv->machine, &x.be);

	if (r != EXIT_DONE)
		return r;
	r = run(&x, v, n);
	give_back(&x);
	copy = arena_array(&inv->ctx->arena, struct guest_try, x.tries.n + 1);
	if (x.tries.n)
		memcpy(copy, x.tries.v, x.tries.n * sizeof(*copy));
	*ret = ROWS(copy, x.tries.n);
	vec_free(&x.tries);
	vec_free(&x.handles);
	vec_free(&x.tables);
	return r;
}
