// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers of a keeper that do not behave: session-peer SOCKET WORD...
 *
 *	garbage	bytes that are no hello; a good hello and then bytes that are no frame
 *	half	half a hello, half a frame, and the connection closed in the middle
 *	huge	a frame that announces all the data there can be, and sends none
 *	silent	100 connections that never say anything; they stay open until the end
 *	flood	requests without end whose answers are never read
 *	hoard	makes 8,000 objects; then 200 connections that ask for all there are and never read it
 *	mute	100 connections that say nothing; says "held", and stays until its input ends
 *	seated	the same with connections that said hello, as many as there is room for
 *	thousand	1,000 connections at once, each of which asks something
 *	shut-out	the socket's mode lets us not in
 *	refused	it does, and the keeper hangs up without a word, since we are not its owner
 *	other-version	plays a keeper of version 0.0.1 until it is told to stop
 *	old-keeper	the same with the hello that the file $KEPT begins with
 *	old-client	says the hello that the file $KEPT begins with, and wants one back
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "session/protocol.h"

static const char *path;

static int address(struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(a->sun_path, sizeof(a->sun_path), "%s", path) < (int)sizeof(a->sun_path) ? 0 : -1;
}

static int dial(void)
{
	struct sockaddr_un a;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	if (s < 0 || address(&a) < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror(path);
		exit(1);
	}
	return s;
}

static int greeted(void)
{
	struct hello h;
	int s = dial();

	hello_fill(&h, HELLO_CONNECT);
	if (write(s, &h, sizeof(h)) != sizeof(h) || recv(s, &h, sizeof(h), MSG_WAITALL) != sizeof(h))
		return -1;
	return s;
}

/* Whether the keeper has hung up. */
static int hung_up(int s)
{
	char c;

	return recv(s, &c, 1, 0) <= 0;
}

static int garbage(void)
{
	char bytes[4096];
	int s = dial();

	memset(bytes, 0xa5, sizeof(bytes));
	if (write(s, bytes, sizeof(bytes)) < 0 || !hung_up(s))
		return 1;
	close(s);
	s = greeted();
	if (s < 0 || write(s, bytes, sizeof(bytes)) < 0 || !hung_up(s))
		return 1;
	close(s);
	return 0;
}

static int half(void)
{
	struct frame f = { .op = OP_ioas_alloc, .op_len = sizeof(struct op_ioas_alloc) };
	struct hello h;
	int s = dial();

	hello_fill(&h, HELLO_CONNECT);
	if (write(s, &h, 40) != 40)
		return 1;
	close(s);
	s = greeted();
	if (s < 0 || write(s, &f, 20) != 20)
		return 1;
	close(s);
	s = greeted();
	if (s < 0 || write(s, &f, sizeof(f)) != sizeof(f) || write(s, &f, 8) != 8)
		return 1;
	close(s);
	return 0;
}

static int huge(void)
{
	struct frame f = { .op = OP_ioas_allow, .op_len = sizeof(struct op_ioas_allow), .data_len = FRAME_MAX_DATA };

	for (int i = 0; i < 100; i++) {
		int s = greeted();

		if (s < 0 || write(s, &f, sizeof(f)) != sizeof(f))
			return 1; /* stays open until we end */
	}
	return 0;
}

static int silent(void)
{
	for (int i = 0; i < 100; i++)
		dial();
	return 0;
}

static int flood(void)
{
	struct {
		struct frame f;
		struct op_object_list op;
	} request = { .f = { .op = OP_object_list, .op_len = sizeof(struct op_object_list), .out_cap = 1 << 20 } };
	int s = greeted();

	if (s < 0)
		return 1;
	while (send(s, &request, sizeof(request), MSG_DONTWAIT) > 0)
		;
	return errno == EAGAIN ? 0 : 1;
}

/* @n address spaces with names of their own */
static int fill(int n)
{
	struct {
		struct frame f;
		struct op_ioas_alloc op;
	} request;
	int s = greeted();

	for (int i = 0; i < n; i++) {
		memset(&request, 0, sizeof(request));
		request.f = (struct frame){ .op = OP_ioas_alloc, .op_len = sizeof(request.op) };
		snprintf(request.op.name, sizeof(request.op.name), "hoard%d", i);
		if (write(s, &request, sizeof(request)) != sizeof(request) ||
		    recv(s, &request, sizeof(request), MSG_WAITALL) != sizeof(request) || request.f.result < 0)
			return -1;
	}
	close(s);
	return 0;
}

