// SPDX-License-Identifier: GPL-2.0-or-later
/* The fields of each view: columns on the screen, columns and JSON of batch mode. */
#include "model.h"

#define SHOWN FIELD_DEFAULT
#define NUMBER (FIELD_DEFAULT | FIELD_RIGHT)

#define G(member, type, head, text, ...) FIELD(struct group_row, member, type, head, text, ##__VA_ARGS__)
static const struct field group_fields[] = {
	G(group, F_INT, "GROUP", "number of the group", .flags = NUMBER),
	G(verdict, F_STR, "VERDICT", "whether it can be given away: ready, needs-bind, blocked, in-use, nothing-to-give, unknown; null: "
	  "not judged", .flags = SHOWN | FIELD_VERDICT),
	G(viable, F_BOOL, "VIABLE", "what the kernel says now"),
	G(type, F_STR, "TYPE", "type of its default domain", .flags = SHOWN),
	G(domain, F_STR, "NOW", "type of the domain that translates now; null: only the kernel's memory tells", .flags = SHOWN),
	G(owner, F_STR, "OWNER", "none, dma-api, vfio-group, iommufd; null: not known", .flags = SHOWN),
	G(pid, F_INT, "PID", "the process that holds it, the first of them", .flags = NUMBER),
	G(process, F_STR, "PROCESS", "that process's name", .flags = SHOWN),
	G(owner_cnt, F_INT, "COUNT", "the kernel's owner_cnt", .flags = NUMBER),
	G(expected, F_INT, "EXPECT", "what drivers, or user space's claim, account for", .flags = NUMBER),
	G(fault_rate, F_INT, "FAULT/s", "faults of its devices, a second", .flags = NUMBER),
	G(faults, F_INT, "FAULTS", "faults of its devices in the kernel log", .flags = NUMBER),
	G(units, F_STRS, "UNIT", "IOMMU units that its devices are behind"),
	G(drivers, F_STRS, "DRIVERS", "drivers of its devices", .flags = SHOWN),
	G(devices, F_STRS, "DEVICES", "what is in it, bridges last", .flags = SHOWN | FIELD_TRUNC),
	G(summary, F_STR, "SUMMARY", "the verdict in one sentence"),
	G(remedy, F_STR, "REMEDY", "the command that mends what is in the way; null: none does"),
};
static const struct record_type group_record = RECORD("top.groups", 1, struct group_row, group_fields);

#define D(member, type, head, text, ...) FIELD(struct domain_row, member, type, head, text, ##__VA_ARGS__)
static const struct field domain_fields[] = {
	D(domain, F_INT, "DOMAIN", "number of the domain, of this listing only: the kernel gives none", .flags = NUMBER),
	D(type, F_STR, "TYPE", "DMA, DMA-FQ, identity, blocked, unmanaged, nested, SVA, platform", .flags = SHOWN),
	D(made_by, F_STR, "MADE-BY", "dma-api, vfio, iommufd, kernel; null: not known", .flags = SHOWN),
	D(hwpt, F_INT, "HWPT", "its id as a page table of an iommufd", .flags = NUMBER),
	D(pid, F_INT, "PID", "the process that the groups on it are held by", .flags = NUMBER),
	D(process, F_STR, "PROCESS", "that process's name", .flags = SHOWN),
	D(page_sizes, F_STRS, "PAGES", "page sizes that it can map", .flags = SHOWN),
	D(end, F_HEX, "END", "last address that it can map", .flags = NUMBER),
	D(n_groups, F_INT, "GROUPS", "how many groups are on it", .flags = NUMBER),
	D(n_devices, F_INT, "DEVICES", "how many devices these have", .flags = NUMBER),
	D(groups, F_STRS, "ON-IT", "the groups on it", .flags = SHOWN),
	D(devices, F_STRS, "WHICH", "the devices on it", .flags = SHOWN | FIELD_TRUNC),
};
static const struct record_type domain_record = RECORD("top.domains", 1, struct domain_row, domain_fields);

