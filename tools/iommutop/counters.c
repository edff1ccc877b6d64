// SPDX-License-Identifier: GPL-2.0-or-later
#include "counters.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/*
 * io_page_fault is fired by the AMD driver for every fault, however few of them the log gets. It is not asked for where
 * another driver could fire it: that of SMMUv2 gives it no device, and the event looks at the device.
 */
struct counted {
	enum meter_id meter;
	const char *tracepoint; /* "iommu/map"; NULL: a function */
	const char *function;
	bool per_unit;		/* has a field with the unit's name */
	enum unit_kind only;	/* on machines with units of this kind; UNIT_UNKNOWN: any */
};

static const struct counted events[] = {
	{ METER_MAPS, "iommu/map" },
	{ METER_UNMAPS, "iommu/unmap" },
	{ METER_ATTACHES, "iommu/attach_device_to_domain" },
	{ METER_INVALS, "intel_iommu/qi_submit", .per_unit = true, .only = UNIT_VTD },
	{ METER_REQUESTS, "intel_iommu/prq_report", .per_unit = true, .only = UNIT_VTD },
	{ METER_INVALS, .function = "iommu_queue_command_sync", .only = UNIT_AMD },
	{ METER_INVALS, .function = "__iommu_queue_command_sync", .only = UNIT_AMD },
	{ METER_INVALS, .function = "arm_smmu_cmdq_issue_cmdlist", .only = UNIT_SMMUV3 },
	{ METER_REQUESTS, .function = "iommu_report_device_fault" },
};

/* One counter: what it adds to. */
struct slot {
	enum meter_id meter;
	int unit; /* -1: all of them, or none told */
};

#define MAX_SLOTS 128

/* A function's counter on one processor. */
struct probe {
	int fd;
	enum meter_id meter;
};

struct unit_irqs {
	char *name;
	uint32_t fault, request; /* numbers of its interrupts */
	bool has_fault, has_request;
};

struct counters {
	struct source *src;
	struct slot slots[MAX_SLOTS];
	size_t n_slots;
	VEC(int) fds;	  /* all, to be closed */
	VEC(int) leaders; /* one a processor */
	VEC(struct probe) probes;
	struct counts counts;
	struct unit_counts *units;
	struct unit_irqs *irqs;
	size_t n_units;
	char online[1024]; /* the processors that are counted on, as sysfs has them */
	char why_buf[160];
};

/* -- opening counters ------------------------------------------------------------------------------------ */

static int perf_open(struct perf_event_attr *attr, int cpu, int leader)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, -1, cpu, leader, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* "0-3,8"; empty when it cannot be read */
static void read_online(struct source *src, char *buf, size_t size)
{
	if (source_read_attr(src, "sys/devices/system/cpu/online", buf, size) < 0)
		*buf = '\0';
}

static size_t cpu_numbers(char *p, uint32_t *v, size_t cap)
{
	size_t n = 0;

	while (*p && n < cap) {
		unsigned long first = strtoul(p, &p, 10), last = first;

		if (*p == '-')
			last = strtoul(p + 1, &p, 10);
		for (; first <= last && n < cap; first++)
			v[n++] = (uint32_t)first;
		if (*p != ',')
			break;
		p++;
	}
	return n;
}

static int tracepoint_id(struct source *src, const char *name, uint64_t *ret)
{
	static const char *const roots[] = { "sys/kernel/tracing", "sys/kernel/debug/tracing" };
	int r = -ENOENT, first = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		char path[SRC_PATH_MAX];

		PATHF(path, "%s/events/%s/id", roots[i], name);
		r = source_read_u64(src, path, ret);
		if (!r)
			return 0;
		if (first == -ENOENT)
			first = r;
	}
	if (first == -ENOENT && !source_exists(src, "sys/kernel/tracing/events"))
		return -ENODEV;
	return first;
}

static int event_attr(struct counters *c, const struct counted *e, struct perf_event_attr *attr)
{
	uint64_t value;
	int r;

	*attr = (struct perf_event_attr){ .size = sizeof(*attr), .read_format = PERF_FORMAT_GROUP };
	if (e->tracepoint) {
		r = tracepoint_id(c->src, e->tracepoint, &value);
		attr->type = PERF_TYPE_TRACEPOINT;
		attr->config = r ? 0 : value;
		return r;
	}
	r = source_read_u64(c->src, "sys/bus/event_source/devices/kprobe/type", &value);
	attr->type = (uint32_t)value;
	attr->config1 = (uintptr_t)e->function;
	return r;
}

static const char *open_why(struct counters *c, int r)
{
	switch (r) {
	case -EACCES:
	case -EPERM:
		return "counting tracepoints needs root (or CAP_PERFMON and a readable tracefs)";
	case -ENODEV:
		return "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing";
	case -ENOENT:
		return "this kernel has no tracepoint for it";
	case -EMFILE:
		return "too many open files: raise the limit (ulimit -n)";
	}
	snprintf(c->why_buf, sizeof(c->why_buf), "counting: %s", err_text(r));
	return c->why_buf;
}

