// SPDX-License-Identifier: GPL-2.0-or-later
/* Does a group's count of owners add up: the judgement, its cause and its cure; and the ledger of a trace. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "diag/ledger.h"
#include "diag/leak.h"
#include "machine.h"

/* -- machines ---------------------------------------------------------------------------------------------------------- */

/* One device a group: on which driver, what memory says of it. */
struct one {
	const char *driver;
	bool managed;
	int count;
};

#define DEV "{\"name\":\"0000:00:%02x.0\",\"bus\":\"pci\",\"driver\":%s%s%s,\"managed\":%s,\"counted\":true,\"blocked\":null}"

static void build(struct machine *m, const struct one *v, size_t n, const char *option)
{
	struct strbuf b = { 0 };

	machine_new(m);
	strbuf_puts(&b, "{\"version\":1,\"groups\":[");
	for (size_t i = 0; i < n; i++) {
		struct machine_pci p = { .group = (int)i + 1, .driver = v[i].driver };
		char path[32];
		const char *q = v[i].driver ? "\"" : "";

		snprintf(path, sizeof(path), "0000:00:%02x.0", (unsigned)i + 1);
		p.path = path;
		machine_pci(m, &p);
		strbuf_printf(&b, "%s{\"id\":%zu,\"owner_cnt\":%d,\"owned\":false,\"devices\":[" DEV "]}", i ? "," : "", i + 1, v[i].count,
			      (unsigned)i + 1, q, v[i].driver ? v[i].driver : "null", q,
			      v[i].driver ? v[i].managed ? "true" : "false" : "null");
	}
	strbuf_puts(&b, "],\"domains\":[],\"owners\":[],\"obstacles\":[]}");
	machine_write(m, "iommuctl/ownership.json", b.s, b.len);
	strbuf_free(&b);
	machine_file(m, "iommuctl/holders.json", "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[]}");
	machine_file(m, "boot/config-6.1", "%s\n", option);
	machine_file(m, "proc/sys/kernel/osrelease", "6.1\n");
	machine_file(m, "proc/sys/kernel/panic_on_warn", "0\n");
	/* enough for the guard to be sure that nothing is lost */
	machine_file(m, "proc/1/mountinfo", "20 1 0:19 / /proc rw - proc proc rw\n");
	machine_file(m, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	machine_file(m, "iommuctl/network.json", "{\"links\":[],\"addresses\":[],\"routes\":[]}");
	machine_file(m, "sys/class/net/lo/operstate", "up\n");
	machine_file(m, "sys/block/ram0/size", "0\n");
	machine_load(m);
}

static struct leak judge(struct machine *m, uint32_t id)
{
	struct leak l;
	int err;
	struct ownership *o = host_ownership(m->host, &err);

	group_ownership(m->host, o, host_group(m->host, id), false, &l);
	return l;
}

static const struct reason *reason(const struct leak *l, const char *code)
{
	for (size_t i = 0; i < l->reasons.n; i++) {
		const struct reason *r = (const struct reason *)l->reasons.v + i;

		if (streq(r->code, code))
			return r;
	}
	return NULL;
}

static const char on[] = "CONFIG_DEBUG_TEST_DRIVER_REMOVE=y";
static const char off[] = "# CONFIG_DEBUG_TEST_DRIVER_REMOVE is not set";

/* -- verdicts ------------------------------------------------------------------------------------------------------------ */

static void test_verdicts(void **state _unused_)
{
	static const struct {
		struct one one;
		const char *verdict, *owner;
		int expected;
	} cases[] = {
		{ { NULL, false, 0 }, "as-expected", "none", 0 },
		{ { "vfio-pci", true, 0 }, "as-expected", "none", 0 },
		{ { "e1000e", false, 1 }, "as-expected", "dma-api", 1 },
		{ { "e1000e", false, 2 }, "surplus", "dma-api", 1 },
		{ { NULL, false, 1 }, "surplus", "dma-api", 0 },
		{ { "e1000e", false, 0 }, "deficit", "none", 1 },
		/* the driver's own word counts, not what we think of its name */
		{ { "e1000e", true, 0 }, "as-expected", "none", 0 },
		{ { "vfio-pci", false, 1 }, "as-expected", "dma-api", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine m;
		struct leak l;

		build(&m, &cases[i].one, 1, off);
		l = judge(&m, 1);
		assert_string_equal(l.verdict, cases[i].verdict);
		assert_string_equal(l.owner, cases[i].owner);
		assert_true(l.expected.known && l.expected.v == cases[i].expected);
		assert_true(l.owner_cnt.known && l.owner_cnt.v == cases[i].one.count);
		assert_int_equal(l.missing, 0);
		machine_free(&m);
	}
}

/* Memory and sysfs tell different stories: no judgement, whatever the numbers. */
static void test_disagreement(void **state _unused_)
{
	static const struct one one = { "e1000e", false, 2 };
	struct machine m;
	struct leak l;

	build(&m, &one, 1, on);
	machine_remove(&m, "sys/devices/pci0000:00/0000:00:01.0/driver");
	machine_load(&m);
	l = judge(&m, 1);
	assert_string_equal(l.verdict, "unknown");
	assert_false(l.owner_cnt.known);
	assert_non_null(strstr(l.summary, "do not agree"));
	machine_free(&m);
}

/* Not captured, or not readable: what is expected is told from the drivers' names. */
static void test_without_memory(void **state _unused_)
{
	static const struct one one = { "e1000e", false, 1 };
	struct machine m;
	struct leak l;

	build(&m, &one, 1, on);
	machine_remove(&m, "iommuctl/ownership.json");
	machine_load(&m);
	l = judge(&m, 1);
	assert_string_equal(l.verdict, "unknown");
	assert_int_equal(l.missing, -ENOTCAPTURED);
	assert_true(l.expected.known && l.expected.v == 1);

	machine_file(&m, "iommuctl/ownership.json",
		     "{\"version\":1,\"groups\":null,\"obstacles\":[{\"code\":\"kcore-root\",\"errno\":13,\"what\":\"/proc/kcore\","
		     "\"why\":\"only root may open it\",\"hint\":\"run this as root\"}]}");
	machine_load(&m);
	l = judge(&m, 1);
	assert_int_equal(l.missing, -EACCES);
	assert_true(l.expected.known && l.expected.v == 1);
	assert_non_null(reason(&l, "kcore-root"));

	machine_file(&m, "iommuctl/ownership.json",
		     "{\"version\":1,\"groups\":null,\"obstacles\":[{\"code\":\"kcore-root\",\"errno\":13,\"what\":\"/proc/kcore\"},"
		     "{\"code\":\"no-btf\",\"errno\":2,\"what\":\"/sys/kernel/btf/vmlinux\"}]}");
	machine_load(&m);
	l = judge(&m, 1);
	assert_int_equal(l.missing, -EOPNOTSUPP); /* root would not help */
	machine_free(&m);
}

/* -- cause and cure -------------------------------------------------------------------------------------------------------- */

static void test_cause(void **state _unused_)
{
	static const struct one leaking[] = { { "e1000e", false, 2 }, { NULL, false, 1 }, { "nvme", false, 2 }, { "pcieport", true, 0 } };
	/* the option is on and a count is wrong, but binds do not leak here: a kernel with the fix */
	static const struct one fixed[] = { { "e1000e", false, 1 }, { NULL, false, 1 }, { "nvme", false, 1 } };
	struct machine m;
	struct leak l;

	build(&m, leaking, ARRAY_SIZE(leaking), on);
	l = judge(&m, 2);
	assert_string_equal(l.verdict, "surplus");
	assert_non_null(reason(&l, "test-driver-remove"));
	assert_string_equal(reason(&l, "test-driver-remove")->value, on);
	assert_null(reason(&l, "cause-unknown"));
	l = judge(&m, 4);
	assert_string_equal(l.verdict, "as-expected");
	machine_free(&m);

	build(&m, fixed, ARRAY_SIZE(fixed), on);
	l = judge(&m, 2);
	assert_string_equal(l.verdict, "surplus");
	assert_null(reason(&l, "test-driver-remove"));
	assert_non_null(reason(&l, "cause-unknown"));
	machine_free(&m);

	build(&m, leaking, ARRAY_SIZE(leaking), off);
	l = judge(&m, 2);
	assert_null(reason(&l, "test-driver-remove"));
	assert_non_null(strstr(reason(&l, "cause-unknown")->text, "is off"));
	machine_free(&m);
}

static void test_cure(void **state _unused_)
{
	static const struct one leaking[] = { { "e1000e", false, 2 } };
	const struct reason *r;
	const char *command;
	struct machine m;
	struct leak l;

	build(&m, leaking, 1, on);
	l = judge(&m, 1);
	r = reason(&l, "cure");
	assert_non_null(r);
	command = ((const struct remedy *)r->remedies.v)->command;
	assert_string_equal(command, "echo 0 > /sys/bus/pci/drivers_autoprobe && "
				     "echo 1 > /sys/bus/pci/devices/0000:00:01.0/remove && echo 1 > /sys/bus/pci/rescan && "
				     "echo vfio-pci > /sys/bus/pci/devices/0000:00:01.0/driver_override && "
				     "echo 0000:00:01.0 > /sys/bus/pci/drivers/vfio-pci/bind && "
				     "echo 1 > /sys/bus/pci/drivers_autoprobe");
	/* nothing is shown that would take the machine's network away */
	machine_link(&m, "sys/class/net/eth0", "../../devices/pci0000:00/0000:00:01.0/net/eth0");
	machine_file(&m, "sys/devices/pci0000:00/0000:00:01.0/net/eth0/operstate", "up\n");
	machine_file(&m, "iommuctl/network.json",
		     "{\"links\":[{\"name\":\"eth0\",\"ifindex\":1,\"kind\":null,\"up\":true,\"running\":true,\"loopback\":false,"
		     "\"master\":null,\"lower\":null,\"device_bus\":null,\"device\":\"0000:00:01.0\",\"address\":null}],\"addresses\":[],"
		     "\"routes\":[{\"link\":\"eth0\",\"family\":\"inet\",\"table\":254,\"metric\":0,\"default\":true,"
		     "\"destination\":null,\"gateway\":\"198.51.100.1\",\"via\":true}]}");
	machine_load(&m);
	l = judge(&m, 1);
	assert_null(reason(&l, "cure"));
	assert_non_null(strstr(reason(&l, "no-cure")->text, "the guard is against"));
	machine_file(&m, "proc/sys/kernel/panic_on_warn", "1\n");
	machine_load(&m);
	l = judge(&m, 1);
	assert_null(reason(&l, "cure"));
	assert_non_null(strstr(reason(&l, "no-cure")->text, "panic_on_warn is on"));
	machine_remove(&m, "proc/sys/kernel/panic_on_warn");
	machine_load(&m);
	l = judge(&m, 1);
	assert_null(reason(&l, "cure"));
	assert_non_null(strstr(reason(&l, "no-cure")->text, "cannot be told"));
	machine_free(&m);
}

/* -- the ledger -------------------------------------------------------------------------------------------------------------- */

#define AT(t) "              sh-71      [001] .....     " t ": "
#define ARGS(n) "(f+0x4/0x60) grp=0xffff8880033ec100 group=10 count=" n " dev=\"0000:01:00.0\" drv=\"e1000e\" task=\"sh\"\n"
#define RET(v) "(pci_dma_configure+0xcf/0xe0 <- iommu_device_use_default_domain) ret=" v "\n"

/* As tracefs printed it on a kernel that leaks, around an unbind and a bind. */
static const char leaking_trace[] =
	AT("9.072312") "unuse: " ARGS("2")
	AT("9.104727") "<stack trace>\n => kprobe_trace_func\n => 0xffffffffa04000e3\n => iommu_device_unuse_default_domain\n"
	" => device_release_driver_internal\n => unbind_store\n"
	AT("9.106946") "use: " ARGS("1")
	AT("9.108111") "<stack trace>\n => aggr_pre_handler\n => iommu_device_use_default_domain\n => really_probe\n"
	AT("9.115028") "use_ret: " RET("0")
	AT("9.442688") "use: " ARGS("2")
	AT("9.442994") "use_ret: " RET("0");

static void read_text(struct probe_log *log, const char *text)
{
	/* in pieces that break lines anywhere */
	for (size_t i = 0, n = strlen(text); i < n; i += 7)
		probe_log_text(log, text + i, MIN(7u, n - i));
}

static void test_ledger(void **state _unused_)
{
	struct probe_log log = { 0 };
	struct arena a = { 0 };
	struct ledger l;

	read_text(&log, leaking_trace);
	assert_int_equal(log.other, 0);
	assert_int_equal(log.v.n, 3);
	assert_int_equal(log.v.v[0].call, CALL_UNUSE);
	assert_string_equal(log.v.v[0].task, "sh");
	assert_int_equal(log.v.v[0].pid, 71);
	assert_string_equal(log.v.v[0].time, "9.072312");
	assert_string_equal(log.v.v[0].driver, "e1000e");
	assert_true(log.v.v[0].count.known && log.v.v[0].count.v == 2);
	assert_int_equal(log.v.v[0].stack.n, 2); /* frames of the probe are no news */
	assert_string_equal(log.v.v[0].stack.v[0], "device_release_driver_internal");
	assert_string_equal(log.v.v[1].stack.v[0], "really_probe");
	assert_true(log.v.v[1].returned && log.v.v[2].returned);
	ledger_make(&a, &log, &l);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].taken, 2);
	assert_int_equal(l.v[0].given_before, 1);
	assert_int_equal(l.v[0].given_back, 0);
	assert_int_equal(l.v[0].remains, 2);
	assert_int_equal(l.v[0].surplus, 1);
	assert_false(l.v[0].entries[0].surplus);
	assert_true(l.v[0].entries[1].surplus);
	assert_false(l.v[0].entries[2].surplus);

	/* the driver leaves again: two uses, one unuse behind them; one stays for good */
	read_text(&log, AT("10.0") "unuse: " ARGS("2"));
	ledger_make(&a, &log, &l);
	assert_int_equal(l.v[0].given_back, 1);
	assert_int_equal(l.v[0].remains, 1);
	assert_int_equal(l.surplus, 1);
	probe_log_free(&log);
	arena_free(&a);
}

