// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "source/listed.h"

#define LINE_MAX_LEN 65536 /* a whole listing whose line ends a page has lost */

/* Where the columns of a table with a column "iommugroup" are (pvesh), from 0; -1: it has none. */
struct table {
	bool on;
	int class, vendor, device, id, group;
};

struct listing {
	VEC(struct listed) devices;
	size_t at;	  /* 1 + the device that lines below it are about; 0 none */
	uint32_t group;	  /* that of the header above; NO_GROUP none */
	bool names_only;  /* below an ls of a group's devices: names, and nothing else */
	bool indented, first; /* devices below the header are indented; the next one is the first */
	bool has_drivers; /* some line names a driver */
	bool is_log;	  /* some line is the kernel's */
	struct table table;
	size_t doubtful; /* devices told again, in another group */
	int err;
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool listing_is_text(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)data[i] < ' ' && (!data[i] || !strchr("\t\n\r\f\033\b", data[i])))
			return false;
	return len > 0;
}

/* -- devices ------------------------------------------------------------------------------------- */

/* Returns the number of the device, from 1; 0 when there are too many. */
static size_t device_named(struct listing *l, const char *name, size_t n, bool is_pci)
{
	struct listed *d;

	if (!n || n >= sizeof(d->name))
		return 0;
	for (size_t i = l->devices.n; i-- > 0;)
		if (!memcmp(l->devices.v[i].name, name, n) && !l->devices.v[i].name[n])
			return i + 1;
	if (l->devices.n >= LISTING_MAX_DEVICES) {
		l->err = -E2BIG;
		return 0;
	}
	d = vec_push(&l->devices);
	*d = (struct listed){ .is_pci = is_pci, .group = NO_GROUP };
	memcpy(d->name, name, n);
	return l->devices.n;
}

/* @digits hex digits and no more. */
static bool hex_field(const char **p, size_t min, size_t max, unsigned *ret)
{
	size_t n = 0;
	char buf[9];

	while (n < max && is_hex((*p)[n]))
		n++;
	if (n < min || is_hex((*p)[n]))
		return false;
	memcpy(buf, *p, n);
	buf[n] = '\0';
	*ret = (unsigned)strtoul(buf, NULL, 16);
	*p += n;
	return true;
}

/* "01:00.0", "0000:01:00.0", at @p: its name in @buf and the end of it, NULL when there is none. */
static const char *pci_name(const char *p, char buf[static 32])
{
	unsigned domain = 0, bus, dev, fn;
	const char *s = p;

	if (!(hex_field(&s, 4, 8, &domain) && *s++ == ':')) {
		domain = 0;
		s = p;
	}
	if (!hex_field(&s, 2, 2, &bus) || *s++ != ':' || !hex_field(&s, 2, 2, &dev) || *s++ != '.' || !hex_field(&s, 1, 1, &fn) || dev > 31 ||
	    fn > 7 || is_alnum(*s) || ((*s == ':' || *s == '.') && is_alnum(s[1])))
		return NULL;
	snprintf(buf, 32, "%04x:%02x:%02x.%x", domain, bus, dev, fn);
	return s;
}

/* The first PCI address in @s that is a word of its own. */
static const char *find_pci(const char *s, char buf[static 32], const char **ret_end)
{
	for (const char *p = s; *p; p++) {
		if (!is_hex(*p) || (p > s && (is_alnum(p[-1]) || strchr(":.-_", p[-1]))))
			continue;
		*ret_end = pci_name(p, buf);
		if (*ret_end)
			return p;
	}
	return NULL;
}

/* The first listing counts; one that contradicts it is another one, of another boot or machine. */
static void set_group(struct listing *l, struct listed *d, uint32_t group)
{
	l->doubtful += d->group != NO_GROUP && d->group != group;
	if (d->group == NO_GROUP)
		d->group = group;
}

