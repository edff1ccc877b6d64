#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands on objects, on the sample machine's model: what they print, and every error with its errno and its words.
load lib

# batch STATUS <<<LINES
batch() {
	run --separate-stderr "$IOMMUCTL" --demo batch -
	expect_status "$1"
}

# lines of the output that are not the last one
said() {
	sed '$d' <<<"$output"
}

mock='device open mock:m --pasid as m
ioas alloc as mem
hwpt alloc mem --device m --nest-parent as parent'

@test "names: made up, chosen, taken, wrong, and by id" {
	batch 0 <<-'END'
		ioas alloc
		ioas alloc
		ioas alloc as ioas3
		ioas alloc
		ioas alloc as a
		expect EEXIST ioas alloc as a
		expect EINVAL ioas alloc as 1a
		expect EINVAL ioas alloc as a.b
		ioas map id:1 4K --iova 0x1000
		expect ENOENT ioas map nosuch 4K
		expect ENOENT ioas map id:77 4K
		expect EINVAL ioas map id:x 4K
		object destroy a
		ioas alloc as a
	END
	[ "$(said)" = $'ioas1\nioas2\nioas3\nioas4\na\n0x1000\na' ]
	batch 1 <<<$'ioas alloc as mem\nioas map men 4K'
	expect_in "$stderr" 'men: there is no such object' 'did you mean "mem"?'
}

@test "creating prints the name alone, or the record" {
	batch 0 <<<$'ioas alloc as mem\nioas alloc -j\nioas alloc --raw --noheadings -o id'
	expect_in "$output" '"data":\[{"name":"ioas1","kind":"ioas","id":2}\]' $'\n3\n'
}

# refused LINE ERRNO WORDS...: after $setup, on a device that is open as nic, the line fails with it and says so
refused() {
	local line=$1 errno=$2

	shift 2
	run --separate-stderr "$IOMMUCTL" --demo -q batch - <<<"$setup"$'\n'"$line"
	[ "$status" -ne 0 ]
	expect_in "$stderr" "-:$(($(wc -l <<<"$setup") + 1)): " "$@"
	run --separate-stderr "$IOMMUCTL" --demo -q -j batch - <<<"$setup"$'\n'"$line"
	[ "$(tail -2 <<<"$output" | head -1 | jq -r '.errors[-1].errno')" = "$errno" ]
}

@test "what is of another kind, open already, or in the wrong place is named as what it is" {
	setup='device bind --force --group 03:00.0
device open 03:00.0 as nic
ioas alloc as mem
ioas alloc as other
faultq alloc as q'
	refused "ioas map nic 4K" ENOENT "nic is a device, and no ioas"
	refused "ioas unmap q --all" ENOENT "q is a faultq, and no ioas"
	refused "ioas ranges id:77" ENOENT "there is no ioas that has the id 77"
	refused "ioas copy mem nic 0 4K" ENOENT "nic is a device, and no ioas"
	refused "ioas copy other mem 0 4K" ENOENT "not all of what was to be copied is mapped"
	refused "ioas allow nic" ENOENT "nic is a device, and no ioas"
	refused "ioas compat q" ENOENT "q is a faultq, and no ioas"
	refused "faultq wait mem --timeout 0" ENOENT "mem is an ioas, and no faultq"
	refused "faultq respond nic 1 success" ENOENT "nic is a device, and no faultq"
	refused "veventq alloc mem" ENOENT "mem is an ioas, and no viommu"
	refused "veventq read q" ENOENT "q is a faultq, and no veventq"
	refused "hwqueue alloc mem --base 0 --length 4K" ENOENT "mem is an ioas, and no viommu"
	refused "vdevice alloc mem nic 5" ENOENT "mem is an ioas, and no viommu"
	refused "device attach mem nic" ENOENT "it is no device, but an ioas"
	refused "device attach nic q" EINVAL "q is a faultq, and it takes an hwpt or an ioas"
	refused "hwpt alloc q --device nic" EINVAL "q is a faultq, and it takes an ioas, an hwpt or a viommu"
	refused "device open 03:00.0" EINVAL "it is open already, as nic" "hint: device close nic"
	refused "device open 03:00.0 --legacy" EBUSY "it is open already, as nic"
	refused "device map nic 0 4K" EOPNOTSUPP "it was not opened with --legacy"
	refused "device unmap nic 0 4K" EOPNOTSUPP "it was not opened with --legacy"
	refused "device region nic bar9 0" EINVAL "bar9: no region of a device" "bar0 to bar5"
	refused "hwpt alloc mem --device nic --nest-parent" EOPNOTSUPP "the device's VT-d unit cannot: it does not nest (ECAP.NEST is 0)"
	refused "hwpt alloc mem --device nic --dirty" EOPNOTSUPP "it tracks no dirty pages"
	refused "object raw 0x96 u32:0" ENOTTY "has no ioctl of that number"
	refused "object raw 0x81 u32:0x100000000" EINVAL "does not fit into that many bits"
	refused "ioas alloc third" EINVAL 'one argument too many for "ioas alloc"' "as third gives the new object that name"
	refused "ioas alloc as" EINVAL 'NAME is missing behind "as"'
	refused "ioas alloc as third more" EINVAL "as NAME is its end"
	refused "ioas map mem 4K 0x1000" EINVAL "0x1000: one argument too many" "iommuctl help ioas map"
}