static void test_ledger_refused_and_groups(void **state _unused_)
{
	struct probe_log log = { 0 };
	struct arena a = { 0 };
	struct ledger l;

	read_text(&log, AT("1.0") "use: " ARGS("1") AT("1.1") "use_ret: " RET("-16")
			AT("2.0") "group_claim: (f+0x4/0x60) grp=0xffff888003 group=10 count=0 task=\"a \\\" dev=\"x\"\n"
			AT("2.1") "group_claim_ret: (f <- g) ret=0\n"
			AT("2.2") "group_release: (f+0x4/0x60) grp=0xffff888003 group=10 count=1 task=\"b\"\n"
			/* a device without a group: what is read behind its pointer is nothing */
			AT("3.0") "use: (f+0x4/0x60) grp=0x0 group=0 count=0 dev=\"nogroup\" drv=(fault) task=\"sh\"\n"
			AT("3.1") "use_ret: " RET("0"));
	ledger_make(&a, &log, &l);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.v[0].refused, 1);
	assert_int_equal(l.v[0].remains, 0);
	assert_int_equal(log.v.v[0].ret, -16);
	assert_null(l.v[1].device);
	assert_int_equal(l.v[1].taken, 1);
	assert_int_equal(l.v[1].given_back, 1);
	assert_string_equal(log.v.v[1].task, "a \\\" dev=\"x");
	assert_string_equal(l.v[2].device, "nogroup");
	assert_false(l.v[2].group.known);
	assert_null(log.v.v[3].driver);
	assert_int_equal(l.surplus, 0);
	probe_log_free(&log);
	arena_free(&a);
}

