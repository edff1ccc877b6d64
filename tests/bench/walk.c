// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make bench: what reading the owners costs, in processor time: 1,000 groups, and as many devices bound to an iommufd, walked through a core
 * file; a symbol table of 250,000 lines; and opening the running kernel's own memory where it may be read, with the system calls that read.
 * For instructions instead of time: valgrind --tool=callgrind tests/bench/walk.
 *
 *	walk [FOLDER]
 *
 * FOLDER: types and symbols of another kernel, out of its sys/kernel/btf/vmlinux and proc/kallsyms (tests/vm/suites/bench-owner.sh brings them out of a
 * lab machine); nothing else is measured.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../unit/kimage.h"
#include "kmem/iommufd.h"
#include "kmem/walk.h"

#define GROUPS	1000u
#define SYMBOLS 250000u

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void row(const char *what, double ms, const char *aim)
{
	printf("%s\t%.1f ms\t-\t-\t%s\n", what, ms, aim);
}

static FILE *core_file(const struct kimage *k)
{
	Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_CORE,
			  .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_offset = 4096, .p_vaddr = KIMAGE_BASE, .p_filesz = k->used, .p_memsz = k->used };
	FILE *f = tmpfile();

	if (!f)
		abort();
	fwrite(&eh, sizeof(eh), 1, f);
	fwrite(&ph, sizeof(ph), 1, f);
	fseek(f, 4096, SEEK_SET);
	fwrite(k->mem, 1, k->used, f);
	fflush(f);
	return f;
}

/* An XArray's node of four slots, with what is below it; ids count on from @first. */
static uint64_t array_node(struct kimage *k, const uint64_t *objects, size_t n, size_t first, unsigned shift, uint64_t parent, unsigned offset)
{
	uint64_t node = kimage_alloc(k, "xa_node");

	kimage_set(k, node, KF_XA_SHIFT, shift);
	kimage_set(k, node, KF_XA_PARENT, parent);
	kimage_set(k, node, KF_XA_OFFSET, offset);
	for (unsigned i = 0; i < 4; i++) {
		size_t at = first + ((size_t)i << shift);

		if (at < n)
			kimage_write64(k, kimage_at(k, node, KF_XA_SLOTS) + 8 * i,
				       shift ? array_node(k, objects, n, at, shift - 2, node, i) + 2 : objects[at]);
	}
	return node;
}

static void add_context(struct kimage *k, const uint64_t *devs)
{
	uint64_t ctx = kimage_alloc(k, "iommufd_ctx"), objects[GROUPS];

	for (unsigned i = 0; i < GROUPS; i++) {
		uint64_t idev = kimage_alloc(k, "iommufd_device");

		objects[i] = kimage_at(k, idev, KF_IDEV_OBJ);
		kimage_set(k, objects[i], KF_OBJ_ID, i);
		kimage_set(k, objects[i], KF_OBJ_TYPE, 5);
		kimage_set(k, idev, KF_IDEV_CTX, ctx);
		kimage_set(k, idev, KF_IDEV_DEV, devs[i]);
	}
	kimage_set(k, kimage_at(k, ctx, KF_CTX_OBJECTS), KF_XARRAY_HEAD, array_node(k, objects, GROUPS, 0, 8, 0, 0) + 2);
	kimage_file(k, kimage_task(k, 42, "qemu", 8), 3, k->iommufd_fops, ctx);
}

static struct kmem *machine(struct kimage *k, char **ret_image)
{
	uint64_t devs[GROUPS];
	struct kmem *km;
	size_t len;

	for (unsigned i = 0; i < GROUPS; i++) {
		uint64_t g = kimage_group(k, i);
		char name[32];

		snprintf(name, sizeof(name), "0000:%02x:%02x.0", i / 32, i % 32);
		devs[i] = kimage_device(k, g, name, "e1000e", false);
	}
	add_context(k, devs);
	*ret_image = kimage_image(k, &len);
	if (kmem_open_image(*ret_image, len, &km) < 0)
		abort();
	memory_free(km->memory);
	if (memory_open_core(dup(fileno(core_file(k))), &km->memory) < 0)
		abort();
	return km;
}

