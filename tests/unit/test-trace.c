// SPDX-License-Identifier: GPL-2.0-or-later
/* Decoders: kernel logs of all vendors and eras, ftrace text, hardware words, our own JSON Lines; and the reader. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/str.h"
#include "trace/datfile.h"
#include "trace/decode.h"
#include "trace/hw.h"
#include "trace/jsonl.h"
#include "trace/reader.h"
#include "trace/reason.h"

/* What a text decodes to: each event as a line of JSON without its braces' noise. */
struct result {
	struct strbuf events;
	struct strbuf undecoded;
	unsigned n;
};

static int on_event(void *arg, const struct event *ev)
{
	struct result *r = arg;

	event_json(&r->events, ev);
	strbuf_putc(&r->events, '\n');
	r->n++;
	return 0;
}

static void on_undecoded(void *arg, uint64_t line, struct slice text, const char *why)
{
	struct result *r = arg;

	(void)text;
	assert_non_null(why);
	strbuf_printf(&r->undecoded, "%u ", (unsigned)line);
}

static const struct decode_sink sink = { on_event, on_undecoded };

static void decode(const char *text, struct result *ret)
{
	_cleanup_(cleanup_reader_close) struct reader *r = reader_memory("test", (struct slice){ text, strlen(text) });
	_cleanup_(cleanup_decoder_free) struct decoder *d = decoder_new(&sink, ret);
	struct slice line;

	while (reader_next(r, &line) == READER_LINE)
		assert_int_equal(decoder_line(d, line, reader_line(r)), 0);
	assert_int_equal(decoder_flush(d), 0);
	assert_int_equal(decoder_counts(d)->events, ret->n);
}

/* @text decodes to exactly @want, nothing is left undecoded. */
static void expect(const char *text, const char *want)
{
	struct result r = { 0 };

	decode(text, &r);
	assert_string_equal(strbuf_str(&r.events), want);
	assert_string_equal(strbuf_str(&r.undecoded), "");
	strbuf_free(&r.events);
	strbuf_free(&r.undecoded);
}

static void expect_undecoded(const char *text, const char *lines)
{
	struct result r = { 0 };

	decode(text, &r);
	assert_string_equal(strbuf_str(&r.events), "");
	assert_string_equal(strbuf_str(&r.undecoded), lines);
	strbuf_free(&r.events);
	strbuf_free(&r.undecoded);
}

#define VTD_READ(head, device, addr, tail)                                                          \
	"{\"kind\":\"fault\"" head ",\"vendor\":\"vt-d\",\"device\":\"" device "\",\"address\":\"" addr \
	"\",\"access\":\"read\",\"fault\":\"dma\"" tail "}\n"

static void test_vtd_eras(void **state)
{
	(void)state;
	/* two lines, the second with "DMAR:" again */
	expect("[ 10.000001] dmar: DMAR:[DMA Read] Request device [03:00.1] fault addr 87f8000\n"
	       "DMAR:[fault reason 06] PTE Read access is not set\n",
	       VTD_READ(",\"time_ns\":10000001000", "03:00.1", "0x87f8000",
			",\"code\":\"0x6\",\"text\":\"PTE Read access is not set\",\"line\":1"));
	expect("[ 10.000001] DMAR: DMAR:[DMA Read] Request device [03:00.1] fault addr 87f8000\n"
	       "[ 10.000002] DMAR:[fault reason 06] PTE Read access is not set\n",
	       VTD_READ(",\"time_ns\":10000001000", "03:00.1", "0x87f8000",
			",\"code\":\"0x6\",\"text\":\"PTE Read access is not set\",\"line\":1"));
	/* one line, hex without 0x, no PASID as all ones */
	expect("DMAR: [DMA Read] Request device [03:00.1] PASID ffffffff fault addr 87f8000 [fault reason 06] x\n",
	       VTD_READ("", "03:00.1", "0x87f8000", ",\"code\":\"0x6\",\"text\":\"x\",\"line\":1"));
	expect("DMAR: [DMA Read NO_PASID] Request device [0x03:0x00.1] fault addr 0x87f8000 [fault reason 0x06] x\n",
	       VTD_READ("", "03:00.1", "0x87f8000", ",\"code\":\"0x6\",\"text\":\"x\",\"line\":1"));
	expect("DMAR: [DMA Read PASID 0x5] Request device [0001:03:00.1] fault addr 0x87f8000 [fault reason 0x71] x\n",
	       "{\"kind\":\"fault\",\"vendor\":\"vt-d\",\"device\":\"0001:03:00.1\",\"pasid\":5,\"address\":\"0x87f8000\","
	       "\"access\":\"read\",\"fault\":\"dma\",\"code\":\"0x71\",\"text\":\"x\",\"line\":1}\n");
	expect("DMAR: [INTR-REMAP] Request device [f0:1f.7] fault index 0x14 [fault reason 0x22] x\n",
	       "{\"kind\":\"fault\",\"vendor\":\"vt-d\",\"device\":\"f0:1f.7\",\"fault\":\"interrupt\",\"code\":\"0x22\","
	       "\"index\":\"0x14\",\"text\":\"x\",\"line\":1}\n");
}

static void test_vtd_dump(void **state)
{
	(void)state;
	expect("[    2.835094] DMAR: DRHD: handling fault status reg 3\n"
	       "[    2.835813] DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0xdead000 [fault reason 0x06] x\n"
	       "[    2.836057] DMAR: Dump dmar1 table entries for IOVA 0xdead000\n"
	       "[    2.836083] DMAR: root entry: 0x00000000033ac001\n"
	       "[    2.836111] usb 1-1: something else\n"
	       "[    2.836239] DMAR: pte level: 3, pte value: 0x0000000000000000\n"
	       "[    2.836252] DMAR: page table not present at level 2\n",
	       "{\"kind\":\"fault\",\"time_ns\":2835813000,\"vendor\":\"vt-d\",\"unit\":\"dmar1\",\"device\":\"0000:02:00.0\","
	       "\"address\":\"0xdead000\",\"access\":\"read\",\"fault\":\"dma\",\"code\":\"0x6\",\"text\":\"x\","
	       "\"detail\":\"page table not present at level 2\",\"overflowed\":true,\"line\":2}\n");
}

