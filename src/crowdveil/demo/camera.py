"""Writes a picture as a careless camera would: with position, serial number and thumbnail.

Pixels come in, the bytes of a JPEG go out, full of what a veil has to remove. All of it is
made up: the position is the point of the ocean farthest from any land, the camera exists
nowhere. Only the thumbnail is true, as it always is: it shows the unveiled faces.
"""

import struct
from io import BytesIO

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from crowdveil.media.picture import RGB

SERIAL = "CV-0000-0001"
"""Serial number of the camera's body."""
POSITION_DEG = (-48.8767, -123.3933)
"""Latitude and longitude: Point Nemo, 2,688 km from the nearest land."""
AUTHOR = "A. Photographer"
THUMBNAIL_WH = (320, 200)
_TAKEN = "2024:05:17 18:42:07"

_XMP = f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" aux:SerialNumber="{SERIAL}">
   <dc:creator><rdf:Seq><rdf:li>{AUTHOR}</rdf:li></rdf:Seq></dc:creator>
   <dc:description><rdf:Alt>
    <rdf:li xml:lang="x-default">A composed crowd</rdf:li>
   </rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def careless_jpeg(picture: RGB) -> bytes:
    """Encode a picture with EXIF, GPS, XMP, a comment and an embedded thumbnail.

    Args:
        picture: (h, w, 3) uint8 RGB.

    Returns:
        A baseline JPEG, always the same for the same picture and Pillow.
    """
    image = Image.fromarray(picture)
    small = BytesIO()
    image.resize(THUMBNAIL_WH, Image.Resampling.LANCZOS).save(small, "JPEG", quality=80)
    file = BytesIO()
    image.save(
        file,
        "JPEG",
        quality=92,
        subsampling="4:2:0",
        dpi=(300, 300),
        exif=_with_thumbnail(_exif().tobytes(), small.getvalue()),
        xmp=_XMP.encode(),
        comment=f"{AUTHOR}, camera {SERIAL}".encode(),
    )
    return file.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make] = "Nowhere Optical"
    exif[Base.Model] = "Nowhere One"
    exif[Base.Artist] = AUTHOR
    exif[Base.DateTime] = _TAKEN
    exif[Base.Orientation] = 1
    detail = exif.get_ifd(IFD.Exif)
    detail[Base.DateTimeOriginal] = _TAKEN
    detail[Base.BodySerialNumber] = SERIAL
    detail[Base.CameraOwnerName] = AUTHOR
    position = exif.get_ifd(IFD.GPSInfo)
    latitude, longitude = POSITION_DEG
    position[GPS.GPSLatitudeRef] = "N" if latitude >= 0 else "S"
    position[GPS.GPSLatitude] = _degrees_minutes_seconds(latitude)
    position[GPS.GPSLongitudeRef] = "E" if longitude >= 0 else "W"
    position[GPS.GPSLongitude] = _degrees_minutes_seconds(longitude)
    return exif


def _degrees_minutes_seconds(angle_deg: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(abs(angle_deg) * 3600, 60)
    degrees, minutes = divmod(minutes, 60)
    return degrees, minutes, round(seconds, 2)


def _with_thumbnail(exif: bytes, thumbnail: bytes) -> bytes:
    """Append a second directory (IFD1) that holds a JPEG thumbnail; Pillow writes none.

    Source: EXIF 2.32, 4.5.5 and TIFF 6.0, section 2.
    """
    header = b"Exif\0\0"
    tiff = bytearray(exif.removeprefix(header))
    order = "<" if tiff[:2] == b"II" else ">"
    (first,) = struct.unpack_from(order + "I", tiff, 4)
    (entries,) = struct.unpack_from(order + "H", tiff, first)
    tiff += b"\0" * (len(tiff) % 2)
    start = len(tiff)
    struct.pack_into(order + "I", tiff, first + 2 + 12 * entries, start)
    fields = ((259, 3, 6), (513, 4, start + 2 + 3 * 12 + 4), (514, 4, len(thumbnail)))
    tiff += struct.pack(order + "H", len(fields))
    for tag, kind, value in fields:
        # A short sits in the first two of the four bytes of its value.
        packed = (
            struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
        )
        tiff += struct.pack(order + "HHI", tag, kind, 1) + packed
    return header + bytes(tiff + b"\0\0\0\0" + thumbnail)
