/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the model share: the machine (units, groups, devices, as the driver core and the IOMMU core see them), the
 * objects of the one iommufd, and the descriptors that a client has open. Nothing waits and nothing runs beside: an operation is done when its
 * function returns, so there are no locks.
 */
#ifndef IOMMUCTL_MODEL_INTERNAL_H
#define IOMMUCTL_MODEL_INTERNAL_H

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "host/drivers.h"
#include "host/host.h"
#include "host/vtd-tables.h"
#include "model/interval.h"
#include "model/model.h"
#include "source/probes.h"

#define PAGE_4K 4096u /* of x86, and of what takes no heed of the kernel's pages */
#define NO_PASID 0u

struct model;
struct hwpt;
struct idev;
struct munit;
struct mdev;
struct viommu;
struct overlay;

/* --- objects -------------------------------------------------------------------------------------------------- */

enum obj_type {
	OBJ_ANY,
	OBJ_DEVICE,
	OBJ_IOAS,
	OBJ_HWPT_PAGING,
	OBJ_HWPT_NESTED,
	OBJ_FAULT,
	OBJ_VIOMMU,
	OBJ_VDEVICE,
	OBJ_VEVENTQ,
	OBJ_HW_QUEUE,
	OBJ_ACCESS,
	OBJ_SELFTEST,
	OBJ_TOMBSTONE, /* a vdevice that its device took along: the id stays taken */
};

/* The head of every object. @users counts those beside the table of ids; DESTROY is EBUSY while there are any. */
struct obj {
	uint32_t id;
	enum obj_type type;
	unsigned users;
	bool unfinished; /* has its id, and is not to be found yet */
};

/* Memory that maps share. All that the model knows of it is what decides whether, and where, it may be mapped. */
struct pages {
	unsigned refs;
	uint64_t start; /* its address, or place in its file, rounded down to a page */
	bool writable, file;
	int pin_err; /* what fetching it answers: 0, or a negative errno, as for addresses that lead nowhere */
};

/* A map. Dirty bits are the page tables'. */
struct area {
	struct range r;
	struct pages *pages;
	uint64_t offset; /* into the pages, in bytes */
	unsigned prot;	 /* OP_MAP_READ, OP_MAP_WRITE */
	unsigned locks;	 /* hardware queues that sit on it */
};

struct reserved {
	struct range r;
	const void *owner; /* device, page table, or NULL of the selftest */
};

struct ioas {
	struct obj obj;
	struct ranges areas, allowed, reserved;
	uint64_t alignment;
	uint64_t page; /* the kernel's */
	bool no_large_pages;
	unsigned accesses; /* kernel-internal users that need whole pages */
	VEC(struct hwpt *) hwpts; /* in the order in which they were made */
	size_t unpinnable;	  /* maps of memory that cannot be fetched */
	uint64_t bytes;
};

/* What a driver makes of a request for a page table. */
struct domain {
	const struct profile *profile;
	struct munit *unit;
	bool nested, nest_parent, dirty_ops, tracking;
	bool first_stage;    /* VT-d, SMMUv3 */
	bool guest_tables;   /* AMD: page table of version 2 */
	bool forced_snoop;
	uint64_t aperture_first, aperture_last;
	uint64_t page_sizes; /* one bit each */
	unsigned width;	     /* of addresses */
	struct hwpt *parent; /* nested */
	struct viommu *viommu;
	uint32_t iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM];
	uint64_t words[2];   /* SMMUv3: the stream table entry */
};

struct hwpt {
	struct obj obj;
	struct domain domain;
	struct ioas *ioas;	/* paging */
	bool joined; /* its IOAS counts it */
	bool automatic, pasid_ok;
	struct faultq *fault;
	struct ranges dirty;	/* struct range each, on the heap */
};

/* A page request group: the requests, and who is to be told. */
struct fault_group {
	struct fault_group *next;
	const struct attach *attach;
	uint32_t cookie; /* 0: not read yet */
	struct mdev *dev;
	uint32_t pasid, grpid;
	size_t n;
	struct iommu_hwpt_pgfault v[];
};

struct faultq {
	struct obj obj;
	struct fault_group *deliver;
	VEC(struct fault_group *) responding; /* by cookie - 1; NULL: free */
	size_t free_from;		      /* all places before it are taken */
	int fd; /* eventfd, for those who wait; -1 none */
};

