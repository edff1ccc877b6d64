/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VFIO and iommufd files that processes have open, by walking the kernel's tasks. */
#ifndef IOMMUCTL_KMEM_TASKS_H
#define IOMMUCTL_KMEM_TASKS_H

#include "kmem/kmem.h"

struct task_file {
	enum ksym kind; /* its operations: one of the KSYM_…_FOPS */
	uint64_t file, private_data;
	uint64_t task;
	int64_t pid, fd;
};

typedef void (*task_file_fn)(const struct task_file *f, void *arg);

/* Whether this kernel's types and symbols are enough for it. */
bool tasks_can_walk(const struct kmem *k);

/*
 * Calls @fn with each such file of each process, once for threads that share their files; a thread with files of its own counts as its
 * process. -EAGAIN: something changed meanwhile, so that not all was seen: try again. -EFAULT, -E2BIG.
 */
int tasks_walk(struct kmem *k, task_file_fn fn, void *arg);

/* The struct vfio_device of a VFIO device's file, and the iommufd context that a file belongs to; 0: none. */
uint64_t task_file_device(struct kmem *k, const struct task_file *f);
uint64_t task_file_context(struct kmem *k, const struct task_file *f);

/* The same for people. Strings are in @a. */
struct owner_process task_file_process(struct kmem *k, const struct task_file *f, struct arena *a);

#endif
