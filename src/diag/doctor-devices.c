// SPDX-License-Identifier: GPL-2.0-or-later
/* What concerns single devices, and is not seen on them: a framebuffer in a BAR, memory that must stay mapped. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diag/doctor-facts.h"

/* Lines of /proc/iomem are indented by their depth; deeper than this is nobody. */
#define DEPTH_MAX 16
#define NAMED_MAX 8

/* What the kernel calls the memory of a framebuffer that it took over from the firmware, and the drivers on it. */
static bool is_framebuffer(const char *name)
{
	static const char *const words[] = { "BOOTFB", "efifb", "vesafb", "simplefb", "simpledrm", "simple-framebuffer" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstarts(name, words[i]))
			return true;
	return false;
}

/* The platform device that a framebuffer driver is bound to, and so how to make it let go; NULL none. */
static const char *unbind_command(struct exam *e)
{
	static const char *const drivers[] = { "simple-framebuffer", "efi-framebuffer", "vesa-framebuffer" };
	char path[SRC_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		PATHF(path, "sys/bus/platform/drivers/%s/%s.0", drivers[i], drivers[i]);
		if (source_exists(e->h->src, path))
			return arena_printf(&e->h->arena, "echo %s.0 > /sys/bus/platform/drivers/%s/unbind", drivers[i],
					    drivers[i]);
	}
	return NULL;
}

static void say_framebuffer(struct exam *e, const char *address, const char *name)
{
	struct pci_addr addr;
	struct device *d = pci_addr_parse(address, &addr) == 0 ? host_pci(e->h, addr) : NULL;
	bool given = d && d->driver && strstarts(d->driver, "vfio");
	const char *command = unbind_command(e);
	struct reason *r;

	r = exam_say(e, given ? SEVERITY_PROBLEM : SEVERITY_WARNING, "firmware-framebuffer",
		     &(struct fact){ .file = "/proc/iomem", .value = arena_strdup(&e->h->arena, name) },
		     "The firmware's framebuffer lies in a BAR of %s: %s", address,
		     given ? "whoever gets the device cannot map it (\"can't reserve\" in the kernel log)." :
			     "if the device is given away, whoever gets it cannot map that BAR.");
	r->device = d ? d->name : arena_strdup(&e->h->arena, address);
	r->driver = d ? d->driver : NULL;
	if (command)
		finding_remedy(&e->f, false, command, "Make the framebuffer driver let go; the console on that display ends");
	finding_remedy(&e->f, false, NULL, "Add initcall_blacklist=sysfb_init (before 5.15: video=efifb:off) to the kernel command line, or "
		       "choose another display as the first one in the firmware's setup.");
}

static void examine_framebuffer(struct exam *e)
{
	char *text, *line, *next;
	const char *owner[DEPTH_MAX] = { 0 }; /* the PCI device at each depth of nesting */
	size_t len;

	if (source_read_all(e->h->src, "proc/iomem", 4 << 20, &e->h->arena, &text, &len) < 0)
		return;
	for (line = text; line && *line; line = next) {
		size_t depth = strspn(line, " ") / 2;
		struct pci_addr addr;
		char *name;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		name = strstr(line, " : ");
		if (!name || depth >= DEPTH_MAX)
			continue;
		name += 3;
		owner[depth] = pci_addr_parse(name, &addr) == 0 ? name : depth ? owner[depth - 1] : NULL;
		if (owner[depth] && is_framebuffer(name)) {
			say_framebuffer(e, owner[depth], name);
			return; /* there is one console; a driver's line within it says the same again */
		}
	}
}

static const struct region *direct_region(const struct group *g)
{
	for (size_t i = 0; i < g->n_regions; i++)
		if (g->regions[i].type == REGION_DIRECT)
			return &g->regions[i];
	return NULL;
}

/* The device of the group that firmware named for the region; NULL when the tables do not tell. */
static const struct acpi_reserved *owner_of(struct exam *e, const struct group *g, const struct region *r,
					    const struct device **ret)
{
	const struct acpi_reserved **v;

	for (size_t i = 0; i < g->n_devices; i++) {
		size_t n = acpi_reserved_of(e->h, g->devices[i], &v);

		for (size_t j = 0; j < n; j++)
			if (v[j]->start <= r->end && v[j]->end >= r->start) {
				*ret = g->devices[i];
				return v[j];
			}
	}
	return NULL;
}

static void say_direct(struct exam *e, const struct group *g, const struct region *r)
{
	const struct device *d = NULL;
	const struct acpi_reserved *a = owner_of(e, g, r, &d);
	const char *range = arena_printf(&e->h->arena, "0x%llx to 0x%llx", (unsigned long long)r->start,
					 (unsigned long long)r->end);
	struct reason *said;

	said = exam_say(e, SEVERITY_NOTE, "direct-region",
			&(struct fact){ .file = arena_printf(&e->h->arena, "/sys/kernel/iommu_groups/%u/reserved_regions", g->id),
					.value = range },
			"Group %u cannot be given away: firmware keeps memory mapped for %s%s%s.", g->id,
			d ? d->name : "one of its devices", a ? ", as " : "", a ? a->kind : "");
	said->device = d ? d->name : NULL;
}

static void examine_direct_regions(struct exam *e)
{
	size_t said = 0, more = 0;

	for (size_t i = 0; i < e->h->n_groups; i++) {
		const struct region *r = direct_region(&e->h->groups[i]);

		if (!r)
			continue;
		if (said < NAMED_MAX) {
			say_direct(e, &e->h->groups[i], r);
			said++;
		} else {
			more++;
		}
	}
	if (more)
		exam_say(e, SEVERITY_NOTE, "direct-region", NULL, "%zu more groups cannot be given away for the same reason.", more);
}

void examine_devices(struct exam *e)
{
	examine_framebuffer(e);
	examine_direct_regions(e);
}
