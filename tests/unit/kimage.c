// SPDX-License-Identifier: GPL-2.0-or-later
#include "kimage.h"

#include <endian.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>

#include "base/str.h"

#define MUST(x)                    \
	do {                       \
		if (!(x))          \
			abort();   \
	} while (0)

/* -- types ----------------------------------------------------------------------------------------------------------- */

struct builder {
	struct btf *btf;
	int ptr, u8, u32, u64, array_ptr, array_char;
	unsigned without;
	unsigned n; /* structures so far: each starts with another gap */
};

enum { P = 'P', N = 'N', B = 'B', E = 'E' }; /* the kinds of fields.h */

static const struct {
	const char *type, *member;
	char kind;
} fields[KF_MAX] = {
#define X(id, type, member, kind) { type, member, kind },
	KMEM_FIELDS(X)
#undef X
};

/* In which order: what is embedded comes before what embeds it. */
static const char *const types[] = {
	"list_head",	 "kobject",	  "kset",	   "xarray",	    "xa_node",	     "iommufd_object", "bus_type",
	"device_driver", "device",	  "pci_driver",	   "iommu_group",   "group_device",  "iommu_dma_cookie", "iommu_domain",
	"vfio_group",	 "iommufd_ctx",	  "iommufd_device", "file",	    "fdtable",	     "files_struct",   "signal_struct",
	"task_struct",	 "vfio_device",	  "vfio_device_file", "iommufd_ioas", "iommufd_hw_pagetable", "iommufd_hwpt_paging",
	"iommufd_hwpt_nested", "iommufd_group", "iommufd_attach", "iommufd_viommu", "iommufd_vdevice", "iommufd_eventq", "iommufd_fault",
	"iommufd_veventq", "iommufd_access", "iommufd_hw_queue",
};

/* What the embedded members are. */
static int embedded(struct builder *b, enum kfield f)
{
	switch (f) {
	case KF_XA_SLOTS:
		return b->array_ptr;
	case KF_TASK_COMM:
		return b->array_char;
	case KF_GROUP_KOBJ:
	case KF_DEVICE_KOBJ:
		return btf__find_by_name(b->btf, "kobject");
	case KF_PCI_DRIVER:
		return btf__find_by_name(b->btf, "device_driver");
	case KF_CTX_OBJECTS:
	case KF_IGROUP_ATTACH:
	case KF_ATTACH_DEVICES:
		return btf__find_by_name(b->btf, "xarray");
	case KF_PAGING_COMMON:
	case KF_NESTED_COMMON:
		return btf__find_by_name(b->btf, "iommufd_hw_pagetable");
	case KF_FAULT_COMMON:
	case KF_VEVENTQ_COMMON:
		return btf__find_by_name(b->btf, "iommufd_eventq");
	case KF_IDEV_OBJ:
	case KF_IOAS_OBJ:
	case KF_HWPT_OBJ:
	case KF_VIOMMU_OBJ:
	case KF_VDEVICE_OBJ:
	case KF_EVENTQ_OBJ:
	case KF_FAULT_OBJ:
	case KF_ACCESS_OBJ:
	case KF_HWQ_OBJ:
		return btf__find_by_name(b->btf, "iommufd_object");
	default:
		return btf__find_by_name(b->btf, "list_head");
	}
}

static bool left_out(const struct builder *b, enum kfield f)
{
	static const enum kfield newer[] = { KF_GROUP_RECOVERY_CNT, KF_GDEV_BLOCKED, KF_DOMAIN_COOKIE_TYPE, KF_VDF_DEVICE, KF_VDF_IOMMUFD,
					     KF_IGROUP_ATTACH, KF_FAULT_COMMON };
	static const enum kfield older[] = { KF_IOVA_COOKIE_TYPE, KF_IGROUP_HWPT, KF_IGROUP_DEVICES, KF_FAULT_OBJ, KF_HWPT_IOAS, KF_HWPT_AUTO };

	if (b->without & KIMAGE_WITHOUT_OWNER && (f == KF_GROUP_OWNER || f == KF_GROUP_OWNER_CNT))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(newer); i++)
		if (b->without & KIMAGE_WITHOUT_NEW && f == newer[i])
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(older); i++)
		if (!(b->without & KIMAGE_WITHOUT_NEW) && f == older[i])
			return true;
	return false;
}

