// SPDX-License-Identifier: GPL-2.0-or-later
/* The typed sections: parsing what may be anything, and gathering from the machine that runs the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/str.h"
#include "snapshot/scrub.h"
#include "source/doc.h"
#include "source/holders.h"
#include "source/kmsg.h"
#include "source/network.h"
#include "source/probes.h"
#include "source/udev.h"

/* -- a source with one section, or with one file ------------------------------------------------- */

struct fake {
	struct source source;
	const char *path, *text;
};

static int fake_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	const struct fake *f = (struct fake *)s;

	if (!streq(path, f->path))
		return -ENOENT;
	*ret_len = strlen(f->text);
	memcpy(buf, f->text, MIN(*ret_len, cap));
	return 0;
}

static int fake_section(struct source *s, struct ctx *ctx _unused_, enum source_section which _unused_,
			struct json_object **ret)
{
	*ret = json_tokener_parse(((struct fake *)s)->text);
	return *ret ? 0 : -EBADMSG;
}

static const struct source_ops fake_ops = { .kind = SOURCE_TREE, .read = fake_read, .section = fake_section };

#define FAKE(...) ((struct fake){ .source = { .ops = &fake_ops, .name = (char *)"fake" }, __VA_ARGS__ })

/* Documents that are not what they should be: no section's parser minds. */
static const char *const odd_docs[] = {
	"{}",
	"{\"links\":7,\"held\":{},\"lines\":\"x\",\"symbols\":[]}",
	"{\"links\":[null,1,\"x\",[],{}],\"held\":[null,1,[],{}],\"lines\":[null,{},{\"text\":7}],\"symbols\":{}}",
	"{\"links\":[{\"name\":{},\"ifindex\":\"2\"}],\"held\":[{\"pid\":\"1\",\"args\":[null,1,{}],\"kind\":[]}]}",
	"{\"unseen\":-3,\"complete\":1,\"kernel\":[],\"nodes\":null,\"addresses\":[[]],\"routes\":[{\"table\":-1}]}",
};

static void odd_documents(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(odd_docs); i++) {
		struct fake f = FAKE(.text = odd_docs[i]);
		struct arena a = { 0 };
		struct ctx ctx = { 0 };
		struct held_list held;
		struct network net;
		struct kmsg log;
		struct probes probes;

		assert_int_equal(source_holders(&f.source, &ctx, &a, &held), 0);
		assert_false(held.complete);
		assert_int_equal(held.unseen, 0);
		assert_int_equal(source_network(&f.source, &ctx, &a, &net), 0);
		assert_int_equal(source_kmsg(&f.source, &ctx, &a, &log), 0);
		for (size_t j = 0; j < log.n; j++)
			assert_non_null(log.v[j].text);
		assert_int_equal(source_probes(&f.source, &ctx, &a, &probes), 0);
		assert_int_equal(probes.owner_cnt, TRI_UNKNOWN);
		for (enum source_section s = 0; s < SECTION_MAX; s++) {
			struct json_object *doc = json_tokener_parse(odd_docs[i]);

			scrub_section(s, 1, doc);
			json_object_put(doc);
		}
		arena_free(&a);
		ctx_free(&ctx);
	}
}

/* -- holders ------------------------------------------------------------------------------------- */

