// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/str.h"
#include "trace/hw.h"
#include "trace/reason.h"

struct reason_row {
	uint32_t code;
	enum fault_cause cause;
	const char *text;
	const char *match; /* words that only this reason's text in the kernel has; NULL: cannot be told */
};

/* VT-d spec 7.1.3 and appendix A; the words to match are those of drivers/iommu/intel/dmar.c. */
static const struct reason_row vtd_reasons[] = {
	{ 0x01, CAUSE_NO_DEVICE, "the root entry of the device's bus is not present", "resent bit in root" },
	{ 0x02, CAUSE_NO_DEVICE, "the device has no context entry", "resent bit in context" },
	{ 0x03, CAUSE_TABLES, "the device's context entry is not valid", "nvalid context entry" },
	{ 0x04, CAUSE_BEYOND, "the address is wider than the unit can translate", "beyond MGAW" },
	{ 0x05, CAUSE_NO_WRITE, "no mapping of the address allows a write", "PTE Write access" },
	{ 0x06, CAUSE_NO_READ, "no mapping of the address allows a read", "PTE Read access" },
	{ 0x07, CAUSE_TABLE_ACCESS, "the next page table could not be read", "ext page table ptr" },
	{ 0x08, CAUSE_TABLE_ACCESS, "the root table could not be read", "oot table address invalid" },
	{ 0x09, CAUSE_TABLE_ACCESS, "the context table could not be read", "ontext table ptr" },
	{ 0x0a, CAUSE_TABLES, "the root entry has reserved bits set", "reserved fields in RTP" },
	{ 0x0b, CAUSE_TABLES, "the context entry has reserved bits set", "reserved fields in CTP" },
	{ 0x0c, CAUSE_TABLES, "a page table entry has reserved bits set", "reserved fields in PTE" },
	{ 0x0d, CAUSE_BLOCKED, "translation requests (ATS) are blocked for the device", "translation request specifies blocking" },
	{ 0x20, CAUSE_IRQ_FORMAT, "the interrupt request has reserved bits set", "interrupt-remapped request" },
	{ 0x21, CAUSE_IRQ_ENTRY, "the interrupt's index is beyond the remapping table", "exceeded the interrupt" },
	{ 0x22, CAUSE_IRQ_ENTRY, "the interrupt's remapping entry is not present", "field in the IRTE entry is clear" },
	{ 0x23, CAUSE_TABLE_ACCESS, "the interrupt remapping table could not be read", "pointed by IRTA" },
	{ 0x24, CAUSE_IRQ_ENTRY, "the interrupt's remapping entry has reserved bits set", "fields in the IRTE" },
	{ 0x25, CAUSE_IRQ_FORMAT, "an interrupt in the old format, which is blocked", "ompatibility format" },
	{ 0x26, CAUSE_IRQ_SOURCE, "the interrupt's entry belongs to another requester", "source-id" },
	{ 0x30, CAUSE_TABLE_ACCESS, "the root table's address is not valid", "Root Table Address" },
	{ 0x31, CAUSE_PASID, "a request with PASID while the unit is in legacy mode", "TTM 0 for request" },
	{ 0x32, CAUSE_PAGE_REQUEST, "a page request while the unit is in legacy mode", "TTM 0 for page" },
	{ 0x38, CAUSE_TABLE_ACCESS, "the root entry could not be read", "access Root Entry" },
	{ 0x39, CAUSE_NO_DEVICE, "the root entry of the device's bus is not present", "resent bit in Root" },
	{ 0x3a, CAUSE_TABLES, "the root entry has reserved bits set", "set in Root" },
	{ 0x40, CAUSE_TABLE_ACCESS, "the context entry could not be read", "access Context" },
	{ 0x41, CAUSE_NO_DEVICE, "the device has no context entry", "resent bit in Context" },
	{ 0x42, CAUSE_TABLES, "the context entry has reserved bits set", "set in the Context" },
	{ 0x43, CAUSE_TABLES, "the device's context entry is not valid", "Invalid Context" },
	{ 0x44, CAUSE_BLOCKED, "translated requests (ATS) are not allowed for the device", "DTE field" },
	{ 0x45, CAUSE_PASID, "requests with PASID are not enabled for the device", "PASID Enable" },
	{ 0x46, CAUSE_PASID, "the PASID is larger than the device's PASID directory", "PASID is larger" },
	{ 0x47, CAUSE_PAGE_REQUEST, "page requests are not enabled for the device", "PRE field" },
	{ 0x48, CAUSE_TABLES, "the PASID that stands for requests without one is not valid", "RID_PASID" },
	{ 0x50, CAUSE_TABLE_ACCESS, "the PASID directory entry could not be read", "PASID Directory Entry" },
	{ 0x51, CAUSE_PASID, "the PASID directory has no entry for the PASID", "resent bit in Directory" },
	{ 0x52, CAUSE_TABLES, "the PASID directory entry has reserved bits set", "set in PASID Directory" },
	{ 0x58, CAUSE_TABLE_ACCESS, "the PASID table entry could not be read", "access PASID Table" },
	{ 0x59, CAUSE_PASID, "nothing is attached for the PASID (for the device itself when there is no PASID)", "resent bit in PA" },
	{ 0x5a, CAUSE_TABLES, "the PASID table entry has reserved bits set", "set in PASID Table" },
	{ 0x5b, CAUSE_TABLES, "the PASID table entry is not valid", "Scalable-Mode PASID" },
	{ 0x5c, CAUSE_NO_EXEC, "execute requests are not enabled for the PASID", "ERE field" },
	{ 0x5d, CAUSE_PRIVILEGE, "privileged requests are not enabled for the PASID", "SRE field" },
	{ 0x70, CAUSE_TABLE_ACCESS, "a first-stage table entry could not be read", "access first-level" },
	{ 0x71, CAUSE_UNMAPPED, "the address is not mapped in the first stage", "resent bit in first-level" },
	{ 0x72, CAUSE_TABLES, "a first-stage table entry has reserved bits set", "set in first-level" },
	{ 0x73, CAUSE_TABLE_ACCESS, "the top first-stage table could not be read", "access FL-PML4" },
	{ 0x74, CAUSE_BEYOND, "a first-stage table lies beyond what the second stage can translate", "First-level entry address" },
	{ 0x75, CAUSE_TABLES, "the second stage does not let the unit read the top first-stage table", "in FL-PML4" },
	{ 0x76, CAUSE_TABLES, "the second stage does not let the unit read a first-stage table", "Read permission error in first" },
	{ 0x77, CAUSE_TABLES, "the second stage does not let the unit update a first-stage table", "Write permission error in first" },
	{ 0x78, CAUSE_TABLE_ACCESS, "a second-stage table entry could not be read", "access second-level" },
	{ 0x79, CAUSE_UNMAPPED, "no mapping in the second stage allows the access", "error in second-level" },
	{ 0x7a, CAUSE_TABLES, "a second-stage table entry has reserved bits set", "set in second-level" },
	{ 0x7b, CAUSE_TABLES, "a second-stage table pointer is not valid", "second-level page table pointer" },
	{ 0x7c, CAUSE_TABLES, "a second-stage entry needs its accessed or dirty bit set where that is not possible", "in second-level entry when" },
	{ 0x80, CAUSE_BEYOND, "the address is not canonical", "not canonical" },
	{ 0x81, CAUSE_PRIVILEGE, "the mapping is for privileged requests only", "U/S" },
	{ 0x82, CAUSE_NO_EXEC, "the mapping does not allow execution", "No execute" },
	{ 0x83, CAUSE_BEYOND, "the address is wider than the unit can translate", "DMA hardware max" },
	{ 0x84, CAUSE_BEYOND, "the second stage's input address is wider than the unit can translate", "Second-level entry address" },
	{ 0x85, CAUSE_NO_WRITE, "no mapping of the address allows a write", "No write permission" },
	{ 0x86, CAUSE_NO_READ, "no mapping of the address allows a read", "No read permission" },
	{ 0x87, CAUSE_BEYOND, "the address lies in the window of interrupts, where no memory access may go", "address-interrupt" },
	{ 0x90, CAUSE_TABLES, "a first-stage entry needs its accessed or dirty bit set where that is not possible", "in first-level entry when" },
};