/* A device of @group, whose name begins at @p: a PCI address, or a name as in a bus's directory. Returns its end. */
static const char *add_member(struct listing *l, uint32_t group, const char *p)
{
	char buf[32];
	const char *end = pci_name(p, buf);
	size_t i;

	if (end) {
		i = device_named(l, buf, strlen(buf), true);
	} else {
		for (end = p; is_alnum(*end) || (*end && strchr(":._-", *end)); end++)
			;
		while (end > p && strchr(":.-", end[-1]))
			end--;
		i = device_named(l, p, (size_t)(end - p), false);
	}
	if (i && group == NO_GROUP)
		l->devices.v[i - 1].group = NO_GROUP; /* taken out of it */
	else if (i)
		set_group(l, &l->devices.v[i - 1], group);
	return end;
}

/* -- what lspci says of a device ----------------------------------------------------------------------- */

/* Classes by the names that lspci prints without -nn; those that tell what a device is for. */
static const struct {
	const char *name;
	unsigned class;
} class_names[] = {
	{ "3D controller", 0x0302 },	       { "Audio device", 0x0403 },
	{ "Bridge", 0x0680 },		       { "Communication controller", 0x0780 },
	{ "Display controller", 0x0380 },      { "Encryption controller", 0x1080 },
	{ "Ethernet controller", 0x0200 },     { "FireWire (IEEE 1394)", 0x0c00 },
	{ "Host bridge", 0x0600 },	       { "IDE interface", 0x0101 },
	{ "IOMMU", 0x0806 },		       { "ISA bridge", 0x0601 },
	{ "Infiniband controller", 0x0207 },   { "Memory controller", 0x0580 },
	{ "Multimedia audio controller", 0x0401 }, { "Multimedia controller", 0x0480 },
	{ "Multimedia video controller", 0x0400 }, { "Network controller", 0x0280 },
	{ "Non-Essential Instrumentation", 0x1300 }, { "Non-Volatile memory controller", 0x0108 },
	{ "PCI bridge", 0x0604 },	       { "Performance counters", 0x1101 },
	{ "Processing accelerators", 0x1200 }, { "RAID bus controller", 0x0104 },
	{ "RAM memory", 0x0500 },	       { "SATA controller", 0x0106 },
	{ "SCSI storage controller", 0x0100 }, { "SD Host controller", 0x0805 },
	{ "SMBus", 0x0c05 },		       { "Serial Attached SCSI controller", 0x0107 },
	{ "Serial bus controller", 0x0c80 },   { "Serial controller", 0x0700 },
	{ "Signal processing controller", 0x1180 }, { "System peripheral", 0x0880 },
	{ "USB controller", 0x0c03 },	       { "VGA compatible controller", 0x0300 },
};

static bool class_by_name(const char *s, unsigned *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++) {
		if (!strstarts(s, class_names[i].name))
			continue;
		*ret = class_names[i].class;
		return true;
	}
	return false;
}

/* "[0300]:"; "0300:" of lspci -n, which stands right at @s; or its name there. */
static void take_class(struct listed *d, const char *s)
{
	unsigned class, interface = 0;
	const char *p = s, *q;

	p += strspn(p, " ");
	if (!(hex_field(&p, 4, 4, &class) && *p == ':'))
		for (p = s; (p = strchr(p, '[')); ) {
			p++;
			q = p;
			if (hex_field(&q, 4, 4, &class) && *q == ']')
				break;
		}
	if (!p && !class_by_name(s + strspn(s, " "), &class))
		return;
	p = strstr(s, "(prog-if ");
	if (p) {
		p += strlen("(prog-if ");
		hex_field(&p, 2, 2, &interface);
	}
	d->class = class << 8 | interface;
	d->has_class = true;
}

