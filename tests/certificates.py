"""A certificate authority for tests, which issues certificates for addresses."""

import base64
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from task_gateway.model import Manifest

_KEY_USES = {
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "encipher_only": False,
    "decipher_only": False,
}


class Authority:
    """A certificate authority in memory; its certificates are valid for an hour."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
        self._certificate = (
            _builder(name, name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **_KEY_USES), critical=True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The authority's own certificate."""
        return _pem(self._certificate)

    def issue(self, address: str) -> tuple[bytes, bytes]:
        """Return a certificate for an IP address, and its key, as PEM."""
        return self._sign(address, x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]))

    def issue_client(self, user: str, *groups: str) -> tuple[bytes, bytes]:
        """Return a client certificate for a user and its groups, and its key, as PEM."""
        return self._sign(user, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), *groups)

    def _sign(self, name: str, extension: x509.ExtensionType, *organizations: str) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        units = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
        subject = x509.Name([*units, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(subject, self._certificate.subject, key.public_key())
            .add_extension(extension, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return _pem(certificate), private

    def secret(self, name: str, namespace: str, address: str) -> Manifest:
        """Return a Secret of type kubernetes.io/tls with a key and a certificate for an IP address."""
        certificate, private = self.issue(address)
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": namespace},
            "data": {"tls.crt": _encoded(certificate), "tls.key": _encoded(private)},
        }

    def client(self) -> ssl.SSLContext:
        """Return the TLS context of a client that only trusts this authority and verifies the address."""
        return ssl.create_default_context(cadata=self.pem.decode())


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
