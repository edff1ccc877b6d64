// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "backend/workspace.h"
#include "base/vec.h"
#include "session/protocol.h"

/* To say hello: whoever has connected does it at once. The second one is for when there is no room. */
#define HELLO_MS 10000
#define HELLO_MS_FULL 100

/* What one request takes at most beside its data. Without it, nothing new is begun: all sessions' objects would go when it runs out. */
#define RESERVE (1u << 20)

enum client_state { GREETING, READING, WAITING, CLOSING };

/* @in collects the hello, then each request; @out is what the peer has not read yet. */
struct client {
	int fd;
	uint32_t id;
	enum client_state state;
	bool clean;
	bool guest; /* there is no room for it: it may ask what this is, and stop it */
	bool stops; /* it wants the end, and waits for it */
	char *in, *out;
	size_t in_len, in_cap, out_len, out_at;
	int fd_in, fd_out; /* of the request that is coming, of the answer that is going */
	int64_t since;	   /* when it came */
	int64_t until;	   /* WAITING: when it has waited long enough */
};

struct loop {
	const struct keeper *k;
	VEC(struct client *) clients;
	VEC(struct pollfd) polls;
	uint32_t next_id;
	size_t buffered;
	int spare; /* given up for a guest when descriptors run out */
	bool guest; /* there is one: nobody else is let in before it has gone */
	bool ending;
	sigset_t signals; /* the mask while it waits */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void client_free(struct loop *l, struct client *c)
{
	workspace_client_gone(l->k->be, c->id, c->clean);
	l->buffered -= c->in_cap + c->out_len;
	close_fd(&c->fd);
	close_fd(&c->fd_in);
	close_fd(&c->fd_out);
	free(c->in);
	free(c->out);
	free(c);
}

/* -- answers ------------------------------------------------------------------------------------------------------------ */

/* What does not go now goes when the peer reads. */
static void flush_client(struct client *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send_with_fd(c->fd, c->out + c->out_at, c->out_len - c->out_at, c->fd_out);

		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n < 0) {
			c->state = CLOSING;
			return;
		}
		close_fd(&c->fd_out);
		c->out_at += (size_t)n;
	}
}

static void drop_answer(struct loop *l, struct client *c)
{
	l->buffered -= c->out_len;
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_at = 0;
}

/* Takes @p over. */
static void answer(struct loop *l, struct client *c, void *p, size_t n)
{
	drop_answer(l, c);
	c->out = p;
	c->out_len = n;
	l->buffered += n;
	flush_client(c);
}

static struct frame *request_of(const struct client *c)
{
	return (struct frame *)c->in;
}

static size_t request_len(const struct client *c)
{
	const struct frame *f = request_of(c);

	return sizeof(*f) + f->op_len + f->data_len;
}

/* The next request begins; a large buffer is not kept for it. */
static void next_request(struct loop *l, struct client *c)
{
	l->buffered -= c->in_cap;
	free(c->in);
	c->in = NULL;
	c->in_len = c->in_cap = 0;
	close_fd(&c->fd_in);
	c->state = READING;
}

/* -- requests ----------------------------------------------------------------------------------------------------------- */

static bool must_wait(struct client *c, int result, const union any_op *op)
{
	if (result != -EAGAIN || request_of(c)->op != OP_fault_take || !op->fault_take.wait_ms)
		return false;
	if (c->state != WAITING)
		c->until = now_ms() + op->fault_take.wait_ms;
	return now_ms() < c->until;
}

static bool gives_back(uint32_t op)
{
	return op == OP_destroy || op == OP_device_close || op == OP_device_detach || op == OP_ioas_unmap || op == OP_legacy_unmap ||
	       op == OP_faultq_respond;
}

