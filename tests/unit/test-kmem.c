// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading a kernel's memory: types, symbols, memory, the walk; on a made-up kernel, whole and broken. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <bpf/btf.h>
#include <elf.h>

#include "base/str.h"
#include "kimage.h"
#include "kmem/iommufd.h"
#include "kmem/walk.h"

/* What opening a kcore fails with; 0: nothing. See tests/unit/Makemodule.am. */
static int kcore_errno;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	if (kcore_errno && strends(path, "/proc/kcore")) {
		errno = kcore_errno;
		return -1;
	}
	return __real_open(path, flags, 0600);
}

int __wrap_open64(const char *path, int flags, ...)
{
	return __wrap_open(path, flags);
}

struct fixture {
	struct kimage *k;
	void *image;
	struct kmem *kmem;
	struct arena arena;
	struct ownership *o;
};

/* Walks what was built so far. */
static void walk(struct fixture *f)
{
	size_t len;

	f->image = kimage_image(f->k, &len);
	assert_int_equal(kmem_open_image(f->image, len, &f->kmem), 0);
	f->o = arena_new(&f->arena, struct ownership);
	f->o->arena = &f->arena;
	walk_kernel(f->kmem, f->o);
}

static void done(struct fixture *f)
{
	kmem_free(f->kmem);
	free(f->image);
	arena_free(&f->arena);
	kimage_free(f->k);
}

/* -- types ------------------------------------------------------------------------------------------------------------ */

static void test_types_by_name(void **state _unused_)
{
	struct kimage *k = kimage_new(0);
	int64_t v;

	assert_true(k->types.field[KF_GROUP_OWNER_CNT].size == 4);
	assert_true(k->types.field[KF_DOMAIN_END].size == 8); /* inside another structure */
	assert_int_equal(k->types.field[KF_DOMAIN_END].offset, k->types.field[KF_DOMAIN_START].offset + 8);
	assert_int_equal(k->types.field[KF_DOMAIN_IOVA_COOKIE].size, 8); /* inside an anonymous union */
	assert_int_equal(k->types.field[KF_XA_SLOTS].count, 4);
	assert_int_equal(k->types.field[KF_AMBA_MANAGED].size, 0); /* not in this kernel */
	assert_string_equal(ktypes_word(&k->types, KE_IOMMUFD_OBJECT, 5), "device");
	assert_string_equal(ktypes_word(&k->types, KE_IOVA_COOKIE, 1), "dma-msi");
	assert_null(ktypes_word(&k->types, KE_IOMMUFD_OBJECT, 77));
	assert_int_equal(ktypes_value(&k->types, KE_DOMAIN_COOKIE, "dma-iova", &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(ktypes_value(&k->types, KE_DOMAIN_COOKIE, "nothing", &v), -ENOENT);
	assert_true(ktypes_has_struct(&k->types, "iommu_group"));
	assert_false(ktypes_has_struct(&k->types, "amba_driver"));
	assert_string_equal(kfield_name(KF_GROUP_OWNER_CNT), "iommu_group.owner_cnt");
	kimage_free(k);
}

/* Whatever is cut off: an error or fewer members, never a member at another place. */
static void test_types_truncated(void **state _unused_)
{
	struct kimage *k = kimage_new(0);
	char *copy = malloc(k->btf_len);

	for (uint32_t len = 0; len < k->btf_len; len += 7) {
		struct ktypes t = { 0 };

		memcpy(copy, k->btf, len);
		if (ktypes_add(&t, copy, len, NULL) == 0)
			for (int f = 0; f < KF_MAX; f++)
				assert_true(!t.field[f].size || t.field[f].offset == k->types.field[f].offset);
		ktypes_free(&t);
	}
	free(copy);
	kimage_free(k);
}

/* iommufd as a module: its types are in a file of their own that counts on from the kernel's. */
static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void add_struct(struct btf *b, const char *name, const char *member, int type)
{
	assert_true(btf__add_struct(b, name, 64) > 0);
	assert_int_equal(btf__add_field(b, member, type, 24 * 8, 0), 0);
}

static void test_types_of_modules(void **state _unused_)
{
	char path[] = "/tmp/test-kmem-btf-XXXXXX";
	struct btf *kernel = btf__new_empty(), *module, *base = NULL;
	int fd = mkstemp(path), ptr = btf__add_ptr(kernel, 0), u32 = btf__add_int(kernel, "unsigned int", 4, 0);
	struct ktypes t = { 0 }, alone = { 0 };
	const void *raw;
	uint32_t len;

	assert_true(fd >= 0);
	close(fd);
	add_struct(kernel, "file", "private_data", ptr);
	assert_true(btf__add_struct(kernel, "xarray", 16) > 0);
	module = btf__new_empty_split(kernel);
	assert_non_null(module);
	add_struct(module, "iommufd_ctx", "objects", btf__find_by_name(kernel, "xarray"));
	add_struct(module, "iommufd_object", "id", u32);
	add_struct(module, "file", "private_data", u32); /* another one of that name does not displace the kernel's */
	assert_true(btf__add_enum(module, "iommufd_object_type", 4) > 0);
	assert_int_equal(btf__add_enum_value(module, "IOMMUFD_OBJ_HWPT_PAGING", 2), 0);
	raw = btf__raw_data(module, &len);
	write_file(path, raw, len);
	raw = btf__raw_data(kernel, &len);
	assert_int_equal(ktypes_add(&t, raw, len, &base), 0);
	assert_int_equal(t.field[KF_CTX_OBJECTS].size, 0);
	assert_int_equal(ktypes_add_module(&t, "/nonexistent", base), -ENOENT);
	assert_int_equal(ktypes_add_module(&t, path, base), 0);
	assert_int_equal(t.field[KF_CTX_OBJECTS].size, 16);
	assert_int_equal(t.field[KF_CTX_OBJECTS].offset, 24);
	assert_int_equal(t.field[KF_OBJ_ID].size, 4);
	assert_int_equal(t.field[KF_FILE_PRIVATE].size, 8);
	assert_string_equal(ktypes_word(&t, KE_IOMMUFD_OBJECT, 2), "hwpt-paging");
	/* cut short: an error or nothing, never something else */
	for (uint32_t n = 0; n < 64; n += 5) {
		assert_int_equal(truncate(path, n), 0);
		(void)ktypes_add_module(&alone, path, base);
		assert_int_equal(alone.field[KF_OBJ_ID].size, 0);
	}
	unlink(path);
	ktypes_free(&t);
	ktypes_free(&alone);
	ktypes_btf_free(base);
	btf__free(module);
	btf__free(kernel);
}

/* -- symbols ------------------------------------------------------------------------------------------------------------- */

static int text_fd(const char *text)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	fputs(text, f);
	fflush(f);
	rewind(f);
	return fileno(f); /* the stream lives as long as the test */
}

static void test_symbols(void **state _unused_)
{
	struct symbols s = { 0 };

	assert_int_equal(symbols_read(&s, text_fd("ffffffff81000000 T iommu_group_get\n"
						  "ffffffff82000010 b iommu_group_kset\n"
						  "ffffffff82000020 d vfio_group_fops\t[vfio]\n"
						  "ffffffff82000030 d iommufd_fops\n"
						  "ffffffff82000040 d iommufd_fops\n"
						  "ffffffff82000060 d zz_ops\nffffffff82000050 r aa_ops\n"
						  "rubbish\n\nffff\nffffffff8200 D\nffffffff82000070 D init_task")),
			 0);
	assert_true(symbols_addr(&s, KSYM_IOMMU_GROUP_KSET) == 0xffffffff82000010);
	assert_true(symbols_addr(&s, KSYM_VFIO_GROUP_FOPS) == 0xffffffff82000020);
	assert_true(symbols_addr(&s, KSYM_IOMMUFD_FOPS) == 0); /* twice: which one? */
	assert_string_equal(symbols_name(&s, 0xffffffff82000050), "aa_ops");
	assert_string_equal(symbols_name(&s, 0xffffffff82000060), "zz_ops");
	assert_null(symbols_name(&s, 0xffffffff82000061));
	assert_null(symbols_name(&s, 0));
	symbols_free(&s);
}

/* -- memory -------------------------------------------------------------------------------------------------------------- */

static void test_memory_segments(void **state _unused_)
{
	struct memory *m = memory_new();
	char buf[16];

	assert_int_equal(memory_add(m, 0x1000, "abcdefgh", 8), 0);
	assert_int_equal(memory_add(m, 0x1008, "ijkl", 4), 0);
	assert_int_equal(memory_add(m, UINT64_MAX - 3, "wxyz", 4), 0);
	assert_int_equal(memory_add(m, 0x1004, "overlaps", 8), -EINVAL);
	assert_int_equal(memory_add(m, 0xffc, "overlaps", 8), -EINVAL);
	assert_int_equal(memory_add(m, UINT64_MAX - 1, "wraps", 5), -EINVAL);
	assert_int_equal(memory_read(m, 0x1006, buf, 6), 0); /* over the border of two */
	assert_memory_equal(buf, "ghijkl", 6);
	assert_int_equal(memory_read(m, 0x1006, buf, 7), -EFAULT);
	assert_int_equal(memory_read(m, 0xfff, buf, 2), -EFAULT);
	assert_int_equal(memory_read(m, UINT64_MAX - 3, buf, 4), 0);
	assert_int_equal(memory_read(m, UINT64_MAX - 3, buf, 5), -EFAULT);
	assert_int_equal(memory_read(m, 0, buf, 0), 0);
	memory_free(m);
}

/* A core file with one segment of two pages and a half. */
static int core_file(uint64_t vaddr, size_t len, unsigned char class, uint16_t type, size_t cut)
{
	Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class, ELFDATA2LSB, EV_CURRENT }, .e_type = type,
			  .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_offset = 4096, .p_vaddr = vaddr, .p_filesz = len, .p_memsz = len };
	char *data = calloc(1, 4096 + len);
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
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