static int type_of(struct builder *b, enum kfield f)
{
	static const enum kfield bytes[] = { KF_PCI_MANAGED, KF_DOMAIN_FORCED, KF_GDEV_BLOCKED, KF_XA_SHIFT, KF_XA_OFFSET };
	static const enum kfield longs[] = { KF_DOMAIN_PGSIZES, KF_DOMAIN_START, KF_DOMAIN_END, KF_VDEVICE_ID };

	if (fields[f].kind == 'B')
		return b->u8;
	if (fields[f].kind != 'N')
		return fields[f].kind == 'P' ? b->ptr : embedded(b, f);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		if (bytes[i] == f)
			return b->u8;
	for (size_t i = 0; i < ARRAY_SIZE(longs); i++)
		if (longs[i] == f)
			return b->u64;
	return b->u32;
}

/* Members that are inside another: the structure in between, or an anonymous union. */
static int add_geometry(struct builder *b)
{
	int id = btf__add_struct(b->btf, "iommu_domain_geometry", 24);

	MUST(btf__add_field(b->btf, "aperture_start", b->u64, 0, 0) == 0);
	MUST(btf__add_field(b->btf, "aperture_end", b->u64, 64, 0) == 0);
	MUST(btf__add_field(b->btf, "force_aperture", b->u8, 128, 0) == 0);
	return id;
}

static int add_users(struct builder *b)
{
	int atomic = btf__add_struct(b->btf, NULL, 4), refs, id;

	MUST(btf__add_field(b->btf, "counter", b->u32, 0, 0) == 0);
	refs = btf__add_struct(b->btf, "refcount_struct", 4);
	MUST(btf__add_field(b->btf, "refs", atomic, 0, 0) == 0);
	id = btf__add_typedef(b->btf, "refcount_t", refs);
	MUST(id > 0);
	return id;
}

static int add_cookies(struct builder *b)
{
	int id = btf__add_union(b->btf, NULL, 8);

	MUST(btf__add_field(b->btf, "iova_cookie", b->ptr, 0, 0) == 0);
	MUST(btf__add_field(b->btf, "msi_cookie", b->ptr, 0, 0) == 0);
	return id;
}

static void add_type(struct builder *b, const char *name)
{
	uint32_t at = 8 * (1 + b->n++ % 5);
	int geometry = 0, cookies = 0, users = streq(name, "iommufd_object") ? add_users(b) : 0, bits = 0;

	if (streq(name, "iommu_domain")) {
		geometry = add_geometry(b);
		cookies = add_cookies(b);
	}
	MUST(btf__add_struct(b->btf, name, 1024) > 0);
	for (int f = 0; f < KF_MAX; f++) {
		int type;

		if (!streq(fields[f].type, name) || strchr(fields[f].member, '.') || f == KF_DOMAIN_IOVA_COOKIE ||
		    left_out(b, (enum kfield)f))
			continue;
		type = type_of(b, (enum kfield)f);
		/* bits of one byte, as the kernel has them: from the second on, so that a byte read whole is wrong */
		if (fields[f].kind == 'B') {
			MUST(btf__add_field(b->btf, fields[f].member, type, at * 8 + (uint32_t)++bits, 1) == 0);
			continue;
		}
		MUST(type > 0 && btf__add_field(b->btf, fields[f].member, type, at * 8, 0) == 0);
		at = (uint32_t)((at + (size_t)btf__resolve_size(b->btf, (uint32_t)type) + 7) & ~7ull);
	}
	if (geometry) {
		MUST(btf__add_field(b->btf, "geometry", geometry, at * 8, 0) == 0);
		MUST(btf__add_field(b->btf, NULL, cookies, (at + 24) * 8, 0) == 0);
		at += 32;
	}
	if (users) {
		MUST(btf__add_field(b->btf, "users", users, at * 8, 0) == 0);
		at += 8;
	}
	at += bits ? 8 : 0;
	/* its size, now that it is known */
	((struct btf_type *)btf__type_by_id(b->btf, btf__type_cnt(b->btf) - 1))->size = at;
}

