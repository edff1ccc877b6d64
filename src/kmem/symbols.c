// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/symbols.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

static const char *const wanted_names[KSYM_MAX] = {
	[KSYM_IOMMU_GROUP_KSET] = "iommu_group_kset",
	[KSYM_IOMMU_GROUP_GET] = "iommu_group_get",
	[KSYM_INIT_TASK] = "init_task",
	[KSYM_IOMMUFD_FOPS] = "iommufd_fops",
	[KSYM_VFIO_GROUP_FOPS] = "vfio_group_fops",
	[KSYM_VFIO_DEVICE_FOPS] = "vfio_device_fops",
	[KSYM_FAULT_FOPS] = "iommufd_fault_fops",
	[KSYM_VEVENTQ_FOPS] = "iommufd_veventq_fops",
};

/* More than any kernel has; a bound for rubbish. */
#define MAX_OPS 65536u

static bool is_data(char type)
{
	return type && strchr("dDrRbB", type);
}

static void keep_wanted(struct symbols *s, const char *name, size_t len, uint64_t addr)
{
	for (size_t i = 0; i < KSYM_MAX; i++) {
		if (strlen(wanted_names[i]) != len || memcmp(wanted_names[i], name, len))
			continue;
		if (s->wanted[i].addr != addr || !s->wanted[i].seen)
			s->wanted[i].seen++;
		s->wanted[i].addr = addr;
	}
}

static void add(struct symbols *s, const char *name, size_t len, char type, uint64_t addr)
{
	s->lines++;
	if (is_data(type))
		s->data++;
	if (addr)
		s->nonzero++;
	/* every name wanted begins with i or v */
	if (len > 8 && (name[0] == 'i' || name[0] == 'v'))
		keep_wanted(s, name, len, addr);
	if (addr && len > 4 && is_data(type) && !memcmp(name + len - 4, "_ops", 4) && s->ops.n < MAX_OPS)
		*vec_push(&s->ops) = (struct ksym_name){ addr, arena_memdup(&s->arena, name, len) };
}

void symbols_add(struct symbols *s, const char *name, char type, uint64_t addr)
{
	add(s, name, strlen(name), type, addr);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "ffffffff81c513e0 D pci_bus_type" and perhaps a tab and "[module]". */
static void read_line(struct symbols *s, const char *p, const char *end)
{
	uint64_t addr = 0;
	const char *name;
	int d;

	while (p < end && (d = hex_digit(*p)) >= 0) {
		addr = addr << 4 | (unsigned)d;
		p++;
	}
	if (end - p < 4 || p[0] != ' ' || p[2] != ' ')
		return;
	name = p + 3;
	for (end = end > name ? end : name, p = name; p < end && *p != '\t' && *p != ' ';)
		p++;
	add(s, name, (size_t)(p - name), name[-2], addr);
}

int symbols_read(struct symbols *s, int fd)
{
	char buf[65536];
	size_t have = 0;

	for (;;) {
		ssize_t n = read(fd, buf + have, sizeof(buf) - have);
		char *p = buf, *nl;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
		while ((nl = memchr(p, '\n', (size_t)(buf + have - p)))) {
			read_line(s, p, nl);
			p = nl + 1;
		}
		have = (size_t)(buf + have - p);
		if (have == sizeof(buf)) /* a line without end is none */
			have = 0;
		memmove(buf, p, have);
	}
	symbols_sort(s);
	return 0;
}

static int by_addr(const void *a, const void *b)
{
	const struct ksym_name *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

void symbols_sort(struct symbols *s)
{
	if (s->ops.n)
		qsort(s->ops.v, s->ops.n, sizeof(*s->ops.v), by_addr);
}

void symbols_free(struct symbols *s)
{
	vec_free(&s->ops);
	arena_free(&s->arena);
	*s = (struct symbols){ 0 };
}

uint64_t symbols_addr(const struct symbols *s, enum ksym which)
{
	return s->wanted[which].seen == 1 ? s->wanted[which].addr : 0;
}

const char *symbols_name(const struct symbols *s, uint64_t addr)
{
	struct ksym_name key = { .addr = addr };
	const struct ksym_name *found;

	if (!addr || !s->ops.n)
		return NULL;
	found = bsearch(&key, s->ops.v, s->ops.n, sizeof(key), by_addr);
	return found ? found->name : NULL;
}