@test "serve on a model in this process ends with the queue: nobody else could let a device ask" {
	batch 0 <<-END
		$mock
		faultq alloc as q
		hwpt alloc parent --device m --fault q --data selftest:iotlb=1 as nested
		device attach m nested
		mock fault m 0x6000
		mock fault m 0x7000
		faultq serve q
	END
	expect_in "$stderr" "it ends when the queue is empty"
	[ "$(grep -c '^cookie .*: invalid$' <<<"$output")" -eq 2 ]
}

@test "numbers: units, garbage, and what does not fit" {
	batch 0 <<-'END'
		ioas alloc as mem
		device open mock:m --to mem as m
		ioas map mem 4K --iova 1G
		ioas map mem 0x1000 --iova 0x50000000
		ioas map mem 4k --iova 0x58000000
		expect 2 ioas map mem 4kb
		expect 2 ioas map mem -1
		expect 2 ioas map mem ""
		expect 2 ioas map mem 16777216T
		expect 2 ioas map mem 18446744073709551616
		expect EINVAL ioas map mem 0
		expect EOVERFLOW ioas map mem 8K --iova 0xfffffffffffff000
		expect EINVAL ioas map mem 100 --iova 0x60000000
		expect EINVAL ioas map mem 4K --iova 0x60000001
		expect EEXIST ioas map mem 8K --iova 0x3ffff000
		expect 2 ioas map mem 4K --read-only --write-only
		expect 2 ioas map mem 4K --offset 4K
		expect EINVAL ioas map mem 4K --file /dev/null
		expect 2 hwpt alloc mem --device m --data selftest:iotlb=1,iotlb=2
		expect 2 object destroy id:4294967296
		expect 2 object destroy id:
	END
	[ "$(said)" = $'mem\nm\n0x40000000\n0x50000000\n0x58000000' ]
	batch 2 <<<$'ioas alloc as mem\nioas map mem 99999999999T'
	expect_in "$stderr" "LENGTH 99999999999T: does not fit into 64 bits"
}

@test "unmap: whole maps, everything, and what would split one" {
	batch 0 <<-'END'
		ioas alloc as mem
		ioas map mem 64K --iova 1M
		ioas map mem 64K --iova 2M
		expect ENOENT ioas unmap mem 1M 4K
		expect ENOENT ioas unmap mem 3M 4K
		ioas unmap mem 1M 64K
		expect ENOENT ioas unmap mem 1M 64K
		ioas unmap mem --all
		ioas unmap mem --all
		expect 2 ioas unmap mem
		expect 2 ioas unmap mem 1M
		expect 2 ioas unmap mem 1M 4K --all
	END
	expect_in "$output" "65536 bytes unmapped" "0 bytes unmapped"
}

