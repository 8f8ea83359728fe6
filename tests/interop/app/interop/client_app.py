"""ClientApp: new = factor * old + round * weight, as heavy as the node's weight says."""

import time

import numpy as np
from flwr.client import ClientApp, NumPyClient


class Client(NumPyClient):
    def __init__(self, context):
        self.weight = int(context.node_config["weight"])
        self.factor = float(context.run_config["factor"])
        self.seconds = float(context.run_config["seconds"])

    def fit(self, parameters, config):
        time.sleep(self.seconds)
        moved = [self.factor * p + config["round"] * self.weight for p in parameters]
        return moved, self.weight, {"weight": self.weight, "round": config["round"]}

    def evaluate(self, parameters, config):
        mean = float(np.mean([float(np.mean(p)) for p in parameters]))
        return mean * self.weight, self.weight, {"weighted": mean + self.weight}


def client_fn(context):
    return Client(context).to_client()


app = ClientApp(client_fn=client_fn)
