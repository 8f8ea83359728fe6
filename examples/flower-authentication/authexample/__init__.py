"""authexample: federated averaging over authenticated nodes, the Python side."""
