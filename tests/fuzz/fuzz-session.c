// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a client can send to a keeper: any bytes behind any hello, through a real socket into the real loop, over the model of the sample
 * machine. The first byte says how the bytes are cut into writes, the second whether a good hello goes before them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fuzz.h"

#include "backend/workspace.h"
#include "model/model.h"
#include "session/facts.h"
#include "session/keeper.h"
#include "session/protocol.h"

static volatile sig_atomic_t stop;

static pthread_barrier_t started;

/* A keeper leaves some of its descriptors to the end of its process: here to the end of a thread with a table of its own. */
static void *run(void *arg)
{
	if (unshare(CLONE_FILES) < 0)
		abort();
	pthread_barrier_wait(&started);
	keeper_run(arg);
	close_range(3, ~0u, 0);
	return NULL;
}

/* An abstract name: nothing is left behind. */
static socklen_t address(struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "iommuctl-fuzz-%d", getpid()));
}

static int open_listener(void)
{
	struct sockaddr_un a;
	socklen_t len = address(&a);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&a, len) < 0 || listen(s, 8) < 0)
		abort();
	return s;
}

static int dial(void)
{
	struct sockaddr_un a;
	socklen_t len = address(&a);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s < 0 || connect(s, (struct sockaddr *)&a, len) < 0)
		abort();
	return s;
}

static void drain(int s)
{
	char buf[65536];

	while (recv(s, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void talk(const uint8_t *data, size_t size)
{
	size_t step = 1 + data[0] % 64;
	struct hello h;
	int s = dial();

	hello_fill(&h, HELLO_CONNECT);
	if (data[1] & 1)
		send(s, &h, sizeof(h), MSG_NOSIGNAL);
	for (size_t at = 2; at < size; at += step) {
		if (send(s, data + at, MIN(step, size - at), MSG_NOSIGNAL) < 0)
			break;
		drain(s);
	}
	close(s);
}

/* A stop ends the loop in good order; what was sent before it has been read by then. */
static void end(int listener, pthread_t thread)
{
	struct hello h;
	int s = dial();

	hello_fill(&h, HELLO_STOP);
	send(s, &h, sizeof(h), MSG_NOSIGNAL);
	pthread_join(thread, NULL);
	close(s);
	close(listener);
}

FUZZ_TARGET(session)
{
	struct ctx ctx = { 0 };
	static struct source *base;
	static struct ctx forever;
	struct source *overlay;
	struct backend *model, *be;
	pthread_t thread;
	struct keeper k;

	if (size < 3 || (!base && source_open(&forever, "demo", &base) < 0))
		return 0;
	if (model_open(&ctx, base, NULL, &model, &overlay) < 0 ||
	    workspace_new(model, &(struct workspace_facts){ facts_answer, overlay }, &be) < 0)
		abort();
	k = (struct keeper){ .be = be, .listener = open_listener(), .model = true, .stop = &stop };
	if (pthread_barrier_init(&started, NULL, 2) || pthread_create(&thread, NULL, run, &k))
		abort();
	pthread_barrier_wait(&started);
	talk(data, size);
	end(k.listener, thread);
	pthread_barrier_destroy(&started);
	backend_close(be);
	source_close(overlay);
	ctx_free(&ctx);
	return 0;
}
