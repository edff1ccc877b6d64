/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkdat: makes a trace.dat of any size (version 6, trace-cmd.dat.v6(5)), for tests, seeds and the speed table.
 *
 *	mkdat [-b] [-c CPUS] [-i] [-l] [-p] [-t] OUT EVENTS
 *
 * Maps, unmaps and VT-d invalidations of a disk, as `trace-cmd record -e iommu -e intel_iommu` has them, in turns on each of CPUS
 * processors (default 1).
 *	-b	as a big-endian machine writes it
 *	-i	the last processor's data is that of a buffer of its own, as of `trace-cmd record -B more`
 *	-l	the second page of each processor says that events were lost before it
 *	-p	the last events of each processor are messages of the kernel log (printk:console) about faults
 *	-t	the same as text on standard output, as trace-cmd report prints it; OUT is not written
 */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define PAGE_HEAD 16
#define MISSED_EVENTS (1U << 31) /* include/linux/ring_buffer.h, in the page's commit */

#define OPTION_BUFFER 3

enum { ID_MAP = 100, ID_UNMAP, ID_QI, ID_CONSOLE };

static const char header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";

static const char header_event[] =
	"# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n\tarray       :   32 bits\n\n"
	"\tpadding     : type == 29\n\ttime_extend : type == 30\n\ttime_stamp : type == 31\n\tdata max type_len  == 28\n";

#define COMMON                                                                                     \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"             \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char map_format[] =
	"name: map\nID: 100\nformat:\n" COMMON
	"\tfield:u64 iova;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:u64 paddr;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:size_t size;\toffset:24;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"IOMMU: iova=0x%016llx - 0x%016llx paddr=0x%016llx size=%zu\", REC->iova, REC->iova + REC->size, REC->paddr, REC->size\n";

static const char unmap_format[] =
	"name: unmap\nID: 101\nformat:\n" COMMON
	"\tfield:u64 iova;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:size_t size;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:size_t unmapped_size;\toffset:24;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"IOMMU: iova=0x%016llx - 0x%016llx size=%zu unmapped_size=%zu\", REC->iova, REC->iova + REC->size, REC->size, REC->unmapped_size\n";

static const char qi_format[] =
	"name: qi_submit\nID: 102\nformat:\n" COMMON
	"\tfield:u64 qw0;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:u64 qw1;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 qw2;\toffset:24;\tsize:8;\tsigned:0;\n\tfield:u64 qw3;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:__data_loc char[] iommu;\toffset:40;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"iotlb_inv %s: 0x%llx 0x%llx 0x%llx 0x%llx\", __get_str(iommu), REC->qw0, REC->qw1, REC->qw2, REC->qw3\n";

static const char console_format[] =
	"name: console\nID: 103\nformat:\n" COMMON
	"\tfield:__data_loc char[] msg;\toffset:8;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"%s\", __get_str(msg)\n";

/* What -p puts at the end: a fault in one message, and one in several, whose time is the event's own. */
static const char *const messages[] = {
	"usb 1-1: new device",
	"DMAR: [DMA Read NO_PASID] Request device [0000:02:00.0] fault addr 0xf0000000 [fault reason 0x06] PTE Read access is not set\n",
	"[    1.000000] arm-smmu-v3 9050000.smmuv3: event 0x10 received:",
	"[    1.000000] arm-smmu-v3 9050000.smmuv3: \t0x0000020000000010",
	"[    1.000000] arm-smmu-v3 9050000.smmuv3: \t0x0000020800000000",
	"[    1.000000] arm-smmu-v3 9050000.smmuv3: \t0x00000000f0001000",
	"[    1.000000] arm-smmu-v3 9050000.smmuv3: \t0x0000000000000000",
};
#define MESSAGES (sizeof(messages) / sizeof(*messages))

static bool lost, printk, big, instance;
static FILE *out;
static long instance_at; /* where the place of the second buffer is written */

static uint16_t u16(uint16_t v)
{
	return big ? __builtin_bswap16(v) : v;
}

static uint32_t u32(uint32_t v)
{
	return big ? __builtin_bswap32(v) : v;
}

static uint64_t u64(uint64_t v)
{
	return big ? __builtin_bswap64(v) : v;
}

static void put(const void *p, size_t n)
{
	if (fwrite(p, 1, n, out) != n)
		err(1, "writing");
}