/* The last "[10de:2204]" in @s, or "10de:2204" behind the class of lspci -n. */
static bool find_ids(const char *s, unsigned *vendor, unsigned *device)
{
	unsigned a, b;
	bool found = false;

	for (const char *p = s; *p; p++) {
		const char *q = p;

		if (!is_hex(*p) || (p > s && (is_alnum(p[-1]) || p[-1] == ':' || p[-1] == '.')))
			continue;
		if (!hex_field(&q, 4, 4, &a) || *q++ != ':' || !hex_field(&q, 4, 4, &b) || *q == ':' || *q == '.')
			continue;
		if (p > s && p[-1] == '[' ? *q == ']' : !found && p > s + 2 && !strncmp(p - 2, ": ", 2)) {
			*vendor = a;
			*device = b;
			found = true;
		}
	}
	return found;
}

static void take_word(char *to, size_t size, const char *p)
{
	size_t n = 0;

	p += strspn(p, " ");
	while (n + 1 < size && (is_alnum(p[n]) || (p[n] && strchr("_-.", p[n]))))
		n++;
	memcpy(to, p, n);
	to[n] = '\0';
}

static void take_driver(struct listing *l, struct listed *d, const char *p)
{
	take_word(d->driver, sizeof(d->driver), p);
	d->has_driver = *d->driver != '\0';
	d->told = l->has_drivers = true;
}

/* Some have the driver in the same line: "…   Driver: nvme"; "… drv=vfio-pci unused=igb" and "… unused=igb" of dpdk-devbind. */
static void take_inline_driver(struct listing *l, struct listed *d, const char *s)
{
	static const char *const marks[] = { " Driver: ", " drv=" };

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *p = strstr(s, marks[i]);

		if (p)
			return take_driver(l, d, p + strlen(marks[i]));
	}
	d->told |= strstr(s, " unused=") != NULL;
}

/* "0300" or "VGA compatible controller [0300]", quoted: the number at the end of the next field of @p; false: there is none. */
static bool quoted_number(const char **p, unsigned *ret)
{
	const char *start = strchr(*p, '"'), *end = start ? strchr(start + 1, '"') : NULL, *q;

	if (!end)
		return false;
	*p = end + 1;
	end -= end[-1] == ']';
	q = end - 4;
	return q > start && (q[-1] == '[' || q[-1] == '"') && hex_field(&q, 4, 4, ret) && q == end;
}

/* lspci -mm, with -nn or -n: "01:00.0 "VGA compatible controller [0300]" "NVIDIA Corporation [10de]" "GP107 [1c82]" -ra1". */
static void take_quoted(struct listed *d, const char *behind)
{
	unsigned class, vendor, device;
	const char *p = behind;

	if (quoted_number(&p, &class) || class_by_name(behind + 1, &class)) {
		d->class = class << 8;
		d->has_class = true;
	}
	if (quoted_number(&p, &vendor) && quoted_number(&p, &device)) {
		d->vendor = vendor;
		d->device = device;
		d->has_id = true;
	}
}

static void take_description(struct listing *l, struct listed *d, const char *line, const char *behind)
{
	if (*behind == '"')
		return take_quoted(d, behind);
	take_class(d, behind);
	if (find_ids(line, &d->vendor, &d->device))
		d->has_id = true;
	take_inline_driver(l, d, behind);
}

