/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults explained: who, what, where, what it usually means and what to do next. Repeats are folded into one record. With
 * a host, devices are resolved on it; without one, the log alone speaks.
 */
#ifndef IOMMUCTL_DIAG_FAULTS_H
#define IOMMUCTL_DIAG_FAULTS_H

#include "host/host.h"
#include "out/record.h"
#include "trace/event.h"

/* The record of `faults decode`; strings live in the table's arena, or are static. */
struct fault_reason {
	struct num code;
	const char *text; /* in our words */
	const char *spec; /* where the specification says it; NULL none */
	const char *raw;  /* the log's own words, NULL none */
};

struct fault_place {
	const char *file;
	struct num line;
};

struct fault_row {
	const char *vendor, *kind, *unit, *device;
	struct num source_id, pasid, domain;
	struct num address;
	const char *access;
	const struct fault_reason *reason;
	struct num count;
	const struct fault_place *at, *last_at;
	struct num time, last_time; /* ns since boot */
	const char *stamp;	    /* the log's own date of the first */
	const char *name, *driver;
	struct num group;
	const char *where;   /* what lies at the address; NULL nothing known */
	const char *meaning; /* what it usually means; NULL when nothing can be said */
	const char *next;    /* the command to run next */
	struct strs notes;   /* what is doubtful, or was found by a detour */
};

extern const struct record_type fault_record;
extern const struct record_type fault_watch_record; /* the same fields, of `faults watch` */

struct fault_table;

/* @file names the input in records. @h may be NULL. */
struct fault_table *fault_table_new(const char *file, struct host *h);
void fault_table_free(struct fault_table *t);
DEFINE_CLEANUP(struct fault_table, fault_table_free);

/*
 * Counts an EVENT_FAULT; other events are looked at for what they tell about devices. Faults of one device, reason, access
 * and page are one record. Returns the record when it is a new one, else NULL. Beyond FAULT_TABLE_MAX
 * records, faults are only counted.
 */
const struct fault_row *fault_table_add(struct fault_table *t, const struct event *ev);

#define FAULT_TABLE_MAX 65536

/* The same, and returns the record also when it is an old one, with its new count; *ret_fresh says which. It stays where it is. */
const struct fault_row *fault_table_count(struct fault_table *t, const struct event *ev, bool *ret_fresh);

/* The records in the order of their first fault, explained. Valid until the next add. */
const struct fault_row *fault_table_rows(struct fault_table *t, size_t *ret_n);

/* All faults counted, and those that found no place in the table. */
uint64_t fault_table_total(const struct fault_table *t);
uint64_t fault_table_dropped(const struct fault_table *t);

/*
 * Whether the log tells a group for a device that it does not have on the host: the log is of another machine, or
 * of another boot. Names are then not taken from the host.
 */
bool fault_table_other_machine(const struct fault_table *t);

/* Finds who a fault is about, and what lies at its address (fault-who.c, fault-where.c). Fills row; notes through @note. */
struct fault_notes {
	struct arena *arena;
	VEC(const char *) v;
};

/* Adds a sentence. */
void fault_note(struct fault_notes *n, const char *fmt, ...) _printf_(2, 3);
struct device *fault_device(struct host *h, const struct event *ev, struct fault_notes *notes);
/* Memory of PCI devices, by physical address; read on first use. Free with vec_free(&v). */
struct bar {
	uint64_t start, end;
	const char *device;
	int row; /* of the resource file */
};

struct bar_index {
	bool loaded;
	VEC(struct bar) v;
};

/* "a physical address in BAR 0 of 0000:03:00.0"; NULL when nothing is known to be there. @h and @d may be NULL. */
const char *fault_where(struct host *h, struct bar_index *bars, const struct event *ev, struct device *d,
			struct arena *arena);

#endif