struct viommu {
	struct obj obj;
	struct hwpt *hwpt;
	struct munit *unit;
	const struct profile *profile;
	uint32_t type;
	VEC(struct vdevice *) vdevices;
	VEC(struct veventq *) queues;
	struct hwqueue *hwqueues[IOMMU_TEST_HW_QUEUE_MAX];
	uint64_t mmap_offset; /* where its page would be mapped; 0 none */
};

struct vdevice {
	struct obj obj;
	struct viommu *viommu;
	struct idev *idev;
	uint64_t virt_id;
};

struct vevent {
	struct vevent *next;
	uint32_t flags, sequence;
	size_t len;
	uint8_t data[];
};

struct veventq {
	struct obj obj;
	struct viommu *viommu;
	uint32_t type, depth, n;
	uint32_t sequence; /* of the next event */
	struct vevent *first;
	int fd;
};

struct hwqueue {
	struct obj obj;
	struct viommu *viommu;
	struct obj *access; /* the id that the kernel's own hold on the memory takes */
	struct hwqueue *prev;
	uint32_t index;
	uint64_t base, length;
};

/* The selftest's handle on a mock device; destroying it takes the device away. */
struct selftest {
	struct obj obj;
	struct handle *handle;
};

/* A device bound to the iommufd. */
struct idev {
	struct obj obj;
	struct mdev *dev;
	struct vdevice *vdev;
};

/* --- the machine ---------------------------------------------------------------------------------------------- */

/* Who is attached to one PASID of a group, or with NO_PASID to the requester ids themselves. */
struct attach {
	uint32_t pasid;
	struct hwpt *hwpt;
	struct idev *first;	  /* made the attach: the one that page requests name */
	VEC(struct idev *) idevs;
};

enum owns { OWNER_NOBODY, OWNER_KERNEL_DMA, OWNER_US, OWNER_LEGACY, OWNER_OTHERS };

struct mgroup {
	struct mgroup *next;
	uint32_t id;
	const struct group *facts; /* NULL: made by the model */
	enum owns owner;
	unsigned owner_cnt;
	struct type_word { char s[16]; } type; /* of the default domain; "" unknown */
	bool type_changed;
	VEC(struct mdev *) devs;
	VEC(struct attach *) attaches;
	VEC(struct region) regions;
	bool sw_msi; /* one of them is a software window, by what is known of the unit */
	struct container *container; /* NULL: not open the old way */
};

/* One IOMMU, and what its driver would ask its registers. */
struct munit {
	struct munit *next;
	char *name;
	const struct unit *facts; /* NULL: the selftest's */
	const struct profile *profile;
	uint64_t cap, ecap, efr, efr2;
	struct vtd_unit vtd; /* with the injections, too */
	bool scalable;	 /* VT-d: the registers say so, and the command line does not forbid it */
	enum tri coherent;
	bool nesting, dirty; /* as the registers and the injections have it */
	bool second_version; /* AMD: page tables of version 2 are the default */
	unsigned width;	     /* AMD: of addresses in those of version 1; 0: there are none */
	unsigned domains;    /* VT-d: ids of domains in use when its file was written, by what the model counts */
	unsigned pasid_bits;
	uint64_t page; /* the kernel's, which some drivers go by */
};

enum fault_answer { FAULT_SUCCESS, FAULT_INVALID, FAULT_MAX };

struct mdev {
	struct mdev *next;
	char *bus, *name;
	struct device *facts; /* NULL: a mock, or a VF that the model made */
	struct mgroup *group; /* NULL none */
	struct munit *unit;   /* NULL none */
	char *driver;	      /* NULL none */
	bool counted;	      /* its driver holds a use of the group */
	unsigned opens;	      /* descriptors of ours */
	bool is_vf, has_pri, has_ats;
	unsigned pasid_bits;  /* of the device; 0 none */
	bool pasid_exec, pasid_priv;
	unsigned n_msi;	      /* vectors */
	unsigned msi_lost;    /* interrupts that tries without an attach have cost it */
	uint8_t *config;      /* once somebody has looked; NULL: as in the facts */
	unsigned vf_nr;	      /* of a VF that the model made */
	bool vf_autoprobe;
	struct mdev *pf;
	/* mock */
	bool mock;
	unsigned mock_flags;
	int mock_id;
	uint32_t cache[MOCK_DEV_CACHE_NUM];
	bool pasid_1024_fails;
	struct viommu *viommu; /* whose nested domain it is attached to */
	uint64_t vdev_id;
	struct fault_group *partial; /* requests whose last one has not come, one each */
	unsigned answered[FAULT_MAX]; /* page request groups, by how */
};

