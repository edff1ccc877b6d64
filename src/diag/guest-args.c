// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The same guest for QEMU's command line and as libvirt's XML. Where the guest has IOMMUs, or many devices, each physical IOMMU's devices
 * get a root bus of their own (pxb-pcie), and each device a root port. Properties are those of QEMU's and libvirt's documentation;
 * the versions are the first ones that have them.
 */
#include "diag/guest-facts.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* QEMU's own devices take slots of pcie.0 as well. */
#define PORTS_ON_ROOT 16
/* Leaves 31 buses to pcie.0. */
#define MAX_BUSES 224
#define SLOTS 32

struct place {
	struct device *d;
	size_t root;		/* 0: pcie.0, else a pxb, counted from 1 */
	size_t port;		/* index */
	unsigned slot, fn;	/* of the port, on a pxb */
	bool opens_port;	/* the first behind it */
	unsigned bridge_slot;	/* 0: no bridge behind the port */
};

struct layout {
	struct planning *p;
	struct place *v;
	size_t n, n_roots, n_ports;
	unsigned *bus_nr; /* of each root */
	const char **qemu;
	size_t n_qemu;
	struct strbuf xml;
};

/* -- places ------------------------------------------------------------------------------------------------------------------ */

/*
 * Devices of one group have one page table. QEMU gives each function an address space of its own when its IOMMU follows maps by hand,
 * unless they are behind a bridge to conventional PCI, where it cannot tell them apart either.
 */
static bool needs_bridge(const struct layout *l, const struct device *d)
{
	size_t n = 0;

	for (size_t i = 0; i < l->p->q->n; i++)
		n += l->p->q->devices[i]->group == d->group && l->p->q->devices[i]->is_pci;
	return l->p->iommu == GUEST_IOMMU_VIRTIO && n > 1;
}

static const struct place *first_of_group(const struct layout *l, const struct device *d)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].d->group == d->group)
			return &l->v[i];
	return NULL;
}

static void place(struct layout *l, struct device *d, size_t root, unsigned *ports)
{
	const struct place *first = needs_bridge(l, d) ? first_of_group(l, d) : NULL;
	struct place *at = &l->v[l->n];

	*at = (struct place){ .d = d, .root = root };
	if (first) {
		*at = *first;
		at->d = d;
		at->opens_port = false;
		for (size_t i = 0; i < l->n; i++)
			at->bridge_slot += l->v[i].port == first->port;
	} else {
		at->port = l->n_ports++;
		at->slot = *ports % SLOTS;
		at->fn = *ports / SLOTS;
		at->opens_port = true;
		at->bridge_slot = needs_bridge(l, d) ? 1 : 0;
		(*ports)++;
	}
	l->n++;
}

static int place_all(struct layout *l)
{
	struct planning *p = l->p;
	bool roots = p->iommu == GUEST_IOMMU_SMMUV3 || (p->iommu && p->n_units > 1) || p->q->n > PORTS_ON_ROOT;
	unsigned buses = 0, *counts = arena_array(p->a, unsigned, p->n_units + 1);

	l->v = arena_array(p->a, struct place, p->q->n);
	l->bus_nr = arena_array(p->a, unsigned, p->n_units + 1);
	for (size_t i = 0; i < p->n_units; i++) {
		struct planned_unit *u = &p->units[i];
		size_t root = roots ? i + 1 : 0;

		for (size_t k = 0; k < u->n; k++)
			if (u->devices[k]->is_pci)
				place(l, u->devices[k], root, &counts[root]);
	}
	if (!roots || streq(p->machine, "pc"))
		return 0;
	l->n_roots = p->n_units;
	/* one bus for the root itself, one behind each port, and one behind each bridge */
	for (size_t r = 1; r <= l->n_roots; r++) {
		l->bus_nr[r] = buses;
		buses += 1 + counts[r];
		for (size_t i = 0; i < l->n; i++)
			buses += l->v[i].root == r && l->v[i].opens_port && l->v[i].bridge_slot;
	}
	for (size_t r = 1; r <= l->n_roots; r++)
		l->bus_nr[r] += 256 - MIN(buses, 256u);
	return buses > MAX_BUSES ? -ENOSPC : 0;
}

/* -- QEMU --------------------------------------------------------------------------------------------------------------------- */

static void _printf_(3, 4) add_argument(struct layout *l, const char *option, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	l->qemu[l->n_qemu++] = option;
	l->qemu[l->n_qemu++] = arena_vprintf(l->p->a, fmt, ap);
	va_end(ap);
}

static const char *pci_name(struct arena *a, const struct device *d)
{
	return arena_printf(a, "%04x:%02x:%02x.%x", d->addr.domain, d->addr.bus, d->addr.dev, d->addr.fn);
}

static const char *root_name(struct layout *l, size_t root)
{
	return root ? arena_printf(l->p->a, "pxb%zu", root - 1) : "pcie.0";
}

