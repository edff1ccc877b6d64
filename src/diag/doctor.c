// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "diag/doctor-facts.h"

struct reason *exam_say(struct exam *e, enum severity severity, const char *code, const struct fact *fact,
			const char *fmt, ...)
{
	struct reason *r = finding_add(&e->f, severity, code);
	va_list ap;

	va_start(ap, fmt);
	r->text = arena_vprintf(&e->h->arena, fmt, ap);
	va_end(ap);
	if (fact) {
		r->file = fact->file;
		r->value = fact->value ? fact->value : fact->why;
	}
	return r;
}

void exam_missing(struct exam *e, int err)
{
	if (err == -EPERM)
		err = -EACCES;
	if (e->missing != -EACCES)
		e->missing = err;
}

/* -- what the machine is ------------------------------------------------------------------------------- */

static void look_at_cpu(struct exam *e)
{
	char *text, *end;
	size_t len;

	if (source_read_all(e->h->src, "proc/cpuinfo", 8 << 20, &e->h->arena, &text, &len) < 0)
		return;
	/* the first processor tells for all */
	end = strstr(text, "\n\n");
	if (end)
		*end = '\0';
	if (strstr(text, "GenuineIntel"))
		e->vendor = CPU_INTEL;
	else if (strstr(text, "AuthenticAMD") || strstr(text, "HygonGenuine"))
		e->vendor = CPU_AMD;
	e->is_guest = strstr(text, " hypervisor");
}

static void count(struct exam *e)
{
	for (size_t i = 0; i < e->h->n_units; i++)
		e->n_units += e->h->units[i].kind != UNIT_MOCK;
	for (size_t i = 0; i < e->h->n_groups; i++) {
		bool no_iommu = streq(e->h->groups[i].name, "vfio-noiommu");

		e->n_noiommu += no_iommu;
		e->n_groups += !no_iommu;
	}
}

/* -- switches that weaken or change what groups mean ---------------------------------------------------- */

static void examine_acs(struct exam *e)
{
	if (e->sw->acs_override.is == TRI_YES) {
		exam_say(e, SEVERITY_WARNING, "acs-override", &e->sw->acs_override,
			 "The ACS override is on: groups look smaller than the hardware is, and devices of different groups may "
			 "reach each other's memory.");
		finding_remedy(&e->f, false, NULL, "Take pcie_acs_override= off the kernel command line and boot again; "
			       "'iommuctl group explain' then says what joins the groups.");
	}
	if (e->sw->acs_redir_off.is == TRI_YES)
		exam_say(e, SEVERITY_WARNING, "acs-redirect-off", &e->sw->acs_redir_off,
			 "ACS of some ports was changed on the command line, so that devices below them may talk to each other past "
			 "the IOMMU.");
}

static void examine_default_domain(struct exam *e)
{
	size_t identity = 0;

	for (size_t i = 0; i < e->h->n_groups; i++)
		identity += streq(e->h->groups[i].type, "identity");
	if (identity)
		exam_say(e, SEVERITY_NOTE, "identity-default",
			 e->sw->passthrough.is == TRI_YES ? &e->sw->passthrough :
			 &(struct fact){ .file = "/sys/kernel/iommu_groups/*/type", .value = "identity" },
			 "%zu group%s pass%s DMA through untranslated while a native driver has the device. Giving devices away "
			 "works all the same: they are isolated from then on.",
			 identity, identity == 1 ? "" : "s", identity == 1 ? "es" : "");
}

static void examine_kernel(struct exam *e)
{
	if (e->sw->test_driver_remove.is == TRI_YES) {
		exam_say(e, SEVERITY_NOTE, "test-driver-remove", &e->sw->test_driver_remove,
			 "This kernel probes each driver twice for test. That alone harms nothing, but kernels from 5.19 to 6.5 that "
			 "lack a fix then count an owner too many, and no device can be claimed (EPERM) though no driver is in the way.");
		finding_remedy(&e->f, false, "iommuctl owner check", "See whether an owner was left behind");
		finding_remedy(&e->f, false, NULL, "Use a kernel that is built without CONFIG_DEBUG_TEST_DRIVER_REMOVE.");
	}
	if (e->sw->lockdown && !streq(e->sw->lockdown, "none"))
		exam_say(e, SEVERITY_NOTE, "lockdown",
			 &(struct fact){ .file = "/sys/kernel/security/lockdown", .value = e->sw->lockdown },
			 streq(e->sw->lockdown, "integrity") ?
			 "The kernel is locked down: nobody can write to PCI configuration space. Giving devices away works." :
			 "The kernel is locked down: configuration space, kernel memory and tracing are closed, so owners and faults "
			 "cannot be watched. Giving devices away works.");
}

