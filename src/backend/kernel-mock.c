// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's selftest device. It is attached from its first moment to its last: its requester id can be moved, and
 * not be detached. PASIDs can, with an ioctl of their own for each case, so where it is attached has to be known here.
 */
#include "backend/kernel-objects.h"

#include <errno.h>
#include <string.h>

#include "abi/selftest.h"

#define MOCK_FLAGS (OP_OPEN_MOCK_NO_DIRTY | OP_OPEN_MOCK_PASID)

static int test_cmd(struct backend *b, uint32_t op, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	return kernel_iommufd(b, IOMMU_TEST_CMD, cmd);
}

/* --- the device --------------------------------------------------------------------------------------------------- */

/* An IOAS for a device that was given none. */
static int own_ioas(struct backend *b, uint32_t *ret)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	int r = kernel_iommufd(b, IOMMU_IOAS_ALLOC, &cmd);

	if (r < 0)
		return r;
	*ret = cmd.out_ioas_id;
	return 0;
}

int kernel_mock_open(struct backend *b, struct op_device_open *op)
{
	struct iommu_test_cmd cmd = { .id = op->pt_id };
	struct kernel_device *dev;
	uint32_t ioas = 0;
	int r = (op->flags & ~MOCK_FLAGS) ? -EINVAL : 0;

	if (r == 0 && !op->pt_id)
		r = own_ioas(b, &ioas);
	if (r < 0)
		return r;
	if (ioas)
		cmd.id = ioas;
	cmd.mock_domain_flags.dev_flags = (op->flags & OP_OPEN_MOCK_NO_DIRTY ? MOCK_FLAGS_DEVICE_NO_DIRTY : 0) |
					  (op->flags & OP_OPEN_MOCK_PASID ? MOCK_FLAGS_DEVICE_PASID : 0);
	r = test_cmd(b, IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, &cmd);
	if (r < 0) {
		if (ioas)
			kernel_destroy_id(b, ioas);
		return r;
	}
	dev = kernel_new_device(kernel_objects(b));
	dev->stdev = cmd.mock_domain_flags.out_stdev_id;
	dev->dev_id = cmd.mock_domain_flags.out_idev_id;
	dev->ioas = ioas;
	op->ret_handle = dev->handle;
	op->ret_dev_id = dev->dev_id;
	op->ret_hwpt_id = cmd.mock_domain_flags.out_hwpt_id;
	return 0;
}

/* Its end takes the requester id's page table off and not the PASIDs', which would keep theirs for ever, and warns in the log. */
void kernel_mock_detach_pasids(struct kernel_objects *o, struct kernel_device *dev)
{
	struct iommu_test_cmd cmd = { .size = sizeof(cmd), .op = IOMMU_TEST_OP_PASID_DETACH, .id = dev->stdev };

	while (dev->pasids.n) {
		cmd.pasid_detach.pasid = dev->pasids.v[--dev->pasids.n];
		kernel_ioctl(o->fd, IOMMU_TEST_CMD, &cmd);
	}
}

/* Its own IOAS stays when something else has come to use it. */
int kernel_mock_close(struct backend *b, struct kernel_device *dev)
{
	int r;

	kernel_mock_detach_pasids(kernel_objects(b), dev);
	r = kernel_destroy_id(b, dev->stdev);
	if (r < 0)
		return r;
	if (dev->ioas && kernel_destroy_id(b, dev->ioas) == 0)
		kernel_area_drop(kernel_objects(b), dev->ioas, 0, UINT64_MAX);
	return 0;
}

/* --- attach --------------------------------------------------------------------------------------------------------- */

static size_t find_pasid(const struct kernel_device *dev, uint32_t pasid)
{
	size_t i = 0;

	while (i < dev->pasids.n && dev->pasids.v[i] != pasid)
		i++;
	return i;
}

static int attach_pasid(struct backend *b, struct kernel_device *dev, struct op_device_attach *op)
{
	struct iommu_test_cmd cmd = { .id = dev->stdev, .pasid_attach = { .pasid = op->pasid, .pt_id = op->pt_id } };
	bool there = find_pasid(dev, op->pasid) < dev->pasids.n;
	int r = test_cmd(b, there ? IOMMU_TEST_OP_PASID_REPLACE : IOMMU_TEST_OP_PASID_ATTACH, &cmd);

	if (r < 0)
		return r;
	if (!there)
		*vec_push(&dev->pasids) = op->pasid;
	op->pt_id = cmd.pasid_attach.pt_id;
	return 0;
}

