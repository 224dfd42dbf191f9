"""The credit: read from any of three standards, written as these four fields and no more."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crowdveil.media import credit, iptc, xmp
from crowdveil.media.credit import Credit
from crowdveil.media.notes import Notes

FULL = Credit(
    creator="Ana Ιωάννου; Bo & Söhne",
    credit='Agency <"One">',
    copyright="© 2024 Ana",
    caption="March for bread.\nSecond line — تظاهرة",
)
RDF = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{}</rdf:RDF></x:xmpmeta>'
SPACES = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'


def description(body: str, attributes: str = "") -> bytes:
    return RDF.format(f"<rdf:Description {SPACES} {attributes}>{body}</rdf:Description>").encode()


def exif(**texts: str) -> bytes:
    tags = {"artist": 0x013B, "copyright": 0x8298, "description": 0x010E}
    block = Image.Exif()
    for name, text in texts.items():
        block[tags[name]] = text
    return block.tobytes()


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param(Notes(xmp=credit.xmp_packet(FULL)), id="xmp"),
        pytest.param(Notes(iptc=credit.iptc_block(FULL)), id="iptc"),
    ],
)
def test_what_is_written_reads_back_the_same(notes: Notes) -> None:
    assert credit.read(notes) == FULL


# Surrogates are no text, line ends become one kind in XML, and names are trimmed.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60)


@given(st.builds(Credit, credit=TEXT, copyright=TEXT, caption=TEXT))
def test_any_text_survives_xmp(given_credit: Credit) -> None:
    packet = credit.xmp_packet(given_credit)
    back = credit.read(Notes(xmp=packet))
    for name in ("credit", "copyright", "caption"):
        kept = "".join(c for c in getattr(given_credit, name) if c not in "\ufffe\uffff")
        assert getattr(back, name) == kept.strip()


@given(st.text(max_size=50), st.text(max_size=50))
def test_texts_that_no_standard_can_hold_break_nothing(creator: str, caption: str) -> None:
    given_credit = Credit(creator=creator, caption=caption)
    read = credit.read(
        Notes(xmp=credit.xmp_packet(given_credit), iptc=credit.iptc_block(given_credit))
    )
    assert isinstance(read.caption, str)


def test_an_empty_credit_writes_nothing() -> None:
    assert credit.xmp_packet(Credit()) is None
    assert credit.iptc_block(Credit()) is None
    assert credit.read(Notes()) == Credit()


def test_xmp_comes_before_iptc_before_exif() -> None:
    notes = Notes(
        exif=exif(artist="from exif", copyright="from exif", description="from exif"),
        iptc=credit.iptc_block(Credit(creator="from iptc", copyright="from iptc")),
        xmp=credit.xmp_packet(Credit(creator="from xmp")),
    )
    assert credit.read(notes) == Credit("from xmp", "", "from iptc", "from exif")


def test_xmp_may_use_attributes_lists_and_languages() -> None:
    packet = description(
        "<dc:creator><rdf:Seq><rdf:li>Ana</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"
        '<dc:description><rdf:Alt><rdf:li xml:lang="fr">marche</rdf:li>'
        '<rdf:li xml:lang="x-default">march</rdf:li></rdf:Alt></dc:description>',
        'photoshop:Credit="Agency"',
    )
    assert credit.read(Notes(xmp=packet)) == Credit("Ana; Bo", "Agency", "", "march")


def test_descriptions_of_other_pictures_inside_the_packet_are_not_taken() -> None:
    packet = description(
        '<photoshop:Source><rdf:Description photoshop:Credit="someone else"/></photoshop:Source>'
    )
    assert credit.read(Notes(xmp=packet)) == Credit()


def test_xmp_padded_with_zeros_or_in_utf_16_is_read() -> None:
    packet = description("<photoshop:Credit>Agency</photoshop:Credit>")
    assert credit.read(Notes(xmp=packet + bytes(100))).credit == "Agency"
    assert credit.read(Notes(xmp=packet.decode().encode("utf-16"))).credit == "Agency"


def test_iptc_without_a_character_set_is_read_as_western_text() -> None:
    block = b"\x1c\x02\x50\x00\x05Ren\xe9e"
    assert credit.read(Notes(iptc=block)).creator == "Renée"


def test_both_copyright_holders_of_exif_are_kept() -> None:
    assert credit.read(Notes(exif=exif(copyright="Ana\0Agency"))).copyright == "Ana; Agency"


def test_text_of_exif_may_be_utf_8() -> None:
    block = exif(artist="Ana").replace(b"Ana\0", "né\0".encode())
    assert credit.read(Notes(exif=block)).creator == "né"


@pytest.mark.parametrize("words", ["OLYMPUS DIGITAL CAMERA", "SONY DSC", "DCIM", "Digital camera"])
def test_what_a_camera_writes_by_itself_is_no_caption(words: str) -> None:
    assert credit.read(Notes(exif=exif(description=words))).caption == ""
    assert credit.read(Notes(exif=exif(description=f"My {words} broke"))).caption


def test_entities_are_refused_and_expand_nothing() -> None:
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">'
        b'<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    ) + description("<photoshop:Credit>&b;&f;</photoshop:Credit>")
    assert credit.read(Notes(xmp=bomb)) == Credit()
    assert credit.read(Notes(xmp=bomb.decode().encode("utf-16"))) == Credit()


def test_deeply_nested_xmp_does_no_harm() -> None:
    deep = b"<a>" * 200_000 + b"</a>" * 200_000
    assert credit.read(Notes(xmp=deep)) == Credit()


@given(st.binary(max_size=300))
def test_damaged_blocks_count_as_absent(noise: bytes) -> None:
    for notes in (
        Notes(xmp=noise),
        Notes(iptc=noise),
        Notes(exif=noise),
        Notes(exif=b"MM" + noise),
    ):
        assert isinstance(credit.read(notes), Credit)


@given(st.integers(min_value=0, max_value=2000), st.integers(min_value=0, max_value=255))
def test_flipped_bytes_in_a_block_never_raise(at: int, value: int) -> None:
    for name, block in (("xmp", credit.xmp_packet(FULL)), ("iptc", credit.iptc_block(FULL))):
        broken = bytearray(block or b"")
        broken[at % len(broken)] = value
        assert isinstance(credit.read(Notes(**{name: bytes(broken)})), Credit)


def test_the_longest_credit_fits_into_one_segment_of_a_jpeg() -> None:
    worst = "&\U0001f600\"'" * 5000
    packet = credit.xmp_packet(credit.read(Notes(xmp=credit.xmp_packet(Credit(*[worst] * 4)))))
    block = credit.iptc_block(Credit(*[worst] * 4))
    assert packet is not None
    assert block is not None
    # 65,533 bytes less the names that introduce the block.
    assert len(packet) < 65_533 - 29
    assert len(block) < 65_533 - 26


def test_texts_longer_than_the_limit_are_cut_visibly() -> None:
    long = Credit(caption="x" * 100_000)
    read = credit.read(Notes(xmp=credit.xmp_packet(long)))
    assert read.caption.endswith("x…")
    assert len(read.caption) == credit.MAX_CAPTION_CHARS


def test_iptc_is_cut_between_characters() -> None:
    block = credit.iptc_block(Credit(creator="é" * 40))
    (kept,) = iptc.values(block)[iptc.CREATOR]
    assert kept == "é" * 16


def test_exiftool_finds_the_four_fields_and_no_fifth(tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        message = "exiftool is missing; install libimage-exiftool-perl"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    path = tmp_path / "credit.xmp"
    path.write_bytes(credit.xmp_packet(FULL) or b"")
    command = ["exiftool", "-json", "-XMP:all", str(path)]
    out = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    (found,) = json.loads(out)
    del found["SourceFile"]
    assert found == {
        "Creator": FULL.creator.split("; "),
        "Credit": FULL.credit,
        "Rights": FULL.copyright,
        "Description": FULL.caption,
    }


def test_properties_keep_their_names() -> None:
    assert set(xmp.values(credit.xmp_packet(FULL))) == {
        xmp.CREATOR,
        xmp.CREDIT,
        xmp.RIGHTS,
        xmp.DESCRIPTION,
    }