static int leader_of(const struct counters *c, size_t cpu)
{
	return cpu < c->leaders.n ? c->leaders.v[cpu] : -1;
}

/* One more counter on each processor. All or none: what would be counted on some only is no rate. */
static int add_slot(struct counters *c, struct perf_event_attr *attr, const uint32_t *cpus, size_t n, struct slot slot,
		    const char *filter)
{
	size_t before = c->fds.n;
	int r = 0;

	if (c->n_slots == MAX_SLOTS)
		return -E2BIG;
	for (size_t i = 0; !r && i < n; i++) {
		int fd = perf_open(attr, (int)cpus[i], leader_of(c, i));

		if (fd < 0) {
			r = fd;
			break;
		}
		*vec_push(&c->fds) = fd;
		if (filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) < 0)
			r = -errno;
	}
	if (r < 0) {
		while (c->fds.n > before)
			close(c->fds.v[--c->fds.n]);
		return r;
	}
	for (size_t i = 0; c->leaders.n < n; i++)
		*vec_push(&c->leaders) = c->fds.v[before + i];
	c->slots[c->n_slots++] = slot;
	return 0;
}

/*
 * A function's counters are each by themselves: in the group of a tracepoint they open, and stay at 0 (seen on Linux 7.2). All or none.
 */
static int add_probe(struct counters *c, struct perf_event_attr *attr, const uint32_t *cpus, size_t n, enum meter_id meter)
{
	size_t before = c->probes.n;
	int fd = 0;

	attr->read_format = 0;
	for (size_t i = 0; fd >= 0 && i < n; i++) {
		fd = perf_open(attr, (int)cpus[i], -1);
		if (fd >= 0)
			*vec_push(&c->probes) = (struct probe){ fd, meter };
	}
	while (fd < 0 && c->probes.n > before)
		close(c->probes.v[--c->probes.n].fd);
	return MIN(fd, 0);
}

static void add_units(struct counters *c, struct host *h, struct perf_event_attr *attr, const uint32_t *cpus, size_t n, enum meter_id meter)
{
	for (size_t u = 0; u < h->n_units; u++) {
		char filter[128];

		if (h->units[u].kind != UNIT_VTD || h->units[u].name[strcspn(h->units[u].name, "\"\\")])
			continue;
		snprintf(filter, sizeof(filter), "iommu == \"%s\"", h->units[u].name);
		if (add_slot(c, attr, cpus, n, (struct slot){ meter, (int)u }, filter) < 0)
			return;
	}
}

bool units_have_kind(const struct host *h, enum unit_kind kind)
{
	for (size_t i = 0; i < h->n_units; i++)
		if (h->units[i].kind == kind)
			return true;
	return kind == UNIT_UNKNOWN;
}

static void add_event(struct counters *c, struct host *h, const struct counted *e, const uint32_t *cpus, size_t n)
{
	struct perf_event_attr attr;
	int r = event_attr(c, e, &attr);

	if (!r && e->function)
		r = add_probe(c, &attr, cpus, n, e->meter);
	else if (!r)
		r = add_slot(c, &attr, cpus, n, (struct slot){ e->meter, -1 }, NULL);
	if (r < 0) {
		/* a function that is not there is one of several names */
		if (!c->counts.meters[e->meter].known && (e->tracepoint || !c->counts.why[e->meter]))
			c->counts.why[e->meter] = e->tracepoint ? open_why(c, r) : "no function that could be counted is in this kernel";
		return;
	}
	c->counts.meters[e->meter] = NUM(0);
	c->counts.why[e->meter] = NULL;
	if (e->per_unit)
		add_units(c, h, &attr, cpus, n, e->meter);
}

static void open_events(struct counters *c, struct host *h, bool probes)
{
	struct rlimit limit;
	uint32_t cpus[4096];
	size_t n;

	read_online(c->src, c->online, sizeof(c->online));
	n = cpu_numbers(c->online, cpus, ARRAY_SIZE(cpus));
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (size_t i = 0; i < METER_MAX; i++)
		c->counts.why[i] = n ? NULL : "which processors are online cannot be read";
	for (size_t i = 0; n && i < ARRAY_SIZE(events); i++) {
		const struct counted *e = &events[i];

		if (!units_have_kind(h, e->only) || c->counts.meters[e->meter].known)
			continue;
		if (e->function && !probes)
			continue;
		add_event(c, h, e, cpus, n);
	}
	for (size_t i = 0; i < METER_MAX; i++)
		if (!c->counts.meters[i].known && !c->counts.why[i])
			c->counts.why[i] = probes ? "this kernel has no tracepoint and no function for it" :
						    "only VT-d has a tracepoint for it; --probes counts calls of the driver instead";
}

