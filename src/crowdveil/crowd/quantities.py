"""What is counted, each with the name it has in tables, JSON and pictures."""

from enum import StrEnum


class Quantity(StrEnum):
    """A count of one deployment, in all or for one group of people."""

    FALSE_ALERTS = "false_alerts"
    """Sightings of people not on the list that gave an alert."""
    TRUE_ALERTS = "true_alerts"
    """Sightings of listed people that gave an alert."""
    ALERTS = "alerts"
    """Both."""
    FALSELY_ALERTED = "people_falsely_alerted"
    """People not on the list about whom there was at least one alert."""
    FOUND = "listed_people_found"
    """Listed people about whom there was at least one alert."""
    MISSED = "listed_people_missed"
    """Listed people who passed without an alert."""
    WRONGLY_STOPPED = "people_wrongly_stopped"
    """People stopped who are not on the list, or should not be."""
    STOPPED = "people_stopped"
    """Everyone stopped: alerted, and not let go by a reviewer."""


LABEL = {
    Quantity.FALSE_ALERTS: "False alerts",
    Quantity.TRUE_ALERTS: "True alerts",
    Quantity.ALERTS: "Alerts",
    Quantity.FALSELY_ALERTED: "People falsely alerted",
    Quantity.FOUND: "Listed people found",
    Quantity.MISSED: "Listed people missed",
    Quantity.WRONGLY_STOPPED: "People wrongly stopped",
    Quantity.STOPPED: "People stopped",
}
"""Each quantity in words."""
