// SPDX-License-Identifier: GPL-2.0-or-later
/* ioctls --batch: each call as the line of a batch that does the same. */
#include "cmd/ioctls.h"

#include <inttypes.h>
#include <string.h>

#include "abi/iommufd.h"
#include "base/str.h"

struct line {
	struct strbuf *b;
	const struct ioctl_names *n;
	const struct traced_call *c;
	const struct ioctl_decoded *d;
	bool cannot;
};

static uint64_t value(const struct line *l, const char *name)
{
	const struct ioctl_value *v = ioctl_value(l->d, name);

	return v ? v->v : 0;
}

static bool has_flag(const struct line *l, const char *word)
{
	const struct ioctl_value *v = ioctl_value(l->d, "flags");
	size_t len = strlen(word);

	for (const char *p = v && v->text ? v->text : ""; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == len && !memcmp(p, word, len))
			return true;
	return false;
}

/* Names come from the program that is watched: what a batch would take apart does not go into one. */
static bool safe_word(const char *s)
{
	return s && *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-")];
}

/* An object by its name; one that nobody saw made by its id. */
static void add_object(struct line *l, const char *member)
{
	uint32_t id = (uint32_t)value(l, member);
	const char *name = ioctl_name(l->n, l->c, id);

	strbuf_puts(l->b, name ? " " : " id:");
	if (name)
		strbuf_puts(l->b, name);
	else
		strbuf_put_dec(l->b, id);
}

/* The device's own name in the batch: that which its bind gave. */
static void add_device(struct line *l)
{
	for (size_t i = l->n->bound.n; i-- > 0;)
		if (l->n->bound.v[i].pid == l->c->pid && l->n->bound.v[i].fd == l->c->fd) {
			strbuf_printf(l->b, " %s", l->n->bound.v[i].name);
			return;
		}
	l->cannot = true;
}

static void add_access(struct line *l)
{
	uint64_t flags = value(l, "flags");
	bool r = flags & IOMMU_IOAS_MAP_READABLE, w = flags & IOMMU_IOAS_MAP_WRITEABLE;

	if (r != w)
		strbuf_puts(l->b, r ? " --read-only" : " --write-only");
	else if (!r)
		l->cannot = true; /* neither: nothing that a command of ours does */
}

static void add_pasid(struct line *l)
{
	if (has_flag(l, "pasid"))
		strbuf_printf(l->b, " --pasid %" PRIu64, value(l, "pasid"));
}

static void add_data(struct line *l)
{
	uint64_t len = value(l, "data_len");

	if (!len)
		return;
	if (l->c->n_behind < len) {
		l->cannot = true;
		return;
	}
	strbuf_printf(l->b, " --data raw:%" PRIu64 "=", value(l, "data_type"));
	for (size_t i = 0; i < len; i++)
		strbuf_printf(l->b, "%02x", l->c->behind[i]);
}

static void line_ioas_alloc(struct line *l)
{
	strbuf_puts(l->b, "ioas alloc");
}

static void line_ioas_map(struct line *l)
{
	strbuf_puts(l->b, "ioas map");
	add_object(l, "ioas_id");
	strbuf_putc(l->b, ' ');
	strbuf_put_dec(l->b, value(l, "length"));
	if (value(l, "flags") & IOMMU_IOAS_MAP_FIXED_IOVA) {
		strbuf_puts(l->b, " --iova ");
		strbuf_put_hex(l->b, value(l, "iova"));
	}
	add_access(l);
}

static void line_ioas_unmap(struct line *l)
{
	uint64_t iova = value(l, "iova"), length = value(l, "length");

	strbuf_puts(l->b, "ioas unmap");
	add_object(l, "ioas_id");
	if (!iova && length == UINT64_MAX) {
		strbuf_puts(l->b, " --all");
		return;
	}
	strbuf_putc(l->b, ' ');
	strbuf_put_hex(l->b, iova);
	strbuf_putc(l->b, ' ');
	strbuf_put_dec(l->b, length);
}

static void line_ioas_copy(struct line *l)
{
	strbuf_puts(l->b, "ioas copy");
	add_object(l, "dst_ioas_id");
	add_object(l, "src_ioas_id");
	strbuf_printf(l->b, " 0x%" PRIx64 " %" PRIu64, value(l, "src_iova"), value(l, "length"));
	if (value(l, "flags") & IOMMU_IOAS_MAP_FIXED_IOVA)
		strbuf_printf(l->b, " --iova 0x%" PRIx64, value(l, "dst_iova"));
	add_access(l);
}

