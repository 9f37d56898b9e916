"""What people are sent when they are invited."""

from typing import Final
from urllib.parse import quote

from backend.domains.access.invitations import IssuedInvitation
from backend.kernel.mail.mailer import Mail, Mailer
from module_sdk.api.access import Invitation, InvitationSent

_TEXT: Final = """\
Hello,

{inviter} invites you to join {company} on OCSuite, as {roles}.

To accept, open this link and sign in with {email}, or open an account with that address:

{link}

The link works once and until {expires:%d %B %Y, %H:%M} UTC.

If you did not expect this mail, you can ignore it: nothing happens unless you accept.
"""


class InvitationPost:
    """Sends invitations, once they are committed. ``web_url`` is the web app's origin."""

    def __init__(self, mailer: Mailer, web_url: str) -> None:
        self._mailer = mailer
        self._web_url = web_url

    async def send(self, issued: IssuedInvitation) -> InvitationSent:
        """Send the link; where no mail server is configured the answer has it, for the inviter to hand over."""
        link = f"{self._web_url}/invite?token={quote(issued.token)}"
        outcome = await self._mailer.send(_mail(issued.invitation, issued.company, link))
        return InvitationSent(
            invitation=issued.invitation, mail=outcome, link=link if outcome == "not_configured" else None
        )


def _mail(invitation: Invitation, company: str, link: str) -> Mail:
    inviter = invitation.invited_by.full_name if invitation.invited_by else "Somebody"
    text = _TEXT.format(
        inviter=inviter,
        company=company,
        roles=" and ".join(role.name for role in invitation.roles),
        email=invitation.email,
        link=link,
        expires=invitation.expires_at,
    )
    return Mail(to=invitation.email, subject=f"{inviter} invites you to {company}", text=text)