static void add_enums(struct builder *b)
{
	MUST(btf__add_enum(b->btf, "iommufd_object_type", 4) > 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_NONE", 0) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_IOAS", 3) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_DEVICE", 5) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_HWPT_PAGING", 6) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_HWPT_NESTED", 7) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_FAULT", 8) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_VIOMMU", 9) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_VDEVICE", 10) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_ACCESS", 11) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_VEVENTQ", 12) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMUFD_OBJ_MAX", 13) == 0);
	MUST(btf__add_enum(b->btf, "iommu_domain_cookie_type", 4) > 0);
	MUST(btf__add_enum_value(b->btf, "IOMMU_COOKIE_NONE", 0) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMU_COOKIE_DMA_IOVA", 1) == 0);
	MUST(btf__add_enum(b->btf, "iommu_dma_cookie_type", 4) > 0);
	MUST(btf__add_enum_value(b->btf, "IOMMU_DMA_IOVA_COOKIE", 0) == 0);
	MUST(btf__add_enum_value(b->btf, "IOMMU_DMA_MSI_COOKIE", 1) == 0);
}

static void make_types(struct kimage *k, unsigned without)
{
	struct builder b = { .btf = btf__new_empty(), .without = without };
	const void *raw;

	b.u8 = btf__add_int(b.btf, "unsigned char", 1, 0);
	b.u32 = btf__add_int(b.btf, "unsigned int", 4, 0);
	b.u64 = btf__add_int(b.btf, "unsigned long", 8, 0);
	b.ptr = btf__add_ptr(b.btf, 0);
	b.array_ptr = btf__add_array(b.btf, b.u32, b.ptr, 4);
	b.array_char = btf__add_array(b.btf, b.u32, b.u8, 16);
	add_enums(&b);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		add_type(&b, types[i]);
	raw = btf__raw_data(b.btf, &k->btf_len);
	MUST(raw);
	k->btf = malloc(k->btf_len);
	MUST(k->btf);
	memcpy(k->btf, raw, k->btf_len);
	btf__free(b.btf);
	MUST(ktypes_add(&k->types, k->btf, k->btf_len, NULL) == 0);
}

/* -- memory ------------------------------------------------------------------------------------------------------------ */

uint64_t kimage_alloc(struct kimage *k, const char *type)
{
	size_t size = 8;
	uint64_t addr = KIMAGE_BASE + k->used;

	for (int f = 0; f < KF_MAX; f++)
		if (streq(fields[f].type, type) && k->types.field[f].size)
			size = MAX(size, (size_t)k->types.field[f].offset + k->types.field[f].size);
	k->used = (k->used + size + 15) & ~(size_t)15;
	MUST(k->used <= KIMAGE_SIZE);
	return addr;
}

uint64_t kimage_bytes(struct kimage *k, const void *data, size_t n)
{
	uint64_t addr = KIMAGE_BASE + k->used;

	MUST(k->used + n + 15 <= KIMAGE_SIZE);
	memcpy(k->mem + k->used, data, n);
	k->used = (k->used + n + 15) & ~(size_t)15;
	return addr;
}

uint64_t kimage_string(struct kimage *k, const char *s)
{
	return kimage_bytes(k, s, strlen(s) + 1);
}

uint64_t kimage_at(const struct kimage *k, uint64_t base, enum kfield f)
{
	MUST(k->types.field[f].size);
	return base + k->types.field[f].offset;
}

