// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/str.h"
#include "source/doc.h"

#define BTF "/sys/kernel/btf/vmlinux"

static const char *const symbol_names[SYM_MAX] = {
	[SYM_USE_DEFAULT_DOMAIN] = "iommu_device_use_default_domain",
	[SYM_UNUSE_DEFAULT_DOMAIN] = "iommu_device_unuse_default_domain",
	[SYM_GROUP_CLAIM] = "iommu_group_claim_dma_owner",
	[SYM_DEVICE_CLAIM] = "iommu_device_claim_dma_owner",
	[SYM_GROUP_RELEASE] = "iommu_group_release_dma_owner",
	[SYM_DEVICE_RELEASE] = "iommu_device_release_dma_owner",
	[SYM_OWNER_CLAIMED] = "iommu_group_dma_owner_claimed",
	[SYM_TAKE_OWNERSHIP] = "__iommu_take_dma_ownership",
	[SYM_RELEASE_OWNERSHIP] = "__iommu_release_dma_ownership",
	[SYM_GROUP_SET_DOMAIN] = "__iommu_group_set_domain_internal",
	[SYM_DEVICE_SET_DOMAIN] = "__iommu_device_set_domain",
	[SYM_ATTACH_DEVICE] = "__iommu_attach_device",
	[SYM_ATTACH_GROUP] = "__iommu_attach_group",
	[SYM_SETUP_DEFAULT_DOMAIN] = "iommu_setup_default_domain",
	[SYM_STORE_TYPE] = "iommu_group_store_type",
	[SYM_ATTACH_GROUP_HANDLE] = "iommu_attach_group_handle",
	[SYM_DETACH_GROUP_HANDLE] = "iommu_detach_group_handle",
	[SYM_REPLACE_GROUP_HANDLE] = "iommu_replace_group_handle",
	[SYM_ATTACH_HANDLE_GET] = "iommu_attach_handle_get",
	[SYM_ATTACH_PASID] = "iommu_attach_device_pasid",
	[SYM_DETACH_PASID] = "iommu_detach_device_pasid",
	[SYM_REPORT_FAULT] = "iommu_report_device_fault",
	[SYM_GROUP_RESPONSE] = "iopf_group_response",
	[SYM_IOPF_ADD] = "iopf_queue_add_device",
	[SYM_IOPF_REMOVE] = "iopf_queue_remove_device",
	[SYM_IOPF_FLUSH] = "iopf_queue_flush_dev",
	[SYM_IOPF_DISCARD] = "iopf_queue_discard_partial",
	[SYM_IOMMUFD_BIND] = "iommufd_device_bind",
	[SYM_IOMMUFD_UNBIND] = "iommufd_device_unbind",
	[SYM_IOMMUFD_ATTACH] = "iommufd_device_attach",
	[SYM_IOMMUFD_DETACH] = "iommufd_device_detach",
	[SYM_IOMMUFD_REPLACE] = "iommufd_device_replace",
	[SYM_VFIO_BIND] = "vfio_df_ioctl_bind_iommufd",
	[SYM_VFIO_ATTACH] = "vfio_df_ioctl_attach_pt",
	[SYM_VFIO_CONTAINER_ATTACH] = "vfio_container_attach_group",
	[SYM_VFIO_GROUP_OPEN] = "vfio_group_fops_open",
	[SYM_SW_MSI] = "iommufd_sw_msi",
	[SYM_GROUP_GET] = "iommu_group_get",
};

static const struct {
	const char *name, *since;
	unsigned long request;
} ioctls[PROBE_IOCTL_MAX] = {
#define X(n, nr, type, last, version) [PROBE_##n] = { #n, version, IOMMUFD_IOCTL(nr) },
	IOMMUFD_IOCTLS(X)
#undef X
	[PROBE_TEST_CMD] = { "TEST_CMD", "", IOMMUFD_IOCTL(0xa0) },
};

const char *probe_ioctl_since(enum probe_ioctl i)
{
	return ioctls[i].since;
}

/* -- kallsyms ------------------------------------------------------------------------------------ */

/* All of ours contain one of these, of 200,000 others few do. */
static bool worth_a_look(const char *name)
{
	return strstr(name, "iommu") || strstr(name, "iopf") || strstr(name, "vfio");
}

/* "0000000000000000 T iommu_group_get", with "\t[module]" behind that of a module. */
static void scan_line(char *line, bool found[static SYM_MAX])
{
	char *name = strchr(line, ' ');

	name = name ? strchr(name + 1, ' ') : NULL;
	if (!name || !worth_a_look(name))
		return;
	name++;
	name[strcspn(name, "\t")] = '\0';
	for (size_t i = 0; i < SYM_MAX; i++)
		if (streq(name, symbol_names[i]))
			found[i] = true;
}

void kallsyms_scan(struct kallsyms_state *state, const char *text, size_t len, bool found[static SYM_MAX])
{
	const char *end = text + len;

	while (text < end) {
		const char *eol = memchr(text, '\n', end - text);
		size_t n = (eol ? eol : end) - text;

		if (state->len + n >= sizeof(state->line)) {
			state->too_long = true;
			n = 0;
		}
		memcpy(state->line + state->len, text, n);
		state->len += n;
		if (!eol)
			return;
		state->line[state->len] = '\0';
		if (!state->too_long)
			scan_line(state->line, found);
		state->len = 0;
		state->too_long = false;
		text = eol + 1;
	}
}

