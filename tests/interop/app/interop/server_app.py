"""ServerApp: FedAvg of all nodes; prints what came out of each round."""

import numpy as np
from flwr.common import ndarrays_to_parameters, parameters_to_ndarrays
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg


class Reporting(FedAvg):
    def aggregate_fit(self, server_round, results, failures):
        parameters, metrics = super().aggregate_fit(server_round, results, failures)
        arrays = parameters_to_ndarrays(parameters)
        weights = sorted(r.metrics["weight"] for _, r in results)
        print(f"ROUND {server_round} weights={weights} failures={len(failures)} "
              f"first={float(arrays[0].flat[0]):.6f} sum={float(sum(a.sum() for a in arrays)):.6f}", flush=True)
        return parameters, metrics

    def aggregate_evaluate(self, server_round, results, failures):
        loss, metrics = super().aggregate_evaluate(server_round, results, failures)
        print(f"EVALUATE {server_round} loss={loss:.6f}", flush=True)
        return loss, metrics


def server_fn(context):
    elements = int(context.run_config["elements"])
    initial = [np.zeros((elements,), dtype=np.float64), np.ones((3, 4), dtype=np.float32), np.array(2.0)]
    strategy = Reporting(
        fraction_fit=1.0,
        fraction_evaluate=1.0,
        min_fit_clients=2,
        min_evaluate_clients=2,
        min_available_clients=2,
        initial_parameters=ndarrays_to_parameters(initial),
        on_fit_config_fn=lambda server_round: {"round": server_round},
        on_evaluate_config_fn=lambda server_round: {"round": server_round},
    )
    config = ServerConfig(num_rounds=int(context.run_config["num-server-rounds"]))
    return ServerAppComponents(strategy=strategy, config=config)


app = ServerApp(server_fn=server_fn)
