"""Whoever copies words out of a message finds the message by them, whatever the language."""

import unicodedata
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.domains.csuite.passages import folded, passage, words_of
from backend.kernel.db.database import Database
from backend.kernel.db.tenancy import TenantContext
from tests.conftest import SignIn
from tests.support.people import Member
from tests.support.sse import ask

WRITTEN = (
    "Die Vertriebsstrategie für Q3 liegt bei anna.schmidt+q3@example.co.uk, siehe https://example.com/a/b?c=1#d. "
    "Datei: bericht_v2.10.3-final.tar.gz, Telefon +49 (30) 1234-567. Das **kostet 12**% mehr, `make_up`, Café. "
    "我们需要新的销售策略。 日本語の検索 ทดสอบการค้นหา हिन्दी खोज 한국어검색 ٱلْعَرَبِيَّة Straße İstanbul"
)


@pytest.fixture
async def member(someone: SignIn) -> Member:
    return await (await someone()).found("Acme Robotics")


async def search(member: Member, words: str) -> list[dict[str, object]]:
    answer = await member.request("GET", "/c-suite/conversations", params={"q": words})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


@pytest.mark.parametrize(
    "words",
    [
        "Vertriebsstrategie",
        "strategie",
        "STRATEGIE vertrieb",
        "anna.schmidt+q3@example.co.uk",
        "https://example.com/a/b?c=1#d",
        "bericht_v2.10.3-final.tar.gz",
        "2.10.3",
        "+49 (30) 1234-567",
        "kostet 12% mehr",
        "make_up",
        "Café",
        unicodedata.normalize("NFD", "Café"),
        "cafe",
        "销售策略",
        "策略",
        "検索",
        "ค้นหา",
        "हिन्दी",
        "खोज",
        "검색",
        unicodedata.normalize("NFD", "한국어"),
        "ٱلْعَرَبِيَّة",
        "straße",
        "istanbul",
        "stra\u00adtegie",
    ],
)
async def test_words_copied_out_of_a_message_find_it(member: Member, words: str) -> None:
    events = await ask(member, f"Zu den Zahlen: {WRITTEN}")
    question = events[0].data["question"]["id"]
    await ask(member, "Something else altogether")
    (found,) = await search(member, words)
    match = found["match"]
    assert isinstance(match, dict)
    assert match["message_id"] in {question, events[0].data["message"]["id"]}
    assert any(part["hit"] for part in match["passage"])


async def test_all_words_have_to_stand_in_one_text(member: Member) -> None:
    await ask(member, "Orchids and pricing")
    assert len(await search(member, "pric orch")) == 1
    assert await search(member, "orchids zebra") == []
    assert await search(member, "** _ ` \\") == []


async def test_a_title_is_found_too_and_says_so(member: Member) -> None:
    events = await ask(member, "Short")
    path = f"/c-suite/conversations/{events[0].data['conversation']['id']}"
    await member.request("PATCH", path, json={"title": "Quarterly *Großhandel*"})
    (found,) = await search(member, "großhandel")
    assert found["match"] == {
        "message_id": None,
        "passage": [{"text": "Quarterly ", "hit": False}, {"text": "Großhandel", "hit": True}],
    }
    assert [item["match"] for item in (await member.request("GET", "/c-suite/conversations")).json()["items"]] == [None]


async def test_what_a_definer_function_finds_is_the_persons_own(member: Member, db: Database) -> None:
    await ask(member, "Secret zebra")
    stranger = TenantContext(member.tenant_id, uuid4())
    for context, count in ((TenantContext(member.tenant_id, member.person.user_id), 1), (stranger, 0)):
        async with db.transaction(context) as session:
            found = await session.execute(text("SELECT * FROM util.search_conversations(ARRAY['zebra'])"))
            assert len(found.all()) == count


async def test_a_page_reaches_an_old_message(member: Member) -> None:
    first = await ask(member, "The very first")
    conversation = str(first[0].data["conversation"]["id"])
    for number in range(4):
        await ask(member, f"Number {number}", conversation_id=conversation)
    question = first[0].data["question"]["id"]
    path = f"/c-suite/conversations/{conversation}/messages"
    short = (await member.request("GET", path, params={"limit": 2})).json()
    assert len(short["items"]) == 2
    reaching = (await member.request("GET", path, params={"limit": 2, "through": question})).json()
    assert [item["id"] for item in reaching["items"]][-1] == question
    assert len(reaching["items"]) == 10
    assert reaching["next_cursor"] is None
    rest = (await member.request("GET", path, params={"limit": 2, "through": str(UUID(int=0))})).json()
    assert len(rest["items"]) == 10


LETTERS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


@given(LETTERS, LETTERS)
def test_a_passage_is_the_text_and_marks_the_words(before: str, after: str) -> None:
    parts = passage(f"{before} needle {after}", ["NEEDLE"])
    assert any(part.hit and folded(part.text) == "needle" for part in parts)
    assert all(part.text for part in parts)
    assert len("".join(part.text for part in parts)) <= 202


@given(LETTERS)
def test_words_have_something_to_compare(searched: str) -> None:
    assert all(folded(word) for word in words_of(searched))
    assert len(words_of(searched)) <= 8


async def test_database_and_passages_compare_alike(owner: AsyncConnection) -> None:
    for sample in (
        WRITTEN,
        "İI\u0131i ǅ ﬁ ½ ﷺ",
        "a\u00adb\u200bc\u2060d\ufeffe",
        "e\u0301\u0302 한\u1100\u1161",
        "*a*_b_`c`~d~\\e",
    ):
        assert await owner.scalar(text("SELECT util.searchable(:sample)"), {"sample": sample}) == folded(sample)