/* Tasks take turns; each return is that of its own task's last call that is not back. */
static void test_ledger_tasks(void **state _unused_)
{
	static const char use[] = "use: (f+0x4/0x60) grp=0x1 group=1 count=1 dev=\"a\" drv=\"b\" task=\"t\"\n";
	struct probe_log log = { 0 };
	char line[256];
	size_t n;

	for (int pid = 7; pid < 9; pid++)
		for (int i = 0; i < 2; i++) {
			snprintf(line, sizeof(line), "  t-%d [000] ..... 1.%d: %s", pid, i, use);
			read_text(&log, line);
		}
	read_text(&log, "  t-7 [000] ..... 2.1: use_ret: (f <- g) ret=-16\n"
			"  t-9 [000] ..... 2.2: use_ret: (f <- g) ret=0\n"
			"  t-8 [000] ..... 2.3: use_ret: (f <- g) ret=-1\n"
			"  t-7 [000] ..... 2.4: use_ret: (f <- g) ret=0\n"
			"  t-7 [000] ..... 2.5: use_ret: (f <- g) ret=-22\n"
			"  t-7 [000] ..... 2.6: <stack trace>\n => mine\n");
	assert_int_equal(log.v.v[0].ret, 0);
	assert_int_equal(log.v.v[1].ret, -16);
	assert_false(log.v.v[2].returned);
	assert_int_equal(log.v.v[3].ret, -1);
	assert_string_equal(log.v.v[1].stack.v[0], "mine");

	/* when the log is full, the stack of a call that is not in it is nobody's */
	snprintf(line, sizeof(line), "  t-8 [000] ..... 3.0: %s", use);
	n = strlen(line);
	while (!log.lost)
		probe_log_text(&log, line, n);
	read_text(&log, "  t-8 [000] ..... 3.1: <stack trace>\n => not_its\n");
	assert_int_equal(log.v.v[log.v.n - 1].stack.n, 0);
	probe_log_free(&log);
}

