"""Mail by SMTP: STARTTLS or TLS from the first byte, certificates checked, plain text with HTML beside it."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.alert.interface import Channel, ChannelFailed, ChannelKind, Dial, Message, Surroundings, one_line
from archiver.alert.options import Options, Secret
from archiver.deadline import Deadline

if TYPE_CHECKING:
    import smtplib
    import ssl

MAX_SUBJECT = 250
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9/_.-]+")
_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f]{1,64}@[^\s@<>()\[\]\\,;:\"\x00-\x1f]{1,255}")
PORTS = {"starttls": 587, "implicit": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail server and those who get its mail; satisfies ``Channel``."""

    name: str
    host: str
    port: int
    tls: str
    sender: str
    to: tuple[str, ...]
    user: str
    password: Secret | None
    ca_file: Path | None
    timeout_s: float
    dial: Dial
    kind: str = "email"

    @property
    def target(self) -> str:
        """Server and recipients."""
        return f"{', '.join(self.to)} by {self.host}:{self.port}"

    def send(self, message: Message) -> None:
        """Hand the mail to the server for every recipient; one that is refused makes the delivery a failure.

        All get the same ``Message-ID`` again with the next try, by which mail programs know a mail they have.
        """
        import smtplib

        letter = self.letter(message)
        password = self.password.first_line() if self.password else ""
        with Deadline(self.timeout_s) as deadline:
            try:
                refused = self._deliver(letter, password, deadline)
            except ChannelFailed:
                raise
            except (smtplib.SMTPException, OSError, ValueError) as error:
                if deadline.over:
                    # What a cut connection looks like from above varies; that we cut it is known.
                    raise ChannelFailed(f"not delivered within {self.timeout_s:g} s", retry=True) from None
                raise _failure(error, password) from None
        if refused:
            code, said = max(refused.values(), key=lambda answer: answer[0])
            later = any(400 <= answer[0] < 500 for answer in refused.values())
            raise ChannelFailed(
                f"{len(refused)} of {len(self.to)} recipients refused: {_said(code, said, password)}", retry=later
            )

    def letter(self, message: Message) -> EmailMessage:
        """The mail: headers of one line each, whatever the title holds."""
        from email.policy import SMTP
        from email.utils import format_datetime

        from archiver.evidence.instant import parse_instant

        letter = EmailMessage(SMTP.clone(utf8=not all(address.isascii() for address in (self.sender, *self.to))))
        letter["Subject"] = header_text(message.subject)
        letter["From"] = self.sender
        letter["To"] = ", ".join(self.to)
        letter["Date"] = format_datetime(parse_instant(message.at))
        letter["Message-ID"] = message_id(message.id)
        letter["Auto-Submitted"] = "auto-generated"
        letter["X-Auto-Response-Suppress"] = "All"
        letter.set_content(message.text, cte="quoted-printable")
        letter.add_alternative(message.html, subtype="html", cte="quoted-printable")
        return letter

    def _deliver(self, letter: EmailMessage, password: str, deadline: Deadline) -> Mapping[str, tuple[int, bytes]]:
        """One session; returns the recipients that were refused where at least one was not."""
        import smtplib

        context = self._context() if self.tls != "none" else None
        timeout_s = self.timeout_s
        own_name = "[127.0.0.1]"  # asking for the host's full name may ask the network, without a time-out

        dial, implicit = self.dial, self.tls == "implicit"

        class Session(smtplib.SMTP):
            def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
                # The mail server is the operator's own choice and mostly stands in a private network: any address.
                connection = deadline.watch(dial(host, port, timeout, None))
                connection.settimeout(timeout)
                if context is not None and implicit:
                    return context.wrap_socket(connection, server_hostname=host)
                return connection

        server = Session(self.host, self.port, local_hostname=own_name, timeout=timeout_s)
        try:
            if self.tls == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, password)
            refused = server.send_message(letter, self.sender, list(self.to))
            _part(server)
        finally:
            server.close()
        return refused

    def _context(self) -> ssl.SSLContext:
        """Certificates are checked against the system's roots and ``ca_file``, names too."""
        import ssl

        context = ssl.create_default_context()
        if self.ca_file is not None:
            try:
                context.load_verify_locations(self.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise ChannelFailed(f"ca_file: {error.strerror or 'no certificates'}", retry=True) from None
        return context


def _part(server: smtplib.SMTP) -> None:
    """Say good-bye; the mail is taken already, whatever the server answers."""
    import contextlib
    import smtplib

    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.quit()


def header_text(text: str) -> str:
    """Return text of unknown origin as the value of a header field.

    ``=?`` begins an encoded word, which the email package decodes even in what it is given to send: a title with an
    encoded line feed in it would become a header field of its own.
    """
    return one_line(text.replace("=?", "= ?"), MAX_SUBJECT)


def message_id(identifier: str) -> str:
    """Return a stable identifier as a ``Message-ID``; one that would not be well-formed is replaced by its digest."""
    local, _, domain = identifier.partition("@")
    if (
        _DOT_ATOM.fullmatch(identifier)
        and not re.search(r"^\.|\.\.|\.$|\.@|@\.|=\?", identifier)
        and len(identifier) < 200
    ):
        return f"<{local}@{domain}>"
    return f"<{hashlib.sha256(identifier.encode('utf-8', 'replace')).hexdigest()[:40]}@evidence-archiver.invalid>"


def _failure(error: Exception, password: str) -> ChannelFailed:
    """Turn what smtplib raises into a failure: a 5xx about this mail is final, all else may pass."""
    import smtplib
    import ssl

    if isinstance(error, smtplib.SMTPAuthenticationError):
        # No word of the server: some repeat what they were given. The mail is fine; it waits for a better password.
        return ChannelFailed(f"the login was refused ({error.smtp_code})", retry=True)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = max(error.recipients.values(), key=lambda answer: answer[0])
        later = any(400 <= answer[0] < 500 for answer in error.recipients.values())
        return ChannelFailed(f"every recipient was refused: {_said(code, said, password)}", retry=later)
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return ChannelFailed(
            f"the server is not ready: {_said(error.smtp_code, error.smtp_error, password)}", retry=True
        )
    if isinstance(error, smtplib.SMTPResponseException):
        answer = _said(error.smtp_code, error.smtp_error, password)
        return ChannelFailed(f"the server refused the mail: {answer}", retry=not 500 <= error.smtp_code < 600)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ChannelFailed("the server lacks STARTTLS, a way to log in, or SMTPUTF8 for these addresses", retry=True)
    if isinstance(error, UnicodeEncodeError):
        return ChannelFailed("user or password has characters beyond ASCII, which cannot be sent", retry=True)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return ChannelFailed("the server closed the connection", retry=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return ChannelFailed(f"the server's certificate was refused: {error.verify_message}", retry=True)
    if isinstance(error, TimeoutError):
        return ChannelFailed("no answer in time", retry=True)
    if isinstance(error, OSError):
        return ChannelFailed(f"no connection: {error.strerror or type(error).__name__}", retry=True)
    return ChannelFailed(f"not delivered: {type(error).__name__}", retry=True)


def _said(code: int, said: bytes | str, password: str) -> str:
    """Return a server's answer for people, without the password should it stand there."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    text = text.replace(password, "…") if password else text
    return f"{code} {one_line(text, 120)}"


class MailKind:
    """Makes channels of kind ``email``; satisfies ``ChannelKind``."""

    name = "email"

    def open(self, name: str, keys: Mapping[str, Any], surroundings: Surroundings) -> Channel:
        """Return the channel; ``SettingsError`` for a key, an address or a combination that cannot be meant."""
        options = Options(name, keys, surroundings)
        host = options.text("host")
        tls = options.choice("tls", ("starttls", "implicit", "none"))
        port = options.whole("port", PORTS[tls], 1, 65535)
        sender = _address(options, "from", options.text("from"))
        to = tuple(_address(options, "to", address) for address in options.texts("to"))
        user = options.text("user", "")
        password = options.secret("password", required=bool(user))
        ca_file = options.path("ca_file", required=False)
        options.end()
        if user and tls == "none":
            raise options.wrong("tls", "must not be none with a user: the password would go in the clear")
        try:
            host = _ascii_host(host)
        except UnicodeError:
            raise options.wrong("host", "is no host name") from None
        return Mail(
            name, host, port, tls, sender, to, user, password, ca_file, surroundings.timeout_s, surroundings.dial
        )


def _ascii_host(host: str) -> str:
    """Return a host name as DNS knows it (IDNA 2008); an address stays as it is."""
    import idna

    if host.isascii():
        return host
    return idna.encode(host, uts46=True).decode("ascii")


def _address(options: Options, key: str, address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise options.wrong(key, "must be an address such as name@example.org")
    local, _, domain = address.partition("@")
    try:
        return f"{local}@{_ascii_host(domain)}"
    except UnicodeError:
        raise options.wrong(key, "has a domain that is no host name") from None


PLUGIN: ChannelKind = MailKind()
