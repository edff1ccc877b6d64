// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts by eventfd. VFIO sets up as many MSI vectors as the first call names, and MSI cannot grow: arming a higher
 * one takes all down and sets them up anew.
 */
#include "backend/kernel-objects.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "abi/vfio.h"

static int set_irqs(const struct kernel_device *dev, uint32_t start, uint32_t count, const int *fds)
{
	size_t size = sizeof(struct vfio_irq_set) + count * sizeof(*fds);
	_cleanup_free_ struct vfio_irq_set *set = calloc(1, size);
	int r;

	if (!set)
		return -ENOMEM;
	set->argsz = size;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER | (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = dev->irqs.index;
	set->start = start;
	set->count = count;
	if (count)
		memcpy(set->data, fds, count * sizeof(*fds));
	r = kernel_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set);
	/* as many as there could have been (vfio_msi_enable()) */
	return r > 0 ? -ENOSPC : r;
}

static int irq_count(const struct kernel_device *dev, uint32_t index, uint32_t *ret)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };
	int r = kernel_ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info);

	if (r < 0)
		return r;
	*ret = info.count;
	return 0;
}

/* MSI-X where the device has it: it has more vectors, and they come one by one. */
static int choose_index(struct kernel_device *dev, uint32_t vector)
{
	uint32_t n = 0;
	int r;

	if (!dev->irqs.enabled) {
		dev->irqs.index = VFIO_PCI_MSIX_IRQ_INDEX;
		r = irq_count(dev, VFIO_PCI_MSIX_IRQ_INDEX, &n);
		if (r < 0)
			return r;
		if (!n)
			dev->irqs.index = VFIO_PCI_MSI_IRQ_INDEX;
	}
	r = irq_count(dev, dev->irqs.index, &n);
	return r < 0 ? r : vector < n ? 0 : -EINVAL;
}

static void take_down(struct kernel_device *dev)
{
	if (dev->irqs.enabled)
		set_irqs(dev, 0, 0, NULL);
	dev->irqs.enabled = 0;
}

/* All vectors there are, armed or not, as they are in the table now. */
static int set_up(struct kernel_device *dev)
{
	int r = set_irqs(dev, 0, dev->irqs.fds.n, dev->irqs.fds.v);

	if (r == 0)
		dev->irqs.enabled = dev->irqs.fds.n;
	return r;
}

static void disarm(struct kernel_device *dev, uint32_t vector)
{
	int *fd = &dev->irqs.fds.v[vector];

	close(*fd);
	*fd = -1;
	while (dev->irqs.fds.n && dev->irqs.fds.v[dev->irqs.fds.n - 1] < 0)
		dev->irqs.fds.n--;
}

static bool armed(const struct kernel_device *dev, uint32_t vector)
{
	return vector < dev->irqs.fds.n && dev->irqs.fds.v[vector] >= 0;
}

static int arm(struct kernel_device *dev, uint32_t vector)
{
	int fd, r = armed(dev, vector) ? -EBUSY : choose_index(dev, vector);

	if (r < 0)
		return r;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	while (dev->irqs.fds.n <= vector)
		*vec_push(&dev->irqs.fds) = -1;
	dev->irqs.fds.v[vector] = fd;
	if (vector < dev->irqs.enabled) {
		r = set_irqs(dev, vector, 1, &fd);
	} else {
		take_down(dev);
		r = set_up(dev);
	}
	if (r == 0)
		return 0;
	disarm(dev, vector);
	if (!dev->irqs.enabled && dev->irqs.fds.n)
		set_up(dev);
	return r;
}

static int off(struct kernel_device *dev, uint32_t vector)
{
	int none = -1, r = 0;

	if (!armed(dev, vector))
		return -EINVAL;
	if (dev->irqs.enabled)
		r = set_irqs(dev, vector, 1, &none);
	if (r < 0)
		return r;
	disarm(dev, vector);
	if (!dev->irqs.fds.n)
		take_down(dev);
	return 0;
}

static int take_count(struct kernel_device *dev, uint32_t vector, uint64_t *ret)
{
	uint64_t n = 0;

	if (!armed(dev, vector))
		return -EINVAL;
	if (read(dev->irqs.fds.v[vector], &n, sizeof(n)) < 0 && errno != EAGAIN)
		return -errno;
	*ret = n;
	return 0;
}

int kernel_device_irq(struct backend *b, struct op_device_irq *op, _unused_ struct op_data *d)
{
	struct kernel_device *dev;
	int r = kernel_find_device(b, op->handle, &dev);

	if (r < 0)
		return r;
	if (dev->stdev)
		return -EOPNOTSUPP;
	switch (op->what) {
	case OP_IRQ_ARM: return arm(dev, op->vector);
	case OP_IRQ_OFF: return off(dev, op->vector);
	case OP_IRQ_READ: return take_count(dev, op->vector, &op->ret_count);
	}
	return -EINVAL;
}

void kernel_close_irqs(struct kernel_device *dev)
{
	int *fd;

	take_down(dev);
	vec_for_each(fd, &dev->irqs.fds)
		if (*fd >= 0)
			close(*fd);
	vec_free(&dev->irqs.fds);
}