int kernel_mock_attach(struct backend *b, struct kernel_device *dev, struct op_device_attach *op)
{
	struct iommu_test_cmd cmd = { .id = dev->stdev, .mock_domain_replace = { .pt_id = op->pt_id } };
	int r;

	if (op->flags & ~OP_ATTACH_PASID)
		return -EINVAL;
	if (op->flags & OP_ATTACH_PASID)
		return attach_pasid(b, dev, op);
	r = test_cmd(b, IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, &cmd);
	if (r < 0)
		return r;
	op->pt_id = cmd.mock_domain_replace.pt_id;
	return 0;
}

/* As VFIO does it, a PASID that is not attached is no error. */
int kernel_mock_detach(struct backend *b, struct kernel_device *dev, const struct op_device_detach *op)
{
	struct iommu_test_cmd cmd = { .id = dev->stdev, .pasid_detach = { .pasid = op->pasid } };
	size_t i = find_pasid(dev, op->pasid);
	int r;

	if (op->flags & ~OP_ATTACH_PASID)
		return -EINVAL;
	if (!(op->flags & OP_ATTACH_PASID))
		return -EOPNOTSUPP;
	if (i == dev->pasids.n)
		return 0;
	r = test_cmd(b, IOMMU_TEST_OP_PASID_DETACH, &cmd);
	if (r == 0)
		dev->pasids.v[i] = dev->pasids.v[--dev->pasids.n];
	return r;
}

/* --- what a test wants to see --------------------------------------------------------------------------------------- */

int kernel_mock_reserved(struct backend *b, struct op_mock_reserved *op, _unused_ struct op_data *d)
{
	struct iommu_test_cmd cmd = {
		.id = op->ioas_id,
		.add_reserved = { .start = op->start, .length = op->length },
	};

	return test_cmd(b, IOMMU_TEST_OP_ADD_RESERVED, &cmd);
}

int kernel_mock_fault(struct backend *b, struct op_mock_fault *op, _unused_ struct op_data *d)
{
	struct iommu_test_cmd cmd = {
		.trigger_iopf = { .pasid = op->pasid, .grpid = op->grpid, .perm = op->perm, .addr = op->addr },
	};
	int r = kernel_device_id(b, op->handle, &cmd.trigger_iopf.dev_id);

	return r < 0 ? r : test_cmd(b, IOMMU_TEST_OP_TRIGGER_IOPF, &cmd);
}

int kernel_mock_dirty(struct backend *b, struct op_mock_dirty *op, struct op_data *d)
{
	struct iommu_test_cmd cmd = {
		.id = op->hwpt_id,
		.dirty = { .iova = op->iova, .length = op->length, .page_size = op->page_size },
	};
	uint64_t bits = op->page_size ? op->length / op->page_size : 0;
	int r;

	/* the kernel reads as many as there are pages: with fewer of ours it gets none, and says what it thinks of the rest */
	if (bits / 8 + !!(bits % 8) <= d->in_len)
		cmd.dirty.uptr = (uintptr_t)d->in;
	r = test_cmd(b, IOMMU_TEST_OP_DIRTY, &cmd);
	if (r < 0)
		return r;
	op->ret_n = cmd.dirty.out_nr_dirty;
	return 0;
}

int kernel_mock_iotlb(struct backend *b, struct op_mock_iotlb *op, _unused_ struct op_data *d)
{
	struct iommu_test_cmd cmd = {
		.id = op->hwpt_id,
		.check_iotlb = { .id = op->index, .iotlb = op->value },
	};

	return test_cmd(b, IOMMU_TEST_OP_MD_CHECK_IOTLB, &cmd);
}

int kernel_mock_cache(struct backend *b, struct op_mock_cache *op, _unused_ struct op_data *d)
{
	struct iommu_test_cmd cmd = { .check_dev_cache = { .id = op->index, .cache = op->value } };
	int r = kernel_device_id(b, op->handle, &cmd.id);

	return r < 0 ? r : test_cmd(b, IOMMU_TEST_OP_DEV_CHECK_CACHE, &cmd);
}

int kernel_mock_event(struct backend *b, struct op_mock_event *op, _unused_ struct op_data *d)
{
	struct iommu_test_cmd cmd = { 0 };
	int r = kernel_device_id(b, op->handle, &cmd.trigger_vevent.dev_id);

	return r < 0 ? r : test_cmd(b, IOMMU_TEST_OP_TRIGGER_VEVENT, &cmd);
}
