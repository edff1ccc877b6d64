/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a model up to date. Everything is read once at the start; then only what has changed: events say that something has, counters
 * are read at each refresh, and what tells of itself in no way is looked at again now and then, the less often the dearer
 * it is.
 */
#ifndef IOMMUTOP_SAMPLE_H
#define IOMMUTOP_SAMPLE_H

#include "model.h"
#include "replay.h"

struct sampler;

/* @src must outlive it. @probes: see counters_open(). Notes of what could not be read go to @ctx and are dropped at each refresh. */
struct sampler *sampler_new(struct ctx *ctx, struct source *src, bool probes);

/* Before the first refresh: rates and faults are those of a trace, which is played at @speed times its own pace. It is borrowed. */
void sampler_set_replay(struct sampler *s, struct replay *r, double speed);

void sampler_free(struct sampler *s);
DEFINE_CLEANUP(struct sampler, sampler_free);

/* The next refresh looks at everything again. */
void sampler_changed(struct sampler *s);

/* The first time makes all; then as above. @now_ns: a clock that never goes back. Negative errno when there is no machine to look at. */
int sampler_refresh(struct sampler *s, struct model *m, uint64_t now_ns);

#endif