static void cgroups(void **state _unused_)
{
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const struct {
		const char *text, *unit, *container, *kind, *pod, *guest;
	} t[] = {
		{ "0::/system.slice/ssh.service\n", "ssh.service" },
		{ "0::/machine.slice/machine-qemu\\x2d3\\x2dweb\\x2d1.scope/libvirt/emulator\n",
		  "machine-qemu\\x2d3\\x2dweb\\x2d1.scope", .guest = "web-1" },
		{ "0::/system.slice/docker-" ID ".scope\n", "docker-" ID ".scope", ID, "docker" },
		{ "0::/docker/" ID "\n", NULL, ID, "docker" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container\n",
		  "libpod-" ID ".scope", ID, "podman" },
		{ "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-"
		  "pod01234567_89ab_cdef_0123_456789abcdef.slice/cri-containerd-" ID ".scope\n",
		  "cri-containerd-" ID ".scope", ID, "containerd", "01234567-89ab-cdef-0123-456789abcdef" },
		{ "0::/kubepods/besteffort/pod01234567-89ab-cdef-0123-456789abcdef/" ID "\n", NULL, ID, "containerd",
		  "01234567-89ab-cdef-0123-456789abcdef" },
		{ "0::/kubepods.slice/crio-" ID ".scope\n", "crio-" ID ".scope", ID, "crio" },
		{ "0::/lxc.payload.web/system.slice/x.service\n", "x.service", "web", "lxc" },
		{ "0::/machine.slice/systemd-nspawn@web\\x2d2.service/payload\n", "systemd-nspawn@web\\x2d2.service",
		  "web-2", "nspawn" },
		{ "12:pids:/user.slice\n1:name=systemd:/system.slice/qemu.service\n", "qemu.service" },
		{ "11:devices:/lxc/old\n", NULL, "old", "lxc" },
		{ "0::/\n" },
		{ "" },
		{ "rubbish\n:\n::\n0:\n0::\n" },
		{ "0::/machine.slice/machine-qemu.scope\n", "machine-qemu.scope" },
		{ "0::/docker-.scope/pod/-pod/kubepods-pod01234567.slice\n", "docker-.scope" },
		{ "0::/machine.slice/machine-qemu\\x2d1\\x2d\\x00\\x.scope\n", "machine-qemu\\x2d1\\x2d\\x00\\x.scope",
		  .guest = "?\\x" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct arena a = { 0 };
		struct held h = { 0 };

		holder_from_cgroup(&a, t[i].text, &h);
		if (!streq(h.unit, t[i].unit) || !streq(h.container, t[i].container) ||
		    !streq(h.container_kind, t[i].kind) || !streq(h.pod, t[i].pod) || !streq(h.guest, t[i].guest))
			fail_msg("%s: unit %s container %s %s pod %s guest %s", t[i].text, h.unit, h.container_kind,
				 h.container, h.pod, h.guest);
		arena_free(&a);
	}
}

static void guests(void **state _unused_)
{
	static const char *const named[] = { "/usr/bin/qemu-system-x86_64", "-name", "guest=web,,1,debug-threads=on",
					     "-uuid", "u-u-i-d" };
	static const char *const plain[] = { "kvm", "-m", "1G", "--name", "box" };
	static const char *const cut[] = { "qemu-kvm", "-name" };
	static const char *const other[] = { "/opt/spdk", "-name", "x" };
	struct arena a = { 0 };
	struct held h = { 0 };

	holder_from_args(&a, &STRS(named, 5), &h);
	assert_string_equal(h.guest, "web,1");
	assert_string_equal(h.guest_uuid, "u-u-i-d");
	h = (struct held){ 0 };
	holder_from_args(&a, &STRS(plain, 5), &h);
	assert_string_equal(h.guest, "box");
	h = (struct held){ 0 };
	holder_from_args(&a, &STRS(cut, 2), &h);
	assert_null(h.guest);
	holder_from_args(&a, &STRS(other, 3), &h);
	assert_null(h.guest);
	holder_from_args(&a, &(struct strs){ 0 }, &h);
	assert_null(h.guest);
	arena_free(&a);
}

static void a_holder_is_read(void **state _unused_)
{
	static const char text[] =
		"{\"complete\":false,\"unseen\":2,\"why\":\"permission\",\"held\":["
		"{\"pid\":4711,\"uid\":0,\"comm\":\"qemu\",\"args\":[\"qemu\",\"-uuid\",\"x\"],\"fd\":31,\"kind\":\"group\","
		"\"node\":\"/dev/vfio/12\",\"group\":12,\"guest\":\"web\",\"guest_uuid\":\"x\"},"
		"{\"pid\":1,\"kind\":\"something new\"}]}";
	struct json_object *doc = json_tokener_parse(text);
	struct fake f = FAKE(.text = text);
	struct arena a = { 0 };
	struct ctx ctx = { 0 };
	struct held_list l;

	assert_int_equal(source_holders(&f.source, &ctx, &a, &l), 0);
	assert_false(l.complete);
	assert_int_equal(l.unseen, 2);
	assert_string_equal(l.why, "permission");
	assert_int_equal(l.n, 2);
	assert_int_equal(l.v[0].pid.v, 4711);
	assert_int_equal(l.v[0].kind, HELD_GROUP);
	assert_int_equal(l.v[0].group.v, 12);
	assert_int_equal(l.v[0].args.n, 3);
	assert_string_equal(l.v[0].guest, "web");
	assert_int_equal(l.v[1].kind, HELD_UNKNOWN);
	assert_false(l.v[1].args.known);

	scrub_section(SECTION_HOLDERS, 1, doc);
	assert_int_equal(doc_len(doc_at(doc, "held", 0), "args"), 1);
	assert_null(doc_text(&a, doc_at(doc, "held", 0), "guest_uuid"));
	assert_string_equal(doc_text(&a, doc_at(doc, "held", 0), "guest"), "web");
	json_object_put(doc);
	arena_free(&a);
	ctx_free(&ctx);
}

/* -- the kernel log ------------------------------------------------------------------------------ */

static void logs(void **state _unused_)
{
	static const char text[] = "[    1.234567] pci 0000:00:01.0: hello\n"
				   "<4>[12345.000001] DMAR: warning\n"
				   "<30>plain\n"
				   "Nov 20 10:00:00 box kernel: [    2.000000] iommu: syslog\n"
				   "no time at all\n"
				   "\n"
				   "[1.2] short\n"
				   "<x>[ 3.000000] odd\n"
				   "[99999999999999999999.000000] late\n"
				   "[ 4.000000]";
	struct json_object *doc = kmsg_from_text(text, strlen(text));
	struct fake f = FAKE(.text = json_object_to_json_string(doc));
	struct arena a = { 0 };
	struct ctx ctx = { 0 };
	struct kmsg k;

	assert_int_equal(source_kmsg(&f.source, &ctx, &a, &k), 0);
	assert_int_equal(k.n, 8);
	assert_int_equal(k.v[0].usec.v, 1234567);
	assert_string_equal(k.v[0].text, "pci 0000:00:01.0: hello");
	assert_int_equal(k.v[1].level.v, 4);
	assert_int_equal(k.v[1].usec.v, 12345000001);
	assert_int_equal(k.v[2].level.v, 6);
	assert_string_equal(k.v[2].text, "plain");
	assert_int_equal(k.v[3].usec.v, 2000000);
	assert_string_equal(k.v[3].text, "iommu: syslog");
	assert_false(k.v[4].usec.known);
	assert_string_equal(k.v[5].text, "[1.2] short");
	json_object_put(doc);
	arena_free(&a);
	ctx_free(&ctx);
}

static void a_log_beside_the_tree(void **state _unused_)
{
	struct fake f = FAKE(.path = "var/log/kern.log", .text = "[ 1.000000] DMAR: x\n");
	struct json_object *doc = NULL;

	assert_int_equal(kmsg_from_files(&f.source, &doc), 0);
	assert_int_equal(doc_len(doc, "lines"), 1);
	json_object_put(doc);
	f.path = "else/where";
	assert_int_equal(kmsg_from_files(&f.source, &doc), -ENOTCAPTURED);
}

/* -- the symbol table ---------------------------------------------------------------------------- */

static void symbols(void **state _unused_)
{
	static const char text[] = "0000000000000000 T iommu_group_get\n"
				   "0000000000000000 t iommu_group_get_extra\n"
				   "0000000000000000 t iommufd_device_bind\t[iommufd]\n"
				   "0000000000000000 T iommu_group_claim_dma_owner.cold\n"
				   "iommu_group_dma_owner_claimed\n"
				   "0000000000000000 T iommu_device_claim_dma_owner";

	/* pieces may end anywhere */
	for (size_t step = 1; step < sizeof(text); step++) {
		struct kallsyms_state state_of_scan = { 0 };
		bool found[SYM_MAX] = { 0 };

		for (size_t at = 0; at < strlen(text); at += step)
			kallsyms_scan(&state_of_scan, text + at, MIN(step, strlen(text) - at), found);
		assert_true(found[SYM_GROUP_GET]);
		assert_true(found[SYM_IOMMUFD_BIND]);
		assert_false(found[SYM_GROUP_CLAIM]);
		assert_false(found[SYM_OWNER_CLAIMED]);
		assert_false(found[SYM_DEVICE_CLAIM]); /* the line has no end */
	}
}

static void endless_lines(void **state _unused_)
{
	struct kallsyms_state s = { 0 };
	bool found[SYM_MAX] = { 0 };
	char big[3000];

	memset(big, 'a', sizeof(big));
	for (int i = 0; i < 5; i++)
		kallsyms_scan(&s, big, sizeof(big), found);
	kallsyms_scan(&s, "\n0 T iommu_group_get\n", 21, found);
	assert_true(found[SYM_GROUP_GET]);
}

/* -- udev ---------------------------------------------------------------------------------------- */

static void places(void **state _unused_)
{
	struct fake f = FAKE(.text = "{\"devices\":{\"sys/devices/x\":{\"path\":\"pci-x\"},\"sys/devices/y\":7}}");
	struct udev_facts facts;
	struct arena a = { 0 };
	struct ctx ctx = { 0 };

	assert_int_equal(source_udev(&f.source, &ctx, &a, "sys/devices/x", &facts), 0);
	assert_string_equal(facts.path, "pci-x");
	assert_null(facts.model);
	assert_int_equal(source_udev(&f.source, &ctx, &a, "sys/devices/y", &facts), -ENOENT);
	assert_int_equal(source_udev(&f.source, &ctx, &a, "sys/devices/z", &facts), -ENOENT);
	f.text = "{\"devices\":[]}";
	assert_int_equal(source_udev(&f.source, &ctx, &a, "sys/devices/x", &facts), -ENOENT);
	arena_free(&a);
	ctx_free(&ctx);
}

/* -- masking ------------------------------------------------------------------------------------- */

static void private_words(void **state _unused_)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "eth0: 52:54:00:12:34:56 up", "eth0: xx:xx:xx:xx:xx:xx up" },
		{ "eth0: 52:54:00:12:34:56: link up", "eth0: xx:xx:xx:xx:xx:xx: link up" },
		{ "52:54:00:12:34:56:", "xx:xx:xx:xx:xx:xx:" },
		{ "01:02:03:04:05: x", "01:02:03:04:05: x" },
		{ "BOOTIF=01-52-54-00-12-34-56 quiet", "BOOTIF=x quiet" },
		{ "01-52-54-00-12-34-56", "xx-xx-xx-xx-xx-xx-xx" },
		{ "pci 0000:01:00.0: [8086:10d3]", "pci 0000:01:00.0: [8086:10d3]" },
		{ "from 192.168.0.1: x", "from x.x.x.x: x" },
		{ "version 6.12.117-1.2", "version 6.12.117-1.2" },
		{ "1.2.3.4.5", "1.2.3.4.5" },
		{ "300.1.1.1", "300.1.1.1" },
		{ "fe80::5054:ff:fe12:3456", "xxxx::xxxx:xx:xxxx:xxxx" },
		{ "2001:db8:1:2:3:4:5:6 x", "xxxx:xxx:x:x:x:x:x:x x" },
		{ "ip=dhcp quiet", "ip=x quiet" },
		{ "zip=dhcp skip=1", "zip=dhcp skip=1" },
		{ "//srv/x /mnt cifs rw,username=me,password=secret,vers=3 0 0",
		  "//srv/x /mnt cifs rw,username=x,password=x,vers=3 0 0" },
		{ "rd.iscsi.initiator=iqn.x rd.luks.uuid=1", "rd.iscsi.initiator=x rd.luks.uuid=1" },
		{ "ip=\"a b\" c", "ip=x c" },
		{ "usb 1-1: SerialNumber: 0123ABC", "usb 1-1: SerialNumber: x" },
		{ "/dev/disk/by-id/nvme-Samsung_S3Z9 /", "/dev/disk/by-id/x /" },
		{ "ip=", "ip=" },
		{ "a::b", "a::b" },
		{ "::", "::" },
		{ "", "" },
		{ "f0:", "f0:" },
		{ "UUID=b1f0c6a2-1111-2222-3333-44445555666", "UUID=b1f0c6a2-1111-2222-3333-44445555666" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct arena a = { 0 };
		size_t len = strlen(t[i].in);
		char *s = scrub_text(&a, 1, t[i].in, &len);

		assert_string_equal(s, t[i].out);
		assert_int_equal(len, strlen(t[i].out));
		arena_free(&a);
	}
}

