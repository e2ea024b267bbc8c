"""An authority for certificates that nobody trusts but who is told to, and certificates of its own (cryptography).

    authority.py FOLDER

A question names whom a certificate is for, and since when, in days: {"name": "localhost", "days": -1}. With the name it
answers where certificate and key are. The authority's own certificate is FOLDER/ca.pem, which is there when the first line is
said.
"""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lines import answer, say

folder = Path(sys.argv[1])
made = 0


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def begun(subject, issuer, key, since):
    """A certificate of ten days."""
    start = datetime.now(timezone.utc) + timedelta(days=since)
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=10))
    )


AUTHORITY = "An authority of these stories"
own_key = ec.generate_private_key(ec.SECP256R1())
own = (
    begun(AUTHORITY, AUTHORITY, own_key, -1)
    .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    .sign(own_key, hashes.SHA256())
)


def issue(ask):
    global made
    made += 1
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        begun(ask["name"], AUTHORITY, key, ask["days"])
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ask["name"])]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(own_key, hashes.SHA256())
    )
    paths = {"certificate": folder / f"{made}.pem", "key": folder / f"{made}.key"}
    paths["certificate"].write_bytes(pem(certificate))
    paths["key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return {name: str(path) for name, path in paths.items()}


(folder / "ca.pem").write_bytes(pem(own))
say({"authority": str(folder / "ca.pem")})
answer(issue)
