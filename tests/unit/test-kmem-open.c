// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands in the way of reading a kernel's memory, and that it is named. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/str.h"
#include "kimage.h"

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
	int fd = kimage_core(0xffffffff81000000, 4096, ELFCLASS64, ET_CORE, SIZE_MAX);

	strcpy(r->dir, "/tmp/test-kmem-open-XXXXXX");
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
		cmocka_unit_test(test_obstacles),
		cmocka_unit_test(test_kcore_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