static void test_memory_core(void **state _unused_)
{
	const uint64_t at = 0xff11000000000800;
	struct memory *m = NULL;
	char buf[9000];
	int fd;

	assert_int_equal(memory_open_core(core_file(at, 9000, ELFCLASS64, ET_CORE, SIZE_MAX), &m), 0);
	assert_int_equal(memory_read(m, at, buf, 9000), 0);
	for (size_t i = 0; i < 9000; i++)
		assert_int_equal(buf[i], (char)(i * 7 >> 3));
	assert_int_equal(memory_read(m, at + 8999, buf, 1), 0);
	assert_int_equal(memory_read(m, at + 8999, buf, 2), -EFAULT);
	assert_int_equal(memory_read(m, at - 1, buf, 1), -EFAULT);
	memory_forget(m);
	assert_int_equal(memory_read(m, at + 4000, buf, 200), 0);
	memory_free(m);

	/* the file ends before the segment does: what is there can be read, the rest cannot */
	assert_int_equal(memory_open_core(core_file(at, 9000, ELFCLASS64, ET_CORE, 8192), &m), 0);
	assert_int_equal(memory_read(m, at + 100, buf, 1000), 0);
	assert_int_equal(memory_read(m, at + 8000, buf, 10), -EFAULT);
	memory_free(m);

	for (size_t cut = 0; cut < 120; cut += 8) {
		fd = core_file(at, 9000, ELFCLASS64, ET_CORE, cut);
		assert_int_equal(memory_open_core(fd, &m), -EBADMSG);
		close(fd);
	}
	fd = core_file(at, 9000, ELFCLASS32, ET_CORE, SIZE_MAX);
	assert_int_equal(memory_open_core(fd, &m), -EBADMSG);
	close(fd);
	fd = core_file(at, 9000, ELFCLASS64, ET_EXEC, SIZE_MAX);
	assert_int_equal(memory_open_core(fd, &m), -EBADMSG);
	close(fd);
	/* no memory in it */
	fd = core_file(at, 0, ELFCLASS64, ET_CORE, SIZE_MAX);
	assert_int_equal(memory_open_core(fd, &m), -EBADMSG);
	close(fd);
}

static void test_strings(void **state _unused_)
{
	struct kmem *k = calloc(1, sizeof(*k));
	struct arena a = { 0 };
	const char *s;
	char longer[300];

	k->memory = memory_new();
	memset(longer, 'x', sizeof(longer));
	assert_int_equal(memory_add(k->memory, 0x1000, "end of memory", 14), 0);
	assert_int_equal(memory_add(k->memory, 0x2000, "no end", 6), 0);
	assert_int_equal(memory_add(k->memory, 0x3000, longer, sizeof(longer)), 0);
	assert_int_equal(kmem_string(k, 0x1000, &a, &s), 0);
	assert_string_equal(s, "end of memory");
	assert_int_equal(kmem_string(k, 0x100d, &a, &s), 0);
	assert_string_equal(s, "");
	assert_int_equal(kmem_string(k, 0x2000, &a, &s), -EFAULT);
	assert_int_equal(kmem_string(k, 0x3000, &a, &s), -EBADMSG);
	assert_int_equal(kmem_string(k, 0, &a, &s), -EFAULT);
	arena_free(&a);
	kmem_free(k);
}

