// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/owner-rows.h"

static const struct field domain_fields[] = {
	FIELD(struct owner_domain_row, type, F_STR, "DOMAIN", "its type: DMA, DMA-FQ, identity, blocked, unmanaged, nested, SVA, platform",
	      .flags = FIELD_DEFAULT),
	FIELD(struct owner_domain_row, ops, F_STR, "OPS", "symbol of its operations; null: they have none"),
	FIELD(struct owner_domain_row, driver, F_STR, "IOMMU-DRIVER", "symbol of its IOMMU driver's operations"),
	FIELD(struct owner_domain_row, cookie, F_STR, "COOKIE", "what it is kept for: none, dma-iova, dma-msi, fault-handler, sva, iommufd"),
	FIELD(struct owner_domain_row, page_sizes, F_HEX, "PAGE-SIZES", "mask of the sizes that it can map"),
	FIELD(struct owner_domain_row, start, F_HEX, "START", "first address that it can map"),
	FIELD(struct owner_domain_row, end, F_HEX, "END", "last address that it can map"),
	FIELD(struct owner_domain_row, forced, F_BOOL, "FORCED", "whether addresses outside fault"),
};

const struct record_type owner_domain_record = RECORD("domain", 1, struct owner_domain_row, domain_fields);

static const struct field process_fields[] = {
	FIELD(struct owner_process_row, pid, F_INT, "PID", "its number on the host", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct owner_process_row, command, F_STR, "COMMAND", "its name", .flags = FIELD_DEFAULT),
	FIELD(struct owner_process_row, fd, F_INT, "FD", "its descriptor that keeps the claim"),
	FIELD(struct owner_process_row, what, F_STR, "WHAT", "what that is: iommufd, vfio-group, vfio-device"),
	FIELD(struct owner_process_row, device, F_STR, "DEVICE", "device that the descriptor is for"),
};

const struct record_type owner_process_record = RECORD("process", 1, struct owner_process_row, process_fields);

struct owner_domain_row *owner_domain_row(struct arena *a, const struct owned_domain *d)
{
	struct owner_domain_row *row;

	if (!d)
		return NULL;
	row = arena_new(a, struct owner_domain_row);
	*row = (struct owner_domain_row){ d->type, d->ops, d->driver, d->cookie, d->page_sizes, d->start, d->end, d->forced };
	return row;
}

struct rows owner_process_rows(struct arena *a, const struct owner_process *p, size_t n)
{
	struct owner_process_row *v = arena_array(a, struct owner_process_row, n);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct owner_process_row){ NUM(p[i].pid), NUM(p[i].fd), p[i].command, p[i].what, p[i].device };
	return ROWS(v, n);
}

void owner_note_obstacles(struct ctx *ctx, const struct obstacle *v, size_t n, enum note_level level, const char *what)
{
	for (size_t i = 0; i < n; i++)
		ctx_note(ctx, (struct note){ .level = level, .code = v[i].code, .err = v[i].err, .why = v[i].why, .hint = v[i].hint,
					     .where = v[i].what },
			 "%s: %s", what, v[i].what);
}