@test "copy, ranges, allow" {
	batch 0 <<-'END'
		ioas alloc as a
		ioas alloc as b
		ioas map a 64K --iova 1M
		ioas copy b a 1M 64K --iova 4M
		ioas copy b a 1M 4K --iova 8M
		expect ENOENT ioas copy b a 2M 4K --iova 16M
		expect EEXIST ioas copy b a 1M 4K --iova 4M
		object tree --maps --raw --noheadings -o name,ranges.iova,ranges.memory
		ioas allow b 0x100000-0x1fffff 32M+1M
		expect EINVAL ioas allow b 0x1000-0x2000 0x1800-0x3000
		expect 2 ioas allow b 0x1000
		expect 2 ioas allow b 0xfffffffffffff000+8K
		ioas allow b
		ioas ranges b --noheadings --raw
	END
	expect_in "$output" "a 0x100000 own" "b 0x400000,0x800000 copy,copy" "0x0 0xffffffffffffffff - "
}

@test "page tables: made, in use, replaced, and the users are named" {
	batch 0 <<-END
		$mock
		device attach m parent
		expect EBUSY object destroy parent
		expect EBUSY object destroy mem
		hwpt alloc mem --device m as other
		device attach m other
		object destroy parent
		expect EOPNOTSUPP device detach m
		device close m
		object destroy other mem
		expect ENOENT device close m
	END
	expect_in "$output" "m: attached to other"
	batch 1 <<-END
		$mock
		device attach m parent
		object destroy mem
	END
	expect_in "$stderr" "mem: used by parent" "object destroy and device detach"
	batch 1 <<-END
		$mock
		device attach m parent
		object destroy parent
	END
	expect_in "$stderr" "parent: used by m"
}

@test "destroy takes several in any order, and everything with --all" {
	batch 0 <<-END
		$mock
		hwpt alloc parent --device m --data selftest:iotlb=1 as nested
		object destroy mem parent nested
		object tree --raw --noheadings -o name
		ioas alloc
		object destroy --all
		object tree
		expect 2 object destroy
		expect 2 object destroy x --all
	END
	expect_in "$output" $'nested\nauto1\nm\n' "11 commands"
	expect_not_in "$output" "objects are gone"
	batch 1 <<<$'device open mock:m as m\nobject destroy m'
	expect_in "$stderr" "m: a device that is open" "device close m"
}

@test "an attach to an address space makes a page table that goes with its last user" {
	batch 0 <<-'END'
		device open mock:m as m
		ioas alloc as mem
		device attach m mem
		object tree --raw --noheadings -o name,detail
		hwpt alloc mem --device m as pt
		device attach m pt
		object tree --raw --noheadings -o name,parent
	END
	expect_in "$output" "m: attached to auto2" $'\nmem -\npt mem\nm pt\n'
}

@test "hwpt: data in words, and what is wrong with it" {
	batch 0 <<-END
		$mock
		expect 2 hwpt alloc mem
		expect 2 hwpt alloc parent --device m --data nosuch:a=1
		expect 2 hwpt alloc parent --device m --data selftest:nosuch=1
		expect 2 hwpt alloc parent --device m --data selftest:iotlb
		expect 2 hwpt alloc parent --device m --data vtd-s1:sre=1
		expect 2 hwpt alloc parent --device m --data selftest:iotlb=0x100000000
		expect 2 hwpt alloc parent --device m --data raw:5=abc
		expect EOPNOTSUPP hwpt alloc parent --device m --data vtd-s1:pgtbl=0x1000,width=48
		expect ENOENT hwpt alloc mem --device mem
		expect EINVAL hwpt alloc id:99 --device m
		hwpt alloc parent --device m --data raw:0xdead=05000000 as nested
		mock iotlb nested 0 5
		expect EINVAL mock iotlb nested 0 6
	END
}

