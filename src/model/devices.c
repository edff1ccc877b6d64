// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices that are opened, bound, attached and closed (drivers/vfio/device_cdev.c, drivers/vfio/iommufd.c). */
#include <errno.h>
#include <string.h>

#include "abi/vfio.h"
#include "base/str.h"
#include "host/holders.h"
#include "host/pci.h"
#include "model/internal.h"

#define CONFIG_BYTES 4096u
#define N_REGIONS 9 /* six BARs, the ROM, configuration space, VGA */

/* -- descriptors ----------------------------------------------------------------------------------------------------- */

int handle_get(struct model *m, uint32_t id, struct handle **ret)
{
	if (!id || id > m->handles.n || !m->handles.v[id - 1])
		return -ENODEV;
	*ret = m->handles.v[id - 1];
	return 0;
}

int handle_bound(struct model *m, uint32_t id, struct handle **ret)
{
	struct handle *h = NULL;
	int r = handle_get(m, id, &h);

	if (r == 0 && !h->idev)
		r = -ENOENT;
	if (r == 0)
		*ret = h;
	return r;
}

int handle_usable(struct model *m, uint32_t id, struct handle **ret)
{
	struct handle *h = NULL;
	int r = handle_get(m, id, &h);

	if (r == 0 && h->selftest)
		r = -EOPNOTSUPP;
	else if (r == 0 && !h->idev && !h->legacy)
		r = -EINVAL;
	if (r == 0)
		*ret = h;
	return r;
}

/* Numbers only grow: one that is out of date never names another device. */
struct handle *handle_new(struct model *m, struct mdev *dev)
{
	struct handle *h = must_calloc(1, sizeof(*h));

	h->dev = dev;
	dev->opens++;
	*vec_push(&m->handles) = h;
	h->id = m->handles.n;
	return h;
}

static void free_handle(struct model *m, struct handle *h)
{
	m->handles.v[h->id - 1] = NULL;
	h->dev->opens--;
	vec_free(&h->pasids);
	vec_free(&h->irqs);
	free(h);
}

static void detach_all(struct model *m, struct handle *h)
{
	while (h->pasids.n)
		detach_device(m, h->idev, h->pasids.v[--h->pasids.n]);
	if (h->attached)
		detach_device(m, h->idev, NO_PASID);
	h->attached = false;
}

void handle_close(struct model *m, struct handle *h)
{
	struct mdev *dev = h->dev;

	if (h->idev) {
		detach_all(m, h);
		idev_destroy(m, h->idev);
	}
	if (h->legacy)
		container_put(dev->group);
	free_handle(m, h);
	if (dev->mock)
		board_drop_mock(m, dev);
}

/* -- binding ---------------------------------------------------------------------------------------------------------- */

/* iommufd_device_bind(): coherency, isolation, ownership, in this order. */
int idev_bind(struct model *m, struct mdev *dev, struct idev **ret)
{
	struct idev *idev;
	int r;

	if (dev->unit && dev->unit->coherent == TRI_NO)
		return -EINVAL;
	if (!dev->group || !dev->unit)
		return -ENODEV;
	if (!dev->mock && !m->isolated_msi && !m->unsafe_interrupts)
		return -EPERM;
	r = group_claim(dev->group, OWNER_US);
	if (r < 0)
		return r;
	idev = obj_new(m, sizeof(*idev), OBJ_DEVICE);
	idev->dev = dev;
	idev->obj.users = 1; /* whoever opened it */
	*ret = idev;
	return 0;
}

/* Its vdevice goes with it, and leaves its id behind (iommufd_device_remove_vdev()). */
void idev_destroy(struct model *m, struct idev *idev)
{
	if (idev->vdev)
		vdevice_free(m, idev->vdev, true);
	group_release(idev->dev->group);
	obj_free(m, &idev->obj, false);
}

/* -- opening ----------------------------------------------------------------------------------------------------------- */

static bool held_outside(struct model *m, const struct mdev *dev)
{
	struct holder_list list = { 0 };

	if (dev->facts && streq(dev->driver, dev->facts->driver))
		device_holders(m->host, dev->facts, &list);
	return list.n;
}

static bool bound_elsewhere(const struct model *m, const struct mdev *dev)
{
	for (size_t i = 0; i < m->handles.n; i++)
		if (m->handles.v[i] && m->handles.v[i]->dev == dev && m->handles.v[i]->idev)
			return true;
	return false;
}

