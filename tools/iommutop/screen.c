// SPDX-License-Identifier: GPL-2.0-or-later
#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <time.h>

static struct {
	SCREEN *screen;
	struct cells shown; /* what the terminal has */
	bool redraw, colour;
	attr_t attrs[ATTR_MAX];
	short pairs[ATTR_MAX];
	struct termios saved;
	/* what a crash handler writes: it may not call ncurses */
	char restore[256];
	size_t restore_len;
} scr;

static volatile sig_atomic_t got_end, got_resize, got_stop;
static volatile sig_atomic_t is_open;

/* -- signals --------------------------------------------------------------------------------------------- */

static void on_end(int sig)
{
	got_end = sig;
}

static void on_resize(int sig _unused_)
{
	got_resize = 1;
}

static void on_stop(int sig _unused_)
{
	got_stop = 1;
}

/* Async-signal-safe only. */
static void put_back(void)
{
	if (is_open) {
		ssize_t n = write(STDOUT_FILENO, scr.restore, scr.restore_len);

		(void)n;
		tcsetattr(STDIN_FILENO, TCSANOW, &scr.saved);
	}
}

static void on_crash(int sig)
{
	put_back();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_no_memory(void *arg _unused_)
{
	put_back();
}

static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };

/* Only while screen_wait() waits do they come through, so that none is missed between looking and waiting. */
static void block(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		sigaddset(set, end_signals[i]);
	sigaddset(set, SIGWINCH);
	sigaddset(set, SIGTSTP);
}

static void handle(int sig, void (*fn)(int), bool unless_ignored)
{
	struct sigaction old, sa = { .sa_handler = fn };

	sigaction(sig, NULL, &old);
	if (unless_ignored && old.sa_handler == SIG_IGN)
		return;
	sigaction(sig, &sa, NULL);
}