/* --- descriptors ---------------------------------------------------------------------------------------------- */

struct irq {
	uint32_t vector;
	bool armed;
};

/* One opened device. */
struct handle {
	struct handle *next;
	uint32_t id;
	struct mdev *dev;
	struct idev *idev; /* NULL: not bound */
	struct selftest *selftest;
	uint32_t own_ioas; /* mock: made for it alone; 0 none */
	bool attached, legacy;
	VEC(uint32_t) pasids;
	VEC(struct irq) irqs;
	unsigned irqs_up; /* vectors below are set up, armed or not */
};

/* The type1 container of a group that is open the old way; its devices share it. */
struct container {
	unsigned users;
	struct ranges maps; /* struct range each, on the heap */
	struct domain domain;
};

/* --- the model ------------------------------------------------------------------------------------------------ */

struct model {
	struct backend backend;
	struct ctx *ctx;
	struct source *base;
	struct model_options opt;
	struct host *host; /* facts of the base, as they were when the model began */
	struct overlay *overlay;
	struct mgroup *groups; /* by number */
	struct munit *units;
	struct mdev **dev_buckets;
	size_t n_devs, n_buckets;
	struct munit *mock_unit;
	bool isolated_msi, unsafe_interrupts;
	uint64_t page; /* bytes in a page of the machine's kernel: 4, 16 or 64 KiB */
	VEC(struct obj *) objs; /* by id; [0] is never used */
	size_t free_hint, n_objs;
	VEC(struct handle *) handles; /* by id - 1 */
	struct ioas *vfio_ioas;
	bool rlimit_mm;
	unsigned n_mocks;
	bool probed; /* lacks is known */
	bool lacks[PROBE_IOCTL_MAX];
};

#define to_model(b) ((struct model *)(b))

/* --- objects.c ------------------------------------------------------------------------------------------------ */

/* Gives @size zeroed bytes the lowest free id. Never fails. */
void *obj_new(struct model *m, size_t size, enum obj_type type);

/* The object with that id, of that type (OBJ_ANY: any); NULL: there is none. */
void *obj_get(struct model *m, uint32_t id, enum obj_type type);

/* Takes it out of the table and frees it: what destroy functions end with. @tombstone: its id stays taken. */
void obj_free(struct model *m, struct obj *o, bool tombstone);

/* 0; -EBUSY: it has users. Frees what the object holds. */
int obj_destroy(struct model *m, struct obj *o);

/* Destroys all objects, whatever their order; descriptors are closed already. */
void objs_close(struct model *m);

/* --- board.c ------------------------------------------------------------------------------------------------ */

/* Reads the base's facts into units, groups and devices. Errors are noted. */
int board_load(struct model *m);
void board_free(struct model *m);

/* NULL: there is none. */
struct mdev *board_dev(struct model *m, const char *bus, const char *name);
struct mgroup *board_group(struct model *m, uint32_t id);

/* A new device, empty but for its name, in no group yet; and out again. */
struct mdev *board_add_dev(struct model *m, const char *bus, const char *name);
void board_drop_dev(struct model *m, struct mdev *dev);

/* A group with the lowest free number, as ida_alloc() gives it. */
struct mgroup *board_add_group(struct model *m);
/* Frees it; its devices have left it. */
void board_drop_group(struct model *m, struct mgroup *g);
/* The device is in no group yet. */
void board_join(struct mgroup *g, struct mdev *dev);

/* How many virtual functions are on. */
unsigned board_vfs(struct model *m, const struct mdev *pf);

/* A device of the selftest's in a group of its own, and out again with it. @flags: as iommu_test_cmd has them (MOCK_FLAGS_DEVICE_*). */
struct mdev *board_add_mock(struct model *m, unsigned flags);
void board_drop_mock(struct model *m, struct mdev *dev);


/* --- groups.c: who owns a group (drivers/iommu/iommu.c) ------------------------------------------------------------ */

