// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IOMMUs of other systems on chips, which write one line a fault, each in its own words; the lines behind it say no more. Some print
 * the address without 0x.
 */
#include "trace/internal.h"

struct soc_form {
	const char *speaker; /* in the driver's name, before the unit's */
	enum vendor vendor;
	const char *words;   /* what only its faults have */
	const char *addr;    /* before the address */
	const char *source;  /* before the stream's number; NULL none */
	const char *code;    /* before the unit's own code; NULL none */
	const char *read, *write;
	const char *reason;  /* NULL: the line has words of its own for it */
};

static const struct soc_form forms[] = {
	/* rockchip-iommu.c, rk_iommu_irq() */
	{ "rk_iommu", VENDOR_ROCKCHIP, "Page fault at ", "Page fault at ", NULL, NULL, "of type read", "of type write", "Page fault" },
	{ "rk_iommu", VENDOR_ROCKCHIP, "BUS_ERROR occurred at ", "BUS_ERROR occurred at ", NULL, NULL, NULL, NULL, "BUS_ERROR" },
	/* apple-dart.c, apple_dart_t8020_irq(), apple_dart_t8110_irq() */
	{ "apple-dart", VENDOR_DART, "translation fault: status:", ") at ", "stream:", "code:", "(READ FAULT", "(WRITE FAULT", NULL },
	/* mtk_iommu.c, mtk_iommu_isr(); mtk_iommu_v1.c */
	{ "mtk-iommu", VENDOR_MEDIATEK, "fault type=", "iova=", NULL, "fault type=", " read", " write", "fault" },
	{ "mtk_iommu", VENDOR_MEDIATEK, "fault type=", "iova=", NULL, "fault type=", " read", " write", "fault" },
	/* exynos-iommu.c, show_fault_information(), and its older ones */
	{ "sysmmu", VENDOR_EXYNOS, " FAULT occurred at ", "FAULT occurred at ", NULL, NULL, "[READ]", "[WRITE]", NULL },
	/* sun50i-iommu.c, sun50i_iommu_report_fault() */
	{ "sun50i-iommu", VENDOR_SUN50I, "Page fault for ", "Page fault for ", "master ", NULL, "dir rd", "dir wr", "Page fault" },
	/* riscv/iommu.c, riscv_iommu_fault() */
	{ "riscv", VENDOR_RISCV, "iotval: ", "iotval: ", "devid: ", "Fault ", NULL, NULL, NULL },
	/* ipmmu-vmsa.c, ipmmu_domain_irq() */
	{ "ipmmu", VENDOR_IPMMU, "Unhandled fault: status ", "iova ", NULL, "status ", NULL, NULL, "Unhandled fault" },
	{ "ipmmu", VENDOR_IPMMU, "Multiple TLB hits @", "hits @", NULL, NULL, NULL, NULL, "Multiple TLB hits" },
	{ "ipmmu", VENDOR_IPMMU, "Page Table Walk Abort @", "Abort @", NULL, NULL, NULL, NULL, "Page Table Walk Abort" },
	/* omap-iommu.c, iommu_fault_handler() */
	{ "omap-iommu", VENDOR_OMAP, "errs:0x", "da:", NULL, "errs:", NULL, NULL, "fault" },
	/* drivers/memory/tegra/mc.c, tegra30_mc_handle_irq(): one fault often as two errors */
	{ "tegra-mc", VENDOR_TEGRA, "SMMU translation error", "@", NULL, NULL, "read @", "write @", NULL },
};

static bool has(struct slice in, const char *word)
{
	return word && slice_has_bytes(in, word, strlen(word));
}

/* The hex or decimal number behind @key: hex where it begins so, and where @hex. */
static bool key_number(struct slice in, const char *key, bool hex, uint64_t *ret)
{
	struct scan s = scan_of(in);

	if (!key || !scan_past_bytes(&s, key, strlen(key)))
		return false;
	scan_blanks(&s);
	return hex || (scan_left(&s) > 1 && (s.p[1] | 0x20) == 'x') ? scan_hex(&s, ret) : scan_dec(&s, ret);
}

/* "DRIVER UNIT: text", or "DRIVER: text" in cut logs. @at is in the driver's name. */
static void split(struct slice text, const char *at, struct slice *ret_unit, struct slice *ret_rest)
{
	struct scan s = { at, text.p + text.n };
	struct slice driver, unit;

	*ret_unit = (struct slice){ 0 };
	*ret_rest = scan_rest(&s);
	if (!scan_word(&s, &driver) || driver.p[driver.n - 1] == ':' || !scan_word(&s, &unit) || unit.p[unit.n - 1] != ':')
		return;
	*ret_unit = (struct slice){ unit.p, unit.n - 1 };
	*ret_rest = slice_trim(scan_rest(&s));
}

/* The words for the reason, without numbers: equal faults have equal ones. */
static struct slice reason_text(const struct soc_form *f, struct slice rest)
{
	struct scan s = scan_of(rest), t;
	struct slice in;

