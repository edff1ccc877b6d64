// SPDX-License-Identifier: GPL-2.0-or-later
/* What was injected and shows in files: registers, interrupts that are not isolated, parameters. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/internal.h"

#define INTERRUPTS_MAX (16u << 20)

/* Chips lose what says that they sit on remapping hardware (host/switches.c looks for the same). */
static void plain_chips(struct model *m)
{
	static const char *const marks[] = { "IR-", "ITS-" };
	_cleanup_(arena_free) struct arena a = { 0 };
	char *text, *to;
	size_t len;

	if (source_read_all(m->base, "proc/interrupts", INTERRUPTS_MAX, &a, &text, &len) < 0)
		return;
	to = text;
	for (const char *at = text; at < text + len;) {
		size_t skip = 0;

		for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
			if (strstarts(at, marks[i]))
				skip = strlen(marks[i]);
		at += skip;
		if (at < text + len)
			*to++ = *at++;
	}
	overlay_bytes(m->overlay, "proc/interrupts", text, to - text);
}

static void allow(struct model *m, const char *module)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/module/%s/parameters/allow_unsafe_interrupts", module);
	overlay_file(m->overlay, path, "Y\n");
}

/* A register file as the model has the register; the base's where there is none. */
static void set_register(struct model *m, const struct munit *u, const char *file, const char *text)
{
	char path[SRC_PATH_MAX], real[SRC_PATH_MAX];

	PATHF(path, "sys/class/iommu/%s/%s", u->name, file);
	if (overlay_real(m->overlay, path, real, sizeof(real)) == 0)
		overlay_file(m->overlay, real, text);
}

static void set_registers(struct model *m, const struct munit *u)
{
	char text[64];

	snprintf(text, sizeof(text), "%llx\n", (unsigned long long)u->ecap);
	set_register(m, u, "intel-iommu/ecap", text);
	snprintf(text, sizeof(text), "%llx:%llx\n", (unsigned long long)u->efr, (unsigned long long)u->efr2);
	set_register(m, u, "amd-iommu/features", text);
}

void facts_inject(struct model *m)
{
	const struct model_options *o = &m->opt;

	for (const struct munit *u = m->units; u && (o->no_nesting || o->no_dirty || o->no_pasid); u = u->next)
		if (u->facts)
			set_registers(m, u);
	if (m->opt.no_isolated_msi)
		plain_chips(m);
	if (m->opt.unsafe_interrupts) {
		allow(m, "iommufd");
		allow(m, "vfio_iommu_type1");
	}
}
