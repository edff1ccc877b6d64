// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts. Where they go through the page table (SMMUv3) one can be set up while the group is attached only; one that could not
 * stays so (iommu_dma_prepare_msi()). Later it is the page table's move, not the interrupt's. No device of the model sends any.
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

static int arm(struct handle *h, uint32_t vector)
{
	struct irq *i = find_irq(h, vector);

	if (i && i->armed)
		return -EBUSY;
	if (vector >= h->dev->n_msi)
		return -EINVAL;
	if (!i) {
		i = vec_push(&h->irqs);
		i->vector = vector;
	}
	if (h->dev->group->sw_msi && !h->legacy && !group_attach(h->dev->group, NO_PASID))
		i->dead = true;
	if (i->dead)
		return -ENOSPC;
	i->armed = true;
	return 0;
}

int model_device_irq(struct backend *b, struct op_device_irq *op, struct op_data *d)
{
	struct handle *h;
	struct irq *i;
	int r = handle_get(to_model(b), op->handle, &h);

	(void)d;
	if (r < 0)
		return r;
	if (h->selftest)
		return -EOPNOTSUPP;
	if (!h->idev && !h->legacy)
		return -EINVAL;
	if (op->what == OP_IRQ_ARM)
		return arm(h, op->vector);
	i = find_irq(h, op->vector);
	if (op->what > OP_IRQ_READ || !i || !i->armed)
		return -EINVAL;
	if (op->what == OP_IRQ_OFF)
		i->armed = false;
	else
		op->ret_count = 0;
	return 0;
}
