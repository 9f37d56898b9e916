"""The demonstration data: two companies that differ in everything a page shows, their teams, and what they asked."""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from module_sdk.api.access import ApiKeyCreate, InvitationCreate, RoleCreate
from module_sdk.api.identity import RoleKey
from module_sdk.api.tenants import Profile

_NAMES: Final = UUID("0f6c1a52-5d0b-5c27-9e0a-2f1f4e6a7c11")
"""Name space of the demonstration's ids: the same person has the same id wherever they are seeded."""


class DemoPerson(NamedTuple):
    """Somebody with a local account."""

    full_name: str
    email: str

    @property
    def id(self) -> UUID:
        """The same on every machine."""
        return uuid5(_NAMES, f"person/{self.email}")


class DemoTalk(NamedTuple):
    """A conversation with the CEO: who began it how long ago, and what they asked, ten minutes apart."""

    person: DemoPerson
    ago: timedelta
    questions: tuple[str, ...]


class DemoCompany(NamedTuple):
    """A company; the first of its people is its owner, who has made its own roles, open invitations and API keys."""

    name: str
    slug: str
    profile: Profile
    people: tuple[tuple[DemoPerson, RoleKey], ...]
    talks: tuple[DemoTalk, ...]
    roles: tuple[RoleCreate, ...] = ()
    invitations: tuple[InvitationCreate, ...] = ()
    api_keys: tuple[ApiKeyCreate, ...] = ()

    @property
    def id(self) -> UUID:
        """The same on every machine."""
        return uuid5(_NAMES, f"company/{self.slug}")

    def talk_id(self, index: int) -> UUID:
        """The id of one of its conversations."""
        return uuid5(_NAMES, f"company/{self.slug}/talk/{index}")


ADA: Final = DemoPerson("Ada Lindqvist", "demo.ada@example.com")
BEN: Final = DemoPerson("Ben Okafor", "demo.ben@example.com")
CARLA: Final = DemoPerson("Carla Mendes", "demo.carla@example.com")
DMITRI: Final = DemoPerson("Dmitri Vogel", "demo.dmitri@example.com")
ELENA: Final = DemoPerson("Elena Park", "demo.elena@example.com")
FARID: Final = DemoPerson("Farid Nasser", "demo.farid@example.com")
GRACE: Final = DemoPerson("Grace Olsen", "demo.grace@example.com")
HENRIK: Final = DemoPerson("Henrik Sato", "demo.henrik@example.com")
INES: Final = DemoPerson("Inés Bauer", "demo.ines@example.com")

ROBOTICS: Final = DemoCompany(
    name="Northwind Robotics",
    slug="demo-northwind-robotics",
    profile=Profile(
        industry="Industrial robotics",
        size="51-200",
        stage="series_a",
        country="DE",
        currency="EUR",
        time_zone="Europe/Berlin",
        goals=["Double recurring revenue this year", "Open a service hub in Poland", "Cut commissioning to ten days"],
        description="We build and maintain picking robots for medium-sized warehouses and sell them by the month.",
    ),
    people=(
        (ADA, "owner"),
        (BEN, "admin"),
        (CARLA, "member"),
        (HENRIK, "support"),
        (INES, "analyst"),
        (DMITRI, "viewer"),
    ),
    roles=(
        RoleCreate(
            name="Analyst",
            key="analyst",
            description="Reads the figures and the audit log, and exports it.",
            permissions=[
                "company.read",
                "dashboard.read",
                "chat.read",
                "members.read",
                "roles.read",
                "audit.read",
                "audit.export",
            ],
        ),
    ),
    invitations=(InvitationCreate(email="demo.jonas@example.com", roles=["member"], expires_in_days=14),),
    api_keys=(
        ApiKeyCreate(
            name="Weekly figures for the board", permissions=["company.read", "dashboard.read"], expires_in_days=180
        ),
    ),
    talks=(
        DemoTalk(
            ADA,
            timedelta(days=6, hours=3),
            (
                "What should we focus on this quarter?",
                "And what would you stop doing to make room for it?",
                "Write that as three lines that I can send to the team.",
            ),
        ),
        DemoTalk(ADA, timedelta(days=1, hours=5), ("How do we cut commissioning from fourteen days to ten?",)),
        DemoTalk(
            BEN,
            timedelta(days=3, hours=1),
            (
                "Is a service hub in Poland the right next step, or should we use partners first?",
                "Which number would tell us after three months that we were wrong?",
            ),
        ),
        DemoTalk(CARLA, timedelta(hours=7), ("Draft an update for our investors.",)),
    ),
)

CLINICS: Final = DemoCompany(
    name="Lakeside Clinics",
    slug="demo-lakeside-clinics",
    profile=Profile(
        industry="Outpatient healthcare",
        size="11-50",
        stage="profitable",
        country="US",
        currency="USD",
        time_zone="America/Chicago",
        goals=["Fill ninety percent of appointments", "Open a third clinic without a loan"],
        description="Two physiotherapy clinics with their own booking service, paid by insurers and by patients.",
    ),
    people=((ELENA, "owner"), (FARID, "admin"), (GRACE, "member"), (HENRIK, "support"), (ADA, "viewer")),
    invitations=(InvitationCreate(email="demo.karin@example.com", roles=["support", "viewer"], expires_in_days=14),),
    talks=(
        DemoTalk(
            ELENA,
            timedelta(days=4, hours=2),
            (
                "Which three risks could hurt us most, and what do we do about them?",
                "Who should own the first one?",
            ),
        ),
        DemoTalk(FARID, timedelta(days=2), ("How do we fill the empty appointments on Friday afternoons?",)),
        DemoTalk(GRACE, timedelta(hours=9), ("What should I tell the front desk about no-shows?",)),
    ),
)

COMPANIES: Final = (ROBOTICS, CLINICS)


def everybody() -> dict[DemoPerson, str]:
    """Every person with where they belong, such as ``owner of Northwind Robotics, viewer of Lakeside Clinics``."""
    found: dict[DemoPerson, list[str]] = {}
    for company in COMPANIES:
        for person, role in company.people:
            found.setdefault(person, []).append(f"{role} of {company.name}")
    return {person: ", ".join(places) for person, places in found.items()}
