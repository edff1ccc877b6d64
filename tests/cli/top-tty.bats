#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# iommutop on a real terminal (tmux): keys, sizes, signals, and what the terminal is like afterwards.
load lib

setup_file() {
	export TOP=${IOMMUCTL%/*}/iommutop
}

setup() {
	[ -x "$TOP" ] || skip "iommutop was not built: ncursesw is not here"
	command -v tmux >/dev/null || skip "tmux is not installed"
	SOCKET=top-$$-$BATS_TEST_NUMBER
	term new-session -d -x 100 -y 30 "PS1='shell> ' bash --norc --noprofile -i"
	see 'shell>'
	stty_before=$(terminal_state)
}

teardown() {
	[ -z "${SOCKET:-}" ] || term kill-server || true
}

term() {
	tmux -L "$SOCKET" -f /dev/null "$@"
}

screen() {
	term capture-pane -p
}

# see PATTERN…: waits until all of them (globs) are on the screen
see() {
	local p tries=300 s all

	while ((tries--)); do
		s=$(screen)
		all=1
		for p; do
			# shellcheck disable=SC2053 # a pattern
			[[ $s == *$p* ]] || all=
		done
		[ -z "$all" ] || return 0
		sleep 0.1
	done
	printf 'not seen: %s\n--- on the screen\n%s\n' "$*" "$s" >&2
	return 1
}

# gone PATTERN: waits until it is not on the screen any more
gone() {
	local tries=300 s

	while ((tries--)); do
		s=$(screen)
		# shellcheck disable=SC2053 # a pattern
		[[ $s == *$1* ]] || return 0
		sleep 0.1
	done
	printf 'still there: %s\n--- on the screen\n%s\n' "$1" "$s" >&2
	return 1
}

# at GROUP: waits until the cursor, black on cyan, is on the row of that group
at() {
	local tries=300 s

	while ((tries--)); do
		s=$(term capture-pane -p -e)
		[[ ! $s =~ 46m\ *$1\ [a-z] ]] || return 0
		sleep 0.1
	done
	printf 'the cursor is not on group %s\n%s\n' "$1" "$s" >&2
	return 1
}

keys() {
	term send-keys "$@"
}

# the settings of the pane's terminal
terminal_state() {
	stty -a -F "$(term display-message -p '#{pane_tty}')" | grep -v '^speed'
}

# as_before [FORMAT VALUE]: the terminal has the settings it had at the shell's first prompt, and tmux's flags are
# VALUE. Waits: the program leaves the screen before it is gone (leak checkers take their time), and only then the
# shell sets the terminal for its next prompt.
as_before() {
	local format=${1:-same} want=${2:-same} tries=300

	while ((tries--)); do
		[[ $(terminal_state) == "$stty_before" && $(term display-message -p "$format") == "$want" ]] && return 0
		sleep 0.1
	done
	printf 'the terminal is not as it was: %s\n' "$(term display-message -p "$format")" >&2
	diff <(echo "$stty_before") <(terminal_state) >&2
	return 1
}

# start ENV… [-- ARGS…]: the program, from the shell in the pane
start() {
	local env=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		env+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	keys -l "clear; env LC_ALL=C.UTF-8 ${env[*]} $(printf '%q ' "$TOP" --demo "$@"); echo \"status \$?.\""
	keys Enter
	see 'GROUP VERDICT'
}

# the pid of the program
pid() {
	local shell
	shell=$(term display-message -p '#{pane_pid}')
	pgrep -P "$shell" iommutop || pgrep -P "$(pgrep -P "$shell")" iommutop
}

# restored STATUS: the program ended with it, and the terminal is what it was
restored() {
	see "status $1." 'shell>'
	as_before '#{alternate_on} #{mouse_any_flag} #{cursor_flag} #{keypad_cursor_flag}' '0 0 1 0'
	# the shell echoes again
	keys -l 'echo good"bye"'
	keys Enter
	see 'goodbye'
}

@test "the first frame" {
	start
	[ "$(term display-message -p '#{alternate_on}')" = 1 ]
	see 'Linux 7.2' '15 groups:' '1 Groups 15' '   13 ready' 'F10Quit'
	[ "$(screen | wc -l)" -le 30 ]
}

@test "keys move, open, search, sort and quit" {
	start
	keys End
	see '# iommuctl device bind 0000:0a:00.3'
	keys Home Down Enter
	see '$ iommuctl group check 1' 'must leave its driver first'
	keys NPage NPage
	see '$ iommuctl group show 1'
	keys Escape
	see 'GROUP VERDICT'
	keys -l '/qemu-sys'
	see 'search: qemu-sys_' 'qemu-system-x86 (pid 92, guest web01) has /dev/vfio/devices/vfio1 open'
	keys Enter F6 Down Enter
	see 'VERDICT△'
	keys I
	see 'VERDICT▽'
	keys 3
	see 'DEVICE       CLASS'
	keys BTab Tab
	see '0000:00:1e.0 other'
	keys '\'
	keys -l virtio
	keys Enter
	see 'only rows with "virtio": 2'
	keys q
	restored 0
}

@test "every key that the help names" {
	start
	# the views
	keys 2
	see 'DOMAIN TYPE' 'dma-api'
	keys 3
	see 'DEVICE       CLASS'
	keys 4
	see 'INVAL/s' 'dmar0'
	keys 5
	see ' 5 Faults'
	gone 'INVAL/s'
	keys 6
	see 'OBJECT ' 'no session runs'
	keys 1
	see 'GROUP VERDICT'
	# the cursor
	at 0
	keys Down Down
	at 2
	keys Up
	at 1
	keys End
	at 14
	keys Home
	at 0
	term resize-window -x 100 -y 15
	keys NPage
	at 7
	keys NPage PPage
	at 7
	keys PPage
	at 0
	term resize-window -x 140 -y 30
	keys -l jjk
	at 1
	keys G
	at 14
	keys g
	at 0
	# sideways
	keys Right
	see 'GROUP TYPE'
	keys Left
	see 'GROUP VERDICT'
	# search and filter
	keys -l /nvme
	keys Enter
	at 1
	keys n
	at 10
	keys F3
	see 'search: _'
	keys Escape F4
	see 'show only rows with: _'
	keys -l e1000e
	keys Enter
	see 'only rows with "e1000e": 1; Esc shows all'
	gone 'nothing-to-give DMA'
	keys Escape
	see 'nothing-to-give DMA'
	# order
	keys '>'
	see 'Sort by'
	keys Down Down Enter
	see 'TYP△'
	keys I
	see 'TYP▽'
	# lines that are typed
	keys F2
	see 'save a snapshot to file: _'
	keys Escape
	gone 'save a snapshot'
	keys d
	see 'seconds between refreshes: _'
	keys -l 4000
	keys Enter
	see '"4000" is no number of seconds from 0.1 to 3600'
	# help says of each of them; it goes with q, which quits only from the list
	keys '?'
	see 'this help' 'everything about the row'
	keys q
	see 'GROUP VERDICT'
	keys F1
	see 'choose the column to sort by'
	keys Escape Space F5 C-l
	see 'GROUP VERDICT'
	keys F10
	restored 0
}

@test "on this machine: the clock goes on, the delay is changed, a pause is said and ends" {
	local first
	keys -l "clear; env LC_ALL=C.UTF-8 $(printf '%q' "$TOP"); echo \"status \$?.\""
	keys Enter
	see 'every 1s' 'F10Quit'
	first=$(screen | head -n 1)
	keys d
	see 'seconds between refreshes: _'
	keys -l 0.5
	keys Enter
	see 'every 0.5s'
	gone "$first"
	keys p
	see 'PAUSED'
	keys p
	gone 'PAUSED'
	keys q
	restored 0
}

@test "sizes come and go" {
	start
	term resize-window -x 140 -y 45
	see 'EXPECT' 'nothing-to-give' 'F10Quit'
	term resize-window -x 60 -y 12
	see 'GROUP VERDICT' 'F1Help'
	[ "$(screen | wc -L)" -le 60 ]
	term resize-window -x 2 -y 2
	sleep 0.3
	term resize-window -x 1 -y 1
	sleep 0.3
	term resize-window -x 300 -y 100
	see 'EXPECT' '0000:03:00.0,0000:03:00.1,0000:00:1a.0' 'F10Quit'
	keys q
	restored 0
}

@test "the help is whole at any width, and what is typed is seen" {
	start
	term resize-window -x 80 -y 60
	keys '?'
	see 'the other way' '--from FILE read it' 'table has the command'
	[[ $(screen | sed 1,6d) != *…* ]]
	# narrower and wider while it is open
	term resize-window -x 40 -y 90
	see 'everything about the row: show, check,' 'snapshot: iommuctl --from FILE,'
	[[ $(screen | sed 1,6d) != *…* ]]
	term resize-window -x 120 -y 50
	see 'the other way round' 'iommuctl --from FILE, iommutop --from FILE read it'
	keys Escape
	term resize-window -x 20 -y 5
	keys F2
	see 'save a snapshot'
	keys /tmp/a-rather-long-name
	see 'rather-long-name_'
	keys Escape q
	restored 0
}

@test "signals end it as they would end any program, and the terminal is as it was" {
	local s status
	for s in TERM:143 HUP:129 QUIT:131 SEGV:139 ABRT:134 BUS:135; do
		start
		kill -"${s%:*}" "$(pid)"
		restored "${s#*:}"
	done
}

@test "Ctrl-C ends it" {
	start
	keys C-c
	see 'shell>'
	as_before '#{alternate_on} #{mouse_any_flag} #{cursor_flag}' '0 0 1'
}

@test "Ctrl-Z gives the terminal to the shell, fg brings the screen back" {
	start
	keys End
	see '# iommuctl device bind 0000:0a:00.3'
	keys C-z
	see 'Stopped' 'shell>'
	as_before '#{alternate_on} #{mouse_any_flag} #{cursor_flag}' '0 0 1'
	keys -l fg
	keys Enter
	see 'GROUP VERDICT' '# iommuctl device bind 0000:0a:00.3'
	keys q
	see 'shell>'
	as_before
}

@test "without colours there are none, and the cursor is seen all the same" {
	start NO_COLOR=1
	# 7 is reverse; 3x and 4x are colours
	run term capture-pane -p -e
	[[ $output == *$'\e[7m'* ]]
	[[ ! $output =~ $'\e['[0-9\;]*(3|4)[0-7]m ]]
	keys q
	restored 0
	start -- # and with them there are
	run term capture-pane -p -e
	[[ $output =~ $'\e['[0-9\;]*(3|4)[0-7]m ]]
	keys q
	restored 0
}

@test "a terminal that can do little" {
	start TERM=vt100
	see 'GROUP VERDICT' 'F10Quit'
	keys 4
	see 'dmar0'
	keys q
	see 'status 0.'
	as_before
}

@test "without UTF-8 only ASCII is drawn" {
	start LC_ALL=C
	keys F6
	see 'Sort by'
	[[ $(screen) != *[^[:ascii:]]* ]]
	keys Escape q
	see 'status 0.'
}

@test "a snapshot is saved from the screen" {
	local file=$BATS_TEST_TMPDIR/saved.snap
	start
	keys s
	see 'save a snapshot to file: _'
	keys -l "$file"
	keys Enter
	see 'saved: iommutop --from'
	"$IOMMUCTL" snapshot info "$file"
	keys s
	keys -l /nonexistent/x
	keys Enter
	see '/nonexistent/x: '
	keys q
	restored 0
}

@test "only what has changed is written" {
	local log=$BATS_TEST_TMPDIR/bytes first
	start
	term pipe-pane -o "cat >$log"
	keys Down
	see 'must leave'
	# until nothing more comes
	first=-1
	until [ "$(wc -c <"$log")" -eq "$first" ]; do
		first=$(wc -c <"$log")
		sleep 1
	done
	# two rows and two lines of advice, not a screen of 3000 cells
	[ "$first" -gt 20 ] && [ "$first" -lt 1500 ]
	sleep 2.5
	# a snapshot does not change: nothing is written, however often it is looked at
	[ "$(wc -c <"$log")" -eq "$first" ]
	keys q
	restored 0
}

# click COLUMN LINE, from 1: a press and a release as an xterm sends them
click() {
	keys -l "$(printf '\e[<0;%d;%dM\e[<0;%d;%dm' "$1" "$2" "$1" "$2")"
}

# tab N: a click on it
tab() {
	# shellcheck disable=SC2046 # column and line
	click $(screen | awk -v t=" $1 [A-Z]" 'match($0, t) { print RSTART + 3, NR; exit }')
}

@test "the mouse" {
	local y
	start TERM=xterm-256color
	[ "$(term display-message -p '#{mouse_any_flag}')" = 1 ]
	y=$(screen | grep -n '    3 needs-bind' | cut -d: -f1)
	click 10 "$y"
	see '# iommuctl device bind 0000:03:00.1'
	click 10 "$y" # where the cursor is: its details
	see '$ iommuctl group check 3'
	tab 1
	see 'GROUP VERDICT'
	keys Home
	at 0
	keys -l $'\e[<65;10;12M' # the wheel
	at 3
	keys -l $'\e[<64;10;12M'
	at 0
	click 10 "$(screen | grep -n '^GROUP VERDICT' | cut -d: -f1)"
	see 'VERDICT△'
	tab 4
	see 'INVAL/s'
	click 2 30 # F1 below
	see 'this help' 'Esc*Back'
	tab 2
	see 'DOMAIN TYPE'
	click 2 30
	see 'this help'
	click 2 30 # Esc is in its place
	see 'DOMAIN TYPE'
	keys q
	restored 0
}