static void put32(uint32_t v)
{
	v = u32(v);
	put(&v, 4);
}

static void put64(uint64_t v)
{
	v = u64(v);
	put(&v, 8);
}

static void put_block(const char *text)
{
	put64(strlen(text));
	put(text, strlen(text));
}

static void put_system(const char *name, const char *const *formats, uint32_t n)
{
	put(name, strlen(name) + 1);
	put32(n);
	for (uint32_t i = 0; i < n; i++)
		put_block(formats[i]);
}

static void put_head(uint32_t cpus)
{
	static const char *const iommu[] = { map_format, unmap_format }, *const intel[] = { qi_format }, *const log[] = { console_format };
	static const char cmdlines[] = "57 dd\n";

	put("\x17\x08\x44tracing6", 12);
	put(big ? "\1\x08" : "\0\x08", 2);
	put32(PAGE);
	put("header_page", 12);
	put_block(header_page);
	put("header_event", 13);
	put_block(header_event);
	put32(0);
	put32(printk ? 3 : 2);
	put_system("iommu", iommu, 2);
	put_system("intel_iommu", intel, 1);
	if (printk)
		put_system("printk", log, 1);
	put32(0); /* kallsyms */
	put32(0); /* printk */
	put_block(cmdlines);
	put32(cpus);
	put("options  ", 10);
	if (instance) {
		uint16_t id = u16(OPTION_BUFFER);

		put(&id, 2);
		put32(8 + sizeof("more"));
		instance_at = ftell(out);
		put64(0);
		put("more", sizeof("more"));
	}
	put("\0\0flyrecord", 12);
}

/* One event's data behind the common part, as 64-bit words and, for an invalidation, the unit's name. */
struct record {
	uint16_t id;
	size_t n;
	uint64_t w[6];
};

/* Event @i: each mapping is mapped, unmapped, and flushed. */
static struct record make(uint64_t i, uint64_t cpu)
{
	uint64_t iova = 0xf0000000 + (cpu << 24) + i / 3 % 256 * 4096;

	if (i % 3 == 0)
		return (struct record){ ID_MAP, 24, { iova, 0x100000000 + i / 3 * 4096, 4096 } };
	if (i % 3 == 1)
		return (struct record){ ID_UNMAP, 24, { iova, 4096, 4096 } };
	return (struct record){ ID_QI, 44, { 0x900f2, iova } };
}

/* Five bits of length and 27 of time; a big-endian compiler lays a bit field out from the top. */
static uint32_t entry_head(uint32_t type, uint32_t delta)
{
	return u32(big ? type << 27 | delta : type | delta << 5);
}

static size_t put_event(char *page, size_t at, uint32_t delta, const struct record *r)
{
	size_t len = 8 + r->n;
	uint32_t pid = u32(57), place = u32(6 << 16 | 44);
	uint32_t head = entry_head((uint32_t)(len / 4), delta);
	uint16_t id = u16(r->id);

	memcpy(page + at, &head, 4);
	memcpy(page + at + 4, &id, 2);
	memcpy(page + at + 8, &pid, 4);
	for (size_t i = 0; i < r->n / 8; i++)
		memcpy(page + at + 12 + i * 8, &(uint64_t){ u64(r->w[i]) }, 8);
	if (r->id == ID_QI) {
		/* the string begins 44 bytes into the record: 8 of the common part, 32 of words, 4 of its place */
		memcpy(page + at + 12 + 32, &place, 4);
		memcpy(page + at + 12 + 36, "dmar0\0\0", 8);
	}
	return at + 4 + len;
}

static size_t put_message(char *page, size_t at, uint32_t delta, const char *text)
{
	uint32_t n = (uint32_t)strlen(text) + 1, words = 3 + (n + 3) / 4;
	/* longer than the head's field for it can say */
	uint32_t head[5] = { entry_head(0, delta), u32(4 * (words + 1)), 0, u32(57), u32(n << 16 | 12) };
	uint16_t id = u16(ID_CONSOLE);

	memcpy(page + at, head, sizeof(head));
	memcpy(page + at + 8, &id, 2);
	memcpy(page + at + sizeof(head), text, n);
	return at + 4 * (words + 2);
}

#define ROOM 192 /* more than the largest event takes */