/* -- the walk ------------------------------------------------------------------------------------------------------------ */

static void test_walk(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g7 = kimage_group(f.k, 7), g3 = kimage_group(f.k, 3);
	const struct owned_group *g;

	kimage_device(f.k, g7, "0000:01:00.0", "e1000e", false);
	kimage_device(f.k, g7, "0000:01:00.1", NULL, false);
	kimage_device(f.k, g3, "0000:00:03.0", "pcieport", true);
	kimage_set(f.k, g7, KF_GROUP_OWNER_CNT, 2);
	kimage_set(f.k, g7, KF_GROUP_RECOVERY_CNT, 1);
	kimage_set(f.k, g7, KF_GROUP_NAME, kimage_string(f.k, "a name"));
	walk(&f);
	assert_true(f.o->known);
	assert_int_equal(f.o->n_groups, 2);
	assert_int_equal(f.o->groups[0].id, 3); /* by number, not by age */
	assert_null(ownership_group(f.o, 4));
	g = ownership_group(f.o, 7);
	assert_non_null(g);
	assert_null(g->problem);
	assert_string_equal(g->name, "a name");
	assert_true(g->owner_cnt.known && g->owner_cnt.v == 2);
	assert_true(g->recovery_cnt.known && g->recovery_cnt.v == 1);
	assert_int_equal(g->owned, TRI_NO);
	assert_int_equal(g->n, 2);
	assert_string_equal(g->devices[0].name, "0000:01:00.0");
	assert_string_equal(g->devices[0].bus, "pci");
	assert_string_equal(g->devices[0].driver, "e1000e");
	assert_int_equal(g->devices[0].managed, TRI_NO);
	assert_int_equal(g->devices[0].counted, TRI_YES);
	assert_int_equal(g->devices[0].blocked, TRI_NO);
	assert_null(g->devices[1].driver);
	assert_int_equal(f.o->groups[0].devices[0].managed, TRI_YES);
	assert_string_equal(g->domain->type, "DMA");
	assert_string_equal(g->domain->ops, "made_up_domain_ops");
	assert_string_equal(g->domain->cookie, "none");
	assert_true(g->domain->page_sizes.v == 0x40201000 && g->domain->end.v == 0xffffffffffff);
	assert_int_equal(g->domain->forced, TRI_YES);
	assert_ptr_equal(g->domain, g->default_domain);
	assert_null(g->blocking_domain);
	assert_ptr_not_equal(g->domain, f.o->groups[0].domain);
	done(&f);
}

/* A kernel without the newer members: unknown, and the older cookie with its type inside. */
static void test_walk_older(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(KIMAGE_WITHOUT_NEW) };
	uint64_t g7 = kimage_group(f.k, 7), d = kimage_domain(f.k, 0xb), cookie = kimage_alloc(f.k, "iommu_dma_cookie");

	kimage_device(f.k, g7, "0000:01:00.0", "e1000e", false);
	kimage_set(f.k, cookie, KF_IOVA_COOKIE_TYPE, 1);
	kimage_set(f.k, d, KF_DOMAIN_IOVA_COOKIE, cookie);
	kimage_set(f.k, g7, KF_GROUP_DOMAIN, d);
	walk(&f);
	assert_int_equal(f.o->n_groups, 1);
	assert_false(f.o->groups[0].recovery_cnt.known);
	assert_int_equal(f.o->groups[0].devices[0].blocked, TRI_UNKNOWN);
	assert_string_equal(f.o->groups[0].domain->type, "DMA-FQ");
	assert_string_equal(f.o->groups[0].domain->cookie, "dma-msi");
	done(&f);
}

/* A kernel that has no counts: nothing is made up. */
static void test_walk_without_counts(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(KIMAGE_WITHOUT_OWNER) };

	kimage_group(f.k, 7);
	walk(&f);
	for (size_t i = 0; i < f.o->n_groups; i++) {
		assert_false(f.o->groups[i].owner_cnt.known);
		assert_int_equal(f.o->groups[i].owned, TRI_UNKNOWN);
		assert_non_null(f.o->groups[i].problem);
	}
	done(&f);
}

/* -- owners -------------------------------------------------------------------------------------------------------------- */

static void test_owner_container(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g = kimage_group(f.k, 5), vg = kimage_alloc(f.k, "vfio_group");
	const struct owner *o;

	kimage_device(f.k, g, "0000:01:00.0", "vfio-pci", true);
	kimage_set(f.k, vg, KF_VFIO_GROUP_GROUP, g);
	kimage_set(f.k, vg, KF_VFIO_GROUP_CONTAINER, 0xff11000000100008);
	kimage_set(f.k, g, KF_GROUP_OWNER, vg);
	kimage_set(f.k, g, KF_GROUP_OWNER_CNT, 1);
	kimage_task(f.k, 41, "innocent", 4);
	kimage_file(f.k, kimage_task(f.k, 42, "qemu", 64), 63, f.k->group_fops, vg);
	kimage_file(f.k, kimage_task(f.k, 43, "other", 2), 1, f.k->iommufd_fops, 0xff11000000100100);
	walk(&f);
	o = f.o->groups[0].owner;
	assert_int_equal(f.o->groups[0].owned, TRI_YES);
	assert_true(f.o->groups[0].claims.known && f.o->groups[0].claims.v == 1);
	assert_int_equal(o->kind, OWNER_VFIO_GROUP);
	assert_true(o->complete);
	assert_int_equal(o->n, 1);
	assert_int_equal(o->processes[0].pid, 42);
	assert_int_equal(o->processes[0].fd, 63);
	assert_string_equal(o->processes[0].command, "qemu");
	assert_string_equal(o->processes[0].what, "vfio-group");
	done(&f);
}

