/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend-drive: the kernel backend on a real kernel, through backend.h. One test a call:
 *
 *	backend-drive TEST [DEV...]
 *
 * without arguments: the names of the tests. DEV is a PCI address on vfio-pci. Exit 0, or 1 with what was expected and
 * where on stderr, or 6: this kernel has no such thing, with the reason.
 */
#include "backend-drive.h"

struct ctx ctx;
struct backend *b;
const char *dev_a, *dev_b;
uint64_t doorbell;

void fail(const char *file, int line, const char *what, long long is, long long wanted)
{
	fprintf(stderr, "%s:%d: %s is %lld (%s), not %lld (%s)\n", file, line, what, is,
		is < 0 ? strerrorname_np(-is) : "", wanted, wanted < 0 ? strerrorname_np(-wanted) : "");
	backend_close(b);
	exit(1);
}

void cannot(const char *why)
{
	fprintf(stderr, "%s\n", why);
	backend_close(b);
	exit(6);
}

/* --- short forms ---------------------------------------------------------------------------------------------------- */

uint32_t new_ioas(void)
{
	struct op_ioas_alloc op = { 0 };

	IS(backend_ioas_alloc(b, &op, NULL), 0);
	return op.ret_id;
}

int probe(uint32_t nr)
{
	return backend_probe(b, &(struct op_probe){ .nr = nr }, NULL);
}

/*
 * Before 6.18 a selftest device that is made goes to whichever IOMMU comes first, when there is one without a firmware node. A kernel with
 * hardware queues is no older than 6.17, and is expected to be mended.
 */
static bool mock_goes_astray(void)
{
	return probe(0x94) != 0 && (access("/sys/class/iommu/dmar0", F_OK) == 0 || access("/sys/class/iommu/ivhd0", F_OK) == 0);
}

struct op_device_open open_mock(uint32_t pt, uint32_t flags)
{
	struct op_device_open op = { .bus = "mock", .dev = "m", .pt_id = pt, .flags = flags };
	int r = backend_device_open(b, &op, NULL);

	if (r == -ENOTTY)
		cannot("no selftest device in this kernel");
	if (r == -EINVAL && (flags & OP_OPEN_MOCK_PASID) && probe(0x93) != 0)
		cannot("no selftest device with PASIDs in this kernel");
	if (r == -EINVAL && mock_goes_astray())
		cannot("no selftest device beside an IOMMU in this kernel");
	IS(r, 0);
	return op;
}

int try_open(const char *dev, uint32_t flags, struct op_device_open *ret)
{
	struct op_device_open op = { .bus = "pci", .flags = flags };

	snprintf(op.dev, sizeof(op.dev), "%s", dev);
	*ret = op;
	return backend_device_open(b, ret, NULL);
}

uint32_t open_pci(const char *dev)
{
	struct op_device_open op;

	IS(try_open(dev, 0, &op), 0);
	IS(op.ret_dev_id != 0, 1);
	return op.ret_handle;
}

int close_device(uint32_t handle)
{
	return backend_device_close(b, &(struct op_device_close){ .handle = handle }, NULL);
}

int map(uint32_t ioas, uint32_t flags, uint64_t iova, uint64_t length)
{
	struct op_ioas_map op = { .ioas_id = ioas, .flags = flags, .iova = iova, .length = length };

	return backend_ioas_map(b, &op, NULL);
}

int map_fd(uint32_t ioas, uint32_t flags, uint64_t iova, uint64_t length, int fd, uint64_t offset)
{
	struct op_ioas_map op = { .ioas_id = ioas, .flags = flags, .iova = iova, .length = length, .offset = offset };
	struct op_data d = OP_DATA_NONE;

	d.fd_in = fd;
	return backend_ioas_map(b, &op, &d);
}

int64_t unmap(uint32_t ioas, uint64_t iova, uint64_t length)
{
	struct op_ioas_unmap op = { .ioas_id = ioas, .iova = iova, .length = length };
	int r = backend_ioas_unmap(b, &op, NULL);

	return r < 0 ? r : (int64_t)op.ret_length;
}