#define V(member, type, head, text, ...) FIELD(struct device_row, member, type, head, text, ##__VA_ARGS__)
static const struct field device_fields[] = {
	V(device, F_STR, "DEVICE", "its address, or its name on another bus", .flags = SHOWN),
	V(bus, F_STR, "BUS", "bus that it is on: pci, platform, fsl-mc, ..."),
	V(class, F_STR, "CLASS", "word for its class", .flags = SHOWN),
	V(driver, F_STR, "DRIVER", "driver that it is bound to", .flags = SHOWN),
	V(group, F_INT, "GROUP", "number of its group", .flags = NUMBER),
	V(unit, F_STR, "UNIT", "IOMMU unit that it is behind", .flags = SHOWN),
	V(verdict, F_STR, "VERDICT", "whether it can be given away; null: in no group, or not judged", .flags = SHOWN | FIELD_VERDICT),
	V(fault_rate, F_INT, "FAULT/s", "its faults, a second", .flags = NUMBER),
	V(faults, F_INT, "FAULTS", "its faults in the kernel log", .flags = NUMBER),
	V(last_fault, F_STR, "LAST-FAULT", "what the last one was", .flags = SHOWN),
	V(network, F_STR, "NETWORK", "its interfaces, up, down or without carrier; default: the default route goes over it", .flags = SHOWN),
	V(name, F_STR, "NAME", "vendor and device", .flags = SHOWN | FIELD_TRUNC),
};
static const struct record_type device_record = RECORD("top.devices", 1, struct device_row, device_fields);

#define U(member, type, head, text, ...) FIELD(struct unit_row, member, type, head, text, ##__VA_ARGS__)
static const struct field unit_fields[] = {
	U(unit, F_STR, "UNIT", "name in /sys/class/iommu", .flags = SHOWN),
	U(kind, F_STR, "KIND", "vt-d, amd-vi, smmuv3, virtio, ...", .flags = SHOWN),
	U(devices, F_INT, "DEVICES", "devices behind it", .flags = NUMBER),
	U(groups, F_INT, "GROUPS", "groups behind it", .flags = NUMBER),
	U(domains_used, F_INT, "DOMAINS", "domain ids in use, with those that the driver keeps for itself", .flags = NUMBER),
	U(domains_supported, F_INT, "OF", "domain ids that there are", .flags = NUMBER),
	U(inval_rate, F_INT, "INVAL/s", "invalidation commands that it got, a second", .flags = NUMBER),
	U(fault_rate, F_INT, "FAULTIRQ/s", "its fault interrupts, a second; one may tell of several faults", .flags = NUMBER),
	U(request_rate, F_INT, "PAGEREQ/s", "page requests from devices behind it, a second", .flags = NUMBER),
	U(latency, F_INT, "LATENCY", "how long an IOTLB invalidation takes in the mean; null: not measured", .unit = "us", .flags = NUMBER),
};
static const struct record_type unit_record = RECORD("top.units", 1, struct unit_row, unit_fields);

#define F(member, type, head, text, ...) FIELD(struct fault_line, member, type, head, text, ##__VA_ARGS__)
static const struct field fault_fields[] = {
	F(time, F_INT, "TIME", "when it was seen last", .unit = "ns since boot"),
	F(when, F_STR, "WHEN", "the same in seconds", .flags = SHOWN | FIELD_RIGHT),
	F(count, F_INT, "COUNT", "how often it was seen", .flags = NUMBER),
	F(device, F_STR, "DEVICE", "who did it, or the unit that tells of it", .flags = SHOWN),
	F(group, F_INT, "GROUP", "its group", .flags = NUMBER),
	F(driver, F_STR, "DRIVER", "its driver", .flags = SHOWN),
	F(kind, F_STR, "KIND", "dma, interrupt, config, command, invalidation, page-request, global", .flags = SHOWN),
	F(access, F_STR, "ACCESS", "what it wanted: read, write, ...", .flags = SHOWN),
	F(address, F_HEX, "ADDRESS", "where, by the page", .flags = NUMBER),
	F(reason, F_STR, "REASON", "what was wrong", .flags = SHOWN | FIELD_TRUNC),
	F(meaning, F_STR, "MEANING", "what it usually means"),
	F(next, F_STR, "NEXT", "the command to run next"),
};
static const struct record_type faults_record = RECORD("top.faults", 1, struct fault_line, fault_fields);