/* The pages of one processor; returns how many bytes. */
static uint64_t put_cpu(uint64_t events, uint64_t cpu, uint64_t cpus)
{
	uint64_t i = 0, bytes = 0, pages = 0;

	while (i < events) {
		char page[PAGE] = { 0 };
		uint64_t time = 1000000000 + i * 1000 * cpus + cpu * 100, commit;
		size_t at = PAGE_HEAD;

		for (bool first = true; i < events && at + ROOM <= PAGE; first = false, i++) {
			uint32_t delta = first ? 0 : (uint32_t)(1000 * cpus);
			struct record r = make(i, cpu);

			if (printk && events - i <= MESSAGES)
				at = put_message(page, at, delta, messages[MESSAGES - (events - i)]);
			else
				at = put_event(page, at, delta, &r);
		}
		time = u64(time);
		commit = (at - PAGE_HEAD) | (lost && pages == 1 ? MISSED_EVENTS : 0);
		commit = u64(commit);
		memcpy(page, &time, 8);
		memcpy(page + 8, &commit, 8);
		put(page, PAGE);
		bytes += PAGE;
		pages++;
	}
	return bytes;
}

static void seek(long to)
{
	if (fseek(out, to, SEEK_SET))
		err(1, "seeking");
}

/* The pages begin at a page; their places are written when they are known. The second buffer has a table of its own. */
static void put_data(uint64_t events, uint32_t cpus)
{
	long table = ftell(out), more = table + 16 * (long)cpus, start = more + (instance ? 10 + 16 * (long)cpus : 0);
	uint64_t offset = (uint64_t)(start + PAGE - 1) / PAGE * PAGE;

	if (instance) {
		seek(instance_at);
		put64((uint64_t)more);
		seek(more);
		put("flyrecord", 10);
	}
	for (uint32_t c = 0; c < cpus; c++) {
		uint64_t share = events / cpus + (c < events % cpus), n;

		seek((long)offset);
		n = put_cpu(share, c, cpus);
		seek((instance && c == cpus - 1 ? more + 10 : table) + 16 * (long)c);
		put64(offset);
		put64(n);
		offset += n;
	}
}

static void print_text(uint64_t events)
{
	for (uint64_t i = 0; i < events; i++) {
		struct record r = make(i, 0);
		uint64_t us = 1000000 + i;

		printf("              dd-57    [000] %5" PRIu64 ".%06" PRIu64 ": ", us / 1000000, us % 1000000);
		if (r.id == ID_MAP)
			printf("map:                  IOMMU: iova=0x%016" PRIx64 " - 0x%016" PRIx64 " paddr=0x%016" PRIx64 " size=%" PRIu64 "\n", r.w[0],
			       r.w[0] + r.w[2], r.w[1], r.w[2]);
		else if (r.id == ID_UNMAP)
			printf("unmap:                IOMMU: iova=0x%016" PRIx64 " - 0x%016" PRIx64 " size=%" PRIu64 " unmapped_size=%" PRIu64 "\n",
			       r.w[0], r.w[0] + r.w[1], r.w[1], r.w[2]);
		else
			printf("qi_submit:            iotlb_inv dmar0: 0x%" PRIx64 " 0x%" PRIx64 " 0x0 0x0\n", r.w[0], r.w[1]);
	}
}

int main(int argc, char **argv)
{
	uint32_t cpus = 1;
	bool text = false;
	uint64_t events;
	int o;

	while ((o = getopt(argc, argv, "bc:ilpt")) != -1) {
		switch (o) {
		case 'b':
			big = true;
			break;
		case 'i':
			instance = true;
			break;
		case 'c':
			cpus = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			lost = true;
			break;
		case 'p':
			printk = true;
			break;
		case 't':
			text = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || !cpus || cpus > 1024)
		errx(2, "usage: mkdat [-b] [-c CPUS] [-i] [-l] [-p] [-t] OUT EVENTS");
	events = strtoull(argv[optind + 1], NULL, 10);
	if (text) {
		print_text(events);
		return 0;
	}
	out = fopen(argv[optind], "w");
	if (!out)
		err(1, "%s", argv[optind]);
	put_head(cpus);
	put_data(events, cpus);
	if (fclose(out))
		err(1, "%s", argv[optind]);
	return 0;
}