@test "invalidate: arrays from arguments and files, entries done" {
	printf '# all\nselftest:all\nselftest:iotlb=1\n' >"$BATS_TEST_TMPDIR/entries"
	batch 0 <<-END
		$mock
		hwpt alloc parent --device m --data selftest:iotlb=5 as nested
		hwpt invalidate nested selftest:iotlb=0 selftest:iotlb=3
		mock iotlb nested 0 0
		mock iotlb nested 1 5
		hwpt invalidate nested --file $BATS_TEST_TMPDIR/entries
		mock iotlb nested 1 0
		hwpt invalidate nested selftest:all --test
		expect EINVAL hwpt invalidate nested vtd-s1:addr=0,npages=all
		expect 2 hwpt invalidate nested
		expect 2 hwpt invalidate nested selftest:all vtd-s1:addr=0
		expect EISDIR hwpt invalidate nested --file $BATS_TEST_TMPDIR
	END
	expect_in "$output" "2 of 2 entries done"
}

@test "invalidate: an entry of a file may be indented, and a line has one" {
	printf ' # two\n\tselftest:all  \n  selftest:iotlb=1 # the last\n' >"$BATS_TEST_TMPDIR/entries"
	printf 'selftest:all selftest:iotlb=1\n' >"$BATS_TEST_TMPDIR/two"
	batch 0 <<-END
		$mock
		hwpt alloc parent --device m --data selftest:iotlb=5 as nested
		hwpt invalidate nested --file $BATS_TEST_TMPDIR/entries
		expect 2 hwpt invalidate nested --file $BATS_TEST_TMPDIR/two
	END
	expect_in "$output" "2 of 2 entries done"
}

@test "dirty pages come out as ranges" {
	batch 0 <<-'END'
		device open mock:m as m
		ioas alloc as mem
		hwpt alloc mem --device m --dirty as pt
		hwpt alloc mem --device m as plain
		device attach m pt
		ioas map mem 1M --iova 0x2000000
		expect EOPNOTSUPP hwpt dirty plain on
		hwpt dirty pt on
		mock dirty pt 0x2000000 8K
		mock dirty pt 0x2010000 4K
		hwpt dirty pt read 0x2000000 1M --no-clear --raw --noheadings
		hwpt dirty pt read 0x2000000 1M --raw --noheadings
		hwpt dirty pt read 0x2000000 1M --raw --noheadings
		hwpt dirty pt off
		expect 2 hwpt dirty pt maybe
		expect 2 hwpt dirty pt read 0
		expect 2 hwpt dirty pt read 0 4K --page-size 1000
		expect 2 hwpt dirty pt read 0 0xffffffffffffffff
	END
	[ "$(grep -c '^0x2000000 8192 2$' <<<"$output")" -eq 2 ]
	[ "$(grep -c '^0x2010000 4096 1$' <<<"$output")" -eq 2 ]
}

@test "virtual IOMMUs, devices in them, events" {
	batch 0 <<-END
		$mock
		viommu alloc parent --device m --type selftest as v
		hwpt alloc mem --device m as plain
		expect ENOENT viommu alloc mem --device m --type selftest
		expect EINVAL viommu alloc plain --device m --type selftest
		expect EOPNOTSUPP viommu alloc parent --device m --type 77
		vdevice alloc v m 5 as vd
		expect EEXIST vdevice alloc v m 6
		expect EBUSY object destroy v
		veventq alloc v --type selftest --depth 2 as e
		expect EEXIST veventq alloc v --type selftest
		expect EINVAL veventq alloc v --type selftest --depth 0
		hwpt alloc v --device m --data selftest:iotlb=1 as nested
		device attach m nested
		expect 3 veventq read e
		mock event m
		veventq read e --raw --noheadings -o sequence,lost,kind,event,device_id
		hwpt invalidate v selftest-viommu:all,vdev=5
		ioas map mem 64K --iova 32M
		expect 2 hwqueue alloc v --type selftest --base 32M
		hwqueue alloc v --type selftest --base 32M --length 4K as hq
		expect EOPNOTSUPP hwqueue alloc v --type 99 --base 32M --length 4K
		object tree --raw --noheadings -o name,parent,detail
	END
	expect_in "$output" "0 no selftest test 0x5" 'vd v id\\x200x5'
}

