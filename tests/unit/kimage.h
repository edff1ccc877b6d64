/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small kernel's memory, made up: structures with members at places that no real kernel has them at, so that code which
 * knows an offset by heart fails. Built in memory, and written in the format of kmem_open_image().
 *
 *	struct kimage *k = kimage_new(0);
 *	uint64_t g = kimage_group(k, 7);
 *	kimage_device(k, g, "0000:01:00.0", "e1000e", false);
 *	kimage_set(k, g, KF_GROUP_OWNER_CNT, 1);
 *	kmem_open_image(kimage_image(k, &len), len, &kmem) … kimage_free(k);
 */
#ifndef IOMMUCTL_TESTS_KIMAGE_H
#define IOMMUCTL_TESTS_KIMAGE_H

#include "kmem/kmem.h"

struct kimage {
	struct ktypes types; /* of the BTF below */
	void *btf;
	uint32_t btf_len;
	unsigned char *mem;  /* at KIMAGE_BASE */
	size_t used;
	uint64_t kset_pointer, kset, init_task, bus_pci;
	uint64_t group_fops, device_fops, iommufd_fops, fault_fops, dma_ops;
};

#define KIMAGE_BASE 0xff11000000100000ull
#define KIMAGE_SIZE ((size_t)8 << 20)

/* Members that this kernel does not have. */
enum kimage_without { KIMAGE_WITHOUT_NEW = 1, KIMAGE_WITHOUT_OWNER = 2 };

struct kimage *kimage_new(unsigned without);
void kimage_free(struct kimage *k);

/* Zeroed memory for a structure of that name, or for bytes. */
uint64_t kimage_alloc(struct kimage *k, const char *type);
uint64_t kimage_bytes(struct kimage *k, const void *data, size_t n);
uint64_t kimage_string(struct kimage *k, const char *s);

void kimage_set(struct kimage *k, uint64_t base, enum kfield f, uint64_t value);
uint64_t kimage_num(const struct kimage *k, uint64_t base, enum kfield f);
void kimage_set_bit(struct kimage *k, uint64_t base, enum kfield f);
void kimage_write64(struct kimage *k, uint64_t addr, uint64_t value);
uint64_t kimage_at(const struct kimage *k, uint64_t base, enum kfield f);

/* An empty list, and a new last entry. Both are addresses of a struct list_head. */
void kimage_list(struct kimage *k, uint64_t head);
void kimage_list_add(struct kimage *k, uint64_t head, uint64_t node);

uint64_t kimage_group(struct kimage *k, uint32_t id);
/* On the pci bus; @driver NULL: none. The struct device. */
uint64_t kimage_device(struct kimage *k, uint64_t group, const char *name, const char *driver, bool managed);
uint64_t kimage_domain(struct kimage *k, uint32_t type);

/* A process, and files in its table: the struct file of the last one. */
uint64_t kimage_task(struct kimage *k, int pid, const char *comm, size_t fds);
/* Another thread of that process, with these files. */
uint64_t kimage_thread(struct kimage *k, uint64_t leader, uint64_t files);
void kimage_file(struct kimage *k, uint64_t task, size_t fd, uint64_t fops, uint64_t private_data);

/* The whole as an image, to be freed by the caller. */
void *kimage_image(const struct kimage *k, size_t *ret_len);

/*
 * A core file with one segment of @len bytes at @vaddr, cut off behind @cut bytes; @class and @type are those of its header. Byte i is i * 7 >> 3.
 * A descriptor, to be closed by the caller.
 */
int kimage_core(uint64_t vaddr, size_t len, unsigned char class, uint16_t type, size_t cut);

#endif
