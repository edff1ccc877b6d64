// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/messages.h"

#include <regex.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

/* Longer lines are no messages. */
#define LINE_LEN_MAX 2048

#define ADDR "([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7])"

/*
 * @pattern: extended regular expression, case ignored; its first group is the device or the group, which takes the place of %s
 * in @command. Where the line has none, @plain is the command.
 */
struct message {
	const char *code, *pattern, *text, *remedy, *command, *plain;
};

#define NOT_VIABLE "Another device of the same group is still on a driver of the host. The whole group is given away or none of it."
#define BIND_REFUSED                                                                                                                       \
	"The VFIO driver does not take the device: it has no group (the IOMMU is off), it is a bridge, its virtual functions are in use, " \
	"or its firmware needs memory mapped."

#define NO_RESET                                                                                                                           \
	"The device can be reset only along with others on its bus, and not all of those are given to the same program; or it cannot be " \
	"reset at all."
#define BAD_ROM                                                                                                                            \
	"The device's ROM cannot be read: a graphics card that the firmware started on hides it, or the device sleeps. A guest may need the ROM as a " \
	"file (romfile=)."
#define GONE "The device did not come back from a reset, or from a state without power: it will not work until the machine is switched off and on."
#define NO_PERMISSION \
	"The program may not open the node: the node's owner and mode forbid it, or the device cgroup of a container or unit does."
#define ONE_USER \
	"Another program has the group open, or a device of it was given away through iommufd. A group has one user at a time."
#define NO_GROUP_NODE "The group has no node: none of its devices is on a VFIO driver."
#define GIVEN "libvirt gave the device to a guest, and that one runs."
#define OPEN_REFUSED                                                                                                                       \
	"The group could be claimed, a device in it could not be opened: it is on no VFIO driver, another program has it, or it does not come up. " \
	"The kernel log has the reason."
#define CLAIM_REFUSED                                                                                                                     \
	"The kernel refused the claim: a device of the group is on a driver of the host, interrupts are not isolated, or another program owns " \
	"the group."
#define STUCK                                                                                                                              \
	"The IOMMU does not get done with an invalidation: mostly it waits for a device that was told to forget translations (ATS), and that one has " \
	"hung, behind a reset or a sleep that it did not survive."

