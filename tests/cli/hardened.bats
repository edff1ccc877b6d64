#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the flags of configure have made of the programs, and of every object in them. Read from the files, not from the makefile.
load lib

setup() {
	programs=("$IOMMUCTL")
	[ ! -x "${IOMMUCTL%/*}/iommutop" ] || programs+=("${IOMMUCTL%/*}/iommutop")
	! readelf -Wd "$IOMMUCTL" | grep -q 'libasan\|libubsan' || skip "built with sanitizers, which is no build to install"
}

@test "position independent, and bound and made read-only before main" {
	for p in "${programs[@]}"; do
		readelf -Wh "$p" | grep -q 'Type: *DYN'
		readelf -Wd "$p" | grep -q 'FLAGS_1.*PIE'
		readelf -Wd "$p" | grep -q 'FLAGS_1.*NOW'
		readelf -Wl "$p" | grep -q GNU_RELRO
		run readelf -Wd "$p"
		expect_not_in "$output" TEXTREL RPATH RUNPATH
	done
}

@test "no memory can be written to and executed, the stack least of all" {
	for p in "${programs[@]}"; do
		readelf -Wl "$p" | grep -q 'GNU_STACK.* RW '
		run bash -c "readelf -Wl '$p' | grep -E '^ +(LOAD|GNU_STACK).* RWE '"
		[ "$status" -eq 1 ]
	done
}

@test "the stack is guarded, and copies into buffers of known size are checked" {
	for p in "${programs[@]}"; do
		run readelf -W --dyn-syms "$p"
		expect_in "$output" __stack_chk_fail
		expect_in "$output" __snprintf_chk
	done
}

# Nobody can jump into the middle: each object says that its functions begin with endbr64. The linker keeps that only where libc's start files say so too.
@test "each object is made for control-flow protection" {
	[ "$(uname -m)" = x86_64 ] || skip "Intel's; $(uname -m) is built with its own"
	n=$(readelf -Wn "${IOMMUCTL%/*}/libiommu.a" 2>/dev/null | grep -c 'x86 feature: IBT, SHSTK')
	[ "$n" -eq "$(ar t "${IOMMUCTL%/*}/libiommu.a" | grep -c '\.o$')" ]
}

@test "large arrays on the stack are touched page by page" {
	[ "$(uname -m)" = x86_64 ] || skip "looks at x86 instructions"
	# an "or \$0x0,(%rsp)" for each page: what a compiler emits for it, and for nothing else
	objdump -d --no-show-raw-insn "$IOMMUCTL" | grep -q 'or[ql] *\$0x0,(%rsp)\|orq.*\$0x0,.*(%rsp)\|movq.*\$0x0,(%rsp)'
}