	if (f->reason)
		return (struct slice){ f->reason, strlen(f->reason) };
	switch (f->vendor) {
	case VENDOR_DART:
		return scan_past(&s, "(") && scan_until(&s, ')', &in) ? in : rest;
	case VENDOR_TEGRA:
		return scan_past(&s, "@") && scan_past(&s, ": ") ? slice_trim(scan_rest(&s)) : rest;
	case VENDOR_EXYNOS:
		t = s;
		if (scan_past(&t, "] "))
			s = t;
		rest = scan_rest(&s);
		return scan_past(&s, " occurred at ") ? (struct slice){ rest.p, rest.n - scan_left(&s) - strlen(" occurred at ") } : rest;
	default:
		return rest;
	}
}

/* Who of those behind the unit it was, in the words of its chip: "larb=0 port=0 layer=1 read"; before the '@', "fdcdwr2: read ". */
static struct slice client(const struct soc_form *f, struct slice rest)
{
	struct scan s = scan_of(rest);
	struct slice in;

	if (f->vendor == VENDOR_MEDIATEK && scan_past(&s, "larb="))
		return (struct slice){ s.p - strlen("larb="), scan_left(&s) + strlen("larb=") };
	if (f->vendor == VENDOR_TEGRA && scan_until(&s, ':', &in))
		return in;
	return (struct slice){ 0 };
}

/* Exynos: "14830000.decon: [READ] PAGE FAULT …", older "PAGE FAULT occurred at 0x… by 14830000.decon(Page table base: …". */
static struct slice exynos_master(struct slice rest)
{
	struct scan s = scan_of(rest);
	struct slice w;

	if (scan_word(&s, &w) && w.n > 1 && w.p[w.n - 1] == ':')
		return (struct slice){ w.p, w.n - 1 };
	s = scan_of(rest);
	if (scan_past(&s, " by ") && scan_until(&s, '(', &w) && !memchr(w.p, ' ', w.n))
		return w;
	return (struct slice){ 0 };
}

/* The same access, of which the memory controller of a Tegra tells two errors. */
static bool said_again(const struct log_state *st, const struct event *ev)
{
	const struct event *last = &st->held->ev;

	return ev->vendor == VENDOR_TEGRA && st->held->active && !st->held->age && last->vendor == ev->vendor && last->has & HAS_ADDR &&
	       last->addr == ev->addr && last->access == ev->access && last->line != ev->line;
}

static enum line_result parse_fault(struct log_state *st, const struct log_msg *m, const struct soc_form *f, const char *at, bool last)
{
	struct event *ev, fault = { .kind = EVENT_FAULT, .vendor = f->vendor, .line = m->line };
	struct slice unit, rest;
	uint64_t v;

	split(m->text, at, &unit, &rest);
	if (!key_number(rest, f->addr, true, &fault.addr))
		return last ? LINE_BAD : LINE_PART;
	fault.has = HAS_ADDR;
	fault.access = has(rest, f->write) ? ACCESS_WRITE : has(rest, f->read) ? ACCESS_READ : 0;
	if (key_number(rest, f->code, false, &v) && v <= UINT32_MAX) {
		fault.fault.has_code = true;
		fault.fault.code = (uint32_t)v;
	}
	if (key_number(rest, f->source, false, &v) && v <= UINT32_MAX) {
		fault.source_id = (uint32_t)v;
		fault.has |= HAS_SOURCE;
	}
	hold_speaker(st, f->vendor, unit);
	if (said_again(st, &fault))
		return LINE_TAKEN;
	ev = hold_new(st, m);
	fault.stamp = ev->stamp;
	fault.time_ns = ev->time_ns;
	fault.has |= ev->has;
	*ev = fault;
	ev->unit = hold_text(st, unit);
	if (f->vendor == VENDOR_EXYNOS && exynos_master(rest).n) {
		ev->device = hold_text(st, exynos_master(rest));
		ev->has |= HAS_SEGMENT;
	}
	ev->fault.text = hold_text(st, reason_text(f, rest));
	if (client(f, rest).n)
		ev->fault.detail = hold_printf(st, "client %.*s", SLICE_FMT(client(f, rest)));
	return LINE_TAKEN;
}

/* Mails wrap the forms that have the device before what went wrong. */
static bool is_first_half(const struct soc_form *f, struct slice text)
{
	if (f->vendor == VENDOR_TEGRA)
		return has(text, ": read") || has(text, ": write");
	return f->vendor == VENDOR_EXYNOS && (has(text, ": [READ]") || has(text, ": [WRITE]"));
}

enum line_result log_soc(struct log_state *st, const struct log_msg *m, bool last)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct soc_form *f = &forms[i];
		struct scan s = scan_of(m->text);

		if (!scan_past_bytes(&s, f->speaker, strlen(f->speaker)))
			continue;
		s.p -= strlen(f->speaker);
		if (has(scan_rest(&s), f->words))
			return parse_fault(st, m, f, s.p, last);
		if (!last && is_first_half(f, scan_rest(&s)))
			return LINE_PART;
	}
	return LINE_OTHER;
}
