/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics as Prometheus takes them: the text exposition format 0.0.4. A family is one name with its type and help; a sample is a
 * number with labels. They are records too, so -j writes them as any other.
 *
 *	metrics_family(&m, "iommu_units", METRIC_GAUGE, "IOMMU units.");
 *	metrics_add(&m, 2, "kind", "vt-d", NULL);
 */
#ifndef IOMMUCTL_OUT_METRICS_H
#define IOMMUCTL_OUT_METRICS_H

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "out/record.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER };

/* Rendered as they are. */
struct metric_label {
	const char *name, *value;
};

struct metric_sample {
	struct rows labels;
	struct num value;
};

struct metric_family {
	const char *name, *type, *help;
	struct rows samples; /* unknown: it could not be told */
};

extern const struct record_type metric_family_record;

struct metrics {
	struct arena *arena; /* of all strings */
	VEC(struct metric_family) families;
	VEC(struct metric_sample) samples; /* of the family that is being filled */
};

/* Begins a family, and ends the one before. The strings are static. */
void metrics_family(struct metrics *m, const char *name, enum metric_type type, const char *help);

/* The family that was begun is not known, which is something else than having no samples. */
void metrics_unknown(struct metrics *m);

/*
 * A sample of the family: pairs of a label's name (static) and its value (copied; NULL is the same as "", which Prometheus takes for no label), then NULL.
 * Labels that are the same again add up, but for information (NAME_info), which stays 1.
 */
void metrics_add(struct metrics *m, int64_t value, ...) __attribute__((sentinel));

/* Ends the last family. */
void metrics_end(struct metrics *m);

/* Frees what is not in the arena. */
void metrics_free(struct metrics *m);

/* All families that have samples, as text. */
void metrics_text(const struct metrics *m, struct strbuf *b);

/*
 * A label's value as it stands between the quotes: what moves a terminal or is no UTF-8 as strbuf_add_escaped() makes it, then backslash, quote
 * and newline by the format's rules. Never has a newline in it.
 */
void metrics_add_value(struct strbuf *b, const char *s);

#endif
