"""Three companies, their people, and random requests through the real API, compared with a model after each."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend.settings import Settings
from tests.support.depth import depth
from tests.tenancy.access_rules import AccessRules
from tests.tenancy.world import Company, Someone, Talk, events_of, marker

PEOPLE, COMPANIES, MOST_COMPANIES = 4, 3, 5
ROLES = ("admin", "member", "support", "viewer")
FOREIGN_PATHS = (
    "/dashboard",
    "/c-suite/conversations",
    "/c-suite/executives",
    "/roles",
    "/roles/owner",
    "/team/members",
    "/team/invitations",
    "/api-keys",
    "/audit",
    "/audit/checkpoints",
)
some = st.integers(0, 99)


class Tenancy(AccessRules):
    """Numbers drawn by Hypothesis choose among what there is at the time."""

    @initialize(roles=st.lists(st.sampled_from(ROLES), min_size=2, max_size=2))
    def begin(self, roles: list[str]) -> None:
        people = [self.world.enter() for _ in range(PEOPLE)]
        companies = [self.world.found(person) for person in people[:COMPANIES]]
        # One person is a member of two companies, another of one that is not theirs, everybody else of one.
        self.world.add_member(companies[0], people[1], roles[0])
        self.world.add_member(companies[1], people[3], roles[1])
        for person, company in zip(people, companies, strict=False):
            self._talk(person, company, "hello")

    def own_talk(self, number: int) -> tuple[Someone, Company, Talk] | None:
        found = [
            (person, company, talk)
            for company in self.world.companies
            for person, talks in company.talks.items()
            for talk in talks
            if "chat.use" in company.holds(person)
        ]
        return found[number % len(found)] if found else None

    @precondition(lambda self: len(self.world.companies) < MOST_COMPANIES)
    @rule(who=some)
    def create_company(self, who: int) -> None:
        self.world.found(self.person(who))

    @rule(who=some, where=some, role=st.sampled_from(ROLES))
    def add_member(self, who: int, where: int, role: str) -> None:
        person, company = self.person(who), self.company(where)
        if person not in company.roles:
            self.world.add_member(company, person, role)

    @rule(who=some)
    def list_companies(self, who: int) -> None:
        person = self.person(who)
        mine = {
            company.id: (company.name, company.highest(person), sorted(company.holds(person)))
            for company in self.world.companies
            if person in company.roles
        }
        listed = self.world.ask(person, "GET", "/tenants").json()
        assert {item["id"]: (item["name"], item["role"]) for item in listed["items"]} == {
            company_id: (name, role) for company_id, (name, role, _) in mine.items()
        }
        me = self.world.ask(person, "GET", "/me").json()
        assert {
            item["tenant"]["id"]: (item["tenant"]["name"], item["role"], item["permissions"])
            for item in me["memberships"]
        } == mine
        assert me["user"]["id"] == str(person.user_id)

    @rule(pick=some, name=st.sampled_from(["Works", "Labs", "Ünïcode & Söhne"]))
    def rename_company(self, pick: int, name: str) -> None:
        person, company = self.membership(pick)
        wanted = f"{name} {company.mark}"
        changed = self.world.ask(person, "PATCH", f"/tenants/{company.id}", about=company, json={"name": wanted})
        if self.world.expect(person, company, "company.update", changed):
            assert changed.status_code == 200
            company.name = wanted

    @rule(pick=some, size=st.sampled_from(["1", "11-50", None]))
    def save_profile(self, pick: int, size: str | None) -> None:
        person, company = self.membership(pick)
        text = f"{company.mark} makes robots"
        profile = {"industry": company.mark, "size": size, "currency": "EUR", "goals": [text], "description": text}
        saved = self.world.ask(person, "PUT", f"/tenants/{company.id}/profile", about=company, json=profile)
        if self.world.expect(person, company, "company.update", saved):
            assert saved.status_code == 200
            company.profile = profile

    @rule(pick=some)
    def read_company(self, pick: int) -> None:
        person, company = self.member_who_may(pick, "company.read", "dashboard.read")
        path = f"/tenants/{company.id}"
        read = self.world.ask(person, "GET", path, about=company).json()
        assert (read["id"], read["name"], read["role"]) == (company.id, company.name, company.highest(person))
        profile = self.world.ask(person, "GET", f"{path}/profile", about=company).json()["profile"]
        assert profile.items() >= (company.profile or {"industry": "", "goals": []}).items()
        assert self.world.ask(person, "GET", f"{path}/onboarding", about=company).json()["step"] == "profile"
        dashboard = self.world.ask(person, "GET", "/dashboard", company=company).json()
        assert dashboard["tenant_id"] == company.id
        board = self.world.ask(person, "POST", "/c-suite/board-meeting", company=company, json={"topic": company.mark})
        if self.world.expect(person, company, "board.convene", board):
            assert board.status_code == 200

    @rule(pick=some)
    def read_usage(self, pick: int) -> None:
        person, company = self.member_who_may(pick, "company.read")
        usage = self.world.ask(person, "GET", f"/tenants/{company.id}/usage", about=company).json()
        used = {line["metric"]: line["used"] for line in usage["lines"]}
        assert used == {"messages_per_day": company.asked, "tasks_per_day": 0, "members": len(company.roles)}

    def _talk(self, person: Someone, company: Company, words: str, talk: Talk | None = None) -> None:
        text = f"{company.mark} {person.mark} {words}"
        body = {"message": text} | ({"conversation_id": talk.id} if talk else {})
        events = events_of(self.world.ask(person, "POST", "/c-suite/ceo/chat", company=company, json=body))
        self._remember(person, company, talk, text, events)

    def _remember(
        self, person: Someone, company: Company, talk: Talk | None, text: str, events: list[tuple[str, dict[str, Any]]]
    ) -> None:
        assert [events[0][0], events[-1][0]] == ["message.started", "message.completed"]
        started, answer = events[0][1], events[-1][1]
        assert "".join(data["text"] for name, data in events if name == "message.delta") == answer["content"]
        talks = company.talks.setdefault(person, [])
        if talk is None:
            talk = Talk(started["conversation"]["id"], started["conversation"]["title"])
        else:
            talks.remove(talk)
        assert started["conversation"]["id"] == talk.id
        talk.messages += [(started["question"]["id"], "user", text), (answer["id"], "assistant", answer["content"])]
        talks.insert(0, talk)
        company.asked += 1

    @rule(pick=some, words=st.sampled_from(["What next?", "And the runway?", "Ünïcode 🚀"]))
    def ask_anew(self, pick: int, words: str) -> None:
        person, company = self.membership(pick)
        if "chat.use" in company.holds(person):
            self._talk(person, company, words)
        else:
            body = {"message": words}
            asked = self.world.ask(person, "POST", "/c-suite/ceo/chat", company=company, json=body)
            self.world.expect(person, company, "chat.use", asked)

    @rule(pick=some)
    def ask_on(self, pick: int) -> None:
        if found := self.own_talk(pick):
            self._talk(found[0], found[1], "Go on", found[2])

    @rule(pick=some)
    def regenerate(self, pick: int) -> None:
        if not (found := self.own_talk(pick)):
            return
        person, company, talk = found
        path = f"/c-suite/messages/{talk.messages[-1][0]}/regenerate"
        answer = events_of(self.world.ask(person, "POST", path, company=company))[-1][1]
        talk.messages[-1] = (answer["id"], "assistant", answer["content"])
        company.asked += 1
        company.talks[person].remove(talk)
        company.talks[person].insert(0, talk)

    @rule(pick=some)
    def resume(self, pick: int) -> None:
        if found := self.own_talk(pick):
            person, company, talk = found
            path = f"/c-suite/messages/{talk.messages[-1][0]}/stream"
            name, data = events_of(self.world.ask(person, "GET", path, company=company))[-1]
            assert (name, data["content"]) == ("message.completed", talk.messages[-1][2])

    @rule(pick=some, limit=st.sampled_from([1, 2, 50]))
    def list_talks(self, pick: int, limit: int) -> None:
        person, company = self.member_who_may(pick, "chat.read")
        listed = self._pages(person, company, "/c-suite/conversations", limit)
        talks = company.talks.get(person, [])
        assert [(item["id"], item["title"]) for item in listed] == [(talk.id, talk.title) for talk in talks]

    @rule(pick=some, limit=st.sampled_from([1, 3, 50]))
    def read_talk(self, pick: int, limit: int) -> None:
        if not (found := self.own_talk(pick)):
            return
        person, company, talk = found
        path = f"/c-suite/conversations/{talk.id}"
        assert self.world.ask(person, "GET", path, company=company).json()["title"] == talk.title
        listed = self._pages(person, company, f"{path}/messages", limit)
        assert [(item["id"], item["role"], item["content"]) for item in listed] == talk.messages[::-1]

    def _pages(self, person: Someone, company: Company, path: str, limit: int) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.world.ask(person, "GET", path, company=company, params={"limit": limit, **cursor}).json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    @rule(pick=some, other=some)
    def search(self, pick: int, other: int) -> None:
        person, company = self.member_who_may(pick, "chat.read")
        for word in (self.company(other).mark, self.person(other).mark, marker()):
            found = self.world.ask(
                person, "GET", "/c-suite/conversations", company=company, params={"q": word, "limit": 100}
            ).json()["items"]
            mine = word in {company.mark, person.mark}
            assert [item["id"] for item in found] == [talk.id for talk in company.talks.get(person, []) if mine]

    @rule(pick=some)
    def rename_talk(self, pick: int) -> None:
        if found := self.own_talk(pick):
            person, company, talk = found
            talk.title = f"Renamed {company.mark} {person.mark} {marker()}"
            path = f"/c-suite/conversations/{talk.id}"
            assert self.world.ask(person, "PATCH", path, company=company, json={"title": talk.title}).status_code == 200

    @rule(pick=some)
    def delete_talk(self, pick: int) -> None:
        if found := self.own_talk(pick):
            person, company, talk = found
            path = f"/c-suite/conversations/{talk.id}"
            assert self.world.ask(person, "DELETE", path, company=company).status_code == 204
            company.talks[person].remove(talk)
            assert self.world.ask(person, "GET", path, company=company).status_code == 404

    @rule(who=some, pick=some)
    def reach_for_a_foreign_company(self, who: int, pick: int) -> None:
        person = self.person(who)
        strange = [company for company in self.world.companies if person not in company.roles]
        if not strange:
            return
        foreign = strange[pick % len(strange)].id
        alike = self.world.alike
        for path in ("", "/profile", "/onboarding", "/usage"):
            alike(person, "GET", f"/tenants/{{}}{path}", foreign)
        alike(person, "PATCH", "/tenants/{}", foreign, json={"name": "Taken over"})
        alike(person, "PUT", "/tenants/{}/profile", foreign, json={"description": "x"})
        alike(person, "PATCH", "/tenants/{}/onboarding", foreign, json={"step": "done"})
        named: dict[str, Any] = {"headers": {"X-Tenant-Id": "{}"}}
        for path in FOREIGN_PATHS:
            alike(person, "GET", path, foreign, **named)
        alike(person, "POST", "/c-suite/ceo/chat", foreign, json={"message": "hello"}, **named)
        alike(person, "POST", "/c-suite/board-meeting", foreign, json={}, **named)

    @rule(who=some, pick=some)
    def reach_for_a_foreign_talk(self, who: int, pick: int) -> None:
        """From another company, or of somebody else in the same."""
        if not (found := self.own_talk(pick)):
            return
        person, company = self.member_who_may(who, "chat.use", "chat.read")
        owner, home, talk = found
        if (owner, home) == (person, company):
            return
        message, alike = talk.messages[-1][0], self.world.alike
        path = "/c-suite/conversations/{}"
        alike(person, "GET", path, talk.id, company=company)
        alike(person, "PATCH", path, talk.id, company=company, json={"title": "Taken over"})
        alike(person, "DELETE", path, talk.id, company=company)
        alike(person, "GET", f"{path}/messages", talk.id, company=company)
        alike(
            person,
            "POST",
            "/c-suite/ceo/chat",
            talk.id,
            company=company,
            json={"message": "x", "conversation_id": "{}"},
        )
        alike(person, "POST", "/c-suite/messages/{}/regenerate", message, company=company)
        alike(person, "POST", "/c-suite/messages/{}/stop", message, company=company)
        alike(person, "GET", "/c-suite/messages/{}/stream", message, company=company)

    @rule(pick=some, number=some)
    def use_a_foreign_cursor(self, pick: int, number: int) -> None:
        """A cursor names a place in an order, and opens nothing."""
        person, company = self.member_who_may(pick, "chat.read")
        other, foreign = self.member_who_may(number, "chat.read")
        path = "/c-suite/conversations"
        cursor = self.world.ask(other, "GET", path, company=foreign, params={"limit": 1}).json()["next_cursor"]
        if cursor:
            page = self.world.ask(person, "GET", path, company=company, params={"cursor": cursor}).json()
            assert {item["id"] for item in page["items"]} <= {talk.id for talk in company.talks.get(person, [])}

    @rule(who=some)
    def repeat_a_key_in_another_company(self, who: int) -> None:
        person = self.person(who)
        mine = [company for company in self.world.companies if "chat.use" in company.holds(person)]
        if len(mine) < 2:
            return
        headers = {"Idempotency-Key": marker()}
        body = {"message": f"{person.mark} once"}
        options: dict[str, Any] = {"headers": headers, "json": body}
        events = events_of(self.world.ask(person, "POST", "/c-suite/ceo/chat", company=mine[0], **options))
        self._remember(person, mine[0], None, body["message"], events)
        again = self.world.ask(person, "POST", "/c-suite/ceo/chat", company=mine[1], **options)
        assert "idempotency-replayed" not in again.headers  # another company's key, and a question of its own
        self._remember(person, mine[1], None, body["message"], events_of(again))

    @rule(who=some, path=st.sampled_from(["/dashboard", "/c-suite/conversations", "/c-suite/executives"]))
    def name_no_company(self, who: int, path: str) -> None:
        person = self.person(who)
        missing = self.world.ask(person, "GET", path, new=True)
        assert (missing.status_code, missing.json()["code"]) == (400, "tenant_required")
        for garbage in ("", "x", "0", person.mark, "00000000-0000-0000-0000-00000000000g"):
            wrong = self.world.ask(person, "GET", path, company=garbage, new=True)
            assert wrong.status_code in {400, 404, 422}


def test_no_request_crosses_from_one_company_to_another(settings: Settings, api_url: str) -> None:
    with asyncio.Runner() as runner:
        machine = type("Bound", (Tenancy,), {"app": settings, "base_url": api_url, "runner": runner})
        run_state_machine_as_test(machine, settings=_profile(depth()))


def _profile(times: int) -> Any:
    return hypothesis_settings(
        max_examples=5 * times,
        stateful_step_count=25,
        deadline=None,
        derandomize=times == 1,
        phases=[Phase.generate] if times == 1 else [Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