/* -- interrupts ------------------------------------------------------------------------------------------ */

bool interrupts_line(const char *line, size_t len, uint32_t *ret_irq, uint64_t *ret_sum, char name[static 64])
{
	const char *p = line, *end = line + len, *word;
	uint64_t sum = 0, irq = 0;

	for (; p < end && *p == ' '; p++)
		;
	if (p == end || !isdigit((unsigned char)*p))
		return false;
	for (; p < end && isdigit((unsigned char)*p) && irq < UINT32_MAX; p++)
		irq = irq * 10 + (uint64_t)(*p - '0');
	if (p == end || *p++ != ':')
		return false;
	for (;;) {
		const char *start;
		uint64_t v = 0;

		for (; p < end && *p == ' '; p++)
			;
		for (start = p; p < end && isdigit((unsigned char)*p); p++)
			v = v * 10 + (uint64_t)(*p - '0');
		if (p == start || (p < end && *p != ' ')) /* the controller's name begins */
			break;
		sum += v;
	}
	for (; end > p && isspace((unsigned char)end[-1]); end--)
		;
	for (word = end; word > p && word[-1] != ' '; word--)
		;
	if (word == end || (size_t)(end - word) >= 64)
		return false;
	memcpy(name, word, (size_t)(end - word));
	name[end - word] = '\0';
	*ret_irq = (uint32_t)irq;
	*ret_sum = sum;
	return true;
}

/*
 * "AMD-Vi0-Evt", "AMD-Vi0-PPR" are of ivhd0 (amd/init.c: both names have the unit's index). Older ones are all called "AMD-Vi": that
 * tells the unit only when there is one, and its logs share the interrupt.
 */
static bool find_amd_irq(struct counters *c, const char *name, uint32_t irq)
{
	char unit[64], kind[8] = "";
	unsigned index;

	if (!strstarts(name, "AMD-Vi"))
		return false;
	if (sscanf(name, "AMD-Vi%u-%7s", &index, kind) == 2)
		snprintf(unit, sizeof(unit), "ivhd%u", index);
	else if (c->n_units == 1)
		snprintf(unit, sizeof(unit), "%s", c->irqs[0].name);
	else
		return true;
	for (size_t i = 0; i < c->n_units; i++) {
		struct unit_irqs *u = &c->irqs[i];

		if (!streq(u->name, unit))
			continue;
		if (streq(kind, "PPR")) {
			u->request = irq;
			u->has_request = true;
		} else if (!*kind || streq(kind, "Evt")) {
			u->fault = irq;
			u->has_fault = true;
		}
	}
	return true;
}

/* Whether the unit's device sends this interrupt as a message. */
static bool sends_irq(const struct counters *c, const struct unit_irqs *u, uint32_t irq)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "sys/class/iommu/%s/device/msi_irqs/%u", u->name, irq);
	return *path && source_exists(c->src, path);
}

/*
 * "arm-smmu-v3-evtq", "-priq", or "-combined-irq" for both: without the unit's name (arm_smmu_setup_unique_irqs() and
 * arm_smmu_setup_irqs() in arm-smmu-v3.c). With several units only messages tell whose they are.
 */
static bool find_smmu_irq(struct counters *c, const char *name, uint32_t irq)
{
	static const char prefix[] = "arm-smmu-v3-";
	struct unit_irqs *only = NULL;
	size_t n = 0;

	if (!strstarts(name, prefix))
		return false;
	name += strlen(prefix);
	for (size_t i = 0; i < c->n_units; i++) {
		if (!strstarts(c->irqs[i].name, "smmu3."))
			continue;
		if (!n++ || sends_irq(c, &c->irqs[i], irq))
			only = &c->irqs[i];
	}
	if (!only || (n > 1 && !sends_irq(c, only, irq)))
		return true;
	if (streq(name, "priq")) {
		only->request = irq;
		only->has_request = true;
	} else if (streq(name, "evtq") || streq(name, "combined-irq")) {
		only->fault = irq;
		only->has_fault = true;
	}
	return true;
}

static void find_irq(struct counters *c, const char *name, uint32_t irq)
{
	if (find_amd_irq(c, name, irq) || find_smmu_irq(c, name, irq))
		return;
	for (size_t i = 0; i < c->n_units; i++) {
		struct unit_irqs *u = &c->irqs[i];
		size_t n = strlen(u->name);

		if (strncmp(name, u->name, n))
			continue;
		if (!name[n]) {
			u->fault = irq;
			u->has_fault = true;
		} else if (streq(name + n, "-prq")) {
			u->request = irq;
			u->has_request = true;
		}
	}
}