/* AMD IOMMU spec (48882), 2.5: event log entries; the code is the entry's event code. */
static const struct reason_row amd_reasons[] = {
	{ 0x1, CAUSE_TABLES, "the device's table entry is not valid for this request", NULL },
	{ 0x2, CAUSE_UNMAPPED, "the access does not fit the page tables", NULL },
	{ 0x3, CAUSE_TABLE_ACCESS, "the device table could not be read", NULL },
	{ 0x4, CAUSE_TABLE_ACCESS, "a page table could not be read", NULL },
	{ 0x5, CAUSE_COMMAND, "a command that the unit does not know, or with reserved bits set", NULL },
	{ 0x6, CAUSE_COMMAND, "the command buffer could not be read", NULL },
	{ 0x7, CAUSE_TIMEOUT, "the device did not answer an invalidation of its TLB", NULL },
	{ 0x8, CAUSE_BLOCKED, "a request of a sort that the device may not send", NULL },
	{ 0x9, CAUSE_PAGE_REQUEST, "a page request that is not valid", NULL },
	{ 0xd, CAUSE_TABLE_ACCESS, "the reverse map table could not be read", NULL },
	{ 0xe, CAUSE_RMP, "the page belongs to a confidential guest or to the firmware", NULL },
};

/* Arm SMMUv3 architecture (IHI 0070), 7.3. */
static const struct reason_row smmuv3_reasons[] = {
	{ 0x01, CAUSE_BLOCKED, "a transaction that the unit does not support", NULL },
	{ 0x02, CAUSE_STREAM, "the stream id is beyond the stream table", NULL },
	{ 0x03, CAUSE_TABLE_ACCESS, "the stream table entry could not be read", NULL },
	{ 0x04, CAUSE_STREAM, "the stream table entry is not valid: nothing is set up for the stream", NULL },
	{ 0x05, CAUSE_BLOCKED, "an ATS request that the stream may not send", NULL },
	{ 0x06, CAUSE_BLOCKED, "transactions without a substream are disabled for the stream", NULL },
	{ 0x07, CAUSE_BLOCKED, "a translated (ATS) transaction that the stream may not send", NULL },
	{ 0x08, CAUSE_PASID, "the substream id (PASID) is beyond the stream's table", NULL },
	{ 0x09, CAUSE_TABLE_ACCESS, "the context descriptor could not be read", NULL },
	{ 0x0a, CAUSE_PASID, "the context descriptor is not valid: nothing is attached for the substream (PASID)", NULL },
	{ 0x0b, CAUSE_TABLE_ACCESS, "the walk of the page tables got a bus error", NULL },
	{ 0x10, CAUSE_UNMAPPED, "the address is not mapped", NULL },
	{ 0x11, CAUSE_BEYOND, "an address is wider than the stage can translate", NULL },
	{ 0x12, CAUSE_TABLES, "the mapping's access flag is clear", NULL },
	{ 0x13, CAUSE_NO_WRITE, "the mapping does not allow this access", NULL },
	{ 0x20, CAUSE_TABLES, "two TLB entries match the address", NULL },
	{ 0x21, CAUSE_TABLES, "cached configuration contradicts itself", NULL },
	{ 0x24, CAUSE_PAGE_REQUEST, "a hint that the device will need a page", NULL },
	{ 0x25, CAUSE_TABLE_ACCESS, "the virtual machine structure could not be read", NULL },
};