/* vfio_df_ioctl_bind_iommufd(): a group that is open the old way first, then a second bind. */
static int bind_cdev(struct model *m, struct handle *h)
{
	if (h->dev->group && h->dev->group->container)
		return -EBUSY;
	if (bound_elsewhere(m, h->dev) || held_outside(m, h->dev))
		return -EINVAL;
	return idev_bind(m, h->dev, &h->idev);
}

static bool good_string(const char *s, size_t size)
{
	return memchr(s, '\0', size) && *s && *s != '.' && !strchr(s, '/');
}

int model_device_open(struct backend *b, struct op_device_open *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct handle *h;
	struct mdev *dev;
	int r = 0;

	(void)d;
	if (!good_string(op->bus, sizeof(op->bus)))
		return -EINVAL;
	if (streq(op->bus, "mock"))
		return mock_open(m, op);
	if (!good_string(op->dev, sizeof(op->dev)) || (op->flags & ~(OP_OPEN_NO_BIND | OP_OPEN_LEGACY)))
		return -EINVAL;
	dev = board_dev(m, op->bus, op->dev);
	if (!dev)
		return -ENODEV;
	if (!dev->driver || !driver_is_vfio(dev->driver))
		return -ENOENT; /* no node */
	h = handle_new(m, dev);
	if (op->flags & OP_OPEN_LEGACY)
		r = legacy_open(m, h);
	else if (!(op->flags & OP_OPEN_NO_BIND))
		r = bind_cdev(m, h);
	if (r < 0) {
		free_handle(m, h);
		return r;
	}
	op->ret_handle = h->id;
	op->ret_dev_id = h->idev ? h->idev->obj.id : 0;
	op->ret_hwpt_id = 0;
	return 0;
}

int model_device_close(struct backend *b, struct op_device_close *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct handle *h;
	int r = handle_get(m, op->handle, &h);

	(void)d;
	if (r < 0)
		return r;
	if (h->selftest)
		return mock_close(m, h);
	handle_close(m, h);
	return 0;
}

/* -- attach ------------------------------------------------------------------------------------------------------------- */

static size_t find_pasid(const struct handle *h, uint32_t pasid)
{
	size_t i = 0;

	while (i < h->pasids.n && h->pasids.v[i] != pasid)
		i++;
	return i;
}

/* A PASID is an int to VFIO, which keeps those that are attached (vfio_iommufd_physical_pasid_attach_ioas()). */
static int attach_pasid(struct model *m, struct handle *h, uint32_t pasid, uint32_t *pt_id)
{
	int r;

	if (find_pasid(h, pasid) < h->pasids.n)
		return replace_device(m, h->idev, pasid, pt_id);
	if (!h->dev->mock && pasid > INT32_MAX)
		return -ENOSPC;
	r = attach_device(m, h->idev, pasid, pt_id);
	if (r == 0)
		*vec_push(&h->pasids) = pasid;
	return r;
}

static int attach_rid(struct model *m, struct handle *h, uint32_t *pt_id)
{
	int r = h->attached ? replace_device(m, h->idev, NO_PASID, pt_id) : attach_device(m, h->idev, NO_PASID, pt_id);

	if (r == 0)
		h->attached = true;
	return r;
}

/* What attach and detach want of their device (vfio_df_ioctl_attach_pt()). */
static int attachable(struct model *m, uint32_t handle, uint32_t flags, struct handle **ret)
{
	int r = handle_get(m, handle, ret);

	if (r < 0)
		return r;
	if ((*ret)->legacy)
		return -ENOTTY;
	return (*ret)->idev && !(flags & ~OP_ATTACH_PASID) ? 0 : -EINVAL;
}

int model_device_attach(struct backend *b, struct op_device_attach *op, struct op_data *d)
{
	struct model *m = to_model(b);
	uint32_t pt_id = op->pt_id;
	struct handle *h;
	int r = attachable(m, op->handle, op->flags, &h);

	(void)d;
	if (r < 0)
		return r;
	if ((op->flags & OP_ATTACH_PASID) && before_pasids(m))
		return h->selftest ? -EOPNOTSUPP : -EINVAL;
	r = op->flags & OP_ATTACH_PASID ? attach_pasid(m, h, op->pasid, &pt_id) : attach_rid(m, h, &pt_id);
	if (r == 0)
		op->pt_id = pt_id;
	return r;
}