/* Digits alone: decimal, as the kernels that wrote so meant them; the text may say otherwise, or nothing. */
static void test_vtd_number_base(void **state)
{
#define REASON(n, text) "DMAR: [DMA Read] Request device [03:00.1] fault addr 1000 [fault reason " n "] " text "\n"
	(void)state;
	expect(REASON("12", "non-zero reserved fields in PTE"),
	       VTD_READ("", "03:00.1", "0x1000", ",\"code\":\"0xc\",\"text\":\"non-zero reserved fields in PTE\",\"line\":1"));
	expect(REASON("59", "SM: Present bit in PASID Table Entry is clear"),
	       VTD_READ("", "03:00.1", "0x1000",
			",\"code\":\"0x59\",\"text\":\"SM: Present bit in PASID Table Entry is clear\",\"line\":1"));
	expect(REASON("129", "SM: U/S set 0 for first-level translation"),
	       VTD_READ("", "03:00.1", "0x1000",
			",\"code\":\"0x81\",\"text\":\"SM: U/S set 0 for first-level translation\",\"line\":1"));
	expect(REASON("23", "Unknown"), VTD_READ("", "03:00.1", "0x1000",
						  ",\"code\":\"0x17\",\"text\":\"Unknown\",\"code_doubtful\":true,\"line\":1"));
	expect(REASON("5a", "x"), VTD_READ("", "03:00.1", "0x1000", ",\"code\":\"0x5a\",\"text\":\"x\",\"line\":1"));
#undef REASON
}

static void test_wrapped_and_quoted(void **state)
{
	static const char want[] = VTD_READ(",\"time_ns\":39143226000", "05:00.0", "0xffe00000",
					    ",\"code\":\"0x6\",\"text\":\"PTE Read access is not set\",\"line\":1");

	(void)state;
	expect("> > [   39.143226] DMAR: [DMA Read] Request device [05:00.0] PASID ffffffff \n"
	       "> > fault addr ffe00000 [fault\n"
	       "> > reason 06] PTE Read access is not set\r\n"
	       "> > [   39.143227] unrelated\n",
	       want);
	/* a record whose end never comes keeps what it has */
	expect("[   39.143226] DMAR: [DMA Read] Request device [05:00.0] fault addr ffe00000\n"
	       "[   39.143227] unrelated\n",
	       VTD_READ(",\"time_ns\":39143226000", "05:00.0", "0xffe00000", ",\"line\":1"));
}

