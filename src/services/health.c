/* grpc.health.v1.Health: SERVING for every service name, as genuine Flower answers. */
#include "services/link-private.h"

static void check(Call *c, void *request)
{
        HealthReply *reply = rpc_new(RPC_HEALTH_CHECK_RESPONSE);

        if (reply)
                reply->status = store_is_healthy(call_link(c)->store) ? 1 : 2;
        service_reply(c, RPC_HEALTH_CHECK_RESPONSE, reply);
        service_request_free(request);
}

int health_table(Method **ret)
{
        static const ServiceRow rows[] = {
                {RPC_HEALTH_CHECK, service_prepare, check},
        };

        return service_table_new(rows, ELEMENTSOF(rows), ret);
}
