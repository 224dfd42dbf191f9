"""Tells which positions, dates, clock times and serial numbers stand in a text.

Texts come in, in any language; the names of what they tell go out, never the contents. Where
texts lie in a file is left to the walkers, to `streams` and to `sweep`.
Source: NMEA 0183 for sentences of receivers, ISO 6709 for positions, ISO 8601 for dates.
"""

import re
import unicodedata

_DEGREES = r"[-+]?(?:1[0-7]\d|\d{1,2}|180)"
_DECIMAL = rf"{_DEGREES}[.]\d{{3,}}"
_LETTER = "[NSEWO]"
_STRONG_POSITION = (
    # 52.5163, 13.3777 as pairs: decimals with a point, or with a comma where a blank parts them.
    rf"(?<![\d.]){_DECIMAL}\s?°?\s?{_LETTER}?\s?(?:[,;/|]\s?|\s)\s?{_DECIMAL}(?![\d.])",
    rf"(?<![\d,]){_DEGREES},\d{{4,}}\s?°?\s?{_LETTER}?(?:\s?[;/|]\s?|\s+){_DEGREES},\d{{4,}}",
    # 52°31'12.3"N, 52 31 12.3 N, N 52 31.205
    rf"\d{{1,3}}\s?(?:°|deg|d|:|\s)\s?[0-5]?\d(?:[.,]\d+)?\s?(?:['\u2032\u2019m:]|\s)\s?"
    rf"(?:[0-5]?\d(?:[.,]\d+)?\s?(?:\"|\u2033|\u201d|''|s)?\s?)?{_LETTER}(?![a-zA-Z])",
    rf"(?<![a-zA-Z]){_LETTER}\s?\d{{1,3}}\s?(?:°|deg|:|\s)\s?[0-5]?\d(?:[.,]\d+)?\s?(?:['\u2032\u2019:]|\s)",
    r"\d{1,3}[.]\d{3,}\s?°",
    r"\d{1,3}\s?°\s?[0-5]?\d(?:[.,]\d+)?\s?['\u2032\u2019]",
    # NMEA, ISO 6709, geo:
    r"[$!](?:GP|GN|GL|GA|GB|GQ|GI|BD|QZ|II|P[A-Z])[A-Z]{3},",
    r"(?<![\d.])[-+](?:[0-8]\d|90)(?:[0-5]\d){0,2}(?:[.]\d+)?[-+](?:0\d|1[0-8])\d(?:[0-5]\d){0,2}"
    r"(?:[.]\d+)?(?:[-+]\d+(?:[.]\d+)?)?(?:CRS\w+)?/",
    r"(?<![\d.])[-+](?:[0-8]\d|90)\d{0,4}[.]\d+[-+](?:0\d|1[0-8])\d\d{0,4}[.]\d+",
    rf"\bgeo:{_DEGREES}(?:[.]\d+)?,{_DEGREES}",
)
_WEAK_POSITION = (
    r"(?<![a-zA-Z])(?:lat|lon|lng|long|latitude|longitude|latitud|longitud|breite|l[äa]nge)\W{0,4}"
    r"[-+]?\d{1,3}(?:[.,]\d+)?",
    r"\b(?:GPS|GNSS|HOME|POS|POSITION|LOCATION)\W{0,4}[-+]?\d",
)
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_MONTHS = (
    r"(?:jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]|janv|f[ée]vr|avr|juin|"
    r"juil|ao[uû]t|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out)[a-zéûç]*"
)
_CLOCK = r"(?:[01]?\d|2[0-3])[:.][0-5]\d[:.][0-5]\d"
_STRONG_DATE = (
    rf"(?<!\d){_YEAR}([-:./]){_MONTH}\1{_DAY}[T ]\s?\d{{1,2}}[:.]?\d\d",
    rf"(?<!\d){_DAY}([-./]){_MONTH}\1{_YEAR}[T ]\s?{_CLOCK}",
)
_DATE = (
    rf"(?<![\d.]){_YEAR}([-:./]){_MONTH}\1{_DAY}(?![\d])",
    rf"(?<![\d.]){_DAY}([-./]){_MONTH}\1{_YEAR}(?!\d)",
    rf"(?<![\d.]){_MONTH}([-./]){_DAY}\1{_YEAR}(?!\d)",
    r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:T?\d{4,6})?(?!\d)",
    rf"(?<!\w){_DAY}\.?\s(?:de\s)?{_MONTHS}\.?,?\s(?:de\s)?{_YEAR}",
    rf"(?<!\w){_MONTHS}\.?\s{_DAY}(?:st|nd|rd|th)?,?\s{_YEAR}",
    r"\d{2,4}\s?年\s?\d{1,2}\s?月",
)
_TIME = (
    r"(?<![\d:.,])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:[.,]\d+)?(?![\d:])",
    r"(?<!\d)(?:0?[1-9]|1[0-2])(?::[0-5]\d)?\s?[ap]\.?m\.?(?!\w)",
)
_SERIAL = (
    r"\b(?:serial|s/n|seriennummer|imei|imsi|device\s?id|n[úu]mero de serie)"
    r"(?:\s?(?:number|no|nr|num))?\W{0,4}(?=[A-Z0-9-]*\d)[A-Z0-9-]{4,}",
    r"\bSN\s?[:=#]\s?[A-Z0-9-]{4,}",
    r"(?<![0-9a-f:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f:])",
    r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])",
    r"(?<!\d)\d{15}(?!\d)",
)
_ADDRESS = (r"[\w.+-]{2,}@[\w-]+\.[a-z]{2,}",)


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