static bool take_number(const char *p, uint32_t *ret)
{
	char *end;
	unsigned long v;

	p += strspn(p, " ");
	if (*p < '0' || *p > '9')
		return false;
	v = strtoul(p, &end, 10);
	if (v >= NO_GROUP || is_alnum(*end))
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* "Vendor:  NVIDIA Corporation [10de]", of lspci -vmm -nn. */
static bool bracket_number(const char *p, unsigned *ret)
{
	p = strrchr(p, '[');
	if (!p)
		return false;
	p++;
	return hex_field(&p, 4, 4, ret) && *p == ']';
}

/* A line below a device: true when it is one. "IOMMU group: 7" at a line's start, in a listing by groups, begins the next group. */
static bool take_detail(struct listing *l, const char *s, bool indented)
{
	struct listed *d = l->at ? &l->devices.v[l->at - 1] : NULL;
	const char *p;

	if (!d || (strstarts(s, "IOMMU group:") && !indented && l->group != NO_GROUP))
		return false;
	if ((p = strstr(s, "Kernel driver in use:"))) {
		take_driver(l, d, p + strlen("Kernel driver in use:"));
	} else if (strstarts(s, "Driver:")) {
		take_driver(l, d, s + strlen("Driver:"));
	} else if (strstarts(s, "Kernel modules:") || strstarts(s, "Module:")) {
		d->told = true;
	} else if (strstarts(s, "Subsystem:")) {
		d->has_subsystem = find_ids(s, &d->subvendor, &d->subdevice);
	} else if (strstarts(s, "Class:")) {
		d->has_class = bracket_number(s, &d->class);
		d->class <<= 8;
	} else if (strstarts(s, "Vendor:")) {
		d->has_id = bracket_number(s, &d->vendor);
	} else if (strstarts(s, "Device:")) {
		d->has_id &= bracket_number(s, &d->device);
	} else if (strstarts(s, "IOMMUGroup:")) {
		take_number(s + strlen("IOMMUGroup:"), &d->group);
	} else if (strstarts(s, "IOMMU group:")) {
		take_number(s + strlen("IOMMU group:"), &d->group);
	} else if (strstarts(s, "Flags:")) {
		p = strstr(s, "IOMMU group ");
		if (p)
			take_number(p + strlen("IOMMU group "), &d->group);
	} else {
		return false;
	}
	return true;
}

/* -- lines --------------------------------------------------------------------------------------------- */

/* Paths of find and ls: "…/iommu_groups/7/devices/0000:01:00.0", "…/0000:01:00.0/iommu_group -> …/iommu_groups/7", "…/iommu_groups/7/devices:". */
static bool take_paths(struct listing *l, const char *s)
{
	const char *link = strstr(s, "/iommu_group -> "), *p = s;
	bool found = false;
	uint32_t group;

	while ((p = strstr(p, "iommu_groups/"))) {
		p += strlen("iommu_groups/");
		if (!take_number(p, &group))
			continue;
		p += strspn(p, "0123456789");
		found = true;
		if (link) {
			while (link > s && (is_alnum(link[-1]) || strchr(":._-", link[-1])))
				link--;
			add_member(l, group, link);
			return true;
		}
		if (strstarts(p, "/devices/") && is_alnum(p[strlen("/devices/")])) {
			p = add_member(l, group, p + strlen("/devices/"));
		} else if (strstarts(p, "/devices")) {
			l->group = group;
			l->names_only = true;
			l->at = 0;
		}
	}
	return found;
}

/* "pci 0000:01:00.0: Adding to iommu group 2"; before 4.20 "iommu: Adding device 0000:01:00.0 to group 2". */
static bool take_log(struct listing *l, const char *s)
{
	const char *adding = strstr(s, ": Adding to iommu group "), *old = strstr(s, "iommu: Adding device "), *p;
	const char *removing = strstr(s, ": Removing from iommu group ");
	uint32_t group;

	if (old) {
		p = strstr(old, " to group ");
		if (!p || !take_number(p + strlen(" to group "), &group))
			return false;
		add_member(l, group, old + strlen("iommu: Adding device "));
		l->is_log = true;
		return true;
	}
	if (adding ? !take_number(adding + strlen(": Adding to iommu group "), &group) : !removing)
		return false;
	for (p = adding ?: removing; p > s && p[-1] != ' '; p--)
		;
	add_member(l, adding ? group : NO_GROUP, p);
	l->is_log = true;
	return true;
}

/* "pci 0000:00:02.0: [8086:3e92] type 00 class 0x030000": what the kernel found. */
static bool take_boot(struct listing *l, const char *s)
{
	const char *at = strstr(s, "] type "), *class = at ? strstr(at, " class 0x") : NULL, *p, *end;
	unsigned vendor, device, code;
	struct listed *d;
	char name[32];
	size_t i;

	p = class ? find_pci(s, name, &end) : NULL;
	if (!p || p > at || !strstarts(end, ": [") || !find_ids(end, &vendor, &device))
		return false;
	class += strlen(" class 0x");
	i = hex_field(&class, 6, 6, &code) ? device_named(l, name, strlen(name), true) : 0;
	if (!i)
		return false;
	d = &l->devices.v[i - 1];
	d->vendor = vendor;
	d->device = device;
	d->class = code;
	d->has_id = d->has_class = true;
	l->is_log = true;
	return true;
}

/* A cell of a table, without its blanks; "" for one that it does not have. The bars are '|' and U+2502. */
static void cell(const char *s, int n, char *buf, size_t size)
{
	size_t len = 0;
	int i = -1;

	*buf = '\0';
	for (; *s && n >= 0 && i <= n; s++) {
		bool bar = *s == '|' || strstarts(s, "\xe2\x94\x82");

		if (bar) {
			s += *s == '|' ? 0 : 2;
			i++;
		} else if (i == n && len + 1 < size && *s != ' ') {
			buf[len++] = *s;
			buf[len] = '\0';
		}
	}
}

static bool cell_number(const char *s, int n, unsigned *ret)
{
	char buf[32];
	uint64_t v;

	cell(s, n, buf, sizeof(buf));
	if (parse_u64(buf, &v) < 0 || v >= NO_GROUP)
		return false;
	*ret = (unsigned)v;
	return true;
}

static void take_head(struct table *t, const char *s)
{
	char name[32];

	*t = (struct table){ .on = true, .class = -1, .vendor = -1, .device = -1, .id = -1, .group = -1 };
	for (int i = 0; i < 32; i++) {
		cell(s, i, name, sizeof(name));
		if (streq(name, "class"))
			t->class = i;
		else if (streq(name, "vendor"))
			t->vendor = i;
		else if (streq(name, "device"))
			t->device = i;
		else if (streq(name, "id"))
			t->id = i;
		else if (streq(name, "iommugroup"))
			t->group = i;
	}
}

/* pvesh get /nodes/NODE/hardware/pci: a table. */
static bool take_row(struct listing *l, const char *s)
{
	struct table *t = &l->table;
	char id[32], name[32];
	struct listed *d;
	unsigned group;
	size_t i;

	if (strstr(s, "iommugroup") && (strchr(s, '|') || strstr(s, "\xe2\x94\x82"))) {
		take_head(t, s);
		return true;
	}
	if (!t->on)
		return false;
	cell(s, t->id, id, sizeof(id));
	if (!pci_name(id, name))
		return false;
	i = device_named(l, name, strlen(name), true);
	if (!i)
		return true;
	d = &l->devices.v[i - 1];
	if (cell_number(s, t->group, &group)) /* -1: it has none */
		d->group = group;
	d->has_class = cell_number(s, t->class, &d->class);
	d->has_id = cell_number(s, t->vendor, &d->vendor) && cell_number(s, t->device, &d->device);
	return true;
}

/* What people, forums and shells put before a header or a device. */
#define JUNK " \t>#*|`\"'-+=(\xe2\x80\x9c\x9d"

/* "IOMMU Group 7", "IOMMU_GROUP 7", "Group:  7", at the start of @s: the rest of the line behind the number. */
static const char *group_head(const char *s, uint32_t *ret)
{
	const char *p = s + strspn(s, JUNK);
	bool named = !strncasecmp(p, "iommu", 5);

	if (named) {
		p += 5;
		p += strspn(p, " _-");
	}
	if (strncasecmp(p, "group", 5))
		return NULL;
	p += 5;
	p += strspn(p, " :_#");
	if (!take_number(p, ret))
		return NULL;
	return p + strspn(p, "0123456789");
}

/* "01:00.0 VGA compatible controller …", behind what may stand before it: "[RESET]", "[10de:2204]", "R[*]". */
static bool take_device(struct listing *l, const char *s)
{
	const char *end, *p, *behind;
	char name[32];
	struct listed *d;
	size_t i;

	p = find_pci(s, name, &end);
	if (!p || p - s > 40)
		return false;
	for (const char *q = s; q < p; q++) { /* no prose before it, but "Device:" */
		if (*q == '[' && memchr(q, ']', (size_t)(p - q)))
			q = memchr(q, ']', (size_t)(p - q));
		else if (is_alnum(*q) && is_alnum(q[1]) && !(strchrnul(q, ' ')[-1] == ':' && (q = strchrnul(q, ' '))))
			return false;
	}
	behind = end + strspn(end, " \t");
	if (*behind && *behind != '[' && *behind != '\'' && *behind != '"' && !(*behind >= 'A' && *behind <= 'Z') && !(*behind >= '0' && *behind <= '9'))
		return false;
	i = device_named(l, name, strlen(name), true);
	if (!i)
		return true;
	d = &l->devices.v[i - 1];
	take_description(l, d, s, behind);
	l->at = i;
	if (l->group == NO_GROUP)
		return true;
	if (l->first)
		l->indented = *s == ' ';
	if (!l->first && ((l->indented && *s != ' ') || (d->group != NO_GROUP && d->group != l->group)))
		l->group = NO_GROUP; /* another listing begins, of no groups */
	else
		set_group(l, d, l->group);
	l->first = false;
	return true;
}

/* Names alone, below an ls of a group's devices; of ls -l what the link leads to. */
static bool take_names(struct listing *l, const char *s)
{
	const char *arrow = strstr(s, " -> "), *p = s;

	if (!*s) {
		l->names_only = false;
		l->group = NO_GROUP;
		return true;
	}
	if (arrow) {
		p = strrchr(arrow, '/');
		add_member(l, l->group, p ? p + 1 : arrow + 4);
		return true;
	}
	if (strstarts(s, "total "))
		return true;
	while (*(p += strspn(p, " ")) && !l->err) {
		const char *end = add_member(l, l->group, p);

		p = end + strcspn(end, " ");
	}
	return true;
}

static bool take_group(struct listing *l, const char *s)
{
	uint32_t group;
	const char *rest = group_head(s, &group);

	if (!rest)
		return false;
	l->names_only = false;
	if (!rest[strspn(rest, ":" JUNK ")\xe2\x80\x9d.")]) {
		l->group = group;
		l->first = true;
		l->at = 0;
		return true;
	}
	/* a device in the same line; those of the group that follow may have lines without it */
	l->group = group;
	l->first = true;
	rest += strspn(rest, ":" JUNK);
	if (take_device(l, rest)) {
		l->indented = false;
		return true;
	}
	l->group = NO_GROUP; /* prose about a group */
	return false;
}

/* -vmm: "Slot:  01:00.0" begins a device. */
static bool take_slot(struct listing *l, const char *s)
{
	char name[32];

	if (!strstarts(s, "Slot:"))
		return false;
	s += strlen("Slot:");
	s += strspn(s, " ");
	if (!pci_name(s, name))
		return false;
	l->at = device_named(l, name, strlen(name), true);
	l->group = NO_GROUP;
	return true;
}

/* Where the next device or group begins in a line that has several; NULL when it has one. */
static char *next_record(char *line, bool groups)
{
	char *start = line + strspn(line, JUNK);
	bool seen = false; /* a device */
	char name[32];
	uint32_t group;

	for (char *q = start; *q; q++) {
		const char *end;

		if (q > start && q[-1] != ' ')
			continue;
		if (q > start && groups && !strncmp(q, "IOMMU ", 6) && group_head(q, &group)) /* not the kernel log's "iommu group" */
			return q;
		end = is_hex(*q) ? pci_name(q, name) : NULL;
		if (end && seen && *end == ' ' && end[1] >= '0' && end[1] <= 'Z' && strchr("])", q[-2]))
			return q;
		seen |= end != NULL;
	}
	return NULL;
}

static void take_record(struct listing *l, const char *line)
{
	const char *s = line + strspn(line, " ");

	if (take_paths(l, s) || take_log(l, s) || take_boot(l, s) || take_row(l, s) || take_slot(l, s) || take_detail(l, s, s > line) || take_group(l, s))
		return;
	if (l->names_only)
		take_names(l, s);
	else
		take_device(l, line);
}

static void take_line(struct listing *l, char *line)
{
	bool groups = !strstr(line, "Flags:"); /* lspci -v has the group there, too */
	char *next = next_record(line, groups);

	for (; next; next = next_record(line, groups)) {
		next[-1] = '\0';
		take_record(l, line);
		line = next;
	}
	take_record(l, line);
}

/* "<pre>", "</code>" of a page; "[0;32m" of a terminal, whose escape was lost. Bytes, 0 for none. */
static size_t markup(const char *p, size_t n)
{
	const char *end = n > 2 && *p == '<' && (is_alnum(p[1]) || p[1] == '/') ? memchr(p, '>', MIN(n, (size_t)80)) : NULL;
	size_t k = 1;

	if (end)
		return (size_t)(end - p) + 1;
	if (n < 3 || *p != '[')
		return 0;
	while (k < n && k < 10 && ((p[k] >= '0' && p[k] <= '9') || p[k] == ';'))
		k++;
	return k > 1 && k < n && p[k] == 'm' ? k + 1 : 0;
}

/* Quotes of a mail, tabs, also as an echo writes them that knows none, blanks that do not break, colours, tags; what is left is text. */
static void clean(const char *p, size_t n, char *buf)
{
	size_t k = 0, skip;

	while (n && (*p == '>' || (*p == ' ' && n > 1 && p[1] == '>'))) {
		p++;
		n--;
	}
	for (size_t i = 0; i < n && k < LINE_MAX_LEN; i++) {
		skip = markup(p + i, n - i);
		if (skip) {
			i += skip - 1;
		} else if (p[i] == '\033') {
			while (i + 1 < n && p[i] != 'm' && p[i] != 'K')
				i++;
		} else if (p[i] == '\\' && i + 1 < n && p[i + 1] == 't') {
			buf[k++] = ' ';
			i++;
		} else if ((unsigned char)p[i] == 0xc2 && i + 1 < n && (unsigned char)p[i + 1] == 0xa0) {
			buf[k++] = ' ';
			i++;
		} else if (p[i] != '\r' && p[i]) {
			buf[k++] = p[i] == '\t' ? ' ' : p[i];
		}
	}
	while (k && buf[k - 1] == ' ')
		k--;
	buf[k] = '\0';
}

/* "“t00:01.0 Host bridge": a page that makes quotes of its own took the backslash of a tab that was text. */
static void mend_tab(char *line)
{
	char *p = line + strspn(line, JUNK), name[32];

	if (p > line && *p == 't' && pci_name(p + 1, name))
		*p = ' ';
}

int listing_load(const char *text, size_t len, struct memtree *t, struct listing_facts *ret)
{
	struct listing l = { .group = NO_GROUP };
	char *buf = must_malloc(LINE_MAX_LEN + 1);
	size_t in_groups = 0, described = 0;

	for (const char *p = text, *end = text + len, *eol; p < end && !l.err; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p)) ?: end;
		clean(p, (size_t)(eol - p), buf);
		mend_tab(buf);
		take_line(&l, buf);
	}
	free(buf);
	for (size_t i = 0; i < l.devices.n && !l.err; i++) {
		const struct listed *d = &l.devices.v[i];

		listed_plant(t, d, l.has_drivers);
		in_groups += d->group != NO_GROUP;
		described += d->is_pci && d->has_class;
	}
	vec_free(&l.devices);
	if (l.err || !(in_groups + described))
		return l.err ?: -ENODATA;
	if (l.is_log)
		memtree_set(t, memtree_make(t, t->root, "dmesg.txt"), MEM_FILE, text, len);
	*ret = (struct listing_facts){ .in_groups = in_groups, .doubtful = l.doubtful };
	return 0;
}
