/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devicetree as the kernel shows it: nodes are directories, properties are files of big-endian cells. */
#ifndef IOMMUCTL_HOST_DEVTREE_H
#define IOMMUCTL_HOST_DEVTREE_H

#include "host/host.h"

#define DEVTREE "sys/firmware/devicetree/base"

/*
 * The node that the of_node link of the directory @dir leads to: a path below the source's root, in the host's arena. -ENOENT: firmware
 * describes it in no devicetree; -EXDEV: the link leads elsewhere; else why it cannot be read.
 */
int devtree_node(struct host *h, const char *dir, const char **ret);

/* A property's cells in the host's arena. -ENOENT: the node has none; -EBADMSG: not whole cells. */
int devtree_cells(struct host *h, const char *node, const char *property, uint32_t **ret, size_t *ret_n);

/*
 * Whether DMA of the node is cache-coherent: dma-coherent or dma-noncoherent of the nearest node upwards that has one; no by default
 * (of_dma_is_coherent() in drivers/of/address.c). TRI_UNKNOWN: a property cannot be read, or was not captured.
 */
enum tri devtree_coherent(struct host *h, const char *node);

#endif