static void test_ledger_rubbish(void **state _unused_)
{
	struct probe_log log = { 0 };
	struct arena a = { 0 };
	struct ledger l;
	char longer[9000];

	memset(longer, 'x', sizeof(longer) - 2);
	longer[sizeof(longer) - 2] = '\n';
	longer[sizeof(longer) - 1] = '\0';
	read_text(&log, longer);
	read_text(&log, "# tracer: nop\n\n => lost_frame\nrubbish\n: use: (\n: use_ret: ( ret=0\nx-1 [0] 1: use: ( dev=\"\n"
			"CPU:0 [LOST 5 EVENTS]\n" AT("1.0") "use_ret: " RET("0") AT("1.0") "use_ret: " RET("9999999999999999999999")
			"a-b-c-7 [000] 1.5: unuse: (x)\n -9 [000] .... 1.5: release: (x) group=-1 count=99999999999 dev=\"a\"\n");
	assert_int_equal(log.lost, 1);
	assert_true(log.other > 0);
	ledger_make(&a, &log, &l);
	assert_int_equal(l.surplus, 0);
	probe_log_free(&log);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_disagreement),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_cause),
		cmocka_unit_test(test_cure),
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_ledger_refused_and_groups),
		cmocka_unit_test(test_ledger_tasks),
		cmocka_unit_test(test_ledger_rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
