/* Control, called Exec in 1.20: what the command line calls. Private to the hub's services. */
#pragma once

#include "services/link-private.h"

void control_stream_logs(Call *c, void *request);
