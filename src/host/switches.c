// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/switches.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "source/probes.h"

/* A configuration unpacked; today's have some 300 KiB. */
#define CONFIG_BYTES_MAX (4 << 20)
/* /proc/interrupts of hundreds of CPUs and thousands of interrupts. */
#define INTERRUPTS_MAX (32 << 20)
#define KALLSYMS_MAX (64 << 20)

/* What kernel parameters take for yes and no, by the first letter alone, and of "on" and "off" by the second (kstrtobool()). */
static enum tri word_tri(const char *s)
{
	char c = *s == 'o' || *s == 'O' ? s[1] : *s;

	if (!c)
		return TRI_UNKNOWN;
	if (c != *s)
		return strchr("nN", c) ? TRI_YES : strchr("fF", c) ? TRI_NO : TRI_UNKNOWN;
	return strchr("yYtT1eE", c) ? TRI_YES : strchr("nNfF0dD", c) ? TRI_NO : TRI_UNKNOWN;
}

static struct fact fact_unknown(const char *why)
{
	return (struct fact){ .is = TRI_UNKNOWN, .why = why };
}

/* A file that holds Y or N, 1 or 0. When it is not there: @missing. */
static struct fact fact_of_file(struct host *h, const char *path, struct fact missing)
{
	char buf[64];
	int r = source_read_attr(h->src, path, buf, sizeof(buf));
	struct fact f = { .is = TRI_UNKNOWN, .file = arena_printf(&h->arena, "/%s", path) };

	if (r == -ENOENT || r == -ENOTDIR)
		return missing;
	if (r < 0) {
		f.why = err_text(r);
		return f;
	}
	f.value = arena_strdup(&h->arena, buf);
	f.is = word_tri(buf);
	if (f.is == TRI_UNKNOWN)
		f.why = "neither yes nor no is in it";
	return f;
}

static struct fact fact_of_config(const struct switches *sw, enum kconfig_option o)
{
	struct fact f = { .is = TRI_UNKNOWN, .file = sw->config_file };
	static const char *const values[][2] = { { "y", "=y" }, { "m", "=m" }, { "n", " is not set" } };

	if (sw->config_err)
		return fact_unknown("no file says it, and the kernel's configuration is not there");
	f.is = kconfig_is_off(sw, o) ? TRI_NO : TRI_YES;
	f.value = "not mentioned";
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (sw->config[o] == values[i][0][0])
			f.value = values[i][1];
	return f;
}

/* Config facts carry "CONFIG_X=y" as their value. */
static struct fact config_fact(struct host *h, const struct switches *sw, enum kconfig_option o)
{
	struct fact f = fact_of_config(sw, o);

	if (f.value)
		f.value = arena_printf(&h->arena, *f.value == 'n' ? "%s %s" : "%s%s", kconfig_name(o), f.value);
	return f;
}

/* That @path is not there, or is a directory: no. Unknown where nobody could look, or the tree was never meant to hold it. */
static struct fact fact_absent(struct host *h, const char *path, const char *value)
{
	char byte;
	size_t len;
	int r = source_read(h->src, path, &byte, 1, &len);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -ENODEV && r != -EISDIR)
		return fact_unknown(err_text(r));
	return (struct fact){ .is = TRI_NO, .file = arena_printf(&h->arena, "/%s", path), .value = value };
}

/* Something that is there or not, by one of two places. */
static struct fact fact_exists(struct host *h, const char *a, const char *b)
{
	const char *found = source_exists(h->src, a) ? a : b && source_exists(h->src, b) ? b : NULL;

	if (found)
		return (struct fact){ .is = TRI_YES, .file = arena_printf(&h->arena, "/%s", found), .value = "there" };
	return fact_absent(h, a, "not there");
}

/* -- command line and configuration ------------------------------------------------------------------- */

static void read_cmdline(struct host *h, struct switches *sw)
{
	char *s;
	size_t len;

	sw->cmdline_err = source_read_all(h->src, "proc/cmdline", 64 * 1024, &h->arena, &s, &len);
	if (sw->cmdline_err)
		return;
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\n')
			s[i] = '\0';
	sw->cmdline = s;
	sw->n_params = cmdline_parse(&h->arena, s, &sw->params);
}

