/* What flower-superexec asks for: one line of JSON,
 *
 *      {"argv": ["/usr/bin/flwr-clientapp", ...], "env": {"NAME": "VALUE", ...}, "run": "123", "kind":
 * "clientapp"}
 *
 * env is added to the environment that the unit gives. */
#pragma once

#include "base/macro.h"

/* Arguments are a dozen short texts. */
#define LAUNCH_REQUEST_SIZE_MAX ((size_t) 64 * 1024)
#define LAUNCH_REQUEST_ITEMS_MAX 64 /* arguments, or variables */

typedef struct LaunchRequest {
        char **argv; /* argv[0] is an absolute path */
        char **env;  /* "NAME=VALUE" */
        char *run;
        char *kind; /* "clientapp" or "serverapp" */
} LaunchRequest;

/* -EBADMSG with *reterr_text, a constant that says what is wrong; -ENOMEM. */
int launch_request_parse(const void *data, size_t size, LaunchRequest *ret, const char **reterr_text);
void launch_request_done(LaunchRequest *r);
#define _cleanup_launch_request_ _cleanup_(launch_request_done)
