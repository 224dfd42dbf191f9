import importlib
import pkgutil
from types import ModuleType

import crowdveil.crowd


def test_every_public_name_is_what_it_says_also_when_all_modules_are_loaded() -> None:
    for module in pkgutil.iter_modules(crowdveil.crowd.__path__):
        importlib.import_module(f"crowdveil.crowd.{module.name}")
    for name in crowdveil.crowd.__all__:
        found = getattr(crowdveil.crowd, name)
        assert not isinstance(found, ModuleType), name
        assert found.__name__ == name
