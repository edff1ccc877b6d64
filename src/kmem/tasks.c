// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/tasks.h"

#include <errno.h>
#include <string.h>

#include "kmem/walk.h"

struct task_walk {
	struct kmem *k;
	task_file_fn fn;
	void *arg;
	uint64_t kernel_files; /* that kernel threads share */
};

static const enum ksym kinds[] = {
	KSYM_IOMMUFD_FOPS, KSYM_VFIO_GROUP_FOPS, KSYM_VFIO_DEVICE_FOPS, KSYM_FAULT_FOPS, KSYM_VEVENTQ_FOPS,
};

/* One slot of a table of files. */
static void look_at_file(struct task_walk *t, struct task_file *f)
{
	uint64_t ops = kmem_num_or_0(t->k, f->file, KF_FILE_OPS);

	for (size_t i = 0; ops && i < ARRAY_SIZE(kinds); i++) {
		if (symbols_addr(&t->k->symbols, kinds[i]) != ops)
			continue;
		f->kind = kinds[i];
		f->private_data = kmem_num_or_0(t->k, f->file, KF_FILE_PRIVATE);
		t->fn(f, t->arg);
	}
}

static int look_at_files(struct task_walk *t, uint64_t task, uint64_t files)
{
	struct kmem *k = t->k;
	uint64_t fdt = kmem_num_or_0(k, files, KF_FILES_FDT), max, fds, tgid, chunk[64];
	int r = 0;

	if (!files || files == t->kernel_files)
		return 0;
	if (kmem_num(k, fdt, KF_FDT_MAX, &max) < 0 || max > MAX_FDS || kmem_num(k, fdt, KF_FDT_FD, &fds) < 0 ||
	    kmem_num(k, task, KF_TASK_TGID, &tgid) < 0)
		return -EAGAIN;
	for (uint64_t i = 0; r == 0 && i < max; i += ARRAY_SIZE(chunk)) {
		size_t n = MIN(ARRAY_SIZE(chunk), max - i);

		r = memory_read(k->memory, fds + i * sizeof(*chunk), chunk, n * sizeof(*chunk));
		for (size_t j = 0; r == 0 && j < n; j++)
			if (chunk[j])
				look_at_file(t, &(struct task_file){ .file = chunk[j], .task = task, .pid = (int64_t)tgid,
								     .fd = (int64_t)(i + j) });
	}
	return r < 0 ? -EAGAIN : 0;
}

/*
 * A process by its leader. A leader that has exited before its threads has no files any more, and a thread may have left the shared
 * table (unshare(CLONE_FILES)): so each thread's table is looked at that is not the one before.
 */
static int look_at_process(struct task_walk *t, uint64_t leader)
{
	struct kmem *k = t->k;
	uint64_t files = kmem_num_or_0(k, leader, KF_TASK_FILES), signal, seen = files;
	int r = look_at_files(t, leader, files);
	struct klist l;

	if (r < 0 || (files && files == t->kernel_files) || !kmem_has(k, KF_TASK_THREAD) || !kmem_has(k, KF_SIGNAL_THREADS) ||
	    kmem_num(k, leader, KF_TASK_SIGNAL, &signal) < 0)
		return r;
	l = klist_start(k, kmem_at(k, signal, KF_SIGNAL_THREADS), MAX_TASKS);
	while (r == 0 && klist_next(&l)) {
		uint64_t thread = kmem_container(k, l.node, KF_TASK_THREAD);

		files = kmem_num_or_0(k, thread, KF_TASK_FILES);
		if (files != seen)
			r = look_at_files(t, thread, files);
		seen = files ? files : seen;
	}
	return r < 0 ? r : l.err;
}

int tasks_walk(struct kmem *k, task_file_fn fn, void *arg)
{
	struct task_walk t = { .k = k, .fn = fn, .arg = arg };
	uint64_t init = symbols_addr(&k->symbols, KSYM_INIT_TASK);
	struct klist l = klist_start(k, kmem_at(k, init, KF_TASK_TASKS), MAX_TASKS);
	int r = 0;

	memory_forget(k->memory);
	t.kernel_files = kmem_num_or_0(k, init, KF_TASK_FILES);
	while (klist_next(&l)) {
		int e = look_at_process(&t, kmem_container(k, l.node, KF_TASK_TASKS));

		r = e < 0 ? e : r;
	}
	return l.err ? l.err : r;
}

static const enum kfield for_tasks[] = {
	KF_TASK_TASKS, KF_TASK_TGID, KF_TASK_COMM, KF_TASK_FILES,   KF_FILES_FDT,
	KF_FDT_MAX,    KF_FDT_FD,    KF_FILE_OPS,  KF_FILE_PRIVATE,
};

bool tasks_can_walk(const struct kmem *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(for_tasks); i++)
		if (!kmem_has(k, for_tasks[i]))
			return false;
	return k->types.field[KF_TASK_COMM].size >= 16 && symbols_addr(&k->symbols, KSYM_INIT_TASK);
}

/* Since 6.6 there is a structure of its own in between (struct vfio_device_file). */
uint64_t task_file_device(struct kmem *k, const struct task_file *f)
{
	if (f->kind != KSYM_VFIO_DEVICE_FOPS)
		return 0;
	return kmem_has(k, KF_VDF_DEVICE) ? kmem_num_or_0(k, f->private_data, KF_VDF_DEVICE) : f->private_data;
}

uint64_t task_file_context(struct kmem *k, const struct task_file *f)
{
	switch (f->kind) {
	case KSYM_IOMMUFD_FOPS:
		return f->private_data;
	case KSYM_VFIO_GROUP_FOPS:
		return kmem_num_or_0(k, f->private_data, KF_VFIO_GROUP_IOMMUFD);
	case KSYM_VFIO_DEVICE_FOPS:
		return kmem_num_or_0(k, f->private_data, KF_VDF_IOMMUFD);
	case KSYM_FAULT_FOPS:
	case KSYM_VEVENTQ_FOPS:
		return kmem_num_or_0(k, f->private_data, kmem_has(k, KF_EVENTQ_CTX) ? KF_EVENTQ_CTX : KF_FAULT_CTX);
	default:
		return 0;
	}
}

static const char *kind_word(enum ksym kind)
{
	switch (kind) {
	case KSYM_IOMMUFD_FOPS:
		return "iommufd";
	case KSYM_VFIO_GROUP_FOPS:
		return "vfio-group";
	case KSYM_VFIO_DEVICE_FOPS:
		return "vfio-device";
	case KSYM_FAULT_FOPS:
		return "fault-queue";
	case KSYM_VEVENTQ_FOPS:
		return "event-queue";
	default:
		return NULL;
	}
}

struct owner_process task_file_process(struct kmem *k, const struct task_file *f, struct arena *a)
{
	struct owner_process p = { .pid = f->pid, .fd = f->fd, .what = kind_word(f->kind) };
	uint64_t dev = kmem_num_or_0(k, task_file_device(k, f), KF_VDEV_DEV);
	char comm[17] = { 0 };

	if (memory_read(k->memory, kmem_at(k, f->task, KF_TASK_COMM), comm, sizeof(comm) - 1) == 0)
		p.command = arena_strdup(a, comm);
	if (dev)
		p.device = kmem_member_string(k, kmem_at(k, dev, KF_DEVICE_KOBJ), KF_KOBJ_NAME, a);
	return p;
}