/* An iommufd with a device of this group at its root, or below a node; and one of another group that must not count. */
static void iommufd_devices(struct fixture *f, uint64_t ctx, uint64_t other_dev, const uint64_t *devs, size_t n)
{
	uint64_t node = kimage_alloc(f->k, "xa_node");

	for (size_t i = 0; i <= n; i++) {
		uint64_t idev = kimage_alloc(f->k, "iommufd_device");

		kimage_set(f->k, kimage_at(f->k, idev, KF_IDEV_OBJ), KF_OBJ_TYPE, 5);
		kimage_set(f->k, idev, KF_IDEV_CTX, ctx);
		kimage_set(f->k, idev, KF_IDEV_DEV, i < n ? devs[i] : other_dev);
		kimage_write64(f->k, kimage_at(f->k, node, KF_XA_SLOTS) + 8 * i, kimage_at(f->k, idev, KF_IDEV_OBJ));
	}
	kimage_set(f->k, kimage_at(f->k, ctx, KF_CTX_OBJECTS), KF_XARRAY_HEAD, node + 2);
}

static void test_owner_iommufd(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g = kimage_group(f.k, 5), g6 = kimage_group(f.k, 6), ctx = kimage_alloc(f.k, "iommufd_ctx");
	uint64_t devs[2] = { kimage_device(f.k, g, "0000:01:00.0", "vfio-pci", true),
			     kimage_device(f.k, g, "0000:01:00.1", "vfio-pci", true) };
	uint64_t other = kimage_device(f.k, g6, "0000:02:00.0", "vfio-pci", true);
	uint64_t task = kimage_task(f.k, 42, "qemu", 8), vdev = kimage_alloc(f.k, "vfio_device");
	uint64_t df = kimage_alloc(f.k, "vfio_device_file");
	const struct owner *o;

	iommufd_devices(&f, ctx, other, devs, 2);
	kimage_set(f.k, g, KF_GROUP_OWNER, ctx);
	kimage_set(f.k, g, KF_GROUP_OWNER_CNT, 2);
	kimage_set(f.k, g6, KF_GROUP_OWNER, ctx);
	kimage_set(f.k, g6, KF_GROUP_OWNER_CNT, 1);
	kimage_set(f.k, vdev, KF_VDEV_DEV, devs[1]);
	kimage_set(f.k, df, KF_VDF_DEVICE, vdev);
	kimage_set(f.k, df, KF_VDF_IOMMUFD, ctx);
	kimage_file(f.k, task, 3, f.k->iommufd_fops, ctx);
	kimage_file(f.k, task, 4, f.k->device_fops, df);
	walk(&f);
	assert_int_equal(f.o->n_owners, 1);
	assert_true(f.o->groups[0].claims.known && f.o->groups[0].claims.v == 2);
	assert_true(f.o->groups[1].claims.known && f.o->groups[1].claims.v == 1);
	o = f.o->groups[0].owner;
	assert_ptr_equal(o, f.o->groups[1].owner);
	assert_int_equal(o->kind, OWNER_IOMMUFD);
	assert_int_equal(o->n, 2);
	assert_string_equal(o->processes[0].what, "iommufd");
	assert_null(o->processes[0].device);
	assert_string_equal(o->processes[1].what, "vfio-device");
	assert_string_equal(o->processes[1].device, "0000:01:00.1");
	done(&f);
}

/* An owner that is neither: said so, and what it accounts for is not made up. */
static void test_owner_unknown(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g = kimage_group(f.k, 5), ctx = kimage_alloc(f.k, "iommufd_ctx"), node = kimage_alloc(f.k, "xa_node");

	kimage_set(f.k, g, KF_GROUP_OWNER_CNT, 1);
	kimage_set(f.k, g, KF_GROUP_OWNER, ctx);
	/* its array's node has itself as a slot */
	kimage_set(f.k, kimage_at(f.k, ctx, KF_CTX_OBJECTS), KF_XARRAY_HEAD, node + 2);
	kimage_set(f.k, node, KF_XA_SHIFT, 6);
	for (size_t i = 0; i < 4; i++)
		kimage_write64(f.k, kimage_at(f.k, node, KF_XA_SLOTS) + 8 * i, node + 2);
	walk(&f);
	assert_int_equal(f.o->groups[0].owned, TRI_YES);
	assert_int_equal(f.o->groups[0].owner->kind, OWNER_UNKNOWN);
	assert_false(f.o->groups[0].claims.known);
	done(&f);
}

/* -- iommufd objects ------------------------------------------------------------------------------------------------------- */

/* A context with a file of its own, and its array's only node: ids are places in it, so 0 to 3; deeper ones get a node above. */
struct context {
	struct kimage *k;
	uint64_t ctx, top, low[4];
};

static struct context new_context(struct kimage *k)
{
	struct context c = { .k = k, .ctx = kimage_alloc(k, "iommufd_ctx"), .top = kimage_alloc(k, "xa_node") };

	kimage_set(k, kimage_at(k, c.ctx, KF_CTX_OBJECTS), KF_XARRAY_HEAD, c.top + 2);
	kimage_set(k, c.top, KF_XA_SHIFT, 2);
	return c;
}

/* The struct iommufd_object at @obj becomes number @id of the context. */
static void add_object(struct context *c, uint32_t id, uint64_t obj, uint32_t type, uint32_t users)
{
	uint32_t slot = id / 4;

	if (!c->low[slot]) {
		c->low[slot] = kimage_alloc(c->k, "xa_node");
		kimage_set(c->k, c->low[slot], KF_XA_PARENT, c->top);
		kimage_set(c->k, c->low[slot], KF_XA_OFFSET, slot);
		kimage_write64(c->k, kimage_at(c->k, c->top, KF_XA_SLOTS) + 8 * slot, c->low[slot] + 2);
	}
	kimage_set(c->k, obj, KF_OBJ_ID, id);
	kimage_set(c->k, obj, KF_OBJ_TYPE, type);
	kimage_set(c->k, obj, KF_OBJ_USERS, users);
	kimage_write64(c->k, kimage_at(c->k, c->low[slot], KF_XA_SLOTS) + 8 * (id % 4), obj);
}

static uint64_t add_ioas(struct context *c, uint32_t id)
{
	uint64_t ioas = kimage_alloc(c->k, "iommufd_ioas");

	add_object(c, id, kimage_at(c->k, ioas, KF_IOAS_OBJ), 3, 2);
	return ioas;
}