static void execute(struct loop *l, struct client *c)
{
	struct frame *f = request_of(c);
	size_t head = sizeof(*f) + f->op_len;
	char *reply = calloc(1, head + f->out_cap);
	struct op_data d = { .in = c->in + head, .in_len = f->data_len, .out_cap = f->out_cap, .fd_in = c->fd_in, .fd_out = -1 };
	struct frame *done = (struct frame *)reply;
	union any_op op;
	int result;

	if (!reply) {
		c->state = CLOSING;
		return;
	}
	memcpy(&op, c->in + sizeof(*f), f->op_len);
	d.out = reply + head;
	workspace_set_client(l->k->be, c->id);
	/* drivers of the running machine are the client's matter: an unbind can hang, and would take all others along */
	if (f->op == OP_act && !l->k->model)
		result = -EOPNOTSUPP;
	else if (!oom_reserve(RESERVE) && !gives_back(f->op))
		result = -ENOMEM;
	else
		result = op_call(l->k->be, f->op, &op, &d);
	if (must_wait(c, result, &op)) {
		c->state = WAITING;
		free(reply);
		return;
	}
	memcpy(reply + sizeof(*f), &op, f->op_len);
	*done = (struct frame){ .op = f->op, .seq = f->seq, .op_len = f->op_len, .result = result,
				.data_len = (uint32_t)MIN(d.out_len, (size_t)f->out_cap), .out_len = (uint32_t)MIN(d.out_len, UINT32_MAX),
				.flags = d.fd_out >= 0 ? FRAME_FD : 0 };
	close_fd(&c->fd_out);
	c->fd_out = d.fd_out;
	head += done->data_len;
	next_request(l, c);
	if (l->buffered + head > KEEPER_MAX_BUFFERED) {
		free(reply);
		c->state = CLOSING;
		return;
	}
	answer(l, c, realloc(reply, head) ?: reply, head);
}

static void fill_hello(const struct loop *l, struct hello *h)
{
	hello_fill(h, HELLO_CONNECT);
	h->pid = (uint32_t)getpid();
	h->flags = l->k->model ? HELLO_MODEL : 0;
	h->objects = (uint32_t)workspace_count(l->k->be);
}

static void greet(struct loop *l, struct client *c)
{
	struct hello theirs, *ours = calloc(1, sizeof(*ours));

	memcpy(&theirs, c->in, sizeof(theirs));
	if (!ours || !hello_valid(&theirs)) {
		free(ours);
		c->state = CLOSING;
		return;
	}
	fill_hello(l, ours);
	if (theirs.what == HELLO_STOP)
		l->ending = c->stops = true;
	if (theirs.what == HELLO_CONNECT && c->guest)
		ours->flags |= HELLO_FULL;
	next_request(l, c);
	answer(l, c, ours, sizeof(*ours));
	if (theirs.what != HELLO_CONNECT || c->guest || !hello_equal(&theirs))
		c->state = CLOSING;
}

/* How many bytes are wanted before something can be done. */
static size_t wanted(const struct client *c)
{
	if (c->state == GREETING)
		return sizeof(struct hello);
	return c->in_len < sizeof(struct frame) ? sizeof(struct frame) : request_len(c);
}

/* Something is whole. */
static void take(struct loop *l, struct client *c)
{
	if (c->state == GREETING) {
		greet(l, c);
		return;
	}
	if (c->in_len == sizeof(struct frame) && !frame_valid(request_of(c))) {
		c->state = CLOSING;
		return;
	}
	if (request_of(c)->flags & FRAME_BYE) {
		c->clean = true;
		c->state = CLOSING;
		return;
	}
	if (c->in_len == request_len(c))
		execute(l, c);
}

/* As much as comes, and no more than a step ahead of it: a size that is announced is not yet memory. */
static bool make_room(struct loop *l, struct client *c)
{
	size_t cap = MIN(wanted(c), MAX(2 * c->in_len, 4096U));
	char *in;

	if (cap <= c->in_cap)
		return true;
	if (l->buffered + cap - c->in_cap > KEEPER_MAX_BUFFERED)
		return false;
	in = realloc(c->in, cap);
	if (!in)
		return false;
	l->buffered += cap - c->in_cap;
	c->in = in;
	c->in_cap = cap;
	return true;
}

