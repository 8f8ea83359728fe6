/* What all streams of one thread share: the event loop, the batching buffers, and the list of streams that
 * want to write.
 *
 * The buffers belong to the thread because a connection needs them only while it is being served; ten
 * thousand held calls would otherwise pin gigabytes. So nothing may be left in them when a stream has been
 * served. */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

/* One system call moves this much: with GnuTLS's own transport it is 16 KiB and less (65 thousand calls per
 * GiB). */
#define IO_BATCH_SIZE ((size_t) 256 * 1024)
/* Room behind a full batch of plaintext for record headers, tags and an alert. */
#define IO_SLACK_SIZE ((size_t) 64 * 1024)
/* The longest plaintext of a TLS record. */
#define IO_RECORD_SIZE ((size_t) 16384)

typedef struct Stream Stream;
typedef LIST_HEAD(StreamList, Stream) StreamList;

typedef struct IoLoop {
        sd_event *event;
        sd_event_source *flush; /* enabled while dirty is not empty */
        StreamList dirty;       /* linked through Stream.dirty */
        uint8_t *in;            /* ciphertext as read from a socket, IO_BATCH_SIZE */
        size_t in_begin, in_end;
        uint8_t *record; /* one decrypted record, IO_RECORD_SIZE */
        uint8_t *plain;  /* plaintext to encrypt, IO_BATCH_SIZE */
        uint8_t *out;    /* what the socket gets next, IO_BATCH_SIZE + IO_SLACK_SIZE */
        size_t out_size;
} IoLoop;

int io_loop_new(sd_event *event, IoLoop **ret);
IoLoop *io_loop_free(IoLoop *io);
DEFINE_CLEANUP(IoLoop *, io_loop_free);
/* Asks for a run of stream_flush_dirty() before the loop sleeps again. */
void io_loop_wake(IoLoop *io);
