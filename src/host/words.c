// SPDX-License-Identifier: GPL-2.0-or-later
/* Words for numbers: PCI addresses, classes, kinds of unit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/host.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Between @min and @max hex digits; the number of them, 0 when it is something else. */
static size_t hex_field(const char *s, size_t min, size_t max, uint32_t *ret)
{
	uint32_t v = 0;
	size_t n = 0;

	for (; n < max && hex_digit(s[n]) >= 0; n++)
		v = v << 4 | hex_digit(s[n]);
	*ret = v;
	return n >= min ? n : 0;
}

int pci_addr_parse(const char *s, struct pci_addr *ret)
{
	uint32_t domain = 0, bus, dev, fn;
	size_t n;

	n = hex_field(s, 4, 8, &domain);
	if (n && s[n] == ':')
		s += n + 1;
	else
		domain = 0;
	n = hex_field(s, 2, 2, &bus);
	if (!n || s[2] != ':')
		return -EINVAL;
	n = hex_field(s + 3, 2, 2, &dev);
	if (!n || dev > 0x1f || s[5] != '.')
		return -EINVAL;
	n = hex_field(s + 6, 1, 1, &fn);
	if (!n || fn > 7 || s[7])
		return -EINVAL;
	*ret = (struct pci_addr){ .domain = domain, .bus = bus, .dev = dev, .fn = fn };
	return 0;
}

const char *device_class_word(const struct device *d)
{
	static const char *const base[] = {
		[0x01] = "storage",	[0x02] = "network", [0x03] = "display", [0x04] = "multimedia",
		[0x05] = "memory",	[0x06] = "bridge",  [0x07] = "communication", [0x08] = "system",
		[0x09] = "input",	[0x0a] = "dock",    [0x0b] = "processor", [0x0c] = "serial",
		[0x0d] = "wireless",	[0x0e] = "controller", [0x0f] = "satellite", [0x10] = "crypto",
		[0x11] = "signal",	[0x12] = "accelerator",
	};
	uint8_t b = d->class >> 16;

	if (!d->has_class)
		return NULL;
	switch (d->class >> 8) {
	case 0x0c03:
		return "usb";
	case 0x0401: /* multimedia audio, and HD audio */
	case 0x0403:
		return "audio";
	}
	return b < ARRAY_SIZE(base) && base[b] ? base[b] : "other";
}

bool device_is_pci_bridge(const struct device *d)
{
	return d->has_class && d->class >> 8 == 0x0604;
}

bool device_is_bridge(const struct device *d)
{
	return d->has_class && d->class >> 16 == 0x06;
}

const char *unit_kind_name(enum unit_kind k)
{
	static const char *const names[] = {
		[UNIT_UNKNOWN] = "unknown",   [UNIT_VTD] = "vt-d",	 [UNIT_AMD] = "amd-vi",
		[UNIT_SMMUV3] = "smmuv3",     [UNIT_SMMUV2] = "smmuv2",	 [UNIT_VIRTIO] = "virtio-iommu",
		[UNIT_MOCK] = "mock",	      [UNIT_RISCV] = "riscv",	 [UNIT_APPLE_DART] = "apple-dart",
		[UNIT_S390] = "s390",	      [UNIT_OTHER] = "other",
	};

	return names[k];
}