/* The bytes of an 8-byte number that a member of so many bytes has. */
static size_t low_bytes(size_t size)
{
	return __BYTE_ORDER == __BIG_ENDIAN ? 8 - size : 0;
}

void kimage_set(struct kimage *k, uint64_t base, enum kfield f, uint64_t value)
{
	uint64_t at = kimage_at(k, base, f) - KIMAGE_BASE;
	size_t size = k->types.field[f].size;

	MUST(at + 8 <= KIMAGE_SIZE && size <= 8);
	memcpy(k->mem + at, (char *)&value + low_bytes(size), size);
}

void kimage_write64(struct kimage *k, uint64_t addr, uint64_t value)
{
	MUST(addr - KIMAGE_BASE + 8 <= KIMAGE_SIZE);
	memcpy(k->mem + (addr - KIMAGE_BASE), &value, 8);
}

uint64_t kimage_num(const struct kimage *k, uint64_t base, enum kfield f)
{
	size_t size = k->types.field[f].size;
	uint64_t v = 0;

	memcpy((char *)&v + low_bytes(size), k->mem + (kimage_at(k, base, f) - KIMAGE_BASE), size);
	return v;
}

void kimage_set_bit(struct kimage *k, uint64_t base, enum kfield f)
{
	k->mem[kimage_at(k, base, f) - KIMAGE_BASE] |= k->types.field[f].mask;
}

void kimage_list(struct kimage *k, uint64_t head)
{
	kimage_set(k, head, KF_LIST_NEXT, head);
	kimage_set(k, head, KF_LIST_PREV, head);
}

void kimage_list_add(struct kimage *k, uint64_t head, uint64_t node)
{
	uint64_t last;

	memcpy(&last, k->mem + (kimage_at(k, head, KF_LIST_PREV) - KIMAGE_BASE), 8);
	kimage_set(k, last, KF_LIST_NEXT, node);
	kimage_set(k, node, KF_LIST_PREV, last);
	kimage_set(k, node, KF_LIST_NEXT, head);
	kimage_set(k, head, KF_LIST_PREV, node);
}

/* -- a kernel ---------------------------------------------------------------------------------------------------------- */

struct kimage *kimage_new(unsigned without)
{
	struct kimage *k = calloc(1, sizeof(*k));

	MUST(k);
	k->mem = calloc(1, KIMAGE_SIZE);
	MUST(k->mem);
	k->used = 64;
	make_types(k, without);
	k->kset_pointer = kimage_alloc(k, "");
	k->kset = kimage_alloc(k, "kset");
	kimage_write64(k, k->kset_pointer, k->kset);
	kimage_list(k, kimage_at(k, k->kset, KF_KSET_LIST));
	k->init_task = kimage_alloc(k, "task_struct");
	kimage_list(k, kimage_at(k, k->init_task, KF_TASK_TASKS));
	k->bus_pci = kimage_alloc(k, "bus_type");
	kimage_set(k, k->bus_pci, KF_BUS_NAME, kimage_string(k, "pci"));
	kimage_set(k, k->bus_pci, KF_BUS_DMA_CONFIGURE, 0xffffffff81000000);
	k->group_fops = kimage_alloc(k, "");
	k->device_fops = kimage_alloc(k, "");
	k->iommufd_fops = kimage_alloc(k, "");
	k->dma_ops = kimage_alloc(k, "");
	k->fault_fops = kimage_alloc(k, "");
	return k;
}

void kimage_free(struct kimage *k)
{
	ktypes_free(&k->types);
	free(k->btf);
	free(k->mem);
	free(k);
}

uint64_t kimage_domain(struct kimage *k, uint32_t type)
{
	uint64_t d = kimage_alloc(k, "iommu_domain");

	kimage_set(k, d, KF_DOMAIN_TYPE, type);
	kimage_set(k, d, KF_DOMAIN_OPS, k->dma_ops);
	kimage_set(k, d, KF_DOMAIN_PGSIZES, 0x40201000);
	kimage_set(k, d, KF_DOMAIN_END, 0xffffffffffff);
	kimage_set(k, d, KF_DOMAIN_FORCED, 1);
	return d;
}