static uint64_t add_paging(struct context *c, uint32_t id, uint64_t ioas, uint64_t domain)
{
	uint64_t paging = kimage_alloc(c->k, "iommufd_hwpt_paging"), hwpt = kimage_at(c->k, paging, KF_PAGING_COMMON);

	add_object(c, id, kimage_at(c->k, hwpt, KF_HWPT_OBJ), 6, 2);
	kimage_set(c->k, hwpt, KF_HWPT_DOMAIN, domain);
	kimage_set(c->k, paging, KF_PAGING_IOAS, ioas);
	return paging;
}

static uint64_t add_idev(struct context *c, uint32_t id, uint64_t dev)
{
	uint64_t idev = kimage_alloc(c->k, "iommufd_device");

	add_object(c, id, kimage_at(c->k, idev, KF_IDEV_OBJ), 5, 3);
	kimage_set(c->k, idev, KF_IDEV_CTX, c->ctx);
	kimage_set(c->k, idev, KF_IDEV_DEV, dev);
	return idev;
}

/* What is attached at a PASID of a group: place 0 to 3 of its array. */
static void attach(struct kimage *k, uint64_t igroup, uint32_t pasid, uint64_t hwpt, uint64_t idev)
{
	uint64_t head = kimage_at(k, igroup, KF_IGROUP_ATTACH), at = kimage_alloc(k, "iommufd_attach"), node;

	kimage_set(k, at, KF_ATTACH_HWPT, hwpt);
	kimage_set(k, kimage_at(k, at, KF_ATTACH_DEVICES), KF_XARRAY_HEAD, idev);
	node = kimage_num(k, head, KF_XARRAY_HEAD);
	if (!node) {
		node = kimage_alloc(k, "xa_node") + 2;
		kimage_set(k, head, KF_XARRAY_HEAD, node);
	}
	kimage_write64(k, kimage_at(k, node - 2, KF_XA_SLOTS) + 8 * pasid, at);
}

static struct iommufds *walk_objects(struct fixture *f)
{
	struct iommufds *d = arena_new(&f->arena, struct iommufds);
	size_t len;

	f->image = kimage_image(f->k, &len);
	assert_int_equal(kmem_open_image(f->image, len, &f->kmem), 0);
	walk_iommufds(f->kmem, &f->arena, d);
	return d;
}

static void test_objects(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	struct kimage *k = f.k;
	uint64_t g = kimage_group(k, 5), dev = kimage_device(k, g, "0000:01:00.0", "vfio-pci", true), domain = kimage_domain(k, 1);
	uint64_t ioas, paging, nested, idev, fault, viommu, vdev, task, igroup = kimage_alloc(k, "iommufd_group");
	struct context c = new_context(k);
	const struct iommufd_context *got;
	struct iommufds *d;

	ioas = add_ioas(&c, 1);
	paging = add_paging(&c, 3, ioas, domain);
	idev = add_idev(&c, 2, dev);
	fault = kimage_alloc(k, "iommufd_fault");
	add_object(&c, 5, kimage_at(k, kimage_at(k, fault, KF_FAULT_COMMON), KF_EVENTQ_OBJ), 8, 2);
	kimage_set(k, kimage_at(k, fault, KF_FAULT_COMMON), KF_EVENTQ_CTX, c.ctx);
	viommu = kimage_alloc(k, "iommufd_viommu");
	add_object(&c, 6, kimage_at(k, viommu, KF_VIOMMU_OBJ), 9, 1);
	kimage_set(k, viommu, KF_VIOMMU_HWPT, paging);
	nested = kimage_alloc(k, "iommufd_hwpt_nested");
	add_object(&c, 7, kimage_at(k, kimage_at(k, nested, KF_NESTED_COMMON), KF_HWPT_OBJ), 7, 2);
	kimage_set(k, nested, KF_NESTED_PARENT, paging);
	kimage_set(k, nested, KF_NESTED_VIOMMU, viommu);
	kimage_set(k, kimage_at(k, nested, KF_NESTED_COMMON), KF_HWPT_FAULT, fault);
	vdev = kimage_alloc(k, "iommufd_vdevice");
	add_object(&c, 9, kimage_at(k, vdev, KF_VDEVICE_OBJ), 10, 1);
	kimage_set(k, vdev, KF_VDEVICE_VIOMMU, viommu);
	kimage_set(k, vdev, KF_VDEVICE_IDEV, idev);
	kimage_set(k, vdev, KF_VDEVICE_ID, 0x99);
	kimage_set_bit(k, paging, KF_PAGING_NEST);
	kimage_set(k, g, KF_GROUP_DOMAIN, domain);
	kimage_set(k, idev, KF_IDEV_GROUP, igroup);
	attach(k, igroup, 0, kimage_at(k, nested, KF_NESTED_COMMON), idev);
	attach(k, igroup, 3, kimage_at(k, paging, KF_PAGING_COMMON), idev);
	task = kimage_task(k, 42, "qemu", 8);
	kimage_file(k, task, 3, k->iommufd_fops, c.ctx);
	kimage_file(k, task, 5, k->fault_fops, kimage_at(k, fault, KF_FAULT_COMMON));
	kimage_task(k, 43, "innocent", 4);
	d = walk_objects(&f);
	assert_true(d->known);
	assert_int_equal(d->n, 1);
	got = &d->v[0];
	assert_null(got->problem);
	assert_true(got->complete);
	assert_int_equal(got->n_holders, 2);
	assert_string_equal(got->holders[1].what, "fault-queue");
	assert_int_equal(got->n, 7);
	assert_string_equal(got->objects[0].type, "ioas");
	assert_int_equal(got->objects[1].id, 2);
	assert_string_equal(got->objects[1].device, "0000:01:00.0");
	assert_int_equal(got->objects[1].group.v, 5);
	assert_int_equal(got->objects[1].attached, TRI_YES);
	assert_int_equal(got->objects[1].hwpt.v, 7);
	assert_int_equal(got->objects[1].n_pasids, 1);
	assert_int_equal(got->objects[1].pasids[0].pasid, 3);
	assert_int_equal(got->objects[1].pasids[0].hwpt.v, 3);
	assert_int_equal(got->objects[2].ioas.v, 1);
	assert_int_equal(got->objects[2].users.v, 2);
	assert_int_equal(got->objects[2].nest_parent, TRI_YES);
	assert_int_equal(got->objects[2].automatic, TRI_NO);
	assert_string_equal(got->objects[2].domain->type, "unmanaged");
	assert_int_equal(got->objects[2].n_groups, 1);
	assert_int_equal(got->objects[2].groups[0], 5);
	assert_string_equal(got->objects[3].type, "fault");
	assert_int_equal(got->objects[4].hwpt.v, 3);
	assert_int_equal(got->objects[5].hwpt.v, 3);
	assert_int_equal(got->objects[5].viommu.v, 6);
	assert_int_equal(got->objects[5].fault.v, 5);
	assert_int_equal(got->objects[6].idev.v, 2);
	assert_int_equal(got->objects[6].virt_id.v, 0x99);
	done(&f);
}

