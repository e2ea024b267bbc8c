"""A mail server that keeps nothing: aiosmtpd on 127.0.0.1, which tells each mail as a line.

    smtpd.py PORT [implicit|starttls CERTIFICATE KEY]

With a certificate it speaks TLS: from the first byte, or by STARTTLS and not without. The first line says where it listens.
Like many servers on the internet it turns an address away that it has not heard of (greylisting), when its name begins with
`greylisted`: the first try gets a 451, the next one is taken.
"""

import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from lines import answer, say


def told(part):
    return {"type": part.get_content_type(), "charset": part.get_content_charset(), "text": part.get_content()}


def version(server):
    """Of the TLS that the mail came by; None: it came in clear."""
    connection = server.transport.get_extra_info("ssl_object")
    return connection and connection.version()


class Told:
    """Tells mails instead of delivering them."""

    def __init__(self):
        self.known = set()

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address.startswith("greylisted") and address not in self.known:
            self.known.add(address)
            say({"turned_away": address})
            return "451 4.7.1 Please try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        say(
            {
                "mail_from": envelope.mail_from,
                "rcpt_to": envelope.rcpt_tos,
                "tls": version(server),
                "from": mail["from"],
                "to": mail["to"],
                "subject": mail["subject"],
                "date": mail["date"],
                "type": mail.get_content_type(),
                "parts": [told(part) for part in mail.iter_parts()] if mail.is_multipart() else [told(mail)],
            }
        )
        return "250 OK"


def by_tls(how, certificate, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    if how == "implicit":
        return {"ssl_context": context}
    return {"tls_context": context, "require_starttls": True}


port = int(sys.argv[1])
server = Controller(Told(), hostname="127.0.0.1", port=port, **(by_tls(*sys.argv[2:]) if sys.argv[2:] else {}))
server.start()
say({"listening": port})
# Nothing is asked: this waits for the end of the story.
answer(lambda ask: ask)
server.stop()