@test "page requests: taken, answered, answered twice, by policy, by a script" {
	batch 0 <<-END
		$mock
		faultq alloc as q
		hwpt alloc parent --device m --fault q --data selftest:iotlb=1 as nested
		device attach m nested
		expect 3 faultq wait q --timeout 0
		mock fault m 0x5000 --grpid 7 --access rw --pasid 9
		faultq wait q --raw --noheadings -o cookie,device,group,requests.address,requests.pasid,requests.access
		expect 2 faultq respond q 1 maybe
		faultq respond q 1 success
		expect EINVAL faultq respond q 1 success
		mock fault m 0x6000
		mock fault m 0x7000
		faultq serve q --policy success --timeout 0 --raw --noheadings -o cookie,answer
		mock fault m 0x8000
		faultq serve q --count 1 -- false
		mock fault m 0x9000
		faultq serve q --count 1 -- sh -c 'test \$FAULT_ADDRESS = 0x9000 && test "\$FAULT_REQUESTS" = r:0x9000'
		mock fault m 0xa000
		expect 127 faultq serve q --timeout 5 -- /nosuch/script
		expect 2 faultq serve q --policy script
		expect 2 faultq serve q --count 0 --timeout 0
		expect 2 faultq serve q --policy success -- true
		expect EBUSY object destroy q
		device attach m mem
		object destroy nested q
	END
	expect_in "$output" "1 m 7 0x5000 9 rw" "success" ": invalid" ": success"
}

teardown() {
	[ -z "${IOMMUCTL_SESSION-}" ] || "$IOMMUCTL" session stop 2>/dev/null || true
}

@test "in a session: who took a group and died has it answered, and who left it in order has not" {
	export IOMMUCTL_SESSION=t$$-f
	ctl() { "$IOMMUCTL" "$@"; }
	counts() { ctl --raw --noheadings object tree -o name,pending,expired | sed -n 's/^q //p'; }
	ctl session start --demo
	ctl batch - <<-END
		$mock
		faultq alloc --hold 300 as q
		hwpt alloc parent --device m --fault q --data selftest:iotlb=1 as nested
		device attach m nested
		mock fault m 0x5000
	END
	run ctl faultq serve q --count 1 -- sh -c 'kill -9 $PPID'
	[ "$status" -eq 137 ]
	killed=$(counts)
	ctl mock fault m 0x6000
	cookie=$(ctl -j faultq wait q | jq -r '.data[0].cookie')
	left=$(counts)
	ctl faultq respond q "$cookie" success
	answered=$(counts)
	ctl mock fault m 0x7000
	ctl faultq wait q --hold 0.2 >/dev/null
	for _ in $(seq 50); do
		late=$(counts)
		[ "$late" = "0 2" ] && break
		sleep 0.1
	done
	ctl mock fault m 0x7800
	ctl faultq wait q --hold 0 >/dev/null
	for _ in $(seq 50); do
		at_once=$(counts)
		[ "$at_once" = "0 3" ] && break
		sleep 0.1
	done
	ctl faultq wait q --timeout 30 >"$BATS_TEST_TMPDIR/woken" 3>&- &
	waiter=$!
	ctl mock fault m 0x8000
	wait "$waiter"
	ctl session stop
	[ "$killed" = "0 1" ]
	[ "$left" = "1 1" ]
	[ "$answered" = "0 1" ]
	[ "$late" = "0 2" ]
	[ "$at_once" = "0 3" ]
	grep -q 0x8000 "$BATS_TEST_TMPDIR/woken"
}