static void receive(struct loop *l, struct client *c)
{
	ssize_t n;
	int fd;

	if (!make_room(l, c)) {
		c->state = CLOSING;
		return;
	}
	n = receive_with_fd(c->fd, c->in + c->in_len, MIN(c->in_cap, wanted(c)) - c->in_len, &fd);
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (fd >= 0) {
		close_fd(&c->fd_in);
		c->fd_in = fd;
	}
	if (n <= 0) {
		c->state = CLOSING;
		return;
	}
	c->in_len += (size_t)n;
	if (c->in_len == wanted(c) || (c->state == READING && c->in_len == sizeof(struct frame)))
		take(l, c);
}

/* Behind a header the rest is there, as a rule. */
static void receive_more(struct loop *l, struct client *c)
{
	receive(l, c);
	if (c->state == READING && c->in_len == sizeof(struct frame))
		receive(l, c);
}

/* -- clients -------------------------------------------------------------------------------------------------------------- */

/* The socket's mode keeps others out; this does as well where it was opened up. */
static bool is_ours(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == geteuid() || cred.uid == 0;
}

static void add_client(struct loop *l, int fd, bool guest)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c || !is_ours(fd)) {
		free(c);
		close(fd);
		return;
	}
	*c = (struct client){ .fd = fd, .id = ++l->next_id, .fd_in = -1, .fd_out = -1, .guest = guest, .since = now_ms() };
	l->guest |= guest;
	*vec_push(&l->clients) = c;
}

/* One that is to be closed goes when its answer is out, or cannot go. */
static void sweep(struct loop *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->clients.n; i++) {
		struct client *c = l->clients.v[i];

		if (c->state == CLOSING) {
			l->guest &= !c->guest;
			client_free(l, c);
		} else {
			l->clients.v[n++] = c;
		}
	}
	l->clients.n = n;
}

/* A peer that has not said in time who it is has a place that another one wants. Whether there was one. */
static bool expire(struct loop *l, int limit)
{
	bool any = false;

	for (size_t i = 0; i < l->clients.n; i++) {
		struct client *c = l->clients.v[i];
		struct hello h;

		if (c->state != GREETING || now_ms() - c->since < limit)
			continue;
		fill_hello(l, &h);
		h.flags |= HELLO_FULL;
		send_with_fd(c->fd, &h, sizeof(h), -1);
		c->state = CLOSING;
		any = true;
	}
	sweep(l);
	return any;
}

static int hello_limit(const struct loop *l)
{
	return l->guest ? HELLO_MS_FULL : HELLO_MS;
}