static int hoard(void)
{
	struct {
		struct frame f;
		struct op_object_list op;
	} request = { .f = { .op = OP_object_list, .op_len = sizeof(struct op_object_list), .out_cap = FRAME_MAX_DATA } };

	if (fill(8000) < 0)
		return 1;
	for (int i = 0; i < 200; i++) {
		int s = greeted();

		if (s < 0 || send(s, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
			return 1; /* stays open until we end */
	}
	return 0;
}

static int hold(bool hello)
{
	struct hello h;
	char c;

	hello_fill(&h, HELLO_CONNECT);
	for (int i = 0; i < 100; i++) {
		int s = dial();

		/* one that has no room for us may have hung up by now */
		if (hello && send(s, &h, sizeof(h), MSG_NOSIGNAL) < 0 && errno != EPIPE)
			return 1;
		if (hello && recv(s, &h, sizeof(h), MSG_WAITALL) != sizeof(h))
			return 1;
	}
	puts("held");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

static int mute(void)
{
	return hold(false);
}

static int seated(void)
{
	return hold(true);
}

static int ask(int s)
{
	struct {
		struct frame f;
		struct op_object_list op;
	} request = { .f = { .op = OP_object_list, .seq = 9, .op_len = sizeof(struct op_object_list) } };

	if (write(s, &request, sizeof(request)) != sizeof(request) ||
	    recv(s, &request, sizeof(request), MSG_WAITALL) != sizeof(request))
		return -1;
	return request.f.seq == 9 && request.f.result == 0 ? 0 : -1;
}

/* Each is served, or is told that there are too many. */
static int thousand(void)
{
	struct rlimit r = { 2048, 2048 };
	int fds[1000], served = 0;

	setrlimit(RLIMIT_NOFILE, &r);
	for (int i = 0; i < 1000; i++) {
		struct hello h;

		fds[i] = dial();
		hello_fill(&h, HELLO_CONNECT);
		if (send(fds[i], &h, sizeof(h), MSG_NOSIGNAL) < 0 && errno != EPIPE)
			return 1;
		if (recv(fds[i], &h, sizeof(h), MSG_WAITALL) != sizeof(h) || !hello_valid(&h))
			continue; /* it hung up before our hello was out */
		if (h.flags & HELLO_FULL)
			continue;
		if (ask(fds[i]) < 0)
			return 1;
		served++;
	}
	printf("%d of 1000 served\n", served);
	return served ? 0 : 1;
}

static int shut_out(void)
{
	struct sockaddr_un a;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	return s >= 0 && address(&a) == 0 && connect(s, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EACCES ? 0 : 1;
}

static int refused(void)
{
	struct hello h;
	int s = dial();

	hello_fill(&h, HELLO_STOP);
	return (send(s, &h, sizeof(h), MSG_NOSIGNAL) == sizeof(h) || errno == EPIPE) && hung_up(s) ? 0 : 1;
}

static int play_keeper(struct hello ours)
{
	struct hello theirs;
	struct sockaddr_un a;
	int l = socket(AF_UNIX, SOCK_STREAM, 0), s;

	if (l < 0 || address(&a) < 0 || bind(l, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(l, 8) < 0)
		return 1;
	do {
		s = accept(l, NULL, NULL);
		if (s < 0 || recv(s, &theirs, sizeof(theirs), MSG_WAITALL) != sizeof(theirs) ||
		    write(s, &ours, sizeof(ours)) != sizeof(ours))
			return 1;
		close(s);
	} while (theirs.what != HELLO_STOP);
	return 0;
}

static int other_version(void)
{
	struct hello ours;

	hello_fill(&ours, HELLO_CONNECT);
	memset(ours.version, 0, sizeof(ours.version));
	strcpy(ours.version, "0.0.1");
	return play_keeper(ours);
}

static int read_kept(struct hello *ret)
{
	const char *name = getenv("KEPT");
	FILE *f = name ? fopen(name, "r") : NULL;
	size_t n = f ? fread(ret, sizeof(*ret), 1, f) : 0;

	if (f)
		fclose(f);
	return n == 1 ? 0 : -1;
}

static int old_keeper(void)
{
	struct hello h;

	return read_kept(&h) < 0 ? 1 : play_keeper(h);
}

static int old_client(void)
{
	struct hello h;
	int s = dial();

	if (read_kept(&h) < 0 || write(s, &h, sizeof(h)) != sizeof(h) || recv(s, &h, sizeof(h), MSG_WAITALL) != sizeof(h))
		return 1;
	close(s);
	return hello_valid(&h) && h.pid ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		int (*run)(void);
	} words[] = { { "garbage", garbage }, { "half", half }, { "huge", huge }, { "silent", silent }, { "flood", flood },
		      { "hoard", hoard }, { "mute", mute }, { "seated", seated },
		      { "thousand", thousand }, { "shut-out", shut_out }, { "refused", refused }, { "other-version", other_version },
		      { "old-keeper", old_keeper }, { "old-client", old_client } };

	if (argc < 3)
		return 2;
	path = argv[1];
	for (int i = 2; i < argc; i++) {
		int r = 2;

		for (size_t k = 0; k < ARRAY_SIZE(words); k++)
			if (!strcmp(argv[i], words[k].word))
				r = words[k].run();
		if (r) {
			fprintf(stderr, "session-peer: %s failed\n", argv[i]);
			return r;
		}
	}
	return 0;
}
