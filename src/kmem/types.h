/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the members of fields.h are in this kernel's structures, and the words of its enumerations: from BTF, the type
 * information that the kernel carries (/sys/kernel/btf; Documentation/bpf/btf.rst).
 */
#ifndef IOMMUCTL_KMEM_TYPES_H
#define IOMMUCTL_KMEM_TYPES_H

#include "base/arena.h"
#include "kmem/fields.h"

struct btf;

/* Enumerations whose words we use. */
enum kenum { KE_IOMMUFD_OBJECT, KE_DOMAIN_COOKIE, KE_IOVA_COOKIE, KE_MAX };

struct ktypes {
	struct {
		uint32_t offset; /* bytes */
		uint32_t size;	 /* bytes; 0: not found */
		uint32_t count;	 /* elements of an array; 0: no array */
		uint8_t mask;	 /* of kind B: the bits of the byte at offset */
	} field[KF_MAX];
	struct {
		struct {
			int64_t value;
			const char *word;
		} v[32];
		size_t n;
	} words[KE_MAX];
	bool report_returns; /* iommu_report_device_fault() tells whether it took the fault: a kernel or two has it void */
	struct arena arena;
};

/*
 * Adds what the kernel's own types tell; @data is BTF, as read from /sys/kernel/btf/vmlinux. *@ret_btf, unless NULL, becomes
 * the base for modules, to be freed with ktypes_btf_free(). -EBADMSG: no BTF.
 */
int ktypes_add(struct ktypes *t, const void *data, size_t len, struct btf **ret_btf);

/* Adds what a module's types tell; what was found before stays. -ENOENT; -EBADMSG: no BTF, or not of this kernel. */
int ktypes_add_module(struct ktypes *t, const char *path, struct btf *base);

void ktypes_btf_free(struct btf *btf);
DEFINE_CLEANUP(struct btf, ktypes_btf_free);

void ktypes_free(struct ktypes *t);

/* "iommu_group.owner_cnt", for messages. Static storage. */
const char *kfield_name(enum kfield f);

/* The word of a value, the common prefix cut, in lower case with dashes: "hwpt-paging"; NULL: unknown. */
const char *ktypes_word(const struct ktypes *t, enum kenum e, int64_t value);

/* The value of a word as above. -ENOENT. */
int ktypes_value(const struct ktypes *t, enum kenum e, const char *word, int64_t *ret);

#endif
