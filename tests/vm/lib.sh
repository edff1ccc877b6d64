# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh: what the lab's scripts share. Sourced, with $here set to tests/vm.
# shellcheck shell=sh

: "${here:?}"
cache=${IOMMUCTL_VM_CACHE:-$here/cache}
limit=${IOMMUCTL_VM_TIMEOUT:-120}
topology_file='' kernel='' initrd=''
# EDK2 for QEMU's arm64 machine, from Debian's qemu-efi-aarch64
efi=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd

arch=amd64

# where iommuctl was built, if it was
build=${IOMMUCTL_BUILD:-$here/../../build}
build_arm64=${IOMMUCTL_BUILD_ARM64:-${build%/}-arm64}
[ -x "$build/iommuctl" ] || [ -n "${IOMMUCTL_BUILD:-}" ] || build=$here/../..

die() { echo "$(basename "$0"): $*" >&2; exit 2; }

# skip WHY: for TAP readers on stdout, for people on stderr
skip() {
	echo "1..0 # skip $*"
	echo "skip: $*" >&2
	exit 77
}

# newer A B: A was changed after B, or there is no B
newer() { [ ! -e "$2" ] || [ -n "$(find -L "$1" -newer "$2")" ]; }

# find_topology NAME: sets $topology_file, and $arch with the build for it
find_topology() {
	topology_file=$here/topologies/$1
	[ -f "$topology_file" ] || die "$1: no such topology; there are:" \
		"$(cd "$here/topologies" && echo ./* | sed 's,\./,,g')"
	like=$(sed -n 's/^like //p' "$topology_file")
	if [ -n "$like" ]; then
		# all of the other's lines, too
		mkdir -p "$cache"
		cat "$topology_file" "$here/topologies/$like" >"$cache/topology-$1.$$"
		topology_file=$cache/topology-$1
		mv "$topology_file.$$" "$topology_file"
	fi
	! grep -qx 'arch arm64' "$topology_file" || for_arm64
}

# for_arm64: from here on the lab is that of arm64
for_arm64() {
	arch=arm64
	build=$build_arm64
	IOMMUCTL_BUILD=$build
}

# find_kernel NAME|FILE: sets $kernel
find_kernel() {
	kernel=''
	[ "$1" != 6.1-debian ] || debian_part kernel "$cache/vmlinuz-6.1-debian"
	file=vmlinuz-$1 making=tests/vm/mkkernel qemu=qemu-system-x86_64 package=qemu-system-x86
	if [ $arch = arm64 ]; then
		file=Image.gz-$1 making='tests/vm/mkkernel --arch arm64' qemu=qemu-system-aarch64 package=qemu-system-arm
	fi
	for k in "$1" "${IOMMUCTL_LAB:-$cache}/$file" "$cache/$file"; do
		if [ -f "$k" ]; then
			kernel=$k
			break
		fi
	done
	[ -n "$kernel" ] || skip "no lab kernel $1: set IOMMUCTL_LAB=DIR or run $making"
	command -v $qemu >/dev/null || skip "no QEMU: install $package"
	[ $arch != arm64 ] || [ -x "$build/iommuctl" ] || skip "no $build/iommuctl for arm64: run ./bootstrap cross arm64"
}

# debian_part WORD FILE: makes it with mkdebian, unless it is there. One at a time: boots run side by side.
debian_part() {
	mkdir -p "$cache"
	(
		flock 9
		[ ! -e "$2" ] || [ -n "$(find "$here/mkdebian" "$here/debian" -newer "$2")" ] || exit 0
		"$here/mkdebian" "$1"
	) 9>"$cache/debian.lock" || exit
}

# as_root COMMAND...: for tools that want to be root in a tree of ours
as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else unshare -r "$@"; fi
}

# inside ROOT COMMAND...: in a tree that is no machine; what is mounted there for it is gone with it
inside() {
	# shellcheck disable=SC2016
	as_root unshare -m sh -c 'root=$1; shift
		mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" || exit
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$root" "$@"' sh "$@"
}

