// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts. VT-d and AMD-Vi take them out before their page tables: those can be set up and arrive whatever the device is attached to. Behind an SMMU they are
 * translated, and setting one up maps its doorbell into the table that the group is attached to; without one it fails (iommu_dma_prepare_msi()), and the
 * GICv3 ITS has given the device an interrupt by then that it does not take back (its_irq_domain_alloc(); seen on 7.2 with QEMU: it outlives close, unbind and
 * rescan). It has as many as the device has vectors, rounded up to a power of two (its_pci_msi_prepare()). What is set up is moved along with the group
 * (iommufd_group_setup_msi()). No device of the model sends any.
 */
#include <errno.h>

#include "model/internal.h"

static struct irq *find_irq(struct handle *h, uint32_t vector)
{
	struct irq *i;

	vec_for_each(i, &h->irqs)
		if (i->vector == vector)
			return i;
	return NULL;
}

static unsigned power_of_two(unsigned n)
{
	unsigned p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

/* Interrupts for @n vectors, from the first one on. */
static int set_up(struct handle *h, unsigned n)
{
	struct mdev *dev = h->dev;
	bool translated = dev->group->sw_msi && !h->legacy;

	if (dev->group->sw_msi && n + dev->msi_lost > power_of_two(dev->n_msi))
		return -ENOSPC;
	if (translated && !group_attach(dev->group, NO_PASID)) {
		dev->msi_lost++;
		return -ENOSPC;
	}
	h->irqs_up = n;
	return 0;
}

static unsigned highest_armed(const struct handle *h)
{
	const struct irq *i;
	unsigned n = 0;

	vec_for_each(i, &h->irqs)
		if (i->armed && i->vector >= n)
			n = i->vector + 1;
	return n;
}

/* A vector beyond those that are set up: all are taken down and set up anew, and the old ones again when that fails (backend/kernel-irq.c). */
static int arm(struct handle *h, uint32_t vector)
{
	struct irq *i = find_irq(h, vector);
	unsigned others = highest_armed(h);
	int r = 0;

	if (i && i->armed)
		return -EBUSY;
	if (vector >= h->dev->n_msi)
		return -EINVAL;
	if (vector >= h->irqs_up) {
		h->irqs_up = 0;
		r = set_up(h, MAX(vector + 1, others));
		if (r < 0 && others)
			set_up(h, others);
	}
	if (r < 0)
		return r;
	if (!i) {
		i = vec_push(&h->irqs);
		i->vector = vector;
	}
	i->armed = true;
	return 0;
}

static void disarm(struct handle *h, struct irq *i)
{
	i->armed = false;
	if (!highest_armed(h))
		h->irqs_up = 0;
}

int model_device_irq(struct backend *b, struct op_device_irq *op, struct op_data *d)
{
	struct handle *h;
	struct irq *i;
	int r = handle_usable(to_model(b), op->handle, &h);

	(void)d;
	if (r < 0)
		return r;
	if (op->what == OP_IRQ_ARM)
		return arm(h, op->vector);
	i = find_irq(h, op->vector);
	if (op->what > OP_IRQ_READ || !i || !i->armed)
		return -EINVAL;
	if (op->what == OP_IRQ_OFF)
		disarm(h, i);
	else
		op->ret_count = 0;
	return 0;
}
