#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The interpreter: words, variables, errors with their lines, what the last line says.
load lib

# batch STATUS [ARGS…] <<<LINES: runs them on the sample machine's model.
batch() {
	local want=$1
	shift
	run --separate-stderr "$IOMMUCTL" --demo batch "$@" -
	expect_status "$want"
}

@test "an object command alone says where it belongs" {
	export IOMMUCTL_SESSION_DIR=$BATS_TEST_TMPDIR/none
	run_ctl ioas alloc
	expect_status 2
	expect_in "$stderr" "the object would vanish with this command" "use session start, or batch"
	run_ctl object tree
	expect_status 2
	expect_in "$stderr" "objects live in a session or in a batch, and this is in neither" "use session start, or batch"
	run_ctl -M ioas alloc
	expect_status 2
	run_ctl -j object tree
	expect_status 2
	expect_json '.errors[0].code' no-session
}

@test "acting on a machine that is not here wants -M" {
	run_ctl --from demo batch - <<<"ioas alloc"
	expect_status 2
	expect_in "$stderr" "-:1: --from demo: this command acts" "-M rehearses"
}

@test "commands run in their order, and the last line counts them" {
	batch 0 <<-'END'
		# a comment

		group list -o group --noheadings
		set G=12
		expect 3 group check $G   # in use
	END
	[ "$(tail -1 <<<"$output")" = "3 commands; nothing was moved" ]
}

@test "a comment behind a command ends with its line, too: the next one is a command" {
	batch 2 <<-'END'
		group list # all of them \
		nosuch
	END
	expect_in "$stderr" "-:2: nosuch: unknown noun"
	batch 0 <<-'END'
		set a='x # y' \
			b="it's # "
		expect 2 $a#$b
	END
}

@test "an exit status that no command has is not expected" {
	batch 2 <<<"expect 999 group list"
	expect_in "$stderr" "neither an errno's name nor an exit status"
}

@test "the first line that fails ends it, with its exit status and its place" {
	batch 2 <<-'END'
		group list
		group lsit
		group check 12
	END
	expect_in "$stderr" 'iommuctl: -:2: group lsit: unknown verb' 'did you mean "list"'
	expect_in "$output" "2 commands, 1 failed, the first in line 2"
	expect_not_in "$output" "in-use: "
}

@test "--keep-going runs the rest, and the status is the first one's" {
	batch 3 --keep-going <<-'END'
		group check 12
		nosuch
		group list
	END
	expect_in "$stderr" "-:2: nosuch: unknown noun"
	expect_in "$output" "3 commands, 2 failed, the first in line 1"
}

@test "a file's name and the line stand before every error; a continued line has its first one's" {
	cd "$BATS_TEST_TMPDIR"
	printf 'group \\\nlist\n\nnosuch \\\n a\n' >setup.iommu
	run_ctl --demo batch setup.iommu
	expect_status 2
	expect_in "$stderr" "iommuctl: setup.iommu:4: nosuch: unknown noun"
	run_ctl --demo batch nofile
	expect_status 1
	expect_in "$stderr" "nofile: No such file"
}

@test "quoting is that of sh" {
	batch 2 <<<"group check 'a b"
	expect_in "$stderr" "-:1: column 13: this quote is never closed"
	batch 2 <<<'group list; group list'
	expect_in "$stderr" "a shell has a meaning for this"
	batch 2 <<<'set x=$(ioas alloc)'
	expect_in "$stderr" "commands inside a line are not there" "ioas alloc as mem"
	batch 2 <<<'group check $NOT_SET_ANYWHERE'
	expect_in "$stderr" "NOT_SET_ANYWHERE is not set"
	G=12 batch 3 <<<'group check "$G"'
	batch 3 <<<$'set G=99\nset G=12\ngroup check ${G}'
	batch 2 <<<'set 1=2'
	batch 2 <<<'set'
}

@test "expect turns a refusal into a success, and says what came instead" {
	batch 0 <<<'expect ENOENT group check 4711'
	[ -z "$stderr" ]
	batch 1 <<<'expect EBUSY group check 4711'
	expect_in "$stderr" "-:1: expected EBUSY: it got ENOENT, exit status"
	batch 1 <<<'expect EBUSY group list'
	expect_in "$stderr" "expected EBUSY: it succeeded"
	batch 0 <<<'expect 3 group check 12'
	batch 1 <<<'expect 0 group check 12'
	batch 2 <<<'expect EFOO group list'
	batch 2 <<<'expect EBUSY'
}

@test "its machine is fixed, and it has no batch inside" {
	batch 2 <<<'--from demo group list'
	expect_in "$stderr" "its machine is the one of the whole batch"
	batch 2 <<<'batch x'
	expect_in "$stderr" "not inside a batch"
	batch 2 <<<'shell'
	batch 1 <<<'expect 0 batch -'
}