@test "a device is opened, judged, moved with its group, and closed" {
	batch 0 <<-'END'
		expect EPERM device open 03:00.0
		expect EPERM device open -n 03:00.0
		expect ENOENT device open 0a:00.3
		device bind --force --group 03:00.0
		device open -n 03:00.0
		device open 03:00.0 as a
		device open 03:00.1 as b
		ioas alloc as mem
		hwpt alloc mem --device a as p1
		hwpt alloc mem --device a as p2
		device attach a p1
		expect EINVAL device attach b p2
		device attach b p1
		device attach b p2
		object destroy p1
		device hwinfo a --raw --noheadings -o kind
		expect 2 device open 03:00.0 --no-bind --legacy
		expect 2 device open 03:00.0 --to mem
		device close a
		device close b
		device restore --all
	END
	expect_in "$output" "opening resets the device" "b: attached to p2" "a: moved along to p2" "vt-d" "nothing was moved"
	batch 1 <<<'device open 03:00.0'
	expect_in "$stderr" "03:00.1" "e1000e"
}

@test "a device that is open here is not taken from under it, nor waited for; others see who has it" {
	batch 5 <<-'END'
		device bind 0a:00.3
		device open 0a:00.3 as nic
		expect 5 device unbind 0a:00.3
		expect 5 device unbind --force --wait 0a:00.3
		expect 1 device restore 0a:00.3
		expect 1 device restore --wait 0a:00.3
		expect 3 group check 0a:00.3
		expect EINVAL device open 0a:00.3 as again
		device unbind --dry-run 0a:00.3
	END
	expect_in "$stderr" "has it open" "hint: device close nic"
	batch 0 <<-'END'
		device bind 0a:00.3
		device open 0a:00.3 --legacy as nic
		expect 3 group check 0a:00.3
		expect 1 device restore 0a:00.3
		device close nic
		device restore 0a:00.3
		expect 3 group check 0a:00.3
	END
}

@test "a type1 container: map and unmap" {
	run --separate-stderr "$IOMMUCTL" --demo -j batch - <<-'END'
		device bind 0a:00.3
		device open 0a:00.3 --legacy as nic
		device map nic 0x100000 1M
		device unmap nic 0x100000 1M
		device close nic
		device restore 0a:00.3
	END
	expect_status 0
	[ "$(jq -c 'select(.schema | test("device.(un)?map/")) | .data[0] | [.device, .iova, .length]' <<<"$output")" = \
		'["nic","0x100000",1048576]
["nic","0x100000",1048576]' ]
}

@test "options, raw ioctls, and the address space of VFIO's containers" {
	batch 0 <<-'END'
		object option rlimit-mode
		object option rlimit-mode process
		ioas alloc as mem
		expect EBUSY object option rlimit-mode user
		object option huge-pages mem off
		object option huge-pages mem
		expect 2 object option nosuch
		expect 2 object option huge-pages
		expect ENODEV ioas compat
		ioas compat mem
		ioas compat
		ioas compat --clear
		object raw 0x81 u32:12 u32:0 u32:0
		expect EINVAL object raw 0x81 u32:0 u32:0 u32:0
		expect ENOTTY object raw 0x9f u32:8 u32:0
		expect 2 object raw 0x81 xyz
	END
	expect_in "$output" $'user\n' $'off\n' $'mem\n' "0c000000"
}

@test "what a model is told to lack" {
	local word option

	for word in no-dirty no-nesting; do
		case $word in
		no-dirty)	option=--dirty ;;
		*)		option=--nest-parent ;;
		esac
		setup=$'device open mock:m --pasid as m\nioas alloc as mem'
		batch 0 <<<"$setup"$'\n'"hwpt alloc mem --device m $option"
		run --separate-stderr "$IOMMUCTL" --demo --inject "$word" batch - <<<"$setup"$'\n'"hwpt alloc mem --device m $option"
		expect_status 6
		expect_in "$stderr" "hwpt alloc mem: this IOMMU or its driver cannot make such a page table"
	done
	# and what the sample machine's unit lacks by itself is said by its registers
	run --separate-stderr "$IOMMUCTL" --demo batch - <<<$'device bind --force --group 03:00.0\ndevice open 03:00.0 as a\nioas alloc as mem\nhwpt alloc mem --device a --dirty'
	expect_status 6
	expect_in "$stderr" "hwpt alloc mem: the device's VT-d unit cannot: it tracks no dirty pages"
	run_ctl --inject no-dirty group list
	expect_status 2
	expect_in "$stderr" "is for the model"
	run_ctl --demo --inject nosuch group list
	expect_status 2
	run_ctl --inject help
	expect_status 0
	expect_in "$output" "no-dirty " "no IOMMU tracks dirty pages"
}