# debian_overlay NAME: makes $cache/overlay-NAME
debian_overlay() {
	case $1 in
	modules) debian_part kernel "$cache/overlay-modules" ;;
	*)	debian_part "$1" "$cache/overlay-$1" ;;
	esac
}

# overlays OUT: the archives that the topology wants unpacked over the initramfs, one behind the other
overlays() {
	: >"$1"
	sed -n 's/^overlay //p' "$topology_file" | while read -r o; do
		debian_overlay "$o"
		cat "$cache/overlay-$o" >>"$1"
		# the kernel looks for the next one at a multiple of 4
		while [ $(($(stat -c %s "$1") % 4)) -ne 0 ]; do printf '\0' >>"$1"; done
	done
	! grep -qx install "$topology_file" || install_overlay "$1"
	! grep -qx package "$topology_file" || package_overlay "$1"
}

# install_overlay OUT: what make install makes of the build, in the layout of mkinitrd
install_overlay() {
	d=$(mktemp -d "$cache/install.XXXXXX")
	make -s -C "$build" install DESTDIR="$d" >"$d.log" 2>&1 || { cat "$d.log" >&2; die "make install failed"; }
	if [ -d "$d/lib" ]; then
		mkdir -p "$d/usr/lib"
		cp -a "$d/lib/." "$d/usr/lib/"
		rm -rf "${d:?}/lib"
	fi
	(cd "$d" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) | zstd -q -3 >>"$1"
	rm -rf "$d" "$d.log"
}

# put_bindings DIR [early]: what device bind --persist would have written there; early: what was there when the initramfs was made. The suite
# compares it with what the program writes.
put_bindings() {
	mkdir -p "$1"
	sed -n "s/^binding ${2:-[a-z]*} //p" "$topology_file" | while read -r path id driver was; do
		printf '%s\npath=%s\nid=%s\ndriver=%s\nwas=%s\n' \
			'# Written by iommuctl device bind --persist; iommuctl device restore takes it away.' "$path" "$id" "$driver" "$was" \
			>"$1/$(echo "$path" | tr / -).conf"
	done
}