/* A driver with DMA of the kernel's is bound: iommu_device_use_default_domain(). -EBUSY: somebody else owns the group. */
int group_use_dma(struct mgroup *g);
void group_unuse_dma(struct mgroup *g);
/* iommu_device_claim_dma_owner(), iommu_group_claim_dma_owner(). -EPERM: it is owned; -EINVAL: a region has to stay mapped. */
int group_claim(struct mgroup *g, enum owns who);
void group_release(struct mgroup *g);
/* What a write of @type to the group's file "type" does (iommu_group_store_type()): -ENOENT no such group, -EINVAL, -EPERM it is used or empty. */
int model_set_group_type(struct backend *b, uint32_t group, const char *type);

/* NULL: nothing is attached there. */
struct attach *group_attach(const struct mgroup *g, uint32_t pasid);

/* --- drivers.c ---------------------------------------------------------------------------------------------------- */

/* Of struct backend_ops, and as described there. */
int model_set_override(struct backend *b, const char *bus, const char *dev, const char *driver);
int model_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms, pid_t *ret_pid);
int model_bind(struct backend *b, const char *bus, const char *dev, const char *driver);
int model_load_module(struct backend *b, const char *name);
int model_module_options(struct backend *b, const char *name, struct arena *a, const char **ret);
int model_watch_nodes(struct backend *b);
int model_wait_node(struct backend *b, const char *node, int timeout_ms);
int model_set_vfs(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid);
int model_set_vf_autoprobe(struct backend *b, const char *dev, bool on);

/* --- overlay.c: the facts ------------------------------------------------------------------------------------------ */

/* The base's facts with what has changed over them; the caller's to close. */
struct source *overlay_new(struct model *m);
/* The model is going; the source stays readable until it is closed. */
void overlay_detach(struct overlay *o);
/* Something changed that is in no file: the ownership section is the model's from now on. */
void overlay_mark(struct overlay *o);

/*
 * What differs from the base, by paths without links in them ("sys/devices/…"); the directories on the way are made. Removing a
 * directory hides what is below it.
 */
void overlay_file(struct overlay *o, const char *path, const char *text);
void overlay_bytes(struct overlay *o, const char *path, const void *data, size_t len);
void overlay_link(struct overlay *o, const char *path, const char *target);
void overlay_dir(struct overlay *o, const char *path);
void overlay_remove(struct overlay *o, const char *path);

/* Takes back a removal, with what is below: the base's is seen again. */
void overlay_show(struct overlay *o, const char *path);

/* The path with all links in it followed; -ENOENT and so on. */
int overlay_real(struct overlay *o, const char *path, char *ret, size_t size);

/* overlay-facts.c: shows what the model did to a device or a group; SECTION_OWNERSHIP as the model counts. */
void facts_driver(struct model *m, const struct mdev *dev, const char *was);
void facts_type(struct model *m, const struct mgroup *g);
void facts_vfio_device(struct model *m, const struct mdev *dev, bool there);
void facts_vfio_group(struct model *m, const struct mgroup *g, bool there);
void facts_mock(struct model *m, const struct mdev *dev, bool there);
void facts_vf(struct model *m, const struct mdev *vf, unsigned nr, bool there);
void facts_vfs(struct model *m, const struct mdev *pf, unsigned n);
/* @nth: of its sisters, from 1. */
void facts_unit(struct model *m, const struct munit *u, const struct munit *like, unsigned nth);
void facts_unit_of(struct model *m, const struct mdev *dev);
int facts_ownership(struct model *m, struct json_object **ret);
/* overlay-holders.c: whether the model has devices open; SECTION_HOLDERS with this process as their holder. -ENOMEM. */
bool facts_has_holders(const struct model *m);
int facts_holders(struct model *m, struct ctx *ctx, struct json_object **ret);
/* overlay-inject.c: what the options change in files. */
void facts_inject(struct model *m);
/* Ids of domains that the unit's groups take now, by what the model counts. */
unsigned facts_domains(const struct model *m, const struct munit *u);

/* model.c: whether the machine's kernel is known to be one without this ioctl of iommufd. The selftest's is a matter of the options. */
bool model_lacks(struct model *m, enum probe_ioctl i);

/*
 * What came into the kernel in one release with an ioctl, and cannot be asked for by itself: with virtual IOMMUs (6.13) queues on page
 * tables of the kernel's own, and objects of any type at HWPT_INVALIDATE; with their events (6.15) attachments of PASIDs. tests/conformance
 * holds that against a kernel before and one after.
 */
static inline bool before_viommus(struct model *m)
{
	return model_lacks(m, PROBE_VIOMMU_ALLOC);
}

