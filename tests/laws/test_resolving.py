"""Which place is meant: names, codes, slips and coordinates."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.errors import PlaceAmbiguous, PlaceUnknown
from crowdveil.laws import near, resolve
from crowdveil.laws.areas import distance_km, load_atlas
from crowdveil.laws.register import load_register


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Portland, Oregon", "us-or-portland"),
        ("portland , OREGON , usa", "us-or-portland"),
        ("Portland OR", "us-or-portland"),
        ("Portland Oregon", "us-or-portland"),
        ("Portland (Maine)", "us-me-portland"),
        ("us-me-portland", "us-me-portland"),
        ("Cambridge, MA", "us-ma-cambridge"),
        ("Cambridge, UK", "gb-eng:cambridge"),
        ("City of Boston", "us-ma-boston"),
        ("Springfield, Massachusetts, United States", "us-ma-springfield"),
        ("Springfield, Illinois", "us-il:springfield"),
        ("Washington, DC", "us-dc"),
        ("Washington State", "us-wa"),
        ("NYC", "us-ny-new-york-city"),
        ("City of New York", "us-ny-new-york-city"),
        ("US-MA", "us-ma"),
        ("us-ca", "us-ca"),
        ("DE-HE", "de-he"),
        ("DE-BE", "de-be"),
        ("GB-WLS", "gb-wls"),
        ("AR-C", "ar-c"),
        ("FR-IDF", "fr:fr idf"),
        ("MAR", "ma"),
        ("GBR", "gb"),
        ("EU", "eu"),
        ("FR", "fr"),
        ("Germany", "de"),
        ("Hessen", "de-he"),
        ("Zurich", "ch-zh-zurich"),
        ("Zürich", "ch-zh-zurich"),
        ("Sao Paulo", "br-sp:sao paulo"),
        ("Cologne", "de-nw:koln"),
        ("Berlin", "de-be:berlin"),
        ("Paris", "fr:paris"),
        ("Paris, Texas", "us-tx:paris"),
        ("King County", "us-wa-king-county"),
        ("BART", "us-ca-bay-area-rapid-transit"),
        ("Luxembourg", "lu:luxembourg"),
    ],
)
def test_a_name_or_code_finds_its_place(asked: str, found: str) -> None:
    assert resolve(asked).area.id == found


@pytest.mark.parametrize(
    ("asked", "choices"),
    [
        ("Portland", {"Portland, Oregon", "Portland, Maine"}),
        ("Cambridge", {"Cambridge, Massachusetts", "Cambridge, England", "Cambridge, Ontario"}),
        ("Washington", {"US-WA", "Washington, District of Columbia"}),
        ("Springfield", {"Springfield, Massachusetts", "Springfield, Illinois"}),
        ("Jackson", {"Jackson, Mississippi", "Jackson, Tennessee"}),
        ("Northampton", {"Northampton, Massachusetts", "Northampton, England"}),
        ("Worcester", {"Worcester, Massachusetts", "Worcester, England"}),
        ("New York", {"New York City", "US-NY"}),
        ("Georgia", {"GEO", "US-GA"}),
        ("MA", {"Morocco", "Massachusetts"}),
        ("DE", {"Germany", "Delaware"}),
    ],
)
def test_a_shared_name_is_asked_back_and_every_choice_is_understood(
    asked: str, choices: set[str]
) -> None:
    with pytest.raises(PlaceAmbiguous) as error:
        resolve(asked)
    assert choices <= set(error.value.choices)
    assert len({resolve(choice).area.id for choice in error.value.choices}) == len(
        error.value.choices
    )
    assert all(choice in str(error.value) for choice in error.value.choices)


@pytest.mark.parametrize(
    ("asked", "suggestion"),
    [
        ("Bostn", "Boston"),
        ("San Fransisco", "San Francisco"),
        ("Massachusets", "Massachusetts"),
        ("Portlnd, Oregon", "Portland, Oregon"),
        ("Sommerville, MA", "Somerville"),
        ("Germny", "Germany"),
    ],
)
def test_a_slip_gets_a_suggestion_that_is_understood(asked: str, suggestion: str) -> None:
    with pytest.raises(PlaceUnknown, match="Did you mean") as error:
        resolve(asked)
    assert suggestion in error.value.suggestions
    for found in error.value.suggestions:
        resolve(found)


@pytest.mark.parametrize("asked", ["", " , ", "Xyzzyville", "Zz-99x, Qq", "🙂", "\x1b[2J", "-"])
def test_what_is_nothing_is_said_to_be_nothing(asked: str) -> None:
    with pytest.raises(PlaceUnknown):
        resolve(asked)


@pytest.mark.parametrize(
    ("law", "place"),
    [("AI Act", "eu"), ("AB 1215", "us-ca"), ("Glukhin", "coe"), ("Rite Aid", "us")],
)
def test_who_asks_for_a_law_is_sent_to_its_place(law: str, place: str) -> None:
    with pytest.raises(PlaceUnknown, match="is no place but a law") as error:
        resolve(law)
    (suggestion,) = error.value.suggestions
    assert resolve(suggestion).area.id == place


def test_the_largest_of_a_name_is_taken_and_the_others_are_told() -> None:
    assert "Paris, Texas" in " ".join(resolve("Paris").notes)
    assert resolve("Alameda").notes == ()


def test_every_place_of_the_register_is_found_by_its_full_name() -> None:
    atlas = load_atlas()
    for place in load_register().places.values():
        area = atlas.by_id[place.id]
        try:
            found = [resolve(area.full_name).area]
        except PlaceAmbiguous as error:
            # The states New York and Washington share theirs with a city.
            found = [resolve(choice).area for choice in error.choices]
        assert area in found


@settings(max_examples=30)
@given(st.text(max_size=40))
def test_no_text_whatsoever_ends_in_anything_but_a_place_or_a_question(text: str) -> None:
    with suppress(PlaceAmbiguous, PlaceUnknown):
        assert resolve(text).area.name


@pytest.mark.parametrize(
    ("lat", "lon", "found"),
    [
        (45.52, -122.68, "us-or-portland"),
        (43.65, -70.25, "us-me-portland"),
        (42.36, -71.06, "us-ma-boston"),
        (42.373, -71.110, "us-ma-cambridge"),
        (37.87, -122.27, "us-ca-berkeley"),
        (48.86, 2.35, "fr:paris"),
        (50.11, 8.68, "de-he:frankfurt am main"),
        (44.9, -120.0, "us-or"),
        (-33.87, 151.21, "au-nsw:sydney"),
    ],
)
def test_a_point_finds_the_nearest_city_or_what_it_lies_in(
    lat: float, lon: float, found: str
) -> None:
    spot = near(lat, lon)
    assert spot.area.id == found
    assert spot.nearest is not None
    assert "km" in spot.notes[0]


def test_near_a_border_the_neighbours_are_named() -> None:
    assert "Somerville" in " ".join(near(42.373, -71.110).notes)


@pytest.mark.parametrize("point", [(91, 0), (0, 181), (0, -150), (float("nan"), 0)])
def test_no_point_on_earth_or_no_city_near_is_said(point: tuple[float, float]) -> None:
    with pytest.raises(PlaceUnknown):
        near(*point)


def test_distances_agree_with_a_published_one() -> None:
    # Berlin to Paris: 878 km, https://en.wikipedia.org/wiki/Great-circle_distance calculators.
    assert distance_km((52.52, 13.405), (48.8566, 2.3522)) == pytest.approx(878, abs=1)
