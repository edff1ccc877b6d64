/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Providers of the sections from the kernel's memory for who asks again and again: symbols and types, which are most of the work, are read
 * once. For one thread.
 */
#ifndef IOMMUCTL_KMEM_KEEP_H
#define IOMMUCTL_KMEM_KEEP_H

#include <json-c/json.h>

#include "base/ctx.h"

/* As ownership_provide() and iommufds_provide(), for source_set_provider(). */
int ownership_provide_kept(struct ctx *ctx, struct json_object **ret);
int iommufds_provide_kept(struct ctx *ctx, struct json_object **ret);

/* Forgets what is kept: modules have come or gone, or it is the end. */
void kmem_keep_drop(void);

#endif