static inline bool before_pasids(struct model *m)
{
	return model_lacks(m, PROBE_VEVENTQ_ALLOC);
}

/* --- operations ------------------------------------------------------------------------------------------------ */

#define OP(x) int model_##x(struct backend *b, struct op_##x *op, struct op_data *d);
OP(destroy) OP(device_open) OP(device_close) OP(device_attach) OP(device_detach) OP(device_hwinfo) OP(device_irq) OP(device_region)
OP(ioas_alloc) OP(ioas_map) OP(ioas_unmap) OP(ioas_copy) OP(ioas_ranges) OP(ioas_allow)
OP(option) OP(change_process) OP(vfio_ioas) OP(hwpt_alloc) OP(hwpt_invalidate) OP(dirty_set) OP(dirty_get)
OP(viommu_alloc) OP(vdevice_alloc) OP(hwqueue_alloc) OP(veventq_alloc) OP(veventq_read)
OP(faultq_alloc) OP(faultq_read) OP(faultq_respond) OP(raw) OP(probe) OP(queue_fd)
OP(legacy_map) OP(legacy_unmap)
OP(mock_reserved) OP(mock_fault) OP(mock_dirty) OP(mock_iotlb) OP(mock_cache) OP(mock_event)
#undef OP

/* --- devices.c ----------------------------------------------------------------------------------------------------- */

/* -ENODEV: no such descriptor. */
int handle_get(struct model *m, uint32_t id, struct handle **ret);
/* The same, bound; -ENOENT: it is not. */
int handle_bound(struct model *m, uint32_t id, struct handle **ret);
/* The same, and its registers and interrupts can be had: -EOPNOTSUPP a selftest's has none; -EINVAL it is not bound. */
int handle_usable(struct model *m, uint32_t id, struct handle **ret);
/* An open descriptor of the device, not bound to an iommufd. */
struct handle *handle_new(struct model *m, struct mdev *dev);
/* Detaches, unbinds and frees; a mock device goes with it. */
void handle_close(struct model *m, struct handle *h);
/* iommufd_device_bind(): -EINVAL not coherent; -ENODEV behind no IOMMU; -EPERM no isolated interrupts; and what group_claim() says. */
int idev_bind(struct model *m, struct mdev *dev, struct idev **ret);
void idev_destroy(struct model *m, struct idev *idev);

/* mock.c */
/* A selftest's device for `device open mock`, and its end. What mock_make() and handle_close() say. */
int mock_open(struct model *m, struct op_device_open *op);
int mock_close(struct model *m, struct handle *h);
/* A device attached to *@pt_id, which becomes the page table. */
int mock_make(struct model *m, unsigned flags, uint32_t *pt_id, struct handle **ret);
/* IOMMU_TEST_CMD: -EOPNOTSUPP for what the model has not. */
int mock_test(struct model *m, struct iommu_test_cmd *c);

/* legacy.c: a group and its container */
/* Opens the device by its group; the first one claims it for a container of type 1. -ENOENT no group; -EBUSY it is open otherwise; -EPERM; what the driver says. */
int legacy_open(struct model *m, struct handle *h);
/* A device of the group less; with the last one its container and the claim go. */
void container_put(struct mgroup *g);

/* --- ioas.c, iopt.c --------------------------------------------------------------------------------------------------- */

/* Empty, and an object of the model's. */
struct ioas *ioas_new(struct model *m);
/* With its maps; no page table is on it any more. */
void ioas_free(struct model *m, struct ioas *ioas);
/* A user of pinned memory less. */
void pages_put(struct pages *p);
/* A map that is out of its address space already. */
void area_free(struct area *a);

/* What is to be mapped: an address, or a place in a file. */
struct memory {
	uint64_t start;
	bool file, bad_fd;
	int pin_err;
};

/* IOAS_MAP and IOAS_MAP_FILE; where it is now in *@ret_iova. */
int ioas_map_memory(struct model *m, const struct op_ioas_map *op, const struct memory *mem, uint64_t *ret_iova);

/* Takes a part of the address space away. -EADDRINUSE: a map, or what is allowed, lies in it. */
int iopt_reserve(struct ioas *ioas, uint64_t start, uint64_t last, const void *owner);
void iopt_unreserve(struct ioas *ioas, const void *owner);

/* A device's reserved regions; on failure none of them. */
int iopt_reserve_device(struct ioas *ioas, const struct mdev *dev);