/* What an ordinary user does not see. Only said when it was met. */
static void examine_sight(struct exam *e)
{
	for (enum acpi_table_id t = 0; t < ACPI_TABLES; t++) {
		if (e->acpi->tables[t].err != -EACCES && e->acpi->tables[t].err != -EPERM)
			continue;
		exam_say(e, SEVERITY_NOTE, "needs-root",
			 &(struct fact){ .file = arena_printf(&e->h->arena, "/sys/firmware/acpi/tables/%s", acpi_table_name(t)),
					 .value = err_text(e->acpi->tables[t].err) },
			 "Without root this cannot be seen: the firmware's tables (whose reserved memory is, interrupt remapping), "
			 "PCI capabilities (ACS, ATS, PASID), other users' processes that hold devices.");
		finding_remedy(&e->f, false, "sudo iommuctl doctor", "Ask again as root");
		return;
	}
}

/* -- the whole -------------------------------------------------------------------------------------------- */

static const char *kinds_of_units(const struct exam *e)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < e->h->n_units; i++) {
		const char *kind = unit_kind_name(e->h->units[i].kind);

		if (e->h->units[i].kind != UNIT_MOCK && !strstr(strbuf_str(&b), kind))
			strbuf_printf(&b, "%s%s", b.len ? " and " : "", kind);
	}
	return arena_strdup(&e->h->arena, strbuf_str(&b));
}

static const char *headline(const struct exam *e)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	bool cdev = e->sw->has_iommufd.is == TRI_YES && e->sw->has_cdev.is == TRI_YES;
	bool legacy = e->sw->has_legacy_group.is == TRI_YES;

	if (e->n_units)
		strbuf_printf(&b, "%s, %zu unit%s, %zu group%s", kinds_of_units(e), e->n_units, e->n_units == 1 ? "" : "s",
			      e->n_groups, e->n_groups == 1 ? "" : "s");
	else if (!e->h->units_err || e->h->units_err == -ENOENT)
		strbuf_puts(&b, "no IOMMU is on");
	else if (e->n_groups)
		strbuf_printf(&b, "an IOMMU whose units cannot be seen, %zu group%s", e->n_groups, e->n_groups == 1 ? "" : "s");
	else
		strbuf_puts(&b, "no IOMMU unit can be seen");
	strbuf_puts(&b, cdev && legacy ? "; iommufd, and VFIO by device and by group" :
			cdev	       ? "; iommufd, and VFIO by device" :
			legacy	       ? "; VFIO by group" :
					 "; no VFIO seen");
	if (e->n_units && e->sw->isolated_msi.is != TRI_UNKNOWN)
		strbuf_printf(&b, "; interrupts %s", e->sw->isolated_msi.is == TRI_YES ? "isolated" : "not isolated");
	return arena_strdup(&e->h->arena, strbuf_str(&b));
}

static int severity_rank(const struct reason *r)
{
	static const char *const order[] = { "problem", "unknown", "warning", "note" };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (streq(r->severity, order[i]))
			return i;
	return ARRAY_SIZE(order);
}

/* The worst first; findings of the same weight stay in the order in which they were made. */
static size_t sort_reasons(struct reason *v, size_t n, struct reason *sorted, int rank)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (severity_rank(&v[i]) == rank)
			sorted[found++] = v[i];
	return found;
}

void doctor_examine(struct host *h, struct diagnosis *ret)
{
	struct exam e = { .h = h, .sw = host_switches(h), .acpi = host_acpi(h), .f = { .arena = &h->arena } };
	struct reason *sorted;
	struct rows rows;
	size_t counts[4] = { 0 }, n = 0;

	look_at_cpu(&e);
	count(&e);
	examine_iommu(&e);
	examine_interfaces(&e);
	examine_acs(&e);
	examine_default_domain(&e);
	examine_devices(&e);
	examine_owners(&e);
	examine_bindings(&e);
	examine_kernel(&e);
	examine_sight(&e);
	rows = finding_rows(&e.f);
	sorted = arena_array(&h->arena, struct reason, rows.n + 1);
	for (int rank = 0; rank < 4; rank++) {
		counts[rank] = sort_reasons((struct reason *)rows.v, rows.n, sorted + n, rank);
		n += counts[rank];
	}
	*ret = (struct diagnosis){
		.verdict = counts[0] ? "ill" : counts[1] ? "unknown" : "well",
		.headline = headline(&e),
		.problems = NUM(counts[0]),
		.warnings = NUM(counts[2]),
		.reasons = ROWS(sorted, n),
		.missing = counts[1] ? (e.missing ? e.missing : -ENOTCAPTURED) : 0,
	};
}