/* One page table a group, a list of what is attached, queues of another shape. */
static void test_objects_older(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(KIMAGE_WITHOUT_NEW) };
	struct kimage *k = f.k;
	uint64_t g = kimage_group(k, 5), igroup = kimage_alloc(k, "iommufd_group"), paging, in, out, fault = kimage_alloc(k, "iommufd_fault");
	struct context c = new_context(k);
	struct iommufds *d;

	paging = add_paging(&c, 3, add_ioas(&c, 1), kimage_domain(k, 1));
	kimage_set_bit(k, paging, KF_PAGING_AUTO);
	add_object(&c, 4, kimage_at(k, fault, KF_FAULT_OBJ), 8, 1);
	kimage_set(k, kimage_at(k, paging, KF_PAGING_COMMON), KF_HWPT_FAULT, fault);
	in = add_idev(&c, 2, kimage_device(k, g, "0000:01:00.0", "vfio-pci", true));
	out = add_idev(&c, 5, kimage_device(k, g, "0000:01:00.1", "vfio-pci", true));
	kimage_set(k, in, KF_IDEV_GROUP, igroup);
	kimage_set(k, out, KF_IDEV_GROUP, igroup);
	kimage_set(k, igroup, KF_IGROUP_HWPT, kimage_at(k, paging, KF_PAGING_COMMON));
	kimage_list(k, kimage_at(k, igroup, KF_IGROUP_DEVICES));
	kimage_list_add(k, kimage_at(k, igroup, KF_IGROUP_DEVICES), kimage_at(k, in, KF_IDEV_ITEM));
	kimage_file(k, kimage_task(k, 42, "qemu", 8), 3, k->iommufd_fops, c.ctx);
	d = walk_objects(&f);
	assert_int_equal(d->n, 1);
	assert_int_equal(d->v[0].n, 5);
	assert_int_equal(d->v[0].objects[1].attached, TRI_YES);
	assert_int_equal(d->v[0].objects[1].hwpt.v, 3);
	assert_int_equal(d->v[0].objects[2].automatic, TRI_YES);
	assert_int_equal(d->v[0].objects[2].fault.v, 4);
	assert_int_equal(d->v[0].objects[4].attached, TRI_NO);
	assert_false(d->v[0].objects[4].hwpt.known);
	done(&f);
}

/* A leader that has gone leaves its files to its threads. */
static void test_objects_of_a_thread(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	struct context c = new_context(f.k);
	uint64_t task = kimage_task(f.k, 42, "qemu", 8), files = kimage_num(f.k, task, KF_TASK_FILES);
	struct iommufds *d;

	kimage_file(f.k, task, 3, f.k->iommufd_fops, c.ctx);
	kimage_thread(f.k, task, files);
	kimage_thread(f.k, task, files);
	kimage_set(f.k, task, KF_TASK_FILES, 0);
	d = walk_objects(&f);
	assert_int_equal(d->n, 1);
	assert_int_equal(d->v[0].n_holders, 1);
	assert_int_equal(d->v[0].holders[0].pid, 42);
	done(&f);
}

/* An id that is not its place, a type that is none, a node whose parent is another: no object is told, and why is. */
static void test_objects_damaged(void **state _unused_)
{
	for (int damage = 0; damage < 4; damage++) {
		struct fixture f = { .k = kimage_new(0) };
		struct context c = new_context(f.k);
		uint64_t obj = kimage_at(f.k, add_ioas(&c, 1), KF_IOAS_OBJ);
		struct iommufds *d;

		kimage_file(f.k, kimage_task(f.k, 42, "qemu", 8), 3, f.k->iommufd_fops, c.ctx);
		if (damage == 0)
			kimage_set(f.k, obj, KF_OBJ_ID, 2);
		else if (damage == 1)
			kimage_set(f.k, obj, KF_OBJ_TYPE, 77);
		else if (damage == 2)
			kimage_set(f.k, c.low[0], KF_XA_PARENT, c.low[0]);
		else
			kimage_write64(f.k, kimage_at(f.k, c.top, KF_XA_SLOTS) + 8, c.low[0] + 2); /* twice, the second time elsewhere */
		d = walk_objects(&f);
		assert_int_equal(d->n, 1);
		assert_int_equal(d->v[0].n, 0);
		assert_non_null(d->v[0].problem);
		assert_int_equal(d->v[0].n_holders, 1);
		done(&f);
	}
}

/* What leads to no context - a file that another one's context points to - is none. */
static void test_objects_no_context(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t task = kimage_task(f.k, 42, "qemu", 8);
	struct iommufds *d;

	kimage_file(f.k, task, 3, f.k->iommufd_fops, 0xdead000000000000);
	kimage_file(f.k, task, 4, f.k->fault_fops, kimage_alloc(f.k, "iommufd_eventq"));
	d = walk_objects(&f);
	assert_true(d->known);
	assert_int_equal(d->n, 0);
	done(&f);
}

static void test_objects_json(void **state _unused_)
{
	static const char *const bad[] = {
		"[]", "{\"version\":2}", "{\"version\":1,\"contexts\":[{\"objects\":[{}]}]}",
		"{\"version\":1,\"contexts\":[{\"objects\":[{\"id\":-1,\"type\":\"ioas\"}]}]}",
		"{\"version\":1,\"contexts\":[{\"objects\":[{\"id\":2,\"type\":\"ioas\"},{\"id\":2,\"type\":\"ioas\"}]}]}",
		"{\"version\":1,\"obstacles\":[{}]}",
	};
	struct fixture f = { .k = kimage_new(0) };
	struct context c = new_context(f.k);
	struct json_object *doc, *again;
	struct iommufds *back;

	add_paging(&c, 3, add_ioas(&c, 1), kimage_domain(f.k, 1));
	kimage_file(f.k, kimage_task(f.k, 42, "qemu", 8), 3, f.k->iommufd_fops, c.ctx);
	doc = iommufds_to_json(walk_objects(&f));
	assert_null(strstr(json_object_to_json_string(doc), "ff11")); /* no address gets out */
	assert_int_equal(iommufds_from_json(doc, &f.arena, &back), 0);
	again = iommufds_to_json(back);
	assert_string_equal(json_object_to_json_string(doc), json_object_to_json_string(again));
	assert_ptr_equal(iommufd_object(&back->v[0], NUM(3)), &back->v[0].objects[1]);
	assert_null(iommufd_object(&back->v[0], NUM(2)));
	json_object_put(doc);
	json_object_put(again);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		doc = json_tokener_parse(bad[i]);
		assert_int_equal(iommufds_from_json(doc, &f.arena, &back), -EBADMSG);
		json_object_put(doc);
	}
	done(&f);
}