static struct json_object *probe_symbols(void)
{
	_cleanup_close_ int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	struct kallsyms_state state = { 0 };
	bool found[SYM_MAX] = { 0 };
	struct json_object *o;
	char buf[64 * 1024];
	ssize_t n;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		kallsyms_scan(&state, buf, n, found);
	if (n < 0)
		return NULL;
	o = json_make_object();
	for (size_t i = 0; i < SYM_MAX; i++)
		doc_put_bool(o, symbol_names[i], found[i]);
	return o;
}

/* -- BTF, nodes, uname --------------------------------------------------------------------------- */

/* BTF keeps all names in one table: a member of that name, in a kernel whose IOMMU core counts owners. */
static struct json_object *probe_owner_cnt(void)
{
	_cleanup_close_ int fd = open(BTF, O_RDONLY | O_CLOEXEC);
	static const char name[] = "\0owner_cnt"; /* with both its NULs */
	struct json_object *o = NULL;
	struct stat st;
	char *map;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return NULL;
	/* kernels before 6.16 cannot map this file */
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map != MAP_FAILED) {
		o = json_make_bool(memmem(map, st.st_size, name, sizeof(name)) != NULL);
		munmap(map, st.st_size);
		return o;
	}
	map = malloc(st.st_size);
	for (off_t at = 0; map && at <= st.st_size;) {
		ssize_t n = read(fd, map + at, st.st_size - at);

		if (n < 0)
			break;
		at += n;
		if (n && at < st.st_size)
			continue;
		o = json_make_bool(memmem(map, at, name, sizeof(name)) != NULL);
		break;
	}
	free(map);
	return o;
}

static struct json_object *probe_kernel(void)
{
	struct json_object *o = json_make_object();
	struct utsname u;

	if (!uname(&u)) {
		doc_put(o, "release", u.release);
		doc_put(o, "version", u.version);
		doc_put(o, "machine", u.machine);
	}
	return o;
}

static struct json_object *probe_nodes(struct source *src)
{
	struct json_object *o = json_make_object();

	doc_put_bool(o, "iommu", source_exists(src, "dev/iommu"));
	doc_put_bool(o, "vfio", source_exists(src, "dev/vfio/vfio"));
	doc_put_bool(o, "vfio_devices", source_exists(src, "dev/vfio/devices"));
	return o;
}

/*
 * Each ioctl with a struct of zeroes, which is too short for one that is there: EINVAL, and nothing happens. The class's entry goes
 * first: opening a node that nobody made could load the module.
 */
static struct json_object *probe_iommufd(struct source *src)
{
	_cleanup_close_ int fd = source_exists(src, "sys/class/misc/iommu") ? open("/dev/iommu", O_RDWR | O_CLOEXEC) : -1;
	struct json_object *o;

	if (fd < 0)
		return NULL;
	o = json_make_object();
	for (size_t i = 0; i < PROBE_IOCTL_MAX; i++) {
		uint64_t zero[16] = { 0 };

		doc_put_bool(o, ioctls[i].name, ioctl(fd, ioctls[i].request, zero) == 0 || errno != ENOTTY);
	}
	return o;
}

int probes_gather(struct ctx *ctx, struct json_object **ret)
{
	_cleanup_(cleanup_source_close) struct source *src = NULL;
	struct json_object *doc;
	int r = source_open_live(ctx, &src);

	if (r < 0)
		return r;
	doc = json_make_object();
	json_set(doc, "kernel", probe_kernel());
	json_set(doc, "page_size", json_make_int(sysconf(_SC_PAGESIZE)));
	json_set(doc, "owner_cnt", probe_owner_cnt());
	json_set(doc, "symbols", probe_symbols());
	json_set(doc, "nodes", probe_nodes(src));
	json_set(doc, "iommufd", probe_iommufd(src));
	*ret = doc;
	return 0;
}

/* -- the document -------------------------------------------------------------------------------- */

/* Whoever counts in pages must not be led astray by a number that none has. */
static struct num page_size(struct json_object *doc)
{
	struct num n = doc_num(doc, "page_size");

	return n.known && n.v >= 4096 && n.v <= 65536 && !(n.v & (n.v - 1)) ? n : NUM_UNKNOWN;
}

int source_probes(struct source *src, struct ctx *ctx, struct arena *a, struct probes *ret)
{
	struct json_object *doc, *kernel, *symbols, *nodes, *iommufd;
	int r = source_section(src, ctx, SECTION_PROBES, &doc);

	if (r < 0)
		return r;
	kernel = doc_get(doc, "kernel", json_type_object);
	symbols = doc_get(doc, "symbols", json_type_object);
	nodes = doc_get(doc, "nodes", json_type_object);
	iommufd = doc_get(doc, "iommufd", json_type_object);
	*ret = (struct probes){
		.release = doc_text(a, kernel, "release"),
		.version = doc_text(a, kernel, "version"),
		.machine = doc_text(a, kernel, "machine"),
		.page_size = page_size(doc),
		.owner_cnt = doc_bool(doc, "owner_cnt"),
		.dev_iommu = doc_bool(nodes, "iommu"),
		.dev_vfio = doc_bool(nodes, "vfio"),
		.dev_vfio_devices = doc_bool(nodes, "vfio_devices"),
	};
	for (size_t i = 0; i < SYM_MAX; i++)
		ret->symbols[i] = doc_bool(symbols, symbol_names[i]);
	for (size_t i = 0; i < PROBE_IOCTL_MAX; i++)
		ret->iommufd[i] = doc_bool(iommufd, ioctls[i].name);
	json_object_put(doc);
	return 0;
}