static int accept_one(struct loop *l)
{
	return accept4(l->k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* The place of one that is silent, else the spare descriptor for a guest. */
static void accept_guest(struct loop *l)
{
	int fd;

	if (expire(l, HELLO_MS_FULL))
		return;
	close_fd(&l->spare);
	fd = accept_one(l);
	if (fd >= 0)
		add_client(l, fd, true);
}

static void accept_clients(struct loop *l)
{
	int fd;

	while (l->clients.n < KEEPER_MAX_CLIENTS && (fd = accept_one(l)) >= 0)
		add_client(l, fd, false);
	if (l->clients.n >= KEEPER_MAX_CLIENTS || errno == EMFILE || errno == ENFILE)
		accept_guest(l);
}

/* The spare descriptor is had again as soon as there is one. Without it a connection that waits would only be looked at without end. */
static bool can_accept(struct loop *l)
{
	if (l->guest)
		return false;
	if (l->spare < 0)
		l->spare = fcntl(l->k->listener, F_DUPFD_CLOEXEC, 3);
	return l->spare >= 0;
}

/* -- the loop --------------------------------------------------------------------------------------------------------------- */

static short events_of(const struct client *c)
{
	if (c->out_at < c->out_len)
		return POLLOUT; /* it reads before it asks again */
	return c->state == WAITING ? 0 : POLLIN;
}

static void serve_client(struct loop *l, struct client *c, short revents)
{
	if (revents & POLLOUT)
		flush_client(c);
	else if (revents & POLLIN)
		receive_more(l, c);
	else if (revents & (POLLHUP | POLLERR))
		c->state = CLOSING;
	if (c->out && c->out_at == c->out_len)
		drop_answer(l, c);
}

static void retry_waiting(struct loop *l)
{
	for (size_t i = 0; i < l->clients.n; i++)
		if (l->clients.v[i]->state == WAITING)
			execute(l, l->clients.v[i]);
}

/* Listener, clients, fault queues. Returns how many of them are clients. */
static size_t fill_polls(struct loop *l, bool *ret_blind)
{
	int queues[256];
	size_t n = l->clients.n, n_queues = workspace_queue_fds(l->k->be, queues, ARRAY_SIZE(queues), ret_blind);

	l->polls.n = 0;
	*vec_push(&l->polls) = (struct pollfd){ .fd = can_accept(l) ? l->k->listener : -1, .events = POLLIN };
	for (size_t i = 0; i < n; i++)
		*vec_push(&l->polls) = (struct pollfd){ .fd = l->clients.v[i]->fd, .events = events_of(l->clients.v[i]) };
	for (size_t i = 0; i < n_queues; i++)
		*vec_push(&l->polls) = (struct pollfd){ .fd = queues[i], .events = POLLIN };
	return n;
}

/* Until the next group is overdue, the next client has waited long enough, or there may be a descriptor again. */
static int wait_ms(const struct loop *l, int next, bool blind)
{
	int64_t now = now_ms(), left = next;

	for (size_t i = 0; i < l->clients.n; i++) {
		const struct client *c = l->clients.v[i];
		int64_t until = c->state == WAITING ? c->until : c->state == GREETING ? c->since + hello_limit(l) : INT64_MAX;

		if (until < INT64_MAX && (left < 0 || until - now < left))
			left = MAX(until - now, 0);
	}
	if (l->spare < 0 && !l->guest && (left < 0 || left > HELLO_MS_FULL))
		left = HELLO_MS_FULL;
	if (blind && (left < 0 || left > 20))
		left = 20; /* a queue that cannot be polled */
	return (int)MIN(left, INT32_MAX);
}

/* Signals come in here and nowhere else, so that none is missed between a look at the flag and the wait. */
static int wait_events(struct loop *l, int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	return ppoll(l->polls.v, l->polls.n, ms < 0 ? NULL : &t, &l->signals);
}

static int turn(struct loop *l)
{
	bool blind;
	int next = workspace_tick(l->k->be);
	size_t n;

	retry_waiting(l);
	sweep(l);
	expire(l, hello_limit(l));
	n = fill_polls(l, &blind);
	if (wait_events(l, wait_ms(l, next, blind)) < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	for (size_t i = 0; i < n; i++)
		if (l->polls.v[i + 1].revents)
			serve_client(l, l->clients.v[i], l->polls.v[i + 1].revents);
	if (l->polls.v[0].revents)
		accept_clients(l);
	return 0;
}

int keeper_run(const struct keeper *k)
{
	struct loop l = { .k = k, .spare = fcntl(k->listener, F_DUPFD_CLOEXEC, 3) };
	sigset_t ends;
	int r = 0;

	oom_reserve(RESERVE);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &l.signals);
	while (r == 0 && !l.ending && !(k->stop && *k->stop))
		r = turn(&l);
	for (size_t i = 0; i < l.clients.n; i++) {
		/* until this process has gone, and its files before it, there is no end to be told of */
		if (l.clients.v[i]->stops)
			l.clients.v[i]->fd = -1;
		client_free(&l, l.clients.v[i]);
	}
	sigprocmask(SIG_SETMASK, &l.signals, NULL);
	close_fd(&l.spare);
	vec_free(&l.clients);
	vec_free(&l.polls);
	return r;
}