/* -- broken memory --------------------------------------------------------------------------------------------------------- */

static void test_walk_loop(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g1 = kimage_group(f.k, 1), g2 = kimage_group(f.k, 2);
	uint64_t n1 = kimage_at(f.k, kimage_at(f.k, g1, KF_GROUP_KOBJ), KF_KOBJ_ENTRY);
	uint64_t n2 = kimage_at(f.k, kimage_at(f.k, g2, KF_GROUP_KOBJ), KF_KOBJ_ENTRY);

	kimage_set(f.k, n2, KF_LIST_NEXT, n1); /* and never back to the head */
	walk(&f);
	assert_false(f.o->known);
	assert_int_equal(f.o->n_obstacles, 1);
	assert_string_equal(f.o->obstacles[0].code, "walk");
	done(&f);
}

/* A device that says it is in another group: the group's numbers are not to be trusted. */
static void test_walk_unfitting(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g1 = kimage_group(f.k, 1), g2 = kimage_group(f.k, 2), dev;

	kimage_device(f.k, g1, "0000:01:00.0", "e1000e", false);
	dev = kimage_device(f.k, g2, "0000:02:00.0", "e1000e", false);
	kimage_set(f.k, dev, KF_DEVICE_GROUP, g1);
	kimage_set(f.k, g2, KF_GROUP_OWNER_CNT, 1);
	walk(&f);
	assert_true(f.o->known);
	assert_null(f.o->groups[0].problem);
	assert_non_null(f.o->groups[1].problem);
	assert_false(f.o->groups[1].owner_cnt.known);
	assert_int_equal(f.o->groups[1].owned, TRI_UNKNOWN);
	done(&f);
}

/* A driver that points nowhere, a domain that is none: unknown, and the count is told all the same. */
static void test_walk_lost_pointers(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g = kimage_group(f.k, 1), dev = kimage_device(f.k, g, "0000:01:00.0", "e1000e", false);

	kimage_set(f.k, dev, KF_DEVICE_DRIVER, 0xdead000000000000);
	kimage_set(f.k, g, KF_GROUP_DOMAIN, 0xdead000000000000);
	kimage_set(f.k, g, KF_GROUP_OWNER_CNT, 3);
	walk(&f);
	assert_true(f.o->groups[0].owner_cnt.known && f.o->groups[0].owner_cnt.v == 3);
	assert_null(f.o->groups[0].devices[0].driver);
	assert_int_equal(f.o->groups[0].devices[0].managed, TRI_UNKNOWN);
	assert_null(f.o->groups[0].domain->type);
	assert_false(f.o->groups[0].domain->page_sizes.known);
	done(&f);
}

/* Any part of an image: an error, or a walk that ends. */
static void test_image_truncated(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	size_t len;
	char *image;

	kimage_device(f.k, kimage_group(f.k, 1), "0000:01:00.0", "e1000e", false);
	image = kimage_image(f.k, &len);
	for (size_t n = 0; n < len; n += 1 + n / 16) {
		struct kmem *k;

		if (kmem_open_image(image, n, &k) == 0) {
			struct ownership o = { .arena = &f.arena };

			walk_kernel(k, &o);
			kmem_free(k);
		}
	}
	free(image);
	arena_free(&f.arena);
	kimage_free(f.k);
}

/* -- the document ------------------------------------------------------------------------------------------------------------ */

static void test_json_roundtrip(void **state _unused_)
{
	struct fixture f = { .k = kimage_new(0) };
	uint64_t g = kimage_group(f.k, 5), vg = kimage_alloc(f.k, "vfio_group");
	struct ownership *back;
	struct json_object *doc, *again;

	kimage_device(f.k, g, "0000:01:00.0", "vfio-pci", true);
	kimage_set(f.k, vg, KF_VFIO_GROUP_GROUP, g);
	kimage_set(f.k, g, KF_GROUP_OWNER, vg);
	kimage_set(f.k, g, KF_GROUP_OWNER_CNT, 1);
	kimage_file(f.k, kimage_task(f.k, 42, "qemu \"x\"", 8), 3, f.k->group_fops, vg);
	walk(&f);
	doc = ownership_to_json(f.o);
	assert_null(strstr(json_object_to_json_string(doc), "ff11")); /* no address gets out */
	assert_int_equal(ownership_from_json(doc, &f.arena, &back), 0);
	again = ownership_to_json(back);
	assert_string_equal(json_object_to_json_string(doc), json_object_to_json_string(again));
	json_object_put(doc);
	json_object_put(again);
	done(&f);
}

static void test_json_hostile(void **state _unused_)
{
	static const char *const bad[] = {
		"[]", "{}", "{\"version\":2,\"groups\":[]}", "{\"version\":1,\"groups\":{}}", "{\"version\":1,\"groups\":[1]}",
		"{\"version\":1,\"groups\":[{}]}", "{\"version\":1,\"groups\":[{\"id\":-1}]}",
		"{\"version\":1,\"groups\":[{\"id\":1,\"owner\":0}]}", "{\"version\":1,\"groups\":[{\"id\":1,\"domain\":-1}],\"domains\":[{}]}",
		"{\"version\":1,\"groups\":[{\"id\":1,\"devices\":[null]}]}", "{\"version\":1,\"groups\":[{\"id\":\"1\"}]}",
		"{\"version\":1,\"obstacles\":[{}]}", "{\"version\":1,\"owners\":[{\"processes\":[[]]}]}",
	};
	struct arena a = { 0 };
	struct ownership *o;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json_object *doc = json_tokener_parse(bad[i]);

		assert_non_null(doc);
		assert_int_equal(ownership_from_json(doc, &a, &o), -EBADMSG);
		json_object_put(doc);
	}
	arena_free(&a);
}