@test "a model is of the machine's own kernel: ioctls that it lacks are lacking, with what came along with them" {
	tree=$BATS_TEST_TMPDIR/tree
	mkdir "$tree"
	tar -C "$tree" -xf "$BATS_TEST_DIRNAME/../hosts/vtd.snap"
	jq '.iommufd = {VIOMMU_ALLOC: false, VEVENTQ_ALLOC: false, HWPT_ALLOC: true}' "$tree/iommuctl/probes.json" >"$tree/new"
	mv "$tree/new" "$tree/iommuctl/probes.json"
	run --separate-stderr "$IOMMUCTL" -M --from "$tree" batch --keep-going - <<-'END'
		device open mock:m as m
		ioas alloc as mem
		hwpt alloc mem --device m --nest-parent as parent
		expect ENOTTY viommu alloc parent --device m --type selftest
		expect ENOTTY object raw 0x90 u32:0
		expect EINVAL object raw 0x91 u32:0
		faultq alloc as q
		expect EOPNOTSUPP hwpt alloc mem --device m --fault q
		expect EOPNOTSUPP hwpt alloc mem --device m --pasid
		expect EOPNOTSUPP device attach m parent --pasid 5
		expect ENOENT hwpt invalidate parent selftest:iotlb=0
		viommu alloc parent --device m --type selftest
	END
	expect_status 6
	expect_in "$stderr" "viommu alloc parent: this kernel does not have it: Linux 6.13 is the first that does"
	# as it was captured on one
	run --separate-stderr "$IOMMUCTL" -M --from "$BATS_TEST_DIRNAME/../hosts/vtd-6.12.snap" batch --keep-going - <<<"$mock"$'\nobject raw 0x90 u32:0'
	expect_status 1
	expect_in "$stderr" "device open mock:m: Invalid argument" "Linux 6.13 is the first that does"
}

@test "help shows what a creating command can be told" {
	run_ctl help ioas alloc
	expect_in "$output" "iommuctl ioas alloc \[as NAME\]" "name of the new object"
	run_ctl help hwpt alloc
	expect_in "$output" "hwpt alloc \[options\] PT \[as NAME\]"
	# an option's words: in its sentence, or behind it
	run_ctl help plan
	expect_in "$output" "print only the arguments: qemu or libvirt" "none, per-iommu or shared"
	run_ctl help faultq serve
	expect_not_in "$output" "success, invalid or script"
}

@test "what is wrong is named as it was typed, and what would do is said" {
	run --separate-stderr "$IOMMUCTL" --demo batch -k - <<-'END'
		ioas alloc as mem
		object option huge-pages mem maybe
		object option rlimit-mode often
		object destroy --all mem
		hwpt alloc mem
		hwqueue alloc v
		expect EBUSY
	END
	expect_status 2
	expect_in "$stderr" "huge-pages maybe: no value of this option" "hint: off or on" "rlimit-mode often: no value of this option" "hint: user or process" \
		"object destroy: objects are named, and --all is given too" "hwpt alloc: --device is missing" "hwqueue alloc: --base is missing" \
		"expect: ERRNO or the command is missing"
}