static void test_prefixes(void **state)
{
#define RECORD_TEXT "DMAR: [DMA Read] Request device [05:00.0] fault addr 0x1000 [fault reason 0x06] x"
#define RECORD_TAIL ",\"code\":\"0x6\",\"text\":\"x\",\"line\":1"
	static const struct {
		const char *prefix, *head;
	} rows[] = {
		{ "", "" },
		{ "<3>[   39.100000] ", ",\"time_ns\":39100000000" },
		{ "[   39.100000][    C0] ", ",\"time_ns\":39100000000" },
		{ "3,912,39100000,-;", ",\"time_ns\":39100000000" },
		{ "kern  :err   : [   39.100000] ", ",\"time_ns\":39100000000" },
		{ "[Mon May 30 17:35:46 2022] ", ",\"stamp\":\"Mon May 30 17:35:46 2022\"" },
		{ "[  +0.000004] ", ",\"stamp\":\"  +0.000004\"" },
		{ "2026-05-30T17:35:46,123456+00:00 ", ",\"stamp\":\"2026-05-30T17:35:46,123456+00:00\"" },
		{ "May 30 17:35:46 myhost kernel: ", ",\"stamp\":\"May 30 17:35:46 myhost\"" },
		{ "May 30 17:35:46 myhost kernel: [   39.100000] ",
		  ",\"time_ns\":39100000000,\"stamp\":\"May 30 17:35:46 myhost\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_strbuf_ struct strbuf text = { 0 }, want = { 0 };

		strbuf_printf(&text, "%s%s\n", rows[i].prefix, RECORD_TEXT);
		strbuf_printf(&want, "{\"kind\":\"fault\"%s,\"vendor\":\"vt-d\",\"device\":\"05:00.0\",\"address\":\"0x1000\","
			      "\"access\":\"read\",\"fault\":\"dma\"" RECORD_TAIL "}\n", rows[i].head);
		expect(strbuf_str(&text), strbuf_str(&want));
	}
	expect("{\"__REALTIME_TIMESTAMP\":\"1\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"39100000\",\"MESSAGE\":\"" RECORD_TEXT "\"}\n",
	       VTD_READ(",\"time_ns\":39100000000", "05:00.0", "0x1000", RECORD_TAIL));
	/* a message that is not UTF-8 comes as bytes */
	expect("{\"MESSAGE\":[118,105,114,116,105,111,95,105,111,109,109,117,32,118,105,114,116,105,111,49,58,32,112,97,103,101,"
	       "32,102,97,117,108,116,32,102,114,111,109,32,69,80,32,56,255]}\n",
	       "{\"kind\":\"fault\",\"vendor\":\"virtio\",\"unit\":\"virtio1\",\"source_id\":\"0x8\",\"fault\":\"dma\","
	       "\"code\":\"0x2\",\"line\":1}\n");
}

static void test_amd(void **state)
{
	(void)state;
	expect("[ 1.5] nvme 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000c address=0xffffc080 flags=0x0050]\n",
	       "{\"kind\":\"fault\",\"time_ns\":1500000000,\"vendor\":\"amd-vi\",\"device\":\"0000:01:00.0\",\"driver\":\"nvme\","
	       "\"domain\":12,\"address\":\"0xffffc080\",\"access\":\"read\",\"fault\":\"dma\",\"code\":\"0x2\","
	       "\"flags\":\"0x50\",\"text\":\"IO_PAGE_FAULT\",\"line\":1}\n");
	/* nobody knows the device; before 4.20 in two lines */
	expect("AMD-Vi: Event logged [\nIO_PAGE_FAULT device=15:00.0 domain=0x0000 address=0x00000000fdeaf040 flags=0x0020]\n",
	       "{\"kind\":\"fault\",\"vendor\":\"amd-vi\",\"device\":\"15:00.0\",\"domain\":0,\"address\":\"0xfdeaf040\","
	       "\"access\":\"write\",\"fault\":\"dma\",\"code\":\"0x2\",\"flags\":\"0x20\",\"text\":\"IO_PAGE_FAULT\",\"line\":1}\n");
	/* the unit speaks; its dump of the device table follows */
	expect("iommu ivhd3: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:43:00.0 pasid=0x00000 address=0x37000 "
	       "flags=0x0020]\nAMD-Vi: DTE[0]: 6000000000000003\n",
	       "{\"kind\":\"fault\",\"vendor\":\"amd-vi\",\"unit\":\"ivhd3\",\"device\":\"0000:43:00.0\",\"address\":\"0x37000\","
	       "\"access\":\"write\",\"fault\":\"configuration\",\"code\":\"0x1\",\"flags\":\"0x20\","
	       "\"text\":\"ILLEGAL_DEV_TABLE_ENTRY\",\"line\":1}\n");
	expect("iommu ivhd0: AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=0000:03:00.0 address=0x1002d7a30]\n",
	       "{\"kind\":\"fault\",\"vendor\":\"amd-vi\",\"unit\":\"ivhd0\",\"device\":\"0000:03:00.0\",\"address\":\"0x1002d7a30\","
	       "\"fault\":\"invalidation\",\"code\":\"0x7\",\"text\":\"IOTLB_INV_TIMEOUT\",\"line\":1}\n");
	expect("iommu ivhd0: AMD-Vi: Event logged [UNKNOWN event[0]=0x1 event[1]=0xb0000000 event[2]=0x2 event[3]=0x3\n",
	       "{\"kind\":\"fault\",\"vendor\":\"amd-vi\",\"unit\":\"ivhd0\",\"fault\":\"global\",\"text\":\"UNKNOWN\",\"line\":1}\n");
	expect_undecoded("AMD-Vi: Event logged [SOMETHING_NEW device=0000:00:00.0]\n", "1 ");
}

static void test_smmuv3(void **state)
{
	static const char raw[] = "[ 1.0] arm-smmu-v3 9050000.smmuv3: event 0x10 received:\n"
				  "[ 1.0] arm-smmu-v3 9050000.smmuv3: \t0x0000020000000010\n"
				  "[ 1.0] e1000e 0000:01:00.0 eth0: somebody else\n"
				  "[ 1.0] arm-smmu-v3 9050000.smmuv3: \t0x0000000800000000\n"
				  "[ 1.0] arm-smmu-v3 9050000.smmuv3: \t0x000000000dead000\n"
				  "[ 1.0] arm-smmu-v3 9050000.smmuv3: \t0x0000000000000000\n";
	_cleanup_strbuf_ struct strbuf both = { 0 };

	(void)state;
	expect(raw, "{\"kind\":\"fault\",\"time_ns\":1000000000,\"vendor\":\"smmuv3\",\"unit\":\"9050000.smmuv3\","
		    "\"source_id\":\"0x200\",\"address\":\"0xdead000\",\"access\":\"read\",\"fault\":\"dma\",\"code\":\"0x10\","
		    "\"flags\":\"0x800000000\",\"detail\":\"stage 1, fetching a context descriptor\",\"line\":1}\n");
	strbuf_printf(&both, "%s%s", raw,
		      "arm-smmu-v3 9050000.smmuv3: event: F_TRANSLATION client: 0000:02:00.0 sid: 0x200 ssid: 0x0 iova: 0xdead000 "
		      "ipa: 0x0\n"
		      "arm-smmu-v3 9050000.smmuv3: unpriv data read s1 \"CD fetch\" stag: 0x0\n");
	expect(strbuf_str(&both),
	       "{\"kind\":\"fault\",\"time_ns\":1000000000,\"vendor\":\"smmuv3\",\"unit\":\"9050000.smmuv3\","
	       "\"device\":\"0000:02:00.0\",\"source_id\":\"0x200\",\"address\":\"0xdead000\",\"access\":\"read\","
	       "\"fault\":\"dma\",\"code\":\"0x10\",\"flags\":\"0x800000000\",\"text\":\"F_TRANSLATION\","
	       "\"detail\":\"unpriv data read s1 \\\"CD fetch\\\" stag: 0x0\",\"line\":1}\n");
	/* the decoded line alone */
	expect("arm-smmu-v3 a.smmuv3: event: F_PERMISSION client: (unassigned sid) sid: 0x200 ssid: 0x0 iova: 0x1000 ipa: 0x0\n",
	       "{\"kind\":\"fault\",\"vendor\":\"smmuv3\",\"unit\":\"a.smmuv3\",\"source_id\":\"0x200\",\"address\":\"0x1000\","
	       "\"fault\":\"dma\",\"code\":\"0x13\",\"text\":\"F_PERMISSION\",\"line\":1}\n");
	/* and with some of the words alone */
	expect("arm-smmu-v3 a.smmuv3: event 0x10 received:\narm-smmu-v3 a.smmuv3: \t0x0000020000000010\n"
	       "arm-smmu-v3 a.smmuv3: event: F_TRANSLATION client: 0000:02:00.0 sid: 0x200 ssid: 0x0 iova: 0x2000 ipa: 0x0\n",
	       "{\"kind\":\"fault\",\"vendor\":\"smmuv3\",\"unit\":\"a.smmuv3\",\"device\":\"0000:02:00.0\",\"source_id\":\"0x200\","
	       "\"address\":\"0x2000\",\"fault\":\"dma\",\"code\":\"0x10\",\"text\":\"F_TRANSLATION\","
	       "\"detail\":\"the dump is cut: 1 of 4 words\",\"line\":1}\n");
	/* tabs as /dev/kmsg writes them */
	expect("arm-smmu-v3 a.smmuv3: event 0x10 received:\narm-smmu-v3 a.smmuv3: \\x090x0000020000000010\n"
	       "arm-smmu-v3 a.smmuv3: \\x090x0000000800000000\narm-smmu-v3 a.smmuv3: \\x090x0000000000003000\n"
	       "arm-smmu-v3 a.smmuv3: \\x090x0000000000000000\n",
	       "{\"kind\":\"fault\",\"vendor\":\"smmuv3\",\"unit\":\"a.smmuv3\",\"source_id\":\"0x200\",\"address\":\"0x3000\","
	       "\"access\":\"read\",\"fault\":\"dma\",\"code\":\"0x10\",\"flags\":\"0x800000000\","
	       "\"detail\":\"stage 1, fetching a context descriptor\",\"line\":1}\n");
	expect("arm-smmu-v3 a.smmuv3: CMDQ error (cons 0x01000022): Illegal command\n"
	       "arm-smmu-v3 a.smmuv3: skipping command in error state:\n"
	       "arm-smmu-v3 a.smmuv3: \t0x0000010000000003\narm-smmu-v3 a.smmuv3: \t0x0000000000000001\n",
	       "{\"kind\":\"fault\",\"vendor\":\"smmuv3\",\"unit\":\"a.smmuv3\",\"source_id\":\"0x100\",\"fault\":\"command\","
	       "\"text\":\"CMDQ error (cons 0x01000022): Illegal command\",\"detail\":\"CMD_CFGI_STE\",\"line\":1}\n");
}

static void test_smmuv2(void **state)
{
	(void)state;
	expect("arm-smmu 15000000.iommu: Unhandled context fault: fsr=0x402,\niova=0xfc401000, fsynr=0x60013, cbfrsynra=0x121, "
	       "cb=38\narm-smmu 15000000.iommu: FSR    = 00000402 [Format=2 TF], SID=0x121\n",
	       "{\"kind\":\"fault\",\"vendor\":\"smmuv2\",\"unit\":\"15000000.iommu\",\"source_id\":\"0x121\","
	       "\"address\":\"0xfc401000\",\"access\":\"write\",\"fault\":\"dma\",\"code\":\"0x402\",\"flags\":\"0x60013\","
	       "\"line\":1}\n");
	expect("arm-smmu a.smmu: Unexpected global fault, this could be serious\n"
	       "arm-smmu a.smmu: \tGFSR 0x80000002, GFSYNR0 0x00000002,\nGFSYNR1 0x00000140, GFSYNR2 0x00000000\n",
	       "{\"kind\":\"fault\",\"vendor\":\"smmuv2\",\"unit\":\"a.smmu\",\"source_id\":\"0x140\",\"access\":\"write\","
	       "\"fault\":\"global\",\"code\":\"0x80000002\",\"flags\":\"0x2\","
	       "\"text\":\"Unexpected global fault, this could be serious\",\"line\":1}\n");
}

/* A line that is an event of its own does not end a record that is being put together. */
static void test_event_in_between(void **state)
{
	(void)state;
	expect("arm-smmu a.smmu: Unexpected global fault, this could be serious\n"
	       "tegra-host1x 13e00000.host1x: Adding to iommu group 0\n"
	       "arm-smmu a.smmu: \tGFSR 0x80000002, GFSYNR0 0x00000002, GFSYNR1 0x00000140, GFSYNR2 0x00000000\n",
	       "{\"kind\":\"group-add\",\"device\":\"13e00000.host1x\",\"driver\":\"tegra-host1x\",\"group\":0,\"line\":2}\n"
	       "{\"kind\":\"fault\",\"vendor\":\"smmuv2\",\"unit\":\"a.smmu\",\"source_id\":\"0x140\",\"access\":\"write\","
	       "\"fault\":\"global\",\"code\":\"0x80000002\",\"flags\":\"0x2\","
	       "\"text\":\"Unexpected global fault, this could be serious\",\"line\":1}\n");
}

static void test_core(void **state)
{
	(void)state;
	expect("virtio_iommu virtio1: domain fault from EP 16 at 0xdead000 [W]\n",
	       "{\"kind\":\"fault\",\"vendor\":\"virtio\",\"unit\":\"virtio1\",\"source_id\":\"0x10\",\"address\":\"0xdead000\","
	       "\"access\":\"write\",\"fault\":\"dma\",\"code\":\"0x1\",\"line\":1}\n");
	expect("pci 0000:01:00.0: Adding to iommu group 2\niommu: Adding device 0000:02:00.0 to group 3\n",
	       "{\"kind\":\"group-add\",\"device\":\"0000:01:00.0\",\"driver\":\"pci\",\"group\":2,\"line\":1}\n"
	       "{\"kind\":\"group-add\",\"device\":\"0000:02:00.0\",\"group\":3,\"line\":2}\n");
	expect("IOMMU: dmar0: PRQ overflow detected\n",
	       "{\"kind\":\"fault\",\"vendor\":\"vt-d\",\"unit\":\"dmar0\",\"fault\":\"page-request\","
	       "\"text\":\"PRQ overflow detected\",\"line\":1}\n");
}

static void test_ftrace(void **state)
{
	(void)state;
	expect("              dd-59      [001] ...1.     2.127901: map: IOMMU: iova=0x00000000fffb4000 - 0x00000000fffb8000 "
	       "paddr=0x000000000bcc9000 size=16384\n",
	       "{\"kind\":\"map\",\"time_ns\":2127901000,\"cpu\":1,\"task\":\"dd\",\"pid\":59,\"address\":\"0xfffb4000\","
	       "\"size\":16384,\"physical\":\"0xbcc9000\",\"line\":1}\n");
	/* trace-cmd report: no flags, a padded name; nanoseconds */
	expect("a [b] c-d-60    [003] 12.000000001: unmap:                IOMMU: iova=0x1000 - 0x2000 size=4096 "
	       "unmapped_size=4096\n",
	       "{\"kind\":\"unmap\",\"time_ns\":12000000001,\"cpu\":3,\"task\":\"a [b] c-d\",\"pid\":60,\"address\":\"0x1000\","
	       "\"size\":4096,\"unmapped\":4096,\"line\":1}\n");
	/* perf script; before 5.16 one address */
	expect("qemu  60 [003] 12.000001: iommu:map: IOMMU: iova=0x1000 paddr=0x5000 size=4096\n",
	       "{\"kind\":\"map\",\"time_ns\":12000001000,\"cpu\":3,\"task\":\"qemu\",\"pid\":60,\"address\":\"0x1000\","
	       "\"size\":4096,\"physical\":\"0x5000\",\"line\":1}\n");
	expect(" irq/24-AMD-Vi-48    [002] ....   978.5: io_page_fault: IOMMU:nvme 0000:05:00.0 iova=0x91482640 flags=0x0001\n",
	       "{\"kind\":\"fault\",\"time_ns\":978500000000,\"cpu\":2,\"task\":\"irq/24-AMD-Vi\",\"pid\":48,"
	       "\"device\":\"0000:05:00.0\",\"driver\":\"nvme\",\"address\":\"0x91482640\",\"access\":\"write\","
	       "\"fault\":\"dma\",\"line\":1}\n");
	expect("CPU:3 [LOST 1234 EVENTS]\n", "{\"kind\":\"lost\",\"cpu\":3,\"lost\":1234,\"line\":1}\n");
	expect("x-1 [000] .... 1.0: attach_device_to_domain: IOMMU: device=0000:02:00.0\n"
	       "x-1 [000] .... 1.0: add_device_to_group: IOMMU: groupID=4 device=0000:02:00.0\n"
	       "x-1 [000] .... 1.0: sched_switch: prev_comm=x prev_pid=1\n",
	       "{\"kind\":\"attach\",\"time_ns\":1000000000,\"cpu\":0,\"task\":\"x\",\"pid\":1,\"device\":\"0000:02:00.0\",\"line\":1}\n"
	       "{\"kind\":\"group-add\",\"time_ns\":1000000000,\"cpu\":0,\"task\":\"x\",\"pid\":1,\"device\":\"0000:02:00.0\","
	       "\"group\":4,\"line\":2}\n");
	/* the kernel log inside a trace (printk:console) */
	expect("x-1 [000] d.h1. 1.5: console: [    1.400000] DMAR: [DMA Read NO_PASID] Request device [0000:03:00.1] fault addr 0x1000 "
	       "[fault reason 0x06] x\n",
	       VTD_READ(",\"time_ns\":1500000000", "0000:03:00.1", "0x1000", ",\"code\":\"0x6\",\"text\":\"x\",\"line\":1"));
	expect_undecoded("x-1 [000] .... 1.0: map: IOMMU: iova=0x10000000000000000 paddr=0x1 size=1\n", "1 ");
}

static void test_ftrace_intel(void **state)
{
	(void)state;
	expect("x-1 [000] .... 1.0: cache_tag_flush_range: dmar0 0000:02:00.0[5] type nesting_devtlb did 9 "
	       "[0xfffb4000-0xfffb7fff] addr 0xfffb4000 mask 0x2\n",
	       "{\"kind\":\"flush\",\"time_ns\":1000000000,\"cpu\":0,\"task\":\"x\",\"pid\":1,\"vendor\":\"vt-d\","
	       "\"unit\":\"dmar0\",\"device\":\"0000:02:00.0\",\"domain\":9,\"pasid\":5,\"address\":\"0xfffb4000\",\"size\":16384,"
	       "\"cache\":\"devtlb\",\"scope\":\"range\",\"nested\":true,\"line\":1}\n");
	/* an address of prq_report is a page frame number */
	expect("x-1 [000] .... 1.0: prq_report: dmar0/0000:00:0a.0 seq# 7: rid=0x50 addr=0x559ef rw--l pasid=0x2 index=0x1\n",
	       "{\"kind\":\"page-request\",\"time_ns\":1000000000,\"cpu\":0,\"task\":\"x\",\"pid\":1,\"vendor\":\"vt-d\","
	       "\"unit\":\"dmar0\",\"device\":\"0000:00:0a.0\",\"source_id\":\"0x50\",\"pasid\":2,\"address\":\"0x559ef000\","
	       "\"access\":\"read+write\",\"prgi\":1,\"last\":true,\"seq\":7,\"line\":1}\n");
	/* cut by its author: no columns, a wrapped line */
	expect("| qi_submit: iotlb_inv dmar2: 0x800f2 0xf9a00005 0x0 0x0\n"
	       " cache_tag_flush_range: dmar1 0000:00:1b.0[0] type iotlb did 9\n\t[0xeab00000-0xeab1ffff] addr 0xeab00000 "
	       "pages 0x20 mask 0x5\n",
	       "{\"kind\":\"invalidate\",\"vendor\":\"vt-d\",\"unit\":\"dmar2\",\"domain\":8,\"address\":\"0xf9a00000\","
	       "\"size\":131072,\"cache\":\"iotlb\",\"scope\":\"range\",\"line\":1}\n"
	       "{\"kind\":\"flush\",\"vendor\":\"vt-d\",\"unit\":\"dmar1\",\"device\":\"0000:00:1b.0\",\"domain\":9,\"pasid\":0,"
	       "\"address\":\"0xeab00000\",\"size\":131072,\"cache\":\"iotlb\",\"scope\":\"range\",\"line\":2}\n");
}

/* One descriptor of each type, built by the layout of the spec. */
static void test_qi(void **state)
{
	static const struct {
		uint64_t qw0, qw1;
		const char *want;
	} rows[] = {
		{ 0x1 | 3 << 4 | 7 << 16 | 0x200ULL << 32, 0,
		  "\"source_id\":\"0x200\",\"domain\":7,\"cache\":\"context\",\"scope\":\"device\"" },
		{ 0x2 | 1 << 4, 0, "\"cache\":\"iotlb\",\"scope\":\"global\"" },
		{ 0x2 | 2 << 4 | 9 << 16, 0, "\"domain\":9,\"cache\":\"iotlb\",\"scope\":\"domain\"" },
		{ 0x2 | 3 << 4 | 9 << 16, 0xfffb4000 | 1 << 6 | 2,
		  "\"domain\":9,\"address\":\"0xfffb4000\",\"size\":16384,\"cache\":\"iotlb\",\"scope\":\"range\",\"leaf\":true" },
		{ 0x3 | 0x10ULL << 32, 0x1000, "\"source_id\":\"0x10\",\"address\":\"0x1000\",\"size\":4096,\"cache\":\"devtlb\","
					       "\"scope\":\"range\"" },
		{ 0x3 | 0x10ULL << 32, 0x13001, /* pages 0x13: two low bits set, so 8 pages from 0x10 */
		  "\"source_id\":\"0x10\",\"address\":\"0x10000\",\"size\":32768,\"cache\":\"devtlb\",\"scope\":\"range\"" },
		{ 0x3 | 0x10ULL << 32, 0x7ffffffffffff001,
		  "\"source_id\":\"0x10\",\"cache\":\"devtlb\",\"scope\":\"device\"" },
		{ 0x4, 0, "\"cache\":\"interrupt\",\"scope\":\"global\"" },
		{ 0x4 | 1 << 4 | 2ULL << 27 | 0x14ULL << 32, 0,
		  "\"address\":\"0x14\",\"size\":4,\"cache\":\"interrupt\",\"scope\":\"range\"" },
		{ 0x5 | 1 << 5, 0, "\"cache\":\"wait\",\"scope\":\"global\"" },
		{ 0x6 | 2 << 4 | 9 << 16 | 5ULL << 32, 0, "\"domain\":9,\"pasid\":5,\"cache\":\"iotlb\",\"scope\":\"pasid\"" },
		{ 0x6 | 3 << 4 | 9 << 16 | 5ULL << 32, 0x2000,
		  "\"domain\":9,\"pasid\":5,\"address\":\"0x2000\",\"size\":4096,\"cache\":\"iotlb\",\"scope\":\"range\"" },
		{ 0x7 | 1 << 4 | 9 << 16 | 5ULL << 32, 0, "\"domain\":9,\"pasid\":5,\"cache\":\"pasid\",\"scope\":\"pasid\"" },
		{ 0x7 | 3 << 4, 0, "\"cache\":\"pasid\",\"scope\":\"global\"" },
		{ 0x8 | 0x200 << 16 | 5ULL << 32, 0x2000,
		  "\"source_id\":\"0x200\",\"pasid\":5,\"address\":\"0x2000\",\"size\":4096,\"cache\":\"devtlb\",\"scope\":\"range\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_strbuf_ struct strbuf want = { 0 }, got = { 0 };
		struct event ev = { 0 };

		assert_true(qi_decode((uint64_t[]){ rows[i].qw0, rows[i].qw1, 0, 0 }, &ev));
		event_json(&got, &ev);
		strbuf_printf(&want, "{\"kind\":\"invalidate\",\"vendor\":\"vt-d\",%s}", rows[i].want);
		assert_string_equal(strbuf_str(&got), strbuf_str(&want));
	}
}

static void test_qi_response(void **state)
{
	_cleanup_strbuf_ struct strbuf got = { 0 };
	struct event ev = { 0 };

	(void)state;
	assert_true(qi_decode((uint64_t[]){ 0x9 | 1 << 4 | 1 << 12 | 0x50 << 16 | 2ULL << 32, 1 << 3 | 1 << 2, 0, 0 }, &ev));
	event_json(&got, &ev);
	assert_string_equal(strbuf_str(&got), "{\"kind\":\"page-response\",\"vendor\":\"vt-d\",\"source_id\":\"0x50\",\"pasid\":2,"
					      "\"prgi\":1,\"last\":true,\"response\":1}");
	assert_false(qi_decode((uint64_t[]){ 0xf, 0, 0, 0 }, &ev));
}

static void test_smmuv3_commands(void **state)
{
	struct event ev = { 0 };

	(void)state;
	assert_true(smmuv3_cmd_decode((uint64_t[]){ 0x12 | 3ULL << 12 | 1ULL << 20 | 7ULL << 48, 0x10000 | 1 << 10 | 1 }, &ev));
	assert_int_equal(ev.inval.kind, INVAL_IOTLB);
	assert_int_equal(ev.inval.scope, EXTENT_RANGE);
	assert_int_equal(ev.domain, 7);
	assert_int_equal(ev.addr, 0x10000);
	assert_int_equal(ev.size, 8 * 4096); /* (3 + 1) << 1 granules of 4 KiB */
	assert_true(ev.inval.leaf);

	ev = (struct event){ 0 };
	assert_true(smmuv3_cmd_decode((uint64_t[]){ 0x40 | 0x100ULL << 32, 52 }, &ev));
	assert_int_equal(ev.inval.scope, EXTENT_DEVICE);

	ev = (struct event){ 0 };
	assert_true(smmuv3_cmd_decode((uint64_t[]){ 0x44 | 1ULL << 12 | 0x100ULL << 32, 0x7c }, &ev));
	assert_int_equal(ev.kind, EVENT_PAGE_RESPONSE);
	assert_int_equal(ev.page.group, 0x7c);
	assert_int_equal(ev.page.code, 0);
	assert_false(smmuv3_cmd_decode((uint64_t[]){ 0xff, 0 }, &ev));
	assert_string_equal(smmuv3_cmd_name(0x46), "CMD_SYNC");
	assert_null(smmuv3_cmd_name(0x47));
}

/* What convert writes reads back as the same. */
static void test_jsonl_round_trip(void **state)
{
	static const char *const lines[] = {
		"{\"kind\":\"map\",\"time_ns\":1,\"cpu\":1,\"task\":\"d\\\"d\",\"pid\":5,\"address\":\"0x1000\",\"size\":4096,"
		"\"physical\":\"0x2000\",\"line\":1}\n",
		"{\"kind\":\"invalidate\",\"vendor\":\"vt-d\",\"unit\":\"dmar0\",\"domain\":9,\"cache\":\"iotlb\",\"scope\":\"domain\","
		"\"leaf\":true,\"line\":1}\n",
		"{\"kind\":\"page-response\",\"source_id\":\"0x50\",\"pasid\":2,\"prgi\":1,\"last\":true,\"response\":15,\"line\":1}\n",
		"{\"kind\":\"fault\",\"vendor\":\"smmuv3\",\"device\":\"0000:02:00.0\",\"address\":\"0xffffffffffffffff\","
		"\"access\":\"privileged write\",\"fault\":\"dma\",\"code\":\"0x13\",\"flags\":\"0x1\",\"text\":\"t\",\"detail\":\"d\","
		"\"overflowed\":true,\"line\":1}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		expect(lines[i], lines[i]);
	expect("{\"schema\":\"iommuctl.trace/1\"}\n{\"end\":true}\n", "");
	expect_undecoded("{\"kind\":\"no-such\"}\n{\"kind\":\"map\"\n", "1 2 ");
}

static void test_foreign_lines(void **state)
{
	(void)state;
	expect("\n\xff\xfe\x00garbage\nmap: reduce\n> see [fault reasons] in the manual\nDMAR: Host address width 39\n", "");
	expect_undecoded("somebody wrote: Event logged [\n", "1 ");
	expect("ACPI: Table Upgrade: override [DMAR-BOCHS -BXPC    ]\n", "");
}

static void test_long_line(void **state)
{
	size_t n = READER_MAX_LINE + 5000;
	char *text = malloc(n + 64);
	_cleanup_(cleanup_reader_close) struct reader *r = NULL;
	struct slice line;

	(void)state;
	memset(text, 'a', n);
	strcpy(text + n, "\nshort\nno newline");
	r = reader_memory("test", (struct slice){ text, strlen(text) });
	assert_int_equal(reader_next(r, &line), READER_LINE);
	assert_int_equal(line.n, READER_MAX_LINE);
	assert_int_equal(reader_cut(r), 1);
	assert_int_equal(reader_next(r, &line), READER_LINE);
	assert_true(slice_is(line, "short"));
	assert_int_equal(reader_next(r, &line), READER_LINE);
	assert_true(slice_is(line, "no newline"));
	assert_int_equal(reader_line(r), 3);
	assert_int_equal(reader_next(r, &line), READER_END);
	free(text);
}

static void test_long_line_in_file(void **state)
{
	_cleanup_(cleanup_reader_close) struct reader *r = NULL;
	char path[] = "/tmp/test-trace-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	struct ctx ctx = { 0 };
	struct slice line;

	(void)state;
	for (size_t i = 0; i < READER_MAX_LINE + 700000; i++)
		fputc('a', f);
	fputs("\nshort\n", f);
	fclose(f);
	assert_int_equal(reader_open(&ctx, path, false, &r), 0);
	unlink(path);
	assert_int_equal(reader_next(r, &line), READER_LINE);
	assert_int_equal(line.n, READER_MAX_LINE);
	assert_int_equal(reader_cut(r), 1);
	assert_int_equal(reader_next(r, &line), READER_LINE);
	assert_true(slice_is(line, "short"));
	assert_int_equal(reader_line(r), 2);
	assert_int_equal(reader_next(r, &line), READER_END);
	ctx_free(&ctx);
}

static void test_reader_errors(void **state)
{
	struct ctx ctx = { 0 };
	struct reader *r = NULL;

	(void)state;
	assert_int_equal(reader_open(&ctx, "/nonexistent/log", false, &r), -ENOENT);
	assert_int_equal(reader_open(&ctx, "/", false, &r), -EISDIR);
	assert_null(r);
	assert_int_equal(ctx.notes.n, 2);
	ctx_free(&ctx);
}

static void test_reasons(void **state)
{
	struct event ev = { .kind = EVENT_FAULT, .vendor = VENDOR_AMD, .access = ACCESS_READ };
	struct fault_words w;

	(void)state;
	ev.fault = (struct fault_info){ .has_code = true, .code = 2, .has_flags = true, .flags = 0x50 };
	fault_explain(&ev, &w);
	assert_string_equal(w.text, "read: the page is present, the device has no permission");
	assert_int_equal(w.cause, CAUSE_NO_READ);
	ev.vendor = VENDOR_SMMUV2;
	ev.fault = (struct fault_info){ .has_code = true, .code = 0x80000402 };
	fault_explain(&ev, &w);
	assert_string_equal(w.text, "the address is not mapped");
	ev.vendor = VENDOR_VTD;
	ev.fault = (struct fault_info){ .has_code = true, .code = 0x17 };
	fault_explain(&ev, &w);
	assert_string_equal(w.text, "reason 0x17, which the specification does not list");
	assert_int_equal(w.cause, CAUSE_UNKNOWN);
	for (int c = CAUSE_UNKNOWN + 1; c < CAUSE_MAX; c++)
		assert_non_null(fault_cause_text((enum fault_cause)c));
	/* every reason of VT-d and SMMUv3 that their specifications list has words of ours */
	for (uint32_t c = 0x01; c <= 0x0d; c++) {
		ev.fault.code = c;
		fault_explain(&ev, &w);
		assert_int_not_equal(w.cause, CAUSE_UNKNOWN);
	}
}

/* Eight digits at a time say what one after the other says, whatever byte stands where. */
static void test_scan_hex(void **state _unused_)
{
	char text[32];
	uint64_t v, want;

	for (size_t len = 1; len <= 17; len++) {
		for (size_t at = 0; at < len; at++) {
			for (int c = 1; c < 256; c++) {
				struct scan s = { text, text + len };
				size_t n = 0;

				memcpy(text, "1234567890abcdEF1", len);
				text[at] = (char)c;
				for (want = 0; n < len && hex_digit(text[n]) >= 0; n++)
					want = want << 4 | (uint64_t)hex_digit(text[n]);
				if (n == 17 && text[0] != '0') {
					assert_false(scan_hex(&s, &v));
					continue;
				}
				if (c == 'x' || c == 'X') /* "0x", and what is behind it */
					continue;
				assert_int_equal(scan_hex(&s, &v), n > 0);
				assert_ptr_equal(s.p, text + n);
				if (n)
					assert_int_equal(v, want);
			}
		}
	}
}

static void test_scan_dec(void **state _unused_)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t v;
	} rows[] = {
		{ "0", true, 0 }, { "18446744073709551615", true, UINT64_MAX }, { "18446744073709551616", false, 0 },
		{ "99999999999999999999", false, 0 }, { "00000000000000000000000012", true, 12 }, { "", false, 0 }, { "x", false, 0 },
		{ "9999999999999999999x", true, 9999999999999999999ULL },
	};
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scan s = { rows[i].text, rows[i].text + strlen(rows[i].text) };

		assert_int_equal(scan_dec(&s, &v), rows[i].ok);
		if (rows[i].ok)
			assert_int_equal(v, rows[i].v);
	}
}

