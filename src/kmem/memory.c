// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/memory.h"

#include <errno.h>
#include <string.h>
#include <gelf.h>

#include "base/vec.h"

#define PAGE_BYTES  4096u
#define CACHE_PAGES 512u

struct segment {
	uint64_t addr, len;
	uint64_t off;	  /* in the file */
	const char *data; /* of an image; NULL: in the file */
};

/* What of one page a segment has: bytes lo to hi of it are valid. */
struct page {
	uint64_t addr;
	unsigned lo, hi;
	char data[PAGE_BYTES];
};

struct memory {
	int fd;
	VEC(struct segment) segments; /* by address, without overlap */
	struct page *pages;
};

struct memory *memory_new(void)
{
	struct memory *m = must_calloc(1, sizeof(*m));

	m->fd = -1;
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	vec_free(&m->segments);
	free(m->pages);
	free(m);
}

/* The first segment that ends behind @addr. */
static size_t segment_place(const struct memory *m, uint64_t addr)
{
	size_t lo = 0, hi = m->segments.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr - m->segments.v[mid].addr < m->segments.v[mid].len || addr < m->segments.v[mid].addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static const struct segment *segment_of(const struct memory *m, uint64_t addr)
{
	size_t i = segment_place(m, addr);

	if (i == m->segments.n || addr < m->segments.v[i].addr)
		return NULL;
	return &m->segments.v[i];
}

static int add_segment(struct memory *m, struct segment s)
{
	size_t i;

	if (!s.len || s.addr + (s.len - 1) < s.addr)
		return -EINVAL;
	i = segment_place(m, s.addr);
	if (i < m->segments.n && s.addr + (s.len - 1) >= m->segments.v[i].addr)
		return -EINVAL;
	vec_push(&m->segments);
	memmove(&m->segments.v[i + 1], &m->segments.v[i], (m->segments.n - 1 - i) * sizeof(s));
	m->segments.v[i] = s;
	return 0;
}

int memory_add(struct memory *m, uint64_t addr, const void *data, uint64_t len)
{
	return add_segment(m, (struct segment){ .addr = addr, .len = len, .data = data });
}

static bool is_our_core(Elf *elf)
{
	GElf_Ehdr eh;
	const uint16_t one = 1;
	int order = *(const char *)&one ? ELFDATA2LSB : ELFDATA2MSB;

	return elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 && gelf_getehdr(elf, &eh) &&
	       eh.e_type == ET_CORE && eh.e_ident[EI_DATA] == order;
}

/* Segments that overlap others (the kernel's text is in two of them on some machines) are left out: the first one serves. */
static int add_headers(struct memory *m, Elf *elf)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return -EBADMSG;
		if (ph.p_type == PT_LOAD)
			(void)add_segment(m, (struct segment){
						     .addr = ph.p_vaddr, .len = ph.p_filesz, .off = ph.p_offset });
	}
	return m->segments.n ? 0 : -EBADMSG;
}

int memory_open_core(int fd, struct memory **ret)
{
	_cleanup_(cleanup_memory_free) struct memory *m = memory_new();
	Elf *elf;
	int r;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -EBADMSG;
	r = is_our_core(elf) ? add_headers(m, elf) : -EBADMSG;
	elf_end(elf);
	if (r < 0)
		return r;
	m->pages = must_calloc(CACHE_PAGES, sizeof(*m->pages));
	m->fd = fd;
	*ret = m;
	m = NULL;
	return 0;
}

static int read_file(const struct memory *m, uint64_t off, char *buf, size_t len)
{
	while (len) {
		ssize_t n = pread(m->fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EFAULT;
		buf += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* The page of @addr, clipped to the segment that holds it. */
static const struct page *page_of(struct memory *m, const struct segment *s, uint64_t addr)
{
	uint64_t base = addr & ~(uint64_t)(PAGE_BYTES - 1);
	uint64_t from = MAX(base, s->addr);
	uint64_t last = MIN(base + (PAGE_BYTES - 1), s->addr + (s->len - 1));
	struct page *p = &m->pages[(base / PAGE_BYTES) % CACHE_PAGES];

	if (p->hi && p->addr == base && addr - base >= p->lo && addr - base < p->hi)
		return p;
	p->hi = 0;
	if (read_file(m, s->off + (from - s->addr), p->data + (from - base), last - from + 1) < 0)
		return NULL;
	p->addr = base;
	p->lo = (unsigned)(from - base);
	p->hi = (unsigned)(last - base) + 1;
	return p;
}

/* As much of @len bytes as one segment and one page have; 0: nothing. */
static size_t read_some(struct memory *m, uint64_t addr, char *buf, size_t len)
{
	const struct segment *s = segment_of(m, addr);
	const struct page *p;
	size_t n;

	if (!s)
		return 0;
	if (s->data) {
		n = MIN(len, s->len - (addr - s->addr));
		memcpy(buf, s->data + (addr - s->addr), n);
		return n;
	}
	p = page_of(m, s, addr);
	if (!p)
		return 0;
	n = MIN(len, p->hi - (addr - p->addr));
	memcpy(buf, p->data + (addr - p->addr), n);
	return n;
}

int memory_read(struct memory *m, uint64_t addr, void *buf, size_t len)
{
	char *to = buf;

	if (len && addr + (len - 1) < addr)
		return -EFAULT;
	while (len) {
		size_t n = read_some(m, addr, to, len);

		if (!n)
			return -EFAULT;
		to += n;
		addr += n;
		len -= n;
	}
	return 0;
}

void memory_forget(struct memory *m)
{
	for (size_t i = 0; m->pages && i < CACHE_PAGES; i++)
		m->pages[i].hi = 0;
}