int destroy(uint32_t id)
{
	return backend_destroy(b, &(struct op_destroy){ .id = id }, NULL);
}

int attach(uint32_t handle, uint32_t pt, uint32_t *ret)
{
	struct op_device_attach op = { .handle = handle, .pt_id = pt };
	int r = backend_device_attach(b, &op, NULL);

	if (ret)
		*ret = op.pt_id;
	return r;
}

int detach(uint32_t handle)
{
	return backend_device_detach(b, &(struct op_device_detach){ .handle = handle }, NULL);
}

/* The id, or an errno. */
int64_t hwpt(uint32_t handle, uint32_t pt, uint32_t flags, uint32_t fault)
{
	struct op_hwpt_alloc op = { .handle = handle, .pt_id = pt, .flags = flags, .fault_id = fault };
	int r = backend_hwpt_alloc(b, &op, NULL);

	return r < 0 ? r : (int64_t)op.ret_id;
}

int64_t nested(uint32_t handle, uint32_t pt, uint32_t flags, uint32_t fault)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct op_hwpt_alloc op = {
		.handle = handle, .pt_id = pt, .flags = flags, .fault_id = fault, .data_type = IOMMU_HWPT_DATA_SELFTEST,
	};
	struct op_data d = OP_DATA_NONE;
	int r;

	d.in = &data;
	d.in_len = ABI_END(struct iommu_hwpt_selftest, iotlb); /* 6.12 takes no more */
	r = backend_hwpt_alloc(b, &op, &d);
	return r < 0 ? r : (int64_t)op.ret_id;
}

uint32_t new_faultq(void)
{
	struct op_faultq_alloc op = { 0 };

	IS(backend_faultq_alloc(b, &op, NULL), 0);
	return op.ret_id;
}

int fault(uint32_t handle, uint32_t pasid, uint32_t grpid)
{
	struct op_mock_fault op = { .handle = handle, .pasid = pasid, .grpid = grpid, .perm = 1, .addr = 0xdead000 };

	return backend_mock_fault(b, &op, NULL);
}

/* How many records there were; the first is in *ret. */
int read_faults(uint32_t q, struct iommu_hwpt_pgfault *ret)
{
	static uint8_t room[OP_FAULT_ROOM] __attribute__((aligned(8)));
	struct op_data d = OP_DATA_NONE;
	int r;

	d.out = room;
	d.out_cap = sizeof(room);
	r = backend_faultq_read(b, &(struct op_faultq_read){ .id = q }, &d);
	if (r < 0)
		return r;
	if (d.out_len)
		memcpy(ret, room, sizeof(*ret));
	return d.out_len / sizeof(*ret);
}

int respond(uint32_t q, uint32_t cookie, uint32_t code)
{
	return backend_faultq_respond(b, &(struct op_faultq_respond){ .id = q, .cookie = cookie, .code = code }, NULL);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "probe", test_probe },     { "map", test_map },	{ "copy-lives", test_copy_lives },
	{ "map-file", test_map_file }, { "ranges", test_ranges }, { "allow", test_allow },
	{ "options", test_options }, { "nest", test_nest },	{ "dirty", test_dirty },
	{ "faults", test_faults },   { "close", test_close },	{ "pasid", test_pasid },
	{ "viommu", test_viommu },   { "raw", test_raw },	{ "device", test_device },
	{ "dma", test_dma },	     { "irq", test_irq },	{ "no-bind", test_no_bind },
	{ "legacy", test_legacy },   { "legacy-group", test_legacy_group }, { "group", test_group },
	{ "client", test_client },
};

int main(int argc, char **argv)
{
	dev_a = argc > 2 ? argv[2] : NULL;
	dev_b = argc > 3 ? argv[3] : NULL;
	doorbell = dev_b ? strtoull(dev_b, NULL, 0) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (argc < 2) {
			puts(tests[i].name);
		} else if (streq(argv[1], tests[i].name)) {
			if (backend_open_kernel(&ctx, &b) < 0)
				return 1;
			tests[i].run();
			backend_close(b);
			ctx_free(&ctx);
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}