/* What a trace.dat says of its own records. */
static void test_dat_field(void **state _unused_)
{
	static const struct {
		const char *format;
		bool found;
		uint32_t offset, size;
	} t[] = {
		{ "\tfield:u64 iova;\toffset:8;\tsize:8;\tsigned:0;\n", true, 8, 8 },
		{ "\tfield:u64 *iova;\toffset:8;\tsize:8;\n", true, 8, 8 },
		{ "\tfield:__data_loc char[] iova;\toffset:16;\tsize:4;\n", true, 16, 4 },
		{ "\tfield:char iova[16];\toffset:16;\tsize:16;\n", true, 16, 16 },
		{ "\tfield:u64 old_iova;\toffset:8;\tsize:8;\n\tfield:u64 iova;\toffset:24;\tsize:8;\n", true, 24, 8 },
		{ "\tfield:u64 iova;\toffset:8;\n", false, 0, 0 },
		{ "\tfield:iova];\toffset:8;\tsize:8;\n", false, 0, 0 },
		{ "\tfield:];\toffset:8;\tsize:8;\n", false, 0, 0 },
		{ "\tfield:[];\toffset:8;\tsize:8;\n", false, 0, 0 },
		{ "\tfield:iova", false, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct dat_field f = { 0 };

		assert_int_equal(dat_find_field((struct slice){ t[i].format, strlen(t[i].format) }, "iova", &f), t[i].found);
		if (t[i].found) {
			assert_int_equal(f.offset, t[i].offset);
			assert_int_equal(f.size, t[i].size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vtd_eras),
		cmocka_unit_test(test_vtd_dump),
		cmocka_unit_test(test_vtd_number_base),
		cmocka_unit_test(test_wrapped_and_quoted),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_amd),
		cmocka_unit_test(test_smmuv3),
		cmocka_unit_test(test_smmuv2),
		cmocka_unit_test(test_event_in_between),
		cmocka_unit_test(test_core),
		cmocka_unit_test(test_ftrace),
		cmocka_unit_test(test_ftrace_intel),
		cmocka_unit_test(test_qi),
		cmocka_unit_test(test_qi_response),
		cmocka_unit_test(test_smmuv3_commands),
		cmocka_unit_test(test_jsonl_round_trip),
		cmocka_unit_test(test_foreign_lines),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_long_line_in_file),
		cmocka_unit_test(test_reader_errors),
		cmocka_unit_test(test_dat_field),
		cmocka_unit_test(test_scan_hex),
		cmocka_unit_test(test_scan_dec),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
