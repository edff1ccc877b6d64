// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/ungrouped.h"

#include "host/streams.h"

/* The stream id that a device of a group has too. */
static const struct stream_id *taken(struct host *h, const struct device_streams *s, const char **ret_by)
{
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->v[i].shared.n; k++) {
			struct device *other = host_device(h, "pci", s->v[i].shared.v[k]);

			if (!other || !other->group)
				continue;
			*ret_by = other->name;
			return &s->v[i];
		}
	}
	return NULL;
}

enum ungrouped device_ungrouped(struct host *h, struct device *d, const char **ret_why)
{
	const struct stream_id *id;
	struct device_streams s;
	const char *by = NULL;

	if (d->group || !h->n_groups)
		return UNGROUPED_NOT;
	s = device_streams(h, d);
	id = taken(h, &s, &by);
	if (id) {
		*ret_why = arena_printf(&h->arena, "its requests carry stream id 0x%x, which the SMMU's driver has given to %s: it takes one "
					"device a stream", id->id, by);
		return UNGROUPED_SHARES_STREAM;
	}
	if (s.known && !s.n) {
		*ret_why = "firmware leads its requests to no SMMU, so nothing translates them";
		return UNGROUPED_BYPASS;
	}
	*ret_why = "the device is in no IOMMU group";
	return UNGROUPED_UNKNOWN;
}