# early_initramfs MAKER OUT SHARE [OPTION]: what MAKER, initramfs-tools or dracut, makes in a Debian with iommuctl installed and the topology's early
# bindings; what is in it goes to SHARE. The maker's OPTION is a line of its configuration.
early_initramfs() {
	debian_part kernel "$cache/overlay-modules"
	debian_part "$1" "$cache/root-$1"
	d=$(mktemp -d "$cache/early.XXXXXX")
	cp -al "$cache/root-$1" "$d/root"
	make -s -C "$build" install DESTDIR="$d/root" initramfsdir=/usr/share/initramfs-tools dracutdir=/usr/lib/dracut >"$d/log" 2>&1 ||
		{ cat "$d/log" >&2; die "make install failed"; }
	put_bindings "$d/root/etc/iommuctl/bindings.d" early
	release=$(basename "$d"/root/usr/lib/modules/*)
	image=/boot/initrd.img-$release
	case $1 in
	dracut)
		[ -z "${4:-}" ] || echo "$4" >"$d/root/etc/dracut.conf.d/lab.conf"
		making="dracut -f --no-hostonly $image $release" listing="lsinitrd $image" ;;
	*)
		[ -z "${4:-}" ] || echo "$4" >"$d/root/etc/initramfs-tools/conf.d/lab"
		making="update-initramfs -c -k $release" listing="lsinitramfs -l $image" ;;
	esac
	# shellcheck disable=SC2086
	inside "$d/root" $making >"$d/log" 2>&1 || { cat "$d/log" >&2; die "$making failed"; }
	cp "$d/log" "$3/early-log"
	# shellcheck disable=SC2086
	inside "$d/root" $listing >"$3/early-list"
	if [ "$1" = initramfs-tools ]; then
		inside "$d/root" unmkinitramfs "$image" /tmp/early
		cp "$d"/root/tmp/early/scripts/init-top/ORDER "$d"/root/tmp/early/main/scripts/init-top/ORDER "$3/" 2>/dev/null || :
	fi
	cp "$d/root$image" "$2"
	rm -rf "$d"
}

# system_disk OUT DIR: a disk with what is otherwise unpacked into memory, for a machine that boots as a Debian does; DIR is made in it
system_disk() {
	tree=$(mktemp -d "$cache/disk.XXXXXX")
	chmod 755 "$tree"
	: >"$1.install"
	install_overlay "$1.install"
	for o in "$initrd" $(sed -n "s,^overlay ,$cache/overlay-,p" "$topology_file") "$1.install"; do
		zstd -dcq <"$o" | (cd "$tree" && as_root cpio -idmu --quiet)
	done
	mkdir -p "$tree/$2"
	# a systemd in an initramfs goes on to nothing that has none
	echo ID=lab >"$tree/etc/os-release"
	truncate -s 1G "$1"
	as_root env PATH="$PATH:/sbin:/usr/sbin" mke2fs -q -t ext4 -L system -E root_owner=0:0 -d "$tree" "$1"
	rm -rf "$tree" "$1.install"
}

# package_overlay OUT: $IOMMUCTL_DEB as /iommuctl.deb, and a database of dpkg that has what it depends on as this machine has it: the libraries in
# the guest are this machine's
package_overlay() {
	[ -f "${IOMMUCTL_DEB:-}" ] || skip "no package: set IOMMUCTL_DEB=FILE (tests/deb builds it)"
	d=$(mktemp -d "$cache/package.XXXXXX")
	mkdir -p "$d/var/lib/dpkg/info" "$d/var/lib/dpkg/updates"
	cp "$IOMMUCTL_DEB" "$d/iommuctl.deb"
	dpkg-deb -f "$IOMMUCTL_DEB" Depends | tr ',' '\n' | sed 's/^ *//; s/[ |:(].*//' | while read -r p; do
		# of several architectures the package's own
		! dpkg-query -s "$p:$(dpkg-deb -f "$IOMMUCTL_DEB" Architecture)" >/dev/null 2>&1 || p=$p:$(dpkg-deb -f "$IOMMUCTL_DEB" Architecture)
		dpkg-query -s "$p" && echo && touch "$d/var/lib/dpkg/info/$(dpkg-query -W -f '${binary:Package}' "$p").list"
	done >"$d/var/lib/dpkg/status"
	(cd "$d" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) | zstd -q -3 >>"$1"
	rm -rf "$d"
}

# helper NAME: builds tests/vm/NAME.c, static, into the cache; prints the path
helper() {
	cc=${CC:-cc} to=$cache/$1
	[ $arch = amd64 ] || cc=aarch64-linux-gnu-gcc to=$cache/$arch/$1
	if newer "$here/$1.c" "$to"; then
		mkdir -p "$(dirname "$to")"
		"$cc" -static -O1 -Wall -Wextra -Werror -I "$here/../../src" -o "$to.$$" "$here/$1.c"
		mv "$to.$$" "$to"
	fi
	echo "$to"
}

# helper32 NAME: the same, for x86-64's 32-bit mode, without a library; nothing when the compiler cannot
helper32() {
	to=$cache/$1
	if newer "$here/$1.c" "$to"; then
		mkdir -p "$cache"
		"${CC:-cc}" -m32 -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie -O1 -Wall -Wextra -Werror \
			-o "$to.$$" "$here/$1.c" || return 0
		mv "$to.$$" "$to"
	fi
	echo "$to"
}

# make_initrd: sets $initrd, made anew only when a part of it is newer than it
make_initrd() {
	set -- "$(helper vfio-truth)" "$(helper at-syscall)" "$(helper owner-hold)" "$(helper edu-dma)" \
		"$(helper vfio-client)" "$(helper pass-fd)" "$(helper map-loop)" "$here/../../boot/early-bind"
	# none where there is no 32-bit compiler
	# shellcheck disable=SC2046,SC2086
	[ $arch != amd64 ] || set -- "$@" $(helper32 call32)
	foreign=''
	if [ $arch != amd64 ]; then
		foreign=$cache/root-$arch
		debian_part $arch "$foreign"
		set -- "$@" trace-cmd
	elif command -v trace-cmd >/dev/null; then
		set -- "$@" trace-cmd
	fi
	[ -z "${IOMMUCTL_BUILD:-}" ] || [ -x "$build/iommuctl" ] || die "$build/iommuctl: not built"
	for p in iommuctl iommutop tests/vm/backend-drive tests/vm/differ tests/vm/errnos tests/bench/walk; do
		p=$build/$p
		[ ! -x "$p" ] || set -- "$@" "$p"
	done
	set -- "$@" "$here/../conformance:/usr/share/conformance"
	p=$build/tests/unit/fail-nth.so
	[ ! -e "$p" ] || set -- "$@" "$p:/usr/lib/iommuctl/fail-nth.so"
	if [ -n "$topology_file" ] && grep -qx package "$topology_file"; then
		for p in dpkg dpkg-deb dpkg-query dpkg-split dpkg-trigger tar ldconfig perl deb-systemd-invoke deb-systemd-helper; do
			set -- "$@" "$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v $p)"
		done
		# the modules of perl-base, which every Debian has
		p=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)/perl-base
		set -- "$@" "$p:$p"
	fi
	initrd=$cache/initrd-$(printf '%s\n' $arch "$@" | cksum | cut -d ' ' -f 1)
	for p in "$here/init" "$here/mkinitrd" "$@"; do
		case $p in
		trace-cmd) continue ;;
		esac
		if newer "${p%%:*}" "$initrd"; then
			"$here/mkinitrd" ${foreign:+-r "$foreign"} "$initrd" "$@"
			break
		fi
	done
}