/* Arm SMMUv2 architecture (IHI 0062), 16.5.4: bits of a context bank's fault status, the first set counts. */
static const struct reason_row smmuv2_context[] = {
	{ 1 << 1, CAUSE_UNMAPPED, "the address is not mapped", NULL },
	{ 1 << 3, CAUSE_NO_WRITE, "the mapping does not allow this access", NULL },
	{ 1 << 2, CAUSE_TABLES, "the mapping's access flag is clear", NULL },
	{ 1 << 4, CAUSE_TABLE_ACCESS, "the walk of the page tables got a bus error", NULL },
	{ 1 << 5, CAUSE_TABLES, "two TLB entries match the address", NULL },
	{ 1 << 6, CAUSE_TABLES, "the TLB could not take a locked entry", NULL },
	{ 1 << 7, CAUSE_BEYOND, "an address is wider than the stage can translate", NULL },
	{ 1 << 8, CAUSE_BLOCKED, "a transaction that the unit does not support", NULL },
};

/* The same, 16.4.3: bits of the global fault status. */
static const struct reason_row smmuv2_global[] = {
	{ 1 << 1, CAUSE_STREAM, "a stream id that matches no entry of the unit", NULL },
	{ 1 << 2, CAUSE_STREAM, "a stream id that matches several entries of the unit", NULL },
	{ 1 << 0, CAUSE_STREAM, "an invalid context: the stream's entry leads nowhere", NULL },
	{ 1 << 3, CAUSE_STREAM, "the stream's context bank is not implemented", NULL },
	{ 1 << 4, CAUSE_STREAM, "the context's interrupt is not implemented", NULL },
	{ 1 << 5, CAUSE_COMMAND, "an access to the unit's registers that is not allowed", NULL },
	{ 1 << 6, CAUSE_TABLE_ACCESS, "a bus error", NULL },
	{ 1 << 7, CAUSE_NO_WRITE, "a permission fault", NULL },
	{ 1 << 8, CAUSE_BLOCKED, "a transaction that the unit does not support", NULL },
};

