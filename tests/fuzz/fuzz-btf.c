// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as BTF. libbpf reads the container, and what of it libbpf takes is walked by us. The first byte chooses: the bytes as they are; or a
 * sound header before them, the second byte times 12 bytes of types and the rest strings, since few inputs get past libbpf's own checks.
 */
#include "fuzz.h"

#include <linux/btf.h>
#include <string.h>

#include "kmem/types.h"

static void *with_header(const uint8_t *data, size_t size, uint32_t types, size_t *ret_len)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(h) };
	char *p = malloc(sizeof(h) + size + 1);

	if (!p)
		abort();
	h.type_len = (uint32_t)MIN(types * 12u, size & ~(size_t)3);
	h.str_off = h.type_len;
	h.str_len = (uint32_t)(size - h.type_len) + 1;
	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), data, size);
	p[sizeof(h) + size] = '\0';
	p[sizeof(h) + h.type_len] = '\0'; /* the first string is empty */
	*ret_len = sizeof(h) + size + 1;
	return p;
}

static void walk(const void *p, size_t len)
{
	struct ktypes t = { 0 };
	struct btf *btf = NULL;

	if (ktypes_add(&t, p, len, &btf) == 0) {
		for (enum kfield f = 0; f < KF_MAX; f++)
			fuzz_check(kfield_name(f) != NULL);
		ktypes_word(&t, KE_IOMMUFD_OBJECT, 1);
		ktypes_btf_free(btf);
	}
	ktypes_free(&t);
}

FUZZ_TARGET(btf)
{
	if (size < 3)
		return 0;
	if (data[0] & 1) {
		size_t len;
		_cleanup_free_ void *p = with_header(data + 2, size - 2, data[1], &len);

		walk(p, len);
	} else {
		walk(data + 1, size - 1);
	}
	return 0;
}
