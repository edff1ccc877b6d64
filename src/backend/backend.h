/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam through which everything that changes a machine goes. A backend acts; it decides nothing, knows nothing of
 * groups' verdicts, and prints nothing. The first one is the running kernel.
 *
 * Devices are named as in sysfs: bus ("pci") and name ("0000:01:00.0"). Every operation returns 0 or a negative errno,
 * the kernel's own wherever it gave one. An operation that a backend does not have is NULL in its table; callers go
 * through the functions below, which then answer -EOPNOTSUPP.
 */
#ifndef IOMMUCTL_BACKEND_BACKEND_H
#define IOMMUCTL_BACKEND_BACKEND_H

#include <signal.h>
#include <sys/types.h>

#include "backend/op.h"
#include "base/ctx.h"
#include "base/util.h"

struct backend;

struct backend_ops {
	/* Drivers. */
	int (*set_override)(struct backend *b, const char *bus, const char *dev, const char *driver);
	int (*unbind)(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms,
		      pid_t *ret_pid);
	int (*bind)(struct backend *b, const char *bus, const char *dev, const char *driver);
	int (*load_module)(struct backend *b, const char *name);
	int (*module_options)(struct backend *b, const char *name, struct arena *a, const char **ret);
	int (*watch_nodes)(struct backend *b);
	int (*wait_node)(struct backend *b, const char *node, int timeout_ms);
	/* Groups and virtual functions. */
	int (*set_group_type)(struct backend *b, uint32_t group, const char *type);
	int (*set_vfs)(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid);
	int (*set_vf_autoprobe)(struct backend *b, const char *dev, bool on);
	/* iommufd and VFIO: see backend/op.h. @d is never NULL. */
#define OP(x) int (*x)(struct backend *b, struct op_##x *op, struct op_data *d);
	BACKEND_OPS(OP)
#undef OP
	void (*close)(struct backend *b);
};

/* The head of every backend, embedded first. */
struct backend {
	const struct backend_ops *ops;
	/* set by a signal handler: waits end early. NULL: nothing interrupts */
	const volatile sig_atomic_t *interrupted;
	/*
	 * Not 0: backend_set_override() and backend_bind() write as backend_unbind() does, for so long at most: the device may be locked by an unbind of
	 * somebody else's that hangs. Then -EINPROGRESS, and the process is in hangs.
	 */
	int guard_ms;
	pid_t hangs;
};

/* The running kernel. */
int backend_open_kernel(struct ctx *ctx, struct backend **ret);

/* NULL is fine. */
void backend_close(struct backend *b);
DEFINE_CLEANUP(struct backend, backend_close);

/* Writes driver_override; NULL takes it away. -ENOENT: this bus has none. Probes nothing. */
int backend_set_override(struct backend *b, const char *bus, const char *dev, const char *driver);

/*
 * Takes the device off @driver. An unbind can hang in the kernel and cannot be called back (a VFIO device that is held, a
 * file system under its own mount), so it runs in a process of its own. -EINPROGRESS when that one has not come back after
 * @timeout_ms, or soon after an interrupt: it goes on in the kernel, by process *@ret_pid. -ENODEV: not on that driver.
 */
int backend_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms,
		   pid_t *ret_pid);

/*
 * Writes the driver's `bind`, which tells the probe's errno: -EBUSY already bound, or its group belongs to user space;
 * -ENODEV no such device, or the driver does not match it (bind_store() in drivers/base/bus.c). -ENOENT: no such driver.
 */
int backend_bind(struct backend *b, const char *bus, const char *dev, const char *driver);

/*
 * Loads a module and what it depends on, by its name or alias. -ENOENT: there is none. -ENOEXEC: modprobe.d wants a command run
 * in its place, which we do not.
 */
int backend_load_module(struct backend *b, const char *name);

/* The options that it would be loaded with, from modprobe.d and the kernel command line, in the arena; "" none. -ENOENT: there is no such module. */
int backend_module_options(struct backend *b, const char *name, struct arena *a, const char **ret);

/* Events from now on count for backend_wait_node(). */
int backend_watch_nodes(struct backend *b);

/*
 * Waits until the node ("vfio/12", below /dev) is there, and, where udev runs, until it has been through udev's rules since
 * backend_watch_nodes(). -ETIMEDOUT; -EINTR; -ENOENT: it is not there and does not come.
 */
int backend_wait_node(struct backend *b, const char *node, int timeout_ms);

/* Writes the group's type: see iommu_group_store_type() in drivers/iommu/iommu.c for what each errno means. */
int backend_set_group_type(struct backend *b, uint32_t group, const char *type);

/*
 * The number of virtual functions of a PCI function. Taking them away unbinds them, so it is done, and answers, as backend_unbind().
 * -ENOENT: no driver, or one that makes none; -ERANGE: more than the function has; -EBUSY: there are some, which have to go first
 * (sriov_numvfs_store() in drivers/pci/iov.c).
 */
int backend_set_vfs(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid);

/* Whether new virtual functions of it get drivers. -ENOENT: not a physical function. */
int backend_set_vf_autoprobe(struct backend *b, const char *dev, bool on);

/*
 * backend_ioas_alloc(b, &op, &data) and so on, one for each operation of backend/op.h. @d NULL: nothing goes beside it. An operation
 * that has no use for what is beside it ignores it.
 */
#define OP(x) int backend_##x(struct backend *b, struct op_##x *op, struct op_data *d);
BACKEND_OPS(OP)
#undef OP

#endif
