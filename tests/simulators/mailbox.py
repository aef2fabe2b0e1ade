"""A mail server on loopback that keeps what it gets, and can be told to refuse or to hang.

with Mailbox(tls=authority.valid("localhost"), password="…") as box:
    box.port, box.mails
    box.answers["RCPT"] = "450 4.2.0 later"     # or DATA, MAIL
"""

from __future__ import annotations

import asyncio
import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.simulators.certificates import Identity


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived."""

    sender: str
    to: tuple[str, ...]
    raw: bytes
    over_tls: bool
    user: str | None

    @property
    def letter(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, subtype: str) -> str:
        """The text of ``text/plain`` or ``text/html``."""
        found = self.letter.get_body((subtype,))
        assert found is not None
        return str(found.get_content())


class _Controller(Controller):
    def _trigger_server(self) -> None:
        # Its first connection goes to the port it was told, which was 0.
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class Mailbox:
    """Serves SMTP while the ``with`` block lasts; with ``tls`` by STARTTLS, or from the first byte if ``implicit``."""

    def __init__(
        self, tls: Identity | None = None, *, implicit: bool = False, user: str = "archive", password: str = ""
    ) -> None:
        self.mails: list[Mail] = []
        self.answers: dict[str, str] = {}
        """Answers in place of the good ones, by command (``MAIL``, ``RCPT``, ``DATA``, ``AUTH``)."""
        self.refused: dict[str, str] = {}
        """Answers for single recipients."""
        self.hangs = False
        self._released = asyncio.Event()
        self._logins = {user.encode(): password.encode()} if password else {}
        context = tls.server_context() if tls else None
        options: dict[str, Any] = {"ssl_context": context} if implicit else {}
        starttls: dict[str, Any] = (
            {} if implicit or context is None else {"tls_context": context, "require_starttls": True}
        )
        self._controller = _Controller(
            self,
            "127.0.0.1",
            0,
            authenticator=self._judge,
            auth_required=bool(password) and not implicit,  # it would warn: it does not see that TLS is there already
            auth_require_tls=not implicit,
            enable_SMTPUTF8=True,
            server_hostname="mailbox.invalid",
            **starttls,
            **options,
        )

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.loop.call_soon_threadsafe(self._released.set)
        self._controller.stop()

    def _judge(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if "AUTH" in self.answers:
            return AuthResult(success=False, handled=False, message=self.answers["AUTH"])
        fine = isinstance(data, LoginPassword) and self._logins.get(data.login) == data.password
        return AuthResult(success=fine, handled=False, auth_data=data)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.hangs:
            await self._released.wait()
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 fine")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.refused.get(address) or self.answers.get("RCPT")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 fine"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        user = session.auth_data.login.decode() if session.authenticated else None
        over_tls = session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None
        self.mails.append(Mail(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content, over_tls, user))
        return "250 taken"
