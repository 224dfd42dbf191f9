"""Which place a point on earth lies in, as far as the middles of cities tell.

Degrees come in, one `Spot` goes out. Borders are not known here: the nearest middle of a city
decides, and the notes say how far away it is.
"""

from crowdveil.errors import PlaceUnknown
from crowdveil.laws.areas import Spot, distance_km, load_atlas
from crowdveil.laws.record import PlaceLevel

NEAR_KM = 20.0
"""From the middle of the nearest city: farther away a point counts as outside it."""

FAR_KM = 300.0
"""Farther than this from every city that is known, nothing is said of the country either."""


def near(lat: float, lon: float) -> Spot:
    """The place at a point, from the nearest city that is known.

    Borders are not known here, only the middles of cities, so near a border it may be wrong; the
    notes say how far away the middle is and which other places of the register are near.

    Args:
        lat: degrees north, -90 to 90.
        lon: degrees east, -180 to 180.

    Returns:
        The nearest city, on the register or not, if its middle is at most `NEAR_KM` away, else
        the state or country that this city lies in; with the nearest place on the register.

    Raises:
        PlaceUnknown: the numbers are not a point on earth, or no city is within `FAR_KM`.
    """
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise PlaceUnknown(
            f"{lat:g},{lon:g}: give degrees, latitude (-90 to 90) before longitude (-180 to 180)"
        )
    local = sorted(
        (
            (distance_km((lat, lon), area.at), area)
            for area in load_atlas().areas
            if area.at and area.level in (PlaceLevel.CITY, PlaceLevel.TOWN)
        ),
        key=lambda one: one[0],
    )
    away, city = local[0]
    known = [(far, area) for far, area in local if area.place]
    nearest = (known[0][1], known[0][0])
    where = f"{lat:g},{lon:g}"
    if away > FAR_KM:
        raise PlaceUnknown(f"{where}: no city is known within {FAR_KM:.0f} km; name the place")
    if away <= NEAR_KM:
        note = f"{where} is about {away:.0f} km from the middle of {city.full_name}."
        found = city
    else:
        found = city.parent or city
        note = (
            f"{where} is {away:.0f} km from {city.full_name}, the nearest city that is known, so "
            f"{found.full_name} is assumed: look at a map whether that is right."
        )
    others = [(far, area) for far, area in known if area is not found][:3]
    close = [f"{area.full_name} ({far:.0f} km)" for far, area in others if far <= NEAR_KM]
    notes = [note]
    if close:
        notes.append(f"Also near: {', '.join(close)}. Borders are not known here.")
    if not close and nearest[0] is not found:
        name, far = nearest[0].full_name, nearest[1]
        notes.append(f"The nearest place on the register is {name}, {far:,.0f} km away.")
    return Spot(found, tuple(notes), nearest)
