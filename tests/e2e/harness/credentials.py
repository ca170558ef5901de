"""The tiny certificate authority of one control plane, its keys, and kubeconfigs."""

import base64
import datetime as dt
import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A run lasts minutes; the margin before now is for a clock that was just set back.
_LIFE = dt.timedelta(days=2)
_MARGIN = dt.timedelta(hours=1)

_PURPOSES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class Authority:
    """Signs the certificates of one control plane; all its files live in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject("watchkit-e2e-ca")
        builder = _builder(self._name, self._name, self._key)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(_usage("key_cert_sign"), critical=True)
        self.ca_file = _write(directory / "ca.crt", _pem(self._sign(builder)))

    def server_certificate(self, name: str, address: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key for a server at an IP `address`."""
        names: list[x509.GeneralName] = [x509.DNSName("localhost")]
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
        return self._issue(name, _subject(name), ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client_certificate(self, name: str, groups: Sequence[str] = ()) -> tuple[Path, Path]:
        """Return the files of a certificate and its key that say: user `name` in `groups`."""
        return self._issue(name, _subject(name, groups), ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def signing_key(self, name: str) -> tuple[Path, Path]:
        """Return the files of a private and a public RSA key, for service account tokens."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return (
            _write(self._directory / f"{name}.key", _private_pem(key)),
            _write(self._directory / f"{name}.pub", public),
        )

    def _issue(
        self,
        file_name: str,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        names: Sequence[x509.GeneralName],
    ) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self._name, key)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(_usage("digital_signature"), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)

        stem = file_name.replace("/", "_").replace(":", "_")
        return (
            _write(self._directory / f"{stem}.crt", _pem(self._sign(builder))),
            _write(self._directory / f"{stem}.key", _private_pem(key)),
        )

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        # Python 3.13 verifies strictly: without this extension it refuses the chain.
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return builder.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())


def write_kubeconfig(
    path: Path,
    url: str,
    *,
    ca_file: Path | None = None,
    token: str | None = None,
    certificate: tuple[Path, Path] | None = None,
) -> Path:
    """Write a kubeconfig with one context and return its path.

    It is JSON, which every YAML reader takes, and holds its certificates inline, so that it may
    outlive the files that it was made from.
    """
    cluster: dict[str, str] = {"server": url}
    user: dict[str, str] = {}
    if ca_file is not None:
        cluster["certificate-authority-data"] = _inline(ca_file)
    if token is not None:
        user["token"] = token
    if certificate is not None:
        user["client-certificate-data"] = _inline(certificate[0])
        user["client-key-data"] = _inline(certificate[1])
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "e2e", "cluster": cluster}],
        "users": [{"name": "e2e", "user": user}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}],
        "current-context": "e2e",
    }
    return _write(path, json.dumps(config, indent=1).encode())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - _MARGIN).not_valid_after(now + _LIFE)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False)


def _usage(purpose: str) -> x509.KeyUsage:
    purposes = dict.fromkeys(_PURPOSES, False)
    return x509.KeyUsage(**{**purposes, purpose: True})


def _subject(name: str, groups: Sequence[str] = ()) -> x509.Name:
    organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _write(path: Path, content: bytes) -> Path:
    """Write a file that only its owner reads: keys and tokens are in most of them."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
