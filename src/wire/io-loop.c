#include "wire/io-loop.h"

#include "wire/stream.h"

static int io_loop_on_flush(sd_event_source *es, void *userdata)
{
        IoLoop *io = userdata;

        stream_flush_dirty(io);
        if (!LIST_EMPTY(&io->dirty))
                io_loop_wake(io);
        return 0;
}

int io_loop_new(sd_event *event, IoLoop **ret)
{
        _cleanup_(io_loop_freep) IoLoop *io = NULL;
        int r;

        io = new0(IoLoop, 1);
        if (!io)
                return -ENOMEM;
        io->event = sd_event_ref(event);
        LIST_INIT(&io->dirty);
        io->in = malloc(IO_BATCH_SIZE);
        io->record = malloc(IO_RECORD_SIZE);
        io->plain = malloc(IO_BATCH_SIZE);
        io->out = malloc(IO_BATCH_SIZE + IO_SLACK_SIZE);
        if (!io->in || !io->record || !io->plain || !io->out)
                return -ENOMEM;
        r = sd_event_add_defer(event, &io->flush, io_loop_on_flush, io);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(io->flush, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(io);
        return 0;
}

IoLoop *io_loop_free(IoLoop *io)
{
        if (!io)
                return NULL;
        sd_event_source_disable_unref(io->flush);
        sd_event_unref(io->event);
        free(io->in);
        free(io->record);
        free(io->plain);
        free(io->out);
        free(io);
        return NULL;
}

void io_loop_wake(IoLoop *io)
{
        sd_event_source_set_enabled(io->flush, SD_EVENT_ONESHOT);
}
