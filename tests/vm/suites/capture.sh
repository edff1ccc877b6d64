# SPDX-License-Identifier: GPL-2.0-or-later
# capture.sh: a raw tree of this machine's facts, as an admin would make it: fresh, and after a move to vfio-pci.
# shellcheck shell=sh

# dump NAME: /share/out/NAME.tar with sys/, proc/ and some listings
dump() {
	rm -rf /tmp/dump
	mkdir -p /tmp/dump/sys/kernel /tmp/dump/proc/self /tmp/dump/proc/1
	for d in block bus class dev devices firmware hypervisor module; do
		[ ! -e /sys/$d ] || cp -a /sys/$d /tmp/dump/sys/
	done 2>/dev/null
	for f in iommu_groups notes kexec_loaded; do
		[ ! -e /sys/kernel/$f ] || cp -a /sys/kernel/$f /tmp/dump/sys/kernel/
	done 2>/dev/null
	for f in mounts swaps cmdline modules version interrupts iomem ioports devices misc filesystems \
		cpuinfo meminfo partitions config.gz net/dev net/route net/arp net/if_inet6 net/ipv6_route \
		net/fib_trie net/tcp self/mountinfo 1/mountinfo sys/kernel/tainted sys/kernel/osrelease \
		sys/kernel/hostname sys/kernel/random/boot_id sys/kernel/kptr_restrict \
		sys/kernel/dmesg_restrict; do
		mkdir -p "/tmp/dump/proc/$(dirname $f)"
		[ ! -e /proc/$f ] || cat /proc/$f >/tmp/dump/proc/$f
	done
	cd /tmp/dump || exit 1
	# what can not be read is not there, rather than empty
	find sys -type f -size 0 | while read -r f; do
		cat "/$f" >/dev/null 2>&1 || rm -f "$f"
	done
	find sys -type f ! -perm -400 -exec rm -f {} +
	dmesg >dmesg.txt
	ls -lR /dev >dev.txt
	{ ip addr; ip route; } >ip.txt
	tar -cf "/share/out/$1.tar" .
	cd /tmp || exit 1
}

dump fresh
[ "$LAB_TOPOLOGY" != demo ] || exit 0	# a machine in use already
moved=''
for g in /sys/kernel/iommu_groups/*; do
	for d in "$g"/devices/*; do
		[ -e "$d/config" ] || continue
		case $(cat "$d/class") in
		0x06* | 0x0c05*) continue ;;
		esac
		case $(basename "$(readlink "$d/driver")") in
		virtio-pci) continue ;;
		esac
		b=$(basename "$d")
		echo vfio-pci >"$d/driver_override"
		[ ! -e "$d/driver" ] || echo "$b" >"$d/driver/unbind"
		echo "$b" >/sys/bus/pci/drivers/vfio-pci/bind && moved="$moved $b"
		break
	done
done
echo "moved to vfio-pci:$moved"
dump vfio
