"""The first bytes of formats that have a signature, and what is decoded or refused by them.

Signatures come from the specifications of the formats, from FFmpeg's demuxers, and from
https://www.garykessler.net/library/file_sigs.html.
"""

from __future__ import annotations

from hashmatch.media.media_type import MediaType

_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51\0", "JPEG2000"),
    (b"icns\0", "ICNS"),
    (b"DDS \x7c\0\0\0", "DDS"),
    (b"qoif\0", "QOI"),
    (b"8BPS\0\x01", "PSD"),
    (b"\x59\xa6\x6a\x95", "SUN"),
    (b"\xb1\x68\xde\x3a", "DCX"),
)
_FFMPEG_STILLS: tuple[tuple[bytes, str], ...] = (
    (b"\x76\x2f\x31\x01", "exr"),
    (b"#?RADIANCE", "hdr"),
    (b"#?RGBE", "hdr"),
    (b"SDPX", "dpx"),
    (b"XPDS", "dpx"),
    *((b"P7\n" + line, "pam") for line in (b"#", b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL", b"TUPLTYPE")),
)
_FILMS: tuple[tuple[bytes, str], ...] = (
    (b"\x1a\x45\xdf\xa3", "matroska,webm"),
    *((b"FLV" + bytes([version]), "flv") for version in range(1, 5)),
    (b"KDK\0\0", "kux"),
    (b"OggS\0", "ogg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "asf"),
    (b"\0\0\x01\xba", "mpeg"),
    (b"\0\0\x01\xbb\0", "mpeg"),  # a programme stream without its first pack
    (b".RMF\0", "rm"),
    (b".R1M\0", "ivr"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", "mxf"),
    (b"\x1f\x07\x00\x3f", "dv"),
    (b"\x1f\x07\x00\xbf", "dv"),
    (b"DKIF\0\0", "ivf"),
    (b"nut/multimedia container\0", "nut"),
    (b"\xb7\xd8\x00\x20\x37\x49\xda\x11\xa6\x4e\x00\x07\xe9\x5e\xad\x8d", "wtv"),
    (b"\0\0\0\0\x01\xbc", "gxf"),
    (b"YUV4MPEG2 ", "yuv4mpegpipe"),
    (b"NSVf", "nsv"),
    (b"NSVs", "nsv"),
    (b"NuppelVideo\0", "nuv"),
    (b"MythTVVideo\0", "nuv"),
    (b"\0\x0d\x0aVersion:Vivo/", "vivo"),
    (b"LEITCH\0\0", "lxf"),
    (b"BIKb", "bink"),
    (b"BIKf", "bink"),
    (b"BIKg", "bink"),
    (b"BIKh", "bink"),
    (b"BIKi", "bink"),
    (b"BIKk", "bink"),
    (b"KB2", "bink"),
    (b"SMK2", "smk"),
    (b"SMK4", "smk"),
    *((sign + bytes([version]), "swf") for sign in (b"FWS", b"CWS", b"ZWS") for version in range(1, 60)),
    (b"\x12\x00\x0a", "obu"),  # a temporal delimiter of AV1, then a sequence header with its size
    (b"\0\x0aSMJPEG", "smjpeg"),
    (b"\x84\x10\xff\xff\xff\xff", "roq"),
    (b"\0\0\x01\x0f", "vc1"),
)
_RAW: tuple[tuple[bytes, str], ...] = (
    (b"IIRO", "Olympus"),
    (b"IIRS", "Olympus"),
    (b"MMOR", "Olympus"),
    (b"IIU\0", "Panasonic"),
    (b"FUJIFILMCCD-RAW ", "Fujifilm"),
    (b"II\x1a\0\0\0HEAPCCDR", "Canon"),
    (b"\0MRM", "Minolta"),
    (b"FOVb", "Sigma"),
    (b"ARRI\x12\x34\x56\x78", "ARRI"),
)
# Recognised and refused: no decoder that we have reads them, or they point to other files (as FFmpeg's concat scripts do).
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"ffconcat", "ffconcat script"),
    (b"#EXTM3U", "M3U playlist"),
    (b"[playlist]", "PLS playlist"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"8BPS\0\x02", "Photoshop's large format (PSB)"),
    (b"BBCD\0", "Dirac without a container"),  # FFmpeg counts its frames in millionths of a second
    (b"BPG\xfb", "BPG"),
    (b"FLIF", "FLIF"),
    (b"\xff\x10\xff\x50", "JPEG XS"),
    (b"\0\0\0\x0cJXS \r\n\x87\n", "JPEG XS"),
    (b"AT&TFORM", "DjVu"),
    (b"\xd7\xcd\xc6\x9a", "Windows Metafile"),
    (b"\x01\0\x09\0\0\x03", "Windows Metafile"),
    (b"gimp xcf ", "GIMP's XCF"),
    (b"\x8aMNG\r\n\x1a\n", "MNG"),
    (b"\x8bJNG\r\n\x1a\n", "JNG"),
    (b"\x80\x2a\x5f\xd7", "Cineon"),
    (b"\xd7\x5f\x2a\x80", "Cineon"),
    (b"SIMPLE  =", "FITS"),
    (b"%bitmap", "Khoros"),
    (b"RIVE", "Rive animation"),
)

#: (signature, type): the first that a file begins with is its type.
AT_START: tuple[tuple[bytes, MediaType], ...] = (
    *((sign, MediaType("pillow", name)) for sign, name in _PICTURES),
    *((sign, MediaType("ffmpeg-still", name)) for sign, name in _FFMPEG_STILLS),
    *((sign, MediaType("pyav", name)) for sign, name in _FILMS),
    *((sign, MediaType("raw", name)) for sign, name in _RAW),
    (b"\xff\x0a", MediaType("jxl", "JPEG XL")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", MediaType("jxl", "JPEG XL")),
    (b"II\xbc\x01", MediaType("imagecodecs", "JPEG XR")),
    *((sign, MediaType(None, name)) for sign, name in _REFUSED),
)