int model_device_detach(struct backend *b, struct op_device_detach *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct handle *h;
	size_t i;
	int r = attachable(m, op->handle, op->flags, &h);

	(void)d;
	if (r < 0)
		return r;
	if (op->flags & OP_ATTACH_PASID) {
		if (before_pasids(m) && !h->selftest)
			return -EINVAL;
		i = find_pasid(h, op->pasid);
		if (i == h->pasids.n)
			return 0;
		detach_device(m, h->idev, op->pasid);
		h->pasids.v[i] = h->pasids.v[--h->pasids.n];
		return 0;
	}
	if (h->dev->mock)
		return -EOPNOTSUPP; /* the selftest has no such operation */
	if (h->attached)
		detach_device(m, h->idev, NO_PASID);
	h->attached = false;
	return 0;
}

/* -- what it is ------------------------------------------------------------------------------------------------------------ */

static uint64_t capabilities(struct model *m, const struct mdev *dev)
{
	const struct profile *p = dev->unit->profile;
	uint64_t caps = 0;

	if (p->tracks_dirty && p->tracks_dirty(dev))
		caps |= IOMMU_HW_CAP_DIRTY_TRACKING;
	/* since 7.1; a kernel without hardware queues (6.17) is older */
	if ((!p->takes_ats || !p->takes_ats(dev)) && !model_lacks(m, PROBE_HW_QUEUE_ALLOC))
		caps |= IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	if (profile_pasid_log2(dev) && dev->pasid_exec)
		caps |= IOMMU_HW_CAP_PCI_PASID_EXEC;
	if (profile_pasid_log2(dev) && dev->pasid_priv)
		caps |= IOMMU_HW_CAP_PCI_PASID_PRIV;
	return caps;
}

int model_device_hwinfo(struct backend *b, struct op_device_hwinfo *op, struct op_data *d)
{
	struct model *m = to_model(b);
	const struct profile *p;
	uint8_t data[64] = { 0 };
	struct handle *h;
	size_t len = 0;
	int r = handle_bound(m, op->handle, &h);

	if (r < 0)
		return r;
	p = h->dev->unit->profile;
	/* a kind to ask for came with hardware queues (6.17) */
	if (op->in_type && model_lacks(m, PROBE_HW_QUEUE_ALLOC))
		return -EOPNOTSUPP;
	if (p->hwinfo) {
		if (op->in_type && op->in_type != p->hwinfo_type)
			return -EOPNOTSUPP;
		len = p->hwinfo(h->dev, data);
	}
	if (d->out)
		memset(d->out, 0, d->out_cap);
	if (d->out)
		memcpy(d->out, data, MIN(len, d->out_cap));
	d->out_len = MIN(len, d->out_cap);
	op->ret_type = len ? p->hwinfo_type : IOMMU_HW_INFO_TYPE_NONE;
	op->ret_data_len = len;
	op->ret_capabilities = capabilities(to_model(b), h->dev);
	op->ret_max_pasid_log2 = profile_pasid_log2(h->dev);
	return 0;
}

/* -- its registers ----------------------------------------------------------------------------------------------------------- */

/* Of PCI devices the configuration space as the facts have it; what is written stays written, and does nothing. */
static uint8_t *config_of(struct model *m, struct mdev *dev)
{
	const struct pci_info *pci;

	if (dev->config || !dev->facts || !dev->facts->is_pci)
		return dev->config;
	pci = device_pci(m->host, dev->facts);
	if (pci->err)
		return NULL;
	dev->config = must_calloc(1, CONFIG_BYTES);
	memcpy(dev->config, pci->raw, MIN(pci->len, CONFIG_BYTES));
	return dev->config;
}

int model_device_region(struct backend *b, struct op_device_region *op, struct op_data *d)
{
	struct model *m = to_model(b);
	struct handle *h;
	uint8_t *config;
	int r = handle_usable(m, op->handle, &h);

	(void)d;
	if (r < 0)
		return r;
	if ((op->width != 1 && op->width != 2 && op->width != 4 && op->width != 8) || op->index >= N_REGIONS)
		return -EINVAL;
	config = op->index == VFIO_PCI_CONFIG_REGION_INDEX ? config_of(m, h->dev) : NULL;
	if (!config)
		return -EOPNOTSUPP; /* nothing is behind a BAR */
	if (op->offset > CONFIG_BYTES - op->width)
		return -EINVAL;
	if (op->write) {
		memcpy(config + op->offset, &op->value, op->width);
		return 0;
	}
	op->value = 0;
	memcpy(&op->value, config + op->offset, op->width);
	return 0;
}