static void qemu_roots(struct layout *l)
{
	for (size_t r = 1; r <= l->n_roots; r++)
		add_argument(l, "-device", "pxb-pcie,id=%s,bus=pcie.0,bus_nr=%u", root_name(l, r), l->bus_nr[r]);
	for (size_t r = 1; r <= l->n_roots && l->p->iommu == GUEST_IOMMU_SMMUV3; r++)
		add_argument(l, "-device", "arm-smmuv3,id=smmu%zu,primary-bus=%s,accel=on", r - 1, root_name(l, r));
}

/* Some port of this root has more than one function in its slot. */
static bool crowded(const struct layout *l, size_t root)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].root == root && l->v[i].fn)
			return true;
	return false;
}

static void qemu_port(struct layout *l, const struct place *at)
{
	const char *addr = at->root ? arena_printf(l->p->a, ",addr=%x.%x%s", at->slot, at->fn, crowded(l, at->root) ? ",multifunction=on" : "") : "";

	add_argument(l, "-device", "pcie-root-port,id=rp%zu,bus=%s,chassis=%zu%s", at->port, root_name(l, at->root), at->port + 1, addr);
	if (at->bridge_slot)
		add_argument(l, "-device", "pcie-pci-bridge,id=br%zu,bus=rp%zu", at->port, at->port);
}

static const char *qemu_bus(struct layout *l, const struct place *at)
{
	if (streq(l->p->machine, "pc"))
		return "";
	if (at->bridge_slot)
		return arena_printf(l->p->a, ",bus=br%zu,addr=%u", at->port, at->bridge_slot);
	return arena_printf(l->p->a, ",bus=rp%zu", at->port);
}

static void qemu_arguments(struct layout *l)
{
	const struct planning *p = l->p;

	add_argument(l, "-machine", "%s%s", p->machine,
		     streq(p->machine, "virt") ? ",gic-version=3" : p->iommu == GUEST_IOMMU_INTEL ? ",kernel-irqchip=split" : "");
	if (!p->legacy)
		add_argument(l, "-object", "iommufd,id=iommufd0");
	if (p->iommu == GUEST_IOMMU_INTEL)
		add_argument(l, "-device", "intel-iommu,intremap=on,x-scalable-mode=on,x-flts=on");
	if (p->iommu == GUEST_IOMMU_VIRTIO)
		add_argument(l, "-device", "virtio-iommu-pci");
	qemu_roots(l);
	for (size_t i = 0; i < l->n; i++) {
		const struct place *at = &l->v[i];

		if (at->opens_port && !streq(p->machine, "pc"))
			qemu_port(l, at);
		add_argument(l, "-device", "vfio-pci,id=hostdev%zu,host=%s%s%s", i, pci_name(p->a, at->d), qemu_bus(l, at),
			     p->legacy ? "" : ",iommufd=iommufd0");
	}
}

/* -- libvirt ------------------------------------------------------------------------------------------------------------------ */

/* Names of drivers are a machine's to choose. */
static void xml_escape(struct strbuf *b, const char *s)
{
	for (size_t n; *s; s += n) {
		n = utf8_len(s, strlen(s));
		if (!n || (n == 1 && (unsigned char)*s < 0x20)) {
			strbuf_puts(b, "\xef\xbf\xbd");
			n = 1;
		} else if (n == 1 && strchr("&<>'\"", *s)) {
			strbuf_printf(b, "&#%d;", *s);
		} else {
			strbuf_add(b, s, n);
		}
	}
}

/* Controllers by index: 0 is pcie-root, then the roots, the ports, and the bridges. */
static size_t port_index(const struct layout *l, const struct place *at)
{
	return 1 + l->n_roots + at->port;
}

static size_t bridge_index(const struct layout *l, const struct place *at)
{
	return 1 + l->n_roots + l->n_ports + at->port;
}

static void xml_address(struct strbuf *b, size_t bus, unsigned slot, unsigned fn, bool multifunction)
{
	strbuf_printf(b, "      <address type='pci' domain='0x0000' bus='0x%02zx' slot='0x%02x' function='0x%x'%s/>\n", bus, slot, fn,
		      multifunction ? " multifunction='on'" : "");
}

static void xml_port(struct layout *l, const struct place *at)
{
	struct strbuf *b = &l->xml;

	strbuf_printf(b, "    <controller type='pci' index='%zu' model='pcie-root-port'", port_index(l, at));
	if (at->root) {
		strbuf_puts(b, ">\n");
		xml_address(b, at->root, at->slot, at->fn, !at->fn && crowded(l, at->root));
		strbuf_puts(b, "    </controller>\n");
	} else {
		strbuf_puts(b, "/>\n");
	}
	if (!at->bridge_slot)
		return;
	strbuf_printf(b, "    <controller type='pci' index='%zu' model='pcie-to-pci-bridge'>\n", bridge_index(l, at));
	xml_address(b, port_index(l, at), 0, 0, false);
	strbuf_puts(b, "    </controller>\n");
}

static void xml_driver(struct layout *l, const struct device *d)
{
	struct strbuf *b = &l->xml;
	bool variant = d->driver && !streq(d->driver, "vfio-pci") && strstr(d->driver, "vfio");

	if (!variant && l->p->legacy)
		return;
	strbuf_puts(b, "      <driver");
	if (variant) {
		strbuf_puts(b, " model='");
		xml_escape(b, d->driver);
		strbuf_puts(b, "'");
	}
	strbuf_puts(b, l->p->legacy ? "/>\n" : " iommufd='yes'/>\n");
}

