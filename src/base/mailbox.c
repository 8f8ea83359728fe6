#include "base/mailbox.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Senders push on a stack without a lock; the owner takes the whole stack at once and turns it round, which
 * gives the order of posting. The eventfd is rung only by the sender that finds the stack empty. */
struct Mailbox {
        Letter *top;
        int fd;
        sd_event_source *source;
};

static Letter *take_all(Mailbox *m)
{
        Letter *l = __atomic_exchange_n(&m->top, NULL, __ATOMIC_ACQUIRE), *first = NULL;

        while (l) {
                Letter *next = l->next;

                l->next = first;
                first = l;
                l = next;
        }
        return first;
}

void mailbox_drain(Mailbox *m)
{
        Letter *l = take_all(m);

        while (l) {
                Letter *next = l->next;

                l->next = NULL;
                l->run(l);
                l = next;
        }
}

static int on_ring(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        uint64_t n;

        /* Before the stack is taken: a letter that comes in between rings again. */
        if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN && errno != EINTR)
                return -errno;
        mailbox_drain(userdata);
        return 0;
}

int mailbox_new(sd_event *event, int64_t priority, Mailbox **ret)
{
        _cleanup_(mailbox_freep) Mailbox *m = NULL;
        int r;

        m = new0(Mailbox, 1);
        if (!m)
                return -ENOMEM;
        m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (m->fd < 0)
                return -errno;
        r = sd_event_add_io(event, &m->source, m->fd, EPOLLIN, on_ring, m);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(m->source, priority);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(m->source, "mailbox");
        *ret = TAKE_PTR(m);
        return 0;
}

Mailbox *mailbox_free(Mailbox *m)
{
        if (!m)
                return NULL;
        sd_event_source_disable_unref(m->source);
        safe_close(m->fd);
        return mfree(m);
}

void mailbox_post(Mailbox *m, Letter *l)
{
        static const uint64_t one = 1;
        Letter *top = __atomic_load_n(&m->top, __ATOMIC_RELAXED);

        do
                l->next = top;
        while (!__atomic_compare_exchange_n(&m->top, &top, l, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
        /* The owner may have taken and freed the letter already: from here on only "top" is ours to look at.
         */
        if (!top)
                while (write(m->fd, &one, sizeof(one)) < 0 && errno == EINTR)
                        ;
}
