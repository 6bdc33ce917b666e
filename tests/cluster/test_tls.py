"""A cluster behind TLS, by Dask's own settings: who has no certificate of its authority stays outside."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install hashmatch[cluster]")
pytest.importorskip("cryptography", reason="needs cryptography, to make certificates")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.command_line import run_command
from tests.support.dask_cluster import dask
from tests.support.index_runs import locations
from tests.support.repository import FIXTURES

pytestmark = pytest.mark.timeout(300)


def certificates(folder: Path) -> dict[str, str]:
    """A certificate that is its own authority, and the settings of Dask that ask for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    made = made.not_valid_after(now + datetime.timedelta(days=9))
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    folder.mkdir()
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, plain))
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    prefix = "DASK_DISTRIBUTED__COMM__"
    settings = {f"{prefix}REQUIRE_ENCRYPTION": "True", f"{prefix}TLS__CA_FILE": str(folder / "cert.pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"{prefix}TLS__{role}__CERT"] = str(folder / "cert.pem")
        settings[f"{prefix}TLS__{role}__KEY"] = str(folder / "key.pem")
    return settings


def test_only_with_a_certificate_of_its_authority(tmp_path: Path) -> None:
    ours, theirs = certificates(tmp_path / "ours"), certificates(tmp_path / "theirs")
    quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
    with dask(tmp_path / "dask", 1, ours) as started:
        assert started.address.startswith("tls://")
        index = ("index", FIXTURES / "archive" / "towns", "--cluster", started.address)
        assert run_command(*index, db=tmp_path / "ours.db", **ours).code == 0
        assert len(locations(tmp_path / "ours.db")) == 5
        for settings in (theirs, {}):
            ran = run_command(*index, db=tmp_path / "theirs.db", **settings, **quick)
            assert ran.code == 2
            assert started.address in ran.err.splitlines()[-1]
            assert locations(tmp_path / "theirs.db") == set()
