"""The `md5sum` format: see `checksums`."""

from hashmatch.exchange.checksums import checksum_format

FORMAT = checksum_format("md5sum", "md5", tag=rb"MD5", bare_is_telling=True)