/* virtio spec 5.13.6.9: fault reporting. */
static const struct reason_row virtio_reasons[] = {
	{ 0, CAUSE_UNKNOWN, "the unit does not say why", NULL },
	{ 1, CAUSE_NO_DEVICE, "the endpoint is attached to no domain", NULL },
	{ 2, CAUSE_UNMAPPED, "no mapping of the address allows the access", NULL },
};

/* RISC-V IOMMU specification 1.0, the fault queue's table of causes. */
static const struct reason_row riscv_reasons[] = {
	{ 1, CAUSE_NO_EXEC, "the platform does not let the unit fetch from the address", NULL },
	{ 4, CAUSE_BEYOND, "a read that is not aligned", NULL },
	{ 5, CAUSE_TABLE_ACCESS, "a read of the address, or of its page tables, that the platform refused", NULL },
	{ 6, CAUSE_BEYOND, "a write that is not aligned", NULL },
	{ 7, CAUSE_TABLE_ACCESS, "a write to the address, or a read of its page tables, that the platform refused", NULL },
	{ 12, CAUSE_NO_EXEC, "the first stage does not let the device execute from the address", NULL },
	{ 13, CAUSE_NO_READ, "no mapping in the first stage allows the read", NULL },
	{ 15, CAUSE_NO_WRITE, "no mapping in the first stage allows the write", NULL },
	{ 20, CAUSE_NO_EXEC, "the second stage does not let the device execute from the address", NULL },
	{ 21, CAUSE_NO_READ, "no mapping in the second stage allows the read", NULL },
	{ 23, CAUSE_NO_WRITE, "no mapping in the second stage allows the write", NULL },
	{ 256, CAUSE_NO_DEVICE, "the unit is off, and lets no request through", NULL },
	{ 257, CAUSE_TABLE_ACCESS, "the device directory could not be read", NULL },
	{ 258, CAUSE_NO_DEVICE, "the device has no valid entry in the device directory", NULL },
	{ 259, CAUSE_TABLES, "the device's entry in the device directory is wrong", NULL },
	{ 260, CAUSE_BLOCKED, "a sort of request that the device may not send", NULL },
	{ 261, CAUSE_TABLE_ACCESS, "the interrupt's page table entry could not be read", NULL },
	{ 262, CAUSE_IRQ_ENTRY, "the interrupt's page table entry is not valid", NULL },
	{ 263, CAUSE_TABLES, "the interrupt's page table entry is wrong", NULL },
	{ 264, CAUSE_TABLE_ACCESS, "the file of pending interrupts could not be accessed", NULL },
	{ 265, CAUSE_TABLE_ACCESS, "the process directory could not be read", NULL },
	{ 266, CAUSE_PASID, "the process directory has no valid entry for the PASID", NULL },
	{ 267, CAUSE_TABLES, "the PASID's entry in the process directory is wrong", NULL },
	{ 268, CAUSE_TABLE_ACCESS, "the device directory is corrupt", NULL },
	{ 269, CAUSE_TABLE_ACCESS, "the process directory is corrupt", NULL },
	{ 270, CAUSE_TABLE_ACCESS, "the interrupts' page table is corrupt", NULL },
	{ 271, CAUSE_TABLE_ACCESS, "the file of pending interrupts is corrupt", NULL },
	{ 272, CAUSE_TABLE_ACCESS, "an error in the unit's own data path", NULL },
	{ 273, CAUSE_TABLE_ACCESS, "the unit's own interrupt could not be written", NULL },
	{ 274, CAUSE_TABLE_ACCESS, "a page table is corrupt", NULL },
};