/* A page table joins: alignment, aperture, and the maps that are there. On failure nothing has changed. */
int iopt_add_domain(struct ioas *ioas, struct hwpt *h);
void iopt_remove_domain(struct ioas *ioas, struct hwpt *h);

/* -EADDRINUSE: a map does not fit the new alignment. */
int iopt_align(struct ioas *ioas);

/* The area at @iova, if it goes on to @last without a gap in this and the following ones. */
struct area *iopt_contig(const struct ioas *ioas, uint64_t iova, uint64_t last);

/* --- hwpt.c, attach.c ------------------------------------------------------------------------------------------------ */

/* A driver's data beside an operation. */
struct user_data {
	uint32_t type;
	const void *data; /* NULL with @len: memory that cannot be read */
	size_t len;
};

/* Copies a struct of a driver: of @min bytes at least, what is beyond @size must be zero. -EINVAL, -E2BIG, -EFAULT. */
int user_data_copy(const struct user_data *u, uint32_t type, void *ret, size_t size, size_t min);

/* With @attach, the device is attached to it by that PASID before its IOAS is told of it. */
int hwpt_alloc_paging(struct model *m, struct ioas *ioas, struct idev *idev, uint32_t flags, const struct user_data *u,
		      const uint32_t *attach, struct hwpt **ret);
/* IOMMU_HWPT_ALLOC: on an ioas, a stage-2 or a viommu. Its errnos, each in its place in the code. */
int hwpt_alloc_any(struct model *m, uint32_t dev_id, uint32_t pt_id, uint32_t flags, uint32_t fault_id,
		   const struct user_data *u, struct hwpt **ret);
/* It has no users; out of its ioas with it. */
void hwpt_free(struct model *m, struct hwpt *h);
/* The page table that maps for it: itself, or the nested one's parent. */
struct hwpt *hwpt_paging(struct hwpt *h);
/* A user less; an automatic one without users goes. */
void hwpt_put(struct model *m, struct hwpt *h);

/*
 * iommufd_hw_pagetable_attach(): the device, and its group with the first one. -EBUSY it is attached; -EINVAL the group is on another one, or the driver
 * does not take it; -EADDRINUSE its reserved regions are in the way.
 */
int attach_hwpt(struct idev *idev, uint32_t pasid, struct hwpt *h);
/* The page table keeps the reference, for the caller to put. NULL: it was not attached. */
struct hwpt *detach_hwpt(struct idev *idev, uint32_t pasid);

/*
 * VFIO_DEVICE_ATTACH_IOMMUFD_PT to *@pt_id, an ioas or a page table; it becomes the page table's. What is attached is replaced by the second one. As
 * attach_hwpt(), and -ENOENT there is no such object.
 */
int attach_device(struct model *m, struct idev *idev, uint32_t pasid, uint32_t *pt_id);
int replace_device(struct model *m, struct idev *idev, uint32_t pasid, uint32_t *pt_id);
/* Nothing, when it is not attached there. */
void detach_device(struct model *m, struct idev *idev, uint32_t pasid);

/* --- dirty.c ------------------------------------------------------------------------------------------------------- */

/* What was written to in that range is not noted any more; and a write to the page at @iova is, if something is mapped there. */
void dirty_forget(struct hwpt *h, uint64_t start, uint64_t last);
void dirty_mark(struct hwpt *h, uint64_t iova);

/* --- viommu.c, events.c, invalidate.c ---------------------------------------------------------------------------------- */

/* The ioctls behind their operations: idev NULL or ids 0 for what is not there. */
int viommu_new(struct model *m, struct idev *idev, struct op_viommu_alloc *op, const struct user_data *u, struct op_data *d);
int vdevice_new(struct model *m, uint32_t viommu_id, uint32_t dev_id, uint64_t virt_id, uint32_t *ret);

/* None has users. @keep_id: its device is gone, and its number stays taken until it is destroyed. */
void viommu_free(struct model *m, struct viommu *v);
void vdevice_free(struct model *m, struct vdevice *v, bool keep_id);
void hwqueue_free(struct model *m, struct hwqueue *q);
void veventq_free(struct model *m, struct veventq *q);
/* -ENOENT: the device has no id inside that viommu. */
int viommu_vdev_id(const struct viommu *v, const struct mdev *dev, uint64_t *ret);
struct vdevice *viommu_find(const struct viommu *v, uint64_t virt_id);
/* -EOPNOTSUPP: nobody made a queue for that type. */
int viommu_report(struct viommu *v, uint32_t type, const void *data, size_t len);