#define S(member, type, head, text, ...) FIELD(struct session_row, member, type, head, text, ##__VA_ARGS__)
static const struct field session_fields[] = {
	S(object, F_STR, "OBJECT", "the session or iommufd, or an object in it by type and id", .flags = SHOWN),
	S(name, F_STR, "NAME", "its name in the session", .flags = SHOWN),
	S(session, F_STR, "SESSION", "name of the session; null: it is of none"),
	S(parent, F_STR, "PARENT", "what it hangs on; null: it is a session or an iommufd"),
	S(depth, F_INT, "DEPTH", "how deep in the tree it is, from 0"),
	S(context, F_INT, "CONTEXT", "number of the iommufd or session, of this listing only"),
	S(pid, F_INT, "PID", "process that keeps it, the first of them", .flags = NUMBER),
	S(process, F_STR, "PROCESS", "that process's name", .flags = SHOWN),
	S(users, F_INT, "USERS", "the kernel's count of users; 1 is the object's own", .flags = NUMBER),
	S(device, F_STR, "DEVICE", "name of a device", .flags = SHOWN),
	S(group, F_INT, "GROUP", "the device's group", .flags = NUMBER),
	S(domain, F_STR, "DOMAIN", "type of a page table's domain", .flags = SHOWN),
	S(groups, F_STRS, "FOR", "groups that a page table translates for now", .flags = SHOWN | FIELD_TRUNC),
	S(problem, F_STR, "PROBLEM", "why the objects are not known"),
};
static const struct record_type session_record = RECORD("top.sessions", 1, struct session_row, session_fields);

const struct record_type *const view_records[VIEW_MAX] = {
	[VIEW_GROUPS] = &group_record, [VIEW_DOMAINS] = &domain_record, [VIEW_DEVICES] = &device_record,
	[VIEW_UNITS] = &unit_record,   [VIEW_FAULTS] = &faults_record,	[VIEW_SESSIONS] = &session_record,
};

const char *const view_names[VIEW_MAX] = {
	[VIEW_GROUPS] = "Groups", [VIEW_DOMAINS] = "Domains", [VIEW_DEVICES] = "Devices",
	[VIEW_UNITS] = "Units",	  [VIEW_FAULTS] = "Faults",   [VIEW_SESSIONS] = "Sessions",
};

const char *const verdict_words[6] = { "ready", "needs-bind", "blocked", "in-use", "nothing-to-give", "unknown" };

#define A(member, type, head, text, ...) FIELD(struct sample_row, member, type, head, text, ##__VA_ARGS__)
static const struct field sample_fields[] = {
	A(time, F_STR, "TIME", "when it was taken, UTC"),
	A(sample, F_INT, "SAMPLE", "its number, from 1"),
	A(interval, F_INT, "INTERVAL", "what the rates are over; null in the first", .unit = "ms"),
	A(kernel, F_STR, "KERNEL", "release of the kernel"),
	A(units, F_INT, "UNITS", "IOMMU units"),
	A(ready, F_INT, "READY", "groups that a claim would get now"),
	A(needs_bind, F_INT, "NEEDS-BIND", "groups with devices that must leave their drivers first"),
	A(blocked, F_INT, "BLOCKED", "groups that binding will not mend"),
	A(in_use, F_INT, "IN-USE", "groups that somebody has"),
	A(nothing_to_give, F_INT, "NOTHING", "groups of bridges only"),
	A(unknown, F_INT, "UNKNOWN", "groups that cannot be judged, or are not"),
	A(invalidations, F_INT, "INVAL/s", "invalidation commands, a second; null: not counted"),
	A(maps, F_INT, "MAP/s", "mappings made, a second; null: not counted"),
	A(unmaps, F_INT, "UNMAP/s", "mappings taken away, a second; null: not counted"),
	A(attaches, F_INT, "ATTACH/s", "devices put on a domain, a second; null: not counted"),
	A(requests, F_INT, "PAGEREQ/s", "page requests, a second; null: not counted"),
	A(faults, F_INT, "FAULT/s", "faults, a second; null: not counted"),
	A(groups, F_LIST, "GROUPS", "the groups; null: not asked for, or not readable", .sub = &group_record),
	A(domains, F_LIST, "DOMAINS", "the domains in use; null: not asked for, or not readable", .sub = &domain_record),
	A(devices, F_LIST, "DEVICES", "the devices; null: not asked for, or not readable", .sub = &device_record),
	A(unit_rows, F_LIST, "UNIT-ROWS", "the units; null: not asked for, or not readable", .sub = &unit_record),
	A(fault_lines, F_LIST, "FAULT-LINES", "the faults in the kernel log; null: not asked for, or not readable", .sub = &faults_record),
	A(sessions, F_LIST, "SESSIONS", "objects of running sessions; null: not asked for, or not readable", .sub = &session_record),
};
const struct record_type sample_record = RECORD("top.sample", 1, struct sample_row, sample_fields);