static void line_ioas_ranges(struct line *l)
{
	strbuf_puts(l->b, "ioas ranges");
	add_object(l, "ioas_id");
}

static void line_ioas_allow(struct line *l)
{
	uint64_t n = value(l, "num_iovas"), range[2];

	strbuf_puts(l->b, "ioas allow");
	add_object(l, "ioas_id");
	l->cannot |= n && l->c->n_behind / sizeof(range) < n;
	for (uint64_t i = 0; !l->cannot && i < n; i++) {
		memcpy(range, l->c->behind + i * sizeof(range), sizeof(range));
		strbuf_printf(l->b, " 0x%" PRIx64 "-0x%" PRIx64, range[0], range[1]);
	}
}

static void line_destroy(struct line *l)
{
	strbuf_puts(l->b, "object destroy");
	add_object(l, "id");
}

static void line_hwpt_alloc(struct line *l)
{
	static const struct {
		const char *flag, *option;
	} options[] = { { "nest-parent", " --nest-parent" }, { "dirty", " --dirty" }, { "pasid", " --pasid" } };

	strbuf_puts(l->b, "hwpt alloc");
	add_object(l, "pt_id");
	strbuf_puts(l->b, " --device");
	add_object(l, "dev_id");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (has_flag(l, options[i].flag))
			strbuf_puts(l->b, options[i].option);
	if (has_flag(l, "fault")) {
		strbuf_puts(l->b, " --fault");
		add_object(l, "fault_id");
	}
	add_data(l);
}

static void line_invalidate(struct line *l)
{
	uint64_t len = value(l, "entry_len"), n = value(l, "entry_num");

	strbuf_puts(l->b, "hwpt invalidate");
	add_object(l, "hwpt_id");
	l->cannot |= !n || !len || len > TRACED_BYTES || n > TRACED_BYTES || l->c->n_behind < n * len;
	for (uint64_t i = 0; !l->cannot && i < n; i++) {
		strbuf_printf(l->b, " raw:%" PRIu64 "=", value(l, "data_type"));
		for (uint64_t k = 0; k < len; k++)
			strbuf_printf(l->b, "%02x", l->c->behind[i * len + k]);
	}
}

static void line_hwinfo(struct line *l)
{
	strbuf_puts(l->b, "device hwinfo");
	add_object(l, "dev_id");
}

static void line_faultq(struct line *l)
{
	strbuf_puts(l->b, "faultq alloc");
}

static void line_viommu(struct line *l)
{
	strbuf_puts(l->b, "viommu alloc");
	add_object(l, "hwpt_id");
	strbuf_puts(l->b, " --device");
	add_object(l, "dev_id");
	strbuf_printf(l->b, " --type %" PRIu64, value(l, "type"));
}

static void line_vdevice(struct line *l)
{
	strbuf_puts(l->b, "vdevice alloc");
	add_object(l, "viommu_id");
	add_object(l, "dev_id");
	strbuf_printf(l->b, " 0x%" PRIx64, value(l, "virt_id"));
}

static void line_dirty(struct line *l)
{
	strbuf_puts(l->b, "hwpt dirty");
	add_object(l, "hwpt_id");
	strbuf_puts(l->b, has_flag(l, "enable") ? " on" : " off");
}

static void line_dirty_read(struct line *l)
{
	strbuf_puts(l->b, "hwpt dirty");
	add_object(l, "hwpt_id");
	strbuf_printf(l->b, " read 0x%" PRIx64 " %" PRIu64 " --page-size %" PRIu64 "%s", value(l, "iova"), value(l, "length"),
		      value(l, "page_size"), has_flag(l, "no-clear") ? " --no-clear" : "");
}

static void line_bind(struct line *l)
{
	l->cannot |= !safe_word(l->c->name);
	strbuf_printf(l->b, "device open %s", l->c->name ? l->c->name : "?");
}

static void line_attach(struct line *l)
{
	strbuf_puts(l->b, "device attach");
	add_device(l);
	add_object(l, "pt_id");
	add_pasid(l);
}