static const char *const cause_texts[CAUSE_MAX] = {
	[CAUSE_UNMAPPED] = "The device used an address that was unmapped too early or never mapped, or it got a physical address "
			   "instead of a DMA address.",
	[CAUSE_NO_WRITE] = "The device wrote to an address that is mapped for reading only or not at all: unmapped too early, "
			   "mapped with the wrong direction, or a physical address given to the device.",
	[CAUSE_NO_READ] = "The device read an address that is not mapped for reading: unmapped too early, mapped with the wrong "
			  "direction, or a physical address given to the device.",
	[CAUSE_NO_EXEC] = "The device wanted to execute from memory that it may only read or write.",
	[CAUSE_PRIVILEGE] = "The request's privilege does not fit the mapping: a kernel mapping used for a process, or the other "
			    "way round.",
	[CAUSE_NO_DEVICE] = "Nothing is set up for this requester id: the request carries the id of another function (a bridge or an "
			    "alias), or the device runs before any driver did, as firmware or the kernel before a kexec left it.",
	[CAUSE_BLOCKED] = "The device sent a sort of request that it may not send: ATS on while it is off in the unit, or a device "
			  "that is not trusted.",
	[CAUSE_TABLES] = "The tables that the kernel wrote are not what this unit takes: a kernel or firmware bug, or memory that "
			 "was overwritten.",
	[CAUSE_TABLE_ACCESS] = "The unit could not read its own tables: memory that was freed or overwritten, or broken hardware.",
	[CAUSE_BEYOND] = "The address cannot be a DMA address of this device: an uninitialised or corrupted descriptor, or an "
			 "address sign-extended on its way.",
	[CAUSE_PASID] = "The address space was detached while the device still works for it: the process is gone, or the driver "
			"did not stop the queue first.",
	[CAUSE_IRQ_ENTRY] = "The device sent an interrupt whose vector was freed or never set up: MSI left on after its driver "
			    "let go, or a kernel before a kexec.",
	[CAUSE_IRQ_SOURCE] = "The interrupt came with another requester id than its owner's: a bridge or alias in between, or a "
			     "device that writes interrupts that are not its own.",
	[CAUSE_IRQ_FORMAT] = "The device sent an interrupt that was not set up through remapping: firmware set it up, or the "
			     "write was no interrupt at all.",
	[CAUSE_COMMAND] = "The driver of the unit gave it a command that it does not take: a kernel bug, or a unit that is wedged.",
	[CAUSE_TIMEOUT] = "The device hangs, is gone or in a low-power state while its translation cache (ATS) was to be cleared.",
	[CAUSE_PAGE_REQUEST] = "The page fault path of the device is not set up, or was taken down while requests were on their way.",
	[CAUSE_LOST] = "More happened than could be recorded: what is listed here is not all.",
	[CAUSE_STREAM] = "Nothing is set up for this stream id: the firmware's table (IORT or device tree) gives the device another "
			 "id, or the device works before its driver does.",
	[CAUSE_RMP] = "The device accessed memory that belongs to a confidential guest or to the firmware.",
};

