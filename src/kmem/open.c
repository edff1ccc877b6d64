// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening the running kernel's memory, and saying precisely what stands in the way. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "kmem/kmem.h"

/* Type information of a large kernel has 7 MiB. */
#define BTF_MAX ((size_t)64 << 20)

#define CAP_SYS_RAWIO_BIT 17

struct opening {
	const char *root;
	struct arena *a;
	obstacle_vec *obstacles;
	struct kmem *k;
};

static void stands_in_the_way(struct opening *o, const char *code, int err, const char *what, const char *why,
			      const char *hint)
{
	*vec_push(o->obstacles) = (struct obstacle){ .code = code, .err = err, .what = what, .why = why, .hint = hint };
}

/* A descriptor, or a negative errno. */
static int open_file(const struct opening *o, const char *path)
{
	char full[SRC_PATH_MAX];
	int fd;

	pathf(full, sizeof(full), "%s%s", o->root, path);
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* The start of a small file as a string; "" when it cannot be read. */
static void read_small(const struct opening *o, const char *path, char *buf, size_t cap)
{
	_cleanup_close_ int fd = open_file(o, path);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);

	buf[n > 0 ? n : 0] = '\0';
}

/* -- memory ------------------------------------------------------------------------------------------------ */

static bool has_rawio(const struct opening *o)
{
	char status[4096];
	const char *at;

	read_small(o, "/proc/self/status", status, sizeof(status));
	at = strstr(status, "\nCapEff:");
	return at && strtoull(at + strlen("\nCapEff:"), NULL, 16) >> CAP_SYS_RAWIO_BIT & 1;
}

static bool locked_down(const struct opening *o)
{
	char mode[128];

	read_small(o, "/sys/kernel/security/lockdown", mode, sizeof(mode));
	return strstr(mode, "[confidentiality]") != NULL;
}

/* open_kcore() in fs/proc/kcore.c gives EPERM for a missing capability and for lockdown alike. */
static void kcore_failed(struct opening *o, int err)
{
	static const char what[] = "/proc/kcore";

	if (err == ENOENT)
		stands_in_the_way(o, "no-kcore", err, what, "this kernel does not show its memory (CONFIG_PROC_KCORE)", NULL);
	else if (err == EACCES)
		stands_in_the_way(o, "kcore-root", err, what, "only root may open it", "run this as root");
	else if (err == EPERM && !has_rawio(o))
		stands_in_the_way(o, "cap-sys-rawio", err, what, "opening it needs the capability CAP_SYS_RAWIO",
				  "run this as root, outside of a container");
	else if (err != EPERM)
		stands_in_the_way(o, "kcore", err, what, err_text(err), NULL);
	if (err == EPERM && locked_down(o))
		stands_in_the_way(o, "lockdown", err, what,
				  "the kernel is locked down (confidentiality), which keeps its memory from everybody",
				  "boot without lockdown=confidentiality; lockdown=integrity allows it");
	else if (err == EPERM && has_rawio(o))
		stands_in_the_way(o, "kcore-refused", err, what,
				  "the kernel refuses it, though CAP_SYS_RAWIO is there: it may be locked down",
				  "see /sys/kernel/security/lockdown");
}

static void open_memory(struct opening *o)
{
	int fd = open_file(o, "/proc/kcore");

	if (fd < 0) {
		kcore_failed(o, -fd);
		return;
	}
	if (memory_open_core(fd, &o->k->memory) == 0)
		return;
	close(fd);
	stands_in_the_way(o, "bad-kcore", EBADMSG, "/proc/kcore", "it is no core file that we understand",
			  "containers cover it with another file: run this outside of one");
}

/* -- symbols -------------------------------------------------------------------------------------------------- */

static void symbols_hidden(struct opening *o)
{
	static const char what[] = "/proc/kallsyms";
	char restricted[8];

	read_small(o, "/proc/sys/kernel/kptr_restrict", restricted, sizeof(restricted));
	if (restricted[0] == '2')
		stands_in_the_way(o, "kptr-restrict", EPERM, what, "kernel.kptr_restrict is 2: it hides addresses from everybody",
				  "sysctl kernel.kptr_restrict=1");
	else
		stands_in_the_way(o, "cap-syslog", EPERM, what, "addresses are hidden: seeing them needs the capability CAP_SYSLOG",
				  "run this as root");
}

static void check_symbols(struct opening *o)
{
	static const char what[] = "/proc/kallsyms";
	const struct symbols *s = &o->k->symbols;

	if (symbols_addr(s, KSYM_IOMMU_GROUP_KSET))
		return;
	if (!s->lines)
		stands_in_the_way(o, "no-kallsyms", EBADMSG, what, "it holds no symbols", NULL);
	else if (!s->nonzero)
		symbols_hidden(o);
	else if (!s->wanted[KSYM_IOMMU_GROUP_GET].seen)
		stands_in_the_way(o, "no-iommu-api", EOPNOTSUPP, what, "this kernel knows no IOMMU groups (CONFIG_IOMMU_API)", NULL);
	else if (!s->data)
		stands_in_the_way(o, "no-kallsyms-all", EOPNOTSUPP, what,
				  "it names functions only, and the list of groups is a variable (CONFIG_KALLSYMS_ALL)", NULL);
	else
		stands_in_the_way(o, "no-symbol", EOPNOTSUPP, what, "it does not name iommu_group_kset, or names it twice", NULL);
}