uint64_t kimage_group(struct kimage *k, uint32_t id)
{
	uint64_t g = kimage_alloc(k, "iommu_group");
	uint64_t kobj = kimage_at(k, g, KF_GROUP_KOBJ);
	uint64_t domain = kimage_domain(k, 3);
	char name[16];

	snprintf(name, sizeof(name), "%u", id);
	kimage_set(k, kobj, KF_KOBJ_NAME, kimage_string(k, name));
	kimage_set(k, kobj, KF_KOBJ_KSET, k->kset);
	kimage_list_add(k, kimage_at(k, k->kset, KF_KSET_LIST), kimage_at(k, kobj, KF_KOBJ_ENTRY));
	kimage_list(k, kimage_at(k, g, KF_GROUP_DEVICES));
	kimage_set(k, g, KF_GROUP_ID, id);
	kimage_set(k, g, KF_GROUP_DEFAULT_DOMAIN, domain);
	kimage_set(k, g, KF_GROUP_DOMAIN, domain);
	return g;
}

uint64_t kimage_device(struct kimage *k, uint64_t group, const char *name, const char *driver, bool managed)
{
	uint64_t dev = kimage_alloc(k, "device");
	uint64_t gdev = kimage_alloc(k, "group_device");

	kimage_set(k, kimage_at(k, dev, KF_DEVICE_KOBJ), KF_KOBJ_NAME, kimage_string(k, name));
	kimage_set(k, dev, KF_DEVICE_BUS, k->bus_pci);
	kimage_set(k, dev, KF_DEVICE_GROUP, group);
	kimage_set(k, gdev, KF_GDEV_DEV, dev);
	kimage_list_add(k, kimage_at(k, group, KF_GROUP_DEVICES), kimage_at(k, gdev, KF_GDEV_LIST));
	if (driver) {
		uint64_t drv = kimage_alloc(k, "pci_driver");
		uint64_t core = kimage_at(k, drv, KF_PCI_DRIVER);

		kimage_set(k, core, KF_DRIVER_NAME, kimage_string(k, driver));
		kimage_set(k, drv, KF_PCI_MANAGED, managed);
		kimage_set(k, dev, KF_DEVICE_DRIVER, core);
	}
	return dev;
}

uint64_t kimage_task(struct kimage *k, int pid, const char *comm, size_t fds)
{
	uint64_t t = kimage_alloc(k, "task_struct");
	uint64_t files = kimage_alloc(k, "files_struct");
	uint64_t fdt = kimage_alloc(k, "fdtable"), signal = kimage_alloc(k, "signal_struct");
	uint64_t none[64] = { 0 };

	MUST(fds <= ARRAY_SIZE(none));
	kimage_set(k, t, KF_TASK_TGID, (uint64_t)pid);
	memcpy(k->mem + (kimage_at(k, t, KF_TASK_COMM) - KIMAGE_BASE), comm, MIN(strlen(comm), 15));
	kimage_set(k, t, KF_TASK_FILES, files);
	kimage_set(k, t, KF_TASK_SIGNAL, signal);
	kimage_list(k, kimage_at(k, signal, KF_SIGNAL_THREADS));
	kimage_list_add(k, kimage_at(k, signal, KF_SIGNAL_THREADS), kimage_at(k, t, KF_TASK_THREAD));
	kimage_set(k, files, KF_FILES_FDT, fdt);
	kimage_set(k, fdt, KF_FDT_MAX, fds);
	kimage_set(k, fdt, KF_FDT_FD, kimage_bytes(k, none, fds * sizeof(*none)));
	kimage_list_add(k, kimage_at(k, k->init_task, KF_TASK_TASKS), kimage_at(k, t, KF_TASK_TASKS));
	return t;
}

