"""ServerApp: FedAvg of all nodes. Prints what the native app prints."""

import time

import numpy as np
from flwr.common import ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg


class Timed(FedAvg):
    def configure_fit(self, server_round, parameters, client_manager):
        client_manager.wait_for(2)
        self.begin = time.monotonic()
        return super().configure_fit(server_round, parameters, client_manager)

    def aggregate_evaluate(self, server_round, results, failures):
        out = super().aggregate_evaluate(server_round, results, failures)
        print(f"ROUND {server_round} {time.monotonic() - self.begin:.6f} {time.time():.6f}", flush=True)
        return out


def server_fn(context):
    print(f"BEGIN {time.time():.6f}", flush=True)
    model = [np.zeros((int(context.run_config["bytes"]) // 4,), dtype=np.float32)]
    strategy = Timed(fraction_fit=1.0, fraction_evaluate=1.0, min_fit_clients=2, min_evaluate_clients=2,
                     min_available_clients=2, initial_parameters=ndarrays_to_parameters(model))
    return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=int(context.run_config["num-server-rounds"])))


app = ServerApp(server_fn=server_fn)