const char *fault_cause_text(enum fault_cause c)
{
	return cause_texts[c];
}

static const struct reason_row *find_code(const struct reason_row *rows, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

static const struct reason_row *find_bit(const struct reason_row *rows, size_t n, uint32_t mask)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].code & mask)
			return &rows[i];
	return NULL;
}

bool vtd_reason_matches(uint32_t code, struct slice text)
{
	const struct reason_row *r = find_code(vtd_reasons, ARRAY_SIZE(vtd_reasons), code);

	return r && r->match && slice_has_bytes(text, r->match, strlen(r->match));
}

static void set_row(struct fault_words *w, const struct reason_row *r, const char *spec)
{
	w->spec = spec;
	if (!r)
		return;
	w->cause = r->cause;
	snprintf(w->text, sizeof(w->text), "%s", r->text);
}

/* AMD event flags (48882, 2.5.3), of IO_PAGE_FAULT. */
enum amd_flags {
	AMD_NX = 0x002,
	AMD_I = 0x008,
	AMD_PR = 0x010,
	AMD_RW = 0x020,
	AMD_PE = 0x040,
	AMD_RZ = 0x080,
	AMD_TR = 0x100,
};

static void amd_page_fault(struct fault_words *w, uint64_t flags)
{
	const char *what = flags & AMD_RW ? "write" : "read", *why;

	w->cause = CAUSE_UNMAPPED;
	if (flags & AMD_I) {
		w->cause = CAUSE_IRQ_ENTRY;
		what = "interrupt";
		why = flags & AMD_PR ? "its remapping entry does not allow it" : "its remapping entry is not present";
	} else if (flags & AMD_RZ) {
		w->cause = CAUSE_TABLES;
		why = "a page table entry has reserved bits set or an impossible level";
	} else if (!(flags & AMD_PR)) {
		why = "the page is not present";
	} else if (flags & AMD_PE) {
		w->cause = flags & AMD_RW ? CAUSE_NO_WRITE : CAUSE_NO_READ;
		why = "the page is present, the device has no permission";
	} else {
		why = "the page is present";
	}
	snprintf(w->text, sizeof(w->text), "%s%s: %s", what, flags & AMD_TR ? " (ATS translation request)" : "", why);
}

static void explain_amd(const struct event *ev, struct fault_words *w)
{
	set_row(w, find_code(amd_reasons, ARRAY_SIZE(amd_reasons), ev->fault.code), "AMD IOMMU spec 2.5");
	if (ev->fault.code == 2 && ev->fault.has_flags)
		amd_page_fault(w, ev->fault.flags);
}

static void explain_smmuv3(const struct event *ev, struct fault_words *w)
{
	set_row(w, find_code(smmuv3_reasons, ARRAY_SIZE(smmuv3_reasons), ev->fault.code), "SMMUv3 spec 7.3");
	if (ev->fault.code == 0x13 && !(ev->access & ACCESS_WRITE))
		w->cause = ev->access & ACCESS_EXEC ? CAUSE_NO_EXEC : CAUSE_NO_READ;
}

static void explain_smmuv2(const struct event *ev, struct fault_words *w)
{
	if (ev->fault.kind == FAULT_GLOBAL)
		set_row(w, find_bit(smmuv2_global, ARRAY_SIZE(smmuv2_global), ev->fault.code), "SMMUv2 spec 16.4");
	else
		set_row(w, find_bit(smmuv2_context, ARRAY_SIZE(smmuv2_context), ev->fault.code), "SMMUv2 spec 16.5");
	if (w->cause == CAUSE_NO_WRITE && !(ev->access & ACCESS_WRITE))
		w->cause = CAUSE_NO_READ;
}