static void take_signals(void)
{
	static struct oom_end end = { .fn = on_no_memory };
	sigset_t set;

	oom_forget(&end);
	oom_at_end(&end);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		handle(end_signals[i], on_end, end_signals[i] == SIGHUP);
	for (size_t i = 0; i < ARRAY_SIZE(crash_signals); i++)
		handle(crash_signals[i], on_crash, false);
	handle(SIGWINCH, on_resize, false);
	handle(SIGTSTP, on_stop, true);
	block(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int screen_signal(void)
{
	return got_end;
}

/* -- colours --------------------------------------------------------------------------------------------- */

static void set_attr(enum attr a, attr_t mono, attr_t colour, short fg, short bg)
{
	scr.attrs[a] = mono;
	if (!scr.colour)
		return;
	scr.attrs[a] = colour;
	if (fg == -1 && bg == -1)
		return;
	init_pair((short)(a + 1), fg, bg);
	scr.pairs[a] = (short)(a + 1);
}

static void set_attrs(void)
{
	memset(scr.pairs, 0, sizeof(scr.pairs));
	set_attr(ATTR_PLAIN, 0, 0, -1, -1);
	set_attr(ATTR_GOOD, 0, 0, COLOR_GREEN, -1);
	set_attr(ATTR_WARN, 0, 0, COLOR_YELLOW, -1);
	set_attr(ATTR_BAD, A_BOLD, A_BOLD, COLOR_RED, -1);
	set_attr(ATTR_DIM, 0, A_DIM, -1, -1);
	set_attr(ATTR_BOLD, A_BOLD, A_BOLD, -1, -1);
	set_attr(ATTR_GRAPH, 0, 0, COLOR_CYAN, -1);
	set_attr(ATTR_HEAD, A_REVERSE, 0, COLOR_BLACK, COLOR_GREEN);
	set_attr(ATTR_HEAD_SORT, A_REVERSE | A_BOLD, 0, COLOR_BLACK, COLOR_CYAN);
	set_attr(ATTR_TAB, 0, A_DIM, -1, -1);
	set_attr(ATTR_TAB_ON, A_REVERSE, A_BOLD, COLOR_GREEN, -1);
	set_attr(ATTR_CURSOR, A_REVERSE, 0, COLOR_BLACK, COLOR_CYAN);
	set_attr(ATTR_KEY, A_BOLD, 0, -1, -1);
	set_attr(ATTR_KEY_TEXT, A_REVERSE, 0, COLOR_BLACK, COLOR_CYAN);
}

/* -- taking and giving back ------------------------------------------------------------------------------ */

static int add_restore(int ch)
{
	if (scr.restore_len < sizeof(scr.restore))
		scr.restore[scr.restore_len++] = (char)ch;
	return ch;
}

static void add_capability(const char *name)
{
	const char *s = tigetstr(name);

	if (s && s != (char *)-1)
		tputs(s, 1, add_restore);
}

static void prepare_restore(void)
{
	/* the mouse first: it must not go on talking to the shell */
	static const char mouse_off[] = "\033[?1006l\033[?1000l";

	scr.restore_len = 0;
	for (const char *p = mouse_off; *p; p++)
		add_restore(*p);
	add_capability("sgr0");
	add_capability("op");
	add_capability("rmkx");
	add_capability("cnorm");
	add_capability("rmcup");
	add_restore('\r');
	add_restore('\n');
}

static int no_screen(struct ctx *ctx)
{
	const char *term = getenv("TERM");

	return ctx_error(ctx,
			 NOTE(.code = "terminal", .err = EINVAL, .why = "terminfo does not know it, or it cannot move its cursor",
			      .hint = "set TERM to what your terminal is (TERM=xterm), or use batch mode: iommutop -b"),
			 "terminal type \"%s\"", term ?: "");
}

static bool term_is_known(void)
{
	const char *term = getenv("TERM"), *cup;
	bool known;
	int err;

	if (!term || !*term || setupterm(term, STDOUT_FILENO, &err) != OK)
		return false;
	cup = tigetstr("cup");
	known = cup && cup != (char *)-1;
	del_curterm(cur_term); /* newterm() makes its own */
	return known;
}

/* What terminals send beside what terminfo has for the name in TERM: PuTTY, the console and tmux do not agree with xterm. */
static void add_keys(void)
{
	static const struct {
		const char *sent;
		int key;
	} more[] = {
		{ "\033[H", KEY_HOME },	 { "\033OH", KEY_HOME },	 { "\033[1~", KEY_HOME }, { "\033[7~", KEY_HOME },
		{ "\033[F", KEY_END },	 { "\033OF", KEY_END },	 { "\033[4~", KEY_END },	 { "\033[8~", KEY_END },
		{ "\033[A", KEY_UP },	 { "\033[B", KEY_DOWN },	 { "\033[C", KEY_RIGHT }, { "\033[D", KEY_LEFT },
		{ "\033[5~", KEY_PPAGE }, { "\033[6~", KEY_NPAGE }, { "\033[Z", KEY_BTAB },
		{ "\033OP", KEY_F(1) },	 { "\033OQ", KEY_F(2) },	 { "\033OR", KEY_F(3) },	 { "\033OS", KEY_F(4) },
		{ "\033[11~", KEY_F(1) }, { "\033[12~", KEY_F(2) }, { "\033[13~", KEY_F(3) }, { "\033[14~", KEY_F(4) },
		{ "\033[15~", KEY_F(5) }, { "\033[17~", KEY_F(6) }, { "\033[21~", KEY_F(10) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		define_key(more[i].sent, more[i].key);
}

int screen_open(struct ctx *ctx, bool colour)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return ctx_error(ctx, NOTE(.code = "no-terminal", .err = ENOTTY, .why = "standard input or output is no terminal",
					   .hint = "batch mode needs none: iommutop -b -n 2"), "the screen");
	if (!term_is_known())
		return no_screen(ctx);
	tcgetattr(STDIN_FILENO, &scr.saved);
	scr.screen = newterm(NULL, stdout, stdin);
	if (!scr.screen)
		return no_screen(ctx);
	set_term(scr.screen);
	scr.colour = colour && has_colors() && start_color() == OK;
	if (scr.colour)
		use_default_colors();
	set_attrs();
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	add_keys();
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	prepare_restore();
	is_open = 1;
	take_signals();
	screen_redraw();
	return 0;
}

void screen_close(void)
{
	if (!is_open)
		return;
	is_open = 0;
	endwin();
	delscreen(scr.screen);
	cells_free(&scr.shown);
}

void screen_size(int *ret_w, int *ret_h)
{
	struct winsize w = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row) {
		*ret_w = COLS;
		*ret_h = LINES;
		return;
	}
	*ret_w = w.ws_col;
	*ret_h = w.ws_row;
}

void screen_redraw(void)
{
	scr.redraw = true;
}

/* -- drawing --------------------------------------------------------------------------------------------- */

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return a->ch == b->ch && a->attr == b->attr;
}

/* A run of cells of one attribute. */
static void put_run(const struct cells *c, int y, int x, int n)
{
	const struct cell *v = &c->v[y * c->w + x];
	wchar_t text[512];
	int len = 0;

	for (int i = 0; i < n; i++)
		if (v[i].ch)
			text[len++] = v[i].ch;
	attr_set(scr.attrs[v->attr], scr.pairs[v->attr], NULL);
	mvaddnwstr(y, x, text, len);
}

static void show_line(const struct cells *c, int y, bool all)
{
	const struct cell *now = &c->v[y * c->w], *was = all ? NULL : &scr.shown.v[y * c->w];

	for (int x = 0, end; x < c->w; x = end) {
		end = x + 1;
		if (was && same_cell(&now[x], &was[x]))
			continue;
		/* not into the middle of a wide character */
		if (!now[x].ch && x)
			continue;
		while (end < c->w && end - x < 500 && now[end].attr == now[x].attr &&
		       (!now[end].ch || !was || !same_cell(&now[end], &was[end])))
			end++;
		put_run(c, y, x, end - x);
	}
}

void screen_show(const struct cells *c)
{
	bool all = scr.redraw || scr.shown.w != c->w || scr.shown.h != c->h;

	if (all) {
		resizeterm(c->h, c->w);
		attr_set(0, 0, NULL);
		clear();
		cells_resize(&scr.shown, c->w, c->h);
	}
	for (int y = 0; y < c->h; y++)
		show_line(c, y, all);
	memcpy(scr.shown.v, c->v, (size_t)c->w * c->h * sizeof(*c->v));
	scr.redraw = false;
	refresh();
}

/* -- keys ------------------------------------------------------------------------------------------------ */

static bool mouse_key(struct ui_key *ret)
{
	MEVENT e;

	if (getmouse(&e) != OK)
		return false;
	ret->y = e.y;
	ret->x = e.x;
	if (e.bstate & BUTTON4_PRESSED)
		ret->code = UK_WHEEL_UP;
	else if (e.bstate & BUTTON5_PRESSED)
		ret->code = UK_WHEEL_DOWN;
	else
		ret->code = UK_CLICK;
	return true;
}

static bool translate(wint_t ch, struct ui_key *ret)
{
	static const struct {
		int curses;
		enum ui_keycode code;
	} keys[] = {
		{ KEY_UP, UK_UP },	 { KEY_DOWN, UK_DOWN },	  { KEY_LEFT, UK_LEFT },   { KEY_RIGHT, UK_RIGHT },
		{ KEY_PPAGE, UK_PGUP },	 { KEY_NPAGE, UK_PGDN },  { KEY_HOME, UK_HOME },   { KEY_END, UK_END },
		{ KEY_ENTER, UK_ENTER }, { KEY_BTAB, UK_BACKTAB }, { KEY_BACKSPACE, UK_BACKSPACE },
	};

	if (ch == KEY_MOUSE)
		return mouse_key(ret);
	if (ch >= (wint_t)KEY_F(1) && ch <= (wint_t)KEY_F(10)) {
		ret->code = UK_F1 + (ch - (wint_t)KEY_F(1));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (ch == (wint_t)keys[i].curses) {
			ret->code = keys[i].code;
			return true;
		}
	return false;
}

static bool character(wint_t ch, struct ui_key *ret)
{
	switch (ch) {
	case '\r':
	case '\n':
		ret->code = UK_ENTER;
		return true;
	case '\t':
		ret->code = UK_TAB;
		return true;
	case 0x1b:
		ret->code = UK_ESC;
		return true;
	case 0x7f:
	case '\b':
		ret->code = UK_BACKSPACE;
		return true;
	}
	if (ch == 'L' - 0x40)
		screen_redraw();
	ret->code = (uint32_t)ch;
	return true;
}

static bool read_key(struct ui_key *ret, bool *ret_any)
{
	wint_t ch;
	int r = get_wch(&ch);

	*ret = (struct ui_key){ .y = -1, .x = -1 };
	*ret_any = r != ERR;
	if (r == KEY_CODE_YES)
		return translate(ch, ret);
	return r == OK && character(ch, ret);
}

/* Ctrl-Z: the shell gets the terminal as it was, and we take it again when we are back. */
static void suspend(void)
{
	sigset_t set;

	got_stop = 0;
	is_open = 0;
	endwin();
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL); /* we stop here */
	sigprocmask(SIG_BLOCK, &set, NULL);
	handle(SIGTSTP, on_stop, false);
	is_open = 1;
	refresh();
	screen_redraw();
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum screen_event screen_wait(int timeout_ms, struct ui_key *ret)
{
	int64_t until = now_ms() + timeout_ms;
	sigset_t open_set;

	sigprocmask(SIG_BLOCK, NULL, &open_set);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		sigdelset(&open_set, end_signals[i]);
	sigdelset(&open_set, SIGWINCH);
	sigdelset(&open_set, SIGTSTP);
	for (;;) {
		struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
		int64_t left = MAX(until - now_ms(), 0);
		struct timespec t = { left / 1000, left % 1000 * 1000000 };
		bool any;
		int n;

		if (read_key(ret, &any))
			return SCREEN_KEY;
		if (any)
			continue;
		n = ppoll(&fd, 1, &t, &open_set);
		if (got_end)
			return SCREEN_END;
		if (got_stop) {
			suspend();
			return SCREEN_RESIZED;
		}
		if (got_resize) {
			got_resize = 0;
			return SCREEN_RESIZED;
		}
		if (n > 0 && fd.revents & (POLLHUP | POLLERR | POLLNVAL))
			return SCREEN_END;
		if (!n)
			return SCREEN_TIMEOUT;
	}
}
