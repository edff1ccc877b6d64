// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot/info.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "source/capture.h"
#include "source/doc.h"

#define MANIFEST_MAX (16u << 20)

static const struct field left_out_fields[] = {
	FIELD(struct snapshot_left_out, path, F_STR, "PATH", "on that machine", .flags = FIELD_DEFAULT),
	{ .name = "errno", .type = F_STR, .offset = offsetof(struct snapshot_left_out, errnum), .head = "ERRNO",
	  .help = "what reading it answered; ENOTCAPTURED: left out on purpose", .flags = FIELD_DEFAULT },
	FIELD(struct snapshot_left_out, why, F_STR, "WHY", "the same in words", .flags = FIELD_DEFAULT),
};

static const struct record_type left_out_record =
	RECORD("snapshot.left-out", 1, struct snapshot_left_out, left_out_fields);

#define INFO(member, type, head, text, ...) FIELD(struct snapshot_info, member, type, head, text, ##__VA_ARGS__)

static const struct field info_fields[] = {
	INFO(file, F_STR, "FILE", "as given", .flags = FIELD_DEFAULT),
	INFO(kind, F_STR, "KIND", "snapshot; or a tree, tar or listing made by hand", .flags = FIELD_DEFAULT),
	INFO(host, F_STR, "HOST", "name of the machine", .flags = FIELD_DEFAULT),
	INFO(kernel, F_STR, "KERNEL", "its release", .flags = FIELD_DEFAULT),
	INFO(boot_id, F_STR, "BOOT-ID", "which boot of it"),
	INFO(time, F_STR, "TIME", "when it was taken, UTC", .flags = FIELD_DEFAULT),
	INFO(tool, F_STR, "TOOL", "what wrote it"),
	INFO(note, F_STR, "NOTE", "what the author of a report said"),
	INFO(format, F_INT, "FORMAT", "version of the file format"),
	INFO(root, F_BOOL, "ROOT", "taken by root"),
	INFO(full, F_BOOL, "FULL", "with serial numbers, MAC and IP addresses"),
	INFO(wake, F_BOOL, "WAKE", "with the config space of devices that slept"),
	INFO(files, F_INT, "FILES", "files in it"),
	INFO(links, F_INT, "LINKS", "links in it"),
	INFO(bytes, F_INT, "BYTES", "size of its contents, uncompressed", .unit = "bytes"),
	INFO(units, F_INT, "UNITS", "IOMMUs", .flags = FIELD_DEFAULT),
	INFO(groups, F_INT, "GROUPS", "IOMMU groups", .flags = FIELD_DEFAULT),
	INFO(pci_devices, F_INT, "PCI-DEVICES", "PCI functions", .flags = FIELD_DEFAULT),
	INFO(sections, F_STRS, "SECTIONS", "typed sections"),
	INFO(unreadable_count, F_INT, "UNREADABLE", "paths that could not be read", .flags = FIELD_DEFAULT),
	INFO(unreadable, F_LIST, "UNREADABLE-PATHS", "which, and why", .sub = &left_out_record),
};

const struct record_type snapshot_info_record =
	RECORD("snapshot.info", 1, struct snapshot_info, info_fields);

/* Some attributes have no answer for a device: that is known, and nothing is missing. */
static bool is_an_answer(const char *word)
{
	return streq(word, "EINVAL") || streq(word, "EOPNOTSUPP") || streq(word, "ENODATA");
}

static struct rows get_left_out(struct arena *a, struct json_object *m)
{
	size_t all = doc_len(m, "unreadable"), n = 0;
	struct snapshot_left_out *v = arena_array(a, struct snapshot_left_out, all);

	for (size_t i = 0; i < all; i++) {
		struct json_object *o = doc_at(m, "unreadable", i);
		const char *word = doc_text(a, o, "errno");

		if (is_an_answer(word))
			continue;
		v[n++] = (struct snapshot_left_out){ .path = doc_text(a, o, "path"), .errnum = word,
						     .why = word ? err_text(capture_errno(word)) : NULL };
	}
	return ROWS(v, n);
}

static struct strs get_sections(struct arena *a, struct json_object *m)
{
	size_t all = doc_len(m, "sections"), n = 0;
	const char **v = arena_array(a, const char *, all);

	for (size_t i = 0; i < all; i++) {
		struct json_object *o = doc_at(m, "sections", i);

		if (json_object_is_type(o, json_type_string))
			v[n++] = arena_strdup(a, json_object_get_string(o));
	}
	return STRS(v, n);
}

static void from_manifest(struct arena *a, struct json_object *m, struct snapshot_info *ret)
{
	struct json_object *counts = doc_get(m, "counts", json_type_object);

	ret->kind = "snapshot";
	ret->kernel = doc_text(a, m, "kernel");
	ret->time = doc_text(a, m, "time");
	ret->tool = doc_text(a, m, "tool");
	ret->format = doc_num(m, "format");
	ret->root = doc_bool(m, "root");
	ret->full = doc_bool(m, "full");
	ret->wake = doc_bool(m, "wake");
	ret->files = doc_num(counts, "files");
	ret->links = doc_num(counts, "links");
	ret->bytes = doc_num(counts, "bytes");
	ret->sections = get_sections(a, m);
	ret->unreadable = get_left_out(a, m);
	ret->unreadable_count = NUM(ret->unreadable.n);
}

static struct num count(struct source *src, const char *dir)
{
	struct arena a = { 0 };
	struct src_list l;
	int r = source_list(src, dir, &a, &l);

	arena_free(&a);
	return r < 0 ? r == -ENOENT ? NUM(0) : NUM_UNKNOWN : NUM(l.n);
}

void snapshot_info(struct source *src, struct arena *a, struct snapshot_info *ret)
{
	struct json_object *m = NULL;
	char *text;
	size_t len;

	*ret = (struct snapshot_info){
		.file = arena_strdup(a, src->name),
		.kind = src->is_listing ? "listing" : src->ops->kind == SOURCE_TREE ? "tree" : "tar",
		.host = arena_strdup(a, src->hostname),
		.boot_id = arena_strdup(a, src->boot_id),
		.root = TRI_UNKNOWN, .full = TRI_UNKNOWN, .wake = TRI_UNKNOWN,
		.units = count(src, "sys/class/iommu"),
		.groups = count(src, "sys/kernel/iommu_groups"),
		.pci_devices = count(src, "sys/bus/pci/devices"),
	};
	if (!source_read_all(src, SNAPSHOT_MANIFEST, MANIFEST_MAX, a, &text, &len))
		m = json_read(text, len, JSON_TOKENER_DEFAULT_DEPTH);
	if (json_object_is_type(m, json_type_object)) {
		from_manifest(a, m, ret);
	} else if (!source_read_attr_dup(src, "proc/sys/kernel/osrelease", a, &text)) {
		ret->kernel = text;
	}
	json_object_put(m);
	if (!source_read_all(src, SNAPSHOT_NOTE, MANIFEST_MAX, a, &text, &len))
		ret->note = text;
}

bool snapshot_file_is_one(const char *file)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	bool is = false;

	if (!a)
		return false;
	archive_read_support_format_tar(a);
	if (archive_libzstd_version())
		archive_read_support_filter_zstd(a);
	if (archive_zlib_version())
		archive_read_support_filter_gzip(a);
	if (archive_read_open_filename(a, file, 64 * 1024) == ARCHIVE_OK &&
	    archive_read_next_header(a, &e) >= ARCHIVE_WARN)
		is = streq(archive_entry_pathname(e), SNAPSHOT_MANIFEST);
	archive_read_free(a);
	return is;
}