static const struct message messages[] = {
	{ "not-viable", "group ([0-9]+) is not viable",
	  NOT_VIABLE,
	  "See which device is in the way, and what frees it", "iommuctl group check %s", NULL },
	{ "not-viable", ADDR ".*group is not viable",
	  NOT_VIABLE,
	  "See which device is in the way, and what frees it", "iommuctl group check %s", NULL },
	{ "not-viable", "group ([0-9]+) has devices not bound",
	  NOT_VIABLE,
	  "See which device is in the way, and what frees it", "iommuctl group check %s", NULL },
	{ "not-viable", "ensure all devices within the iommu_group are bound",
	  NOT_VIABLE,
	  "See which groups are not viable, and why", NULL, "iommuctl group list --not-viable" },
	{ "not-viable", "group is (not |in)viable|groupviable",
	  NOT_VIABLE,
	  "See which groups are not viable, and why", NULL, "iommuctl group list --not-viable" },
	{ "in-use", "/dev/vfio/([0-9]+)( group)?: device or resource busy",
	  ONE_USER,
	  "See who holds it", "iommuctl group check %s", NULL },
	{ "in-use", "opengroup\\(os \\{ code: 16,.*\"([0-9]+)\"",
	  ONE_USER,
	  "See who holds it", "iommuctl group check %s", NULL },
	{ "in-use", "failed to open vfio group ([0-9]+)",
	  "The group's node could not be opened: another program has it, it is not there yet, or its permissions forbid it.",
	  "See the state of the group and who holds it", "iommuctl group check %s", NULL },
	{ "in-use", "pci device " ADDR " is in use by driver",
	  GIVEN,
	  "See who holds it", "iommuctl group check %s", NULL },
	{ "in-use", "not detaching active device " ADDR,
	  GIVEN,
	  "See who holds it", "iommuctl group check %s", NULL },
	{ "address-spaces", "group ([0-9]+) used in multiple address spaces",
	  "Devices of one group were given to different address spaces (a guest with a virtual IOMMU, or two guests). Devices of one "
	  "group always share one.",
	  "See why these devices share a group, and what would part them", "iommuctl group explain %s", NULL },
	{ "memlock",
	  "rlimit_memlock|(map_dma|ioas_map) failed: cannot allocate memory|map_dma: -12|dma_map\\(.*-12 |dma (re)?mapping, error 12|"
	  "iommudmamap\\(error\\(12\\)|into iommu table: cannot allocate memory",
	  "The program may not lock that much memory: VFIO locks the whole memory of a guest, and the limit of the program is lower "
	  "than that.",
	  "See the limit; raise LimitMEMLOCK= of the unit, or <memtune><hard_limit> of the guest", NULL, "iommuctl doctor" },
	{ "memlock-rights", "cannot limit locked memory",
	  "libvirt may not raise the limit for memory that its guest locks: in a container or a user's session it lacks CAP_SYS_RESOURCE. The limit is to "
	  "be raised from outside.",
	  "See the limit", NULL, "iommuctl doctor" },
	{ "mapped-twice",
	  "dma_map\\(.*-17 |(map_dma|ioas_map) failed: file exists|dma (re)?mapping, error 17|iommudmamap\\(error\\(17\\)|into iommu table: file exists",
	  "The program mapped an address that it has mapped already, at least in part. That is its own fault: two devices were given the same window, or it "
	  "maps its memory anew for a second device of the same address space.",
	  "See whether something else is wrong", NULL, "iommuctl doctor" },
	{ "bad-range",
	  "dma_map\\(.*-22 |(map_dma|ioas_map) failed: invalid argument|map_dma: -22|dma (re)?mapping, error 22|iommudmamap\\(error\\(22\\)|"
	  "into iommu table: invalid argument",
	  "An address is beyond what the IOMMU can translate, or lies in a range that is reserved for a device of the group.",
	  "See the width of addresses, and the reserved regions of the group", NULL, "iommuctl iommu list -o +address_width" },
	{ "no-peer-to-peer", "dma_map\\(.*-14 |(map_dma|ioas_map) failed: bad address|peer-to-peer transactions on bars are not supported",
	  "Memory of another device that was given to the same guest could not be mapped: DMA between these devices will not work. All else does.",
	  "See whether something else is wrong", NULL, "iommuctl doctor" },
	{ "no-group-node", "/dev/vfio/([0-9]+)( group)?: no such file",
	  NO_GROUP_NODE,
	  "See which devices the group has, and what binds them", "iommuctl group check %s", NULL },
	{ "no-group-node", "opengroup\\(os \\{ code: 2,.*\"([0-9]+)\"",
	  NO_GROUP_NODE,
	  "See which devices the group has, and what binds them", "iommuctl group check %s", NULL },
	{ "no-permission", "/dev/vfio/([0-9]+)( group)?: (permission denied|operation not permitted)",
	  NO_PERMISSION,
	  "See the state of the group and who holds it", "iommuctl group check %s", NULL },
	{ "no-permission", "(/dev/vfio/vfio( container)?|/dev/vfio/devices/vfio[0-9]+|/dev/iommu)'?: (permission denied|operation not permitted)",
	  NO_PERMISSION,
	  "See what this kernel offers, and to whom", NULL, "iommuctl doctor" },
	{ "noiommu-rights", "/dev/vfio/noiommu-[0-9]+'?: (permission denied|operation not permitted)",
	  "Where no IOMMU is, only programs with CAP_SYS_RAWIO may open a device: it could write to all memory.",
	  "See whether the machine has an IOMMU that can be turned on", NULL, "iommuctl doctor" },
	{ "not-on-vfio", ADDR " not managed by vfio driver",
	  "The program skips the device, since it is on no VFIO driver.",
	  "Bind it to one", "iommuctl device bind %s", NULL },
	{ "open-refused", "error getting device from group ([0-9]+)",
	  OPEN_REFUSED,
	  "See the state of the group and who holds it", "iommuctl group check %s", NULL },
	{ "open-refused", "verify all devices in group ([0-9]+) are bound",
	  OPEN_REFUSED,
	  "See the state of the group and who holds it", "iommuctl group check %s", NULL },
	{ "no-iommu", "no iommu_group found|has no iommugroup available|no iommu detected|iommu not present|host doesn't support passthrough of host pci",
	  "The device is in no group: no IOMMU is on, or none is in front of it.",
	  "See why no IOMMU is on, and what turns it on", NULL, "iommuctl doctor" },
	{ "no-vfio", "vfio support could not be initialized|/dev/vfio/vfio( container)?'?: no such (file|device)|opencontainer\\(os \\{ code: (2|19),",
	  "The program found no VFIO: its modules are not loaded, or no IOMMU is on.",
	  "See what is missing", NULL, "iommuctl doctor" },
	{ "no-type1", "no supported iommu extensions found|do[nes]+'t support vfiotype1v2|\\(vfiotype1v2\\)",
	  "The program found no way to map memory through a VFIO container: the module vfio_iommu_type1 is not loaded, or left out of this kernel.",
	  "See what this kernel offers", NULL, "iommuctl doctor" },
	{ "built-in", "module vfio[a-z0-9_]* is builtin",
	  "Nothing is wrong: the module is a part of this kernel and need not be loaded. Its options, as vfio-pci.ids=, are given on the kernel's command "
	  "line; those in /etc/modprobe.d do nothing.",
	  "See what this kernel offers", NULL, "iommuctl doctor" },
	{ "needs-iommufd", ADDR ".*need iommufd backend",
	  "A virtual IOMMU whose tables the hardware walks needs the device through iommufd; it was given through a VFIO group.",
	  "See the options for QEMU", "iommuctl plan %s", NULL },
	{ "no-cdev", "/dev/vfio/devices/vfio[0-9]+.*no such file",
	  "The device has no node of its own: it is not bound to a VFIO driver, or this kernel makes no such nodes "
	  "(CONFIG_VFIO_DEVICE_CDEV).",
	  "See what this kernel offers", NULL, "iommuctl doctor" },
	{ "no-iommufd", "/dev/iommu'?: no such file",
	  "This kernel has no iommufd, or its module is not loaded (modprobe iommufd).",
	  "See what this kernel offers", NULL, "iommuctl doctor" },
	{ "old-qemu", "property '[^']*\\.iommufd' not found|'iommufd' is not a valid object|invalid object type.*iommufd",
	  "This QEMU knows no iommufd: it came with 9.0, and can be left out of a build. Without iommufd= the device goes through a VFIO container.",
	  "See what this kernel offers", NULL, "iommuctl doctor" },
	{ "address-width", "aw-bits [0-9]+ > host aw-bits",
	  "The guest's IOMMU was made wider than the host's can translate: aw-bits= of intel-iommu is to be what that can.",
	  "See the host's width", NULL, "iommuctl iommu list -o +address_width" },
	{ "waits-for-holder", ADDR ".*relaying device request to user",
	  "Somebody wants the device back from the program that has it, and waits until it is let go. The write to unbind hangs "
	  "until then, and cannot be called off.",
	  "See which program has it, and end that", "iommuctl device show %s", NULL },
	{ "bind-refused", "bind failed for " ADDR ".*vfio|cannot bind to driver vfio-pci",
	  BIND_REFUSED,
	  "See what stands in the way", "iommuctl group check %s", "iommuctl doctor" },
	{ "bind-refused", "cannot bind " ADDR " to vfio",
	  BIND_REFUSED,
	  "See what stands in the way", "iommuctl group check %s", NULL },
	{ "bind-refused", "vfio[a-z_-]*: probe of " ADDR " failed with error",
	  BIND_REFUSED,
	  "See what stands in the way", "iommuctl group check %s", NULL },
	{ "bind-refused", ADDR ": probe with driver [a-z_-]*vfio[a-z_-]* failed",
	  BIND_REFUSED,
	  "See what stands in the way", "iommuctl group check %s", NULL },
	{ "bind-refused", "failed to bind pci device '?" ADDR "'? to vfio",
	  BIND_REFUSED,
	  "See what stands in the way", "iommuctl group check %s", NULL },
	{ "bind-refused", "(write error|/bind'?): no such device$",
	  "A write to a driver's bind, as it seems. The driver does not take the device: its ids are not in the driver's list, and driver_override does not name "
	  "the driver; or it looked at the device and does not want it.",
	  "This does all that is to be done for VFIO, and says what stands in the way", NULL, "iommuctl help device bind" },
	{ "ids-known", "(write error|/new_id'?): file exists$",
	  "A write to a driver's new_id, as it seems: the driver has these ids already. Nothing is wrong with that.",
	  "See which devices it has taken", NULL, "iommuctl device list" },
	{ "has-driver", "(write error|/bind'?): device or resource busy$",
	  "A write to a driver's bind, as it seems, of a device that is on another driver: it has to leave that one first.",
	  "See which driver it is on", NULL, "iommuctl device list" },
	{ "reset-hangs", ADDR ".*unable to change power state",
	  GONE,
	  "See how it can be reset; another way may work", "iommuctl device show %s", NULL },
	{ "reset-hangs", ADDR ": not ready [0-9]+ms after",
	  GONE,
	  "See how it can be reset; another way may work", "iommuctl device show %s", NULL },
	{ "reset-hangs", ADDR ": amd_[a-z0-9]+: failed to reset device",
	  GONE,
	  "See how it can be reset; another way may work", "iommuctl device show %s", NULL },
	{ "lost-bars", ADDR ".*reset recovery - restoring bars",
	  "The device was reset without VFIO's doing and forgot its memory windows; they are written back. A graphics card that does so often fails "
	  "when its guest ends.",
	  "See how it can be reset", "iommuctl device show %s", NULL },
	{ "bad-rom", ADDR ".*invalid pci rom header signature",
	  BAD_ROM,
	  "See whether it is the one that the firmware started on", "iommuctl device show %s", NULL },
	{ "bad-rom", "cannot read device rom at " ADDR,
	  BAD_ROM,
	  "See whether it is the one that the firmware started on", "iommuctl device show %s", NULL },
	{ "bad-config", ADDR ".*hardware reports invalid configuration",
	  "What the device says of itself contradicts itself. Mostly it sleeps or has hung, so that all of it reads as ones.",
	  "See what it says now", "iommuctl device show %s", NULL },
	{ "no-reset", "cannot reset device " ADDR,
	  NO_RESET,
	  "See how it can be reset, and which devices a reset takes along", "iommuctl device show %s", NULL },
	{ "no-reset", ADDR "/reset.*inappropriate ioctl",
	  NO_RESET,
	  "See how it can be reset, and which devices a reset takes along", "iommuctl device show %s", NULL },
	{ "invalidation-timeout", "iotlb_inv_timeout device=(([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7])",
	  STUCK,
	  "See how the device can be reset", "iommuctl device show %s", NULL },
	{ "invalidation-timeout", "completion-wait loop timed out|cmd_sync timeout|invalidation time-out error",
	  STUCK,
	  "See what else is wrong", NULL, "iommuctl doctor" },
	{ "bounce-buffers", ADDR ".*swiotlb buffer is full",
	  "DMA goes through bounce buffers, and they are used up: the device cannot reach all memory and no IOMMU translates for it, or the kernel trusts "
	  "neither. swiotlb= on the kernel's command line makes more of them.",
	  "See whether an IOMMU translates for it", "iommuctl device show %s", NULL },
	{ "interrupts-not-isolated", "no interrupt remapping|allow_unsafe_interrupts",
	  "Interrupts of devices are not remapped on this machine, so the kernel gives no device away.",
	  "See why remapping is off, and what turns it on", NULL, "iommuctl doctor" },
	{ "direct-region", ADDR ".*(rmrr|1:1 mapping)",
	  "Firmware wants memory to stay mapped for the device, so the kernel does not give it away.",
	  "See the ranges, and which firmware table they come from", "iommuctl group check %s", NULL },
	{ "direct-region", "platform rmrr requirement",
	  "Firmware wants memory to stay mapped for the device, so the kernel does not give it away.",
	  "See for which devices", NULL, "iommuctl doctor" },
	{ "rmrr-not-reserved", "no firmware reserved region can cover this rmrr",
	  "Firmware wants memory mapped for a device (RMRR) and forgot to reserve it in its memory map. The kernel goes on; what the region names cannot be "
	  "given away.",
	  "See which devices it names", NULL, "iommuctl doctor" },
	{ "fault-record", "handling fault status reg|fault addr |io_page_fault|unhandled context fault|smmu.*event 0x[0-9a-f]+ received",
	  "A device did DMA that its IOMMU refused. The record says which one, where to, and why.",
	  "Decode the whole log", NULL, "dmesg | iommuctl faults decode -" },
	{ "bar-taken", ADDR ".*can't reserve|vfio_region_(read|write)\\(.*failed: device or resource busy",
	  "Something on the host holds a part of the device's memory; with display adapters it is the console of the firmware.",
	  "See whether it is the framebuffer", NULL, "iommuctl doctor" },
	{ "stream-shared", ADDR ": aliasing streamid",
	  "A bridge puts its own id on the requests of all devices behind it, and the driver of the SMMU takes the first of them alone. This one gets no group and "
	  "cannot be given away; its DMA goes where the first one's goes.",
	  "See the stream ids of the device, and who else has them", "iommuctl device show %s", NULL },
	{ "attach-refused", "error attach " ADDR " \\([0-9]+\\) to id=",
	  "The IOMMU's driver refused to attach the device: its group is not as it must be, or its hardware cannot do what the page table is for. The kernel "
	  "log has the reason.",
	  "See what stands in the way", "iommuctl group check %s", NULL },
	{ "attach-refused", "(set iommu for container|group to container, error|as vfiotype1v2:).*(input/output|invalid)|containersetiommu\\(error\\((5|22)\\)",
	  "The IOMMU's driver refused to attach the group: firmware wants memory mapped for a device of it, or the unit's own tables are at fault. The "
	  "kernel log has the reason.",
	  "See which groups can be claimed, and why others cannot", NULL, "iommuctl group list" },
	{ "claim-refused", ADDR " +failed to select iommu type",
	  CLAIM_REFUSED,
	  "See what stands in the way", "iommuctl group check %s", NULL },
	{ "claim-refused",
	  "(set iommu for container|group to container, error|as vfiotype1v2|iommufd).*operation not permitted|"
	  "(containersetiommu|vfiodevicebindiommufd)\\(error\\(1\\)",
	  CLAIM_REFUSED,
	  "See which groups can be claimed, and why others cannot", NULL, "iommuctl group list" },
};