@test "-j: a line of JSON a command, and one of the batch" {
	batch 3 -j <<<$'group list\ngroup check 12'
	[ "$(wc -l <<<"$output")" -eq 3 ]
	output=$(tail -1 <<<"$output")
	expect_json .schema iommuctl.batch/1
	expect_json '.data[0].commands' 2
	expect_json '.data[0].failed_line' 2
}

@test "garbage, NULs and lines without end are errors, not deaths" {
	printf 'a\0b\n' >"$BATS_TEST_TMPDIR/nul"
	run_ctl --demo batch "$BATS_TEST_TMPDIR/nul"
	expect_status 2
	expect_in "$stderr" "a NUL byte"
	head -c 70000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/long"
	run_ctl --demo batch "$BATS_TEST_TMPDIR/long"
	expect_status 2
	expect_in "$stderr" "longer than 65536 bytes"
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/garbage"
	run_ctl --demo batch "$BATS_TEST_TMPDIR/garbage"
	[ "$status" -eq 2 ]
	# every line of it, in no more memory: 4 GiB of it are many lines
	status=0
	"$IOMMUCTL" --demo -j batch --keep-going "$BATS_TEST_TMPDIR/garbage" 2>/dev/null >"$BATS_TEST_TMPDIR/out" || status=$?
	[ "$status" -eq 2 ]
	output=$(tail -1 "$BATS_TEST_TMPDIR/out")
	[ "$(json '.data[0] | .commands - .failed')" -ge 0 ]
	[ "$(json '.data[0].failed_line')" -eq 1 ]
}

# hwm N: KiB that a batch has taken at most when it has read N times a megabyte of garbage, but for what is in the pipe
hwm() {
	local gate=$BATS_TEST_TMPDIR/gate.$1

	mkfifo "$gate"
	"$IOMMUCTL" --demo batch --keep-going - <"$gate" >/dev/null 2>&1 3>&- &
	exec 8>"$gate"
	for ((i = 0; i < $1; i++)); do
		cat "$BATS_TEST_TMPDIR/seed" >&8
	done
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$!/status"
	exec 8>&-
	wait $! || true
}

@test "garbage without an end takes no more memory than a piece of it" {
	local one many

	{
		head -c 500000 /dev/urandom
		yes 'ioas alloc as $(x) "; group list --nosuch' | head -c 200000
		yes 'group check 4711' | head -c 200000
		head -c 100000 /dev/zero | tr '\0' x
		echo
	} >"$BATS_TEST_TMPDIR/seed"
	one=$(hwm 1)
	many=$(hwm 20)
	echo "$one KiB, $many KiB"
	[ "$many" -le $((one + 2048)) ]
}

@test "shell reads a script as batch does, and goes on behind what failed" {
	run --separate-stderr "$IOMMUCTL" --demo shell <<<$'nosuch\ngroup list --noheadings -o group'
	expect_status 2
	expect_in "$output" "2 commands, 1 failed"
}

@test "exit and quit end a shell, and are no words of a batch" {
	local word
	for word in exit quit; do
		run --separate-stderr "$IOMMUCTL" --demo shell <<<$'group list --noheadings -o group\n'"$word"$'\nnosuch'
		expect_status 0
		expect_in "$output" "1 command; nothing was moved"
		batch 2 <<<"$word"
		expect_in "$stderr" "$word: unknown noun"
	done
	# on a terminal the status is the last command's, as sh has it
	run timeout 60 bash -c "{ sleep 0.3; printf 'nosuch\ngroup list\n'; sleep 0.5; printf 'exit\n'; sleep 0.5; } | TERM=xterm script -qec '$IOMMUCTL --demo shell' /dev/null"
	expect_status 0
	expect_in "$output" "2 commands, 1 failed"
	run timeout 60 bash -c "{ sleep 0.3; printf 'group list\nnosuch\nquit\n'; sleep 0.5; } | TERM=xterm script -qec '$IOMMUCTL --demo shell' /dev/null"
	expect_status 2
}

@test "shell on a terminal: lines, completion of an object's name where libedit is in, and an end" {
	run timeout 60 bash -c "{ printf 'ioas alloc as mem\nobject tree\nnosuch\n'; sleep 1; printf 'object destroy me\t\nobject tree\n\004'; sleep 1; } |
		TERM=xterm script -qec '$IOMMUCTL --demo shell' /dev/null"
	expect_in "$output" "mem  ioas  1" "nosuch: unknown noun"
	"$IOMMUCTL" -V | grep -q +libedit || return 0
	expect_in "$output" "5 commands, 1 failed"
}

@test "no iommufd is something that this kernel cannot: 6, and why" {
	[ ! -e /dev/iommu ] || skip "for a machine without /dev/iommu"
	local line
	for line in "ioas alloc" "faultq alloc"; do
		run_ctl batch - <<<"$line"
		expect_status 6
		expect_in "$stderr" "there is no /dev/iommu" "rehearse with -M"
	done
}