static void xml_device(struct layout *l, const struct place *at)
{
	const struct pci_addr a = at->d->addr;
	struct strbuf *b = &l->xml;

	strbuf_puts(b, "    <hostdev mode='subsystem' type='pci' managed='no'>\n");
	xml_driver(l, at->d);
	strbuf_puts(b, "      <source>\n");
	strbuf_printf(b, "        <address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>\n", a.domain, a.bus, a.dev, a.fn);
	strbuf_puts(b, "      </source>\n");
	if (!streq(l->p->machine, "pc"))
		xml_address(b, at->bridge_slot ? bridge_index(l, at) : port_index(l, at), at->bridge_slot, 0, false);
	strbuf_puts(b, "    </hostdev>\n");
}

static void xml_iommus(struct layout *l)
{
	struct strbuf *b = &l->xml;

	if (l->p->iommu == GUEST_IOMMU_VIRTIO)
		strbuf_puts(b, "    <iommu model='virtio'/>\n");
	if (l->p->iommu == GUEST_IOMMU_INTEL)
		strbuf_puts(b, "    <iommu model='intel'>\n      <driver intremap='on' scalable_mode='on' fsts='on'/>\n    </iommu>\n");
	for (size_t r = 1; r <= l->n_roots && l->p->iommu == GUEST_IOMMU_SMMUV3; r++)
		strbuf_printf(b, "    <iommu model='smmuv3'>\n      <driver pciBus='%zu' accel='on'/>\n    </iommu>\n", r);
}

static void libvirt_xml(struct layout *l)
{
	const struct planning *p = l->p;
	bool virt = streq(p->machine, "virt"), pc = streq(p->machine, "pc");
	struct strbuf *b = &l->xml;

	strbuf_printf(b, "<domain type='kvm'>\n  <os>\n    <type arch='%s' machine='%s'>hvm</type>\n  </os>\n", virt ? "aarch64" : "x86_64",
		      p->machine);
	if (virt)
		strbuf_puts(b, "  <features>\n    <gic version='3'/>\n  </features>\n");
	else if (p->iommu == GUEST_IOMMU_INTEL)
		strbuf_puts(b, "  <features>\n    <ioapic driver='qemu'/>\n  </features>\n");
	strbuf_puts(b, "  <devices>\n");
	strbuf_printf(b, "    <controller type='pci' index='0' model='%s'/>\n", pc ? "pci-root" : "pcie-root");
	for (size_t r = 1; r <= l->n_roots; r++)
		strbuf_printf(b, "    <controller type='pci' index='%zu' model='pcie-expander-bus'>\n      <target busNr='%u'/>\n    </controller>\n", r,
			      l->bus_nr[r]);
	for (size_t i = 0; i < l->n && !pc; i++)
		if (l->v[i].opens_port)
			xml_port(l, &l->v[i]);
	for (size_t i = 0; i < l->n; i++)
		xml_device(l, &l->v[i]);
	xml_iommus(l);
	strbuf_puts(b, "  </devices>\n</domain>\n");
}

/* -- both --------------------------------------------------------------------------------------------------------------------- */

/*
 * iommufd came with QEMU 9.0 and libvirt 12.1; an SMMUv3 that is a device with 10.2, one that nests, and nesting by intel-iommu, with
 * 11.0. libvirt knows these since 12.7 and 12.8.
 */
static void versions(struct planning *p)
{
	p->plan->qemu_version = p->nested ? "11.0" : !p->legacy ? "9.0" : p->iommu == GUEST_IOMMU_VIRTIO ? "7.0" : NULL;
	p->plan->libvirt_version = p->iommu == GUEST_IOMMU_INTEL ? "12.8" : p->nested ? "12.7" : !p->legacy ? "12.1" :
				   p->iommu == GUEST_IOMMU_VIRTIO ? "8.3" : NULL;
}

static void leave_out(struct planning *p)
{
	for (size_t i = 0; i < p->q->n; i++) {
		const struct device *d = p->q->devices[i];
		struct reason *r;

		if (d->is_pci)
			continue;
		r = finding_add(&p->out, SEVERITY_WARNING, "no-argument");
		r->device = d->name;
		r->text = arena_printf(p->a, "%s is no PCI device: there are no arguments for it", d->name);
	}
}

int guest_arguments(struct planning *p)
{
	struct layout l = { .p = p };
	int r;

	leave_out(p);
	r = place_all(&l);
	if (r < 0)
		return r;
	l.qemu = arena_array(p->a, const char *, 2 * (3 + 3 * l.n + 2 * l.n_roots));
	qemu_arguments(&l);
	libvirt_xml(&l);
	p->plan->qemu = STRS(l.qemu, l.n_qemu);
	p->plan->libvirt = arena_strdup(p->a, strbuf_str(&l.xml));
	strbuf_free(&l.xml);
	versions(p);
	return 0;
}