/* An array of entries of a driver's; @n is in how many there are, and out how many are done. */
struct inv_array {
	uint32_t type, entry_len, n;
	const uint8_t *data; /* NULL: cannot be read */
};

/* Entry @at into @ret as user_data_copy() does it. -EINVAL: another type. */
int inv_copy(const struct inv_array *a, uint32_t type, uint32_t at, void *ret, size_t size, size_t min);
/* IOMMU_HWPT_INVALIDATE on page table or viommu @id; a->n is then how many were done. -ENOENT, -EINVAL, and the driver's own. */
int invalidate(struct model *m, uint32_t id, struct inv_array *a);

/* --- faults.c -------------------------------------------------------------------------------------------------------- */

/* No page table sends to it any more. What waits is answered invalid. */
void faultq_free(struct model *m, struct faultq *q);

/* A descriptor that polls readable while a queue has something, made on first use; and whether it does. */
int queue_fd_new(int *fd, bool ready, int *ret);
void queue_fd_set(int fd, bool ready);
/* What waits because of this attach is answered invalid. */
void faults_drain(struct hwpt *h, const struct attach *a);
/* Groups whose last request has not come are dropped, as the kernel does with a device's iopf parameters. */
void faults_forget_partial(struct mdev *dev);
/* After a move: devices whose page requests are off now hold none back. */
void faults_settle(struct mgroup *g);

/* A page request as the device's IOMMU reports it (iommu_report_device_fault()). @last: of its group. */
struct page_request {
	uint32_t pasid, grpid, perm;
	bool has_pasid, last;
	uint64_t addr;
};

/* 0; -EINVAL: nobody takes it, and it was answered invalid. */
int faults_report(struct mdev *dev, const struct page_request *req);

/* --- profiles: what the drivers of the kernel do -------------------------------------------------------------------- */

struct profile {
	const char *name;
	bool takes_flags;      /* has domain_alloc_paging_flags */
	bool user_pasid_table; /* page requests of any PASID go to the nested domain */
	uint32_t hwinfo_type;
	/* Fill in @ret, whose profile and unit are set. */
	int (*alloc_paging)(const struct mdev *dev, uint32_t flags, const struct user_data *u, struct domain *ret);
	int (*alloc_nested)(const struct mdev *dev, const struct domain *parent, uint32_t flags, const struct user_data *u,
			    struct domain *ret);
	/* Whether the driver takes the device there; changes what it remembers of it. */
	int (*attach)(const struct hwpt *h, struct mdev *dev);
	/* NULL: takes no PASIDs. @h NULL: it is detached. */
	int (*set_pasid)(const struct hwpt *h, struct mdev *dev, uint32_t pasid);
	void (*detached)(struct mdev *dev); /* blocked again; NULL: nothing to remember */
	bool (*enforces_snoop)(const struct mdev *dev);
	bool (*tracks_dirty)(const struct mdev *dev);
	bool (*takes_ats)(const struct mdev *dev);
	/* Up to 64 bytes; NULL: the driver tells nothing. */
	size_t (*hwinfo)(const struct mdev *dev, void *ret);
	int (*invalidate)(struct domain *d, struct inv_array *a);
	/* viommu: NULL has none. */
	bool (*viommu_type)(const struct mdev *dev, uint32_t type);
	/* @u NULL: no data. What the driver answers is put over @d's output. */
	int (*viommu_init)(struct model *m, struct viommu *v, const struct user_data *u, struct op_data *d);
	int (*viommu_nested)(struct viommu *v, uint32_t flags, const struct user_data *u, struct domain *ret);
	int (*viommu_invalidate)(struct viommu *v, struct inv_array *a);
	uint32_t hwqueue_type; /* 0 none */
};

extern const struct profile profile_vtd, profile_amd, profile_smmuv3, profile_virtio, profile_mock, profile_other;

/* Reads what the unit's registers say, less what the options take away. */
void profile_read_unit(struct model *m, struct munit *u);
void vtd_read_unit(struct model *m, struct munit *u);
void amd_read_unit(struct model *m, struct munit *u);

/* The last address of so many bits. */
uint64_t last_of_width(unsigned bits);

/* PASID bits that device and unit have both; 0: PASIDs are not on. */
unsigned profile_pasid_log2(const struct mdev *dev);

#endif
