// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading a kernel's memory: types, symbols, memory, the walk; on a made-up kernel, whole and broken. */
#include <errno.h>
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
#include "kmem/walk.h"

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

/* A structure that contains itself, often and without a name, is none of a kernel's: the look ends, and what came before it is there. */
static void test_types_without_end(void **state _unused_)
{
	struct btf *b = btf__new_empty();
	int ptr = btf__add_ptr(b, 0), self;
	struct ktypes t = { 0 };
	const void *raw;
	uint32_t len;

	add_struct(b, "file", "private_data", ptr);
	self = btf__add_struct(b, "iommu_group", 64);
	for (int i = 0; i < 32; i++)
		assert_int_equal(btf__add_field(b, NULL, self, 0, 0), 0);
	raw = btf__raw_data(b, &len);
	assert_int_equal(ktypes_add(&t, raw, len, NULL), 0);
	assert_int_equal(t.field[KF_FILE_PRIVATE].size, 8);
	assert_int_equal(t.field[KF_GROUP_OWNER_CNT].size, 0);
	ktypes_free(&t);
	btf__free(b);
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

static void test_memory_core(void **state _unused_)
{
	const uint64_t at = 0xff11000000000800;
	struct memory *m = NULL;
	char buf[9000];
	int fd;

	assert_int_equal(memory_open_core(kimage_core(at, 9000, ELFCLASS64, ET_CORE, SIZE_MAX), &m), 0);
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
	assert_int_equal(memory_open_core(kimage_core(at, 9000, ELFCLASS64, ET_CORE, 8192), &m), 0);
	assert_int_equal(memory_read(m, at + 100, buf, 1000), 0);
	assert_int_equal(memory_read(m, at + 8000, buf, 10), -EFAULT);
	memory_free(m);

	for (size_t cut = 0; cut < 120; cut += 8) {
		fd = kimage_core(at, 9000, ELFCLASS64, ET_CORE, cut);
		assert_int_equal(memory_open_core(fd, &m), -EBADMSG);
		close(fd);
	}
	fd = kimage_core(at, 9000, ELFCLASS32, ET_CORE, SIZE_MAX);
	assert_int_equal(memory_open_core(fd, &m), -EBADMSG);
	close(fd);
	fd = kimage_core(at, 9000, ELFCLASS64, ET_EXEC, SIZE_MAX);
	assert_int_equal(memory_open_core(fd, &m), -EBADMSG);
	close(fd);
	/* no memory in it */
	fd = kimage_core(at, 0, ELFCLASS64, ET_CORE, SIZE_MAX);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_by_name),
		cmocka_unit_test(test_types_truncated),
		cmocka_unit_test(test_types_of_modules),
		cmocka_unit_test(test_types_without_end),
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
		cmocka_unit_test(test_walk_loop),
		cmocka_unit_test(test_walk_unfitting),
		cmocka_unit_test(test_walk_lost_pointers),
		cmocka_unit_test(test_image_truncated),
		cmocka_unit_test(test_json_roundtrip),
		cmocka_unit_test(test_json_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