uint64_t kimage_thread(struct kimage *k, uint64_t leader, uint64_t files)
{
	uint64_t t = kimage_alloc(k, "task_struct");

	kimage_set(k, t, KF_TASK_TGID, kimage_num(k, leader, KF_TASK_TGID));
	kimage_set(k, t, KF_TASK_FILES, files);
	kimage_list_add(k, kimage_at(k, kimage_num(k, leader, KF_TASK_SIGNAL), KF_SIGNAL_THREADS), kimage_at(k, t, KF_TASK_THREAD));
	return t;
}

/* A context's file points to it, and it to its first one. */
static void own_file(struct kimage *k, uint64_t file, uint64_t fops, uint64_t ctx)
{
	if (fops == k->iommufd_fops && ctx - KIMAGE_BASE < k->used && !kimage_num(k, ctx, KF_CTX_FILE))
		kimage_set(k, ctx, KF_CTX_FILE, file);
}

void kimage_file(struct kimage *k, uint64_t task, size_t fd, uint64_t fops, uint64_t private_data)
{
	uint64_t file = kimage_alloc(k, "file");
	uint64_t fdt = kimage_num(k, kimage_num(k, task, KF_TASK_FILES), KF_FILES_FDT);

	kimage_set(k, file, KF_FILE_OPS, fops);
	kimage_set(k, file, KF_FILE_PRIVATE, private_data);
	own_file(k, file, fops, private_data);
	kimage_write64(k, kimage_num(k, fdt, KF_FDT_FD) + fd * 8, file);
}

/* -- the image ----------------------------------------------------------------------------------------------------------- */

static void add_record(struct strbuf *b, uint32_t kind, const char *name, uint64_t addr, const void *data, uint64_t len)
{
	uint32_t head[2] = { htole32(kind), htole32((uint32_t)strlen(name)) };
	uint64_t tail[2] = { htole64(addr), htole64(len) };

	strbuf_add(b, head, sizeof(head));
	strbuf_add(b, tail, sizeof(tail));
	strbuf_add(b, name, strlen(name));
	strbuf_add(b, data, len);
}

void *kimage_image(const struct kimage *k, size_t *ret_len)
{
	const struct {
		const char *name;
		uint64_t addr;
	} symbols[] = {
		{ "iommu_group_kset", k->kset_pointer }, { "init_task", k->init_task },	   { "iommufd_fops", k->iommufd_fops },
		{ "vfio_group_fops", k->group_fops },	 { "vfio_device_fops", k->device_fops }, { "made_up_domain_ops", k->dma_ops },
		{ "iommufd_fault_fops", k->fault_fops },
	};
	struct strbuf b = { 0 };

	strbuf_add(&b, "IOMMUKM1", 8);
	add_record(&b, 3, "vmlinux", 0, k->btf, k->btf_len);
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
		add_record(&b, 2, symbols[i].name, symbols[i].addr, "d", 1);
	add_record(&b, 1, "", KIMAGE_BASE, k->mem, k->used);
	*ret_len = b.len;
	return b.s;
}

int kimage_core(uint64_t vaddr, size_t len, unsigned char class, uint16_t type, size_t cut)
{
	Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class,
				     __BYTE_ORDER == __BIG_ENDIAN ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT }, .e_type = type,
			  .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_offset = 4096, .p_vaddr = vaddr, .p_filesz = len, .p_memsz = len };
	char *data = calloc(1, 4096 + len);
	FILE *f = tmpfile();
	int fd;

	MUST(data && f);
	memcpy(data, &eh, sizeof(eh));
	memcpy(data + sizeof(eh), &ph, sizeof(ph));
	for (size_t i = 0; i < len; i++)
		data[4096 + i] = (char)(i * 7 >> 3);
	fwrite(data, 1, MIN(cut, 4096 + len), f);
	fflush(f);
	free(data);
	fd = dup(fileno(f));
	fclose(f);
	return fd;
}