static void bench_walk(void)
{
	struct kimage *k = kimage_new(0);
	struct arena a = { 0 };
	struct ownership *o = arena_new(&a, struct ownership);
	struct iommufds *d = arena_new(&a, struct iommufds);
	char *image;
	struct kmem *km = machine(k, &image);
	double t = now();

	o->arena = &a;
	walk_kernel(km, o);
	if (o->n_groups != GROUPS)
		abort();
	row("1,000 groups walked", now() - t, "< 30 ms");
	t = now();
	walk_iommufds(km, &a, d);
	if (d->n != 1 || d->v[0].n != GROUPS || d->v[0].problem)
		abort();
	row("1,000 iommufd objects and the groups", now() - t, "");
	kmem_free(km);
	free(image);
	arena_free(&a);
	kimage_free(k);
}

static void bench_symbols(void)
{
	struct symbols s = { 0 };
	FILE *f = tmpfile();
	double t;

	if (!f)
		abort();
	for (unsigned i = 0; i < SYMBOLS; i++)
		fprintf(f, "ffffffff%08x %c a_symbol_of_middling_length_%u%s\n", i * 16, i % 3 ? 't' : 'd', i, i % 64 ? "" : "_ops");
	rewind(f);
	t = now();
	symbols_read(&s, fileno(f));
	if (s.lines != SYMBOLS)
		abort();
	row("250,000 symbols read", now() - t, "< 150 ms");
	symbols_free(&s);
	fclose(f);
}

static void bench_types(const char *root)
{
	struct ktypes t = { 0 };
	double start = now();

	if (kmem_types(root, &t) == 0)
		row(*root ? "types of that kernel" : "types of the running kernel", now() - start, "together");
	else
		fprintf(stderr, "bench: this kernel carries no type information\n");
	ktypes_free(&t);
}

/* Calls of read() and the like, and KiB that they brought, of this process so far; 0: the kernel does not count (CONFIG_TASK_IO_ACCOUNTING). */
static void reads(long *ret_calls, long *ret_kib)
{
	FILE *f = fopen("/proc/self/io", "r");
	long calls = 0, bytes = 0;

	if (f && fscanf(f, "rchar: %ld wchar: %*d syscr: %ld", &bytes, &calls) != 2)
		bytes = calls = 0;
	if (f)
		fclose(f);
	*ret_calls = calls;
	*ret_kib = bytes / 1024;
}

static void read_row(long calls, long kib)
{
	if (calls)
		printf("  calls that read, and what they brought\t%ld, %ld KiB\t-\t-\t-\n", calls, kib);
}

/* Types, symbols and the memory's segments of the running kernel, and then its groups. */
static void bench_live(void)
{
	obstacle_vec obstacles = { 0 };
	struct arena a = { 0 };
	struct ownership *o = arena_new(&a, struct ownership);
	struct obstacle *w;
	struct kmem *k;
	long calls, kib, calls_then, kib_then;
	double t;

	reads(&calls, &kib);
	t = now();
	if (kmem_open("", &a, &obstacles, &k) < 0) {
		vec_for_each(w, &obstacles)
			fprintf(stderr, "bench: the running kernel is not opened: %s: %s\n", w->what, w->why);
	} else {
		row("the running kernel opened", now() - t, "< 150 ms");
		reads(&calls_then, &kib_then);
		read_row(calls_then - calls, kib_then - kib);
		o->arena = &a;
		t = now();
		walk_kernel(k, o);
		row("  its groups walked", now() - t, "");
		reads(&calls, &kib);
		read_row(calls - calls_then, kib - kib_then);
		kmem_free(k);
	}
	vec_free(&obstacles);
	arena_free(&a);
}

static void bench_symbols_of(const char *root)
{
	struct symbols s = { 0 };
	char path[4096];
	double t;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	f = fopen(path, "r");
	if (!f) {
		perror(path);
		exit(1);
	}
	t = now();
	symbols_read(&s, fileno(f));
	row("symbols of that kernel", now() - t, "together");
	printf("  lines\t%zu\t-\t-\t-\n", s.lines);
	symbols_free(&s);
	fclose(f);
}

int main(int argc, char **argv)
{
	struct rusage u;

	printf("# Kernel memory: %s; processor time\n", argc > 1 ? "types and symbols of another kernel" : "owner list of a made-up kernel");
	fflush(stdout);
	if (argc > 1) {
		bench_types(argv[1]);
		bench_symbols_of(argv[1]);
	} else {
		bench_walk();
		bench_symbols();
		bench_types("");
		bench_live();
	}
	getrusage(RUSAGE_SELF, &u);
	printf("memory\t%.1f MiB\t-\t-\t< 32 MiB\n", (double)u.ru_maxrss / 1024);
	return 0;
}
