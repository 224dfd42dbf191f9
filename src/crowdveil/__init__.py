"""crowdveil: make everyone in photos unidentifiable before they are published."""

__version__ = "0.1.0"