struct matcher {
	struct arena *arena;
	struct finding f;
	regex_t re[ARRAY_SIZE(messages)];
	bool compiled[ARRAY_SIZE(messages)];
};

static bool already_said(const struct finding *f, const char *code)
{
	for (size_t i = 0; i < f->reasons.n; i++)
		if (streq(f->reasons.v[i].code, code))
			return true;
	return false;
}

/* The commands have one %s, for the device or group; what the pattern let through is safe in a shell. */
static const char *command_for(struct matcher *m, const struct message *msg, const char *line, const regmatch_t *at)
{
	const char *hole = msg->command ? strstr(msg->command, "%s") : NULL;

	if (!hole || at->rm_so < 0)
		return msg->plain;
	return arena_printf(m->arena, "%.*s%.*s%s", (int)(hole - msg->command), msg->command, (int)(at->rm_eo - at->rm_so),
			    line + at->rm_so, hole + 2);
}

static void match_line(struct matcher *m, const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		regmatch_t at[2];
		struct reason *r;

		if (!m->compiled[i] || already_said(&m->f, messages[i].code) || regexec(&m->re[i], line, 2, at, 0))
			continue;
		r = finding_add(&m->f, SEVERITY_NOTE, messages[i].code);
		r->text = messages[i].text;
		r->value = arena_strdup(m->arena, line);
		finding_remedy(&m->f, false, command_for(m, &messages[i], line, &at[1]), "%s", messages[i].remedy);
	}
}

struct rows messages_explain(struct arena *arena, const char *text)
{
	struct matcher m = { .arena = arena, .f = { .arena = arena } };
	const char *limit = text + strnlen(text, MESSAGES_TEXT_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		m.compiled[i] = regcomp(&m.re[i], messages[i].pattern, REG_EXTENDED | REG_ICASE) == 0;
	while (text < limit) {
		const char *end = memchr(text, '\n', limit - text);
		size_t n = (end ? end : limit) - text;

		if (n && n <= LINE_LEN_MAX)
			match_line(&m, arena_memdup(arena, text, n));
		text += n + 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (m.compiled[i])
			regfree(&m.re[i]);
	return finding_rows(&m.f);
}