static void open_symbols(struct opening *o)
{
	_cleanup_close_ int fd = open_file(o, "/proc/kallsyms");
	int r = fd < 0 ? fd : symbols_read(&o->k->symbols, fd);

	if (r == -ENOENT)
		stands_in_the_way(o, "no-kallsyms", ENOENT, "/proc/kallsyms", "this kernel has no table of symbols (CONFIG_KALLSYMS)",
				  NULL);
	else if (r < 0)
		stands_in_the_way(o, "kallsyms", -r, "/proc/kallsyms", err_text(-r), NULL);
	else
		check_symbols(o);
}

/* -- types ------------------------------------------------------------------------------------------------------ */

static int read_whole(const struct opening *o, const char *path, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open_file(o, path);
	_cleanup_free_ char *buf = NULL;
	size_t len = 0;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || (uint64_t)st.st_size > BTF_MAX)
		return -EBADMSG;
	buf = malloc((size_t)st.st_size);
	if (!buf)
		return -ENOMEM;
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + len, (size_t)st.st_size - len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	*ret = buf;
	*ret_len = len;
	buf = NULL;
	return 0;
}

static int add_types(const char *root, struct ktypes *t, struct btf **ret)
{
	struct opening o = { .root = root };
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	int r = read_whole(&o, "/sys/kernel/btf/vmlinux", &data, &len);

	return r < 0 ? r : ktypes_add(t, data, len, ret);
}

int kmem_types(const char *root, struct ktypes *ret)
{
	return add_types(root, ret, NULL);
}

/* What a walk cannot do without. */
static const enum kfield needed[] = {
	KF_LIST_NEXT, KF_LIST_PREV,	KF_KSET_LIST, KF_KOBJ_NAME, KF_KOBJ_ENTRY,  KF_KOBJ_KSET,
	KF_GROUP_ID,  KF_GROUP_DEVICES, KF_GDEV_LIST, KF_GDEV_DEV,  KF_DEVICE_KOBJ, KF_GROUP_KOBJ,
};

static void check_types(struct opening *o)
{
	static const char what[] = "/sys/kernel/btf/vmlinux";

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!kmem_has(o->k, needed[i])) {
			stands_in_the_way(o, "no-member", EOPNOTSUPP, what,
					  arena_printf(o->a, "it has no %s of the kind we know", kfield_name(needed[i])), NULL);
			return;
		}
	if (!kmem_has(o->k, KF_GROUP_OWNER_CNT) || !kmem_has(o->k, KF_GROUP_OWNER))
		stands_in_the_way(o, "no-ownership", EOPNOTSUPP, what,
				  "this kernel does not count the owners of a group (kernels do since 5.19)", NULL);
}

static void open_types(struct opening *o)
{
	static const char *const modules[] = { "/sys/kernel/btf/vfio", "/sys/kernel/btf/iommufd" };
	_cleanup_(cleanup_ktypes_btf_free) struct btf *base = NULL;
	int r = add_types(o->root, &o->k->types, &base);

	if (r == -ENOENT)
		stands_in_the_way(o, "no-btf", ENOENT, "/sys/kernel/btf/vmlinux",
				  "this kernel carries no type information (CONFIG_DEBUG_INFO_BTF)", NULL);
	else if (r == -EBADMSG)
		stands_in_the_way(o, "bad-btf", EBADMSG, "/sys/kernel/btf/vmlinux", "it is no type information that we understand",
				  NULL);
	else if (r < 0)
		stands_in_the_way(o, "btf", -r, "/sys/kernel/btf/vmlinux", err_text(-r), NULL);
	if (r < 0)
		return;
	/* a module that is not loaded, or built in, has no file: nobody owns a group through it, or its types are here already */
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		char path[SRC_PATH_MAX];

		pathf(path, sizeof(path), "%s%s", o->root, modules[i]);
		(void)ktypes_add_module(&o->k->types, path, base);
	}
	check_types(o);
}

int kmem_open(const char *root, struct arena *a, obstacle_vec *obstacles, struct kmem **ret)
{
	_cleanup_(cleanup_kmem_free) struct kmem *k = must_calloc(1, sizeof(*k));
	struct opening o = { .root = root, .a = a, .obstacles = obstacles, .k = k };
	size_t before = obstacles->n;

	open_memory(&o);
	open_symbols(&o);
	open_types(&o);
	if (obstacles->n > before)
		return -ENODATA;
	*ret = k;
	k = NULL;
	return 0;
}
