/* ServerAppIo: what ServerApps and their launchers call. Private to the hub's services. */
#pragma once

#include "services/link-private.h"

void serverappio_push_messages(Call *c, void *request);
void serverappio_pull_messages(Call *c, void *request);
void serverappio_push_object(Call *c, void *request);
void serverappio_pull_object(Call *c, void *request);
void serverappio_confirm_message_received(Call *c, void *request);

void serverappio_list_apps_to_launch(Call *c, void *request);
void serverappio_request_token(Call *c, void *request);
void serverappio_pull_app_inputs(Call *c, void *request);
void serverappio_push_app_outputs(Call *c, void *request);