/* Unpacks gzip (or takes plain text as it is). -EBADMSG when it is cut, -EFBIG when it is no configuration. */
static int unpack(const void *data, size_t len, struct strbuf *ret)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	char buf[16384];
	la_ssize_t n;
	int r = -EBADMSG;

	if (!a)
		return -errno;
	archive_read_support_filter_gzip(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, data, len) != ARCHIVE_OK || archive_read_next_header(a, &e) != ARCHIVE_OK)
		goto out;
	while ((n = archive_read_data(a, buf, sizeof(buf))) > 0 && ret->len <= CONFIG_BYTES_MAX)
		strbuf_add(ret, buf, n);
	r = n > 0 ? -EFBIG : n < 0 ? -EBADMSG : 0;
out:
	archive_read_free(a);
	return r;
}

static int read_config_file(struct host *h, struct switches *sw, const char *path)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };
	char *data;
	size_t len;
	int r = source_read_all(h->src, path, CONFIG_BYTES_MAX, &h->arena, &data, &len);

	if (!r)
		r = unpack(data, len, &text);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -ENOTCAPTURED && r != -EACCES)
		ctx_warn(h->ctx, "kernel-config", r, path, "kernel configuration /%s", path);
	if (r < 0)
		return r;
	kconfig_parse(sw, strbuf_str(&text));
	sw->config_file = arena_printf(&h->arena, "/%s", path);
	return 0;
}

