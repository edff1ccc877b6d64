/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the noun device share; its rows are in device.c. */
#ifndef IOMMUCTL_CMD_DEVICE_H
#define IOMMUCTL_CMD_DEVICE_H

#include "cmd/cmd.h"
#include "host/host.h"

extern const char device_guard_text[], device_bind_text[], device_unbind_text[], device_restore_text[];
extern const struct arg_row device_guard_args[], device_bind_args[], device_unbind_args[], device_restore_args[];
extern const struct option_row device_bind_options[], device_unbind_options[], device_restore_options[];
extern const struct record_type device_guard_record, device_bind_record, device_unbind_record, device_restore_record;

/* Each an exit code. */
int device_guard_run(struct invocation *inv);
int device_bind_run(struct invocation *inv);
int device_unbind_run(struct invocation *inv);
int device_restore_run(struct invocation *inv);

/* Of the devices that a batch or session has open: device-open.c, device-hwinfo.c, device-irq.c. */
extern const char device_open_text[], device_close_text[], device_attach_text[], device_detach_text[], device_hwinfo_text[],
	device_irq_text[], device_region_text[], device_map_text[];
extern const struct arg_row device_open_args[], device_object_args[], device_attach_args[], device_irq_args[], device_region_args[],
	device_map_args[];
extern const struct option_row device_open_options[], device_pasid_options[], device_hwinfo_options[], device_irq_options[],
	device_region_options[];
extern const struct record_type device_open_record, device_close_record, device_attach_record, device_detach_record,
	device_hwinfo_record, device_irq_record, device_region_record, device_map_record, device_unmap_record;

int device_open_run(struct invocation *inv);
int device_close_run(struct invocation *inv);
int device_attach_run(struct invocation *inv);
int device_detach_run(struct invocation *inv);
int device_hwinfo_run(struct invocation *inv);
int device_irq_run(struct invocation *inv);
int device_region_run(struct invocation *inv);
int device_map_run(struct invocation *inv);
int device_unmap_run(struct invocation *inv);

struct backend;

/*
 * Why the VT-d or SMMUv3 unit of an open device has no nesting, or no dirty tracking, as its registers say; NULL: they do not, or it is another kind.
 * @only: of this kind of hwinfo alone, 0: of both. In the arena.
 */
const char *unit_refusal(struct invocation *inv, struct backend *be, uint32_t handle, uint32_t only, bool nesting, bool dirty);

/* All devices of the command line, in the host's arena. An exit code: nothing is done about one when another is a mistake. */
int device_find_all(struct invocation *inv, struct host *h, struct device ***ret);

#endif