/* -- what stands in the way ---------------------------------------------------------------------------------------------------- */

struct root {
	char dir[64];
};

static void put(const struct root *r, const char *path, const void *data, size_t len)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", r->dir, path);
	for (char *p = full + strlen(r->dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(full, 0755);
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fwrite(data, 1, len, f);
	fclose(f);
}

static void put_text(const struct root *r, const char *path, const char *text)
{
	put(r, path, text, strlen(text));
}

/* Everything that is needed, in working order. */
static void good_root(struct root *r)
{
	struct kimage *k = kimage_new(0);
	char core[8192];
	int fd = core_file(0xffffffff81000000, 4096, ELFCLASS64, ET_CORE, SIZE_MAX);

	strcpy(r->dir, "/tmp/test-kmem-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(pread(fd, core, sizeof(core), 0), sizeof(core));
	close(fd);
	put(r, "proc/kcore", core, sizeof(core));
	put_text(r, "proc/kallsyms", "ffffffff81000100 T iommu_group_get\nffffffff81000000 b iommu_group_kset\n");
	put_text(r, "proc/sys/kernel/kptr_restrict", "1\n");
	put(r, "sys/kernel/btf/vmlinux", k->btf, k->btf_len);
	kimage_free(k);
}

static void remove_root(const struct root *r)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0);
}

/* The codes of the obstacles, in order. */
static void expect_obstacles(const struct root *r, const char *codes)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	obstacle_vec obstacles = { 0 };
	struct arena a = { 0 };
	struct kmem *k = NULL;
	const struct obstacle *o;
	int err = kmem_open(r->dir, &a, &obstacles, &k);

	vec_for_each(o, &obstacles) {
		strbuf_printf(&b, "%s%s", b.len ? " " : "", o->code);
		assert_non_null(o->why);
	}
	assert_string_equal(strbuf_str(&b), codes);
	assert_int_equal(err, *codes ? -ENODATA : 0);
	kmem_free(k);
	vec_free(&obstacles);
	arena_free(&a);
}

static void gone(const struct root *r, const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", r->dir, path);
	assert_int_equal(unlink(full), 0);
}

static void test_obstacles(void **state _unused_)
{
	struct kimage *old = kimage_new(KIMAGE_WITHOUT_OWNER);
	struct root r;

	good_root(&r);
	expect_obstacles(&r, "");
	put_text(&r, "proc/kallsyms", "0000000000000000 T iommu_group_get\n0000000000000000 b iommu_group_kset\n");
	expect_obstacles(&r, "cap-syslog");
	put_text(&r, "proc/sys/kernel/kptr_restrict", "2\n");
	expect_obstacles(&r, "kptr-restrict");
	put_text(&r, "proc/kallsyms", "ffffffff81000100 T iommu_group_get\nffffffff81000110 T vfs_read\n");
	expect_obstacles(&r, "no-kallsyms-all");
	put_text(&r, "proc/kallsyms", "ffffffff81000100 T vfs_read\nffffffff81000110 d init_task\n");
	expect_obstacles(&r, "no-iommu-api");
	put_text(&r, "proc/kallsyms", "ffffffff81000100 T iommu_group_get\nffffffff81000110 d init_task\n");
	expect_obstacles(&r, "no-symbol");
	put_text(&r, "proc/kallsyms", "");
	expect_obstacles(&r, "no-kallsyms");
	gone(&r, "proc/kallsyms");
	expect_obstacles(&r, "no-kallsyms");
	gone(&r, "proc/kcore");
	expect_obstacles(&r, "no-kcore no-kallsyms"); /* all of it at once */
	put_text(&r, "proc/kcore", "");
	expect_obstacles(&r, "bad-kcore no-kallsyms");
	put(&r, "sys/kernel/btf/vmlinux", old->btf, old->btf_len);
	expect_obstacles(&r, "bad-kcore no-kallsyms no-ownership");
	put_text(&r, "sys/kernel/btf/vmlinux", "no types");
	expect_obstacles(&r, "bad-kcore no-kallsyms bad-btf");
	gone(&r, "sys/kernel/btf/vmlinux");
	expect_obstacles(&r, "bad-kcore no-kallsyms no-btf");
	remove_root(&r);
	kimage_free(old);
}

/* open() of a kcore says EPERM for a capability that is missing and for lockdown alike: what else is there tells which. */
static void test_kcore_refused(void **state _unused_)
{
	static const char without[] = "Name:\tx\nCapEff:\t0000000000000000\n", with[] = "Name:\tx\nCapEff:\t000001ffffffffff\n";
	struct root r;

	good_root(&r);
	kcore_errno = EPERM;
	put_text(&r, "proc/self/status", without);
	expect_obstacles(&r, "cap-sys-rawio");
	put_text(&r, "proc/self/status", with);
	expect_obstacles(&r, "kcore-refused");
	put_text(&r, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect_obstacles(&r, "kcore-refused");
	put_text(&r, "sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	expect_obstacles(&r, "lockdown");
	/* both are in the way: both are said */
	put_text(&r, "proc/self/status", without);
	expect_obstacles(&r, "cap-sys-rawio lockdown");
	kcore_errno = EACCES;
	expect_obstacles(&r, "kcore-root");
	kcore_errno = EIO;
	expect_obstacles(&r, "kcore");
	kcore_errno = 0;
	expect_obstacles(&r, "");
	remove_root(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_by_name),
		cmocka_unit_test(test_types_truncated),
		cmocka_unit_test(test_types_of_modules),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_memory_segments),
		cmocka_unit_test(test_memory_core),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_older),
		cmocka_unit_test(test_walk_without_counts),
		cmocka_unit_test(test_owner_container),
		cmocka_unit_test(test_owner_iommufd),
		cmocka_unit_test(test_owner_unknown),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_objects_older),
		cmocka_unit_test(test_objects_of_a_thread),
		cmocka_unit_test(test_objects_damaged),
		cmocka_unit_test(test_objects_no_context),
		cmocka_unit_test(test_objects_json),
		cmocka_unit_test(test_walk_loop),
		cmocka_unit_test(test_walk_unfitting),
		cmocka_unit_test(test_walk_lost_pointers),
		cmocka_unit_test(test_image_truncated),
		cmocka_unit_test(test_json_roundtrip),
		cmocka_unit_test(test_json_hostile),
		cmocka_unit_test(test_obstacles),
		cmocka_unit_test(test_kcore_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