# device_tree OUT: QEMU's own, with the root complexes of the topology; empty when it names none
device_tree() {
	: >"$1"
	roots=$(sed -n 's/^root //p' "$topology_file" | tr '\n' ' ')
	[ -n "$roots" ] || return 0
	command -v fdtput >/dev/null || skip "no fdtput: install device-tree-compiler"
	$qemu -M "$machine,dumpdtb=$1" -cpu "$cpu" -smp 2 -m 2G -nodefaults -display none 2>/dev/null
	# shellcheck disable=SC2086
	"$here/mkroots" "$1" $roots
}

# efi_firmware LOG KERNEL: $firmware, as arguments, of a topology that wants it, and $image, which is then to be a kernel as it is, not packed
efi_firmware() {
	firmware='' image=''
	grep -qx 'firmware efi' "$topology_file" || return 0
	[ -f "$efi" ] || skip "no $efi: install qemu-efi-aarch64"
	firmware="-bios $efi" image=$1.image
	gzip -dc "$2" >"$image"
}

# boot SECONDS KERNEL INITRD SHARE LOG [DISK]: one machine of $topology_file; DISK: what its drive "system" is
# no_timer_check: an emulated machine on a busy host may lose the few timer ticks that the kernel counts at
# boot, and panics.
boot() {
	append=$(sed -n 's/^append //p' "$topology_file" | tr '\n' ' ')
	noreboot=-no-reboot
	! grep -qx reboot "$topology_file" || noreboot=''
	if [ $arch = arm64 ]; then
		machine='virt,gic-version=3,its=on' cpu=max,lpa2=off qemu=qemu-system-aarch64 console='console=ttyAMA0'
	else
		machine=q35,kernel-irqchip=split cpu=max,la57=off qemu=qemu-system-x86_64 console='console=ttyS0 no_timer_check'
	fi
	machine=$machine$(sed -n 's/^machine /,/p' "$topology_file" | tr -d '\n')
	! grep -q '^cpu ' "$topology_file" || cpu=$(sed -n 's/^cpu //p' "$topology_file")
	device_tree "$5.dtb"
	efi_firmware "$5" "$2"
	# One thread for all processors of a guest. With one each, QEMU 7.2 runs now and then what another processor has just patched out of the
	# kernel (Oops: int3, where a probe, a static call or a BPF program was attached a moment ago), and it takes a third more of the host's time.
	# words of the topology are split here, and nowhere else
	# shellcheck disable=SC2046,SC2086
	timeout -k 5 "$1" $qemu -accel tcg,thread=single -cpu "$cpu" -smp 2 \
		-M "$machine" -m 2G -nodefaults -display none $noreboot \
		-serial "file:$5" \
		-kernel "${image:-$2}" -initrd "$3" \
		-append "$console quiet panic=-1 $append" \
		$firmware \
		$([ ! -s "$5.dtb" ] || echo "-dtb $5.dtb") \
		-fsdev "local,id=host,path=$4,security_model=none" \
		$([ -z "${6:-}" ] || echo "-drive if=none,id=system,format=raw,file=$6") \
		$(grep '^-' "$topology_file") \
		-device virtio-9p-pci,fsdev=host,mount_tag=host,bus=pcie.0,addr=1e </dev/null >"$5.qemu" 2>&1 || {
		set -- $? "$5"
		cat "$2.qemu" >>"$2"
		return "$1"
	}
}