static void line_detach(struct line *l)
{
	strbuf_puts(l->b, "device detach");
	add_device(l);
	add_pasid(l);
}

/* By container: our command does all its steps at once, and the last of them stands for all. */
static void line_legacy(struct line *l)
{
	const struct ioctl_value *name = ioctl_value(l->d, "name");

	l->cannot |= !name || !safe_word(name->text);
	strbuf_printf(l->b, "device open %s --legacy", name && name->text ? name->text : "?");
}

static const struct {
	const char *call;
	void (*make)(struct line *l);
} makers[] = {
	{ "IOMMU_IOAS_ALLOC", line_ioas_alloc },
	{ "IOMMU_IOAS_MAP", line_ioas_map },
	{ "IOMMU_IOAS_UNMAP", line_ioas_unmap },
	{ "IOMMU_IOAS_COPY", line_ioas_copy },
	{ "IOMMU_IOAS_IOVA_RANGES", line_ioas_ranges },
	{ "IOMMU_IOAS_ALLOW_IOVAS", line_ioas_allow },
	{ "IOMMU_DESTROY", line_destroy },
	{ "IOMMU_HWPT_ALLOC", line_hwpt_alloc },
	{ "IOMMU_HWPT_INVALIDATE", line_invalidate },
	{ "IOMMU_HWPT_SET_DIRTY_TRACKING", line_dirty },
	{ "IOMMU_HWPT_GET_DIRTY_BITMAP", line_dirty_read },
	{ "IOMMU_GET_HW_INFO", line_hwinfo },
	{ "IOMMU_FAULT_QUEUE_ALLOC", line_faultq },
	{ "IOMMU_VIOMMU_ALLOC", line_viommu },
	{ "IOMMU_VDEVICE_ALLOC", line_vdevice },
	{ "VFIO_DEVICE_BIND_IOMMUFD", line_bind },
	{ "VFIO_DEVICE_ATTACH_IOMMUFD_PT", line_attach },
	{ "VFIO_DEVICE_DETACH_IOMMUFD_PT", line_detach },
	{ "VFIO_GROUP_GET_DEVICE_FD", line_legacy },
};

void ioctl_batch_begin(FILE *f, char *const *cmd)
{
	_cleanup_strbuf_ struct strbuf b = { 0 }, clean = { 0 };

	for (size_t i = 0; cmd && cmd[i]; i++)
		strbuf_printf(&b, " %s", cmd[i]);
	strbuf_add_escaped(&clean, strbuf_str(&b));
	fprintf(f, "# iommuctl batch FILE makes these calls again; with -M on the model. Recorded %s%s\n", cmd ? "of:" : "of a process",
		strbuf_str(&clean));
}

static void write_comment(FILE *f, const struct traced_call *c, const struct ioctl_decoded *d)
{
	/* not every number is an errno with a name */
	const char *err = c->ret < 0 && c->ret > -512 ? strerrorname_np((int)-c->ret) : NULL;

	if (d->name)
		fprintf(f, "# %s", d->name);
	else
		fprintf(f, "# ioctl 0x%x", c->cmd);
	fprintf(f, " on descriptor %d: ", c->fd);
	if (!c->returned)
		fprintf(f, "did not come back");
	else if (c->ret <= -512)
		fprintf(f, "interrupted");
	else if (err)
		fprintf(f, "%s", err);
	else
		fprintf(f, "%" PRId64, c->ret);
	fputs("\n", f);
}

void ioctl_batch_line(FILE *f, struct strbuf *b, const struct ioctl_names *n, const struct traced_call *c, const struct ioctl_decoded *d, const char *made)
{
	struct line l = { .b = b, .n = n, .c = c, .d = d };
	const char *err = c->returned && c->ret < 0 && c->ret > -512 ? strerrorname_np((int)-c->ret) : NULL;

	strbuf_reset(b);
	l.cannot = !c->returned || (c->ret < 0 && !err);
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (!streq(d->name, makers[i].call))
			continue;
		makers[i].make(&l);
		break;
	}
	if (l.cannot || !b->len) {
		write_comment(f, c, d);
		return;
	}
	if (err)
		fprintf(f, "expect %s ", err);
	if (made)
		strbuf_printf(b, " as %s", made);
	strbuf_putc(b, '\n');
	fwrite(b->s, 1, b->len, f);
}
