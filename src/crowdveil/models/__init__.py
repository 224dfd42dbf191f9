"""The registry of weights: name, task, licence, hash, where from."""