static void read_config(struct host *h, struct switches *sw)
{
	char release[256], path[SRC_PATH_MAX];
	int r;

	sw->config_err = read_config_file(h, sw, "proc/config.gz");
	if (!sw->config_err || source_read_attr(h->src, "proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return;
	if (strchr(release, '/') || !*release)
		return;
	PATHF(path, "boot/config-%s", release);
	r = read_config_file(h, sw, path);
	if (!r || r != -ENOENT)
		sw->config_err = r;
}

/* -- interrupts ---------------------------------------------------------------------------------------- */

/* What the interrupt chips of the machine say, by the first chip of each sort. */
struct chips {
	char remapped[64], its[64], plain[64];
};

static void note_chip(struct chips *c, const char *name)
{
	static const char *const plain[] = { "PCI-MSI", "IO-APIC", "GICv2m", "MBI" };
	char *to = NULL;

	if (strstarts(name, "IR-"))
		to = c->remapped;
	else if (strstarts(name, "ITS-"))
		to = c->its;
	for (size_t i = 0; !to && i < ARRAY_SIZE(plain); i++)
		if (strstarts(name, plain[i]))
			to = c->plain;
	if (to && !*to)
		strncpy(to, name, sizeof(c->plain) - 1);
}

/* A line of /proc/interrupts: number, a count for each CPU, chip, … */
static void note_line(struct chips *c, const char *s)
{
	char name[64];
	size_t n;

	s += strspn(s, " ");
	if (!isdigit((unsigned char)*s))
		return; /* the heading, and counters that are no devices' */
	s += strspn(s, "0123456789");
	if (*s++ != ':')
		return;
	for (;;) {
		s += strspn(s, " ");
		n = strspn(s, "0123456789");
		if (!n || s[n] != ' ')
			break;
		s += n;
	}
	n = strcspn(s, " ");
	if (!n || n >= sizeof(name))
		return;
	memcpy(name, s, n);
	name[n] = '\0';
	note_chip(c, name);
}

static int chips_from_proc(struct host *h, struct chips *c)
{
	char *text;
	size_t len;
	int r = source_read_all(h->src, "proc/interrupts", INTERRUPTS_MAX, &h->arena, &text, &len);

	if (r < 0)
		return r;
	for (char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (*end) {
			*end = '\0';
			note_line(c, line);
			*end = '\n';
		} else {
			note_line(c, line);
		}
	}
	return 0;
}

static int chips_from_sysfs(struct host *h, struct chips *c)
{
	struct src_list irqs;
	const char **names;
	struct src_blob *blobs;
	int r = source_list(h->src, "sys/kernel/irq", &h->arena, &irqs);

	if (r < 0)
		return r;
	names = arena_array(&h->arena, const char *, irqs.n + 1);
	blobs = arena_array(&h->arena, struct src_blob, irqs.n + 1);
	for (size_t i = 0; i < irqs.n; i++)
		names[i] = irqs.v[i].name;
	source_read_each(h->src, "sys/kernel/irq", names, irqs.n, "chip_name", 64, &h->arena, blobs);
	for (size_t i = 0; i < irqs.n; i++)
		if (!blobs[i].err)
			note_chip(c, arena_printf(&h->arena, "%.*s", (int)strcspn(blobs[i].data, "\n"), blobs[i].data));
	return 0;
}

static const struct unit *unit_of_kind(const struct host *h, enum unit_kind kind)
{
	for (size_t i = 0; i < h->n_units; i++)
		if (h->units[i].kind == kind)
			return &h->units[i];
	return NULL;
}

/*
 * The kernel marks the interrupt domains of VT-d and AMD-Vi remapping and of the GICv3 ITS as isolated
 * (IRQ_DOMAIN_FLAG_ISOLATED_MSI), and chips on the former get the prefix IR-. A chip without it proves that remapping
 * is off only when no chip has it: interrupts of the units themselves are never remapped. s390 is isolated by
 * construction (arch_is_isolated_msi()), though its chip is called PCI-MSI too (zpci_irq_chip).
 */
static struct fact find_isolation(struct host *h)
{
	struct chips c = { 0 };
	const struct unit *s390 = unit_of_kind(h, UNIT_S390);
	const char *file = "/proc/interrupts";
	int r = chips_from_proc(h, &c);

	if (r < 0) {
		file = "/sys/kernel/irq";
		r = chips_from_sysfs(h, &c);
	}
	if (s390)
		return (struct fact){ TRI_YES, "/sys/class/iommu", s390->name, NULL };
	if (*c.remapped || *c.its)
		return (struct fact){ TRI_YES, file, arena_strdup(&h->arena, *c.remapped ? c.remapped : c.its), NULL };
	if (*c.plain)
		return (struct fact){ TRI_NO, file, arena_strdup(&h->arena, c.plain), NULL };
	return (struct fact){ TRI_UNKNOWN, file, NULL, r < 0 ? err_text(r) : "no interrupt of a device tells" };
}

/* -- VFIO and iommufd ---------------------------------------------------------------------------------- */

/* Any vfioX/dev below sys/class/vfio-dev: the attribute is only there when the kernel makes nodes (6.6, CDEV=y). */
static struct fact find_cdev(struct host *h, const struct switches *sw)
{
	struct src_list devs;
	char path[SRC_PATH_MAX];

	if (source_exists(h->src, "dev/vfio/devices"))
		return fact_exists(h, "dev/vfio/devices", NULL);
	if (source_list(h->src, "sys/class/vfio-dev", &h->arena, &devs) == 0 && devs.n) {
		PATHF(path, "sys/class/vfio-dev/%s/dev", devs.v[0].name);
		return fact_exists(h, path, NULL);
	}
	return config_fact(h, sw, CONFIG_VFIO_DEVICE_CDEV);
}

/* The class is made when VFIO comes up with groups; older kernels have no option for it and always do. */
static struct fact find_group(struct host *h, const struct switches *sw)
{
	if (source_exists(h->src, "sys/class/vfio"))
		return fact_exists(h, "sys/class/vfio", NULL);
	if (source_exists(h->src, "sys/class/vfio-dev"))
		return fact_exists(h, "sys/class/vfio", NULL);
	if (!sw->config_err && !sw->config[CONFIG_VFIO_GROUP])
		return config_fact(h, sw, CONFIG_VFIO);
	return config_fact(h, sw, CONFIG_VFIO_GROUP);
}

/* A module parameter that allows something. When the module is not there, nothing is allowed. */
static struct fact module_fact(struct host *h, const char *module, const char *param)
{
	char path[SRC_PATH_MAX], dir[SRC_PATH_MAX];

	PATHF(path, "sys/module/%s/parameters/%s", module, param);
	PATHF(dir, "sys/module/%s", module);
	return fact_of_file(h, path, fact_absent(h, dir, source_exists(h->src, dir) ? "no such parameter" : "not there"));
}

static void read_vfio(struct host *h, struct switches *sw)
{
	sw->iommufd_unsafe_interrupts = module_fact(h, "iommufd", "allow_unsafe_interrupts");
	sw->type1_unsafe_interrupts = module_fact(h, "vfio_iommu_type1", "allow_unsafe_interrupts");
	sw->noiommu = module_fact(h, "vfio", "enable_unsafe_noiommu_mode");
	sw->has_iommufd = fact_exists(h, "sys/class/misc/iommu", "dev/iommu");
	sw->has_legacy_container = fact_exists(h, "sys/class/misc/vfio", "dev/vfio/vfio");
	sw->has_cdev = find_cdev(h, sw);
	sw->has_legacy_group = find_group(h, sw);
	sw->vfio_pci = fact_exists(h, "sys/bus/pci/drivers/vfio-pci", NULL);
}

/* -- the rest ------------------------------------------------------------------------------------------- */

static struct fact param_fact(struct host *h, enum tri is, const char *name, const char *value)
{
	return (struct fact){ is, "/proc/cmdline", arena_printf(&h->arena, "%s=%s", name, value), NULL };
}

/* "pt" and "nopt" among the words of iommu=, the last one (iommu_setup() in arch/x86/kernel/pci-dma.c, which looks no further than that). */
static enum tri says_passthrough(const char *words)
{
	enum tri is = TRI_UNKNOWN;

	for (const char *s = words; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
		if (strstarts(s, "pt") || strstarts(s, "nopt"))
			is = *s == 'p';
	return is;
}

static struct fact find_passthrough(struct host *h, const struct switches *sw)
{
	struct fact f = config_fact(h, sw, CONFIG_IOMMU_DEFAULT_PASSTHROUGH);

	if (sw->cmdline_err && f.is != TRI_YES)
		return fact_unknown(err_text(sw->cmdline_err));
	for (size_t i = 0; i < sw->n_params; i++) {
		const char *name = sw->params[i].name, *value = sw->params[i].value;

		if (!value)
			continue;
		if (streq(name, "iommu.passthrough") && word_tri(value) != TRI_UNKNOWN)
			f = param_fact(h, word_tri(value), name, value);
		if (streq(name, "iommu") && says_passthrough(value) != TRI_UNKNOWN)
			f = param_fact(h, says_passthrough(value), name, value);
	}
	return f;
}

static struct fact find_strict(struct host *h, const struct switches *sw)
{
	struct fact f = config_fact(h, sw, CONFIG_IOMMU_DEFAULT_DMA_STRICT);

	for (size_t i = 0; i < sw->n_params; i++) {
		const char *name = sw->params[i].name, *value = sw->params[i].value;

		if (value && streq(name, "iommu.strict") && word_tri(value) != TRI_UNKNOWN)
			f = param_fact(h, word_tri(value), name, value);
		else if (value && ((streq(name, "intel_iommu") && strstr(value, "strict")) ||
				   (streq(name, "amd_iommu") && strstr(value, "fullflush"))))
			f = param_fact(h, TRI_YES, name, value);
	}
	return f;
}

static struct fact acs_fact(struct host *h, const struct switches *sw, const char *name, const char *value)
{
	if (sw->cmdline_err)
		return fact_unknown(err_text(sw->cmdline_err));
	if (!value)
		return (struct fact){ .is = TRI_NO, .file = "/proc/cmdline" };
	return param_fact(h, TRI_YES, name, value);
}

static void read_acs(struct host *h, struct switches *sw)
{
	const char *redir = boot_param_word(sw, "pci", "disable_acs_redir=");

	if (!redir)
		redir = boot_param_word(sw, "pci", "config_acs=");
	sw->acs_override = acs_fact(h, sw, "pcie_acs_override", boot_param(sw, "pcie_acs_override"));
	sw->acs_redir_off = acs_fact(h, sw, "pci", redir);
}

/* "none [integrity] confidentiality": the word in brackets counts. */
static void read_lockdown(struct host *h, struct switches *sw)
{
	char buf[128], *open, *close;

	sw->lockdown_err = source_read_attr(h->src, "sys/kernel/security/lockdown", buf, sizeof(buf));
	if (sw->lockdown_err)
		return;
	open = strchr(buf, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close) {
		sw->lockdown_err = -EINVAL;
		return;
	}
	*close = '\0';
	sw->lockdown = arena_strdup(&h->arena, open + 1);
}

static void read_health(struct host *h, struct switches *sw)
{
	uint64_t taint;
	int r = source_read_u64(h->src, "proc/sys/kernel/tainted", &taint);

	if (!r) {
		sw->taint = NUM(taint);
		sw->tainted = (struct fact){ taint ? TRI_YES : TRI_NO, "/proc/sys/kernel/tainted",
					     arena_printf(&h->arena, "%llu", (unsigned long long)taint), NULL };
	} else {
		sw->tainted = fact_unknown(err_text(r));
	}
	sw->panic_on_warn = fact_of_file(h, "proc/sys/kernel/panic_on_warn", fact_unknown("no such file"));
	if (sw->panic_on_warn.is == TRI_UNKNOWN)
		sw->panic_on_warn = fact_of_file(h, "sys/module/kernel/parameters/panic_on_warn",
						 fact_unknown("no such file"));
}

const struct switches *host_switches(struct host *h)
{
	struct switches *sw = h->switches_;

	if (sw)
		return sw;
	sw = h->switches_ = arena_new(&h->arena, struct switches);
	read_cmdline(h, sw);
	read_config(h, sw);
	read_vfio(h, sw);
	read_acs(h, sw);
	read_lockdown(h, sw);
	read_health(h, sw);
	sw->isolated_msi = find_isolation(h);
	sw->passthrough = find_passthrough(h, sw);
	sw->strict = find_strict(h, sw);
	sw->test_driver_remove = config_fact(h, sw, CONFIG_DEBUG_TEST_DRIVER_REMOVE);
	return sw;
}

/* A tree made by hand may hold the symbol table itself. */
static enum tri ownership_from_symbols(struct host *h, const char **why)
{
	struct arena scratch = { 0 };
	enum tri is = TRI_UNKNOWN;
	char *text;
	size_t len;

	if (source_read_all(h->src, "proc/kallsyms", KALLSYMS_MAX, &scratch, &text, &len) == 0) {
		if (memmem(text, len, " iommu_device_use_default_domain", 32))
			is = TRI_YES;
		else if (memmem(text, len, " iommu_group_get\n", 17))
			is = TRI_NO;
	}
	if (is != TRI_UNKNOWN)
		*why = "/proc/kallsyms";
	arena_free(&scratch);
	return is;
}

/* By what was probed of the kernel itself: the member in its type data, or the function in its symbol table. */
static enum tri ownership_from_probes(struct host *h, const char **why)
{
	struct probes p;
	int r = source_probes(h->src, h->ctx, &h->arena, &p);

	*why = r < 0 ? err_text(r) : "neither type data nor symbols of the kernel can be read";
	if (r < 0)
		return ownership_from_symbols(h, why);
	if (p.owner_cnt != TRI_UNKNOWN) {
		*why = "/sys/kernel/btf/vmlinux";
		return p.owner_cnt;
	}
	/* without the IOMMU core in the table, that the function is not there tells nothing */
	if (p.symbols[SYM_USE_DEFAULT_DOMAIN] == TRI_YES || p.symbols[SYM_GROUP_GET] == TRI_YES) {
		*why = "/proc/kallsyms";
		return p.symbols[SYM_USE_DEFAULT_DOMAIN];
	}
	return TRI_UNKNOWN;
}

/*
 * Group ownership came with 5.19. What came later and cannot be without it is cheap to see: the vfio-dev directories
 * (6.1), iommufd (6.2), and the configuration option of the latter, set or not.
 */
enum tri host_kernel_has_ownership(struct host *h, const char **ret_why)
{
	const struct switches *sw = host_switches(h);
	static const char *const later[] = { "sys/class/vfio-dev", "sys/class/misc/iommu" };
	const char *why = NULL;
	enum tri is = TRI_UNKNOWN;

	for (size_t i = 0; i < ARRAY_SIZE(later) && is == TRI_UNKNOWN; i++)
		if (source_exists(h->src, later[i])) {
			is = TRI_YES;
			why = arena_printf(&h->arena, "/%s", later[i]);
		}
	if (is == TRI_UNKNOWN && !sw->config_err && sw->config[CONFIG_IOMMUFD]) {
		is = TRI_YES;
		why = sw->config_file;
	}
	if (is == TRI_UNKNOWN)
		is = ownership_from_probes(h, &why);
	if (ret_why)
		*ret_why = why;
	return is;
}
