/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iommutop shows, as plain structs: one array of rows a view, and the meters. Rows are records (out/record.h), so that
 * the screen, -b and -b -j show the same fields.
 */
#ifndef IOMMUTOP_MODEL_H
#define IOMMUTOP_MODEL_H

#include "base/str.h"
#include "diag/faults.h"
#include "host/host.h"
#include "out/record.h"
#include "sessions.h"

enum view_id { VIEW_GROUPS, VIEW_DOMAINS, VIEW_DEVICES, VIEW_UNITS, VIEW_FAULTS, VIEW_SESSIONS, VIEW_MAX };

struct group_row {
	struct num group;
	const char *verdict;
	int viable; /* enum tri */
	const char *type, *domain, *owner;
	struct num pid;
	const char *process;
	struct num owner_cnt, expected, faults, fault_rate;
	struct strs units, drivers, devices;
	/* in words, for the selected row and for -b: model_advice() */
	const char *summary, *remedy;
	bool advised;
};

struct domain_row {
	struct num domain; /* our number: kernels give none */
	const char *type, *made_by, *process;
	struct num hwpt, pid;
	struct strs page_sizes;
	struct num end;
	struct num n_groups, n_devices;
	struct strs groups, devices;
};

struct device_row {
	const char *device, *bus, *class, *driver;
	struct num group;
	const char *unit, *verdict;
	struct num faults, fault_rate;
	const char *last_fault, *network, *name;
};

struct unit_row {
	const char *unit, *kind;
	struct num devices, groups, domains_used, domains_supported;
	struct num inval_rate, fault_rate, request_rate;
	struct num latency; /* us */
};

struct fault_line {
	struct num time; /* ns since boot */
	const char *when, *device;
	struct num group;
	const char *kind, *access;
	struct num address, count;
	const char *reason, *driver, *meaning, *next;
};

/* An object of an iommufd or of a session, or the iommufd or session itself. In the order of a tree. */
struct session_row {
	struct num context, pid, depth;
	const char *process, *session, *object, *name, *parent;
	struct num users;
	const char *device, *domain;
	struct num group;
	struct strs groups; /* that a page table translates for */
	const char *problem;
};

/* What is counted. */
enum meter_id { METER_INVALS, METER_MAPS, METER_FAULTS, METER_REQUESTS, METER_UNMAPS, METER_ATTACHES, METER_MAX };

#define HISTORY 512

struct meter {
	struct num total;    /* since the start; unknown: why says the reason */
	struct num per_s;    /* over the last interval */
	const char *why;     /* static, or the sampler's; NULL: it is counted */
	uint32_t past[HISTORY]; /* a ring of per_s; the newest is at [(n - 1) % HISTORY] */
	uint64_t n;
};

struct model {
	struct arena arena;    /* of rows; the host's strings are the host's */
	struct arena network_arena; /* of what model_network() says */
	struct host *host;
	uint64_t generation;   /* rises whenever rows are made anew */
	const char *hostname, *kernel, *source;
	bool live;
	const char *replay; /* where in the trace we are; NULL: none is played */
	struct rows rows[VIEW_MAX];	     /* not known: they could not be read */
	const char *empty[VIEW_MAX]; /* what to say when there are none, or why there can be none */
	struct num verdicts[6];	     /* by verdict_words; not known when the groups are not */
	struct meter meters[METER_MAX];
	uint64_t faults;	     /* in the log so far */
	bool faults_known;
	const char *faults_why;
	const char *ownership_why, *ownership_hint, *latency_why;
	struct num uptime;	     /* seconds */
	uint64_t samples;
	uint64_t interval_ns;	     /* that the rates are over */
};

extern const char *const verdict_words[6];
extern const struct record_type *const view_records[VIEW_MAX];
extern const char *const view_names[VIEW_MAX];

/* The record of -b -j: one sample, rows nested. */
struct sample_row {
	const char *time;
	struct num sample, interval;
	const char *kernel;
	struct num units, ready, needs_bind, blocked, in_use, nothing_to_give, unknown;
	struct num invalidations, maps, unmaps, attaches, requests, faults;
	struct rows groups, domains, devices, unit_rows, fault_lines, sessions; /* unknown: not asked for, or not readable */
};
extern const struct record_type sample_record;

/*
 * Makes all rows from @h, which the model takes over; @faults may be NULL (then @faults_err says why), @sessions too. Pure but for facts that the host reads on first
 * use. Rows that were there before are gone, the meters stay.
 */
void model_build(struct model *m, struct host *h, struct fault_table *faults, int faults_err, const struct sessions *sessions);

/* Makes the rows of the faults and the counts that come from them, without touching the rest. */
void model_faults(struct model *m, struct fault_table *faults, int faults_err);

/* Says of devices which interfaces they are, and how those are. @n may be NULL: nothing is known. After each model_build(). */
struct network;
void model_network(struct model *m, const struct network *n);

/* What stands in the way of a group, and the command that mends it: fills summary and remedy once. */
void model_advice(struct model *m, struct group_row *row);

/* Adds what was counted over @interval_ns to a meter. A counter that went back (it wrapped, or was made anew) counts as unknown for once. */
void meter_add(struct meter *t, struct num total, uint64_t interval_ns);

/* The value @back samples ago, 0 is the newest; 0 before the first. */
uint32_t meter_past(const struct meter *t, unsigned back);

/* What a row is called over refreshes: "7", "pci/0000:01:00.0"; in @b. */
void row_key(enum view_id view, const void *row, struct strbuf *b);

/* How many rows there are, in @buf: "12", or "-" when that is not known. */
const char *rows_count(char buf[static 24], struct rows rows);

void model_free(struct model *m);

static inline const void *model_row(const struct model *m, enum view_id v, size_t i)
{
	return (const char *)m->rows[v].v + i * view_records[v]->size;
}

#endif