_KINDS = {
    "a position": _compiled(*_STRONG_POSITION, *_WEAK_POSITION),
    "a date": _compiled(*_DATE),
    "a clock time": _compiled(*_TIME),
    "a serial number": _compiled(*_SERIAL),
    "an e-mail address": _compiled(*_ADDRESS),
}
_STRONG = {
    # Degrees with minutes are left out: three letters and two numbers are written by accident.
    "a position": _compiled(*_STRONG_POSITION[:2], *_STRONG_POSITION[6:]),
    "a date": _compiled(*_STRONG_DATE),
}
_TIMING = re.compile(
    r"""\b(?:begin|end|dur)\s*=\s*["'][^"']*["']|<\d\d:\d\d[\d:.,]*>|"""
    r"""\d\d:\d\d[\d:.,]*\s*-->\s*\d\d:\d\d[\d:.,]*"""
)
_STYLES = re.compile(r"\{\\[^{}]*\}")


def told_by(text: str) -> tuple[str, ...]:
    """What a text tells, as names: positions, dates, clock times, serial numbers, addresses.

    Args:
        text: any text; times that subtitles are shown at and their styles do not count.

    >>> told_by("HOME(13.3777,52.5163) 2026.11.28 12:34:56")
    ('a position', 'a date', 'a clock time')
    >>> told_by("She said: one, two, 3.5 times.")
    ()
    """
    plain = _STYLES.sub(" ", _TIMING.sub(" ", _digits(text)))
    return _told(plain, _KINDS)


def surely_told_by(text: str) -> tuple[str, ...]:
    """As `told_by`, but only what no accident writes: for bytes that may be no text at all."""
    return _told(text, _STRONG)


def _told(text: str, kinds: dict[str, tuple[re.Pattern[str], ...]]) -> tuple[str, ...]:
    return tuple(
        name
        for name, patterns in kinds.items()
        if any(pattern.search(text) for pattern in patterns)
    )


def _digits(text: str) -> str:
    """The text with digits of all scripts as those of ASCII, and one kind of blanks."""
    plain = unicodedata.normalize("NFKC", text.replace("\u00ba", "°").replace("\u02da", "°"))
    if plain.isascii():
        return plain
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() and not char.isascii() else char
        for char in plain
    )