/* A log with a line made to be long: looking at what is ahead again at each place of it would take hours. */
static void long_runs(void **state _unused_)
{
	static const struct {
		const char *unit, *end;
	} t[] = { { "00:", "" }, { "00-", "x" }, { "ip.", "" }, { "0.", "" }, { "f::", "" }, { "00000000-", "" } };
	size_t size = 8u << 20;
	char *text = malloc(size);

	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		size_t unit = strlen(t[i].unit), len = 0;
		struct arena a = { 0 };

		for (; len + unit + 1 < size; len += unit)
			memcpy(text + len, t[i].unit, unit);
		memcpy(text + len, t[i].end, strlen(t[i].end));
		len += strlen(t[i].end);
		alarm(60);
		assert_non_null(scrub_text(&a, 1, text, &len));
		alarm(0);
		arena_free(&a);
	}
	free(text);
}

static void pseudonyms(void **state _unused_)
{
	static const char in[] = "UUID=b1f0c6a2-1111-2222-3333-444455556666 luks-B1F0C6A2-1111-2222-3333-444455556666 x";
	struct arena a = { 0 };
	size_t len = strlen(in), other_len = len;
	char *s = scrub_text(&a, 1, in, &len), *other = scrub_text(&a, 2, in, &other_len);

	assert_int_equal(len, strlen(in));
	assert_memory_equal(s + 5, s + 5 + 36 + 6, 36); /* the same one twice */
	assert_memory_not_equal(s + 5, in + 5, 36);
	assert_memory_not_equal(s + 5, other + 5, 36);
	assert_int_equal(s[5 + 8], '-');
	arena_free(&a);
}