# acpi_tables OUT: a cpio with the tables that the topology replaces; empty when there are none.
# The original DMAR table comes from a boot of the same machine without the regions, and is kept.
acpi_tables() {
	: >"$1"
	regions=$(sed -n 's/^rmrr //p' "$topology_file" | tr '\n' ' ')
	[ -n "$regions" ] || return 0
	dmar=$cache/DMAR-$( (cat "$topology_file"; qemu-system-x86_64 --version) | cksum | cut -d ' ' -f 1)
	if [ ! -e "$dmar" ]; then
		d=$(mktemp -d "$cache/dmar.XXXXXX")
		mkdir -p "$d/share/out"
		cp "$here/suites/dmar.sh" "$d/share/go"
		boot "$limit" "$kernel" "$initrd" "$d/share" "$d/serial" || :
		[ -s "$d/share/out/DMAR" ] || die "no DMAR table to put an RMRR into; log: $d/serial"
		mv "$d/share/out/DMAR" "$dmar"
		rm -rf "$d"
	fi
	# shellcheck disable=SC2086
	"$(helper mkrmrr)" "$dmar" "$1" $regions
}

# private_apt: from here on apt has its own lists and sources, in $apt; keys and proxies are those of the machine
private_apt() {
	apt=$cache/apt
	mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/sources.d"
	mirror=${IOMMUCTL_MIRROR:-http://deb.debian.org}
	: >"$apt/sources.list"
	for s in 'debian bookworm' 'debian-security bookworm-security' 'debian bookworm-backports' \
		'debian trixie' 'debian trixie-backports'; do
		echo "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
			"$mirror/${s% *} ${s#* } main" >>"$apt/sources.list"
	done
	cat >"$apt/apt.conf" <<-EOC
	Dir::Etc::SourceList "$apt/sources.list";
	Dir::Etc::SourceParts "$apt/sources.d";
	Dir::Etc::Preferences "/dev/null";
	Dir::Etc::PreferencesParts "$apt/sources.d";
	Dir::State::Lists "$apt/lists";
	Dir::Cache "$apt";
	APT::Sandbox::User "";
	Acquire::Languages "none";
	EOC
	export APT_CONFIG="$apt/apt.conf"
}