/* Units whose drivers name the reason; their codes are in no public specification. */
static void explain_words(const struct event *ev, struct fault_words *w)
{
	struct slice t = ev->fault.text;

	if (slice_has(t, "BUS_ERROR") || slice_has(t, "Walk Abort"))
		w->cause = CAUSE_TABLE_ACCESS;
	else if (slice_has(t, "MULTI-HIT") || slice_has(t, "Multiple TLB hits"))
		w->cause = CAUSE_TABLES;
	else if (slice_has(t, "PROTECTION") || slice_has(t, "READ FAULT") || slice_has(t, "WRITE FAULT"))
		w->cause = ev->access & ACCESS_WRITE ? CAUSE_NO_WRITE : CAUSE_NO_READ;
	else
		w->cause = CAUSE_UNMAPPED;
	snprintf(w->text, sizeof(w->text), "%.*s", SLICE_FMT(t));
}

/* Errors that carry no code: their kind and the log's words tell. */
static void explain_kind(const struct event *ev, struct fault_words *w)
{
	const struct fault_info *f = &ev->fault;

	switch (f->kind) {
	case FAULT_DMA:
		w->cause = ev->vendor == VENDOR_UNKNOWN ? CAUSE_UNMAPPED : CAUSE_UNKNOWN;
		break;
	case FAULT_INVALIDATION:
		w->cause = CAUSE_TIMEOUT;
		break;
	case FAULT_COMMAND:
		w->cause = slice_has(f->text, "ATC") ? CAUSE_TIMEOUT : CAUSE_COMMAND;
		break;
	case FAULT_PAGE_REQUEST:
		w->cause = slice_has(f->text, "overflow") ? CAUSE_LOST : CAUSE_PAGE_REQUEST;
		break;
	case FAULT_GLOBAL:
		w->cause = slice_has(f->text, "overflow") ? CAUSE_LOST :
			   ev->vendor == VENDOR_SMMUV2	  ? CAUSE_STREAM :
							    CAUSE_UNKNOWN;
		break;
	default:
		break;
	}
}

void fault_explain(const struct event *ev, struct fault_words *ret)
{
	const struct fault_info *f = &ev->fault;

	*ret = (struct fault_words){ 0 };
	if (ev->vendor > VENDOR_RISCV && f->text.n)
		explain_words(ev, ret);
	else if (!f->has_code)
		explain_kind(ev, ret);
	else if (ev->vendor == VENDOR_RISCV)
		set_row(ret, find_code(riscv_reasons, ARRAY_SIZE(riscv_reasons), f->code), "RISC-V IOMMU spec, fault queue");
	else if (ev->vendor == VENDOR_VTD)
		set_row(ret, find_code(vtd_reasons, ARRAY_SIZE(vtd_reasons), f->code), "VT-d spec 7.1.3");
	else if (ev->vendor == VENDOR_AMD)
		explain_amd(ev, ret);
	else if (ev->vendor == VENDOR_SMMUV3)
		explain_smmuv3(ev, ret);
	else if (ev->vendor == VENDOR_SMMUV2)
		explain_smmuv2(ev, ret);
	else if (ev->vendor == VENDOR_VIRTIO)
		set_row(ret, find_code(virtio_reasons, ARRAY_SIZE(virtio_reasons), f->code), "virtio spec 5.13.6");
	if (ret->text[0])
		return;
	if (f->has_code)
		snprintf(ret->text, sizeof(ret->text), "reason 0x%02x, which the specification does not list", f->code);
	else if (f->text.n && f->text.p[0])
		snprintf(ret->text, sizeof(ret->text), "%.*s", SLICE_FMT(f->text));
	else
		snprintf(ret->text, sizeof(ret->text), "the record does not say why");
}