/* -- this machine -------------------------------------------------------------------------------- */

static void this_machine(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct arena a = { 0 };
	struct ctx ctx = { 0 };
	struct held_list held;
	struct network net;
	struct probes probes;
	struct json_object *doc;
	struct udev_facts facts;
	struct kmsg log;
	bool lo = false;
	int r;

	assert_int_equal(source_open_live(&ctx, &s), 0);
	assert_int_equal(source_network(s, &ctx, &a, &net), 0);
	for (size_t i = 0; i < net.n_links; i++)
		lo |= streq(net.links[i].name, "lo") && net.links[i].loopback == TRI_YES;
	assert_true(lo);
	assert_int_equal(source_probes(s, &ctx, &a, &probes), 0);
	assert_non_null(probes.release);
	assert_int_equal(source_udev(s, &ctx, &a, "sys/devices/none", &facts), -ENOENT);
	assert_int_equal(source_section(s, &ctx, SECTION_UDEV, &doc), 0);
	assert_non_null(doc_get(doc, "devices", json_type_object));
	json_object_put(doc);
	assert_int_equal(source_holders(s, &ctx, &a, &held), 0);
	assert_true(held.complete || held.why);
	r = source_kmsg(s, &ctx, &a, &log);
	assert_true(!r || r == -EPERM || r == -EACCES || r == -ENOENT);
	arena_free(&a);
	ctx_free(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_documents),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(guests),
		cmocka_unit_test(a_holder_is_read),
		cmocka_unit_test(logs),
		cmocka_unit_test(a_log_beside_the_tree),
		cmocka_unit_test(symbols),
		cmocka_unit_test(endless_lines),
		cmocka_unit_test(places),
		cmocka_unit_test(private_words),
		cmocka_unit_test(long_runs),
		cmocka_unit_test(pseudonyms),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests_name("sections", tests, NULL, NULL);
}