/* Once: /proc/interrupts is dear on large machines, one interrupt's own file is not. */
static void open_irqs(struct counters *c, struct host *h)
{
	struct arena a = { 0 };
	char *text, name[64];
	size_t len;
	uint64_t sum;
	uint32_t irq;

	for (size_t i = 0; i < c->n_units; i++)
		c->irqs[i].name = must_strdup(h->units[i].name);
	if (!source_read_all(c->src, "proc/interrupts", 64 << 20, &a, &text, &len))
		for (char *s = text, *eol; s < text + len; s = eol + 1) {
			eol = memchr(s, '\n', (size_t)(text + len - s)) ?: text + len;
			if (interrupts_line(s, (size_t)(eol - s), &irq, &sum, name))
				find_irq(c, name, irq);
		}
	arena_free(&a);
}

/* "5,0,7" */
static struct num read_irq(struct counters *c, bool has, uint32_t irq)
{
	char path[SRC_PATH_MAX], buf[16384], *p = buf;
	uint64_t sum = 0;

	PATHF(path, "sys/kernel/irq/%u/per_cpu_count", irq);
	if (!has || source_read_attr(c->src, path, buf, sizeof(buf)) < 0)
		return NUM_UNKNOWN;
	while (isdigit((unsigned char)*p)) {
		sum += strtoull(p, &p, 10);
		p += *p == ',';
	}
	return NUM(sum);
}

/* -- all ------------------------------------------------------------------------------------------------- */

struct counters *counters_open(struct host *h, bool probes)
{
	struct counters *c = must_calloc(1, sizeof(*c));

	c->src = h->src;
	c->n_units = h->n_units;
	c->units = calloc(c->n_units + 1, sizeof(*c->units));
	c->irqs = calloc(c->n_units + 1, sizeof(*c->irqs));
	if (!c->units || !c->irqs)
		out_of_memory();
	c->counts.units = c->units;
	open_events(c, h, probes);
	open_irqs(c, h);
	return c;
}

static void add_values(struct counters *c, const uint64_t *v)
{
	for (size_t i = 0; i < c->n_slots; i++) {
		const struct slot *s = &c->slots[i];

		if (s->unit < 0)
			c->counts.meters[s->meter].v += (int64_t)v[i];
		else if (s->meter == METER_INVALS)
			c->units[s->unit].invals.v += (int64_t)v[i];
		else
			c->units[s->unit].requests.v += (int64_t)v[i];
	}
}

static void start_sums(struct counters *c)
{
	for (size_t i = 0; i < c->n_units; i++)
		c->units[i] = (struct unit_counts){ 0 };
	for (size_t i = 0; i < METER_MAX; i++)
		c->counts.meters[i].v = 0;
	for (size_t i = 0; i < c->n_slots; i++) {
		const struct slot *s = &c->slots[i];

		if (s->unit >= 0 && s->meter == METER_INVALS)
			c->units[s->unit].invals = NUM(0);
		else if (s->unit >= 0)
			c->units[s->unit].requests = NUM(0);
	}
}

const struct counts *counters_read(struct counters *c)
{
	struct {
		uint64_t n, v[MAX_SLOTS];
	} group;
	struct probe *p;
	uint64_t value;

	start_sums(c);
	for (size_t i = 0; i < c->leaders.n; i++) {
		ssize_t n = read(c->leaders.v[i], &group, sizeof(group));

		/* a processor that has gone counts no more, and what it counted is lost: the sum goes back, and meter_add() sees it */
		if (n >= (ssize_t)sizeof(group.n) && group.n == c->n_slots)
			add_values(c, group.v);
	}
	vec_for_each(p, &c->probes)
		if (read(p->fd, &value, sizeof(value)) == sizeof(value))
			c->counts.meters[p->meter].v += (int64_t)value;
	for (size_t i = 0; i < c->n_units; i++) {
		struct num requests = read_irq(c, c->irqs[i].has_request, c->irqs[i].request);

		c->units[i].fault_irqs = read_irq(c, c->irqs[i].has_fault, c->irqs[i].fault);
		if (!c->units[i].requests.known)
			c->units[i].requests = requests;
	}
	return &c->counts;
}

bool counters_stale(const struct counters *c)
{
	char online[sizeof(c->online)];

	read_online(c->src, online, sizeof(online));
	return !streq(online, c->online);
}

void counters_close(struct counters *c)
{
	struct probe *p;
	int *fd;

	if (!c)
		return;
	vec_for_each(p, &c->probes)
		close(p->fd);
	vec_free(&c->probes);
	vec_for_each(fd, &c->fds)
		close(*fd);
	vec_free(&c->fds);
	vec_free(&c->leaders);
	for (size_t i = 0; i < c->n_units; i++)
		free(c->irqs[i].name);
	free(c->irqs);
	free(c->units);
	free(c);
}
