"""How long a million simulated events take, and how well they agree with exact distributions.

Run `python bench/crowd.py`. Plays built-in scenarios and one made to be slow (eight groups, four
cameras, rates that were counted), prints machine, versions, seconds, peak memory, and the
largest distance between a simulated and an exact mean in standard errors.
"""

import argparse
import os
import platform
import resource
import time
import tomllib
from importlib.metadata import version

import numpy as np

import crowdveil
from crowdveil.crowd import Quantity, deploy, expected, load_case, outcome, simulate
from crowdveil.crowd.deployment import Deployment
from crowdveil.crowd.reading import scenario_from
from crowdveil.crowd.simulation import Simulation

CASES = ("met-oxford-circus-2022", "champions-league-2017", "met-2024-2025", "example-square")
GROUPS = 8


def slow() -> Deployment:
    """Everything that costs time at once."""
    names = [f"group {number}" for number in range(GROUPS)]
    even = dict.fromkeys(names, 1 / GROUPS)
    rates = {name: {"errors": 5 + place, "comparisons": 10**7} for place, name in enumerate(names)}
    table = tomllib.loads('name = "slow"\n[watchlist]\nsize = 2000\npresent = 0.05\n')
    table["crowd"] = {"people": 100_000, "groups": even, "cameras": 4, "seen_by_each": 0.7}
    table["recogniser"] = {"fmr": rates, "across": 0.1}
    table["procedure"] = {"rejects_false": 0.3}
    return deploy(scenario_from(table))


def main() -> None:
    """Play each and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    events = parser.parse_args().events
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"crowdveil {crowdveil.__version__}, NumPy {version('numpy')}, SciPy {version('scipy')}")
    print(f"{events:,} events\n")
    print(f"{'scenario':<26}{'groups':>7}{'seconds':>9}{'all, s':>9}{'off by':>8}")
    deployments = {name: deploy(load_case(name)) for name in CASES} | {"slow": slow()}
    for name, deployment in deployments.items():
        began = time.perf_counter()
        played = simulate(deployment, Simulation(events=events))
        took = time.perf_counter() - began
        far = 0.0
        if deployment.certain:
            for quantity in Quantity:
                drawn = played.total(quantity)
                error = np.std(drawn) / np.sqrt(events)
                exact = expected(deployment).total(quantity)
                far = max(far, abs(drawn.mean() - exact) / error if error else 0.0)
        del played
        began = time.perf_counter()
        outcome(deployment)
        whole = time.perf_counter() - began
        off = f"{far:.1f} se" if deployment.certain else "-"
        print(f"{name:<26}{len(deployment.groups):>7}{took:>9.1f}{whole:>9.1f}{off:>8}")
    # Linux counts kibibytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\npeak memory {peak / (2**30 if platform.system() == 'Darwin' else 2**20):.1f} GiB")


if __name__ == "__main__":
    main()
